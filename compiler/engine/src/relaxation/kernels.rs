//! The loops over long vectors, in versions for the vector units of the machine at hand.
//!
//! In, out: slices of equal length. Invariant: every version adds up in the same order and without fused steps, so that a search goes
//! the same way on every machine.

use multiversion::multiversion;

/// What the parts of exact sums are split at.
pub const PART: f64 = (1u64 << 24) as f64;

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

/// The greatest value of an integer form over a box of integers, sum of c · (c > 0 ? u : l), in two parts that are exact: high · [`PART`] + low, while
/// the third number, how far the sums of either part can get from zero, is below 2^53.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
pub fn greatest_over_box(c: &[f64], l: &[f64], u: &[f64]) -> (f64, f64, f64) {
    let count = c.len();
    let (l, u) = (&l[..count], &u[..count]);
    let (mut highs, mut lows, mut sizes, mut ends) = ([0.0; 8], [0.0; 8], [0.0; 8], [0.0; 8]);
    let whole = count / 8 * 8;
    for at in (0..whole).step_by(8) {
        for k in 0..8 {
            let c = c[at + k];
            let end = if c > 0.0 { u[at + k] } else { l[at + k] };
            let high = (c * (1.0 / PART)).floor();
            highs[k] += high * end;
            lows[k] += (c - high * PART) * end;
            sizes[k] += (high * end).abs();
            ends[k] += end.abs();
        }
    }
    for at in whole..count {
        let c = c[at];
        let end = if c > 0.0 { u[at] } else { l[at] };
        let high = (c * (1.0 / PART)).floor();
        highs[0] += high * end;
        lows[0] += (c - high * PART) * end;
        sizes[0] += (high * end).abs();
        ends[0] += end.abs();
    }
    let size = sizes.iter().sum::<f64>().max(PART * ends.iter().sum::<f64>());
    (highs.iter().sum(), lows.iter().sum(), size)
}

/// target += the sum of factor · values over four rows.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
pub fn add_scaled4(target: &mut [f64], values: [&[f64]; 4], factors: [f64; 4]) {
    let [a, b, c, d] = values;
    let count = target.len();
    let (a, b, c, d) = (&a[..count], &b[..count], &c[..count], &d[..count]);
    for j in 0..count {
        target[j] += (factors[0] * a[j] + factors[1] * b[j]) + (factors[2] * c[j] + factors[3] * d[j]);
    }
}

/// Where each column's reduced cost reaches zero on the way along `alpha`, infinity where it does not, and how much the slope gains there.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
pub fn kinks(alpha: &[f64], side: &[f64], d: &[f64], width: &[f64], least: f64, ratio: &mut [f64], gain: &mut [f64]) {
    let count = alpha.len();
    let (side, d, width) = (&side[..count], &d[..count], &width[..count]);
    let (ratio, gain) = (&mut ratio[..count], &mut gain[..count]);
    for j in 0..count {
        let ahead = alpha[j] * side[j] > least;
        let at = d[j] / alpha[j];
        let at = if at > 0.0 { at } else { 0.0 };
        ratio[j] = if ahead { at } else { f64::INFINITY };
        gain[j] = if ahead { alpha[j].abs() * width[j] } else { 0.0 };
    }
}

/// The sum of the gains with a ratio of at most `end`.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
pub fn gain_until(ratio: &[f64], gain: &[f64], end: f64) -> f64 {
    let mut sums = [0.0; 16];
    let (r16, g16) = (ratio.chunks_exact(16), gain.chunks_exact(16));
    let of = |r: f64, g: f64| if r <= end { g } else { 0.0 };
    let rest: f64 = r16.remainder().iter().zip(g16.remainder()).map(|(r, g)| of(*r, *g)).sum();
    for (r, g) in r16.zip(g16) {
        for k in 0..16 {
            sums[k] += of(r[k], g[k]);
        }
    }
    rest + sums.iter().sum::<f64>()
}

/// Adds to `found` where values are above `low` and at most `high`.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
pub fn between(values: &[f64], low: f64, high: f64, found: &mut Vec<u32>) {
    let inside = |value: &f64| u64::from((*value > low) & (*value <= high));
    let mut first = 0;
    for chunk in values.chunks(16) {
        let mut mask = match <&[f64; 16]>::try_from(chunk) {
            Ok(chunk) => (0..16).fold(0, |mask, k| mask | inside(&chunk[k]) << k),
            Err(_) => chunk.iter().enumerate().fold(0, |mask, (k, value)| mask | inside(value) << k),
        };
        while mask != 0 {
            found.push(first + mask.trailing_zeros());
            mask &= mask - 1;
        }
        first += 16;
    }
}

/// Linear forms' ranges when the least value of a variable with these coefficients rises and its greatest falls.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
pub fn narrow(least: &mut [f64], greatest: &mut [f64], coefficients: &[f64], rise: f64, fall: f64) {
    let count = coefficients.len();
    let (least, greatest) = (&mut least[..count], &mut greatest[..count]);
    for e in 0..count {
        let c = coefficients[e];
        let (plus, minus) = if c > 0.0 { (c, 0.0) } else { (0.0, -c) };
        least[e] += plus * rise + minus * fall;
        greatest[e] -= minus * rise + plus * fall;
    }
}

/// By how much the weighted sum of squares of what values lack of their ranges falls when each moves by its factor times `by`.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
pub fn relief(values: &[f64], lows: &[f64], highs: &[f64], weights: &[f64], factors: &[f64], by: f64) -> f64 {
    let count = factors.len();
    let (values, lows, highs, weights) = (&values[..count], &lows[..count], &highs[..count], &weights[..count]);
    let most = |a: f64, b: f64| if a > b { a } else { b };
    let beyond = |value: f64, low: f64, high: f64| most(most(low - value, value - high), 0.0);
    let mut sums = [0.0; 8];
    let whole = count / 8 * 8;
    for at in (0..whole).step_by(8) {
        for (k, sum) in sums.iter_mut().enumerate() {
            let e = at + k;
            let after = values[e] + factors[e] * by;
            let (a, b) = (beyond(values[e], lows[e], highs[e]), beyond(after, lows[e], highs[e]));
            *sum += weights[e] * (a * a - b * b);
        }
    }
    let mut rest = 0.0;
    for e in whole..count {
        let after = values[e] + factors[e] * by;
        let (a, b) = (beyond(values[e], lows[e], highs[e]), beyond(after, lows[e], highs[e]));
        rest += weights[e] * (a * a - b * b);
    }
    rest + sums.iter().sum::<f64>()
}

/// target += factor · values².
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
pub fn add_squares(target: &mut [f64], values: &[f64], factor: f64) {
    for (t, v) in target.iter_mut().zip(values) {
        *t += factor * (v * v);
    }
}

/// What the best whole step of at least one gains on a parabola, 2·|g|·by − h·by², within the room; minus infinity where there is none.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
pub fn gains(g: &[f64], h: &[f64], up: &[f64], down: &[f64], gain: &mut [f64]) {
    let count = gain.len();
    let (g, h, up, down) = (&g[..count], &h[..count], &up[..count], &down[..count]);
    for j in 0..count {
        let room = if g[j] > 0.0 { up[j] } else { down[j] };
        let size = g[j].abs();
        let by = (size / h[j]).round();
        let by = if by > 1.0 { by } else { 1.0 };
        let by = if by < room { by } else { room };
        let own = (2.0 * size - h[j] * by) * by;
        gain[j] = if room >= 1.0 && size > 0.0 { own } else { f64::NEG_INFINITY };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qnn_ir::testing::Random;

    #[test]
    fn parts_of_sums_are_exact() {
        let mut random = Random::new(3);
        let mut random = |bits: u32| random.between(-(1 << (bits - 1)), (1 << (bits - 1)) - 1) as f64;
        let mut within = 0;
        for round in 0..2000 {
            let (count, size, ends) = (round % 37, 2 + round as u32 % 51, 2 + round as u32 / 37 % 20);
            let c: Vec<f64> = (0..count).map(|_| random(size)).collect();
            let l: Vec<f64> = (0..count).map(|_| random(ends)).collect();
            let u: Vec<f64> = l.iter().map(|l| l + random(ends).abs()).collect();
            let (high, low, most) = greatest_over_box(&c, &l, &u);
            if most < (1u64 << 53) as f64 {
                within += 1;
                let ends = l.iter().zip(&u);
                let sum = c.iter().zip(ends).map(|(c, (l, u))| (*c as i128 * *l as i128).max(*c as i128 * *u as i128));
                assert_eq!(high as i128 * PART as i128 + low as i128, sum.sum(), "{c:?} {l:?} {u:?}");
            }
        }
        assert!(within > 1000, "{within}");
    }
}
