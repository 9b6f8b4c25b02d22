//! `maximize` and `minimize` over indices and values: each choice of the indices is an objective of its own.
//!
//! In: the choices, a budget. Out: the best value that any of them attains, and what none exceeds. Where a value is known, a choice is first asked whether it
//! has a better one, the most promising choice first; only one that has, or can't tell, is searched for its own extreme. A choice that takes longer than its
//! part of the time is asked again once all have had theirs.

use super::choice_table::{ChoiceRow, ChoiceTable, Incumbent, listed};
use super::evidence::{About, Evidence, Support};
use super::lowering::{ChosenObjective, Failure, JobSource, lower_choice, written};
use super::plan::Job;
use super::progress::Finding;
use super::session::{Decided, Session};
use super::verdict::{InstanceResult, Kind, MeasureResult, Number, Verdict};
use crate::check::spec::Indices;
use num_traits::{Signed, ToPrimitive};
use qnn_engine::journal::Report;
use qnn_engine::measure::MeasureAnswer;
use qnn_engine::{Answer, Meter, Reason, Trust, journal};
use qnn_ir::Rational;
use qnn_ir::obligation::{Assignment, Objective};
use qnn_ir::rational::integer;
use std::sync::PoisonError;
use std::time::Duration;

/// The least time that a choice is given.
const LEAST: Duration = Duration::from_millis(10);

/// Decides a measure over indices and values.
pub(super) struct OverIndices<'a> {
    job: &'a Job,
    source: &'a JobSource<'a>,
    session: &'a Session<'a>,
    indices: &'a Indices,
    table: ChoiceTable,
    /// Where high values were found: other choices may have high ones there, too.
    known: Vec<Assignment>,
    /// What each engine did over all choices.
    reports: Vec<Report>,
    engine: Option<String>,
    cached: bool,
    time: Duration,
}

type OnFinding<'a> = dyn FnMut(Finding) + Send + 'a;

impl<'a> OverIndices<'a> {
    /// Goes on from what the job's earlier turns learned.
    pub fn new(job: &'a Job, source: &'a JobSource<'a>, session: &'a Session<'a>, indices: &'a Indices) -> Self {
        let of = indices.choices.len();
        let earlier = session.learned.choices.lock().unwrap_or_else(PoisonError::into_inner).take();
        let table = earlier.filter(|table| table.rows.len() == of).unwrap_or_else(|| ChoiceTable::new(of));
        let (known, reports, engine, cached, time) = (Vec::new(), Vec::new(), None, true, Duration::ZERO);
        OverIndices { job, source, session, indices, table, known, reports, engine, cached, time }
    }

    /// Decides the choices until all are decided, or the time is up.
    pub fn run(mut self, result: &mut InstanceResult, on_finding: &mut OnFinding<'_>) -> Result<(), Failure> {
        let (clock, budget) = (self.session.clock, self.session.turn.time);
        let begun = clock.now();
        let left = || budget.saturating_sub(clock.since(begun));
        let mut late = !self.bound_all(&left)?;
        let mut why = None;
        while !late {
            let mut open: Vec<usize> = (0..self.table.rows.len()).filter(|choice| !self.is_closed(*choice)).collect();
            // Of what nothing is known comes first.
            open.sort_by(|a, b| match (&self.table.rows[*a].bound, &self.table.rows[*b].bound) {
                (Some(a), Some(b)) => b.cmp(a),
                (a, b) => a.is_some().cmp(&b.is_some()),
            });
            let (mut again, best) = (false, self.best());
            why = None;
            for (place, &choice) in open.iter().enumerate() {
                if self.session.cancel.is_cancelled() || left() < LEAST {
                    late = true;
                    break;
                }
                if self.is_closed(choice) {
                    continue;
                }
                let others = u32::try_from(open.len() - place).unwrap_or(u32::MAX);
                match self.ask(choice, (left() / others).max(LEAST), on_finding)? {
                    None => {}
                    Some(Reason::Timeout) => again = true,
                    Some(reason) => why = Some(reason),
                }
                on_finding(self.finding());
            }
            // Where more is known of the best value, less is asked of the others.
            if !again && (why.is_none() || self.best() == best) {
                break;
            }
        }
        let why = match why {
            _ if self.session.cancel.is_cancelled() => Reason::Cancelled,
            Some(why) if !late => why,
            _ => Reason::Timeout,
        };
        self.tell(result, &why)
    }

    /// Bounds each choice by intervals; whether there was time for all.
    fn bound_all(&mut self, left: &dyn Fn() -> Duration) -> Result<bool, Failure> {
        while self.table.bounded < self.table.rows.len() {
            let choice = self.table.bounded;
            if self.session.cancel.is_cancelled() || left() < LEAST {
                return Ok(false);
            }
            let Some(asked) = self.lower(choice, left())? else { return Ok(false) };
            let range = self.session.control(left()).bound(|| asked.objective.range().ok());
            let Ok(range) = range else { return Ok(false) };
            self.table.rows[choice].bound = range.map(|range| self.rank(asked.objective.bound(range.hi)));
            self.table.bounded += 1;
        }
        Ok(true)
    }

    fn lower(&self, choice: usize, budget: Duration) -> Result<Option<ChosenObjective>, Failure> {
        match lower_choice(self.job, self.source, self.session, budget, &self.indices.choices[choice]) {
            Err(Failure::Late) => Ok(None),
            asked => asked.map(Some),
        }
    }

    fn best(&self) -> Option<Rational> {
        self.table.incumbent.as_ref().map(|best| best.rank.clone())
    }

    fn is_closed(&self, choice: usize) -> bool {
        self.table.is_closed(choice, self.table.enough(self.indices.within.as_ref()).as_ref())
    }

    /// A value as a rank, and a rank as a value.
    fn rank(&self, value: Rational) -> Rational {
        if self.job.kind == Kind::Minimize { -value } else { value }
    }

    /// Asks one choice within a time; `None` once it is decided, or better known than before in all that is asked.
    fn ask(
        &mut self,
        choice: usize,
        budget: Duration,
        on_finding: &mut OnFinding<'_>,
    ) -> Result<Option<Reason>, Failure> {
        let begun = self.session.clock.now();
        let Some(asked) = self.lower(choice, budget)? else { return Ok(Some(Reason::Timeout)) };
        self.better(choice, &asked, budget / 2)?;
        if self.is_closed(choice) {
            return Ok(None);
        }
        let budget = budget.saturating_sub(self.session.clock.since(begun)).max(LEAST);
        let answer = self.search(choice, &asked, budget, on_finding)?;
        match answer.reason {
            _ if self.is_closed(choice) => Ok(None),
            Some(Reason::Internal(why)) => Err(Failure::Internal(why)),
            reason => Ok(Some(reason.unwrap_or(Reason::Timeout))),
        }
    }

    /// Asks whether a choice has a value that is better than what decides it.
    fn better(&mut self, choice: usize, asked: &ChosenObjective, budget: Duration) -> Result<(), Failure> {
        let objective = &*asked.objective;
        let Some(enough) = self.table.enough(self.indices.within.as_ref()) else { return Ok(()) };
        let Some(most) = greatest_within(objective, &enough) else { return Ok(()) };
        // How far one choice is says little of the others.
        let session = Session { meter: &Meter::default(), ..*self.session };
        let obligation = objective.at_least(most + 1);
        let decided = session.decide_like(&format!("{}: {choice}", session.name), &obligation, &self.known, budget);
        self.provenance(&decided);
        let evidence = decided.evidence(About::Bound, i128::try_from(choice).ok(), || obligation.key());
        match decided.answer {
            Answer::None(trust) => {
                let bound = objective.bound(most);
                let evidence = evidence.map(|evidence| Evidence { bound: Some(bound.to_string()), ..evidence });
                self.prove(choice, bound, trust, evidence);
                Ok(())
            }
            Answer::Some(assignment) => {
                let value = objective.of(&assignment);
                let value = value.ok_or_else(|| Failure::Internal("a better value is none".to_owned()))?;
                self.find(choice, asked, value, &assignment)
            }
            Answer::Unknown(Reason::Internal(why)) => Err(Failure::Internal(why)),
            Answer::Unknown(_) => Ok(()),
        }
    }

    /// Searches for a choice's own extreme.
    fn search(
        &mut self,
        choice: usize,
        asked: &ChosenObjective,
        budget: Duration,
        on_finding: &mut OnFinding<'_>,
    ) -> Result<MeasureAnswer, Failure> {
        let objective = &*asked.objective;
        let session = Session { meter: &Meter::default(), ..*self.session };
        let learned = || session.learned.maximum.lock().unwrap_or_else(PoisonError::into_inner);
        *learned() = self.table.rows[choice].search.take();
        let found = self.best();
        let others = self.table.bound_but(Some(choice)).map(|bound| bound.cloned());
        let sign = |value: Rational| if objective.negated { -value } else { value };
        // What an enclosure can be off is taken off what was found, until the input itself is evaluated.
        let error = objective.exact.as_ref().map_or(0, |exact| exact.error);
        let decided = session.maximize(objective, self.indices.within.as_ref(), budget, |value, upper| {
            let value = value.map(|value| sign(objective.bound(value - 2 * error)));
            let upper = (upper != i128::MAX).then(|| sign(objective.bound(upper)));
            let bound = others.as_ref().zip(upper).map(|(others, upper)| Some(upper).max(others.clone()));
            let number = |rank: Option<Rational>| rank.map(|rank| Number::from(&sign(rank)));
            on_finding(Finding::Bounds { found: number(found.clone().max(value)), bound: number(bound.flatten()) });
        });
        self.table.rows[choice].search = learned().take();
        self.provenance(&decided);
        let (answer, kept) = (decided.answer, decided.kept);
        if let Some((best, assignment)) = &answer.best {
            self.find(choice, asked, *best, assignment)?;
        }
        let (about, obligation, bound) = match answer.upper.checked_add(1) {
            _ if answer.vacuous => (About::Assumptions, objective.feasible(), None),
            Some(above) if answer.upper != i128::MAX => {
                (About::Bound, objective.at_least(above), Some(objective.bound(answer.upper)))
            }
            _ => return Ok(answer),
        };
        // A certificate that a cancellation left unpacked is no evidence for anybody.
        let unpacked = matches!(answer.trust, Trust::Certificate { .. }) && kept.is_none();
        let evidence = (!unpacked).then(|| Evidence {
            about,
            candidate: i128::try_from(choice).ok(),
            obligation: obligation.key(),
            bound: bound.as_ref().map(ToString::to_string),
            rests_on: Support::of(&answer.trust, kept.as_ref()),
        });
        match bound {
            Some(bound) => {
                self.prove(choice, bound, answer.trust.clone(), evidence);
                // What is less than the best integer could not be shown of it.
                self.table.rows[choice].settled |= answer.complete;
            }
            None => {
                let row = &mut self.table.rows[choice];
                (row.vacuous, row.trust, row.proof) = (true, Some(answer.trust.clone()), evidence);
            }
        }
        Ok(answer)
    }

    /// A choice does not exceed a value.
    fn prove(&mut self, choice: usize, bound: Rational, trust: Trust, evidence: Option<Evidence>) {
        let rank = self.rank(bound);
        let row = &mut self.table.rows[choice];
        if row.trust.is_none() || row.bound.as_ref().is_none_or(|known| rank < *known) {
            (row.bound, row.trust, row.proof) = (Some(rank), Some(trust), evidence);
        }
    }

    /// A choice attains a value, whose integer is `best`.
    fn find(
        &mut self,
        choice: usize,
        asked: &ChosenObjective,
        best: i128,
        assignment: &Assignment,
    ) -> Result<(), Failure> {
        let objective = &*asked.objective;
        if objective.of(assignment) != Some(best) {
            return Err(Failure::Internal(format!("the best value {best} is not attained where it was found")));
        }
        let rank = self.rank(objective.found(best, assignment));
        let higher = self.table.rows[choice].found.as_ref().is_none_or(|(known, _)| best > *known);
        let improves = self.table.incumbent.as_ref().is_none_or(|incumbent| rank > incumbent.rank);
        if !higher && !improves {
            return Ok(());
        }
        let feasible = objective.feasible();
        let evidence = Evidence {
            about: About::Found,
            candidate: i128::try_from(choice).ok(),
            obligation: feasible.key(),
            bound: None,
            rests_on: Support::Assignment(assignment.clone()),
        };
        if higher {
            self.table.rows[choice].found = Some((best, evidence.clone()));
        }
        if improves {
            let witness = asked.builder.counterexample(&feasible, assignment).map_err(Failure::Internal)?;
            let choice = written(self.source, self.session, &self.indices.choices[choice])?;
            self.table.incumbent = Some(Incumbent { rank, choice, witness, evidence });
            self.known.push(assignment.clone());
        }
        Ok(())
    }

    fn provenance<T>(&mut self, decided: &Decided<T>) {
        self.time += decided.time;
        self.cached &= decided.cached;
        self.engine = decided.engine.clone().or(self.engine.take());
        journal::add(&mut self.reports, decided.reports.iter().cloned());
    }

    fn number(&self, rank: &Rational) -> Number {
        Number::from(&self.rank(rank.clone()))
    }

    fn finding(&self) -> Finding {
        let found = self.table.incumbent.as_ref().map(|best| self.number(&best.rank));
        Finding::Bounds { found, bound: self.table.bound().map(|bound| self.number(bound)) }
    }

    /// What is known, as a result.
    fn tell(mut self, result: &mut InstanceResult, why: &Reason) -> Result<(), Failure> {
        let of = self.table.rows.len();
        let open = (0..of).filter(|choice| !self.is_closed(*choice)).count();
        let vacuous = self.table.rows.iter().all(|row| row.vacuous);
        let best = self.best();
        let bound = self.table.bound().cloned();
        // What exceeds the best value by what an enclosure is off alone leaves nothing to search.
        let tight = |row: &ChoiceRow| row.vacuous || row.settled || row.bound <= best;
        let complete = open == 0 && self.table.rows.iter().all(tight);
        (result.time, result.cached) = (self.time, self.cached && open < of);
        result.reports = std::mem::take(&mut self.reports);
        result.evidence = self.evidence();
        let (found, limit) =
            (best.as_ref().map(|best| self.number(best)), bound.as_ref().map(|rank| self.number(rank)));
        let (extreme, most) = match self.job.kind {
            Kind::Minimize => ("minimum", "at least"),
            _ => ("maximum", "at most"),
        };
        let choice = self.table.incumbent.as_ref().map(|best| best.choice.clone()).unwrap_or_default();
        let place = listed(&choice);
        if open == 0 {
            result.trust =
                self.table.rows.iter().filter_map(|row| row.trust.as_ref()).max_by_key(|t| doubt(t)).cloned();
            result.engine = self.engine.take();
        }
        match (open, &found, &limit) {
            (0, None, _) if vacuous => {
                result.verdict = Verdict::Vacuous;
                result.detail =
                    format!("No input meets the assumptions for any of {of} choices, so there is no {extreme}.");
            }
            (0, Some(found), Some(limit)) => {
                result.verdict = Verdict::Proved;
                let text = &found.text;
                result.detail = match (complete, &self.indices.within) {
                    (true, _) if limit.exact == found.exact => {
                        format!("The {extreme} over {of} choices is {text}, at {place}.")
                    }
                    (false, Some(width)) if bound.as_ref() <= self.table.enough(Some(width)).as_ref() => {
                        let (least, greatest) =
                            if self.job.kind == Kind::Minimize { (limit, found) } else { (found, limit) };
                        let (least, greatest, width) = (&least.text, &greatest.text, Number::from(width).text);
                        format!(
                            "The {extreme} over {of} choices is from {least} to {greatest}, within {width}; {text} is attained at {place}."
                        )
                    }
                    _ => format!(
                        "The {extreme} over {of} choices is {text}, at {place}, up to what integers can tell of a real-valued network: it is {most} {}.",
                        limit.text
                    ),
                };
            }
            (0, ..) => return Err(Failure::Internal("a choice is decided by no value".to_owned())),
            _ => {
                result.undecided(why, self.session.given(self.session.turn.time, false));
                let known = match (&found, &limit) {
                    (Some(found), Some(limit)) => {
                        format!("It is {most} {}, and {} was found at {place}", limit.text, found.text)
                    }
                    (None, Some(limit)) => format!("It is {most} {}", limit.text),
                    (Some(found), None) => format!("{} was found at {place}", found.text),
                    (None, None) => "Nothing is known of it".to_owned(),
                };
                result.add(&format!("{known}; {open} of {of} choices are undecided."));
            }
        }
        let witness = self.table.incumbent.as_ref().map(|best| best.witness.clone());
        result.measure = Some(MeasureResult {
            choice,
            found,
            bound: limit,
            complete,
            witness,
            within: self.indices.within.as_ref().map(Number::from),
            largest: None,
            share: None,
        });
        result.mention_broken();
        if !result.verdict.is_decided() {
            *self.session.learned.choices.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.table);
        }
        Ok(())
    }

    /// What the answer rests on: for each choice what it does not exceed, and where the best value is attained.
    fn evidence(&self) -> Vec<Evidence> {
        let best = self.table.incumbent.as_ref();
        let mut all: Vec<Evidence> = best.iter().map(|best| best.evidence.clone()).collect();
        for row in &self.table.rows {
            all.extend(row.proof.clone());
            let exceeds = || row.bound.as_ref().zip(best).is_some_and(|(bound, best)| *bound > best.rank);
            // Its own greatest integer shows that only an enclosure is off.
            if let Some((_, found)) = row.found.as_ref().filter(|_| row.settled && exceeds())
                && best.is_none_or(|best| best.evidence != *found)
            {
                all.push(found.clone());
            }
        }
        all
    }
}

/// How far a proof is from what was checked here.
fn doubt(trust: &Trust) -> u8 {
    match trust {
        Trust::Interval => 0,
        Trust::Certificate { .. } => 1,
        Trust::Solver { remembered: false, .. } => 2,
        Trust::Solver { remembered: true, .. } => 3,
    }
}

/// The greatest integer whose bound has at most this rank, no greater than what the objective can be; `None` where all of its values have more.
fn greatest_within(objective: &Objective, rank: &Rational) -> Option<i128> {
    let range = objective.range().ok()?;
    let error = objective.exact.as_ref().map_or(0, |exact| exact.error);
    let most = (rank / &objective.scale - integer(error)).floor().to_integer();
    let most = match most.to_i128() {
        Some(most) => most.min(range.hi),
        None if most.is_negative() => return None,
        None => range.hi,
    };
    (most >= range.lo).then_some(most)
}
