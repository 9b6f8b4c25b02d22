//! The dual bound of section 5.1, in integers: what decides.
//!
//! In: ranges, a form (weighted expressions), integer multipliers of the nonlinearities' expressions. Out: an integer that the form does
//! not exceed for any point within the ranges, or `None` where the numbers are too large to be sure of. Coefficients are summed up
//! in `f64`, exactly: their absolute sum is checked to stay below 2^53 first; all else is 128 bits wide.

use super::kernels::{PART, greatest_over_box};
use super::linear_expr::add_all;
use super::network::{Kind, NONE, Relaxation};
use super::problem::Problem;
use super::ranges::Ranges;
use super::step_table::StepTable;
use num_integer::Integer;
use qnn_ir::Step;

/// Sums of magnitudes stay below this, so `f64` adds exactly.
const EXACT: f64 = (1u64 << 52) as f64;

/// A bound and its parts.
pub struct Exact {
    /// The form is at most this.
    pub value: i128,
    /// The form's coefficient of each column, after all nonlinearities above it were relaxed.
    pub coefficients: Vec<f64>,
    /// (nonlinearity, multiplier, share of the value) for each live step.
    shares: Vec<(u32, i128, i128)>,
}

/// The bound of `sum of factor · expression`, given `multipliers` by ascending expression.
pub fn exact(
    problem: &Problem<'_>,
    ranges: &Ranges,
    form: &[(usize, i64)],
    multipliers: &[(u32, i64)],
) -> Option<Exact> {
    let relaxation = problem.relaxation;
    let mut magnitude = 0.0;
    let all = form.iter().copied().chain(multipliers.iter().map(|(e, m)| (*e as usize, *m)));
    for (e, factor) in all {
        magnitude += (factor as f64).abs() * problem.expr(e).greatest.max(1.0);
    }
    if magnitude >= EXACT {
        return None;
    }
    let mut coefficients = vec![0.0; relaxation.columns.len()];
    let mut value = 0i128;
    for (e, factor) in form {
        let expr = problem.expr(*e);
        expr.add_to(&mut coefficients, *factor as f64);
        value = value.checked_add(i128::from(*factor) * expr.constant as i128)?;
    }
    let mut shares = Vec::with_capacity(problem.live.len());
    let mut rest = multipliers;
    let mut arguments: Vec<i128> = Vec::new();
    // The multipliers of nonlinearities that read inputs alone: the inputs' coefficients are needed at the end only.
    let mut shallow: Vec<(u32, f64)> = Vec::new();
    for index in problem.live.iter().rev() {
        let nonlinearity = &relaxation.nonlinearities[*index as usize];
        let c = i128::from(coefficients[nonlinearity.column as usize] as i64);
        arguments.clear();
        for e in nonlinearity.exprs().rev() {
            let mut m = 0;
            while let Some(((at, multiplier), before)) = rest.split_last() {
                if (*at as usize) < e {
                    break;
                }
                rest = before;
                if *at as usize == e {
                    m = *multiplier;
                    let expr = &relaxation.exprs[e];
                    if nonlinearity.shallow {
                        shallow.push((e as u32, m as f64));
                    } else {
                        expr.add_to(&mut coefficients, m as f64);
                    }
                    value = value.checked_add(i128::from(m) * expr.constant as i128)?;
                }
            }
            arguments.push(i128::from(m));
        }
        let m = *arguments.first()?;
        let (lo, hi) = ranges.exprs[nonlinearity.first as usize];
        let share = match nonlinearity.kind {
            Kind::Step(table) => {
                let y = (
                    ranges.lower[nonlinearity.column as usize] as i64,
                    ranges.upper[nonlinearity.column as usize] as i64,
                );
                step_share(&relaxation.step_tables[table as usize], c, m, (lo as i64, hi as i64), y)?
            }
            Kind::Wrap { width, signed } => wrap_share(width, signed, c, m, (lo as i128, hi as i128))?,
            Kind::Max => {
                let entries: Vec<(i128, i128, i128)> = (arguments.iter().zip(nonlinearity.exprs().rev()))
                    .map(|(m, e)| (*m, ranges.exprs[e].0 as i128, ranges.exprs[e].1 as i128))
                    .collect();
                max_share(c, &entries)?
            }
        };
        if matches!(nonlinearity.kind, Kind::Step(_)) {
            shares.push((*index, m, share));
        }
        value = value.checked_add(share)?;
    }
    add_all(&shallow, |e| &relaxation.exprs[e], 0..coefficients.len(), &mut coefficients);
    for free in &problem.free {
        let (c, lower, upper) = (&coefficients[free.clone()], &ranges.lower[free.clone()], &ranges.upper[free.clone()]);
        let (high, low, size) = greatest_over_box(c, lower, upper);
        let sum = if size < EXACT {
            high as i128 * PART as i128 + low as i128
        } else {
            let ends = c.iter().zip(lower.iter().zip(upper)).map(|(c, (l, u))| (*c, if *c > 0.0 { *u } else { *l }));
            ends.map(|(c, end)| i128::from(c as i64) * i128::from(end as i64)).sum()
        };
        value = value.checked_add(sum)?;
    }
    Some(Exact { value, coefficients, shares })
}

impl Exact {
    /// What the value, as the slack of a form that must not be negative, leaves of the columns' ranges: (column, least, greatest)
    /// for those that become narrower.
    pub fn slack(&self, problem: &Problem<'_>, ranges: &Ranges) -> Vec<(u32, f64, f64)> {
        let relaxation = problem.relaxation;
        let mut narrower = Vec::new();
        // Rounded up: a division of integers is worth its time only where this is too little.
        let most = (self.value as f64) * (1.0 + 1e-9);
        for (column, c) in self.coefficients.iter().enumerate() {
            let (lo, hi) = (ranges.lower[column], ranges.upper[column]);
            if *c == 0.0 || lo == hi || relaxation.nonlinearity_of[column] != NONE || most >= (hi - lo + 1.0) * c.abs()
            {
                continue;
            }
            let far = (self.value / i128::from(c.abs() as i64)) as f64;
            if far < hi - lo {
                narrower.push(if *c > 0.0 { (column as u32, hi - far, hi) } else { (column as u32, lo, lo + far) });
            }
        }
        for (index, m, share) in &self.shares {
            let nonlinearity = &relaxation.nonlinearities[*index as usize];
            let column = nonlinearity.column as usize;
            let (Kind::Step(table), c) = (nonlinearity.kind, self.coefficients[column] as i128) else { continue };
            let StepTable::Table { .. } = &relaxation.step_tables[table as usize] else { continue };
            let table = &relaxation.step_tables[table as usize];
            let a = ranges.exprs[nonlinearity.first as usize];
            let a = (a.0 as i64, a.1 as i64);
            let possible = |v: i64| value_share(table, c, *m, v, a).is_some_and(|best| best >= share - self.value);
            let (lo, hi) = (ranges.lower[column] as i64, ranges.upper[column] as i64);
            let (mut first, mut last) = (lo, hi);
            while first < last && !possible(first) {
                first += 1;
            }
            while first < last && !possible(last) {
                last -= 1;
            }
            if (first, last) != (lo, hi) {
                narrower.push((column as u32, first as f64, last as f64));
            }
        }
        narrower
    }
}

/// The greatest c·v - m·a over the a at which the step is v; `None` if there are none.
fn value_share(table: &StepTable, c: i128, m: i128, v: i64, a: (i64, i64)) -> Option<i128> {
    let from = table.threshold(v).map_or(a.0, |t| t.max(a.0));
    let to = table.threshold(v + 1).map_or(a.1, |t| (t - 1).min(a.1));
    (from <= to).then(|| c * i128::from(v) - m * i128::from(if m > 0 { from } else { to }))
}

/// The greatest c·step(a) - m·a over the integers of a range.
fn step_share(table: &StepTable, c: i128, m: i128, a: (i64, i64), y: (i64, i64)) -> Option<i128> {
    match table {
        StepTable::Table { even: true, .. } if y.1 - y.0 > 4 => {
            // Between the first value and the last one it is linear in the value.
            let (first, last) = (table.apply(a.0)?.max(y.0), table.apply(a.1)?.min(y.1));
            let inner = (first + 1).min(last);
            let values = [first, inner, (last - 1).max(inner), last];
            values.into_iter().filter_map(|v| value_share(table, c, m, v, a)).max()
        }
        StepTable::Table { lo, thresholds, .. } => {
            let (first, last) = (usize::try_from(y.0 - lo).ok()?, usize::try_from(y.1 - lo).ok()?);
            let mut best = None;
            let mut from = a.0;
            for k in first..=last {
                let next = thresholds.get(k).copied().unwrap_or(i64::MAX);
                let to = if k == last { a.1 } else { (next - 1).min(a.1) };
                if from <= to {
                    let at = if m > 0 { from } else { to };
                    best = best.max(Some(c * i128::from(lo + k as i64) - m * i128::from(at)));
                }
                from = from.max(next);
            }
            best
        }
        StepTable::Wide(step) => {
            let Step::Round { numerator, denominator, offset, .. } = step else { return None };
            let (first, last) = (table.apply(a.0)?.max(y.0), table.apply(a.1)?.min(y.1));
            let ends = [value_share(table, c, m, first, a), value_share(table, c, m, last, a)];
            let mut best = ends.into_iter().max().flatten()?;
            if last > first + 1 {
                let whole = numerator % denominator == 0 && offset % denominator == 0;
                let rounding = if whole { 0 } else { c.abs() };
                for at in [table.threshold(first + 1)?, table.threshold(last)? - 1] {
                    let at = i128::from(at);
                    let dividend = numerator.checked_mul(at)?.checked_add(*offset)?;
                    let real = Integer::div_ceil(&c.checked_mul(dividend)?, denominator);
                    best = best.max(real + rounding - m * at);
                }
            }
            Some(best)
        }
    }
}

/// The greatest c·wrap(a) - m·a: linear within periods, and from one to the next it changes by a constant.
fn wrap_share(width: u32, signed: bool, c: i128, m: i128, a: (i128, i128)) -> Option<i128> {
    let wrap = |at| qnn_ir::interpreter::wrap(at, width, signed);
    let period = 1i128 << width;
    let (least, _) = qnn_ir::range::wrap_limits(width, signed);
    let begin = a.0 - (wrap(a.0) - least);
    let end = a.1 - (wrap(a.1) - least);
    let mut best = None;
    for start in [begin, begin + period, begin + 2 * period, end - period, end] {
        for at in [start, start + period - 1] {
            let at = at.clamp(a.0, a.1);
            best = best.max(Some(c.checked_mul(wrap(at))?.checked_sub(m.checked_mul(at)?)?));
        }
    }
    best
}

/// The greatest c·max(a) - m·a over a box, as (m, least, greatest) for each argument.
fn max_share(c: i128, entries: &[(i128, i128, i128)]) -> Option<i128> {
    let free: i128 = entries.iter().map(|(m, lo, hi)| (-m * lo).max(-m * hi)).sum();
    if c >= 0 {
        // Whichever argument is the greatest counts c more.
        let gains = entries.iter().map(|(m, lo, hi)| ((c - m) * lo).max((c - m) * hi) - (-m * lo).max(-m * hi));
        return gains.max().map(|gain| free + gain);
    }
    let least = entries.iter().map(|entry| entry.1).max()?;
    let tops = entries.iter().map(|entry| entry.2.max(least));
    tops.chain([least])
        .map(|t| {
            c * t + entries.iter().map(|(m, lo, hi)| if *m >= 0 { -m * lo } else { -m * (*hi).min(t) }).sum::<i128>()
        })
        .max()
}

/// Whether the network can be looked at at all: columns that are not live have one value.
pub fn live_nonlinearities(relaxation: &Relaxation, ranges: &Ranges) -> Vec<u32> {
    (0..relaxation.nonlinearities.len() as u32)
        .filter(|nonlinearity| !ranges.is_point(relaxation.nonlinearities[*nonlinearity as usize].column as usize))
        .collect()
}
