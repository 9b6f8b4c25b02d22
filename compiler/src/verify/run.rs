//! Planning and running: which instances there are, and a pool of threads that decides them.
//!
//! In: a file of the database, a filter, options. Out: events as they happen and one result per planned instance, in the plan's order.
//! Each instance is lowered on the worker's thread from a snapshot of the database, which is dropped before any engine starts.

use super::store::Store;
use super::verdict::{InstanceResult, Kind, Number, Parameter, Verdict};
use crate::check::spec::Expectation;
use crate::db::{Database, Db, ItemId, SourceFile};
use crate::engine::CancelToken;
use crate::engine::portfolio::Portfolio;
use std::sync::Arc;
use std::time::Duration;

/// The budget of an instance where neither the options nor an attribute says another.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// How to go about it.
#[derive(Clone, Default)]
pub struct Options {
    /// The number of threads; as many as there are cores by default.
    pub jobs: Option<usize>,
    /// The budget of each instance. It wins over `#[timeout]`, which wins over [`DEFAULT_TIMEOUT`]: whoever runs the command knows the
    /// spec, and not the other way round.
    pub timeout: Option<Duration>,
    /// The engine, one of [`crate::engine::NAMES`]. It wins over `#[engine]`, which wins over `auto`.
    pub engine: Option<Arc<str>>,
    /// The most memory for one query, in bytes.
    pub memory: Option<u64>,
    /// Where decisions are remembered; nowhere if `None` (`--no-cache`).
    pub store: Option<Arc<Store>>,
    /// Engines instead of the named ones, for whoever brings their own.
    pub portfolio: Option<Portfolio>,
}

/// Which instances are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    patterns: Vec<String>,
}

/// An instance to be decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its place in the plan.
    pub index: usize,
    /// The instance's name: `robust(i = 3, eps = 1)`.
    pub name: String,
    /// The property or measure.
    pub property: Arc<str>,
    /// What it is.
    pub kind: Kind,
    /// The item.
    pub item: ItemId,
    /// Its index in the family.
    pub instance: usize,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
    /// What is expected of it.
    pub expected: Expectation,
    /// What it may spend.
    pub budget: Duration,
    /// Who decides it.
    pub engine: Arc<str>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The instances, in the order of the text and of their families.
    pub jobs: Vec<Job>,
    /// How many instances the filter left out.
    pub left_out: usize,
}

/// What happens during a run; `index` is that of the job in the plan.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A worker took the job.
    Started {
        /// The job.
        index: usize,
    },
    /// More is known of a measure.
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

/// What is known of a measure so far.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
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

/// A finished run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// One result for each job, in the plan's order.
    pub results: Vec<Arc<InstanceResult>>,
    /// What went wrong beside the verdicts: a store that can't be written, an entry of it that is damaged.
    pub warnings: Vec<String>,
    /// How long all of it took.
    pub time: Duration,
}

impl Filter {
    /// A filter that lets through what any of the patterns matches; without patterns, everything.
    ///
    /// A pattern is a name in which `*` stands for any text and `?` for any character, as in `robust*` or `robust(i = 3, *`;
    /// spaces don't count. One that names a property means all of its instances.
    pub fn new(patterns: impl IntoIterator<Item = impl AsRef<str>>) -> Filter {
        todo!()
    }

    /// Whether an instance is wanted.
    pub fn matches(&self, property: &str, instance: &str) -> bool {
        todo!()
    }
}

/// Names the instances of a file that the filter wants. Cheap: nothing is lowered.
///
/// A family whose parameters are in error gets one job under its own name, which ends as an error.
/// Errors elsewhere in the file are [`crate::check::spec::diagnostics`]' to tell.
pub fn plan(db: &dyn Db, file: SourceFile, filter: &Filter, options: &Options) -> Plan {
    todo!()
}

/// Hands out clones of a database: [`run`]'s `snapshot` for callers that don't change the database meanwhile.
pub fn snapshots(db: Database) -> impl Fn() -> Option<Database> + Sync {
    let db = std::sync::Mutex::new(db);
    move || Some(db.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone())
}

/// Decides the plan's instances. Returns when each has its result.
///
/// `snapshot` gives a clone of the database the plan was made from, or `None` once it has changed: what is not lowered
/// by then ends as cancelled. `on_event` is called from the workers' threads, one event at a time for one job.
pub fn run(
    plan: &Plan,
    snapshot: &(dyn Fn() -> Option<Database> + Sync),
    options: &Options,
    cancel: &CancelToken,
    on_event: &(dyn Fn(Event) + Sync),
) -> Summary {
    todo!()
}

impl Summary {
    /// How many results have a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.results.iter().filter(|result| result.verdict == verdict).count()
    }

    /// The command's exit code: 4 if something is broken, else 3 if the spec is wrong, else 1 if a final verdict is not the
    /// expected one, else 2 if something is undecided, else 0.
    pub fn exit_code(&self) -> u8 {
        todo!()
    }
}
