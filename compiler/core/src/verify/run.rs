//! A run: a pool of threads that decides the instances of a plan.
//!
//! In: a plan, a way to the database, options. Out: events as they happen and one result per planned instance, in the plan's order.

use super::evidence::Evidence;
use super::lowering::JobSource;
use super::options::Options;
use super::plan::Plan;
use super::progress::{Event, ProgressReporter};
use super::schedule::{Schedule, Scheduled};
use super::turn::{Earlier, Ended, STACK, Turns, Worker};
use super::verdict::{Fault, InstanceResult, Outcome, Verdict};
use crate::db::Database;
use crate::files::spelling::size;
use qnn_engine::{CancelToken, Cores};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A finished run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// One result for each job, in the plan's order.
    pub results: Vec<Arc<InstanceResult>>,
    /// What went wrong beside the verdicts: a store that can't be written, an entry of it that is damaged.
    pub warnings: Vec<String>,
    /// The properties and measures that were wanted and have no instances.
    pub empty: Vec<Arc<str>>,
    /// How long all of it took.
    pub time: Duration,
}

/// Hands out clones of a database: [`run`]'s `snapshot` for callers that don't change the database meanwhile.
pub fn snapshots(db: Database) -> impl Fn() -> Option<Database> + Sync {
    let db = Mutex::new(db);
    move || Some(db.lock().unwrap_or_else(PoisonError::into_inner).clone())
}

/// Decides the plan's instances. Returns when each has its result.
///
/// `snapshot` gives a clone of the database the plan was made from, or `None` once it has changed: what is not lowered
/// by then ends as cancelled. (A clone of a changed database is noticed, and ends likewise.) A clone lives only while an instance is lowered, so
/// whoever changes the database never waits for an engine.
/// `on_event` is called from the workers' threads, one event at a time for one job.
pub fn run(
    plan: &Plan,
    snapshot: &(dyn Fn() -> Option<Database> + Sync),
    options: &Options,
    cancel: &CancelToken,
    on_event: &(dyn Fn(Event) + Sync),
) -> Summary {
    let start = Instant::now();
    let source = JobSource { snapshot, revision: Some(plan.revision) };
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = options.jobs.unwrap_or_else(cores).clamp(1, plan.jobs.len().max(1));
    let budgets = plan.jobs.iter().map(|job| job.budget).collect();
    let schedule = Mutex::new(Schedule::new(budgets, threads, options.retry, options.at_a_stretch));
    let schedule = || schedule.lock().unwrap_or_else(PoisonError::into_inner);
    let left = || options.total_timeout.map(|total| total.saturating_sub(start.elapsed()));
    // What earlier turns left of the jobs that wait for another.
    let earlier: Mutex<HashMap<usize, Earlier>> = Mutex::default();
    let earlier = || earlier.lock().unwrap_or_else(PoisonError::into_inner);
    let results: Mutex<Vec<Option<Arc<InstanceResult>>>> = Mutex::new(vec![None; plan.jobs.len()]);
    let (spare, reporter) = (Cores::default(), ProgressReporter::new(on_event));
    let worker = Worker { snapshot, options, spare: &spare, cancel, on_event };
    let turns = Turns { worker: &worker, source: &source, reporter: &reporter };
    let work = || {
        loop {
            let Some(next) = schedule().next(left()) else { break };
            let job = &plan.jobs[next.index];
            let before = earlier().remove(&next.index);
            let result = match turns.decide(job, &next.turn, before) {
                Ended::Decided(result) => Some(result),
                Ended::Open(turn, open) if schedule().again(Scheduled { turn, ..next }) => {
                    on_event(Event::Postponed { index: job.index });
                    earlier().insert(job.index, open);
                    None
                }
                Ended::Open(_, open) => Some(Box::new(open.timed_out())),
            };
            if let Some(result) = result {
                let result = Arc::new(*result);
                results.lock().unwrap_or_else(PoisonError::into_inner)[job.index] = Some(result.clone());
                on_event(Event::Finished { index: job.index, result });
            }
            // A long search is worth more cores than its own: what is quick can wait.
            spare.lend(cancel);
        }
        // Who is still at work may use this one's core.
        spare.add();
    };
    (threads..options.jobs.unwrap_or_else(cores) + options.extra_cores).for_each(|_| spare.add());
    reporter.over(|| {
        std::thread::scope(|scope| {
            let spawned: Vec<_> = (0..threads)
                .filter_map(|_| {
                    let builder = std::thread::Builder::new().name("verify".to_owned()).stack_size(STACK);
                    builder.spawn_scoped(scope, work).ok()
                })
                .collect();
            if spawned.is_empty() {
                work();
            }
            let panicked = spawned.into_iter().filter_map(|worker| worker.join().err()).next();
            if let Some(panic) = panicked {
                std::panic::resume_unwind(panic);
            }
        });
    });
    let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    let results: Vec<_> = results.into_iter().flatten().collect();
    let mut warnings = options.store.as_ref().map(|store| store.take_warnings()).unwrap_or_default();
    warnings.extend(too_large(options, &results));
    warnings.extend(plan.nothing());
    Summary { results, warnings, empty: plan.empty.clone(), time: start.elapsed() }
}

/// What is missing of the certificates that somebody wants: those that were too large.
fn too_large(options: &Options, results: &[Arc<InstanceResult>]) -> Option<String> {
    let wanted = |r: &InstanceResult| options.certificates || options.store.is_some() && !r.cached;
    let lacks = |r: &InstanceResult| r.evidence.iter().any(Evidence::is_too_large);
    let mut all = results.iter().filter(|r| wanted(r) && lacks(r));
    let first = all.next()?;
    let others = match all.count() {
        0 => String::new(),
        1 => " and one other".to_owned(),
        more => format!(" and {more} others"),
    };
    Some(format!(
        "Certificates of more than {} are not kept: those of `{}`{others} were checked and are gone.",
        size(options.most_certificate()),
        first.name
    ))
}

impl Summary {
    /// How many results have a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.results.iter().filter(|result| result.verdict == verdict).count()
    }

    /// The command's exit code: 4 if something is broken, else 3 if the spec is wrong, else 1 if a final verdict is not the
    /// expected one, else 2 if something is undecided, else 0.
    pub fn exit_code(&self) -> u8 {
        let any = |f: &dyn Fn(&InstanceResult) -> bool| self.results.iter().any(|result| f(result));
        if any(&|r| r.fault == Some(Fault::Internal)) {
            4
        } else if any(&|r| r.outcome() == Outcome::Error) {
            3
        } else if any(&|r| r.outcome() == Outcome::Unexpected) {
            1
        } else if any(&|r| r.outcome() == Outcome::Open) || self.results.is_empty() || !self.empty.is_empty() {
            2
        } else {
            0
        }
    }
}
