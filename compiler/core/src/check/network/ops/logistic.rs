//! Sigmoid and tanh of a rational, correctly rounded.
//!
//! In: a rational, a resolution and a rounding mode. Out: the integer that the mode makes of the function's value divided by the resolution. The value is
//! enclosed by rationals, with more and more digits until both ends are rounded alike. That ends: at a rational other than 0 the value is transcendental
//! (Lindemann), while a mode's jumps are at rationals. No float is involved.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};
use qnn_ir::interrupt::work;
use qnn_ir::rational::{integer, ratio};
use qnn_ir::real::NUMBER;
use qnn_ir::{Rational, Rounding};

/// How many bits an enclosure has at first.
const BITS: u64 = 64;

/// 1 / (1 + e^−x) over the resolution, rounded.
pub(super) fn sigmoid(x: &Rational, resolution: &Rational, mode: Rounding) -> BigInt {
    if x.is_zero() {
        return mode.round(&(ratio(1, 2) / resolution));
    }
    let value = |s: Rational| if x.is_negative() { Rational::one() - s } else { s };
    rounded(&x.abs(), resolution, mode, &value)
}

/// tanh(x) = 2 · sigmoid(2 · x) − 1 over the resolution, rounded.
pub(super) fn tanh(x: &Rational, resolution: &Rational, mode: Rounding) -> BigInt {
    if x.is_zero() {
        return BigInt::zero();
    }
    let value = |s: Rational| {
        let positive = integer(2) * s - Rational::one();
        if x.is_negative() { -positive } else { positive }
    };
    rounded(&(integer(2) * x.abs()), resolution, mode, &value)
}

/// What the mode makes of `value(sigmoid(x))` over the resolution, for positive x. `value` is linear, with a slope of 1 or 2 either way.
fn rounded(x: &Rational, resolution: &Rational, mode: Rounding, value: &dyn Fn(Rational) -> Rational) -> BigInt {
    let round = |s: Rational| mode.round(&(value(s) / resolution));
    // The jumps of a mode are multiples of p / 2q, for the resolution p / q. So none lies between 1 and values less than 1 / 2q away, and all of
    // those are rounded alike: sigmoid(x) = 1 − δ and 1 − 1 / 8q, where δ < e^−x < 1 / 4q.
    let limit: BigInt = resolution.denom() * 8;
    if *x >= integer(i128::from(limit.bits())) {
        return round(Rational::one() - Rational::new(BigInt::one(), limit));
    }
    let mut bits = BITS;
    loop {
        let (lo, hi) = enclosed(x, bits);
        let (lo, hi) = (round(lo), round(hi));
        if lo == hi {
            return lo;
        }
        bits *= 2;
    }
}

/// Rationals below and above sigmoid(x), for positive x.
fn enclosed(x: &Rational, bits: u64) -> (Rational, Rational) {
    let (lo, hi, scale) = exp_of_negative(x, bits);
    let one = BigInt::one() << scale;
    let of = |e: BigInt| Rational::new(one.clone(), &one + e);
    (of(hi), of(lo))
}

/// Integers below and above 2^scale · e^−x, for positive x, and the scale: the Taylor series of e^−r for r = x / 2^k < 1 / 4, squared k times.
fn exp_of_negative(x: &Rational, bits: u64) -> (BigInt, BigInt, u64) {
    let halvings = x.to_integer().bits() + 2;
    let scale = bits + 2 * halvings + 16;
    work(NUMBER * (scale + 64 * halvings).to_usize().unwrap_or(usize::MAX));
    let r = (x.numer() << (scale - halvings)).div_floor(x.denom());
    let (r_lo, r_hi) = (r.clone(), r + 1);
    // The terms r^n / n!, and the sum with alternating signs. What is left out is less than the first term that is.
    let one = BigInt::one() << scale;
    let (mut term_lo, mut term_hi) = (one.clone(), one.clone());
    let (mut lo, mut hi) = (one.clone(), one);
    for n in 1u32.. {
        term_lo = ((term_lo * &r_lo) >> scale) / n;
        term_hi = Integer::div_ceil(&(term_hi * &r_hi), &(BigInt::from(n) << scale));
        if n % 2 == 1 {
            lo -= &term_hi;
            hi -= &term_lo;
        } else {
            lo += &term_lo;
            hi += &term_hi;
        }
        if term_hi <= BigInt::from(2) {
            lo -= &term_hi;
            hi += &term_hi;
            break;
        }
    }
    for _ in 0..halvings {
        lo = (&lo * &lo) >> scale;
        hi = ((&hi * &hi) >> scale) + 1;
    }
    (lo, hi, scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enclosures_hold_the_value() {
        for (n, d) in [(1, 1), (1, 1000), (7, 2), (31, 3), (100, 7), (250, 1)] {
            let x = ratio(n, d);
            let (lo, hi) = enclosed(&x, 64);
            let float = 1.0 / (1.0 + (-(n as f64) / d as f64).exp());
            assert!(lo < hi && &hi - &lo < Rational::new(BigInt::one(), BigInt::one() << 60u32), "{x}");
            assert!(
                (lo.to_f64().unwrap() - float).abs() < 1e-14 && (hi.to_f64().unwrap() - float).abs() < 1e-14,
                "{x}"
            );
            let (finer_lo, finer_hi) = enclosed(&x, 512);
            assert!(lo <= finer_lo && finer_lo < finer_hi && finer_hi <= hi, "{x}");
        }
    }

    #[test]
    fn far_values_are_near_their_limits() {
        let step = ratio(1, 256);
        for mode in Rounding::ALL {
            let down = matches!(mode, Rounding::Floor | Rounding::TowardZero);
            let up = matches!(mode, Rounding::Ceil | Rounding::Up);
            for x in [ratio(60, 1), Rational::from_integer(BigInt::one() << 200u32)] {
                assert_eq!(sigmoid(&x, &step, mode), BigInt::from(256 - i32::from(down)), "{mode:?}");
                assert_eq!(tanh(&x, &step, mode), BigInt::from(256 - i32::from(down)), "{mode:?}");
                assert_eq!(sigmoid(&-&x, &step, mode), BigInt::from(i32::from(up)), "{mode:?}");
                let least = -256 + i32::from(matches!(mode, Rounding::TowardZero | Rounding::Ceil));
                assert_eq!(tanh(&-&x, &step, mode), BigInt::from(least), "{mode:?}");
            }
        }
    }

    #[test]
    fn small_values_are_told_from_lines() {
        // tanh(x) is x − x³ / 3 + …: just below a multiple of the resolution.
        let (x, step) = (ratio(3, 1 << 40), ratio(1, 1 << 40));
        assert_eq!(tanh(&x, &step, Rounding::Floor), BigInt::from(2));
        assert_eq!(tanh(&x, &step, Rounding::HalfUp), BigInt::from(3));
        assert_eq!(tanh(&-x, &step, Rounding::Floor), BigInt::from(-3));
        assert_eq!(sigmoid(&ratio(1, 1 << 40), &ratio(1, 2), Rounding::Floor), BigInt::one());
        assert_eq!(sigmoid(&ratio(-1, 1 << 40), &ratio(1, 2), Rounding::Floor), BigInt::zero());
    }
}
