//! A query: networks with named tensors, and a formula of linear comparisons of their elements.
//!
//! A query asks whether there are inputs for which all assertions hold. Numbers are exact rationals; whether a model file goes with a declaration is not
//! known here.

use num_traits::{Signed, Zero};
use qnn_ir::Rational;
use qnn_ir::interrupt::work;
use std::collections::BTreeMap;
use std::ops::Range;

/// Which language a query is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// SMT-LIB with `X_i` and `Y_j`, as VNN-COMP has used it.
    One,
    /// With `declare-network`.
    Two,
}

/// What a network does with a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It reads it.
    Input,
    /// It computes it on the way.
    Hidden,
    /// It returns it.
    Output,
}

/// A tensor of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// As the query calls it; `X` and `Y` of version 1.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// The element type as the query writes it: `Real`, `float32`.
    pub element: String,
    /// The sizes of the axes; empty for a number.
    pub shape: Vec<usize>,
    /// What the model's file calls it, where the query says so.
    pub file_name: Option<String>,
    /// Where it is declared.
    pub span: Range<usize>,
}

impl Tensor {
    /// How many elements it has.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A network that a query declares.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// As the query calls it; `f` of version 1.
    pub name: String,
    /// The network before it that it is the same as.
    pub equal_to: Option<usize>,
    /// The network before it that has its layers.
    pub isomorphic_to: Option<usize>,
    /// The inputs, the hidden tensors, the outputs, in this order.
    pub tensors: Vec<Tensor>,
    /// Where it is declared.
    pub span: Range<usize>,
}

impl Network {
    /// The tensors of a role, with their indices.
    pub fn of(&self, role: Role) -> impl Iterator<Item = (usize, &Tensor)> {
        self.tensors.iter().enumerate().filter(move |(_, tensor)| tensor.role == role)
    }
}

/// An element of a tensor, row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Element {
    /// The index of the network.
    pub network: usize,
    /// The index of the tensor among the network's.
    pub tensor: usize,
    /// The index in the tensor.
    pub index: usize,
}

/// A sum of elements with factors, and a constant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sum {
    /// The factors; none is zero.
    pub terms: BTreeMap<Element, Rational>,
    /// The constant.
    pub constant: Rational,
}

impl Sum {
    /// A number.
    pub fn constant(value: Rational) -> Sum {
        Sum { terms: BTreeMap::new(), constant: value }
    }

    /// Adds a multiple of another one.
    pub fn add(&mut self, other: &Sum, factor: &Rational) {
        work(16 * (1 + other.terms.len()));
        self.constant += &other.constant * factor;
        for (element, own) in &other.terms {
            let sum = self.terms.entry(*element).or_default();
            *sum += own * factor;
            if sum.is_zero() {
                self.terms.remove(element);
            }
        }
    }

    /// The same, each number times the factor.
    pub fn times(mut self, factor: &Rational) -> Sum {
        work(16 * (1 + self.terms.len()));
        if factor.is_zero() {
            return Sum::default();
        }
        self.constant *= factor;
        self.terms.values_mut().for_each(|own| *own *= factor);
        self
    }

    /// Its value, given those of the elements.
    pub fn value(&self, of: &dyn Fn(Element) -> Rational) -> Rational {
        work(16 * (1 + self.terms.len()));
        self.terms.iter().fold(self.constant.clone(), |sum, (element, factor)| sum + of(*element) * factor)
    }
}

/// How a sum compares with zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// It is at least 0.
    AtLeast,
    /// It is above 0.
    Above,
    /// It is 0.
    Equal,
    /// It is not 0.
    Unequal,
}

impl Relation {
    /// The comparison that holds of a sum exactly if this one doesn't, and whether it is of the sum with its sign changed.
    pub fn negated(self) -> (Relation, bool) {
        match self {
            Relation::AtLeast => (Relation::Above, true),
            Relation::Above => (Relation::AtLeast, true),
            Relation::Equal => (Relation::Unequal, false),
            Relation::Unequal => (Relation::Equal, false),
        }
    }

    /// Whether a value compares so with zero.
    pub fn holds(self, value: &Rational) -> bool {
        match self {
            Relation::AtLeast => !value.is_negative(),
            Relation::Above => value.is_positive(),
            Relation::Equal => value.is_zero(),
            Relation::Unequal => !value.is_zero(),
        }
    }
}

/// What is true or false of an assignment. Negations are put into the comparisons as a query is read.
#[derive(Clone, Debug, PartialEq)]
pub enum Formula {
    /// A comparison with zero.
    Compare(Relation, Sum),
    /// All of these hold.
    And(Vec<Formula>),
    /// At least one of these holds.
    Or(Vec<Formula>),
}

impl Formula {
    /// Whether it holds, given the values of the elements.
    pub fn holds(&self, of: &dyn Fn(Element) -> Rational) -> bool {
        match self {
            Formula::Compare(relation, sum) => relation.holds(&sum.value(of)),
            Formula::And(parts) => parts.iter().all(|part| part.holds(of)),
            Formula::Or(parts) => parts.iter().any(|part| part.holds(of)),
        }
    }

    /// Every element that it speaks of.
    pub fn elements(&self, visit: &mut dyn FnMut(Element)) {
        match self {
            Formula::Compare(_, sum) => sum.terms.keys().for_each(|element| visit(*element)),
            Formula::And(parts) | Formula::Or(parts) => parts.iter().for_each(|part| part.elements(visit)),
        }
    }
}

/// A query.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Its language.
    pub version: Version,
    /// The networks; one, of version 1.
    pub networks: Vec<Network>,
    /// What is to hold, all of it.
    pub assertions: Vec<Formula>,
}

impl Query {
    /// The tensor of an element.
    pub fn tensor(&self, element: Element) -> Option<&Tensor> {
        self.networks.get(element.network)?.tensors.get(element.tensor)
    }

    /// Whether all assertions hold, given the values of the elements.
    pub fn holds(&self, of: &dyn Fn(Element) -> Rational) -> bool {
        self.assertions.iter().all(|assertion| assertion.holds(of))
    }
}
