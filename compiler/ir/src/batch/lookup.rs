//! A step over an interval as something that is quickly looked up.
//!
//! In: a step and the interval of its arguments. Out: its value at each of them. Invariant: within the interval the value is `Step::apply`'s; beyond it, any
//! number.

use super::lane::Lane;
use crate::{Interval, Rounding, Step};

/// Steps with at most this many thresholds in their interval become tables.
const MOST_THRESHOLDS: i128 = 1 << 12;
/// A table has at most this many buckets.
const MOST_BUCKETS: u128 = 1 << 13;
/// A bucket holds at most this many thresholds where it is worth it.
const MOST_PROBES: usize = 4;

/// A step over an interval.
#[derive(Clone, Debug)]
pub(super) enum Lookup<T> {
    /// The interval in buckets of equal width.
    Buckets(Buckets<T>),
    /// Thresholds, ascending, and the value before the first and from each on.
    Search { thresholds: Vec<T>, values: Vec<T> },
    /// clamp((numerator · a + offset) / 2^shift, rounded down): all of it within 64 bits.
    Shift { numerator: i64, offset: i64, shift: u32, lo: T, hi: T },
    /// The step itself.
    Plain(Step),
}

/// An interval in buckets of equal width, each of which says how many thresholds lie at or before its beginning.
#[derive(Clone, Debug)]
pub(super) struct Buckets<T> {
    lo: T,
    hi: T,
    /// A bucket is 2^shift wide.
    shift: u32,
    starts: Vec<u16>,
    /// Ascending, and `probes` times a number above all arguments.
    thresholds: Vec<T>,
    /// The most thresholds within a bucket.
    probes: usize,
    /// The value before the first threshold, and from each on.
    values: Vec<T>,
    /// Whether each is one more than the one before.
    is_counting: bool,
}

impl<T: Lane> Lookup<T> {
    pub(super) fn new(step: &Step, range: Interval) -> Lookup<T> {
        let ends = step.checked_apply(range.lo).zip(step.checked_apply(range.hi));
        let Some((first, last)) = ends.filter(|_| T::fits(range)) else { return Lookup::Plain(step.clone()) };
        let fits = T::fits(Interval { lo: first, hi: last });
        if fits && last - first <= MOST_THRESHOLDS {
            // Several values may have one threshold: the step jumps there.
            let mut thresholds: Vec<T> = Vec::new();
            let mut values = vec![T::low(first)];
            for value in first + 1..=last {
                let Some(threshold) = step.threshold(value) else { return Lookup::Plain(step.clone()) };
                let threshold = T::low(threshold);
                if thresholds.last() == Some(&threshold) {
                    values.pop();
                } else {
                    thresholds.push(threshold);
                }
                values.push(T::low(value));
            }
            return match Buckets::new(range, thresholds, values) {
                Ok(buckets) => Lookup::Buckets(buckets),
                Err((thresholds, values)) => Lookup::Search { thresholds, values },
            };
        }
        shift(step, range).filter(|_| fits).unwrap_or_else(|| Lookup::Plain(step.clone()))
    }
}

/// A rounded quotient as a shift, where it is one and 64 bits suffice.
fn shift<T: Lane>(step: &Step, range: Interval) -> Option<Lookup<T>> {
    let Step::Round { numerator, denominator, offset, mode, lo, hi } = step else { return None };
    if denominator.count_ones() != 1 {
        return None;
    }
    let shift = denominator.trailing_zeros();
    // Half up: one half is added, then the quotient is rounded down.
    let half = match mode {
        Rounding::Floor => 0,
        Rounding::HalfUp => denominator / 2,
        _ => return None,
    };
    let offset = offset.checked_add(half)?;
    for end in [range.lo, range.hi] {
        i64::try_from(numerator.checked_mul(end)?).ok()?;
        i64::try_from(numerator.checked_mul(end)?.checked_add(offset)?).ok()?;
    }
    let (numerator, offset) = (i64::try_from(*numerator).ok()?, i64::try_from(offset).ok()?);
    // A clamp beyond the numbers of lanes clamps nothing of this interval.
    let end = |n: i128| T::low(n.clamp(i128::from(T::LEAST.wide()), i128::from(T::GREATEST.wide())));
    (shift < 63).then(|| Lookup::Shift { numerator, offset, shift, lo: end(*lo), hi: end(*hi) })
}

impl<T: Lane> Buckets<T> {
    /// The buckets, unless their thresholds lie too close together in places.
    fn new(range: Interval, mut thresholds: Vec<T>, values: Vec<T>) -> Result<Buckets<T>, (Vec<T>, Vec<T>)> {
        let width = range.hi.abs_diff(range.lo);
        let mut best: Option<(u32, Vec<u16>, usize)> = None;
        // As few buckets as thresholds at first, then more of them.
        let coarsest = (0..128).find(|shift| width >> shift <= thresholds.len() as u128 * 2).unwrap_or(127);
        for shift in (0..=coarsest).rev() {
            let count = width >> shift;
            if count >= MOST_BUCKETS {
                break;
            }
            let (starts, probes) = starts(range.lo, shift, count as usize + 1, &thresholds);
            let good = probes <= 1;
            if best.as_ref().is_none_or(|(_, _, least)| probes < *least) {
                best = Some((shift, starts, probes));
            }
            if good {
                break;
            }
        }
        match best {
            Some((shift, starts, probes)) if probes <= MOST_PROBES => {
                thresholds.extend(std::iter::repeat_n(T::GREATEST, probes));
                let is_counting = values.windows(2).all(|pair| pair[0].plus(T::low(1)) == pair[1]);
                let (lo, hi) = (T::low(range.lo), T::low(range.hi));
                Ok(Buckets { lo, hi, shift, starts, thresholds, probes, values, is_counting })
            }
            _ => Err((thresholds, values)),
        }
    }

    /// The values at some arguments.
    #[inline(always)]
    pub(super) fn apply(&self, arguments: &[T], results: &mut [T]) {
        // Nearly all tables are of the first kind: there the loops have no branches.
        match (self.probes, self.is_counting) {
            (1, true) => {
                let base = self.values[0];
                self.pass(arguments, results, |passed, a| {
                    base.plus(T::low(i128::from((passed + usize::from(a >= self.thresholds[passed])) as u32)))
                });
            }
            _ => self.pass(arguments, results, |mut passed, a| {
                for _ in 0..self.probes {
                    passed += usize::from(a >= self.thresholds[passed]);
                }
                self.values[passed]
            }),
        }
    }

    /// Writes what `finish` makes of each argument and the number of thresholds at or before its bucket's beginning.
    #[inline(always)]
    fn pass(&self, arguments: &[T], results: &mut [T], finish: impl Fn(usize, T) -> T) {
        let (starts, last) = (&self.starts[..], self.starts.len() - 1);
        for (a, result) in arguments.iter().zip(results) {
            let a = (*a).clamp(self.lo, self.hi);
            let bucket = (a.wide().wrapping_sub(self.lo.wide()) as u64 >> self.shift) as usize;
            *result = finish(usize::from(starts[bucket.min(last)]), a);
        }
    }
}

/// For each bucket how many thresholds lie at or before its beginning, and the most that lie within one.
fn starts<T: Lane>(lo: i128, shift: u32, count: usize, thresholds: &[T]) -> (Vec<u16>, usize) {
    let (mut starts, mut probes, mut passed) = (Vec::with_capacity(count), 0, 0usize);
    let at = |index: usize| thresholds.get(index).map(|t| i128::from(t.wide()));
    for bucket in 0..count {
        let begin = lo + ((bucket as i128) << shift);
        while at(passed).is_some_and(|t| t <= begin) {
            passed += 1;
        }
        let within = (passed..).take_while(|index| at(*index).is_some_and(|t| t < begin + (1i128 << shift))).count();
        starts.push(passed as u16);
        probes = probes.max(within);
    }
    (starts, probes)
}
