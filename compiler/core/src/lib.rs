//! qnn: a declarative language for quantized neural networks and their properties, verified bit for bit.
//!
//! [`Spec`] is the way in: open, check, verify, report. The modules are what the command `qnn` and the language server are made of; they are public for
//! these two, and change without notice.

pub mod check;
pub mod db;
pub mod diagnostic;
pub mod disk;
pub mod duration;
mod facade;
pub mod files;
pub mod ide;
pub mod number_format;
pub mod report;
pub mod review;
pub mod verify;
pub mod vnnlib;

pub use facade::{Spec, Verified};
pub use qnn_engine as engine;
pub use qnn_import as import;
pub use qnn_ir as ir;
pub use qnn_proof as proof;
pub use qnn_syntax as syntax;
