//! The search for a maximum: one run, whose threshold rises with every better point.
//!
//! In: an objective, a first point, a budget. Out: the maximum, or the best value found and the best bound proved. Invariant: a bound is shown only after
//! the checker has accepted its certificate, and a part of the budget is reserved for the last check.

use super::case::{Accepted, Helpers};
use super::parameters::MEMORY;
use super::run::{Run, RunOutcome};
use super::{Search, assignment};
use crate::measure::MeasureAnswer;
use crate::relaxation::Relaxation;
use crate::{Answer, Control, Engine, Reason, Trust, replayed};
use qnn_ir::obligation::{Assignment, Objective, Obligation};
use std::time::Duration;

/// One part in this many of the time is reserved for the check of the bound reached by then …
const RESERVE: u32 = 5;
/// … and no more than this.
const MOST_RESERVED: Duration = Duration::from_secs(2);
/// If more of the time than this is left after that check, the search goes on.
const WORTH_IT: Duration = Duration::from_millis(50);
/// The checks of bounds that are shown during the search take at most one part in this many of the time …
const CHECKING: u32 = 8;
/// … and are of trees that take at most one part in this many of the memory.
const MOST_CHECKED: u64 = 8;
/// The trees that are still checked after a cancellation take at most this many bytes.
const SOON_CHECKED: usize = 4 << 20;

/// Gets the best value found and the best bound proved.
type OnProgress<'a> = &'a mut (dyn FnMut(Option<i128>, i128) + Send);

/// What a search for a maximum has found and proved.
struct Maximum<'a> {
    engine: &'a Search,
    objective: &'a Objective,
    /// The whole budget; the run has what is not reserved of it.
    whole: &'a Control,
    /// The obligation for the least value above the best.
    obligation: Obligation,
    best: (i128, Assignment),
    /// The least bound that the checker has accepted, or that of intervals.
    upper: i128,
    trust: Trust,
    /// The time of the checks of bounds that were shown during the search.
    checking: Duration,
}

/// Searches for the objective's maximum from a first value and its assignment on; `None` where the numbers are too large for this engine.
pub(super) fn maximize(
    engine: &Search,
    objective: &Objective,
    best: (i128, Assignment),
    whole: &Control,
    on_progress: OnProgress<'_>,
) -> Option<MeasureAnswer> {
    let mut budget = whole.leaving(RESERVE, MOST_RESERVED);
    let given_up = |reason, best| Some(MeasureAnswer::open(best, i128::MAX, Trust::Interval, reason));
    let upper = match budget.bound(|| objective.range()) {
        Ok(range) => range.ok()?.hi,
        Err(reason) => return given_up(reason, best),
    };
    let relaxation = match budget.bound(|| budget.relaxations.of(&objective.base.graph)) {
        Ok(relaxation) => relaxation?,
        Err(reason) => return given_up(reason, best),
    };
    let obligation = objective.at_least(best.0.checked_add(1)?);
    let begun = budget.bound(|| {
        let mut run = Run::new(engine, &relaxation, &obligation, &budget)?;
        let kept = run.keep_bounds(objective);
        Ok((run, kept))
    });
    let mut run = match begun {
        Ok(Ok((run, Some(())))) => run,
        Ok(Err(Answer::Unknown(reason @ (Reason::Timeout | Reason::Cancelled)))) | Err(reason) => {
            return given_up(reason, best);
        }
        Ok(_) => return None,
    };
    let (trust, checking) = (Trust::Interval, Duration::ZERO);
    let mut maximum = Maximum { engine, objective, whole, obligation, best, upper, trust, checking };
    let mut turns = engine.turns;
    loop {
        let ended = budget.bound(|| run.run(&relaxation, &budget, &|point| maximum.accepts(point)));
        // An interrupted run has lost branches: it can't go on.
        let whole_run = ended.is_ok();
        let ended = match ended.unwrap_or_else(RunOutcome::Stopped) {
            RunOutcome::Turn if turns == 0 => RunOutcome::Stopped(Reason::Incomplete("too many turns".to_owned())),
            ended => ended,
        };
        // The check of a proof needs no lent core: its owner goes on.
        if matches!(ended, RunOutcome::Proved | RunOutcome::Stopped(_)) {
            run.helpers = Helpers::default();
        }
        match ended {
            RunOutcome::Point(point) => {
                if let Err(reason) = maximum.improve(&mut run, &relaxation, &point, &budget, on_progress)? {
                    return Some(maximum.open(reason));
                }
            }
            RunOutcome::Proved => return maximum.proved(&mut run, on_progress),
            RunOutcome::Turn => {
                turns -= 1;
                maximum.show_bound(&run, &budget, on_progress)?;
            }
            RunOutcome::Stopped(reason) => {
                let took = maximum.prove_bound(&run, on_progress);
                let left =
                    whole.deadline.map_or(Duration::ZERO, |end| end.saturating_duration_since(whole.clock.now()));
                let worth_it = left > WORTH_IT.max(2 * RESERVE * took);
                if whole_run && worth_it && reason == Reason::Timeout && whole.stop().is_none() {
                    budget = whole.leaving(RESERVE, MOST_RESERVED);
                    continue;
                }
                return Some(maximum.open(reason));
            }
        }
    }
}

impl Maximum<'_> {
    /// Whether a point has a greater value than the best.
    fn accepts(&self, point: &[i64]) -> Accepted {
        let point = assignment(&self.obligation, point);
        match self.objective.of(&point) {
            Some(value) if value > self.best.0 => Accepted::Yes,
            Some(_) => Accepted::No,
            // A point can meet the atoms of assumptions on real-valued networks without meeting the assumptions.
            None => Accepted::from(&self.obligation.replay(&point)),
        }
    }

    fn open(self, reason: Reason) -> MeasureAnswer {
        MeasureAnswer::open(self.best, self.upper, self.trust, reason)
    }

    /// Takes a better point, and raises the run's threshold above it; `Err` if the budget ends meanwhile.
    fn improve<'r>(
        &mut self,
        run: &mut Run<'r>,
        relaxation: &'r Relaxation,
        point: &[i64],
        budget: &Control,
        on_progress: OnProgress<'_>,
    ) -> Option<Result<(), Reason>> {
        let point = assignment(&self.obligation, point);
        self.best = (self.objective.of(&point)?, point);
        on_progress(Some(self.best.0), self.upper.max(self.best.0));
        self.obligation = self.objective.at_least(self.best.0.checked_add(1)?);
        match budget.bound(|| run.raise(relaxation, &self.obligation)) {
            Ok(raised) => raised.map(Ok),
            Err(reason) => Some(Err(reason)),
        }
    }

    /// The answer once all cases are closed: the best value is the maximum, if the checker accepts the proof.
    fn proved(self, run: &mut Run<'_>, on_progress: OnProgress<'_>) -> Option<MeasureAnswer> {
        let answer = run.proved(&self.obligation);
        match replayed(&self.obligation, self.engine.name(), answer, self.whole) {
            Answer::None(trust) => {
                on_progress(Some(self.best.0), self.best.0);
                Some(MeasureAnswer::exact(self.best, trust))
            }
            Answer::Unknown(reason) => Some(self.open(reason)),
            Answer::Some(_) => None,
        }
    }

    /// The run's bound, if it is less than what is proved so far.
    fn reached(&self, run: &Run<'_>) -> Option<i128> {
        run.upper().map(|reached| reached.max(self.best.0)).filter(|reached| *reached < self.upper)
    }

    /// Shows the run's bound after a turn, if its check is worth the time.
    fn show_bound(&mut self, run: &Run<'_>, budget: &Control, on_progress: OnProgress<'_>) -> Option<()> {
        let worth_it = self.checking * CHECKING < budget.clock.since(run.begun);
        let small = run.tree_bytes() as u64 <= budget.memory.unwrap_or(MEMORY) / MOST_CHECKED;
        let Some(reached) = self.reached(run).filter(|_| worth_it && small) else { return Some(()) };
        let begun = budget.clock.now();
        let above = self.objective.at_least(reached.checked_add(1)?);
        if let Some(certificate) = run.proof_by_bounds(&above)
            && let Ok(Some(_)) =
                qnn_proof::check_until(&above, &certificate, 1 + run.helpers.lent(), &|| budget.stop().is_some())
        {
            (self.upper, self.trust) = (reached, Trust::certified(certificate));
            on_progress(Some(self.best.0), self.upper);
        }
        self.checking += budget.clock.since(begun);
        Some(())
    }

    /// Proves the run's bound at its end; the time that the check took.
    fn prove_bound(&mut self, run: &Run<'_>, on_progress: OnProgress<'_>) -> Duration {
        let begun = self.whole.clock.now();
        // A cancelled search does not wait for the check of a large proof.
        let soon = !self.whole.cancel.is_cancelled() || run.tree_bytes() <= SOON_CHECKED;
        let proof = self.reached(run).filter(|_| soon).and_then(|reached| {
            let above = self.objective.at_least(reached.checked_add(1)?);
            let answer = Answer::None(Trust::certified(run.proof_by_bounds(&above)?));
            match replayed(&above, self.engine.name(), answer, self.whole) {
                Answer::None(trust) => Some((reached, trust)),
                _ => None,
            }
        });
        if let Some(proof) = proof {
            (self.upper, self.trust) = proof;
        }
        on_progress(Some(self.best.0), self.upper);
        self.whole.clock.since(begun)
    }
}
