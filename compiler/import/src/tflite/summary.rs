//! What a TFLite file holds, for hovers and first specs.

use super::model::{self, Model};
use crate::{Described, ImportError, Kernel, ModelSummary};

/// Describes a file.
///
/// # Errors
/// A file that can't be read.
pub(crate) fn summary(bytes: &[u8]) -> Result<ModelSummary, ImportError> {
    let model = model::read(bytes)?;
    let mut operators: Vec<(String, usize)> = Vec::new();
    for operator in &model.operators {
        match operators.iter_mut().find(|(name, _)| name == operator.name()) {
            Some((_, count)) => *count += 1,
            None => operators.push((operator.name().to_string(), 1)),
        }
    }
    Ok(ModelSummary {
        inputs: described(&model, &model.inputs),
        outputs: described(&model, &model.outputs),
        operators,
        kernels: Kernel::for_extension("tflite").collect(),
    })
}

fn described(model: &Model<'_>, tensors: &[usize]) -> Vec<Described> {
    let tensors = tensors.iter().map(|tensor| &model.tensors[*tensor]);
    let size = |(size, open): (&usize, &bool)| (!open).then_some(*size);
    tensors
        .map(|tensor| Described {
            name: tensor.name.clone(),
            element: tensor.element.name().to_string(),
            shape: tensor.shape.iter().zip(&tensor.open).map(size).collect(),
            storage: tensor.storage(),
        })
        .collect()
}
