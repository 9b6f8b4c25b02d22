//! `qnn verify`: which properties hold.

use crate::output::{Exit, Failure, Output, plural, quoted, shown, width};
use crate::project::Targets;
use crate::proof_file::ProofFile;
use crate::report_file::{self, Target, json};
use crate::run::Run;
use crate::verdicts::last;
use crate::verify_args::{VerifyArgs, split};
use crate::verify_printer::DisplayOptions;
use owo_colors::OwoColorize;
use qnn::diagnostic::printable_lines;
use qnn::report::diff::diff;
use qnn::report::gather::ACCURACY_SAMPLES;
use qnn::report::html::PICTURES;
use qnn::report::model::Report;
use qnn::report::sentences::duration;
use qnn::verify::{InstanceResult, Verdict};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

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
        proof.write(&run.specs, &run.statements(), output)?;
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
        Ok(Baseline { name: shown(path), report: report_file::read(path)?, everything })
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
