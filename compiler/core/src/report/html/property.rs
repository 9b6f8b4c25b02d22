//! A property or measure on the page: its text, its facts, its charts, its counterexamples, its instances.

use super::elements::{MOST_LISTED, anchor, badge, class, inline, network_anchor, prose, scroll};
use super::{charts, counterexample};
use crate::report::model::{Axis, Counts, Property, Role, Spec, urgency};
use crate::report::sentences::{Standing, Total, duration, finding, grounds, plural, reversal, seconds, thousands};
use crate::verify::{InstanceResult, Verdict};
use maud::{Markup, html};
use std::sync::Arc;

/// The instances of a property that get a row.
const MOST_ROWS: usize = 400;
/// A table of no more rows is unfolded.
const FEW_ROWS: usize = 16;

pub(super) fn of_property(spec: &Spec, property: &Property, index: usize, pictures: usize) -> Markup {
    let standing = Standing::of(&property.counts);
    let id = anchor(index, property);
    let kind = property.kind.keyword();
    let engines: Vec<String> =
        property.engines.iter().map(|(name, count)| format!("{name} ({})", thousands(*count))).collect();
    let rests = grounds(&property.rests_on);
    let mut results: Vec<&Arc<InstanceResult>> = spec.of(&property.name).collect();
    results.sort_by_key(|result| urgency(result));
    html! {
        section aria-labelledby=(id) {
            h3 id=(id) { (kind) " " code { (property.name) } span class={ "verdict " (class(standing)) } { (standing.words(property)) } }
            (prose(&property.docs))
            pre tabindex="0" role="region" aria-label={ "The text of " (property.name) } { code { (property.text) } }
            dl.facts {
                dt { "In words" } dd { (inline(&property.words)) }
                @if !property.definitions.is_empty() { dt { "Where" } dd { ul { @for definition in &property.definitions { li { (inline(definition)) } } } } }
                @if !property.assumptions.is_empty() { dt { "Assumes" } dd { ul { @for assumption in &property.assumptions { li { (inline(assumption)) } } } } }
                dt { "Verdicts" } dd { (Total::of(spec.of(&property.name).map(AsRef::as_ref)).tally()) " of " (plural(property.instances, "instance", "instances")) }
                @if !property.networks.is_empty() { dt { "Networks" } dd { @for (n, name) in property.networks.iter().enumerate() {
                    @if n > 0 { ", " }
                    a href={ "#" (network_anchor(index, name)) } { code { (name) } }
                } } }
                @if !engines.is_empty() { dt { "Decided by" } dd { (engines.join(", ")) ", in " (seconds(property.time)) } }
                @if !rests.is_empty() { dt { "Rests on" } dd { ul { @for ground in &rests { li { (ground) } } } } }
                dt { "Re-check" } dd {
                    code { "qnn verify " (spec.spec) " " (property.name) " --proof " (property.name) ".qnnproof" } ", then "
                    code { "qnn check-proof " (property.name) ".qnnproof" }
                }
            }
            @if !property.reversals.is_empty() { (reversals(property)) }
            (charts::of_property(property))
            (counterexample::section(spec, property, &results, pictures))
            (axes(property))
            (instances(spec, property, &results))
        }
    }
}

fn reversals(property: &Property) -> Markup {
    html! { div.note {
        h4 { "More bits, and worse" }
        ul { @for one in property.reversals.iter().take(MOST_LISTED) { li { (reversal(one)) } } }
        @if property.reversals.len() > MOST_LISTED { p { "… and " (thousands(property.reversals.len() - MOST_LISTED)) " more." } }
    } }
}

fn axes(property: &Property) -> Markup {
    let tabulated: Vec<&Axis> = property.axes.iter().filter(|axis| !axis.values.is_empty()).collect();
    if tabulated.is_empty() || property.instances < 2 {
        return html! {};
    }
    let role = |axis: &Axis| match axis.role {
        Role::Width => " (decides the network)",
        Role::Radius => " (a radius)",
        Role::Sample => " (picks a sample)",
        Role::Other => "",
    };
    html! { details {
        summary { "Verdicts by parameter" }
        @for axis in tabulated {
            (scroll(&format!("{} by {}", property.name, axis.name), html! { table.sortable {
                caption { "By " (axis.name) (role(axis)) }
                thead { tr {
                    th.number scope="col" { (axis.name) } th.number scope="col" { "Instances" } th.number scope="col" { "Proved" } th.number scope="col" { "Violated" }
                    th.number scope="col" { "Vacuous" } th.number scope="col" { "Undecided" } th.number scope="col" { "Unexpected" }
                } }
                tbody { @for value in &axis.values { @let Counts { proved, violated, vacuous, unexpected, .. } = value.counts; tr {
                    th.number scope="row" { (value.value) } td.number { (value.counts.total()) } td.number { (proved) } td.number { (violated) }
                    td.number { (vacuous) } td.number { (value.counts.open()) } td.number { (unexpected) }
                } } }
            } }))
        }
        @for axis in property.axes.iter().filter(|axis| axis.values.is_empty() && axis.count > 1) {
            p.soft { (axis.name) " has " (thousands(axis.count)) " values, too many for a table." }
        }
    } }
}

fn instances(spec: &Spec, property: &Property, results: &[&Arc<InstanceResult>]) -> Markup {
    let Some(first) = results.first() else { return html! {} };
    let (shown, left_out) = (results.len().min(MOST_ROWS), results.len().saturating_sub(MOST_ROWS));
    let title = match left_out {
        0 => plural(results.len(), "instance", "instances"),
        _ => format!("{} of {} instances", thousands(shown), thousands(results.len())),
    };
    let measure = property.kind.is_measure();
    let value = |result: &InstanceResult| {
        let found = result.measure.as_ref().and_then(|m| m.found.as_ref().map(|found| found.value));
        found.map(|value| value.to_string())
    };
    html! { details open[results.len() <= FEW_ROWS] .long[results.len() > 60] {
        summary { (title) }
        (scroll(&format!("Instances of {}", property.name), html! { table.sortable.wide {
            thead { tr {
                th scope="col" { "Verdict" }
                @for parameter in &first.parameters { th scope="col" { (parameter.name) } }
                th scope="col" { @if measure { "Value" } @else { "Finding" } }
                th scope="col" { "Rests on" } th scope="col" { "Engine" } th.number scope="col" { "Time" }
            } }
            tbody { @for result in &results[..shown] { tr.unlike[!result.as_expected] {
                td { (badge(result)) }
                @for parameter in &result.parameters { td { (parameter.text) } }
                td data-value=[value(result)] { (finding(result)) }
                td { @match (&result.trust, result.verdict) {
                    (Some(trust), _) => (trust),
                    (None, Verdict::Violated | Verdict::Found) => "a replayed input",
                    _ => "",
                } }
                td { (result.engine.as_deref().unwrap_or("")) }
                td.number data-value=(result.time.as_secs_f64()) { (duration(result.time)) }
            } } }
        } }))
        @if left_out > 0 {
            p.soft { (thousands(left_out)) " more are left out, the least urgent ones: " code { "qnn verify " (spec.spec) " " (property.name) " --json" } " lists them all." }
        }
    } }
}
