//! The inputs of a box, in lexicographic order: the last element changes most often.

use super::{Batch, LANES};
use crate::{Interval, NodeId};

/// The inputs of a box that are to be evaluated.
#[derive(Clone, Debug)]
pub struct Points {
    /// What varies: the node and the element, its place among all varying ones being its index, and its range.
    ranges: Vec<(NodeId, u32, i64, i64)>,
    count: u64,
}

impl Points {
    /// The inputs of a box, one vector of intervals for each of these input nodes; `None` if there are more than `most`, or an end is beyond 64 bits.
    pub fn new(nodes: impl Iterator<Item = NodeId>, boxes: &[Vec<Interval>], most: u64) -> Option<Points> {
        let (mut ranges, mut count) = (Vec::new(), 1u64);
        for (node, elements) in nodes.zip(boxes) {
            for (element, range) in elements.iter().enumerate() {
                let (lo, hi) = (i64::try_from(range.lo).ok()?, i64::try_from(range.hi).ok()?);
                let size = u64::try_from(i128::from(hi) - i128::from(lo) + 1).unwrap_or(0);
                count = count.saturating_mul(size);
                if size != 1 {
                    ranges.push((node, element as u32, lo, hi));
                }
            }
        }
        // A range that is empty leaves nothing, however many values the others have.
        (count <= most).then_some(Points { ranges, count })
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The elements that vary, with the values of an input by its number.
    pub fn at(&self, mut number: u64) -> Vec<(NodeId, u32, i64)> {
        let digit = |(node, element, lo, hi): &(NodeId, u32, i64, i64)| {
            let size = hi.wrapping_sub(*lo).wrapping_add(1) as u64;
            let value = lo.wrapping_add((number % size) as i64);
            number /= size;
            (*node, *element, value)
        };
        let mut values: Vec<_> = self.ranges.iter().rev().map(digit).collect();
        values.reverse();
        values
    }

    /// Sets the lanes of a batch to the inputs from a number on, the last one repeated where there are no more; how many there are.
    pub fn fill(&self, batch: &mut Batch, from: u64) -> usize {
        let mut values = self.at(from);
        let lanes = LANES.min(usize::try_from(self.count.saturating_sub(from)).unwrap_or(LANES));
        // Elements that no form reads have no place in the batch.
        let mut places: Vec<Option<usize>> = Vec::with_capacity(values.len());
        let mut inputs = batch.inputs().iter().enumerate().peekable();
        for (node, element, _) in &values {
            places.push(inputs.next_if(|(_, input)| **input == (*node, *element)).map(|(place, _)| place));
        }
        for lane in 0..LANES {
            for (place, (_, _, value)) in places.iter().zip(&values) {
                if let Some(place) = place {
                    batch.set(*place, lane, *value);
                }
            }
            if lane + 1 < lanes {
                for ((_, _, value), (_, _, lo, hi)) in values.iter_mut().zip(&self.ranges).rev() {
                    let carry = *value == *hi;
                    *value = if carry { *lo } else { *value + 1 };
                    if !carry {
                        break;
                    }
                }
            }
        }
        lanes
    }
}
