//! Outputs that are floats: exactly the numbers that the runtime's floats round.
//!
//! What follows the last sums (a bias, a normalization, a scale) is an affine function of each sum. The output is that function in rationals; it is
//! checked, over every value of every element, that the runtime's floats never reverse its order.

use super::super::lowering::{Lowering, exported};
use super::super::thresholds;
use super::super::value::{Link, PerElement, Real, Value};
use crate::{ImportError, ImportedTensor};
use qnn_ir::rational::{common_step, from_f64, integer, to_f64};
use qnn_ir::{Interval, Rational};
use std::sync::Arc;

/// The most values of all elements whose order is checked.
const MAX_VALUES: i128 = 1 << 22;

/// y = slope · integer + offset.
#[derive(Clone)]
struct Line {
    slope: Rational,
    offset: Rational,
}

/// A value of an element: nearly, and the least and the greatest float that the file can compute.
struct Point {
    near: f64,
    lo: f32,
    hi: f32,
    element: usize,
    k: i128,
}

/// An output of the file, or why it can't be one.
pub(in crate::onnx) fn output(lowering: &mut Lowering, name: &Arc<str>) -> Result<ImportedTensor, ImportError> {
    let mut value = lowering.value(name).cloned();
    while let Some(Value::LeftOut(inner)) = value {
        value = Some(*inner);
    }
    let fail = |reason: &str| ImportError::new(format!("the output `{name}` {reason}"));
    let value = value.ok_or_else(|| fail("is not computed"))?;
    let Value::Real(real) = &value else {
        return exported(name, &value).ok_or_else(|| fail("is no tensor that is computed"));
    };
    let exact = real.links.is_empty() && real.lead.slack.all(|s| *s == 0.0);
    if let Some(tensor) = exported(name, &value).filter(|_| exact) {
        return Ok(tensor);
    }
    let floats = || {
        fail("is of floats that are no affine function of sums of integers")
            .help("import the network up to a tensor before: `output = \"…\"`")
    };
    let len = lowering.builder.graph.len(real.node);
    let lines: Vec<Line> = (0..len).map(|i| line(real, i)).collect::<Option<_>>().ok_or_else(floats)?;
    let ties = order(lowering, real, &lines)
        .map_err(|reason| fail(&reason).help("import the network up to a tensor before: `output = \"…\"`"))?;
    let mut note =
        format!("the output `{name}` is exact; the file computes floats, which round it and never reverse its order");
    if ties {
        note += ", but can make different values equal or equal ones different in the last bit";
    }
    lowering.note(note);
    if let Some(tensor) = exported(name, &value) {
        return Ok(tensor);
    }
    exact_tensor(lowering, name, real, &lines).ok_or_else(floats)
}

/// The affine function of an element, in exact arithmetic.
fn line(real: &Real, element: usize) -> Option<Line> {
    let rational = |v: f64| from_f64(v);
    let lead = &real.lead;
    let mut line = Line {
        slope: rational(*lead.step.at(element))? / rational(lead.divisor)?,
        offset: rational(*lead.offset.at(element))?,
    };
    for link in &real.links {
        let at = |c: &PerElement<f32>| rational(f64::from(*c.at(element)));
        match link {
            Link::Multiply(c) => {
                let c = at(c)?;
                line = Line { slope: line.slope * c.clone(), offset: line.offset * c };
            }
            Link::Divide(c) => {
                let c = at(c)?;
                line = Line { slope: line.slope / c.clone(), offset: line.offset / c };
            }
            Link::Add(c) => line.offset += at(c)?,
            Link::Subtract(c) => line.offset -= at(c)?,
            Link::SubtractFrom(c) => line = Line { slope: -line.slope, offset: at(c)? - line.offset },
            Link::MultiplyAdd(a, b) => {
                let (a, b) = (at(a)?, at(b)?);
                line = Line { slope: line.slope * a.clone(), offset: line.offset * a + b };
            }
            Link::AtLeast(_) | Link::AtMost(_) | Link::Leaky(_) | Link::Curve(_) => return None,
        }
    }
    Some(line)
}

/// Whether floats make some different values equal or the reverse; an error where they reverse the order of two.
fn order(lowering: &Lowering, real: &Real, lines: &[Line]) -> Result<bool, String> {
    let ranges: &[Interval] = &lowering.builder.ranges[real.node.index()];
    // Elements of the same function are compared once, over all their integers.
    let mut groups: Vec<(usize, Interval)> = Vec::new();
    let mut known = std::collections::HashMap::new();
    for (element, range) in ranges.iter().enumerate() {
        let links: Vec<u32> = real.links.iter().flat_map(Link::constants).map(|c| c.at(element).to_bits()).collect();
        let lead = &real.lead;
        let leads = [&lead.step, &lead.offset, &lead.slack].map(|d| d.at(element).to_bits());
        let group = *known.entry((links, leads)).or_insert_with(|| {
            groups.push((element, *range));
            groups.len() - 1
        });
        let all = &mut groups[group].1;
        *all = Interval::new(all.lo.min(range.lo), all.hi.max(range.hi));
    }
    let count: i128 = groups.iter().map(|(_, range)| range.hi - range.lo + 1).sum();
    if count > MAX_VALUES {
        return Err("has too many values for the order of its floats to be checked".into());
    }
    let mut values: Vec<Point> = Vec::new();
    for (element, range) in &groups {
        let (slope, offset) = (to_f64(&lines[*element].slope), to_f64(&lines[*element].offset));
        for k in range.lo..=range.hi {
            let (lo, hi) = thresholds::floats(real, *element, k, false);
            if lo.is_nan() || hi.is_nan() {
                return Err("leaves the floats of 32 bits".into());
            }
            values.push(Point { near: slope * k as f64 + offset, lo, hi, element: *element, k });
        }
    }
    values.sort_by(|a, b| a.near.total_cmp(&b.near));
    let scale = values.iter().map(|v| v.near.abs()).fold(0.0, f64::max);
    // Values closer than that are compared in rationals: doubles have computed them.
    let near = scale * 1e-13;
    let exact = |point: &Point| {
        let line = &lines[point.element];
        line.slope.clone() * integer(point.k) + line.offset.clone()
    };
    let reversed = || "is of floats that reverse the order of two of its values, by rounding".to_owned();
    let (mut greatest, mut ties) = (f32::NEG_INFINITY, false);
    for group in values.chunk_by(|a, b| b.near - a.near <= near) {
        let lo = group.iter().map(|v| v.lo).fold(f32::INFINITY, f32::min);
        let hi = group.iter().map(|v| v.hi).fold(f32::NEG_INFINITY, f32::max);
        if lo < greatest {
            return Err(reversed());
        }
        ties |= lo == greatest;
        if lo != hi {
            let mut sorted: Vec<(Rational, &Point)> = group.iter().map(|point| (exact(point), point)).collect();
            sorted.sort_by(|a, b| a.0.cmp(&b.0));
            let mut highest = f32::NEG_INFINITY;
            for equal in sorted.chunk_by(|a, b| a.0 == b.0) {
                if equal.iter().any(|(_, point)| point.lo < highest) {
                    return Err(reversed());
                }
                highest = equal.iter().map(|(_, point)| point.hi).fold(highest, f32::max);
            }
            ties = true;
        }
        greatest = greatest.max(hi);
    }
    Ok(ties)
}

/// The output as a node of its own: a common step of slope and offset for all elements of a function.
fn exact_tensor(lowering: &mut Lowering, name: &Arc<str>, real: &Real, lines: &[Line]) -> Option<ImportedTensor> {
    let mut steps: Vec<Rational> = Vec::with_capacity(lines.len());
    for line in lines {
        let step = match (line.slope == integer(0), line.offset == integer(0)) {
            (true, true) => integer(1),
            (true, false) => line.offset.clone(),
            (false, true) => line.slope.clone(),
            (false, false) => common_step(&line.slope, &line.offset),
        };
        steps.push(if step < integer(0) { -step } else { step });
    }
    let (mut rows, mut biases) = (Vec::new(), Vec::new());
    for (i, (line, step)) in lines.iter().zip(&steps).enumerate() {
        let weight = i64::try_from((line.slope.clone() / step.clone()).to_integer()).ok()?;
        rows.push(vec![(i as u32, weight)]);
        biases.push(i128::try_from((line.offset.clone() / step.clone()).to_integer()).ok()?);
    }
    let node = lowering.sums(name, vec![(real.node, rows)], biases).ok()?;
    let scale = if steps.iter().all(|s| *s == steps[0]) { vec![steps[0].clone()] } else { steps };
    let shape = super::super::lowering::without_batch(&real.shape);
    Some(ImportedTensor { name: name.clone(), node, shape, storage: None, scale })
}
