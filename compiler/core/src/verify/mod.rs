//! Verification: instances in, verdicts out.
//!
//! In: a checked spec in the database. Out: one [`InstanceResult`] for each instance of a property or measure, whatever happens on
//! the way: an error in the spec, a panic in an engine, a full disk. [`plan()`] names the instances cheaply, [`run()`] lowers and
//! decides them on a pool of threads, [`Store`] remembers decisions on disk by the content of what was asked.
//!
//! Invariants: no thread holds the database while an engine works; no counterexample is shown that did not pass the reference interpreter
//! just before; nothing read from disk is believed that does not pass its checksum and, for an assignment, the interpreter.
//! This room prints nothing and knows neither terminals nor editors.

mod decide;
pub mod evidence;
#[cfg(test)]
mod forged_tests;
mod job;
mod largest;
#[cfg(test)]
mod limits_tests;
#[cfg(test)]
mod network_tests;
#[cfg(test)]
mod real_tests;
pub mod run;
mod schedule;
pub mod store;
mod tally;
#[cfg(test)]
mod tests;
pub mod verdict;
mod witness;

pub use run::{
    Earlier, Ended, Event, Filter, Finding, Job, Options, Plan, Progress, Summary, decide, key, plan, run, snapshots,
};
pub use schedule::Turn;
pub use store::Store;
pub use verdict::{InstanceResult, Verdict};
