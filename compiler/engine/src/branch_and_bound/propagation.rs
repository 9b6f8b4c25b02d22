//! Propagation: bounds and atoms narrow ranges.

use super::multipliers::{SCALES, propose};
use super::parameters::{FEW_TERMS, ROUNDS};
use crate::relaxation::Problem;
use crate::relaxation::facet::{Facet, facets};
use crate::relaxation::network::{NONE, Relaxation};
use crate::relaxation::{Empty, Ranges};
use crate::simplex::Simplex;
use num_integer::Integer;
use qnn_proof::{Multipliers, Tighten};
use std::sync::Arc;

/// Narrows the inputs by the atoms over a few inputs.
///
/// # Errors
/// [`Empty`] if nothing is left.
pub fn propagate(
    problem: &Problem<'_>,
    ranges: &mut Ranges,
    steps: &mut Vec<Tighten>,
    changed: &mut Vec<u32>,
) -> Result<(), Empty> {
    let relaxation = problem.relaxation;
    // Two atoms can narrow each other by one at a time, without end: after some rounds the relaxation does the rest.
    for _ in 0..ROUNDS {
        let before = steps.len();
        for (k, atom) in problem.atoms.iter().enumerate() {
            let terms = || {
                let all = atom.runs().flat_map(|(first, values)| (first..).zip(values));
                all.filter(|(_, c)| **c != 0.0).map(|(column, c)| (column, *c))
            };
            if atom.entries() > FEW_TERMS || terms().any(|(column, _)| relaxation.nonlinearity_of[column] != NONE) {
                continue;
            }
            // The atom is at most this; what a term lacks of its greatest value, the atom lacks too.
            let most = atom.range(&ranges.lower, &ranges.upper).1;
            for (column, c) in terms() {
                let (lo, hi) = (ranges.lower[column], ranges.upper[column]);
                let room = (most / c.abs()).floor();
                if most >= 0.0 && room >= hi - lo {
                    continue;
                }
                let (node, element) = relaxation.columns[column];
                let multipliers = Multipliers { atoms: vec![(k as u32, 1)], slots: Vec::new() };
                steps.push(Tighten { node: node.0, element, weight: -c as i64, multipliers });
                if most < 0.0 {
                    return Err(Empty);
                }
                let (lo, hi) = if c > 0.0 { (hi - room, hi) } else { (lo, lo + room) };
                ranges.narrow_columns(relaxation, &[(column as u32, lo, hi)], changed)?;
            }
        }
        if steps.len() == before {
            break;
        }
    }
    Ok(())
}

/// Narrows an expression's range, and its nonlinearity's facets, by the bound of the solver's state, if it gains more than a share of the range; `take` gets
/// the step that proves it.
///
/// # Errors
/// [`Empty`] if nothing is left; `take` has got the step that proves it.
pub fn narrow_by(
    problem: &Problem<'_>,
    ranges: &mut Ranges,
    facets: &mut [Option<Arc<[Facet]>>],
    (e, sign): (usize, f64),
    solver: &Simplex,
    share: f64,
    take: impl FnOnce(Tighten),
) -> Result<(), Empty> {
    let multipliers = solver.multipliers();
    let proposal = propose(problem, ranges, Some((e, sign)), &multipliers, &SCALES, |_, _| true);
    let Some(proposal) = proposal.filter(|proposal| proposal.weight > 0) else { return Ok(()) };
    let bound = Integer::div_floor(&proposal.exact.value, &i128::from(proposal.weight)) as f64;
    let (lo, hi) = ranges.exprs[e];
    let gained = if sign > 0.0 { hi - bound } else { -bound - lo };
    if gained <= share * (hi - lo) {
        return Ok(());
    }
    let place = problem.relaxation.places[e];
    let weight = if sign > 0.0 { proposal.weight } else { -proposal.weight };
    let multipliers = proposal.certificate(problem, None);
    take(Tighten { node: place.node.0, element: place.element, weight, multipliers });
    let mut changed = Vec::new();
    let (lo, hi) = if sign > 0.0 { (f64::NEG_INFINITY, bound) } else { (-bound, f64::INFINITY) };
    ranges.narrow_expr(problem.relaxation, e, lo, hi, &mut changed)?;
    refresh_facets(problem, ranges, facets, &changed);
    Ok(())
}

/// Adds the margins' multipliers to the rows', by ascending expression.
pub(super) fn add_multipliers(multipliers: &mut Vec<(u32, f64)>, margins: &[(u32, f64)]) {
    for (e, factor) in margins {
        match multipliers.binary_search_by_key(e, |(e, _)| *e) {
            Ok(at) => multipliers[at].1 += factor,
            Err(at) => multipliers.insert(at, (*e, *factor)),
        }
    }
}

/// Recomputes the facets of nonlinearities whose ranges changed.
pub fn refresh_facets(problem: &Problem<'_>, ranges: &Ranges, all: &mut [Option<Arc<[Facet]>>], changed: &[u32]) {
    let relaxation: &Relaxation = problem.relaxation;
    for nonlinearity in changed {
        if all[*nonlinearity as usize].is_some() {
            all[*nonlinearity as usize] =
                Some(facets(relaxation, &relaxation.nonlinearities[*nonlinearity as usize], ranges));
        }
    }
}

/// The facets of the atoms that constrain: weight · atom >= 0.
pub fn atom_facets(problem: &Problem<'_>) -> Vec<Arc<Facet>> {
    let facet = |k: &u32| {
        let e = problem.atom(*k as usize);
        let scale = 1.0 / problem.expr(e).greatest.max(1.0);
        Arc::new(Facet::single(0.0, e as u32, -scale, 0.0))
    };
    problem.constraints.iter().map(facet).collect()
}

/// The facets of all live nonlinearities.
pub fn all_facets(problem: &Problem<'_>, ranges: &Ranges) -> Vec<Option<Arc<[Facet]>>> {
    let mut all = vec![None; problem.relaxation.nonlinearities.len()];
    for nonlinearity in problem.live.iter() {
        all[*nonlinearity as usize] =
            Some(facets(problem.relaxation, &problem.relaxation.nonlinearities[*nonlinearity as usize], ranges));
    }
    all
}
