//! Networks of model files: what an import yields, as a network like those that specs define.

use super::super::constant::{Constant, Evaluator};
use super::super::types::{Import, imported_format, imported_shape};
use super::super::{Checked, Context, Reported, at};
use super::{Layer, Network, Parameters, Port, float, instance_name};
use crate::check::data::{PerElement, zero};
use crate::db::ItemId;
use qnn_import::{ImportedTensor, Kernel};
use qnn_ir::Interval;
use qnn_syntax::ast::ImportItem;

/// The network that an import declares.
pub(super) fn build(
    context: &Context<'_>,
    item: ItemId,
    declaration: &ImportItem,
    generics: &[i128],
) -> Checked<Network> {
    if generics.len() != declaration.generics.len() {
        return Err(Reported);
    }
    let locals = |name: &str| {
        let index = declaration.generics.iter().position(|g| &*g.text == name)?;
        Some(Ok(Constant::int(generics[index])))
    };
    let evaluator = Evaluator { context, item, locals: &locals };
    let (imported, kernel) = match evaluator.import(declaration)? {
        Import::Deployed(imported, kernel) => (imported, kernel),
        Import::Float(import) => {
            let name = instance_name(&declaration.name, &declaration.generics, generics);
            return float::build(evaluator, declaration, &import, name);
        }
    };
    let place = at(item, declaration.file.span);
    let layers = imported.layers.iter().map(|layer| {
        let port = port(&layer.tensor, kernel);
        let ranges = &imported.ranges[port.node.index()];
        Layer {
            operation: layer.operation.clone(),
            parameters: Parameters { count: layer.parameters, saturated: 0, bits: layer.parameter_bits },
            range: hull(ranges.iter().copied()),
            stored: hull(ranges.iter().enumerate().map(|(i, range)| {
                let zero = port.format.as_ref().map_or(0, |format| i128::from(zero(format, &port.shape, i)));
                Interval::new(range.lo + zero, range.hi + zero)
            })),
            accumulator: layer.accumulator,
            port,
            place,
        }
    });
    let mut outputs = imported.outputs.iter().map(|tensor| port(tensor, kernel));
    let Some(output) = outputs.next() else {
        return context.error("E0510", place, format!("`{}` has no outputs", declaration.file.text), "this file");
    };
    Ok(Network {
        name: instance_name(&declaration.name, &declaration.generics, generics),
        inputs: imported.inputs.iter().map(|tensor| port(tensor, kernel)).collect(),
        output,
        more_outputs: outputs.collect(),
        layers: layers.collect(),
        ranges: imported.ranges.clone(),
        graph: imported.graph.clone(),
        files: vec![declaration.file.text.to_string()],
        kernel: Some(kernel),
        notes: imported.notes.clone(),
        real: None,
    })
}

fn port(tensor: &ImportedTensor, kernel: Kernel) -> Port {
    Port {
        name: tensor.name.clone(),
        node: tensor.node,
        shape: imported_shape(&tensor.shape),
        scale: match tensor.scale.as_slice() {
            [scale] => PerElement::All(scale.clone()),
            scales => PerElement::from_each(scales.to_vec()),
        },
        format: tensor.storage.as_ref().map(|storage| imported_format(storage, kernel)),
    }
}

fn hull(ranges: impl Iterator<Item = Interval>) -> Interval {
    ranges.reduce(|a, b| Interval::new(a.lo.min(b.lo), a.hi.max(b.hi))).unwrap_or(Interval::new(0, 0))
}
