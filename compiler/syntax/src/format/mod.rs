//! The canonical layout of a spec.
//!
//! In goes a text that parses, out comes the same spec with the same comments, laid out in one way only. The grammar's pairs are
//! printed, not the tree, so parentheses and numbers stay as they were written.
//!
//! Comments belong between two tokens. A function that prints a sequence asks for the comments before each of its parts
//! before it prints the part, so that a comment ends up in the smallest construct that holds both its neighbours.

mod comments;
mod expression;
mod statement;
#[cfg(test)]
mod tests;

use super::SyntaxError;
use super::grammar::{self, Pairs, Rule};
use super::lexer::{Scan, scan};
use super::parse::parse;
use super::pretty_printer::{Doc, write};
use pest::iterators::Pair;

/// Formats a spec; a spec with syntax errors is left alone.
pub fn format(text: &str) -> Result<String, Vec<SyntaxError>> {
    let parsed = parse(text);
    if !parsed.errors.is_empty() {
        return Err(parsed.errors);
    }
    let scan = scan(text);
    let mut formatter = Formatter { text, scan: &scan, base: 0, next_comment: 0, end: 0, opened: false };
    let mut docs = Vec::new();
    for item in &parsed.items {
        let slice = text.get(item.start as usize..item.end as usize).unwrap_or("");
        let Ok(pair) = grammar::parse(Rule::item, slice) else { continue };
        formatter.base = item.start;
        for part in pair.into_inner() {
            docs.push(formatter.lead(&part));
            docs.push(formatter.node(part));
        }
    }
    docs.push(formatter.rest(text.len() as u32));
    let formatted = write(&Doc::Sequence(docs));
    // Lines end as the first one does.
    let first = text.find('\n').and_then(|at| text.get(..at)).unwrap_or_default();
    Ok(if first.ends_with('\r') { formatted.replace('\n', "\r\n") } else { formatted })
}

struct Formatter<'a> {
    text: &'a str,
    scan: &'a Scan,
    /// Where the slice that the pairs come from begins.
    base: u32,
    next_comment: usize,
    /// The end of what was printed last.
    end: u32,
    /// A block has just been opened.
    opened: bool,
}

impl<'a> Formatter<'a> {
    fn leaf(&mut self, pair: &Pair<'a, Rule>) -> Doc<'a> {
        self.end = self.base + pair.as_span().end() as u32;
        Doc::Text(pair.as_str())
    }

    /// Any part.
    fn node(&mut self, pair: Pair<'a, Rule>) -> Doc<'a> {
        match pair.as_rule() {
            Rule::attribute => self.attribute(pair),
            Rule::r#type
            | Rule::nested_type
            | Rule::named_argument
            | Rule::type_argument
            | Rule::nested_argument
            | Rule::argument
            | Rule::argument_name
            | Rule::named
            | Rule::simple_named
            | Rule::reading
            | Rule::parameter
            | Rule::family_param
            | Rule::variant
            | Rule::index_item
            | Rule::open_start
            | Rule::use_item
            | Rule::type_item
            | Rule::enum_head
            | Rule::dataset_head
            | Rule::params_head
            | Rule::network_head
            | Rule::import_head
            | Rule::import_option
            | Rule::type_member
            | Rule::cast
            | Rule::field
            | Rule::from_clause
            | Rule::tensor_clause
            | Rule::column_clause
            | Rule::params_rule
            | Rule::binder => self.words(pair),
            Rule::type_arguments
            | Rule::nested_arguments
            | Rule::shape
            | Rule::generics
            | Rule::arguments
            | Rule::simple_arguments
            | Rule::generic_names
            | Rule::parameters
            | Rule::family
            | Rule::index
            | Rule::list
            | Rule::simple_list => self.list(pair, true),
            Rule::paren | Rule::simple_paren | Rule::tensor_name => self.list(pair, false),
            Rule::import_options => self.list(pair, true),
            Rule::expr | Rule::simple => self.expression(pair),
            Rule::network_result | Rule::import_item | Rule::item => self.words(pair),
            Rule::const_item | Rule::let_statement => self.assignment(pair, true),
            Rule::def_item | Rule::property_item | Rule::find_item | Rule::measure_item => self.assignment(pair, false),
            Rule::optimize | Rule::average => self.optimize(pair),
            Rule::share => self.words(pair),
            Rule::largest => self.largest(pair),
            Rule::search => self.search(pair),
            Rule::filter | Rule::within => Doc::Sequence(vec![Doc::Line, self.words(pair)]),
            Rule::enum_item => self.enumeration(pair),
            Rule::dataset_item | Rule::params_item | Rule::network_item => self.block(pair),
            Rule::dataset_field => self.field(pair),
            Rule::binders => self.binders(pair),
            _ => self.leaf(&pair),
        }
    }

    /// Parts on a line, with a space where one belongs.
    fn words(&mut self, pair: Pair<'a, Rule>) -> Doc<'a> {
        let mut docs = Vec::new();
        let mut previous = None;
        for part in pair.into_inner() {
            let rule = part.as_rule();
            if rule == Rule::semi {
                let (inside, behind) = self.before_end(&part);
                docs.extend([inside, self.leaf(&part), behind]);
                continue;
            }
            docs.push(self.before_tight(&part));
            if previous.is_some_and(|p| spaced(p, rule)) {
                docs.push(Doc::Text(" "));
            }
            docs.push(self.node(part));
            previous = Some(rule);
        }
        Doc::Sequence(docs)
    }

    /// `#[name(arguments)]`, on one line.
    fn attribute(&mut self, pair: Pair<'a, Rule>) -> Doc<'a> {
        let mut docs = Vec::new();
        let mut comma = false;
        for part in pair.into_inner() {
            docs.push(self.before_tight(&part));
            match part.as_rule() {
                Rule::comma => {
                    self.leaf(&part);
                    comma = true;
                }
                rule => {
                    if std::mem::take(&mut comma) && !is_closer(rule) {
                        docs.push(Doc::Text(", "));
                    }
                    docs.push(self.leaf(&part));
                }
            }
        }
        Doc::Sequence(docs)
    }

    /// Something in brackets: all on one line, or each part on its own.
    fn list(&mut self, pair: Pair<'a, Rule>, commas: bool) -> Doc<'a> {
        let numbers = pair.as_rule() == Rule::list && is_number_list(pair.as_str());
        self.bracketed(pair.into_inner().peekable(), numbers, commas)
    }

    fn bracketed(&mut self, mut parts: Pairs<'a>, numbers: bool, commas: bool) -> Doc<'a> {
        let mut docs = Vec::new();
        let (mut inner, mut elements, mut empty) = (Vec::new(), Vec::new(), true);
        let mut spaces = false;
        while let Some(part) = parts.next() {
            match part.as_rule() {
                Rule::lparen | Rule::lbracket | Rule::lbrace | Rule::langle => {
                    spaces = part.as_rule() == Rule::lbrace;
                    docs.push(self.leaf(&part));
                }
                Rule::comma => {
                    inner.push(self.before(&part));
                    self.leaf(&part);
                }
                rule if is_closer(rule) => {
                    let (comments, any) = self.comments(&part);
                    empty &= !any;
                    inner.push(comments);
                    let closer = self.leaf(&part);
                    if !elements.is_empty() {
                        inner.extend([Doc::Fill(std::mem::take(&mut elements)), Doc::IfBroken(",")]);
                    }
                    inner.insert(0, bracket_line(spaces));
                    if empty {
                        docs.push(closer);
                    } else {
                        docs.extend([Doc::nest(std::mem::take(&mut inner)), bracket_line(spaces), closer]);
                    }
                }
                _ => {
                    empty = false;
                    let comments = self.before(&part);
                    let element = self.node(part);
                    let last = parts.clone().all(|p| p.as_rule() == Rule::comma || is_closer(p.as_rule()));
                    if numbers {
                        elements.push(Doc::Sequence(vec![element, Doc::Text(if last { "" } else { "," })]));
                        continue;
                    }
                    inner.extend([comments, element]);
                    if !last {
                        inner.extend([Doc::Text(","), Doc::Line]);
                    } else if commas {
                        inner.push(Doc::IfBroken(","));
                    }
                }
            }
        }
        Doc::group(docs)
    }
}

/// Whether a space stands between two parts.
fn spaced(left: Rule, right: Rule) -> bool {
    let tight_before = matches!(
        right,
        Rule::semi
            | Rule::colon
            | Rule::generic_names
            | Rule::type_arguments
            | Rule::nested_arguments
            | Rule::shape
            | Rule::generics
            | Rule::reading
            | Rule::tensor_name
            | Rule::type_member
            | Rule::arguments
            | Rule::simple_arguments
            | Rule::parameters
            | Rule::family
            | Rule::filter
            | Rule::field_name
            | Rule::range
    );
    !tight_before && !matches!(left, Rule::dot | Rule::range | Rule::range_to)
}

fn is_closer(rule: Rule) -> bool {
    matches!(rule, Rule::rparen | Rule::rbracket | Rule::rbrace | Rule::rangle)
}

fn bracket_line<'a>(spaces: bool) -> Doc<'a> {
    if spaces { Doc::Line } else { Doc::SoftLine }
}

/// Whether a list holds nothing but plain numbers, so that they may fill their lines.
fn is_number_list(written: &str) -> bool {
    let inside = written.get(1..written.len().saturating_sub(1)).unwrap_or("");
    let plain = |b: u8| b.is_ascii_digit() || b.is_ascii_whitespace() || b",.-_eE+".contains(&b);
    inside.bytes().all(plain) && inside.bytes().any(|b| b.is_ascii_digit()) && !inside.contains("..")
}
