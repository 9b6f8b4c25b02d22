//! NPY, NumPy's own format for one array.
//!
//! Its header is the text of a Python dictionary. It is read here, strictly, and not by a parser of Python:
//! those recurse as deep as a hostile header asks them to.

use super::budget::Budget;
use super::elements::{ElementKind, Endian, fill, tensor_of};
use super::spelling::{counted, grouped, quoted};
use super::tensor::TensorHeader;
use super::{FileData, FileError, FileTensor, elements, gzip};
use qnn_ir::interrupt::work;
use std::io::Read;
use std::sync::Arc;

const MAGIC: &[u8] = b"\x93NUMPY";
/// The longest header that is read; NumPy itself refuses one past 10,000 bytes.
const MAX_HEADER: usize = 1 << 16;

/// Reads an NPY file, gzipped or not. Fortran order is turned into C order.
pub fn read(bytes: &[u8]) -> Result<FileTensor, FileError> {
    let bytes = gzip::unpack(bytes)?;
    array(&mut &*bytes, bytes.len() as u64, &mut Budget::new())
}

/// The array of an NPY file that is not compressed, or is unpacked while it is read. `most` bounds how long it may be.
pub(super) fn array(mut source: &mut dyn Read, most: u64, budget: &mut Budget) -> Result<FileTensor, FileError> {
    let header = NpyHeader::parse(&header_text(&mut source)?)?;
    let array = tensor_of(header.kind, header.endian, header.shape, source, most, budget)?;
    if header.fortran { to_c_order(array, budget) } else { Ok(array) }
}

/// Refuses an array that needs too much memory by what its first bytes claim.
pub(super) fn affordable(mut head: &[u8]) -> Result<(), FileError> {
    let header = header_text(&mut head).and_then(|text| NpyHeader::parse(&text));
    header.map_or(Ok(()), |header| elements::affordable(header.kind, &header.shape, &Budget::new()))
}

/// The element type and the shape.
pub(super) fn header(mut source: &mut dyn Read) -> Result<TensorHeader, FileError> {
    let header = NpyHeader::parse(&header_text(&mut source)?)?;
    Ok(TensorHeader { element_type: header.kind.name().to_owned(), shape: header.shape })
}

/// The text of the header; the data follow in `source`.
fn header_text(source: &mut dyn Read) -> Result<String, FileError> {
    let foreign = || {
        FileError::new("is not an NPY file: those begin with the byte 0x93 and `NUMPY`")
            .help("save the array with `numpy.save`")
    };
    let mut magic = [0; MAGIC.len()];
    if fill(source, &mut magic)? < MAGIC.len() || magic != MAGIC {
        return Err(foreign());
    }
    let [major, _] = part::<2>(source)?;
    let length = match major {
        1 => u32::from(u16::from_le_bytes(part(source)?)),
        2 | 3 => u32::from_le_bytes(part(source)?),
        _ => {
            return Err(FileError::new(format!("is of NPY version {major}, where 1 to 3 are known"))
                .help("it is damaged, or newer than this program; save it again with `numpy.save`"));
        }
    };
    let length = length as usize;
    if length > MAX_HEADER {
        return Err(FileError::new(format!(
            "has a header of {}, where {} are the most",
            counted(length as u64, "byte"),
            grouped(MAX_HEADER as u64)
        ))
        .help("it is damaged; download or export it again"));
    }
    let mut text = vec![0; length];
    if fill(source, &mut text)? < length {
        return Err(cut());
    }
    String::from_utf8(text).map_err(|_| damaged("it is not text"))
}

/// The next bytes of a header.
fn part<const N: usize>(source: &mut dyn Read) -> Result<[u8; N], FileError> {
    let mut bytes = [0; N];
    if fill(source, &mut bytes)? < N { Err(cut()) } else { Ok(bytes) }
}

fn cut() -> FileError {
    FileError::new("ends within its header").help("it looks cut short; download or export it again")
}

/// The error of a header that NumPy doesn't write.
fn damaged(why: &str) -> FileError {
    FileError::new(format!("has a damaged header: {why}")).help("download it again, or save it again with `numpy.save`")
}

/// What an NPY header says.
#[derive(Debug, PartialEq)]
struct NpyHeader {
    kind: ElementKind,
    endian: Endian,
    fortran: bool,
    shape: Vec<usize>,
}

impl NpyHeader {
    /// Parses `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`, the keys in any order.
    fn parse(text: &str) -> Result<NpyHeader, FileError> {
        let mut text = NpyText { rest: text };
        let (mut element, mut fortran, mut shape) = (None, None, None);
        text.expect('{')?;
        while !text.eat('}') {
            let key = text.string()?;
            text.expect(':')?;
            let new = match key {
                "descr" => element.replace(text.descr()?).is_none(),
                "fortran_order" => fortran.replace(text.boolean()?).is_none(),
                "shape" => shape.replace(text.shape()?).is_none(),
                _ => return Err(damaged(&format!("it holds the unknown key {}", quoted(key)))),
            };
            if !new {
                return Err(damaged(&format!("it holds the key `{key}` twice")));
            }
            if !text.eat(',') {
                text.expect('}')?;
                break;
            }
        }
        text.end()?;
        let missing = |key: &str| damaged(&format!("it lacks the key `{key}`"));
        let (kind, endian) = element.ok_or_else(|| missing("descr"))?;
        Ok(NpyHeader {
            kind,
            endian,
            fortran: fortran.ok_or_else(|| missing("fortran_order"))?,
            shape: shape.ok_or_else(|| missing("shape"))?,
        })
    }
}

/// The rest of a header's text.
struct NpyText<'a> {
    rest: &'a str,
}

impl<'a> NpyText<'a> {
    /// Steps over white space and then over `symbol`, if it comes next.
    fn eat(&mut self, symbol: char) -> bool {
        self.rest = self.rest.trim_start();
        self.rest.strip_prefix(symbol).map(|rest| self.rest = rest).is_some()
    }

    fn expect(&mut self, symbol: char) -> Result<(), FileError> {
        if self.eat(symbol) { Ok(()) } else { Err(self.unexpected(&format!("`{symbol}`"))) }
    }

    fn unexpected(&self, wanted: &str) -> FileError {
        let found: String = self.rest.chars().take(20).collect();
        if found.is_empty() {
            damaged(&format!("{wanted} is missing at its end"))
        } else {
            damaged(&format!("{wanted} is missing before {}", quoted(&found)))
        }
    }

    /// The text up to where `is_part` ends.
    fn word(&mut self, is_part: impl Fn(char) -> bool) -> &'a str {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    /// A quoted string without escapes.
    fn string(&mut self) -> Result<&'a str, FileError> {
        let quote = if self.eat('\'') {
            '\''
        } else if self.eat('"') {
            '"'
        } else {
            return Err(self.unexpected("a quoted text"));
        };
        let (string, rest) = self.rest.split_once(quote).ok_or_else(|| damaged("a quoted text has no end"))?;
        self.rest = rest;
        Ok(string)
    }

    fn boolean(&mut self) -> Result<bool, FileError> {
        match self.word(|c| c.is_ascii_alphabetic()) {
            "True" => Ok(true),
            "False" => Ok(false),
            _ => Err(self.unexpected("`True` or `False`")),
        }
    }

    /// `()`, `(3,)`, `(3, 4)`; Python 2 wrote `(3L, 4L)`.
    fn shape(&mut self) -> Result<Vec<usize>, FileError> {
        let mut shape = Vec::new();
        self.expect('(')?;
        while !self.eat(')') {
            let digits = self.word(|c| c.is_ascii_digit());
            if digits.is_empty() {
                return Err(self.unexpected("a size"));
            }
            shape.push(digits.parse().map_err(|_| damaged(&format!("the size {} is absurd", quoted(digits))))?);
            self.eat('L');
            if !self.eat(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(shape)
    }

    fn descr(&mut self) -> Result<(ElementKind, Endian), FileError> {
        self.rest = self.rest.trim_start();
        if self.rest.starts_with('[') {
            return Err(FileError::new("holds a structured array, whose elements are records of several fields").help(
                "save each field as an array of its own: `numpy.savez(path, **{f: a[f] for f in a.dtype.names})`",
            ));
        }
        element_type(self.string()?)
    }

    /// Nothing but white space may follow.
    fn end(&self) -> Result<(), FileError> {
        let rest = self.rest.trim();
        if rest.is_empty() { Ok(()) } else { Err(damaged(&format!("{} follows it", quoted(rest)))) }
    }
}

/// The element type of a NumPy type string such as `<f4`.
fn element_type(descr: &str) -> Result<(ElementKind, Endian), FileError> {
    let (endian, code) = match descr.strip_prefix('>') {
        Some(code) => (Endian::Big, code),
        None => (Endian::Little, descr.strip_prefix(['<', '|', '=']).unwrap_or(descr)),
    };
    let kind = match code {
        "b1" | "?" => ElementKind::Bool,
        "u1" => ElementKind::U8,
        "u2" => ElementKind::U16,
        "u4" => ElementKind::U32,
        "u8" => ElementKind::U64,
        "i1" => ElementKind::I8,
        "i2" => ElementKind::I16,
        "i4" => ElementKind::I32,
        "i8" => ElementKind::I64,
        // NumPy has no type for bfloat16: the ones of JAX and TensorFlow are saved as two bytes of no type.
        "V2" => ElementKind::Bf16,
        "f2" => ElementKind::F16,
        "f4" => ElementKind::F32,
        "f8" => ElementKind::F64,
        _ => {
            let (what, help) = match code.chars().next() {
                Some('f') => ("extended-precision floats", "save it as doubles: `a.astype(\"float64\")`"),
                Some('c') => ("complex numbers", "save real numbers: `a.real.astype(\"float32\")`"),
                Some('O') => (
                    "Python objects, which could run any program when they are read",
                    "save numbers: `a.astype(\"float32\")`, or `numpy.stack(a)` where the objects are arrays",
                ),
                Some('U' | 'S' | 'a') => (
                    "texts",
                    "save numbers: `a.astype(\"float32\")`, or `numpy.unique(a, return_inverse=True)[1]` for names of classes",
                ),
                Some('M' | 'm') => ("dates or durations", "save numbers: `a.astype(\"int64\")`"),
                Some('V') => (
                    "raw bytes of no known type",
                    "save it as floats, `a.astype(\"float32\")`, or as integers, `a.astype(\"int8\")`",
                ),
                _ => ("elements of an unknown type", "save numbers: `a.astype(\"float32\")`"),
            };
            return Err(
                FileError::new(format!("holds {what} (dtype {}), not numbers", quoted(&dtype(descr)))).help(help)
            );
        }
    };
    Ok((kind, endian))
}

/// A type string as NumPy shows it: `complex64` for `<c8`.
fn dtype(descr: &str) -> String {
    let code = descr.trim_start_matches(['<', '>', '|', '=']);
    let Some((kind, size)) = code.split_at_checked(1) else { return descr.to_owned() };
    let bits = |name: &str| match size.parse::<u32>() {
        Ok(bytes) if bytes <= 64 => format!("{name}{}", 8 * bytes),
        _ => descr.to_owned(),
    };
    match kind {
        "f" => bits("float"),
        "c" => bits("complex"),
        "O" => "object".to_owned(),
        "M" => format!("datetime64{}", size.trim_start_matches('8')),
        "m" => format!("timedelta64{}", size.trim_start_matches('8')),
        _ => descr.to_owned(),
    }
}

/// The tensor whose elements lie in Fortran order (first axis fastest) with its elements in C order (last axis fastest).
fn to_c_order(tensor: FileTensor, budget: &mut Budget) -> Result<FileTensor, FileError> {
    // Axes of size 1 don't move anything.
    let sizes: Vec<usize> = tensor.shape.iter().copied().filter(|size| *size != 1).collect();
    if sizes.len() < 2 || tensor.data.is_empty() {
        return Ok(tensor);
    }
    let data = match &tensor.data {
        FileData::Bytes(v) => {
            budget.take_elements(v.len(), 1)?;
            FileData::Bytes(permuted(v, &sizes))
        }
        FileData::Integers(v) => {
            budget.take_elements(v.len(), 8)?;
            FileData::Integers(permuted(v, &sizes))
        }
        FileData::Floats(v) => {
            budget.take_elements(v.len(), 8)?;
            FileData::Floats(permuted(v, &sizes))
        }
        FileData::Decimals(_) | FileData::Text(_) => tensor.data,
    };
    Ok(FileTensor { data, ..tensor })
}

/// The elements in C order; `fortran` holds as many as the sizes, each at least 2, ask for.
fn permuted<T: Copy>(fortran: &[T], sizes: &[usize]) -> Arc<[T]> {
    // Per axis: its size, the distance between neighbours along it, the index on it.
    let mut stride = 1;
    let mut axes: Vec<(usize, usize, usize)> = Vec::new();
    for size in sizes {
        axes.push((*size, stride, 0));
        stride *= size;
    }
    let mut at = 0;
    let mut ordered = Vec::with_capacity(fortran.len());
    while let Some(element) = fortran.get(at) {
        work(4);
        ordered.push(*element);
        if ordered.len() == fortran.len() {
            break;
        }
        for (size, stride, index) in axes.iter_mut().rev() {
            if *index + 1 < *size {
                *index += 1;
                at += *stride;
                break;
            }
            at -= *index * *stride;
            *index = 0;
        }
    }
    ordered.into()
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::corrupt;
    use super::*;
    use npyz::WriterBuilder;
    use proptest::prelude::*;

    /// An NPY file of version 1 as NumPy writes it.
    fn npy(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = [MAGIC, &[1, 0], &(header.len() as u16).to_le_bytes(), header.as_bytes()].concat();
        bytes.extend_from_slice(data);
        bytes
    }

    pub(in super::super) fn simple(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        npy(&format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}   \n"), data)
    }

    fn message<T: std::fmt::Debug>(result: Result<T, FileError>) -> String {
        result.unwrap_err().message
    }

    #[test]
    fn both_orders() {
        let c = read(&simple("|i1", "False", "(2, 3)", &[1, 2, 3, 4, 5, 6])).unwrap();
        assert_eq!((c.shape.as_slice(), c.element_type), ([2, 3].as_slice(), "int8"));
        let fortran = read(&simple("<i1", "True", "(2, 1, 3, 1)", &[1, 4, 2, 5, 3, 6])).unwrap();
        assert_eq!(fortran.shape, [2, 1, 3, 1]);
        assert_eq!((&c.data, &fortran.data), (&FileData::Integers([1, 2, 3, 4, 5, 6].into()), &c.data));
        assert_eq!(read(&gzip::pack(&simple("|u1", "False", "()", &[9]))).unwrap().shape, [] as [usize; 0]);
        assert_eq!(read(&simple("|u1", "True", "(0L, 3L)", &[])).unwrap().shape, [0, 3]);
        assert_eq!(read(&simple(">f2", "False", "(1,)", &[0x3e, 0])).unwrap().data, FileData::Floats([1.5].into()));
    }

    #[test]
    fn reads_what_another_implementation_writes() {
        let mut bytes = Vec::new();
        let mut writer =
            npyz::WriteOptions::new().default_dtype().shape(&[2, 2]).writer(&mut bytes).begin_nd().unwrap();
        writer.extend([0.1f32, -2.0, f32::INFINITY, 3.5]).unwrap();
        writer.finish().unwrap();
        let tensor = read(&bytes).unwrap();
        assert_eq!((tensor.shape.as_slice(), tensor.element_type), ([2, 2].as_slice(), "float32"));
        assert_eq!(tensor.data, FileData::Floats([f64::from(0.1f32), -2.0, f64::INFINITY, 3.5].into()));
    }

    #[test]
    fn headers_say_what_is_wrong() {
        let of = |header: &str| message(read(&npy(header, &[])));
        assert_eq!(message(read(b"PK")), "is not an NPY file: those begin with the byte 0x93 and `NUMPY`");
        assert_eq!(message(read(b"\x93NUMPY\x04\x00")), "is of NPY version 4, where 1 to 3 are known");
        assert_eq!(
            message(read(b"\x93NUMPY\x02\x00\xff\xff\xff\xff")),
            "has a header of 4,294,967,295 bytes, where 65,536 are the most"
        );
        assert_eq!(of(""), "has a damaged header: `{` is missing at its end");
        assert_eq!(of("{'shape': (1 2)}"), "has a damaged header: `)` is missing before `2)}`");
        assert_eq!(of("{'shape': (-1,)}"), "has a damaged header: a size is missing before `-1,)}`");
        assert_eq!(of("{'shape': (), 'shape': ()}"), "has a damaged header: it holds the key `shape` twice");
        assert_eq!(of("{'shape': (), 'descr': '<f4'}"), "has a damaged header: it lacks the key `fortran_order`");
        assert_eq!(of("{'colour': 1}"), "has a damaged header: it holds the unknown key `colour`");
        assert_eq!(of("{} {}"), "has a damaged header: `{}` follows it");
        assert!(of("{'shape': (99999999999999999999,)}").contains("is absurd"));
        assert!(of("{'descr': [('a', '<f4')]}").starts_with("holds a structured array"));
        assert!(of(&"[".repeat(60_000)).contains("`{` is missing before"));
        let absurd = simple("<f8", "True", "(4294967296, 4294967296, 0)", &[]);
        assert!(message(read(&absurd)).starts_with("claims a tensor of shape [4294967296, 4294967296, 0]"));
        for (descr, what) in [
            ("<f16", "extended"),
            ("<c8", "complex"),
            ("|O", "Python objects"),
            ("<U3", "texts"),
            ("|V1", "raw bytes"),
            ("<M8[s]", "dates"),
            ("", "unknown"),
        ] {
            assert!(message(read(&simple(descr, "False", "()", &[]))).contains(what), "{descr}");
        }
    }

    #[test]
    fn damage_never_panics() {
        let array = simple("<f4", "True", "(2, 2)", &[7; 16]);
        corrupt::truncations(&array, |bytes| assert!(read(bytes).is_err()));
        corrupt::mutations(&array, |bytes| drop(read(bytes)));
    }

    proptest! {
        #[test]
        fn fortran_order_is_the_transpose(sizes in prop::collection::vec(1usize..5, 0..5)) {
            let count: usize = sizes.iter().product();
            let data: Vec<u16> = (0..count as u16).collect();
            let bytes: Vec<u8> = data.iter().flat_map(|n| n.to_le_bytes()).collect();
            let shape: String = sizes.iter().map(|n| format!("{n},")).collect();
            let tensor = read(&simple("<u2", "True", &format!("({shape})"), &bytes)).unwrap();
            for at in 0..count {
                // The multi-index of position `at` in C order, and from it the position in Fortran order.
                let (mut rest, mut index) = (at, vec![0; sizes.len()]);
                for axis in (0..sizes.len()).rev() {
                    index[axis] = rest % sizes[axis];
                    rest /= sizes[axis];
                }
                let fortran = (0..sizes.len()).rev().fold(0, |n, axis| n * sizes[axis] + index[axis]);
                prop_assert_eq!(tensor.data.get(at), Some(super::super::Element::Integer(fortran as i64)));
            }
        }

        #[test]
        fn any_header_text_ends_in_a_verdict(header in "[\\PC{}()\\[\\]',:0-9]{0,80}") {
            drop(read(&npy(&header, &[0; 8])));
        }
    }
}
