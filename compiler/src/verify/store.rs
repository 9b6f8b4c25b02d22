//! The store: decisions on disk, by the content of what was asked.

use super::verdict::Verdict;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The environment variable that says where the store is.
pub const LOCATION_VARIABLE: &str = "QNN_CACHE";

/// Decisions on disk. Opening never fails: a store that can't be read or written is empty, and says so once in its warnings.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
}

/// An entry, for listings.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// The instance for which it was first decided.
    pub name: String,
    /// What was decided: whether something answers what was asked.
    pub verdict: Verdict,
    /// The engine whose answer it is.
    pub engine: Option<String>,
    /// How long the engines took.
    pub time: Duration,
    /// When it was written.
    pub written: SystemTime,
    /// The size of its file in bytes.
    pub bytes: u64,
}

/// A store in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Stats {
    /// Entries.
    pub entries: usize,
    /// Entries that are final.
    pub decided: usize,
    /// Files that are no sound entries.
    pub damaged: usize,
    /// Their size in bytes, all told.
    pub bytes: u64,
}

impl Store {
    /// Where the store is by default: `QNN_CACHE`, else the platform's folder for caches. `None` if there is neither.
    pub fn default_location() -> Option<PathBuf> {
        todo!()
    }

    /// The store in a folder, which need not exist.
    pub fn open(root: impl Into<PathBuf>) -> Store {
        Store { root: root.into() }
    }

    /// Its folder.
    pub fn location(&self) -> &Path {
        &self.root
    }

    /// The sound entries, by name.
    pub fn list(&self) -> Vec<Listed> {
        todo!()
    }

    /// The store in numbers.
    pub fn stats(&self) -> Stats {
        todo!()
    }

    /// Removes all entries, and nothing else that may be in the folder. Says how many.
    ///
    /// # Errors
    /// If one can't be removed.
    pub fn clear(&self) -> std::io::Result<usize> {
        todo!()
    }

    /// What went wrong since the last call, in sentences.
    pub fn take_warnings(&self) -> Vec<String> {
        todo!()
    }
}
