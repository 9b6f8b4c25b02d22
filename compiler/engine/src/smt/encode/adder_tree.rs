//! Sums of products with constants, as trees of unsigned additions.

use super::{AdderTree, Encoder, Products, Value, above, width_for};
use crate::smt::term::{MOST_BITS, Term, ones};
use num_integer::Integer;
use qnn_ir::Interval;
use qnn_ir::interrupt::work;

impl Encoder<'_> {
    /// constant + the sum of factor · value.
    pub(super) fn sum(&mut self, items: &[(i128, Value)], constant: i128) -> Option<Value> {
        work(64 * items.len());
        let mut offset = constant;
        let mut range = Interval::new(constant, constant);
        let mut addends: Vec<Addend> = Vec::with_capacity(items.len());
        for (factor, value) in items {
            offset = offset.checked_add(factor.checked_mul(value.offset)?)?;
            range = range.checked_add(value.range.checked_scale(*factor)?)?;
            let Some(bits) = value.bits else { continue };
            let most = above(value.offset, value.range.hi)?;
            match self.options.products {
                Products::Multiply => offset = offset.checked_add(self.addend(&mut addends, *factor, bits, most)?)?,
                Products::Shift => {
                    for digit in signed_digits(*factor)? {
                        offset = offset.checked_add(self.addend(&mut addends, digit, bits, most)?)?;
                    }
                }
            }
        }
        let total = match self.options.tree {
            AdderTree::Balanced => {
                while addends.len() > 1 {
                    let mut next = Vec::with_capacity(addends.len().div_ceil(2));
                    for pair in addends.chunks(2) {
                        next.push(match pair {
                            [a, b] => self.add(*a, *b)?,
                            _ => pair[0],
                        });
                    }
                    addends = next;
                }
                addends.pop()
            }
            AdderTree::Linear => {
                let mut addends = addends.into_iter();
                match addends.next() {
                    Some(first) => Some(addends.try_fold(first, |sum, next| self.add(sum, next))?),
                    None => None,
                }
            }
        };
        Some(Value { offset, bits: total.map(|sum| sum.bits), range })
    }

    /// Appends factor · bits, for bits in `0 ..= most`, and returns what must be added to the constant for it.
    fn addend(&mut self, addends: &mut Vec<Addend>, factor: i128, bits: Term, most: u128) -> Option<i128> {
        if factor == 0 {
            return Some(0);
        }
        let (bits, most, constant) = if factor > 0 {
            (bits, most, 0)
        } else {
            // −w · bits = w · (2^k − 1 − bits) − w · (2^k − 1), and the bracket is a complement.
            let top = ones(self.terms.width(bits));
            (self.terms.complement(bits), top, factor.checked_mul(i128::try_from(top).ok()?)?)
        };
        let magnitude = factor.unsigned_abs();
        let (shift, odd) = (magnitude.trailing_zeros(), magnitude >> magnitude.trailing_zeros());
        let width = width_for(odd.checked_mul(most)?)?.max(self.terms.width(bits));
        let bits = self.terms.extend(bits, width);
        let product = self.terms.multiply(odd, bits);
        width_for(magnitude.checked_mul(most)?)?;
        (width + shift <= MOST_BITS).then_some(())?;
        let bits = self.terms.shift_left(product, shift);
        addends.push(Addend { bits, most: magnitude.checked_mul(most)? });
        Some(constant)
    }

    /// The sum at the width that its greatest value needs.
    fn add(&mut self, a: Addend, b: Addend) -> Option<Addend> {
        let most = a.most.checked_add(b.most)?;
        let width = width_for(most)?;
        let (x, y) = (self.terms.resize(a.bits, width), self.terms.resize(b.bits, width));
        Some(Addend { bits: self.terms.add(x, y), most })
    }
}

/// A part of a sum: bits in `0 ..= most`.
#[derive(Clone, Copy)]
struct Addend {
    bits: Term,
    most: u128,
}

/// Signed powers of two, no two of them neighbours, that add up to the number.
fn signed_digits(mut number: i128) -> Option<Vec<i128>> {
    let mut digits = Vec::new();
    let mut power: i128 = 1;
    while number != 0 {
        if number.is_odd() {
            let digit = if number.rem_euclid(4) == 3 { -1 } else { 1 };
            digits.push(digit * power);
            number = number.checked_sub(digit)?;
        }
        number /= 2;
        power = power.checked_mul(2)?;
    }
    Some(digits)
}
