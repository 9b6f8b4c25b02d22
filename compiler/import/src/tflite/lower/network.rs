//! The network of a file: which tensors are its inputs and outputs, and the operators on the way.

use super::Lowering;
use crate::tflite::model::{self, Element, Model, Operator};
use crate::{ImportError, ImportedNetwork, ImportedTensor, Options};
use std::collections::HashSet;
use std::sync::Arc;

/// The network of a TFLite file.
///
/// # Errors
/// A file that can't be read; an operator that is not known to be exact, by its place, name and reason.
pub(crate) fn import(bytes: &[u8], options: &Options) -> Result<ImportedNetwork, ImportError> {
    let model = model::read(bytes)?;
    if options.inputs.iter().len() > 0 {
        return Err(ImportError::new("a TFLite file says how its inputs are stored").help("leave out their formats"));
    }
    let outputs = outputs(&model, options.until.as_deref())?;
    let needed = needed(&model, &outputs);
    let mut lowering = Lowering::new(&model, options.kernel);
    lowering.note_stray_axes();
    let (inputs, ports) = lowering.ports(&needed)?;
    for (at, operator) in model.operators.iter().enumerate() {
        if needed.contains(&at) && !operator.outputs.iter().any(|output| ports.contains(output)) {
            lowering.operator(operator).map_err(|error| error.of(|| called(&model, at)))?;
        }
    }
    let outputs = outputs.iter().map(|output| lowering.port(*output)).collect::<Result<_, _>>()?;
    Ok(ImportedNetwork {
        graph: Arc::new(lowering.builder.graph),
        ranges: Arc::new(lowering.builder.ranges),
        inputs,
        outputs,
        layers: lowering.layers,
        notes: lowering.notes,
    })
}

/// An operator as a person finds it in the file.
fn called(model: &Model<'_>, at: usize) -> String {
    let Some(operator) = model.operators.get(at) else { return format!("operator {at}") };
    let name = operator.outputs.first().and_then(|output| model.tensors.get(*output)).map(|tensor| &*tensor.name);
    format!("operator {at} ({}, {:?})", operator.name(), name.unwrap_or_default())
}

/// The tensors that are the network's outputs.
fn outputs(model: &Model<'_>, until: Option<&str>) -> Result<Vec<usize>, ImportError> {
    let Some(until) = until else {
        if model.outputs.is_empty() {
            return Err(ImportError::new("the file's graph has no outputs"));
        }
        return Ok(model.outputs.clone());
    };
    let computed = || model.operators.iter().flat_map(|operator| operator.outputs.iter().copied());
    let named: Vec<usize> = computed().filter(|t| &*model.tensors[*t].name == until).collect();
    match named[..] {
        [tensor] => Ok(vec![tensor]),
        [] => {
            let names: Vec<String> = computed().take(8).map(|t| format!("{:?}", &*model.tensors[t].name)).collect();
            let more = if computed().nth(8).is_some() { ", …" } else { "" };
            Err(ImportError::new(format!("no operator of the file computes a tensor {until:?}"))
                .help(format!("its tensors are {}{more}", names.join(", "))))
        }
        _ => Err(ImportError::new(format!("the file has several tensors {until:?}"))),
    }
}

/// The operators that the outputs depend on. A shape that the file computes of its tensors' shapes alone, as converters write it for a batch of any
/// size, is what the file says of the reshaped tensor; the operators that compute it are not needed.
fn needed(model: &Model<'_>, outputs: &[usize]) -> HashSet<usize> {
    let of_shapes = computed_of_shapes(model);
    let mut tensors: HashSet<usize> = outputs.iter().copied().collect();
    let mut operators = HashSet::new();
    for (at, operator) in model.operators.iter().enumerate().rev() {
        if operator.outputs.iter().any(|output| tensors.contains(output)) {
            operators.insert(at);
            let is_shape = |(index, tensor): &(usize, usize)| {
                operator.name() == "RESHAPE" && *index == 1 && of_shapes.contains(tensor)
            };
            let inputs = operator.inputs.iter().enumerate().filter_map(|(index, tensor)| Some((index, (*tensor)?)));
            tensors.extend(inputs.filter(|input| !is_shape(input)).map(|(_, tensor)| tensor));
        }
    }
    operators
}

/// The tensors that depend on shapes of tensors and known numbers alone: what SHAPE yields, and what is computed of that.
fn computed_of_shapes(model: &Model<'_>) -> HashSet<usize> {
    let written: HashSet<usize> =
        model.operators.iter().flat_map(|operator| operator.outputs.iter().copied()).collect();
    let given = |tensor: &usize| written.contains(tensor) || model.inputs.contains(tensor);
    let mut found = HashSet::new();
    for operator in &model.operators {
        let known = |tensor: &usize| !given(tensor) || found.contains(tensor);
        let inputs = || operator.inputs.iter().flatten();
        if operator.name() == "SHAPE" || inputs().all(known) && inputs().any(|tensor| found.contains(tensor)) {
            found.extend(operator.outputs.iter().copied());
        }
    }
    found
}

impl<'m> Lowering<'m> {
    /// Appends the inputs. Those of floats are the integers that the file quantizes them to. Yields these tensors, too.
    fn ports(&mut self, needed: &HashSet<usize>) -> Result<(Vec<ImportedTensor>, HashSet<usize>), ImportError> {
        let mut inputs = Vec::new();
        let mut ports = HashSet::new();
        for input in &self.model.inputs {
            let mut port = *input;
            let tensor = &self.model.tensors[*input];
            if tensor.element == Element::Float32 {
                let readers: Vec<(usize, &Operator<'m>)> = self.model.operators.iter().enumerate().collect();
                let readers: Vec<_> = readers
                    .into_iter()
                    .filter(|(at, operator)| needed.contains(at) && operator.inputs.contains(&Some(*input)))
                    .collect();
                port = match readers[..] {
                    [(_, operator)] if operator.name() == "QUANTIZE" => {
                        let output = self.output_index(operator)?;
                        self.check_element(operator, self.model.tensors[output].element)?;
                        output
                    }
                    _ => {
                        let name = &tensor.name;
                        return Err(ImportError::new(format!(
                            "the input {name:?} is float32 and not quantized at once"
                        ))
                        .help("convert the model with full integer quantization"));
                    }
                };
            }
            if ports.contains(&port) || self.values.contains_key(&port) {
                return Err(ImportError::new("the graph lists an input twice"));
            }
            let name = &self.model.tensors[port].name;
            let described = || format!("input {name:?}");
            let mut value = self.value_of(port, qnn_ir::NodeId(0)).map_err(|error| error.of(described))?;
            let elements = value.shape.iter().product();
            value.node = self.builder.input(name, elements, value.centred())?;
            inputs.push(self.imported(port, &value));
            self.values.insert(port, value);
            if port != *input {
                ports.insert(port);
            }
        }
        Ok((inputs, ports))
    }

    /// An output of the network.
    fn port(&self, output: usize) -> Result<ImportedTensor, ImportError> {
        let source = self.left_out.get(&output).copied().unwrap_or(output);
        match self.values.get(&source) {
            Some(value) => Ok(self.imported(source, value)),
            None => {
                let name = &self.model.tensors[output].name;
                Err(ImportError::new(format!("no operator of the file computes the output {name:?}")))
            }
        }
    }
}
