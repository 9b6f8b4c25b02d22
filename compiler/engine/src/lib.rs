//! Engines: whatever decides obligations.
//!
//! In: an [`Obligation`], a [`Control`] with the budget. Out: an [`Answer`]. Engines run on owned data on their own
//! threads; they know no database, no spec and no file. An engine's assignment counts only after [`Obligation::replay`] accepted it,
//! which the callers in this room see to.

pub mod attack;
pub mod branch_and_bound;
#[cfg(test)]
mod certificate_tests;
#[cfg(test)]
mod deadline_tests;
pub mod enumerate;
pub mod form;
pub mod interval;
pub mod measure;
pub mod portfolio;
pub mod presolve;
pub mod relaxation;
#[cfg(test)]
mod seed_tests;
pub mod simplex;
pub mod smt;

use measure::MeasureAnswer;
use qnn_ir::interrupt;
use qnn_ir::obligation::{Assignment, Objective, Obligation, Replay};
use qnn_proof::Certificate;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

pub use branch_and_bound::{Nets, Search};

/// Asks an engine to stop; clones share the flag.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<Flag>);

#[derive(Debug, Default)]
struct Flag {
    cancelled: AtomicBool,
    /// Whoever cancels the parent cancels this one too.
    parent: Option<CancelToken>,
}

impl CancelToken {
    /// A token that nobody has cancelled.
    pub fn new() -> CancelToken {
        CancelToken::default()
    }

    /// Asks everyone who holds a clone to stop.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::SeqCst);
    }

    /// Whether somebody asked.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::SeqCst) || self.0.parent.as_ref().is_some_and(CancelToken::is_cancelled)
    }

    /// A token that is cancelled with this one, or by itself without this one noticing.
    pub fn child(&self) -> CancelToken {
        CancelToken(Arc::new(Flag { cancelled: AtomicBool::new(false), parent: Some(self.clone()) }))
    }
}

/// What an engine may spend, and how it hears that it must stop.
#[derive(Clone, Debug, Default)]
pub struct Control {
    /// When to give up, by `clock`; `None` for never.
    pub deadline: Option<Instant>,
    /// The time that counts.
    pub clock: Clock,
    /// Set when the answer is no longer wanted.
    pub cancel: CancelToken,
    /// The most memory for one query, in bytes; `None` for the engine's default.
    pub memory: Option<u64>,
    /// Cores that nobody else has a use for, or that others would lend.
    pub spare: Cores,
    /// Hears how far the engine is.
    pub meter: Meter,
    /// The networks that were searched last.
    pub nets: Nets,
}

/// A clock that stands still while who is timed waits for others; clones share it.
#[derive(Clone, Debug)]
pub struct Clock {
    /// When it was made.
    origin: Instant,
    /// What was waited, in nanoseconds; while it stands still, [`STANDING`] and what it shows, in nanoseconds since it was made.
    state: Arc<AtomicU64>,
    /// How often the clock was asked, and the question from which on a day has passed.
    #[cfg(test)]
    questions: Option<(Arc<AtomicU64>, u64)>,
}

/// The mark of a clock that stands still.
const STANDING: u64 = 1 << 63;

impl Default for Clock {
    fn default() -> Clock {
        Clock {
            origin: Instant::now(),
            state: Arc::default(),
            #[cfg(test)]
            questions: None,
        }
    }
}

impl Clock {
    /// A clock on which a day passes once it has been asked so many times.
    #[cfg(test)]
    pub fn jumping(after: u64) -> Clock {
        Clock { questions: Some((Arc::default(), after)), ..Clock::default() }
    }

    /// How often a jumping clock was asked.
    #[cfg(test)]
    pub fn questions(&self) -> u64 {
        self.questions.as_ref().map_or(0, |(count, _)| count.load(Ordering::Relaxed))
    }

    /// The time, less what was waited.
    pub fn now(&self) -> Instant {
        let now = Instant::now();
        #[cfg(test)]
        if let Some((count, after)) = &self.questions
            && count.fetch_add(1, Ordering::Relaxed) >= *after
        {
            return now + Duration::from_secs(24 * 3600);
        }
        match self.state.load(Ordering::Relaxed) {
            waited if waited & STANDING == 0 => now.checked_sub(Duration::from_nanos(waited)).unwrap_or(now),
            standing => self.origin + Duration::from_nanos(standing & !STANDING),
        }
    }

    /// How long it is since then.
    pub fn since(&self, start: Instant) -> Duration {
        self.now().saturating_duration_since(start)
    }

    /// Waits for something, for which no time passes. Who waits while another does leaves the clock to that one.
    pub fn pause(&self, wait: impl FnOnce()) {
        let age = || u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX) & !STANDING;
        let stop = |state: u64| (state & STANDING == 0).then(|| STANDING | age().saturating_sub(state));
        let stopped = self.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, stop).is_ok();
        wait();
        if stopped {
            let shown = self.state.load(Ordering::Relaxed) & !STANDING;
            self.state.store(age().saturating_sub(shown), Ordering::Relaxed);
        }
    }
}

/// Cores to be had for the taking or for the asking; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Cores(Arc<(Mutex<Pool>, Condvar)>);

#[derive(Debug, Default)]
struct Pool {
    /// Cores that nobody has a use for, but who took them.
    on_offer: usize,
    /// Those that are taken.
    taken: usize,
    /// Who asks for another's core, by number, and whether it was lent.
    requests: Vec<(u64, bool)>,
    /// The last request's number.
    last: u64,
}

/// A core taken from [`Cores`]; it goes back when dropped.
#[derive(Debug)]
pub struct Core(Cores);

/// A wish for a core that is busy; it ends, and what was lent goes back, when dropped.
#[derive(Debug)]
pub struct CoreRequest(Cores, u64);

impl Cores {
    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more core.
    pub fn add(&self) {
        self.pool().on_offer += 1;
    }

    /// So many cores from now on, those that are taken included: if it is fewer than these, some are wanted back.
    pub fn offer(&self, count: usize) {
        self.pool().on_offer = count;
    }

    /// A core, if one is left.
    pub fn take(&self) -> Option<Core> {
        let mut pool = self.pool();
        (pool.taken < pool.on_offer).then(|| {
            pool.taken += 1;
            Core(self.clone())
        })
    }

    /// Asks whoever has one between two questions to lend it; `None` while nobody has heard another's request.
    pub fn ask(&self) -> Option<CoreRequest> {
        let mut pool = self.pool();
        if pool.requests.iter().any(|(_, lent)| !lent) {
            return None;
        }
        pool.last += 1;
        let number = pool.last;
        pool.requests.push((number, false));
        Some(CoreRequest(self.clone(), number))
    }

    /// Lends the caller's core to somebody who has asked for one, and waits until it is not needed any more, or who waits is cancelled.
    pub fn lend(&self, cancel: &CancelToken) {
        let mut pool = self.pool();
        if let Some((number, lent)) = pool.requests.iter_mut().find(|(_, lent)| !lent) {
            let number = *number;
            *lent = true;
            while pool.requests.iter().any(|(other, _)| *other == number) && !cancel.is_cancelled() {
                pool = self.0.1.wait_timeout(pool, WAIT).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }
}

/// How often who has lent a core looks whether it is cancelled.
const WAIT: Duration = Duration::from_millis(20);

impl CoreRequest {
    /// Whether somebody lends a core.
    pub fn is_heard(&self) -> bool {
        self.0.pool().requests.contains(&(self.1, true))
    }
}

impl Drop for CoreRequest {
    fn drop(&mut self) {
        self.0.pool().requests.retain(|(number, _)| *number != self.1);
        self.0.0.1.notify_all();
    }
}

impl Core {
    /// Whether there is another use for it now.
    pub fn is_wanted(&self) -> bool {
        let pool = self.0.pool();
        pool.taken > pool.on_offer
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.0.pool().taken -= 1;
    }
}

/// How much of a search is done, from 0 to less than 1: that all of it is done, the answer says. It never goes back. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<AtomicU64>);

/// The greatest share that a meter shows: sums of many small shares are rounded.
const NEARLY_ALL: f64 = 1.0 - 1e-9;

impl Meter {
    /// Says that so much is done.
    pub fn reach(&self, share: f64) {
        // Numbers that are not negative are in the order of their bits.
        self.0.fetch_max(share.clamp(0.0, NEARLY_ALL).to_bits(), Ordering::Relaxed);
    }

    /// How much is done.
    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

impl Control {
    /// A control with a budget from now on.
    pub fn with_budget(budget: Duration) -> Control {
        Control { deadline: Instant::now().checked_add(budget), ..Control::default() }
    }

    /// Why to stop now, if there is a reason.
    pub fn stop(&self) -> Option<Reason> {
        if self.cancel.is_cancelled() {
            Some(Reason::Cancelled)
        } else if self.deadline.is_some_and(|deadline| self.clock.now() >= deadline) {
            Some(Reason::Timeout)
        } else {
            None
        }
    }
}

/// An engine that is asked to stop does so by itself within this time, and keeps what it knows; then it is interrupted.
const GRACE: Duration = Duration::from_millis(40);

impl Control {
    /// The same with an earlier deadline: a share of the time that is left, one part of so many and at most so long, is for something else.
    pub fn leaving(&self, part: u32, most: Duration) -> Control {
        let reserved = |deadline: Instant| {
            let left = deadline.saturating_duration_since(self.clock.now());
            deadline.checked_sub((left / part).min(most)).unwrap_or(deadline)
        };
        Control { deadline: self.deadline.map(reserved), ..self.clone() }
    }

    /// Runs a part of an engine, which is interrupted soon after there is a reason to stop, wherever it is.
    ///
    /// # Errors
    /// With the reason, if it was interrupted.
    pub fn bound<T>(&self, part: impl FnOnce() -> T) -> Result<T, Reason> {
        let (control, cancelled) = (self.clone(), OnceLock::new());
        let overdue = move || {
            let now = control.clock.now();
            control.deadline.is_some_and(|deadline| now.saturating_duration_since(deadline) >= GRACE)
                || control.cancel.is_cancelled()
                    && now.saturating_duration_since(*cancelled.get_or_init(|| now)) >= GRACE
        };
        interrupt::until(overdue, part).map_err(|_| self.stop().unwrap_or(Reason::Timeout))
    }
}

/// What an engine found.
#[derive(Clone, Debug)]
pub enum Answer {
    /// No assignment answers the obligation: the property instance is proved.
    None(Trust),
    /// This assignment does; not yet replayed.
    Some(Assignment),
    /// Undecided.
    Unknown(Reason),
}

/// What a `proved` rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Trust {
    /// Exact integer intervals, re-computable in one pass.
    Interval,
    /// The word of a solver.
    Solver {
        /// Its name and version: `Z3 4.8.12`.
        name: String,
        /// It is the store that says so: nothing of it could be checked again.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        remembered: bool,
    },
    /// A certificate that [`qnn_proof::check`] accepted, which knows no engine.
    Certificate {
        /// The steps of its trees.
        steps: usize,
        /// The proof itself, on its way from the engine; results and the store keep it beside the verdict.
        #[serde(skip)]
        certificate: Option<Arc<Certificate>>,
    },
}

impl Trust {
    /// What a certificate proves, once it has been checked.
    pub fn certified(certificate: Certificate) -> Trust {
        Trust::Certificate { steps: certificate.steps(), certificate: Some(Arc::new(certificate)) }
    }
}

/// A few words: `a certificate of 3 steps, checked`.
impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trust::Interval => f.write_str("exact integer intervals"),
            Trust::Solver { name, remembered: false } => write!(f, "the word of {name}"),
            Trust::Solver { name, remembered: true } => {
                write!(f, "the word of {name}, remembered and not checked again")
            }
            Trust::Certificate { steps: 1, .. } => f.write_str("a certificate of 1 step, checked"),
            Trust::Certificate { steps, .. } => write!(f, "a certificate of {steps} steps, checked"),
        }
    }
}

/// Why an engine gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "detail")]
pub enum Reason {
    /// The deadline passed.
    Timeout,
    /// The caller asked to stop.
    Cancelled,
    /// The memory limit was reached.
    Memory,
    /// The engine can't decide this one, and says why.
    Incomplete(String),
    /// Something is wrong with the engine itself: a counterexample that does not replay, a panic.
    Internal(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Timeout => f.write_str("the time is up"),
            Reason::Cancelled => f.write_str("cancelled"),
            Reason::Memory => f.write_str("the memory limit was reached"),
            Reason::Incomplete(why) => f.write_str(why),
            Reason::Internal(why) => write!(f, "internal error: {why}"),
        }
    }
}

/// The engines that a spec or the command line can ask for; `auto` is the portfolio.
pub const NAMES: &[&str] = &["auto", "interval", "attack", "search", "enumerate", "smt"];

/// Something that decides obligations.
pub trait Engine: Send + Sync {
    /// The name for `--engine` and for results.
    fn name(&self) -> &'static str;

    /// Whether it has any hope with what is like this: others are not kept from it by one that has none.
    fn is_for(&self, _obligation: &Obligation) -> bool {
        true
    }

    /// How long it waits for the first of the engines that run side by side; `None` until that has given up.
    fn wait(&self, obligation: &Obligation) -> Option<Duration> {
        portfolio::is_small(&obligation.graph).then_some(portfolio::HEAD_START)
    }

    /// Decides the obligation or says why not. Never panics on a well-formed obligation, and returns within a tenth of a second once `control` says stop.
    fn solve(&self, obligation: &Obligation, control: &Control) -> Answer;

    /// Searches for the objective's maximum from a first value and its assignment on, where the engine has a better way than asking for
    /// thresholds; `on_progress` hears the best found and the best proved whenever one of them changes. What it says is replayed and
    /// checked already.
    fn maximize(
        &self,
        _objective: &Objective,
        _start: (i128, Assignment),
        _control: &Control,
        _on_progress: &mut (dyn FnMut(Option<i128>, i128) + Send),
    ) -> Option<MeasureAnswer> {
        None
    }
}

/// Why an assignment that meets what engines are asked is no answer.
pub fn close() -> Reason {
    let why = "a real-valued network is nearer to a threshold somewhere than its enclosure by integers can tell";
    Reason::Incomplete(why.to_owned())
}

/// A check that takes no longer than this is finished although the time is up: what was found is not lost then.
const NEARLY: Duration = Duration::from_millis(30);

/// The answer, once its assignment has passed the reference interpreter and its certificate the checker: nothing that does
/// not leaves this room.
pub fn replayed(obligation: &Obligation, engine: &str, answer: Answer, control: &Control) -> Answer {
    control.bound(|| replayed_within(obligation, engine, answer, control)).unwrap_or_else(Answer::Unknown)
}

fn replayed_within(obligation: &Obligation, engine: &str, answer: Answer, control: &Control) -> Answer {
    match answer {
        Answer::Some(assignment) => match obligation.replay(&assignment) {
            Replay::Holds(_) => Answer::Some(assignment),
            Replay::Close => Answer::Unknown(close()),
            Replay::Fails(why) => {
                Answer::Unknown(Reason::Internal(format!("a counterexample of {engine} does not replay: {why}")))
            }
        },
        Answer::None(Trust::Certificate { certificate: Some(certificate), steps }) => {
            let cores: Vec<Core> = std::iter::from_fn(|| control.spare.take()).collect();
            let begun = Instant::now();
            let stop = || control.stop().is_some() && begun.elapsed() > NEARLY;
            match qnn_proof::check_until(obligation, &certificate, 1 + cores.len(), &stop) {
                Ok(None) => Answer::Unknown(control.stop().unwrap_or(Reason::Timeout)),
                Ok(Some(_)) => Answer::None(Trust::Certificate { certificate: Some(certificate), steps }),
                Err(rejection) => {
                    Answer::Unknown(Reason::Internal(format!("a certificate of {engine} is rejected: {rejection}")))
                }
            }
        }
        Answer::None(Trust::Certificate { certificate: None, .. }) => {
            Answer::Unknown(Reason::Internal(format!("{engine} claims a certificate that it does not show")))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_never_says_all() {
        let meter = Meter::default();
        for share in [0.3, 0.999_999, 1.0, 2.0, 0.5] {
            meter.reach(share);
            assert!(meter.get() < 1.0 && meter.get() >= share.min(0.99), "{share}");
        }
    }

    #[test]
    fn what_is_wanted_back_is_no_longer_to_be_had() {
        let cores = Cores::default();
        assert!(cores.take().is_none());
        cores.add();
        let core = cores.take().expect("one is there");
        assert!(cores.take().is_none() && !core.is_wanted());
        cores.offer(0);
        assert!(core.is_wanted());
        drop(core);
        assert!(cores.take().is_none());
        cores.offer(1);
        assert!(cores.take().is_some_and(|core| !core.is_wanted()));
    }

    #[test]
    fn who_lends_a_core_gets_it_back() {
        let (cores, cancel) = (Cores::default(), CancelToken::default());
        // Nobody asks: nobody waits.
        cores.lend(&cancel);
        let request = cores.ask().expect("nobody else asks");
        assert!(!request.is_heard());
        assert!(cores.ask().is_none(), "one after the other");
        std::thread::scope(|scope| {
            let lender = scope.spawn(|| cores.lend(&cancel));
            while !request.is_heard() {
                std::thread::yield_now();
            }
            assert!(!lender.is_finished());
            assert!(cores.take().is_none(), "a lent core is for who asked");
            drop(request);
            assert!(lender.join().is_ok());
        });
    }

    #[test]
    fn who_waits_is_not_charged_and_can_be_cancelled() {
        let (cores, cancel) = (Cores::default(), CancelToken::default());
        let request = cores.ask();
        let control = Control { cancel: cancel.clone(), ..Control::with_budget(Duration::from_secs(3600)) };
        let start = Instant::now();
        std::thread::scope(|scope| {
            let lender = scope.spawn(|| control.clock.pause(|| cores.lend(&control.cancel)));
            while !request.as_ref().is_some_and(CoreRequest::is_heard) {
                std::thread::yield_now();
            }
            assert!(!lender.is_finished());
            // The clock stands still meanwhile, not only afterwards.
            let shown = control.clock.now();
            std::thread::sleep(Duration::from_millis(2));
            assert_eq!(control.clock.now(), shown);
            cancel.cancel();
            assert!(lender.join().is_ok());
        });
        let shown = control.clock.now();
        assert!(shown < Instant::now() && shown >= start);
        std::thread::sleep(Duration::from_millis(2));
        assert!(control.clock.now() > shown, "it goes on");
    }
}
