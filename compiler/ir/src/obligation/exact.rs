//! What an obligation says exactly, where its integer graph only encloses a real-valued reading.
//!
//! In: the values of a graph's nodes for an assignment. Out: whether assumptions and negated goal hold in exact rationals. The obligation's
//! atoms are weaker by what the enclosures can be off: no assignment meets the exact statement without meeting them, so that a proof that none meets them is
//! a proof of the real statement; an assignment that meets them counts only if it holds here too.

use super::term::{Formula, Term};
use crate::Rational;
use crate::interrupt::work;
use crate::rational::integer;
use crate::real::NUMBER;
use crate::{Enclosure, NodeId, RealGraph};
use std::collections::HashMap;
use std::sync::Arc;

/// A real-valued network and what encloses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The network.
    pub real: RealGraph,
    /// Its output.
    pub output: usize,
    /// What engines see of it.
    pub enclosure: Enclosure,
}

/// A real-valued network applied in an obligation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RealCall {
    /// The network.
    pub reading: Arc<Reading>,
    /// The nodes of its inputs.
    pub inputs: Vec<NodeId>,
    /// The node of the enclosure's output.
    pub output: NodeId,
}

/// The exact statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exact {
    /// The networks, each output once.
    pub calls: Vec<RealCall>,
    /// The assumptions.
    pub assumptions: Formula,
    /// The negated goal, in the place of the obligation's cases; `None` where these are meant as they stand.
    pub goal: Option<Formula>,
}

/// The nodes' values in steps of each, exactly: integers, but for the outputs of real-valued networks.
pub struct ExactValues<'a> {
    integers: &'a [Vec<i128>],
    reals: HashMap<NodeId, Vec<Rational>>,
}

impl<'a> ExactValues<'a> {
    /// From the values of all nodes, by the reference interpreter.
    pub fn new(calls: &[RealCall], integers: &'a [Vec<i128>]) -> ExactValues<'a> {
        let real = |call: &RealCall| {
            let inputs: Vec<&[i128]> = call.inputs.iter().map(|node| integers[node.index()].as_slice()).collect();
            let Reading { real, output, enclosure } = call.reading.as_ref();
            let values = real.evaluate(&inputs, *output);
            let values = values.iter().inspect(|_| work(NUMBER)).map(|value| value / &enclosure.scale).collect();
            (call.output, values)
        };
        ExactValues { integers, reals: calls.iter().map(real).collect() }
    }

    /// An element of a node.
    pub fn get(&self, node: NodeId, element: u32) -> Rational {
        match self.reals.get(&node) {
            Some(values) => values[element as usize].clone(),
            None => integer(self.integers[node.index()][element as usize]),
        }
    }
}

impl Exact {
    /// Whether the assumptions hold, and the goal's negation (`true` where the cases say it).
    pub fn holds(&self, integers: &[Vec<i128>]) -> bool {
        let values = ExactValues::new(&self.calls, integers);
        let value = |node, element| values.get(node, element);
        self.assumptions.holds(&value) && self.goal.as_ref().is_none_or(|goal| goal.holds(&value))
    }

    /// The same with its nodes renamed.
    pub fn renamed(&self, map: &dyn Fn(NodeId) -> NodeId) -> Exact {
        Exact {
            calls: renamed_calls(&self.calls, map),
            assumptions: self.assumptions.renamed(map),
            goal: self.goal.as_ref().map(|goal| goal.renamed(map)),
        }
    }

    /// Its meaning as bytes, for the obligation's key.
    pub(super) fn bytes(&self, bytes: &mut Vec<u8>) {
        calls_bytes(&self.calls, bytes);
        self.assumptions.bytes(bytes);
        bytes.push(u8::from(self.goal.is_some()));
        self.goal.iter().for_each(|goal| goal.bytes(bytes));
    }
}

/// What an objective is exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExactObjective {
    /// The networks, each output once.
    pub calls: Vec<RealCall>,
    /// The value, as it is maximised.
    pub term: Term,
    /// How far the objective's integers are off at most, in its steps; positive.
    pub error: i128,
}

impl ExactObjective {
    /// The value for an assignment, given the values of all nodes.
    pub fn value(&self, integers: &[Vec<i128>]) -> Rational {
        let values = ExactValues::new(&self.calls, integers);
        self.term.value(&|node, element| values.get(node, element))
    }

    /// The same with its nodes renamed.
    pub fn renamed(&self, map: &dyn Fn(NodeId) -> NodeId) -> ExactObjective {
        ExactObjective { calls: renamed_calls(&self.calls, map), term: self.term.renamed(map), error: self.error }
    }

    /// Its meaning as bytes, for the objective's key.
    pub fn bytes(&self, bytes: &mut Vec<u8>) {
        calls_bytes(&self.calls, bytes);
        self.term.bytes(bytes);
        bytes.extend_from_slice(&self.error.to_le_bytes());
    }
}

fn renamed_calls(calls: &[RealCall], map: &dyn Fn(NodeId) -> NodeId) -> Vec<RealCall> {
    let renamed = |call: &RealCall| RealCall {
        reading: call.reading.clone(),
        inputs: call.inputs.iter().map(|node| map(*node)).collect(),
        output: map(call.output),
    };
    calls.iter().map(renamed).collect()
}

fn calls_bytes(calls: &[RealCall], bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&(calls.len() as u64).to_le_bytes());
    for call in calls {
        bytes.extend_from_slice(call.reading.real.digest());
        bytes.extend_from_slice(&(call.reading.output as u64).to_le_bytes());
        bytes.extend_from_slice(&(call.inputs.len() as u64).to_le_bytes());
        call.inputs.iter().chain([&call.output]).for_each(|node| bytes.extend_from_slice(&node.0.to_le_bytes()));
    }
}
