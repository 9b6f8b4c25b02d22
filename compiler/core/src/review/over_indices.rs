//! A claim about a `maximize` or `minimize` over indices: what the evidence shows of each choice, and so of all.
//!
//! In: the choices' objectives, lowered anew one after the other, a record. Out: what the claim rests on. Every choice must be shown not to exceed what is
//! claimed; one that the evidence says nothing of lets the claim fail.

use super::claim::{Claim, ClaimResult, ClaimStanding, Gap, other_question, rejected, replayed};
use super::file::{Item, RecordGround};
use crate::verify::evidence::About;
use crate::verify::verdict::{Kind, Number, Verdict};
use num_traits::Zero;
use qnn_ir::Rational;
use qnn_ir::obligation::Objective;
use std::sync::Arc;

/// Lowers the objective of a choice.
type ObjectiveOf<'a> = dyn Fn(usize) -> Result<Arc<Objective>, ClaimStanding> + 'a;

/// What the evidence shows of a choice.
struct ShownChoice {
    standing: ClaimStanding,
    /// The rank that it does not exceed: its value, negated for a minimum. `None` if no input meets its assumptions.
    bound: Option<Rational>,
    /// The greatest rank that an input attains.
    attained: Option<Rational>,
    /// An input attains the greatest integer of an enclosure: what `bound` exceeds is what that is off.
    settled: bool,
}

impl Claim<'_> {
    /// Checks a claim about so many choices, whose ends may be `within` so much of each other; `undecided` begins the sentence where it claims no more than a bound.
    pub(super) fn over_indices(
        &mut self,
        of: usize,
        within: Option<&Rational>,
        objective: &ObjectiveOf<'_>,
        undecided: &str,
    ) -> ClaimResult {
        let decided = self.record.verdict.is_decided();
        if decided && !matches!(self.record.verdict, Verdict::Proved | Verdict::Vacuous) {
            return Err(rejected("a measure is not violated"));
        }
        let claimed = match &self.record.bound {
            None => None,
            Some(text) => Some(number(text).map(|bound| self.rank(bound)).ok_or_else(no_value)?),
        };
        let mut standing = ClaimStanding::Counterexample;
        let (mut bounds, mut attained) = (Vec::new(), None);
        for choice in 0..of {
            let Some(shown) = self.choice(choice, objective)? else {
                return Err(match decided {
                    true => rejected(format!("nothing is said of its choice {choice}, counted from 0")),
                    false => ClaimStanding::Open(undecided.to_owned()),
                });
            };
            standing = standing.and(shown.standing);
            attained = attained.max(shown.attained);
            bounds.extend(shown.bound.map(|bound| (bound, shown.settled)));
        }
        let greatest = bounds.iter().map(|(bound, _)| bound).max().cloned();
        if self.record.verdict == Verdict::Vacuous {
            return if bounds.is_empty() { Ok(standing) } else { Err(rejected("some choice has inputs, or may have")) };
        }
        if greatest.as_ref().zip(claimed.as_ref()).is_some_and(|(greatest, claimed)| greatest > claimed) {
            return Err(rejected("its evidence does not show its bound"));
        }
        if !decided {
            return Err(ClaimStanding::Open(format!("{undecided}{}", self.at_most(claimed, &standing))));
        }
        let value = attained.as_ref().map(|rank| self.rank(rank.clone()));
        self.found(&value.as_ref().map(ToString::to_string))?;
        let (Some(attained), Some(greatest), Some(found)) = (attained, greatest, value) else {
            return Err(rejected("no input attains it"));
        };
        // As far as is claimed, and no further than the spec allows.
        let width = within.filter(|_| claimed.is_some()).cloned().unwrap_or_else(Rational::zero);
        let most = &attained + width;
        if bounds.iter().any(|(bound, settled)| *bound > most && !settled) {
            return Err(rejected("its evidence leaves better values open"));
        }
        if greatest > attained {
            let bound = Number::from(&self.rank(greatest));
            self.gap = Some(Gap { found: (&found).into(), bound, minimum: self.record.kind == Kind::Minimize });
        }
        Ok(standing)
    }

    /// What is known of an undecided measure, as the end of a sentence.
    fn at_most(&self, claimed: Option<Rational>, standing: &ClaimStanding) -> String {
        let Some(claimed) = claimed else { return String::new() };
        let most = if self.record.kind == Kind::Minimize { "at least" } else { "at most" };
        let ground = match standing {
            ClaimStanding::Solver(name) => format!("the word of {name}"),
            _ => "certificates".to_owned(),
        };
        format!("; it is {most} {}, on {ground}", Number::from(&self.rank(claimed)).text)
    }

    /// What is shown of a choice; `None` if nothing is said of what it does not exceed.
    fn choice(&mut self, choice: usize, objective: &ObjectiveOf<'_>) -> Result<Option<ShownChoice>, ClaimStanding> {
        let candidate = i128::try_from(choice).ok();
        let objective = objective(choice)?;
        let is_proof = |item: &&Item| !matches!(item.rests_on, RecordGround::Assignment(_));
        if self.item(About::Assumptions, candidate).filter(is_proof).is_some() {
            let standing = self.unanswered(About::Assumptions, candidate, &objective.feasible())?;
            return Ok(Some(ShownChoice { standing, bound: None, attained: None, settled: false }));
        }
        let Some(item) = self.item(About::Bound, candidate) else { return Ok(None) };
        let bound = item.bound.as_deref().and_then(number).ok_or_else(no_value)?;
        let range = objective.range().map_err(|_| rejected("a number beyond 128 bits"))?;
        // Within its ranges nothing overflows.
        let upper = objective.upper(&bound).filter(|upper| range.contains(*upper)).ok_or_else(no_value)?;
        let standing = self.unanswered(About::Bound, candidate, &objective.at_least(upper + 1))?;
        let (mut attained, mut settled) = (None, false);
        let feasible = objective.feasible();
        for item in &self.record.evidence {
            if item.about != About::Found || item.candidate != candidate {
                continue;
            }
            if item.obligation != feasible.key() {
                return Err(other_question("where its best value is attained"));
            }
            let assignment = replayed(item, &feasible)?;
            let best = objective.of(&assignment).ok_or_else(|| rejected("no input attains it"))?;
            attained = attained.max(Some(self.rank(objective.found(best, &assignment))));
            settled |= objective.exact.is_some() && best == upper;
        }
        let bound = Some(self.rank(bound));
        Ok(Some(ShownChoice { standing, bound, attained, settled }))
    }

    /// A value as a rank, of which more is better, and back.
    fn rank(&self, value: Rational) -> Rational {
        if self.record.kind == Kind::Minimize { -value } else { value }
    }
}

fn number(text: &str) -> Option<Rational> {
    text.parse().ok()
}

fn no_value() -> ClaimStanding {
    rejected("its bound is none of its values")
}
