//! `sum`, `mean`, `maximum` and `minimum` over axes: global pools, and what else puts the elements along some axes together.

use super::super::super::Checked;
use super::super::super::reduction::{Grouped, axes_of};
use super::super::super::types::count;
use super::super::{Builder, NetTensor, Parameters};
use super::affine::Rows;
use super::layout::uniform_format;
use super::pool::reciprocals;
use num_traits::One;
use qnn_ir::Rational;
use qnn_ir::interrupt::work;
use qnn_syntax::Span;
use qnn_syntax::ast::Call;

impl Builder<'_> {
    pub(super) fn sum_over_axes(&mut self, call: &Call, span: Span) -> Checked<NetTensor> {
        let (x, grouped) = self.grouped(call, span)?;
        self.weighted_sum(call, &x, grouped, 1, span)
    }

    pub(super) fn mean(&mut self, call: &Call, span: Span) -> Checked<NetTensor> {
        let (x, grouped) = self.grouped(call, span)?;
        let terms = grouped.terms;
        self.weighted_sum(call, &x, grouped, terms, span)
    }

    pub(super) fn maximum(&mut self, call: &Call, span: Span) -> Checked<NetTensor> {
        let (x, grouped) = self.grouped(call, span)?;
        let result = self.greatest_of_each(&x, grouped, span)?;
        self.layer(call.callee.text.to_string(), &result, Parameters::default(), span);
        Ok(result)
    }

    /// −max(−x).
    pub(super) fn minimum(&mut self, call: &Call, span: Span) -> Checked<NetTensor> {
        let (x, grouped) = self.grouped(call, span)?;
        let minus = -Rational::one();
        let negated = self.times(&x, &minus, span)?;
        let greatest = self.greatest_of_each(&negated, grouped, span)?;
        let mut result = self.times(&greatest, &minus, span)?;
        result.format = uniform_format(&x.format).filter(|_| self.real.is_none());
        self.layer(call.callee.text.to_string(), &result, Parameters::default(), span);
        Ok(result)
    }

    /// The tensor, and which of its elements are put together.
    fn grouped(&mut self, call: &Call, span: Span) -> Checked<(NetTensor, Grouped)> {
        let arguments = self.arguments(call)?;
        let [input] = arguments.positional.as_slice() else {
            return self.wrong_arguments(call, span);
        };
        let x = self.tensor(input)?;
        let axes = match arguments.named("axes") {
            Some(argument) => {
                let value = self.constants(|e| e.eval(&argument.value))?;
                axes_of(self.evaluator.context, self.place(argument.value.span), &value, x.shape.len())?
            }
            None => (0..x.shape.len()).collect(),
        };
        let grouped = Grouped::new(&x.shape, &axes);
        self.limit(&[count(&grouped.shape)], &[grouped.terms], span)?;
        Ok((x, grouped))
    }

    /// The sums of the groups, each divided by a number.
    fn weighted_sum(
        &mut self,
        call: &Call,
        x: &NetTensor,
        grouped: Grouped,
        divisor: usize,
        span: Span,
    ) -> Checked<NetTensor> {
        let rows = grouped
            .groups()
            .map(|group| {
                work(4 * (1 + grouped.terms));
                group.map(|element| (element as u32, 0)).collect()
            })
            .collect();
        let rows = Rows { rows, bias_of: &|row| row, shape: grouped.shape.clone() };
        let result = self.affine(x, rows, &reciprocals(&[divisor]), None, span)?;
        self.layer(call.callee.text.to_string(), &result, Parameters::default(), span);
        Ok(result)
    }

    fn greatest_of_each(&mut self, x: &NetTensor, grouped: Grouped, span: Span) -> Checked<NetTensor> {
        let windows = grouped
            .groups()
            .map(|group| {
                work(4 * (1 + grouped.terms));
                group.map(|element| element as u32).collect()
            })
            .collect();
        let mut result = self.greatest(x, windows, grouped.shape.clone(), span)?;
        result.format = uniform_format(&result.format);
        Ok(result)
    }
}
