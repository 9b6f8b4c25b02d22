//! The time that this thread has had a processor: what is bounded by it does not depend on what else the machine does.

use std::time::{Duration, Instant};

/// A moment of this thread; [`Stopwatch::elapsed`] is processor time since then where Linux tells it, else time on the wall.
pub struct Stopwatch {
    processor: Option<Duration>,
    wall: Instant,
}

impl Stopwatch {
    pub fn start() -> Stopwatch {
        Stopwatch { processor: of_thread(), wall: Instant::now() }
    }

    pub fn elapsed(&self) -> Duration {
        match (self.processor, of_thread()) {
            (Some(begin), Some(end)) => end.saturating_sub(begin),
            _ => self.wall.elapsed(),
        }
    }
}

/// The first field of `schedstat`: nanoseconds on a processor.
fn of_thread() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(stat.split(' ').next()?.parse().ok()?))
}
