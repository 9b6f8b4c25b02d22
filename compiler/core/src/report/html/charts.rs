//! A family's charts on the page, each with its figures as a table, and its grid of verdicts.

use super::elements::scroll;
use crate::report::chart;
use crate::report::model::{Cell, Curve, Grid, Histogram, Intervals, Point, Property};
use crate::report::sentences::{percent, sign};
use crate::verify::verdict::{Kind, Number};
use maud::{Markup, PreEscaped, html};

pub(super) fn of_property(property: &Property) -> Markup {
    let curve = property.curve.as_ref().and_then(|data| {
        let open = data.lines.iter().flat_map(|line| &line.points).any(|point| point.open > 0);
        let band = if open { "; what is undecided is a band above" } else { "" };
        let over = over(&data.over, "over all");
        let title = format!("Share of {} that is proved against {}{over}{band}", property.name, data.axis);
        Some(figure(&title, chart::curve(data, &title)?, curve_table(data)))
    });
    let intervals = property.intervals.as_ref().and_then(|data| {
        let what = match property.kind {
            Kind::Minimize => "Minimum",
            Kind::Share => "Share",
            Kind::Average => "Average",
            _ => "Maximum",
        };
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

fn over(names: &[String], what: &str) -> String {
    if names.is_empty() { String::new() } else { format!(", {what} {}", names.join(", ")) }
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
                @if property.kind == Kind::Find { ": ● found, ○ none, ✗ not as expected, ? undecided" }
                @else { ": ✓ as expected, ✗ not, ? undecided" }
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
