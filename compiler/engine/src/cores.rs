//! Spare cores, and the lending of busy ones.
//!
//! A worker takes a spare core where there is one. Where there is none, it may *request* one: a thread that is about to wait anyway *lends* its own until
//! the request is dropped. Invariant: there is at most one request that is not granted.

use crate::CancelToken;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The spare cores and the requests for busy ones; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Cores(Arc<(Mutex<Pool>, Condvar)>);

#[derive(Debug, Default)]
pub(crate) struct Pool {
    /// Spare cores, those that are taken included.
    on_offer: usize,
    /// The cores that are taken.
    taken: usize,
    /// The requests by number, and whether a core was lent for it.
    pub(crate) requests: Vec<(u64, bool)>,
    /// The last request's number.
    last: u64,
}

/// A core taken from [`Cores`]; it goes back when dropped.
#[derive(Debug)]
pub struct Core(Cores);

/// A request for a busy core. Dropping it returns the core that was lent.
#[derive(Debug)]
pub struct CoreRequest(Cores, u64);

impl Cores {
    pub(crate) fn pool(&self) -> MutexGuard<'_, Pool> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more core.
    pub fn add(&self) {
        self.pool().on_offer += 1;
    }

    /// Sets the number of spare cores, those that are taken included. If more are taken, [`Core::is_wanted`] reclaims them.
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

    /// Requests a busy core; `None` while another request waits for one.
    pub fn request(&self) -> Option<CoreRequest> {
        let mut pool = self.pool();
        if pool.requests.iter().any(|(_, lent)| !lent) {
            return None;
        }
        pool.last += 1;
        let number = pool.last;
        pool.requests.push((number, false));
        Some(CoreRequest(self.clone(), number))
    }

    /// Lends the caller's core to the request that waits, if there is one, and returns once that is dropped or `cancel` is set.
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

/// How often a thread that has lent its core looks whether it is cancelled.
const WAIT: Duration = Duration::from_millis(20);

impl CoreRequest {
    /// Whether a core was lent.
    pub fn is_granted(&self) -> bool {
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
    /// Whether it is reclaimed: more cores are taken than there are spare ones.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Control;
    use std::time::Instant;

    #[test]
    fn a_reclaimed_core_is_not_spare() {
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
    fn a_lent_core_is_returned() {
        let (cores, cancel) = (Cores::default(), CancelToken::default());
        // Without a request no thread waits.
        cores.lend(&cancel);
        let request = cores.request().expect("there is no other request");
        assert!(!request.is_granted());
        assert!(cores.request().is_none(), "one after the other");
        std::thread::scope(|scope| {
            let lender = scope.spawn(|| cores.lend(&cancel));
            while !request.is_granted() {
                std::thread::yield_now();
            }
            assert!(!lender.is_finished());
            assert!(cores.take().is_none(), "a lent core belongs to the request");
            drop(request);
            assert!(lender.join().is_ok());
        });
    }

    #[test]
    fn the_clock_stands_still_while_a_core_is_lent() {
        let (cores, cancel) = (Cores::default(), CancelToken::default());
        let request = cores.request();
        let control = Control { cancel: cancel.clone(), ..Control::with_budget(Duration::from_secs(3600)) };
        let start = Instant::now();
        std::thread::scope(|scope| {
            let lender = scope.spawn(|| control.clock.pause(|| cores.lend(&control.cancel)));
            while !request.as_ref().is_some_and(CoreRequest::is_granted) {
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
