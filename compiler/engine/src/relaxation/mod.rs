//! The exact dual bound over staircases, and the solver that proposes its multipliers.
//!
//! In: a graph as a [`Relaxation`] of columns, expressions and nonlinearities, ranges, weighted atoms. Out: integers that bound them, with the
//! multipliers that show it. The mathematics is in `docs/certificates.md`. Floating point proposes ([`crate::simplex`]), integers decide
//! ([`dual_bound`]). Nothing here knows of cases, trees or budgets.

mod cache;
pub mod columnwise;
pub mod dual_bound;
pub mod facet;
pub(crate) mod kernels;
pub mod linear_expr;
pub mod network;
mod problem;
pub mod ranges;
pub mod step_table;

pub use cache::RelaxationCache;
pub use linear_expr::LinearExpr;
pub use network::Relaxation;
pub use problem::{Problem, relevant};
pub use ranges::{Empty, Ranges};
pub use step_table::StepTable;

/// Every coefficient, constant and range end is at most this.
pub const LIMIT: i64 = 1 << 50;
