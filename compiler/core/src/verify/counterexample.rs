//! Counterexamples as they are serialised: values of variables, what networks make of them, how small they are.
//!
//! Owned values that are shown as they stand; a field is never renamed or given another meaning without raising the version of results.

use crate::check::spec::Smallness;
use num_traits::Signed;
use qnn_ir::Rational;
use qnn_ir::rational::{exact, parse_exact, show, to_f64};
use serde::{Deserialize, Serialize};

/// Values of a property's variables with what the networks make of them. Every one has passed the reference interpreter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Counterexample {
    /// The quantified variables in the order of the spec.
    pub variables: Vec<VariableValue>,
    /// The networks that the property applies, in the order of the spec.
    pub calls: Vec<CallValue>,
    /// How small it is, where the spec asks for a small one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smallest: Option<Smallest>,
}

/// How small a counterexample is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Smallest {
    /// What the spec asks for.
    pub goal: Smallness,
    /// How many elements differ from their centres; or the greatest difference, in steps.
    pub size: i64,
    /// Whether it is proved that no counterexample has less.
    pub proved: bool,
}

/// Stored numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Numbers {
    /// The raw integers, row-major, as the format stores them.
    pub raw: Vec<i128>,
    /// The values as people read them: exact, or rounded after `≈`.
    pub values: Vec<String>,
    /// The values exactly: `0.5`, `1/3`.
    pub exact: Vec<String>,
}

impl Numbers {
    /// Stored integers with their values.
    pub fn new(raw: Vec<i128>, values: &[Rational]) -> Numbers {
        Numbers { raw, values: values.iter().map(show).collect(), exact: values.iter().map(exact).collect() }
    }

    /// The nearest floats, for pictures; 0 where a text that somebody wrote is no number.
    pub fn floats(&self) -> Vec<f64> {
        self.exact.iter().map(|text| parse_exact(text).map_or(0.0, |value| to_f64(&value))).collect()
    }
}

/// How numbers are laid out and stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Layout {
    /// The sizes of the axes; empty for a number.
    pub shape: Vec<usize>,
    /// For each axis, the names of its entries, if an enum names them.
    pub labels: Vec<Option<Vec<String>>>,
    /// The format as a spec writes it; `None` for exact numbers.
    pub format: Option<String>,
    /// The least and the greatest raw integer of the format.
    pub limits: Option<(i64, i64)>,
}

impl Layout {
    /// The name of an entry of a vector: an enum's variant, or its index.
    pub fn entry(&self, index: usize) -> String {
        let names = self.labels.first().and_then(Option::as_ref);
        names.and_then(|names| names.get(index)).cloned().unwrap_or_else(|| index.to_string())
    }
}

/// A variable of a counterexample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VariableValue {
    /// Its name.
    pub name: String,
    /// Axes and format.
    #[serde(flatten)]
    pub layout: Layout,
    /// Its value.
    pub numbers: Numbers,
    /// The centre of the ball that it ranges over, if it does.
    pub center: Option<CenterValue>,
}

impl VariableValue {
    /// The greatest magnitude of the differences from the centre; `None` where there is no centre.
    pub fn greatest_difference(&self) -> Option<Rational> {
        let pairs = self.numbers.exact.iter().zip(&self.center.as_ref()?.numbers.exact);
        pairs.filter_map(|(value, center)| Some((parse_exact(value)? - parse_exact(center)?).abs())).max()
    }
}

/// The centre of a ball beside a value of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CenterValue {
    /// The centre itself.
    pub numbers: Numbers,
    /// The value's raw integers minus the centre's.
    pub difference: Vec<i128>,
}

/// A network's output in a counterexample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CallValue {
    /// The call as the spec writes it: `classifier(x)`.
    pub text: String,
    /// The network: `student<6>`.
    pub network: String,
    /// Axes and format of the output.
    #[serde(flatten)]
    pub layout: Layout,
    /// What it computes.
    pub output: Output,
    /// What it computes with every ball's variable at the centre; `None` where there is no ball.
    pub center: Option<Output>,
    /// Whether the property asks for its argmax.
    pub asks_argmax: bool,
    /// The class that the property compares its argmax with; `None` where that is no constant, or not one alone.
    pub label: Option<Label>,
    /// Whether the centre's class already is not what the property wants of it.
    pub wrong_before: bool,
}

/// A class that a property compares an argmax with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Label {
    /// Its index.
    pub index: usize,
    /// An enum's variant, or the index.
    pub text: String,
    /// Whether the property wants any class but this one.
    pub excluded: bool,
}

/// What a network computes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Output {
    /// The numbers.
    pub numbers: Numbers,
    /// The index of the first greatest value; `None` for a single number.
    pub argmax: Option<usize>,
    /// The indices of all greatest values, ascending; empty unless there are two or more.
    pub ties: Vec<usize>,
}

/// The index of the first greatest of several values, and the indices of all greatest ones where there are two or more.
pub fn argmax(values: &[Rational]) -> (Option<usize>, Vec<usize>) {
    let greatest = values.iter().max().filter(|_| values.len() > 1);
    let ties: Vec<usize> = (0..values.len()).filter(|i| greatest == Some(&values[*i])).collect();
    (ties.first().copied(), if ties.len() > 1 { ties } else { Vec::new() })
}
