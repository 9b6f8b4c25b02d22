//! The gradient attack: all inputs move at once, as far as their ranges go, where the gradient says that it helps.
//!
//! Steps are replaced by lines for the gradient; where an atom reads a saturated result, what counts is the direction that can still change the atom: a
//! rival gains nothing above its cap, a winner loses nothing until it is below its own.

use super::Attack;
use crate::relaxation::network::{Kind, NONE};

/// How much of its gradient a saturated hidden neuron passes on, by attempt.
pub(super) const LEAKS: [f64; 4] = [0.0, 0.1, 0.02, 0.4];
/// The shares of the inputs that a move changes, the most promising first.
const SHARES: [f64; 7] = [1.0, 0.5, 0.25, 0.1, 0.04, 0.015, 0.003];

impl Attack<'_> {
    /// The gradient's start: of the atoms that fail, by how much each column would have to change; and the score, zero at best.
    pub(super) fn score(&self, gradient: &mut [f64]) -> f64 {
        gradient.fill(0.0);
        let mut score = 0.0;
        for atom in &self.problem.atoms {
            let mut value = atom.constant;
            for (first, coefficients) in atom.runs() {
                for (k, c) in coefficients.iter().enumerate().filter(|(_, c)| **c != 0.0) {
                    value += c * self.soft(first + k, *c > 0.0);
                }
            }
            let scale = 1.0 / atom.greatest.max(1.0);
            if atom.value(&self.x) < 0.0 || value < 0.0 {
                score += value.min(0.0) * scale - 0.25 * f64::from(atom.value(&self.x) < 0.0);
                for (first, coefficients) in atom.runs() {
                    for (k, c) in coefficients.iter().enumerate() {
                        gradient[first + k] += c * scale;
                    }
                }
            }
        }
        score
    }

    /// The line's value instead of the staircase's, capped on the side on which more would be of no use.
    fn soft(&self, column: usize, up: bool) -> f64 {
        let relaxation = self.problem.relaxation;
        let nonlinearity = relaxation.nonlinearity_of[column];
        if nonlinearity == NONE {
            return self.x[column];
        }
        let nonlinearity = &relaxation.nonlinearities[nonlinearity as usize];
        let Kind::Step(table) = nonlinearity.kind else { return self.x[column] };
        if self.ranges.is_point(column) {
            return self.x[column];
        }
        let (slope, zero) = self.lines[table as usize];
        let value = zero + slope * self.e[nonlinearity.first as usize];
        if up { value.min(self.ranges.upper[column]) } else { value.max(self.ranges.lower[column]) }
    }

    /// Pulls the gradient back to the inputs.
    pub(super) fn pull_back(&self, gradient: &mut [f64], leak: f64) {
        let (problem, relaxation) = (self.problem, self.problem.relaxation);
        let mut read = vec![false; relaxation.columns.len()];
        for atom in &problem.atoms {
            for (first, coefficients) in atom.runs() {
                read[first..first + coefficients.len()].fill(true);
            }
        }
        for nonlinearity in self.nonlinearities.iter().rev() {
            let nonlinearity = &relaxation.nonlinearities[*nonlinearity as usize];
            let column = nonlinearity.column as usize;
            let c = gradient[column];
            if c == 0.0 {
                continue;
            }
            match nonlinearity.kind {
                Kind::Step(table) => {
                    let table = table as usize;
                    let (slope, _) = self.lines[table];
                    let (at, y) = (nonlinearity.first as usize, self.x[column]);
                    let (low, high) = relaxation.step_tables[table].ends();
                    let factor = if y >= high && y <= low {
                        0.0
                    } else if y >= high {
                        if read[column] && c < 0.0 { 1.0 } else { leak }
                    } else if y <= low {
                        if read[column] && c > 0.0 { 1.0 } else { leak }
                    } else {
                        1.0
                    };
                    if factor != 0.0 {
                        relaxation.exprs[at].add_to(gradient, c * slope * factor);
                    }
                }
                Kind::Wrap { .. } => relaxation.exprs[nonlinearity.first as usize].add_to(gradient, c),
                Kind::Max => {
                    let at = nonlinearity.exprs().max_by(|a, b| self.e[*a].total_cmp(&self.e[*b]));
                    if let Some(at) = at {
                        relaxation.exprs[at].add_to(gradient, c);
                    }
                }
            }
        }
    }

    /// Searches from `starts` points: the first is `from`, the others are random.
    pub fn run(&mut self, from: &[f64], starts: usize, rounds: usize, stop: &dyn Fn() -> bool) -> Option<Vec<f64>> {
        let count = self.problem.relaxation.columns.len();
        let mut gradient = vec![0.0; count];
        let inputs = self.inputs.clone();
        for start in 0..starts {
            let mut point: Vec<f64> = from.to_vec();
            if start >= LEAKS.len() {
                for (value, j) in point.iter_mut().zip(&inputs) {
                    let width = (self.ranges.upper[*j] - self.ranges.lower[*j]) as u64;
                    *value = self.ranges.lower[*j] + (self.random.bits() % (width + 1)) as f64;
                }
            }
            let leak = LEAKS[start % LEAKS.len()];
            if self.holds(&point) {
                return Some(point);
            }
            let mut score = self.score(&mut gradient);
            for _ in 0..rounds {
                if stop() {
                    return None;
                }
                self.pull_back(&mut gradient, leak);
                // What each input would gain by going all the way.
                let mut gains: Vec<(f64, u32)> = (inputs.iter().zip(&point).enumerate())
                    .filter_map(|(k, (j, value))| {
                        let g = gradient[*j];
                        let far = if g > 0.0 { self.ranges.upper[*j] - value } else { value - self.ranges.lower[*j] };
                        (g != 0.0 && far > 0.0).then_some((g.abs() * far, k as u32))
                    })
                    .collect();
                gains.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
                let mut best: Option<(f64, Vec<f64>)> = None;
                let mut trial = vec![0.0; count];
                for share in SHARES {
                    let taken = ((gains.len() as f64 * share).ceil() as usize).min(gains.len());
                    if taken == 0 {
                        break;
                    }
                    let mut moved = point.clone();
                    for (_, k) in &gains[..taken] {
                        let j = inputs[*k as usize];
                        moved[*k as usize] =
                            if gradient[j] > 0.0 { self.ranges.upper[j] } else { self.ranges.lower[j] };
                    }
                    if self.holds(&moved) {
                        return Some(moved);
                    }
                    let reached = self.score(&mut trial);
                    if best.as_ref().is_none_or(|(most, _)| reached > *most) {
                        best = Some((reached, moved));
                    }
                }
                match best {
                    Some((reached, moved)) if reached > score + 1e-9 => {
                        point = moved;
                        self.evaluate(&point);
                        score = self.score(&mut gradient);
                    }
                    _ => break,
                }
            }
        }
        None
    }
}
