//! Checking: trees in, typed and lowered specs out, with diagnostics.
//!
//! Generic networks and property families are checked by instantiation: each instance is evaluated symbolically with its
//! integer parameters known, which yields shapes, formats, widths and the lowered form in one pass. Functions return their
//! value or [`Reported`], which says that the reason stands among the context's diagnostics. Nothing here solves or reads files.
//!
//! Each module knows only those before it in this order: `context` (where diagnostics gather), `model` (files of networks), `scope` (which item a name means), `constant` (values that
//! are known), `types` (type expressions), `data` (files through formats), `index` (indices of axes),
//! `reduction` (elements along axes), `network` (bodies to graphs), `property` (statements
//! to obligations), `spec` (families, what is asked, all diagnostics).

pub mod constant;
mod context;
pub mod data;
mod index;
pub mod model;
pub mod network;
pub mod property;
mod reduction;
pub mod scope;
pub mod spec;
pub mod types;

pub use context::{Checked, Context, Outcome, Reported, at};
