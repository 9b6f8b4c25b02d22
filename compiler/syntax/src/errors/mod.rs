//! Why the grammar gave up, in the reader's terms.
//!
//! In goes the place where the grammar gave up and what it would have accepted there; out comes one error. Typical slips are
//! recognised by the tokens around the place; what is left says what was expected and what was found.

mod brackets;
mod character;
mod context;
mod expected;
mod habits;
mod no_item;
mod statement;
mod unmatched;
mod word;

pub use brackets::Brackets;
pub use character::deceptive_character;
pub use context::{Context, error};
pub use no_item::no_item;
pub use statement::no_result;

use super::SyntaxError;
use super::error_codes;
use super::grammar::{Failure, Rule};
use super::lexer::{Kind, is_keyword};
use expected::Expected;

impl Context<'_> {
    /// The error of a failure. `offset` is where the text that was parsed begins in the file, and `after` says what may follow it.
    pub fn explain(&self, failure: &Failure, offset: u32, after: Option<&'static str>) -> SyntaxError {
        let place = offset + failure.at as u32;
        let at = self.scan.tokens.partition_point(|t| t.end <= place);
        let expected = Expected { rules: &failure.expected, after };
        self.lexical(at, &expected)
            .or_else(|| self.not_in(at))
            .or_else(|| self.method(at))
            .or_else(|| self.quoted(at, &expected))
            .or_else(|| self.foreign(at))
            .or_else(|| self.misspelt(at, &expected))
            .or_else(|| self.misplaced_word(at, &expected))
            .or_else(|| self.equals(at, &expected))
            .or_else(|| self.binder(at, &expected))
            .or_else(|| self.result(at, &expected))
            .or_else(|| self.bracket(at, &expected))
            .or_else(|| self.semicolon(at, &expected))
            .unwrap_or_else(|| self.plain(at, &expected))
    }

    fn plain(&self, at: usize, expected: &Expected) -> SyntaxError {
        let operand = self.token(at).is_some_and(|t| t.kind != Kind::Punctuation) && at < self.piece.last;
        let before = self.word(at.checked_sub(1));
        let alias = before == "=" && self.word(self.piece.keyword) == "type";
        let mut wanted = expected.list(operand && !is_keyword(self.word(Some(at))));
        if wanted == "a name" && (alias || matches!(before, ":" | "->" | "as")) {
            wanted = "a type".to_owned();
        }
        let found = self.found(at);
        let inside = at < self.piece.last;
        let help = if expected.has(Rule::optimize) {
            "a measure is `maximize e over x: T`, `minimize e over x: T`, `largest n in 0..10 such that p`, `share of i in 0..10 such that p` or `average e over i in 0..10`"
        } else if expected.has(Rule::from_clause) && expected.has(Rule::semi) {
            "a field reads `name: Type from \"file\";`, with `tensor \"name\"`, `column \"name\"` or `raw` before the `;`"
        } else if expected.has(Rule::comma) && expected.has(Rule::rangle) && !expected.has(Rule::rparen) {
            "between `<` and `>` stand integers, names and their sums and products"
        } else {
            ""
        };
        let (span, label) = if inside {
            (self.span(at), format!("expected {wanted}"))
        } else {
            (self.before(at), format!("expected {wanted} after this"))
        };
        error(error_codes::EXPECTED, span, format!("expected {wanted}, found {found}"), label, help)
    }
}
