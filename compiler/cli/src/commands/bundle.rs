//! `qnn bundle`: a spec with all that a reviewer needs, in one archive.
//!
//! The archive is a ZIP file: the specs and every file that they read below `spec/`, as they lie to each other; the proof file; the report as a page and as JSON. What is
//! packed is what was verified, not what lies on the disk by then.

use crate::out_file::OutFile;
use crate::output::{Exit, Failure, Output, plural, shown};
use crate::project::Targets;
use crate::proof_file::write_proof;
use crate::report_file::json;
use crate::run::Run;
use crate::spec::STANDARD;
use crate::verify_args::{VerifyArgs, split};
use crate::verify_printer::DisplayOptions;
use qnn::db::{BytesContent, Database, Db, Disk};
use qnn::disk::{self, TemporaryFolder};
use qnn::files::spelling::size;
use qnn::ide::document_links::links;
use qnn::report::gather::ACCURACY_SAMPLES;
use qnn::report::html::{PICTURES, page};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufReader, Cursor, Read, Write};
use std::path::{Component, Path, PathBuf};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// The proof file's name in the archive.
pub const PROOF: &str = "proof.qnnproof";
/// The folder of specs and files.
const FILES: &str = "spec";
/// The most that is unpacked, in bytes.
const MOST_BYTES: u64 = 8 << 30;
/// The most files that are unpacked.
const MOST_FILES: usize = 200_000;

const README: &str = "\
This archive was written by `qnn bundle`. It holds

- `spec/`: the specs and every file that they read
- `proof.qnnproof`: what every verdict rests on
- `report.html`, `report.json`: the verdicts

`qnn check-proof` on this archive checks all of it again, without any engine.
";

/// Packs a spec, its files, its report and its certificates into one archive
///
/// Verifies what is not remembered, and writes a ZIP file that `qnn check-proof` accepts anywhere, without anything else.
#[derive(clap::Args)]
#[command(after_long_help = crate::EXIT_CODES)]
pub struct Arguments {
    /// Specs or folders of specs, and patterns that filter  [default: .]
    #[arg(value_name = "SPEC")]
    specs: Vec<OsString>,
    /// The archive
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Only the properties and instances that match, as for `qnn verify`
    #[arg(short, long, value_name = "PATTERN")]
    filter: Vec<String>,
    #[command(flatten)]
    work: VerifyArgs,
}

/// Packs.
pub fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Failure> {
    let (paths, patterns) = split(&arguments.specs, &arguments.filter)?;
    let mut file = OutFile::create(&arguments.output)?;
    let targets = Targets::of(&paths, !arguments.work.no_project)?;
    let mut options = arguments.work.options(targets.project.as_ref(), output);
    options.certificates = true;
    let display = DisplayOptions { silent: true, ..DisplayOptions::default() };
    let run = Run::of(&targets.specs, &patterns, &options, display, output)?;
    if run.exit == Exit::Spec && run.done.len() < run.specs.files.len() {
        output.error("nothing is packed: a bundle holds all of its specs or none");
        return Ok(run.exit);
    }
    let packed = Packed::of(&run)?;
    packed.holds_together()?;
    let mut proof = Vec::new();
    let seen = |path: &Path| packed.name(path);
    write_proof(&mut proof, &run.specs, &seen, &run.statements())
        .map_err(|error| Failure::Message(Exit::Internal, format!("the proof can't be packed: {error}")))?;
    let report = run.report(ACCURACY_SAMPLES);
    let html = page(&report, PICTURES).into_bytes();
    let json = json(&report)?.into_bytes();
    let others = [("README.md", README.as_bytes()), (PROOF, &proof), ("report.html", &html), ("report.json", &json)];
    // What is whole is written: an archive that can't be has no other place to say so.
    let archive = archive(others.into_iter().chain(packed.files.iter().map(|(n, b)| (n.as_str(), &**b))));
    let archive =
        archive.map_err(|error| Failure::Message(Exit::Internal, format!("the archive can't be packed: {error}")))?;
    file.file().write_all(&archive).map_err(|error| file.failure(&error))?;
    let bytes = file.finish()?;
    let files = plural(packed.files.len(), "file", "files");
    output.remark(format_args!("{} written, {}, with {files}", shown(&arguments.output), size(bytes as u64)));
    Ok(run.exit)
}

fn archive<'a>(files: impl Iterator<Item = (&'a str, &'a [u8])>) -> zip::result::ZipResult<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, bytes) in files {
        archive.start_file(name, options.large_file(bytes.len() > 1 << 31))?;
        archive.write_all(bytes)?;
    }
    Ok(archive.finish()?.into_inner())
}

/// The files of an archive.
struct Packed {
    /// The folder in which all of them lie.
    root: PathBuf,
    /// The specs, and what they use.
    sources: Vec<String>,
    files: BTreeMap<String, Vec<u8>>,
}

impl Packed {
    /// What a run has read.
    fn of(run: &Run) -> Result<Packed, Failure> {
        let db = &run.specs.db;
        // A check that was ended early has not read all of them.
        for source in db.sources() {
            let is_data = |path: &Path| path.exists() && db.sources().iter().all(|source| source.path(db) != path);
            links(db, source).iter().filter(|link| is_data(&link.path)).for_each(|link| _ = db.data(&link.path));
        }
        let paths: Vec<PathBuf> = db.files().into_iter().map(|(path, _)| path).collect();
        let mut root: Option<PathBuf> = None;
        for folder in paths.iter().filter_map(|path| path.parent()) {
            root = Some(match root {
                Some(root) => shared(&root, folder),
                None => folder.to_owned(),
            });
        }
        let mut packed = Packed { root: root.unwrap_or_default(), sources: Vec::new(), files: BTreeMap::new() };
        for source in db.sources() {
            packed.sources.push(packed.text(source.path(db)));
            if let Ok(text) = source.text(db) {
                packed.add(source.path(db), text.as_bytes().to_vec())?;
            }
        }
        for path in db.data_paths() {
            match &db.data(&path).bytes(db).content {
                BytesContent::File(bytes) => packed.add(&path, bytes.to_vec())?,
                BytesContent::Folder(files) => {
                    files.iter().try_for_each(|(name, bytes)| packed.add(&path.join(name), bytes.to_vec()))?;
                }
                BytesContent::Problem(problem) => {
                    return Err(Failure::wrong(format!("`{}` {}", shown(&path), problem.message)));
                }
            }
        }
        Ok(packed)
    }

    /// Adds a file. Names that are no Unicode have another form in the archive: two must not have the same.
    fn add(&mut self, path: &Path, bytes: Vec<u8>) -> Result<(), Failure> {
        let name = self.text(path);
        if self.files.get(&name).is_some_and(|known| *known != bytes) {
            return Err(Failure::wrong(format!("two files would be called `{name}` in the archive: rename one")));
        }
        self.files.insert(name, bytes);
        Ok(())
    }

    /// The name of a file in the archive.
    fn name(&self, path: &Path) -> PathBuf {
        let inner = path.strip_prefix(&self.root).unwrap_or(path);
        // What came from standard input has to have a name there.
        match inner.file_name() {
            Some(name) if name == STANDARD => Path::new(FILES).join(inner.with_file_name("stdin.qnn")),
            _ => Path::new(FILES).join(inner),
        }
    }

    fn text(&self, path: &Path) -> String {
        let parts = self.name(path);
        let parts = parts.components().filter_map(|part| match part {
            Component::Normal(part) => Some(part.to_string_lossy()),
            _ => None,
        });
        parts.collect::<Vec<_>>().join("/")
    }

    /// Makes sure that the files find each other where somebody else unpacks them: a spec may name a file by an absolute path.
    fn holds_together(&self) -> Result<(), Failure> {
        let internal =
            |error: std::io::Error| Failure::Message(Exit::Internal, format!("can't try the archive out: {error}"));
        let folder = TemporaryFolder::new().map_err(internal)?;
        let home = qnn::db::normalise(folder.path());
        for (name, bytes) in &self.files {
            let path = home.join(name);
            std::fs::create_dir_all(path.parent().unwrap_or(&home)).map_err(internal)?;
            std::fs::write(path, bytes).map_err(internal)?;
        }
        let db = Database::new(Disk);
        let named = self.sources.iter().flat_map(|source| links(&db, db.source(&home.join(source))));
        match named.map(|link| link.path).find(|path| path.exists() && !path.starts_with(&home)) {
            None => Ok(()),
            Some(path) => Err(Failure::wrong(format!(
                "`{}` can't be taken along: the spec names it by a path that means nothing elsewhere\n  help: name files relative to the spec",
                shown(&path)
            ))),
        }
    }
}

/// The folder that two folders lie in.
fn shared(a: &Path, b: &Path) -> PathBuf {
    a.components().zip(b.components()).take_while(|(a, b)| a == b).map(|(part, _)| part).collect()
}

/// Whether a file is an archive, by its first bytes.
pub fn is_archive(path: &Path) -> bool {
    let mut first = [0; 4];
    disk::open(path, u64::MAX).is_ok_and(|mut file| file.read_exact(&mut first).is_ok()) && first == *b"PK\x03\x04"
}

/// Unpacks an archive into a folder of its own.
pub fn unpack(path: &Path) -> Result<TemporaryFolder, Failure> {
    let wrong = |why: &dyn std::fmt::Display| {
        Failure::wrong(format!(
            "`{}` is no bundle, or a damaged one: {why}\n  help: bundles are written by `qnn bundle SPEC -o FILE`",
            shown(path)
        ))
    };
    let file = disk::open(path, MOST_BYTES).map_err(|error| Failure::unreadable(path, &error))?;
    let mut archive = ZipArchive::new(BufReader::new(file.into_inner())).map_err(|error| wrong(&error))?;
    let folder = TemporaryFolder::new().map_err(|error| wrong(&error))?;
    if archive.len() > MOST_FILES {
        return Err(wrong(&format_args!("it has more than {MOST_FILES} files")));
    }
    let mut budget = MOST_BYTES;
    for index in 0..archive.len() {
        let file = archive.by_index(index).map_err(|error| wrong(&error))?;
        let name = file.enclosed_name().ok_or_else(|| wrong(&"a file in it would lie outside of it"))?;
        if file.is_dir() {
            continue;
        }
        let target = folder.path().join(name);
        let made = std::fs::create_dir_all(target.parent().unwrap_or(folder.path()));
        let mut out = made.and_then(|()| std::fs::File::create(&target)).map_err(|error| wrong(&error))?;
        let taken = std::io::copy(&mut file.take(budget + 1), &mut out).map_err(|error| wrong(&error))?;
        budget = budget.checked_sub(taken).ok_or_else(|| wrong(&"it is larger than what is unpacked"))?;
    }
    if !folder.path().join(PROOF).is_file() {
        return Err(wrong(&format_args!("it has no `{PROOF}`")));
    }
    Ok(folder)
}
