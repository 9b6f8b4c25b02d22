//! `qnn import`: a first spec for a model file.

use crate::out_file::OutFile;
use crate::output::{Exit, Failure, Output, quoted, shown};
use owo_colors::OwoColorize;
use qnn::db::{BytesContent, Disk, FileSystem};
use qnn::ide::first_spec::{FirstFloatSpec, FirstSpec};
use qnn::ide::model_file::element_type;
use qnn::import::{self, Kernel};
use std::path::{Path, PathBuf};

/// Writes a first spec for a .tflite or .onnx file
///
/// It imports the model, and says by comments what can be asked of it. With `--samples`, it asks for robustness about them. A network of floats
/// is imported with formats of so many bits, and the spec asks how many it takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// The model
    model: PathBuf,
    /// The spec to write; standard output by default. What is there already is left as it is
    #[arg(short, long, value_name = "SPEC")]
    output: Option<PathBuf>,
    /// Whose arithmetic it is: tflm, xnnpack, …; by default the likeliest for the file, and none for a network of floats
    #[arg(short, long, value_name = "KERNEL")]
    kernel: Option<String>,
    /// A file of inputs, such as samples.npy
    #[arg(long, value_name = "FILE")]
    samples: Option<PathBuf>,
    /// A file of their classes, such as labels.npy
    #[arg(long, value_name = "FILE", requires = "samples")]
    labels: Option<PathBuf>,
}

/// Writes it.
pub fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Failure> {
    let model = &arguments.model;
    let extension = model.extension().and_then(|extension| extension.to_str()).unwrap_or("").to_lowercase();
    if Kernel::for_extension(&extension).next().is_none() {
        return Err(Failure::wrong(format!("`{}` is neither a .tflite nor an .onnx file", shown(model))));
    }
    let bytes = match Disk.bytes(model) {
        BytesContent::File(bytes) => bytes,
        BytesContent::Folder(_) => return Err(Failure::wrong(format!("`{}` is a folder", shown(model)))),
        BytesContent::Problem(problem) => {
            let help = problem.help.map(|help| format!("\n  help: {help}")).unwrap_or_default();
            return Err(Failure::wrong(format!("`{}` {}{help}", shown(model), problem.message)));
        }
    };
    let summary = import::summary(&bytes, &extension).map_err(|problem| {
        let help = problem.help.as_ref().map(|help| format!("\n  help: {help}")).unwrap_or_default();
        Failure::wrong(format!("`{}` can't be imported: {problem}{help}", shown(model)))
    })?;
    let folder = arguments.output.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let relative = |path: &Option<PathBuf>| path.as_deref().map(|path| from(folder, path));
    let (samples, labels) = (relative(&arguments.samples), relative(&arguments.labels));
    let (samples, labels) = (samples.as_deref(), labels.as_deref());
    let text = if summary.is_float() && arguments.kernel.is_none() {
        let network = import::float_network(&bytes, None).map_err(|problem| {
            let help = problem.help.as_ref().map(|help| format!("\n  help: {help}")).unwrap_or_default();
            Failure::wrong(format!("`{}` can't be imported: {problem}{help}", shown(model)))
        })?;
        FirstFloatSpec { model: &from(folder, model), network: &network, samples, labels }.text()
    } else {
        let integers = summary.inputs.first().map_or("int8", |input| input.element.as_str());
        let raw = match &arguments.samples {
            Some(samples) => {
                let element = element_type(samples);
                element.map_err(|p| Failure::wrong(format!("`{}` {}", shown(samples), p.message)))? == integers
            }
            None => !matches!(integers, "float" | "float32"),
        };
        let kernel = kernel(arguments, &extension, &summary.kernels)?;
        FirstSpec { model: &from(folder, model), summary: &summary, kernel, samples, raw, labels }.text()
    };
    let Some(path) = &arguments.output else {
        text.lines().try_for_each(|line| output.line(line))?;
        return Ok(Exit::Fine);
    };
    if path.exists() {
        let message = format!("`{}` is there already, and is left as it is\n  help: choose another name", shown(path));
        return Err(Failure::wrong(message));
    }
    OutFile::create(path)?.write(text.as_bytes())?;
    output.line(format_args!("{} {}; next:", "wrote".green().bold(), shown(path)))?;
    let shown = quoted(path);
    for (command, what) in [("show", "what does the network hold?"), ("verify", "what holds of it?")] {
        output.line(format_args!("  qnn {command:<6} {shown}   {}", what.dimmed()))?;
    }
    Ok(Exit::Fine)
}

fn kernel(arguments: &Arguments, extension: &str, likely: &[Kernel]) -> Result<Kernel, Failure> {
    let known: Vec<Kernel> = Kernel::for_extension(extension).collect();
    let Some(name) = &arguments.kernel else {
        return likely.first().or(known.first()).copied().ok_or_else(|| Failure::wrong("there is no kernel for it"));
    };
    known.iter().copied().find(|kernel| kernel.name() == name).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|kernel| kernel.name()).collect();
        Failure::wrong(format!("no kernel `{name}` runs .{extension} files\n  help: {} do", names.join(", ")))
    })
}

/// A path as a spec in a folder names it.
fn from(folder: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(folder).ok().filter(|_| !folder.as_os_str().is_empty());
    let path = match relative {
        Some(relative) => relative.to_owned(),
        None if folder.as_os_str().is_empty() || path.is_absolute() => path.to_owned(),
        None => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
    };
    path.to_string_lossy().replace('\\', "/")
}
