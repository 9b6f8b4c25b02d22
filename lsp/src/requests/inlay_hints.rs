//! `textDocument/inlayHint`: what the compiler inferred, and at the end of a property's line its verdict. The hint tells, the lens acts.

use super::Target;
use crate::protocol::{InstanceStatus, Mood, PropertyStatus, State};
use crate::snapshot::Snapshot;
use qnn::check::spec::Expectation;
use qnn::ide::inlay_hints::{HintKind, hints};
use qnn::ide::seconds;
use qnn::verify::verdict::Number;
use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::{InlayHint, InlayHintKind, InlayHintLabel, InlayHintParams, InlayHintTooltip, Position};

pub fn answer(snapshot: &Snapshot, params: &InlayHintParams) -> Result<Option<Vec<InlayHint>>> {
    let target = Target::of(snapshot)?;
    let settings = snapshot.settings.inlay_hints;
    let within = target.lines.span(params.range);
    let wanted = |kind: HintKind| match kind {
        HintKind::Type => settings.types,
        HintKind::Accumulator => settings.accumulators,
        HintKind::Loss => settings.losses,
    };
    let found = hints(&snapshot.db, target.file, within).into_iter().filter(|h| wanted(h.kind));
    let mut all: Vec<InlayHint> = found
        .map(|hint| {
            let kind = (hint.kind == HintKind::Type).then_some(InlayHintKind::TYPE);
            hint_at(target.lines.position(hint.offset), hint.text, kind, hint.tooltip)
        })
        .collect();
    let status = target.view.status.as_ref().filter(|s| s.document_version == Some(target.view.version));
    if let Some(status) = status.filter(|_| settings.verdicts) {
        for property in &status.properties {
            let end = property.item_range.start.line;
            if params.range.start.line <= property.range.start.line && end <= params.range.end.line {
                // At the end of the line that names the property.
                let line = property.range.start.line;
                let position = target.lines.position(target.lines.offset(Position { line, character: u32::MAX }));
                // A space of its own: some editors give hints at a line's end no padding.
                let text = format!(" {}", standing(property));
                let hint = hint_at(position, text, None, property.detail.clone());
                all.push(InlayHint { padding_left: None, ..hint });
            }
        }
    }
    Ok(Some(all))
}

fn hint_at(position: Position, text: String, kind: Option<InlayHintKind>, tooltip: String) -> InlayHint {
    InlayHint {
        position,
        label: InlayHintLabel::String(text),
        padding_left: Some(kind.is_none()),
        kind,
        text_edits: None,
        tooltip: (!tooltip.is_empty()).then_some(InlayHintTooltip::String(tooltip)),
        padding_right: None,
        data: None,
    }
}

/// How a property stands, in a few words, the most important first: editors cut what is long.
pub fn standing(property: &PropertyStatus) -> String {
    format!("{} {}", property.mood.mark(property.state), words(property))
}

fn words(property: &PropertyStatus) -> String {
    let plain = matches!(property.expected, Expectation::Proved | Expectation::Decided);
    let special = !plain && property.mood == Mood::Passed;
    let expected = if special { ", as expected" } else { "" };
    let [only] = property.instances.as_slice() else { return family(property) + expected };
    if property.family {
        return family(property) + expected;
    }
    let value = only.measure.as_ref().map(|measure| measure.text.as_str()).filter(|text| !text.is_empty());
    match (only.state, value) {
        (State::Running, _) => running(only),
        (State::Proved | State::Timeout | State::Unknown, Some(value)) if property.mood != Mood::Failed => {
            value.to_owned()
        }
        (State::Proved | State::Found | State::None, _) if property.mood == Mood::Failed => {
            format!("{}, not as expected", property.counts.words().trim_start_matches("1 "))
        }
        (State::Violated, _) if property.mood == Mood::Failed && wrong_before(only) => {
            "violated, wrong before any change".to_owned()
        }
        (State::Timeout, _) => format!("timed out after {}", seconds(only.budget)),
        (State::Unknown, _) if !only.cancelled => format!("unknown: {}", only.detail.trim_end_matches('.')),
        (State::Stale, _) => match only.verdict {
            Some(verdict) => format!("stale, was {verdict}"),
            None => "stale".to_owned(),
        },
        _ => property.counts.words().trim_start_matches("1 ").to_owned() + expected,
    }
}

/// Whether the answer is wrong at the centre of a counterexample already.
fn wrong_before(instance: &InstanceStatus) -> bool {
    instance.counterexample.as_ref().is_some_and(|found| found.calls.iter().any(|call| call.wrong_before))
}

/// A family in the words of its instances. Of measures that are all known: the least and the greatest value.
fn family(property: &PropertyStatus) -> String {
    if property.mood == Mood::Error && property.instances.is_empty() {
        return "syntax error".to_owned();
    }
    if property.instances.is_empty() {
        return "no instance".to_owned();
    }
    let words = property.counts.words();
    if !property.kind.is_measure() || property.mood != Mood::Passed {
        return words;
    }
    let found = || property.instances.iter().filter_map(|i| i.measure.as_ref()?.found.as_ref());
    let order = |a: &&Number, b: &&Number| a.order(b);
    match (found().min_by(order), found().max_by(order)) {
        (Some(least), Some(greatest)) if least.exact == greatest.exact => format!("all = {}", least.text),
        (Some(least), Some(greatest)) => format!("from {} to {}", least.text, greatest.text),
        _ => words,
    }
}

/// What is known of a running instance: its value or share, how long it works, how long it may.
fn running(instance: &InstanceStatus) -> String {
    let Some(progress) = &instance.progress else { return "running".to_owned() };
    let known = progress.text.clone().unwrap_or_else(|| "running".to_owned());
    let left = progress.remaining_text.as_ref().map(|left| format!(", {left} left")).unwrap_or_default();
    format!("{known} · {}{left}", progress.elapsed_text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// A property as the documented notification has it, with other states.
    fn property(family: bool, kind: &str, instances: &[Value]) -> PropertyStatus {
        let text = include_str!("../../../docs/protocol.md");
        let (_, rest) = text.split_once("```json status\n").expect("the example");
        let status: Value = serde_json::from_str(rest.split_once("```").expect("its end").0).expect("JSON");
        let mut property = status["properties"][0].clone();
        let template = property["instances"][0].clone();
        let all: Vec<Value> = instances
            .iter()
            .map(|changes| {
                let mut instance = template.clone();
                for (name, value) in changes.as_object().expect("an object") {
                    instance[name] = value.clone();
                }
                instance
            })
            .collect();
        property["family"] = family.into();
        property["kind"] = kind.into();
        property["instances"] = all.into();
        let mut property: PropertyStatus = serde_json::from_value(property).expect("a property");
        property.counts = crate::protocol::Counts::default();
        for instance in &mut property.instances {
            *property.counts.of(instance.state) += 1;
            property.counts.cancelled +=
                usize::from(instance.state == State::Unknown && instance.as_expected.is_none());
            instance.mood = Mood::of(instance.state, instance.as_expected);
        }
        property.mood = Mood::of_all(property.instances.iter().map(|i| i.mood));
        property.state = property.instances.iter().map(|i| i.state).min().unwrap_or(State::Unverified);
        property
    }

    fn number(text: &str) -> Value {
        json!({ "exact": text, "text": text, "value": text.parse::<f64>().expect("a number") })
    }

    fn measured(text: &str, found: &str, complete: bool) -> Value {
        json!({ "text": text, "found": number(found), "bound": null, "complete": complete })
    }

    #[test]
    fn a_hint_says_the_most_important_first() {
        let proved = json!({ "state": "proved", "asExpected": true });
        let violated = json!({ "state": "violated", "asExpected": false });
        let cancelled = json!({ "state": "unknown", "asExpected": null, "cancelled": true });
        let late = json!({ "state": "timeout", "asExpected": false, "budget": 10.0 });
        let unknown = json!({ "state": "unknown", "asExpected": false, "detail": "No engine decides it." });
        let stale = json!({ "state": "stale", "verdict": "proved", "asExpected": null });
        let known = json!({ "state": "proved", "asExpected": true, "measure": measured("= 1.25", "1.25", true) });
        let other = json!({ "state": "proved", "asExpected": true, "measure": measured("= 3", "3", true) });
        let open =
            json!({ "state": "timeout", "asExpected": false, "measure": measured("0.55 … 0.58", "0.55", false) });
        let runs = json!({ "state": "running", "asExpected": null, "progress": {
            "elapsed": 12.0, "elapsedText": "12 s", "remaining": 48.0, "remainingText": "48 s", "text": "0.55 … 0.58, 37 %", "share": 0.37, "found": null, "bound": null } });
        let mut wrong = property(false, "property", std::slice::from_ref(&violated)).instances.remove(0);
        let calls = wrong.counterexample.iter_mut().flat_map(|found| &mut found.calls);
        calls.for_each(|call| call.wrong_before = true);
        let wrong = serde_json::to_value(wrong).expect("JSON");
        for (family, kind, instances, expected) in [
            (false, "property", vec![proved.clone()], "✓ proved"),
            (false, "property", vec![violated.clone()], "✗ violated"),
            (false, "property", vec![wrong], "✗ violated, wrong before any change"),
            (false, "property", vec![cancelled.clone()], "? cancelled"),
            (false, "property", vec![late], "⏱ timed out after 10 s"),
            (false, "property", vec![unknown], "? unknown: No engine decides it"),
            (false, "property", vec![stale], "⟳ stale, was proved"),
            (false, "maximize", vec![known.clone()], "✓ = 1.25"),
            (false, "maximize", vec![open], "⏱ 0.55 … 0.58"),
            (false, "maximize", vec![runs], "… 0.55 … 0.58, 37 % · 12 s, 48 s left"),
            (true, "property", vec![proved.clone(), violated, proved.clone()], "✗ 1 violated · 2 proved"),
            (
                true,
                "property",
                vec![cancelled.clone(), cancelled.clone(), proved, cancelled],
                "? 3 cancelled · 1 proved",
            ),
            (true, "maximize", vec![known.clone(), other], "✓ from 1.25 to 3"),
            (true, "maximize", vec![known.clone(), known], "✓ all = 1.25"),
            (true, "property", vec![], "○ no instance"),
        ] {
            let shown = standing(&property(family, kind, &instances));
            assert_eq!(shown, expected);
            // What VS Code shows of a line's hints unless it is told otherwise.
            assert!(shown.chars().count() <= 42, "{shown}");
        }
    }
}
