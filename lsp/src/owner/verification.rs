//! What is to be verified, what runs, what is known: the owner's half of the job table.
//!
//! Invariants: an instance has at most one activity; an activity ends in a result, a failure, or because its instance means something else now;
//! results are held by instance name together with the fingerprint of what they are of, and shown as current only while that is the property's.

use super::queue::{Done, Task};
use super::{Event, Owner};
use crate::protocol::{self, Cancelled, Started, VerifyArguments, between};
use crate::publisher::Message;
use qnn::engine::CancelToken;
use qnn::ide::Property;
use qnn::verify::run::{Finding, Job, Progress};
use qnn::verify::verdict::{Counterexample, Kind};
use qnn::verify::{InstanceResult, Verdict};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// An instance of an open document.
#[derive(Default)]
pub struct Instance {
    /// The last verdict.
    pub held: Option<Held>,
    /// What is being done about it.
    pub activity: Option<Activity>,
    /// It was cancelled when its property meant this.
    pub cancelled: Option<[u8; 32]>,
    /// Its thread ended without an answer when its property meant this; why.
    pub failure: Option<([u8; 32], String)>,
    /// The run that dealt with it last.
    pub run: Option<u64>,
}

/// A verdict with what it is of.
#[derive(Clone)]
pub struct Held {
    /// The verdict.
    pub result: Arc<InstanceResult>,
    /// What the property meant.
    pub fingerprint: [u8; 32],
}

impl Held {
    /// The counterexample, or the witness of a measure.
    pub fn counterexample(&self) -> Option<&Counterexample> {
        let measured = self.result.measure.as_ref().and_then(|m| m.witness.as_ref());
        self.result.counterexample.as_ref().or(measured)
    }
}

/// A job of an instance.
pub struct Activity {
    /// Its number in the queue.
    pub id: u64,
    /// The run that it belongs to.
    pub run: u64,
    /// What the property means.
    pub fingerprint: [u8; 32],
    /// Since when an engine works on it.
    pub since: Option<Instant>,
    /// What is known so far.
    pub progress: Option<Progress>,
    /// What stops it.
    pub cancel: CancelToken,
}

impl Activity {
    /// What is told of it; `None` while it waits.
    pub fn told(&self, kind: Kind, budget: Duration) -> Option<protocol::Progress> {
        let since = self.since?;
        let Some(progress) = &self.progress else {
            let elapsed = since.elapsed();
            return Some(protocol::Progress {
                elapsed: elapsed.as_secs_f64(),
                remaining: Some(budget.saturating_sub(elapsed).as_secs_f64()),
                ..protocol::Progress::default()
            });
        };
        let (found, bound) = match &progress.finding {
            Some(Finding::Bounds { found, bound }) => (found.clone(), bound.clone()),
            _ => (None, None),
        };
        let candidate = match &progress.finding {
            Some(Finding::Candidate { value, verdict }) => Some(format!("{verdict} for {value}")),
            _ => None,
        };
        let share = progress.percent().map(|percent| format!("{percent} %"));
        let parts = [between(kind, found.as_ref(), bound.as_ref()), candidate, share];
        let text = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
        Some(protocol::Progress {
            elapsed: progress.elapsed.as_secs_f64(),
            remaining: progress.remaining.map(|remaining| remaining.as_secs_f64()),
            text: (!text.is_empty()).then_some(text),
            share: progress.share,
            found,
            bound,
        })
    }
}

/// Which of the wanted instances are verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Those without a current verdict that is decided.
    Undecided,
    /// Those whose verdict is not the expected one, or undecided.
    Failed,
    /// All.
    Everything,
}

/// An instance whose verdict is of an earlier text: the verdict's key, and what the property means now.
type Doubtful = (Job, String, [u8; 32]);

/// Instances, as someone asks for them.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// What a save or an opening makes due: all of a document without a current verdict.
    Auto,
    /// Of a document.
    Some {
        /// Of this property.
        property: Option<String>,
        /// These.
        instances: Option<Vec<String>>,
        /// Which of them.
        goal: Goal,
    },
    /// Of a run (to be cancelled).
    Run(u64),
    /// All (to be cancelled).
    Everything,
}

/// Verification that waits for an analysis.
pub struct Request {
    /// What is wanted.
    pub wanted: Wanted,
    /// What each instance may spend.
    pub budget: Option<Duration>,
    /// Who waits for the answer.
    pub reply: Option<Reply>,
}

/// Who waits to hear what was started: an answer is due once every document concerned has said its part.
#[derive(Clone)]
pub struct Reply(Arc<Mutex<Waiting>>);

struct Waiting {
    sender: Option<oneshot::Sender<Result<Value, String>>>,
    missing: usize,
    started: Started,
}

impl Reply {
    /// For one document.
    pub fn alone(sender: oneshot::Sender<Result<Value, String>>) -> Reply {
        Reply::shared(sender, 1)
    }

    /// For several.
    pub fn shared(sender: oneshot::Sender<Result<Value, String>>, documents: usize) -> Reply {
        Reply(Arc::new(Mutex::new(Waiting { sender: Some(sender), missing: documents, started: Started::default() })))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A document's part.
    pub fn add(&self, run: Option<u64>, jobs: usize) {
        let mut waiting = self.lock();
        waiting.missing = waiting.missing.saturating_sub(1);
        waiting.started.runs.extend(run);
        waiting.started.jobs += jobs;
        if waiting.missing == 0
            && let Some(sender) = waiting.sender.take()
        {
            let _ = sender.send(serde_json::to_value(&waiting.started).map_err(|e| e.to_string()));
        }
    }

    /// The answer if no document is concerned.
    pub fn if_none(&self, started: Started) {
        let mut waiting = self.lock();
        if waiting.missing == 0
            && let Some(sender) = waiting.sender.take()
        {
            let _ = sender.send(serde_json::to_value(started).map_err(|e| e.to_string()));
        }
    }

    /// There will be no answer from a document.
    pub fn refuse(&self, why: &str) {
        if let Some(sender) = self.lock().sender.take() {
            let _ = sender.send(Err(why.to_owned()));
        }
    }
}

/// A run under way.
pub struct Run {
    /// How many jobs it began with.
    pub total: usize,
    /// How many have ended.
    pub ended: usize,
    /// How many ended as expected, otherwise decided, undecided, cancelled.
    pub tally: Tally,
}

/// How a run's jobs ended.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs, reason = "each counts what its name says")]
pub struct Tally {
    pub proved: usize,
    pub violated: usize,
    pub other: usize,
    pub dropped: usize,
}

impl Tally {
    fn words(self) -> String {
        let all = [
            (self.proved, "proved"),
            (self.violated, "violated"),
            (self.other, "undecided"),
            (self.dropped, "cancelled"),
        ];
        all.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect::<Vec<_>>().join(" · ")
    }
}

/// The runs under way.
#[derive(Default)]
pub struct Runs {
    /// By number.
    pub all: HashMap<u64, Run>,
    /// The number of the last one.
    pub next: u64,
}

impl Owner {
    /// Wants something verified: at once if the text has been analysed, else as soon as it has.
    pub(super) fn want(&mut self, path: &Path, wanted: Wanted, budget: Option<Duration>, reply: Option<Reply>) {
        let Some(document) = self.documents.get_mut(path) else {
            if let Some(reply) = reply {
                reply.refuse("the document is not open");
            }
            return;
        };
        // Saving twenty times in a second asks for one thing.
        let known = |r: &Request| r.reply.is_none() && reply.is_none() && r.wanted == wanted && r.budget == budget;
        if !document.wanted.iter().any(known) {
            document.wanted.push(Request { wanted, budget, reply });
        }
        if document.is_analysed_at(self.generation) {
            self.start_wanted(path);
        }
    }

    /// Queues what is wanted of a document that has just been analysed.
    pub(super) fn start_wanted(&mut self, path: &Path) {
        let Some(document) = self.documents.get_mut(path) else { return };
        for request in std::mem::take(&mut document.wanted) {
            let (run, jobs) = self.queue_jobs(path, &request.wanted, request.budget);
            if let Some(reply) = request.reply {
                reply.add(run, jobs);
            }
        }
    }

    fn queue_jobs(&mut self, path: &Path, wanted: &Wanted, budget: Option<Duration>) -> (Option<u64>, usize) {
        let Some(document) = self.documents.get_mut(path) else { return (None, 0) };
        let mut chosen: Vec<(Job, [u8; 32])> = Vec::new();
        for (property, job) in document.jobs() {
            if is_wanted(document.instances.get(&job.name), property, job, wanted, budget) {
                let job = Job { budget: budget.unwrap_or(job.budget), ..job.clone() };
                chosen.push((job, property.fingerprint));
            }
        }
        if chosen.is_empty() {
            return (None, 0);
        }
        self.queue.runs.next += 1;
        let run = self.queue.runs.next;
        let total = chosen.len();
        for (job, fingerprint) in chosen {
            let name = job.name.clone();
            let (id, cancel) = self.queue.push(path.to_owned(), job, fingerprint);
            let instance = document.instances.entry(name.clone()).or_default();
            instance.activity = Some(Activity { id, run, fingerprint, since: None, progress: None, cancel });
            instance.cancelled = None;
            instance.failure = None;
            instance.run = Some(run);
            document.news.insert(name);
        }
        let focus = document.focus.clone();
        self.queue.prefer(path, focus);
        let begun = Run { total, ended: 0, tally: Tally::default() };
        self.queue.runs.all.insert(run, begun);
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        self.say(Message::Begin(run, format!("Verifying {name}")));
        (Some(run), total)
    }

    /// Lets threads take jobs.
    pub(super) fn start_jobs(&mut self) {
        let (documents, generation) = (&self.documents, self.generation);
        let ready = |path: &Path| documents.get(path).is_none_or(|d| d.is_analysed_at(generation));
        for id in self.queue.start(&self.options, &self.events, &ready) {
            let Some(task) = self.queue.running(id) else { continue };
            let Some(document) = self.documents.get_mut(&task.path) else { continue };
            let name = task.job.name.clone();
            if let Some(activity) = document.instances.get_mut(&name).and_then(|i| i.activity.as_mut())
                && activity.id == id
            {
                activity.since = Some(Instant::now());
                document.news.insert(name);
            }
        }
    }

    pub(super) fn progressed(&mut self, id: u64, progress: Progress) {
        let Some(task) = self.queue.running(id) else { return };
        let Some(document) = self.documents.get_mut(&task.path) else { return };
        let name = task.job.name.clone();
        if let Some(activity) = document.instances.get_mut(&name).and_then(|i| i.activity.as_mut())
            && activity.id == id
        {
            activity.progress = Some(progress);
            document.news.insert(name);
            self.refresh_hints = true;
        }
    }

    /// A job's thread has ended.
    pub(super) fn finished(&mut self, done: Done) {
        let Some(Task { path, job, fingerprint, .. }) = self.queue.ended(done.id).map(|running| running.task) else {
            return;
        };
        let Some(document) = self.documents.get_mut(&path) else { return };
        let Some(instance) = document.instances.get_mut(&job.name) else { return };
        // Cancelled, or overtaken: it has been told already.
        let Some(activity) = instance.activity.take_if(|activity| activity.id == done.id) else { return };
        let mut tally = Tally::default();
        match done.result {
            _ if done.outdated => tally.dropped = 1,
            Some(result) => {
                match result.verdict {
                    Verdict::Proved => tally.proved = 1,
                    Verdict::Violated => tally.violated = 1,
                    _ => tally.other = 1,
                }
                instance.held = Some(Held { result: Arc::new(result), fingerprint });
            }
            None => {
                tally.other = 1;
                instance.failure = Some((
                    fingerprint,
                    "Internal error, please report it: its thread ended without an answer.".to_owned(),
                ));
            }
        }
        document.news.insert(job.name);
        self.refresh = true;
        self.job_ended(activity.run, 1, tally);
    }

    /// Some jobs of a run have ended, one way or another.
    fn job_ended(&mut self, run: u64, count: usize, tally: Tally) {
        let Some(known) = self.queue.runs.all.get_mut(&run) else { return };
        known.ended += count;
        known.tally.proved += tally.proved;
        known.tally.violated += tally.violated;
        known.tally.other += tally.other;
        known.tally.dropped += tally.dropped;
        let words = known.tally.words();
        if known.ended >= known.total {
            self.queue.runs.all.remove(&run);
            self.say(Message::End(run, words));
        } else {
            let percentage = (known.ended * 100 / known.total.max(1)) as u32;
            let text = format!("{}/{} {words}", known.ended, known.total);
            self.say(Message::Report(run, text, percentage));
        }
    }

    /// Jobs whose instances are gone or mean something else now.
    pub(super) fn forget_jobs(&mut self, jobs: Vec<(u64, u64)>) {
        if jobs.is_empty() {
            return;
        }
        self.queue.cancel(&jobs.iter().map(|(id, _)| *id).collect());
        for (_, run) in jobs {
            self.job_ended(run, 1, Tally { dropped: 1, ..Tally::default() });
        }
    }

    /// Cancels what is wanted, of one document or of all; says how many instances that were.
    pub(super) fn cancel(&mut self, wanted: &Wanted, only: Option<&Path>) -> usize {
        let mut ids = HashSet::new();
        let mut ended: Vec<u64> = Vec::new();
        for (path, document) in &mut self.documents {
            if only.is_some_and(|only| only != path) {
                continue;
            }
            let chosen: Vec<(String, [u8; 32])> = document
                .jobs()
                .filter(|(property, job)| match wanted {
                    Wanted::Run(run) => document
                        .instances
                        .get(&job.name)
                        .and_then(|i| i.activity.as_ref())
                        .is_some_and(|activity| activity.run == *run),
                    Wanted::Some { property: of, instances, .. } => {
                        of.as_ref().is_none_or(|name| **name == *property.name)
                            && instances.as_ref().is_none_or(|names| names.contains(&job.name))
                    }
                    _ => true,
                })
                .map(|(property, job)| (job.name.clone(), property.fingerprint))
                .collect();
            for (name, fingerprint) in chosen {
                let Some(instance) = document.instances.get_mut(&name) else { continue };
                let Some(activity) = instance.activity.take() else { continue };
                activity.cancel.cancel();
                ids.insert(activity.id);
                ended.push(activity.run);
                instance.cancelled = Some(fingerprint);
                document.news.insert(name);
            }
        }
        self.queue.cancel(&ids);
        for run in &ended {
            self.job_ended(*run, 1, Tally { dropped: 1, ..Tally::default() });
        }
        if !ids.is_empty() {
            self.refresh = true;
        }
        ids.len()
    }

    pub(super) fn cancel_command(&mut self, arguments: &VerifyArguments) -> Result<Value, String> {
        let wanted = Wanted::Some {
            property: arguments.property.clone(),
            instances: arguments.instances.clone(),
            goal: Goal::Everything,
        };
        let only = arguments.uri.as_ref().map(|uri| self.path(uri));
        let cancelled = self.cancel(&wanted, only.as_deref());
        serde_json::to_value(Cancelled { cancelled }).map_err(|e| e.to_string())
    }

    // ---- Stale verdicts that may still hold

    /// Compares the keys of stale verdicts with those of the text as it is, on a thread of its own.
    pub(super) fn confirm(&mut self) {
        self.to_confirm = false;
        let mut work: Vec<(PathBuf, Vec<Doubtful>)> = Vec::new();
        for (path, document) in &self.documents {
            let stale = document.jobs().filter_map(|(property, job)| {
                let instance = document.instances.get(&job.name)?;
                let held = instance.held.as_ref().filter(|held| held.fingerprint != property.fingerprint)?;
                let key = held.result.key.clone().filter(|_| instance.activity.is_none())?;
                Some((job.clone(), key, property.fingerprint))
            });
            let stale: Vec<Doubtful> = stale.collect();
            if !stale.is_empty() {
                work.push((path.clone(), stale));
            }
        }
        if work.is_empty() {
            return;
        }
        self.confirming = true;
        let (db, events, options, generation) =
            (self.db.clone(), self.events.clone(), self.options.clone(), self.generation);
        let confirm = move || {
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                super::salsa_catch(|| {
                    for (path, stale) in work {
                        for part in stale.chunks(16) {
                            let same = part
                                .iter()
                                .filter(|(job, key, _)| qnn::verify::key(&db, job, &options).as_ref() == Some(key));
                            let names: Vec<_> = same.map(|(job, _, now)| (job.name.clone(), *now)).collect();
                            if !names.is_empty()
                                && events.send(Event::Confirmed(path.clone(), generation, names)).is_err()
                            {
                                return;
                            }
                        }
                    }
                })
            }));
            drop(db);
            let _ = events.send(Event::ConfirmEnded);
        };
        let thread = std::thread::Builder::new().name("confirm".to_owned()).stack_size(qnn::verify::run::STACK);
        if thread.spawn(confirm).is_err() {
            self.confirming = false;
        }
    }

    pub(super) fn confirmed(&mut self, path: &Path, generation: u64, names: Vec<(String, [u8; 32])>) {
        let Some(document) = self.documents.get_mut(path).filter(|d| d.analysed_generation == generation) else {
            return;
        };
        for (name, fingerprint) in names {
            if let Some(held) = document.instances.get_mut(&name).and_then(|i| i.held.as_mut()) {
                held.fingerprint = fingerprint;
                document.news.insert(name);
                self.refresh = true;
            }
        }
    }
}

/// Whether an instance is to be verified.
fn is_wanted(
    instance: Option<&Instance>,
    property: &Property,
    job: &Job,
    wanted: &Wanted,
    budget: Option<Duration>,
) -> bool {
    if instance.is_some_and(|i| i.activity.is_some()) {
        return false;
    }
    let held = instance.and_then(|i| i.held.as_ref()).filter(|held| held.fingerprint == property.fingerprint);
    let verdict = held.map(|held| held.result.verdict);
    let failed = instance.is_some_and(|i| i.failure.is_some());
    match wanted {
        Wanted::Auto => match held {
            Some(held) => {
                let undecided = matches!(held.result.verdict, Verdict::Timeout | Verdict::Unknown);
                undecided && held.result.budget < budget.unwrap_or(job.budget)
            }
            None => !failed && instance.is_none_or(|i| i.cancelled.is_none()),
        },
        Wanted::Some { property: of, instances, goal } => {
            of.as_ref().is_none_or(|name| **name == *property.name)
                && instances.as_ref().is_none_or(|names| names.contains(&job.name))
                && match goal {
                    Goal::Undecided => !verdict.is_some_and(Verdict::is_decided),
                    Goal::Failed => failed || verdict.is_some_and(|v| !v.is_decided() || !v.is(property.expected)),
                    Goal::Everything => true,
                }
        }
        Wanted::Run(_) | Wanted::Everything => false,
    }
}
