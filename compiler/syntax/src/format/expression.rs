//! Expressions: operators at the beginning of their lines, a quantifier's statement indented below it.

use super::Formatter;
use crate::grammar::{Pairs, Rule};
use crate::precedence::{COMPARE, NEGATE, RANGE, infix};
use crate::pretty_printer::Doc;
use pest::iterators::Pair;

impl<'a> Formatter<'a> {
    pub(super) fn expression(&mut self, pair: Pair<'a, Rule>) -> Doc<'a> {
        let mut parts = pair.into_inner().peekable();
        Doc::group(vec![self.climb(&mut parts, 0, false)])
    }

    /// An expression that has its lines for itself: its quantifiers break together with what is around it, and its
    /// operators stand where it begins.
    pub(super) fn spine(&mut self, pair: Pair<'a, Rule>) -> Doc<'a> {
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

    pub(super) fn before_next_tight(&mut self, parts: &mut Pairs<'a>) -> Doc<'a> {
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

    pub(super) fn binders(&mut self, pair: Pair<'a, Rule>) -> Doc<'a> {
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
}
