//! The integer core: the IR, its reference interpreter and its exact range analysis; and exact rationals beside it.
//!
//! Everything a spec says about networks is lowered to a [`Graph`] over integers; real-valued readings are [`RealGraph`]s, which graphs
//! enclose. The crate knows numbers only: no formats (but for the names of the rounding modes), no files, no engines.

pub mod batch;
pub mod enclose;
pub mod graph;
pub mod interpreter;
pub mod interrupt;
pub mod matrix;
pub mod obligation;
pub mod random;
pub mod range;
pub mod real;
mod rounding;
pub mod step;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use batch::{Batch, Points};
pub use enclose::Enclosure;
pub use graph::{Graph, Node, NodeId, Op, Steps};
pub use interpreter::{Interpreter, Overflow128, interpret};
pub use matrix::Matrix;
pub use qnn_rational::{self as rational, Rational};
pub use random::Random;
pub use range::{Interval, ranges};
pub use real::RealGraph;
pub use rounding::Rounding;
pub use step::Step;
