//! `qnn diff`: what changed between two reports.

use crate::output::{Exit, Failure, Output};
use crate::report_file::read;
use qnn::diagnostic::printable_lines;
use qnn::report::model::Report;
use std::path::PathBuf;

const EXIT_CODES: &str = "\
Exit codes:
  0  nothing got worse
  1  something is a regression: violated or in error where it was not, or a smaller radius; with `--strict`, anything changed
  2  something that was decided is undecided, or not asked any more
  3  the command or a file is wrong, or the reports have no instance in common
Where several apply, the first of 3, 1, 2, 0 counts.";

/// Says what changed between two reports, for a gate in CI
///
/// Compares verdicts and values, instance by instance, of reports that `qnn report -o FILE.json` or `qnn verify --json` wrote.
/// A spec is the same whatever folder it was named from: what counts is how its path ends.
#[derive(clap::Args)]
#[command(after_long_help = EXIT_CODES)]
pub struct Arguments {
    /// The older report
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The newer report
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Which spec of the older report is which of the newer one, if it was renamed; may be given several times
    #[arg(long, value_name = "OLD=NEW", value_parser = parse_renamed)]
    spec: Vec<(String, String)>,
    /// Prints one JSON document
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Prints Markdown, for a comment
    #[arg(long)]
    markdown: bool,
    /// Takes any change for a regression
    #[arg(long)]
    strict: bool,
}

fn parse_renamed(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((old, new)) if !old.is_empty() && !new.is_empty() => Ok((old.to_owned(), new.to_owned())),
        _ => Err("write the spec's old and new name: old.qnn=new.qnn".to_owned()),
    }
}

/// Compares.
pub fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Failure> {
    let (old, new) = (read(&arguments.old)?, read(&arguments.new)?);
    let diff = qnn::report::diff::diff(&old, &new, &arguments.spec).map_err(Failure::wrong)?;
    if diff.compared == 0 {
        let names = |report: &Report| report.specs.iter().map(|spec| spec.spec.clone()).collect::<Vec<_>>().join(", ");
        let is_empty = |report: &Report| report.specs.iter().all(|spec| spec.results.is_empty());
        let why = match (is_empty(&old), is_empty(&new)) {
            (true, true) => "neither report has an instance",
            (true, false) => "the older report has no instance",
            (false, true) => "the newer report has no instance",
            (false, false) => "no instance is in both reports",
        };
        // Where specs have found each other, a name of theirs is not what is wrong.
        let paired = diff.specs.iter().any(|pair| pair.old.is_some() && pair.new.is_some());
        let help = if paired { "" } else { "\n  help: `--spec OLD=NEW` says which spec was renamed" };
        return Err(Failure::wrong(format!(
            "nothing was compared: {why}\n  the older one is about: {}\n  the newer one is about: {}{help}",
            names(&old),
            names(&new)
        )));
    }
    if arguments.json {
        output.json(&diff)?;
    } else {
        output.text(printable_lines(&diff.text(arguments.markdown)))?;
    }
    Ok(diff.exit_code(arguments.strict).into())
}
