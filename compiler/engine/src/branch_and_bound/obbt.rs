//! Optimization-based bound tightening (OBBT) at the root: the relaxation bounds the expressions that read nonlinearities.
//!
//! In: the ranges, and how much work it may take. Out: narrower ranges, the certificate's steps that prove them, and where the solver ended for each
//! expression. Several workers may share the expressions.

use super::case::Helpers;
use super::node::WarmStart;
use super::parameters::FEW_TARGETS;
use super::propagation::{all_facets, atom_facets, narrow_by};
use super::quick_bounds::is_deep;
use crate::Control;
use crate::relaxation::facet::Facet;
use crate::relaxation::{Empty, Ranges, Relaxation};
use crate::relaxation::{Problem, relevant};
use crate::simplex::{Simplex, View};
use qnn_proof::Tighten;
use std::sync::{Arc, Mutex, PoisonError};

/// The nonlinearities that an expression depends on, by ascending index.
fn ancestors(relaxation: &Relaxation, live: &[u32], e: usize) -> Vec<u32> {
    let mut needed = vec![false; relaxation.columns.len()];
    relaxation.exprs[e].mark(&mut needed);
    let mut found = Vec::new();
    for nonlinearity in live.iter().rev() {
        if needed[relaxation.nonlinearities[*nonlinearity as usize].column as usize] {
            found.push(*nonlinearity);
            relaxation.nonlinearities[*nonlinearity as usize]
                .exprs()
                .for_each(|e| relaxation.exprs[e].mark(&mut needed));
        }
    }
    found.reverse();
    found
}

/// The state that the workers share while expressions are bounded.
struct Bounding<'a> {
    ranges: &'a mut Ranges,
    facets: Vec<Option<Arc<[Facet]>>>,
    prelude: &'a mut Vec<Tighten>,
    /// The expressions that wait.
    next: std::vec::IntoIter<Target>,
    /// The solver's steps so far.
    taken: u64,
    warm_starts: Vec<WarmStart>,
    bounded: usize,
    empty: bool,
}

/// An expression to be bounded: the column of its nonlinearity, and the nonlinearities that say anything about it.
struct Target {
    column: usize,
    expr: usize,
    sign: f64,
    nonlinearities: Arc<[u32]>,
}

/// Bounds every expression that depends on other nonlinearities by the relaxation, from the first layer on, until the solver has taken `steps` steps.
/// Returns the solver's state for each expression, or none of them if they are more than `most`.
///
/// # Errors
/// [`Empty`] if nothing is left of the ranges.
pub(super) fn tighten_root(
    problem: &Problem<'_>,
    open: &[&Problem<'_>],
    ranges: &mut Ranges,
    prelude: &mut Vec<Tighten>,
    (steps, most): (u64, usize),
    control: &Control,
    helpers: &Helpers,
) -> Result<Vec<WarmStart>, Empty> {
    let relaxation = problem.relaxation;
    let relevant = relevant(open);
    let constrained = !problem.constraints.is_empty();
    let all: Arc<[u32]> = problem.live.clone();
    let mut targets = Vec::new();
    for nonlinearity in problem.live.iter() {
        let column = relaxation.nonlinearities[*nonlinearity as usize].column as usize;
        if !relevant[column] || (!constrained && !is_deep(relaxation, ranges, *nonlinearity)) {
            continue;
        }
        for expr in relaxation.nonlinearities[*nonlinearity as usize].exprs() {
            // Where nothing else constrains the inputs, only what an expression depends on says anything about it.
            let nonlinearities =
                if constrained { all.clone() } else { ancestors(relaxation, &problem.live, expr).into() };
            targets.extend([1.0, -1.0].map(|sign| Target {
                column,
                expr,
                sign,
                nonlinearities: nonlinearities.clone(),
            }));
        }
    }
    if targets.is_empty() {
        return Ok(Vec::new());
    }
    let atoms = atom_facets(problem);
    let count = targets.len();
    let shared = Mutex::new(Bounding {
        facets: all_facets(problem, ranges),
        ranges,
        prelude,
        next: targets.into_iter(),
        taken: 0,
        warm_starts: Vec::new(),
        bounded: 0,
        empty: false,
    });
    let lock = || shared.lock().unwrap_or_else(PoisonError::into_inner);
    let stop = || control.stop().is_some();
    let work = || {
        loop {
            let mut now = lock();
            if now.empty || now.taken > steps || stop() {
                return;
            }
            let Some(Target { column, expr, sign, nonlinearities }) = now.next.next() else { return };
            if now.ranges.is_point(column) {
                continue;
            }
            let (ranges, facets) = (now.ranges.clone(), now.facets.clone());
            drop(now);
            let mut objective = vec![0.0; relaxation.columns.len()];
            relaxation.exprs[expr].add_to(&mut objective, sign);
            let mut solver = Simplex::new(problem, &ranges, objective);
            let view = View { ranges: &ranges, nonlinearities: &nonlinearities, facets: &facets, atoms: &atoms };
            solver.run(problem, &view, f64::NEG_INFINITY, 200, &stop);
            let mut now = lock();
            let now = &mut *now;
            // Another worker found a range empty: nothing is left to narrow.
            if now.empty {
                return;
            }
            now.taken += solver.steps;
            let take = |step| now.prelude.push(step);
            if narrow_by(problem, now.ranges, &mut now.facets, (expr, sign), &solver, 0.0, take).is_err() {
                now.empty = true;
            }
            now.bounded += 1;
            if now.bounded <= most {
                now.warm_starts.push(WarmStart { expr: expr as u32, sign, solver });
            }
        }
    };
    if count < FEW_TARGETS {
        work();
    } else {
        helpers.run_on_all(control, work);
    }
    let mut bounding = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    if bounding.empty {
        return Err(Empty);
    }
    if bounding.bounded > most {
        bounding.warm_starts.clear();
    }
    Ok(bounding.warm_starts)
}
