//! Domains: what the assumptions say of single elements of variables, put into the variables.
//!
//! In: the assumptions as a formula, and the variables, each an input node of the graph. Out: what is left of the assumptions, and for the elements that are no
//! longer free how they are made of free ones. `x[0] == 0 or x[0] >= 9` leaves a union of intervals: the free element counts its integers, and `x[0]` is a step
//! function of that count. `y[0] == min(x[0] + 3, 255)` defines `y[0]`: it is computed. A one-hot code, or any other list of points, is a choice: a free element of
//! 0 or 1 for each point, whose sum is 1. So engines have fewer inputs, each with an interval for a domain, and no
//! disjunction for any of this. Every input that meets the assumptions has exactly one assignment of the free elements. Networks are not looked into.

use super::normal_form::Normal;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive};
use qnn_ir::Rational;
use qnn_ir::interrupt::work;
use qnn_ir::obligation::term::{Formula, Linear, Term};
use qnn_ir::obligation::{Atom, Linear as IntegerLinear, Variable};
use qnn_ir::rational::integer;
use qnn_ir::{Graph, Matrix, NodeId, Op, Step, Steps};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// An element of a variable: its input node and its index.
type Element = (NodeId, u32);

/// The most points that a choice is made of.
const MAX_POINTS: usize = 4096;

/// How the elements that are not free are made.
#[derive(Default)]
pub(super) struct Domains {
    /// Unions of several intervals, ascending, with gaps between them.
    unions: BTreeMap<Element, Vec<(i64, i64)>>,
    /// The stored integer, of free elements, unions and choices; whole numbers alone are in it.
    definitions: BTreeMap<Element, Term>,
    choices: Vec<Choice>,
    /// The elements of all choices.
    chosen: HashSet<Element>,
}

/// Elements of variables that have the values of one of some points, such as a one-hot code.
struct Choice {
    /// An input with an element for each point: 1 for the one that is chosen, 0 for the others.
    node: NodeId,
    elements: Vec<Element>,
    /// A value for each element; all points differ.
    points: Vec<Vec<i64>>,
}

impl Domains {
    /// Takes the definitions out of an assumption; `domain` knows the elements of variables.
    pub fn define(&mut self, assumption: Formula, domain: &dyn Fn(Element) -> Option<(i64, i64)>) -> Formula {
        let parts = match assumption {
            Formula::And(parts) => parts,
            other => return other,
        };
        // An equality is a term and its negation, neither of which is negative.
        let equality = |i: usize| match (&parts[i], parts.get(i + 1)) {
            (
                Formula::AtLeastZero { term, strict: false },
                Some(Formula::AtLeastZero { term: other, strict: false }),
            ) => {
                work(16 * (term.linear.terms.len() + other.linear.terms.len()));
                (Term::clone(term).negated() == **other).then(|| term.clone())
            }
            _ => None,
        };
        let equalities: Vec<Option<Arc<Term>>> = (0..parts.len()).map(equality).collect();
        let mut occurrences: HashMap<Element, usize> = HashMap::new();
        for term in equalities.iter().flatten() {
            elements(term, &mut |element| *occurrences.entry(element).or_default() += 1);
        }
        // What a definition speaks of stays free.
        let mut used: HashSet<Element> = HashSet::new();
        let mut rest = Vec::with_capacity(parts.len());
        let mut skip = false;
        for (part, equality) in parts.into_iter().zip(equalities) {
            if std::mem::take(&mut skip) {
                continue;
            }
            let Some((element, value)) = equality.and_then(|term| self.solved(&term, domain, &used, &occurrences))
            else {
                rest.push(part);
                continue;
            };
            elements(&value, &mut |element| _ = used.insert(element));
            self.definitions.insert(element, value);
            skip = true;
        }
        Formula::and(rest)
    }

    /// term == 0, solved for the element of a variable that fewest equalities speak of, if its stored integer is whole whatever the others are.
    fn solved(
        &self,
        term: &Term,
        domain: &dyn Fn(Element) -> Option<(i64, i64)>,
        used: &HashSet<Element>,
        occurrences: &HashMap<Element, usize>,
    ) -> Option<(Element, Term)> {
        let mut free = true;
        let mut count: HashMap<Element, usize> = HashMap::new();
        elements(term, &mut |element| {
            free &= domain(element).is_some() && !self.definitions.contains_key(&element);
            *count.entry(element).or_default() += 1;
        });
        if !free {
            return None;
        }
        let mut candidates: Vec<&(Element, Rational)> =
            term.linear.terms.iter().filter(|(element, _)| count[element] == 1 && !used.contains(element)).collect();
        candidates.sort_by_key(|(element, _)| (occurrences[element], std::cmp::Reverse(*element)));
        candidates.into_iter().find_map(|(element, factor)| {
            let mut others = term.clone();
            others.linear.terms.retain(|(other, _)| other != element);
            let value = with_factors_inside(&others.times(&(-Rational::one() / factor)));
            let fits =
                is_whole(&value) && magnitude(&value, domain) < integer(1 << 62) && value.as_constant().is_none();
            // What would have to be kept within the domain by conditions is no simpler than the equality.
            let within = |value: &Term| {
                let (lo, hi) = domain(*element)?;
                let (least, greatest) = range(value, &|element| domain(element).unwrap_or((0, 0)));
                (integer(i128::from(lo)) <= least && greatest <= integer(i128::from(hi))).then_some(())
            };
            (fits && within(&value).is_some()).then_some((*element, value))
        })
    }

    /// Takes out of an assumption what is said of single elements: intervals go into the variables' domains, unions of intervals are kept here. What would leave
    /// nothing stays. Domains of elements that are defined become conditions again, unless the definition meets them anyway.
    pub fn narrow(&mut self, assumption: Normal, graph: &mut Graph, variables: &mut [&mut Variable]) -> Normal {
        let parts = match assumption {
            Normal::And(parts) => parts,
            other => vec![other],
        };
        let mut at: HashMap<NodeId, usize> = HashMap::new();
        for (index, variable) in variables.iter().enumerate() {
            at.insert(variable.node, index);
        }
        let mut rest = Vec::with_capacity(parts.len());
        let mut disjunctions = Vec::new();
        for part in parts {
            let Some((node, element)) = only_element(&part).filter(|(node, _)| at.contains_key(node)) else {
                rest.push(part);
                continue;
            };
            let domain = &mut variables[at[&node]].domain[element as usize];
            match (&part, intervals(&part, *domain).as_slice()) {
                (_, []) => rest.push(part),
                (_, [only]) => *domain = *only,
                _ => disjunctions.push(((node, element), part)),
            }
        }
        // Intervals first: a union has its ends from them.
        for ((node, element), part) in disjunctions {
            let domain = &mut variables[at[&node]].domain[element as usize];
            let union = intervals(&part, *domain);
            let known = self.unions.get(&(node, element)).cloned().unwrap_or_else(|| vec![*domain]);
            let both = intersection(&known, &union);
            match both.as_slice() {
                _ if self.definitions.contains_key(&(node, element)) => rest.push(part),
                [] => rest.push(part),
                [only] => {
                    *domain = *only;
                    self.unions.remove(&(node, element));
                }
                [(lo, _), .., (_, hi)] => {
                    *domain = (*lo, *hi);
                    self.unions.insert((node, element), both);
                }
            }
        }
        let rest: Vec<Normal> = std::mem::take(&mut rest)
            .into_iter()
            .map(|part| self.choose(part, graph, &|node| at.get(&node).copied(), variables))
            .collect();
        let mut rest = rest;
        for (&(node, element), value) in &self.definitions {
            let (lo, hi) = variables[at[&node]].domain[element as usize];
            let domain = |(node, element): Element| variables[at[&node]].domain[element as usize];
            let (least, greatest) = range(value, &domain);
            let atom = |factor: i128, constant: i128| {
                Normal::Atom(Atom::new(IntegerLinear::new(vec![(node, element, factor)], constant)))
            };
            if least < integer(i128::from(lo)) {
                rest.push(atom(1, -i128::from(lo)));
            }
            if greatest > integer(i128::from(hi)) {
                rest.push(atom(-1, i128::from(hi)));
            }
        }
        let mut all = Vec::with_capacity(rest.len());
        for part in rest {
            match part {
                Normal::And(parts) => all.extend(parts),
                other => all.push(other),
            }
        }
        Normal::And(all)
    }

    /// Makes a choice of a disjunction whose alternatives are points; what is left of it says that one point is chosen. The elements of other disjunctions get the
    /// smallest intervals that hold all alternatives.
    fn choose(
        &mut self,
        part: Normal,
        graph: &mut Graph,
        variable: &dyn Fn(NodeId) -> Option<usize>,
        variables: &mut [&mut Variable],
    ) -> Normal {
        let Normal::Or(alternatives) = &part else { return part };
        let Some(boxes) = alternatives
            .iter()
            .map(|alternative| {
                bounds(alternative, &|(node, element)| {
                    let known = variables[variable(node)?].domain.get(element as usize)?;
                    (!self.is_made((node, element))).then_some(*known)
                })
            })
            .collect::<Option<Vec<_>>>()
        else {
            return part;
        };
        // What can't be, is no alternative.
        let boxes: Vec<Bounds> = boxes.into_iter().filter(|bounds| !bounds.values().any(Vec::is_empty)).collect();
        let Some(first) = boxes.first() else { return part };
        let common: Vec<Element> =
            first.keys().copied().filter(|element| boxes.iter().all(|bounds| bounds.contains_key(element))).collect();
        for (node, element) in &common {
            let ends = boxes.iter().map(|bounds| {
                let intervals = &bounds[&(*node, *element)];
                (intervals[0].0, intervals[intervals.len() - 1].1)
            });
            let (lo, hi) = ends.fold((i64::MAX, i64::MIN), |(lo, hi), (least, most)| (lo.min(least), hi.max(most)));
            if let Some(variable) = variable(*node) {
                variables[variable].domain[*element as usize] = (lo, hi);
            }
        }
        let point = |bounds: &Bounds| -> Option<Vec<i64>> {
            let value = |intervals: &Vec<(i64, i64)>| match intervals.as_slice() {
                [(lo, hi)] if lo == hi => Some(*lo),
                _ => None,
            };
            (bounds.len() == common.len()).then(|| bounds.values().map(value).collect()).flatten()
        };
        let Some(mut points) = boxes.iter().map(point).collect::<Option<Vec<_>>>() else { return part };
        points.sort_unstable();
        points.dedup();
        if points.len() < 2 || points.len() > MAX_POINTS {
            return part;
        }
        let node = graph.push_input("choices", points.len());
        let sum = |sign: i128| {
            let terms = (0..points.len() as u32).map(|point| (node, point, sign)).collect();
            Normal::Atom(Atom::new(IntegerLinear::new(terms, -sign)))
        };
        let one = Normal::And(vec![sum(1), sum(-1)]);
        self.chosen.extend(&common);
        self.choices.push(Choice { node, elements: common, points });
        one
    }

    /// Whether an element is not free.
    fn is_made(&self, element: Element) -> bool {
        self.unions.contains_key(&element) || self.definitions.contains_key(&element) || self.chosen.contains(&element)
    }

    /// Whether all elements are free.
    pub fn is_empty(&self) -> bool {
        self.unions.is_empty() && self.definitions.is_empty() && self.choices.is_empty()
    }

    /// Appends the variables to a graph: an input for the free elements of each, in which the variables' domains are then, and the variable itself, computed of them.
    /// A variable without free elements has no input.
    pub fn build(&self, graph: &mut Graph, variables: Vec<Variable>) -> (Vec<Variable>, HashMap<NodeId, NodeId>) {
        let is_free = |element: &Element| !self.definitions.contains_key(element) && !self.chosen.contains(element);
        // Where an element is to be read.
        let mut place: HashMap<Element, Element> = HashMap::new();
        let mut free = Vec::new();
        let mut unions: Vec<(Element, Element)> = Vec::new();
        for variable in &variables {
            let own: Vec<u32> = (0..variable.domain.len() as u32).filter(|i| is_free(&(variable.node, *i))).collect();
            if own.is_empty() {
                continue;
            }
            let node = graph.push_input(variable.name.clone(), own.len());
            let mut domain = Vec::with_capacity(own.len());
            for (index, element) in own.into_iter().enumerate() {
                let original = (variable.node, element);
                place.insert(original, (node, index as u32));
                match self.unions.get(&original) {
                    Some(intervals) => {
                        let count: i64 = intervals.iter().map(|(lo, hi)| hi - lo + 1).sum();
                        domain.push((0, count - 1));
                        unions.push((original, (node, index as u32)));
                    }
                    None => domain.push(variable.domain[element as usize]),
                }
            }
            free.push(Variable { name: variable.name.clone(), node, domain });
        }
        let mut nodes = HashMap::new();
        for choice in &self.choices {
            let node = graph.push_input("choices", choice.points.len());
            nodes.insert(choice.node, node);
            free.push(Variable { name: "choices".into(), node, domain: vec![(0, 1); choice.points.len()] });
        }
        for choice in &self.choices {
            let input = nodes[&choice.node];
            let row = |element: usize| {
                choice.points.iter().enumerate().map(|(i, point)| (i as u32, point[element])).collect::<Vec<_>>()
            };
            let rows = (0..choice.elements.len()).map(row).collect();
            let terms = vec![(input, Matrix::sparse(choice.points.len(), rows))];
            let node = graph.push("chosen", Op::Affine { terms, bias: vec![0; choice.elements.len()].into() });
            for (index, element) in choice.elements.iter().enumerate() {
                place.insert(*element, (node, index as u32));
            }
        }
        if !unions.is_empty() {
            let node = self.unions_of(graph, &unions);
            for (index, (original, _)) in unions.iter().enumerate() {
                place.insert(*original, (node, index as u32));
            }
        }
        if !self.definitions.is_empty() {
            let terms: Vec<Term> = self.definitions.values().map(|term| renamed(term, &place)).collect();
            let node = computed(graph, &terms.iter().collect::<Vec<_>>());
            for (index, element) in self.definitions.keys().enumerate() {
                place.insert(*element, (node, index as u32));
            }
        }
        for variable in &variables {
            let picks: Arc<[Element]> = (0..variable.domain.len() as u32).map(|i| place[&(variable.node, i)]).collect();
            let whole = picks.iter().enumerate().all(|(i, (node, element))| {
                *node == picks[0].0 && *element as usize == i && graph.len(*node) == picks.len()
            });
            let node = if whole && matches!(graph.node(picks[0].0).op, Op::Input) {
                picks[0].0
            } else {
                graph.push(variable.name.clone(), Op::Gather { picks })
            };
            nodes.insert(variable.node, node);
        }
        (free, nodes)
    }

    /// The elements of unions, each from the count of its integers below.
    fn unions_of(&self, graph: &mut Graph, elements: &[(Element, Element)]) -> NodeId {
        let (mut picks, mut steps, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        let mut bias = Vec::with_capacity(elements.len());
        let mut counts: BTreeMap<NodeId, Vec<Vec<(u32, i64)>>> = BTreeMap::new();
        for (row, (original, count)) in elements.iter().enumerate() {
            counts.entry(count.0).or_insert_with(|| vec![Vec::new(); elements.len()])[row].push((count.1, 1));
            let intervals = &self.unions[original];
            bias.push(i128::from(intervals[0].0));
            let mut below = 0;
            let mut gaps = Vec::new();
            for pair in intervals.windows(2) {
                below += pair[0].1 - pair[0].0 + 1;
                // From the first integer of the next interval on, the gap is skipped.
                gaps.push((picks.len() as u32, pair[1].0 - pair[0].1 - 1));
                picks.push(*count);
                steps.push(Step::Table { lo: 0, thresholds: [i128::from(below)].into() });
            }
            rows.push(gaps);
        }
        let picked = graph.push("counts", Op::Gather { picks: picks.into() });
        let passed = graph.push("gaps", Op::Step { source: picked, steps: Steps::Each(steps.into()) });
        let mut terms: Vec<_> =
            counts.into_iter().map(|(node, rows)| (node, Matrix::sparse(graph.len(node), rows))).collect();
        terms.push((passed, Matrix::sparse(graph.len(passed), rows)));
        graph.push("unions", Op::Affine { terms, bias: bias.into() })
    }
}

/// Calls back with each element, once for each time that it is mentioned.
fn elements(term: &Term, found: &mut dyn FnMut(Element)) {
    work(term.linear.terms.len());
    term.linear.terms.iter().for_each(|(element, _)| found(*element));
    term.maxima.iter().flat_map(|(_, alternatives)| alternatives.iter()).for_each(|term| elements(term, found));
}

/// The same term with no factors but 1 and -1 before its maxima: what is whole then shows in the alternatives.
fn with_factors_inside(term: &Term) -> Term {
    let inside = |(factor, alternatives): &(Rational, Arc<[Term]>)| {
        let size = factor.abs();
        let scaled = alternatives.iter().map(|alternative| with_factors_inside(&alternative.clone().times(&size)));
        (factor.signum(), scaled.collect())
    };
    Term { linear: term.linear.clone(), maxima: term.maxima.iter().map(inside).collect() }
}

/// Whether a term is a whole number whatever whole numbers its elements are.
fn is_whole(term: &Term) -> bool {
    term.linear.constant.is_integer()
        && term.linear.factors().all(Rational::is_integer)
        && term.maxima.iter().all(|(factor, alternatives)| factor.is_integer() && alternatives.iter().all(is_whole))
}

/// What no number on the way to a term's value exceeds.
fn magnitude(term: &Term, domain: &dyn Fn(Element) -> Option<(i64, i64)>) -> Rational {
    let greatest = |(lo, hi): (i64, i64)| integer(i128::from(lo.unsigned_abs().max(hi.unsigned_abs())).max(1));
    let linear = term.linear.terms.iter().fold(term.linear.constant.abs(), |sum, (element, factor)| {
        sum + factor.abs() * domain(*element).map_or_else(Rational::one, greatest)
    });
    term.maxima.iter().fold(linear, |sum, (factor, alternatives)| {
        let greatest = alternatives.iter().map(|alternative| magnitude(alternative, domain)).max();
        sum + factor.abs() * greatest.map_or_else(Rational::one, |greatest| greatest.max(Rational::one()))
    })
}

/// The interval of a term, given those of its elements.
fn range(term: &Term, domain: &dyn Fn(Element) -> (i64, i64)) -> (Rational, Rational) {
    let ordered = |a: Rational, b: Rational| if a <= b { (a, b) } else { (b, a) };
    let add = |(lo, hi): (Rational, Rational), (least, greatest): (Rational, Rational)| (lo + least, hi + greatest);
    let linear = term.linear.terms.iter().fold(
        (term.linear.constant.clone(), term.linear.constant.clone()),
        |sum, (element, factor)| {
            let (lo, hi) = domain(*element);
            add(sum, ordered(factor * integer(i128::from(lo)), factor * integer(i128::from(hi))))
        },
    );
    term.maxima.iter().fold(linear, |sum, (factor, alternatives)| {
        let ranges: Vec<_> = alternatives.iter().map(|alternative| range(alternative, domain)).collect();
        let greatest = |end: &dyn Fn(&(Rational, Rational)) -> Rational| ranges.iter().map(end).max();
        let (Some(lo), Some(hi)) = (greatest(&|r| r.0.clone()), greatest(&|r| r.1.clone())) else { return sum };
        add(sum, ordered(factor * lo, factor * hi))
    })
}

/// The term with its elements read where they are now.
fn renamed(term: &Term, place: &HashMap<Element, Element>) -> Term {
    let mut terms: Vec<_> =
        term.linear.terms.iter().map(|(element, factor)| (place[element], factor.clone())).collect();
    terms.sort_by_key(|(element, _)| *element);
    let maximum = |(factor, alternatives): &(Rational, Arc<[Term]>)| {
        (factor.clone(), alternatives.iter().map(|alternative| renamed(alternative, place)).collect())
    };
    let linear = Linear { terms, constant: term.linear.constant.clone() };
    Term { linear, maxima: term.maxima.iter().map(maximum).collect() }
}

/// A node with an element for each of some terms of whole numbers.
fn computed(graph: &mut Graph, terms: &[&Term]) -> NodeId {
    let maxima: Vec<&(Rational, Arc<[Term]>)> = terms.iter().flat_map(|term| &term.maxima).collect();
    let greatest = (!maxima.is_empty()).then(|| {
        let alternatives: Vec<&Term> = maxima.iter().flat_map(|(_, alternatives)| alternatives.iter()).collect();
        let forms = computed(graph, &alternatives);
        let mut next = 0;
        let windows: Vec<Box<[u32]>> = maxima
            .iter()
            .map(|(_, alternatives)| {
                let first = next;
                next += alternatives.len() as u32;
                (first..next).collect()
            })
            .collect();
        graph.push("max", Op::Max { source: forms, windows: windows.into() })
    });
    let whole = |value: &Rational| value.to_integer().to_i64().expect("terms are of whole numbers of 64 bits");
    let mut sources: BTreeMap<NodeId, Vec<Vec<(u32, i64)>>> = BTreeMap::new();
    let mut next = 0;
    for (row, term) in terms.iter().enumerate() {
        work(4 * (1 + term.linear.terms.len()));
        let mut add = |(node, element): Element, factor: i64| {
            sources.entry(node).or_insert_with(|| vec![Vec::new(); terms.len()])[row].push((element, factor));
        };
        term.linear.terms.iter().for_each(|(element, factor)| add(*element, whole(factor)));
        for (factor, _) in &term.maxima {
            add((greatest.expect("there is a maximum"), next), whole(factor));
            next += 1;
        }
    }
    let bias: Vec<i128> = terms.iter().map(|term| i128::from(whole(&term.linear.constant))).collect();
    let terms = sources.into_iter().map(|(node, rows)| (node, Matrix::sparse(graph.len(node), rows))).collect();
    graph.push("definitions", Op::Affine { terms, bias: bias.into() })
}

/// The only element that a formula speaks of.
fn only_element(normal: &Normal) -> Option<Element> {
    /// Whether all atoms are of one element, which is `first` if that is known.
    fn same(normal: &Normal, first: &mut Option<Element>) -> bool {
        work(1);
        match normal {
            Normal::Bool(_) => true,
            Normal::Atom(atom) => match atom.linear.terms.as_slice() {
                [(node, element, _)] => *first.get_or_insert((*node, *element)) == (*node, *element),
                _ => false,
            },
            Normal::And(parts) | Normal::Or(parts) => parts.iter().all(|part| same(part, first)),
        }
    }
    let mut first = None;
    same(normal, &mut first).then_some(first).flatten()
}

/// What a conjunction leaves of each element that it speaks of.
type Bounds = BTreeMap<Element, Vec<(i64, i64)>>;

/// The bounds of a formula all of whose parts speak of one element each; `domain` knows the elements that may be bounded.
fn bounds(normal: &Normal, domain: &dyn Fn(Element) -> Option<(i64, i64)>) -> Option<Bounds> {
    let parts = match normal {
        Normal::And(parts) => parts.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut bounds = Bounds::new();
    for part in parts {
        let element = only_element(part)?;
        let whole = domain(element)?;
        let known = bounds.entry(element).or_insert_with(|| vec![whole]);
        *known = intersection(known, &intervals(part, whole));
    }
    Some(bounds)
}

/// The integers of an interval for which a formula holds that speaks of one element: ascending intervals with gaps between them.
fn intervals(normal: &Normal, domain: (i64, i64)) -> Vec<(i64, i64)> {
    let (lo, hi) = domain;
    match normal {
        Normal::Bool(true) => vec![domain],
        Normal::Bool(false) => Vec::new(),
        Normal::Atom(atom) => {
            let [(.., factor)] = atom.linear.terms.as_slice() else { return vec![domain] };
            // factor · x + constant >= 0.
            let (low, high) = (i128::from(lo), i128::from(hi));
            let (least, greatest) = if *factor > 0 {
                (Integer::div_ceil(&-atom.linear.constant, factor).max(low), high)
            } else {
                (low, Integer::div_floor(&atom.linear.constant, &-factor).min(high))
            };
            match (i64::try_from(least), i64::try_from(greatest)) {
                (Ok(least), Ok(greatest)) if least <= greatest => vec![(least, greatest)],
                _ => Vec::new(),
            }
        }
        Normal::And(parts) => parts.iter().fold(vec![domain], |all, part| intersection(&all, &intervals(part, domain))),
        Normal::Or(parts) => {
            let mut all: Vec<(i64, i64)> = parts.iter().flat_map(|part| intervals(part, domain)).collect();
            all.sort_unstable();
            let mut union: Vec<(i64, i64)> = Vec::new();
            for (lo, hi) in all {
                match union.last_mut() {
                    Some(last) if lo <= last.1.saturating_add(1) => last.1 = last.1.max(hi),
                    _ => union.push((lo, hi)),
                }
            }
            union
        }
    }
}

/// What two ascending lists of intervals have in common.
fn intersection(a: &[(i64, i64)], b: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let (mut i, mut j, mut common) = (0, 0, Vec::new());
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        let (lo, hi) = (x.0.max(y.0), x.1.min(y.1));
        if lo <= hi {
            common.push((lo, hi));
        }
        if x.1 < y.1 { i += 1 } else { j += 1 }
    }
    common
}
