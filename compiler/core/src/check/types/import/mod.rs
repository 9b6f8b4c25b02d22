//! Networks as types see them: what an import declares, and the types of a network's inputs and output.

mod formats;
mod options;

use super::{Axis, Shape, Type};
use crate::check::constant::{Constant, Evaluator};
use crate::check::scope::{lookup, similar};
use crate::check::{Checked, at};
use crate::db::tree;
use crate::diagnostic::Diagnostic;
use crate::number_format::{Format, Overflow, Scale};
pub use formats::{FloatImport, Held, stores_negative};
use qnn_import::{ImportedNetwork, ImportedTensor, Kernel, Storage};
use qnn_ir::Rounding;
use qnn_syntax::ast::{ImportItem, ItemKind, Name, NetworkItem, TypeExpr};
use qnn_syntax::walk::Role;
use std::sync::Arc;

/// What an import declares.
pub enum Import<'d> {
    /// A network of integers, by a kernel's arithmetic.
    Deployed(Arc<ImportedNetwork>, Kernel),
    /// A network of floats, by the formats of the spec.
    Float(Box<FloatImport<'d>>),
}

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

/// An input or output by its name in the file.
type TypedPort = (Arc<str>, Type);

/// Stored in the format, or exact.
fn typed(format: Option<Format>, shape: Shape) -> Type {
    match format {
        Some(format) => Type::Stored(format, shape),
        None => Type::Real(shape),
    }
}

/// The axes of a model's tensor.
pub fn imported_shape(shape: &[usize]) -> Shape {
    shape.iter().map(|size| Axis::of(*size)).collect()
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
        let (inputs, outputs): (Vec<TypedPort>, Vec<TypedPort>) = match inside.import(declaration)? {
            Import::Deployed(network, kernel) => {
                let typed = |port: &ImportedTensor| {
                    let format = port.storage.as_ref().map(|storage| imported_format(storage, kernel));
                    (port.name.clone(), typed(format, imported_shape(&port.shape)))
                };
                (network.inputs.iter().map(typed).collect(), network.outputs.iter().map(typed).collect())
            }
            Import::Float(import) => {
                let tensors = &import.network.tensors;
                let named = |index: &usize, format: Option<&Format>| {
                    (tensors[*index].name.clone(), typed(format.cloned(), imported_shape(&tensors[*index].shape)))
                };
                let inputs = import.network.inputs.iter().map(|i| named(i, Some(&import.formats.input.format)));
                let outputs = import.network.outputs.iter().map(|i| named(i, import.output_format(*i)));
                (inputs.collect(), outputs.collect())
            }
        };
        let only = |ports: &[TypedPort]| ports.first().filter(|_| ports.len() == 1).cloned();
        let named = match &*member.text {
            "input" => only(&inputs),
            "output" => only(&outputs),
            _ => None,
        };
        let ports = || inputs.iter().chain(&outputs);
        match named.or_else(|| ports().find(|(name, _)| *name == member.text).cloned()) {
            Some((_, ty)) => Ok(ty),
            None => {
                let names: Vec<&str> = ports().map(|(name, _)| &**name).collect();
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
}
