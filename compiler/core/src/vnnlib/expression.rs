//! The brackets of a query: text to nested lists.
//!
//! In: a text. Out: its top-level lists, whose parts know their bytes. A text of more than [`MAX_BYTES`] or with brackets nested deeper than [`MAX_DEPTH`] is
//! refused before anything recurses.

use super::problem::Problem;
use pest::Parser;
use pest::error::InputLocation;
use pest::iterators::Pair;
use qnn_ir::Rational;
use qnn_ir::interrupt::work;
use qnn_ir::rational::parse_decimal;
use std::ops::Range;

/// The largest query that is read, in bytes.
pub const MAX_BYTES: u64 = 4 << 20;
/// How deep brackets may be nested.
pub const MAX_DEPTH: usize = 100;

#[allow(missing_docs, reason = "the derived parser's rules are those of the grammar")]
mod grammar {
    #[derive(pest_derive::Parser)]
    #[grammar = "vnnlib/grammar.pest"]
    pub struct Grammar;
}

use grammar::{Grammar, Rule};

/// A part of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression<'a> {
    /// What it is.
    pub kind: Kind<'a>,
    /// Its bytes.
    pub span: Range<usize>,
}

/// What a part of a query is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind<'a> {
    /// `(…)`.
    List(Vec<Expression<'a>>),
    /// `[1, 28]`.
    Axes(Vec<usize>),
    /// `"name"`, without the quotes.
    Text(&'a str),
    /// `-0.5`.
    Number(Rational),
    /// Any other word.
    Word(&'a str),
}

impl<'a> Expression<'a> {
    /// The word, if it is one.
    pub fn word(&self) -> Option<&'a str> {
        match self.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    /// The parts of a list and the word that it begins with.
    pub fn call(&self) -> Option<(&'a str, &[Expression<'a>])> {
        match &self.kind {
            Kind::List(parts) => Some((parts.first()?.word()?, &parts[1..])),
            _ => None,
        }
    }
}

/// The top-level lists of a text.
///
/// # Errors
/// What is no such text, at its place.
pub fn read(text: &str) -> Result<Vec<Expression<'_>>, Problem> {
    if text.len() as u64 > MAX_BYTES {
        return Err(Problem::new("the query is larger than 4 MiB, the most that is read", 0..0, ""));
    }
    nesting(text)?;
    let mut pairs = Grammar::parse(Rule::file, text).map_err(|error| {
        let at = match error.location {
            InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
        };
        let found = text.get(at..).and_then(|rest| rest.chars().next());
        match found {
            Some(c) => Problem::new(
                "this is no VNN-LIB",
                at..at + c.len_utf8(),
                "neither a bracket, a word nor a number that may stand here",
            ),
            None => Problem::new("the query ends within a bracket", at..at, "a `)` is missing"),
        }
    })?;
    let file = pairs.next().into_iter().flat_map(Pair::into_inner);
    file.filter(|pair| pair.as_rule() == Rule::list).map(expression).collect()
}

/// Refuses brackets that don't match, or are nested too deep.
fn nesting(text: &str) -> Result<(), Problem> {
    let mut open: Vec<usize> = Vec::new();
    let (mut comment, mut quoted) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'\n' | b'\r' => (comment, quoted) = (comment && byte == b'\r', false),
            _ if comment => {}
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b';' => comment = true,
            b'(' => {
                open.push(at);
                if open.len() > MAX_DEPTH {
                    let message = format!("brackets are nested deeper than {MAX_DEPTH}");
                    return Err(Problem::new(message, at..at + 1, "this is one too many"));
                }
            }
            b')' if open.pop().is_none() => {
                return Err(Problem::new("this bracket closes nothing", at..at + 1, "no `(` is open here"));
            }
            _ => {}
        }
    }
    match open.last() {
        Some(at) => Err(Problem::new("a bracket is not closed", *at..at + 1, "its `)` is missing")),
        None => Ok(()),
    }
}

fn expression(pair: Pair<'_, Rule>) -> Result<Expression<'_>, Problem> {
    work(8);
    let span = pair.as_span().start()..pair.as_span().end();
    let text = pair.as_str();
    let kind = match pair.as_rule() {
        Rule::list => Kind::List(pair.into_inner().map(expression).collect::<Result<_, _>>()?),
        Rule::axes => Kind::Axes(pair.into_inner().map(|size| self::size(&size)).collect::<Result<_, _>>()?),
        Rule::text => Kind::Text(text.trim_matches('"')),
        Rule::number => {
            work(text.len());
            match parse_decimal(text) {
                Some(value) => Kind::Number(value),
                None => {
                    let message = "this number has too many digits";
                    return Err(Problem::new(message, span, "at most 4096 digits, and exponents of at most 4096"));
                }
            }
        }
        _ => Kind::Word(text),
    };
    Ok(Expression { kind, span })
}

fn size(pair: &Pair<'_, Rule>) -> Result<usize, Problem> {
    let span = pair.as_span().start()..pair.as_span().end();
    let size = pair.as_str().parse::<u32>().ok().map(|size| size as usize);
    size.ok_or_else(|| Problem::new("this number is too large for an axis", span, "beyond 2^32"))
}
