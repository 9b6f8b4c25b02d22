//! `relu`: max(x, 0).

use super::super::super::Checked;
use super::super::{Builder, NetTensor, Parameters};
use num_traits::Zero;
use qnn_ir::{Op, Rational, Step, Steps};
use qnn_syntax::Span;
use qnn_syntax::ast::Call;

impl Builder<'_> {
    pub(in crate::check::network) fn relu(&mut self, call: &Call, span: Span) -> Checked<NetTensor> {
        let [x] = self.positional(call, span)?;
        let x = self.tensor(&x.value)?;
        self.rectified(x, span)
    }

    /// max(x, 0).
    pub(in crate::check::network) fn rectified(&mut self, x: NetTensor, span: Span) -> Checked<NetTensor> {
        if self.real.is_some() {
            return self.real_clamp(x, Rational::zero(), None, span);
        }
        let hi = self.range(x.node).hi.max(0);
        let node = self.push(Op::Step { source: x.node, steps: Steps::Uniform(Step::clamp(0, hi)) }, span)?;
        let result = NetTensor { node, ..x };
        self.layer("relu".to_owned(), &result, Parameters::default(), span);
        Ok(result)
    }
}
