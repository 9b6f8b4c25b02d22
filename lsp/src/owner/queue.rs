//! The queue of verification jobs and the threads that work on them.
//!
//! In: jobs, and which property is being edited. Out: one [`Done`] for each job that was started, whatever happens to its thread. A cancelled job keeps its
//! place among the running ones until its thread has ended, so that engines never get more threads than were asked for, but for one: see below.
//!
//! Every property is to have its first verdicts early. So each has a line of its own; the next job is of the line that has had the least of the engines' time, where a
//! running job counts with all of its budget. The last free thread is for the shortest budget that waits: what may take long never holds up everything that can't.
//! The property that is being edited goes before all others, but takes the last free thread only if it has no other.
//!
//! No engine is stopped for the sake of another job, so long budgets that have all threads would hold up whatever is asked for next. Hence one more thread than was asked for, when all
//! are taken: for the property that is being edited if it has none, or for a job whose budget is shorter than that of every running one.
//!
//! A long search also works on cores that have no thread, until they get one.
//!
//! Lines of a document whose text has not been analysed wait: what its jobs mean may have changed.

use super::Event;
use super::verification::Runs;
use qnn::db::Database;
use qnn::engine::{CancelToken, Cores};
use qnn::ide::outline::is_same;
use qnn::verify::run::Job;
use qnn::verify::{InstanceResult, Options};
use std::collections::{HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

/// A job that waits.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its number.
    pub id: u64,
    /// The document.
    pub path: PathBuf,
    /// What is to be decided.
    pub job: Job,
    /// What its property meant when it was queued.
    pub fingerprint: [u8; 32],
    /// Set when nobody waits for it any more.
    pub cancel: CancelToken,
}

/// What became of a job.
pub struct Done {
    /// Its number.
    pub id: u64,
    /// Its result; `None` if its thread ended without one.
    pub result: Option<InstanceResult>,
    /// The text changed before it was lowered, so it says nothing.
    pub outdated: bool,
}

/// A job whose thread lives.
pub struct Running {
    pub task: Task,
    since: Instant,
}

/// The jobs of one property, in the order of its family.
struct Line {
    path: PathBuf,
    property: Arc<str>,
    waiting: VecDeque<Task>,
    /// The time that its jobs have had since the queue was empty.
    used: Duration,
}

impl Line {
    fn is_of(&self, path: &Path, property: &str) -> bool {
        self.path == path && *self.property == *property
    }

    fn has(&self, task: &Task) -> bool {
        self.is_of(&task.path, &task.job.property)
    }
}

/// Waiting and running jobs.
#[derive(Default)]
pub struct Queue {
    /// In the order in which their first jobs came.
    lines: Vec<Line>,
    /// The property that is being edited.
    edited: Option<(PathBuf, Arc<str>)>,
    running: HashMap<u64, Running>,
    next: u64,
    /// The cores without a thread, for long searches.
    spare: Cores,
    /// The runs that jobs belong to.
    pub runs: Runs,
}

impl Queue {
    /// Queues a job and returns its number.
    pub fn push(&mut self, path: PathBuf, job: Job, fingerprint: [u8; 32]) -> (u64, CancelToken) {
        if self.is_idle() {
            self.lines.clear();
        }
        self.next += 1;
        let cancel = CancelToken::new();
        let task = Task { id: self.next, path, job, fingerprint, cancel: cancel.clone() };
        if let Some(line) = self.lines.iter_mut().find(|line| line.has(&task)) {
            line.waiting.push_back(task);
        } else {
            let (path, property) = (task.path.clone(), task.job.property.clone());
            self.lines.push(Line { path, property, waiting: VecDeque::from([task]), used: Duration::ZERO });
        }
        (self.next, cancel)
    }

    /// Says which property is being edited.
    pub fn prefer(&mut self, path: &Path, property: Option<Arc<str>>) {
        self.edited = property.map(|property| (path.to_owned(), property));
    }

    /// Takes the job that goes next when `room` threads may work, of the documents that are ready.
    fn take(&mut self, room: usize, ready: &dyn Fn(&Path) -> bool) -> Option<Task> {
        let (last, full) = (self.running.len() + 1 >= room, self.running.len() >= room);
        let running = |line: &Line| -> Vec<Duration> {
            self.running.values().filter(|r| line.has(&r.task)).map(|r| r.task.job.budget).collect()
        };
        let budget = |line: &Line| line.waiting.front().filter(|task| ready(&task.path)).map(|task| task.job.budget);
        let edited = self.lines.iter().position(|line| {
            self.edited.as_ref().is_some_and(|(path, property)| line.is_of(path, property))
                && budget(line).is_some()
                && (!last || running(line).is_empty())
        });
        let shortest = self.lines.iter().filter_map(budget).min()?;
        if full && edited.is_none() && self.running.values().any(|r| r.task.job.budget <= shortest) {
            return None;
        }
        let chosen = edited.or_else(|| {
            let lines = self.lines.iter().enumerate();
            let able = lines.filter_map(|(index, line)| Some((index, line, budget(line)?)));
            let able = able.filter(|(_, _, budget)| !last || *budget == shortest);
            let charged = |line: &Line| line.used + running(line).iter().sum::<Duration>();
            able.min_by_key(|(_, line, budget)| (charged(line), *budget)).map(|(index, ..)| index)
        })?;
        self.lines[chosen].waiting.pop_front()
    }

    /// Whether nothing waits and no thread works.
    pub fn is_idle(&self) -> bool {
        self.running.is_empty() && self.lines.iter().all(|line| line.waiting.is_empty())
    }

    /// Drops waiting jobs and asks running ones to stop.
    pub fn cancel(&mut self, ids: &HashSet<u64>) {
        self.lines.iter_mut().for_each(|line| line.waiting.retain(|task| !ids.contains(&task.id)));
        self.running.iter().filter(|(id, _)| ids.contains(id)).for_each(|(_, running)| running.task.cancel.cancel());
    }

    /// Takes a job from the list of those that run.
    pub fn ended(&mut self, id: u64) -> Option<Running> {
        let ended = self.running.remove(&id)?;
        if let Some(line) = self.lines.iter_mut().find(|line| line.has(&ended.task)) {
            line.used += ended.since.elapsed();
        }
        Some(ended)
    }

    /// A running job.
    pub fn running(&self, id: u64) -> Option<&Task> {
        self.running.get(&id).map(|running| &running.task)
    }

    /// Starts as many jobs as there is room for, of the documents that are ready; returns the numbers of those that run now.
    pub fn start(&mut self, options: &Options, events: &Sender<Event>, ready: &dyn Fn(&Path) -> bool) -> Vec<u64> {
        let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let room = options.jobs.unwrap_or_else(cores).max(1);
        let mut started = Vec::new();
        while self.running.len() <= room
            && let Some(task) = self.take(room, ready)
        {
            let id = task.id;
            self.running.insert(id, Running { task: task.clone(), since: Instant::now() });
            started.push(id);
            let (options, spare, sender) = (options.clone(), self.spare.clone(), events.clone());
            let thread = std::thread::Builder::new().name("verify".to_owned()).stack_size(qnn::verify::run::STACK);
            if let Err(error) = thread.spawn(move || work(&task, &options, &spare, sender)) {
                tracing::error!(%error, "no thread for a verification job");
                let _ = events.send(Event::Done(Box::new(Done { id, result: None, outdated: false })));
            }
        }
        self.spare.offer(room.saturating_sub(self.running.len()));
        started
    }
}

/// Says that a job ended when it is dropped, whatever ended it.
struct Ending {
    done: Option<Done>,
    events: Sender<Event>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(done) = self.done.take() {
            let _ = self.events.send(Event::Done(Box::new(done)));
        }
    }
}

/// Decides one job.
fn work(task: &Task, options: &Options, spare: &Cores, events: Sender<Event>) {
    let mut ending = Ending { done: Some(Done { id: task.id, result: None, outdated: false }), events: events.clone() };
    let outdated = AtomicBool::new(false);
    let lent = std::sync::Mutex::new(events.clone());
    let snapshot = || -> Option<Database> {
        loop {
            if task.cancel.is_cancelled() {
                return None;
            }
            let (reply, answer) = channel();
            lent.lock().unwrap_or_else(std::sync::PoisonError::into_inner).send(Event::Lend(reply)).ok()?;
            let db = answer.recv().ok()?;
            match super::salsa_catch(|| is_same(&db, &task.job, &task.fingerprint)) {
                Some(true) => return Some(db),
                Some(false) => {
                    outdated.store(true, Ordering::SeqCst);
                    return None;
                }
                // Changed while we looked: look again.
                None => drop(db),
            }
        }
    };
    let tell = std::sync::Mutex::new(events);
    let result = qnn::verify::decide(&task.job, &snapshot, options, spare, &task.cancel, &|event| {
        if let qnn::verify::Event::Progress { progress, .. } = event {
            let tell = tell.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let _ = tell.send(Event::Progress(task.id, progress));
        }
    });
    if let Some(done) = &mut ending.done {
        done.result = Some(result);
        done.outdated = outdated.load(Ordering::SeqCst);
    }
}
