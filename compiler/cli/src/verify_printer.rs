//! What is shown while a spec is verified: families in the order of the spec, each as soon as it and those before are done.

use crate::output::{Failure, Output, width};
use crate::progress::Live;
use crate::spec::Specs;
use crate::verdicts::Verdicts;
use qnn::db::Database;
use qnn::engine::CancelToken;
use qnn::report::summary;
use qnn::verify::{Event, InstanceResult, Options, Plan, Summary};
use std::sync::{Arc, Mutex, PoisonError};

/// What is shown while specs are verified.
#[derive(Clone, Copy, Default)]
pub struct DisplayOptions {
    /// Nothing on standard output.
    pub silent: bool,
    /// Only what is not as expected.
    pub quiet: bool,
    /// A line for each instance.
    pub list: bool,
    /// How many counterexamples to show in full.
    pub counterexamples: Option<usize>,
}

/// The state of the output of a spec.
struct VerifyPrinter<'a> {
    display: DisplayOptions,
    /// What stands above the first line.
    heading: Option<String>,
    db: Database,
    output: &'a mut Output,
    live: Live,
    plan: &'a Plan,
    cancel: &'a CancelToken,
    results: Vec<Option<Arc<InstanceResult>>>,
    /// The families' jobs: first and one past the last, and how many of them are not done.
    families: Vec<(usize, usize, usize)>,
    /// The families that are on the screen.
    shown: usize,
    name_width: usize,
    failure: Option<Failure>,
}

/// Verifies a spec and shows what comes of it.
pub fn run_spec(
    display: DisplayOptions,
    specs: &Specs,
    (mut heading, plan): (Option<String>, &Plan),
    options: &Options,
    cancel: &CancelToken,
    output: &mut Output,
) -> Result<Summary, Failure> {
    // Of a quiet run, only a spec with news has one.
    if let Some(heading) = heading.take_if(|_| !display.quiet) {
        output.line(heading)?;
    }
    let interactive = output.is_interactive() && !display.quiet;
    let mut families: Vec<(usize, usize, usize)> = Vec::new();
    for (index, job) in plan.jobs.iter().enumerate() {
        match families.last_mut() {
            Some((first, end, open)) if plan.jobs[*first].item == job.item => (*end, *open) = (index + 1, *open + 1),
            _ => families.push((index, index + 1, 1)),
        }
    }
    let printer = Mutex::new(VerifyPrinter {
        display,
        heading,
        db: specs.db.clone(),
        output,
        live: Live::new(plan.jobs.len(), interactive),
        plan,
        cancel,
        results: vec![None; plan.jobs.len()],
        families,
        shown: 0,
        name_width: plan.jobs.iter().map(|job| job.property.chars().count()).max().unwrap_or(0),
        failure: None,
    });
    let on_event = |event: Event| printer.lock().unwrap_or_else(PoisonError::into_inner).hear(event);
    let summary = qnn::verify::run(plan, &qnn::verify::snapshots(specs.db.clone()), options, cancel, &on_event);
    let mut printer = printer.into_inner().unwrap_or_else(PoisonError::into_inner);
    printer.live.end();
    match printer.failure {
        Some(failure) => Err(failure),
        None => Ok(summary),
    }
}

impl VerifyPrinter<'_> {
    fn hear(&mut self, event: Event) {
        match event {
            Event::Started { index } => {
                if let Some(job) = self.plan.jobs.get(index) {
                    self.live.started(job);
                }
            }
            Event::Postponed { index } => self.live.postponed(index),
            Event::Progress { index, progress } => self.live.progress(index, &progress),
            Event::Finished { index, result } => {
                self.live.finished(index, result.verdict);
                if let Some(slot) = self.results.get_mut(index) {
                    *slot = Some(result);
                }
                let at = self.families.partition_point(|(_, end, _)| *end <= index);
                if let Some((.., open)) = self.families.get_mut(at) {
                    *open = open.saturating_sub(1);
                }
                self.show_ready();
            }
        }
    }

    /// Shows the families that are done.
    fn show_ready(&mut self) {
        while let Some((first, end, 0)) = self.families.get(self.shown).copied() {
            let results: Vec<_> = self.results[first..end].iter().flatten().cloned().collect();
            self.shown += 1;
            if self.display.silent || self.failure.is_some() {
                continue;
            }
            let display = Verdicts {
                quiet: self.display.quiet,
                list: self.display.list,
                counterexamples: self.display.counterexamples,
                name_width: self.name_width,
                cancelled: self.cancel.is_cancelled(),
                ink: self.output.ink(),
                width: width(),
            };
            let table = || summary::table(&self.db, self.plan.jobs[first].item, &results);
            let mut text = display.family(&results, table);
            if let Some(heading) = self.heading.take_if(|_| !text.is_empty()) {
                text.insert_str(0, &format!("{heading}\n"));
            }
            let output = &mut *self.output;
            let printed = self.live.pause(|| output.text(text).and_then(|()| output.flush()));
            if let Err(failure) = printed {
                // Nobody listens any more: the work can stop.
                self.cancel.cancel();
                self.failure = Some(failure);
            }
        }
    }
}
