//! What the assumptions say about the inputs, put into the boxes before any engine starts.
//!
//! In: an obligation. Out: boxes contracted by the linear assumptions on inputs, the inputs that the assumptions make equal up to a
//! constant, and the intervals of all elements over those boxes. Invariant: every assignment that meets the assumptions
//! lies in the contracted boxes and obeys the equalities; nothing else is dropped.

use super::back_substitution::expand;
use num_integer::Integer;
use qnn_ir::interrupt::work;
use qnn_ir::obligation::{Assignment, Atom, Linear, Obligation};
use qnn_ir::{Interval, NodeId, Op, Overflow128, ranges};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// An element of a node.
pub type Element = (NodeId, u32);

/// How often the atoms are gone through: a chain of n inequalities needs n rounds, and may need as many as the box is wide.
const ROUNDS: usize = 32;

/// An obligation's boxes after its assumptions.
#[derive(Clone, Debug)]
pub struct Presolved {
    /// One vector for each variable.
    pub boxes: Vec<Vec<Interval>>,
    /// The interval of every element of every node over the boxes.
    pub ranges: Vec<Vec<Interval>>,
    /// Inputs that are another input plus a constant.
    equal: HashMap<Element, (Element, i128)>,
}

impl Presolved {
    /// Contracts the boxes by the assumptions; `None` if that leaves no assignment at all.
    ///
    /// # Errors
    /// Where 128 bits don't hold the intervals.
    pub fn new(obligation: &Obligation) -> Result<Option<Presolved>, Overflow128> {
        let mut boxes = obligation.boxes();
        let mut all = ranges(&obligation.graph, &boxes)?;
        if obligation.assumptions.is_empty() {
            return Ok(Some(Presolved { boxes, ranges: all, equal: HashMap::new() }));
        }
        let mut forms = InputForms::default();
        let forms: Vec<_> =
            obligation.assumptions.iter().filter_map(|atom| forms.get(obligation, &all, atom)).collect();
        let before = boxes.clone();
        if !contract(obligation, &mut boxes, &forms) {
            return Ok(None);
        }
        let equal = equalities(&forms);
        if !meet_equals(obligation, &mut boxes, &equal) {
            return Ok(None);
        }
        if boxes != before {
            all = ranges(&obligation.graph, &boxes)?;
        }
        Ok(Some(Presolved { boxes, ranges: all, equal }))
    }

    /// The same with more atoms assumed, itself if they say nothing new: `None` if no assignment is left.
    ///
    /// # Errors
    /// Where 128 bits don't hold the intervals.
    pub fn assuming<'a>(
        &self,
        obligation: &'a Obligation,
        atoms: impl Iterator<Item = &'a Atom>,
        forms: &mut InputForms<'a>,
    ) -> Result<Option<Cow<'_, Presolved>>, Overflow128> {
        let forms: Vec<_> = atoms.filter_map(|atom| forms.get(obligation, &self.ranges, atom)).collect();
        let mut boxes = self.boxes.clone();
        if !contract(obligation, &mut boxes, &forms) || !meet_equals(obligation, &mut boxes, &self.equal) {
            return Ok(None);
        }
        if boxes == self.boxes {
            return Ok(Some(Cow::Borrowed(self)));
        }
        let ranges = ranges(&obligation.graph, &boxes)?;
        Ok(Some(Cow::Owned(Presolved { boxes, ranges, equal: self.equal.clone() })))
    }

    /// Narrows elements to ranges that hold for inputs that meet the assumptions. The elements that assumptions mention, and those that these depend
    /// on, stay as they are: the formula must decide the assumptions for all inputs.
    pub fn meet(&mut self, obligation: &Obligation, known: &[(NodeId, u32, Interval)]) {
        let graph = &obligation.graph;
        let mut asked = vec![false; graph.nodes.len()];
        for (node, ..) in obligation.assumptions.iter().flat_map(|atom| &atom.linear.terms) {
            asked[node.index()] = true;
        }
        for id in graph.ids().rev() {
            if asked[id.index()] {
                let mut ask = |source: NodeId| asked[source.index()] = true;
                match &graph.node(id).op {
                    Op::Input | Op::Constant(_) => {}
                    Op::Affine { terms, .. } => terms.iter().for_each(|(source, _)| ask(*source)),
                    Op::Step { source, .. } | Op::Wrap { source, .. } | Op::Max { source, .. } => ask(*source),
                    Op::Gather { picks } => picks.iter().for_each(|(source, _)| ask(*source)),
                }
            }
        }
        for (node, element, interval) in known {
            let own = &mut self.ranges[node.index()][*element as usize];
            let (lo, hi) = (own.lo.max(interval.lo), own.hi.min(interval.hi));
            if !asked[node.index()] && !matches!(graph.node(*node).op, Op::Input) && lo <= hi {
                *own = Interval::new(lo, hi);
            }
        }
    }

    /// The input that this one equals up to the constant, which is added to it; itself and 0 where there is none.
    pub fn representative(&self, element: Element) -> (Element, i128) {
        resolve(&self.equal, element)
    }

    /// The form over leaves, with equal inputs put together; `None` where 128 bits don't suffice.
    pub fn expand(&self, obligation: &Obligation, form: &Linear) -> Option<Linear> {
        let form = expand(&obligation.graph, &self.ranges, form)?;
        if self.equal.is_empty() {
            return Some(form);
        }
        let mut constant = form.constant;
        let mut terms: Vec<(NodeId, u32, i128)> = Vec::with_capacity(form.terms.len());
        for (node, element, factor) in form.terms {
            let ((node, element), shift) = self.representative((node, element));
            constant = constant.checked_add(factor.checked_mul(shift)?)?;
            terms.push((node, element, factor));
        }
        // Factors come from weights times small goals; where even their sum of magnitudes fits, no merged sum can overflow.
        terms.iter().try_fold(0i128, |sum, (_, _, factor)| sum.checked_add(factor.checked_abs()?))?;
        Some(Linear::new(terms, constant))
    }

    /// Makes an assignment obey the equalities, moving the dependent inputs.
    pub fn repair(&self, obligation: &Obligation, assignment: &mut Assignment) {
        let position = positions(obligation);
        for element in self.equal.keys() {
            let ((node, at), shift) = self.representative(*element);
            let (Some(from), Some(to)) = (position.get(&node), position.get(&element.0)) else { continue };
            let value = i128::from(assignment[*from][at as usize]) + shift;
            if let Ok(value) = i64::try_from(value) {
                assignment[*to][element.1 as usize] = value;
            }
        }
    }
}

fn resolve(equal: &HashMap<Element, (Element, i128)>, mut element: Element) -> (Element, i128) {
    let mut shift = 0;
    while let Some((next, by)) = equal.get(&element) {
        (element, shift) = (*next, shift + by);
    }
    (element, shift)
}

/// Input node to variable.
fn positions(obligation: &Obligation) -> HashMap<NodeId, usize> {
    obligation.variables.iter().enumerate().map(|(at, variable)| (variable.node, at)).collect()
}

/// The forms of atoms over inputs alone, once everything linear is put in place, over the same ranges; `None` for others.
/// They are kept by the atoms' addresses, since cases share atoms.
#[derive(Default)]
pub struct InputForms<'a>(HashMap<*const Linear, (&'a Atom, Option<Arc<Linear>>)>);

impl<'a> InputForms<'a> {
    fn get(&mut self, obligation: &Obligation, ranges: &[Vec<Interval>], atom: &'a Atom) -> Option<Arc<Linear>> {
        let is_input = |node: &NodeId| matches!(obligation.graph.node(*node).op, Op::Input);
        let form = || {
            let form = expand(&obligation.graph, ranges, &atom.linear)?;
            form.terms.iter().all(|(node, _, _)| is_input(node)).then(|| Arc::new(form))
        };
        self.0.entry(Arc::as_ptr(&atom.linear)).or_insert_with(|| (atom, form())).1.clone()
    }
}

/// Tightens the boxes to what `form >= 0` leaves of them, for each form, again and again; `false` if nothing is left.
fn contract(obligation: &Obligation, boxes: &mut [Vec<Interval>], forms: &[Arc<Linear>]) -> bool {
    let position = positions(obligation);
    for _ in 0..ROUNDS {
        let mut changed = false;
        for form in forms {
            work(8 * form.terms.len());
            match contract_once(&position, boxes, form) {
                Some(Contraction::Empty) => return false,
                Some(Contraction::Tighter) => changed = true,
                Some(Contraction::Same) | None => {}
            }
        }
        if !changed {
            break;
        }
    }
    true
}

enum Contraction {
    Empty,
    Tighter,
    Same,
}

/// `None` where 128 bits don't suffice: nothing is tightened then, which is sound.
fn contract_once(position: &HashMap<NodeId, usize>, boxes: &mut [Vec<Interval>], form: &Linear) -> Option<Contraction> {
    let mut greatest = form.constant;
    for (node, element, factor) in &form.terms {
        let range = boxes[*position.get(node)?][*element as usize].checked_scale(*factor)?;
        greatest = greatest.checked_add(range.hi)?;
    }
    if greatest < 0 {
        return Some(Contraction::Empty);
    }
    let mut result = Contraction::Same;
    for (node, element, factor) in &form.terms {
        let range = &mut boxes[*position.get(node)?][*element as usize];
        // factor · x + (the others' greatest) >= 0. What is tightened here leaves `greatest` as it is: x keeps its better end.
        let others = greatest.checked_sub(range.checked_scale(*factor)?.hi)?;
        let tighter = if *factor > 0 {
            Interval { lo: range.lo.max(Integer::div_ceil(&-others, factor)), hi: range.hi }
        } else {
            Interval { lo: range.lo, hi: range.hi.min(Integer::div_floor(&others, &-factor)) }
        };
        if tighter.lo > tighter.hi {
            return Some(Contraction::Empty);
        }
        if tighter != *range {
            *range = tighter;
            result = Contraction::Tighter;
        }
    }
    Some(result)
}

/// Inputs x = y + k, from the pairs x - y - k >= 0 and y - x + k >= 0.
fn equalities(forms: &[Arc<Linear>]) -> HashMap<Element, (Element, i128)> {
    let mut seen: HashMap<(Element, Element), Vec<i128>> = HashMap::new();
    let mut equal = HashMap::new();
    for form in forms {
        let (plus, minus) = match form.terms[..] {
            [(n, i, 1), (m, j, -1)] => ((n, i), (m, j)),
            [(m, j, -1), (n, i, 1)] => ((n, i), (m, j)),
            _ => continue,
        };
        let opposite = seen.get(&(minus, plus)).is_some_and(|constants| constants.contains(&-form.constant));
        seen.entry((plus, minus)).or_default().push(form.constant);
        if opposite {
            // plus = minus - constant.
            let ((a, plus_shift), (b, minus_shift)) = (resolve(&equal, plus), resolve(&equal, minus));
            let by = minus_shift - form.constant - plus_shift;
            if a > b {
                equal.insert(a, (b, by));
            } else if b > a {
                equal.insert(b, (a, -by));
            }
        }
    }
    equal
}

/// Gives equal inputs equal boxes; `false` if that empties one.
fn meet_equals(
    obligation: &Obligation,
    boxes: &mut [Vec<Interval>],
    equal: &HashMap<Element, (Element, i128)>,
) -> bool {
    let position = positions(obligation);
    let at = |element: &Element| (position[&element.0], element.1 as usize);
    // First every box into its representative's, then back.
    for element in equal.keys() {
        let (representative, shift) = resolve(equal, *element);
        let ((v, i), (w, j)) = (at(element), at(&representative));
        let (own, theirs) = (boxes[v][i], boxes[w][j]);
        let (lo, hi) = (theirs.lo.max(own.lo - shift), theirs.hi.min(own.hi - shift));
        if lo > hi {
            return false;
        }
        boxes[w][j] = Interval { lo, hi };
    }
    for element in equal.keys() {
        let (representative, shift) = resolve(equal, *element);
        let ((v, i), (w, j)) = (at(element), at(&representative));
        let theirs = boxes[w][j];
        boxes[v][i] = Interval { lo: theirs.lo + shift, hi: theirs.hi + shift };
    }
    true
}
