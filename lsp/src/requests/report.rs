//! The command `qnn.report`: the page that `qnn report` writes, of the verdicts that an open document has.
//!
//! In: a snapshot. Out: a file of HTML. Nothing is verified. Networks are run on their datasets, which takes a while and must not hold up an edit: so the page is made from a
//! database of its own that reads the texts as the snapshot has them, and is refused where a file has changed by then.

use super::Target;
use crate::answering::refused;
use crate::protocol::{ReportArguments, Reported};
use crate::snapshot::Snapshot;
use qnn::check::spec::diagnostics;
use qnn::db::{BytesContent, Database, Disk, FileSystem, normalise};
use qnn::files::FileError;
use qnn::report::gather::{self, ACCURACY_SAMPLES, Ask};
use qnn::report::html::{PICTURES, page};
use qnn::report::model::Report;
use qnn::verify::{Filter, InstanceResult, Options, Summary, plan};
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::Url;

/// What a page is made of, without a database.
pub struct Material {
    spec: PathBuf,
    /// The texts of all specs that have been read, as the editor has them.
    texts: HashMap<PathBuf, Arc<str>>,
    /// The files that have been read, with the hashes of their content.
    files: HashMap<PathBuf, Option<[u8; 32]>>,
    results: HashMap<String, Arc<InstanceResult>>,
    property: Option<String>,
}

/// The texts of the editor before those of the disk.
struct Buffers(HashMap<PathBuf, Arc<str>>);

impl FileSystem for Buffers {
    fn text(&self, path: &Path) -> std::result::Result<Arc<str>, FileError> {
        self.0.get(path).map_or_else(|| Disk.text(path), |text| Ok(text.clone()))
    }

    fn bytes(&self, path: &Path) -> BytesContent {
        Disk.bytes(path)
    }
}

/// Takes what is needed from a snapshot.
pub fn material(snapshot: &Snapshot, arguments: &ReportArguments) -> Result<Material> {
    let target = Target::of(snapshot)?;
    let db = &snapshot.db;
    let texts = db.sources().into_iter().filter_map(|file| {
        let text = file.text(db).as_ref().ok()?;
        Some((normalise(file.path(db)), text.clone()))
    });
    let property = arguments.property.as_deref();
    let wanted = |result: &&Arc<InstanceResult>| property.is_none_or(|name| *result.property == *name);
    let results = target.view.results.iter().filter(wanted);
    let results: HashMap<String, _> = results.map(|result| (result.name.clone(), result.clone())).collect();
    if results.is_empty() {
        let what = property.unwrap_or("this spec");
        return Err(refused(format!("there is nothing to report: {what} has no verdict of the text as it is")));
    }
    Ok(Material {
        spec: target.file.path(db).to_owned(),
        texts: texts.collect(),
        files: db.files().into_iter().collect(),
        results,
        property: arguments.property.clone(),
    })
}

/// Makes the page and writes it to a file, which is kept for as long as the system keeps temporary files.
pub fn write(material: &Material) -> Result<Reported> {
    let page = html(material)?;
    let name: String = material.spec.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(60).collect();
    let written = || -> std::io::Result<PathBuf> {
        let mut file = tempfile::Builder::new().prefix(&format!("qnn-{name}-")).suffix(".html").tempfile()?;
        file.write_all(page.as_bytes())?;
        Ok(file.into_temp_path().keep()?)
    };
    let path = written().map_err(|error| refused(format!("the report can't be written: {error}")))?;
    let uri = Url::from_file_path(&path).map_err(|()| refused("the report has no absolute path"))?;
    Ok(Reported { uri, instances: material.results.len() })
}

/// The page.
fn html(material: &Material) -> Result<String> {
    let db = Database::new(Buffers(material.texts.clone()));
    let file = qnn::db::Db::source(&db, &material.spec);
    let mut plan = plan(&db, file, &Filter::default(), &Options::default());
    let of_all = plan.jobs.len();
    plan.jobs.retain(|job| material.property.as_ref().is_none_or(|name| **name == *job.property));
    plan.left_out = of_all - plan.jobs.len();
    let asked = plan.jobs.len();
    plan.jobs.retain(|job| material.results.contains_key(&job.name));
    for (index, job) in plan.jobs.iter_mut().enumerate() {
        job.index = index;
    }
    let results: Vec<_> = plan.jobs.iter().filter_map(|job| material.results.get(&job.name).cloned()).collect();
    let warnings = match asked - results.len() {
        0 => Vec::new(),
        1 => vec!["One instance has no verdict of the text as it is, and is not in here.".to_owned()],
        n => vec![format!("{n} instances have no verdict of the text as it is, and are not in here.")],
    };
    let time: Duration = results.iter().map(|result| result.time).sum();
    let summary = Summary { results, warnings, time, ..Summary::default() };
    let stop = gather::never();
    let ask = Ask { base: material.spec.parent().unwrap_or(Path::new("")), samples: ACCURACY_SAMPLES, stop: &stop };
    let spec = gather::spec(&db, file, diagnostics(&db, file), Some((&plan, &summary)), ask);
    let differs = |(path, hash): &(PathBuf, _)| material.files.get(path).is_some_and(|then| then != hash);
    if let Some((path, _)) = db.files().into_iter().find(differs) {
        let name = path.display();
        return Err(refused(format!("{name} changed while the report was made; ask again once it has been verified")));
    }
    let report = Report::new(vec![spec], gather::files(&db, ask.base), summary.exit_code(), false);
    Ok(page(&report, PICTURES))
}
