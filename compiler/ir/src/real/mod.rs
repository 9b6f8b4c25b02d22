//! Networks over exact rationals: the real-valued reading, which no integer of bounded width holds.
//!
//! In: integers of the inputs, each with a scale. Out: exact values. Sums are made in integers of any size over a common denominator, so
//! that nothing is rounded and no fraction is reduced on the way. This is the truth of a real-valued reading, as the interpreter is that of a
//! [`Graph`](super::Graph); engines see the integer graphs that [`super::enclose`] makes of it.

mod digest;
mod evaluate;
mod matrix;
mod numbers;
#[cfg(test)]
mod tests;

pub use matrix::{RealMatrix, Row};
pub use numbers::{Numbers, Values};

use crate::Rational;
use crate::interrupt::work;
use num_traits::Zero;
use std::sync::{Arc, OnceLock};

/// What a number of any size takes, in elementary operations.
pub const NUMBER: usize = 16;

/// What a node computes. Sources are indices of earlier nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RealOp {
    /// The integers of an input, each times its scale.
    Input(Arc<[Rational]>),
    /// bias + the sum of matrix times vector over the terms.
    Affine {
        /// (source, matrix).
        terms: Vec<(usize, RealMatrix)>,
        /// As long as the node.
        bias: Arc<[Rational]>,
    },
    /// Each element, or the end that it is beyond.
    Clamp {
        /// As long as the node.
        source: usize,
        /// The least value.
        lo: Rational,
        /// The greatest value; `None` for a ReLU.
        hi: Option<Rational>,
    },
    /// The greatest element of each window.
    Max {
        /// Any length.
        source: usize,
        /// Indices into the source; none is empty.
        windows: Arc<[Box<[u32]>]>,
    },
    /// Elements picked from other nodes.
    Gather(Arc<[(usize, u32)]>),
}

impl RealOp {
    /// The nodes that it reads.
    pub fn sources(&self) -> Vec<usize> {
        match self {
            RealOp::Input(_) => Vec::new(),
            RealOp::Affine { terms, .. } => terms.iter().map(|(source, _)| *source).collect(),
            RealOp::Clamp { source, .. } | RealOp::Max { source, .. } => vec![*source],
            RealOp::Gather(picks) => picks.iter().map(|(source, _)| *source).collect(),
        }
    }
}

/// A DAG of exact operations in topological order. The inputs are its first nodes.
#[derive(Clone, Debug, Default)]
pub struct RealGraph {
    nodes: Vec<(RealOp, usize)>,
    digest: OnceLock<[u8; 32]>,
}

impl PartialEq for RealGraph {
    fn eq(&self, other: &RealGraph) -> bool {
        self.nodes == other.nodes
    }
}

impl Eq for RealGraph {}

impl RealGraph {
    /// Appends a node; an affine one that reads another affine one and multiplies no sums becomes one with it.
    ///
    /// # Panics
    /// If the operation refers to a later node or its lengths don't agree: a bug of the caller.
    pub fn push(&mut self, op: RealOp) -> usize {
        let op = self.composed(op);
        let len = match &op {
            RealOp::Input(scales) => scales.len(),
            RealOp::Affine { terms, bias } => {
                for (source, matrix) in terms {
                    assert_eq!(matrix.columns(), self.len(*source), "columns match the source");
                    assert_eq!(matrix.rows().len(), bias.len(), "rows match the bias");
                }
                bias.len()
            }
            RealOp::Clamp { source, .. } => self.len(*source),
            RealOp::Max { source, windows } => {
                let source = self.len(*source);
                let fits = |w: &[u32]| !w.is_empty() && w.iter().all(|i| (*i as usize) < source);
                assert!(windows.iter().inspect(|w| work(1 + w.len())).all(|w| fits(w)));
                windows.len()
            }
            RealOp::Gather(picks) => {
                assert!(picks.iter().inspect(|_| work(1)).all(|(node, i)| (*i as usize) < self.len(*node)));
                picks.len()
            }
        };
        self.digest.take();
        self.nodes.push((op, len));
        self.nodes.len() - 1
    }

    fn composed(&self, op: RealOp) -> RealOp {
        let RealOp::Affine { terms, bias } = &op else { return op };
        let [(source, outer)] = terms.as_slice() else { return op };
        let RealOp::Affine { terms: inner_terms, bias: inner_bias } = &self.nodes[*source].0 else { return op };
        let [(inner_source, inner)] = inner_terms.as_slice() else { return op };
        if !(outer.is_sparse() || inner.is_sparse()) {
            return op;
        }
        let carried = |row: &Row| -> Rational {
            work(NUMBER * (1 + row.len()));
            let products = row.iter().filter(|(middle, _)| !inner_bias[*middle as usize].is_zero());
            products.map(|(middle, a)| outer.value(*a) * &inner_bias[*middle as usize]).sum()
        };
        let bias = outer.rows().iter().zip(bias.iter()).map(|(row, own)| own + carried(row)).collect();
        RealOp::Affine { terms: vec![(*inner_source, outer.times(inner))], bias }
    }

    /// The operations, with the lengths of their results.
    pub fn nodes(&self) -> &[(RealOp, usize)] {
        &self.nodes
    }

    /// A node's number of elements.
    pub fn len(&self, node: usize) -> usize {
        self.nodes[node].1
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Which nodes an output needs.
    pub fn needed(&self, output: usize) -> Vec<bool> {
        let mut needed = vec![false; self.nodes.len()];
        needed[output] = true;
        for node in (0..self.nodes.len()).rev().filter(|node| *node <= output) {
            if needed[node] {
                self.nodes[node].0.sources().into_iter().for_each(|source| needed[source] = true);
            }
        }
        needed
    }

    /// A hash of the operations.
    pub fn digest(&self) -> &[u8; 32] {
        self.digest.get_or_init(|| {
            let mut hasher = blake3::Hasher::new();
            for (op, len) in &self.nodes {
                digest::hash(op, *len, &mut hasher);
            }
            *hasher.finalize().as_bytes()
        })
    }
}
