//! onnxruntime's CPU provider: the operators on integers, and graphs of quantizers as its optimizer fuses them.
//!
//! In: operators. Out: nodes whose integers are those of onnxruntime 1.32 on every element. Formulas were measured against it, operator by operator, by
//! `tests/onnx`.

mod binary;
mod fused;
mod pairs;
mod pools;
mod quantized;
mod unary;

pub(super) use fused::left_out;
pub(super) use pools::{maximum, members};

use super::lowering::{Lowering, exported};
use super::model::Node;
use super::movement;
use super::tensor::Element;
use super::thresholds::{Contraction, Store};
use super::value::{Lead, PerElement, Real, Scale, Stored, Value};
use crate::ImportError;

/// Lowers an operator.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<(), ImportError> {
    if fused::left_out(lowering, node)? || movement::lower(lowering, node)? {
        return Ok(());
    }
    let microsoft = node.domain == "com.microsoft";
    if !node.domain.is_empty() && !microsoft {
        return Err(unsupported(node));
    }
    match node.operation.as_str() {
        "QuantizeLinear" => fused::quantize(lowering, node),
        "DequantizeLinear" => fused::dequantize(lowering, node),
        "QLinearConv" => quantized::convolution(lowering, node),
        "QLinearMatMul" => quantized::matrix_product(lowering, node),
        "QGemm" => quantized::gemm(lowering, node),
        "ConvInteger" | "MatMulInteger" => quantized::integer(lowering, node),
        "QLinearAdd" => binary::add(lowering, node),
        "QLinearMul" => binary::multiply(lowering, node),
        "QLinearConcat" => unary::concat(lowering, node),
        "QLinearLeakyRelu" | "QLinearSigmoid" => unary::curve(lowering, node),
        "QLinearAveragePool" => pools::average(lowering, node),
        "QLinearGlobalAveragePool" => pools::global_average(lowering, node),
        "MaxPool" => pools::maximum(lowering, node),
        "Relu" | "Clip" | "LeakyRelu" | "Sigmoid" | "Mul" | "Add" | "Sub" | "Div" | "Cast" => {
            if fused::through(lowering, node)? { Ok(()) } else { unary::elementwise(lowering, node) }
        }
        "Conv" | "Gemm" | "MatMul" | "AveragePool" | "GlobalAveragePool" => fused::sum(lowering, node),
        _ => Err(unsupported(node)),
    }
}

fn unsupported(node: &Node) -> ImportError {
    let domain = if node.domain.is_empty() { String::new() } else { format!(" of the domain `{}`", node.domain) };
    ImportError::new(format!("the operator `{}`{domain} is not supported with the kernel `ort`", node.operation))
}

impl Scale {
    /// The scale and the zero point at two inputs; the element type is the zero point's.
    fn read(lowering: &Lowering, node: &Node, scale: usize, zero: usize) -> Result<Scale, ImportError> {
        let (zero, element) = match lowering.optional(node, zero)? {
            None => (0, None),
            Some(Value::Constant(tensor)) => match tensor.as_integers() {
                Some([zero]) => (*zero, Some(tensor.element)),
                _ => return Err(ImportError::new("its zero point is not one integer")),
            },
            Some(_) => return Err(ImportError::new("its zero point is computed")),
        };
        let scale = match lowering.floats(node, scale)?.as_slice() {
            [scale] if *scale > 0.0 => *scale,
            _ => return Err(ImportError::new("the scale of its values is not one positive number")),
        };
        // A quantizer without a zero point can say its type.
        let told = node.int("output_dtype").filter(|_| node.operation == "QuantizeLinear" && element.is_none());
        let told = told.filter(|number| *number != 0).map(|number| i32::try_from(number).ok().and_then(Element::of));
        let element = match told {
            Some(told) => told.ok_or_else(|| ImportError::new("its element type is not supported"))?,
            None => element.unwrap_or(Element::Uint8),
        };
        Ok(Scale { scale, zero, element })
    }

    /// The least and the greatest integer, centred.
    fn limits(&self) -> (i64, i64) {
        let (lo, hi) = self.element.limits();
        (lo - self.zero, hi - self.zero)
    }

    /// A tensor that is stored so.
    fn stored(&self, node: qnn_ir::NodeId, shape: Vec<usize>) -> Value {
        Value::Stored(Stored { node, shape, element: self.element, zero: self.zero, scale: Some(self.scale) })
    }

    /// What makes such integers of floats.
    fn store(&self, divided: bool) -> Store {
        let (lo, hi) = self.limits();
        let scale = divided.then_some(PerElement::One(self.scale));
        Store::Linear { scale, lo: PerElement::One(lo), hi: PerElement::One(hi) }
    }
}

/// Integers of a stored tensor, as an operator with a scale and a zero point of its own reads them.
fn read(lowering: &mut Lowering, node: &Node, index: usize, scale: &Scale) -> Result<Stored, ImportError> {
    match lowering.input(node, index)? {
        Value::Stored(stored) if stored.element == scale.element => {
            let name = node.outputs.first().cloned().unwrap_or_default();
            let at = lowering.centred(&name, &stored, scale.zero)?;
            Ok(Stored { node: at, zero: scale.zero, ..stored })
        }
        Value::Stored(stored) => Err(ImportError::new(format!(
            "its input {index} is {}, but its zero point {}",
            stored.element.name(),
            scale.element.name()
        ))),
        _ => Err(ImportError::new(format!("its input {index} is no tensor of integers that is computed"))),
    }
}

/// Sums that are multiplied by a float each, rounded half to even and clamped.
fn requantized(
    lowering: &mut Lowering,
    name: &str,
    sums: qnn_ir::NodeId,
    factors: PerElement<f32>,
    to: &Scale,
) -> Result<qnn_ir::NodeId, ImportError> {
    let range = lowering.builder.range(sums);
    if range.lo < i128::from(i32::MIN) || range.hi > i128::from(i32::MAX) {
        return Err(ImportError::new("its sums pass 32 bits, in which onnxruntime computes them"));
    }
    let real = Real::new(sums, Vec::new(), Lead::steps(PerElement::One(1.0)));
    let real = real.then(super::value::Link::Multiply(factors));
    lowering.quantized(name, &real, &to.store(false), Contraction::Never)
}

/// The scale of an input of integers, from the operators that read it.
pub(super) fn scale_of(lowering: &Lowering, name: &str) -> Option<(f32, i64)> {
    let mut name = name.to_owned();
    for _ in 0..64 {
        for node in lowering.readers(&name) {
            let at = node.inputs.iter().position(|input| **input == name)?;
            let (scale, zero) = match (node.operation.as_str(), at) {
                ("ConvInteger" | "MatMulInteger", 0) => {
                    let zero = lowering.integers(node, 2).ok().flatten().unwrap_or_default();
                    return Some((1.0, zero.first().copied().unwrap_or(0)));
                }
                ("QLinearConcat", at) => (at + 1, at + 2),
                (operation, 0 | 3) if operation.starts_with('Q') || operation == "DequantizeLinear" => (at + 1, at + 2),
                _ => continue,
            };
            if let Ok(scale) = Scale::read(lowering, node, scale, zero) {
                return Some((scale.scale, scale.zero));
            }
        }
        let next = lowering.readers(&name).find(|n| movement::is_move(n) || n.operation == "MaxPool")?;
        name = next.outputs.first()?.to_string();
    }
    None
}

/// The quantizer of an input of floats, if one alone reads it, behind operators that only move its elements.
pub(super) fn quantizer_of(lowering: &Lowering, name: &str) -> Option<(Element, i64, f32)> {
    let mut name = name.to_owned();
    for _ in 0..64 {
        let mut found: Option<(Element, i64, f32)> = None;
        let mut next = None;
        for node in lowering.readers(&name) {
            if node.operation == "QuantizeLinear" && node.domain.is_empty() {
                let scale = Scale::read(lowering, node, 1, 2).ok()?;
                let this = (scale.element, scale.zero, scale.scale);
                if *found.get_or_insert(this) != this {
                    return None;
                }
            } else if movement::is_move(node) && next.is_none() {
                next = Some(node);
            } else {
                return None;
            }
        }
        match (found, next) {
            (Some(found), None) => return Some(found),
            (None, Some(node)) => name = node.outputs.first()?.to_string(),
            _ => return None,
        }
    }
    None
}

/// An output of the file, or why it can't be one.
pub(super) fn output(
    lowering: &mut Lowering,
    name: &std::sync::Arc<str>,
) -> Result<crate::ImportedTensor, ImportError> {
    let mut value = lowering.value(name).cloned();
    while let Some(Value::LeftOut(inner)) = value {
        value = Some(*inner);
    }
    let fail = |reason: &str| ImportError::new(format!("the output `{name}` {reason}"));
    match value {
        None => Err(fail("is not computed")),
        Some(Value::Constant(_)) => Err(fail("is a known tensor")),
        Some(Value::Pending(pending)) => Err(pending.refused("an output")),
        Some(value) => exported(name, &value).ok_or_else(|| {
            fail("is of floats that are no quantized tensor's values")
                .help("import the network up to a quantized tensor: `output = \"…\"`")
        }),
    }
}
