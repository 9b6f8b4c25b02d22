//! Characters and tokens that are wrong in themselves.

use super::context::{Context, error};
use super::expected::Expected;
use crate::SyntaxError;
use crate::ast::Span;
use crate::error_codes;
use crate::grammar::Rule;
use crate::lexer::Kind;
use crate::tree_builder::malformed_number;

impl Context<'_> {
    /// Characters and tokens that are wrong in themselves.
    pub(super) fn lexical(&self, at: usize, expected: &Expected) -> Option<SyntaxError> {
        let token = self.token(at)?;
        let (span, written) = (self.span(at), token.text(self.text));
        match token.kind {
            Kind::Unknown => return Some(unknown_character(self.text, span, written)),
            Kind::Text { closed: false } => {
                let text =
                    written.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, ';' | ',' | ')' | ']' | '}'));
                let end = token.start + text.len() as u32;
                let error = error(
                    error_codes::UNCLOSED_TEXT,
                    span,
                    "this text has no closing quote on its line",
                    "opened here and not closed",
                    "add the closing `\"`; a text can't go on over several lines",
                );
                return Some(error.fix("add the quote", Span::new(end, end), "\""));
            }
            Kind::Number if expected.expression() || expected.has(Rule::infix) => {
                let next = self.token(at + 1).filter(|t| t.start == token.end).map_or("", |t| t.text(self.text));
                let whole =
                    if next == "." { self.text.get(token.start as usize..token.end as usize + 1)? } else { written };
                let number = written.bytes().all(|b| b.is_ascii_digit() || b == b'_') && next != ".";
                if expected.expression() && !number {
                    return Some(malformed_number(Span::new(span.start, span.start + whole.len() as u32), whole));
                }
            }
            _ => {}
        }
        let previous = at.checked_sub(1).and_then(|i| self.token(i));
        if expected.has(Rule::field_name)
            && let (Some(dot), Some(number)) = (previous, at.checked_sub(2).and_then(|i| self.token(i)))
            && number.kind == Kind::Number
            && dot.start == number.end
        {
            let span = Span::new(number.start, dot.end);
            return Some(malformed_number(span, self.text.get(number.start as usize..dot.end as usize)?));
        }
        match written {
            "." if expected.expression() => {
                let next = self.token(at + 1).filter(|t| t.kind == Kind::Number && t.start == token.end)?;
                let span = Span::new(token.start, next.end);
                Some(malformed_number(span, self.text.get(token.start as usize..next.end as usize)?))
            }
            "/*" | "*/" => Some(block_comment(self.text, span)),
            "&&" | "||" | "!" | "&" | "|" => {
                let meant = match written {
                    "&&" | "&" => "and",
                    "||" | "|" => "or",
                    _ => "not",
                };
                Some(
                    error(
                        error_codes::SYMBOL_LOGIC,
                        span,
                        format!("`{written}` is no operator here"),
                        format!("write `{meant}`"),
                        "the logical operators are the words `and`, `or` and `not`, and `=>` for «implies»",
                    )
                    .fix(format!("write `{meant}`"), span, spaced(self.text, span, meant)),
                )
            }
            _ => None,
        }
    }
}

/// The error of `/*` or `*/`.
pub(super) fn block_comment(text: &str, span: Span) -> SyntaxError {
    let error = error(
        error_codes::BLOCK_COMMENT,
        span,
        "comments go to the end of their line; there are no block comments",
        "no comment begins or ends here",
        "begin each line of the comment with `//`",
    );
    let rest = text.get(span.start as usize..).unwrap_or_default();
    let Some((inside, after)) = rest.strip_prefix("/*").and_then(|rest| rest.split_once("*/")) else { return error };
    let lines = inside.lines().map(|line| line.trim().trim_start_matches('*').trim());
    let lines: Vec<String> = lines.filter(|line| !line.is_empty()).map(|line| format!("// {line}")).collect();
    // What follows on the line must not become a part of the comment.
    let end = if after.lines().next().is_some_and(|line| !line.trim().is_empty()) { "\n" } else { "" };
    let comment = Span::new(span.start, span.start + inside.len() as u32 + 4);
    error.fix("begin its lines with `//`", comment, lines.join("\n") + end)
}

pub(super) fn unknown_character(text: &str, span: Span, written: &str) -> SyntaxError {
    let character = written.chars().next().unwrap_or(' ');
    let help = match character {
        '“' | '”' | '„' | '«' | '»' | '‘' | '’' | '\'' | '`' => {
            "texts stand between straight double quotes: `\"…\"`"
        }
        '\u{A0}' | '\u{2000}'..='\u{200F}' | '\u{202F}' | '\u{2060}' | '\u{3000}' | '\u{FEFF}' => {
            "replace it by a plain space"
        }
        '–' | '—' | '−' | '‐' | '‑' => "write the plain hyphen `-` for minus",
        '×' | '·' | '∙' => "write `*`",
        '÷' => "write `/`",
        '≤' => "write `<=`",
        '≥' => "write `>=`",
        '≠' => "write `!=`",
        '∀' => "write `forall`",
        '∃' => "write `exists`",
        '∈' => "write `in`",
        '∧' => "write `and`",
        '∨' => "write `or`",
        '¬' => "write `not`",
        '⇒' | '→' => "write `=>` for «implies», `->` before a result's type",
        '…' => "write `..` for a range",
        '%' => "there is no remainder; `=>`, ranges and `where` often say the same",
        '^' => "there is no power operator; write the product",
        c if c.is_alphabetic() => "names consist of the letters a to z and A to Z, digits and `_`",
        _ => "other characters than ASCII stand in comments and texts alone",
    };
    let shown = match character {
        c if c.is_control() || c.is_whitespace() || matches!(c, '\u{200B}'..='\u{200F}' | '\u{FEFF}') => {
            format!("U+{:04X}", c as u32)
        }
        c => format!("`{c}`"),
    };
    let instead = match character {
        '“' | '”' | '„' | '«' | '»' => Some("\""),
        '\u{A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{3000}' => Some(" "),
        '–' | '—' | '−' | '‐' | '‑' => Some("-"),
        '×' | '·' | '∙' => Some("*"),
        '÷' => Some("/"),
        '≤' => Some("<="),
        '≥' => Some(">="),
        '≠' => Some("!="),
        '⇒' => Some("=>"),
        '∀' => Some("forall"),
        '∃' => Some("exists"),
        '∈' => Some("in"),
        '∧' => Some("and"),
        '∨' => Some("or"),
        '¬' => Some("not"),
        '…' => Some(".."),
        _ => None,
    };
    let error = error(
        error_codes::CHARACTER,
        span,
        format!("the character {shown} means nothing here"),
        "unexpected character",
        help,
    );
    // The token may hold more than the one character.
    let first = Span::new(span.start, span.start + character.len_utf8() as u32);
    match instead {
        Some(word) if word.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            error.fix(format!("write `{word}`"), first, spaced(text, first, word))
        }
        Some(sign) => error.fix(format!("write `{sign}`"), first, sign),
        None => error,
    }
}

/// The error of a character at which an editor may end a line, or turn its direction, where the language does not.
pub fn deceptive_character(at: u32, character: char) -> SyntaxError {
    let span = Span::new(at, at + character.len_utf8() as u32);
    let code = format!("U+{:04X}", character as u32);
    let (what, help, fix) = match character {
        '\r' => (
            format!("a carriage return ({code}) without a line feed stands here"),
            "end lines with a line feed, or with a carriage return and a line feed",
            Some(("end the line with a line feed", "\n")),
        ),
        '\u{2028}' | '\u{2029}' => (
            format!("an invisible line separator ({code}) stands here"),
            "end lines with a line feed, or with a carriage return and a line feed",
            Some(("end the line with a line feed", "\n")),
        ),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => (
            format!("the invisible character {code} turns the direction of the text here"),
            "remove it: what a reader sees is not what is read",
            Some(("remove it", "")),
        ),
        _ => (format!("the control character {code} stands here"), "remove it", Some(("remove it", ""))),
    };
    let error = error(error_codes::CHARACTER, span, what, "an editor may show other lines than are read", help);
    match fix {
        Some((title, replacement)) => error.fix(title, span, replacement),
        None => error,
    }
}

/// A word in the place of a sign, with spaces where it would run into its neighbours.
fn spaced(text: &str, span: Span, word: &str) -> String {
    let joins = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let before = text.get(..span.start as usize).and_then(|t| t.chars().next_back());
    let after = text.get(span.end as usize..).and_then(|t| t.chars().next());
    let space = |there: bool| if there { " " } else { "" };
    format!("{}{word}{}", space(joins(before)), space(joins(after)))
}
