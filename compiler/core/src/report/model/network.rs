//! What a report says of a network.

use super::File;
use serde::{Deserialize, Serialize};

/// A network with its integers known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Network {
    /// As the spec calls it: `digits<6>`.
    pub name: String,
    /// Its inputs and its output: `(image: ufixed<8, 3>[8, 8]) -> fixed<6, 3>[10]`.
    pub signature: String,
    /// What it computes, step by step.
    pub layers: Vec<Layer>,
    /// Weights and biases.
    pub parameters: usize,
    /// Of these, how many saturated when they were quantized.
    pub saturated: usize,
    /// The bits that the parameters take.
    pub parameter_bits: usize,
    /// The bits of the two neighbouring tensors that take most.
    pub activation_bits: usize,
    /// The files that it reads.
    pub files: Vec<File>,
    /// Whose arithmetic it is, if it is a model file's: `tflm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<String>,
    /// What a user should know of a model file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// How often it is right, where a property says against what.
    pub accuracy: Option<Accuracy>,
}

/// A step of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Layer {
    /// Its name; empty where the spec gives none.
    pub name: String,
    /// What it computes.
    pub operation: String,
    /// Its shape: `[10]`; empty for a number.
    pub shape: String,
    /// Its format; `exact` between casts.
    pub format: String,
    /// The bits of its format, or of an accumulator that holds all of its values.
    pub bits: u32,
    /// The least integer over all inputs.
    pub least: i128,
    /// The greatest integer over all inputs.
    pub greatest: i128,
    /// The bits of the sums before they are scaled and rounded, where one layer does both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accumulator_bits: Option<u32>,
    /// Weights and biases.
    pub parameters: usize,
}

/// How often a network says what the dataset says, by the reference interpreter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Accuracy {
    /// The fields that are compared: `test.image`, `test.label`.
    pub dataset: String,
    /// How many samples were run, the first ones.
    pub samples: usize,
    /// How many the dataset has.
    pub of: usize,
    /// How many were right.
    pub right: usize,
}

impl Accuracy {
    /// The share that is right, from 0 to 1.
    pub fn share(&self) -> f64 {
        if self.samples == 0 { 0.0 } else { self.right as f64 / self.samples as f64 }
    }
}
