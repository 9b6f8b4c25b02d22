//! Atoms: comparisons of two unsigned sums.

use super::{Encoder, Products, Value, above, width_for};
use crate::smt::term::Term;
use qnn_ir::Interval;
use qnn_ir::obligation::Atom;

impl Encoder<'_> {
    /// The atom as positive terms >= negative terms, so that both sides are unsigned.
    pub(super) fn atom(&mut self, atom: &Atom) -> Option<Term> {
        let (mut plus, mut minus) = (Vec::new(), Vec::new());
        let mut constant = atom.linear.constant;
        let mut range = Interval::new(constant, constant);
        for (node, element, factor) in &atom.linear.terms {
            let value = self.value((*node, *element));
            range = range.checked_add(value.range.checked_scale(*factor)?)?;
            constant = constant.checked_add(factor.checked_mul(value.offset)?)?;
            let most = above(value.offset, value.range.hi)?;
            let bits = Value { offset: 0, range: Interval::new(0, i128::try_from(most).ok()?), ..value };
            if value.bits.is_some() {
                if *factor > 0 { plus.push((*factor, bits)) } else { minus.push((factor.checked_neg()?, bits)) }
            }
        }
        if !self.options.keep_goals && (range.lo >= 0 || range.hi < 0) {
            return Some(self.terms.bool(range.lo >= 0));
        }
        // Products by multiplication: a signed digit would bring complements, and negative numbers with them.
        let products = std::mem::replace(&mut self.options.products, Products::Multiply);
        let (left, right) = (self.sum(&plus, 0), self.sum(&minus, 0));
        self.options.products = products;
        let (left, right) = (left?, right?);
        let magnitude = constant.unsigned_abs();
        match (left.bits, right.bits) {
            (None, None) => Some(self.terms.bool(constant >= 0)),
            (Some(left), None) => Some(self.terms.at_least(left, if constant < 0 { magnitude } else { 0 })),
            (None, Some(right)) => {
                let above = self.terms.at_least(right, magnitude.checked_add(1)?);
                Some(if constant < 0 { self.terms.bool(false) } else { self.terms.not(above) })
            }
            (Some(x), Some(y)) => {
                let (x, y) = if constant >= 0 {
                    (self.plus(x, left.range, magnitude)?, y)
                } else {
                    (x, self.plus(y, right.range, magnitude)?)
                };
                Some(self.terms.ule(y, x))
            }
        }
    }

    /// bits + constant, for bits in the range.
    fn plus(&mut self, bits: Term, range: Interval, constant: u128) -> Option<Term> {
        let width = width_for(u128::try_from(range.hi).ok()?.checked_add(constant)?)?.max(self.terms.width(bits));
        let constant = self.terms.constant(constant, width);
        let bits = self.terms.extend(bits, width);
        Some(self.terms.add(constant, bits))
    }
}
