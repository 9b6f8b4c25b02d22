//! Annealing: inputs move one at a time, by chance, and what a move changes is followed through the network.
//!
//! In: the attack's problem. Out: a point that meets all atoms, or nothing. A start is the best point of steps along the gradient's signs from
//! anywhere in the box (Madry et al., "Towards deep learning models resistant to adversarial attacks", 2018). From there single inputs get other values, which
//! are kept if the score does not fall, and by chance if it does, ever less (Kirkpatrick, Gelatt and Vecchi, "Optimization by simulated annealing",
//! 1983). A move costs what it changes: the arguments that mention the input, and of what follows only that whose value is another. So this is for networks
//! where an input reaches few nonlinearities, as in convolutions. Invariant: all numbers are integers in `f64`, so that a move that is taken back leaves no trace.

use super::Attack;
use super::gradient::LEAKS;
use crate::relaxation::network::{Kind, NONE, Relaxation};

/// The steps along the gradient's signs …
const DESCENT: usize = 60;
/// … as shares of an input's range, from the first to the last.
const STRIDES: (f64, f64) = (0.37, 0.02);
/// The moves of one annealing …
const MOVES: usize = 100_000;
/// … and by how much the score may fall, at first and in the end.
const TEMPERATURES: (f64, f64) = (0.01, 0.001);
/// Annealing is for networks where an input reaches at most one in this many of the arguments of the nonlinearities that read inputs.
const SPARSE: usize = 8;

/// What an atom has of a column.
struct AtomTerm {
    coefficient: f64,
    column: usize,
    line: Option<Line>,
}

/// The line that stands for a nonlinearity's staircase where an atom reads it: towards the next value that counts, and no further than its last.
struct Line {
    argument: usize,
    slope: f64,
    zero: f64,
    cap: f64,
}

/// An atom: (constant, factor of its score, terms).
type Scored = (f64, f64, Vec<AtomTerm>);

/// A point and what all columns and expressions are there.
pub struct Annealing<'a> {
    relaxation: &'a Relaxation,
    x: Vec<f64>,
    e: Vec<f64>,
    /// An expression at least so great, and less than …
    least: Vec<f64>,
    /// … so great, leaves its nonlinearity's value as it is.
    end: Vec<f64>,
    /// A bit for each nonlinearity that may have another value.
    touched: Vec<u64>,
    /// The columns that the last move changed, by how much …
    moved: Vec<(usize, f64)>,
    /// … and the bounds of expressions that were others before.
    passed: Vec<(usize, f64, f64)>,
    atoms: Vec<Scored>,
    /// What moves took, in sums.
    work: u64,
}

impl<'a> Annealing<'a> {
    fn new(attack: &Attack<'a>) -> Annealing<'a> {
        let (relaxation, ranges) = (attack.problem.relaxation, attack.ranges);
        let line = |column: usize, up: bool| {
            let nonlinearity = &relaxation.nonlinearities
                [*relaxation.nonlinearity_of.get(column).filter(|nonlinearity| **nonlinearity != NONE)? as usize];
            let Kind::Step(table) = nonlinearity.kind else { return None };
            let (slope, zero) = attack.lines[table as usize];
            let (half, cap) = if up { (0.5, ranges.upper[column]) } else { (-0.5, ranges.lower[column]) };
            (!ranges.is_point(column)).then_some(Line {
                argument: nonlinearity.first as usize,
                slope,
                zero: zero - half,
                cap,
            })
        };
        let mut atoms = Vec::new();
        for atom in &attack.problem.atoms {
            let all = atom.runs().flat_map(|(first, values)| (first..).zip(values)).filter(|(_, c)| **c != 0.0);
            let terms =
                all.map(|(column, c)| AtomTerm { coefficient: *c, column, line: line(column, *c > 0.0) }).collect();
            atoms.push((atom.constant, 1.0 / atom.greatest.max(1.0), terms));
        }
        Annealing {
            relaxation,
            x: Vec::new(),
            e: Vec::new(),
            least: vec![f64::NEG_INFINITY; relaxation.exprs.len()],
            end: vec![f64::INFINITY; relaxation.exprs.len()],
            touched: vec![0; relaxation.nonlinearities.len().div_ceil(64)],
            moved: Vec::new(),
            passed: Vec::new(),
            atoms,
            work: 0,
        }
    }

    /// Begins where the attack has just been.
    fn begin(&mut self, attack: &Attack<'a>) {
        (self.x, self.e) = (attack.x.clone(), attack.e.clone());
        for nonlinearity in
            attack.nonlinearities.iter().map(|nonlinearity| &self.relaxation.nonlinearities[*nonlinearity as usize])
        {
            for e in nonlinearity.exprs() {
                (self.least[e], self.end[e]) = self.unchanged(nonlinearity.kind, self.x[nonlinearity.column as usize]);
            }
        }
        self.keep();
    }

    /// From where to where an argument leaves a nonlinearity's value as it is, as far as that is known.
    fn unchanged(&self, kind: Kind, value: f64) -> (f64, f64) {
        let Kind::Step(table) = kind else { return (f64::INFINITY, f64::NEG_INFINITY) };
        let threshold = |v: f64| self.relaxation.step_tables[table as usize].threshold(v as i64).map(|t| t as f64);
        (threshold(value).unwrap_or(f64::NEG_INFINITY), threshold(value + 1.0).unwrap_or(f64::INFINITY))
    }

    /// Adds a column's move to the expressions that mention it.
    fn spread(&mut self, column: usize, by: f64) {
        self.moved.push((column, by));
        self.x[column] += by;
        for (first, c) in self.relaxation.columnwise.of(column) {
            self.work += c.len() as u64;
            for (e, c) in (first..).zip(c) {
                self.e[e] += by * c;
                if (self.e[e] < self.least[e]) | (self.e[e] >= self.end[e]) {
                    let nonlinearity = self.relaxation.user[e] as usize;
                    self.touched[nonlinearity / 64] |= 1 << (nonlinearity % 64);
                }
            }
        }
    }

    /// Moves an input, and all that follows.
    fn step(&mut self, column: usize, by: f64) {
        self.spread(column, by);
        let mut word = 0;
        // Nonlinearities read earlier ones alone.
        while word < self.touched.len() {
            if self.touched[word] == 0 {
                word += 1;
                continue;
            }
            let nonlinearity =
                &self.relaxation.nonlinearities[word * 64 + self.touched[word].trailing_zeros() as usize];
            self.touched[word] &= self.touched[word] - 1;
            let value = nonlinearity.value(self.relaxation, &self.e);
            let column = nonlinearity.column as usize;
            if value != self.x[column] {
                for e in nonlinearity.exprs() {
                    self.passed.push((e, self.least[e], self.end[e]));
                    (self.least[e], self.end[e]) = self.unchanged(nonlinearity.kind, value);
                }
                self.spread(column, value - self.x[column]);
            }
        }
    }

    /// Settles for the last move.
    fn keep(&mut self) {
        self.moved.clear();
        self.passed.clear();
    }

    /// Takes the last move back.
    fn take_back(&mut self) {
        for (column, by) in self.moved.drain(..) {
            self.x[column] -= by;
            for (first, c) in self.relaxation.columnwise.of(column) {
                self.work += c.len() as u64;
                self.e[first..first + c.len()].iter_mut().zip(c).for_each(|(e, c)| *e -= by * c);
            }
        }
        for (e, least, end) in self.passed.drain(..).rev() {
            (self.least[e], self.end[e]) = (least, end);
        }
    }

    /// The score, zero at best, and whether all atoms hold.
    fn score(&self) -> (f64, bool) {
        let (mut score, mut hold) = (0.0, true);
        for (constant, factor, terms) in &self.atoms {
            let (mut value, mut soft) = (*constant, *constant);
            for AtomTerm { coefficient, column, line } in terms {
                let own = self.x[*column];
                value += coefficient * own;
                soft += coefficient
                    * line.as_ref().map_or(own, |line| {
                        let at = line.zero + line.slope * self.e[line.argument];
                        if *coefficient > 0.0 { at.min(line.cap) } else { at.max(line.cap) }
                    });
            }
            hold &= value >= 0.0;
            score += soft.min(0.0) * factor;
        }
        (score, hold)
    }
}

impl<'a> Attack<'a> {
    /// Whether an input reaches so few nonlinearities that annealing is worth the effort.
    pub fn is_sparse(&self) -> bool {
        let relaxation = self.problem.relaxation;
        let shallow = self
            .nonlinearities
            .iter()
            .map(|nonlinearity| &relaxation.nonlinearities[*nonlinearity as usize])
            .filter(|nonlinearity| nonlinearity.shallow);
        let (count, entries) =
            shallow.flat_map(|nonlinearity| nonlinearity.exprs()).fold((0, 0), |(count, entries), e| {
                let terms = relaxation.exprs[e].runs().flat_map(|(_, values)| values).filter(|c| **c != 0.0);
                (count + 1, entries + terms.count())
            });
        entries * SPARSE <= count * self.inputs.len()
    }

    /// Anneals a number of times, from other points each time; adds the sums that it took to `work`.
    pub fn anneal(&mut self, times: usize, stop: &dyn Fn() -> bool) -> Option<Vec<f64>> {
        let free: Vec<usize> = self.inputs.iter().copied().filter(|j| !self.ranges.is_point(*j)).collect();
        if free.is_empty() {
            return None;
        }
        let mut annealing = Annealing::new(self);
        for _ in 0..times {
            let start = self.descend(stop)?;
            if self.holds(&start) {
                return Some(start);
            }
            annealing.begin(self);
            let found = self.anneal_from(&mut annealing, &free, stop);
            debug_assert!(self.is_at(&annealing), "what a move changes was not followed");
            self.work += std::mem::take(&mut annealing.work);
            if found || stop() {
                return found.then(|| self.inputs.iter().map(|j| annealing.x[*j]).collect());
            }
        }
        None
    }

    /// Whether everything is what it is for the annealing's inputs; afterwards the attack is there.
    fn is_at(&mut self, annealing: &Annealing<'_>) -> bool {
        let point: Vec<f64> = self.inputs.iter().map(|j| annealing.x[*j]).collect();
        self.evaluate(&point);
        let mut nonlinearities = self
            .nonlinearities
            .iter()
            .map(|nonlinearity| &self.problem.relaxation.nonlinearities[*nonlinearity as usize]);
        self.x == annealing.x
            && nonlinearities.all(|nonlinearity| self.e[nonlinearity.exprs()] == annealing.e[nonlinearity.exprs()])
    }

    /// Whether moves of single inputs lead to a point that meets all atoms.
    fn anneal_from(&mut self, annealing: &mut Annealing<'a>, free: &[usize], stop: &dyn Fn() -> bool) -> bool {
        let (hot, cold) = TEMPERATURES;
        let (mut score, mut temperature) = (annealing.score().0, hot);
        for at in 0..MOVES {
            if at % 256 == 0 {
                if stop() {
                    return false;
                }
                temperature = hot * (cold / hot).powf(at as f64 / MOVES as f64);
            }
            let j = free[(self.random.bits() >> 32) as usize % free.len()];
            let (lower, upper) = (self.ranges.lower[j], self.ranges.upper[j]);
            // Any value but its own.
            let to = lower + (self.random.unit() * (upper - lower)).floor();
            let to = if to >= annealing.x[j] { to + 1.0 } else { to };
            annealing.step(j, to - annealing.x[j]);
            let (reached, hold) = annealing.score();
            if hold {
                return true;
            }
            if reached >= score || reached - score > temperature * self.random.unit().ln() {
                score = reached;
                annealing.keep();
            } else {
                annealing.take_back();
            }
        }
        false
    }

    /// The best point of steps along the gradient's signs, from anywhere; `None` if there was no time.
    fn descend(&mut self, stop: &dyn Fn() -> bool) -> Option<Vec<f64>> {
        let mut gradient = vec![0.0; self.problem.relaxation.columns.len()];
        let leak = LEAKS[(self.random.bits() >> 32) as usize % LEAKS.len()];
        let boxes: Vec<(f64, f64)> =
            self.inputs.iter().map(|j| (self.ranges.lower[*j], self.ranges.upper[*j])).collect();
        let mut way: Vec<f64> =
            boxes.iter().map(|(lower, upper)| lower + self.random.unit() * (upper - lower)).collect();
        let mut best: Option<(f64, Vec<f64>)> = None;
        for step in 0..DESCENT {
            if stop() {
                return None;
            }
            let point: Vec<f64> = way.iter().map(|value| value.round()).collect();
            if self.holds(&point) {
                return Some(point);
            }
            let score = self.score(&mut gradient);
            if best.as_ref().is_none_or(|(most, _)| score > *most) {
                best = Some((score, point));
            }
            self.pull_back(&mut gradient, leak);
            let stride = STRIDES.0 + (STRIDES.1 - STRIDES.0) * step as f64 / DESCENT as f64;
            for ((value, (lower, upper)), j) in way.iter_mut().zip(&boxes).zip(&self.inputs) {
                let sign = if gradient[*j] == 0.0 { 0.0 } else { gradient[*j].signum() };
                *value = (*value + sign * stride * (upper - lower)).clamp(*lower, *upper);
            }
        }
        best.map(|(_, point)| point)
    }
}
