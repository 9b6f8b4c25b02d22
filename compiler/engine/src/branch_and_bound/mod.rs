//! The complete engine: exact dual bounds, attacks, and branch and bound over integer values.
//!
//! In: an obligation. Out: a certificate, or a point that was replayed, or why neither. `run` holds the cases, `stages` says in which order they are
//! worked on, `case_search` searches one of them. Invariant: a verdict rests on integers alone, the certificate's or the reference interpreter's.

mod attack_engine;
mod branching;
mod case;
mod case_search;
mod maximum;
mod multipliers;
mod node;
mod node_queue;
mod obbt;
mod parameters;
mod propagation;
mod pseudocost;
mod quick_bounds;
mod run;
mod search_tree;
mod stages;
#[cfg(test)]
mod tests;
mod worker;

pub use attack_engine::Attacks;

use crate::measure::MeasureAnswer;
use crate::relaxation::Empty;
use crate::relaxation::Problem;
use crate::relaxation::network::Place;
use crate::{Answer, Control, Engine, Reason, replayed};
use case::Accepted;
use obbt::tighten_root;
use parameters::{FIRST_TRY, TIGHTENING_DEPTH, TURN};
use qnn_ir::obligation::{Assignment, Objective, Obligation};
use qnn_ir::{Interval, NodeId};
use qnn_proof::Step;
use run::{Progress, Run, RunOutcome};
use search_tree::Effort;

/// The engine `search`.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    /// A branch with at most this many elementary operations for all its inputs together is evaluated input by input.
    enumerate: usize,
    /// A deep case that takes more branches than this gets narrower ranges first.
    first_try: u64,
    /// Nodes at this depth bound expressions anew.
    tightened: i32,
    /// The branches of a case's first turn, where the search is long …
    turn: u64,
    /// … and the most turns of a search for a maximum.
    turns: usize,
}

impl Default for Search {
    fn default() -> Search {
        Search::new()
    }
}

impl Search {
    /// The engine.
    pub fn new() -> Search {
        Search { enumerate: 1 << 16, first_try: FIRST_TRY, tightened: TIGHTENING_DEPTH, turn: TURN, turns: usize::MAX }
    }

    /// An engine that evaluates single points only, so that small problems show the search itself.
    #[cfg(any(test, feature = "testing"))]
    pub fn without_enumeration() -> Search {
        Search { enumerate: 0, ..Search::new() }
    }

    /// An engine that evaluates single points only, and gives up a search for a maximum after this many short turns.
    #[cfg(test)]
    pub(crate) fn with_turns(turns: usize) -> Search {
        Search { enumerate: 0, first_try: 0, turn: 1, turns, ..Search::new() }
    }

    /// An engine that narrows ranges at once and again after the first split, and evaluates single points only.
    #[cfg(any(test, feature = "testing"))]
    pub fn without_patience() -> Search {
        Search { enumerate: 0, first_try: 0, tightened: 1, ..Search::new() }
    }

    /// Like [`Engine::solve`], with the effort that it took.
    pub fn solve_with_effort(&self, obligation: &Obligation, control: &Control) -> (Answer, Effort) {
        let solved = control.bound(|| self.solve_within(obligation, control));
        solved.unwrap_or_else(|reason| (Answer::Unknown(reason), Effort::default()))
    }

    fn solve_within(&self, obligation: &Obligation, control: &Control) -> (Answer, Effort) {
        let Some(relaxation) = control.relaxations.of(&obligation.graph) else {
            return (too_large(), Effort::default());
        };
        let accept = |point: &[i64]| Accepted::from(&obligation.replay(&assignment(obligation, point)));
        let mut run = match Run::new(self, &relaxation, obligation, control) {
            Ok(run) => run,
            Err(answer) => return (answer, Effort::default()),
        };
        let answer = match run.run(&relaxation, control, &accept) {
            RunOutcome::Point(point) => Answer::Some(assignment(obligation, &point)),
            RunOutcome::Proved => run.proved(obligation),
            RunOutcome::Stopped(reason) => Answer::Unknown(reason),
            RunOutcome::Turn => Answer::Unknown(Reason::Internal("the search ended before its time".to_owned())),
        };
        (answer, run.effort)
    }

    /// What bounds leave of an obligation without branching: the answer, if that is nothing. `None` where a number is too large.
    pub fn residual(&self, obligation: &Obligation, control: &Control) -> Option<Result<Residual, Answer>> {
        let relaxation = control.relaxations.of(&obligation.graph)?;
        let mut run = Run::new(self, &relaxation, obligation, control).ok()?;
        run.close_by_bounds();
        let open = run.open();
        let problems: Vec<&Problem<'_>> = open.iter().map(|index| &run.problems[*index]).collect();
        if !problems.is_empty() {
            match tighten_root(
                &run.base,
                &problems,
                &mut run.ranges,
                &mut run.prelude,
                (u64::MAX, 0),
                control,
                &run.helpers,
            ) {
                Err(Empty) => run.cases.iter_mut().for_each(|case| *case = Progress::Closed(vec![Step::Empty])),
                Ok(_) => run.close_by_bounds(),
            }
        }
        let open = run.open();
        if open.is_empty() {
            return Some(Err(replayed(obligation, self.name(), run.proved(obligation), control)));
        }
        let column = |(j, (node, element)): (usize, &(NodeId, u32))| {
            (*node, *element, Interval::new(run.ranges.lower[j] as i128, run.ranges.upper[j] as i128))
        };
        let expr = |(place, (lo, hi)): (&Place, &(f64, f64))| {
            (place.node, place.element, Interval::new(*lo as i128, *hi as i128))
        };
        let columns = relaxation.columns.iter().enumerate().map(column);
        let ranges = columns.chain(relaxation.places.iter().zip(&run.ranges.exprs).map(expr)).collect();
        Some(Ok(Residual { open, ranges }))
    }
}

/// What bounds leave of an obligation.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Residual {
    /// The cases that may have an answer.
    pub open: Vec<usize>,
    /// What elements can be for inputs that meet the assumptions.
    pub ranges: Vec<(NodeId, u32, Interval)>,
}

fn too_large() -> Answer {
    Answer::Unknown(Reason::Incomplete("numbers too large for this engine".to_owned()))
}

impl Engine for Search {
    fn name(&self) -> &'static str {
        "search"
    }

    fn is_search(&self) -> bool {
        true
    }

    fn solve(&self, obligation: &Obligation, control: &Control) -> Answer {
        self.solve_with_effort(obligation, control).0
    }

    fn maximize(
        &self,
        objective: &Objective,
        start: (i128, Assignment),
        control: &Control,
        on_progress: &mut (dyn FnMut(Option<i128>, i128) + Send),
    ) -> Option<MeasureAnswer> {
        maximum::maximize(self, objective, start, control, on_progress)
    }
}

/// The inputs' values, by ascending column, as an assignment.
fn assignment(obligation: &Obligation, point: &[i64]) -> Assignment {
    let mut rest = point;
    let mut assignment = Vec::with_capacity(obligation.variables.len());
    for variable in &obligation.variables {
        let (own, others) = rest.split_at(variable.domain.len().min(rest.len()));
        assignment.push(own.to_vec());
        rest = others;
    }
    assignment
}
