//! `qnn/model`, `qnn/tensors`, `qnn/samples` and `qnn.createSpec`: what files beside specs hold, read from the disk.

use crate::answering::refused;
use crate::convert::{path_of, uri_of};
use crate::protocol::{
    CreateSpecArguments, CreatedSpec, FileProblem, ModelArguments, ModelFile, SampleFile, SamplePicture,
    SamplePictures, SamplesArguments, TensorFile, TensorsArguments,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use qnn::db::{BytesContent, Disk, FileSystem};
use qnn::files::reader::{FileContents, read};
use qnn::files::{FileError, FileTensor};
use qnn::ide::model_file::{Wanted, create_spec, summary};
use qnn::ide::tensors::{are_labels, labels, picture, rows, shown, stack, tensor};
use qnn::import::Kernel;
use std::path::{Path, PathBuf};
use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::Url;

/// The most pictures of one answer.
const MOST_PICTURES: usize = 200;
/// What a file of samples is called beside one of their classes.
const SAMPLES_AND_LABELS: [(&str, &str); 5] =
    [("images", "labels"), ("image", "label"), ("samples", "labels"), ("inputs", "labels"), ("x", "y")];

/// The path of a file on this machine.
pub fn path(uri: &Url) -> Result<PathBuf> {
    if uri.scheme() != "file" {
        return Err(refused(format!("{uri} is no file on this machine")));
    }
    Ok(path_of(uri, Path::new("")))
}

/// A file's name.
pub fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What a model file holds.
pub fn model(arguments: &ModelArguments) -> Result<ModelFile> {
    let path = path(&arguments.uri)?;
    Ok(ModelFile { samples: sample_files(&path), ..ModelFile::new(name(&path), summary(&path)) })
}

/// The `.npy` files beside a model that are not the classes of others, by name.
fn sample_files(model: &Path) -> Vec<SampleFile> {
    let files = model.parent().and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = files.map(|entry| entry.path()).filter(|path| is_npy(path)).collect();
    files.sort();
    let mut all: Vec<SampleFile> = files
        .iter()
        .map(|path| SampleFile { name: name(path), labels: named_labels(path).next().map(|labels| name(&labels)) })
        .collect();
    let labels: Vec<String> = all.iter().filter_map(|file| file.labels.clone()).collect();
    all.retain(|file| !labels.contains(&file.name));
    all
}

fn is_npy(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "npy") && path.is_file()
}

/// Writes a first spec beside a model.
pub fn create(arguments: &CreateSpecArguments) -> Result<CreatedSpec> {
    let kernel = match &arguments.kernel {
        None => None,
        Some(name) => Some(Kernel::by_name(name).ok_or_else(|| refused(format!("there is no kernel `{name}`")))?),
    };
    let other = |uri: &Option<Url>| uri.as_ref().map(path).transpose();
    let wanted = Wanted { kernel, samples: other(&arguments.samples)?, labels: other(&arguments.labels)? };
    let spec = create_spec(&path(&arguments.uri)?, &wanted).map_err(refused)?;
    let uri = uri_of(&spec).ok_or_else(|| refused("the spec has no absolute path"))?;
    Ok(CreatedSpec { uri })
}

fn contents(path: &Path) -> std::result::Result<(u64, FileContents), (u64, FileError)> {
    match Disk.bytes(path) {
        BytesContent::File(bytes) => {
            let size = bytes.len() as u64;
            read(&path.to_string_lossy(), &bytes).map(|contents| (size, contents)).map_err(|error| (size, error))
        }
        BytesContent::Folder(files) => {
            qnn::files::images::read_folder(&files).map(|folder| (0, FileContents::Folder(folder))).map_err(|e| (0, e))
        }
        BytesContent::Problem(problem) => Err((0, problem)),
    }
}

/// The tensors of a data file.
pub fn tensors(arguments: &TensorsArguments) -> Result<TensorFile> {
    let path = path(&arguments.uri)?;
    let name = name(&path);
    Ok(match contents(&path) {
        Err((bytes, error)) => {
            let problem = Some(FileProblem::of_file(&name, error));
            TensorFile { name, bytes, problem, tensors: Vec::new() }
        }
        Ok((bytes, contents)) => {
            let tensors = rows(&contents, arguments.tensor.as_deref()).into_iter().map(Into::into).collect();
            TensorFile { name, bytes, problem: None, tensors }
        }
    })
}

/// Samples of a data file as pictures, with their classes where these are known.
pub fn samples(arguments: &SamplesArguments) -> Result<SamplePictures> {
    let path = path(&arguments.uri)?;
    let (_, contents) = contents(&path).map_err(|(_, error)| refused(format!("{} {}", name(&path), error.message)))?;
    let of = arguments.tensor.as_deref();
    let tensor = tensor(&contents, of).ok_or_else(|| refused("there is no such tensor, or it can't be read"))?;
    let stack = stack(&tensor.shape).ok_or_else(|| refused("the tensor is no stack of images"))?;
    let beside = beside(&path, stack.count);
    let labels = labels(&contents, of, stack.count);
    let (classes, labelled_by) = match (labels, &beside) {
        (Some(labels), _) => (Some(labels), Some(name(&path))),
        (None, Some((file, labels))) => (Some(labels), Some(file.clone())),
        (None, None) => (None, None),
    };
    let end = arguments.from.saturating_add(arguments.count.min(MOST_PICTURES)).min(stack.count);
    let samples = (arguments.from..end).map(|index| SamplePicture {
        index,
        label: classes.map(|classes| shown(classes, index)),
        png: picture(tensor, stack, index).map(|picture| STANDARD.encode(picture.png())).unwrap_or_default(),
    });
    Ok(SamplePictures { labelled_by, samples: samples.collect() })
}

/// The file of classes beside a file of samples, with its contents.
fn beside(path: &Path, count: usize) -> Option<(String, FileTensor)> {
    named_labels(path).find_map(|other| {
        let (_, contents) = contents(&other).ok()?;
        let FileContents::Tensor(classes) = contents else { return None };
        are_labels(&classes, count).then(|| (name(&other), classes))
    })
}

/// The files that are called as those of its classes: `test_labels.npy` beside `test_images.npy`.
fn named_labels(path: &Path) -> impl Iterator<Item = PathBuf> {
    let own = name(path);
    SAMPLES_AND_LABELS.iter().filter_map(move |(samples, labels)| {
        // `x` alone is too short to be looked for within a name.
        let named = if samples.len() > 1 { own.contains(samples) } else { own.starts_with(samples) };
        let other = path.with_file_name(own.replacen(samples, labels, 1));
        (named && other != path && other.is_file()).then_some(other)
    })
}
