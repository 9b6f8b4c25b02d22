//! Specs as the commands take them: read into one database, checked, their diagnostics shown once.

use super::output::{Exit, Failure, Output, plural};
use qnn::check::scope::file_diagnostics;
use qnn::check::spec::diagnostics;
use qnn::db::{Database, Db, Disk, SourceFile};
use qnn::diagnostic::{Diagnostic, Severity};
use qnn::interrupt;
use qnn::report::terminal::{Style, render, show_path};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Specs in a database.
pub struct Specs {
    /// The database.
    pub db: Database,
    /// The specs in the order in which they were named, each once.
    pub files: Vec<SourceFile>,
    /// Paths below this folder are shown relative to it.
    base: PathBuf,
    said: HashSet<Diagnostic>,
}

/// What the checker said of a spec.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
}

impl Specs {
    /// Reads the specs.
    ///
    /// # Errors
    /// With a sentence, if one can't be read.
    pub fn read(paths: &[PathBuf]) -> Result<Specs, Failure> {
        let base = std::env::current_dir().map(|folder| qnn::db::normalise(&folder)).unwrap_or_default();
        let db = Database::new(Disk);
        let mut files = Vec::new();
        for path in paths {
            let file = db.source(path);
            if let Err(problem) = file.text(&db) {
                let mut message = format!("`{}` {}", path.display(), problem.message);
                let help = if path.is_dir() {
                    Some(specs_in(path))
                } else if path.exists() {
                    problem.help.clone()
                } else {
                    path.extension().is_none().then(|| format!("a spec's name ends in `.qnn`: {}.qnn?", path.display()))
                };
                if let Some(help) = help {
                    message.push_str(&format!("\n  help: {help}"));
                }
                return Err(Failure::wrong(message));
            }
            if !files.contains(&file) {
                files.push(file);
            }
        }
        Ok(Specs { db, files, base, said: HashSet::new() })
    }

    /// The one spec of a command that takes one.
    pub fn read_one(path: &Path) -> Result<(Specs, SourceFile), Failure> {
        let specs = Specs::read(&[path.to_owned()])?;
        let file = specs.files[0];
        Ok((specs, file))
    }

    /// A spec's path as it is shown.
    pub fn name(&self, file: SourceFile) -> String {
        show_path(file.path(&self.db), &self.base)
    }

    /// Paths below this folder are shown relative to it.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// Checks a spec and shows what is wrong with it, unless it has been shown.
    pub fn check(&mut self, file: SourceFile, output: &Output) -> Counts {
        let all = diagnostics(&self.db, file).clone();
        self.show(&all, output)
    }

    /// The same until `stop` holds: then only syntax and names are checked.
    pub fn check_until(
        &mut self,
        file: SourceFile,
        stop: impl Fn() -> bool + Send + Sync + 'static,
        output: &Output,
    ) -> Counts {
        let all = interrupt::until(stop, || diagnostics(&self.db, file).to_vec());
        let all = all.unwrap_or_else(|_| file_diagnostics(&self.db, file));
        self.show(&all, output)
    }

    /// Shows diagnostics, unless they have been shown.
    pub fn show(&mut self, all: &[Diagnostic], output: &Output) -> Counts {
        let fresh: Vec<Diagnostic> = all.iter().filter(|d| self.said.insert((*d).clone())).cloned().collect();
        let style = Style { color: output.error_color, base: &self.base };
        let text = render(&self.db, &fresh, style);
        if !text.is_empty() {
            output.note(text.trim_end_matches('\n'));
            output.note("");
        }
        let count = |severity| all.iter().filter(|d| d.severity == severity).count();
        Counts { errors: count(Severity::Error), warnings: count(Severity::Warning) }
    }

    /// Checks a spec that a command is about to work with: errors end it.
    pub fn demand(&mut self, file: SourceFile, output: &Output) -> Result<Counts, Failure> {
        let counts = self.check(file, output);
        if counts.errors == 0 {
            return Ok(counts);
        }
        Err(Failure::Message(Exit::Spec, self.problems(file, counts)))
    }

    /// «spec.qnn has 2 errors and 1 warning», and where to learn more.
    pub fn problems(&self, file: SourceFile, counts: Counts) -> String {
        let all = diagnostics(&self.db, file);
        let first = all.iter().find(|d| d.severity == Severity::Error).or(all.first());
        let errors = (counts.errors > 0).then(|| plural(counts.errors, "error", "errors"));
        let warnings = (counts.warnings > 0).then(|| plural(counts.warnings, "warning", "warnings"));
        let list: Vec<String> = errors.into_iter().chain(warnings).collect();
        let more = first.map_or_else(String::new, |d| format!("; `qnn explain {}` says more about the first", d.code));
        format!("{} has {}{more}", self.name(file), list.join(" and "))
    }
}

/// Advice for whoever named a folder.
fn specs_in(folder: &Path) -> String {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "qnn"))
        .collect();
    found.sort();
    match found.as_slice() {
        [] => "name a spec: a text file whose name ends in `.qnn`".to_owned(),
        [first, ..] => format!("name a spec in it, such as {}", first.display()),
    }
}
