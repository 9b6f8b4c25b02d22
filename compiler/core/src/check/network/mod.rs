//! Networks: a body with its generics known, lowered to a graph over integers.
//!
//! Inside a network every tensor is a node of the graph with a scale: value = node · scale (zero points are
//! subtracted at the inputs and added back where raw integers are shown). Sums and products only ever change the
//! scale exactly; `as Format` is the one place where a Step, and so a rounding, enters.

mod annotation;
mod body;
mod builder;
mod calls;
mod float;
mod import;
mod literal;
mod memory;
mod ops;
mod real;
pub mod table;

use super::data::zero;
use builder::{Builder, NetTensor, NetValue};
pub use calls::{called, layer};
pub use literal::flatten_list;
pub use memory::Memory;
pub use ops::pick_indices;
use qnn_ir::interrupt::work;
pub use real::{instantiate_real, real_network};

use super::constant::{Constant, Evaluator};
use super::data::{ConstantTensor, PerElement, list_names};
use super::scope::is_cyclic;
use super::types::{Shape, Type};
use super::{Checked, Context, Outcome, Reported, at};
use crate::db::{Db, ItemId, tree};
use crate::diagnostic::{Diagnostic, Place};
use crate::number_format::Format;
use qnn_import::Kernel;
use qnn_ir::Rational;
use qnn_ir::obligation::exact::Reading;
use qnn_ir::rational::integer;
use qnn_ir::{Graph, Interval, NodeId, Op};
use qnn_syntax::Span;
use qnn_syntax::ast::{ItemKind, Name, NetworkItem};
use std::sync::Arc;

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
    /// Its name, or, of a name that a converter joined from those of fused operators (`a/Relu;a/BiasAdd`), the shortest part.
    pub fn short_name(&self) -> &str {
        self.name.split(';').min_by_key(|part| part.len()).unwrap_or(&self.name)
    }

    /// Whether `name` is its name, or a part of one that a converter joined.
    pub fn is_called(&self, name: &str) -> bool {
        *self.name == *name || self.name.split(';').any(|part| part == name)
    }

    /// The raw integer that a format stores for the node's (centred) integer.
    pub fn raw(&self, element: usize, number: i128) -> i128 {
        let zero = self.format.as_ref().map_or(0, |format| zero(format, &self.shape, element));
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
            work(tensor.numbers.len());
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

/// A step of a network's computation as hovers and reports show it.
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
    /// The same of the sums before they are scaled and rounded, where one layer does both: those of model files do.
    pub accumulator: Option<Interval>,
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
    /// The further outputs of a model file that has several: each by [`layer`] only.
    pub more_outputs: Vec<Port>,
    /// Its layers in the order of computation.
    pub layers: Vec<Layer>,
    /// The range of every element of every node over all inputs.
    pub ranges: Arc<Vec<Vec<Interval>>>,
    /// The parameter files it reads, as the spec writes them.
    pub files: Vec<String>,
    /// Whose arithmetic it is, if it is a model file's.
    pub kernel: Option<Kernel>,
    /// What a user should know of a model file, a sentence each.
    pub notes: Vec<String>,
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
        Some(ItemKind::Import(declaration)) if !is_cyclic(db, item) => {
            import::build(&context, item, declaration, &generics).map(Arc::new)
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
    let mut builder = Builder::new(Evaluator { context, item, locals: &locals }, declaration.name.text.clone());
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
        let tensor = builder.input(&param.name.text, format, shape, param.name.span)?;
        inputs.push(builder.port(&param.name.text, &tensor));
        builder.bind(&param.name.text, NetValue::Tensor(tensor));
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
        name: instance_name(&declaration.name, &declaration.generics, generics),
        output: builder.port("output", &output),
        more_outputs: Vec::new(),
        inputs,
        layers: builder.layers,
        ranges: Arc::new(builder.ranges),
        graph: Arc::new(builder.graph),
        files: builder.files,
        kernel: None,
        notes: Vec::new(),
        real: None,
    })
}

/// `student<6>`.
fn instance_name(name: &Name, names: &[Name], generics: &[i128]) -> Arc<str> {
    if names.is_empty() {
        return name.text.clone();
    }
    let list: Vec<String> = generics.iter().map(i128::to_string).collect();
    format!("{}<{}>", name.text, list.join(", ")).into()
}

impl Network {
    /// The results that [`layer`] can name: the layers', the last of a name, and the outputs.
    pub fn results(&self) -> impl DoubleEndedIterator<Item = &Port> {
        self.layers.iter().map(|layer| &layer.port).chain(&self.more_outputs).chain([&self.output])
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
        Op::Gather { picks } => {
            Op::Gather { picks: picks.iter().inspect(|_| work(1)).map(|(node, i)| (f(*node), *i)).collect() }
        }
    }
}

/// A network with its generics, or a diagnostic that says why there is none.
pub fn instantiate(context: &Context<'_>, item: ItemId, generics: Vec<i128>, used: Place) -> Checked<Arc<Network>> {
    let db = context.db;
    let declared = match tree(db, item).as_deref().and_then(|t| t.kind.network_generics()) {
        Some(names) => names.to_vec(),
        None => return Err(Reported),
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
