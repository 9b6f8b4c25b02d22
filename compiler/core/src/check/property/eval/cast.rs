//! Casts of constants: `[0.5, 0.25] as Act`, `(1.25 * test[0].image) as Pixel`. What varies is not cast in a property.

use super::super::super::data::scales;
use super::super::super::types::{Axis, Type, count, same_sizes, shape_text};
use super::super::super::{Checked, Reported, at};
use super::super::env::Env;
use super::super::lowering::Lowering;
use super::super::value::{Elements, Tensor, Value};
use super::comparison::listed;
use crate::diagnostic::{Diagnostic, Place};
use crate::number_format::{Format, Overflow};
use qnn_ir::Rational;
use qnn_ir::interrupt::work;
use qnn_ir::rational::exact;
use qnn_ir::real::NUMBER;
use qnn_syntax::ast::{Expr, ExprKind, TypeExpr};

impl Lowering<'_> {
    /// The stored value that a constant is rounded to, as the format says.
    pub(super) fn cast(&mut self, env: &Env, inner: &Expr, ty: &TypeExpr, place: Place) -> Checked<Value> {
        let value = self.eval(env, inner)?;
        let from = at(env.item, inner.span);
        let tensor = match listed(&value) {
            Value::Tensor(tensor) => tensor,
            other => Tensor {
                shape: Vec::new(),
                elements: Elements::Terms([self.number(&other, None, from)?].into()),
                lsb: None,
                format: None,
            },
        };
        let (format, declared) = match self.constants(env, |e| e.ty(ty))? {
            Type::Stored(format, shape) => (format, shape),
            other => {
                let message = format!("a format is needed here, not `{}`", other.show(self.context.db));
                return self.error("E0302", at(env.item, ty.span), message, "not a format");
            }
        };
        let shape = match declared.is_empty() || same_sizes(&declared, &tensor.shape) {
            true if declared.is_empty() => tensor.shape.clone(),
            true => declared,
            false => {
                let db = self.context.db;
                let (found, wanted) = (shape_text(db, &tensor.shape), shape_text(db, &declared));
                let message = format!("{found} can't be cast to the shape {wanted}");
                return self.error("E0301", from, message, "the shapes differ");
            }
        };
        self.constants(env, |e| e.check_channels(&format, &shape, ty))?;
        let values: Option<Vec<Rational>> = (0..tensor.len()).map(|i| tensor.term(i).as_constant().cloned()).collect();
        let Some(values) = values else { return Err(self.no_cast(place)) };
        self.parts(values.len(), place)?;
        let literal = matches!(inner.kind, ExprKind::List(_) | ExprKind::Number { .. });
        let numbers = self.quantized(&values, &format, &shape, literal, place)?;
        let lsb = Some(scales(&format, &shape));
        Ok(Value::Tensor(Tensor { shape, elements: Elements::Known(numbers.into()), lsb, format: Some(format) }))
    }

    /// The centred integers of values in a format. `literal` numbers that saturate are warned of: they are a slip more often than not.
    fn quantized(
        &self,
        values: &[Rational],
        format: &Format,
        shape: &[Axis],
        literal: bool,
        place: Place,
    ) -> Checked<Vec<i64>> {
        let inner = count(shape.get(1..).unwrap_or_default());
        let quantize = |(i, value): (usize, &Rational)| {
            work(NUMBER);
            let channel = if format.channels() == 1 { 0 } else { i / inner };
            let quantized = format.quantize(value, channel);
            if quantized.overflowed && format.overflow == Overflow::Error {
                let message = format!("{} is beyond `{format}`", exact(value));
                return self.error("E0402", place, message, "`overflow = error` forbids this");
            }
            if quantized.overflowed && literal {
                let becomes = exact(&format.value(quantized.raw, channel));
                let message = format!("{} is beyond `{format}` and becomes {becomes}", exact(value));
                self.context.report(
                    Diagnostic::warning("W0405", message, place, "saturates")
                        .help("use fewer fraction bits or more bits in all, if that is not meant"),
                );
            }
            Ok(quantized.raw - format.zero(channel))
        };
        values.iter().enumerate().map(quantize).collect()
    }

    fn no_cast(&self, place: Place) -> Reported {
        self.context.report(
            Diagnostic::error(
                "E0612",
                "a property computes exactly; `as` belongs in networks",
                place,
                "casts lose bits, and this varies",
            )
            .note("What is known while the spec is checked may be cast: numbers, lists, samples, and what is computed from them.")
            .help("compare the exact values; or compute this in a `network`"),
        )
    }
}
