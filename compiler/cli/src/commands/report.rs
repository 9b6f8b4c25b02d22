//! `qnn report`: what holds, what doesn't and what is undecided, for people and for machines.

use super::verify::{DisplayOptions, Run, VerifyArgs, json, split};
use crate::out_file::OutFile;
use crate::output::{Exit, Failure, Output, plural, quoted, shown};
use crate::project::Targets;
use clap::ValueEnum;
use qnn::db::MAX_DATA_BYTES;
use qnn::diagnostic::printable_lines;
use qnn::files::words::size;
use qnn::report::gather::ACCURACY_SAMPLES;
use qnn::report::html::{PICTURES, page};
use qnn::report::model::Report;
use qnn::report::{junit, markdown, sarif};
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

/// What a file is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One page that needs nothing else
    Html,
    /// All that is known
    Json,
    /// SARIF 2.1.0
    Sarif,
    /// JUnit XML
    Junit,
    /// A comment on a pull request
    Markdown,
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

/// Reads a report.
pub fn read(path: &Path) -> Result<Report, Failure> {
    let name = shown(path);
    let text = qnn::disk::read_text(path, MAX_DATA_BYTES).map_err(|error| Failure::unreadable(path, &error))?;
    Report::read(&text).map_err(|why| {
        Failure::wrong(format!(
            "`{name}` {why}\n  help: `qnn report SPEC -o {}` and `qnn verify SPEC --json` write one",
            quoted(path)
        ))
    })
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

/// Something to write.
pub struct Target {
    /// `None` for standard output.
    file: Option<OutFile>,
    format: Format,
}

impl Target {
    /// Makes sure that a file can be written, and replaces nothing that is read. Its name's ending says what it is, or else `format`.
    pub fn create(path: &Path, format: Option<Format>, read: &[PathBuf]) -> Result<Target, Failure> {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase();
        let known = match ending.as_str() {
            "html" | "htm" => Some(Format::Html),
            "json" => Some(Format::Json),
            "sarif" => Some(Format::Sarif),
            "xml" => Some(Format::Junit),
            "md" => Some(Format::Markdown),
            _ => None,
        };
        let Some(format) = known.or(format) else {
            return Err(Failure::wrong(format!(
                "what `{}` is to be can't be told from its name\n  help: names end in .html, .json, .sarif, .xml (JUnit) or .md; or say it with `--format`",
                shown(path)
            )));
        };
        let is_file = path.as_os_str() != "-";
        if is_file && read.iter().any(|spec| qnn::db::normalise(spec) == qnn::db::normalise(path)) {
            return Err(Failure::wrong(format!("`{}` is what is to be read: write to another file", shown(path))));
        }
        let file = is_file.then(|| OutFile::create(path)).transpose()?;
        Ok(Target { file, format })
    }

    /// Writes the report.
    pub fn write(self, report: &Report, pictures: usize, output: &mut Output) -> Result<(), Failure> {
        let text = match self.format {
            Format::Html => page(report, pictures),
            Format::Json => json(report)?,
            Format::Sarif => format!("{:#}\n", sarif::document(report)),
            Format::Markdown => markdown::text(report),
            Format::Junit => junit::xml(report)
                .map_err(|error| Failure::Message(Exit::Internal, format!("the report has no XML: {error}")))?,
        };
        let Some(file) = self.file else {
            return match self.format {
                Format::Json | Format::Sarif => output.json_text(&text),
                _ => output.text(printable_lines(&text)),
            };
        };
        let path = file.path().to_owned();
        let bytes = file.write(text.as_bytes())?;
        output.remark(format_args!("{} written, {}", shown(&path), size(bytes as u64)));
        Ok(())
    }
}
