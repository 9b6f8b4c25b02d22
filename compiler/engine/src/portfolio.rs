//! The engine `portfolio`, the default: cheap engines one after another, then the others side by side under one budget.
//!
//! In: an obligation. Out: the first sound answer, its engine, and what each engine did. Losers are cancelled at once. Every assignment is
//! replayed; an engine whose counterexample fails that is reported as broken and the others go on.

use super::boxes::Boxes;
use super::branch_and_bound::Search;
use super::enumerate::Enumerate;
use super::interval::Intervals;
use super::journal::{Outcome, Report};
use super::measure::{MeasureAnswer, thresholds};
use super::rivalry::{Runner, judge};
use super::smt::Smt;
use super::{Answer, Control, Engine, Reason, Trust, replayed};
use qnn_ir::obligation::{Assignment, Objective, Obligation};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Several engines as one.
#[derive(Clone)]
pub struct Portfolio {
    /// Tried in this order, each to its end: they must be quick.
    pub first: Vec<Arc<dyn Engine>>,
    /// Run side by side on what is left, but for the head start of the first of them.
    pub rest: Vec<Arc<dyn Engine>>,
}

/// How often a waiting engine looks whether it is cancelled.
const LOOK: Duration = Duration::from_millis(20);
impl Default for Portfolio {
    fn default() -> Portfolio {
        Portfolio {
            first: vec![Arc::new(Intervals)],
            rest: vec![
                Arc::new(Search::default()),
                Arc::new(Boxes::default()),
                Arc::new(Enumerate::hasty()),
                Arc::new(Smt::default()),
            ],
        }
    }
}

/// The portfolio's answer.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The first sound answer; its assignment is replayed.
    pub answer: Answer,
    /// The engine that answered; `None` if none did.
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
        let mut winner = (None, None);
        let ask = |engine: &dyn Engine, control: &Control| {
            let mut reports = Vec::new();
            let answer = attempt(engine, obligation, control, &mut reports);
            (answer, reports)
        };
        self.side_by_side(control, obligation, ask, |engine, (answer, report): (Option<Answer>, Vec<Report>)| {
            reports.extend(report);
            if let (None, Some(answer)) = (&winner.0, answer) {
                winner = (Some(answer), Some(engine));
            }
            winner.0.is_some()
        });
        winner
    }

    /// Searches for an objective's maximum from a first value on, each engine in its own way; says whose the bound is and what each did.
    pub fn maximum(
        &self,
        objective: &Objective,
        start: &(i128, Assignment),
        control: &Control,
        on_progress: &mut (dyn FnMut(Option<i128>, i128) + Send),
    ) -> (MeasureAnswer, Option<&'static str>, Vec<Report>) {
        let none = Reason::Incomplete("no engine searches for maxima".to_owned());
        let mut total = MeasureAnswer::open(start.clone(), i128::MAX, Trust::Interval, none);
        let (mut winner, mut reports) = (None, Vec::new());
        let heard = Mutex::new((start.0, i128::MAX, on_progress));
        let ask = |engine: &dyn Engine, control: &Control| {
            let begun = control.clock.now();
            let mut tell = |found: Option<i128>, bound: i128| {
                let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                let known = (heard.0.max(found.unwrap_or(heard.0)), heard.1.min(bound));
                if known != (heard.0, heard.1) {
                    (heard.0, heard.1) = known;
                    (heard.2)(Some(known.0), known.1);
                }
            };
            let answer = catch_unwind(AssertUnwindSafe(|| {
                let direct = engine.maximize(objective, start.clone(), control, &mut tell);
                let upper = objective.range().map_or(i128::MAX, |range| range.hi);
                direct.unwrap_or_else(|| thresholds(objective, engine, start.clone(), upper, control, &mut tell))
            }))
            .unwrap_or_else(|_| {
                let reason = Reason::Internal(format!("engine {} panicked", engine.name()));
                MeasureAnswer::open(start.clone(), i128::MAX, Trust::Interval, reason)
            });
            (answer, control.clock.since(begun))
        };
        let engines = if self.rest.is_empty() { &self.first } else { &self.rest };
        let alone = Portfolio { first: Vec::new(), rest: engines.clone() };
        alone.side_by_side(control, &objective.base, ask, |engine, (answer, time): (MeasureAnswer, Duration)| {
            let outcome = match &answer.reason {
                None => Outcome::Proved(answer.trust.clone()),
                Some(reason) => Outcome::Undecided(reason.clone()),
            };
            reports.push(Report { engine: engine.into(), outcome, time });
            if answer.best.as_ref().map(|(value, _)| *value) > total.best.as_ref().map(|(value, _)| *value) {
                total.best = answer.best;
            }
            if answer.upper < total.upper {
                (total.upper, total.trust) = (answer.upper, answer.trust);
                winner = Some(engine);
            }
            total.complete = total.best.as_ref().is_some_and(|(value, _)| *value == total.upper);
            total.complete
        });
        total.reason = (!total.complete).then(|| summary(control, &reports));
        (total, winner, reports)
    }

    /// Asks the engines that run side by side and have any hope with what is like `obligation`, the first with a head start; `take` gets each answer and
    /// says whether it ends the race.
    fn side_by_side<T: Send>(
        &self,
        control: &Control,
        obligation: &Obligation,
        ask: impl Fn(&dyn Engine, &Control) -> T + Sync,
        mut take: impl FnMut(&'static str, T) -> bool,
    ) {
        let inner = Control { cancel: control.cancel.child(), ..control.clone() };
        let able = self.rest.iter().enumerate().filter(|(index, engine)| *index == 0 || engine.is_for(obligation));
        let (runners, able): (Vec<Runner>, Vec<_>) = able
            .map(|(index, engine)| {
                let (runner, own) = Runner::new(engine.as_ref(), &inner);
                (runner, (index, engine, own))
            })
            .unzip();
        let (sender, receiver) = channel();
        // Whether the first and all searches have given up.
        let (over, changed) = (Mutex::new(false), Condvar::new());
        std::thread::scope(|scope| {
            for (runner, (index, engine, inner)) in runners.iter().zip(able) {
                let (sender, ask, over, changed) = (sender.clone(), &ask, &over, &changed);
                scope.spawn(move || {
                    if index > 0 {
                        // Until the first and all searches have given up, or their head start is over.
                        let (start, patience) = (inner.clock.now(), engine.wait(obligation));
                        let mut waiting = over.lock().unwrap_or_else(PoisonError::into_inner);
                        while !*waiting && inner.stop().is_none() {
                            let left =
                                patience.map_or(LOOK, |patience| patience.saturating_sub(inner.clock.since(start)));
                            if left.is_zero() {
                                break;
                            }
                            waiting =
                                changed.wait_timeout(waiting, left.min(LOOK)).unwrap_or_else(PoisonError::into_inner).0;
                        }
                        drop(waiting);
                        if inner.stop().is_some() {
                            return;
                        }
                    }
                    let _ = runner.begun.set(inner.clock.now());
                    let answer = ask(engine.as_ref(), &inner);
                    // The receiver outlives the scope.
                    let _ = sender.send((index == 0 || runner.is_search, engine.name(), answer));
                });
            }
            drop(sender);
            // Those who wait for the first wait for all searches.
            let mut awaited = runners.iter().enumerate().filter(|(at, runner)| *at == 0 || runner.is_search).count();
            loop {
                let (is_awaited, engine, answer) = match receiver.recv_timeout(LOOK) {
                    Ok(said) => said,
                    Err(RecvTimeoutError::Timeout) => {
                        judge(&runners, &inner);
                        continue;
                    }
                    Err(RecvTimeoutError::Disconnected) => break,
                };
                if take(engine, answer) {
                    inner.cancel.cancel();
                }
                awaited -= usize::from(is_awaited);
                *over.lock().unwrap_or_else(PoisonError::into_inner) |= awaited == 0;
                // A waiting engine looks whether it is cancelled.
                changed.notify_all();
            }
        });
    }
}

impl Engine for Portfolio {
    fn name(&self) -> &'static str {
        "portfolio"
    }

    fn solve(&self, obligation: &Obligation, control: &Control) -> Answer {
        let Decision { answer, engine, reports } = self.decide(obligation, control);
        control.journal.note(engine, reports);
        answer
    }

    fn maximize(
        &self,
        objective: &Objective,
        start: (i128, Assignment),
        control: &Control,
        on_progress: &mut (dyn FnMut(Option<i128>, i128) + Send),
    ) -> Option<MeasureAnswer> {
        let (answer, engine, reports) = self.maximum(objective, &start, control, on_progress);
        control.journal.note(engine, reports);
        Some(answer)
    }
}

/// One engine's sound answer, if it has one; what it did goes to the reports.
fn attempt(
    engine: &dyn Engine,
    obligation: &Obligation,
    control: &Control,
    reports: &mut Vec<Report>,
) -> Option<Answer> {
    let start = control.clock.now();
    let answer = catch_unwind(AssertUnwindSafe(|| engine.solve(obligation, control)))
        .unwrap_or_else(|_| Answer::Unknown(Reason::Internal(format!("engine {} panicked", engine.name()))));
    let answer = replayed(obligation, engine.name(), answer, control);
    let outcome = match &answer {
        Answer::None(trust) => Outcome::Proved(trust.clone()),
        Answer::Some(_) => Outcome::Violated,
        Answer::Unknown(reason) => Outcome::Undecided(reason.clone()),
    };
    reports.push(Report { engine: engine.name().into(), outcome, time: control.clock.since(start) });
    (!matches!(answer, Answer::Unknown(_))).then_some(answer)
}

/// Why no engine answered: internal errors first, then the caller's limits, then the engines' own.
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
    use qnn_ir::testing::{Shape, brute_force, describe, random_obligation};

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
            // An engine that starts after the answer does not report.
            assert!((2..=5).contains(&decision.reports.len()), "{:?}", decision.reports);
            let liar = decision.reports.iter().find(|report| report.engine == "liar").unwrap();
            assert!(matches!(&liar.outcome, Outcome::Undecided(Reason::Internal(_))));
        }
    }

    #[test]
    fn nobody_starts_once_the_first_has_answered() {
        let rest: Vec<Arc<dyn Engine>> = vec![Arc::new(Search::default()), Arc::new(Panicker)];
        let portfolio = Portfolio { first: Vec::new(), rest };
        for seed in 0..300 {
            let decision = portfolio.decide(&random_obligation(seed, &Shape::default()), &Control::default());
            assert_eq!(decision.engine, Some("search"), "seed {seed}");
            assert_eq!(decision.reports.len(), 1, "seed {seed}: {:?}", decision.reports);
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
