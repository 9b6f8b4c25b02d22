//! Operations on tensors of constants, parameters and lists: computed exactly, while the network is built.

use super::super::super::Checked;
use super::super::super::data::{ConstantTensor, PerElement};
use super::super::super::types::{Axis, Shape, count, same_sizes, shape_text};
use super::super::Builder;
use super::layout::uniform_format;
use num_traits::{One, Signed, ToPrimitive, Zero};
use qnn_ir::Rational;
use qnn_ir::interrupt::work;
use qnn_ir::rational::common_denominator;
use qnn_ir::real::{NUMBER, Values};
use qnn_syntax::Span;
use qnn_syntax::ast::BinaryOp;

impl Builder<'_> {
    /// Exact numbers as a tensor: over one denominator where 32 bits do, else each with a scale of its own.
    pub(in crate::check::network) fn exact_tensor(&self, shape: Shape, values: &[Rational]) -> ConstantTensor {
        let each = || values.iter().inspect(|_| work(NUMBER));
        let common = Rational::from_integer(common_denominator(each()));
        // Wide numbers would make wide sums of what has a common factor.
        let narrow = |n: &i64| n.unsigned_abs() < 1 << 31;
        let number = |value: &Rational| (value * &common).to_integer().to_i64().filter(narrow);
        let (numbers, scale) = match each().map(number).collect::<Option<Vec<i64>>>() {
            Some(numbers) => (numbers, PerElement::All(common.recip())),
            None if self.real.is_some() => return ConstantTensor::exact(shape, Values::new(values)),
            None => {
                let sign = |value: &Rational| value.signum().to_integer().to_i64().unwrap_or(0);
                let size = |value: &Rational| if value.is_zero() { Rational::one() } else { value.abs() };
                (each().map(sign).collect(), PerElement::from_each(each().map(size).collect()))
            }
        };
        ConstantTensor { shape, numbers: numbers.into(), scale, format: None, saturated: 0, exact: None }
    }

    /// `+ - * /` of two tensors of one shape, or of a number and each element.
    pub(in crate::check::network) fn combine_constants(
        &self,
        op: BinaryOp,
        a: &ConstantTensor,
        b: &ConstantTensor,
        span: Span,
    ) -> Checked<ConstantTensor> {
        // A number goes with any shape, and so does what has one element; axes are kept. Of two tensors one may be stretched to the other's shape.
        let number = a.len() == 1 && (a.shape.is_empty() || b.len() > 1);
        let (left, right, shape) = match stretched(b, &a.shape).filter(|_| !number) {
            Some(right) => (a.values(), right, &a.shape),
            None => match stretched(a, &b.shape) {
                Some(left) => (left, b.values(), &b.shape),
                None => {
                    let shapes = (shape_text(self.db(), &a.shape), shape_text(self.db(), &b.shape));
                    return self.error(
                        "E0301",
                        span,
                        format!("{} and {} don't go together", shapes.0, shapes.1),
                        "tensors of one shape, a number and a tensor, or one number for each entry of a first axis",
                    );
                }
            },
        };
        if op == BinaryOp::Divide && right.iter().inspect(|_| work(1)).any(Zero::is_zero) {
            return self.error("E0311", span, "division by zero", "a divisor is 0");
        }
        let value = |(x, y): (&Rational, &Rational)| {
            work(NUMBER);
            match op {
                BinaryOp::Add => x + y,
                BinaryOp::Subtract => x - y,
                BinaryOp::Divide => x / y,
                _ => x * y,
            }
        };
        let values: Vec<Rational> = left.iter().zip(&right).map(value).collect();
        Ok(self.exact_tensor(shape.clone(), &values))
    }
}

/// A constant's numbers for each element of a shape: one for all, one for each, one for each entry of the first axis of three or more, or as many axes as the
/// shape has, of which some have size 1; `None` if it does not go with the shape.
pub(in crate::check::network) fn stretched(constant: &ConstantTensor, shape: &Shape) -> Option<Vec<Rational>> {
    let len = count(shape);
    if constant.len() == 1 {
        work(NUMBER * len);
        return Some(vec![constant.value(0); len]);
    }
    if same_sizes(&constant.shape, shape) {
        return Some(constant.values());
    }
    let sizes: Vec<usize> = match constant.shape.as_slice() {
        [channels] if shape.len() >= 3 => {
            std::iter::once(channels.size).chain(std::iter::repeat_n(1, shape.len() - 1)).collect()
        }
        axes => axes.iter().map(|axis| axis.size).collect(),
    };
    let fits = |(own, axis): (&usize, &Axis)| *own == axis.size || *own == 1;
    if sizes.len() != shape.len() || !sizes.iter().zip(shape).all(fits) {
        return None;
    }
    let value = |element: usize| {
        work(NUMBER);
        let (mut rest, mut index, mut stride) = (element, 0, 1);
        for (own, axis) in sizes.iter().zip(shape).rev() {
            if *own > 1 {
                index += rest % axis.size * stride;
            }
            (rest, stride) = (rest / axis.size, stride * own);
        }
        constant.value(index)
    };
    Some((0..len).map(value).collect())
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
