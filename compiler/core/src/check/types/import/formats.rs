//! Imports of networks of floats: the formats that quantize them, and which tensors are stored in them.
//!
//! In: an import's options, and the structure of the file's network. Out: a [`FloatImport`]. Where a tensor is stored depends on the file alone,
//! never on the formats: the type of an output is known before the network is built.

use super::Type;
use super::options::option_of;
use crate::check::constant::Evaluator;
use crate::check::model::{ModelError, extension, float_model};
use crate::check::{Checked, at};
use crate::diagnostic::{Diagnostic, Place};
use crate::number_format::Format;
use qnn_import::{FloatNetwork, FloatOperation};
use qnn_ir::interrupt::work;
use qnn_syntax::Span;
use qnn_syntax::ast::{ImportItem, ImportValue, TypeExpr};
use qnn_syntax::builtins::import_option;
use std::path::Path;
use std::sync::Arc;

/// What stands in a first example of each option.
const EXAMPLES: [(&str, &str); 3] =
    [("weights", "fixed<8, 6>"), ("activations", "fixed<8, 4>"), ("input", "fixed<8, 4>")];

/// A format that an option says.
pub struct Chosen<'d> {
    /// The format: of one channel.
    pub format: Format,
    /// Where the spec writes it.
    pub ty: &'d TypeExpr,
}

/// The formats of an import of floats.
pub struct Formats<'d> {
    /// Of the weights.
    pub weights: Chosen<'d>,
    /// Of what activation functions yield, and of sums that weights multiply.
    pub activations: Chosen<'d>,
    /// Of the inputs.
    pub input: Chosen<'d>,
    /// Of the biases; without it, they are rounded to the steps of the sums that they are added to.
    pub biases: Option<Chosen<'d>>,
    /// Of the outputs; without it, they are as the file's last operation leaves them.
    pub outputs: Option<Chosen<'d>>,
}

/// A network of floats, and the formats that quantize it.
pub struct FloatImport<'d> {
    /// What the file holds.
    pub network: Arc<FloatNetwork>,
    /// For each of its tensors, how it is held.
    pub plan: Vec<Plan>,
    /// The formats.
    pub formats: Formats<'d>,
}

/// How a tensor is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Elements of the inputs, in their format.
    Input,
    /// Sums of inputs and constants, exactly: no weight was multiplied.
    Scaled,
    /// Stored activations.
    Stored,
    /// Exact sums.
    Exact,
}

/// What becomes of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How what computes it leaves it.
    pub held: Held,
    /// Whether it is then cast to the format of activations.
    pub cast: bool,
    /// Whether another tensor reads it.
    pub read: bool,
    /// Whether an output depends on it.
    pub live: bool,
}

impl Plan {
    /// How others read it.
    pub fn result(self) -> Held {
        if self.cast { Held::Stored } else { self.held }
    }
}

impl FloatImport<'_> {
    /// The format of an output; `None` for exact numbers.
    pub fn output_format(&self, tensor: usize) -> Option<&Format> {
        let formats = &self.formats;
        if let Some(outputs) = &formats.outputs {
            return Some(&outputs.format);
        }
        match self.plan[tensor].result() {
            Held::Input => Some(&formats.input.format),
            Held::Stored => Some(&formats.activations.format),
            Held::Scaled | Held::Exact => None,
        }
    }
}

/// How each tensor of a network is held.
fn plan(network: &FloatNetwork) -> Vec<Plan> {
    let mut plans: Vec<Plan> = Vec::with_capacity(network.tensors.len());
    let (mut multiplied, mut tabulated) = (vec![false; network.tensors.len()], vec![false; network.tensors.len()]);
    for tensor in &network.tensors {
        match &tensor.operation {
            FloatOperation::Sums { source, .. } => multiplied[*source] = true,
            FloatOperation::Sigmoid(source) | FloatOperation::Tanh(source) => tabulated[*source] = true,
            _ => {}
        }
    }
    for (index, tensor) in network.tensors.iter().enumerate() {
        let result = |source: &usize| plans[*source].result();
        let function = matches!(
            tensor.operation,
            FloatOperation::Clamp { .. }
                | FloatOperation::LeakyRelu { .. }
                | FloatOperation::Sigmoid(_)
                | FloatOperation::Tanh(_)
        );
        let held = match &tensor.operation {
            FloatOperation::Input => Held::Input,
            FloatOperation::Constant(_) => Held::Exact,
            FloatOperation::Max { source, .. } => result(source),
            FloatOperation::Gather(picks) => {
                work(picks.len());
                let known = |tensor: &usize| matches!(network.tensors[*tensor].operation, FloatOperation::Constant(_));
                let mut sources: Vec<usize> = picks.iter().map(|(tensor, _)| *tensor).collect();
                sources.dedup();
                joined(sources.iter().filter(|source| !known(source)).map(result))
            }
            operation => {
                let unweighted = !function && !matches!(operation, FloatOperation::Sums { .. });
                let of_inputs = |source: &usize| matches!(result(source), Held::Input | Held::Scaled);
                if unweighted && operation.sources().iter().all(of_inputs) { Held::Scaled } else { Held::Exact }
            }
        };
        let stored = (multiplied[index] || tabulated[index]) && held == Held::Exact;
        let cast = function || stored || tabulated[index] && held == Held::Scaled;
        plans.push(Plan { held, cast, read: false, live: false });
    }
    network.outputs.iter().for_each(|output| plans[*output].live = true);
    for (index, tensor) in network.tensors.iter().enumerate().rev() {
        if plans[index].live {
            for source in tensor.operation.sources() {
                (plans[source].live, plans[source].read) = (true, true);
            }
        }
    }
    plans
}

/// Whether something is stored as an activation that can be negative, as far as the operators alone say.
pub fn stores_negative(network: &FloatNetwork) -> bool {
    let rectifies = |operation: &FloatOperation| match operation {
        FloatOperation::Clamp { lo, .. } => lo.is_some_and(|lo| lo >= 0.0),
        // Its argument is stored, too, if it is no input; it is looked at for itself.
        FloatOperation::Sigmoid(_) => true,
        _ => false,
    };
    let plans = plan(network);
    network.tensors.iter().zip(plans).any(|(tensor, plan)| plan.live && plan.cast && !rectifies(&tensor.operation))
}

/// How elements of several tensors are held together.
fn joined(parts: impl Iterator<Item = Held>) -> Held {
    let joined = parts.reduce(|a, b| match (a, b) {
        (a, b) if a == b => a,
        (Held::Input | Held::Scaled, Held::Input | Held::Scaled) => Held::Scaled,
        _ => Held::Exact,
    });
    joined.unwrap_or(Held::Exact)
}

impl Evaluator<'_> {
    /// The network of a file of floats and its formats.
    pub(super) fn float_import<'d>(&self, declaration: &'d ImportItem) -> Checked<FloatImport<'d>> {
        let place = at(self.item, declaration.file.span);
        let file = extension(Path::new(&*declaration.file.text));
        let path = &declaration.file.text;
        if file.eq_ignore_ascii_case("tflite") {
            let message = format!("`{path}` can't be quantized by formats: networks of floats are imported from ONNX");
            return Err(self.context.report(
                Diagnostic::error("E0511", message, place, "a TFLite file")
                    .help("a quantized TFLite file is imported with `kernel = …`; a float one can be converted to ONNX by `tf2onnx`"),
            ));
        }
        let formats = self.formats(declaration)?;
        let until = self.until(declaration)?;
        let network = float_model(self.context.db, self.imported_file(declaration), until).clone();
        match network {
            Ok(network) => Ok(FloatImport { plan: plan(&network), network, formats }),
            Err(ModelError::Import(_)) if self.is_quantized(declaration) => {
                let message = format!("`{path}` is quantized already: its formats are in the file");
                Err(self.context.report(
                    Diagnostic::error("E0511", message, place, "no network of floats")
                        .help("say whose arithmetic it is instead of formats, `kernel = ort` for example"),
                ))
            }
            Err(problem) => Err(self.no_model(declaration, &problem)),
        }
    }

    fn formats<'d>(&self, declaration: &'d ImportItem) -> Checked<Formats<'d>> {
        let chosen = |name: &str| self.chosen(declaration, name);
        let missing: Vec<&str> =
            EXAMPLES.iter().map(|(name, _)| *name).filter(|name| option_of(declaration, name).is_none()).collect();
        match (chosen("weights")?, chosen("activations")?, chosen("input")?) {
            (Some(weights), Some(activations), Some(input)) => {
                Ok(Formats { weights, activations, input, biases: chosen("biases")?, outputs: chosen("outputs")? })
            }
            _ => self.no_formats(declaration, &missing),
        }
    }

    /// The format that an option says.
    fn chosen<'d>(&self, declaration: &'d ImportItem, name: &str) -> Checked<Option<Chosen<'d>>> {
        let Some(option) = option_of(declaration, name) else { return Ok(None) };
        let ImportValue::Type(ty) = &option.value else {
            return self.wrong_value(option, &format!("a format: `{name} = fixed<8, 6>`"));
        };
        match self.ty(ty)? {
            Type::Stored(format, shape) if shape.is_empty() && format.channels() == 1 => {
                Ok(Some(Chosen { format, ty }))
            }
            _ => self.context.error(
                "E0302",
                at(self.item, ty.span),
                format!("`{name}` is a format without axes, with one scale for all channels"),
                "not such a format",
            ),
        }
    }

    /// Reports the formats that a network of floats needs.
    pub(super) fn no_formats<T>(&self, declaration: &ImportItem, missing: &[&str]) -> Checked<T> {
        let place = at(self.item, declaration.file.span);
        let path = &declaration.file.text;
        let message = match declaration.options.iter().any(|o| import_option(&o.name.text).is_some_and(|o| o.of_floats))
        {
            false => format!("`{path}` is a network of floats: say the formats that it is quantized by"),
            true => {
                let names: Vec<String> = missing.iter().map(|name| format!("`{name} = …`")).collect();
                format!(
                    "to quantize `{path}`, {} {} missing",
                    names.join(" and "),
                    if names.len() == 1 { "is" } else { "are" }
                )
            }
        };
        let mut diagnostic = Diagnostic::error("E0511", message, place, "holds no integers");
        for name in missing {
            let docs = import_option(name).map_or("", |option| option.docs);
            diagnostic = diagnostic.note(format!("`{name}`: {docs}."));
        }
        let example = |name: &str| {
            let known = EXAMPLES.iter().find(|(known, _)| *known == name);
            format!("{name} = {}", known.map_or("fixed<8, 4>", |(_, format)| format))
        };
        let written: Vec<String> = missing.iter().map(|name| example(name)).collect();
        let kernel = option_of(declaration, "kernel");
        let (at_place, text) = match (declaration.options.last(), kernel) {
            (_, Some(kernel)) => {
                let span = Span::new(kernel.name.span.start, kernel.value_span().end);
                (Place { span, ..place }, written.join(", "))
            }
            (Some(last), None) => {
                let end = last.value_span().end;
                (Place { span: Span::new(end, end), ..place }, format!(", {}", written.join(", ")))
            }
            (None, None) => {
                let end = declaration.file.span.end;
                (Place { span: Span::new(end, end), ..place }, format!(" {{ {} }}", written.join(", ")))
            }
        };
        let title = format!("write {}", written.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", "));
        Err(self.context.report(diagnostic.fix(title, at_place, text)))
    }
}
