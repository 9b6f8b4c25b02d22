//! Reports as files: which format a name asks for, written, and read back.

use crate::out_file::OutFile;
use crate::output::{Exit, Failure, Output, quoted, shown};
use clap::ValueEnum;
use qnn::db::MAX_DATA_BYTES;
use qnn::diagnostic::printable_lines;
use qnn::files::spelling::size;
use qnn::report::html::page;
use qnn::report::model::Report;
use qnn::report::{junit, markdown, sarif};
use std::path::{Path, PathBuf};

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

/// A report as JSON.
pub fn json(report: &Report) -> Result<String, Failure> {
    report.json().map_err(|error| Failure::Message(Exit::Internal, format!("the report has no JSON: {error}")))
}
