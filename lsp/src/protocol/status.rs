//! `qnn/verificationStatus`: how a document, its properties and their instances stand.

use super::counterexample::CounterexampleStatus;
use super::measure::MeasureStatus;
use super::mood::Mood;
use super::progress::Progress;
use super::state::{Counts, State};
use qnn::check::spec::Expectation;
use qnn::engine::Trust;
use qnn::verify::Verdict;
use qnn::verify::verdict::{Kind, Parameter};
use serde::{Deserialize, Serialize};
use tower_lsp::lsp_types::{Range, Url, notification::Notification};

/// The version of [`Status`].
pub const VERSION: u32 = 2;

/// The counterexamples that one notification carries at most.
pub const MOST_COUNTEREXAMPLES: usize = 20;

/// The numbers of a counterexample that a notification carries at most.
pub const MOST_NUMBERS: usize = 8192;

/// `qnn/verificationStatus`.
pub enum VerificationStatus {}

impl Notification for VerificationStatus {
    type Params = Status;
    const METHOD: &'static str = "qnn/verificationStatus";
}

/// The parameters of `qnn/verificationStatus`: what is known of a document's properties, or what has changed of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The version of the notification.
    pub version: u32,
    /// The spec.
    #[cfg_attr(test, schemars(with = "String"))]
    pub uri: Url,
    /// The version of the text that the ranges are of.
    pub document_version: Option<i32>,
    /// Grows with every notification.
    pub sequence: u64,
    /// Whether this is all there is to know of the document.
    pub complete: bool,
    /// Whether anything is queued or running.
    pub active: bool,
    /// How the document stands: the mood of its properties, and `error` if the spec has errors.
    pub mood: Mood,
    /// All instances of the document by state.
    pub counts: Counts,
    /// In the order of the text.
    pub properties: Vec<PropertyStatus>,
}

/// A property or measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PropertyStatus {
    /// Its name: verdicts belong to it, not to lines.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Where its name stands.
    #[cfg_attr(test, schemars(with = "super::range::Range"))]
    pub range: Range,
    /// Where all of it stands.
    #[cfg_attr(test, schemars(with = "super::range::Range"))]
    pub item_range: Range,
    /// The most urgent state of its instances.
    pub state: State,
    /// How it stands.
    pub mood: Mood,
    /// Whether it has parameters.
    pub family: bool,
    /// What is expected of it.
    pub expected: Expectation,
    /// Its instances by state.
    pub counts: Counts,
    /// The engines' time for the verdicts shown, in seconds.
    pub time: f64,
    /// One line for people.
    pub detail: String,
    /// All of them, or those that changed.
    pub instances: Vec<InstanceStatus>,
}

/// An instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct InstanceStatus {
    /// `robust(i = 3, bits = 4)`.
    pub name: String,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
    /// How it stands.
    pub state: State,
    /// The same in one of a few words, by what is expected.
    pub mood: Mood,
    /// The last verdict known; of an earlier text unless the state is final.
    pub verdict: Option<Verdict>,
    /// What is expected.
    pub expected: Expectation,
    /// Whether the verdict is that; `None` while the state is not final.
    pub as_expected: Option<bool>,
    /// Whether its last run was cancelled.
    pub cancelled: bool,
    /// The run that the state is of.
    pub run: Option<u64>,
    /// One sentence for people.
    pub detail: String,
    /// The engine that decided it.
    pub engine: Option<String>,
    /// What a proof rests on.
    pub trust: Option<TrustStatus>,
    /// Seconds that the engines took.
    pub time: f64,
    /// The same for people: `1.2 s`.
    pub time_text: String,
    /// Seconds that they might have taken.
    pub budget: f64,
    /// Whether it was remembered from an earlier run.
    pub cached: bool,
    /// The hash of what was asked.
    pub key: Option<String>,
    /// Of a running one.
    pub progress: Option<Progress>,
    /// What was measured.
    pub measure: Option<MeasureStatus>,
    /// Whether there is a counterexample or witness.
    pub has_counterexample: bool,
    /// It, unless it is large.
    pub counterexample: Option<CounterexampleStatus>,
}

/// What a proof rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TrustStatus {
    /// `intervals`, `solver` or `certificate`.
    pub kind: String,
    /// For people.
    pub text: String,
}

impl From<&Trust> for TrustStatus {
    fn from(trust: &Trust) -> TrustStatus {
        let kind = match trust {
            Trust::Interval => "intervals",
            Trust::Solver { .. } => "solver",
            Trust::Certificate { .. } => "certificate",
        };
        TrustStatus { kind: kind.to_owned(), text: trust.to_string() }
    }
}
