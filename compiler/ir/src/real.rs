//! Networks over exact rationals: the real-valued reading, which no integer of bounded width holds.
//!
//! In: integers of the inputs, each with a scale. Out: exact values. Sums are made in integers of any size over a common denominator, so
//! that nothing is rounded and no fraction is reduced on the way. This is the truth of a real-valued reading, as the interpreter is that of a
//! [`Graph`](super::Graph); engines see the integer graphs that [`super::enclose`] makes of it.

use crate::Rational;
use crate::interrupt::work;
use crate::rational::{common_denominator, integer};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Zero};
use std::sync::{Arc, OnceLock};

/// What a number of any size takes, in elementary operations.
pub(super) const NUMBER: usize = 16;

/// One row of a matrix: (column, index into the matrix's numbers).
pub type Row = Vec<(u32, u32)>;

/// A matrix of rationals over a common denominator; entries that share a weight (a convolution's) share its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RealMatrix {
    columns: usize,
    rows: Arc<[Row]>,
    numbers: Arc<[BigInt]>,
    denominator: BigInt,
}

impl RealMatrix {
    /// From rows of indices into `values`.
    ///
    /// # Panics
    /// If an index or a column is out of range: a bug of the caller.
    pub fn new(columns: usize, rows: Arc<[Row]>, values: &[Rational]) -> RealMatrix {
        let fits = |(column, index): &(u32, u32)| (*column as usize) < columns && (*index as usize) < values.len();
        assert!(rows.iter().flatten().all(fits), "entries within the matrix");
        work(NUMBER * values.len());
        let denominator = common_denominator(values);
        let numbers = values
            .iter()
            .inspect(|_| work(NUMBER))
            .map(|value| value.numer() * (&denominator / value.denom()))
            .collect();
        RealMatrix { columns, rows, numbers, denominator }
    }

    /// The square matrix with these values on its diagonal.
    pub fn diagonal(values: &[Rational]) -> RealMatrix {
        let rows = (0..values.len() as u32).map(|i| vec![(i, i)]).collect();
        RealMatrix::new(values.len(), rows, values)
    }

    /// The number of columns: inputs.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The rows, as indices into [`RealMatrix::numbers`].
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The distinct entries, times [`RealMatrix::denominator`].
    pub fn numbers(&self) -> &[BigInt] {
        &self.numbers
    }

    /// Positive.
    pub fn denominator(&self) -> &BigInt {
        &self.denominator
    }

    fn value(&self, index: u32) -> Rational {
        Rational::new(self.numbers[index as usize].clone(), self.denominator.clone())
    }

    /// Whether no row has more than one entry.
    fn is_sparse(&self) -> bool {
        self.rows.iter().all(|row| row.len() <= 1)
    }

    /// This matrix times another, of which one has at most an entry a row: no sum arises.
    fn times(&self, inner: &RealMatrix) -> RealMatrix {
        let mut values = Vec::new();
        let mut known = std::collections::HashMap::new();
        let mut product = |a: u32, b: u32| {
            *known.entry((a, b)).or_insert_with(|| {
                values.push(self.value(a) * inner.value(b));
                values.len() as u32 - 1
            })
        };
        let mut rows: Vec<Row> = Vec::with_capacity(self.rows.len());
        for row in self.rows.iter() {
            work(NUMBER * (1 + row.len()));
            let entries = row
                .iter()
                .flat_map(|(middle, a)| inner.rows[*middle as usize].iter().map(move |(column, b)| (*column, *a, *b)));
            rows.push(entries.map(|(column, a, b)| (column, product(a, b))).collect());
        }
        RealMatrix::new(inner.columns, rows.into(), &values)
    }
}

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

/// Integers over a common denominator.
struct Vector {
    numbers: Vec<BigInt>,
    denominator: BigInt,
}

impl Vector {
    fn of(values: &[Rational]) -> Vector {
        let denominator = common_denominator(values);
        let numbers = values.iter().map(|value| value.numer() * (&denominator / value.denom())).collect();
        Vector { numbers, denominator }
    }

    fn values(&self) -> Vec<Rational> {
        self.numbers.iter().map(|n| Rational::new(n.clone(), self.denominator.clone())).collect()
    }
}

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
                    assert_eq!(matrix.columns, self.len(*source), "columns match the source");
                    assert_eq!(matrix.rows.len(), bias.len(), "rows match the bias");
                }
                bias.len()
            }
            RealOp::Clamp { source, .. } => self.len(*source),
            RealOp::Max { source, windows } => {
                let source = self.len(*source);
                assert!(windows.iter().all(|w| !w.is_empty() && w.iter().all(|i| (*i as usize) < source)));
                windows.len()
            }
            RealOp::Gather(picks) => {
                assert!(picks.iter().all(|(node, i)| (*i as usize) < self.len(*node)));
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
        let bias = outer.rows.iter().zip(bias.iter()).map(|(row, own)| own + carried(row)).collect();
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

    /// The values of a node for integers of the inputs, in the inputs' order.
    ///
    /// # Panics
    /// If the inputs' number or lengths don't match.
    pub fn evaluate(&self, inputs: &[&[i128]], output: usize) -> Vec<Rational> {
        let needed = self.needed(output);
        let mut inputs = inputs.iter();
        let mut all: Vec<Option<Vector>> = Vec::with_capacity(output + 1);
        for (node, (op, len)) in self.nodes.iter().enumerate().take(output + 1) {
            if let RealOp::Input(scales) = op {
                let numbers = inputs.next().expect("an integer vector for each input");
                assert_eq!(numbers.len(), *len, "inputs have their nodes' lengths");
                let values: Vec<Rational> = numbers.iter().zip(scales.iter()).map(|(n, s)| integer(*n) * s).collect();
                all.push(Some(Vector::of(&values)));
                continue;
            }
            all.push(needed[node].then(|| compute(op, &all)));
        }
        all.pop().flatten().map(|vector| vector.values()).unwrap_or_default()
    }

    /// A hash of the operations.
    pub fn digest(&self) -> &[u8; 32] {
        self.digest.get_or_init(|| {
            let mut hasher = blake3::Hasher::new();
            for (op, len) in &self.nodes {
                hash(op, *len, &mut hasher);
            }
            *hasher.finalize().as_bytes()
        })
    }
}

fn compute(op: &RealOp, before: &[Option<Vector>]) -> Vector {
    let of = |node: usize| before[node].as_ref().expect("what a needed node reads is needed");
    match op {
        RealOp::Input(_) => unreachable!("inputs are given"),
        RealOp::Affine { terms, bias } => {
            let mut denominator = common_denominator(bias.iter());
            for (source, matrix) in terms {
                denominator = denominator.lcm(&(&of(*source).denominator * &matrix.denominator));
            }
            let mut numbers: Vec<BigInt> =
                bias.iter().map(|value| value.numer() * (&denominator / value.denom())).collect();
            for (source, matrix) in terms {
                let vector = of(*source);
                let factor = &denominator / (&vector.denominator * &matrix.denominator);
                for (row, number) in matrix.rows.iter().zip(&mut numbers) {
                    work(NUMBER * (1 + row.len()));
                    let mut sum = BigInt::zero();
                    for (column, index) in row {
                        let x = &vector.numbers[*column as usize];
                        if !x.is_zero() {
                            sum += x * &matrix.numbers[*index as usize];
                        }
                    }
                    *number += if factor.is_one() { sum } else { sum * &factor };
                }
            }
            Vector { numbers, denominator }
        }
        RealOp::Clamp { source, lo, hi } => {
            let vector = of(*source);
            let ends = std::iter::once(lo).chain(hi.as_ref());
            let denominator = vector.denominator.lcm(&common_denominator(ends));
            let factor = &denominator / &vector.denominator;
            let at = |end: &Rational| end.numer() * (&denominator / end.denom());
            let (lo, hi) = (at(lo), hi.as_ref().map(at));
            let clamp = |n: &BigInt| {
                let n = (n * &factor).max(lo.clone());
                match &hi {
                    Some(hi) => n.min(hi.clone()),
                    None => n,
                }
            };
            Vector { numbers: vector.numbers.iter().map(clamp).collect(), denominator }
        }
        RealOp::Max { source, windows } => {
            let vector = of(*source);
            let greatest = |window: &[u32]| {
                window.iter().map(|i| &vector.numbers[*i as usize]).max().expect("no window is empty").clone()
            };
            Vector {
                numbers: windows.iter().map(|window| greatest(window)).collect(),
                denominator: vector.denominator.clone(),
            }
        }
        RealOp::Gather(picks) => {
            let denominator = picks.iter().fold(BigInt::one(), |lcm, (node, _)| {
                let own = &of(*node).denominator;
                if lcm == *own { lcm } else { lcm.lcm(own) }
            });
            let pick = |(node, i): &(usize, u32)| {
                let vector = of(*node);
                &vector.numbers[*i as usize] * (&denominator / &vector.denominator)
            };
            Vector { numbers: picks.iter().map(pick).collect(), denominator: denominator.clone() }
        }
    }
}

fn hash(op: &RealOp, len: usize, hasher: &mut blake3::Hasher) {
    fn number(hasher: &mut blake3::Hasher, n: &BigInt) {
        let bytes = n.to_signed_bytes_le();
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(&bytes);
    }
    fn value(hasher: &mut blake3::Hasher, value: &Rational) {
        number(hasher, value.numer());
        number(hasher, value.denom());
    }
    let word = |hasher: &mut blake3::Hasher, n: usize| {
        hasher.update(&(n as u64).to_le_bytes());
    };
    word(hasher, len);
    match op {
        RealOp::Input(scales) => {
            word(hasher, 0);
            scales.iter().for_each(|scale| value(hasher, scale));
        }
        RealOp::Affine { terms, bias } => {
            word(hasher, 1);
            word(hasher, terms.len());
            for (source, matrix) in terms {
                word(hasher, *source);
                word(hasher, matrix.numbers.len());
                number(hasher, &matrix.denominator);
                matrix.numbers.iter().for_each(|n| number(hasher, n));
                for row in matrix.rows.iter() {
                    word(hasher, row.len());
                    let bytes = row.iter().flat_map(|(column, index)| [column.to_le_bytes(), index.to_le_bytes()]);
                    hasher.update(&bytes.flatten().collect::<Vec<u8>>());
                }
            }
            bias.iter().for_each(|n| value(hasher, n));
        }
        RealOp::Clamp { source, lo, hi } => {
            word(hasher, 2);
            word(hasher, *source);
            value(hasher, lo);
            word(hasher, usize::from(hi.is_some()));
            hi.iter().for_each(|hi| value(hasher, hi));
        }
        RealOp::Max { source, windows } => {
            word(hasher, 3);
            word(hasher, *source);
            for window in windows.iter() {
                word(hasher, window.len());
                window.iter().for_each(|i| word(hasher, *i as usize));
            }
        }
        RealOp::Gather(picks) => {
            word(hasher, 4);
            for (node, i) in picks.iter() {
                word(hasher, *node);
                word(hasher, *i as usize);
            }
        }
    }
}
