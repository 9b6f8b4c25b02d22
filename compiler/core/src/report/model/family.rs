//! What a report says of a family as a whole: curves, grids, intervals, histograms and reversals.
//!
//! The data of the charts, without any of how they are drawn.

use super::axis::Role;
use crate::verify::verdict::{Number, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Shares against an axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Curve {
    /// The axis: `bits`.
    pub axis: String,
    /// What it is.
    pub role: Role,
    /// The parameters that each point counts over.
    pub over: Vec<String>,
    /// The lines.
    pub lines: Vec<Line>,
    /// The accuracy of the network at each place, where it is known.
    pub accuracy: Vec<Share>,
}

/// A line of a curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Line {
    /// What distinguishes it: `eps = 1`; empty for the only one.
    pub name: String,
    /// Its points, by place.
    pub points: Vec<Point>,
}

/// A point of a curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Point {
    /// Where on the axis, as the parameter's exact text.
    pub text: String,
    /// The nearest float.
    pub at: f64,
    /// The instances there.
    pub instances: usize,
    /// Of these, proved.
    pub proved: usize,
    /// Of these, violated.
    pub violated: usize,
    /// Of these, undecided or in error.
    pub open: usize,
}

impl Point {
    /// The share that is proved, and the share that is proved or undecided.
    pub fn shares(&self) -> (f64, f64) {
        let of = self.instances.max(1) as f64;
        (self.proved as f64 / of, (self.proved + self.open) as f64 / of)
    }
}

/// A share at a place of an axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Share {
    /// Where on the axis.
    pub at: f64,
    /// The network that it is of.
    pub network: String,
    /// How many samples were right.
    pub right: usize,
    /// How many were run.
    pub samples: usize,
}

impl Share {
    /// From 0 to 1.
    pub fn share(&self) -> f64 {
        self.right as f64 / self.samples.max(1) as f64
    }
}

/// Each verdict of a family by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Grid {
    /// The parameter that has a column for each value.
    pub columns: String,
    /// The parameter that has a line for each value; `None` where one alone varies.
    pub rows: Option<String>,
    /// The values of the columns.
    pub places: Vec<String>,
    /// The lines.
    pub lines: Vec<GridLine>,
}

/// A line of a grid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GridLine {
    /// The value; empty for the only line.
    pub name: String,
    /// The verdicts by column; `None` where there is no instance.
    pub cells: Vec<Option<Cell>>,
}

/// A verdict in a grid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Cell {
    /// The instance.
    pub instance: String,
    /// What is known of it.
    pub verdict: Verdict,
    /// Whether that is what the spec expects.
    pub as_expected: bool,
}

/// Intervals against an axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Intervals {
    /// The axis.
    pub axis: String,
    /// The parameters of which each point takes the worst.
    pub over: Vec<String>,
    /// The lines.
    pub lines: Vec<IntervalLine>,
}

/// A line of intervals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IntervalLine {
    /// What distinguishes it.
    pub name: String,
    /// Its points, by place.
    pub points: Vec<IntervalPoint>,
}

/// What is known of a maximum or minimum at a place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IntervalPoint {
    /// Where on the axis, as the parameter's exact text.
    pub text: String,
    /// The nearest float.
    pub at: f64,
    /// The best that was found.
    pub found: Option<Number>,
    /// The best that is not excluded.
    pub bound: Option<Number>,
}

/// How often each answer occurs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Histogram {
    /// The variable of the `largest`.
    pub variable: String,
    /// The first candidate.
    pub first: i128,
    /// The last candidate.
    pub last: i128,
    /// One for each value of the axis that is compared, or a single one.
    pub groups: Vec<Group>,
}

/// The most different answers that are shown as bars; more are shown as a curve.
const MOST_BARS: usize = 24;

impl Histogram {
    /// Whether the answers are shown as a curve, the share of instances that have an answer or a greater one, because there are too many for bars.
    pub fn is_cumulative(&self) -> bool {
        let answers: BTreeSet<i128> = self.groups.iter().flat_map(|g| &g.bars).map(|bar| bar.value).collect();
        answers.len() > MOST_BARS
    }
}

/// The answers for one value of an axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Group {
    /// `bits = 6`; empty for the only one.
    pub name: String,
    /// Answer and count, ascending.
    pub bars: Vec<Bar>,
    /// How many hold for no candidate.
    pub none: usize,
    /// How many are not known exactly.
    pub open: usize,
}

impl Group {
    /// The corners of a falling staircase: from the first candidate on, the share of instances whose answer is at least that candidate.
    pub fn reached(&self, first: i128) -> Vec<(i128, f64)> {
        let answered: usize = self.bars.iter().map(|bar| bar.count).sum();
        let all = (answered + self.none + self.open).max(1) as f64;
        let mut left = answered;
        let mut corners = vec![(first, left as f64 / all)];
        for bar in &self.bars {
            corners.push((bar.value, left as f64 / all));
            left -= bar.count;
            corners.push((bar.value, left as f64 / all));
        }
        corners
    }
}

/// An answer and how often it occurs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Bar {
    /// The answer.
    pub value: i128,
    /// How often.
    pub count: usize,
}

/// More bits, and worse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reversal {
    /// The axis: `bits`.
    pub axis: String,
    /// The other parameters: `i = 3, eps = 1`.
    pub given: String,
    /// The value at which it is better.
    pub from: String,
    /// The greater value at which it is worse.
    pub to: String,
    /// What is known at `from`: `proved`, or a radius.
    pub better: String,
    /// What is known at `to`: `violated`, or a radius.
    pub worse: String,
}
