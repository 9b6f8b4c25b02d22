//! The pivot: duals and reduced costs move, columns flip, and the kernel's inverse is brought up to date.

use super::pricing::Leaving;
use super::ratio_test::{Buffers, Candidate};
use super::{Row, Simplex, VarStatus};
use crate::relaxation::kernels::add_scaled;
use crate::relaxation::{Problem, Ranges};

impl Simplex {
    /// Puts a column at a bound or into the basis.
    fn put(&mut self, j: u32, place: VarStatus, ranges: &Ranges, buffers: &mut Buffers, moved: &mut Vec<(u32, f64)>) {
        let at = j as usize;
        self.status[at] = place;
        buffers.put(at, place);
        let target = self.target(at, ranges);
        if target != self.x[at] {
            moved.push((j, target - self.x[at]));
            self.x[at] = target;
        }
    }

    /// Moves by `t` along the direction `delta` of the basic rows' multipliers, and exchanges what leaves the dual's bounds for what enters them.
    pub(super) fn pivot(
        &mut self,
        problem: &Problem<'_>,
        ranges: &Ranges,
        leaving: Leaving,
        (t, entering): (f64, Candidate),
        delta: &[f64],
        buffers: &mut Buffers,
    ) {
        self.age += 1;
        let moved = self.move_duals(ranges, &leaving, (t, entering), delta, buffers);
        match (leaving, entering) {
            (Leaving::Row(row, _), Candidate::Column(q)) => {
                self.grow(problem, (row, t), q, delta, buffers.alpha[q as usize]);
            }
            (Leaving::Row(row, _), Candidate::Row(i)) => self.replace_row(i as usize, (row, t), delta),
            (Leaving::Column(p, _), Candidate::Column(q)) => self.replace_column(problem, p, q),
            (Leaving::Column(p, _), Candidate::Row(i)) => self.shrink(p, i as usize),
        }
        self.spread(problem, &moved);
        self.solve_primal(problem);
    }

    /// Moves duals and reduced costs, and puts columns where these want them. Returns by how much columns moved.
    fn move_duals(
        &mut self,
        ranges: &Ranges,
        leaving: &Leaving,
        (t, entering): (f64, Candidate),
        delta: &[f64],
        buffers: &mut Buffers,
    ) -> Vec<(u32, f64)> {
        add_scaled(&mut self.reduced_costs, &buffers.alpha, -t);
        for (w, v) in self.duals.iter_mut().zip(delta) {
            *w = (*w - t * v).max(0.0);
        }
        for j in &self.columns {
            self.reduced_costs[*j as usize] = 0.0;
        }
        let mut moved = Vec::with_capacity(buffers.flips.len() + 1);
        let entering_column = match entering {
            Candidate::Column(q) => q,
            Candidate::Row(_) => u32::MAX,
        };
        let flips = std::mem::take(&mut buffers.flips);
        for j in flips.iter().filter(|j| **j != entering_column) {
            let other = if self.status[*j as usize] == VarStatus::Upper { VarStatus::Lower } else { VarStatus::Upper };
            self.put(*j, other, ranges, buffers, &mut moved);
        }
        buffers.flips = flips;
        if let Leaving::Column(p, sign) = leaving {
            let j = self.columns[*p];
            self.put(j, if *sign > 0.0 { VarStatus::Upper } else { VarStatus::Lower }, ranges, buffers, &mut moved);
            self.reduced_costs[j as usize] = sign * t;
        }
        if let Candidate::Column(q) = entering {
            self.put(q, VarStatus::Basic, ranges, buffers, &mut moved);
            self.reduced_costs[q as usize] = 0.0;
        }
        moved
    }

    /// The basic rows' entries of a column.
    fn column_of_kernel(&self, problem: &Problem<'_>, q: u32) -> Vec<f64> {
        self.rows.iter().map(|row| row.entry(problem, q as usize)).collect()
    }

    /// The kernel grows by a row with its dual and a column; `schur` is the pivot.
    fn grow(&mut self, problem: &Problem<'_>, (row, dual): (Row, f64), q: u32, delta: &[f64], schur: f64) {
        let size = self.rows.len();
        let products = self.inverse.times(&self.column_of_kernel(problem, q));
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
        self.duals.push(dual);
        self.columns.push(q);
    }

    /// A row with its dual takes the place of the row `i` in the kernel.
    fn replace_row(&mut self, i: usize, (row, dual): (Row, f64), delta: &[f64]) {
        for p in 0..self.rows.len() {
            let line = self.inverse.row_mut(p);
            let own = line[i] / delta[i];
            if own != 0.0 {
                add_scaled(line, delta, -own);
            }
            line[i] = own;
        }
        self.rows[i] = row;
        self.duals[i] = dual;
    }

    /// The column `q` takes the place of the kernel's column `p`.
    fn replace_column(&mut self, problem: &Problem<'_>, p: usize, q: u32) {
        let u = self.inverse.times(&self.column_of_kernel(problem, q));
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

    /// The kernel loses its column `p` and its row `i`.
    fn shrink(&mut self, p: usize, i: usize) {
        let line: Vec<f64> = self.inverse.row(p).to_vec();
        for o in (0..self.rows.len()).filter(|o| *o != p) {
            let target = self.inverse.row_mut(o);
            let factor = target[i] / line[i];
            if factor != 0.0 {
                add_scaled(target, &line, -factor);
            }
        }
        self.inverse.shrink(p, i);
        self.rows.swap_remove(i);
        self.duals.swap_remove(i);
        self.columns.swap_remove(p);
    }
}
