//! The runs under way: what was begun together, and how much of it has ended how.

use std::collections::HashMap;

/// A run under way.
pub struct Run {
    /// How many jobs it began with.
    pub total: usize,
    /// How many have ended.
    pub ended: usize,
    /// How many ended as expected, otherwise decided, undecided, cancelled.
    pub tally: Tally,
}

/// How a run's jobs ended.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs, reason = "each counts what its name says")]
pub struct Tally {
    pub proved: usize,
    pub violated: usize,
    pub found: usize,
    pub none: usize,
    pub other: usize,
    pub dropped: usize,
}

impl Tally {
    /// For people.
    pub fn words(self) -> String {
        let all = [
            (self.proved, "proved"),
            (self.violated, "violated"),
            (self.found, "found"),
            (self.none, "none"),
            (self.other, "undecided"),
            (self.dropped, "cancelled"),
        ];
        all.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect::<Vec<_>>().join(" · ")
    }
}

/// The runs under way.
#[derive(Default)]
pub struct Runs {
    /// By number.
    pub all: HashMap<u64, Run>,
    /// The number of the last one.
    pub next: u64,
}
