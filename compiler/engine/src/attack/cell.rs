//! Cells: integers in a box whose weighted sums are within windows, and what can be said of all points of one together.
//!
//! In: the box, the rows of coefficients, the windows of their sums. Out: the distribution of greatest entropy whose mean sums are the
//! windows' (Barvinok and Hartigan, "Maximum entropy Gaussian approximations for the number of integer points and volumes of polytopes",
//! 2010): about how many points there are, where their middle is, and how far each input and each sum strays. Invariant: all of it
//! guides, and proves nothing.

use crate::relaxation::kernels::{add_scaled, dot};
use std::f64::consts::TAU;

/// The most windows …
const WINDOWS: usize = 128;
/// … and coefficients that are worth the effort.
const COEFFICIENTS: usize = 1 << 20;
/// The steps of Newton's method.
const NEWTON: usize = 60;
/// The natural logarithm of the least number of points that is worth the effort.
const FEW: f64 = -2.0;

/// Mean and variance.
pub type Spread = (f64, f64);

/// Integers in a box whose sums are within windows.
#[derive(Debug, Default)]
pub struct Cell {
    /// (least, greatest) of each input.
    pub boxes: Vec<(f64, f64)>,
    /// The coefficients of all inputs for the first window, then those for the second …
    rows: Vec<f64>,
    /// (least, greatest) of each row's sum.
    windows: Vec<(f64, f64)>,
}

/// The distribution of a cell's points.
#[derive(Debug)]
pub struct Middle {
    /// Of each input.
    pub inputs: Vec<Spread>,
    /// Of each row's sum.
    pub sums: Vec<Spread>,
}

/// 1/(1 - exp(-t)) - 1/t, and its derivative.
fn bend(t: f64) -> (f64, f64) {
    let square = t * t;
    if t.abs() < 0.02 {
        return (0.5 + t / 12.0 - t * square / 720.0, 1.0 / 12.0 - square / 240.0 + square * square / 6048.0);
    }
    if t.abs() > 700.0 {
        return (f64::from(u8::from(t > 0.0)) - 1.0 / t, 1.0 / square);
    }
    let half = (t / 2.0).sinh();
    (1.0 / (1.0 - (-t).exp()) - 1.0 / t, 1.0 / square - 0.25 / (half * half))
}

/// The logarithm of (exp(t) - 1)/t, whose derivative [`bend`] is.
fn log_bend(t: f64) -> f64 {
    if t.abs() < 1e-4 {
        t / 2.0 + t * t / 24.0
    } else if t > 30.0 {
        t - t.ln()
    } else {
        (t.exp_m1() / t).ln()
    }
}

/// The integers from 0 to `most`, weighted by exp(tilt · v): the logarithm of the sum of weights, the mean, the variance.
fn integers(most: f64, tilt: f64) -> (f64, f64, f64) {
    let count = most + 1.0;
    let ((all, all_slope), (one, one_slope)) = (bend(count * tilt), bend(tilt));
    let log = count.ln() + log_bend(count * tilt) - log_bend(tilt);
    (log, count * all - one, (count * count * all_slope - one_slope).max(0.0))
}

/// The numbers from 0 to `width`, weighted by exp(tilt · v): the logarithm of the integral, the mean, the variance.
fn numbers(width: f64, tilt: f64) -> (f64, f64, f64) {
    let (mean, variance) = bend(width * tilt);
    (width.ln() + log_bend(width * tilt), width * mean, width * width * variance)
}

/// Puts the lower triangle of a symmetric matrix's root (Cholesky's) in its place; `false` if the matrix is not positive definite.
fn root(matrix: &mut [f64], size: usize) -> bool {
    for i in 0..size {
        let (before, rest) = matrix.split_at_mut(i * size);
        let own = &mut rest[..size];
        for j in 0..i {
            let other = &before[j * size..j * size + size];
            own[j] = (own[j] - dot(&own[..j], &other[..j])) / other[j];
        }
        let square = own[i] - dot(&own[..i], &own[..i]);
        if square <= 0.0 || square.is_nan() {
            return false;
        }
        own[i] = square.sqrt();
    }
    true
}

/// Solves for a vector, given the matrix's root.
fn solve(root: &[f64], size: usize, vector: &mut [f64]) {
    for i in 0..size {
        vector[i] = (vector[i] - dot(&root[i * size..i * size + i], &vector[..i])) / root[i * size + i];
    }
    for i in (0..size).rev() {
        vector[i] /= root[i * size + i];
        let value = vector[i];
        add_scaled(&mut vector[..i], &root[i * size..i * size + i], -value);
    }
}

impl Cell {
    /// A cell without windows.
    pub fn new(boxes: Vec<(f64, f64)>) -> Cell {
        Cell { boxes, ..Cell::default() }
    }

    /// Asks that a sum be within a window; `None` if that is one too many, or nothing is within.
    pub fn constrain(&mut self, coefficients: impl Iterator<Item = f64>, window: (f64, f64)) -> Option<()> {
        let room = self.windows.len() < WINDOWS && self.rows.len() < COEFFICIENTS;
        if !room || window.0 > window.1 {
            return None;
        }
        self.rows.extend(coefficients);
        self.windows.push(window);
        Some(())
    }

    /// How many windows there are.
    pub fn windows(&self) -> usize {
        self.windows.len()
    }

    /// The coefficients of a row.
    pub fn row(&self, i: usize) -> &[f64] {
        let count = self.boxes.len();
        &self.rows[i * count..(i + 1) * count]
    }

    /// Whether a point of integers is one of the cell.
    pub fn holds(&self, point: &[f64]) -> bool {
        point.iter().zip(&self.boxes).all(|(x, (lo, hi))| (lo..=hi).contains(&x))
            && self.windows.iter().enumerate().all(|(i, (lo, hi))| (lo..=hi).contains(&&dot(self.row(i), point)))
    }

    /// At a tilt of the rows, weights exp(tilt · sum) for the inputs and exp(-tilt · sum) for the sums: the logarithm of all weights, and
    /// what the inputs and the sums are then.
    fn tilted(&self, tilt: &[f64]) -> (f64, Vec<Spread>, Vec<Spread>) {
        let mut tilts = vec![0.0; self.boxes.len()];
        for (i, by) in tilt.iter().enumerate() {
            add_scaled(&mut tilts, self.row(i), *by);
        }
        let mut value = 0.0;
        let inputs = (self.boxes.iter().zip(&tilts))
            .map(|((lo, hi), tilt)| {
                let (log, mean, variance) = integers(hi - lo, *tilt);
                value += log + tilt * lo;
                (lo + mean, variance)
            })
            .collect();
        let sums = (self.windows.iter().zip(tilt))
            .map(|((lo, hi), tilt)| {
                // An integer takes up the room to half way to the next.
                let (log, mean, variance) = numbers(hi - lo + 1.0, -tilt);
                value += log - tilt * (lo - 0.5);
                (lo - 0.5 + mean, variance)
            })
            .collect();
        (value, inputs, sums)
    }

    /// The cell as a whole, by Newton's method on the convex function that bounds the number of points; `None` where there are
    /// hardly any, or when it is time to stop. Adds to `work` what it took, in sums.
    pub fn middle(&self, work: &mut u64, stop: &dyn Fn() -> bool) -> Option<Middle> {
        let (rows, count) = (self.windows.len(), self.boxes.len());
        let mut tilt = vec![0.0; rows];
        let mut scaled = vec![0.0; count];
        let (mut value, mut inputs, mut sums) = self.tilted(&tilt);
        for _ in 0..NEWTON {
            // The value at any tilt bounds the logarithm of the number of points.
            if !value.is_finite() || value < FEW || stop() {
                return None;
            }
            let mut hessian = vec![0.0; rows * rows];
            let mut step = vec![0.0; rows];
            for i in 0..rows {
                let row = self.row(i);
                scaled.iter_mut().zip(row).zip(&inputs).for_each(|((s, w), (_, variance))| *s = w * variance);
                for j in 0..=i {
                    hessian[i * rows + j] = dot(&scaled, self.row(j));
                }
                hessian[i * rows + i] += sums[i].1 + 1e-9;
                step[i] = sums[i].0 - row.iter().zip(&inputs).map(|(w, (mean, _))| w * mean).sum::<f64>();
            }
            *work += (rows * rows * count / 2) as u64;
            if !root(&mut hessian, rows) {
                return None;
            }
            let gradient = step.clone();
            solve(&hessian, rows, &mut step);
            let decrease = dot(&gradient, &step);
            if decrease < 0.01 {
                // Around the saddle point the integral that counts the points is a Gaussian's.
                let log_determinant: f64 = (0..rows).map(|i| 2.0 * hessian[i * rows + i].ln()).sum();
                let count = value - 0.5 * (log_determinant + rows as f64 * TAU.ln());
                return (count > FEW).then_some(Middle { inputs, sums });
            }
            let mut size = if decrease > 1.0 { 1.0 / (1.0 + decrease.sqrt() / 8.0) } else { 1.0 };
            loop {
                let next: Vec<f64> = tilt.iter().zip(&step).map(|(t, s)| t + size * s).collect();
                let there = self.tilted(&next);
                *work += (2 * rows * count) as u64;
                if there.0 <= value - 0.1 * size * decrease {
                    tilt = next;
                    (value, inputs, sums) = there;
                    break;
                }
                size /= 2.0;
                if size < 1e-6 {
                    return None;
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-6 * (1.0 + a.abs().max(b.abs()))
    }

    /// The logarithm of all weights, the mean and the variance of weighted values.
    fn summed(weighted: impl Iterator<Item = (f64, f64)> + Clone) -> (f64, f64, f64) {
        let all: f64 = weighted.clone().map(|(_, weight)| weight).sum();
        let mean = weighted.clone().map(|(v, weight)| v * weight).sum::<f64>() / all;
        let variance = weighted.map(|(v, weight)| (v - mean) * (v - mean) * weight).sum::<f64>() / all;
        (all.ln(), mean, variance)
    }

    #[test]
    fn closed_forms_are_what_sums_say() {
        for tilt in [-30.0, -2.5, -0.3, -0.011, -1e-3, -1e-5, 0.0, 2e-5, 4e-3, 0.019, 0.7, 3.0, 25.0] {
            for most in 0..20 {
                let (log, mean, variance) = integers(f64::from(most), tilt);
                let sums = summed((0..=most).map(|v| (f64::from(v), (tilt * f64::from(v)).exp())));
                assert!(close(log, sums.0) && close(mean, sums.1), "{most} {tilt}: {log} {mean}, summed {sums:?}");
                assert!(
                    (variance - sums.2).abs() < 1e-4 * (1.0 + sums.2),
                    "{most} {tilt}: {variance}, summed {sums:?}"
                );
            }
            for width in [1.0, 3.0, 12.0] {
                let (log, mean, variance) = numbers(width, tilt);
                let parts = 200_000;
                let step = width / f64::from(parts);
                let sums = summed((0..parts).map(|k| {
                    let v = (f64::from(k) + 0.5) * step;
                    (v, (tilt * v).exp() * step)
                }));
                let near = |a: f64, b: f64| (a - b).abs() < 1e-3 * (1.0 + b.abs());
                assert!(near(log, sums.0) && near(mean, sums.1) && near(variance, sums.2), "{width} {tilt}: {sums:?}");
            }
        }
        assert!([-1e6, 1e6].iter().all(|tilt| integers(9.0, *tilt).1.is_finite() && numbers(9.0, *tilt).0.is_finite()));
    }

    #[test]
    fn the_middle_is_where_sums_and_windows_agree() {
        let mut cell = Cell::new(vec![(-1.0, 2.0), (0.0, 1.0), (3.0, 9.0), (0.0, 0.0), (-4.0, 4.0)]);
        cell.constrain([3.0, -2.0, 1.0, 5.0, 2.0].into_iter(), (14.0, 17.0)).unwrap();
        cell.constrain([-1.0, 1.0, 2.0, 0.0, -3.0].into_iter(), (9.0, 12.0)).unwrap();
        let middle = cell.middle(&mut 0, &|| false).unwrap();
        for i in 0..2 {
            let (row, (mean, variance)) = (cell.row(i), middle.sums[i]);
            let sum: f64 = row.iter().zip(&middle.inputs).map(|(w, (mean, _))| w * mean).sum();
            let strays: f64 = row.iter().zip(&middle.inputs).map(|(w, (_, variance))| w * w * variance).sum();
            // Newton's method ends where the decrease, which bounds the squared difference in these nonlinearities, is below a hundredth.
            assert!((sum - mean).abs() <= 0.1 * (variance + strays).sqrt(), "{sum} {mean} {variance} {strays}");
        }
        assert!(middle.inputs.iter().zip(&cell.boxes).all(|((mean, _), (lo, hi))| mean >= lo && mean <= hi));
    }

    #[test]
    fn cells_out_of_reach_have_no_middle() {
        let mut cell = Cell::new(vec![(0.0, 1.0); 6]);
        cell.constrain(std::iter::repeat_n(5.0, 6), (29.0, 40.0)).unwrap();
        assert!(cell.middle(&mut 0, &|| false).is_some(), "all six at once");
        cell.constrain([1.0, 1.0, 0.0, 0.0, 0.0, 0.0].into_iter(), (0.0, 0.0)).unwrap();
        assert!(cell.middle(&mut 0, &|| false).is_none());
    }
}
