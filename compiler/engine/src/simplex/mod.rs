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
use super::kernels::{add_scaled, between, dot, gain_until, kinks};
use super::net::{Expr, Mentions, NONE, Net, add_all};
use super::ranges::Ranges;
use std::cell::Cell;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// A row or a column is violated beyond this.
const FEASIBLE: f64 = 1e-6;
/// Smaller pivots are not taken.
const PIVOT: f64 = 1e-7;
/// The rows whose norms are computed when one is chosen.
const LOOKED_AT: usize = 4;
/// How much the perturbation can add to the objective.
const PERTURBATION: f64 = 0.01;
/// The basis is inverted anew after this many steps.
const REFRESH: u32 = 64;
/// A row that lacks less than this needs no correction.
const NOISE: f64 = 1e-11;
/// Sums over one of so many elements take them one by one.
const SPARSE: usize = 8;
/// Of a basis with so many columns it is worth knowing which column is where.
const MANY: usize = 100;
/// An optimum after fewer steps than this since then is one.
const TRUSTED: u32 = 32;

/// What the relaxation is about: the network and the atoms' expressions, counted on after the network's.
pub struct Problem<'a> {
    /// The network.
    pub net: &'a Net,
    /// The atoms.
    pub atoms: Vec<Arc<Expr>>,
    /// Those that constrain (all but the objective), as indices into `atoms`.
    pub constraints: Vec<u32>,
    /// The units that are not constant, by ascending index.
    pub live: Arc<[u32]>,
    /// The columns that are no live unit's, in runs.
    pub free: Vec<Range<usize>>,
    mentions: OnceLock<Mentions>,
}

impl<'a> Problem<'a> {
    /// A problem with the atoms, the last of which is the objective unless all of them constrain, and the units that are not constant.
    pub fn new(net: &'a Net, atoms: Vec<Arc<Expr>>, constraints: Vec<u32>, live: Arc<[u32]>) -> Problem<'a> {
        let ends = live.iter().map(|unit| net.units[*unit as usize].column as usize).chain([net.columns.len()]);
        let begins = [0].into_iter().chain(ends.clone().map(|column| column + 1));
        let free = begins.zip(ends).map(|(begin, end)| begin..end).filter(|run| !run.is_empty()).collect();
        Problem { net, atoms, constraints, live, free, mentions: OnceLock::new() }
    }

    /// An expression of the network or an atom's.
    #[inline]
    pub fn expr(&self, e: usize) -> &Expr {
        let own = self.net.exprs.len();
        if e < own { &self.net.exprs[e] } else { &self.atoms[e - own] }
    }

    /// The index of an atom's expression.
    pub fn atom(&self, k: usize) -> usize {
        self.net.exprs.len() + k
    }

    /// The atoms that mention a column.
    fn mentions(&self) -> &Mentions {
        self.mentions.get_or_init(|| {
            let mut by_column: Vec<Vec<(u32, f64)>> = vec![Vec::new(); self.net.columns.len()];
            for (k, atom) in self.atoms.iter().enumerate() {
                for (first, values) in atom.runs() {
                    for (column, value) in (first..).zip(values).filter(|(_, value)| **value != 0.0) {
                        by_column[column].push((self.atom(k) as u32, *value));
                    }
                }
            }
            Mentions::new(&by_column)
        })
    }
}

/// The units' columns that the problems' atoms depend on.
pub fn relevant(problems: &[&Problem<'_>]) -> Vec<bool> {
    let Some(net) = problems.first().map(|problem| problem.net) else { return Vec::new() };
    let mut relevant = vec![false; net.columns.len()];
    problems.iter().flat_map(|problem| &problem.atoms).for_each(|atom| atom.mark(&mut relevant));
    for unit in net.units.iter().rev() {
        if relevant[unit.column as usize] && !unit.shallow {
            unit.exprs().for_each(|e| net.exprs[e].mark(&mut relevant));
        }
    }
    relevant
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
    edge: Edge,
}

impl Row {
    /// The coefficient of a column.
    #[inline]
    fn entry(&self, problem: &Problem<'_>, column: usize) -> f64 {
        let own = if self.column as usize == column { self.edge.alpha } else { 0.0 };
        self.edge.terms().fold(own, |sum, (e, beta)| sum + beta * problem.expr(e as usize).coefficient(column))
    }
}

/// Where a column is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Lower,
    Upper,
    Basic,
}

/// A square matrix that grows and shrinks in place.
#[derive(Debug, Default)]
struct Square {
    size: usize,
    stride: usize,
    data: Vec<f64>,
}

impl Clone for Square {
    fn clone(&self) -> Square {
        let mut copy = Square::default();
        copy.clone_from(self);
        copy
    }

    /// Without the room to grow, but for a little.
    fn clone_from(&mut self, other: &Square) {
        let stride = if other.size == 0 { 0 } else { other.size + 4 };
        *self = Square { size: other.size, stride, data: vec![0.0; stride * stride] };
        for p in 0..other.size {
            self.data[p * stride..p * stride + other.size].copy_from_slice(other.row(p));
        }
    }
}

impl Square {
    #[inline]
    fn row(&self, p: usize) -> &[f64] {
        &self.data[p * self.stride..p * self.stride + self.size]
    }

    #[inline]
    fn row_mut(&mut self, p: usize) -> &mut [f64] {
        &mut self.data[p * self.stride..p * self.stride + self.size]
    }

    /// The product with a vector.
    fn times(&self, vector: &[f64]) -> Vec<f64> {
        let rows = (0..self.size).map(|p| self.row(p));
        let count = vector.iter().filter(|v| **v != 0.0).count();
        if count * SPARSE < self.size {
            let others: Vec<u32> = (0..).zip(vector).filter(|(_, v)| **v != 0.0).map(|(i, _)| i).collect();
            rows.map(|row| others.iter().fold(0.0, |sum, i| sum + row[*i as usize] * vector[*i as usize])).collect()
        } else {
            rows.map(|row| dot(row, vector)).collect()
        }
    }

    /// One more row and column, of zeros.
    fn grow(&mut self) {
        if self.size == self.stride {
            let stride = self.stride + self.stride / 8 + 16;
            let mut data = vec![0.0; stride * stride];
            for p in 0..self.size {
                data[p * stride..p * stride + self.size].copy_from_slice(self.row(p));
            }
            (self.stride, self.data) = (stride, data);
        }
        self.size += 1;
        let last = self.size - 1;
        for p in 0..last {
            self.row_mut(p)[last] = 0.0;
        }
        self.row_mut(last).fill(0.0);
    }

    /// Without a row and a column; the last ones take their places.
    fn shrink(&mut self, p: usize, i: usize) {
        let last = self.size - 1;
        for o in 0..self.size {
            let row = self.row_mut(o);
            row[i] = row[last];
        }
        if p != last {
            let (before, after) = self.data.split_at_mut(last * self.stride);
            before[p * self.stride..p * self.stride + last].copy_from_slice(&after[..last]);
        }
        self.size = last;
    }

    /// Inverts it in place by Gauss and Jordan with row pivots; `None` if it is (nearly) singular.
    fn inverse(mut self) -> Option<Square> {
        let (size, stride) = (self.size, self.stride);
        let mut pivots = Vec::with_capacity(size);
        for k in 0..size {
            let at = |r: &usize| self.data[r * stride + k].abs();
            let pivot = (k..size).max_by(|a, b| at(a).total_cmp(&at(b))).unwrap_or(k);
            if at(&pivot) < 1e-9 {
                return None;
            }
            if pivot != k {
                let (upper, lower) = self.data.split_at_mut(pivot * stride);
                upper[k * stride..k * stride + size].swap_with_slice(&mut lower[..size]);
            }
            pivots.push(pivot);
            let (upper, rest) = self.data.split_at_mut(k * stride);
            let (own, lower) = rest.split_at_mut(stride);
            let own = &mut own[..size];
            let scale = 1.0 / own[k];
            own[k] = 1.0;
            own.iter_mut().for_each(|v| *v *= scale);
            for row in upper.chunks_exact_mut(stride).chain(lower.chunks_exact_mut(stride)) {
                let factor = std::mem::take(&mut row[k]);
                if factor != 0.0 {
                    add_scaled(&mut row[..size], own, -factor);
                }
            }
        }
        // What were rows of the matrix are columns of the inverse.
        for (k, pivot) in pivots.into_iter().enumerate().rev().filter(|(k, pivot)| k != pivot) {
            (0..size).for_each(|p| self.row_mut(p).swap(k, pivot));
        }
        Some(self)
    }
}

/// A state of the solver.
#[derive(Clone)]
pub struct Simplex {
    objective: Arc<[f64]>,
    /// Of the perturbation, so that it never lowers the objective.
    constant: f64,
    /// The primal point.
    pub x: Vec<f64>,
    place: Vec<Place>,
    /// Reduced costs.
    d: Vec<f64>,
    /// The expressions' values at `x`.
    pub e: Vec<f64>,
    rows: Vec<Row>,
    /// Their multipliers.
    w: Vec<f64>,
    columns: Vec<u32>,
    /// The kernel's inverse: a row for each of `columns`, a column for each of `rows`.
    inverse: Square,
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
    /// The units that are looked at, by ascending index.
    pub units: &'a [u32],
    /// By unit.
    pub edges: &'a [Option<Arc<[Edge]>>],
    /// One for each of the problem's constraints.
    pub atoms: &'a [Arc<Edge>],
}

/// What enters the basis of the dual: a row with the direction in which the basic rows' multipliers fall, or a column that is beyond a bound.
enum Leaving {
    Row(Row, Vec<f64>),
    Column(usize, f64),
}

#[derive(Clone, Copy)]
enum Candidate {
    Column(u32),
    Row(u32),
}

thread_local! {
    /// From one run to the next: memory that is given back and asked for again is slow.
    static BUFFERS: Cell<Buffers> = Cell::default();
}

/// What a run needs again and again.
#[derive(Default)]
struct Buffers {
    width: Vec<f64>,
    /// 1 at the upper bound, -1 at the lower, 0 where there is no other bound to go to: basic or fixed.
    side: Vec<f64>,
    alpha: Vec<f64>,
    ratio: Vec<f64>,
    gain: Vec<f64>,
    near: Vec<(f64, u32)>,
    ahead: Vec<u32>,
    flips: Vec<u32>,
    exprs: Vec<(u32, f64)>,
    violated: Vec<(f64, u32, u32, u32)>,
    /// The end of the last way.
    last: f64,
}

impl Buffers {
    /// Where a column is.
    #[inline]
    fn put(&mut self, j: usize, place: Place) {
        // Without branches, for nobody can tell where columns are.
        const SIDES: [f64; 3] = [-1.0, 1.0, 0.0];
        self.side[j] = if self.width[j] > 0.0 { SIDES[place as usize] } else { 0.0 };
    }

    /// Where all columns are.
    fn put_all(&mut self, places: &[Place]) {
        places.iter().enumerate().for_each(|(j, place)| self.put(j, *place));
    }
}

/// Where the way along a direction ends.
enum End {
    /// At a kink, where the candidate takes over.
    At(f64, Candidate),
    /// Nowhere: beyond the last kink the bound falls for ever, with this slope.
    Never(f64, f64),
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
            x: vec![0.0; count],
            place: vec![Place::Lower; count],
            d: vec![0.0; count],
            e: vec![0.0; problem.net.exprs.len() + problem.atoms.len()],
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
            place: Vec::new(),
            d: Vec::new(),
            e: Vec::new(),
            rows: Vec::new(),
            w: Vec::new(),
            columns: Vec::new(),
            inverse: Square::default(),
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

    /// Forgets the basis.
    fn restart(&mut self, problem: &Problem<'_>, ranges: &Ranges) {
        self.rows.clear();
        self.w.clear();
        self.columns.clear();
        self.inverse = Square::default();
        self.d.copy_from_slice(&self.objective);
        for j in 0..self.x.len() {
            self.place[j] = if self.d[j] > 0.0 { Place::Upper } else { Place::Lower };
            self.x[j] = self.target(j, ranges);
        }
        self.refresh_values(problem);
        self.age = 0;
    }

    /// Where a column that is at a bound is.
    #[inline]
    fn target(&self, j: usize, ranges: &Ranges) -> f64 {
        let bound = if self.place[j] == Place::Upper { ranges.upper[j] } else { ranges.lower[j] };
        if self.place[j] == Place::Basic { self.x[j] } else { bound }
    }

    fn refresh_values(&mut self, problem: &Problem<'_>) {
        for unit in problem.live.iter() {
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
        let bounds = ranges.lower.iter().zip(&ranges.upper);
        for (j, ((place, x), (lower, upper))) in self.place.iter().zip(&mut self.x).zip(bounds).enumerate() {
            let target = if *place == Place::Upper { *upper } else { *lower };
            if (target != *x) & (*place != Place::Basic) {
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
        problem.net.mentions.spread(moved, &mut self.e);
        if !problem.atoms.is_empty() {
            problem.mentions().spread(moved, &mut self.e);
        }
    }

    fn activity(&self, row: &Row) -> f64 {
        let own = if row.edge.alpha != 0.0 { row.edge.alpha * self.x[row.column as usize] } else { 0.0 };
        own + row.edge.activity(&self.e)
    }

    /// Sets the basic columns so that the basic rows hold with equality.
    fn solve_primal(&mut self, problem: &Problem<'_>) {
        let size = self.rows.len();
        if size == 0 {
            return;
        }
        let lacks =
            |row: &Row| Some(row.edge.gamma - self.activity(row)).filter(|lack| lack.abs() > NOISE).unwrap_or(0.0);
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
        let mut kernel = Square { size, stride: size, data: vec![0.0; size * size] };
        let places = self.places_in_basis();
        for (i, row) in self.rows.iter().enumerate() {
            self.entries(problem, row.column, &row.edge, &places, kernel.row_mut(i));
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
        self.w = w;
        let mut d = self.objective.to_vec();
        let factors: Vec<f64> = self.w.iter().map(|w| -w).collect();
        self.combine(problem, &factors, &mut Vec::new(), &mut d);
        self.d = d;
        for j in 0..self.x.len() {
            match self.place[j] {
                Place::Basic => self.d[j] = 0.0,
                _ => self.place[j] = if self.d[j] > 0.0 { Place::Upper } else { Place::Lower },
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
        buffers.put_all(&self.place);
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
            if row.edge.alpha != 0.0 {
                target[row.column as usize] += factor * row.edge.alpha;
            }
            exprs.extend(row.edge.terms().map(|(e, beta)| (e, factor * beta)));
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

    /// The place in the basis of each column, [`NONE`] for those that are not basic; nothing while the basis is small, for then it is faster to ask
    /// for its columns' coefficients.
    fn places_in_basis(&self) -> Vec<u32> {
        if self.columns.len() < MANY {
            return Vec::new();
        }
        let mut places = vec![NONE; self.x.len()];
        (0..).zip(&self.columns).for_each(|(p, j)| places[*j as usize] = p);
        places
    }

    /// The basic columns' coefficients in a row.
    fn entries(&self, problem: &Problem<'_>, column: u32, edge: &Edge, places: &[u32], entries: &mut [f64]) {
        for (entry, j) in entries.iter_mut().zip(&self.columns) {
            *entry = if *j == column { edge.alpha } else { 0.0 };
        }
        for (e, beta) in edge.terms() {
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

    /// How the basic rows' multipliers fall when a row's grows.
    fn dual_row(&self, problem: &Problem<'_>, column: u32, edge: &Edge, places: &[u32]) -> Vec<f64> {
        let (mut entries, mut delta) = (vec![0.0; self.columns.len()], vec![0.0; self.rows.len()]);
        self.entries(problem, column, edge, places, &mut entries);
        for (p, entry) in entries.iter().enumerate().filter(|(_, entry)| **entry != 0.0) {
            add_scaled(&mut delta, self.inverse.row(p), *entry);
        }
        delta
    }

    /// The row or column that is violated most, in units of how far its multiplier has to move (dual steepest edge).
    fn leaving(&self, problem: &Problem<'_>, view: &View<'_>, buffers: &mut Buffers) -> Option<Leaving> {
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
        // (violation, column, unit or atom, edge).
        let violated = &mut buffers.violated;
        violated.clear();
        for unit in view.units {
            let Some(edges) = &view.edges[*unit as usize] else { continue };
            let column = problem.net.units[*unit as usize].column;
            let y = self.x[column as usize];
            let mut most = (FEASIBLE, None);
            for (k, edge) in edges.iter().enumerate() {
                let violation = edge.alpha * y + edge.activity(&self.e) - edge.gamma;
                if violation > most.0 {
                    most = (violation, Some(k as u32));
                }
            }
            if let (violation, Some(k)) = most {
                violated.push((violation, column, *unit, k));
            }
        }
        for (k, edge) in view.atoms.iter().enumerate() {
            let violation = edge.activity(&self.e) - edge.gamma;
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
        let mut found: Option<(u32, &Edge, Vec<f64>)> = None;
        for (violation, column, at, k) in violated.iter().take(LOOKED_AT) {
            if violation * violation <= worst {
                break;
            }
            let edge: &Edge = match &view.edges.get(*at as usize) {
                _ if *column == u32::MAX => &view.atoms[*at as usize],
                Some(Some(edges)) => &edges[*k as usize],
                _ => continue,
            };
            let delta = self.dual_row(problem, *column, edge, &places);
            let score = violation * violation / (1.0 + dot(&delta, &delta));
            if score > worst {
                worst = score;
                found = Some((*column, edge, delta));
            }
        }
        match found {
            Some((column, edge, delta)) => Some(Leaving::Row(Row { column, edge: edge.clone() }, delta)),
            None => leaving,
        }
    }

    /// Where the way along a direction ends: passes kinks while it pays off. The columns passed are `flips`.
    fn walk(&self, delta: &[f64], mut slope: f64, buffers: &mut Buffers) -> End {
        let Buffers { width, side, alpha, ratio, gain, near, ahead, flips, last, .. } = buffers;
        flips.clear();
        near.clear();
        ahead.clear();
        let mut row = (f64::INFINITY, 0);
        for (i, v) in delta.iter().enumerate() {
            if *v > PIVOT {
                let t = (self.w[i] / v).max(0.0);
                if t < row.0 {
                    row = (t, i as u32);
                }
            }
        }
        kinks(alpha, side, &self.d, width, PIVOT, ratio, gain);
        // No kink is before the beginning.
        let flip_until = |end: f64, flips: &mut Vec<u32>| between(ratio, -1.0, end, flips);
        let total = gain_until(ratio, gain, row.0.min(f64::MAX));
        let (t, mut candidate) = if slope + total < 0.0 {
            if row.0.is_infinite() {
                let last = ratio.iter().copied().filter(|t| t.is_finite()).fold(0.0, f64::max);
                return End::Never(last, slope + total);
            }
            flip_until(row.0, flips);
            (row.0, Candidate::Row(row.1))
        } else {
            // An end, and a place before it: ends are about as far as the last one was.
            let (mut low, mut passed, mut high) = (-1.0, 0.0, 0.0);
            let mut gained = gain_until(ratio, gain, 0.0);
            let mut middle = 2.0 * *last;
            while slope + gained < 0.0 {
                (low, passed) = (high, gained);
                high = if middle < row.0 { middle } else { row.0.min(f64::MAX) };
                gained = if high == row.0 || high == f64::MAX { f64::INFINITY } else { gain_until(ratio, gain, high) };
                middle *= 8.0;
            }
            slope += passed;
            let until = high + 1e-10;
            between(ratio, low, until, ahead);
            near.extend(ahead.iter().map(|j| (ratio[*j as usize], *j)));
            if low >= 0.0 {
                flip_until(low, flips);
            }
            // Halve what is between until few kinks are left; those passed are flips.
            let order = |a: &(f64, u32), b: &(f64, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
            while near.len() > 24 {
                let middle = near.len() / 2;
                near.select_nth_unstable_by(middle, order);
                let half: f64 = near[..middle].iter().map(|(_, j)| gain[*j as usize]).sum();
                if slope + half >= 0.0 {
                    // Those of the same place as the end are wanted too.
                    let end = near[..middle].iter().map(|(t, _)| *t).fold(0.0, f64::max) + 1e-10;
                    let mut kept = middle;
                    for at in middle..near.len() {
                        if near[at].0 <= end && kept < middle + 8 {
                            near.swap(kept, at);
                            kept += 1;
                        }
                    }
                    near.truncate(kept);
                    if kept > middle {
                        break;
                    }
                } else {
                    slope += half;
                    flips.extend(near[..middle].iter().map(|(_, j)| *j));
                    near.drain(..middle);
                }
            }
            near.sort_unstable_by(order);
            let mut entering = None;
            let mut rest = 0;
            for (at, (t, j)) in near.iter().enumerate() {
                slope += gain[*j as usize];
                if slope >= 0.0 {
                    entering = Some((*t, Candidate::Column(*j)));
                    rest = at + 1;
                    break;
                }
                flips.push(*j);
            }
            near.drain(..rest);
            match entering {
                Some(found) => found,
                // Sums in another order can differ by a little.
                None if row.0.is_finite() => (row.0, Candidate::Row(row.1)),
                None => match flips.pop() {
                    Some(j) => (ratio[j as usize], Candidate::Column(j)),
                    None => return End::Never(0.0, slope),
                },
            }
        };
        // Among kinks at the same place the greatest pivot is the safest.
        let size_of = |candidate: Candidate| match candidate {
            Candidate::Column(j) => alpha[j as usize].abs(),
            Candidate::Row(i) => delta[i as usize].abs(),
        };
        if matches!(candidate, Candidate::Row(_)) {
            near.clear();
            ahead.clear();
            between(ratio, t, t + 1e-10, ahead);
            near.extend(ahead.iter().map(|j| (ratio[*j as usize], *j)));
        }
        let columns = near.iter().take_while(|(at, _)| *at <= t + 1e-10).map(|(_, j)| Candidate::Column(*j));
        let tied_rows = delta.iter().enumerate().filter(|(i, v)| **v > PIVOT && self.w[*i] / **v <= t + 1e-10);
        let tied = columns.take(16).chain(tied_rows.map(|(i, _)| Candidate::Row(i as u32)));
        for other in tied {
            if size_of(other) > size_of(candidate) * 4.0 {
                candidate = other;
            }
        }
        End::At(t, candidate)
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
        buffers.put_all(&self.place);
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
            let Some(leaving) = self.leaving(problem, view, buffers) else {
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
                if self.leaving(problem, view, buffers).is_none() {
                    return Outcome::Optimal;
                }
                continue;
            };
            self.steps += 1;
            let sign_delta: Vec<f64>;
            // The direction in which the basic rows' multipliers fall.
            let delta: &[f64] = match &leaving {
                Leaving::Row(_, delta) => delta,
                Leaving::Column(p, sign) => {
                    sign_delta = self.inverse.row(*p).iter().map(|v| sign * v).collect();
                    &sign_delta
                }
            };
            buffers.alpha.fill(0.0);
            let factors: Vec<f64> = delta.iter().map(|v| -v).collect();
            self.combine(problem, &factors, &mut buffers.exprs, &mut buffers.alpha);
            let slope = match &leaving {
                Leaving::Row(row, _) => {
                    if row.edge.alpha != 0.0 {
                        buffers.alpha[row.column as usize] += row.edge.alpha;
                    }
                    for (e, beta) in row.edge.terms() {
                        problem.expr(e as usize).add_to(&mut buffers.alpha, beta);
                    }
                    row.edge.gamma - self.activity(row)
                }
                Leaving::Column(p, sign) => {
                    let j = self.columns[*p] as usize;
                    if *sign > 0.0 { ranges.upper[j] - self.x[j] } else { self.x[j] - ranges.lower[j] }
                }
            };
            let (t, candidate) = match self.walk(delta, slope, buffers) {
                End::At(t, candidate) => {
                    if t > 0.0 {
                        buffers.last = t;
                    }
                    (t, candidate)
                }
                End::Never(last, slope) => {
                    // D falls for ever: the relaxation is empty. Far enough along the ray the bound is below the cut.
                    let far = last + (self.value() - cut + 1.0).max(1.0) / (-slope).max(1e-9) * 2.0;
                    for (w, v) in self.w.iter_mut().zip(delta) {
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
            let delta = delta.to_vec();
            self.pivot(problem, ranges, leaving, (t, candidate), &delta, buffers);
        }
        Outcome::Stopped
    }

    /// Puts a column at a bound or into the basis.
    fn put(&mut self, j: u32, place: Place, ranges: &Ranges, buffers: &mut Buffers, moved: &mut Vec<(u32, f64)>) {
        let at = j as usize;
        self.place[at] = place;
        buffers.put(at, place);
        let target = self.target(at, ranges);
        if target != self.x[at] {
            moved.push((j, target - self.x[at]));
            self.x[at] = target;
        }
    }

    fn pivot(
        &mut self,
        problem: &Problem<'_>,
        ranges: &Ranges,
        leaving: Leaving,
        (t, entering): (f64, Candidate),
        delta: &[f64],
        buffers: &mut Buffers,
    ) {
        self.age += 1;
        let size = self.rows.len();
        add_scaled(&mut self.d, &buffers.alpha, -t);
        for (w, v) in self.w.iter_mut().zip(delta) {
            *w = (*w - t * v).max(0.0);
        }
        for j in &self.columns {
            self.d[*j as usize] = 0.0;
        }
        let mut moved = Vec::with_capacity(buffers.flips.len() + 1);
        let entering_column = match entering {
            Candidate::Column(q) => q,
            Candidate::Row(_) => u32::MAX,
        };
        let flips = std::mem::take(&mut buffers.flips);
        for j in flips.iter().filter(|j| **j != entering_column) {
            let other = if self.place[*j as usize] == Place::Upper { Place::Lower } else { Place::Upper };
            self.put(*j, other, ranges, buffers, &mut moved);
        }
        buffers.flips = flips;
        if let Leaving::Column(p, sign) = &leaving {
            let j = self.columns[*p];
            self.put(j, if *sign > 0.0 { Place::Upper } else { Place::Lower }, ranges, buffers, &mut moved);
            self.d[j as usize] = sign * t;
        }
        if let Candidate::Column(q) = entering {
            self.put(q, Place::Basic, ranges, buffers, &mut moved);
            self.d[q as usize] = 0.0;
        }
        let alpha = &buffers.alpha;
        let entries =
            |rows: &[Row], q: u32| -> Vec<f64> { rows.iter().map(|r| r.entry(problem, q as usize)).collect() };
        match (leaving, entering) {
            (Leaving::Row(row, _), Candidate::Column(q)) => {
                // The kernel grows by a row and a column.
                let k = entries(&self.rows, q);
                let (schur, products) = (alpha[q as usize], self.inverse.times(&k));
                self.inverse.grow();
                for (p, product) in products.iter().enumerate() {
                    let (line, u) = (self.inverse.row_mut(p), product / schur);
                    if u != 0.0 {
                        add_scaled(&mut line[..size], delta, u);
                    }
                    line[size] = -u;
                }
                let line = self.inverse.row_mut(size);
                line.iter_mut().zip(delta).for_each(|(v, d)| *v = -d / schur);
                line[size] = 1.0 / schur;
                self.rows.push(row);
                self.w.push(t);
                self.columns.push(q);
            }
            (Leaving::Row(row, _), Candidate::Row(i)) => {
                // A row takes another's place.
                let i = i as usize;
                for p in 0..size {
                    let line = self.inverse.row_mut(p);
                    let own = line[i] / delta[i];
                    if own != 0.0 {
                        add_scaled(line, delta, -own);
                    }
                    line[i] = own;
                }
                self.rows[i] = row;
                self.w[i] = t;
            }
            (Leaving::Column(p, _), Candidate::Column(q)) => {
                // A column takes another's place.
                let k = entries(&self.rows, q);
                let u = self.inverse.times(&k);
                let line: Vec<f64> = self.inverse.row(p).iter().map(|v| v / u[p]).collect();
                for (o, u) in u.iter().enumerate() {
                    let target = self.inverse.row_mut(o);
                    if o == p {
                        target.copy_from_slice(&line);
                    } else if *u != 0.0 {
                        add_scaled(target, &line, -u);
                    }
                }
                self.columns[p] = q;
            }
            (Leaving::Column(p, _), Candidate::Row(i)) => {
                // The kernel shrinks by both.
                let i = i as usize;
                let line: Vec<f64> = self.inverse.row(p).to_vec();
                for o in (0..size).filter(|o| *o != p) {
                    let target = self.inverse.row_mut(o);
                    let factor = target[i] / line[i];
                    if factor != 0.0 {
                        add_scaled(target, &line, -factor);
                    }
                }
                self.inverse.shrink(p, i);
                self.rows.swap_remove(i);
                self.w.swap_remove(i);
                self.columns.swap_remove(p);
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
                multipliers.extend(row.edge.terms().map(|(e, beta)| (e, -w * beta)));
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
        self.x.len() * 17 + self.e.len() * 8 + self.rows.len() * 96 + self.inverse.data.len() * 8
    }

    /// The columns strictly between their bounds at the primal point, those that can be.
    pub fn basic_columns(&self) -> &[u32] {
        &self.columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverses_are_inverses() {
        // A permutation with a little more in it needs every pivot that it gets.
        for size in 1..12 {
            let mut square = Square { size, stride: size, data: vec![0.0; size * size] };
            for p in 0..size {
                for i in 0..size {
                    let entry = if i == (5 * p + 3) % size { 4.0 } else { ((p * 7 + i * 3) % 5) as f64 / 16.0 };
                    square.row_mut(p)[i] = entry;
                }
            }
            let Some(inverse) = square.clone().inverse() else {
                // Five shares a factor with the size: two rows are nearly alike.
                assert!(size % 5 == 0, "{size}");
                continue;
            };
            for p in 0..size {
                for i in 0..size {
                    let product: f64 = (0..size).map(|k| inverse.row(p)[k] * square.row(k)[i]).sum();
                    assert!((product - f64::from(u8::from(p == i))).abs() < 1e-9, "{size}: {p}, {i}");
                }
            }
        }
        let singular = Square { size: 2, stride: 2, data: vec![1.0, 2.0, 2.0, 4.0] };
        assert!(singular.inverse().is_none());
    }
}
