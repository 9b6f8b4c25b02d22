//! Premises that nothing meets: what stands left of `=>`, or after `where` inside of a statement, and is plainly false.
//!
//! In: a premise, each time that it is written out. Out: a warning where it is impossible every time. Plain means by intervals of the
//! variables' formats and the networks' outputs: a premise that is impossible for other reasons is not told.

use super::Lowering;
use crate::diagnostic::{Diagnostic, Place};
use num_traits::{Signed, Zero};
use qnn_ir::NodeId;
use qnn_ir::Rational;
use qnn_ir::obligation::term::{Formula, Term};
use qnn_ir::rational::integer;

impl Lowering<'_> {
    /// Takes note of a premise as it is written out once.
    pub(super) fn suppose(&mut self, place: Place, premise: &Formula) {
        if self.premises.get(&place) != Some(&true) {
            let possible = self.possible(premise);
            self.premises.insert(place, possible);
        }
    }

    /// Warns of premises that nothing meets.
    pub(super) fn report_premises(&self) {
        for (place, _) in self.premises.iter().filter(|(_, possible)| !**possible) {
            self.context.report(
                Diagnostic::warning("W0615", "nothing meets this premise", *place, "is never true")
                    .note("What follows from a premise that is never true holds, and says nothing.")
                    .help("check the condition"),
            );
        }
    }

    /// Whether a statement may be true of some values; no, only if intervals show that it is not.
    fn possible(&self, formula: &Formula) -> bool {
        match formula {
            Formula::Bool(holds) => *holds,
            Formula::AtLeastZero { term, strict } => match self.interval(term) {
                Some((_, most)) => most.is_positive() || !strict && most.is_zero(),
                None => true,
            },
            Formula::And(parts) => parts.iter().all(|part| self.possible(part)),
            Formula::Or(parts) => parts.iter().any(|part| self.possible(part)),
            Formula::Either { holds, .. } => self.possible(holds),
        }
    }

    /// The least and the greatest value that a term could have.
    fn interval(&self, term: &Term) -> Option<(Rational, Rational)> {
        let (mut least, mut most) = (term.linear.constant.clone(), term.linear.constant.clone());
        let mut add = |factor: &Rational, (lo, hi): (Rational, Rational)| {
            let (a, b) = (factor * lo, factor * hi);
            let (lo, hi) = if a <= b { (a, b) } else { (b, a) };
            least += lo;
            most += hi;
        };
        for ((node, element), factor) in &term.linear.terms {
            add(factor, self.element(*node, *element)?);
        }
        for (factor, alternatives) in &term.maxima {
            let mut all = alternatives.iter().map(|alternative| self.interval(alternative));
            let first = all.next()??;
            let greatest = all.try_fold(first, |(lo, hi), next| next.map(|(l, h)| (lo.max(l), hi.max(h))))?;
            add(factor, greatest);
        }
        Some((least, most))
    }

    /// What an element of a node could be: in its variable's domain, or no greater than all of the node's elements.
    fn element(&self, node: NodeId, element: u32) -> Option<(Rational, Rational)> {
        // The graph of a real-valued reading only encloses it.
        if self.errors.contains_key(&node) {
            return None;
        }
        if let Some((variable, _)) = self.variables.iter().find(|(variable, _)| variable.node == node) {
            let (lo, hi) = variable.domain.get(element as usize)?;
            return Some((integer(i128::from(*lo)), integer(i128::from(*hi))));
        }
        let magnitude = self.magnitudes.get(node.index()).copied().flatten()?;
        Some((integer(-magnitude), integer(magnitude)))
    }
}
