//! What is wrong with a query, and where.

use crate::diagnostic::printable_lines;
use codespan_reporting::diagnostic::{Diagnostic, Label};
use codespan_reporting::files::SimpleFile;
use codespan_reporting::term::termcolor::Buffer;
use codespan_reporting::term::{self, Config};
use std::ops::Range;

/// An error of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// In a sentence without a capital and a final stop.
    pub message: String,
    /// The bytes of the text.
    pub span: Range<usize>,
    /// What stands there; may be empty.
    pub label: String,
    /// What to do.
    pub help: Option<String>,
}

impl Problem {
    /// An error at a place.
    pub fn new(message: impl Into<String>, span: Range<usize>, label: impl Into<String>) -> Problem {
        Problem { message: message.into(), span, label: label.into(), help: None }
    }

    /// Says what to do.
    pub fn help(mut self, help: impl Into<String>) -> Problem {
        self.help = Some(help.into());
        self
    }

    /// As a terminal shows it, with the text that it is about.
    pub fn render(&self, name: &str, text: &str, color: bool) -> String {
        let file = SimpleFile::new(name, printable_lines(text));
        let mut buffer = if color { Buffer::ansi() } else { Buffer::no_color() };
        let clamp = |mut at: usize| {
            at = at.min(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let (start, end) = (clamp(self.span.start), clamp(self.span.end));
        let shown = Diagnostic::error()
            .with_message(printable_lines(&self.message))
            .with_labels(vec![Label::primary((), start..end.max(start)).with_message(printable_lines(&self.label))])
            .with_notes(self.help.iter().map(|help| format!("help: {}", printable_lines(help))).collect());
        // Only writing can fail, as the range is within the text; and memory takes everything.
        let _ = term::emit_to_write_style(&mut buffer, &Config::default(), &file, &shown);
        String::from_utf8_lossy(buffer.as_slice()).into_owned()
    }
}
