//! `maximize` and `minimize`: the greatest value of an objective, in an engine's own way or by asking it for thresholds.
//!
//! In: an [`Objective`], an engine. Out: the best value found with its assignment, a value that is proved to be never exceeded, and whether the two
//! meet. The two are sound at any time: when the budget ends early, they are the answer. Each
//! assignment's own objective, by the reference interpreter, is what counts, so a query may jump far beyond its threshold.

use super::interval::{Bounds, Intervals, presolve};
use super::presolve::Presolved;
use super::{Answer, Control, Engine, Meter, Reason, Trust, replayed};
use qnn_ir::obligation::{Assignment, Objective, Obligation};
use std::time::Duration;

/// The part of the remaining time that one threshold may take before others are tried.
const SLICE: u32 = 4;

/// An objective's maximum, or bounds of it.
#[derive(Clone, Debug)]
pub struct MeasureAnswer {
    /// The greatest objective found, and where.
    pub best: Option<(i128, Assignment)>,
    /// The objective is proved to be never greater; `i128::MAX` if not even intervals could be computed.
    pub upper: i128,
    /// `upper` is attained, or nothing meets the assumptions.
    pub complete: bool,
    /// Nothing meets the assumptions: there is no maximum.
    pub vacuous: bool,
    /// What the proof of `upper`, or of vacuity, rests on.
    pub trust: Trust,
    /// Why the search ended before it was complete.
    pub reason: Option<Reason>,
}

impl MeasureAnswer {
    /// The maximum, attained and proved.
    pub(crate) fn exact(best: (i128, Assignment), trust: Trust) -> MeasureAnswer {
        let upper = best.0;
        MeasureAnswer { best: Some(best), upper, complete: true, vacuous: false, trust, reason: None }
    }

    /// The bounds when the search ends early.
    pub(crate) fn open(best: (i128, Assignment), upper: i128, trust: Trust, reason: Reason) -> MeasureAnswer {
        MeasureAnswer { best: Some(best), upper, complete: false, vacuous: false, trust, reason: Some(reason) }
    }
}

/// Searches for the objective's maximum. `on_progress` gets (the best value found, the best bound proved) whenever one of them changes.
pub fn maximize(
    objective: &Objective,
    engine: &dyn Engine,
    control: &Control,
    on_progress: impl FnMut(Option<i128>, i128) + Send,
) -> MeasureAnswer {
    maximize_from(objective, None, engine, control, on_progress)
}

/// The same, where something is known from an earlier search that was not complete.
pub fn maximize_from(
    objective: &Objective,
    earlier: Option<MeasureAnswer>,
    engine: &dyn Engine,
    control: &Control,
    mut on_progress: impl FnMut(Option<i128>, i128) + Send,
) -> MeasureAnswer {
    let mut answer = MeasureAnswer {
        best: None,
        upper: i128::MAX,
        complete: false,
        vacuous: false,
        trust: Trust::Interval,
        reason: None,
    };
    let (earlier_best, earlier_upper) = match earlier {
        Some(earlier) => (earlier.best, Some((earlier.upper, earlier.trust))),
        None => (None, None),
    };
    let begun = control.bound(|| begin(objective, earlier_best.clone(), engine, control, &mut answer));
    let start = match begun.and_then(|start| start) {
        // What an earlier search found stays, whatever ends this one.
        Err(reason) if earlier_best.is_some() => {
            answer.reason = Some(reason);
            answer.best = earlier_best;
            if let Some((upper, trust)) = earlier_upper.filter(|(upper, _)| *upper < answer.upper) {
                (answer.upper, answer.trust) = (upper, trust);
            }
            return answer;
        }
        Ok(Some(start)) => start,
        Ok(None) => {
            (answer.vacuous, answer.complete) = (true, true);
            return answer;
        }
        Err(reason) => {
            answer.reason = Some(reason);
            if let Some((upper, trust)) = earlier_upper.filter(|(upper, _)| *upper < answer.upper) {
                (answer.upper, answer.trust) = (upper, trust);
            }
            return answer;
        }
    };
    let (upper, trust) =
        earlier_upper.filter(|(upper, _)| *upper < answer.upper).unwrap_or((answer.upper, Trust::Interval));
    on_progress(Some(start.0), upper);
    let mut heard = |found, bound: i128| on_progress(found, bound.min(upper));
    let found = engine.maximize(objective, start.clone(), control, &mut heard);
    let mut answer = found.unwrap_or_else(|| thresholds(objective, engine, start, upper, control, &mut heard));
    if upper < answer.upper {
        (answer.upper, answer.trust) = (upper, trust);
    }
    if answer.best.as_ref().is_some_and(|(best, _)| *best == answer.upper) {
        (answer.complete, answer.reason) = (true, None);
    }
    answer
}

/// Whether intervals alone show that the objective is nowhere greater than `upper`, or that it has no value at all.
pub fn is_bounded(objective: &Objective, most: i128, control: &Control) -> bool {
    let feasible = objective.feasible();
    let direct = match presolve(&feasible) {
        Ok(None) => true,
        Ok(Some(presolved)) => upper(objective, &feasible, &presolved).is_ok_and(|upper| upper <= most),
        Err(_) => false,
    };
    let above = || most.checked_add(1).map(|threshold| objective.at_least(threshold));
    direct || above().is_some_and(|above| matches!(Intervals.solve(&above, control), Answer::None(_)))
}

/// A first value, if anything meets the assumptions; the answer gets what intervals say of the maximum, or what vacuity rests on.
fn begin(
    objective: &Objective,
    known: Option<(i128, Assignment)>,
    engine: &dyn Engine,
    control: &Control,
    answer: &mut MeasureAnswer,
) -> Result<Option<(i128, Assignment)>, Reason> {
    let feasible = objective.feasible();
    let Some(presolved) = presolve(&feasible)? else { return Ok(None) };
    answer.upper = upper(objective, &feasible, &presolved)?;
    if known.is_some() {
        return Ok(known);
    }
    // How far this search is says nothing of the one for the maximum.
    let control = &Control { meter: Meter::default(), ..control.clone() };
    match replayed(&feasible, engine.name(), engine.solve(&feasible, control), control) {
        Answer::None(trust) => {
            answer.trust = trust;
            Ok(None)
        }
        Answer::Some(assignment) => {
            let value = objective.of(&assignment);
            let value =
                value.ok_or_else(|| Reason::Internal(format!("{}'s assignment has no value", engine.name())))?;
            Ok(Some((value, assignment)))
        }
        Answer::Unknown(reason) => Err(reason),
    }
}

/// The greatest value that intervals leave possible.
fn upper(objective: &Objective, feasible: &Obligation, presolved: &Presolved) -> Result<i128, Reason> {
    let mut bounds = Bounds::new(feasible, presolved);
    let upper = objective.pieces.iter().map(|piece| bounds.upper(piece)).collect::<Option<Vec<i128>>>();
    let upper = upper.ok_or_else(|| Reason::Incomplete("the objective needs more than 128 bits".to_owned()))?;
    Ok(upper.into_iter().max().unwrap_or(i128::MAX))
}

/// The maximum by asking an engine whether thresholds are reached; between `start` and `upper`.
pub(super) fn thresholds(
    objective: &Objective,
    engine: &dyn Engine,
    start: (i128, Assignment),
    upper: i128,
    control: &Control,
    on_progress: &mut (dyn FnMut(Option<i128>, i128) + Send),
) -> MeasureAnswer {
    let answer = MeasureAnswer {
        best: Some(start),
        upper,
        complete: false,
        vacuous: false,
        trust: Trust::Interval,
        reason: None,
    };
    // What is done of one threshold is no share of the whole.
    let control = &Control { meter: Meter::default(), ..control.clone() };
    let mut search = Thresholds { objective, engine, control, on_progress, answer, open: None };
    let reason = search.run().err();
    let mut answer = search.answer;
    answer.reason = reason;
    answer
}

struct Thresholds<'a> {
    objective: &'a Objective,
    engine: &'a dyn Engine,
    control: &'a Control,
    on_progress: &'a mut (dyn FnMut(Option<i128>, i128) + Send),
    answer: MeasureAnswer,
    /// The least and the greatest threshold that the engine could not decide within a slice.
    open: Option<(i128, i128)>,
}

impl Thresholds<'_> {
    fn run(&mut self) -> Result<(), Reason> {
        loop {
            let mut timed_out = false;
            while let Some(threshold) = self.next_threshold() {
                let control = self.slice(timed_out);
                let obligation = self.objective.at_least(threshold);
                match self.ask(&obligation, &control) {
                    Answer::None(trust) => self.excluded(threshold, trust),
                    Answer::Some(assignment) => self.found(threshold, assignment)?,
                    Answer::Unknown(reason) => {
                        if let Some(stop) = self.control.stop() {
                            return Err(stop);
                        }
                        match reason {
                            Reason::Timeout => timed_out = true,
                            Reason::Internal(_) => return Err(reason),
                            _ => {}
                        }
                        let (least, greatest) = self.open.unwrap_or((threshold, threshold));
                        self.open = Some((least.min(threshold), greatest.max(threshold)));
                    }
                }
            }
            match self.open.take() {
                None => {
                    self.answer.complete = true;
                    return Ok(());
                }
                Some(_) if timed_out => self.last_try()?,
                Some((least, greatest)) => {
                    let range = if least == greatest { least.to_string() } else { format!("{least} to {greatest}") };
                    return Err(Reason::Incomplete(format!(
                        "{} leaves the thresholds {range} open",
                        self.engine.name()
                    )));
                }
            }
        }
    }

    /// The middle of what is undecided; above and below what the engine gave up on, if it did.
    fn next_threshold(&self) -> Option<i128> {
        let (best, upper) = (self.answer.best.as_ref()?.0, self.answer.upper);
        let middle = |lo: i128, hi: i128| (lo < hi).then(|| hi.saturating_sub(hi.saturating_sub(lo) / 2));
        match self.open {
            None => middle(best, upper),
            Some((least, greatest)) => middle(greatest, upper).or_else(|| middle(best, least - 1)),
        }
    }

    fn slice(&self, hurry: bool) -> Control {
        let mut control = self.control.clone();
        if let Some(deadline) = self.control.deadline {
            let now = self.control.clock.now();
            let remaining = deadline.saturating_duration_since(now);
            let slice = remaining / if hurry { 2 * SLICE } else { SLICE };
            control.deadline = Some(now + slice.max(Duration::from_millis(10)).min(remaining));
        }
        control
    }

    fn ask(&self, obligation: &Obligation, control: &Control) -> Answer {
        replayed(obligation, self.engine.name(), self.engine.solve(obligation, control), control)
    }

    /// The middle of what is undecided once more, with all the time that is left.
    fn last_try(&mut self) -> Result<(), Reason> {
        let Some((best, _)) = &self.answer.best else { return Ok(()) };
        let threshold = best + 1 + (self.answer.upper - best - 1) / 2;
        match self.ask(&self.objective.at_least(threshold), self.control) {
            Answer::None(trust) => self.excluded(threshold, trust),
            Answer::Some(assignment) => self.found(threshold, assignment)?,
            Answer::Unknown(reason) => return Err(self.control.stop().unwrap_or(reason)),
        }
        Ok(())
    }

    fn excluded(&mut self, threshold: i128, trust: Trust) {
        self.answer.upper = threshold - 1;
        self.answer.trust = trust;
        // Everything from the threshold on is settled.
        self.open = self
            .open
            .filter(|(least, _)| *least < threshold)
            .map(|(least, greatest)| (least, greatest.min(threshold - 1)));
        self.progress();
    }

    fn found(&mut self, threshold: i128, assignment: Assignment) -> Result<(), Reason> {
        let value = self.objective.of(&assignment).filter(|value| *value >= threshold);
        let broken =
            || Reason::Internal(format!("{}'s assignment misses the threshold {threshold}", self.engine.name()));
        let value = value.ok_or_else(broken)?;
        if value > self.answer.upper {
            return Err(Reason::Internal(format!("an objective of {value} was excluded before it was found")));
        }
        self.answer.best = Some((value, assignment));
        self.open = self
            .open
            .filter(|(_, greatest)| *greatest > value)
            .map(|(least, greatest)| (least.max(value + 1), greatest));
        self.progress();
        Ok(())
    }

    fn progress(&mut self) {
        (self.on_progress)(self.answer.best.as_ref().map(|(value, _)| *value), self.answer.upper);
    }
}

#[cfg(test)]
mod tests {
    use super::super::interval::Intervals;
    use super::super::portfolio::Portfolio;
    use super::super::smt::Smt;
    use super::*;
    use qnn_ir::testing::{Shape, brute_force_maximum, describe, random_objective};

    #[test]
    fn agrees_with_enumeration() {
        let mut vacuous = 0;
        for seed in 0..400 {
            let objective = random_objective(seed, &Shape { points: 256, ..Shape::default() });
            let truth = brute_force_maximum(&objective);
            let mut progress = Vec::new();
            let engine: &dyn Engine = if seed % 2 == 0 { &Portfolio::default() } else { &Smt::default() };
            let answer = maximize(&objective, engine, &Control::default(), |found, proved| {
                progress.push((found, proved));
            });
            let text = || format!("seed {seed}: {answer:?}, {truth:?}\n{}", describe(&objective.base));
            assert!(answer.complete && answer.reason.is_none(), "{}", text());
            assert_eq!(answer.vacuous, truth.is_none(), "{}", text());
            assert_eq!(answer.best.as_ref().map(|(value, _)| *value), truth, "{}", text());
            assert!(progress.windows(2).all(|w| w[0].0 <= w[1].0 && w[0].1 >= w[1].1), "{progress:?}");
            vacuous += u32::from(answer.vacuous);
        }
        assert!(vacuous > 0);
    }

    /// An engine that decides little forgets nothing of what an earlier search has found and proved.
    #[test]
    fn later_searches_go_on_from_what_is_known() {
        let mut kept = 0;
        for seed in 0..200 {
            let objective = random_objective(seed, &Shape { points: 256, ..Shape::default() });
            let exact = maximize(&objective, &Portfolio::default(), &Control::default(), |_, _| {});
            let Some((value, assignment)) = exact.best.clone() else { continue };
            let reason = Reason::Timeout;
            let earlier = MeasureAnswer::open((value, assignment), exact.upper + 1, exact.trust.clone(), reason);
            let told = |found: Option<i128>, bound| assert!(found == Some(value) && bound <= value + 1, "seed {seed}");
            let control = Control::default();
            control.cancel.cancel();
            let answer = maximize_from(&objective, Some(earlier), &Intervals, &control, told);
            assert_eq!(answer.best.map(|(value, _)| value), Some(value), "seed {seed}");
            assert!(answer.upper <= value + 1, "seed {seed}");
            kept += usize::from(!answer.complete);
        }
        assert!(kept > 10, "{kept}");
    }

    /// An engine that decides little still gives sound bounds, and says that they are not all.
    #[test]
    fn weak_engines_give_bounds() {
        for seed in 0..400 {
            let objective = random_objective(seed, &Shape { points: 256, ..Shape::default() });
            let answer = maximize(&objective, &Intervals, &Control::default(), |_, _| {});
            let truth = brute_force_maximum(&objective);
            if let Some((found, _)) = answer.best {
                assert!(truth.is_some_and(|truth| found <= truth), "seed {seed}");
            }
            assert!(truth.is_none_or(|truth| truth <= answer.upper), "seed {seed}");
            assert_eq!(answer.complete, answer.reason.is_none(), "seed {seed}");
        }
    }

    /// Decides thresholds outside of a band at once and sleeps within it.
    struct Banded(i128, i128);

    impl Engine for Banded {
        fn name(&self) -> &'static str {
            "banded"
        }

        fn solve(&self, obligation: &Obligation, control: &Control) -> Answer {
            let threshold = obligation.cases[0].last().map_or(i128::MIN, |atom| -atom.linear.constant);
            while (self.0..=self.1).contains(&threshold) {
                if let Some(reason) = control.stop() {
                    return Answer::Unknown(reason);
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            Intervals.solve(obligation, control)
        }
    }

    /// An engine that tells of each question how far it is.
    struct Telling(Smt);

    impl Engine for Telling {
        fn name(&self) -> &'static str {
            "telling"
        }

        fn solve(&self, obligation: &Obligation, control: &Control) -> Answer {
            control.meter.reach(0.5);
            self.0.solve(obligation, control)
        }
    }

    #[test]
    fn a_threshold_is_no_share_of_a_maximum() {
        for seed in 0..20 {
            let objective = random_objective(seed, &Shape { points: 256, ..Shape::default() });
            let control = Control::default();
            maximize(&objective, &Telling(Smt::default()), &control, |_, _| {});
            assert_eq!(control.meter.get(), 0.0, "seed {seed}");
        }
    }

    #[test]
    fn hard_thresholds_do_not_hide_easy_ones() {
        use qnn_ir::obligation::{Linear, Variable};
        use qnn_ir::{Graph, NodeId};
        let mut graph = Graph::new();
        let x = graph.push_input("x", 1);
        let base = Obligation {
            graph: graph.into(),
            variables: vec![Variable { name: "x".into(), node: x, domain: vec![(0, 100)] }],
            assumptions: Vec::new(),
            cases: Vec::new(),
            exact: None,
        };
        let objective = Objective {
            base,
            alternatives: vec![Vec::new()],
            pieces: vec![Linear::new(vec![(NodeId(0), 0, 1)], 0)],
            scale: qnn_ir::rational::integer(1),
            negated: false,
            exact: None,
        };
        let control = Control::with_budget(Duration::from_millis(400));
        let answer = maximize(&objective, &Banded(70, 80), &control, |_, _| {});
        assert!(answer.complete, "the corner is at 100: {answer:?}");
        let answer = maximize(&objective, &Banded(51, 200), &control, |_, _| {});
        assert_eq!((answer.upper, answer.complete, answer.reason), (100, false, Some(Reason::Timeout)));
        assert!(answer.best.is_some_and(|(value, _)| value == 50));
    }
}
