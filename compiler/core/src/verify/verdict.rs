//! Verdicts and results: what is said of one instance, to people and to programs.
//!
//! These are owned values that serialise as they stand (`--json`, reports, the editor); a field is never renamed or given another meaning
//! without raising [`RESULT_VERSION`].

pub use super::counterexample::{
    CallValue, CenterValue, Counterexample, Label, Layout, Numbers, Output, Smallest, VariableValue, argmax,
};
use super::evidence::Evidence;
use crate::check::spec::Expectation;
use crate::diagnostic::Diagnostic;
use num_traits::Signed;
use qnn_engine::Trust;
use qnn_engine::journal::Report;
use qnn_ir::Rational;
use qnn_ir::rational::{parse_exact, show, to_f64};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The version of [`InstanceResult`]'s serialised form.
pub const RESULT_VERSION: u32 = 2;

/// What is known of an instance. A measure is `proved` when its answer is known exactly, or, of a real-valued network, as far as its
/// enclosure tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It holds for every input that meets the assumptions, and there is such an input.
    Proved,
    /// A counterexample breaks it, replayed through the reference interpreter.
    Violated,
    /// Of a `find`: what is looked for, replayed through the reference interpreter.
    Found,
    /// Of a `find`: it is proved that there is none, and there are inputs that it could be.
    None,
    /// No input meets the assumptions, so it says nothing.
    Vacuous,
    /// The budget was spent before it was decided.
    Timeout,
    /// No engine could decide it, or it was cancelled.
    Unknown,
    /// The spec is wrong, or something is broken.
    Error,
}

impl Verdict {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Proved => "proved",
            Verdict::Violated => "violated",
            Verdict::Found => "found",
            Verdict::None => "none",
            Verdict::Vacuous => "vacuous",
            Verdict::Timeout => "timeout",
            Verdict::Unknown => "unknown",
            Verdict::Error => "error",
        }
    }

    /// Whether it is final: more time would not change it.
    pub fn is_decided(self) -> bool {
        !matches!(self, Verdict::Timeout | Verdict::Unknown | Verdict::Error)
    }

    /// The verdict of a `find`, from that of the statement that there is none.
    pub(crate) fn of_search(self) -> Verdict {
        match self {
            Verdict::Violated => Verdict::Found,
            Verdict::Proved => Verdict::None,
            other => other,
        }
    }

    /// Whether it is the one that the spec expects.
    pub fn is(self, expected: Expectation) -> bool {
        match expected {
            Expectation::Proved => self == Verdict::Proved,
            Expectation::Violated => self == Verdict::Violated,
            Expectation::Vacuous => self == Verdict::Vacuous,
            Expectation::Found => self == Verdict::Found,
            Expectation::None => self == Verdict::None,
            Expectation::Decided => matches!(self, Verdict::Found | Verdict::None),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a result comes to. Whatever counts results counts these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// The spec is wrong there, or something is broken.
    Error,
    /// The verdict is final, and not the expected one.
    Unexpected,
    /// It is undecided.
    Open,
    /// The verdict is the expected one.
    Expected,
}

impl Outcome {
    /// That of a verdict.
    pub fn of(verdict: Verdict, as_expected: bool) -> Outcome {
        match verdict {
            Verdict::Error => Outcome::Error,
            Verdict::Timeout | Verdict::Unknown => Outcome::Open,
            _ if as_expected => Outcome::Expected,
            _ => Outcome::Unexpected,
        }
    }
}

/// What kind of thing an instance is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A `property`.
    Property,
    /// A `find`.
    Find,
    /// A `measure` that maximises.
    Maximize,
    /// A `measure` that minimises.
    Minimize,
    /// A `measure` of the largest integer.
    Largest,
    /// A `measure` of the share of instances for which a statement holds.
    Share,
    /// A `measure` of the mean of known numbers.
    Average,
}

impl Kind {
    /// Whether it is a `measure`, which has a value.
    pub fn is_measure(self) -> bool {
        !matches!(self, Kind::Property | Kind::Find)
    }

    /// The word that begins such an item.
    pub fn keyword(self) -> &'static str {
        match self {
            Kind::Property => "property",
            Kind::Find => "find",
            Kind::Maximize | Kind::Minimize | Kind::Largest | Kind::Share | Kind::Average => "measure",
        }
    }
}

/// A parameter of a family with its value, as the spec writes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Parameter {
    /// Its name.
    pub name: Arc<str>,
    /// Its value: `3`, `0.5`, `2 lsb`, `gender`.
    pub text: String,
}

/// Whose fault an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    /// The spec, or a file that it names.
    Spec,
    /// qnn itself.
    Internal,
}

/// What is said of one instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct InstanceResult {
    /// Raised when a field of results is renamed or gets another meaning.
    #[cfg_attr(feature = "schema", schemars(extend("const" = RESULT_VERSION)))]
    pub version: u32,
    /// The instance: `robust(i = 3, eps = 1)`.
    pub name: String,
    /// The property or measure: `robust`.
    pub property: String,
    /// What it is.
    pub kind: Kind,
    /// The family's parameters in order.
    pub parameters: Vec<Parameter>,
    /// What is known.
    pub verdict: Verdict,
    /// What `#[expect(…)]` says; where it says nothing, `proved`, and of a `find` `decided`: found or none.
    pub expected: Expectation,
    /// Whether the verdict is the expected one.
    pub as_expected: bool,
    /// Whose fault it is, if the verdict is `error`.
    pub fault: Option<Fault>,
    /// The engine whose answer it is.
    pub engine: Option<String>,
    /// What a proof rests on.
    pub trust: Option<Trust>,
    /// How long the engines took, in seconds; as it was then, for what was remembered.
    #[serde(with = "seconds")]
    #[cfg_attr(feature = "schema", schemars(with = "f64"))]
    pub time: Duration,
    /// How long they might have taken, in seconds.
    #[serde(with = "seconds")]
    #[cfg_attr(feature = "schema", schemars(with = "f64"))]
    pub budget: Duration,
    /// The hash of what was asked and of whom: the key in the store. `None` if it was never lowered.
    pub key: Option<String>,
    /// Whether all of it was remembered from an earlier run.
    pub cached: bool,
    /// How much of the search was done, from 0 to 1 and less than 1, where an undecided one was searched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub searched: Option<f64>,
    /// What each engine did, in the order in which they ended; over all questions, for a measure.
    pub reports: Vec<Report>,
    /// What the answers to the obligations rest on, those of a `largest` in the order in which candidates were tried.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// What breaks it, if it is violated; what was found, of a `find`.
    pub counterexample: Option<Counterexample>,
    /// What was measured, for a measure.
    pub measure: Option<MeasureResult>,
    /// The verdict in a sentence, with what is known so far where it is not final.
    pub detail: String,
    /// What `detail` is made of, if it is undecided.
    #[serde(skip)]
    pub open: Open,
    /// What is wrong with the spec, if that is the error. Places are of the database that the instance came from.
    #[serde(skip)]
    pub diagnostics: Vec<Diagnostic>,
}

/// Why something is undecided, and what is known of it all the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Open {
    /// In one or two sentences.
    pub(super) why: String,
    /// In sentences, with a space before each.
    pub(super) known: String,
}

impl InstanceResult {
    /// What it comes to.
    pub fn outcome(&self) -> Outcome {
        Outcome::of(self.verdict, self.as_expected)
    }

    /// Whether it rests on somebody's word, as the store says: nothing of that could be checked again.
    pub fn is_unchecked(&self) -> bool {
        matches!(self.trust, Some(Trust::Solver { remembered: true, .. }))
    }
}

/// An exact number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "ExactNumber"))]
pub struct Number {
    /// Exactly: `-3`, `5/16`.
    pub exact: String,
    /// As people read it: exact, or rounded after `≈`.
    pub text: String,
    /// The nearest finite float.
    pub value: f64,
}

impl Number {
    /// The number; `None` if somebody wrote something else.
    pub fn rational(&self) -> Option<Rational> {
        parse_exact(&self.exact)
    }

    /// Which of two is less; by their floats if somebody wrote what is no number.
    pub fn order(&self, other: &Number) -> Ordering {
        match (self.rational(), other.rational()) {
            (Some(this), Some(other)) => this.cmp(&other),
            _ => self.value.total_cmp(&other.value),
        }
    }
}

impl From<&Rational> for Number {
    fn from(value: &Rational) -> Number {
        Number { exact: value.to_string(), text: show(value), value: to_f64(value).clamp(f64::MIN, f64::MAX) }
    }
}

/// What was measured. Everything here is sound, whether or not it is complete.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MeasureResult {
    /// The best that was found: attained by `witness`; for `largest`, the largest candidate that is proved; for `share`, the part that is proved.
    pub found: Option<Number>,
    /// The best that is not excluded: the maximum is never above it, the minimum never below; for `share`, the part that is not known to
    /// fail. `None` where nothing is known.
    pub bound: Option<Number>,
    /// Whether the two meet, or it is known that there is no answer.
    pub complete: bool,
    /// The values of the measure's indices where `found` is attained, for a `maximize` or `minimize` that has some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choice: Vec<Parameter>,
    /// Where `found` is attained; for `largest`, what breaks the statement at `violated`.
    pub witness: Option<Counterexample>,
    /// How far apart `found` and `bound` may be, where the spec says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Number>,
    /// The candidates, for `largest`.
    pub largest: Option<Largest>,
    /// What was counted, for `share`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Share>,
}

impl MeasureResult {
    /// Whether what is open is no more than the spec allows.
    pub fn is_close(&self) -> bool {
        let number = |number: &Option<Number>| number.as_ref().and_then(Number::rational);
        match (number(&self.found), number(&self.bound), number(&self.within)) {
            (Some(found), Some(bound), Some(within)) => (bound - found).abs() <= within,
            _ => false,
        }
    }
}

/// What is known of the instances that a `share` counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Share {
    /// How many there are.
    pub of: usize,
    /// How many hold.
    pub proved: usize,
    /// How many are broken by a counterexample.
    pub violated: usize,
    /// How many say nothing, for no input meets their assumptions: they don't count as holding.
    pub vacuous: usize,
    /// How many are undecided.
    pub open: usize,
}

/// What is known of the candidates of a `largest … such that`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Largest {
    /// The variable's name.
    pub name: String,
    /// The first candidate.
    pub first: i128,
    /// The last candidate.
    pub last: i128,
    /// Whether a greater candidate is visibly harder, so that each answer speaks for all candidates on its side.
    pub monotone: bool,
    /// The largest candidate that is proved.
    pub proved: Option<i128>,
    /// The least candidate above it that is violated.
    pub violated: Option<i128>,
    /// The candidates above `proved` that could still be the answer: tried in vain, or not tried.
    pub open: usize,
    /// The candidates that were tried, ascending.
    pub candidates: Vec<Candidate>,
}

/// A candidate that was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Candidate {
    /// The integer.
    pub value: i128,
    /// What is known of the statement for it.
    pub verdict: Verdict,
    /// The engine whose answer it is.
    pub engine: Option<String>,
    /// How long the engines took, in seconds.
    #[serde(with = "seconds")]
    #[cfg_attr(feature = "schema", schemars(with = "f64"))]
    pub time: Duration,
    /// Its key in the store.
    pub key: String,
    /// Whether it was remembered.
    pub cached: bool,
}

/// Durations as seconds.
pub(crate) mod seconds {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use std::time::Duration;

    pub fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(duration.as_secs_f64())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        Duration::try_from_secs_f64(f64::deserialize(from)?).map_err(D::Error::custom)
    }
}
