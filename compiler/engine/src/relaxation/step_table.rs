//! Step tables: the values of a step and the thresholds where they begin.

use super::LIMIT;
use qnn_ir::Step;
use qnn_ir::interrupt::work;

/// More values than this are not tabulated; the staircase is then a strip.
const TABULATED: i128 = 1 << 13;

/// A staircase: value `lo + k` begins at `thresholds[k - 1]`.
#[derive(Clone, Debug)]
pub enum StepTable {
    /// All thresholds.
    Table {
        /// The least value.
        lo: i64,
        /// Non-decreasing, clamped to ±2 · [`LIMIT`], which no range reaches.
        thresholds: Vec<i64>,
        /// All thresholds are equally far from the next.
        even: bool,
    },
    /// Too many values to list.
    Wide(Step),
}

impl StepTable {
    pub(super) fn new(step: &Step) -> Option<StepTable> {
        let (lo, hi) = (step.lo(), step.hi());
        let far = i128::from(LIMIT) * 2;
        let count = hi.checked_sub(lo)?;
        if count > TABULATED && matches!(step, Step::Round { .. }) {
            let fits = lo.abs() <= i128::from(LIMIT) && hi.abs() <= i128::from(LIMIT);
            return fits.then(|| StepTable::Wide(step.clone()));
        }
        work(16 * count as usize);
        let thresholds = (lo + 1..=hi).map(|v| Some(step.threshold(v)?.clamp(-far, far) as i64));
        let thresholds: Vec<i64> = thresholds.collect::<Option<_>>()?;
        let even = thresholds.windows(3).all(|t| t[1] - t[0] == t[2] - t[1]);
        Some(StepTable::Table { lo: i64::try_from(lo).ok()?, thresholds, even })
    }

    /// The value; `None` beyond 128 bits.
    pub fn apply(&self, a: i64) -> Option<i64> {
        match self {
            StepTable::Table { lo, thresholds, .. } => Some(lo + thresholds.partition_point(|t| *t <= a) as i64),
            StepTable::Wide(step) => step.checked_apply(i128::from(a)).and_then(|v| i64::try_from(v).ok()),
        }
    }

    /// The least argument with at least this value; `None` where all or none have it.
    pub fn threshold(&self, v: i64) -> Option<i64> {
        match self {
            StepTable::Table { lo, thresholds, .. } => {
                thresholds.get(usize::try_from(v.checked_sub(*lo)?.checked_sub(1)?).ok()?).copied()
            }
            StepTable::Wide(step) => step.threshold(i128::from(v)).and_then(|t| i64::try_from(t).ok()),
        }
    }

    /// Whether it has too many values to list.
    pub fn is_wide(&self) -> bool {
        matches!(self, StepTable::Wide(_))
    }

    /// The least value `lo` of a wide staircase whose arguments, from `least` on, are not all at the slope: where to split it.
    pub fn kink(&self, least: f64, lo: f64) -> Option<f64> {
        let first = self.threshold(lo as i64 + 1)?;
        let flat = self.is_wide() && least < first as f64 - 1.0;
        // What a value's own arguments are is no flat part.
        let next = self.threshold(lo as i64 + 2)?;
        (flat && first as f64 - 1.0 - least > (next - first) as f64).then_some(lo)
    }

    /// The least and the greatest value.
    pub fn ends(&self) -> (f64, f64) {
        match self {
            StepTable::Table { lo, thresholds, .. } => (*lo as f64, (*lo + thresholds.len() as i64) as f64),
            StepTable::Wide(step) => (step.lo() as f64, step.hi() as f64),
        }
    }

    /// (slope, value at zero) of a line through the middle of the staircase.
    pub fn line(&self) -> (f64, f64) {
        let (lo, hi) = self.ends();
        let ends = (self.threshold(lo as i64 + 1), self.threshold(hi as i64));
        let (Some(first), Some(last)) = ends else { return (0.0, lo) };
        let (first, last) = (first as f64, last as f64);
        let slope = if last > first { (hi - lo - 1.0) / (last - first) } else { 0.5 };
        (slope, lo + 0.5 - slope * first)
    }
}
