//! Checking what is claimed of a spec's instances, from the spec and the evidence alone.
//!
//! In: specs in the database, records. Out: for each record what it rests on, and for each instance without one that there is none. Threads take records one
//! at a time: of a large file, few are in memory.

use super::claim::{CheckedRecord, OnCertificate, claim};
use super::file::Record;
use crate::db::{Database, SourceFile, catch_cancelled};
use crate::verify::{Filter, Job, STACK};
use qnn_ir::interrupt::{self, Condition};
use qnn_proof::Unreadable;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

/// A spec that is spoken of.
pub struct Subject {
    /// The spec.
    pub file: SourceFile,
    /// Its instances, all of them.
    pub jobs: Vec<Job>,
    /// Which of them are looked at.
    pub filter: Filter,
}

/// The most records that are kept of instances that no spec has, or that were spoken of before.
const MOST_STRANGE: usize = 100_000;

/// Checks all records that `next` gives, on some threads, until `stop` holds. The result is in the order of the records; instances without a record
/// follow, or that were not looked at.
///
/// # Errors
/// The first error of `next`.
pub fn review(
    snapshot: &(dyn Fn() -> Option<Database> + Sync),
    subjects: &[Subject],
    next: &mut NextRecord<'_>,
    threads: usize,
    on_certificate: &OnCertificate<'_>,
    stop: &Condition,
) -> Result<Vec<CheckedRecord>, Unreadable> {
    let records = Mutex::new(Records::new(subjects, next));
    let lock = || records.lock().unwrap_or_else(PoisonError::into_inner);
    let work = || {
        loop {
            if stop() {
                return;
            }
            let Some(Taken { number, record, job, again }) = lock().take() else { return };
            let wanted = |job: &Job| subjects[record.spec].filter.matches(&job.property, &job.name);
            if job.is_some_and(|job| !wanted(job)) {
                continue;
            }
            let Some(db) = snapshot() else { return };
            let stop = stop.clone();
            let checked = interrupt::until(
                move || stop(),
                || catch_cancelled(|| claim(&db, job, again, &record, on_certificate)),
            );
            match checked {
                Ok(Some(checked)) => lock().done.push((number, checked)),
                // It was stopped here, or on a thread that this one waited for.
                Ok(None) | Err(_) => {
                    job.into_iter().for_each(|job| _ = lock().seen.remove(&(record.spec, job.name.as_str())))
                }
            }
        }
    };
    std::thread::scope(|scope| {
        let builder = || std::thread::Builder::new().name("review".to_owned()).stack_size(STACK);
        let spawned = (0..threads.max(1)).filter_map(|_| builder().spawn_scoped(scope, work).ok()).count();
        if spawned == 0 {
            work();
        }
    });
    let nothing = if stop() { "the check was stopped before it" } else { "nothing is said of it" };
    records.into_inner().unwrap_or_else(PoisonError::into_inner).finish(subjects, nothing)
}

/// Gives the next record; `None` after the last.
pub type NextRecord<'a> = dyn FnMut() -> Result<Option<Record>, Unreadable> + Send + 'a;

/// The records as the threads take them, and what was found out about them.
struct Records<'a, 'n> {
    next: &'a mut NextRecord<'n>,
    /// The instances of each spec, by name.
    jobs: Vec<HashMap<&'a str, &'a Job>>,
    count: usize,
    /// The instances that have a record.
    seen: HashSet<(usize, &'a str)>,
    /// The records of instances that no spec has, or that had one before.
    strange: usize,
    done: Vec<(usize, CheckedRecord)>,
    error: Option<Unreadable>,
}

/// A record that a thread has taken.
struct Taken<'a> {
    number: usize,
    record: Record,
    /// The instance of its name, if the spec has it.
    job: Option<&'a Job>,
    /// Whether that had a record before.
    again: bool,
}

impl<'a, 'n> Records<'a, 'n> {
    fn new(subjects: &'a [Subject], next: &'a mut NextRecord<'n>) -> Records<'a, 'n> {
        let by_name = |s: &'a Subject| s.jobs.iter().map(|job| (job.name.as_str(), job)).collect();
        let jobs = subjects.iter().map(by_name).collect();
        Records { next, jobs, count: 0, seen: HashSet::new(), strange: 0, done: Vec::new(), error: None }
    }

    /// The next record; `None` after the last, and after an error.
    fn take(&mut self) -> Option<Taken<'a>> {
        if self.error.is_some() {
            return None;
        }
        let record = match (self.next)() {
            Ok(record) => record?,
            Err(error) => {
                self.error = Some(error);
                return None;
            }
        };
        self.count += 1;
        let job = self.jobs.get(record.spec).and_then(|jobs| jobs.get(record.instance.as_str())).copied();
        let again = job.is_some_and(|job| !self.seen.insert((record.spec, job.name.as_str())));
        self.strange += usize::from(again || job.is_none());
        if self.strange > MOST_STRANGE {
            let why = "It speaks of too much that no spec has, or more than once.";
            self.error = Some(Unreadable(why.to_owned()));
            return None;
        }
        Some(Taken { number: self.count, record, job, again })
    }

    /// What was found out, in the order of the records; then the instances of which nothing was, for a reason.
    fn finish(self, subjects: &[Subject], nothing: &str) -> Result<Vec<CheckedRecord>, Unreadable> {
        let Records { mut done, seen, error, .. } = self;
        if let Some(error) = error {
            return Err(error);
        }
        done.sort_by_key(|(number, _)| *number);
        let mut all: Vec<CheckedRecord> = done.into_iter().map(|(_, checked)| checked).collect();
        for (spec, subject) in subjects.iter().enumerate() {
            let missing = |job: &&Job| {
                subject.filter.matches(&job.property, &job.name) && !seen.contains(&(spec, job.name.as_str()))
            };
            all.extend(subject.jobs.iter().filter(missing).map(|job| CheckedRecord::open(spec, job, nothing)));
        }
        Ok(all)
    }
}
