//! Certificates that need no search: for each case one atom whose own bound is negative.
//!
//! In: an obligation. Out: the certificate of what interval arithmetic and the substitution of sums alone exclude. It is handed to [`check()`]
//! like any other before it leaves, so nothing rests on this file.

use super::bound::bound;
use super::{CERTIFICATE_VERSION, Certificate, Multipliers, Step, check};
use qnn_ir::Interval;
use qnn_ir::obligation::{Atom, Obligation};

/// A certificate of one step for each case, if there is one: an atom that the dual bound without multipliers excludes.
pub fn plain(obligation: &Obligation) -> Option<Certificate> {
    let ranges = obligation.ranges().ok()?;
    let step = |atom: usize| {
        let multipliers = Multipliers { atoms: vec![(u32::try_from(atom).ok()?, 1)], slots: Vec::new() };
        Some(vec![Step::Bound(multipliers)])
    };
    let assumption = obligation.assumptions.iter().position(|atom| is_excluded(obligation, &ranges, atom));
    let close = |case: &Vec<Atom>| match assumption {
        Some(at) => step(at),
        // The goal comes last, and is what most often fails.
        None => {
            step(obligation.assumptions.len() + case.iter().rposition(|atom| is_excluded(obligation, &ranges, atom))?)
        }
    };
    let certificate = Certificate {
        version: CERTIFICATE_VERSION,
        obligation: obligation.key(),
        prelude: Vec::new(),
        cases: obligation.cases.iter().map(close).collect::<Option<_>>()?,
    };
    check(obligation, &certificate).is_ok().then_some(certificate)
}

fn is_excluded(obligation: &Obligation, ranges: &[Vec<Interval>], atom: &Atom) -> bool {
    let form: Vec<_> = atom.linear.terms.iter().map(|(node, i, factor)| (*node, *i as usize, *factor)).collect();
    bound(&obligation.graph, ranges, &form, atom.linear.constant, &Multipliers::default(), |_| ())
        .is_ok_and(|most| most < 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use qnn_ir::testing::{Shape, brute_force, random_obligation};

    #[test]
    fn what_intervals_exclude_needs_no_search() {
        let mut found = 0;
        for seed in 0..3000 {
            let obligation = random_obligation(seed, &Shape::default());
            if let Some(certificate) = plain(&obligation) {
                found += 1;
                assert_eq!(check(&obligation, &certificate).err(), None, "seed {seed}");
                assert!(brute_force(&obligation).is_none(), "seed {seed}");
            }
        }
        assert!(found > 300, "{found}");
    }
}
