//! The integer core: the IR, its reference interpreter and its exact range analysis; and exact rationals beside it.
//!
//! Everything a spec says about networks is lowered to a [`Graph`] over integers; real-valued readings are [`RealGraph`]s, which graphs
//! enclose. This room knows numbers only: no formats (but for the names of the rounding modes), no files, no engines.

pub mod enclose;
pub mod graph;
pub mod interpret;
pub mod interrupt;
pub mod obligation;
pub mod range;
pub mod real;
mod rounding;
pub mod step;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use enclose::Enclosure;
pub use graph::{Graph, Matrix, Node, NodeId, Op, Steps};
pub use interpret::{Interpreter, interpret};
pub use qnn_rational::{self as rational, Rational};
pub use range::{Interval, Overflow128, ranges};
pub use real::RealGraph;
pub use rounding::Rounding;
pub use step::Step;
