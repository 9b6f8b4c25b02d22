//! Searches side by side: the one that is far ahead gets the machine.
//!
//! In: for each search, the share of its work that is done, and since when it runs. Out: who goes on alone, if that is clear. A search over neurons and one over
//! boxes of inputs differ by orders of magnitude, in either direction, and no size of a network says which: their own progress does. Who evaluates input after
//! input knows exactly how much is left: searches that are far behind it are stopped, too, and it is never stopped in favour of a search's estimate.

use crate::{CancelToken, Control, Engine, Meter};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Nothing is said of a search that has run for less than this.
const EARLY: Duration = Duration::from_millis(200);
/// The share that the search ahead has done at least …
const AHEAD: f64 = 1.0 / 64.0;
/// … and how many times as much as any other.
const TIMES: f64 = 8.0;

/// An engine that runs beside others.
pub(crate) struct Runner {
    /// Whether it is a search, which may be stopped in favour of another.
    pub(crate) is_search: bool,
    /// Whether its meter says how much of its work is done.
    knows_its_share: bool,
    pub(crate) meter: Meter,
    pub(crate) cancel: CancelToken,
    /// When it began.
    pub(crate) begun: OnceLock<Instant>,
    /// Whether it was stopped in favour of another.
    pub(crate) yielded: OnceLock<()>,
}

impl Runner {
    /// A runner, and the control that its engine gets.
    pub(crate) fn new(engine: &dyn Engine, control: &Control) -> (Runner, Control) {
        Runner::with(engine.is_search(), engine.knows_its_share(), control)
    }

    fn with(is_search: bool, knows_its_share: bool, control: &Control) -> (Runner, Control) {
        let (meter, cancel) = (Meter::default(), control.cancel.child());
        let own = Control { meter: meter.clone(), cancel: cancel.clone(), ..control.clone() };
        (Runner { is_search, knows_its_share, meter, cancel, begun: OnceLock::new(), yielded: OnceLock::new() }, own)
    }

    fn is_over(&self) -> bool {
        self.yielded.get().is_some()
    }
}

/// Stops all searches but one that is far ahead of them and will end in time, if there is one. Passes the greatest share on.
pub(crate) fn judge(runners: &[Runner], control: &Control) {
    for runner in runners {
        control.meter.reach(runner.meter.get());
    }
    let searches = || runners.iter().filter(|runner| runner.is_search && !runner.is_over());
    let able = runners.iter().filter(|runner| runner.knows_its_share && !runner.is_over());
    let Some(ahead) = able.max_by(|a, b| a.meter.get().total_cmp(&b.meter.get())) else { return };
    let Some(begun) = ahead.begun.get() else { return };
    let (share, now) = (ahead.meter.get(), control.clock.now());
    let spent = now.saturating_duration_since(*begun);
    let left = control.deadline.map_or(Duration::MAX, |end| end.saturating_duration_since(now));
    if spent < EARLY || share < AHEAD || spent.as_secs_f64() * (1.0 - share) / share > left.as_secs_f64() {
        return;
    }
    let others = || searches().filter(|other| !std::ptr::eq(*other, ahead));
    let clear = |other: &Runner| {
        other.begun.get().is_none_or(|begun| now.saturating_duration_since(*begun) >= EARLY)
            && other.meter.get() * TIMES <= share
    };
    if others().all(clear) {
        for other in others() {
            let _ = other.yielded.set(());
            other.cancel.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runner(control: &Control, is_search: bool, share: f64, ago: u64) -> Runner {
        let (runner, _) = Runner::with(is_search, is_search, control);
        runner.meter.reach(share);
        let _ = runner.begun.set(Instant::now().checked_sub(Duration::from_millis(ago)).expect("a while ago"));
        runner
    }

    #[test]
    fn only_a_search_that_is_far_ahead_and_ends_in_time_goes_on_alone() {
        for (budget, first, second, stopped) in [
            (60, (0.5, 400), (0.01, 300), [false, true]),
            (60, (0.01, 400), (0.5, 300), [true, false]),
            // Not far, not long, not in time, little.
            (60, (0.5, 400), (0.1, 300), [false, false]),
            (60, (0.5, 100), (0.01, 300), [false, false]),
            (60, (0.5, 400), (0.01, 100), [false, false]),
            (1, (0.1, 1000), (0.0, 300), [false, false]),
            (60, (0.01, 400), (0.0, 300), [false, false]),
        ] {
            let control = Control::with_budget(Duration::from_secs(budget));
            let runners = [
                runner(&control, true, first.0, first.1),
                runner(&control, true, second.0, second.1),
                runner(&control, false, 0.0, 1000),
            ];
            judge(&runners, &control);
            let cancelled = runners.each_ref().map(|runner| runner.cancel.is_cancelled());
            assert_eq!(cancelled, [stopped[0], stopped[1], false], "{budget} {first:?} {second:?}");
            assert!(control.meter.get() >= first.0.max(second.0) - 1e-6 && !control.cancel.is_cancelled());
        }
    }
}
