//! The inverse of the basis's kernel: a dense matrix that grows and shrinks in place.

use crate::relaxation::kernels::{add_scaled, dot};

/// Vectors with at most one nonzero in this many elements are summed element by element.
pub(super) const SPARSE: usize = 8;

/// A square matrix that grows and shrinks in place.
#[derive(Debug, Default)]
pub(super) struct DenseInverse {
    pub(super) size: usize,
    pub(super) stride: usize,
    pub(super) data: Vec<f64>,
}

impl Clone for DenseInverse {
    fn clone(&self) -> DenseInverse {
        let mut copy = DenseInverse::default();
        copy.clone_from(self);
        copy
    }

    /// A copy has little capacity to grow.
    fn clone_from(&mut self, other: &DenseInverse) {
        let stride = if other.size == 0 { 0 } else { other.size + 4 };
        *self = DenseInverse { size: other.size, stride, data: vec![0.0; stride * stride] };
        for p in 0..other.size {
            self.data[p * stride..p * stride + other.size].copy_from_slice(other.row(p));
        }
    }
}

impl DenseInverse {
    #[inline]
    pub(super) fn row(&self, p: usize) -> &[f64] {
        &self.data[p * self.stride..p * self.stride + self.size]
    }

    #[inline]
    pub(super) fn row_mut(&mut self, p: usize) -> &mut [f64] {
        &mut self.data[p * self.stride..p * self.stride + self.size]
    }

    /// The product with a vector.
    pub(super) fn times(&self, vector: &[f64]) -> Vec<f64> {
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
    pub(super) fn grow(&mut self) {
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
    pub(super) fn shrink(&mut self, p: usize, i: usize) {
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
    pub(super) fn inverse(mut self) -> Option<DenseInverse> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverses_are_inverses() {
        // A permutation with a little more in it needs every pivot that it gets.
        for size in 1..12 {
            let mut square = DenseInverse { size, stride: size, data: vec![0.0; size * size] };
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
        let singular = DenseInverse { size: 2, stride: 2, data: vec![1.0, 2.0, 2.0, 4.0] };
        assert!(singular.inverse().is_none());
    }
}
