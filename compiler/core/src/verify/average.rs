//! `average e over i in R`: the mean of numbers that are known, exactly; and the greatest or least of them.
//!
//! In: the choices, a budget. Out: the mean or the extreme. No engine is asked: each number is computed by the reference interpreter and exact arithmetic.

use super::choice_table::listed;
use super::lowering::{Failure, JobSource, known_number, written};
use super::plan::Job;
use super::session::Session;
use super::verdict::{InstanceResult, Kind, MeasureResult, Number, Parameter, Verdict};
use crate::check::spec::Counted;
use num_traits::Zero;
use qnn_ir::Rational;
use qnn_ir::interrupt::work;
use qnn_ir::rational::integer;

/// What a sum of exact numbers takes for each of its bits, in elementary operations.
const EACH: usize = 64;

/// Decides a measure that averages.
pub(super) fn average(
    result: &mut InstanceResult,
    job: &Job,
    source: &JobSource<'_>,
    session: &Session<'_>,
    counted: &Counted,
) -> Result<(), Failure> {
    let mut sum = Rational::zero();
    each(result, job, source, session, counted, |_, number| {
        work(EACH);
        sum += number;
    })?;
    let mean = Number::from(&(sum / integer(counted.len() as i128)));
    result.detail = format!("The average over {} is {}.", counted.len(), mean.text);
    known(result, mean, Vec::new());
    Ok(())
}

/// Decides a measure that maximises or minimises over indices alone.
pub(super) fn known_extreme(
    result: &mut InstanceResult,
    job: &Job,
    source: &JobSource<'_>,
    session: &Session<'_>,
    choices: &Counted,
) -> Result<(), Failure> {
    let least = job.kind == Kind::Minimize;
    let mut best: Option<(usize, Rational)> = None;
    each(result, job, source, session, choices, |choice, number| {
        let better = |best: &Rational| if least { number < *best } else { number > *best };
        if best.as_ref().is_none_or(|(_, best)| better(best)) {
            best = Some((choice, number));
        }
    })?;
    let (choice, number) = best.ok_or_else(|| Failure::Internal("no choice of the indices".to_owned()))?;
    let (number, choice) = (Number::from(&number), written(source, session, &choices[choice])?);
    let extreme = if least { "minimum" } else { "maximum" };
    result.detail = format!("The {extreme} over {} is {}, at {}.", choices.len(), number.text, listed(&choice));
    known(result, number, choice);
    Ok(())
}

/// The number of each choice, by its place.
fn each(
    result: &mut InstanceResult,
    job: &Job,
    source: &JobSource<'_>,
    session: &Session<'_>,
    choices: &Counted,
    mut hear: impl FnMut(usize, Rational),
) -> Result<(), Failure> {
    let begun = session.clock.now();
    for (choice, values) in choices.iter().enumerate() {
        let remaining = session.turn.budget.saturating_sub(session.clock.since(begun));
        if session.cancel.is_cancelled() {
            return Err(Failure::Cancelled);
        }
        if remaining.is_zero() {
            return Err(Failure::Late);
        }
        hear(choice, known_number(job, source, session, remaining, values)?);
    }
    result.time = session.clock.since(begun);
    Ok(())
}

/// The measure is this number.
fn known(result: &mut InstanceResult, number: Number, choice: Vec<Parameter>) {
    result.verdict = Verdict::Proved;
    result.measure = Some(MeasureResult {
        choice,
        found: Some(number.clone()),
        bound: Some(number),
        complete: true,
        witness: None,
        within: None,
        largest: None,
        share: None,
    });
}
