//! The generated parser of `grammar.pest`, kept private to the crate.

use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};
use pest::iterators::Pair;
use std::iter::Peekable;

/// The pairs inside of a pair, with a look at the next one.
pub type Pairs<'a> = Peekable<pest::iterators::Pairs<'a, Rule>>;

#[derive(pest_derive::Parser)]
#[grammar = "grammar.pest"]
struct Grammar;

/// Where the grammar gave up, and what it would have accepted there.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Bytes from the start of the parsed text.
    pub at: usize,
    /// The rules that would have gone on.
    pub expected: Vec<Rule>,
}

/// Parses a text by a rule. The rule need not reach the text's end unless it says so.
pub fn parse(rule: Rule, text: &str) -> Result<Pair<'_, Rule>, Failure> {
    match Grammar::parse(rule, text) {
        Ok(mut pairs) => pairs.next().ok_or(Failure { at: 0, expected: vec![rule] }),
        Err(error) => {
            let at = match error.location {
                InputLocation::Pos(at) => at,
                InputLocation::Span((at, _)) => at,
            };
            let expected = match error.variant {
                ErrorVariant::ParsingError { positives, .. } => positives,
                ErrorVariant::CustomError { .. } => Vec::new(),
            };
            Err(Failure { at, expected })
        }
    }
}
