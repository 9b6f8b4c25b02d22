//! From a job to the question that it asks: the database is asked for, used and dropped before an engine starts.
//!
//! In: a job of the plan, where to get the database, until when. Out: an owned question, or why there is none.

use super::counterexample_builder::CounterexampleBuilder;
use super::plan::Job;
use super::question_key::{objective_kind, question_key};
use super::session::Session;
use super::verdict::Parameter;
use crate::check::Outcome;
use crate::check::constant::Constant;
use crate::check::property::Statement;
use crate::check::spec::{Counted, Indices, Question, family, goal_at, number_at, optimization_at, question_once};
use crate::db::Database;
use crate::diagnostic::{Diagnostic, Severity};
use qnn_engine::portfolio::Portfolio;
use qnn_ir::Rational;
use qnn_ir::interrupt::{self, Condition};
use qnn_ir::obligation::{Objective, Obligation};
use std::sync::Arc;
use std::time::Duration;

/// Where lowering gets the database.
pub(super) struct JobSource<'a> {
    /// A clone, or `None` once the job is not what it was.
    pub snapshot: &'a (dyn Fn() -> Option<Database> + Sync),
    /// The revision of the plan: instances are known by their index, which means nothing in another. `None` if the caller vouches that
    /// the job means the same in every database that it hands out.
    pub revision: Option<salsa::Revision>,
}

/// Why there is no verdict on the question itself.
pub(super) enum Failure {
    /// Nobody waits any more, or the spec has changed.
    Cancelled,
    /// The budget ended while the question was still being lowered.
    Late,
    /// The spec is wrong.
    Spec(Vec<Diagnostic>),
    /// Something is broken.
    Internal(String),
}

impl JobSource<'_> {
    /// Uses the database for a moment, at most for the budget.
    fn with<T>(&self, session: &Session<'_>, budget: Duration, f: impl Fn(&Database) -> T) -> Result<T, Failure> {
        let (cancel, clock) = (session.cancel.clone(), session.clock.clone());
        let begun = clock.now();
        let late: Condition = Arc::new(move || cancel.is_cancelled() || clock.since(begun) >= budget);
        let outer = late.clone();
        let found = interrupt::until(move || outer(), || self.use_once(&late, &f));
        found.unwrap_or_else(|_| Err(if session.cancel.is_cancelled() { Failure::Cancelled } else { Failure::Late }))
    }

    fn use_once<T>(&self, late: &Condition, f: &impl Fn(&Database) -> T) -> Result<T, Failure> {
        loop {
            let db = (self.snapshot)().ok_or(Failure::Cancelled)?;
            if self.revision.is_some_and(|revision| salsa::plumbing::current_revision(&db) != revision) {
                return Err(Failure::Cancelled);
            }
            // A change that waits for this clone unwinds the queries.
            let (late, changing) = (late.clone(), db.changing());
            let asked = || salsa::Cancelled::catch(std::panic::AssertUnwindSafe(|| f(&db)));
            let found = interrupt::until(move || late() || changing(), asked);
            drop(db);
            match found {
                Ok(Ok(value)) => return Ok(value),
                // Another thread was interrupted in a query that this one waited for.
                Ok(Err(salsa::Cancelled::PropagatedPanic)) => interrupt::ask(),
                // It is late, or the database is about to change.
                Ok(Err(_)) | Err(_) => {
                    interrupt::ask();
                    if self.revision.is_some() {
                        return Err(Failure::Cancelled);
                    }
                }
            }
        }
    }
}

/// The value of a query, unless something is wrong with the spec.
fn sound<T>(outcome: &Outcome<T>, or_else: impl FnOnce() -> Vec<Diagnostic>) -> Result<&T, Failure> {
    let errors: Vec<Diagnostic> =
        outcome.diagnostics.iter().filter(|d| d.severity == Severity::Error).cloned().collect();
    match &outcome.value {
        Some(value) if errors.is_empty() => Ok(value),
        _ if errors.is_empty() => Err(Failure::Spec(or_else())),
        _ => Err(Failure::Spec(errors)),
    }
}

/// A statement with what is needed to show its counterexamples.
pub(super) struct Asked {
    /// Whether any input breaks it.
    pub obligation: Arc<Obligation>,
    /// Whether any input meets its assumptions, if it has some.
    pub vacuity: Option<Arc<Obligation>>,
    /// Shows its counterexamples.
    pub builder: CounterexampleBuilder,
}

impl Asked {
    fn new(db: &Database, statement: &Statement) -> Asked {
        Asked {
            obligation: statement.obligation.clone(),
            vacuity: statement.vacuity.clone(),
            builder: CounterexampleBuilder::new(db, &statement.variables, &statement.calls),
        }
    }
}

pub(super) enum Lowered {
    Property(Asked),
    Optimize(Arc<Objective>, Option<Rational>, CounterexampleBuilder),
    OptimizeOver(Indices),
    Largest { name: Arc<str>, domain: (i128, i128), monotone: bool },
    Share(Counted),
    Average(Counted),
}

/// What a job asks.
pub(super) fn lower(job: &Job, source: &JobSource<'_>, session: &Session<'_>) -> Result<Lowered, Failure> {
    source.with(session, job.budget, |db| {
        let outcome = question_once(db, job.item, job.instance);
        // If the family itself is wrong, that is where the reason stands.
        let found = sound(&outcome, || family(db, job.item).diagnostics.clone())?;
        Ok(match found {
            Question::Property(statement) => Lowered::Property(Asked::new(db, statement)),
            Question::Optimize(o) => {
                let builder = CounterexampleBuilder::new(db, &o.variables, &o.calls);
                Lowered::Optimize(o.objective.clone(), o.within.clone(), builder)
            }
            Question::OptimizeOver(indices) => Lowered::OptimizeOver(indices.clone()),
            Question::Share(counted) => Lowered::Share(counted.clone()),
            Question::Average(counted) => Lowered::Average(counted.clone()),
            Question::Largest { name, domain, monotone } => {
                Lowered::Largest { name: name.clone(), domain: *domain, monotone: *monotone }
            }
        })
    })?
}

/// The key under which the store would remember what a job asks of these engines; `None` if the spec is wrong, and for
/// what asks several questions, of which each has its own.
pub(super) fn key(db: &Database, job: &Job, portfolio: &Portfolio) -> Option<String> {
    let outcome = question_once(db, job.item, job.instance);
    match sound(&outcome, Vec::new).ok()? {
        Question::Property(statement) => Some(question_key(portfolio, "obligation", &statement.obligation.key())),
        Question::Optimize(o) => {
            Some(question_key(portfolio, &objective_kind(o.within.as_ref()), &o.objective.at_least(0).key()))
        }
        Question::OptimizeOver(_) | Question::Largest { .. } | Question::Share(_) | Question::Average(_) => None,
    }
}

/// The statement of a `largest` or `share` with the values of the measure's own variables.
pub(super) fn lower_goal(
    job: &Job,
    source: &JobSource<'_>,
    session: &Session<'_>,
    budget: Duration,
    values: &[(Arc<str>, Constant)],
) -> Result<Asked, Failure> {
    source.with(session, budget, |db| {
        let outcome = goal_at(db, job.item, job.instance, values);
        Ok(Asked::new(db, sound(&outcome, Vec::new)?))
    })?
}

/// The objective of a `maximize` or `minimize`, for one choice of its indices.
pub(super) struct ChosenObjective {
    pub objective: Arc<Objective>,
    /// Shows where a value is attained.
    pub builder: CounterexampleBuilder,
}

/// The objective of a `maximize` or `minimize` over indices, for one choice of these.
pub(super) fn lower_choice(
    job: &Job,
    source: &JobSource<'_>,
    session: &Session<'_>,
    budget: Duration,
    choice: &[(Arc<str>, Constant)],
) -> Result<ChosenObjective, Failure> {
    source.with(session, budget, |db| {
        let outcome = optimization_at(db, job.item, job.instance, choice);
        let found = sound(&outcome, Vec::new)?;
        let builder = CounterexampleBuilder::new(db, &found.variables, &found.calls);
        Ok(ChosenObjective { objective: found.objective.clone(), builder })
    })?
}

/// A choice of indices as the spec writes it.
pub(super) fn written(
    source: &JobSource<'_>,
    session: &Session<'_>,
    choice: &[(Arc<str>, Constant)],
) -> Result<Vec<Parameter>, Failure> {
    source.with(session, session.turn.budget, |db| {
        choice.iter().map(|(name, value)| Parameter { name: name.clone(), text: value.text(db) }).collect()
    })
}

/// What an `average` is of, or a `maximize` or `minimize` over indices alone, with the values of the measure's own variables.
pub(super) fn known_number(
    job: &Job,
    source: &JobSource<'_>,
    session: &Session<'_>,
    budget: Duration,
    values: &[(Arc<str>, Constant)],
) -> Result<Rational, Failure> {
    source.with(session, budget, |db| {
        let outcome = number_at(db, job.item, job.instance, values);
        sound(&outcome, Vec::new).cloned()
    })?
}
