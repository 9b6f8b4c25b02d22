//! The dual bound, in checked integers.
//!
//! In: a graph, a range for every element, a linear form, multipliers. Out: an integer D such that the form is at most D for
//! all values within the ranges that the graph can produce together. Invariant: soundness holds for *any* multipliers.
//!
//! The form is pulled back through the nodes, last first. At an affine node it is substituted. At a nonlinear element y = f(a) with the
//! coefficient c and the multiplier m,  c·y = m·a + (c·f(a) - m·a) <= m·a + max over a in its range of (c·f(a) - m·a).
//! What reaches an input is bounded by its box.

use super::Multipliers;
use num_integer::Integer;
use qnn_ir::interrupt::work;
use qnn_ir::range::wrap_limits;
use qnn_ir::{Graph, Interval, Matrix, NodeId, Op, Step};

/// Up to this many values of a rounding step are looked at one by one.
pub(super) const VALUES: i128 = 1 << 16;

/// What a bound says of an element of an input or a step: its share of the bound: the maximum of coefficient · y - multiplier · a.
pub(super) struct Term {
    pub node: NodeId,
    pub element: usize,
    pub coefficient: i128,
    pub multiplier: i128,
    pub share: i128,
}

/// What is wrong with a bound.
pub(super) type Fault = String;

/// The bound of `constant + the sum of factor · element`, and what it says of the elements that it depends on.
pub(super) fn bound(
    graph: &Graph,
    ranges: &[Vec<Interval>],
    form: &[(NodeId, usize, i128)],
    constant: i128,
    multipliers: &Multipliers,
    mut on_term: impl FnMut(Term),
) -> Result<i128, Fault> {
    let slots = slots(graph, multipliers)?;
    let mut coefficients: Vec<Vec<i128>> = graph.nodes.iter().map(|node| vec![0; node.len]).collect();
    for (node, element, factor) in form {
        let at = &mut coefficients[node.index()][*element];
        *at = at.checked_add(*factor).ok_or_else(too_large)?;
    }
    let mut value = constant;
    for id in graph.ids().rev() {
        let mine = std::mem::take(&mut coefficients[id.index()]);
        work(4 * mine.len());
        let slots = &slots[id.index()];
        match &graph.node(id).op {
            Op::Input => {
                for (element, c) in mine.iter().enumerate().filter(|(_, c)| **c != 0) {
                    let range = ranges[id.index()][element];
                    let share = product(*c, if *c > 0 { range.hi } else { range.lo })?;
                    value = sum(value, share)?;
                    on_term(Term { node: id, element, coefficient: *c, multiplier: 0, share });
                }
            }
            Op::Constant(constants) => {
                for (c, constant) in mine.iter().zip(constants.iter()) {
                    value = sum(value, product(*c, *constant)?)?;
                }
            }
            Op::Affine { terms, bias } => {
                for (c, bias) in mine.iter().zip(bias.iter()) {
                    value = sum(value, product(*c, *bias)?)?;
                }
                for (source, matrix) in terms {
                    pull_back(matrix, &mine, &mut coefficients[source.index()])?;
                }
            }
            Op::Gather { picks } => {
                for (c, (source, element)) in mine.iter().zip(picks.iter()) {
                    add(&mut coefficients, *source, *element as usize, *c)?;
                }
            }
            Op::Step { source, steps } => {
                for (element, c) in mine.iter().enumerate() {
                    let m = slots.get(element).copied().unwrap_or(0);
                    if *c == 0 && m == 0 {
                        continue;
                    }
                    let (y, a) = (ranges[id.index()][element], ranges[source.index()][element]);
                    let share = step_maximum(steps.at(element), *c, m, y, a)?;
                    value = sum(value, share)?;
                    add(&mut coefficients, *source, element, m)?;
                    on_term(Term { node: id, element, coefficient: *c, multiplier: m, share });
                }
            }
            Op::Wrap { source, width, signed } => {
                for (element, c) in mine.iter().enumerate() {
                    let m = slots.get(element).copied().unwrap_or(0);
                    let share = wrap_maximum(*width, *signed, *c, m, ranges[source.index()][element])?;
                    value = sum(value, share)?;
                    add(&mut coefficients, *source, element, m)?;
                }
            }
            Op::Max { source, windows } => {
                let mut slot = 0;
                for (window, c) in windows.iter().zip(&mine) {
                    let entries: Vec<(i128, Interval)> = (window.iter().enumerate())
                        .map(|(k, i)| (slots.get(slot + k).copied().unwrap_or(0), ranges[source.index()][*i as usize]))
                        .collect();
                    slot += window.len();
                    value = sum(value, window_maximum(*c, &entries)?)?;
                    for (i, (m, _)) in window.iter().zip(&entries) {
                        add(&mut coefficients, *source, *i as usize, *m)?;
                    }
                }
            }
        }
    }
    Ok(value)
}

/// target += the sum of coefficient · row.
fn pull_back(matrix: &Matrix, mine: &[i128], target: &mut [i128]) -> Result<(), Fault> {
    let rows = || mine.iter().enumerate().filter(|(_, c)| **c != 0).inspect(|(row, _)| work(matrix.entries(*row)));
    // No sum on the way, over whichever rows, is beyond the sum of |coefficient| times the greatest sum of a row's magnitudes.
    let most = rows().try_fold(0u128, |most, (_, c)| most.checked_add(c.unsigned_abs()));
    if most.and_then(|most| most.checked_mul(matrix.norm().max(1))).is_some_and(|most| most <= i64::MAX as u128) {
        let mut sums = vec![0i64; target.len()];
        rows().for_each(|(element, c)| matrix.add_row(element, *c as i64, &mut sums));
        for (t, s) in target.iter_mut().zip(&sums) {
            *t = sum(*t, i128::from(*s))?;
        }
        return Ok(());
    }
    for (element, c) in rows() {
        for (column, weight) in matrix.row(element) {
            target[column] = sum(target[column], product(*c, i128::from(weight))?)?;
        }
    }
    Ok(())
}

/// The multipliers by node and slot; empty for nodes without any.
fn slots(graph: &Graph, multipliers: &Multipliers) -> Result<Vec<Vec<i128>>, Fault> {
    let mut slots: Vec<Vec<i128>> = vec![Vec::new(); graph.nodes.len()];
    for (node, slot, multiplier) in &multipliers.slots {
        let op = graph.nodes.get(*node as usize).ok_or("a multiplier for a node that does not exist")?;
        let count = match &op.op {
            Op::Step { .. } | Op::Wrap { .. } => op.len,
            Op::Max { windows, .. } => windows.iter().map(|w| w.len()).sum(),
            _ => return Err("a multiplier for a node that is linear".to_owned()),
        };
        let of_node = &mut slots[*node as usize];
        of_node.resize(count, 0);
        *of_node.get_mut(*slot as usize).ok_or("a multiplier for a slot that does not exist")? =
            i128::from(*multiplier);
    }
    Ok(slots)
}

/// The greatest c·y - m·a over integers a in its range with y = step(a) in its range.
fn step_maximum(step: &Step, c: i128, m: i128, y: Interval, a: Interval) -> Result<i128, Fault> {
    let (first, last) = values(step, y, a)?;
    if matches!(step, Step::Round { .. }) && last - first > VALUES {
        return wide_maximum(step, c, m, first, last, a);
    }
    if first > last {
        return Err("a step without a value".to_owned());
    }
    let mut best = None;
    if step.is_even() && last - first > 4 {
        // Between the second value and the last but one it is linear in the value.
        for v in [first, first + 1, last - 1, last] {
            best = best.max(value_maximum(step, c, m, v, a)?);
        }
        return best.ok_or_else(|| "a step without a value".to_owned());
    }
    let mut from = first_of(step, first)?;
    for v in first..last {
        work(64);
        let next = first_of(step, v + 1)?;
        best = best.max(between(c, m, v, from.max(a.lo), next.saturating_sub(1).min(a.hi))?);
        from = next;
    }
    // The last value may go on beyond the range of the argument.
    best = best.max(value_maximum(step, c, m, last, a)?);
    best.ok_or_else(|| "a step without a value".to_owned())
}

/// The least and the greatest value of a step within the ranges of its result and its argument.
pub(super) fn values(step: &Step, y: Interval, a: Interval) -> Result<(i128, i128), Fault> {
    let first = step.checked_apply(a.lo).ok_or_else(too_large)?.max(y.lo);
    let last = step.checked_apply(a.hi).ok_or_else(too_large)?.min(y.hi);
    Ok((first, last))
}

/// The greatest c·v - m·a over the integers a in the range at which the step is v; `None` if there are none.
pub(super) fn value_maximum(step: &Step, c: i128, m: i128, v: i128, a: Interval) -> Result<Option<i128>, Fault> {
    let from = first_of(step, v)?.max(a.lo);
    let to = if v < step.hi() { first_of(step, v + 1)?.saturating_sub(1).min(a.hi) } else { a.hi };
    between(c, m, v, from, to)
}

/// The first argument at which a step is at least v.
fn first_of(step: &Step, v: i128) -> Result<i128, Fault> {
    if v > step.lo() { step.threshold(v).ok_or_else(too_large) } else { Ok(i128::MIN) }
}

/// The greatest c·v - m·a over the integers a from one to another; `None` if there are none.
fn between(c: i128, m: i128, v: i128, from: i128, to: i128) -> Result<Option<i128>, Fault> {
    if from > to {
        return Ok(None);
    }
    let at = if m > 0 { from } else { to };
    Ok(Some(difference(product(c, v)?, product(m, at)?)?))
}

/// The same for very many values: the first and the last exactly, those between by |round(q) - q| <= 1, or 0 where the quotient is whole.
fn wide_maximum(step: &Step, c: i128, m: i128, first: i128, last: i128, a: Interval) -> Result<i128, Fault> {
    let Step::Round { numerator, denominator, offset, .. } = step else {
        return Err("a table has all its values".to_owned());
    };
    let ends = [value_maximum(step, c, m, first, a)?, value_maximum(step, c, m, last, a)?];
    let mut best = ends.into_iter().max().flatten().ok_or("a step without a value")?;
    let from = step.threshold(first + 1).ok_or_else(too_large)?;
    let to = step.threshold(last).ok_or_else(too_large)?.saturating_sub(1);
    let whole = numerator % denominator == 0 && offset % denominator == 0;
    let rounding = if whole { 0 } else { magnitude(c)? };
    for at in [from, to] {
        let dividend = sum(product(*numerator, at)?, *offset)?;
        let real = Integer::div_ceil(&product(c, dividend)?, denominator);
        best = best.max(difference(sum(real, rounding)?, product(m, at)?)?);
    }
    Ok(best)
}

/// The greatest c·wrap(a) - m·a over integers a in the range. It is linear between the ends of periods and,
/// from a period to the next, changes by a constant: the first two and the last two periods suffice.
fn wrap_maximum(width: u32, signed: bool, c: i128, m: i128, a: Interval) -> Result<i128, Fault> {
    let period = 1i128 << width;
    let (least, _) = wrap_limits(width, signed);
    // The first end of a period that is at least a.lo, and the last that is at most a.hi.
    let first = sum(product(Integer::div_ceil(&difference(a.lo, least)?, &period), period)?, least)?;
    let last = sum(product(Integer::div_floor(&difference(a.hi, least)?, &period), period)?, least)?;
    let mut candidates = vec![a.lo, a.hi];
    for start in [first, sum(first, period)?, difference(last, period)?, last] {
        candidates.extend([start.saturating_sub(1), start].into_iter().filter(|at| a.contains(*at)));
    }
    let mut best = None;
    for at in candidates {
        let y = qnn_ir::interpreter::wrap(at, width, signed);
        best = best.max(Some(difference(product(c, y)?, product(m, at)?)?));
    }
    best.ok_or_else(|| "an empty range".to_owned())
}

/// The greatest c·max(a) - m·a over vectors a in a box.
fn window_maximum(c: i128, entries: &[(i128, Interval)]) -> Result<i128, Fault> {
    let top = |m: i128, range: Interval| product(difference(0, m)?, if m < 0 { range.hi } else { range.lo });
    let mut best: Option<i128> = None;
    if c >= 0 {
        // c·max(a) is the greatest of the c·a_j.
        for j in 0..entries.len() {
            let mut total = 0;
            for (i, (m, range)) in entries.iter().enumerate() {
                total = sum(total, top(if i == j { difference(*m, c)? } else { *m }, *range)?)?;
            }
            best = best.max(Some(total));
        }
    } else {
        // All a_i <= t suffices, for c·t falls: piecewise linear in t, with corners at the upper ends.
        let least = entries.iter().map(|(_, range)| range.lo).max().ok_or("an empty window")?;
        let ends = entries.iter().map(|(_, range)| range.hi).filter(|hi| *hi > least);
        for t in ends.chain([least]) {
            let mut total = product(c, t)?;
            for (m, range) in entries {
                total = sum(total, top(*m, Interval::new(range.lo, range.hi.min(t)))?)?;
            }
            best = best.max(Some(total));
        }
    }
    best.ok_or_else(|| "an empty window".to_owned())
}

fn add(coefficients: &mut [Vec<i128>], node: NodeId, element: usize, factor: i128) -> Result<(), Fault> {
    let at = &mut coefficients[node.index()][element];
    *at = sum(*at, factor)?;
    Ok(())
}

pub(super) fn product(a: i128, b: i128) -> Result<i128, Fault> {
    // Two numbers of 64 bits have a product of 128, and that is quick.
    if let (Ok(a), Ok(b)) = (i64::try_from(a), i64::try_from(b)) {
        return Ok(i128::from(a) * i128::from(b));
    }
    a.checked_mul(b).ok_or_else(too_large)
}

pub(super) fn sum(a: i128, b: i128) -> Result<i128, Fault> {
    a.checked_add(b).ok_or_else(too_large)
}

/// |a|: the least number of 128 bits has none.
pub(super) fn magnitude(a: i128) -> Result<i128, Fault> {
    a.checked_abs().ok_or_else(too_large)
}

fn difference(a: i128, b: i128) -> Result<i128, Fault> {
    a.checked_sub(b).ok_or_else(too_large)
}

pub(super) fn too_large() -> Fault {
    "a number beyond 128 bits".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use qnn_ir::testing::Random;

    /// A step's share of a bound is the greatest that any argument gives.
    #[test]
    fn shares_of_steps_are_the_greatest() {
        let mut random = Random::new(2);
        let mut even = 0;
        for round in 0..6000 {
            let mut number = |lo: i64, hi: i64| i128::from(random.between(lo, hi));
            let numerator = number(1, 4);
            let mode = qnn_ir::Rounding::ALL[round % qnn_ir::Rounding::ALL.len()];
            let denominator = if round % 2 == 0 { numerator * number(1, 9) } else { number(1, 30) };
            let lo = number(-20, 5);
            let hi = lo + number(0, 30);
            let step = Step::Round { numerator, denominator, offset: number(-60, 60), mode, lo, hi };
            let (c, m) = (number(-50, 50), number(-12, 12));
            let from = number(-300, 200);
            let a = Interval::new(from, from + number(0, 300));
            let (first, last) = (step.apply(a.lo), step.apply(a.hi));
            // What is left of the values after splits.
            let (least, greatest) = (first + number(0, 3), last - number(0, 3));
            if least > greatest {
                continue;
            }
            let y = Interval::new(least, greatest);
            let shares = (a.lo..=a.hi).filter(|at| y.contains(step.apply(*at))).map(|at| c * step.apply(at) - m * at);
            let Some(most) = shares.max() else { continue };
            even += usize::from(step.is_even() && last - first > 10);
            assert_eq!(step_maximum(&step, c, m, y, a), Ok(most), "{step:?} {c} {m} {y:?} {a:?}");
        }
        assert!(even > 200, "{even}");
    }

    /// Sums in 64 bits, where those suffice, are the sums in 128.
    #[test]
    fn rows_are_added_alike_in_either_width() {
        let mut random = Random::new(1);
        for round in 0..2000 {
            let (rows, columns) = (1 + random.below(4), 1 + random.below(5));
            let mut number = |bits: usize| {
                let magnitude = 1i64 << random.below(bits);
                random.between(-magnitude, magnitude)
            };
            let values: Vec<i64> = (0..rows * columns).map(|_| number(62)).collect();
            let mine: Vec<i128> = (0..rows).map(|_| i128::from(number(62))).collect();
            let start: Vec<i128> = (0..columns).map(|_| i128::from(number(40))).collect();
            let mut expected = start.clone();
            for (r, c) in mine.iter().enumerate() {
                for (j, t) in expected.iter_mut().enumerate() {
                    *t += c * i128::from(values[r * columns + j]);
                }
            }
            let sparse =
                (0..rows).map(|r| (0..columns).map(|j| (j as u32, values[r * columns + j])).collect()).collect();
            for matrix in [Matrix::dense(rows, columns, values.clone()), Matrix::sparse(columns, sparse)] {
                let mut target = start.clone();
                pull_back(&matrix, &mine, &mut target).expect("128 bits suffice");
                assert_eq!(target, expected, "round {round}");
            }
        }
    }
}
