//! `add`, and `+ - * /` with constants.

use super::super::super::Checked;
use super::super::super::data::{ConstantTensor, PerElement};
use super::super::super::types::{count, same_sizes, shape_text};
use super::super::{Builder, NetTensor, Parameters};
use super::constants::stretched;
use num_traits::{One, Signed, ToPrimitive, Zero};
use qnn_ir::interrupt::work;
use qnn_ir::rational::{common_step, exact};
use qnn_ir::real::NUMBER;
use qnn_ir::{Matrix, Op, Rational};
use qnn_syntax::Span;
use qnn_syntax::ast::Call;

impl Builder<'_> {
    pub(super) fn add(&mut self, call: &Call, span: Span) -> Checked<NetTensor> {
        let [x, y] = self.positional(call, span)?;
        let (x, y) = (self.tensor(&x.value)?, self.tensor(&y.value)?);
        self.sum(&x, &y, false, span)
    }

    /// x + y or x - y, element by element.
    pub(in crate::check::network) fn sum(
        &mut self,
        x: &NetTensor,
        y: &NetTensor,
        subtract: bool,
        span: Span,
    ) -> Checked<NetTensor> {
        if !same_sizes(&x.shape, &y.shape) {
            return self.error(
                "E0301",
                span,
                format!("{} and {} can't be added", shape_text(self.db(), &x.shape), shape_text(self.db(), &y.shape)),
                "the shapes differ",
            );
        }
        if self.real.is_some() {
            return self.real_sum(x, y, subtract, span);
        }
        let len = count(&x.shape);
        let (mut a, mut b, mut row_scales) =
            (Vec::with_capacity(len), Vec::with_capacity(len), Vec::with_capacity(len));
        for i in 0..len {
            work(NUMBER);
            let scale = common_step(x.scale.get(i), y.scale.get(i));
            let factors =
                ((x.scale.get(i) / &scale).to_integer().to_i64(), (y.scale.get(i) / &scale).to_integer().to_i64());
            let (Some(fa), Some(fb)) = factors else {
                return self.error(
                    "E0404",
                    span,
                    "these scales have no common step within 64 bits",
                    "cast to one format first",
                );
            };
            a.push(fa);
            b.push(if subtract { -fb } else { fb });
            row_scales.push(scale);
            if i == 0 && matches!((&x.scale, &y.scale), (PerElement::All(_), PerElement::All(_))) {
                a.resize(len, a[0]);
                b.resize(len, b[0]);
                break;
            }
        }
        let scale = match row_scales.len() {
            1 if len != 1 => PerElement::All(row_scales.remove(0)),
            _ => PerElement::from_each(row_scales),
        };
        let terms = vec![(x.node, Matrix::diagonal(&a)), (y.node, Matrix::diagonal(&b))];
        let node = self.push(Op::Affine { terms, bias: vec![0; len].into() }, span)?;
        let result = NetTensor { node, shape: x.shape.clone(), scale, format: None };
        self.layer(if subtract { "subtract" } else { "add" }.to_owned(), &result, Parameters::default(), span);
        Ok(result)
    }

    /// The constant's numbers spread over the elements of a tensor: one for all, or one for each.
    pub(in crate::check::network) fn spread(
        &self,
        x: &NetTensor,
        constant: &ConstantTensor,
        span: Span,
    ) -> Checked<Vec<Rational>> {
        stretched(constant, &x.shape).map_or_else(
            || {
                self.error(
                    "E0301",
                    span,
                    format!(
                        "{} and {} don't go together",
                        shape_text(self.db(), &x.shape),
                        shape_text(self.db(), &constant.shape)
                    ),
                    "a constant is one number, or has the tensor's shape, or one number for each channel of an image",
                )
            },
            Ok,
        )
    }

    /// x + constant or x - constant.
    pub(in crate::check::network) fn plus_constant(
        &mut self,
        x: &NetTensor,
        constant: &ConstantTensor,
        subtract: bool,
        span: Span,
    ) -> Checked<NetTensor> {
        let mut values = self.spread(x, constant, span)?;
        if subtract {
            work(NUMBER * values.len());
            values.iter_mut().for_each(|value| *value = -&*value);
        }
        let result = self.plus(x, values, span)?;
        self.layer("add a constant".to_owned(), &result, Parameters::default(), span);
        Ok(result)
    }

    /// x + values, element by element: no layer of its own.
    pub(in crate::check::network) fn plus(
        &mut self,
        x: &NetTensor,
        values: Vec<Rational>,
        span: Span,
    ) -> Checked<NetTensor> {
        if self.real.is_some() {
            return self.real_diagonal(x, &vec![Rational::one(); count(&x.shape)], values, span);
        }
        let (mut factors, mut bias, mut row_scales) = (Vec::new(), Vec::new(), Vec::new());
        for (i, value) in values.iter().enumerate() {
            work(NUMBER);
            let step = x.scale.get(i);
            let scale = common_step(step, value);
            let numbers = ((step / &scale).to_integer().to_i64(), (value / &scale).to_integer().to_i128());
            let (Some(factor), Some(number)) = numbers else {
                return self.error("E0404", span, "this constant has too many digits to be exact", "too precise");
            };
            factors.push(factor);
            bias.push(number);
            row_scales.push(scale);
        }
        let terms = vec![(x.node, Matrix::diagonal(&factors))];
        let node = self.push(Op::Affine { terms, bias: bias.into() }, span)?;
        Ok(NetTensor { node, shape: x.shape.clone(), scale: PerElement::from_each(row_scales), format: None })
    }

    /// x · constant or x / constant, element by element.
    pub(in crate::check::network) fn times_constant(
        &mut self,
        x: &NetTensor,
        constant: &ConstantTensor,
        divide: bool,
        span: Span,
    ) -> Checked<NetTensor> {
        let mut values = self.spread(x, constant, span)?;
        if divide && values.iter().inspect(|_| work(1)).any(Zero::is_zero) {
            return self.error("E0311", span, "division by zero", "a divisor is 0");
        }
        if divide {
            work(NUMBER * values.len());
            values.iter_mut().for_each(|value| *value = value.recip());
        }
        if values.iter().inspect(|_| work(1)).all(|v| v == &values[0]) {
            let first = values[0].clone();
            return self.scale_by(x, &first, span);
        }
        let result = self.times_each(x, &values, span)?;
        self.layer("multiply by constants".to_owned(), &result, Parameters::default(), span);
        Ok(result)
    }

    /// x · values, element by element: no layer of its own.
    pub(in crate::check::network) fn times_each(
        &mut self,
        x: &NetTensor,
        values: &[Rational],
        span: Span,
    ) -> Checked<NetTensor> {
        if self.real.is_some() {
            return self.real_diagonal(x, values, vec![Rational::zero(); values.len()], span);
        }
        let denominator = qnn_ir::rational::common_denominator(values.iter().inspect(|_| work(NUMBER)));
        let common = Rational::from_integer(denominator);
        let factor = |value: &Rational| (value * &common).to_integer().to_i64();
        let factors: Option<Vec<i64>> = values.iter().inspect(|_| work(NUMBER)).map(factor).collect();
        // Factors that have no common denominator within 64 bits go into the scales, of which each element then has its own.
        let (factors, scale) = match factors {
            Some(factors) => (factors, x.scale.map(|s| s / &common)),
            None => {
                let sign = |value: &Rational| value.signum().to_integer().to_i64().unwrap_or(0);
                let size = |value: &Rational| if value.is_zero() { Rational::one() } else { value.abs() };
                let scales = values.iter().inspect(|_| work(NUMBER)).enumerate();
                let scales = scales.map(|(i, value)| x.scale.get(i) * size(value)).collect();
                (values.iter().map(sign).collect(), PerElement::from_each(scales))
            }
        };
        let bias = vec![0; factors.len()].into();
        let node = self.push(Op::Affine { terms: vec![(x.node, Matrix::diagonal(&factors))], bias }, span)?;
        Ok(NetTensor { node, shape: x.shape.clone(), scale, format: None })
    }

    /// x · factor.
    pub(in crate::check::network) fn scale_by(
        &mut self,
        x: &NetTensor,
        factor: &Rational,
        span: Span,
    ) -> Checked<NetTensor> {
        let result = self.times(x, factor, span)?;
        self.layer(format!("multiply by {}", exact(factor)), &result, Parameters::default(), span);
        Ok(result)
    }

    /// x · factor: only the scale changes, but for the sign. No layer of its own.
    pub(in crate::check::network) fn times(
        &mut self,
        x: &NetTensor,
        factor: &Rational,
        span: Span,
    ) -> Checked<NetTensor> {
        let len = count(&x.shape);
        if self.real.is_some() {
            work(NUMBER * len);
            return self.real_diagonal(x, &vec![factor.clone(); len], vec![Rational::zero(); len], span);
        }
        let mut node = x.node;
        if !factor.is_positive() {
            let sign = if factor.is_zero() { 0 } else { -1 };
            let terms = vec![(x.node, Matrix::diagonal(&vec![sign; len]))];
            node = self.push(Op::Affine { terms, bias: vec![0; len].into() }, span)?;
        }
        let size = if factor.is_zero() { Rational::one() } else { factor.abs() };
        let scale = x.scale.map(|s| s * &size);
        Ok(NetTensor { node, shape: x.shape.clone(), scale, format: None })
    }
}
