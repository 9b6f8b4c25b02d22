//! A dual simplex on the relaxation, with lazy rows and warm starts.
//!
//! maximize objective · x  over  lower <= x <= upper  and the nonlinearities' facets ([`crate::relaxation::facet`]) and the constraining atoms.
//!
//! The multipliers of the expressions in the dual bound D(m) (`docs/certificates.md`) are the duals of the rows, and the solver
//! walks down D. Only rows with a multiplier are in the basis, whose kernel is inverted explicitly (it has as many rows as there
//! are neurons that matter); columns have boxes, so any start is dual feasible, a step passes as many
//! kinks as pay off, and every state on the way is a bound: it may stop at any time. Rows stay valid when ranges
//! are narrowed, so a branch starts from its parent's basis.
//!
//! Invariant: nothing here is trusted. Floating point proposes multipliers; [`crate::relaxation::dual_bound`] decides.

mod inverse;
mod pivot;
mod pricing;
mod ratio_test;
#[cfg(test)]
mod tests;

use crate::relaxation::facet::Facet;
use crate::relaxation::kernels::{add_scaled, dot};
use crate::relaxation::linear_expr::add_all;
use crate::relaxation::{Problem, Ranges};
use inverse::DenseInverse;
use pricing::Leaving;
use qnn_ir::Random;
use ratio_test::{BUFFERS, Buffers, Candidate, RatioTest};
use std::sync::Arc;

/// How much the perturbation can add to the objective.
const PERTURBATION: f64 = 0.01;
/// The seed of the perturbation, the same for every problem.
const PERTURBATION_SEED: u64 = 0xcd36_da00_563c_5ef6;
/// The basis is inverted anew after this many steps.
const REFRESH: u32 = 64;
/// A row that lacks less than this needs no correction.
const NOISE: f64 = 1e-11;
/// An optimum after fewer steps than this since then is one.
const TRUSTED: u32 = 32;

#[derive(Clone, Debug)]
struct Row {
    column: u32,
    facet: Facet,
}

impl Row {
    /// The coefficient of a column.
    #[inline]
    fn entry(&self, problem: &Problem<'_>, column: usize) -> f64 {
        let own = if self.column as usize == column { self.facet.alpha } else { 0.0 };
        self.facet.terms().fold(own, |sum, (e, beta)| sum + beta * problem.expr(e as usize).coefficient(column))
    }
}

/// Where a column is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum VarStatus {
    Lower,
    Upper,
    Basic,
}

/// How a run of the solver ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// The bound is below the cut.
    Below,
    /// The bound is the relaxation's optimum.
    Optimal,
    /// The steps ran out, or the numbers went bad; the bound is what it is.
    Stopped,
}

/// A state of the solver.
#[derive(Clone)]
pub struct Simplex {
    objective: Arc<[f64]>,
    /// Of the perturbation, so that it never lowers the objective.
    constant: f64,
    /// The primal point.
    pub x: Vec<f64>,
    status: Vec<VarStatus>,
    reduced_costs: Vec<f64>,
    /// The expressions' values at `x`.
    pub activities: Vec<f64>,
    rows: Vec<Row>,
    /// The rows' multipliers.
    duals: Vec<f64>,
    columns: Vec<u32>,
    /// The kernel's inverse: a row for each of `columns`, a column for each of `rows`.
    inverse: DenseInverse,
    age: u32,
    /// The steps taken so far.
    pub steps: u64,
    /// The entering row and its multiplier where the relaxation is empty.
    ray: Option<(Row, f64)>,
}

/// What a run looks at.
pub struct View<'a> {
    /// The columns' ranges, which the state has taken over.
    pub ranges: &'a Ranges,
    /// The nonlinearities that are looked at, by ascending index.
    pub nonlinearities: &'a [u32],
    /// By nonlinearity.
    pub facets: &'a [Option<Arc<[Facet]>>],
    /// One for each of the problem's constraints.
    pub atoms: &'a [Arc<Facet>],
}

impl Simplex {
    /// A state without rows for an objective over the columns.
    pub fn new(problem: &Problem<'_>, ranges: &Ranges, mut objective: Vec<f64>) -> Simplex {
        let count = objective.len();
        // A little of every column, none alike, against steps that lead nowhere. What is added is never negative, so
        // that a bound of the perturbed objective is one of the objective.
        let mut constant = 0.0;
        let mut random = Random::new(PERTURBATION_SEED);
        for (j, cost) in objective.iter_mut().enumerate() {
            let bits = random.bits();
            let width = ranges.upper[j] - ranges.lower[j];
            if width > 0.0 {
                let share = ((bits >> 40) as f64 / (1u64 << 24) as f64 + 0.5) * PERTURBATION / count as f64 / width;
                if bits & 1 == 0 {
                    *cost += share;
                    constant -= share * ranges.lower[j];
                } else {
                    *cost -= share;
                    constant += share * ranges.upper[j];
                }
            }
        }
        let mut simplex = Simplex {
            constant,
            x: vec![0.0; count],
            status: vec![VarStatus::Lower; count],
            reduced_costs: vec![0.0; count],
            activities: vec![0.0; problem.relaxation.exprs.len() + problem.atoms.len()],
            ..Simplex::empty(objective.into())
        };
        simplex.restart(problem, ranges);
        simplex
    }

    fn empty(objective: Arc<[f64]>) -> Simplex {
        Simplex {
            objective,
            constant: 0.0,
            x: Vec::new(),
            status: Vec::new(),
            reduced_costs: Vec::new(),
            activities: Vec::new(),
            rows: Vec::new(),
            duals: Vec::new(),
            columns: Vec::new(),
            inverse: DenseInverse::default(),
            age: 0,
            steps: 0,
            ray: None,
        }
    }

    /// Moves the state out; `self` is empty afterwards.
    pub fn take(&mut self) -> Simplex {
        let objective = self.objective.clone();
        std::mem::replace(self, Simplex::empty(objective))
    }

    /// Forgets the basis.
    fn restart(&mut self, problem: &Problem<'_>, ranges: &Ranges) {
        self.rows.clear();
        self.duals.clear();
        self.columns.clear();
        self.inverse = DenseInverse::default();
        self.reduced_costs.copy_from_slice(&self.objective);
        for j in 0..self.x.len() {
            self.status[j] = if self.reduced_costs[j] > 0.0 { VarStatus::Upper } else { VarStatus::Lower };
            self.x[j] = self.target(j, ranges);
        }
        self.refresh_values(problem);
        self.age = 0;
    }

    /// Where a column that is at a bound is.
    #[inline]
    fn target(&self, j: usize, ranges: &Ranges) -> f64 {
        let bound = if self.status[j] == VarStatus::Upper { ranges.upper[j] } else { ranges.lower[j] };
        if self.status[j] == VarStatus::Basic { self.x[j] } else { bound }
    }

    fn refresh_values(&mut self, problem: &Problem<'_>) {
        for nonlinearity in problem.live.iter() {
            for e in problem.relaxation.nonlinearities[*nonlinearity as usize].exprs() {
                self.activities[e] = problem.relaxation.exprs[e].value(&self.x);
            }
        }
        for (k, expr) in problem.atoms.iter().enumerate() {
            self.activities[problem.atom(k)] = expr.value(&self.x);
        }
    }

    /// The value of the objective at the primal point; the bound, once rows and columns agree.
    pub fn value(&self) -> f64 {
        self.constant + dot(&self.objective, &self.x)
    }

    /// Takes over narrower ranges.
    pub fn set_ranges(&mut self, problem: &Problem<'_>, ranges: &Ranges) {
        let mut moved = Vec::new();
        let bounds = ranges.lower.iter().zip(&ranges.upper);
        for (j, ((place, x), (lower, upper))) in self.status.iter().zip(&mut self.x).zip(bounds).enumerate() {
            let target = if *place == VarStatus::Upper { *upper } else { *lower };
            if (target != *x) & (*place != VarStatus::Basic) {
                moved.push((j as u32, target - *x));
                *x = target;
            }
        }
        if !moved.is_empty() {
            self.spread(problem, &moved);
            self.solve_primal(problem);
        }
    }

    /// Adds columns' moves to the expressions' values.
    fn spread(&mut self, problem: &Problem<'_>, moved: &[(u32, f64)]) {
        if moved.len() * 2 > self.x.len() {
            // That costs more than all the sums anew.
            self.refresh_values(problem);
            return;
        }
        problem.relaxation.columnwise.spread(moved, &mut self.activities);
        if !problem.atoms.is_empty() {
            problem.atoms_columnwise().spread(moved, &mut self.activities);
        }
    }

    fn activity(&self, row: &Row) -> f64 {
        let own = if row.facet.alpha != 0.0 { row.facet.alpha * self.x[row.column as usize] } else { 0.0 };
        own + row.facet.activity(&self.activities)
    }

    /// Sets the basic columns so that the basic rows hold with equality.
    fn solve_primal(&mut self, problem: &Problem<'_>) {
        let size = self.rows.len();
        if size == 0 {
            return;
        }
        let lacks =
            |row: &Row| Some(row.facet.gamma - self.activity(row)).filter(|lack| lack.abs() > NOISE).unwrap_or(0.0);
        let residual: Vec<f64> = self.rows.iter().map(lacks).collect();
        let mut moved = Vec::with_capacity(size);
        for (j, delta) in self.columns.iter().zip(self.inverse.times(&residual)) {
            if delta != 0.0 {
                self.x[*j as usize] += delta;
                moved.push((*j, delta));
            }
        }
        self.spread(problem, &moved);
    }

    /// Inverts the kernel anew and recomputes everything from it; `false` if it is singular or no longer dual feasible.
    fn refresh(&mut self, problem: &Problem<'_>, ranges: &Ranges) -> bool {
        self.age = 0;
        let size = self.rows.len();
        let mut kernel = DenseInverse { size, stride: size, data: vec![0.0; size * size] };
        let places = self.places_in_basis();
        for (i, row) in self.rows.iter().enumerate() {
            self.entries(problem, row.column, &row.facet, &places, kernel.row_mut(i));
        }
        let Some(inverse) = kernel.inverse() else { return false };
        self.inverse = inverse;
        let mut w = vec![0.0; size];
        for (p, j) in self.columns.iter().enumerate() {
            add_scaled(&mut w, self.inverse.row(p), self.objective[*j as usize]);
        }
        if w.iter().any(|w| *w < -1e-7) {
            return false;
        }
        w.iter_mut().for_each(|w| *w = w.max(0.0));
        self.duals = w;
        let mut d = self.objective.to_vec();
        let factors: Vec<f64> = self.duals.iter().map(|w| -w).collect();
        self.combine(problem, &factors, &mut Vec::new(), &mut d);
        self.reduced_costs = d;
        for j in 0..self.x.len() {
            match self.status[j] {
                VarStatus::Basic => self.reduced_costs[j] = 0.0,
                _ => self.status[j] = if self.reduced_costs[j] > 0.0 { VarStatus::Upper } else { VarStatus::Lower },
            }
            self.x[j] = self.target(j, ranges);
        }
        self.refresh_values(problem);
        self.solve_primal(problem);
        true
    }

    /// Inverts the kernel anew or forgets the basis; `false` if that was necessary.
    fn refresh_or_restart(&mut self, problem: &Problem<'_>, ranges: &Ranges, buffers: &mut Buffers) -> bool {
        let refreshed = self.refresh(problem, ranges);
        if !refreshed {
            self.restart(problem, ranges);
        }
        buffers.put_all(&self.status);
        refreshed
    }

    /// target += the sum of factor · row.
    fn combine(&self, problem: &Problem<'_>, factors: &[f64], exprs: &mut Vec<(u32, f64)>, target: &mut [f64]) {
        // Rows of the same expression are added up first: an expression is long.
        exprs.clear();
        for (row, factor) in self.rows.iter().zip(factors) {
            if *factor == 0.0 {
                continue;
            }
            if row.facet.alpha != 0.0 {
                target[row.column as usize] += factor * row.facet.alpha;
            }
            exprs.extend(row.facet.terms().map(|(e, beta)| (e, factor * beta)));
        }
        exprs.sort_unstable_by_key(|(e, _)| *e);
        exprs.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        add_all(exprs, |e| problem.expr(e), 0..target.len(), target);
    }

    /// Runs until the bound is below `cut`, or it is the optimum, or `limit` steps are taken.
    pub fn run(
        &mut self,
        problem: &Problem<'_>,
        view: &View<'_>,
        cut: f64,
        limit: u64,
        stop: &dyn Fn() -> bool,
    ) -> Outcome {
        self.ray = None;
        let (count, ranges) = (self.x.len(), view.ranges);
        let mut buffers = BUFFERS.take();
        buffers.width.clear();
        buffers.width.extend(ranges.upper.iter().zip(&ranges.lower).map(|(u, l)| u - l));
        let Buffers { side, alpha, ratio, gain, .. } = &mut buffers;
        [side, alpha, ratio, gain].into_iter().for_each(|buffer| buffer.resize(count, 0.0));
        buffers.last = 1e-3;
        buffers.put_all(&self.status);
        let outcome = self.run_with(problem, view, cut, limit, stop, &mut buffers);
        BUFFERS.set(buffers);
        outcome
    }

    fn run_with(
        &mut self,
        problem: &Problem<'_>,
        view: &View<'_>,
        cut: f64,
        limit: u64,
        stop: &dyn Fn() -> bool,
        buffers: &mut Buffers,
    ) -> Outcome {
        let ranges = view.ranges;
        let mut troubles = 0;
        for step in 0..limit {
            if self.age >= REFRESH {
                self.refresh_or_restart(problem, ranges, buffers);
            }
            if self.value() < cut {
                return Outcome::Below;
            }
            if (step % 16 == 15 || self.rows.len() > 100) && stop() {
                return Outcome::Stopped;
            }
            let Some(leaving) = self.price(problem, view, buffers) else {
                if self.age < TRUSTED {
                    return Outcome::Optimal;
                }
                // An optimum counts when a fresh inverse agrees.
                if !self.refresh_or_restart(problem, ranges, buffers) {
                    troubles += 1;
                    if troubles > 3 {
                        return Outcome::Stopped;
                    }
                }
                if self.price(problem, view, buffers).is_none() {
                    return Outcome::Optimal;
                }
                continue;
            };
            self.steps += 1;
            let (delta, slope) = self.direction(problem, ranges, &leaving, buffers);
            let (t, candidate) = match self.bound_flipping_ratio_test(&delta, slope, buffers) {
                RatioTest::Entering(t, candidate) => {
                    if t > 0.0 {
                        buffers.last = t;
                    }
                    (t, candidate)
                }
                RatioTest::Unbounded(last, slope) => {
                    // D falls for ever: the relaxation is empty. Far enough along the ray the bound is below the cut.
                    let far = last + (self.value() - cut + 1.0).max(1.0) / (-slope).max(1e-9) * 2.0;
                    for (w, v) in self.duals.iter_mut().zip(&delta) {
                        *w = (*w - far * v).max(0.0);
                    }
                    if let Leaving::Row(row, _) = leaving {
                        self.ray = Some((row, far));
                    }
                    return Outcome::Below;
                }
            };
            let pivot = match candidate {
                Candidate::Column(j) => buffers.alpha[j as usize].abs(),
                Candidate::Row(i) => delta[i as usize].abs(),
            };
            if pivot < 1e-6 {
                troubles += 1;
                if troubles > 4 {
                    return Outcome::Stopped;
                }
                if self.age > 0 {
                    self.refresh_or_restart(problem, ranges, buffers);
                    continue;
                }
            }
            self.pivot(problem, ranges, leaving, (t, candidate), &delta, buffers);
        }
        Outcome::Stopped
    }

    /// The direction in which the basic rows' multipliers fall, and the bound's slope along it. `alpha` gets that of the reduced costs.
    fn direction(
        &self,
        problem: &Problem<'_>,
        ranges: &Ranges,
        leaving: &Leaving,
        buffers: &mut Buffers,
    ) -> (Vec<f64>, f64) {
        let delta: Vec<f64> = match leaving {
            Leaving::Row(_, delta) => delta.clone(),
            Leaving::Column(p, sign) => self.inverse.row(*p).iter().map(|v| sign * v).collect(),
        };
        buffers.alpha.fill(0.0);
        let factors: Vec<f64> = delta.iter().map(|v| -v).collect();
        self.combine(problem, &factors, &mut buffers.exprs, &mut buffers.alpha);
        let slope = match leaving {
            Leaving::Row(row, _) => {
                if row.facet.alpha != 0.0 {
                    buffers.alpha[row.column as usize] += row.facet.alpha;
                }
                for (e, beta) in row.facet.terms() {
                    problem.expr(e as usize).add_to(&mut buffers.alpha, beta);
                }
                row.facet.gamma - self.activity(row)
            }
            Leaving::Column(p, sign) => {
                let j = self.columns[*p] as usize;
                if *sign > 0.0 { ranges.upper[j] - self.x[j] } else { self.x[j] - ranges.lower[j] }
            }
        };
        (delta, slope)
    }

    /// The multiplier of each expression that has one (an atom's is its weight); the objective's own weight is one.
    pub fn multipliers(&self) -> Vec<(u32, f64)> {
        let mut multipliers: Vec<(u32, f64)> = Vec::with_capacity(self.rows.len());
        let ray = self.ray.as_ref().map(|(row, w)| (row, w));
        for (row, w) in self.rows.iter().zip(&self.duals).chain(ray) {
            if *w != 0.0 {
                multipliers.extend(row.facet.terms().map(|(e, beta)| (e, -w * beta)));
            }
        }
        multipliers.sort_unstable_by_key(|(e, _)| *e);
        multipliers.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        multipliers
    }

    /// About how many bytes it takes.
    pub fn bytes(&self) -> usize {
        self.x.len() * 17 + self.activities.len() * 8 + self.rows.len() * 96 + self.inverse.data.len() * 8
    }

    /// The columns strictly between their bounds at the primal point, those that can be.
    pub fn basic_columns(&self) -> &[u32] {
        &self.columns
    }
}
