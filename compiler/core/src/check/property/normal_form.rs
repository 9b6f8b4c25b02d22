//! Lowering: formulas of rational terms to formulas of integer atoms, and objectives to integer forms.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};
use qnn_ir::Rational;
use qnn_ir::interrupt::work;
use qnn_ir::obligation::term::{Formula, Linear, Term};
use qnn_ir::obligation::{Atom, Linear as IntegerLinear};
use qnn_ir::rational::{common_denominator, integer};
use qnn_ir::{Graph, Matrix, NodeId, Op};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What a rational number takes, in elementary operations.
const NUMBER: usize = 16;
/// A maximum with more alternatives than this is computed in the graph instead of written out.
const MAX_FORMS: usize = 8192;
/// A term in which several maxima multiply to more linear forms than this has them computed in the graph.
const MAX_PRODUCTS: usize = 64;

/// How far the elements of nodes that enclose real numbers can be from these, in steps of the node; nodes that are exact are not in it.
pub type Errors = HashMap<NodeId, Vec<i128>>;

/// The limit that a formula exceeds when it is lowered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// A statement of too many parts.
    Parts,
    /// An integer beyond 100 bits.
    Digits,
}

/// A formula over integer atoms.
#[derive(Clone, Debug, PartialEq)]
pub enum Normal {
    /// Always, or never.
    Bool(bool),
    /// A linear form is at least zero.
    Atom(Atom),
    /// All of them.
    And(Vec<Normal>),
    /// One of them.
    Or(Vec<Normal>),
}

impl Normal {
    /// All of some formulas: no truth value and no `And` is among the parts, of which there are none or several.
    fn and(parts: Vec<Normal>) -> Normal {
        let mut all = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Normal::Bool(true) => {}
                Normal::Bool(false) => return Normal::Bool(false),
                Normal::And(inner) => all.extend(inner),
                other => all.push(other),
            }
        }
        match all.len() {
            0 => Normal::Bool(true),
            1 => all.remove(0),
            _ => Normal::And(all),
        }
    }

    /// One of some formulas: no truth value and no `Or` is among the parts, of which there are none or several.
    fn or(parts: Vec<Normal>) -> Normal {
        let mut all = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Normal::Bool(false) => {}
                Normal::Bool(true) => return Normal::Bool(true),
                Normal::Or(inner) => all.extend(inner),
                other => all.push(other),
            }
        }
        match all.len() {
            0 => Normal::Bool(false),
            1 => all.remove(0),
            _ => Normal::Or(all),
        }
    }
}

/// A formula in integers; equal atoms of it share their forms.
pub fn normal(graph: &mut Graph, errors: &mut Errors, formula: &Formula) -> Result<Normal, Limit> {
    let mut normal = Normaliser { graph, errors, known: HashMap::new() }.normalise(formula)?;
    share(&mut normal, &mut HashMap::new());
    Ok(normal)
}

/// Makes equal atoms one.
fn share(normal: &mut Normal, known: &mut HashMap<Arc<IntegerLinear>, Atom>) {
    match normal {
        Normal::Bool(_) => {}
        Normal::Atom(atom) => {
            work(8 * (1 + atom.linear.terms.len()));
            *atom = known.entry(atom.linear.clone()).or_insert_with(|| atom.clone()).clone();
        }
        Normal::And(parts) | Normal::Or(parts) => parts.iter_mut().for_each(|part| share(part, known)),
    }
}

/// Makes atoms of a formula's terms.
struct Normaliser<'a> {
    graph: &'a mut Graph,
    errors: &'a mut Errors,
    /// What linear terms come to, by their addresses: formulas share terms.
    known: HashMap<(*const Term, bool), Normal>,
}

impl Normaliser<'_> {
    fn normalise(&mut self, formula: &Formula) -> Result<Normal, Limit> {
        work(NUMBER);
        Ok(match formula {
            Formula::Bool(b) => Normal::Bool(*b),
            Formula::AtLeastZero { term, strict } => {
                let key = (Arc::as_ptr(term), *strict);
                if let Some(known) = self.known.get(&key) {
                    return Ok(known.clone());
                }
                if too_many(term) {
                    let flat = flatten(self.graph, self.errors, term)?;
                    return expand(self.errors, &flat, *strict);
                }
                let normal = expand(self.errors, term, *strict)?;
                if term.maxima.is_empty() {
                    self.known.insert(key, normal.clone());
                }
                normal
            }
            Formula::And(parts) => Normal::and(self.all(parts)?),
            Formula::Or(parts) => Normal::or(self.all(parts)?),
            Formula::Either { holds, .. } => self.normalise(holds)?,
        })
    }

    fn all(&mut self, parts: &[Formula]) -> Result<Vec<Normal>, Limit> {
        parts.iter().map(|part| self.normalise(part)).collect()
    }
}

/// Whether writing a term's maxima out costs more than computing them.
fn too_many(term: &Term) -> bool {
    term.forms() > if term.maxima.len() == 1 { MAX_FORMS } else { MAX_PRODUCTS }
}

/// term >= 0 without maxima: where a maximum counts positively one alternative must do, where negatively all must.
fn expand(errors: &Errors, term: &Term, strict: bool) -> Result<Normal, Limit> {
    // Alternatives first: «some i for all j» has as many cases as i; «for all j some i» would have i to the power of j.
    let first = term.maxima.iter().position(|(factor, _)| factor.is_positive()).unwrap_or(0);
    let Some((factor, alternatives)) = term.maxima.get(first) else {
        return atom(errors, &term.linear, strict);
    };
    let mut rest = Term { linear: term.linear.clone(), maxima: term.maxima.clone() };
    rest.maxima.remove(first);
    let parts = alternatives
        .iter()
        .map(|alternative| expand(errors, &rest.clone().plus(&alternative.clone().times(factor)), strict))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(if factor.is_positive() { Normal::or(parts) } else { Normal::and(parts) })
}

/// How far a linear form over nodes that enclose real numbers can be off.
fn error(errors: &Errors, linear: &Linear) -> Rational {
    let of = |((node, element), factor): &((NodeId, u32), Rational)| {
        errors.get(node).map(|each| factor.abs() * integer(each[*element as usize]))
    };
    if errors.is_empty() { Rational::zero() } else { linear.terms.iter().filter_map(of).sum() }
}

/// A linear form that is at least (or more than) zero, in integers; weaker by what its nodes can be off, for whatever is meant must meet it.
fn atom(errors: &Errors, linear: &Linear, strict: bool) -> Result<Normal, Limit> {
    let mut linear = linear.clone();
    linear.constant += error(errors, &linear);
    // The factors make the left side whole: what the constant has beyond that can't be met, exactly.
    let denominator = common_denominator(linear.factors());
    let constant = &linear.constant * Rational::from_integer(denominator.clone());
    let whole = if strict { constant.ceil() - Rational::one() } else { constant.floor() };
    linear.constant = whole / Rational::from_integer(denominator.clone());
    let integers = in_integers(&linear, &denominator)?;
    if integers.terms.is_empty() {
        return Ok(Normal::Bool(integers.constant >= 0));
    }
    Ok(Normal::Atom(Atom::new(integers)))
}

/// Linear forms over one denominator, and by how much in its steps each is off: 0, or 1 where constants have more digits than integers hold.
fn over_one_denominator<'a>(
    forms: impl Iterator<Item = &'a Linear> + Clone,
) -> Result<(BigInt, Vec<IntegerLinear>, i128), Limit> {
    let denominator = common_denominator(forms.clone().flat_map(|l| l.factors().chain([&l.constant])));
    let exactly = forms.clone().map(|form| in_integers(form, &denominator)).collect::<Result<Vec<_>, _>>();
    if let Ok(integers) = exactly {
        return Ok((denominator, integers, 0));
    }
    let denominator: BigInt = common_denominator(forms.clone().flat_map(|l| l.factors())) << 20;
    let rounded = |form: &Linear| {
        let constant = (&form.constant * Rational::from_integer(denominator.clone())).floor();
        let constant = constant / Rational::from_integer(denominator.clone());
        in_integers(&Linear { terms: form.terms.clone(), constant }, &denominator)
    };
    let integers = forms.map(rounded).collect::<Result<_, _>>()?;
    Ok((denominator, integers, 1))
}

/// `denominator` times a linear form.
pub fn in_integers(linear: &Linear, denominator: &BigInt) -> Result<IntegerLinear, Limit> {
    work(NUMBER * (1 + linear.terms.len()));
    // The denominator is a multiple of each number's own.
    let product = |value: &Rational| -> Option<i128> {
        debug_assert!(denominator.is_multiple_of(value.denom()) || value.is_zero());
        if value.denom() == denominator {
            return value.numer().to_i128();
        }
        (value.numer() * (denominator / value.denom())).to_i128()
    };
    let whole = |value: &Rational| -> Result<i128, Limit> {
        product(value).filter(|n| n.unsigned_abs() < 1 << 62).ok_or(Limit::Digits)
    };
    let terms = linear
        .terms
        .iter()
        .map(|((node, element), factor)| Ok((*node, *element, whole(factor)?)))
        .collect::<Result<_, _>>()?;
    let constant = product(&linear.constant).filter(|n| n.unsigned_abs() < 1 << 100).ok_or(Limit::Digits)?;
    Ok(IntegerLinear::new(terms, constant))
}

/// The term with its maxima computed by nodes of the graph: linear.
pub fn flatten(graph: &mut Graph, errors: &mut Errors, term: &Term) -> Result<Term, Limit> {
    let mut parts = vec![Term { linear: term.linear.clone(), maxima: Vec::new() }];
    for (factor, alternatives) in &term.maxima {
        let linear: Vec<Linear> = alternatives
            .iter()
            .map(|alternative| flatten(graph, errors, alternative).map(|t| t.linear))
            .collect::<Result<_, _>>()?;
        let (denominator, forms, rounding) = over_one_denominator(linear.iter())?;
        let mut sources: BTreeMap<NodeId, Vec<Vec<(u32, i64)>>> = BTreeMap::new();
        let mut bias = Vec::with_capacity(linear.len());
        let mut off = Vec::with_capacity(linear.len());
        for (row, (form, exact)) in forms.into_iter().zip(&linear).enumerate() {
            let whole = error(errors, exact) * Rational::from_integer(denominator.clone());
            off.push(whole.ceil().to_integer().to_i128().ok_or(Limit::Digits)? + rounding);
            bias.push(form.constant);
            for (node, element, factor) in form.terms {
                let factor = i64::try_from(factor).map_err(|_| Limit::Digits)?;
                sources.entry(node).or_insert_with(|| vec![Vec::new(); linear.len()])[row].push((element, factor));
            }
        }
        let terms = sources.into_iter().map(|(node, rows)| (node, Matrix::sparse(graph.len(node), rows))).collect();
        let forms = graph.push("max", Op::Affine { terms, bias: bias.into() });
        let window: Box<[u32]> = (0..linear.len() as u32).collect();
        let max = graph.push("max", Op::Max { source: forms, windows: Arc::new([window]) });
        let off = off.into_iter().max().unwrap_or(0);
        if off > 0 {
            errors.insert(max, vec![off]);
        }
        let scale = factor / Rational::from_integer(denominator);
        parts.push(Term::element(max, 0, scale));
    }
    Ok(Term::sum(&parts))
}

/// An objective to maximise.
pub struct Objective {
    /// It is the greatest of these.
    pub pieces: Vec<IntegerLinear>,
    /// The value of one step.
    pub scale: Rational,
    /// How far it can be off, in steps.
    pub error: i128,
}

/// How many linear forms a term is the greatest of, if the maxima that count positively are written out; saturates.
fn pieces_of(term: &Term) -> usize {
    positive(term).fold(1usize, |product, alternatives| {
        product.saturating_mul(alternatives.iter().map(pieces_of).fold(0, usize::saturating_add))
    })
}

/// The alternatives of the maxima that count positively.
fn positive(term: &Term) -> impl Iterator<Item = &[Term]> {
    term.maxima.iter().filter(|(factor, _)| factor.is_positive()).map(|(_, alternatives)| &**alternatives)
}

/// The linear forms of which a term is the greatest: what counts positively is written out, all the way down, for each form has a bound of its own; what
/// counts negatively is computed in the graph.
fn pieces(graph: &mut Graph, errors: &mut Errors, term: &Term) -> Result<Vec<Term>, Limit> {
    let mut pieces = vec![Term { linear: term.linear.clone(), maxima: Vec::new() }];
    for (factor, alternatives) in &term.maxima {
        let mut parts = Vec::new();
        if factor.is_positive() {
            for alternative in alternatives.iter() {
                parts.extend(self::pieces(graph, errors, alternative)?.into_iter().map(|part| part.times(factor)));
            }
        } else {
            let one = Term { linear: Linear::default(), maxima: vec![(factor.clone(), alternatives.clone())] };
            parts.push(flatten(graph, errors, &one)?);
        }
        pieces = pieces.iter().flat_map(|piece| parts.iter().map(|part| piece.clone().plus(part))).collect();
    }
    Ok(pieces)
}

/// An objective to maximise as the greatest of some integer forms.
pub fn objective(graph: &mut Graph, errors: &mut Errors, term: &Term) -> Result<Objective, Limit> {
    let most = if positive(term).count() == 1 { MAX_FORMS } else { MAX_PRODUCTS };
    let pieces =
        if pieces_of(term) > most { vec![flatten(graph, errors, term)?] } else { pieces(graph, errors, term)? };
    let (denominator, forms, rounding) = over_one_denominator(pieces.iter().map(|p| &p.linear))?;
    let off = pieces.iter().map(|p| error(errors, &p.linear)).max().unwrap_or_else(Rational::zero);
    let error = (off * Rational::from_integer(denominator.clone())).ceil().to_integer().to_i128();
    let error = error.filter(|error| *error < 1 << 100).ok_or(Limit::Digits)? + rounding;
    Ok(Objective { pieces: forms, scale: Rational::new(BigInt::one(), denominator), error })
}
