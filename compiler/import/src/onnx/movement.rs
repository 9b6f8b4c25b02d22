//! Operators that move elements, and those that compute shapes.
//!
//! They mean the same for known numbers, integers and floats, and the same in every runtime: a shape, and for each element of the result the element of
//! the input that it is.

use super::join;
use super::lowering::Lowering;
use super::model::Node;
use super::shape::{axis, broadcast, elements, indices, stretched, strides};
use super::tensor::{Element, Numbers, Parameters, Tensor, count};
use super::value::{Real, Stored, Value};
use crate::ImportError;
use qnn_ir::interrupt::work;
use qnn_ir::{NodeId, Op};
use std::sync::Arc;

/// Lowers an operator if it is one of these.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<bool, ImportError> {
    if !node.domain.is_empty() {
        return Ok(false);
    }
    match node.operation.as_str() {
        "Constant" => {
            let value = Value::Constant(Arc::new(node.constant()?));
            lowering.define(node, 0, value);
        }
        "ConstantOfShape" => {
            let filling = node.filling()?;
            let shape = sizes(&lowering.integers(node, 0)?.unwrap_or_default())?;
            let len = elements(&shape)?;
            let tensor = if filling.len() == 1 { filling.pick(shape, &vec![0; len]) } else { filling };
            lowering.define(node, 0, Value::Constant(Arc::new(tensor)));
        }
        "Shape" => {
            let shape: Vec<i64> = lowering.input(node, 0)?.shape().iter().map(|n| *n as i64).collect();
            let rank = shape.len() as i64;
            let clamp = |at: i64| (if at < 0 { at + rank } else { at }).clamp(0, rank) as usize;
            let (start, end) = (clamp(node.int("start").unwrap_or(0)), clamp(node.int("end").unwrap_or(rank)));
            let part = shape.get(start..end).unwrap_or_default().to_vec();
            let tensor = Tensor::integers(vec![part.len()], Element::Int64, part);
            lowering.define(node, 0, Value::Constant(Arc::new(tensor)));
        }
        "Identity" | "Dropout" => {
            if node.operation == "Dropout" && lowering.integers(node, 2)?.is_some_and(|training| training != [0]) {
                return Err(ImportError::new("it is in training mode"));
            }
            let value = lowering.input(node, 0)?;
            lowering.define(node, 0, value);
        }
        "Concat" => join::concat(lowering, node)?,
        "Split" => split(lowering, node)?,
        "Pad" => pad(lowering, node)?,
        "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Transpose" | "Slice" | "Gather" | "Expand" => {
            let value = lowering.input(node, 0)?;
            let (shape, picks) = moves(lowering, node, value.shape())?;
            let value = moved(lowering, node, &value, shape, picks.as_deref())?;
            lowering.layer(node, 0, value, Parameters::default(), None);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Whether an operator only moves elements of its first input, so that a float input's quantizer may stand behind it.
pub(super) fn is_move(node: &Node) -> bool {
    let moves = ["Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Identity", "Dropout", "Slice"];
    node.domain.is_empty() && moves.contains(&node.operation.as_str())
}

fn sizes(integers: &[i64]) -> Result<Vec<usize>, ImportError> {
    let sizes: Option<Vec<usize>> = integers.iter().map(|n| usize::try_from(*n).ok()).collect();
    sizes.ok_or_else(|| ImportError::new("its shape has a negative size"))
}

/// A result's shape, and where its elements come from; `None` where they keep their order.
type Move = (Vec<usize>, Option<Vec<usize>>);

fn moves(lowering: &Lowering, node: &Node, from: &[usize]) -> Result<Move, ImportError> {
    match node.operation.as_str() {
        "Reshape" => {
            let wanted = match lowering.integers(node, 1)? {
                Some(shape) => shape,
                None => node.ints("shape").unwrap_or_default().to_vec(),
            };
            Ok((reshaped(from, &wanted, node.int("allowzero").unwrap_or(0) != 0)?, None))
        }
        "Flatten" => {
            let at = node.int("axis").unwrap_or(1);
            let at = if at == from.len() as i64 { from.len() } else { axis(at, from.len())? };
            Ok((vec![from[..at].iter().product(), from[at..].iter().product()], None))
        }
        "Squeeze" | "Unsqueeze" => {
            let axes = match lowering.integers(node, 1)? {
                Some(axes) => Some(axes),
                None => node.ints("axes").map(<[i64]>::to_vec),
            };
            let shape = if node.operation == "Squeeze" { squeezed(from, axes)? } else { unsqueezed(from, axes)? };
            Ok((shape, None))
        }
        "Transpose" => transposed(node, from),
        "Slice" => sliced(lowering, node, from),
        "Gather" => {
            let at = axis(node.int("axis").unwrap_or(0), from.len())?;
            let which = lowering.constant(node, 1)?;
            let list = which.as_integers().ok_or_else(|| ImportError::new("its indices are no integers"))?;
            let list: Result<Vec<usize>, ImportError> = list.iter().map(|i| axis_index(*i, from[at])).collect();
            let shape = [&from[..at], &which.shape, &from[at + 1..]].concat();
            elements(&shape)?;
            Ok((shape, Some(picked(from, at, &list?))))
        }
        _ => {
            let wanted = sizes(&lowering.integers(node, 1)?.unwrap_or_default())?;
            let shape = broadcast(from, &wanted)?;
            elements(&shape)?;
            let picks = stretched(from, &shape);
            Ok((shape, Some(picks)))
        }
    }
}

fn axis_index(index: i64, size: usize) -> Result<usize, ImportError> {
    let positive = if index < 0 { index + size as i64 } else { index };
    let inside = usize::try_from(positive).ok().filter(|i| *i < size);
    inside.ok_or_else(|| ImportError::new(format!("its index {index} is outside of the {size} elements of the axis")))
}

/// Where the elements come from that have the positions `list` along an axis.
fn picked(from: &[usize], at: usize, list: &[usize]) -> Vec<usize> {
    let (outer, inner): (usize, usize) = (from[..at].iter().product(), from[at + 1..].iter().product());
    work(outer * list.len() * inner);
    let mut picks = Vec::with_capacity(outer * list.len() * inner);
    for o in 0..outer {
        for i in list {
            let begin = (o * from[at] + i) * inner;
            picks.extend(begin..begin + inner);
        }
    }
    picks
}

fn reshaped(from: &[usize], wanted: &[i64], zeros: bool) -> Result<Vec<usize>, ImportError> {
    let len: usize = from.iter().product();
    let mut shape = Vec::with_capacity(wanted.len());
    let mut open = None;
    for (i, size) in wanted.iter().enumerate() {
        match size {
            -1 if open.is_none() => {
                open = Some(i);
                shape.push(1);
            }
            0 if !zeros => shape.push(*from.get(i).ok_or_else(|| ImportError::new("its shape copies a missing axis"))?),
            size => shape.push(usize::try_from(*size).map_err(|_| ImportError::new("its shape has a negative size"))?),
        }
    }
    let known = count(&shape).ok_or_else(|| ImportError::new("its shape is too large"))?;
    if let Some(open) = open.filter(|_| known > 0 && len.is_multiple_of(known)) {
        shape[open] = len / known;
    }
    if count(&shape) != Some(len) {
        return Err(ImportError::new(format!("{len} elements don't fit the shape {wanted:?}")));
    }
    Ok(shape)
}

fn squeezed(from: &[usize], axes: Option<Vec<i64>>) -> Result<Vec<usize>, ImportError> {
    let axes: Vec<usize> = match axes {
        Some(axes) => axes.iter().map(|a| axis(*a, from.len())).collect::<Result<_, _>>()?,
        None => (0..from.len()).filter(|a| from[*a] == 1).collect(),
    };
    if axes.iter().any(|a| from[*a] != 1) {
        return Err(ImportError::new("it removes an axis of more than one element"));
    }
    Ok(from.iter().enumerate().filter(|(a, _)| !axes.contains(a)).map(|(_, n)| *n).collect())
}

fn unsqueezed(from: &[usize], axes: Option<Vec<i64>>) -> Result<Vec<usize>, ImportError> {
    let axes = axes.unwrap_or_default();
    let rank = from.len() + axes.len();
    let mut new: Vec<usize> = axes.iter().map(|a| axis(*a, rank)).collect::<Result<_, _>>()?;
    new.sort_unstable();
    new.dedup();
    if new.len() != axes.len() || rank > 64 {
        return Err(ImportError::new("its axes are not different ones"));
    }
    let mut rest = from.iter();
    Ok((0..rank).map(|a| if new.contains(&a) { 1 } else { rest.next().copied().unwrap_or(1) }).collect())
}

fn transposed(node: &Node, from: &[usize]) -> Result<Move, ImportError> {
    let order: Vec<usize> = match node.ints("perm") {
        Some(perm) => perm.iter().map(|a| axis(*a, from.len())).collect::<Result<_, _>>()?,
        None => (0..from.len()).rev().collect(),
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if sorted != (0..from.len()).collect::<Vec<_>>() {
        return Err(ImportError::new("its attribute `perm` is no order of the axes"));
    }
    work(16 * from.iter().product::<usize>());
    let steps = strides(from);
    let shape: Vec<usize> = order.iter().map(|a| from[*a]).collect();
    let picks = indices(&shape).map(|at| at.iter().zip(&order).map(|(i, a)| i * steps[*a]).sum()).collect();
    Ok((shape, Some(picks)))
}

fn sliced(lowering: &Lowering, node: &Node, from: &[usize]) -> Result<Move, ImportError> {
    let list = |index: usize, name: &str| -> Result<Option<Vec<i64>>, ImportError> {
        Ok(lowering.integers(node, index)?.or_else(|| node.ints(name).map(<[i64]>::to_vec)))
    };
    let starts = list(1, "starts")?.unwrap_or_default();
    let ends = list(2, "ends")?.unwrap_or_default();
    let axes = list(3, "axes")?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = lowering.integers(node, 4)?.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return Err(ImportError::new("its starts, ends, axes and steps are not as many"));
    }
    let mut shape = from.to_vec();
    let mut picks: Option<Vec<usize>> = None;
    for (((start, end), at), step) in starts.iter().zip(&ends).zip(&axes).zip(&steps) {
        let at = axis(*at, from.len())?;
        let size = shape[at] as i64;
        let along = |i: i64, lo: i64, hi: i64| (if i < 0 { i.saturating_add(size) } else { i }).clamp(lo, hi);
        let (step, mut list) = (*step, Vec::new());
        if step == 0 {
            return Err(ImportError::new("its step is 0"));
        }
        let (mut i, end) = match step > 0 {
            true => (along(*start, 0, size), along(*end, 0, size)),
            false => (along(*start, -1, size - 1), along(*end, -1, size - 1)),
        };
        while if step > 0 { i < end } else { i > end } {
            list.push(i as usize);
            i = i.saturating_add(step);
        }
        let next = picked(&shape, at, &list);
        shape[at] = list.len();
        picks = Some(match picks {
            Some(picks) => next.iter().map(|i| picks[*i]).collect(),
            None => next,
        });
    }
    Ok((shape, picks))
}

/// A value whose elements are those at `picks`; in their order, if `None`.
pub(super) fn moved(
    lowering: &mut Lowering,
    node: &Node,
    value: &Value,
    shape: Vec<usize>,
    picks: Option<&[usize]>,
) -> Result<Value, ImportError> {
    let name = node.outputs.first().cloned().unwrap_or_else(|| Arc::from(""));
    let gather = |lowering: &mut Lowering, source: NodeId| match picks {
        None => Ok(source),
        Some(picks) => lowering.gathered(&name, picks.iter().map(|i| (source, *i as u32)).collect()),
    };
    Ok(match value {
        Value::Constant(tensor) => Value::Constant(Arc::new(match picks {
            Some(picks) => tensor.pick(shape, picks),
            None => Tensor { shape, source: None, ..Tensor::clone(tensor) },
        })),
        Value::Stored(stored) => {
            Value::Stored(Stored { node: gather(lowering, stored.node)?, shape, ..stored.clone() })
        }
        Value::Real(real) => Value::Real(match picks {
            Some(picks) => real.pick(gather(lowering, real.node)?, shape, picks),
            None => Real { shape, ..real.clone() },
        }),
        Value::LeftOut(value) => Value::LeftOut(value.clone()),
        Value::Pending(pending) => return Err(pending.refused("moved before it is quantized")),
    })
}

fn split(lowering: &mut Lowering, node: &Node) -> Result<(), ImportError> {
    let value = lowering.input(node, 0)?;
    let from = value.shape().to_vec();
    let at = axis(node.int("axis").unwrap_or(0), from.len())?;
    let parts = node.outputs.len().max(1);
    let lengths = match lowering.integers(node, 1)?.or_else(|| node.ints("split").map(<[i64]>::to_vec)) {
        Some(lengths) => sizes(&lengths)?,
        None => {
            let each = from[at].div_ceil(parts);
            (0..parts).map(|i| each.min(from[at].saturating_sub(i * each))).collect()
        }
    };
    if lengths.len() != parts || lengths.iter().try_fold(0usize, |n, l| n.checked_add(*l)) != Some(from[at]) {
        return Err(ImportError::new("its parts are not the whole axis"));
    }
    let mut begin = 0;
    for (output, length) in lengths.into_iter().enumerate() {
        let picks = picked(&from, at, &(begin..begin + length).collect::<Vec<_>>());
        let mut shape = from.clone();
        shape[at] = length;
        let part = moved(lowering, node, &value, shape, Some(&picks))?;
        lowering.layer(node, output, part, Parameters::default(), None);
        begin += length;
    }
    Ok(())
}

fn pad(lowering: &mut Lowering, node: &Node) -> Result<(), ImportError> {
    if node.text("mode").unwrap_or("constant") != "constant" {
        return Err(ImportError::new("only the mode `constant` is supported"));
    }
    let value = lowering.input(node, 0)?;
    let from = value.shape().to_vec();
    let pads = lowering.integers(node, 1)?.or_else(|| node.ints("pads").map(<[i64]>::to_vec)).unwrap_or_default();
    let axes: Vec<usize> = match lowering.integers(node, 3)? {
        Some(axes) => axes.iter().map(|a| axis(*a, from.len())).collect::<Result<_, _>>()?,
        None => (0..from.len()).collect(),
    };
    let pads = sizes(&pads).map_err(|_| ImportError::new("negative padding is not supported"))?;
    if pads.len() != 2 * axes.len() || pads.iter().any(|p| *p > 1 << 20) {
        return Err(ImportError::new("its padding does not suit the axes"));
    }
    let (mut before, mut shape) = (vec![0; from.len()], from.clone());
    for (i, a) in axes.iter().enumerate() {
        before[*a] = pads[i];
        shape[*a] = from[*a] + pads[i] + pads[axes.len() + i];
    }
    if from.contains(&0) {
        return Err(ImportError::new("its input has no elements"));
    }
    elements(&shape)?;
    let given = match lowering.optional(node, 2)? {
        Some(Value::Constant(tensor)) if tensor.len() == 1 => match &tensor.numbers {
            Numbers::Integers(n) => n[0] as f64,
            Numbers::Floats(n) => f64::from(n[0]),
            Numbers::Doubles(n) => n[0],
        },
        Some(_) => return Err(ImportError::new("its value is no known number")),
        None => f64::from(node.float("value").unwrap_or(0.0)),
    };
    let steps = strides(&from);
    let source = |at: &Vec<usize>| -> Option<usize> {
        at.iter().enumerate().try_fold(0, |sum, (a, i)| {
            let inside = i.checked_sub(before[a]).filter(|i| *i < from[a])?;
            Some(sum + inside * steps[a])
        })
    };
    let sources: Vec<Option<usize>> = indices(&shape).map(|at| source(&at)).collect();
    let name = node.outputs.first().cloned().unwrap_or_else(|| Arc::from(""));
    let padded = |lowering: &mut Lowering, from: NodeId, filling: i128| {
        lowering.builder.grow(1)?;
        let constant = lowering.builder.push(&name, Op::Constant(Arc::from([filling])))?;
        let pick = |source: &Option<usize>| source.map_or((constant, 0), |i| (from, i as u32));
        lowering.gathered(&name, sources.iter().map(pick).collect())
    };
    let value = match &value {
        Value::Stored(stored) if !stored.element.is_float() || given == 0.0 => {
            let node = padded(lowering, stored.node, i128::from(given as i64) - i128::from(stored.zero))?;
            Value::Stored(Stored { node, shape, ..stored.clone() })
        }
        Value::Real(real) if real.links.is_empty() && real.lead.is_plain() && given == 0.0 => {
            let node = padded(lowering, real.node, 0)?;
            let picks: Vec<usize> = sources.iter().map(|s| s.unwrap_or(0)).collect();
            Value::Real(real.pick(node, shape, &picks))
        }
        _ => return Err(ImportError::new("padding is supported for integers, and for quantized values with zeros")),
    };
    lowering.layer(node, 0, value, Parameters::default(), None);
    Ok(())
}
