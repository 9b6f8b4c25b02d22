//! A forecast of how many splits a search takes, from what its splits have gained so far.
//!
//! In: the bounds of boxes and of the boxes that they were split from. Out: whether there is hope. A bound falls with each split by some part of itself; from
//! the mean part follows the depth at which little is left of bounds. On few inputs that is some dozen splits, on an image hundreds.

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
const MORE: f64 = 64.0;
/// The share of a bound that is left when a box is closed, as a power of two.
const REST: f64 = 4.0;

/// The progress of bounds.
pub(super) struct Forecast {
    gives_up: bool,
    boxes: u64,
    /// The sum of log2 of a parent's bound by its child's over the splits that gained something, and how many these are.
    gains: f64,
    gained: u64,
    closed: u64,
}

impl Forecast {
    pub(super) fn new(gives_up: bool) -> Forecast {
        Forecast { gives_up, boxes: 0, gains: 0.0, gained: 0, closed: 0 }
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
        let depth = REST / (self.gains / self.gained as f64).max(1e-9);
        let speed = self.boxes as f64 / spent;
        depth > (speed * left).log2().max(1.0) * GENEROUS + MORE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A search whose splits leave this part of bounds, after some boxes.
    fn after(boxes: u64, part: f64, closed: u64) -> Forecast {
        let mut forecast = Forecast::new(true);
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
        assert!(!Forecast { gives_up: false, ..after(BOXES, 0.99, 0) }.is_hopeless(second, second));
    }
}
