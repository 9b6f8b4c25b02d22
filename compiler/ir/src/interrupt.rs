//! Interruption: a long computation asks on its way whether its result is still wanted, and unwinds if it is not.
//!
//! In: a condition for all that a thread does within [`until`]. Out: the result, or [`Interrupted`]. Loops over what may be large say with
//! [`work`] how much they do; after so much work the condition is asked. Unwinding is how salsa cancels queries, too: no function on the way needs
//! an error for it. Invariant: what is interrupted owns its data, so that nothing half done is seen afterwards.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

/// The elementary operations between two questions: about a millisecond.
pub const QUANTUM: usize = 1 << 16;

/// Whether a result is no longer wanted.
pub type Condition = Arc<dyn Fn() -> bool + Send + Sync>;

thread_local! {
    static CONDITION: RefCell<Option<Condition>> = const { RefCell::new(None) };
    static CREDIT: Cell<usize> = const { Cell::new(QUANTUM) };
}

/// A computation was interrupted: it has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted;

/// Runs `f` until it ends or `stop` holds. Within it, another call's condition counts instead.
///
/// # Errors
/// [`Interrupted`] if `stop` held before `f` ended.
pub fn until<T>(stop: impl Fn() -> bool + Send + Sync + 'static, f: impl FnOnce() -> T) -> Result<T, Interrupted> {
    let scope = Scope::enter(Some(Arc::new(stop)));
    let result = catch_unwind(AssertUnwindSafe(f));
    drop(scope);
    result.or_else(|payload| match payload.downcast::<Interrupted>() {
        Ok(interrupted) => Err(*interrupted),
        Err(panic) => resume_unwind(panic),
    })
}

/// Counts a number of elementary operations; unwinds if the condition of [`until`] holds.
#[inline]
pub fn work(operations: usize) {
    CREDIT.with(|credit| match credit.get().checked_sub(operations) {
        Some(left) => credit.set(left),
        None => {
            credit.set(QUANTUM);
            ask();
        }
    });
}

/// Unwinds if the condition of [`until`] holds.
#[cold]
pub fn ask() {
    let condition = CONDITION.with(|condition| condition.borrow().clone());
    // A destructor that runs while a thread unwinds must not unwind itself.
    if condition.is_some_and(|stop| stop()) && !std::thread::panicking() {
        resume_unwind(Box::new(Interrupted));
    }
}

/// The condition of a thread, for the threads that it starts.
#[derive(Clone)]
pub struct Inherited(Option<Condition>);

/// The condition of this thread.
pub fn inherited() -> Inherited {
    Inherited(CONDITION.with(|condition| condition.borrow().clone()))
}

impl Inherited {
    /// Runs `f` under the condition.
    ///
    /// # Errors
    /// [`Interrupted`] if it held before `f` ended.
    pub fn run<T>(self, f: impl FnOnce() -> T) -> Result<T, Interrupted> {
        match self.0 {
            Some(stop) => until(move || stop(), f),
            None => Ok(f()),
        }
    }
}

impl Interrupted {
    /// Interrupts this thread, too.
    pub fn unwind(self) -> ! {
        resume_unwind(Box::new(self))
    }
}

/// Puts the outer condition back when dropped.
struct Scope(Option<Condition>);

impl Scope {
    fn enter(condition: Option<Condition>) -> Scope {
        Scope(CONDITION.with(|current| current.replace(condition)))
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        CONDITION.with(|current| current.replace(self.0.take()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Works for ever.
    fn endless() {
        loop {
            work(100);
        }
    }

    #[test]
    fn work_ends_once_the_condition_holds() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        assert_eq!(until(move || count.fetch_add(1, Ordering::SeqCst) >= 2, endless), Err(Interrupted));
        assert_eq!(asked.load(Ordering::SeqCst), 3);
        // The condition is gone.
        (0..3 * QUANTUM).for_each(|_| work(1));
        assert_eq!(until(|| false, || (0..3 * QUANTUM).for_each(|_| work(1))), Ok(()));
    }

    #[test]
    fn the_inner_condition_counts() {
        let inner = until(|| true, || until(|| false, || (0..3 * QUANTUM).for_each(|_| work(1))));
        assert_eq!(inner, Ok(Ok(())));
        assert_eq!(until(|| false, || until(|| true, endless)), Ok(Err(Interrupted)));
    }

    #[test]
    fn other_threads_are_interrupted_alike() {
        let inherit = || {
            let inherited = inherited();
            std::thread::spawn(move || inherited.run(endless)).join().unwrap()
        };
        assert_eq!(until(|| true, inherit), Ok(Err(Interrupted)));
    }

    #[test]
    fn panics_stay_panics() {
        let panicked = catch_unwind(|| until(|| false, || resume_unwind(Box::new("on purpose"))));
        assert!(panicked.is_err_and(|panic| panic.downcast_ref() == Some(&"on purpose")));
    }
}
