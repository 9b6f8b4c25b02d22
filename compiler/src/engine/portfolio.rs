//! The engine `portfolio`, the default: cheap engines one after another, then the others side by side under one budget.
//!
//! In: an obligation. Out: the first sound answer, who gave it, and what each engine did. Losers are cancelled at once. Every assignment is
//! replayed; an engine whose counterexample fails that is reported as broken and the others go on.

use super::interval::Intervals;
use super::search::Search;
use super::smt::Smt;
use super::{Answer, Control, Engine, Reason, Trust, replayed};
use crate::obligation::Obligation;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// Several engines as one.
#[derive(Clone)]
pub struct Portfolio {
    /// Tried in this order, each to its end: they must be quick.
    pub first: Vec<Arc<dyn Engine>>,
    /// Run side by side on what is left, but for the head start of the first of them.
    pub rest: Vec<Arc<dyn Engine>>,
}

/// How long the first of the engines that run side by side has the machine to itself: most of what it decides, it decides at once.
const HEAD_START: Duration = Duration::from_millis(500);

impl Default for Portfolio {
    fn default() -> Portfolio {
        Portfolio {
            first: vec![Arc::new(Intervals)],
            rest: vec![Arc::new(Search::default()), Arc::new(Smt::default())],
        }
    }
}

/// What one engine did with an obligation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The engine's name.
    pub engine: Cow<'static, str>,
    /// What it said.
    pub outcome: Outcome,
    /// How long it took to say it.
    pub time: Duration,
}

/// An engine's answer without its assignment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "detail")]
pub enum Outcome {
    /// No assignment answers the obligation.
    Proved(Trust),
    /// It found an assignment.
    Violated,
    /// It gave no answer.
    Undecided(Reason),
}

/// The portfolio's answer.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The first sound answer; its assignment is replayed.
    pub answer: Answer,
    /// Whose answer it is; `None` if nobody had one.
    pub engine: Option<&'static str>,
    /// What each engine did, in the order in which they ended; those that never started are missing.
    pub reports: Vec<Report>,
}

impl Portfolio {
    /// Decides the obligation, and says how.
    pub fn decide(&self, obligation: &Obligation, control: &Control) -> Decision {
        let mut reports = Vec::new();
        for engine in &self.first {
            if let Some(reason) = control.stop() {
                return Decision { answer: Answer::Unknown(reason), engine: None, reports };
            }
            if let Some(answer) = attempt(engine.as_ref(), obligation, control, &mut reports) {
                return Decision { answer, engine: Some(engine.name()), reports };
            }
        }
        let (answer, engine) = match &self.rest[..] {
            [] => (None, None),
            [only] => (attempt(only.as_ref(), obligation, control, &mut reports), Some(only.name())),
            _ => self.race(obligation, control, &mut reports),
        };
        match answer {
            Some(answer) => Decision { answer, engine, reports },
            None => Decision { answer: Answer::Unknown(summary(control, &reports)), engine: None, reports },
        }
    }

    fn race(
        &self,
        obligation: &Obligation,
        control: &Control,
        reports: &mut Vec<Report>,
    ) -> (Option<Answer>, Option<&'static str>) {
        let inner = Control { cancel: control.cancel.child(), ..control.clone() };
        let (sender, receiver) = channel();
        let start = Instant::now();
        let first_gave_up = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let first_gave_up = &first_gave_up;
            for (index, engine) in self.rest.iter().enumerate() {
                let (sender, inner) = (sender.clone(), &inner);
                scope.spawn(move || {
                    let mut reports = Vec::new();
                    while index > 0 && start.elapsed() < HEAD_START && !first_gave_up.load(Ordering::SeqCst) {
                        if inner.stop().is_some() {
                            let _ = sender.send((None, engine.name(), reports));
                            return;
                        }
                        std::thread::sleep(Duration::from_millis(2));
                    }
                    let answer = attempt(engine.as_ref(), obligation, inner, &mut reports);
                    if index == 0 {
                        first_gave_up.store(true, Ordering::SeqCst);
                    }
                    // The receiver outlives the scope.
                    let _ = sender.send((answer, engine.name(), reports));
                });
            }
            drop(sender);
            let mut winner = (None, None);
            for (answer, engine, report) in receiver {
                reports.extend(report);
                if let (None, Some(answer)) = (&winner.0, answer) {
                    inner.cancel.cancel();
                    winner = (Some(answer), Some(engine));
                }
            }
            winner
        })
    }
}

impl Engine for Portfolio {
    fn name(&self) -> &'static str {
        "portfolio"
    }

    fn solve(&self, obligation: &Obligation, control: &Control) -> Answer {
        self.decide(obligation, control).answer
    }
}

/// One engine's sound answer, if it has one; what it did goes to the reports.
fn attempt(
    engine: &dyn Engine,
    obligation: &Obligation,
    control: &Control,
    reports: &mut Vec<Report>,
) -> Option<Answer> {
    let start = Instant::now();
    let answer = catch_unwind(AssertUnwindSafe(|| engine.solve(obligation, control)))
        .unwrap_or_else(|_| Answer::Unknown(Reason::Internal(format!("engine {} panicked", engine.name()))));
    let answer = replayed(obligation, engine.name(), answer);
    let outcome = match &answer {
        Answer::None(trust) => Outcome::Proved(trust.clone()),
        Answer::Some(_) => Outcome::Violated,
        Answer::Unknown(reason) => Outcome::Undecided(reason.clone()),
    };
    reports.push(Report { engine: engine.name().into(), outcome, time: start.elapsed() });
    (!matches!(answer, Answer::Unknown(_))).then_some(answer)
}

/// Why nobody answered: what is wrong before what was lacking, and the caller's limits before an engine's.
fn summary(control: &Control, reports: &[Report]) -> Reason {
    let reasons = || {
        reports.iter().filter_map(|report| match &report.outcome {
            Outcome::Undecided(reason) => Some((report, reason)),
            _ => None,
        })
    };
    if let Some((_, reason)) = reasons().find(|(_, reason)| matches!(reason, Reason::Internal(_))) {
        return reason.clone();
    }
    if let Some(reason) = control.stop() {
        return reason;
    }
    for limit in [Reason::Timeout, Reason::Memory] {
        if reasons().any(|(_, reason)| *reason == limit) {
            return limit;
        }
    }
    let each: Vec<String> = reasons().map(|(report, reason)| format!("{}: {reason}", report.engine)).collect();
    Reason::Incomplete(each.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Shape, brute_force, describe, random_obligation};

    /// Never ends by itself.
    struct Sleeper;

    impl Engine for Sleeper {
        fn name(&self) -> &'static str {
            "sleeper"
        }

        fn solve(&self, _: &Obligation, control: &Control) -> Answer {
            loop {
                if let Some(reason) = control.stop() {
                    return Answer::Unknown(reason);
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    /// Claims an assignment that is none.
    struct Liar;

    impl Engine for Liar {
        fn name(&self) -> &'static str {
            "liar"
        }

        fn solve(&self, _: &Obligation, _: &Control) -> Answer {
            Answer::Some(Vec::new())
        }
    }

    struct Panicker;

    impl Engine for Panicker {
        fn name(&self) -> &'static str {
            "panicker"
        }

        fn solve(&self, _: &Obligation, _: &Control) -> Answer {
            std::panic::resume_unwind(Box::new("on purpose"))
        }
    }

    #[test]
    fn agrees_with_enumeration() {
        for seed in 20_000..20_400 {
            let obligation = random_obligation(seed, &Shape::default());
            let decision = Portfolio::default().decide(&obligation, &Control::default());
            match (&decision.answer, brute_force(&obligation)) {
                (Answer::None(_), None) | (Answer::Some(_), Some(_)) => {}
                (answer, truth) => panic!("seed {seed}: {answer:?}, {truth:?}\n{}", describe(&obligation)),
            }
            assert!(decision.engine.is_some() && !decision.reports.is_empty());
        }
    }

    #[test]
    fn the_first_sound_answer_wins_and_stops_the_others() {
        let portfolio = Portfolio {
            first: vec![Arc::new(Liar)],
            rest: vec![Arc::new(Sleeper), Arc::new(Liar), Arc::new(Panicker), Arc::new(Smt::default())],
        };
        for seed in 0..50 {
            let obligation = random_obligation(seed, &Shape::default());
            let decision = portfolio.decide(&obligation, &Control::default());
            assert_eq!(decision.engine, Some("smt"), "seed {seed}");
            assert_eq!(decision.reports.len(), 5);
            let liar = decision.reports.iter().find(|report| report.engine == "liar").unwrap();
            assert!(matches!(&liar.outcome, Outcome::Undecided(Reason::Internal(_))));
        }
    }

    #[test]
    fn budgets_and_cancellation_end_it() {
        let portfolio = Portfolio { first: Vec::new(), rest: vec![Arc::new(Sleeper), Arc::new(Sleeper)] };
        let obligation = random_obligation(0, &Shape::default());
        let answer = portfolio.solve(&obligation, &Control::with_budget(Duration::from_millis(20)));
        assert!(matches!(answer, Answer::Unknown(Reason::Timeout)));
        let control = Control::default();
        let cancel = control.cancel.clone();
        let canceller = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            cancel.cancel();
        });
        assert!(matches!(portfolio.solve(&obligation, &control), Answer::Unknown(Reason::Cancelled)));
        canceller.join().unwrap();
    }
}
