//! Exact integer intervals: which values each node can take, given boxes for the inputs.
//!
//! In: a graph and an interval for each element of each input. Out: for each element of each node the tightest interval
//! that element-wise reasoning gives; sound for every input in the boxes, exact for a single affine layer. Sums are checked:
//! what does not fit 128 bits is an error, never a wrong interval.

use super::graph::{Graph, Matrix, NodeId, Op};
use super::interpret::wrap;
use serde::{Deserialize, Serialize};

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

/// A node's element whose values do not fit 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow128 {
    /// The node.
    pub node: NodeId,
    /// The element.
    pub element: usize,
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

/// The intervals of one node that is no input, from those of the nodes before it.
///
/// # Errors
/// [`Overflow128`] as for [`ranges`].
pub fn node_ranges(graph: &Graph, id: NodeId, before: &[Vec<Interval>]) -> Result<Vec<Interval>, Overflow128> {
    let node = graph.node(id);
    let mut result = Vec::with_capacity(node.len);
    match &node.op {
        Op::Input => panic!("an input's box is given, not computed"),
        Op::Constant(constants) => result.extend(constants.iter().map(|v| Interval::new(*v, *v))),
        Op::Affine { terms, bias } => {
            // Nearly always 64 bits do, at a fraction of the time.
            let small: Option<Vec<Vec<(i64, i64)>>> =
                terms.iter().map(|(source, _)| small_ranges(&before[source.index()])).collect();
            for element in 0..node.len {
                let sources = || terms.iter().map(|(_, matrix)| &**matrix).zip(small.iter().flatten());
                if small.is_some()
                    && let Some(sum) = small_sum(sources(), element, bias[element])
                {
                    result.push(sum);
                    continue;
                }
                let mut sum = Interval::new(bias[element], bias[element]);
                for (source, matrix) in terms {
                    for (column, weight) in matrix.row(element) {
                        sum = before[source.index()][column]
                            .checked_scale(i128::from(weight))
                            .and_then(|product| sum.checked_add(product))
                            .ok_or(Overflow128 { node: id, element })?;
                    }
                }
                result.push(sum);
            }
        }
        Op::Step { source, steps } => {
            for (element, a) in before[source.index()].iter().enumerate() {
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

/// The intervals in 64 bits, if they all fit.
fn small_ranges(ranges: &[Interval]) -> Option<Vec<(i64, i64)>> {
    ranges.iter().map(|range| Some((i64::try_from(range.lo).ok()?, i64::try_from(range.hi).ok()?))).collect()
}

/// An affine element's interval; `None` where 64 bits don't hold an intermediate result.
fn small_sum<'a>(
    sources: impl Iterator<Item = (&'a Matrix, &'a Vec<(i64, i64)>)>,
    element: usize,
    bias: i128,
) -> Option<Interval> {
    let bias = i64::try_from(bias).ok()?;
    let (mut lo, mut hi) = (bias, bias);
    for (matrix, ranges) in sources {
        for (column, weight) in matrix.row(element) {
            let (least, greatest) = ranges[column];
            let (first, last) = if weight > 0 { (least, greatest) } else { (greatest, least) };
            lo = lo.checked_add(weight.checked_mul(first)?)?;
            hi = hi.checked_add(weight.checked_mul(last)?)?;
        }
    }
    Some(Interval { lo: lo.into(), hi: hi.into() })
}

/// The least and the greatest result of a wrap.
pub fn wrap_limits(width: u32, signed: bool) -> (i128, i128) {
    if signed { (-(1i128 << (width - 1)), (1i128 << (width - 1)) - 1) } else { (0, (1i128 << width) - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths() {
        for (lo, hi, width) in [(0, 0, 1), (-1, 0, 1), (0, 1, 2), (-2, 1, 2), (-3, 1, 3), (-128, 127, 8), (0, 128, 9)] {
            assert_eq!(Interval::new(lo, hi).signed_width(), width, "{lo}..={hi}");
        }
    }
}
