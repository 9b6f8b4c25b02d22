//! The report as one HTML file.
//!
//! In: the report. Out: a page that needs nothing else: no network, no file beside it, no script but for sorting and filtering. Its content security policy says so to the
//! browser. Large families are summarised by their parameters, with what is not as expected first; what is left out says how to see it.

mod counterexample;

use super::chart;
use super::model::{
    Axis, Cell, Counts, Curve, File, Grid, Histogram, Intervals, Network, Point, Property, Remark, Report, Role, Spec,
    urgency,
};
use super::sentences::{
    Standing, Total, bits, capitalised, duration, finding, grounds, percent, plural, reversal, sign, thousands,
};
use crate::diagnostic::Severity;
use crate::verify::verdict::{Kind, Number};
use crate::verify::{InstanceResult, Verdict};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::sync::Arc;
use std::time::Duration;

/// The style of the page, but for the colours of charts on a dark one.
const STYLE: &str = include_str!("page.css");
/// The script of the page.
const SCRIPT: &str = include_str!("page.js");
/// The SHA-256 of the script, in Base64: the one script that the page's policy lets run.
const SCRIPT_HASH: &str = "UXYbtrTBP+FPzDJWP6w/p75teI8Au5wVyc4O4IQ0a00=";

/// The instances of a property that get a row.
const MOST_ROWS: usize = 400;
/// A table of no more rows is unfolded.
const FEW_ROWS: usize = 16;
/// The instances that the summary lists.
const MOST_LISTED: usize = 12;
/// The counterexamples and witnesses of a property that are shown in full, where nobody says otherwise.
pub const PICTURES: usize = 4;

/// The page, with so many counterexamples of each property in full.
pub fn page(report: &Report, pictures: usize) -> String {
    let names: Vec<&str> = report.specs.iter().map(|spec| spec.spec.as_str()).collect();
    let title = format!("qnn report: {}", names.join(", "));
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{SCRIPT_HASH}'; base-uri 'none'; form-action 'none'"
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content=(format!("qnn {}", report.qnn));
                title { (title) }
                style { (PreEscaped(STYLE)) (PreEscaped(dark())) }
            }
            body {
                a.skip href="#content" { "To the content" }
                header {
                    h1 { "Verification report: " (names.join(", ")) }
                    p.soft { (report.date) " UTC, qnn " (report.qnn) ", " (report.solver) ", semantics " (report.semantics) }
                }
                main #content {
                    (summary(report))
                    @for (index, spec) in report.specs.iter().enumerate() { (of_spec(report, spec, index, pictures)) }
                    (files(&report.files))
                }
                footer {
                    p { "Every verdict is about the network exactly as it computes, bit for bit. A counterexample was run through the reference interpreter; a certificate was accepted by a checker that shares no code with the search. " code { "qnn check-proof" } " checks both again without any engine." }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// The colours of charts on a dark page.
fn dark() -> String {
    let rules = chart::DARK
        .iter()
        .map(|(light, dark)| format!("svg [fill=\"{light}\"]{{fill:{dark}}}svg [stroke=\"{light}\"]{{stroke:{dark}}}"));
    format!("@media screen and (prefers-color-scheme: dark) {{{}}}", rules.collect::<String>())
}

/// Text in which code stands between backticks, in paragraphs that empty lines part.
fn prose(text: &str) -> Markup {
    let paragraphs = text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
    html! { @for paragraph in paragraphs { p { (inline(paragraph)) } } }
}

fn inline(text: &str) -> Markup {
    html! {
        @for (index, part) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

fn class(standing: Standing) -> &'static str {
    match standing {
        Standing::Error | Standing::Unexpected => "bad",
        Standing::Open | Standing::Nothing => "open",
        Standing::Expected => "good",
    }
}

/// The class and the sign of a result's verdict: green is what is expected.
fn badge(result: &InstanceResult) -> Markup {
    let (class, sign) = sign(result.verdict, result.as_expected);
    let word = match (result.verdict, result.kind) {
        (Verdict::Proved, kind) if kind != Kind::Property => "measured",
        (verdict, _) => verdict.name(),
    };
    let note = if result.as_expected && result.verdict != Verdict::Proved { ", as expected" } else { "" };
    html! { span class={ "verdict " (class) } { (sign) " " (word) (note) } }
}

fn seconds(time: f64) -> String {
    duration(Duration::try_from_secs_f64(time).unwrap_or_default())
}

/// A table that a narrow screen scrolls.
fn scroll(label: &str, table: Markup) -> Markup {
    html! { div.scroll role="region" tabindex="0" aria-label=(label) { (table) } }
}

// ---- Summary

fn anchor(spec: usize, property: &Property) -> String {
    format!("s{spec}-{}", property.name)
}

fn summary(report: &Report) -> Markup {
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

// ---- Specs and properties

fn of_spec(report: &Report, spec: &Spec, index: usize, pictures: usize) -> Markup {
    let hash = report.files.iter().find(|file| file.path == spec.spec).and_then(|file| file.blake3.as_deref());
    html! {
        section aria-labelledby={ "s" (index) } {
            h2 id={ "s" (index) } { "Spec " (spec.spec) }
            (prose(&spec.docs))
            @if let Some(hash) = hash { p.soft { "BLAKE3 " code.hash { (hash) } } }
            @if spec.left_out > 0 { p.note { (plural(spec.left_out, "instance was", "instances were")) " left out by a filter, and this report says nothing of them." } }
            @for warning in &spec.warnings { p.note { (warning) } }
            (remarks(&spec.diagnostics))
            @for property in &spec.properties { (of_property(spec, property, index, pictures)) }
            @if !spec.networks.is_empty() {
                h3 id={ "s" (index) "-networks" } { "Networks" }
                @for network in &spec.networks { (of_network(network, index)) }
            }
        }
    }
}

fn remarks(all: &[Remark]) -> Markup {
    if all.is_empty() {
        return html! {};
    }
    html! {
        h3 { "What the checker says" }
        ul { @for remark in all { li {
            strong { (match remark.severity { Severity::Error => "error", Severity::Warning => "warning", Severity::Note => "note" }) " " (remark.code) }
            ": " (inline(&remark.message))
            @if let Some(file) = &remark.file { span.soft { " (" (file) ":" (remark.line) ":" (remark.column) ")" } }
            @for note in &remark.notes { " " (inline(note)) }
            @if let Some(help) = &remark.help { br; "Help: " (inline(help)) "." }
        } } }
    }
}

fn of_property(spec: &Spec, property: &Property, index: usize, pictures: usize) -> Markup {
    let standing = Standing::of(&property.counts);
    let id = anchor(index, property);
    let kind = if property.kind == Kind::Property { "property" } else { "measure" };
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
            (charts(property))
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

fn over(names: &[String], what: &str) -> String {
    if names.is_empty() { String::new() } else { format!(", {what} {}", names.join(", ")) }
}

fn charts(property: &Property) -> Markup {
    let curve = property.curve.as_ref().and_then(|data| {
        let open = data.lines.iter().flat_map(|line| &line.points).any(|point| point.open > 0);
        let band = if open { "; what is undecided is a band above" } else { "" };
        let over = over(&data.over, "over all");
        let title = format!("Share of {} that is proved against {}{over}{band}", property.name, data.axis);
        Some(figure(&title, chart::curve(data, &title)?, curve_table(data)))
    });
    let intervals = property.intervals.as_ref().and_then(|data| {
        let what = if property.kind == Kind::Minimize { "Minimum" } else { "Maximum" };
        let title = format!("{what} {} against {}{}", property.name, data.axis, over(&data.over, "the worst over"));
        Some(figure(&title, chart::intervals(data, &title)?, interval_table(data)))
    });
    let histogram = property.histogram.as_ref().and_then(|data| {
        let open: usize = data.groups.iter().map(|group| group.open).sum();
        let open = if open > 0 { format!("; {open} are undecided") } else { String::new() };
        let title = match data.is_cumulative() {
            true => format!("Share of {} whose largest {} is at least so much{open}", property.name, data.variable),
            false => format!("How often each largest {} of {} occurs{open}", data.variable, property.name),
        };
        Some(figure(&title, chart::histogram(data, &title)?, histogram_table(data)))
    });
    let all: Vec<Markup> = [curve, intervals, histogram].into_iter().flatten().collect();
    html! {
        @if let Some(data) = &property.grid { (grid(property, data)) }
        @if !all.is_empty() { div.charts { @for chart in &all { (chart) } } }
    }
}

/// A table of signs: a column for each value of one parameter, a line for each of the other.
fn grid(property: &Property, grid: &Grid) -> Markup {
    let cell = |cell: &Cell| {
        let (class, sign) = sign(cell.verdict, cell.as_expected);
        html! { td class={ "mark " (class) } title={ (cell.instance) ": " (cell.verdict) } { (sign) span.hidden { " " (cell.verdict) } } }
    };
    let label = format!("Each verdict of {} by {}", property.name, grid.columns);
    scroll(
        &label,
        html! { table.grid {
            caption {
                "Verdicts by " (grid.columns) @if let Some(rows) = &grid.rows { " and " (rows) }
                ": ✓ as expected, ✗ not, ? undecided"
            }
            thead { tr {
                th scope="col" { @if let Some(rows) = &grid.rows { (rows) " \\ " } (grid.columns) }
                @for place in &grid.places { th.number scope="col" { (place) } }
            } }
            tbody { @for line in &grid.lines { tr {
                th.number scope="row" { @if grid.rows.is_some() { (line.name) } @else { (property.name) } }
                @for found in &line.cells { @match found { Some(found) => (cell(found)), None => td.mark { "" } } }
            } } }
        } },
    )
}

fn figure(title: &str, svg: String, table: Markup) -> Markup {
    html! {
        div {
            figure { figcaption { (title) } (PreEscaped(svg)) }
            details { summary { "The figures of this chart" } (scroll(&format!("Figures: {title}"), table)) }
        }
    }
}

fn curve_table(curve: &Curve) -> Markup {
    let accuracy = |at: f64| curve.accuracy.iter().find(|share| share.at == at);
    let share = |point: &Point| {
        let proved = percent(point.proved, point.instances, 1);
        match point.open {
            0 => proved,
            open => format!("{proved} to {}", percent(point.proved + open, point.instances, 1)),
        }
    };
    html! { table {
        thead { tr {
            th.number scope="col" { (curve.axis) } @if curve.lines.len() > 1 { th scope="col" { "Line" } }
            th.number scope="col" { "Instances" } th.number scope="col" { "Proved" } th.number scope="col" { "Undecided" }
            th.number scope="col" { "Share proved" } @if !curve.accuracy.is_empty() { th.number scope="col" { "Accuracy" } }
        } }
        tbody { @for line in &curve.lines { @for point in &line.points { tr {
            th.number scope="row" { (point.text) } @if curve.lines.len() > 1 { td { (line.name) } }
            td.number { (point.instances) } td.number { (point.proved) } td.number { (point.open) }
            td.number { (share(point)) }
            @if !curve.accuracy.is_empty() { td.number { @if let Some(share) = accuracy(point.at) { (percent(share.right, share.samples, 1)) } } }
        } } } }
    } }
}

fn interval_table(intervals: &Intervals) -> Markup {
    let number =
        |value: &Option<Number>| value.as_ref().map_or_else(|| "unknown".to_owned(), |value| value.text.clone());
    html! { table {
        thead { tr { th.number scope="col" { (intervals.axis) } th scope="col" { "Line" } th.number scope="col" { "Found" } th.number scope="col" { "Not excluded" } } }
        tbody { @for line in &intervals.lines { @for point in &line.points { tr {
            th.number scope="row" { (point.text) } td { (line.name) } td.number { (number(&point.found)) } td.number { (number(&point.bound)) }
        } } } }
    } }
}

fn histogram_table(histogram: &Histogram) -> Markup {
    html! { table {
        thead { tr { th scope="col" { "Group" } th.number scope="col" { "Largest " (histogram.variable) } th.number scope="col" { "Instances" } } }
        tbody { @for group in &histogram.groups {
            @let name = if group.name.is_empty() { "all" } else { group.name.as_str() };
            @if group.none > 0 { tr { td { (name) } td.number { "none" } td.number { (group.none) } } }
            @for bar in &group.bars { tr { td { (name) } td.number { (bar.value) } td.number { (bar.count) } } }
            @if group.open > 0 { tr { td { (name) } td.number { "undecided" } td.number { (group.open) } } }
        } }
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
    let measure = property.kind != Kind::Property;
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
                    (None, Verdict::Violated) => "a replayed input",
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

// ---- Networks and files

/// `digits<6>` as an anchor.
fn network_anchor(spec: usize, name: &str) -> String {
    let plain: String = name.chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { '-' }).collect();
    format!("s{spec}-network-{}", plain.trim_end_matches('-'))
}

fn of_network(network: &Network, spec: usize) -> Markup {
    html! {
        h4 id=(network_anchor(spec, &network.name)) { code { (network.name) } }
        dl.facts {
            dt { "Takes and gives" } dd { code { (network.signature) } }
            dt { "Parameters" } dd {
                (thousands(network.parameters)) " in " (bits(network.parameter_bits))
                @if network.saturated > 0 { ", of which " (thousands(network.saturated)) " saturated when they were quantized" }
            }
            dt { "Activations" } dd { (bits(network.activation_bits)) ", at most two neighbouring layers at a time" }
            @if let Some(accuracy) = &network.accuracy { dt { "Accuracy" } dd {
                (percent(accuracy.right, accuracy.samples, 1)) ": " (thousands(accuracy.right)) " of " (thousands(accuracy.samples)) " samples of " code { (accuracy.dataset) }
                @if accuracy.samples < accuracy.of { " (the first of " (thousands(accuracy.of)) ")" }
            } }
            @for file in &network.files { dt { "File" } dd { (file.path) @if let Some(hash) = &file.blake3 { br; span.soft { "BLAKE3 " code.hash { (hash) } } } } }
        }
        details { summary { (plural(network.layers.len(), "layer", "layers")) }
            (scroll(&format!("Layers of {}", network.name), html! { table {
                thead { tr {
                    th scope="col" { "Name" } th scope="col" { "Operation" } th scope="col" { "Shape" } th scope="col" { "Format" } th.number scope="col" { "Bits" }
                    th.number scope="col" { "Integers" } th.number scope="col" { "Parameters" }
                } }
                tbody { @for layer in &network.layers { tr {
                    td { (layer.name) } td { code { (layer.operation) } } td { (layer.shape) } td { code { (layer.format) } } td.number { (layer.bits) }
                    td.number { (layer.least) " to " (layer.greatest) } td.number { (thousands(layer.parameters)) }
                } } }
            } }))
        }
    }
}

fn files(all: &[File]) -> Markup {
    html! { section aria-labelledby="files" {
        h2 #files { "Files" }
        (scroll("All files", html! { table.wide {
            caption { "Everything that was read, by content" }
            thead { tr { th scope="col" { "File" } th scope="col" { "BLAKE3" } } }
            tbody { @for file in all { tr {
                th scope="row" { (file.path) }
                td { @match &file.blake3 { Some(hash) => code.hash { (hash) }, None => "can't be read" } }
            } } }
        } }))
    } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use sha2::Digest;

    #[test]
    fn the_policy_knows_the_script() {
        let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(SCRIPT));
        assert_eq!(SCRIPT_HASH, hash, "write this into SCRIPT_HASH");
    }

    #[test]
    fn code_stands_between_backticks_and_nothing_is_markup() {
        assert_eq!(inline("a `b<6>` & c").into_string(), "a <code>b&lt;6&gt;</code> &amp; c");
        assert_eq!(prose("a\n\n<script>").into_string(), "<p>a</p><p>&lt;script&gt;</p>");
    }
}
