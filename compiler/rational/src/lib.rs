//! Exact rational numbers: what literals are in specs, values in properties, and scales in networks. Reading, and showing them.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

/// An exact rational of unbounded size.
pub type Rational = num_rational::BigRational;

/// `numerator / denominator`; the denominator must not be zero.
pub fn ratio(numerator: i128, denominator: i128) -> Rational {
    Rational::new(numerator.into(), denominator.into())
}

/// An integer as a rational.
pub fn integer(n: i128) -> Rational {
    Rational::from_integer(n.into())
}

/// 2^exponent, for positive and negative exponents.
pub fn power_of_two(exponent: i64) -> Rational {
    let power = BigInt::one() << exponent.unsigned_abs();
    if exponent >= 0 { Rational::from_integer(power) } else { Rational::new_raw(BigInt::one(), power) }
}

/// The exact value of a finite float; `None` for NaN and the infinities.
pub fn from_f64(value: f64) -> Option<Rational> {
    Rational::from_float(value)
}

/// The exact value of a decimal literal such as `12`, `0.05`, `1e-3` or `-2.5E2`.
///
/// Exponents beyond ±4096 are refused, so that a short text can't ask for gigabytes.
pub fn parse_decimal(text: &str) -> Option<Rational> {
    let text: String = text.chars().filter(|c| *c != '_').collect();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest.to_owned()),
        None => (false, text.strip_prefix('+').unwrap_or(&text).to_owned()),
    };
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i64>().ok()?),
        None => (text.as_str(), 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() || exponent.abs() > 4096 || mantissa.len() > 4096 {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits: BigInt = digits.parse().ok()?;
    let power = exponent - i64::try_from(fraction.len()).ok()?;
    let power = (power >= 0, u32::try_from(power.unsigned_abs()).ok()?);
    let value = match power {
        (true, power) => Rational::from_integer(digits * BigInt::from(10).pow(power)),
        (false, power) => over_power_of_ten(digits, power),
    };
    Some(if negative { -value } else { value })
}

/// `digits / 10^power` in lowest terms. Only 2 and 5 can be common factors; looking for these alone is far quicker than
/// a greatest common divisor of long numbers, which a table of many small exponents would make take hours.
fn over_power_of_ten(mut digits: BigInt, power: u32) -> Rational {
    if digits.is_zero() {
        return Rational::zero();
    }
    let twos = u32::try_from(digits.trailing_zeros().unwrap_or(0)).unwrap_or(u32::MAX).min(power);
    digits >>= twos;
    let mut fives = 0;
    while fives < power && digits.is_multiple_of(&BigInt::from(5)) {
        digits /= 5;
        fives += 1;
    }
    Rational::new_raw(digits, BigInt::from(5).pow(power - fives) << (power - twos))
}

/// The most digits after the point of a number that is written in full.
const MOST_DECIMALS: u32 = 12;
/// The most digits after the point of a number that a spec is to hold.
const MOST_WRITTEN: u32 = 80;
/// The most digits before the point of a number that people are shown in full.
const MOST_WHOLE: usize = 40;
/// The significant digits of a rounded number, and the least of them that round nothing before the point.
const SIGNIFICANT: i64 = 6;

/// The rational exactly: as a decimal where at most 12 digits after the point say it, else as a fraction. Two rationals never have one text.
pub fn exact(value: &Rational) -> String {
    decimals(value, MOST_DECIMALS).map_or_else(|| value.to_string(), |decimals| in_decimals(value, decimals))
}

/// The rational exactly, as a spec writes it: as a decimal where at most 80 digits after the point say it, else as a quotient.
pub fn written(value: &Rational) -> String {
    let quotient = || format!("{} / {}", value.numer(), value.denom());
    decimals(value, MOST_WRITTEN).map_or_else(quotient, |decimals| in_decimals(value, decimals))
}

/// What [`exact`] wrote.
pub fn parse_exact(text: &str) -> Option<Rational> {
    match text.split_once('/') {
        Some((numerator, denominator)) => {
            let (numerator, denominator): (BigInt, BigInt) = (numerator.parse().ok()?, denominator.parse().ok()?);
            (!denominator.is_zero()).then(|| Rational::new(numerator, denominator))
        }
        None => parse_decimal(text),
    }
}

/// The rational for people: exactly where that is short, else rounded after `≈`: `0.0625`, `1/3`, `≈0.142012`.
pub fn show(value: &Rational) -> String {
    let short = |n: &BigInt| n.bits() <= 6;
    if short(value.numer()) && short(value.denom()) || decimals(value, MOST_DECIMALS).is_some() {
        let text = exact(value);
        if text.find('.').unwrap_or(text.len()) <= MOST_WHOLE {
            return text;
        }
    }
    format!("≈{}", rounded(value))
}

/// How many digits after the point say it exactly, if no more than so many do.
fn decimals(value: &Rational, most: u32) -> Option<u32> {
    let mut denominator = value.denom().clone();
    let mut decimals = 0;
    for prime in [2, 5] {
        let mut count = 0;
        while count <= most && denominator.is_multiple_of(&BigInt::from(prime)) {
            denominator /= prime;
            count += 1;
        }
        decimals = decimals.max(count);
    }
    (denominator.is_one() && decimals <= most).then_some(decimals)
}

/// With a number of digits after the point, the last one rounded.
fn in_decimals(value: &Rational, decimals: u32) -> String {
    let scaled = (value * Rational::from_integer(BigInt::from(10).pow(decimals))).round().to_integer();
    let digits = format!("{:0>width$}", scaled.abs().to_string(), width = decimals as usize + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals as usize);
    let sign = if scaled.is_negative() { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// In six significant digits, with a power of ten where the number is very small or very large; digits before the point are not rounded.
fn rounded(value: &Rational) -> String {
    let ten = |exponent: i64| {
        let power =
            Rational::from_integer(BigInt::from(10).pow(u32::try_from(exponent.unsigned_abs()).unwrap_or(u32::MAX)));
        if exponent < 0 { power.recip() } else { power }
    };
    let digits = |n: &BigInt| i64::try_from(n.abs().to_string().len()).unwrap_or(i64::MAX);
    // The exponent of the first digit.
    let guess = digits(value.numer()) - digits(value.denom());
    let exponent = if value.abs() < ten(guess) { guess - 1 } else { guess };
    let trimmed = |text: String| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    };
    match exponent {
        -5..15 => trimmed(in_decimals(value, u32::try_from(SIGNIFICANT - 1 - exponent).unwrap_or(0))),
        _ => {
            let mantissa = in_decimals(&(value * ten(-exponent)), 5);
            format!("{}e{exponent}", trimmed(mantissa))
        }
    }
}

/// The nearest float, for display and for heuristics only.
pub fn to_f64(value: &Rational) -> f64 {
    value.to_f64().unwrap_or(if value.is_negative() { f64::NEG_INFINITY } else { f64::INFINITY })
}

/// The least common multiple of the denominators: the smallest positive integer that makes all values integers.
pub fn common_denominator<'a>(values: impl IntoIterator<Item = &'a Rational>) -> BigInt {
    values.into_iter().fold(BigInt::one(), |lcm, v| if v.is_integer() { lcm } else { lcm.lcm(v.denom()) })
}

/// The greatest rational of which both are integer multiples; a zero counts as a multiple of everything.
pub fn common_step(a: &Rational, b: &Rational) -> Rational {
    if a.is_zero() {
        return b.abs();
    }
    if b.is_zero() || a == b {
        return a.abs();
    }
    let numerator = (a.numer() * b.denom()).gcd(&(b.numer() * a.denom()));
    Rational::new(numerator, a.denom() * b.denom())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        assert_eq!(parse_decimal("0.05"), Some(ratio(1, 20)));
        assert_eq!(parse_decimal("-2.5e2"), Some(integer(-250)));
        assert_eq!(parse_decimal("1_000"), Some(integer(1000)));
        assert_eq!(parse_decimal("1e-3"), Some(ratio(1, 1000)));
        assert_eq!(parse_decimal("0.000"), Some(integer(0)));
        for (text, numerator, denominator) in [("-0.50", -1, 2), ("12.500", 25, 2), ("0.32", 8, 25), ("250e-2", 5, 2)] {
            let value = parse_decimal(text).unwrap();
            assert_eq!((value.numer(), value.denom()), (&numerator.into(), &denominator.into()), "{text}");
        }
        for bad in ["", ".", "e5", "1e99999", "0x10", "--1", "1.2.3"] {
            assert_eq!(parse_decimal(bad), None, "{bad}");
        }
    }

    #[test]
    fn shows_exact_decimals() {
        assert_eq!(show(&ratio(-1, 16)), "-0.0625");
        assert_eq!(show(&ratio(3, 20)), "0.15");
        assert_eq!(show(&integer(7)), "7");
        assert_eq!(show(&ratio(-2, 3)), "-2/3");
    }

    #[test]
    fn what_is_rounded_says_so() {
        let tiny = power_of_two(-60);
        assert_eq!(show(&ratio(100, 300_001)), "≈0.000333332");
        assert_eq!(show(&ratio(-1_000_000, 7)), "≈-142857");
        assert_eq!(show(&ratio(199_999_999, 200_000_000)), "0.999999995");
        assert_eq!(show(&ratio(2_999_999_999, 3_000_000_000)), "≈1");
        assert_eq!(show(&from_f64(f64::from(0.1f32)).unwrap()), "≈0.1");
        assert_eq!(show(&tiny), "≈8.67362e-19");
        assert_eq!(show(&(integer(1) / (&tiny * integer(3)))), "≈3.84307e17");
        assert_eq!(show(&parse_decimal("1e400").unwrap()), "≈1e400");
        assert_eq!(show(&parse_decimal("-1e-400").unwrap()), "≈-1e-400");
    }

    #[test]
    fn exact_texts_are_read_back() {
        let values =
            [ratio(1, 3), ratio(-22, 7), power_of_two(-60), integer(-5), ratio(1, 16), parse_decimal("1e400").unwrap()];
        for value in values {
            let text = exact(&value);
            assert_eq!(parse_exact(&text), Some(value.clone()), "{text}");
            // What isn't marked is all there is.
            let shown = show(&value);
            assert!(shown.starts_with('≈') || parse_exact(&shown) == Some(value), "{shown}");
        }
        assert_eq!((parse_exact("1/0"), parse_exact("1/x"), parse_exact("/")), (None, None, None));
    }
}
