//! The integer IR: a DAG of vector-valued nodes over exact integers.
//!
//! Every node is a flat vector of integers; shapes, formats and scales belong to the front end and don't occur here.
//! A node refers to earlier nodes only, so index order is a topological order. The reference interpreter
//! ([`super::interpreter`]), the range analysis ([`super::range`]), every engine and the certificate checker stand on
//! this file, on [`super::matrix`] and on [`super::step`] alone.

use super::matrix::Matrix;
use super::step::Step;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, OnceLock};

/// The index of a node in its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The index into [`Graph::nodes`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One step for all elements, or one for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Steps {
    /// The same step for every element.
    Uniform(Step),
    /// As many steps as elements.
    Each(Arc<[Step]>),
}

impl Steps {
    /// The step of an element.
    pub fn at(&self, element: usize) -> &Step {
        match self {
            Steps::Uniform(step) => step,
            Steps::Each(steps) => &steps[element],
        }
    }
}

/// What a node computes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// A quantified variable; which values it takes is the obligation's to say.
    Input,
    /// Fixed numbers.
    Constant(Arc<[i128]>),
    /// bias + the sum of matrix times vector over the terms.
    Affine {
        /// (source, matrix): `matrix.columns() ==` the source's length, `matrix.rows() ==` this node's.
        terms: Vec<(NodeId, Arc<Matrix>)>,
        /// As long as the node.
        bias: Arc<[i128]>,
    },
    /// A monotone function of each element.
    Step {
        /// As long as the node.
        source: NodeId,
        /// The function.
        steps: Steps,
    },
    /// Each element modulo 2^width, as an unsigned or a two's complement number: `overflow = wrap`.
    Wrap {
        /// As long as the node.
        source: NodeId,
        /// Bits kept, 1 to 63.
        width: u32,
        /// Two's complement.
        signed: bool,
    },
    /// The greatest element of each window of the source: `windows.len()` is the node's length, no window is empty.
    Max {
        /// Any length.
        source: NodeId,
        /// Indices into the source.
        windows: Arc<[Box<[u32]>]>,
    },
    /// Elements picked from other nodes: concat, slices, transpositions.
    Gather {
        /// (node, element), as many as the node's length.
        picks: Arc<[(NodeId, u32)]>,
    },
}

impl Op {
    /// The nodes that it reads.
    pub fn sources(&self) -> Box<dyn Iterator<Item = NodeId> + '_> {
        match self {
            Op::Input | Op::Constant(_) => Box::new(std::iter::empty()),
            Op::Affine { terms, .. } => Box::new(terms.iter().map(|(source, _)| *source)),
            Op::Step { source, .. } | Op::Wrap { source, .. } | Op::Max { source, .. } => {
                Box::new(std::iter::once(*source))
            }
            Op::Gather { picks } => Box::new(picks.iter().map(|(node, _)| *node)),
        }
    }
}

/// A node of the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it computes.
    pub op: Op,
    /// The number of elements.
    pub len: usize,
    /// For people: `classifier.h`; not part of the meaning.
    pub name: Arc<str>,
}

/// A DAG of nodes in topological order.
#[derive(Debug, Default)]
pub struct Graph {
    /// The nodes; each refers to earlier ones only.
    pub nodes: Vec<Node>,
    /// The hash of the nodes, computed at its first use.
    digest: OnceLock<[u8; 32]>,
}

/// A clone is there to be changed: it does not take the hash along.
impl Clone for Graph {
    fn clone(&self) -> Graph {
        Graph { nodes: self.nodes.clone(), digest: OnceLock::new() }
    }
}

impl PartialEq for Graph {
    fn eq(&self, other: &Graph) -> bool {
        self.nodes == other.nodes
    }
}

impl Eq for Graph {}

impl Graph {
    /// An empty graph.
    pub fn new() -> Graph {
        Graph::default()
    }

    /// Appends a node.
    ///
    /// # Panics
    /// If the operation refers to a later node or its lengths don't agree: a bug of the caller.
    pub fn push(&mut self, name: impl Into<Arc<str>>, op: Op) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).expect("fewer than 2^32 nodes"));
        let len = match &op {
            Op::Input => panic!("inputs are pushed with push_input, which says their length"),
            Op::Constant(values) => values.len(),
            Op::Affine { terms, bias } => {
                for (source, matrix) in terms {
                    assert_eq!(matrix.columns(), self.len(*source), "columns match the source");
                    assert_eq!(matrix.rows(), bias.len(), "rows match the bias");
                }
                bias.len()
            }
            Op::Step { source, steps } => {
                if let Steps::Each(each) = steps {
                    assert_eq!(each.len(), self.len(*source), "a step for each element");
                }
                self.len(*source)
            }
            Op::Wrap { source, .. } => self.len(*source),
            Op::Max { source, windows } => {
                let source = self.len(*source);
                assert!(windows.iter().all(|w| !w.is_empty() && w.iter().all(|i| (*i as usize) < source)));
                windows.len()
            }
            Op::Gather { picks } => {
                assert!(picks.iter().all(|(node, i)| (*i as usize) < self.len(*node)));
                picks.len()
            }
        };
        self.append(Node { op, len, name: name.into() });
        id
    }

    /// Appends an input of the given length.
    pub fn push_input(&mut self, name: impl Into<Arc<str>>, len: usize) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).expect("fewer than 2^32 nodes"));
        self.append(Node { op: Op::Input, len, name: name.into() });
        id
    }

    fn append(&mut self, node: Node) {
        self.digest.take();
        self.nodes.push(node);
    }

    /// A node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// A node's number of elements.
    pub fn len(&self, id: NodeId) -> usize {
        self.nodes[id.index()].len
    }

    /// The ids of all nodes, sources first.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.nodes.len() as u32).map(NodeId)
    }

    /// The ids of the input nodes in order.
    pub fn inputs(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.ids().filter(|id| matches!(self.node(*id).op, Op::Input))
    }

    /// A hash of the graph's meaning: of the operations, not of names.
    pub fn digest(&self) -> &[u8; 32] {
        self.digest.get_or_init(|| self.hash())
    }

    fn hash(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        let mut bytes = Vec::new();
        let put = |bytes: &mut Vec<u8>, n: i128| bytes.extend_from_slice(&n.to_le_bytes());
        for node in &self.nodes {
            put(&mut bytes, node.len as i128);
            match &node.op {
                Op::Input => bytes.push(0),
                Op::Constant(values) => {
                    bytes.push(1);
                    values.iter().for_each(|v| put(&mut bytes, *v));
                }
                Op::Affine { terms, bias } => {
                    bytes.push(2);
                    put(&mut bytes, terms.len() as i128);
                    for (source, matrix) in terms {
                        put(&mut bytes, i128::from(source.0));
                        bytes.extend_from_slice(matrix.digest());
                    }
                    bias.iter().for_each(|v| put(&mut bytes, *v));
                }
                Op::Step { source, steps } => {
                    bytes.push(3);
                    put(&mut bytes, i128::from(source.0));
                    let each: &[Step] = match steps {
                        Steps::Uniform(step) => std::slice::from_ref(step),
                        Steps::Each(steps) => steps,
                    };
                    put(&mut bytes, each.len() as i128);
                    for step in each {
                        match step {
                            Step::Round { numerator, denominator, offset, mode, lo, hi } => {
                                bytes.push(0);
                                for n in [*numerator, *denominator, *offset, *mode as i128, *lo, *hi] {
                                    put(&mut bytes, n);
                                }
                            }
                            Step::Table { lo, thresholds } => {
                                bytes.push(1);
                                put(&mut bytes, *lo);
                                put(&mut bytes, thresholds.len() as i128);
                                thresholds.iter().for_each(|t| put(&mut bytes, *t));
                            }
                        }
                    }
                }
                Op::Wrap { source, width, signed } => {
                    bytes.push(4);
                    for n in [i128::from(source.0), i128::from(*width), i128::from(*signed)] {
                        put(&mut bytes, n);
                    }
                }
                Op::Max { source, windows } => {
                    bytes.push(5);
                    put(&mut bytes, i128::from(source.0));
                    for window in windows.iter() {
                        put(&mut bytes, window.len() as i128);
                        window.iter().for_each(|i| put(&mut bytes, i128::from(*i)));
                    }
                }
                Op::Gather { picks } => {
                    bytes.push(6);
                    for (node, i) in picks.iter() {
                        put(&mut bytes, i128::from(node.0));
                        put(&mut bytes, i128::from(*i));
                    }
                }
            }
            hasher.update(&bytes);
            bytes.clear();
        }
        *hasher.finalize().as_bytes()
    }
}
