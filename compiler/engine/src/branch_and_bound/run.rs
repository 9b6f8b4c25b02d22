//! An obligation under search: its cases, the ranges that are known, and the proof so far.
//!
//! Invariant: at any time the closed cases' trees, after the prelude, prove that these cases have no answer; with kept bounds, the open ones prove
//! what [`Run::upper`] says.

use super::case::Helpers;
use super::node::DualBound;
use super::propagation::propagate;
use super::pseudocost::Pseudocosts;
use super::quick_bounds::root_bound;
use super::search_tree::{Effort, SearchTree};
use super::{Search, assignment, too_large};
use crate::relaxation::Problem;
use crate::relaxation::dual_bound::live_nonlinearities;
use crate::relaxation::{Empty, LinearExpr, Ranges, Relaxation};
use crate::{Answer, Control, Reason, Trust};
use num_integer::Integer;
use qnn_ir::obligation::{Atom, Linear, Objective, Obligation};
use qnn_proof::{CERTIFICATE_VERSION, Certificate, Multipliers, Step, Tighten, Tree};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

/// How a run ended.
pub(super) enum RunOutcome {
    /// A point answers the obligation: the inputs' values, by ascending column.
    Point(Vec<i64>),
    /// All cases are closed.
    Proved,
    /// A turn is over, and cases are open; only where bounds are kept.
    Turn,
    /// Neither, for a reason.
    Stopped(Reason),
}

/// How far a case is.
pub(super) enum Progress {
    /// Not begun; with its bound, if bounds are kept, and the pseudocosts of a short try.
    New(Option<DualBound>, Pseudocosts),
    /// Searched in part; with the steps that narrow the ranges before its tree.
    Begun(Box<SearchTree>, Vec<Tighten>),
    /// Proved.
    Closed(Tree),
}

/// An obligation under search, from the first bounds to the last branch. The search may go on after a point, for a greater objective.
pub(super) struct Run<'a> {
    pub(super) engine: &'a Search,
    /// The problem of the assumptions alone.
    pub(super) base: Problem<'a>,
    pub(super) problems: Vec<Problem<'a>>,
    pub(super) cases: Vec<Progress>,
    pub(super) ranges: Ranges,
    pub(super) prelude: Vec<Tighten>,
    /// The number of stages that are finished.
    pub(super) stage: usize,
    /// The cases that wait for the stage.
    pub(super) todo: Vec<usize>,
    /// For each piece of the objective whose bounds are kept: (factor, constant), where the piece is factor · (atom without its constant) + constant.
    pub(super) pieces: Vec<(i128, i128)>,
    /// For each case the least bound of its atom without the constant from a short try, and the tree that proves it.
    pub(super) kept: Vec<Option<(i128, Tree)>>,
    pub(super) begun: Instant,
    pub(super) helpers: Helpers,
    pub(super) effort: Effort,
}

impl<'a> Run<'a> {
    /// The first bounds of an obligation; an answer, if these decide it.
    pub(super) fn new(
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
        // Composite expressions have narrower ranges over columns than node by node: the checker needs a step for each.
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

    /// Replaces the cases' atoms by those of an obligation with a higher threshold.
    pub(super) fn raise(&mut self, relaxation: &'a Relaxation, obligation: &Obligation) -> Option<()> {
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

    /// Keeps a bound of each open case from now on, so that [`Run::upper`] is known at any time.
    pub(super) fn keep_bounds(&mut self, objective: &Objective) -> Option<()> {
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

    /// The upper bound of a case's atom without its constant; `None` if an open branch has no bound.
    fn most(&self, index: usize) -> Option<i128> {
        let open = match &self.cases[index] {
            Progress::New(known, _) => known.as_ref().map(DualBound::most),
            Progress::Begun(search_tree, _) => search_tree.most(),
            Progress::Closed(_) => Some(i128::MIN),
        };
        let kept = self.kept[index].as_ref().map(|(most, _)| *most);
        open.into_iter().chain(kept).min()
    }

    /// The objective's upper bound in a case.
    pub(super) fn upper_of(&self, index: usize) -> Option<i128> {
        let (factor, constant) = self.pieces[index % self.pieces.len()];
        match self.most(index)? {
            i128::MIN => Some(i128::MIN),
            most => most.checked_mul(factor)?.checked_add(constant),
        }
    }

    /// The objective's upper bound.
    pub(super) fn upper(&self) -> Option<i128> {
        (0..self.cases.len()).try_fold(i128::MIN, |upper, index| Some(upper.max(self.upper_of(index)?)))
    }

    /// About how many bytes the trees take.
    pub(super) fn tree_bytes(&self) -> usize {
        let begun = self.cases.iter().map(|case| match case {
            Progress::Begun(search_tree, _) => search_tree.tree_bytes(),
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
    pub(super) fn proved(&mut self, obligation: &Obligation) -> Answer {
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
    pub(super) fn proof_by_bounds(&self, obligation: &Obligation) -> Option<Certificate> {
        let tree = |index: usize| {
            if let Some((most, tree)) = &self.kept[index]
                && self.most(index) == Some(*most)
            {
                return Some(tree.clone());
            }
            match &self.cases[index] {
                Progress::Closed(tree) => Some(tree.clone()),
                Progress::New(known, _) => Some(vec![Step::Bound(known.as_ref()?.multipliers.clone())]),
                Progress::Begun(search_tree, first) => Some(tree_after(first.clone(), search_tree.tree_by_bounds()?)),
            }
        };
        let cases = (0..self.cases.len()).map(tree).collect::<Option<_>>()?;
        let prelude = self.prelude.clone();
        Some(Certificate { version: CERTIFICATE_VERSION, obligation: obligation.key(), prelude, cases })
    }
}

fn express(relaxation: &Relaxation, atoms: &[Atom]) -> Option<Vec<Arc<LinearExpr>>> {
    atoms.iter().map(|atom| relaxation.express(&atom.linear).map(Arc::new)).collect()
}

/// A tree after steps that narrow ranges.
pub(super) fn tree_after(first: Vec<Tighten>, tree: Tree) -> Tree {
    first.into_iter().map(Step::Tighten).chain(tree).collect()
}
