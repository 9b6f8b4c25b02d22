//! `qnn diff`: what changed between two reports.

use super::output::{Exit, Failure, Output};
use super::report::read;
use std::path::PathBuf;

const EXIT_CODES: &str = "\
Exit codes:
  0  nothing got worse
  1  something is a regression: violated or in error where it was not, or a smaller radius; with `--strict`, anything changed
  2  something that was decided is undecided, or not asked any more
  3  the command or a file is wrong
Where several apply, the first of 3, 1, 2, 0 counts.";

/// Says what changed between two reports, for a gate in CI
///
/// Compares verdicts and values, instance by instance, of reports that `qnn report -o FILE.json` or `qnn verify --json` wrote.
#[derive(clap::Args)]
#[command(after_long_help = EXIT_CODES)]
pub struct Arguments {
    /// The older report
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The newer report
    #[arg(value_name = "NEW")]
    new: PathBuf,
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

/// Compares.
pub fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Failure> {
    let diff = qnn::report::diff::diff(&read(&arguments.old)?, &read(&arguments.new)?);
    if arguments.json {
        let text = serde_json::to_string_pretty(&diff);
        output.line(text.map_err(|error| Failure::Message(Exit::Internal, error.to_string()))?)?;
    } else {
        output.text(diff.text(arguments.markdown))?;
    }
    Ok(diff.exit_code(arguments.strict).into())
}
