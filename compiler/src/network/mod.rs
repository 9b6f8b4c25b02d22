//! The integer core: the IR, its reference interpreter and its exact range analysis.
//!
//! Everything a spec says about networks is lowered to a [`Graph`] over integers. This room knows integers only: no
//! formats (but for the names of the rounding modes), no values, no files, no engines.

pub mod graph;
pub mod interpret;
pub mod range;
pub mod step;

pub use graph::{Graph, Matrix, Node, NodeId, Op, Steps};
pub use interpret::interpret;
pub use range::{Interval, Overflow128, ranges};
pub use step::Step;
