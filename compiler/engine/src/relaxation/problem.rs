//! A linear program without its facets: the network's expressions, the atoms, and the nonlinearities that are not constant.

use super::columnwise::Columnwise;
use super::{LinearExpr, Relaxation};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// The network's expressions, and after them the atoms'.
pub struct Problem<'a> {
    /// The network.
    pub relaxation: &'a Relaxation,
    /// The atoms.
    pub atoms: Vec<Arc<LinearExpr>>,
    /// Those that constrain (all but the objective), as indices into `atoms`.
    pub constraints: Vec<u32>,
    /// The nonlinearities that are not constant, by ascending index.
    pub live: Arc<[u32]>,
    /// The columns that are no live nonlinearity's, in runs.
    pub free: Vec<Range<usize>>,
    atoms_columnwise: OnceLock<Columnwise>,
}

impl<'a> Problem<'a> {
    /// A problem with the atoms, the last of which is the objective unless all of them constrain, and the nonlinearities that are not constant.
    pub fn new(
        relaxation: &'a Relaxation,
        atoms: Vec<Arc<LinearExpr>>,
        constraints: Vec<u32>,
        live: Arc<[u32]>,
    ) -> Problem<'a> {
        let ends = live
            .iter()
            .map(|nonlinearity| relaxation.nonlinearities[*nonlinearity as usize].column as usize)
            .chain([relaxation.columns.len()]);
        let begins = [0].into_iter().chain(ends.clone().map(|column| column + 1));
        let free = begins.zip(ends).map(|(begin, end)| begin..end).filter(|run| !run.is_empty()).collect();
        Problem { relaxation, atoms, constraints, live, free, atoms_columnwise: OnceLock::new() }
    }

    /// An expression of the network or an atom's.
    #[inline]
    pub fn expr(&self, e: usize) -> &LinearExpr {
        let own = self.relaxation.exprs.len();
        if e < own { &self.relaxation.exprs[e] } else { &self.atoms[e - own] }
    }

    /// The index of an atom's expression.
    pub fn atom(&self, k: usize) -> usize {
        self.relaxation.exprs.len() + k
    }

    /// The atoms' coefficients, column by column.
    pub(crate) fn atoms_columnwise(&self) -> &Columnwise {
        self.atoms_columnwise.get_or_init(|| {
            let mut by_column: Vec<Vec<(u32, f64)>> = vec![Vec::new(); self.relaxation.columns.len()];
            for (k, atom) in self.atoms.iter().enumerate() {
                for (first, values) in atom.runs() {
                    for (column, value) in (first..).zip(values).filter(|(_, value)| **value != 0.0) {
                        by_column[column].push((self.atom(k) as u32, *value));
                    }
                }
            }
            Columnwise::new(&by_column)
        })
    }
}

/// The nonlinearities' columns that the problems' atoms depend on.
pub fn relevant(problems: &[&Problem<'_>]) -> Vec<bool> {
    let Some(relaxation) = problems.first().map(|problem| problem.relaxation) else { return Vec::new() };
    let mut relevant = vec![false; relaxation.columns.len()];
    problems.iter().flat_map(|problem| &problem.atoms).for_each(|atom| atom.mark(&mut relevant));
    for nonlinearity in relaxation.nonlinearities.iter().rev() {
        if relevant[nonlinearity.column as usize] && !nonlinearity.shallow {
            nonlinearity.exprs().for_each(|e| relaxation.exprs[e].mark(&mut relevant));
        }
    }
    relevant
}
