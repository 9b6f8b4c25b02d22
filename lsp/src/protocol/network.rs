//! A network as a view of its layers shows it.

use super::counterexample::Integer;
use super::files::{FileProblem, KernelChoice};
use qnn::check::network::table::{Neurons, Reach};
use qnn::ir::Interval;
use serde::{Deserialize, Serialize};
use tower_lsp::lsp_types::{Range, Url};

/// The request for a network.
pub const NETWORK: &str = "qnn/network";

/// The parameters of `qnn/network`, and the argument of `qnn.showNetwork`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct NetworkArguments {
    /// An open spec, or a model file.
    #[cfg_attr(test, schemars(with = "String"))]
    pub uri: Url,
    /// Of a spec: the network, with or without its integers; the first one, if it is left out.
    #[serde(default)]
    pub network: Option<String>,
    /// Of a spec: the instance of a property over whose inputs ranges are told as well.
    #[serde(default)]
    pub instance: Option<String>,
    /// Of a model file: whose arithmetic; the likeliest, if it is left out.
    #[serde(default)]
    pub kernel: Option<String>,
}

/// The result of `qnn/network`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct NetworkView {
    /// The spec, or the model file.
    #[cfg_attr(test, schemars(with = "String"))]
    pub uri: Url,
    /// As the spec calls it: `digits<6>`; of a model file, its name.
    pub name: String,
    /// Why there is no network.
    pub problem: Option<FileProblem>,
    /// The networks of the spec that can be asked for.
    pub networks: Vec<String>,
    /// The instances of properties that name it, over whose inputs ranges can be asked for.
    pub instances: Vec<String>,
    /// That whose inputs `within` is of.
    pub instance: Option<String>,
    /// Its inputs and its output: `(image: ufixed<8, 3>[8, 8]) -> fixed<6, 3>[10]`.
    pub signature: String,
    /// Whose arithmetic it is, if it is a model file's.
    pub kernel: Option<KernelChoice>,
    /// What a user should know of it, a sentence each.
    pub notes: Vec<String>,
    /// The files that it reads.
    pub files: Vec<String>,
    /// Weights and biases.
    pub parameters: usize,
    /// Of these, how many saturated when they were quantized.
    pub saturated: usize,
    /// The bits that the parameters take.
    pub parameter_bits: usize,
    /// The bits of the two neighbouring tensors that take most.
    pub activation_bits: usize,
    /// Its inputs and layers in the order of computation: the nodes of a graph.
    pub layers: Vec<LayerView>,
    /// Where it stands in the text.
    pub place: Option<PlaceInText>,
}

/// A place in a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PlaceInText {
    /// The spec.
    #[cfg_attr(test, schemars(with = "String"))]
    pub uri: Url,
    /// Where in it.
    #[cfg_attr(test, schemars(with = "super::range::Range"))]
    pub range: Range,
}

/// What a node of the view is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum LayerRole {
    /// An input of the network.
    Input,
    /// A layer whose result stays within.
    Hidden,
    /// A layer whose result is an output.
    Output,
}

/// A node of a network: an input or a layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LayerView {
    /// Its name; empty where neither the spec nor the file has one.
    pub name: String,
    /// What it is.
    pub role: LayerRole,
    /// What it computes; `input` for an input.
    pub operation: String,
    /// The nodes that it reads, by their index here.
    pub reads: Vec<usize>,
    /// The sizes of its axes.
    pub shape: Vec<usize>,
    /// Its format; `None` for exact numbers.
    pub format: Option<String>,
    /// The bits of its format, or of an accumulator that holds all of its values.
    pub bits: u32,
    /// The bits of the sums that the runtime keeps, where that is known.
    pub accumulator_available: Option<u32>,
    /// Weights and biases.
    pub parameters: usize,
    /// Of these, how many saturated when they were quantized.
    pub saturated: usize,
    /// The bits that its parameters take.
    pub parameter_bits: usize,
    /// What it holds over all inputs that the network's formats hold.
    pub over_formats: ReachView,
    /// What it holds over the inputs that the instance speaks of.
    pub within: Option<ReachView>,
    /// Where it stands in the text.
    pub place: Option<PlaceInText>,
}

/// What a layer holds over some inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReachView {
    /// The least integer of all elements, as the format stores it.
    pub least: Integer,
    /// The greatest one.
    pub greatest: Integer,
    /// The sums before they are scaled and rounded, where the layer does that.
    pub accumulator: Option<SumsView>,
    /// What its neurons can reach, where it rounds.
    pub neurons: Option<NeuronsView>,
}

/// The sums of a layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SumsView {
    /// The least one.
    pub least: Integer,
    /// The greatest one.
    pub greatest: Integer,
    /// The bits that hold them all.
    pub bits: u32,
}

/// What the neurons of a layer that rounds can put out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct NeuronsView {
    /// How many there are.
    pub all: usize,
    /// Those that put out the same for all of the inputs.
    pub fixed: usize,
    /// Those that never reach an end of what the layer puts out, or never leave it.
    pub stable: usize,
    /// Those that can reach the least integer and leave it: a ReLU's zero, or saturation.
    pub at_least: usize,
    /// Those that can reach the greatest integer and leave it: saturation.
    pub at_greatest: usize,
}

impl From<Neurons> for NeuronsView {
    fn from(neurons: Neurons) -> NeuronsView {
        let Neurons { all, fixed, at_least, at_greatest, unstable } = neurons;
        NeuronsView { all, fixed, stable: all - unstable, at_least, at_greatest }
    }
}

impl From<Reach> for ReachView {
    fn from(reach: Reach) -> ReachView {
        let sums = |range: Interval| SumsView {
            least: Integer(range.lo),
            greatest: Integer(range.hi),
            bits: range.signed_width(),
        };
        ReachView {
            least: Integer(reach.stored.lo),
            greatest: Integer(reach.stored.hi),
            accumulator: reach.accumulator.map(sums),
            neurons: reach.neurons.map(Into::into),
        }
    }
}

impl NetworkView {
    /// A view that says why there is nothing to see.
    pub fn nothing(uri: Url, name: String, problem: FileProblem) -> NetworkView {
        NetworkView {
            uri,
            name,
            problem: Some(problem),
            networks: Vec::new(),
            instances: Vec::new(),
            instance: None,
            signature: String::new(),
            kernel: None,
            notes: Vec::new(),
            files: Vec::new(),
            parameters: 0,
            saturated: 0,
            parameter_bits: 0,
            activation_bits: 0,
            layers: Vec::new(),
            place: None,
        }
    }

    /// As a table, for clients that have no view of their own.
    pub fn text(&self) -> String {
        use std::fmt::Write;
        let mut text = format!("{}{}\n", self.name, self.signature);
        if let Some(problem) = &self.problem {
            let _ = writeln!(text, "{}", problem.message);
            problem.help.iter().for_each(|help| _ = writeln!(text, "help: {help}"));
        }
        for (index, layer) in self.layers.iter().enumerate() {
            let reads: Vec<String> = layer.reads.iter().map(usize::to_string).collect();
            let shape: Vec<String> = layer.shape.iter().map(usize::to_string).collect();
            let _ = write!(text, "{index:>4}  {} {}", layer.operation, layer.name);
            let _ = write!(text, "  [{}] {}", shape.join(", "), layer.format.as_deref().unwrap_or("exact"));
            let told = layer.within.as_ref().unwrap_or(&layer.over_formats);
            let _ = write!(text, "  {} to {}", told.least.0, told.greatest.0);
            if let Some(sums) = &told.accumulator {
                let _ = write!(text, "  sums of {} bits", sums.bits);
            }
            if let Some(neurons) = &told.neurons {
                let _ = write!(text, "  {} of {} neurons stable", neurons.stable, neurons.all);
            }
            let _ = writeln!(
                text,
                "{}",
                if reads.is_empty() { String::new() } else { format!("  of {}", reads.join(", ")) }
            );
        }
        text
    }
}
