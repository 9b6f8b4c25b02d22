//! The report as SARIF 2.1.0, for code scanning.
//!
//! In: the report. Out: a run with a result for each diagnostic, and for each property and kind of bad news about its instances: places are in the spec, where a family
//! has one place however many instances it has. A rule for each code, with its page, and for each kind of news.

use super::error_pages::{PAGES, title};
use super::model::{Property, Report, Spec};
use super::sentences::{finding, plural, thousands};
use crate::diagnostic::Severity;
use crate::verify::InstanceResult;
use crate::verify::verdict::Outcome;
use serde_json::{Value, json};
use std::sync::Arc;

/// The instances that a message names.
const MOST_NAMED: usize = 5;

/// News about instances that a reader of code must know of: rule, level, title, meaning.
const NEWS: [(&str, &str, &str, &str); 4] = [
    (
        "unexpected",
        "error",
        "A verdict is not the expected one",
        "A property is violated by a counterexample that was run through the reference interpreter, or one that is expected to be violated or vacuous is not.",
    ),
    // SARIF's kind «open» has the level «none», which code scanning does not show: an undecided property would look like a good one.
    (
        "undecided",
        "warning",
        "An instance is undecided",
        "The time was up, or no engine could tell. More time (`--timeout`) or another engine (`--engine`) may decide it.",
    ),
    ("broken", "error", "An instance is in error", "The spec is wrong there, or something in qnn is broken."),
    (
        "unchecked",
        "note",
        "A verdict is remembered and not checked again",
        "It rests on a solver's word, or on a certificate that was too large to be kept, and it is the store that says so. `--no-cache` decides anew.",
    ),
];

/// The document.
pub fn document(report: &Report) -> Value {
    let mut results = Vec::new();
    for spec in &report.specs {
        for remark in &spec.diagnostics {
            let level = match remark.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "note",
            };
            let text = [Some(&remark.message), remark.help.as_ref()].into_iter().flatten();
            let text: Vec<String> = text.map(|sentence| format!("{sentence}.")).collect();
            let file = remark.file.as_deref().unwrap_or(&spec.spec);
            results.push(json!({
                "ruleId": remark.code,
                "level": level,
                "message": { "text": text.join(" ") },
                "locations": [location(file, remark.line, remark.column)],
            }));
        }
        for property in &spec.properties {
            results.extend(NEWS.iter().filter_map(|news| result(spec, property, news)));
        }
    }
    let rules: Vec<Value> = PAGES
        .iter()
        .filter(|(code, _)| results.iter().any(|result| result["ruleId"] == *code))
        .map(|(code, page)| {
            json!({
                "id": code,
                "shortDescription": { "text": title(code, page) },
                "help": { "text": page, "markdown": page },
                "defaultConfiguration": { "level": if code.starts_with('E') { "error" } else { "warning" } },
            })
        })
        .chain(NEWS.iter().map(|(id, level, name, meaning)| {
            json!({
                "id": id,
                "shortDescription": { "text": name },
                "fullDescription": { "text": meaning },
                "help": { "text": meaning },
                "defaultConfiguration": { "level": level },
            })
        }))
        .collect();
    // What is first in the list of rules is known by its index.
    for result in &mut results {
        if let Some(index) = rules.iter().position(|rule| rule["id"] == result["ruleId"]) {
            result["ruleIndex"] = index.into();
        }
    }
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "qnn",
                "semanticVersion": report.qnn,
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": report.exit < 3 && !report.cancelled,
                "exitCode": report.exit,
            }],
            "artifacts": report.files.iter().map(|file| json!({ "location": { "uri": uri(&file.path) } })).collect::<Vec<_>>(),
            "results": results,
            "properties": { "counts": report.counts, "solver": report.solver },
        }],
    })
}

/// What there is to say of a property's instances under a rule.
fn result(spec: &Spec, property: &Property, (rule, level, ..): &(&str, &str, &str, &str)) -> Option<Value> {
    let meant = |result: &&Arc<InstanceResult>| match *rule {
        "broken" => result.outcome() == Outcome::Error,
        "undecided" => result.outcome() == Outcome::Open,
        "unchecked" => result.is_unchecked(),
        _ => result.outcome() == Outcome::Unexpected,
    };
    let all: Vec<&Arc<InstanceResult>> = spec.of(&property.name).filter(meant).collect();
    let first = all.first()?;
    let named: Vec<String> =
        all.iter().take(MOST_NAMED).map(|r| format!("{} is {} ({})", r.name, r.verdict, finding(r))).collect();
    let more = all.len().saturating_sub(MOST_NAMED);
    let more = if more > 0 { format!("; and {} more", thousands(more)) } else { String::new() };
    let of = plural(property.instances, "instance", "instances");
    let count = if property.instances > 1 { format!("{} of {of}: ", thousands(all.len())) } else { String::new() };
    Some(json!({
        "ruleId": rule,
        "level": level,
        "message": { "text": format!("{count}{}{more}.", named.join("; ")) },
        "locations": [location(&spec.spec, property.line, property.column)],
        // The same news about the same property is the same alert, whatever stands above it.
        "partialFingerprints": { "property/v1": format!("{}:{}:{rule}", spec.spec, property.name) },
        "properties": { "instances": all.len(), "first": first.name },
    }))
}

fn location(file: &str, line: usize, column: usize) -> Value {
    let mut place = json!({ "artifactLocation": { "uri": uri(file) } });
    if line > 0 {
        place["region"] = json!({ "startLine": line, "startColumn": column.max(1) });
    }
    json!({ "physicalLocation": place })
}

/// A path as a URI: relative to the folder of the run where it is.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.replace('\\', "/").bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(byte as char),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    if uri.starts_with('/') { format!("file://{uri}") } else { uri }
}

#[cfg(test)]
mod tests {
    #[test]
    fn paths_are_uris() {
        for (path, uri) in [("a/b.qnn", "a/b.qnn"), ("/a b/c.qnn", "file:///a%20b/c.qnn"), ("ä.qnn", "%C3%A4.qnn")] {
            assert_eq!(super::uri(path), uri);
        }
    }
}
