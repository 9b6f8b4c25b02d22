//! Obligations: what an engine is asked, as one owned, self-contained value.
//!
//! In: what the front end lowered a property instance to. Out: nothing; engines, exports, certificates and the store read
//! it. An obligation holds no database handle, no path and no source text; its key is a hash of its meaning, so two
//! specs that say the same thing ask the same question.

pub mod exact;
pub mod linear;
mod replay;
pub mod term;

use crate::Rational;
use crate::interrupt::work;
use crate::rational::integer;
use crate::{Graph, Interval, NodeId, Overflow128, interpret, ranges};
use std::collections::HashMap;
use std::sync::Arc;

pub use exact::{Exact, ExactObjective};
pub use linear::{Atom, Linear};
pub use replay::Replay;

/// Changes whenever the meaning of an obligation or of a verdict changes, so that no stored verdict outlives it.
pub const SEMANTICS_VERSION: u32 = 2;

/// A conjunction of atoms; the empty one is true.
pub type Conjunction = Vec<Atom>;

/// A quantified variable: one input node of the graph, with its box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name in the spec; not part of the meaning.
    pub name: Arc<str>,
    /// Its input node.
    pub node: NodeId,
    /// The raw integers that each element ranges over, ends included; as long as the node. Never empty.
    pub domain: Vec<(i64, i64)>,
}

/// Is there an assignment of the variables, within their domains, that meets all assumptions and at least one case?
///
/// A property instance is `proved` if not, and `violated` by the assignment if so: the cases are its negated goal in
/// disjunctive normal form. With no case at all, the answer is no; with an empty case, any assignment that meets the assumptions will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obligation {
    /// The networks, applied to the variables.
    pub graph: Arc<Graph>,
    /// The variables in the order of their nodes: one for each input node of the graph.
    pub variables: Vec<Variable>,
    /// Linear assumptions, all of which hold.
    pub assumptions: Conjunction,
    /// The negated goal: a disjunction of conjunctions.
    pub cases: Vec<Conjunction>,
    /// What is meant, where the graph encloses real-valued networks: assumptions and cases are then weaker, by what the enclosures can be off.
    pub exact: Option<Arc<Exact>>,
}

/// A value of each variable: one vector of raw integers per variable, in the obligation's order.
pub type Assignment = Vec<Vec<i64>>;

impl Obligation {
    /// The variables' boxes as the range analysis wants them.
    pub fn boxes(&self) -> Vec<Vec<Interval>> {
        let interval = |(lo, hi): &(i64, i64)| Interval::new(i128::from(*lo), i128::from(*hi));
        self.variables.iter().map(|v| v.domain.iter().map(interval).collect()).collect()
    }

    /// The interval of every element of every node over the variables' domains.
    ///
    /// # Errors
    /// Where 128 bits don't suffice; the front end has excluded that for formats' whole ranges.
    pub fn ranges(&self) -> Result<Vec<Vec<Interval>>, Overflow128> {
        ranges(&self.graph, &self.boxes())
    }

    /// The number of scalar inputs.
    pub fn dimension(&self) -> usize {
        self.variables.iter().map(|v| v.domain.len()).sum()
    }

    /// Its atoms, each of them once.
    pub fn table(&self) -> Table<'_> {
        let mut table = Table::default();
        table.assumptions = table.indices(&self.assumptions);
        table.cases = self.cases.iter().map(|case| table.indices(case)).collect();
        table
    }

    /// The hash of the obligation's meaning, in hexadecimal: names don't count, everything that can change the answer does.
    pub fn key(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"qnn obligation");
        hasher.update(&SEMANTICS_VERSION.to_le_bytes());
        hasher.update(self.graph.digest());
        // Many short pieces are slow to hash one by one.
        let mut bytes = Vec::new();
        for variable in &self.variables {
            bytes.extend_from_slice(&variable.node.0.to_le_bytes());
            for (lo, hi) in &variable.domain {
                bytes.extend_from_slice(&lo.to_le_bytes());
                bytes.extend_from_slice(&hi.to_le_bytes());
            }
        }
        let table = self.table();
        bytes.extend_from_slice(&(table.atoms.len() as u64).to_le_bytes());
        for atom in &table.atoms {
            work(4 * atom.linear.terms.len());
            bytes.extend_from_slice(&(atom.linear.terms.len() as u64).to_le_bytes());
            for (node, element, factor) in &atom.linear.terms {
                bytes.extend_from_slice(&node.0.to_le_bytes());
                bytes.extend_from_slice(&element.to_le_bytes());
                bytes.extend_from_slice(&factor.to_le_bytes());
            }
            bytes.extend_from_slice(&atom.linear.constant.to_le_bytes());
            hasher.update(&bytes);
            bytes.clear();
        }
        bytes.extend_from_slice(&(table.cases.len() as u64).to_le_bytes());
        for conjunction in [&table.assumptions].into_iter().chain(&table.cases) {
            bytes.extend_from_slice(&(conjunction.len() as u64).to_le_bytes());
            conjunction.iter().for_each(|atom| bytes.extend_from_slice(&atom.to_le_bytes()));
        }
        if let Some(exact) = &self.exact {
            exact.bytes(&mut bytes);
        }
        hasher.update(&bytes).finalize().to_hex().to_string()
    }
}

/// An obligation's atoms, each of them once, in the order in which assumptions and cases mention them.
#[derive(Debug, Default)]
pub struct Table<'a> {
    /// The atoms, no two of them equal.
    pub atoms: Vec<&'a Atom>,
    /// The assumptions, as indices into `atoms`.
    pub assumptions: Vec<u32>,
    /// The cases, as indices into `atoms`.
    pub cases: Vec<Vec<u32>>,
    known: HashMap<&'a Linear, u32>,
    /// By address: most atoms are shared, and need not be compared.
    shared: HashMap<*const Linear, u32>,
}

impl<'a> Table<'a> {
    fn indices(&mut self, atoms: &'a [Atom]) -> Vec<u32> {
        work(8 * atoms.len());
        atoms.iter().map(|atom| self.index(atom)).collect()
    }

    fn index(&mut self, atom: &'a Atom) -> u32 {
        if let Some(index) = self.shared.get(&Arc::as_ptr(&atom.linear)) {
            return *index;
        }
        work(4 * atom.linear.terms.len());
        let index = *self.known.entry(&atom.linear).or_insert_with(|| {
            self.atoms.push(atom);
            self.atoms.len() as u32 - 1
        });
        self.shared.insert(Arc::as_ptr(&atom.linear), index);
        index
    }
}

/// What a `maximize` or `minimize` is asked: the greatest value of an objective over the assignments that meet the assumptions.
///
/// The objective is the greatest of `pieces` (in integers); its value in the spec's numbers is `objective · scale`.
/// A minimum is the negated maximum of the negated objective: `negated` says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objective {
    /// Graph, variables and assumptions; its cases are ignored (the alternatives of a disjunctive assumption are in `alternatives`).
    pub base: Obligation,
    /// The disjunctive part of the assumptions: at least one of these holds too. `[[]]` where there is none.
    pub alternatives: Vec<Conjunction>,
    /// The objective is the greatest of these; never empty.
    pub pieces: Vec<Linear>,
    /// Positive: value = objective · scale.
    pub scale: crate::Rational,
    /// The user asked for a minimum.
    pub negated: bool,
    /// What is meant, where the pieces only enclose it.
    pub exact: Option<Arc<ExactObjective>>,
}

impl Objective {
    /// The obligation that asks for any assignment that meets the assumptions.
    pub fn feasible(&self) -> Obligation {
        Obligation { cases: self.alternatives.clone(), ..self.base.clone() }
    }

    /// The obligation that asks for an assignment with objective at least `bound`.
    pub fn at_least(&self, bound: i128) -> Obligation {
        let mut cases = Vec::new();
        for alternative in &self.alternatives {
            for piece in &self.pieces {
                let mut case = alternative.clone();
                case.push(Atom::new(piece.clone().plus_constant(-bound)));
                cases.push(case);
            }
        }
        Obligation { cases, ..self.base.clone() }
    }

    /// The objective of an assignment, by the reference interpreter; `None` if it does not meet the assumptions.
    pub fn of(&self, assignment: &Assignment) -> Option<i128> {
        let base = self.feasible();
        if !matches!(base.replay(assignment), Replay::Holds(_)) {
            return None;
        }
        let inputs: Vec<Vec<i128>> = assignment.iter().map(|v| v.iter().map(|n| i128::from(*n)).collect()).collect();
        let values = interpret(&base.graph, &inputs).ok()?;
        self.pieces.iter().map(|piece| piece.value(&values)).max()
    }

    /// The value in the spec's numbers of the objective where it was found, exactly. `best` is its integer there.
    pub fn found(&self, best: i128, assignment: &Assignment) -> Rational {
        let exact = self.exact.as_ref().and_then(|exact| {
            let inputs: Vec<Vec<i128>> =
                assignment.iter().map(|v| v.iter().map(|n| i128::from(*n)).collect()).collect();
            Some(exact.value(&interpret(&self.base.graph, &inputs).ok()?))
        });
        let value = exact.unwrap_or_else(|| integer(best) * &self.scale);
        if self.negated { -value } else { value }
    }

    /// What the value never exceeds (a minimum: never falls below), if the objective's integer never exceeds `upper`.
    pub fn bound(&self, upper: i128) -> Rational {
        let error = self.exact.as_ref().map_or(0, |exact| exact.error);
        let value = (integer(upper) + integer(error)) * &self.scale;
        if self.negated { -value } else { value }
    }

    /// The integer whose [`bound`](Objective::bound) this is; `None` if there is none.
    pub fn upper(&self, bound: &Rational) -> Option<i128> {
        let error = self.exact.as_ref().map_or(0, |exact| exact.error);
        let value = if self.negated { -bound } else { bound.clone() };
        let upper = value / &self.scale - integer(error);
        if upper.is_integer() { i128::try_from(upper.to_integer()).ok() } else { None }
    }

    /// The integers that the objective can take by interval arithmetic.
    ///
    /// # Errors
    /// Where 128 bits don't suffice.
    pub fn range(&self) -> Result<Interval, Overflow128> {
        let ranges = self.base.ranges()?;
        let each: Vec<Interval> = self.pieces.iter().map(|piece| piece.range(&ranges)).collect();
        let lo = each.iter().map(|i| i.lo).max().expect("an objective has a piece");
        let hi = each.iter().map(|i| i.hi).max().expect("an objective has a piece");
        Ok(Interval::new(lo, hi))
    }
}
