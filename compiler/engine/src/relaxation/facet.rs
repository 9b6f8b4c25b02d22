//! Convex hulls of nonlinearities: the linear inequalities that the relaxation knows.
//!
//! In: a nonlinearity and its ranges. Out: facets, alpha · column + sum of beta · expression <= gamma, valid for every value within
//! the ranges. They only guide: what is decided is decided by the exact staircase, see [`super::dual_bound`].

use super::network::{Kind, Nonlinearity, Relaxation};
use super::ranges::Ranges;
use super::step_table::StepTable;
use std::sync::Arc;

/// alpha · column + sum of beta · expression <= gamma.
#[derive(Clone, Debug, PartialEq)]
pub struct Facet {
    /// The factor of the nonlinearity's column.
    pub alpha: f64,
    /// (expression, factor); most facets have no other.
    pub first: (u32, f64),
    /// More of them.
    pub others: Option<Box<[(u32, f64)]>>,
    /// The right-hand side.
    pub gamma: f64,
}

impl Facet {
    /// A facet with one expression.
    pub fn single(alpha: f64, expr: u32, beta: f64, gamma: f64) -> Facet {
        Facet { alpha, first: (expr, beta), others: None, gamma }
    }

    /// (expression, factor).
    pub fn terms(&self) -> impl Iterator<Item = (u32, f64)> + '_ {
        std::iter::once(self.first).chain(self.others.iter().flat_map(|others| others.iter().copied()))
    }

    /// The sum of beta · expression, given the expressions' values.
    #[inline]
    pub fn activity(&self, e: &[f64]) -> f64 {
        let own = self.first.1 * e[self.first.0 as usize];
        match &self.others {
            None => own,
            Some(others) => others.iter().fold(own, |sum, (expr, beta)| sum + beta * e[*expr as usize]),
        }
    }
}

/// The facets of a nonlinearity.
pub fn facets(relaxation: &Relaxation, nonlinearity: &Nonlinearity, ranges: &Ranges) -> Arc<[Facet]> {
    let mut facets = Vec::new();
    let column = nonlinearity.column as usize;
    let (low, high) = (ranges.lower[column], ranges.upper[column]);
    for e in nonlinearity.exprs() {
        // The range itself matters where it does not follow from the columns: after splits.
        let (a, b) = ranges.exprs[e];
        let scale = (high - low).max(1.0) / (b - a).max(1.0);
        facets.push(Facet::single(0.0, e as u32, scale, scale * b));
        facets.push(Facet::single(0.0, e as u32, -scale, -scale * a));
    }
    match nonlinearity.kind {
        Kind::Step(table) if low < high => {
            let (a, b) = ranges.exprs[nonlinearity.first as usize];
            step_facets(&relaxation.step_tables[table as usize], nonlinearity.first, (a, b), (low, high), &mut facets);
        }
        Kind::Wrap { width, signed } => {
            let (a, b) = ranges.exprs[nonlinearity.first as usize];
            let first = qnn_ir::interpreter::wrap(a as i128, width, signed);
            let (_, greatest) = qnn_ir::range::wrap_limits(width, signed);
            if first + (b - a) as i128 <= greatest {
                let shift = first as f64 - a;
                facets.push(Facet::single(1.0, nonlinearity.first, -1.0, shift));
                facets.push(Facet::single(-1.0, nonlinearity.first, 1.0, -shift));
            }
        }
        Kind::Max => max_edges(nonlinearity, ranges, &mut facets),
        Kind::Step(_) => {}
    }
    facets.into()
}

fn step_facets(table: &StepTable, expr: u32, a: (f64, f64), y: (f64, f64), facets: &mut Vec<Facet>) {
    let (mut upper, mut lower) = (Vec::new(), Vec::new());
    match table {
        StepTable::Table { even: true, .. } if y.1 - y.0 > 6.0 => {
            // Equal steps: the corners between the second and the last but one are on one line.
            push_upper(&mut upper, (a.0, y.0));
            push_lower(&mut lower, (a.0, y.0));
            for v in [y.0 + 1.0, y.0 + 2.0, y.1 - 1.0, y.1] {
                let Some(t) = table.threshold(v as i64) else { continue };
                push_lower(&mut lower, (t as f64 - 1.0, v - 1.0));
                push_upper(&mut upper, (t as f64, v));
            }
            push_upper(&mut upper, (a.1, y.1));
            push_lower(&mut lower, (a.1, y.1));
        }
        StepTable::Table { lo, thresholds, .. } => {
            let (first, last) = ((y.0 as i64 - lo) as usize, (y.1 as i64 - lo) as usize);
            push_upper(&mut upper, (a.0, y.0));
            push_lower(&mut lower, (a.0, y.0));
            for (k, t) in thresholds[first..last].iter().enumerate() {
                let v = (lo + (first + k) as i64) as f64;
                push_lower(&mut lower, (*t as f64 - 1.0, v));
                push_upper(&mut upper, (*t as f64, v + 1.0));
            }
            push_upper(&mut upper, (a.1, y.1));
            push_lower(&mut lower, (a.1, y.1));
        }
        StepTable::Wide(_) => {
            // The first values and the last: what lies between is a step off their line at most.
            let threshold = |v: f64| table.threshold(v as i64).map(|t| t as f64);
            let (Some(t1), Some(t2)) = (threshold(y.0 + 1.0), threshold(y.1)) else { return };
            for point in [(a.0, y.0), (t1, y.0 + 1.0), (t2, y.1), (a.1, y.1)] {
                push_upper(&mut upper, point);
            }
            for point in [(a.0, y.0), (t1 - 1.0, y.0), (t2 - 1.0, y.1 - 1.0), (a.1, y.1)] {
                push_lower(&mut lower, point);
            }
        }
    }
    for (points, sign) in [(&upper, 1.0), (&lower, -1.0)] {
        for pair in points.windows(2) {
            let slope = (pair[1].1 - pair[0].1) / (pair[1].0 - pair[0].0);
            if slope > 0.0 {
                let gamma = sign * (pair[0].1 - slope * pair[0].0);
                facets.push(Facet::single(sign, expr, -sign * slope, gamma));
            }
        }
    }
}

/// Extends the upper hull of points by ascending argument.
fn push_upper(points: &mut Vec<(f64, f64)>, p: (f64, f64)) {
    if points.last().is_some_and(|last| last.0 >= p.0 && last.1 >= p.1) {
        return;
    }
    while let Some(&last) = points.last() {
        let below = last.0 >= p.0
            || points.len() >= 2 && {
                let before = points[points.len() - 2];
                (last.1 - before.1) * (p.0 - before.0) <= (p.1 - before.1) * (last.0 - before.0)
            };
        if !below {
            break;
        }
        points.pop();
    }
    points.push(p);
}

/// Extends the lower hull of points by ascending argument.
fn push_lower(points: &mut Vec<(f64, f64)>, p: (f64, f64)) {
    // At the same argument the first, lowest point counts; a threshold before the range counts not at all.
    if points.last().is_some_and(|last| last.0 >= p.0) {
        return;
    }
    while points.len() >= 2 {
        let (last, before) = (points[points.len() - 1], points[points.len() - 2]);
        if (last.1 - before.1) * (p.0 - before.0) < (p.1 - before.1) * (last.0 - before.0) {
            break;
        }
        points.pop();
    }
    points.push(p);
}

fn max_edges(nonlinearity: &Nonlinearity, ranges: &Ranges, facets: &mut Vec<Facet>) {
    for e in nonlinearity.exprs() {
        facets.push(Facet::single(-1.0, e as u32, 1.0, 0.0));
    }
    // max(a) <= a_j + sum of relu(a_i - a_j), each relu below its chord.
    for j in nonlinearity.exprs() {
        let (mut own, mut gamma, mut others) = (-1.0, 0.0, Vec::new());
        for i in nonlinearity.exprs().filter(|i| *i != j) {
            let (lo, hi) = (ranges.exprs[i].0 - ranges.exprs[j].1, ranges.exprs[i].1 - ranges.exprs[j].0);
            if hi > 0.0 {
                let slope = if lo >= 0.0 { 1.0 } else { hi / (hi - lo) };
                own += slope;
                others.push((i as u32, -slope));
                gamma -= slope * lo.min(0.0);
            }
        }
        facets.push(Facet { alpha: 1.0, first: (j as u32, own), others: Some(others.into()), gamma });
    }
}
