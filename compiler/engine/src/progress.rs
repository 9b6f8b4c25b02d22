//! The progress of a search.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The share of a search that is done, from 0 to less than 1. It never decreases. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<AtomicU64>);

/// The greatest share that a meter shows: sums of many small shares are rounded.
const NEARLY_ALL: f64 = 1.0 - 1e-9;

impl Meter {
    /// Raises the share.
    pub fn reach(&self, share: f64) {
        // The bits of floats that are not negative are ordered as the floats are.
        self.0.fetch_max(share.clamp(0.0, NEARLY_ALL).to_bits(), Ordering::Relaxed);
    }

    /// The share.
    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_never_says_all() {
        let meter = Meter::default();
        for share in [0.3, 0.999_999, 1.0, 2.0, 0.5] {
            meter.reach(share);
            assert!(meter.get() < 1.0 && meter.get() >= share.min(0.99), "{share}");
        }
    }
}
