//! A counterexample layer by layer.

use super::counterexample::Integer;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use qnn::check::network::Port;
use qnn::ide::trace::{CallTrace, Crossings, LayerTrace};
use serde::{Deserialize, Serialize};
use tower_lsp::lsp_types::Url;

/// The request for a counterexample layer by layer.
pub const TRACE: &str = "qnn/trace";

/// The most numbers of a layer that are told one by one.
const MOST_NUMBERS: usize = 1024;

/// The parameters of `qnn/trace`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TraceArguments {
    /// An open spec.
    #[cfg_attr(test, schemars(with = "String"))]
    pub uri: Url,
    /// The instance whose counterexample it is.
    pub instance: String,
}

/// The result of `qnn/trace`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    /// The instance.
    pub instance: String,
    /// Why there are no layers, in a sentence.
    pub problem: Option<String>,
    /// The networks that the property applies to its variables.
    pub calls: Vec<CallTraceView>,
}

/// The layers of a network for a counterexample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CallTraceView {
    /// As the spec writes it: `digits<6>(x)`.
    pub text: String,
    /// The network: `qnn/network` tells of it, with its layers at the same indices.
    pub network: String,
    /// Its inputs, then its layers in the order of computation.
    pub layers: Vec<LayerTraceView>,
}

/// A layer for a counterexample: both sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LayerTraceView {
    /// Its name; empty where it has none.
    pub name: String,
    /// What it computes; `input` for an input.
    pub operation: String,
    /// The sizes of its axes.
    pub shape: Vec<usize>,
    /// Its format; `None` for exact numbers.
    pub format: Option<String>,
    /// How many elements it has.
    pub elements: usize,
    /// How many of them differ between the two sides.
    pub differ: usize,
    /// The greatest difference of an element by its magnitude, attacked minus original, in integers.
    pub greatest: Integer,
    /// The neurons that change side, where the layer rounds and there is an original.
    pub crossings: Option<CrossingsView>,
    /// The integers for the counterexample, row-major, as the format stores them; `None` where they are many.
    pub attacked: Option<Vec<Integer>>,
    /// The same for the original.
    pub original: Option<Vec<Integer>>,
    /// Where it is an image: original, attacked and difference beside each other, for an image with several channels each of the first few.
    pub pictures: Vec<LayerPicture>,
}

/// The neurons that reach an end of what their layer puts out on one side only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CrossingsView {
    /// Those that fall to the least integer: a ReLU that goes out.
    pub off: usize,
    /// Those that leave the least integer: a ReLU that comes on.
    pub on: usize,
    /// Those that rise to the greatest integer: they saturate.
    pub saturate: usize,
    /// Those that leave the greatest integer.
    pub leave: usize,
}

/// A picture of a layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LayerPicture {
    /// What it shows.
    pub caption: String,
    /// A PNG in base64.
    pub png: String,
}

impl From<Crossings> for CrossingsView {
    fn from(crossings: Crossings) -> CrossingsView {
        let Crossings { off, on, saturate, leave } = crossings;
        CrossingsView { off, on, saturate, leave }
    }
}

impl From<CallTrace> for CallTraceView {
    fn from(call: CallTrace) -> CallTraceView {
        let network = &call.network;
        let inputs = network.inputs.iter().map(|port| (port, "input"));
        let ports = inputs.chain(network.layers.iter().map(|layer| (&layer.port, layer.operation.as_str())));
        let layers = ports.zip(call.layers).map(|((port, operation), layer)| view(port, operation, layer)).collect();
        CallTraceView { text: call.text, network: network.name.to_string(), layers }
    }
}

fn view(port: &Port, operation: &str, layer: LayerTrace) -> LayerTraceView {
    let few = layer.attacked.len() <= MOST_NUMBERS;
    let told = |raw: Vec<i128>| raw.into_iter().map(Integer).collect();
    LayerTraceView {
        name: if port.name.starts_with('#') { String::new() } else { port.short_name().to_owned() },
        operation: operation.to_owned(),
        shape: port.shape.iter().map(|axis| axis.size).collect(),
        format: port.format.as_ref().map(ToString::to_string),
        elements: layer.attacked.len(),
        differ: layer.differ,
        greatest: Integer(layer.greatest),
        crossings: layer.crossings.map(Into::into),
        attacked: few.then(|| told(layer.attacked)),
        original: layer.original.filter(|_| few).map(told),
        pictures: layer
            .pictures
            .into_iter()
            .map(|picture| LayerPicture { png: STANDARD.encode(picture.png()), caption: picture.description })
            .collect(),
    }
}
