//! Lowering: from a checked model to a graph of centred integers, by a kernel's arithmetic.
//!
//! In: a model and a kernel. Out: the network. `network` has what is computed and the way there, `value` what operators read; one file a family of operators, each
//! operator a method of [`Lowering`]. Invariant: a tensor's node holds stored − zero for exactly the stored integers that the kernel computes; an
//! operator for which that is not known is refused.

mod arithmetic;
mod ends;
mod functions;
mod layout;
mod litert;
mod network;
mod pooling;
mod sums;
mod value;
mod weights;

pub(crate) use network::import;

use super::model::{Model, Operator, Tensor};
use crate::builder::Builder;
use crate::{ImportError, ImportedLayer, ImportedTensor, Kernel};
use qnn_ir::NodeId;
use std::collections::HashMap;
use value::Value;

/// The most products of a layer.
const MAX_LAYER_PRODUCTS: usize = 1 << 26;

/// The most products of all layers.
const MAX_PRODUCTS: usize = 1 << 27;

/// The most thresholds of all steps from sums to stored integers, 16 bytes each.
const MAX_THRESHOLDS: usize = 1 << 24;

/// A network under construction.
struct Lowering<'m> {
    model: &'m Model<'m>,
    kernel: Kernel,
    builder: Builder,
    /// The tensors that were computed.
    values: HashMap<usize, Value>,
    /// Tensors that only a softmax or an argmax at the end yields, and the tensor that stands for them.
    left_out: HashMap<usize, usize>,
    layers: Vec<ImportedLayer>,
    notes: Vec<String>,
    products: usize,
    thresholds: usize,
}

/// What an operator's lowering yields.
struct Computed {
    /// For each of its outputs the node.
    nodes: Vec<NodeId>,
    /// The sums before they are scaled.
    sums: Option<NodeId>,
    /// Weights and biases.
    parameters: Vec<usize>,
}

impl From<NodeId> for Computed {
    fn from(node: NodeId) -> Computed {
        Computed { nodes: vec![node], sums: None, parameters: Vec::new() }
    }
}

impl<'m> Lowering<'m> {
    fn new(model: &'m Model<'m>, kernel: Kernel) -> Lowering<'m> {
        Lowering {
            model,
            kernel,
            builder: Builder::default(),
            values: HashMap::new(),
            left_out: HashMap::new(),
            layers: Vec::new(),
            notes: Vec::new(),
            products: 0,
            thresholds: 0,
        }
    }

    /// Lowers an operator; its outputs can be read from then on.
    fn operator(&mut self, operator: &Operator<'m>) -> Result<(), ImportError> {
        if self.is_left_out(operator)? {
            return Ok(());
        }
        for output in &operator.outputs {
            let tensor = &self.model.tensors[*output];
            if self.values.contains_key(output) || self.left_out.contains_key(output) || tensor.data.is_some() {
                return Err(ImportError::new(format!("tensor {:?} has a value before it is computed", &*tensor.name)));
            }
        }
        let computed = self.compute(operator)?;
        for (output, node) in operator.outputs.iter().zip(&computed.nodes) {
            let value = self.value_of(*output, *node)?;
            let tensor = self.imported(*output, &value);
            self.values.insert(*output, value);
            let parameters = || computed.parameters.iter().map(|t| &self.model.tensors[*t]);
            self.layers.push(ImportedLayer {
                operation: operator.name().to_string(),
                tensor,
                parameters: parameters().map(Tensor::elements).sum(),
                parameter_bits: parameters().map(|t| 8 * t.data.map_or(0, <[u8]>::len)).sum(),
                accumulator: computed.sums.map(|node| self.builder.range(node)),
            });
        }
        Ok(())
    }

    /// The nodes of an operator's outputs.
    fn compute(&mut self, operator: &Operator<'m>) -> Result<Computed, ImportError> {
        match operator.name() {
            "CONV_2D" => self.convolution(operator),
            "DEPTHWISE_CONV_2D" => self.depthwise_convolution(operator),
            "FULLY_CONNECTED" => self.fully_connected(operator),
            "TRANSPOSE_CONV" => self.transposed_convolution(operator),
            "ADD" | "SUB" => self.sum_of_two(operator),
            "MUL" => self.product(operator),
            "MAXIMUM" | "MINIMUM" => self.extremum(operator),
            "AVERAGE_POOL_2D" => self.average_pool(operator),
            "MAX_POOL_2D" => self.max_pool(operator),
            "MEAN" | "SUM" => self.reduction(operator),
            "RESHAPE" | "SQUEEZE" | "EXPAND_DIMS" => self.reshaped(operator),
            "PAD" | "PADV2" => self.padded(operator),
            "CONCATENATION" => self.concatenated(operator),
            "PACK" => self.packed(operator),
            "SPLIT" | "UNPACK" => self.split(operator),
            "SLICE" => self.slice(operator),
            "STRIDED_SLICE" => self.strided_slice(operator),
            "TRANSPOSE" => self.transposed(operator),
            "GATHER" => self.gathered(operator),
            "QUANTIZE" => self.quantize(operator),
            "RELU" | "RELU6" | "RELU_N1_TO_1" => self.relu(operator),
            "LEAKY_RELU" => self.leaky_relu(operator),
            "PRELU" => self.prelu(operator),
            "LOGISTIC" | "TANH" | "ELU" => self.smooth(operator),
            "HARD_SWISH" => self.hard_swish(operator),
            _ => Err(ImportError::new("the operator is not supported")),
        }
    }

    /// A tensor as the network's users see it.
    fn imported(&self, tensor: usize, value: &Value) -> ImportedTensor {
        let described = &self.model.tensors[tensor];
        let storage = described.storage();
        ImportedTensor {
            name: described.name.clone(),
            node: value.node,
            shape: without_batch(&value.shape),
            scale: storage.iter().map(|s| s.scale.clone()).collect(),
            storage,
        }
    }

    /// Counts the products of another layer. To be asked before they are allocated.
    fn count_products(&mut self, products: Option<usize>) -> Result<(), ImportError> {
        let products = products.filter(|p| *p <= MAX_LAYER_PRODUCTS);
        let products = products.ok_or_else(|| {
            ImportError::new(format!("the layer is too large: more than {MAX_LAYER_PRODUCTS} products"))
        })?;
        self.products = self.products.saturating_add(products);
        if self.products > MAX_PRODUCTS {
            return Err(ImportError::new(format!("the network is too large: more than {MAX_PRODUCTS} products")));
        }
        Ok(())
    }
}

/// A shape without a leading batch axis of 1.
fn without_batch(shape: &[usize]) -> Vec<usize> {
    match shape {
        [1, rest @ ..] => rest.to_vec(),
        all => all.to_vec(),
    }
}
