//! The lines that enclose nonlinearities over ranges, in integers.
//!
//! In: an operation and the ranges of all elements. Out: for each element a line above and a line below it: with the argument a in its range and the
//! value y in its own, 2^exponent · y is at most slope · a + intercept above, and at least that below. Invariant: slopes are not negative and below 2^30;
//! any slope is sound, since the intercepts are made for it.

use super::kernels::Side;
use num_integer::Integer;
use qnn_ir::interpreter::wrap;
use qnn_ir::interrupt::work;
use qnn_ir::range::wrap_limits;
use qnn_ir::{Interval, NodeId, Op, Rounding, Step};

/// The bits of a slope.
const SLOPE_BITS: i64 = 30;
/// The greatest exponent.
const MOST_EXPONENT: i64 = 60;
/// Up to this many values of a rounding step are looked at one by one.
const FEW: i128 = 16;

/// slope · a + intercept.
pub(super) type Line = (i64, i128);

/// The lines of one element.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    pub(super) above: Line,
    pub(super) below: Line,
}

/// The lines of a node.
pub(super) struct Lines {
    /// 2^exponent times the value is between the lines; zero for a maximum.
    pub(super) exponent: u32,
    /// For each element of a step or a wrap.
    pub(super) each: Vec<Pair>,
    /// The same in 64 bits, where they suffice.
    pub(super) short: Option<(Side, Side)>,
    /// For each element of a maximum an entry of its window that it is never below, and whether it always is that entry.
    pub(super) greatest: Vec<(u32, bool)>,
}

/// The lines above and below as columns, if intercepts have 64 bits.
fn short(each: &[Pair]) -> Option<(Side, Side)> {
    Some((Side::new(each.iter().map(|pair| pair.above))?, Side::new(each.iter().map(|pair| pair.below))?))
}

impl Lines {
    /// Adds the coefficients of the arguments that the lines put in the place of those of the values; what goes to the constant. `None` where numbers are
    /// too large.
    pub(super) fn put_in_place(&self, coefficients: &[i64], target: &mut [i64]) -> Option<i128> {
        let mut constant = 0i128;
        for ((c, pair), t) in coefficients.iter().zip(&self.each).zip(target).filter(|((c, _), _)| **c != 0) {
            let (slope, intercept) = if *c > 0 { pair.above } else { pair.below };
            *t = t.checked_add(c.checked_mul(slope)?)?;
            constant = constant.checked_add(i128::from(*c).checked_mul(intercept)?)?;
        }
        Some(constant)
    }
}

/// A slope as a quotient; the denominator is positive.
type Slope = (i128, i128);
const FLAT: Slope = (0, 1);

/// The elements of a nonlinearity's source whose ranges its lines depend on, in order.
pub(super) fn undecided(op: &Op, source: &[Interval]) -> Vec<usize> {
    match op {
        Op::Step { .. } | Op::Wrap { .. } => {
            (0..source.len()).filter(|element| !is_decided(op, *element, source[*element])).collect()
        }
        Op::Max { windows, .. } => (windows.iter())
            .filter(|window| !greatest(window, source).1)
            .flat_map(|window| window.iter().map(|element| *element as usize))
            .collect(),
        _ => Vec::new(),
    }
}

/// Whether the lines of a step or a wrap no longer depend on which part of a range its argument is in. Of a maximum this is not asked.
pub(super) fn is_decided(op: &Op, element: usize, a: Interval) -> bool {
    match op {
        Op::Step { steps, .. } => is_plain(steps.at(element), a),
        Op::Wrap { width, signed, .. } => wrap_shift(a, *width, *signed).is_some(),
        _ => false,
    }
}

/// Whether a step has one value over a range, or is a rounded quotient that no end of the step's values cuts.
fn is_plain(step: &Step, a: Interval) -> bool {
    work(1);
    if let Step::Round { numerator, denominator, offset, lo, hi, .. } = step {
        let place = || {
            let (first, last) = (dividend(*numerator, a.lo, *offset)?, dividend(*numerator, a.hi, *offset)?);
            let (low, high) = (denominator.checked_mul(*lo)?, denominator.checked_mul(*hi)?);
            // Between the ends, or beyond one of them: then it need not be divided.
            Some(first >= low && last <= high || last <= low || first >= high)
        };
        if place() == Some(true) {
            return true;
        }
    }
    step.checked_apply(a.lo).is_some_and(|first| step.checked_apply(a.hi) == Some(first))
}

fn dividend(numerator: i128, a: i128, offset: i128) -> Option<i128> {
    numerator.checked_mul(a)?.checked_add(offset)
}

/// What a wrap adds to each value of a range that lies within one period.
fn wrap_shift(a: Interval, width: u32, signed: bool) -> Option<i128> {
    let lo = wrap(a.lo, width, signed);
    let hi = a.hi.checked_sub(a.lo)?.checked_add(lo)?;
    if hi <= wrap_limits(width, signed).1 { lo.checked_sub(a.lo) } else { None }
}

/// The first entry of a window with the greatest lower end, and whether no other entry can be above it.
fn greatest(window: &[u32], source: &[Interval]) -> (u32, bool) {
    work(window.len());
    let mut best = window[0];
    for entry in window {
        if source[*entry as usize].lo > source[best as usize].lo {
            best = *entry;
        }
    }
    let floor = source[best as usize].lo;
    (best, window.iter().all(|entry| *entry == best || source[*entry as usize].hi <= floor))
}

/// The lines of a node, if it is a nonlinearity and its numbers are not too large. `is_read` says whether another node reads it.
pub(super) fn lines(op: &Op, ranges: &[Vec<Interval>], id: NodeId, is_read: bool) -> Option<Lines> {
    let own = &ranges[id.index()];
    match op {
        Op::Step { source, steps } => {
            let source = &ranges[source.index()];
            let slopes: Vec<[Slope; 2]> =
                (0..own.len()).map(|i| slopes(steps.at(i), source[i], own[i], is_read).unwrap_or([FLAT; 2])).collect();
            let exponent = exponent(slopes.iter().flatten());
            let pair = |i: usize| {
                let scaled = slopes[i].map(|slope| scaled(slope, exponent));
                step_pair(steps.at(i), source[i], own[i], scaled, exponent).or_else(|| flat(own[i], exponent))
            };
            let each = (0..own.len()).map(pair).collect::<Option<Vec<_>>>()?;
            let short = short(&each);
            Some(Lines { exponent, each, short, greatest: Vec::new() })
        }
        Op::Wrap { source, width, signed } => {
            let shift = |i: usize| wrap_shift(ranges[source.index()][i], *width, *signed);
            let pair = |i: usize| match shift(i) {
                Some(shift) => Some(Pair { above: (1, shift), below: (1, shift) }),
                None => flat(own[i], 0),
            };
            let each = (0..own.len()).map(pair).collect::<Option<Vec<_>>>()?;
            let short = short(&each);
            Some(Lines { exponent: 0, each, short, greatest: Vec::new() })
        }
        Op::Max { source, windows } => {
            let source = &ranges[source.index()];
            let greatest = windows.iter().map(|window| greatest(window, source)).collect();
            Some(Lines { exponent: 0, each: Vec::new(), short: None, greatest })
        }
        _ => None,
    }
}

/// The ends of an element's range as lines.
fn flat(y: Interval, exponent: u32) -> Option<Pair> {
    let scaled = |v: i128| v.checked_mul(1 << exponent);
    Some(Pair { above: (0, scaled(y.hi)?), below: (0, scaled(y.lo)?) })
}

/// The greatest exponent such that all slopes times 2^exponent have `SLOPE_BITS`.
fn exponent<'a>(slopes: impl Iterator<Item = &'a Slope>) -> u32 {
    let bits = |n: i128| i64::from(i128::BITS - n.leading_zeros());
    let of = |(p, q): &Slope| (*p != 0).then(|| SLOPE_BITS - 1 + bits(*q) - bits(*p));
    let least = slopes.filter_map(of).min().unwrap_or(0);
    least.clamp(0, MOST_EXPONENT) as u32
}

/// A slope times 2^exponent, rounded down.
fn scaled((p, q): Slope, exponent: u32) -> i64 {
    let most = (1i64 << SLOPE_BITS) - 1;
    match p.checked_mul(1 << exponent) {
        Some(p) => i64::try_from(p / q).map_or(most, |slope| slope.min(most)),
        None => 0,
    }
}

/// The slopes of the lines above and below a step, for its argument in one range and its value in another; `None` where a number is too large.
fn slopes(step: &Step, a: Interval, y: Interval, is_read: bool) -> Option<[Slope; 2]> {
    if y.is_point() || a.is_point() {
        return Some([FLAT; 2]);
    }
    let (rise, run) = (y.hi.checked_sub(y.lo)?, a.hi.checked_sub(a.lo)?);
    let Step::Round { numerator, denominator, offset, lo, hi, .. } = step else {
        return Some([(rise, run); 2]);
    };
    // The least and the greatest result as dividends: where the quotient passes them, the step has corners.
    let (first, last) = (dividend(*numerator, a.lo, *offset)?, dividend(*numerator, a.hi, *offset)?);
    let (low, high) = (denominator.checked_mul(*lo)?, denominator.checked_mul(*hi)?);
    let (cut_below, cut_above) = (first < low, last > high);
    let own = (*numerator, *denominator);
    // From one end to where the step reaches its last value, unless that value itself leaves less between it and the step. What no node reads is an output: there a
    // slope says in which direction to leave the saturation, and neither line closes a branch before.
    let corner = |to: i128, beyond: i128| {
        if to > 0 && (to >= beyond || !is_read) {
            rise.checked_mul(*numerator).map(|rise| (rise, to))
        } else {
            Some(FLAT)
        }
    };
    let above = match (cut_below, cut_above) {
        (false, false) => own,
        (true, false) => (rise, run),
        (_, true) => corner(high.checked_sub(first)?, last.checked_sub(high)?)?,
    };
    let below = match (cut_below, cut_above) {
        (false, false) => own,
        (false, true) => (rise, run),
        (true, _) => corner(last.checked_sub(low)?, low.checked_sub(first)?)?,
    };
    Some([above, below])
}

/// The lines with the given slopes, above and below, that are nearest to a step; `None` where a number is too large.
fn step_pair(step: &Step, a: Interval, y: Interval, slopes: [i64; 2], exponent: u32) -> Option<Pair> {
    if slopes == [0; 2] {
        return flat(y, exponent);
    }
    let [up, down] = slopes.map(i128::from);
    let value = |v: i128| v.checked_mul(1 << exponent);
    // At the first argument of each value nothing is further above, at the last nothing further below.
    let at = |v: i128, slope: i128, a: i128| value(v)?.checked_sub(slope.checked_mul(a)?);
    let mut above = at(y.lo, up, a.lo)?;
    let mut below = at(y.hi, down, a.hi)?;
    match step {
        Step::Round { numerator, denominator, offset, mode, .. } if y.hi.checked_sub(y.lo)? > FEW => {
            let (least, greatest) = threshold_ends(*mode);
            // 2 · numerator times the real threshold of v is denominator · (2v - end) - 2 · offset.
            let real = |v: i128, end: i128, slope: i128| -> Option<(i128, i128)> {
                let place = denominator.checked_mul(v.checked_mul(2)?.checked_sub(end)?)?;
                let place = place.checked_sub(offset.checked_mul(2)?)?;
                Some((slope.checked_mul(place)?, numerator.checked_mul(2)?))
            };
            for v in [y.lo + 1, y.hi] {
                let (dividend, divisor) = real(v, least, up)?;
                above = above.max(value(v)?.checked_sub(Integer::div_ceil(&dividend, &divisor))?);
            }
            for v in [y.lo, y.hi - 1] {
                let (dividend, divisor) = real(v + 1, greatest, down)?;
                below = below.min(value(v)?.checked_sub(Integer::div_floor(&dividend, &divisor))?);
            }
        }
        _ => {
            for v in y.lo..y.hi {
                work(8);
                let next = step.threshold(v + 1)?;
                above = above.max(at(v + 1, up, next)?);
                below = below.min(at(v, down, next.checked_sub(1)?)?);
            }
        }
    }
    Some(Pair { above: (slopes[0], above), below: (slopes[1], below) })
}

/// How far below v, in halves, the quotients lie from which on a mode rounds to v: at most, and at least.
fn threshold_ends(mode: Rounding) -> (i128, i128) {
    match mode {
        Rounding::HalfUp | Rounding::HalfEven | Rounding::HalfAway | Rounding::HalfDown | Rounding::HalfTowardZero => {
            (1, 1)
        }
        Rounding::Floor => (0, 0),
        Rounding::Ceil => (2, 2),
        Rounding::TowardZero | Rounding::Up => (2, 0),
    }
}
