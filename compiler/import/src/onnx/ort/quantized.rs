//! Convolutions and matrix products of integers.
//!
//! `QLinearConv`, `QLinearMatMul`: clip(rint(f32(acc) · f32(f32(sx · sw) / sy)) + zy). `QGemm`: the factor is alpha · sa · sb / sy, each product rounded.
//! `ConvInteger`, `MatMulInteger`: acc.

use super::{Scale, pairs, read, requantized};
use crate::ImportError;
use crate::onnx::linear::{self, Linear};
use crate::onnx::lowering::Lowering;
use crate::onnx::model::Node;
use crate::onnx::tensor::{Element, Parameters, Tensor};
use crate::onnx::value::{PerElement, Stored, Value};
use qnn_ir::NodeId;

/// Known weights with their scales and zero points, one or one for each channel.
pub(super) struct Weights {
    pub(super) tensor: std::sync::Arc<Tensor>,
    pub(super) scales: Vec<f32>,
    pub(super) zeros: Vec<i64>,
}

impl Weights {
    pub(super) fn read(
        lowering: &Lowering,
        node: &Node,
        at: usize,
        scale: Option<usize>,
        zero: usize,
    ) -> Result<Weights, ImportError> {
        let tensor = lowering.constant(node, at)?;
        if tensor.as_integers().is_none() {
            return Err(ImportError::new("its weights are no integers"));
        }
        let scales = match scale {
            Some(scale) => lowering.floats(node, scale)?,
            None => vec![1.0],
        };
        let zeros = lowering.integers(node, zero)?.unwrap_or_else(|| vec![0]);
        if scales.is_empty() || zeros.is_empty() || scales.iter().any(|s| *s <= 0.0) {
            return Err(ImportError::new("the scales of its weights are not positive"));
        }
        Ok(Weights { tensor, scales, zeros })
    }
}

/// What is at a channel of a list that has one for all, or one for each.
fn channel<T: Copy>(list: &[T], channel: u32) -> Result<T, ImportError> {
    let at = if list.len() == 1 { list.first() } else { list.get(channel as usize) };
    at.copied().ok_or_else(|| ImportError::new("it has fewer scales, zero points or biases than channels"))
}

/// Sums of products, and the factor of each: `factor` of the scale of the element's channel.
pub(super) struct Sums {
    pub(super) node: NodeId,
    pub(super) factors: PerElement<f32>,
}

/// The sums of a layer.
pub(super) fn sums(
    lowering: &mut Lowering,
    node: &Node,
    x: (&Stored, &Scale),
    weights: &Weights,
    layer: &Linear,
    bias: Option<&[i64]>,
    factor: impl Fn(f32) -> f32,
) -> Result<Sums, ImportError> {
    let name = node.outputs.first().cloned().unwrap_or_default();
    let integers = weights.tensor.as_integers().unwrap_or_default();
    let range = lowering.builder.range(x.0.node);
    pairs::check(lowering, x.1, range, integers, weights.tensor.element, layer)?;
    let (mut rows, mut biases, mut factors) = (Vec::new(), Vec::new(), Vec::new());
    for (taps, owner) in layer.taps.iter().zip(&layer.channels) {
        let zero = channel(&weights.zeros, *owner)?;
        rows.push(taps.iter().map(|(x, w)| (*x, integers[*w as usize] - zero)).collect());
        biases.push(match bias {
            Some(bias) => i128::from(channel(bias, *owner)?),
            None => 0,
        });
        factors.push(factor(channel(&weights.scales, *owner)?));
    }
    let sums = lowering.sums(&name, vec![(x.0.node, rows)], biases)?;
    Ok(Sums { node: sums, factors: PerElement::of(factors) })
}

/// Binds the result of a layer with an output scale.
pub(super) fn finish(
    lowering: &mut Lowering,
    node: &Node,
    sums: Sums,
    shape: Vec<usize>,
    to: &Scale,
    parameters: Parameters,
) -> Result<(), ImportError> {
    let name = node.outputs.first().cloned().unwrap_or_default();
    let range = lowering.builder.range(sums.node);
    let result = requantized(lowering, &name, sums.node, sums.factors, to)?;
    let value = to.stored(result, shape);
    lowering.layer(node, 0, value, parameters, Some(range));
    Ok(())
}

fn byte(scale: &Scale) -> Result<(), ImportError> {
    if matches!(scale.element, Element::Uint8 | Element::Int8) {
        return Ok(());
    }
    Err(ImportError::new(format!("the element type {} is not supported", scale.element.name())))
}

/// `QLinearConv`(x, x scale, x zero, w, w scale, w zero, y scale, y zero, bias).
pub(super) fn convolution(lowering: &mut Lowering, node: &Node) -> Result<(), ImportError> {
    let (from, to) = (Scale::read(lowering, node, 1, 2)?, Scale::read(lowering, node, 6, 7)?);
    byte(&from)?;
    byte(&to)?;
    let x = read(lowering, node, 0, &from)?;
    let weights = Weights::read(lowering, node, 3, Some(4), 5)?;
    let bias = lowering.optional(node, 8)?.map(|_| lowering.constant(node, 8)).transpose()?;
    let layer = linear::convolution(node, &x.shape, &weights.tensor.shape)?;
    let list = bias.as_ref().map(|b| b.as_integers().unwrap_or_default());
    let sums = sums(lowering, node, (&x, &from), &weights, &layer, list, |w| (from.scale * w) / to.scale)?;
    let parameters = Parameters::of([&*weights.tensor].into_iter().chain(bias.as_deref()));
    finish(lowering, node, sums, layer.shape, &to, parameters)
}

/// `QLinearMatMul`(a, a scale, a zero, b, b scale, b zero, y scale, y zero), one of whose matrices is known.
pub(super) fn matrix_product(lowering: &mut Lowering, node: &Node) -> Result<(), ImportError> {
    let to = Scale::read(lowering, node, 6, 7)?;
    byte(&to)?;
    if matches!(lowering.input(node, 0)?, Value::Constant(_)) {
        return Err(ImportError::new(
            "a product of known weights with a computed matrix to their right is not supported",
        ));
    }
    let from = Scale::read(lowering, node, 1, 2)?;
    byte(&from)?;
    let x = read(lowering, node, 0, &from)?;
    let weights = Weights::read(lowering, node, 3, Some(4), 5)?;
    let layer = linear::matrix_product(&x.shape, &weights.tensor.shape, false)?;
    let sums = sums(lowering, node, (&x, &from), &weights, &layer, None, |w| (from.scale * w) / to.scale)?;
    finish(lowering, node, sums, layer.shape, &to, Parameters::of([&*weights.tensor]))
}

/// `QGemm`(a, a scale, a zero, b, b scale, b zero, c, y scale, y zero).
pub(super) fn gemm(lowering: &mut Lowering, node: &Node) -> Result<(), ImportError> {
    if node.input(7).is_none() {
        return Err(ImportError::new("without a scale of its result, which is then of floats, it is not supported"));
    }
    let (from, to) = (Scale::read(lowering, node, 1, 2)?, Scale::read(lowering, node, 7, 8)?);
    byte(&from)?;
    byte(&to)?;
    let x = read(lowering, node, 0, &from)?;
    let weights = Weights::read(lowering, node, 3, Some(4), 5)?;
    let bias = lowering.optional(node, 6)?.map(|_| lowering.constant(node, 6)).transpose()?;
    let transposed = (node.int("transA").unwrap_or(0) != 0, node.int("transB").unwrap_or(0) != 0);
    let layer = linear::gemm(&x.shape, &weights.tensor.shape, transposed)?;
    if bias.as_ref().is_some_and(|b| b.len() != 1 && b.shape.last() != Some(&b.len())) {
        return Err(ImportError::new("its addend is more than one number for each column"));
    }
    let alpha = node.float("alpha").unwrap_or(1.0);
    if alpha <= 0.0 || !alpha.is_finite() {
        return Err(ImportError::new("its attribute `alpha` is not positive"));
    }
    let list = bias.as_ref().map(|b| b.as_integers().unwrap_or_default());
    let factor = |w: f32| alpha * from.scale * w / to.scale;
    let sums = sums(lowering, node, (&x, &from), &weights, &layer, list, factor)?;
    let parameters = Parameters::of([&*weights.tensor].into_iter().chain(bias.as_deref()));
    finish(lowering, node, sums, layer.shape, &to, parameters)
}

/// `ConvInteger` and `MatMulInteger`(a, b, a zero, b zero): sums of 32 bits.
pub(super) fn integer(lowering: &mut Lowering, node: &Node) -> Result<(), ImportError> {
    let Value::Stored(stored) = lowering.input(node, 0)? else {
        return Err(ImportError::new("its input 0 is no tensor of integers that is computed"));
    };
    let zero = match lowering.integers(node, 2)?.as_deref() {
        None => 0,
        Some([zero]) => *zero,
        Some(_) => return Err(ImportError::new("more than one zero point of its input is not supported")),
    };
    let from = Scale { scale: 1.0, zero, element: stored.element };
    byte(&from)?;
    let x = read(lowering, node, 0, &from)?;
    let weights = Weights::read(lowering, node, 1, None, 3)?;
    let layer = match node.operation.as_str() {
        "ConvInteger" => linear::convolution(node, &x.shape, &weights.tensor.shape)?,
        _ => linear::matrix_product(&x.shape, &weights.tensor.shape, false)?,
    };
    let sums = sums(lowering, node, (&x, &from), &weights, &layer, None, |w| w)?;
    let range = lowering.builder.range(sums.node);
    if range.lo < i128::from(i32::MIN) || range.hi > i128::from(i32::MAX) {
        return Err(ImportError::new("its sums pass 32 bits"));
    }
    let value = Stored { node: sums.node, shape: layer.shape, element: Element::Int32, zero: 0, scale: None };
    lowering.layer(node, 0, Value::Stored(value), Parameters::of([&*weights.tensor]), Some(range));
    Ok(())
}
