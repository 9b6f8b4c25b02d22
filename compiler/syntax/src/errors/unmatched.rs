//! Brackets that don't match.

use super::brackets::opener_of;
use super::context::{Context, error};
use super::expected::Expected;
use crate::SyntaxError;
use crate::ast::Span;
use crate::error_codes;
use crate::grammar::Rule;

fn closer_of(opener: &str) -> &'static str {
    match opener {
        "(" => ")",
        "[" => "]",
        _ => "}",
    }
}

impl Context<'_> {
    /// Brackets that don't match.
    pub(super) fn bracket(&self, at: usize, expected: &Expected) -> Option<SyntaxError> {
        let found = self.word(Some(at));
        let inside = at < self.piece.last;
        let around = self.brackets.around(at);
        if let Some(open) = around
            && self.brackets.partner(open).is_none()
        {
            let opener = self.word(Some(open));
            let closer = closer_of(opener);
            let rule = match closer {
                ")" => Rule::rparen,
                "]" => Rule::rbracket,
                _ => Rule::rbrace,
            };
            if expected.has(rule) || !inside && !expected.expression() {
                let mut e = error(
                    error_codes::UNCLOSED,
                    if inside { self.span(at) } else { self.before(at) },
                    format!("this `{opener}` is never closed: expected `{closer}`, found {}", self.found(at)),
                    if inside {
                        format!("expected `{closer}` before this")
                    } else {
                        format!("expected `{closer}` after this")
                    },
                    format!("add the missing `{closer}`"),
                );
                e.secondary = Some((self.span(open), "the bracket that is open".to_owned()));
                let place = if inside { self.span(at).start } else { e.span.end };
                return Some(e.fix(format!("add `{closer}`"), Span::new(place, place), closer));
            }
        }
        if inside && matches!(found, ")" | "]" | "}") && self.brackets.partner(at).is_none() {
            let mut e = error(
                error_codes::STRAY_CLOSER,
                self.span(at),
                format!("this `{found}` closes nothing"),
                format!("there is no open `{}` for it", opener_of(found)),
                format!("remove it, or add the `{}` that it should close", opener_of(found)),
            )
            .fix(format!("remove `{found}`"), self.span(at), "");
            if let Some(open) = around {
                let opener = self.word(Some(open));
                e.message = format!("`{found}` can't close `{opener}`");
                e.label = format!("expected `{}`", closer_of(opener));
                e.secondary = Some((self.span(open), "opened here".to_owned()));
                e.help = Some(format!("close it with `{}`", closer_of(opener)));
                let span = e.span;
                e = e.fix(format!("write `{}`", closer_of(opener)), span, closer_of(opener));
            }
            return Some(e);
        }
        None
    }
}
