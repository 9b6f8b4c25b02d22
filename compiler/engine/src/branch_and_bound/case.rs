//! Branch and bound on one case: the integer values of columns, with warm-started bounds, until each branch is closed.
//!
//! In: a root with its ranges. Out: the case's tree for the certificate, or a point that meets all atoms. Several workers may share a [`Frontier`].

use super::frontier::{CaseOutcome, Effort, Entry, Frontier};
use super::node::{Branch, DualBound, Goal, OpenNode, WarmStart};
use super::parameters::{LENDS, LONG, SOON};
use super::propagation::all_facets;
use super::pseudocost::Pseudocosts;
use super::worker::Worker;
use crate::relaxation::LinearExpr;
use crate::relaxation::Ranges;
use crate::relaxation::facet::Facet;
use crate::relaxation::network::{Kind, NONE};
use crate::simplex::{Problem, Simplex};
use crate::{Control, Core, CoreRequest, Cores, Reason};
use qnn_ir::interrupt::{Interrupted, inherited};
use qnn_ir::obligation::Replay;
use std::cell::Cell;
use std::collections::BinaryHeap;
use std::sync::atomic::{self, AtomicBool};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Whether a point answers the obligation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// It meets the atoms, but not the exact statement that they enclose: no bound excludes it, and it is no answer.
    NearMiss,
}

impl From<&Replay> for Accepted {
    fn from(replay: &Replay) -> Accepted {
        match replay {
            Replay::Holds(_) => Accepted::Yes,
            Replay::Close => Accepted::NearMiss,
            Replay::Fails(_) => Accepted::No,
        }
    }
}

/// A case under search.
pub struct Case<'a> {
    /// The relaxation.
    pub problem: &'a Problem<'a>,
    /// The atom that is the objective.
    pub objective: u32,
    /// The ranges before any split.
    pub root: Ranges,
    /// The constraining atoms' facets.
    pub atom_facets: Vec<Arc<Facet>>,
    /// Budget.
    pub control: &'a Control,
    /// Tests a point given by the inputs' values: whether it answers the obligation.
    pub accept: &'a (dyn Fn(&[i64]) -> Accepted + Sync),
    /// A branch with at most this many elementary operations for all its inputs together is evaluated input by input.
    pub enumerate: usize,
    /// The attack's seed.
    pub seed: u64,
    /// When the search for an answer began, by the control's clock.
    pub begun: Instant,
    /// The cores that help.
    pub helpers: Helpers,
    /// Is told the share of the case that is closed.
    pub progress: &'a (dyn Fn(f64) + Sync),
    /// Nodes with this share of the case bound expressions anew.
    pub tightened: f64,
    /// The problem where the objective's atom constrains like the others, for bounds of other expressions.
    pub whole: Problem<'a>,
    /// The root's bounds of the expressions that read nonlinearities, of the problem where all atoms constrain; none where they are too many.
    pub warm_starts: Arc<[WarmStart]>,
}

/// The cores that help a run: spare ones, and a busy one once it has been lent, until the run is over.
#[derive(Clone)]
pub struct Helpers(pub(super) Option<Arc<OnceLock<CoreRequest>>>);

impl Default for Helpers {
    fn default() -> Helpers {
        Helpers(Some(Arc::default()))
    }
}

impl Helpers {
    /// Spare cores alone: no request is made.
    pub fn spare_only() -> Helpers {
        Helpers(None)
    }

    /// The request for a busy core, if there is one.
    pub fn request(&self) -> Option<&CoreRequest> {
        self.0.as_ref()?.get()
    }

    /// How many cores are lent to this run.
    pub fn lent(&self) -> usize {
        usize::from(self.request().is_some_and(CoreRequest::is_granted))
    }

    /// Requests a busy core; `false` while another request waits for one.
    pub fn request_core(&self, cores: &Cores) -> bool {
        let Some(own) = &self.0 else { return true };
        own.get().is_some() || cores.request().is_some_and(|request| own.set(request).is_ok())
    }

    /// Runs some work on this thread and on all cores that help.
    pub fn run_on_all(&self, control: &Control, work: impl Fn() + Sync) {
        let spare: Vec<Core> = std::iter::from_fn(|| control.spare.take()).collect();
        let lent = self.lent();
        let (work, inherited) = (&work, inherited());
        std::thread::scope(|scope| {
            for _ in 0..spare.len() + lent {
                let inherited = inherited.clone();
                // An interrupted thread leaves its part undone; this thread is interrupted, too, or stops by itself.
                scope.spawn(move || _ = inherited.run(work));
            }
            work();
        });
    }
}

/// Ends the search where a worker panics: the others would wait for its branch for ever.
pub(super) struct PanicGuard<'a>(pub(super) &'a (Mutex<Frontier>, Condvar), pub(super) &'a Control);

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

impl<'a> Case<'a> {
    /// The time since the search for an answer began, and what is left of it; without a deadline, for ever.
    pub(super) fn time(&self) -> (Duration, Duration) {
        let now = self.control.clock.now();
        let left = self.control.deadline.map_or(Duration::MAX, |end| end.saturating_duration_since(now));
        (now.saturating_duration_since(self.begun), left)
    }

    pub(super) fn atom(&self) -> &LinearExpr {
        self.problem.expr(self.problem.atom(self.objective as usize))
    }

    /// The solver's first state for a goal.
    pub(super) fn start(&self, ranges: &Ranges, goal: &Goal) -> Simplex {
        let mut objective = vec![0.0; self.problem.relaxation.columns.len()];
        match goal {
            Goal::Atom => self.atom().add_to(&mut objective, 1.0),
            Goal::Margins(margins) => {
                margins
                    .iter()
                    .for_each(|(e, factor)| self.problem.relaxation.exprs[*e as usize].add_to(&mut objective, *factor));
            }
        }
        Simplex::new(self.problem, ranges, objective)
    }

    /// A branch is closed where the goal's maximum is below this.
    pub(super) fn cut(&self, ranges: &Ranges, goal: &Goal) -> f64 {
        let margin = |(e, factor): &(u32, f64)| {
            let (lo, hi) = ranges.exprs[*e as usize];
            factor * (if *factor > 0.0 { lo } else { hi } - self.problem.relaxation.exprs[*e as usize].constant)
        };
        match goal {
            Goal::Atom => -self.atom().constant,
            Goal::Margins(margins) => margins.iter().map(margin).sum(),
        }
    }

    /// The margins to maximize where the objective's atom holds for all values left.
    pub(super) fn margins(&self, ranges: &Ranges) -> Option<Goal> {
        let (relaxation, atom) = (self.problem.relaxation, self.atom());
        if atom.range(&ranges.lower, &ranges.upper).0 < 0.0 {
            return None;
        }
        let mut margins = Vec::new();
        for (first, values) in atom.runs() {
            for (k, c) in values.iter().enumerate() {
                let nonlinearity = relaxation.nonlinearity_of[first + k];
                if *c == 0.0 || nonlinearity == NONE {
                    continue;
                }
                let Kind::Step(table) = relaxation.nonlinearities[nonlinearity as usize].kind else { continue };
                let (e, slope) = (
                    relaxation.nonlinearities[nonlinearity as usize].first,
                    relaxation.step_tables[table as usize].line().0.max(1e-9),
                );
                let (table, column) = (&relaxation.step_tables[table as usize], first + k);
                // Only a threshold that not all arguments pass has to be asked for.
                let (lo, hi) = ranges.natural(e as usize);
                let asked = match *c > 0.0 {
                    true => table.threshold(ranges.lower[column] as i64).is_some_and(|t| t as f64 > lo),
                    false => table.threshold(ranges.upper[column] as i64 + 1).is_some_and(|t| t as f64 <= hi),
                };
                if asked {
                    margins.push((e, if *c > 0.0 { slope } else { -slope }));
                }
            }
        }
        margins.sort_unstable_by_key(|(e, _)| *e);
        (!margins.is_empty()).then(|| Goal::Margins(margins.into()))
    }

    /// The whole case as one open branch.
    pub fn frontier(&self, known: Option<DualBound>, mut learned: Pseudocosts) -> Frontier {
        learned.resize(self.problem.relaxation.columns.len(), Default::default());
        let root = Branch {
            facets: all_facets(self.problem, &self.root),
            simplex: self.start(&self.root, &Goal::Atom),
            ranges: self.root.clone(),
            entry: 0,
            origin: None,
            goal: Goal::Atom,
            known: known.map(Arc::new),
            share: 1.0,
            inputs_only: false,
        };
        let mut frontier = Frontier {
            proof: vec![Entry::open()],
            written: 0,
            open: BinaryHeap::new(),
            near_misses: Vec::new(),
            held: 0,
            busy: 0,
            closed: 0.0,
            ended: None,
            effort: Effort::default(),
            limit: u64::MAX,
            root: self.root.clone(),
            warm_starts: self.warm_starts.clone(),
            learned,
            gains: Vec::new(),
        };
        frontier.push(root);
        frontier
    }

    /// Searches until all branches are closed, or a point is found, or there is a reason to stop. The frontier is then complete: a search
    /// may go on from it, with another threshold in the objective's atom if a greater one.
    pub fn search(&self, frontier: Frontier) -> (CaseOutcome, Frontier) {
        let mut frontier = frontier;
        // A higher threshold may exclude them.
        let near_misses = std::mem::take(&mut frontier.near_misses);
        frontier.open.extend(near_misses.into_iter().map(OpenNode));
        let learned = std::mem::take(&mut frontier.learned);
        let branches = frontier.effort.branches;
        let mut worker = Worker::new(self, learned.clone(), branches, 0);
        let shared = (Mutex::new(frontier), Condvar::new());
        let (inherited, interrupted) = (inherited(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let workers = Cell::new(1);
            let join = |core: Option<Core>| {
                let who = workers.replace(workers.get() + 1);
                let (shared, learned) = (&shared, learned.clone());
                let (inherited, interrupted) = (inherited.clone(), &interrupted);
                scope.spawn(move || {
                    let work = || Worker::new(self, learned, branches, who).work(shared, &|| {}, core.as_ref());
                    interrupted.fetch_or(inherited.run(work).is_err(), atomic::Ordering::Relaxed);
                });
            };
            let helped = Cell::new(false);
            // Spare cores join once there are branches to share; in a long search a lent core joins, too.
            let recruit = || {
                if let Some(core) = self.control.spare.take() {
                    join(Some(core));
                    return;
                }
                let (spent, left) = self.time();
                if helped.get() || spent < LONG || left > SOON {
                    return;
                }
                if let Some(request) = self.helpers.request() {
                    if request.is_granted() {
                        helped.set(true);
                        join(None);
                    }
                } else if !self.helpers.request_core(&self.control.spare) && spent > left / LENDS {
                    // Two long searches side by side would both take long: one after the other, each has both cores.
                    self.control.clock.pause(|| self.control.spare.lend(&self.control.cancel));
                }
            };
            worker.work(&shared, &recruit, None);
        });
        if interrupted.into_inner() {
            // The interrupted worker's branch is lost, so that the frontier is not complete.
            Interrupted.unwind();
        }
        let mut frontier = shared.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        worker.learn_from(&frontier);
        frontier.gains.clear();
        frontier.learned = worker.learned;
        let found = frontier.ended.take().unwrap_or(CaseOutcome::Closed);
        (found, frontier)
    }
}
