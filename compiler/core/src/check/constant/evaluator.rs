//! The evaluator of constant expressions, and the values of `const` items.

use super::conversion::{bounded, element, integer_of, size_of, variant};
use super::value::{Constant, Range, combine, enum_variants, negated};
use crate::check::scope::{is_cyclic, lookup};
use crate::check::{Checked, Context, Outcome, Reported, at};
use crate::db::{Db, ItemId, tree};
use crate::diagnostic::Place;
use num_traits::Zero;
use qnn_ir::Rational;
use qnn_syntax::Span;
use qnn_syntax::ast::{BinaryOp, Expr, ExprKind, ItemKind, Name, UnaryOp};
use qnn_syntax::walk::Role;
use std::sync::Arc;

/// Evaluates constant expressions.
pub struct Evaluator<'a> {
    /// Where diagnostics go.
    pub context: &'a Context<'a>,
    /// The item in which the expressions stand.
    pub item: ItemId,
    /// Local names: generics, family parameters.
    pub locals: &'a dyn Fn(&str) -> Option<Local>,
}

/// What a local name stands for: a constant, or something else, by its kind.
pub type Local = Result<Constant, String>;

impl Evaluator<'_> {
    fn place(&self, span: Span) -> Place {
        at(self.item, span)
    }

    /// The expression's value.
    pub fn eval(&self, expr: &Expr) -> Checked<Constant> {
        match &expr.kind {
            ExprKind::Number { value, .. } => Ok(Constant::Number(value.clone())),
            ExprKind::Bool(value) => Ok(Constant::Bool(*value)),
            ExprKind::List(elements) => {
                let values: Vec<Constant> = elements.iter().map(|e| self.eval(e)).collect::<Checked<_>>()?;
                bounded(self.context, self.place(expr.span), Constant::List(values.into()))
            }
            ExprKind::Name(name) => self.name(name),
            ExprKind::Lsb(inner) => Ok(Constant::Lsb(self.number(inner)?)),
            ExprKind::Unary(UnaryOp::Negate, inner) => {
                let value = self.eval(inner)?;
                negated(&value).ok_or(()).or_else(|()| self.mismatch(inner.span, "a number", value.kind()))
            }
            ExprKind::Unary(UnaryOp::Not, inner) => Ok(Constant::Bool(!self.bool(inner)?)),
            ExprKind::Binary(op, left, right) => self.binary(*op, left, right, expr.span),
            ExprKind::Field(inner, field) => match self.eval(inner)? {
                Constant::Enum(item) => {
                    variant(self.context, item, field, self.item).map(|index| Constant::Variant(item, index))
                }
                other => self.context.error(
                    "E0305",
                    self.place(field.span),
                    format!("{} has no field `{}`", other.kind(), field.text),
                    "unknown field",
                ),
            },
            ExprKind::Range { start: Some(start), end: Some(end), inclusive } => {
                let (start, end) = (self.number(start)?, self.number(end)?);
                Ok(Constant::Range(Range { start, end, inclusive: *inclusive }))
            }
            ExprKind::Index(inner, indices) => {
                let mut value = self.eval(inner)?;
                for index in indices {
                    let Constant::List(list) = &value else {
                        return self.mismatch(inner.span, "a list", value.kind());
                    };
                    value = element(self.context, self.place(index.span), list, &self.eval(index)?)?;
                }
                Ok(value)
            }
            ExprKind::Call(call) if matches!(&*call.callee.text, "min" | "max" | "abs" | "len") => {
                self.call(call, expr.span)
            }
            _ => self.context.error(
                "E0310",
                self.place(expr.span),
                "a constant is needed here",
                "not known while the spec is checked",
            ),
        }
    }

    fn call(&self, call: &qnn_syntax::ast::Call, span: Span) -> Checked<Constant> {
        let arguments: Vec<Constant> = call.arguments.iter().map(|a| self.eval(&a.value)).collect::<Checked<_>>()?;
        match (&*call.callee.text, arguments.as_slice()) {
            ("min", [Constant::Number(a), Constant::Number(b)]) => Ok(Constant::Number(a.min(b).clone())),
            ("max", [Constant::Number(a), Constant::Number(b)]) => Ok(Constant::Number(a.max(b).clone())),
            ("abs", [Constant::Number(a)]) => Ok(Constant::Number(num_traits::Signed::abs(a))),
            ("len", [Constant::List(list)]) => Ok(Constant::int(list.len() as i128)),
            ("len", [Constant::Enum(item)]) => Ok(Constant::int(enum_variants(self.context.db, *item).len() as i128)),
            (name, _) => self.context.error(
                "E0303",
                self.place(span),
                format!("`{name}` can't take these constants"),
                "wrong number or kind of arguments",
            ),
        }
    }

    /// The value of a local name or of an item.
    pub fn name(&self, name: &Name) -> Checked<Constant> {
        match (self.locals)(&name.text) {
            Some(Ok(value)) => return Ok(value),
            Some(Err(kind)) => {
                return self.context.error(
                    "E0310",
                    self.place(name.span),
                    format!("a constant is needed here, but `{}` is {kind}", name.text),
                    "not known while the spec is checked",
                );
            }
            None => {}
        }
        let item = lookup(self.context, self.item, name, Role::Value)?;
        let db = self.context.db;
        match tree(db, item).as_deref().map(|t| &t.kind) {
            Some(ItemKind::Const(_)) => constant_item(db, item).value.clone().ok_or(Reported),
            Some(ItemKind::Enum(_)) => Ok(Constant::Enum(item)),
            _ => self.context.error(
                "E0310",
                self.place(name.span),
                format!("`{}` is not a constant", name.text),
                "a constant is needed here",
            ),
        }
    }

    fn binary(&self, op: BinaryOp, left: &Expr, right: &Expr, span: Span) -> Checked<Constant> {
        match op {
            BinaryOp::And => return Ok(Constant::Bool(self.bool(left)? && self.bool(right)?)),
            BinaryOp::Or => return Ok(Constant::Bool(self.bool(left)? || self.bool(right)?)),
            BinaryOp::Implies => return Ok(Constant::Bool(!self.bool(left)? || self.bool(right)?)),
            _ => {}
        }
        let (a, b) = (self.eval(left)?, self.eval(right)?);
        match combine(op, &a, &b) {
            Some(value) => bounded(self.context, self.place(span), value),
            None if op == BinaryOp::Divide && matches!(&b, Constant::Number(n) if n.is_zero()) => {
                self.context.error("E0311", self.place(right.span), "division by zero", "this is 0")
            }
            None => self.context.error(
                "E0302",
                self.place(span),
                format!("`{}` can't take {} and {}", op.symbol(), a.kind(), b.kind()),
                "these don't go together",
            ),
        }
    }

    fn mismatch<T>(&self, span: Span, wanted: &str, found: &str) -> Checked<T> {
        self.context.error(
            "E0302",
            self.place(span),
            format!("expected {wanted}, found {found}"),
            format!("this is {found}"),
        )
    }

    /// A number.
    pub fn number(&self, expr: &Expr) -> Checked<Rational> {
        match self.eval(expr)? {
            Constant::Number(n) => Ok(n),
            other => self.mismatch(expr.span, "a number", other.kind()),
        }
    }

    /// A truth value.
    pub fn bool(&self, expr: &Expr) -> Checked<bool> {
        match self.eval(expr)? {
            Constant::Bool(b) => Ok(b),
            other => self.mismatch(expr.span, "a truth value", other.kind()),
        }
    }

    /// An integer of moderate size.
    pub fn integer(&self, expr: &Expr) -> Checked<i128> {
        integer_of(self.context, self.place(expr.span), &self.eval(expr)?)
    }

    /// A non-negative integer for a size or an index.
    pub fn size(&self, expr: &Expr) -> Checked<usize> {
        size_of(self.context, self.place(expr.span), &self.eval(expr)?)
    }
}

/// The value of a `const` item.
#[salsa::tracked]
pub fn constant_item(db: &dyn Db, item: ItemId) -> Arc<Outcome<Constant>> {
    let context = Context::new(db);
    let value = match tree(db, item).as_deref().map(|t| &t.kind) {
        Some(ItemKind::Const(c)) if !is_cyclic(db, item) => {
            Evaluator { context: &context, item, locals: &|_| None }.eval(&c.value)
        }
        _ => Err(Reported),
    };
    Arc::new(context.outcome(value))
}
