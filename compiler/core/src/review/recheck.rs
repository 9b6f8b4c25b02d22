//! Checking what is claimed of a spec's instances, from the spec and the evidence alone.
//!
//! In: a spec in the database, records. Out: for each record what it rests on. Each obligation is lowered from the spec as it is on this machine;
//! evidence counts only for the obligation whose key it names.

use super::file::{Ground, Item, Record, brief};
use crate::check::property::Statement;
use crate::check::spec::{Question, largest_at, question};
use crate::db::{Database, SourceFile, catch_cancelled};
use crate::diagnostic::Severity;
use crate::verify::evidence::About;
use crate::verify::verdict::{Number, Verdict};
use crate::verify::{Filter, Job};
use qnn_ir::Rational;
use qnn_ir::interrupt;
use qnn_ir::obligation::{Assignment, Objective, Obligation, Replay};
use qnn_proof::{Certificate, Unreadable, check, plain};
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a verdict rests on, all of it taken together: the weakest part counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "kind", content = "detail")]
pub enum Standing {
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

impl Standing {
    /// Of two parts, what both together rest on.
    fn and(self, other: Standing) -> Standing {
        let rank = |standing: &Standing| match standing {
            Standing::Counterexample => 0,
            Standing::Certificate => 1,
            Standing::Solver(_) => 2,
            Standing::Open(_) => 3,
            Standing::Rejected(_) => 4,
        };
        if rank(&other) > rank(&self) { other } else { self }
    }

    /// Whether all of it was checked here.
    pub fn is_checked(&self) -> bool {
        matches!(self, Standing::Counterexample | Standing::Certificate)
    }
}

/// What was found out about a record.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Checked {
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
    pub standing: Standing,
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

/// A spec that is spoken of.
pub struct Subject {
    /// The spec.
    pub file: SourceFile,
    /// Its instances, all of them.
    pub jobs: Vec<Job>,
    /// Which of them are looked at.
    pub filter: Filter,
}

/// The most records that are kept of instances that no spec has, or that were spoken of before.
const MOST_STRANGE: usize = 100_000;

/// Hears of every certificate before it is checked, with the obligation that it should be about.
pub type OnCertificate<'a> = dyn Fn(&Obligation, &Certificate) + Sync + 'a;

/// Whether nobody waits for a check any more.
pub type Stop = Arc<dyn Fn() -> bool + Send + Sync>;

/// Checks all records that `next` gives, on some threads, until `stop` holds. The result is in the order of the records; instances without a record
/// follow, or that were not looked at.
///
/// # Errors
/// The first error of `next`.
pub fn review(
    snapshot: &(dyn Fn() -> Option<Database> + Sync),
    subjects: &[Subject],
    next: &mut (dyn FnMut() -> Result<Option<Record>, Unreadable> + Send),
    threads: usize,
    on_certificate: &OnCertificate<'_>,
    stop: &Stop,
) -> Result<Vec<Checked>, Unreadable> {
    let jobs: Vec<HashMap<&str, &Job>> =
        subjects.iter().map(|s| s.jobs.iter().map(|job| (job.name.as_str(), job)).collect()).collect();
    struct State<'a> {
        next: &'a mut (dyn FnMut() -> Result<Option<Record>, Unreadable> + Send),
        count: usize,
        seen: HashSet<(usize, &'a str)>,
        strange: usize,
        done: Vec<(usize, Checked)>,
        error: Option<Unreadable>,
    }
    let state = State { next, count: 0, seen: HashSet::new(), strange: 0, done: Vec::new(), error: None };
    let state = Mutex::new(state);
    let lock = || state.lock().unwrap_or_else(PoisonError::into_inner);
    let work = || {
        loop {
            let (number, record, job, again) = {
                let mut state = lock();
                if state.error.is_some() || stop() {
                    return;
                }
                match (state.next)() {
                    Ok(Some(record)) => {
                        state.count += 1;
                        let job = jobs.get(record.spec).and_then(|jobs| jobs.get(record.instance.as_str())).copied();
                        let again = job.is_some_and(|job| !state.seen.insert((record.spec, job.name.as_str())));
                        state.strange += usize::from(again || job.is_none());
                        if state.strange > MOST_STRANGE {
                            let why = "It speaks of too much that no spec has, or more than once.";
                            state.error = Some(Unreadable(why.to_owned()));
                            return;
                        }
                        (state.count, record, job, again)
                    }
                    Ok(None) => return,
                    Err(error) => {
                        state.error = Some(error);
                        return;
                    }
                }
            };
            let wanted = |job: &Job| subjects[record.spec].filter.matches(&job.property, &job.name);
            if job.is_some_and(|job| !wanted(job)) {
                continue;
            }
            let Some(db) = snapshot() else { return };
            let stop = stop.clone();
            let checked =
                interrupt::until(move || stop(), || catch_cancelled(|| one(&db, job, again, &record, on_certificate)));
            match checked {
                Ok(Some(checked)) => lock().done.push((number, checked)),
                // It was stopped here, or on a thread that this one waited for.
                Ok(None) | Err(_) => {
                    job.into_iter().for_each(|job| _ = lock().seen.remove(&(record.spec, job.name.as_str())))
                }
            }
        }
    };
    std::thread::scope(|scope| {
        let builder = || std::thread::Builder::new().name("review".to_owned()).stack_size(64 << 20);
        let spawned = (0..threads.max(1)).filter_map(|_| builder().spawn_scoped(scope, work).ok()).count();
        if spawned == 0 {
            work();
        }
    });
    let State { mut done, seen, error, .. } = state.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(error) = error {
        return Err(error);
    }
    done.sort_by_key(|(number, _)| *number);
    let mut all: Vec<Checked> = done.into_iter().map(|(_, checked)| checked).collect();
    let nothing = if stop() { "the check was stopped before it" } else { "nothing is said of it" };
    for (spec, subject) in subjects.iter().enumerate() {
        let missing =
            |job: &&Job| subject.filter.matches(&job.property, &job.name) && !seen.contains(&(spec, job.name.as_str()));
        for job in subject.jobs.iter().filter(missing) {
            all.push(Checked {
                spec,
                instance: job.name.clone(),
                property: job.property.to_string(),
                verdict: Verdict::Unknown,
                found: None,
                as_expected: false,
                standing: Standing::Open(nothing.to_owned()),
                gap: None,
                certificates: 0,
                steps: 0,
                time: Duration::ZERO,
            });
        }
    }
    Ok(all)
}

fn one(db: &Database, job: Option<&Job>, again: bool, record: &Record, on_certificate: &OnCertificate<'_>) -> Checked {
    let start = Instant::now();
    let mut case = Case { record, on_certificate, gap: None, certificates: 0, steps: 0 };
    let standing = match job {
        None => Err(rejected("the spec has no such instance")),
        Some(_) if again => Err(rejected("it is spoken of more than once")),
        Some(job) => case.standing(db, job),
    };
    Checked {
        spec: record.spec,
        instance: job.map_or_else(|| brief(&record.instance), |job| job.name.clone()),
        property: job.map_or_else(String::new, |job| job.property.to_string()),
        verdict: record.verdict,
        found: record.found.as_ref().map(|found| if job.is_some() && !again { found.clone() } else { brief(found) }),
        as_expected: job.is_some_and(|job| record.verdict.is(job.expected)),
        standing: standing.unwrap_or_else(|standing| standing),
        gap: case.gap,
        certificates: case.certificates,
        steps: case.steps,
        time: start.elapsed(),
    }
}

/// `Err` ends the look at an instance: nothing that follows could mend it.
type Found = Result<Standing, Standing>;

fn rejected(why: impl Into<String>) -> Standing {
    Standing::Rejected(why.into())
}

struct Case<'a> {
    record: &'a Record,
    on_certificate: &'a OnCertificate<'a>,
    gap: Option<Gap>,
    certificates: usize,
    steps: usize,
}

impl Case<'_> {
    fn standing(&mut self, db: &Database, job: &Job) -> Found {
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
            return Err(Standing::Open(undecided.to_owned()));
        }
        let outcome = question(db, job.item, job.instance);
        let sound = outcome.diagnostics.iter().all(|d| d.severity != Severity::Error);
        match outcome.value.as_ref().filter(|_| sound) {
            None => Err(rejected("the spec is in error here")),
            Some(Question::Optimize(optimization)) if !verdict.is_decided() => {
                let known = self.bounded(&optimization.objective)?;
                Err(Standing::Open(format!("{undecided}{known}")))
            }
            _ if !verdict.is_decided() => Err(Standing::Open(undecided.to_owned())),
            Some(Question::Property(statement)) => self.property(statement),
            Some(Question::Optimize(optimization)) => self.optimize(&optimization.objective),
            Some(Question::Largest { domain, monotone, .. }) => {
                let at = |candidate: i128| {
                    let outcome = largest_at(db, job.item, job.instance, candidate);
                    outcome.value.ok_or_else(|| rejected(format!("the spec is in error for {candidate}")))
                };
                self.largest(*domain, *monotone, &at)
            }
        }
    }

    fn property(&mut self, statement: &Statement) -> Found {
        match (self.record.verdict, &statement.vacuity) {
            (Verdict::Violated, _) => self.answered(About::Statement, None, &statement.obligation),
            (Verdict::Proved, assumptions) => {
                let proved = self.unanswered(About::Statement, None, &statement.obligation)?;
                match assumptions {
                    Some(assumptions) => Ok(proved.and(self.answered(About::Assumptions, None, assumptions)?)),
                    None => Ok(proved),
                }
            }
            (_, Some(assumptions)) => self.unanswered(About::Assumptions, None, assumptions),
            (_, None) => Err(rejected("it has no assumptions that could be impossible")),
        }
    }

    fn optimize(&mut self, objective: &Objective) -> Found {
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
        let above = best.checked_add(1).ok_or_else(|| rejected("a number beyond 128 bits"))?;
        let standing = self.unanswered(About::Bound, None, &objective.at_least(above))?;
        let bound = objective.bound(best);
        if bound != found {
            self.gap = Some(Gap { found: (&found).into(), bound: (&bound).into(), minimum: objective.negated });
        }
        Ok(standing)
    }

    /// What is known of a measure that is undecided, as the end of a sentence.
    fn bounded(&mut self, objective: &Objective) -> Result<String, Standing> {
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
            Ok(Standing::Solver(name)) => format!("the word of {name}"),
            Ok(_) => "a certificate".to_owned(),
            Err(Standing::Open(_)) => return Ok(String::new()),
            Err(standing) => return Err(standing),
        };
        let most = if objective.negated { "at least" } else { "at most" };
        Ok(format!("; it is {most} {}, on {ground}", Number::from(&bound).text))
    }

    fn largest(
        &mut self,
        (first, last): (i128, i128),
        monotone: bool,
        at: &dyn Fn(i128) -> Result<Statement, Standing>,
    ) -> Found {
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
        let mut standing = Standing::Counterexample;
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
    fn found(&self, value: &Option<String>) -> Result<(), Standing> {
        let show = |value: &Option<String>| value.as_deref().map_or_else(|| "no value".to_owned(), brief);
        if *value == self.record.found {
            return Ok(());
        }
        Err(rejected(format!("its evidence shows {}, not {}", show(value), show(&self.record.found))))
    }

    /// The evidence on a question: the last word, should there be several (an undecided candidate was tried again).
    fn item(&self, about: About, candidate: Option<i128>) -> Option<&Item> {
        self.record.evidence.iter().rfind(|item| item.about == about && item.candidate == candidate)
    }

    fn evidence(&self, about: About, candidate: Option<i128>, obligation: &Obligation) -> Result<&Item, Standing> {
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
        let item = item.ok_or_else(|| Standing::Open(format!("nothing is said of {}", what())))?;
        if item.obligation != obligation.key() {
            return Err(rejected(format!("the spec or its files ask something else now: {}", what())));
        }
        Ok(item)
    }

    /// An input answers the obligation.
    fn answered(&self, about: About, candidate: Option<i128>, obligation: &Obligation) -> Found {
        self.input(about, candidate, obligation).map(|_| Standing::Counterexample)
    }

    /// The input that answers the obligation.
    fn input(&self, about: About, candidate: Option<i128>, obligation: &Obligation) -> Result<Assignment, Standing> {
        let Ground::Assignment(assignment) = &self.evidence(about, candidate, obligation)?.rests_on else {
            return Err(rejected("it needs an input, and there is none"));
        };
        let assignment = assignment.read().map_err(|why| rejected(format!("its input can't be read: {why}")))?;
        match obligation.replay(&assignment) {
            Replay::Holds(_) => Ok(assignment),
            Replay::Close => Err(rejected("its input does not show it: the real-valued network says otherwise")),
            Replay::Fails(why) => Err(rejected(format!("its input does not show it: {why}"))),
        }
    }

    /// No input answers the obligation.
    fn unanswered(&mut self, about: About, candidate: Option<i128>, obligation: &Obligation) -> Found {
        let steps = match &self.evidence(about, candidate, obligation)?.rests_on {
            Ground::Certificate(certificate) => {
                let certificate = certificate.read();
                let certificate =
                    certificate.map_err(|why| rejected(format!("its certificate can't be read: {why}")))?;
                (self.on_certificate)(obligation, &certificate);
                check(obligation, &certificate)
                    .map_err(|why| rejected(format!("its certificate is rejected: {why}")))?;
                certificate.steps()
            }
            Ground::Interval => {
                let found = plain(obligation).ok_or_else(|| {
                    Standing::Open(
                        "interval arithmetic is said to prove it, which this checker can't repeat".to_owned(),
                    )
                })?;
                (self.on_certificate)(obligation, &found);
                found.steps()
            }
            Ground::Solver(name) => return Ok(Standing::Solver(brief(name))),
            Ground::Assignment(_) => return Err(rejected("it needs a proof, and there is an input only")),
        };
        self.certificates += 1;
        self.steps += steps;
        Ok(Standing::Certificate)
    }
}
