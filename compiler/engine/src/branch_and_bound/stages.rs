//! The stages of a run: quick bounds, a short try, an attack, narrower ranges, the search.
//!
//! In: a [`Run`] with open cases. Out: a point, or all cases closed, or why neither. Each stage looks at the cases that the stages before it left open.

use super::Search;
use super::case::{Accepted, Case, Helpers};
use super::obbt::tighten_root;
use super::parameters::{FEW_BRANCHES, MEMORY, MOST_WARM_STARTS, NARROWING, SEED};
use super::propagation::atom_facets;
use super::pseudocost::Pseudocosts;
use super::quick_bounds::{is_deep, quick_bound, root_bound};
use super::run::{Progress, Run, RunOutcome, tree_after};
use super::search_tree::CaseOutcome;
use crate::attack::Attack;
use crate::relaxation::network::NONE;
use crate::relaxation::{Empty, Ranges, Relaxation};
use crate::relaxation::{Problem, relevant};
use crate::{Control, Reason};
use qnn_proof::Step;
use std::sync::Arc;

/// How long a case is searched at a time.
#[derive(Clone, Copy)]
enum Turn {
    /// At most this many branches, which are dropped if the case is still open then.
    Try(u64),
    /// A turn, after which the other cases have theirs.
    Long,
}

/// What is done about the open cases.
#[derive(Clone, Copy, PartialEq)]
enum Stage {
    QuickBounds,
    Try,
    Attack,
    Tighten,
    Search,
}

const STAGES: [Stage; 5] = [Stage::QuickBounds, Stage::Try, Stage::Attack, Stage::Tighten, Stage::Search];
/// The index of the last stage.
const SEARCH: usize = STAGES.len() - 1;

impl<'a> Run<'a> {
    /// Goes on until a point is found, all cases are closed, or there is a reason to stop.
    pub(super) fn run(
        &mut self,
        relaxation: &'a Relaxation,
        control: &Control,
        accept: &(dyn Fn(&[i64]) -> Accepted + Sync),
    ) -> RunOutcome {
        if self.cases.is_empty() {
            return RunOutcome::Proved;
        }
        let nonlinearities = &self.base.live;
        let deep = nonlinearities.iter().any(|nonlinearity| is_deep(relaxation, &self.ranges, *nonlinearity));
        while let Some(stage) = STAGES.get(self.stage) {
            if *stage == Stage::Tighten {
                let open: Vec<&Problem<'_>> = self.todo.iter().map(|index| &self.problems[*index]).collect();
                if (deep || !self.base.constraints.is_empty())
                    && !open.is_empty()
                    && tighten_root(
                        &self.base,
                        &open,
                        &mut self.ranges,
                        &mut self.prelude,
                        (u64::MAX, 0),
                        control,
                        &self.helpers,
                    )
                    .is_err()
                {
                    self.cases.iter_mut().for_each(|case| *case = Progress::Closed(vec![Step::Empty]));
                    return RunOutcome::Proved;
                }
            }
            let try_limit =
                if *stage == Stage::Try && deep && !self.todo.is_empty() { self.try_limit() } else { FEW_BRANCHES };
            while !self.todo.is_empty() {
                if *stage == Stage::Search && !self.pieces.is_empty() {
                    // The greatest bound of a case is that of the objective.
                    let greatest = self.todo.iter().enumerate().max_by_key(|(at, index)| {
                        (self.upper_of(**index).unwrap_or(i128::MAX), std::cmp::Reverse(*at))
                    });
                    let at = greatest.map_or(0, |(at, _)| at);
                    self.todo.swap(0, at);
                }
                let index = self.todo[0];
                if let Some(reason) = control.stop() {
                    return RunOutcome::Stopped(reason);
                }
                let ended = match stage {
                    Stage::QuickBounds => {
                        if let Some(step) = quick_bound(&self.problems[index], &self.ranges) {
                            self.cases[index] = Progress::Closed(vec![step]);
                        }
                        None
                    }
                    Stage::Tighten => None,
                    Stage::Attack => self.attack(index, 4, 8, control, accept).map(RunOutcome::Point),
                    Stage::Try => self.search(index, Turn::Try(try_limit), control, accept),
                    Stage::Search if deep && matches!(self.cases[index], Progress::New(..)) => {
                        let ended = self.search(index, Turn::Try(self.engine.first_try), control, accept);
                        if ended.is_none() && !matches!(self.cases[index], Progress::Closed(_)) {
                            // What the case itself says of the ranges is worth the effort when the search is long.
                            self.narrow(index, control);
                        }
                        ended
                    }
                    Stage::Search => self.search(index, Turn::Long, control, accept),
                };
                if let Some(ended) = ended {
                    return ended;
                }
                // In long searches the cases take turns: a point may be in any of them.
                if *stage == Stage::Search && !matches!(self.cases[index], Progress::Closed(_)) {
                    self.todo.rotate_left(1);
                    if !self.pieces.is_empty() {
                        return RunOutcome::Turn;
                    }
                } else {
                    self.todo.remove(0);
                }
            }
            self.stage += 1;
            self.todo = self.open();
        }
        if self.todo.is_empty() {
            RunOutcome::Proved
        } else {
            RunOutcome::Stopped(Reason::Incomplete("too many branches".into()))
        }
    }

    /// The cases that are not closed.
    pub(super) fn open(&self) -> Vec<usize> {
        (0..self.cases.len()).filter(|k| !matches!(self.cases[*k], Progress::Closed(_))).collect()
    }

    /// Closes the cases that quick bounds close.
    pub(super) fn close_by_bounds(&mut self) {
        for index in self.open() {
            if let Some(step) = quick_bound(&self.problems[index], &self.ranges) {
                self.cases[index] = Progress::Closed(vec![step]);
            }
        }
    }

    /// How many branches a case gets before its ranges are narrowed: few where many nonlinearities read others.
    fn try_limit(&self) -> u64 {
        let relaxation = self.base.relaxation;
        let relevant = relevant(&self.problems.iter().collect::<Vec<_>>());
        let of_interest =
            |nonlinearity: &&u32| relevant[relaxation.nonlinearities[**nonlinearity as usize].column as usize];
        let nonlinearities = self.base.live.iter();
        let reading = nonlinearities
            .filter(of_interest)
            .filter(|nonlinearity| is_deep(relaxation, &self.ranges, **nonlinearity))
            .count();
        if reading > 12 + self.problems.len() { 1 } else { FEW_BRANCHES }
    }

    /// Attacks a case from a number of starts, with a number of rounds from each.
    pub(super) fn attack(
        &self,
        index: usize,
        starts: usize,
        rounds: usize,
        control: &Control,
        accept: &(dyn Fn(&[i64]) -> Accepted + Sync),
    ) -> Option<Vec<i64>> {
        let (problem, ranges) = (&self.problems[index], &self.ranges);
        let relaxation = problem.relaxation;
        let middle: Vec<f64> = (0..relaxation.columns.len())
            .filter(|j| relaxation.nonlinearity_of[*j] == NONE)
            .map(|j| ((ranges.lower[j] + ranges.upper[j]) / 2.0).floor())
            .collect();
        let mut attack = Attack::new(problem, ranges, SEED + index as u64);
        let stop = || control.stop().is_some();
        let annealed = |attack: &mut Attack<'_>| attack.is_sparse().then(|| attack.anneal(1, &stop)).flatten();
        let hit = attack.run(&middle, starts, rounds, &stop).or_else(|| annealed(&mut attack))?;
        let point: Vec<i64> = hit.iter().map(|v| *v as i64).collect();
        (accept(&point) == Accepted::Yes).then_some(point)
    }

    /// Narrows the ranges by the case's own atoms; the steps that prove it come before the case's tree.
    fn narrow(&mut self, index: usize, control: &Control) {
        let problem = &self.problems[index];
        let (mut own, mut first) = (self.ranges.clone(), Vec::new());
        let whole = whole(problem);
        let (known, learned) = match &mut self.cases[index] {
            Progress::New(known, learned) => (known.take(), std::mem::take(learned)),
            _ => (None, Pseudocosts::new()),
        };
        self.cases[index] = match tighten_root(
            &whole,
            &[problem],
            &mut own,
            &mut first,
            (NARROWING, MOST_WARM_STARTS),
            control,
            &self.helpers,
        ) {
            Err(Empty) => Progress::Closed(tree_after(first, vec![Step::Empty])),
            Ok(warm_starts) => {
                let mut case = case(self.engine, problem, own, control, &|_| Accepted::Yes, index, &|_| ());
                case.warm_starts = warm_starts.into();
                Progress::Begun(Box::new(case.search_tree(known, learned)), first)
            }
        };
    }

    /// Searches a case for a turn; `None` if it is closed or the turn is over.
    fn search(
        &mut self,
        index: usize,
        turn: Turn,
        control: &Control,
        accept: &(dyn Fn(&[i64]) -> Accepted + Sync),
    ) -> Option<RunOutcome> {
        let problem = &self.problems[index];
        let others = self.cases.iter().enumerate().filter(|(other, _)| *other != index);
        let waiting = others.filter_map(|(_, case)| match case {
            Progress::Begun(search_tree, _) => Some(search_tree),
            _ => None,
        });
        let closed = self.cases.iter().filter(|case| matches!(case, Progress::Closed(_))).count() as f64;
        let closed = closed + waiting.clone().map(|search_tree| search_tree.closed()).sum::<f64>();
        let all = self.cases.len() as f64;
        // A short try counts only if it closes the whole case.
        let counts = if matches!(turn, Turn::Long) { 1.0 } else { 0.0 };
        let progress = |share: f64| control.meter.reach((closed + counts * share) / all);
        // All open branches together have the memory.
        let held = waiting.map(|search_tree| search_tree.bytes() as u64).sum();
        let memory = control.memory.unwrap_or(MEMORY).saturating_sub(held);
        let control = &Control { memory: Some(memory), ..control.clone() };
        let begun = self.begun;
        // A core that is lent stays until the end of the run, so that only the last stage requests one.
        let helpers = if self.stage == SEARCH { self.helpers.clone() } else { Helpers::spare_only() };
        let resumed = |root: Ranges| Case {
            begun,
            helpers: helpers.clone(),
            ..case(self.engine, problem, root, control, accept, index, &progress)
        };
        let (mut case, mut search_tree, first) =
            match std::mem::replace(&mut self.cases[index], Progress::New(None, Pseudocosts::new())) {
                Progress::Closed(tree) => {
                    self.cases[index] = Progress::Closed(tree);
                    return None;
                }
                Progress::Begun(search_tree, first) => (resumed(search_tree.root().clone()), *search_tree, first),
                Progress::New(known, learned) => {
                    let case = resumed(self.ranges.clone());
                    let search_tree = case.search_tree(known, learned);
                    (case, search_tree, Vec::new())
                }
            };
        case.warm_starts = search_tree.warm_starts.clone();
        let before = search_tree.effort;
        let limit = match turn {
            Turn::Try(limit) => limit,
            // As many branches as it had so far; where bounds are shown, turns are shorter.
            Turn::Long if self.pieces.is_empty() => before.branches.max(self.engine.turn),
            Turn::Long => (before.branches / 4).max(self.engine.turn),
        };
        search_tree.limit = before.branches.saturating_add(limit);
        let (found, search_tree) = case.search(search_tree);
        self.effort.branches += search_tree.effort.branches - before.branches;
        self.effort.steps += search_tree.effort.steps - before.steps;
        let (case, ended) = match found {
            CaseOutcome::Closed => (Progress::Closed(tree_after(first, search_tree.tree())), None),
            CaseOutcome::Limit if matches!(turn, Turn::Long) => (Progress::Begun(Box::new(search_tree), first), None),
            // A short try's tree was made with wider ranges: the search starts again after these are narrowed.
            CaseOutcome::Limit => {
                let keeps = !self.pieces.is_empty();
                if keeps
                    && let Some(most) = search_tree.most()
                    && self.kept[index].as_ref().is_none_or(|(kept, _)| most < *kept)
                {
                    self.kept[index] = search_tree.tree_by_bounds().map(|tree| (most, tree_after(first, tree)));
                }
                let known = keeps.then(|| root_bound(problem, &self.ranges)).flatten();
                (Progress::New(known, search_tree.learned()), None)
            }
            CaseOutcome::Point(point) => {
                (Progress::Begun(Box::new(search_tree), first), Some(RunOutcome::Point(point)))
            }
            CaseOutcome::Stopped(reason) => {
                (Progress::Begun(Box::new(search_tree), first), Some(RunOutcome::Stopped(reason)))
            }
        };
        self.cases[index] = case;
        ended
    }
}

/// A case as its workers see it.
fn case<'a>(
    engine: &Search,
    problem: &'a Problem<'a>,
    root: Ranges,
    control: &'a Control,
    accept: &'a (dyn Fn(&[i64]) -> Accepted + Sync),
    index: usize,
    progress: &'a (dyn Fn(f64) + Sync),
) -> Case<'a> {
    Case {
        root,
        atom_facets: atom_facets(problem),
        objective: problem.atoms.len() as u32 - 1,
        problem,
        control,
        accept,
        enumerate: engine.enumerate,
        seed: SEED + index as u64,
        begun: control.clock.now(),
        helpers: Helpers::default(),
        progress,
        tightened: 0.5f64.powi(engine.tightened),
        whole: whole(problem),
        warm_starts: Arc::new([]),
    }
}

/// A problem where all atoms constrain, the objective's too.
fn whole<'a>(problem: &Problem<'a>) -> Problem<'a> {
    let constraints = (0..problem.atoms.len() as u32).collect();
    Problem::new(problem.relaxation, problem.atoms.clone(), constraints, problem.live.clone())
}
