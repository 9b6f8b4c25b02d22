//! Live progress: one bar over everything, and a line for each instance that is being worked on.
//!
//! On standard error, and only on a terminal. Whatever is printed meanwhile goes through [`Live::pause`], so that bars
//! and lines don't overwrite each other.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use qnn::verify::{Job, Progress, Verdict};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The lines for running instances; more run unseen.
const MOST_LINES: usize = 12;
/// An instance that takes less is never seen.
const PATIENCE: Duration = Duration::from_millis(300);

/// The display; nothing at all where there is no terminal.
pub struct Live {
    multi: MultiProgress,
    total: Option<ProgressBar>,
    running: HashMap<usize, ProgressBar>,
    counts: [usize; 3],
    drawn: Instant,
}

impl Live {
    /// A display of so many instances.
    pub fn new(instances: usize, interactive: bool) -> Live {
        let multi = MultiProgress::new();
        if !interactive {
            multi.set_draw_target(ProgressDrawTarget::hidden());
        }
        let total = interactive.then(|| {
            let bar = multi.add(ProgressBar::new(instances as u64));
            let template = "{bar:24.green/dim} {pos}/{len}  {msg}  {elapsed:.dim}";
            bar.set_style(style(template).progress_chars("━╸━"));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Live { multi, total, running: HashMap::new(), counts: [0; 3], drawn: Instant::now() }
    }

    /// Work on an instance began.
    pub fn started(&mut self, job: &Job) {
        let Some(total) = &self.total else { return };
        if self.running.len() >= MOST_LINES {
            return;
        }
        let bar = self.multi.insert_before(total, ProgressBar::new_spinner());
        let budget = super::verify::duration(job.budget);
        bar.set_style(style(&format!("  {{spinner:.cyan}} {{prefix}}  {{elapsed:.dim}} of {budget}  {{msg:.dim}}")));
        bar.set_prefix(job.name.clone());
        // Ticking begins late, so that quick instances don't flicker.
        bar.enable_steady_tick(PATIENCE);
        self.running.insert(job.index, bar);
    }

    /// More is known of an instance.
    pub fn progress(&mut self, index: usize, progress: &Progress) {
        let Some(bar) = self.running.get(&index) else { return };
        bar.set_message(match progress {
            Progress::Bounds { found, bound } => {
                let text = |n: &Option<qnn::verify::verdict::Number>| n.as_ref().map_or("?".into(), |n| n.text.clone());
                format!("found {}, bound {}", text(found), text(bound))
            }
            Progress::Candidate { value, verdict } => format!("{value}: {verdict}"),
        });
    }

    /// An instance has its result.
    pub fn finished(&mut self, index: usize, verdict: Verdict) {
        if let Some(bar) = self.running.remove(&index) {
            bar.finish_and_clear();
            self.multi.remove(&bar);
        }
        self.counts[match verdict {
            Verdict::Proved => 0,
            Verdict::Violated => 1,
            _ => 2,
        }] += 1;
        if let Some(total) = &self.total {
            total.inc(1);
            let [proved, violated, other] = self.counts;
            if self.drawn.elapsed() > Duration::from_millis(50) || self.running.is_empty() {
                total.set_message(format!("✓ {proved}  ✗ {violated}  ? {other}"));
                self.drawn = Instant::now();
            }
        }
    }

    /// Takes the display away, prints, and brings it back.
    pub fn pause<T>(&self, print: impl FnOnce() -> T) -> T {
        self.multi.suspend(print)
    }

    /// Takes the display away for good.
    pub fn end(&mut self) {
        for (_, bar) in self.running.drain() {
            bar.finish_and_clear();
        }
        if let Some(total) = self.total.take() {
            total.finish_and_clear();
        }
        let _ = self.multi.clear();
    }
}

/// A template of this file.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
