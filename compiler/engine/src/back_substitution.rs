//! Back-substitution: a linear form over any elements as one over leaves.
//!
//! In: a graph, the interval of each element, a form. Out: the same form with every affine map, pick, constant and step that is the identity
//! over its range put in place, so that the form is over inputs, steps, wraps and maxima alone. Exact:
//! form and expansion agree on every input within the ranges. Putting a sum in place never loosens its interval and often
//! tightens it, since what occurs in two places cancels.

use qnn_ir::interpreter::wrap;
use qnn_ir::interrupt::work;
use qnn_ir::obligation::Linear;
use qnn_ir::range::wrap_limits;
use qnn_ir::{Graph, Interval, NodeId, Op, Step};

/// The form over leaves, or `None` where a factor does not fit 128 bits.
pub fn expand(graph: &Graph, ranges: &[Vec<Interval>], form: &Linear) -> Option<Linear> {
    let Some(last) = form.terms.iter().map(|(node, _, _)| node.index()).max() else {
        return Some(form.clone());
    };
    let mut expansion =
        Expansion { graph, factors: vec![Vec::new(); last + 1], constant: form.constant, leaves: Vec::new() };
    for (node, element, factor) in &form.terms {
        expansion.add(*node, *element as usize, *factor)?;
    }
    for index in (0..=last).rev() {
        let factors = std::mem::take(&mut expansion.factors[index]);
        work(1 + factors.len());
        for (element, factor) in factors.into_iter().enumerate().filter(|(_, factor)| *factor != 0) {
            expansion.replace(ranges, NodeId(index as u32), element, factor)?;
        }
    }
    Some(Linear::new(expansion.leaves, expansion.constant))
}

struct Expansion<'a> {
    graph: &'a Graph,
    /// By node, what is still to be replaced: a factor for each element, or nothing.
    factors: Vec<Vec<i128>>,
    constant: i128,
    leaves: Vec<(NodeId, u32, i128)>,
}

impl Expansion<'_> {
    fn add(&mut self, node: NodeId, element: usize, factor: i128) -> Option<()> {
        let factors = &mut self.factors[node.index()];
        if factors.is_empty() {
            factors.resize(self.graph.len(node), 0);
        }
        factors[element] = factors[element].checked_add(factor)?;
        Some(())
    }

    fn add_constant(&mut self, factor: i128, value: i128) -> Option<()> {
        self.constant = self.constant.checked_add(factor.checked_mul(value)?)?;
        Some(())
    }

    fn replace(&mut self, ranges: &[Vec<Interval>], node: NodeId, element: usize, factor: i128) -> Option<()> {
        let graph = self.graph;
        let range = ranges[node.index()][element];
        if range.is_point() {
            return self.add_constant(factor, range.lo);
        }
        let source_range = |source: &NodeId| ranges[source.index()][element];
        match &graph.node(node).op {
            Op::Affine { terms, bias } => {
                self.add_constant(factor, bias[element])?;
                for (source, matrix) in terms {
                    work(matrix.entries(element));
                    for (column, weight) in matrix.row(element) {
                        self.add(*source, column, factor.checked_mul(i128::from(weight))?)?;
                    }
                }
                return Some(());
            }
            Op::Gather { picks } => {
                let (source, at) = picks[element];
                return self.add(source, at as usize, factor);
            }
            Op::Step { source, steps } => {
                if let Some((slope, shift)) = linear_step(steps.at(element), source_range(source)) {
                    self.add_constant(factor, shift)?;
                    return self.add(*source, element, factor.checked_mul(slope)?);
                }
            }
            Op::Wrap { source, width, signed } => {
                if let Some(shift) = wrap_shift(source_range(source), *width, *signed) {
                    self.add_constant(factor, shift)?;
                    return self.add(*source, element, factor);
                }
            }
            Op::Max { source, windows } => {
                if let Some(at) = dominant(&windows[element], &ranges[source.index()]) {
                    return self.add(*source, at as usize, factor);
                }
            }
            Op::Input | Op::Constant(_) => {}
        }
        self.leaves.push((node, element as u32, factor));
        Some(())
    }
}

/// The member of a max's window that is never below another, if there is one.
pub fn dominant(window: &[u32], source: &[Interval]) -> Option<u32> {
    let best = *window.iter().max_by_key(|i| source[**i as usize].lo)?;
    let floor = source[best as usize].lo;
    window.iter().all(|i| *i == best || source[*i as usize].hi <= floor).then_some(best)
}

/// The constant that a wrap adds to every value of the range, if it is one: the whole range lies in one period.
pub fn wrap_shift(range: Interval, width: u32, signed: bool) -> Option<i128> {
    let lo = wrap(range.lo, width, signed);
    let hi = range.hi.checked_sub(range.lo)?.checked_add(lo)?;
    if hi <= wrap_limits(width, signed).1 { lo.checked_sub(range.lo) } else { None }
}

/// (slope, shift) where the step is slope · a + shift all over the range: a whole slope, no rounding, no clamp reached.
fn linear_step(step: &Step, range: Interval) -> Option<(i128, i128)> {
    let Step::Round { numerator, denominator, offset, lo, hi, .. } = step else { return None };
    if numerator % denominator != 0 || offset % denominator != 0 {
        return None;
    }
    let (slope, shift) = (numerator / denominator, offset / denominator);
    let at = |a: i128| slope.checked_mul(a)?.checked_add(shift);
    (at(range.lo)? >= *lo && at(range.hi)? <= *hi).then_some((slope, shift))
}
