//! Operands without operators: numbers, names, calls, lists, parentheses, and what follows them (`.field`, `[index]`, `as T`, `lsb`).

use super::Builder;
use super::expr::Deep;
use super::ty::no_type;
use crate::ast::*;
use crate::error_codes;
use crate::grammar::{Pairs, Rule};
use crate::{SyntaxError, SyntaxFix};
use num_traits::Zero;
use pest::iterators::Pair;
use qnn_rational::parse_decimal;

impl<'a> Builder<'a> {
    pub(super) fn primary(&mut self, pair: Pair<'a, Rule>) -> Deep {
        let span = self.span(&pair);
        match pair.as_rule() {
            Rule::number => {
                let kind = self.number(&pair);
                self.deep(Expr { kind, span }, 0)
            }
            Rule::kw_true => self.deep(Expr { kind: ExprKind::Bool(true), span }, 0),
            Rule::kw_false => self.deep(Expr { kind: ExprKind::Bool(false), span }, 0),
            Rule::list | Rule::simple_list => {
                let elements = self.expressions(pair);
                let below = elements.iter().map(|e| e.depth).max().unwrap_or(0);
                let elements = elements.into_iter().map(|e| e.expr).collect();
                self.deep(Expr { kind: ExprKind::List(elements), span }, below)
            }
            Rule::named | Rule::simple_named => self.named(pair),
            _ => {
                // Parentheses leave no trace but the wider span, so that what is built on it is underlined whole.
                let mut inner = self.only(pair);
                inner.expr.span = span;
                inner
            }
        }
    }

    fn number(&mut self, pair: &Pair<'a, Rule>) -> ExprKind {
        let written = pair.as_str();
        let integer = !written.contains(['.', 'e', 'E']);
        let value = parse_decimal(written).unwrap_or_else(|| {
            let span = self.span(pair);
            self.error(
                error_codes::HUGE_NUMBER,
                span,
                "this number is too long to be exact",
                "more than 4096 digits, or an exponent beyond 4096",
                "no format holds such a number; write fewer digits or a smaller exponent".to_owned(),
            );
            qnn_rational::Rational::zero()
        });
        ExprKind::Number { value, integer }
    }

    /// A variable or a call.
    fn named(&mut self, pair: Pair<'a, Rule>) -> Deep {
        let span = self.span(&pair);
        let callee = self.first_name(pair.clone());
        let mut call = Call { callee, generics: Vec::new(), reading: None, arguments: Vec::new() };
        let (mut below, mut called) = (0, false);
        for pair in pair.into_inner() {
            called |= matches!(pair.as_rule(), Rule::arguments | Rule::simple_arguments);
            match pair.as_rule() {
                Rule::generics => {
                    for generic in self.expressions(pair) {
                        below = below.max(generic.depth);
                        call.generics.push(generic.expr);
                    }
                }
                Rule::reading => {
                    for part in pair.into_inner() {
                        match part.as_rule() {
                            Rule::word_real => call.reading = Some(Box::new(Reading::Real(self.span(&part)))),
                            Rule::tensor_name => {
                                call.reading = Some(Box::new(Reading::At(self.first_string(part))));
                            }
                            _ => {}
                        }
                    }
                }
                Rule::arguments => {
                    for pair in pair.into_inner().filter(|p| p.as_rule() == Rule::argument) {
                        let mut name = None;
                        let mut value = None;
                        for pair in pair.into_inner() {
                            match pair.as_rule() {
                                Rule::argument_name => name = Some(self.first_name(pair)),
                                _ => value = Some(self.sequence(pair)),
                            }
                        }
                        let value = value.unwrap_or_else(|| self.nothing(span));
                        below = below.max(value.depth);
                        call.arguments.push(Argument { name, value: value.expr });
                    }
                }
                Rule::simple_arguments => {
                    for value in self.expressions(pair) {
                        below = below.max(value.depth);
                        call.arguments.push(Argument { name: None, value: value.expr });
                    }
                }
                _ => {}
            }
        }
        if called {
            return self.deep(Expr { kind: ExprKind::Call(call), span }, below);
        }
        self.deep(Expr { kind: ExprKind::Name(call.callee), span }, 0)
    }

    pub(super) fn postfix(&mut self, mut base: Deep, pairs: &mut Pairs<'a>) -> Deep {
        while let Some(pair) =
            pairs.next_if(|p| matches!(p.as_rule(), Rule::kw_lsb | Rule::cast | Rule::field | Rule::index))
        {
            if self.too_deep {
                continue;
            }
            let span = base.expr.span.to(self.span(&pair));
            let mut below = base.depth;
            let inner = Box::new(base.expr);
            let kind = match pair.as_rule() {
                Rule::kw_lsb => ExprKind::Lsb(inner),
                Rule::cast => {
                    let ty = pair.clone().into_inner().find(|p| p.as_rule() == Rule::r#type).map(|p| self.ty(p));
                    let (ty, depth) = ty.unwrap_or_else(|| (no_type(&self.no_name(&pair)), 0));
                    below = below.max(depth);
                    ExprKind::Cast(inner, ty)
                }
                Rule::field => {
                    let field = pair.clone().into_inner().find(|p| p.as_rule() == Rule::field_name);
                    let field = match field {
                        Some(field) => self.field_name(&field),
                        None => self.no_name(&pair),
                    };
                    if matches!(inner.kind, ExprKind::Number { .. }) {
                        self.errors.push(malformed_number(span, self.source(span)));
                    }
                    ExprKind::Field(inner, field)
                }
                _ => {
                    let mut items = Vec::new();
                    for pair in pair.into_inner().filter(|p| p.as_rule() == Rule::index_item) {
                        let item = self.index_item(pair);
                        below = below.max(item.depth);
                        items.push(item.expr);
                    }
                    ExprKind::Index(inner, items)
                }
            };
            base = self.deep(Expr { kind, span }, below);
        }
        base
    }

    fn index_item(&mut self, pair: Pair<'a, Rule>) -> Deep {
        let span = self.span(&pair);
        let mut value = None;
        let mut open = false;
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::open_start => {
                    let inclusive = pair.as_str().starts_with("..=");
                    let end = pair.into_inner().find(|p| p.as_rule() == Rule::expr).map(|p| self.sequence(p));
                    let below = end.as_ref().map_or(0, |e| e.depth);
                    let end = end.map(|e| Box::new(e.expr));
                    return self.deep(Expr { kind: ExprKind::Range { start: None, end, inclusive }, span }, below);
                }
                Rule::expr => value = Some(self.sequence(pair)),
                _ => open = true,
            }
        }
        let value = value.unwrap_or_else(|| self.nothing(span));
        if !open {
            return value;
        }
        let kind = ExprKind::Range { start: Some(Box::new(value.expr)), end: None, inclusive: false };
        self.deep(Expr { kind, span }, value.depth)
    }
}

/// The error of a number that is written wrongly.
pub fn malformed_number(span: Span, written: &str) -> SyntaxError {
    let unit = written.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '_');
    let digits = &written[..written.len() - unit.len()];
    let (help, meant) = if unit == "lsb" {
        (format!("write a space between them: `{digits} lsb`"), Some(format!("{digits} lsb")))
    } else if let Some(fraction) = written.strip_prefix('.') {
        (format!("write `0.{fraction}`"), Some(format!("0.{fraction}")))
    } else if let Some(whole) = written.strip_suffix('.') {
        (format!("write `{whole}.0` or `{whole}`"), Some(format!("{whole}.0")))
    } else {
        ("numbers are decimal: `12`, `0.25`, `1_000`, `1e-3`; a name can't begin with a digit".to_owned(), None)
    };
    SyntaxError {
        code: error_codes::NUMBER,
        span,
        message: format!("`{written}` is neither a number nor a name"),
        label: "not a number".to_owned(),
        secondary: None,
        help: Some(help),
        fix: meant.map(|text| SyntaxFix { title: format!("write `{text}`"), span, replacement: text }),
    }
}
