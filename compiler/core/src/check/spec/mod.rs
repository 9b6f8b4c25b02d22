//! A whole spec: families and their instances, what is asked of engines, and all diagnostics.

mod attribute;
mod checks;
mod instances;
mod lowering;
mod monotone;
mod names;

pub use attribute::{Attributes, Expectation, Smallness, attributes, is_find};
pub use checks::{check_item, diagnostics, verifiable};
pub use instances::{Family, MAX_INSTANCES, family, instance_name};
pub use lowering::{Counted, Question, averaged_at, goal_at, largest_at, question, question_once, shown_calls};
