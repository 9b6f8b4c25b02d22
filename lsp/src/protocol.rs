//! What goes over the wire beside standard LSP: one notification, the arguments and results of commands, the settings.
//!
//! `docs/protocol.md` documents every field; its examples are tests of this file. In: results of the compiler. Out: values that
//! serialise as documented.

use crate::mood::Mood;
use qnn::check::spec::Expectation;
use qnn::engine::Trust;
use qnn::report::pages::{PAGES, title};
use qnn::verify::Verdict;
use qnn::verify::verdict::{
    CallValue, Counterexample, Kind, Label, Layout, MeasureResult, Number, Output, Parameter, VariableValue,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::Value;
use std::time::Duration;
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
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// [`VERSION`].
    pub version: u32,
    /// The spec.
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

/// How an instance stands. The order is that of urgency, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// An engine works on it.
    Running,
    /// It waits for its turn.
    Queued,
    /// The spec is wrong, or qnn is.
    Error,
    /// A counterexample breaks it.
    Violated,
    /// No input meets its assumptions.
    Vacuous,
    /// The budget was spent.
    Timeout,
    /// No engine could decide it, or it was cancelled.
    Unknown,
    /// The verdict is of an earlier text.
    Stale,
    /// It was never run.
    Unverified,
    /// It holds.
    Proved,
}

impl From<Verdict> for State {
    fn from(verdict: Verdict) -> State {
        match verdict {
            Verdict::Proved => State::Proved,
            Verdict::Violated => State::Violated,
            Verdict::Vacuous => State::Vacuous,
            Verdict::Timeout => State::Timeout,
            Verdict::Unknown => State::Unknown,
            Verdict::Error => State::Error,
        }
    }
}

/// Instances by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "each is the number of instances in the state of its name")]
pub struct Counts {
    pub unverified: usize,
    pub stale: usize,
    pub queued: usize,
    pub running: usize,
    pub proved: usize,
    pub violated: usize,
    pub vacuous: usize,
    pub timeout: usize,
    pub unknown: usize,
    pub error: usize,
    /// Those of `unknown` that were cancelled.
    pub cancelled: usize,
    /// Those whose verdict is final and not the expected one.
    pub unexpected: usize,
}

impl Counts {
    /// The number of instances in a state.
    pub fn of(&mut self, state: State) -> &mut usize {
        match state {
            State::Running => &mut self.running,
            State::Queued => &mut self.queued,
            State::Error => &mut self.error,
            State::Violated => &mut self.violated,
            State::Vacuous => &mut self.vacuous,
            State::Timeout => &mut self.timeout,
            State::Unknown => &mut self.unknown,
            State::Stale => &mut self.stale,
            State::Unverified => &mut self.unverified,
            State::Proved => &mut self.proved,
        }
    }

    /// Adds those of another count.
    pub fn add(&mut self, other: &Counts) {
        self.unverified += other.unverified;
        self.stale += other.stale;
        self.queued += other.queued;
        self.running += other.running;
        self.proved += other.proved;
        self.violated += other.violated;
        self.vacuous += other.vacuous;
        self.timeout += other.timeout;
        self.unknown += other.unknown;
        self.error += other.error;
        self.cancelled += other.cancelled;
        self.unexpected += other.unexpected;
    }

    /// `1 violated · 2 proved`: those that are not zero, the most important first.
    pub fn words(&self) -> String {
        let all = [
            (self.error, if self.error == 1 { "error" } else { "errors" }),
            (self.violated, "violated"),
            (self.vacuous, "vacuous"),
            (self.timeout, "timed out"),
            (self.unknown.saturating_sub(self.cancelled), "unknown"),
            (self.cancelled, "cancelled"),
            (self.running, "running"),
            (self.queued, "queued"),
            (self.stale, "stale"),
            (self.unverified, "not verified"),
            (self.proved, "proved"),
        ];
        let words: Vec<String> = all.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
        words.join(" · ")
    }
}

/// A property or measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PropertyStatus {
    /// Its name: verdicts belong to it, not to lines.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Where its name stands.
    pub range: Range,
    /// Where all of it stands.
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
    /// Who decided it.
    pub engine: Option<String>,
    /// What a proof rests on.
    pub trust: Option<TrustStatus>,
    /// Seconds that the engines took.
    pub time: f64,
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

/// How far a running instance is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Seconds since it began.
    pub elapsed: f64,
    /// Seconds that are left, at most; `None` if there is no end.
    pub remaining: Option<f64>,
    /// What is known so far, for people.
    pub text: Option<String>,
    /// So much of the search is done, from 0 to 1.
    pub share: Option<f64>,
    /// Of a measure: the best that was found.
    pub found: Option<Number>,
    /// Of a measure: what is not exceeded.
    pub bound: Option<Number>,
}

impl Progress {
    /// For people.
    pub fn sentence(&self) -> String {
        let seconds = |s: f64| qnn::ide::duration(Duration::try_from_secs_f64(s).unwrap_or(Duration::MAX));
        let known = self.text.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
        let left = self.remaining.map(|left| format!(", {} left", seconds(left))).unwrap_or_default();
        format!("Running{known}; for {}{left}.", seconds(self.elapsed))
    }
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MeasureStatus {
    /// For people: `= 1.25`, or the least and the greatest that it can be, `0.55 … 0.58`.
    pub text: String,
    /// Attained; for `largest`, proved.
    pub found: Option<Number>,
    /// Not exceeded.
    pub bound: Option<Number>,
    /// Whether the answer is known exactly.
    pub complete: bool,
}

impl MeasureStatus {
    /// Of a measure of a kind.
    pub fn new(kind: Kind, measure: &MeasureResult) -> MeasureStatus {
        let text = match (measure.complete, &measure.found) {
            (true, Some(found)) => equals(found),
            (true, None) => "none".to_owned(),
            (false, found) => between(kind, found.as_ref(), measure.bound.as_ref()).unwrap_or_default(),
        };
        MeasureStatus { text, found: measure.found.clone(), bound: measure.bound.clone(), complete: measure.complete }
    }
}

/// `= 1.25`; a number that is rounded says so itself: `≈0.333333`.
fn equals(number: &Number) -> String {
    if number.text.starts_with('≈') { number.text.clone() } else { format!("= {}", number.text) }
}

/// Between what a measure's answer lies: `0.55 … 0.58`, `≥ 0.55`, `≤ 0.58`; `None` if nothing is known.
pub fn between(kind: Kind, found: Option<&Number>, bound: Option<&Number>) -> Option<String> {
    let (least, greatest) = if kind == Kind::Minimize { (bound, found) } else { (found, bound) };
    match (least, greatest) {
        (Some(least), Some(greatest)) if least.exact == greatest.exact => Some(equals(least)),
        (Some(least), Some(greatest)) => Some(format!("{} … {}", least.text, greatest.text)),
        (Some(least), None) => Some(format!("≥ {}", least.text)),
        (None, Some(greatest)) => Some(format!("≤ {}", greatest.text)),
        (None, None) => None,
    }
}

/// A raw integer: a number where every client's arithmetic holds it exactly, up to ±(2^53 − 1), and a string of digits beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integer(pub i128);

impl Integer {
    /// The greatest integer that doubles hold with all its neighbours.
    const MOST: i128 = (1 << 53) - 1;
}

impl Serialize for Integer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match i64::try_from(self.0).ok().filter(|_| self.0.abs() <= Self::MOST) {
            Some(small) => serializer.serialize_i64(small),
            None => serializer.collect_str(&self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Integer, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        text.parse().map(Integer).map_err(|_| D::Error::custom(format!("{text} is no integer")))
    }
}

fn integers(raw: &[i128]) -> Vec<Integer> {
    raw.iter().copied().map(Integer).collect()
}

fn limits(layout: &Layout) -> Option<(Integer, Integer)> {
    layout.limits.map(|(least, greatest)| (Integer(least.into()), Integer(greatest.into())))
}

/// A counterexample or witness.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CounterexampleStatus {
    /// One line for people.
    pub summary: String,
    /// The quantified variables.
    pub variables: Vec<VariableStatus>,
    /// The networks that the property applies.
    pub calls: Vec<CallStatus>,
}

/// A variable of a counterexample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VariableStatus {
    /// Its name.
    pub name: String,
    /// The sizes of its axes.
    pub shape: Vec<usize>,
    /// For each axis the names of its entries.
    pub labels: Vec<Option<Vec<String>>>,
    /// Its format.
    pub format: Option<String>,
    /// The least and greatest raw integer.
    pub limits: Option<(Integer, Integer)>,
    /// Raw integers, row-major.
    pub raw: Vec<Integer>,
    /// Values as decimals.
    pub values: Vec<String>,
    /// The centre of the ball that it is in.
    pub center: Option<CenterStatus>,
}

/// The centre of a ball.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CenterStatus {
    /// Raw integers.
    pub raw: Vec<Integer>,
    /// Values.
    pub values: Vec<String>,
    /// The variable's raw integers minus these.
    pub difference: Vec<Integer>,
}

/// A network's output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallStatus {
    /// As the spec writes it.
    pub text: String,
    /// The network with its integers.
    pub network: String,
    /// The sizes of the output's axes.
    pub shape: Vec<usize>,
    /// For each axis the names of its entries.
    pub labels: Vec<Option<Vec<String>>>,
    /// The output's format.
    pub format: Option<String>,
    /// The least and greatest raw integer.
    pub limits: Option<(Integer, Integer)>,
    /// For the counterexample.
    pub output: OutputStatus,
    /// For the centre.
    pub center: Option<OutputStatus>,
    /// Whether the property asks for its argmax.
    pub asks_argmax: bool,
    /// The class that the property compares its argmax with, where that is one constant.
    pub label: Option<Label>,
    /// Whether the centre's class already is not what the property wants of it.
    pub wrong_before: bool,
}

/// Numbers that a network computes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputStatus {
    /// Raw integers.
    pub raw: Vec<Integer>,
    /// Values.
    pub values: Vec<String>,
    /// The index of the first greatest.
    pub argmax: Option<usize>,
    /// The indices of all that are greatest; empty unless there are two or more.
    pub ties: Vec<usize>,
}

impl From<&Output> for OutputStatus {
    fn from(output: &Output) -> OutputStatus {
        OutputStatus {
            raw: integers(&output.numbers.raw),
            values: output.numbers.values.clone(),
            argmax: output.argmax,
            ties: output.ties.clone(),
        }
    }
}

impl From<&VariableValue> for VariableStatus {
    fn from(variable: &VariableValue) -> VariableStatus {
        VariableStatus {
            name: variable.name.clone(),
            shape: variable.layout.shape.clone(),
            labels: variable.layout.labels.clone(),
            format: variable.layout.format.clone(),
            limits: limits(&variable.layout),
            raw: integers(&variable.numbers.raw),
            values: variable.numbers.values.clone(),
            center: variable.center.as_ref().map(|center| CenterStatus {
                raw: integers(&center.numbers.raw),
                values: center.numbers.values.clone(),
                difference: integers(&center.difference),
            }),
        }
    }
}

impl From<&CallValue> for CallStatus {
    fn from(call: &CallValue) -> CallStatus {
        CallStatus {
            text: call.text.clone(),
            network: call.network.clone(),
            shape: call.layout.shape.clone(),
            labels: call.layout.labels.clone(),
            format: call.layout.format.clone(),
            limits: limits(&call.layout),
            output: (&call.output).into(),
            center: call.center.as_ref().map(Into::into),
            asks_argmax: call.asks_argmax,
            label: call.label.clone(),
            wrong_before: call.wrong_before,
        }
    }
}

impl From<&Counterexample> for CounterexampleStatus {
    fn from(counterexample: &Counterexample) -> CounterexampleStatus {
        CounterexampleStatus {
            summary: qnn::ide::counterexample_line(counterexample),
            variables: counterexample.variables.iter().map(Into::into).collect(),
            calls: counterexample.calls.iter().map(Into::into).collect(),
        }
    }
}

impl CounterexampleStatus {
    /// How many numbers it holds, about.
    pub fn size(counterexample: &Counterexample) -> usize {
        counterexample.variables.iter().map(|v| v.numbers.raw.len()).sum()
    }
}

/// The argument of `qnn.verify`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VerifyArguments {
    /// The spec; all open ones where it may be left out.
    pub uri: Option<Url>,
    /// Of one property only.
    pub property: Option<String>,
    /// These instances only.
    pub instances: Option<Vec<String>>,
    /// Seconds for each instance.
    pub budget: Option<f64>,
    /// Also what has a current verdict.
    pub force: bool,
}

/// The result of what starts verification.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Started {
    /// The runs, one for each document that has something to do.
    pub runs: Vec<u64>,
    /// How many instances they hold.
    pub jobs: usize,
}

/// The result of `qnn.cancel`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cancelled {
    /// How many instances were queued or running.
    pub cancelled: usize,
}

/// The argument of `qnn.showCounterexample`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShowArguments {
    /// The spec.
    pub uri: Url,
    /// Of this instance.
    #[serde(default)]
    pub instance: Option<String>,
    /// The first one of this property.
    #[serde(default)]
    pub property: Option<String>,
}

/// The argument of `qnn.report`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportArguments {
    /// The spec.
    pub uri: Url,
    /// Of this property alone.
    #[serde(default)]
    pub property: Option<String>,
}

/// The result of `qnn.report`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reported {
    /// The page: a file of HTML that needs nothing else.
    pub uri: Url,
    /// How many instances it reports.
    pub instances: usize,
}

/// The result of `qnn.showCounterexample`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// The instance.
    pub instance: String,
    /// All of it.
    pub counterexample: CounterexampleStatus,
    /// For people.
    pub text: String,
}

/// The result of `qnn/verdicts`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdicts {
    /// Whether all specs are listed, and all that is known of them was looked up in time.
    pub complete: bool,
    /// The specs by path, as notifications tell of them.
    pub specs: Vec<Status>,
}

/// The argument of `qnn.explain`, and the parameters of `qnn/explain`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainArguments {
    /// The code: `E0402`.
    pub code: String,
}

/// The page on a diagnostic's code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    /// The code.
    pub code: String,
    /// What it means, in a few words.
    pub title: String,
    /// The page, in Markdown.
    pub text: String,
}

impl Explained {
    /// The page on a code.
    ///
    /// # Errors
    /// There is none.
    pub fn of(code: &str) -> Result<Explained, String> {
        let wanted = code.to_uppercase();
        let page = PAGES.iter().find(|(known, _)| *known == wanted);
        let (code, text) = page.ok_or_else(|| format!("there is no page on `{code}`"))?;
        Ok(Explained { code: (*code).to_owned(), title: title(code, text).to_owned(), text: (*text).to_owned() })
    }

    /// The URI by which a client that can explain opens the page on a code.
    pub fn uri(code: &str) -> Option<Url> {
        PAGES.iter().any(|(known, _)| *known == code).then(|| Url::parse(&format!("qnn-error:{code}")).ok())?
    }
}

/// The argument of `qnn.status`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusArguments {
    /// The spec.
    pub uri: Url,
}

/// The result of `qnn.clearCache`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cleared {
    /// The entries removed.
    pub removed: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    /// The JSON of a documented example.
    fn documented(kind: &str) -> Value {
        let text = include_str!("../../docs/protocol.md");
        let (_, rest) = text.split_once(&format!("```json {kind}\n")).expect("the example stands in docs/protocol.md");
        serde_json::from_str(rest.split_once("```").expect("it ends").0).expect("it is JSON")
    }

    #[test]
    fn the_documented_notification_is_what_is_sent() {
        let documented = documented("status");
        let status: Status = serde_json::from_value(documented.clone()).expect("it is a status");
        assert_eq!(status.version, VERSION);
        assert_eq!(serde_json::to_value(&status).unwrap(), documented);
    }

    #[test]
    fn the_documented_measure_is_what_is_sent() {
        let documented = documented("measure");
        let measure: MeasureStatus = serde_json::from_value(documented.clone()).expect("it is a measure");
        assert_eq!(serde_json::to_value(&measure).unwrap(), documented);
    }

    #[test]
    fn the_documented_settings_are_the_defaults() {
        assert_eq!(serde_json::to_value(Settings::default()).unwrap(), documented("settings"));
    }

    #[test]
    fn raw_integers_lose_no_digit_in_a_client_that_has_only_doubles() {
        let all = [7, -(1 << 53) + 1, 1 << 53, i64::MAX.into(), -(1 << 63), i128::from(u64::MAX)].map(Integer);
        let json = serde_json::to_value(all).unwrap();
        let expected = serde_json::json!([
            7,
            -9_007_199_254_740_991_i64,
            "9007199254740992",
            "9223372036854775807",
            "-9223372036854775808",
            "18446744073709551615"
        ]);
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_value::<[Integer; 6]>(json).unwrap(), all);
        assert!(serde_json::from_value::<Integer>(serde_json::json!("1.5")).is_err());
    }

    #[test]
    fn the_documented_commands_are_understood() {
        for command in documented("commands").as_array().expect("a list") {
            let name = command["command"].as_str().expect("a name");
            assert!(crate::commands::NAMES.contains(&name), "{name}");
            let argument = command["arguments"][0].clone();
            match name {
                "qnn.showCounterexample" => _ = serde_json::from_value::<ShowArguments>(argument).expect(name),
                "qnn.report" => _ = serde_json::from_value::<ReportArguments>(argument).expect(name),
                "qnn.explain" => {
                    let asked: ExplainArguments = serde_json::from_value(argument).expect(name);
                    assert!(Explained::of(&asked.code).expect("a page").text.starts_with("# "));
                }
                _ => _ = serde_json::from_value::<VerifyArguments>(argument).expect(name),
            }
        }
        let page = include_str!("../../docs/protocol.md");
        for name in crate::commands::NAMES {
            assert!(page.contains(&format!("| `{name}` |")), "{name} is documented");
        }
    }

    #[test]
    fn moods_are_named_and_ordered_as_documented() {
        let page = include_str!("../../docs/protocol.md");
        let (_, table) = page.split_once("| mood | meaning |").expect("the table");
        let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
        let documented: Vec<Mood> = rows
            .map(|row| serde_json::from_value(Value::from(row.split('`').nth(1).expect("a name"))).expect("a mood"))
            .collect();
        assert_eq!(documented.len(), 7);
        assert!(documented.is_sorted());
    }

    #[test]
    fn states_are_named_and_ordered_as_documented() {
        let page = include_str!("../../docs/protocol.md");
        let (_, table) = page.split_once("| state | final | meaning |").expect("the table");
        let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
        let documented: Vec<State> = rows
            .map(|row| serde_json::from_value(Value::from(row.split('`').nth(1).expect("a name"))).expect("a state"))
            .collect();
        assert_eq!(documented.len(), 10);
        assert!(documented.is_sorted());
    }
}
