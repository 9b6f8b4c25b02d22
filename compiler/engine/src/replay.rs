//! The check that every answer passes before it leaves the crate.
//!
//! Invariant: after [`replayed`] an assignment has passed the reference interpreter, and a certificate the checker.

use crate::{Answer, Control, Core, Reason, Trust, near_miss};
use qnn_ir::obligation::{Obligation, Replay};
use std::time::{Duration, Instant};

/// A check that takes no longer than this is finished although the time is up, so that the answer is not lost.
const NEARLY: Duration = Duration::from_millis(30);

/// The answer, once its assignment has passed the reference interpreter and its certificate the checker. No answer leaves the crate
/// otherwise.
pub fn replayed(obligation: &Obligation, engine: &str, answer: Answer, control: &Control) -> Answer {
    control.bound(|| replayed_within(obligation, engine, answer, control)).unwrap_or_else(Answer::Unknown)
}

fn replayed_within(obligation: &Obligation, engine: &str, answer: Answer, control: &Control) -> Answer {
    match answer {
        Answer::Some(assignment) => match obligation.replay(&assignment) {
            Replay::Holds(_) => Answer::Some(assignment),
            Replay::Close => Answer::Unknown(near_miss()),
            Replay::Fails(why) => {
                Answer::Unknown(Reason::Internal(format!("a counterexample of {engine} does not replay: {why}")))
            }
        },
        Answer::None(Trust::Certificate { certificate: Some(certificate), steps }) => {
            let cores: Vec<Core> = std::iter::from_fn(|| control.spare.take()).collect();
            let begun = Instant::now();
            let stop = || control.stop().is_some() && begun.elapsed() > NEARLY;
            match qnn_proof::check_until(obligation, &certificate, 1 + cores.len(), &stop) {
                Ok(None) => Answer::Unknown(control.stop().unwrap_or(Reason::Timeout)),
                Ok(Some(_)) => Answer::None(Trust::Certificate { certificate: Some(certificate), steps }),
                Err(rejection) => {
                    Answer::Unknown(Reason::Internal(format!("a certificate of {engine} is rejected: {rejection}")))
                }
            }
        }
        Answer::None(Trust::Certificate { certificate: None, .. }) => {
            Answer::Unknown(Reason::Internal(format!("{engine} claims a certificate that it does not show")))
        }
        other => other,
    }
}
