//! Counts of verdicts, and of what answers rest on.
//!
//! In: results. Out: how many of them there are of each kind. Every rendering, exit code and editor counts with these.

use crate::verify::InstanceResult;
use crate::verify::evidence::Support;
use crate::verify::verdict::{Outcome, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many instances have which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Counts {
    /// Holds; of measures, known exactly.
    pub proved: usize,
    /// Broken by a counterexample.
    pub violated: usize,
    /// Found what a `find` looks for.
    #[serde(default)]
    pub found: usize,
    /// Of a `find`: there is none.
    #[serde(default)]
    pub none: usize,
    /// Says nothing.
    pub vacuous: usize,
    /// Undecided when the time was up.
    pub timeout: usize,
    /// Undecided.
    pub unknown: usize,
    /// In error.
    pub error: usize,
    /// How many final verdicts are not the expected ones; what is undecided or in error is not among them.
    pub unexpected: usize,
}

impl Counts {
    /// Those of some results.
    pub fn of<'a>(results: impl IntoIterator<Item = &'a InstanceResult>) -> Counts {
        let mut counts = Counts::default();
        for result in results {
            counts.count(result);
        }
        counts
    }

    /// Counts one result.
    pub fn count(&mut self, result: &InstanceResult) {
        *match result.verdict {
            Verdict::Proved => &mut self.proved,
            Verdict::Violated => &mut self.violated,
            Verdict::Found => &mut self.found,
            Verdict::None => &mut self.none,
            Verdict::Vacuous => &mut self.vacuous,
            Verdict::Timeout => &mut self.timeout,
            Verdict::Unknown => &mut self.unknown,
            Verdict::Error => &mut self.error,
        } += 1;
        self.unexpected += usize::from(result.outcome() == Outcome::Unexpected);
    }

    /// Adds those of another count.
    pub fn add(&mut self, other: &Counts) {
        self.proved += other.proved;
        self.violated += other.violated;
        self.found += other.found;
        self.none += other.none;
        self.vacuous += other.vacuous;
        self.timeout += other.timeout;
        self.unknown += other.unknown;
        self.error += other.error;
        self.unexpected += other.unexpected;
    }

    /// All instances.
    pub fn total(&self) -> usize {
        self.proved + self.violated + self.found + self.none + self.vacuous + self.open() + self.error
    }

    /// Those that are undecided.
    pub fn open(&self) -> usize {
        self.timeout + self.unknown
    }

    /// Verdicts that occur, with their counts.
    pub fn each(&self) -> Vec<(Verdict, usize)> {
        let all = [
            (Verdict::Proved, self.proved),
            (Verdict::Violated, self.violated),
            (Verdict::Found, self.found),
            (Verdict::None, self.none),
            (Verdict::Vacuous, self.vacuous),
            (Verdict::Timeout, self.timeout),
            (Verdict::Unknown, self.unknown),
            (Verdict::Error, self.error),
        ];
        all.into_iter().filter(|(_, count)| *count > 0).collect()
    }
}

/// What answers rest on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ground {
    /// Certificates that the checker accepted.
    pub certificates: usize,
    /// Their steps.
    pub steps: usize,
    /// Their size in bytes, compressed.
    pub bytes: usize,
    /// How many of them were too large to be kept, and don't count in the size.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub too_large: usize,
    /// Inputs that were run through the reference interpreter.
    pub inputs: usize,
    /// Proofs by exact interval arithmetic without a certificate.
    pub interval: usize,
    /// Proofs on a solver's word, by its name.
    pub solver: BTreeMap<String, usize>,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Ground {
    /// What some results rest on.
    pub fn of<'a>(results: impl IntoIterator<Item = &'a InstanceResult>) -> Ground {
        let mut ground = Ground::default();
        for evidence in results.into_iter().flat_map(|result| &result.evidence) {
            match &evidence.rests_on {
                Support::Certificate(kept) => {
                    ground.certificates += 1;
                    ground.steps += kept.steps;
                    ground.bytes += kept.bytes.unwrap_or(0);
                    ground.too_large += usize::from(kept.bytes.is_none());
                }
                Support::Assignment(_) => ground.inputs += 1,
                Support::Interval => ground.interval += 1,
                Support::Solver(name) => *ground.solver.entry(name.clone()).or_default() += 1,
            }
        }
        ground
    }
}
