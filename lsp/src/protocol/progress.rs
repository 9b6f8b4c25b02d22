//! How far a running instance is.

use qnn::ide::duration;
use qnn::verify::verdict::Number;
use serde::{Deserialize, Serialize};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// Tenths of a second only flicker in a time that passes.
fn whole(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs())
}

/// How far a running instance is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Seconds since it began.
    pub elapsed: f64,
    /// The same for people: `12 s`.
    pub elapsed_text: String,
    /// Seconds that are left, at most; `None` if there is no end.
    pub remaining: Option<f64>,
    /// The same for people.
    pub remaining_text: Option<String>,
    /// What is known so far, for people.
    pub text: Option<String>,
    /// The share of the search that is done, from 0 to 1.
    pub share: Option<f64>,
    /// Of a measure: the best that was found.
    pub found: Option<Number>,
    /// Of a measure: what is not exceeded.
    pub bound: Option<Number>,
}

impl Progress {
    /// An instance that has had some time of its budget.
    pub fn new(elapsed: Duration, remaining: Option<Duration>) -> Progress {
        Progress {
            elapsed: elapsed.as_secs_f64(),
            elapsed_text: if elapsed < SECOND { duration(elapsed) } else { duration(whole(elapsed)) },
            remaining: remaining.map(|left| left.as_secs_f64()),
            remaining_text: remaining
                .map(|left| duration(whole(left.saturating_add(SECOND - Duration::from_nanos(1))))),
            ..Progress::default()
        }
    }

    /// For people.
    pub fn sentence(&self) -> String {
        let known = self.text.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
        let left = self.remaining_text.as_ref().map(|left| format!(", {left} left")).unwrap_or_default();
        format!("Running{known}; for {}{left}.", self.elapsed_text)
    }
}
