//! A worker: takes open nodes, bounds them, attacks from their primal points, and branches.
//!
//! From the best node straight down and about there for a while, then from the best again.

use super::case::{Accepted, Case};
use super::multipliers::{Proposal, SCALES, propose};
use super::node::{Branch, Child, Goal, NodeOutcome, Split};
use super::node_queue::OpenNode;
use super::parameters::*;
use super::propagation::{add_multipliers, atom_facets, narrow_by, propagate, refresh_facets};
use super::pseudocost::Pseudocosts;
use super::search_tree::{CaseOutcome, SearchTree};
use crate::attack::Attack;
use crate::relaxation::network::{Kind, NONE};
use crate::relaxation::{Empty, Ranges};
use crate::simplex::{Outcome, View};
use crate::{Control, Core, Reason, near_miss};
use qnn_proof::Step;
use std::ops::ControlFlow;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Ends the search where a worker panics: the others would wait for its branch for ever.
struct PanicGuard<'a>(&'a (Mutex<SearchTree>, Condvar), &'a Control);

impl Drop for PanicGuard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let internal = || Reason::Internal("a worker of the search panicked".to_owned());
            let broken = CaseOutcome::Stopped(self.1.stop().unwrap_or_else(internal));
            self.0.0.lock().unwrap_or_else(PoisonError::into_inner).ended.get_or_insert(broken);
            self.0.1.notify_all();
        }
    }
}

/// The reduced costs of a bound; empty without one.
#[derive(Default)]
struct ReducedCosts {
    /// How much closing a column's gap gains, about, in the scale of the objective's atom.
    prices: Vec<f64>,
    /// The columns' coefficients in the bound, as they are.
    worth: Vec<f64>,
}

/// A worker on a case.
pub(super) struct Worker<'a> {
    pub(super) case: &'a Case<'a>,
    /// Evaluates points quickly.
    pub(super) attack: Attack<'a>,
    pub(super) learned: Pseudocosts,
    /// How many of the tree's gains are in `learned`.
    pub(super) seen: usize,
    /// The gain of the split that the branch at hand comes from.
    pub(super) gain: Option<(u32, usize, f64)>,
    pub(super) branches: u64,
    /// The value of the best open branch.
    pub(super) best: f64,
    /// Where the first repairs started: the values of all columns, and their weights.
    pub(super) first_points: Vec<(Vec<f64>, Option<Vec<f64>>)>,
    /// The solver's work so far, in sums.
    pub(super) spent: u64,
    /// The sums of one step of the solver.
    pub(super) sums_of_step: u64,
    /// Inputs reach few nonlinearities.
    pub(super) sparse: bool,
    /// Hidden nonlinearities read hidden nonlinearities.
    pub(super) deep: bool,
    /// The inputs have so few values that splitting those is the shortest way.
    pub(super) few_inputs: bool,
}

impl<'a> Worker<'a> {
    /// A worker. Its random numbers depend on `branches`, the number of branches that the case had so far, and on `who`, the worker's number.
    pub(super) fn new(case: &'a Case<'a>, learned: Pseudocosts, branches: u64, who: u64) -> Worker<'a> {
        let relaxation = case.problem.relaxation;
        let bits = (0..relaxation.columns.len())
            .filter(|j| relaxation.nonlinearity_of[*j] == NONE)
            .map(|j| (case.root.upper[j] - case.root.lower[j] + 1.0).log2())
            .sum::<f64>();
        let attack = Attack::new(case.problem, &case.root, case.seed ^ branches << 20 ^ who << 56);
        Worker {
            few_inputs: bits <= FEW_BITS,
            sparse: attack.is_sparse(),
            deep: attack.is_deep(),
            attack,
            learned,
            seen: 0,
            gain: None,
            branches: 0,
            best: f64::INFINITY,
            first_points: Vec::new(),
            spent: 0,
            sums_of_step: case
                .problem
                .live
                .iter()
                .flat_map(|nonlinearity| relaxation.nonlinearities[*nonlinearity as usize].exprs())
                .map(|e| relaxation.exprs[e].entries() as u64)
                .sum(),
            case,
        }
    }

    /// Adds the gains that other workers found to the pseudocosts.
    pub(super) fn learn_from(&mut self, search_tree: &SearchTree) {
        for (column, side, gain) in &search_tree.gains[self.seen..] {
            self.learned[*column as usize][*side].add(*gain);
        }
        self.seen = search_tree.gains.len();
    }

    /// Takes branches until there are none, or the search has ended.
    pub(super) fn work(&mut self, shared: &(Mutex<SearchTree>, Condvar), recruit: &dyn Fn(), core: Option<&Core>) {
        let control = self.case.control;
        let _guard = PanicGuard(shared, control);
        let most = control.memory.unwrap_or(MEMORY) as usize;
        let lock = || shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The open branches below the one last taken from the queue, and how many were taken there.
        let (mut own, mut taken_below) = (Vec::new(), 0);
        let mut tree = lock();
        loop {
            tree.end_where_due(control, most);
            if tree.ended.is_some() || core.is_some_and(Core::is_wanted) {
                tree.give_back(&mut own);
                shared.1.notify_all();
                return;
            }
            if taken_below >= PLUNGE && tree.held <= most / 2 {
                tree.give_back(&mut own);
            }
            taken_below += 1;
            let mut branch = match own.pop() {
                Some(branch) => branch,
                None => match tree.open.pop() {
                    Some(OpenNode(branch)) => {
                        tree.busy += 1;
                        taken_below = 1;
                        branch
                    }
                    None if tree.busy == 0 => {
                        if !tree.near_misses.is_empty() {
                            tree.ended = Some(CaseOutcome::Stopped(near_miss()));
                        }
                        shared.1.notify_all();
                        return;
                    }
                    None => {
                        let pause = Duration::from_millis(5);
                        tree = shared.1.wait_timeout(tree, pause).unwrap_or_else(PoisonError::into_inner).0;
                        continue;
                    }
                },
            };
            tree.effort.branches += 1;
            self.learn_from(&tree);
            self.best = tree.open.peek().map_or(f64::INFINITY, |queued| queued.0.value());
            let shareable = !tree.open.is_empty();
            drop(tree);
            if shareable && self.branches.is_multiple_of(8) {
                recruit();
            }
            self.branches += 1;
            let (before, size) = (branch.simplex.steps, branch.bytes());
            let mut steps = Vec::new();
            let outcome = self.explore(&mut branch, &mut steps);
            tree = lock();
            self.share_gain(&mut tree);
            tree.effort.steps += branch.simplex.steps - before;
            tree.held -= size;
            tree.chain(&mut branch.entry, steps);
            // Other workers need open branches, unless memory is short.
            let keep = tree.held > most / 2 || taken_below < PLUNGE && !tree.open.is_empty();
            if let NodeOutcome::Split(mut split) = outcome {
                let children = tree.add_split(&branch, &mut split);
                drop(tree);
                let children = self.children(branch, &split, children);
                tree = lock();
                tree.busy -= 1;
                if tree.adopt(children, &mut own, keep) {
                    shared.1.notify_one();
                }
            } else {
                self.settle(&mut tree, branch, outcome);
            }
        }
    }

    /// Tells the other workers of the gain of the last split.
    fn share_gain(&mut self, tree: &mut SearchTree) {
        if let Some(gain) = self.gain.take() {
            self.learn_from(tree);
            tree.gains.push(gain);
            self.seen += 1;
        }
    }

    /// Enters the outcome of a branch that is not split.
    fn settle(&self, tree: &mut SearchTree, mut branch: Branch, outcome: NodeOutcome) {
        tree.busy -= 1;
        match outcome {
            NodeOutcome::Closed(step) => {
                tree.fill(branch.entry, step);
                tree.closed += branch.share;
                (self.case.progress)(tree.closed);
            }
            NodeOutcome::NearMiss => {
                tree.held += branch.bytes();
                tree.near_misses.push(branch);
            }
            NodeOutcome::Postpone => {
                branch.inputs_only = true;
                tree.push(branch);
            }
            NodeOutcome::Point(point) => {
                tree.push(branch);
                tree.ended.get_or_insert(CaseOutcome::Point(point));
            }
            NodeOutcome::Stop(reason) => {
                tree.push(branch);
                tree.ended.get_or_insert(CaseOutcome::Stopped(reason));
            }
            NodeOutcome::Split(_) => unreachable!("a split branch has children"),
        }
    }

    /// The children of a split branch: the one that is nearer to the primal point comes last.
    fn children(&self, mut branch: Branch, split: &Split, sides: Vec<Child>) -> Vec<Branch> {
        let count = sides.len();
        let nearer_below =
            split.origin.is_some_and(|origin| branch.simplex.x[origin.column as usize] - split.value as f64 <= 0.5);
        let mut made = Vec::with_capacity(2);
        for Child { number, entry, side: (ranges, changed) } in sides {
            let inherit = made.len() + 1 == count;
            let mut child = Branch {
                ranges: *ranges,
                facets: if inherit { std::mem::take(&mut branch.facets) } else { branch.facets.clone() },
                simplex: if inherit { branch.simplex.take() } else { branch.simplex.clone() },
                entry,
                origin: split.origin.map(|origin| (origin, number)),
                goal: branch.goal.clone(),
                known: branch.known.clone(),
                share: branch.share / 2.0,
                inputs_only: branch.inputs_only,
            };
            refresh_facets(self.case.problem, &child.ranges, &mut child.facets, &changed);
            child.simplex.set_ranges(self.case.problem, &child.ranges);
            made.push(child);
        }
        if nearer_below {
            made.reverse();
        }
        made
    }

    /// Bounds, tests and narrows a branch until it is closed or split; what narrows it goes to `steps`.
    pub(super) fn explore(&mut self, branch: &mut Branch, steps: &mut Vec<Step>) -> NodeOutcome {
        let case = self.case;
        let stop = || case.control.stop().is_some();
        if let Some(outcome) = self.propagate_or_enumerate(branch, steps) {
            return outcome;
        }
        let before = branch.simplex.steps;
        let costs = match self.bound_in_rounds(branch, steps, &stop) {
            ControlFlow::Continue(costs) => costs,
            ControlFlow::Break(outcome) => return outcome,
        };
        let next = self.split(branch, &costs.prices);
        // A point of integers near this one may be an answer.
        let without_room = self.deep && matches!(branch.goal, Goal::Atom) && self.best < ROOM * case.atom().greatest;
        let sums = branch.simplex.steps.saturating_sub(before) * self.sums_of_step;
        self.spent += if without_room { sums / WITHOUT_ROOM } else { sums };
        let due = (self.attack.work + FIRST_REPAIR) * REPAIRED < self.spent;
        let tight = matches!(next, NodeOutcome::Postpone) && self.attack.work < self.spent + REALIZED;
        if (tight || due && branch.inputs_only)
            && let Some(point) = self.attack.realize(&branch.simplex.x, &branch.ranges, &stop)
            && let Some(point) = self.accepted(&point)
        {
            return NodeOutcome::Point(point);
        }
        if due
            && let Some(point) = self.repair(branch, &costs.worth, &stop)
            && let Some(point) = self.accepted(&point)
        {
            return NodeOutcome::Point(point);
        }
        next
    }

    /// Propagates a branch's ranges, and decides it where that leaves nothing, or few points.
    fn propagate_or_enumerate(&self, branch: &mut Branch, steps: &mut Vec<Step>) -> Option<NodeOutcome> {
        let problem = self.case.problem;
        let (mut narrowed, mut changed) = (Vec::new(), Vec::new());
        let propagated = propagate(problem, &mut branch.ranges, &mut narrowed, &mut changed);
        steps.extend(narrowed.into_iter().map(Step::Tighten));
        if propagated == Err(Empty) {
            return Some(NodeOutcome::Closed(Step::Empty));
        }
        if !steps.is_empty() {
            refresh_facets(problem, &branch.ranges, &mut branch.facets, &changed);
            branch.simplex.set_ranges(problem, &branch.ranges);
        }
        let mut nearly = false;
        for point in self.few_points(&branch.ranges)? {
            match (self.case.accept)(&point) {
                Accepted::Yes => return Some(NodeOutcome::Point(point)),
                accepted => nearly |= accepted == Accepted::NearMiss,
            }
        }
        Some(if nearly { NodeOutcome::NearMiss } else { NodeOutcome::Closed(Step::Enumerate) })
    }

    /// Bounds a branch, tests the primal point, and narrows the ranges by the bound's reduced costs, until that narrows nothing more. The outcome, if that
    /// decides the branch; else the reduced costs of its last bound.
    fn bound_in_rounds(
        &mut self,
        branch: &mut Branch,
        steps: &mut Vec<Step>,
        stop: &dyn Fn() -> bool,
    ) -> ControlFlow<NodeOutcome, ReducedCosts> {
        let (case, problem) = (self.case, self.case.problem);
        let relaxation = problem.relaxation;
        let mut costs = ReducedCosts::default();
        for round in 0.. {
            let (outcome, proposal) = self.bound(branch, round, stop);
            if let Some(proposal) = &proposal {
                if proposal.exact.value < 0 {
                    let step = Step::Bound(proposal.certificate(problem, Some(case.objective)));
                    return ControlFlow::Break(NodeOutcome::Closed(step));
                }
                branch.learn(proposal, problem, case.objective);
            }
            if stop() {
                return ControlFlow::Break(NodeOutcome::Stop(case.control.stop().unwrap_or(Reason::Timeout)));
            }
            if outcome == Outcome::Below {
                // The integers disagree: the floats are inaccurate. The solver starts anew below.
                self.restart(branch);
                break;
            }
            if let Some(point) = self.answer_near(branch, round == 0, stop) {
                return ControlFlow::Break(NodeOutcome::Point(point));
            }
            let Some(proposal) = proposal else { break };
            let scale = 1.0 / proposal.scale;
            costs.prices = proposal.exact.coefficients.iter().map(|c| c.abs() * scale).collect();
            costs.worth = proposal.exact.coefficients.clone();
            if round >= 3 {
                break;
            }
            let narrower = proposal.exact.slack(problem, &branch.ranges);
            let tightened = round == 0 && branch.share == case.tightened && !case.warm_starts.is_empty();
            if tightened && self.tighten_bounds(branch, &costs.prices, steps, stop) == Err(Empty) {
                return ControlFlow::Break(NodeOutcome::Closed(Step::Empty));
            }
            if !narrower.iter().any(|(column, ..)| relaxation.nonlinearity_of[*column as usize] != NONE) {
                if tightened {
                    continue;
                }
                break;
            }
            steps.push(Step::Slack(proposal.certificate(problem, Some(case.objective))));
            let mut changed = Vec::new();
            if branch.ranges.narrow_columns(relaxation, &narrower, &mut changed) == Err(Empty) {
                return ControlFlow::Break(NodeOutcome::Closed(Step::Empty));
            }
            refresh_facets(problem, &branch.ranges, &mut branch.facets, &changed);
            branch.simplex.set_ranges(problem, &branch.ranges);
        }
        ControlFlow::Continue(costs)
    }

    /// The solver's state for the branch's goal, from the beginning.
    fn restart(&self, branch: &mut Branch) {
        let steps = branch.simplex.steps;
        branch.simplex = self.case.start(&branch.ranges, &branch.goal);
        branch.simplex.steps = steps;
    }

    /// Runs the solver for the branch's goal, and rounds its multipliers to integers. In the first round the gain of the split that the branch comes from
    /// is noted.
    fn bound(&mut self, branch: &mut Branch, round: usize, stop: &dyn Fn() -> bool) -> (Outcome, Option<Proposal>) {
        let (case, problem) = (self.case, self.case.problem);
        if matches!(branch.goal, Goal::Atom)
            && let Some(goal) = case.margins(&branch.ranges)
        {
            branch.goal = goal;
            branch.origin = None;
            self.restart(branch);
        }
        let cut = case.cut(&branch.ranges, &branch.goal);
        let view = View {
            ranges: &branch.ranges,
            nonlinearities: &problem.live,
            facets: &branch.facets,
            atoms: &case.atom_facets,
        };
        let outcome = branch.simplex.run(problem, &view, cut - MARGIN, LIMIT, stop);
        if round == 0
            && let Some((origin, side)) = branch.origin
        {
            let reached = if outcome == Outcome::Below { 0.0 } else { branch.simplex.value() - cut };
            let gain = ((origin.value - reached) / origin.expected).clamp(0.0, 10.0);
            self.learned[origin.column as usize][side].add(gain);
            self.gain = Some((origin.column, side, gain));
        }
        let mut multipliers = branch.simplex.multipliers();
        let form = match &branch.goal {
            Goal::Atom => Some((problem.atom(case.objective as usize), 1.0)),
            Goal::Margins(margins) => {
                add_multipliers(&mut multipliers, margins);
                None
            }
        };
        // Small multipliers are tried first only where the bound closes the branch.
        let scales = if outcome == Outcome::Below { &SCALES[..] } else { &SCALES[1..] };
        let proposal = propose(problem, &branch.ranges, form, &multipliers, scales, |_, value| value < 0);
        (outcome, proposal)
    }

    /// An answer at the primal point, rounded; or where an attack leads from it, now and then.
    fn answer_near(&mut self, branch: &Branch, first: bool, stop: &dyn Fn() -> bool) -> Option<Vec<i64>> {
        let point = self.attack.rounded(&branch.simplex, &branch.ranges);
        if let Some(point) = self.accepted(&point) {
            return Some(point);
        }
        if !first || self.branches % ATTACKED != ATTACKED / 2 {
            return None;
        }
        let point = self.attack.run(&point, 1, 6, stop)?;
        self.accepted(&point)
    }

    /// Bounds the expressions of nonlinearities anew whose staircases the primal point misses, at a price, with the branch's ranges: the solver goes on from
    /// where it ended at the root.
    ///
    /// # Errors
    /// [`Empty`] if nothing is left.
    pub(super) fn tighten_bounds(
        &self,
        branch: &mut Branch,
        prices: &[f64],
        steps: &mut Vec<Step>,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), Empty> {
        let (relaxation, whole) = (self.case.problem.relaxation, &self.case.whole);
        let atoms = atom_facets(whole);
        for warm_start in self.case.warm_starts.iter() {
            let e = warm_start.expr as usize;
            let nonlinearity = &relaxation.nonlinearities[relaxation.user[e] as usize];
            let column = nonlinearity.column as usize;
            if branch.ranges.is_point(column) || prices[column] == 0.0 {
                continue;
            }
            if let Kind::Step(table) = nonlinearity.kind
                && let Some(value) =
                    relaxation.step_tables[table as usize].apply((branch.simplex.activities[e] + 1e-7).floor() as i64)
                && (branch.simplex.x[column] - value as f64).abs() < GAP
            {
                continue;
            }
            let mut solver = warm_start.solver.clone();
            solver.set_ranges(whole, &branch.ranges);
            let view =
                View { ranges: &branch.ranges, nonlinearities: &whole.live, facets: &branch.facets, atoms: &atoms };
            solver.run(whole, &view, f64::NEG_INFINITY, TIGHTENING, stop);
            let take = |step| steps.push(Step::Tighten(step));
            narrow_by(whole, &mut branch.ranges, &mut branch.facets, (e, warm_start.sign), &solver, NARROWER, take)?;
        }
        branch.simplex.set_ranges(self.case.problem, &branch.ranges);
        Ok(())
    }

    /// A point of integers near the relaxation's point, or near one of the first of those. Some repairs weight columns by the relaxation's reduced
    /// costs, where its goal is the atom. In sparse networks half of the points come from annealing.
    pub(super) fn repair(&mut self, branch: &Branch, worth: &[f64], stop: &dyn Fn() -> bool) -> Option<Vec<f64>> {
        if self.sparse && self.attack.random.unit() < 0.5 {
            return self.attack.anneal(1, stop);
        }
        let by_prices = self.attack.random.unit() < if self.deep { BY_PRICES_DEEP } else { BY_PRICES };
        let worth = Some(worth).filter(|worth| matches!(branch.goal, Goal::Atom) && !worth.is_empty());
        if self.deep && self.first_points.len() < FIRST_POINTS {
            self.first_points.push((branch.simplex.x.clone(), worth.map(<[f64]>::to_vec)));
        } else if self.deep && self.attack.random.unit() < 0.5 {
            let (from, worth) = &self.first_points[(self.attack.random.bits() >> 32) as usize % FIRST_POINTS];
            return self.attack.repair(from, &self.case.root, worth.as_deref().filter(|_| by_prices), stop);
        }
        self.attack.repair(&branch.simplex.x, &branch.ranges, worth.filter(|_| by_prices), stop)
    }

    /// The point as integers, if it answers the obligation.
    pub fn accepted(&mut self, point: &[f64]) -> Option<Vec<i64>> {
        if !self.attack.holds(point) {
            return None;
        }
        let point: Vec<i64> = point.iter().map(|v| *v as i64).collect();
        ((self.case.accept)(&point) == Accepted::Yes).then_some(point)
    }

    /// All points of the inputs' box, if they are few.
    pub(super) fn few_points(&self, ranges: &Ranges) -> Option<Vec<Vec<i64>>> {
        let relaxation = self.case.problem.relaxation;
        let inputs = || (0..relaxation.columns.len()).filter(|j| relaxation.nonlinearity_of[*j] == NONE);
        let work: usize = 64 + relaxation.columns.len();
        let most = (self.case.enumerate / work).clamp(1, 1024) as f64;
        let mut count = 1.0;
        for j in inputs() {
            count *= ranges.upper[j] - ranges.lower[j] + 1.0;
            if count > most {
                return None;
            }
        }
        let mut points: Vec<Vec<i64>> = vec![Vec::new()];
        for j in inputs() {
            let values = ranges.lower[j] as i64..=ranges.upper[j] as i64;
            points = (points.iter())
                .flat_map(|point| values.clone().map(move |v| [point.as_slice(), &[v]].concat()))
                .collect();
        }
        Some(points)
    }
}
