//! The bound-flipping ratio test: how far the duals move along a direction, and what enters there.

use super::{Simplex, VarStatus};
use crate::relaxation::kernels::{between, gain_until, kinks};
use std::cell::Cell;
use std::cmp::Ordering;

/// Smaller pivots are not taken.
const PIVOT: f64 = 1e-7;
/// Kinks no further apart than this are at the same place.
const TIED: f64 = 1e-10;

/// What enters the basis.
#[derive(Clone, Copy)]
pub(super) enum Candidate {
    Column(u32),
    Row(u32),
}

/// Where the way along a direction ends.
pub(super) enum RatioTest {
    /// At a kink, where the candidate takes over.
    Entering(f64, Candidate),
    /// Nowhere: beyond the last kink the bound falls for ever, with this slope.
    Unbounded(f64, f64),
}

thread_local! {
    /// From one run to the next: memory that is given back and asked for again is slow.
    pub(super) static BUFFERS: Cell<Buffers> = Cell::default();
}

/// What a run needs again and again.
#[derive(Default)]
pub(super) struct Buffers {
    pub(super) width: Vec<f64>,
    /// 1 at the upper bound, -1 at the lower, 0 where there is no other bound to go to: basic or fixed.
    pub(super) side: Vec<f64>,
    pub(super) alpha: Vec<f64>,
    pub(super) ratio: Vec<f64>,
    pub(super) gain: Vec<f64>,
    pub(super) near: Vec<(f64, u32)>,
    pub(super) ahead: Vec<u32>,
    pub(super) flips: Vec<u32>,
    pub(super) exprs: Vec<(u32, f64)>,
    pub(super) violated: Vec<(f64, u32, u32, u32)>,
    /// The end of the last way.
    pub(super) last: f64,
}

impl Buffers {
    /// Where a column is.
    #[inline]
    pub(super) fn put(&mut self, j: usize, place: VarStatus) {
        // Without branches: at which bound a column is can't be predicted.
        const SIDES: [f64; 3] = [-1.0, 1.0, 0.0];
        self.side[j] = if self.width[j] > 0.0 { SIDES[place as usize] } else { 0.0 };
    }

    /// Where all columns are.
    pub(super) fn put_all(&mut self, places: &[VarStatus]) {
        places.iter().enumerate().for_each(|(j, place)| self.put(j, *place));
    }
}

impl Simplex {
    /// Where the way along a direction ends: passes kinks while it pays off. The columns passed are `flips`.
    pub(super) fn bound_flipping_ratio_test(&self, delta: &[f64], slope: f64, buffers: &mut Buffers) -> RatioTest {
        buffers.flips.clear();
        buffers.near.clear();
        buffers.ahead.clear();
        let row = self.first_row(delta);
        let Buffers { width, side, alpha, ratio, gain, .. } = buffers;
        kinks(alpha, side, &self.reduced_costs, width, PIVOT, ratio, gain);
        let total = gain_until(ratio, gain, row.0.min(f64::MAX));
        let (t, candidate) = if slope + total < 0.0 {
            if row.0.is_infinite() {
                let last = ratio.iter().copied().filter(|t| t.is_finite()).fold(0.0, f64::max);
                return RatioTest::Unbounded(last, slope + total);
            }
            buffers.flip(row.0);
            (row.0, Candidate::Row(row.1))
        } else {
            let slope = buffers.gather_near(slope, row.0);
            let slope = buffers.halve_near(slope);
            let (slope, entering) = buffers.take_near(slope);
            match entering {
                Some(found) => found,
                // Sums in another order can differ by a little.
                None if row.0.is_finite() => (row.0, Candidate::Row(row.1)),
                None => match buffers.flips.pop() {
                    Some(j) => (buffers.ratio[j as usize], Candidate::Column(j)),
                    None => return RatioTest::Unbounded(0.0, slope),
                },
            }
        };
        RatioTest::Entering(t, self.safest(delta, (t, candidate), buffers))
    }

    /// Where the first basic row's multiplier becomes zero, and which; infinity if none does.
    fn first_row(&self, delta: &[f64]) -> (f64, u32) {
        let mut row = (f64::INFINITY, 0);
        for (i, v) in delta.iter().enumerate() {
            if *v > PIVOT {
                let t = (self.duals[i] / v).max(0.0);
                if t < row.0 {
                    row = (t, i as u32);
                }
            }
        }
        row
    }

    /// The candidate with the greatest pivot among those of about the same place, which is the safest; or the first one, if its own is not much smaller.
    fn safest(&self, delta: &[f64], (t, mut candidate): (f64, Candidate), buffers: &mut Buffers) -> Candidate {
        let Buffers { alpha, ratio, near, ahead, .. } = buffers;
        let size_of = |candidate: Candidate| match candidate {
            Candidate::Column(j) => alpha[j as usize].abs(),
            Candidate::Row(i) => delta[i as usize].abs(),
        };
        if matches!(candidate, Candidate::Row(_)) {
            near.clear();
            ahead.clear();
            between(ratio, t, t + TIED, ahead);
            near.extend(ahead.iter().map(|j| (ratio[*j as usize], *j)));
        }
        let columns = near.iter().take_while(|(at, _)| *at <= t + TIED).map(|(_, j)| Candidate::Column(*j));
        let tied_rows = delta.iter().enumerate().filter(|(i, v)| **v > PIVOT && self.duals[*i] / **v <= t + TIED);
        let tied = columns.take(16).chain(tied_rows.map(|(i, _)| Candidate::Row(i as u32)));
        for other in tied {
            if size_of(other) > size_of(candidate) * 4.0 {
                candidate = other;
            }
        }
        candidate
    }
}

/// The order of kinks along the way.
fn by_place(a: &(f64, u32), b: &(f64, u32)) -> Ordering {
    a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))
}

/// The kinks of columns, which `kinks` has put into `ratio` and `gain`. Each function takes the slope at its beginning and returns that at its end.
impl Buffers {
    /// Flips the columns whose kinks are up to a place; none is before the beginning.
    fn flip(&mut self, end: f64) {
        between(&self.ratio, -1.0, end, &mut self.flips);
    }

    /// Gathers in `near` the kinks between two places, where the slope is negative at the first and not at the second; flips those before. The places
    /// are found by doubling: ends are about as far as the last one was.
    fn gather_near(&mut self, slope: f64, row: f64) -> f64 {
        let (ratio, gain) = (&self.ratio, &self.gain);
        let (mut low, mut passed, mut high) = (-1.0, 0.0, 0.0);
        let mut gained = gain_until(ratio, gain, 0.0);
        let mut middle = 2.0 * self.last;
        while slope + gained < 0.0 {
            (low, passed) = (high, gained);
            high = if middle < row { middle } else { row.min(f64::MAX) };
            gained = if high == row || high == f64::MAX { f64::INFINITY } else { gain_until(ratio, gain, high) };
            middle *= 8.0;
        }
        between(ratio, low, high + TIED, &mut self.ahead);
        self.near.extend(self.ahead.iter().map(|j| (ratio[*j as usize], *j)));
        if low >= 0.0 {
            self.flip(low);
        }
        slope + passed
    }

    /// Halves what is `near` until few kinks are left; those passed are flips.
    fn halve_near(&mut self, mut slope: f64) -> f64 {
        let Buffers { gain, near, flips, .. } = self;
        while near.len() > 24 {
            let middle = near.len() / 2;
            near.select_nth_unstable_by(middle, by_place);
            let half: f64 = near[..middle].iter().map(|(_, j)| gain[*j as usize]).sum();
            if slope + half >= 0.0 {
                // Those of the same place as the end are wanted too.
                let end = near[..middle].iter().map(|(t, _)| *t).fold(0.0, f64::max) + TIED;
                let mut kept = middle;
                for at in middle..near.len() {
                    if near[at].0 <= end && kept < middle + 8 {
                        near.swap(kept, at);
                        kept += 1;
                    }
                }
                near.truncate(kept);
                if kept > middle {
                    break;
                }
            } else {
                slope += half;
                flips.extend(near[..middle].iter().map(|(_, j)| *j));
                near.drain(..middle);
            }
        }
        slope
    }

    /// Passes the kinks that are `near` in their order, until one ends the way; it is taken out with those passed, which are flips.
    fn take_near(&mut self, mut slope: f64) -> (f64, Option<(f64, Candidate)>) {
        let Buffers { gain, near, flips, .. } = self;
        near.sort_unstable_by(by_place);
        let mut entering = None;
        let mut rest = 0;
        for (at, (t, j)) in near.iter().enumerate() {
            slope += gain[*j as usize];
            if slope >= 0.0 {
                entering = Some((*t, Candidate::Column(*j)));
                rest = at + 1;
                break;
            }
            flips.push(*j);
        }
        near.drain(..rest);
        (slope, entering)
    }
}
