//! Deciding one obligation or objective: what the job's earlier turns know, then the store, then the engines; and into the store what they answered.
//!
//! In: an owned obligation, a budget. Out: what is known of it, by whom, and the certificate if there is one. Knows neither spec nor database.
//! What exact intervals prove gets a certificate too, where one is found quickly: whoever reviews a verdict need not believe an engine.

use super::evidence::StoredCertificate;
use super::question_key::objective_kind;
use super::recheck_stored::{REPLAY, rests_on};
use super::session::{Decided, Session, is_close};
use super::store::entry::{Maximum, STORE_VERSION, StoreEntry, StoredAnswer, now};
use super::verdict::Verdict;
use num_traits::ToPrimitive;
use qnn_engine::branch_and_bound::Search;
use qnn_engine::interval::Intervals;
use qnn_engine::journal::{Outcome, Report};
use qnn_engine::measure::{self, MeasureAnswer};
use qnn_engine::portfolio::Decision;
use qnn_engine::{Answer, Control, Engine, Reason, Trust, replayed};
use qnn_ir::Rational;
use qnn_ir::obligation::{Assignment, Objective, Obligation, Replay};
use qnn_proof::{self as proof, Certificate};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// The most time to be spent on a certificate for what is proved already.
const CERTIFYING: Duration = Duration::from_secs(2);

/// A certificate of so many integers is packed in a few hundredths of a second.
const SOON_PACKED: usize = 200_000;

impl Session<'_> {
    /// Decides an obligation. An assignment in the answer has been replayed, also if it was remembered.
    pub fn decide(&self, what: &str, obligation: &Obligation, budget: Duration) -> Decided<Answer> {
        self.decide_like(what, obligation, &[], budget)
    }

    /// The same, where assignments answered similar obligations: they may answer this one, too.
    pub fn decide_like(
        &self,
        what: &str,
        obligation: &Obligation,
        similar: &[Assignment],
        budget: Duration,
    ) -> Decided<Answer> {
        let control = self.control(budget);
        let start = control.clock.now();
        let about = match control.bound(|| obligation.key()) {
            Ok(about) => about,
            Err(reason) => return Decided::late(Answer::Unknown(reason), budget),
        };
        let key = self.key("obligation", &about);
        let learned = || self.learned.decided.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(decided) = learned().get(&key) {
            return Decided { time: Duration::ZERO, reports: Vec::new(), ..decided.clone() };
        }
        if let Some(found) = self.recall_obligation(&key, obligation, budget) {
            return found;
        }
        let replays = |assignment: &&Assignment| matches!(obligation.replay(assignment), Replay::Holds(_));
        let similar = control.bound(|| similar.iter().find(replays)).ok().flatten();
        let decision = match similar {
            Some(assignment) => replay_decides(assignment, control.clock.since(start)),
            None => self.portfolio.decide(obligation, &control),
        };
        let (mut answer, mut reports) = (decision.answer, decision.reports);
        strip(&mut reports);
        let mut certificate = None;
        if let Answer::None(trust) = &mut answer {
            certificate = self.certificate(trust, obligation, &about, &control);
        }
        // What can't be checked again is not worth remembering.
        let by_intervals = certificate.is_none() && matches!(answer, Answer::None(Trust::Interval));
        let lasts = !by_intervals || matches!(Intervals.solve(obligation, &control), Answer::None(_));
        let entry = match &answer {
            Answer::None(trust) => StoredAnswer::None(trust.clone()),
            Answer::Some(assignment) => StoredAnswer::Some(assignment.clone()),
            Answer::Unknown(reason) => StoredAnswer::Open(reason.clone()),
        };
        let engine = decision.engine.map(str::to_owned);
        let mut decided = Decided {
            answer,
            kept: None,
            engine,
            reports,
            time: control.clock.since(start),
            budget,
            key,
            cached: false,
        };
        if lasts {
            self.remember(what, &mut decided, entry, certificate, budget);
        }
        if !matches!(decided.answer, Answer::Unknown(_)) {
            learned().insert(decided.key.clone(), decided.clone());
        }
        decided
    }

    /// Searches for an objective's maximum, or until no more than `within` is open, in the spec's numbers.
    pub fn maximize(
        &self,
        objective: &Objective,
        within: Option<&Rational>,
        budget: Duration,
        mut on_progress: impl FnMut(Option<i128>, i128) + Send,
    ) -> Decided<MeasureAnswer> {
        let key = self.key(&objective_kind(within), &objective.at_least(0).key());
        if let Some(found) = self.recall_maximum(&key, objective, budget) {
            return found;
        }
        let control = self.control(budget);
        let start = control.clock.now();
        let learned = || self.learned.maximum.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = learned().take().filter(|(of, _)| *of == key).map(|(_, answer)| answer);
        // The engines stop where they are close enough; what follows does not.
        let enough = Control { cancel: control.cancel.child(), ..control.clone() };
        let steps = within.and_then(|width| steps_within(objective, width));
        let mut answer = measure::maximize_from(objective, earlier, self.portfolio, &enough, |found, upper| {
            on_progress(found, upper);
            if steps.zip(found).is_some_and(|(steps, found)| upper.saturating_sub(found) <= steps) {
                enough.cancel.cancel();
            }
        });
        // What was told and then could not be used was not enough: the engines go on.
        let close = |answer: &MeasureAnswer| within.is_some_and(|width| is_close(objective, answer, width));
        if enough.cancel.is_cancelled() && control.stop().is_none() && !answer.complete && !close(&answer) {
            answer = measure::maximize_from(objective, Some(answer), self.portfolio, &control, on_progress);
        }
        let close = !answer.complete && close(&answer);
        if close {
            answer.reason = None;
        }
        *learned() = Some((key.clone(), answer.clone())).filter(|(_, answer)| !answer.complete && !close);
        let (engine, mut reports) = control.journal.take();
        strip(&mut reports);
        let certificate = rests_on(objective, &answer).and_then(|obligation| {
            let about = obligation.key();
            self.certificate(&mut answer.trust, &obligation, &about, &control)
        });
        let by_intervals = certificate.is_none() && matches!(answer.trust, Trust::Interval);
        let by_word = !answer.complete && matches!(answer.trust, Trust::Solver { .. });
        let lasts =
            !by_word && (!by_intervals || self.recheck_bound(objective, answer.clone(), false, &control).is_ok());
        // Who cancels does not wait until a large certificate of a bound is packed.
        let soon = answer.complete || close || !self.cancel.is_cancelled();
        let certificate = certificate.filter(|certificate| soon || certificate.integers() <= SOON_PACKED);
        let known = StoredAnswer::Maximum(Maximum {
            best: answer.best.as_ref().map(|(value, assignment)| (value.to_string(), assignment.clone())),
            upper: answer.upper.to_string(),
            complete: answer.complete,
            close,
            vacuous: answer.vacuous,
            trust: answer.trust.clone(),
            reason: answer.reason.clone(),
        });
        // Who has no answer has decided nothing, whatever bound it found.
        let engine = engine.filter(|_| answer.complete || close).map(str::to_owned);
        let mut decided = Decided {
            answer,
            kept: None,
            engine,
            reports,
            time: control.clock.since(start),
            budget,
            key,
            cached: false,
        };
        if lasts {
            self.remember(self.name, &mut decided, known, certificate, budget);
        }
        decided
    }

    /// Takes the certificate of an obligation that is proved out of what the proof rests on; looks for one where it rests on intervals or a solver.
    fn certificate(
        &self,
        trust: &mut Trust,
        obligation: &Obligation,
        about: &str,
        control: &Control,
    ) -> Option<Arc<Certificate>> {
        let found = match trust {
            // Who asks for the solver alone gets its word.
            Trust::Solver { .. } if self.portfolio.rest.len() < 2 => return None,
            Trust::Solver { .. } => None,
            Trust::Certificate { certificate, .. } => certificate.take().filter(|found| found.obligation == about),
            Trust::Interval => None,
        };
        let found = found.or_else(|| certify(obligation, control).map(Arc::new))?;
        *trust = Trust::Certificate { steps: found.steps(), certificate: None };
        Some(found)
    }

    /// Stores a certificate, and then what was decided on it.
    fn remember<T>(
        &self,
        name: &str,
        decided: &mut Decided<T>,
        known: StoredAnswer,
        certificate: Option<Arc<Certificate>>,
        budget: Duration,
    ) {
        let mut too_large = false;
        if let Some(certificate) = certificate {
            let (about, steps) = (certificate.obligation.as_str(), certificate.steps());
            match proof::pack_within(&certificate, self.most_certificate) {
                Some(packed) => {
                    let stored = self.store.filter(|store| store.put_proof(about, &packed));
                    let file = stored.map(|store| store.proof_path(about));
                    decided.kept = Some(StoredCertificate::new(about, steps, packed, file, self.certificates));
                    if stored.is_none() {
                        return;
                    }
                }
                None => {
                    decided.kept = Some(StoredCertificate::too_large(about, steps));
                    too_large = true;
                }
            }
        }
        let Some(store) = self.store else { return };
        // Where time was not what lacked, more of it would have changed nothing.
        let beside = if known.verdict() == Verdict::Timeout { self.turn.had } else { self.turn.others() };
        store.put(&StoreEntry {
            version: STORE_VERSION,
            key: decided.key.clone(),
            name: name.to_owned(),
            written: now(),
            known,
            engine: decided.engine.clone(),
            reports: decided.reports.clone(),
            time: decided.time,
            budget: budget.saturating_add(beside),
            too_large,
        });
    }
}

/// How many of the objective's steps are no more than so much, whatever an enclosure is off.
fn steps_within(objective: &Objective, width: &Rational) -> Option<i128> {
    let error = objective.exact.as_ref().map_or(0, |exact| exact.error);
    (width / &objective.scale).floor().to_integer().to_i128()?.checked_sub(error.checked_mul(2)?)
}

/// Reports say who did what; the proofs themselves are kept once.
fn strip(reports: &mut [Report]) {
    for report in reports {
        if let Outcome::Proved(Trust::Certificate { certificate, .. }) = &mut report.outcome {
            *certificate = None;
        }
    }
}

/// A certificate for an obligation that is known to have no answer: one of a step for each case, or what a short search finds.
fn certify(obligation: &Obligation, control: &Control) -> Option<Certificate> {
    if let Ok(Some(found)) = control.bound(|| proof::plain(obligation)) {
        return Some(found);
    }
    let soon = control.clock.now().checked_add(CERTIFYING);
    let control = Control { deadline: control.deadline.min(soon).or(soon), ..control.clone() };
    let engine = Search::default();
    match replayed(obligation, engine.name(), engine.solve(obligation, &control), &control) {
        Answer::None(Trust::Certificate { certificate: Some(found), .. }) => Some(Arc::unwrap_or_clone(found)),
        _ => None,
    }
}

/// The decision where a known assignment answers the obligation.
fn replay_decides(assignment: &Assignment, time: Duration) -> Decision {
    let report = Report { engine: REPLAY.into(), outcome: Outcome::Violated, time };
    Decision { answer: Answer::Some(assignment.clone()), engine: Some(REPLAY), reports: vec![report] }
}

/// What an engine broke, if one did: worth telling even where another engine decided.
pub(super) fn broken(reports: &[Report]) -> Option<String> {
    reports.iter().find_map(|report| match &report.outcome {
        Outcome::Undecided(Reason::Internal(why)) => Some(format!("{}: {why}", report.engine)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::schedule::Turn;
    use super::super::session::Learned;
    use super::*;
    use qnn_engine::portfolio::Portfolio;
    use qnn_engine::smt::Smt;
    use qnn_engine::{CancelToken, Clock, Cores, Meter, RelaxationCache};
    use qnn_ir::testing::{Shape, random_obligation};

    struct Helpless;

    impl Engine for Helpless {
        fn name(&self) -> &'static str {
            "helpless"
        }

        fn solve(&self, _: &Obligation, _: &Control) -> Answer {
            Answer::Unknown(Reason::Incomplete("on purpose".to_owned()))
        }
    }

    fn decided(portfolio: &Portfolio, obligation: &Obligation) -> Decided<Answer> {
        let session = Session {
            name: "random",
            portfolio,
            store: None,
            cancel: &CancelToken::new(),
            memory: None,
            spare: &Cores::default(),
            clock: &Clock::default(),
            meter: &Meter::default(),
            relaxations: &RelaxationCache::default(),
            offline: false,
            certificates: true,
            most_certificate: u64::MAX,
            turn: &Turn::whole(Duration::from_secs(60)),
            learned: &Learned::default(),
        };
        session.decide("random", obligation, Duration::from_secs(60))
    }

    #[test]
    fn what_the_solver_proves_among_others_is_certified() {
        let among = Portfolio { first: Vec::new(), rest: vec![Arc::new(Helpless), Arc::new(Smt::default())] };
        let alone = Portfolio { first: Vec::new(), rest: vec![Arc::new(Smt::default())] };
        let mut on_its_word = 0;
        for obligation in (0..2000).map(|seed| random_obligation(seed, &Shape::default())) {
            // Its bounds alone prove some of them.
            let own = decided(&alone, &obligation);
            if !matches!(own.answer, Answer::None(Trust::Solver { .. })) {
                continue;
            }
            assert!(own.kept.is_none());
            let certified = decided(&among, &obligation);
            assert_eq!(certified.engine.as_deref(), Some("smt"));
            assert!(matches!(certified.answer, Answer::None(Trust::Certificate { .. })), "{:?}", certified.answer);
            assert!(certified.kept.is_some());
            on_its_word += 1;
        }
        assert!(on_its_word > 5, "{on_its_word}");
    }
}
