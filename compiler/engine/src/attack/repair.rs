//! Repairs: from a point of the relaxation to integers that answer the question.
//!
//! In: the values of all columns where the relaxation is best, and what a column is worth there. Out: inputs that meet every atom, as exact
//! evaluation shows, or nothing. The nonlinearities that read inputs alone get targets, so that the atoms hold for what follows from them; steps of one
//! input at a time go where the sum of squares of what the nonlinearities' arguments lack, and a margin beyond it, falls most. Where that
//! leads no further, the targets are chosen anew: the atoms need only some of the nonlinearities to be raised or lowered, and those that are nearest
//! from here, for what they are worth, are targets, too. Chance has a say in the choice. Where only inputs are left to choose, the targets stay, and
//! a lattice finds inputs that meet them all ([`Attack::realize`]).

use super::cell::Cell;
use super::lattice::{Lattice, TRIES};
use super::{Attack, StepTable};
use crate::relaxation::LinearExpr;
use crate::relaxation::Ranges;
use crate::relaxation::kernels::{add_scaled, add_squares, gains, relief};
use crate::relaxation::linear_expr::add_all;
use crate::relaxation::network::{Kind, NONE, Relaxation};
use std::ops::Range;

/// The most steps of a repair.
const STEPS: usize = 300;
/// Targets that get no nearer in this many steps are given up.
const PATIENCE: usize = 3;
/// An argument is wanted this far beyond its threshold, in its greatest coefficients: then steps for others don't undo it.
const MARGIN: f64 = 0.6;
/// A step that gained nothing is tabu for this many steps: it is not reversed.
const TABU: usize = 10;
/// The most promising steps are evaluated exactly: this many.
const TRIED: usize = 8;
/// A step is looked for in one of this many parts of the inputs first, which is faster and loses little.
const PARTS: usize = 4;

/// The inputs on their way, and what the arguments of the first nonlinearities are targeted for; all by expression or by column.
struct LocalSearch<'a> {
    relaxation: &'a Relaxation,
    /// The columns from the first input's to the last one's.
    inputs: Range<usize>,
    /// The expressions of the first nonlinearities.
    targeted: Vec<usize>,
    /// Their values …
    values: Vec<f64>,
    /// … and the least and greatest that the targets allow, …
    low: Vec<f64>,
    high: Vec<f64>,
    /// … with a margin.
    wanted_low: Vec<f64>,
    wanted_high: Vec<f64>,
    margins: Vec<f64>,
    weights: Vec<f64>,
    /// The weights that `curve` has been added up with.
    curved: Vec<f64>,
    /// How far the inputs can go.
    up: Vec<f64>,
    down: Vec<f64>,
    /// The step before which an input must rest.
    tabu: Vec<usize>,
    /// The arguments that shortfall something, by what moving them a little is worth.
    pulled: Vec<(u32, f64)>,
    /// Half of what the sum of squares falls by for a step of one of each input, by its slope …
    pull: Vec<f64>,
    /// … and by its curvature.
    curve: Vec<f64>,
    gain: Vec<f64>,
}

impl<'a> LocalSearch<'a> {
    fn new(attack: &Attack<'a>, ranges: &Ranges, targeted: Vec<usize>) -> LocalSearch<'a> {
        let (relaxation, x) = (attack.problem.relaxation, &attack.x);
        let (exprs, columns) = (relaxation.exprs.len(), relaxation.columns.len());
        let (mut values, mut margins, mut weights) = (vec![0.0; exprs], vec![0.0; exprs], vec![0.0; exprs]);
        for e in &targeted {
            values[*e] = relaxation.exprs[*e].value(x);
            let greatest = relaxation.exprs[*e].greatest.max(1.0);
            margins[*e] = (MARGIN * greatest).round();
            weights[*e] = 1.0 / (greatest * greatest);
        }
        let (mut up, mut down) = (vec![0.0; columns], vec![0.0; columns]);
        for j in &attack.inputs {
            (up[*j], down[*j]) = (ranges.upper[*j] - x[*j], x[*j] - ranges.lower[*j]);
        }
        LocalSearch {
            relaxation,
            inputs: attack.inputs.first().map_or(0, |j| *j)..attack.inputs.last().map_or(0, |j| j + 1),
            targeted,
            values,
            low: vec![f64::NEG_INFINITY; exprs],
            high: vec![f64::INFINITY; exprs],
            wanted_low: vec![f64::NEG_INFINITY; exprs],
            wanted_high: vec![f64::INFINITY; exprs],
            margins,
            weights,
            curved: vec![0.0; exprs],
            up,
            down,
            tabu: vec![0; columns],
            pulled: Vec::new(),
            pull: vec![0.0; columns],
            curve: vec![0.0; columns],
            gain: vec![0.0; columns],
        }
    }

    /// Asks for nonlinearities' values: at least, at most, or neither, by what more of them is worth, for more of that kind never hurts.
    fn set_targets(&mut self, x: &[f64], worth: &[f64]) {
        let relaxation = self.relaxation;
        for e in &self.targeted {
            let (column, table) = step_of(relaxation, *e);
            let (least, most) = asked_for(table, x[column], worth[column]);
            (self.low[*e], self.high[*e]) = (least, most);
            (self.wanted_low[*e], self.wanted_high[*e]) = (least + self.margins[*e], most - self.margins[*e]);
            let greatest = relaxation.exprs[*e].greatest.max(1.0);
            self.weights[*e] = 1.0 / (greatest * greatest);
        }
    }

    /// What an argument lacks.
    fn shortfall(&self, e: usize) -> f64 {
        (self.low[e] - self.values[e]).max(self.values[e] - self.high[e]).max(0.0)
    }

    /// The step that gains most among a part of the inputs, or among all if none of those gains: what it gains, by how much which input moves;
    /// `None` if none can move. Adds to `work` what it took, in sums.
    fn best(&mut self, step: usize, part: usize, work: &mut u64) -> Option<(f64, usize, f64)> {
        let all = self.inputs.clone();
        let end = |part: usize| all.start + all.len() * part / PARTS;
        let found = self.best_of(end(part)..end(part + 1), step, work);
        if found.is_some_and(|(gain, ..)| gain > 0.0) { found } else { self.best_of(all, step, work) }
    }

    /// The step that gains most among some columns.
    fn best_of(&mut self, columns: Range<usize>, step: usize, work: &mut u64) -> Option<(f64, usize, f64)> {
        let relaxation = self.relaxation;
        self.pulled.clear();
        for e in &self.targeted {
            let by =
                (self.wanted_low[*e] - self.values[*e]).max(0.0) - (self.values[*e] - self.wanted_high[*e]).max(0.0);
            let weight = if by != 0.0 { self.weights[*e] } else { 0.0 };
            if weight != self.curved[*e] {
                for (from, c) in relaxation.exprs[*e].runs() {
                    add_squares(&mut self.curve[from..from + c.len()], c, weight - self.curved[*e]);
                    *work += c.len() as u64;
                }
                self.curved[*e] = weight;
            }
            if by != 0.0 {
                self.pulled.push((*e as u32, by * weight));
                *work += (relaxation.exprs[*e].entries() * columns.len() / self.inputs.len().max(1)) as u64;
            }
        }
        self.pull[columns.clone()].fill(0.0);
        add_all(&self.pulled, |e| &relaxation.exprs[e], columns.clone(), &mut self.pull);
        let (pull, curve) = (&self.pull[columns.clone()], &self.curve[columns.clone()]);
        let (up, down) = (&self.up[columns.clone()], &self.down[columns.clone()]);
        gains(pull, curve, up, down, &mut self.gain[columns.clone()]);
        *work += 2 * columns.len() as u64;
        let mut promising = [(0.0, usize::MAX); TRIED];
        for (j, gain) in columns.clone().zip(&self.gain[columns]) {
            if *gain > promising[TRIED - 1].0 && self.tabu[j] <= step {
                let place = promising.iter().position(|other| *gain > other.0).unwrap_or(TRIED - 1);
                promising[place..].rotate_right(1);
                promising[place] = (*gain, j);
            }
        }
        let mut best: Option<(f64, usize, f64)> = None;
        for (_, j) in promising.into_iter().filter(|(_, j)| *j != usize::MAX) {
            let pull = self.pull[j];
            let room = if pull > 0.0 { self.up[j] } else { self.down[j] };
            let by = (pull.abs() / self.curve[j]).round().clamp(1.0, room) * pull.signum();
            let mut gain = 0.0;
            for (e, c) in self.relaxation.columnwise.of(j) {
                let own = e..e + c.len();
                let (low, high) = (&self.wanted_low[own.clone()], &self.wanted_high[own.clone()]);
                gain += relief(&self.values[own.clone()], low, high, &self.weights[own], c, by);
                *work += 3 * c.len() as u64;
            }
            if best.is_none_or(|(most, ..)| gain > most) {
                best = Some((gain, j, by));
            }
        }
        best
    }

    /// Keeps up with an input that moves.
    fn take(&mut self, j: usize, by: f64) {
        self.up[j] -= by;
        self.down[j] += by;
        for (e, c) in self.relaxation.columnwise.of(j) {
            add_scaled(&mut self.values[e..e + c.len()], c, by);
        }
    }
}

/// The column and the staircase of an expression of a first nonlinearity.
fn step_of(relaxation: &Relaxation, e: usize) -> (usize, &StepTable) {
    let nonlinearity = &relaxation.nonlinearities[relaxation.user[e] as usize];
    match nonlinearity.kind {
        Kind::Step(table) => (nonlinearity.column as usize, &relaxation.step_tables[table as usize]),
        Kind::Wrap { .. } | Kind::Max => unreachable!("first nonlinearities are steps, or there are no repairs"),
    }
}

/// What a first nonlinearity's argument must be at least and at most for a value, by what more of it is worth, for more of that kind never hurts.
fn asked_for(table: &StepTable, value: f64, worth: f64) -> (f64, f64) {
    let threshold = |v: i64| table.threshold(v).map(|t| t as f64);
    let least = threshold(value as i64).filter(|_| worth > 0.0).unwrap_or(f64::NEG_INFINITY);
    let most = threshold(value as i64 + 1).filter(|_| worth < 0.0).map_or(f64::INFINITY, |t| t - 1.0);
    (least, most)
}

impl Attack<'_> {
    /// A point that answers the question, if steps of one input at a time lead there from `from`, the values of all columns. `worth` says what
    /// more of a column does for the atoms, at the relaxation's prices; without it, lines through the staircases say that.
    pub fn repair(
        &mut self,
        from: &[f64],
        ranges: &Ranges,
        worth: Option<&[f64]>,
        stop: &dyn Fn() -> bool,
    ) -> Option<Vec<f64>> {
        let relaxation = self.problem.relaxation;
        let slopes = worth.is_none().then(|| self.slopes(self.problem.atoms.iter().map(|atom| &**atom)));
        let worth = worth.or(slopes.as_deref())?;
        for j in &self.inputs {
            self.x[*j] = from[*j].round().clamp(ranges.lower[*j], ranges.upper[*j]);
        }
        // The first targets are the relaxation's values, rounded; as many as needed the better way.
        let (mut targeted, mut others) = (Vec::new(), Vec::new());
        for nonlinearity in self
            .nonlinearities
            .iter()
            .map(|nonlinearity| &relaxation.nonlinearities[*nonlinearity as usize])
            .filter(|nonlinearity| nonlinearity.shallow)
        {
            let Kind::Step(_) = nonlinearity.kind else { return None };
            let column = nonlinearity.column as usize;
            let (y, lo, hi) = (from[column], ranges.lower[column], ranges.upper[column]);
            let nearest = y.round().clamp(lo, hi);
            let better = if worth[column] > 0.0 { y.ceil() } else { y.floor() };
            if better != nearest && (lo..=hi).contains(&better) {
                others.push(((better - y).abs(), column, better));
            }
            self.x[column] = nearest;
            targeted.push(nonlinearity.first as usize);
        }
        self.raise(others)?;
        let mut search = LocalSearch::new(self, ranges, targeted);
        search.set_targets(&self.x, worth);
        let noise = 0.3 + 1.2 * self.random.unit() * self.random.unit();
        let (mut least, mut since) = (f64::INFINITY, 0);
        for step in 0..STEPS {
            if stop() {
                return None;
            }
            let shortfall: f64 = search.targeted.iter().map(|e| search.shortfall(*e)).sum();
            if shortfall == 0.0 {
                let point: Vec<f64> = self.inputs.iter().map(|j| self.x[*j]).collect();
                if self.holds(&point) {
                    return Some(point);
                }
            }
            since = if shortfall < least { 0 } else { since + 1 };
            least = least.min(shortfall);
            // Targets that are met but don't do, because worths change on the way, are as bad as those that are out of reach.
            if since > PATIENCE || shortfall == 0.0 {
                (least, since) = (f64::INFINITY, 0);
                let others = self.targets(&search, ranges, worth, noise);
                self.raise(others)?;
                search.set_targets(&self.x, worth);
            }
            let part = (self.random.bits() >> 32) as usize % PARTS;
            let (gain, j, by) = search.best(step, part, &mut self.work)?;
            if gain <= 0.0 {
                for at in 0..search.targeted.len() {
                    let e = search.targeted[at];
                    if search.shortfall(e) > 0.0 {
                        search.weights[e] *= 1.5;
                    }
                }
                search.tabu[j] = step + TABU;
            }
            self.x[j] += by;
            search.take(j, by);
        }
        None
    }

    /// A point that answers the question where the first nonlinearities have their values of `from`, those of all columns, rounded: for cells too
    /// thin for [`Attack::repair`].
    pub fn realize(&mut self, from: &[f64], ranges: &Ranges, stop: &dyn Fn() -> bool) -> Option<Vec<f64>> {
        let mut point: Vec<f64> = self.inputs.iter().map(|j| ranges.lower[*j]).collect();
        let free: Vec<usize> = (0..point.len()).filter(|k| !ranges.is_point(self.inputs[*k])).collect();
        let cell = self.cell(from, ranges, &free)?;
        let mut work = 0;
        let middle = cell.middle(&mut work, stop);
        let lattice = middle.as_ref().and_then(|middle| Lattice::new(&cell, middle, &mut work, stop));
        let found = lattice.is_some_and(|lattice| {
            (0..TRIES).take_while(|_| !stop()).any(|_| {
                let near = lattice.near(&mut || self.random.unit(), &mut work);
                free.iter().zip(&near).for_each(|(k, value)| point[*k] = *value);
                cell.holds(&near) && self.holds(&point)
            })
        });
        self.work += work;
        found.then_some(point)
    }

    /// The inputs with some freedom for which the first nonlinearities have the values of `from`, rounded, or better ones; `None` if there are none, or too
    /// many windows, or no window at all.
    fn cell(&self, from: &[f64], ranges: &Ranges, free: &[usize]) -> Option<Cell> {
        let (problem, relaxation) = (self.problem, self.problem.relaxation);
        let is_input = |(column, c): (usize, &f64)| *c == 0.0 || relaxation.nonlinearity_of[column] == NONE;
        let of_inputs = |atom: &LinearExpr| atom.runs().all(|(first, values)| (first..).zip(values).all(is_input));
        let (of_inputs, of_units): (Vec<&LinearExpr>, Vec<&LinearExpr>) =
            problem.atoms.iter().map(|atom| &**atom).partition(|atom| of_inputs(atom));
        // What atoms want more of, and less of.
        let (mut up, mut down) = (vec![false; relaxation.columns.len()], vec![false; relaxation.columns.len()]);
        for atom in of_units {
            for (column, slope) in self.slopes([atom]).into_iter().enumerate() {
                up[column] |= slope > 0.0;
                down[column] |= slope < 0.0;
            }
        }
        let columns: Vec<usize> = free.iter().map(|k| self.inputs[*k]).collect();
        let mut fixed = ranges.lower.clone();
        columns.iter().for_each(|j| fixed[*j] = 0.0);
        let mut cell = Cell::new(columns.iter().map(|j| (ranges.lower[*j], ranges.upper[*j])).collect());
        let mut ask = |expr: &LinearExpr, low: f64, high: f64| {
            let (least, most) = expr.range(&ranges.lower, &ranges.upper);
            if low <= least && high >= most {
                return Some(());
            }
            let constant = expr.value(&fixed);
            let window = (low.max(least) - constant, high.min(most) - constant);
            cell.constrain(columns.iter().map(|j| expr.coefficient(*j)), window)
        };
        for nonlinearity in self
            .nonlinearities
            .iter()
            .map(|nonlinearity| &relaxation.nonlinearities[*nonlinearity as usize])
            .filter(|nonlinearity| nonlinearity.shallow)
        {
            let Kind::Step(table) = nonlinearity.kind else { return None };
            let (e, column) = (nonlinearity.first as usize, nonlinearity.column as usize);
            let (table, value, (least, most)) =
                (&relaxation.step_tables[table as usize], from[column].round(), ranges.exprs[e]);
            // Where atoms pull both ways, or none does, neither more nor less will do.
            let low = if up[column] || !down[column] { asked_for(table, value, 1.0).0 } else { f64::NEG_INFINITY };
            let high = if down[column] || !up[column] { asked_for(table, value, -1.0).1 } else { f64::INFINITY };
            ask(&relaxation.exprs[e], low.max(least), high.min(most))?;
        }
        for atom in of_inputs {
            ask(atom, 0.0, f64::INFINITY)?;
        }
        (cell.windows() > 0).then_some(cell)
    }

    /// Sets the first nonlinearities to what they are, and says what could be targeted for beyond that: (effort, column, value), the effort being the way of the
    /// argument for what the value is worth.
    fn targets(
        &mut self,
        search: &LocalSearch<'_>,
        ranges: &Ranges,
        worth: &[f64],
        noise: f64,
    ) -> Vec<(f64, usize, f64)> {
        let relaxation = self.problem.relaxation;
        let mut others = Vec::new();
        for e in &search.targeted {
            let (column, table) = step_of(relaxation, *e);
            let (a, worth) = (search.values[*e], worth[column]);
            let Some(v) = table.apply(a as i64) else { continue };
            self.x[column] = v as f64;
            for more in 1..=2 {
                let (value, threshold) = if worth > 0.0 { (v + more, v + more) } else { (v - more, v - more + 1) };
                let inside = (ranges.lower[column]..=ranges.upper[column]).contains(&(value as f64));
                let Some(threshold) = table.threshold(threshold).filter(|_| inside && worth != 0.0) else { break };
                let way = if worth > 0.0 { threshold as f64 - a } else { a - threshold as f64 + 1.0 };
                let way = way / relaxation.exprs[*e].greatest.max(1.0);
                let by_chance = 1.0 + noise * (self.random.unit() - 0.5);
                others.push((way / (more as f64 * worth.abs()) * by_chance, column, value as f64));
            }
        }
        others
    }

    /// Sets first nonlinearities to other values, in order of effort, until all atoms hold for what follows; `None` if they never do.
    fn raise(&mut self, mut others: Vec<(f64, usize, f64)>) -> Option<()> {
        others.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.total_cmp(&b.2)));
        let mut others = others.into_iter();
        while !self.follows() {
            let (_, column, value) = others.next()?;
            self.x[column] = value;
        }
        Some(())
    }

    /// Whether all atoms hold for what follows from the first nonlinearities' values.
    fn follows(&mut self) -> bool {
        let (problem, relaxation) = (self.problem, self.problem.relaxation);
        for at in 0..self.nonlinearities.len() {
            let nonlinearity = &relaxation.nonlinearities[self.nonlinearities[at] as usize];
            if nonlinearity.shallow {
                continue;
            }
            self.compute(nonlinearity);
            self.work += nonlinearity.exprs().map(|e| relaxation.exprs[e].entries() as u64).sum::<u64>();
        }
        problem.atoms.iter().all(|atom| atom.value(&self.x) >= 0.0)
    }

    /// What more of each column does for atoms, by the lines that replace staircases.
    fn slopes<'e>(&self, atoms: impl IntoIterator<Item = &'e LinearExpr>) -> Vec<f64> {
        let (problem, relaxation) = (self.problem, self.problem.relaxation);
        let mut slopes = vec![0.0; relaxation.columns.len()];
        for atom in atoms {
            atom.add_to(&mut slopes, 1.0);
        }
        for nonlinearity in problem
            .live
            .iter()
            .rev()
            .map(|nonlinearity| &relaxation.nonlinearities[*nonlinearity as usize])
            .filter(|nonlinearity| !nonlinearity.shallow)
        {
            let slope = match nonlinearity.kind {
                Kind::Step(table) => self.lines[table as usize].0,
                Kind::Wrap { .. } | Kind::Max => 1.0,
            };
            let c = slopes[nonlinearity.column as usize] * slope;
            if c != 0.0 {
                nonlinearity.exprs().for_each(|e| relaxation.exprs[e].add_to(&mut slopes, c));
            }
        }
        slopes
    }
}
