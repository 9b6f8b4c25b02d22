//! Live progress: one bar over everything, and below it a line for each instance that is being worked on.
//!
//! On standard error, and only on a terminal. Whatever is printed meanwhile goes through [`Live::pause`], so that the
//! display and the lines don't overwrite each other. It is a single bar of several lines: bars that come and go
//! leave traces on the screen.

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use qnn::report::sentences::duration;
use qnn::verify::percent;
use qnn::verify::verdict::Number;
use qnn::verify::{Finding, Job, Progress, Verdict};
#[cfg(unix)]
use rustix::process::getpgrp;
#[cfg(unix)]
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The lines for running instances; more run unseen.
const MOST_LINES: usize = 12;
/// An instance that takes less is never seen.
const PATIENCE: Duration = Duration::from_millis(300);

/// The display; nothing at all where there is no terminal.
pub struct Live {
    bar: Option<ProgressBar>,
    running: Arc<Mutex<BTreeMap<usize, Running>>>,
    proved: usize,
    violated: usize,
    other: usize,
}

/// An instance that is being worked on.
struct Running {
    name: String,
    since: Instant,
    /// What it has had of its budget, as it was last told: it stands still while it waits for others. Nothing is shown before.
    elapsed: Option<Duration>,
    budget: Duration,
    known: String,
    /// How much is searched, from 0 to 1.
    share: f64,
}

impl Live {
    /// A display of so many instances.
    pub fn new(instances: usize, interactive: bool) -> Live {
        let running = Arc::<Mutex<BTreeMap<usize, Running>>>::default();
        let bar = interactive.then(|| {
            let shown = running.clone();
            let lines = move |_: &ProgressState, text: &mut dyn Write| {
                for instance in shown.lock().unwrap_or_else(PoisonError::into_inner).values() {
                    if let Some(elapsed) = instance.elapsed
                        && instance.since.elapsed() >= PATIENCE
                    {
                        let Running { name, budget, known, share, .. } = instance;
                        let searched =
                            if *share > 0.0 { format!("{} % searched  ", percent(*share)) } else { String::new() };
                        let (time, budget) = (duration(elapsed.min(*budget)), duration(*budget));
                        // The display is drawn again in a moment.
                        let _ = write!(text, "\n  {name}  {time} of {budget}  {searched}{known}");
                    }
                }
            };
            let rest = |state: &ProgressState, text: &mut dyn Write| {
                let left = left(state.pos(), state.len().unwrap_or_default(), state.elapsed());
                let _ = write!(text, "{}, {left}", duration(Duration::from_secs(state.elapsed().as_secs())));
            };
            let style = ProgressStyle::with_template("{bar:24.green/dim} {pos}/{len}  {msg}  {rest:.dim}{running}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::new(instances as u64);
            bar.set_style(style.progress_chars("━╸━").with_key("running", lines).with_key("rest", rest));
            bar.enable_steady_tick(Duration::from_millis(100));
            *on_screen() = Some((bar.clone(), Echo::off()));
            bar
        });
        Live { bar, running, proved: 0, violated: 0, other: 0 }
    }

    fn with_running(&self, change: impl FnOnce(&mut BTreeMap<usize, Running>)) {
        change(&mut self.running.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Work on an instance began.
    pub fn started(&mut self, job: &Job) {
        let instance = Running {
            name: job.name.clone(),
            since: Instant::now(),
            elapsed: None,
            budget: job.budget,
            known: String::new(),
            share: 0.0,
        };
        self.with_running(|running| {
            if running.len() < MOST_LINES {
                running.insert(job.index, instance);
            }
        });
    }

    /// More is known of an instance.
    pub fn progress(&mut self, index: usize, progress: &Progress) {
        let known = progress.finding.as_ref().map(|finding| match finding {
            Finding::Bounds { found, bound } => {
                let text = |number: &Option<Number>| number.as_ref().map_or("?".to_owned(), |n| n.text.clone());
                format!("found {}, bound {}", text(found), text(bound))
            }
            Finding::Candidate { value, verdict } => format!("{value}: {verdict}"),
        });
        self.with_running(|running| {
            if let Some(instance) = running.get_mut(&index) {
                instance.elapsed = Some(progress.elapsed);
                instance.budget = progress.remaining.map_or(instance.budget, |left| progress.elapsed + left);
                instance.share = progress.share.unwrap_or(0.0);
                instance.known = known.unwrap_or_default();
            }
        });
    }

    /// Work on an instance goes on later.
    pub fn postponed(&self, index: usize) {
        self.with_running(|running| _ = running.remove(&index));
    }

    /// An instance has its result.
    pub fn finished(&mut self, index: usize, verdict: Verdict) {
        self.with_running(|running| _ = running.remove(&index));
        match verdict {
            Verdict::Proved | Verdict::Found | Verdict::None => self.proved += 1,
            Verdict::Violated => self.violated += 1,
            _ => self.other += 1,
        }
        if let Some(bar) = &self.bar {
            bar.inc(1);
            bar.set_message(format!("✓ {}  ✗ {}  ? {}", self.proved, self.violated, self.other));
        }
    }

    /// Takes the display away, prints, and brings it back.
    pub fn pause<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes the display away for good.
    pub fn end(&mut self) {
        if self.bar.take().is_some() {
            clear();
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.end();
    }
}

/// The display that is on the screen.
fn on_screen() -> MutexGuard<'static, Option<(ProgressBar, Echo)>> {
    static SHOWN: Mutex<Option<(ProgressBar, Echo)>> = Mutex::new(None);
    SHOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A line on standard error, above the display if there is one.
pub fn note(text: &str) {
    let print = || _ = writeln!(anstream::stderr(), "{text}");
    // The lock is not held while the display is drawn.
    let bar = on_screen().as_ref().map(|(bar, _)| bar.clone());
    match bar {
        Some(bar) => bar.suspend(print),
        None => print(),
    }
}

/// Takes the display away for good, whoever shows it.
pub fn clear() {
    let bar = on_screen().take();
    if let Some((bar, _echo)) = bar {
        bar.finish_and_clear();
    }
}

/// While it lives, the terminal does not show `^C`: the display's last line is full, so that `^C` would begin another, and the display would be cleared
/// one line too low.
struct Echo {
    #[cfg(unix)]
    before: Option<Termios>,
}

#[cfg(unix)]
impl Echo {
    fn off() -> Echo {
        let stderr = std::io::stderr();
        // A command in the background would be stopped for it.
        let foreground = tcgetpgrp(&stderr).is_ok_and(|group| group == getpgrp());
        let before = tcgetattr(&stderr).ok().filter(|_| foreground);
        if let Some(before) = &before {
            let mut quiet = before.clone();
            quiet.local_modes.remove(LocalModes::ECHOCTL);
            let _ = tcsetattr(&stderr, OptionalActions::Now, &quiet);
        }
        Echo { before }
    }
}

#[cfg(unix)]
impl Drop for Echo {
    fn drop(&mut self) {
        let stderr = std::io::stderr();
        if let Some(before) = self.before.take().filter(|_| tcgetpgrp(&stderr).is_ok_and(|group| group == getpgrp())) {
            let _ = tcsetattr(&stderr, OptionalActions::Now, &before);
        }
    }
}

#[cfg(not(unix))]
impl Echo {
    fn off() -> Echo {
        Echo {}
    }
}

/// What is left: `12 left`, and how long they may take, once that can be told from those that are done.
fn left(done: u64, of: u64, elapsed: Duration) -> String {
    let open = of.saturating_sub(done);
    let known = done > 0 && elapsed >= Duration::from_secs(2) && open > 0;
    let rest = elapsed.as_secs_f64() / done.max(1) as f64 * open as f64;
    match Duration::try_from_secs_f64(rest.ceil()) {
        Ok(rest) if known => format!("{open} left, about {}", duration(rest)),
        _ => format!("{open} left"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_told_from_what_is_done() {
        for (done, of, seconds, text) in [
            (0, 12, 30, "12 left"),
            (3, 12, 1, "9 left"),
            (3, 12, 30, "9 left, about 1 min 30 s"),
            (11, 12, 5, "1 left, about 1 s"),
            (12, 12, 30, "0 left"),
        ] {
            assert_eq!(left(done, of, Duration::from_secs(seconds)), text);
        }
    }
}
