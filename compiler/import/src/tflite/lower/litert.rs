//! What LiteRT looks at before it runs a file, and what XNNPACK takes: where another kernel would run, an import with these kernels is refused.
//!
//! From the loader of LiteRT (`ParseQuantization`) and the conditions of its delegate (`xnnpack_delegate.cc`: `CheckTensorFloat32OrQUInt8Type`,
//! `CheckTensorFloat32OrQCInt8Type`, `CheckTensorFloat32OrFloat16OrQCInt32Type`).

use super::Lowering;
use crate::tflite::model::{Element, Tensor};
use crate::{ImportError, Kernel};

/// The most axes that XNNPACK has.
const MAX_AXES: usize = 6;

impl Lowering<'_> {
    /// Whether the axis of a tensor's scales is none of its own: LiteRT refuses that, TensorFlow Lite Micro does not look at it.
    fn has_stray_axis(tensor: &Tensor<'_>) -> bool {
        let quantization = &tensor.quantization;
        let is_own = usize::try_from(quantization.dimension).is_ok_and(|axis| axis < tensor.shape.len().max(1));
        !quantization.scale.is_empty() && !is_own
    }

    /// Says so, where the kernel is LiteRT's.
    pub(super) fn note_stray_axes(&mut self) {
        if self.kernel.is_micro() {
            return;
        }
        let strays: Vec<&str> =
            self.model.tensors.iter().filter(|t| Self::has_stray_axis(t)).map(|t| &*t.name).collect();
        if let [first, others @ ..] = &strays[..] {
            let more = if others.is_empty() { String::new() } else { format!(" and {} others", others.len()) };
            self.notes.push(format!(
                "LiteRT refuses the file as it is, since the scales of tensor {first:?}{more} belong to an axis that it lacks: it is read as axis 0"
            ));
        }
    }

    /// The axis of a tensor's scales.
    fn scale_axis(tensor: &Tensor<'_>) -> usize {
        if Self::has_stray_axis(tensor) { 0 } else { usize::try_from(tensor.quantization.dimension).unwrap_or(0) }
    }

    /// Checks a tensor of activations.
    pub(super) fn check_activation(&self, tensor: &Tensor<'_>) -> Result<(), ImportError> {
        Self::check_zeros(tensor)?;
        if self.kernel != Kernel::Xnnpack {
            return Ok(());
        }
        if tensor.element == Element::Int16 {
            return Err(Self::not_taken(tensor, "it is int16"));
        }
        if Self::scale_axis(tensor) != 0 {
            return Err(Self::not_taken(tensor, "its scale belongs to an axis other than the first"));
        }
        if tensor.shape.len() > MAX_AXES {
            return Err(Self::not_taken(tensor, "it has more than 6 axes"));
        }
        Ok(())
    }

    /// Checks weights whose scales may be those of the indices of `axis`.
    pub(super) fn check_weights(&self, tensor: &Tensor<'_>, axis: usize) -> Result<(), ImportError> {
        Self::check_zeros(tensor)?;
        if self.kernel == Kernel::Xnnpack && tensor.element == Element::Int4 {
            return Err(Self::not_taken(tensor, "it is int4 beside activations of int8"));
        }
        let own = Self::scale_axis(tensor);
        if self.kernel == Kernel::Xnnpack && own != 0 && own != axis {
            return Err(Self::not_taken(tensor, "its scales belong to an axis other than that of the channels"));
        }
        Ok(())
    }

    /// Checks the biases of as many channels.
    pub(super) fn check_biases(&self, tensor: &Tensor<'_>, channels: usize) -> Result<(), ImportError> {
        if self.kernel != Kernel::Xnnpack {
            return Ok(());
        }
        let quantization = &tensor.quantization;
        Self::check_zeros(tensor)?;
        let scales = quantization.scale.len();
        let are_positive = quantization.scale.iter().all(|scale| scale.is_normal() && *scale > 0.0);
        if (scales != 1 && scales != channels) || !are_positive {
            return Err(Self::not_taken(
                tensor,
                "it has no scale, or one that is no positive number of full precision",
            ));
        }
        if tensor.shape.len() != 1 || Self::scale_axis(tensor) != 0 || quantization.zero.iter().any(|zero| *zero != 0) {
            return Err(Self::not_taken(tensor, "it has several axes, or a zero point that is not 0"));
        }
        Ok(())
    }

    /// LiteRT refuses a tensor whose numbers of scales and zero points differ; TensorFlow Lite Micro reads a zero point that is not there.
    fn check_zeros(tensor: &Tensor<'_>) -> Result<(), ImportError> {
        let (scales, zeros) = (tensor.quantization.scale.len(), tensor.quantization.zero.len());
        if scales == zeros {
            return Ok(());
        }
        let name = &tensor.name;
        Err(ImportError::new(format!(
            "tensor {name:?} has {scales} scales and {zeros} zero points, which must be as many"
        )))
    }

    fn not_taken(tensor: &Tensor<'_>, reason: &str) -> ImportError {
        let name = &tensor.name;
        ImportError::new(format!("XNNPACK does not take tensor {name:?}, and another kernel runs: {reason}"))
    }
}
