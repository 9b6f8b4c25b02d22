//! The engine `boxes`: branch and bound over boxes of inputs, each bounded by substituting backwards through all layers.
//!
//! In: an obligation. Out: a point that was replayed, a certificate of splits whose leaves are propagated or evaluated input by input, or why neither.
//! `tree` holds the boxes and becomes the certificate, `worker` bounds one box, splits it and tries points of it, `forecast` says from the bounds' own progress
//! whether the splits can come to an end in time; `maximum` searches for the greatest value of an objective in the same way. Invariant: a box is closed by the checker's own rule ([`qnn_proof::propagate`]) or by evaluating every
//! input of it; nothing rests on a float.

mod forecast;
mod maximum;
#[cfg(test)]
mod tests;
mod tree;
mod worker;

use crate::measure::MeasureAnswer;
use crate::{Answer, Control, Core, Engine, Reason, Trust, near_miss};
use forecast::Forecast;
use qnn_ir::interrupt::{self, Interrupted, inherited};
use qnn_ir::obligation::{Assignment, Objective, Obligation};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;
use tree::{Ended, Tree};
use worker::Worker;

/// A box with at most this many inputs is evaluated input by input.
const FEW_POINTS: u64 = 64;
/// The default for the memory of the tree, in bytes.
const MEMORY: u64 = 1 << 30;
/// The bounds of the first box may take one part in this many of the time …
const FIRST_BOX: u32 = 64;
/// … or, if that is little, so long, and at most one part in so many: a busy machine may take a thread's core away for a while.
const AT_LEAST: Duration = Duration::from_millis(50);
const AT_MOST: u32 = 16;
/// How long the engine leaves the machine to a search over neurons: most of what that decides, it decides in less.
const HEAD_START: Duration = Duration::from_millis(60);

/// The engine `boxes`.
#[derive(Clone, Copy, Debug)]
pub struct Boxes {
    /// A box with at most this many inputs is evaluated input by input.
    points: u64,
    /// Whether it ends where the bounds' progress leaves no hope.
    gives_up: bool,
}

impl Default for Boxes {
    fn default() -> Boxes {
        Boxes { points: FEW_POINTS, gives_up: true }
    }
}

impl Boxes {
    /// An engine that goes on however little it gains.
    pub fn patient() -> Boxes {
        Boxes { gives_up: false, ..Boxes::default() }
    }

    /// An engine that evaluates single points only, so that small problems show the splits.
    #[cfg(test)]
    pub(crate) fn without_enumeration() -> Boxes {
        Boxes { points: 1, gives_up: false }
    }

    fn decide(self, obligation: &Obligation, control: &Control) -> Answer {
        if let Some(reason) = control.stop() {
            return Answer::Unknown(reason);
        }
        if self.gives_up && self.is_too_slow(obligation, control) {
            return Answer::Unknown(control.stop().unwrap_or_else(hopeless));
        }
        let limit = control.memory.unwrap_or(MEMORY);
        let forecast = Forecast::new(self.gives_up, obligation);
        let shared = (Mutex::new(Tree::new(obligation, limit, forecast)), Condvar::new());
        let (inherited, interrupted) = (inherited(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let join = |core: Core| {
                let (shared, inherited, interrupted) = (&shared, inherited.clone(), &interrupted);
                scope.spawn(move || {
                    let work = || Worker::new(self, obligation, control).work(shared, &|| {}, Some(&core));
                    interrupted.fetch_or(inherited.run(work).is_err(), Ordering::Relaxed);
                });
            };
            // Spare cores join once there are boxes to share. No busy core is requested: a search over neurons that runs beside this one would lend its own, and
            // wait for the end with the clock of both standing still.
            let recruit = || control.spare.take().into_iter().for_each(&join);
            Worker::new(self, obligation, control).work(&shared, &recruit, None);
        });
        if interrupted.into_inner() {
            Interrupted.unwind();
        }
        let tree = shared.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        match tree.ended {
            Some(Ended::Point(assignment)) => Answer::Some(assignment),
            Some(Ended::Stopped(reason)) => Answer::Unknown(reason),
            None if tree.near_miss => Answer::Unknown(near_miss()),
            None => Answer::None(Trust::certified(tree.certificate(obligation))),
        }
    }
}

impl Boxes {
    /// Whether the bounds of a single box already take so long that few boxes could be bounded.
    fn is_too_slow(self, obligation: &Obligation, control: &Control) -> bool {
        let Some(deadline) = control.deadline else { return false };
        let (clock, cancel) = (control.clock.clone(), control.cancel.clone());
        let (begun, left) = (clock.now(), deadline.saturating_duration_since(clock.now()));
        let most = (left / FIRST_BOX).max(AT_LEAST).min(left / AT_MOST);
        let overdue = move || clock.since(begun) > most || cancel.is_cancelled();
        let control = control.clone();
        let first = || Worker::new(self, obligation, &control).bounds_whole();
        interrupt::until(overdue, first).is_err()
    }
}

impl Engine for Boxes {
    fn name(&self) -> &'static str {
        "boxes"
    }

    fn is_search(&self) -> bool {
        true
    }

    fn wait(&self, _: &Obligation) -> Option<Duration> {
        Some(HEAD_START)
    }

    fn solve(&self, obligation: &Obligation, control: &Control) -> Answer {
        control.bound(|| self.decide(obligation, control)).unwrap_or_else(Answer::Unknown)
    }

    fn maximize(
        &self,
        objective: &Objective,
        start: (i128, Assignment),
        control: &Control,
        on_progress: &mut (dyn FnMut(Option<i128>, i128) + Send),
    ) -> Option<MeasureAnswer> {
        let known = start.clone();
        let ended = control.bound(|| maximum::maximize(*self, objective, start, control, on_progress));
        // What was told before an interruption is lost.
        ended.unwrap_or_else(|reason| Some(MeasureAnswer::open(known, i128::MAX, Trust::Interval, reason)))
    }
}

/// Why the engine ends early.
fn hopeless() -> Reason {
    Reason::Incomplete("splits of inputs gain too little".to_owned())
}
