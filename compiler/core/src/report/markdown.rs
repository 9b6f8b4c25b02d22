//! The report as Markdown: a comment on a pull request.
//!
//! In: the report. Out: text that a comment of GitHub or GitLab holds (65,536 characters), however large the families are.

use super::model::{Curve, Grid, Property, Report, urgency};
use super::sentences::{
    self, Standing, Total, UNCHECKED, and, capitalised, duration, finding, percent, plural, reversal, thousands,
};
use super::summary;
use crate::verify::InstanceResult;
use std::fmt::Write;
use std::time::Duration;

/// The most characters: what a comment holds, and a last line.
const MOST: usize = 65_000;
/// The instances that are listed for a property.
const MOST_LISTED: usize = 10;
/// The most columns of a table.
const MOST_COLUMNS: usize = 16;
/// The most lines of a grid.
const MOST_LINES: usize = 16;

/// The text.
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    let total = Total::of_report(report);
    let _ = writeln!(text, "## {} {}: {}\n", sign(total.standing()), capitalised(&total.lead()), total.tally());
    if let Some(unchecked) = total.unchecked() {
        let _ = writeln!(text, "{unchecked}.\n");
    }
    if report.cancelled {
        text.push_str("The run was stopped before its end.\n\n");
    }
    for spec in &report.specs {
        let _ = writeln!(text, "### `{}`\n", spec.spec);
        for remark in &spec.diagnostics {
            let severity = format!("{:?}", remark.severity).to_lowercase();
            let _ = writeln!(text, "- {severity} **{}**, line {}: {}", remark.code, remark.line, remark.message);
        }
        if !spec.diagnostics.is_empty() {
            text.push('\n');
        }
        if !spec.properties.is_empty() {
            text.push_str("| | property | standing | verdicts | time |\n|---|---|---|---|---:|\n");
        }
        for property in &spec.properties {
            let standing = Standing::of(&property.counts);
            let total = Total::of(spec.of(&property.name).map(AsRef::as_ref));
            let unchecked = match total.unchecked {
                0 => String::new(),
                count => format!(", {} {UNCHECKED}", thousands(count)),
            };
            let _ = writeln!(
                text,
                "| {} | `{}` | {} | {}{unchecked} | {} |",
                sign(standing),
                property.name,
                standing.words(property),
                total.tally(),
                duration(Duration::try_from_secs_f64(property.time).unwrap_or_default())
            );
        }
        text.push('\n');
        for property in &spec.properties {
            details(&mut text, property, spec.of(&property.name).map(AsRef::as_ref));
        }
        if !spec.empty.is_empty() {
            let names: Vec<String> = spec.empty.iter().map(|name| format!("`{name}`")).collect();
            let _ = writeln!(text, "{} {} no instances.\n", and(&names), if names.len() == 1 { "has" } else { "have" });
        }
        if spec.left_out > 0 {
            let _ =
                writeln!(text, "{} left out by a filter.\n", plural(spec.left_out, "instance was", "instances were"));
        }
    }
    let Report { date, qnn, solver, semantics, .. } = report;
    let _ = writeln!(text, "<sub>{date} UTC, qnn {qnn}, {solver}, semantics {semantics}</sub>");
    if text.len() > MOST {
        let end = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= MOST).last().unwrap_or(0);
        // Up to a whole line.
        text.truncate(text[..end].rfind('\n').map_or(end, |at| at + 1));
        text.push_str("\n… the rest is in the report.\n");
    }
    text
}

fn sign(standing: Standing) -> &'static str {
    match standing {
        Standing::Error | Standing::Unexpected => "❌",
        Standing::Open | Standing::Nothing => "❔",
        Standing::Expected => "✅",
    }
}

fn details<'a>(text: &mut String, property: &Property, results: impl Iterator<Item = &'a InstanceResult>) {
    let (mut urgent, others): (Vec<_>, Vec<_>) = results.partition(|result| urgency(result) <= 3);
    urgent.sort_by_key(|result| urgency(result));
    for result in urgent.iter().take(MOST_LISTED) {
        let _ = writeln!(text, "- `{}` is **{}**: {}", result.name, result.verdict, cell(&finding(result)));
    }
    if urgent.len() > MOST_LISTED {
        let _ = writeln!(text, "- … and {} more of `{}`", thousands(urgent.len() - MOST_LISTED), property.name);
    }
    if !urgent.is_empty() {
        text.push('\n');
    }
    let measured: Vec<&InstanceResult> = others.into_iter().filter(|result| result.measure.is_some()).collect();
    measures(text, property, &measured);
    if let [first, rest @ ..] = property.reversals.as_slice() {
        let more = if rest.is_empty() { String::new() } else { format!("; {} more like it", thousands(rest.len())) };
        let _ = writeln!(text, "**More bits, and worse** (`{}`): {}{more}.\n", property.name, reversal(first));
    }
    if let Some(data) = &property.grid {
        grid(text, &property.name, data);
    }
    if let Some(curve) = &property.curve {
        table(text, &property.name, curve);
    }
}

/// What was measured: a line for each instance, or, of many, the table that a terminal shows, where there is one.
fn measures(text: &mut String, property: &Property, measured: &[&InstanceResult]) {
    let Some(first) = measured.first() else { return };
    if first.parameters.is_empty() {
        let _ = writeln!(text, "- `{}`: {}\n", first.name, cell(&finding(first)));
        return;
    }
    let glance = if measured.len() > MOST_LISTED { summary::of_property(property, measured) } else { None };
    let name = format!("`{}`", property.name);
    if let Some(glance) = glance.filter(|glance| glance.rows.iter().all(|row| row.len() <= MOST_COLUMNS + 1)) {
        for (number, row) in glance.rows.iter().enumerate() {
            let head = if number == 0 { format!("{name}, {}", glance.title) } else { row[0].clone() };
            let cells: Vec<String> = row[1..].iter().map(|text| cell(text)).collect();
            // The corner of a table of answers says what the columns are of.
            let head = if number == 0 && !row[0].is_empty() { format!("{head}: {}", row[0]) } else { head };
            let _ = writeln!(text, "| {} | {} |", cell(&head), cells.join(" | "));
            if number == 0 {
                let _ = writeln!(text, "|---|{}", "---:|".repeat(cells.len()));
            }
        }
        text.push('\n');
        return;
    }
    let names: Vec<&str> = first.parameters.iter().map(|parameter| &*parameter.name).collect();
    let _ = writeln!(text, "| {} | {name} |", names.join(" | "));
    let _ = writeln!(text, "|{}---:|", "---|".repeat(names.len()));
    for result in measured.iter().take(MOST_LISTED) {
        let values: Vec<String> = result.parameters.iter().map(|parameter| cell(&parameter.text)).collect();
        let _ = writeln!(text, "| {} | {} |", values.join(" | "), cell(&finding(result)));
    }
    text.push('\n');
    if measured.len() > MOST_LISTED {
        let _ = writeln!(text, "… and {} more of {name}\n", thousands(measured.len() - MOST_LISTED));
    }
}

/// A grid as a table, where it has columns enough and not too many.
fn grid(text: &mut String, name: &str, grid: &Grid) {
    if grid.places.len() > MOST_COLUMNS || grid.lines.len() > MOST_LINES {
        return;
    }
    let head: Vec<String> = grid.places.iter().map(|place| format!("{} = {place}", grid.columns)).collect();
    let _ = writeln!(text, "| `{name}` | {} |", head.join(" | "));
    let _ = writeln!(text, "|---|{}", ":---:|".repeat(grid.places.len()));
    for line in &grid.lines {
        let cells =
            line.cells.iter().map(|cell| cell.as_ref().map_or("", |c| sentences::sign(c.verdict, c.as_expected).1));
        let row = grid.rows.as_ref().map_or_else(String::new, |rows| format!("{rows} = {}", line.name));
        let _ = writeln!(text, "| {row} | {} |", cells.collect::<Vec<_>>().join(" | "));
    }
    text.push('\n');
}

/// A curve as a table: a column for each place of the axis.
fn table(text: &mut String, name: &str, curve: &Curve) {
    let points = curve.lines.iter().flat_map(|line| &line.points);
    let mut places: Vec<(f64, &str)> = points.map(|point| (point.at, point.text.as_str())).collect();
    places.sort_by(|a, b| a.0.total_cmp(&b.0));
    places.dedup();
    if places.len() > MOST_COLUMNS {
        return;
    }
    let head: Vec<String> = places.iter().map(|(_, text)| format!("{} = {text}", curve.axis)).collect();
    let _ = writeln!(text, "| share of `{name}` proved | {} |", head.join(" | "));
    let _ = writeln!(text, "|---|{}", "---:|".repeat(places.len()));
    for line in &curve.lines {
        let cells: Vec<String> = places
            .iter()
            .map(|(_, text)| match line.points.iter().find(|point| point.text == *text) {
                Some(point) => {
                    let proved = percent(point.proved, point.instances, 0);
                    match point.open {
                        0 => proved,
                        open => format!("{proved} to {}", percent(point.proved + open, point.instances, 0)),
                    }
                }
                None => String::new(),
            })
            .collect();
        let name = if line.name.is_empty() { "proved" } else { &line.name };
        let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
    }
    if !curve.accuracy.is_empty() {
        let cells: Vec<String> = places
            .iter()
            .map(|(at, _)| curve.accuracy.iter().find(|share| share.at == *at))
            .map(|share| share.map_or_else(String::new, |share| percent(share.right, share.samples, 1)))
            .collect();
        let _ = writeln!(text, "| accuracy | {} |", cells.join(" | "));
    }
    text.push('\n');
}

/// Text within a line: nothing that Markdown would read as a table or as HTML.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace('\n', " ")
}
