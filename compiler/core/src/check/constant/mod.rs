//! Constants: expressions whose value is known while the spec is checked.

mod conversion;
mod evaluator;
mod value;

pub use conversion::{bounded, domain_of, element, integer_of, size_of, variant};
pub use evaluator::{Evaluator, Local, constant_item};
pub use value::{Constant, Range, combine, enum_variants, negated, variant_names};
