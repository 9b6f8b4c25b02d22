//! A first spec for a model file: the import, a dataset, robustness, a measure, and comments that teach.

mod float;

pub use float::FirstFloatSpec;
use qnn_import::{Kernel, ModelSummary};
use qnn_syntax::builtins::is_builtin;
use qnn_syntax::lexer::is_keyword;
use std::fmt::Write;

/// What a first spec is written of.
#[derive(Clone, Debug)]
pub struct FirstSpec<'a> {
    /// The model's file, from the folder of the spec.
    pub model: &'a str,
    /// What it holds.
    pub summary: &'a ModelSummary,
    /// Whose arithmetic.
    pub kernel: Kernel,
    /// A file of inputs, from the folder of the spec, if there is one.
    pub samples: Option<&'a str>,
    /// Whether the file of inputs holds the model's own integers.
    pub raw: bool,
    /// A file of their classes.
    pub labels: Option<&'a str>,
}

impl FirstSpec<'_> {
    /// The spec's text. It has no errors, if the model and the files have none.
    pub fn text(&self) -> String {
        let name = identifier(self.model);
        let mut text = format!(
            "//! {} as the kernels `{}` compute it, bit for bit.\n//!\n//!     qnn show    what it holds: layers, formats, sums\n//!     qnn eval    runs it on the samples\n//!     qnn verify  says what holds for all inputs, and shows what breaks the rest\n\n",
            self.model,
            self.kernel.name()
        );
        let others: Vec<&str> =
            self.summary.kernels.iter().filter(|kernel| **kernel != self.kernel).map(|kernel| kernel.name()).collect();
        let _ = writeln!(text, "// {}", self.kernel.summary());
        if !others.is_empty() {
            let _ = writeln!(
                text,
                "// Other runtimes compute other integers of the same file; these are known too: {}.",
                others.join(", ")
            );
        }
        if leaves_floats(self.summary, self.kernel) {
            text.push_str(
                "// The file leaves its inputs as floats: `input` is the format that they come in. Put yours.\n",
            );
        }
        let _ = writeln!(text, "network {name} = {};\n", imported(self.model, self.summary, self.kernel));
        let classes = self.classes();
        self.dataset(&mut text, &name, classes);
        self.measures(&mut text, &name, classes);
        text
    }

    /// How many classes the output may be scores of: its elements, if they are few and more than one.
    fn classes(&self) -> Option<usize> {
        let [output] = self.summary.outputs.as_slice() else { return None };
        let elements =
            output.shape.iter().copied().try_fold(1usize, |product, size| product.checked_mul(size.unwrap_or(1)))?;
        (2..=1000).contains(&elements).then_some(elements)
    }

    fn single_input(&self) -> bool {
        self.summary.inputs.len() == 1
    }

    fn dataset(&self, text: &mut String, name: &str, classes: Option<usize>) {
        if !self.single_input() {
            return;
        }
        let raw = if self.raw { " raw" } else { "" };
        let classes = classes.map_or("…".to_owned(), |classes| classes.to_string());
        let field = format!("    x: {name}.input from {}{raw};\n", quoted(self.samples.unwrap_or("samples.npy")));
        let label = format!("    label: class<{classes}> from {};\n", quoted(self.labels.unwrap_or("labels.npy")));
        text.push_str("// Inputs to start from. `raw` says that the file holds the model's integers; without it, its numbers are values, which are quantized.\n");
        let robust = format!(
            "property robust(i in 0..len(samples), eps in [1, 2]) =\n    forall x in ball(samples[i].x, eps lsb):\n        argmax({name}(x)) == samples[i].label;\n"
        );
        let stable = format!(
            "property stable(i in 0..min(len(samples), 10), eps in [1, 2]) =\n    forall x in ball(samples[i].x, eps lsb):\n        argmax({name}(x)) == argmax({name}(samples[i].x));\n"
        );
        let why = "// Every input whose integers differ by at most `eps` from those of a sample, all at once, gets the same class. Each sample and\n// each `eps` has a verdict of its own.\n";
        match (self.samples, self.labels) {
            (None, _) => {
                let block = format!("dataset samples {{\n{field}{label}}}\n{why}{robust}");
                block.lines().for_each(|line| _ = writeln!(text, "// {}", line.trim_start_matches("// ")));
                text.push('\n');
            }
            (Some(_), None) => _ = writeln!(text, "dataset samples {{\n{field}}}\n\n{why}{stable}"),
            (Some(_), Some(_)) => _ = writeln!(text, "dataset samples {{\n{field}{label}}}\n\n{why}{robust}"),
        }
    }

    fn measures(&self, text: &mut String, name: &str, classes: Option<usize>) {
        if !self.single_input() || self.summary.outputs.len() != 1 {
            return;
        }
        if let Some(classes) = classes {
            let _ = writeln!(
                text,
                "// Is there an input of each class at all? A search is decided by what it finds, or by a proof that there is nothing to find.\n#[timeout(10s)]\nfind of_class(c in 0..{classes}) = x: {name}.input such that argmax({name}(x)) == c;\n"
            );
        }
        let _ = writeln!(
            text,
            "// The greatest output over all inputs there are: the best that is found, and a bound that is proved.\n#[timeout(10s)]\nmeasure greatest = maximize maximum({name}(x)) over x: {name}.input;"
        );
    }
}

/// Whether an import has to say the format of the inputs.
fn leaves_floats(summary: &ModelSummary, kernel: Kernel) -> bool {
    kernel == Kernel::Qonnx && summary.inputs.iter().any(|input| input.storage.is_none())
}

/// What stands behind `network name =`: `import "kws.tflite" { kernel = tflm }`.
pub(super) fn imported(model: &str, summary: &ModelSummary, kernel: Kernel) -> String {
    let input = if leaves_floats(summary, kernel) { ", input = ufixed<8, 8>" } else { "" };
    format!("import {} {{ kernel = {}{input} }}", quoted(model), kernel.name())
}

/// A text as a spec writes it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A name for the network of a file: `kws` of `models/kws_int8.tflite`.
fn identifier(file: &str) -> String {
    let stem = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let stem = stem.split('.').next().unwrap_or("");
    let mut name: String =
        stem.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    for ending in ["_int8", "_quant", "_quantized", "_qdq"] {
        if let Some(short) = name.strip_suffix(ending).filter(|short| !short.is_empty()) {
            name = short.to_owned();
        }
    }
    if name.is_empty()
        || name.starts_with(|c: char| c.is_ascii_digit())
        || is_keyword(&name)
        || is_builtin(&name)
        || name == "samples"
    {
        name.insert_str(0, "model_");
    }
    name
}
