//! Nodes of the tree: open branches, and the outcome of a node.

use super::multipliers::Proposal;
use crate::Reason;
use crate::relaxation::Problem;
use crate::relaxation::Ranges;
use crate::relaxation::facet::Facet;
use crate::simplex::Simplex;
use num_integer::Integer;
use qnn_proof::{Multipliers, Step};
use std::sync::Arc;

/// Where the relaxation's bound of an expression ended at the root.
pub struct WarmStart {
    /// The expression.
    pub expr: u32,
    /// 1 for its greatest value, -1 for its least.
    pub sign: f64,
    /// The solver's state for that goal.
    pub solver: Simplex,
}

/// An upper bound of the objective's atom in a branch, with the multipliers that prove it.
#[derive(Debug)]
pub struct DualBound {
    /// The weighted atoms are at most this …
    pub value: i128,
    /// … where the objective's atom has this weight.
    pub weight: i64,
    /// The atom's constant at that time.
    pub(super) constant: i64,
    /// The multipliers of the bound.
    pub multipliers: Multipliers,
}

impl DualBound {
    /// What a proposal says of the objective's atom, if it does.
    pub fn new(proposal: &Proposal, problem: &Problem<'_>, objective: u32) -> Option<DualBound> {
        (proposal.weight > 0).then(|| DualBound {
            value: proposal.exact.value,
            weight: proposal.weight,
            constant: problem.atoms[objective as usize].constant as i64,
            multipliers: proposal.certificate(problem, Some(objective)),
        })
    }

    /// The atom without its constant is at most this.
    pub fn most(&self) -> i128 {
        Integer::div_floor(&self.value, &i128::from(self.weight)) - i128::from(self.constant)
    }
}

/// An open branch.
pub(super) struct Branch {
    pub(super) ranges: Ranges,
    pub(super) facets: Vec<Option<Arc<[Facet]>>>,
    pub(super) simplex: Simplex,
    /// The place in the proof that it is to fill.
    pub(super) entry: usize,
    /// The split that it comes from.
    pub(super) origin: Option<(Origin, usize)>,
    /// What the solver maximizes.
    pub(super) goal: Goal,
    /// The last bound of the objective's atom on the way here.
    pub(super) known: Option<Arc<DualBound>>,
    /// Its share of the case, in halves upon halves.
    pub(super) share: f64,
    /// Only inputs are left to split.
    pub(super) inputs_only: bool,
}

/// What the solver maximizes in a branch.
#[derive(Clone)]
pub(super) enum Goal {
    /// The objective's atom.
    Atom,
    /// Where the atom holds for all values left, its bound closes nothing. The goal is then how far the nonlinearities that it reads get past the
    /// thresholds that the splits require: (expression, factor), in steps of the nonlinearity's result.
    Margins(Arc<[(u32, f64)]>),
}

/// The gain that was expected of a split, for its pseudocost.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    pub(super) column: u32,
    /// The gap closed, at its price.
    pub(super) expected: f64,
    /// The parent's bound, above what closes a branch.
    pub(super) value: f64,
}

impl Branch {
    /// About how many bytes it takes, so that memory is bounded.
    pub(super) fn bytes(&self) -> usize {
        self.simplex.bytes() + self.ranges.bytes() + self.facets.len() * 64
    }

    /// Keeps a bound of the objective's atom, if it is the best so far.
    pub(super) fn learn(&mut self, proposal: &Proposal, problem: &Problem<'_>, objective: u32) {
        if let Some(new) = DualBound::new(proposal, problem, objective)
            && self.known.as_ref().is_none_or(|known| new.most() < known.most())
        {
            self.known = Some(Arc::new(new));
        }
    }

    /// Its priority: the bound expected from its split. Branches where only inputs are left to split come last, the root first.
    pub(super) fn value(&self) -> f64 {
        self.origin.map_or(f64::INFINITY, |(origin, _)| origin.value)
    }
}

/// The ranges on one side of a split, and the nonlinearities whose ranges changed.
pub(super) type Side = (Box<Ranges>, Vec<u32>);

/// The split of an element's values: at most `value`, and above. A side is `None` where nothing is left there.
pub(super) struct Split {
    pub(super) node: u32,
    pub(super) element: u32,
    pub(super) value: i64,
    pub(super) below: Option<Side>,
    pub(super) above: Option<Side>,
    pub(super) origin: Option<Origin>,
}

/// A child of a split branch, before it is made.
pub(super) struct Child {
    /// 0 below, 1 above.
    pub(super) number: usize,
    /// Its place in the proof.
    pub(super) entry: usize,
    pub(super) side: Side,
}

/// The outcome of a branch.
pub(super) enum NodeOutcome {
    Closed(Step),
    Split(Split),
    Postpone,
    NearMiss,
    Point(Vec<i64>),
    Stop(Reason),
}
