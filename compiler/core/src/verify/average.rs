//! `average e over i in R`: the mean of numbers that are known, exactly.
//!
//! In: the choices, a budget. Out: the mean. No engine is asked: each number is computed by the reference interpreter and exact arithmetic.

use super::lowering::{Failure, JobSource, averaged};
use super::plan::Job;
use super::session::Session;
use super::verdict::{InstanceResult, MeasureResult, Number, Verdict};
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
    let begun = session.clock.now();
    let mut sum = Rational::zero();
    for values in counted.iter() {
        let remaining = session.turn.budget.saturating_sub(session.clock.since(begun));
        if session.cancel.is_cancelled() {
            return Err(Failure::Cancelled);
        }
        if remaining.is_zero() {
            return Err(Failure::Late);
        }
        work(EACH);
        sum += averaged(job, source, session, remaining, values)?;
    }
    result.time = session.clock.since(begun);
    let mean = Number::from(&(sum / integer(counted.len() as i128)));
    result.verdict = Verdict::Proved;
    result.detail = format!("The average over {} is {}.", counted.len(), mean.text);
    result.measure = Some(MeasureResult {
        found: Some(mean.clone()),
        bound: Some(mean),
        complete: true,
        witness: None,
        within: None,
        largest: None,
        share: None,
    });
    Ok(())
}
