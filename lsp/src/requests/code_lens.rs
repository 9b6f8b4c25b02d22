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
    let time = duration(property.time).map(|time| format!(" · {time}")).unwrap_or_default();
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
    if property.instances.iter().any(|i| i.verdict.is_some() && i.as_expected.is_some()) {
        all.push(lens("Report".to_owned(), "qnn.report", argument(&[])));
    }
    all
}

/// `12 ms`, `1.2 s`, `75 s`; nothing for what took less than half a millisecond.
fn duration(seconds: f64) -> Option<String> {
    match seconds {
        s if s < 0.0005 => None,
        s if s < 0.9995 => Some(format!("{:.0} ms", s * 1000.0)),
        s if s < 9.95 => Some(format!("{s:.1} s")),
        s => Some(format!("{s:.0} s")),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn no_lens_says_that_something_took_no_time() {
        let shown = [0.0, 0.0004, 0.0006, 0.04, 0.9994, 0.9996, 1.26, 9.94, 9.96, 75.2].map(duration);
        let shown: Vec<&str> = shown.iter().flatten().map(String::as_str).collect();
        assert_eq!(shown, ["1 ms", "40 ms", "999 ms", "1.0 s", "1.3 s", "9.9 s", "10 s", "75 s"]);
    }
}
