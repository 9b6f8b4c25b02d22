//! The tree of one item, made of the pairs that the grammar found.
//!
//! The grammar leaves expressions flat; their shape comes from precedence climbing here, with the few errors that depend on it (comparisons in a
//! chain, a quantifier as an operand of `+`, nesting that is too deep). Building always ends with a tree; it is of
//! no use if there are errors.

mod expr;
mod item;
mod primary;
mod ty;

pub use expr::too_deep;
pub use primary::malformed_number;

use super::SyntaxError;
use super::ast::*;
use super::error_codes;
use super::grammar::Rule;
use pest::iterators::Pair;

/// The deepest tree and the deepest nesting of brackets, so that no later stage needs to fear for its stack.
pub const MAX_DEPTH: u32 = 128;

/// Builds trees out of pairs; offsets are moved by `base`.
pub struct Builder<'a> {
    text: &'a str,
    base: u32,
    /// What is wrong, at places moved by `base`.
    pub errors: Vec<SyntaxError>,
    too_deep: bool,
    /// How many brackets, prefixes and right operands are around what is being built.
    level: u32,
}

impl<'a> Builder<'a> {
    /// A builder for pairs of `text`.
    pub fn new(text: &'a str, base: u32) -> Builder<'a> {
        Builder { text, base, errors: Vec::new(), too_deep: false, level: 0 }
    }

    /// Where a pair stands. A pair that ends in something optional reaches into the white space and the comments
    /// behind it, so its end is then that of its last token.
    fn span(&self, pair: &Pair<'a, Rule>) -> Span {
        let span = pair.as_span();
        let mut end = span.end();
        if span.as_str().ends_with(|c: char| c.is_ascii_whitespace()) {
            let mut last = pair.clone();
            while let Some(inner) = last.clone().into_inner().next_back() {
                last = inner;
            }
            end = last.as_span().end();
        }
        Span::new(self.base + span.start() as u32, self.base + end as u32)
    }

    fn source(&self, span: Span) -> &'a str {
        self.text.get((span.start - self.base) as usize..(span.end - self.base) as usize).unwrap_or("")
    }

    fn error(&mut self, code: &'static str, span: Span, message: &str, label: &str, help: impl Into<Option<String>>) {
        self.errors.push(SyntaxError {
            code,
            span,
            message: message.to_owned(),
            label: label.to_owned(),
            secondary: None,
            help: help.into(),
            fix: None,
        });
    }

    fn name(&self, pair: &Pair<'a, Rule>) -> Name {
        Name { text: pair.as_str().into(), span: self.span(pair) }
    }

    /// What follows a dot: a name, or a name of a file between quotes.
    fn field_name(&mut self, pair: &Pair<'a, Rule>) -> Name {
        if !pair.as_str().starts_with('"') {
            return self.name(pair);
        }
        let Text { text, span } = self.string(pair);
        Name { text, span }
    }

    fn no_name(&self, pair: &Pair<'a, Rule>) -> Name {
        Name { text: "".into(), span: self.span(pair) }
    }

    fn first_name(&self, pair: Pair<'a, Rule>) -> Name {
        let none = self.no_name(&pair);
        pair.into_inner().find(|p| p.as_rule() == Rule::name).map_or(none, |p| self.name(&p))
    }

    fn names(&self, pair: Pair<'a, Rule>) -> Vec<Name> {
        pair.into_inner().filter(|p| p.as_rule() == Rule::name).map(|p| self.name(&p)).collect()
    }

    fn first_string(&mut self, pair: Pair<'a, Rule>) -> Text {
        let span = self.span(&pair);
        let string = pair.into_inner().find(|p| p.as_rule() == Rule::string);
        string.map_or(Text { text: "".into(), span }, |p| self.string(&p))
    }

    fn string(&mut self, pair: &Pair<'a, Rule>) -> Text {
        let span = self.span(pair);
        let written = pair.as_str();
        let inside = written.get(1..written.len().saturating_sub(1)).unwrap_or("");
        let mut text = String::new();
        let mut characters = inside.char_indices();
        while let Some((at, character)) = characters.next() {
            if character != '\\' {
                text.push(character);
                continue;
            }
            match characters.next().map(|(_, c)| c) {
                Some(c @ ('\\' | '"')) => text.push(c),
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some(other) => {
                    let start = span.start + 1 + at as u32;
                    self.error(
                        error_codes::ESCAPE,
                        Span::new(start, start + 1 + other.len_utf8() as u32),
                        &format!("`\\{other}` means nothing in a text"),
                        "no such escape",
                        "write `\\\\` for a backslash, or `/` between the folders of a path; \
                         the escapes are `\\\\`, `\\\"`, `\\n` and `\\t`"
                            .to_owned(),
                    );
                }
                None => {}
            }
        }
        Text { text: text.into(), span }
    }
}
