//! Terms of quantifier-free bit-vector logic: a hash-consed DAG with simplifying builders.
//!
//! In: calls of the builders. Out: one list of nodes in topological order that the solver's driver and the SMT-LIB printer both read. Everything is
//! unsigned and at most [`MOST_BITS`] wide; booleans are a sort of their own. Invariant: equal terms are the same term,
//! and a simplified term has the value of the unsimplified one for every value of the variables. This file knows no networks and no solver.

use std::collections::HashMap;
use std::sync::Arc;

/// The widest term.
pub const MOST_BITS: u32 = 127;

/// A node of the DAG. A term is built after its arguments, so the order of terms is a topological order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term(u32);

impl Term {
    /// The index in the list of nodes.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a term is. Arguments of one operation have one width unless it says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// True or false.
    Bool(bool),
    /// Negation of a boolean.
    Not(Term),
    /// Conjunction of at least two booleans.
    And(Box<[Term]>),
    /// Disjunction of at least two booleans.
    Or(Box<[Term]>),
    /// Equality of two bit-vectors.
    Eq(Term, Term),
    /// Unsigned <=.
    Ule(Term, Term),
    /// A number below 2^width.
    Constant(u128),
    /// An index into [`Terms::variables`].
    Variable(u32),
    /// Sum modulo 2^width.
    Add(Term, Term),
    /// Product with a constant modulo 2^width.
    Multiply(u128, Term),
    /// Every bit inverted.
    Complement(Term),
    /// The first argument's bits above the second's.
    Concat(Term, Term),
    /// As many bits as the term is wide, from bit `low` of the argument.
    Extract(Term, u32),
    /// Zeros above the argument.
    Extend(Term),
    /// if a boolean then a bit-vector else another.
    Choose(Term, Term, Term),
}

/// A free variable of the formula.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariableInfo {
    /// For people; unique.
    pub name: Arc<str>,
    /// Bits.
    pub width: u32,
}

/// The DAG.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    nodes: Vec<Node>,
    /// Bits; 0 for booleans.
    widths: Vec<u32>,
    known: HashMap<(Node, u32), Term>,
    /// The free variables, in the order of their making.
    pub variables: Vec<VariableInfo>,
}

/// The bits that the numbers `0 ..= greatest` need, at least one.
pub fn bits_for(greatest: u128) -> u32 {
    (128 - greatest.leading_zeros()).max(1)
}

/// 2^width − 1.
pub fn ones(width: u32) -> u128 {
    if width >= 128 { u128::MAX } else { (1u128 << width) - 1 }
}

impl Terms {
    /// No terms.
    pub fn new() -> Terms {
        Terms::default()
    }

    /// What a term is.
    pub fn node(&self, term: Term) -> &Node {
        &self.nodes[term.index()]
    }

    /// A bit-vector's width; 0 for booleans.
    pub fn width(&self, term: Term) -> u32 {
        self.widths[term.index()]
    }

    /// The terms that the given ones are made of, arguments first, themselves included.
    pub fn cone(&self, roots: &[Term]) -> Vec<Term> {
        let mut needed = vec![false; self.nodes.len()];
        roots.iter().for_each(|root| needed[root.index()] = true);
        for index in (0..self.nodes.len()).rev() {
            if needed[index] {
                for_arguments(&self.nodes[index], |argument| needed[argument.index()] = true);
            }
        }
        (0..self.nodes.len() as u32).map(Term).filter(|term| needed[term.index()]).collect()
    }

    fn intern(&mut self, node: Node, width: u32) -> Term {
        assert!(width <= MOST_BITS, "the encoder keeps terms within {MOST_BITS} bits");
        let key = (node, width);
        if let Some(term) = self.known.get(&key) {
            return *term;
        }
        let term = Term(u32::try_from(self.nodes.len()).expect("fewer than 2^32 terms"));
        self.nodes.push(key.0.clone());
        self.widths.push(width);
        self.known.insert(key, term);
        term
    }

    fn as_constant(&self, term: Term) -> Option<u128> {
        match self.node(term) {
            Node::Constant(value) => Some(*value),
            _ => None,
        }
    }

    /// True or false.
    pub fn bool(&mut self, value: bool) -> Term {
        self.intern(Node::Bool(value), 0)
    }

    /// A number of the given width; what does not fit is cut off.
    pub fn constant(&mut self, value: u128, width: u32) -> Term {
        self.intern(Node::Constant(value & ones(width)), width)
    }

    /// A new free variable.
    pub fn variable(&mut self, name: impl Into<Arc<str>>, width: u32) -> Term {
        let index = self.variables.len() as u32;
        self.variables.push(VariableInfo { name: name.into(), width });
        self.intern(Node::Variable(index), width)
    }

    /// not a.
    pub fn not(&mut self, a: Term) -> Term {
        match *self.node(a) {
            Node::Bool(value) => self.bool(!value),
            Node::Not(inner) => inner,
            _ => self.intern(Node::Not(a), 0),
        }
    }

    /// All of them.
    pub fn and(&mut self, terms: impl IntoIterator<Item = Term>) -> Term {
        self.junction(terms, true)
    }

    /// At least one of them.
    pub fn or(&mut self, terms: impl IntoIterator<Item = Term>) -> Term {
        self.junction(terms, false)
    }

    fn junction(&mut self, terms: impl IntoIterator<Item = Term>, neutral: bool) -> Term {
        let mut all = Vec::new();
        for term in terms {
            match self.node(term) {
                Node::Bool(value) if *value == neutral => {}
                Node::Bool(_) => return term,
                Node::And(inner) if neutral => all.extend_from_slice(inner),
                Node::Or(inner) if !neutral => all.extend_from_slice(inner),
                _ => all.push(term),
            }
        }
        all.sort_unstable();
        all.dedup();
        match all[..] {
            [] => self.bool(neutral),
            [one] => one,
            _ if neutral => self.intern(Node::And(all.into()), 0),
            _ => self.intern(Node::Or(all.into()), 0),
        }
    }

    /// a = b.
    pub fn eq(&mut self, a: Term, b: Term) -> Term {
        debug_assert_eq!(self.width(a), self.width(b));
        match (self.as_constant(a), self.as_constant(b)) {
            _ if a == b => self.bool(true),
            (Some(x), Some(y)) => self.bool(x == y),
            _ => self.intern(Node::Eq(a.min(b), a.max(b)), 0),
        }
    }

    /// a <= b, unsigned; the narrower one is extended.
    pub fn ule(&mut self, a: Term, b: Term) -> Term {
        let (a, b) = (self.unextended(a), self.unextended(b));
        let (wide_a, wide_b) = (self.width(a), self.width(b));
        match (self.as_constant(a), self.as_constant(b)) {
            _ if a == b => return self.bool(true),
            (Some(x), Some(y)) => return self.bool(x <= y),
            (Some(x), None) => return self.at_least(b, x),
            (None, Some(y)) => {
                return match y.checked_add(1) {
                    Some(above) => {
                        let above = self.at_least(a, above);
                        self.not(above)
                    }
                    None => self.bool(true),
                };
            }
            (None, None) => {}
        }
        let width = wide_a.max(wide_b);
        let (a, b) = (self.extend(a, width), self.extend(b, width));
        self.intern(Node::Ule(a, b), 0)
    }

    /// a >= bound, unsigned, for a bound of any size.
    pub fn at_least(&mut self, a: Term, bound: u128) -> Term {
        let a = self.unextended(a);
        let width = self.width(a);
        if bound == 0 {
            return self.bool(true);
        }
        if bound > ones(width) {
            return self.bool(false);
        }
        if let Some(value) = self.as_constant(a) {
            return self.bool(value >= bound);
        }
        if bound == ones(width) {
            let bound = self.constant(bound, width);
            return self.eq(a, bound);
        }
        if bound.is_power_of_two() {
            // Some bit from there on is set.
            let low = bound.trailing_zeros();
            let high = self.extract(a, low, width - low);
            let zero = self.constant(0, width - low);
            let none = self.eq(high, zero);
            return self.not(none);
        }
        let bound = self.constant(bound, width);
        self.intern(Node::Ule(bound, a), 0)
    }

    fn unextended(&self, term: Term) -> Term {
        match self.node(term) {
            Node::Extend(inner) => *inner,
            _ => term,
        }
    }

    /// a + b modulo 2^width.
    pub fn add(&mut self, a: Term, b: Term) -> Term {
        debug_assert_eq!(self.width(a), self.width(b));
        let width = self.width(a);
        let (a, b) = if self.as_constant(b).is_some() { (b, a) } else { (a.min(b), a.max(b)) };
        match (self.as_constant(a), self.as_constant(b)) {
            (Some(0), _) => return b,
            (Some(x), Some(y)) => return self.constant(x.wrapping_add(y), width),
            (Some(x), None) => {
                if let Node::Add(inner, rest) = *self.node(b)
                    && let Some(y) = self.as_constant(inner)
                {
                    let sum = self.constant(x.wrapping_add(y), width);
                    return self.add(sum, rest);
                }
            }
            _ => {}
        }
        self.intern(Node::Add(a, b), width)
    }

    /// factor · a modulo 2^width.
    pub fn multiply(&mut self, factor: u128, a: Term) -> Term {
        let width = self.width(a);
        match (factor & ones(width), self.as_constant(a)) {
            (0, _) => self.constant(0, width),
            (1, _) => a,
            (factor, Some(value)) => self.constant(factor.wrapping_mul(value), width),
            (factor, None) => self.intern(Node::Multiply(factor, a), width),
        }
    }

    /// a · 2^by, `by` bits wider.
    pub fn shift_left(&mut self, a: Term, by: u32) -> Term {
        if by == 0 {
            return a;
        }
        let zeros = self.constant(0, by);
        self.concat(a, zeros)
    }

    /// 2^width − 1 − a.
    pub fn complement(&mut self, a: Term) -> Term {
        let width = self.width(a);
        match *self.node(a) {
            Node::Constant(value) => self.constant(!value, width),
            Node::Complement(inner) => inner,
            _ => self.intern(Node::Complement(a), width),
        }
    }

    /// `high` above `low`.
    pub fn concat(&mut self, high: Term, low: Term) -> Term {
        let (wide, below) = (self.width(high), self.width(low));
        match (self.as_constant(high), self.as_constant(low)) {
            (Some(x), Some(y)) => self.constant(x << below | y, wide + below),
            (Some(0), None) => self.extend(low, wide + below),
            _ => self.intern(Node::Concat(high, low), wide + below),
        }
    }

    /// `width` bits from bit `low` on.
    pub fn extract(&mut self, a: Term, low: u32, width: u32) -> Term {
        debug_assert!(width > 0 && low + width <= self.width(a));
        if low == 0 && width == self.width(a) {
            return a;
        }
        match *self.node(a) {
            Node::Constant(value) => self.constant(value >> low, width),
            Node::Extract(inner, from) => self.extract(inner, from + low, width),
            Node::Extend(inner) if low >= self.width(inner) => self.constant(0, width),
            Node::Extend(inner) if low + width <= self.width(inner) => self.extract(inner, low, width),
            Node::Extend(inner) => {
                let kept = self.extract(inner, low, self.width(inner) - low);
                self.extend(kept, width)
            }
            Node::Concat(_, below) if low + width <= self.width(below) => self.extract(below, low, width),
            Node::Concat(above, below) if low >= self.width(below) => {
                self.extract(above, low - self.width(below), width)
            }
            _ => self.intern(Node::Extract(a, low), width),
        }
    }

    /// The same number at a width no less than the term's own.
    pub fn extend(&mut self, a: Term, width: u32) -> Term {
        debug_assert!(width >= self.width(a));
        if width == self.width(a) {
            return a;
        }
        match *self.node(a) {
            Node::Constant(value) => self.constant(value, width),
            Node::Extend(inner) => self.extend(inner, width),
            _ => self.intern(Node::Extend(a), width),
        }
    }

    /// The number modulo 2^width: extended or cut off.
    pub fn resize(&mut self, a: Term, width: u32) -> Term {
        if width < self.width(a) { self.extract(a, 0, width) } else { self.extend(a, width) }
    }

    /// if condition then a else b.
    pub fn choose(&mut self, condition: Term, a: Term, b: Term) -> Term {
        debug_assert_eq!(self.width(a), self.width(b));
        let width = self.width(a);
        match *self.node(condition) {
            _ if a == b => a,
            Node::Bool(value) => {
                if value {
                    a
                } else {
                    b
                }
            }
            Node::Not(inner) => self.choose(inner, b, a),
            _ => self.intern(Node::Choose(condition, a, b), width),
        }
    }
}

fn for_arguments(node: &Node, mut visit: impl FnMut(Term)) {
    match node {
        Node::Bool(_) | Node::Constant(_) | Node::Variable(_) => {}
        Node::Not(a) | Node::Multiply(_, a) | Node::Complement(a) | Node::Extract(a, _) | Node::Extend(a) => visit(*a),
        Node::And(all) | Node::Or(all) => all.iter().for_each(|a| visit(*a)),
        Node::Eq(a, b) | Node::Ule(a, b) | Node::Add(a, b) | Node::Concat(a, b) => {
            visit(*a);
            visit(*b);
        }
        Node::Choose(a, b, c) => {
            visit(*a);
            visit(*b);
            visit(*c);
        }
    }
}
