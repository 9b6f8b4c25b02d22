//! A turn of a job: what it makes of the job, whatever happens.
//!
//! In: a job, the time of its turn, what its earlier turns learned. Out: its result; or, where time was lacking, what another turn goes on from. A panic
//! anywhere in a job is that job's error.

use super::job;
use super::lowering::{self, Failure, JobSource};
use super::options::Options;
use super::plan::Job;
use super::progress::{Event, ProgressReporter};
use super::result;
use super::schedule::Turn;
use super::session::{Learned, Session};
use super::verdict::{InstanceResult, Verdict};
use crate::db::Database;
use crate::files::spelling::duration;
use qnn_engine::{CancelToken, Clock, Cores, Meter};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The stack of a worker, in bytes: deep expressions are lowered by recursion.
pub const STACK: usize = 64 << 20;

/// What a queue has for deciding its jobs.
pub struct Worker<'a> {
    /// A clone of the database, or `None` once the job is not what it was.
    pub snapshot: &'a (dyn Fn() -> Option<Database> + Sync),
    /// How to go about it.
    pub options: &'a Options,
    /// Cores that no other job uses.
    pub spare: &'a Cores,
    /// Set when the result is no longer wanted.
    pub cancel: &'a CancelToken,
    /// Hears of what happens, one event at a time for one job.
    pub on_event: &'a (dyn Fn(Event) + Sync),
}

/// Decides one job on the caller's thread as far as a turn goes, for callers with a queue of their own.
///
/// As [`run`](super::run()) does, but [`Worker::snapshot`] may hand out a database that has changed since the job was planned: it returns `None` as soon as the
/// job's item, index or meaning is not what it was, and the job ends as cancelled. A change while the job is lowered makes it ask again.
/// Expressions are lowered by recursion: the thread needs [`STACK`] bytes of stack. Long searches take the spare cores, and give them back
/// when they are wanted.
pub fn decide(job: &Job, turn: &Turn, earlier: Option<Earlier>, worker: &Worker<'_>) -> Ended {
    let reporter = ProgressReporter::new(worker.on_event);
    let source = JobSource { snapshot: worker.snapshot, revision: None };
    let turns = Turns { worker, source: &source, reporter: &reporter };
    reporter.over(|| turns.decide(job, turn, earlier))
}

/// The key under which a job's decision is remembered: equal keys, equal verdicts. `None` if the spec is wrong, and for `largest`.
/// Lowers the instance.
pub fn key(db: &Database, job: &Job, options: &Options) -> Option<String> {
    lowering::key(db, job, &options.engines(&job.engine)?)
}

/// What is left of a job's earlier turns.
#[derive(Debug)]
pub struct Earlier {
    result: Box<InstanceResult>,
    learned: Box<Learned>,
}

impl Earlier {
    /// The result, if there is no other turn for want of time.
    pub fn timed_out(self) -> InstanceResult {
        *self.result
    }

    /// The result, if there is no other turn because nobody waits any more.
    pub fn cancelled(self) -> InstanceResult {
        result::ended(*self.result, "Cancelled before it was decided.".to_owned(), Verdict::Unknown)
    }
}

/// What a turn makes of a job.
#[derive(Debug)]
pub enum Ended {
    /// Its result: more time would change nothing, or nobody waits any more.
    Decided(Box<InstanceResult>),
    /// Time was lacking: what another turn goes on from, after the one that it had in the end.
    Open(Turn, Earlier),
}

impl Ended {
    /// The result, if there is no other turn.
    pub fn result(self) -> InstanceResult {
        match self {
            Ended::Decided(result) => *result,
            Ended::Open(_, earlier) => earlier.timed_out(),
        }
    }
}

/// What a thread has for the turns that it gives.
pub(super) struct Turns<'a> {
    pub worker: &'a Worker<'a>,
    pub source: &'a JobSource<'a>,
    pub reporter: &'a ProgressReporter<'a>,
}

impl Turns<'_> {
    /// What one turn makes of a job.
    pub fn decide(&self, job: &Job, turn: &Turn, earlier: Option<Earlier>) -> Ended {
        let worker = self.worker;
        let decided = |result: InstanceResult| Ended::Decided(Box::new(result));
        if worker.cancel.is_cancelled() {
            return decided(earlier.map_or_else(|| result::failed(job, Failure::Cancelled), Earlier::cancelled));
        }
        let (earlier, learned) =
            earlier.map_or_else(Default::default, |earlier| (Some(*earlier.result), earlier.learned));
        if turn.time.is_zero() {
            let why = match &earlier {
                Some(_) => format!("Not decided within {}: {SPENT}.", duration(turn.had.max(turn.tried))),
                None => format!("Not begun: {SPENT}."),
            };
            return decided(result::ended(earlier.unwrap_or_else(|| result::blank(job)), why, Verdict::Timeout));
        }
        (worker.on_event)(Event::Started { index: job.index });
        let Some(engines) = worker.options.engines(&job.engine) else {
            return decided(result::failed(job, Failure::Internal(format!("there is no engine `{}`", job.engine))));
        };
        let (clock, meter) = (Clock::default(), Meter::default());
        let session = Session {
            name: &job.name,
            portfolio: &engines,
            store: worker.options.store.as_deref(),
            cancel: worker.cancel,
            memory: worker.options.memory,
            spare: worker.spare,
            clock: &clock,
            meter: &meter,
            relaxations: &worker.options.relaxations,
            offline: worker.options.offline,
            certificates: worker.options.certificates,
            most_certificate: worker.options.most_certificate(),
            turn,
            learned: &learned,
        };
        self.reporter.begin(job, turn, &clock, &meter);
        let mut on_finding = |finding| self.reporter.tell(job.index, finding);
        let result = catch_unwind(AssertUnwindSafe(|| job::decide(job, self.source, &session, &mut on_finding)));
        self.reporter.end(job.index);
        let mut result = result.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("for no stated reason");
            result::failed(job, Failure::Internal(format!("a panic while `{}` was decided: {text}", job.name)))
        });
        if let Some(earlier) = earlier {
            result.follow(earlier);
        }
        if result.verdict != Verdict::Timeout {
            return decided(result);
        }
        // What is remembered as undecided has had all of its time.
        let turn = if result.cached { turn.to_the_end() } else { *turn };
        let open = Earlier { result: Box::new(result), learned };
        match worker.cancel.is_cancelled() {
            true if turn.after().is_some() => decided(open.cancelled()),
            true => Ended::Decided(open.result),
            false => Ended::Open(turn, open),
        }
    }
}

/// Why there is no more time for anything.
const SPENT: &str = "the run's total budget was spent";
