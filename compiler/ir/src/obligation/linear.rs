//! Linear forms over the elements of a graph, and atoms: a linear form that is at least zero.

use crate::interrupt::work;
use crate::{Interval, NodeId};
use num_integer::Integer;
use std::sync::Arc;

/// constant + the sum of factor · element over the terms. Terms are sorted by (node, element), each element once, no zero factors.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Linear {
    /// (node, element, factor).
    pub terms: Vec<(NodeId, u32, i128)>,
    /// The constant.
    pub constant: i128,
}

impl Linear {
    /// The form in canonical order; repeated elements are added up.
    ///
    /// # Panics
    /// If a sum of factors leaves 128 bits: the lowering bounds them.
    pub fn new(mut terms: Vec<(NodeId, u32, i128)>, constant: i128) -> Linear {
        work(4 * terms.len());
        terms.sort_by_key(|(node, element, _)| (*node, *element));
        let mut merged: Vec<(NodeId, u32, i128)> = Vec::with_capacity(terms.len());
        for (node, element, factor) in terms {
            match merged.last_mut() {
                Some(last) if (last.0, last.1) == (node, element) => {
                    last.2 = last.2.checked_add(factor).expect("factors fit 128 bits");
                }
                _ => merged.push((node, element, factor)),
            }
        }
        merged.retain(|(_, _, factor)| *factor != 0);
        Linear { terms: merged, constant }
    }

    /// The same form plus a constant.
    pub fn plus_constant(mut self, constant: i128) -> Linear {
        self.constant = self.constant.checked_add(constant).expect("constants fit 128 bits");
        self
    }

    /// Its value, given all nodes' values.
    ///
    /// # Panics
    /// Beyond 128 bits: the lowering excludes that for values within their formats.
    pub fn value(&self, values: &[Vec<i128>]) -> i128 {
        work(1 + self.terms.len());
        self.terms.iter().fold(self.constant, |sum, (node, element, factor)| {
            factor
                .checked_mul(values[node.index()][*element as usize])
                .and_then(|product| sum.checked_add(product))
                .expect("linear forms fit 128 bits")
        })
    }

    /// The interval of its values, given all nodes' intervals.
    ///
    /// # Panics
    /// Beyond 128 bits, as for [`Linear::value`].
    pub fn range(&self, ranges: &[Vec<Interval>]) -> Interval {
        work(1 + self.terms.len());
        self.terms.iter().fold(Interval::new(self.constant, self.constant), |sum, (node, element, factor)| {
            ranges[node.index()][*element as usize]
                .checked_scale(*factor)
                .and_then(|product| sum.checked_add(product))
                .expect("linear forms fit 128 bits")
        })
    }
}

/// A linear form that is at least zero. A clone shares the form: a statement's cases repeat each other's atoms.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Atom {
    /// At least zero.
    pub linear: Arc<Linear>,
}

impl Atom {
    /// `linear >= 0`, divided by the greatest common divisor of its factors (exact for integers: the constant rounds down).
    pub fn new(mut linear: Linear) -> Atom {
        let divisor = linear.terms.iter().fold(0i128, |gcd, (_, _, factor)| gcd.gcd(factor));
        if divisor > 1 {
            linear.terms.iter_mut().for_each(|term| term.2 /= divisor);
            linear.constant = Integer::div_floor(&linear.constant, &divisor);
        }
        Atom { linear: Arc::new(linear) }
    }

    /// The integers' negation: `-linear - 1 >= 0`.
    pub fn negated(&self) -> Atom {
        let terms = self.linear.terms.iter().map(|(node, element, factor)| (*node, *element, -factor)).collect();
        Atom { linear: Arc::new(Linear { terms, constant: -self.linear.constant - 1 }) }
    }

    /// Whether it holds for these values of all nodes.
    pub fn holds(&self, values: &[Vec<i128>]) -> bool {
        self.linear.value(values) >= 0
    }
}
