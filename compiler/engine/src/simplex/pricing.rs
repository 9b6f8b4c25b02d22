//! Pricing: which row or column leaves its bound next, by dual steepest edge.

use super::inverse::SPARSE;
use super::ratio_test::Buffers;
use super::{Row, Simplex, View};
use crate::relaxation::Problem;
use crate::relaxation::facet::Facet;
use crate::relaxation::kernels::{add_scaled, dot};
use crate::relaxation::network::NONE;

/// A row or a column is violated beyond this.
const FEASIBLE: f64 = 1e-6;
/// The rows whose norms are computed when one is chosen.
const LOOKED_AT: usize = 4;
/// From this many basic columns on, an index of their positions pays.
const MANY: usize = 100;

/// What enters the basis of the dual: a row with the direction in which the basic rows' multipliers fall, or a column that is beyond a bound.
pub(super) enum Leaving {
    Row(Row, Vec<f64>),
    Column(usize, f64),
}

impl Simplex {
    /// The row or column that is violated most, in units of how far its multiplier has to move (dual steepest edge).
    pub(super) fn price(&self, problem: &Problem<'_>, view: &View<'_>, buffers: &mut Buffers) -> Option<Leaving> {
        let (mut worst, mut leaving) = (0.0, None);
        for (p, j) in self.columns.iter().enumerate() {
            let (x, l, u) = (self.x[*j as usize], view.ranges.lower[*j as usize], view.ranges.upper[*j as usize]);
            let violation = (l - x).max(x - u);
            if violation > FEASIBLE {
                let line = self.inverse.row(p);
                let score = violation * violation / dot(line, line).max(1e-12);
                if score > worst {
                    worst = score;
                    leaving = Some(Leaving::Column(p, if x > u { 1.0 } else { -1.0 }));
                }
            }
        }
        // (violation, column, nonlinearity or atom, facet).
        let violated = &mut buffers.violated;
        violated.clear();
        for nonlinearity in view.nonlinearities {
            let Some(facets) = &view.facets[*nonlinearity as usize] else { continue };
            let column = problem.relaxation.nonlinearities[*nonlinearity as usize].column;
            let y = self.x[column as usize];
            let mut most = (FEASIBLE, None);
            for (k, facet) in facets.iter().enumerate() {
                let violation = facet.alpha * y + facet.activity(&self.activities) - facet.gamma;
                if violation > most.0 {
                    most = (violation, Some(k as u32));
                }
            }
            if let (violation, Some(k)) = most {
                violated.push((violation, column, *nonlinearity, k));
            }
        }
        for (k, facet) in view.atoms.iter().enumerate() {
            let violation = facet.activity(&self.activities) - facet.gamma;
            if violation > FEASIBLE {
                violated.push((violation, u32::MAX, k as u32, u32::MAX));
            }
        }
        // A row's norm costs a product with the inverse: look at the most violated ones only.
        if violated.len() > LOOKED_AT {
            violated.select_nth_unstable_by(LOOKED_AT - 1, |a, b| b.0.total_cmp(&a.0).then(a.2.cmp(&b.2)));
            violated.truncate(LOOKED_AT);
        }
        violated.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.2.cmp(&b.2)));
        let places = self.places_in_basis();
        let mut found: Option<(u32, &Facet, Vec<f64>)> = None;
        for (violation, column, at, k) in violated.iter().take(LOOKED_AT) {
            if violation * violation <= worst {
                break;
            }
            let facet: &Facet = match &view.facets.get(*at as usize) {
                _ if *column == u32::MAX => &view.atoms[*at as usize],
                Some(Some(facets)) => &facets[*k as usize],
                _ => continue,
            };
            let delta = self.dual_row(problem, *column, facet, &places);
            let score = violation * violation / (1.0 + dot(&delta, &delta));
            if score > worst {
                worst = score;
                found = Some((*column, facet, delta));
            }
        }
        match found {
            Some((column, facet, delta)) => Some(Leaving::Row(Row { column, facet: facet.clone() }, delta)),
            None => leaving,
        }
    }

    /// How the basic rows' multipliers fall when a row's grows.
    pub(super) fn dual_row(&self, problem: &Problem<'_>, column: u32, facet: &Facet, places: &[u32]) -> Vec<f64> {
        let (mut entries, mut delta) = (vec![0.0; self.columns.len()], vec![0.0; self.rows.len()]);
        self.entries(problem, column, facet, places, &mut entries);
        for (p, entry) in entries.iter().enumerate().filter(|(_, entry)| **entry != 0.0) {
            add_scaled(&mut delta, self.inverse.row(p), *entry);
        }
        delta
    }

    /// The basic columns' coefficients in a row.
    pub(super) fn entries(
        &self,
        problem: &Problem<'_>,
        column: u32,
        facet: &Facet,
        places: &[u32],
        entries: &mut [f64],
    ) {
        for (entry, j) in entries.iter_mut().zip(&self.columns) {
            *entry = if *j == column { facet.alpha } else { 0.0 };
        }
        for (e, beta) in facet.terms() {
            let expr = problem.expr(e as usize);
            if expr.entries() <= places.len() / SPARSE {
                for (first, values) in expr.runs() {
                    for (place, value) in places[first..].iter().zip(values).filter(|(place, _)| **place != NONE) {
                        entries[*place as usize] += beta * value;
                    }
                }
            } else {
                for (entry, j) in entries.iter_mut().zip(&self.columns) {
                    *entry += beta * expr.coefficient(*j as usize);
                }
            }
        }
    }

    /// The place in the basis of each column, [`NONE`] for those that are not basic; nothing while the basis is small, for then it is faster to ask
    /// for its columns' coefficients.
    pub(super) fn places_in_basis(&self) -> Vec<u32> {
        if self.columns.len() < MANY {
            return Vec::new();
        }
        let mut places = vec![NONE; self.x.len()];
        (0..).zip(&self.columns).for_each(|(p, j)| places[*j as usize] = p);
        places
    }
}
