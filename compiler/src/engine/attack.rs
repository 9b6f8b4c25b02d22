//! Attacks: looking for a point that meets all atoms, by gradients in the integer domain.
//!
//! In: a relaxation's problem with its root ranges, a seed. Out: the inputs' values of a point that meets every atom, as exact
//! evaluation shows, or nothing. Deterministic for a seed. Steps are replaced by lines for the gradient; where an atom
//! reads a saturated result, what counts is the direction that can still change the atom: a rival gains nothing above its
//! cap, a winner loses nothing until it is below its own.

use super::bounds::Ranges;
use super::bounds::kernels::{add_scaled, relief};
use super::bounds::net::{Kind, NONE, Stairs};
use super::bounds::simplex::Problem;

/// How much of its gradient a saturated hidden neuron passes on, by attempt.
const LEAKS: [f64; 4] = [0.0, 0.1, 0.02, 0.4];
/// The shares of the inputs that a move changes, the most promising first.
const SHARES: [f64; 7] = [1.0, 0.5, 0.25, 0.1, 0.04, 0.015, 0.003];

/// The most steps of a repair.
const REPAIRS: usize = 120;
/// A repair that gets no nearer for so many steps is given up.
const PATIENCE: usize = 6;

/// A search for points of one case.
pub struct Attack<'a> {
    problem: &'a Problem<'a>,
    ranges: &'a Ranges,
    inputs: Vec<usize>,
    /// By staircase: (slope, value at zero) of the line that replaces it.
    lines: Vec<(f64, f64)>,
    /// The columns' values; those that are not live keep theirs.
    x: Vec<f64>,
    e: Vec<f64>,
    random: u64,
    /// What repairs took so far, in sums.
    pub work: u64,
}

impl<'a> Attack<'a> {
    /// An attack within the ranges.
    pub fn new(problem: &'a Problem<'a>, ranges: &'a Ranges, seed: u64) -> Attack<'a> {
        let net = problem.net;
        let lines = net.stairs.iter().map(Stairs::line).collect();
        let inputs = (0..net.columns.len()).filter(|j| net.unit_of[*j] == NONE).collect();
        let (x, e) = (ranges.lower.clone(), vec![0.0; net.exprs.len()]);
        Attack { problem, ranges, inputs, lines, x, e, random: seed | 1, work: 0 }
    }

    fn random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    /// Whether the point meets all atoms; afterwards `x` and `e` are its columns and expressions.
    pub fn holds(&mut self, point: &[f64]) -> bool {
        self.evaluate(point);
        self.problem.atoms.iter().all(|atom| atom.value(&self.x) >= 0.0)
    }

    fn evaluate(&mut self, point: &[f64]) {
        let net = self.problem.net;
        for (j, value) in self.inputs.iter().zip(point) {
            self.x[*j] = *value;
        }
        for unit in &self.problem.live.units {
            let unit = &net.units[*unit as usize];
            for e in unit.exprs() {
                self.e[e] = net.exprs[e].value(&self.x);
            }
            let first = self.e[unit.first as usize];
            self.x[unit.column as usize] = match unit.kind {
                Kind::Step(stairs) => net.stairs[stairs as usize].apply(first as i64).unwrap_or(0) as f64,
                Kind::Wrap { width, signed } => crate::network::interpret::wrap(first as i128, width, signed) as f64,
                Kind::Max => self.e[unit.exprs()].iter().copied().fold(f64::NEG_INFINITY, f64::max),
            };
        }
    }

    /// The gradient's start: of the atoms that fail, by how much each column would have to change; and the score, zero at best.
    fn score(&self, gradient: &mut [f64]) -> f64 {
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
        let net = self.problem.net;
        let unit = net.unit_of[column];
        if unit == NONE {
            return self.x[column];
        }
        let unit = &net.units[unit as usize];
        let Kind::Step(stairs) = unit.kind else { return self.x[column] };
        if self.ranges.is_point(column) {
            return self.x[column];
        }
        let (slope, zero) = self.lines[stairs as usize];
        let value = zero + slope * self.e[unit.first as usize];
        if up { value.min(self.ranges.upper[column]) } else { value.max(self.ranges.lower[column]) }
    }

    /// Pulls the gradient back to the inputs.
    fn pull_back(&self, gradient: &mut [f64], leak: f64) {
        let (problem, net) = (self.problem, self.problem.net);
        let mut read = vec![false; net.columns.len()];
        for atom in &problem.atoms {
            for (first, coefficients) in atom.runs() {
                read[first..first + coefficients.len()].fill(true);
            }
        }
        for unit in problem.live.units.iter().rev() {
            let unit = &net.units[*unit as usize];
            let column = unit.column as usize;
            let c = gradient[column];
            if c == 0.0 {
                continue;
            }
            match unit.kind {
                Kind::Step(stairs) => {
                    let stairs = stairs as usize;
                    let (slope, _) = self.lines[stairs];
                    let (at, y) = (unit.first as usize, self.x[column]);
                    let (low, high) = net.stairs[stairs].ends();
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
                        net.exprs[at].add_to(gradient, c * slope * factor);
                    }
                }
                Kind::Wrap { .. } => net.exprs[unit.first as usize].add_to(gradient, c),
                Kind::Max => {
                    let at = unit.exprs().max_by(|a, b| self.e[*a].total_cmp(&self.e[*b]));
                    if let Some(at) = at {
                        net.exprs[at].add_to(gradient, c);
                    }
                }
            }
        }
    }

    /// A point whose first units have the values that `x` gives them, rounded so that they answer the question, if steps of one input at a time
    /// lead there from `x`, the values of all columns. `prices` says what a column is worth: what is rounded the dearer way comes first.
    ///
    /// The units that read inputs alone say what their arguments may be. A step takes what lowers the weighted sum of violations most; where
    /// none does, the violated weigh more from now on.
    pub fn repair(&mut self, x: &[f64], ranges: &Ranges, prices: &[f64], stop: &dyn Fn() -> bool) -> Option<Vec<f64>> {
        let (problem, net) = (self.problem, self.problem.net);
        for j in &self.inputs {
            self.x[*j] = x[*j].round().clamp(ranges.lower[*j], ranges.upper[*j]);
        }
        // The first units, and those that could go the other way at a small distance.
        let (mut first, mut others) = (Vec::new(), Vec::new());
        for unit in &problem.live.units {
            let unit = &net.units[*unit as usize];
            let Kind::Step(_) = unit.kind else { return None };
            if !unit.shallow {
                continue;
            }
            let column = unit.column as usize;
            let (y, lo, hi) = (x[column], ranges.lower[column], ranges.upper[column]);
            let nearest = y.round().clamp(lo, hi);
            let dear = if prices.get(column).is_some_and(|price| *price > 0.0) { y.ceil() } else { y.floor() };
            if dear != nearest && (lo..=hi).contains(&dear) {
                others.push(((dear - y).abs(), column, dear));
            }
            self.x[column] = nearest;
            first.push(unit);
        }
        others.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut others = others.into_iter();
        while !self.follows() {
            let (_, column, value) = others.next()?;
            self.x[column] = value;
        }
        // What their arguments are asked for.
        let count = net.exprs.len();
        let (mut lows, mut highs) = (vec![f64::NEG_INFINITY; count], vec![f64::INFINITY; count]);
        let (mut values, mut asked) = (vec![0.0; count], Vec::with_capacity(first.len()));
        for unit in first {
            let Kind::Step(stairs) = unit.kind else { return None };
            let (stairs, e, v) =
                (&net.stairs[stairs as usize], unit.first as usize, self.x[unit.column as usize] as i64);
            lows[e] = stairs.threshold(v).map_or(f64::NEG_INFINITY, |t| t as f64).max(ranges.exprs[e].0);
            highs[e] = stairs.threshold(v + 1).map_or(f64::INFINITY, |t| t as f64 - 1.0).min(ranges.exprs[e].1);
            if lows[e] > highs[e] {
                return None;
            }
            values[e] = net.exprs[e].value(&self.x);
            asked.push(e);
        }
        let mut point: Vec<f64> = self.inputs.iter().map(|j| self.x[*j]).collect();
        let mut weights = vec![1.0; count];
        let index_of: Vec<u32> = {
            let mut index = vec![u32::MAX; net.columns.len()];
            self.inputs.iter().enumerate().for_each(|(k, j)| index[*j] = k as u32);
            index
        };
        let beyond = |values: &[f64], e: usize| (lows[e] - values[e]).max(values[e] - highs[e]).max(0.0);
        let (mut least, mut since) = (f64::INFINITY, 0);
        for step in 0..REPAIRS {
            if step % 16 == 15 && stop() {
                return None;
            }
            let total: f64 = asked.iter().map(|e| beyond(&values, *e)).sum();
            since = if total < least { 0 } else { since + 1 };
            least = least.min(total);
            if since > PATIENCE {
                return None;
            }
            let worst = asked.iter().map(|e| (beyond(&values, *e) * weights[*e], *e)).filter(|(by, _)| *by > 0.0);
            let Some((_, worst)) = worst.max_by(|a, b| a.0.total_cmp(&b.0)) else {
                return self.holds(&point).then_some(point);
            };
            let target = if values[worst] < lows[worst] { lows[worst] } else { highs[worst] };
            let need = target - values[worst];
            let mut best: Option<(f64, usize, f64)> = None;
            for (from, coefficients) in net.exprs[worst].runs() {
                for (j, c) in (from..).zip(coefficients).filter(|(_, c)| **c != 0.0) {
                    let k = index_of[j] as usize;
                    let unit = (need * c).signum();
                    let room = if unit > 0.0 { ranges.upper[j] - point[k] } else { point[k] - ranges.lower[j] };
                    if room < 1.0 {
                        continue;
                    }
                    let whole = (need / c).abs().floor().clamp(1.0, room);
                    for by in [unit, unit * whole] {
                        let mut gain = 0.0;
                        for (e, c) in problem.live.mentions_of(net, j) {
                            self.work += c.len() as u64;
                            let own = e..e + c.len();
                            gain += relief(
                                &values[own.clone()],
                                &lows[own.clone()],
                                &highs[own.clone()],
                                &weights[own],
                                c,
                                by,
                            );
                        }
                        if best.is_none_or(|(most, ..)| gain > most) {
                            best = Some((gain, j, by));
                        }
                        if whole == 1.0 {
                            break;
                        }
                    }
                }
            }
            let (gain, j, by) = best?;
            if gain <= 0.0 {
                for e in &asked {
                    if beyond(&values, *e) > 0.0 {
                        weights[*e] += 1.0;
                    }
                }
                // Somewhere else may be better next time.
                if self.random() & 3 != 0 {
                    continue;
                }
            }
            point[index_of[j] as usize] += by;
            for (e, c) in problem.live.mentions_of(net, j) {
                add_scaled(&mut values[e..e + c.len()], c, by);
            }
        }
        None
    }

    /// Whether all atoms hold for what follows from the first units' values.
    fn follows(&mut self) -> bool {
        let (problem, net) = (self.problem, self.problem.net);
        for unit in &problem.live.units {
            let unit = &net.units[*unit as usize];
            let e = unit.first as usize;
            if let (Kind::Step(stairs), false) = (unit.kind, unit.shallow) {
                self.e[e] = net.exprs[e].value(&self.x);
                self.x[unit.column as usize] = net.stairs[stairs as usize].apply(self.e[e] as i64).unwrap_or(0) as f64;
            }
        }
        problem.atoms.iter().all(|atom| atom.value(&self.x) >= 0.0)
    }

    /// Searches from `starts` points: the first is `from`, the others are random.
    pub fn run(&mut self, from: &[f64], starts: usize, rounds: usize, stop: &dyn Fn() -> bool) -> Option<Vec<f64>> {
        let count = self.problem.net.columns.len();
        let mut gradient = vec![0.0; count];
        let inputs = self.inputs.clone();
        for start in 0..starts {
            let mut point: Vec<f64> = from.to_vec();
            if start >= LEAKS.len() {
                for (value, j) in point.iter_mut().zip(&inputs) {
                    let width = (self.ranges.upper[*j] - self.ranges.lower[*j]) as u64;
                    *value = self.ranges.lower[*j] + (self.random() % (width + 1)) as f64;
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
