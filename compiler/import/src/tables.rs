//! Functions of integers as the graph has them: steps for those that never fall, differences of two steps for the others.
//!
//! In: an argument's range, and the function. Out: nodes that equal it on every integer of the range. Invariant: thresholds are found by asking the
//! function itself on both sides of each of them.

use crate::ImportError;
use crate::builder::Builder;
use qnn_ir::interrupt::work;
use qnn_ir::{Interval, Matrix, NodeId, Op, Step, Steps};
use std::sync::Arc;

/// The most results of a table.
const MAX_RESULTS: i64 = 1 << 17;

/// The most arguments of a function that may fall.
const MAX_ARGUMENTS: usize = 1 << 17;

/// The table of a function that never falls, over the integers of `range`. The function is `None` where the arithmetic leaves its numbers.
///
/// # Errors
/// A function that falls somewhere, has too many results, or leaves its numbers within the range.
pub(crate) fn monotone(range: Interval, f: impl Fn(i64) -> Option<i64>) -> Result<Step, ImportError> {
    let outside = || ImportError::new("its arithmetic leaves the integers that the kernel has for it");
    let ask = |a: i64| f(a).ok_or_else(outside);
    let (Ok(least), Ok(greatest)) = (i64::try_from(range.lo), i64::try_from(range.hi)) else { return Err(outside()) };
    let (lo, hi) = (ask(least)?, ask(greatest)?);
    if hi < lo {
        return Err(ImportError::new("its arithmetic is not monotone"));
    }
    if hi - lo > MAX_RESULTS {
        return Err(ImportError::new(format!("its results take more than {MAX_RESULTS} values")));
    }
    let mut thresholds: Vec<i128> = Vec::with_capacity((hi - lo) as usize);
    // f(below) < value <= f(from) for the value that is looked for.
    let mut below = least;
    for value in lo + 1..=hi {
        work(64);
        if let Some(last) = thresholds.last().map(|t| *t as i64)
            && ask(last)? >= value
        {
            thresholds.push(i128::from(last));
            continue;
        }
        let (mut low, mut high) = (below, greatest);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if ask(middle)? >= value { high = middle } else { low = middle }
        }
        if ask(high)? < value || ask(low)? >= value {
            return Err(ImportError::new("its arithmetic is not monotone"));
        }
        thresholds.push(i128::from(high));
        below = high;
    }
    Ok(Step::Table { lo: i128::from(lo), thresholds: thresholds.into() })
}

/// A function by its values on the integers from `least` on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Values {
    pub(crate) least: i64,
    /// At least one.
    pub(crate) values: Arc<[i64]>,
}

impl Values {
    /// The values on a range that is not large.
    ///
    /// # Errors
    /// A function that is not defined on the range, or a range that is too large.
    pub(crate) fn new(range: Interval, f: impl Fn(i64) -> Option<i64>) -> Result<Values, ImportError> {
        let count = usize::try_from(range.hi - range.lo).ok().filter(|count| *count < MAX_ARGUMENTS);
        let (Some(count), Ok(least)) = (count, i64::try_from(range.lo)) else {
            return Err(ImportError::new(format!("its input takes more than {MAX_ARGUMENTS} values")));
        };
        let values: Option<Arc<[i64]>> = (0..=count as i64).map(|k| f(least + k)).collect();
        let outside = || ImportError::new("its arithmetic leaves the integers that the kernel has for it");
        Ok(Values { least, values: values.ok_or_else(outside)? })
    }

    /// The step that begins at `start` and grows where `rise` of two neighbouring values is positive.
    fn step(&self, start: i64, rise: impl Fn(i64, i64) -> i64) -> Step {
        let mut thresholds = Vec::new();
        for (k, pair) in self.values.windows(2).enumerate() {
            for _ in 0..rise(pair[0], pair[1]).max(0) {
                thresholds.push(i128::from(self.least) + k as i128 + 1);
            }
        }
        Step::Table { lo: i128::from(start), thresholds: thresholds.into() }
    }

    /// Two steps whose difference is the function; the second is 0 where the function never falls.
    fn up_and_down(&self) -> (Step, Step) {
        let first = self.values.first().copied().unwrap_or(0);
        (self.step(first, |a, b| b - a), self.step(0, |a, b| a - b))
    }
}

impl Builder {
    /// Appends a function of each element: one for all, or one for each.
    ///
    /// # Errors
    /// A network that becomes too large.
    pub(crate) fn functions(
        &mut self,
        name: &str,
        source: NodeId,
        functions: &[Values],
    ) -> Result<NodeId, ImportError> {
        let len = self.graph.len(source);
        let (up, down): (Vec<Step>, Vec<Step>) = functions.iter().map(Values::up_and_down).unzip();
        let falls = down.iter().any(|step| step.hi() > 0);
        let steps = |steps: Vec<Step>| match <[Step; 1]>::try_from(steps) {
            Ok([step]) => Steps::Uniform(step),
            Err(steps) => Steps::Each(steps.into()),
        };
        self.grow(len)?;
        let up = self.push(name, Op::Step { source, steps: steps(up) })?;
        if !falls {
            return Ok(up);
        }
        self.grow(2 * len)?;
        let down = self.push(&format!("{name} (falling)"), Op::Step { source, steps: steps(down) })?;
        let terms = vec![(up, Matrix::diagonal(&vec![1; len])), (down, Matrix::diagonal(&vec![-1; len]))];
        self.push(name, Op::Affine { terms, bias: vec![0; len].into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_equal_their_functions() {
        for f in [|a: i64| a.div_euclid(7), |a: i64| (a / 3).clamp(-4, 5), |a: i64| if a < 2 { -3 } else { 40 }] {
            let step = monotone(Interval::new(-100, 90), |a| Some(f(a))).unwrap();
            for a in -100..=90 {
                assert_eq!(step.apply(i128::from(a)), i128::from(f(a)));
            }
        }
        assert!(monotone(Interval::new(0, 9), |a| Some(-a)).is_err());
        assert!(monotone(Interval::new(0, 9), |a| (a < 9).then_some(a)).is_err());
    }

    #[test]
    fn functions_that_fall_are_differences() {
        let mut builder = Builder::default();
        let source = builder.input("x", 2, Interval::new(-9, 9)).unwrap();
        let functions = [|a: i64| a * a - 5, |a: i64| 3 * a];
        let values = functions.map(|f| Values::new(Interval::new(-9, 9), |a| Some(f(a))).unwrap());
        builder.functions("y", source, &values).unwrap();
        for a in -9..=9 {
            let all = qnn_ir::interpret(&builder.graph, &[vec![a, a]]).unwrap();
            let want: Vec<i128> = functions.iter().map(|f| i128::from(f(a as i64))).collect();
            assert_eq!(all.last().unwrap(), &want);
        }
    }
}
