//! Pseudocosts: for each column and side of a split, how much of what was expected came true.

/// For each column and side of a split, how much of what was expected came true.
pub type Pseudocosts = Vec<[Pseudocost; 2]>;

/// How much of what was expected came true, how often.
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

    /// The mean, with two that gained what was expected.
    pub(super) fn mean(&self) -> f64 {
        (self.sum + 2.0) / (self.count + 2.0)
    }
}
