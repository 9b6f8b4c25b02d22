//! Specs as the commands take them: read into one database, checked, their diagnostics shown once.

use super::output::{Exit, Failure, Output, plural, thousands};
use owo_colors::OwoColorize;
use qnn::check::scope::file_diagnostics;
use qnn::check::spec::diagnostics;
use qnn::db::{BytesContent, Database, Db, Disk, FileSystem, MAX_SPEC_BYTES, SourceFile};
use qnn::diagnostic::{Diagnostic, Severity, printable};
use qnn::disk::{self, Bounded};
use qnn::files::FileError;
use qnn::ir::interrupt;
use qnn::report::locate::{begin, locate, show_path};
use qnn::report::terminal::{Style, render};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Specs in a database.
pub struct Specs {
    /// The database.
    pub db: Database,
    /// The specs in the order in which they were named, each once.
    pub files: Vec<SourceFile>,
    /// Paths below this folder are shown relative to it.
    base: PathBuf,
    /// Whether warnings are shown in full, as `qnn check` does; a line for each code says where they are, elsewhere.
    pub in_full: bool,
    /// Whether nobody wrote the texts, so that of the warnings only those of what formats lose (W04…) are shown.
    pub generated: bool,
    said: HashSet<Diagnostic>,
    /// What the check of each spec found, as far as it came.
    found: HashMap<SourceFile, Vec<Diagnostic>>,
}

/// The specs without errors, and how a command ends that some are missing of.
pub struct Sound {
    /// Those without errors.
    pub files: Vec<SourceFile>,
    /// [`Exit::Spec`] if there are others.
    pub exit: Exit,
}

/// What the checker said of a spec.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
}

impl Counts {
    /// Those of some diagnostics.
    pub fn of(all: &[Diagnostic]) -> Counts {
        let count = |severity| all.iter().filter(|d| d.severity == severity).count();
        Counts { errors: count(Severity::Error), warnings: count(Severity::Warning) }
    }
}

impl Specs {
    /// Reads the specs; `-` is standard input. What can't be read is an error of that spec, which [`Specs::check`] shows.
    ///
    /// # Errors
    /// With a sentence, if there is nothing to read.
    pub fn read(paths: &[PathBuf]) -> Result<Specs, Failure> {
        let base = std::env::current_dir().map(|folder| qnn::db::normalise(&folder)).unwrap_or_default();
        let standard = paths.iter().any(|path| is_standard(path)).then(|| (base.join(STANDARD), standard_input()));
        let db = Database::new(Inputs { standard });
        let mut files = Vec::new();
        for path in paths {
            let file = if is_standard(path) { db.source(&base.join(STANDARD)) } else { db.source(path) };
            if !files.contains(&file) {
                files.push(file);
            }
        }
        Ok(Specs { files, ..Specs::with(db, base) })
    }

    /// No specs yet: they are added to the database.
    pub fn none() -> Specs {
        let base = std::env::current_dir().map(|folder| qnn::db::normalise(&folder)).unwrap_or_default();
        Specs::with(Database::new(Disk), base)
    }

    fn with(db: Database, base: PathBuf) -> Specs {
        let (said, found) = (HashSet::new(), HashMap::new());
        Specs { db, files: Vec::new(), base, in_full: false, generated: false, said, found }
    }

    /// The one spec of a command that takes one.
    pub fn read_one(path: &Path) -> Result<(Specs, SourceFile), Failure> {
        let specs = Specs::read(&[path.to_owned()])?;
        match specs.files.as_slice() {
            [file] => {
                let file = *file;
                match specs.unreadable(file) {
                    Some(why) => Err(Failure::wrong(why)),
                    None => Ok((specs, file)),
                }
            }
            _ => Err(Failure::wrong("a spec is missing")),
        }
    }

    /// Whether none of them can be read.
    pub fn are_unreadable(&self) -> bool {
        self.files.iter().all(|file| file.text(&self.db).is_err())
    }

    /// Why a spec can't be read.
    fn unreadable(&self, file: SourceFile) -> Option<String> {
        let problem = file.text(&self.db).as_ref().err()?;
        let path = file.path(&self.db);
        let mut message = format!("`{}` {}", self.name(file), problem.message);
        let help = if path.is_dir() {
            Some("this takes one spec: a text file whose name ends in `.qnn`".to_owned())
        } else if path.exists() {
            problem.help.clone()
        } else {
            path.extension().is_none().then(|| format!("a spec's name ends in `.qnn`: {}.qnn?", self.name(file)))
        };
        if let Some(help) = help {
            message.push_str(&format!("\n  help: {help}"));
        }
        Some(message)
    }

    /// Checks all specs, each until what `stop` makes for it holds: then only syntax and names are checked. Says what is wrong with each.
    pub fn sound<S: Fn() -> bool + Send + Sync + 'static>(
        &mut self,
        stop: impl Fn(&Database, SourceFile) -> S,
        output: &Output,
    ) -> Sound {
        let mut sound = Sound { files: Vec::new(), exit: Exit::Fine };
        for file in self.files.clone() {
            match self.demand_until(file, stop(&self.db, file), output) {
                Ok(_) => sound.files.push(file),
                Err(Failure::Message(exit, message)) => {
                    output.error(message);
                    sound.exit = sound.exit.worse(exit);
                }
                Err(Failure::Pipe) => {}
            }
        }
        sound
    }

    /// What the check of a spec found, as far as it came. Nothing is checked that has not been.
    pub fn found(&self, file: SourceFile) -> Vec<Diagnostic> {
        self.found.get(&file).cloned().unwrap_or_else(|| file_diagnostics(&self.db, file))
    }

    /// A spec's path as it is shown.
    pub fn name(&self, file: SourceFile) -> String {
        show_path(file.path(&self.db), &self.base)
    }

    /// Paths below this folder are shown relative to it.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// Shows diagnostics, unless they have been shown.
    pub fn show(&mut self, all: &[Diagnostic], output: &Output) -> Counts {
        let wanted = |d: &&Diagnostic| !self.generated || d.severity == Severity::Error || d.code.starts_with("W04");
        let fresh: Vec<Diagnostic> =
            all.iter().filter(wanted).filter(|d| self.said.insert((*d).clone())).cloned().collect();
        let in_full = |d: &Diagnostic| self.in_full || d.severity == Severity::Error;
        let (full, brief): (Vec<Diagnostic>, Vec<Diagnostic>) = fresh.into_iter().partition(in_full);
        let style = Style { color: output.error_color, base: &self.base };
        let text = render(&locate(&self.db, &full), style);
        if !text.is_empty() {
            output.note(text.trim_end_matches('\n'));
            output.note("");
        }
        self.show_briefly(&brief, output);
        Counts::of(all)
    }

    /// A line for each code: the first of its warnings, and how many more there are.
    fn show_briefly(&self, warnings: &[Diagnostic], output: &Output) {
        let mut by_code: Vec<(&Diagnostic, usize)> = Vec::new();
        for warning in warnings {
            match by_code.iter_mut().find(|(first, _)| first.code == warning.code) {
                Some((_, count)) => *count += 1,
                None => by_code.push((warning, 1)),
            }
        }
        for (first, count) in by_code {
            let place = first.labels.first().map(|label| label.place);
            let place = place.map_or_else(String::new, |place| {
                let (line, column) = begin(&self.db, place);
                format!("{}:{line}:{column}: ", self.name(place.item.file(&self.db)))
            });
            let more = if count > 1 { format!(", and {} more", thousands(count - 1)) } else { String::new() };
            let kind = format!("warning[{}]", first.code);
            output.note(format_args!(
                "{}{} {place}{}{more}; `qnn check` says more",
                kind.yellow().bold(),
                ":".bold(),
                printable(&first.message)
            ));
        }
    }

    /// Checks a spec that a command is about to work with: errors end it.
    pub fn demand(&mut self, file: SourceFile, output: &Output) -> Result<Counts, Failure> {
        self.demand_until(file, || false, output)
    }

    /// The same until `stop` holds: then only syntax and names are checked.
    pub fn demand_until(
        &mut self,
        file: SourceFile,
        stop: impl Fn() -> bool + Send + Sync + 'static,
        output: &Output,
    ) -> Result<Counts, Failure> {
        if let Some(why) = self.unreadable(file) {
            return Err(Failure::wrong(why));
        }
        let all = interrupt::until(stop, || diagnostics(&self.db, file).to_vec());
        let all = all.unwrap_or_else(|_| file_diagnostics(&self.db, file));
        let counts = self.show(&all, output);
        let failure = (counts.errors > 0).then(|| self.problems(file, &all, counts));
        self.found.insert(file, all);
        failure.map_or(Ok(counts), |message| Err(Failure::Message(Exit::Spec, message)))
    }

    /// «spec.qnn has 2 errors and 1 warning», and where to learn more.
    fn problems(&self, file: SourceFile, all: &[Diagnostic], counts: Counts) -> String {
        let first = all.iter().find(|d| d.severity == Severity::Error).or(all.first());
        let errors = (counts.errors > 0).then(|| plural(counts.errors, "error", "errors"));
        let warnings = (counts.warnings > 0).then(|| plural(counts.warnings, "warning", "warnings"));
        let list: Vec<String> = errors.into_iter().chain(warnings).collect();
        let more = first.map_or_else(String::new, |d| format!("; `qnn explain {}` says more about the first", d.code));
        format!("{} has {}{more}", self.name(file), list.join(" and "))
    }
}

/// What standard input is called where a spec's path is shown.
pub const STANDARD: &str = "<stdin>";

/// Whether a path means standard input.
pub fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The disk, and standard input as a file of the current folder: other files are named from there.
struct Inputs {
    standard: Option<(PathBuf, Result<Arc<str>, FileError>)>,
}

impl FileSystem for Inputs {
    fn text(&self, path: &Path) -> Result<Arc<str>, FileError> {
        match &self.standard {
            Some((place, text)) if place == path => text.clone(),
            _ => Disk.text(path),
        }
    }

    fn bytes(&self, path: &Path) -> BytesContent {
        Disk.bytes(path)
    }
}

/// The text on standard input.
pub fn standard_input() -> Result<Arc<str>, FileError> {
    Ok(disk::text(Bounded::new(std::io::stdin(), MAX_SPEC_BYTES).all()?)?.into())
}
