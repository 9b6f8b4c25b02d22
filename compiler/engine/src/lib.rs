//! Engines: whatever decides obligations.
//!
//! In: an [`Obligation`], a [`Control`] with the budget. Out: an [`Answer`]. Engines run on owned data on their own
//! threads; they know no database, no spec and no file. An engine's assignment counts only after [`Obligation::replay`] accepted it,
//! which this crate's callers see to.

mod answer;
pub mod attack;
pub mod back_substitution;
pub mod boxes;
pub mod branch_and_bound;
mod cancel_token;
#[cfg(test)]
mod certificate_tests;
mod clock;
mod control;
mod cores;
#[cfg(test)]
mod deadline_tests;
pub mod enumerate;
mod head_start;
pub mod interval;
pub mod journal;
pub mod measure;
pub mod portfolio;
pub mod presolve;
mod progress;
mod registry;
pub mod relaxation;
mod replay;
mod rivalry;
#[cfg(test)]
mod seed_tests;
pub mod simplex;
pub mod smt;

use measure::MeasureAnswer;
use qnn_ir::obligation::{Assignment, Objective, Obligation};
use std::time::Duration;

pub use answer::{Answer, Reason, Trust, near_miss};
pub use boxes::Boxes;
pub use branch_and_bound::Search;
pub use cancel_token::CancelToken;
pub use clock::Clock;
pub use control::Control;
pub use cores::{Core, CoreRequest, Cores};
pub use journal::Journal;
pub use progress::Meter;
pub use registry::{ENGINES, Entry, NAMES, by_name};
pub use relaxation::RelaxationCache;
pub use replay::replayed;

/// Something that decides obligations.
pub trait Engine: Send + Sync {
    /// The name for `--engine` and for results.
    fn name(&self) -> &'static str;

    /// Whether the engine can decide obligations of this kind. The portfolio starts no others.
    fn is_for(&self, _obligation: &Obligation) -> bool {
        true
    }

    /// How long the engine waits for the first of those that run side by side; `None`: until that one and all searches have given up.
    fn wait(&self, obligation: &Obligation) -> Option<Duration> {
        head_start::is_small(&obligation.graph).then_some(head_start::HEAD_START)
    }

    /// Whether it is a search whose meter says how much of it is done: of two such, the portfolio stops the one that is far behind.
    fn is_search(&self) -> bool {
        false
    }

    /// Whether its meter says how much of its work is done, so that it can be seen to be far ahead of the searches.
    fn knows_its_share(&self) -> bool {
        self.is_search()
    }

    /// Decides the obligation or says why not. Never panics on a well-formed obligation, and returns within a tenth of a second once `control` says stop.
    fn solve(&self, obligation: &Obligation, control: &Control) -> Answer;

    /// Searches for the objective's maximum from a first value and its assignment on, where the engine has a better way than asking for
    /// thresholds. `on_progress` gets the best value found and the best bound proved whenever one of them changes. Both are replayed and
    /// checked already.
    fn maximize(
        &self,
        _objective: &Objective,
        _start: (i128, Assignment),
        _control: &Control,
        _on_progress: &mut (dyn FnMut(Option<i128>, i128) + Send),
    ) -> Option<MeasureAnswer> {
        None
    }
}
