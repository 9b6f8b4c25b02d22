//! Deciding a property: whether any input breaks its statement, and whether any meets its assumptions.

use super::evidence::About;
use super::lowering::{Asked, Failure};
use super::session::{Decided, Session};
use super::verdict::{InstanceResult, Verdict};
use qnn_engine::Answer;
use std::time::Duration;

/// What is left of a budget for the question whether anything meets the assumptions: always a tenth, since it is nearly always easy. It depends on
/// what the first question took then, not now, so that a second run asks the store for the same.
pub(super) fn allowance(budget: Duration, spent: Duration) -> Duration {
    budget.saturating_sub(spent).max(budget / 10)
}

/// Decides a property.
pub(super) fn property(result: &mut InstanceResult, session: &Session<'_>, asked: &Asked) -> Result<(), Failure> {
    let budget = session.turn.time;
    let decided = session.decide(session.name, &asked.obligation, budget);
    result.provenance(&decided);
    result.evidence.extend(decided.evidence(About::Statement, None, || asked.obligation.key()));
    match decided.answer {
        Answer::Some(assignment) => {
            let shown = asked.builder.counterexample(&asked.obligation, &assignment).map_err(Failure::Internal)?;
            result.verdict = Verdict::Violated;
            result.counterexample = Some(shown);
            result.detail =
                format!("A counterexample breaks it, found{} and confirmed by the reference interpreter.", result.by());
        }
        Answer::None(trust) => match assumed(session, asked, allowance(budget, decided.time)) {
            None => result.prove(trust, "It holds for every input"),
            Some((key, checked)) => {
                result.evidence.extend(checked.evidence(About::Assumptions, None, || key));
                result.time += checked.time;
                result.cached &= checked.cached;
                match checked.answer {
                    Answer::Some(_) => result.prove(trust, "It holds for every input that meets the assumptions"),
                    Answer::None(trust) => {
                        result.verdict = Verdict::Vacuous;
                        result.trust = Some(trust);
                        result.engine = checked.engine;
                        result.reports = checked.reports;
                        result.detail = "No input meets the assumptions, so it says nothing.".to_owned();
                    }
                    Answer::Unknown(reason) => {
                        result.trust = Some(trust);
                        result.reports.extend(checked.reports);
                        result.undecided(&reason, session.given(budget.max(checked.budget), checked.cached));
                        result.add(
                            "It holds for every input that meets the assumptions, but whether any does is not known.",
                        );
                    }
                }
            }
        },
        Answer::Unknown(reason) => {
            result.searched = session.searched();
            result.undecided(&reason, session.given(decided.budget, decided.cached));
        }
    }
    result.mention_broken();
    Ok(())
}

/// Whether anything meets the assumptions, with the key of what was asked; `None` if there are none to meet.
pub(super) fn assumed(session: &Session<'_>, asked: &Asked, budget: Duration) -> Option<(String, Decided<Answer>)> {
    let vacuity = asked.vacuity.as_ref()?;
    Some((vacuity.key(), session.decide(&format!("{}: its assumptions", session.name), vacuity, budget)))
}
