//! `leaky_relu`: x above zero, slope · x below.
//!
//! It is slope · x + (1 − slope) · max(x, 0), whatever the slope: sums and a ReLU, which every engine knows.

use super::super::super::Checked;
use super::super::super::types::count;
use super::super::{Builder, NetTensor, Parameters};
use num_traits::{One, ToPrimitive, Zero};
use qnn_ir::interrupt::work;
use qnn_ir::rational::exact;
use qnn_ir::real::{NUMBER, RealMatrix, RealOp};
use qnn_ir::{Matrix, Op, Rational, Step, Steps};
use qnn_syntax::Span;
use qnn_syntax::ast::Call;

impl Builder<'_> {
    pub(super) fn leaky_relu(&mut self, call: &Call, span: Span) -> Checked<NetTensor> {
        let [input, slope] = self.positional(call, span)?;
        let x = self.tensor(&input.value)?;
        let slope = self.constants(|e| e.number(&slope.value))?;
        self.leaky(x, slope, span)
    }

    /// x where it is not negative, slope · x where it is.
    pub(in crate::check::network) fn leaky(&mut self, x: NetTensor, slope: Rational, span: Span) -> Checked<NetTensor> {
        if self.real.is_some() {
            return self.real_leaky_relu(x, &slope, span);
        }
        let parts = (slope.numer().to_i64(), slope.denom().to_i64());
        let (Some(numerator), Some(denominator)) = parts else {
            return self.error("E0404", span, "this slope has too many digits to be exact", "too precise");
        };
        let Some(rest) = denominator.checked_sub(numerator) else {
            return self.error("E0404", span, "this slope is too large to be exact", "too large");
        };
        let len = count(&x.shape);
        let hi = self.range(x.node).hi.max(0);
        let positive = self.push(Op::Step { source: x.node, steps: Steps::Uniform(Step::clamp(0, hi)) }, span)?;
        let diagonal = |factor: i64| Matrix::diagonal(&vec![factor; len]);
        let terms = vec![(x.node, diagonal(numerator)), (positive, diagonal(rest))];
        let node = self.push(Op::Affine { terms, bias: vec![0; len].into() }, span)?;
        let scale = x.scale.map(|step| step / Rational::from_integer(denominator.into()));
        let result = NetTensor { node, shape: x.shape, scale, format: None };
        self.layer(format!("leaky_relu {}", exact(&slope)), &result, Parameters::default(), span);
        Ok(result)
    }

    fn real_leaky_relu(&mut self, x: NetTensor, slope: &Rational, span: Span) -> Checked<NetTensor> {
        let len = count(&x.shape);
        work(3 * NUMBER * len);
        let positive = self.real_clamp(x.clone(), Rational::zero(), None, span)?;
        let diagonal = |factor: Rational| RealMatrix::diagonal(&vec![factor; len]);
        let terms =
            vec![(x.node.index(), diagonal(slope.clone())), (positive.node.index(), diagonal(Rational::one() - slope))];
        let node = self.push_real(RealOp::Affine { terms, bias: vec![Rational::zero(); len].into() }, span)?;
        Ok(NetTensor { node, ..x })
    }
}
