//! What files beside specs hold: models, and tensors of data files.

use qnn::diagnostic::Diagnostic;
use qnn::files::FileError;
use qnn::ide::tensors::{Stack, TensorRow, Values};
use qnn::import::{Described, ImportError, Kernel, ModelSummary, Storage};
use qnn::ir::rational::{integer, show};
use serde::{Deserialize, Serialize};
use tower_lsp::lsp_types::Url;

/// The request for what a model file holds.
pub const MODEL: &str = "qnn/model";
/// The request for the tensors of a data file.
pub const TENSORS: &str = "qnn/tensors";
/// The request for samples of a data file as pictures.
pub const SAMPLES: &str = "qnn/samples";

/// The parameters of `qnn/model`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ModelArguments {
    /// The file.
    #[cfg_attr(test, schemars(with = "String"))]
    pub uri: Url,
}

/// Why something can't be had, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FileProblem {
    /// What is wrong, in a sentence.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl FileProblem {
    /// That of a file, whose name begins the sentence.
    pub fn of_file(name: &str, error: FileError) -> FileProblem {
        FileProblem { message: format!("{name} {}.", error.message), help: error.help }
    }
}

impl From<ImportError> for FileProblem {
    fn from(error: ImportError) -> FileProblem {
        FileProblem { message: qnn::report::sentences::capitalised(&format!("{error}.")), help: error.help }
    }
}

impl From<Diagnostic> for FileProblem {
    fn from(diagnostic: Diagnostic) -> FileProblem {
        let message = qnn::report::sentences::capitalised(&format!("{}.", diagnostic.message));
        FileProblem { message, help: diagnostic.help }
    }
}

/// A kernel that may run a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct KernelChoice {
    /// As a spec names it.
    pub name: String,
    /// What it is, in a sentence.
    pub summary: String,
}

impl From<Kernel> for KernelChoice {
    fn from(kernel: Kernel) -> KernelChoice {
        KernelChoice { name: kernel.name().to_owned(), summary: kernel.summary().to_owned() }
    }
}

/// The result of `qnn/model`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ModelFile {
    /// The file's name.
    pub name: String,
    /// `TensorFlow Lite` or `ONNX`.
    pub kind: String,
    /// Its size in bytes; 0 where it can't be read.
    pub bytes: u64,
    /// Why nothing more is told.
    pub problem: Option<FileProblem>,
    /// Its inputs.
    pub inputs: Vec<ModelTensor>,
    /// Its outputs.
    pub outputs: Vec<ModelTensor>,
    /// Its operators in the order of their first use.
    pub operators: Vec<OperatorCount>,
    /// The kernels that suit its contents, the likeliest first: `qnn/network` says by each whether it can be imported.
    pub kernels: Vec<KernelChoice>,
    /// Whether its numbers are floats: a spec quantizes them by formats, and no kernel computes them.
    pub floats: bool,
    /// Files beside it that inputs may come from.
    pub samples: Vec<SampleFile>,
}

/// A file of inputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SampleFile {
    /// The file's name.
    pub name: String,
    /// The name of the file of its classes, if one is beside it.
    pub labels: Option<String>,
}

impl ModelFile {
    /// That of a file.
    pub fn new(name: String, read: Result<(u64, Result<ModelSummary, ImportError>), FileError>) -> ModelFile {
        let tflite = name.to_ascii_lowercase().ends_with(".tflite");
        let kind = if tflite { "TensorFlow Lite" } else { "ONNX" }.to_owned();
        let nothing = |name: String, bytes, problem| ModelFile {
            name,
            kind: kind.clone(),
            bytes,
            problem: Some(problem),
            inputs: Vec::new(),
            outputs: Vec::new(),
            operators: Vec::new(),
            kernels: Vec::new(),
            floats: false,
            samples: Vec::new(),
        };
        match read {
            Err(error) => {
                let problem = FileProblem::of_file(&name, error);
                nothing(name, 0, problem)
            }
            Ok((bytes, Err(error))) => nothing(name, bytes, error.into()),
            Ok((bytes, Ok(summary))) => ModelFile {
                name,
                kind: kind.clone(),
                bytes,
                problem: None,
                inputs: summary.inputs.iter().map(Into::into).collect(),
                outputs: summary.outputs.iter().map(Into::into).collect(),
                operators: summary
                    .operators
                    .iter()
                    .map(|(name, count)| OperatorCount { name: name.clone(), count: *count })
                    .collect(),
                floats: summary.is_float(),
                samples: Vec::new(),
                kernels: if summary.is_float() {
                    Vec::new()
                } else {
                    summary.kernels.iter().map(|kernel| (*kernel).into()).collect()
                },
            },
        }
    }
}

/// How often a file uses an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct OperatorCount {
    /// In the file's vocabulary.
    pub name: String,
    /// How many times.
    pub count: usize,
}

/// An input or output of a model file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ModelTensor {
    /// As the file has it.
    pub name: String,
    /// Its element type.
    pub element: String,
    /// The sizes of its axes, the batch axis included; `None` where the file leaves one open.
    pub shape: Vec<Option<usize>>,
    /// How its integers are stored; `None` where the file does not say.
    pub storage: Option<StorageStatus>,
}

/// How integers are stored: value = (integer − zero) · scale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StorageStatus {
    /// Bits of an integer.
    pub bits: u32,
    /// Two's complement, or unsigned.
    pub signed: bool,
    /// The value of one step, as people read it.
    pub scale: String,
    /// The integer that stands for 0.
    pub zero: i64,
    /// The values of the least and the greatest integer, as people read them.
    pub values: (String, String),
}

impl From<&Storage> for StorageStatus {
    fn from(storage: &Storage) -> StorageStatus {
        let half = 1i128 << (storage.width.clamp(1, 63) - 1);
        let (least, greatest) = match (storage.signed, storage.symmetric) {
            (true, true) => (1 - half, half - 1),
            (true, false) => (-half, half - 1),
            (false, _) => (0, 2 * half - 1),
        };
        let value = |raw: i128| show(&(integer(raw - i128::from(storage.zero)) * &storage.scale));
        StorageStatus {
            bits: storage.width,
            signed: storage.signed,
            scale: show(&storage.scale),
            zero: storage.zero,
            values: (value(least), value(greatest)),
        }
    }
}

impl From<&Described> for ModelTensor {
    fn from(tensor: &Described) -> ModelTensor {
        ModelTensor {
            name: tensor.name.to_string(),
            element: tensor.element.clone(),
            shape: tensor.shape.clone(),
            storage: tensor.storage.as_ref().map(Into::into),
        }
    }
}

/// The argument of `qnn.createSpec`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CreateSpecArguments {
    /// The model.
    #[cfg_attr(test, schemars(with = "String"))]
    pub uri: Url,
    /// Whose arithmetic; the likeliest for the file, if it is left out.
    #[serde(default)]
    pub kernel: Option<String>,
    /// A file of inputs.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub samples: Option<Url>,
    /// A file of their classes.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub labels: Option<Url>,
}

/// The result of `qnn.createSpec`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CreatedSpec {
    /// The spec that was written.
    #[cfg_attr(test, schemars(with = "String"))]
    pub uri: Url,
}

/// The parameters of `qnn/tensors`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TensorsArguments {
    /// The file.
    #[cfg_attr(test, schemars(with = "String"))]
    pub uri: Url,
    /// This tensor only, whose elements are looked at however many there are.
    #[serde(default)]
    pub tensor: Option<String>,
}

/// The result of `qnn/tensors`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TensorFile {
    /// The file's name.
    pub name: String,
    /// Its size in bytes; 0 where it can't be read.
    pub bytes: u64,
    /// Why there are no tensors.
    pub problem: Option<FileProblem>,
    /// Its tensors by name.
    pub tensors: Vec<TensorStatus>,
}

/// A tensor of a data file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TensorStatus {
    /// Its name; `None` for the only tensor of a file.
    pub name: Option<String>,
    /// Its element type in the file's own words.
    pub element: String,
    /// The sizes of its axes.
    pub shape: Vec<usize>,
    /// Why it can't be read.
    pub problem: Option<String>,
    /// What its elements are; `None` where they are too many to be looked at unasked, or can't be read.
    pub values: Option<TensorValues>,
    /// How many images it is along its first axis, if it is that.
    pub pictures: Option<usize>,
}

/// What the elements of a tensor are, as people read them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TensorValues {
    /// The least and the greatest finite number.
    pub range: Option<(String, String)>,
    /// How many are NaN or infinite.
    pub not_finite: usize,
    /// The first ones, row-major.
    pub first: Vec<String>,
    /// How many there are.
    pub count: usize,
}

impl From<Values> for TensorValues {
    fn from(values: Values) -> TensorValues {
        let Values { range, not_finite, first, count } = values;
        TensorValues { range, not_finite, first, count }
    }
}

impl From<TensorRow> for TensorStatus {
    fn from(row: TensorRow) -> TensorStatus {
        TensorStatus {
            name: row.name,
            element: row.element,
            shape: row.shape,
            problem: row.problem,
            values: row.values.map(Into::into),
            pictures: row.pictures.map(|Stack { count, .. }| count),
        }
    }
}

/// The parameters of `qnn/samples`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SamplesArguments {
    /// The file.
    #[cfg_attr(test, schemars(with = "String"))]
    pub uri: Url,
    /// The tensor; the only one, if it is left out.
    #[serde(default)]
    pub tensor: Option<String>,
    /// The first sample.
    #[serde(default)]
    pub from: usize,
    /// How many; at most 200.
    pub count: usize,
}

/// The result of `qnn/samples`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SamplePictures {
    /// Where the labels come from, if they are known: a tensor's name, or a file's.
    pub labelled_by: Option<String>,
    /// The pictures.
    pub samples: Vec<SamplePicture>,
}

/// A sample as a picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SamplePicture {
    /// Its index along the tensor's first axis.
    pub index: usize,
    /// Its class, if it is known.
    pub label: Option<String>,
    /// A PNG in base64; empty where its numbers are not finite.
    pub png: String,
}
