//! From the solver's floating-point multipliers to integers, and from those to the certificate's words.

use crate::relaxation::Problem;
use crate::relaxation::Ranges;
use crate::relaxation::dual_bound::{Exact, exact};
use qnn_ir::interrupt::work;
use qnn_proof::Multipliers;

/// Scales for the multipliers, as powers of two for the greatest product of a multiplier and a coefficient: small certificates first.
pub const SCALES: [i32; 2] = [24, 42];

/// Integer multipliers and the bound that they give.
pub struct Proposal {
    /// The weight of the objective.
    pub weight: i64,
    /// What the floating-point multipliers were multiplied by.
    pub scale: f64,
    /// (atom, weight), without the objective.
    pub atoms: Vec<(u32, i64)>,
    /// (expression of the network, multiplier).
    pub nonlinearities: Vec<(u32, i64)>,
    /// The bound.
    pub exact: Exact,
}

/// Rounds multipliers to integers, by one scale after the other while `enough` is not content with the bound.
///
/// `objective` is an expression and its sign, if there is one; with multipliers of the network's expressions and the atoms' as the solver gives them.
pub fn propose(
    problem: &Problem<'_>,
    ranges: &Ranges,
    objective: Option<(usize, f64)>,
    multipliers: &[(u32, f64)],
    scales: &[i32],
    enough: impl Fn(i64, i128) -> bool,
) -> Option<Proposal> {
    let own = problem.relaxation.exprs.len();
    let greatest = multipliers
        .iter()
        .map(|(e, m)| m.abs() * problem.expr(*e as usize).greatest.max(1.0))
        .fold(objective.map_or(0.0, |(e, _)| problem.expr(e).greatest.max(1.0)), f64::max);
    if !greatest.is_finite() || greatest <= 0.0 {
        return None;
    }
    let exponent = greatest.log2().ceil() as i32;
    let mut best: Option<Proposal> = None;
    for bits in scales {
        let scale = 2f64.powi(bits - exponent);
        let weight = objective.map_or(0, |(_, sign)| (scale * sign.abs()).round() as i64);
        let signed = |(e, sign): (usize, f64)| (e, if sign < 0.0 { -weight } else { weight });
        let mut form: Vec<(usize, i64)> = objective.into_iter().map(signed).collect();
        let (mut atoms, mut nonlinearities) = (Vec::new(), Vec::new());
        for (e, m) in multipliers {
            let integer = (m * scale).round() as i64;
            if integer == 0 {
                continue;
            }
            if (*e as usize) < own {
                nonlinearities.push((*e, integer));
            } else if integer > 0 {
                atoms.push((*e - own as u32, integer));
                form.push((*e as usize, integer));
            }
        }
        let entries: usize = nonlinearities.iter().map(|(e, _)| problem.relaxation.exprs[*e as usize].entries()).sum();
        work(problem.relaxation.columns.len() + entries);
        let Some(exact) = exact(problem, ranges, &form, &nonlinearities) else { continue };
        let proposal = Proposal { weight, scale, atoms, nonlinearities, exact };
        if enough(weight, proposal.exact.value) {
            return Some(proposal);
        }
        best = Some(proposal);
    }
    best
}

impl Proposal {
    /// The multipliers as the certificate has them; `objective` is the objective's atom, if it is one.
    pub fn certificate(&self, problem: &Problem<'_>, objective: Option<u32>) -> Multipliers {
        let mut atoms = self.atoms.clone();
        if let Some(atom) = objective.filter(|_| self.weight > 0) {
            atoms.push((atom, self.weight));
        }
        let slots = self.nonlinearities.iter().map(|(e, m)| {
            let nonlinearity = &problem.relaxation.nonlinearities[problem.relaxation.user[*e as usize] as usize];
            (nonlinearity.node.0, nonlinearity.slot + (*e - nonlinearity.first), *m)
        });
        Multipliers { atoms, slots: slots.collect() }
    }
}
