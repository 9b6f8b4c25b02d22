//! The order of the node queue: which open node is taken next.
//!
//! The queue itself is the heap [`SearchTree::open`](super::search_tree::SearchTree::open).

use super::node::Branch;
use std::cmp::Ordering;

/// An open branch, ordered by its priority.
pub(super) struct OpenNode(pub(super) Branch);

impl Ord for OpenNode {
    fn cmp(&self, other: &OpenNode) -> Ordering {
        let key = |branch: &Branch| (!branch.inputs_only, branch.value());
        let (a, b) = (key(&self.0), key(&other.0));
        // Among equals the later one comes first: the search is depth-first there.
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(self.0.entry.cmp(&other.0.entry))
    }
}

impl PartialOrd for OpenNode {
    fn partial_cmp(&self, other: &OpenNode) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for OpenNode {
    fn eq(&self, other: &OpenNode) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for OpenNode {}
