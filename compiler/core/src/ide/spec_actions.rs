//! Code actions that write specs: questions about the network that the cursor stands in.
//!
//! In: a span of a file. Out: titled edits that add a property or a measure at the file's end. Offered is what the spec has the parts of: a dataset whose field
//! is the network's input, with classes as many as its outputs, and integers for which a generic network can be built.

use super::code_actions::{Action, unique};
use super::networks::instances;
use super::{Edit, FileRange, moved, text};
use crate::check::data::{Samples, dataset};
use crate::check::network::{Network, network};
use crate::check::types::{Type, count, same_sizes};
use crate::db::{Db, ItemId, SourceFile, items, offset, tree};
use qnn_syntax::Span;
use qnn_syntax::ast::ItemKind;
use std::sync::Arc;

/// The samples that are asked about.
const SAMPLES: usize = 10;
/// The greatest radius that is tried.
const RADIUS: usize = 16;

/// What is asked of samples: `test[i].image` with the class `test[i].label`.
struct Labelled {
    dataset: String,
    input: String,
    label: String,
}

/// The actions for a span that touches a network.
pub fn spec_actions(db: &dyn Db, file: SourceFile, within: Span) -> Vec<Action> {
    let touched = |item: &&ItemId| {
        let Some(found) = tree(db, **item).as_deref() else { return false };
        let span = moved(found.span, offset(db, **item));
        found.kind.is_network() && span.start <= within.end && within.start <= span.end
    };
    let Some(item) = items(db, file).iter().find(touched).copied() else { return Vec::new() };
    let known = instances(db, item, file);
    let Some(first) = known.first() else { return Vec::new() };
    let Some(samples) = items(db, file).iter().find_map(|data| labelled(db, *data, first)) else { return Vec::new() };
    let name = item.name(db);
    let generics = tree(db, item).as_deref().and_then(|found| found.kind.network_generics()).unwrap_or_default().len();
    let called = first.name.to_string();
    let Labelled { dataset, input, label } = &samples;
    let ball = |radius: &str| format!("forall x in ball({dataset}[i].{input}, {radius} lsb)");
    let class = |network: &str| format!("argmax({network}(x)) == {dataset}[i].{label}");
    let few = format!("i in 0..min(len({dataset}), {SAMPLES})");
    let mut all = Vec::new();
    let mut add = |title: &str, wanted: &str, body: &dyn Fn(&str) -> String| {
        let written = unique(db, file, wanted);
        let source = text(db, file);
        let end = source.trim_end().len() as u32;
        let edit = Edit {
            range: FileRange { file, span: Span::new(end, source.len() as u32) },
            text: format!("\n\n{}\n", body(&written)),
        };
        all.push(Action { title: format!("{title}: add `{written}`"), edits: vec![edit], diagnostic: None });
    };
    add(&format!("Ask whether `{called}` is robust"), &format!("{name}_is_robust"), &|written| {
        format!(
            "/// Whether every input whose integers differ by at most `eps` from a sample's gets the sample's class.\nproperty {written}({few}, eps in [1, 2]) =\n    {}:\n        {};",
            ball("eps"),
            class(&called)
        )
    });
    if let Some(widths) = widths(db, item, generics, &known) {
        let list: Vec<String> = widths.iter().map(i128::to_string).collect();
        add(&format!("Sweep the bits of `{name}`"), &format!("{name}_by_bits"), &|written| {
            format!(
                "/// The same question for each number of bits.\nproperty {written}({few}, bits in [{}]) =\n    {}:\n        {};",
                list.join(", "),
                ball("1"),
                class(&format!("{name}<bits>"))
            )
        });
    }
    add(&format!("Measure the radius up to which `{called}` keeps the class"), &format!("{name}_radius"), &|written| {
        format!(
            "/// The largest change of each integer that never changes a sample's class; one step more, and it can.\nmeasure {written}({few}) = largest eps in 0..={RADIUS} such that\n    {}:\n        {};",
            ball("eps"),
            class(&called)
        )
    });
    all
}

/// The fields of a dataset that are a network's input and the class of its output.
fn labelled(db: &dyn Db, item: ItemId, network: &Network) -> Option<Labelled> {
    if !matches!(tree(db, item).as_deref().map(|found| &found.kind), Some(ItemKind::Dataset(_))) {
        return None;
    }
    let [port] = network.inputs.as_slice() else { return None };
    let outcome = dataset(db, item);
    let data = outcome.value.as_ref()?;
    let fits = |ty: &Type| match ty {
        Type::Stored(format, shape) => port.format.as_ref() == Some(format) && same_sizes(shape, &port.shape),
        _ => false,
    };
    let input = data.fields.iter().find(|field| fits(&field.ty))?;
    let classes = count(&network.output.shape);
    let label = data.fields.iter().find(
        |field| matches!((&field.ty, &field.data), (Type::Class(known), Samples::Classes(_)) if known.count == classes),
    )?;
    Some(Labelled { dataset: item.name(db).to_owned(), input: input.name.to_string(), label: label.name.to_string() })
}

/// The integers of a network that is generic over one, by which it can be built: those that are used, with their neighbours where that is only one.
fn widths(db: &dyn Db, item: ItemId, generics: usize, known: &[Arc<Network>]) -> Option<Vec<i128>> {
    if generics != 1 {
        return None;
    }
    let integer =
        |network: &Arc<Network>| network.name.split_once('<')?.1.strip_suffix('>')?.trim().parse::<i128>().ok();
    let used: Vec<i128> = known.iter().filter_map(integer).collect();
    if used.len() > 1 {
        return Some(used);
    }
    let only = *used.first()?;
    let around =
        (only.saturating_sub(2)..=only.saturating_add(2)).filter(|bits| network(db, item, vec![*bits]).value.is_some());
    let around: Vec<i128> = around.collect();
    (around.len() > 1).then_some(around)
}
