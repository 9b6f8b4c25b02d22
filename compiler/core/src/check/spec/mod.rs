//! A whole spec: families and their instances, what is asked of engines, and all diagnostics.

mod attribute;
mod checks;
mod counted;
mod instances;
mod lowering;
mod monotone;
mod names;

pub use attribute::{Attributes, Expectation, Smallness, attributes, is_find};
pub use checks::{check_item, diagnostics, verifiable};
pub use counted::{Counted, Indices};
pub use instances::{Family, MAX_INSTANCES, family, instance_name};
pub use lowering::{Question, goal_at, largest_at, number_at, optimization_at, question, question_once, shown_calls};
