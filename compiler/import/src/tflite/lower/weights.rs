//! The weights and biases of a layer, checked: which types the kernels have beside which activations, and how many scales.
//!
//! In: an operator. Out: integers. Invariant: a kernel that would read the file's bytes as another type, or leave the layer to another kernel, refuses them.

use super::Lowering;
use super::value::limits;
use crate::tflite::model::{Element, Operator, Tensor};
use crate::{ImportError, Kernel};

/// The weights of a layer, as integers minus their zero point, and its biases.
pub(super) struct Weights<'m> {
    pub(super) values: Vec<i64>,
    pub(super) shape: &'m [usize],
    pub(super) scale: &'m [f32],
    pub(super) bias: Vec<i64>,
    /// Whether the kernel adds in 64 bits.
    pub(super) is_wide: bool,
    /// The tensors that these come from.
    pub(super) tensors: Vec<usize>,
}

impl<'m> Lowering<'m> {
    /// Weights at an operator's input `at`, biases at `bias_at`. Scales are one, or one for each index of `axis`.
    pub(super) fn weights(
        &self,
        operator: &Operator<'m>,
        at: usize,
        bias_at: usize,
        (axis, activations): (usize, Element),
    ) -> Result<Weights<'m>, ImportError> {
        let (index, tensor) = self.constant(operator, at)?;
        let quantization = &tensor.quantization;
        let error = |what: String| Err(ImportError::new(format!("its weights {what}")));
        match (activations, tensor.element) {
            (Element::Int8 | Element::Int16, Element::Int8) | (Element::Uint8, Element::Uint8) => {}
            (Element::Int8, Element::Int4) if operator.name() != "TRANSPOSE_CONV" => {}
            (_, element) => {
                return error(format!(
                    "are {}, which the kernels don't have for activations of {}",
                    element.name(),
                    activations.name()
                ));
            }
        }
        if tensor.shape.len() <= axis || tensor.elements() == 0 {
            return error(format!("have the shape {:?}", tensor.shape));
        }
        let channels = tensor.shape[axis];
        let scale: &[f32] = &quantization.scale;
        if scale.len() != 1 && scale.len() != channels {
            return error(format!("have {} scales for {channels} channels", scale.len()));
        }
        if scale.len() > 1 && usize::try_from(quantization.dimension) != Ok(axis) {
            return error(format!("have scales along axis {}, not {axis}", quantization.dimension));
        }
        self.check_weights(tensor, axis)?;
        if scale.iter().any(|s| !(s.is_normal() && *s > 0.0)) {
            return error("have a scale that is no positive number of full precision".to_string());
        }
        if tensor.element == Element::Int4
            && scale.len() > 1
            && operator.name() == "FULLY_CONNECTED"
            && self.kernel.is_micro()
        {
            return error("are int4 with several scales, which TensorFlow Lite Micro does not have here".to_string());
        }
        let zero = match quantization.zero.iter().find(|zero| **zero != 0) {
            Some(zero) if tensor.element == Element::Uint8 => *zero,
            // The fully connected layers of TensorFlow Lite honour a zero point; XNNPACK does not take such a layer.
            Some(zero)
                if operator.name() == "FULLY_CONNECTED"
                    && self.kernel != Kernel::Xnnpack
                    && scale.len() == 1
                    && tensor.element == Element::Int8 =>
            {
                *zero
            }
            Some(_) => return error("have a zero point that is not 0".to_string()),
            None => 0,
        };
        let (least, greatest) = limits(tensor.element);
        if !(least..=greatest).contains(&zero) {
            return error(format!("have a zero point that is no {}", tensor.element.name()));
        }
        if tensor.element == Element::Uint8 && scale.len() != 1 {
            return error("are uint8 with several scales, which the kernels don't have".to_string());
        }
        let values = self.integers(index)?.into_iter().map(|w| w - zero).collect();
        let mut tensors = vec![index];
        let mut is_wide = activations == Element::Int16;
        let bias = match operator.inputs.get(bias_at).copied().flatten() {
            None if at == 1 && bias_at == 2 && operator.name() != "FULLY_CONNECTED" && !self.kernel.is_micro() => {
                return Err(ImportError::new("it has no biases, and LiteRT refuses that"));
            }
            None if is_wide && operator.name() == "CONV_2D" => {
                return Err(ImportError::new(
                    "it has no biases: versions of TensorFlow Lite Micro differ in how they scale its sums",
                )
                .help("add biases of 0 as int64"));
            }
            None => vec![0; channels],
            Some(index) => {
                let (_, bias) = self.constant(operator, bias_at)?;
                is_wide &= bias.element == Element::Int64;
                self.check_bias_element(operator, activations, bias)?;
                if bias.elements() != channels {
                    let shape = &bias.shape;
                    return Err(ImportError::new(format!("its biases have the shape {shape:?}, not {channels}")));
                }
                self.check_biases(bias, channels)?;
                tensors.push(index);
                self.integers(index)?
            }
        };
        Ok(Weights { values, shape: &tensor.shape, scale, bias, is_wide, tensors })
    }

    /// Checks that biases have a type that the kernel reads: int32, and int64 beside activations of int16.
    fn check_bias_element(
        &self,
        operator: &Operator<'m>,
        activations: Element,
        bias: &Tensor<'m>,
    ) -> Result<(), ImportError> {
        let is_read = match (activations, bias.element) {
            (Element::Int16, Element::Int64) => true,
            // The others read 64 bits, whatever the type is.
            (Element::Int16, Element::Int32) => operator.name() == "CONV_2D" && self.kernel.is_micro(),
            (_, element) => element == Element::Int32,
        };
        if is_read {
            return Ok(());
        }
        let (of, element) = (bias.element.name(), activations.name());
        Err(ImportError::new(format!(
            "its biases are {of}, which the kernel does not have for activations of {element}"
        )))
    }
}
