//! The loops over coefficients, for several processors.
//!
//! In: coefficients of 64 bits, and numbers that they are multiplied with. Out: products and their sums of 128 bits, exactly. Numbers that are longer than 32 bits
//! are taken as digits to the base 2^24, so that a vector unit finds many products at a time and no partial sum leaves 64 bits.

use multiversion::multiversion;

/// The bits of a digit.
const DIGIT: u32 = 24;
/// Coefficients that are multiplied with digits have at most this many bits, sign not counted.
const MOST_BITS: u32 = 31;
/// Sums of so many products of 31 and 24 bits fit 63 bits.
const BLOCK: usize = 128;

/// Numbers of 64 bits in digits, least first; all but the last are not negative.
pub(super) struct Digits([Vec<i32>; 3]);

impl Digits {
    /// The digits, if all numbers have 64 bits.
    pub(super) fn new(numbers: impl Iterator<Item = i128>) -> Option<Digits> {
        let mut digits = Digits([Vec::new(), Vec::new(), Vec::new()]);
        for number in numbers {
            let number = i64::try_from(number).ok()?;
            let low = |number: i64| (number & ((1 << DIGIT) - 1)) as i32;
            digits.0[0].push(low(number));
            digits.0[1].push(low(number >> DIGIT));
            digits.0[2].push((number >> (2 * DIGIT)) as i32);
        }
        Some(digits)
    }
}

/// The number whose digits have these sums.
fn number([low, middle, high]: [i64; 3]) -> i128 {
    i128::from(low) + (i128::from(middle) << DIGIT) + (i128::from(high) << (2 * DIGIT))
}

/// The greatest magnitude.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub(super) fn greatest(coefficients: &[i64]) -> u64 {
    coefficients.iter().fold(0, |most, c| most.max(c.unsigned_abs()))
}

/// The sum of coefficient times number; coefficients have at most 31 bits.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub(super) fn sum_of_products(coefficients: &[i64], numbers: &Digits) -> i128 {
    let Digits([low, middle, high]) = numbers;
    let digits = low.chunks(BLOCK).zip(middle.chunks(BLOCK)).zip(high.chunks(BLOCK));
    let mut total = 0;
    for (coefficients, ((low, middle), high)) in coefficients.chunks(BLOCK).zip(digits) {
        let mut sums = [0i64; 3];
        for (((c, low), middle), high) in coefficients.iter().zip(low).zip(middle).zip(high) {
            let c = i64::from(*c as i32);
            sums[0] += c * i64::from(*low);
            sums[1] += c * i64::from(*middle);
            sums[2] += c * i64::from(*high);
        }
        total += number(sums);
    }
    total
}

/// Divides coefficients by 2^by, rounded down; the sum of what that leaves of each times its number.
/// `by` is at most `MOST_SHIFT`.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub(super) fn shift(coefficients: &mut [i64], by: u32, numbers: &Digits) -> i128 {
    let mask = (1i64 << by) - 1;
    let Digits([low, middle, high]) = numbers;
    let digits = low.chunks(BLOCK).zip(middle.chunks(BLOCK)).zip(high.chunks(BLOCK));
    let mut total = 0;
    for (coefficients, ((low, middle), high)) in coefficients.chunks_mut(BLOCK).zip(digits) {
        let mut sums = [0i64; 3];
        for (((c, low), middle), high) in coefficients.iter_mut().zip(low).zip(middle).zip(high) {
            let rest = i64::from((*c & mask) as i32);
            *c >>= by;
            sums[0] += rest * i64::from(*low);
            sums[1] += rest * i64::from(*middle);
            sums[2] += rest * i64::from(*high);
        }
        total += number(sums);
    }
    total
}

/// The greatest shift that [`shift`] takes: what is left of a coefficient has 31 bits.
pub(super) const MOST_SHIFT: u32 = MOST_BITS;

/// A slope and an intercept for each element.
pub(super) struct Side {
    slopes: Vec<i32>,
    intercepts: Digits,
}

impl Side {
    /// The columns of lines, if slopes have 32 bits and intercepts 64.
    pub(super) fn new(lines: impl Iterator<Item = (i64, i128)> + Clone) -> Option<Side> {
        let slopes = lines.clone().map(|(slope, _)| i32::try_from(slope).ok()).collect::<Option<_>>()?;
        Some(Side { slopes, intercepts: Digits::new(lines.map(|(_, intercept)| intercept))? })
    }
}

/// Writes coefficient times slope, with the line above for positive coefficients and the line below for others; the sum of coefficient times intercept. Coefficients
/// have at most 31 bits.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub(super) fn put_in_place(coefficients: &[i64], target: &mut [i64], above: &Side, below: &Side) -> i128 {
    let (Digits(upper), Digits(lower)) = (&above.intercepts, &below.intercepts);
    let count = coefficients.len();
    let mut total = 0;
    for from in (0..count).step_by(BLOCK) {
        let to = (from + BLOCK).min(count);
        let coefficients = &coefficients[from..to];
        let count = coefficients.len();
        let target = &mut target[from..to][..count];
        let slopes = (&above.slopes[from..to][..count], &below.slopes[from..to][..count]);
        let [upper, lower] = [upper, lower].map(|digits| [0, 1, 2].map(|k| &digits[k][from..to][..count]));
        let mut sums = [0i64; 3];
        for i in 0..coefficients.len() {
            // Both lines are read before one is chosen: then no branch keeps a vector unit from taking many.
            let c = coefficients[i] as i32;
            let ups = [slopes.0[i], upper[0][i], upper[1][i], upper[2][i]];
            let downs = [slopes.1[i], lower[0][i], lower[1][i], lower[2][i]];
            let is_above = c > 0;
            let [slope, low, middle, high] = [0, 1, 2, 3].map(|k| i64::from(if is_above { ups[k] } else { downs[k] }));
            let c = i64::from(c);
            target[i] = c * slope;
            sums[0] += c * low;
            sums[1] += c * middle;
            sums[2] += c * high;
        }
        total += number(sums);
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use qnn_ir::Random;

    /// Sums of products of numbers of every length, and at the ends of what is allowed.
    #[test]
    fn sums_are_exact() {
        for seed in 0..2000 {
            let mut random = Random::new(seed);
            let count = random.between(0, 300) as usize;
            let coefficient = |random: &mut Random| match random.between(0, 3) {
                0 => (1 << MOST_BITS) - 1,
                1 => -(1i64 << MOST_BITS),
                _ => {
                    let most = 1i64 << random.between(0, i64::from(MOST_BITS));
                    random.between(-most, most - 1)
                }
            };
            let long = |random: &mut Random| match random.between(0, 4) {
                0 => i64::MAX,
                1 => i64::MIN,
                2 => -1,
                _ => random.between(i64::MIN, i64::MAX) >> random.between(0, 63),
            };
            let coefficients: Vec<i64> = (0..count).map(|_| coefficient(&mut random)).collect();
            let numbers: Vec<i128> = (0..count).map(|_| i128::from(long(&mut random))).collect();
            let digits = Digits::new(numbers.iter().copied()).expect("64 bits");
            let sum = |c: &[i64], n: &[i128]| c.iter().zip(n).map(|(c, n)| i128::from(*c) * n).sum::<i128>();
            assert_eq!(sum_of_products(&coefficients, &digits), sum(&coefficients, &numbers), "seed {seed}");
            assert_eq!(greatest(&coefficients), coefficients.iter().map(|c| c.unsigned_abs()).max().unwrap_or(0));

            let wide: Vec<i64> = (0..count).map(|_| long(&mut random)).collect();
            let by = random.between(1, i64::from(MOST_SHIFT)) as u32;
            let (mut shifted, rests) = (wide.clone(), wide.iter().map(|c| c.rem_euclid(1 << by)).collect::<Vec<_>>());
            assert_eq!(shift(&mut shifted, by, &digits), sum(&rests, &numbers), "seed {seed}");
            assert!(shifted.iter().zip(&wide).all(|(s, c)| *s == c.div_euclid(1 << by)), "seed {seed}");

            let lines = |random: &mut Random| -> Vec<(i64, i128)> {
                (0..count).map(|_| (random.between(0, (1 << 30) - 1), i128::from(long(random)))).collect()
            };
            let (above, below) = (lines(&mut random), lines(&mut random));
            let side = |lines: &Vec<(i64, i128)>| Side::new(lines.iter().copied()).expect("64 bits");
            let mut target = vec![7; count];
            let constant = put_in_place(&coefficients, &mut target, &side(&above), &side(&below));
            let line = |i: usize| if coefficients[i] > 0 { above[i] } else { below[i] };
            assert_eq!(constant, (0..count).map(|i| i128::from(coefficients[i]) * line(i).1).sum::<i128>());
            assert!((0..count).all(|i| target[i] == coefficients[i] * line(i).0), "seed {seed}");
        }
    }
}
