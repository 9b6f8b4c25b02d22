//! The engine `smt`: quantifier-free bit-vector logic, decided by Z3.
//!
//! In: an obligation. Out: a proof on the solver's word, a replayed counterexample, or why there is neither. Intervals and the
//! relaxation's bounds go first: cases that they exclude are not encoded, and bit-vectors are as wide as they say. One lowering
//! ([`encode`]) feeds the solver ([`z3`]) and the SMT-LIB export. [`reals`] asks the solver about linear arithmetic over the real numbers, which is no
//! obligation's: queries about networks of floats are.

pub mod encode;
pub mod reals;
pub mod term;
pub mod z3;

pub use encode::{AdderTree, Encoding, Options, Products};
pub use z3::{settle, version};

use super::branch_and_bound::{Residual, Search};
use super::interval::{open_cases, presolve};
use super::presolve::Presolved;
use super::{Answer, Control, Engine, Meter, Reason, Trust, replayed};
use qnn_ir::obligation::Obligation;
use std::time::Duration;

/// The relaxation's bounds get this part of the time …
const SHARE_FOR_BOUNDS: u32 = 4;
/// … and no more than this.
const MOST_FOR_BOUNDS: Duration = Duration::from_secs(5);

/// The engine `smt`.
#[derive(Clone, Copy, Debug)]
pub struct Smt {
    /// How the formula is built.
    pub options: Options,
    /// How Z3 goes about it.
    pub strategy: z3::Strategy,
    /// Whether the relaxation's bounds go first, as intervals do.
    pub bounds: bool,
}

impl Default for Smt {
    fn default() -> Smt {
        Smt { options: Options::default(), strategy: z3::Strategy::default(), bounds: true }
    }
}

impl Smt {
    /// The same engine with the given adder tree.
    pub fn with_tree(tree: AdderTree) -> Smt {
        Smt { options: Options { tree, ..Options::default() }, ..Smt::default() }
    }
}

impl Engine for Smt {
    fn name(&self) -> &'static str {
        match self.options.tree {
            AdderTree::Balanced => "smt",
            AdderTree::Linear => "smt-linear",
        }
    }

    fn solve(&self, obligation: &Obligation, control: &Control) -> Answer {
        control.bound(|| self.decide(obligation, control)).and_then(|answer| answer).unwrap_or_else(Answer::Unknown)
    }
}

impl Smt {
    fn decide(&self, obligation: &Obligation, control: &Control) -> Result<Answer, Reason> {
        let residual = match self.bounds.then(|| residual(obligation, control)).flatten() {
            Some(Err(proved @ Answer::None(_))) => return Ok(proved),
            Some(Ok(residual)) => Some(residual),
            Some(Err(_)) | None => None,
        };
        let Some((presolved, encoding)) = formula(obligation, residual.as_ref(), self.options, control)? else {
            return Ok(Answer::None(Trust::Interval));
        };
        let encoding = std::sync::Arc::new(encoding);
        match z3::check(&encoding, self.strategy, control)? {
            z3::Verdict::Unsatisfiable => Ok(Answer::None(Trust::Solver { name: version(), remembered: false })),
            z3::Verdict::Satisfiable(model) => {
                let bits = |term| model.get(&term).copied().unwrap_or(0);
                let assignment = encoding.decode(obligation, &presolved, bits);
                Ok(replayed(obligation, self.name(), Answer::Some(assignment), control))
            }
        }
    }
}

/// The relaxation's bounds, for which there is a share of the time, and the answer if they give it.
fn residual(obligation: &Obligation, control: &Control) -> Option<Result<Residual, Answer>> {
    let now = control.clock.now();
    let share = control.deadline.map_or(MOST_FOR_BOUNDS, |deadline| {
        (deadline.saturating_duration_since(now) / SHARE_FOR_BOUNDS).min(MOST_FOR_BOUNDS)
    });
    let control = Control { deadline: now.checked_add(share), meter: Meter::default(), ..control.clone() };
    Search::new().residual(obligation, &control)
}

/// The formula of an obligation within the ranges and cases that bounds leave, if there are some, or `None` where intervals and
/// bounds decide that nothing answers it.
///
/// # Errors
/// If `control` says stop, or numbers need more bits than terms have.
pub fn formula(
    obligation: &Obligation,
    residual: Option<&Residual>,
    options: Options,
    control: &Control,
) -> Result<Option<(Presolved, Encoding)>, Reason> {
    let Some(mut presolved) = presolve(obligation)? else { return Ok(None) };
    let mut open = open_cases(obligation, &presolved, control)?;
    if let Some(residual) = residual {
        open.retain(|index| residual.open.contains(index));
        presolved.meet(obligation, &residual.ranges);
    }
    if open.is_empty() {
        return Ok(None);
    }
    let encoding = encode::encode(obligation, &presolved, &open, options, control)?;
    Ok(Some((presolved, encoding)))
}

#[cfg(test)]
mod tests;
