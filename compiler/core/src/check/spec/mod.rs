//! A whole spec: families and their instances, what is asked of engines, and all diagnostics.

mod attribute;
mod checks;
mod instances;
mod lowering;
mod monotone;
mod names;

pub use attribute::{Attributes, Expectation, attributes};
pub use checks::{check_item, diagnostics, verifiable};
pub use instances::{Family, MAX_INSTANCES, family, instance_name};
pub use lowering::{Question, largest_at, question, question_once};
