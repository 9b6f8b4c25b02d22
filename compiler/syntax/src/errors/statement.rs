//! Statements that lack a part: `=` for `==`, a quantifier's `:` or range, a network's result, a `;`.

use super::context::{Context, error};
use super::expected::Expected;
use crate::SyntaxError;
use crate::ast::Span;
use crate::error_codes;
use crate::grammar::Rule;
use crate::split_items::first_on_line;

impl Context<'_> {
    /// `=` where `==` is meant, or a statement without `let`.
    pub(super) fn equals(&self, at: usize, expected: &Expected) -> Option<SyntaxError> {
        if self.word(Some(at)) != "="
            || expected.has(Rule::eq)
            || !(expected.has(Rule::infix) || expected.has(Rule::network_result))
        {
            return None;
        }
        let span = self.span(at);
        let start = at.checked_sub(2).map_or("", |i| self.word(Some(i)));
        if self.word(self.piece.keyword) == "network" && matches!(start, "{" | "}" | ";") {
            let name = self.word(at.checked_sub(1));
            return Some(
                error(
                    error_codes::EXPECTED,
                    self.before(at),
                    format!("`{name}` is given a value without `let`"),
                    "expected `let` before this",
                    format!("write `let {name} = …;`"),
                )
                .fix(format!("write `let {name}`"), self.before(at), format!("let {name}")),
            );
        }
        Some(
            error(
                error_codes::SINGLE_EQUALS,
                span,
                "`=` doesn't compare",
                "write `==`",
                "`==` says that two values are equal; `=` gives a name its value",
            )
            .instead(Some("==")),
        )
    }

    /// A quantifier without its `:`, a variable without its range.
    pub(super) fn binder(&self, at: usize, expected: &Expected) -> Option<SyntaxError> {
        let before = self.before(at);
        let found = self.found(at);
        if expected.has(Rule::body_colon) && !expected.expression() && !matches!(self.word(Some(at)), ")" | "]" | "}") {
            let error = error(
                error_codes::MISSING_COLON,
                before,
                format!("expected `:` before the quantifier's statement, found {found}"),
                "expected `:` after this",
                "a quantifier reads `forall x in set: statement` or `forall x: Type where condition: statement`",
            );
            return Some(error.fix("add `:`", Span::new(before.end, before.end), ":"));
        }
        if !expected.has(Rule::kw_in) {
            return None;
        }
        let name = self.word(at.checked_sub(1));
        let typed = expected.has(Rule::colon);
        let help = if typed {
            format!("write `{name} in set` (a ball, a range, an enum) or `{name}: Type`")
        } else {
            format!("write `{name} in 0..10`, or `in` and a list or an enum")
        };
        let message = format!("expected `in` and what `{name}` ranges over, found {found}");
        Some(error(error_codes::MISSING_IN, before, message, "what does this range over?", help))
    }

    /// A network that ends in a statement.
    pub(super) fn result(&self, at: usize, expected: &Expected) -> Option<SyntaxError> {
        if self.word(self.piece.keyword) != "network" || at >= self.piece.last {
            return None;
        }
        match self.word(Some(at)) {
            ";" if expected.has(Rule::rbrace) && !expected.has(Rule::params_rule) => {
                Some(no_result(self.span(at), true))
            }
            "}" if expected.has(Rule::network_result) => Some(no_result(self.span(at), false)),
            _ => None,
        }
    }

    /// A statement without its `;`.
    pub(super) fn semicolon(&self, at: usize, expected: &Expected) -> Option<SyntaxError> {
        let ends = expected.has(Rule::semi)
            && (at >= self.piece.last
                || matches!(self.word(Some(at)), "}" | "let")
                || self.token(at).is_some_and(|t| first_on_line(self.text, t.start)));
        let message = format!("expected `;` at the end of the statement, found {}", self.found(at));
        ends.then(|| {
            error(
                error_codes::MISSING_SEMICOLON,
                self.before(at),
                message,
                "expected `;` after this",
                "end the statement with `;`",
            )
            .fix("add `;`", Span::new(self.before(at).end, self.before(at).end), ";")
        })
    }
}

/// The error of a network that ends in a statement.
pub fn no_result(span: Span, semicolon: bool) -> SyntaxError {
    let remove = semicolon.then_some(span);
    let help = if semicolon {
        "remove the `;` after the last expression: it is what the network computes"
    } else {
        "end the network with the expression that it computes, without `;`"
    };
    let label = if semicolon { "this `;` throws the result away" } else { "expected an expression before this" };
    let error = error(error_codes::NO_RESULT, span, "this network has no result", label, help);
    match remove {
        Some(span) => error.fix("remove the `;`", span, ""),
        None => error,
    }
}
