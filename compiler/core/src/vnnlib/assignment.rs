//! The assignment of a query that a counterexample of its translation is.
//!
//! In: stored integers for the spec's variables. Out: numbers for all tensors of the query, as the networks compute them by the reference interpreter, which
//! meet all assertions of the query in exact rationals; or none, where no float of a quantized input does.

use super::bounds::Bounds;
use super::model::{Meaning, Model};
use super::quantizer::Quantizer;
use super::query::{Element, Formula, Query, Role, Tensor};
use super::translate::Translation;
use crate::check::network::{Network, Port, network};
use crate::db::{Db, SourceFile, items};
use crate::verify::verdict::Counterexample;
use qnn_ir::Rational;
use qnn_ir::interpreter::interpret;
use qnn_ir::rational::{from_f64, integer};
use std::sync::Arc;

/// Numbers for the tensors of a query: of each network, of each tensor, of each element.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// The numbers.
    pub values: Vec<Vec<Vec<Rational>>>,
}

impl Assignment {
    /// The number of an element.
    pub fn get(&self, element: Element) -> Rational {
        let tensor = self.values.get(element.network).and_then(|tensors| tensors.get(element.tensor));
        tensor.and_then(|tensor| tensor.get(element.index)).cloned().unwrap_or_default()
    }
}

/// Why a counterexample is no assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAssignment {
    /// No float that was tried becomes the integers and meets the query.
    NoFloat,
    /// It does not fit, or does not meet the query: something is broken.
    Broken(String),
}

/// The most disjuncts whose bounds are tried for floats.
const MAX_DISJUNCTS: usize = 256;

/// The assignment of a counterexample, evaluated again.
///
/// # Errors
/// If it is none.
pub fn assignment(
    db: &dyn Db,
    file: SourceFile,
    query: &Query,
    models: &[Model],
    translation: &Translation,
    found: &Counterexample,
) -> Result<Assignment, NoAssignment> {
    let networks: Vec<(Arc<Network>, Vec<Vec<i128>>)> = (0..query.networks.len())
        .map(|index| evaluated(db, file, query, models, translation, found, index))
        .collect::<Result<_, _>>()
        .map_err(|why| NoAssignment::Broken(why.to_owned()))?;
    let quantized = |model: &Model| model.ports.iter().any(|port| matches!(port.meaning, Meaning::Quantized(_)));
    let quantized = models.iter().any(quantized);
    // Floats that become the integers are chosen within the bounds that all assertions demand, then also within those of a disjunct.
    let disjuncts = query.assertions.iter().flat_map(|assertion| match assertion {
        Formula::Or(parts) => parts.as_slice(),
        _ => &[],
    });
    let choices = disjuncts.take(if quantized { MAX_DISJUNCTS } else { 0 }).map(Some);
    for choice in std::iter::once(None).chain(choices) {
        let numbers = |(index, (network, nodes)): (usize, &(Arc<Network>, Vec<Vec<i128>>))| {
            numbers(query, &models[index], index, network, nodes, choice)
        };
        let Some(values) = networks.iter().enumerate().map(numbers).collect::<Option<Vec<_>>>() else { continue };
        let assignment = Assignment { values };
        if query.holds(&|element| assignment.get(element)) {
            return Ok(assignment);
        }
    }
    match quantized {
        true => Err(NoAssignment::NoFloat),
        false => Err(NoAssignment::Broken("the counterexample does not meet the query".to_owned())),
    }
}

/// A network of the query, and the integers of its nodes for a counterexample.
fn evaluated(
    db: &dyn Db,
    file: SourceFile,
    query: &Query,
    models: &[Model],
    translation: &Translation,
    found: &Counterexample,
    index: usize,
) -> Result<(Arc<Network>, Vec<Vec<i128>>), &'static str> {
    let item = items(db, file).iter().copied().find(|item| item.name(db) == translation.networks[index]);
    let outcome = item.map(|item| network(db, item, Vec::new()));
    let network = outcome.and_then(|outcome| outcome.value.clone());
    let network = network.ok_or("a network of the translation is not there")?;
    let declared = &query.networks[index];
    let mut inputs: Vec<Vec<i128>> = Vec::new();
    for (place, port) in network.inputs.iter().enumerate() {
        let is_own = |(tensor, _): &(usize, &Tensor)| models[index].ports[*tensor].place == Some(place);
        let name = declared.of(Role::Input).find(is_own).map(|(tensor, _)| &translation.tensors[index][tensor]);
        let variable = found.variables.iter().find(|variable| Some(&variable.name) == name);
        let raw = &variable.ok_or("a variable has no value")?.numbers.raw;
        inputs.push(raw.iter().enumerate().map(|(i, n)| n - port.raw(i, 0)).collect());
    }
    let nodes = interpret(&network.graph, &inputs).map_err(|_| "a network leaves 128 bits")?;
    Ok((network, nodes))
}

/// The numbers of a network's tensors.
fn numbers(
    query: &Query,
    model: &Model,
    index: usize,
    network: &Arc<Network>,
    nodes: &[Vec<i128>],
    choice: Option<&Formula>,
) -> Option<Vec<Vec<Rational>>> {
    let declared = query.networks[index].tensors.iter().zip(&model.ports).enumerate();
    let of_tensor = |(tensor, (declared, own)): (usize, (&Tensor, &super::model::Port))| {
        let port = node_of(network, declared.role, own.place, &own.name)?;
        let number = |(i, n): (usize, &i128)| match &own.meaning {
            Meaning::Value => Some(port.value(i, *n)),
            Meaning::Integer { scale, zero } => Some(port.value(i, *n) / scale + integer(i128::from(*zero))),
            Meaning::Quantized(quantizer) => {
                let raw = i64::try_from(port.raw(i, *n)).ok()?;
                float(query, quantizer, Element { network: index, tensor, index: i }, raw, choice)
            }
        };
        nodes.get(port.node.index())?.iter().enumerate().map(number).collect::<Option<Vec<_>>>()
    };
    declared.map(of_tensor).collect()
}

/// The node of a tensor.
fn node_of<'a>(network: &'a Arc<Network>, role: Role, place: Option<usize>, name: &str) -> Option<&'a Port> {
    match (role, place) {
        (Role::Input, Some(place)) => network.inputs.get(place),
        (Role::Output, Some(0)) => Some(&network.output),
        (Role::Output, Some(place)) => network.more_outputs.get(place - 1),
        _ => network.layers.iter().map(|layer| &layer.port).find(|port| *port.name == *name),
    }
}

/// A float that becomes the integer, within the bounds that the query demands of the element, and a disjunct.
fn float(
    query: &Query,
    quantizer: &Quantizer,
    element: Element,
    integer: i64,
    choice: Option<&Formula>,
) -> Option<Rational> {
    let mut bounds = Bounds::default();
    query.assertions.iter().chain(choice).for_each(|formula| bounds.meet(formula, element));
    from_f64(f64::from(quantizer.float(integer, bounds.lo.as_ref(), bounds.hi.as_ref())?))
}
