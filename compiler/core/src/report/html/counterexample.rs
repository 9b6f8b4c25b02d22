//! Counterexamples and witnesses on the page: images as pictures, other tensors as tables, outputs before and after.

use super::elements::badge;
use crate::report::image::{panels, pixels};
use crate::report::model::{Property, Spec};
use crate::report::sentences::{argmax, capitalised, greatest, label, place, plural, smallest_line, variable_line};
use crate::verify::InstanceResult;
use crate::verify::verdict::{CallValue, Counterexample, Kind, Output, VariableValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};
use std::sync::Arc;

/// The most numbers of a tensor that get a row.
const MOST_NUMBERS: usize = 32;
/// The most outputs of a network that get a row.
const MOST_OUTPUTS: usize = 40;

/// The counterexamples of a property, the most urgent first, at most `most` of them.
pub(super) fn section(spec: &Spec, property: &Property, results: &[&Arc<InstanceResult>], most: usize) -> Markup {
    let with: Vec<(&InstanceResult, &Counterexample)> = results
        .iter()
        .filter_map(|result| {
            let witness = || result.measure.as_ref().and_then(|m| m.witness.as_ref());
            Some((result.as_ref(), result.counterexample.as_ref().or_else(witness)?))
        })
        .collect();
    if with.is_empty() {
        return html! {};
    }
    let (title, word) = match property.kind {
        Kind::Property => ("Counterexamples", "counterexample"),
        Kind::Find => ("What was found", "find"),
        Kind::Largest => ("What breaks it beyond the answer", "counterexample"),
        _ => ("Where the value is attained", "witness"),
    };
    let left_out = with.len().saturating_sub(most);
    html! {
        @if most > 0 { h4 { (title) } }
        @for (result, counterexample) in with.iter().take(most) { (case(result, counterexample)) }
        @if left_out > 0 { p.soft {
            (plural(left_out, &format!("more {word} is"), &format!("more {word}{} are", if word == "witness" { "es" } else { "s" })))
            " left out here: " code { "qnn verify " (spec.spec) " " (property.name) " --counterexamples " (with.len()) } " shows them."
        } }
    }
}

fn case(result: &InstanceResult, counterexample: &Counterexample) -> Markup {
    html! { div.case {
        h5 { (result.name) " " (badge(result)) }
        @for index in result.measure.iter().flat_map(|measure| &measure.choice) {
            p.soft { code { (index.name) " = " (index.text) } }
        }
        div.pair {
            @for variable in &counterexample.variables { (of_variable(variable)) }
            @for call in &counterexample.calls { (of_call(call)) }
        }
        @if let Some(smallest) = &counterexample.smallest { p.soft { (capitalised(&smallest_line(smallest))) "." } }
    } }
}

fn of_variable(variable: &VariableValue) -> Markup {
    let panels = panels(variable);
    if !panels.is_empty() {
        let named = |index: usize| match (index, panels.len()) {
            (0, 3) => "original",
            (1, 3) => "attacked",
            (2, 3) => "difference",
            _ => "value",
        };
        return html! { div {
            p.soft { (variable_line(variable)) }
            div.panels { @for (index, panel) in panels.iter().enumerate() {
                figure {
                    img alt={ (named(index)) " image of " (variable.name) } width=(panel.size.width) height=(panel.size.height)
                        src={ "data:image/png;base64," (STANDARD.encode(pixels(panel))) };
                    figcaption { (named(index)) }
                }
            } }
        } };
    }
    let count = variable.numbers.values.len();
    let changed = |i: &usize| variable.center.as_ref().is_none_or(|c| c.difference.get(*i).is_some_and(|d| *d != 0));
    let wanted: Vec<usize> =
        if count <= MOST_NUMBERS { (0..count).collect() } else { (0..count).filter(changed).collect() };
    html! { div {
        table {
            caption { (variable_line_or_name(variable, count)) }
            thead { tr {
                th scope="col" { (variable.name) }
                @if variable.center.is_some() { th.number scope="col" { "original" } th.number scope="col" { "attacked" } th.number scope="col" { "lsb" } }
                @else { th.number scope="col" { "value" } }
            } }
            tbody { @for index in wanted.iter().take(MOST_NUMBERS) { tr.unlike[variable.center.is_some() && changed(index)] {
                th scope="row" { (place(&variable.layout, *index)) }
                @if let Some(center) = &variable.center { td.number { (at(&center.numbers.values, *index)) } }
                td.number { (at(&variable.numbers.values, *index)) }
                @if let Some(center) = &variable.center {
                    td.number { (center.difference.get(*index).map_or_else(String::new, |d| format!("{d:+}"))) }
                }
            } } }
        }
        @if wanted.len() > MOST_NUMBERS { p.soft { "… and " (wanted.len() - MOST_NUMBERS) " more" } }
    } }
}

fn variable_line_or_name(variable: &VariableValue, count: usize) -> String {
    match variable.layout.format.as_deref() {
        Some(format) if count <= MOST_NUMBERS => format!("{}: {format}", variable.name),
        _ => variable_line(variable),
    }
}

fn of_call(call: &CallValue) -> Markup {
    let count = call.output.numbers.values.len();
    let before = call.center.as_ref();
    let differs =
        |before: &Output, index: usize| at(&before.numbers.exact, index) != at(&call.output.numbers.exact, index);
    let class = |output: &Output| argmax(&call.layout, output).filter(|_| call.asks_argmax);
    html! { div {
        table {
            caption { code { (call.text) } " by " code { (call.network) } }
            thead { tr {
                th scope="col" { "output" }
                @if before.is_some() { th.number scope="col" { "original" } }
                th.number scope="col" { @if before.is_some() { "attacked" } @else { "value" } }
            } }
            tbody { @for index in 0..count.min(MOST_OUTPUTS) { tr.unlike[before.is_some_and(|before| differs(before, index))] {
                th scope="row" { @if count == 1 { "output" } @else { (call.layout.entry(index)) } }
                @if let Some(before) = before { td.number { (cell(at(&before.numbers.values, index), greatest(before, index))) } }
                td.number { (cell(at(&call.output.numbers.values, index), greatest(&call.output, index))) }
            } } }
        }
        @if count > MOST_OUTPUTS { p.soft { "… and " (count - MOST_OUTPUTS) " more" } }
        @if let Some(now) = class(&call.output) {
            p { "Argmax " @if let Some(before) = before.and_then(class) { (before) " → " } (now) }
        }
        @if let Some(label) = label(call) {
            p { @if call.wrong_before { strong.wrong { (capitalised(&label)) } } @else { (capitalised(&label)) } }
        }
    } }
}

/// A number; empty where a report that was written by hand has none.
fn at(values: &[String], index: usize) -> &str {
    values.get(index).map_or("", String::as_str)
}

/// A number; the greatest is marked.
fn cell(value: &str, greatest: bool) -> Markup {
    html! { @if greatest { strong { "▸ " (value) } } @else { (value) } }
}
