//! The engines by name: what a spec, the command line and an editor can ask for.
//!
//! The command's help, completion, hovers, messages and the editor's settings go by this list; `tests/registry.rs` writes it into the manual and into
//! the editor's settings.

use crate::boxes::Boxes;
use crate::branch_and_bound::{Attacks, Search};
use crate::enumerate::Enumerate;
use crate::interval::Intervals;
use crate::portfolio::Portfolio;
use crate::smt::Smt;
use std::sync::Arc;

/// A name for `--engine` and `#[engine]`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The name.
    pub name: &'static str,
    /// What it does, in a line without a final stop.
    pub summary: &'static str,
    /// Makes the engines that the name stands for.
    pub portfolio: fn() -> Portfolio,
}

/// All of them; `auto` is the default.
pub const ENGINES: &[Entry] = &[
    Entry { name: "auto", summary: "all engines that are complete or quick", portfolio: Portfolio::default },
    Entry {
        name: "interval",
        summary: "exact intervals alone",
        portfolio: || Portfolio { first: vec![Arc::new(Intervals)], rest: Vec::new() },
    },
    Entry {
        name: "attack",
        summary: "attacks alone, which break a property or say nothing",
        portfolio: || Portfolio { first: Vec::new(), rest: vec![Arc::new(Attacks)] },
    },
    Entry {
        name: "search",
        summary: "complete search with certificates",
        portfolio: || Portfolio { first: vec![Arc::new(Intervals)], rest: vec![Arc::new(Search::default())] },
    },
    Entry {
        name: "boxes",
        summary: "complete search over boxes of inputs, for deep networks of few inputs, with certificates",
        portfolio: || Portfolio { first: vec![Arc::new(Intervals)], rest: vec![Arc::new(Boxes::patient())] },
    },
    Entry {
        name: "enumerate",
        summary: "every input, one after the other, where there are at most 2^20",
        portfolio: || Portfolio { first: Vec::new(), rest: vec![Arc::new(Enumerate::default())] },
    },
    Entry {
        name: "smt",
        summary: "bit-vectors and Z3",
        portfolio: || Portfolio { first: Vec::new(), rest: vec![Arc::new(Smt::default())] },
    },
];

/// The names of [`ENGINES`].
pub const NAMES: &[&str] = &names();

const fn names() -> [&'static str; ENGINES.len()] {
    let mut names = [""; ENGINES.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = ENGINES[at].name;
        at += 1;
    }
    names
}

/// The engines that a name stands for; `None` if there is no such name.
pub fn by_name(name: &str) -> Option<Portfolio> {
    ENGINES.iter().find(|entry| entry.name == name).map(|entry| (entry.portfolio)())
}
