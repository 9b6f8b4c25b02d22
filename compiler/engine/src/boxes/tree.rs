//! The boxes of a search: a tree of splits, the open ones by the order in which they are taken, and the certificate that it becomes.
//!
//! A box is stored as its parent and its side of the parent's split; its ranges are derived on the way up. Invariant: a case is closed in a node, or in
//! both children of it, or open in exactly one entry of the queue or worker.

use super::forecast::Forecast;
use crate::Reason;
use qnn_ir::obligation::{Assignment, Obligation};
use qnn_proof::{CERTIFICATE_VERSION, Certificate, Step};
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

/// About how many bytes a node takes, with its entry in the queue.
const NODE: u64 = 160;

/// How a search ended before all boxes were closed.
pub(super) enum Ended {
    /// This assignment answers the obligation.
    Point(Assignment),
    /// There is a reason to stop.
    Stopped(Reason),
}

/// Where a box is split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Split {
    /// The variable, and the element of it.
    pub(super) variable: u32,
    pub(super) element: u32,
    /// The greatest value of the lower side.
    pub(super) value: i64,
}

/// How a case was closed in a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    Propagated,
    Enumerated,
}

struct Node {
    parent: u32,
    /// Whether it is the upper side of its parent's split.
    above: bool,
    split: Option<Split>,
    /// The lower child; the upper one follows it.
    child: u32,
    /// The cases that were closed here.
    closed: Vec<(u32, Closed)>,
}

/// An open box.
pub(super) struct Open {
    pub(super) node: u32,
    /// The greater, the sooner the box is taken.
    pub(super) priority: f64,
    /// The share of the whole that it is.
    pub(super) share: f64,
    /// How many splits it is below the root.
    pub(super) depth: u32,
    /// The cases that are open in it.
    pub(super) cases: Arc<[u32]>,
}

impl Ord for Open {
    fn cmp(&self, other: &Open) -> Ordering {
        // Among equals the later one comes first: the search is depth-first there.
        self.priority.total_cmp(&other.priority).then(self.node.cmp(&other.node))
    }
}

impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Open) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Open {
    fn eq(&self, other: &Open) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Open {}

/// What a worker says of a box.
pub(super) struct Bounded {
    /// The cases that it closed, and how.
    pub(super) closed: Vec<(u32, Closed)>,
    /// The cases that it did not close.
    pub(super) open: Vec<u32>,
    /// Where to split, and the children's priority; there is a split if and only if cases are open.
    pub(super) split: Option<(Split, f64)>,
    /// A point meets the atoms, but not the exact statement.
    pub(super) near_miss: bool,
}

/// The boxes of a search.
pub(super) struct Tree {
    nodes: Vec<Node>,
    pub(super) open: BinaryHeap<Open>,
    /// The boxes at work.
    pub(super) busy: usize,
    /// The share of boxes and cases that is closed.
    pub(super) done: f64,
    pub(super) ended: Option<Ended>,
    pub(super) near_miss: bool,
    pub(super) forecast: Forecast,
    cases: usize,
    limit: u64,
}

impl Tree {
    /// The whole as one open box.
    pub(super) fn new(obligation: &Obligation, limit: u64, forecast: Forecast) -> Tree {
        let mut tree = Tree {
            nodes: vec![Node { parent: 0, above: false, split: None, child: 0, closed: Vec::new() }],
            open: BinaryHeap::new(),
            busy: 0,
            done: 0.0,
            ended: None,
            near_miss: false,
            forecast,
            cases: obligation.cases.len(),
            limit,
        };
        if !obligation.cases.is_empty() {
            let cases = (0..obligation.cases.len() as u32).collect();
            tree.open.push(Open { node: 0, priority: f64::INFINITY, share: 1.0, depth: 0, cases });
        }
        tree
    }

    /// The ranges of a box.
    pub(super) fn ranges(&self, obligation: &Obligation, node: u32) -> Vec<Vec<(i64, i64)>> {
        let mut ranges: Vec<Vec<(i64, i64)>> = obligation.variables.iter().map(|v| v.domain.clone()).collect();
        let mut at = node;
        while at != 0 {
            let Node { parent, above, .. } = self.nodes[at as usize];
            if let Some(Split { variable, element, value }) = self.nodes[parent as usize].split {
                let (lo, hi) = &mut ranges[variable as usize][element as usize];
                // A split is within the box that it splits.
                if above { *lo = (*lo).max(value + 1) } else { *hi = (*hi).min(value) }
            }
            at = parent;
        }
        ranges
    }

    /// Takes what a worker says of a box.
    pub(super) fn bounded(&mut self, open: &Open, said: Bounded) {
        let cases = self.cases.max(1) as f64;
        self.done += open.share * said.closed.len() as f64 / cases;
        self.near_miss |= said.near_miss;
        self.nodes[open.node as usize].closed = said.closed;
        let Some((split, priority)) = said.split else { return };
        let child = self.nodes.len() as u32;
        self.nodes[open.node as usize].split = Some(split);
        self.nodes[open.node as usize].child = child;
        let open_cases: Arc<[u32]> = said.open.into();
        for above in [false, true] {
            let node = self.nodes.len() as u32;
            self.nodes.push(Node { parent: open.node, above, split: None, child: 0, closed: Vec::new() });
            let (share, depth, cases) = (open.share / 2.0, open.depth + 1, open_cases.clone());
            self.open.push(Open { node, priority, share, depth, cases });
        }
        if self.nodes.len() as u64 * NODE > self.limit || self.nodes.len() >= u32::MAX as usize - 2 {
            self.ended.get_or_insert(Ended::Stopped(Reason::Memory));
        }
    }

    /// The proof, once no box is open.
    pub(super) fn certificate(&self, obligation: &Obligation) -> Certificate {
        let cases = (0..self.cases as u32).map(|case| self.steps(obligation, case)).collect();
        Certificate { version: CERTIFICATE_VERSION, obligation: obligation.key(), prelude: Vec::new(), cases }
    }

    /// The tree of one case, in preorder.
    fn steps(&self, obligation: &Obligation, case: u32) -> Vec<Step> {
        let (mut steps, mut stack) = (Vec::new(), vec![0u32]);
        while let Some(at) = stack.pop() {
            let node = &self.nodes[at as usize];
            match (node.closed.iter().find(|(closed, _)| *closed == case), node.split) {
                (Some((_, Closed::Propagated)), _) => steps.push(Step::Propagate),
                (Some((_, Closed::Enumerated)), _) => steps.push(Step::Enumerate),
                (None, Some(Split { variable, element, value })) => {
                    let node_of = obligation.variables[variable as usize].node.0;
                    steps.push(Step::Split { node: node_of, element, value });
                    stack.extend([node.child + 1, node.child]);
                }
                // Not closed: the checker refuses the tree.
                (None, None) => steps.push(Step::Empty),
            }
        }
        steps
    }
}
