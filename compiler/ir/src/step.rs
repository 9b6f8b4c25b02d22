//! Step: a monotone function from integers to integers, which is exactly its list of thresholds.
//!
//! In: an accumulator. Out: a stored integer. Invariant: `apply` is monotone (never falls as its argument grows),
//! and `apply(a) >= v` if and only if `a >= threshold(v)`, for every `v` in `lo + 1 ..= hi`. Nothing here knows of
//! formats, floats or networks: whatever arithmetic defines a Step, only this relation is used.

use crate::Rounding;
use num_integer::Integer;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A monotone function on integers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Step {
    /// clamp(round((numerator · a + offset) / denominator), lo, hi): a cast, a ReLU, or both.
    Round {
        /// Positive.
        numerator: i128,
        /// Positive.
        denominator: i128,
        /// Added before the division.
        offset: i128,
        /// How the quotient becomes an integer.
        mode: Rounding,
        /// The least result.
        lo: i128,
        /// The greatest result.
        hi: i128,
    },
    /// lo + the number of thresholds that are at most `a`.
    Table {
        /// The least result.
        lo: i128,
        /// Non-decreasing: result `lo + k + 1` begins at `thresholds[k]`.
        thresholds: Arc<[i128]>,
    },
}

impl Step {
    /// clamp(a, lo, hi).
    pub fn clamp(lo: i128, hi: i128) -> Step {
        Step::Round { numerator: 1, denominator: 1, offset: 0, mode: Rounding::Floor, lo, hi }
    }

    /// The least result.
    pub fn lo(&self) -> i128 {
        match self {
            Step::Round { lo, .. } | Step::Table { lo, .. } => *lo,
        }
    }

    /// The greatest result.
    pub fn hi(&self) -> i128 {
        match self {
            Step::Round { hi, .. } => *hi,
            Step::Table { lo, thresholds } => lo + thresholds.len() as i128,
        }
    }

    /// The function's value, or `None` where 128 bits don't hold a product on the way.
    pub fn checked_apply(&self, a: i128) -> Option<i128> {
        match self {
            Step::Round { numerator, denominator, offset, mode, lo, hi } => {
                let dividend = numerator.checked_mul(a)?.checked_add(*offset)?;
                Some(round_quotient(*mode, dividend, *denominator)?.clamp(*lo, *hi))
            }
            Step::Table { lo, thresholds } => Some(lo + thresholds.partition_point(|t| *t <= a) as i128),
        }
    }

    /// The function's value. The lowering has proved for every accumulator that can occur that 128 bits suffice.
    ///
    /// # Panics
    /// If they don't: `a` is then no value that this network can compute.
    pub fn apply(&self, a: i128) -> i128 {
        self.checked_apply(a).expect("the accumulator is within the range that was proved for it")
    }

    /// The least `a` with `apply(a) >= v`; `None` where no `a` reaches `v` (`v > hi`), or every `a` does (`v <= lo`):
    /// ask for `v` in `lo + 1 ..= hi` only.
    pub fn threshold(&self, v: i128) -> Option<i128> {
        if v <= self.lo() || v > self.hi() {
            return None;
        }
        match self {
            Step::Round { numerator, denominator, offset, mode, .. } => {
                // round(q) >= v is q >= bound or q > bound, for q = dividend / denominator; twice everything to keep halves whole.
                let (twice_bound, strict) = match mode {
                    Rounding::HalfUp => (2 * v - 1, false),
                    Rounding::HalfEven => (2 * v - 1, v.is_odd()),
                    Rounding::HalfAway => (2 * v - 1, v <= 0),
                    Rounding::HalfDown => (2 * v - 1, true),
                    Rounding::HalfTowardZero => (2 * v - 1, v > 0),
                    Rounding::Floor => (2 * v, false),
                    Rounding::TowardZero if v > 0 => (2 * v, false),
                    Rounding::Up if v <= 0 => (2 * v, false),
                    Rounding::TowardZero | Rounding::Ceil | Rounding::Up => (2 * (v - 1), true),
                };
                // 2·(numerator·a + offset) >= twice_bound·denominator (or >).
                let right = twice_bound.checked_mul(*denominator)?.checked_sub(offset.checked_mul(2)?)?;
                let left = numerator.checked_mul(2)?;
                let (floor, rest) = div_mod_floor(right, left);
                Some(if strict || rest != 0 { floor + 1 } else { floor })
            }
            Step::Table { lo, thresholds } => thresholds.get(usize::try_from(v - lo - 1).ok()?).copied(),
        }
    }

    /// Whether the thresholds of all values are equally far from the next, as the arithmetic shows: where the denominator is a multiple of the
    /// numerator, modes that shift with the number put one value more exactly their quotient further.
    pub fn is_even(&self) -> bool {
        match self {
            Step::Round { numerator, denominator, mode, .. } => {
                denominator % numerator == 0
                    && matches!(mode, Rounding::Floor | Rounding::HalfUp | Rounding::HalfDown | Rounding::Ceil)
            }
            Step::Table { .. } => false,
        }
    }

    /// The same step followed by clamp(·, lo, hi).
    pub fn then_clamp(self, low: i128, high: i128) -> Step {
        match self {
            Step::Round { numerator, denominator, offset, mode, lo, hi } => {
                Step::Round { numerator, denominator, offset, mode, lo: lo.clamp(low, high), hi: hi.clamp(low, high) }
            }
            Step::Table { lo, thresholds } => {
                let hi = lo + thresholds.len() as i128;
                let (new_lo, new_hi) = (lo.clamp(low, high), hi.clamp(low, high));
                let from = usize::try_from(new_lo - lo).unwrap_or(0).min(thresholds.len());
                let to = from + usize::try_from(new_hi - new_lo).unwrap_or(0).min(thresholds.len() - from);
                Step::Table { lo: new_lo, thresholds: thresholds[from..to].into() }
            }
        }
    }
}

/// The quotient, rounded down, and what is left. Nearly all fit 64 bits, where a division takes a fraction of the time.
fn div_mod_floor(dividend: i128, divisor: i128) -> (i128, i128) {
    match (i64::try_from(dividend), i64::try_from(divisor)) {
        (Ok(dividend), Ok(divisor)) if divisor > 0 => {
            (i128::from(dividend.div_euclid(divisor)), i128::from(dividend.rem_euclid(divisor)))
        }
        _ => dividend.div_mod_floor(&divisor),
    }
}

/// The quotient `dividend / denominator` (denominator positive) as an integer, or `None` beyond 128 bits.
fn round_quotient(mode: Rounding, dividend: i128, denominator: i128) -> Option<i128> {
    let (floor, rest) = div_mod_floor(dividend, denominator);
    if rest == 0 {
        return Some(floor);
    }
    let twice = rest.checked_mul(2)?.cmp(&denominator);
    let up = match (mode, twice) {
        (Rounding::Floor, _) => false,
        (Rounding::TowardZero, _) => dividend < 0,
        (Rounding::Ceil, _) => true,
        (Rounding::Up, _) => dividend > 0,
        (_, std::cmp::Ordering::Less) => false,
        (_, std::cmp::Ordering::Greater) => true,
        (Rounding::HalfUp, _) => true,
        (Rounding::HalfEven, _) => floor.is_odd(),
        (Rounding::HalfAway, _) => dividend > 0,
        (Rounding::HalfDown, _) => false,
        (Rounding::HalfTowardZero, _) => dividend < 0,
    };
    Some(if up { floor + 1 } else { floor })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rational::ratio;
    use proptest::prelude::*;

    proptest! {
        /// The thresholds are the function: apply(a) >= v exactly from threshold(v) on.
        #[test]
        fn thresholds_define_the_step(
            numerator in 1i128..40, denominator in 1i128..40, offset in -50i128..50,
            mode in prop::sample::select(&Rounding::ALL), lo in -20i128..5, width in 0i128..30, a in -900i128..900,
        ) {
            let step = Step::Round { numerator, denominator, offset, mode, lo, hi: lo + width };
            let table = Step::Table {
                lo, thresholds: (lo + 1..=lo + width).map(|v| step.threshold(v).unwrap()).collect(),
            };
            prop_assert_eq!(step.apply(a), table.apply(a));
            prop_assert_eq!(step.hi(), table.hi());
            for v in lo + 1..=lo + width {
                let t = step.threshold(v).unwrap();
                prop_assert!(step.apply(t) >= v && step.apply(t - 1) < v);
                prop_assert_eq!(table.threshold(v), Some(t));
                let next = step.threshold(v + 1).map(|next| next - t);
                prop_assert!(!step.is_even() || next.is_none_or(|by| by * numerator == denominator));
            }
        }

        /// The step's rounding is the formats' rounding of exact rationals.
        #[test]
        fn rounds_like_the_format(dividend in -4000i128..4000, denominator in 1i128..64, mode in prop::sample::select(&Rounding::ALL)) {
            let exact = mode.round(&ratio(dividend, denominator));
            prop_assert_eq!(exact, round_quotient(mode, dividend, denominator).unwrap().into());
        }

        #[test]
        fn clamping_after_is_clamping_the_value(
            lo in -9i128..5, width in 0i128..12, low in -12i128..6, high_by in 0i128..12, a in -400i128..400,
        ) {
            let step = Step::Round { numerator: 3, denominator: 16, offset: 1, mode: Rounding::HalfUp, lo, hi: lo + width };
            let table = Step::Table { lo, thresholds: (lo + 1..=lo + width).map(|v| step.threshold(v).unwrap()).collect() };
            let want = step.apply(a).clamp(low, low + high_by);
            prop_assert_eq!(step.then_clamp(low, low + high_by).apply(a), want);
            prop_assert_eq!(table.then_clamp(low, low + high_by).apply(a), want);
        }
    }
}
