//! `qnn report`: what holds, what doesn't and what is undecided, for people and for machines.

use crate::output::{Exit, Failure, Output, plural};
use crate::project::Targets;
use crate::report_file::{Format, Target, read};
use crate::run::Run;
use crate::verify_args::{VerifyArgs, split};
use crate::verify_printer::DisplayOptions;
use qnn::report::gather::ACCURACY_SAMPLES;
use qnn::report::html::PICTURES;
use qnn::report::model::Report;
use qnn::verify::{InstanceResult, Verdict};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The instances that a message names.
const MOST_NAMED: usize = 3;

/// Writes reports: HTML, JSON, SARIF, JUnit XML, Markdown
///
/// Verifies what is not remembered, as `qnn verify` does, and writes a file for each `-o`; its name's ending says what: `.html` is one page that needs nothing
/// else, `.json` all that is known, `.sarif` for code scanning, `.xml` for what shows test results (JUnit), `.md` a comment on a pull request.
/// Instead of specs, a `.json` that was written before says what to show. Ctrl-C keeps and reports what is decided.
#[derive(clap::Args)]
#[command(after_long_help = crate::EXIT_CODES)]
pub struct Arguments {
    /// Specs or folders of specs, and patterns that filter; or one report as JSON  [default: .]
    #[arg(value_name = "SPEC")]
    specs: Vec<OsString>,
    /// A file to write; may be given several times. `-` is standard output, with `--format`
    #[arg(short, long, required = true, value_name = "FILE")]
    output: Vec<PathBuf>,
    /// The format of what has no telling name
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Verifies nothing: reports what is remembered
    #[arg(long)]
    no_run: bool,
    /// Only the properties and instances that match, as for `qnn verify`
    #[arg(short, long, value_name = "PATTERN")]
    filter: Vec<String>,
    /// On how many samples of its dataset each network is run for its accuracy, the first ones; 0 for none
    #[arg(long, value_name = "N", default_value_t = ACCURACY_SAMPLES)]
    accuracy: usize,
    /// How many counterexamples of each property the page shows in full
    #[arg(long, value_name = "N", default_value_t = PICTURES)]
    counterexamples: usize,
    #[command(flatten)]
    work: VerifyArgs,
}

/// Reports.
pub fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Failure> {
    // What can't be written is better known before the work than after it.
    let read: Vec<PathBuf> = arguments.specs.iter().map(PathBuf::from).collect();
    let create = |path: &PathBuf| Target::create(path, arguments.format, &read);
    let targets = arguments.output.iter().map(create).collect::<Result<Vec<_>, _>>()?;
    let is_report = |name: &OsString| name.to_string_lossy().ends_with(".json");
    let (report, exit) = if arguments.specs.iter().any(is_report) {
        (arguments.read()?, Exit::Fine)
    } else {
        let run = arguments.verify(output)?;
        // A spec in error has a report; what was never read has none.
        if run.specs.are_unreadable() {
            return Ok(run.exit);
        }
        (run.report(arguments.accuracy), run.exit)
    };
    for target in targets {
        target.write(&report, arguments.counterexamples, output)?;
    }
    Ok(exit)
}

impl Arguments {
    /// The report that a file holds.
    fn read(&self) -> Result<Report, Failure> {
        let [name] = self.specs.as_slice() else {
            return Err(Failure::wrong("a report as JSON stands alone: name that, or specs"));
        };
        read(Path::new(name))
    }

    fn verify(&self, output: &mut Output) -> Result<Run, Failure> {
        let (paths, patterns) = split(&self.specs, &self.filter)?;
        let targets = Targets::of(&paths, !self.work.no_project)?;
        let mut options = self.work.options(targets.project.as_ref(), output);
        options.offline = self.no_run;
        if self.no_run && options.store.is_none() {
            return Err(Failure::wrong("`--no-run` reports what is remembered, and nothing is remembered here"));
        }
        let display = DisplayOptions { silent: true, ..DisplayOptions::default() };
        let run = Run::of(&targets.specs, &patterns, &options, display, output)?;
        if self.no_run {
            remembered(&run, output)?;
        }
        Ok(run)
    }
}

/// Says what a run that verifies nothing lacks. To know nothing at all must not look like a report.
fn remembered(run: &Run, output: &Output) -> Result<(), Failure> {
    let unknown = |r: &&Arc<InstanceResult>| {
        let InstanceResult { verdict, reports, evidence, .. } = &***r;
        *verdict == Verdict::Unknown && reports.is_empty() && evidence.is_empty()
    };
    let missing: Vec<&str> = run.results().filter(unknown).map(|r| r.name.as_str()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let all = run.results().count();
    let more = if missing.len() > MOST_NAMED { ", …" } else { "" };
    let named = format!("{}{more}", missing[..missing.len().min(MOST_NAMED)].join(", "));
    let help = "help: without `--no-run`, they are verified";
    if missing.len() == all {
        return Err(Failure::wrong(format!(
            "nothing is remembered of {}: {named}\n  {help}",
            plural(all, "instance", "instances")
        )));
    }
    output.warning(format_args!(
        "nothing is remembered of {} of {all} instances, which count as unknown: {named}\n  {help}",
        missing.len()
    ));
    Ok(())
}
