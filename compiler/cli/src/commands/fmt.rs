//! `qnn fmt`: one way to lay out a spec.

use crate::output::{Exit, Failure, Output, plural, quoted, shown};
use crate::project::all_below;
use crate::spec::{is_standard, standard_input};
use owo_colors::OwoColorize;
use qnn::db::{Disk, FileSystem};
use qnn::syntax::format;
use similar::{ChangeTag, TextDiff};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Formats specs in place
///
/// There is one style and nothing to configure. A spec with syntax errors is left as it is. With `-` the spec is read from
/// standard input and written to standard output.
#[derive(clap::Args)]
pub struct Arguments {
    /// Specs, or folders, for every spec below them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Changes nothing: shows what would change, and exits with 1 if anything would
    #[arg(long)]
    check: bool,
}

/// Formats each file.
pub fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Failure> {
    let mut exit = Exit::Fine;
    let mut unformatted = 0;
    let mut files = Vec::new();
    for path in &arguments.files {
        if path.is_dir() { files.extend(all_below(path)?) } else { files.push(path.clone()) }
    }
    for path in &files {
        let standard = is_standard(path);
        let text = match read(path, standard) {
            Ok(text) => text,
            Err(message) => {
                output.error(message);
                exit = exit.worse(Exit::Spec);
                continue;
            }
        };
        let formatted = match format(&text) {
            Ok(formatted) => formatted,
            Err(_) => {
                let hint = if standard { String::new() } else { format!("; `qnn check {}` says where", quoted(path)) };
                let name = if standard { "standard input".into() } else { path.to_string_lossy() };
                output.error(format_args!("{name} has syntax errors, so it is not formatted{hint}"));
                exit = exit.worse(Exit::Spec);
                continue;
            }
        };
        match (arguments.check, standard) {
            (true, _) if formatted != text => {
                unformatted += 1;
                exit = exit.worse(Exit::Violated);
                show_difference(path, &text, &formatted, output)?;
            }
            (true, _) => {}
            (false, true) => output.text(&formatted)?,
            (false, false) if formatted != text => {
                write(path, &formatted)
                    .map_err(|e| Failure::wrong(format!("`{}` can't be written: {e}", shown(path))))?;
                output.note(format_args!("formatted {}", shown(path)));
            }
            (false, false) => {}
        }
    }
    if unformatted > 0 {
        output.error(format_args!(
            "{} not formatted; `qnn fmt` without `--check` does it",
            plural(unformatted, "file is", "files are")
        ));
    }
    Ok(exit)
}

fn read(path: &Path, standard: bool) -> Result<String, String> {
    if standard {
        return standard_input()
            .map(|text| text.to_string())
            .map_err(|problem| format!("standard input {}", problem.message));
    }
    let text = Disk.text(path).map_err(|problem| format!("`{}` {}", shown(path), problem.message))?;
    Ok(text.to_string())
}

/// Replaces a file at once: whoever is interrupted keeps the old one.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    // What a link points to is replaced, not the link.
    let target = std::fs::canonicalize(path)?;
    let folder = target.parent().unwrap_or(Path::new("."));
    qnn::disk::sweep(folder);
    let mut file = qnn::disk::unfinished(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(std::fs::metadata(&target)?.permissions())?;
    file.persist(&target)?;
    Ok(())
}

/// The lines that would change, as `diff -u` shows them.
fn show_difference(path: &Path, text: &str, formatted: &str, output: &mut Output) -> Result<(), Failure> {
    output.line(format_args!("--- {}", shown(path)).bold())?;
    output.line(format_args!("+++ {}, formatted", shown(path)).bold())?;
    let diff = TextDiff::from_lines(text, formatted);
    for hunk in diff.unified_diff().context_radius(2).iter_hunks() {
        output.line(hunk.header().cyan())?;
        for change in hunk.iter_changes() {
            let line = change.value().trim_end_matches('\n');
            match change.tag() {
                ChangeTag::Delete => output.line(format_args!("-{line}").red())?,
                ChangeTag::Insert => output.line(format_args!("+{line}").green())?,
                ChangeTag::Equal => output.line(format_args!(" {line}"))?,
            }
        }
    }
    Ok(())
}
