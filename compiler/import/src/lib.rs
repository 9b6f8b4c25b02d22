//! Deployed models: the bytes of a TFLite or ONNX file, and the name of a kernel, to the integers that a runtime computes.
//!
//! In: the bytes of a file, and [`Options`]. Out: an [`ImportedNetwork`], or an [`ImportError`] that names the operator and the reason. Nothing is
//! approximated: what the kernel computes in floats becomes thresholds or a table, found with an exact port of its arithmetic, and what can't be
//! exact is refused. The crate reads no files and knows no specs.

mod builder;
mod error;
mod float;
mod geometry;
mod kernel;
mod network;
mod onnx;
mod tables;
mod tflite;

pub use error::ImportError;
pub use float::{FloatNetwork, FloatOperation, FloatTensor};
pub use kernel::Kernel;
pub use network::{Described, ImportedLayer, ImportedNetwork, ImportedTensor, ModelSummary, Storage};

use std::sync::Arc;

/// What a note of an ONNX network says, after the operator, where the network is that without an operator at its end.
pub const LEFT_OUT: &str = "at the end is left out";

/// How a file is read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Options {
    /// Whose arithmetic it is.
    pub kernel: Kernel,
    /// The storage of each input that the file leaves as floats, by the order of the inputs; empty where the file says it.
    pub inputs: Vec<Storage>,
    /// The tensor that is the output, by its name in the file; those that the file says are its outputs, if `None`.
    pub until: Option<Arc<str>>,
}

/// The network of a TFLite or ONNX file by a kernel's arithmetic.
///
/// # Errors
/// Whatever is not exactly what the kernel computes, by operator, name and reason.
pub fn import(bytes: &[u8], options: &Options) -> Result<ImportedNetwork, ImportError> {
    match options.kernel.extension() {
        "tflite" => tflite::import(bytes, options),
        _ => onnx::import(bytes, options),
    }
}

/// What a file holds. `extension` is its name's: `tflite` or `onnx`.
///
/// # Errors
/// A file that can't be read, with the reason.
pub fn summary(bytes: &[u8], extension: &str) -> Result<ModelSummary, ImportError> {
    if extension.eq_ignore_ascii_case("tflite") { tflite::summary(bytes) } else { onnx::summary(bytes) }
}

/// The float network of an ONNX file, up to the tensor `until`, or to its outputs.
///
/// # Errors
/// Operators that are none of [`FloatOperation`], by operator, name and reason.
pub fn float_network(bytes: &[u8], until: Option<&str>) -> Result<FloatNetwork, ImportError> {
    onnx::float_network(bytes, until)
}
