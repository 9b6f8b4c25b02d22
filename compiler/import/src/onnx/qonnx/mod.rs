//! QONNX: quantizers between layers of floats of 32 bits, as QONNX executes them (its operators in NumPy, the others in onnxruntime).
//!
//! In: operators. Out: nodes of integers. Sums of products are exact integers; what follows them up to the next quantizer is a monotone function of each
//! sum, evaluated in floats. Where floats hold every partial sum exactly, that is so for any order of additions; elsewhere every threshold is checked to be
//! farther from each integer than the sums can be wrong.

mod output;
mod quantizers;
mod sums;

pub(super) use output::output;
pub(super) use quantizers::quantizer_of;

use super::lowering::Lowering;
use super::model::Node;
use super::tensor::Parameters;
use super::thresholds::{Contraction, Store};
use super::value::{Lead, PerElement, Real, Value};
use super::{movement, ort, pointwise};
use crate::ImportError;

/// Whether an operator is one of QONNX's own.
pub(super) fn is_own(node: &Node) -> bool {
    ["onnx.brevitas", "finn.custom_op.general", "qonnx.custom_op.general"].contains(&node.domain.as_str())
}

/// Lowers an operator.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<(), ImportError> {
    let operation = node.operation.as_str();
    if is_own(node) {
        return match operation {
            "Quant" | "IntQuant" => quantizers::quant(lowering, node),
            "BipolarQuant" => quantizers::bipolar(lowering, node),
            "Trunc" => quantizers::trunc(lowering, node),
            "MultiThreshold" => quantizers::thresholds(lowering, node),
            _ => Err(ImportError::new(format!("the operator `{operation}` of QONNX is not supported"))),
        };
    }
    if ort::left_out(lowering, node)? || movement::lower(lowering, node)? {
        return Ok(());
    }
    if !node.domain.is_empty() {
        return Err(ImportError::new(format!("the domain `{}` is not supported with the kernel `qonnx`", node.domain)));
    }
    match operation {
        "MatMul" | "Gemm" | "Conv" => sums::layer(lowering, node),
        "GlobalAveragePool" | "AveragePool" => sums::mean(lowering, node),
        "MaxPool" => ort::maximum(lowering, node),
        "Sign" => sign(lowering, node),
        "Add" if both_computed(lowering, node)? => sums::add(lowering, node),
        "Relu" | "Clip" | "LeakyRelu" | "Sigmoid" | "Tanh" | "Neg" | "Cast" | "BatchNormalization" | "Mul" | "Add"
        | "Sub" | "Div" | "Pow" | "Sqrt" | "Abs" => pointwise::lower(lowering, node),
        _ => Err(ImportError::new(format!("the operator `{operation}` is not supported with the kernel `qonnx`"))),
    }
}

fn both_computed(lowering: &Lowering, node: &Node) -> Result<bool, ImportError> {
    let computed = |index| Ok(matches!(lowering.input(node, index)?, Value::Real(_)));
    Ok(computed(0)? && computed(1)?)
}

/// A tensor of floats that is computed.
fn real(lowering: &Lowering, node: &Node, index: usize) -> Result<Real, ImportError> {
    match lowering.input(node, index)? {
        Value::Real(real) => Ok(real),
        Value::Stored(stored) => Ok(Real::new(stored.node, stored.shape, Lead::steps(PerElement::One(1.0)))),
        _ => Err(ImportError::new(format!("its input {index} is no tensor of floats that is computed"))),
    }
}

fn sign(lowering: &mut Lowering, node: &Node) -> Result<(), ImportError> {
    if matches!(lowering.input(node, 0)?, Value::Constant(_)) {
        return pointwise::lower(lowering, node);
    }
    let real = real(lowering, node, 0)?;
    let name = node.outputs.first().cloned().unwrap_or_default();
    let signs = lowering.quantized(&name, &real, &Store::Sign, Contraction::Never)?;
    let value = Real::new(signs, real.shape, Lead::steps(PerElement::One(1.0)));
    lowering.layer(node, 0, Value::Real(value), Parameters::default(), None);
    Ok(())
}
