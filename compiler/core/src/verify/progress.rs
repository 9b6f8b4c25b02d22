//! What is told while instances are decided: events, and how far each of them is.
//!
//! In: the clocks and meters of jobs that run. Out: an [`Event::Progress`] whenever a share has grown, a measure's answer is better known, or for a second
//! nothing was told. Nothing is told of a job once it has ended.

use super::plan::Job;
use super::schedule::Turn;
use super::verdict::{InstanceResult, Number, Verdict};
use qnn_engine::{Clock, Meter};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What happens during a run; `index` is that of the job in the plan.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A worker took the job; more than once, if it was postponed.
    Started {
        /// The job.
        index: usize,
    },
    /// A turn did not decide the job: it goes on, and is started again, once others have had theirs.
    Postponed {
        /// The job.
        index: usize,
    },
    /// How far a job is: told now and then while it is worked on.
    Progress {
        /// The job.
        index: usize,
        /// What is known.
        progress: Progress,
    },
    /// The job has its result, and will have no other. Every job of the plan ends so, also when the run is cancelled.
    Finished {
        /// The job.
        index: usize,
        /// Its result.
        result: Arc<InstanceResult>,
    },
}

/// How far an instance is: each event has all that is known by then.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// How long it has been worked on.
    pub elapsed: Duration,
    /// The most that is left of its budget; `None` if there is no end.
    pub remaining: Option<Duration>,
    /// How much of the search is done, from 0 to 1, and less than 1 while anything is open; it never goes back. `None` where no engine says.
    pub share: Option<f64>,
    /// What is known of the answer to a measure.
    pub finding: Option<Finding>,
}

/// What is known of the answer to a measure so far.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// Of a maximum or minimum.
    Bounds {
        /// The best that was found.
        found: Option<Number>,
        /// The best that is not excluded.
        bound: Option<Number>,
    },
    /// A candidate of a `largest` was decided, or given up for now.
    Candidate {
        /// The integer.
        value: i128,
        /// What is known of it.
        verdict: Verdict,
    },
}

impl Progress {
    /// How many percent of the search are done; never all of them.
    pub fn percent(&self) -> Option<u32> {
        self.share.map(percent)
    }
}

/// A share as whole percent that are done: rounded down.
pub fn percent(share: f64) -> u32 {
    (share * 100.0).floor().clamp(0.0, 99.0) as u32
}

/// How often it is looked how far searches are.
const TICK: Duration = Duration::from_millis(100);

/// An instance that is worked on says so at least this often.
const SILENCE: Duration = Duration::from_secs(1);

/// Tells how far the instances are that are being worked on.
pub(super) struct ProgressReporter<'a> {
    pub on_event: &'a (dyn Fn(Event) + Sync),
    /// Its lock also keeps progress from being told after its job's end.
    running: Mutex<HashMap<usize, RunningJob>>,
}

/// An instance that is being worked on.
struct RunningJob {
    begun: Instant,
    turn: Turn,
    clock: Clock,
    meter: Meter,
    finding: Option<Finding>,
    /// What was told last, and when.
    told: (f64, Instant),
}

impl RunningJob {
    fn progress(&mut self) -> Progress {
        let share = self.meter.get();
        self.told = (share, Instant::now());
        let elapsed = self.turn.had + self.clock.since(self.begun);
        Progress {
            elapsed,
            remaining: Some(self.turn.budget.saturating_sub(elapsed)),
            share: (share > 0.0).then_some(share),
            finding: self.finding.clone(),
        }
    }
}

impl<'a> ProgressReporter<'a> {
    /// No instance is worked on.
    pub fn new(on_event: &'a (dyn Fn(Event) + Sync)) -> ProgressReporter<'a> {
        ProgressReporter { on_event, running: Mutex::default() }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<usize, RunningJob>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A turn of a job begins.
    pub fn begin(&self, job: &Job, turn: &Turn, clock: &Clock, meter: &Meter) {
        let begun = clock.now();
        let (clock, meter) = (clock.clone(), meter.clone());
        let state = RunningJob { begun, turn: *turn, clock, meter, finding: None, told: (0.0, Instant::now()) };
        self.running().insert(job.index, state);
    }

    /// It has ended.
    pub fn end(&self, index: usize) {
        self.running().remove(&index);
    }

    /// More is known of a measure.
    pub fn tell(&self, index: usize, finding: Finding) {
        if let Some(running) = self.running().get_mut(&index) {
            running.finding = Some(finding);
            (self.on_event)(Event::Progress { index, progress: running.progress() });
        }
    }

    /// Tells of shares and of time while something is done.
    pub fn over<T>(&self, work: impl FnOnce() -> T) -> T {
        let over = AtomicBool::new(false);
        let report = || {
            while !over.load(Ordering::Relaxed) {
                std::thread::park_timeout(TICK);
                for (index, running) in self.running().iter_mut() {
                    let (share, at) = running.told;
                    if running.meter.get() >= share + 0.01 || at.elapsed() >= SILENCE {
                        (self.on_event)(Event::Progress { index: *index, progress: running.progress() });
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            let reporter = std::thread::Builder::new().name("progress".to_owned()).spawn_scoped(scope, report).ok();
            let done = catch_unwind(AssertUnwindSafe(work));
            over.store(true, Ordering::Relaxed);
            reporter.inspect(|reporter| reporter.thread().unpark());
            done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_rounded_down() {
        let shown = [0.0, 0.004, 0.01, 0.619, 0.995, 0.999_999, 1.0].map(percent);
        assert_eq!(shown, [0, 0, 1, 61, 99, 99, 99]);
    }
}
