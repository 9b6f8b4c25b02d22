//! Points of thin cells.
//!
//! In: a [`Cell`] and its [`Middle`]. Out: integers near the middle, which may be points of it. Steps of single inputs are
//! far coarser than narrow windows, and many windows at once are met by very few of many points. In units of how far inputs and
//! sums stray, a point of the cell is a vector of a lattice close to the middle: a basis is reduced after Lenstra, Lenstra and Lovász
//! (1982), then Babai's nearest plane (1986) finds such vectors from middles that are rounded by chance.

use super::cell::{Cell, Middle};
use crate::relaxation::kernels::{add_scaled, dot};

/// Points that are worth trying for one reduced basis.
pub const TRIES: usize = 400;
/// The most inputs that the lattice decides; the others are rounded.
const WIDEST: usize = 160;
/// The lattice decides this many inputs for each natural unit of entropy that the windows leave.
const INPUTS: f64 = 3.0;
/// An input whose deviation is less than this keeps its most probable value.
const STIFF: f64 = 0.02;
/// The reduction takes fewer swaps than this, unless the floats are inaccurate.
const TURNS: u64 = 1 << 18;
/// How much shorter a vector must be for a place further ahead (Lovász's condition).
const SHORTER: f64 = 0.98;

/// A reduced basis of what inputs do to the sums, all in units of how far they stray.
pub struct Lattice<'a> {
    cell: &'a Cell,
    middle: &'a Middle,
    /// The inputs that it decides …
    chosen: Vec<usize>,
    /// … and the others.
    others: Vec<usize>,
    /// The basis: the rows' sums, then the inputs.
    basis: Vec<f64>,
    /// The basis with each vector orthogonal to those before …
    orthogonal: Vec<f64>,
    /// … and their squared lengths.
    lengths: Vec<f64>,
}

impl<'a> Lattice<'a> {
    /// The lattice of a cell; `None` where its inputs have no freedom, or when it is time to stop. Adds to `work` what it took, in sums.
    pub fn new(cell: &'a Cell, middle: &'a Middle, work: &mut u64, stop: &dyn Fn() -> bool) -> Option<Lattice<'a>> {
        let mut lattice = Lattice::begin(cell, middle)?;
        lattice.reduce(work, stop).then_some(lattice)
    }

    /// The basis of single inputs.
    fn begin(cell: &'a Cell, middle: &'a Middle) -> Option<Lattice<'a>> {
        let (rows, count) = (cell.windows(), cell.boxes.len());
        // How much smaller the windows are than the inputs make their sums stray.
        let left = (0..rows).map(|i| {
            let spread: f64 = cell.row(i).iter().zip(&middle.inputs).map(|(w, (_, variance))| w * w * variance).sum();
            0.5 * (1.0 + spread / middle.sums[i].1).ln()
        });
        let wanted = ((left.sum::<f64>() * INPUTS) as usize).clamp(16, WIDEST);
        let variance = |p: &usize| middle.inputs[*p].1;
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by(|a, b| variance(b).total_cmp(&variance(a)));
        let size = order.iter().take(wanted).take_while(|p| variance(p) > STIFF).count();
        let others = order.split_off(size);
        let wide = rows + size;
        let mut basis = vec![0.0; size * wide];
        for (k, p) in order.iter().enumerate() {
            let vector = &mut basis[k * wide..(k + 1) * wide];
            for (i, sum) in middle.sums.iter().enumerate() {
                vector[i] = cell.row(i)[*p] / sum.1.sqrt();
            }
            vector[rows + k] = 1.0 / variance(p).sqrt();
        }
        let (orthogonal, lengths) = (vec![0.0; size * wide], vec![0.0; size]);
        (size > 1).then_some(Lattice { cell, middle, chosen: order, others, basis, orthogonal, lengths })
    }

    fn wide(&self) -> usize {
        self.middle.sums.len() + self.chosen.len()
    }

    /// Reduces the basis; `false` when it is time to stop, or the floats are inaccurate.
    fn reduce(&mut self, work: &mut u64, stop: &dyn Fn() -> bool) -> bool {
        let (size, wide) = (self.chosen.len(), self.wide());
        // How much of an earlier orthogonal vector is in a later vector of the basis.
        let mut shares = vec![0.0; size * size];
        self.orthogonalize(&mut shares);
        let (mut k, mut turns) = (1, 0u64);
        while k < size {
            turns += 1;
            if turns > TURNS || turns.is_multiple_of(256) && stop() {
                return false;
            }
            self.shorten(&mut shares, k, k - 1);
            let share = shares[k * size + k - 1];
            let lengths = &mut self.lengths;
            if lengths[k] >= (SHORTER - share * share) * lengths[k - 1] {
                (0..k - 1).rev().for_each(|j| self.shorten(&mut shares, k, j));
                *work += (8 * k) as u64;
                k += 1;
                continue;
            }
            // The two are swapped, with their coefficients and those of the vectors after them.
            let length = lengths[k] + share * share * lengths[k - 1];
            let back = share * lengths[k - 1] / length;
            if !back.is_finite() {
                return false;
            }
            (lengths[k - 1], lengths[k]) = (length, lengths[k - 1] * lengths[k] / length);
            let (before, after) = self.basis.split_at_mut(k * wide);
            before[(k - 1) * wide..].swap_with_slice(&mut after[..wide]);
            let (before, after) = shares.split_at_mut(k * size);
            before[(k - 1) * size..][..k - 1].swap_with_slice(&mut after[..k - 1]);
            after[k - 1] = back;
            for later in after[size..].chunks_exact_mut(size) {
                let (a, b) = (later[k - 1], later[k]);
                later[k] = a - share * b;
                later[k - 1] = b + back * later[k];
            }
            *work += (2 * size + wide) as u64;
            k = (k - 1).max(1);
        }
        self.orthogonalize(&mut shares);
        *work += (2 * size * size * wide) as u64;
        self.lengths.iter().all(|length| *length > 0.0)
    }

    /// Takes a vector out of a later one as often as it is in it.
    fn shorten(&mut self, shares: &mut [f64], k: usize, j: usize) {
        let (size, wide) = (self.chosen.len(), self.wide());
        let times = shares[k * size + j].round();
        if times != 0.0 {
            let (before, after) = self.basis.split_at_mut(k * wide);
            add_scaled(&mut after[..wide], &before[j * wide..(j + 1) * wide], -times);
            let (before, after) = shares.split_at_mut(k * size);
            add_scaled(&mut after[..j], &before[j * size..j * size + j], -times);
            after[j] -= times;
        }
    }

    /// The orthogonal vectors, their lengths and the shares, after Gram and Schmidt.
    fn orthogonalize(&mut self, shares: &mut [f64]) {
        let (size, wide) = (self.chosen.len(), self.wide());
        self.orthogonal.clone_from(&self.basis);
        for k in 0..size {
            let (before, after) = self.orthogonal.split_at_mut(k * wide);
            let own = &mut after[..wide];
            for (j, other) in before.chunks_exact(wide).enumerate() {
                let share = dot(own, other) / self.lengths[j];
                shares[k * size + j] = share;
                add_scaled(own, other, -share);
            }
            self.lengths[k] = dot(own, own);
        }
    }

    /// Integers near the middle: the inputs outside of the lattice rounded by chance, those in it what is nearest then. Adds to `work` what it
    /// took, in sums.
    pub fn near(&self, chance: &mut dyn FnMut() -> f64, work: &mut u64) -> Vec<f64> {
        let (wide, rows) = (self.wide(), self.middle.sums.len());
        let mut point: Vec<f64> = self.middle.inputs.iter().map(|(mean, _)| *mean).collect();
        for p in &self.others {
            let (lo, hi) = self.cell.boxes[*p];
            point[*p] = (point[*p] + chance()).floor().clamp(lo, hi);
        }
        let inside = self.chosen.iter().map(|p| std::mem::take(&mut point[*p])).collect::<Vec<f64>>();
        let missing = self.middle.sums.iter().enumerate().map(|(i, (mean, variance))| {
            let sum = dot(self.cell.row(i), &point);
            (mean - sum) / variance.sqrt()
        });
        let spread = |p: &usize| self.middle.inputs[*p].1.sqrt();
        let placed = self.chosen.iter().zip(&inside).map(|(p, mean)| mean / spread(p));
        let target: Vec<f64> = missing.chain(placed).collect();
        let mut rest = target.clone();
        for k in (0..self.chosen.len()).rev() {
            let own = k * wide..(k + 1) * wide;
            let times = (dot(&rest, &self.orthogonal[own.clone()]) / self.lengths[k]).round();
            if times != 0.0 {
                add_scaled(&mut rest, &self.basis[own], -times);
            }
        }
        for (k, p) in self.chosen.iter().enumerate() {
            point[*p] = ((target[rows + k] - rest[rows + k]) * spread(p)).round();
        }
        *work += (2 * self.chosen.len() * wide + 2 * rows * point.len()) as u64;
        point
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qnn_ir::Random;

    /// A cell around a planted point, with windows of five integers each.
    fn planted(inputs: usize, most: f64, windows: usize, seed: u64) -> Cell {
        let mut random = Random::new(seed);
        let mut chance = || random.unit();
        let point: Vec<f64> = (0..inputs).map(|_| (chance() * (most + 1.0)).floor()).collect();
        let mut cell = Cell::new(vec![(0.0, most); inputs]);
        for _ in 0..windows {
            let row: Vec<f64> = (0..inputs).map(|_| (chance() * 63.0).floor() - 31.0).collect();
            let sum = dot(&row, &point);
            cell.constrain(row.into_iter(), (sum - 2.0, sum + 2.0)).unwrap();
        }
        cell
    }

    #[test]
    fn points_are_found_that_chance_does_not_find() {
        for seed in 1..=20 {
            let cell = planted(80, 8.0, 8, seed);
            let mut random = Random::new(seed + 100);
            let mut chance = || random.unit();
            let middle = cell.middle(&mut 0, &|| false).unwrap();
            let mut rounded = || middle.inputs.iter().map(|(mean, _)| (mean + chance()).floor()).collect::<Vec<f64>>();
            assert!((0..TRIES).all(|_| !cell.holds(&rounded())), "{seed}: too easy");
            let lattice = Lattice::new(&cell, &middle, &mut 0, &|| false).unwrap();
            let found = (0..TRIES).filter(|_| cell.holds(&lattice.near(&mut chance, &mut 0))).count();
            assert!(found > 0, "{seed}");
        }
    }

    #[test]
    fn a_reduced_basis_is_one_of_the_same_lattice() {
        for seed in 1..=10 {
            let cell = planted(60, 3.0, 8, seed);
            let middle = cell.middle(&mut 0, &|| false).unwrap();
            let lattice = Lattice::new(&cell, &middle, &mut 0, &|| false).unwrap();
            let (size, wide) = (lattice.chosen.len(), lattice.wide());
            // Each vector is what whole numbers of its inputs make of the sums.
            for vector in lattice.basis.chunks_exact(wide) {
                let (sums, inputs) = vector.split_at(cell.windows());
                let steps: Vec<f64> =
                    (inputs.iter().zip(&lattice.chosen)).map(|(own, p)| own * middle.inputs[*p].1.sqrt()).collect();
                assert!(steps.iter().all(|step| (step - step.round()).abs() < 1e-6), "{seed}: {steps:?}");
                for (i, sum) in sums.iter().enumerate() {
                    let own: f64 = steps.iter().zip(&lattice.chosen).map(|(s, p)| s.round() * cell.row(i)[*p]).sum();
                    assert!((own / middle.sums[i].1.sqrt() - sum).abs() < 1e-6, "{seed}");
                }
            }
            // The volume has not changed, and the lengths are in Lovász's order.
            let mut first = Lattice::begin(&cell, &middle).unwrap();
            first.orthogonalize(&mut vec![0.0; size * size]);
            let volume = |lattice: &Lattice<'_>| lattice.lengths.iter().map(|length| length.ln()).sum::<f64>();
            assert!((volume(&first) - volume(&lattice)).abs() < 1e-6, "{seed}");
            assert!(lattice.lengths.windows(2).all(|pair| pair[1] >= (SHORTER - 0.2501) * pair[0]), "{seed}");
            assert!(lattice.lengths[0] < first.lengths[0], "{seed}: nothing was done");
        }
    }
}
