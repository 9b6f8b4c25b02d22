//! What is around a failure, and how an error is made of it.

use super::brackets::Brackets;
use crate::ast::Span;
use crate::lexer::{Kind, Scan, Token};
use crate::split_items::Piece;
use crate::{SyntaxError, SyntaxFix};

/// What is around a failure: the text, its tokens, the item and the item's brackets.
pub struct Context<'a> {
    /// The whole file.
    pub text: &'a str,
    /// Its tokens.
    pub scan: &'a Scan,
    /// The broken item.
    pub piece: Piece,
    /// Which bracket closes which.
    pub brackets: Brackets,
}

/// An error without a second place.
pub fn error(
    code: &'static str,
    span: Span,
    message: impl Into<String>,
    label: impl Into<String>,
    help: impl Into<String>,
) -> SyntaxError {
    let help: String = help.into();
    let help = (!help.is_empty()).then_some(help);
    SyntaxError { code, span, message: message.into(), label: label.into(), secondary: None, help, fix: None }
}

impl SyntaxError {
    /// Adds a change that mends it; it is also the help, where there is none yet.
    pub(super) fn fix(mut self, title: impl Into<String>, span: Span, replacement: impl Into<String>) -> SyntaxError {
        let fix = SyntaxFix { title: title.into(), span, replacement: replacement.into() };
        if self.help.is_none() {
            self.help = Some(fix.title.clone());
        }
        self.fix = Some(fix);
        self
    }

    /// Replaces the error's place, if there is something to put there.
    pub(super) fn instead(self, replacement: Option<&str>) -> SyntaxError {
        let span = self.span;
        match replacement {
            Some(text) => self.fix(format!("write `{text}`"), span, text),
            None => self,
        }
    }
}

impl<'a> Context<'a> {
    pub(super) fn token(&self, at: usize) -> Option<Token> {
        self.scan.tokens.get(at).copied()
    }

    pub(super) fn word(&self, at: Option<usize>) -> &'a str {
        at.and_then(|at| self.token(at)).map_or("", |t| t.text(self.text))
    }

    /// The span of a token.
    pub fn span(&self, at: usize) -> Span {
        let end = self.text.len() as u32;
        self.token(at).map_or(Span::new(end, end), |t| Span::new(t.start, t.end))
    }

    /// The last token before a place: where something is missing.
    pub(super) fn before(&self, at: usize) -> Span {
        at.checked_sub(1).map_or(Span::default(), |at| self.span(at))
    }

    /// What stands at a token, for a message.
    pub(super) fn found(&self, at: usize) -> String {
        match self.token(at) {
            None => "the end of the file".to_owned(),
            Some(_) if at >= self.piece.last => "the next item".to_owned(),
            Some(token) if matches!(token.kind, Kind::Text { .. }) => "a text in quotes".to_owned(),
            Some(token) => format!("`{}`", shorten(token.text(self.text))),
        }
    }
}

pub(super) fn shorten(text: &str) -> String {
    if text.chars().count() <= 40 { text.to_owned() } else { text.chars().take(37).chain("…".chars()).collect() }
}
