//! A function of stored integers that is given by its values.
//!
//! In: a node and the function's values on the integers that occur. Out: a node that computes them. A function that never falls is a [`Step`]. Any other
//! is one less another: the first takes all that the function rises, the second all that it falls. Clamping the difference to the function's own range
//! changes nothing, and keeps ranges tight. Formats and scales are the caller's.

use super::super::super::Checked;
use super::super::Builder;
use crate::diagnostic::Diagnostic;
use qnn_ir::interrupt::work;
use qnn_ir::{Matrix, NodeId, Op, Step, Steps};
use qnn_syntax::Span;
use std::ops::Range;

/// The most that a function may rise and fall in all.
const MAX_VARIATION: i128 = 1 << 20;

/// A function of some elements of a node.
pub(super) struct Table {
    /// The least integer that occurs.
    pub(super) first: i128,
    /// The function's values, from there on.
    pub(super) values: Vec<i128>,
    /// The elements that it is of.
    pub(super) elements: Range<usize>,
}

impl Table {
    /// How much the function rises, and how much it falls.
    fn variation(&self) -> (i128, i128) {
        self.values.windows(2).inspect(|_| work(1)).fold((0i128, 0i128), |(up, down), pair| {
            let by = pair[1].saturating_sub(pair[0]);
            (up.saturating_add(by.max(0)), down.saturating_add(by.saturating_neg().max(0)))
        })
    }

    /// The step from `lo` that rises by what `f` makes of each difference of two neighbouring values.
    fn step(&self, lo: i128, f: impl Fn(i128) -> i128) -> Step {
        let mut thresholds = Vec::new();
        for (at, pair) in (self.first + 1..).zip(self.values.windows(2)) {
            let by = usize::try_from(f(pair[1] - pair[0])).unwrap_or(0);
            work(1 + by);
            thresholds.extend(std::iter::repeat_n(at, by));
        }
        Step::Table { lo, thresholds: thresholds.into() }
    }

    /// The step that cuts off what is beyond the function's own values.
    fn clamp(&self) -> Step {
        let ends = (self.values.iter().min(), self.values.iter().max());
        Step::clamp(ends.0.copied().unwrap_or(0), ends.1.copied().unwrap_or(0))
    }
}

impl Builder<'_> {
    /// The functions' values; the tables' elements are those of the node, in order.
    pub(super) fn table(&mut self, source: NodeId, tables: &[Table], span: Span) -> Checked<NodeId> {
        let variations: Vec<(i128, i128)> = tables.iter().map(Table::variation).collect();
        if variations.iter().any(|(up, down)| up.saturating_add(*down) > MAX_VARIATION) {
            return self.report(
                Diagnostic::error(
                    "E0313",
                    "the values of this function are too many steps apart",
                    self.place(span),
                    format!("rises and falls by more than {MAX_VARIATION} steps in all"),
                )
                .help("cast it to a format with fewer bits"),
            );
        }
        let first = |table: &Table| table.values.first().copied().unwrap_or(0);
        let rising = self.step_of(source, tables, &|table| table.step(first(table), |by| by.max(0)), span)?;
        if variations.iter().all(|(_, down)| *down == 0) {
            return Ok(rising);
        }
        let falling = self.step_of(source, tables, &|table| table.step(0, |by| (-by).max(0)), span)?;
        let len = self.graph.len(source);
        let terms = vec![(rising, Matrix::diagonal(&vec![1; len])), (falling, Matrix::diagonal(&vec![-1; len]))];
        let difference = self.push(Op::Affine { terms, bias: vec![0; len].into() }, span)?;
        self.step_of(difference, tables, &Table::clamp, span)
    }

    /// A step of each table, for its elements.
    fn step_of(
        &mut self,
        source: NodeId,
        tables: &[Table],
        step: &dyn Fn(&Table) -> Step,
        span: Span,
    ) -> Checked<NodeId> {
        let steps = match tables {
            [only] => Steps::Uniform(step(only)),
            _ => {
                let each = tables.iter().flat_map(|table| {
                    work(table.elements.len());
                    std::iter::repeat_n(step(table), table.elements.len())
                });
                Steps::Each(each.collect())
            }
        };
        self.push(Op::Step { source, steps }, span)
    }
}
