//! `qnn check`: what is wrong with specs.

use crate::output::{Exit, Failure, Output, plural};
use crate::project::Targets;
use crate::spec::{Counts, Specs};
use owo_colors::OwoColorize;
use qnn::check::spec::{diagnostics, family, verifiable};
use qnn::db::SourceFile;
use qnn::diagnostic::{Diagnostic, Place};
use qnn::report::terminal::{line_column, resolve, show_path};
use serde_json::{Value, json};
use std::ops::Range;
use std::path::PathBuf;

/// The version of what `--json` prints.
const JSON_VERSION: u32 = 1;

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
        let counts = Counts::of(all);
        if counts.errors > 0 {
            exit = Exit::Spec;
        }
        let (properties, instances) = questions(specs, *file);
        json!({
            "spec": specs.name(*file),
            "errors": counts.errors,
            "warnings": counts.warnings,
            "properties": properties,
            "instances": instances,
            "diagnostics": all.iter().map(|diagnostic| shown(specs, diagnostic)).collect::<Vec<_>>(),
        })
    };
    let all: Vec<Value> = specs.files.iter().map(each).collect();
    let document = json!({
        "version": JSON_VERSION,
        "qnn": env!("CARGO_PKG_VERSION"),
        "exit": u8::from(exit),
        "specs": all,
    });
    output.json(&document)?;
    Ok(exit)
}

fn shown(specs: &Specs, diagnostic: &Diagnostic) -> Value {
    let labels = diagnostic.labels.iter().enumerate().map(|(index, label)| {
        let mut value = place(specs, label.place);
        value["primary"] = (index == 0).into();
        value["message"] = label.message.clone().into();
        value
    });
    let fixes = diagnostic.fixes.iter().map(|fix| {
        let mut value = place(specs, fix.place);
        value["title"] = fix.title.clone().into();
        value["replacement"] = fix.replacement.clone().into();
        value
    });
    json!({
        "severity": diagnostic.severity,
        "code": diagnostic.code,
        "message": diagnostic.message,
        "labels": labels.collect::<Vec<_>>(),
        "notes": diagnostic.notes,
        "help": diagnostic.help,
        "fixes": fixes.collect::<Vec<_>>(),
    })
}

/// A file and a range of it: in lines and columns, both from 1 and in characters, and in bytes from the beginning. The end is the first place past it.
fn place(specs: &Specs, place: Place) -> Value {
    let (file, Range { start, end }) = resolve(&specs.db, place);
    let text: &str = file.text(&specs.db).as_deref().unwrap_or_default();
    let position = |at: usize| {
        let (line, column) = line_column(text, at);
        json!({ "line": line, "column": column })
    };
    json!({
        "file": show_path(file.path(&specs.db), specs.base()),
        "start": position(start),
        "end": position(end),
        "bytes": [start, end],
    })
}
