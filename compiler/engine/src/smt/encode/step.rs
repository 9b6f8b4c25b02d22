//! Steps: thresholds as comparisons, roundings as shifts or divisions.

use super::{Encoder, Value, above, width_for};
use crate::presolve::Element;
use crate::smt::term::{MOST_BITS, Term, bits_for, ones};
use num_integer::Integer;
use qnn_ir::{Interval, Rounding, Step};

/// Steps with at most this many results, and no power of two as denominator, become comparisons with their thresholds; others a division.
const MOST_THRESHOLDS: i128 = 64;

impl Encoder<'_> {
    /// A step: a shift, a quotient, or comparisons with its thresholds.
    pub(super) fn step(&mut self, at: Element, step: &Step, source: Value, range: Interval) -> Option<Value> {
        let Some(bits) = source.bits else { return Some(Value::constant(range.lo)) };
        if let Step::Round { numerator, denominator, offset, mode, .. } = step {
            if numerator % denominator == 0 && offset % denominator == 0 && self.unclamped(step, source.range)? {
                let (slope, shift) = (numerator / denominator, offset / denominator);
                if slope == 1 {
                    return Some(Value { offset: source.offset.checked_add(shift)?, bits: Some(bits), range });
                }
                return self.sum(&[(slope, source)], shift);
            }
            let power = denominator.count_ones() == 1;
            if power || range.hi.checked_sub(range.lo)? >= MOST_THRESHOLDS {
                return self.quotient(at, (*numerator, *denominator, *offset, *mode), source, range);
            }
        }
        let mut thresholds = Vec::new();
        for v in range.lo + 1..=range.hi {
            thresholds.push(above(source.offset, step.threshold(v)?)?);
        }
        let bits = self.count(bits, above(source.offset, source.range.hi)?, &thresholds)?;
        Some(Value { offset: range.lo, bits: Some(bits), range })
    }

    /// Whether no clamp acts anywhere in the range.
    fn unclamped(&self, step: &Step, range: Interval) -> Option<bool> {
        let Step::Round { numerator, denominator, offset, lo, hi, .. } = step else { return Some(false) };
        let at = |a: i128| Some(Integer::div_floor(&numerator.checked_mul(a)?.checked_add(*offset)?, denominator));
        Some(at(range.lo)? >= *lo && at(range.hi)? <= *hi)
    }

    /// How many of the ascending thresholds are at most `bits`, for bits in `0 ..= most`: a bit at a time from the top, each by one comparison with the
    /// threshold that the bits above it choose.
    fn count(&mut self, bits: Term, most: u128, thresholds: &[u128]) -> Option<Term> {
        let levels = bits_for(thresholds.len() as u128);
        let never = most.checked_add(1)?;
        let full = (thresholds.len() + 1).is_power_of_two();
        let width = width_for(if full { most } else { never })?.max(self.terms.width(bits));
        let wide = self.terms.extend(bits, width);
        let mut chosen: Vec<Term> = Vec::new();
        let mut result: Option<Term> = None;
        for level in (0..levels).rev() {
            let leaves: Vec<u128> = (0..1usize << chosen.len())
                .map(|above| (above << (level + 1)) + (1 << level))
                .map(|count| thresholds.get(count - 1).copied().unwrap_or(never))
                .collect();
            let threshold = self.select(&chosen, &leaves, width);
            let bit = self.terms.ule(threshold, wide);
            chosen.push(bit);
            let bit = self.bool_bit(bit);
            result = Some(match result {
                Some(high) => self.terms.concat(high, bit),
                None => bit,
            });
        }
        result
    }

    /// The leaf whose index has the given bits, the highest first.
    fn select(&mut self, index: &[Term], leaves: &[u128], width: u32) -> Term {
        let Some((top, rest)) = index.split_first() else { return self.terms.constant(leaves[0], width) };
        let (low, high) = leaves.split_at(leaves.len() / 2);
        let (low, high) = (self.select(rest, low, width), self.select(rest, high, width));
        self.terms.choose(*top, high, low)
    }

    fn bool_bit(&mut self, condition: Term) -> Term {
        let (one, zero) = (self.terms.constant(1, 1), self.terms.constant(0, 1));
        self.terms.choose(condition, one, zero)
    }

    /// A rounding step by a shift, or by a division with a remainder: clamp(round((numerator · a + offset) / denominator)) over a range that is already the clamped one.
    ///
    /// Every mode is floor((dividend + adjustment) / denominator); the adjustment may depend on the dividend's sign, and half to even
    /// clears the last bit of a tie's result.
    fn quotient(
        &mut self,
        at: Element,
        (numerator, denominator, offset, mode): (i128, i128, i128, Rounding),
        source: Value,
        range: Interval,
    ) -> Option<Value> {
        let even = denominator % 2 == 0;
        let half = denominator / 2;
        // What leaves ties below.
        let less = if even { half - 1 } else { half };
        // What rounds results up to zero, and what rounds those above.
        let (below, beyond) = match mode {
            Rounding::HalfUp | Rounding::HalfEven => (half, half),
            Rounding::HalfAway => (less, half),
            Rounding::HalfDown => (less, less),
            Rounding::HalfTowardZero => (half, less),
            Rounding::Floor => (0, 0),
            Rounding::TowardZero => (denominator - 1, 0),
            Rounding::Ceil => (denominator - 1, denominator - 1),
            Rounding::Up => (0, denominator - 1),
        };
        let ties = mode == Rounding::HalfEven && even;
        // Only roundings to results above the least reachable one matter: those to `lo` and below end up there anyway.
        let mut items = vec![(numerator, source)];
        let adjustment = if range.lo >= 0 || below == beyond {
            beyond
        } else if range.hi <= 0 {
            below
        } else {
            // TowardZero and HalfTowardZero add less from zero on, HalfAway and Up more.
            let bits = source.bits?;
            let zero = Integer::div_ceil(&offset.checked_neg()?, &numerator);
            let positive = match above(source.offset, zero) {
                Some(bound) => self.terms.at_least(bits, bound),
                None => self.terms.bool(true),
            };
            let more = if beyond > below { positive } else { self.terms.not(positive) };
            let most = (beyond - below).unsigned_abs();
            let width = width_for(most)?;
            let (some, none) = (self.terms.constant(most, width), self.terms.constant(0, width));
            let extra = self.terms.choose(more, some, none);
            items
                .push((1, Value { offset: 0, bits: Some(extra), range: Interval::new(0, i128::try_from(most).ok()?) }));
            below.min(beyond)
        };
        // Results are counted from `base`, even where the parity of a result must be seen in its last bit.
        let base = if ties { range.lo - range.lo.rem_euclid(2) } else { range.lo };
        let constant = offset.checked_add(adjustment)?.checked_sub(denominator.checked_mul(base)?)?;
        let dividend = self.sum(&items, constant)?;
        let most = u128::try_from(range.hi - base).ok()?;
        let quotient = self.clamped_quotient(at, dividend, denominator, most, ties)?;
        let mut bits = self.terms.resize(quotient, bits_for(most));
        if base < range.lo {
            let least = self.terms.at_least(bits, 1);
            let one = self.terms.constant(1, bits_for(most));
            bits = self.terms.choose(least, bits, one);
        }
        Some(Value { offset: base, bits: Some(bits), range })
    }

    /// clamp(floor(dividend / denominator), 0, most); with `ties`, odd exact quotients lose one.
    fn clamped_quotient(
        &mut self,
        at: Element,
        dividend: Value,
        denominator: i128,
        most: u128,
        ties: bool,
    ) -> Option<Term> {
        let bits = dividend.bits?;
        let greatest = u128::try_from(dividend.range.hi).unwrap_or(0);
        // offset + bits as a number that is not negative, and whether it is.
        let (negative, width) = (dividend.range.lo < 0, width_for(greatest)?);
        let bits_wide = self.terms.width(bits);
        let (low, is_negative) = if negative {
            // One more bit than either end needs holds the sign.
            let width = dividend.range.signed_width().max(width + 1);
            (width <= MOST_BITS).then_some(())?;
            let offset = dividend.offset.rem_euclid(1i128.checked_shl(width)?);
            let offset = self.terms.constant(u128::try_from(offset).ok()?, width);
            let bits = self.terms.resize(bits, width);
            let number = self.terms.add(offset, bits);
            let sign = self.terms.extract(number, width - 1, 1);
            let is_negative = self.terms.at_least(sign, 1);
            (self.terms.extract(number, 0, width - 1), Some(is_negative))
        } else {
            let wide = width.max(bits_wide);
            let offset = dividend.offset.rem_euclid(1i128.checked_shl(wide)?);
            let offset = self.terms.constant(u128::try_from(offset).ok()?, wide);
            let bits = self.terms.extend(bits, wide);
            let number = self.terms.add(offset, bits);
            (self.terms.extract(number, 0, width), None)
        };
        let denominator = u128::try_from(denominator).ok()?;
        let out = bits_for(most);
        if denominator.is_power_of_two() {
            let shift = denominator.trailing_zeros();
            let wide = self.terms.width(low);
            let whole =
                if shift >= wide { self.terms.constant(0, out) } else { self.terms.extract(low, shift, wide - shift) };
            let over = if greatest >> shift > most { Some(self.terms.at_least(whole, most + 1)) } else { None };
            let mut result = self.terms.resize(whole, out);
            if ties {
                let rest = self.terms.resize(low, shift);
                result = self.even_tie(result, rest);
            }
            if let Some(over) = over {
                let top = self.terms.constant(most, out);
                result = self.terms.choose(over, top, result);
            }
            if let Some(is_negative) = is_negative {
                let zero = self.terms.constant(0, out);
                result = self.terms.choose(is_negative, zero, result);
            }
            return Some(result);
        }
        // Clamped first, then divided: the quotient and the remainder are new variables.
        let top = most.checked_add(1)?.checked_mul(denominator)?.checked_sub(1)?;
        let mut clamped = low;
        if greatest > top {
            let over = self.terms.at_least(clamped, top + 1);
            let limit = self.terms.constant(top, self.terms.width(clamped));
            clamped = self.terms.choose(over, limit, clamped);
        }
        if let Some(is_negative) = is_negative {
            let zero = self.terms.constant(0, self.terms.width(clamped));
            clamped = self.terms.choose(is_negative, zero, clamped);
        }
        let name = format!("{}[{}]", self.obligation.graph.node(at.0).name, at.1);
        let quotient = self.fresh(format!("{name}.quotient"), most);
        let rest = self.fresh(format!("{name}.remainder"), denominator - 1);
        let product_width = width_for(ones(out).checked_mul(denominator)?.checked_add(denominator)?)?;
        let width = product_width.max(self.terms.width(rest) + 1).max(self.terms.width(clamped));
        (width <= MOST_BITS).then_some(())?;
        let wide = self.terms.extend(quotient, width);
        let product = self.terms.multiply(denominator, wide);
        let wide_rest = self.terms.extend(rest, width);
        let sum = self.terms.add(product, wide_rest);
        let clamped = self.terms.extend(clamped, width);
        let definition = self.terms.eq(sum, clamped);
        self.assertions.push(definition);
        Some(if ties { self.even_tie(quotient, rest) } else { quotient })
    }

    /// The quotient with its last bit cleared if the remainder is zero.
    fn even_tie(&mut self, quotient: Term, rest: Term) -> Term {
        let width = self.terms.width(quotient);
        let last = self.terms.extract(quotient, 0, 1);
        let tie = self.terms.at_least(rest, 1);
        let zero = self.terms.constant(0, 1);
        let last = self.terms.choose(tie, last, zero);
        if width == 1 {
            return last;
        }
        let high = self.terms.extract(quotient, 1, width - 1);
        self.terms.concat(high, last)
    }
}
