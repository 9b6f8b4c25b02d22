//! `qnn check`: what is wrong with specs.

use super::output::{Exit, Failure, Output, plural};
use super::spec::Specs;
use owo_colors::OwoColorize;
use qnn::check::spec::{family, verifiable};
use qnn::db::SourceFile;
use std::path::PathBuf;

/// Checks specs without verifying anything
///
/// Names, shapes, formats, widths, files, every instance of every property: all that can be said before an engine runs.
/// Exits with 3 if there is an error; warnings are shown and pass.
#[derive(clap::Args)]
pub struct Arguments {
    /// The specs
    #[arg(required = true, value_name = "SPEC")]
    specs: Vec<PathBuf>,
}

/// Checks each spec.
pub fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Failure> {
    let mut specs = Specs::read(&arguments.specs)?;
    let mut exit = Exit::Fine;
    for file in specs.files.clone() {
        let counts = specs.check(file, output);
        if counts.errors > 0 {
            exit = Exit::Spec;
            output.error(specs.problems(file, counts));
        } else if counts.warnings > 0 {
            output.warning(specs.problems(file, counts));
        } else {
            output.line(format_args!(
                "{} no problems found in {}: {}",
                "✓".green(),
                specs.name(file).bold(),
                contents(&specs, file)
            ))?;
        }
    }
    Ok(exit)
}

/// «3 properties with 120 instances».
fn contents(specs: &Specs, file: SourceFile) -> String {
    let items = verifiable(&specs.db, file);
    if items.is_empty() {
        return "no properties".to_owned();
    }
    let instances: usize =
        items.iter().map(|item| family(&specs.db, *item).value.as_ref().map_or(0, |f| f.instances.len())).sum();
    let questions = plural(items.len(), "property or measure", "properties and measures");
    format!("{questions} with {}", plural(instances, "instance", "instances"))
}
