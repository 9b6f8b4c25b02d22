//! Evidence: what a result rests on, obligation by obligation.
//!
//! In: what the engines or the store answered. Out: for each obligation whose answer counts, a certificate, an assignment, or whose word it is. A
//! reviewer who has the spec derives the obligations anew, and needs nothing else ([`crate::review`]).

use qnn_engine::Trust;
use qnn_ir::obligation::Assignment;
use serde::{Deserialize, Serialize, Serializer};
use std::path::PathBuf;
use std::sync::Arc;

/// Which question of an instance an obligation asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// Does any input break the statement?
    Statement,
    /// Does any input meet the assumptions?
    Assumptions,
    /// Where is the best value attained?
    Found,
    /// Is any value better?
    Bound,
}

/// The answer to one obligation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Evidence {
    /// What is asked.
    pub about: About,
    /// The candidate of a `largest` that it is asked of; of what is counted or chosen from, the place, from 0.
    pub candidate: Option<i128>,
    /// The obligation's key.
    pub obligation: String,
    /// Of a choice of a measure's indices: what its value is proved never to exceed (a minimum: to fall below), exactly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<String>,
    /// What the answer rests on.
    pub rests_on: Support,
}

/// What an answer rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Support {
    /// No input answers it, as a certificate shows.
    Certificate(StoredCertificate),
    /// This input answers it: one vector of raw integers for each variable.
    Assignment(Assignment),
    /// No input answers it, by interval arithmetic for which no certificate was found.
    Interval,
    /// No input answers it: the word of a solver.
    Solver(String),
}

/// A certificate and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StoredCertificate {
    /// The key of the obligation that it is about.
    #[serde(skip)]
    pub obligation: String,
    /// Its steps.
    pub steps: usize,
    /// Its size in bytes, compressed; `None` if it was too large to be kept.
    pub bytes: Option<usize>,
    /// Its file in the store; `None` if it is not stored.
    #[serde(serialize_with = "lossy")]
    pub file: Option<PathBuf>,
    /// The certificate, as [`qnn_proof::pack`] packs it, if the run was asked to keep it.
    #[serde(skip)]
    pub packed: Option<Arc<[u8]>>,
}

/// A path with a sign in the place of what is no Unicode.
fn lossy<S: Serializer>(path: &Option<PathBuf>, to: S) -> Result<S::Ok, S::Error> {
    path.as_ref().map(|path| path.to_string_lossy()).serialize(to)
}

impl StoredCertificate {
    /// A packed certificate.
    pub(super) fn new(
        obligation: &str,
        steps: usize,
        packed: Vec<u8>,
        file: Option<PathBuf>,
        keep: bool,
    ) -> StoredCertificate {
        let bytes = Some(packed.len());
        let packed = keep.then(|| packed.into());
        StoredCertificate { obligation: obligation.to_owned(), steps, bytes, file, packed }
    }

    /// A certificate that was checked, and was too large to be kept.
    pub(super) fn too_large(obligation: &str, steps: usize) -> StoredCertificate {
        StoredCertificate { obligation: obligation.to_owned(), steps, bytes: None, file: None, packed: None }
    }
}

impl Evidence {
    /// Whether it is a certificate that was too large to be kept.
    pub fn is_too_large(&self) -> bool {
        matches!(&self.rests_on, Support::Certificate(kept) if kept.bytes.is_none())
    }
}

impl Support {
    /// What a proof rests on.
    pub(super) fn of(trust: &Trust, kept: Option<&StoredCertificate>) -> Support {
        match (trust, kept) {
            (Trust::Solver { name, .. }, _) => Support::Solver(name.clone()),
            (Trust::Certificate { .. }, Some(kept)) => Support::Certificate(kept.clone()),
            (Trust::Certificate { .. } | Trust::Interval, _) => Support::Interval,
        }
    }
}
