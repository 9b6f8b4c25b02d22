//! Graphs without the nodes that nothing needs, and the nodes' new names in atoms, variables and calls.

use super::domains::Domains;
use super::statement::{CallInfo, VariableInfo};
use crate::check::network::remap;
use qnn_ir::interrupt::work;
use qnn_ir::obligation::{Atom, Linear, Variable};
use qnn_ir::{Graph, NodeId, Op};
use std::collections::HashMap;
use std::sync::Arc;

/// The graph without the nodes that nothing needs, where the others went, and the variables with their nodes there: inputs for what is free of them.
pub(super) fn prune(
    graph: &Graph,
    needed: &[bool],
    variables: Vec<Variable>,
    domains: &Domains,
) -> (Graph, Vec<Option<NodeId>>, Vec<Variable>) {
    let mut small = Graph::new();
    let mut map: Vec<Option<NodeId>> = vec![None; graph.nodes.len()];
    let (mut variables, built) = match domains.is_empty() {
        true => (variables, None),
        false => {
            let (free, nodes) = domains.build(&mut small, variables);
            (free, Some(nodes))
        }
    };
    for (index, node) in graph.nodes.iter().enumerate() {
        if !needed[index] {
            continue;
        }
        map[index] = Some(match (&node.op, &built) {
            (Op::Input, None) => small.push_input(node.name.clone(), node.len),
            (Op::Input, Some(nodes)) => nodes[&NodeId(index as u32)],
            (op, _) => small.push(node.name.clone(), remap(op, &|id| mapped(&map, id))),
        });
    }
    if built.is_none() {
        variables.iter_mut().for_each(|variable| variable.node = mapped(&map, variable.node));
    }
    (small, map, variables)
}

pub(super) fn mapped(map: &[Option<NodeId>], id: NodeId) -> NodeId {
    map[id.index()].expect("needed nodes were kept")
}

/// Renames the nodes of atoms; those that share a form go on sharing it.
pub(super) struct Renaming<'a> {
    pub(super) map: &'a [Option<NodeId>],
    /// By the form's address. The form itself is kept, so that no other has its address.
    pub(super) known: HashMap<*const Linear, (Arc<Linear>, Atom)>,
}

impl Renaming<'_> {
    pub(super) fn atom(&mut self, atom: &Atom) -> Atom {
        let renamed = || {
            work(4 * (1 + atom.linear.terms.len()));
            let mut linear = Linear::clone(&atom.linear);
            linear.terms.iter_mut().for_each(|term| term.0 = mapped(self.map, term.0));
            (atom.linear.clone(), Atom { linear: Arc::new(linear) })
        };
        self.known.entry(Arc::as_ptr(&atom.linear)).or_insert_with(renamed).1.clone()
    }

    pub(super) fn atoms(&mut self, atoms: &[Atom]) -> Vec<Atom> {
        atoms.iter().map(|atom| self.atom(atom)).collect()
    }

    pub(super) fn cases(&mut self, cases: &[Vec<Atom>]) -> Vec<Vec<Atom>> {
        cases.iter().map(|case| self.atoms(case)).collect()
    }
}

pub(super) fn renamed_infos(mut infos: Vec<VariableInfo>, map: &[Option<NodeId>]) -> Vec<VariableInfo> {
    infos.iter_mut().for_each(|info| info.port.node = mapped(map, info.port.node));
    infos
}

pub(super) fn renamed_calls(mut calls: Vec<CallInfo>, map: &[Option<NodeId>]) -> Vec<CallInfo> {
    for call in &mut calls {
        call.output.node = mapped(map, call.output.node);
        call.inputs.iter_mut().for_each(|node| *node = mapped(map, *node));
    }
    calls
}
