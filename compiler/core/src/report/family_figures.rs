//! Families in figures: what a curve, an interval, a histogram and a reversal are made of.
//!
//! In: a family's results, and what each parameter is. Out: the model's figures. Nothing is drawn here.

use super::model::{
    Accuracy, Axis, AxisValue, Bar, Cell, Counts, Curve, Grid, GridLine, Group, Histogram, IntervalLine, IntervalPoint,
    Intervals, Line, Point, Reversal, Role, Share,
};
use crate::verify::InstanceResult;
use crate::verify::verdict::{Kind, MeasureResult, Number, Verdict};
use qnn_ir::Rational;
use qnn_ir::rational::{integer, parse_exact, to_f64};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The results at a place of an axis: its text, and what it is as a number.
struct CurvePlace<'a> {
    text: &'a str,
    at: f64,
    results: Vec<&'a InstanceResult>,
}

/// The values of an axis that are tabulated.
const MOST_VALUES: usize = 24;
/// The places of a chart's horizontal axis.
const MOST_PLACES: usize = 64;
/// So many radii are an axis rather than lines.
const MANY_RADII: usize = 5;
/// The lines of a chart.
const MOST_LINES: usize = 8;

/// A family's results by its parameters.
pub(super) struct FamilyFigures<'a> {
    pub results: &'a [Arc<InstanceResult>],
    pub axes: Vec<FamilyParameter>,
}

pub(super) struct FamilyParameter {
    pub name: String,
    pub role: Role,
    /// Its values in the order in which they occur, with what they are as numbers.
    pub values: Vec<(String, Option<f64>)>,
}

impl FamilyParameter {
    fn is_numeric(&self) -> bool {
        self.values.iter().all(|(_, number)| number.is_some())
    }

    pub fn varies(&self) -> bool {
        self.values.len() > 1
    }
}

/// `6`, `0.5`, `1/3` and `2 lsb` as numbers.
fn number(text: &str) -> Option<f64> {
    parse_exact(text.strip_suffix(" lsb").unwrap_or(text)).map(|value| to_f64(&value).clamp(f64::MIN, f64::MAX))
}

impl<'a> FamilyFigures<'a> {
    pub fn new(results: &'a [Arc<InstanceResult>], role: &dyn Fn(&str) -> Role) -> FamilyFigures<'a> {
        let names = results.first().map(|first| first.parameters.as_slice()).unwrap_or_default();
        let axes = names.iter().enumerate().map(|(index, parameter)| {
            let mut values: Vec<(String, Option<f64>)> = Vec::new();
            let mut seen = std::collections::HashSet::new();
            for text in results.iter().filter_map(|result| result.parameters.get(index)).map(|p| &p.text) {
                if seen.insert(text) {
                    values.push((text.clone(), number(text)));
                }
            }
            let mut parameter =
                FamilyParameter { name: parameter.name.to_string(), role: role(&parameter.name), values };
            if parameter.is_numeric() {
                parameter.values.sort_by(|a, b| a.1.unwrap_or(0.0).total_cmp(&b.1.unwrap_or(0.0)));
            }
            parameter
        });
        FamilyFigures { results, axes: axes.collect() }
    }

    /// The axis that runs to the right: the widths, or the radii where there are many, and more of them, else any other that is no sample.
    pub fn horizontal(&self) -> Option<usize> {
        let fits = |a: &FamilyParameter| a.varies() && a.is_numeric() && a.values.len() <= MOST_PLACES;
        let fit = |role: Role| self.axes.iter().position(|a| a.role == role && fits(a));
        let count = |axis: usize| self.axes[axis].values.len();
        match (fit(Role::Width), fit(Role::Radius)) {
            (Some(width), Some(radius)) if count(radius) >= MANY_RADII.max(count(width) + 1) => Some(radius),
            (width, radius) => width.or(radius).or_else(|| fit(Role::Other)),
        }
    }

    /// The axis that has a line for each value: the radii, else another width, else any other that is no sample.
    pub fn lines(&self, horizontal: Option<usize>) -> Option<usize> {
        let fit = |role: Role| {
            let fits = |a: &FamilyParameter| a.role == role && a.varies() && a.values.len() <= MOST_LINES;
            (0..self.axes.len()).find(|i| Some(*i) != horizontal && fits(&self.axes[*i]))
        };
        fit(Role::Radius).or_else(|| fit(Role::Width)).or_else(|| fit(Role::Other))
    }

    pub fn text(result: &InstanceResult, axis: usize) -> &str {
        result.parameters.get(axis).map_or("", |p| p.text.as_str())
    }

    /// The results of each line: its name and the results at each place of the horizontal axis.
    fn groups(&self, horizontal: usize, lines: Option<usize>) -> Vec<(String, Vec<CurvePlace<'_>>)> {
        let names: Vec<Option<&str>> = match lines {
            Some(axis) => self.axes[axis].values.iter().map(|(text, _)| Some(text.as_str())).collect(),
            None => vec![None],
        };
        let mut groups = Vec::new();
        for value in names {
            let on_line = |r: &&InstanceResult| match (lines, value) {
                (Some(axis), Some(value)) => FamilyFigures::text(r, axis) == value,
                _ => true,
            };
            let places = self.axes[horizontal].values.iter().filter_map(|(text, at)| {
                let results: Vec<&InstanceResult> = (self.results.iter().map(Arc::as_ref))
                    .filter(|r| FamilyFigures::text(r, horizontal) == text)
                    .filter(on_line)
                    .collect();
                (!results.is_empty()).then_some(CurvePlace { text, at: (*at)?, results })
            });
            let name = lines.zip(value).map(|(axis, value)| format!("{} = {value}", self.axes[axis].name));
            groups.push((name.unwrap_or_default(), places.collect()));
        }
        groups
    }

    pub fn over(&self, horizontal: usize, lines: Option<usize>) -> Vec<String> {
        let rest = (0..self.axes.len()).filter(|i| *i != horizontal && Some(*i) != lines && self.axes[*i].varies());
        rest.map(|i| self.axes[i].name.clone()).collect()
    }

    fn kind(&self) -> Option<Kind> {
        self.results.first().map(|result| result.kind)
    }

    /// The parameters, with the verdicts for each value.
    pub fn axes(&self) -> Vec<Axis> {
        let tabulated = |index: usize, parameter: &FamilyParameter| -> Vec<AxisValue> {
            if !parameter.varies() || parameter.values.len() > MOST_VALUES {
                return Vec::new();
            }
            let mut counts: BTreeMap<&str, Counts> = BTreeMap::new();
            for result in self.results {
                counts.entry(FamilyFigures::text(result, index)).or_default().count(result);
            }
            let value = |(text, _): &(String, _)| AxisValue {
                value: text.clone(),
                counts: counts.get(text.as_str()).copied().unwrap_or_default(),
            };
            parameter.values.iter().map(value).collect()
        };
        let axis = |(index, parameter): (usize, &FamilyParameter)| Axis {
            name: parameter.name.clone(),
            role: parameter.role,
            count: parameter.values.len(),
            values: tabulated(index, parameter),
        };
        self.axes.iter().enumerate().map(axis).collect()
    }

    /// Each verdict by itself, where one or two parameters vary and none of them picks a sample that a curve counts.
    pub fn grid(&self) -> Option<Grid> {
        let varying: Vec<usize> = (0..self.axes.len()).filter(|i| self.axes[*i].varies()).collect();
        let few = |axis: &usize| self.axes[*axis].values.len() <= MOST_PLACES;
        if self.kind().is_none_or(Kind::is_measure) || !varying.iter().all(few) {
            return None;
        }
        let (columns, rows) = match (varying.as_slice(), self.horizontal()) {
            ([only], _) => (*only, None),
            ([a, b], Some(columns)) => (columns, Some(if *a == columns { *b } else { *a })),
            ([a, b], None) if self.axes[*a].values.len() > self.axes[*b].values.len() => (*a, Some(*b)),
            ([a, b], None) => (*b, Some(*a)),
            _ => return None,
        };
        if rows.is_some_and(|rows| self.axes[rows].role == Role::Sample) {
            return None;
        }
        let mut cells: HashMap<(&str, &str), Cell> = HashMap::new();
        for result in self.results {
            let row = rows.map_or("", |rows| FamilyFigures::text(result, rows));
            let cell = Cell { verdict: result.verdict, as_expected: result.as_expected, instance: result.name.clone() };
            cells.insert((row, FamilyFigures::text(result, columns)), cell);
        }
        let places: Vec<String> = self.axes[columns].values.iter().map(|(text, _)| text.clone()).collect();
        let names = rows.map_or_else(|| vec![""], |rows| self.axes[rows].values.iter().map(|v| v.0.as_str()).collect());
        let line = |name: &str| GridLine {
            name: name.to_owned(),
            cells: places.iter().map(|place| cells.get(&(name, place.as_str())).cloned()).collect(),
        };
        Some(Grid {
            columns: self.axes[columns].name.clone(),
            rows: rows.map(|rows| self.axes[rows].name.clone()),
            lines: names.into_iter().map(line).collect(),
            places,
        })
    }

    /// The share that is proved against the horizontal axis, where several instances are counted at a place.
    pub fn curve(&self) -> Option<Curve> {
        if self.kind() != Some(Kind::Property) || self.grid().is_some() {
            return None;
        }
        let horizontal = self.horizontal()?;
        let lines = self.lines(Some(horizontal));
        let point = |place: CurvePlace<'_>| {
            let counts = Counts::of(place.results.iter().copied());
            let Counts { proved, violated, .. } = counts;
            let (text, at, instances) = (place.text.to_owned(), place.at, place.results.len());
            Point { text, at, instances, proved, violated, open: counts.open() + counts.error }
        };
        let line = |(name, places): (String, Vec<_>)| Line { name, points: places.into_iter().map(point).collect() };
        Some(Curve {
            axis: self.axes[horizontal].name.clone(),
            role: self.axes[horizontal].role,
            over: self.over(horizontal, lines),
            lines: self.groups(horizontal, lines).into_iter().map(line).collect(),
            accuracy: Vec::new(),
        })
    }

    /// What is known of a maximum, minimum, share or average against the horizontal axis; the worst of all instances at a place.
    pub fn intervals(&self) -> Option<Intervals> {
        let kind = self.kind().filter(|kind| !matches!(kind, Kind::Property | Kind::Find | Kind::Largest))?;
        let horizontal = self.horizontal()?;
        let lines = self.lines(Some(horizontal));
        let worst = |values: Vec<Option<Rational>>, all: bool| -> Option<Number> {
            // A bound that one instance lacks bounds nothing.
            if all && values.iter().any(Option::is_none) {
                return None;
            }
            // Of shares, the least is the worst.
            let pick = |a: Rational, b: Rational| if kind == Kind::Maximize { a.max(b) } else { a.min(b) };
            values.into_iter().flatten().reduce(pick).as_ref().map(Number::from)
        };
        let point = |place: CurvePlace<'_>| {
            let measured: Vec<_> = place.results.iter().filter(|r| r.verdict != Verdict::Vacuous).collect();
            let of = |f: &dyn Fn(&MeasureResult) -> Option<&Number>| {
                let number = |r: &&&InstanceResult| r.measure.as_ref().and_then(f).and_then(Number::rational);
                measured.iter().map(number).collect::<Vec<_>>()
            };
            IntervalPoint {
                text: place.text.to_owned(),
                at: place.at,
                found: worst(of(&|m| m.found.as_ref()), false),
                bound: worst(of(&|m| m.bound.as_ref()), true),
            }
        };
        let line =
            |(name, places): (String, Vec<_>)| IntervalLine { name, points: places.into_iter().map(point).collect() };
        Some(Intervals {
            axis: self.axes[horizontal].name.clone(),
            over: self.over(horizontal, lines),
            lines: self.groups(horizontal, lines).into_iter().map(line).collect(),
        })
    }

    /// How often each answer of a `largest` occurs, for each value of the axis that is compared.
    pub fn histogram(&self) -> Option<Histogram> {
        let first = self.results.iter().find_map(|result| result.measure.as_ref()?.largest.as_ref())?;
        let compared = self.lines(None);
        let values: Vec<Option<&str>> = match compared {
            Some(axis) => self.axes[axis].values.iter().map(|(text, _)| Some(text.as_str())).collect(),
            None => vec![None],
        };
        let group = |value: Option<&str>| {
            let mut group = Group {
                name: compared
                    .zip(value)
                    .map(|(axis, v)| format!("{} = {v}", self.axes[axis].name))
                    .unwrap_or_default(),
                bars: Vec::new(),
                none: 0,
                open: 0,
            };
            let mut bars: BTreeMap<i128, usize> = BTreeMap::new();
            for result in self.results {
                if compared.zip(value).is_some_and(|(axis, value)| FamilyFigures::text(result, axis) != value) {
                    continue;
                }
                let answer = result.measure.as_ref().and_then(|m| Some((m.complete, m.largest.as_ref()?.proved)));
                match answer {
                    Some((true, Some(proved))) => *bars.entry(proved).or_default() += 1,
                    Some((true, None)) => group.none += 1,
                    _ => group.open += 1,
                }
            }
            group.bars = bars.into_iter().map(|(value, count)| Bar { value, count }).collect();
            group
        };
        Some(Histogram {
            variable: first.name.clone(),
            first: first.first,
            last: first.last,
            groups: values.into_iter().map(group).collect(),
        })
    }

    /// Where a greater width is less robust: proved at one, violated at a greater one; or a smaller radius.
    pub fn reversals(&self) -> Vec<Reversal> {
        let mut found = Vec::new();
        let widths =
            self.axes.iter().enumerate().filter(|(_, a)| a.role == Role::Width && a.varies() && a.is_numeric());
        for (axis, parameter) in widths {
            let mut alike: BTreeMap<Vec<&str>, Vec<(f64, &InstanceResult)>> = BTreeMap::new();
            let mut order: Vec<Vec<&str>> = Vec::new();
            for result in self.results {
                let others: Vec<&str> =
                    (0..self.axes.len()).filter(|i| *i != axis).map(|i| FamilyFigures::text(result, i)).collect();
                let Some(at) = number(FamilyFigures::text(result, axis)) else { continue };
                let entry = alike.entry(others.clone()).or_default();
                if entry.is_empty() {
                    order.push(others);
                }
                entry.push((at, result));
            }
            for others in order {
                let Some(mut line) = alike.remove(&others) else { continue };
                line.sort_by(|a, b| a.0.total_cmp(&b.0));
                let names = (0..self.axes.len()).filter(|i| *i != axis).map(|i| &self.axes[i].name);
                let given: Vec<String> = names.zip(&others).map(|(name, value)| format!("{name} = {value}")).collect();
                for (index, (_, worse)) in line.iter().enumerate() {
                    // The nearest that is better, and each place at which it gets worse but once.
                    let Some((_, better)) = line[..index].iter().rev().find(|(_, r)| decided(r)) else { continue };
                    if let Some((good, bad)) = worsens(better, worse) {
                        found.push(Reversal {
                            axis: parameter.name.clone(),
                            given: given.join(", "),
                            from: FamilyFigures::text(better, axis).to_owned(),
                            to: FamilyFigures::text(worse, axis).to_owned(),
                            better: good,
                            worse: bad,
                        });
                    }
                }
            }
        }
        found
    }
}

/// Whether a result can be compared with another.
fn decided(result: &InstanceResult) -> bool {
    match result.kind {
        Kind::Property => matches!(result.verdict, Verdict::Proved | Verdict::Violated),
        Kind::Find => false,
        _ => result.measure.is_some(),
    }
}

/// What is known of two instances, if the second is provably worse.
fn worsens(better: &InstanceResult, worse: &InstanceResult) -> Option<(String, String)> {
    if (better.verdict, worse.verdict) == (Verdict::Proved, Verdict::Violated) {
        return Some(("proved".to_owned(), "violated".to_owned()));
    }
    if better.kind != Kind::Largest {
        return None;
    }
    let largest = |r: &InstanceResult| r.measure.as_ref().and_then(|m| m.largest.clone());
    let (a, b) = (largest(better)?, largest(worse)?);
    // What is proved at least for the one, and at most for the other.
    let least = a.proved?;
    let bound = worse.measure.as_ref()?.bound.as_ref();
    let below = match bound {
        Some(bound) => bound.rational()? < integer(least),
        None => worse.measure.as_ref()?.complete,
    };
    let name = &b.name;
    let at_most = bound.map_or_else(|| "none holds".to_owned(), |bound| format!("{name} at most {}", bound.exact));
    below.then(|| (format!("{name} at least {least}"), at_most))
}

/// The accuracy at each place of an axis, where one network is meant there.
pub(super) fn accuracy<'a>(
    axis: &str,
    known: impl Iterator<Item = (&'a [(String, String)], &'a str, &'a Accuracy)>,
) -> Vec<Share> {
    let mut shares: Vec<(f64, Vec<Share>)> = Vec::new();
    for (choice, network, accuracy) in known {
        let Some(at) = choice.iter().find(|(name, _)| name == axis).and_then(|(_, text)| number(text)) else {
            continue;
        };
        let share = Share { at, network: network.to_owned(), right: accuracy.right, samples: accuracy.samples };
        match shares.iter_mut().find(|(place, _)| *place == at) {
            Some((_, here)) if here.contains(&share) => {}
            Some((_, here)) => here.push(share),
            None => shares.push((at, vec![share])),
        }
    }
    shares.sort_by(|a, b| a.0.total_cmp(&b.0));
    shares.into_iter().filter_map(|(_, here)| <[Share; 1]>::try_from(here).ok()).map(|[share]| share).collect()
}
