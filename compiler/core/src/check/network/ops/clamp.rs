//! `clamp`: the nearest value between two ends; `relu6` and `hard_sigmoid`, which are clamps of sums.

use super::super::super::Checked;
use super::super::super::data::{PerElement, zeros};
use super::super::super::types::count;
use super::super::{Builder, NetTensor, NetValue, Parameters};

use super::cast::uniform;
use crate::diagnostic::Diagnostic;
use crate::number_format::Format;
use num_traits::{One, ToPrimitive, Zero};
use qnn_ir::interrupt::work;
use qnn_ir::rational::{common_step, exact, integer};
use qnn_ir::real::NUMBER;
use qnn_ir::{Matrix, Op, Rational, Step};
use qnn_syntax::Span;
use qnn_syntax::ast::Call;

/// A tensor between two ends, before a cast rounds it.
#[derive(Clone, Debug)]
pub(in crate::check::network) struct Clamped {
    pub(in crate::check::network) x: NetTensor,
    /// The least and the greatest value.
    pub(in crate::check::network) ends: (Rational, Rational),
    operation: String,
    span: Span,
}

impl Builder<'_> {
    pub(in crate::check::network) fn clamp(&mut self, call: &Call, span: Span) -> Checked<NetValue> {
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

    pub(super) fn relu6(&mut self, call: &Call, span: Span) -> Checked<NetValue> {
        let [x] = self.positional(call, span)?;
        let x = self.tensor(&x.value)?;
        self.clamped(x, Rational::zero(), integer(6), "relu6".to_owned(), span)
    }

    /// (x + 3) / 6, between 0 and 1.
    pub(super) fn hard_sigmoid(&mut self, call: &Call, span: Span) -> Checked<NetValue> {
        let [x] = self.positional(call, span)?;
        let x = self.tensor(&x.value)?;
        let shifted = self.plus(&x, vec![integer(3); count(&x.shape)], span)?;
        let line = self.times(&shifted, &(Rational::one() / integer(6)), span)?;
        self.clamped(line, Rational::zero(), Rational::one(), "hard_sigmoid".to_owned(), span)
    }

    /// Each element, or the end that it is beyond. Ends that are no integers at the tensor's scale wait for the cast that rounds them.
    pub(in crate::check::network) fn clamped(
        &mut self,
        x: NetTensor,
        lo: Rational,
        hi: Rational,
        operation: String,
        span: Span,
    ) -> Checked<NetValue> {
        if self.real.is_some() {
            return self.real_clamp(x, lo, Some(hi), span).map(NetValue::Tensor);
        }
        let fits =
            |v: &Rational| (0..count(&x.shape)).inspect(|_| work(NUMBER)).all(|i| (v / x.scale.get(i)).is_integer());
        if fits(&lo) && fits(&hi) {
            return self.clamp_stored(x, lo, hi, operation, span).map(NetValue::Tensor);
        }
        Ok(NetValue::Clamped(Clamped { x, ends: (lo, hi), operation, span }))
    }

    /// What no cast rounds: at a finer scale both ends are integers.
    pub(in crate::check::network) fn exactly_clamped(&mut self, clamped: Clamped) -> Checked<NetTensor> {
        let Clamped { x, ends: (lo, hi), operation, span } = clamped;
        let mut factors = Vec::new();
        let mut row_scales = Vec::new();
        for i in 0..count(&x.shape) {
            work(NUMBER);
            let step = x.scale.get(i);
            let scale = common_step(&common_step(step, &lo), &hi);
            let Some(factor) = (step / &scale).to_integer().to_i64() else {
                return self.report(
                    Diagnostic::error(
                        "E0404",
                        "these ends and this sum have no common step within 64 bits",
                        self.place(span),
                        "not exact as it is",
                    )
                    .help("cast it at once, `clamp(…) as Format`: the ends are then rounded with it, whatever their digits"),
                );
            };
            factors.push(factor);
            row_scales.push(scale);
        }
        let terms = vec![(x.node, Matrix::diagonal(&factors))];
        let node = self.push(Op::Affine { terms, bias: vec![0; factors.len()].into() }, span)?;
        let x = NetTensor { node, shape: x.shape, scale: PerElement::from_each(row_scales), format: None };
        self.clamp_stored(x, lo, hi, operation, span)
    }

    /// Between ends that are integers at the tensor's scale.
    fn clamp_stored(
        &mut self,
        x: NetTensor,
        lo: Rational,
        hi: Rational,
        operation: String,
        span: Span,
    ) -> Checked<NetTensor> {
        let mut steps = Vec::new();
        for i in 0..count(&x.shape) {
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
