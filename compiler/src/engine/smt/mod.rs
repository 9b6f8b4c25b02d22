//! The engine `smt`: quantifier-free bit-vector logic, decided by Z3.
//!
//! In: an obligation. Out: a proof on the solver's word, a replayed counterexample, or why there is neither. Intervals go first: cases
//! that they exclude are not encoded. One lowering ([`encode`]) feeds the solver ([`z3`]) and the SMT-LIB export.

pub mod encode;
pub mod term;
pub mod z3;

pub use encode::{AdderTree, Encoding, Options, Products};
pub use z3::{settle, version};

use super::interval::{open_cases, presolve};
use super::presolve::Presolved;
use super::{Answer, Control, Engine, Reason, Trust, replayed};
use crate::obligation::Obligation;

/// The engine `smt`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Smt {
    /// How the formula is built.
    pub options: Options,
    /// How Z3 goes about it.
    pub strategy: z3::Strategy,
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
        self.decide(obligation, control).unwrap_or_else(Answer::Unknown)
    }
}

impl Smt {
    fn decide(&self, obligation: &Obligation, control: &Control) -> Result<Answer, Reason> {
        let Some((presolved, encoding)) = formula(obligation, self.options, control)? else {
            return Ok(Answer::None(Trust::Interval));
        };
        let encoding = std::sync::Arc::new(encoding);
        match z3::check(&encoding, self.strategy, control)? {
            z3::Verdict::Unsatisfiable => Ok(Answer::None(Trust::Solver { name: version() })),
            z3::Verdict::Satisfiable(model) => {
                let bits = |term| model.get(&term).copied().unwrap_or(0);
                let assignment = encoding.decode(obligation, &presolved, bits);
                Ok(replayed(obligation, self.name(), Answer::Some(assignment)))
            }
        }
    }
}

/// The formula of an obligation, or `None` where intervals alone decide that nothing answers it.
///
/// # Errors
/// If `control` says stop, or numbers need more bits than terms have.
pub fn formula(
    obligation: &Obligation,
    options: Options,
    control: &Control,
) -> Result<Option<(Presolved, Encoding)>, Reason> {
    let Some(presolved) = presolve(obligation)? else { return Ok(None) };
    let open = open_cases(obligation, &presolved, control)?;
    if open.is_empty() {
        return Ok(None);
    }
    let encoding = encode::encode(obligation, &presolved, &open, options, control)?;
    Ok(Some((presolved, encoding)))
}

#[cfg(test)]
mod tests;
