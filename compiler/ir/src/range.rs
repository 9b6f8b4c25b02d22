//! Exact integer intervals: which values each node can take, given boxes for the inputs.
//!
//! In: a graph and an interval for each element of each input. Out: for each element of each node the tightest interval
//! that element-wise reasoning gives; sound for every input in the boxes, exact for a single affine layer. Sums are checked:
//! what does not fit 128 bits is an error, never a wrong interval.

use super::graph::{Graph, NodeId, Op};
use super::interpreter::{Overflow128, STEP, row_work, wrap};
use super::matrix::{Integers, Matrix};
use crate::interrupt::work;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A closed interval of integers, `lo <= hi`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Interval {
    /// The least value.
    pub lo: i128,
    /// The greatest value.
    pub hi: i128,
}

impl Interval {
    /// The interval `lo ..= hi`.
    pub fn new(lo: i128, hi: i128) -> Interval {
        debug_assert!(lo <= hi);
        Interval { lo, hi }
    }

    /// Whether a value lies in it.
    pub fn contains(self, value: i128) -> bool {
        self.lo <= value && value <= self.hi
    }

    /// Whether it holds one value only.
    pub fn is_point(self) -> bool {
        self.lo == self.hi
    }

    /// `weight` times the interval.
    pub fn checked_scale(self, weight: i128) -> Option<Interval> {
        let (a, b) = (self.lo.checked_mul(weight)?, self.hi.checked_mul(weight)?);
        Some(Interval { lo: a.min(b), hi: a.max(b) })
    }

    /// The sum of two independent values.
    pub fn checked_add(self, other: Interval) -> Option<Interval> {
        Some(Interval { lo: self.lo.checked_add(other.lo)?, hi: self.hi.checked_add(other.hi)? })
    }

    /// The bits that a two's complement accumulator needs to hold every value.
    pub fn signed_width(self) -> u32 {
        let bits = |v: i128| 129 - if v < 0 { v.leading_ones() } else { v.leading_zeros() };
        bits(self.lo).max(bits(self.hi))
    }
}

/// The intervals of all nodes. `inputs` holds one vector of intervals for each input node, in node order.
///
/// # Errors
/// [`Overflow128`] with the first element whose interval 128 bits don't hold.
///
/// # Panics
/// If the number or lengths of the inputs are not the graph's: a bug of the caller.
pub fn ranges(graph: &Graph, inputs: &[Vec<Interval>]) -> Result<Vec<Vec<Interval>>, Overflow128> {
    let mut all: Vec<Vec<Interval>> = Vec::with_capacity(graph.nodes.len());
    let mut next_input = inputs.iter();
    for id in graph.ids() {
        if matches!(graph.node(id).op, Op::Input) {
            let input = next_input.next().expect("a box for each input node");
            assert_eq!(input.len(), graph.len(id), "boxes have their nodes' lengths");
            all.push(input.clone());
        } else {
            let next = node_ranges(graph, id, &all)?;
            all.push(next);
        }
    }
    Ok(all)
}

/// A matrix with the intervals of its vector, all of whose products fit 64 bits: the intervals' ends, added and subtracted.
struct Short<'a> {
    matrix: &'a Matrix,
    sums: Integers,
    widths: Integers,
}

impl Short<'_> {
    /// The interval of a row: with x in [lo, hi], twice w · x lies within w · (lo + hi) ± |w| · (hi - lo), and reaches both ends.
    fn range(&self, row: usize) -> Interval {
        let (sum, reach) = self.matrix.dot_and_spread(row, &self.sums, &self.widths);
        let (sum, reach) = (i128::from(sum), i128::from(reach));
        Interval::new((sum - reach) / 2, (sum + reach) / 2)
    }
}

/// The terms of an affine node in 64 bits, if they all fit.
fn short<'a>(terms: &'a [(NodeId, Arc<Matrix>)], before: &[Vec<Interval>]) -> Option<Vec<Short<'a>>> {
    let term = |(source, matrix): &'a (NodeId, Arc<Matrix>)| {
        let vector = &before[source.index()];
        let magnitude = |i: &Interval| i.lo.unsigned_abs().max(i.hi.unsigned_abs());
        let greatest = vector.iter().map(magnitude).max().unwrap_or(0).checked_mul(2)?;
        let fits = greatest < 1 << 63 && matrix.norm().checked_mul(greatest)? < 1 << 63;
        fits.then(|| Short {
            matrix,
            sums: vector.iter().map(|i| (i.lo + i.hi) as i64).collect::<Vec<_>>().into(),
            widths: vector.iter().map(|i| (i.hi - i.lo) as i64).collect::<Vec<_>>().into(),
        })
    };
    terms.iter().map(term).collect()
}

/// The intervals of one node that is no input, from those of the nodes before it.
///
/// # Errors
/// [`Overflow128`] as for [`ranges`].
pub fn node_ranges(graph: &Graph, id: NodeId, before: &[Vec<Interval>]) -> Result<Vec<Interval>, Overflow128> {
    let node = graph.node(id);
    let mut result = Vec::with_capacity(node.len);
    work(node.len);
    match &node.op {
        Op::Input => panic!("an input's box is given, not computed"),
        Op::Constant(constants) => result.extend(constants.iter().map(|v| Interval::new(*v, *v))),
        Op::Affine { terms, bias } => {
            let short = short(terms, before);
            for element in 0..node.len {
                work(row_work(terms, element));
                let start = Interval::new(bias[element], bias[element]);
                let sum = match &short {
                    Some(short) => short.iter().try_fold(start, |sum, term| sum.checked_add(term.range(element))),
                    None => terms.iter().try_fold(start, |sum, (source, matrix)| {
                        matrix.row(element).try_fold(sum, |sum, (column, weight)| {
                            sum.checked_add(before[source.index()][column].checked_scale(i128::from(weight))?)
                        })
                    }),
                };
                result.push(sum.ok_or(Overflow128 { node: id, element })?);
            }
        }
        Op::Step { source, steps } => {
            for (element, a) in before[source.index()].iter().enumerate() {
                work(STEP);
                let step = steps.at(element);
                let ends = step.checked_apply(a.lo).zip(step.checked_apply(a.hi));
                let (lo, hi) = ends.ok_or(Overflow128 { node: id, element })?;
                result.push(Interval::new(lo, hi));
            }
        }
        Op::Wrap { source, width, signed } => {
            for a in &before[source.index()] {
                // Where the whole interval lies in one period, wrapping is a shift; else it can be anything.
                let lo = wrap(a.lo, *width, *signed);
                let shifted = a.hi.checked_sub(a.lo).and_then(|span| span.checked_add(lo));
                let (least, greatest) = wrap_limits(*width, *signed);
                result.push(match shifted {
                    Some(hi) if hi <= greatest => Interval::new(lo, hi),
                    _ => Interval::new(least, greatest),
                });
            }
        }
        Op::Max { source, windows } => {
            for window in windows.iter() {
                work(window.len());
                let of = |i: &u32| before[source.index()][*i as usize];
                let lo = window.iter().map(|i| of(i).lo).max().expect("no window is empty");
                let hi = window.iter().map(|i| of(i).hi).max().expect("no window is empty");
                result.push(Interval::new(lo, hi));
            }
        }
        Op::Gather { picks } => {
            result.extend(picks.iter().map(|(node, i)| before[node.index()][*i as usize]));
        }
    }
    Ok(result)
}

/// The least and the greatest result of a wrap.
pub fn wrap_limits(width: u32, signed: bool) -> (i128, i128) {
    if signed { (-(1i128 << (width - 1)), (1i128 << (width - 1)) - 1) } else { (0, (1i128 << width) - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    /// Short sums and long ones: the same intervals, on both sides of where 64 bits end.
    #[test]
    fn affine_ranges_are_exact() {
        let mut random = Random::new(7);
        for round in 0..400 {
            let bits = 20 + round % 45;
            let most = if bits >= 63 { i64::MAX } else { 1 << bits };
            let weights: Vec<i64> = (0..6).map(|_| random.between(-9, 9)).collect();
            let entries = |row: usize| (0..3).map(|c| (c as u32, weights[3 * row + c])).collect();
            let matrix = match round % 2 {
                0 => Matrix::dense(2, 3, weights.clone()),
                _ => Matrix::sparse(3, (0..2).map(entries).collect()),
            };
            let mut graph = Graph::new();
            let x = graph.push_input("x", 3);
            let y = graph.push("y", Op::Affine { terms: vec![(x, matrix)], bias: Arc::new([5, -5]) });
            let mut end = || i128::from(random.between(-most, most));
            let boxes: Vec<Interval> =
                (0..3).map(|_| (end(), end())).map(|(a, b)| Interval::new(a.min(b), a.max(b))).collect();
            let found = ranges(&graph, std::slice::from_ref(&boxes)).unwrap();
            for row in 0..2 {
                let ends = |pick: fn(i128, i128) -> i128| -> i128 {
                    let product = |c: usize| {
                        let w = i128::from(weights[3 * row + c]);
                        pick(w * boxes[c].lo, w * boxes[c].hi)
                    };
                    [5, -5][row] + (0..3).map(product).sum::<i128>()
                };
                assert_eq!(found[y.index()][row], Interval::new(ends(i128::min), ends(i128::max)), "2^{bits}");
            }
        }
    }

    #[test]
    fn widths() {
        for (lo, hi, width) in [(0, 0, 1), (-1, 0, 1), (0, 1, 2), (-2, 1, 2), (-3, 1, 3), (-128, 127, 8), (0, 128, 9)] {
            assert_eq!(Interval::new(lo, hi).signed_width(), width, "{lo}..={hi}");
        }
    }
}
