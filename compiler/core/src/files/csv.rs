//! CSV tables: a line of column names, then one line a sample. Comma-separated, UTF-8, RFC 4180 quoting.
//!
//! Numbers are exact: decimals never pass through floating point. Two passes: the first finds every column's type and
//! the memory that it takes, the second reads it.

use super::budget::Budget;
use super::spelling::{counted, grouped, quoted};
use super::{FileData, FileError, FileTensor, gzip};
use csv::{ByteRecord, Reader, ReaderBuilder, Trim};
use qnn_ir::interrupt::work;
use qnn_ir::rational::{Rational, parse_decimal};
use std::collections::BTreeSet;

/// The columns of a table in the file's order: name and elements, of shape `[rows]`.
pub type Columns = Vec<(String, FileTensor)>;

/// The most columns that a table may have.
const MAX_COLUMNS: usize = 100_000;

/// Reads a CSV file, gzipped or not.
///
/// A column is of integers (`integer`) if every cell is one that fits 64 bits, else of exact decimals (`decimal`) if every
/// cell is a number, else of texts (`text`): an empty cell, `NaN` or `inf` is a text.
pub fn read(bytes: &[u8]) -> Result<Columns, FileError> {
    let bytes = gzip::unpack(bytes)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    check_text(bytes)?;
    columns(bytes, Budget::new())
}

/// The text must be UTF-8, and its quotation marks must pair up: a reader of CSV takes all after a stray one as one cell.
fn check_text(bytes: &[u8]) -> Result<(), FileError> {
    work(bytes.len());
    if let Err(error) = str::from_utf8(bytes) {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        return Err(FileError::new(format!("is not UTF-8 text: line {} holds other bytes", grouped(line as u64)))
            .help("save it as «CSV UTF-8» (spreadsheets), or with `encoding=\"utf-8\"` (Python)"));
    }
    if bytes.contains(&0) {
        return Err(FileError::new("is not text: it holds zero bytes").help("save it as «CSV UTF-8»"));
    }
    if !bytes.iter().filter(|byte| **byte == b'"').count().is_multiple_of(2) {
        return Err(FileError::new("has a quotation mark without a partner: one quoted cell never ends")
            .help("close the quoted cell; a quotation mark inside one is written twice"));
    }
    Ok(())
}

/// What the first pass finds of a column.
#[derive(Clone)]
struct Survey {
    kind: ColumnType,
    /// Memory of its cells as decimals and as texts.
    decimals: u64,
    texts: u64,
}

/// The narrowest type that holds all cells so far.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum ColumnType {
    Integer,
    Decimal,
    Text,
}

fn columns(bytes: &[u8], mut budget: Budget) -> Result<Columns, FileError> {
    let names = names(bytes)?;
    let mut surveys = vec![Survey { kind: ColumnType::Integer, decimals: 0, texts: 0 }; names.len()];
    let mut rows = 0usize;
    each_row(bytes, names.len(), |row| {
        rows += 1;
        // A row can't spend more memory than the budget, so that the survey itself ends early.
        let mut spent = 0u64;
        for (cell, survey) in row.iter().zip(&mut surveys) {
            survey.see(cell);
            spent = spent.saturating_add(survey.memory(rows));
        }
        if spent > budget.left() { Err(budget.exceeded()) } else { Ok(()) }
    })?;
    for survey in &surveys {
        budget.take(survey.memory(rows))?;
    }
    let mut cells: Vec<Cells> = surveys.iter().map(|survey| Cells::new(survey.kind, rows)).collect();
    each_row(bytes, names.len(), |row| {
        row.iter().zip(&mut cells).for_each(|(cell, column)| column.push(cell));
        Ok(())
    })?;
    Ok(names.into_iter().zip(cells).map(|(name, cells)| (name, cells.finish(rows))).collect())
}

impl Survey {
    /// Takes note of a cell.
    fn see(&mut self, cell: &[u8]) {
        let text = str::from_utf8(cell).unwrap_or_default();
        let whole = integer(text).is_some();
        if self.kind == ColumnType::Integer && !whole {
            self.kind = ColumnType::Decimal;
        }
        if self.kind <= ColumnType::Decimal {
            // Integers count as decimals as well, for a column that turns out to be of these.
            match if whole { Some(64) } else { decimal(text).map(|value| bits(&value)) } {
                Some(bits) => self.decimals = self.decimals.saturating_add(96 + bits / 8),
                None => self.kind = ColumnType::Text,
            }
        }
        self.texts = self.texts.saturating_add(40 + cell.len() as u64);
    }

    /// The bytes that the column takes in memory.
    fn memory(&self, rows: usize) -> u64 {
        match self.kind {
            ColumnType::Integer => 8 * rows as u64,
            ColumnType::Decimal => self.decimals,
            ColumnType::Text => self.texts,
        }
    }
}

fn bits(value: &Rational) -> u64 {
    value.numer().bits() + value.denom().bits()
}

/// The cell as an integer, if it is written as one that fits.
fn integer(cell: &str) -> Option<i64> {
    cell.parse().ok()
}

/// The cell as an exact number. Digit groups (`1_000`) are for specs; in a table they are no number.
fn decimal(cell: &str) -> Option<Rational> {
    if cell.contains('_') { None } else { parse_decimal(cell) }
}

/// Whether a cell is one.
pub(crate) fn is_number(cell: &str) -> bool {
    decimal(cell).is_some()
}

/// The cells of a column, as they are read.
enum Cells {
    Integers(Vec<i64>),
    Decimals(Vec<Rational>),
    Texts(Vec<String>),
}

impl Cells {
    fn new(kind: ColumnType, rows: usize) -> Cells {
        match kind {
            ColumnType::Integer => Cells::Integers(Vec::with_capacity(rows)),
            ColumnType::Decimal => Cells::Decimals(Vec::with_capacity(rows)),
            ColumnType::Text => Cells::Texts(Vec::with_capacity(rows)),
        }
    }

    /// Adds a cell; the first pass has seen that it fits.
    fn push(&mut self, cell: &[u8]) {
        let text = str::from_utf8(cell).unwrap_or_default();
        match self {
            Cells::Integers(v) => v.extend(integer(text)),
            Cells::Decimals(v) => v.extend(decimal(text)),
            Cells::Texts(v) => v.push(text.to_owned()),
        }
    }

    fn finish(self, rows: usize) -> FileTensor {
        let (data, element_type) = match self {
            Cells::Integers(v) => (FileData::Integers(v.into()), "integer"),
            Cells::Decimals(v) => (FileData::Decimals(v.into()), "decimal"),
            Cells::Texts(v) => (FileData::Text(v.into()), "text"),
        };
        FileTensor { shape: vec![rows], data, element_type }
    }
}

/// A reader over the text, which returns rows of any length. White space around cells is dropped.
fn reader(bytes: &[u8]) -> Reader<&[u8]> {
    ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).from_reader(bytes)
}

/// The column names of the first line.
fn names(bytes: &[u8]) -> Result<Vec<String>, FileError> {
    let mut header = ByteRecord::new();
    let found = reader(bytes).read_byte_record(&mut header).map_err(unreadable)?;
    if !found {
        return Err(FileError::new("is empty, where a line of column names is expected")
            .help("write the names of the columns into the first line"));
    }
    if header.len() > MAX_COLUMNS {
        return Err(FileError::new(format!(
            "has {}, where {} are the most",
            counted(header.len() as u64, "column"),
            grouped(MAX_COLUMNS as u64)
        ))
        .help("save wide data as NPY (`numpy.save`)"));
    }
    let names: Vec<String> = header.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    if names.iter().all(|name| decimal(name).is_some()) {
        return Err(FileError::new("begins with a line of numbers, where column names are expected")
            .help("write the names of the columns into the first line"));
    }
    if let [only] = names.as_slice()
        && let Some(separator) = [';', '\t'].into_iter().find(|c| only.contains(*c))
    {
        let word = if separator == ';' { "semicolons" } else { "tabs" };
        return Err(FileError::new(format!("seems to be separated by {word}, where commas are expected"))
            .help("save it as «CSV UTF-8» with commas"));
    }
    let mut seen = BTreeSet::new();
    if let Some(name) = names.iter().find(|name| !seen.insert(*name)) {
        return Err(FileError::new(format!("has two columns of the name {}", quoted(name)))
            .help("give each column a name of its own"));
    }
    Ok(names)
}

/// Calls `take` with each row after the first line; every row must have `width` cells.
fn each_row(
    bytes: &[u8],
    width: usize,
    mut take: impl FnMut(&ByteRecord) -> Result<(), FileError>,
) -> Result<(), FileError> {
    let mut reader = reader(bytes);
    let mut row = ByteRecord::new();
    let mut first = true;
    while reader.read_byte_record(&mut row).map_err(unreadable)? {
        if std::mem::take(&mut first) {
            continue;
        }
        if row.len() != width {
            let line = row.position().map_or(0, |position| position.line());
            return Err(FileError::new(format!(
                "has {} in line {}, where its first line names {}",
                counted(row.len() as u64, "cell"),
                grouped(line),
                counted(width as u64, "column")
            ))
            .help("give every line a cell for each column; a cell that holds a comma is put between quotation marks"));
        }
        // Cells are parsed twice.
        work(16 * (1 + row.len() + row.as_slice().len()));
        take(&row)?;
    }
    Ok(())
}

fn unreadable(cause: csv::Error) -> FileError {
    FileError::new(format!("can't be read as CSV ({cause})"))
}

#[cfg(test)]
mod tests {
    use super::super::corrupt;
    use super::*;
    use proptest::prelude::*;
    use qnn_ir::rational::ratio;

    const STUDENTS: &str = "\u{feff}gender,score, grade \r\nfemale,72,0.5\r\n\"male, I \"\"think\"\"\",-3,1e-2\r\n\r\n";

    fn message(text: &str) -> String {
        read(text.as_bytes()).unwrap_err().message
    }

    #[test]
    fn columns_by_name_and_type() {
        let table = read(STUDENTS.as_bytes()).unwrap();
        let names: Vec<_> = table.iter().map(|(name, tensor)| (name.as_str(), tensor.element_type)).collect();
        assert_eq!(names, [("gender", "text"), ("score", "integer"), ("grade", "decimal")]);
        assert!(table.iter().all(|(_, tensor)| tensor.shape == [2]));
        assert_eq!(table[0].1.data, FileData::Text(["female".to_owned(), "male, I \"think\"".to_owned()].into()));
        assert_eq!(table[1].1.data, FileData::Integers([72, -3].into()));
        assert_eq!(table[2].1.data, FileData::Decimals([ratio(1, 2), ratio(1, 100)].into()));
        assert_eq!(read(&gzip::pack(STUDENTS.as_bytes())).unwrap(), table);
    }

    #[test]
    fn cells_decide_the_type() {
        let kind = |cells: &str| read(format!("a\n{cells}\n").as_bytes()).unwrap()[0].1.element_type;
        assert_eq!(kind("1\n-2\n+3"), "integer");
        assert_eq!(kind("9223372036854775808"), "decimal");
        assert_eq!(kind("1\n0.1"), "decimal");
        assert_eq!(kind("0.1\n1"), "decimal");
        for text in ["1\n\"\"", "NaN", "inf", "1_000", "0x10", "1e99999", "1,5".replace(',', ";").as_str()] {
            assert_eq!(kind(text), "text", "{text}");
        }
        let header_alone = read(b"a,b\n").unwrap();
        assert_eq!((header_alone.len(), header_alone[1].1.shape.as_slice()), (2, [0].as_slice()));
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(message(""), "is empty, where a line of column names is expected");
        assert_eq!(message("a,b\n1,2\n3\n"), "has 1 cell in line 3, where its first line names 2 columns");
        assert_eq!(message("a,b\n\"x\ny\",2\n3,4,5\n"), "has 3 cells in line 4, where its first line names 2 columns");
        assert_eq!(message("a,b,a\n"), "has two columns of the name `a`");
        assert_eq!(message("1,2\n3,4\n"), "begins with a line of numbers, where column names are expected");
        assert_eq!(message("a;b\n1;2\n"), "seems to be separated by semicolons, where commas are expected");
        assert_eq!(message("a\tb\n"), "seems to be separated by tabs, where commas are expected");
        assert_eq!(message("a\n\"x\n"), "has a quotation mark without a partner: one quoted cell never ends");
        assert_eq!(message("a\n\0\n"), "is not text: it holds zero bytes");
        assert_eq!(read(b"a\nb\n\xff\n").unwrap_err().message, "is not UTF-8 text: line 3 holds other bytes");
        assert_eq!(message(&format!("a{}", ",".repeat(100_000))), "has 100,001 columns, where 100,000 are the most");
    }

    #[test]
    fn memory_is_limited() {
        let few = |text: &str, bytes| columns(text.as_bytes(), Budget::of(bytes)).map(drop);
        assert!(few("a\n1\n2\n3\n", 24).is_ok());
        assert_eq!(
            few("a\n1\n2\n3\n", 23).unwrap_err().message,
            "needs more than 23 bytes of memory when it is unpacked"
        );
        assert!(few("a\n1e4000\n1e4000\n", 2000).is_err());
        assert!(few("a\nx\ny\n", 80).is_err());
    }

    #[test]
    fn damage_never_panics() {
        corrupt::truncations(STUDENTS.as_bytes(), |bytes| drop(read(bytes)));
        corrupt::mutations(STUDENTS.as_bytes(), |bytes| drop(read(bytes)));
    }

    proptest! {
        #[test]
        fn texts_survive_quoting(cells in prop::collection::vec("[a-z\",\n;é ]{0,8}", 1..6)) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(["name", "x"]).unwrap();
            for cell in &cells {
                writer.write_record([cell.as_str(), "t"]).unwrap();
            }
            let table = read(&writer.into_inner().unwrap()).unwrap();
            let expected: Vec<String> = cells.iter().map(|cell| cell.trim().to_owned()).collect();
            prop_assert_eq!(&table[0].1.data, &FileData::Text(expected.into()));
        }
    }
}
