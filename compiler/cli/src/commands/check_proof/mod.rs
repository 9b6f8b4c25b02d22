//! `qnn check-proof`: what verdicts rest on, checked without any engine.

mod export;
mod proved;
mod show;

use super::bundle;
use crate::ctrl_c::interruptible;
use crate::output::{Exit, Failure, Output, plural, shown};
use crate::proof_file::relative;
use crate::spec::{Specs, is_standard};
use export::Export;
use proved::ProvedChecker;
use qnn::db::{SourceFile, normalise};
use qnn::diagnostic::printable;
use qnn::engine::CancelToken;
use qnn::files::spelling::hex;
use qnn::ir::interrupt::Condition;
use qnn::ir::obligation::Obligation;
use qnn::proof::{Certificate, Unreadable};
use qnn::review::file::PinnedFile;
use qnn::review::{CheckedRecord, ClaimStanding, Header, Reader, Record, Subject, brief, review};
use qnn::verify::{Filter, Options, Store, plan, snapshots};
use serde_json::json;
use show::{json_of, show};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The version of what `--json` prints.
const JSON_VERSION: u32 = 1;
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
    /// Gives each certificate to another checker, too, which has to accept it as well
    #[arg(long, value_name = "CHECKER", value_enum)]
    with: Option<With>,
    /// Prints one JSON document instead of text
    #[arg(long)]
    json: bool,
}

/// A checker that is not part of qnn.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum With {
    /// `qnn-proved-checker`, whose soundness is a theorem: see docs/proved-checker.md
    ProvedChecker,
}

/// Who is given each certificate besides the checker.
#[derive(Default)]
struct Others {
    export: Option<Export>,
    proved: Option<ProvedChecker>,
}

/// What was found out about one of the files.
struct Reviewed {
    /// The file, as it was named.
    name: String,
    /// What the file says of itself; `None` for a spec.
    header: Option<Header>,
    /// The files that are not what they were.
    changed: Vec<String>,
    checked: Vec<CheckedRecord>,
    /// How many instances the proof file's filter leaves out.
    left_out: usize,
    /// Whether the proved checker was given the certificates, too.
    proved: bool,
    time: Duration,
}

/// Checks each file.
pub fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Failure> {
    let cancel = CancelToken::new();
    interruptible(&cancel, "what is checked");
    let others = Others {
        export: arguments.export.as_deref().map(Export::create).transpose()?,
        proved: arguments.with.map(|With::ProvedChecker| ProvedChecker::start()).transpose()?,
    };
    if let Some(export) = &others.export {
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
            true => of_store(arguments, path, &others, &cancel, output)?,
            false => of_file(arguments, path, &others, &cancel, output)?,
        };
        exit = exit.worse(verdict(&reviewed));
        if arguments.json {
            documents.push(json_of(&reviewed));
        } else {
            show(&reviewed, output)?;
        }
    }
    match others.export {
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
        ClaimStanding::Rejected(_) => Exit::Violated,
        ClaimStanding::Solver(_) | ClaimStanding::Open(_) => Exit::Undecided,
        _ if !c.as_expected => Exit::Violated,
        _ => Exit::Fine,
    });
    each.fold(Exit::Fine, Exit::worse)
}

/// A proof file, or a bundle with one, and the specs that it speaks of.
fn of_file(
    arguments: &Arguments,
    path: &Path,
    others: &Others,
    cancel: &CancelToken,
    output: &mut Output,
) -> Result<Reviewed, Failure> {
    let name = shown(path);
    if path.is_dir() {
        return Err(Failure::wrong(format!("`{name}` can't be read: it is a folder")));
    }
    if !bundle::is_archive(path) {
        return of_proof(arguments, path, name, others, cancel, output);
    }
    if arguments.spec.is_some() {
        return Err(Failure::wrong(format!("`{name}` is a bundle, and brings its specs along: leave out `--spec`")));
    }
    let folder = bundle::unpack(path)?;
    of_proof(arguments, &folder.path().join(bundle::PROOF), name, others, cancel, output)
}

fn of_proof(
    arguments: &Arguments,
    path: &Path,
    name: String,
    others: &Others,
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
    let checked = check(arguments, &specs, &header.filter, &mut next, others, cancel)?.map_err(unreadable)?;
    let filter = Filter::new(&header.filter);
    let left_out = |file: &SourceFile| plan(&specs.db, *file, &filter, &Options::default()).left_out;
    let left_out = specs.files.iter().map(left_out).sum();
    Ok(Reviewed {
        name,
        header: Some(header),
        changed,
        checked,
        left_out,
        proved: others.proved.is_some(),
        time: start.elapsed(),
    })
}

/// A spec and what the store holds about it.
fn of_store(
    arguments: &Arguments,
    path: &Path,
    others: &Others,
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
    let mut options = Options::default();
    options.store = Some(Arc::new(Store::open(store)));
    (options.offline, options.certificates) = (true, true);
    options.jobs = arguments.jobs.map(usize::from);
    let plan = plan(&specs.db, file, &Filter::new(&arguments.filter), &options);
    let summary = qnn::verify::run(&plan, &snapshots(specs.db.clone()), &options, cancel, &|_| {});
    for warning in &summary.warnings {
        output.warning(warning);
    }
    let mut results = summary.results.iter();
    let mut next = || Ok(results.next().map(|result| Record::new(0, result)));
    let found = check(arguments, &specs, &[], &mut next, others, cancel)?;
    let checked = found.map_err(|why| Failure::Message(Exit::Internal, why.to_string()))?;
    let name = specs.name(file);
    Ok(Reviewed {
        name,
        header: None,
        changed: Vec::new(),
        checked,
        left_out: 0,
        proved: others.proved.is_some(),
        time: start.elapsed(),
    })
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
    others: &Others,
    cancel: &CancelToken,
) -> Result<Result<Vec<CheckedRecord>, Unreadable>, Failure> {
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
    if let Some(export) = &others.export {
        export.spares(specs.db.files().iter().map(|(path, _)| path))?;
    }
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = arguments.jobs.map_or_else(cores, usize::from);
    let on_certificate = |obligation: &Obligation, certificate: &Certificate| {
        if let Some(export) = &others.export {
            export.line(obligation, certificate);
        }
        others.proved.as_ref().map_or(Ok(()), |proved| proved.check(obligation, certificate))
    };
    let cancel = cancel.clone();
    let stop: Condition = Arc::new(move || cancel.is_cancelled());
    Ok(review(&snapshots(specs.db.clone()), &subjects, next, threads, &on_certificate, &stop))
}

/// The files that are not what they were, or not there any more, as a reader knows them.
fn changed(specs: &Specs, header: &Header, folder: &Path, paths: &[PathBuf]) -> Vec<String> {
    let here: std::collections::HashMap<PathBuf, Option<[u8; 32]>> = specs.db.files().into_iter().collect();
    let hash = |path: &Path| here.get(&normalise(path)).copied().flatten().map(|hash| hex(&hash));
    // What lay beside a spec that is elsewhere now lies beside it there.
    let moved = |place: &PinnedFile| -> PathBuf {
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
