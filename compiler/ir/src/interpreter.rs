//! The reference interpreter: the definition of what a network computes.
//!
//! Plain integer loops, no cleverness: every engine is tested against it, and every counterexample is replayed through
//! it before anyone sees it. 128-bit arithmetic is checked; the lowering has proved that the checks never fail for
//! inputs within their formats, and an input for which one does ends in an error, never in a wrong number.
//! A sum that a bound shows to fit 64 bits is computed in 64 bits: the same number, many times sooner.

use super::graph::{Graph, NodeId, Op};
use super::matrix::{Integers, Matrix};
use crate::interrupt::work;
use std::sync::Arc;

/// A node's element whose values do not fit 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow128 {
    /// The node.
    pub node: NodeId,
    /// The element.
    pub element: usize,
}

/// The values of all nodes for the given inputs.
///
/// `inputs` holds one vector for each input node, in node order.
///
/// # Errors
/// [`Overflow128`] with the node where 128 bits don't suffice.
///
/// # Panics
/// If the number or lengths of the inputs are not the graph's: a bug of the caller.
pub fn interpret(graph: &Graph, inputs: &[Vec<i128>]) -> Result<Vec<Vec<i128>>, Overflow128> {
    let mut values: Vec<Vec<i128>> = Vec::with_capacity(graph.nodes.len());
    let mut next_input = inputs.iter();
    for (index, node) in graph.nodes.iter().enumerate() {
        let input = matches!(node.op, Op::Input).then(|| next_input.next().expect("a vector for each input node"));
        let mut result = Vec::with_capacity(node.len);
        evaluate(graph, index, input, &values, &mut result)?;
        values.push(result);
    }
    Ok(values)
}

/// The interpreter of one graph for inputs one after the other: nodes that read nothing that changed keep their values.
#[derive(Debug)]
pub struct Interpreter<'a> {
    graph: &'a Graph,
    values: Vec<Vec<i128>>,
    /// For each node the last input node that it depends on.
    latest: Vec<Option<NodeId>>,
    /// Whether the values are those of some inputs.
    is_valid: bool,
}

impl<'a> Interpreter<'a> {
    /// An interpreter that has seen no inputs.
    pub fn new(graph: &'a Graph) -> Interpreter<'a> {
        let mut latest: Vec<Option<NodeId>> = Vec::with_capacity(graph.nodes.len());
        for (index, node) in graph.nodes.iter().enumerate() {
            let own = matches!(node.op, Op::Input).then_some(NodeId(index as u32));
            latest.push(node.op.sources().map(|source| latest[source.index()]).max().flatten().max(own));
        }
        Interpreter { graph, values: vec![Vec::new(); graph.nodes.len()], latest, is_valid: false }
    }

    /// What [`interpret()`] says; the inputs before node `changed` are those of the last time.
    ///
    /// # Errors
    /// [`Overflow128`] with the node where 128 bits don't suffice.
    ///
    /// # Panics
    /// If the number or lengths of the inputs are not the graph's: a bug of the caller.
    pub fn run(&mut self, inputs: &[Vec<i128>], changed: Option<NodeId>) -> Result<&[Vec<i128>], Overflow128> {
        let changed = changed.filter(|_| std::mem::take(&mut self.is_valid));
        let mut next_input = inputs.iter();
        for (index, node) in self.graph.nodes.iter().enumerate() {
            let input = matches!(node.op, Op::Input).then(|| next_input.next().expect("a vector for each input node"));
            if changed.is_some() && self.latest[index] < changed {
                continue;
            }
            let mut result = std::mem::take(&mut self.values[index]);
            result.clear();
            evaluate(self.graph, index, input, &self.values, &mut result)?;
            self.values[index] = result;
        }
        self.is_valid = true;
        Ok(&self.values)
    }
}

/// The values of a node's elements, given those of the nodes before it.
fn evaluate(
    graph: &Graph,
    index: usize,
    input: Option<&Vec<i128>>,
    values: &[Vec<i128>],
    result: &mut Vec<i128>,
) -> Result<(), Overflow128> {
    let (node, id) = (&graph.nodes[index], NodeId(index as u32));
    work(node.len);
    match &node.op {
        Op::Input => {
            let input = input.expect("a vector for each input node");
            assert_eq!(input.len(), node.len, "input vectors have their nodes' lengths");
            result.extend_from_slice(input);
        }
        Op::Constant(constants) => result.extend_from_slice(constants),
        Op::Affine { terms, bias } => {
            let short = short(terms, values);
            for element in 0..node.len {
                work(row_work(terms, element));
                let overflow = Overflow128 { node: id, element };
                let sum = match &short {
                    Some(short) => short.iter().try_fold(bias[element], |sum, (matrix, vector)| {
                        sum.checked_add(i128::from(matrix.dot(element, vector)))
                    }),
                    None => terms.iter().try_fold(bias[element], |sum, (source, matrix)| {
                        matrix.row(element).try_fold(sum, |sum, (column, weight)| {
                            sum.checked_add(i128::from(weight).checked_mul(values[source.index()][column])?)
                        })
                    }),
                };
                result.push(sum.ok_or(overflow)?);
            }
        }
        Op::Step { source, steps } => {
            for (element, a) in values[source.index()].iter().enumerate() {
                work(STEP);
                result.push(steps.at(element).checked_apply(*a).ok_or(Overflow128 { node: id, element })?);
            }
        }
        Op::Wrap { source, width, signed } => {
            result.extend(values[source.index()].iter().map(|a| wrap(*a, *width, *signed)));
        }
        Op::Max { source, windows } => {
            for window in windows.iter() {
                work(window.len());
                let mut greatest = values[source.index()][window[0] as usize];
                for i in &window[1..] {
                    greatest = greatest.max(values[source.index()][*i as usize]);
                }
                result.push(greatest);
            }
        }
        Op::Gather { picks } => {
            result.extend(picks.iter().map(|(node, i)| values[node.index()][*i as usize]));
        }
    }
    Ok(())
}

/// The matrices with their vectors in 64 bits, if all products of theirs fit 64 bits.
fn short<'a>(terms: &'a [(NodeId, Arc<Matrix>)], values: &[Vec<i128>]) -> Option<Vec<(&'a Matrix, Integers)>> {
    let term = |(source, matrix): &'a (NodeId, Arc<Matrix>)| {
        let vector = &values[source.index()];
        let greatest = vector.iter().map(|v| v.unsigned_abs()).max().unwrap_or(0);
        let fits = matrix.norm().checked_mul(greatest)? < 1 << 63 && greatest < 1 << 63;
        fits.then(|| (&**matrix, vector.iter().map(|v| *v as i64).collect::<Vec<_>>().into()))
    };
    terms.iter().map(term).collect()
}

/// What a step takes, in elementary operations.
pub(super) const STEP: usize = 16;

/// The products of an element of an affine node.
pub(super) fn row_work(terms: &[(NodeId, Arc<Matrix>)], element: usize) -> usize {
    terms.iter().map(|(_, matrix)| 1 + matrix.entries(element)).sum()
}

/// The low `width` bits of `a` as an unsigned or two's complement number.
pub fn wrap(a: i128, width: u32, signed: bool) -> i128 {
    let low = a.rem_euclid(1i128 << width);
    if signed && low >= 1i128 << (width - 1) { low - (1i128 << width) } else { low }
}

#[cfg(test)]
mod tests {
    use super::super::graph::Steps;
    use super::super::step::Step;
    use super::*;
    use crate::Rounding;

    #[test]
    fn every_operation_once() {
        let mut g = Graph::new();
        let x = g.push_input("x", 2);
        let a = g.push(
            "a",
            Op::Affine { terms: vec![(x, Matrix::dense(2, 2, vec![1, 2, 3, -4]))], bias: Arc::new([10, 0]) },
        );
        let step = Step::Round { numerator: 1, denominator: 4, offset: 0, mode: Rounding::HalfUp, lo: 0, hi: 7 };
        let s = g.push("s", Op::Step { source: a, steps: Steps::Uniform(step) });
        let w = g.push("w", Op::Wrap { source: a, width: 3, signed: true });
        let m = g.push("m", Op::Max { source: a, windows: Arc::new([Box::new([0, 1])]) });
        let k = g.push("k", Op::Constant(Arc::new([5])));
        let c = g.push("c", Op::Gather { picks: Arc::new([(m, 0), (s, 1), (k, 0)]) });
        let values = interpret(&g, &[vec![3, 5]]).unwrap();
        assert_eq!(values[a.index()], [23, -11]);
        assert_eq!(values[s.index()], [6, 0]);
        assert_eq!(values[w.index()], [-1, -3]);
        assert_eq!(values[c.index()], [23, 0, 5]);
    }

    #[test]
    fn short_sums_are_the_long_ones() {
        // On both sides of the bound: the products of the last vectors fit 64 bits one by one, but not their sum.
        let matrices = [Matrix::dense(1, 2, vec![3, -5]), Matrix::sparse(2, vec![vec![(1, -5), (0, 3)]])];
        for matrix in matrices {
            assert_eq!(matrix.norm(), 8);
            let mut g = Graph::new();
            let x = g.push_input("x", 2);
            let y = g.push("y", Op::Affine { terms: vec![(x, matrix)], bias: Arc::new([7]) });
            let most = i128::from(i64::MAX) / 8;
            for (a, b) in
                [(4, 9), (most, -most), (most + 1, -most - 1), (-most - 2, most), (1 << 61, -(1 << 61)), (1 << 63, 1)]
            {
                assert_eq!(interpret(&g, &[vec![a, b]]).unwrap()[y.index()], [3 * a - 5 * b + 7], "{a}, {b}");
            }
        }
    }

    #[test]
    fn one_after_the_other_is_each_by_itself() {
        use crate::testing::{Random, Shape, random_obligation};
        for seed in 0..500 {
            let (obligation, mut random) = (random_obligation(seed, &Shape::default()), Random::new(seed));
            let mut interpreter = Interpreter::new(&obligation.graph);
            let draw = |random: &mut Random, (lo, hi): &(i64, i64)| i128::from(random.between(*lo, *hi));
            let mut inputs: Vec<Vec<i128>> = (obligation.variables.iter())
                .map(|v| v.domain.iter().map(|range| draw(&mut random, range)).collect())
                .collect();
            for _ in 0..8 {
                let first = random.below(obligation.variables.len());
                for (values, variable) in inputs.iter_mut().zip(&obligation.variables).skip(first) {
                    for (value, range) in values.iter_mut().zip(&variable.domain) {
                        *value = draw(&mut random, range);
                    }
                }
                let changed = Some(obligation.variables[first].node);
                let values = interpreter.run(&inputs, changed).map(<[Vec<i128>]>::to_vec);
                assert_eq!(values, interpret(&obligation.graph, &inputs), "seed {seed}");
            }
        }
    }

    #[test]
    fn too_large_sums_are_errors() {
        let mut g = Graph::new();
        let x = g.push_input("x", 1);
        let y = g.push("y", Op::Affine { terms: vec![(x, Matrix::dense(1, 1, vec![2]))], bias: Arc::new([i128::MAX]) });
        assert_eq!(interpret(&g, &[vec![1]]), Err(Overflow128 { node: y, element: 0 }));
    }
}
