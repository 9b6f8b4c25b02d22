//! Inputs of floats that a file quantizes itself: which integers the floats of an interval become, and a float that becomes an integer.
//!
//! A query's numbers of such an input are floats of 32 bits; the network sees round(x / scale) + zero, rounded half to even and saturated, of which every step
//! is monotone. So the integers that the floats above a bound become are those from the bound's integer on.

use num_traits::ToPrimitive;
use qnn_ir::Rational;
use qnn_ir::rational::{from_f64, integer, to_f64};

/// How a file quantizes an input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantizer {
    /// Positive.
    pub scale: f32,
    /// The integer that stands for 0.
    pub zero: i64,
    /// The least and the greatest integer.
    pub limits: (i64, i64),
    /// Whether it is known to round half to even; otherwise it may round in either direction.
    pub nearest: bool,
}

impl Quantizer {
    /// The integer of a float, where it is known.
    pub fn integer(&self, x: f32) -> Option<i64> {
        // Finite floats over a positive scale can be infinite, and then saturate.
        let quotient = f64::from((x / self.scale).round_ties_even());
        self.nearest.then(|| self.saturated(quotient))
    }

    fn saturated(&self, steps: f64) -> i64 {
        let (lo, hi) = self.limits;
        if steps.is_nan() {
            return lo;
        }
        // The limits have 32 bits, and floats of 64 hold them.
        (steps + self.zero as f64).clamp(lo as f64, hi as f64) as i64
    }

    /// The least integer that a float of at least `bound` can become, or above it, if `strict`; `None` if there is no such float.
    pub fn least(&self, bound: &Rational, strict: bool) -> Option<i64> {
        let float = above(bound, strict)?;
        match self.integer(float) {
            Some(integer) => Some(integer),
            // Rounded down, and another step for the division's own rounding.
            None => Some(self.saturated((f64::from(float) / f64::from(self.scale)).floor() - 1.0)),
        }
    }

    /// The greatest integer that a float of at most `bound` can become, or below it, if `strict`; `None` if there is no such float.
    pub fn greatest(&self, bound: &Rational, strict: bool) -> Option<i64> {
        let float = -above(&-bound.clone(), strict)?;
        match self.integer(float) {
            Some(integer) => Some(integer),
            None => Some(self.saturated((f64::from(float) / f64::from(self.scale)).ceil() + 1.0)),
        }
    }

    /// Whether there is a float within bounds.
    pub fn has_float(lo: Option<&(Rational, bool)>, hi: Option<&(Rational, bool)>) -> bool {
        let least = lo.map_or(Some(f32::MIN), |(bound, strict)| above(bound, *strict));
        let greatest = hi.map_or(Some(f32::MAX), |(bound, strict)| above(&-bound.clone(), *strict).map(|x| -x));
        least.zip(greatest).is_some_and(|(least, greatest)| least <= greatest)
    }

    /// The value of an integer.
    pub fn value(&self, integer_: i64) -> Rational {
        integer(i128::from(integer_ - self.zero)) * from_f64(f64::from(self.scale)).unwrap_or_default()
    }

    /// A float within bounds that becomes the integer.
    pub fn float(&self, integer: i64, lo: Option<&(Rational, bool)>, hi: Option<&(Rational, bool)>) -> Option<f32> {
        let mut x = to_f64(&self.value(integer)) as f32;
        if let Some((bound, strict)) = lo {
            x = x.max(above(bound, *strict)?);
        }
        if let Some((bound, strict)) = hi {
            x = x.min(-above(&-bound.clone(), *strict)?);
        }
        let own = to_f64(&self.value(integer)) as f32;
        match self.integer(x) {
            Some(found) => (found == integer).then_some(x),
            // Whatever the direction, an integer's own value becomes it, where it is a float.
            None => (x == own && from_f64(f64::from(own)).as_ref() == Some(&self.value(integer))).then_some(x),
        }
    }
}

/// The least float that is at least `bound`, or above it, if `strict`; `None` if there is none.
fn above(bound: &Rational, strict: bool) -> Option<f32> {
    let near = bound.to_f64()?;
    let mut float = near.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32;
    let exact = |float: f32| from_f64(f64::from(float)).unwrap_or_default();
    let enough = |float: f32| if strict { exact(float) > *bound } else { exact(float) >= *bound };
    // The nearest float is one of the two around the bound; a few steps find the least that is enough.
    while enough(float) && float > f32::MIN && enough(float.next_down()) {
        float = float.next_down();
    }
    while !enough(float) {
        if float >= f32::MAX {
            return None;
        }
        float = float.next_up();
    }
    Some(float)
}

#[cfg(test)]
mod tests {
    use super::*;
    use qnn_ir::rational::ratio;

    const QUANTIZER: Quantizer = Quantizer { scale: 0.1, zero: 3, limits: (0, 255), nearest: true };

    #[test]
    fn bounds_are_those_of_the_floats() {
        assert_eq!(QUANTIZER.least(&ratio(1, 10), false), Some(4));
        assert_eq!(
            (QUANTIZER.least(&ratio(14, 100), false), QUANTIZER.greatest(&ratio(14, 100), false)),
            (Some(4), Some(4))
        );
        assert_eq!(
            (QUANTIZER.least(&ratio(16, 100), false), QUANTIZER.greatest(&ratio(16, 100), false)),
            (Some(5), Some(5))
        );
        assert_eq!(
            (QUANTIZER.least(&integer(-100), false), QUANTIZER.greatest(&integer(100), false)),
            (Some(0), Some(255))
        );
        assert_eq!(QUANTIZER.least(&(integer(1) / ratio(1, 1i128 << 100) * integer(1i128 << 100)), false), None);
    }

    /// Every float between two bounds becomes an integer between the bounds' integers, and there is a float for each of those.
    #[test]
    fn no_integer_is_left_out_and_none_is_too_many() {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        };
        for round in 0..2000 {
            let scale = (1 + next() % 1000) as f32 / 777.0;
            let quantizer =
                Quantizer { scale, zero: (next() % 20) as i64 - 10, limits: (-128, 127), nearest: round % 3 > 0 };
            let a = ratio(next() as i128 % 20_000 - 10_000, 1 + next() as i128 % 300);
            let b = &a + ratio(next() as i128 % 1000, 500);
            let (strict_a, strict_b) = (next() % 2 == 0, next() % 2 == 0);
            let (Some(lo), Some(hi)) = (quantizer.least(&a, strict_a), quantizer.greatest(&b, strict_b)) else {
                continue;
            };
            let exact = Quantizer { nearest: true, ..quantizer };
            for part in 0..50 {
                let x = (to_f64(&a) + (to_f64(&b) - to_f64(&a)) * f64::from(part) / 49.0) as f32;
                let value = from_f64(f64::from(x)).unwrap();
                let within =
                    (if strict_a { value > a } else { value >= a }) && (if strict_b { value < b } else { value <= b });
                if within {
                    let became = exact.integer(x).unwrap();
                    assert!((lo..=hi).contains(&became), "{quantizer:?}: {x} becomes {became}, not in {lo}..={hi}");
                }
            }
            let (below, over) = ((a, strict_a), (b, strict_b));
            for integer in lo..=hi {
                match quantizer.float(integer, Some(&below), Some(&over)) {
                    Some(x) => assert_eq!(exact.integer(x), Some(integer)),
                    None => assert!(!quantizer.nearest || below.0 >= over.0, "{quantizer:?}: no float for {integer}"),
                }
            }
        }
    }
}
