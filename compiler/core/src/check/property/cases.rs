//! Cases: formulas of integer atoms in disjunctive normal form, as far as it is short.
//!
//! In: a formula. Out: a disjunction of conjunctions, and nodes of the graph. `or` within `and` multiplies the cases. Where they would become many, a disjunction is
//! computed instead: its alternatives' forms are nodes of the graph, the greatest of them is one too, and the disjunction is the single atom that this one is at
//! least zero. Engines split such a maximum like any other. Nothing here knows what a form means.

use super::normal_form::{Limit, Normal};
use qnn_ir::interrupt::work;
use qnn_ir::obligation::{Atom, Conjunction, Linear};
use qnn_ir::{Graph, Matrix, NodeId, Op};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// The most cases of a disjunction that is written out.
pub const MAX_CASES: usize = 20_000;
/// The most conditions of all cases together.
pub const MAX_CONDITIONS: usize = 1 << 22;
/// The most cases that a conjunction of disjunctions is multiplied out to.
const MAX_PRODUCT: usize = 256;
/// The most alternatives that assumptions are multiplied out to.
const MAX_ALTERNATIVES: usize = 64;

/// The formula's cases: a disjunction of conjunctions.
pub fn cases(graph: &mut Graph, normal: &Normal) -> Result<Vec<Conjunction>, Limit> {
    let mut cases = Writer { graph }.disjunction(normal)?;
    let mut seen = HashSet::new();
    for case in &mut cases {
        work(16 * case.len());
        seen.clear();
        // Equal atoms are shared.
        case.retain(|atom| seen.insert(Arc::as_ptr(&atom.linear)));
    }
    Ok(cases)
}

/// An assumption as atoms that all hold, and the alternatives of what is left, at least one of which holds (`[[]]` if nothing is). They go with each of some cases.
pub fn alternatives(
    graph: &mut Graph,
    assumption: Normal,
    cases: &[Conjunction],
) -> Result<(Conjunction, Vec<Conjunction>), Limit> {
    let parts = match assumption {
        Normal::And(parts) => parts,
        other => vec![other],
    };
    let (mut all, mut rest) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    for part in parts {
        match part {
            Normal::Atom(atom) if seen.insert(Arc::as_ptr(&atom.linear)) => all.push(atom),
            Normal::Atom(_) => {}
            other => rest.push(other),
        }
    }
    let mut writer = Writer { graph };
    let size = Size::product(rest.iter().map(Size::of));
    let together = size.cases.saturating_mul(cases.len());
    let conditions = size.conditions.saturating_mul(cases.len());
    let conditions = conditions.saturating_add(size.cases.saturating_mul(cases.iter().map(Vec::len).sum()));
    if size.cases <= MAX_ALTERNATIVES && together <= MAX_CASES && conditions <= MAX_CONDITIONS {
        return Ok((all, writer.product(&rest)?));
    }
    all.extend(writer.computed(&rest.iter().collect::<Vec<_>>())?);
    Ok((all, vec![Vec::new()]))
}

/// Each alternative of the assumptions with each case of the negated goal.
pub fn product(alternatives: &[Conjunction], cases: Vec<Conjunction>) -> Vec<Conjunction> {
    if let [only] = alternatives
        && only.is_empty()
    {
        return cases;
    }
    let with = |alternative: &Conjunction, case: &Conjunction| {
        work(alternative.len() + case.len());
        [alternative.as_slice(), case.as_slice()].concat()
    };
    alternatives.iter().flat_map(|alternative| cases.iter().map(move |case| with(alternative, case))).collect()
}

/// How many cases a formula is written out to, and how many conditions all of them have; both saturate.
#[derive(Clone, Copy)]
struct Size {
    cases: usize,
    conditions: usize,
}

impl Size {
    const ONE: Size = Size { cases: 1, conditions: 1 };

    fn of(normal: &Normal) -> Size {
        work(1);
        match normal {
            Normal::Bool(holds) => Size { cases: usize::from(*holds), conditions: 0 },
            Normal::Atom(_) => Size::ONE,
            Normal::Or(parts) => {
                let sizes = parts.iter().map(Size::of);
                let sum = sizes.fold(Size { cases: 0, conditions: 0 }, |sum, size| Size {
                    cases: sum.cases.saturating_add(size.cases),
                    conditions: sum.conditions.saturating_add(size.conditions),
                });
                if sum.cases > MAX_CASES || sum.conditions > MAX_CONDITIONS { Size::ONE } else { sum }
            }
            Normal::And(parts) => Size::multiplied(parts).unwrap_or(Size { cases: 1, conditions: parts.len() }),
        }
    }

    /// Of the conjunction of formulas, multiplied out.
    fn product(sizes: impl Iterator<Item = Size>) -> Size {
        sizes.fold(Size { cases: 1, conditions: 0 }, |all, size| Size {
            cases: all.cases.saturating_mul(size.cases),
            conditions: (all.conditions.saturating_mul(size.cases))
                .saturating_add(size.conditions.saturating_mul(all.cases)),
        })
    }

    /// Of a conjunction, if it is multiplied out: it has few cases, or no more than one of its parts.
    fn multiplied(parts: &[Normal]) -> Option<Size> {
        let sizes: Vec<Size> = parts.iter().map(Size::of).collect();
        let most = sizes.iter().map(|size| size.cases).max().unwrap_or(0).clamp(MAX_PRODUCT, MAX_CASES);
        let product = Size::product(sizes.into_iter());
        (product.cases <= most && product.conditions <= MAX_CONDITIONS).then_some(product)
    }
}

/// Writes cases out, and computes what would be too many.
struct Writer<'a> {
    graph: &'a mut Graph,
}

impl Writer<'_> {
    fn disjunction(&mut self, normal: &Normal) -> Result<Vec<Conjunction>, Limit> {
        work(1);
        match normal {
            Normal::Bool(true) => Ok(vec![Vec::new()]),
            Normal::Bool(false) => Ok(Vec::new()),
            Normal::Atom(atom) => Ok(vec![vec![atom.clone()]]),
            Normal::Or(parts) => {
                let sizes: Vec<Size> = parts.iter().map(Size::of).collect();
                let cases = sizes.iter().fold(0usize, |sum, size| sum.saturating_add(size.cases));
                let conditions = sizes.iter().fold(0usize, |sum, size| sum.saturating_add(size.conditions));
                if cases > MAX_CASES || conditions > MAX_CONDITIONS {
                    return Ok(vec![self.computed(&[normal])?]);
                }
                let mut all = Vec::with_capacity(cases);
                for part in parts {
                    all.extend(self.disjunction(part)?);
                }
                Ok(all)
            }
            Normal::And(parts) if Size::multiplied(parts).is_some() => self.product(parts),
            Normal::And(parts) => {
                let (single, several): (Vec<&Normal>, Vec<&Normal>) =
                    parts.iter().partition(|part| Size::of(part).cases == 1);
                let mut case = Vec::new();
                for part in single {
                    self.disjunction(part)?.into_iter().for_each(|atoms| case.extend(atoms));
                }
                case.extend(self.computed(&several)?);
                Ok(vec![case])
            }
        }
    }

    /// A conjunction, multiplied out.
    fn product(&mut self, parts: &[Normal]) -> Result<Vec<Conjunction>, Limit> {
        let mut all: Vec<Conjunction> = vec![Vec::new()];
        for part in parts {
            let cases = self.disjunction(part)?;
            if let [only] = cases.as_slice() {
                all.iter_mut().for_each(|case| case.extend(only.iter().cloned()));
            } else {
                all = all
                    .iter()
                    .flat_map(|case| cases.iter().map(move |more| [case.as_slice(), more.as_slice()].concat()))
                    .collect();
            }
        }
        work(all.iter().map(Vec::len).sum());
        Ok(all)
    }

    /// Disjunctions as an atom each: the greatest of what its alternatives come to is at least zero.
    fn computed(&mut self, disjunctions: &[&Normal]) -> Result<Conjunction, Limit> {
        let elements = self.greatest(disjunctions, true)?;
        let atom = |(node, element)| Atom::new(Linear::new(vec![(node, element, 1)], 0));
        Ok(elements.into_iter().map(atom).collect())
    }

    /// For disjunctions an element each that is at least zero exactly if it holds: the greatest of its parts' forms. For conjunctions one that is at *most* zero exactly if
    /// it holds: the greatest of its parts' negated forms.
    fn greatest(&mut self, formulas: &[&Normal], disjunctions: bool) -> Result<Vec<(NodeId, u32)>, Limit> {
        let groups: Vec<&[Normal]> = formulas.iter().map(|formula| parts(formula)).collect();
        let inner: Vec<&Normal> =
            groups.iter().copied().flatten().filter(|part| !matches!(part, Normal::Atom(_))).collect();
        let mut inner = if inner.is_empty() { Vec::new() } else { self.greatest(&inner, !disjunctions)? }.into_iter();
        let rows: usize = groups.iter().map(|group| group.len()).sum();
        // What a row takes for each node, and each number in it.
        let numbers = |part: &Normal| if let Normal::Atom(atom) = part { 1 + atom.linear.terms.len() } else { 2 };
        if groups.iter().copied().flatten().map(numbers).sum::<usize>() > MAX_CONDITIONS {
            return Err(Limit::Parts);
        }
        let mut sources: BTreeMap<NodeId, Vec<Vec<(u32, i64)>>> = BTreeMap::new();
        let (mut bias, mut windows) = (Vec::with_capacity(rows), Vec::with_capacity(groups.len()));
        let sign = if disjunctions { 1 } else { -1 };
        for group in groups {
            let first = bias.len() as u32;
            for part in group {
                let row = bias.len();
                let mut add = |node: NodeId, element: u32, factor: i64| {
                    sources.entry(node).or_insert_with(|| vec![Vec::new(); rows])[row].push((element, factor));
                };
                let Normal::Atom(atom) = part else {
                    // What is inside has the other sign.
                    let (node, element) = inner.next().expect("an element for each inner formula");
                    add(node, element, -1);
                    bias.push(0);
                    continue;
                };
                work(4 * (1 + atom.linear.terms.len()));
                for (node, element, factor) in &atom.linear.terms {
                    let factor = i64::try_from(sign * factor).map_err(|_| Limit::Digits)?;
                    add(*node, *element, factor);
                }
                bias.push(sign * atom.linear.constant);
            }
            windows.push((first..bias.len() as u32).collect::<Box<[u32]>>());
        }
        if sources.len().saturating_mul(rows) > MAX_CONDITIONS {
            return Err(Limit::Parts);
        }
        let terms =
            sources.into_iter().map(|(node, rows)| (node, Matrix::sparse(self.graph.len(node), rows))).collect();
        let forms = self.graph.push("alternatives", Op::Affine { terms, bias: bias.into() });
        let count = windows.len() as u32;
        let greatest = self.graph.push("or", Op::Max { source: forms, windows: windows.into() });
        Ok((0..count).map(|element| (greatest, element)).collect())
    }
}

/// The parts of a conjunction or disjunction.
fn parts(normal: &Normal) -> &[Normal] {
    match normal {
        Normal::And(parts) | Normal::Or(parts) => parts,
        one => std::slice::from_ref(one),
    }
}
