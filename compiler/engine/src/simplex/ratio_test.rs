//! The bound-flipping ratio test: how far the duals move along a direction, and what enters there.

use super::{Simplex, VarStatus};
use crate::relaxation::kernels::{between, gain_until, kinks};
use std::cell::Cell;

/// Smaller pivots are not taken.
const PIVOT: f64 = 1e-7;

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
    pub(super) fn bound_flipping_ratio_test(&self, delta: &[f64], mut slope: f64, buffers: &mut Buffers) -> RatioTest {
        let Buffers { width, side, alpha, ratio, gain, near, ahead, flips, last, .. } = buffers;
        flips.clear();
        near.clear();
        ahead.clear();
        let mut row = (f64::INFINITY, 0);
        for (i, v) in delta.iter().enumerate() {
            if *v > PIVOT {
                let t = (self.duals[i] / v).max(0.0);
                if t < row.0 {
                    row = (t, i as u32);
                }
            }
        }
        kinks(alpha, side, &self.reduced_costs, width, PIVOT, ratio, gain);
        // No kink is before the beginning.
        let flip_until = |end: f64, flips: &mut Vec<u32>| between(ratio, -1.0, end, flips);
        let total = gain_until(ratio, gain, row.0.min(f64::MAX));
        let (t, mut candidate) = if slope + total < 0.0 {
            if row.0.is_infinite() {
                let last = ratio.iter().copied().filter(|t| t.is_finite()).fold(0.0, f64::max);
                return RatioTest::Unbounded(last, slope + total);
            }
            flip_until(row.0, flips);
            (row.0, Candidate::Row(row.1))
        } else {
            // An end, and a place before it: ends are about as far as the last one was.
            let (mut low, mut passed, mut high) = (-1.0, 0.0, 0.0);
            let mut gained = gain_until(ratio, gain, 0.0);
            let mut middle = 2.0 * *last;
            while slope + gained < 0.0 {
                (low, passed) = (high, gained);
                high = if middle < row.0 { middle } else { row.0.min(f64::MAX) };
                gained = if high == row.0 || high == f64::MAX { f64::INFINITY } else { gain_until(ratio, gain, high) };
                middle *= 8.0;
            }
            slope += passed;
            let until = high + 1e-10;
            between(ratio, low, until, ahead);
            near.extend(ahead.iter().map(|j| (ratio[*j as usize], *j)));
            if low >= 0.0 {
                flip_until(low, flips);
            }
            // Halve what is between until few kinks are left; those passed are flips.
            let order = |a: &(f64, u32), b: &(f64, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
            while near.len() > 24 {
                let middle = near.len() / 2;
                near.select_nth_unstable_by(middle, order);
                let half: f64 = near[..middle].iter().map(|(_, j)| gain[*j as usize]).sum();
                if slope + half >= 0.0 {
                    // Those of the same place as the end are wanted too.
                    let end = near[..middle].iter().map(|(t, _)| *t).fold(0.0, f64::max) + 1e-10;
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
            near.sort_unstable_by(order);
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
            match entering {
                Some(found) => found,
                // Sums in another order can differ by a little.
                None if row.0.is_finite() => (row.0, Candidate::Row(row.1)),
                None => match flips.pop() {
                    Some(j) => (ratio[j as usize], Candidate::Column(j)),
                    None => return RatioTest::Unbounded(0.0, slope),
                },
            }
        };
        // Among kinks at the same place the greatest pivot is the safest.
        let size_of = |candidate: Candidate| match candidate {
            Candidate::Column(j) => alpha[j as usize].abs(),
            Candidate::Row(i) => delta[i as usize].abs(),
        };
        if matches!(candidate, Candidate::Row(_)) {
            near.clear();
            ahead.clear();
            between(ratio, t, t + 1e-10, ahead);
            near.extend(ahead.iter().map(|j| (ratio[*j as usize], *j)));
        }
        let columns = near.iter().take_while(|(at, _)| *at <= t + 1e-10).map(|(_, j)| Candidate::Column(*j));
        let tied_rows = delta.iter().enumerate().filter(|(i, v)| **v > PIVOT && self.duals[*i] / **v <= t + 1e-10);
        let tied = columns.take(16).chain(tied_rows.map(|(i, _)| Candidate::Row(i as u32)));
        for other in tied {
            if size_of(other) > size_of(candidate) * 4.0 {
                candidate = other;
            }
        }
        RatioTest::Entering(t, candidate)
    }
}
