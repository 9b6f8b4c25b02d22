//! What an import yields: a graph over centred integers, and the file's tensors on its nodes.

use qnn_ir::{Graph, Interval, NodeId, Rational};
use std::sync::Arc;

/// How a tensor's integers are stored: value = (stored − zero) · scale.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Storage {
    /// Bits of an integer, 1 to 63.
    pub width: u32,
    /// Two's complement, or unsigned.
    pub signed: bool,
    /// The value of one step; positive.
    pub scale: Rational,
    /// The integer that stands for 0.
    pub zero: i64,
    /// The least integer is not used: −127 … 127.
    pub symmetric: bool,
}

/// A tensor of the file on its node. The node's integers are centred (stored − zero), in row-major order of the file's axes.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedTensor {
    /// As the file has it.
    pub name: Arc<str>,
    /// Its node.
    pub node: NodeId,
    /// The file's axes in the file's order, without a leading batch axis of 1.
    pub shape: Vec<usize>,
    /// How it is stored; `None` for an exact accumulator.
    pub storage: Option<Storage>,
    /// The value of one step of the node's integers: one for all elements, or one for each.
    pub scale: Vec<Rational>,
}

/// An operator of the file as reports show it.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedLayer {
    /// The operator's name in the file's vocabulary: `CONV_2D`, `QLinearConv`.
    pub operation: String,
    /// Its output.
    pub tensor: ImportedTensor,
    /// How many weights and biases it has.
    pub parameters: usize,
    /// The bits that these take in the file.
    pub parameter_bits: usize,
    /// The sums before they are scaled: their least and greatest value over all inputs.
    pub accumulator: Option<Interval>,
}

/// A network of a file, by the arithmetic of a kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedNetwork {
    /// The computation; the inputs are its first nodes, in the file's order.
    pub graph: Arc<Graph>,
    /// The range of every element of every node over all inputs.
    pub ranges: Arc<Vec<Vec<Interval>>>,
    /// The inputs.
    pub inputs: Vec<ImportedTensor>,
    /// The outputs: several where the file has several.
    pub outputs: Vec<ImportedTensor>,
    /// The operators in order of computation. Each tensor that can be asked for as an output is one's.
    pub layers: Vec<ImportedLayer>,
    /// What a user should know of it, a sentence each: `a softmax at the end is left out: …`.
    pub notes: Vec<String>,
}

/// A tensor of a file as its header describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// As the file has it.
    pub name: Arc<str>,
    /// Its element type in the file's vocabulary: `int8`, `float32`.
    pub element: String,
    /// The axes in the file, the batch axis included; `None` where the file leaves a size open.
    pub shape: Vec<Option<usize>>,
    /// How it is stored, where the file says so.
    pub storage: Option<Storage>,
}

/// What a file holds, whatever kernel runs it: for hovers, and for a first spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelSummary {
    /// The inputs.
    pub inputs: Vec<Described>,
    /// The outputs.
    pub outputs: Vec<Described>,
    /// (operator, how many times), in the order of their first use.
    pub operators: Vec<(String, usize)>,
    /// The kernels that suit the file's contents, the likeliest first.
    pub kernels: Vec<crate::Kernel>,
}

impl ModelSummary {
    /// Whether it is an ONNX file whose numbers are floats of 32 bits throughout: no operator quantizes, and none is of integers.
    pub fn is_float(&self) -> bool {
        let quantizes = |operator: &str| {
            operator.contains("Quant")
                || operator.starts_with("QLinear")
                || matches!(operator, "QGemm" | "Trunc" | "MultiThreshold" | "ConvInteger" | "MatMulInteger")
        };
        self.kernels.iter().all(|kernel| kernel.extension() == "onnx")
            && !self.inputs.is_empty()
            && self.inputs.iter().all(|input| matches!(input.element.as_str(), "float" | "float32"))
            && !self.operators.iter().any(|(operator, _)| quantizes(operator))
    }
}
