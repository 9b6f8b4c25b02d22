//! What the relaxation is about: the network, the atoms, and the nonlinearities that are not constant.

use crate::bounds::net::{Expr, Mentions, Net};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// What the relaxation is about: the network and the atoms' expressions, counted on after the network's.
pub struct Problem<'a> {
    /// The network.
    pub net: &'a Net,
    /// The atoms.
    pub atoms: Vec<Arc<Expr>>,
    /// Those that constrain (all but the objective), as indices into `atoms`.
    pub constraints: Vec<u32>,
    /// The units that are not constant, by ascending index.
    pub live: Arc<[u32]>,
    /// The columns that are no live unit's, in runs.
    pub free: Vec<Range<usize>>,
    mentions: OnceLock<Mentions>,
}

impl<'a> Problem<'a> {
    /// A problem with the atoms, the last of which is the objective unless all of them constrain, and the units that are not constant.
    pub fn new(net: &'a Net, atoms: Vec<Arc<Expr>>, constraints: Vec<u32>, live: Arc<[u32]>) -> Problem<'a> {
        let ends = live.iter().map(|unit| net.units[*unit as usize].column as usize).chain([net.columns.len()]);
        let begins = [0].into_iter().chain(ends.clone().map(|column| column + 1));
        let free = begins.zip(ends).map(|(begin, end)| begin..end).filter(|run| !run.is_empty()).collect();
        Problem { net, atoms, constraints, live, free, mentions: OnceLock::new() }
    }

    /// An expression of the network or an atom's.
    #[inline]
    pub fn expr(&self, e: usize) -> &Expr {
        let own = self.net.exprs.len();
        if e < own { &self.net.exprs[e] } else { &self.atoms[e - own] }
    }

    /// The index of an atom's expression.
    pub fn atom(&self, k: usize) -> usize {
        self.net.exprs.len() + k
    }

    /// The atoms that mention a column.
    pub(super) fn mentions(&self) -> &Mentions {
        self.mentions.get_or_init(|| {
            let mut by_column: Vec<Vec<(u32, f64)>> = vec![Vec::new(); self.net.columns.len()];
            for (k, atom) in self.atoms.iter().enumerate() {
                for (first, values) in atom.runs() {
                    for (column, value) in (first..).zip(values).filter(|(_, value)| **value != 0.0) {
                        by_column[column].push((self.atom(k) as u32, *value));
                    }
                }
            }
            Mentions::new(&by_column)
        })
    }
}

/// The units' columns that the problems' atoms depend on.
pub fn relevant(problems: &[&Problem<'_>]) -> Vec<bool> {
    let Some(net) = problems.first().map(|problem| problem.net) else { return Vec::new() };
    let mut relevant = vec![false; net.columns.len()];
    problems.iter().flat_map(|problem| &problem.atoms).for_each(|atom| atom.mark(&mut relevant));
    for unit in net.units.iter().rev() {
        if relevant[unit.column as usize] && !unit.shallow {
            unit.exprs().for_each(|e| net.exprs[e].mark(&mut relevant));
        }
    }
    relevant
}
