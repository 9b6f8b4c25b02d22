//! Results in the making: verdicts, and the sentences that go with them.

use super::decide;
use super::lowering::Failure;
use super::plan::Job;
use super::progress::percent;
use super::session::Decided;
use super::verdict::{Fault, InstanceResult, Open, RESULT_VERSION, Verdict};
use crate::diagnostic::Severity;
use crate::files::spelling::duration;
use qnn_engine::{Reason, Trust, journal};
use std::time::Duration;

/// A result that says nothing yet.
pub(super) fn blank(job: &Job) -> InstanceResult {
    InstanceResult {
        version: RESULT_VERSION,
        name: job.name.clone(),
        property: job.property.to_string(),
        kind: job.kind,
        parameters: job.parameters.clone(),
        verdict: Verdict::Unknown,
        expected: job.expected,
        as_expected: false,
        fault: None,
        engine: None,
        trust: None,
        time: Duration::ZERO,
        budget: job.budget,
        key: None,
        cached: false,
        searched: None,
        reports: Vec::new(),
        evidence: Vec::new(),
        counterexample: None,
        measure: None,
        detail: String::new(),
        open: Open::default(),
        diagnostics: Vec::new(),
    }
}

/// A result without a verdict on the question.
pub(super) fn failed(job: &Job, failure: Failure) -> InstanceResult {
    let mut result = blank(job);
    result.fail(failure);
    result
}

/// The result of earlier turns, undecided for another reason: what is known of a measure stays.
pub(super) fn ended(mut result: InstanceResult, why: String, verdict: Verdict) -> InstanceResult {
    result.verdict = verdict;
    result.open.why = why;
    result.detail = format!("{}{}", result.open.why, result.open.known);
    result
}

impl InstanceResult {
    pub(super) fn fail(&mut self, failure: Failure) {
        match failure {
            Failure::Cancelled => self.undecided(&Reason::Cancelled, self.budget),
            Failure::Late => {
                self.undecided(&Reason::Timeout, self.budget);
                self.open.why.push_str(" It was still being lowered: no engine was asked.");
                self.detail.clone_from(&self.open.why);
            }
            Failure::Internal(why) => self.undecided(&Reason::Internal(why), self.budget),
            Failure::Spec(diagnostics) => {
                self.verdict = Verdict::Error;
                self.fault = Some(Fault::Spec);
                let first = diagnostics.iter().find(|d| d.severity == Severity::Error).or(diagnostics.first());
                let why = first.map_or("what it needs is in error", |d| d.message.as_str());
                self.detail = format!("The spec is wrong here: {why}.");
                self.diagnostics = diagnostics;
            }
        }
    }

    /// The verdict for an answer that there is none, and what the engines were given.
    pub(super) fn undecided(&mut self, reason: &Reason, given: Duration) {
        let searched = self.searched.map(|share| match percent(share) {
            0 => "less than 1 % of the search".to_owned(),
            percent => format!("{percent} % of the search"),
        });
        (self.verdict, self.fault) = match reason {
            Reason::Timeout => (Verdict::Timeout, None),
            Reason::Internal(_) => (Verdict::Error, Some(Fault::Internal)),
            _ => (Verdict::Unknown, None),
        };
        let why = match reason {
            Reason::Timeout => {
                let after = searched.map(|share| format!(", after {share}")).unwrap_or_default();
                format!("Not decided within {}{after}.", duration(given))
            }
            Reason::Cancelled => {
                searched.map_or("Cancelled before it was decided.".to_owned(), |s| format!("Cancelled after {s}."))
            }
            Reason::Memory => "The memory limit was reached (`--memory` raises it).".to_owned(),
            Reason::Incomplete(why) => format!("{}.", capitalised(why)),
            Reason::Internal(why) => format!("Internal error, please report it: {why}."),
        };
        self.detail.clone_from(&why);
        self.open = Open { why, known: String::new() };
    }

    /// Says something more that is known; of what is undecided, it stays known.
    pub(super) fn add(&mut self, sentence: &str) {
        let more = format!(" {sentence}");
        self.detail.push_str(&more);
        self.open.known.push_str(&more);
    }

    /// Takes over who decided, when and how.
    pub(super) fn provenance<T>(&mut self, decided: &Decided<T>) {
        self.engine.clone_from(&decided.engine);
        self.time = decided.time;
        self.key = Some(decided.key.clone());
        self.cached = decided.cached;
        self.reports.clone_from(&decided.reports);
    }

    /// Takes over what an earlier turn took, and what it knows if this one was cut short.
    pub(super) fn follow(&mut self, earlier: InstanceResult) {
        let knew = |result: &InstanceResult| {
            let proved = result.measure.as_ref().and_then(|m| m.largest.as_ref()?.proved);
            let counted = result.measure.as_ref().and_then(|m| m.share.as_ref()).map(|share| share.of - share.open);
            (result.measure.is_some(), proved, counted)
        };
        if !self.verdict.is_decided() && self.fault.is_none() && knew(self) < knew(&earlier) {
            let (why, verdict) = (std::mem::take(&mut self.open.why), self.verdict);
            let now = std::mem::replace(self, ended(earlier, why, verdict));
            self.time += now.time;
            self.budget = now.budget;
            journal::add(&mut self.reports, now.reports);
        } else {
            self.time += earlier.time;
            let now = std::mem::replace(&mut self.reports, earlier.reports);
            journal::add(&mut self.reports, now);
        }
    }

    pub(super) fn by(&self) -> String {
        self.engine.as_ref().map(|engine| format!(" by `{engine}`")).unwrap_or_default()
    }

    /// Mentions an engine that broke where another one decided.
    pub(super) fn mention_broken(&mut self) {
        if self.verdict.is_decided()
            && let Some(why) = decide::broken(&self.reports)
        {
            self.detail.push_str(&format!(" An engine failed on the way, please report it: {why}."));
        }
    }

    /// It is proved, on something.
    pub(super) fn prove(&mut self, trust: Trust, what: &str) {
        self.verdict = Verdict::Proved;
        let rests = match &trust {
            Trust::Interval => "exact interval arithmetic".to_owned(),
            Trust::Solver { .. } => trust.to_string(),
            Trust::Certificate { steps, .. } => format!("a certificate of {steps} steps that the checker accepted"),
        };
        self.detail = format!("{what}: proved{}, on {rests}.", self.by());
        self.trust = Some(trust);
    }
}

/// The text as a sentence begins.
fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_else(|| "Undecided".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::options::Options;
    use super::super::tests::World;
    use super::*;

    #[test]
    fn what_is_known_outlasts_why_it_is_undecided() {
        let summary = World::whole("property p = forall x: uint<4>: x >= 0;").run(&Options::default());
        let undecided = |reason: &Reason| {
            let mut result = InstanceResult::clone(&summary.results[0]);
            result.undecided(reason, Duration::from_secs(3));
            result.add("It is at most 0.5. 0.25 was found.");
            result
        };
        for reason in [Reason::Timeout, Reason::Incomplete("it is too deep. So it is left".to_owned())] {
            let result = undecided(&reason);
            assert!(result.detail.ends_with(". It is at most 0.5. 0.25 was found."), "{}", result.detail);
            let result = ended(result, "Cancelled before it was decided.".to_owned(), Verdict::Unknown);
            assert_eq!(result.detail, "Cancelled before it was decided. It is at most 0.5. 0.25 was found.");
        }
    }
}
