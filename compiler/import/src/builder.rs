//! Graphs under construction: nodes with the range of each element, within the limits of exact arithmetic.

use crate::ImportError;
use qnn_ir::range::node_ranges;
use qnn_ir::{Graph, Interval, NodeId, Op};

/// The largest magnitude of an integer anywhere in a network; the same as of networks that a spec defines.
const LIMIT: i128 = 1 << 100;

/// The most numbers that all operators of a network compute.
const MAX_NETWORK_ELEMENTS: usize = 1 << 24;

/// The most operations of a graph.
const MAX_NODES: usize = 10_000;

/// A graph and the ranges of its elements.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    pub(crate) graph: Graph,
    pub(crate) ranges: Vec<Vec<Interval>>,
    elements: usize,
}

impl Builder {
    /// Appends an input whose elements take the integers of `range`.
    pub(crate) fn input(&mut self, name: &str, len: usize, range: Interval) -> Result<NodeId, ImportError> {
        self.grow(len)?;
        self.ranges.push(vec![range; len]);
        Ok(self.graph.push_input(name, len))
    }

    /// Counts the elements of another node; refuses networks that are too large. To be asked before they are allocated.
    pub(crate) fn grow(&mut self, len: usize) -> Result<(), ImportError> {
        self.elements = self.elements.saturating_add(len);
        if self.elements <= MAX_NETWORK_ELEMENTS && self.graph.nodes.len() < MAX_NODES {
            return Ok(());
        }
        Err(ImportError::new(format!(
            "the network is too large: more than {MAX_NODES} operations, or {MAX_NETWORK_ELEMENTS} numbers in all"
        )))
    }

    /// Appends a node, with its ranges. Its elements were counted by [`Builder::grow`].
    pub(crate) fn push(&mut self, name: &str, op: Op) -> Result<NodeId, ImportError> {
        let id = self.graph.push(name, op);
        match node_ranges(&self.graph, id, &self.ranges) {
            Ok(ranges) if ranges.iter().all(|r| r.lo >= -LIMIT && r.hi <= LIMIT) => {
                self.ranges.push(ranges);
                Ok(id)
            }
            _ => Err(ImportError::new("its sums need more than 100 bits")),
        }
    }

    /// The least and the greatest integer of a node, over all its elements.
    pub(crate) fn range(&self, node: NodeId) -> Interval {
        let ranges = &self.ranges[node.index()];
        let lo = ranges.iter().map(|r| r.lo).min().unwrap_or(0);
        let hi = ranges.iter().map(|r| r.hi).max().unwrap_or(0);
        Interval::new(lo, hi)
    }
}
