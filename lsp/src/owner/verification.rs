//! Verification as the owner goes about it: what is wanted is queued, what is known is told, what is pointless is cancelled.
//!
//! Invariants: an instance has at most one activity; an activity ends in a result, a failure, or because its instance means something else now;
//! results are held by instance name together with the fingerprint of what they are of, and shown as current only while that is the property's.

use super::instances::Activity;
use super::queue::{Stand, Task};
use super::runs::{Run, Tally};
use super::state::Owner;
use super::wanted::{Goal, Reply, Request, Wanted, is_wanted};
use crate::event::{Done, Event};
use crate::held_verdict::Held;
use crate::protocol::{Cancelled, VerifyArguments};
use crate::publisher::Message;
use qnn::verify::{Job, Progress, Verdict};
use serde_json::Value;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// An instance whose verdict is of an earlier text: the verdict's key, and what the property means now.
type Doubtful = (Job, String, [u8; 32]);

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
        // One at a time: what breaks over one loses no other.
        let next = |owner: &mut Owner| {
            let wanted = &mut owner.documents.get_mut(path)?.wanted;
            (!wanted.is_empty()).then(|| wanted.remove(0))
        };
        while let Some(request) = next(self) {
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
        self.runs.next += 1;
        let run = self.runs.next;
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
        self.runs.all.insert(run, begun);
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

    /// A turn has ended.
    pub(super) fn turned(&mut self, done: Done) {
        let Some((task, stand)) = self.queue.ended(done) else { return };
        let Task { path, job, fingerprint, id, .. } = task;
        let Some(document) = self.documents.get_mut(&path) else { return };
        let Some(instance) = document.instances.get_mut(&job.name) else { return };
        let Some(activity) = instance.activity.as_mut().filter(|activity| activity.id == id) else {
            // Cancelled, or overtaken: that has been told already, but not what was known by then.
            if let Stand::Finished(result) = stand
                && instance.keep(*result, fingerprint)
            {
                document.news.insert(job.name);
                self.refresh = true;
            }
            return;
        };
        let run = activity.run;
        let mut tally = Tally::default();
        match stand {
            Stand::Postponed(turn) => {
                activity.since = None;
                let elapsed = turn.had + turn.time;
                let remaining = Some(turn.budget.saturating_sub(elapsed));
                activity.progress.get_or_insert(Progress { elapsed, remaining, share: None, finding: None });
                document.news.insert(job.name);
                return;
            }
            Stand::Outdated => tally.dropped = 1,
            Stand::Finished(result) => {
                match result.verdict {
                    Verdict::Proved => tally.proved = 1,
                    Verdict::Violated => tally.violated = 1,
                    Verdict::Found => tally.found = 1,
                    Verdict::None => tally.none = 1,
                    _ => tally.other = 1,
                }
                instance.held = Some(Held { result: Arc::from(result), fingerprint });
            }
            Stand::Lost => {
                tally.other = 1;
                let why = "Internal error, please report it: its thread ended without an answer.";
                instance.failure = Some((fingerprint, why.to_owned()));
            }
        }
        instance.activity = None;
        document.news.insert(job.name);
        self.refresh = true;
        self.job_ended(run, 1, tally);
    }

    /// Some jobs of a run have ended, one way or another.
    fn job_ended(&mut self, run: u64, count: usize, tally: Tally) {
        let Some(known) = self.runs.all.get_mut(&run) else { return };
        known.ended += count;
        known.tally.proved += tally.proved;
        known.tally.violated += tally.violated;
        known.tally.found += tally.found;
        known.tally.none += tally.none;
        known.tally.other += tally.other;
        known.tally.dropped += tally.dropped;
        let words = known.tally.words();
        if known.ended >= known.total {
            self.runs.all.remove(&run);
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
        for (task, result) in self.queue.cancel(&ids) {
            let document = self.documents.get_mut(&task.path);
            if let Some(instance) = document.and_then(|d| d.instances.get_mut(&task.job.name)) {
                instance.keep(result, task.fingerprint);
            }
        }
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
                db.until_changed(|| {
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
        let thread = std::thread::Builder::new().name("confirm".to_owned()).stack_size(qnn::verify::STACK);
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
