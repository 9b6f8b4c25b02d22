//! Sums of floats as sums of integers: `MatMul`, `Gemm`, `Conv`, means, and `Add` of two tensors.
//!
//! Each factor is an integer times a step. Where every product and every partial sum is a multiple of one power of two that is less than 2^24 times smaller,
//! floats compute the sum exactly in any order. Elsewhere the floats are within gamma = (n + 4) · 2^-24 of the sum of the products' magnitudes.

use super::real;
use crate::ImportError;
use crate::onnx::linear::{self, Linear};
use crate::onnx::lowering::Lowering;
use crate::onnx::model::Node;
use crate::onnx::shape::{Windows, broadcast, stretched};
use crate::onnx::tensor::{Parameters, Tensor};
use crate::onnx::thresholds::{self, Contraction, Store};
use crate::onnx::value::{Lead, Link, PerElement, Real, Value, lowest_bit};
use qnn_ir::interrupt::work;
use qnn_ir::{Interval, NodeId};
use std::collections::HashMap;

/// The unit roundoff of floats of 32 bits.
const ROUNDOFF: f64 = 1.0 / (1 << 24) as f64;

/// The most integers of an element whose floats are all computed.
const MAX_VALUES: i128 = 1 << 16;

/// The exponent of the greatest power of two of which all numbers are multiples.
fn grid(values: impl IntoIterator<Item = f64>) -> Option<i32> {
    values.into_iter().filter_map(lowest_bit).min()
}

/// Floats that are a node's integers times steps, which are exactly known.
#[derive(Clone, Debug)]
struct Factors {
    node: NodeId,
    shape: Vec<usize>,
    step: PerElement<f64>,
    /// The floats are these products rounded once, and not changed since.
    rounded_once: bool,
}

/// A tensor as factors of products: its integers, new ones where operators stand between them and their floats.
fn factors(lowering: &mut Lowering, name: &str, real: &Real) -> Result<Factors, ImportError> {
    if !real.lead.slack.all(|s| *s == 0.0) {
        return Err(ImportError::new("its input is a sum of floats that no quantizer has made one of few values"));
    }
    if real.lead.is_plain() && real.lead.divisor == 1.0 {
        let mut step = real.lead.step.clone();
        let len = lowering.builder.graph.len(real.node);
        let scaled = real.links.iter().all(|link| matches!(link, Link::Multiply(_)));
        for link in real.links.iter().filter(|_| scaled) {
            let Link::Multiply(factor) = link else { continue };
            step = PerElement::of((0..len).map(|i| step.at(i) * f64::from(*factor.at(i))).collect());
        }
        if scaled {
            let (node, shape) = (real.node, real.shape.clone());
            return Ok(Factors { node, shape, step, rounded_once: real.links.is_empty() });
        }
    }
    regridded(lowering, name, real)
}

/// Integers anew: each float as a multiple of a power of two.
fn regridded(lowering: &mut Lowering, name: &str, real: &Real) -> Result<Factors, ImportError> {
    let ranges = lowering.builder.ranges[real.node.index()].clone();
    let (mut lowest, mut values): (Option<i32>, i128) = (None, 0);
    // Elements of the same constants have the same floats; neighbours are often alike.
    let mut seen = std::collections::HashSet::new();
    for (element, range) in ranges.iter().enumerate() {
        let mut key: Vec<u64> =
            real.links.iter().flat_map(Link::constants).map(|c| u64::from(c.at(element).to_bits())).collect();
        key.extend([real.lead.step.at(element).to_bits(), real.lead.offset.at(element).to_bits()]);
        key.extend([range.lo as u64, range.hi as u64]);
        if !seen.insert(key) {
            continue;
        }
        values += range.hi - range.lo + 1;
        work(usize::try_from(range.hi - range.lo).unwrap_or(0).min(1 << 20) * 16);
        if range.hi - range.lo > MAX_VALUES || values > 256 * MAX_VALUES {
            return Err(ImportError::new("its input has too many values, which no quantizer has made few"));
        }
        let floats = (range.lo..=range.hi).map(|k| f64::from(thresholds::floats(real, element, k, false).0));
        lowest = lowest.into_iter().chain(grid(floats)).min();
    }
    let step = 2f32.powi(lowest.unwrap_or(0).clamp(-126, 127));
    let limit = PerElement::One(1 << 24);
    let store = Store::Linear { scale: Some(PerElement::One(step)), lo: PerElement::One(-(1 << 24)), hi: limit };
    let node = lowering.quantized(name, real, &store, Contraction::Never).map_err(|error| {
        ImportError::new(format!("its input is no tensor of quantized values: {}", error.reason))
            .help("a quantizer (`Quant`) in front of it")
    })?;
    let range = lowering.builder.range(node);
    if range.lo.abs().max(range.hi.abs()) >= 1 << 24 {
        return Err(
            ImportError::new("its input is no tensor of quantized values").help("a quantizer (`Quant`) in front of it")
        );
    }
    Ok(Factors { node, shape: real.shape.clone(), step: PerElement::One(f64::from(step)), rounded_once: true })
}

/// One sum: (element of the input, coefficient) as integers times a step.
struct Row {
    terms: Vec<(u32, i64)>,
    step: f64,
    /// The power of two of which the products are multiples, if they are no rounded ones.
    unit: Option<i32>,
    /// The sum of the products' magnitudes.
    magnitude: f64,
}

/// The exponents of the powers of two of which the weights of a channel, and their products with the input's steps, are multiples.
#[derive(Clone, Copy)]
struct Grids {
    weights: i32,
    products: i32,
}

/// Those of each channel, so that the elements of a channel have the same steps, at borders too.
fn channel_grids(layer: &Linear, x: &Factors, weights: &Tensor) -> HashMap<u32, Grids> {
    let floats = weights.as_floats().unwrap_or_default();
    let mut found: HashMap<u32, (Option<i32>, Option<i32>)> = HashMap::new();
    for (taps, channel) in layer.taps.iter().zip(&layer.channels) {
        let known = found.entry(*channel).or_default();
        for (i, w) in taps {
            let weight = f64::from(floats[*w as usize]);
            known.0 = known.0.into_iter().chain(lowest_bit(weight)).min();
            known.1 = known.1.into_iter().chain(lowest_bit(x.step.at(*i as usize) * weight)).min();
        }
    }
    let grids = |(weights, products): (Option<i32>, Option<i32>)| Grids {
        weights: weights.unwrap_or(0),
        products: products.unwrap_or(0),
    };
    found.into_iter().map(|(channel, exponents)| (channel, grids(exponents))).collect()
}

/// The rows of a layer. Those without any product, and the bounds of all, are as the others of their channel.
fn rows(layer: &Linear, x: &Factors, ranges: &[Interval], weights: &Tensor) -> Result<Vec<Row>, ImportError> {
    let grids = channel_grids(layer, x, weights);
    let mut rows = Vec::with_capacity(layer.taps.len());
    let mut channels: HashMap<u32, (f64, f64, Option<i32>)> = HashMap::new();
    for (taps, channel) in layer.taps.iter().zip(&layer.channels) {
        let grids = grids.get(channel).copied().unwrap_or(Grids { weights: 0, products: 0 });
        let row = row(taps, x, ranges, weights, grids)?;
        let known = channels.entry(*channel).or_insert((row.step, row.magnitude, row.unit));
        if !taps.is_empty() {
            let unit = known.2.zip(row.unit).map(|(a, b)| a.min(b));
            *known = (row.step, known.1.max(row.magnitude), unit);
        }
        rows.push(row);
    }
    for (row, channel) in rows.iter_mut().zip(&layer.channels) {
        if let Some((step, magnitude, unit)) = channels.get(channel) {
            if row.terms.is_empty() {
                row.step = *step;
            }
            (row.magnitude, row.unit) = (*magnitude, *unit);
        }
    }
    Ok(rows)
}

/// Weights that a sum multiplies: values, and the integers that a quantizer made them of.
fn row(
    taps: &[(u32, u32)],
    x: &Factors,
    ranges: &[Interval],
    weights: &Tensor,
    grids: Grids,
) -> Result<Row, ImportError> {
    let floats = weights.as_floats().unwrap_or_default();
    let weight = |w: &u32| f64::from(floats[*w as usize]);
    let reach = |i: &u32| ranges[*i as usize].lo.unsigned_abs().max(ranges[*i as usize].hi.unsigned_abs()) as f64;
    let step = |i: &u32| *x.step.at(*i as usize);
    let magnitude = taps.iter().map(|(i, w)| reach(i) * step(i).abs() * weight(w).abs()).sum();
    let products = || taps.iter().map(|(i, w)| step(i) * weight(w));
    // The floats of the input are exact if they fit 24 bits.
    let exact = |(i, _): &(u32, u32)| {
        let bit = lowest_bit(step(i)).unwrap_or(0);
        x.rounded_once && reach(i) * step(i).abs() <= 2f64.powi(24) * 2f64.powi(bit)
    };
    let bits = |(i, w): &(u32, u32)| Some(lowest_bit(step(i))? + lowest_bit(weight(w))?);
    let unit = taps.iter().all(exact).then(|| taps.iter().filter_map(bits).min().unwrap_or(0));
    let first = taps.first().map_or(1.0, |(i, _)| step(i));
    let uniform = taps.iter().all(|(i, _)| step(i) == first);
    // Small multiples of a power of two, or of a quantizer's scale, or any multiple of a power of two.
    let integers = |unit: f64, limit: f64| -> Option<Vec<(u32, i64)>> {
        taps.iter()
            .map(|(i, w)| {
                let multiple = weight(w) / unit;
                (multiple.fract() == 0.0 && multiple.abs() <= limit).then_some((*i, multiple as i64))
            })
            .collect()
    };
    let power = 2f64.powi(grids.weights);
    if uniform {
        if let Some(terms) = integers(power, 32768.0) {
            return Ok(Row { terms, step: first * power, unit, magnitude });
        }
        if let Some(grid) = &weights.grid {
            let scale = taps.first().map_or(1.0, |(_, w)| grid.scales[*w as usize]);
            if taps.iter().all(|(_, w)| grid.scales[*w as usize] == scale) {
                let terms = taps.iter().map(|(i, w)| (*i, grid.integers[*w as usize])).collect();
                return Ok(Row { terms, step: first * f64::from(scale), unit, magnitude });
            }
        }
        if let Some(terms) = integers(power, 2f64.powi(40)) {
            return Ok(Row { terms, step: first * power, unit, magnitude });
        }
    }
    let power = 2f64.powi(grids.products);
    let terms = taps.iter().zip(products()).map(|((i, _), product)| {
        let multiple = product / power;
        (multiple.fract() == 0.0 && multiple.abs() <= 2f64.powi(50)).then_some((*i, multiple as i64))
    });
    let terms: Option<Vec<(u32, i64)>> = terms.collect();
    let terms = terms.ok_or_else(|| ImportError::new("its products are no multiples of one step"))?;
    Ok(Row { terms, step: power, unit, magnitude })
}

/// How far floats can be from a sum of `n` products and an addend: 0, if they are exact.
fn slack(n: usize, magnitude: f64, bias: f64, unit: Option<i32>) -> f64 {
    let whole = |unit: i32| lowest_bit(bias).is_none_or(|bit| bit >= unit);
    let fits = |unit: i32| (magnitude + bias.abs()) * (1.0 + 1e-9) <= 2f64.powi(24) * 2f64.powi(unit);
    if unit.is_some_and(|unit| unit >= -149 && whole(unit) && fits(unit)) {
        return 0.0;
    }
    1.01 * (n + 5) as f64 * ROUNDOFF * (magnitude + bias.abs()) + 1e-37
}

/// Rows that are one node of sums, with floats of their own steps.
fn summed(
    lowering: &mut Lowering,
    node: &Node,
    source: NodeId,
    rows: Vec<Row>,
    biases: &[f64],
    shape: Vec<usize>,
) -> Result<Real, ImportError> {
    let name = node.outputs.first().cloned().unwrap_or_default();
    let (mut steps, mut offsets, mut slacks) = (Vec::new(), Vec::new(), Vec::new());
    let (mut terms, mut integers) = (Vec::new(), Vec::new());
    let products = rows.iter().map(|row| row.terms.len()).max().unwrap_or(0);
    for (row, bias) in rows.into_iter().zip(biases) {
        slacks.push(slack(products, row.magnitude, *bias, row.unit));
        let whole = bias / row.step;
        let is_whole = whole.fract() == 0.0 && whole.abs() < 2f64.powi(50) && whole * row.step == *bias;
        integers.push(if is_whole { whole as i128 } else { 0 });
        offsets.push(if is_whole { 0.0 } else { *bias });
        steps.push(row.step);
        terms.push(row.terms);
    }
    let sums = lowering.sums(&name, vec![(source, terms)], integers)?;
    let lead = Lead {
        step: PerElement::of(steps),
        divisor: 1.0,
        offset: PerElement::of(offsets),
        slack: PerElement::of(slacks),
    };
    if lead.slack.all(|s| *s == 0.0) {
        lowering.note("every sum of floats is exact for any order of additions, except where another note says so");
    } else {
        lowering.note(format!(
            "{}: its sums of floats are rounded; no integer sum lies within their error of a threshold behind them",
            node.described()
        ));
    }
    Ok(Real::new(sums, shape, lead))
}

/// `MatMul`, `Gemm` or `Conv` with known weights.
pub(super) fn layer(lowering: &mut Lowering, node: &Node) -> Result<(), ImportError> {
    let name = node.outputs.first().cloned().unwrap_or_default();
    let swapped = node.operation == "MatMul" && matches!(lowering.input(node, 0)?, Value::Constant(_));
    let (at, of) = if swapped { (1, 0) } else { (0, 1) };
    let x = factors(lowering, &name, &real(lowering, node, at)?)?;
    lowering.floats(node, of)?;
    let weights = lowering.constant(node, of)?;
    let transposed = (node.int("transA").unwrap_or(0) != 0, node.int("transB").unwrap_or(0) != 0);
    let layer = match (node.operation.as_str(), swapped) {
        ("Conv", _) => linear::convolution(node, &x.shape, &weights.shape)?,
        ("Gemm", _) => linear::gemm(&x.shape, &weights.shape, transposed)?,
        (_, false) => linear::matrix_product(&x.shape, &weights.shape, false)?,
        (_, true) => linear::matrix_product(&weights.shape, &x.shape, true)?,
    };
    let (alpha, beta) = (node.float("alpha").unwrap_or(1.0), node.float("beta").unwrap_or(1.0));
    if node.operation == "Gemm" && (alpha != 1.0 || beta != 1.0) {
        return Err(ImportError::new("its attributes `alpha` and `beta` are not 1"));
    }
    let bias = match lowering.optional(node, 2)?.filter(|_| node.operation != "MatMul") {
        None => None,
        Some(_) => Some((lowering.constant(node, 2)?, lowering.floats(node, 2)?)),
    };
    let biases = addends(node, bias.as_ref().map(|(tensor, floats)| (&**tensor, floats.as_slice())), &layer)?;
    let ranges = lowering.builder.ranges[x.node.index()].clone();
    let rows = rows(&layer, &x, &ranges, &weights)?;
    let parameters = Parameters::of([&*weights].into_iter().chain(bias.as_ref().map(|(tensor, _)| &**tensor)));
    let value = summed(lowering, node, x.node, rows, &biases, layer.shape)?;
    let range = lowering.builder.range(value.node);
    lowering.layer(node, 0, Value::Real(value), parameters, Some(range));
    Ok(())
}

/// For each element of the result, what is added to its products.
fn addends(node: &Node, bias: Option<(&Tensor, &[f32])>, layer: &Linear) -> Result<Vec<f64>, ImportError> {
    let Some((tensor, floats)) = bias else { return Ok(vec![0.0; layer.taps.len()]) };
    let fail = || ImportError::new("its bias does not fit its result");
    if node.operation == "Gemm" {
        if broadcast(&layer.shape, &tensor.shape)? != layer.shape {
            return Err(fail());
        }
        return Ok(stretched(&tensor.shape, &layer.shape).iter().map(|i| f64::from(floats[*i])).collect());
    }
    let of = |channel: &u32| floats.get(*channel as usize).map(|b| f64::from(*b)).ok_or_else(fail);
    layer.channels.iter().map(of).collect()
}

/// `Add` of two tensors that are computed.
pub(super) fn add(lowering: &mut Lowering, node: &Node) -> Result<(), ImportError> {
    let name = node.outputs.first().cloned().unwrap_or_default();
    let (a, b) = (real(lowering, node, 0)?, real(lowering, node, 1)?);
    let (a, b) = (factors(lowering, &name, &a)?, factors(lowering, &name, &b)?);
    let shape = broadcast(&a.shape, &b.shape)?;
    let (left, right) = (stretched(&a.shape, &shape), stretched(&b.shape, &shape));
    let (of_a, of_b) =
        (lowering.builder.ranges[a.node.index()].clone(), lowering.builder.ranges[b.node.index()].clone());
    let reach = |range: &Interval| range.lo.unsigned_abs().max(range.hi.unsigned_abs()) as f64;
    let (mut terms, mut steps, mut slacks) = ((Vec::new(), Vec::new()), Vec::new(), Vec::new());
    for (i, j) in left.iter().zip(&right) {
        let (s, t) = (*a.step.at(*i), *b.step.at(*j));
        let (x, y) = (reach(&of_a[*i]) * s.abs(), reach(&of_b[*j]) * t.abs());
        let unit = grid([s, t]).unwrap_or(0);
        let exact = |factors: &Factors, value: f64, step: f64| {
            factors.rounded_once && value <= 2f64.powi(24) * 2f64.powi(lowest_bit(step).unwrap_or(0))
        };
        let unit_if_exact = (exact(&a, x, s) && exact(&b, y, t)).then_some(unit);
        slacks.push(slack(2, x + y, 0.0, unit_if_exact));
        let step = if s == t { s } else { 2f64.powi(unit) };
        let (p, q) = (s / step, t / step);
        if p.abs() > 2f64.powi(40) || q.abs() > 2f64.powi(40) {
            return Err(ImportError::new("the steps of its inputs are too different"));
        }
        terms.0.push(vec![(*i as u32, p as i64)]);
        terms.1.push(vec![(*j as u32, q as i64)]);
        steps.push(step);
    }
    let len = steps.len();
    let lists = match a.node == b.node {
        false => vec![(a.node, terms.0), (b.node, terms.1)],
        true => vec![(a.node, terms.0.into_iter().zip(terms.1).map(|(x, y)| [x, y].concat()).collect())],
    };
    let sums = lowering.sums(&name, lists, vec![0; len])?;
    let (step, slack) = (PerElement::of(steps), PerElement::of(slacks));
    let value = Real::new(sums, shape, Lead { slack, ..Lead::steps(step) });
    let range = lowering.builder.range(sums);
    lowering.layer(node, 0, Value::Real(value), Parameters::default(), Some(range));
    Ok(())
}

/// Means of windows, which floats add and divide.
pub(super) fn mean(lowering: &mut Lowering, node: &Node) -> Result<(), ImportError> {
    let name = node.outputs.first().cloned().unwrap_or_default();
    let x = factors(lowering, &name, &real(lowering, node, 0)?)?;
    let space =
        x.shape.get(2..).filter(|s| !s.is_empty()).ok_or_else(|| ImportError::new("its input has no spatial axes"))?;
    let kernel: Vec<usize> = match node.operation.as_str() {
        "GlobalAveragePool" => space.to_vec(),
        _ => node.ints("kernel_shape").unwrap_or_default().iter().filter_map(|n| usize::try_from(*n).ok()).collect(),
    };
    let windows = Windows::of(node, space, &kernel)?;
    if windows.padded {
        return Err(ImportError::new("a mean of padded windows is not supported"));
    }
    let PerElement::One(step) = x.step else {
        return Err(ImportError::new("a mean of values of different steps is not supported"));
    };
    let (area, planes): (usize, usize) = (space.iter().product(), x.shape[..2].iter().product());
    let cells: usize = kernel.iter().product();
    if planes.checked_mul(windows.cells.len()).and_then(|n| n.checked_mul(cells)).is_none_or(|n| n > 1 << 26) {
        return Err(ImportError::new("its windows are too large"));
    }
    let of = |plane: usize| {
        windows.cells.iter().map(move |w| w.iter().map(|(i, _)| ((plane * area) as u32 + i, 1)).collect())
    };
    let rows: Vec<Vec<(u32, i64)>> = (0..planes).flat_map(of).collect();
    let len = rows.len();
    let sums = lowering.sums(&name, vec![(x.node, rows)], vec![0; len])?;
    let range = lowering.builder.range(x.node);
    let magnitude = range.lo.unsigned_abs().max(range.hi.unsigned_abs()) as f64 * step.abs();
    // A sum that is exact, of so many cells that their number is a power of two, rounds nowhere but at the end.
    let whole = magnitude * cells as f64 <= 2f64.powi(24) * 2f64.powi(lowest_bit(step).unwrap_or(0));
    let slack = match whole && x.rounded_once && cells.is_power_of_two() {
        true => 0.0,
        false => 1.01 * (cells + 6) as f64 * ROUNDOFF * magnitude,
    };
    let lead = Lead { divisor: cells as f64, slack: PerElement::One(slack), ..Lead::steps(PerElement::One(step)) };
    let shape = [&x.shape[..2], windows.out.as_slice()].concat();
    let range = lowering.builder.range(sums);
    let value = Real::new(sums, shape, lead);
    if slack > 0.0 {
        lowering.note(format!(
            "{}: its mean is of floats; no integer sum lies within their error of a threshold behind it",
            node.described()
        ));
    }
    lowering.layer(node, 0, Value::Real(value), Parameters::default(), Some(range));
    Ok(())
}
