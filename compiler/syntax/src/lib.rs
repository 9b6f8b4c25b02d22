//! The syntax of qnn: text in, trees with spans and errors out. Parsing never fails as a whole.

pub mod ast;
pub mod builtins;
pub mod error_codes;
mod errors;
mod format;
mod grammar;
mod import_options;
pub mod lexer;
mod options;
mod parse;
mod precedence;
mod pretty_printer;
pub mod split_items;
#[cfg(test)]
mod tests;
mod tree_builder;
pub mod walk;

pub use ast::Span;
pub use format::format;
pub use parse::{MAX_BYTES, parse};
pub use tree_builder::MAX_DEPTH;

/// Whether a terminal acts on a character instead of showing it: control characters, line ends too, and what turns the direction of text.
pub fn is_command(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns
}

/// A syntax error, at an absolute place of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// The stable code, `E01xx`.
    pub code: &'static str,
    /// Bytes of the file, absolute.
    pub span: Span,
    /// What is wrong: a sentence without the final stop.
    pub message: String,
    /// What stands at the span: «expected `;` after this».
    pub label: String,
    /// Another place that matters (an unclosed bracket's opening), with its label.
    pub secondary: Option<(Span, String)>,
    /// What to do about it.
    pub help: Option<String>,
    /// A change that mends it.
    pub fix: Option<SyntaxFix>,
}

/// A change that mends a syntax error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxFix {
    /// What it does.
    pub title: String,
    /// What is replaced: bytes of the file, absolute.
    pub span: Span,
    /// By what.
    pub replacement: String,
}

/// An item and where its slice stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedItem {
    /// The absolute offset to which the item's spans are relative.
    pub start: u32,
    /// The absolute end of its slice.
    pub end: u32,
    /// The tree.
    pub item: std::sync::Arc<ast::Item>,
}

/// What became of a text: every good item and every error, in the order of the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// The good items.
    pub items: Vec<ParsedItem>,
    /// The errors.
    pub errors: Vec<SyntaxError>,
    /// The text of the `//!` lines at the top, without the slashes.
    pub docs: String,
}
