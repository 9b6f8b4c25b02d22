//! Verification: instances in, verdicts out.
//!
//! In: a checked spec in the database. Out: one [`InstanceResult`] for each instance of a property or measure, whatever happens on
//! the way: an error in the spec, a panic in an engine, a full disk. [`plan()`] names the instances cheaply, [`run()`] lowers and
//! decides them on a pool of threads, [`Store`] remembers decisions on disk by the content of what was asked.
//!
//! A file uses only files above it in this list:
//!
//! | file | what it is |
//! | --- | --- |
//! | `counterexample` | values of variables with what networks make of them |
//! | `evidence` | what a result rests on |
//! | `verdict` | results, as they are serialised |
//! | `store` | decisions on disk |
//! | `question_key`, `options`, `filter`, `plan` | what is to be done, and by whom |
//! | `schedule`, `progress` | turns, and what is told meanwhile |
//! | `choice_table`, `session`, `recheck_stored`, `decide` | one question: what is known of it, what the store says, what the engines say |
//! | `largest`, `counterexample_builder`, `lowering`, `result` | what is asked, and how its answer is said |
//! | `smallest`, `property`, `optimize`, `over_indices`, `candidates`, `share`, `average`, `job` | the questions of one job |
//! | `turn`, `run` | a job's turn, and all jobs of a plan |
//!
//! Invariants: no thread holds the database while an engine works; no counterexample is shown that did not pass the reference interpreter
//! just before; nothing read from disk is believed that does not pass its checksum and, for an assignment, the interpreter.
//! This room prints nothing and knows neither terminals nor editors.

mod average;
mod candidates;
mod choice_table;
mod counterexample;
mod counterexample_builder;
mod decide;
pub mod evidence;
mod filter;
mod job;
mod largest;
mod lowering;
mod optimize;
mod options;
mod over_indices;
mod plan;
mod progress;
mod property;
mod question_key;
mod recheck_stored;
mod result;
mod run;
mod schedule;
mod session;
mod share;
mod smallest;
pub mod store;
#[cfg(test)]
mod tests;
mod turn;
pub mod verdict;

pub use filter::Filter;
pub use options::{DEFAULT_TIMEOUT, Options};
pub use plan::{Job, Plan, plan};
pub use progress::{Event, Finding, Progress, percent};
pub use run::{Summary, run, snapshots};
pub use schedule::Turn;
pub use store::Store;
pub use turn::{Earlier, Ended, STACK, Worker, decide, key};
pub use verdict::{InstanceResult, Verdict};
