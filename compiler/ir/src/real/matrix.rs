//! Matrices of rationals, whose entries are indices into shared numbers.

use super::NUMBER;
use super::numbers::{Numbers, Values};
use crate::Rational;
use crate::interrupt::work;
use num_bigint::BigInt;
use std::sync::Arc;

/// One row of a matrix: (column, index into the matrix's numbers).
pub type Row = Vec<(u32, u32)>;

/// A matrix of rationals over a common denominator; entries that share a weight (a convolution's) share its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RealMatrix {
    columns: usize,
    rows: Arc<[Row]>,
    values: Values,
}

impl RealMatrix {
    /// From rows of indices into `values`.
    ///
    /// # Panics
    /// If an index or a column is out of range: a bug of the caller.
    pub fn new(columns: usize, rows: Arc<[Row]>, values: Values) -> RealMatrix {
        let fits = |(column, index): &(u32, u32)| (*column as usize) < columns && (*index as usize) < values.len();
        let row_fits = |row: &Row| {
            work(1 + row.len());
            row.iter().all(fits)
        };
        assert!(rows.iter().all(row_fits), "entries within the matrix");
        RealMatrix { columns, rows, values }
    }

    /// The square matrix with these values on its diagonal.
    pub fn diagonal(values: &[Rational]) -> RealMatrix {
        let rows = (0..values.len() as u32).inspect(|_| work(NUMBER)).map(|i| vec![(i, i)]).collect();
        RealMatrix::new(values.len(), rows, Values::new(values))
    }

    /// The number of columns: inputs.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The rows, as indices into [`RealMatrix::numbers`].
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The distinct entries, times [`RealMatrix::denominator`].
    pub fn numbers(&self) -> &Numbers {
        &self.values.numbers
    }

    /// Positive.
    pub fn denominator(&self) -> &BigInt {
        &self.values.denominator
    }

    pub(super) fn value(&self, index: u32) -> Rational {
        self.values.get(index as usize)
    }

    /// Whether no row has more than one entry.
    pub(super) fn is_sparse(&self) -> bool {
        self.rows.iter().inspect(|_| work(1)).all(|row| row.len() <= 1)
    }

    /// This matrix times another, of which one has at most an entry a row: no sum arises.
    pub(super) fn times(&self, inner: &RealMatrix) -> RealMatrix {
        let mut pairs: Vec<(u32, u32)> = Vec::new();
        let mut known = std::collections::HashMap::new();
        let mut product = |a: u32, b: u32| {
            work(NUMBER);
            *known.entry((a, b)).or_insert_with(|| {
                pairs.push((a, b));
                pairs.len() as u32 - 1
            })
        };
        let mut rows: Vec<Row> = Vec::with_capacity(self.rows.len());
        for row in self.rows.iter() {
            work(1 + row.len());
            let entries = row
                .iter()
                .flat_map(|(middle, a)| inner.rows[*middle as usize].iter().map(move |(column, b)| (*column, *a, *b)));
            rows.push(entries.map(|(column, a, b)| (column, product(a, b))).collect());
        }
        let (outer, right) = (self.numbers(), inner.numbers());
        let short = |i: usize| {
            let (a, b) = pairs[i];
            outer.short(a as usize)?.checked_mul(right.short(b as usize)?)
        };
        let long = |i: usize| outer.get(pairs[i].0 as usize) * right.get(pairs[i].1 as usize);
        let numbers = Numbers::new(pairs.len(), short, long);
        RealMatrix::new(inner.columns, rows.into(), Values::over(numbers, self.denominator() * inner.denominator()))
    }
}
