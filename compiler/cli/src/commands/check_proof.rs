//! `qnn check-proof`: what verdicts rest on, checked without any engine.

use super::bundle;
use super::verify::interruptible;
use crate::out_file::OutFile;
use crate::output::{Exit, Failure, Output, plural, shown};
use crate::spec::{Specs, is_standard};
use owo_colors::OwoColorize;
use qnn::db::{SourceFile, normalise};
use qnn::diagnostic::printable;
use qnn::engine::CancelToken;
use qnn::files::words::size;
use qnn::ir::obligation::Obligation;
use qnn::proof::{Certificate, Unreadable, export};
use qnn::report::sentences::duration;
use qnn::review::file::Place;
use qnn::review::{Checked, Gap, Header, Reader, Record, Standing, Stop, Subject, brief, review};
use qnn::verify::verdict::Outcome;
use qnn::verify::{Filter, InstanceResult, Options, Store, plan, snapshots};
use serde::Serialize;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The version of what `--json` prints.
const JSON_VERSION: u32 = 1;
/// The instances that get a line each, of those that are not simply fine.
const MOST_LINES: usize = 20;

const EXIT_CODES: &str = "\
Exit codes:
  0  every verdict holds, is the expected one, and rests on certificates or counterexamples that were checked just now
  1  a verdict does not hold, its evidence does not show it, or it is not the one that the spec expects
  2  something rests on a solver's word, or on nothing: undecided, or not in the file; or there is nothing to check
  3  the command, a proof file, a spec or one of its files is wrong
  4  an internal error: please report it
Where several apply, the first of 4, 3, 1, 2, 0 counts.";

/// Checks what verdicts rest on, without any engine
///
/// Takes proof files (`qnn verify --proof FILE`), bundles (`qnn bundle`), or specs, for what is remembered of them. Every question is derived anew from the spec and its
/// files on this machine; counterexamples are run through the reference interpreter, certificates through a checker in exact
/// integer arithmetic. Says of each verdict whether it rests on these, on the word of a solver, or on nothing.
#[derive(clap::Args)]
#[command(after_long_help = EXIT_CODES)]
pub struct Arguments {
    /// Proof files or bundles; or specs, whose names end in `.qnn`
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The spec that the proof file speaks of, if it is not where the file says
    #[arg(long, value_name = "SPEC")]
    spec: Option<PathBuf>,
    /// Only the properties and instances that match: `robust`, `robust*`, `robust(i = 3, *`
    #[arg(short, long, value_name = "PATTERN")]
    filter: Vec<String>,
    /// How many instances to check at once  [default: the number of cores]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Writes each certificate with its obligation as a line of JSON, for another checker
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    /// Prints one JSON document instead of text
    #[arg(long)]
    json: bool,
}

/// What was found out about one of the files.
struct Reviewed {
    /// The file, as it was named.
    name: String,
    /// What the file says of itself; `None` for a spec.
    header: Option<Header>,
    /// The files that are not what they were.
    changed: Vec<String>,
    checked: Vec<Checked>,
    /// How many instances the proof file's filter leaves out.
    left_out: usize,
    time: Duration,
}

/// Checks each file.
pub fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Failure> {
    let cancel = CancelToken::new();
    interruptible(&cancel, "what is checked");
    let export = arguments.export.as_deref().map(Export::create).transpose()?;
    if let Some(export) = &export {
        export.spares(arguments.files.iter().chain(&arguments.spec))?;
    }
    let mut exit = Exit::Fine;
    let mut documents = Vec::new();
    for path in &arguments.files {
        let is_spec = is_standard(path) || path.extension().is_some_and(|extension| extension == "qnn");
        if is_spec && arguments.spec.is_some() {
            return Err(Failure::wrong("`--spec` says which spec a proof file speaks of; this is a spec itself"));
        }
        let reviewed = match is_spec {
            true => of_store(arguments, path, export.as_ref(), &cancel, output)?,
            false => of_file(arguments, path, export.as_ref(), &cancel, output)?,
        };
        exit = exit.worse(verdict(&reviewed));
        if arguments.json {
            documents.push(json_of(&reviewed));
        } else {
            show(&reviewed, output)?;
        }
    }
    match export {
        // Not all of it is there: what was there before stays.
        Some(_) if cancel.is_cancelled() => output.warning("the export was not written: the check was stopped"),
        Some(export) => export.finish()?,
        None => {}
    }
    if arguments.json {
        let document = json!({
            "version": JSON_VERSION,
            "qnn": env!("CARGO_PKG_VERSION"),
            "exit": u8::from(exit),
            "files": documents,
        });
        output.json(&document)?;
    }
    Ok(exit)
}

/// What the findings come to.
fn verdict(reviewed: &Reviewed) -> Exit {
    // What says nothing shows nothing.
    if reviewed.checked.is_empty() {
        return Exit::Undecided;
    }
    let each = reviewed.checked.iter().map(|c| match &c.standing {
        Standing::Rejected(_) => Exit::Violated,
        Standing::Solver(_) | Standing::Open(_) => Exit::Undecided,
        _ if !c.as_expected => Exit::Violated,
        _ => Exit::Fine,
    });
    each.fold(Exit::Fine, Exit::worse)
}

/// A proof file, or a bundle with one, and the specs that it speaks of.
fn of_file(
    arguments: &Arguments,
    path: &Path,
    export: Option<&Export>,
    cancel: &CancelToken,
    output: &mut Output,
) -> Result<Reviewed, Failure> {
    let name = shown(path);
    if path.is_dir() {
        return Err(Failure::wrong(format!("`{name}` can't be read: it is a folder")));
    }
    if !bundle::is_archive(path) {
        return of_proof(arguments, path, name, export, cancel, output);
    }
    if arguments.spec.is_some() {
        return Err(Failure::wrong(format!("`{name}` is a bundle, and brings its specs along: leave out `--spec`")));
    }
    let folder = bundle::unpack(path)?;
    of_proof(arguments, &folder.path().join(bundle::PROOF), name, export, cancel, output)
}

fn of_proof(
    arguments: &Arguments,
    path: &Path,
    name: String,
    export: Option<&Export>,
    cancel: &CancelToken,
    output: &mut Output,
) -> Result<Reviewed, Failure> {
    let start = Instant::now();
    let shown = printable(&name).into_owned();
    // A proof is read record by record, each within limits of its own.
    let file = qnn::disk::open(path, u64::MAX).map_err(|error| Failure::unreadable(Path::new(&*shown), &error))?;
    let unreadable = |why: Unreadable| {
        let why = printable(&why.0).into_owned();
        Failure::wrong(format!("`{shown}`: {why}\n  help: proof files are written by `qnn verify SPEC --proof FILE`"))
    };
    let mut reader = Reader::new(BufReader::new(file)).map_err(unreadable)?;
    let header = reader.header.clone();
    let folder = path.parent().unwrap_or(Path::new(""));
    let paths: Vec<PathBuf> = match (&arguments.spec, header.specs.len()) {
        (Some(spec), 1) => vec![spec.clone()],
        (Some(_), n) => {
            return Err(Failure::wrong(format!(
                "`{shown}` speaks of {}: `--spec` can't say where they are",
                plural(n, "spec", "specs")
            )));
        }
        (None, _) => header.specs.iter().map(|place| folder.join(&place.path)).collect(),
    };
    if let Some(missing) = paths.iter().find(|path| !path.is_file() && !is_standard(path)) {
        return Err(Failure::wrong(format!(
            "`{}`, which `{shown}` speaks of, does not exist\n  help: `--spec SPEC` says where the spec is",
            printable(&missing.display().to_string())
        )));
    }
    let mut specs = Specs::read(&paths)?;
    if specs.files.len() != paths.len() {
        return Err(unreadable(Unreadable("It names a spec twice.".to_owned())));
    }
    demand(&mut specs, cancel, output)?;
    let changed = changed(&specs, &header, folder, &paths);
    let mut next = || reader.next_record();
    let checked = check(arguments, &specs, &header.filter, &mut next, export, cancel)?.map_err(unreadable)?;
    let filter = Filter::new(&header.filter);
    let left_out = |file: &SourceFile| plan(&specs.db, *file, &filter, &Options::default()).left_out;
    let left_out = specs.files.iter().map(left_out).sum();
    Ok(Reviewed { name, header: Some(header), changed, checked, left_out, time: start.elapsed() })
}

/// A spec and what the store holds about it.
fn of_store(
    arguments: &Arguments,
    path: &Path,
    export: Option<&Export>,
    cancel: &CancelToken,
    output: &mut Output,
) -> Result<Reviewed, Failure> {
    let start = Instant::now();
    let mut specs = Specs::read(&[path.to_owned()])?;
    demand(&mut specs, cancel, output)?;
    let file = specs.files[0];
    let store = Store::default_location().ok_or_else(|| {
        Failure::wrong("there is no folder for caches here\n  help: name one in the environment variable QNN_CACHE")
    })?;
    let options = Options {
        store: Some(Arc::new(Store::open(store))),
        offline: true,
        certificates: true,
        jobs: arguments.jobs.map(usize::from),
        ..Options::default()
    };
    let plan = plan(&specs.db, file, &Filter::new(&arguments.filter), &options);
    let summary = qnn::verify::run(&plan, &snapshots(specs.db.clone()), &options, cancel, &|_| {});
    for warning in &summary.warnings {
        output.warning(warning);
    }
    let mut results = summary.results.iter();
    let mut next = || Ok(results.next().map(|result| Record::new(0, result)));
    let found = check(arguments, &specs, &[], &mut next, export, cancel)?;
    let checked = found.map_err(|why| Failure::Message(Exit::Internal, why.to_string()))?;
    let name = specs.name(file);
    Ok(Reviewed { name, header: None, changed: Vec::new(), checked, left_out: 0, time: start.elapsed() })
}

/// Specs without errors.
fn demand(specs: &mut Specs, cancel: &CancelToken, output: &Output) -> Result<(), Failure> {
    for file in specs.files.clone() {
        let cancel = cancel.clone();
        specs.demand_until(file, move || cancel.is_cancelled(), output)?;
    }
    Ok(())
}

/// Checks the records, all of whose instances are planned. What the filter `about` leaves out is not expected to be there.
fn check(
    arguments: &Arguments,
    specs: &Specs,
    about: &[String],
    next: &mut (dyn FnMut() -> Result<Option<Record>, Unreadable> + Send),
    export: Option<&Export>,
    cancel: &CancelToken,
) -> Result<Result<Vec<Checked>, Unreadable>, Failure> {
    let options = Options::default();
    let subject = |file: &SourceFile| Subject {
        file: *file,
        jobs: plan(&specs.db, *file, &Filter::new(about), &options).jobs,
        filter: Filter::new(&arguments.filter),
    };
    let subjects: Vec<Subject> = specs.files.iter().map(subject).collect();
    let wanted = |s: &Subject| s.jobs.iter().any(|job| s.filter.matches(&job.property, &job.name));
    if !arguments.filter.is_empty() && !subjects.iter().any(wanted) {
        return Err(Failure::wrong("no instance matches the filter"));
    }
    if let Some(export) = export {
        export.spares(specs.db.files().iter().map(|(path, _)| path))?;
    }
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = arguments.jobs.map_or_else(cores, usize::from);
    let on_certificate = |obligation: &Obligation, certificate: &Certificate| {
        if let Some(export) = export {
            export.line(obligation, certificate);
        }
    };
    let cancel = cancel.clone();
    let stop: Stop = Arc::new(move || cancel.is_cancelled());
    Ok(review(&snapshots(specs.db.clone()), &subjects, next, threads, &on_certificate, &stop))
}

/// The files that are not what they were, or not there any more, as a reader knows them.
fn changed(specs: &Specs, header: &Header, folder: &Path, paths: &[PathBuf]) -> Vec<String> {
    let here: std::collections::HashMap<PathBuf, Option<[u8; 32]>> = specs.db.files().into_iter().collect();
    let hash = |path: &Path| here.get(&normalise(path)).copied().flatten().map(|hash| hex(&hash));
    // What lay beside a spec that is elsewhere now lies beside it there.
    let moved = |place: &Place| -> PathBuf {
        let was = folder.join(&place.path);
        match (paths, header.specs.first()) {
            ([now], Some(spec)) => {
                let home = normalise(&folder.join(&spec.path));
                let was = normalise(&was);
                let beside = home.parent().map(|home| relative(home, &was));
                match (now.parent(), beside) {
                    (Some(home), Some(beside)) => home.join(beside),
                    _ => was,
                }
            }
            _ => was,
        }
    };
    let specs = header.specs.iter().zip(paths.iter().cloned());
    let files = header.files.iter().map(|place| (place, moved(place)));
    let all = specs.chain(files);
    all.filter(|(place, path)| hash(path).as_deref() != Some(place.blake3.as_str()))
        .map(|(place, path)| match hash(&path) {
            Some(_) => format!("{} is not the file that was verified", brief(&place.path)),
            None => format!("{} was verified, and is not read any more", brief(&place.path)),
        })
        .collect()
}

fn hex(hash: &[u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A path as seen from a folder, both absolute and clean: with as many `..` as it takes, or as it is where nothing is shared.
fn relative(folder: &Path, path: &Path) -> PathBuf {
    let (from, to): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (folder.components().collect(), path.components().collect());
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    if same == 0 {
        return path.to_owned();
    }
    let up = from[same..].iter().map(|_| Component::ParentDir);
    up.chain(to[same..].iter().copied()).collect()
}

/// What a proof file says.
pub struct Statements {
    /// The specs that it is about.
    pub specs: Vec<SourceFile>,
    /// Which of their instances; all, if it is empty.
    pub filter: Vec<String>,
    /// How many instances are not among them.
    pub left_out: usize,
    /// Each with the index of its spec.
    pub results: Vec<(usize, Arc<InstanceResult>)>,
}

/// A proof file that is about to be written.
pub struct ProofFile(OutFile);

impl ProofFile {
    /// Makes sure that it can be written.
    pub fn create(path: &Path) -> Result<ProofFile, Failure> {
        not_a_spec(path)?;
        OutFile::create(path).map(ProofFile)
    }

    /// Writes what the results rest on.
    pub fn write(self, specs: &Specs, statements: &Statements, output: &Output) -> Result<(), Failure> {
        let ProofFile(mut file) = self;
        let path = file.path().to_owned();
        let whole = normalise(&path);
        let folder = whole.parent().unwrap_or(Path::new("/"));
        let seen = |path: &Path| relative(folder, path);
        let written = write_proof(BufWriter::new(file.file()), specs, &seen, statements);
        written.map_err(|error| file.failure(&error))?;
        let bytes = file.finish()?;
        output.remark(format_args!("{} written, {}", shown(&path), size(bytes as u64)));
        Ok(())
    }
}

/// Writes a proof file; `seen` says how it names the files.
pub fn write_proof(
    out: impl Write,
    specs: &Specs,
    seen: &dyn Fn(&Path) -> PathBuf,
    statements: &Statements,
) -> std::io::Result<()> {
    let place = |(path, hash): (PathBuf, Option<[u8; 32]>)| {
        let path = seen(&path).to_string_lossy().into_owned();
        Some(Place { path, blake3: hex(&hash?) })
    };
    let (mut of_specs, mut files) = (Vec::new(), Vec::new());
    let all = specs.db.files();
    for file in &statements.specs {
        let found = all.iter().find(|(path, _)| path == file.path(&specs.db)).cloned();
        of_specs.extend(found.and_then(place));
    }
    let is_spec = |path: &Path| statements.specs.iter().any(|file| file.path(&specs.db) == path);
    files.extend(all.iter().filter(|(path, _)| !is_spec(path)).cloned().filter_map(place));
    let Statements { filter, left_out, results, .. } = statements;
    let header = Header::new(of_specs, files, filter.clone(), results.len(), *left_out);
    let records = results.iter().map(|(spec, result)| Record::new(*spec, result));
    qnn::review::write(out, &header, records)
}

/// Lines of JSON for another checker. They are in their place once [`Export::finish`] puts them there.
struct Export {
    file: OutFile,
    lines: Mutex<(BufWriter<File>, Option<std::io::Error>)>,
}

impl Export {
    fn create(path: &Path) -> Result<Export, Failure> {
        not_a_spec(path)?;
        let mut file = OutFile::create(path)?;
        let lines = file.file().try_clone().map_err(|error| file.failure(&error))?;
        Ok(Export { file, lines: Mutex::new((BufWriter::new(lines), None)) })
    }

    /// Makes sure that it will not replace what is read.
    fn spares<'a>(&self, read: impl IntoIterator<Item = &'a PathBuf>) -> Result<(), Failure> {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| normalise(path));
        let place = real(self.file.path());
        // A folder of images is read with all that is in it.
        if read.into_iter().any(|path| place.starts_with(real(path))) {
            return Err(self.file.failure(&"it is one of the files that are read; write to another file"));
        }
        Ok(())
    }

    fn line(&self, obligation: &Obligation, certificate: &Certificate) {
        #[derive(Serialize)]
        struct Line<'a> {
            obligation: qnn::proof::Export<'a>,
            certificate: &'a Certificate,
        }
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.1.is_none() {
            let line = Line { obligation: export(obligation), certificate };
            let written = serde_json::to_writer(&mut lines.0, &line).map_err(std::io::Error::from);
            lines.1 = written.and_then(|()| lines.0.write_all(b"\n")).err();
        }
    }

    fn finish(self) -> Result<(), Failure> {
        let (mut lines, error) = self.lines.into_inner().unwrap_or_else(PoisonError::into_inner);
        let done = error.map_or_else(|| lines.flush(), Err);
        done.map_err(|error| self.file.failure(&error))?;
        self.file.finish().map(drop)
    }
}

/// Specs are not written over, whatever else they are named for.
fn not_a_spec(path: &Path) -> Result<(), Failure> {
    if path.extension().is_some_and(|extension| extension == "qnn") {
        return Err(Failure::wrong(format!(
            "`{}` can't be written: that is the name of a spec; proof files end in `.qnnproof`, exports in `.jsonl`",
            shown(path)
        )));
    }
    Ok(())
}

/// Why an instance is worth a line.
fn complaint(checked: &Checked) -> Option<String> {
    match &checked.standing {
        Standing::Rejected(why) => {
            Some(format!("{} is claimed, but {}", checked.verdict, printable(why)).red().to_string())
        }
        Standing::Open(why) => Some(printable(why).yellow().to_string()),
        Standing::Solver(name) => {
            Some(format!("{} on the word of {}", checked.verdict, printable(name)).yellow().to_string())
        }
        _ if !checked.as_expected => {
            Some(format!("{}, which is not what the spec expects", checked.verdict).red().to_string())
        }
        _ => None,
    }
}

/// How many there are of each kind, and their word.
fn counts(checked: &[Checked]) -> [usize; 5] {
    let mut counts = [0; 5];
    for one in checked {
        counts[match one.standing {
            Standing::Certificate => 0,
            Standing::Counterexample => 1,
            Standing::Solver(_) => 2,
            Standing::Open(_) => 3,
            Standing::Rejected(_) => 4,
        }] += 1;
    }
    counts
}

fn show(reviewed: &Reviewed, output: &mut Output) -> Result<(), Failure> {
    let about = match &reviewed.header {
        Some(header) => {
            let specs: Vec<&str> = header.specs.iter().map(|place| place.path.as_str()).collect();
            format!(": written by qnn {} about {}", printable(&brief(&header.qnn)), printable(&specs.join(", ")))
        }
        None => ": what is remembered of it".to_owned(),
    };
    output.line(format_args!("{}{about}", printable(&reviewed.name).bold()))?;
    if let Some(header) = reviewed.header.as_ref().filter(|header| !header.filter.is_empty()) {
        let patterns: Vec<String> =
            header.filter.iter().take(MOST_LINES).map(|pattern| format!("`{}`", printable(&brief(pattern)))).collect();
        let left_out = plural(reviewed.left_out, "instance is", "instances are");
        let text = format!("It is only about what matches {}: {left_out} left out.", patterns.join(", "));
        output.line(format_args!("  {} {text}", "filtered:".yellow().bold()))?;
    }
    for change in reviewed.changed.iter().take(MOST_LINES) {
        output.line(format_args!("  {} {}", "changed:".yellow().bold(), printable(change)))?;
    }
    if reviewed.changed.len() > MOST_LINES {
        output.line(format_args!("  … and {} more files", reviewed.changed.len() - MOST_LINES))?;
    }
    let checked = &reviewed.checked;
    let complaints: Vec<(&Checked, String)> = checked.iter().filter_map(|c| Some((c, complaint(c)?))).collect();
    for (checked, why) in complaints.iter().take(MOST_LINES) {
        output.line(format_args!("  {}: {why}", printable(&checked.instance)))?;
    }
    if complaints.len() > MOST_LINES {
        output.line(format_args!("  … and {} more; `--json` lists them all", complaints.len() - MOST_LINES))?;
    }
    for (checked, gap) in checked.iter().filter_map(|c| Some((c, c.gap.as_ref()?))) {
        let (Gap { found, bound, .. }, most) = (gap, if gap.minimum { "at least" } else { "at most" });
        output.line(format_args!(
            "  {}: {} was found, and it is {most} {}, which is what integers can tell of a real-valued network",
            printable(&checked.instance),
            found.text,
            bound.text
        ))?;
    }
    let [certificate, counterexample, solver, open, rejected] = counts(checked);
    let steps: usize = checked.iter().map(|c| c.steps).sum();
    let certificates: usize = checked.iter().map(|c| c.certificates).sum();
    let lines = [
        (
            certificate,
            format!("on certificates that were checked ({certificates}, of {} in all)", plural(steps, "step", "steps")),
        ),
        (counterexample, "on inputs that were run through the reference interpreter".to_owned()),
        (solver, "on the word of a solver".to_owned()),
        (open, "on nothing that can be checked".to_owned()),
        (rejected, "rejected".to_owned()),
    ];
    for (index, (count, text)) in lines.iter().enumerate().filter(|(_, (count, _))| *count > 0) {
        let line = format!("{count:>6}  {text}");
        output.line(match index {
            0 | 1 => line.green().to_string(),
            4 => line.red().to_string(),
            _ => line.yellow().to_string(),
        })?;
    }
    let verdicts = plural(checked.len(), "verdict", "verdicts");
    let summary = match (rejected, solver + open, unexpected(checked)) {
        _ if checked.is_empty() => "nothing to check".yellow().bold().to_string(),
        (0, 0, 0) => "all hold".green().bold().to_string(),
        (0, 0, n) => format!("all hold, {n} not as expected").red().bold().to_string(),
        (0, _, 0) => "not all of it could be checked".yellow().bold().to_string(),
        (0, _, n) => format!("not all of it could be checked, {n} not as expected").red().bold().to_string(),
        _ => "not all hold".red().bold().to_string(),
    };
    output.line(format_args!("{summary}: {verdicts} in {}", duration(reviewed.time)))
}

/// How many verdicts were checked, and are final and not the expected ones.
fn unexpected(checked: &[Checked]) -> usize {
    let outcome = |c: &&Checked| Outcome::of(c.verdict, c.as_expected);
    checked.iter().filter(|c| c.standing.is_checked()).filter(|c| outcome(c) == Outcome::Unexpected).count()
}

fn json_of(reviewed: &Reviewed) -> Value {
    let [certificate, counterexample, solver, open, rejected] = counts(&reviewed.checked);
    json!({
        "file": reviewed.name,
        "proof": reviewed.header,
        "changed": reviewed.changed,
        "left_out": reviewed.left_out,
        "counts": {
            "certificate": certificate,
            "counterexample": counterexample,
            "solver": solver,
            "open": open,
            "rejected": rejected,
            "unexpected": unexpected(&reviewed.checked),
        },
        "time": reviewed.time.as_secs_f64(),
        "statements": reviewed.checked,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_seen_from_a_folder() {
        for (folder, path, seen) in [
            ("/a/b", "/a/b/c.qnn", "c.qnn"),
            ("/a/b", "/a/c/d.qnn", "../c/d.qnn"),
            ("/a", "/b", "../b"),
            ("/", "/b/c", "b/c"),
        ] {
            assert_eq!(relative(Path::new(folder), Path::new(path)), Path::new(seen));
        }
    }
}
