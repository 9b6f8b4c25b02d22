//! Number formats: which values a stored integer can stand for, and what a cast to the format does.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, ToPrimitive, Zero};
use qnn_ir::Rounding;
use qnn_ir::rational::{Rational, integer, power_of_two};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// The widest format: its raw integers, signed or not, fit an `i64`.
pub const MAX_WIDTH: u32 = 63;
/// The largest magnitude of the number of fraction bits.
pub const MAX_FRACTION: i64 = 256;

/// What a cast does with a value beyond the format's range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overflow {
    /// The nearest end of the range.
    #[default]
    Saturate,
    /// Keep the low bits.
    Wrap,
    /// The compiler must prove that it can't happen.
    Error,
    /// The nearest end of a range that is as large below 0 as above: without the least integer of two's complement.
    Symmetric,
}

impl Overflow {
    /// All modes, in the order of the reference manual.
    pub const ALL: [Overflow; 4] = [Overflow::Saturate, Overflow::Symmetric, Overflow::Wrap, Overflow::Error];

    /// The mode's name in a spec.
    pub fn name(self) -> &'static str {
        match self {
            Overflow::Saturate => "saturate",
            Overflow::Wrap => "wrap",
            Overflow::Error => "error",
            Overflow::Symmetric => "symmetric",
        }
    }
}

/// What one raw integer stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scale {
    /// value = raw · 2^−fraction.
    Fixed {
        /// Bits after the point; may be negative, may exceed the width.
        fraction: i64,
    },
    /// value = (raw − zero) · scale: the TFLite and ONNX kind. One entry for the whole tensor, or one per
    /// channel (the first axis of weights, the last axis otherwise is *not* assumed: see `channel`).
    Affine {
        /// Positive scales, one or one per channel.
        scales: Arc<[Rational]>,
        /// Zero points, one or one per channel.
        zeros: Arc<[i64]>,
    },
}

/// A number format: `fixed<W, F>`, `ufixed<W, F>` or `affine<…>`, with its rounding and overflow.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Format {
    /// Bits in all, 1 to [`MAX_WIDTH`].
    pub width: u32,
    /// Two's complement, or unsigned.
    pub signed: bool,
    /// What a raw integer stands for.
    pub scale: Scale,
    /// What a cast to the format does between two steps.
    pub rounding: Rounding,
    /// What a cast to the format does beyond its range.
    pub overflow: Overflow,
}

/// A real number turned into a raw integer, and what that lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantized {
    /// The raw integer, within the format's range.
    pub raw: i64,
    /// The value was beyond the range.
    pub overflowed: bool,
    /// value of `raw` minus the real number.
    pub error: Rational,
}

impl Format {
    /// `fixed<width, fraction>` (or `ufixed`), rounding half up and saturating.
    pub fn fixed(signed: bool, width: u32, fraction: i64) -> Format {
        Format {
            width,
            signed,
            scale: Scale::Fixed { fraction },
            rounding: Rounding::default(),
            overflow: Overflow::default(),
        }
    }

    /// The smallest raw integer.
    pub fn min_raw(&self) -> i64 {
        match (self.signed, self.overflow) {
            (true, Overflow::Symmetric) => -self.max_raw(),
            (true, _) => -(1i64 << (self.width - 1)),
            (false, _) => 0,
        }
    }

    /// The largest raw integer.
    pub fn max_raw(&self) -> i64 {
        let bits = if self.signed { self.width - 1 } else { self.width };
        ((1u64 << bits) - 1) as i64
    }

    /// How many channels the scale distinguishes: 1, or the length of its lists.
    pub fn channels(&self) -> usize {
        match &self.scale {
            Scale::Fixed { .. } => 1,
            Scale::Affine { scales, zeros } => scales.len().max(zeros.len()),
        }
    }

    /// The value of one step (of the given channel; per-tensor formats ignore it).
    pub fn lsb(&self, channel: usize) -> Rational {
        match &self.scale {
            Scale::Fixed { fraction } => power_of_two(-fraction),
            Scale::Affine { scales, .. } => scales[if scales.len() == 1 { 0 } else { channel }].clone(),
        }
    }

    /// The raw integer that stands for 0 (of the given channel).
    pub fn zero(&self, channel: usize) -> i64 {
        match &self.scale {
            Scale::Fixed { .. } => 0,
            Scale::Affine { zeros, .. } => zeros[if zeros.len() == 1 { 0 } else { channel }],
        }
    }

    /// The value of a raw integer.
    pub fn value(&self, raw: i64, channel: usize) -> Rational {
        integer(i128::from(raw) - i128::from(self.zero(channel))) * self.lsb(channel)
    }

    /// The cast of an exact value: rounding, then overflow (where `error` saturates; the caller reports it).
    pub fn quantize(&self, value: &Rational, channel: usize) -> Quantized {
        let rounded = self.rounding.round(&(value / self.lsb(channel))) + self.zero(channel);
        let (raw, overflowed) = self.stored(rounded);
        let error = self.value(raw, channel) - value;
        Quantized { raw, overflowed, error }
    }

    /// The raw integer that a rounded value is stored as, its zero point added, and whether that was beyond the range.
    pub fn stored(&self, rounded: BigInt) -> (i64, bool) {
        let (min, max) = (BigInt::from(self.min_raw()), BigInt::from(self.max_raw()));
        let overflowed = rounded < min || rounded > max;
        let raw = match self.overflow {
            Overflow::Wrap => {
                let modulus = BigInt::one() << self.width;
                let low = (&rounded - &min).mod_floor(&modulus) + &min;
                low.to_i64().unwrap_or_default()
            }
            Overflow::Saturate | Overflow::Symmetric | Overflow::Error => {
                rounded.clamp(min, max).to_i64().unwrap_or_default()
            }
        };
        (raw, overflowed)
    }

    /// The cast of a finite float: the same raw integer as [`Format::quantize`] of its exact value, without rationals where
    /// scaling by a power of two is exact. Also whether the value was beyond the range, and whether any bit was lost.
    /// `None` for NaN and the infinities.
    pub fn quantize_f64(&self, value: f64, channel: usize) -> Option<(i64, bool, bool)> {
        let fast = match &self.scale {
            Scale::Fixed { fraction } => {
                let scaled = value * 2f64.powi(*fraction as i32);
                (scaled == 0.0 && value == 0.0 || (1e-200..4e15).contains(&scaled.abs())).then_some(scaled)
            }
            Scale::Affine { .. } => None,
        };
        let Some(scaled) = fast else {
            let exact = qnn_ir::rational::from_f64(value)?;
            let quantized = self.quantize(&exact, channel);
            return Some((quantized.raw, quantized.overflowed, !quantized.error.is_zero()));
        };
        // Both are exact: the fraction's bits are a subset of the number's.
        let whole = scaled.trunc();
        let rest = scaled - whole;
        let whole = whole as i64;
        let up = |yes: bool| whole + i64::from(yes);
        let down = |yes: bool| whole - i64::from(yes);
        let rounded = match self.rounding {
            Rounding::TowardZero => whole,
            Rounding::Up if rest > 0.0 => whole + 1,
            Rounding::Up => down(rest < 0.0),
            Rounding::Ceil => up(rest > 0.0),
            Rounding::Floor => down(rest < 0.0),
            Rounding::HalfUp if rest >= 0.0 => up(rest >= 0.5),
            Rounding::HalfUp => down(rest < -0.5),
            Rounding::HalfAway if rest >= 0.0 => up(rest >= 0.5),
            Rounding::HalfAway => down(rest <= -0.5),
            Rounding::HalfDown if rest >= 0.0 => up(rest > 0.5),
            Rounding::HalfDown => down(rest <= -0.5),
            Rounding::HalfTowardZero if rest >= 0.0 => up(rest > 0.5),
            Rounding::HalfTowardZero => down(rest < -0.5),
            Rounding::HalfEven if rest >= 0.0 => up(rest > 0.5 || rest == 0.5 && whole % 2 != 0),
            Rounding::HalfEven => down(rest < -0.5 || rest == -0.5 && whole % 2 != 0),
        };
        let (min, max) = (self.min_raw(), self.max_raw());
        let overflowed = rounded < min || rounded > max;
        let raw = match self.overflow {
            Overflow::Wrap if overflowed => {
                let modulus = 1i128 << self.width;
                ((i128::from(rounded) - i128::from(min)).rem_euclid(modulus) + i128::from(min)) as i64
            }
            _ => rounded.clamp(min, max),
        };
        Some((raw, overflowed, raw as f64 != scaled))
    }

    /// The raw integer whose value is exactly `value`, if the format has one.
    pub fn exact_raw(&self, value: &Rational, channel: usize) -> Option<i64> {
        let steps = value / self.lsb(channel);
        let raw = steps.is_integer().then(|| steps.to_integer() + self.zero(channel))?.to_i64()?;
        (self.min_raw()..=self.max_raw()).contains(&raw).then_some(raw)
    }
}

impl Format {
    /// Where two formats differ that are written alike, since lists of channels are shortened.
    pub fn difference(&self, other: &Format) -> Option<String> {
        let (Scale::Affine { scales, zeros }, Scale::Affine { scales: others, zeros: other_zeros }) =
            (&self.scale, &other.scale)
        else {
            return None;
        };
        if self.to_string() != other.to_string() {
            return None;
        }
        let scale = (0..).zip(scales.iter().zip(others.iter())).find(|(_, (a, b))| a != b);
        let zero = (0..).zip(zeros.iter().zip(other_zeros.iter())).find(|(_, (a, b))| a != b);
        let scale = scale.map(|(channel, (a, b))| {
            let exact = qnn_ir::rational::exact;
            format!("The scales of channel {channel} differ: {} and {}.", exact(a), exact(b))
        });
        scale.or_else(|| {
            zero.map(|(channel, (a, b))| format!("The zero points of channel {channel} differ: {a} and {b}."))
        })
    }

    /// Whether the text of the format is all of it: a long list of channels is shortened.
    pub fn is_written_whole(&self) -> bool {
        matches!(self.scale, Scale::Fixed { .. })
    }
}

impl fmt::Display for Format {
    /// The format as a spec writes it; defaults are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let u = if self.signed { "" } else { "u" };
        match &self.scale {
            Scale::Fixed { fraction: 0 } => write!(f, "{u}int<{}", self.width)?,
            Scale::Fixed { fraction } => write!(f, "{u}fixed<{}, {fraction}", self.width)?,
            Scale::Affine { scales, zeros } => {
                write!(f, "affine<{u}int<{}>, ", self.width)?;
                list(f, scales.iter().map(qnn_ir::rational::exact))?;
                write!(f, ", ")?;
                list(f, zeros.iter().map(i64::to_string))?;
            }
        }
        if self.rounding != Rounding::default() {
            write!(f, ", round = {}", self.rounding.name())?;
        }
        if self.overflow != Overflow::default() {
            write!(f, ", overflow = {}", self.overflow.name())?;
        }
        write!(f, ">")
    }
}

/// One entry bare; several as a bracketed list, shortened past four.
fn list(f: &mut fmt::Formatter<'_>, entries: impl ExactSizeIterator<Item = String>) -> fmt::Result {
    let count = entries.len();
    let shown: Vec<String> = entries.take(4).collect();
    match (count, shown.as_slice()) {
        (1, [only]) => write!(f, "{only}"),
        (5.., _) => write!(f, "[{}, … {count} channels]", shown.join(", ")),
        _ => write!(f, "[{}]", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qnn_ir::rational::ratio;

    #[test]
    fn ranges() {
        for width in 1..=MAX_WIDTH {
            let (s, u) = (Format::fixed(true, width, 0), Format::fixed(false, width, 0));
            assert_eq!(i128::from(s.min_raw()), -(1i128 << (width - 1)));
            assert_eq!(i128::from(s.max_raw()), (1i128 << (width - 1)) - 1);
            assert_eq!(i128::from(u.max_raw()), (1i128 << width) - 1);
        }
    }

    #[test]
    fn rounding_modes_on_ties_and_between() {
        let table = [
            // value in quarters; half_up, half_even, half_away, half_down, half_toward_zero, floor, ceil, toward_zero, up
            (-6, [-1, -2, -2, -2, -1, -2, -1, -1, -2]),
            (-5, [-1, -1, -1, -1, -1, -2, -1, -1, -2]),
            (-2, [0, 0, -1, -1, 0, -1, 0, 0, -1]),
            (-1, [0, 0, 0, 0, 0, -1, 0, 0, -1]),
            (0, [0, 0, 0, 0, 0, 0, 0, 0, 0]),
            (2, [1, 0, 1, 0, 0, 0, 1, 0, 1]),
            (3, [1, 1, 1, 1, 1, 0, 1, 0, 1]),
            (6, [2, 2, 2, 1, 1, 1, 2, 1, 2]),
            (10, [3, 2, 3, 2, 2, 2, 3, 2, 3]),
        ];
        for (quarters, rounded) in table {
            let value = ratio(quarters, 4);
            let got = Rounding::ALL.map(|mode| mode.round(&value).to_i64().unwrap());
            assert_eq!(got, rounded, "{quarters}/4");
        }
    }

    proptest::proptest! {
        #[test]
        fn floats_quantize_as_their_exact_values(
            eighths in -4000i64..4000, tiny in proptest::sample::select(vec![0.0, 1e-12, -1e-12, 1e-300, 0.3]),
            width in 1u32..12, fraction in -3i64..8, mode in 0usize..Rounding::ALL.len(), wrap in proptest::bool::ANY, signed in proptest::bool::ANY,
        ) {
            let mut format = Format::fixed(signed, width, fraction);
            format.rounding = Rounding::ALL[mode];
            format.overflow = if wrap { Overflow::Wrap } else { Overflow::Saturate };
            let value = eighths as f64 / 8.0 + tiny;
            let exact = format.quantize(&qnn_ir::rational::from_f64(value).unwrap(), 0);
            let fast = format.quantize_f64(value, 0).unwrap();
            proptest::prop_assert_eq!(fast, (exact.raw, exact.overflowed, !exact.error.is_zero()));
        }
    }

    #[test]
    fn casts_saturate_or_wrap() {
        let mut format = Format::fixed(true, 4, 1);
        let big = ratio(9, 1);
        assert_eq!(format.quantize(&big, 0).raw, 7);
        assert!(format.quantize(&big, 0).overflowed);
        format.overflow = Overflow::Wrap;
        assert_eq!(format.quantize(&big, 0).raw, 2);
        assert_eq!(format.quantize(&-big.clone(), 0).raw, -2);
        assert_eq!(format.to_string(), "fixed<4, 1, overflow = wrap>");
        format.overflow = Overflow::Symmetric;
        assert_eq!((format.min_raw(), format.max_raw()), (-7, 7));
        assert_eq!(format.quantize(&-big, 0).raw, -7);
        assert!(format.quantize(&-ratio(4, 1), 0).overflowed);
    }
}
