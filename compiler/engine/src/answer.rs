//! Answers: what an engine found, and what it rests on.
//!
//! The enums are exhaustive for other crates too: reports, the store and the editor match each variant, and the compiler finds where a new one is missing.

use qnn_ir::obligation::Assignment;
use qnn_proof::Certificate;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// What an engine found.
#[derive(Clone, Debug)]
pub enum Answer {
    /// No assignment answers the obligation: the property instance is proved.
    None(Trust),
    /// This assignment does; not yet replayed.
    Some(Assignment),
    /// Undecided.
    Unknown(Reason),
}

/// What a `proved` rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Trust {
    /// Exact integer intervals, re-computable in one pass.
    Interval,
    /// A solver's answer, which comes without a certificate.
    Solver {
        /// Its name and version: `Z3 4.8.12`.
        name: String,
        /// It comes from the store, and could not be checked again.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        remembered: bool,
    },
    /// A certificate that the checker accepted, which shares no code with the engines.
    Certificate {
        /// The steps of its trees.
        steps: usize,
        /// The proof itself, on its way from the engine; results and the store keep it beside the verdict.
        #[serde(skip)]
        certificate: Option<Arc<Certificate>>,
    },
}

impl Trust {
    /// What a certificate proves, once it has been checked.
    pub fn certified(certificate: Certificate) -> Trust {
        Trust::Certificate { steps: certificate.steps(), certificate: Some(Arc::new(certificate)) }
    }
}

/// A few words: `a certificate of 3 steps, checked`.
impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trust::Interval => f.write_str("exact integer intervals"),
            Trust::Solver { name, remembered: false } => write!(f, "the word of {name}"),
            Trust::Solver { name, remembered: true } => {
                write!(f, "the word of {name}, remembered and not checked again")
            }
            Trust::Certificate { steps: 1, .. } => f.write_str("a certificate of 1 step, checked"),
            Trust::Certificate { steps, .. } => write!(f, "a certificate of {steps} steps, checked"),
        }
    }
}

/// Why an engine gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", tag = "kind", content = "detail")]
pub enum Reason {
    /// The deadline passed.
    Timeout,
    /// The caller asked to stop.
    Cancelled,
    /// The memory limit was reached.
    Memory,
    /// The engine can't decide this one, and says why.
    Incomplete(String),
    /// Something is wrong with the engine itself: a counterexample that does not replay, a panic.
    Internal(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Timeout => f.write_str("the time is up"),
            Reason::Cancelled => f.write_str("cancelled"),
            Reason::Memory => f.write_str("the memory limit was reached"),
            Reason::Incomplete(why) => f.write_str(why),
            Reason::Internal(why) => write!(f, "internal error: {why}"),
        }
    }
}

/// Why an assignment that meets the atoms is no answer: the exact real-valued statement does not hold there.
pub fn near_miss() -> Reason {
    let why = "a real-valued network is nearer to a threshold somewhere than its enclosure by integers can tell";
    Reason::Incomplete(why.to_owned())
}
