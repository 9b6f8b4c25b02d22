//! Requantization: from an exact sum to a stored integer, as each kernel rounds it.
//!
//! In: a sum, and the scales as the file has them. Out: the stored integer before the zero point is added, or the whole function as a
//! [`Step`]. Ports of `MultiplyByQuantizedMultiplier` (TensorFlow Lite Micro, `kernels/internal/common.cc`), of XNNPACK's
//! `fp32` requantization, and of the scaling in doubles of LiteRT's `reference_ops::FullyConnected`. Floats of 32 and 64 bits are IEEE's, in Rust as in
//! the runtimes, so that the same operations in the same order have the same results. Each of these functions never falls.

use super::multiplier::Multiplier;
use crate::{ImportError, Kernel, tables};
use qnn_ir::{Interval, Rounding, Step};

/// A kernel's way from a sum to an integer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Requantize {
    /// Two roundings: half up, then half away from zero.
    Twice(Multiplier),
    /// One rounding, half up.
    Once(Multiplier),
    /// A product of 32-bit floats, rounded half to even.
    Float32(f32),
    /// A product of 64-bit floats, rounded half away from zero.
    Float64(f64),
    /// The same of a sum in 64 bits.
    Float64Wide(f64),
    /// A sum in 64 bits times a multiplier of 15 bits, one rounding, half up.
    Reduced(Multiplier),
}

/// The largest magnitude of a sum that the kernels scale in 64 bits.
const WIDE: i128 = 1 << 47;

impl Requantize {
    /// The integer arithmetic of a kernel that has one.
    ///
    /// # Errors
    /// A factor that is no positive finite number.
    pub(super) fn fixed_point(kernel: Kernel, factor: f64) -> Result<Requantize, ImportError> {
        let single = kernel == Kernel::TflmSingleRounding;
        let multiplier = Multiplier::new(factor, single)
            .ok_or_else(|| ImportError::new("its scales don't give a positive finite factor"))?;
        Ok(if single { Requantize::Once(multiplier) } else { Requantize::Twice(multiplier) })
    }

    /// The integer arithmetic of a kernel, for sums of 32 or, `wide`, of 64 bits.
    ///
    /// # Errors
    /// A factor that is no positive finite number, or out of the range of the kernel's shifts.
    pub(super) fn integers(kernel: Kernel, factor: f64, wide: bool) -> Result<Requantize, ImportError> {
        if !wide {
            return Requantize::fixed_point(kernel, factor);
        }
        let multiplier = Multiplier::new(factor, kernel == Kernel::TflmSingleRounding);
        let multiplier = multiplier.filter(|m| (-31..8).contains(&m.shift));
        let multiplier =
            multiplier.ok_or_else(|| ImportError::new("its scales give a factor that the kernel has no shift for"))?;
        Ok(Requantize::Reduced(multiplier))
    }

    /// The integer for a sum, before the zero point; `None` where the kernel leaves 32 bits.
    pub(super) fn apply(self, sum: i64) -> Option<i64> {
        match self {
            Requantize::Twice(multiplier) => multiplier.apply_twice(sum),
            Requantize::Once(multiplier) => multiplier.apply_once(sum),
            // The kernels clip before the conversion to an integer; so does the caller, afterwards.
            Requantize::Float32(factor) => Some((sum as f32 * factor).round_ties_even() as i64),
            Requantize::Float64(factor) | Requantize::Float64Wide(factor) => {
                let result = (sum as f64 * factor).round();
                (result.abs() <= f64::from(i32::MAX)).then_some(result as i64)
            }
            Requantize::Reduced(multiplier) => multiplier.apply_reduced(sum),
        }
    }

    /// The function from sums in `range` to centred integers: stored ones from `lo` to `hi`, minus `zero`.
    ///
    /// # Errors
    /// Sums that the kernel's integers don't hold.
    pub(super) fn step(self, zero: i64, (lo, hi): (i64, i64), range: Interval) -> Result<Step, ImportError> {
        let is_wide = matches!(self, Requantize::Float64Wide(_) | Requantize::Reduced(_));
        if is_wide && (range.lo < -WIDE || range.hi >= WIDE) {
            return Err(ImportError::new("its sums can leave 48 bits"));
        }
        if !is_wide && (range.lo < i128::from(i32::MIN) || range.hi > i128::from(i32::MAX)) {
            return Err(ImportError::new("its sums can leave 32 bits"));
        }
        let stored = |sum: i64| {
            let result = self.apply(sum)?;
            // The kernels add the zero point in 32 bits.
            let stored = match self {
                Requantize::Float32(_) => result.saturating_add(zero),
                _ => i64::from(i32::try_from(result + zero).ok()?),
            };
            Some(stored.clamp(lo, hi) - zero)
        };
        // One rounding is a fraction.
        let fraction = match self {
            Requantize::Once(multiplier) => Some((multiplier.multiplier, 31 - multiplier.shift)),
            Requantize::Reduced(multiplier) => Some((multiplier.reduced(), 15 - multiplier.shift)),
            _ => None,
        };
        if let Some((numerator, shift)) = fraction
            && numerator > 0
        {
            // The ends show that nothing between them leaves 32 bits.
            let ends = [range.lo, range.hi].map(|sum| stored(sum as i64));
            if ends.contains(&None) {
                return Err(ImportError::new("its arithmetic leaves the integers that the kernel has for it"));
            }
            return Ok(Step::Round {
                numerator: i128::from(numerator),
                denominator: 1 << shift,
                offset: 0,
                mode: Rounding::HalfUp,
                lo: i128::from(lo - zero),
                hi: i128::from(hi - zero),
            });
        }
        tables::monotone(range, stored)
    }
}

/// A stored range after a fused activation function. XNNPACK rounds its ends half to even, TensorFlow Lite half away from zero.
///
/// # Errors
/// An activation function that no kernel fuses.
pub(super) fn activation_range(
    kernel: Kernel,
    activation: i8,
    (scale, zero): (f32, i64),
    (lo, hi): (i64, i64),
) -> Result<(i64, i64), ImportError> {
    let stored = |value: f32| match kernel {
        Kernel::Xnnpack => (value / scale + zero as f32).round_ties_even() as i64,
        _ => zero.saturating_add((value / scale).round() as i64),
    };
    match activation {
        0 => Ok((lo, hi)),
        1 => Ok((lo.max(stored(0.0)), hi)),
        2 => Ok((lo.max(stored(-1.0)), hi.min(stored(1.0)))),
        3 => Ok((lo.max(stored(0.0)), hi.min(stored(6.0)))),
        4 => Err(ImportError::new("it has a fused TANH, which the kernels don't compute on integers")),
        5 => Err(ImportError::new("it has a fused SIGN_BIT, which the kernels don't compute on integers")),
        other => Err(ImportError::new(format!("its fused activation function {other} is unknown"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qnn_ir::Random;

    /// Steps are the kernels' functions: at random sums, and on both sides of every threshold.
    #[test]
    fn steps_equal_the_arithmetic() {
        let mut random = Random::new(3);
        for _ in 0..200 {
            let factor = 2f64.powf(-12.0 * random.unit());
            let zero = random.between(-128, 127);
            let (lo, hi) = (random.between(-128, 0), random.between(1, 127));
            let range = Interval::new(i128::from(random.between(-1 << 20, 0)), i128::from(random.between(1, 1 << 20)));
            for scaling in [
                Requantize::fixed_point(Kernel::Tflm, factor).unwrap(),
                Requantize::fixed_point(Kernel::TflmSingleRounding, factor).unwrap(),
                Requantize::Float32(factor as f32),
                Requantize::Float64(factor),
                Requantize::Float64Wide(factor),
                Requantize::integers(Kernel::Tflm, factor, true).unwrap(),
            ] {
                let step = scaling.step(zero, (lo, hi), range).unwrap();
                let thresholds = (step.lo() + 1..=step.hi()).filter_map(|v| step.threshold(v));
                let mut sums: Vec<i128> = thresholds.flat_map(|t| [t - 1, t]).collect();
                sums.extend((0..50).map(|_| i128::from(random.between(range.lo as i64, range.hi as i64))));
                for sum in sums.into_iter().chain([range.lo, range.hi]).filter(|s| (range.lo..=range.hi).contains(s)) {
                    let stored = scaling.apply(sum as i64).unwrap() + zero;
                    assert_eq!(step.apply(sum), i128::from(stored.clamp(lo, hi) - zero), "{scaling:?} of {sum}");
                }
            }
        }
    }

    /// The four ways differ where they should: at halves.
    #[test]
    fn halves_tell_the_kernels_apart() {
        let eighth = |scaling: Requantize| [-12, -4, 4, 12, 20].map(|sum| scaling.apply(sum).unwrap());
        assert_eq!(eighth(Requantize::fixed_point(Kernel::Tflm, 0.125).unwrap()), [-2, -1, 1, 2, 3]);
        assert_eq!(eighth(Requantize::fixed_point(Kernel::TflmSingleRounding, 0.125).unwrap()), [-1, 0, 1, 2, 3]);
        assert_eq!(eighth(Requantize::Float32(0.125)), [-2, 0, 0, 2, 2]);
        assert_eq!(eighth(Requantize::Float64(0.125)), [-2, -1, 1, 2, 3]);
    }

    /// Sums that leave 32 bits are no step.
    #[test]
    fn sums_beyond_32_bits_are_refused() {
        let scaling = Requantize::fixed_point(Kernel::Tflm, 0.01).unwrap();
        assert!(scaling.step(0, (-128, 127), Interval::new(0, 1 << 31)).is_err());
        let large = Requantize::fixed_point(Kernel::Tflm, 1000.0).unwrap();
        assert!(large.step(0, (-128, 127), Interval::new(0, 1 << 30)).is_err());
        let int16 = (-32768, 32767);
        for wide in [Requantize::integers(Kernel::Tflm, 0.01, true).unwrap(), Requantize::Float64Wide(0.01)] {
            // The sum is in its range, the result leaves 32 bits.
            assert!(wide.step(0, int16, Interval::new(0, 1 << 40)).is_err());
            assert!(wide.step(0, int16, Interval::new(0, 1 << 35)).is_ok());
            assert!(wide.step(0, int16, Interval::new(0, 1 << 47)).is_err());
        }
        assert!(Requantize::integers(Kernel::Tflm, 256.0, true).is_err());
    }
}
