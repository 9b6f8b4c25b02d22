//! Values of expressions in a property: constants, statements, tensors of terms, datasets, balls.

use super::lowering::EXPRESSION;
use crate::check::constant::Constant;
use crate::check::data::PerElement;
use crate::check::network::Port;
use crate::check::types::{Classes, Shape};
use crate::db::ItemId;
use crate::number_format::Format;
use qnn_ir::NodeId;
use qnn_ir::Rational;
use qnn_ir::interrupt::work;
use qnn_ir::obligation::term::{Formula, Term};
use std::sync::Arc;

/// A number, a statement, or what else an expression in a property can be.
#[derive(Clone)]
pub(crate) enum Value {
    Constant(Constant),
    Formula(Formula),
    Tensor(Tensor),
    /// A known class.
    Class(Classes, usize),
    /// The index of the first maximum; none at all, if strict and not unique.
    Argmax {
        of: Tensor,
        strict: bool,
    },
    /// The softmax of a vector.
    Softmax(Tensor),
    /// An element of the softmax of a vector.
    Probability {
        of: Tensor,
        at: usize,
    },
    Dataset(ItemId),
    Sample(ItemId, usize),
    /// All values of the centre's format whose elements are within the radius.
    Ball {
        center: Tensor,
        radius: Constant,
    },
}

impl Value {
    pub(super) fn kind(&self) -> String {
        match self {
            Value::Constant(c) => c.kind().to_owned(),
            Value::Formula(_) => "a statement".to_owned(),
            Value::Tensor(t) if t.shape.is_empty() => "a number".to_owned(),
            Value::Tensor(_) => "a tensor".to_owned(),
            Value::Class(..) => "a class".to_owned(),
            Value::Argmax { .. } => "an argmax".to_owned(),
            Value::Softmax(_) => "the probabilities of a softmax".to_owned(),
            Value::Probability { .. } => "a probability of a softmax".to_owned(),
            Value::Dataset(_) => "a dataset".to_owned(),
            Value::Sample(..) => "a sample of a dataset".to_owned(),
            Value::Ball { .. } => "a ball".to_owned(),
        }
    }
}

/// A tensor of exact numbers.
#[derive(Clone)]
pub(crate) struct Tensor {
    pub(super) shape: Shape,
    pub(super) elements: Elements,
    /// The value of one step of each element, where all that goes into it has the same.
    pub(super) lsb: Option<PerElement<Rational>>,
    /// The format, for values as they are stored: variables, samples, outputs.
    pub(super) format: Option<Format>,
}

#[derive(Clone)]
pub(super) enum Elements {
    /// Elements of nodes, each times its lsb.
    Picks(Arc<[(NodeId, u32)]>),
    /// Known integers, each times its lsb.
    Known(Arc<[i64]>),
    /// Anything.
    Terms(Arc<[Term]>),
}

impl Tensor {
    pub(super) fn len(&self) -> usize {
        match &self.elements {
            Elements::Picks(picks) => picks.len(),
            Elements::Known(numbers) => numbers.len(),
            Elements::Terms(terms) => terms.len(),
        }
    }

    /// An element as a term.
    pub(super) fn term(&self, i: usize) -> Term {
        let lsb = || self.lsb.as_ref().map(|l| l.get(i).clone()).unwrap_or_else(num_traits::One::one);
        match &self.elements {
            Elements::Picks(picks) => Term::element(picks[i].0, picks[i].1, lsb()),
            Elements::Known(numbers) => Term::constant(qnn_ir::rational::integer(i128::from(numbers[i])) * lsb()),
            Elements::Terms(terms) => terms[i].clone(),
        }
    }

    /// The sum of some elements, none of which is made a term of its own.
    pub(super) fn sum(&self, elements: impl Iterator<Item = usize>) -> Term {
        let lsb = |i: usize| self.lsb.as_ref().map(|l| l.get(i).clone()).unwrap_or_else(num_traits::One::one);
        match &self.elements {
            Elements::Picks(picks) => Term::of_elements(elements.map(|i| (picks[i], lsb(i))).collect()),
            Elements::Known(numbers) => {
                let value = |i: usize| qnn_ir::rational::integer(i128::from(numbers[i])) * lsb(i);
                Term::constant(elements.inspect(|_| work(EXPRESSION)).map(value).sum())
            }
            Elements::Terms(terms) => Term::sum(&elements.map(|i| terms[i].clone()).collect::<Vec<Term>>()),
        }
    }

    pub(super) fn terms(&self) -> Vec<Term> {
        (0..self.len()).map(|i| self.term(i)).collect()
    }

    /// A tensor of stored values.
    pub(super) fn stored(port: &Port, elements: Elements) -> Tensor {
        Tensor { shape: port.shape.clone(), elements, lsb: Some(port.scale.clone()), format: port.format.clone() }
    }
}
