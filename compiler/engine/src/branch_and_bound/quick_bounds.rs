//! Bounds of a case without a solver: by intervals, then by chords of step tables.

use super::multipliers::{SCALES, propose};
use super::node::DualBound;
use crate::relaxation::Problem;
use crate::relaxation::network::{Kind, NONE};
use crate::relaxation::{Ranges, Relaxation};
use qnn_ir::interrupt::work;
use qnn_proof::Step;

/// Whether a nonlinearity reads results of others that are not constant.
pub(super) fn is_deep(relaxation: &Relaxation, ranges: &Ranges, nonlinearity: u32) -> bool {
    let nonlinearity = &relaxation.nonlinearities[nonlinearity as usize];
    !nonlinearity.shallow
        && nonlinearity.exprs().any(|e| {
            relaxation.exprs[e].runs().any(|(first, values)| {
                (first..first + values.len())
                    .any(|column| relaxation.nonlinearity_of[column] != NONE && !ranges.is_point(column))
            })
        })
}

/// A bound by intervals, then by the chords of the last layer's staircases, then of all: cheap, and often enough.
pub(super) fn quick_bound(problem: &Problem<'_>, ranges: &Ranges) -> Option<Step> {
    let relaxation = problem.relaxation;
    let objective = problem.atoms.len() - 1;
    let at = problem.atom(objective);
    let expr = problem.expr(at);
    if expr.range(&ranges.lower, &ranges.upper).1 < 0.0
        && let Some(proposal) = propose(problem, ranges, Some((at, 1.0)), &[], &SCALES, |_, _| true)
        && proposal.exact.value < 0
    {
        return Some(Step::Bound(proposal.certificate(problem, Some(objective as u32))));
    }
    let mut coefficients = vec![0.0; relaxation.columns.len()];
    for all in [false, true] {
        coefficients.fill(0.0);
        expr.add_to(&mut coefficients, 1.0);
        let mut multipliers = Vec::new();
        let mut shallow = false;
        for index in problem.live.iter().rev() {
            let nonlinearity = &relaxation.nonlinearities[*index as usize];
            let c = coefficients[nonlinearity.column as usize];
            if c == 0.0 || !matches!(nonlinearity.kind, Kind::Step(_)) {
                continue;
            }
            if !all && !is_deep(relaxation, ranges, *index) {
                shallow = true;
                continue;
            }
            work(relaxation.exprs[nonlinearity.first as usize].entries());
            let (lo, hi) = ranges.exprs[nonlinearity.first as usize];
            let column = nonlinearity.column as usize;
            let m = c * (ranges.upper[column] - ranges.lower[column]) / (hi - lo).max(1.0);
            relaxation.exprs[nonlinearity.first as usize].add_to(&mut coefficients, m);
            multipliers.push((nonlinearity.first, m));
        }
        multipliers.reverse();
        if let Some(proposal) = propose(problem, ranges, Some((at, 1.0)), &multipliers, &SCALES, |_, _| true)
            && proposal.exact.value < 0
        {
            return Some(Step::Bound(proposal.certificate(problem, Some(objective as u32))));
        }
        if !shallow {
            break;
        }
    }
    None
}

/// The bound of the objective's atom by intervals.
pub(super) fn root_bound(problem: &Problem<'_>, ranges: &Ranges) -> Option<DualBound> {
    let objective = problem.atoms.len() - 1;
    let proposal = propose(problem, ranges, Some((problem.atom(objective), 1.0)), &[], &SCALES, |_, _| true)?;
    DualBound::new(&proposal, problem, objective as u32)
}
