//! `qnn export`: what is verified, in other tools' formats.

use crate::out_file::OutFile;
use crate::output::{Exit, Failure, Output, plural, quoted, shown};
use crate::spec::Specs;
use qnn::check::spec::{Question, question};
use qnn::engine::Control;
use qnn::report::smtlib::Script;
use qnn::report::vnnlib;
use qnn::verify::{Filter, Job, Options, plan};
use std::collections::HashSet;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Writes properties for other tools: as SMT-LIB 2 for solvers of bit-vectors, as VNN-LIB for verifiers of networks
///
/// A file for each instance. SMT-LIB is satisfiable exactly if some input violates the property; comments say which number each
/// variable is. VNN-LIB is over the reals, speaks of one network's inputs and outputs, and leaves rounding to the network beside it: instances that
/// it can't say are left out. So are measures, which have no single formula.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    format: Format,
    /// The spec
    spec: PathBuf,
    /// Only the properties and instances that match: `robust`, `robust*`, `robust(i = 3, *`
    #[arg(short, long, value_name = "PATTERN")]
    filter: Vec<String>,
    /// The folder for the files, made if it is not there; `-` for standard output, if there is one instance only
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Asks for the inputs' values too: for instances that are known to be violated
    #[arg(long, conflicts_with = "vnnlib")]
    values: bool,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Format {
    /// As SMT-LIB 2 (QF_BV), for Z3, Bitwuzla, cvc5 or any other solver of bit-vectors
    #[arg(long)]
    smt2: bool,
    /// As VNN-LIB, for verifiers that take a network as ONNX beside it: version 1, or 2 by `--vnnlib=2`
    #[arg(long, value_name = "VERSION", num_args = 0..=1, require_equals = true, default_missing_value = "1", value_parser = ["1", "2"])]
    vnnlib: Option<String>,
}

/// An instance that a format can't say, and why.
type Unsaid = (String, String);

/// Exports.
pub fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Failure> {
    let (mut specs, file) = Specs::read_one(&arguments.spec)?;
    specs.demand(file, output)?;
    let all = plan(&specs.db, file, &Filter::new(&arguments.filter), &Options::default()).jobs;
    let (jobs, measures): (Vec<Job>, Vec<Job>) = all.into_iter().partition(|job| !job.kind.is_measure());
    if jobs.is_empty() {
        let why = if measures.is_empty() {
            "there is nothing to export"
        } else {
            "only measures match, and they have no formula"
        };
        return Err(Failure::wrong(why));
    }
    let standard = arguments.output.as_os_str() == "-";
    if standard && jobs.len() > 1 {
        return Err(Failure::wrong(format!(
            "{} don't fit on standard output\n  help: pick one with `--filter {}`, or name a folder",
            plural(jobs.len(), "instance", "instances"),
            quoted(Path::new(&jobs[0].name))
        )));
    }
    if !standard {
        std::fs::create_dir_all(&arguments.output)
            .map_err(|e| Failure::wrong(format!("the folder `{}` can't be made: {e}", shown(&arguments.output))))?;
    }
    let ending = if arguments.format.vnnlib.is_some() { "vnnlib" } else { "smt2" };
    let mut taken = HashSet::new();
    let mut unsaid: Vec<Unsaid> = Vec::new();
    for job in &jobs {
        let text = match script(arguments, &mut specs, job, output)? {
            Ok(text) => text,
            Err(why) => {
                unsaid.push((job.name.clone(), why));
                continue;
            }
        };
        if standard {
            for piece in text.pieces() {
                output.text(piece)?;
            }
            continue;
        }
        let stem = file_stem(&job.name);
        let name = (1..)
            .map(|n| if n == 1 { format!("{stem}.{ending}") } else { format!("{stem}-{n}.{ending}") })
            .find(|name| taken.insert(name.clone()))
            .unwrap_or(stem);
        let path = arguments.output.join(name);
        let mut file = OutFile::create_in_folder(&path)?;
        let mut out = BufWriter::new(file.file());
        let written = text.pieces().try_for_each(|piece| out.write_all(piece.as_bytes())).and_then(|()| out.flush());
        drop(out);
        written.map_err(|error| file.failure(&error))?;
        file.finish()?;
    }
    if let Some((first, why)) = unsaid.first() {
        if unsaid.len() == jobs.len() {
            return Err(Failure::wrong(format!("`{first}` can't be exported: {why}")));
        }
        let count = plural(unsaid.len(), "instance is", "instances are");
        output.note(format_args!("note: {count} left out, such as `{first}`: {why}"));
    }
    if !standard {
        let files = plural(jobs.len() - unsaid.len(), "file", "files");
        output.line(format_args!("{files} in {}", shown(&arguments.output)))?;
    }
    if !measures.is_empty() {
        output.note(format_args!("note: {} left out", plural(measures.len(), "measure is", "measures are")));
    }
    Ok(Exit::Fine)
}

/// The text of an instance.
enum Text {
    /// As one piece.
    Whole(String),
    /// Piece by piece.
    Pieces(vnnlib::VnnlibText),
}

impl Text {
    fn pieces(&self) -> Box<dyn Iterator<Item = &str> + '_> {
        match self {
            Text::Whole(text) => Box::new(std::iter::once(text.as_str())),
            Text::Pieces(text) => Box::new(text.pieces()),
        }
    }
}

/// The text of an instance, or why the format can't say it.
fn script(
    arguments: &Arguments,
    specs: &mut Specs,
    job: &Job,
    output: &Output,
) -> Result<Result<Text, String>, Failure> {
    let outcome = question(&specs.db, job.item, job.instance).clone();
    let Some(Question::Property(statement)) = &outcome.value else {
        specs.show(&outcome.diagnostics, output);
        return Err(Failure::wrong(format!("`{}` is in error", job.name)));
    };
    let title =
        format!("{} of {}\nby qnn {}", job.name, specs.name(job.item.file(&specs.db)), env!("CARGO_PKG_VERSION"));
    if let Some(version) = &arguments.format.vnnlib {
        let version = if version == "2" { vnnlib::Version::Two } else { vnnlib::Version::One };
        let folder = job.item.file(&specs.db).path(&specs.db).parent().unwrap_or(Path::new(""));
        return Ok(vnnlib::text(&specs.db, folder, statement, &title, version).map(Text::Pieces));
    }
    let script = Script { title, values: arguments.values, ..Script::default() };
    let text = script.write(&statement.obligation, &Control::default());
    text.map(|text| Ok(Text::Whole(text)))
        .map_err(|reason| Failure::Message(Exit::Undecided, format!("`{}` can't be exported: {reason}", job.name)))
}

/// `robust(i = 3, eps = -1)` as a file's name: `robust_i3_eps-1`.
fn file_stem(name: &str) -> String {
    let mut stem = String::new();
    for c in name.chars() {
        match c {
            '(' | ',' => stem.push('_'),
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' | '.' => stem.push(c),
            _ => {}
        }
    }
    stem
}

#[cfg(test)]
mod tests {
    #[test]
    fn files_are_called_by_their_instances() {
        assert_eq!(super::file_stem("robust(i = 3, eps = -1)"), "robust_i3_eps-1");
        assert_eq!(super::file_stem("fair"), "fair");
    }
}
