//! `textDocument/codeLens`: above each property and network what can be done. Every lens has a command, which the server executes.
//!
//! How a property stands is the inlay hint's to tell. Where the client shows none, or the user wants none, the first lens tells it.

use super::Target;
use super::inlay_hints::standing;
use crate::protocol::{PropertyStatus, State};
use crate::snapshot::Snapshot;
use qnn::db::{ItemId, items, offset, tree};
use qnn::ide::seconds;
use qnn::syntax::Span;
use serde_json::{Value, json};
use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::{CodeLens, Command, Url};

pub fn answer(snapshot: &Snapshot) -> Result<Option<Vec<CodeLens>>> {
    let target = Target::of(snapshot)?;
    // A lens of an earlier text would stand in the wrong line: the next analysis asks for a refresh.
    let status = target.view.status.as_ref().filter(|s| s.document_version == Some(target.view.version));
    let status = status.filter(|_| snapshot.settings.code_lens.enable);
    let properties = status.iter().flat_map(|status| &status.properties);
    let tells = !(snapshot.hints && snapshot.settings.inlay_hints.verdicts);
    let mut all: Vec<CodeLens> = properties.flat_map(|property| lenses(property, &target.view.uri, tells)).collect();
    if status.is_some() {
        all.extend(networks(snapshot, &target));
    }
    Ok(Some(all))
}

/// A lens above each network, which shows its layers.
fn networks(snapshot: &Snapshot, target: &Target<'_>) -> Vec<CodeLens> {
    let db = &snapshot.db;
    let lens = |item: &ItemId| {
        let found = tree(db, *item).as_deref()?;
        let name = found.name().filter(|_| found.kind.is_network())?;
        let start = offset(db, *item);
        let range = target.lines.range(Span::new(start + name.span.start, start + name.span.end));
        let command = Command {
            title: "Show layers".to_owned(),
            command: "qnn.showNetwork".to_owned(),
            arguments: Some(vec![json!({ "uri": target.view.uri, "network": &*name.text })]),
        };
        Some(CodeLens { range, command: Some(command), data: None })
    };
    items(db, target.file).iter().filter_map(lens).collect()
}

fn lenses(property: &PropertyStatus, uri: &Url, tells: bool) -> Vec<CodeLens> {
    let counts = &property.counts;
    let argument = |extra: &[(&str, Value)]| {
        let mut object = json!({ "uri": uri, "property": property.name });
        if let Some(object) = object.as_object_mut() {
            object.extend(extra.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        }
        vec![object]
    };
    let mut all: Vec<CodeLens> = Vec::new();
    let mut add = |title: String, command: &str, arguments: Vec<Value>| {
        let title = if all.is_empty() && tells { format!("{} — {title}", standing(property)) } else { title };
        let command = Some(Command { title, command: command.to_owned(), arguments: Some(arguments) });
        all.push(CodeLens { range: property.range, command, data: None });
    };
    let left = counts.queued + counts.running;
    let open = counts.stale + counts.unverified + counts.cancelled;
    match (left, open, property.instances.len()) {
        // What can't be parsed, and a family without instances, can't be run.
        (.., 0) => {}
        (1.., _, 1) => add("Cancel".to_owned(), "qnn.cancel", argument(&[])),
        (1.., _, all) => add(format!("Cancel {left} of {all}"), "qnn.cancel", argument(&[])),
        (0, 1.., all) if all > open => add(format!("Run {open} of {all}"), "qnn.verify", argument(&[])),
        (0, 1.., _) => add("Run".to_owned(), "qnn.verify", argument(&[])),
        _ => add("Run again".to_owned(), "qnn.verify", argument(&[("force", Value::from(true))])),
    }
    if counts.verdicts.timeout > 0 && left == 0 {
        let slow = property.instances.iter().filter(|i| i.state == State::Timeout);
        let budget = slow.clone().map(|i| i.budget).fold(0.0, f64::max) * 5.0;
        let names: Vec<&str> = slow.map(|i| i.name.as_str()).collect();
        let which = if property.family { format!(" {} timed out", counts.verdicts.timeout) } else { String::new() };
        add(
            format!("Retry{which} with {}", seconds(budget)),
            "qnn.verify",
            argument(&[("instances", json!(names)), ("budget", json!(budget))]),
        );
    }
    if property.instances.iter().any(|i| i.has_counterexample) {
        let title = if counts.verdicts.violated > 0 { "Show counterexample" } else { "Show witness" };
        add(title.to_owned(), "qnn.showCounterexample", argument(&[]));
    }
    if property.instances.iter().any(|i| i.verdict.is_some() && i.as_expected.is_some()) {
        add("Report".to_owned(), "qnn.report", argument(&[]));
    }
    all
}
