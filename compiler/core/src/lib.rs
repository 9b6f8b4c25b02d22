//! qnn: a declarative language for quantized neural networks and their properties, verified bit for bit.

pub mod check;
pub mod db;
pub mod diagnostic;
pub mod disk;
pub mod files;
pub mod format;
pub mod ide;
pub mod report;
pub mod review;
pub mod verify;

pub use qnn_engine as engine;
pub use qnn_ir as ir;
pub use qnn_proof as proof;
pub use qnn_syntax as syntax;
