//! Counterexamples: an assignment of raw integers as people read it.
//!
//! In: an assignment, the obligation that it answers, what the front end said of variables and networks. Out: numbers in the formats of the spec, beside the
//! centre of the ball where there is one. Nothing comes out that the reference interpreter has not just confirmed.

use super::verdict::{CallValue, CenterValue, Counterexample, Label, Layout, Numbers, Output, VariableValue, argmax};
use crate::check::constant::variant_names;
use crate::check::network::Port;
use crate::check::property::{CallInfo, ClassClaim, VariableInfo};
use crate::check::types::Axis;
use crate::db::{Db, ItemId};
use qnn_ir::Rational;
use qnn_ir::obligation::{Assignment, Obligation, Replay};
use qnn_ir::{Graph, Op, interpret};
use std::collections::HashMap;
use std::sync::Arc;

/// Who takes part in a statement, for people. Owned: it knows the names that the database had for the axes' entries.
#[derive(Clone, Debug)]
pub(super) struct CounterexampleBuilder {
    variables: Vec<VariableInfo>,
    calls: Vec<CallInfo>,
    labels: HashMap<ItemId, Vec<String>>,
}

impl CounterexampleBuilder {
    /// The variables and networks of a statement, with the names of their axes.
    pub fn new(db: &dyn Db, variables: &[VariableInfo], calls: &[CallInfo]) -> CounterexampleBuilder {
        let ports = variables.iter().map(|v| &v.port).chain(calls.iter().map(|c| &c.output));
        let mut labels = HashMap::new();
        for item in ports.flat_map(|port| &port.shape).filter_map(|axis| axis.labels) {
            labels
                .entry(item)
                .or_insert_with(|| variant_names(db, item).iter().map(|name| name.as_ref().to_owned()).collect());
        }
        CounterexampleBuilder { variables: variables.to_vec(), calls: calls.to_vec(), labels }
    }

    /// The assignment, once the reference interpreter has confirmed it.
    ///
    /// # Errors
    /// If it does not replay, with the reason: something is broken.
    pub fn counterexample(&self, obligation: &Obligation, assignment: &Assignment) -> Result<Counterexample, String> {
        match obligation.replay(assignment) {
            Replay::Holds(_) => {}
            Replay::Close => return Err("a counterexample does not replay in exact numbers".to_owned()),
            Replay::Fails(why) => return Err(format!("a counterexample does not replay: {why}")),
        }
        let wide = |values: &[i64]| -> Vec<i128> { values.iter().map(|n| i128::from(*n)).collect() };
        let inputs: Vec<Vec<i128>> = assignment.iter().map(|values| wide(values)).collect();
        let values = interpret(&obligation.graph, &inputs)
            .map_err(|overflow| format!("node {} overflows in a replay", overflow.node.0))?;
        let before = self.centered(obligation, &inputs);
        let variables = (self.variables.iter())
            .map(|info| {
                let (name, layout) = (info.port.name.to_string(), self.layout(&info.port));
                let value = &values[info.port.node.index()];
                let center = info.center.as_deref().map(wide).map(|center| CenterValue {
                    numbers: numbers(&info.port, &center),
                    difference: value.iter().zip(&center).map(|(a, b)| a - b).collect(),
                });
                VariableValue { name, layout, numbers: numbers(&info.port, value), center }
            })
            .collect();
        let calls = self.calls.iter().map(|call| {
            let layout = self.layout(&call.output);
            let center = before.as_ref().map(|values| output(call, values));
            // Several claims leave no class that is the right one.
            let claim = match call.claims.as_slice() {
                [only] => Some(*only),
                _ => None,
            };
            let label = claim.map(|claim| Label {
                index: claim.class,
                text: layout.entry(claim.class),
                excluded: claim.excluded,
            });
            CallValue {
                text: call.text.clone(),
                network: call.network.name.to_string(),
                output: output(call, &values),
                asks_argmax: call.argmax,
                label,
                wrong_before: claim.zip(center.as_ref()).is_some_and(|(claim, center)| !meets(center, claim)),
                layout,
                center,
            }
        });
        Ok(Counterexample { variables, calls: calls.collect(), smallest: None })
    }

    /// The centre of each of the obligation's variables that ranges over a ball; `None` if none does, or one is computed from others.
    pub fn centers(&self, obligation: &Obligation) -> Option<Vec<Option<Arc<[i64]>>>> {
        let mut centers = vec![None; obligation.variables.len()];
        for info in &self.variables {
            let Some(center) = &info.center else { continue };
            let at = obligation.variables.iter().position(|variable| variable.node == info.port.node)?;
            if obligation.variables[at].domain.len() != center.len() {
                return None;
            }
            centers[at] = Some(center.clone());
        }
        centers.iter().any(Option::is_some).then_some(centers)
    }

    /// The values of all nodes with every ball's variable at its centre, the others as they are; `None` without a ball. A centre need not meet the assumptions: a
    /// variable that is computed of what is free of it has the centre's integers all the same.
    fn centered(&self, obligation: &Obligation, inputs: &[Vec<i128>]) -> Option<Vec<Vec<i128>>> {
        let mut inputs = inputs.to_vec();
        let mut graph = None;
        let mut has_center = false;
        for info in &self.variables {
            let (Some(center), node) = (&info.center, info.port.node) else { continue };
            if center.len() != obligation.graph.len(node) {
                continue;
            }
            has_center = true;
            let center: Vec<i128> = center.iter().map(|n| i128::from(*n)).collect();
            match obligation.variables.iter().position(|variable| variable.node == node) {
                Some(variable) => inputs[variable] = center,
                None => {
                    let graph: &mut Graph = graph.get_or_insert_with(|| Graph::clone(&obligation.graph));
                    graph.nodes[node.index()].op = Op::Constant(center.into());
                }
            }
        }
        has_center.then(|| interpret(graph.as_ref().unwrap_or(&obligation.graph), &inputs).ok()).flatten()
    }

    fn layout(&self, port: &Port) -> Layout {
        let labels = |axis: &Axis| axis.labels.and_then(|item| self.labels.get(&item).cloned());
        Layout {
            shape: port.shape.iter().map(|axis| axis.size).collect(),
            labels: port.shape.iter().map(labels).collect(),
            format: port.format.as_ref().map(ToString::to_string),
            limits: port.format.as_ref().map(|format| (format.min_raw(), format.max_raw())),
        }
    }
}

fn numbers(port: &Port, node: &[i128]) -> Numbers {
    let values: Vec<Rational> = node.iter().enumerate().map(|(i, n)| port.value(i, *n)).collect();
    Numbers::new(raw(port, node), &values)
}

fn raw(port: &Port, node: &[i128]) -> Vec<i128> {
    node.iter().enumerate().map(|(i, n)| port.raw(i, *n)).collect()
}

/// What a network computes, given the values of all nodes.
fn output(call: &CallInfo, nodes: &[Vec<i128>]) -> Output {
    let node = &nodes[call.output.node.index()];
    let values: Vec<Rational> = match &call.network.real {
        Some(reading) => {
            let inputs: Vec<&[i128]> = call.inputs.iter().map(|input| nodes[input.index()].as_slice()).collect();
            reading.real.evaluate(&inputs, reading.output)
        }
        None => node.iter().enumerate().map(|(i, n)| call.output.value(i, *n)).collect(),
    };
    let (argmax, ties) = argmax(&values);
    Output { numbers: Numbers::new(raw(&call.output, node), &values), argmax, ties }
}

/// Whether an output's argmax is as claimed.
fn meets(output: &Output, claim: ClassClaim) -> bool {
    let is = output.argmax == Some(claim.class) && (!claim.strict || output.ties.is_empty());
    is != claim.excluded
}
