//! The parameters of a family, and what each is to its property.

use super::counts::Counts;
use serde::{Deserialize, Serialize};

/// What an axis of a family is to its property.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// An integer of a network: its width.
    Width,
    /// The radius of a ball.
    Radius,
    /// The number of a dataset's sample.
    Sample,
    /// Anything else.
    Other,
}

/// A parameter of a family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Axis {
    /// Its name.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// How many values it has.
    pub count: usize,
    /// The verdicts for each value; empty where there are too many.
    pub values: Vec<AxisValue>,
}

/// The verdicts for a value of a parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AxisValue {
    /// The value.
    pub value: String,
    /// The verdicts.
    pub counts: Counts,
}
