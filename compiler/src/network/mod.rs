//! The integer core: the IR, its reference interpreter and its exact range analysis; and exact rationals beside it.
//!
//! Everything a spec says about networks is lowered to a [`Graph`] over integers; real-valued readings are [`RealGraph`]s, which graphs
//! enclose. This room knows numbers only: no formats (but for the names of the rounding modes), no files, no engines.

pub mod enclose;
pub mod graph;
pub mod interpret;
pub mod range;
pub mod real;
pub mod step;

pub use enclose::Enclosure;
pub use graph::{Graph, Matrix, Node, NodeId, Op, Steps};
pub use interpret::{Interpreter, interpret};
pub use range::{Interval, Overflow128, ranges};
pub use real::RealGraph;
pub use step::Step;
