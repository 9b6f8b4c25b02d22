//! The same network with its inputs as late as they may stand: right before the first node that reads them.
//!
//! In: an obligation or objective whose inputs come first. Out: the same one, nodes numbered anew. What holds of one holds of the other; a rule that
//! takes inputs to come first does not.

use crate::obligation::{Conjunction, Linear, Objective, Obligation};
use crate::{Graph, NodeId, Op};
use std::sync::Arc;

/// The obligation with late inputs.
pub(super) fn obligation(mut obligation: Obligation) -> Obligation {
    let (graph, numbers) = renumbered(&obligation.graph);
    obligation.graph = Arc::new(graph);
    for variable in &mut obligation.variables {
        variable.node = numbers[variable.node.index()];
    }
    atoms(&mut obligation.assumptions, &numbers);
    obligation.cases.iter_mut().for_each(|case| atoms(case, &numbers));
    obligation
}

/// The objective with late inputs.
pub(super) fn objective(mut objective: Objective) -> Objective {
    let (_, numbers) = renumbered(&objective.base.graph);
    objective.base = obligation(objective.base);
    objective.alternatives.iter_mut().for_each(|alternative| atoms(alternative, &numbers));
    objective.pieces.iter_mut().for_each(|piece| *piece = form(piece, &numbers));
    objective
}

fn atoms(conjunction: &mut Conjunction, numbers: &[NodeId]) {
    conjunction.iter_mut().for_each(|atom| atom.linear = Arc::new(form(&atom.linear, numbers)));
}

fn form(linear: &Linear, numbers: &[NodeId]) -> Linear {
    let terms = linear.terms.iter().map(|(node, element, factor)| (numbers[node.index()], *element, *factor));
    Linear::new(terms.collect(), linear.constant)
}

/// The graph in its new order, and each node's new number. Inputs keep their order among themselves.
fn renumbered(graph: &Graph) -> (Graph, Vec<NodeId>) {
    let mut late = Graph::new();
    let mut numbers = vec![NodeId(u32::MAX); graph.nodes.len()];
    let mut waiting: Vec<NodeId> = graph.inputs().collect();
    waiting.reverse();
    let mut place = |id: NodeId, numbers: &mut Vec<NodeId>| {
        let mut node = graph.nodes[id.index()].clone();
        renumber(&mut node.op, numbers);
        numbers[id.index()] = NodeId(late.nodes.len() as u32);
        late.nodes.push(node);
    };
    for (index, node) in graph.nodes.iter().enumerate() {
        if matches!(node.op, Op::Input) {
            continue;
        }
        let last = node.op.sources().filter(|source| matches!(graph.nodes[source.index()].op, Op::Input)).max();
        while waiting.last().is_some_and(|next| Some(*next) <= last) {
            place(waiting.pop().expect("one waits"), &mut numbers);
        }
        place(NodeId(index as u32), &mut numbers);
    }
    while let Some(next) = waiting.pop() {
        place(next, &mut numbers);
    }
    (late, numbers)
}

fn renumber(op: &mut Op, numbers: &[NodeId]) {
    match op {
        Op::Input | Op::Constant(_) => {}
        Op::Affine { terms, .. } => terms.iter_mut().for_each(|(source, _)| *source = numbers[source.index()]),
        Op::Step { source, .. } | Op::Wrap { source, .. } | Op::Max { source, .. } => *source = numbers[source.index()],
        Op::Gather { picks } => {
            *picks = picks.iter().map(|(node, element)| (numbers[node.index()], *element)).collect();
        }
    }
}
