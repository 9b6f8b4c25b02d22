//! Enclosures: an integer graph beside a real one, with a proved bound of how far they are apart.
//!
//! In: a [`RealGraph`], the ranges of its inputs' integers. Out: a [`Graph`] whose output times a scale is the real one's output up to
//! [`Enclosure::errors`]. Where the exact integers are small enough for every engine, the graph is the real one and the errors are zero. Else weights are
//! rounded to a power of two and ReLUs round their results, and the errors are carried from node to node: with real = scale · (integer + e),
//!
//! ```text
//! W x + b = s · ((M + R)(x' + e) + b / s)   so   |e'| <= |M| |e| + |R| (|x'| + |e|) + |b / s - b'|,
//! ```
//!
//! and ReLU, clamp and maximum carry no error further than it is. Invariant: every bound is made of integers, rounded up. Nothing here knows engines.

mod builder;
mod rounding;
#[cfg(test)]
mod tests;

use crate::interrupt::work;
use crate::rational::{integer, power_of_two};
use crate::real::{NUMBER, RealGraph};
use crate::{Graph, Interval, Matrix, NodeId, Op, Rational};
use builder::Builder;
use num_integer::Integer;
use std::sync::Arc;

/// No integer of an enclosure is larger: the engines' exact floats hold it, times the property's own factors.
const LIMIT: i128 = 1 << 48;
/// The bits of rounded sums, about, …
const SUM_BITS: i64 = 44;
/// … of weights …
const WEIGHT_BITS: i64 = 22;
/// … and of the results of ReLUs.
const RESULT_BITS: u32 = 20;
/// What rounding leaves of a weight is bounded in steps of 2^-20 of the weight's own.
const RESIDUE_BITS: u32 = 20;

/// The numbers don't fit, however coarsely they are rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

/// What a node of the graph adds to the errors of those before it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Slack {
    /// Nothing, and it reads none.
    None,
    /// As the operation carries them.
    Carried,
    /// An affine node's weights and constants are off by at most these, in 2^-[`RESIDUE_BITS`].
    Rounded { terms: Vec<Arc<Matrix>>, bias: Arc<[i64]> },
    /// A step divides by 2^shift and rounds.
    Divided { shift: u32 },
}

/// An integer graph that encloses a real one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enclosure {
    /// The graph; its inputs are the real one's, in order.
    pub graph: Graph,
    /// The range of every element over the ranges that it was made for.
    pub ranges: Vec<Vec<Interval>>,
    /// The output's node.
    pub output: NodeId,
    /// The value of one step of the output.
    pub scale: Rational,
    /// For each node.
    slack: Vec<Slack>,
}

impl Enclosure {
    /// Encloses a node of a real graph, for inputs within these ranges. The output's steps are no finer than 2^-44 of `step`, so that
    /// a comparison of the two needs no larger integers.
    ///
    /// # Errors
    /// [`TooLarge`] where weights and inputs are too far apart for 48 bits.
    pub fn new(
        real: &RealGraph,
        output: usize,
        boxes: &[Vec<Interval>],
        step: &Rational,
    ) -> Result<Enclosure, TooLarge> {
        let finest = step * power_of_two(-SUM_BITS);
        Builder::run(real, output, boxes, &finest, true)
            .or_else(|TooLarge| Builder::run(real, output, boxes, &finest, false))
    }

    /// Whether the graph is the real one, for all inputs.
    pub fn is_exact(&self) -> bool {
        self.slack[self.output.index()] == Slack::None
    }

    /// How far each element of the output can be from the real one, in its steps, for inputs within `boxes`.
    ///
    /// # Errors
    /// [`TooLarge`] where the bounds need more than 128 bits.
    pub fn errors(&self, boxes: &[Vec<Interval>]) -> Result<Vec<i128>, TooLarge> {
        if self.is_exact() {
            return Ok(vec![0; self.graph.len(self.output)]);
        }
        let ranges = crate::ranges(&self.graph, boxes).map_err(|_| TooLarge)?;
        let mut all: Vec<Vec<i128>> = Vec::with_capacity(self.slack.len());
        for (id, slack) in self.graph.ids().zip(&self.slack) {
            let next = self.errors_of(id, slack, &ranges, &all).ok_or(TooLarge)?;
            all.push(next);
        }
        Ok(std::mem::take(&mut all[self.output.index()]))
    }

    fn errors_of(
        &self,
        id: NodeId,
        slack: &Slack,
        ranges: &[Vec<Interval>],
        before: &[Vec<i128>],
    ) -> Option<Vec<i128>> {
        let node = self.graph.node(id);
        work(node.len);
        if *slack == Slack::None {
            return Some(vec![0; node.len]);
        }
        Some(match &node.op {
            Op::Input | Op::Constant(_) | Op::Wrap { .. } => vec![0; node.len],
            Op::Affine { terms, .. } => {
                let mut result = Vec::with_capacity(node.len);
                for row in 0..node.len {
                    let mut sum = 0i128;
                    for (source, matrix) in terms {
                        work(matrix.entries(row));
                        for (column, weight) in matrix.row(row) {
                            let product = i128::from(weight).abs().checked_mul(before[source.index()][column])?;
                            sum = sum.checked_add(product)?;
                        }
                    }
                    if let Slack::Rounded { terms: residues, bias } = slack {
                        let mut fine = i128::from(bias[row]);
                        for ((source, _), residue) in terms.iter().zip(residues) {
                            work(2 * residue.entries(row));
                            for (column, r) in residue.row(row) {
                                let range = ranges[source.index()][column];
                                let reach = range.lo.abs().max(range.hi.abs());
                                let reach = reach.checked_add(before[source.index()][column])?;
                                fine = fine.checked_add(i128::from(r).checked_mul(reach)?)?;
                            }
                        }
                        sum = sum.checked_add(Integer::div_ceil(&fine, &(1 << RESIDUE_BITS)))?;
                    }
                    result.push(sum);
                }
                result
            }
            Op::Step { source, .. } => {
                let before = &before[source.index()];
                match slack {
                    // Half a step for the rounding, half a step for an end of the clamp that is rounded too.
                    Slack::Divided { shift } => before
                        .iter()
                        .inspect(|_| work(NUMBER))
                        .map(|e| Integer::div_ceil(e, &(1i128 << shift)) + 1)
                        .collect(),
                    _ => before.clone(),
                }
            }
            Op::Max { source, windows } => {
                let of = |i: &u32| before[source.index()][*i as usize];
                let windows = windows.iter().inspect(|window| work(window.len()));
                windows.map(|window| window.iter().map(of).max().unwrap_or(0)).collect()
            }
            Op::Gather { picks } => picks.iter().map(|(node, i)| before[node.index()][*i as usize]).collect(),
        })
    }
}

/// The value of an integer of the enclosure.
pub fn value(scale: &Rational, number: i128) -> Rational {
    integer(number) * scale
}
