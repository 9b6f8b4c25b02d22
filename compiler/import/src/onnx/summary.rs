//! What a file holds, whatever kernel runs it.

use super::lowering::storage;
use super::model::{Model, Port};
use crate::{Described, Kernel, ModelSummary, Options};
use qnn_ir::rational::from_f64;

/// Inputs, outputs, operators, and the kernels that suit them.
pub(super) fn of(model: &Model) -> ModelSummary {
    let options = Options { kernel: Kernel::Ort, inputs: Vec::new(), until: None };
    let lowering = super::Lowering::new(model, &options);
    let described = |port: &Port| {
        let element = port.element;
        let float = element.is_some_and(|e| e.is_float());
        let quantizer = if float {
            super::ort::quantizer_of(&lowering, &port.name)
        } else {
            super::ort::scale_of(&lowering, &port.name).zip(element).map(|((scale, zero), e)| (e, zero, scale))
        };
        let storage = quantizer.and_then(|(e, zero, scale)| Some(storage(e, from_f64(f64::from(scale))?, zero)));
        let name = element.map_or("unknown", |e| e.name()).to_owned();
        Described { name: port.name.clone(), element: name, shape: port.shape.clone().unwrap_or_default(), storage }
    };
    let mut operators: Vec<(String, usize)> = Vec::new();
    for node in &model.nodes {
        match operators.iter_mut().find(|(name, _)| *name == node.operation) {
            Some((_, count)) => *count += 1,
            None => operators.push((node.operation.clone(), 1)),
        }
    }
    let qonnx = model.nodes.iter().any(super::qonnx::is_own);
    let kernels = if qonnx { vec![Kernel::Qonnx] } else { vec![Kernel::Ort, Kernel::Qonnx] };
    ModelSummary {
        inputs: model.inputs.iter().map(described).collect(),
        outputs: model.outputs.iter().map(described).collect(),
        operators,
        kernels,
    }
}
