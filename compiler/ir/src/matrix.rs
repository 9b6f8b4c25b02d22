//! Matrices of integer weights, and the products that the interpreter, the ranges and the checker are made of.
//!
//! In: entries. Out: rows, their products with vectors, a norm that says where 64 bits suffice, and a hash. Invariant: a dense matrix and its sparse twin
//! have the same entries and the same hash.

use crate::interrupt::work;
use multiversion::multiversion;
use std::sync::Arc;

/// A matrix of integer weights, dense or sparse by rows (a convolution), shared by all that mention it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    rows: usize,
    columns: usize,
    data: MatrixData,
    norm: u128,
    digest: [u8; 32],
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct MatrixData {
    /// What is stored where, unless that is all of it, row-major.
    sparse: Option<Sparse>,
    values: Integers,
}

/// Row r holds the entries from `starts[r]` to before `starts[r + 1]`: ascending columns, no zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sparse {
    starts: Vec<u32>,
    columns: Vec<u32>,
}

/// A list of integers, in 32 bits each where that does for all of them: products are found several at a time then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Integers {
    /// Of 32 bits.
    Short(Vec<i32>),
    /// Not all of 32 bits.
    Long(Vec<i64>),
}

impl From<Vec<i64>> for Integers {
    fn from(values: Vec<i64>) -> Integers {
        match values.iter().map(|v| i32::try_from(*v).ok()).collect() {
            Some(short) => Integers::Short(short),
            None => Integers::Long(values),
        }
    }
}

/// Consecutive ones of [`Integers`].
#[derive(Clone, Copy)]
enum Slice<'a> {
    Short(&'a [i32]),
    Long(&'a [i64]),
}

impl Integers {
    fn slice(&self, range: std::ops::Range<usize>) -> Slice<'_> {
        match self {
            Integers::Short(values) => Slice::Short(&values[range]),
            Integers::Long(values) => Slice::Long(&values[range]),
        }
    }

    #[inline]
    fn at(&self, i: usize) -> i64 {
        match self {
            Integers::Short(values) => i64::from(values[i]),
            Integers::Long(values) => values[i],
        }
    }
}

impl<'a> Slice<'a> {
    fn iter(self) -> impl Iterator<Item = i64> + 'a {
        let (short, long): (&[i32], &[i64]) = match self {
            Slice::Short(values) => (values, &[]),
            Slice::Long(values) => (&[], values),
        };
        short.iter().map(|v| i64::from(*v)).chain(long.iter().copied())
    }
}

/// The scalar product of short numbers, which a vector unit finds several at a time.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn short_dot(weights: &[i32], vector: &[i32]) -> i64 {
    let mut sums = [0i64; 8];
    let (weights, rest) = weights.as_chunks::<8>();
    let (vector, last) = vector.as_chunks::<8>();
    for (w, v) in weights.iter().zip(vector) {
        for k in 0..8 {
            sums[k] += i64::from(w[k]) * i64::from(v[k]);
        }
    }
    let rest: i64 = rest.iter().zip(last).map(|(w, v)| i64::from(*w) * i64::from(*v)).sum();
    rest + sums.iter().sum::<i64>()
}

/// The same with the weights' magnitudes.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn short_spread(weights: &[i32], spread: &[i32]) -> i64 {
    let product = |w: i32, s: i32| i64::from(w).abs() * i64::from(s);
    let mut sums = [0i64; 8];
    let (weights, rest) = weights.as_chunks::<8>();
    let (spread, last) = spread.as_chunks::<8>();
    for (w, s) in weights.iter().zip(spread) {
        for k in 0..8 {
            sums[k] += product(w[k], s[k]);
        }
    }
    let rest: i64 = rest.iter().zip(last).map(|(w, s)| product(*w, *s)).sum();
    rest + sums.iter().sum::<i64>()
}

/// target += factor · weights, with a factor of 32 bits.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn short_add(target: &mut [i64], weights: &[i32], factor: i32) {
    target.iter_mut().zip(weights).for_each(|(t, w)| *t += i64::from(factor) * i64::from(*w));
}

/// target += the sum of factor · row over all rows, a factor for each.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn short_add_rows(target: &mut [i64], weights: &[i32], factors: &[i64]) {
    if target.is_empty() {
        return;
    }
    // Four rows at a time, so that sums are read and written less often.
    let (count, width) = (factors.len(), target.len());
    let mut at = 0;
    while let Some(four) = factors.get(at..at + 4)
        && let [Ok(a), Ok(b), Ok(c), Ok(d)] = [four[0], four[1], four[2], four[3]].map(i32::try_from)
    {
        if [a, b, c, d] != [0; 4] {
            let [a, b, c, d] = [a, b, c, d].map(i64::from);
            let (first, rest) = weights[at * width..(at + 4) * width].split_at(width);
            let (second, rest) = rest.split_at(width);
            let (third, fourth) = rest.split_at(width);
            for ((((t, p), q), r), s) in target.iter_mut().zip(first).zip(second).zip(third).zip(fourth) {
                let sum = (a * i64::from(*p)).wrapping_add(b * i64::from(*q));
                let sum = sum.wrapping_add(c * i64::from(*r)).wrapping_add(d * i64::from(*s));
                *t = t.wrapping_add(sum);
            }
        }
        at += 4;
    }
    let weights = &weights[at.min(count) * width..];
    let rows = weights.chunks_exact(width).zip(&factors[at.min(count)..]);
    for (row, factor) in rows.filter(|(_, factor)| **factor != 0) {
        match i32::try_from(*factor) {
            Ok(factor) => target.iter_mut().zip(row).for_each(|(t, w)| *t += i64::from(factor) * i64::from(*w)),
            Err(_) => target.iter_mut().zip(row).for_each(|(t, w)| *t += factor * i64::from(*w)),
        }
    }
}

impl Matrix {
    /// A dense matrix, row-major: `values.len() == rows * columns`.
    pub fn dense(rows: usize, columns: usize, values: Vec<i64>) -> Arc<Matrix> {
        assert_eq!(values.len(), rows * columns, "a dense matrix has rows times columns entries");
        Matrix::build(rows, columns, MatrixData { sparse: None, values: values.into() })
    }

    /// A sparse matrix from its rows' (column, value) entries; columns of a row in any order, repeated ones are added up.
    ///
    /// # Panics
    /// If a column is out of range or a sum of repeated entries leaves `i64`: the caller checks both.
    pub fn sparse(columns: usize, rows: Vec<Vec<(u32, i64)>>) -> Arc<Matrix> {
        Matrix::from_rows(columns, rows)
    }

    /// The same from rows that are made one after the other: those of a convolution take more memory than the matrix.
    ///
    /// # Panics
    /// As [`Matrix::sparse`].
    pub fn from_rows(columns: usize, rows: impl IntoIterator<Item = Vec<(u32, i64)>>) -> Arc<Matrix> {
        let (mut starts, mut cols, mut values) = (vec![0u32], Vec::new(), Vec::new());
        for mut row in rows {
            work(8 * (1 + row.len()));
            row.sort_by_key(|(column, _)| *column);
            let begin = cols.len();
            for (column, value) in row {
                assert!((column as usize) < columns, "a column within the matrix");
                if cols.len() > begin && cols.last() == Some(&column) {
                    let last: &mut i64 = values.last_mut().expect("as many values as columns");
                    *last = last.checked_add(value).expect("entries fit 64 bits");
                } else {
                    cols.push(column);
                    values.push(value);
                }
            }
            let (mut kept, end) = (begin, cols.len());
            for at in begin..end {
                if values[at] != 0 {
                    (cols[kept], values[kept]) = (cols[at], values[at]);
                    kept += 1;
                }
            }
            cols.truncate(kept);
            values.truncate(kept);
            starts.push(u32::try_from(cols.len()).expect("fewer than 2^32 entries"));
        }
        let count = starts.len() - 1;
        let sparse = Some(Sparse { starts, columns: cols });
        Matrix::build(count, columns, MatrixData { sparse, values: values.into() })
    }

    /// The identity times `factor`.
    pub fn diagonal(values: &[i64]) -> Arc<Matrix> {
        Matrix::sparse(values.len(), values.iter().enumerate().map(|(i, v)| vec![(i as u32, *v)]).collect())
    }

    fn build(rows: usize, columns: usize, data: MatrixData) -> Arc<Matrix> {
        let mut matrix = Matrix { rows, columns, data, norm: 0, digest: [0; 32] };
        // The digest is of the entries, not of their layout: dense and sparse twins are the same matrix.
        let mut hasher = blake3::Hasher::new();
        hasher.update(&(rows as u64).to_le_bytes());
        hasher.update(&(columns as u64).to_le_bytes());
        let mut buffer = Vec::new();
        for r in 0..rows {
            work(4 * matrix.entries(r));
            buffer.clear();
            let mut sum = 0;
            for (c, v) in matrix.row(r) {
                buffer.extend_from_slice(&(c as u32).to_le_bytes());
                buffer.extend_from_slice(&v.to_le_bytes());
                sum += u128::from(v.unsigned_abs());
            }
            hasher.update(&(buffer.len() as u64).to_le_bytes());
            hasher.update(&buffer);
            matrix.norm = matrix.norm.max(sum);
        }
        matrix.digest = *hasher.finalize().as_bytes();
        Arc::new(matrix)
    }

    /// The number of rows: outputs.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns: inputs.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The non-zero entries of a row as (column, value), by ascending column.
    pub fn row(&self, r: usize) -> impl Iterator<Item = (usize, i64)> + '_ {
        let (columns, values) = self.stored(r);
        let at = move |i: usize| columns.map_or(i, |columns| columns[i] as usize);
        values.iter().enumerate().filter(|(_, v)| *v != 0).map(move |(i, v)| (at(i), v))
    }

    /// The greatest sum of the magnitudes of a row's entries: no product with a vector has an element beyond this times the vector's
    /// greatest magnitude (the operator norm for the maximum norm).
    pub fn norm(&self) -> u128 {
        self.norm
    }

    /// A row times a vector of `columns` numbers, in 64 bits. The caller sees to it that `norm` times the greatest magnitude fits them.
    pub fn dot(&self, r: usize, vector: &Integers) -> i64 {
        match (self.stored(r), vector) {
            ((None, Slice::Short(weights)), Integers::Short(vector)) => short_dot(weights, vector),
            ((columns, weights), _) => {
                let at = |i: usize| columns.map_or(i, |columns| columns[i] as usize);
                weights.iter().enumerate().map(|(i, w)| w * vector.at(at(i))).sum()
            }
        }
    }

    /// A row times a vector, and the row's magnitudes times another vector, under the same condition.
    pub fn dot_and_spread(&self, r: usize, vector: &Integers, spread: &Integers) -> (i64, i64) {
        match (self.stored(r), vector, spread) {
            ((None, Slice::Short(weights)), Integers::Short(vector), Integers::Short(spread)) => {
                (short_dot(weights, vector), short_spread(weights, spread))
            }
            ((columns, weights), ..) => {
                let at = |i: usize| columns.map_or(i, |columns| columns[i] as usize);
                weights.iter().enumerate().fold((0, 0), |(dot, reach), (i, w)| {
                    (dot + w * vector.at(at(i)), reach + w.wrapping_abs() * spread.at(at(i)))
                })
            }
        }
    }

    /// Adds a row times a factor to a vector of `columns` numbers, in 64 bits. The caller sees to it that the factor times `norm`, for all rows that
    /// are added together, fits them.
    pub fn add_row(&self, r: usize, factor: i64, target: &mut [i64]) {
        match (self.stored(r), i32::try_from(factor)) {
            ((None, Slice::Short(weights)), Ok(factor)) => short_add(target, weights, factor),
            _ => self.for_row(r, target, |t, w| *t += factor * w),
        }
    }

    /// Adds all rows to a vector of `columns` numbers, each row times its factor; the caller sees to it that 64 bits suffice.
    pub fn add_rows(&self, factors: &[i64], target: &mut [i64]) {
        if let MatrixData { sparse: None, values: Integers::Short(weights) } = &self.data {
            short_add_rows(target, weights, factors);
            return;
        }
        for (row, factor) in factors.iter().enumerate().filter(|(_, factor)| **factor != 0) {
            self.for_row(row, target, |t, w| *t += factor * w);
        }
    }

    /// Adds a row times a factor to a vector of `columns` numbers, as floating-point numbers.
    pub fn add_row_real(&self, r: usize, factor: f64, target: &mut [f64]) {
        self.for_row(r, target, |t, w| *t += factor * w as f64);
    }

    /// Each number of a vector that a row has an entry for, with the entry.
    #[inline]
    fn for_row<T>(&self, r: usize, target: &mut [T], mut f: impl FnMut(&mut T, i64)) {
        match self.stored(r) {
            (None, Slice::Short(weights)) => target.iter_mut().zip(weights).for_each(|(t, w)| f(t, i64::from(*w))),
            (None, Slice::Long(weights)) => target.iter_mut().zip(weights).for_each(|(t, w)| f(t, *w)),
            (Some(columns), weights) => {
                columns.iter().zip(weights.iter()).for_each(|(c, w)| f(&mut target[*c as usize], w));
            }
        }
    }

    /// How many entries of a row are stored.
    pub fn entries(&self, r: usize) -> usize {
        match &self.data.sparse {
            None => self.columns,
            Some(Sparse { starts, .. }) => (starts[r + 1] - starts[r]) as usize,
        }
    }

    /// A row's entries as they are stored, with their columns unless all are.
    fn stored(&self, r: usize) -> (Option<&[u32]>, Slice<'_>) {
        match &self.data.sparse {
            None => (None, self.data.values.slice(r * self.columns..(r + 1) * self.columns)),
            Some(Sparse { starts, columns }) => {
                let range = starts[r] as usize..starts[r + 1] as usize;
                (Some(&columns[range.clone()]), self.data.values.slice(range))
            }
        }
    }

    /// A hash of the entries.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    /// Products do not depend on how numbers are stored: 32 bits or 64, dense or sparse, however many there are.
    #[test]
    fn products_are_sums_of_products() {
        let mut random = Random::new(11);
        let ends = [i64::from(i32::MIN), i64::from(i32::MAX), i64::from(i32::MIN) - 1, i64::from(i32::MAX) + 1];
        for round in 0..600 {
            let count = random.between(1, 40) as usize;
            let number = |random: &mut Random| match round % 3 {
                0 => random.between(-99, 99),
                1 => ends[random.between(0, 1) as usize],
                _ => ends[random.between(0, 3) as usize],
            };
            let row: Vec<i64> =
                (0..count).map(|_| if random.between(0, 3) == 0 { 0 } else { number(&mut random) }).collect();
            // So short that no sum of 40 products leaves 64 bits.
            let vector: Vec<i64> = (0..count).map(|_| random.between(-1 << 25, 1 << 25)).collect();
            let spread: Vec<i64> = vector.iter().map(|v| v.abs()).collect();
            let entries = row.iter().enumerate().map(|(c, w)| (c as u32, *w)).collect();
            for matrix in [Matrix::dense(1, count, row.clone()), Matrix::sparse(count, vec![entries])] {
                let dot: i64 = row.iter().zip(&vector).map(|(w, v)| w * v).sum();
                let reach: i64 = row.iter().zip(&spread).map(|(w, s)| w.abs() * s).sum();
                let (short, wide) = (Integers::from(vector.clone()), Integers::from(spread.clone()));
                for (vector, spread) in
                    [(short, wide), (Integers::Long(vector.clone()), Integers::Long(spread.clone()))]
                {
                    assert_eq!(matrix.dot(0, &vector), dot);
                    assert_eq!(matrix.dot_and_spread(0, &vector, &spread), (dot, reach));
                }
                let (mut sums, mut reals) = (vec![7; count], vec![7.0; count]);
                matrix.add_row(0, 3, &mut sums);
                matrix.add_row_real(0, 3.0, &mut reals);
                assert_eq!(sums, row.iter().map(|w| 3 * w + 7).collect::<Vec<_>>());
                assert_eq!(reals, row.iter().map(|w| (3 * w + 7) as f64).collect::<Vec<_>>());
                assert!(matrix.row(0).eq(row.iter().copied().enumerate().filter(|(_, w)| *w != 0)));
            }
        }
    }
}
