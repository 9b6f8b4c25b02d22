//! What operators read: activations on their nodes, constants as integers, options.

use super::Lowering;
use crate::ImportError;
use crate::tflite::model::{Element, Operator, Tensor};
use qnn_ir::{Interval, NodeId, Op};

/// A tensor of activations, or a constant that is read as one.
#[derive(Clone, Debug)]
pub(super) struct Value {
    /// Centred integers.
    pub(super) node: NodeId,
    /// The batch axis included.
    pub(super) shape: Vec<usize>,
    pub(super) scale: f32,
    pub(super) zero: i64,
    pub(super) element: Element,
}

impl Value {
    /// The least and the greatest stored integer of its type.
    pub(super) fn limits(&self) -> (i64, i64) {
        limits(self.element)
    }

    /// Whether its type has a stored integer.
    pub(super) fn contains(&self, stored: i64) -> bool {
        let (lo, hi) = self.limits();
        (lo..=hi).contains(&stored)
    }

    /// The same of its centred integers.
    pub(super) fn centred(&self) -> Interval {
        let (lo, hi) = self.limits();
        Interval::new(i128::from(lo - self.zero), i128::from(hi - self.zero))
    }

    /// Whether the stored integers of two tensors mean the same.
    pub(super) fn is_stored_like(&self, other: &Value) -> bool {
        self.scale == other.scale && self.zero == other.zero && self.element == other.element
    }
}

/// The least and the greatest stored integer of a type.
pub(super) fn limits(element: Element) -> (i64, i64) {
    match element {
        Element::Uint8 => (0, 255),
        Element::Int16 => (-(1 << 15), (1 << 15) - 1),
        _ => (-128, 127),
    }
}

impl<'m> Lowering<'m> {
    /// The tensor that is an operator's input `at`.
    pub(super) fn input_index(&self, operator: &Operator<'m>, at: usize) -> Result<usize, ImportError> {
        let index = operator.inputs.get(at).copied().flatten();
        index.ok_or_else(|| ImportError::new(format!("its input {at} is missing")))
    }

    /// The tensor that is its only output.
    pub(super) fn output_index(&self, operator: &Operator<'m>) -> Result<usize, ImportError> {
        match operator.outputs[..] {
            [output] => Ok(output),
            _ => Err(ImportError::new(format!("it has {} outputs, not one", operator.outputs.len()))),
        }
    }

    /// How an operator's output is stored, on a node that is not there yet.
    pub(super) fn output(&self, operator: &Operator<'m>) -> Result<Value, ImportError> {
        self.value_of(self.output_index(operator)?, NodeId(0))
    }

    /// A tensor on a node.
    pub(super) fn value_of(&self, tensor: usize, node: NodeId) -> Result<Value, ImportError> {
        let tensor = &self.model.tensors[tensor];
        if !matches!(tensor.element, Element::Int8 | Element::Uint8 | Element::Int16) {
            let (name, element) = (&tensor.name, tensor.element.name());
            return Err(ImportError::new(format!(
                "tensor {name:?} is {element}, where int8, int16 and uint8 are supported"
            )));
        }
        if tensor.is_variable {
            return Err(ImportError::new(format!("tensor {:?} keeps a state between two runs", &*tensor.name)));
        }
        if tensor.elements() == 0 {
            return Err(ImportError::new(format!("tensor {:?} is empty", &*tensor.name)));
        }
        self.check_activation(tensor)?;
        let (scale, zero) = tensor.quantized()?;
        let (lo, hi) = limits(tensor.element);
        if !(lo..=hi).contains(&zero) {
            return Err(ImportError::new(format!(
                "tensor {:?} has a zero point that is no {}",
                &*tensor.name,
                tensor.element.name()
            )));
        }
        if tensor.element == Element::Int16 && zero != 0 {
            let name = &tensor.name;
            return Err(ImportError::new(format!(
                "tensor {name:?} is int16 with a zero point that is not 0, which the kernels refuse"
            )));
        }
        Ok(Value { node, shape: tensor.shape.clone(), scale, zero, element: tensor.element })
    }

    /// An input of an operator: a tensor that was computed, or a constant.
    pub(super) fn input(&mut self, operator: &Operator<'m>, at: usize) -> Result<Value, ImportError> {
        let index = self.input_index(operator, at)?;
        if let Some(value) = self.values.get(&index) {
            return Ok(value.clone());
        }
        let tensor = &self.model.tensors[index];
        if self.left_out.contains_key(&index) {
            let name = &tensor.name;
            return Err(ImportError::new(format!("it reads {name:?}, which is left out of the network")));
        }
        if tensor.data.is_none() {
            return Err(ImportError::new(format!("it reads tensor {:?} before it is computed", &*tensor.name)));
        }
        let mut value = self.value_of(index, NodeId(0))?;
        let integers = self.integers(index)?;
        self.builder.grow(integers.len())?;
        let centred = integers.iter().map(|v| i128::from(v - value.zero)).collect();
        value.node = self.builder.push(&tensor.name, Op::Constant(centred))?;
        self.values.insert(index, value.clone());
        Ok(value)
    }

    /// An input of activations, of a type that the kernel has for the operator.
    pub(super) fn activation(&mut self, operator: &Operator<'m>, at: usize) -> Result<Value, ImportError> {
        let value = self.input(operator, at)?;
        self.check_element(operator, value.element)?;
        Ok(value)
    }

    /// An output of the same type as the activations that the operator reads.
    pub(super) fn activation_output(&self, operator: &Operator<'m>) -> Result<Value, ImportError> {
        let output = self.output(operator)?;
        self.check_element(operator, output.element)?;
        let read = operator.inputs.iter().flatten().filter_map(|input| self.values.get(input));
        for input in read {
            if input.element != output.element {
                let (from, to) = (input.element.name(), output.element.name());
                return Err(ImportError::new(format!("it reads {from} and writes {to}, which the kernels refuse")));
            }
        }
        Ok(output)
    }

    /// Checks that the kernel has an operator for a type of activations.
    pub(super) fn check_element(&self, operator: &Operator<'m>, element: Element) -> Result<(), ImportError> {
        let is_micro = self.kernel.is_micro();
        let lacks = match element {
            Element::Uint8 if is_micro => true,
            Element::Uint8 => operator.name() == "ELU",
            Element::Int16 => match operator.name() {
                "HARD_SWISH" | "ELU" | "RELU_N1_TO_1" => true,
                "PRELU" | "GATHER" => is_micro,
                _ => false,
            },
            _ => false,
        };
        if !lacks {
            if (operator.name(), element) == ("PRELU", Element::Int16) {
                return Err(ImportError::new("LiteRT takes int16 for other numbers than those that its scales say"));
            }
            return Ok(());
        }
        let runtime = if is_micro { "TensorFlow Lite Micro" } else { "LiteRT" };
        Err(ImportError::new(format!("{runtime} does not have the operator for {}", element.name())))
    }

    /// The tensor of a constant input.
    pub(super) fn constant(&self, operator: &Operator<'m>, at: usize) -> Result<(usize, &'m Tensor<'m>), ImportError> {
        let index = self.input_index(operator, at)?;
        let tensor = &self.model.tensors[index];
        if tensor.data.is_none() && tensor.elements() > 0 {
            let name = &tensor.name;
            return Err(ImportError::new(format!("its input {at}, tensor {name:?}, is no constant")));
        }
        Ok((index, tensor))
    }

    /// The integers of a constant input: an axis, a shape, indices.
    pub(super) fn integer_input(&self, operator: &Operator<'m>, at: usize) -> Result<Vec<i64>, ImportError> {
        let (index, _) = self.constant(operator, at)?;
        self.integers(index)
    }

    /// The stored integers of a constant.
    pub(super) fn integers(&self, tensor: usize) -> Result<Vec<i64>, ImportError> {
        let tensor = &self.model.tensors[tensor];
        if tensor.is_sparse {
            let name = &tensor.name;
            return Err(ImportError::new(format!("the data of tensor {name:?} are stored in a sparse format")));
        }
        let data = tensor.data.unwrap_or_default();
        Ok(match tensor.element {
            Element::Int8 => data.iter().map(|b| i64::from(*b as i8)).collect(),
            // Two to a byte, the first in the lower half.
            Element::Int4 => {
                let both = data.iter().flat_map(|b| [i64::from((b << 4) as i8 >> 4), i64::from(*b as i8 >> 4)]);
                both.take(tensor.elements()).collect()
            }
            Element::Uint8 => data.iter().map(|b| i64::from(*b)).collect(),
            Element::Int16 => data.as_chunks().0.iter().map(|b| i64::from(i16::from_le_bytes(*b))).collect(),
            Element::Int32 => data.as_chunks().0.iter().map(|b| i64::from(i32::from_le_bytes(*b))).collect(),
            Element::Int64 => data.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b)).collect(),
            other => {
                let name = &tensor.name;
                return Err(ImportError::new(format!(
                    "tensor {name:?} is {}, no integers of whole bytes",
                    other.name()
                )));
            }
        })
    }

    /// Checks that an operator's output has the shape that its inputs give it.
    pub(super) fn check_shape(&self, output: &Value, expected: &[usize]) -> Result<(), ImportError> {
        if output.shape == expected {
            return Ok(());
        }
        Err(ImportError::new(format!("its output has the shape {:?} where its inputs give {expected:?}", output.shape)))
    }
}
