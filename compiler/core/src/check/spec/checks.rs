//! All diagnostics of an item and of a file.

use super::attribute::attributes;
use super::counted::Indices;
use super::instances::{family, instance_name, named};
use super::lowering::{Question, goal_at, largest_at, lower, number_at, optimization_at};
use super::names::{check_names, check_twice, is_mentioned, unused};
use crate::check::constant::{Evaluator, constant_item};
use crate::check::data::{ParamsFile, dataset};
use crate::check::network::network;
use crate::check::scope::{file_diagnostics, scope};
use crate::check::{Context, at};
use crate::db::{Db, ItemId, SourceFile, items, tree, whole_file};
use crate::diagnostic::{Diagnostic, Place, Severity};
use qnn_syntax::Span;
use qnn_syntax::ast::{ImportItem, ItemKind, NetworkItem};
use qnn_syntax::builtins::function;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

/// Families larger than this are checked at both ends only; all their instances are checked when they are verified.
const CHECKED_INSTANCES: usize = 2_000;

/// What is to be said about an item. Networks are said more of where instances use them.
#[salsa::tracked]
pub fn check_item(db: &dyn Db, item: ItemId) -> Arc<Vec<Diagnostic>> {
    let context = Context::new(db);
    let mut all: Vec<Diagnostic> = Vec::new();
    let Some(found) = tree(db, item).clone() else { return Arc::default() };
    let names = Context::new(db);
    check_names(&names, item, &found);
    all.extend(names.outcome(Ok(())).diagnostics);
    check_twice(&context, item, &found);
    let nothing = |_: &str| None;
    let evaluator = Evaluator { context: &context, item, locals: &nothing };
    match &found.kind {
        ItemKind::Use(_) => {}
        ItemKind::Type(alias) if alias.generics.is_empty() => {
            let _ = evaluator.ty(&alias.ty);
        }
        ItemKind::Type(_) => {}
        ItemKind::Def(declaration) => {
            let taken = function(&declaration.name.text).is_some();
            if !taken && !is_mentioned(db, item) {
                context.report(unused(item, &declaration.name, "never called"));
            }
        }
        ItemKind::Enum(declaration) => {
            if declaration.variants.is_empty() {
                context.report(Diagnostic::error(
                    "E0302",
                    "an enum needs a variant",
                    at(item, declaration.name.span),
                    "has none",
                ));
            }
        }
        ItemKind::Const(_) => all.extend(constant_item(db, item).diagnostics.iter().cloned()),
        ItemKind::Dataset(_) => all.extend(dataset(db, item).diagnostics.iter().cloned()),
        ItemKind::Params(params) => {
            let _ = ParamsFile::new(&evaluator, params);
        }
        ItemKind::Network(declaration) if declaration.generics.is_empty() => {
            all.extend(network(db, item, Vec::new()).diagnostics.iter().cloned());
        }
        ItemKind::Import(declaration) if declaration.generics.is_empty() => {
            all.extend(network(db, item, Vec::new()).diagnostics.iter().cloned());
        }
        ItemKind::Network(NetworkItem { name, .. }) | ItemKind::Import(ImportItem { name, .. }) => {
            if !is_mentioned(db, item) {
                context.report(unused(item, name, "generic, and never instantiated"));
            }
        }
        ItemKind::Property(_) | ItemKind::Measure(_) => {
            all.extend(attributes(db, item).diagnostics.iter().cloned());
            let family = family(db, item);
            all.extend(family.diagnostics.iter().cloned());
            if let Some(family) = &family.value {
                let count = family.instances.len();
                let half = CHECKED_INSTANCES / 2;
                let mut checked = 0;
                let mut constant: HashMap<(&str, Place), usize> = HashMap::new();
                for (index, values) in family.instances.iter().enumerate() {
                    if index >= half && index + half < count {
                        continue;
                    }
                    db.unwind_if_revision_cancelled();
                    let context = Context::new(db);
                    let parameters = named(&family.names, values);
                    let lowered = lower(&context, item, &parameters);
                    if let Ok(question) = &lowered {
                        all.extend(at_ends(db, item, index, question));
                    }
                    let failed = lowered.is_err();
                    checked += 1;
                    let mut found = context.outcome(lowered).diagnostics;
                    if !values.is_empty() {
                        let name = instance_name(db, item, family, index);
                        found.iter_mut().filter(|d| d.labels[0].place.item == item).for_each(|d| {
                            d.notes.push(format!("This is so for `{name}`."));
                        });
                    }
                    for diagnostic in found.iter().filter(|d| matches!(d.code, "W0604" | "W0615")) {
                        *constant.entry((diagnostic.code, diagnostic.labels[0].place)).or_default() += 1;
                    }
                    all.extend(found);
                    if failed && all.len() > 20 {
                        break;
                    }
                }
                // Some instances at a family's edge may well be constant, or left out by a premise; not all of them.
                all.retain(|d| constant.get(&(d.code, d.labels[0].place)).is_none_or(|count| *count == checked));
            }
        }
    }
    all.extend(context.outcome(Ok(())).diagnostics);
    Arc::new(unique(all))
}

/// What is to be said of the goals of a measure that tries or counts several: of the first and the last.
fn at_ends(db: &dyn Db, item: ItemId, index: usize, question: &Question) -> Vec<Diagnostic> {
    match question {
        Question::Property(_) | Question::Optimize(_) => Vec::new(),
        Question::Largest { domain, .. } => {
            [domain.0, domain.1].into_iter().flat_map(|n| largest_at(db, item, index, n).diagnostics).collect()
        }
        Question::Share(counted) => {
            let ends = [counted.first(), counted.last()].into_iter().flatten();
            ends.flat_map(|values| goal_at(db, item, index, values).diagnostics).collect()
        }
        Question::OptimizeOver(Indices { choices, has_values: true, .. }) => {
            let ends = [choices.first(), choices.last()].map(|choice| {
                choice.map_or_else(Vec::new, |choice| optimization_at(db, item, index, choice).diagnostics)
            });
            // As with the instances of a family: some choices may well be constant, or without inputs.
            let alike = |d: &Diagnostic, other: &[Diagnostic]| {
                other.iter().any(|o| o.code == d.code && o.labels[0].place == d.labels[0].place)
            };
            let said = |d: &&Diagnostic| d.severity == Severity::Error || ends.iter().all(|end| alike(d, end));
            ends.iter().flatten().filter(said).cloned().collect()
        }
        Question::OptimizeOver(Indices { choices: counted, .. }) | Question::Average(counted) => {
            let ends = [counted.first(), counted.last()].into_iter().flatten();
            ends.flat_map(|values| number_at(db, item, index, values).diagnostics).collect()
        }
    }
}

/// The same thing said of the same places counts once, whatever instance it was said for. A warning that is another one for another instance
/// (weights saturate at each width in their own way) says so in its notes.
fn unique(all: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut first: HashMap<(&'static str, Vec<Place>), usize> = HashMap::new();
    let mut kept: Vec<Diagnostic> = Vec::new();
    for diagnostic in all {
        let places = diagnostic.labels.iter().map(|label| label.place).collect();
        match first.entry((diagnostic.code, places)) {
            Entry::Vacant(entry) => {
                entry.insert(kept.len());
                kept.push(diagnostic);
            }
            Entry::Occupied(entry) => {
                let known = &mut kept[*entry.get()];
                if diagnostic.severity == Severity::Warning && !known.says(&diagnostic.message) {
                    let instance = diagnostic.notes.last().map_or_else(String::new, |note| format!(" {note}"));
                    known.notes.push(format!("{}.{instance}", diagnostic.message));
                }
            }
        }
    }
    kept
}

/// What is to be said about a file itself, in the order of its text: names and syntax, then item by item.
#[salsa::tracked]
fn own_diagnostics(db: &dyn Db, file: SourceFile) -> Arc<Vec<Diagnostic>> {
    let mut all = file_diagnostics(db, file);
    for item in items(db, file) {
        all.extend(check_item(db, *item).iter().cloned());
    }
    if all.is_empty() && items(db, file).is_empty() {
        all.push(
            Diagnostic::warning(
                "W0614",
                "this file defines nothing",
                at(whole_file(db, file), Span::default()),
                "no item",
            )
            .note("An item inside of a comment is none: `//` makes a comment of all that follows on its line.")
            .help("write an item: `property name = …;`, say"),
        );
    }
    Arc::new(unique(all))
}

/// All diagnostics of a file: its own, and the errors of every file that it uses, whatever names it takes from there.
#[salsa::tracked]
pub fn diagnostics(db: &dyn Db, file: SourceFile) -> Arc<Vec<Diagnostic>> {
    let mut all = own_diagnostics(db, file).to_vec();
    for used in scope(db, file).value.iter().flat_map(|scope| &scope.used) {
        all.extend(own_diagnostics(db, *used).iter().filter(|d| d.severity == Severity::Error).cloned());
    }
    Arc::new(unique(all))
}

/// The properties and measures of a file, in the order of its text.
pub fn verifiable(db: &dyn Db, file: SourceFile) -> Vec<ItemId> {
    items(db, file)
        .iter()
        .copied()
        .filter(|item| {
            matches!(tree(db, *item).as_deref().map(|t| &t.kind), Some(ItemKind::Property(_) | ItemKind::Measure(_)))
        })
        .collect()
}
