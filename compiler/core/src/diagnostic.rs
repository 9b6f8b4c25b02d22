//! Diagnostics: the one type that feeds the terminal and the editor.

use crate::db::ItemId;
use qnn_syntax::Span;
use qnn_syntax::is_command;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// How grave a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Probably not meant.
    Warning,
    /// The spec can't be used as it is.
    Error,
}

/// A place: a span within an item (or, for the item that stands for a whole file, within the file).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The item.
    pub item: ItemId,
    /// The bytes, relative to the item's start.
    pub span: Span,
}

/// A place with what is to be said about it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Label {
    /// Where.
    pub place: Place,
    /// What; may be empty.
    pub message: String,
}

/// A change that mends the matter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fix {
    /// What it does: «widen to `fixed<9, 4>`».
    pub title: String,
    /// What is replaced.
    pub place: Place,
    /// By what.
    pub replacement: String,
}

/// What the compiler has to say about a spec.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Diagnostic {
    /// How grave.
    pub severity: Severity,
    /// The stable code; each has a page in `docs/errors/`.
    pub code: &'static str,
    /// What is wrong, in a sentence without the final stop.
    pub message: String,
    /// Where: the first is the primary place.
    pub labels: Vec<Label>,
    /// Why it matters, in whole sentences.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Option<String>,
    /// Changes that an editor can make.
    pub fixes: Vec<Fix>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(code: &'static str, message: impl Into<String>, place: Place, label: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            code,
            message: message.into(),
            labels: vec![Label { place, message: label.into() }],
            notes: Vec::new(),
            help: None,
            fixes: Vec::new(),
        }
    }

    /// A warning at a place.
    pub fn warning(
        code: &'static str,
        message: impl Into<String>,
        place: Place,
        label: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(code, message, place, label) }
    }

    /// Adds a secondary place.
    pub fn label(mut self, place: Place, message: impl Into<String>) -> Diagnostic {
        self.labels.push(Label { place, message: message.into() });
        self
    }

    /// Adds a reason.
    pub fn note(mut self, note: impl Into<String>) -> Diagnostic {
        self.notes.push(note.into());
        self
    }

    /// Adds reasons.
    pub fn notes(mut self, notes: impl IntoIterator<Item = String>) -> Diagnostic {
        self.notes.extend(notes);
        self
    }

    /// Whether a message is this one's, or that of one of the instances that its notes tell of.
    pub fn says(&self, message: &str) -> bool {
        self.message == message
            || self.notes.iter().any(|note| note.strip_prefix(message).is_some_and(|n| n.starts_with('.')))
    }

    /// Says what to do.
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// Adds a change that mends the matter; it is also the help, where there is none yet.
    pub fn fix(mut self, title: impl Into<String>, place: Place, replacement: impl Into<String>) -> Diagnostic {
        let fix = Fix { title: title.into(), place, replacement: replacement.into() };
        if self.help.is_none() {
            self.help = Some(fix.title.clone());
        }
        self.fixes.push(fix);
        self
    }
}

/// What a file calls something, as part of a line: characters that a terminal acts on are replaced.
pub fn printable(text: &str) -> Cow<'_, str> {
    match text.contains(is_command) {
        true => Cow::Owned(text.chars().map(|c| if is_command(c) { replacement(c) } else { c }).collect()),
        false => Cow::Borrowed(text),
    }
}

/// Text of several lines, as [`printable`] has it but for its line ends and tabs. Every character stays at its byte.
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    if !text.contains(|c| is_command(c) && c != '\n') {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let kept = matches!(c, '\n' | '\t') || (c == '\r' && rest.peek() == Some(&'\n'));
        shown.push(if kept || !is_command(c) { c } else { replacement(c) });
    }
    Cow::Owned(shown)
}

/// A character to show for one that can't be, of as many bytes.
fn replacement(c: char) -> char {
    match c.len_utf8() {
        1 => '?',
        2 => '¿',
        _ => char::REPLACEMENT_CHARACTER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_acts_on_is_replaced() {
        for (text, line, lines) in [
            ("robust(i = 3, ε = «1»)", "robust(i = 3, ε = «1»)", "robust(i = 3, ε = «1»)"),
            ("a\u{1b}[32mb\u{9b}8m\u{7f}", "a?[32mb¿8m?", "a?[32mb¿8m?"),
            ("a\r\n\tb\rc\n", "a???b?c?", "a\r\n\tb?c\n"),
            ("\u{202e}a\u{2066}\u{61c}", "\u{fffd}a\u{fffd}¿", "\u{fffd}a\u{fffd}¿"),
        ] {
            assert_eq!((&*printable(text), &*printable_lines(text)), (line, lines));
            assert_eq!(printable_lines(text).len(), text.len());
        }
    }
}
