//! Project files and folders: which specs a command is about, and how they are verified where the command line says nothing.
//!
//! In: the paths of a command line, and `qnn.toml`, looked for from there upwards. Out: the specs, and what the project says of them. `docs/project.md` has the
//! rules. Nothing is verified here.

use super::output::{Failure, shown};
use super::spec::is_standard;
use super::times::{parse_duration, parse_factor};
use globset::{Glob, GlobSet, GlobSetBuilder};
use qnn::db::{Disk, FileSystem, normalise};
use qnn::disk::{Found, specs_below};
use qnn::engine::NAMES;
use qnn::report::locate::line_column;
use qnn::syntax::ast::ItemKind;
use qnn::syntax::parse;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The name of a project file.
pub const NAME: &str = "qnn.toml";

/// A project.
pub struct Project {
    /// Its file.
    pub file: PathBuf,
    /// The folder that its file lies in: where its paths begin.
    pub root: PathBuf,
    specs: GlobSet,
    exclude: GlobSet,
    /// How to verify.
    pub verify: Settings,
    /// The report that says what is expected.
    pub baseline: Option<PathBuf>,
    /// The reports to write.
    pub reports: Vec<PathBuf>,
}

/// A project file as it is written.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    specs: Option<Vec<Pattern>>,
    exclude: Vec<Pattern>,
    baseline: Option<PathBuf>,
    reports: Vec<PathBuf>,
    verify: Settings,
}

/// How to verify, where the command line says nothing.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// The time for each instance.
    pub timeout: Option<Time>,
    /// The time for the whole run.
    pub total_timeout: Option<Time>,
    /// How many times as long what is left undecided gets at the end.
    pub retry_undecided: Option<Factor>,
    /// How many instances to work on at once.
    pub jobs: Option<Jobs>,
    /// The engine.
    pub engine: Option<Engine>,
    /// The most memory that `search` or `smt` takes for one query, in MiB.
    pub memory: Option<u64>,
}

/// A time with its unit.
#[derive(Clone, Copy)]
pub struct Time(pub Duration);

/// A factor of a time: `5x`.
#[derive(Clone, Copy)]
pub struct Factor(pub u32);

/// A number of instances, at least one.
#[derive(Clone, Copy)]
pub struct Jobs(pub u16);

/// The name of an engine.
#[derive(Clone)]
pub struct Engine(pub String);

struct Pattern(Glob);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Time, D::Error> {
        let text = String::deserialize(from)?;
        parse_duration(&text).map(Time).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Factor {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Factor, D::Error> {
        let text = String::deserialize(from)?;
        parse_factor(&text).map(Factor).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Jobs {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Jobs, D::Error> {
        match u16::deserialize(from)? {
            0 => Err(D::Error::custom("at least one instance is worked on at a time")),
            jobs => Ok(Jobs(jobs)),
        }
    }
}

impl<'de> Deserialize<'de> for Engine {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Engine, D::Error> {
        let text = String::deserialize(from)?;
        match NAMES.contains(&text.as_str()) {
            true => Ok(Engine(text)),
            false => {
                Err(D::Error::custom(format!("there is no engine `{text}`; the engines are {}", NAMES.join(", "))))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Pattern, D::Error> {
        let text = String::deserialize(from)?;
        let glob = globset::GlobBuilder::new(&text).literal_separator(true).build();
        glob.map(Pattern).map_err(|error| D::Error::custom(format!("this is no pattern of paths: {}", error.kind())))
    }
}

impl Project {
    /// The project of a folder: that of the nearest project file, in it or above.
    fn of(folder: &Path) -> Result<Option<Project>, Failure> {
        let found = folder.ancestors().map(|folder| folder.join(NAME)).find(|file| file.is_file());
        found.map(|file| Project::read(&file)).transpose()
    }

    fn read(file: &Path) -> Result<Project, Failure> {
        let text =
            Disk.text(file).map_err(|problem| Failure::wrong(format!("`{}` {}", shown(file), problem.message)))?;
        let written: Written = toml::from_str(&text).map_err(|error| {
            let place = error.span().map_or_else(String::new, |span| {
                let (line, column) = line_column(&text, span.start);
                format!(", line {line}, column {column}")
            });
            Failure::wrong(format!(
                "`{}`{place}: {}\n  help: docs/project.md lists what a project file says",
                shown(file),
                error.message().trim().replace("unknown field", "unknown key").replace('\n', " ")
            ))
        })?;
        let globs = |patterns: Vec<Pattern>| {
            let mut set = GlobSetBuilder::new();
            for Pattern(glob) in patterns {
                set.add(glob);
            }
            set.build().map_err(|error| Failure::wrong(format!("`{}`: {error}", shown(file))))
        };
        let everything = || Glob::new("**/*.qnn").map(|glob| vec![Pattern(glob)]);
        let specs = match written.specs {
            Some(specs) => specs,
            None => everything().map_err(|error| Failure::wrong(error.to_string()))?,
        };
        let root = file.parent().unwrap_or(Path::new("/")).to_owned();
        Ok(Project {
            file: file.to_owned(),
            specs: globs(specs)?,
            exclude: globs(written.exclude)?,
            verify: written.verify,
            baseline: written.baseline.map(|path| root.join(path)),
            reports: written.reports.into_iter().map(|path| root.join(path)).collect(),
            root,
        })
    }

    /// Whether a spec is one of the project's.
    fn has(&self, spec: &Path) -> bool {
        let inner = spec.strip_prefix(&self.root).unwrap_or(spec);
        self.specs.is_match(inner) && !self.exclude.is_match(inner)
    }
}

/// What a command is about.
pub struct Targets {
    /// The specs.
    pub specs: Vec<PathBuf>,
    /// The project that they are of.
    pub project: Option<Project>,
    /// Whether they are all specs of the project.
    pub whole: bool,
}

impl Targets {
    /// The specs that paths mean, where a folder means those below it; the current folder, if there are no paths.
    ///
    /// # Errors
    /// With a sentence, if a project file is wrong, a folder has no specs, or the paths belong to several projects.
    pub fn of(paths: &[PathBuf], with_project: bool) -> Result<Targets, Failure> {
        let here = [PathBuf::from(".")];
        let paths = if paths.is_empty() { &here } else { paths };
        let mut project: Option<Project> = None;
        for path in paths.iter().filter(|_| with_project) {
            let whole = normalise(if is_standard(path) { Path::new(".") } else { path });
            let folder = if whole.is_dir() { &whole } else { whole.parent().unwrap_or(&whole) };
            if let Some(found) = Project::of(folder)? {
                match &project {
                    Some(known) if known.file != found.file => {
                        return Err(Failure::wrong(format!(
                            "these are specs of two projects, `{}` and `{}`\n  help: name those of one at a time, or `--no-project`",
                            shown(&known.file),
                            shown(&found.file)
                        )));
                    }
                    _ => project = Some(found),
                }
            }
        }
        let mut specs: Vec<PathBuf> = Vec::new();
        let mut whole = false;
        for path in paths {
            if !path.is_dir() {
                specs.push(path.clone());
                continue;
            }
            let folder = normalise(path);
            whole |= project.as_ref().is_some_and(|project| project.root.starts_with(&folder));
            let mut found = all_below(&folder)?;
            if let Some(project) = &project {
                found.retain(|spec| project.has(spec));
            }
            let found = asking(found);
            if found.is_empty() {
                let of = project.as_ref().map_or_else(String::new, |project| format!(" of `{}`", shown(&project.file)));
                return Err(Failure::wrong(format!(
                    "`{}` holds no spec{of}\n  help: a spec is a text file whose name ends in `.qnn`; `qnn new` writes one",
                    shown(path)
                )));
            }
            specs.extend(found);
        }
        Ok(Targets { specs, project, whole })
    }
}

/// All specs below a folder, whatever they are for.
///
/// # Errors
/// With a sentence, if a folder can't be listed.
pub fn all_below(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let Found { specs, unlisted } = specs_below(folder, usize::MAX);
    match unlisted.first() {
        Some((path, error)) => Err(Failure::wrong(format!("`{}` can't be listed: {error}", shown(path)))),
        None => Ok(specs),
    }
}

/// Those that ask something themselves, or that no other uses: what only serves others is checked with them.
fn asking(found: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut used: HashSet<PathBuf> = HashSet::new();
    let mut asks: HashMap<PathBuf, bool> = HashMap::new();
    for path in &found {
        let Ok(text) = Disk.text(path) else { continue };
        let folder = path.parent().unwrap_or(Path::new("/"));
        for item in parse(&text).items {
            match &item.item.kind {
                ItemKind::Use(other) => _ = used.insert(normalise(&folder.join(other.text.as_ref()))),
                ItemKind::Property(_) | ItemKind::Measure(_) => _ = asks.insert(path.clone(), true),
                _ => {}
            }
        }
    }
    found.into_iter().filter(|path| asks.contains_key(path) || !used.contains(path)).collect()
}
