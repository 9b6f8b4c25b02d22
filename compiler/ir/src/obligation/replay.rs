//! Replay: an assignment is run through the reference interpreter before it counts as a counterexample.

use super::{Assignment, Atom, Obligation};
use crate::interpret;

/// What a replay of an assignment through the reference interpreter found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replay {
    /// The assignment answers the obligation: the index of a case that holds.
    Holds(usize),
    /// It meets what engines are asked, but not what is meant: a real-valued network is nearer to a threshold than its enclosure can tell.
    Close,
    /// It doesn't, and why.
    Fails(String),
}

impl Obligation {
    /// Runs an assignment through the reference interpreter and checks domains, assumptions and cases: the last word
    /// on every counterexample.
    pub fn replay(&self, assignment: &Assignment) -> Replay {
        if assignment.len() != self.variables.len() {
            return Replay::Fails(format!("{} vectors for {} variables", assignment.len(), self.variables.len()));
        }
        for (variable, values) in self.variables.iter().zip(assignment) {
            if values.len() != variable.domain.len() {
                return Replay::Fails(format!("{} has the wrong length", variable.name));
            }
            if let Some(at) =
                (0..values.len()).find(|i| values[*i] < variable.domain[*i].0 || values[*i] > variable.domain[*i].1)
            {
                return Replay::Fails(format!("{}[{at}] = {} is outside its domain", variable.name, values[at]));
            }
        }
        let inputs: Vec<Vec<i128>> = assignment.iter().map(|v| v.iter().map(|n| i128::from(*n)).collect()).collect();
        let values = match interpret(&self.graph, &inputs) {
            Ok(values) => values,
            Err(overflow) => {
                return Replay::Fails(format!("node {} overflows 128 bits", overflow.node.0));
            }
        };
        let holds = |atom: &Atom| atom.holds(&values);
        if let Some(at) = self.assumptions.iter().position(|atom| !holds(atom)) {
            return Replay::Fails(format!("assumption {at} does not hold"));
        }
        match self.cases.iter().position(|case| case.iter().all(holds)) {
            Some(_) if self.exact.as_ref().is_some_and(|exact| !exact.holds(&values)) => Replay::Close,
            Some(case) => Replay::Holds(case),
            None => Replay::Fails("no case of the negated goal holds".to_owned()),
        }
    }
}
