//! One record against the spec: what its evidence shows of what it claims.
//!
//! In: an instance of the spec in the database, a record. Out: what the claim rests on. Each obligation is lowered from the spec as it is on this machine;
//! evidence counts only for the obligation whose key it names.

use super::file::{Item, Record, RecordGround, brief};
use crate::check::property::Statement;
use crate::check::spec::{Question, goal_at, largest_at, number_at, optimization_at, question};
use crate::db::Database;
use crate::diagnostic::Severity;
use crate::verify::Job;
use crate::verify::evidence::About;
use crate::verify::verdict::{Kind, Number, Verdict};
use num_traits::{Signed, Zero};
use qnn_ir::Rational;
use qnn_ir::obligation::{Assignment, Objective, Obligation, Replay};
use qnn_ir::rational::integer;
use qnn_proof::{Certificate, check, plain};
use serde::Serialize;
use std::time::{Duration, Instant};

/// What a verdict rests on, all of it taken together: the weakest part counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "kind", content = "detail")]
pub enum ClaimStanding {
    /// On a counterexample that was replayed.
    Counterexample,
    /// On certificates that were checked.
    Certificate,
    /// On the word of a solver, for at least one of its parts.
    Solver(String),
    /// On nothing that can be checked, and why.
    Open(String),
    /// It does not hold, or its evidence does not show it.
    Rejected(String),
}

impl ClaimStanding {
    /// Of two parts, what both together rest on.
    pub(super) fn and(self, other: ClaimStanding) -> ClaimStanding {
        let rank = |standing: &ClaimStanding| match standing {
            ClaimStanding::Counterexample => 0,
            ClaimStanding::Certificate => 1,
            ClaimStanding::Solver(_) => 2,
            ClaimStanding::Open(_) => 3,
            ClaimStanding::Rejected(_) => 4,
        };
        if rank(&other) > rank(&self) { other } else { self }
    }

    /// Whether all of it was checked here.
    pub fn is_checked(&self) -> bool {
        matches!(self, ClaimStanding::Counterexample | ClaimStanding::Certificate)
    }
}

/// What was found out about a record.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CheckedRecord {
    /// The spec, counted through the subjects.
    pub spec: usize,
    /// The instance.
    pub instance: String,
    /// The property or measure.
    pub property: String,
    /// What was claimed of it.
    pub verdict: Verdict,
    /// What was claimed to be a measure's answer.
    pub found: Option<String>,
    /// Whether the verdict is the one that the spec expects.
    pub as_expected: bool,
    /// What it rests on.
    pub standing: ClaimStanding,
    /// How near a measure's answer is to the true one, where that is not the same.
    pub gap: Option<Gap>,
    /// The certificates that were accepted.
    pub certificates: usize,
    /// Their steps.
    pub steps: usize,
    /// How long it took to check, in seconds.
    #[serde(with = "crate::verify::verdict::seconds")]
    pub time: Duration,
}

impl CheckedRecord {
    /// What is said of an instance that nothing was found out about.
    pub(super) fn open(spec: usize, job: &Job, why: &str) -> CheckedRecord {
        CheckedRecord {
            spec,
            instance: job.name.clone(),
            property: job.property.to_string(),
            verdict: Verdict::Unknown,
            found: None,
            as_expected: false,
            standing: ClaimStanding::Open(why.to_owned()),
            gap: None,
            certificates: 0,
            steps: 0,
            time: Duration::ZERO,
        }
    }
}

/// The answer of a measure of real-valued networks, whose proof is one about integers that enclose them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gap {
    /// What was found, and is attained.
    pub found: Number,
    /// What no input exceeds (for a minimum: falls below).
    pub bound: Number,
    /// The spec asks for a minimum.
    pub minimum: bool,
}

/// Called with each certificate that is read, and the obligation that it has to be about, before it is checked. An error counts as if the check had failed.
pub type OnCertificate<'a> = dyn Fn(&Obligation, &Certificate) -> Result<(), Refusal> + Sync + 'a;

/// Why someone else does not accept a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is wrong.
    Rejected(String),
    /// It could not be checked.
    Unchecked(String),
}

impl From<Refusal> for ClaimStanding {
    fn from(refusal: Refusal) -> ClaimStanding {
        match refusal {
            Refusal::Rejected(why) => rejected(why),
            Refusal::Unchecked(why) => ClaimStanding::Open(why),
        }
    }
}

/// Checks a record; `again` if its instance had one before.
pub(super) fn claim(
    db: &Database,
    job: Option<&Job>,
    again: bool,
    record: &Record,
    on_certificate: &OnCertificate<'_>,
) -> CheckedRecord {
    let start = Instant::now();
    let mut claim = Claim { record, on_certificate, gap: None, certificates: 0, steps: 0 };
    let standing = match job {
        None => Err(rejected("the spec has no such instance")),
        Some(_) if again => Err(rejected("it is spoken of more than once")),
        Some(job) => claim.standing(db, job),
    };
    CheckedRecord {
        spec: record.spec,
        instance: job.map_or_else(|| brief(&record.instance), |job| job.name.clone()),
        property: job.map_or_else(String::new, |job| job.property.to_string()),
        verdict: record.verdict,
        found: record.found.as_ref().map(|found| if job.is_some() && !again { found.clone() } else { brief(found) }),
        as_expected: job.is_some_and(|job| record.verdict.is(job.expected)),
        standing: standing.unwrap_or_else(|standing| standing),
        gap: claim.gap,
        certificates: claim.certificates,
        steps: claim.steps,
        time: start.elapsed(),
    }
}

/// `Err` ends the look at an instance: nothing that follows could mend it.
pub(super) type ClaimResult = Result<ClaimStanding, ClaimStanding>;

pub(super) fn rejected(why: impl Into<String>) -> ClaimStanding {
    ClaimStanding::Rejected(why.into())
}

pub(super) struct Claim<'a> {
    pub(super) record: &'a Record,
    on_certificate: &'a OnCertificate<'a>,
    pub(super) gap: Option<Gap>,
    certificates: usize,
    steps: usize,
}

impl Claim<'_> {
    fn standing(&mut self, db: &Database, job: &Job) -> ClaimResult {
        let verdict = self.record.verdict;
        if self.record.kind != job.kind {
            return Err(rejected("the spec's instance of this name is of another kind"));
        }
        let undecided = match verdict {
            Verdict::Timeout => "it was undecided when its time was up",
            Verdict::Error => "it ended in an error",
            _ => "it is undecided",
        };
        if !verdict.is_decided() && self.record.bound.is_none() {
            return Err(ClaimStanding::Open(undecided.to_owned()));
        }
        let outcome = question(db, job.item, job.instance);
        let sound = outcome.diagnostics.iter().all(|d| d.severity != Severity::Error);
        match outcome.value.as_ref().filter(|_| sound) {
            None => Err(rejected("the spec is in error here")),
            Some(Question::Optimize(optimization)) if !verdict.is_decided() => {
                let known = self.bounded(&optimization.objective)?;
                Err(ClaimStanding::Open(format!("{undecided}{known}")))
            }
            Some(Question::OptimizeOver(indices)) if indices.has_values => {
                let objective = |choice: usize| {
                    let outcome = optimization_at(db, job.item, job.instance, &indices.choices[choice]);
                    let found = outcome.value.ok_or_else(|| rejected("the spec is in error for one of its choices"))?;
                    Ok(found.objective)
                };
                self.over_indices(indices.choices.len(), indices.within.as_ref(), &objective, undecided)
            }
            _ if !verdict.is_decided() => Err(ClaimStanding::Open(undecided.to_owned())),
            Some(Question::Property(statement)) => self.property(job.kind, statement),
            Some(Question::Optimize(optimization)) => {
                self.optimize(&optimization.objective, optimization.within.as_ref())
            }
            Some(Question::OptimizeOver(indices)) => {
                let mut best: Option<Rational> = None;
                for choice in indices.choices.iter() {
                    let number = number_at(db, job.item, job.instance, choice).value;
                    let number = number.ok_or_else(|| rejected("the spec is in error for one of its choices"))?;
                    best = Some(match best {
                        Some(best) if job.kind == Kind::Minimize => best.min(number),
                        Some(best) => best.max(number),
                        None => number,
                    });
                }
                self.found(&best.map(|best| best.to_string()))?;
                match verdict {
                    Verdict::Proved => Ok(ClaimStanding::Counterexample),
                    other => Err(rejected(format!("a measure of known numbers is not {other}"))),
                }
            }
            Some(Question::Share(counted)) => self.share(counted.len(), &|choice: usize| {
                let outcome = goal_at(db, job.item, job.instance, &counted[choice]);
                outcome.value.ok_or_else(|| rejected("the spec is in error for one of its choices"))
            }),
            Some(Question::Average(counted)) => {
                let value = |values: &Vec<_>| number_at(db, job.item, job.instance, values).value;
                let sum = counted.iter().map(value).try_fold(Rational::zero(), |sum, value| Some(sum + value?));
                let sum = sum.ok_or_else(|| rejected("the spec is in error for one of its choices"))?;
                self.found(&Some((sum / integer(counted.len() as i128)).to_string()))?;
                match verdict {
                    Verdict::Proved => Ok(ClaimStanding::Counterexample),
                    other => Err(rejected(format!("an average is not {other}"))),
                }
            }
            Some(Question::Largest { domain, monotone, .. }) => {
                let at = |candidate: i128| {
                    let outcome = largest_at(db, job.item, job.instance, candidate);
                    outcome.value.ok_or_else(|| rejected(format!("the spec is in error for {candidate}")))
                };
                self.largest(*domain, *monotone, &at)
            }
        }
    }

    fn property(&mut self, kind: Kind, statement: &Statement) -> ClaimResult {
        let (holds, broken) = match kind {
            Kind::Find => (Verdict::None, Verdict::Found),
            _ => (Verdict::Proved, Verdict::Violated),
        };
        match (self.record.verdict, &statement.vacuity) {
            (verdict, _) if verdict == broken => self.answered(About::Statement, None, &statement.obligation),
            (verdict, assumptions) if verdict == holds => {
                let proved = self.unanswered(About::Statement, None, &statement.obligation)?;
                match assumptions {
                    Some(assumptions) => Ok(proved.and(self.answered(About::Assumptions, None, assumptions)?)),
                    None => Ok(proved),
                }
            }
            (Verdict::Vacuous, Some(assumptions)) => self.unanswered(About::Assumptions, None, assumptions),
            (Verdict::Vacuous, None) => Err(rejected("it has no assumptions that could be impossible")),
            (verdict, _) => Err(rejected(format!("a {} is not {verdict}", kind.keyword()))),
        }
    }

    /// The share of choices that hold, each decided as a property is.
    fn share(&mut self, of: usize, at: &dyn Fn(usize) -> Result<Statement, ClaimStanding>) -> ClaimResult {
        let (mut proved, mut vacuous) = (0, 0);
        let mut standing = ClaimStanding::Counterexample;
        for choice in 0..of {
            let statement = at(choice)?;
            let candidate = i128::try_from(choice).ok();
            let shows =
                |about| self.item(about, candidate).map(|item| matches!(item.rests_on, RecordGround::Assignment(_)));
            if shows(About::Statement) == Some(true) {
                self.answered(About::Statement, candidate, &statement.obligation)?;
                continue;
            }
            let found = match (&statement.vacuity, shows(About::Assumptions)) {
                (Some(assumptions), Some(false)) => {
                    vacuous += 1;
                    self.unanswered(About::Assumptions, candidate, assumptions)?
                }
                (assumptions, _) => {
                    proved += 1;
                    let found = self.unanswered(About::Statement, candidate, &statement.obligation)?;
                    match assumptions {
                        Some(assumptions) => found.and(self.answered(About::Assumptions, candidate, assumptions)?),
                        None => found,
                    }
                }
            };
            standing = standing.and(found);
        }
        self.found(&Some((integer(proved) / integer(of as i128)).to_string()))?;
        match self.record.verdict {
            Verdict::Vacuous if vacuous == of => Ok(standing),
            Verdict::Proved if vacuous < of => Ok(standing),
            other => Err(rejected(format!("this share is not {other}"))),
        }
    }

    fn optimize(&mut self, objective: &Objective, within: Option<&Rational>) -> ClaimResult {
        if self.record.verdict == Verdict::Vacuous {
            return self.unanswered(About::Assumptions, None, &objective.feasible());
        }
        if self.record.verdict != Verdict::Proved {
            return Err(rejected("a measure is not violated"));
        }
        let assignment = self.input(About::Found, None, &objective.feasible())?;
        let best = objective.of(&assignment).ok_or_else(|| rejected("no input attains it"))?;
        let found = objective.found(best, &assignment);
        self.found(&Some(found.to_string()))?;
        // As far as is claimed, and no further than the spec allows.
        let claimed = self.record.bound.as_ref().and_then(|text| text.parse::<Rational>().ok());
        let upper = match (claimed, within) {
            (Some(claimed), Some(width)) if (&claimed - &found).abs() <= *width => objective.upper(&claimed),
            _ => Some(best),
        };
        let above = upper.filter(|upper| *upper >= best).and_then(|upper| Some((upper, upper.checked_add(1)?)));
        let (upper, above) = above.ok_or_else(|| rejected("its bound is none of its values"))?;
        let standing = self.unanswered(About::Bound, None, &objective.at_least(above))?;
        let bound = objective.bound(upper);
        if bound != found {
            self.gap = Some(Gap { found: (&found).into(), bound: (&bound).into(), minimum: objective.negated });
        }
        Ok(standing)
    }

    /// What is known of a measure that is undecided, as the end of a sentence.
    fn bounded(&mut self, objective: &Objective) -> Result<String, ClaimStanding> {
        let bound = self.record.bound.as_ref().and_then(|text| text.parse::<Rational>().ok());
        let range = objective.range().map_err(|_| rejected("a number beyond 128 bits"))?;
        let upper = bound.as_ref().and_then(|bound| objective.upper(bound));
        let (Some(bound), Some(upper)) = (bound, upper) else {
            return Err(rejected("its bound is none of its values"));
        };
        // What is beyond its ranges is worth no proof; within them nothing overflows.
        if !range.contains(upper) {
            return Ok(String::new());
        }
        let ground = match self.unanswered(About::Bound, None, &objective.at_least(upper + 1)) {
            Ok(ClaimStanding::Solver(name)) => format!("the word of {name}"),
            Ok(_) => "a certificate".to_owned(),
            Err(ClaimStanding::Open(_)) => return Ok(String::new()),
            Err(standing) => return Err(standing),
        };
        let most = if objective.negated { "at least" } else { "at most" };
        Ok(format!("; it is {most} {}, on {ground}", Number::from(&bound).text))
    }

    fn largest(
        &mut self,
        (first, last): (i128, i128),
        monotone: bool,
        at: &dyn Fn(i128) -> Result<Statement, ClaimStanding>,
    ) -> ClaimResult {
        let best = match &self.record.found {
            None => None,
            Some(text) => {
                let best = text.parse::<i128>().ok().filter(|best| (first..=last).contains(best));
                Some(best.ok_or_else(|| rejected(format!("{} is no candidate", brief(text))))?)
            }
        };
        if self.record.verdict == Verdict::Violated {
            return Err(rejected("a measure is not violated"));
        }
        let mut standing = ClaimStanding::Counterexample;
        if let Some(best) = best {
            let statement = at(best)?;
            if self.record.verdict == Verdict::Vacuous {
                let assumptions = statement.vacuity.ok_or_else(|| rejected("it has no assumptions"))?;
                return self.unanswered(About::Assumptions, Some(best), &assumptions);
            }
            standing = standing.and(self.unanswered(About::Statement, Some(best), &statement.obligation)?);
            if let Some(assumptions) = &statement.vacuity {
                standing = standing.and(self.answered(About::Assumptions, Some(best), assumptions)?);
            }
        } else if self.record.verdict == Verdict::Vacuous {
            return Err(rejected("it names no candidate without inputs"));
        }
        // If it only gets harder, the next candidate speaks for all above it.
        let above = best.map_or(first, |best| best.saturating_add(1));
        let to = if monotone { above.min(last) } else { last };
        for candidate in above..=to {
            standing = standing.and(self.answered(About::Statement, Some(candidate), &at(candidate)?.obligation)?);
        }
        Ok(standing)
    }

    /// The answer of a measure must be the one that is claimed.
    pub(super) fn found(&self, value: &Option<String>) -> Result<(), ClaimStanding> {
        let show = |value: &Option<String>| value.as_deref().map_or_else(|| "no value".to_owned(), brief);
        if *value == self.record.found {
            return Ok(());
        }
        Err(rejected(format!("its evidence shows {}, not {}", show(value), show(&self.record.found))))
    }

    /// The evidence on a question: the last word, should there be several (an undecided candidate was tried again).
    pub(super) fn item(&self, about: About, candidate: Option<i128>) -> Option<&Item> {
        self.record.evidence.iter().rfind(|item| item.about == about && item.candidate == candidate)
    }

    fn evidence(&self, about: About, candidate: Option<i128>, obligation: &Obligation) -> Result<&Item, ClaimStanding> {
        let what = || {
            let of = candidate.map(|candidate| format!(" for {candidate}")).unwrap_or_default();
            match about {
                About::Statement => format!("the statement{of}"),
                About::Assumptions => format!("whether any input meets the assumptions{of}"),
                About::Found => "where its best value is attained".to_owned(),
                About::Bound => "whether there is a better value".to_owned(),
            }
        };
        let item = self.item(about, candidate);
        let item = item.ok_or_else(|| ClaimStanding::Open(format!("nothing is said of {}", what())))?;
        if item.obligation != obligation.key() {
            return Err(other_question(&what()));
        }
        Ok(item)
    }

    /// An input answers the obligation.
    fn answered(&self, about: About, candidate: Option<i128>, obligation: &Obligation) -> ClaimResult {
        self.input(about, candidate, obligation).map(|_| ClaimStanding::Counterexample)
    }

    /// The input that answers the obligation.
    fn input(
        &self,
        about: About,
        candidate: Option<i128>,
        obligation: &Obligation,
    ) -> Result<Assignment, ClaimStanding> {
        replayed(self.evidence(about, candidate, obligation)?, obligation)
    }

    /// No input answers the obligation.
    pub(super) fn unanswered(&mut self, about: About, candidate: Option<i128>, obligation: &Obligation) -> ClaimResult {
        let steps = match &self.evidence(about, candidate, obligation)?.rests_on {
            RecordGround::Certificate(certificate) => {
                let certificate = certificate.read();
                let certificate =
                    certificate.map_err(|why| rejected(format!("its certificate can't be read: {why}")))?;
                (self.on_certificate)(obligation, &certificate)?;
                check(obligation, &certificate)
                    .map_err(|why| rejected(format!("its certificate is rejected: {why}")))?;
                certificate.steps()
            }
            RecordGround::Interval => {
                let found = plain(obligation).ok_or_else(|| {
                    ClaimStanding::Open(
                        "interval arithmetic is said to prove it, which this checker can't repeat".to_owned(),
                    )
                })?;
                (self.on_certificate)(obligation, &found)?;
                found.steps()
            }
            RecordGround::Solver(name) => return Ok(ClaimStanding::Solver(brief(name))),
            RecordGround::Assignment(_) => return Err(rejected("it needs a proof, and there is an input only")),
        };
        self.certificates += 1;
        self.steps += steps;
        Ok(ClaimStanding::Certificate)
    }
}

/// What is said where evidence is of another obligation.
pub(super) fn other_question(what: &str) -> ClaimStanding {
    rejected(format!("the spec or its files ask something else now: {what}"))
}

/// The input of an item, which must answer the obligation.
pub(super) fn replayed(item: &Item, obligation: &Obligation) -> Result<Assignment, ClaimStanding> {
    let RecordGround::Assignment(assignment) = &item.rests_on else {
        return Err(rejected("it needs an input, and there is none"));
    };
    let assignment = assignment.read().map_err(|why| rejected(format!("its input can't be read: {why}")))?;
    match obligation.replay(&assignment) {
        Replay::Holds(_) => Ok(assignment),
        Replay::Close => Err(rejected("its input does not show it: the real-valued network says otherwise")),
        Replay::Fails(why) => Err(rejected(format!("its input does not show it: {why}"))),
    }
}
