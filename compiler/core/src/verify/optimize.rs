//! `maximize` and `minimize`: what is found, what is not exceeded, and what both rest on.

use super::counterexample_builder::CounterexampleBuilder;
use super::evidence::{About, Evidence, Support};
use super::lowering::Failure;
use super::progress::Finding;
use super::session::{Session, is_close};
use super::verdict::{InstanceResult, MeasureResult, Number, Verdict};
use qnn_engine::{Reason, Trust};
use qnn_ir::Rational;
use qnn_ir::obligation::Objective;

/// What is sought: the greatest value of an objective.
pub(super) struct Sought<'a> {
    /// The objective.
    pub objective: &'a Objective,
    /// How far apart what is found and what is not exceeded may be.
    pub within: Option<&'a Rational>,
    /// Shows where a value is attained.
    pub builder: &'a CounterexampleBuilder,
}

/// Decides a measure that maximises or minimises.
pub(super) fn optimize(
    result: &mut InstanceResult,
    session: &Session<'_>,
    sought: &Sought<'_>,
    on_finding: &mut (dyn FnMut(Finding) + Send),
) -> Result<(), Failure> {
    let Sought { objective, within, builder } = *sought;
    let known = |upper: i128| (upper != i128::MAX).then(|| Number::from(&objective.bound(upper)));
    // What an enclosure can be off is taken off what was found, until the input itself is evaluated.
    let error = objective.exact.as_ref().map_or(0, |exact| exact.error);
    let decided = session.maximize(objective, within, session.turn.time, |found, upper| {
        let found = found.map(|found| Number::from(&objective.bound(found - 2 * error)));
        on_finding(Finding::Bounds { found, bound: known(upper) });
    });
    result.provenance(&decided);
    let (answer, kept) = (decided.answer, decided.kept);
    let mut witness = None;
    if let Some((best, assignment)) = &answer.best {
        let feasible = objective.feasible();
        result.evidence.push(Evidence {
            about: About::Found,
            candidate: None,
            obligation: feasible.key(),
            bound: None,
            rests_on: Support::Assignment(assignment.clone()),
        });
        witness = Some(builder.counterexample(&feasible, assignment).map_err(Failure::Internal)?);
        if objective.of(assignment) != Some(*best) {
            return Err(Failure::Internal(format!("the best value {best} is not attained where it was found")));
        }
    }
    let excluded = match answer.upper.checked_add(1) {
        _ if answer.vacuous => Some((About::Assumptions, objective.feasible().key())),
        Some(threshold) => Some((About::Bound, objective.at_least(threshold).key())),
        None => None,
    };
    // A certificate that a cancellation left unpacked is no evidence for anybody.
    let unpacked = matches!(answer.trust, Trust::Certificate { .. }) && kept.is_none();
    if let Some((about, obligation)) = excluded.filter(|_| !unpacked) {
        let rests_on = Support::of(&answer.trust, kept.as_ref());
        result.evidence.push(Evidence { about, candidate: None, obligation, bound: None, rests_on });
    }
    let found = answer.best.as_ref().map(|(best, assignment)| Number::from(&objective.found(*best, assignment)));
    let bound = known(answer.upper);
    let (extreme, most) = if objective.negated { ("minimum", "at least") } else { ("maximum", "at most") };
    if answer.vacuous {
        result.verdict = Verdict::Vacuous;
        result.trust = Some(answer.trust);
        result.detail = format!("No input meets the assumptions, so there is no {extreme}.");
    } else if let (true, Some(found)) = (answer.complete, &found) {
        result.verdict = Verdict::Proved;
        result.trust = Some(answer.trust);
        result.detail = match &bound {
            Some(bound) if bound.exact != found.exact => format!(
                "The {extreme} is {}, up to what integers can tell of a real-valued network: it is {most} {}.",
                found.text, bound.text
            ),
            _ => format!("The {extreme} is {}.", found.text),
        };
    } else if let (Some(found), Some(bound), Some(width)) = (&found, &bound, within)
        && is_close(objective, &answer, width)
    {
        result.verdict = Verdict::Proved;
        result.trust = Some(answer.trust);
        let (least, greatest) = if objective.negated { (bound, found) } else { (found, bound) };
        result.detail =
            format!("The {extreme} is from {} to {}, within {}.", least.text, greatest.text, Number::from(width).text);
    } else {
        let reason = answer.reason.unwrap_or_else(|| Reason::Incomplete("nobody knows why".to_owned()));
        result.searched = session.searched();
        result.undecided(&reason, session.given(decided.budget, decided.cached));
        let known = match (&found, &bound) {
            (Some(found), Some(bound)) => Some(format!("It is {most} {}, and {} was found.", bound.text, found.text)),
            (None, Some(bound)) => Some(format!("It is {most} {}.", bound.text)),
            (Some(found), None) => Some(format!("{} was found.", found.text)),
            (None, None) => None,
        };
        known.iter().for_each(|known| result.add(known));
    }
    let bound = if answer.vacuous { None } else { bound };
    result.measure = Some(MeasureResult {
        choice: Vec::new(),
        found,
        bound,
        complete: answer.complete,
        witness,
        within: within.map(Number::from),
        largest: None,
        share: None,
    });
    result.mention_broken();
    Ok(())
}
