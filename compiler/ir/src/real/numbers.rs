//! Exact numbers: integers in 128 bits or of any size, and rationals over their least common denominator.
//!
//! In: rationals, floats, or integers with a scale. Out: [`Values`], of which each has one form, however it was made. Invariant: nothing is rounded.

use super::NUMBER;
use crate::Rational;
use crate::interrupt::work;
use crate::rational::common_denominator;
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::float::FloatCore;
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::sync::Arc;

/// Integers, in 128 bits each where that does for all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// Of 128 bits.
    Short(Arc<[i128]>),
    /// Not all of 128 bits.
    Long(Arc<[BigInt]>),
}

impl Numbers {
    /// From what each is; `short` may give up where it can't say in 128 bits, `long` always knows.
    pub(super) fn new(len: usize, short: impl Fn(usize) -> Option<i128>, long: impl Fn(usize) -> BigInt) -> Numbers {
        let all: Option<Vec<i128>> = (0..len).inspect(|_| work(1)).map(short).collect();
        if let Some(all) = all {
            return Numbers::Short(all.into());
        }
        let all: Vec<BigInt> = (0..len).inspect(|_| work(NUMBER)).map(long).collect();
        let short: Option<Vec<i128>> = all.iter().inspect(|_| work(1)).map(ToPrimitive::to_i128).collect();
        short.map_or_else(|| Numbers::Long(all.into()), |short| Numbers::Short(short.into()))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Numbers::Short(numbers) => numbers.len(),
            Numbers::Long(numbers) => numbers.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One of them.
    pub fn get(&self, index: usize) -> BigInt {
        match self {
            Numbers::Short(numbers) => numbers[index].into(),
            Numbers::Long(numbers) => numbers[index].clone(),
        }
    }

    /// The same, if all of them have 128 bits.
    pub fn short(&self, index: usize) -> Option<i128> {
        match self {
            Numbers::Short(numbers) => Some(numbers[index]),
            Numbers::Long(_) => None,
        }
    }

    /// Whether none is negative.
    pub fn are_positive(&self) -> bool {
        match self {
            Numbers::Short(numbers) => numbers.iter().inspect(|_| work(1)).all(|n| *n >= 0),
            Numbers::Long(numbers) => numbers.iter().inspect(|_| work(1)).all(|n| !n.is_negative()),
        }
    }

    /// The greatest magnitude; 0 if there is none.
    pub fn magnitude(&self) -> BigInt {
        match self {
            Numbers::Short(numbers) => {
                numbers.iter().inspect(|_| work(1)).map(|n| n.unsigned_abs()).max().unwrap_or(0).into()
            }
            Numbers::Long(numbers) => {
                numbers.iter().inspect(|_| work(NUMBER)).map(Signed::abs).max().unwrap_or_default()
            }
        }
    }

    /// The greatest common divisor; 0 if all are 0.
    pub fn divisor(&self) -> BigInt {
        match self {
            Numbers::Short(numbers) => {
                let mut divisor = 0u128;
                for number in numbers.iter() {
                    work(NUMBER);
                    divisor = divisor.gcd(&number.unsigned_abs());
                    if divisor == 1 {
                        break;
                    }
                }
                divisor.into()
            }
            Numbers::Long(numbers) => numbers
                .iter()
                .inspect(|_| work(NUMBER))
                .fold(BigInt::zero(), |divisor, n| if divisor.is_one() { divisor } else { divisor.gcd(n) }),
        }
    }
}

/// Rationals over their least common denominator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Values {
    pub(super) numbers: Numbers,
    pub(super) denominator: BigInt,
}

impl Values {
    /// Of rationals.
    pub fn new(values: &[Rational]) -> Values {
        let denominator = common_denominator(values.iter().inspect(|_| work(NUMBER)));
        let number = |i: usize| {
            work(NUMBER);
            let value: &Rational = &values[i];
            value.numer() * (&denominator / value.denom())
        };
        Values { numbers: Numbers::new(values.len(), |i| number(i).to_i128(), number), denominator }
    }

    /// Each number times the scale.
    pub fn scaled(numbers: &[i64], scale: &Rational) -> Values {
        let factor = scale.numer().to_i128();
        let short = |i: usize| i128::from(numbers[i]).checked_mul(factor?);
        let all = Numbers::new(numbers.len(), short, |i| numbers[i] * scale.numer());
        Values::over(all, scale.denom().clone())
    }

    /// Of floats; `None` if one is not finite.
    pub fn floats(values: &[f64]) -> Option<Values> {
        let mut least = 0;
        for value in values {
            work(1);
            least = least.min(parts(*value)?.1);
        }
        let shift = |exponent: i32| exponent.abs_diff(least);
        let short = |i: usize| {
            let (mantissa, exponent) = parts(values[i])?;
            // Mantissas have 53 bits.
            (mantissa == 0 || shift(exponent) < 127 - 53).then(|| i128::from(mantissa) << shift(exponent).min(73))
        };
        let long = |i: usize| parts(values[i]).map_or_else(BigInt::zero, |(m, e)| BigInt::from(m) << shift(e));
        let numbers = Numbers::new(values.len(), short, long);
        Some(Values { numbers, denominator: BigInt::one() << least.unsigned_abs() })
    }

    /// Numbers over a denominator, in lowest terms.
    pub(super) fn over(numbers: Numbers, denominator: BigInt) -> Values {
        let divisor = if denominator.is_one() { BigInt::one() } else { numbers.divisor().gcd(&denominator) };
        if divisor.is_one() {
            return Values { numbers, denominator };
        }
        let small = divisor.to_i128();
        let short = |i: usize| {
            work(NUMBER);
            Some(numbers.short(i)? / small?)
        };
        let reduced = Numbers::new(numbers.len(), short, |i| numbers.get(i) / &divisor);
        Values { numbers: reduced, denominator: denominator / divisor }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// One of them.
    pub fn get(&self, index: usize) -> Rational {
        Rational::new(self.numbers.get(index), self.denominator.clone())
    }
}

/// A finite float as an odd integer, or 0, times a power of two.
fn parts(value: f64) -> Option<(i64, i32)> {
    if !value.is_finite() {
        return None;
    }
    let (mantissa, exponent, sign) = value.integer_decode();
    let zeros = mantissa.trailing_zeros();
    // At most 53 bits.
    let odd = if mantissa == 0 { 0 } else { (mantissa >> zeros) as i64 };
    Some((i64::from(sign) * odd, if odd == 0 { 0 } else { i32::from(exponent) + zeros as i32 }))
}
