//! The exact dual bound over staircases, and the solver that proposes its multipliers.
//!
//! In: a graph as a [`Net`] of columns, expressions and units, ranges, weighted atoms. Out: integers that bound them, with the
//! multipliers that show it. The mathematics is in `docs/certificates.md`. Floating point proposes ([`crate::simplex`]), integers decide
//! ([`exact`]). Nothing here knows of cases, trees or budgets.

pub mod exact;
pub mod hull;
pub(crate) mod kernels;
pub mod net;
pub mod ranges;

pub use net::Net;
pub use ranges::{Empty, Ranges};
