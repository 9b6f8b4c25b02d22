//! Multipliers of 31 bits: how the kernels write a real factor as an integer and a shift.
//!
//! Ported from `QuantizeMultiplier` and its callers in `tensorflow/lite/kernels/internal/quantization_util.cc` and `kernels/kernel_util.cc`.

/// factor ≈ multiplier · 2^(shift − 31), with `multiplier` in 2^30 … 2^31 − 1, or 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Multiplier {
    pub(super) multiplier: i64,
    pub(super) shift: i32,
}

/// value = fraction · 2^exponent with a fraction in [0.5, 1), for a positive finite number: C's `frexp`.
pub(super) fn frexp(value: f64) -> (f64, i32) {
    // A subnormal number gets a normal one's exponent first.
    let (value, less) = if value < f64::MIN_POSITIVE { (value * 2f64.powi(64), 64) } else { (value, 0) };
    let exponent = ((value.to_bits() >> 52) & 0x7ff) as i32 - 1022;
    let fraction = f64::from_bits((value.to_bits() & !(0x7ff << 52)) | (1022 << 52));
    (fraction, exponent - less)
}

impl Multiplier {
    /// The nearest multiplier to a factor; `single` rounding caps large ones. `None` for a factor that is no positive finite number.
    pub(super) fn new(factor: f64, single: bool) -> Option<Multiplier> {
        if factor == 0.0 {
            return Some(Multiplier { multiplier: 0, shift: 0 });
        }
        if !(factor.is_finite() && factor > 0.0) {
            return None;
        }
        let (fraction, mut shift) = frexp(factor);
        // `TfLiteRound` rounds half away from zero; the product is exact.
        let mut multiplier = (fraction * 2f64.powi(31)).round() as i64;
        if multiplier == 1 << 31 {
            multiplier = 1 << 30;
            shift += 1;
        }
        if shift < -31 {
            return Some(Multiplier { multiplier: 0, shift: 0 });
        }
        if single && shift > 30 {
            return Some(Multiplier { multiplier: (1 << 31) - 1, shift: 30 });
        }
        Some(Multiplier { multiplier, shift })
    }

    /// Two roundings, as gemmlowp has them: a doubling high product, rounded half up, then a shift, rounded half away from zero.
    /// `None` where the kernel leaves 32 bits.
    pub(super) fn apply_twice(self, x: i64) -> Option<i64> {
        let left = self.shift.max(0);
        let right = (-self.shift).max(0);
        if left > 31 {
            return None;
        }
        let shifted = i64::from(i32::try_from(x.checked_mul(1 << left)?).ok()?);
        let high = (shifted * self.multiplier + (1 << 30)) >> 31;
        let mask = (1i64 << right) - 1;
        let threshold = (mask >> 1) + i64::from(high < 0);
        Some((high >> right) + i64::from((high & mask) > threshold))
    }

    /// One rounding, half up: `TFLITE_SINGLE_ROUNDING`. `None` where the kernel leaves 32 bits.
    pub(super) fn apply_once(self, x: i64) -> Option<i64> {
        let x = i64::from(i32::try_from(x).ok()?);
        let total = 31 - self.shift;
        if !(1..=62).contains(&total) {
            return None;
        }
        let result = (x * self.multiplier).checked_add(1 << (total - 1))? >> total;
        i32::try_from(result).ok().map(i64::from)
    }

    /// The multiplier of 15 bits that the kernels take for sums of 64 bits: 2^16 times it is near this one.
    pub(super) fn reduced(self) -> i64 {
        if self.multiplier < 0x7fff_0000 { (self.multiplier + (1 << 15)) >> 16 } else { 0x7fff }
    }

    /// A sum of 64 bits times the multiplier of 15 bits, rounded half up. `None` where the result leaves 32 bits. The shift is in −31 … 7, the sum
    /// of less than 48 bits, as the kernels assert.
    pub(super) fn apply_reduced(self, x: i64) -> Option<i64> {
        let total = 15 - self.shift;
        if !(8..=46).contains(&total) {
            return None;
        }
        let result = x.checked_mul(self.reduced())?.checked_add(1 << (total - 1))? >> total;
        i32::try_from(result).ok().map(i64::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_those_of_c() {
        for (value, fraction, exponent) in [(1.0, 0.5, 1), (0.75, 0.75, 0), (3.0, 0.75, 2), (5e-324, 0.5, -1073)] {
            assert_eq!(frexp(value), (fraction, exponent));
        }
    }

    #[test]
    fn halves_are_rounded_as_the_kernels_do() {
        let half = Multiplier::new(0.5, false).unwrap();
        assert_eq!([-3, -1, 1, 3].map(|x| half.apply_twice(x).unwrap()), [-1, 0, 1, 2]);
        let eighth = Multiplier::new(0.125, false).unwrap();
        assert_eq!((eighth.multiplier, eighth.shift), (1 << 30, -2));
        // The first rounding makes −6 of −12, the second −2 of −6/4.
        assert_eq!(eighth.apply_twice(-12), Some(-2));
        assert_eq!(eighth.apply_once(-12), Some(-1));
    }

    #[test]
    fn sums_of_64_bits_have_15_bits_of_the_multiplier() {
        let third = Multiplier::new(1.0 / 3.0, false).unwrap();
        // 2/3 of 2^15, and half of the factor's shift.
        assert_eq!((third.reduced(), third.shift), (21_845, -1));
        assert_eq!([-5, -4, 4, 5].map(|x| third.apply_reduced(x).unwrap()), [-2, -1, 1, 2]);
        assert_eq!(third.apply_reduced(1 << 40), None);
        let near_one = Multiplier::new(1.0 - 2f64.powi(-20), false).unwrap();
        assert_eq!(near_one.reduced(), 0x7fff);
        assert_eq!(Multiplier::new(2f64.powi(20), false).unwrap().apply_reduced(1), None);
    }

    #[test]
    fn a_factor_that_rounds_up_to_one_keeps_31_bits() {
        let m = Multiplier::new(1.0 - 2f64.powi(-40), false).unwrap();
        assert_eq!((m.multiplier, m.shift), (1 << 30, 1));
        assert_eq!(Multiplier::new(2f64.powi(-40), false).unwrap().multiplier, 0);
        assert_eq!(Multiplier::new(f64::NAN, false), None);
    }
}
