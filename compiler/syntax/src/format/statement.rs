//! Statements, fields and items with a body.

use super::{Formatter, spaced};
use crate::grammar::Rule;
use crate::pretty_printer::Doc;
use pest::iterators::Pair;

impl<'a> Formatter<'a> {
    /// `head = value;`, the value on the next line if it doesn't fit and doesn't break well by itself.
    pub(super) fn assignment(&mut self, pair: Pair<'a, Rule>, may_hug: bool) -> Doc<'a> {
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

    pub(super) fn optimize(&mut self, pair: Pair<'a, Rule>) -> Doc<'a> {
        let (mut docs, mut over) = (Vec::new(), Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::kw_over => {
                    docs.extend([self.before(&part), Doc::Line]);
                    over.extend([self.leaf(&part), Doc::Text(" ")]);
                }
                Rule::binders => over.extend([self.before_tight(&part), self.node(part)]),
                Rule::filter | Rule::within => over.extend([self.before(&part), self.node(part)]),
                Rule::expr => docs.extend([self.before_tight(&part), Doc::Text(" "), self.node(part)]),
                _ => docs.extend([self.before_tight(&part), self.node(part)]),
            }
        }
        docs.push(Doc::group(vec![Doc::nest(over)]));
        Doc::Sequence(docs)
    }

    /// `binders where condition such that goal`.
    pub(super) fn search(&mut self, pair: Pair<'a, Rule>) -> Doc<'a> {
        let (mut docs, mut over, mut such) = (Vec::new(), Vec::new(), Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::binders => over.extend([self.before_tight(&part), self.node(part)]),
                Rule::filter => over.extend([self.before(&part), self.node(part)]),
                Rule::kw_such => {
                    docs.push(Doc::group(vec![Doc::nest(std::mem::take(&mut over))]));
                    docs.extend([self.before(&part), Doc::Line, self.leaf(&part)]);
                }
                Rule::expr => such.extend([self.before(&part), Doc::Line, self.spine(part)]),
                _ => docs.extend([self.before_tight(&part), Doc::Text(" "), self.leaf(&part)]),
            }
        }
        docs.push(Doc::group(vec![Doc::nest(such)]));
        Doc::Sequence(docs)
    }

    pub(super) fn largest(&mut self, pair: Pair<'a, Rule>) -> Doc<'a> {
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

    pub(super) fn enumeration(&mut self, pair: Pair<'a, Rule>) -> Doc<'a> {
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

    pub(super) fn block(&mut self, pair: Pair<'a, Rule>) -> Doc<'a> {
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

    pub(super) fn field(&mut self, pair: Pair<'a, Rule>) -> Doc<'a> {
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

/// Whether an expression is a call or a list, perhaps with something behind it, and so breaks inside its brackets.
fn breaks_well(pair: &Pair<Rule>) -> bool {
    let mut parts = pair.clone().into_inner();
    let first = parts.next().is_some_and(|p| matches!(p.as_rule(), Rule::named | Rule::list | Rule::paren));
    first && parts.all(|p| matches!(p.as_rule(), Rule::kw_lsb | Rule::cast | Rule::field | Rule::index))
}
