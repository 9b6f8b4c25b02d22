//! `qnn check`: what is wrong with specs.

use crate::output::{Exit, Failure, Output, plural};
use crate::project::Targets;
use crate::spec::{Counts, Specs};
use owo_colors::OwoColorize;
use qnn::check::spec::{diagnostics, family, verifiable};
use qnn::db::SourceFile;
use qnn::report::checked::{Checked, CheckedDiagnostic, CheckedSpec};
use std::path::PathBuf;

/// Checks specs without verifying anything
///
/// Names, shapes, formats, widths, files, every instance of every property: all that can be said before an engine runs.
/// Exits with 3 if there is an error; warnings are shown and pass.
#[derive(clap::Args)]
pub struct Arguments {
    /// Specs, or folders of specs; `-` is standard input  [default: .]
    #[arg(value_name = "SPEC")]
    specs: Vec<PathBuf>,
    /// Prints one JSON document instead of text
    #[arg(long)]
    json: bool,
    /// Doesn't look for a project file (`qnn.toml`)
    #[arg(long)]
    no_project: bool,
}

/// Checks each spec.
pub fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Failure> {
    let targets = Targets::of(&arguments.specs, !arguments.no_project)?;
    let mut specs = Specs::read(&targets.specs)?;
    if arguments.json {
        return document(&specs, output);
    }
    specs.in_full = true;
    let mut exit = Exit::Fine;
    for file in specs.files.clone() {
        let counts = match specs.demand(file, output) {
            Ok(counts) => counts,
            Err(Failure::Message(why, message)) => {
                output.error(message);
                exit = exit.worse(why);
                continue;
            }
            Err(failure) => return Err(failure),
        };
        let (sign, found) = match counts.warnings {
            0 => ("✓".green().to_string(), "no problems found".to_owned()),
            n => ("✓".yellow().to_string(), format!("no errors, but {}", plural(n, "warning", "warnings"))),
        };
        output.line(format_args!("{sign} {found} in {}: {}", specs.name(file).bold(), contents(&specs, file)))?;
    }
    Ok(exit)
}

/// How many properties and measures there are, and how many instances.
fn questions(specs: &Specs, file: SourceFile) -> (usize, usize) {
    let items = verifiable(&specs.db, file);
    let instances =
        items.iter().map(|item| family(&specs.db, *item).value.as_ref().map_or(0, |f| f.instances.len())).sum();
    (items.len(), instances)
}

/// «3 properties with 120 instances».
fn contents(specs: &Specs, file: SourceFile) -> String {
    match questions(specs, file) {
        (0, _) => "no properties".to_owned(),
        (items, instances) => {
            let questions = plural(items, "property or measure", "properties and measures");
            format!("{questions} with {}", plural(instances, "instance", "instances"))
        }
    }
}

/// Everything as JSON; `docs/check.schema.json` describes it.
fn document(specs: &Specs, output: &mut Output) -> Result<Exit, Failure> {
    let mut exit = Exit::Fine;
    let each = |file: &SourceFile| {
        let all = diagnostics(&specs.db, *file);
        let Counts { errors, warnings } = Counts::of(all);
        if errors > 0 {
            exit = Exit::Spec;
        }
        let (properties, instances) = questions(specs, *file);
        CheckedSpec {
            spec: specs.name(*file),
            errors,
            warnings,
            properties,
            instances,
            diagnostics: all.iter().map(|found| CheckedDiagnostic::new(&specs.db, found, specs.base())).collect(),
        }
    };
    let all: Vec<CheckedSpec> = specs.files.iter().map(each).collect();
    output.json(&Checked::new(all, u8::from(exit)))?;
    Ok(exit)
}
