//! Float networks: their structure.
//!
//! In: a [`Model`]. Out: a [`FloatNetwork`]. A tensor is a node of a graph here whose operation is kept beside it, so that the operators that move elements
//! are those of the other kernels: a node is an input (whatever is computed), a constant or a gathering.

use super::lowering::Lowering;
use super::model::{Model, Node};
use super::ort::left_out;
use super::shape::{broadcast, stretched};
use super::tensor::{Element, Tensor};
use super::value::{Stored, Value};
use super::{linear, movement, ort, pointwise, shape};
use crate::float::{FloatNetwork, FloatOperation, FloatTensor};
use crate::{ImportError, Kernel, Options};
use qnn_ir::{Interval, NodeId, Op};
use std::collections::HashMap;
use std::sync::Arc;

/// A float network under construction.
struct Network<'a> {
    lowering: Lowering<'a>,
    /// For each node that is computed, its operator, shape and operation.
    computed: HashMap<usize, (String, Vec<usize>, FloatOperation)>,
}

/// The structure of a float network.
pub(super) fn network(model: &Model, until: Option<&str>) -> Result<FloatNetwork, ImportError> {
    let options = Options { kernel: Kernel::Qonnx, inputs: Vec::new(), until: None };
    let mut network = Network { lowering: Lowering::new(model, &options), computed: HashMap::new() };
    let mut inputs = Vec::new();
    for port in &model.inputs {
        let fail = |reason: &str| ImportError::new(format!("the input `{}` {reason}", port.name));
        if port.element != Some(Element::Float) {
            return Err(fail("is not of floats of 32 bits").help("a quantized file is imported with a kernel"));
        }
        let shape = super::shape(port)?;
        let node = network.push(&port.name, "Input", shape.clone(), FloatOperation::Input)?;
        inputs.push(node.index());
        network.lowering.bind(&port.name, stored(node, shape));
    }
    for node in &model.nodes {
        if until.is_some_and(|until| matches!(network.lowering.value(until), Some(Value::Stored(_)))) {
            break;
        }
        network.lower(node).map_err(|error| error.of(|| node.described()))?;
        if network.lowering.known() > super::MAX_KNOWN {
            return Err(ImportError::new("the file computes too many known numbers").of(|| node.described()));
        }
    }
    let names: Vec<Arc<str>> = match until {
        Some(until) => vec![until.into()],
        None => model.outputs.iter().map(|port| port.name.clone()).collect(),
    };
    let mut outputs = Vec::new();
    for name in names {
        let mut value = network.lowering.value(&name);
        while let Some(Value::LeftOut(inner)) = value {
            value = Some(inner);
        }
        match value {
            Some(Value::Stored(stored)) => {
                let stored = stored.clone();
                let index = network.output(&name, &stored)?;
                if !outputs.contains(&index) {
                    outputs.push(index);
                }
            }
            Some(_) => return Err(ImportError::new(format!("the output `{name}` is a known tensor"))),
            None => return Err(ImportError::new(format!("the file computes no tensor `{name}`"))),
        }
    }
    Ok(network.finish(inputs, outputs))
}

fn stored(node: NodeId, shape: Vec<usize>) -> Value {
    Value::Stored(Stored { node, shape, element: Element::Float, zero: 0, scale: None })
}

impl Network<'_> {
    fn push(
        &mut self,
        name: &str,
        operator: &str,
        shape: Vec<usize>,
        operation: FloatOperation,
    ) -> Result<NodeId, ImportError> {
        let len = shape.iter().product();
        let node = self.lowering.builder.input(name, len, Interval::new(0, 0))?;
        self.computed.insert(node.index(), (operator.to_owned(), shape, operation));
        Ok(node)
    }

    /// A tensor of the name and the shape of an output: its node, or a copy of what has been reshaped only.
    fn output(&mut self, name: &str, stored: &Stored) -> Result<usize, ImportError> {
        let index = stored.node.index();
        if self.computed.get(&index).is_some_and(|(operator, shape, _)| operator != "Input" && *shape == stored.shape) {
            return Ok(index);
        }
        let picks: Arc<[(NodeId, u32)]> =
            (0..self.lowering.builder.graph.len(stored.node)).map(|i| (stored.node, i as u32)).collect();
        self.lowering.builder.grow(picks.len())?;
        let copy = self.lowering.builder.push(name, Op::Gather { picks })?;
        self.lowering.bind(&name.into(), Value::Stored(Stored { node: copy, ..stored.clone() }));
        Ok(copy.index())
    }

    /// Binds a node's first output.
    fn define(&mut self, node: &Node, shape: Vec<usize>, operation: FloatOperation) -> Result<(), ImportError> {
        let name = node.outputs.first().cloned().unwrap_or_default();
        let id = self.push(&name, &node.operation, shape.clone(), operation)?;
        self.lowering.define(node, 0, stored(id, shape));
        Ok(())
    }

    /// An input that is computed: its node and its shape.
    fn source(&self, node: &Node, index: usize) -> Result<(usize, Vec<usize>), ImportError> {
        match self.lowering.input(node, index)? {
            Value::Stored(stored) => Ok((stored.node.index(), stored.shape)),
            _ => Err(ImportError::new(format!("its input {index} is known, where a computed tensor is expected"))),
        }
    }

    fn lower(&mut self, node: &Node) -> Result<(), ImportError> {
        if left_out(&mut self.lowering, node)? || movement::lower(&mut self.lowering, node)? {
            return Ok(());
        }
        if !node.domain.is_empty() {
            return Err(ImportError::new(format!("the domain `{}` has no float operators", node.domain)));
        }
        let values: Vec<Value> = (0..node.inputs.len())
            .filter_map(|i| self.lowering.optional(node, i).transpose())
            .collect::<Result<_, _>>()?;
        if values.iter().all(|value| matches!(value, Value::Constant(_))) {
            return pointwise::lower(&mut self.lowering, node);
        }
        let one = |operation: fn(usize) -> FloatOperation, network: &mut Self| {
            let (source, shape) = network.source(node, 0)?;
            network.define(node, shape, operation(source))
        };
        match node.operation.as_str() {
            "Conv" | "Gemm" | "MatMul" => self.sums(node),
            "Relu" => one(|source| FloatOperation::Clamp { source, lo: Some(0.0), hi: None }, self),
            "Sigmoid" => one(FloatOperation::Sigmoid, self),
            "Tanh" => one(FloatOperation::Tanh, self),
            "LeakyRelu" => {
                let super::value::Link::Leaky(alpha) = pointwise::leaky(node)? else { return Ok(()) };
                let (source, shape) = self.source(node, 0)?;
                self.define(node, shape, FloatOperation::LeakyRelu { source, alpha: *alpha.at(0) })
            }
            "Clip" => {
                let (lo, hi) = pointwise::clip_limits(&self.lowering, node)?;
                if [lo, hi].into_iter().flatten().any(f32::is_nan)
                    || lo == Some(f32::INFINITY)
                    || hi == Some(f32::NEG_INFINITY)
                {
                    return Err(ImportError::new("one of its limits is no number"));
                }
                if let (Some(lo), Some(hi)) = (lo, hi)
                    && lo > hi
                {
                    return Err(ImportError::new(format!("its least value {lo} is greater than its greatest, {hi}")));
                }
                // An infinite limit is none.
                let (lo, hi) = (lo.filter(|lo| lo.is_finite()), hi.filter(|hi| hi.is_finite()));
                let (source, shape) = self.source(node, 0)?;
                self.define(node, shape, FloatOperation::Clamp { source, lo, hi })
            }
            "BatchNormalization" => {
                let (source, shape) = self.source(node, 0)?;
                let [scale, offset, mean, variance] = pointwise::statistics(&self.lowering, node, &shape)?;
                let epsilon = node.float("epsilon").unwrap_or(1e-5);
                let sum = |v: &f32| f64::from(*v) + f64::from(epsilon);
                let finite = [&scale, &offset, &mean, &variance].iter().all(|list| list.iter().all(|v| v.is_finite()));
                if !finite || !variance.iter().all(|v| sum(v) > 0.0 && sum(v).is_finite()) {
                    return Err(ImportError::new(
                        "its parameters are not finite, or a variance and `epsilon` are no positive number together",
                    ));
                }
                let channels = linear::along(&shape, 1).into_iter().map(|c| c as u32).collect();
                let [scale, offset, mean, variance] = [scale, offset, mean, variance].map(Arc::from);
                let operation = FloatOperation::Normalize { source, channels, scale, offset, mean, variance, epsilon };
                self.define(node, shape, operation)
            }
            "Add" | "Sub" | "Mul" | "Div" | "Neg" => self.arithmetic(node, &values),
            "MaxPool" | "AveragePool" | "GlobalAveragePool" => self.pool(node),
            operation => {
                Err(ImportError::new(format!("the operator `{operation}` is not supported in float networks")))
            }
        }
    }

    fn sums(&mut self, node: &Node) -> Result<(), ImportError> {
        let swapped = node.operation == "MatMul" && matches!(self.lowering.input(node, 0)?, Value::Constant(_));
        let (at, of) = if swapped { (1, 0) } else { (0, 1) };
        let (source, from) = self.source(node, at)?;
        let weights = self.lowering.floats(node, of)?;
        let weights_shape = self.lowering.constant(node, of)?.shape.clone();
        let transposed = (node.int("transA").unwrap_or(0) != 0, node.int("transB").unwrap_or(0) != 0);
        let layer = match (node.operation.as_str(), swapped) {
            ("Conv", _) => linear::convolution(node, &from, &weights_shape)?,
            ("Gemm", _) => linear::gemm(&from, &weights_shape, transposed)?,
            (_, false) => linear::matrix_product(&from, &weights_shape, false)?,
            (_, true) => linear::matrix_product(&weights_shape, &from, true)?,
        };
        let (alpha, beta) = (node.float("alpha").unwrap_or(1.0), node.float("beta").unwrap_or(1.0));
        if node.operation == "Gemm" && (alpha != 1.0 || beta != 1.0) {
            return Err(ImportError::new("its attributes `alpha` and `beta` are not 1"));
        }
        let bias = match node.operation != "MatMul" && node.input(2).is_some() {
            true => Some(self.bias(node, &layer)?),
            false => None,
        };
        let linear::Linear { shape, taps, channels, .. } = layer;
        let weights = weights.into();
        self.define(node, shape, FloatOperation::Sums { source, taps, weights, weights_shape, channels, bias })
    }

    /// One number for each channel.
    fn bias(&self, node: &Node, layer: &linear::Linear) -> Result<Arc<[f32]>, ImportError> {
        let floats = self.lowering.floats(node, 2)?;
        let tensor: Arc<Tensor> = self.lowering.constant(node, 2)?;
        let channels = layer.channels.iter().max().map_or(0, |c| *c as usize + 1);
        match floats.as_slice() {
            [one] => Ok(vec![*one; channels].into()),
            list if list.len() == channels && tensor.shape.last() == Some(&channels) => Ok(floats.into()),
            _ => Err(ImportError::new("its bias is not one number for each channel")),
        }
    }

    fn arithmetic(&mut self, node: &Node, values: &[Value]) -> Result<(), ImportError> {
        let operation = node.operation.as_str();
        if operation == "Neg" {
            let (source, shape) = self.source(node, 0)?;
            let (factors, offsets) = (Arc::from([-1.0]), Arc::from([0.0]));
            return self.define(node, shape, FloatOperation::Scale { source, factors, offsets });
        }
        let [left, right] = values else { return Err(ImportError::new("it has not two inputs")) };
        let shape = broadcast(left.shape(), right.shape())?;
        let (known, computed, swapped) = match (left, right) {
            (Value::Stored(_), Value::Stored(_)) => {
                let (a, b) = (self.stretch(node, 0, &shape)?, self.stretch(node, 1, &shape)?);
                let b = match operation {
                    "Add" => b,
                    "Sub" => {
                        let (factors, offsets) = (Arc::from([-1.0]), Arc::from([0.0]));
                        let negative = FloatOperation::Scale { source: b, factors, offsets };
                        self.push("", "Neg", shape.clone(), negative)?.index()
                    }
                    _ => {
                        return Err(ImportError::new(
                            "of two computed tensors, sums and differences alone are supported",
                        ));
                    }
                };
                return self.define(node, shape, FloatOperation::Add(a, b));
            }
            (_, Value::Constant(tensor)) => (tensor.clone(), 0, false),
            (Value::Constant(tensor), _) => (tensor.clone(), 1, true),
            _ => return Err(ImportError::new("its inputs are neither computed nor known")),
        };
        self.lowering.floats(node, 1 - computed)?;
        let floats = known.as_floats().unwrap_or_default();
        if floats.iter().any(|value| !value.is_finite()) {
            return Err(ImportError::new("one of its known numbers is not finite"));
        }
        let known: Vec<f32> = stretched(&known.shape, &shape).iter().map(|i| floats[*i]).collect();
        let source = self.stretch(node, computed, &shape)?;
        let (one, none) = (|| Arc::from([1.0f32]), || Arc::from([0.0f32]));
        let (factors, offsets): (Arc<[f32]>, Arc<[f32]>) = match (operation, swapped) {
            ("Add", _) => (one(), known.into()),
            ("Sub", false) => (one(), known.iter().map(|c| -c).collect()),
            ("Sub", true) => (Arc::from([-1.0f32]), known.into()),
            ("Mul", _) => (known.into(), none()),
            ("Div", false) if known.iter().all(|c| *c != 0.0) => {
                return self.define(node, shape, FloatOperation::Divide { source, divisors: known.into() });
            }
            ("Div", false) => return Err(ImportError::new("it divides by 0")),
            _ => {
                return Err(ImportError::new(
                    "a quotient is supported by known numbers alone, for others are not linear",
                ));
            }
        };
        self.define(node, shape, FloatOperation::Scale { source, factors, offsets })
    }

    /// An input, stretched to a shape.
    fn stretch(&mut self, node: &Node, index: usize, shape: &[usize]) -> Result<usize, ImportError> {
        let (source, from) = self.source(node, index)?;
        if from == shape {
            return Ok(source);
        }
        let id = NodeId(u32::try_from(source).map_err(|_| ImportError::new("the network is too large"))?);
        let picks = stretched(&from, shape).into_iter().map(|i| (id, i as u32)).collect();
        Ok(self.lowering.gathered("", picks)?.index())
    }

    fn pool(&mut self, node: &Node) -> Result<(), ImportError> {
        let (source, from) = self.source(node, 0)?;
        if node.operation == "MaxPool" && node.outputs.get(1).is_some_and(|name| !name.is_empty()) {
            return Err(ImportError::new("its second output, the indices, is not supported"));
        }
        let global = node.operation == "GlobalAveragePool";
        let space =
            from.get(2..).filter(|s| !s.is_empty()).ok_or_else(|| ImportError::new("its input has no spatial axes"))?;
        let kernel: Option<Vec<usize>> = match global {
            true => Some(space.to_vec()),
            false => node.ints("kernel_shape").unwrap_or_default().iter().map(|n| usize::try_from(*n).ok()).collect(),
        };
        let kernel = kernel.ok_or_else(|| ImportError::new("its attribute `kernel_shape` is negative"))?;
        let windows = shape::Windows::of(node, space, &kernel)?;
        let members = ort::members(&from, &windows)?;
        let shape = [&from[..2], windows.out.as_slice()].concat();
        if node.operation == "MaxPool" {
            return self.define(node, shape, FloatOperation::Max { source, windows: members });
        }
        let all = kernel.iter().product::<usize>() as u32;
        let padding = node.int("count_include_pad").unwrap_or(0) != 0;
        let cells = members.iter().map(|w| if padding { all } else { w.len() as u32 }).collect();
        self.define(node, shape, FloatOperation::Mean { source, windows: members, cells })
    }

    fn finish(self, inputs: Vec<usize>, outputs: Vec<usize>) -> FloatNetwork {
        let Network { lowering, mut computed } = self;
        let shapes: HashMap<usize, Vec<usize>> = lowering.shapes();
        let mut tensors = Vec::with_capacity(lowering.builder.graph.nodes.len());
        for (index, node) in lowering.builder.graph.nodes.iter().enumerate() {
            let flat = || shapes.get(&index).cloned().unwrap_or_else(|| vec![node.len]);
            let (operator, shape, operation) = match (&node.op, computed.remove(&index)) {
                (_, Some(computed)) => computed,
                (Op::Gather { picks }, None) => {
                    let picks = picks.iter().map(|(from, i)| (from.index(), *i)).collect();
                    ("Gather".to_owned(), flat(), FloatOperation::Gather(picks))
                }
                // What is padded.
                _ => ("Constant".to_owned(), vec![node.len], FloatOperation::Constant(vec![0.0; node.len].into())),
            };
            let shape = super::lowering::without_batch(&shape);
            // A constant is a part of a padded tensor, not the tensor.
            let name = if operator == "Constant" { Arc::from("") } else { node.name.clone() };
            tensors.push(FloatTensor { name, operator, shape, operation });
        }
        FloatNetwork { tensors, inputs, outputs, notes: lowering.notes }
    }
}
