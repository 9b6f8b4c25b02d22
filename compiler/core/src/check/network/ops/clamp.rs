//! `clamp`: the nearest value between two ends; `relu6` and `hard_sigmoid`, which are clamps of sums.

use super::super::super::Checked;
use super::super::super::data::{PerElement, zeros};
use super::super::super::types::count;
use super::super::{Builder, NetTensor, Parameters};
use super::cast::uniform;
use crate::number_format::Format;
use num_traits::{One, ToPrimitive, Zero};
use qnn_ir::interrupt::work;
use qnn_ir::rational::{common_step, exact, integer};
use qnn_ir::real::NUMBER;
use qnn_ir::{Matrix, Op, Rational, Step};
use qnn_syntax::Span;
use qnn_syntax::ast::Call;

impl Builder<'_> {
    pub(in crate::check::network) fn clamp(&mut self, call: &Call, span: Span) -> Checked<NetTensor> {
        let [input, lo, hi] = self.positional(call, span)?;
        let x = self.tensor(&input.value)?;
        let (lo, hi) = (self.constants(|e| e.number(&lo.value))?, self.constants(|e| e.number(&hi.value))?);
        if lo > hi {
            return self.error(
                "E0303",
                span,
                format!("the lower end {} is above the upper end {}", exact(&lo), exact(&hi)),
                "an empty range",
            );
        }
        let operation = format!("clamp {} to {}", exact(&lo), exact(&hi));
        self.clamped(x, lo, hi, operation, span)
    }

    pub(super) fn relu6(&mut self, call: &Call, span: Span) -> Checked<NetTensor> {
        let [x] = self.positional(call, span)?;
        let x = self.tensor(&x.value)?;
        self.clamped(x, Rational::zero(), integer(6), "relu6".to_owned(), span)
    }

    /// (x + 3) / 6, between 0 and 1.
    pub(super) fn hard_sigmoid(&mut self, call: &Call, span: Span) -> Checked<NetTensor> {
        let [x] = self.positional(call, span)?;
        let x = self.tensor(&x.value)?;
        let shifted = self.plus(&x, vec![integer(3); count(&x.shape)], span)?;
        let line = self.times(&shifted, &(Rational::one() / integer(6)), span)?;
        self.clamped(line, Rational::zero(), Rational::one(), "hard_sigmoid".to_owned(), span)
    }

    /// Each element, or the end that it is beyond.
    fn clamped(
        &mut self,
        mut x: NetTensor,
        lo: Rational,
        hi: Rational,
        operation: String,
        span: Span,
    ) -> Checked<NetTensor> {
        if self.real.is_some() {
            return self.real_clamp(x, lo, Some(hi), span);
        }
        // Both ends must be integers at the tensor's scale; a finer scale makes them so.
        let len = count(&x.shape);
        let fits =
            |x: &NetTensor, v: &Rational| (0..len).inspect(|_| work(NUMBER)).all(|i| (v / x.scale.get(i)).is_integer());
        if !fits(&x, &lo) || !fits(&x, &hi) {
            let mut factors = Vec::new();
            let mut row_scales = Vec::new();
            for i in 0..len {
                work(NUMBER);
                let step = x.scale.get(i);
                let scale = common_step(&common_step(step, &lo), &hi);
                let Some(factor) = (step / &scale).to_integer().to_i64() else {
                    return self.error("E0404", span, "these ends have too many digits to be exact", "too precise");
                };
                factors.push(factor);
                row_scales.push(scale);
            }
            let terms = vec![(x.node, Matrix::diagonal(&factors))];
            let node = self.push(Op::Affine { terms, bias: vec![0; len].into() }, span)?;
            x = NetTensor { node, shape: x.shape, scale: PerElement::from_each(row_scales), format: None };
        }
        let mut steps = Vec::new();
        for i in 0..len {
            work(NUMBER);
            let ends = ((&lo / x.scale.get(i)).to_integer().to_i128(), (&hi / x.scale.get(i)).to_integer().to_i128());
            let (Some(lo), Some(hi)) = ends else {
                return self.error("E0404", span, "these ends are too large to be exact", "too large");
            };
            steps.push(Step::clamp(lo, hi));
        }
        let node = self.push(Op::Step { source: x.node, steps: uniform(steps) }, span)?;
        // Ends beyond the format leave it.
        let zeros = x.format.as_ref().map(|format| zeros(format, &x.shape));
        let within = |format: &Format| {
            let (min, max) = (i128::from(format.min_raw()), i128::from(format.max_raw()));
            let zero = |i: usize| zeros.as_ref().map_or(0, |zeros| i128::from(*zeros.get(i)));
            let ranges = self.ranges[node.index()].iter().inspect(|_| work(1)).enumerate();
            ranges.map(|(i, range)| (range, zero(i))).all(|(r, zero)| min <= r.lo + zero && r.hi + zero <= max)
        };
        let format = x.format.clone().filter(within);
        let result = NetTensor { node, shape: x.shape, scale: x.scale, format };
        self.layer(operation, &result, Parameters::default(), span);
        Ok(result)
    }
}
