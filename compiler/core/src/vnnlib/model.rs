//! The model files of a query's networks, and how their tensors go with what the query declares.
//!
//! In: a query, a model file for each network, and by whose arithmetic it computes. Out: for each tensor of the query the tensor of the file that it is, with
//! the number that an element of it is: a value, or a stored integer, as the file's element type says.

use super::problem::Problem;
use super::quantizer::Quantizer;
use super::query::{Network, Query, Role, Tensor, Version};
use crate::check::model::{ModelError, extension, float_model, model, model_summary};
use crate::db::Db;
use qnn_import::{Described, ImportedNetwork, Kernel, ModelSummary, Options};
use qnn_ir::Rational;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// By whose arithmetic a network computes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// The integers of a quantized file, as a runtime computes them.
    Kernel(Kernel),
    /// A file of floats, quantized by formats: options of an import, as a spec writes them: `weights = fixed<8, 6>`.
    Formats(String),
}

/// What an element of a tensor of a query is, of the tensor that a spec has for it.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning {
    /// Its value.
    Value,
    /// Its stored integer: value / scale + zero.
    Integer {
        /// The value of one step.
        scale: Rational,
        /// The integer that stands for 0.
        zero: i64,
    },
    /// A float that the file itself quantizes first.
    Quantized(Quantizer),
}

/// A tensor of a file that a tensor of a query is.
#[derive(Clone, Debug, PartialEq)]
pub struct Port {
    /// As the file calls it.
    pub name: Arc<str>,
    /// The axes that a spec sees: without a batch of one.
    pub shape: Vec<usize>,
    /// What its elements are to a query.
    pub meaning: Meaning,
    /// Its place among the file's inputs or outputs; `None` of a hidden tensor.
    pub place: Option<usize>,
}

/// A network of a query with its file.
#[derive(Clone, Debug)]
pub struct Model {
    /// The file.
    pub path: PathBuf,
    /// By whose arithmetic it computes.
    pub arithmetic: Arithmetic,
    /// For each tensor of the declaration, what it is in the file.
    pub ports: Vec<Port>,
    /// The network, of a quantized file.
    pub imported: Option<Arc<ImportedNetwork>>,
}

/// Why a query and its models don't go together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// A file can't be used: a sentence, and what to do.
    File(String, Option<String>),
    /// The query says something else than the file.
    Query(Problem),
}

impl From<Problem> for Mismatch {
    fn from(problem: Problem) -> Mismatch {
        Mismatch::Query(problem)
    }
}

/// An element type as VNN-LIB calls it.
fn standard(element: &str) -> &str {
    match element {
        "float" => "float32",
        "double" => "float64",
        other => other,
    }
}

/// What a model file holds.
///
/// # Errors
/// If it can't be read.
pub fn summary(db: &dyn Db, path: &Path) -> Result<Arc<ModelSummary>, Mismatch> {
    let shown = path.display();
    if !extension(path).eq_ignore_ascii_case("onnx") {
        return Err(Mismatch::File(format!("`{shown}` is no .onnx file"), None));
    }
    model_summary(db, db.data(path)).clone().map_err(|error| failure(path, error))
}

fn failure(path: &Path, error: ModelError) -> Mismatch {
    let shown = path.display();
    match error {
        ModelError::File(problem) => Mismatch::File(format!("`{shown}` {}", problem.message), None),
        ModelError::Import(problem) => {
            Mismatch::File(format!("`{shown}` can't be imported: {problem}"), problem.help.clone())
        }
    }
}

/// The model of a network of a query.
///
/// # Errors
/// If the file can't be imported by that arithmetic, leaves out what the query asks about, or has other tensors than the query declares.
pub fn resolve(
    db: &dyn Db,
    network: &Network,
    version: Version,
    path: &Path,
    arithmetic: Arithmetic,
) -> Result<Model, Mismatch> {
    let summary = summary(db, path)?;
    let names = |role: Role| match role {
        Role::Input => &summary.inputs,
        _ => &summary.outputs,
    };
    let imported = match &arithmetic {
        Arithmetic::Kernel(kernel) => {
            let options = Options { kernel: *kernel, inputs: Vec::new(), until: None };
            let imported = model(db, db.data(path), options).clone().map_err(|error| failure(path, error))?;
            whole(path, &summary, imported.outputs.iter().map(|tensor| &*tensor.name), &imported.notes)?;
            Some((imported, *kernel))
        }
        Arithmetic::Formats(_) => {
            let floats = float_model(db, db.data(path), None).clone().map_err(|error| failure(path, error))?;
            let outputs = floats.outputs.iter().filter_map(|output| floats.tensors.get(*output));
            whole(path, &summary, outputs.map(|tensor| &*tensor.name), &floats.notes)?;
            None
        }
    };
    let mut ports = Vec::with_capacity(network.tensors.len());
    let own = imported.as_ref().map(|(network, kernel)| (network.as_ref(), *kernel));
    for role in [Role::Input, Role::Hidden, Role::Output] {
        let declared: Vec<&Tensor> = network.of(role).map(|(_, tensor)| tensor).collect();
        if role != Role::Hidden {
            count(path, network, role, declared.len(), names(role).len())?;
        }
        for (place, tensor) in declared.into_iter().enumerate() {
            ports.push(match role {
                Role::Hidden => hidden(tensor, own.map(|(network, _)| network))?,
                _ => port(tensor, place, names(role), own, version)?,
            });
        }
    }
    Ok(Model { path: path.to_owned(), arithmetic, ports, imported: imported.map(|(network, _)| network) })
}

/// Refuses a network whose import ends before the file does.
fn whole<'a>(
    path: &Path,
    summary: &ModelSummary,
    outputs: impl Iterator<Item = &'a str>,
    notes: &[String],
) -> Result<(), Mismatch> {
    let all = outputs.eq(summary.outputs.iter().map(|output| &*output.name));
    let note = notes.iter().find(|note| note.contains(qnn_import::LEFT_OUT));
    if all && note.is_none() {
        return Ok(());
    }
    let why = note.map_or_else(|| "some of its outputs are the same tensor".to_owned(), Clone::clone);
    Err(Mismatch::File(
        format!("`{}` has outputs that a query can't be asked about: {why}", path.display()),
        Some("ask about the tensor before it, of a file that ends there".to_owned()),
    ))
}

/// Refuses a query that declares more or fewer tensors than a file has.
pub(super) fn count(path: &Path, network: &Network, role: Role, declared: usize, held: usize) -> Result<(), Mismatch> {
    if declared == held {
        return Ok(());
    }
    let word = if role == Role::Input { "inputs" } else { "outputs" };
    let message = format!("`{}` has {held} {word}, but {declared} are declared", path.display());
    Err(Problem::new(message, network.span.clone(), "of this network").into())
}

/// The tensor of a file that a declaration names, or that stands in its place, as `(place, tensor)`.
pub(super) fn described<'a>(
    tensor: &Tensor,
    place: usize,
    all: &'a [Described],
) -> Result<(usize, &'a Described), Problem> {
    let found = match &tensor.file_name {
        Some(name) => all.iter().enumerate().find(|(_, described)| *described.name == **name),
        None => all.get(place).map(|described| (place, described)),
    };
    found.ok_or_else(|| {
        let names: Vec<String> = all.iter().map(|described| format!("`{}`", described.name)).collect();
        Problem::new("the file has no such input or output", tensor.span.clone(), "by its name")
            .help(format!("there are {}", names.join(", ")))
    })
}

/// Refuses a declaration of another shape; axes of one element don't count, nor does the query's of version 1.
pub(super) fn fits(tensor: &Tensor, shape: &[usize], flat: bool) -> Result<(), Problem> {
    let essential = |shape: &[usize]| shape.iter().copied().filter(|size| *size != 1).collect::<Vec<usize>>();
    let fits = match flat {
        true => tensor.count() == shape.iter().product::<usize>(),
        false => essential(&tensor.shape) == essential(shape),
    };
    if fits {
        return Ok(());
    }
    let message = if flat {
        let (declared, held) = (tensor.count(), shape.iter().product::<usize>());
        format!("`{}` has {declared} elements, but the file's tensor has {held}", tensor.name)
    } else {
        format!("`{}` is declared as {:?}, but the file's tensor is {shape:?}", tensor.name, tensor.shape)
    };
    Err(Problem::new(message, tensor.span.clone(), "declared here"))
}

/// The sizes of a described tensor, a batch of one.
pub(super) fn sizes(described: &Described) -> Vec<usize> {
    described.shape.iter().map(|size| size.unwrap_or(1)).collect()
}

fn port(
    tensor: &Tensor,
    place: usize,
    all: &[Described],
    imported: Option<(&ImportedNetwork, Kernel)>,
    version: Version,
) -> Result<Port, Problem> {
    let (place, described) = described(tensor, place, all)?;
    element(tensor, &described.element)?;
    let Some((imported, kernel)) = imported else {
        let shape = without_batch(&sizes(described));
        fits(tensor, &shape, version == Version::One)?;
        return Ok(Port { name: described.name.clone(), shape, meaning: Meaning::Value, place: Some(place) });
    };
    let ports = if tensor.role == Role::Input { &imported.inputs } else { &imported.outputs };
    let Some(own) = ports.get(place) else {
        return Err(Problem::new("the file has no such input or output", tensor.span.clone(), ""));
    };
    fits(tensor, &own.shape, version == Version::One)?;
    let meaning = match &own.storage {
        _ if !["float16", "float32", "float64"].contains(&standard(&described.element)) => {
            let (scale, zero) = match (&own.storage, own.scale.as_slice()) {
                (Some(storage), _) => (storage.scale.clone(), storage.zero),
                (None, [scale]) => (scale.clone(), 0),
                _ => {
                    let message = "its integers have scales of their own, which a query can't tell";
                    return Err(Problem::new(message, tensor.span.clone(), "this tensor"));
                }
            };
            Meaning::Integer { scale, zero }
        }
        Some(storage) if tensor.role == Role::Input => quantized(tensor, storage, kernel != Kernel::Qonnx)?,
        _ => Meaning::Value,
    };
    Ok(Port { name: own.name.clone(), shape: own.shape.clone(), meaning, place: Some(place) })
}

/// An input of floats that the file quantizes.
fn quantized(tensor: &Tensor, storage: &qnn_import::Storage, nearest: bool) -> Result<Meaning, Problem> {
    let value = qnn_ir::rational::to_f64(&storage.scale);
    let scale = value as f32;
    if qnn_ir::rational::from_f64(f64::from(scale)).as_ref() != Some(&storage.scale) || storage.width > 32 {
        let message = "the file quantizes it by a scale that is no float of 32 bits";
        return Err(Problem::new(message, tensor.span.clone(), "this input"));
    }
    let limits = match storage.signed {
        true => (-(1i64 << (storage.width - 1)) + i64::from(storage.symmetric), (1i64 << (storage.width - 1)) - 1),
        false => (0, (1i64 << storage.width) - 1),
    };
    Ok(Meaning::Quantized(Quantizer { scale, zero: storage.zero, limits, nearest }))
}

/// Refuses a declaration of another element type; `Real` goes with every file.
pub(super) fn element(tensor: &Tensor, held: &str) -> Result<(), Problem> {
    let held = standard(held);
    if tensor.element.eq_ignore_ascii_case("real") || tensor.element == held {
        return Ok(());
    }
    let message = format!("`{}` is declared as {}, but the file's tensor is {held}", tensor.name, tensor.element);
    Err(Problem::new(message, tensor.span.clone(), "declared here").help(format!("write `{held}` or `Real`")))
}

fn hidden(tensor: &Tensor, imported: Option<&ImportedNetwork>) -> Result<Port, Problem> {
    let name = tensor.file_name.clone().unwrap_or_default();
    let Some(imported) = imported else {
        let message = "hidden tensors are known of quantized files only";
        return Err(Problem::new(message, tensor.span.clone(), "of a file of floats"));
    };
    let found = imported.layers.iter().map(|layer| &layer.tensor).find(|own| *own.name == *name);
    let Some(own) = found else {
        let names: Vec<String> =
            imported.layers.iter().take(12).map(|layer| format!("`{}`", layer.tensor.name)).collect();
        return Err(Problem::new(format!("the network of integers has no tensor `{name}`"), tensor.span.clone(), "")
            .help(format!("there are {}", names.join(", "))));
    };
    fits(tensor, &own.shape, false)?;
    if !tensor.element.eq_ignore_ascii_case("real") {
        let help = "a hidden tensor of a quantized file is declared as `Real`: its elements are values";
        return Err(Problem::new("its element type is not looked up", tensor.span.clone(), "").help(help));
    }
    Ok(Port { name: own.name.clone(), shape: own.shape.clone(), meaning: Meaning::Value, place: None })
}

/// Without a leading axis of one element, as imports have it.
pub(super) fn without_batch(shape: &[usize]) -> Vec<usize> {
    match shape {
        [1, rest @ ..] if !rest.is_empty() => rest.to_vec(),
        all => all.to_vec(),
    }
}

/// Checks that networks which a query declares to be the same, or of the same layers, are.
///
/// # Errors
/// Which are not.
pub fn check_relations(db: &dyn Db, query: &Query, paths: &[PathBuf]) -> Result<(), Mismatch> {
    for (network, path) in query.networks.iter().zip(paths) {
        if let Some(other) = network.equal_to.and_then(|index| paths.get(index))
            && other != path
        {
            let message = "a network that equals another one has no file of its own";
            return Err(Problem::new(message, network.span.clone(), "this network").into());
        }
        if let Some(other) = network.isomorphic_to.and_then(|index| paths.get(index)) {
            let (own, other) = (summary(db, path)?, summary(db, other)?);
            let shapes = |all: &[Described]| all.iter().map(sizes).collect::<Vec<_>>();
            if own.operators != other.operators
                || shapes(&own.inputs) != shapes(&other.inputs)
                || shapes(&own.outputs) != shapes(&other.outputs)
            {
                let message = "the two files have other operators or shapes";
                return Err(Problem::new(message, network.span.clone(), "not isomorphic").into());
            }
        }
    }
    Ok(())
}
