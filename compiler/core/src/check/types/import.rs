//! Networks as types see them: the options of an import, and the types of a network's inputs and output.

use super::{Axis, Shape, Type};
use crate::check::constant::{Constant, Evaluator};
use crate::check::model::{ModelError, extension, model};
use crate::check::scope::{lookup, similar};
use crate::check::{Checked, at};
use crate::db::tree;
use crate::diagnostic::{Diagnostic, Place};
use crate::number_format::{Format, Overflow, Scale};
use qnn_import::{ImportedNetwork, ImportedTensor, Kernel, Options, Storage};
use qnn_ir::Rounding;
use qnn_syntax::Span;
use qnn_syntax::ast::{ImportItem, ImportOption, ImportValue, ItemKind, Name, NetworkItem, TypeExpr};
use qnn_syntax::walk::Role;
use std::path::Path;
use std::sync::Arc;

/// What an import can be told.
const OPTIONS: [&str; 3] = ["kernel", "input", "output"];

/// The format of a model's tensor, which rounds as the runtime does where it quantizes an input.
pub fn imported_format(storage: &Storage, kernel: Kernel) -> Format {
    Format {
        width: storage.width,
        signed: storage.signed,
        scale: Scale::Affine { scales: Arc::new([storage.scale.clone()]), zeros: Arc::new([storage.zero]) },
        rounding: if kernel.extension() == "tflite" { Rounding::HalfAway } else { Rounding::HalfEven },
        overflow: if storage.symmetric { Overflow::Symmetric } else { Overflow::Saturate },
    }
}

/// The axes of a model's tensor.
pub fn imported_shape(tensor: &ImportedTensor) -> Shape {
    tensor.shape.iter().map(|size| Axis::of(*size)).collect()
}

impl Evaluator<'_> {
    /// The type that a network's input or output has: `kws.input`, `digits<6>.output`, `two.left`.
    pub(super) fn member(&self, expr: &TypeExpr, member: &Name) -> Checked<Type> {
        let item = lookup(self.context, self.item, &expr.head, Role::Function)?;
        let found = tree(self.context.db, item);
        let place = at(self.item, expr.head.span);
        let Some(kind) = found.as_deref().map(|t| &t.kind).filter(|kind| kind.is_network()) else {
            let message = format!("`{}` is no network, so that it has no inputs", expr.head.text);
            return self.context.error("E0302", place, message, "not a network");
        };
        let names = kind.network_generics().unwrap_or_default();
        let mut generics = Vec::new();
        for argument in self.values(expr)? {
            generics.push(Constant::int(self.integer(argument)?));
        }
        if generics.len() != names.len() {
            let wanted = match names.len() {
                0 => "nothing in angle brackets".to_owned(),
                _ => {
                    names.iter().map(|name| format!("`{}`", name.text)).collect::<Vec<_>>().join(", ")
                        + " in angle brackets"
                }
            };
            return self.arguments(expr, &wanted);
        }
        let locals = |name: &str| Some(Ok(generics[names.iter().position(|g| &*g.text == name)?].clone()));
        let inside = Evaluator { context: self.context, item, locals: &locals };
        match kind {
            ItemKind::Network(declaration) => self.defined_member(&inside, declaration, member),
            ItemKind::Import(declaration) => self.imported_member(&inside, declaration, member),
            _ => Err(crate::check::Reported),
        }
    }

    fn defined_member(&self, inside: &Evaluator<'_>, network: &NetworkItem, member: &Name) -> Checked<Type> {
        let param = network.params.iter().find(|param| param.name.text == member.text);
        let only = || network.params.first().filter(|_| network.params.len() == 1);
        match (param, &*member.text) {
            (Some(param), _) => inside.ty(&param.ty),
            (None, "output") => inside.ty(&network.result),
            (None, "input") if let Some(param) = only() => inside.ty(&param.ty),
            _ => {
                let names: Vec<&str> = network.params.iter().map(|param| &*param.name.text).collect();
                self.no_member(&network.name, member, &names)
            }
        }
    }

    fn imported_member(&self, inside: &Evaluator<'_>, declaration: &ImportItem, member: &Name) -> Checked<Type> {
        let (network, kernel) = inside.import(declaration)?;
        let ports = network.inputs.iter().chain(&network.outputs);
        let only = |ports: &[ImportedTensor]| ports.first().filter(|_| ports.len() == 1).cloned();
        let named = match &*member.text {
            "input" => only(&network.inputs),
            "output" => only(&network.outputs),
            _ => None,
        };
        match named.or_else(|| ports.clone().find(|port| port.name == member.text).cloned()) {
            Some(port) => Ok(match &port.storage {
                Some(storage) => Type::Stored(imported_format(storage, kernel), imported_shape(&port)),
                None => Type::Real(imported_shape(&port)),
            }),
            None => {
                let names: Vec<&str> = ports.map(|port| &*port.name).collect();
                self.no_member(&declaration.name, member, &names)
            }
        }
    }

    fn no_member<T>(&self, network: &Name, member: &Name, names: &[&str]) -> Checked<T> {
        let place = at(self.item, member.span);
        let message = format!("`{}` has no input or output `{}`", network.text, member.text);
        let mut diagnostic = Diagnostic::error("E0201", message, place, "not one of its tensors");
        let written: Vec<String> = names.iter().map(|name| qnn_syntax::lexer::member_text(name).into_owned()).collect();
        let mut known = written.iter().map(String::as_str).chain(["input", "output"]);
        if let Some(near) = similar(&member.text, known.by_ref()) {
            diagnostic = diagnostic.fix(format!("write `{near}`"), place, near);
        } else {
            diagnostic = diagnostic.help(format!(
                "`input` is its only input, `output` its only output; by name it has {}",
                written.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            ));
        }
        Err(self.context.report(diagnostic))
    }

    /// The network of a model file and its kernel, in the scope of its declaration.
    pub fn import(&self, declaration: &ImportItem) -> Checked<(Arc<ImportedNetwork>, Kernel)> {
        let options = self.import_options(declaration)?;
        let kernel = options.kernel;
        let db = self.context.db;
        let folder = self.item.file(db).path(db).parent().unwrap_or(Path::new(""));
        let file = db.data(&folder.join(&*declaration.file.text));
        let place = at(self.item, declaration.file.span);
        model(db, file, options).clone().map(|network| (network, kernel)).map_err(|problem| {
            let path = &declaration.file.text;
            let (code, message, help) = match problem {
                ModelError::File(problem) => ("E0501", format!("`{path}` {}", problem.message), problem.help),
                ModelError::Import(problem) => {
                    let message = match &problem.operator {
                        Some(operator) => format!("{operator} of `{path}` can't be imported: {}", problem.reason),
                        None => format!("`{path}` can't be imported: {}", problem.reason),
                    };
                    ("E0510", message, problem.help)
                }
            };
            let mut diagnostic = Diagnostic::error(code, message, place, "this file");
            diagnostic.help = help;
            self.context.report(diagnostic)
        })
    }

    fn import_options(&self, declaration: &ImportItem) -> Checked<Options> {
        let (mut kernel, mut inputs, mut until) = (None, Vec::new(), None);
        for option in &declaration.options {
            match &*option.name.text {
                "kernel" => kernel = Some(self.kernel(declaration, option)?),
                "input" => match &option.value {
                    ImportValue::Type(ty) => inputs = vec![self.storage(ty)?],
                    ImportValue::Text(_) => return self.wrong_value(option, "a format: `input = ufixed<8, 8>`"),
                },
                "output" => match &option.value {
                    ImportValue::Text(text) => until = Some(text.text.clone()),
                    ImportValue::Type(_) => return self.wrong_value(option, "a tensor's name in quotes"),
                },
                unknown => {
                    let place = at(self.item, option.name.span);
                    let message = format!("an import has no option `{unknown}`");
                    let mut diagnostic = Diagnostic::error("E0511", message, place, "not an option of imports");
                    diagnostic = match similar(unknown, OPTIONS) {
                        Some(near) => diagnostic.fix(format!("write `{near}`"), place, near),
                        None => diagnostic.help("write `kernel = …`, `input = …` for the format of inputs that the file leaves as floats, or `output = \"…\"` for the tensor to end at"),
                    };
                    return Err(self.context.report(diagnostic));
                }
            }
        }
        let kernel = match kernel {
            Some(kernel) => kernel,
            None => return self.no_kernel(declaration),
        };
        Ok(Options { kernel, inputs, until })
    }

    fn no_kernel<T>(&self, declaration: &ImportItem) -> Checked<T> {
        let file = extension(Path::new(&*declaration.file.text));
        let place = at(self.item, declaration.file.span);
        let kernels: Vec<Kernel> = Kernel::for_extension(file).collect();
        let Some(first) = kernels.first() else {
            let message = format!("`{}` is no model that can be imported", declaration.file.text);
            return Err(self.context.report(
                Diagnostic::error("E0510", message, place, "neither `.tflite` nor `.onnx`")
                    .help("convert the model to TFLite or ONNX, or write its layers, with weights from an NPZ or safetensors file"),
            ));
        };
        let mut diagnostic = Diagnostic::error(
            "E0511",
            format!("`{}` computes other integers on other runtimes: say which kernels run it", declaration.file.text),
            place,
            "by whose arithmetic?",
        );
        for kernel in &kernels {
            diagnostic = diagnostic.note(format!("`{}`: {}", kernel.name(), kernel.summary()));
        }
        if declaration.options.is_empty() {
            let end = declaration.file.span.end;
            let behind = Place { span: Span::new(end, end), ..place };
            let text = format!(" {{ kernel = {} }}", first.name());
            diagnostic = diagnostic.fix(format!("write `kernel = {}`", first.name()), behind, text);
        } else {
            diagnostic = diagnostic.help(format!("write `kernel = {}`, for example", first.name()));
        }
        Err(self.context.report(diagnostic))
    }

    fn kernel(&self, declaration: &ImportItem, option: &ImportOption) -> Checked<Kernel> {
        let place = at(self.item, option.value_span());
        let ImportValue::Type(value) = &option.value else {
            return self.wrong_value(option, "a word: `kernel = tflm`");
        };
        let word = &value.head;
        let file = extension(Path::new(&*declaration.file.text));
        let plain = value.arguments.is_empty() && value.shape.is_empty() && value.member.is_none();
        let found = Kernel::by_name(&word.text).filter(|_| plain);
        if let Some(kernel) = found.filter(|kernel| kernel.extension().eq_ignore_ascii_case(file)) {
            return Ok(kernel);
        }
        let names: Vec<&str> = Kernel::for_extension(file).map(Kernel::name).collect();
        let (message, label) = match found {
            Some(kernel) => (
                format!("`{}` runs `.{}` files, not `{}`", word.text, kernel.extension(), declaration.file.text),
                "a kernel of other files",
            ),
            None => (format!("there is no kernel `{}`", word.text), "not a kernel"),
        };
        let mut diagnostic = Diagnostic::error("E0511", message, place, label);
        if matches!(&*word.text, "builtin" | "tflite" | "litert") {
            diagnostic = diagnostic.note(
                "LiteRT's built-in kernels have no one meaning: they differ between processors and releases, and within one tensor between vectors and the rest.",
            );
        }
        diagnostic = match similar(&word.text, names.iter().copied()) {
            Some(near) => diagnostic.fix(format!("write `{near}`"), place, near),
            None if names.is_empty() => diagnostic.help("models are `.tflite` and `.onnx` files"),
            None => {
                diagnostic.help(format!("the kernels of `.{}` files are {}", file.to_lowercase(), names.join(", ")))
            }
        };
        Err(self.context.report(diagnostic))
    }

    fn wrong_value<T>(&self, option: &ImportOption, wanted: &str) -> Checked<T> {
        let place = at(self.item, option.value_span());
        self.context.error("E0511", place, format!("`{}` is set to {wanted}", option.name.text), "something else")
    }

    /// The storage that a format says.
    fn storage(&self, expr: &TypeExpr) -> Checked<Storage> {
        match self.ty(expr)? {
            Type::Stored(format, shape)
                if shape.is_empty() && format.channels() == 1 && format.overflow != Overflow::Wrap =>
            {
                Ok(Storage {
                    width: format.width,
                    signed: format.signed,
                    scale: format.lsb(0),
                    zero: format.zero(0),
                    symmetric: format.overflow == Overflow::Symmetric,
                })
            }
            _ => self.context.error(
                "E0302",
                at(self.item, expr.span),
                "the inputs of a model need a format without axes and channels, which saturates",
                "not such a format",
            ),
        }
    }
}
