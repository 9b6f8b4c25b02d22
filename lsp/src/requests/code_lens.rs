//! `textDocument/codeLens`: above each property how it stands and what can be done. Every lens has a command, which the server executes.

use super::Target;
use super::inlay_hints::{mark, short};
use crate::owner::Snapshot;
use crate::protocol::{PropertyStatus, State};
use serde_json::{Value, json};
use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::{CodeLens, Command, Url};

pub fn answer(snapshot: &Snapshot) -> Result<Option<Vec<CodeLens>>> {
    let target = Target::of(snapshot)?;
    // A lens of an earlier text would stand in the wrong line: the next analysis asks for a refresh.
    let status = target.view.status.as_ref().filter(|s| s.document_version == Some(target.view.version));
    let status = status.filter(|_| snapshot.settings.code_lens.enable);
    let properties = status.iter().flat_map(|status| &status.properties);
    Ok(Some(properties.flat_map(|property| lenses(property, &target.view.uri)).collect()))
}

fn lenses(property: &PropertyStatus, uri: &Url) -> Vec<CodeLens> {
    let counts = &property.counts;
    let argument = |extra: &[(&str, Value)]| {
        let mut object = json!({ "uri": uri, "property": property.name });
        if let Some(object) = object.as_object_mut() {
            object.extend(extra.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        }
        vec![object]
    };
    let lens = |title: String, command: &str, arguments: Vec<Value>| CodeLens {
        range: property.range,
        command: Some(Command { title, command: command.to_owned(), arguments: Some(arguments) }),
        data: None,
    };
    let active = counts.queued + counts.running > 0;
    let time = if property.time > 0.0 { format!(" · {:.1} s", property.time) } else { String::new() };
    let mut all = vec![lens(
        format!("{} {}{time}", mark(property), short(property)),
        "qnn.verify",
        argument(&[("force", Value::from(property.state == State::Proved))]),
    )];
    if property.state == State::Error && property.instances.is_empty() {
        return all;
    }
    if active {
        all.push(lens("Cancel".to_owned(), "qnn.cancel", argument(&[])));
    } else if counts.stale + counts.unverified > 0 || property.instances.iter().any(|i| i.cancelled) {
        let title = if counts.stale > 0 { "⟳ stale — verify" } else { "Verify" };
        all.push(lens(title.to_owned(), "qnn.verify", argument(&[])));
    } else {
        all.push(lens("Run".to_owned(), "qnn.verify", argument(&[("force", Value::from(true))])));
    }
    if counts.timeout > 0 && !active {
        let slow = property.instances.iter().filter(|i| i.state == State::Timeout);
        let spent = slow.clone().map(|i| i.budget).fold(0.0, f64::max);
        let names: Vec<&str> = slow.map(|i| i.name.as_str()).collect();
        all.push(lens(
            format!("⏱ {} timed out at {} s — retry ×5", counts.timeout, (spent * 1000.0).round() / 1000.0),
            "qnn.verify",
            argument(&[("instances", json!(names)), ("budget", json!(spent * 5.0))]),
        ));
    }
    if property.instances.iter().any(|i| i.has_counterexample) {
        let title = if counts.violated > 0 { "Show counterexample" } else { "Show witness" };
        all.push(lens(title.to_owned(), "qnn.showCounterexample", argument(&[])));
    }
    all
}
