//! Quotients rounded to integers, with a bound of what rounding leaves, and the matrices made of them.

use super::{RESIDUE_BITS, TooLarge};
use crate::interrupt::work;
use crate::real::{NUMBER, RealMatrix, Row};
use crate::{Matrix, Rational};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::sync::Arc;
/// A number e with value <= 2^e; `None` for zero.
pub(super) fn exponent(value: &Rational) -> Option<i64> {
    let bits = |n: &BigInt| i64::try_from(n.bits()).unwrap_or(i64::MAX / 4);
    (!value.is_zero()).then(|| bits(value.numer()) - bits(value.denom()) + 1)
}

/// The nearest integer of a quotient, and by how much it is off at most, in 2^-[`RESIDUE_BITS`].
pub(super) fn rounded_to_integer(numerator: &BigInt, denominator: &BigInt) -> (BigInt, i64) {
    work(NUMBER);
    if denominator.is_one() {
        return (numerator.clone(), 0);
    }
    let nearest = Integer::div_floor(&(numerator * 2 + denominator), &(denominator * 2));
    let rest: BigInt = numerator - &nearest * denominator;
    // At most half a step.
    let residue = Integer::div_ceil(&(rest.abs() << RESIDUE_BITS), denominator).to_i64().unwrap_or(1 << RESIDUE_BITS);
    (nearest, residue)
}

/// The same in 128 bits, if these suffice.
pub(super) fn short_rounded(numerator: i128, denominator: i128) -> Option<(i128, i64)> {
    if denominator == 1 {
        return Some((numerator, 0));
    }
    work(NUMBER / 2);
    let nearest =
        Integer::div_floor(&numerator.checked_mul(2)?.checked_add(denominator)?, &denominator.checked_mul(2)?);
    let rest = numerator.checked_sub(nearest.checked_mul(denominator)?)?;
    let residue = Integer::div_ceil(&rest.abs().checked_mul(1 << RESIDUE_BITS)?, &denominator);
    Some((nearest, i64::try_from(residue).ok()?))
}

/// A matrix of the same shape with other numbers.
pub(super) fn rebuilt(matrix: &RealMatrix, number: impl Fn(u32) -> i64) -> Result<Arc<Matrix>, TooLarge> {
    let plain = |row: &Row| {
        work(1 + row.len());
        row.len() == matrix.columns() && row.iter().enumerate().all(|(i, e)| e.0 as usize == i)
    };
    if matrix.rows().iter().all(plain) {
        let values = matrix.rows().iter().flatten().inspect(|_| work(1)).map(|(_, index)| number(*index)).collect();
        return Ok(Matrix::dense(matrix.rows().len(), matrix.columns(), values));
    }
    let rows = matrix
        .rows()
        .iter()
        .inspect(|row| work(NUMBER + 4 * row.len()))
        .map(|row| row.iter().map(|(column, i)| (*column, number(*i))).collect());
    let rows: Vec<Vec<(u32, i64)>> = rows.collect();
    // Entries of the same place are added up.
    let fits =
        |row: &Vec<(u32, i64)>| row.iter().map(|(_, n)| i128::from(n.abs())).sum::<i128>() <= i128::from(i64::MAX);
    if rows.iter().inspect(|row| work(1 + row.len())).all(fits) {
        Ok(Matrix::sparse(matrix.columns(), rows))
    } else {
        Err(TooLarge)
    }
}
