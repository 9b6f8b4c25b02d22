//! The rounding modes of casts.

use crate::rational::{Rational, integer};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};
use serde::{Deserialize, Serialize};

/// How a cast rounds a value that lies between two steps of the format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// To nearest, ties towards +∞: floor(x + 1/2).
    #[default]
    HalfUp,
    /// To nearest, ties to the even integer.
    HalfEven,
    /// To nearest, ties away from zero.
    HalfAway,
    /// Towards −∞: dropping bits of a two's complement number.
    Floor,
    /// Towards zero.
    TowardZero,
    /// To nearest, ties towards −∞: ceil(x − 1/2).
    HalfDown,
    /// To nearest, ties towards zero.
    HalfTowardZero,
    /// Towards +∞.
    Ceil,
    /// Away from zero.
    Up,
}

impl Rounding {
    /// All modes, in the order of the reference manual.
    pub const ALL: [Rounding; 9] = [
        Rounding::HalfUp,
        Rounding::HalfEven,
        Rounding::HalfAway,
        Rounding::HalfDown,
        Rounding::HalfTowardZero,
        Rounding::Floor,
        Rounding::Ceil,
        Rounding::TowardZero,
        Rounding::Up,
    ];

    /// The mode's name in a spec.
    pub fn name(self) -> &'static str {
        match self {
            Rounding::HalfUp => "half_up",
            Rounding::HalfEven => "half_even",
            Rounding::HalfAway => "half_away",
            Rounding::Floor => "floor",
            Rounding::TowardZero => "toward_zero",
            Rounding::HalfDown => "half_down",
            Rounding::HalfTowardZero => "half_toward_zero",
            Rounding::Ceil => "ceil",
            Rounding::Up => "up",
        }
    }

    /// The integer that the mode makes of an exact value.
    pub fn round(self, value: &Rational) -> BigInt {
        let floor = value.numer().div_floor(value.denom());
        let rest = value - Rational::from_integer(floor.clone());
        if rest.is_zero() {
            return floor;
        }
        let twice = rest * integer(2);
        let up = match self {
            Rounding::Floor => false,
            Rounding::TowardZero => value.is_negative(),
            Rounding::Ceil => true,
            Rounding::Up => value.is_positive(),
            _ if twice != Rational::one() => twice > Rational::one(),
            Rounding::HalfUp => true,
            Rounding::HalfEven => floor.is_odd(),
            Rounding::HalfAway => value.is_positive(),
            Rounding::HalfDown => false,
            Rounding::HalfTowardZero => value.is_negative(),
        };
        if up { floor + 1 } else { floor }
    }
}
