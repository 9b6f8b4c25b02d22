//! The column-wise copy of the expressions' coefficients.

use super::kernels::add_scaled;
use qnn_ir::interrupt::work;

/// For each column, its coefficients in all expressions, in runs of consecutive expressions.
#[derive(Debug, Default)]
pub struct Columnwise {
    /// The first run of each column, and the end.
    starts: Vec<u32>,
    /// (first expression, offset into `values`, length).
    runs: Vec<(u32, u32, u32)>,
    values: Vec<f64>,
}

impl Columnwise {
    /// From (expression, coefficient) by ascending expression, column by column.
    pub fn new(columns: &[Vec<(u32, f64)>]) -> Columnwise {
        let mut matrix = Columnwise { starts: vec![0], runs: Vec::new(), values: Vec::new() };
        for column in columns {
            work(2 * column.len());
            let begin = matrix.runs.len();
            let mut next = 0;
            for (e, value) in column.iter().copied() {
                // A short gap is cheaper to fill with zeros than to jump over.
                if matrix.runs.len() == begin || e - next > 3 {
                    matrix.runs.push((e, matrix.values.len() as u32, 0));
                } else {
                    matrix.values.resize(matrix.values.len() + (e - next) as usize, 0.0);
                }
                matrix.values.push(value);
                let length = matrix.values.len() as u32;
                if let Some(run) = matrix.runs.last_mut() {
                    run.2 = length - run.1;
                }
                next = e + 1;
            }
            matrix.starts.push(matrix.runs.len() as u32);
        }
        matrix
    }

    /// (first expression, coefficients).
    pub fn of(&self, column: usize) -> impl Iterator<Item = (usize, &[f64])> + '_ {
        let own = self.starts[column] as usize..self.starts[column + 1] as usize;
        self.runs[own]
            .iter()
            .map(|(first, at, len)| (*first as usize, &self.values[*at as usize..(*at + *len) as usize]))
    }

    /// target += the sum of move · coefficient.
    pub fn spread(&self, moved: &[(u32, f64)], target: &mut [f64]) {
        for (j, delta) in moved {
            for (first, values) in self.of(*j as usize) {
                let target = &mut target[first..first + values.len()];
                if values.len() < 8 {
                    target.iter_mut().zip(values).for_each(|(t, v)| *t += delta * v);
                } else {
                    add_scaled(target, values, *delta);
                }
            }
        }
    }
}
