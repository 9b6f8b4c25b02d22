//! A forecast of how many splits a search takes, from what its splits have gained so far.
//!
//! In: the bounds of boxes and of the boxes that they were split from. Out: whether there is hope. A bound falls with each split by some part of itself; from
//! the mean part follows the depth at which little is left of bounds. On few inputs that is some dozen splits, on an image hundreds.

use qnn_ir::obligation::Obligation;
use std::time::Duration;

/// A search is judged once it has bounded so many boxes …
const BOXES: u64 = 24;
/// … or, where boxes take long, once it has spent one part in so many of the time that was left …
const SPENT: f64 = 32.0;
/// … and again each time after so many more boxes.
const AGAIN: u64 = 64;
/// A search without any gain, as long as outputs saturate, is judged after so many boxes.
const BLIND: u64 = 512;
/// A search may take boxes at as many times the depth that they all could have in the time that is left, and so much more: most are closed sooner, and the gain of
/// splits grows once boxes are small.
const GENEROUS: f64 = 3.0;
const MORE: f64 = 24.0;
/// The share of a bound that is left when a box is closed, as a power of two.
const REST: f64 = 4.0;

/// Once all inputs are halved, slopes are nearer to each other, and what a bound exceeds the truth by is about halved, too: however little the first splits
/// gain, splits of n inputs are taken to gain log2(bound) one part in this times n.
const HALVINGS: f64 = 2.0;

/// The progress of bounds.
pub(super) struct Forecast {
    gives_up: bool,
    /// The inputs that can be split.
    inputs: usize,
    boxes: u64,
    /// The sum of log2 of a parent's bound by its child's over the splits that gained something, and how many these are.
    gains: f64,
    gained: u64,
    closed: u64,
}

impl Forecast {
    pub(super) fn new(gives_up: bool, obligation: &Obligation) -> Forecast {
        let inputs =
            obligation.variables.iter().flat_map(|variable| &variable.domain).filter(|(lo, hi)| lo < hi).count();
        Forecast::of(gives_up, inputs)
    }

    fn of(gives_up: bool, inputs: usize) -> Forecast {
        Forecast { gives_up, inputs, boxes: 0, gains: 0.0, gained: 0, closed: 0 }
    }

    /// Takes the bound of a box and that of the box that it is a half of, or the fact that it is closed.
    pub(super) fn bounded(&mut self, before: f64, bound: Option<f64>) {
        self.boxes += 1;
        match bound {
            None => self.closed += 1,
            Some(bound) if before.is_finite() && before > 0.0 && bound != before => {
                self.gained += 1;
                self.gains += (before / bound.max(before / 1024.0)).log2();
            }
            Some(_) => {}
        }
    }

    /// Whether the search can't end in the time that is left, at the speed that it had.
    pub(super) fn is_hopeless(&self, spent: Duration, left: Duration) -> bool {
        let (spent, left) = (spent.as_secs_f64().max(1e-6), left.as_secs_f64().max(1e-3));
        let is_due = self.boxes >= BOXES && (self.boxes - BOXES).is_multiple_of(AGAIN)
            || self.boxes < BOXES && self.gained > 1 && spent * SPENT > left;
        // Where a fair share of the boxes is closed, the tree has an end.
        if !self.gives_up || !is_due || self.closed * 4 > self.boxes {
            return false;
        }
        if self.gained == 0 {
            return self.boxes >= BLIND;
        }
        let least = 1.0 / (HALVINGS * self.inputs.max(1) as f64);
        let depth = REST / (self.gains / self.gained as f64).max(least);
        let speed = self.boxes as f64 / spent;
        depth > (speed * left).log2().max(1.0) * GENEROUS + MORE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A search whose splits leave this part of bounds, after some boxes.
    fn after(boxes: u64, part: f64, closed: u64) -> Forecast {
        let mut forecast = Forecast::of(true, 784);
        (0..boxes - closed).for_each(|_| forecast.bounded(1000.0, Some(1000.0 * part)));
        (0..closed).for_each(|_| forecast.bounded(1000.0, None));
        forecast
    }

    #[test]
    fn hope_is_a_matter_of_gains() {
        let second = Duration::from_secs(1);
        // Bounds that fall by a tenth are closed at depth 26; by a hundredth, at 276.
        assert!(!after(BOXES, 0.9, 0).is_hopeless(second / 50, 10 * second));
        assert!(after(BOXES, 0.99, 0).is_hopeless(second / 50, 10 * second));
        assert!(!after(BOXES, 0.99, BOXES / 2).is_hopeless(second / 50, 10 * second));
        assert!(!after(BOXES, 1.0, 0).is_hopeless(second / 50, 10 * second));
        assert!(after(BOXES + 8 * AGAIN, 1.0, 0).is_hopeless(second, 10 * second));
        // Few boxes that take long are enough.
        assert!(after(3, 0.99, 0).is_hopeless(second, 10 * second));
        assert!(!after(3, 0.99, 0).is_hopeless(second / 50, 10 * second));
        // Few inputs are soon all halved.
        assert!(!Forecast { inputs: 5, ..after(BOXES, 0.99, 0) }.is_hopeless(second / 50, 10 * second));
        assert!(!Forecast { gives_up: false, ..after(BOXES, 0.99, 0) }.is_hopeless(second, second));
    }
}
