//! A session: who decides the questions of one job, what they may spend, and what is known of each question.

use super::choice_table::ChoiceTable;
use super::evidence::{About, Evidence, StoredCertificate, Support};
use super::question_key::question_key;
use super::schedule::Turn;
use super::store::Store;
use num_traits::Signed;
use qnn_engine::journal::Report;
use qnn_engine::measure::MeasureAnswer;
use qnn_engine::portfolio::Portfolio;
use qnn_engine::{Answer, CancelToken, Clock, Control, Cores, Journal, Meter, RelaxationCache};
use qnn_ir::Rational;
use qnn_ir::obligation::Objective;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

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
    pub learned: &'a Learned,
}

/// What a job's earlier turns have learned: no turn does their work again.
#[derive(Debug, Default)]
pub(super) struct Learned {
    /// What is decided, by its key.
    pub decided: Mutex<HashMap<String, Decided<Answer>>>,
    /// What is known of the maximum, with its key.
    pub maximum: Mutex<Option<(String, MeasureAnswer)>>,
    /// What is known of the choices of a maximum's indices.
    pub choices: Mutex<Option<ChoiceTable>>,
}

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

/// Whether what is known of an objective's maximum leaves no more than so much open, in the spec's numbers.
pub(super) fn is_close(objective: &Objective, answer: &MeasureAnswer, width: &Rational) -> bool {
    let found = answer.best.as_ref().map(|(best, assignment)| objective.found(*best, assignment));
    found.is_some_and(|found| answer.upper != i128::MAX && (objective.bound(answer.upper) - found).abs() <= *width)
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

    /// The key under which the store remembers what is asked.
    pub fn key(&self, kind: &str, content: &str) -> String {
        question_key(self.portfolio, kind, content)
    }

    /// What engines get for a question.
    pub fn control(&self, budget: Duration) -> Control {
        Control {
            cancel: self.cancel.clone(),
            memory: self.memory,
            spare: self.spare.clone(),
            meter: self.meter.clone(),
            relaxations: self.relaxations.clone(),
            deadline: self.clock.now().checked_add(budget),
            clock: self.clock.clone(),
            journal: Journal::default(),
        }
    }
}

impl<T> Decided<T> {
    /// The time was up before anybody could be asked.
    pub fn late(answer: T, budget: Duration) -> Decided<T> {
        Decided { budget, ..Decided::nothing(String::new(), answer) }
    }

    /// Nobody was asked.
    pub fn nothing(key: String, answer: T) -> Decided<T> {
        let (time, budget) = (Duration::ZERO, Duration::ZERO);
        Decided { answer, kept: None, engine: None, reports: Vec::new(), time, budget, key, cached: false }
    }
}

impl Decided<Answer> {
    /// What it says of an obligation, as evidence; `None` if it says nothing.
    pub fn evidence(
        &self,
        about: About,
        candidate: Option<i128>,
        obligation: impl FnOnce() -> String,
    ) -> Option<Evidence> {
        let rests_on = match &self.answer {
            Answer::None(trust) => Support::of(trust, self.kept.as_ref()),
            Answer::Some(assignment) => Support::Assignment(assignment.clone()),
            Answer::Unknown(_) => return None,
        };
        Some(Evidence { about, candidate, obligation: obligation(), bound: None, rests_on })
    }
}
