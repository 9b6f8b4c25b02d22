//! The report: everything that a run says of its specs, as plain data.
//!
//! In: what [`super::gather`] made of a database and its results, or the JSON of an earlier run. Out: values that the renderers show. Serialised as they
//! stand, they are what `qnn verify --json` prints and `qnn report -o report.json` writes; `docs/report.schema.json` is made from these types. Invariants: no
//! renderer needs anything that is not in here; a field is never renamed or given another meaning without raising [`VERSION`].

mod axis;
mod counts;
mod family;
mod network;
mod property;

pub use axis::{Axis, AxisValue, Role};
pub use counts::{Counts, Ground};
pub use family::{
    Bar, Cell, Curve, Grid, GridLine, Group, Histogram, IntervalLine, IntervalPoint, Intervals, Line, Point, Reversal,
    Share,
};
pub use network::{Accuracy, Layer, Network};
pub use property::Property;

use crate::diagnostic::Severity;
use crate::verify::InstanceResult;
use crate::verify::verdict::{Fault, Outcome, Verdict};
use jiff::Timestamp;
use qnn_ir::obligation::SEMANTICS_VERSION;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The version of [`Report`]'s serialised form.
pub const VERSION: u32 = 2;

/// What a run says of its specs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Report {
    /// Raised when a field is renamed or gets another meaning.
    #[cfg_attr(feature = "schema", schemars(extend("const" = VERSION)))]
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
    #[cfg_attr(feature = "schema", schemars(range(max = 4)))]
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

/// A file and its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct File {
    /// Where it is, as seen from the folder of the run.
    pub path: String,
    /// The BLAKE3 hash of its bytes, in hexadecimal; of a folder, of its files' names and hashes. `None` if it can't be read.
    pub blake3: Option<String>,
}

/// A spec with what is said of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Remark {
    /// How grave it is.
    pub severity: Severity,
    /// The stable code.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = r"^[EW][0-9]{4}$")))]
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
        Outcome::Expected if !matches!(result.verdict, Verdict::Proved | Verdict::None) => 4,
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
