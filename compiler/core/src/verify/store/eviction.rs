//! Eviction: the store's size limit. What was not used for longest goes first.

use super::Store;
use super::tally::{self, Tally};
use std::fs::Metadata;
use std::sync::atomic::Ordering;
use std::time::UNIX_EPOCH;

/// Where the store has grown past its limit, it shrinks to so many tenths of it.
const SHRINK_TO_TENTHS: u64 = 9;
/// The tally is told when such a part of the limit has been written …
const TOLD: u64 = 16;
/// … or so many bytes: no more are unknown where a process is killed.
const MOST_UNTOLD: u64 = 1 << 20;

impl Store {
    /// The tally beside the entries.
    pub(super) fn tally(&self) -> Tally {
        Tally(self.folder().join(tally::NAME))
    }

    /// Counts bytes that were written, and tells the tally where they are many.
    pub(super) fn count(&self, bytes: u64) {
        let written = self.written.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if written > MOST_UNTOLD.min(self.limit / TOLD) {
            self.settle();
        }
    }

    /// Tells the tally what was written, and makes room where that is too much.
    fn settle(&self) {
        let written = self.written.swap(0, Ordering::Relaxed);
        if self.tally().add(written).is_none_or(|bytes| bytes > self.limit) {
            self.shrink();
        }
    }

    /// Removes what was not used for longest, if the store is larger than its limit.
    fn shrink(&self) {
        let files = self.files();
        let mut bytes: u64 = files.iter().map(|(_, meta)| meta.len()).sum();
        if bytes <= self.limit {
            return self.tally().begin(bytes);
        }
        let used = |meta: &Metadata| meta.modified().unwrap_or(UNIX_EPOCH);
        let mut by_use: Vec<_> = files.into_iter().map(|(path, meta)| (used(&meta), path, meta.len())).collect();
        by_use.sort();
        for (_, path, size) in by_use {
            if bytes <= self.limit / 10 * SHRINK_TO_TENTHS {
                break;
            }
            // Whoever else removes it saves this one the work; what can't be removed stays.
            let _ = std::fs::remove_file(path);
            bytes -= size;
        }
        self.tally().begin(bytes);
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if self.written.load(Ordering::Relaxed) > 0 {
            self.settle();
        }
    }
}

/// The bytes that a size such as `500M` or `4 GiB` stands for: units are powers of 1024.
pub fn size_of(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim().to_ascii_uppercase();
    let shift = match unit.strip_suffix("IB").or_else(|| unit.strip_suffix('B')).unwrap_or(&unit) {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}
