//! A dual simplex on the relaxation, with lazy rows and warm starts.
//!
//! maximize objective · x  over  lower <= x <= upper  and the units' edges ([`super::hull`]) and the constraining atoms.
//!
//! In the language of section 5.1 of the design: the multipliers of the expressions are the duals of the rows, and the solver
//! walks down D. Only rows with a multiplier are in the basis, whose kernel is inverted explicitly (it has as many rows as there
//! are neurons that matter); columns have boxes, so any start is dual feasible, a step passes as many
//! kinks as pay off, and every state on the way is a bound: it may stop at any time. Rows stay valid when ranges
//! are narrowed, so a branch starts from its parent's basis.
//!
//! Invariant: nothing here is trusted. Floating point proposes multipliers; [`super::exact`] decides.

use super::hull::Edge;
use super::kernels::dot;
use super::net::{Expr, Net};
use super::ranges::Ranges;
use std::sync::{Arc, OnceLock};

/// A row or a column is violated beyond this.
const FEASIBLE: f64 = 1e-6;
/// Smaller pivots are not taken.
const PIVOT: f64 = 1e-7;
/// The rows whose norms are computed when one is chosen.
const LOOKED_AT: usize = 6;
/// How much the perturbation can add to the objective.
const PERTURBATION: f64 = 0.01;
/// The basis is inverted anew after this many steps.
const REFRESH: u32 = 64;
/// An optimum after fewer steps than this since then is one.
const TRUSTED: u32 = 32;

/// What the relaxation is about: the network and the atoms' expressions, counted on after the network's.
pub struct Problem<'a> {
    /// The network.
    pub net: &'a Net,
    /// The atoms.
    pub atoms: Vec<Expr>,
    /// Those that constrain (all but the objective), as indices into `atoms`.
    pub constraints: Vec<u32>,
    /// The units that are not constant.
    pub live: Arc<Live>,
}

/// The units that are not constant, and which columns their expressions mention.
#[derive(Debug)]
pub struct Live {
    /// By ascending unit.
    pub units: Vec<u32>,
    mentions: OnceLock<Mentions>,
}

/// For each column, the live units' expressions that mention it, with the coefficients.
#[derive(Debug)]
struct Mentions {
    starts: Vec<u32>,
    exprs: Vec<u32>,
    values: Vec<f64>,
}

impl Live {
    /// From the units, by ascending index.
    pub fn new(units: Vec<u32>) -> Live {
        Live { units, mentions: OnceLock::new() }
    }

    /// The live units' expressions that mention a column, and with which coefficients.
    pub fn mentions_of(&self, net: &Net, column: usize) -> (&[u32], &[f64]) {
        let mentions = self.mentions(net);
        let own = mentions.starts[column] as usize..mentions.starts[column + 1] as usize;
        (&mentions.exprs[own.clone()], &mentions.values[own])
    }

    fn mentions(&self, net: &Net) -> &Mentions {
        self.mentions.get_or_init(|| {
            let mut live = vec![false; net.units.len()];
            self.units.iter().for_each(|unit| live[*unit as usize] = true);
            let mut mentions = Mentions { starts: vec![0], exprs: Vec::new(), values: Vec::new() };
            for own in &net.mentions {
                for (e, value) in own.iter().filter(|(e, _)| live[net.user[*e as usize] as usize]) {
                    mentions.exprs.push(*e);
                    mentions.values.push(*value);
                }
                mentions.starts.push(mentions.exprs.len() as u32);
            }
            mentions
        })
    }
}

impl Problem<'_> {
    /// An expression of the network or an atom's.
    pub fn expr(&self, e: usize) -> &Expr {
        let own = self.net.exprs.len();
        if e < own { &self.net.exprs[e] } else { &self.atoms[e - own] }
    }

    /// The index of an atom's expression.
    pub fn atom(&self, k: usize) -> usize {
        self.net.exprs.len() + k
    }
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

#[derive(Clone, Debug)]
struct Row {
    column: u32,
    edge: Arc<Edge>,
}

/// Where a column is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Lower,
    Upper,
    Basic,
}

/// A state of the solver.
#[derive(Clone)]
pub struct Simplex {
    objective: Arc<[f64]>,
    /// Of the perturbation, so that it never lowers the objective.
    constant: f64,
    lower: Vec<f64>,
    upper: Vec<f64>,
    /// The primal point.
    pub x: Vec<f64>,
    place: Vec<Place>,
    /// 1 at the upper bound, -1 at the lower, 0 where there is no other bound to go to: basic or fixed.
    side: Vec<f64>,
    /// Reduced costs.
    d: Vec<f64>,
    /// The expressions' values at `x`.
    pub e: Vec<f64>,
    rows: Vec<Row>,
    /// Their multipliers.
    w: Vec<f64>,
    columns: Vec<u32>,
    /// The kernel's inverse: a row for each of `columns`, a column for each of `rows`.
    inverse: Vec<f64>,
    age: u32,
    /// The steps taken so far.
    pub steps: u64,
    /// The entering row and its multiplier where the relaxation is empty.
    ray: Option<(Row, f64)>,
}

/// The edges of all units, and those of the atoms that constrain.
pub struct View<'a> {
    /// By unit.
    pub edges: &'a [Option<Arc<[Edge]>>],
    /// One for each of the problem's constraints.
    pub atoms: &'a [Arc<Edge>],
}

enum Leaving {
    Row(Row),
    Column(usize, f64),
}

#[derive(Clone, Copy)]
enum Candidate {
    Column(u32),
    Row(u32),
}

impl Simplex {
    /// A state without rows for an objective over the columns.
    pub fn new(problem: &Problem<'_>, ranges: &Ranges, mut objective: Vec<f64>) -> Simplex {
        let count = objective.len();
        // A little of every column, none alike, against steps that lead nowhere. What is added is never negative, so
        // that a bound of the perturbed objective is one of the objective.
        let mut constant = 0.0;
        let mut random = 0x9e37_79b9_7f4a_7c15u64;
        for (j, cost) in objective.iter_mut().enumerate() {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let width = ranges.upper[j] - ranges.lower[j];
            if width > 0.0 {
                let share = ((random >> 40) as f64 / (1u64 << 24) as f64 + 0.5) * PERTURBATION / count as f64 / width;
                if random & 1 == 0 {
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
            lower: ranges.lower.clone(),
            upper: ranges.upper.clone(),
            x: vec![0.0; count],
            place: vec![Place::Lower; count],
            side: vec![0.0; count],
            d: vec![0.0; count],
            e: vec![0.0; problem.net.exprs.len() + problem.atoms.len()],
            ..Simplex::empty(objective.into())
        };
        simplex.restart(problem);
        simplex
    }

    fn empty(objective: Arc<[f64]>) -> Simplex {
        Simplex {
            objective,
            constant: 0.0,
            lower: Vec::new(),
            upper: Vec::new(),
            x: Vec::new(),
            place: Vec::new(),
            side: Vec::new(),
            d: Vec::new(),
            e: Vec::new(),
            rows: Vec::new(),
            w: Vec::new(),
            columns: Vec::new(),
            inverse: Vec::new(),
            age: 0,
            steps: 0,
            ray: None,
        }
    }

    /// The state, for somebody else; what stays behind is of no more use.
    pub fn take(&mut self) -> Simplex {
        let objective = self.objective.clone();
        std::mem::replace(self, Simplex::empty(objective))
    }

    /// Puts a column at a bound or into the basis.
    fn put(&mut self, j: usize, place: Place) {
        self.place[j] = place;
        self.side[j] = match place {
            _ if self.upper[j] <= self.lower[j] => 0.0,
            Place::Upper => 1.0,
            Place::Lower => -1.0,
            Place::Basic => 0.0,
        };
    }

    /// Forgets the basis.
    fn restart(&mut self, problem: &Problem<'_>) {
        self.rows.clear();
        self.w.clear();
        self.columns.clear();
        self.inverse.clear();
        self.d.copy_from_slice(&self.objective);
        for j in 0..self.x.len() {
            self.put(j, if self.d[j] > 0.0 { Place::Upper } else { Place::Lower });
            self.x[j] = if self.d[j] > 0.0 { self.upper[j] } else { self.lower[j] };
        }
        self.refresh_values(problem);
        self.age = 0;
    }

    fn refresh_values(&mut self, problem: &Problem<'_>) {
        for unit in &problem.live.units {
            for e in problem.net.units[*unit as usize].exprs() {
                self.e[e] = problem.net.exprs[e].value(&self.x);
            }
        }
        for (k, expr) in problem.atoms.iter().enumerate() {
            self.e[problem.atom(k)] = expr.value(&self.x);
        }
    }

    /// The value of the objective at the primal point; the bound, once rows and columns agree.
    pub fn value(&self) -> f64 {
        self.constant + dot(&self.objective, &self.x)
    }

    /// Takes over narrower ranges.
    pub fn set_ranges(&mut self, problem: &Problem<'_>, ranges: &Ranges) {
        let mut moved = Vec::new();
        for j in 0..self.x.len() {
            if self.lower[j] == ranges.lower[j] && self.upper[j] == ranges.upper[j] {
                continue;
            }
            (self.lower[j], self.upper[j]) = (ranges.lower[j], ranges.upper[j]);
            self.put(j, self.place[j]);
            let target = match self.place[j] {
                Place::Lower => self.lower[j],
                Place::Upper => self.upper[j],
                Place::Basic => continue,
            };
            if target != self.x[j] {
                moved.push((j as u32, target - self.x[j]));
                self.x[j] = target;
            }
        }
        if !moved.is_empty() {
            self.spread(problem, &moved);
            self.solve_primal(problem);
        }
    }

    /// Adds columns' moves to the expressions' values.
    fn spread(&mut self, problem: &Problem<'_>, moved: &[(u32, f64)]) {
        if moved.len() * 5 > self.x.len() {
            // Scattered sums over so many columns cost more than all the sums anew.
            self.refresh_values(problem);
            return;
        }
        let mentions = problem.live.mentions(problem.net);
        for (j, delta) in moved {
            let own = mentions.starts[*j as usize] as usize..mentions.starts[*j as usize + 1] as usize;
            for (e, coefficient) in mentions.exprs[own.clone()].iter().zip(&mentions.values[own]) {
                self.e[*e as usize] += coefficient * delta;
            }
        }
        for (k, expr) in problem.atoms.iter().enumerate() {
            let e = problem.atom(k);
            for (j, delta) in moved {
                self.e[e] += expr.coefficient(*j as usize) * delta;
            }
        }
    }

    fn activity(&self, row: &Row) -> f64 {
        let own = if row.edge.alpha != 0.0 { row.edge.alpha * self.x[row.column as usize] } else { 0.0 };
        row.edge.terms.iter().fold(own, |sum, (e, beta)| sum + beta * self.e[*e as usize])
    }

    fn entry(problem: &Problem<'_>, row: &Row, column: usize) -> f64 {
        let own = if row.column as usize == column { row.edge.alpha } else { 0.0 };
        row.edge.terms.iter().fold(own, |sum, (e, beta)| sum + beta * problem.expr(*e as usize).coefficient(column))
    }

    /// Sets the basic columns so that the basic rows hold with equality.
    fn solve_primal(&mut self, problem: &Problem<'_>) {
        let size = self.rows.len();
        if size == 0 {
            return;
        }
        let residual: Vec<f64> = self.rows.iter().map(|row| row.edge.gamma - self.activity(row)).collect();
        let mut moved = Vec::with_capacity(size);
        for (p, j) in self.columns.iter().enumerate() {
            let line = &self.inverse[p * size..(p + 1) * size];
            let delta: f64 = line.iter().zip(&residual).map(|(a, b)| a * b).sum();
            if delta != 0.0 {
                self.x[*j as usize] += delta;
                moved.push((*j, delta));
            }
        }
        self.spread(problem, &moved);
    }

    /// Inverts the kernel anew and recomputes everything from it; `false` if it is singular or no longer dual feasible.
    fn refresh(&mut self, problem: &Problem<'_>) -> bool {
        self.age = 0;
        let size = self.rows.len();
        let mut kernel = vec![0.0; size * size];
        for (i, row) in self.rows.iter().enumerate() {
            for (p, j) in self.columns.iter().enumerate() {
                kernel[i * size + p] = Simplex::entry(problem, row, *j as usize);
            }
        }
        let Some(inverse) = invert(&mut kernel, size) else { return false };
        self.inverse = inverse;
        for i in 0..size {
            let w: f64 = (0..size).map(|p| self.inverse[p * size + i] * self.objective[self.columns[p] as usize]).sum();
            if w < -1e-7 {
                return false;
            }
            self.w[i] = w.max(0.0);
        }
        let mut d = self.objective.to_vec();
        let factors: Vec<f64> = self.w.iter().map(|w| -w).collect();
        self.combine(problem, &factors, &mut d);
        self.d = d;
        for j in 0..self.x.len() {
            match self.place[j] {
                Place::Basic => self.d[j] = 0.0,
                _ => {
                    self.put(j, if self.d[j] > 0.0 { Place::Upper } else { Place::Lower });
                    self.x[j] = if self.d[j] > 0.0 { self.upper[j] } else { self.lower[j] };
                }
            }
        }
        self.refresh_values(problem);
        self.solve_primal(problem);
        true
    }

    /// target += the sum of factor · row.
    fn combine(&self, problem: &Problem<'_>, factors: &[f64], target: &mut [f64]) {
        // Rows of the same expression are added up first: an expression is long.
        let mut exprs: Vec<(u32, f64)> = Vec::with_capacity(factors.len());
        for (row, factor) in self.rows.iter().zip(factors) {
            if *factor == 0.0 {
                continue;
            }
            if row.edge.alpha != 0.0 {
                target[row.column as usize] += factor * row.edge.alpha;
            }
            exprs.extend(row.edge.terms.iter().map(|(e, beta)| (*e, factor * beta)));
        }
        exprs.sort_unstable_by_key(|(e, _)| *e);
        let mut at = 0;
        while at < exprs.len() {
            let (e, mut total) = exprs[at];
            at += 1;
            while at < exprs.len() && exprs[at].0 == e {
                total += exprs[at].1;
                at += 1;
            }
            problem.expr(e as usize).add_to(target, total);
        }
    }

    /// How the basic rows' multipliers fall when a row's grows.
    fn dual_row(&self, problem: &Problem<'_>, row: &Row) -> Vec<f64> {
        let size = self.rows.len();
        let mut delta = vec![0.0; size];
        for (p, j) in self.columns.iter().enumerate() {
            let a = Simplex::entry(problem, row, *j as usize);
            if a != 0.0 {
                let line = &self.inverse[p * size..(p + 1) * size];
                delta.iter_mut().zip(line).for_each(|(t, v)| *t += a * v);
            }
        }
        delta
    }

    /// The row or column that is violated most, in units of how far its multiplier has to move (dual steepest edge).
    fn leaving(&self, problem: &Problem<'_>, view: &View<'_>) -> Option<Leaving> {
        let size = self.rows.len();
        let (mut worst, mut leaving) = (0.0, None);
        for (p, j) in self.columns.iter().enumerate() {
            let (x, l, u) = (self.x[*j as usize], self.lower[*j as usize], self.upper[*j as usize]);
            let violation = (l - x).max(x - u);
            if violation > FEASIBLE {
                let line = &self.inverse[p * size..(p + 1) * size];
                let score = violation * violation / dot(line, line).max(1e-12);
                if score > worst {
                    worst = score;
                    leaving = Some(Leaving::Column(p, if x > u { 1.0 } else { -1.0 }));
                }
            }
        }
        let mut rows: Vec<(f64, u32, &Edge, Option<&Arc<Edge>>)> = Vec::new();
        for unit in &problem.live.units {
            let Some(edges) = &view.edges[*unit as usize] else { continue };
            let column = problem.net.units[*unit as usize].column;
            let y = self.x[column as usize];
            let mut most: Option<(f64, &Edge)> = None;
            for edge in edges.iter() {
                let activity =
                    edge.terms.iter().fold(edge.alpha * y, |sum, (e, beta)| sum + beta * self.e[*e as usize]);
                let violation = activity - edge.gamma;
                if violation > FEASIBLE && most.is_none_or(|(most, _)| violation > most) {
                    most = Some((violation, edge));
                }
            }
            if let Some((violation, edge)) = most {
                rows.push((violation, column, edge, None));
            }
        }
        for edge in view.atoms {
            let activity: f64 = edge.terms.iter().map(|(e, beta)| beta * self.e[*e as usize]).sum();
            if activity - edge.gamma > FEASIBLE {
                rows.push((activity - edge.gamma, u32::MAX, edge, Some(edge)));
            }
        }
        // A row's norm costs a product with the inverse: look at the most violated ones only.
        rows.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let mut found: Option<Row> = None;
        for (violation, column, edge, shared) in rows.into_iter().take(LOOKED_AT) {
            if violation * violation <= worst {
                break;
            }
            let row = Row { column, edge: shared.cloned().unwrap_or_else(|| Arc::new(edge.clone())) };
            let delta = self.dual_row(problem, &row);
            let score = violation * violation / (1.0 + dot(&delta, &delta));
            if score > worst {
                worst = score;
                found = Some(row);
            }
        }
        found.map(Leaving::Row).or(leaving)
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
        let count = self.x.len();
        let mut alpha = vec![0.0; count];
        let mut heap: Vec<(f64, Candidate)> = Vec::new();
        let mut troubles = 0;
        for step in 0..limit {
            if self.age >= REFRESH && !self.refresh(problem) {
                self.restart(problem);
            }
            if self.value() < cut {
                return Outcome::Below;
            }
            if (step % 16 == 15 || self.rows.len() > 100) && stop() {
                return Outcome::Stopped;
            }
            let Some(leaving) = self.leaving(problem, view) else {
                if self.age < TRUSTED {
                    return Outcome::Optimal;
                }
                // An optimum counts when a fresh inverse agrees.
                if !self.refresh(problem) {
                    self.restart(problem);
                    troubles += 1;
                    if troubles > 3 {
                        return Outcome::Stopped;
                    }
                }
                if self.leaving(problem, view).is_none() {
                    return Outcome::Optimal;
                }
                continue;
            };
            self.steps += 1;
            let size = self.rows.len();
            // The direction in which the basic rows' multipliers fall.
            let delta: Vec<f64> = match &leaving {
                Leaving::Row(row) => self.dual_row(problem, row),
                Leaving::Column(p, sign) => self.inverse[p * size..(p + 1) * size].iter().map(|v| sign * v).collect(),
            };
            alpha.fill(0.0);
            let factors: Vec<f64> = delta.iter().map(|v| -v).collect();
            self.combine(problem, &factors, &mut alpha);
            let mut slope = match &leaving {
                Leaving::Row(row) => {
                    if row.edge.alpha != 0.0 {
                        alpha[row.column as usize] += row.edge.alpha;
                    }
                    for (e, beta) in &row.edge.terms {
                        problem.expr(*e as usize).add_to(&mut alpha, *beta);
                    }
                    row.edge.gamma - self.activity(row)
                }
                Leaving::Column(p, sign) => {
                    let j = self.columns[*p] as usize;
                    if *sign > 0.0 { self.upper[j] - self.x[j] } else { self.x[j] - self.lower[j] }
                }
            };
            // The kinks ahead.
            heap.clear();
            for (j, (a, side)) in alpha.iter().zip(&self.side).enumerate() {
                if a * side > PIVOT {
                    heap.push(((self.d[j] / a).max(0.0), Candidate::Column(j as u32)));
                }
            }
            for (i, v) in delta.iter().enumerate() {
                if *v > PIVOT {
                    heap.push(((self.w[i] / v).max(0.0), Candidate::Row(i as u32)));
                }
            }
            let mut flips: Vec<u32> = Vec::new();
            let mut entering: Option<(f64, Candidate)> = None;
            let mut last = 0.0;
            let mut live = heap.len();
            build_heap(&mut heap);
            while live > 0 {
                let (t, candidate) = pop_heap(&mut heap, &mut live);
                last = t;
                match candidate {
                    Candidate::Row(_) => {
                        entering = Some((t, candidate));
                        break;
                    }
                    Candidate::Column(j) => {
                        slope += alpha[j as usize].abs() * (self.upper[j as usize] - self.lower[j as usize]);
                        if slope >= 0.0 {
                            entering = Some((t, candidate));
                            break;
                        }
                        flips.push(j);
                    }
                }
            }
            let Some((t, mut candidate)) = entering else {
                // D falls for ever: the relaxation is empty. Far enough along the ray the bound is below the cut.
                let far = last + (self.value() - cut + 1.0).max(1.0) / (-slope).max(1e-9) * 2.0;
                for (w, v) in self.w.iter_mut().zip(&delta) {
                    *w = (*w - far * v).max(0.0);
                }
                if let Leaving::Row(row) = leaving {
                    self.ray = Some((row, far));
                }
                return Outcome::Below;
            };
            // Among kinks at the same place the greatest pivot is the safest.
            let size_of = |candidate: Candidate| match candidate {
                Candidate::Column(j) => alpha[j as usize].abs(),
                Candidate::Row(i) => delta[i as usize].abs(),
            };
            let mut tied = Vec::new();
            while live > 0 && heap[0].0 <= t + 1e-10 && tied.len() < 16 {
                tied.push(pop_heap(&mut heap, &mut live).1);
            }
            for other in tied {
                if size_of(other) > size_of(candidate) * 4.0 {
                    candidate = other;
                }
            }
            if size_of(candidate) < 1e-6 {
                troubles += 1;
                if troubles > 4 {
                    return Outcome::Stopped;
                }
                if self.age > 0 {
                    if !self.refresh(problem) {
                        self.restart(problem);
                    }
                    continue;
                }
            }
            self.pivot(problem, leaving, candidate, t, &delta, &alpha, &flips);
        }
        Outcome::Stopped
    }

    #[allow(clippy::too_many_arguments)]
    fn pivot(
        &mut self,
        problem: &Problem<'_>,
        leaving: Leaving,
        entering: Candidate,
        t: f64,
        delta: &[f64],
        alpha: &[f64],
        flips: &[u32],
    ) {
        self.age += 1;
        let size = self.rows.len();
        for (d, a) in self.d.iter_mut().zip(alpha) {
            *d -= t * a;
        }
        for (w, v) in self.w.iter_mut().zip(delta) {
            *w = (*w - t * v).max(0.0);
        }
        for j in &self.columns {
            self.d[*j as usize] = 0.0;
        }
        let mut moved = Vec::with_capacity(flips.len() + 1);
        let settle = |x: &mut f64, j: u32, target: f64, moved: &mut Vec<(u32, f64)>| {
            if *x != target {
                moved.push((j, target - *x));
                *x = target;
            }
        };
        for j in flips {
            let at = *j as usize;
            self.put(at, if self.place[at] == Place::Upper { Place::Lower } else { Place::Upper });
            let target = if self.place[at] == Place::Upper { self.upper[at] } else { self.lower[at] };
            settle(&mut self.x[at], *j, target, &mut moved);
        }
        if let Leaving::Column(p, sign) = &leaving {
            let j = self.columns[*p];
            let at = j as usize;
            self.put(at, if *sign > 0.0 { Place::Upper } else { Place::Lower });
            self.d[at] = sign * t;
            let target = if *sign > 0.0 { self.upper[at] } else { self.lower[at] };
            settle(&mut self.x[at], j, target, &mut moved);
        }
        if let Candidate::Column(q) = entering {
            self.put(q as usize, Place::Basic);
            self.d[q as usize] = 0.0;
        }
        match (leaving, entering) {
            (Leaving::Row(row), Candidate::Column(q)) => {
                // The kernel grows by a row and a column.
                let k: Vec<f64> = self.rows.iter().map(|r| Simplex::entry(problem, r, q as usize)).collect();
                let schur = alpha[q as usize];
                let grown = size + 1;
                let mut inverse = vec![0.0; grown * grown];
                for p in 0..size {
                    let line = &self.inverse[p * size..(p + 1) * size];
                    let u: f64 = line.iter().zip(&k).map(|(a, b)| a * b).sum::<f64>() / schur;
                    let target = &mut inverse[p * grown..(p + 1) * grown];
                    for i in 0..size {
                        target[i] = line[i] + u * delta[i];
                    }
                    target[size] = -u;
                }
                for i in 0..size {
                    inverse[size * grown + i] = -delta[i] / schur;
                }
                inverse[size * grown + size] = 1.0 / schur;
                self.inverse = inverse;
                self.rows.push(row);
                self.w.push(t);
                self.columns.push(q);
            }
            (Leaving::Row(row), Candidate::Row(i)) => {
                // A row takes another's place.
                let i = i as usize;
                for p in 0..size {
                    let line = &mut self.inverse[p * size..(p + 1) * size];
                    let own = line[i] / delta[i];
                    for (o, v) in line.iter_mut().enumerate() {
                        *v -= if o == i { 0.0 } else { delta[o] * own };
                    }
                    line[i] = own;
                }
                self.rows[i] = row;
                self.w[i] = t;
            }
            (Leaving::Column(p, _), Candidate::Column(q)) => {
                // A column takes another's place.
                let k: Vec<f64> = self.rows.iter().map(|r| Simplex::entry(problem, r, q as usize)).collect();
                let u: Vec<f64> = (0..size)
                    .map(|o| self.inverse[o * size..(o + 1) * size].iter().zip(&k).map(|(a, b)| a * b).sum())
                    .collect();
                let line: Vec<f64> = self.inverse[p * size..(p + 1) * size].iter().map(|v| v / u[p]).collect();
                for (o, u) in u.iter().enumerate() {
                    let target = &mut self.inverse[o * size..(o + 1) * size];
                    if o == p {
                        target.copy_from_slice(&line);
                    } else {
                        target.iter_mut().zip(&line).for_each(|(v, l)| *v -= u * l);
                    }
                }
                self.columns[p] = q;
            }
            (Leaving::Column(p, _), Candidate::Row(i)) => {
                // The kernel shrinks by both.
                let i = i as usize;
                let line: Vec<f64> = self.inverse[p * size..(p + 1) * size].to_vec();
                let shrunk = size - 1;
                let mut inverse = Vec::with_capacity(shrunk * shrunk);
                for o in (0..size).filter(|o| *o != p) {
                    let source = &self.inverse[o * size..(o + 1) * size];
                    let factor = source[i] / line[i];
                    inverse.extend((0..size).filter(|c| *c != i).map(|c| source[c] - factor * line[c]));
                }
                self.inverse = inverse;
                self.rows.remove(i);
                self.w.remove(i);
                self.columns.remove(p);
            }
        }
        self.spread(problem, &moved);
        self.solve_primal(problem);
    }

    /// The multiplier of each expression that has one (an atom's is its weight); the objective's own weight is one.
    pub fn multipliers(&self) -> Vec<(u32, f64)> {
        let mut multipliers: Vec<(u32, f64)> = Vec::with_capacity(self.rows.len());
        let ray = self.ray.as_ref().map(|(row, w)| (row, w));
        for (row, w) in self.rows.iter().zip(&self.w).chain(ray) {
            if *w != 0.0 {
                multipliers.extend(row.edge.terms.iter().map(|(e, beta)| (*e, -w * beta)));
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
        self.x.len() * 48 + self.e.len() * 8 + self.rows.len() * 160 + self.inverse.len() * 8
    }

    /// The columns strictly between their bounds at the primal point, those that can be.
    pub fn basic_columns(&self) -> &[u32] {
        &self.columns
    }
}

/// The inverse by Gauss and Jordan with row pivots; `None` if it is (nearly) singular.
fn invert(matrix: &mut [f64], size: usize) -> Option<Vec<f64>> {
    let mut inverse = vec![0.0; size * size];
    (0..size).for_each(|i| inverse[i * size + i] = 1.0);
    for k in 0..size {
        let pivot =
            (k..size).max_by(|a, b| matrix[a * size + k].abs().total_cmp(&matrix[b * size + k].abs())).unwrap_or(k);
        if matrix[pivot * size + k].abs() < 1e-9 {
            return None;
        }
        if pivot != k {
            for c in 0..size {
                matrix.swap(pivot * size + c, k * size + c);
                inverse.swap(pivot * size + c, k * size + c);
            }
        }
        let scale = 1.0 / matrix[k * size + k];
        for c in 0..size {
            matrix[k * size + c] *= scale;
            inverse[k * size + c] *= scale;
        }
        for r in 0..size {
            let factor = matrix[r * size + k];
            if r != k && factor != 0.0 {
                for c in 0..size {
                    matrix[r * size + c] -= factor * matrix[k * size + c];
                    inverse[r * size + c] -= factor * inverse[k * size + c];
                }
            }
        }
    }
    Some(inverse)
}

fn build_heap(heap: &mut [(f64, Candidate)]) {
    for at in (0..heap.len() / 2).rev() {
        sift(heap, at);
    }
}

/// Takes the least candidate off the first `live` ones.
fn pop_heap(heap: &mut [(f64, Candidate)], live: &mut usize) -> (f64, Candidate) {
    let top = heap[0];
    *live -= 1;
    heap.swap(0, *live);
    sift(&mut heap[..*live], 0);
    top
}

fn sift(heap: &mut [(f64, Candidate)], mut at: usize) {
    loop {
        let mut least = 2 * at + 1;
        if least >= heap.len() {
            return;
        }
        if least + 1 < heap.len() && heap[least + 1].0 < heap[least].0 {
            least += 1;
        }
        if heap[at].0 <= heap[least].0 {
            return;
        }
        heap.swap(at, least);
        at = least;
    }
}
