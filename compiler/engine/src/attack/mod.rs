//! Attacks: looking for a point that meets all atoms, by gradients in the integer domain, by local search, and from the relaxation's points.
//!
//! In: a relaxation's problem with its root ranges, a seed. Out: the inputs' values of a point that meets every atom, as exact
//! evaluation shows, or nothing. Deterministic for a seed.

mod cell;
mod gradient;
mod lattice;
mod repair;
mod simulated_annealing;

use super::relaxation::network::{NONE, Nonlinearity};
use super::relaxation::{Problem, relevant};
use super::relaxation::{Ranges, StepTable};
use super::simplex::Simplex;
use qnn_ir::Random;

/// A search for points of one case.
pub struct Attack<'a> {
    problem: &'a Problem<'a>,
    ranges: &'a Ranges,
    inputs: Vec<usize>,
    /// The live nonlinearities that the atoms depend on, by ascending index.
    nonlinearities: Vec<u32>,
    /// By staircase: (slope, value at zero) of the line that replaces it.
    lines: Vec<(f64, f64)>,
    /// The columns' values; those that are not live keep theirs.
    x: Vec<f64>,
    e: Vec<f64>,
    /// What the search draws from.
    pub random: Random,
    /// What repairs took so far, in sums.
    pub work: u64,
}

impl<'a> Attack<'a> {
    /// An attack within the ranges.
    pub fn new(problem: &'a Problem<'a>, ranges: &'a Ranges, seed: u64) -> Attack<'a> {
        let relaxation = problem.relaxation;
        let lines = relaxation.step_tables.iter().map(StepTable::line).collect();
        let inputs = (0..relaxation.columns.len()).filter(|j| relaxation.nonlinearity_of[*j] == NONE).collect();
        let (x, e) = (ranges.lower.clone(), vec![0.0; relaxation.exprs.len()]);
        let relevant = relevant(&[problem]);
        let matters =
            |nonlinearity: &&u32| relevant[relaxation.nonlinearities[**nonlinearity as usize].column as usize];
        let nonlinearities = problem.live.iter().filter(matters).copied().collect();
        Attack { problem, ranges, inputs, nonlinearities, lines, x, e, random: Random::new(seed), work: 0 }
    }

    /// The inputs where the relaxation is best, rounded: all but the basic ones are at bounds, which are integers.
    pub fn rounded(&self, simplex: &Simplex, ranges: &Ranges) -> Vec<f64> {
        let mut x = simplex.x.clone();
        for j in simplex.basic_columns().iter().map(|j| *j as usize) {
            x[j] = x[j].round().clamp(ranges.lower[j], ranges.upper[j]);
        }
        self.inputs.iter().map(|j| x[*j]).collect()
    }

    /// Whether nonlinearities read nonlinearities that read nonlinearities.
    pub fn is_deep(&self) -> bool {
        let relaxation = self.problem.relaxation;
        let nonlinearities = || {
            self.nonlinearities
                .iter()
                .map(|nonlinearity| &relaxation.nonlinearities[*nonlinearity as usize])
                .filter(|nonlinearity| !nonlinearity.shallow)
        };
        let mut read = vec![false; relaxation.columns.len()];
        nonlinearities().flat_map(Nonlinearity::exprs).for_each(|e| relaxation.exprs[e].mark(&mut read));
        nonlinearities().any(|nonlinearity| read[nonlinearity.column as usize])
    }

    /// Whether the point meets all atoms; afterwards `x` and `e` are its columns and expressions.
    pub fn holds(&mut self, point: &[f64]) -> bool {
        self.evaluate(point);
        self.problem.atoms.iter().all(|atom| atom.value(&self.x) >= 0.0)
    }

    fn evaluate(&mut self, point: &[f64]) {
        let relaxation = self.problem.relaxation;
        for (j, value) in self.inputs.iter().zip(point) {
            self.x[*j] = *value;
        }
        for at in 0..self.nonlinearities.len() {
            self.compute(&relaxation.nonlinearities[self.nonlinearities[at] as usize]);
        }
    }

    /// Evaluates a nonlinearity.
    fn compute(&mut self, nonlinearity: &Nonlinearity) {
        let relaxation = self.problem.relaxation;
        for e in nonlinearity.exprs() {
            self.e[e] = relaxation.exprs[e].value(&self.x);
        }
        self.x[nonlinearity.column as usize] = nonlinearity.value(relaxation, &self.e);
    }
}
