//! An entry of the store: one decision, and its form on disk.
//!
//! In: a decision; or a file's bytes. Out: the bytes; or the decision, if its checksum is its own and it says nothing that no run would write. A checksum
//! finds damage, not lies: whoever reads an entry checks what it claims (`recheck_stored`).

use super::super::verdict::Verdict;
use crate::diagnostic::printable;
use qnn_engine::journal::{Outcome, Report};
use qnn_engine::{Reason, Trust};
use qnn_ir::obligation::Assignment;
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The version of the files' form. Entries of other versions lie in other folders.
pub const STORE_VERSION: u32 = 2;

/// A decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoreEntry {
    pub version: u32,
    pub key: String,
    /// The instance for which it was decided, for people.
    pub name: String,
    /// Seconds since 1970.
    pub written: u64,
    pub known: StoredAnswer,
    pub engine: Option<String>,
    pub reports: Vec<Report>,
    pub time: Duration,
    /// What the engines were given; an undecided entry serves no larger budget.
    pub budget: Duration,
    /// Its certificate was checked, and was too large to be kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub too_large: bool,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StoredAnswer {
    /// Nothing answers the obligation. What it rests on is checked again before it is believed.
    None(Trust),
    /// This does. It is replayed before it is believed.
    Some(Assignment),
    /// Nobody knows.
    Open(Reason),
    /// Of an objective: what is known of its maximum.
    Maximum(Maximum),
}

/// What is known of an objective's maximum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Maximum {
    /// The greatest found, and where: decimal, since JSON's numbers end at 64 bits.
    pub best: Option<(String, Assignment)>,
    /// It is proved to be no greater.
    pub upper: String,
    pub complete: bool,
    /// The two are as close as the question asks: more time would not be spent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub close: bool,
    pub vacuous: bool,
    pub trust: Trust,
    pub reason: Option<Reason>,
}

impl StoredAnswer {
    pub fn verdict(&self) -> Verdict {
        let open = |reason: Option<&Reason>| match reason {
            Some(Reason::Timeout) => Verdict::Timeout,
            _ => Verdict::Unknown,
        };
        match self {
            StoredAnswer::None(_) => Verdict::Proved,
            StoredAnswer::Some(_) => Verdict::Violated,
            StoredAnswer::Open(reason) => open(Some(reason)),
            StoredAnswer::Maximum(maximum) if maximum.vacuous => Verdict::Vacuous,
            StoredAnswer::Maximum(maximum) if maximum.complete || maximum.close => Verdict::Proved,
            StoredAnswer::Maximum(maximum) => open(maximum.reason.as_ref()),
        }
    }

    /// Whether it may be stored: what somebody interrupted, or what lacked memory or is broken today, may go better tomorrow.
    pub(super) fn is_lasting(&self) -> bool {
        let reason = match self {
            StoredAnswer::Open(reason) => Some(reason),
            StoredAnswer::Maximum(maximum) => maximum.reason.as_ref(),
            _ => None,
        };
        matches!(reason, None | Some(Reason::Timeout | Reason::Incomplete(_)))
    }
}

impl StoreEntry {
    /// Whether it says nothing that no run would write: texts that act on a terminal, times of many years.
    pub(super) fn is_sober(&self) -> bool {
        let known = match &self.known {
            StoredAnswer::Open(reason) => Some(reason),
            StoredAnswer::Maximum(maximum) => maximum.reason.as_ref(),
            _ => None,
        };
        let reported = self.reports.iter().filter_map(|report| match &report.outcome {
            Outcome::Undecided(reason) => Some(reason),
            _ => None,
        });
        let whys = known.into_iter().chain(reported).filter_map(|reason| match reason {
            Reason::Incomplete(why) | Reason::Internal(why) => Some(why.as_str()),
            _ => None,
        });
        let engines =
            self.engine.as_deref().into_iter().chain(self.reports.iter().map(|report| report.engine.as_ref()));
        let mut texts = whys.chain(engines).chain([self.name.as_str()]);
        let mut times = [self.time, self.budget].into_iter().chain(self.reports.iter().map(|report| report.time));
        texts.all(|text| printable(text) == text) && times.all(|time| time < LONGEST)
    }

    /// Whether it answers whoever asks with this budget.
    pub fn serves(&self, budget: Duration) -> bool {
        self.known.verdict().is_decided() || budget <= self.budget
    }
}

/// What stands before the checksum, between it and the entry, and at the end: together one JSON object.
const FRAME: [&str; 3] = ["{\"check\":\"", "\",\"entry\":", "}\n"];

/// No run takes so long.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// An entry as a file's bytes: a JSON object of a checksum and the entry.
pub(super) fn encode(entry: &StoreEntry) -> std::io::Result<Vec<u8>> {
    let text = serde_json::to_string(entry)?;
    let check = blake3::hash(text.as_bytes()).to_hex();
    Ok([FRAME[0], check.as_str(), FRAME[1], &text, FRAME[2]].concat().into_bytes())
}

/// The entry of a file's bytes, if the checksum is its own.
pub(super) fn decode(bytes: &[u8]) -> Option<StoreEntry> {
    let text = std::str::from_utf8(bytes).ok()?;
    let rest = text.strip_prefix(FRAME[0])?.strip_suffix(FRAME[2])?;
    let (check, text) = rest.split_once(FRAME[1])?;
    if blake3::hash(text.as_bytes()).to_hex().as_str() != check {
        return None;
    }
    serde_json::from_str(text).ok().filter(|entry: &StoreEntry| entry.version == STORE_VERSION && entry.is_sober())
}

/// Seconds since 1970.
pub(in crate::verify) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
