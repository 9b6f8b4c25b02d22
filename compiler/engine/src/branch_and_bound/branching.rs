//! Branching: the split is where the relaxation's primal point is furthest from the staircase, at its price, so that both sides exclude it.

use super::node::{Branch, NodeOutcome, Origin, Split};
use super::worker::Worker;
use crate::Reason;
use crate::relaxation::Ranges;
use crate::relaxation::network::{Kind, NONE};
use crate::simplex::Simplex;

impl Worker<'_> {
    /// Where to split: the step whose primal point is furthest from its staircase, or else a fractional input, or else anything.
    pub(super) fn split(&self, branch: &Branch, prices: &[f64]) -> NodeOutcome {
        let (problem, ranges, simplex) = (self.case.problem, &branch.ranges, &branch.simplex);
        let relaxation = problem.relaxation;
        // Few inputs are split themselves: once they are known, everything is.
        if self.few_inputs
            && let Some((column, value)) = self.input_to_split(ranges, simplex)
        {
            return self.halves(branch, column, value, None);
        }
        let mut best: Option<(f64, usize, f64, f64)> = None;
        let mut wrapped: Option<(usize, f64)> = None;
        for nonlinearity in problem.live.iter() {
            let nonlinearity = &relaxation.nonlinearities[*nonlinearity as usize];
            let column = nonlinearity.column as usize;
            let (lo, hi) = (ranges.lower[column], ranges.upper[column]);
            match nonlinearity.kind {
                Kind::Step(table) if lo < hi => {
                    let a = simplex.activities[nonlinearity.first as usize] + 1e-7;
                    let Some(f) = relaxation.step_tables[table as usize].apply(a.floor() as i64) else { continue };
                    let (y, f) = (simplex.x[column], f as f64);
                    let gap = (y - f).abs();
                    // Of very many values the hull knows the ends alone.
                    if gap <= if relaxation.step_tables[table as usize].is_wide() { 2.0 } else { 1e-5 } {
                        continue;
                    }
                    let gap = gap * (prices.get(column).copied().unwrap_or(0.0) + 1e-3);
                    let [down, up] = self.learned[column].map(|gains| gains.mean());
                    let score = gap * (5.0 * down.min(up) + down.max(up));
                    if best.is_none_or(|(most, ..)| score > most) {
                        let v = match relaxation.step_tables[table as usize]
                            .kink(ranges.exprs[nonlinearity.first as usize].0, lo)
                        {
                            // A ReLU is a line on either side of its kink, however many values it has.
                            Some(kink) => kink,
                            None if y > f => f,
                            None => f - 1.0,
                        };
                        best = Some((score, column, v.clamp(lo, hi - 1.0), gap));
                    }
                }
                Kind::Wrap { width, signed } => {
                    // Within one period a wrap is linear: split the argument between periods.
                    let (a, b) = ranges.exprs[nonlinearity.first as usize];
                    let (_, greatest) = qnn_ir::range::wrap_limits(width, signed);
                    let first = qnn_ir::interpreter::wrap(a as i128, width, signed);
                    let last_of_first = a + (greatest - first) as f64;
                    if b > last_of_first {
                        let period = (1i128 << width) as f64;
                        let middle =
                            last_of_first + (((b - last_of_first) / 2.0 - 1.0).max(0.0) / period).floor() * period;
                        wrapped = Some((nonlinearity.first as usize, middle));
                    }
                }
                _ => {}
            }
        }
        if let (None, Some((expr, value))) = (best, wrapped) {
            let place = relaxation.places[expr];
            let side = |lo: f64, hi: f64| {
                let (mut ranges, mut changed) = (ranges.clone(), Vec::new());
                ranges.narrow_expr(relaxation, expr, lo, hi, &mut changed).ok().map(|()| (Box::new(ranges), changed))
            };
            let (below, above) = (side(f64::NEG_INFINITY, value), side(value + 1.0, f64::INFINITY));
            return NodeOutcome::Split(Split {
                node: place.node.0,
                element: place.element,
                value: value as i64,
                below,
                above,
                origin: None,
            });
        }
        let (column, value) = match best {
            Some((_, column, value, _)) => (column, value),
            None if !branch.inputs_only => return NodeOutcome::Postpone,
            None => match self.input_to_split(ranges, simplex) {
                Some(found) => found,
                None => return NodeOutcome::Stop(Reason::Incomplete("no range is left to split".to_owned())),
            },
        };
        let value_above_cut = simplex.value() - self.case.cut(ranges, &branch.goal);
        let origin = best.map(|best| Origin { column: best.1 as u32, expected: best.3, value: value_above_cut });
        self.halves(branch, column, value, origin)
    }

    /// A split of a column.
    pub(super) fn halves(&self, branch: &Branch, column: usize, value: f64, origin: Option<Origin>) -> NodeOutcome {
        let relaxation = self.case.problem.relaxation;
        let side = |lo: f64, hi: f64| {
            let (mut ranges, mut changed) = (branch.ranges.clone(), Vec::new());
            ranges.narrow_column(relaxation, column, lo, hi, &mut changed).ok().map(|()| (Box::new(ranges), changed))
        };
        let (below, above) = (side(f64::NEG_INFINITY, value), side(value + 1.0, f64::INFINITY));
        let (node, element) = relaxation.columns[column];
        NodeOutcome::Split(Split { node: node.0, element, value: value as i64, below, above, origin })
    }

    /// The most fractional input, or else the widest, split in its middle.
    pub(super) fn input_to_split(&self, ranges: &Ranges, simplex: &Simplex) -> Option<(usize, f64)> {
        let relaxation = self.case.problem.relaxation;
        let fraction = |j: usize| (simplex.x[j] - simplex.x[j].round()).abs();
        let input = |j: &usize| relaxation.nonlinearity_of[*j] == NONE && !ranges.is_point(*j);
        let fractional = (simplex.basic_columns().iter().map(|j| *j as usize))
            .filter(input)
            .max_by(|a, b| fraction(*a).total_cmp(&fraction(*b)))
            .filter(|j| fraction(*j) > 1e-6);
        if let Some(j) = fractional {
            return Some((j, simplex.x[j].floor().clamp(ranges.lower[j], ranges.upper[j] - 1.0)));
        }
        let width = |j: usize| ranges.upper[j] - ranges.lower[j];
        let widest = (0..relaxation.columns.len()).filter(input).max_by(|a, b| width(*a).total_cmp(&width(*b)))?;
        Some((widest, ((ranges.lower[widest] + ranges.upper[widest]) / 2.0).floor()))
    }
}
