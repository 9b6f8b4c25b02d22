//! What a report says of a property or measure.

use super::axis::Axis;
use super::counts::{Counts, Ground};
use super::family::{Curve, Grid, Histogram, Intervals, Reversal};
use crate::check::spec::Expectation;
use crate::verify::verdict::Kind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A property or measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Property {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The line of its name, from 1.
    pub line: usize,
    /// The column of its name in characters, from 1.
    pub column: usize,
    /// What its `///` lines say.
    pub docs: String,
    /// Its text in the spec, attributes included.
    pub text: String,
    /// The same in English.
    pub words: String,
    /// The definitions that it uses, in English.
    pub definitions: Vec<String>,
    /// What it takes for granted.
    pub assumptions: Vec<String>,
    /// The verdict that is expected.
    pub expected: Expectation,
    /// How many instances were verified.
    pub instances: usize,
    /// Their verdicts.
    pub counts: Counts,
    /// The sum of what their engines took, in seconds.
    pub time: f64,
    /// Whose answers they are.
    pub engines: BTreeMap<String, usize>,
    /// What the answers rest on.
    pub rests_on: Ground,
    /// The networks that it applies.
    pub networks: Vec<String>,
    /// Its parameters, with the verdicts for each value.
    pub axes: Vec<Axis>,
    /// Each verdict by itself, for a property of which no instances are counted together.
    pub grid: Option<Grid>,
    /// The share that is proved against an axis, for a property.
    pub curve: Option<Curve>,
    /// The proved intervals of a maximum or minimum against an axis.
    pub intervals: Option<Intervals>,
    /// How often each answer of a `largest` occurs.
    pub histogram: Option<Histogram>,
    /// Where more bits make it less robust.
    pub reversals: Vec<Reversal>,
}
