//! Operations on tensors of constants, parameters and lists: computed exactly, while the network is built.

use super::super::super::Checked;
use super::super::super::data::{ConstantTensor, PerElement};
use super::super::super::types::{Shape, same_sizes, shape_text};
use super::super::Builder;
use super::layout::uniform_format;
use num_traits::{ToPrimitive, Zero};
use qnn_ir::Rational;
use qnn_ir::interrupt::work;
use qnn_ir::rational::common_denominator;
use qnn_ir::real::{NUMBER, Values};
use qnn_syntax::Span;
use qnn_syntax::ast::BinaryOp;

impl Builder<'_> {
    /// Exact numbers as a tensor: over one denominator, where 64 bits do.
    pub(in crate::check::network) fn exact_tensor(
        &self,
        shape: Shape,
        values: &[Rational],
        span: Span,
    ) -> Checked<ConstantTensor> {
        let each = || values.iter().inspect(|_| work(NUMBER));
        let denominator = common_denominator(each());
        let number = |value: &Rational| (value * Rational::from_integer(denominator.clone())).to_integer().to_i64();
        let Some(numbers) = each().map(number).collect::<Option<Vec<i64>>>() else {
            if self.real.is_some() {
                return Ok(ConstantTensor::exact(shape, Values::new(values)));
            }
            return self.error(
                "E0404",
                span,
                "these constants have too many digits to be exact in 64 bits",
                "too precise",
            );
        };
        let scale = PerElement::All(Rational::new(1.into(), denominator));
        Ok(ConstantTensor { shape, numbers: numbers.into(), scale, format: None, saturated: 0, exact: None })
    }

    /// `+ - * /` of two tensors of one shape, or of a number and each element.
    pub(in crate::check::network) fn combine_constants(
        &self,
        op: BinaryOp,
        a: &ConstantTensor,
        b: &ConstantTensor,
        span: Span,
    ) -> Checked<ConstantTensor> {
        // A number goes with any shape, and so does what has one element; axes are kept.
        let shape = match (same_sizes(&a.shape, &b.shape), a.len(), b.len()) {
            (true, ..) => a.shape.clone(),
            (_, 1, _) if a.shape.is_empty() || b.len() > 1 => b.shape.clone(),
            (_, _, 1) => a.shape.clone(),
            _ => {
                return self.error(
                    "E0301",
                    span,
                    format!(
                        "{} and {} don't go together",
                        shape_text(self.db(), &a.shape),
                        shape_text(self.db(), &b.shape)
                    ),
                    "tensors of one shape, or a number and a tensor",
                );
            }
        };
        let (left, right) = (a.values(), b.values());
        if op == BinaryOp::Divide && right.iter().inspect(|_| work(1)).any(Zero::is_zero) {
            return self.error("E0311", span, "division by zero", "a divisor is 0");
        }
        let of = |values: &[Rational], i: usize| values[if values.len() == 1 { 0 } else { i }].clone();
        let value = |i: usize| {
            work(NUMBER);
            let (x, y) = (of(&left, i), of(&right, i));
            match op {
                BinaryOp::Add => x + y,
                BinaryOp::Subtract => x - y,
                BinaryOp::Divide => x / y,
                _ => x * y,
            }
        };
        let values: Vec<Rational> = (0..left.len().max(right.len())).map(value).collect();
        self.exact_tensor(shape, &values, span)
    }
}

/// Elements of a tensor, by their row-major indices, as a tensor of another shape.
pub(in crate::check::network) fn picked(tensor: &ConstantTensor, indices: &[usize], shape: Shape) -> ConstantTensor {
    let each = || indices.iter().inspect(|_| work(NUMBER)).copied();
    let exact = tensor.exact.as_ref().map(|values| {
        let values: Vec<Rational> = each().map(|i| values.get(i)).collect();
        Values::new(&values)
    });
    let numbers = if exact.is_some() { Vec::new() } else { each().map(|i| tensor.numbers[i]).collect() };
    ConstantTensor {
        shape,
        numbers: numbers.into(),
        scale: tensor.scale.pick(indices.iter().copied()),
        format: uniform_format(&tensor.format),
        saturated: 0,
        exact,
    }
}
