//! `dense`: a fully connected layer.

use super::super::super::Checked;
use super::super::super::types::{Axis, count, shape_text};
use super::super::{Builder, NetTensor, Parameters};
use super::affine::{LayerWeights, Rows};
use crate::diagnostic::Diagnostic;
use qnn_ir::interrupt::work;
use qnn_syntax::Span;
use qnn_syntax::ast::Call;

impl Builder<'_> {
    pub(in crate::check::network) fn dense(&mut self, call: &Call, span: Span) -> Checked<NetTensor> {
        let arguments = self.arguments(call)?;
        let Some((input, rest)) = arguments.positional.split_first() else {
            return self.wrong_arguments(call, span);
        };
        let x = self.tensor(input)?;
        let LayerWeights { weight, bias, path } = self.weights(call, rest, span)?;
        let (place, weight_place) = (self.place(input.span), self.place(rest[0].span));
        let [out, inputs] = weight.shape.as_slice() else {
            return self.error(
                "E0301",
                rest[0].span,
                format!("dense weights have two axes, [out, in], not {}", shape_text(self.db(), &weight.shape)),
                "not a matrix",
            );
        };
        if x.shape.len() != 1 || x.shape[0].size != inputs.size {
            let mut diagnostic = Diagnostic::error(
                "E0301",
                format!("these weights take {} inputs, not {}", inputs.size, shape_text(self.db(), &x.shape)),
                place,
                format!("has the shape {}", shape_text(self.db(), &x.shape)),
            )
            .label(weight_place, format!("{} → {} neurons", inputs.size, out.size));
            if x.shape.len() != 1 && count(&x.shape) == inputs.size {
                diagnostic = diagnostic.help("flatten it first: `dense(flatten(x), …)`");
            } else if x.shape.len() == 1 && x.shape[0].size == out.size {
                let name = path.as_deref().unwrap_or("…");
                diagnostic =
                    diagnostic.help(format!("the weights seem to be stored as [in, out]: write `transpose({name})`"));
            }
            return self.report(diagnostic);
        }
        let (out, inputs) = (out.size, inputs.size);
        let rows = (0..out)
            .inspect(|_| work(inputs))
            .map(|o| (0..inputs).map(|i| (i as u32, (o * inputs + i) as u32)).collect())
            .collect();
        let rows = Rows { rows, bias_of: &|row| row, shape: vec![Axis::of(out)] };
        let bias_span = rest.last().map_or(span, |e| e.span);
        let result = self.affine(&x, rows, &weight, bias.as_ref().map(|bias| (bias, bias_span)), span)?;
        let parameters = Parameters::of(&weight, bias.as_ref());
        self.layer(format!("dense {inputs} → {out}"), &result, parameters, span);
        Ok(result)
    }
}
