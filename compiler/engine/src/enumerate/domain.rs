//! Which inputs an obligation has, assumptions on single inputs counted in.

use super::MOST_POINTS;
use num_integer::Integer;
use qnn_ir::Interval;
use qnn_ir::obligation::Obligation;
use qnn_proof::{Multipliers, Tighten};

/// The inputs of an obligation.
pub(super) struct Domain<'a> {
    pub(super) obligation: &'a Obligation,
    pub(super) boxes: Vec<Vec<(i64, i64)>>,
    /// What assumptions on single inputs say of them.
    pub(super) prelude: Vec<Tighten>,
}

impl<'a> Domain<'a> {
    pub(super) fn new(obligation: &'a Obligation) -> Domain<'a> {
        let mut boxes: Vec<Vec<(i64, i64)>> = obligation.variables.iter().map(|v| v.domain.clone()).collect();
        let mut prelude = Vec::new();
        for (index, atom) in obligation.assumptions.iter().enumerate() {
            let [(node, element, factor)] = atom.linear.terms[..] else { continue };
            let variable = obligation.variables.iter().position(|variable| variable.node == node);
            let (Some(variable), Ok(atom), Ok(weight)) = (variable, u32::try_from(index), i64::try_from(-factor))
            else {
                continue;
            };
            // factor · x + constant >= 0.
            let (lo, hi) = &mut boxes[variable][element as usize];
            let constant = obligation.assumptions[index].linear.constant;
            if factor > 0 {
                *lo = i64::try_from(Integer::div_ceil(&-constant, &factor)).map_or(*lo, |least| least.max(*lo));
            } else {
                *hi = i64::try_from(Integer::div_floor(&constant, &-factor)).map_or(*hi, |most| most.min(*hi));
            }
            let multipliers = Multipliers { atoms: vec![(atom, 1)], slots: Vec::new() };
            prelude.push(Tighten { node: node.0, element, weight, multipliers });
        }
        Domain { obligation, boxes, prelude }
    }

    /// How many inputs there are, if they are few.
    pub(super) fn count(&self) -> Option<u64> {
        let sizes = self.boxes.iter().flatten().map(|(lo, hi)| i128::from(*hi) - i128::from(*lo) + 1);
        // A range that is empty leaves nothing, however many values the others have.
        if sizes.clone().any(|size| size <= 0) {
            return Some(0);
        }
        sizes
            .map(|size| u64::try_from(size).ok())
            .try_fold(1u64, |count, size| count.checked_mul(size?).filter(|count| *count <= MOST_POINTS))
    }

    /// Why there are too many inputs.
    pub(super) fn too_many(&self) -> String {
        let bits: f64 = self.boxes.iter().flatten().map(|(lo, hi)| (*hi as f64 - *lo as f64 + 1.0).log2()).sum();
        format!("there are about 2^{bits:.0} inputs, and only up to 2^20 are gone through one by one")
    }

    /// The boxes as intervals; not to be asked for where there is no input.
    pub(super) fn intervals(&self) -> Vec<Vec<Interval>> {
        let interval = |(lo, hi): &(i64, i64)| Interval { lo: i128::from(*lo), hi: i128::from(*hi) };
        self.boxes.iter().map(|ranges| ranges.iter().map(interval).collect()).collect()
    }
}
