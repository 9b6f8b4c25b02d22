//! Obligation to bit-vector formula: satisfiable exactly if some assignment answers the obligation.
//!
//! In: an obligation, its presolved boxes, the cases that are still open. Out: an [`Encoding`]: terms, assertions, and what the variables stand for.
//! Only the cone of what assumptions and open cases mention is encoded.
//!
//! Every element is `offset + bits`, with `bits` unsigned and just as wide as the element's range needs: a pixel that
//! moves by one step either way is two bits wherever it lies, and a sum of such pixels a few. Negative weights act
//! on complements, so that every partial sum is a plain unsigned sum, at the width that its own greatest value needs.
//! Invariant: wherever the inputs lie in their boxes, `offset + bits` is the element's value by the reference interpreter.

mod adder_tree;
mod atom;
mod step;

use super::term::{MOST_BITS, Term, Terms, bits_for};
use crate::back_substitution::{dominant, wrap_shift};
use crate::presolve::{Element, Presolved};
use crate::{Control, Reason};
use qnn_ir::obligation::{Assignment, Atom, Linear, Obligation};
use qnn_ir::{Interval, NodeId, Op};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// How the products of a sum are added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AdderTree {
    /// Neighbours in pairs, then the pairs in pairs: logarithmic depth, the contribution of "How Many Bits Does it Take to Quantize Your
    /// Neural Network?" (TACAS 2020).
    #[default]
    Balanced,
    /// One after another.
    Linear,
}

/// How a product with a constant is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Products {
    /// One multiplication for the solver to expand.
    #[default]
    Multiply,
    /// Shifted copies, one for each non-zero digit of the constant in canonical signed digits, added up with the rest of the sum.
    Shift,
}

/// What the encoding may choose; the answer does not depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// How sums are added up.
    pub tree: AdderTree,
    /// How products with constants are made.
    pub products: Products,
    /// Asserts every accumulator's range too, which follows from the rest.
    pub redundant_bounds: bool,
    /// Encodes goals that the ranges decide, too, so that the solver decides them again.
    pub keep_goals: bool,
}

/// An element's value as terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// Added to the bits.
    pub offset: i128,
    /// Unsigned; `None` where the element has one value only, the offset.
    pub bits: Option<Term>,
    /// What the element can be.
    pub range: Interval,
}

impl Value {
    fn constant(value: i128) -> Value {
        Value { offset: value, bits: None, range: Interval::new(value, value) }
    }
}

/// The formula.
#[derive(Clone, Debug)]
pub struct Encoding {
    /// The DAG.
    pub terms: Terms,
    /// The formula is their conjunction.
    pub assertions: Vec<Term>,
    /// The free inputs: which one, and its value, whose bits are a variable.
    pub inputs: Vec<(Element, Value)>,
    /// Every encoded element in topological order, inputs included.
    pub elements: Vec<(Element, Value)>,
}

impl Encoding {
    /// The assignment that belongs to a solver's model: `bits` says what a variable's term is. Inputs that the formula does not mention stay at their least.
    pub fn decode(&self, obligation: &Obligation, presolved: &Presolved, bits: impl Fn(Term) -> u128) -> Assignment {
        let narrow = |value: i128| value.clamp(i64::MIN.into(), i64::MAX.into()) as i64;
        let mut assignment: Assignment =
            presolved.boxes.iter().map(|boxes| boxes.iter().map(|range| narrow(range.lo)).collect()).collect();
        for ((node, element), value) in &self.inputs {
            let at = obligation.variables.iter().position(|variable| variable.node == *node);
            if let (Some(at), Some(term)) = (at, value.bits) {
                assignment[at][*element as usize] = narrow(value.offset.saturating_add_unsigned(bits(term)));
            }
        }
        presolved.repair(obligation, &mut assignment);
        assignment
    }
}

/// Encodes the question whether an assignment meets the assumptions and one of the given cases.
///
/// # Errors
/// If `control` says stop, or numbers need more than [`MOST_BITS`] bits.
pub fn encode(
    obligation: &Obligation,
    presolved: &Presolved,
    cases: &[usize],
    options: Options,
    control: &Control,
) -> Result<Encoding, Reason> {
    let mut encoder = Encoder {
        obligation,
        presolved,
        options,
        terms: Terms::new(),
        assertions: Vec::new(),
        values: HashMap::new(),
        inputs: Vec::new(),
        elements: Vec::new(),
        names: HashSet::new(),
    };
    let atoms: Vec<&Atom> =
        obligation.assumptions.iter().chain(cases.iter().flat_map(|i| &obligation.cases[*i])).collect();
    for (node, elements) in encoder.needed(&atoms).into_iter().enumerate() {
        for element in (0..elements.len()).filter(|element| elements[*element]) {
            if let Some(reason) = control.stop() {
                return Err(reason);
            }
            let at = (NodeId(node as u32), element as u32);
            let value = encoder.element(at).ok_or_else(|| too_wide(obligation, at))?;
            encoder.values.insert(at, value);
            encoder.elements.push((at, value));
        }
    }
    let wide = || Reason::Incomplete("a linear goal needs more than 127 bits".to_owned());
    for atom in &obligation.assumptions {
        let term = encoder.atom(atom).ok_or_else(wide)?;
        encoder.assertions.push(term);
    }
    let mut disjunction = Vec::with_capacity(cases.len());
    let mut known: HashMap<*const Linear, Term> = HashMap::new();
    for case in cases {
        let mut conjunction = Vec::new();
        for atom in &obligation.cases[*case] {
            // Cases share atoms.
            let address = Arc::as_ptr(&atom.linear);
            let term = match known.get(&address) {
                Some(term) => *term,
                None => encoder.atom(atom).ok_or_else(wide)?,
            };
            known.insert(address, term);
            conjunction.push(term);
        }
        disjunction.push(encoder.terms.and(conjunction));
    }
    let goal = encoder.terms.or(disjunction);
    encoder.assertions.push(goal);
    let Encoder { terms, assertions, inputs, elements, .. } = encoder;
    Ok(Encoding { terms, assertions, inputs, elements })
}

fn too_wide(obligation: &Obligation, (node, element): Element) -> Reason {
    let name = &obligation.graph.node(node).name;
    Reason::Incomplete(format!("{name}[{element}] needs more than {MOST_BITS} bits"))
}

struct Encoder<'a> {
    obligation: &'a Obligation,
    presolved: &'a Presolved,
    options: Options,
    terms: Terms,
    assertions: Vec<Term>,
    values: HashMap<Element, Value>,
    inputs: Vec<(Element, Value)>,
    elements: Vec<(Element, Value)>,
    /// Of variables, to keep them apart.
    names: HashSet<String>,
}

impl Encoder<'_> {
    /// By node and element, what the atoms depend on.
    fn needed(&self, atoms: &[&Atom]) -> Vec<Vec<bool>> {
        let graph = &self.obligation.graph;
        let mut needed: Vec<Vec<bool>> = graph.nodes.iter().map(|node| vec![false; node.len]).collect();
        for (node, element, _) in atoms.iter().flat_map(|atom| &atom.linear.terms) {
            needed[node.index()][*element as usize] = true;
        }
        for id in graph.ids().rev() {
            let own = std::mem::take(&mut needed[id.index()]);
            for element in (0..own.len()).filter(|element| own[*element]) {
                if self.range((id, element as u32)).is_point() {
                    continue;
                }
                match &graph.node(id).op {
                    Op::Input => {
                        let ((node, at), _) = self.presolved.representative((id, element as u32));
                        // Representatives come first, and this loop goes backwards.
                        if node != id {
                            needed[node.index()][at as usize] = true;
                        }
                    }
                    Op::Constant(_) => {}
                    Op::Affine { terms, .. } => {
                        for (source, matrix) in terms {
                            matrix.row(element).for_each(|(column, _)| needed[source.index()][column] = true);
                        }
                    }
                    Op::Step { source, .. } | Op::Wrap { source, .. } => needed[source.index()][element] = true,
                    Op::Max { source, windows } => {
                        for i in self.contenders(*source, &windows[element]) {
                            needed[source.index()][i as usize] = true;
                        }
                    }
                    Op::Gather { picks } => {
                        let (source, at) = picks[element];
                        needed[source.index()][at as usize] = true;
                    }
                }
            }
            needed[id.index()] = own;
        }
        needed
    }

    fn range(&self, (node, element): Element) -> Interval {
        self.presolved.ranges[node.index()][element as usize]
    }

    /// The value of an element all of whose sources are encoded; `None` beyond 127 bits.
    fn element(&mut self, at: Element) -> Option<Value> {
        let range = self.range(at);
        if range.is_point() {
            return Some(Value::constant(range.lo));
        }
        let graph = self.obligation.graph.clone();
        let (id, element) = (at.0, at.1 as usize);
        let value = match &graph.node(id).op {
            Op::Input => self.input(at)?,
            Op::Constant(values) => Value::constant(values[element]),
            Op::Affine { terms, bias } => {
                let mut items = Vec::new();
                for (source, matrix) in terms {
                    for (column, weight) in matrix.row(element) {
                        items.push((i128::from(weight), self.value((*source, column as u32))));
                    }
                }
                let sum = self.sum(&items, bias[element])?;
                let value = self.trimmed(Value { range, ..sum })?;
                if self.options.redundant_bounds {
                    self.assert_range(value)?;
                }
                value
            }
            Op::Step { source, steps } => {
                let source = self.value((*source, at.1));
                self.step(at, steps.at(element), source, range)?
            }
            Op::Wrap { source, width, signed } => self.wrap(self.value((*source, at.1)), *width, *signed, range)?,
            Op::Max { source, windows } => self.max(*source, &windows[element], range)?,
            Op::Gather { picks } => self.value(picks[element]),
        };
        self.trimmed(Value { range, ..value })
    }

    /// The value of an element that comes earlier.
    fn value(&self, at: Element) -> Value {
        match self.values.get(&at) {
            Some(value) => *value,
            // What is not encoded is not needed: it has one value only.
            None => Value::constant(self.range(at).lo),
        }
    }

    fn input(&mut self, at: Element) -> Option<Value> {
        let (representative, shift) = self.presolved.representative(at);
        if representative != at {
            let known = match self.values.get(&representative) {
                Some(value) => *value,
                // An equal input of the same variable may come later in this very node.
                None => {
                    let value = self.fresh_input(representative)?;
                    self.values.insert(representative, value);
                    value
                }
            };
            return Some(Value { offset: known.offset.checked_add(shift)?, ..known });
        }
        match self.values.get(&at) {
            Some(value) => Some(*value),
            None => self.fresh_input(at),
        }
    }

    fn fresh_input(&mut self, at: Element) -> Option<Value> {
        let range = self.range(at);
        let most = u128::try_from(range.hi.checked_sub(range.lo)?).ok()?;
        let name = format!("{}[{}]", self.obligation.graph.node(at.0).name, at.1);
        let bits = self.fresh(name, most);
        let value = Value { offset: range.lo, bits: Some(bits), range };
        self.inputs.push((at, value));
        Some(value)
    }

    /// A new variable in `0 ..= most`.
    fn fresh(&mut self, name: String, most: u128) -> Term {
        let name = if self.names.contains(&name) { format!("{name}#{}", self.names.len()) } else { name };
        self.names.insert(name.clone());
        let term = self.terms.variable(name, bits_for(most));
        let bound = self.at_most(term, most);
        self.assertions.push(bound);
        term
    }

    fn at_most(&mut self, term: Term, most: u128) -> Term {
        match most.checked_add(1) {
            Some(above) => {
                let above = self.terms.at_least(term, above);
                self.terms.not(above)
            }
            None => self.terms.bool(true),
        }
    }

    fn assert_range(&mut self, value: Value) -> Option<()> {
        if let Some(bits) = value.bits {
            let (least, most) = (above(value.offset, value.range.lo)?, above(value.offset, value.range.hi)?);
            let least = self.terms.at_least(bits, least);
            let most = self.at_most(bits, most);
            self.assertions.extend([least, most]);
        }
        Some(())
    }

    /// The same value with no more bits than its range needs.
    fn trimmed(&mut self, value: Value) -> Option<Value> {
        let Some(bits) = value.bits else { return Some(value) };
        let width = bits_for(above(value.offset, value.range.hi)?);
        let bits = if width < self.terms.width(bits) { self.terms.extract(bits, 0, width) } else { bits };
        Some(Value { bits: Some(bits), ..value })
    }

    fn wrap(&mut self, source: Value, width: u32, signed: bool, range: Interval) -> Option<Value> {
        let Some(bits) = source.bits else { return Some(Value::constant(range.lo)) };
        if let Some(shift) = wrap_shift(source.range, width, signed) {
            return Some(Value { offset: source.offset.checked_add(shift)?, bits: Some(bits), range });
        }
        let least = if signed { -(1i128 << (width - 1)) } else { 0 };
        let shift = source.offset.checked_sub(least)?.rem_euclid(1i128 << width);
        let shift = self.terms.constant(u128::try_from(shift).ok()?, width);
        let bits = self.terms.resize(bits, width);
        Some(Value { offset: least, bits: Some(self.terms.add(shift, bits)), range })
    }

    /// The members of a window that can be its greatest, each once.
    fn contenders(&self, source: NodeId, window: &[u32]) -> Vec<u32> {
        let ranges = &self.presolved.ranges[source.index()];
        if let Some(at) = dominant(window, ranges) {
            return vec![at];
        }
        let floor = window.iter().map(|i| ranges[*i as usize].lo).max();
        let mut contenders: Vec<u32> =
            window.iter().copied().filter(|i| floor.is_none_or(|floor| ranges[*i as usize].hi >= floor)).collect();
        contenders.sort_unstable();
        contenders.dedup();
        contenders
    }

    fn max(&mut self, source: NodeId, window: &[u32], range: Interval) -> Option<Value> {
        let mut members: Vec<Value> =
            self.contenders(source, window).into_iter().map(|i| self.value((source, i))).collect();
        if let [only] = members[..] {
            return Some(only);
        }
        let offset = members.iter().map(|value| value.offset).min()?;
        let width = width_for(above(offset, range.hi)?)?;
        let mut level = Vec::with_capacity(members.len());
        for value in members.drain(..) {
            let shift = self.terms.constant(above(offset, value.offset)?, width);
            level.push(match value.bits {
                Some(bits) => {
                    let bits = self.terms.extend(bits, width);
                    self.terms.add(shift, bits)
                }
                None => shift,
            });
        }
        while level.len() > 1 {
            let mut next = Vec::with_capacity(level.len().div_ceil(2));
            for pair in level.chunks(2) {
                next.push(match *pair {
                    [a, b] => {
                        let order = self.terms.ule(a, b);
                        self.terms.choose(order, b, a)
                    }
                    _ => pair[0],
                });
            }
            level = next;
        }
        Some(Value { offset, bits: level.pop(), range })
    }
}

/// value − offset, if that is not negative.
fn above(offset: i128, value: i128) -> Option<u128> {
    u128::try_from(value.checked_sub(offset)?).ok()
}

/// [`bits_for`], if a term can be that wide.
fn width_for(most: u128) -> Option<u32> {
    Some(bits_for(most)).filter(|width| *width <= MOST_BITS)
}
