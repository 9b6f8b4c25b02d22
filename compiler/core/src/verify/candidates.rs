//! The candidates of a `largest`, decided one after another as the search for the largest asks for them.

use super::evidence::About;
use super::largest::Search;
use super::lowering::{Asked, Failure, JobSource, lower_goal};
use super::plan::Job;
use super::progress::Finding;
use super::property::{allowance, assumed};
use super::session::{Decided, Session};
use super::verdict::{Candidate, Counterexample, InstanceResult, Kind, Largest, MeasureResult, Number, Verdict};
use crate::check::constant::Constant;
use qnn_engine::journal::Report;
use qnn_engine::{Answer, Meter, Reason, journal};
use qnn_ir::obligation::Assignment;
use qnn_ir::rational::integer;
use std::sync::Arc;
use std::time::Duration;

/// The candidates of a `largest`, as they are tried.
pub(super) struct Candidates<'a> {
    job: &'a Job,
    source: &'a JobSource<'a>,
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

impl<'a> Candidates<'a> {
    /// None has been tried.
    pub fn new(job: &'a Job, source: &'a JobSource<'a>, session: &'a Session<'a>) -> Candidates<'a> {
        Candidates {
            job,
            source,
            session,
            tried: Vec::new(),
            best: None,
            broken: None,
            known: Vec::new(),
            reports: Vec::new(),
        }
    }

    /// Decides one candidate within a time.
    fn ask(
        &mut self,
        result: &mut InstanceResult,
        name: &str,
        value: i128,
        budget: Duration,
        on_finding: &mut (dyn FnMut(Finding) + Send),
    ) -> Result<Verdict, Failure> {
        let values = [(Arc::from(name), Constant::int(value))];
        let asked = lower_goal(self.job, self.source, self.session, budget, &values)?;
        let what = format!("{}: {name} = {value}", self.session.name);
        // How far one candidate is says little of the others.
        let session = Session { meter: &Meter::default(), ..*self.session };
        let decided = session.decide_like(&what, &asked.obligation, &self.known, budget);
        result.time += decided.time;
        journal::add(&mut self.reports, decided.reports.iter().cloned());
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
        result.evidence.extend(decided.evidence(About::Statement, Some(value), || asked.obligation.key()));
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

    /// Decides candidates until the largest is known, or the time is up.
    pub fn run(
        mut self,
        result: &mut InstanceResult,
        name: &str,
        domain: (i128, i128),
        monotone: bool,
        on_finding: &mut (dyn FnMut(Finding) + Send),
    ) -> Result<(), Failure> {
        let mut search = Search::new(domain.0, domain.1, monotone);
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
                result.evidence.extend(checked.evidence(About::Assumptions, Some(*best), || key));
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
            choice: Vec::new(),
            found: search.proved.map(count),
            bound: (bound >= domain.0).then(|| count(bound)),
            complete,
            within: None,
            share: None,
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
