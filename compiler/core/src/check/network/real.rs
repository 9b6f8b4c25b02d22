//! Real-valued readings: the same network with its files' numbers for weights and casts that change nothing.
//!
//! In: a network that is right as it is declared. Out: its operations over exact rationals, and the integer graph that encloses them.
//! `relu` and `clamp` are kept, rounding and saturation are not. What would silently change the function is refused: a cast whose lower end stands for a
//! ReLU, and one that wraps.

use super::super::data::ConstantTensor;
use super::super::types::{Shape, count};
use super::super::{Checked, Context, Outcome, Reported, at};
use super::builder::Real;
use super::{
    Builder, Evaluator, NetTensor, NetValue, Network, PerElement, Port, float, instance_name, instantiate, network,
};
use crate::check::constant::Constant;
use crate::check::scope::lookup;
use crate::db::{Db, ItemId, tree};
use crate::diagnostic::{Diagnostic, Place};
use crate::number_format::{Format, Overflow};
use num_traits::{One, Signed, Zero};
use qnn_ir::Rational;
use qnn_ir::interrupt::work;
use qnn_ir::obligation::exact::Reading;
use qnn_ir::real::{NUMBER, RealMatrix, RealOp, Row};
use qnn_ir::{Enclosure, Interval, NodeId, Op, RealGraph};
use qnn_syntax::Span;
use qnn_syntax::ast::{Call, ImportItem, ItemKind, Name};
use qnn_syntax::walk::Role;
use std::sync::Arc;

/// The real-valued reading of a network with its generics known; the network itself must be right.
#[salsa::tracked]
pub fn real_network(db: &dyn Db, item: ItemId, generics: Vec<i128>) -> Arc<Outcome<Arc<Network>>> {
    let context = Context::new(db);
    let quantized = network(db, item, generics.clone()).value.clone();
    let value = match (tree(db, item).as_deref().map(|t| &t.kind), quantized) {
        (Some(ItemKind::Network(declaration)), Some(quantized)) => {
            let (name, names) = (&declaration.name, &declaration.generics);
            let body = |builder: &mut Builder<'_>, inputs: Vec<NetTensor>| {
                declaration
                    .params
                    .iter()
                    .zip(inputs)
                    .for_each(|(p, tensor)| builder.bind(&p.name.text, NetValue::Tensor(tensor)));
                builder.body(declaration)
            };
            build(&context, item, (name, names), &generics, quantized, body).map(Arc::new)
        }
        (Some(ItemKind::Import(declaration)), Some(quantized)) if quantized.kernel.is_none() => {
            let (name, names) = (&declaration.name, &declaration.generics);
            let body = |builder: &mut Builder<'_>, inputs: Vec<NetTensor>| float::read(builder, declaration, inputs);
            build(&context, item, (name, names), &generics, quantized, body).map(Arc::new)
        }
        (Some(ItemKind::Import(declaration)), Some(_)) => Err(no_reading(&context, declaration, item)),
        _ => Err(Reported),
    };
    Arc::new(context.outcome(value))
}

/// A network's real-valued reading, or a diagnostic that says why there is none.
pub fn instantiate_real(
    context: &Context<'_>,
    item: ItemId,
    generics: Vec<i128>,
    used: Place,
) -> Checked<Arc<Network>> {
    instantiate(context, item, generics.clone(), used)?;
    let outcome = real_network(context.db, item, generics);
    for diagnostic in &outcome.diagnostics {
        // What quantizing loses is said of the network, not of its reading.
        if diagnostic.severity == crate::diagnostic::Severity::Error {
            context.report(diagnostic.clone().label(used, "read as real here"));
        }
    }
    outcome.value.clone().ok_or(Reported)
}

/// Says that a file of integers has no reading.
fn no_reading(context: &Context<'_>, declaration: &ImportItem, item: ItemId) -> Reported {
    context.report(
        Diagnostic::error(
            "E0204",
            format!("`{}` has no real-valued reading", declaration.name.text),
            at(item, declaration.name.span),
            "a model file of integers",
        )
        .note("The file holds integers and scales; the network that it was quantized from is not in it."),
    )
}

/// The reading whose operations `body` makes of the inputs.
fn build(
    context: &Context<'_>,
    item: ItemId,
    (name, names): (&Name, &[Name]),
    generics: &[i128],
    quantized: Arc<Network>,
    body: impl FnOnce(&mut Builder<'_>, Vec<NetTensor>) -> Checked<NetTensor>,
) -> Checked<Network> {
    let locals = |name: &str| {
        let index = names.iter().position(|g| &*g.text == name)?;
        Some(Ok(Constant::int(generics[index])))
    };
    let mut builder = Builder::new(Evaluator { context, item, locals: &locals }, name.text.clone());
    let (mut graph, mut positive, mut boxes, mut inputs) = (RealGraph::default(), Vec::new(), Vec::new(), Vec::new());
    let mut tensors = Vec::new();
    for (index, port) in quantized.inputs.iter().enumerate() {
        let (own, shape) = (&port.scale, port.shape.clone());
        let node = graph
            .push(RealOp::Input((0..count(&shape)).inspect(|_| work(NUMBER)).map(|i| own.get(i).clone()).collect()));
        let range: Vec<Interval> = quantized.ranges[port.node.index()].clone();
        positive.push(range.iter().all(|range| range.lo >= 0));
        boxes.push(range);
        inputs.push(Port { node: NodeId(index as u32), ..port.clone() });
        tensors.push(reading(node, shape));
    }
    builder.real = Some(Real { graph, positive, quantized: quantized.clone() });
    let output = body(&mut builder, tensors)?;
    let real = builder.real.take().ok_or(Reported)?.graph;
    let steps = &quantized.output.scale;
    let others = (1..count(&quantized.output.shape)).inspect(|_| work(NUMBER));
    let step = others.fold(steps.get(0), |step, i| step.min(steps.get(i))).clone();
    let Ok(enclosure) = Enclosure::new(&real, output.node.index(), &boxes, &step) else {
        return Err(context.report(
            Diagnostic::error(
                "E0410",
                "this network's numbers are too far apart to be read as real",
                at(item, name.span),
                "its layers need more than 48 bits, however they are rounded",
            )
            .note("A real-valued reading is enclosed by integers, each layer with a scale of its own.")
            .help("look for weights of very different sizes within one layer"),
        ));
    };
    let port = Port {
        name: "output".into(),
        node: enclosure.output,
        shape: quantized.output.shape.clone(),
        scale: PerElement::All(enclosure.scale.clone()),
        format: None,
    };
    Ok(Network {
        name: format!("{}.real", instance_name(name, names, generics)).into(),
        inputs,
        output: port,
        more_outputs: Vec::new(),
        layers: Vec::new(),
        ranges: Arc::new(enclosure.ranges.clone()),
        graph: Arc::new(enclosure.graph.clone()),
        files: builder.files,
        kernel: None,
        notes: Vec::new(),
        real: Some(Arc::new(Reading { real, output: output.node.index(), enclosure })),
    })
}

/// A node of the reading: its elements are values.
pub(super) fn reading(node: usize, shape: Shape) -> NetTensor {
    NetTensor { node: NodeId(node as u32), shape, scale: PerElement::All(Rational::one()), format: None }
}

impl Builder<'_> {
    /// Appends an operation of the reading.
    pub(super) fn push_real(&mut self, op: RealOp, span: Span) -> Checked<NodeId> {
        let len = match &op {
            RealOp::Input(scales) => scales.len(),
            RealOp::Affine { bias, .. } => bias.len(),
            RealOp::Clamp { source, .. } => self.real.as_ref().ok_or(Reported)?.graph.len(*source),
            RealOp::Max { windows, .. } => windows.len(),
            RealOp::Gather(picks) => picks.len(),
        };
        self.grow(len, span)?;
        let real = self.real.as_mut().ok_or(Reported)?;
        let before = |node: &usize| real.positive[*node];
        let positive = match &op {
            RealOp::Input(_) => false,
            RealOp::Affine { terms, bias } => {
                let product =
                    |(source, matrix): &(usize, RealMatrix)| before(source) && matrix.numbers().are_positive();
                terms.iter().all(product) && bias.iter().inspect(|_| work(1)).all(|value| !value.is_negative())
            }
            RealOp::Clamp { source, lo, hi } => {
                !lo.is_negative() || before(source) && hi.as_ref().is_none_or(|hi| !hi.is_negative())
            }
            op => op.sources().iter().all(before),
        };
        real.positive.push(positive);
        Ok(NodeId(real.graph.push(op) as u32))
    }

    /// bias + weights · x; `bias` gives the value for each row.
    pub(super) fn real_affine(
        &mut self,
        x: &NetTensor,
        rows: Vec<Row>,
        weights: &ConstantTensor,
        bias: &dyn Fn(usize) -> Rational,
        shape: Shape,
        span: Span,
    ) -> Checked<NetTensor> {
        let bias = (0..rows.len()).inspect(|_| work(NUMBER)).map(bias).collect();
        let matrix = RealMatrix::new(count(&x.shape), rows.into(), weights.over_one());
        let node = self.push_real(RealOp::Affine { terms: vec![(x.node.index(), matrix)], bias }, span)?;
        Ok(reading(node.index(), shape))
    }

    pub(super) fn real_sum(&mut self, x: &NetTensor, y: &NetTensor, subtract: bool, span: Span) -> Checked<NetTensor> {
        let len = count(&x.shape);
        let diagonal = |negative: bool| {
            work(NUMBER * len);
            let one = Rational::one();
            RealMatrix::diagonal(&vec![if negative { -one } else { one }; len])
        };
        let terms = vec![(x.node.index(), diagonal(false)), (y.node.index(), diagonal(subtract))];
        let node = self.push_real(RealOp::Affine { terms, bias: vec![Rational::zero(); len].into() }, span)?;
        Ok(reading(node.index(), x.shape.clone()))
    }

    /// Each element times a factor, plus a constant.
    pub(super) fn real_diagonal(
        &mut self,
        x: &NetTensor,
        factors: &[Rational],
        bias: Vec<Rational>,
        span: Span,
    ) -> Checked<NetTensor> {
        let terms = vec![(x.node.index(), RealMatrix::diagonal(factors))];
        let node = self.push_real(RealOp::Affine { terms, bias: bias.into() }, span)?;
        Ok(reading(node.index(), x.shape.clone()))
    }

    pub(super) fn real_clamp(
        &mut self,
        x: NetTensor,
        lo: Rational,
        hi: Option<Rational>,
        span: Span,
    ) -> Checked<NetTensor> {
        let node = self.push_real(RealOp::Clamp { source: x.node.index(), lo, hi }, span)?;
        Ok(reading(node.index(), x.shape))
    }

    /// A cast changes nothing, unless its lower end is what makes it a ReLU, or it wraps.
    pub(super) fn real_cast(
        &mut self,
        x: &NetTensor,
        format: &Format,
        span: Span,
        format_span: Span,
    ) -> Checked<NetTensor> {
        let real = self.real.as_ref().ok_or(Reported)?;
        let rectifies = (0..format.channels()).any(|channel| format.min_raw() >= format.zero(channel));
        if rectifies && format.overflow != Overflow::Error && !real.positive[x.node.index()] {
            return self.report(
                Diagnostic::error(
                    "E0410",
                    "this cast cuts off negative values, so that the network can't be read as real",
                    self.place(span),
                    "what is cast can be negative",
                )
                .label(self.place(format_span), "holds no negative value")
                .note("A real-valued reading leaves out rounding and saturation. Here saturation at 0 is the network's ReLU, without which it would be another function.")
                .help("say so: `relu(…) as Format`, which computes the same bits"),
            );
        }
        let graph = &real.quantized.graph;
        let wraps = |node: NodeId| {
            let is_wrap = |node: NodeId| matches!(graph.node(node).op, Op::Wrap { .. });
            is_wrap(node) || graph.node(node).op.sources().any(is_wrap)
        };
        let place = self.place(span);
        if format.overflow == Overflow::Wrap
            && real.quantized.layers.iter().any(|layer| layer.place == place && wraps(layer.port.node))
        {
            return self.report(
                Diagnostic::error(
                    "E0410",
                    "this cast can wrap, so that the network can't be read as real",
                    place,
                    "what is cast can leave the format's range",
                )
                .label(self.place(format_span), "keeps the low bits alone")
                .note("No real number is what modular arithmetic makes of it.")
                .help("use `overflow = saturate`, or a format that holds every value"),
            );
        }
        Ok(NetTensor { format: None, ..x.clone() })
    }

    /// Says that an operation is no part of a reading, and why.
    pub(super) fn no_real_reading<T>(&self, name: &str, why: &str, span: Span) -> Checked<T> {
        self.report(
            Diagnostic::error(
                "E0410",
                format!("`{name}` {why}, so that the network can't be read as real"),
                self.place(span),
                "has no real counterpart here",
            )
            .note("A real-valued reading is made of sums, products with constants, and maxima of exact numbers.")
            .help("compare the network's own outputs, or split the network before this operation"),
        )
    }

    /// A call of another network: its reading, on these tensors.
    pub(super) fn read_network(&mut self, item: ItemId, call: &Call) -> Checked<NetTensor> {
        let generics: Vec<i128> =
            call.generics.iter().map(|g| self.constants(|e| e.integer(g))).collect::<Checked<_>>()?;
        let mut arguments = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments {
            match self.eval(&argument.value)? {
                NetValue::Tensor(tensor) => arguments.push(tensor),
                constant => {
                    let constant = self.constant_tensor(constant, argument.value.span)?;
                    let bias = constant.values().into();
                    let node = self.push_real(RealOp::Affine { terms: Vec::new(), bias }, argument.value.span)?;
                    arguments.push(reading(node.index(), constant.shape));
                }
            }
        }
        let context = self.evaluator.context;
        lookup(context, self.evaluator.item, &call.callee, Role::Function)?;
        let found = tree(context.db, item);
        let declaration = match found.as_deref().map(|t| &t.kind) {
            Some(ItemKind::Network(declaration)) => declaration,
            Some(ItemKind::Import(declaration)) => return self.read_import(item, declaration, &generics, arguments),
            _ => return Err(Reported),
        };
        let locals = |name: &str| {
            let index = declaration.generics.iter().position(|g| &*g.text == name)?;
            Some(Ok(Constant::int(*generics.get(index)?)))
        };
        let mut inner = Builder::new(Evaluator { context, item, locals: &locals }, declaration.name.text.clone());
        for (param, tensor) in declaration.params.iter().zip(arguments) {
            inner.bind(&param.name.text, NetValue::Tensor(tensor));
        }
        self.within(inner, |inner| inner.body(declaration))
    }

    /// A call of an imported network of floats: its reading, on these tensors.
    fn read_import(
        &mut self,
        item: ItemId,
        declaration: &ImportItem,
        generics: &[i128],
        arguments: Vec<NetTensor>,
    ) -> Checked<NetTensor> {
        let context = self.evaluator.context;
        let quantized = network(context.db, item, generics.to_vec()).value.clone().ok_or(Reported)?;
        if quantized.kernel.is_some() {
            return Err(no_reading(context, declaration, item));
        }
        let locals = |name: &str| {
            let index = declaration.generics.iter().position(|g| &*g.text == name)?;
            Some(Ok(Constant::int(*generics.get(index)?)))
        };
        let inner = Builder::new(Evaluator { context, item, locals: &locals }, declaration.name.text.clone());
        self.within(inner, |inner| float::read(inner, declaration, arguments))
    }

    /// Appends to the reading what a builder of another network makes.
    fn within<'b>(
        &mut self,
        mut inner: Builder<'b>,
        body: impl FnOnce(&mut Builder<'b>) -> Checked<NetTensor>,
    ) -> Checked<NetTensor> {
        inner.elements = self.elements;
        inner.real = self.real.take();
        let output = body(&mut inner);
        self.real = inner.real.take();
        self.elements = inner.elements;
        for file in inner.files {
            if !self.files.contains(&file) {
                self.files.push(file);
            }
        }
        output
    }
}
