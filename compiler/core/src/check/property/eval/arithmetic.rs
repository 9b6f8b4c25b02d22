//! Arithmetic on values: exact, element by element.

use super::super::super::constant::{Constant, bounded, combine};
use super::super::super::data::PerElement;
use super::super::super::types::{count, same_sizes, shape_text, show_shape};
use super::super::super::{Checked, at};
use super::super::env::Env;
use super::super::lowering::Lowering;
use super::super::value::{Elements, Tensor, Value};
use super::comparison::listed;
use crate::diagnostic::{Diagnostic, Place};
use num_traits::Zero;
use qnn_ir::Rational;
use qnn_ir::interrupt::work;
use qnn_ir::obligation::term::Term;
use qnn_ir::rational::integer;
use qnn_syntax::ast::{BinaryOp, Expr};

impl Lowering<'_> {
    /// Each element mapped; steps stay what they were.
    pub(in crate::check::property) fn mapped(
        &self,
        t: &Tensor,
        f: impl Fn(Term) -> Term,
        place: Place,
    ) -> Checked<Tensor> {
        self.parts(t.len(), place)?;
        Ok(Tensor {
            shape: t.shape.clone(),
            elements: Elements::Terms(t.terms().into_iter().map(f).collect()),
            lsb: t.lsb.clone(),
            format: None,
        })
    }

    /// A number, be it a constant or a tensor of one element; `lsb` is what one step would be.
    pub(in crate::check::property) fn number(
        &self,
        value: &Value,
        lsb: Option<&Rational>,
        place: Place,
    ) -> Checked<Term> {
        match value {
            Value::Constant(Constant::Number(n)) => Ok(Term::constant(n.clone())),
            Value::Constant(Constant::Lsb(n)) => match lsb {
                Some(lsb) => Ok(Term::constant(n * lsb)),
                None => self.no_lsb(place),
            },
            Value::Tensor(t) if t.len() == 1 => Ok(t.term(0)),
            Value::Constant(Constant::List(list)) if list.len() == 1 => {
                self.number(&Value::Constant(list[0].clone()), lsb, place)
            }
            Value::Tensor(t) => Err(self.context.report(
                Diagnostic::error(
                    "E0302",
                    format!("a single number is needed here, not a tensor {}", show_shape(self.context.db, &t.shape)),
                    place,
                    "has several elements",
                )
                .help("take one element, or their `maximum`, `minimum` or `sum`"),
            )),
            other => {
                self.error("E0302", place, format!("a number is needed here, not {}", other.kind()), "not a number")
            }
        }
    }

    /// An expression that is a single number.
    pub(in crate::check::property) fn scalar(&mut self, env: &Env, expr: &Expr) -> Checked<Term> {
        let value = self.eval(env, expr)?;
        self.number(&value, None, at(env.item, expr.span))
    }

    pub(super) fn binary(
        &mut self,
        env: &Env,
        op: BinaryOp,
        left: &Expr,
        right: &Expr,
        place: Place,
    ) -> Checked<Value> {
        let (a, b) = (self.eval(env, left)?, self.eval(env, right)?);
        self.combined(env, op, (left, a), (right, b), place)
    }

    /// Two operands, each with its value, under an operator.
    pub(super) fn combined(
        &mut self,
        env: &Env,
        op: BinaryOp,
        (left, a): (&Expr, Value),
        (right, b): (&Expr, Value),
        place: Place,
    ) -> Checked<Value> {
        if let (Value::Constant(x), Value::Constant(y)) = (&a, &b) {
            if let Some(value) = combine(op, x, y) {
                return bounded(self.context, place, value).map(Value::Constant);
            }
            if matches!(op, BinaryOp::Divide) && matches!(y, Constant::Number(n) if n.is_zero()) {
                return self.error("E0311", at(env.item, right.span), "division by zero", "this is 0");
            }
        }
        match op {
            BinaryOp::Equal
            | BinaryOp::NotEqual
            | BinaryOp::Less
            | BinaryOp::LessEqual
            | BinaryOp::Greater
            | BinaryOp::GreaterEqual => {
                self.compare(op, &a, &b, (at(env.item, left.span), at(env.item, right.span)), place).map(Value::Formula)
            }
            BinaryOp::In => {
                self.is_in(&a, &b, (at(env.item, left.span), at(env.item, right.span)), place).map(Value::Formula)
            }
            _ => self
                .arithmetic(op, &a, &b, (at(env.item, left.span), at(env.item, right.span)), place)
                .map(Value::Tensor),
        }
    }

    /// `+ - * /` where at least one side is a tensor.
    pub(super) fn arithmetic(
        &self,
        op: BinaryOp,
        a: &Value,
        b: &Value,
        sides: (Place, Place),
        place: Place,
    ) -> Checked<Tensor> {
        let (a, b) = (&listed(a), &listed(b));
        let shape_of = |v: &Value| match v {
            Value::Tensor(t) => Some(t.shape.clone()),
            _ => None,
        };
        let (sa, sb) = (shape_of(a), shape_of(b));
        let shape = match (&sa, &sb) {
            (Some(x), Some(y)) if same_sizes(x, y) => x.clone(),
            (Some(x), Some(y)) if count(y) == 1 => x.clone(),
            (Some(x), Some(y)) if count(x) == 1 => y.clone(),
            (Some(x), Some(y)) => {
                return self.error(
                    "E0301",
                    place,
                    format!(
                        "{} and {} don't go together",
                        shape_text(self.context.db, x),
                        shape_text(self.context.db, y)
                    ),
                    "the shapes differ",
                );
            }
            (Some(x), None) | (None, Some(x)) => x.clone(),
            (None, None) => {
                return self.error(
                    "E0302",
                    place,
                    format!("`{}` can't take {} and {}", op.symbol(), a.kind(), b.kind()),
                    "not numbers",
                );
            }
        };
        let lsb_of = |v: &Value| match v {
            Value::Tensor(t) => t.lsb.clone(),
            _ => None,
        };
        let (la, lb) = (lsb_of(a), lsb_of(b));
        let element = |v: &Value, i: usize, other: &Option<PerElement<Rational>>, place: Place| -> Checked<Term> {
            match v {
                Value::Tensor(t) if t.len() == 1 => Ok(t.term(0)),
                Value::Tensor(t) => Ok(t.term(i)),
                _ => self.number(
                    v,
                    other.as_ref().map(|l| l.get(if matches!(l, PerElement::All(_)) { 0 } else { i })),
                    place,
                ),
            }
        };
        self.parts(count(&shape), place)?;
        let mut terms = Vec::with_capacity(count(&shape));
        for i in 0..count(&shape) {
            let x = element(a, i, &lb, sides.0)?;
            let y = element(b, i, &la, sides.1)?;
            terms.push(match op {
                BinaryOp::Add => x.plus(&y),
                BinaryOp::Subtract => x.minus(&y),
                BinaryOp::Multiply => match (x.as_constant(), y.as_constant()) {
                    (_, Some(factor)) => x.times(&factor.clone()),
                    (Some(factor), _) => y.times(&factor.clone()),
                    _ => {
                        return Err(self.context.report(
                            Diagnostic::error("E0601", "a product of two variables is not linear", place, "both factors vary")
                                .note("No engine decides products of variables; sums and multiples are exact and decidable."),
                        ));
                    }
                },
                _ => match y.as_constant() {
                    Some(divisor) if divisor.is_zero() => return self.error("E0311", sides.1, "division by zero", "this is 0"),
                    Some(divisor) => x.times(&(integer(1) / divisor)),
                    None => return self.error("E0601", place, "division by a variable is not linear", "the divisor varies"),
                },
            });
        }
        // A sum of values of one format still has that format's steps.
        let lsb = match (op, la, lb) {
            (BinaryOp::Add | BinaryOp::Subtract, Some(x), Some(y)) => (x == y).then_some(x),
            (BinaryOp::Add | BinaryOp::Subtract, Some(x), None)
            | (BinaryOp::Add | BinaryOp::Subtract, None, Some(x)) => (is_known(a) || is_known(b)).then_some(x),
            _ => None,
        };
        Ok(Tensor { shape, elements: Elements::Terms(terms.into()), lsb, format: None })
    }
}

/// Whether a value is numbers that the spec says.
fn is_known(value: &Value) -> bool {
    match value {
        Value::Tensor(t) => {
            t.lsb.is_none() && (0..t.len()).inspect(|_| work(1)).all(|i| t.term(i).as_constant().is_some())
        }
        _ => true,
    }
}
