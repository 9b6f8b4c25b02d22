//! qnn: a declarative language for quantized neural networks and their properties, verified bit for bit.

pub mod check;
pub mod db;
pub mod diagnostic;
pub mod disk;
pub mod engine;
pub mod ide;
pub mod interrupt;
pub mod memory;
pub mod model;
pub mod network;
pub mod obligation;
pub mod proof;
pub mod report;
pub mod review;
pub mod syntax;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod verify;
