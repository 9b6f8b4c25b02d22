//! Charts as SVG.
//!
//! In: a family's figures. Out: an SVG element with a name for who does not see it. Colours are those of a light page; [`DARK`] says what a dark page makes of them,
//! since a page's style can say so by the colour that stands in the drawing. A series has a mark of its own beside its colour.

use super::model::{Curve, Group, Histogram, Intervals};
use crate::verify::verdict::Number;
use plotters::coord::Shift;
use plotters::element::{Drawable, PointCollection};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters_backend::{BackendCoord, DrawingErrorKind};
use std::ops::Range;

/// The width of a chart, in pixels: it is drawn for a phone, and grows with the page.
const WIDTH: u32 = 480;
/// The height without the legend.
const HEIGHT: u32 = 300;
/// The height of a line of the legend.
const LEGEND: u32 = 24;
/// The size of text.
const TEXT: u32 = 17;

/// Text and axes.
const INK: RGBColor = RGBColor(0x1b, 0x1f, 0x24);
/// The grid.
const GRID: RGBColor = RGBColor(0xd8, 0xdc, 0xe1);
/// What is compared with: the accuracy.
const OTHER: RGBColor = RGBColor(0x57, 0x60, 0x6a);
/// The colours of the series.
const SERIES: [RGBColor; 8] = [
    RGBColor(0x0a, 0x58, 0xa8),
    RGBColor(0xb3, 0x47, 0x0a),
    RGBColor(0x1a, 0x7a, 0x3a),
    RGBColor(0x82, 0x2e, 0x8a),
    RGBColor(0x6b, 0x5b, 0x00),
    RGBColor(0x0a, 0x74, 0x7e),
    RGBColor(0xa3, 0x18, 0x4b),
    RGBColor(0x4a, 0x4e, 0x69),
];

/// For each colour of a light page, the one of a dark page.
pub const DARK: [(&str, &str); 11] = [
    ("#1B1F24", "#e6e9ec"),
    ("#D8DCE1", "#3a4149"),
    ("#57606A", "#aab3bd"),
    ("#0A58A8", "#6cb2ff"),
    ("#B3470A", "#ff9a5c"),
    ("#1A7A3A", "#5fd38a"),
    ("#822E8A", "#e08be8"),
    ("#6B5B00", "#d9c64a"),
    ("#0A747E", "#55cbd6"),
    ("#A3184B", "#ff8ab0"),
    ("#4A4E69", "#b4b9dd"),
];

/// Why there is no chart: plotters says what a backend can't write, and this one writes into memory.
type Problem = DrawingAreaErrorKind<std::io::Error>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// An entry of the legend.
struct Entry {
    name: String,
    color: RGBColor,
    mark: Mark,
}

/// What stands at a point.
#[derive(Clone, Copy)]
enum Mark {
    Series(usize),
    /// A dashed line.
    Dashes,
    /// A filled area, for bars.
    Bar,
    /// A line alone.
    Line,
}

/// The share that is proved.
pub fn curve(curve: &Curve, title: &str) -> Option<String> {
    let places = curve.lines.iter().flat_map(|line| &line.points).map(|point| point.at);
    let x = span(places, 0.5)?;
    let mut legend = Vec::new();
    for (index, line) in curve.lines.iter().enumerate() {
        let name = if line.name.is_empty() { "proved" } else { &line.name };
        legend.push(Entry { name: name.to_owned(), color: color(index), mark: Mark::Series(index) });
    }
    if !curve.accuracy.is_empty() {
        legend.push(Entry { name: "accuracy".to_owned(), color: OTHER, mark: Mark::Dashes });
    }
    drawn(title, &legend, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .x_label_area_size(46)
            .y_label_area_size(64)
            .build_cartesian_2d(x.clone(), 0.0..1.02)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .axis_style(INK)
            .label_style(("sans-serif", TEXT, &INK))
            .x_desc(&curve.axis)
            .y_desc("share of the instances")
            .x_labels(labels(&x))
            .y_labels(6)
            .x_label_formatter(&place)
            .y_label_formatter(&|share| format!("{:.0} %", share * 100.0))
            .draw()?;
        for (index, line) in curve.lines.iter().enumerate() {
            let lower = line.points.iter().map(|p| (p.at, p.shares().0));
            if line.points.iter().any(|point| point.open > 0) {
                let upper = line.points.iter().rev().map(|p| (p.at, p.shares().1));
                let band: Vec<(f64, f64)> = lower.clone().chain(upper).collect();
                chart.draw_series([Polygon::new(band, color(index).mix(0.22))])?;
                // A point alone has no area.
                let bars = line.points.iter().map(|p| vec![(p.at, p.shares().0), (p.at, p.shares().1)]);
                chart.draw_series(bars.map(|bar| PathElement::new(bar, color(index).mix(0.5).stroke_width(5))))?;
            }
            chart.draw_series(LineSeries::new(lower.clone(), color(index).stroke_width(2)))?;
            chart.draw_series(lower.map(|at| Marker { at, mark: Mark::Series(index), color: color(index) }))?;
        }
        if !curve.accuracy.is_empty() {
            let points: Vec<(f64, f64)> = curve.accuracy.iter().map(|share| (share.at, share.share())).collect();
            chart.draw_series(DashedLineSeries::new(points.clone(), 6, 4, OTHER.stroke_width(2)))?;
            chart.draw_series(points.into_iter().map(|at| Marker { at, mark: Mark::Dashes, color: OTHER }))?;
        }
        Ok(())
    })
}

/// What is known of maxima or minima.
pub fn intervals(intervals: &Intervals, title: &str) -> Option<String> {
    let points = || intervals.lines.iter().flat_map(|line| &line.points);
    let x = span(points().map(|point| point.at), 0.5)?;
    let value = |number: &Option<Number>| number.as_ref().map(|number| number.value).filter(|value| value.is_finite());
    let values = points().flat_map(|point| [value(&point.found), value(&point.bound)]).flatten().chain([0.0]);
    let y = span(values, 0.0)?;
    let y = y.start..y.end + (y.end - y.start) * 0.05;
    let several = intervals.lines.len() > 1;
    let entry = |(index, line): (usize, &super::model::IntervalLine)| Entry {
        name: if several { line.name.clone() } else { "found, up to what is not excluded".to_owned() },
        color: color(index),
        mark: Mark::Series(index),
    };
    let legend: Vec<Entry> = intervals.lines.iter().enumerate().map(entry).collect();
    let shift = |index: usize| (index as f64 - (intervals.lines.len() as f64 - 1.0) / 2.0) * 0.12;
    drawn(title, &legend, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .x_label_area_size(46)
            .y_label_area_size(64)
            .build_cartesian_2d(x.clone(), y.clone())?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .axis_style(INK)
            .label_style(("sans-serif", TEXT, &INK))
            .x_desc(&intervals.axis)
            .y_desc("value")
            .x_labels(labels(&x))
            .y_labels(6)
            .x_label_formatter(&place)
            .draw()?;
        for (index, line) in intervals.lines.iter().enumerate() {
            for point in &line.points {
                let at = point.at + shift(index);
                let (found, bound) = (value(&point.found), value(&point.bound));
                if let (Some(found), Some(bound)) = (found, bound) {
                    let bar = PathElement::new(vec![(at, found), (at, bound)], color(index).stroke_width(4));
                    chart.draw_series([bar])?;
                }
                let ends = [found, bound].into_iter().flatten();
                let marker = |value| Marker { at: (at, value), mark: Mark::Series(index), color: color(index) };
                chart.draw_series(ends.map(marker))?;
            }
        }
        Ok(())
    })
}

/// How often each answer occurs, with those that hold for no candidate below the first; or, of many answers, how many instances reach each.
pub fn histogram(histogram: &Histogram, title: &str) -> Option<String> {
    if histogram.is_cumulative() {
        return reached(histogram, title);
    }
    let shown: Vec<&Group> = histogram.groups.iter().filter(|g| !g.bars.is_empty() || g.none > 0).collect();
    let bars = || shown.iter().flat_map(|group| &group.bars);
    // All candidates, where there is room for them.
    let all =
        [histogram.first, histogram.last].into_iter().filter(|_| histogram.last.saturating_sub(histogram.first) <= 40);
    let answers = || bars().map(|bar| bar.value).chain(all.clone()).map(|value| value as f64);
    let none = shown.iter().any(|group| group.none > 0);
    let place_of_none = histogram.first as f64 - 1.0;
    let x = span(answers().chain(none.then_some(place_of_none)), 0.6)?;
    let most = bars().map(|bar| bar.count).chain(shown.iter().map(|group| group.none)).max()?;
    let each = 0.8 / shown.len().max(1) as f64;
    let entry = |(index, group): (usize, &&Group)| Entry {
        name: if group.name.is_empty() { "instances".to_owned() } else { group.name.clone() },
        color: color(index),
        mark: Mark::Bar,
    };
    let legend: Vec<Entry> = shown.iter().enumerate().map(entry).collect();
    drawn(title, &legend, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .x_label_area_size(46)
            .y_label_area_size(64)
            .build_cartesian_2d(x.clone(), 0.0..most as f64 * 1.05)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .axis_style(INK)
            .label_style(("sans-serif", TEXT, &INK))
            .x_desc(format!("largest {}", histogram.variable))
            .y_desc("instances")
            .x_labels(labels(&x))
            .y_labels(most.min(6))
            .x_label_formatter(&|at| if none && *at == place_of_none { "none".to_owned() } else { place(at) })
            .y_label_formatter(&place)
            .draw()?;
        for (index, group) in shown.iter().enumerate() {
            let nothing = [(place_of_none, group.none)].into_iter().filter(|(_, count)| *count > 0);
            let bars = group.bars.iter().map(|bar| (bar.value as f64, bar.count));
            let boxes = nothing.chain(bars).map(|(value, count)| {
                let left = value - 0.4 + index as f64 * each;
                Rectangle::new([(left, 0.0), (left + each * 0.92, count as f64)], color(index).filled())
            });
            chart.draw_series(boxes)?;
        }
        Ok(())
    })
}

/// The share of instances whose answer is at least so much, a line for each group; what is undecided counts as not.
fn reached(histogram: &Histogram, title: &str) -> Option<String> {
    let shown: Vec<&Group> = histogram.groups.iter().filter(|group| !group.bars.is_empty()).collect();
    let ends = || shown.iter().flat_map(|group| &group.bars).map(|bar| bar.value as f64);
    let x = span(ends().chain([histogram.first as f64]), 0.0)?;
    let entry = |(index, group): (usize, &&Group)| Entry {
        name: if group.name.is_empty() { "instances".to_owned() } else { group.name.clone() },
        color: color(index),
        mark: Mark::Line,
    };
    let legend: Vec<Entry> = shown.iter().enumerate().map(entry).collect();
    drawn(title, &legend, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .x_label_area_size(46)
            .y_label_area_size(64)
            .build_cartesian_2d(x.clone(), 0.0..1.02)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .axis_style(INK)
            .label_style(("sans-serif", TEXT, &INK))
            .x_desc(&histogram.variable)
            .y_desc("share of the instances")
            .x_labels(labels(&x))
            .y_labels(6)
            .x_label_formatter(&place)
            .y_label_formatter(&|share| format!("{:.0} %", share * 100.0))
            .draw()?;
        for (index, group) in shown.iter().enumerate() {
            let steps = group.reached(histogram.first).into_iter().map(|(at, share)| (at as f64, share));
            chart.draw_series(LineSeries::new(steps, color(index).stroke_width(2)))?;
        }
        Ok(())
    })
}

fn color(index: usize) -> RGBColor {
    SERIES[index % SERIES.len()]
}

/// The range of some numbers, wider by so much at either end; `None` where there are none.
fn span(numbers: impl Iterator<Item = f64>, margin: f64) -> Option<Range<f64>> {
    let finite = numbers.filter(|n| n.is_finite());
    let (least, greatest) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), n| (a.min(n), b.max(n)));
    if least > greatest {
        return None;
    }
    // Axes of hundreds of places want no half place beside them, those of fractions no whole one.
    let wide = if greatest > least { (greatest - least).clamp(1e-6, 1.0) } else { 1.0 };
    let (start, end) = (least - margin * wide, greatest + margin * wide);
    Some(if end > start { start..end } else { start..start + 1.0 })
}

/// How many labels an axis of integers wants.
fn labels(range: &Range<f64>) -> usize {
    let wide = (range.end - range.start).ceil();
    if (2.0..=14.0).contains(&wide) { wide as usize + 1 } else { 8 }
}

/// A place as its label: integers as such, and others as they are.
fn place(at: &f64) -> String {
    if (at - at.round()).abs() < 1e-9 {
        format!("{}", at.round())
    } else {
        format!("{at:.3}").trim_end_matches('0').to_owned()
    }
}

/// Draws a chart above its legend, in memory.
fn drawn(title: &str, legend: &[Entry], draw: impl FnOnce(&Area<'_>) -> Result<(), Problem>) -> Option<String> {
    let columns = if legend.iter().all(|entry| entry.name.chars().count() <= 14) { 3 } else { 1 };
    let rows = legend.len().div_ceil(columns) as u32;
    let mut svg = String::new();
    let done = (|| {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, HEIGHT + rows * LEGEND + 6)).into_drawing_area();
        let (upper, lower) = root.split_vertically(HEIGHT);
        draw(&upper)?;
        let style = ("sans-serif", TEXT).into_font().color(&INK).pos(Pos::new(HPos::Left, VPos::Center));
        for (index, entry) in legend.iter().enumerate() {
            let width = (WIDTH - 60) as i32 / columns as i32;
            let left = 60 + (index % columns) as i32 * width;
            let middle = (index / columns) as i32 * LEGEND as i32 + LEGEND as i32 / 2;
            let (from, to) = ((left, middle), (left + 26, middle));
            match entry.mark {
                Mark::Bar => {
                    let swatch = [(left + 4, middle - 6), (left + 22, middle + 6)];
                    lower.draw(&Rectangle::new(swatch, entry.color.filled()))?;
                }
                Mark::Dashes => {
                    for start in [0, 10, 20] {
                        let dash = vec![(left + start, middle), (left + start + 6, middle)];
                        lower.draw(&PathElement::new(dash, entry.color.stroke_width(2)))?;
                    }
                }
                Mark::Series(_) | Mark::Line => {
                    lower.draw(&PathElement::new(vec![from, to], entry.color.stroke_width(2)))?
                }
            }
            lower.draw(&Marker { at: (left + 13, middle), mark: entry.mark, color: entry.color })?;
            lower.draw(&Text::new(entry.name.clone(), (left + 34, middle), style.clone()))?;
        }
        root.present()
    })();
    done.ok()?;
    let name = title.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    Some(svg.replacen("<svg ", &format!("<svg role=\"img\" aria-label=\"{name}\" "), 1))
}

/// A mark at a point.
struct Marker<C> {
    at: C,
    mark: Mark,
    color: RGBColor,
}

impl<'a, C: 'a> PointCollection<'a, C> for &'a Marker<C> {
    type Point = &'a C;
    type IntoIter = std::iter::Once<&'a C>;

    fn point_iter(self) -> Self::IntoIter {
        std::iter::once(&self.at)
    }
}

impl<C, DB: DrawingBackend> Drawable<DB> for Marker<C> {
    fn draw<I: Iterator<Item = BackendCoord>>(
        &self,
        mut points: I,
        backend: &mut DB,
        _: (u32, u32),
    ) -> Result<(), DrawingErrorKind<DB::ErrorType>> {
        let Some((x, y)) = points.next() else { return Ok(()) };
        let (filled, line) = (self.color.filled(), self.color.stroke_width(2));
        match self.mark {
            Mark::Bar | Mark::Line => Ok(()),
            Mark::Dashes => backend.draw_rect((x - 3, y - 3), (x + 3, y + 3), &line, false),
            Mark::Series(index) => match index % 4 {
                0 => backend.draw_circle((x, y), 4, &filled, true),
                1 => backend.fill_polygon([(x, y - 6), (x + 5, y + 4), (x - 5, y + 4)], &filled),
                2 => backend.draw_rect((x - 4, y - 4), (x + 4, y + 4), &filled, true),
                _ => backend.fill_polygon([(x, y - 6), (x + 6, y), (x, y + 6), (x - 6, y)], &filled),
            },
        }
    }
}
