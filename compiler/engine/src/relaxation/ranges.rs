//! The ranges of columns and expressions in a branch, and what follows when one is narrowed.
//!
//! Invariant: every range here contains the one that the certificate checker has at the same step of the proof; so this
//! file may do less than the checker does (it never goes backwards through anything but a step), never more.

use super::LIMIT;
use super::kernels::narrow;
use super::network::{Kind, NONE, Relaxation};
use qnn_ir::interrupt::work;

/// Integers, as `f64`.
#[derive(Clone, Debug)]
pub struct Ranges {
    /// The least value of each column.
    pub lower: Vec<f64>,
    /// The greatest value of each column.
    pub upper: Vec<f64>,
    /// (least, greatest) of each expression.
    pub exprs: Vec<(f64, f64)>,
    /// The least that the columns' ranges leave of each expression …
    least: Vec<f64>,
    /// … and the greatest.
    greatest: Vec<f64>,
}

/// There is no value left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Empty;

impl Ranges {
    /// The ranges over the inputs' boxes, given in the order of the input columns; `None` where a number is beyond [`LIMIT`].
    /// Ranges of composite expressions are this file's own: the certificate has to derive them.
    pub fn new(relaxation: &Relaxation, boxes: &[(i64, i64)]) -> Option<Ranges> {
        let count = relaxation.columns.len();
        let mut ranges = Ranges {
            lower: vec![0.0; count],
            upper: vec![0.0; count],
            exprs: vec![(0.0, 0.0); relaxation.exprs.len()],
            least: vec![0.0; relaxation.exprs.len()],
            greatest: vec![0.0; relaxation.exprs.len()],
        };
        let (mut next, mut greatest) = (boxes.iter(), 0.0f64);
        for column in 0..count {
            let (lo, hi) = if relaxation.nonlinearity_of[column] == NONE {
                let (lo, hi) = next.next().copied()?;
                (lo as f64, hi as f64)
            } else {
                let nonlinearity = &relaxation.nonlinearities[relaxation.nonlinearity_of[column] as usize];
                for e in nonlinearity.exprs() {
                    let expr = &relaxation.exprs[e];
                    work(2 * expr.entries());
                    let entries: f64 = expr.runs().map(|(_, values)| values.len() as f64).sum();
                    if expr.constant.abs() + entries * expr.greatest * greatest > LIMIT as f64 {
                        let magnitude = expr.runs().fold(expr.constant.abs(), |sum, (first, values)| {
                            values.iter().enumerate().fold(sum, |sum, (k, v)| {
                                sum + v.abs() * ranges.lower[first + k].abs().max(ranges.upper[first + k].abs())
                            })
                        });
                        if magnitude > LIMIT as f64 {
                            return None;
                        }
                    }
                    ranges.exprs[e] = expr.range(&ranges.lower, &ranges.upper);
                    (ranges.least[e], ranges.greatest[e]) = ranges.exprs[e];
                }
                ranges.image(relaxation, relaxation.nonlinearity_of[column] as usize)?
            };
            if lo.abs().max(hi.abs()) > LIMIT as f64 {
                return None;
            }
            greatest = greatest.max(lo.abs()).max(hi.abs());
            (ranges.lower[column], ranges.upper[column]) = (lo, hi);
        }
        Some(ranges)
    }

    /// The range of a nonlinearity's result, from its arguments'.
    fn image(&self, relaxation: &Relaxation, nonlinearity: usize) -> Option<(f64, f64)> {
        let nonlinearity = &relaxation.nonlinearities[nonlinearity];
        let (lo, hi) = self.exprs[nonlinearity.first as usize];
        match nonlinearity.kind {
            Kind::Step(table) => {
                let table = &relaxation.step_tables[table as usize];
                Some((table.apply(lo as i64)? as f64, table.apply(hi as i64)? as f64))
            }
            Kind::Wrap { width, signed } => {
                let (least, greatest) = qnn_ir::range::wrap_limits(width, signed);
                let first = qnn_ir::interpreter::wrap(lo as i128, width, signed);
                let last = first + (hi - lo) as i128;
                Some(if last <= greatest { (first as f64, last as f64) } else { (least as f64, greatest as f64) })
            }
            Kind::Max => {
                let of = |end: fn(&(f64, f64)) -> f64| {
                    self.exprs[nonlinearity.exprs()].iter().map(end).fold(f64::NEG_INFINITY, f64::max)
                };
                Some((of(|range| range.0), of(|range| range.1)))
            }
        }
    }

    /// About how many bytes they take.
    pub fn bytes(&self) -> usize {
        self.lower.len() * 16 + self.exprs.len() * 32
    }

    /// Whether a column has one value only.
    pub fn is_point(&self, column: usize) -> bool {
        self.lower[column] == self.upper[column]
    }

    /// Narrows a column and all that follows; `changed` collects the nonlinearities whose ranges changed.
    ///
    /// # Errors
    /// [`Empty`] if nothing is left.
    pub fn narrow_column(
        &mut self,
        relaxation: &Relaxation,
        column: usize,
        lo: f64,
        hi: f64,
        changed: &mut Vec<u32>,
    ) -> Result<(), Empty> {
        self.set_column(relaxation, column, lo, hi, changed)?;
        self.propagate(relaxation, changed)
    }

    /// Narrows several columns at once.
    ///
    /// # Errors
    /// [`Empty`] if nothing is left.
    pub fn narrow_columns(
        &mut self,
        relaxation: &Relaxation,
        narrower: &[(u32, f64, f64)],
        changed: &mut Vec<u32>,
    ) -> Result<(), Empty> {
        for (column, lo, hi) in narrower {
            self.set_column(relaxation, *column as usize, *lo, *hi, changed)?;
        }
        self.propagate(relaxation, changed)
    }

    /// Narrows an expression and all that follows.
    ///
    /// # Errors
    /// [`Empty`] if nothing is left.
    pub fn narrow_expr(
        &mut self,
        relaxation: &Relaxation,
        expr: usize,
        lo: f64,
        hi: f64,
        changed: &mut Vec<u32>,
    ) -> Result<(), Empty> {
        let range = &mut self.exprs[expr];
        let new = (range.0.max(lo), range.1.min(hi));
        if new.0 > new.1 {
            return Err(Empty);
        }
        if new == *range {
            return Ok(());
        }
        *range = new;
        let nonlinearity = relaxation.user[expr] as usize;
        changed.push(nonlinearity as u32);
        self.meet_image(relaxation, nonlinearity, changed)?;
        self.propagate(relaxation, changed)
    }

    /// What the columns' ranges leave of an expression.
    pub fn natural(&self, expr: usize) -> (f64, f64) {
        (self.least[expr], self.greatest[expr])
    }

    /// Gives a column a narrower range; the expressions that mention it follow, exactly.
    fn assign(&mut self, relaxation: &Relaxation, column: usize, lo: f64, hi: f64) {
        let (rise, fall) = (lo - self.lower[column], self.upper[column] - hi);
        (self.lower[column], self.upper[column]) = (lo, hi);
        for (first, coefficients) in relaxation.columnwise.of(column) {
            let own = first..first + coefficients.len();
            narrow(&mut self.least[own.clone()], &mut self.greatest[own], coefficients, rise, fall);
        }
    }

    fn set_column(
        &mut self,
        relaxation: &Relaxation,
        column: usize,
        lo: f64,
        hi: f64,
        changed: &mut Vec<u32>,
    ) -> Result<(), Empty> {
        let (lo, hi) = (lo.max(self.lower[column]), hi.min(self.upper[column]));
        if lo > hi {
            return Err(Empty);
        }
        if (lo, hi) == (self.lower[column], self.upper[column]) {
            return Ok(());
        }
        self.assign(relaxation, column, lo, hi);
        let nonlinearity = relaxation.nonlinearity_of[column];
        if nonlinearity != NONE {
            changed.push(nonlinearity);
            if let Kind::Step(table) = relaxation.nonlinearities[nonlinearity as usize].kind {
                // y >= v exactly if a >= T(v).
                let table = &relaxation.step_tables[table as usize];
                let range = &mut self.exprs[relaxation.nonlinearities[nonlinearity as usize].first as usize];
                if let Some(threshold) = table.threshold(lo as i64) {
                    range.0 = range.0.max(threshold as f64);
                }
                if let Some(threshold) = table.threshold(hi as i64 + 1) {
                    range.1 = range.1.min(threshold as f64 - 1.0);
                }
                if range.0 > range.1 {
                    return Err(Empty);
                }
            }
        }
        Ok(())
    }

    fn meet_image(
        &mut self,
        relaxation: &Relaxation,
        nonlinearity: usize,
        changed: &mut Vec<u32>,
    ) -> Result<(), Empty> {
        if let Some((lo, hi)) = self.image(relaxation, nonlinearity) {
            let column = relaxation.nonlinearities[nonlinearity].column as usize;
            let (lo, hi) = (lo.max(self.lower[column]), hi.min(self.upper[column]));
            if lo > hi {
                return Err(Empty);
            }
            if (lo, hi) != (self.lower[column], self.upper[column]) {
                self.assign(relaxation, column, lo, hi);
                changed.push(nonlinearity as u32);
            }
        }
        Ok(())
    }

    /// Takes over what columns say of expressions, in order.
    fn propagate(&mut self, relaxation: &Relaxation, changed: &mut Vec<u32>) -> Result<(), Empty> {
        for (index, nonlinearity) in relaxation.nonlinearities.iter().enumerate() {
            let mut narrower = false;
            for e in nonlinearity.exprs() {
                let (lo, hi) = self.exprs[e];
                let new = (lo.max(self.least[e]), hi.min(self.greatest[e]));
                // The checker goes node by node: what it sees of a composite expression may be wider.
                if new == (lo, hi) || relaxation.places[e].composite {
                    continue;
                }
                if new.0 > new.1 {
                    return Err(Empty);
                }
                narrower = true;
                self.exprs[e] = new;
            }
            if narrower {
                changed.push(index as u32);
                self.meet_image(relaxation, index, changed)?;
            }
        }
        Ok(())
    }
}
