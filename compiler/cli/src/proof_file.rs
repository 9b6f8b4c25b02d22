//! Proof files: written once a run is over, in the place that was made sure of before.

use crate::out_file::OutFile;
use crate::output::{Failure, Output, shown};
use crate::spec::Specs;
use qnn::db::{SourceFile, normalise};
use qnn::files::spelling::{hex, size};
use qnn::review::file::PinnedFile;
use qnn::review::{Header, Record};
use qnn::verify::InstanceResult;
use std::io::{BufWriter, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

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
        Some(PinnedFile { path, blake3: hex(&hash?) })
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

/// A path as seen from a folder, both absolute and clean: with as many `..` as it takes, or as it is where nothing is shared.
pub fn relative(folder: &Path, path: &Path) -> PathBuf {
    let (from, to): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (folder.components().collect(), path.components().collect());
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    if same == 0 {
        return path.to_owned();
    }
    let up = from[same..].iter().map(|_| Component::ParentDir);
    up.chain(to[same..].iter().copied()).collect()
}

/// Specs are not written over, whatever else they are named for.
pub fn not_a_spec(path: &Path) -> Result<(), Failure> {
    if path.extension().is_some_and(|extension| extension == "qnn") {
        return Err(Failure::wrong(format!(
            "`{}` can't be written: that is the name of a spec; proof files end in `.qnnproof`, exports in `.jsonl`",
            shown(path)
        )));
    }
    Ok(())
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
