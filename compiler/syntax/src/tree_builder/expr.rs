//! Expressions: precedence climbing over operators, prefixes and quantifiers.
//!
//! In: the flat pairs of an expression. Out: its tree with the tree's depth. What is too deep becomes an error, once, and a leaf.

use super::ty::no_type;
use super::{Builder, MAX_DEPTH};
use crate::ast::*;
use crate::error_codes;
use crate::grammar::{Pairs, Rule};
use crate::precedence::{COMPARE, IMPLIES, NEGATE, RANGE, infix};
use crate::{SyntaxError, SyntaxFix};
use pest::iterators::Pair;

/// An expression with the depth of its tree.
pub(super) struct Deep {
    pub(super) expr: Expr,
    pub(super) depth: u32,
}

impl<'a> Builder<'a> {
    /// A pair of rule `expr`.
    pub fn expr(&mut self, pair: Pair<'a, Rule>) -> Expr {
        self.sequence(pair).expr
    }

    /// The expression inside a pair.
    pub fn only_expr(&mut self, pair: Pair<'a, Rule>) -> Expr {
        self.only(pair).expr
    }

    pub(super) fn only(&mut self, pair: Pair<'a, Rule>) -> Deep {
        let span = self.span(&pair);
        let inner = pair.into_inner().find(|p| matches!(p.as_rule(), Rule::expr | Rule::simple));
        match inner {
            Some(inner) => self.sequence(inner),
            None => self.nothing(span),
        }
    }

    /// All expressions directly inside a pair.
    pub(super) fn expressions(&mut self, pair: Pair<'a, Rule>) -> Vec<Deep> {
        let inner = pair.into_inner().filter(|p| matches!(p.as_rule(), Rule::expr | Rule::simple));
        inner.map(|p| self.sequence(p)).collect()
    }

    pub(super) fn no_expr(&self, span: Span) -> Expr {
        Expr { kind: ExprKind::Bool(false), span }
    }

    pub(super) fn nothing(&self, span: Span) -> Deep {
        Deep { expr: self.no_expr(span), depth: 0 }
    }

    /// Checks a depth; what is too deep becomes an error, once, and a leaf.
    pub(super) fn deep(&mut self, expr: Expr, below: u32) -> Deep {
        if below < MAX_DEPTH {
            return Deep { expr, depth: below + 1 };
        }
        let span = expr.span;
        self.report_depth(span);
        self.nothing(span)
    }

    fn report_depth(&mut self, span: Span) {
        if !self.too_deep {
            self.too_deep = true;
            self.errors.push(too_deep(span));
        }
    }

    pub(super) fn sequence(&mut self, pair: Pair<'a, Rule>) -> Deep {
        let mut pairs = pair.into_inner().peekable();
        self.climb(&mut pairs, 0)
    }

    /// Builds what is joined by operators that bind at least as tightly as `min`.
    fn climb(&mut self, pairs: &mut Pairs<'a>, min: u8) -> Deep {
        self.level += 1;
        let built = self.climb_here(pairs, min);
        self.level -= 1;
        built
    }

    fn climb_here(&mut self, pairs: &mut Pairs<'a>, min: u8) -> Deep {
        let mut left = self.operand(pairs, min);
        while !self.too_deep {
            let Some((operator, binding, symbol)) = self.next_infix(pairs).filter(|(_, binding, _)| *binding >= min)
            else {
                return left;
            };
            let (operator, at) = (operator, symbol);
            pairs.next();
            let right = self.climb(pairs, if binding == IMPLIES { binding } else { binding + 1 });
            if self.too_deep {
                return left;
            }
            let (left_span, right_span) = (left.expr.span, right.expr.span);
            let span = left_span.to(right_span);
            let below = left.depth.max(right.depth);
            let kind = match operator {
                Some(operator) => ExprKind::Binary(operator, Box::new(left.expr), Box::new(right.expr)),
                None => ExprKind::Range {
                    start: Some(Box::new(left.expr)),
                    end: Some(Box::new(right.expr)),
                    inclusive: self.source(at) == "..=",
                },
            };
            left = self.deep(Expr { kind, span }, below);
            if let Some((_, next, second)) = self.next_infix(pairs)
                && next == binding
                && matches!(binding, COMPARE | RANGE)
            {
                self.chained(at, second, left_span, right_span);
            }
        }
        left
    }

    /// The operator that comes next, how tightly it binds and where it stands.
    fn next_infix(&self, pairs: &mut Pairs<'a>) -> Option<(Option<BinaryOp>, u8, Span)> {
        let pair = pairs.peek().filter(|p| matches!(p.as_rule(), Rule::infix | Rule::simple_infix))?;
        let (binding, operator) = infix(pair.as_str());
        Some((operator, binding, self.span(pair)))
    }

    fn chained(&mut self, first: Span, second: Span, left: Span, right: Span) {
        let (a, b) = (self.source(left).trim(), self.source(right).trim());
        let (one, two) = (self.source(first), self.source(second));
        let short = a.len() + b.len() < 60 && !a.contains('\n') && !b.contains('\n');
        let range = one.starts_with("..");
        let help = if range {
            "a range has one start and one end".to_owned()
        } else if short {
            format!("write `{a} {one} {b} and {b} {two} …`, or put one comparison in parentheses")
        } else {
            "join two comparisons with `and`, or put one in parentheses".to_owned()
        };
        let what = if range { "ranges don't chain" } else { "comparisons don't chain" };
        self.error(error_codes::CHAINED, second, what, &format!("a second `{two}`"), help);
        if let Some(error) = self.errors.last_mut() {
            error.secondary = Some((first, format!("the first `{one}`")));
            error.fix = (short && !range).then(|| SyntaxFix {
                title: "join the two by `and`".to_owned(),
                span: second,
                replacement: format!("and {b} {two}"),
            });
        }
    }

    pub(super) fn operand(&mut self, pairs: &mut Pairs<'a>, min: u8) -> Deep {
        let Some(pair) = pairs.next() else { return self.nothing(Span::new(self.base, self.base)) };
        let span = self.span(&pair);
        if self.level > MAX_DEPTH {
            self.report_depth(span);
            return self.nothing(span);
        }
        let loose = matches!(pair.as_rule(), Rule::kw_not | Rule::quantifier | Rule::let_head);
        if loose && min > COMPARE {
            let word = self.source(span).split_whitespace().next().unwrap_or_default();
            let word_span = Span::new(span.start, span.start + word.len() as u32);
            self.error(
                error_codes::NEEDS_PARENTHESES,
                word_span,
                &format!("`{word}` can't be an operand here without parentheses"),
                "reaches further to the right than the operator before it",
                format!("write `({word} …)`"),
            );
        }
        match pair.as_rule() {
            Rule::negate | Rule::kw_not => {
                let (operator, min) =
                    if pair.as_rule() == Rule::negate { (UnaryOp::Negate, NEGATE) } else { (UnaryOp::Not, COMPARE) };
                let inner = self.climb(pairs, min);
                let span = span.to(inner.expr.span);
                self.deep(Expr { kind: ExprKind::Unary(operator, Box::new(inner.expr)), span }, inner.depth)
            }
            Rule::quantifier => self.quantifier(pair, pairs),
            Rule::let_head => {
                let name = self.first_name(pair.clone());
                let value = self.only(pair);
                let body = self.climb(pairs, 0);
                let span = span.to(body.expr.span);
                let below = value.depth.max(body.depth);
                let kind = ExprKind::Let(Box::new(LetExpr { name, value: value.expr, body: body.expr }));
                self.deep(Expr { kind, span }, below)
            }
            _ => {
                let primary = self.primary(pair);
                self.postfix(primary, pairs)
            }
        }
    }

    pub(super) fn quantifier(&mut self, pair: Pair<'a, Rule>, pairs: &mut Pairs<'a>) -> Deep {
        let span = self.span(&pair);
        let (mut kind, mut keyword) = (QuantifierKind::Forall, span);
        let (mut binders, mut condition, mut below) = (Vec::new(), None, 0);
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::kw_forall => keyword = self.span(&pair),
                Rule::kw_exists => (kind, keyword) = (QuantifierKind::Exists, self.span(&pair)),
                Rule::binders => {
                    let (list, depth) = self.binders(pair);
                    (binders, below) = (list, depth);
                }
                Rule::condition | Rule::filter => {
                    let deep = self.only(pair);
                    below = below.max(deep.depth);
                    condition = Some(deep.expr);
                }
                _ => {}
            }
        }
        let body = self.climb(pairs, 0);
        let span = span.to(body.expr.span);
        let below = below.max(body.depth);
        let quantifier = Quantifier { kind, keyword, binders, condition, body: body.expr };
        self.deep(Expr { kind: ExprKind::Quantifier(Box::new(quantifier)), span }, below)
    }

    pub(super) fn binders(&mut self, pair: Pair<'a, Rule>) -> (Vec<Binder>, u32) {
        let mut below = 0;
        let mut binders = Vec::new();
        for pair in pair.into_inner().filter(|p| p.as_rule() == Rule::binder) {
            let name = self.first_name(pair.clone());
            let mut range = BinderRange::Type(no_type(&name));
            for pair in pair.into_inner() {
                match pair.as_rule() {
                    Rule::expr => {
                        let set = self.sequence(pair);
                        below = below.max(set.depth);
                        range = BinderRange::Set(set.expr);
                    }
                    Rule::r#type => {
                        let (ty, depth) = self.ty(pair);
                        below = below.max(depth);
                        range = BinderRange::Type(ty);
                    }
                    _ => {}
                }
            }
            binders.push(Binder { name, range });
        }
        (binders, below)
    }
}

/// The error of an expression or of brackets that nest too deeply.
pub fn too_deep(span: Span) -> SyntaxError {
    SyntaxError {
        code: error_codes::TOO_DEEP,
        span,
        message: format!("this is nested more than {MAX_DEPTH} levels deep"),
        label: "too deep from here on".to_owned(),
        secondary: None,
        help: Some("name parts of it with `let`, `def` or `const`, or use `sum`, `min` or a quantifier".to_owned()),
        fix: None,
    }
}
