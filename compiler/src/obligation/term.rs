//! Terms and formulas: what a property says about the integers of the graph, in exact rationals.
//!
//! A term is linear but for maxima (an `abs` is a maximum, a minimum is a negated one); a formula is built of terms that are at
//! least zero. Nothing is rounded here.

use crate::model::Rational;
use crate::network::NodeId;
use num_traits::{One, Signed, Zero};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

/// constant + the sum of factor · element.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Linear {
    /// Factors, none of them zero.
    pub terms: BTreeMap<(NodeId, u32), Rational>,
    /// The constant.
    pub constant: Rational,
}

/// A linear form plus multiples of maxima.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Term {
    /// The linear part.
    pub linear: Linear,
    /// (factor, alternatives): factor times the greatest of the alternatives. No factor is zero, no list has fewer than two.
    pub maxima: Vec<(Rational, Arc<[Term]>)>,
}

impl Term {
    /// A constant.
    pub fn constant(value: Rational) -> Term {
        Term { linear: Linear { terms: BTreeMap::new(), constant: value }, maxima: Vec::new() }
    }

    /// `scale` times an element of a node.
    pub fn element(node: NodeId, element: u32, scale: Rational) -> Term {
        let terms = BTreeMap::from([((node, element), scale)]);
        Term { linear: Linear { terms, constant: Rational::zero() }, maxima: Vec::new() }
    }

    /// Its value, if it depends on nothing.
    pub fn as_constant(&self) -> Option<&Rational> {
        (self.linear.terms.is_empty() && self.maxima.is_empty()).then_some(&self.linear.constant)
    }

    /// The sum.
    pub fn plus(mut self, other: &Term) -> Term {
        if !other.linear.constant.is_zero() {
            self.linear.constant += &other.linear.constant;
        }
        for (key, factor) in &other.linear.terms {
            match self.linear.terms.entry(*key) {
                Entry::Vacant(vacant) => _ = vacant.insert(factor.clone()),
                Entry::Occupied(mut known) => {
                    *known.get_mut() += factor;
                    if known.get().is_zero() {
                        known.remove();
                    }
                }
            }
        }
        for (factor, alternatives) in &other.maxima {
            match self.maxima.iter_mut().find(|(_, known)| known == alternatives) {
                Some(known) => known.0 += factor,
                None => self.maxima.push((factor.clone(), alternatives.clone())),
            }
        }
        self.maxima.retain(|(factor, _)| !factor.is_zero());
        self
    }

    /// The product with a constant.
    pub fn times(mut self, factor: &Rational) -> Term {
        if factor.is_zero() {
            return Term::default();
        }
        self.linear.constant *= factor;
        self.linear.terms.values_mut().for_each(|f| *f *= factor);
        self.maxima.iter_mut().for_each(|(f, _)| *f *= factor);
        self
    }

    /// The negation.
    pub fn negated(mut self) -> Term {
        let negate = |n: &mut Rational| *n = -std::mem::take(n);
        negate(&mut self.linear.constant);
        self.linear.terms.values_mut().for_each(negate);
        self.maxima.iter_mut().for_each(|(f, _)| negate(f));
        self
    }

    /// The difference.
    pub fn minus(self, other: &Term) -> Term {
        self.plus(&other.clone().negated())
    }

    /// The greatest of some terms; there must be one.
    pub fn greatest(terms: Vec<Term>) -> Term {
        let mut constant: Option<Rational> = None;
        let mut rest: Vec<Term> = Vec::new();
        for term in terms {
            match term.as_constant() {
                Some(value) => {
                    constant = Some(constant.map_or_else(|| value.clone(), |c| c.max(value.clone())));
                }
                None if rest.contains(&term) => {}
                None => rest.push(term),
            }
        }
        rest.extend(constant.map(Term::constant));
        if rest.len() == 1 {
            return rest.remove(0);
        }
        Term { linear: Linear::default(), maxima: vec![(Rational::one(), rest.into())] }
    }

    /// The least of some terms; there must be one.
    pub fn least(terms: Vec<Term>) -> Term {
        Term::greatest(terms.into_iter().map(Term::negated).collect()).negated()
    }

    /// The absolute value.
    pub fn absolute(self) -> Term {
        match self.as_constant() {
            Some(value) => Term::constant(value.abs()),
            None => Term::greatest(vec![self.clone(), self.negated()]),
        }
    }

    /// Its value, given those of the elements.
    pub fn value(&self, element: &dyn Fn(NodeId, u32) -> Rational) -> Rational {
        let terms = self.linear.terms.iter();
        let linear =
            terms.fold(self.linear.constant.clone(), |sum, ((node, i), factor)| sum + element(*node, *i) * factor);
        self.maxima.iter().fold(linear, |sum, (factor, alternatives)| {
            let values = alternatives.iter().map(|alternative| alternative.value(element));
            sum + factor * values.max().expect("a maximum has alternatives")
        })
    }

    /// The same with its nodes renamed.
    pub fn renamed(&self, map: &dyn Fn(NodeId) -> NodeId) -> Term {
        let terms = self.linear.terms.iter().map(|((node, i), factor)| ((map(*node), *i), factor.clone())).collect();
        let maximum = |(factor, alternatives): &(Rational, Arc<[Term]>)| {
            (factor.clone(), alternatives.iter().map(|alternative| alternative.renamed(map)).collect())
        };
        let linear = Linear { terms, constant: self.linear.constant.clone() };
        Term { linear, maxima: self.maxima.iter().map(maximum).collect() }
    }

    /// Its meaning as bytes, for keys.
    pub(super) fn bytes(&self, bytes: &mut Vec<u8>) {
        let number = |bytes: &mut Vec<u8>, value: &Rational| {
            for part in [value.numer(), value.denom()] {
                let part = part.to_signed_bytes_le();
                bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
                bytes.extend_from_slice(&part);
            }
        };
        number(bytes, &self.linear.constant);
        bytes.extend_from_slice(&(self.linear.terms.len() as u64).to_le_bytes());
        for ((node, element), factor) in &self.linear.terms {
            bytes.extend_from_slice(&node.0.to_le_bytes());
            bytes.extend_from_slice(&element.to_le_bytes());
            number(bytes, factor);
        }
        bytes.extend_from_slice(&(self.maxima.len() as u64).to_le_bytes());
        for (factor, alternatives) in &self.maxima {
            number(bytes, factor);
            bytes.extend_from_slice(&(alternatives.len() as u64).to_le_bytes());
            alternatives.iter().for_each(|alternative| alternative.bytes(bytes));
        }
    }

    /// How many linear forms the term has if its maxima are written out; saturates.
    pub fn forms(&self) -> usize {
        self.maxima.iter().fold(1usize, |n, (_, alternatives)| {
            n.saturating_mul(alternatives.iter().fold(0usize, |sum, t| sum.saturating_add(t.forms())))
        })
    }
}

/// A statement about the graph's integers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Formula {
    /// Always, or never.
    Bool(bool),
    /// The term is at least zero; more than zero, if strict.
    AtLeastZero {
        /// The term.
        term: Term,
        /// More than zero.
        strict: bool,
    },
    /// All of them.
    And(Vec<Formula>),
    /// One of them.
    Or(Vec<Formula>),
    /// A statement and its opposite, each written as a short disjunction: negating either by De Morgan's laws would multiply the
    /// cases (that two argmaxes agree is one case for each class, that they don't is one for each pair).
    Either {
        /// The statement.
        holds: Box<Formula>,
        /// Its exact opposite.
        fails: Box<Formula>,
    },
}

impl Formula {
    /// term >= 0, or > 0.
    pub fn at_least_zero(term: Term, strict: bool) -> Formula {
        match term.as_constant() {
            Some(value) => Formula::Bool(if strict { value.is_positive() } else { !value.is_negative() }),
            None => Formula::AtLeastZero { term, strict },
        }
    }

    /// term == 0.
    pub fn zero(term: Term) -> Formula {
        Formula::and(vec![Formula::at_least_zero(term.clone(), false), Formula::at_least_zero(term.negated(), false)])
    }

    /// All of them.
    pub fn and(parts: Vec<Formula>) -> Formula {
        let mut all = Vec::new();
        for part in parts {
            match part {
                Formula::Bool(true) => {}
                Formula::Bool(false) => return Formula::Bool(false),
                Formula::And(inner) => all.extend(inner),
                other => all.push(other),
            }
        }
        match all.len() {
            0 => Formula::Bool(true),
            1 => all.remove(0),
            _ => Formula::And(all),
        }
    }

    /// One of them.
    pub fn or(parts: Vec<Formula>) -> Formula {
        let mut all = Vec::new();
        for part in parts {
            match part {
                Formula::Bool(false) => {}
                Formula::Bool(true) => return Formula::Bool(true),
                Formula::Or(inner) => all.extend(inner),
                other => all.push(other),
            }
        }
        match all.len() {
            0 => Formula::Bool(false),
            1 => all.remove(0),
            _ => Formula::Or(all),
        }
    }

    /// A statement that is given together with its opposite.
    pub fn either(holds: Formula, fails: Formula) -> Formula {
        match (&holds, &fails) {
            (Formula::Bool(b), _) => Formula::Bool(*b),
            (_, Formula::Bool(b)) => Formula::Bool(!b),
            _ => Formula::Either { holds: Box::new(holds), fails: Box::new(fails) },
        }
    }

    /// The opposite.
    pub fn opposite(self) -> Formula {
        match self {
            Formula::Either { holds, fails } => Formula::Either { holds: fails, fails: holds },
            Formula::Bool(b) => Formula::Bool(!b),
            Formula::AtLeastZero { term, strict } => Formula::AtLeastZero { term: term.negated(), strict: !strict },
            Formula::And(parts) => Formula::or(parts.into_iter().map(Formula::opposite).collect()),
            Formula::Or(parts) => Formula::and(parts.into_iter().map(Formula::opposite).collect()),
        }
    }
}

impl Formula {
    /// Whether it holds, given the values of the elements.
    pub fn holds(&self, element: &dyn Fn(NodeId, u32) -> Rational) -> bool {
        match self {
            Formula::Bool(holds) => *holds,
            Formula::AtLeastZero { term, strict } => {
                let value = term.value(element);
                if *strict { value.is_positive() } else { !value.is_negative() }
            }
            Formula::And(parts) => parts.iter().all(|part| part.holds(element)),
            Formula::Or(parts) => parts.iter().any(|part| part.holds(element)),
            Formula::Either { holds, .. } => holds.holds(element),
        }
    }

    /// The same with its nodes renamed.
    pub fn renamed(&self, map: &dyn Fn(NodeId) -> NodeId) -> Formula {
        let all = |parts: &[Formula]| parts.iter().map(|part| part.renamed(map)).collect();
        match self {
            Formula::Bool(holds) => Formula::Bool(*holds),
            Formula::AtLeastZero { term, strict } => Formula::AtLeastZero { term: term.renamed(map), strict: *strict },
            Formula::And(parts) => Formula::And(all(parts)),
            Formula::Or(parts) => Formula::Or(all(parts)),
            Formula::Either { holds, fails } => {
                Formula::Either { holds: Box::new(holds.renamed(map)), fails: Box::new(fails.renamed(map)) }
            }
        }
    }

    /// Its meaning as bytes, for keys.
    pub(super) fn bytes(&self, bytes: &mut Vec<u8>) {
        let all = |bytes: &mut Vec<u8>, parts: &[Formula]| {
            bytes.extend_from_slice(&(parts.len() as u64).to_le_bytes());
            parts.iter().for_each(|part| part.bytes(bytes));
        };
        match self {
            Formula::Bool(holds) => bytes.push(u8::from(*holds)),
            Formula::AtLeastZero { term, strict } => {
                bytes.push(2 + u8::from(*strict));
                term.bytes(bytes);
            }
            Formula::And(parts) => {
                bytes.push(4);
                all(bytes, parts);
            }
            Formula::Or(parts) => {
                bytes.push(5);
                all(bytes, parts);
            }
            Formula::Either { holds, .. } => holds.bytes(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::rational::integer;

    #[test]
    fn maxima_fold() {
        let x = Term::element(NodeId(0), 0, integer(2));
        assert_eq!(Term::constant(integer(-3)).absolute(), Term::constant(integer(3)));
        assert_eq!(Term::greatest(vec![x.clone(), x.clone()]), x);
        assert_eq!(x.clone().minus(&x), Term::default());
        let abs = x.clone().absolute();
        assert_eq!(abs.forms(), 2);
        assert_eq!(abs.clone().minus(&abs), Term::default());
        assert_eq!(abs.clone().plus(&abs).forms(), 2);
    }

    #[test]
    fn formulas_fold() {
        let x = Formula::at_least_zero(Term::element(NodeId(0), 0, integer(1)), false);
        assert_eq!(Formula::and(vec![Formula::Bool(true), x.clone()]), x);
        assert_eq!(Formula::or(vec![Formula::Bool(true), x.clone()]), Formula::Bool(true));
        assert_eq!(x.clone().opposite().opposite(), x);
    }
}
