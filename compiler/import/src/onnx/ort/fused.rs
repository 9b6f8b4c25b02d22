//! Graphs of quantizers (QDQ), by the operators on integers that onnxruntime's optimizer makes of them (levels extended and all, on x86).
//!
//! A float operator between dequantized inputs and one quantizer is fused where its values are of type uint8: `DequantizeLinear`-`Conv`-`QuantizeLinear` is a
//! `QLinearConv`. Until its quantizer comes, its result is [`Pending`]; whatever else reads it, it is computed in floats, in an order of additions of the
//! machine's, and refused.

use super::binary;
use super::quantized::{self, Sums, Weights};
use super::{Scale, pools, unary};
use crate::onnx::linear;
use crate::onnx::lowering::Lowering;
use crate::onnx::model::Node;
use crate::onnx::movement;
use crate::onnx::shape::axis;
use crate::onnx::tensor::{Dequantized, Element, Grid, Parameters, Tensor};
use crate::onnx::thresholds::Contraction;
use crate::onnx::value::{Kind, Operand, Pending, PerElement, Real, Stored, Value};
use crate::{ImportError, LEFT_OUT};
use std::sync::Arc;

/// Refuses what newer versions of the quantizers can be told.
fn attributes(node: &Node) -> Result<(), ImportError> {
    let floats = |name: &str| matches!(node.int(name).unwrap_or(0), 0 | 1);
    let dequantizes = node.operation == "DequantizeLinear";
    if node.int("block_size").unwrap_or(0) != 0 {
        return Err(ImportError::new("scales of blocks are not supported"));
    }
    if !floats("precision") || (dequantizes && !floats("output_dtype")) {
        return Err(ImportError::new("other floats than those of 32 bits are not supported"));
    }
    Ok(())
}

/// `DequantizeLinear`(x, scale, zero).
pub(super) fn dequantize(lowering: &mut Lowering, node: &Node) -> Result<(), ImportError> {
    attributes(node)?;
    let value = lowering.input(node, 0)?;
    let result = match &value {
        Value::Constant(tensor) => Value::Constant(Arc::new(known(lowering, node, tensor)?)),
        Value::Stored(stored) => {
            let mut scale = Scale::read(lowering, node, 1, 2)?;
            if lowering.optional(node, 2)?.is_none() {
                scale.element = stored.element;
            }
            let x = super::read(lowering, node, 0, &scale)?;
            Value::Real(unary::dequantized(&x, &scale))
        }
        Value::LeftOut(_) => value,
        _ => return Err(ImportError::new("its input is no tensor of integers")),
    };
    // An input of floats is its quantized tensor already.
    if !matches!(result, Value::Constant(_) | Value::LeftOut(_)) {
        lowering.layer(node, 0, result, Parameters::default(), None);
    } else {
        lowering.define(node, 0, result);
    }
    Ok(())
}

/// Known integers, dequantized.
fn known(lowering: &Lowering, node: &Node, tensor: &Arc<Tensor>) -> Result<Tensor, ImportError> {
    let integers = tensor.as_integers().ok_or_else(|| ImportError::new("its input holds no integers"))?;
    if tensor.element.bits() > 32 {
        return Err(ImportError::new(format!("the element type {} is not supported", tensor.element.name())));
    }
    let scales = lowering.floats(node, 1)?;
    let zeros = lowering.integers(node, 2)?.unwrap_or_else(|| vec![0; scales.len()]);
    if scales.is_empty() || zeros.len() != scales.len() || scales.iter().any(|s| *s <= 0.0) {
        return Err(ImportError::new("its scales are not positive, or not as many as its zero points"));
    }
    let (mut at, mut channels) = (0, vec![0; integers.len()]);
    if scales.len() > 1 {
        at = axis(node.int("axis").unwrap_or(1), tensor.shape.len())?;
        channels = linear::along(&tensor.shape, at);
        if tensor.shape[at] != scales.len() {
            return Err(ImportError::new("its scales are not as many as the elements of its axis"));
        }
    }
    let centred: Vec<i64> = integers.iter().zip(&channels).map(|(v, c)| v - zeros[*c]).collect();
    let each: Vec<f32> = channels.iter().map(|c| scales[*c]).collect();
    let floats = centred.iter().zip(&each).map(|(v, s)| *v as f32 * s).collect();
    let mut result = Tensor::floats(tensor.shape.clone(), floats);
    result.bits = tensor.bits;
    result.grid = Some(Arc::new(Grid { integers: centred, scales: each }));
    result.source = Some(Arc::new(Dequantized { integers: tensor.clone(), scales, zeros, axis: at }));
    Ok(result)
}

/// `QuantizeLinear`(x, scale, zero).
pub(super) fn quantize(lowering: &mut Lowering, node: &Node) -> Result<(), ImportError> {
    let value = lowering.input(node, 0)?;
    if matches!(value, Value::LeftOut(_)) {
        lowering.define(node, 0, value);
        return Ok(());
    }
    attributes(node)?;
    let scale = Scale::read(lowering, node, 1, 2).map_err(|e| match lowering.optional(node, 2) {
        Ok(Some(Value::Constant(zero))) if zero.len() > 1 => {
            ImportError::new("scales of channels are not supported for what is computed")
        }
        _ => e,
    })?;
    let name = node.outputs.first().cloned().unwrap_or_default();
    match value {
        Value::Real(real) => {
            if real.links.is_empty() && real.stored == Some((scale.element, scale.zero, scale.scale)) {
                let result = scale.stored(real.node, real.shape);
                lowering.layer(node, 0, result, Parameters::default(), None);
                return Ok(());
            }
            if real.stored.is_some() {
                return Err(ImportError::new(
                    "it quantizes anew what another quantizer made: onnxruntime may merge the two, so that it is not settled what it computes",
                ));
            }
            if !matches!(scale.element.bits(), 8 | 16) {
                return Err(ImportError::new(format!("the element type {} is not supported", scale.element.name())));
            }
            let result = lowering.quantized(&name, &real, &scale.store(true), Contraction::Perhaps)?;
            let result = scale.stored(result, real.shape);
            lowering.layer(node, 0, result, Parameters::default(), None);
            Ok(())
        }
        Value::Pending(pending) => {
            if lowering.only_reader(&node.inputs[0]).is_none() {
                return Err(pending.refused("read by more than its quantizer"));
            }
            finish(lowering, node, &pending, &scale).map_err(|error| error.of(|| pending.node.described()))
        }
        Value::Constant(_) => Err(ImportError::new(
            "it quantizes a known tensor: fold constants before (`onnxruntime.quantization.preprocess`)",
        )),
        _ => Err(ImportError::new("its input is no tensor of floats")),
    }
}

/// The fused operator, as the output of its quantizer.
fn finish(lowering: &mut Lowering, quantizer: &Node, pending: &Pending, to: &Scale) -> Result<(), ImportError> {
    let pair = quantizer.outputs.first().and_then(|name| lowering.only_reader(name));
    let pair = is_pair(lowering, pair.and_then(|reader| reader.outputs.first()));
    let shown = *to;
    let to = &unsigned(shown, pair)
        .ok_or_else(|| floats(&format!("its result is {} and is not fused on x86", shown.element.name())))?;
    lowering.note(
        "float operators between quantizers are the integer operators that onnxruntime makes of them at the optimization levels \
         `extended` and `all` on x86; without optimization it computes in floats, and differs in single roundings",
    );
    let mut node = Node::clone(&pending.node);
    node.outputs = quantizer.outputs.clone();
    match &pending.kind {
        Kind::Sums { node: sums, products, parameters } => {
            let len = lowering.builder.graph.len(*sums);
            let factors = PerElement::of(products.list(len).into_iter().map(|p| p / to.scale).collect());
            let sums = Sums { node: *sums, factors };
            quantized::finish(lowering, &node, sums, pending.shape.clone(), to, *parameters)
        }
        Kind::Add(operands, scales) => binary::sum(lowering, &node, operands.clone(), *scales, to, 0),
        Kind::Multiply(operands, scales) => binary::product(lowering, &node, operands.clone(), *scales, to),
        Kind::Mean { x, from, global: true } => pools::global(lowering, &node, x, from, to, false),
        Kind::Mean { x, from, global: false } => pools::mean(lowering, &node, x, from, to),
    }?;
    // The file's integers, whatever onnxruntime computes with.
    lowering.store_as(&node, shown.element, shown.zero);
    Ok(())
}

fn floats(reason: &str) -> ImportError {
    ImportError::new(format!("{reason}, so that onnxruntime computes it in floats, whose sums depend on the machine"))
        .help("quantize its inputs and its result with uint8 values (`QuantFormat.QDQ`, `activation_type=QuantType.QUInt8`)")
}

/// A scale of uint8. onnxruntime makes those of int8 unsigned where a quantizer has one reader, a `DequantizeLinear` that has one as well.
fn unsigned(scale: Scale, pair: bool) -> Option<Scale> {
    match scale.element {
        Element::Uint8 => Some(scale),
        Element::Int8 if pair => Some(Scale { zero: scale.zero + 128, element: Element::Uint8, ..scale }),
        _ => None,
    }
}

/// Whether a dequantized tensor is of a quantizer and a `DequantizeLinear` that nobody else reads.
fn is_pair(lowering: &Lowering, dequantized: Option<&Arc<str>>) -> bool {
    let pair = || {
        let name = dequantized?;
        let readers = lowering.readers(name).count() + usize::from(lowering.is_output(name));
        let quantized = lowering.writer(name)?.input(0)?;
        let writer = lowering.writer(quantized)?;
        let alone = lowering.only_reader(quantized).is_some_and(|reader| reader.operation == "DequantizeLinear");
        Some(readers == 1 && alone && writer.operation == "QuantizeLinear")
    };
    pair().unwrap_or(false)
}

/// Whether a `DequantizeLinear` computes an input itself: what stands between the two keeps onnxruntime from fusing.
fn is_direct(lowering: &Lowering, node: &Node, index: usize) -> bool {
    let writer = node.input(index).and_then(|name| lowering.writer(name));
    writer.is_some_and(|writer| writer.operation == "DequantizeLinear")
}

/// An input that is a dequantized tensor of type uint8.
fn dequantized(lowering: &Lowering, node: &Node, index: usize) -> Result<(Stored, Scale), ImportError> {
    if !is_direct(lowering, node, index) {
        return Err(floats("its input is not the result of a `DequantizeLinear` itself"));
    }
    match &lowering.input(node, index)? {
        Value::Real(Real { node: at, shape, links, stored: Some((element, zero, scale)), .. }) if links.is_empty() => {
            let scale = Scale { scale: *scale, zero: *zero, element: *element };
            let scale = unsigned(scale, is_pair(lowering, node.input(index)))
                .ok_or_else(|| floats(&format!("its input is {} and is not fused on x86", element.name())))?;
            let (element, zero) = (scale.element, scale.zero);
            let stored = Stored { node: *at, shape: shape.clone(), element, zero, scale: Some(scale.scale) };
            Ok((stored, scale))
        }
        _ => Err(floats("its input is no dequantized tensor")),
    }
}

/// Known weights that were dequantized right before.
fn weights(lowering: &Lowering, node: &Node, at: usize, axes: &[usize]) -> Result<Weights, ImportError> {
    let tensor = lowering.constant(node, at)?;
    let source = tensor.source.as_ref().ok_or_else(|| floats("its weights are no dequantized integers"))?;
    if source.scales.len() > 1 && !axes.contains(&source.axis) {
        return Err(floats("its weights have scales along another axis than their channels"));
    }
    Ok(Weights { tensor: source.integers.clone(), scales: source.scales.clone(), zeros: source.zeros.clone() })
}

/// A float `Conv`, `Gemm`, `MatMul`, `AveragePool` or `GlobalAveragePool` between quantizers.
pub(super) fn sum(lowering: &mut Lowering, node: &Node) -> Result<(), ImportError> {
    let (x, from) = dequantized(lowering, node, 0)?;
    let operation = node.operation.as_str();
    if matches!(operation, "AveragePool" | "GlobalAveragePool") {
        let kind = Kind::Mean { x: x.clone(), from, global: operation == "GlobalAveragePool" };
        let pending = Pending { node: Arc::new(node.clone()), shape: x.shape, kind };
        lowering.define(node, 0, Value::Pending(pending));
        return Ok(());
    }
    let transposed = (node.int("transA").unwrap_or(0) != 0, node.int("transB").unwrap_or(0) != 0);
    let (layer, weights) = match operation {
        "Conv" => {
            let weights = weights(lowering, node, 1, &[0])?;
            (linear::convolution(node, &x.shape, &weights.tensor.shape)?, weights)
        }
        "Gemm" => {
            let weights = weights(lowering, node, 1, &[usize::from(!transposed.1)])?;
            (linear::gemm(&x.shape, &weights.tensor.shape, transposed)?, weights)
        }
        _ => {
            let weights = weights(lowering, node, 1, &[1])?;
            (linear::matrix_product(&x.shape, &weights.tensor.shape, false)?, weights)
        }
    };
    let bias = match lowering.optional(node, 2)? {
        None => None,
        Some(Value::Constant(tensor)) => {
            let source = tensor.source.clone().ok_or_else(|| floats("its bias is no dequantized tensor"))?;
            if source.integers.element != Element::Int32 || source.zeros.iter().any(|z| *z != 0) {
                return Err(floats("its bias is not of type int32 with the zero point 0"));
            }
            // onnxruntime takes the bias's integers as they are, where its scale is about that of the products.
            let is_near = |(bias, weight): (&f32, &f32)| (bias / (from.scale * weight) - 1.0).abs() < 1e-3;
            let len = source.scales.len().max(weights.scales.len());
            let every = |list: &[f32]| list.iter().copied().cycle().take(len).collect::<Vec<f32>>();
            if !every(&source.scales).iter().zip(&every(&weights.scales)).all(is_near) {
                return Err(floats(
                    "the scale of its bias is not the product of the scales of its input and its weights",
                ));
            }
            Some(source.integers.clone())
        }
        Some(_) => return Err(floats("its bias is computed")),
    };
    let (alpha, beta) = (node.float("alpha").unwrap_or(1.0), node.float("beta").unwrap_or(1.0));
    if operation == "Gemm" && (beta != 1.0 || alpha != 1.0 || transposed.0) {
        return Err(floats("its attributes `alpha`, `beta` and `transA` are not those of a fused operator"));
    }
    let list = bias.as_ref().map(|b| b.as_integers().unwrap_or_default());
    let sums = quantized::sums(lowering, node, (&x, &from), &weights, &layer, list, |w| from.scale * w)?;
    let parameters = Parameters::of([&*weights.tensor].into_iter().chain(bias.as_deref()));
    let kind = Kind::Sums { node: sums.node, products: sums.factors, parameters };
    let pending = Pending { node: Arc::new(node.clone()), shape: layer.shape, kind };
    lowering.define(node, 0, Value::Pending(pending));
    Ok(())
}

/// An elementwise float operator that is fused with its neighbours: whether it is one.
pub(super) fn through(lowering: &mut Lowering, node: &Node) -> Result<bool, ImportError> {
    let values: Vec<Value> =
        (0..node.inputs.len()).filter_map(|i| lowering.optional(node, i).transpose()).collect::<Result<_, _>>()?;
    let operation = node.operation.as_str();
    if let Some(Value::Pending(pending)) = values.first() {
        if !covered(lowering, node)? {
            return Err(pending.refused(&format!("read by `{operation}`, which its quantizer does not contain")));
        }
        let value = Value::Pending(pending.clone());
        lowering.define(node, 0, value);
        return Ok(true);
    }
    if !matches!(operation, "Add" | "Mul") {
        return Ok(false);
    }
    let operand = |value: &Value| match value {
        Value::Constant(tensor) => {
            let source = tensor.source.as_ref()?;
            let ([scale], [zero]) = (source.scales.as_slice(), source.zeros.as_slice()) else { return None };
            let scale = Scale { scale: *scale, zero: *zero, element: source.integers.element };
            Some((Operand::Known(source.integers.clone()), scale))
        }
        Value::Real(Real { node, shape, links, stored: Some((element, zero, scale)), .. }) if links.is_empty() => {
            let scale = Scale { scale: *scale, zero: *zero, element: *element };
            Some((Operand::Node(*node, shape.clone()), scale))
        }
        _ => None,
    };
    let [left, right] = values.as_slice() else { return Ok(false) };
    let both_computed = matches!((left, right), (Value::Real(_), Value::Real(_)));
    let (Some(a), Some(b)) = (operand(left), operand(right)) else {
        return match both_computed {
            true => Err(floats("its inputs are not both dequantized tensors")),
            false => Ok(false),
        };
    };
    if !is_direct(lowering, node, 0) || !is_direct(lowering, node, 1) {
        return Err(floats("its inputs are not the results of `DequantizeLinear` themselves"));
    }
    // Known numbers are of no pair: only those of uint8 are fused.
    let fused = |scale: Scale, index: usize| unsigned(scale, is_pair(lowering, node.input(index)));
    let (Some(first), Some(second)) = (fused(a.1, 0), fused(b.1, 1)) else {
        return Err(floats("its inputs are not fused on x86, which takes values of type uint8"));
    };
    let shape = crate::onnx::shape::broadcast(left.shape(), right.shape())?;
    let (operands, scales) = ((a.0, b.0), (first, second));
    let kind = if operation == "Add" { Kind::Add(operands, scales) } else { Kind::Multiply(operands, scales) };
    let pending = Pending { node: Arc::new(node.clone()), shape, kind };
    lowering.define(node, 0, Value::Pending(pending));
    Ok(true)
}

/// Whether the quantizer behind a `Relu` or a `Clip` clamps as much as it does, so that onnxruntime removes it.
fn covered(lowering: &Lowering, node: &Node) -> Result<bool, ImportError> {
    let alone = lowering.only_reader(&node.inputs[0]).is_some();
    let reader = node.outputs.first().and_then(|name| lowering.only_reader(name));
    let Some(quantizer) = reader.filter(|reader| alone && reader.operation == "QuantizeLinear") else {
        return Ok(false);
    };
    let scale = Scale::read(lowering, quantizer, 1, 2)?;
    let (lo, hi) = scale.limits();
    match node.operation.as_str() {
        "Relu" => Ok(lo == 0),
        "Clip" => {
            let limit = |index: usize, name: &str, default: f32| -> Result<f32, ImportError> {
                match node.input(index) {
                    Some(_) => Ok(lowering.floats(node, index)?.first().copied().unwrap_or(default)),
                    None => Ok(node.float(name).unwrap_or(default)),
                }
            };
            let (least, greatest) = (limit(1, "min", f32::MIN)?, limit(2, "max", f32::MAX)?);
            Ok(least <= lo as f32 * scale.scale && greatest >= hi as f32 * scale.scale)
        }
        _ => Ok(false),
    }
}

/// Leaves out a softmax or an argmax at the end, and what follows it: whether the operator is one of these.
pub(in crate::onnx) fn left_out(lowering: &mut Lowering, node: &Node) -> Result<bool, ImportError> {
    let ends = |node: &Node| {
        let names = ["Softmax", "LogSoftmax", "ArgMax", "TopK", "QLinearSoftmax", "Hardmax"];
        names.contains(&node.operation.as_str())
    };
    let Some(value) = node.input(0).and_then(|name| lowering.value(name)).cloned() else { return Ok(false) };
    let follows = |node: &Node| {
        ends(node)
            || movement::is_move(node)
            || ["QuantizeLinear", "DequantizeLinear", "Cast"].contains(&node.operation.as_str())
    };
    if let Value::LeftOut(_) = value {
        if !follows(node) {
            return Err(ImportError::new(
                "it reads the result of a softmax or an argmax, which are supported at the end only",
            ));
        }
        (0..node.outputs.len()).for_each(|output| lowering.define(node, output, value.clone()));
        return Ok(true);
    }
    if !ends(node) {
        return Ok(false);
    }
    if matches!(value, Value::Constant(_)) {
        return Err(ImportError::new("its input is known"));
    }
    let note = match node.operation.as_str() {
        "ArgMax" | "TopK" | "Hardmax" => format!(
            "{} {LEFT_OUT}: the output is what it compares; where several are the greatest, the file takes one of them",
            node.described()
        ),
        _ => format!(
            "{} {LEFT_OUT}: it never reverses the order of what it is given, but can make different values equal",
            node.described()
        ),
    };
    lowering.note(note);
    (0..node.outputs.len()).for_each(|output| lowering.define(node, output, Value::LeftOut(Box::new(value.clone()))));
    Ok(true)
}
