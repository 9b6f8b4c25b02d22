//! Pools.
//!
//! `MaxPool` compares stored integers; padding never wins. `QLinearGlobalAveragePool`: clip(rint(f32(acc) · f32(s / f32(sy · n))) + zy).
//! `QLinearAveragePool` adds floats, exactly where the scale has few digits; elsewhere it is what the exact mean gives, if no sum is too close to the
//! middle between two results.

use super::{Scale, read, requantized};
use crate::ImportError;
use crate::onnx::lowering::Lowering;
use crate::onnx::model::Node;
use crate::onnx::shape::Windows;
use crate::onnx::tensor::Parameters;
use crate::onnx::thresholds::{Contraction, Store};
use crate::onnx::value::{Lead, Link, PerElement, Real, Stored, Value, lowest_bit};
use qnn_ir::NodeId;

/// The windows of a pool over [N, C, …].
fn windows(node: &Node, shape: &[usize]) -> Result<Windows, ImportError> {
    let space =
        shape.get(2..).filter(|s| !s.is_empty()).ok_or_else(|| ImportError::new("its input has no spatial axes"))?;
    let kernel: Option<Vec<usize>> =
        node.ints("kernel_shape").unwrap_or_default().iter().map(|n| usize::try_from(*n).ok()).collect();
    Windows::of(node, space, &kernel.ok_or_else(|| ImportError::new("its attribute `kernel_shape` is negative"))?)
}

/// For each element of the result, the elements of its window.
pub(in crate::onnx) fn members(shape: &[usize], windows: &Windows) -> Result<Vec<Box<[u32]>>, ImportError> {
    let area: usize = shape[2..].iter().product();
    let planes: usize = shape[..2].iter().product();
    let cells: usize = windows.cells.iter().map(Vec::len).sum();
    if planes.checked_mul(cells).is_none_or(|n| n > 1 << 26) {
        return Err(ImportError::new("its windows are too large"));
    }
    let of =
        |plane: usize| windows.cells.iter().map(move |w| w.iter().map(|(i, _)| (plane * area) as u32 + i).collect());
    let all: Vec<Box<[u32]>> = (0..planes).flat_map(of).collect();
    if all.iter().any(|window| window.is_empty()) {
        return Err(ImportError::new("one of its windows lies outside of its input"));
    }
    Ok(all)
}

/// `MaxPool`.
pub(in crate::onnx) fn maximum(lowering: &mut Lowering, node: &Node) -> Result<(), ImportError> {
    if node.outputs.get(1).is_some_and(|name| !name.is_empty()) {
        return Err(ImportError::new("its second output, the indices, is not supported"));
    }
    let value = lowering.input(node, 0)?;
    let from = value.shape().to_vec();
    let windows = windows(node, &from)?;
    let members = members(&from, &windows)?;
    let shape = [&from[..2], windows.out.as_slice()].concat();
    let name = node.outputs.first().cloned().unwrap_or_default();
    let result = match value {
        Value::Stored(stored) => {
            Value::Stored(Stored { node: lowering.maxima(&name, stored.node, members)?, shape, ..stored })
        }
        Value::Real(real) => {
            let firsts: Vec<usize> = members.iter().map(|w| w[0] as usize).collect();
            let same = |window: &[u32]| window.iter().all(|i| same(&real, *i as usize, window[0] as usize));
            if !members.iter().all(|window| same(window)) {
                return Err(ImportError::new("the elements of a window are scaled differently"));
            }
            let falls = firsts.first().is_some_and(|i| real.direction(*i) < 0);
            if firsts.iter().any(|i| (real.direction(*i) < 0) != falls) {
                // Where some channels fall, their least integer is the greatest value.
                let sign = |i: usize| if real.direction(i) < 0 { -1 } else { 1 };
                let flipped = flip(lowering, &name, real.node, sign)?;
                let largest = lowering.maxima(&name, flipped, members)?;
                let back = flip(lowering, &name, largest, |i| sign(firsts[i]))?;
                Value::Real(real.pick(back, shape, &firsts))
            } else if falls {
                let flipped = flip(lowering, &name, real.node, |_| -1)?;
                let largest = lowering.maxima(&name, flipped, members)?;
                let back = flip(lowering, &name, largest, |_| -1)?;
                Value::Real(real.pick(back, shape, &firsts))
            } else {
                let largest = lowering.maxima(&name, real.node, members)?;
                Value::Real(real.pick(largest, shape, &firsts))
            }
        }
        Value::Pending(pending) => return Err(pending.refused("pooled before it is quantized")),
        _ => return Err(ImportError::new("its input is known")),
    };
    lowering.layer(node, 0, result, Parameters::default(), None);
    Ok(())
}

/// Whether two elements are the same function of their integers.
fn same(real: &Real, i: usize, j: usize) -> bool {
    let doubles = [&real.lead.step, &real.lead.offset, &real.lead.slack];
    doubles.iter().all(|d| d.at(i) == d.at(j))
        && real.links.iter().flat_map(crate::onnx::value::Link::constants).all(|c| c.at(i) == c.at(j))
}

fn flip(lowering: &mut Lowering, name: &str, node: NodeId, sign: impl Fn(usize) -> i64) -> Result<NodeId, ImportError> {
    let len = lowering.builder.graph.len(node);
    let rows = (0..len).map(|i| vec![(i as u32, sign(i))]).collect();
    lowering.sums(name, vec![(node, rows)], vec![0; len])
}

/// The sums of windows.
fn sums(lowering: &mut Lowering, name: &str, node: NodeId, members: &[Box<[u32]>]) -> Result<NodeId, ImportError> {
    let rows: Vec<Vec<(u32, i64)>> = members.iter().map(|w| w.iter().map(|i| (*i, 1)).collect()).collect();
    let len = rows.len();
    lowering.sums(name, vec![(node, rows)], vec![0; len])
}

/// `QLinearGlobalAveragePool`(x, x scale, x zero, y scale, y zero).
pub(super) fn global_average(lowering: &mut Lowering, node: &Node) -> Result<(), ImportError> {
    let (from, to) = (Scale::read(lowering, node, 1, 2)?, Scale::read(lowering, node, 3, 4)?);
    let x = read(lowering, node, 0, &from)?;
    let last = node.int("channels_last").unwrap_or(0) != 0;
    global(lowering, node, &x, &from, &to, last)
}

/// The mean over all spatial axes.
pub(super) fn global(
    lowering: &mut Lowering,
    node: &Node,
    x: &Stored,
    from: &Scale,
    to: &Scale,
    last: bool,
) -> Result<(), ImportError> {
    if x.shape.len() < 3 {
        return Err(ImportError::new("its input has no spatial axes"));
    }
    let rank = x.shape.len();
    let (batch, channels) = (x.shape[0], if last { x.shape[rank - 1] } else { x.shape[1] });
    let area: usize = x.shape.iter().product::<usize>() / (batch * channels).max(1);
    let cell = |n: usize, c: usize, i: usize| match last {
        true => (n * area + i) * channels + c,
        false => (n * channels + c) * area + i,
    };
    let window = |at: usize| (0..area).map(|i| cell(at / channels, at % channels, i) as u32).collect();
    let members: Vec<Box<[u32]>> = (0..batch * channels).map(window).collect();
    let mut shape = vec![1; rank];
    shape[0] = batch;
    shape[if last { rank - 1 } else { 1 }] = channels;
    let name = node.outputs.first().cloned().unwrap_or_default();
    let sums = sums(lowering, &name, x.node, &members)?;
    let range = lowering.builder.range(sums);
    let factor = from.scale / (to.scale * area as f32);
    let result = requantized(lowering, &name, sums, PerElement::One(factor), to)?;
    lowering.layer(node, 0, to.stored(result, shape), Parameters::default(), Some(range));
    Ok(())
}

/// `QLinearAveragePool`(x, x scale, x zero, y scale, y zero).
pub(super) fn average(lowering: &mut Lowering, node: &Node) -> Result<(), ImportError> {
    let (from, to) = (Scale::read(lowering, node, 1, 2)?, Scale::read(lowering, node, 3, 4)?);
    if node.int("channels_last").unwrap_or(0) != 0 {
        return Err(ImportError::new("`channels_last` is not supported"));
    }
    let x = read(lowering, node, 0, &from)?;
    mean(lowering, node, &x, &from, &to)
}

/// The mean of the cells of each window that are inside: rint(f32(f32(f32(sum) / n) / sy) + zy), the zero point added before it is rounded.
pub(super) fn mean(
    lowering: &mut Lowering,
    node: &Node,
    x: &Stored,
    from: &Scale,
    to: &Scale,
) -> Result<(), ImportError> {
    let windows = windows(node, &x.shape)?;
    let members = members(&x.shape, &windows)?;
    let all: usize = node.ints("kernel_shape").unwrap_or_default().iter().map(|n| *n as usize).product();
    let padding = node.int("count_include_pad").unwrap_or(0) != 0;
    let cells: Vec<f32> = members.iter().map(|w| if padding { all as f32 } else { w.len() as f32 }).collect();
    let name = node.outputs.first().cloned().unwrap_or_default();
    let sums = sums(lowering, &name, x.node, &members)?;
    let range = lowering.builder.range(x.node);
    let magnitude = range.lo.abs().max(range.hi.abs()) as f64 * f64::from(from.scale);
    let n = all as f64;
    // Each product and each sum rounds, unless the scale has so few digits that all are exact.
    let step = f64::from(from.scale);
    let whole = n * magnitude <= 2f64.powi(24) * 2f64.powi(lowest_bit(step).unwrap_or(0));
    let slack = if whole { 0.0 } else { 1.01 * (n + 1.0) * n * magnitude * f64::from(f32::EPSILON) / 2.0 };
    let lead = Lead { slack: PerElement::One(slack), ..Lead::steps(PerElement::One(step)) };
    let real = Real::new(sums, Vec::new(), lead).then(Link::Divide(PerElement::of(cells)));
    let range = lowering.builder.range(sums);
    let (lo, hi) = to.element.limits();
    let store = Store::Shifted { scale: to.scale, zero: to.zero as f32, lo: lo as f32, hi: hi as f32 };
    let result = lowering.quantized(&name, &real, &store, Contraction::Never)?;
    let shape = [&x.shape[..2], windows.out.as_slice()].concat();
    lowering.layer(node, 0, to.stored(result, shape), Parameters::default(), Some(range));
    Ok(())
}
