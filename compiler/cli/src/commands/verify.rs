//! `qnn verify`: which properties hold.

use super::check_proof::{ProofFile, Statements};
use super::report::Target;
use crate::output::{Exit, Failure, Output, SIGINT, plural, quoted, shown, width};
use crate::progress::{self, Live};
use crate::project::{Project, Targets};
use crate::spec::{Sound, Specs, is_standard};
use crate::verdicts::{Verdicts, last};
use clap::builder::PossibleValuesParser;
use owo_colors::OwoColorize;
use qnn::db::{Database, SourceFile};
use qnn::diagnostic::printable_lines;
use qnn::engine::interval::Intervals;
use qnn::engine::portfolio::Portfolio;
use qnn::engine::smt::{AdderTree, Smt};
use qnn::engine::{CancelToken, NAMES};
use qnn::ir::interrupt;
use qnn::report::diff::diff;
use qnn::report::gather::{self, ACCURACY_SAMPLES, Ask};
use qnn::report::html::PICTURES;
use qnn::report::model::Report;
use qnn::report::sentences::{Total, duration};
use qnn::report::summary;
use qnn::verify::{Event, Filter, InstanceResult, Options, Plan, Store, Summary, Verdict};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The time that the check of a spec has at least.
const LEAST_CHECK: Duration = Duration::from_secs(1);
/// How long a report of a cancelled run may lower for what it says of networks.
const AFTER_CANCEL: Duration = Duration::from_millis(50);

/// Verifies the properties of specs, and computes their measures
///
/// Takes specs, or folders, for every spec below them. A project file `qnn.toml` beside or above them says which specs there are, how much time they get,
/// what is expected and which reports are written; options win over it.
///
/// Every instance of every property gets a verdict: proved, violated (with a counterexample that was run through the reference
/// interpreter), vacuous (no input meets the assumptions), timeout, unknown or error. Verdicts are remembered: what
/// has not changed costs nothing the second time. Ctrl-C keeps and shows what is decided; a second Ctrl-C ends at once.
#[derive(clap::Args)]
#[command(after_long_help = crate::EXIT_CODES)]
pub struct Arguments {
    /// Specs, or folders of specs; `-` is standard input, and whatever names no file filters, as `--filter` does  [default: .]
    #[arg(value_name = "SPEC")]
    specs: Vec<OsString>,
    /// Only the properties and instances that match: `robust`, `robust*`, `robust(i = 3, *`
    ///
    /// `*` stands for any text and `?` for any character; spaces don't count. A property's name means all its
    /// instances. May be given several times.
    #[arg(short, long, value_name = "PATTERN")]
    filter: Vec<String>,
    #[command(flatten)]
    work: VerifyArgs,
    /// How many counterexamples (and witnesses of measures) of a property to show in full  [default: 3]
    #[arg(short, long, value_name = "N")]
    counterexamples: Option<usize>,
    /// Writes what every verdict rests on into a file, for a reviewer and `qnn check-proof`
    ///
    /// The file holds verdicts, certificates and counterexamples, and the hashes of the spec and its files, which a reviewer needs beside it.
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
    /// Prints one JSON document instead of text
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
    /// Prints only what is not as expected, and the totals
    #[arg(short, long)]
    quiet: bool,
    /// Prints a line for each instance, instead of a table for each family
    #[arg(short, long, conflicts_with_all = ["quiet", "json"])]
    list: bool,
    /// Takes what a report says (`qnn report -o FILE.json`) for what is expected: exits as `qnn diff` would
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Says what each engine did, and what took longest
    #[arg(long)]
    stats: bool,
}

/// How instances are decided: what commands that verify have in common.
#[derive(clap::Args)]
pub struct VerifyArgs {
    /// The time for each instance, such as 10s, 500ms or 2m; wins over `#[timeout]`  [default: 10s]
    #[arg(short, long, value_name = "TIME", value_parser = parse_duration)]
    timeout: Option<Duration>,
    /// The time for the whole run, such as 5min, shared among what is open
    ///
    /// What is left undecided when it is over says so.
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    total_timeout: Option<Duration>,
    /// Tries what is undecided again with more time, such as 5x the budget
    ///
    /// Once every instance has had its budget, those for which it was too short get so many times as much. What is decided stays.
    #[arg(long, value_name = "FACTOR", value_parser = parse_factor)]
    retry_undecided: Option<u32>,
    /// How many instances to work on at once  [default: the number of cores]
    ///
    /// Two long searches take turns with the cores of both, and their budgets stand still while they wait: more is decided, and what is not decided takes no less time.
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// The engine; wins over `#[engine]`. `auto` runs `interval`, then `search`, with `enumerate` beside it where there are few inputs, and `smt` beside it or, on large networks, after it
    #[arg(short, long, value_name = "ENGINE", value_parser = PossibleValuesParser::new(NAMES))]
    engine: Option<String>,
    /// How `smt` adds up: `balanced` trees, or the `linear` chain of older encodings (and of nothing but `smt`)
    #[arg(long, value_name = "TREE", value_parser = ["balanced", "linear"])]
    adder: Option<String>,
    /// The most memory that `search` or `smt` takes for one query, in MiB  [default: 1024 and 4096]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..))]
    memory: Option<u64>,
    /// Decides everything anew, and remembers nothing
    #[arg(long)]
    no_cache: bool,
    /// Doesn't look for a project file (`qnn.toml`)
    #[arg(long)]
    pub no_project: bool,
}

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
    stop: gather::Stop,
}

/// Verifies each spec.
pub fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Failure> {
    let (paths, patterns) = split(&arguments.specs, &arguments.filter)?;
    let targets = Targets::of(&paths, !arguments.work.no_project)?;
    let project = targets.project.as_ref();
    let everything = targets.whole && patterns.is_empty();
    let mut options = arguments.work.options(project, output);
    options.certificates = arguments.proof.is_some();
    let Arguments { json: silent, quiet, list, counterexamples, .. } = *arguments;
    let display = DisplayOptions { silent, quiet, list, counterexamples };
    // What can't be written is better known before the work than after it.
    let proof = arguments.proof.as_deref().map(ProofFile::create).transpose()?;
    let baseline = arguments.baseline.as_ref().or(project.and_then(|project| project.baseline.as_ref()));
    let baseline = baseline.map(|path| Baseline::read(path, everything)).transpose()?;
    let reports = project.filter(|_| everything).map_or(&[][..], |project| &project.reports);
    let reports =
        reports.iter().map(|path| Target::create(path, None, &targets.specs)).collect::<Result<Vec<_>, _>>()?;
    let mut run = Run::of(&targets.specs, &patterns, &options, display, output)?;
    if let (Some(proof), false) = (proof, run.done.is_empty()) {
        run.write_proof(proof, output)?;
    }
    let all: Vec<Arc<InstanceResult>> = run.results().cloned().collect();
    let silent = arguments.json || run.done.is_empty();
    if arguments.stats && !silent {
        stats(&all, output)?;
    }
    if !silent {
        if !arguments.quiet {
            output.line("")?;
        }
        output.text(last(&all, &run.total(), run.time, run.cancelled))?;
    }
    if let (Some(baseline), false) = (baseline, run.done.is_empty()) {
        let (exit, text) = baseline.compare(&run)?;
        if !arguments.json {
            output.text(text)?;
        }
        run.exit = exit;
    }
    if !reports.is_empty() {
        let report = run.report(ACCURACY_SAMPLES);
        reports.into_iter().try_for_each(|target| target.write(&report, PICTURES, output))?;
    }
    if arguments.json {
        // Nobody has asked for accuracies, which take their time.
        output.json_text(&json(&run.report(0))?)?;
    }
    Ok(run.exit)
}

/// A report of earlier verdicts: what is no worse than it is as expected.
struct Baseline {
    name: String,
    report: Report,
    /// Whether all of its instances are to be there again.
    everything: bool,
}

impl Baseline {
    fn read(path: &Path, everything: bool) -> Result<Baseline, Failure> {
        if !path.exists() {
            return Err(Failure::wrong(format!(
                "there is no baseline `{}`\n  help: `qnn report . -o {}` writes it",
                shown(path),
                quoted(path)
            )));
        }
        Ok(Baseline { name: shown(path), report: super::report::read(path)?, everything })
    }

    /// How the run ends, compared with it, and what changed.
    fn compare(&self, run: &Run) -> Result<(Exit, String), Failure> {
        let mut diff = diff(&self.report, &run.report(0), &[]).map_err(Failure::wrong)?;
        if !self.everything {
            diff.forget_lost();
        }
        if diff.compared == 0 && run.results().next().is_some() {
            return Err(Failure::wrong(format!(
                "`{}` is about none of these instances\n  help: `qnn report . -o FILE.json` writes a new baseline",
                self.name
            )));
        }
        let exit = Exit::from(diff.exit_code(false));
        let exit = if matches!(run.exit, Exit::Spec | Exit::Internal) { run.exit.worse(exit) } else { exit };
        Ok((exit, format!("\ncompared with {}:\n{}", self.name, printable_lines(&diff.text(false)))))
    }
}

/// A report as JSON.
pub fn json(report: &Report) -> Result<String, Failure> {
    report.json().map_err(|error| Failure::Message(Exit::Internal, format!("the report has no JSON: {error}")))
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
        let mut specs = Specs::read(paths)?;
        let cancel = CancelToken::new();
        interruptible(&cancel, "what is decided");
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
            let all = jobs.iter().fold(Duration::ZERO, |sum, job| sum.saturating_add(job.budget));
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
            let options = Options { total_timeout: left().map(part), ..options.clone() };
            open -= plan.jobs.len();
            let summary = run_spec(display, &run.specs, (heading, &plan), &options, &cancel, output)?;
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
        let end = run.cancelled.then(|| Instant::now() + AFTER_CANCEL);
        run.stop = Arc::new(move || end.map_or_else(|| cancel.is_cancelled(), |end| Instant::now() >= end));
        Ok(run)
    }

    /// The results of all specs.
    pub fn results(&self) -> impl Iterator<Item = &Arc<InstanceResult>> {
        self.done.iter().flat_map(|(_, _, summary)| &summary.results)
    }

    /// What it comes to.
    fn total(&self) -> Total {
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

    /// Writes what the verdicts rest on.
    pub fn write_proof(&self, proof: ProofFile, output: &Output) -> Result<(), Failure> {
        proof.write(&self.specs, &self.statements(), output)
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

/// The specs and the patterns among positional arguments.
pub fn split(positional: &[OsString], filter: &[String]) -> Result<(Vec<PathBuf>, Vec<String>), Failure> {
    let is_spec = |name: &&OsString| {
        let (path, text) = (Path::new(name), name.to_string_lossy());
        is_standard(path) || path.exists() || text.ends_with(".qnn") || text.contains(std::path::is_separator)
    };
    let (specs, patterns): (Vec<&OsString>, Vec<&OsString>) = positional.iter().partition(is_spec);
    if let ([], Some(first)) = (specs.as_slice(), positional.first()) {
        let first = shown(Path::new(first));
        return Err(Failure::wrong(format!(
            "`{first}` does not exist\n  help: name a spec first: `qnn verify spec.qnn {first}`"
        )));
    }
    let patterns = patterns.iter().map(|pattern| pattern.to_string_lossy().into_owned());
    let patterns = patterns.chain(filter.iter().cloned()).collect();
    Ok((specs.into_iter().map(PathBuf::from).collect(), patterns))
}

impl VerifyArgs {
    /// The options of a run.
    pub fn options(&self, project: Option<&Project>, output: &Output) -> Options {
        // What the command line says wins.
        let said = project.map(|project| project.verify.clone()).unwrap_or_default();
        let store = (!self.no_cache).then(Store::default_location).flatten();
        if store.is_none() && !self.no_cache {
            output
                .warning("there is no folder for caches here, so verdicts are not remembered; QNN_CACHE can name one");
        }
        if store.is_some() {
            qnn_allocator::remembers();
        }
        let linear = self.adder.as_deref() == Some("linear");
        Options {
            jobs: self.jobs.or(said.jobs.map(|jobs| jobs.0)).map(usize::from),
            timeout: self.timeout.or(said.timeout.map(|time| time.0)),
            total_timeout: self.total_timeout.or(said.total_timeout.map(|time| time.0)),
            retry: self.retry_undecided.or(said.retry_undecided.map(|factor| factor.0)),
            engine: self.engine.as_deref().or(said.engine.as_ref().map(|engine| engine.0.as_str())).map(Arc::from),
            memory: self.memory.or(said.memory).map(|mebibytes| mebibytes.saturating_mul(1 << 20)),
            store: store.map(|location| Arc::new(Store::open(location))),
            portfolio: linear.then(|| Portfolio {
                first: vec![Arc::new(Intervals)],
                rest: vec![Arc::new(Smt::with_tree(AdderTree::Linear))],
            }),
            ..Options::default()
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

/// The first Ctrl-C asks the run to stop, the second ends the process.
pub fn interruptible(cancel: &CancelToken, done: &'static str) {
    let cancel = cancel.clone();
    // Where no handler can be set, Ctrl-C ends the process at once, as it does by default.
    let _ = ctrlc::set_handler(move || {
        if cancel.is_cancelled() {
            progress::clear();
            std::process::exit(SIGINT);
        }
        cancel.cancel();
        progress::note(&format!("stopping: {done} follows (Ctrl-C again ends at once)"));
    });
}

/// What is shown while a spec is verified: families in the order of the spec, each as soon as it and those before are done.
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

fn run_spec(
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

/// What each engine did, and what took longest.
fn stats(results: &[Arc<InstanceResult>], output: &mut Output) -> Result<(), Failure> {
    let mut engines: BTreeMap<&str, (usize, Duration)> = BTreeMap::new();
    for result in results {
        for report in &result.reports {
            engines.entry(&report.engine).or_default().1 += report.time;
        }
        // Each candidate of a `largest` is a question of its own.
        let candidates = result.measure.as_ref().and_then(|measure| measure.largest.as_ref());
        let answers: Vec<(Verdict, Option<&String>)> = match candidates {
            Some(largest) => largest.candidates.iter().map(|c| (c.verdict, c.engine.as_ref())).collect(),
            None => vec![(result.verdict, result.engine.as_ref())],
        };
        for (verdict, engine) in answers {
            if let (true, Some(engine)) = (verdict.is_decided(), engine) {
                engines.entry(engine).or_default().0 += 1;
            }
        }
    }
    output.line(format_args!("\n{}", "engines".bold()))?;
    let mut rows: Vec<Vec<String>> = engines
        .iter()
        .map(|(name, (count, time))| vec![format!("  {name}"), plural(*count, "answer", "answers"), duration(*time)])
        .collect();
    let undecided = results.iter().filter(|r| matches!(r.verdict, Verdict::Timeout | Verdict::Unknown)).count();
    if undecided > 0 {
        rows.push(vec!["  undecided".to_owned(), plural(undecided, "instance", "instances")]);
    }
    for line in crate::output::table(&rows, &[2], width()) {
        output.line(line)?;
    }
    let mut slowest: Vec<_> = results.iter().collect();
    slowest.sort_by_key(|r| std::cmp::Reverse(r.time));
    output.line("slowest".bold())?;
    let rows: Vec<Vec<String>> = slowest
        .iter()
        .take(5)
        .map(|r| vec![format!("  {}", r.name), r.verdict.name().to_owned(), duration(r.time)])
        .collect();
    for line in crate::output::table(&rows, &[2], width()) {
        output.line(line)?;
    }
    Ok(())
}

/// A time with its unit; a bare number is seconds.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let usage = || "write a time such as 10s, 500ms, 2m or 1h".to_owned();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..digits].parse().map_err(|_| usage())?;
    let unit = match text[digits..].trim() {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(usage()),
    };
    match Duration::try_from_secs_f64(number * unit) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err("a time is more than 0, and not beyond all bounds".to_owned()),
    }
}

/// A whole number of times: `5x`, or 5.
pub fn parse_factor(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix(['x', '×']).unwrap_or(text).trim();
    match number.parse() {
        Ok(factor @ 2..) => Ok(factor),
        _ => Err("write by how much, such as 5x; at least 2x".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_read() {
        assert_eq!([parse_factor("5x"), parse_factor("12"), parse_factor("2 x")], [Ok(5), Ok(12), Ok(2)]);
        for bad in ["", "x", "1x", "0", "-3x", "2.5x", "x5", "99999999999x"] {
            assert!(parse_factor(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn durations_read_and_written() {
        for (text, shown) in [
            ("10s", "10 s"),
            ("500ms", "500 ms"),
            ("2m", "2 min"),
            ("1.5", "1.5 s"),
            ("90min", "1 h 30 min"),
            ("0.2 s", "200 ms"),
        ] {
            assert_eq!(duration(parse_duration(text).unwrap()), shown, "{text}");
        }
        for bad in ["", "s", "0s", "-1s", "10 parsecs", "1e400", "999999999999999999999h"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }
}
