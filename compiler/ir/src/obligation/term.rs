//! Terms and formulas: what a property says about the integers of the graph, in exact rationals.
//!
//! A term is linear but for maxima (an `abs` is a maximum, a minimum is a negated one); a formula is built of terms that are at
//! least zero. Nothing is rounded here.

use crate::NodeId;
use crate::Rational;
use crate::interrupt::work;
use num_traits::{One, Signed, Zero};
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// What a rational number takes, in elementary operations.
const NUMBER: usize = 16;

/// constant + the sum of factor · element.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Linear {
    /// Factors by ascending element, each element once, no factor zero.
    pub terms: Vec<((NodeId, u32), Rational)>,
    /// The constant.
    pub constant: Rational,
}

impl Linear {
    /// The factors.
    pub fn factors(&self) -> impl Iterator<Item = &Rational> + Clone {
        self.terms.iter().map(|(_, factor)| factor)
    }

    /// The sum of many forms.
    fn sum<'a>(forms: impl Iterator<Item = &'a Linear> + Clone) -> Linear {
        let constant = forms.clone().map(|form| &form.constant).sum();
        let mut all: Vec<((NodeId, u32), Rational)> =
            Vec::with_capacity(forms.clone().map(|form| form.terms.len()).sum());
        for form in forms {
            work(NUMBER * (1 + form.terms.len()));
            all.extend_from_slice(&form.terms);
        }
        Linear::of(all, constant)
    }

    /// From terms in any order, some of which may be of the same element.
    fn of(mut all: Vec<((NodeId, u32), Rational)>, constant: Rational) -> Linear {
        all.sort_by_key(|(element, _)| *element);
        let mut terms: Vec<((NodeId, u32), Rational)> = Vec::with_capacity(all.len());
        for (element, factor) in all {
            work(NUMBER);
            match terms.last_mut() {
                Some(last) if last.0 == element => last.1 += factor,
                _ => terms.push((element, factor)),
            }
        }
        terms.retain(|(_, factor)| !factor.is_zero());
        Linear { terms, constant }
    }

    /// The sum.
    fn plus(self, other: &Linear) -> Linear {
        work(NUMBER * (1 + self.terms.len() + other.terms.len()));
        let constant = self.constant + &other.constant;
        if self.terms.is_empty() {
            return Linear { terms: other.terms.clone(), constant };
        }
        if other.terms.is_empty() {
            return Linear { terms: self.terms, constant };
        }
        let mut terms = Vec::with_capacity(self.terms.len() + other.terms.len());
        let mut others = other.terms.iter().peekable();
        for (element, factor) in self.terms {
            while let Some(before) = others.next_if(|(other, _)| *other < element) {
                terms.push(before.clone());
            }
            match others.next_if(|(other, _)| *other == element) {
                None => terms.push((element, factor)),
                Some((_, more)) => {
                    let factor = factor + more;
                    if !factor.is_zero() {
                        terms.push((element, factor));
                    }
                }
            }
        }
        terms.extend(others.cloned());
        Linear { terms, constant }
    }
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
        Term { linear: Linear { terms: Vec::new(), constant: value }, maxima: Vec::new() }
    }

    /// `scale` times an element of a node.
    pub fn element(node: NodeId, element: u32, scale: Rational) -> Term {
        work(NUMBER);
        let terms = vec![((node, element), scale)];
        Term { linear: Linear { terms, constant: Rational::zero() }, maxima: Vec::new() }
    }

    /// The sum of elements, each with its factor.
    pub fn of_elements(elements: Vec<((NodeId, u32), Rational)>) -> Term {
        Term { linear: Linear::of(elements, Rational::zero()), maxima: Vec::new() }
    }

    /// Its value, if it depends on nothing.
    pub fn as_constant(&self) -> Option<&Rational> {
        (self.linear.terms.is_empty() && self.maxima.is_empty()).then_some(&self.linear.constant)
    }

    /// The sum.
    pub fn plus(mut self, other: &Term) -> Term {
        self.linear = self.linear.plus(&other.linear);
        for (factor, alternatives) in &other.maxima {
            match self.maxima.iter_mut().find(|(_, known)| known == alternatives) {
                Some(known) => known.0 += factor,
                None => self.maxima.push((factor.clone(), alternatives.clone())),
            }
        }
        self.maxima.retain(|(factor, _)| !factor.is_zero());
        self
    }

    /// The sum of many.
    pub fn sum(terms: &[Term]) -> Term {
        let mut maxima: Vec<(Rational, Arc<[Term]>)> = Vec::new();
        // What is equal has equal digests.
        let mut known: HashMap<Vec<u64>, Vec<usize>> = HashMap::new();
        for (factor, alternatives) in terms.iter().flat_map(|term| &term.maxima) {
            let alike = known.entry(alternatives.iter().map(Term::digest).collect()).or_default();
            match alike.iter().find(|index| maxima[**index].1 == *alternatives) {
                Some(index) => maxima[*index].0 += factor,
                None => {
                    alike.push(maxima.len());
                    maxima.push((factor.clone(), alternatives.clone()));
                }
            }
        }
        maxima.retain(|(factor, _)| !factor.is_zero());
        Term { linear: Linear::sum(terms.iter().map(|term| &term.linear)), maxima }
    }

    /// The product with a constant.
    pub fn times(mut self, factor: &Rational) -> Term {
        if factor.is_zero() {
            return Term::default();
        }
        work(NUMBER * (1 + self.linear.terms.len()));
        self.linear.constant *= factor;
        self.linear.terms.iter_mut().for_each(|(_, f)| *f *= factor);
        self.maxima.iter_mut().for_each(|(f, _)| *f *= factor);
        self
    }

    /// The negation.
    pub fn negated(mut self) -> Term {
        let negate = |n: &mut Rational| *n = -std::mem::take(n);
        work(NUMBER * (1 + self.linear.terms.len()));
        negate(&mut self.linear.constant);
        self.linear.terms.iter_mut().for_each(|(_, f)| negate(f));
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
        // What is equal has an equal digest.
        let mut known: HashMap<u64, Vec<usize>> = HashMap::new();
        for term in terms {
            work(NUMBER);
            match term.as_constant() {
                Some(value) => {
                    constant = Some(constant.map_or_else(|| value.clone(), |c| c.max(value.clone())));
                }
                None => {
                    let alike = known.entry(term.digest()).or_default();
                    if !alike.iter().any(|index| rest[*index] == term) {
                        alike.push(rest.len());
                        rest.push(term);
                    }
                }
            }
        }
        rest.extend(constant.map(Term::constant));
        if rest.len() == 1 {
            return rest.remove(0);
        }
        Term { linear: Linear::default(), maxima: vec![(Rational::one(), rest.into())] }
    }

    /// A hash of its linear part.
    fn digest(&self) -> u64 {
        work(NUMBER * self.linear.terms.len());
        let mut hasher = std::hash::DefaultHasher::new();
        self.linear.terms.hash(&mut hasher);
        self.linear.constant.hash(&mut hasher);
        hasher.finish()
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
        work(NUMBER * (1 + self.linear.terms.len()));
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
        work(NUMBER * (1 + self.linear.terms.len()));
        let renamed = self.linear.terms.iter().map(|((node, i), factor)| ((map(*node), *i), factor.clone()));
        let mut terms: Vec<_> = renamed.collect();
        terms.sort_by_key(|(element, _)| *element);
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
        /// The term; formulas that are written out share it.
        term: Arc<Term>,
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
            None => Formula::AtLeastZero { term: Arc::new(term), strict },
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
            Formula::AtLeastZero { term, strict } => {
                Formula::AtLeastZero { term: Arc::new(Arc::unwrap_or_clone(term).negated()), strict: !strict }
            }
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
            Formula::AtLeastZero { term, strict } => {
                Formula::AtLeastZero { term: Arc::new(term.renamed(map)), strict: *strict }
            }
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
    use crate::rational::integer;

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
