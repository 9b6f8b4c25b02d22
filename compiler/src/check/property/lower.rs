//! Lowering: formulas of rational terms to atoms of integers, in disjunctive normal form.

use super::term::{Formula, Linear, Term};
use crate::model::Rational;
use crate::model::rational::common_denominator;
use crate::network::{Graph, Matrix, NodeId, Op};
use crate::obligation::{Atom, Conjunction, Linear as IntegerLinear};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The most cases that an obligation may have.
pub const MAX_CASES: usize = 20_000;
/// A maximum with more alternatives than this is computed in the graph instead of written out.
const MAX_FORMS: usize = 8192;
/// A term in which several maxima multiply to more linear forms than this has them computed in the graph.
const MAX_PRODUCTS: usize = 64;

/// Why a formula can't be lowered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// More than [`MAX_CASES`] cases.
    Cases,
    /// An integer beyond 100 bits.
    Digits,
}

/// A formula over integer atoms.
enum Normal {
    Bool(bool),
    Atom(Atom),
    And(Vec<Normal>),
    Or(Vec<Normal>),
}

/// The formula's cases: a disjunction of conjunctions.
pub fn cases(graph: &mut Graph, formula: &Formula) -> Result<Vec<Conjunction>, Problem> {
    let normal = normalise(graph, formula)?;
    let mut cases = disjunction(&normal)?;
    for case in &mut cases {
        let mut unique: Vec<Atom> = Vec::with_capacity(case.len());
        for atom in case.drain(..) {
            if !unique.contains(&atom) {
                unique.push(atom);
            }
        }
        *case = unique;
    }
    Ok(cases)
}

/// The formula as atoms that all hold, and the cases of what is left, at least one of which holds (`[[]]` if nothing is).
pub fn split(graph: &mut Graph, formula: &Formula) -> Result<(Conjunction, Vec<Conjunction>), Problem> {
    let parts = match normalise(graph, formula)? {
        Normal::And(parts) => parts,
        other => vec![other],
    };
    let (mut all, mut rest) = (Vec::new(), Vec::new());
    for part in parts {
        match part {
            Normal::Atom(atom) if !all.contains(&atom) => all.push(atom),
            Normal::Atom(_) => {}
            other => rest.push(other),
        }
    }
    Ok((all, disjunction(&Normal::And(rest))?))
}

fn normalise(graph: &mut Graph, formula: &Formula) -> Result<Normal, Problem> {
    Ok(match formula {
        Formula::Bool(b) => Normal::Bool(*b),
        Formula::AtLeastZero { term, strict } => {
            let term = if too_many(term) { flatten(graph, term)? } else { term.clone() };
            expand(&term, *strict)?
        }
        Formula::And(parts) => {
            let mut all = Vec::new();
            for part in parts {
                match normalise(graph, part)? {
                    Normal::And(inner) => all.extend(inner),
                    other => all.push(other),
                }
            }
            Normal::And(all)
        }
        Formula::Either { holds, .. } => normalise(graph, holds)?,
        Formula::Or(parts) => Normal::Or(parts.iter().map(|part| normalise(graph, part)).collect::<Result<_, _>>()?),
    })
}

/// Whether writing a term's maxima out costs more than computing them.
fn too_many(term: &Term) -> bool {
    term.forms() > if term.maxima.len() == 1 { MAX_FORMS } else { MAX_PRODUCTS }
}

/// term >= 0 without maxima: where a maximum counts positively one alternative must do, where negatively all must.
fn expand(term: &Term, strict: bool) -> Result<Normal, Problem> {
    // Alternatives first: «some i for all j» has as many cases as i; «for all j some i» would have i to the power of j.
    let first = term.maxima.iter().position(|(factor, _)| factor.is_positive()).unwrap_or(0);
    let Some((factor, alternatives)) = term.maxima.get(first) else {
        return atom(&term.linear, strict);
    };
    let mut rest = Term { linear: term.linear.clone(), maxima: term.maxima.clone() };
    rest.maxima.remove(first);
    let parts = alternatives
        .iter()
        .map(|alternative| expand(&rest.clone().plus(&alternative.clone().times(factor)), strict))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(if factor.is_positive() { Normal::Or(parts) } else { Normal::And(parts) })
}

/// A linear form that is at least (or more than) zero, in integers.
fn atom(linear: &Linear, strict: bool) -> Result<Normal, Problem> {
    let denominator = common_denominator(linear.terms.values().chain([&linear.constant]));
    let integers = in_integers(linear, &denominator)?;
    let integers = if strict { integers.plus_constant(-1) } else { integers };
    if integers.terms.is_empty() {
        return Ok(Normal::Bool(integers.constant >= 0));
    }
    Ok(Normal::Atom(Atom::new(integers)))
}

/// `denominator` times a linear form.
pub fn in_integers(linear: &Linear, denominator: &BigInt) -> Result<IntegerLinear, Problem> {
    // The denominator is a multiple of each number's own.
    let product = |value: &Rational| -> Option<i128> {
        debug_assert!(denominator.is_multiple_of(value.denom()) || value.is_zero());
        if value.denom() == denominator {
            return value.numer().to_i128();
        }
        (value.numer() * (denominator / value.denom())).to_i128()
    };
    let whole = |value: &Rational| -> Result<i128, Problem> {
        product(value).filter(|n| n.unsigned_abs() < 1 << 62).ok_or(Problem::Digits)
    };
    let terms = linear
        .terms
        .iter()
        .map(|((node, element), factor)| Ok((*node, *element, whole(factor)?)))
        .collect::<Result<_, _>>()?;
    let constant = product(&linear.constant).filter(|n| n.unsigned_abs() < 1 << 100).ok_or(Problem::Digits)?;
    Ok(IntegerLinear::new(terms, constant))
}

fn disjunction(normal: &Normal) -> Result<Vec<Conjunction>, Problem> {
    match normal {
        Normal::Bool(true) => Ok(vec![Vec::new()]),
        Normal::Bool(false) => Ok(Vec::new()),
        Normal::Atom(atom) => Ok(vec![vec![atom.clone()]]),
        Normal::Or(parts) => {
            let mut all = Vec::new();
            for part in parts {
                let cases = disjunction(part)?;
                // A part that always holds makes the others superfluous.
                if cases.iter().any(Vec::is_empty) {
                    return Ok(vec![Vec::new()]);
                }
                all.extend(cases);
                if all.len() > MAX_CASES {
                    return Err(Problem::Cases);
                }
            }
            Ok(all)
        }
        Normal::And(parts) => {
            let mut all: Vec<Conjunction> = vec![Vec::new()];
            for part in parts {
                let cases = disjunction(part)?;
                if all.len().saturating_mul(cases.len()) > MAX_CASES {
                    return Err(Problem::Cases);
                }
                if let [only] = cases.as_slice() {
                    all.iter_mut().for_each(|case| case.extend(only.iter().cloned()));
                } else {
                    all = all
                        .iter()
                        .flat_map(|case| cases.iter().map(move |more| [case.as_slice(), more.as_slice()].concat()))
                        .collect();
                }
            }
            Ok(all)
        }
    }
}

/// The term with its maxima computed by nodes of the graph: linear.
pub fn flatten(graph: &mut Graph, term: &Term) -> Result<Term, Problem> {
    let mut result = Term { linear: term.linear.clone(), maxima: Vec::new() };
    for (factor, alternatives) in &term.maxima {
        let linear: Vec<Linear> = alternatives
            .iter()
            .map(|alternative| flatten(graph, alternative).map(|t| t.linear))
            .collect::<Result<_, _>>()?;
        let denominator = common_denominator(linear.iter().flat_map(|l| l.terms.values().chain([&l.constant])));
        let mut sources: BTreeMap<NodeId, Vec<Vec<(u32, i64)>>> = BTreeMap::new();
        let mut bias = Vec::with_capacity(linear.len());
        for (row, form) in linear.iter().enumerate() {
            let form = in_integers(form, &denominator)?;
            bias.push(form.constant);
            for (node, element, factor) in form.terms {
                let factor = i64::try_from(factor).map_err(|_| Problem::Digits)?;
                sources.entry(node).or_insert_with(|| vec![Vec::new(); linear.len()])[row].push((element, factor));
            }
        }
        let terms = sources.into_iter().map(|(node, rows)| (node, Matrix::sparse(graph.len(node), rows))).collect();
        let forms = graph.push("max", Op::Affine { terms, bias: bias.into() });
        let window: Box<[u32]> = (0..linear.len() as u32).collect();
        let max = graph.push("max", Op::Max { source: forms, windows: Arc::new([window]) });
        let scale = factor / Rational::from_integer(denominator);
        result = result.plus(&Term::element(max, 0, scale));
    }
    Ok(result)
}

/// An objective to maximise as the greatest of some integer forms, and the value of one step.
pub fn objective(graph: &mut Graph, term: &Term) -> Result<(Vec<IntegerLinear>, Rational), Problem> {
    let mut written = Term { linear: term.linear.clone(), maxima: Vec::new() };
    let many = too_many(term);
    for (factor, alternatives) in &term.maxima {
        let one = Term { linear: Linear::default(), maxima: vec![(factor.clone(), alternatives.clone())] };
        // Only maxima that count positively (all the way down) are the greatest of their alternatives.
        if factor.is_positive() && !many && alternatives.iter().all(|a| a.maxima.is_empty()) {
            written = written.plus(&one);
        } else {
            let flat = flatten(graph, &one)?;
            written = written.plus(&flat);
        }
    }
    let mut pieces = vec![Term { linear: written.linear.clone(), maxima: Vec::new() }];
    for (factor, alternatives) in &written.maxima {
        pieces = pieces
            .iter()
            .flat_map(|piece| alternatives.iter().map(|a| piece.clone().plus(&a.clone().times(factor))))
            .collect();
    }
    let denominator =
        common_denominator(pieces.iter().flat_map(|p| p.linear.terms.values().chain([&p.linear.constant])));
    let forms = pieces.iter().map(|p| in_integers(&p.linear, &denominator)).collect::<Result<_, _>>()?;
    Ok((forms, Rational::new(BigInt::one(), denominator)))
}
