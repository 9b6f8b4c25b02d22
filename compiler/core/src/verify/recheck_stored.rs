//! What the store says, checked again before it is believed.
//!
//! In: a question and its key. Out: what is remembered of it, if it is there, serves the budget, and passes: an assignment is replayed, a certificate goes
//! through the checker, intervals are computed anew. What can't be checked, a solver's word or a certificate that was too large, is marked as remembered.
//! An entry that does not pass is told and counts as none.

use super::evidence::StoredCertificate;
use super::session::{Decided, Session};
use super::store::entry::{Maximum, StoreEntry, StoredAnswer};
use qnn_engine::interval::Intervals;
use qnn_engine::measure::{self, MeasureAnswer};
use qnn_engine::smt::Smt;
use qnn_engine::{Answer, Control, Core, Engine, Reason, Trust};
use qnn_ir::obligation::{Assignment, Objective, Obligation, Replay};
use qnn_proof as proof;
use std::sync::Arc;
use std::time::Duration;

/// The time that what is remembered has to be checked, however small the budget is.
const RECHECKING: Duration = Duration::from_millis(100);

/// What stands for an engine where a known assignment answers.
pub(super) const REPLAY: &str = "replay";

/// What is to be believed, with the certificate that it rests on.
type Believed<T> = Result<(T, Option<StoredCertificate>), Doubt>;

/// Why an entry is not believed.
pub(super) enum Doubt {
    /// It is wrong.
    Verdict(&'static str),
    /// Its certificate is not there, or the store has said what is wrong with it.
    Told,
    /// It could not be checked in time.
    Stopped(Reason),
}

const UNSOUND: &str = "does not pass the reference interpreter";
const OTHER_QUESTION: &str = "answers another question";
const NOT_BY_INTERVALS: &str = "does not follow by intervals, on which it is said to rest";
const NOT_ASKED: &str = "rests on the word of a solver that none of the engines asks";
/// Whose word it is that there was a certificate.
const TOO_LARGE: &str = "the search, whose certificate was too large to be kept";

impl Session<'_> {
    /// What is remembered of an obligation; without engines, that it is not.
    pub fn recall_obligation(&self, key: &str, obligation: &Obligation, budget: Duration) -> Option<Decided<Answer>> {
        self.recall(key, budget, Answer::Unknown, |entry, control| match &entry.known {
            StoredAnswer::None(trust) => {
                let again = || matches!(Intervals.solve(obligation, control), Answer::None(_));
                let found = self.recheck(trust, &|| Some(obligation.clone()), &again, entry.too_large, control);
                found.map(|(trust, kept)| (Answer::None(trust), kept))
            }
            StoredAnswer::Some(assignment) => match obligation.replay(assignment) {
                Replay::Holds(_) => Ok((Answer::Some(assignment.clone()), None)),
                Replay::Close | Replay::Fails(_) => Err(Doubt::Verdict(UNSOUND)),
            },
            StoredAnswer::Open(reason) => Ok((Answer::Unknown(reason.clone()), None)),
            StoredAnswer::Maximum(_) => Err(Doubt::Verdict(OTHER_QUESTION)),
        })
    }

    /// What is remembered of an objective's maximum; without engines, that it is not.
    pub fn recall_maximum(&self, key: &str, objective: &Objective, budget: Duration) -> Option<Decided<MeasureAnswer>> {
        let open = |reason| MeasureAnswer {
            best: None,
            upper: i128::MAX,
            complete: false,
            vacuous: false,
            trust: Trust::Interval,
            reason: Some(reason),
        };
        self.recall(key, budget, open, |entry, control| match &entry.known {
            StoredAnswer::Maximum(maximum) => match believed(objective, maximum) {
                Some(answer) => self.recheck_bound(objective, answer, entry.too_large, control),
                None => Err(Doubt::Verdict(UNSOUND)),
            },
            _ => Err(Doubt::Verdict(OTHER_QUESTION)),
        })
    }

    /// What an entry says, if `check` believes it; `open` is the answer where there is no time to check it, and where nothing is stored and no engine is asked.
    fn recall<T>(
        &self,
        key: &str,
        budget: Duration,
        open: impl Fn(Reason) -> T,
        check: impl FnOnce(&StoreEntry, &Control) -> Believed<T>,
    ) -> Option<Decided<T>> {
        let nothing = |answer: T| Decided::nothing(key.to_owned(), answer);
        if let Some(entry) = self.remembered(key, budget) {
            match check(&entry, &self.control(budget.max(RECHECKING))) {
                Ok((answer, kept)) => {
                    let StoreEntry { engine, reports, time, budget, .. } = entry;
                    let key = key.to_owned();
                    return Some(Decided { answer, kept, engine, reports, time, budget, key, cached: true });
                }
                Err(Doubt::Stopped(reason)) => return Some(Decided { budget, ..nothing(open(reason)) }),
                Err(Doubt::Verdict(why)) => self.store.into_iter().for_each(|store| store.distrust(key, why)),
                Err(Doubt::Told) => {}
            }
        }
        self.offline.then(|| nothing(open(not_stored())))
    }

    /// The entry of a key, if it serves the budget and an engine of ours gave the answer.
    fn remembered(&self, key: &str, budget: Duration) -> Option<StoreEntry> {
        let budget = budget.saturating_add(self.turn.others());
        let store = self.store?;
        let entry = store.get(key).filter(|entry| self.offline || entry.serves(budget))?;
        let all = || self.portfolio.first.iter().chain(&self.portfolio.rest);
        if entry.engine.as_deref().is_none_or(|engine| engine == REPLAY || all().any(|known| known.name() == engine)) {
            return Some(entry);
        }
        store.distrust(key, "names an engine that was not asked");
        None
    }

    /// What a remembered proof rests on today, with its certificate. Nothing that can be checked is believed unchecked: the certificate goes through
    /// the checker, and intervals are computed `again`. What rests on somebody's word is marked as remembered.
    fn recheck(
        &self,
        trust: &Trust,
        obligation: &dyn Fn() -> Option<Obligation>,
        again: &dyn Fn() -> bool,
        too_large: bool,
        control: &Control,
    ) -> Believed<Trust> {
        match trust {
            Trust::Interval if again() => Ok((Trust::Interval, None)),
            Trust::Interval => Err(control.stop().map_or(Doubt::Verdict(NOT_BY_INTERVALS), Doubt::Stopped)),
            Trust::Solver { name, .. } if self.may_be_word_of(name) => Ok((word_of(name), None)),
            Trust::Solver { .. } => Err(Doubt::Verdict(NOT_ASKED)),
            Trust::Certificate { .. } if too_large => Ok((word_of(TOO_LARGE), None)),
            Trust::Certificate { .. } => {
                let (Some(obligation), Some(store)) = (obligation(), self.store) else {
                    return Err(Doubt::Verdict(UNSOUND));
                };
                let about = obligation.key();
                let packed = store.proof(&about).ok_or(Doubt::Told)?;
                let distrust = |why: &str| {
                    store.distrust_proof(&about, why);
                    Doubt::Told
                };
                let certificate = proof::unpack(&packed).map_err(|_| distrust("is damaged"))?;
                let cores: Vec<Core> = std::iter::from_fn(|| control.spare.take()).collect();
                let stop = || control.stop().is_some();
                match proof::check_until(&obligation, &certificate, 1 + cores.len(), &stop) {
                    Ok(Some(_)) => {}
                    Ok(None) => return Err(Doubt::Stopped(control.stop().unwrap_or(Reason::Timeout))),
                    Err(_) => return Err(distrust("does not prove what it is stored for")),
                }
                let steps = certificate.steps();
                let kept =
                    StoredCertificate::new(&about, steps, packed, Some(store.proof_path(&about)), self.certificates);
                Ok((Trust::Certificate { steps, certificate: None }, Some(kept)))
            }
        }
    }

    /// What a remembered bound of a maximum rests on today, as [`Session::recheck`] does it.
    pub fn recheck_bound(
        &self,
        objective: &Objective,
        mut answer: MeasureAnswer,
        too_large: bool,
        control: &Control,
    ) -> Believed<MeasureAnswer> {
        if !answer.vacuous && answer.upper == i128::MAX {
            // Nothing is claimed.
            answer.trust = Trust::Interval;
            return Ok((answer, None));
        }
        let again = || match answer.vacuous {
            true => matches!(Intervals.solve(&objective.feasible(), control), Answer::None(_)),
            false => measure::is_bounded(objective, answer.upper, control),
        };
        let (trust, kept) =
            self.recheck(&answer.trust, &|| rests_on(objective, &answer), &again, too_large, control)?;
        // What is undecided has no room to say whose word its bound is.
        if !answer.complete && matches!(trust, Trust::Solver { .. }) {
            return Err(Doubt::Told);
        }
        answer.trust = trust;
        Ok((answer, kept))
    }

    /// Whether one of the engines asks a solver of this name.
    fn may_be_word_of(&self, name: &str) -> bool {
        let asks = |engine: &Arc<dyn Engine>| engine.name().starts_with(Smt::default().name());
        self.portfolio.rest.iter().any(asks) && is_version(name)
    }
}

/// What rests on somebody's word, as the store says.
fn word_of(name: &str) -> Trust {
    Trust::Solver { name: name.to_owned(), remembered: true }
}

/// Whether it is a solver's name with its version: `Z3 4.8.12`.
fn is_version(name: &str) -> bool {
    name.strip_prefix("Z3 ").is_some_and(|version| {
        (1..=32).contains(&version.len()) && version.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    })
}

fn not_stored() -> Reason {
    Reason::Incomplete("the store holds nothing about it".to_owned())
}

/// What is known to have no answer, if a measure's bound or its vacuity is right.
pub(super) fn rests_on(objective: &Objective, answer: &MeasureAnswer) -> Option<Obligation> {
    if answer.vacuous {
        return Some(objective.feasible());
    }
    answer.upper.checked_add(1).map(|threshold| objective.at_least(threshold))
}

/// A remembered maximum, if its assignment still attains it.
fn believed(objective: &Objective, maximum: &Maximum) -> Option<MeasureAnswer> {
    let upper: i128 = maximum.upper.parse().ok()?;
    let best: Option<(i128, Assignment)> = match &maximum.best {
        Some((value, assignment)) => {
            let value: i128 = value.parse().ok()?;
            let attained = value <= upper && fits(objective, assignment) && objective.of(assignment) == Some(value);
            attained.then(|| Some((value, assignment.clone())))?
        }
        None => None,
    };
    let meets = match &best {
        Some((value, _)) => !maximum.vacuous && (!maximum.complete || *value == upper),
        None => maximum.complete == maximum.vacuous,
    };
    meets.then(|| MeasureAnswer {
        best,
        upper,
        complete: maximum.complete,
        vacuous: maximum.vacuous,
        trust: maximum.trust.clone(),
        reason: maximum.reason.clone(),
    })
}

fn fits(objective: &Objective, assignment: &Assignment) -> bool {
    let variables = &objective.base.variables;
    variables.len() == assignment.len() && variables.iter().zip(assignment).all(|(v, a)| v.domain.len() == a.len())
}
