//! The clock of budgets, which stands still while a thread has lent its core.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A clock that stands still while the timed thread waits for others; clones share it.
#[derive(Clone, Debug)]
pub struct Clock {
    /// When it was made.
    origin: Instant,
    /// The time waited, in nanoseconds. While the clock stands still: [`STANDING`] and the time shown, in nanoseconds since `origin`.
    state: Arc<AtomicU64>,
    /// How often the clock was read, and the reading from which on a day has passed.
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
    /// A clock on which a day passes once it has been read `after` times.
    #[cfg(test)]
    pub fn jumping(after: u64) -> Clock {
        Clock { questions: Some((Arc::default(), after)), ..Clock::default() }
    }

    /// How often a jumping clock was read.
    #[cfg(test)]
    pub fn questions(&self) -> u64 {
        self.questions.as_ref().map_or(0, |(count, _)| count.load(Ordering::Relaxed))
    }

    /// The time, less the time waited.
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

    /// Runs `wait`, during which the clock stands still. Where several threads wait, it stands still for the first of them.
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
