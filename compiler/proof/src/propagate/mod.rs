//! Propagation: the ranges and bounds that follow from a branch's ranges by a fixed rule, without any data of a certificate.
//!
//! In: a graph, a range for every element, atoms. Out: whether an atom can't hold or nothing is left, and an upper bound of each atom. From the first
//! node to the last, what a nonlinearity reads is bounded by substituting linear bounds backwards (`backward`), and each nonlinearity gets a line
//! above and a line below it over its range (`lines`). Invariant: all numbers are integers, rounded to the side that keeps each bound sound, and
//! depend on the graph, the ranges and the atoms alone. `docs/certificates.md` has the rule for whoever implements it again.

mod backward;
mod kernels;
mod lines;
#[cfg(test)]
mod tests;

use backward::Backward;
use lines::Lines;
use qnn_ir::interrupt::work;
use qnn_ir::obligation::Atom;
use qnn_ir::range::node_ranges;
use qnn_ir::{Graph, Interval, NodeId, Op};

/// What propagation says of an atom.
#[derive(Clone, Debug, PartialEq)]
pub struct Reach {
    /// What the atom's form is at most; `None` where the rule's numbers don't suffice.
    pub upper: Option<i128>,
    /// For each input node, in order, the factors of the linear form over inputs that gave the bound: where to split, and which corner to try. Rounded
    /// to floats: nothing rests on them.
    pub slopes: Vec<Vec<f64>>,
}

/// What propagation says of a branch.
#[derive(Clone, Debug, PartialEq)]
pub enum Propagated {
    /// A range became empty: no input of the branch meets the atoms.
    Empty,
    /// What is known of each atom.
    Reached(Vec<Reach>),
}

impl Propagated {
    /// Whether nothing in the branch meets all atoms.
    pub fn is_closed(&self) -> bool {
        match self {
            Propagated::Empty => true,
            Propagated::Reached(atoms) => atoms.iter().any(|atom| atom.upper.is_some_and(|upper| upper < 0)),
        }
    }
}

/// Propagates the ranges of a branch and bounds atoms.
///
/// `ranges` holds an interval for each element of each node, none of them empty, such that all values of the branch are within them.
pub fn propagate(graph: &Graph, ranges: &[Vec<Interval>], atoms: &[&Atom]) -> Propagated {
    let mut propagation = Propagation::new(graph, ranges.to_vec());
    if propagation.run().is_none() {
        return Propagated::Empty;
    }
    Propagated::Reached(atoms.iter().map(|atom| propagation.reach(atom)).collect())
}

/// The propagation of one branch.
struct Propagation<'a> {
    graph: &'a Graph,
    ranges: Vec<Vec<Interval>>,
    lines: Vec<Option<Lines>>,
    /// Whether another node reads a node.
    is_read: Vec<bool>,
    /// For each node the elements that were bounded by substitution; empty where there are none.
    bounded: Vec<Vec<bool>>,
    backward: Backward,
}

impl<'a> Propagation<'a> {
    fn new(graph: &'a Graph, ranges: Vec<Vec<Interval>>) -> Propagation<'a> {
        let mut is_read = vec![false; graph.nodes.len()];
        graph.nodes.iter().flat_map(|node| node.op.sources()).for_each(|source| is_read[source.index()] = true);
        Propagation {
            graph,
            ranges,
            is_read,
            lines: graph.nodes.iter().map(|_| None).collect(),
            bounded: vec![Vec::new(); graph.nodes.len()],
            backward: Backward::new(graph),
        }
    }

    /// Narrows the ranges node by node; `None` if one becomes empty.
    fn run(&mut self) -> Option<()> {
        let graph = self.graph;
        for id in graph.ids() {
            let op = &graph.node(id).op;
            if matches!(op, Op::Input | Op::Constant(_)) {
                continue;
            }
            if let Op::Step { source, .. } | Op::Wrap { source, .. } | Op::Max { source, .. } = op
                && matches!(graph.node(*source).op, Op::Affine { .. } | Op::Gather { .. })
            {
                for element in lines::undecided(op, &self.ranges[source.index()]) {
                    self.bound(*source, element, op)?;
                }
            }
            // Where 128 bits don't suffice, what is known already remains.
            if let Ok(new) = node_ranges(graph, id, &self.ranges) {
                for (element, range) in new.into_iter().enumerate() {
                    self.meet(id, element, range)?;
                }
            }
            self.lines[id.index()] = lines::lines(op, &self.ranges, id, self.is_read[id.index()]);
        }
        Some(())
    }

    /// Bounds an element that a nonlinearity reads by substitution, once: from above and, unless that decides it, from below.
    fn bound(&mut self, id: NodeId, element: usize, reader: &Op) -> Option<()> {
        let bounded = &mut self.bounded[id.index()];
        bounded.resize(self.graph.len(id), false);
        if std::mem::replace(&mut bounded[element], true) {
            return Some(());
        }
        for sign in [1, -1] {
            let mut range = self.ranges[id.index()][element];
            if sign < 0 && lines::is_decided(reader, element, range) {
                break;
            }
            self.backward.begin();
            let upper = self.backward.add(id, element, sign).and_then(|()| self.upper());
            match upper {
                Some(upper) if sign > 0 => range.hi = range.hi.min(upper),
                Some(upper) => range.lo = range.lo.max(upper.saturating_neg()),
                None => {}
            }
            self.meet(id, element, range)?;
        }
        Some(())
    }

    fn upper(&mut self) -> Option<i128> {
        self.backward.upper(self.graph, &self.ranges, &self.lines)
    }

    /// Intersects an element's range with another; `None` if nothing is left.
    fn meet(&mut self, id: NodeId, element: usize, with: Interval) -> Option<()> {
        work(1);
        let range = &mut self.ranges[id.index()][element];
        if with.hi < range.hi {
            self.backward.narrowed(id);
        }
        *range = Interval { lo: range.lo.max(with.lo), hi: range.hi.min(with.hi) };
        (range.lo <= range.hi).then_some(())
    }

    /// What the ranges and lines say of an atom.
    fn reach(&mut self, atom: &Atom) -> Reach {
        self.backward.begin();
        let form = &atom.linear;
        let mut terms = form.terms.iter();
        let added = terms.try_for_each(|(node, element, factor)| {
            self.backward.add(*node, *element as usize, i64::try_from(*factor).ok()?)
        });
        self.backward.constant = form.constant;
        let upper = added.and_then(|()| self.upper());
        Reach { upper, slopes: self.backward.slopes(self.graph) }
    }
}
