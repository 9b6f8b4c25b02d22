//! Integer linear forms over columns, as floats in runs of consecutive columns.

use super::kernels::{add_scaled, add_scaled4, dot, middle_and_width};
use qnn_ir::interrupt::work;

/// An integer linear form over columns, in runs of consecutive columns.
#[derive(Clone, Debug, Default)]
pub struct LinearExpr {
    /// The constant.
    pub constant: f64,
    /// (first column, offset into `values`, length).
    runs: Vec<(u32, u32, u32)>,
    values: Vec<f64>,
    /// The greatest absolute coefficient.
    pub greatest: f64,
}

impl LinearExpr {
    /// From (column, coefficient) by ascending column.
    pub(super) fn new(terms: &[(u32, i64)], constant: i64) -> LinearExpr {
        let mut expr = LinearExpr { constant: constant as f64, ..LinearExpr::default() };
        let mut next = 0;
        for (column, coefficient) in terms {
            // A short gap is cheaper to fill with zeros than to jump over.
            if expr.runs.is_empty() || column - next > 3 {
                expr.runs.push((*column, expr.values.len() as u32, 0));
            } else {
                expr.values.resize(expr.values.len() + (column - next) as usize, 0.0);
            }
            expr.values.push(*coefficient as f64);
            let run = expr.runs.last_mut().expect("a run was begun");
            run.2 = expr.values.len() as u32 - run.1;
            next = column + 1;
            expr.greatest = expr.greatest.max((*coefficient as f64).abs());
        }
        expr
    }

    /// (first column, coefficients).
    pub fn runs(&self) -> impl Iterator<Item = (usize, &[f64])> + '_ {
        self.runs.iter().map(|(first, at, len)| (*first as usize, &self.values[*at as usize..(*at + *len) as usize]))
    }

    /// How many coefficients are kept, zeros among them.
    pub fn entries(&self) -> usize {
        self.values.len()
    }

    /// (first column, count) if the coefficients are of consecutive columns.
    #[inline]
    fn span(&self) -> Option<(usize, usize)> {
        match self.runs[..] {
            [(first, _, len)] => Some((first as usize, len as usize)),
            _ => None,
        }
    }

    /// The first column and the one after the last.
    pub(super) fn reach(&self) -> Option<(u32, u32)> {
        Some((self.runs.first()?.0, self.runs.last().map(|(first, _, len)| first + len)?))
    }

    /// Fills up with zeros, so that the coefficients are of all columns from one to another.
    pub(super) fn fill(&mut self, first: u32, end: u32) {
        work((end - first) as usize);
        let mut values = vec![0.0; (end - first) as usize];
        for (at, own) in self.runs() {
            values[at - first as usize..at - first as usize + own.len()].copy_from_slice(own);
        }
        (self.runs, self.values) = (vec![(first, 0, end - first)], values);
    }

    /// The coefficient of a column.
    #[inline]
    pub fn coefficient(&self, column: usize) -> f64 {
        let at = match self.runs.len() {
            0 | 1 => self.runs.len(),
            _ => self.runs.partition_point(|run| run.0 as usize <= column),
        };
        let Some((first, offset, len)) = at.checked_sub(1).map(|at| self.runs[at]) else { return 0.0 };
        if column < first as usize {
            return 0.0;
        }
        let within = column - first as usize;
        if within < len as usize { self.values[offset as usize + within] } else { 0.0 }
    }

    /// Marks the columns that have a coefficient.
    pub fn mark(&self, columns: &mut [bool]) {
        for (first, values) in self.runs() {
            for (marked, value) in columns[first..].iter_mut().zip(values) {
                *marked |= *value != 0.0;
            }
        }
    }

    /// target += factor · self, without the constant.
    pub fn add_to(&self, target: &mut [f64], factor: f64) {
        for (first, values) in self.runs() {
            add_scaled(&mut target[first..first + values.len()], values, factor);
        }
    }

    /// The value at a point.
    pub fn value(&self, x: &[f64]) -> f64 {
        self.runs().fold(self.constant, |sum, (first, values)| sum + dot(values, &x[first..first + values.len()]))
    }

    /// The least and the greatest value in a box; exact while sums stay below 2^53.
    pub fn range(&self, lower: &[f64], upper: &[f64]) -> (f64, f64) {
        let (mut twice_middle, mut width) = (0.0, 0.0);
        for (first, values) in self.runs() {
            let (m, w) =
                middle_and_width(values, &lower[first..first + values.len()], &upper[first..first + values.len()]);
            twice_middle += m;
            width += w;
        }
        (self.constant + (twice_middle - width) / 2.0, self.constant + (twice_middle + width) / 2.0)
    }
}

/// target += the sum of factor · expression, without the constants, for some of the columns; four of the same columns at a time.
pub fn add_all<'a>(
    terms: &[(u32, f64)],
    expr: impl Fn(usize) -> &'a LinearExpr,
    columns: std::ops::Range<usize>,
    target: &mut [f64],
) {
    let within = |first: usize, len: usize| {
        let (begin, end) = (first.max(columns.start), (first + len).min(columns.end));
        (begin < end).then(|| (begin..end, begin - first..end - first))
    };
    let mut rest = terms;
    while let [one, others @ ..] = rest {
        if let [a, b, c, d, after @ ..] = rest
            && let [a, b, c, d] = [a, b, c, d].map(|(e, factor)| (expr(*e as usize), *factor))
            && let Some((first, len)) = a.0.span()
            && [&b, &c, &d].iter().all(|other| other.0.span() == Some((first, len)))
        {
            if let Some((columns, own)) = within(first, len) {
                let values = [a, b, c, d].map(|(expr, _)| &expr.values[own.clone()]);
                add_scaled4(&mut target[columns], values, [a.1, b.1, c.1, d.1]);
            }
            rest = after;
        } else {
            for (first, values) in expr(one.0 as usize).runs() {
                if let Some((columns, own)) = within(first, values.len()) {
                    add_scaled(&mut target[columns], &values[own], one.1);
                }
            }
            rest = others;
        }
    }
}
