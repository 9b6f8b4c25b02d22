//! Pseudocosts: for each column and side of a split, the mean ratio of the gain found to the gain expected.

/// For each column and side of a split.
pub type Pseudocosts = Vec<[Pseudocost; 2]>;

/// The ratios of the gains found to the gains expected: their sum and number.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pseudocost {
    pub(super) sum: f64,
    pub(super) count: f64,
}

impl Pseudocost {
    pub(super) fn add(&mut self, gain: f64) {
        self.sum += gain;
        self.count += 1.0;
    }

    /// The mean, with two ratios of 1 added to begin with.
    pub(super) fn mean(&self) -> f64 {
        (self.sum + 2.0) / (self.count + 2.0)
    }
}
