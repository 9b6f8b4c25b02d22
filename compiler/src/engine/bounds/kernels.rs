//! The loops over long vectors, in versions for the vector units of the machine at hand.
//!
//! In, out: slices of equal length. Invariant: every version adds up in the same order and without fused steps, so that a search goes
//! the same way on every machine.

use multiversion::multiversion;

/// The scalar product, in eight independent sums so that it vectorizes.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let tail: f64 = a8.remainder().iter().zip(b8.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a8.zip(b8) {
        for k in 0..8 {
            sums[k] += x[k] * y[k];
        }
    }
    sums.iter().sum::<f64>() + tail
}

/// target += factor · values.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
pub fn add_scaled(target: &mut [f64], values: &[f64], factor: f64) {
    for (t, v) in target.iter_mut().zip(values) {
        *t += factor * v;
    }
}

/// (sum of w·(l + u), sum of |w|·(u - l)).
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
pub fn middle_and_width(w: &[f64], l: &[f64], u: &[f64]) -> (f64, f64) {
    let (mut middle, mut width) = ([0.0; 8], [0.0; 8]);
    let (w8, l8, u8) = (w.chunks_exact(8), l.chunks_exact(8), u.chunks_exact(8));
    let (mut m, mut d) = (0.0, 0.0);
    for ((w, l), u) in w8.remainder().iter().zip(l8.remainder()).zip(u8.remainder()) {
        m += w * (l + u);
        d += w.abs() * (u - l);
    }
    for ((w, l), u) in w8.zip(l8).zip(u8) {
        for k in 0..8 {
            middle[k] += w[k] * (l[k] + u[k]);
            width[k] += w[k].abs() * (u[k] - l[k]);
        }
    }
    (m + middle.iter().sum::<f64>(), d + width.iter().sum::<f64>())
}

/// sum of c · (c > 0 ? u : l): the greatest value of a linear form over a box.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
pub fn greatest_over_box(c: &[f64], l: &[f64], u: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (c8, l8, u8) = (c.chunks_exact(8), l.chunks_exact(8), u.chunks_exact(8));
    let mut tail = 0.0;
    for ((c, l), u) in c8.remainder().iter().zip(l8.remainder()).zip(u8.remainder()) {
        tail += c * if *c > 0.0 { *u } else { *l };
    }
    for ((c, l), u) in c8.zip(l8).zip(u8) {
        for k in 0..8 {
            sums[k] += c[k] * if c[k] > 0.0 { u[k] } else { l[k] };
        }
    }
    sums.iter().sum::<f64>() + tail
}
