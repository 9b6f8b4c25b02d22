//! The instances of networks that a spec uses: what hovers and hints tell of layers.

use crate::check::constant::{Constant, Evaluator, Local};
use crate::check::network::{Layer, Network, network};
use crate::check::scope::scope;
use crate::check::spec::{family, verifiable};
use crate::check::{Context, types::show_shape};
use crate::db::{Db, ItemId, SourceFile, tree};
use qnn_syntax::ast::ExprKind;
use qnn_syntax::walk::{self, Visit};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The most instances of one network that are looked at.
const MOST: usize = 6;
/// The most instances of a family that are looked at.
const MOST_OF_FAMILY: usize = 2_000;

/// The instances of a network that the properties of its file, or of `from`, ask for by constants or their parameters; in the order of their
/// integers. A network without integers is its only instance. Empty where they are wrong.
pub(super) fn instances(db: &dyn Db, item: ItemId, from: SourceFile) -> Vec<Arc<Network>> {
    let generic = match tree(db, item).as_deref().and_then(|t| t.kind.network_generics()) {
        Some(names) => !names.is_empty(),
        None => return Vec::new(),
    };
    let wanted = if generic { wanted(db, item, from) } else { BTreeSet::from([Vec::new()]) };
    wanted.into_iter().take(MOST).filter_map(|generics| network(db, item, generics).value.clone()).collect()
}

fn wanted(db: &dyn Db, item: ItemId, from: SourceFile) -> BTreeSet<Vec<i128>> {
    let mut all = BTreeSet::new();
    let outcome = scope(db, from);
    let Some(scope) = &outcome.value else { return all };
    let name = item.name(db);
    if scope.names.get(name) != Some(&item) {
        return all;
    }
    for property in verifiable(db, from) {
        let Some(tree) = tree(db, property) else { continue };
        let mut calls = Vec::new();
        walk::item(tree, &mut |visit| {
            if let Visit::Expr(e) = visit
                && let ExprKind::Call(call) = &e.kind
                && &*call.callee.text == name
                && !calls.contains(&&call.generics)
            {
                calls.push(&call.generics);
            }
        });
        if calls.is_empty() {
            continue;
        }
        let Some(family) = &family(db, property).value else { continue };
        for values in family.instances.iter().take(MOST_OF_FAMILY) {
            let locals = |local: &str| -> Option<Local> {
                let index = family.names.iter().position(|n| &**n == local)?;
                values.get(index).cloned().map(Ok)
            };
            for generics in &calls {
                let context = Context::new(db);
                let evaluator = Evaluator { context: &context, item: property, locals: &locals };
                let integers: Result<Vec<i128>, _> = generics.iter().map(|e| evaluator.integer(e)).collect();
                if let Ok(integers) = integers {
                    all.insert(integers);
                }
            }
            if all.len() >= MOST {
                return all;
            }
        }
    }
    all
}

/// `(image: ufixed<8, 3>[8, 8]) -> fixed<6, 3>[10]`.
pub(super) fn signature(db: &dyn Db, network: &Network) -> String {
    let port = |port: &crate::check::network::Port| {
        let format = port.format.as_ref().map_or_else(|| "exact".to_owned(), ToString::to_string);
        format!("{format}{}", show_shape(db, &port.shape))
    };
    let inputs: Vec<String> = network.inputs.iter().map(|p| format!("{}: {}", p.name, port(p))).collect();
    format!("({}) -> {}", inputs.join(", "), port(&network.output))
}

/// A constant of an item, if it can be evaluated where nothing is bound.
pub(super) fn constant(db: &dyn Db, item: ItemId, expr: &qnn_syntax::ast::Expr) -> Option<Constant> {
    let context = Context::new(db);
    Evaluator { context: &context, item, locals: &|_| None }.eval(expr).ok()
}

/// The layer whose exact result a cast takes.
pub(super) fn before<'a>(layer: &Layer, network: &'a Network) -> Option<&'a Layer> {
    layer.port.format.as_ref()?;
    let span = layer.place.span;
    let inside = |other: &&Layer| {
        other.place.item == layer.place.item
            && span.start <= other.place.span.start
            && other.place.span.end <= span.end
            && other.place.span != span
            && other.port.format.is_none()
            && other.port.node.index() < layer.port.node.index()
    };
    network.layers.iter().filter(inside).max_by_key(|other| other.range.signed_width())
}
