//! What engines did over all questions of a search, as a [`Portfolio`](super::portfolio::Portfolio) notes it.

use crate::{Reason, Trust};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What one engine did with an obligation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "EngineReport"))]
pub struct Report {
    /// The engine's name.
    pub engine: Cow<'static, str>,
    /// What it said.
    pub outcome: Outcome,
    /// How long it took to say it.
    pub time: Duration,
}

/// An engine's answer without its assignment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", tag = "kind", content = "detail")]
pub enum Outcome {
    /// No assignment answers the obligation.
    Proved(Trust),
    /// It found an assignment.
    Violated,
    /// It gave no answer.
    Undecided(Reason),
}

/// Whose the last answer was, and what each engine did. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Journal(Arc<Mutex<Notes>>);

#[derive(Debug, Default)]
struct Notes {
    engine: Option<&'static str>,
    reports: Vec<Report>,
}

impl Journal {
    /// Notes what was done for one question, and who answered it.
    pub fn note(&self, engine: Option<&'static str>, reports: Vec<Report>) {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        notes.engine = engine.or(notes.engine);
        add(&mut notes.reports, reports);
    }

    /// Whose the last answer was, if there was one, and a report for each engine. The journal is empty then.
    pub fn take(&self) -> (Option<&'static str>, Vec<Report>) {
        let Notes { engine, reports } = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        (engine, reports)
    }
}

/// More questions' reports: an engine has one, with its last outcome and its time in all.
pub fn add(known: &mut Vec<Report>, more: impl IntoIterator<Item = Report>) {
    for report in more {
        match known.iter_mut().find(|known| known.engine == report.engine) {
            Some(known) => {
                known.time += report.time;
                known.outcome = report.outcome;
            }
            None => known.push(report),
        }
    }
}
