//! Planning and running: which instances there are, and a pool of threads that decides them.
//!
//! In: a file of the database, a filter, options. Out: events as they happen and one result per planned instance, in the plan's order.
//! Each instance is lowered on the worker's thread from a snapshot of the database, which is dropped before any engine starts.

use super::decide::{Memory, Session};
use super::evidence::Evidence;
use super::job::{self, Failure, Source};
use super::schedule::{Schedule, Scheduled, Turn};
use super::store::Store;
use super::verdict::{Fault, InstanceResult, Kind, Number, Outcome, Parameter, Verdict};
use crate::check::spec::{Attributes, Expectation, attributes, family, instance_name, verifiable};
use crate::db::{Database, Db, ItemId, SourceFile, tree};
use crate::files::words::{duration, size};
use qnn_engine::portfolio::Portfolio;
use qnn_engine::{CancelToken, Clock, Cores, Meter, RelaxationCache, by_name};
use qnn_proof::MAX_CERTIFICATE_BYTES;
use qnn_syntax::ast::{ItemKind, MeasureBody};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    /// The budget of the whole run, shared among what is open; what it leaves undecided says so.
    pub total_timeout: Option<Duration>,
    /// When all have had their budgets, those that were not enough are tried again with so many times as much.
    pub retry: Option<u32>,
    /// Each instance gets its budget at a stretch, however long others wait: for whoever takes times.
    pub at_a_stretch: bool,
    /// The engine, one of [`qnn_engine::NAMES`]. It wins over `#[engine]`, which wins over `auto`.
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
    /// [`qnn_proof::MAX_CERTIFICATE_BYTES`].
    pub most_certificate: Option<u64>,
    /// What engines remember of networks; clones share it.
    pub relaxations: RelaxationCache,
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
            size(self.most_certificate()),
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
    /// The properties and measures that are wanted and have no instances.
    pub empty: Vec<Arc<str>>,
    /// The database's state that the instances are of.
    pub(super) revision: salsa::Revision,
}

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
    let mut plan =
        Plan { jobs: Vec::new(), left_out: 0, empty: Vec::new(), revision: salsa::plumbing::current_revision(db) };
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
        if family.instances.is_empty() && filter.matches(&property, &property) {
            plan.empty.push(property);
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
/// An instance that is worked on says so at least this often.
const SILENCE: Duration = Duration::from_secs(1);
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
    let (spare, watch) = (Cores::default(), Watch::new(on_event));
    let work = || {
        loop {
            let Some(next) = schedule().next(left()) else { break };
            let job = &plan.jobs[next.index];
            let before = earlier().remove(&next.index);
            let result = match one(job, &next.turn, before, &source, options, &spare, cancel, &watch) {
                Ended::Decided(result) => Some(result),
                Ended::Open(turn, open) if schedule().again(Scheduled { turn, ..next }) => {
                    on_event(Event::Postponed { index: job.index });
                    earlier().insert(job.index, open);
                    None
                }
                Ended::Open(_, open) => Some(open.result),
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
    watch.over(|| {
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
    warnings.extend(options.too_large(&results));
    warnings.extend(nothing(plan));
    Summary { results, warnings, empty: plan.empty.clone(), time: start.elapsed() }
}

/// What a plan leaves unverified for having no instances.
fn nothing(plan: &Plan) -> Option<String> {
    let names: Vec<String> = plan.empty.iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] if plan.jobs.is_empty() => {
            Some("There is nothing to verify: no property and no measure is here.".to_owned())
        }
        [] => None,
        [only] => Some(format!("{only} has no instances: nothing of it was verified.")),
        [first @ .., last] => {
            Some(format!("{} and {last} have no instances: nothing of them was verified.", first.join(", ")))
        }
    }
}

/// Decides one job on the caller's thread as far as a turn goes, for callers with a queue of their own.
///
/// As [`run`] does, but `snapshot` may hand out a database that has changed since the job was planned: it returns `None` as soon as the
/// job's item, index or meaning is not what it was, and the job ends as cancelled. A change while the job is lowered makes it ask again.
/// Expressions are lowered by recursion: the thread needs [`STACK`] bytes of stack. Long searches take the spare cores, and give them back
/// when they are wanted.
#[expect(clippy::too_many_arguments, reason = "a job, what is known of it, and all that a queue has")]
pub fn decide(
    job: &Job,
    turn: &Turn,
    earlier: Option<Earlier>,
    snapshot: &(dyn Fn() -> Option<Database> + Sync),
    options: &Options,
    spare: &Cores,
    cancel: &CancelToken,
    on_event: &(dyn Fn(Event) + Sync),
) -> Ended {
    let watch = Watch::new(on_event);
    let source = Source { snapshot, revision: None };
    watch.over(|| one(job, turn, earlier, &source, options, spare, cancel, &watch))
}

/// The key under which a job's decision is remembered: equal keys, equal verdicts. `None` if the spec is wrong, and for `largest`.
/// Lowers the instance.
pub fn key(db: &Database, job: &Job, options: &Options) -> Option<String> {
    let engines = options.portfolio.clone().or_else(|| by_name(&job.engine))?;
    job::key(db, job, &engines)
}

/// What is left of a job's earlier turns.
#[derive(Debug)]
pub struct Earlier {
    result: Box<InstanceResult>,
    known: Box<Memory>,
}

impl Earlier {
    /// The result, if there is no other turn for want of time.
    pub fn timed_out(self) -> InstanceResult {
        *self.result
    }

    /// The result, if there is no other turn because nobody waits any more.
    pub fn cancelled(self) -> InstanceResult {
        job::ended(*self.result, "Cancelled before it was decided.".to_owned(), Verdict::Unknown)
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

/// What one turn makes of a job, whatever happens.
#[expect(clippy::too_many_arguments, reason = "a job, what is known of it, and all that a run has")]
fn one(
    job: &Job,
    turn: &Turn,
    earlier: Option<Earlier>,
    source: &Source<'_>,
    options: &Options,
    spare: &Cores,
    cancel: &CancelToken,
    watch: &Watch<'_>,
) -> Ended {
    let decided = |result: InstanceResult| Ended::Decided(Box::new(result));
    if cancel.is_cancelled() {
        return decided(earlier.map_or_else(|| job::failed(job, Failure::Cancelled), Earlier::cancelled));
    }
    let (earlier, known) = earlier.map_or_else(Default::default, |earlier| (Some(*earlier.result), earlier.known));
    if turn.time.is_zero() {
        let why = match &earlier {
            Some(_) => format!("Not decided within {}: {SPENT}.", duration(turn.had.max(turn.tried))),
            None => format!("Not begun: {SPENT}."),
        };
        return decided(job::ended(earlier.unwrap_or_else(|| job::blank(job)), why, Verdict::Timeout));
    }
    (watch.on_event)(Event::Started { index: job.index });
    let Some(engines) = options.portfolio.clone().or_else(|| by_name(&job.engine)) else {
        return decided(job::failed(job, Failure::Internal(format!("there is no engine `{}`", job.engine))));
    };
    let (clock, meter) = (Clock::default(), Meter::default());
    let session = Session {
        name: &job.name,
        portfolio: &engines,
        store: options.store.as_deref(),
        cancel,
        memory: options.memory,
        spare,
        clock: &clock,
        meter: &meter,
        relaxations: &options.relaxations,
        offline: options.offline,
        certificates: options.certificates,
        most_certificate: options.most_certificate(),
        turn,
        known: &known,
    };
    watch.begin(job, turn, &clock, &meter);
    let mut on_finding = |finding| watch.tell(job.index, finding);
    let result = catch_unwind(AssertUnwindSafe(|| job::decide(job, source, &session, &mut on_finding)));
    watch.end(job.index);
    let mut result = result.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("for no stated reason");
        job::failed(job, Failure::Internal(format!("a panic while `{}` was decided: {text}", job.name)))
    });
    if let Some(earlier) = earlier {
        result.follow(earlier);
    }
    if result.verdict != Verdict::Timeout {
        return decided(result);
    }
    // What is remembered as undecided has had all of its time.
    let turn = if result.cached { turn.to_the_end() } else { *turn };
    let open = Earlier { result: Box::new(result), known };
    match cancel.is_cancelled() {
        true if turn.after().is_some() => decided(open.cancelled()),
        true => Ended::Decided(open.result),
        false => Ended::Open(turn, open),
    }
}

/// Why there is no more time for anything.
const SPENT: &str = "the run's total budget was spent";

/// Tells how far the instances are that are being worked on.
struct Watch<'a> {
    on_event: &'a (dyn Fn(Event) + Sync),
    /// Its lock also keeps progress from being told after its job's end.
    running: Mutex<HashMap<usize, Watched>>,
}

/// An instance that is being worked on.
struct Watched {
    begun: Instant,
    turn: Turn,
    clock: Clock,
    meter: Meter,
    finding: Option<Finding>,
    /// What was told last, and when.
    told: (f64, Instant),
}

impl Watched {
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

impl<'a> Watch<'a> {
    fn new(on_event: &'a (dyn Fn(Event) + Sync)) -> Watch<'a> {
        Watch { on_event, running: Mutex::default() }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<usize, Watched>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, job: &Job, turn: &Turn, clock: &Clock, meter: &Meter) {
        let begun = clock.now();
        let (clock, meter) = (clock.clone(), meter.clone());
        let watched = Watched { begun, turn: *turn, clock, meter, finding: None, told: (0.0, Instant::now()) };
        self.running().insert(job.index, watched);
    }

    fn end(&self, index: usize) {
        self.running().remove(&index);
    }

    /// More is known of a measure.
    fn tell(&self, index: usize, finding: Finding) {
        if let Some(watched) = self.running().get_mut(&index) {
            watched.finding = Some(finding);
            (self.on_event)(Event::Progress { index, progress: watched.progress() });
        }
    }

    /// Tells of shares and of time while something is done.
    fn over<T>(&self, work: impl FnOnce() -> T) -> T {
        let over = AtomicBool::new(false);
        let look = || {
            while !over.load(Ordering::Relaxed) {
                std::thread::park_timeout(TICK);
                for (index, watched) in self.running().iter_mut() {
                    let (share, at) = watched.told;
                    if watched.meter.get() >= share + 0.01 || at.elapsed() >= SILENCE {
                        (self.on_event)(Event::Progress { index: *index, progress: watched.progress() });
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            let watcher = std::thread::Builder::new().name("progress".to_owned()).spawn_scoped(scope, look).ok();
            let done = catch_unwind(AssertUnwindSafe(work));
            over.store(true, Ordering::Relaxed);
            watcher.inspect(|watcher| watcher.thread().unpark());
            done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_rounded_down() {
        let shown = [0.0, 0.004, 0.01, 0.619, 0.995, 0.999_999, 1.0].map(percent);
        assert_eq!(shown, [0, 0, 1, 61, 99, 99, 99]);
    }

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
