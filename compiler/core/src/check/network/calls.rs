//! Which network a call means: itself, its real-valued reading, or the part up to a layer.

use super::super::data::list_names;
use super::super::scope::similar;
use super::super::{Checked, Context};
use super::{Network, Port, instantiate, instantiate_real, network};
use crate::db::{Db, ItemId};
use crate::diagnostic::{Diagnostic, Place};
use qnn_syntax::ast::Call;
use std::sync::Arc;

/// A network up to one of its layers, by the layer's name, or by the name of one of its outputs; `None` if there is no such layer.
#[salsa::tracked]
pub fn layer(db: &dyn Db, item: ItemId, generics: Vec<i128>, name: Arc<str>) -> Option<Arc<Network>> {
    let whole = network(db, item, generics).value.clone()?;
    let exact = whole.results().rev().find(|port| port.name == name);
    let output = exact.or_else(|| whole.results().rev().find(|port| port.is_called(&name)))?.clone();
    let name = format!("{}.at({})", whole.name, quoted(&name)).into();
    Some(Arc::new(Network { name, output, more_outputs: Vec::new(), ..(*whole).clone() }))
}

/// The network that a call means: itself, its real-valued reading, or the part up to a layer.
pub fn called(
    context: &Context<'_>,
    item: ItemId,
    generics: Vec<i128>,
    call: &Call,
    used: Place,
) -> Checked<Arc<Network>> {
    if call.real().is_some() {
        return instantiate_real(context, item, generics, used);
    }
    let whole = instantiate(context, item, generics.clone(), used)?;
    let Some(at) = call.at() else {
        if whole.more_outputs.is_empty() {
            return Ok(whole);
        }
        let names: Vec<String> =
            [&whole.output].into_iter().chain(&whole.more_outputs).map(|p| quoted(p.short_name())).collect();
        return Err(context.report(
            Diagnostic::error("E0303", format!("`{}` has {} outputs", whole.name, names.len()), used, "which of them?")
                .help(format!("write `{}.at({})(…)`; its outputs are {}", whole.name, names[0], names.join(", "))),
        ));
    };
    if let Some(found) = layer(context.db, item, generics, at.text.clone()) {
        return Ok(found.clone());
    }
    let place = Place { span: at.span, ..used };
    let mut known: Vec<&str> = whole.results().map(Port::short_name).filter(|name| !name.starts_with('#')).collect();
    known.dedup();
    let mut diagnostic = Diagnostic::error(
        "E0201",
        format!("`{}` has no layer {}", whole.name, quoted(&at.text)),
        place,
        "not the name of a layer",
    );
    diagnostic = match similar(&at.text, known.iter().copied()) {
        Some(near) => diagnostic.fix(format!("write {}", quoted(near)), place, quoted(near)),
        None => diagnostic.help(format!("its layers are {}; `qnn show` lists them", list_names(&known))),
    };
    Err(context.report(diagnostic))
}

/// A text as a spec writes it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
