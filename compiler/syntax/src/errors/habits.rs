//! Spellings that other languages and frameworks have made a habit: `not in`, methods, words in quotes.

use super::context::{Context, error, shorten};
use super::expected::Expected;
use crate::SyntaxError;
use crate::error_codes;
use crate::lexer::Kind;

impl Context<'_> {
    /// `a not in b`.
    pub(super) fn not_in(&self, at: usize) -> Option<SyntaxError> {
        let here = self.word(Some(at)) == "not" && self.word(Some(at + 1)) == "in";
        here.then(|| {
            error(
                error_codes::EXPECTED,
                self.span(at),
                "`not` stands before what it denies",
                "not an operator between two operands",
                "write `not (a in b)`",
            )
        })
    }

    /// `x.permute(…)`: a name after a dot that is called.
    pub(super) fn method(&self, at: usize) -> Option<SyntaxError> {
        let name = at.checked_sub(1).filter(|name| *name > self.piece.first)?;
        let called = self.word(Some(at)) == "(" && self.word(name.checked_sub(1)) == ".";
        if !called || self.token(name)?.kind != Kind::Word {
            return None;
        }
        let function = match self.word(Some(name)) {
            "permute" | "transpose" | "swapaxes" | "t" => "transpose",
            "view" | "reshape" => "reshape",
            other => other,
        };
        Some(error(
            error_codes::EXPECTED,
            self.span(name),
            format!("there are no methods, such as `{}`", shorten(self.word(Some(name)))),
            "called like a method",
            format!("functions take the tensor as their first argument: `{function}(x, …)`"),
        ))
    }

    /// A text in quotes where a value should stand.
    pub(super) fn quoted(&self, at: usize, expected: &Expected) -> Option<SyntaxError> {
        let token = self.token(at).filter(|token| matches!(token.kind, Kind::Text { .. }))?;
        if at >= self.piece.last || !expected.expression() {
            return None;
        }
        let text = token.text(self.text).trim_matches('"');
        let span = self.span(at);
        let error = error(
            error_codes::EXPECTED,
            span,
            "a text in quotes is no value",
            "expected an expression",
            match text {
                "same" | "valid" => "words of options stand without quotes",
                _ => "a file's numbers come by name: `params m = \"file.npz\" { … }`, then `m.table`",
            },
        );
        Some(if matches!(text, "same" | "valid") { error.fix(format!("write `{text}`"), span, text) } else { error })
    }
}
