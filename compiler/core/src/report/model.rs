//! The report: everything that a run says of its specs, as plain data.
//!
//! In: what [`super::gather`] made of a database and its results, or the JSON of an earlier run. Out: values that the renderers show. Serialised as they
//! stand, they are what `qnn verify --json` prints and `qnn report -o report.json` writes (`docs/report.schema.json`). Invariants: no renderer needs anything that is
//! not in here; a field is never renamed or given another meaning without raising [`VERSION`].

use crate::check::spec::Expectation;
use crate::diagnostic::Severity;
use crate::verify::InstanceResult;
use crate::verify::evidence::Support;
use crate::verify::verdict::{Fault, Kind, Number, Outcome, Verdict};
use jiff::Timestamp;
use qnn_ir::obligation::SEMANTICS_VERSION;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The version of [`Report`]'s serialised form.
pub const VERSION: u32 = 2;

/// What a run says of its specs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Report {
    /// [`VERSION`].
    pub version: u32,
    /// The version of qnn.
    pub qnn: String,
    /// The solver with its version.
    pub solver: String,
    /// The version of what specs mean.
    pub semantics: u32,
    /// When it was made, in UTC: `2024-05-31 13:05`. What `SOURCE_DATE_EPOCH` says, where that is set.
    pub date: String,
    /// The exit code of the run that it is of.
    pub exit: u8,
    /// Whether the run was stopped before its end.
    pub cancelled: bool,
    /// The verdicts of all specs.
    pub counts: Counts,
    /// Every file that was read, specs included.
    pub files: Vec<File>,
    /// The specs in the order in which they were named.
    pub specs: Vec<Spec>,
}

/// How many instances have which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Holds; of measures, known exactly.
    pub proved: usize,
    /// Broken by a counterexample.
    pub violated: usize,
    /// Says nothing.
    pub vacuous: usize,
    /// Undecided when the time was up.
    pub timeout: usize,
    /// Undecided.
    pub unknown: usize,
    /// In error.
    pub error: usize,
    /// How many final verdicts are not the expected ones; what is undecided or in error is not among them.
    pub unexpected: usize,
}

/// A file and its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Where it is, as seen from the folder of the run.
    pub path: String,
    /// The BLAKE3 hash of its bytes, in hexadecimal; of a folder, of its files' names and hashes. `None` if it can't be read.
    pub blake3: Option<String>,
}

/// A spec with what is said of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// Its path, as seen from the folder of the run.
    pub spec: String,
    /// What its `//!` lines say.
    pub docs: String,
    /// What the checker says.
    pub diagnostics: Vec<Remark>,
    /// How long the run took, in seconds; `None` if nothing was verified.
    pub time: Option<f64>,
    /// What went wrong beside the verdicts.
    pub warnings: Vec<String>,
    /// How many instances a filter left out.
    pub left_out: usize,
    /// The properties and measures that were wanted and have no instances.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub empty: Vec<String>,
    /// The networks that the verified instances apply.
    pub networks: Vec<Network>,
    /// The properties and measures of which an instance was verified.
    pub properties: Vec<Property>,
    /// One result for each instance.
    pub results: Vec<Arc<InstanceResult>>,
}

/// What the checker says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Remark {
    /// How grave it is.
    pub severity: Severity,
    /// The stable code.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// The file, where it is of one.
    pub file: Option<String>,
    /// The line, from 1; 0 where it is of no place.
    pub line: usize,
    /// The column in characters, from 1; 0 where it is of no place.
    pub column: usize,
    /// Why it matters.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Option<String>,
}

/// A network with its integers known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// How often it is right, where a property says against what.
    pub accuracy: Option<Accuracy>,
}

/// A step of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// Weights and biases.
    pub parameters: usize,
}

/// How often a network says what the dataset says, by the reference interpreter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

/// A property or measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

/// What answers rest on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ground {
    /// Certificates that the checker accepted.
    pub certificates: usize,
    /// Their steps.
    pub steps: usize,
    /// Their size in bytes, compressed.
    pub bytes: usize,
    /// How many of them were too large to be kept, and don't count in the size.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub too_large: usize,
    /// Inputs that were run through the reference interpreter.
    pub inputs: usize,
    /// Proofs by exact interval arithmetic without a certificate.
    pub interval: usize,
    /// Proofs on a solver's word, by its name.
    pub solver: BTreeMap<String, usize>,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// What an axis of a family is to its property.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
pub struct AxisValue {
    /// The value.
    pub value: String,
    /// The verdicts.
    pub counts: Counts,
}

/// Shares against an axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
pub struct Line {
    /// What distinguishes it: `eps = 1`; empty for the only one.
    pub name: String,
    /// Its points, by place.
    pub points: Vec<Point>,
}

/// A point of a curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
pub struct GridLine {
    /// The value; empty for the only line.
    pub name: String,
    /// The verdicts by column; `None` where there is no instance.
    pub cells: Vec<Option<Cell>>,
}

/// A verdict in a grid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
pub struct IntervalLine {
    /// What distinguishes it.
    pub name: String,
    /// Its points, by place.
    pub points: Vec<IntervalPoint>,
}

/// What is known of a maximum or minimum at a place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

/// Beyond so many different answers a curve says more than bars.
const MOST_BARS: usize = 24;

impl Histogram {
    /// Whether there are so many answers that a curve says more than bars: of each, how many instances have it or a greater one.
    pub fn is_cumulative(&self) -> bool {
        let answers: BTreeSet<i128> = self.groups.iter().flat_map(|g| &g.bars).map(|bar| bar.value).collect();
        answers.len() > MOST_BARS
    }
}

/// The answers for one value of an axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// The corners of a falling staircase: from the first candidate on, the share of instances whose answer is at least so much.
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
pub struct Bar {
    /// The answer.
    pub value: i128,
    /// How often.
    pub count: usize,
}

/// More bits, and worse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

impl Counts {
    /// Those of some results.
    pub fn of<'a>(results: impl IntoIterator<Item = &'a InstanceResult>) -> Counts {
        let mut counts = Counts::default();
        for result in results {
            counts.add(result);
        }
        counts
    }

    /// One more.
    pub fn add(&mut self, result: &InstanceResult) {
        *match result.verdict {
            Verdict::Proved => &mut self.proved,
            Verdict::Violated => &mut self.violated,
            Verdict::Vacuous => &mut self.vacuous,
            Verdict::Timeout => &mut self.timeout,
            Verdict::Unknown => &mut self.unknown,
            Verdict::Error => &mut self.error,
        } += 1;
        self.unexpected += usize::from(result.outcome() == Outcome::Unexpected);
    }

    /// All instances.
    pub fn total(&self) -> usize {
        self.proved + self.violated + self.vacuous + self.open() + self.error
    }

    /// Those that are undecided.
    pub fn open(&self) -> usize {
        self.timeout + self.unknown
    }

    /// Verdicts that occur, with their counts.
    pub fn each(&self) -> Vec<(Verdict, usize)> {
        let all = [
            (Verdict::Proved, self.proved),
            (Verdict::Violated, self.violated),
            (Verdict::Vacuous, self.vacuous),
            (Verdict::Timeout, self.timeout),
            (Verdict::Unknown, self.unknown),
            (Verdict::Error, self.error),
        ];
        all.into_iter().filter(|(_, count)| *count > 0).collect()
    }
}

impl Ground {
    /// What some results rest on.
    pub fn of<'a>(results: impl IntoIterator<Item = &'a InstanceResult>) -> Ground {
        let mut ground = Ground::default();
        for evidence in results.into_iter().flat_map(|result| &result.evidence) {
            match &evidence.rests_on {
                Support::Certificate(kept) => {
                    ground.certificates += 1;
                    ground.steps += kept.steps;
                    ground.bytes += kept.bytes.unwrap_or(0);
                    ground.too_large += usize::from(kept.bytes.is_none());
                }
                Support::Assignment(_) => ground.inputs += 1,
                Support::Interval => ground.interval += 1,
                Support::Solver(name) => *ground.solver.entry(name.clone()).or_default() += 1,
            }
        }
        ground
    }
}

/// The seconds since 1970 that a report is dated with.
fn epoch() -> u64 {
    let said = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.parse().ok());
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    said.unwrap_or_else(now)
}

/// Seconds since 1970 as a date and a time of day in UTC; nothing past the year 9999.
fn date(epoch: u64) -> String {
    let time = i64::try_from(epoch).ok().and_then(|epoch| Timestamp::from_second(epoch).ok());
    time.map(|time| time.strftime("%Y-%m-%d %H:%M").to_string()).unwrap_or_default()
}

impl Spec {
    /// Whether the checker found an error, so that nothing of it was verified.
    pub fn is_broken(&self) -> bool {
        self.time.is_none() && self.diagnostics.iter().any(|remark| remark.severity == Severity::Error)
    }

    /// The results of a property, in the order of its family.
    pub fn of<'a>(&'a self, property: &'a str) -> impl Iterator<Item = &'a Arc<InstanceResult>> {
        self.results.iter().filter(move |result| result.property == property)
    }
}

/// What there is to say of a result first: broken things, what is not as expected, what is open, then the rest.
pub fn urgency(result: &InstanceResult) -> u8 {
    match result.outcome() {
        Outcome::Error if result.fault == Some(Fault::Internal) => 0,
        Outcome::Error => 1,
        Outcome::Unexpected => 2,
        Outcome::Open => 3,
        Outcome::Expected if result.verdict != Verdict::Proved => 4,
        Outcome::Expected => 5,
    }
}

impl Report {
    /// The report of some specs.
    pub fn new(specs: Vec<Spec>, files: Vec<File>, exit: u8, cancelled: bool) -> Report {
        Report {
            version: VERSION,
            qnn: env!("CARGO_PKG_VERSION").to_owned(),
            solver: qnn_engine::smt::version(),
            semantics: SEMANTICS_VERSION,
            date: date(epoch()),
            exit,
            cancelled,
            counts: Counts::of(specs.iter().flat_map(|spec| &spec.results).map(Arc::as_ref)),
            files,
            specs,
        }
    }

    /// Reads what [`Report::json`] wrote.
    ///
    /// # Errors
    /// With a sentence, if it is no report, or one of another version.
    pub fn read(text: &str) -> Result<Report, String> {
        #[derive(Deserialize)]
        struct Head {
            version: u32,
            qnn: String,
        }
        let head: Head = serde_json::from_str(text).map_err(|error| format!("is no report of qnn: {error}"))?;
        if head.version != VERSION {
            let (found, qnn) = (head.version, head.qnn);
            return Err(format!(
                "is a report of version {found}, written by qnn {qnn}; this qnn reads version {VERSION}"
            ));
        }
        serde_json::from_str(text).map_err(|error| format!("is a damaged report: {error}"))
    }

    /// As JSON, ended by a line feed.
    ///
    /// # Errors
    /// None that this data can cause.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates_are_in_utc() {
        let known = [
            (0, "1970-01-01 00:00"),
            (951_782_400, "2000-02-29 00:00"),
            (1_735_689_599, "2024-12-31 23:59"),
            (u64::MAX, ""),
        ];
        for (epoch, text) in known {
            assert_eq!(date(epoch), text);
        }
    }
}
