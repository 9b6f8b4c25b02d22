//! Operators on single elements.
//!
//! `QLinearLeakyRelu`, `QLinearSigmoid`, and the inputs of `QLinearConcat`: dequantized, computed in floats of 32 bits, quantized.

use super::{Scale, read};
use crate::ImportError;
use crate::onnx::join::joined;
use crate::onnx::lowering::Lowering;
use crate::onnx::model::Node;
use crate::onnx::pointwise;
use crate::onnx::tensor::Parameters;
use crate::onnx::thresholds::Contraction;
use crate::onnx::value::{Curve, Lead, Link, PerElement, Real, Stored, Value};
use qnn_ir::{Op, Step, Steps};

/// A quantized tensor's values.
pub(super) fn dequantized(stored: &Stored, scale: &Scale) -> Real {
    let lead = Lead::steps(PerElement::One(f64::from(scale.scale)));
    let mut real = Real::new(stored.node, stored.shape.clone(), lead);
    real.stored = Some((scale.element, scale.zero, scale.scale));
    real
}

/// `QLinearLeakyRelu` and `QLinearSigmoid`(x, x scale, x zero, y scale, y zero).
pub(super) fn curve(lowering: &mut Lowering, node: &Node) -> Result<(), ImportError> {
    let (from, to) = (Scale::read(lowering, node, 1, 2)?, Scale::read(lowering, node, 3, 4)?);
    let x = read(lowering, node, 0, &from)?;
    let link = match node.operation.as_str() {
        "QLinearSigmoid" => Link::Curve(Curve::Sigmoid),
        _ => pointwise::leaky(node)?,
    };
    let name = node.outputs.first().cloned().unwrap_or_default();
    let real = dequantized(&x, &from).then(link);
    let result = lowering.quantized(&name, &real, &to.store(true), Contraction::Never)?;
    lowering.layer(node, 0, to.stored(result, x.shape), Parameters::default(), None);
    Ok(())
}

/// `QLinearConcat`(y scale, y zero, and for each input x, x scale, x zero).
pub(super) fn concat(lowering: &mut Lowering, node: &Node) -> Result<(), ImportError> {
    let to = Scale::read(lowering, node, 0, 1)?;
    let name = node.outputs.first().cloned().unwrap_or_default();
    let mut values = Vec::new();
    for at in (2..node.inputs.len()).step_by(3) {
        let from = Scale::read(lowering, node, at + 1, at + 2)?;
        let x = read(lowering, node, at, &from)?;
        values.push(match from == to {
            true => Value::Stored(x),
            false => {
                let real = dequantized(&x, &from);
                let result = lowering.quantized(&name, &real, &to.store(true), Contraction::Never)?;
                to.stored(result, x.shape)
            }
        });
    }
    let axis = node.int("axis").ok_or_else(|| ImportError::new("its attribute `axis` is missing"))?;
    let Value::Stored(all) = joined(lowering, node, &values, axis)? else {
        return Err(ImportError::new("its inputs are no integers"));
    };
    lowering.layer(node, 0, to.stored(all.node, all.shape), Parameters::default(), None);
    Ok(())
}

/// Operators of floats, and those that integers have as well.
pub(super) fn elementwise(lowering: &mut Lowering, node: &Node) -> Result<(), ImportError> {
    match lowering.input(node, 0)? {
        Value::Stored(stored) if matches!(node.operation.as_str(), "Relu" | "Clip") => {
            let (mut lo, mut hi) = stored.element.limits();
            if node.operation == "Relu" {
                lo = lo.max(0);
            } else {
                let limit = |index| -> Result<Option<i64>, ImportError> {
                    Ok(lowering.integers(node, index)?.and_then(|list| list.first().copied()))
                };
                (lo, hi) = (limit(1)?.unwrap_or(lo), limit(2)?.unwrap_or(hi));
            }
            if lo > hi {
                return Err(ImportError::new("its least value is above its greatest"));
            }
            let range = lowering.builder.range(stored.node);
            let centred = |raw: i64| i128::from(raw) - i128::from(stored.zero);
            let (lo, hi) = (centred(lo), centred(hi));
            let mut result = stored.clone();
            if range.lo < lo || range.hi > hi {
                let name = node.outputs.first().cloned().unwrap_or_default();
                lowering.builder.grow(lowering.builder.graph.len(stored.node))?;
                let steps = Steps::Uniform(Step::clamp(lo, hi));
                result.node = lowering.builder.push(&name, Op::Step { source: stored.node, steps })?;
            }
            lowering.layer(node, 0, Value::Stored(result), Parameters::default(), None);
            Ok(())
        }
        _ => pointwise::lower(lowering, node),
    }
}
