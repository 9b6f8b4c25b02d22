//! One job: an instance lowered, decided, and said as a result.
//!
//! In: a job of the plan, where to get the database, who decides. Out: its result, always. The database is asked for, used and dropped before
//! an engine starts.

use super::decide::{self, Decided, Session, broken};
use super::evidence::{About, Evidence, Support};
use super::largest::Search;
use super::run::{Finding, Job, percent};
use super::verdict::{
    Candidate, Counterexample, Fault, InstanceResult, Kind, Largest, MeasureResult, Number, Open, RESULT_VERSION,
    Verdict,
};
use super::witness::CounterexampleBuilder;
use crate::check::Outcome;
use crate::check::property::Statement;
use crate::check::spec::{Question, family, largest_at, question_once};
use crate::db::Database;
use crate::diagnostic::{Diagnostic, Severity};
use crate::files::words::{duration, size};
use qnn_engine::portfolio::{Portfolio, Report};
use qnn_engine::{Answer, Meter, Reason, Trust};
use qnn_ir::interrupt;
use qnn_ir::obligation::{Assignment, Objective, Obligation};
use qnn_ir::rational::integer;
use std::sync::Arc;
use std::time::Duration;

/// Where lowering gets the database.
pub(super) struct Source<'a> {
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

impl Source<'_> {
    /// Uses the database for a moment, at most for the budget.
    fn with<T>(&self, session: &Session<'_>, budget: Duration, f: impl Fn(&Database) -> T) -> Result<T, Failure> {
        let (cancel, clock) = (session.cancel.clone(), session.clock.clone());
        let begun = clock.now();
        let late: Arc<dyn Fn() -> bool + Send + Sync> =
            Arc::new(move || cancel.is_cancelled() || clock.since(begun) >= budget);
        let outer = late.clone();
        let found = interrupt::until(move || outer(), || self.use_once(&late, &f));
        found.unwrap_or_else(|_| Err(if session.cancel.is_cancelled() { Failure::Cancelled } else { Failure::Late }))
    }

    fn use_once<T>(
        &self,
        late: &Arc<dyn Fn() -> bool + Send + Sync>,
        f: &impl Fn(&Database) -> T,
    ) -> Result<T, Failure> {
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
struct Asked {
    obligation: Arc<Obligation>,
    vacuity: Option<Arc<Obligation>>,
    builder: CounterexampleBuilder,
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

enum Lowered {
    Property(Asked),
    Optimize(Arc<Objective>, CounterexampleBuilder),
    Largest { name: Arc<str>, domain: (i128, i128), monotone: bool },
}

fn lower(job: &Job, source: &Source<'_>, session: &Session<'_>) -> Result<Lowered, Failure> {
    source.with(session, job.budget, |db| {
        let outcome = question_once(db, job.item, job.instance);
        // If the family itself is wrong, that is where the reason stands.
        let found = sound(&outcome, || family(db, job.item).diagnostics.clone())?;
        Ok(match found {
            Question::Property(statement) => Lowered::Property(Asked::new(db, statement)),
            Question::Optimize(o) => {
                Lowered::Optimize(o.objective.clone(), CounterexampleBuilder::new(db, &o.variables, &o.calls))
            }
            Question::Largest { name, domain, monotone } => {
                Lowered::Largest { name: name.clone(), domain: *domain, monotone: *monotone }
            }
        })
    })?
}

/// The key under which the store would remember what a job asks of these engines; `None` if the spec is wrong, and for
/// `largest`, of which each candidate has its own.
pub(super) fn key(db: &Database, job: &Job, portfolio: &Portfolio) -> Option<String> {
    let outcome = question_once(db, job.item, job.instance);
    match sound(&outcome, Vec::new).ok()? {
        Question::Property(statement) => Some(decide::key(portfolio, "obligation", &statement.obligation.key())),
        Question::Optimize(o) => Some(decide::key(portfolio, "objective", &o.objective.at_least(0).key())),
        Question::Largest { .. } => None,
    }
}

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

/// Decides a job, as far as its turn goes.
pub(super) fn decide(
    job: &Job,
    source: &Source<'_>,
    session: &Session<'_>,
    on_finding: &mut (dyn FnMut(Finding) + Send),
) -> InstanceResult {
    let mut result = blank(job);
    result.budget = session.turn.budget;
    let done = lower(job, source, session).and_then(|lowered| match lowered {
        Lowered::Property(asked) => property(&mut result, session, &asked),
        Lowered::Optimize(objective, builder) => optimize(&mut result, session, &objective, &builder, on_finding),
        Lowered::Largest { name, domain, monotone } => {
            let search = Search::new(domain.0, domain.1, monotone);
            let candidates = Candidates {
                job,
                source,
                session,
                tried: Vec::new(),
                best: None,
                broken: None,
                known: Vec::new(),
                reports: Vec::new(),
            };
            candidates.run(&mut result, &name, domain, search, on_finding)
        }
    });
    if let Err(failure) = done {
        result.fail(failure);
    } else if result.evidence.iter().any(Evidence::is_too_large) {
        let most = size(session.most_certificate);
        result.add(&format!("The certificate takes more than {most}, the most that is kept."));
    }
    result.as_expected = result.verdict.is(result.expected);
    result
}

impl InstanceResult {
    fn fail(&mut self, failure: Failure) {
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
    fn undecided(&mut self, reason: &Reason, given: Duration) {
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
    fn add(&mut self, sentence: &str) {
        let more = format!(" {sentence}");
        self.detail.push_str(&more);
        self.open.known.push_str(&more);
    }

    /// Takes over who decided, when and how.
    fn provenance<T>(&mut self, decided: &Decided<T>) {
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
            (result.measure.is_some(), proved)
        };
        if !self.verdict.is_decided() && self.fault.is_none() && knew(self) < knew(&earlier) {
            let (why, verdict) = (std::mem::take(&mut self.open.why), self.verdict);
            let now = std::mem::replace(self, ended(earlier, why, verdict));
            self.time += now.time;
            self.budget = now.budget;
            decide::add(&mut self.reports, now.reports);
        } else {
            self.time += earlier.time;
            let now = std::mem::replace(&mut self.reports, earlier.reports);
            decide::add(&mut self.reports, now);
        }
    }

    fn by(&self) -> String {
        self.engine.as_ref().map(|engine| format!(" by `{engine}`")).unwrap_or_default()
    }

    /// Mentions an engine that broke where another one decided.
    fn mention_broken(&mut self) {
        if self.verdict.is_decided()
            && let Some(why) = broken(&self.reports)
        {
            self.detail.push_str(&format!(" An engine failed on the way, please report it: {why}."));
        }
    }
}

/// The text as a sentence begins.
fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_else(|| "Undecided".to_owned())
}

/// What is left of a budget for the question whether anything meets the assumptions: always a tenth, since it is nearly always easy. It depends on
/// what the first question took then, not now, so that a second run asks the store for the same.
fn allowance(budget: Duration, spent: Duration) -> Duration {
    budget.saturating_sub(spent).max(budget / 10)
}

fn property(result: &mut InstanceResult, session: &Session<'_>, asked: &Asked) -> Result<(), Failure> {
    let budget = session.turn.time;
    let decided = session.decide(session.name, &asked.obligation, budget);
    result.provenance(&decided);
    result.evidence.extend(Evidence::of(About::Statement, None, || asked.obligation.key(), &decided));
    match decided.answer {
        Answer::Some(assignment) => {
            let shown = asked.builder.counterexample(&asked.obligation, &assignment).map_err(Failure::Internal)?;
            result.verdict = Verdict::Violated;
            result.counterexample = Some(shown);
            result.detail =
                format!("A counterexample breaks it, found{} and confirmed by the reference interpreter.", result.by());
        }
        Answer::None(trust) => match assumed(session, asked, allowance(budget, decided.time)) {
            None => result.prove(trust, "It holds for every input"),
            Some((key, checked)) => {
                result.evidence.extend(Evidence::of(About::Assumptions, None, || key, &checked));
                result.time += checked.time;
                result.cached &= checked.cached;
                match checked.answer {
                    Answer::Some(_) => result.prove(trust, "It holds for every input that meets the assumptions"),
                    Answer::None(trust) => {
                        result.verdict = Verdict::Vacuous;
                        result.trust = Some(trust);
                        result.engine = checked.engine;
                        result.reports = checked.reports;
                        result.detail = "No input meets the assumptions, so it says nothing.".to_owned();
                    }
                    Answer::Unknown(reason) => {
                        result.trust = Some(trust);
                        result.reports.extend(checked.reports);
                        result.undecided(&reason, session.given(budget.max(checked.budget), checked.cached));
                        result.add(
                            "It holds for every input that meets the assumptions, but whether any does is not known.",
                        );
                    }
                }
            }
        },
        Answer::Unknown(reason) => {
            result.searched = session.searched();
            result.undecided(&reason, session.given(decided.budget, decided.cached));
        }
    }
    result.mention_broken();
    Ok(())
}

impl InstanceResult {
    fn prove(&mut self, trust: Trust, what: &str) {
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

/// Whether anything meets the assumptions, with the key of what was asked; `None` if there are none to meet.
fn assumed(session: &Session<'_>, asked: &Asked, budget: Duration) -> Option<(String, Decided<Answer>)> {
    let vacuity = asked.vacuity.as_ref()?;
    Some((vacuity.key(), session.decide(&format!("{}: its assumptions", session.name), vacuity, budget)))
}

fn optimize(
    result: &mut InstanceResult,
    session: &Session<'_>,
    objective: &Objective,
    builder: &CounterexampleBuilder,
    on_finding: &mut (dyn FnMut(Finding) + Send),
) -> Result<(), Failure> {
    let known = |upper: i128| (upper != i128::MAX).then(|| Number::from(&objective.bound(upper)));
    // What an enclosure can be off is taken off what was found, until the input itself is evaluated.
    let error = objective.exact.as_ref().map_or(0, |exact| exact.error);
    let decided = session.maximize(objective, session.turn.time, |found, upper| {
        let found = found.map(|found| Number::from(&objective.bound(found - 2 * error)));
        on_finding(Finding::Bounds { found, bound: known(upper) });
    });
    result.provenance(&decided);
    let (answer, kept) = (decided.answer, decided.kept);
    let mut witness = None;
    if let Some((best, assignment)) = &answer.best {
        let feasible = objective.feasible();
        result.evidence.push(Evidence {
            about: About::Found,
            candidate: None,
            obligation: feasible.key(),
            rests_on: Support::Assignment(assignment.clone()),
        });
        witness = Some(builder.counterexample(&feasible, assignment).map_err(Failure::Internal)?);
        if objective.of(assignment) != Some(*best) {
            return Err(Failure::Internal(format!("the best value {best} is not attained where it was found")));
        }
    }
    let excluded = match answer.upper.checked_add(1) {
        _ if answer.vacuous => Some((About::Assumptions, objective.feasible().key())),
        Some(threshold) => Some((About::Bound, objective.at_least(threshold).key())),
        None => None,
    };
    // A certificate that a cancellation left unpacked is no evidence for anybody.
    let unpacked = matches!(answer.trust, Trust::Certificate { .. }) && kept.is_none();
    if let Some((about, obligation)) = excluded.filter(|_| !unpacked) {
        let rests_on = Support::of(&answer.trust, kept.as_ref());
        result.evidence.push(Evidence { about, candidate: None, obligation, rests_on });
    }
    let found = answer.best.as_ref().map(|(best, assignment)| Number::from(&objective.found(*best, assignment)));
    let bound = known(answer.upper);
    let (extreme, most) = if objective.negated { ("minimum", "at least") } else { ("maximum", "at most") };
    if answer.vacuous {
        result.verdict = Verdict::Vacuous;
        result.trust = Some(answer.trust);
        result.detail = format!("No input meets the assumptions, so there is no {extreme}.");
    } else if let (true, Some(found)) = (answer.complete, &found) {
        result.verdict = Verdict::Proved;
        result.trust = Some(answer.trust);
        result.detail = match &bound {
            Some(bound) if bound.exact != found.exact => format!(
                "The {extreme} is {}, up to what integers can tell of a real-valued network: it is {most} {}.",
                found.text, bound.text
            ),
            _ => format!("The {extreme} is {}.", found.text),
        };
    } else {
        let reason = answer.reason.unwrap_or_else(|| Reason::Incomplete("nobody knows why".to_owned()));
        result.searched = session.searched();
        result.undecided(&reason, session.given(decided.budget, decided.cached));
        let known = match (&found, &bound) {
            (Some(found), Some(bound)) => Some(format!("It is {most} {}, and {} was found.", bound.text, found.text)),
            (None, Some(bound)) => Some(format!("It is {most} {}.", bound.text)),
            (Some(found), None) => Some(format!("{} was found.", found.text)),
            (None, None) => None,
        };
        known.iter().for_each(|known| result.add(known));
    }
    let bound = if answer.vacuous { None } else { bound };
    result.measure = Some(MeasureResult { found, bound, complete: answer.complete, witness, largest: None });
    result.mention_broken();
    Ok(())
}

/// The candidates of a `largest`, as they are tried.
struct Candidates<'a> {
    job: &'a Job,
    source: &'a Source<'a>,
    session: &'a Session<'a>,
    tried: Vec<Candidate>,
    /// The largest that is proved, and the least above it that is violated, with what is needed to say more of them.
    best: Option<(i128, Asked, Decided<Answer>)>,
    broken: Option<(i128, Counterexample)>,
    /// What broke candidates: it may break others.
    known: Vec<Assignment>,
    /// What each engine did over all candidates.
    reports: Vec<Report>,
}

impl Candidates<'_> {
    fn ask(
        &mut self,
        result: &mut InstanceResult,
        name: &str,
        value: i128,
        budget: Duration,
        on_finding: &mut (dyn FnMut(Finding) + Send),
    ) -> Result<Verdict, Failure> {
        let (item, instance) = (self.job.item, self.job.instance);
        let asked = self.source.with(self.session, budget, |db| {
            let outcome = largest_at(db, item, instance, value);
            let statement = sound(&outcome, Vec::new)?;
            Ok::<Asked, Failure>(Asked::new(db, statement))
        })??;
        let what = format!("{}: {name} = {value}", self.session.name);
        // How far one candidate is says little of the others.
        let session = Session { meter: &Meter::default(), ..*self.session };
        let decided = session.decide_like(&what, &asked.obligation, &self.known, budget);
        result.time += decided.time;
        decide::add(&mut self.reports, decided.reports.iter().cloned());
        let verdict = match &decided.answer {
            Answer::None(_) => Verdict::Proved,
            Answer::Some(_) => Verdict::Violated,
            Answer::Unknown(Reason::Timeout) => Verdict::Timeout,
            Answer::Unknown(Reason::Internal(why)) => return Err(Failure::Internal(why.clone())),
            Answer::Unknown(_) => Verdict::Unknown,
        };
        let candidate = Candidate {
            value,
            verdict,
            engine: decided.engine.clone(),
            time: decided.time,
            key: decided.key.clone(),
            cached: decided.cached,
        };
        self.tried.retain(|known| known.value != value);
        self.tried.push(candidate);
        result.evidence.extend(Evidence::of(About::Statement, Some(value), || asked.obligation.key(), &decided));
        if let Answer::Some(assignment) = &decided.answer
            && !self.known.contains(assignment)
        {
            self.known.push(assignment.clone());
        }
        match &decided.answer {
            Answer::None(_) if self.best.as_ref().is_none_or(|(best, ..)| *best < value) => {
                self.broken = self.broken.take().filter(|(broken, _)| *broken > value);
                self.best = Some((value, asked, decided));
            }
            Answer::Some(assignment) if self.broken.as_ref().is_none_or(|(broken, _)| value < *broken) => {
                let shown = asked.builder.counterexample(&asked.obligation, assignment).map_err(Failure::Internal)?;
                self.broken = Some((value, shown));
            }
            _ => {}
        }
        on_finding(Finding::Candidate { value, verdict });
        Ok(verdict)
    }

    fn run(
        mut self,
        result: &mut InstanceResult,
        name: &str,
        domain: (i128, i128),
        mut search: Search,
        on_finding: &mut (dyn FnMut(Finding) + Send),
    ) -> Result<(), Failure> {
        let cancel = self.session.cancel;
        let budget = self.session.turn.time;
        search.run(budget, self.session.clock, &|| cancel.is_cancelled(), &mut |value, slice| {
            self.ask(result, name, value, slice, on_finding)
        })?;
        result.reports = std::mem::take(&mut self.reports);
        let (open, violated, bound) = (search.open(), search.violated(), search.bound());
        let count = |n: i128| Number::from(&integer(n));
        self.tried.sort_by_key(|candidate| candidate.value);
        result.cached = !self.tried.is_empty() && self.tried.iter().all(|candidate| candidate.cached);
        let mut complete = open == 0;
        let range = format!("{}..={}", domain.0, domain.1);
        if complete {
            result.verdict = Verdict::Proved;
            result.detail = match search.proved {
                Some(proved) => format!("The largest {name} in {range} is {proved}."),
                None => format!("It holds for no {name} in {range}."),
            };
        } else {
            let timeout = self
                .tried
                .iter()
                .any(|c| c.value > search.proved.unwrap_or(c.value - 1) && c.verdict == Verdict::Timeout)
                || self.tried.iter().all(|c| c.verdict.is_decided());
            let reason = match timeout {
                _ if cancel.is_cancelled() => Reason::Cancelled,
                true => Reason::Timeout,
                false => Reason::Incomplete("no engine decides the candidates that are left".to_owned()),
            };
            result.undecided(&reason, self.session.given(budget, false));
            let proved = match search.proved {
                Some(proved) => format!("It is proved for {name} = {proved}"),
                None => format!("It is proved for no {name}"),
            };
            let excluded = if bound < domain.1 { format!(" and excluded above {bound}") } else { String::new() };
            result.add(&format!("{proved}{excluded}; {open} left open."));
        }
        if let Some((best, asked, decided)) = &self.best {
            result.engine.clone_from(&decided.engine);
            if let Answer::None(trust) = &decided.answer {
                result.trust = Some(trust.clone());
            }
            // The answer must not rest on there being no input at all.
            if let Some((key, checked)) = assumed(self.session, asked, allowance(budget, result.time)) {
                result.evidence.extend(Evidence::of(About::Assumptions, Some(*best), || key, &checked));
                result.time += checked.time;
                result.cached &= checked.cached;
                match checked.answer {
                    Answer::Some(_) => {}
                    Answer::None(trust) => {
                        result.verdict = Verdict::Vacuous;
                        result.trust = Some(trust);
                        result.detail.push_str(" But there, no input meets the assumptions.");
                    }
                    Answer::Unknown(reason) => {
                        let detail = std::mem::take(&mut result.detail);
                        let known = if complete { format!(" {detail}") } else { result.open.known.clone() };
                        complete = false;
                        result.undecided(&reason, self.session.given(budget, false));
                        (result.detail, result.open.known) = (detail, known);
                        result.add("But whether any input meets the assumptions is not known.");
                    }
                }
            }
        }
        result.measure = Some(MeasureResult {
            found: search.proved.map(count),
            bound: (bound >= domain.0).then(|| count(bound)),
            complete,
            witness: self.broken.filter(|(value, _)| Some(*value) == violated).map(|(_, shown)| shown),
            largest: Some(Largest {
                name: name.to_owned(),
                first: domain.0,
                last: domain.1,
                monotone: search.monotone,
                proved: search.proved,
                violated,
                open,
                candidates: self.tried,
            }),
        });
        debug_assert_eq!(result.kind, Kind::Largest);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::run::Options;
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
