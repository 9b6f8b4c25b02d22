//! The driver of Z3: a formula to a verdict, on a thread of its own, under our own clock.
//!
//! In: an [`Encoding`] and a [`Control`]. Out: unsatisfiable, a model, or why neither. Z3's own `timeout` is not relied upon: a
//! watchdog interrupts, again and again until the worker acknowledges. Z3 has no memory limit for one query either, and its
//! global one kills queries at random: the watchdog compares what Z3 holds with the sum of the running queries' limits and
//! interrupts the oldest if it is exceeded. A panic in the binding ends as [`Reason::Internal`].

use super::encode::Encoding;
use super::term::{Node, Term};
use crate::{Control, Reason};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use z3::ast::{BV, Bool};
use z3::{ContextHandle, Params, SatResult, Solver, Tactic};

/// How often the watchdog looks.
const POLL: Duration = Duration::from_millis(5);
/// How long a caller waits for a worker that was asked to stop. Z3 was seen to go on for five seconds; it is still being
/// interrupted while the caller has its answer already, see [`settle`].
const GRACE: Duration = Duration::from_millis(30);
/// The most memory for a query that says nothing else.
const DEFAULT_MEMORY: u64 = 4 << 30;

/// How Z3 goes about a formula.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Z3's own choice for the logic.
    Automatic,
    /// Simplify, solve equations, expand into bits, SAT.
    #[default]
    BitBlast,
}

/// What Z3 found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No model.
    Unsatisfiable,
    /// A model: the value of every free variable of the formula.
    Satisfiable(HashMap<Term, u128>),
}

/// The solver's name and version: `Z3 4.8.12`.
pub fn version() -> String {
    // «4.8.12.0 build hashcode unavailable» or «Z3 5.4.1.0»; the last of the four numbers is a build's.
    let full = z3::full_version();
    let number = full.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(full);
    let short: Vec<&str> = number.split('.').take(3).collect();
    format!("Z3 {}", short.join("."))
}

/// Decides a formula.
///
/// # Errors
/// If the time or the memory is up, the caller cancels, Z3 gives up or fails.
pub fn check(encoding: &Arc<Encoding>, strategy: Strategy, control: &Control) -> Result<Verdict, Reason> {
    let (encoding, own) = (encoding.clone(), control.clone());
    supervised(control, move |done| run(&encoding, strategy, &own, done))
}

/// Runs a query on a worker's thread, within the time and the memory that `control` says. The query holds on to what it is given for as long as it uses Z3.
///
/// # Errors
/// If the time or the memory is up, the caller cancels, or the query fails.
pub(super) fn supervised<T: Send + Sync + 'static>(
    control: &Control,
    query: impl FnOnce(Sender<()>) -> Result<T, Reason> + Send + Sync + 'static,
) -> Result<T, Reason> {
    if let Some(reason) = control.stop() {
        return Err(reason);
    }
    let (sender, receiver) = channel();
    let caller = control;
    let control = control.clone();
    on_worker(Box::new(move || {
        let work = || z3::with_z3_config(&z3::Config::new(), || work(query, &control));
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        let healthy = result.is_ok();
        let result = result.unwrap_or_else(|panic| {
            // An interrupt can make a builder return nothing, which the binding takes for a bug.
            Err(control.stop().unwrap_or_else(|| Reason::Internal(format!("Z3: {}", message(&*panic)))))
        });
        // The caller may have left.
        let _ = sender.send(result);
        healthy
    }))?;
    let mut asked: Option<Instant> = None;
    loop {
        match receiver.recv_timeout(POLL) {
            Ok(result) => return result,
            Err(RecvTimeoutError::Disconnected) => return Err(Reason::Internal("Z3's thread vanished".to_owned())),
            Err(RecvTimeoutError::Timeout) => {
                if let Some(reason) = caller.stop()
                    && asked.get_or_insert_with(Instant::now).elapsed() > GRACE
                {
                    return Err(reason);
                }
            }
        }
    }
}

/// Waits until no worker is busy, at most so long; says whether none is. To be called before the process ends: Z3's library takes its
/// memory down at exit, under the feet of a worker that still runs.
pub fn settle(longest: Duration) -> bool {
    let start = Instant::now();
    while !queries().limits.is_empty() {
        if start.elapsed() > longest {
            return false;
        }
        std::thread::sleep(POLL);
    }
    true
}

/// Something for a worker to do; says whether the worker is still good for another one.
type Job = Box<dyn FnOnce() -> bool + Send>;

/// The workers that have nothing to do.
static IDLE: Mutex<Vec<Sender<Job>>> = Mutex::new(Vec::new());

/// Runs a job on an idle worker, or on a new one. Workers live on: Z3 counts its memory by threads and forgets the last hundred kilobytes or so
/// of a thread that ends, so a thread for each query would make its books drift by gigabytes in a day's work.
fn on_worker(mut job: Job) -> Result<(), Reason> {
    let idle = || IDLE.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let Some(worker) = idle().pop() else { break };
        match worker.send(job) {
            Ok(()) => return Ok(()),
            Err(returned) => job = returned.0,
        }
    }
    let (sender, receiver) = channel::<Job>();
    let worker = move || {
        let mut next = Some(job);
        while let Some(job) = next {
            if !job() {
                return;
            }
            idle().push(sender.clone());
            next = receiver.recv().ok();
        }
    };
    let thread = std::thread::Builder::new().name("z3".to_owned()).stack_size(64 << 20).spawn(worker);
    thread.map(|_| ()).map_err(|error| Reason::Incomplete(format!("no thread for Z3: {error}")))
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_else(|| "panic".to_owned())
}

/// Runs on the worker's thread, whose context no other thread uses.
fn work<T>(query: impl FnOnce(Sender<()>) -> Result<T, Reason>, control: &Control) -> Result<T, Reason> {
    let context = z3::Context::thread_local();
    let place = QuerySlot::new(control.memory.unwrap_or(DEFAULT_MEMORY));
    let stopped = AtomicU8::new(RUNNING);
    let (done, wait) = channel::<()>();
    let handle = context.handle();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Moved in, so that both end with this thread.
            let (wait, handle) = (wait, handle);
            watch(&wait, &handle, control, &place, &stopped);
        });
        let result = query(done);
        match (stopped.load(Ordering::SeqCst), result) {
            // An answer that came just before the interrupt still counts.
            (_, Ok(answer)) => Ok(answer),
            (RUNNING, Err(reason)) => Err(reason),
            (OUT_OF_MEMORY, Err(_)) => Err(Reason::Memory),
            (_, Err(reason)) => Err(control.stop().unwrap_or(reason)),
        }
    })
}

const RUNNING: u8 = 0;
const STOPPED: u8 = 1;
const OUT_OF_MEMORY: u8 = 2;

/// Interrupts when it must, until the worker drops its end of the channel.
fn watch(
    wait: &std::sync::mpsc::Receiver<()>,
    handle: &ContextHandle<'_>,
    control: &Control,
    place: &QuerySlot,
    stopped: &AtomicU8,
) {
    while let Err(RecvTimeoutError::Timeout) = wait.recv_timeout(POLL) {
        if control.stop().is_some() {
            let _ = stopped.compare_exchange(RUNNING, STOPPED, Ordering::SeqCst, Ordering::SeqCst);
        } else if place.is_to_blame() {
            let _ = stopped.compare_exchange(RUNNING, OUT_OF_MEMORY, Ordering::SeqCst, Ordering::SeqCst);
        }
        if stopped.load(Ordering::SeqCst) != RUNNING {
            handle.interrupt();
        }
    }
}

/// The running queries. Z3 counts its memory for the whole process, so that its queries are counted for the whole process, too.
static QUERIES: Mutex<Queries> = Mutex::new(Queries { limits: BTreeMap::new(), idle: 0, next: 0 });

struct Queries {
    /// Memory limits by age.
    limits: BTreeMap<u64, u64>,
    /// What Z3 held before the first of them began.
    idle: u64,
    /// The number of the next query.
    next: u64,
}

fn queries() -> MutexGuard<'static, Queries> {
    QUERIES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running query's place among the running queries.
struct QuerySlot {
    number: u64,
}

impl QuerySlot {
    fn new(limit: u64) -> QuerySlot {
        let mut queries = queries();
        let number = queries.next;
        queries.next += 1;
        if queries.limits.is_empty() {
            queries.idle = allocated();
        }
        queries.limits.insert(number, limit);
        QuerySlot { number }
    }

    /// Whether the queries together hold more than they may, and this one is the oldest: some query is above its own limit
    /// then, and nobody can say which, but with one query at a time it is that one.
    fn is_to_blame(&self) -> bool {
        let queries = queries();
        let limits = queries.limits.values().fold(0u64, |sum, limit| sum.saturating_add(*limit));
        queries.limits.first_key_value().is_some_and(|(oldest, _)| *oldest == self.number)
            && allocated().saturating_sub(queries.idle) > limits
    }
}

impl Drop for QuerySlot {
    fn drop(&mut self) {
        queries().limits.remove(&self.number);
    }
}

/// The bytes that Z3 holds in this process.
#[allow(unsafe_code)]
pub(super) fn allocated() -> u64 {
    // SAFETY: the function takes no argument and reads a counter under Z3's own lock; any thread may call it at any time.
    unsafe { z3_sys::Z3_get_estimated_alloc_size() }
}

/// Builds the formula in the thread's context and decides it; dropping `_done` at the end stops the watchdog.
fn run(encoding: &Encoding, strategy: Strategy, control: &Control, _done: Sender<()>) -> Result<Verdict, Reason> {
    let solver = match strategy {
        Strategy::Automatic => Solver::new_for_logic("QF_BV").unwrap_or_default(),
        Strategy::BitBlast => bit_blasting(),
    };
    leave_ctrl_c(&solver);
    let cone = encoding.terms.cone(&encoding.assertions);
    let mut built: HashMap<Term, Built> = HashMap::with_capacity(cone.len());
    for (count, term) in cone.iter().enumerate() {
        if count % 4096 == 0
            && let Some(reason) = control.stop()
        {
            return Err(reason);
        }
        let ast = build(encoding, *term, &built);
        built.insert(*term, ast);
    }
    for assertion in &encoding.assertions {
        solver.assert(built[assertion].bool());
    }
    match solver.check() {
        SatResult::Unsat => Ok(Verdict::Unsatisfiable),
        SatResult::Unknown => Err(gave_up(&solver)),
        SatResult::Sat => {
            let no_model = || Reason::Internal("Z3 found a model and did not give it".to_owned());
            let model = solver.get_model().ok_or_else(no_model)?;
            let mut values = HashMap::new();
            for term in cone.iter().filter(|term| matches!(encoding.terms.node(**term), Node::Variable(_))) {
                let value = model.eval(built[term].bits(), true).and_then(|value| value.as_u64());
                // Wider variables are quotients, which no model needs.
                if let Some(value) = value {
                    values.insert(*term, u128::from(value));
                }
            }
            Ok(Verdict::Satisfiable(values))
        }
    }
}

/// Z3 would replace the process's handler of Ctrl-C: one query would stop, and nothing else.
pub(super) fn leave_ctrl_c(solver: &Solver) {
    let mut own = Params::new();
    own.set_bool("ctrl_c", false);
    solver.set_params(&own);
}

/// Why a solver does not know.
pub(super) fn gave_up(solver: &Solver) -> Reason {
    let why = solver.get_reason_unknown().unwrap_or_else(|| "no reason given".to_owned());
    if why.contains("memory") { Reason::Memory } else { Reason::Incomplete(format!("Z3 gave up: {why}")) }
}

fn bit_blasting() -> Solver {
    let mut local = Params::new();
    local.set_bool("push_ite_bv", true);
    let steps = ["simplify", "propagate-values", "solve-eqs", "elim-uncnstr", "simplify", "bit-blast", "sat"];
    let tactics = steps.into_iter().map(Tactic::new).reduce(|all, next| all.and_then(&next));
    match tactics {
        Some(tactic) => tactic.solver(),
        None => Solver::new(),
    }
}

enum Built {
    Bool(Bool),
    Bits(BV),
}

impl Built {
    fn bool(&self) -> &Bool {
        match self {
            Built::Bool(bool) => bool,
            Built::Bits(_) => unreachable!("terms are well sorted"),
        }
    }

    fn bits(&self) -> &BV {
        match self {
            Built::Bits(bits) => bits,
            Built::Bool(_) => unreachable!("terms are well sorted"),
        }
    }
}

fn build(encoding: &Encoding, term: Term, built: &HashMap<Term, Built>) -> Built {
    let width = encoding.terms.width(term);
    let bool = |term: &Term| built[term].bool();
    let bits = |term: &Term| built[term].bits();
    let all = |terms: &[Term]| -> Vec<Bool> { terms.iter().map(|term| bool(term).clone()).collect() };
    match encoding.terms.node(term) {
        Node::Bool(value) => Built::Bool(Bool::from_bool(*value)),
        Node::Not(a) => Built::Bool(bool(a).not()),
        Node::And(terms) => Built::Bool(Bool::and(&all(terms))),
        Node::Or(terms) => Built::Bool(Bool::or(&all(terms))),
        Node::Eq(a, b) => Built::Bool(bits(a).eq(bits(b))),
        Node::Ule(a, b) => Built::Bool(bits(a).bvule(bits(b))),
        Node::Constant(value) => Built::Bits(constant(*value, width)),
        Node::Variable(index) => Built::Bits(BV::new_const(*index, width)),
        Node::Add(a, b) => Built::Bits(bits(a).bvadd(bits(b))),
        Node::Multiply(factor, a) => Built::Bits(constant(*factor, width).bvmul(bits(a))),
        Node::Complement(a) => Built::Bits(bits(a).bvnot()),
        Node::Concat(high, low) => Built::Bits(bits(high).concat(bits(low))),
        Node::Extract(a, low) => Built::Bits(bits(a).extract(low + width - 1, *low)),
        Node::Extend(a) => Built::Bits(bits(a).zero_ext(width - encoding.terms.width(*a))),
        Node::Choose(condition, a, b) => Built::Bits(bool(condition).ite(bits(a), bits(b))),
    }
}

fn constant(value: u128, width: u32) -> BV {
    match u64::try_from(value) {
        Ok(value) => BV::from_u64(value, width),
        Err(_) => BV::from_str(width, &value.to_string()).expect("Z3 reads decimal numbers"),
    }
}
