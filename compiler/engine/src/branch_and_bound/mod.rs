//! The complete engine: exact dual bounds, attacks, and branch and bound over integer values.
//!
//! In: an obligation. Out: a certificate, or a point that was replayed, or why neither. Stages: quick bounds close most cases; the
//! rest are attacked; what survives is searched, case by case. Invariant: a verdict rests on integers alone,
//! the certificate's or the reference interpreter's.

mod branching;
mod case;
mod frontier;
mod node;
mod parameters;
mod propagation;
mod propose;
mod pseudocost;
#[cfg(test)]
mod tests;
mod worker;

use crate::attack::Attack;
use crate::measure::MeasureAnswer;
use crate::relaxation::dual_bound::live_nonlinearities;
use crate::relaxation::facet::Facet;
use crate::relaxation::network::{Kind, LinearExpr, NONE, Place, Relaxation};
use crate::relaxation::{Empty, Ranges};
use crate::simplex::{Problem, Simplex, View, relevant};
use crate::{Answer, Control, Engine, Reason, Trust, replayed};
use case::{Accepted, Case, Helpers};
use frontier::{Effort, Found, Frontier};
use node::{DualBound, WarmStart};
use num_integer::Integer;
use parameters::MEMORY;
use propagation::{all_facets, atom_facets, narrow_by, propagate};
use propose::{SCALES, propose};
use pseudocost::Pseudocosts;
use qnn_ir::interrupt::work;
use qnn_ir::obligation::{Assignment, Atom, Linear, Objective, Obligation};
use qnn_ir::{Graph, Interval, NodeId};
use qnn_proof::{CERTIFICATE_VERSION, Certificate, Multipliers, Step, Tighten, Tree};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// The networks of the graphs that were searched last, for one query is seldom the only one about a graph. Clones share them.
#[derive(Clone, Default)]
pub struct Nets(Arc<Mutex<Vec<Remembered>>>);

/// A graph, for as long as it lives, and its network.
type Remembered = (Weak<Graph>, Arc<Relaxation>);

/// So many are remembered.
const REMEMBERED: usize = 4;

impl Nets {
    fn of(&self, graph: &Arc<Graph>) -> Option<Arc<Relaxation>> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = |(other, _): &&Remembered| std::ptr::eq(other.as_ptr(), Arc::as_ptr(graph));
        if let Some((_, relaxation)) = lock().iter().find(known) {
            return Some(relaxation.clone());
        }
        let relaxation = Arc::new(Relaxation::new(graph)?);
        let mut nets = lock();
        nets.retain(|(graph, _)| graph.strong_count() > 0);
        nets.truncate(REMEMBERED - 1);
        nets.insert(0, (Arc::downgrade(graph), relaxation.clone()));
        Some(relaxation)
    }
}

impl std::fmt::Debug for Nets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Nets(…)")
    }
}

/// The engine `search`.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    /// A branch with at most this many elementary operations for all its inputs together is evaluated input by input.
    enumerate: usize,
    /// A deep case that takes more branches than this is worth narrower ranges first.
    first_try: u64,
    /// After so many splits a branch bounds expressions anew.
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
        Search { enumerate: 1 << 16, first_try: FIRST_TRY, tightened: TIGHTENED, turn: TURN, turns: usize::MAX }
    }

    /// An engine that evaluates single points only, so that small problems show the search itself.
    #[cfg(any(test, feature = "testing"))]
    pub fn without_enumeration() -> Search {
        Search { enumerate: 0, ..Search::new() }
    }

    /// An engine that evaluates single points only, and gives a maximum up after so many short turns.
    #[cfg(test)]
    pub(crate) fn with_turns(turns: usize) -> Search {
        Search { enumerate: 0, first_try: 0, turn: 1, turns, ..Search::new() }
    }

    /// An engine that narrows ranges at once and again after the first split, and evaluates single points only.
    #[cfg(any(test, feature = "testing"))]
    pub fn without_patience() -> Search {
        Search { enumerate: 0, first_try: 0, tightened: 1, ..Search::new() }
    }

    /// Like [`Engine::solve`], and says what it took.
    pub fn solve_with_effort(&self, obligation: &Obligation, control: &Control) -> (Answer, Effort) {
        let solved = control.bound(|| self.solve_within(obligation, control));
        solved.unwrap_or_else(|reason| (Answer::Unknown(reason), Effort::default()))
    }

    fn solve_within(&self, obligation: &Obligation, control: &Control) -> (Answer, Effort) {
        let Some(relaxation) = control.nets.of(&obligation.graph) else { return (too_large(), Effort::default()) };
        let accept = |point: &[i64]| Accepted::from(&obligation.replay(&assignment(obligation, point)));
        let mut run = match Run::new(self, &relaxation, obligation, control) {
            Ok(run) => run,
            Err(answer) => return (answer, Effort::default()),
        };
        let answer = match run.run(&relaxation, control, &accept) {
            Ended::Point(point) => Answer::Some(assignment(obligation, &point)),
            Ended::Proved => run.proved(obligation),
            Ended::Stopped(reason) => Answer::Unknown(reason),
            Ended::Turn => Answer::Unknown(Reason::Internal("the search ended before its time".to_owned())),
        };
        (answer, run.effort)
    }

    /// What bounds leave of an obligation without a single branch: the answer, if that is nothing. `None` where they can't be had.
    pub fn residual(&self, obligation: &Obligation, control: &Control) -> Option<Result<Residual, Answer>> {
        let relaxation = control.nets.of(&obligation.graph)?;
        let mut run = Run::new(self, &relaxation, obligation, control).ok()?;
        run.glance();
        let open = run.open();
        let problems: Vec<&Problem<'_>> = open.iter().map(|index| &run.problems[*index]).collect();
        if !problems.is_empty() {
            match tighten_roots(
                &run.base,
                &problems,
                &mut run.ranges,
                &mut run.prelude,
                (u64::MAX, 0),
                control,
                &run.helpers,
            ) {
                Err(Empty) => run.cases.iter_mut().for_each(|case| *case = Progress::Closed(vec![Step::Empty])),
                Ok(_) => run.glance(),
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
        let mut best = start;
        let checks = control;
        let mut control = checks.leaving(RESERVE, MOST_RESERVED);
        let given_up = |reason, best| Some(MeasureAnswer::open(best, i128::MAX, Trust::Interval, reason));
        let intervals = match control.bound(|| objective.range()) {
            Ok(range) => range.ok()?.hi,
            Err(reason) => return given_up(reason, best),
        };
        let relaxation = match control.bound(|| control.nets.of(&objective.base.graph)) {
            Ok(relaxation) => relaxation?,
            Err(reason) => return given_up(reason, best),
        };
        let mut obligation = objective.at_least(best.0.checked_add(1)?);
        let begun = control.bound(|| {
            let mut run = Run::new(self, &relaxation, &obligation, &control)?;
            let kept = run.keep_bounds(objective);
            Ok((run, kept))
        });
        let mut run = match begun {
            Ok(Ok((run, Some(())))) => run,
            Ok(Err(Answer::Unknown(reason @ (Reason::Timeout | Reason::Cancelled)))) | Err(reason) => {
                return given_up(reason, best);
            }
            Ok(_) => return None,
        };
        // The least bound that the checker has accepted is all that anybody hears of.
        let (mut upper, mut trust) = (intervals, Trust::Interval);
        let (mut checking, mut turns) = (Duration::ZERO, self.turns);
        loop {
            let threshold = best.0 + 1;
            let accept = |point: &[i64]| {
                let point = assignment(&obligation, point);
                match objective.of(&point) {
                    Some(value) if value >= threshold => Accepted::Yes,
                    Some(_) => Accepted::No,
                    // Assumptions on real-valued networks can be met nearly.
                    None => Accepted::from(&obligation.replay(&point)),
                }
            };
            let ended = control.bound(|| run.run(&relaxation, &control, &accept));
            // What is interrupted loses branches.
            let whole = ended.is_ok();
            let ended = match ended.unwrap_or_else(Ended::Stopped) {
                Ended::Turn if turns == 0 => Ended::Stopped(Reason::Incomplete("too many turns".to_owned())),
                ended => ended,
            };
            // A check of a proof takes no lent core: whose it is goes on.
            if matches!(ended, Ended::Proved | Ended::Stopped(_)) {
                run.helpers = Helpers::default();
            }
            // What the open branches leave possible is proved too.
            let reached = run.upper().map(|reached| reached.max(best.0)).filter(|reached| *reached < upper);
            match ended {
                Ended::Point(point) => {
                    let point = assignment(&obligation, &point);
                    best = (objective.of(&point)?, point);
                    on_progress(Some(best.0), upper.max(best.0));
                    obligation = objective.at_least(best.0.checked_add(1)?);
                    match control.bound(|| run.raise(&relaxation, &obligation)) {
                        Ok(raised) => raised?,
                        Err(reason) => return Some(MeasureAnswer::open(best, upper, trust, reason)),
                    }
                }
                Ended::Proved => {
                    let trust = match replayed(&obligation, self.name(), run.proved(&obligation), checks) {
                        Answer::None(trust) => trust,
                        Answer::Unknown(reason) => return Some(MeasureAnswer::open(best, upper, trust, reason)),
                        Answer::Some(_) => return None,
                    };
                    on_progress(Some(best.0), best.0);
                    return Some(MeasureAnswer::exact(best, trust));
                }
                Ended::Turn => {
                    turns -= 1;
                    let worth_it = checking * CHECKING < control.clock.since(run.begun);
                    let small = run.tree_bytes() as u64 <= control.memory.unwrap_or(MEMORY) / MOST_CHECKED;
                    if let (Some(reached), true, true) = (reached, worth_it, small) {
                        let begun = control.clock.now();
                        let above = objective.at_least(reached.checked_add(1)?);
                        if let Some(certificate) = run.proof_by_bounds(&above)
                            && let Ok(Some(_)) =
                                qnn_proof::check_until(&above, &certificate, 1 + run.helpers.lent(), &|| {
                                    control.stop().is_some()
                                })
                        {
                            (upper, trust) = (reached, Trust::certified(certificate));
                            on_progress(Some(best.0), upper);
                        }
                        checking += control.clock.since(begun);
                    }
                }
                Ended::Stopped(reason) => {
                    let begun = checks.clock.now();
                    // Whoever cancels does not wait for a large proof's check.
                    let soon = !control.cancel.is_cancelled() || run.tree_bytes() <= SOON_CHECKED;
                    let proof = reached.filter(|_| soon).and_then(|reached| {
                        let above = objective.at_least(reached.checked_add(1)?);
                        let answer = Answer::None(Trust::certified(run.proof_by_bounds(&above)?));
                        match replayed(&above, self.name(), answer, checks) {
                            Answer::None(trust) => Some((reached, trust)),
                            _ => None,
                        }
                    });
                    (upper, trust) = proof.unwrap_or((upper, trust));
                    on_progress(Some(best.0), upper);
                    // What the check leaves of its time is for the search, and for a check of what that adds.
                    let now = checks.clock.now();
                    let left = checks.deadline.map_or(Duration::ZERO, |end| end.saturating_duration_since(now));
                    let worth_it = left > WORTH_IT.max(2 * RESERVE * now.saturating_duration_since(begun));
                    if whole && worth_it && reason == Reason::Timeout && checks.stop().is_none() {
                        control = checks.leaving(RESERVE, MOST_RESERVED);
                        continue;
                    }
                    return Some(MeasureAnswer::open(best, upper, trust, reason));
                }
            }
        }
    }
}

/// What a search for a maximum leaves of its time, at most, for the check of the bound that it has reached by then …
const RESERVE: u32 = 5;
/// … and no more than this.
const MOST_RESERVED: Duration = Duration::from_secs(2);
/// A rest of the time that is longer than this is searched, too.
const WORTH_IT: Duration = Duration::from_millis(50);
/// The checks of bounds that are shown while a search goes on take no more than one part in so many of the time …
const CHECKING: u32 = 8;
/// … and are of trees that take no more than one part in so many of the memory.
const MOST_CHECKED: u64 = 8;
/// The trees that are still checked after a cancellation take no more bytes than this.
const SOON_CHECKED: usize = 4 << 20;

/// The engine `attack`: gradients with restarts in the integer domain, and nothing else. It proves nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attacks;

/// The points that a thorough attack begins with, the first in the middle of the box …
const STARTS: usize = 40;
/// … and the most steps from each.
const ROUNDS: usize = 20;

impl Engine for Attacks {
    fn name(&self) -> &'static str {
        "attack"
    }

    fn solve(&self, obligation: &Obligation, control: &Control) -> Answer {
        control.bound(|| attack(obligation, control)).unwrap_or_else(Answer::Unknown)
    }
}

fn attack(obligation: &Obligation, control: &Control) -> Answer {
    let Some(relaxation) = control.nets.of(&obligation.graph) else { return too_large() };
    let accept = |point: &[i64]| Accepted::from(&obligation.replay(&assignment(obligation, point)));
    let engine = Search::new();
    let run = match Run::new(&engine, &relaxation, obligation, control) {
        Ok(run) => run,
        Err(answer) => return answer,
    };
    for index in run.open() {
        if let Some(point) = run.attack(index, STARTS, ROUNDS, control, &accept) {
            return Answer::Some(assignment(obligation, &point));
        }
        if let Some(reason) = control.stop() {
            return Answer::Unknown(reason);
        }
    }
    Answer::Unknown(Reason::Incomplete("no attack succeeded, which proves nothing".to_owned()))
}

/// Why a run came back.
enum Ended {
    /// With a point.
    Point(Vec<i64>),
    /// All cases are closed.
    Proved,
    /// A turn is over, and there is more to do; only where bounds are kept.
    Turn,
    /// None of these.
    Stopped(Reason),
}

/// A case and how far it is.
enum Progress {
    /// Not looked at but for the bound, if one is kept, and what a short try taught.
    New(Option<DualBound>, Pseudocosts),
    /// Searched in part.
    Begun(Box<Frontier>, Vec<Tighten>),
    /// Done.
    Closed(Tree),
}

/// An obligation under search, from the first bounds to the last branch. It may go on after a point, for a greater objective.
struct Run<'a> {
    engine: &'a Search,
    /// The problem of the assumptions alone.
    base: Problem<'a>,
    problems: Vec<Problem<'a>>,
    cases: Vec<Progress>,
    ranges: Ranges,
    prelude: Vec<Tighten>,
    /// Stages that are behind.
    stage: usize,
    /// The cases that the stage has still to look at.
    todo: Vec<usize>,
    /// For each piece of the objective whose bounds are kept: its value is the atom's without the constant, times the first and plus the second.
    pieces: Vec<(i128, i128)>,
    /// For each case the least bound of its atom without the constant that a short try left behind, and the tree that proves it.
    kept: Vec<Option<(i128, Tree)>>,
    begun: Instant,
    helpers: Helpers,
    effort: Effort,
}

impl<'a> Run<'a> {
    fn new(
        engine: &'a Search,
        relaxation: &'a Relaxation,
        obligation: &Obligation,
        control: &Control,
    ) -> Result<Run<'a>, Answer> {
        let boxes: Vec<(i64, i64)> = obligation.variables.iter().flat_map(|v| v.domain.iter().copied()).collect();
        let mut ranges = Ranges::new(relaxation, &boxes).ok_or_else(too_large)?;
        if let Some(reason) = control.stop() {
            return Err(Answer::Unknown(reason));
        }
        let assumptions = express(relaxation, &obligation.assumptions).ok_or_else(too_large)?;
        let constraints = (0..assumptions.len() as u32).collect();
        let mut base = Problem::new(relaxation, assumptions, constraints, Arc::new([]));
        // What the columns say of composite expressions, the checker must be told.
        let mut prelude = Vec::new();
        for place in relaxation.places.iter().filter(|place| place.composite) {
            for weight in [1, -1] {
                let multipliers = Multipliers::default();
                prelude.push(Tighten { node: place.node.0, element: place.element, weight, multipliers });
            }
        }
        let excluded = propagate(&base, &mut ranges, &mut prelude, &mut Vec::new()) == Err(Empty);
        base = Problem::new(relaxation, base.atoms, base.constraints, live_nonlinearities(relaxation, &ranges).into());
        let case =
            || if excluded { Progress::Closed(vec![Step::Empty]) } else { Progress::New(None, Pseudocosts::new()) };
        let mut run = Run {
            engine,
            base,
            problems: Vec::new(),
            cases: obligation.cases.iter().map(|_| case()).collect(),
            ranges,
            prelude,
            stage: 0,
            todo: if excluded { Vec::new() } else { (0..obligation.cases.len()).collect() },
            pieces: Vec::new(),
            kept: obligation.cases.iter().map(|_| None).collect(),
            begun: control.clock.now(),
            helpers: Helpers::default(),
            effort: Effort::default(),
        };
        run.raise(relaxation, obligation).ok_or_else(too_large)?;
        if obligation.cases.iter().any(Vec::is_empty) && obligation.assumptions.is_empty() {
            // No atom at all: any point will do.
            let point: Vec<i64> = boxes.iter().map(|(lo, _)| *lo).collect();
            return Err(Answer::Some(assignment(obligation, &point)));
        }
        Ok(run)
    }

    /// Takes over the cases' atoms, which are stronger than before.
    fn raise(&mut self, relaxation: &'a Relaxation, obligation: &Obligation) -> Option<()> {
        let mut problems = Vec::with_capacity(obligation.cases.len());
        let mut expressed = HashMap::new();
        for case in &obligation.cases {
            let mut atoms = self.base.atoms.clone();
            for atom in case {
                // Cases share atoms.
                let known = expressed.get(&Arc::as_ptr(&atom.linear)).cloned();
                let expr = match known {
                    Some(expr) => expr,
                    None => Arc::new(relaxation.express(&atom.linear)?),
                };
                expressed.insert(Arc::as_ptr(&atom.linear), expr.clone());
                atoms.push(expr);
            }
            let constraints = (0..atoms.len().saturating_sub(1) as u32).collect();
            problems.push(Problem::new(relaxation, atoms, constraints, self.base.live.clone()));
        }
        self.problems = problems;
        Some(())
    }

    /// From now on each open case has a bound, so that [`Run::upper`] has something to say at any time.
    fn keep_bounds(&mut self, objective: &Objective) -> Option<()> {
        let piece = |piece: &Linear| {
            // The constants of affine nodes that it reads are part of the expression's.
            let constant = self.base.relaxation.express(piece)?.constant as i128;
            Some((piece.terms.iter().fold(0i128, |gcd, (_, _, factor)| gcd.gcd(factor)).max(1), constant))
        };
        self.pieces = objective.pieces.iter().map(piece).collect::<Option<_>>()?;
        for (problem, case) in self.problems.iter().zip(&mut self.cases) {
            if let Progress::New(known, _) = case {
                *known = root_bound(problem, &self.ranges);
            }
        }
        Some(())
    }

    /// The atom of a case without its constant is at most this, whatever its open branches hold; `None` if nothing is known of one.
    fn most(&self, index: usize) -> Option<i128> {
        let open = match &self.cases[index] {
            Progress::New(known, _) => known.as_ref().map(DualBound::most),
            Progress::Begun(frontier, _) => frontier.most(),
            Progress::Closed(_) => Some(i128::MIN),
        };
        let kept = self.kept[index].as_ref().map(|(most, _)| *most);
        open.into_iter().chain(kept).min()
    }

    /// The objective is at most this in a case.
    fn upper_of(&self, index: usize) -> Option<i128> {
        let (factor, constant) = self.pieces[index % self.pieces.len()];
        match self.most(index)? {
            i128::MIN => Some(i128::MIN),
            most => most.checked_mul(factor)?.checked_add(constant),
        }
    }

    /// The objective is at most this.
    fn upper(&self) -> Option<i128> {
        (0..self.cases.len()).try_fold(i128::MIN, |upper, index| Some(upper.max(self.upper_of(index)?)))
    }

    /// About how many bytes the trees take.
    fn tree_bytes(&self) -> usize {
        let begun = self.cases.iter().map(|case| match case {
            Progress::Begun(frontier, _) => frontier.tree_bytes(),
            _ => 0,
        });
        begun.sum()
    }

    fn certificate(&mut self, obligation: &Obligation, cases: Vec<Tree>) -> Answer {
        let prelude = std::mem::take(&mut self.prelude);
        let certificate = Certificate { version: CERTIFICATE_VERSION, obligation: obligation.key(), prelude, cases };
        Answer::None(Trust::certified(certificate))
    }

    /// The proof, once all cases are closed.
    fn proved(&mut self, obligation: &Obligation) -> Answer {
        let tree = |case| match case {
            Progress::Closed(tree) => Some(tree),
            _ => None,
        };
        match std::mem::take(&mut self.cases).into_iter().map(tree).collect::<Option<Vec<_>>>() {
            Some(trees) => self.certificate(obligation, trees),
            None => Answer::Unknown(Reason::Internal("a case was left open".to_owned())),
        }
    }

    /// The proof for an obligation whose thresholds are above the bounds of all open branches.
    fn proof_by_bounds(&self, obligation: &Obligation) -> Option<Certificate> {
        let tree = |index: usize| {
            if let Some((most, tree)) = &self.kept[index]
                && self.most(index) == Some(*most)
            {
                return Some(tree.clone());
            }
            match &self.cases[index] {
                Progress::Closed(tree) => Some(tree.clone()),
                Progress::New(known, _) => Some(vec![Step::Bound(known.as_ref()?.multipliers.clone())]),
                Progress::Begun(frontier, first) => Some(after(first.clone(), frontier.tree_by_bounds()?)),
            }
        };
        let cases = (0..self.cases.len()).map(tree).collect::<Option<_>>()?;
        let prelude = self.prelude.clone();
        Some(Certificate { version: CERTIFICATE_VERSION, obligation: obligation.key(), prelude, cases })
    }

    /// Goes on until a point is found, all cases are closed, or there is a reason to stop.
    fn run(
        &mut self,
        relaxation: &'a Relaxation,
        control: &Control,
        accept: &(dyn Fn(&[i64]) -> Accepted + Sync),
    ) -> Ended {
        if self.cases.is_empty() {
            return Ended::Proved;
        }
        let nonlinearities = &self.base.live;
        let deep = nonlinearities.iter().any(|nonlinearity| is_deep(relaxation, &self.ranges, *nonlinearity));
        while let Some(stage) = STAGES.get(self.stage) {
            if *stage == Stage::Tighten {
                let open: Vec<&Problem<'_>> = self.todo.iter().map(|index| &self.problems[*index]).collect();
                if (deep || !self.base.constraints.is_empty())
                    && !open.is_empty()
                    && tighten_roots(
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
                    return Ended::Proved;
                }
            }
            let glance = if *stage == Stage::Try && deep && !self.todo.is_empty() { self.patience() } else { GLANCE };
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
                    return Ended::Stopped(reason);
                }
                let ended = match stage {
                    Stage::Glance => {
                        if let Some(step) = quick_bound(&self.problems[index], &self.ranges) {
                            self.cases[index] = Progress::Closed(vec![step]);
                        }
                        None
                    }
                    Stage::Tighten => None,
                    Stage::Attack => self.attack(index, 4, 8, control, accept).map(Ended::Point),
                    Stage::Try => self.search(index, Turn::Try(glance), control, accept),
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
                        return Ended::Turn;
                    }
                } else {
                    self.todo.remove(0);
                }
            }
            self.stage += 1;
            self.todo = self.open();
        }
        if self.todo.is_empty() {
            Ended::Proved
        } else {
            Ended::Stopped(Reason::Incomplete("too many branches".into()))
        }
    }

    /// The cases that are not closed.
    fn open(&self) -> Vec<usize> {
        (0..self.cases.len()).filter(|k| !matches!(self.cases[*k], Progress::Closed(_))).collect()
    }

    /// Closes what quick bounds close.
    fn glance(&mut self) {
        for index in self.open() {
            if let Some(step) = quick_bound(&self.problems[index], &self.ranges) {
                self.cases[index] = Progress::Closed(vec![step]);
            }
        }
    }

    /// How many branches are tried before narrower ranges: few where many nonlinearities read others.
    fn patience(&self) -> u64 {
        let relaxation = self.base.relaxation;
        let relevant = relevant(&self.problems.iter().collect::<Vec<_>>());
        let of_interest =
            |nonlinearity: &&u32| relevant[relaxation.nonlinearities[**nonlinearity as usize].column as usize];
        let nonlinearities = self.base.live.iter();
        let reading = nonlinearities
            .filter(of_interest)
            .filter(|nonlinearity| is_deep(relaxation, &self.ranges, **nonlinearity))
            .count();
        if reading > 12 + self.problems.len() { 1 } else { GLANCE }
    }

    fn attack(
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

    /// Puts the ranges that the case's own atoms leave before its tree.
    fn narrow(&mut self, index: usize, control: &Control) {
        let problem = &self.problems[index];
        let (mut own, mut first) = (self.ranges.clone(), Vec::new());
        let whole = whole(problem);
        let (known, learned) = match &mut self.cases[index] {
            Progress::New(known, learned) => (known.take(), std::mem::take(learned)),
            _ => (None, Pseudocosts::new()),
        };
        self.cases[index] = match tighten_roots(
            &whole,
            &[problem],
            &mut own,
            &mut first,
            (NARROWED, REACHES),
            control,
            &self.helpers,
        ) {
            Err(Empty) => Progress::Closed(after(first, vec![Step::Empty])),
            Ok(warm_starts) => {
                let mut case = case(self.engine, problem, own, control, &|_| Accepted::Yes, index, &|_| ());
                case.warm_starts = warm_starts.into();
                Progress::Begun(Box::new(case.frontier(known, learned)), first)
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
    ) -> Option<Ended> {
        let problem = &self.problems[index];
        let others = self.cases.iter().enumerate().filter(|(other, _)| *other != index);
        let waiting = others.filter_map(|(_, case)| match case {
            Progress::Begun(frontier, _) => Some(frontier),
            _ => None,
        });
        let closed = self.cases.iter().filter(|case| matches!(case, Progress::Closed(_))).count() as f64;
        let closed = closed + waiting.clone().map(|frontier| frontier.closed()).sum::<f64>();
        let all = self.cases.len() as f64;
        // What a short try closes is forgotten unless it closes all of the case.
        let counts = if matches!(turn, Turn::Long) { 1.0 } else { 0.0 };
        let progress = |share: f64| control.meter.reach((closed + counts * share) / all);
        // All open branches together have the memory.
        let held = waiting.map(|frontier| frontier.bytes() as u64).sum();
        let memory = control.memory.unwrap_or(MEMORY).saturating_sub(held);
        let control = &Control { memory: Some(memory), ..control.clone() };
        let begun = self.begun;
        // A core that is lent stays to the end of the run: it is asked for where all that comes can use it.
        let helpers = if self.stage == SEARCH { self.helpers.clone() } else { Helpers::nobody() };
        let see = |root: Ranges| Case {
            begun,
            helpers: helpers.clone(),
            ..case(self.engine, problem, root, control, accept, index, &progress)
        };
        let (mut case, mut frontier, first) =
            match std::mem::replace(&mut self.cases[index], Progress::New(None, Pseudocosts::new())) {
                Progress::Closed(tree) => {
                    self.cases[index] = Progress::Closed(tree);
                    return None;
                }
                Progress::Begun(frontier, first) => (see(frontier.root().clone()), *frontier, first),
                Progress::New(known, learned) => {
                    let case = see(self.ranges.clone());
                    let frontier = case.frontier(known, learned);
                    (case, frontier, Vec::new())
                }
            };
        case.warm_starts = frontier.warm_starts.clone();
        let before = frontier.effort;
        let limit = match turn {
            Turn::Try(limit) => limit,
            // As many again as it had; where bounds are shown, these are looked at more often.
            Turn::Long if self.pieces.is_empty() => before.branches.max(self.engine.turn),
            Turn::Long => (before.branches / 4).max(self.engine.turn),
        };
        frontier.limit = before.branches.saturating_add(limit);
        let (found, frontier) = case.search(frontier);
        self.effort.branches += frontier.effort.branches - before.branches;
        self.effort.steps += frontier.effort.steps - before.steps;
        let (case, ended) = match found {
            Found::Closed => (Progress::Closed(after(first, frontier.tree())), None),
            Found::Limit if matches!(turn, Turn::Long) => (Progress::Begun(Box::new(frontier), first), None),
            // What a short try began does not profit from the narrower ranges to come: it begins anew.
            Found::Limit => {
                let keeps = !self.pieces.is_empty();
                if keeps
                    && let Some(most) = frontier.most()
                    && self.kept[index].as_ref().is_none_or(|(kept, _)| most < *kept)
                {
                    self.kept[index] = frontier.tree_by_bounds().map(|tree| (most, after(first, tree)));
                }
                let known = keeps.then(|| root_bound(problem, &self.ranges)).flatten();
                (Progress::New(known, frontier.learned()), None)
            }
            Found::Point(point) => (Progress::Begun(Box::new(frontier), first), Some(Ended::Point(point))),
            Found::Stopped(reason) => (Progress::Begun(Box::new(frontier), first), Some(Ended::Stopped(reason))),
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

/// The tree below some narrowed ranges.
fn after(first: Vec<Tighten>, tree: Tree) -> Tree {
    first.into_iter().map(Step::Tighten).chain(tree).collect()
}

fn express(relaxation: &Relaxation, atoms: &[Atom]) -> Option<Vec<Arc<LinearExpr>>> {
    atoms.iter().map(|atom| relaxation.express(&atom.linear).map(Arc::new)).collect()
}

/// The bound of the objective's atom by intervals.
fn root_bound(problem: &Problem<'_>, ranges: &Ranges) -> Option<DualBound> {
    let objective = problem.atoms.len() - 1;
    let proposal = propose(problem, ranges, Some((problem.atom(objective), 1.0)), &[], &SCALES, |_, _| true)?;
    DualBound::new(&proposal, problem, objective as u32)
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

/// Branches that a case gets before anything is spent on it.
const GLANCE: u64 = 16;
/// The default for the branches of a deep case before its ranges are narrowed …
const FIRST_TRY: u64 = 250;
/// … by bounds of as many expressions as so many steps of the solver give.
const NARROWED: u64 = 20_000;
/// Fewer expressions than this are bounded before a helper has begun.
const FEW_TARGETS: usize = 8;

/// So many splits from the root there are few branches, and each has a large part of the tree before it: expressions are bounded anew there.
const TIGHTENED: i32 = 4;
/// Where more of them were bounded, branches don't bound expressions anew: it would take longer than what it saves.
const REACHES: usize = 256;

/// The branches of a case's first turn, where the search is long.
const TURN: u64 = 500;

/// How long a case is searched.
#[derive(Clone, Copy)]
enum Turn {
    /// So many branches, which are forgotten if they are not enough.
    Try(u64),
    /// Until the others have their turns.
    Long,
}

/// What attacks begin with.
const SEED: u64 = 0x5eed;

/// What is done about the open cases, in order.
#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Glance,
    Try,
    Attack,
    Tighten,
    Search,
}

const STAGES: [Stage; 5] = [Stage::Glance, Stage::Try, Stage::Attack, Stage::Tighten, Stage::Search];
/// The last of them.
const SEARCH: usize = STAGES.len() - 1;

/// Whether a nonlinearity reads results of others that are not constant.
fn is_deep(relaxation: &Relaxation, ranges: &Ranges, nonlinearity: u32) -> bool {
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
fn quick_bound(problem: &Problem<'_>, ranges: &Ranges) -> Option<Step> {
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

/// What is known while expressions are bounded.
struct Bounding<'a> {
    ranges: &'a mut Ranges,
    facets: Vec<Option<Arc<[Facet]>>>,
    prelude: &'a mut Vec<Tighten>,
    /// Those that come next.
    next: std::vec::IntoIter<Target>,
    /// Steps of the solver so far.
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

/// The relaxation's bounds of every expression that depends on other nonlinearities, from the first layer on; of no more expressions once so many steps
/// of the solver are taken. Where the solver ended for each is what it returns, if they are not more than `most`. Helpers bound others meanwhile.
fn tighten_roots(
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
            // Ranges that are empty say nothing any more.
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
        helpers.along(control, work);
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
