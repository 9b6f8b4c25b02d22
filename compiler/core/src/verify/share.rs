//! `share of i in R such that P`: for which part of the choices a statement holds.
//!
//! In: the choices, a budget. Out: how many of them are proved, violated, vacuous and open, and so the interval in which the share lies. A choice that
//! takes longer than its part of the time is asked again once all have had theirs.

use super::evidence::About;
use super::lowering::{Asked, Failure, JobSource, lower_goal};
use super::plan::Job;
use super::progress::Finding;
use super::property::{allowance, assumed};
use super::session::Session;
use super::verdict::{InstanceResult, MeasureResult, Number, Share, Verdict};
use crate::check::constant::Constant;
use crate::check::spec::Counted;
use qnn_engine::journal::Report;
use qnn_engine::{Answer, Meter, Reason, journal};
use qnn_ir::obligation::Assignment;
use qnn_ir::rational::integer;
use std::sync::Arc;
use std::time::Duration;

/// The least time that a choice is given.
const LEAST: Duration = Duration::from_millis(10);

/// Counts choices by their verdicts.
pub(super) struct Counter<'a> {
    job: &'a Job,
    source: &'a JobSource<'a>,
    session: &'a Session<'a>,
    counted: &'a Counted,
    share: Share,
    /// What broke the statement for some choices: it may break others.
    known: Vec<Assignment>,
    /// What each engine did over all choices.
    reports: Vec<Report>,
    cached: bool,
}

/// What is known of a choice, or why it is open.
enum Told {
    Decided(Verdict),
    Open(Reason),
}

impl<'a> Counter<'a> {
    /// Nothing has been counted.
    pub fn new(job: &'a Job, source: &'a JobSource<'a>, session: &'a Session<'a>, counted: &'a Counted) -> Counter<'a> {
        let of = counted.len();
        let share = Share { of, proved: 0, violated: 0, vacuous: 0, open: of };
        Counter { job, source, session, counted, share, known: Vec::new(), reports: Vec::new(), cached: true }
    }

    /// Decides the choices until all are decided, or the time is up.
    pub fn run(
        mut self,
        result: &mut InstanceResult,
        on_finding: &mut (dyn FnMut(Finding) + Send),
    ) -> Result<(), Failure> {
        let (clock, budget) = (self.session.clock, self.session.turn.time);
        let begun = clock.now();
        let mut open: Vec<usize> = (0..self.counted.len()).collect();
        let mut why = None;
        loop {
            let mut left = Vec::new();
            let mut late = false;
            for (place, &choice) in open.iter().enumerate() {
                let remaining = budget.saturating_sub(clock.since(begun));
                if self.session.cancel.is_cancelled() || remaining < LEAST {
                    left.extend_from_slice(&open[place..]);
                    break;
                }
                let others = u32::try_from(open.len() - place).unwrap_or(u32::MAX);
                match self.ask(result, choice, (remaining / others).max(LEAST))? {
                    Told::Decided(verdict) => self.count(verdict, on_finding),
                    Told::Open(reason) => {
                        match reason {
                            Reason::Timeout => late = true,
                            other => why = Some(other),
                        }
                        left.push(choice);
                    }
                }
            }
            open = left;
            let over = budget.saturating_sub(clock.since(begun)) < LEAST;
            let cancelled = self.session.cancel.is_cancelled();
            if open.is_empty() || over || cancelled || !late {
                let why = match why {
                    _ if cancelled => Reason::Cancelled,
                    Some(why) if !late && !over => why,
                    _ => Reason::Timeout,
                };
                self.tell(result, why);
                return Ok(());
            }
        }
    }

    /// Decides one choice within a time.
    fn ask(&mut self, result: &mut InstanceResult, choice: usize, budget: Duration) -> Result<Told, Failure> {
        let values: &[(Arc<str>, Constant)] = &self.counted[choice];
        let asked = match lower_goal(self.job, self.source, self.session, budget, values) {
            Err(Failure::Late) => return Ok(Told::Open(Reason::Timeout)),
            asked => asked?,
        };
        // How far one choice is says little of the others.
        let session = Session { meter: &Meter::default(), ..*self.session };
        let what = format!("{}: {choice}", session.name);
        let decided = session.decide_like(&what, &asked.obligation, &self.known, budget);
        result.time += decided.time;
        self.cached &= decided.cached;
        journal::add(&mut self.reports, decided.reports.iter().cloned());
        let candidate = i128::try_from(choice).ok();
        let evidence = decided.evidence(About::Statement, candidate, || asked.obligation.key());
        match decided.answer {
            Answer::Some(assignment) => {
                result.evidence.extend(evidence);
                if !self.known.contains(&assignment) {
                    self.known.push(assignment);
                }
                Ok(Told::Decided(Verdict::Violated))
            }
            Answer::None(trust) => {
                let told = self.meets(result, &session, &asked, candidate, allowance(budget, decided.time))?;
                if matches!(told, Told::Decided(_)) {
                    result.evidence.extend(evidence);
                    result.trust.get_or_insert(trust);
                    result.engine = result.engine.take().or(decided.engine);
                }
                Ok(told)
            }
            Answer::Unknown(Reason::Internal(why)) => Err(Failure::Internal(why)),
            Answer::Unknown(reason) => Ok(Told::Open(reason)),
        }
    }

    /// Whether any input meets the assumptions of a choice whose statement is proved.
    fn meets(
        &mut self,
        result: &mut InstanceResult,
        session: &Session<'_>,
        asked: &Asked,
        candidate: Option<i128>,
        budget: Duration,
    ) -> Result<Told, Failure> {
        let Some((key, checked)) = assumed(session, asked, budget) else { return Ok(Told::Decided(Verdict::Proved)) };
        result.time += checked.time;
        self.cached &= checked.cached;
        let evidence = checked.evidence(About::Assumptions, candidate, || key);
        let verdict = match checked.answer {
            Answer::Some(_) => Verdict::Proved,
            Answer::None(_) => Verdict::Vacuous,
            Answer::Unknown(Reason::Internal(why)) => return Err(Failure::Internal(why)),
            Answer::Unknown(reason) => return Ok(Told::Open(reason)),
        };
        result.evidence.extend(evidence);
        Ok(Told::Decided(verdict))
    }

    fn count(&mut self, verdict: Verdict, on_finding: &mut (dyn FnMut(Finding) + Send)) {
        let share = &mut self.share;
        share.open -= 1;
        match verdict {
            Verdict::Proved => share.proved += 1,
            Verdict::Violated => share.violated += 1,
            _ => share.vacuous += 1,
        }
        let (found, bound) = ends(share);
        on_finding(Finding::Bounds { found: Some(found), bound: Some(bound) });
    }

    /// What was counted, as a result.
    fn tell(self, result: &mut InstanceResult, why: Reason) {
        let share = self.share;
        let (found, bound) = ends(&share);
        let complete = share.open == 0;
        result.reports = self.reports;
        result.cached = self.cached && share.open < share.of;
        let mut parts = vec![format!("{} of {} hold", share.proved, share.of)];
        let more = [(share.violated, "violated"), (share.vacuous, "vacuous"), (share.open, "undecided")];
        parts.extend(more.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")));
        let counted = parts.join(", ");
        if complete && share.vacuous == share.of {
            result.verdict = Verdict::Vacuous;
            result.detail = "No input meets the assumptions of any instance, so none says anything.".to_owned();
        } else if complete {
            result.verdict = Verdict::Proved;
            result.detail = format!("The share is {}: {counted}.", found.text);
        } else {
            result.undecided(&why, self.session.given(self.session.turn.time, false));
            result.add(&format!("It is from {} to {}: {counted}.", found.text, bound.text));
        }
        result.measure = Some(MeasureResult {
            choice: Vec::new(),
            found: Some(found),
            bound: Some(bound),
            complete,
            witness: None,
            within: None,
            largest: None,
            share: Some(share),
        });
    }
}

/// The least and the greatest that the share can be.
fn ends(share: &Share) -> (Number, Number) {
    let part = |n: usize| Number::from(&(integer(n as i128) / integer(share.of as i128)));
    (part(share.proved), part(share.proved + share.open))
}
