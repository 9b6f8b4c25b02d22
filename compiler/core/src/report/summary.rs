//! A family at a glance: a table of what its instances come to, by one or two of its parameters.
//!
//! In: a family's results. Out: text in rows and columns, for a terminal. The parameters are chosen as for the charts of a page; samples are counted over.

use super::family_figures::FamilyFigures;
use super::model::{Counts, Property, Role};
use super::roles::roles;
use super::sentences::thousands;
use crate::check::spec::Expectation;
use crate::db::{Db, ItemId};
use crate::verify::InstanceResult;
use crate::verify::verdict::{Kind, Number, Verdict};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The values of a parameter that get a column or a row each.
const MOST_VALUES: usize = 24;

/// A table: its first row names the columns, and the first cell of each row names the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SummaryTable {
    /// What its cells say: `proved, of all`.
    pub title: String,
    /// The rows, all of the same length.
    pub rows: Vec<Vec<String>>,
}

/// The table of a family; `None` if no parameter divides it, or all its cells would say the same.
pub fn table(db: &dyn Db, item: ItemId, results: &[Arc<InstanceResult>]) -> Option<SummaryTable> {
    let roles = roles(db, item);
    let role = |name: &str| roles.parameters.get(name).copied().unwrap_or(Role::Other);
    of(&FamilyFigures::new(results, &role))
}

/// The table of a property of a report.
pub(super) fn of_property(property: &Property, results: &[&InstanceResult]) -> Option<SummaryTable> {
    let results: Vec<Arc<InstanceResult>> = results.iter().map(|result| Arc::new((*result).clone())).collect();
    let role = |name: &str| property.axes.iter().find(|axis| axis.name == name).map_or(Role::Other, |axis| axis.role);
    of(&FamilyFigures::new(&results, &role))
}

fn of(family: &FamilyFigures<'_>) -> Option<SummaryTable> {
    let first = family.results.first()?;
    let divides = |index: &usize| {
        let axis = &family.axes[*index];
        axis.role != Role::Sample && axis.varies() && axis.values.len() <= MOST_VALUES
    };
    let horizontal = family.horizontal().filter(divides).or_else(|| (0..family.axes.len()).find(divides));
    if first.kind == Kind::Largest && horizontal.is_none() {
        return answers(family);
    }
    let horizontal = horizontal?;
    let vertical = family.lines(Some(horizontal)).filter(divides);
    let vertical = vertical.or_else(|| (0..family.axes.len()).find(|index| *index != horizontal && divides(index)));
    let mut cells: BTreeMap<(&str, &str), Vec<&InstanceResult>> = BTreeMap::new();
    for result in family.results {
        let row = vertical.map_or("", |axis| FamilyFigures::text(result, axis));
        cells.entry((row, FamilyFigures::text(result, horizontal))).or_default().push(result);
    }
    let named = |axis: usize| {
        let axis = &family.axes[axis];
        axis.values.iter().map(|(text, _)| (text.as_str(), format!("{} = {text}", axis.name)))
    };
    let mut rows = vec![std::iter::once(String::new()).chain(named(horizontal).map(|(_, name)| name)).collect()];
    let lines: Vec<(&str, String)> = vertical.map_or_else(|| vec![("", String::new())], |axis| named(axis).collect());
    for (value, name) in lines {
        let cell = |(column, _): (&str, String)| cells.get(&(value, column)).map_or_else(String::new, |all| cell(all));
        let texts: Vec<String> = named(horizontal).map(cell).collect();
        rows.push(std::iter::once(name).chain(texts).collect());
    }
    let over = family.over(horizontal, vertical);
    let over = if over.is_empty() { String::new() } else { format!(", over all {}", over.join(", ")) };
    let what = match (first.kind, first.expected) {
        (Kind::Property, Expectation::Proved) => "proved",
        (Kind::Find, Expectation::Decided) => "found",
        (Kind::Property | Kind::Find, _) => "as expected",
        (Kind::Maximize, _) => "greatest",
        (Kind::Minimize, _) => "least",
        (Kind::Largest, _) => "answers",
        (Kind::Share, _) => "share",
        (Kind::Average, _) => "average",
    };
    Some(SummaryTable { title: format!("{what}{over}"), rows })
}

/// What the instances at a place come to.
fn cell(all: &[&InstanceResult]) -> String {
    match all {
        [] => String::new(),
        [one] if !one.kind.is_measure() => sign(one.verdict).to_owned(),
        [first, ..] if !first.kind.is_measure() => {
            let counts = Counts::of(all.iter().copied());
            let good = match first.expected {
                Expectation::Decided => counts.found,
                _ => counts.total() - counts.unexpected - counts.open() - counts.error,
            };
            let open = counts.open() + counts.error;
            let range =
                if open > 0 { format!("{}–{}", thousands(good), thousands(good + open)) } else { thousands(good) };
            format!("{range}/{}", thousands(counts.total()))
        }
        [first, ..] => extremes(first.kind, all),
    }
}

/// The sign of a verdict.
pub fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Proved => "✓",
        Verdict::Violated => "✗",
        Verdict::Found => "●",
        Verdict::None => "○",
        Verdict::Vacuous => "∅",
        Verdict::Timeout => "⏱",
        Verdict::Unknown => "?",
        Verdict::Error => "!",
    }
}

/// The worst of measures, or the range of answers; what is not known exactly shows what is known.
fn extremes(kind: Kind, all: &[&InstanceResult]) -> String {
    let measures: Vec<_> = all.iter().filter_map(|result| result.measure.as_ref()).collect();
    let open = all.iter().any(|result| {
        result.verdict != Verdict::Vacuous && result.measure.as_ref().is_none_or(|m| !m.complete && !m.is_close())
    });
    let pick = |numbers: Vec<&Number>, greatest: bool| {
        let order = |a: &&&Number, b: &&&Number| a.order(b);
        let found = if greatest { numbers.iter().max_by(order) } else { numbers.iter().min_by(order) };
        found.map(|number| number.text.clone())
    };
    let found: Vec<&Number> = measures.iter().filter_map(|m| m.found.as_ref()).collect();
    let bounds: Vec<&Number> = measures.iter().filter_map(|m| m.bound.as_ref()).collect();
    // A bound that one instance lacks bounds nothing.
    let bounded = bounds.len() == all.iter().filter(|r| r.verdict != Verdict::Vacuous).count();
    match kind {
        Kind::Property | Kind::Find => String::new(),
        Kind::Maximize | Kind::Minimize => {
            let greatest = kind == Kind::Maximize;
            let best = pick(found, greatest);
            if !open {
                return best.unwrap_or_else(|| "∅".to_owned());
            }
            let bound = if bounded { pick(bounds, greatest) } else { None };
            let text = |number: Option<String>| number.unwrap_or_else(|| "?".to_owned());
            let (low, high) = if greatest { (best, bound) } else { (bound, best) };
            format!("{} … {}", text(low), text(high))
        }
        Kind::Share | Kind::Average => {
            let range = |low: Option<String>, high: Option<String>| match (low, high) {
                (Some(low), Some(high)) if low != high => format!("{low} … {high}"),
                (low, high) => low.or(high).unwrap_or_else(|| "?".to_owned()),
            };
            range(pick(found, false), if bounded { pick(bounds, true) } else { None })
        }
        Kind::Largest => {
            let none = measures.iter().any(|m| m.complete && m.found.is_none());
            let low = if none { Some("none".to_owned()) } else { pick(found.clone(), false) };
            let high = pick(found, true);
            let range = match (low, high) {
                (Some(low), Some(high)) if low != high => format!("{low} … {high}"),
                (Some(only), _) | (None, Some(only)) => only,
                (None, None) => String::new(),
            };
            if open { format!("{range}?") } else { range }
        }
    }
}

/// How often each answer of a `largest` occurs.
fn answers(family: &FamilyFigures<'_>) -> Option<SummaryTable> {
    let histogram = family.histogram()?;
    let mut rows = vec![vec![histogram.variable.clone()], vec!["instances".to_owned()]];
    for group in &histogram.groups {
        let none = (group.none > 0).then(|| ("none".to_owned(), group.none));
        let open = (group.open > 0).then(|| ("not known".to_owned(), group.open));
        let bars = group.bars.iter().map(|bar| (bar.value.to_string(), bar.count));
        for (answer, count) in none.into_iter().chain(bars).chain(open) {
            rows[0].push(answer);
            rows[1].push(thousands(count));
        }
    }
    (histogram.groups.len() == 1 && rows[0].len() <= MOST_VALUES + 2)
        .then(|| SummaryTable { title: "how often each answer occurs".to_owned(), rows })
}
