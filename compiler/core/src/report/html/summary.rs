//! The page's summary: how the run stands, each property in a row, what is not as expected.

use super::elements::{MOST_LISTED, anchor, badge, class, inline, scroll};
use crate::report::model::{Property, Report, urgency};
use crate::report::sentences::{Standing, Total, capitalised, finding, reversal, seconds, thousands};
use crate::verify::InstanceResult;
use maud::{Markup, html};
use std::sync::Arc;

pub(super) fn summary(report: &Report) -> Markup {
    let total = Total::of_report(report);
    let standing = total.standing();
    let lead = match standing {
        Standing::Nothing => "Nothing was verified.".to_owned(),
        _ => format!("{}: {}.", capitalised(&total.lead()), total.tally()),
    };
    let all = || {
        report.specs.iter().enumerate().flat_map(|(index, spec)| spec.properties.iter().map(move |p| (index, spec, p)))
    };
    let mut properties: Vec<_> = all().collect();
    properties.sort_by_key(|(_, _, property)| Standing::of(&property.counts));
    let mut listed: Vec<(usize, &Property, &Arc<InstanceResult>)> = all()
        .flat_map(|(index, spec, property)| spec.of(&property.name).map(move |result| (index, property, result)))
        .filter(|(_, _, result)| urgency(result) <= 3)
        .collect();
    listed.sort_by_key(|(_, _, result)| urgency(result));
    let reversals: Vec<_> = all().filter(|(_, _, property)| !property.reversals.is_empty()).collect();
    html! {
        section aria-labelledby="summary" {
            h2 #summary { "Summary" }
            p class={ "lead " (class(standing)) } { strong { (lead) } }
            @if let Some(unchecked) = total.unchecked() { p.note { (inline(&unchecked)) "." } }
            @if report.cancelled { p.note { "The run was stopped before its end: what was not decided by then counts as unknown." } }
            @if !properties.is_empty() {
                (scroll("Properties and measures", html! {
                    table.wide {
                        caption { "What holds, what does not, what is undecided" }
                        thead { tr {
                            th scope="col" { "Property" } th scope="col" { "Standing" }
                            th.number scope="col" { "Instances" } th.number scope="col" { "Proved" } th.number scope="col" { "Violated" }
                            th.number scope="col" { "Undecided" } th.number scope="col" { "Time" }
                        } }
                        tbody { @for (index, _, property) in &properties {
                            @let standing = Standing::of(&property.counts);
                            tr {
                                th scope="row" { a href={ "#" (anchor(*index, property)) } { (property.name) } }
                                td { span class={ "verdict " (class(standing)) } { (standing.words(property)) } }
                                td.number { (thousands(property.instances)) }
                                td.number { (thousands(property.counts.proved)) }
                                td.number { (thousands(property.counts.violated)) }
                                td.number { (thousands(property.counts.open())) }
                                td.number { (seconds(property.time)) }
                            }
                        } }
                    }
                }))
            }
            @if !listed.is_empty() {
                h3 { "Not as expected, or undecided" }
                ul { @for (index, property, result) in listed.iter().take(MOST_LISTED) {
                    li { (badge(result)) " " a href={ "#" (anchor(*index, property)) } { (result.name) } " " span.soft { (finding(result)) } }
                } }
                @if listed.len() > MOST_LISTED { p.soft { (thousands(listed.len() - MOST_LISTED)) " more are in the properties' tables." } }
            }
            @if !reversals.is_empty() {
                div.note {
                    p { strong { "More bits are not always better." } " Robustness is not monotonic in the number of bits:" }
                    ul { @for (index, _, property) in reversals {
                        li {
                            a href={ "#" (anchor(index, property)) } { (property.name) } ": "
                            @match property.reversals.as_slice() {
                                [only] => (reversal(only)),
                                all => { (reversal(&all[0])) "; " (thousands(all.len() - 1)) " more like it" }
                            }
                        }
                    } }
                }
            }
        }
    }
}
