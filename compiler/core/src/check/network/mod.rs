//! Networks: a body with its generics known, lowered to a graph over integers.
//!
//! Inside a network every tensor is a node of the graph with a scale: value = node · scale (zero points are
//! subtracted at the inputs and added back where raw integers are shown). Sums and products only ever change the
//! scale exactly; `as Format` is the one place where a Step, and so a rounding, enters.

mod memory;
mod ops;
mod real;

pub use memory::Memory;
pub use ops::pick_indices;
pub use real::{instantiate_real, real_network};

use super::constant::{Constant, Evaluator, lookup};
use super::data::{ConstantTensor, ParamsFile, PerElement, list_names, scales, zeros};
use super::scope::is_cyclic;
use super::types::{Shape, Type, count, interchangeable, shape_text, show_shape};
use super::{Checked, Context, Outcome, Reported, at};
use crate::db::{Db, ItemId, tree};
use crate::diagnostic::{Diagnostic, Place};
use crate::format::{Format, Overflow};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, ToPrimitive, Zero};
use qnn_ir::Rational;
use qnn_ir::obligation::exact::Reading;
use qnn_ir::range::node_ranges;
use qnn_ir::rational::{common_step, exact, integer};
use qnn_ir::{Graph, Interval, NodeId, Op};
use qnn_syntax::Span;
use qnn_syntax::ast::{BinaryOp, Call, Expr, ExprKind, ItemKind, NetworkItem, UnaryOp};
use qnn_syntax::walk::Role;
use std::sync::Arc;

/// The largest magnitude of an integer anywhere in a network: leaves room for the products of a threshold's computation.
const LIMIT: i128 = 1 << 100;
/// The most operations of a network, those of the networks that it calls included.
const MAX_NODES: usize = 10_000;
/// The most numbers that all operations of a network compute.
const MAX_NETWORK_ELEMENTS: usize = 1 << 24;

/// A tensor that goes into or comes out of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Port {
    /// Its name; `output` for the output.
    pub name: Arc<str>,
    /// Its node.
    pub node: NodeId,
    /// Its axes.
    pub shape: Shape,
    /// The value of one step of each element.
    pub scale: PerElement<Rational>,
    /// Its format; `None` for exact numbers.
    pub format: Option<Format>,
}

impl Port {
    /// The raw integer that a format stores for the node's (centred) integer.
    pub fn raw(&self, element: usize, number: i128) -> i128 {
        let zero = self.format.as_ref().map_or(0, |format| *zeros(format, &self.shape).get(element));
        number + i128::from(zero)
    }

    /// The value of the node's integer.
    pub fn value(&self, element: usize, number: i128) -> Rational {
        integer(number) * self.scale.get(element)
    }
}

/// The weights and biases of a layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// How many.
    pub count: usize,
    /// How many saturated when they were quantized.
    pub saturated: usize,
    /// The bits that it takes to store them: each in its format, or, without one, as wide as the widest integer of its tensor.
    pub bits: usize,
}

impl Parameters {
    /// Those of a weight tensor and, if there is one, a bias.
    fn of(weight: &ConstantTensor, bias: Option<&ConstantTensor>) -> Parameters {
        let mut all = Parameters::default();
        for tensor in std::iter::once(weight).chain(bias) {
            let width = tensor.format.as_ref().map_or_else(
                || {
                    let numbers = tensor.numbers.iter().map(|n| i128::from(*n));
                    let (lo, hi) = (numbers.clone().min().unwrap_or(0), numbers.max().unwrap_or(0));
                    Interval::new(lo, hi).signed_width()
                },
                |format| format.width,
            );
            all.count += tensor.numbers.len();
            all.saturated += tensor.saturated;
            all.bits += tensor.numbers.len() * width as usize;
        }
        all
    }
}

/// A step of a network's computation, for people.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// What it computes: `dense`, `relu`, `as fixed<6, 4>`.
    pub operation: String,
    /// The result, called by the `let` that names it where one does.
    pub port: Port,
    /// Weights and biases.
    pub parameters: Parameters,
    /// The least and the greatest integer over all elements and all inputs.
    pub range: Interval,
    /// The same of the integers as the format stores them, with its zero points.
    pub stored: Interval,
    /// Where it stands.
    pub place: Place,
}

/// A network with its generics known.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// As a spec calls it: `student<6>`.
    pub name: Arc<str>,
    /// Its computation; the inputs are its first nodes, in order.
    pub graph: Arc<Graph>,
    /// Its inputs.
    pub inputs: Vec<Port>,
    /// Its output.
    pub output: Port,
    /// Its layers in the order of computation.
    pub layers: Vec<Layer>,
    /// The range of every element of every node over all inputs.
    pub ranges: Arc<Vec<Vec<Interval>>>,
    /// The parameter files it reads, as the spec writes them.
    pub files: Vec<String>,
    /// What it is, if it is a real-valued reading: the graph only encloses that.
    pub real: Option<Arc<Reading>>,
}

/// The network that an item and its generics make.
#[salsa::tracked]
pub fn network(db: &dyn Db, item: ItemId, generics: Vec<i128>) -> Arc<Outcome<Arc<Network>>> {
    let context = Context::new(db);
    let found = tree(db, item);
    let value = match found.as_deref().map(|t| &t.kind) {
        Some(ItemKind::Network(declaration)) if !is_cyclic(db, item) => {
            build(&context, item, declaration, &generics).map(Arc::new)
        }
        _ => Err(Reported),
    };
    let mut outcome = context.outcome(value);
    if !generics.is_empty() {
        let list: Vec<String> = generics.iter().map(i128::to_string).collect();
        let note = format!("This is so for `{}<{}>`.", item.name(db), list.join(", "));
        for diagnostic in outcome.diagnostics.iter_mut().filter(|d| d.labels[0].place.item == item) {
            if !diagnostic.notes.contains(&note) {
                diagnostic.notes.push(note.clone());
            }
        }
    }
    Arc::new(outcome)
}

fn build(context: &Context<'_>, item: ItemId, declaration: &NetworkItem, generics: &[i128]) -> Checked<Network> {
    if generics.len() != declaration.generics.len() {
        return Err(Reported);
    }
    let locals = |name: &str| {
        let index = declaration.generics.iter().position(|g| &*g.text == name)?;
        Some(Ok(Constant::int(generics[index])))
    };
    let mut builder = Builder::new(Evaluator { context, item, locals: &locals }, declaration);
    let mut inputs = Vec::new();
    for param in &declaration.params {
        let Type::Stored(format, shape) = builder.evaluator.ty(&param.ty)? else {
            return context.error(
                "E0302",
                at(item, param.ty.span),
                "a network's input is stored integers: it needs a format",
                "not a format",
            );
        };
        builder.evaluator.check_channels(&format, &shape, &param.ty)?;
        let bits = builder.input(&param.name.text, format, shape, param.name.span)?;
        inputs.push(builder.port(&param.name.text, &bits));
        builder.bind(&param.name.text, Thing::Bits(bits));
    }
    let output = builder.body(declaration)?;
    let wanted = builder.evaluator.ty(&declaration.result)?;
    builder.check_result(&output, &wanted, declaration)?;
    // The declared axes carry the names that the body's may lack.
    let mut output = output;
    if let Type::Stored(_, shape) | Type::Real(shape) = wanted {
        output.shape = shape;
    }
    Ok(Network {
        name: instance_name(declaration, generics),
        output: builder.port("output", &output),
        inputs,
        layers: builder.layers,
        ranges: Arc::new(builder.ranges),
        graph: Arc::new(builder.graph),
        files: builder.files,
        real: None,
    })
}

/// `student<6>`.
fn instance_name(declaration: &NetworkItem, generics: &[i128]) -> Arc<str> {
    if generics.is_empty() {
        return declaration.name.text.clone();
    }
    let list: Vec<String> = generics.iter().map(i128::to_string).collect();
    format!("{}<{}>", declaration.name.text, list.join(", ")).into()
}

/// A tensor of the network: a node with axes and a scale.
#[derive(Clone, Debug)]
struct Bits {
    node: NodeId,
    shape: Shape,
    scale: PerElement<Rational>,
    /// Stored in this format, or exact.
    format: Option<Format>,
}

/// What an expression in a network's body can be.
#[derive(Clone)]
enum Thing {
    /// A tensor that depends on the inputs.
    Bits(Bits),
    /// A tensor of parameters or literals.
    Tensor(ConstantTensor),
    /// A constant.
    Constant(Constant),
    /// A `params` file or a group of its tensors by prefix.
    Group(Arc<ParamsFile>, String),
}

impl Thing {
    fn kind(&self) -> String {
        match self {
            Thing::Bits(_) => "a tensor of the network".to_owned(),
            Thing::Tensor(_) => "a tensor of constants".to_owned(),
            Thing::Constant(c) => c.kind().to_owned(),
            Thing::Group(..) => "a group of parameters".to_owned(),
        }
    }
}

struct Builder<'a> {
    evaluator: Evaluator<'a>,
    graph: Graph,
    ranges: Vec<Vec<Interval>>,
    locals: Vec<(Arc<str>, Thing)>,
    layers: Vec<Layer>,
    files: Vec<String>,
    name: Arc<str>,
    /// The elements of all nodes together.
    elements: usize,
    /// In a real-valued reading: its operations. `graph` is then empty, every scale is 1, and nodes are indices into this.
    real: Option<real::Real>,
}

impl<'a> Builder<'a> {
    fn new(evaluator: Evaluator<'a>, declaration: &NetworkItem) -> Builder<'a> {
        Builder {
            evaluator,
            graph: Graph::new(),
            ranges: Vec::new(),
            locals: Vec::new(),
            layers: Vec::new(),
            files: Vec::new(),
            name: declaration.name.text.clone(),
            elements: 0,
            real: None,
        }
    }
}

impl Builder<'_> {
    /// The declaration's body, once its inputs are bound.
    fn body(&mut self, declaration: &NetworkItem) -> Checked<Bits> {
        for params in &declaration.files {
            let file = ParamsFile::new(&self.evaluator, params)?;
            self.files.push(file.path().to_owned());
            self.bind(&params.name.text, Thing::Group(Arc::new(file), String::new()));
        }
        for statement in &declaration.lets {
            let value = self.eval(&statement.value)?;
            if let Some(annotation) = &statement.ty {
                let ty = self.evaluator.ty(annotation)?;
                self.check_annotation(&value, &ty, self.place(annotation.span), self.place(statement.value.span))?;
            }
            if let Thing::Bits(bits) = &value {
                self.name_layer(bits.node, &statement.name.text);
            }
            self.bind(&statement.name.text, value);
        }
        match self.eval(&declaration.body)? {
            Thing::Bits(output) => Ok(output),
            other => self.error(
                "E0302",
                declaration.body.span,
                format!("a network's output depends on its input, but this is {}", other.kind()),
                "no tensor of the network",
            ),
        }
    }

    /// A tensor of a parameter file.
    fn parameter(&self, file: &ParamsFile, name: &str, used: Place) -> Checked<ConstantTensor> {
        match self.real {
            Some(_) => file.real(self.evaluator.context, name, used),
            None => file.tensor(self.evaluator.context, name, used),
        }
    }
    fn place(&self, span: Span) -> Place {
        at(self.evaluator.item, span)
    }

    /// Evaluates constants; the body's own names are known.
    fn constants<T>(&self, f: impl FnOnce(&Evaluator<'_>) -> T) -> T {
        let locals = |name: &str| match self.locals.iter().rev().find(|(known, _)| &**known == name) {
            Some((_, Thing::Constant(value))) => Some(Ok(value.clone())),
            Some((_, other)) => Some(Err(other.kind())),
            None => (self.evaluator.locals)(name),
        };
        f(&Evaluator { context: self.evaluator.context, item: self.evaluator.item, locals: &locals })
    }

    fn db(&self) -> &dyn Db {
        self.evaluator.context.db
    }

    fn error<T>(
        &self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Checked<T> {
        self.evaluator.context.error(code, self.place(span), message, label)
    }

    fn report<T>(&self, diagnostic: Diagnostic) -> Checked<T> {
        Err(self.evaluator.context.report(diagnostic))
    }

    fn bind(&mut self, name: &Arc<str>, thing: Thing) {
        self.locals.push((name.clone(), thing));
    }

    /// An input over its format's whole range, centred on the zero point.
    fn input(&mut self, name: &Arc<str>, format: Format, shape: Shape, span: Span) -> Checked<Bits> {
        let len = count(&shape);
        self.grow(len, span)?;
        let zeros = zeros(&format, &shape);
        let (min, max) = (i128::from(format.min_raw()), i128::from(format.max_raw()));
        let node = self.graph.push_input(name.clone(), len);
        self.ranges.push(
            (0..len)
                .map(|i| {
                    let zero = i128::from(*zeros.get(i));
                    Interval::new(min - zero, max - zero)
                })
                .collect(),
        );
        let scale = scales(&format, &shape);
        Ok(Bits { node, shape, scale, format: Some(format) })
    }

    fn port(&self, name: &str, bits: &Bits) -> Port {
        Port {
            name: name.into(),
            node: bits.node,
            shape: bits.shape.clone(),
            scale: bits.scale.clone(),
            format: bits.format.clone(),
        }
    }

    /// Counts the elements of another node; refuses networks that are too large.
    fn grow(&mut self, len: usize, span: Span) -> Checked<()> {
        self.elements = self.elements.saturating_add(len);
        if self.elements <= MAX_NETWORK_ELEMENTS && self.graph.nodes.len() < MAX_NODES {
            return Ok(());
        }
        let limit = format!("more than {MAX_NODES} operations, or {MAX_NETWORK_ELEMENTS} numbers in all");
        self.error("E0313", span, "this network is too large", limit)
    }

    /// Appends a node, with its ranges; refuses integers that are too large to be exact.
    fn push(&mut self, op: Op, span: Span) -> Checked<NodeId> {
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
    fn range(&self, node: NodeId) -> Interval {
        let ranges = &self.ranges[node.index()];
        let lo = ranges.iter().map(|r| r.lo).min().unwrap_or(0);
        let hi = ranges.iter().map(|r| r.hi).max().unwrap_or(0);
        Interval::new(lo, hi)
    }

    /// The least and the greatest integer that a port stores, over all its elements.
    fn stored(&self, port: &Port) -> Interval {
        let ranges = || self.ranges[port.node.index()].iter().enumerate();
        let lo = ranges().map(|(i, r)| port.raw(i, r.lo)).min().unwrap_or(0);
        let hi = ranges().map(|(i, r)| port.raw(i, r.hi)).max().unwrap_or(0);
        Interval::new(lo, hi)
    }

    /// Records a layer.
    fn layer(&mut self, operation: String, bits: &Bits, parameters: Parameters, span: Span) {
        if self.real.is_some() {
            return;
        }
        let name = format!("#{}", self.layers.len() + 1);
        let port = self.port(&name, bits);
        let layer = Layer {
            operation,
            parameters,
            range: self.range(bits.node),
            stored: self.stored(&port),
            port,
            place: self.place(span),
        };
        self.layers.push(layer);
    }

    /// Calls the layer that computed a node by the name of its `let`.
    fn name_layer(&mut self, node: NodeId, name: &str) {
        if let Some(layer) = self.layers.iter_mut().rev().find(|layer| layer.port.node == node) {
            layer.port.name = name.into();
        }
    }

    fn eval(&mut self, expr: &Expr) -> Checked<Thing> {
        match &expr.kind {
            ExprKind::Name(name) => {
                if let Some((_, thing)) = self.locals.iter().rev().find(|(known, _)| *known == name.text) {
                    return Ok(thing.clone());
                }
                if (self.evaluator.locals)(&name.text).is_none() {
                    let item = lookup(self.evaluator.context, self.evaluator.item, name, Role::Value)?;
                    if let Some(ItemKind::Params(params)) = tree(self.db(), item).as_deref().map(|t| &t.kind) {
                        let nothing = |_: &str| None;
                        let evaluator = Evaluator { context: self.evaluator.context, item, locals: &nothing };
                        let file = ParamsFile::new(&evaluator, params)?;
                        if !self.files.iter().any(|f| f == file.path()) {
                            self.files.push(file.path().to_owned());
                        }
                        return Ok(Thing::Group(Arc::new(file), String::new()));
                    }
                }
                self.constants(|e| e.eval(expr)).map(Thing::Constant)
            }
            ExprKind::Field(inner, field) => match self.eval(inner)? {
                Thing::Group(file, prefix) => {
                    let path =
                        if prefix.is_empty() { field.text.to_string() } else { format!("{prefix}.{}", field.text) };
                    if file.has(self.evaluator.context, &path) {
                        return self.parameter(&file, &path, self.place(expr.span)).map(Thing::Tensor);
                    }
                    if file.has_group(self.evaluator.context, &path) {
                        return Ok(Thing::Group(file, path));
                    }
                    self.parameter(&file, &path, self.place(expr.span)).map(Thing::Tensor)
                }
                Thing::Bits(bits) => {
                    let Some(item) = bits.shape.first().and_then(|axis| axis.labels) else {
                        return self.error(
                            "E0305",
                            field.span,
                            format!("this tensor has no field `{}`", field.text),
                            "its first axis has no names",
                        );
                    };
                    let index = super::constant::variant(self.evaluator.context, item, field, self.evaluator.item)?;
                    self.select(&bits, &[(index, index + 1, true)], expr.span).map(Thing::Bits)
                }
                _ => self.constants(|e| e.eval(expr)).map(Thing::Constant),
            },
            ExprKind::Cast(inner, ty) => {
                let thing = self.eval(inner)?;
                let format = self.constants(|e| e.format(ty))?;
                match thing {
                    Thing::Bits(bits) => self.cast(&bits, &format, expr.span, ty).map(Thing::Bits),
                    other => {
                        let tensor = self.constant_tensor(other, inner.span)?;
                        self.quantize_literal(&tensor, &format, expr.span).map(Thing::Tensor)
                    }
                }
            }
            ExprKind::Unary(UnaryOp::Negate, inner) => match self.eval(inner)? {
                Thing::Bits(bits) => self.scale_by(&bits, &-Rational::one(), expr.span).map(Thing::Bits),
                Thing::Constant(_) => self.constants(|e| e.eval(expr)).map(Thing::Constant),
                other => self.error("E0302", expr.span, format!("`-` can't take {}", other.kind()), "not a number"),
            },
            ExprKind::Binary(op, left, right) => self.binary(*op, left, right, expr.span),
            ExprKind::Call(call) => self.call(call, expr.span),
            ExprKind::Index(inner, indices) => match self.eval(inner)? {
                Thing::Bits(bits) => {
                    let selection = self.selection(&bits.shape, indices)?;
                    self.select(&bits, &selection, expr.span).map(Thing::Bits)
                }
                Thing::Constant(_) => self.constants(|e| e.eval(expr)).map(Thing::Constant),
                other => self.error("E0302", inner.span, format!("{} can't be indexed", other.kind()), "not indexable"),
            },
            ExprKind::Let(l) => {
                let value = self.eval(&l.value)?;
                self.bind(&l.name.text, value);
                let result = self.eval(&l.body);
                self.locals.pop();
                result
            }
            ExprKind::Quantifier(q) => self.report(
                Diagnostic::error(
                    "E0612",
                    "a network computes; it can't quantify",
                    self.place(q.keyword),
                    "not in a network",
                )
                .help("say this in a `property`"),
            ),
            _ => self.constants(|e| e.eval(expr)).map(Thing::Constant),
        }
    }

    /// First and one-past-last index of each axis, and whether the axis is dropped.
    fn selection(&self, shape: &Shape, indices: &[Expr]) -> Checked<Vec<(usize, usize, bool)>> {
        if indices.len() > shape.len() {
            return self.error(
                "E0304",
                indices[shape.len()].span,
                format!("{} indices for {} axes", indices.len(), shape.len()),
                "one index too many",
            );
        }
        let (context, item) = (self.evaluator.context, self.evaluator.item);
        indices
            .iter()
            .zip(shape)
            .map(|(index, axis)| {
                let mut eval = |expr: &Expr| self.constants(|e| e.eval(expr));
                super::property::index_range(context, item, index, axis, &mut eval)
            })
            .collect()
    }

    fn check_annotation(&mut self, thing: &Thing, ty: &Type, annotation: Place, value: Place) -> Checked<()> {
        // The network itself has been checked; its reading stores nothing.
        if self.real.is_some() {
            return Ok(());
        }
        let context = self.evaluator.context;
        let Thing::Bits(bits) = thing else {
            return context.error(
                "E0306",
                annotation,
                format!("this is {}", thing.kind()),
                "no type can be given to it",
            );
        };
        match ty {
            Type::Accumulator(width) => {
                let ranges = &self.ranges[bits.node.index()];
                let (element, worst) = ranges
                    .iter()
                    .enumerate()
                    .max_by_key(|(_, range)| range.signed_width())
                    .map(|(element, range)| (element, *range))
                    .ok_or(Reported)?;
                let needed = worst.signed_width();
                if needed <= *width {
                    return Ok(());
                }
                Err(context.report(
                    Diagnostic::error(
                        "E0403",
                        format!("this accumulator needs {needed} bits, not {width}"),
                        annotation,
                        format!("{width} bits hold {} to {}", -(1i128 << (width - 1)), (1i128 << (width - 1)) - 1),
                    )
                    .label(value, format!("element {element} ranges from {} to {}", worst.lo, worst.hi))
                    .note("The range is exact for the inputs' formats: some input reaches each end.")
                    .fix(format!("write `acc<{needed}>`"), annotation, format!("acc<{needed}>")),
                ))
            }
            Type::Stored(format, shape)
                if bits.format.as_ref() == Some(format) && interchangeable(shape, &bits.shape) =>
            {
                Ok(())
            }
            Type::Real(shape) if interchangeable(shape, &bits.shape) => Ok(()),
            _ => {
                let difference = match (&bits.format, ty) {
                    (Some(found), Type::Stored(format, _)) => found.difference(format),
                    _ => None,
                };
                Err(context.report(
                    Diagnostic::error(
                        "E0306",
                        format!("this is `{}`, not `{}`", self.type_text(bits), ty.show(self.db())),
                        value,
                        format!("is `{}`", self.type_text(bits)),
                    )
                    .label(annotation, "annotated here")
                    .notes(difference),
                ))
            }
        }
    }

    fn type_text(&self, bits: &Bits) -> String {
        match &bits.format {
            Some(format) => format!("{format}{}", show_shape(self.db(), &bits.shape)),
            None => format!("acc<{}>{}", self.range(bits.node).signed_width(), show_shape(self.db(), &bits.shape)),
        }
    }

    fn check_result(&self, output: &Bits, wanted: &Type, declaration: &NetworkItem) -> Checked<()> {
        let (result, body) = (self.place(declaration.result.span), self.place(declaration.body.span));
        let shape = match wanted {
            Type::Stored(_, shape) | Type::Real(shape) => shape,
            other => {
                return self.error(
                    "E0302",
                    declaration.result.span,
                    format!("a network's output is stored integers, not `{}`", other.show(self.db())),
                    "a format is needed",
                );
            }
        };
        if !interchangeable(shape, &output.shape) {
            return self.report(
                Diagnostic::error(
                    "E0301",
                    format!(
                        "the network returns {}, but {} is declared",
                        shape_text(self.db(), &output.shape),
                        shape_text(self.db(), shape)
                    ),
                    body,
                    format!("has the shape {}", shape_text(self.db(), &output.shape)),
                )
                .label(result, "declared here"),
            );
        }
        match (wanted, &output.format) {
            (Type::Real(_), _) => Ok(()),
            (Type::Stored(format, _), Some(found)) if format == found => Ok(()),
            (Type::Stored(format, _), Some(found)) => {
                let mut diagnostic = Diagnostic::error(
                    "E0306",
                    format!("the network returns `{found}`, but `{format}` is declared"),
                    body,
                    format!("is `{found}`"),
                )
                .label(result, "declared here")
                .notes(found.difference(format))
                .help("make the last cast and the declared output the same format");
                // Of a generic network, formats are other ones with other integers.
                if let (ExprKind::Cast(_, ty), true) = (&declaration.body.kind, declaration.generics.is_empty()) {
                    if ty.shape.is_empty() && format.is_written_whole() {
                        let text = format.to_string();
                        diagnostic = diagnostic.fix(format!("cast to `{text}`"), self.place(ty.span), text);
                    }
                    if declaration.result.shape.is_empty() && found.is_written_whole() {
                        let (text, place) = (found.to_string(), self.place(declaration.result.span));
                        diagnostic = diagnostic.fix(format!("declare `{text}`"), place, text);
                    }
                }
                self.report(diagnostic)
            }
            (_, _) => {
                let end = Place { span: Span::new(declaration.body.span.end, declaration.body.span.end), ..body };
                let plain = declaration.result.arguments.is_empty();
                // Of a generic network, the format is another one with other integers.
                let literal = match wanted {
                    Type::Stored(format, _) => {
                        (declaration.generics.is_empty() && format.is_written_whole()).then(|| format.to_string())
                    }
                    _ => None,
                };
                let text = if plain { Some(declaration.result.head.text.to_string()) } else { literal };
                let text = text.map(|text| format!(" as {text}"));
                let mut diagnostic = Diagnostic::error(
                    "E0306",
                    "the network returns an exact accumulator, but stored integers are declared",
                    body,
                    format!("is `{}`", self.type_text(output)),
                )
                .label(result, "declared here")
                .note("Bits are lost only at a cast, so that it is always visible where.");
                let half_cast = match &declaration.body.kind {
                    ExprKind::Binary(op, left, right) => {
                        [left, right].iter().any(|side| matches!(side.kind, ExprKind::Cast(..))).then_some(op.symbol())
                    }
                    _ => None,
                };
                let whole =
                    !matches!(declaration.body.kind, ExprKind::Binary(..) | ExprKind::Unary(..) | ExprKind::Let(_));
                diagnostic = if let Some(symbol) = half_cast {
                    diagnostic.help(format!(
                        "`as` binds tighter than `{symbol}`: put the sum in parentheses, `(… {symbol} …) as Format`"
                    ))
                } else if !whole {
                    diagnostic.help("cast it to the output's format: `(…) as Format`")
                } else if let Some(text) = text {
                    diagnostic.fix(format!("add `{}`", text.trim_start()), end, text)
                } else {
                    diagnostic.help("cast it to the output's format: `… as Format`")
                };
                self.report(diagnostic)
            }
        }
    }

    /// A constant as a tensor of exact numbers.
    fn constant_tensor(&self, thing: Thing, span: Span) -> Checked<ConstantTensor> {
        let constant = match thing {
            Thing::Tensor(tensor) => return Ok(tensor),
            Thing::Constant(constant) => constant,
            other => {
                return self.error("E0302", span, format!("expected numbers, found {}", other.kind()), "not numbers");
            }
        };
        let mut values = Vec::new();
        let mut shape = Vec::new();
        if flatten_list(&constant, 0, &mut shape, &mut values).is_none() {
            return self.error(
                "E0301",
                span,
                "this list is no tensor: its rows differ in length or hold something else than numbers",
                "not rectangular",
            );
        }
        let denominator = values.iter().fold(BigInt::one(), |lcm: BigInt, v: &Rational| lcm.lcm(v.denom()));
        let numbers: Option<Vec<i64>> =
            values.iter().map(|v| (v * Rational::from_integer(denominator.clone())).to_integer().to_i64()).collect();
        let Some(numbers) = numbers else {
            return self.error(
                "E0404",
                span,
                "these constants have too many digits to be exact in 64 bits",
                "too precise",
            );
        };
        Ok(ConstantTensor {
            shape: super::types::axes(&shape),
            numbers: numbers.into(),
            scale: PerElement::All(Rational::new(BigInt::one(), denominator)),
            format: None,
            saturated: 0,
            exact: None,
        })
    }

    /// A literal cast to a format.
    fn quantize_literal(&self, tensor: &ConstantTensor, format: &Format, span: Span) -> Checked<ConstantTensor> {
        if self.real.is_some() {
            return Ok(tensor.clone());
        }
        let first = tensor.shape.first().map_or(1, |axis| axis.size);
        if format.channels() > 1 && format.channels() != first {
            return self.error(
                "E0301",
                span,
                format!("this format has {} channels, but the first axis has {first}", format.channels()),
                "one scale per channel",
            );
        }
        let inner = (tensor.numbers.len() / first.max(1)).max(1);
        let mut numbers = Vec::with_capacity(tensor.numbers.len());
        let mut saturated = 0;
        for (i, number) in tensor.numbers.iter().enumerate() {
            let channel = if format.channels() == 1 { 0 } else { i / inner };
            let value = integer(i128::from(*number)) * tensor.scale.get(i);
            let quantized = format.quantize(&value, channel);
            saturated += usize::from(quantized.overflowed);
            if quantized.overflowed && format.overflow == Overflow::Error {
                return self.error(
                    "E0402",
                    span,
                    format!("{} is beyond `{format}`", exact(&value)),
                    "`overflow = error` forbids this",
                );
            }
            if quantized.overflowed {
                self.evaluator.context.report(
                    Diagnostic::warning(
                        "W0405",
                        format!(
                            "{} is beyond `{format}` and becomes {}",
                            exact(&value),
                            exact(&format.value(quantized.raw, channel))
                        ),
                        self.place(span),
                        "saturates",
                    )
                    .help("use fewer fraction bits or more bits in all, if that is not meant"),
                );
            }
            numbers.push(quantized.raw - format.zero(channel));
        }
        let scale = scales(format, &tensor.shape);
        Ok(ConstantTensor {
            shape: tensor.shape.clone(),
            numbers: numbers.into(),
            scale,
            format: Some(format.clone()),
            saturated,
            exact: None,
        })
    }

    fn binary(&mut self, op: BinaryOp, left: &Expr, right: &Expr, span: Span) -> Checked<Thing> {
        let (a, b) = (self.eval(left)?, self.eval(right)?);
        if let (Thing::Constant(a), Thing::Constant(b)) = (&a, &b)
            && let Some(value) = super::constant::combine(op, a, b)
        {
            return super::constant::bounded(self.evaluator.context, self.place(span), value).map(Thing::Constant);
        }
        match (op, a, b) {
            (BinaryOp::Add | BinaryOp::Subtract, Thing::Bits(a), Thing::Bits(b)) => {
                self.sum(&a, &b, op == BinaryOp::Subtract, span).map(Thing::Bits)
            }
            (BinaryOp::Add | BinaryOp::Subtract, Thing::Bits(a), other) => {
                let constant = self.constant_tensor(other, right.span)?;
                self.plus_constant(&a, &constant, op == BinaryOp::Subtract, span).map(Thing::Bits)
            }
            (BinaryOp::Add, other, Thing::Bits(b)) => {
                let constant = self.constant_tensor(other, left.span)?;
                self.plus_constant(&b, &constant, false, span).map(Thing::Bits)
            }
            (BinaryOp::Subtract, other, Thing::Bits(b)) => {
                let constant = self.constant_tensor(other, left.span)?;
                let negated = self.scale_by(&b, &-Rational::one(), span)?;
                self.plus_constant(&negated, &constant, false, span).map(Thing::Bits)
            }
            (BinaryOp::Multiply, Thing::Bits(_), Thing::Bits(_)) => self.report(
                Diagnostic::error("E0601", "a product of two variables is not linear", self.place(span), "both factors depend on the input")
                    .note("Networks here are built of sums, products with constants, and monotone functions; no engine decides products of variables."),
            ),
            (BinaryOp::Multiply, Thing::Bits(bits), Thing::Constant(Constant::Number(n)))
            | (BinaryOp::Multiply, Thing::Constant(Constant::Number(n)), Thing::Bits(bits)) => {
                self.scale_by(&bits, &n, span).map(Thing::Bits)
            }
            (BinaryOp::Multiply, Thing::Bits(bits), other) => {
                let constant = self.constant_tensor(other, right.span)?;
                self.times_constant(&bits, &constant, span).map(Thing::Bits)
            }
            (BinaryOp::Multiply, other, Thing::Bits(bits)) => {
                let constant = self.constant_tensor(other, left.span)?;
                self.times_constant(&bits, &constant, span).map(Thing::Bits)
            }
            (BinaryOp::Divide, Thing::Bits(bits), Thing::Constant(Constant::Number(n))) => {
                if n.is_zero() {
                    return self.error("E0311", right.span, "division by zero", "this is 0");
                }
                self.scale_by(&bits, &(Rational::one() / n), span).map(Thing::Bits)
            }
            (BinaryOp::Divide, _, Thing::Bits(_)) => {
                self.error("E0601", span, "division by a variable is not linear", "the divisor depends on the input")
            }
            (_, Thing::Constant(_), Thing::Constant(_)) => {
                // The constants' own message.
                let expr = Expr {
                    kind: ExprKind::Binary(op, Box::new(left.clone()), Box::new(right.clone())),
                    span,
                };
                self.constants(|e| e.eval(&expr)).map(Thing::Constant)
            }
            (_, a, b) => self.error(
                "E0302",
                span,
                format!("`{}` can't take {} and {} in a network", op.symbol(), a.kind(), b.kind()),
                "not an operation of networks",
            ),
        }
    }

    /// A call of another network.
    fn call_network(&mut self, item: ItemId, call: &Call, span: Span) -> Checked<Thing> {
        let generics: Vec<i128> =
            call.generics.iter().map(|g| self.constants(|e| e.integer(g))).collect::<Checked<_>>()?;
        let inner = instantiate(self.evaluator.context, item, generics, at(self.evaluator.item, span))?;
        if call.arguments.len() != inner.inputs.len() {
            return self.error(
                "E0303",
                span,
                format!(
                    "`{}` takes {}, not {}",
                    inner.name,
                    super::types::plural(inner.inputs.len(), "input"),
                    call.arguments.len()
                ),
                "wrong number of arguments",
            );
        }
        if self.real.is_some() {
            return self.read_network(item, call).map(Thing::Bits);
        }
        let mut map: Vec<Option<NodeId>> = vec![None; inner.graph.nodes.len()];
        for (argument, port) in call.arguments.iter().zip(&inner.inputs) {
            if let Some(name) = &argument.name {
                return self.error("E0303", name.span, "inputs have no names here", "write the value alone");
            }
            let thing = self.eval(&argument.value)?;
            let Thing::Bits(bits) = thing else {
                return self.error(
                    "E0302",
                    argument.value.span,
                    format!("expected a tensor, found {}", thing.kind()),
                    "not a tensor",
                );
            };
            if bits.format != port.format || !interchangeable(&bits.shape, &port.shape) {
                let format = port.format.as_ref().map(Format::to_string).unwrap_or_default();
                let difference = bits.format.as_ref().zip(port.format.as_ref()).and_then(|(a, b)| b.difference(a));
                return self.report(
                    Diagnostic::error(
                        "E0306",
                        format!(
                            "`{}` takes `{format}{}`, not `{}`",
                            inner.name,
                            show_shape(self.db(), &port.shape),
                            self.type_text(&bits)
                        ),
                        self.place(argument.value.span),
                        "another type",
                    )
                    .notes(difference),
                );
            }
            map[port.node.index()] = Some(bits.node);
        }
        for (index, node) in inner.graph.nodes.iter().enumerate() {
            if map[index].is_none() {
                let op = remap(&node.op, &|id| map[id.index()].expect("sources come first"));
                map[index] = Some(self.push(op, span)?);
            }
        }
        let mapped = |id: NodeId| map[id.index()].expect("every node was mapped");
        for layer in &inner.layers {
            let mut layer = layer.clone();
            layer.port.node = mapped(layer.port.node);
            layer.port.name = format!("{}.{}", call.callee.text, layer.port.name).into();
            layer.range = self.range(layer.port.node);
            layer.stored = self.stored(&layer.port);
            self.layers.push(layer);
        }
        let output = &inner.output;
        Ok(Thing::Bits(Bits {
            node: mapped(output.node),
            shape: output.shape.clone(),
            scale: output.scale.clone(),
            format: output.format.clone(),
        }))
    }
}

/// An operation with its sources renamed.
pub fn remap(op: &Op, f: &dyn Fn(NodeId) -> NodeId) -> Op {
    match op {
        Op::Input => Op::Input,
        Op::Constant(values) => Op::Constant(values.clone()),
        Op::Affine { terms, bias } => Op::Affine {
            terms: terms.iter().map(|(source, matrix)| (f(*source), matrix.clone())).collect(),
            bias: bias.clone(),
        },
        Op::Step { source, steps } => Op::Step { source: f(*source), steps: steps.clone() },
        Op::Wrap { source, width, signed } => Op::Wrap { source: f(*source), width: *width, signed: *signed },
        Op::Max { source, windows } => Op::Max { source: f(*source), windows: windows.clone() },
        Op::Gather { picks } => Op::Gather { picks: picks.iter().map(|(node, i)| (f(*node), *i)).collect() },
    }
}

/// A network with its generics, or a diagnostic that says why there is none.
pub fn instantiate(context: &Context<'_>, item: ItemId, generics: Vec<i128>, used: Place) -> Checked<Arc<Network>> {
    let db = context.db;
    let declared = match tree(db, item).as_deref().map(|t| &t.kind) {
        Some(ItemKind::Network(declaration)) => declaration.generics.clone(),
        _ => return Err(Reported),
    };
    if declared.len() != generics.len() {
        let names: Vec<&str> = declared.iter().map(|g| &*g.text).collect();
        let mut diagnostic = Diagnostic::error(
            "E0303",
            if declared.is_empty() {
                format!("`{}` takes nothing in angle brackets", item.name(db))
            } else {
                format!("`{}` needs {} in angle brackets", item.name(db), list_names(&names))
            },
            used,
            "wrong number of integers in angle brackets",
        )
        .label(super::scope::name_place(db, item), "defined here");
        if !declared.is_empty() {
            let (name, list) = (item.name(db), vec!["8"; declared.len()].join(", "));
            diagnostic = diagnostic.help(format!("write `{name}<{list}>(…)`, for example"));
            if generics.is_empty() {
                let end = used.span.start + name.len() as u32;
                let place = Place { span: Span::new(end, end), ..used };
                diagnostic = diagnostic.fix(format!("write `{name}<{list}>`"), place, format!("<{list}>"));
            }
        }
        return Err(context.report(diagnostic));
    }
    let outcome = network(db, item, generics);
    for diagnostic in &outcome.diagnostics {
        context.report(diagnostic.clone());
    }
    outcome.value.clone().ok_or(Reported)
}

/// Nested lists as a shape and row-major numbers; `None` if they are not rectangular.
pub fn flatten_list(
    constant: &Constant,
    depth: usize,
    shape: &mut Vec<usize>,
    values: &mut Vec<Rational>,
) -> Option<()> {
    match constant {
        Constant::Number(n) if depth == shape.len() => values.push(n.clone()),
        Constant::List(list) if !list.is_empty() => {
            if values.is_empty() && depth == shape.len() {
                shape.push(list.len());
            }
            if shape.get(depth) != Some(&list.len()) {
                return None;
            }
            for element in list.iter() {
                flatten_list(element, depth + 1, shape, values)?;
            }
        }
        _ => return None,
    }
    Some(())
}
