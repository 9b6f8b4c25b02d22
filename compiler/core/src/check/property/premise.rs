//! Premises that nothing meets: what stands left of `=>`, or after `where` inside of a statement, and is plainly false; and what is said of all of nothing.
//!
//! In: a premise, or the values of a binder, each time that it is written out. Out: a warning where it is impossible every time. Plain means by intervals of the
//! variables' formats and the networks' outputs, which conditions that hold together narrow: a premise that is impossible for other reasons is not told.

use super::lowering::{Lowering, Premise, Ranges};
use crate::diagnostic::{Diagnostic, Place};
use num_traits::{One, Signed, Zero};
use qnn_ir::NodeId;
use qnn_ir::Rational;
use qnn_ir::interrupt::work;
use qnn_ir::obligation::term::{Formula, Term};
use qnn_ir::rational::integer;

/// How often conditions that hold together narrow each other's elements.
const MOST_ROUNDS: usize = 4;
/// What an interval takes, in elementary operations.
const INTERVAL: usize = 64;

/// What conditions say of elements, and what is known where they stand.
struct Known<'a> {
    here: Ranges,
    around: Option<&'a Known<'a>>,
}

impl Known<'_> {
    fn get(&self, key: &(NodeId, u32)) -> Option<&(Rational, Rational)> {
        self.here.get(key).or_else(|| self.around?.get(key))
    }
}

impl Lowering<'_> {
    /// Takes note of a premise as it is written out once.
    pub(super) fn suppose(&mut self, place: Place, premise: &Formula) {
        if matches!(self.premises.get(&place), Some((_, true))) {
            return;
        }
        if self.given.0 != self.assumptions.len() {
            let assumptions: Vec<&Formula> = self.assumptions.iter().collect();
            let known = self.narrowed(&assumptions, None).map(|(known, _)| known.here);
            // Assumptions that nothing meets are told as such.
            self.given = (self.assumptions.len(), known.unwrap_or_default());
        }
        let given = Known { here: std::mem::take(&mut self.given.1), around: None };
        let possible = self.possible(premise, &given);
        self.given.1 = given.here;
        self.premises.insert(place, (Premise::Condition, possible));
    }

    /// Takes note of how many values a binder has as it is written out once.
    pub(super) fn range_over(&mut self, place: Place, values: usize) {
        let possible = &mut self.premises.entry(place).or_insert((Premise::Range, false)).1;
        *possible |= values > 0;
    }

    /// Warns of premises that nothing meets.
    pub(super) fn report_premises(&self) {
        for (place, (premise, _)) in self.premises.iter().filter(|(_, (_, possible))| !*possible) {
            self.context.report(match premise {
                Premise::Condition => {
                    Diagnostic::warning("W0615", "nothing meets this premise", *place, "is never true")
                        .note("What follows from a premise that is never true holds, and says nothing.")
                        .help("check the condition")
                }
                Premise::Range => Diagnostic::warning("W0615", "nothing is in this range", *place, "is empty")
                    .note("What is said of everything in an empty range holds, and says nothing.")
                    .help("check the range's ends"),
            });
        }
    }

    /// Whether a statement may be true of some values; no, only if intervals show that it is not.
    fn possible(&self, formula: &Formula, around: &Known<'_>) -> bool {
        let Some((known, choices)) = self.narrowed(&[formula], Some(around)) else { return false };
        choices.iter().all(|parts| parts.iter().any(|part| self.possible(part, &known)))
    }

    /// What conditions that all hold say of elements, and what else they ask for: one of each list. `None` if intervals show that they don't.
    fn narrowed<'b>(
        &self,
        all: &[&'b Formula],
        around: Option<&'b Known<'b>>,
    ) -> Option<(Known<'b>, Vec<&'b [Formula]>)> {
        let (mut terms, mut choices) = (Vec::new(), Vec::new());
        let mut left = all.to_vec();
        while let Some(formula) = left.pop() {
            match formula {
                Formula::Bool(true) => {}
                Formula::Bool(false) => return None,
                Formula::AtLeastZero { term, strict } => terms.push((&**term, *strict)),
                Formula::And(parts) => left.extend(parts),
                Formula::Or(parts) => choices.push(parts.as_slice()),
                Formula::Either { holds, .. } => left.push(holds),
            }
        }
        let mut known = Known { here: Ranges::new(), around };
        for _ in 0..MOST_ROUNDS {
            let mut changed = false;
            for (term, strict) in &terms {
                changed |= self.narrow(term, *strict, &mut known)?;
            }
            if !changed {
                break;
            }
        }
        Some((known, choices))
    }

    /// Takes from the elements of a term what would leave it negative (or zero, if it is not to be), and says whether that is anything. `None` if it always is.
    fn narrow(&self, term: &Term, strict: bool, known: &mut Known<'_>) -> Option<bool> {
        let Some((_, most)) = self.interval(term, known) else { return Some(false) };
        if most.is_negative() || strict && most.is_zero() {
            return None;
        }
        let mut changed = false;
        for ((node, element), factor) in &term.linear.terms {
            let Some((mut lo, mut hi)) = self.element(*node, *element, known) else { continue };
            let own = if factor.is_positive() { factor * &hi } else { factor * &lo };
            // factor · element is at least this, whatever the others are; elements are integers.
            let bound = (own - &most) / factor;
            let narrower = if factor.is_positive() {
                let least = if strict { bound.floor() + Rational::one() } else { bound.ceil() };
                let narrower = least > lo;
                lo = lo.max(least);
                narrower
            } else {
                let greatest = if strict { bound.ceil() - Rational::one() } else { bound.floor() };
                let narrower = greatest < hi;
                hi = hi.min(greatest);
                narrower
            };
            if lo > hi {
                return None;
            }
            if narrower {
                known.here.insert((*node, *element), (lo, hi));
                changed = true;
            }
        }
        Some(changed)
    }

    /// The least and the greatest value that a term could have.
    fn interval(&self, term: &Term, known: &Known<'_>) -> Option<(Rational, Rational)> {
        work(INTERVAL * (1 + term.linear.terms.len()));
        let (mut least, mut most) = (term.linear.constant.clone(), term.linear.constant.clone());
        let mut add = |factor: &Rational, (lo, hi): (Rational, Rational)| {
            let (a, b) = (factor * lo, factor * hi);
            let (lo, hi) = if a <= b { (a, b) } else { (b, a) };
            least += lo;
            most += hi;
        };
        for ((node, element), factor) in &term.linear.terms {
            add(factor, self.element(*node, *element, known)?);
        }
        for (factor, alternatives) in &term.maxima {
            let mut all = alternatives.iter().map(|alternative| self.interval(alternative, known));
            let first = all.next()??;
            let greatest = all.try_fold(first, |(lo, hi), next| next.map(|(l, h)| (lo.max(l), hi.max(h))))?;
            add(factor, greatest);
        }
        Some((least, most))
    }

    /// What an element of a node could be: as far as is known, in its variable's domain, or in the range of a network's output.
    fn element(&self, node: NodeId, element: u32, known: &Known<'_>) -> Option<(Rational, Rational)> {
        // The graph of a real-valued reading only encloses it.
        if self.errors.contains_key(&node) {
            return None;
        }
        if let Some(range) = known.get(&(node, element)) {
            return Some(range.clone());
        }
        if let Some((variable, _)) = self.variables.iter().find(|(variable, _)| variable.node == node) {
            let (lo, hi) = variable.domain.get(element as usize)?;
            return Some((integer(i128::from(*lo)), integer(i128::from(*hi))));
        }
        let call = self.calls.iter().find(|call| call.output.node == node)?;
        let range = call.network.ranges.get(call.network.output.node.index())?.get(element as usize)?;
        Some((integer(range.lo), integer(range.hi)))
    }
}
