//! Deciding one obligation or objective: the store first, then the engines, then the store again.
//!
//! In: an owned obligation, a budget. Out: what is known of it, by whom, and the certificate if there is one. Knows neither spec nor database.
//! What exact intervals prove gets a certificate too, where one is found quickly: whoever reviews a verdict need not believe an engine.

use super::evidence::StoredCertificate;
use super::schedule::Turn;
use super::store::{Entry, Maximum, STORE_VERSION, Store, StoredAnswer, now};
use super::verdict::Verdict;
use qnn_engine::branch_and_bound::Search;
use qnn_engine::interval::Intervals;
use qnn_engine::measure::{self, MeasureAnswer};
use qnn_engine::portfolio::{Decision, Outcome, Portfolio, Report};
use qnn_engine::smt::Smt;
use qnn_engine::{
    Answer, CancelToken, Clock, Control, Core, Cores, Engine, Meter, Reason, RelaxationCache, Trust, replayed,
};
use qnn_ir::obligation::{Assignment, Objective, Obligation, Replay};
use qnn_proof::{self as proof, Certificate};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The key of what is asked (a kind and its content's hash) of these engines. Another version of qnn asks anew: an error in an engine, once
/// mended, must not live on in the store.
pub(super) fn key(portfolio: &Portfolio, kind: &str, content: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut put = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    };
    put("qnn decision");
    put(env!("CARGO_PKG_VERSION"));
    put(kind);
    put(content);
    let engines = [&portfolio.first, &portfolio.rest];
    engines.iter().for_each(|list| {
        put(&list.len().to_string());
        list.iter().for_each(|engine| put(engine.name()));
    });
    hasher.finalize().to_hex().to_string()
}

/// Who decides, and for whom.
#[derive(Clone, Copy)]
pub(super) struct Session<'a> {
    /// The instance's name.
    pub name: &'a str,
    /// The engines.
    pub portfolio: &'a Portfolio,
    /// Where decisions are remembered.
    pub store: Option<&'a Store>,
    /// Set when nobody waits any more.
    pub cancel: &'a CancelToken,
    /// The most memory for one query, in bytes.
    pub memory: Option<u64>,
    /// Cores that no other instance uses.
    pub spare: &'a Cores,
    /// What budgets are measured by.
    pub clock: &'a Clock,
    /// Hears how far the engines are.
    pub meter: &'a Meter,
    /// The networks that were searched last.
    pub relaxations: &'a RelaxationCache,
    /// Only what the store holds: no engine is asked.
    pub offline: bool,
    /// Certificates stay in memory with the results.
    pub certificates: bool,
    /// The most bytes of a certificate, as JSON, that is kept.
    pub most_certificate: u64,
    /// The turn that the job has.
    pub turn: &'a Turn,
    /// What its turns have learned.
    pub known: &'a Memory,
}

/// What a job's earlier turns have learned: no turn does their work again.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// What is decided, by its key.
    decided: Mutex<HashMap<String, Decided<Answer>>>,
    /// What is known of the maximum, with its key.
    maximum: Mutex<Option<(String, MeasureAnswer)>>,
}

/// The most time to be spent on a certificate for what is proved already.
const CERTIFYING: Duration = Duration::from_secs(2);
/// The time that what is remembered has to be checked, however small the budget is.
const RECHECKING: Duration = Duration::from_millis(100);

/// A certificate of so many integers is packed in a few hundredths of a second.
const SOON_PACKED: usize = 200_000;

/// What is known of an obligation.
#[derive(Clone, Debug)]
pub(super) struct Decided<T> {
    /// Without certificates in it.
    pub answer: T,
    /// The certificate that it rests on.
    pub kept: Option<StoredCertificate>,
    pub engine: Option<String>,
    pub reports: Vec<Report>,
    pub time: Duration,
    /// What the engines were given, now or then.
    pub budget: Duration,
    pub key: String,
    pub cached: bool,
}

impl Session<'_> {
    /// How much of the search was done, if any.
    pub fn searched(&self) -> Option<f64> {
        Some(self.meter.get()).filter(|share| *share > 0.0)
    }

    /// What the engines were given in all turns, with so much in this one; what is remembered says what it was then.
    pub fn given(&self, budget: Duration, cached: bool) -> Duration {
        if cached { budget } else { budget.saturating_add(self.turn.had) }
    }

    fn key(&self, kind: &str, content: &str) -> String {
        key(self.portfolio, kind, content)
    }

    fn control(&self, budget: Duration) -> Control {
        Control {
            cancel: self.cancel.clone(),
            memory: self.memory,
            spare: self.spare.clone(),
            meter: self.meter.clone(),
            relaxations: self.relaxations.clone(),
            deadline: self.clock.now().checked_add(budget),
            clock: self.clock.clone(),
        }
    }

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
        let known = || self.known.decided.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(decided) = known().get(&key) {
            return Decided { time: Duration::ZERO, reports: Vec::new(), ..decided.clone() };
        }
        if let Some(entry) = self.remembered(&key, budget) {
            let control = self.control(budget.max(RECHECKING));
            let answer = match &entry.known {
                StoredAnswer::None(trust) => {
                    let again = || matches!(Intervals.solve(obligation, &control), Answer::None(_));
                    let found = self.recheck(trust, &|| Some(obligation.clone()), &again, entry.too_large, &control);
                    found.map(|(trust, kept)| (Answer::None(trust), kept))
                }
                StoredAnswer::Some(assignment) => match obligation.replay(assignment) {
                    Replay::Holds(_) => Ok((Answer::Some(assignment.clone()), None)),
                    Replay::Close | Replay::Fails(_) => Err(Doubt::Verdict(UNSOUND)),
                },
                StoredAnswer::Open(reason) => Ok((Answer::Unknown(reason.clone()), None)),
                StoredAnswer::Maximum(_) => Err(Doubt::Verdict(OTHER_QUESTION)),
            };
            match self.recalled(answer, &key, entry) {
                Ok(found) => return found,
                Err(Some(stopped)) => return Decided { budget, ..Decided::nothing(key, Answer::Unknown(stopped)) },
                Err(None) => {}
            }
        }
        if self.offline {
            return Decided::nothing(key, Answer::Unknown(not_stored()));
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
            known().insert(decided.key.clone(), decided.clone());
        }
        decided
    }

    /// Searches for an objective's maximum.
    pub fn maximize(
        &self,
        objective: &Objective,
        budget: Duration,
        on_progress: impl FnMut(Option<i128>, i128) + Send,
    ) -> Decided<MeasureAnswer> {
        let key = self.key("objective", &objective.at_least(0).key());
        let nothing = |reason| MeasureAnswer {
            best: None,
            upper: i128::MAX,
            complete: false,
            vacuous: false,
            trust: Trust::Interval,
            reason: Some(reason),
        };
        if let Some(entry) = self.remembered(&key, budget) {
            let control = self.control(budget.max(RECHECKING));
            let answer = match &entry.known {
                StoredAnswer::Maximum(maximum) => match believed(objective, maximum) {
                    Some(answer) => self.recheck_bound(objective, answer, entry.too_large, &control),
                    None => Err(Doubt::Verdict(UNSOUND)),
                },
                _ => Err(Doubt::Verdict(OTHER_QUESTION)),
            };
            match self.recalled(answer, &key, entry) {
                Ok(found) => return found,
                Err(Some(stopped)) => return Decided { budget, ..Decided::nothing(key, nothing(stopped)) },
                Err(None) => {}
            }
        }
        if self.offline {
            return Decided::nothing(key, nothing(not_stored()));
        }
        let control = self.control(budget);
        let recorder = Recorder { portfolio: self.portfolio, heard: Mutex::default() };
        let start = control.clock.now();
        let known = || self.known.maximum.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = known().take().filter(|(of, _)| *of == key).map(|(_, answer)| answer);
        let mut answer = measure::maximize_from(objective, earlier, &recorder, &control, on_progress);
        *known() = Some((key.clone(), answer.clone())).filter(|(_, answer)| !answer.complete);
        let heard = recorder.heard.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut reports = heard.reports;
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
        let soon = answer.complete || !self.cancel.is_cancelled();
        let certificate = certificate.filter(|certificate| soon || certificate.integers() <= SOON_PACKED);
        let known = StoredAnswer::Maximum(Maximum {
            best: answer.best.as_ref().map(|(value, assignment)| (value.to_string(), assignment.clone())),
            upper: answer.upper.to_string(),
            complete: answer.complete,
            vacuous: answer.vacuous,
            trust: answer.trust.clone(),
            reason: answer.reason.clone(),
        });
        // Who has no answer has decided nothing, whatever bound it found.
        let engine = heard.engine.filter(|_| answer.complete);
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

    fn remembered(&self, key: &str, budget: Duration) -> Option<Entry> {
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
    ) -> Result<(Trust, Option<StoredCertificate>), Doubt> {
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

    /// The same of what is remembered of a maximum.
    fn recheck_bound(
        &self,
        objective: &Objective,
        mut answer: MeasureAnswer,
        too_large: bool,
        control: &Control,
    ) -> Result<(MeasureAnswer, Option<StoredCertificate>), Doubt> {
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

    /// What an entry says, if it is to be believed; `Err` with why nobody can tell in time.
    fn recalled<T>(
        &self,
        answer: Result<(T, Option<StoredCertificate>), Doubt>,
        key: &str,
        entry: Entry,
    ) -> Result<Decided<T>, Option<Reason>> {
        match answer {
            Ok((answer, kept)) => {
                let Entry { engine, reports, time, budget, .. } = entry;
                Ok(Decided { answer, kept, engine, reports, time, budget, key: key.to_owned(), cached: true })
            }
            Err(Doubt::Verdict(why)) => {
                if let Some(store) = self.store {
                    store.distrust(key, why);
                }
                Err(None)
            }
            Err(Doubt::Told) => Err(None),
            Err(Doubt::Stopped(reason)) => Err(Some(reason)),
        }
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
        store.put(&Entry {
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

/// Why an entry is not believed.
enum Doubt {
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

impl<T> Decided<T> {
    /// The time was up before anybody could be asked.
    fn late(answer: T, budget: Duration) -> Decided<T> {
        Decided { budget, ..Decided::nothing(String::new(), answer) }
    }

    /// Nobody was asked.
    fn nothing(key: String, answer: T) -> Decided<T> {
        let (time, budget) = (Duration::ZERO, Duration::ZERO);
        Decided { answer, kept: None, engine: None, reports: Vec::new(), time, budget, key, cached: false }
    }
}

/// Reports say who did what; the proofs themselves are kept once.
fn strip(reports: &mut [Report]) {
    for report in reports {
        if let Outcome::Proved(Trust::Certificate { certificate, .. }) = &mut report.outcome {
            *certificate = None;
        }
    }
}

/// What is known to have no answer, if a measure's bound or its vacuity is right.
fn rests_on(objective: &Objective, answer: &MeasureAnswer) -> Option<Obligation> {
    if answer.vacuous {
        return Some(objective.feasible());
    }
    answer.upper.checked_add(1).map(|threshold| objective.at_least(threshold))
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

/// The engines as one, with an ear to what each does over many questions.
struct Recorder<'a> {
    portfolio: &'a Portfolio,
    heard: Mutex<Heard>,
}

#[derive(Default)]
struct Heard {
    /// Whose the last answer was.
    engine: Option<String>,
    /// One report for each engine: its last outcome, its time in all.
    reports: Vec<Report>,
}

impl Engine for Recorder<'_> {
    fn name(&self) -> &'static str {
        self.portfolio.name()
    }

    fn solve(&self, obligation: &Obligation, control: &Control) -> Answer {
        let decision = self.portfolio.decide(obligation, control);
        self.hear(decision.engine, decision.reports);
        decision.answer
    }

    fn maximize(
        &self,
        objective: &Objective,
        start: (i128, Assignment),
        control: &Control,
        on_progress: &mut (dyn FnMut(Option<i128>, i128) + Send),
    ) -> Option<MeasureAnswer> {
        let (answer, engine, reports) = self.portfolio.maximum(objective, &start, control, on_progress);
        self.hear(engine, reports);
        Some(answer)
    }
}

impl Recorder<'_> {
    fn hear(&self, engine: Option<&'static str>, reports: Vec<Report>) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = engine {
            heard.engine = Some(engine.to_owned());
        }
        add(&mut heard.reports, reports);
    }
}

/// More questions' reports: an engine has one, with its last outcome and its time in all.
pub(super) fn add(known: &mut Vec<Report>, more: impl IntoIterator<Item = Report>) {
    for report in more {
        match known.iter_mut().find(|known| known.engine == report.engine) {
            Some(known) => {
                known.time += report.time;
                known.outcome = report.outcome;
            }
            None => known.push(report),
        }
    }
}

/// What stands for an engine where a known assignment answers.
const REPLAY: &str = "replay";

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
    use super::*;
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
            known: &Memory::default(),
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
