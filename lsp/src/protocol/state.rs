//! The state of an instance, and counts of instances by state.

use qnn::report::model;
use qnn::verify::Verdict;
use serde::{Deserialize, Serialize};

/// How an instance stands. The order is that of urgency, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    /// What is looked for was found.
    Found,
    /// There is none of what is looked for.
    None,
    /// It holds.
    Proved,
}

impl From<Verdict> for State {
    fn from(verdict: Verdict) -> State {
        match verdict {
            Verdict::Proved => State::Proved,
            Verdict::Violated => State::Violated,
            Verdict::Found => State::Found,
            Verdict::None => State::None,
            Verdict::Vacuous => State::Vacuous,
            Verdict::Timeout => State::Timeout,
            Verdict::Unknown => State::Unknown,
            Verdict::Error => State::Error,
        }
    }
}

/// Instances by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Those with a verdict of the text as it is; `unknown` counts the cancelled ones, too.
    #[serde(flatten)]
    pub verdicts: model::Counts,
    /// Those that were never run.
    pub unverified: usize,
    /// Those with a verdict of an earlier text.
    pub stale: usize,
    /// Those that wait for a turn.
    pub queued: usize,
    /// Those that an engine works on.
    pub running: usize,
    /// Those of `unknown` that were cancelled.
    pub cancelled: usize,
}

impl Counts {
    /// The number of instances in a state.
    pub fn of(&mut self, state: State) -> &mut usize {
        match state {
            State::Running => &mut self.running,
            State::Queued => &mut self.queued,
            State::Stale => &mut self.stale,
            State::Unverified => &mut self.unverified,
            State::Error => &mut self.verdicts.error,
            State::Violated => &mut self.verdicts.violated,
            State::Found => &mut self.verdicts.found,
            State::None => &mut self.verdicts.none,
            State::Vacuous => &mut self.verdicts.vacuous,
            State::Timeout => &mut self.verdicts.timeout,
            State::Unknown => &mut self.verdicts.unknown,
            State::Proved => &mut self.verdicts.proved,
        }
    }

    /// Adds those of another count.
    pub fn add(&mut self, other: &Counts) {
        self.verdicts.add(&other.verdicts);
        self.unverified += other.unverified;
        self.stale += other.stale;
        self.queued += other.queued;
        self.running += other.running;
        self.cancelled += other.cancelled;
    }

    /// `1 violated · 2 proved`: those that are not zero, the most important first.
    pub fn words(&self) -> String {
        let verdicts = &self.verdicts;
        let all = [
            (verdicts.error, if verdicts.error == 1 { "error" } else { "errors" }),
            (verdicts.violated, "violated"),
            (verdicts.vacuous, "vacuous"),
            (verdicts.timeout, "timed out"),
            (verdicts.unknown.saturating_sub(self.cancelled), "unknown"),
            (self.cancelled, "cancelled"),
            (self.running, "running"),
            (self.queued, "queued"),
            (self.stale, "stale"),
            (self.unverified, "not verified"),
            (verdicts.found, "found"),
            (verdicts.none, "none"),
            (verdicts.proved, "proved"),
        ];
        let words: Vec<String> = all.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
        words.join(" · ")
    }
}
