//! `qnn new`: a small spec to start from.

use crate::output::{Exit, Failure, Output, quoted, shown};
use owo_colors::OwoColorize;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The spec; its weights are written in it, so it needs no other file.
const TEMPLATE: &str = include_str!("new.qnn");

/// Writes a small spec to start from
///
/// It is complete: it checks, and its properties verify in a moment. Nothing is overwritten.
#[derive(clap::Args)]
pub struct Arguments {
    /// The spec's name; `.qnn` is added where it is missing
    #[arg(default_value = "first")]
    name: PathBuf,
}

/// Writes it.
pub fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Failure> {
    let path = match arguments.name.extension() {
        Some(extension) if extension == "qnn" => arguments.name.clone(),
        _ => {
            let mut name = arguments.name.clone().into_os_string();
            name.push(".qnn");
            PathBuf::from(name)
        }
    };
    create(&path).map_err(|error| {
        let shown = shown(&path);
        Failure::wrong(match error.kind() {
            ErrorKind::AlreadyExists => {
                format!("`{shown}` is there already, and is left as it is\n  help: choose another name")
            }
            ErrorKind::NotFound => format!("`{shown}` can't be written: its folder does not exist"),
            _ => format!("`{shown}` can't be written: {error}"),
        })
    })?;
    output.line(format_args!("{} {}; next:", "wrote".green().bold(), shown(&path)))?;
    let shown = quoted(&path);
    for (command, what) in
        [("check", "is it sound?"), ("verify", "what holds?"), ("show", "what does the network take?")]
    {
        output.line(format_args!("  qnn {command:<6} {shown}   {}", what.dimmed()))?;
    }
    Ok(Exit::Fine)
}

fn create(path: &Path) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(TEMPLATE.as_bytes())
}
