//! Planning and running: which instances there are, and a pool of threads that decides them.
//!
//! In: a file of the database, a filter, options. Out: events as they happen and one result per planned instance, in the plan's order.
//! Each instance is lowered on the worker's thread from a snapshot of the database, which is dropped before any engine starts.

use super::decide::{Session, portfolio};
use super::evidence::Evidence;
use super::job::{self, Failure, Source, show_bytes};
use super::store::Store;
use super::verdict::{Fault, InstanceResult, Kind, Number, Parameter, Verdict};
use crate::check::spec::{Attributes, Expectation, attributes, family, instance_name, verifiable};
use crate::db::{Database, Db, ItemId, SourceFile, tree};
use crate::engine::portfolio::Portfolio;
use crate::engine::{CancelToken, Clock, Cores, Meter};
use crate::proof::MAX_CERTIFICATE_BYTES;
use crate::syntax::ast::{ItemKind, MeasureBody};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The budget of an instance where neither the options nor an attribute says another.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// How to go about it.
#[derive(Clone, Default)]
pub struct Options {
    /// The number of threads; as many as there are cores by default.
    pub jobs: Option<usize>,
    /// Cores beside those of the threads, for long searches.
    pub extra_cores: usize,
    /// The budget of each instance. It wins over `#[timeout]`, which wins over [`DEFAULT_TIMEOUT`]: whoever runs the command knows the
    /// spec, and not the other way round.
    pub timeout: Option<Duration>,
    /// The engine, one of [`crate::engine::NAMES`]. It wins over `#[engine]`, which wins over `auto`.
    pub engine: Option<Arc<str>>,
    /// The most memory for one query, in bytes.
    pub memory: Option<u64>,
    /// Where decisions are remembered; nowhere if `None` (`--no-cache`).
    pub store: Option<Arc<Store>>,
    /// Only what the store holds: no engine is asked, and nothing is written.
    pub offline: bool,
    /// Keeps certificates in memory, in the results' evidence.
    pub certificates: bool,
    /// The most bytes of a certificate, as JSON, that is kept in memory or in the store; never more than, and by default,
    /// [`crate::proof::MAX_CERTIFICATE_BYTES`].
    pub most_certificate: Option<u64>,
    /// Engines instead of the named ones, for whoever brings their own.
    pub portfolio: Option<Portfolio>,
}

impl Options {
    fn most_certificate(&self) -> u64 {
        self.most_certificate.unwrap_or(u64::MAX).min(MAX_CERTIFICATE_BYTES)
    }

    /// What is missing of the certificates that somebody wants: those that were too large.
    fn too_large(&self, results: &[Arc<InstanceResult>]) -> Option<String> {
        let wanted = |r: &InstanceResult| self.certificates || self.store.is_some() && !r.cached;
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
            show_bytes(self.most_certificate()),
            first.name
        ))
    }
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
    /// The database's state that the instances are of.
    pub(super) revision: salsa::Revision,
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

/// What is known so far.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// So much of a search is done, from 0 to 1; it never goes back.
    Share(f64),
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
    /// spaces don't count. One that matches a property's name means all of its instances.
    pub fn new(patterns: impl IntoIterator<Item = impl AsRef<str>>) -> Filter {
        Filter { patterns: patterns.into_iter().map(|pattern| bare(pattern.as_ref())).collect() }
    }

    /// Whether an instance is wanted.
    pub fn matches(&self, property: &str, instance: &str) -> bool {
        let instance = bare(instance);
        self.patterns.is_empty() || self.patterns.iter().any(|p| glob(p, property) || glob(p, &instance))
    }
}

/// The text without spaces.
fn bare(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// Whether a pattern of `*` and `?` matches a whole text.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where to go on if the last star must take one character more.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, t) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Names the instances of a file that the filter wants. Cheap: nothing is lowered.
///
/// A family whose parameters are in error gets one job under its own name, which ends as an error.
/// Errors elsewhere in the file are [`crate::check::spec::diagnostics`]' to tell.
pub fn plan(db: &dyn Db, file: SourceFile, filter: &Filter, options: &Options) -> Plan {
    let mut plan = Plan { jobs: Vec::new(), left_out: 0, revision: salsa::plumbing::current_revision(db) };
    for item in verifiable(db, file) {
        let kind = match tree(db, item).as_deref().map(|t| &t.kind) {
            Some(ItemKind::Measure(measure)) => match &measure.body {
                MeasureBody::Optimize { maximize: true, .. } => Kind::Maximize,
                MeasureBody::Optimize { .. } => Kind::Minimize,
                MeasureBody::Largest { .. } => Kind::Largest,
            },
            _ => Kind::Property,
        };
        let all = attributes(db, item);
        let nothing = Attributes::default();
        let said = all.value.as_ref().unwrap_or(&nothing);
        let property: Arc<str> = item.name(db).into();
        let mut add = |name: String, instance: usize, parameters: Vec<Parameter>| {
            if !filter.matches(&property, &name) {
                plan.left_out += 1;
                return;
            }
            plan.jobs.push(Job {
                index: plan.jobs.len(),
                name,
                property: property.clone(),
                kind,
                item,
                instance,
                parameters,
                expected: said.expect.unwrap_or(Expectation::Proved),
                budget: options.timeout.or(said.timeout).unwrap_or(DEFAULT_TIMEOUT),
                engine: options.engine.clone().or_else(|| said.engine.clone()).unwrap_or_else(|| "auto".into()),
            });
        };
        let family = family(db, item);
        let Some(family) = &family.value else {
            add(property.to_string(), 0, Vec::new());
            continue;
        };
        for (instance, values) in family.instances.iter().enumerate() {
            let named = family.names.iter().zip(values);
            let parameters =
                named.map(|(name, value)| Parameter { name: name.clone(), text: value.text(db) }).collect();
            add(instance_name(db, item, family, instance), instance, parameters);
        }
    }
    plan
}

/// Hands out clones of a database: [`run`]'s `snapshot` for callers that don't change the database meanwhile.
pub fn snapshots(db: Database) -> impl Fn() -> Option<Database> + Sync {
    let db = Mutex::new(db);
    move || Some(db.lock().unwrap_or_else(PoisonError::into_inner).clone())
}

/// How often it is looked how far searches are.
const TICK: Duration = Duration::from_millis(100);
/// The stack of a worker, in bytes: deep expressions are lowered by recursion.
pub const STACK: usize = 64 << 20;

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
    let source = Source { snapshot, revision: Some(plan.revision) };
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<Arc<InstanceResult>>>> = Mutex::new(vec![None; plan.jobs.len()]);
    let (spare, running) = (Cores::default(), Mutex::new(HashMap::<usize, (Meter, f64)>::new()));
    let at_work = || running.lock().unwrap_or_else(PoisonError::into_inner);
    let work = || {
        while let Some(job) = plan.jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let meter = Meter::default();
            at_work().insert(job.index, (meter.clone(), 0.0));
            let result = Arc::new(one(job, &source, options, (&spare, &meter), cancel, on_event));
            at_work().remove(&job.index);
            results.lock().unwrap_or_else(PoisonError::into_inner)[job.index] = Some(result.clone());
            on_event(Event::Finished { index: job.index, result });
            // A long search is worth more cores than its own: what is quick can wait.
            spare.lend(cancel);
        }
        // Who is still at work may use this one's core.
        spare.add();
    };
    let over = AtomicBool::new(false);
    let watch = || {
        while !over.load(Ordering::Relaxed) {
            std::thread::park_timeout(TICK);
            // The lock also keeps a share from being told after its job's end.
            for (index, (meter, told)) in at_work().iter_mut() {
                let share = meter.get();
                if share >= *told + 0.01 {
                    *told = share;
                    on_event(Event::Progress { index: *index, progress: Progress::Share(share) });
                }
            }
        }
    };
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = options.jobs.unwrap_or_else(cores).clamp(1, plan.jobs.len().max(1));
    (threads..options.jobs.unwrap_or_else(cores) + options.extra_cores).for_each(|_| spare.add());
    std::thread::scope(|scope| {
        let watcher = std::thread::Builder::new().name("progress".to_owned()).spawn_scoped(scope, watch).ok();
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
        over.store(true, Ordering::Relaxed);
        watcher.inspect(|watcher| watcher.thread().unpark());
        if let Some(panic) = panicked {
            std::panic::resume_unwind(panic);
        }
    });
    let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    let results: Vec<_> = results.into_iter().flatten().collect();
    let mut warnings = options.store.as_ref().map(|store| store.take_warnings()).unwrap_or_default();
    warnings.extend(options.too_large(&results));
    Summary { results, warnings, time: start.elapsed() }
}

/// Decides one job on the caller's thread, for callers with a queue of their own.
///
/// As [`run`] does, but `snapshot` may hand out a database that has changed since the job was planned: it returns `None` as soon as the
/// job's item, index or meaning is not what it was, and the job ends as cancelled. A change while the job is lowered makes it ask again.
/// Expressions are lowered by recursion: the thread needs [`STACK`] bytes of stack. Long searches take the spare cores, and give them back
/// when they are wanted.
pub fn decide(
    job: &Job,
    snapshot: &(dyn Fn() -> Option<Database> + Sync),
    options: &Options,
    spare: &Cores,
    cancel: &CancelToken,
    on_event: &(dyn Fn(Event) + Sync),
) -> InstanceResult {
    one(job, &Source { snapshot, revision: None }, options, (spare, &Meter::default()), cancel, on_event)
}

/// The key under which a job's decision is remembered: equal keys, equal verdicts. `None` if the spec is wrong, and for `largest`.
/// Lowers the instance.
pub fn key(db: &Database, job: &Job, options: &Options) -> Option<String> {
    let engines = options.portfolio.clone().or_else(|| portfolio(&job.engine))?;
    job::key(db, job, &engines)
}

/// One job's result, whatever happens.
fn one(
    job: &Job,
    source: &Source<'_>,
    options: &Options,
    (spare, meter): (&Cores, &Meter),
    cancel: &CancelToken,
    on_event: &(dyn Fn(Event) + Sync),
) -> InstanceResult {
    if cancel.is_cancelled() {
        return job::failed(job, Failure::Cancelled);
    }
    on_event(Event::Started { index: job.index });
    let Some(engines) = options.portfolio.clone().or_else(|| portfolio(&job.engine)) else {
        return job::failed(job, Failure::Internal(format!("there is no engine `{}`", job.engine)));
    };
    let session = Session {
        name: &job.name,
        portfolio: &engines,
        store: options.store.as_deref(),
        cancel,
        memory: options.memory,
        spare,
        clock: &Clock::default(),
        meter,
        offline: options.offline,
        certificates: options.certificates,
        most_certificate: options.most_certificate(),
    };
    let mut on_progress = |progress| on_event(Event::Progress { index: job.index, progress });
    catch_unwind(AssertUnwindSafe(|| job::decide(job, source, &session, &mut on_progress))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("for no stated reason");
        job::failed(job, Failure::Internal(format!("a panic while `{}` was decided: {text}", job.name)))
    })
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
        } else if any(&|r| r.verdict == Verdict::Error) {
            3
        } else if any(&|r| r.verdict.is_decided() && !r.as_expected) {
            1
        } else if any(&|r| !r.verdict.is_decided()) {
            2
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_match_instances_and_whole_properties() {
        let filter = |pattern: &str| Filter::new([pattern]);
        let name = "robust(i = 3, eps = 1)";
        for pattern in ["robust", "rob*", "*", "robust(i = 3, *", "robust(i=3,eps=1)", "r?bust", "*eps = 1)", "*(*3*"] {
            assert!(filter(pattern).matches("robust", name), "{pattern}");
        }
        for pattern in ["robus", "robust(i = 3)", "fair", "robust?", "*eps = 2*", "", "robust(i = 33, *"] {
            assert!(!filter(pattern).matches("robust", name), "{pattern}");
        }
        assert!(Filter::default().matches("robust", name));
        assert!(Filter::new(["fair", "robust*"]).matches("robust", name));
    }
}
