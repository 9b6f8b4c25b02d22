//! A model file by itself, without a spec: the network that a kernel makes of it, and the spec that is written beside it.
//!
//! In: a path and a kernel. Out: what a spec that imports the file sees, by a spec of one line that lies beside it in a database of its own.

use super::first_spec::{FirstFloatSpec, FirstSpec, imported};
use super::layers::{Found, networks};
use crate::check::model::extension;
use crate::check::spec::diagnostics;
use crate::db::{BytesContent, Database, Disk, FileSystem};
use crate::diagnostic::Diagnostic;
use crate::files::FileError;
use crate::files::reader::{FileContents, read};
use qnn_import::{FloatNetwork, ImportError, Kernel, ModelSummary};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The name of the spec that is in a database only.
const UNWRITTEN: &str = ".qnn-model.qnn";
/// How many names are tried for a spec.
const MOST_NAMES: usize = 100;

/// What a model file holds, with its size.
///
/// # Errors
/// A sentence that lacks its subject, the file.
pub fn summary(path: &Path) -> Result<(u64, Result<ModelSummary, ImportError>), FileError> {
    let name = extension(path);
    if Kernel::for_extension(name).next().is_none() {
        return Err(FileError::new("is no model that can be imported").help("models are `.tflite` and `.onnx` files"));
    }
    match Disk.bytes(path) {
        BytesContent::File(bytes) => Ok((bytes.len() as u64, qnn_import::summary(&bytes, name))),
        BytesContent::Folder(_) => Err(FileError::new("is a folder, not a model")),
        BytesContent::Problem(problem) => Err(problem),
    }
}

/// The network of a model file by a kernel, with the database that it is in.
///
/// # Errors
/// The diagnostic that a spec gets that imports the file.
pub fn network(path: &Path, summary: &ModelSummary, kernel: Kernel) -> Result<(Database, Found), Box<Diagnostic>> {
    let mut db = Database::new(Disk);
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let text = format!("network model = {};\n", imported(&file, summary, kernel));
    let spec = db.set_text(&path.with_file_name(UNWRITTEN), text.into());
    if let Some(found) = networks(&db, spec).into_iter().next() {
        return Ok((db, found));
    }
    let said = diagnostics(&db, spec).iter().find(|d| d.severity == crate::diagnostic::Severity::Error).cloned();
    let place = crate::diagnostic::Place { item: crate::db::whole_file(&db, spec), span: qnn_syntax::Span::new(0, 0) };
    Err(Box::new(said.unwrap_or_else(|| Diagnostic::error("E0510", "it can't be imported", place, "this file"))))
}

/// What a first spec is to be written of.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Whose arithmetic; the likeliest for the file, if `None`.
    pub kernel: Option<Kernel>,
    /// A file of inputs.
    pub samples: Option<PathBuf>,
    /// A file of their classes.
    pub labels: Option<PathBuf>,
}

/// Writes a first spec beside a model, under a name that is free: `kws.qnn`, `kws_2.qnn` beside `kws.tflite`. What is there is left as it is.
///
/// # Errors
/// A sentence for the user.
pub fn create_spec(model: &Path, wanted: &Wanted) -> Result<PathBuf, String> {
    let name = model.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let problem = |error: FileError| format!("`{name}` {}", error.message);
    let (_, summary) = summary(model).map_err(problem)?;
    let summary = summary.map_err(|error| format!("`{name}` can't be imported: {error}"))?;
    let integers = summary.inputs.first().map_or("int8", |input| input.element.as_str());
    let raw = match &wanted.samples {
        Some(samples) => {
            element_type(samples).map_err(|error| format!("`{}` {}", samples.display(), error.message))? == integers
        }
        None => !matches!(integers, "float" | "float32"),
    };
    let folder = model.parent().unwrap_or(Path::new(""));
    let beside = |path: &PathBuf| path.strip_prefix(folder).unwrap_or(path).to_string_lossy().replace('\\', "/");
    let (samples, labels) = (wanted.samples.as_ref().map(beside), wanted.labels.as_ref().map(beside));
    let (samples, labels) = (samples.as_deref(), labels.as_deref());
    let text = if summary.is_float() && wanted.kernel.is_none() {
        let network = float_network(model).map_err(|error| format!("`{name}` can't be imported: {error}"))?;
        FirstFloatSpec { model: &name, network: &network, samples, labels }.text()
    } else {
        let kernel = wanted.kernel.or(summary.kernels.first().copied());
        let kernel = kernel.ok_or_else(|| format!("no kernel is known for `{name}`"))?;
        FirstSpec { model: &name, summary: &summary, kernel, samples, raw, labels }.text()
    };
    let stem = model.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    for number in 1..=MOST_NAMES {
        let ending = if number == 1 { String::new() } else { format!("_{number}") };
        let path = folder.join(format!("{stem}{ending}.qnn"));
        // Whoever comes first has the name: nothing is overwritten, whatever happens at the same time.
        match std::fs::OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                return match file.write_all(text.as_bytes()) {
                    Ok(()) => Ok(path),
                    Err(error) => {
                        drop(file);
                        let _ = std::fs::remove_file(&path);
                        Err(format!("`{}` can't be written: {error}", path.display()))
                    }
                };
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(format!("`{}` can't be written: {error}", path.display())),
        }
    }
    Err(format!("there are {MOST_NAMES} specs beside `{name}` already"))
}

/// The network of a file of floats, which could be read a moment ago.
fn float_network(model: &Path) -> Result<FloatNetwork, ImportError> {
    match Disk.bytes(model) {
        BytesContent::File(bytes) => qnn_import::float_network(&bytes, None),
        _ => Err(ImportError::new("it can't be read any more")),
    }
}

/// The element type of a file of inputs; empty where it holds several tensors.
///
/// # Errors
/// A sentence that lacks its subject, the file.
pub fn element_type(samples: &Path) -> Result<&'static str, FileError> {
    match Disk.bytes(samples) {
        BytesContent::File(bytes) => match read(&samples.to_string_lossy(), &bytes)? {
            FileContents::Tensor(tensor) => Ok(tensor.element_type),
            _ => Ok(""),
        },
        BytesContent::Folder(_) => Ok(""),
        BytesContent::Problem(problem) => Err(problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &[u8] = include_bytes!("../../../../tests/fixtures/models/tiny.tflite");

    #[test]
    fn a_model_is_a_network_by_each_of_its_kernels() {
        let folder = tempfile::tempdir().expect("a folder");
        let model = folder.path().join("tiny.tflite");
        std::fs::write(&model, MODEL).expect("a model");
        let (bytes, summary) = summary(&model).expect("a file");
        assert_eq!(bytes, MODEL.len() as u64);
        let summary = summary.expect("a model");
        for kernel in &summary.kernels {
            let (_, found) = network(&model, &summary, *kernel).expect("a network");
            assert_eq!(found.network.kernel, Some(*kernel));
            assert_eq!(found.network.layers.last().expect("layers").operation, "FULLY_CONNECTED");
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing was written");
    }

    #[test]
    fn what_is_no_model_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let model = folder.path().join("broken.tflite");
        std::fs::write(&model, b"no model").expect("a file");
        assert!(summary(&model).expect("a file").1.is_err());
        assert!(summary(&folder.path().join("a.npz")).is_err());
        assert!(summary(&folder.path().join("none.onnx")).is_err());
        assert!(create_spec(&model, &Wanted::default()).expect_err("no model").contains("can't be imported"));
    }

    #[test]
    fn a_spec_is_written_beside_the_model_and_replaces_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let model = folder.path().join("tiny.tflite");
        std::fs::write(&model, MODEL).expect("a model");
        std::fs::write(folder.path().join("tiny.qnn"), "// mine").expect("a spec");
        let wanted = Wanted { kernel: Some(Kernel::Xnnpack), ..Wanted::default() };
        let path = create_spec(&model, &wanted).expect("a spec");
        assert_eq!(path, folder.path().join("tiny_2.qnn"));
        assert_eq!(std::fs::read_to_string(folder.path().join("tiny.qnn")).expect("mine"), "// mine");
        let text = std::fs::read_to_string(&path).expect("the spec");
        assert!(text.contains("import \"tiny.tflite\" { kernel = xnnpack };"), "{text}");
        let db = Database::new(Disk);
        let spec = crate::db::Db::source(&db, &path);
        assert_eq!(diagnostics(&db, spec).iter().map(|d| &d.message).collect::<Vec<_>>(), [] as [&String; 0]);
    }
}
