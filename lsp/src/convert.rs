//! Between bytes and LSP: positions in the negotiated encoding, ranges, files and URIs, diagnostics.
//!
//! Invariant: every position that a client may send has an offset, and no conversion panics: what lies beyond an end is the end.

use crate::protocol::Explained;
use qnn::db::{Db, SourceFile, normalise};
use qnn::diagnostic::{Diagnostic, Severity};
use qnn::ide::{self, FileRange};
use qnn::syntax::Span;
use std::path::{Path, PathBuf};
use tower_lsp::lsp_types::{
    self as lsp, DiagnosticRelatedInformation, DiagnosticSeverity, Location, NumberOrString, Position, Range, Url,
};

/// What a column counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// UTF-16 code units: what every client knows.
    #[default]
    Utf16,
}

/// Where the lines of a text begin.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    text: &'a str,
    starts: Vec<u32>,
    encoding: Encoding,
}

impl<'a> Lines<'a> {
    /// The lines of a text. They end with `\n`, `\r\n` or `\r`.
    pub fn new(text: &'a str, encoding: Encoding) -> Lines<'a> {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        for (at, byte) in bytes.iter().enumerate() {
            if *byte == b'\n' || *byte == b'\r' && bytes.get(at + 1) != Some(&b'\n') {
                starts.push(at as u32 + 1);
            }
        }
        Lines { text, starts, encoding }
    }

    /// A line without its end.
    fn line(&self, line: usize) -> &'a str {
        let start = self.starts.get(line).copied().unwrap_or(self.text.len() as u32) as usize;
        let end = self.starts.get(line + 1).map_or(self.text.len(), |next| *next as usize);
        self.text.get(start..end).unwrap_or_default().trim_end_matches(['\n', '\r'])
    }

    /// The byte that a position means; beyond a line's end, its end.
    pub fn offset(&self, position: Position) -> u32 {
        let line = position.line as usize;
        let Some(start) = self.starts.get(line).copied() else { return self.text.len() as u32 };
        let content = self.line(line);
        let wanted = position.character as usize;
        let column = match self.encoding {
            Encoding::Utf8 => {
                let mut column = wanted.min(content.len());
                // Within a character, its beginning.
                while !content.is_char_boundary(column) {
                    column -= 1;
                }
                column
            }
            Encoding::Utf16 => {
                let mut units = 0;
                let after = |c: char| {
                    units += c.len_utf16();
                    units <= wanted
                };
                content
                    .chars()
                    .take_while({
                        let mut after = after;
                        move |c| after(*c)
                    })
                    .map(char::len_utf8)
                    .sum()
            }
        };
        start + column as u32
    }

    /// The position of a byte.
    pub fn position(&self, offset: u32) -> Position {
        let offset = offset.min(self.text.len() as u32);
        let line = self.starts.partition_point(|start| *start <= offset).saturating_sub(1);
        let start = self.starts.get(line).copied().unwrap_or(0);
        let mut end = offset as usize;
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let before = self.text.get(start as usize..end).unwrap_or_default();
        let character = match self.encoding {
            Encoding::Utf8 => before.len(),
            Encoding::Utf16 => before.chars().map(char::len_utf16).sum(),
        };
        Position { line: line as u32, character: character as u32 }
    }

    /// The range of a span.
    pub fn range(&self, span: Span) -> Range {
        Range { start: self.position(span.start), end: self.position(span.end.max(span.start)) }
    }

    /// The span of a range.
    pub fn span(&self, range: Range) -> Span {
        let (start, end) = (self.offset(range.start), self.offset(range.end));
        Span::new(start.min(end), start.max(end))
    }

    /// The length of some of the text, in the units of the encoding.
    pub fn units(&self, span: Span) -> u32 {
        let text = self.text.get(span.start as usize..span.end as usize).unwrap_or_default();
        match self.encoding {
            Encoding::Utf8 => text.len() as u32,
            Encoding::Utf16 => text.chars().map(char::len_utf16).sum::<usize>() as u32,
        }
    }
}

/// A file's text, empty if there is none.
pub fn text(db: &dyn Db, file: SourceFile) -> &str {
    file.text(db).as_ref().map_or("", |text| text)
}

/// The path of a URI. What is no file (`untitled:Untitled-1`) gets a path of its own in `folder`, so that its relative paths mean something.
pub fn path_of(uri: &Url, folder: &Path) -> PathBuf {
    match uri.to_file_path() {
        Ok(path) => normalise(&path),
        Err(()) => {
            let name: String = uri.as_str().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
            normalise(&folder.join(format!(".{name}.qnn")))
        }
    }
}

/// The URI of a path.
pub fn uri_of(path: &Path) -> Option<Url> {
    Url::from_file_path(path).ok()
}

/// The location of a range.
pub fn location(db: &dyn Db, range: FileRange, encoding: Encoding) -> Option<Location> {
    let uri = uri_of(range.file.path(db))?;
    Some(Location { uri, range: Lines::new(text(db, range.file), encoding).range(range.span) })
}

/// The compiler's diagnostics of a file. Those of files that it uses stand at its beginning, with where they come from.
/// Where the client can explain them, codes link to their pages.
pub fn diagnostics(
    db: &dyn Db,
    file: SourceFile,
    all: &[Diagnostic],
    encoding: Encoding,
    explains: bool,
) -> Vec<lsp::Diagnostic> {
    let lines = Lines::new(text(db, file), encoding);
    let range_of = |range: FileRange| match range.file == file {
        true => Some(lines.range(range.span)),
        false => None,
    };
    all.iter()
        .filter_map(|diagnostic| {
            let first = diagnostic.labels.first()?;
            let place = ide::file_range(db, first.place);
            let own = range_of(place);
            let mut message = diagnostic.message.clone();
            if own.is_none() {
                let name = place.file.path(db).file_name().map(|n| n.to_string_lossy().into_owned());
                message = format!("in `{}`: {message}", name.unwrap_or_default());
            }
            if !first.message.is_empty() && own.is_some() {
                message.push_str(&format!(" — {}", first.message));
            }
            for note in &diagnostic.notes {
                message.push_str(&format!("\n{note}"));
            }
            if let Some(help) = &diagnostic.help {
                message.push_str(&format!("\nHelp: {help}"));
            }
            let skipped = usize::from(own.is_some());
            let related: Vec<DiagnosticRelatedInformation> = diagnostic.labels[skipped..]
                .iter()
                .filter_map(|label| {
                    let location = location(db, ide::file_range(db, label.place), encoding)?;
                    let message = if label.message.is_empty() { "here".to_owned() } else { label.message.clone() };
                    Some(DiagnosticRelatedInformation { location, message })
                })
                .collect();
            Some(lsp::Diagnostic {
                range: own.unwrap_or_default(),
                severity: Some(severity(diagnostic.severity)),
                code: Some(NumberOrString::String(diagnostic.code.to_owned())),
                code_description: Explained::uri(diagnostic.code)
                    .filter(|_| explains)
                    .map(|href| lsp::CodeDescription { href }),
                source: Some("qnn".to_owned()),
                message,
                related_information: (!related.is_empty()).then_some(related),
                ..lsp::Diagnostic::default()
            })
        })
        .collect()
}

fn severity(severity: Severity) -> DiagnosticSeverity {
    match severity {
        Severity::Error => DiagnosticSeverity::ERROR,
        Severity::Warning => DiagnosticSeverity::WARNING,
        Severity::Note => DiagnosticSeverity::INFORMATION,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32, character: u32) -> Position {
        Position { line, character }
    }

    #[test]
    fn positions_count_bytes_or_utf16_units() {
        let text = "a😀b\r\nü\n\rx";
        for (encoding, positions) in [
            (
                Encoding::Utf8,
                [
                    (0, at(0, 0)),
                    (1, at(0, 1)),
                    (5, at(0, 5)),
                    (8, at(1, 0)),
                    (10, at(1, 2)),
                    (11, at(2, 0)),
                    (13, at(3, 1)),
                ],
            ),
            (
                Encoding::Utf16,
                [
                    (0, at(0, 0)),
                    (1, at(0, 1)),
                    (5, at(0, 3)),
                    (8, at(1, 0)),
                    (10, at(1, 1)),
                    (11, at(2, 0)),
                    (13, at(3, 1)),
                ],
            ),
        ] {
            let lines = Lines::new(text, encoding);
            for (offset, position) in positions {
                assert_eq!(lines.position(offset), position, "{encoding:?} {offset}");
                assert_eq!(lines.offset(position), offset, "{encoding:?} {position:?}");
            }
        }
    }

    #[test]
    fn positions_beyond_an_end_are_the_end() {
        let lines = Lines::new("ab\n😀", Encoding::Utf16);
        assert_eq!(lines.offset(at(0, 99)), 2);
        assert_eq!(lines.offset(at(1, 99)), 7);
        assert_eq!(lines.offset(at(99, 0)), 7);
        assert_eq!(lines.offset(at(u32::MAX, u32::MAX)), 7);
        // In the middle of a character: its beginning.
        assert_eq!(lines.offset(at(1, 1)), 3);
        assert_eq!(Lines::new("😀", Encoding::Utf8).offset(at(0, 2)), 0);
        assert_eq!(lines.position(u32::MAX), at(1, 2));
        assert_eq!(lines.position(5), at(1, 0));
        assert_eq!(Lines::new("", Encoding::Utf8).span(Range::default()), Span::new(0, 0));
    }

    #[test]
    fn what_is_no_file_gets_a_path() {
        let folder = Path::new("/work");
        assert_eq!(path_of(&Url::parse("file:///a/../b.qnn").unwrap(), folder), Path::new("/b.qnn"));
        assert_eq!(
            path_of(&Url::parse("untitled:Untitled-1").unwrap(), folder),
            Path::new("/work/.untitled_Untitled_1.qnn")
        );
    }
}
