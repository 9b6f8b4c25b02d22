//! Deciding one obligation or objective: the store first, then the engines, then the store again.
//!
//! In: an owned obligation, a budget. Out: what is known of it and by whom. Knows neither spec nor database.

use super::store::{Entry, Known, Maximum, STORE_VERSION, Store, now};
use crate::engine::interval::Intervals;
use crate::engine::measure::{self, MeasureAnswer};
use crate::engine::portfolio::{Outcome, Portfolio, Report};
use crate::engine::search::Search;
use crate::engine::smt::Smt;
use crate::engine::{Answer, CancelToken, Control, Engine, Reason};
use crate::obligation::{Assignment, Objective, Obligation, Replay};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The engines that go by a name of [`crate::engine::NAMES`].
pub(super) fn portfolio(name: &str) -> Option<Portfolio> {
    match name {
        "auto" => Some(Portfolio::default()),
        "interval" => Some(Portfolio { first: vec![Arc::new(Intervals)], rest: Vec::new() }),
        "search" => Some(Portfolio { first: vec![Arc::new(Intervals)], rest: vec![Arc::new(Search::default())] }),
        "smt" => Some(Portfolio { first: Vec::new(), rest: vec![Arc::new(Smt::default())] }),
        _ => None,
    }
}

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
}

/// What is known of an obligation.
#[derive(Clone, Debug)]
pub(super) struct Decided<T> {
    pub answer: T,
    pub engine: Option<String>,
    pub reports: Vec<Report>,
    pub time: Duration,
    pub key: String,
    pub cached: bool,
}

impl Session<'_> {
    fn key(&self, kind: &str, content: &str) -> String {
        key(self.portfolio, kind, content)
    }

    fn control(&self, budget: Duration) -> Control {
        Control { cancel: self.cancel.clone(), memory: self.memory, ..Control::with_budget(budget) }
    }

    /// Decides an obligation. An assignment in the answer has been replayed, also if it was remembered.
    pub fn decide(&self, what: &str, obligation: &Obligation, budget: Duration) -> Decided<Answer> {
        let key = self.key("obligation", &obligation.key());
        if let Some(entry) = self.remembered(&key, budget) {
            let answer = match entry.known.clone() {
                Known::None(trust) => Some(Answer::None(trust)),
                Known::Some(assignment) => match obligation.replay(&assignment) {
                    Replay::Holds(_) => Some(Answer::Some(assignment)),
                    Replay::Fails(_) => None,
                },
                Known::Open(reason) => Some(Answer::Unknown(reason)),
                Known::Maximum(_) => None,
            };
            if let Some(found) = self.recalled(answer, &key, entry) {
                return found;
            }
        }
        let start = Instant::now();
        let decision = self.portfolio.decide(obligation, &self.control(budget));
        let known = match &decision.answer {
            Answer::None(trust) => Known::None(trust.clone()),
            Answer::Some(assignment) => Known::Some(assignment.clone()),
            Answer::Unknown(reason) => Known::Open(reason.clone()),
        };
        let decided = Decided {
            answer: decision.answer,
            engine: decision.engine.map(str::to_owned),
            reports: decision.reports,
            time: start.elapsed(),
            key,
            cached: false,
        };
        self.remember(what, &decided, known, budget);
        decided
    }

    /// Searches for an objective's maximum.
    pub fn maximize(
        &self,
        objective: &Objective,
        budget: Duration,
        on_progress: impl FnMut(Option<i128>, i128),
    ) -> Decided<MeasureAnswer> {
        let key = self.key("objective", &objective.at_least(0).key());
        if let Some(entry) = self.remembered(&key, budget) {
            let answer = match &entry.known {
                Known::Maximum(maximum) => believed(objective, maximum),
                _ => None,
            };
            if let Some(found) = self.recalled(answer, &key, entry) {
                return found;
            }
        }
        let start = Instant::now();
        let recorder = Recorder { portfolio: self.portfolio, heard: Mutex::default() };
        let answer = measure::maximize(objective, &recorder, &self.control(budget), on_progress);
        let heard = recorder.heard.into_inner().unwrap_or_else(PoisonError::into_inner);
        let known = Known::Maximum(Maximum {
            best: answer.best.as_ref().map(|(value, assignment)| (value.to_string(), assignment.clone())),
            upper: answer.upper.to_string(),
            complete: answer.complete,
            vacuous: answer.vacuous,
            trust: answer.trust.clone(),
            reason: answer.reason.clone(),
        });
        let decided =
            Decided { answer, engine: heard.engine, reports: heard.reports, time: start.elapsed(), key, cached: false };
        self.remember(self.name, &decided, known, budget);
        decided
    }

    fn remembered(&self, key: &str, budget: Duration) -> Option<Entry> {
        self.store?.get(key).filter(|entry| entry.serves(budget))
    }

    /// What an entry says, if it is to be believed.
    fn recalled<T>(&self, answer: Option<T>, key: &str, entry: Entry) -> Option<Decided<T>> {
        let Some(answer) = answer else {
            self.store?.distrust(key, "does not pass the reference interpreter");
            return None;
        };
        let Entry { engine, reports, time, .. } = entry;
        Some(Decided { answer, engine, reports, time, key: key.to_owned(), cached: true })
    }

    fn remember<T>(&self, name: &str, decided: &Decided<T>, known: Known, budget: Duration) {
        let Some(store) = self.store else { return };
        store.put(&Entry {
            version: STORE_VERSION,
            key: decided.key.clone(),
            name: name.to_owned(),
            written: now(),
            known,
            engine: decided.engine.clone(),
            reports: decided.reports.clone(),
            time: decided.time,
            budget,
        });
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
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = decision.engine {
            heard.engine = Some(engine.to_owned());
        }
        for report in decision.reports {
            match heard.reports.iter_mut().find(|known| known.engine == report.engine) {
                Some(known) => {
                    known.time += report.time;
                    known.outcome = report.outcome;
                }
                None => heard.reports.push(report),
            }
        }
        decision.answer
    }
}

/// What an engine broke, if one did: worth telling even where another engine decided.
pub(super) fn broken(reports: &[Report]) -> Option<String> {
    reports.iter().find_map(|report| match &report.outcome {
        Outcome::Undecided(Reason::Internal(why)) => Some(format!("{}: {why}", report.engine)),
        _ => None,
    })
}
