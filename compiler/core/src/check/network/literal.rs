//! Constants as tensors of a network: numbers and lists, quantized to a format.

use super::super::Checked;
use super::super::constant::Constant;
use super::super::data::{ConstantTensor, scales};
use super::{Builder, NetValue};
use crate::diagnostic::Diagnostic;
use crate::number_format::{Format, Overflow};
use qnn_ir::Rational;
use qnn_ir::interrupt::work;
use qnn_ir::rational::{exact, integer};
use qnn_ir::real::NUMBER;
use qnn_syntax::Span;

impl Builder<'_> {
    /// A constant as a tensor of exact numbers.
    pub(super) fn constant_tensor(&self, value: NetValue, span: Span) -> Checked<ConstantTensor> {
        let constant = match value {
            NetValue::ConstantTensor(tensor) => return Ok(tensor),
            NetValue::Constant(constant) => constant,
            other => {
                return self.error("E0302", span, format!("expected numbers, found {}", other.kind()), "not numbers");
            }
        };
        let mut values = Vec::new();
        let mut shape = Vec::new();
        if flatten_list(&constant, 0, &mut shape, &mut values).is_none() {
            return self.error(
                "E0301",
                span,
                "this list is no tensor: its rows differ in length or hold something else than numbers",
                "not rectangular",
            );
        }
        Ok(self.exact_tensor(super::super::types::axes(&shape), &values))
    }

    /// A literal cast to a format.
    pub(super) fn quantize_literal(
        &self,
        tensor: &ConstantTensor,
        format: &Format,
        span: Span,
    ) -> Checked<ConstantTensor> {
        if self.real.is_some() {
            return Ok(tensor.clone());
        }
        let first = tensor.shape.first().map_or(1, |axis| axis.size);
        if format.channels() > 1 && format.channels() != first {
            return self.error(
                "E0301",
                span,
                format!("this format has {} channels, but the first axis has {first}", format.channels()),
                "one scale per channel",
            );
        }
        let inner = (tensor.numbers.len() / first.max(1)).max(1);
        let mut numbers = Vec::with_capacity(tensor.numbers.len());
        let mut saturated = 0;
        for (i, number) in tensor.numbers.iter().enumerate() {
            work(NUMBER);
            let channel = if format.channels() == 1 { 0 } else { i / inner };
            let value = integer(i128::from(*number)) * tensor.scale.get(i);
            let quantized = format.quantize(&value, channel);
            saturated += usize::from(quantized.overflowed);
            if quantized.overflowed && format.overflow == Overflow::Error {
                return self.error(
                    "E0402",
                    span,
                    format!("{} is beyond `{format}`", exact(&value)),
                    "`overflow = error` forbids this",
                );
            }
            if quantized.overflowed {
                self.evaluator.context.report(
                    Diagnostic::warning(
                        "W0405",
                        format!(
                            "{} is beyond `{format}` and becomes {}",
                            exact(&value),
                            exact(&format.value(quantized.raw, channel))
                        ),
                        self.place(span),
                        "saturates",
                    )
                    .help("use fewer fraction bits or more bits in all, if that is not meant"),
                );
            }
            numbers.push(quantized.raw - format.zero(channel));
        }
        let scale = scales(format, &tensor.shape);
        Ok(ConstantTensor {
            shape: tensor.shape.clone(),
            numbers: numbers.into(),
            scale,
            format: Some(format.clone()),
            saturated,
            exact: None,
        })
    }
}

/// Nested lists as a shape and row-major numbers; `None` if they are not rectangular.
pub fn flatten_list(
    constant: &Constant,
    depth: usize,
    shape: &mut Vec<usize>,
    values: &mut Vec<Rational>,
) -> Option<()> {
    work(NUMBER);
    match constant {
        Constant::Number(n) if depth == shape.len() => values.push(n.clone()),
        Constant::List(list) if !list.is_empty() => {
            if values.is_empty() && depth == shape.len() {
                shape.push(list.len());
            }
            if shape.get(depth) != Some(&list.len()) {
                return None;
            }
            for element in list.iter() {
                flatten_list(element, depth + 1, shape, values)?;
            }
        }
        _ => return None,
    }
    Some(())
}
