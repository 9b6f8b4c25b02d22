//! Properties: statements and objectives with their parameters known, lowered to obligations.
//!
//! Inside a property numbers are exact. Evaluation is symbolic: a tensor's elements are terms over the graph's integers, a
//! statement is a formula over terms, and quantified variables are input nodes. What comes out is an owned obligation and what
//! is needed to show its counterexamples.

mod builtins;
mod cases;
mod domains;
mod env;
mod eval;
mod instance;
mod lowering;
mod normal_form;
mod premise;
mod prune;
mod reductions;
mod statement;
mod value;

pub(super) use env::Env;
pub(super) use lowering::Lowering;
pub(super) use statement::Extreme;
pub use statement::{CallInfo, ClassClaim, Optimization, Statement, VariableInfo};
