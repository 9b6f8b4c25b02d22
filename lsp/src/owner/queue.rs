//! The queue of verification jobs and the threads that work on them.
//!
//! In: jobs, and which property is being edited. Out: one [`Done`] for each turn that was started, whatever happens to its thread. A cancelled job keeps its
//! place among the running ones until its thread has ended.
//!
//! Jobs have turns, as in a run of the command ([`Turn`]): a job has all its budget at a stretch only if no other job waits for a thread; else it has half a
//! second, and comes back for longer turns, in which it goes on from what it knows. So each job is soon done if it is quick.
//!
//! Each property has a line of its own, so that none waits for all instances of another. A thread goes to the line that will have had the least of the engines' time
//! after its next turn; in a line, those that have had fewer turns go first. A new line begins with the time of the line that has had the least.
//! The property that is being edited goes before all others, but takes the last free thread only if it has no other.
//!
//! No turn is cut short for the sake of another job. So a turn that is short beside all that run does not wait for a thread, but has one more: these are
//! few, for each is at most a quarter as long as all that ran before it.
//!
//! A long search also works on cores that have no thread, until they get one.
//!
//! Lines of a document whose text has not been analysed wait: what its jobs mean may have changed.

use crate::event::{Done, Event};
use qnn::db::Database;
use qnn::engine::{CancelToken, Cores};
use qnn::ide::outline::is_same;
use qnn::verify::{Earlier, Ended, InstanceResult, Job, Options, Turn, Worker};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

/// A job that waits or runs.
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
    /// Set when its result is no longer wanted.
    pub cancel: CancelToken,
}

/// How a job stands after a turn.
pub enum Stand {
    /// It waits for another one.
    Postponed(Turn),
    /// It has its result.
    Finished(Box<InstanceResult>),
    /// The text has changed.
    Outdated,
    /// Its thread ended without an answer.
    Lost,
}

/// A job whose thread lives.
struct Running {
    task: Task,
    turn: Turn,
    since: Instant,
}

/// A job between two turns.
struct Waiting {
    task: Task,
    /// What it has had of its budget.
    had: Duration,
    earlier: Option<Earlier>,
}

/// The jobs of one property.
struct Line {
    path: PathBuf,
    property: Arc<str>,
    /// By the number of turns that they have had, each in the order of its family.
    waiting: BTreeMap<u32, VecDeque<Waiting>>,
    /// The time that its jobs have had.
    used: Duration,
}

impl Line {
    fn is_of(&self, path: &Path, property: &str) -> bool {
        self.path == path && *self.property == *property
    }

    fn has(&self, task: &Task) -> bool {
        self.is_of(&task.path, &task.job.property)
    }

    fn len(&self) -> usize {
        self.waiting.values().map(VecDeque::len).sum()
    }

    /// The turn of the job that goes next.
    fn next(&self, keeps_waiting: bool) -> Option<Turn> {
        let (round, queue) = self.waiting.first_key_value()?;
        let first = queue.front()?;
        Some(Turn::new(first.task.job.budget, first.had, *round, keeps_waiting))
    }

    fn pop(&mut self) -> Option<Waiting> {
        let mut first = self.waiting.first_entry()?;
        let job = first.get_mut().pop_front();
        if first.get().is_empty() {
            first.remove();
        }
        job
    }
}

/// Waiting and running jobs.
#[derive(Default)]
pub struct Queue {
    /// Those that have something to do, in the order in which they came.
    lines: Vec<Line>,
    /// The property that is being edited.
    edited: Option<(PathBuf, Arc<str>)>,
    running: HashMap<u64, Running>,
    next: u64,
    /// The cores without a thread, for long searches.
    spare: Cores,
}

impl Queue {
    /// Queues a job and returns its number.
    pub fn push(&mut self, path: PathBuf, job: Job, fingerprint: [u8; 32]) -> (u64, CancelToken) {
        self.next += 1;
        let cancel = CancelToken::new();
        let task = Task { id: self.next, path, job, fingerprint, cancel: cancel.clone() };
        self.put(Waiting { task, had: Duration::ZERO, earlier: None }, 0);
        (self.next, cancel)
    }

    fn put(&mut self, job: Waiting, round: u32) {
        // What a line has had counts as long as it has something to do.
        let running = |line: &Line| self.running.values().any(|r| !r.task.cancel.is_cancelled() && line.has(&r.task));
        self.lines.retain(|line| !line.waiting.is_empty() || running(line));
        if let Some(line) = self.lines.iter_mut().find(|line| line.has(&job.task)) {
            line.waiting.entry(round).or_default().push_back(job);
        } else {
            let (path, property) = (job.task.path.clone(), job.task.job.property.clone());
            let used = self.lines.iter().map(|line| line.used).min().unwrap_or_default();
            let waiting = BTreeMap::from([(round, VecDeque::from([job]))]);
            self.lines.push(Line { path, property, waiting, used });
        }
    }

    /// Says which property is being edited.
    pub fn prefer(&mut self, path: &Path, property: Option<Arc<str>>) {
        self.edited = property.map(|property| (path.to_owned(), property));
    }

    /// Takes the job that goes next when `room` threads may work, of the documents that are ready, with its turn.
    fn take(&mut self, room: usize, ready: &dyn Fn(&Path) -> bool) -> Option<(Waiting, Turn)> {
        let free = room.saturating_sub(self.running.len());
        let kept_waiting = self.lines.iter().map(Line::len).sum::<usize>() > free;
        let own = |line: &Line| -> Vec<Turn> {
            self.running.values().filter(|r| line.has(&r.task)).map(|r| r.turn).collect()
        };
        let fits = |turn: &Turn| free > 0 || self.running.values().all(|r| turn.is_short_beside(&r.turn));
        let lines = self.lines.iter().enumerate().filter(|(_, line)| ready(&line.path));
        let able = lines.filter_map(|(index, line)| {
            let turn = line.next(kept_waiting).filter(fits)?;
            let own = own(line);
            let charged = line.used + own.iter().map(|turn| turn.time).sum::<Duration>();
            let edited = self.edited.as_ref().is_some_and(|(path, property)| line.is_of(path, property));
            let first = edited && (free > 1 || own.is_empty());
            Some(((!first, charged.saturating_add(turn.time)), index, turn))
        });
        let (_, index, turn) = able.min_by_key(|(key, ..)| *key)?;
        Some((self.lines[index].pop()?, turn))
    }

    /// Whether nothing waits and no thread works.
    pub fn is_idle(&self) -> bool {
        self.running.is_empty() && self.lines.iter().all(|line| line.waiting.is_empty())
    }

    /// Drops waiting jobs and asks running ones to stop. Returns what is known of those that have had a turn and wait for another.
    pub fn cancel(&mut self, ids: &HashSet<u64>) -> Vec<(Task, InstanceResult)> {
        let mut known = Vec::new();
        for line in &mut self.lines {
            line.waiting.retain(|_, queue| {
                let (dropped, kept) = queue.drain(..).partition(|job| ids.contains(&job.task.id));
                *queue = kept;
                let dropped: VecDeque<Waiting> = dropped;
                known.extend(dropped.into_iter().filter_map(|job| Some((job.task, job.earlier?.cancelled()))));
                !queue.is_empty()
            });
        }
        self.running.iter().filter(|(id, _)| ids.contains(id)).for_each(|(_, running)| running.task.cancel.cancel());
        known
    }

    /// Takes a job from the list of those that run, and puts it among those that wait if it needs another turn.
    pub fn ended(&mut self, done: Done) -> Option<(Task, Stand)> {
        let used = self.running.get(&done.id)?.since.elapsed();
        let task = self.leave(done.id, used)?;
        let stand = match done.ended {
            _ if done.outdated => Stand::Outdated,
            None => Stand::Lost,
            Some(Ended::Decided(result)) => Stand::Finished(result),
            // Cancelled just after its turn.
            Some(Ended::Open(_, earlier)) if task.cancel.is_cancelled() => {
                Stand::Finished(Box::new(earlier.cancelled()))
            }
            Some(Ended::Open(turn, earlier)) => match turn.after() {
                None => Stand::Finished(Box::new(earlier.timed_out())),
                Some(had) => {
                    self.put(Waiting { task: task.clone(), had, earlier: Some(earlier) }, turn.round + 1);
                    Stand::Postponed(turn)
                }
            },
        };
        Some((task, stand))
    }

    /// Takes a job from the list of those that run, and adds the time that it has used to its line.
    fn leave(&mut self, id: u64, used: Duration) -> Option<Task> {
        let Running { task, .. } = self.running.remove(&id)?;
        if let Some(line) = self.lines.iter_mut().find(|line| line.has(&task)) {
            line.used += used;
        }
        Some(task)
    }

    /// A running job.
    pub fn running(&self, id: u64) -> Option<&Task> {
        self.running.get(&id).map(|running| &running.task)
    }

    /// Starts as many turns as there is room for, of the documents that are ready; returns the numbers of their jobs.
    pub fn start(&mut self, options: &Options, events: &Sender<Event>, ready: &dyn Fn(&Path) -> bool) -> Vec<u64> {
        let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let room = options.jobs.unwrap_or_else(cores).max(1);
        let mut started = Vec::new();
        while let Some((Waiting { task, earlier, .. }, turn)) = self.take(room, ready) {
            let id = task.id;
            self.running.insert(id, Running { task: task.clone(), turn, since: Instant::now() });
            started.push(id);
            let (options, spare, sender) = (options.clone(), self.spare.clone(), events.clone());
            let thread = std::thread::Builder::new().name("verify".to_owned()).stack_size(qnn::verify::STACK);
            if let Err(error) = thread.spawn(move || work(&task, &turn, earlier, &options, &spare, sender)) {
                tracing::error!(%error, "no thread for a verification job");
                let _ = events.send(Event::Done(Box::new(Done { id, ended: None, outdated: false })));
            }
        }
        self.spare.offer(room.saturating_sub(self.running.len()));
        started
    }
}

/// Says that a turn ended when it is dropped, whatever ended it.
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

/// One turn of a job.
fn work(task: &Task, turn: &Turn, earlier: Option<Earlier>, options: &Options, spare: &Cores, events: Sender<Event>) {
    let mut ending = Ending { done: Some(Done { id: task.id, ended: None, outdated: false }), events: events.clone() };
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
            match db.until_changed(|| is_same(&db, &task.job, &task.fingerprint)) {
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
    let on_event = |event| {
        if let qnn::verify::Event::Progress { progress, .. } = event {
            let tell = tell.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let _ = tell.send(Event::Progress(task.id, progress));
        }
    };
    let worker = Worker { snapshot: &snapshot, options, spare, cancel: &task.cancel, on_event: &on_event };
    let ended = qnn::verify::decide(&task.job, turn, earlier, &worker);
    if let Some(done) = &mut ending.done {
        done.ended = Some(ended);
        done.outdated = outdated.load(Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qnn::db::Disk;
    use qnn::verify::{Filter, plan};

    const SECOND: Duration = Duration::from_secs(1);

    /// Simulated threads, in simulated time; `needs` is the time at a stretch that a job needs.
    struct World {
        queue: Queue,
        room: usize,
        now: Duration,
        needs: HashMap<u64, Duration>,
        /// When each turn ends.
        turns: Vec<(Duration, u64, Turn)>,
        /// When each job was decided, or given up, by its instance's name.
        over: HashMap<String, Duration>,
        most: usize,
    }

    impl World {
        fn new(room: usize) -> World {
            let (queue, now, turns) = (Queue::default(), Duration::ZERO, Vec::new());
            World { queue, room, now, needs: HashMap::new(), turns, over: HashMap::new(), most: 0 }
        }

        /// Queues some instances of a property.
        fn come(&mut self, property: &str, instances: usize, budget: Duration, need: Duration) {
            let mut db = Database::new(Disk);
            let path = Path::new("/nowhere/spec.qnn");
            let file = db.set_text(path, format!("property {property}(i in 0..{instances}) = i == 0;").into());
            let mut options = Options::default();
            options.timeout = Some(budget);
            for job in plan(&db, file, &Filter::default(), &options).jobs {
                let (id, _) = self.queue.push(path.to_owned(), job, [0; 32]);
                self.needs.insert(id, need);
            }
        }

        /// Lets time pass until then, or until nothing is left to do.
        fn pass(&mut self, until: Duration) {
            loop {
                while let Some((Waiting { task, .. }, turn)) = self.queue.take(self.room, &|_| true) {
                    self.turns.push((self.now + self.needs[&task.id].min(turn.time), task.id, turn));
                    self.queue.running.insert(task.id, Running { task, turn, since: Instant::now() });
                }
                self.most = self.most.max(self.turns.len());
                let next = self.turns.iter().enumerate().min_by_key(|(_, (end, ..))| *end);
                let Some((index, _)) = next.filter(|(_, (end, ..))| *end <= until) else { break };
                let (end, id, turn) = self.turns.remove(index);
                self.now = end;
                let task = self.queue.leave(id, self.needs[&id].min(turn.time)).expect("it ran");
                match turn.after().filter(|_| self.needs[&id] > turn.time) {
                    Some(had) => self.queue.put(Waiting { task, had, earlier: None }, turn.round + 1),
                    None => _ = self.over.insert(task.job.name, end),
                }
            }
            self.now = until;
        }

        fn over(&self, name: &str) -> Option<Duration> {
            self.over.get(name).copied()
        }
    }

    #[test]
    fn what_is_quick_is_done_within_two_seconds_whatever_else_runs() {
        for room in 1..=3 {
            for budget in [2, 10, 60, 600, 36_000].map(|seconds| SECOND * seconds) {
                let mut world = World::new(room);
                for hard in ["one", "two", "three"] {
                    world.come(hard, 1, budget, SECOND * 99_999);
                }
                world.come("many", 50, budget, SECOND * 99_999);
                for (index, at) in [0, 400, 700, 5_000, 40_000, 100_000].into_iter().enumerate() {
                    let at = Duration::from_millis(at);
                    world.pass(at);
                    world.come(&format!("quick{index}"), 1, budget, SECOND / 20);
                }
                world.pass(SECOND * 105);
                for (index, at) in [0, 400, 700, 5_000, 40_000, 100_000].into_iter().enumerate() {
                    let name = format!("quick{index}(i = 0)");
                    let took = world.over(&name).map(|over| over.saturating_sub(Duration::from_millis(at)));
                    // One thread has the first turns of all the lines above, too.
                    let most = SECOND * 2 + SECOND / 2 * u32::from(room == 1);
                    assert!(took.is_some_and(|took| took <= most), "{name}, {room}, {budget:?}: {took:?}");
                }
                assert!(world.most <= room + 4, "{room}, {budget:?}: {}", world.most);
            }
        }
    }

    #[test]
    fn no_property_waits_for_all_instances_of_another() {
        let mut world = World::new(2);
        world.come("many", 400, SECOND * 60, SECOND * 99_999);
        world.come("medium", 1, SECOND * 60, SECOND * 3);
        world.pass(SECOND * 30);
        assert!(world.over("medium(i = 0)") < Some(SECOND * 20) && world.over.len() == 1, "{:?}", world.over);
        // A hard property that comes late gets its share, and no more.
        world.come("late", 8, SECOND * 60, SECOND * 99_999);
        let used = |world: &World, name: &str| world.queue.lines.iter().find(|l| &*l.property == name).unwrap().used;
        let before = used(&world, "many");
        world.pass(SECOND * 230);
        let (many, late) = (used(&world, "many") - before, used(&world, "late") - before);
        assert!(many > SECOND * 100 && late > SECOND * 100, "{many:?}, {late:?}");
    }

    #[test]
    fn what_is_edited_goes_first_and_leaves_a_thread_to_the_others() {
        let mut world = World::new(2);
        world.come("other", 4, SECOND * 60, SECOND / 5);
        world.come("edited", 4, SECOND * 60, SECOND * 99_999);
        world.queue.prefer(Path::new("/nowhere/spec.qnn"), Some("edited".into()));
        world.pass(Duration::ZERO);
        let running = |world: &World| {
            let mut names: Vec<&str> =
                world.queue.running.values().map(|running| &*running.task.job.property).collect();
            names.sort_unstable();
            names.join(" ")
        };
        assert_eq!(running(&world), "edited other");
        world.pass(SECOND);
        assert_eq!((world.over.len(), running(&world).as_str()), (4, "edited edited"));
    }

    #[test]
    fn who_keeps_nobody_waiting_has_all_the_budget_at_once() {
        let mut world = World::new(2);
        world.come("one", 1, SECOND * 60, SECOND * 50);
        world.come("two", 1, SECOND * 60, SECOND * 50);
        world.pass(SECOND * 99);
        assert_eq!([world.over("one(i = 0)"), world.over("two(i = 0)")], [Some(SECOND * 50); 2]);
        assert!(world.queue.is_idle() && world.most == 2);
    }

    #[test]
    fn budgets_of_nothing_take_no_threads() {
        let mut world = World::new(1);
        world.come("nothing", 100, Duration::ZERO, SECOND);
        world.pass(SECOND);
        assert_eq!((world.over.len(), world.most), (100, 1));
    }
}
