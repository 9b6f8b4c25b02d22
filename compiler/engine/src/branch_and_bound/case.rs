//! A case under search: its relaxation, its root, and what a branch of it maximizes.

use super::node::{Branch, DualBound, Goal, WarmStart};
use super::propagation::all_facets;
use super::pseudocost::Pseudocosts;
use super::search_tree::{Effort, ProofNode, SearchTree};
use crate::relaxation::LinearExpr;
use crate::relaxation::Problem;
use crate::relaxation::Ranges;
use crate::relaxation::facet::Facet;
use crate::relaxation::network::{Kind, NONE};
use crate::simplex::Simplex;
use crate::{Control, Core, CoreRequest, Cores};
use qnn_ir::interrupt::inherited;
use qnn_ir::obligation::Replay;
use std::collections::BinaryHeap;
use std::sync::{Arc, OnceLock};
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
    pub fn search_tree(&self, known: Option<DualBound>, mut learned: Pseudocosts) -> SearchTree {
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
        let mut search_tree = SearchTree {
            proof: vec![ProofNode::open()],
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
        search_tree.push(root);
        search_tree
    }
}
