//! The canonical layout of a spec.
//!
//! In goes a text that parses, out comes the same spec with the same comments, laid out in one way only. The grammar's pairs are
//! printed, not the tree, so parentheses and numbers stay as they were written.
//!
//! Comments belong between two tokens. Whoever prints a sequence asks for the comments before each of its parts
//! before it prints the part, so that a comment ends up in the smallest construct that holds both its neighbours.

use super::SyntaxError;
use super::grammar::{self, Rule};
use super::layout::{Doc, write};
use super::parse::parse;
use super::scan::{Comment, CommentKind, Scan, scan};
use super::split::first_on_line;
use super::tree::{COMPARE, NEGATE, RANGE, infix};
use pest::iterators::Pair;
use std::iter::Peekable;

type Pairs<'a> = Peekable<pest::iterators::Pairs<'a, Rule>>;

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
    // ---- Comments

    fn next_comment(&mut self, before: u32) -> Option<Comment> {
        let comment = self.scan.comments.get(self.next_comment).copied().filter(|c| c.start < before)?;
        self.next_comment += 1;
        Some(comment)
    }

    fn comment_text(&self, comment: Comment) -> &'a str {
        self.text.get(comment.start as usize..comment.end as usize).unwrap_or("")
    }

    fn own_line(&self, comment: Comment) -> bool {
        first_on_line(self.text, comment.start)
    }

    /// The comments before a part within a statement, where a line may be broken.
    fn before(&mut self, pair: &Pair<'a, Rule>) -> Doc<'a> {
        self.comments(pair).0
    }

    /// The comments before a part that must not begin a line of itself: each on a line of its own.
    fn before_tight(&mut self, pair: &Pair<'a, Rule>) -> Doc<'a> {
        let start = self.base + pair.as_span().start() as u32;
        let mut docs = Vec::new();
        while let Some(comment) = self.next_comment(start) {
            docs.push(Doc::OwnLine(self.comment_text(comment)));
            self.end = comment.end;
        }
        Doc::Sequence(docs)
    }

    /// The comments before the `;` of a statement: those that go behind it, and those that must not, as they would
    /// document the next item.
    fn before_end(&mut self, pair: &Pair<'a, Rule>) -> (Doc<'a>, Doc<'a>) {
        let start = self.base + pair.as_span().start() as u32;
        let (mut inside, mut behind) = (Vec::new(), Vec::new());
        while let Some(comment) = self.next_comment(start) {
            let text = self.comment_text(comment);
            match comment.kind {
                CommentKind::Item => inside.push(Doc::OwnLine(text)),
                _ if self.own_line(comment) => behind.push(Doc::OwnLine(text)),
                _ => behind.push(Doc::LineEnd(text)),
            }
            self.end = comment.end;
        }
        (Doc::Sequence(inside), Doc::Sequence(behind))
    }

    /// The same as `before`, and whether there are any.
    fn comments(&mut self, pair: &Pair<'a, Rule>) -> (Doc<'a>, bool) {
        let start = self.base + pair.as_span().start() as u32;
        let mut docs = Vec::new();
        while let Some(comment) = self.next_comment(start) {
            let text = self.comment_text(comment);
            docs.push(if self.own_line(comment) { Doc::OwnLine(text) } else { Doc::LineEnd(text) });
            self.end = comment.end;
        }
        let any = !docs.is_empty();
        (Doc::Sequence(docs), any)
    }

    /// A line break, or an empty line where there was one since what was printed last.
    fn line_break(&mut self, start: u32) -> Doc<'a> {
        let between = self.text.get(self.end as usize..start as usize).unwrap_or("");
        let opened = std::mem::take(&mut self.opened);
        let blank = !opened && self.end > 0 && between.bytes().filter(|b| *b == b'\n').count() > 1;
        if blank { Doc::BlankLine } else { Doc::HardLine }
    }

    /// The comments up to a place, each on its line.
    fn rest(&mut self, place: u32) -> Doc<'a> {
        let mut docs = Vec::new();
        while let Some(comment) = self.next_comment(place) {
            let text = self.comment_text(comment);
            if self.own_line(comment) || self.end == 0 {
                docs.push(self.line_break(comment.start));
                docs.push(Doc::Text(text));
                docs.push(Doc::HardLine);
            } else {
                docs.push(Doc::LineEnd(text));
            }
            self.end = comment.end;
        }
        Doc::Sequence(docs)
    }

    /// The comments and the line break before a statement or an item.
    fn lead(&mut self, pair: &Pair<'a, Rule>) -> Doc<'a> {
        let start = self.base + pair.as_span().start() as u32;
        let comments = self.rest(start);
        Doc::Sequence(vec![comments, self.line_break(start)])
    }

    // ---- Parts

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
            Rule::paren | Rule::simple_paren => self.list(pair, false),
            Rule::expr | Rule::simple => self.expression(pair),
            Rule::network_result | Rule::item => self.words(pair),
            Rule::const_item | Rule::let_statement => self.assignment(pair, true),
            Rule::def_item | Rule::property_item | Rule::measure_item => self.assignment(pair, false),
            Rule::optimize => self.optimize(pair),
            Rule::largest => self.largest(pair),
            Rule::filter => Doc::Sequence(vec![Doc::Line, self.words(pair)]),
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

    // ---- Expressions

    fn expression(&mut self, pair: Pair<'a, Rule>) -> Doc<'a> {
        let mut parts = pair.into_inner().peekable();
        Doc::group(vec![self.climb(&mut parts, 0, false)])
    }

    /// An expression that has its lines for itself: its quantifiers break together with what is around it, and its
    /// operators stand where it begins.
    fn spine(&mut self, pair: Pair<'a, Rule>) -> Doc<'a> {
        let mut parts = pair.into_inner().peekable();
        self.climb(&mut parts, 0, true)
    }

    fn next_binding(&self, parts: &mut Pairs<'a>) -> Option<u8> {
        let next = parts.peek().filter(|p| matches!(p.as_rule(), Rule::infix | Rule::simple_infix));
        next.map(|p| infix(p.as_str()).0)
    }

    fn before_next(&mut self, parts: &mut Pairs<'a>) -> Doc<'a> {
        parts.peek().cloned().map_or(Doc::nothing(), |p| self.before(&p))
    }

    fn before_next_tight(&mut self, parts: &mut Pairs<'a>) -> Doc<'a> {
        parts.peek().cloned().map_or(Doc::nothing(), |p| self.before_tight(&p))
    }

    fn climb(&mut self, parts: &mut Pairs<'a>, min: u8, spine: bool) -> Doc<'a> {
        let mut left = self.operand(parts, min, spine);
        while let Some(binding) = self.next_binding(parts).filter(|b| *b >= min) {
            let mut rest = Vec::new();
            while self.next_binding(parts) == Some(binding)
                && let Some(operator) = parts.next()
            {
                if binding == RANGE {
                    rest.extend([self.before_tight(&operator), self.leaf(&operator), self.before_next_tight(parts)]);
                    rest.push(self.climb(parts, binding + 1, false));
                } else {
                    // Comments on either side of the operator stand before it, where the line breaks.
                    rest.push(self.before(&operator));
                    let operator = self.leaf(&operator);
                    rest.extend([self.before_next(parts), Doc::Line, operator, Doc::Text(" ")]);
                    rest.push(self.climb(parts, binding + 1, false));
                }
            }
            // Only the loosest operator stands where the expression begins.
            let loosest = spine && self.next_binding(parts).is_none();
            left = Doc::group(vec![left, if loosest { Doc::Sequence(rest) } else { Doc::nest(rest) }]);
        }
        left
    }

    fn operand(&mut self, parts: &mut Pairs<'a>, min: u8, spine: bool) -> Doc<'a> {
        let Some(part) = parts.next() else { return Doc::nothing() };
        match part.as_rule() {
            Rule::negate | Rule::kw_not => {
                let negate = part.as_rule() == Rule::negate;
                let operator = self.leaf(&part);
                let comments = self.before_next_tight(parts);
                let operand = self.climb(parts, if negate { NEGATE } else { COMPARE }, false);
                Doc::Sequence(vec![operator, Doc::Text(if negate { "" } else { " " }), comments, operand])
            }
            Rule::quantifier => {
                let head = self.quantifier(part);
                let comments = self.before_next(parts);
                // Its body has lines for itself in any case.
                let body = self.climb(parts, 0, true);
                let docs = vec![head, Doc::nest(vec![comments, Doc::Line, body])];
                if min == 0 { Doc::Sequence(docs) } else { Doc::group(docs) }
            }
            Rule::let_head => {
                let head = self.assignment(part, true);
                let next = parts.peek().cloned();
                let lead = next.map_or(Doc::HardLine, |p| self.lead(&p));
                let body = self.climb(parts, 0, spine);
                Doc::Sequence(vec![head, lead, body])
            }
            _ => {
                let mut docs = vec![self.node(part)];
                while let Some(part) =
                    parts.next_if(|p| matches!(p.as_rule(), Rule::kw_lsb | Rule::cast | Rule::field | Rule::index))
                {
                    docs.push(self.before_tight(&part));
                    if matches!(part.as_rule(), Rule::kw_lsb | Rule::cast) {
                        docs.push(Doc::Text(" "));
                    }
                    docs.push(self.node(part));
                }
                Doc::Sequence(docs)
            }
        }
    }

    /// `forall x in ball(c, r), y: T where A:`
    fn quantifier(&mut self, pair: Pair<'a, Rule>) -> Doc<'a> {
        let (mut docs, mut inner) = (Vec::new(), Vec::new());
        for part in pair.into_inner() {
            let comments = if part.as_rule() == Rule::filter { self.before(&part) } else { self.before_tight(&part) };
            match part.as_rule() {
                Rule::kw_forall | Rule::kw_exists => docs.extend([comments, self.leaf(&part), Doc::Text(" ")]),
                Rule::condition => {
                    inner.push(comments);
                    for part in part.into_inner() {
                        let comma = part.as_rule() == Rule::comma;
                        inner.extend([self.before(&part), self.node(part)]);
                        if comma {
                            inner.push(Doc::Line);
                        }
                    }
                }
                _ => inner.extend([comments, self.node(part)]),
            }
        }
        // One level more than the statement's.
        docs.push(Doc::nest(vec![Doc::nest(inner)]));
        Doc::group(docs)
    }

    fn binders(&mut self, pair: Pair<'a, Rule>) -> Doc<'a> {
        let mut docs = Vec::new();
        for part in pair.into_inner() {
            docs.push(self.before(&part));
            let comma = part.as_rule() == Rule::comma;
            docs.push(self.node(part));
            if comma {
                docs.push(Doc::Line);
            }
        }
        Doc::Sequence(docs)
    }

    // ---- Statements and items

    /// `head = value;`, the value on the next line if it doesn't fit and doesn't break well by itself.
    fn assignment(&mut self, pair: Pair<'a, Rule>, may_hug: bool) -> Doc<'a> {
        let (mut head, mut docs, mut end) = (Vec::new(), Vec::new(), Doc::nothing());
        let (mut comments, mut commented, mut equals) = (Doc::nothing(), false, false);
        let mut previous = None;
        for part in pair.into_inner() {
            let rule = part.as_rule();
            if rule == Rule::eq {
                (comments, commented) = self.comments(&part);
                docs.push(Doc::group(std::mem::take(&mut head)));
                docs.extend([Doc::Text(" "), self.leaf(&part)]);
                equals = true;
            } else if rule == Rule::semi {
                // Behind the group, which a comment at the line's end need not break.
                let (inside, behind) = self.before_end(&part);
                docs.extend([inside, self.leaf(&part)]);
                end = behind;
            } else if equals {
                let (more, any) = self.comments(&part);
                let hug = may_hug && breaks_well(&part) && !any && !commented;
                let body = if rule == Rule::expr && !hug { self.spine(part) } else { self.node(part) };
                if hug {
                    docs.extend([Doc::Text(" "), body]);
                } else {
                    docs.push(Doc::nest(vec![std::mem::replace(&mut comments, Doc::nothing()), more, Doc::Line, body]));
                }
            } else if rule == Rule::filter {
                head.push(Doc::nest(vec![self.before(&part), self.node(part)]));
            } else {
                head.push(self.before_tight(&part));
                if previous.is_some_and(|p| spaced(p, rule)) {
                    head.push(Doc::Text(" "));
                }
                head.push(self.node(part));
            }
            previous = Some(rule);
        }
        Doc::Sequence(vec![Doc::group(docs), end])
    }

    fn optimize(&mut self, pair: Pair<'a, Rule>) -> Doc<'a> {
        let (mut docs, mut over) = (Vec::new(), Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::kw_over => {
                    docs.extend([self.before(&part), Doc::Line]);
                    over.extend([self.leaf(&part), Doc::Text(" ")]);
                }
                Rule::binders => over.extend([self.before_tight(&part), self.node(part)]),
                Rule::filter => over.extend([self.before(&part), self.node(part)]),
                Rule::expr => docs.extend([self.before_tight(&part), Doc::Text(" "), self.node(part)]),
                _ => docs.extend([self.before_tight(&part), self.node(part)]),
            }
        }
        docs.push(Doc::group(vec![Doc::nest(over)]));
        Doc::Sequence(docs)
    }

    fn largest(&mut self, pair: Pair<'a, Rule>) -> Doc<'a> {
        let (mut docs, mut such) = (Vec::new(), false);
        for part in pair.into_inner() {
            let rule = part.as_rule();
            if rule == Rule::expr && such {
                docs.push(Doc::nest(vec![self.before(&part), Doc::Line, self.spine(part)]));
                continue;
            }
            docs.push(self.before_tight(&part));
            such |= rule == Rule::kw_such;
            if rule != Rule::kw_largest {
                docs.push(Doc::Text(" "));
            }
            docs.push(self.node(part));
        }
        Doc::group(docs)
    }

    fn enumeration(&mut self, pair: Pair<'a, Rule>) -> Doc<'a> {
        let mut parts = pair.into_inner().peekable();
        let mut docs = Vec::new();
        if let Some(head) = parts.next() {
            docs.push(self.node(head));
        }
        docs.push(self.before_next_tight(&mut parts));
        docs.push(Doc::Text(" "));
        docs.push(self.bracketed(parts, false, true));
        Doc::Sequence(docs)
    }

    fn block(&mut self, pair: Pair<'a, Rule>) -> Doc<'a> {
        let (mut docs, mut inner) = (Vec::new(), Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::lbrace => {
                    docs.extend([self.before_tight(&part), Doc::Text(" "), self.leaf(&part)]);
                    self.opened = true;
                }
                Rule::rbrace => {
                    let comments = self.next_comment;
                    inner.push(self.rest(self.base + part.as_span().start() as u32));
                    self.opened = false;
                    if inner.len() > 1 || self.next_comment > comments {
                        docs.extend([Doc::nest(std::mem::take(&mut inner)), Doc::HardLine]);
                    }
                    docs.push(self.leaf(&part));
                }
                Rule::dataset_head | Rule::params_head | Rule::network_head => docs.push(self.node(part)),
                _ => inner.extend([self.lead(&part), self.node(part)]),
            }
        }
        Doc::Sequence(docs)
    }

    fn field(&mut self, pair: Pair<'a, Rule>) -> Doc<'a> {
        let (mut docs, mut clauses, mut end) = (Vec::new(), Vec::new(), Doc::nothing());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::from_clause | Rule::tensor_clause | Rule::column_clause | Rule::kw_raw => {
                    clauses.extend([self.before(&part), Doc::Line, self.node(part)]);
                }
                Rule::r#type => docs.extend([self.before_tight(&part), Doc::Text(" "), self.node(part)]),
                Rule::semi => {
                    let (inside, behind) = self.before_end(&part);
                    docs.extend([Doc::nest(std::mem::take(&mut clauses)), inside, self.leaf(&part)]);
                    end = behind;
                }
                _ => docs.extend([self.before_tight(&part), self.node(part)]),
            }
        }
        Doc::Sequence(vec![Doc::group(docs), end])
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

/// Whether an expression is a call or a list, perhaps with something behind it, and so breaks inside its brackets.
fn breaks_well(pair: &Pair<Rule>) -> bool {
    let mut parts = pair.clone().into_inner();
    let first = parts.next().is_some_and(|p| matches!(p.as_rule(), Rule::named | Rule::list | Rule::paren));
    first && parts.all(|p| matches!(p.as_rule(), Rule::kw_lsb | Rule::cast | Rule::field | Rule::index))
}

/// Whether a list holds nothing but plain numbers, so that they may fill their lines.
fn is_number_list(written: &str) -> bool {
    let inside = written.get(1..written.len().saturating_sub(1)).unwrap_or("");
    let plain = |b: u8| b.is_ascii_digit() || b.is_ascii_whitespace() || b",.-_eE+".contains(&b);
    inside.bytes().all(plain) && inside.bytes().any(|b| b.is_ascii_digit()) && !inside.contains("..")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{RICH, check_format};
    use super::*;
    use insta::assert_snapshot;

    #[test]
    fn the_rich_spec_keeps_its_layout() {
        assert_eq!(check_format(RICH), RICH);
    }

    #[test]
    fn white_space_does_not_matter() {
        let tokens = scan(RICH).tokens;
        for between in [" ", "\n", "\t", "\r\n  \r\n"] {
            let mut text = String::new();
            for (token, next) in tokens.iter().zip(tokens.iter().skip(1).map(|t| t.text(RICH)).chain([""])) {
                let written = token.text(RICH);
                text.push_str(written);
                // The scanner cuts patterns of tensor names, which are one word to the grammar.
                let pattern = written == "*" || next == "?" || written == "?" || next == "." || written == ".";
                text.push_str(if pattern { "" } else { between });
            }
            check_format(&text);
        }
    }

    #[test]
    fn a_comment_anywhere_stays() {
        for item in &parse(RICH).items {
            let item = &RICH[item.start as usize..item.end as usize];
            for token in &scan(item).tokens {
                for comment in ["// here\n", "\n// here\n", "\n\n\n// here\n// there\n\n\n"] {
                    let (before, after) = item.split_at(token.start as usize);
                    let text = format!("{before} {comment}{after}");
                    // Inside a pattern of tensor names there is no room for a comment.
                    if parse(&text).errors.is_empty() {
                        let formatted = check_format(&text);
                        assert_eq!(formatted.matches("// here").count(), 1, "{formatted}");
                    }
                }
            }
        }
    }

    #[test]
    fn long_things_break_where_they_read_best() {
        assert_snapshot!(check_format(
            r#"type Scales = affine<int<8>, [0.00390625, 0.0078125, 0.015625, 0.03125, 0.0625, 0.125, 0.25], [1, 2, 3, 4, 5, 6, 7]>[28, 28];
enum Feature { gender, group_a, group_b, group_c, group_d, group_e, lunch, preparation, mathematics, reading, writing }
const SMALL = [1, 2, 3]; const NONE = [];
const LONG = [1.25, -2.5, 3.75, 4.125, 5.0625, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27];
const MATRIX = [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14], [1, -2]];
dataset d { a_field_with_a_long_name: AFormatWithALongName[28, 28] from "a/rather/long/path/to/a/file.npz" tensor "x_test" raw; } dataset none {}
network a_network_with_a_name<bits>(first: AFormatWithALongName[28, 28], second: AFormatWithALongName[28, 28]) -> Out[10] {
let h = relu(dense(concat(flatten(first), flatten(second)), parameters.first_layer) + parameters.second_bias) as Activation<bits>;
let s: acc<20> = dense(first, parameters.first_layer) + dense(second, parameters.second_layer) + parameters.third_bias;
h }
def a_function(a: Student, b: Student) -> bool = a.gender == 0 and b.gender == 1 or a.lunch != b.lunch and a.preparation == 2 * b.preparation + 1;
property short = true;
property p(i in 0..100) where i != 3 = forall x in ball(test[i].image, 2 lsb), y in ball(test[i].image, 2 lsb) where argmax(classifier(x)) == test[i].label: (argmax(classifier(y)) == test[i].label => maximum(classifier(x)) >= maximum(classifier(y))) and x in ball(y, 4 lsb);
property a_property_with_many_parameters(image in 0..100, radius in [1, 2, 3, 4], bits in 6..=10, feature in Feature) where image != 3 and radius < bits = true;
measure gap(bits in 6..=10) = maximize abs(student<bits>(a) - student<bits>(b)) over a: Student, b: Student where same_but_gender_and_lunch(a, b) and a[Feature.lunch] > 0;
measure radius(i in 0..20) = largest eps in 0..=32 such that forall x in ball(test[i].image, eps lsb): argmax(classifier(x)) == test[i].label;
"#
        ));
    }

    #[test]
    fn comments_and_blank_lines() {
        assert_snapshot!(check_format(
            "

//! The file.
// plain
/// The next item.
#[slow]   // why

type A=B;   // the end of A


// between

enum E{a,//first
 b=\"x\" // second
 ,
 // last
}
const W=[1,// one
2];
dataset d{

// only a comment

}
network f(x:T)->T{ // opened

   let a=g(x); let b=a; // two


   // three
   b // the result
}
property p=// because
a and // left
b;
// the end"
        ));
    }
}
