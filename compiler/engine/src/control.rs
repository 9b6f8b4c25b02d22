//! Budgets: how long an engine may take, how much memory, on which cores, and how it is told to stop.

use crate::{CancelToken, Clock, Cores, Journal, Meter, Reason, RelaxationCache};
use qnn_ir::interrupt;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// What an engine may spend, and how it is told to stop.
#[derive(Clone, Debug, Default)]
pub struct Control {
    /// When to give up, by `clock`; `None` for never.
    pub deadline: Option<Instant>,
    /// The clock of the deadline.
    pub clock: Clock,
    /// Set when the answer is no longer wanted.
    pub cancel: CancelToken,
    /// The most memory for one query, in bytes; `None` for the engine's default.
    pub memory: Option<u64>,
    /// Spare cores, and those that others lend.
    pub spare: Cores,
    /// Is told how far the engine is.
    pub meter: Meter,
    /// The relaxations of the graphs that were searched last.
    pub relaxations: RelaxationCache,
    /// Where a portfolio notes what its engines did.
    pub journal: Journal,
}

impl Control {
    /// A control with a budget from now on.
    pub fn with_budget(budget: Duration) -> Control {
        Control { deadline: Instant::now().checked_add(budget), ..Control::default() }
    }

    /// Why to stop now, if there is a reason.
    pub fn stop(&self) -> Option<Reason> {
        if self.cancel.is_cancelled() {
            Some(Reason::Cancelled)
        } else if self.deadline.is_some_and(|deadline| self.clock.now() >= deadline) {
            Some(Reason::Timeout)
        } else {
            None
        }
    }
}

/// An engine that is told to stop does so by itself within this time, and keeps its results; after it, the engine is interrupted.
const GRACE: Duration = Duration::from_millis(40);

impl Control {
    /// The same with an earlier deadline, which reserves one `part`-th of the time that is left, and at most `most`.
    pub fn leaving(&self, part: u32, most: Duration) -> Control {
        let reserved = |deadline: Instant| {
            let left = deadline.saturating_duration_since(self.clock.now());
            deadline.checked_sub((left / part).min(most)).unwrap_or(deadline)
        };
        Control { deadline: self.deadline.map(reserved), ..self.clone() }
    }

    /// Runs a part of an engine, and interrupts it `GRACE` after there is a reason to stop.
    ///
    /// # Errors
    /// With the reason, if it was interrupted.
    pub fn bound<T>(&self, part: impl FnOnce() -> T) -> Result<T, Reason> {
        let (control, cancelled) = (self.clone(), OnceLock::new());
        let overdue = move || {
            let now = control.clock.now();
            control.deadline.is_some_and(|deadline| now.saturating_duration_since(deadline) >= GRACE)
                || control.cancel.is_cancelled()
                    && now.saturating_duration_since(*cancelled.get_or_init(|| now)) >= GRACE
        };
        interrupt::until(overdue, part).map_err(|_| self.stop().unwrap_or(Reason::Timeout))
    }
}
