//! The figures of a row, and the table.

use super::measure::{Cost, Query, Row};
use super::{Run, Spec};
use qnn::verify::Verdict;

/// Seconds of a query that count: an undecided one has used up its limit, whatever it spent of it.
pub fn counted(cost: &Cost, limit: f64) -> f64 {
    if cost.verdict.is_decided() { cost.time } else { cost.time.max(limit) }
}

/// The sum for some queries, and whether it is only a lower bound.
pub fn sum<'a>(costs: impl IntoIterator<Item = &'a Cost>, limit: f64) -> (f64, bool) {
    costs
        .into_iter()
        .fold((0.0, false), |(sum, more), cost| (sum + counted(cost, limit), more || !cost.verdict.is_decided()))
}

/// The time within which a share of the queries ends, and whether it is only a lower bound.
pub fn quantile(costs: &[&Cost], limit: f64, share: f64) -> (f64, bool) {
    let mut times: Vec<(f64, bool)> = costs.iter().map(|c| (counted(c, limit), !c.verdict.is_decided())).collect();
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    let rank = (times.len() as f64 * share).ceil() as usize;
    times.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// `1.23 s`, `45.6 ms`; `≥` where it may be more.
pub fn seconds((time, more): (f64, bool)) -> String {
    let text = match time {
        t if t >= 100.0 => format!("{t:.0} s"),
        t if t >= 1.0 => format!("{t:.2} s"),
        t if t >= 0.1 => format!("{:.0} ms", t * 1e3),
        t => format!("{:.2} ms", t * 1e3),
    };
    if more { format!("≥ {text}") } else { text }
}

/// `12×`; `≥ 12×` where the dividend may be more.
pub fn times(ratio: f64, more: bool) -> String {
    let text = if ratio >= 10.0 { format!("{ratio:.0}×") } else { format!("{ratio:.2}×") };
    if more { format!("≥ {text}") } else { text }
}

fn bytes(bytes: f64) -> String {
    match bytes {
        b if b >= 1048576.0 => format!("{:.1} MiB", b / 1048576.0),
        b if b >= 1024.0 => format!("{:.1} KiB", b / 1024.0),
        b => format!("{b:.0} B"),
    }
}

/// How many times longer the other engine takes for what this one decides; its undecided queries count with their limit.
fn speed_up(queries: &[&Query], run: &Run) -> String {
    let pairs = queries.iter().filter(|q| q.cost.verdict.is_decided());
    let pairs: Vec<(&Cost, &Cost)> = pairs.filter_map(|q| Some((&q.cost, q.baseline.as_ref()?))).collect();
    if pairs.is_empty() {
        return "-".to_owned();
    }
    let (other, more) = sum(pairs.iter().map(|(_, other)| *other), run.baseline_limit);
    let (this, _) = sum(pairs.iter().map(|(this, _)| *this), run.limit);
    times(other / this.max(1e-9), more)
}

fn line(name: &str, queries: &[&Query], peak: Option<u64>, run: &Run) -> Vec<String> {
    let costs: Vec<&Cost> = queries.iter().map(|q| &q.cost).collect();
    let count = |wanted: &dyn Fn(Verdict) -> bool| costs.iter().filter(|c| wanted(c.verdict)).count();
    let decided = count(&Verdict::is_decided);
    let at = |share: f64| seconds(quantile(&costs, run.limit, share));
    let certificates: Vec<_> = queries.iter().filter_map(|q| q.certificate).collect();
    let largest = certificates.iter().map(|c| c.bytes).max();
    let mut cells = vec![
        name.to_owned(),
        format!("{decided}/{}", costs.len()),
        count(&|v| v == Verdict::Proved).to_string(),
        count(&|v| v == Verdict::Violated).to_string(),
        at(0.5),
        at(0.95),
        at(1.0),
        seconds(sum(costs.iter().copied(), run.limit)),
        peak.map_or_else(|| "-".to_owned(), |peak| bytes(peak as f64)),
        certificates.len().to_string(),
        largest.map_or_else(|| "-".to_owned(), |largest| bytes(largest as f64)),
        if certificates.is_empty() {
            "-".to_owned()
        } else {
            seconds((certificates.iter().map(|c| c.check).sum(), false))
        },
    ];
    if run.baseline.is_some() {
        let others: Vec<&Cost> = queries.iter().filter_map(|q| q.baseline.as_ref()).collect();
        let decided = others.iter().filter(|c| c.verdict.is_decided()).count();
        cells.push(format!("{decided}/{}", others.len()));
        cells.push(seconds(sum(others.iter().copied(), run.baseline_limit)));
        cells.push(speed_up(queries, run));
    }
    cells
}

fn head(run: &Run, first: &str) -> Vec<String> {
    let mut head: Vec<String> = [
        first,
        "decided",
        "proved",
        "violated",
        "median",
        "95 %",
        "most",
        "total",
        "memory",
        "certificates",
        "largest",
        "checked in",
    ]
    .map(str::to_owned)
    .to_vec();
    if let Some(baseline) = &run.baseline {
        head.push(format!("{baseline} decided"));
        head.push(format!("{baseline} total"));
        head.push("speed-up".to_owned());
    }
    head
}

/// Rows as columns: the first left-aligned, the others right-aligned.
pub fn table(rows: &[Vec<String>]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|r| r.get(column)).map(|c| c.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        println!("{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}

/// Some specs' tables.
pub fn print<'a>(run: &Run, specs: impl Iterator<Item = &'a Spec>) {
    let kind = if run.cpu { "CPU time" } else { "time on the clock" };
    for spec in specs {
        println!(
            "\n{}: engine {}, {kind}, at most {} a query; {} until all queries were known",
            spec.spec,
            run.engine,
            seconds((run.limit, false)),
            seconds((spec.front_end, false)),
        );
        let mut rows = vec![head(run, "property")];
        let line_of = |row: &Row| line(&row.name, &row.queries.iter().collect::<Vec<_>>(), row.peak_memory, run);
        rows.extend(spec.rows.iter().map(line_of));
        if spec.rows.len() > 1 {
            rows.push(total(run, spec, "all of them"));
        }
        table(&rows);
    }
}

fn total(run: &Run, spec: &Spec, name: &str) -> Vec<String> {
    let queries: Vec<&Query> = spec.rows.iter().flat_map(|row| &row.queries).collect();
    line(name, &queries, spec.rows.iter().filter_map(|row| row.peak_memory).max(), run)
}

/// A line for each spec.
pub fn print_total(run: &Run) {
    println!();
    let mut rows = vec![head(run, "spec")];
    rows.extend(run.specs.iter().map(|spec| total(run, spec, &spec.spec)));
    table(&rows);
}
