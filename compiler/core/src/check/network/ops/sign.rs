//! `sign`: 1 where x is not negative, −1 where it is, as networks with weights and activations of one bit have it.

use super::super::super::Checked;
use super::super::super::data::PerElement;
use super::super::super::types::count;
use super::super::{Builder, NetTensor, Parameters};
use num_traits::One;
use qnn_ir::{Matrix, Op, Rational, Step, Steps};
use qnn_syntax::Span;
use qnn_syntax::ast::Call;

impl Builder<'_> {
    pub(super) fn sign(&mut self, call: &Call, span: Span) -> Checked<NetTensor> {
        let [x] = self.positional(call, span)?;
        let x = self.tensor(&x.value)?;
        if self.real.is_some() {
            return self.no_real_reading("sign", "jumps at 0", span);
        }
        // Whether x is not negative, 0 or 1; and twice that, less 1.
        let step = Step::Table { lo: 0, thresholds: [0].into() };
        let positive = self.push(Op::Step { source: x.node, steps: Steps::Uniform(step) }, span)?;
        let len = count(&x.shape);
        let terms = vec![(positive, Matrix::diagonal(&vec![2; len]))];
        let node = self.push(Op::Affine { terms, bias: vec![-1; len].into() }, span)?;
        let result = NetTensor { node, shape: x.shape, scale: PerElement::All(Rational::one()), format: None };
        self.layer("sign".to_owned(), &result, Parameters::default(), span);
        Ok(result)
    }
}
