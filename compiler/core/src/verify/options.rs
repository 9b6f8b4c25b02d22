//! How a run goes about it.

use super::store::Store;
use qnn_engine::portfolio::Portfolio;
use qnn_engine::{RelaxationCache, by_name};
use qnn_proof::MAX_CERTIFICATE_BYTES;
use std::sync::Arc;
use std::time::Duration;

/// The budget of an instance where neither the options nor an attribute says another.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// How to go about it.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Options {
    /// The number of threads; as many as there are cores by default.
    pub jobs: Option<usize>,
    /// Cores beside those of the threads, for long searches.
    pub extra_cores: usize,
    /// The budget of each instance. It wins over `#[timeout]`, which wins over [`DEFAULT_TIMEOUT`]: whoever runs the command knows the
    /// spec, and not the other way round.
    pub timeout: Option<Duration>,
    /// The budget of the whole run, shared among what is open; what it leaves undecided says so.
    pub total_timeout: Option<Duration>,
    /// When all have had their budgets, those that were not enough are tried again with so many times as much.
    pub retry: Option<u32>,
    /// Each instance gets its budget at a stretch, however long others wait: for whoever takes times.
    pub at_a_stretch: bool,
    /// The engine, one of [`qnn_engine::NAMES`]. It wins over `#[engine]`, which wins over `auto`.
    pub engine: Option<Arc<str>>,
    /// The most memory for one query, in bytes.
    pub memory: Option<u64>,
    /// Where decisions are remembered; nowhere if `None` (`--no-cache`).
    pub store: Option<Arc<Store>>,
    /// Only what the store holds: no engine is asked, and nothing is written.
    pub offline: bool,
    /// Keeps certificates in memory, in the results' evidence.
    pub certificates: bool,
    /// The most bytes of a certificate, as JSON, that is kept in memory or in the store; never more than, and by default,
    /// [`qnn_proof::MAX_CERTIFICATE_BYTES`].
    pub most_certificate: Option<u64>,
    /// What engines remember of networks; clones share it.
    pub relaxations: RelaxationCache,
    /// Engines instead of the named ones, for whoever brings their own.
    pub portfolio: Option<Portfolio>,
}

impl Options {
    /// The most bytes of a certificate, as JSON, that is kept.
    pub(super) fn most_certificate(&self) -> u64 {
        self.most_certificate.unwrap_or(u64::MAX).min(MAX_CERTIFICATE_BYTES)
    }

    /// The engines for a job that asks for them by a name; `None` if there are none of that name.
    pub(super) fn engines(&self, name: &str) -> Option<Portfolio> {
        self.portfolio.clone().or_else(|| by_name(name))
    }
}
