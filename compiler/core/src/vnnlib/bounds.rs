//! What a formula demands of a single element: comparisons with numbers, all of which hold if it does.

use super::query::{Element, Formula, Relation};
use num_traits::Signed;
use qnn_ir::Rational;

/// Bounds of an element, each with whether it is excluded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bounds {
    /// The greatest lower bound.
    pub lo: Option<(Rational, bool)>,
    /// The least upper bound.
    pub hi: Option<(Rational, bool)>,
}

impl Bounds {
    /// Takes over what a formula demands of the element, as far as its conjunctions say it.
    pub fn meet(&mut self, formula: &Formula, element: Element) {
        match formula {
            Formula::And(parts) => parts.iter().for_each(|part| self.meet(part, element)),
            Formula::Or(_) => {}
            Formula::Compare(relation, sum) => {
                let Some(factor) = sum.terms.get(&element).filter(|_| sum.terms.len() == 1) else { return };
                let (bound, strict) = (-&sum.constant / factor, *relation == Relation::Above);
                let (lower, upper) = match relation {
                    Relation::Unequal => (false, false),
                    Relation::Equal => (true, true),
                    _ => (factor.is_positive(), factor.is_negative()),
                };
                let above = |old: &(Rational, bool)| bound > old.0 || bound == old.0 && strict;
                let below = |old: &(Rational, bool)| bound < old.0 || bound == old.0 && strict;
                if lower && self.lo.as_ref().is_none_or(above) {
                    self.lo = Some((bound.clone(), strict));
                }
                if upper && self.hi.as_ref().is_none_or(below) {
                    self.hi = Some((bound, strict));
                }
            }
        }
    }
}
