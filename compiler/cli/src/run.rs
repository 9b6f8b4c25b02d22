//! A run of specs, as `verify`, `report` and `bundle` need it: read, checked, verified.
//!
//! In: paths, patterns, options. Out: results for each spec without errors, and how the run ended; from these a report, or the statements of a proof file.

use crate::ctrl_c::interruptible;
use crate::output::{Exit, Failure, Output};
use crate::proof_file::Statements;
use crate::spec::{Sound, Specs};
use crate::verify_printer::{DisplayOptions, run_spec};
use owo_colors::OwoColorize;
use qnn::db::{Database, SourceFile};
use qnn::engine::CancelToken;
use qnn::ir::interrupt::{self, Condition};
use qnn::report::gather::{self, Ask};
use qnn::report::model::Report;
use qnn::report::sentences::Total;
use qnn::verify::{Filter, InstanceResult, Options, Plan, Summary};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The time that the check of a spec has at least.
const LEAST_CHECK: Duration = Duration::from_secs(1);

/// How long a report of a cancelled run may lower for what it says of networks.
const AFTER_CANCEL: Duration = Duration::from_millis(50);

/// Specs that were verified, or whose errors kept them from it.
pub struct Run {
    /// The specs.
    pub specs: Specs,
    /// What was to be done for each that is without errors, and what came of it.
    pub done: Vec<(SourceFile, Plan, Summary)>,
    /// Which instances were asked for; all, if it is empty.
    pub patterns: Vec<String>,
    /// How it ended.
    pub exit: Exit,
    /// Whether it was stopped.
    pub cancelled: bool,
    /// How long it took.
    pub time: Duration,
    /// Whether the time is over in which a report of it is made.
    stop: Condition,
}

impl Run {
    /// Checks and verifies specs.
    pub fn of(
        paths: &[PathBuf],
        patterns: &[String],
        options: &Options,
        display: DisplayOptions,
        output: &mut Output,
    ) -> Result<Run, Failure> {
        let cancel = CancelToken::new();
        interruptible(&cancel, "what is decided");
        Run::of_specs(Specs::read(paths)?, patterns, options, display, &cancel, output)
    }

    /// Checks and verifies specs that were read, until `cancel` says that no more is wanted.
    pub fn of_specs(
        mut specs: Specs,
        patterns: &[String],
        options: &Options,
        display: DisplayOptions,
        cancel: &CancelToken,
        output: &mut Output,
    ) -> Result<Run, Failure> {
        // A check takes no longer than what is to be decided may take, or a moment. What is not checked by then is checked as it is lowered.
        let begun = Instant::now();
        let left = || options.total_timeout.map(|total| total.saturating_sub(begun.elapsed()));
        let over = {
            let (cancel, total) = (cancel.clone(), options.total_timeout);
            move || cancel.is_cancelled() || total.is_some_and(|total| begun.elapsed() >= total)
        };
        let stop = |db: &Database, file: SourceFile| {
            let plan = || qnn::verify::plan(db, file, &Filter::new(patterns), options).jobs;
            let jobs = interrupt::until(over.clone(), plan).unwrap_or_default();
            // Where there is nothing to decide, the check is all there is.
            let alone = if jobs.is_empty() { Duration::MAX } else { Duration::ZERO };
            let all = jobs.iter().fold(alone, |sum, job| sum.saturating_add(job.budget));
            // Verdicts need some of the whole run's time.
            let most = left().map_or(Duration::MAX, |left| left / 2);
            let (budget, cancel, begun) = (all.max(LEAST_CHECK).min(most), cancel.clone(), Instant::now());
            move || cancel.is_cancelled() || begun.elapsed() > budget
        };
        let sound = specs.sound(stop, output);
        let mut run = Run {
            specs,
            done: Vec::new(),
            patterns: patterns.to_vec(),
            exit: sound.exit,
            cancelled: false,
            time: Duration::ZERO,
            stop: gather::never(),
        };
        if sound.files.is_empty() {
            return Ok(run);
        }
        let plans = interrupt::until(over, || plans(&run.specs, &sound, patterns, options)).unwrap_or_else(|_| {
            Err(Failure::Message(
                Exit::Undecided,
                "the run ended before it was known what there is to verify".to_owned(),
            ))
        })?;
        let began = Instant::now();
        let several = plans.len() > 1;
        let mut open: usize = plans.iter().map(|(_, plan)| plan.jobs.len()).sum();
        for (file, plan) in plans {
            let heading = (several && !display.silent).then(|| run.specs.name(file).bold().underline().to_string());
            // The specs share the whole run's time by the number of their instances.
            let part = |left: Duration| left.mul_f64(plan.jobs.len() as f64 / open.max(1) as f64);
            let mut options = options.clone();
            options.total_timeout = left().map(part);
            open -= plan.jobs.len();
            let summary = run_spec(display, &run.specs, (heading, &plan), &options, cancel, output)?;
            for warning in &summary.warnings {
                output.warning(warning);
            }
            for result in &summary.results {
                run.specs.show(&result.diagnostics, output);
            }
            run.exit = run.exit.worse(summary.exit_code().into());
            run.done.push((file, plan, summary));
        }
        run.cancelled = cancel.is_cancelled();
        run.time = began.elapsed();
        // What a report says of networks ends with Ctrl-C, or a moment after it.
        let (end, cancel) = (run.cancelled.then(|| Instant::now() + AFTER_CANCEL), cancel.clone());
        run.stop = Arc::new(move || end.map_or_else(|| cancel.is_cancelled(), |end| Instant::now() >= end));
        Ok(run)
    }

    /// The results of all specs.
    pub fn results(&self) -> impl Iterator<Item = &Arc<InstanceResult>> {
        self.done.iter().flat_map(|(_, _, summary)| &summary.results)
    }

    /// What it comes to.
    pub fn total(&self) -> Total {
        Total {
            empty: self.done.iter().map(|(_, _, summary)| summary.empty.len()).sum(),
            broken: self.specs.files.len() - self.done.len(),
            ..Total::of(self.results().map(Arc::as_ref))
        }
    }

    /// The report of it, with the networks run on so many samples at most.
    pub fn report(&self, samples: usize) -> Report {
        let (db, ask) = (&self.specs.db, Ask { base: self.specs.base(), samples, stop: &self.stop });
        let run = |file: &SourceFile| self.done.iter().find(|(done, ..)| done == file).map(|(_, plan, s)| (plan, s));
        let spec = |file: &SourceFile| {
            let run = run(file);
            let mut found = self.specs.found(*file);
            // What the check before did not come to was found by lowering.
            for diagnostic in
                run.iter().flat_map(|(_, summary)| &summary.results).flat_map(|result| &*result.diagnostics)
            {
                if !found.contains(diagnostic) {
                    found.push(diagnostic.clone());
                }
            }
            gather::spec(db, *file, &found, run, ask)
        };
        let specs = self.specs.files.iter().map(spec).collect();
        Report::new(specs, gather::files(db, ask.base), self.exit.into(), self.cancelled)
    }

    /// What a proof file says.
    pub fn statements(&self) -> Statements {
        Statements {
            specs: self.done.iter().map(|(file, ..)| *file).collect(),
            filter: self.patterns.clone(),
            left_out: self.done.iter().map(|(_, plan, _)| plan.left_out).sum(),
            results: (self.done.iter().enumerate())
                .flat_map(|(index, (_, _, summary))| summary.results.iter().map(move |result| (index, result.clone())))
                .collect(),
        }
    }
}

/// What is to be done for each spec. A pattern that matches nothing anywhere must not look like success.
fn plans(
    specs: &Specs,
    sound: &Sound,
    patterns: &[String],
    options: &Options,
) -> Result<Vec<(SourceFile, Plan)>, Failure> {
    let filter = Filter::new(patterns);
    let plans: Vec<(SourceFile, Plan)> =
        sound.files.iter().map(|file| (*file, qnn::verify::plan(&specs.db, *file, &filter, options))).collect();
    for pattern in patterns {
        let one = Filter::new([pattern]);
        if !plans.iter().flat_map(|(_, plan)| &plan.jobs).any(|job| one.matches(&job.property, &job.name)) {
            // It may well be of a spec in error.
            if sound.exit != Exit::Fine {
                continue;
            }
            let items = specs.files.iter().flat_map(|file| qnn::check::spec::verifiable(&specs.db, *file));
            let names: Vec<String> = items.map(|item| format!("`{}`", item.name(&specs.db))).collect();
            let known = if names.is_empty() { "no properties at all".to_owned() } else { names.join(", ") };
            return Err(Failure::wrong(format!("no instance matches `{pattern}`\n  help: there are {known}")));
        }
    }
    Ok(plans)
}
