//! The builder of a network: nodes with axes and scales, layer by layer. It knows no trees: only places to point at.

use super::super::constant::{Constant, Evaluator};
use super::super::data::{ConstantTensor, ParamsFile, PerElement, scales, zeros};
use super::super::types::{Shape, count, show_shape};
use super::super::{Checked, at};
use super::ops::{Clamped, Curve};
use super::{Layer, Network, Parameters, Port};
use crate::db::Db;
use crate::diagnostic::{Diagnostic, Place};
use crate::number_format::Format;
use qnn_ir::Rational;
use qnn_ir::interrupt::work;
use qnn_ir::range::node_ranges;
use qnn_ir::real::NUMBER;
use qnn_ir::{Graph, Interval, NodeId, Op, RealGraph};
use qnn_syntax::Span;
use std::sync::Arc;

/// The largest magnitude of an integer anywhere in a network: leaves room for the products of a threshold's computation.
pub(super) const LIMIT: i128 = 1 << 100;

/// The most operations of a network, those of the networks that it calls included.
pub(super) const MAX_NODES: usize = 10_000;

/// The most numbers that all operations of a network compute.
pub(super) const MAX_NETWORK_ELEMENTS: usize = 1 << 24;

/// A tensor of the network: a node with axes and a scale.
#[derive(Clone, Debug)]
pub(super) struct NetTensor {
    pub(super) node: NodeId,
    pub(super) shape: Shape,
    pub(super) scale: PerElement<Rational>,
    /// Stored in this format, or exact.
    pub(super) format: Option<Format>,
}

impl NetTensor {
    /// The number of elements.
    pub(super) fn len(&self) -> usize {
        count(&self.shape)
    }
}

/// What an expression in a network's body can be.
#[derive(Clone)]
pub(super) enum NetValue {
    /// A tensor that depends on the inputs.
    Tensor(NetTensor),
    /// A tensor of parameters or literals.
    ConstantTensor(ConstantTensor),
    /// A function of a stored tensor, before a cast rounds it.
    Curve(Curve),
    /// A tensor between two ends that its integers can't hold, before a cast rounds it.
    Clamped(Clamped),
    /// A constant.
    Constant(Constant),
    /// A `params` file or a group of its tensors by prefix.
    Group(Arc<ParamsFile>, String),
}

impl NetValue {
    pub(super) fn kind(&self) -> String {
        match self {
            NetValue::Tensor(_) => "a tensor of the network".to_owned(),
            NetValue::Curve(_) | NetValue::Clamped(_) => "a function that no cast has rounded yet".to_owned(),
            NetValue::ConstantTensor(_) => "a tensor of constants".to_owned(),
            NetValue::Constant(c) => c.kind().to_owned(),
            NetValue::Group(..) => "a group of parameters".to_owned(),
        }
    }
}

/// The operations of a real-valued reading while it is made.
#[derive(Debug)]
pub(super) struct Real {
    pub(super) graph: RealGraph,
    /// For each node, whether it is plain that no element is negative.
    pub(super) positive: Vec<bool>,
    /// The network as it computes.
    pub(super) quantized: Arc<Network>,
}

pub(super) struct Builder<'a> {
    pub(super) evaluator: Evaluator<'a>,
    pub(super) graph: Graph,
    pub(super) ranges: Vec<Vec<Interval>>,
    pub(super) locals: Vec<(Arc<str>, NetValue)>,
    pub(super) layers: Vec<Layer>,
    pub(super) files: Vec<String>,
    pub(super) name: Arc<str>,
    /// The elements of all nodes together.
    pub(super) elements: usize,
    /// In a real-valued reading: its operations. `graph` is then empty, every scale is 1, and nodes are indices into this.
    pub(super) real: Option<Real>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(evaluator: Evaluator<'a>, name: Arc<str>) -> Builder<'a> {
        Builder {
            evaluator,
            graph: Graph::new(),
            ranges: Vec::new(),
            locals: Vec::new(),
            layers: Vec::new(),
            files: Vec::new(),
            name,
            elements: 0,
            real: None,
        }
    }
}

impl Builder<'_> {
    /// A tensor of a parameter file.
    pub(super) fn parameter(&self, file: &ParamsFile, name: &str, used: Place) -> Checked<ConstantTensor> {
        match self.real {
            Some(_) => file.real(self.evaluator.context, name, used),
            None => file.tensor(self.evaluator.context, name, used),
        }
    }

    pub(super) fn place(&self, span: Span) -> Place {
        at(self.evaluator.item, span)
    }

    /// Evaluates constants; the body's own names are known.
    pub(super) fn constants<T>(&self, f: impl FnOnce(&Evaluator<'_>) -> T) -> T {
        let locals = |name: &str| match self.locals.iter().rev().find(|(known, _)| &**known == name) {
            Some((_, NetValue::Constant(value))) => Some(Ok(value.clone())),
            Some((_, other)) => Some(Err(other.kind())),
            None => (self.evaluator.locals)(name),
        };
        f(&Evaluator { context: self.evaluator.context, item: self.evaluator.item, locals: &locals })
    }

    pub(super) fn db(&self) -> &dyn Db {
        self.evaluator.context.db
    }

    pub(super) fn error<T>(
        &self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Checked<T> {
        self.evaluator.context.error(code, self.place(span), message, label)
    }

    pub(super) fn report<T>(&self, diagnostic: Diagnostic) -> Checked<T> {
        Err(self.evaluator.context.report(diagnostic))
    }

    pub(super) fn bind(&mut self, name: &Arc<str>, value: NetValue) {
        self.locals.push((name.clone(), value));
    }

    /// An input over its format's whole range, centred on the zero point.
    pub(super) fn input(&mut self, name: &Arc<str>, format: Format, shape: Shape, span: Span) -> Checked<NetTensor> {
        let len = count(&shape);
        self.grow(len, span)?;
        let zeros = zeros(&format, &shape);
        let (min, max) = (i128::from(format.min_raw()), i128::from(format.max_raw()));
        let node = self.graph.push_input(name.clone(), len);
        self.ranges.push(
            (0..len)
                .map(|i| {
                    work(1);
                    let zero = i128::from(*zeros.get(i));
                    Interval::new(min - zero, max - zero)
                })
                .collect(),
        );
        let scale = scales(&format, &shape);
        Ok(NetTensor { node, shape, scale, format: Some(format) })
    }

    pub(super) fn port(&self, name: &str, tensor: &NetTensor) -> Port {
        Port {
            name: name.into(),
            node: tensor.node,
            shape: tensor.shape.clone(),
            scale: tensor.scale.clone(),
            format: tensor.format.clone(),
        }
    }

    /// Counts the elements of another node; refuses networks that are too large.
    pub(super) fn grow(&mut self, len: usize, span: Span) -> Checked<()> {
        self.elements = self.elements.saturating_add(len);
        if self.elements <= MAX_NETWORK_ELEMENTS && self.graph.nodes.len() < MAX_NODES {
            return Ok(());
        }
        let limit = format!("more than {MAX_NODES} operations, or {MAX_NETWORK_ELEMENTS} numbers in all");
        self.error("E0313", span, "this network is too large", limit)
    }

    /// Appends a node, with its ranges; refuses integers that are too large to be exact.
    pub(super) fn push(&mut self, op: Op, span: Span) -> Checked<NodeId> {
        let id = self.graph.push(self.name.clone(), op);
        self.grow(self.graph.len(id), span)?;
        let ranges = node_ranges(&self.graph, id, &self.ranges);
        let element = match &ranges {
            Ok(ranges) => ranges.iter().position(|r| r.lo < -LIMIT || r.hi > LIMIT),
            Err(overflow) => Some(overflow.element),
        };
        match (element, ranges) {
            (None, Ok(ranges)) => {
                self.ranges.push(ranges);
                Ok(id)
            }
            (element, _) => {
                self.graph.nodes.pop();
                self.report(
                    Diagnostic::error(
                        "E0404",
                        "the integers here need more than 100 bits",
                        self.place(span),
                        format!("element {} can leave the range of exact arithmetic", element.unwrap_or(0)),
                    )
                    .note("Sums and products are exact until the next cast, so that every constant's digits add up.")
                    .help("cast earlier (`as Format`), or use constants with fewer digits"),
                )
            }
        }
    }

    /// The least and the greatest integer of a node, over all its elements.
    pub(super) fn range(&self, node: NodeId) -> Interval {
        let ranges = &self.ranges[node.index()];
        work(2 * ranges.len());
        let lo = ranges.iter().map(|r| r.lo).min().unwrap_or(0);
        let hi = ranges.iter().map(|r| r.hi).max().unwrap_or(0);
        Interval::new(lo, hi)
    }

    /// The least and the greatest integer that a port stores, over all its elements.
    pub(super) fn stored(&self, port: &Port) -> Interval {
        let ranges = || self.ranges[port.node.index()].iter().inspect(|_| work(NUMBER)).enumerate();
        let lo = ranges().map(|(i, r)| port.raw(i, r.lo)).min().unwrap_or(0);
        let hi = ranges().map(|(i, r)| port.raw(i, r.hi)).max().unwrap_or(0);
        Interval::new(lo, hi)
    }

    /// Records a layer.
    pub(super) fn layer(&mut self, operation: String, tensor: &NetTensor, parameters: Parameters, span: Span) {
        if self.real.is_some() {
            return;
        }
        let name = format!("#{}", self.layers.len() + 1);
        let port = self.port(&name, tensor);
        let layer = Layer {
            operation,
            parameters,
            range: self.range(tensor.node),
            stored: self.stored(&port),
            accumulator: None,
            port,
            place: self.place(span),
        };
        self.layers.push(layer);
    }

    /// Calls the layer that computed a node by the name of its `let`.
    pub(super) fn name_layer(&mut self, node: NodeId, name: &str) {
        if let Some(layer) = self.layers.iter_mut().rev().find(|layer| layer.port.node == node) {
            layer.port.name = name.into();
        }
    }

    pub(super) fn type_text(&self, tensor: &NetTensor) -> String {
        match &tensor.format {
            Some(format) => format!("{format}{}", show_shape(self.db(), &tensor.shape)),
            None => format!("acc<{}>{}", self.range(tensor.node).signed_width(), show_shape(self.db(), &tensor.shape)),
        }
    }
}
