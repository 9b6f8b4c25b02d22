//! A case's tree: what is proved, and the queue of open nodes.
//!
//! Invariant: between searches the tree, with each open node closed by its bound, proves what [`SearchTree::most`] says.

use super::node::{Branch, Child, DualBound, Split, WarmStart};
use super::node_queue::OpenNode;
use super::parameters::NODE;
use super::pseudocost::Pseudocosts;
use crate::relaxation::Ranges;
use crate::{Control, Reason};
use qnn_proof::{Step, Tighten, Tree};
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

/// How the search of a case ended.
pub enum CaseOutcome {
    /// No point meets all atoms.
    Closed,
    /// The inputs' values, by ascending column.
    Point(Vec<i64>),
    /// The case took more branches than its limit.
    Limit,
    /// Neither, for a reason.
    Stopped(Reason),
}

/// A node of the proof; its children are added later.
pub(super) struct ProofNode {
    pub(super) step: Step,
    pub(super) children: Vec<usize>,
}

impl ProofNode {
    /// A node without its step.
    pub(super) fn open() -> ProofNode {
        ProofNode { step: Step::Empty, children: Vec::new() }
    }
}

/// About how many bytes a step takes beyond its node.
pub(super) fn bytes_of(step: &Step) -> usize {
    match step {
        Step::Bound(multipliers) | Step::Slack(multipliers) | Step::Tighten(Tighten { multipliers, .. }) => {
            size_of_val(&multipliers.slots[..]) + size_of_val(&multipliers.atoms[..])
        }
        Step::Split { .. } | Step::Empty | Step::Enumerate | Step::Propagate => 0,
    }
}

/// The effort of a search, for `--stats`.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Effort {
    /// Branches that were bounded.
    pub branches: u64,
    /// Steps of the solver.
    pub steps: u64,
}

/// A case's tree so far: what is proved, and which branches are open.
pub struct SearchTree {
    pub(super) proof: Vec<ProofNode>,
    /// The bytes that the proof's steps take.
    pub(super) written: usize,
    pub(super) open: BinaryHeap<OpenNode>,
    /// Branches whose points meet the atoms but not the exact statement: neither answers, nor excluded by any bound.
    pub(super) near_misses: Vec<Branch>,
    /// The bytes of open branches, those that workers hold included.
    pub(super) held: usize,
    /// The branches that workers hold.
    pub(super) busy: usize,
    /// The share of the case that is closed.
    pub(super) closed: f64,
    pub(super) ended: Option<CaseOutcome>,
    /// The effort so far.
    pub effort: Effort,
    /// The most branches.
    pub limit: u64,
    pub(super) root: Ranges,
    /// The root's bounds, for branches that begin there.
    pub warm_starts: Arc<[WarmStart]>,
    pub(super) learned: Pseudocosts,
    /// The gains of splits in this search, from which all workers update their pseudocosts: (column, side, gain).
    pub(super) gains: Vec<(u32, usize, f64)>,
}

impl SearchTree {
    /// The tree after its proof's last open branch is closed.
    pub fn tree(mut self) -> Tree {
        let mut steps: Vec<Step> =
            self.proof.iter_mut().map(|entry| std::mem::replace(&mut entry.step, Step::Empty)).collect();
        flatten(&self.proof, |at| std::mem::replace(&mut steps[at], Step::Empty))
    }

    /// The objective's atom without its constant is at most this in the open branches; `None` if one has no bound yet.
    pub fn most(&self) -> Option<i128> {
        let open = self.open.iter().map(|queued| &queued.0).chain(&self.near_misses);
        open.map(|branch| branch.known.as_deref()).try_fold(i128::MIN, |most, known| Some(most.max(known?.most())))
    }

    /// The tree with each open branch closed by its bound, a proof for a threshold above all of them.
    pub fn tree_by_bounds(&self) -> Option<Tree> {
        let open = self.open.iter().map(|queued| &queued.0).chain(&self.near_misses);
        let bounds = open.map(|branch| Some((branch.entry, branch.known.as_deref()?)));
        let bounds = bounds.collect::<Option<HashMap<usize, &DualBound>>>()?;
        let step = |at: usize| match bounds.get(&at) {
            Some(known) => Step::Bound(known.multipliers.clone()),
            None => self.proof[at].step.clone(),
        };
        Some(flatten(&self.proof, step))
    }

    /// About how many bytes its tree takes.
    pub fn tree_bytes(&self) -> usize {
        self.written + self.proof.len() * NODE
    }

    /// About how many bytes it takes.
    pub fn bytes(&self) -> usize {
        let warm_starts: usize = self.warm_starts.iter().map(|warm_start| warm_start.solver.bytes()).sum();
        self.held + self.tree_bytes() + warm_starts
    }

    /// The share of the case that is closed.
    pub fn closed(&self) -> f64 {
        self.closed
    }

    /// The pseudocosts of this case's splits.
    pub fn learned(self) -> Pseudocosts {
        self.learned
    }

    /// The ranges before any split.
    pub fn root(&self) -> &Ranges {
        &self.root
    }

    /// Ends the search where the budget, the limit of branches or the memory is used up.
    pub(super) fn end_where_due(&mut self, control: &Control, most_bytes: usize) {
        if self.ended.is_some() {
            return;
        }
        self.ended = if let Some(reason) = control.stop() {
            Some(CaseOutcome::Stopped(reason))
        } else if self.effort.branches >= self.limit {
            Some(CaseOutcome::Limit)
        } else if self.bytes() > most_bytes {
            Some(CaseOutcome::Stopped(Reason::Memory))
        } else {
            None
        };
    }

    /// Enters a split into the proof; its sides that are left become children.
    pub(super) fn add_split(&mut self, branch: &Branch, split: &mut Split) -> Vec<Child> {
        self.fill(branch.entry, Step::Split { node: split.node, element: split.element, value: split.value });
        let mut children = Vec::with_capacity(2);
        for (number, side) in [split.below.take(), split.above.take()].into_iter().enumerate() {
            self.proof.push(ProofNode::open());
            let entry = self.proof.len() - 1;
            self.proof[branch.entry].children.push(entry);
            children.extend(side.map(|side| Child { number, entry, side }));
        }
        self.closed += branch.share * (2 - children.len()) as f64 / 2.0;
        children
    }

    /// Takes in the children of a worker's branch: it goes on with the last, and keeps the others for later if it is to `keep` them. Says whether one went
    /// to the queue.
    pub(super) fn adopt(&mut self, mut children: Vec<Branch>, own: &mut Vec<Branch>, keep: bool) -> bool {
        let nearer = children.pop();
        let shared = !keep && !children.is_empty();
        for other in children {
            if keep {
                self.held += other.bytes();
                self.busy += 1;
                own.push(other);
            } else {
                self.push(other);
            }
        }
        if let Some(nearer) = nearer {
            self.held += nearer.bytes();
            self.busy += 1;
            own.push(nearer);
        }
        shared
    }

    pub(super) fn push(&mut self, branch: Branch) {
        self.held += branch.bytes();
        self.open.push(OpenNode(branch));
    }

    /// Puts a worker's branches back into the queue.
    pub(super) fn give_back(&mut self, branches: &mut Vec<Branch>) {
        self.busy -= branches.len();
        self.open.extend(branches.drain(..).map(OpenNode));
    }

    /// Sets the step of a node of the proof.
    pub(super) fn fill(&mut self, entry: usize, step: Step) {
        self.written += bytes_of(&step);
        self.proof[entry].step = step;
    }

    /// Fills a node with the first of some steps, and appends a node for each of the others and one for what follows, which becomes `entry`.
    pub(super) fn chain(&mut self, entry: &mut usize, steps: Vec<Step>) {
        for step in steps {
            self.fill(*entry, step);
            self.proof.push(ProofNode::open());
            let place = self.proof.len() - 1;
            self.proof[*entry].children.push(place);
            *entry = place;
        }
    }
}

/// The tree in preorder.
pub(super) fn flatten(proof: &[ProofNode], mut step: impl FnMut(usize) -> Step) -> Tree {
    let mut tree = Vec::with_capacity(proof.len());
    let mut open = vec![0];
    while let Some(at) = open.pop() {
        tree.push(step(at));
        open.extend(proof[at].children.iter().rev());
    }
    tree
}
