//! The engine `attack`: gradients with restarts in the integer domain, and nothing else.

use super::case::Accepted;
use super::run::Run;
use super::{Search, assignment, too_large};
use crate::{Answer, Control, Engine, Reason};
use qnn_ir::obligation::Obligation;

/// The engine `attack`: gradients with restarts in the integer domain, and nothing else. It proves nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attacks;

/// The points that a thorough attack begins with, the first in the middle of the box …
const STARTS: usize = 40;
/// … and the most steps from each.
const ROUNDS: usize = 20;

impl Engine for Attacks {
    fn name(&self) -> &'static str {
        "attack"
    }

    fn solve(&self, obligation: &Obligation, control: &Control) -> Answer {
        control.bound(|| attack(obligation, control)).unwrap_or_else(Answer::Unknown)
    }
}

fn attack(obligation: &Obligation, control: &Control) -> Answer {
    let Some(relaxation) = control.relaxations.of(&obligation.graph) else { return too_large() };
    let accept = |point: &[i64]| Accepted::from(&obligation.replay(&assignment(obligation, point)));
    let engine = Search::new();
    let run = match Run::new(&engine, &relaxation, obligation, control) {
        Ok(run) => run,
        Err(answer) => return answer,
    };
    for index in run.open() {
        if let Some(point) = run.attack(index, STARTS, ROUNDS, control, &accept) {
            return Answer::Some(assignment(obligation, &point));
        }
        if let Some(reason) = control.stop() {
            return Answer::Unknown(reason);
        }
    }
    Answer::Unknown(Reason::Incomplete("no attack succeeded, which proves nothing".to_owned()))
}
