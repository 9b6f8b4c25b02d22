//! Obligation to bit-vector formula: satisfiable exactly if some assignment answers the obligation.
//!
//! In: an obligation, its presolved boxes, the cases that are still open. Out: an [`Encoding`]: terms, assertions, and what the variables stand for.
//! Only the cone of what assumptions and open cases mention is encoded.
//!
//! Every element is `offset + bits`, with `bits` unsigned and just as wide as the element's range needs: a pixel that
//! moves by one step either way is two bits wherever it lies, and a sum of such pixels a few. Negative weights act
//! on complements, so that every partial sum is a plain unsigned sum, at the width that its own greatest value needs.
//! Invariant: wherever the inputs lie in their boxes, `offset + bits` is the element's value by the reference interpreter.

use super::term::{MOST_BITS, Term, Terms, bits_for, ones};
use crate::form::{dominant, wrap_shift};
use crate::presolve::{Element, Presolved};
use crate::{Control, Reason};
use num_integer::Integer;
use qnn_ir::Rounding;
use qnn_ir::interrupt::work;
use qnn_ir::obligation::{Assignment, Atom, Linear, Obligation};
use qnn_ir::{Interval, NodeId, Op, Step};
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

/// Steps with at most this many results, and no power of two as denominator, become comparisons with their thresholds; others a division.
const MOST_THRESHOLDS: i128 = 64;

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

    /// constant + the sum of factor · value.
    fn sum(&mut self, items: &[(i128, Value)], constant: i128) -> Option<Value> {
        work(64 * items.len());
        let mut offset = constant;
        let mut range = Interval::new(constant, constant);
        let mut addends: Vec<Addend> = Vec::with_capacity(items.len());
        for (factor, value) in items {
            offset = offset.checked_add(factor.checked_mul(value.offset)?)?;
            range = range.checked_add(value.range.checked_scale(*factor)?)?;
            let Some(bits) = value.bits else { continue };
            let most = above(value.offset, value.range.hi)?;
            match self.options.products {
                Products::Multiply => offset = offset.checked_add(self.addend(&mut addends, *factor, bits, most)?)?,
                Products::Shift => {
                    for digit in signed_digits(*factor)? {
                        offset = offset.checked_add(self.addend(&mut addends, digit, bits, most)?)?;
                    }
                }
            }
        }
        let total = match self.options.tree {
            AdderTree::Balanced => {
                while addends.len() > 1 {
                    let mut next = Vec::with_capacity(addends.len().div_ceil(2));
                    for pair in addends.chunks(2) {
                        next.push(match pair {
                            [a, b] => self.add(*a, *b)?,
                            _ => pair[0],
                        });
                    }
                    addends = next;
                }
                addends.pop()
            }
            AdderTree::Linear => {
                let mut addends = addends.into_iter();
                match addends.next() {
                    Some(first) => Some(addends.try_fold(first, |sum, next| self.add(sum, next))?),
                    None => None,
                }
            }
        };
        Some(Value { offset, bits: total.map(|sum| sum.bits), range })
    }

    /// Appends factor · bits, for bits in `0 ..= most`, and returns what must be added to the constant for it.
    fn addend(&mut self, addends: &mut Vec<Addend>, factor: i128, bits: Term, most: u128) -> Option<i128> {
        if factor == 0 {
            return Some(0);
        }
        let (bits, most, constant) = if factor > 0 {
            (bits, most, 0)
        } else {
            // −w · bits = w · (2^k − 1 − bits) − w · (2^k − 1), and the bracket is a complement.
            let top = ones(self.terms.width(bits));
            (self.terms.complement(bits), top, factor.checked_mul(i128::try_from(top).ok()?)?)
        };
        let magnitude = factor.unsigned_abs();
        let (shift, odd) = (magnitude.trailing_zeros(), magnitude >> magnitude.trailing_zeros());
        let width = width_for(odd.checked_mul(most)?)?.max(self.terms.width(bits));
        let bits = self.terms.extend(bits, width);
        let product = self.terms.multiply(odd, bits);
        width_for(magnitude.checked_mul(most)?)?;
        (width + shift <= MOST_BITS).then_some(())?;
        let bits = self.terms.shift_left(product, shift);
        addends.push(Addend { bits, most: magnitude.checked_mul(most)? });
        Some(constant)
    }

    /// The sum at the width that its greatest value needs.
    fn add(&mut self, a: Addend, b: Addend) -> Option<Addend> {
        let most = a.most.checked_add(b.most)?;
        let width = width_for(most)?;
        let (x, y) = (self.terms.resize(a.bits, width), self.terms.resize(b.bits, width));
        Some(Addend { bits: self.terms.add(x, y), most })
    }

    fn step(&mut self, at: Element, step: &Step, source: Value, range: Interval) -> Option<Value> {
        let Some(bits) = source.bits else { return Some(Value::constant(range.lo)) };
        if let Step::Round { numerator, denominator, offset, mode, .. } = step {
            if numerator % denominator == 0 && offset % denominator == 0 && self.unclamped(step, source.range)? {
                let (slope, shift) = (numerator / denominator, offset / denominator);
                if slope == 1 {
                    return Some(Value { offset: source.offset.checked_add(shift)?, bits: Some(bits), range });
                }
                return self.sum(&[(slope, source)], shift);
            }
            let power = denominator.count_ones() == 1;
            if power || range.hi.checked_sub(range.lo)? >= MOST_THRESHOLDS {
                return self.quotient(at, (*numerator, *denominator, *offset, *mode), source, range);
            }
        }
        let mut thresholds = Vec::new();
        for v in range.lo + 1..=range.hi {
            thresholds.push(above(source.offset, step.threshold(v)?)?);
        }
        let bits = self.count(bits, above(source.offset, source.range.hi)?, &thresholds)?;
        Some(Value { offset: range.lo, bits: Some(bits), range })
    }

    /// Whether no clamp acts anywhere in the range.
    fn unclamped(&self, step: &Step, range: Interval) -> Option<bool> {
        let Step::Round { numerator, denominator, offset, lo, hi, .. } = step else { return Some(false) };
        let at = |a: i128| Some(Integer::div_floor(&numerator.checked_mul(a)?.checked_add(*offset)?, denominator));
        Some(at(range.lo)? >= *lo && at(range.hi)? <= *hi)
    }

    /// How many of the ascending thresholds are at most `bits`, for bits in `0 ..= most`: a bit at a time from the top, each by one comparison with the
    /// threshold that the bits above it choose.
    fn count(&mut self, bits: Term, most: u128, thresholds: &[u128]) -> Option<Term> {
        let levels = bits_for(thresholds.len() as u128);
        let never = most.checked_add(1)?;
        let full = (thresholds.len() + 1).is_power_of_two();
        let width = width_for(if full { most } else { never })?.max(self.terms.width(bits));
        let wide = self.terms.extend(bits, width);
        let mut chosen: Vec<Term> = Vec::new();
        let mut result: Option<Term> = None;
        for level in (0..levels).rev() {
            let leaves: Vec<u128> = (0..1usize << chosen.len())
                .map(|above| (above << (level + 1)) + (1 << level))
                .map(|count| thresholds.get(count - 1).copied().unwrap_or(never))
                .collect();
            let threshold = self.select(&chosen, &leaves, width);
            let bit = self.terms.ule(threshold, wide);
            chosen.push(bit);
            let bit = self.bool_bit(bit);
            result = Some(match result {
                Some(high) => self.terms.concat(high, bit),
                None => bit,
            });
        }
        result
    }

    /// The leaf whose index has the given bits, the highest first.
    fn select(&mut self, index: &[Term], leaves: &[u128], width: u32) -> Term {
        let Some((top, rest)) = index.split_first() else { return self.terms.constant(leaves[0], width) };
        let (low, high) = leaves.split_at(leaves.len() / 2);
        let (low, high) = (self.select(rest, low, width), self.select(rest, high, width));
        self.terms.choose(*top, high, low)
    }

    fn bool_bit(&mut self, condition: Term) -> Term {
        let (one, zero) = (self.terms.constant(1, 1), self.terms.constant(0, 1));
        self.terms.choose(condition, one, zero)
    }

    /// A rounding step by a shift, or by a division with a remainder: clamp(round((numerator · a + offset) / denominator)) over a range that is already the clamped one.
    ///
    /// Every mode is floor((dividend + adjustment) / denominator); the adjustment may depend on the dividend's sign, and half to even
    /// clears the last bit of a tie's result.
    fn quotient(
        &mut self,
        at: Element,
        (numerator, denominator, offset, mode): (i128, i128, i128, Rounding),
        source: Value,
        range: Interval,
    ) -> Option<Value> {
        let even = denominator % 2 == 0;
        let half = denominator / 2;
        // What rounds results up to zero, and what rounds those above.
        let (below, beyond) = match mode {
            Rounding::HalfUp | Rounding::HalfEven => (half, half),
            Rounding::HalfAway => (if even { half - 1 } else { half }, half),
            Rounding::Floor => (0, 0),
            Rounding::TowardZero => (denominator - 1, 0),
        };
        let ties = mode == Rounding::HalfEven && even;
        // Only roundings to results above the least reachable one matter: those to `lo` and below end up there anyway.
        let mut items = vec![(numerator, source)];
        let adjustment = if range.lo >= 0 || below == beyond {
            beyond
        } else if range.hi <= 0 {
            below
        } else {
            // TowardZero adds less from zero on, HalfAway more.
            let bits = source.bits?;
            let zero = Integer::div_ceil(&offset.checked_neg()?, &numerator);
            let positive = match above(source.offset, zero) {
                Some(bound) => self.terms.at_least(bits, bound),
                None => self.terms.bool(true),
            };
            let more = if beyond > below { positive } else { self.terms.not(positive) };
            let most = (beyond - below).unsigned_abs();
            let width = width_for(most)?;
            let (some, none) = (self.terms.constant(most, width), self.terms.constant(0, width));
            let extra = self.terms.choose(more, some, none);
            items
                .push((1, Value { offset: 0, bits: Some(extra), range: Interval::new(0, i128::try_from(most).ok()?) }));
            below.min(beyond)
        };
        // Results are counted from `base`, even where the parity of a result must be seen in its last bit.
        let base = if ties { range.lo - range.lo.rem_euclid(2) } else { range.lo };
        let constant = offset.checked_add(adjustment)?.checked_sub(denominator.checked_mul(base)?)?;
        let dividend = self.sum(&items, constant)?;
        let most = u128::try_from(range.hi - base).ok()?;
        let quotient = self.clamped_quotient(at, dividend, denominator, most, ties)?;
        let mut bits = self.terms.resize(quotient, bits_for(most));
        if base < range.lo {
            let least = self.terms.at_least(bits, 1);
            let one = self.terms.constant(1, bits_for(most));
            bits = self.terms.choose(least, bits, one);
        }
        Some(Value { offset: base, bits: Some(bits), range })
    }

    /// clamp(floor(dividend / denominator), 0, most); with `ties`, odd exact quotients lose one.
    fn clamped_quotient(
        &mut self,
        at: Element,
        dividend: Value,
        denominator: i128,
        most: u128,
        ties: bool,
    ) -> Option<Term> {
        let bits = dividend.bits?;
        let greatest = u128::try_from(dividend.range.hi).unwrap_or(0);
        // offset + bits as a number that is not negative, and whether it is.
        let (negative, width) = (dividend.range.lo < 0, width_for(greatest)?);
        let bits_wide = self.terms.width(bits);
        let (low, is_negative) = if negative {
            // One more bit than either end needs holds the sign.
            let width = dividend.range.signed_width().max(width + 1);
            (width <= MOST_BITS).then_some(())?;
            let offset = dividend.offset.rem_euclid(1i128.checked_shl(width)?);
            let offset = self.terms.constant(u128::try_from(offset).ok()?, width);
            let bits = self.terms.resize(bits, width);
            let number = self.terms.add(offset, bits);
            let sign = self.terms.extract(number, width - 1, 1);
            let is_negative = self.terms.at_least(sign, 1);
            (self.terms.extract(number, 0, width - 1), Some(is_negative))
        } else {
            let wide = width.max(bits_wide);
            let offset = dividend.offset.rem_euclid(1i128.checked_shl(wide)?);
            let offset = self.terms.constant(u128::try_from(offset).ok()?, wide);
            let bits = self.terms.extend(bits, wide);
            let number = self.terms.add(offset, bits);
            (self.terms.extract(number, 0, width), None)
        };
        let denominator = u128::try_from(denominator).ok()?;
        let out = bits_for(most);
        if denominator.is_power_of_two() {
            let shift = denominator.trailing_zeros();
            let wide = self.terms.width(low);
            let whole =
                if shift >= wide { self.terms.constant(0, out) } else { self.terms.extract(low, shift, wide - shift) };
            let over = if greatest >> shift > most { Some(self.terms.at_least(whole, most + 1)) } else { None };
            let mut result = self.terms.resize(whole, out);
            if ties {
                let rest = self.terms.resize(low, shift);
                result = self.even_tie(result, rest);
            }
            if let Some(over) = over {
                let top = self.terms.constant(most, out);
                result = self.terms.choose(over, top, result);
            }
            if let Some(is_negative) = is_negative {
                let zero = self.terms.constant(0, out);
                result = self.terms.choose(is_negative, zero, result);
            }
            return Some(result);
        }
        // Clamped first, then divided: the quotient and the remainder are new variables.
        let top = most.checked_add(1)?.checked_mul(denominator)?.checked_sub(1)?;
        let mut clamped = low;
        if greatest > top {
            let over = self.terms.at_least(clamped, top + 1);
            let limit = self.terms.constant(top, self.terms.width(clamped));
            clamped = self.terms.choose(over, limit, clamped);
        }
        if let Some(is_negative) = is_negative {
            let zero = self.terms.constant(0, self.terms.width(clamped));
            clamped = self.terms.choose(is_negative, zero, clamped);
        }
        let name = format!("{}[{}]", self.obligation.graph.node(at.0).name, at.1);
        let quotient = self.fresh(format!("{name}.quotient"), most);
        let rest = self.fresh(format!("{name}.remainder"), denominator - 1);
        let product_width = width_for(ones(out).checked_mul(denominator)?.checked_add(denominator)?)?;
        let width = product_width.max(self.terms.width(rest) + 1).max(self.terms.width(clamped));
        (width <= MOST_BITS).then_some(())?;
        let wide = self.terms.extend(quotient, width);
        let product = self.terms.multiply(denominator, wide);
        let wide_rest = self.terms.extend(rest, width);
        let sum = self.terms.add(product, wide_rest);
        let clamped = self.terms.extend(clamped, width);
        let definition = self.terms.eq(sum, clamped);
        self.assertions.push(definition);
        Some(if ties { self.even_tie(quotient, rest) } else { quotient })
    }

    /// The quotient with its last bit cleared if the remainder is zero.
    fn even_tie(&mut self, quotient: Term, rest: Term) -> Term {
        let width = self.terms.width(quotient);
        let last = self.terms.extract(quotient, 0, 1);
        let tie = self.terms.at_least(rest, 1);
        let zero = self.terms.constant(0, 1);
        let last = self.terms.choose(tie, last, zero);
        if width == 1 {
            return last;
        }
        let high = self.terms.extract(quotient, 1, width - 1);
        self.terms.concat(high, last)
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

    /// The atom as positive terms >= negative terms, so that both sides are unsigned.
    fn atom(&mut self, atom: &Atom) -> Option<Term> {
        let (mut plus, mut minus) = (Vec::new(), Vec::new());
        let mut constant = atom.linear.constant;
        let mut range = Interval::new(constant, constant);
        for (node, element, factor) in &atom.linear.terms {
            let value = self.value((*node, *element));
            range = range.checked_add(value.range.checked_scale(*factor)?)?;
            constant = constant.checked_add(factor.checked_mul(value.offset)?)?;
            let most = above(value.offset, value.range.hi)?;
            let bits = Value { offset: 0, range: Interval::new(0, i128::try_from(most).ok()?), ..value };
            if value.bits.is_some() {
                if *factor > 0 { plus.push((*factor, bits)) } else { minus.push((factor.checked_neg()?, bits)) }
            }
        }
        if !self.options.keep_goals && (range.lo >= 0 || range.hi < 0) {
            return Some(self.terms.bool(range.lo >= 0));
        }
        // Products by multiplication: a signed digit would bring complements, and negative numbers with them.
        let products = std::mem::replace(&mut self.options.products, Products::Multiply);
        let (left, right) = (self.sum(&plus, 0), self.sum(&minus, 0));
        self.options.products = products;
        let (left, right) = (left?, right?);
        let magnitude = constant.unsigned_abs();
        match (left.bits, right.bits) {
            (None, None) => Some(self.terms.bool(constant >= 0)),
            (Some(left), None) => Some(self.terms.at_least(left, if constant < 0 { magnitude } else { 0 })),
            (None, Some(right)) => {
                let above = self.terms.at_least(right, magnitude.checked_add(1)?);
                Some(if constant < 0 { self.terms.bool(false) } else { self.terms.not(above) })
            }
            (Some(x), Some(y)) => {
                let (x, y) = if constant >= 0 {
                    (self.plus(x, left.range, magnitude)?, y)
                } else {
                    (x, self.plus(y, right.range, magnitude)?)
                };
                Some(self.terms.ule(y, x))
            }
        }
    }

    /// bits + constant, for bits in the range.
    fn plus(&mut self, bits: Term, range: Interval, constant: u128) -> Option<Term> {
        let width = width_for(u128::try_from(range.hi).ok()?.checked_add(constant)?)?.max(self.terms.width(bits));
        let constant = self.terms.constant(constant, width);
        let bits = self.terms.extend(bits, width);
        Some(self.terms.add(constant, bits))
    }
}

/// A part of a sum: bits in `0 ..= most`.
#[derive(Clone, Copy)]
struct Addend {
    bits: Term,
    most: u128,
}

/// value − offset, if that is not negative.
fn above(offset: i128, value: i128) -> Option<u128> {
    u128::try_from(value.checked_sub(offset)?).ok()
}

/// [`bits_for`], if a term can be that wide.
fn width_for(most: u128) -> Option<u32> {
    Some(bits_for(most)).filter(|width| *width <= MOST_BITS)
}

/// Signed powers of two, no two of them neighbours, that add up to the number.
fn signed_digits(mut number: i128) -> Option<Vec<i128>> {
    let mut digits = Vec::new();
    let mut power: i128 = 1;
    while number != 0 {
        if number.is_odd() {
            let digit = if number.rem_euclid(4) == 3 { -1 } else { 1 };
            digits.push(digit * power);
            number = number.checked_sub(digit)?;
        }
        number /= 2;
        power = power.checked_mul(2)?;
    }
    Some(digits)
}
