//! Functions that the kernels compute in fixed point: logistic and tanh of TensorFlow Lite Micro, hard swish of all.
//!
//! Logistic and tanh follow the algorithms of gemmlowp (`fixedpoint/fixedpoint.h`): exp by a polynomial of degree 4 on a quarter and factors for the bits
//! beyond, then a division by three Newton steps. Numbers are integers of 32 bits that stand for value · 2^(31 − integer bits). Hard swish is
//! `reference_ops::HardSwish`, in 16 bits.

use super::multiplier::Multiplier;

/// Multiplier for e^(−2^exponent), with the exponent.
const EXP_OF_BITS: [(i32, i64); 7] = [
    (-2, 1_672_461_947),
    (-1, 1_302_514_674),
    (0, 790_015_084),
    (1, 290_630_308),
    (2, 39_332_535),
    (3, 720_401),
    (4, 242),
];

/// 1 with no integer bits: the nearest that there is.
const ONE: i64 = i32::MAX as i64;

/// Twice the product, the upper 32 bits of it, rounded half up.
fn multiply(a: i64, b: i64) -> i64 {
    ((a * b + (1 << 30)) >> 31).min(ONE)
}

/// x · 2^exponent for a positive exponent, within 32 bits.
fn shift_left(x: i64, exponent: u32) -> i64 {
    (x << exponent).clamp(i64::from(i32::MIN), ONE)
}

/// x / 2^exponent, rounded half away from zero.
fn shift_right(x: i64, exponent: u32) -> i64 {
    let half = (1i64 << exponent) >> 1;
    if x >= 0 { (x + half) >> exponent } else { -((-x + half) >> exponent) }
}

/// e^a for a in [−1/4, 0), no integer bits.
fn exp_of_quarter(a: i64) -> i64 {
    const EXP_OF_MINUS_EIGHTH: i64 = 1_895_147_668;
    const THIRD: i64 = 715_827_883;
    let x = a + (1 << 28);
    let square = multiply(x, x);
    let (cube, fourth) = (multiply(square, x), multiply(square, square));
    let rest = shift_right(multiply(shift_right(fourth, 2) + cube, THIRD) + square, 1);
    EXP_OF_MINUS_EIGHTH + multiply(EXP_OF_MINUS_EIGHTH, x + rest)
}

/// e^a for a ≤ 0 with some integer bits; the result has none.
fn exp_of_negative(a: i64, integer_bits: u32) -> i64 {
    if a == 0 {
        return ONE;
    }
    let fraction_bits = 31 - integer_bits as i32;
    let quarter = 1i64 << (fraction_bits - 2);
    let within = (a & (quarter - 1)) - quarter;
    let beyond = within - a;
    EXP_OF_BITS
        .iter()
        .filter(|(exponent, _)| *exponent < integer_bits as i32 && beyond >> (fraction_bits + exponent) & 1 == 1)
        .fold(exp_of_quarter(shift_left(within, integer_bits)), |result, (_, factor)| multiply(result, *factor))
}

/// 2 / (1 + a) for a in [0, 1] without integer bits; the result has two.
fn twice_over_one_plus(a: i64) -> i64 {
    const ONE_OF_TWO_BITS: i64 = 1 << 29;
    let half_denominator = (a + ONE + 1) / 2;
    let mut x = 1_515_870_810 + multiply(half_denominator, -1_010_580_540);
    for _ in 0..3 {
        let error = ONE_OF_TWO_BITS - multiply(half_denominator, x);
        x += shift_left(multiply(x, error), 2);
    }
    x
}

/// 1 / (1 + e^−a), `a` with four integer bits, the result with none.
fn logistic(a: i64) -> i64 {
    if a == 0 {
        return 1 << 30;
    }
    let positive = shift_left(twice_over_one_plus(exp_of_negative(-a.abs(), 4)), 1);
    if a > 0 { positive } else { ONE - positive }
}

/// tanh a, `a` with four integer bits, the result with none.
fn tanh(a: i64) -> i64 {
    if a == 0 {
        return 0;
    }
    let positive = shift_left(twice_over_one_plus(exp_of_negative(-a.abs(), 5)) - (1 << 29), 2);
    if a > 0 { positive } else { -positive }
}

/// What scales an input to four integer bits, and the input from which on the result is saturated.
fn input_scaling(scale: f32) -> Option<(Multiplier, i64)> {
    let multiplier = Multiplier::new(f64::from(scale) * f64::from(1 << 27), false)?;
    if !(0..=30).contains(&multiplier.shift) || multiplier.multiplier == 0 {
        return None;
    }
    let radius = 15.0 * f64::from(1 << 27) / f64::from(1 << multiplier.shift);
    Some((multiplier, radius.floor() as i64))
}

/// A curve of a centred input, at its ends beyond the radius of the input. `single` rounding is the input's.
fn curve(scale: f32, x: i64, single: bool, stored: impl Fn(i64) -> i64) -> Option<i64> {
    let (multiplier, radius) = input_scaling(scale)?;
    if x <= -radius {
        return Some(-128);
    }
    if x >= radius {
        return Some(127);
    }
    let input = if single { multiplier.apply_once(x)? } else { multiplier.apply_twice(x)? };
    Some(stored(input).clamp(-128, 127))
}

/// `reference_integer_ops::Logistic` of a centred input; the stored output of scale 1/256 and zero point −128.
pub(super) fn logistic_int8(scale: f32, x: i64, single: bool) -> Option<i64> {
    curve(scale, x, single, |input| shift_right(logistic(input), 23) - 128)
}

/// `reference_integer_ops::Tanh` of a centred input; the stored output of scale 1/128 and zero point 0.
pub(super) fn tanh_int8(scale: f32, x: i64, single: bool) -> Option<i64> {
    curve(scale, x, single, |input| shift_right(tanh(input), 24))
}

/// A hard swish of given scales.
#[derive(Clone, Copy, Debug)]
pub(super) struct HardSwish {
    /// 15 bits each, with the exponents.
    output: (i64, i32),
    relu: (i64, i32),
}

/// A multiplier of 15 bits from one of 31.
fn shorten(multiplier: i64) -> i64 {
    if multiplier >= i64::from(i32::MAX) - (1 << 15) { i64::from(i16::MAX) } else { (multiplier + (1 << 15)) >> 16 }
}

/// The product of 16-bit numbers, the upper 16 bits of its double, rounded half up.
fn multiply_short(a: i64, b: i64) -> i64 {
    if a == b && a == i64::from(i16::MIN) { i64::from(i16::MAX) } else { (a * b + (1 << 14)) >> 15 }
}

fn saturate(x: i64) -> i64 {
    x.clamp(i64::from(i16::MIN), i64::from(i16::MAX))
}

impl HardSwish {
    /// `None` where the kernels refuse the scales, or shift by more bits than they have.
    pub(super) fn new(input_scale: f32, output_scale: f32, single: bool) -> Option<HardSwish> {
        let fine = 1.0f32 / 128.0 * input_scale;
        let part = |factor: f32| {
            let multiplier = Multiplier::new(f64::from(factor), single)?;
            Some((shorten(multiplier.multiplier), multiplier.shift))
        };
        let (output, relu) = (part(fine / output_scale)?, part(fine / (3.0f32 / 32768.0))?);
        ((-15..=0).contains(&output.1) && (-15..=15).contains(&relu.1)).then_some(HardSwish { output, relu })
    }

    /// The output of a centred input, before the zero point.
    pub(super) fn apply(self, x: i64) -> i64 {
        let fine = x << 7;
        let scaled = multiply_short(fine, self.output.0);
        let mut relu = fine;
        if self.relu.1 > 0 {
            relu = saturate(relu << (self.relu.1 - 1));
        }
        relu = multiply_short(relu, self.relu.0);
        if self.relu.1 > 0 {
            relu = saturate(relu << 1);
        }
        if self.relu.1 < 0 {
            relu = shift_right(relu, -self.relu.1 as u32);
        }
        let relu = (relu + (1 << 15)) >> 1;
        // C's division truncates, as Rust's.
        shift_right(relu * scaled / (1 << 15), -self.output.1 as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_point_is_near_the_real_function() {
        for x in -(15 << 10)..15 << 10 {
            let real = f64::from(x) / 1024.0;
            let a = i64::from(x) << 17;
            assert!((logistic(a) as f64 / 2f64.powi(31) - 1.0 / (1.0 + (-real).exp())).abs() < 2e-7, "{real}");
            assert!((tanh(a) as f64 / 2f64.powi(31) - real.tanh()).abs() < 4e-7, "{real}");
        }
    }

    #[test]
    fn hard_swish_is_near_the_real_function() {
        let hard_swish = HardSwish::new(0.05, 0.05, false).unwrap();
        for x in -255..=255 {
            let real = f64::from(x) * 0.05;
            let expected = real * (real + 3.0).clamp(0.0, 6.0) / 6.0 / 0.05;
            assert!((hard_swish.apply(i64::from(x)) as f64 - expected).abs() <= 1.0, "{x}");
        }
        assert!(HardSwish::new(1.0, 1e-9, false).is_none());
    }
}
