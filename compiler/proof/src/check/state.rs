//! The ranges of a branch, and how steps of a certificate narrow them.
//!
//! Invariant: every assignment that meets the atoms within the ranges before a step is within the ranges after it.

use crate::bound::{self, Fault, Term, bound};
use crate::{Multipliers, Tighten};
use num_integer::Integer;
use qnn_ir::obligation::Atom;
use qnn_ir::range::node_ranges;
use qnn_ir::{Graph, Interval, NodeId, Op};

/// The ranges of all elements in a branch.
#[derive(Clone)]
pub(super) struct State<'a> {
    pub(super) graph: &'a Graph,
    pub(super) ranges: Vec<Vec<Interval>>,
    /// A range is empty: there is nothing left in this branch.
    pub(super) empty: bool,
}

impl State<'_> {
    /// The node's id, if it has such an element.
    pub(super) fn element(&self, node: u32, element: u32) -> Result<NodeId, Fault> {
        match self.ranges.get(node as usize) {
            Some(elements) if (element as usize) < elements.len() => Ok(NodeId(node)),
            _ => Err(format!("Node {node} has no element {element}.")),
        }
    }

    /// The bound of the weighted atoms, plus an element if there is one.
    pub(super) fn weighted(
        &self,
        atoms: &[&Atom],
        multipliers: &Multipliers,
        element: Option<(NodeId, usize, i128)>,
        on_term: impl FnMut(Term),
    ) -> Result<i128, Fault> {
        let mut form: Vec<(NodeId, usize, i128)> = element.into_iter().collect();
        let mut constant = 0;
        for (atom, weight) in &multipliers.atoms {
            let atom = atoms.get(*atom as usize).ok_or("A weight for an atom that does not exist.")?;
            let weight = i128::from(*weight);
            if weight < 0 {
                return Err("A negative weight.".to_owned());
            }
            for (node, element, factor) in &atom.linear.terms {
                form.push((*node, *element as usize, bound::product(*factor, weight)?));
            }
            constant = bound::sum(constant, bound::product(atom.linear.constant, weight)?)?;
        }
        bound(self.graph, &self.ranges, &form, constant, multipliers, on_term)
    }

    /// Narrows an element's range by a bound.
    pub(super) fn tighten(&mut self, tighten: &Tighten, atoms: &[&Atom]) -> Result<(), Fault> {
        let id = self.element(tighten.node, tighten.element)?;
        if self.empty {
            return Ok(());
        }
        let (element, weight) = (tighten.element as usize, i128::from(tighten.weight));
        if weight == 0 {
            return Err("A weight of zero.".to_owned());
        }
        let value = self.weighted(atoms, &tighten.multipliers, Some((id, element, weight)), |_| ())?;
        // Divided by -1, the least number of 128 bits is none.
        bound::magnitude(value)?;
        if weight > 0 {
            self.narrow(id, element, None, Some(Integer::div_floor(&value, &weight)))
        } else {
            self.narrow(id, element, Some(Integer::div_ceil(&value, &weight)), None)
        }
    }

    /// The weighted atoms are at least zero and at most D. An element whose term is d below its share lowers the bound
    /// by d; with d > D nothing is left.
    pub(super) fn slack(&mut self, atoms: &[&Atom], multipliers: &Multipliers) -> Result<(), Fault> {
        if self.empty {
            return Ok(());
        }
        let mut terms = Vec::new();
        let most = self.weighted(atoms, multipliers, None, |term| terms.push(term))?;
        if most < 0 {
            self.empty = true;
            return Ok(());
        }
        let mut narrower = Vec::new();
        for term in &terms {
            let range = self.ranges[term.node.index()][term.element];
            if range.is_point() {
                continue;
            }
            let new = match &self.graph.node(term.node).op {
                Op::Input => {
                    let far = most / bound::magnitude(term.coefficient)?;
                    if term.coefficient > 0 {
                        Interval { lo: range.lo.max(range.hi.saturating_sub(far)), hi: range.hi }
                    } else {
                        Interval { lo: range.lo, hi: range.hi.min(range.lo.saturating_add(far)) }
                    }
                }
                Op::Step { source, steps } => {
                    let (step, a) = (steps.at(term.element), self.ranges[source.index()][term.element]);
                    let least = bound::sum(term.share, -most)?;
                    let possible = |v: i128| -> Result<bool, Fault> {
                        let best = bound::value_maximum(step, term.coefficient, term.multiplier, v, a)?;
                        Ok(best.is_some_and(|best| best >= least))
                    };
                    let (mut first, mut last) = bound::values(step, range, a)?;
                    if last - first > bound::VALUES {
                        continue;
                    }
                    while first < last && !possible(first)? {
                        first += 1;
                    }
                    while first < last && !possible(last)? {
                        last -= 1;
                    }
                    Interval { lo: first, hi: last }
                }
                _ => range,
            };
            if new != range {
                narrower.push((term.node, term.element, new));
            }
        }
        for (id, element, new) in &narrower {
            self.ranges[id.index()][*element] = *new;
        }
        let changed: Vec<NodeId> = narrower.iter().map(|(id, _, _)| *id).collect();
        self.contract(&changed)
    }

    /// Narrows an element's range, and what follows from it.
    pub(super) fn narrow(
        &mut self,
        id: NodeId,
        element: usize,
        lo: Option<i128>,
        hi: Option<i128>,
    ) -> Result<(), Fault> {
        let range = &mut self.ranges[id.index()][element];
        let new = Interval { lo: range.lo.max(lo.unwrap_or(range.lo)), hi: range.hi.min(hi.unwrap_or(range.hi)) };
        if new.lo > new.hi {
            self.empty = true;
        }
        if self.empty || new == *range {
            return Ok(());
        }
        *range = new;
        self.contract(&[id])
    }

    /// What narrower ranges of some nodes say about others: once backwards through steps, maxima and picks, then once forwards.
    pub(super) fn contract(&mut self, changed: &[NodeId]) -> Result<(), Fault> {
        let mut dirty = vec![false; self.graph.nodes.len()];
        changed.iter().for_each(|id| dirty[id.index()] = true);
        for id in self.graph.ids().rev() {
            if !dirty[id.index()] {
                continue;
            }
            match &self.graph.node(id).op {
                Op::Step { source, steps } => {
                    for element in 0..self.graph.len(id) {
                        let (y, step) = (self.ranges[id.index()][element], steps.at(element));
                        if y.lo > step.hi() || y.hi < step.lo() {
                            self.empty = true;
                            return Ok(());
                        }
                        let threshold = |v| step.threshold(v).ok_or_else(bound::too_large);
                        let lo = if y.lo > step.lo() { threshold(y.lo)? } else { i128::MIN };
                        let hi = if y.hi < step.hi() { threshold(y.hi + 1)?.saturating_sub(1) } else { i128::MAX };
                        self.meet(*source, element, Interval { lo, hi }, &mut dirty);
                    }
                }
                Op::Max { source, windows } => {
                    for (element, window) in windows.iter().enumerate() {
                        let hi = self.ranges[id.index()][element].hi;
                        for i in window.iter() {
                            self.meet(*source, *i as usize, Interval { lo: i128::MIN, hi }, &mut dirty);
                        }
                    }
                }
                Op::Gather { picks } => {
                    for (element, (source, i)) in picks.iter().enumerate() {
                        self.meet(*source, *i as usize, self.ranges[id.index()][element], &mut dirty);
                    }
                }
                Op::Input | Op::Constant(_) | Op::Affine { .. } | Op::Wrap { .. } => {}
            }
            if self.empty {
                return Ok(());
            }
        }
        for id in self.graph.ids() {
            let sources: Vec<NodeId> = match &self.graph.node(id).op {
                Op::Input | Op::Constant(_) => Vec::new(),
                Op::Affine { terms, .. } => terms.iter().map(|(source, _)| *source).collect(),
                Op::Step { source, .. } | Op::Wrap { source, .. } | Op::Max { source, .. } => vec![*source],
                Op::Gather { picks } => picks.iter().map(|(source, _)| *source).collect(),
            };
            if sources.iter().any(|source| dirty[source.index()]) {
                let new = node_ranges(self.graph, id, &self.ranges).map_err(|_| bound::too_large())?;
                for (element, range) in new.into_iter().enumerate() {
                    self.meet(id, element, range, &mut dirty);
                }
                if self.empty {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Intersects an element's range with another.
    pub(super) fn meet(&mut self, id: NodeId, element: usize, with: Interval, dirty: &mut [bool]) {
        let range = &mut self.ranges[id.index()][element];
        let new = Interval { lo: range.lo.max(with.lo), hi: range.hi.min(with.hi) };
        if new != *range {
            *range = new;
            dirty[id.index()] = true;
            self.empty |= new.lo > new.hi;
        }
    }
}
