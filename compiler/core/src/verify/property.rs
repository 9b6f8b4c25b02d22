//! Deciding a property: whether any input breaks its statement, and whether any meets its assumptions. A `find` asks the same of the statement that there
//! is nothing to be found.

use super::evidence::About;
use super::lowering::{Asked, Failure};
use super::session::{Decided, Session};
use super::smallest::Smaller;
use super::verdict::{Counterexample, InstanceResult, Kind, Smallest, Verdict};
use crate::check::spec::Smallness;
use qnn_engine::Answer;
use std::time::Duration;

/// What is left of a budget for the question whether anything meets the assumptions: always a tenth, since it is nearly always easy. It depends on
/// what the first question took then, not now, so that a second run asks the store for the same.
pub(super) fn allowance(budget: Duration, spent: Duration) -> Duration {
    budget.saturating_sub(spent).max(budget / 10)
}

/// Decides a property.
pub(super) fn property(
    result: &mut InstanceResult,
    session: &Session<'_>,
    asked: &Asked,
    smallness: Option<Smallness>,
) -> Result<(), Failure> {
    let budget = session.turn.time;
    let mut decided = session.decide(session.name, &asked.obligation, budget);
    let small = smaller(session, asked, smallness, &mut decided);
    result.provenance(&decided);
    result.evidence.extend(decided.evidence(About::Statement, None, || asked.obligation.key()));
    match decided.answer {
        Answer::Some(assignment) => {
            let shown = asked.builder.counterexample(&asked.obligation, &assignment).map_err(Failure::Internal)?;
            result.verdict = Verdict::Violated;
            result.counterexample = Some(Counterexample { smallest: small, ..shown });
            let found = format!("found{} and confirmed by the reference interpreter.", result.by());
            result.detail = match result.kind {
                Kind::Find => format!("What is looked for was {found}"),
                _ => format!("A counterexample breaks it, {found}"),
            };
        }
        Answer::None(trust) => match assumed(session, asked, allowance(budget, decided.time)) {
            None if result.kind == Kind::Find => result.prove(trust, "There is none among all inputs"),
            None => result.prove(trust, "It holds for every input"),
            Some((key, checked)) => {
                result.evidence.extend(checked.evidence(About::Assumptions, None, || key));
                result.time += checked.time;
                result.cached &= checked.cached;
                match checked.answer {
                    Answer::Some(_) if result.kind == Kind::Find => {
                        result.prove(trust, "There is none among the inputs that meet the conditions");
                    }
                    Answer::Some(_) => result.prove(trust, "It holds for every input that meets the assumptions"),
                    Answer::None(trust) => {
                        result.verdict = Verdict::Vacuous;
                        result.trust = Some(trust);
                        result.engine = checked.engine;
                        result.reports = checked.reports;
                        result.detail = match result.kind {
                            Kind::Find => "No input meets the conditions, so there is nothing to search.".to_owned(),
                            _ => "No input meets the assumptions, so it says nothing.".to_owned(),
                        };
                    }
                    Answer::Unknown(reason) => {
                        result.trust = Some(trust);
                        result.reports.extend(checked.reports);
                        result.undecided(&reason, session.given(budget.max(checked.budget), checked.cached));
                        result.add(match result.kind {
                            Kind::Find => {
                                "There is none among the inputs that meet the conditions, but whether any does is not known."
                            }
                            _ => "It holds for every input that meets the assumptions, but whether any does is not known.",
                        });
                    }
                }
            }
        },
        Answer::Unknown(reason) => {
            result.searched = session.searched();
            result.undecided(&reason, session.given(decided.budget, decided.cached));
        }
    }
    if result.kind == Kind::Find {
        result.verdict = result.verdict.of_search();
    }
    result.mention_broken();
    Ok(())
}

/// Makes the counterexample as small as the spec asks, in what is left of the budget; `None` where that is not asked, or nothing ranges over a ball.
fn smaller(
    session: &Session<'_>,
    asked: &Asked,
    smallness: Option<Smallness>,
    decided: &mut Decided<Answer>,
) -> Option<Smallest> {
    let Answer::Some(assignment) = &mut decided.answer else { return None };
    let (goal, centers) = smallness.zip(asked.builder.centers(&asked.obligation))?;
    let begun = session.clock.now();
    let budget = session.turn.budget.saturating_sub(session.turn.had + decided.time);
    let search = Smaller { session, obligation: &asked.obligation, centers: &centers, goal };
    let small = search.run(assignment, budget);
    decided.time += session.clock.since(begun);
    Some(small)
}

/// Whether anything meets the assumptions, with the key of what was asked; `None` if there are none to meet.
pub(super) fn assumed(session: &Session<'_>, asked: &Asked, budget: Duration) -> Option<(String, Decided<Answer>)> {
    let vacuity = asked.vacuity.as_ref()?;
    Some((vacuity.key(), session.decide(&format!("{}: its assumptions", session.name), vacuity, budget)))
}
