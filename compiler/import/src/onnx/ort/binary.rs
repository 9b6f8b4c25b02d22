//! `QLinearAdd` and `QLinearMul`.
//!
//! `QLinearAdd`: rint(fma(ra, a, fma(rb, b, c))) with ra = f32(sa / sc), rb = f32(sb / sc), c = f32(zc − f32(ra · za + rb · zb)), on processors with FMA. Where
//! both inputs vary it becomes one step of P · a + Q · b, for small integers P and Q by which all pairs of integers are in the order of their results.
//! `QLinearMul`: rint(f32(f32(f32(da · db) · f32(f32(sa · sb) / sc)) + zc)), the zero point added before it is rounded.

use super::{Scale, read};
use crate::ImportError;
use crate::onnx::lowering::Lowering;
use crate::onnx::model::Node;
use crate::onnx::shape::{broadcast, stretched};
use crate::onnx::tensor::{Element, Parameters};
use crate::onnx::value::{Operand, Value};
use qnn_ir::interrupt::work;
use qnn_ir::rational::{from_f64, integer};
use qnn_ir::{Interval, NodeId, Op, Rational, Step, Steps};

/// onnxruntime's sum of two quantized numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addition {
    a: Scale,
    b: Scale,
    to: Scale,
}

impl Addition {
    /// The result for centred integers, centred.
    fn apply(&self, a: i64, b: i64) -> i64 {
        let (ra, rb) = (self.a.scale / self.to.scale, self.b.scale / self.to.scale);
        let fixed = self.to.zero as f32 - (ra * self.a.zero as f32 + rb * self.b.zero as f32);
        let sum = rb.mul_add((b + self.b.zero) as f32, fixed);
        let sum = ra.mul_add((a + self.a.zero) as f32, sum);
        let (lo, hi) = self.to.element.limits();
        (sum.round_ties_even() as i64).clamp(lo, hi) - self.to.zero
    }
}

impl Operand {
    fn shape(&self) -> &[usize] {
        match self {
            Operand::Node(_, shape) => shape,
            Operand::Known(tensor) => &tensor.shape,
        }
    }

    fn read(lowering: &mut Lowering, node: &Node, index: usize, scale: &Scale) -> Result<Operand, ImportError> {
        match lowering.input(node, index)? {
            Value::Constant(tensor) if tensor.element == scale.element => Ok(Operand::Known(tensor)),
            _ => read(lowering, node, index, scale).map(|stored| Operand::Node(stored.node, stored.shape)),
        }
    }
}

fn byte(scales: &[&Scale]) -> Result<(), ImportError> {
    if scales.iter().all(|s| s.element == scales[0].element && matches!(s.element, Element::Uint8 | Element::Int8)) {
        return Ok(());
    }
    Err(ImportError::new("its element types are not all uint8, or all int8"))
}

/// `QLinearAdd`(a, a scale, a zero, b, b scale, b zero, c scale, c zero).
pub(super) fn add(lowering: &mut Lowering, node: &Node) -> Result<(), ImportError> {
    let (a, b) = (Scale::read(lowering, node, 1, 2)?, Scale::read(lowering, node, 4, 5)?);
    let to = Scale::read(lowering, node, 6, 7)?;
    let operands = (Operand::read(lowering, node, 0, &a)?, Operand::read(lowering, node, 3, &b)?);
    sum(lowering, node, operands, (a, b), &to, 0)
}

/// The sum of two operands, as an output of `node`.
pub(super) fn sum(
    lowering: &mut Lowering,
    node: &Node,
    operands: (Operand, Operand),
    scales: (Scale, Scale),
    to: &Scale,
    output: usize,
) -> Result<(), ImportError> {
    byte(&[&scales.0, &scales.1, to])?;
    let name = node.outputs.get(output).cloned().unwrap_or_default();
    let shape = broadcast(operands.0.shape(), operands.1.shape())?;
    let one = |operand: &Operand| operand.shape().iter().product::<usize>() == 1;
    let len: usize = shape.iter().product();
    // onnxruntime takes a first operand of one element as the second.
    let (operands, scales) = match len > 1 && one(&operands.0) {
        true => ((operands.1, operands.0), (scales.1, scales.0)),
        false => (operands, scales),
    };
    lowering
        .note("its sums of two quantized tensors are those of processors with fused multiplication and addition (FMA)");
    let addition = Addition { a: scales.0, b: scales.1, to: *to };
    let (left, right) = (stretched(operands.0.shape(), &shape), stretched(operands.1.shape(), &shape));
    let (result, parameters) = match &operands {
        (Operand::Node(a, _), Operand::Node(b, _)) => {
            let node = step_of_sum(lowering, &name, &addition, (*a, &left), (*b, &right))?;
            (node, Parameters::default())
        }
        (Operand::Node(x, _), Operand::Known(t)) => {
            let zero = scales.1.zero;
            let known: Vec<i64> = right.iter().map(|i| t.as_integers().map_or(0, |n| n[*i]) - zero).collect();
            let node = tables(lowering, &name, (*x, &left), &known, |x, known| Ok(addition.apply(x, known)))?;
            (node, Parameters::of([&**t]))
        }
        (Operand::Known(t), Operand::Node(x, _)) => {
            let zero = scales.0.zero;
            let known: Vec<i64> = left.iter().map(|i| t.as_integers().map_or(0, |n| n[*i]) - zero).collect();
            let node = tables(lowering, &name, (*x, &right), &known, |x, known| Ok(addition.apply(known, x)))?;
            (node, Parameters::of([&**t]))
        }
        (Operand::Known(_), Operand::Known(_)) => return Err(ImportError::new("both of its operands are known")),
    };
    lowering.layer(node, output, to.stored(result, shape), parameters, None);
    Ok(())
}

/// For each element a function of one integer, by a known number: a step for each of these.
fn tables(
    lowering: &mut Lowering,
    name: &str,
    x: (NodeId, &[usize]),
    known: &[i64],
    apply: impl Fn(i64, i64) -> Result<i64, ImportError>,
) -> Result<NodeId, ImportError> {
    let range = small(lowering, x.0)?;
    let mut found: std::collections::BTreeMap<i64, (bool, Step)> = std::collections::BTreeMap::new();
    for number in known {
        if !found.contains_key(number) {
            let results: Vec<i64> = (range.0..=range.1).map(|x| apply(x, *number)).collect::<Result<_, _>>()?;
            found.insert(*number, table(range, &results)?);
        }
    }
    let falls = |i: &usize| found.get(&known[*i]).is_some_and(|(falls, _)| *falls);
    let rows = (0..known.len()).map(|i| vec![(x.1[i] as u32, if falls(&i) { -1 } else { 1 })]).collect();
    let plain = x.1.iter().enumerate().all(|(i, j)| i == *j) && !(0..known.len()).any(|i| falls(&i));
    let source = match plain && lowering.builder.graph.len(x.0) == known.len() {
        true => x.0,
        false => lowering.sums(name, vec![(x.0, rows)], vec![0; known.len()])?,
    };
    let steps: Vec<Step> = known.iter().filter_map(|number| found.get(number).map(|(_, step)| step.clone())).collect();
    lowering.builder.grow(known.len())?;
    let steps = if found.len() == 1 { Steps::Uniform(steps[0].clone()) } else { Steps::Each(steps.into()) };
    lowering.builder.push(name, Op::Step { source, steps })
}

/// The range of a node's integers, which are few.
fn small(lowering: &Lowering, node: NodeId) -> Result<(i64, i64), ImportError> {
    let Interval { lo, hi } = lowering.builder.range(node);
    match (i64::try_from(lo), i64::try_from(hi)) {
        (Ok(lo), Ok(hi)) if hi - lo < 1 << 16 => Ok((lo, hi)),
        _ => Err(ImportError::new("its integers are too many")),
    }
}

/// Results over a range as a step, of the negated integers where they fall.
fn table(range: (i64, i64), results: &[i64]) -> Result<(bool, Step), ImportError> {
    let falls = results.first() > results.last();
    let mut points: Vec<(i64, i64)> = (range.0..=range.1).zip(results.iter().copied()).collect();
    if falls {
        points = points.into_iter().rev().map(|(x, y)| (-x, y)).collect();
    }
    if points.windows(2).any(|pair| pair[1].1 < pair[0].1) {
        return Err(ImportError::new("its result is not monotone"));
    }
    let mut thresholds = Vec::new();
    for pair in points.windows(2) {
        thresholds.extend((pair[0].1..pair[1].1).map(|_| i128::from(pair[1].0)));
    }
    let lo = points.first().map_or(0, |p| i128::from(p.1));
    Ok((falls, Step::Table { lo, thresholds: thresholds.into() }))
}

/// The sum of two nodes as a step of P · a + Q · b.
fn step_of_sum(
    lowering: &mut Lowering,
    name: &str,
    addition: &Addition,
    a: (NodeId, &[usize]),
    b: (NodeId, &[usize]),
) -> Result<NodeId, ImportError> {
    let ranges = (small(lowering, a.0)?, small(lowering, b.0)?);
    let (mut pairs, count) = (Vec::new(), (ranges.0.1 - ranges.0.0 + 1) * (ranges.1.1 - ranges.1.0 + 1));
    if count > 1 << 16 {
        return Err(ImportError::new("its integers are too many"));
    }
    for x in ranges.0.0..=ranges.0.1 {
        pairs.extend((ranges.1.0..=ranges.1.1).map(|y| (x, y, addition.apply(x, y))));
    }
    for (p, q) in ratios(addition.a.scale, addition.b.scale) {
        work(32 * pairs.len());
        let mut keys: Vec<(i64, i64)> = pairs.iter().map(|(x, y, result)| (p * x + q * y, *result)).collect();
        keys.sort_unstable();
        if keys.windows(2).any(|w| w[1].1 < w[0].1 || (w[0].0 == w[1].0 && w[0].1 != w[1].1)) {
            continue;
        }
        let mut thresholds = Vec::new();
        for w in keys.windows(2) {
            thresholds.extend((w[0].1..w[1].1).map(|_| i128::from(w[1].0)));
        }
        let lo = keys.first().map_or(0, |k| i128::from(k.1));
        let rows = |picks: &[usize], factor: i64| picks.iter().map(|i| vec![(*i as u32, factor)]).collect();
        let terms = match a.0 == b.0 {
            false => vec![(a.0, rows(a.1, p)), (b.0, rows(b.1, q))],
            true => {
                let both = |(i, j): (&usize, &usize)| vec![(*i as u32, p), (*j as u32, q)];
                vec![(a.0, a.1.iter().zip(b.1).map(both).collect())]
            }
        };
        let sums = lowering.sums(name, terms, vec![0; a.1.len()])?;
        lowering.builder.grow(a.1.len())?;
        let steps = Steps::Uniform(Step::Table { lo, thresholds: thresholds.into() });
        return lowering.builder.push(name, Op::Step { source: sums, steps });
    }
    Err(ImportError::new(
        "its floats round some pairs of integers against the order of their sums, so that it is no function of one sum of integers",
    ))
}

/// Pairs (P, Q) of positive integers whose quotients come ever closer to a / b.
fn ratios(a: f32, b: f32) -> Vec<(i64, i64)> {
    let (Some(a), Some(b)) = (from_f64(f64::from(a)), from_f64(f64::from(b))) else { return Vec::new() };
    let mut rest: Rational = a / b;
    let (mut before, mut last) = ((0i64, 1i64), (1i64, 0i64));
    let mut found = Vec::new();
    for _ in 0..40 {
        let Ok(whole) = i64::try_from(rest.floor().to_integer()) else { break };
        // Between two convergents lie those of smaller partial quotients.
        let mut wholes: Vec<i64> = (1..whole).rev().take(6).collect();
        wholes.extend([whole / 2, whole / 3 * 2]);
        wholes.push(whole);
        wholes.sort_unstable();
        wholes.dedup();
        let mut next = None;
        for whole in wholes {
            let p = whole.checked_mul(last.0).and_then(|p| p.checked_add(before.0));
            let q = whole.checked_mul(last.1).and_then(|q| q.checked_add(before.1));
            next = p.zip(q).filter(|(p, q)| *p < 1 << 40 && *q < 1 << 40);
            found.extend(next.filter(|(p, q)| *p > 0 && *q > 0));
        }
        let Some(next) = next else { break };
        (before, last) = (last, next);
        rest -= integer(i128::from(whole));
        if rest == integer(0) {
            break;
        }
        rest = rest.recip();
    }
    found
}

/// `QLinearMul`(a, a scale, a zero, b, b scale, b zero, c scale, c zero), one of whose operands is known.
pub(super) fn multiply(lowering: &mut Lowering, node: &Node) -> Result<(), ImportError> {
    let (a, b) = (Scale::read(lowering, node, 1, 2)?, Scale::read(lowering, node, 4, 5)?);
    let to = Scale::read(lowering, node, 6, 7)?;
    let operands = (Operand::read(lowering, node, 0, &a)?, Operand::read(lowering, node, 3, &b)?);
    product(lowering, node, operands, (a, b), &to)
}

/// The product of two operands, one of which is known, as an output of `node`.
pub(super) fn product(
    lowering: &mut Lowering,
    node: &Node,
    operands: (Operand, Operand),
    (a, b): (Scale, Scale),
    to: &Scale,
) -> Result<(), ImportError> {
    byte(&[&a, &b, to])?;
    let name = node.outputs.first().cloned().unwrap_or_default();
    let shape = broadcast(operands.0.shape(), operands.1.shape())?;
    let (x, from, t, known, zero) = match &operands {
        (Operand::Node(x, from), Operand::Known(t)) => (*x, from, t, &t.shape, b.zero),
        (Operand::Known(t), Operand::Node(x, from)) => (*x, from, t, &t.shape, a.zero),
        _ => return Err(ImportError::new("a product of two tensors that are computed is not supported")),
    };
    let picks = stretched(from, &shape);
    let known: Vec<i64> =
        stretched(known, &shape).iter().map(|i| t.as_integers().map_or(0, |n| n[*i]) - zero).collect();
    let ratio = (a.scale * b.scale) / to.scale;
    let (lo, hi) = to.element.limits();
    let apply = |x: i64, y: i64| {
        let sum = (x * y) as f32 * ratio + to.zero as f32;
        Ok((sum.round_ties_even() as i64).clamp(lo, hi) - to.zero)
    };
    let result = tables(lowering, &name, (x, &picks), &known, apply)?;
    lowering.layer(node, 0, to.stored(result, shape), Parameters::of([&**t]), None);
    Ok(())
}
