//! A file as a list of operators and known tensors.
//!
//! In: the bytes of a file. Out: a [`Model`]: operators in the file's order, initializers by name, inputs and outputs with their types. Nothing here knows
//! what an operator computes.

use super::proto::{AttributeProto, ModelProto, NodeProto, ValueInfoProto};
use super::tensor::{Element, Tensor};
use crate::ImportError;
use prost::Message;
use prost::bytes::Bytes;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The most operators of a file.
const MAX_OPERATORS: usize = 10_000;

/// An operator of the file.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Its place in the file.
    pub(super) index: usize,
    /// `Conv`, `QLinearConv`.
    pub(super) operation: String,
    /// The domain; empty for ONNX's own operators.
    pub(super) domain: String,
    pub(super) name: String,
    /// Names of tensors; empty where an optional one is left out.
    pub(super) inputs: Vec<Arc<str>>,
    pub(super) outputs: Vec<Arc<str>>,
    attributes: Vec<AttributeProto>,
}

/// An input or an output of the file.
#[derive(Clone, Debug)]
pub(super) struct Port {
    pub(super) name: Arc<str>,
    pub(super) element: Option<Element>,
    /// The sizes of its axes; `None` where the file leaves one open.
    pub(super) shape: Option<Vec<Option<usize>>>,
}

/// A file.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) nodes: Vec<Node>,
    pub(super) initializers: HashMap<Arc<str>, Arc<Tensor>>,
    /// Those that no initializer gives.
    pub(super) inputs: Vec<Port>,
    pub(super) outputs: Vec<Port>,
}

impl Model {
    /// Reads a file.
    ///
    /// # Errors
    /// What is no ONNX file, and initializers that can't be read.
    pub(super) fn read(bytes: &[u8]) -> Result<Model, ImportError> {
        let model = ModelProto::decode(Bytes::copy_from_slice(bytes))
            .map_err(|error| ImportError::new(format!("this is no ONNX file: {error}")))?;
        let graph = model.graph.ok_or_else(|| ImportError::new("this is no ONNX file: it holds no graph"))?;
        if graph.node.len() > MAX_OPERATORS {
            return Err(ImportError::new(format!("the file has more than {MAX_OPERATORS} operators")));
        }
        let mut initializers = HashMap::new();
        for proto in &graph.initializer {
            let name: Arc<str> = proto.name.clone().unwrap_or_default().into();
            initializers.insert(name, Arc::new(Tensor::read(proto)?));
        }
        let mut names: HashSet<&str> = initializers.keys().map(|name: &Arc<str>| &**name).collect();
        for name in graph.node.iter().flat_map(|node| &node.output).filter(|name| !name.is_empty()) {
            if !names.insert(name) {
                return Err(ImportError::new(format!("the file computes the tensor `{name}` twice")));
            }
        }
        let inputs =
            graph.input.into_iter().map(Port::of).filter(|port| !initializers.contains_key(&port.name)).collect();
        Ok(Model {
            nodes: graph.node.into_iter().enumerate().map(|(index, node)| Node::of(index, node)).collect(),
            initializers,
            inputs,
            outputs: graph.output.into_iter().map(Port::of).collect(),
        })
    }
}

impl Port {
    fn of(info: ValueInfoProto) -> Port {
        let tensor = info.r#type.and_then(|t| t.tensor_type);
        let element = tensor.as_ref().and_then(|t| Element::of(t.elem_type.unwrap_or(0)));
        let shape = tensor.and_then(|t| t.shape).map(|shape| {
            let size = |d: &super::proto::tensor_shape_proto::Dimension| match d.dim_value {
                Some(n) if n > 0 => usize::try_from(n).ok(),
                _ => None,
            };
            shape.dim.iter().map(size).collect()
        });
        Port { name: info.name.unwrap_or_default().into(), element, shape }
    }
}

impl Node {
    fn of(index: usize, proto: NodeProto) -> Node {
        let domain = proto.domain.unwrap_or_default();
        Node {
            index,
            operation: proto.op_type.unwrap_or_default(),
            domain: if domain == "ai.onnx" { String::new() } else { domain },
            name: proto.name.unwrap_or_default(),
            inputs: proto.input.into_iter().map(Arc::from).collect(),
            outputs: proto.output.into_iter().map(Arc::from).collect(),
            attributes: proto.attribute,
        }
    }

    /// The operator as a person finds it in the file.
    pub(super) fn described(&self) -> String {
        let tensor = self.outputs.first().map_or("", |name| name);
        let name = if self.name.is_empty() { tensor } else { &self.name };
        format!("operator {} ({}, \"{name}\")", self.index, self.operation)
    }

    /// An input that is there.
    pub(super) fn input(&self, index: usize) -> Option<&Arc<str>> {
        self.inputs.get(index).filter(|name| !name.is_empty())
    }

    fn attribute(&self, name: &str) -> Option<&AttributeProto> {
        self.attributes.iter().find(|a| a.name.as_deref() == Some(name))
    }

    pub(super) fn int(&self, name: &str) -> Option<i64> {
        self.attribute(name)?.i
    }

    pub(super) fn float(&self, name: &str) -> Option<f32> {
        self.attribute(name)?.f
    }

    pub(super) fn ints(&self, name: &str) -> Option<&[i64]> {
        self.attribute(name).map(|a| a.ints.as_slice())
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.attribute(name)?.s.as_deref()?).ok()
    }

    /// The value of a `Constant`.
    pub(super) fn constant(&self) -> Result<Tensor, ImportError> {
        if let Some(proto) = self.attribute("value").and_then(|a| a.t.as_ref()) {
            return Tensor::read(proto);
        }
        if let Some(value) = self.float("value_float") {
            return Ok(Tensor::floats(Vec::new(), vec![value]));
        }
        if let Some(value) = self.int("value_int") {
            return Ok(Tensor::integers(Vec::new(), Element::Int64, vec![value]));
        }
        if let Some(attribute) = self.attribute("value_floats") {
            return Ok(Tensor::floats(vec![attribute.floats.len()], attribute.floats.clone()));
        }
        if let Some(ints) = self.ints("value_ints") {
            return Ok(Tensor::integers(vec![ints.len()], Element::Int64, ints.to_vec()));
        }
        Err(ImportError::new("its value is not a tensor of numbers"))
    }

    /// The value of `ConstantOfShape`'s elements.
    pub(super) fn filling(&self) -> Result<Tensor, ImportError> {
        match self.attribute("value").and_then(|a| a.t.as_ref()) {
            Some(proto) => Tensor::read(proto),
            None => Ok(Tensor::floats(vec![1], vec![0.0])),
        }
    }
}
