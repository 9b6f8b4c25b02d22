//! The options of an import: a kernel, or formats, and what both have.

use super::{Import, Type};
use crate::check::constant::Evaluator;
use crate::check::model::{ModelError, extension, model, model_summary};
use crate::check::scope::similar;
use crate::check::{Checked, at};
use crate::db::DataFile;
use crate::diagnostic::{Diagnostic, Place};
use crate::number_format::Overflow;
use qnn_import::{ImportedNetwork, Kernel, Options, Storage};
use qnn_syntax::Span;
use qnn_syntax::ast::{ImportItem, ImportOption, ImportValue, TypeExpr};
use qnn_syntax::builtins::{IMPORT_OPTIONS, import_option};
use std::path::Path;
use std::sync::Arc;

impl Evaluator<'_> {
    /// What an import declares, in the scope of its declaration.
    pub fn import<'d>(&self, declaration: &'d ImportItem) -> Checked<Import<'d>> {
        self.known_options(declaration)?;
        let kernel = option_of(declaration, "kernel");
        let format = declaration.options.iter().find(|o| import_option(&o.name.text).is_some_and(|o| o.of_floats));
        let place = |option: &ImportOption| at(self.item, option.name.span);
        match (kernel, format) {
            (Some(kernel), Some(format)) => {
                let message = format!("`kernel` and `{}` exclude each other", format.name.text);
                Err(self.context.report(
                    Diagnostic::error("E0511", message, place(format), "a format of networks of floats")
                        .label(place(kernel), "the arithmetic of quantized files")
                        .help("a quantized file has its formats in it, and says no more than `kernel`; a network of floats has no kernel"),
                ))
            }
            (None, Some(_)) => self.float_import(declaration).map(Box::new).map(Import::Float),
            (None, None) if self.is_float(declaration) => {
                self.no_formats(declaration, &["weights", "activations", "input"])
            }
            _ => self.deployed(declaration).map(|(network, kernel)| Import::Deployed(network, kernel)),
        }
    }

    /// The imported file.
    pub(super) fn imported_file(&self, declaration: &ImportItem) -> DataFile {
        let db = self.context.db;
        let folder = self.item.file(db).path(db).parent().unwrap_or(Path::new(""));
        db.data(&folder.join(&*declaration.file.text))
    }

    /// Whether the file can be read, and holds a network of floats.
    pub(super) fn is_float(&self, declaration: &ImportItem) -> bool {
        let summary = model_summary(self.context.db, self.imported_file(declaration));
        summary.as_ref().is_ok_and(|summary| summary.is_float())
    }

    /// Whether the file can be read, and holds quantized numbers.
    pub(super) fn is_quantized(&self, declaration: &ImportItem) -> bool {
        let summary = model_summary(self.context.db, self.imported_file(declaration));
        summary.as_ref().is_ok_and(|summary| !summary.is_float())
    }

    /// The network of a quantized file, by its kernel.
    fn deployed(&self, declaration: &ImportItem) -> Checked<(Arc<ImportedNetwork>, Kernel)> {
        let options = self.kernel_options(declaration)?;
        let kernel = options.kernel;
        let found = model(self.context.db, self.imported_file(declaration), options).clone();
        found.map(|network| (network, kernel)).map_err(|problem| {
            if kernel.extension() == "onnx" && self.is_float(declaration) {
                let named = |name: &&str| option_of(declaration, name).is_none();
                let missing: Vec<&str> = ["weights", "activations", "input"].into_iter().filter(named).collect();
                return match self.no_formats::<()>(declaration, &missing) {
                    Err(reported) => reported,
                    Ok(()) => crate::check::Reported,
                };
            }
            self.no_model(declaration, &problem)
        })
    }

    /// Reports why a file is no network.
    pub(super) fn no_model(&self, declaration: &ImportItem, problem: &ModelError) -> crate::check::Reported {
        let place = at(self.item, declaration.file.span);
        let path = &declaration.file.text;
        let (code, message, help) = match problem {
            ModelError::File(problem) => ("E0501", format!("`{path}` {}", problem.message), problem.help.clone()),
            ModelError::Import(problem) => {
                let message = match &problem.operator {
                    Some(operator) => format!("{operator} of `{path}` can't be imported: {}", problem.reason),
                    None => format!("`{path}` can't be imported: {}", problem.reason),
                };
                ("E0510", message, problem.help.clone())
            }
        };
        let mut diagnostic = Diagnostic::error(code, message, place, "this file");
        diagnostic.help = help;
        self.context.report(diagnostic)
    }

    fn known_options(&self, declaration: &ImportItem) -> Checked<()> {
        let unknown = declaration.options.iter().map(|o| &o.name).find(|name| import_option(&name.text).is_none());
        let Some(unknown) = unknown else { return Ok(()) };
        let place = at(self.item, unknown.span);
        let message = format!("an import has no option `{}`", unknown.text);
        let mut diagnostic = Diagnostic::error("E0511", message, place, "not an option of imports");
        diagnostic = match similar(&unknown.text, IMPORT_OPTIONS.iter().map(|option| option.name)) {
            Some(near) => diagnostic.fix(format!("write `{near}`"), place, near),
            None => {
                for option in IMPORT_OPTIONS {
                    diagnostic = diagnostic.note(format!("`{} = …`: {}", option.name, option.docs));
                }
                diagnostic
            }
        };
        Err(self.context.report(diagnostic))
    }

    fn kernel_options(&self, declaration: &ImportItem) -> Checked<Options> {
        let (mut kernel, mut inputs) = (None, Vec::new());
        for option in &declaration.options {
            match (&*option.name.text, &option.value) {
                ("kernel", _) => kernel = Some(self.kernel(declaration, option)?),
                ("input", ImportValue::Type(ty)) => inputs = vec![self.storage(ty)?],
                ("input", ImportValue::Text(_)) => {
                    return self.wrong_value(option, "a format: `input = ufixed<8, 8>`");
                }
                _ => {}
            }
        }
        let until = self.until(declaration)?;
        let kernel = match kernel {
            Some(kernel) => kernel,
            None => return self.no_kernel(declaration),
        };
        Ok(Options { kernel, inputs, until })
    }

    /// The tensor to end at.
    pub(super) fn until(&self, declaration: &ImportItem) -> Checked<Option<Arc<str>>> {
        match option_of(declaration, "output") {
            Some(ImportOption { value: ImportValue::Text(text), .. }) => Ok(Some(text.text.clone())),
            Some(option) => self.wrong_value(option, "a tensor's name in quotes"),
            None => Ok(None),
        }
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

    pub(super) fn wrong_value<T>(&self, option: &ImportOption, wanted: &str) -> Checked<T> {
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

/// The option of a name.
pub(super) fn option_of<'d>(declaration: &'d ImportItem, name: &str) -> Option<&'d ImportOption> {
    declaration.options.iter().find(|option| &*option.name.text == name)
}
