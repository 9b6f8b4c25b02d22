//! Where text goes and how a command ends.
//!
//! Results go to standard output, everything about them (diagnostics, progress, notes) to standard error. Text is
//! always written with its colours; the streams drop them where they are not wanted.

use anstream::AutoStream;
use anstream::adapter::strip_str;
use clap::ColorChoice;
use owo_colors::OwoColorize;
use qnn::diagnostic::{printable, printable_lines};
use qnn::files::FileError;
pub use qnn::report::sentences::{plural, thousands};
use qnn::report::terminal_picture::Ink;
use qnn::syntax::is_command;
use serde::Serialize;
use serde_json::Value;
use std::fmt::Display;
use std::io::{BufWriter, ErrorKind, IsTerminal, Stdout, Write};
use std::path::Path;
use unicode_width::UnicodeWidthStr;

/// What a shell says of a command whose reader went away: 128 and the number of SIGPIPE.
pub const SIGPIPE: u8 = 141;
/// What a shell says of a command that was interrupted.
pub const SIGINT: i32 = 130;

/// How a command ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Exit {
    /// All is as expected.
    #[default]
    Fine,
    /// A verdict is not the expected one; a file is not formatted.
    Violated,
    /// Something is undecided.
    Undecided,
    /// The command, the spec or its files are wrong.
    Spec,
    /// Something is broken in here.
    Internal,
}

impl Exit {
    /// Of two, the one that counts: 4, 3, 1, 2, 0.
    pub fn worse(self, other: Exit) -> Exit {
        const ORDER: [Exit; 5] = [Exit::Fine, Exit::Undecided, Exit::Violated, Exit::Spec, Exit::Internal];
        let rank = |exit| ORDER.iter().position(|known| *known == exit);
        if rank(other) > rank(self) { other } else { self }
    }
}

impl From<Exit> for u8 {
    fn from(exit: Exit) -> u8 {
        match exit {
            Exit::Fine => 0,
            Exit::Violated => 1,
            Exit::Undecided => 2,
            Exit::Spec => 3,
            Exit::Internal => 4,
        }
    }
}

impl From<u8> for Exit {
    fn from(code: u8) -> Exit {
        match code {
            0 => Exit::Fine,
            1 => Exit::Violated,
            2 => Exit::Undecided,
            3 => Exit::Spec,
            _ => Exit::Internal,
        }
    }
}

/// Why a command ended early.
#[derive(Debug)]
pub enum Failure {
    /// Whoever read standard output went away: nobody is left to be told anything.
    Pipe,
    /// What to say, and how to exit.
    Message(Exit, String),
}

impl Failure {
    /// The command, the spec or its files are wrong.
    pub fn wrong(message: impl Into<String>) -> Failure {
        Failure::Message(Exit::Spec, message.into())
    }

    /// A file can't be read.
    pub fn unreadable(path: &Path, error: &FileError) -> Failure {
        let help = error.help.as_ref().map(|help| format!("\n  help: {help}")).unwrap_or_default();
        Failure::wrong(format!("`{}` {}{help}", shown(path), error.message))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        match error.kind() {
            ErrorKind::BrokenPipe => Failure::Pipe,
            _ => Failure::wrong(format!("can't write to standard output: {error}")),
        }
    }
}

/// An integer in JSON: digits in a string where it is beyond 64 bits, which a JSON number would round.
pub fn json_integer(n: i128) -> Value {
    i64::try_from(n).map_or_else(|_| n.to_string().into(), Value::from)
}

/// The two streams.
pub struct Output {
    stdout: BufWriter<AutoStream<Stdout>>,
    choice: anstream::ColorChoice,
    /// Whether standard output shows colours.
    pub color: bool,
    /// Whether standard error shows colours.
    pub error_color: bool,
}

impl Output {
    /// The streams of the process.
    pub fn new(choice: ColorChoice) -> Output {
        let choice = match choice {
            ColorChoice::Auto => anstream::ColorChoice::Auto,
            ColorChoice::Always => anstream::ColorChoice::Always,
            ColorChoice::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
        let shows = |choice| choice != anstream::ColorChoice::Never;
        let stdout = AutoStream::new(std::io::stdout(), choice);
        Output {
            color: shows(stdout.current_choice()),
            error_color: shows(anstream::stderr().current_choice()),
            stdout: BufWriter::new(stdout),
            choice,
        }
    }

    /// What pictures can be drawn with on standard output.
    pub fn ink(&self) -> Ink {
        let full = std::env::var("COLORTERM").is_ok_and(|v| v == "truecolor" || v == "24bit");
        match (self.color, full || self.choice == anstream::ColorChoice::Always) {
            (false, _) => Ink::Plain,
            (true, true) => Ink::TrueColor,
            (true, false) => Ink::Palette,
        }
    }

    /// Whether both streams are a terminal that a progress display may move about in.
    pub fn is_interactive(&self) -> bool {
        let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
        std::io::stderr().is_terminal() && !dumb
    }

    /// A line on standard output.
    pub fn line(&mut self, text: impl Display) -> Result<(), Failure> {
        writeln!(self.stdout, "{text}")?;
        Ok(())
    }

    /// Text on standard output as it is.
    pub fn text(&mut self, text: impl Display) -> Result<(), Failure> {
        write!(self.stdout, "{text}")?;
        Ok(())
    }

    /// A document as JSON, without characters that a terminal acts on. Such a one is part of a string, where an escape says the same.
    pub fn json(&mut self, document: &impl Serialize) -> Result<(), Failure> {
        let pretty = serde_json::to_string_pretty(document)
            .map_err(|error| Failure::Message(Exit::Internal, format!("this has no JSON: {error}")))?;
        self.json_text(&pretty)
    }

    /// The same of a document that is text already.
    pub fn json_text(&mut self, document: &str) -> Result<(), Failure> {
        let document = document.trim_end_matches('\n');
        let mut text = String::with_capacity(document.len());
        for c in document.chars() {
            if c != '\n' && is_command(c) {
                text.push_str(&format!("\\u{:04x}", u32::from(c)));
            } else {
                text.push(c);
            }
        }
        self.line(text)
    }

    /// Sends what was written on its way.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.stdout.flush()?;
        Ok(())
    }

    /// `note: …` on standard error. What a terminal would act on is replaced.
    pub fn remark(&self, message: impl Display) {
        self.note(format_args!("note: {}", printable_lines(&message.to_string())));
    }

    /// A line on standard error, as it is.
    pub fn note(&self, text: impl Display) {
        // There is nowhere to say that standard error is gone.
        let _ = writeln!(anstream::stderr(), "{text}");
    }

    /// `error: …` on standard error. What a terminal would act on is replaced.
    pub fn error(&self, message: impl Display) {
        self.message("error".red().bold(), &message.to_string());
    }

    /// `warning: …` on standard error, likewise.
    pub fn warning(&self, message: impl Display) {
        self.message("warning".yellow().bold(), &message.to_string());
    }

    fn message(&self, kind: impl Display, message: &str) {
        self.note(format_args!("{kind}{} {}", ":".bold(), printable_lines(message)));
    }
}

/// Says that something in here is broken. Engines catch their panics; what nobody catches ends the command with 4.
pub fn panicked(info: &std::panic::PanicHookInfo<'_>) {
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
    let what = text.unwrap_or("an unknown panic");
    let place = info.location().map(|l| format!(" ({}:{})", l.file(), l.line())).unwrap_or_default();
    let _ = writeln!(
        anstream::stderr(),
        "{}{} internal error: {what}{place}\n  This is a mistake in qnn {}, not in your spec: please report it, with the spec and this message.",
        "error".red().bold(),
        ":".bold(),
        super::version(),
    );
}

/// A path as a shell takes it: in quotes where it needs them.
pub fn quoted(path: &Path) -> String {
    let text = shown(path);
    // What no quotes can say has no better form.
    shlex::try_quote(&text).map(std::borrow::Cow::into_owned).unwrap_or(text)
}

/// A path as part of a line, without what a terminal acts on.
pub fn shown(path: &Path) -> String {
    printable(&path.display().to_string()).into_owned()
}

/// The columns of the terminal that standard output is, or as COLUMNS says. Where nothing says it, lines are as long as they are.
pub fn width() -> usize {
    let said = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok()).filter(|columns| *columns > 0);
    let terminal = || terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0));
    said.or_else(terminal).unwrap_or(usize::MAX)
}

/// The columns that a text takes, without its colours.
pub fn columns(text: &str) -> usize {
    strip_str(text).to_string().width()
}

/// Cells on a line, two spaces between them; on several, further in, where the width asks for it. Lines break between cells, and within
/// a cell, at its dots or spaces, only where it doesn't fit on a line.
pub fn flow(indent: &str, cells: &[String], width: usize) -> String {
    let further = format!("{indent}    ");
    let room = width.saturating_sub(further.len());
    let mut text = indent.to_owned();
    let mut at = indent.len();
    for (index, cell) in cells.iter().enumerate() {
        let words: Vec<&str> = match cell {
            _ if columns(cell) <= room => vec![cell],
            _ if cell.contains(" · ") => cell.split_inclusive(" · ").map(str::trim_end).collect(),
            _ => cell.split(' ').collect(),
        };
        for (number, word) in words.iter().enumerate() {
            let gap = match (index, number) {
                (0, 0) => "",
                (_, 0) => "  ",
                _ => " ",
            };
            if at + gap.len() + columns(word.trim_end()) > width && at > further.len() {
                text.truncate(text.trim_end().len());
                text.push('\n');
                text.push_str(&further);
                at = further.len();
            } else {
                text.push_str(gap);
                at += gap.len();
            }
            text.push_str(word);
            at += columns(word);
        }
    }
    text.push('\n');
    text
}

/// Rows as columns: the first left-aligned, the others as `right` says, two spaces between them. What is wider than that breaks between
/// columns, into blocks that each begin with the first.
pub fn table(rows: &[Vec<String>], right: &[usize], width: usize) -> Vec<String> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let of = |column: usize| rows.iter().filter_map(|r| r.get(column)).map(|c| columns(c)).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(of).collect();
    let first = widths.first().copied().unwrap_or(0);
    let mut blocks: Vec<Vec<usize>> = Vec::new();
    let mut taken = 0;
    for (column, own) in widths.iter().enumerate().skip(1) {
        match blocks.last_mut() {
            Some(block) if taken + 2 + own <= width => block.push(column),
            _ => {
                blocks.push(vec![column]);
                taken = first;
            }
        }
        taken += 2 + own;
    }
    if blocks.is_empty() {
        blocks.push(Vec::new());
    }
    let mut lines = Vec::new();
    for (number, block) in blocks.iter().enumerate() {
        if number > 0 {
            lines.push(String::new());
        }
        for row in rows {
            let mut line = String::new();
            for column in std::iter::once(&0).chain(block) {
                let cell = row.get(*column).map_or("", String::as_str);
                let pad = " ".repeat(widths.get(*column).map_or(0, |width| width - columns(cell)));
                if *column > 0 {
                    line.push_str("  ");
                }
                if right.contains(column) {
                    line.push_str(&pad);
                    line.push_str(cell);
                } else {
                    line.push_str(cell);
                    line.push_str(&pad);
                }
            }
            lines.push(line.trim_end().to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(cells: &[&str]) -> Vec<String> {
        cells.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn lines_break_between_cells_first() {
        let cells = texts(&["robust(i = 3)", "✗ violated", "12 ms"]);
        assert_eq!(flow("  ", &cells, 80), "  robust(i = 3)  ✗ violated  12 ms\n");
        assert_eq!(flow("  ", &cells, 28), "  robust(i = 3)  ✗ violated\n      12 ms\n");
        assert_eq!(flow("  ", &cells, 20), "  robust(i = 3)\n      ✗ violated\n      12 ms\n");
        let long = texts(&["fair", "? unknown: no engine could tell within its time"]);
        assert_eq!(flow("", &long, 24), "fair  ? unknown: no\n    engine could tell\n    within its time\n");
    }

    #[test]
    fn tables_break_between_columns() {
        let rows = [texts(&["", "bits = 4", "bits = 5"]), texts(&["eps = 1", "3/4", "4/4"])];
        assert_eq!(table(&rows, &[1, 2], 80), ["         bits = 4  bits = 5", "eps = 1       3/4       4/4"]);
        let narrow = ["         bits = 4", "eps = 1       3/4", "", "         bits = 5", "eps = 1       4/4"];
        assert_eq!(table(&rows, &[1, 2], 20), narrow);
        assert_eq!(table(&rows, &[1, 2], 0), narrow, "a column is never cut");
        assert_eq!(table(&[texts(&["宽", "b"]), texts(&["aaa", "c"])], &[], 80), ["宽   b", "aaa  c"]);
    }

    #[test]
    fn the_gravest_exit_counts() {
        let all = [0u8, 1, 2, 3, 4].map(Exit::from);
        for (position, exit) in [4u8, 3, 1, 2, 0].into_iter().enumerate() {
            for lighter in [4u8, 3, 1, 2, 0].into_iter().skip(position) {
                assert_eq!(u8::from(Exit::from(lighter).worse(exit.into())), exit);
                assert_eq!(u8::from(Exit::from(exit).worse(lighter.into())), exit);
            }
        }
        assert_eq!(all.map(u8::from), [0, 1, 2, 3, 4]);
    }
}
