//! Networks over exact rationals: the real-valued reading, which no integer of bounded width holds.
//!
//! In: integers of the inputs, each with a scale. Out: exact values. Sums are made in integers of any size over a common denominator, so
//! that nothing is rounded and no fraction is reduced on the way. This is the truth of a real-valued reading, as the interpreter is that of a
//! [`Graph`](super::Graph); engines see the integer graphs that [`super::enclose`] makes of it.

use crate::Rational;
use crate::interrupt::work;
use crate::rational::{common_denominator, integer};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::float::FloatCore;
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::sync::{Arc, OnceLock};

/// What a number of any size takes, in elementary operations.
pub const NUMBER: usize = 16;

/// One row of a matrix: (column, index into the matrix's numbers).
pub type Row = Vec<(u32, u32)>;

/// Integers, in 128 bits each where that does for all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// Of 128 bits.
    Short(Arc<[i128]>),
    /// Not all of 128 bits.
    Long(Arc<[BigInt]>),
}

impl Numbers {
    /// From what each is; `short` may give up where it can't say in 128 bits, `long` always knows.
    fn new(len: usize, short: impl Fn(usize) -> Option<i128>, long: impl Fn(usize) -> BigInt) -> Numbers {
        let all: Option<Vec<i128>> = (0..len).inspect(|_| work(1)).map(short).collect();
        if let Some(all) = all {
            return Numbers::Short(all.into());
        }
        let all: Vec<BigInt> = (0..len).inspect(|_| work(NUMBER)).map(long).collect();
        let short: Option<Vec<i128>> = all.iter().inspect(|_| work(1)).map(ToPrimitive::to_i128).collect();
        short.map_or_else(|| Numbers::Long(all.into()), |short| Numbers::Short(short.into()))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Numbers::Short(numbers) => numbers.len(),
            Numbers::Long(numbers) => numbers.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One of them.
    pub fn get(&self, index: usize) -> BigInt {
        match self {
            Numbers::Short(numbers) => numbers[index].into(),
            Numbers::Long(numbers) => numbers[index].clone(),
        }
    }

    /// The same, if all of them have 128 bits.
    pub fn short(&self, index: usize) -> Option<i128> {
        match self {
            Numbers::Short(numbers) => Some(numbers[index]),
            Numbers::Long(_) => None,
        }
    }

    /// Whether none is negative.
    pub fn are_positive(&self) -> bool {
        match self {
            Numbers::Short(numbers) => numbers.iter().inspect(|_| work(1)).all(|n| *n >= 0),
            Numbers::Long(numbers) => numbers.iter().inspect(|_| work(1)).all(|n| !n.is_negative()),
        }
    }

    /// The greatest magnitude; 0 if there is none.
    pub fn magnitude(&self) -> BigInt {
        match self {
            Numbers::Short(numbers) => {
                numbers.iter().inspect(|_| work(1)).map(|n| n.unsigned_abs()).max().unwrap_or(0).into()
            }
            Numbers::Long(numbers) => {
                numbers.iter().inspect(|_| work(NUMBER)).map(Signed::abs).max().unwrap_or_default()
            }
        }
    }

    /// The greatest common divisor; 0 if all are 0.
    pub fn divisor(&self) -> BigInt {
        match self {
            Numbers::Short(numbers) => {
                let mut divisor = 0u128;
                for number in numbers.iter() {
                    work(NUMBER);
                    divisor = divisor.gcd(&number.unsigned_abs());
                    if divisor == 1 {
                        break;
                    }
                }
                divisor.into()
            }
            Numbers::Long(numbers) => numbers
                .iter()
                .inspect(|_| work(NUMBER))
                .fold(BigInt::zero(), |divisor, n| if divisor.is_one() { divisor } else { divisor.gcd(n) }),
        }
    }
}

/// Rationals over their least common denominator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Values {
    numbers: Numbers,
    denominator: BigInt,
}

impl Values {
    /// Of rationals.
    pub fn new(values: &[Rational]) -> Values {
        let denominator = common_denominator(values.iter().inspect(|_| work(NUMBER)));
        let number = |i: usize| {
            work(NUMBER);
            let value: &Rational = &values[i];
            value.numer() * (&denominator / value.denom())
        };
        Values { numbers: Numbers::new(values.len(), |i| number(i).to_i128(), number), denominator }
    }

    /// Each number times the scale.
    pub fn scaled(numbers: &[i64], scale: &Rational) -> Values {
        let factor = scale.numer().to_i128();
        let short = |i: usize| i128::from(numbers[i]).checked_mul(factor?);
        let all = Numbers::new(numbers.len(), short, |i| numbers[i] * scale.numer());
        Values::over(all, scale.denom().clone())
    }

    /// Of floats; `None` if one is not finite.
    pub fn floats(values: &[f64]) -> Option<Values> {
        let mut least = 0;
        for value in values {
            work(1);
            least = least.min(parts(*value)?.1);
        }
        let shift = |exponent: i32| exponent.abs_diff(least);
        let short = |i: usize| {
            let (mantissa, exponent) = parts(values[i])?;
            // Mantissas have 53 bits.
            (mantissa == 0 || shift(exponent) < 127 - 53).then(|| i128::from(mantissa) << shift(exponent).min(73))
        };
        let long = |i: usize| parts(values[i]).map_or_else(BigInt::zero, |(m, e)| BigInt::from(m) << shift(e));
        let numbers = Numbers::new(values.len(), short, long);
        Some(Values { numbers, denominator: BigInt::one() << least.unsigned_abs() })
    }

    /// Numbers over a denominator, in lowest terms.
    fn over(numbers: Numbers, denominator: BigInt) -> Values {
        let divisor = if denominator.is_one() { BigInt::one() } else { numbers.divisor().gcd(&denominator) };
        if divisor.is_one() {
            return Values { numbers, denominator };
        }
        let small = divisor.to_i128();
        let short = |i: usize| {
            work(NUMBER);
            Some(numbers.short(i)? / small?)
        };
        let reduced = Numbers::new(numbers.len(), short, |i| numbers.get(i) / &divisor);
        Values { numbers: reduced, denominator: denominator / divisor }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// One of them.
    pub fn get(&self, index: usize) -> Rational {
        Rational::new(self.numbers.get(index), self.denominator.clone())
    }
}

/// A finite float as an odd integer, or 0, times a power of two.
fn parts(value: f64) -> Option<(i64, i32)> {
    if !value.is_finite() {
        return None;
    }
    let (mantissa, exponent, sign) = value.integer_decode();
    let zeros = mantissa.trailing_zeros();
    // At most 53 bits.
    let odd = if mantissa == 0 { 0 } else { (mantissa >> zeros) as i64 };
    Some((i64::from(sign) * odd, if odd == 0 { 0 } else { i32::from(exponent) + zeros as i32 }))
}

/// A matrix of rationals over a common denominator; entries that share a weight (a convolution's) share its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RealMatrix {
    columns: usize,
    rows: Arc<[Row]>,
    values: Values,
}

impl RealMatrix {
    /// From rows of indices into `values`.
    ///
    /// # Panics
    /// If an index or a column is out of range: a bug of the caller.
    pub fn new(columns: usize, rows: Arc<[Row]>, values: Values) -> RealMatrix {
        let fits = |(column, index): &(u32, u32)| (*column as usize) < columns && (*index as usize) < values.len();
        let row_fits = |row: &Row| {
            work(1 + row.len());
            row.iter().all(fits)
        };
        assert!(rows.iter().all(row_fits), "entries within the matrix");
        RealMatrix { columns, rows, values }
    }

    /// The square matrix with these values on its diagonal.
    pub fn diagonal(values: &[Rational]) -> RealMatrix {
        let rows = (0..values.len() as u32).inspect(|_| work(NUMBER)).map(|i| vec![(i, i)]).collect();
        RealMatrix::new(values.len(), rows, Values::new(values))
    }

    /// The number of columns: inputs.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The rows, as indices into [`RealMatrix::numbers`].
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The distinct entries, times [`RealMatrix::denominator`].
    pub fn numbers(&self) -> &Numbers {
        &self.values.numbers
    }

    /// Positive.
    pub fn denominator(&self) -> &BigInt {
        &self.values.denominator
    }

    fn value(&self, index: u32) -> Rational {
        self.values.get(index as usize)
    }

    /// Whether no row has more than one entry.
    fn is_sparse(&self) -> bool {
        self.rows.iter().inspect(|_| work(1)).all(|row| row.len() <= 1)
    }

    /// This matrix times another, of which one has at most an entry a row: no sum arises.
    fn times(&self, inner: &RealMatrix) -> RealMatrix {
        let mut pairs: Vec<(u32, u32)> = Vec::new();
        let mut known = std::collections::HashMap::new();
        let mut product = |a: u32, b: u32| {
            work(NUMBER);
            *known.entry((a, b)).or_insert_with(|| {
                pairs.push((a, b));
                pairs.len() as u32 - 1
            })
        };
        let mut rows: Vec<Row> = Vec::with_capacity(self.rows.len());
        for row in self.rows.iter() {
            work(1 + row.len());
            let entries = row
                .iter()
                .flat_map(|(middle, a)| inner.rows[*middle as usize].iter().map(move |(column, b)| (*column, *a, *b)));
            rows.push(entries.map(|(column, a, b)| (column, product(a, b))).collect());
        }
        let (outer, right) = (self.numbers(), inner.numbers());
        let short = |i: usize| {
            let (a, b) = pairs[i];
            outer.short(a as usize)?.checked_mul(right.short(b as usize)?)
        };
        let long = |i: usize| outer.get(pairs[i].0 as usize) * right.get(pairs[i].1 as usize);
        let numbers = Numbers::new(pairs.len(), short, long);
        RealMatrix::new(inner.columns, rows.into(), Values::over(numbers, self.denominator() * inner.denominator()))
    }
}

/// What a node computes. Sources are indices of earlier nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RealOp {
    /// The integers of an input, each times its scale.
    Input(Arc<[Rational]>),
    /// bias + the sum of matrix times vector over the terms.
    Affine {
        /// (source, matrix).
        terms: Vec<(usize, RealMatrix)>,
        /// As long as the node.
        bias: Arc<[Rational]>,
    },
    /// Each element, or the end that it is beyond.
    Clamp {
        /// As long as the node.
        source: usize,
        /// The least value.
        lo: Rational,
        /// The greatest value; `None` for a ReLU.
        hi: Option<Rational>,
    },
    /// The greatest element of each window.
    Max {
        /// Any length.
        source: usize,
        /// Indices into the source; none is empty.
        windows: Arc<[Box<[u32]>]>,
    },
    /// Elements picked from other nodes.
    Gather(Arc<[(usize, u32)]>),
}

impl RealOp {
    /// The nodes that it reads.
    pub fn sources(&self) -> Vec<usize> {
        match self {
            RealOp::Input(_) => Vec::new(),
            RealOp::Affine { terms, .. } => terms.iter().map(|(source, _)| *source).collect(),
            RealOp::Clamp { source, .. } | RealOp::Max { source, .. } => vec![*source],
            RealOp::Gather(picks) => picks.iter().map(|(source, _)| *source).collect(),
        }
    }
}

/// A DAG of exact operations in topological order. The inputs are its first nodes.
#[derive(Clone, Debug, Default)]
pub struct RealGraph {
    nodes: Vec<(RealOp, usize)>,
    digest: OnceLock<[u8; 32]>,
}

impl PartialEq for RealGraph {
    fn eq(&self, other: &RealGraph) -> bool {
        self.nodes == other.nodes
    }
}

impl Eq for RealGraph {}

/// Integers over a common denominator.
struct Vector {
    numbers: Vec<BigInt>,
    denominator: BigInt,
}

impl Vector {
    fn of(values: &[Rational]) -> Vector {
        let denominator = common_denominator(values.iter().inspect(|_| work(NUMBER)));
        let number = |value: &Rational| value.numer() * (&denominator / value.denom());
        let numbers = values.iter().inspect(|_| work(NUMBER)).map(number).collect();
        Vector { numbers, denominator }
    }

    fn values(&self) -> Vec<Rational> {
        let value = |n: &BigInt| Rational::new(n.clone(), self.denominator.clone());
        self.numbers.iter().inspect(|_| work(NUMBER)).map(value).collect()
    }
}

impl RealGraph {
    /// Appends a node; an affine one that reads another affine one and multiplies no sums becomes one with it.
    ///
    /// # Panics
    /// If the operation refers to a later node or its lengths don't agree: a bug of the caller.
    pub fn push(&mut self, op: RealOp) -> usize {
        let op = self.composed(op);
        let len = match &op {
            RealOp::Input(scales) => scales.len(),
            RealOp::Affine { terms, bias } => {
                for (source, matrix) in terms {
                    assert_eq!(matrix.columns, self.len(*source), "columns match the source");
                    assert_eq!(matrix.rows.len(), bias.len(), "rows match the bias");
                }
                bias.len()
            }
            RealOp::Clamp { source, .. } => self.len(*source),
            RealOp::Max { source, windows } => {
                let source = self.len(*source);
                let fits = |w: &[u32]| !w.is_empty() && w.iter().all(|i| (*i as usize) < source);
                assert!(windows.iter().inspect(|w| work(1 + w.len())).all(|w| fits(w)));
                windows.len()
            }
            RealOp::Gather(picks) => {
                assert!(picks.iter().inspect(|_| work(1)).all(|(node, i)| (*i as usize) < self.len(*node)));
                picks.len()
            }
        };
        self.digest.take();
        self.nodes.push((op, len));
        self.nodes.len() - 1
    }

    fn composed(&self, op: RealOp) -> RealOp {
        let RealOp::Affine { terms, bias } = &op else { return op };
        let [(source, outer)] = terms.as_slice() else { return op };
        let RealOp::Affine { terms: inner_terms, bias: inner_bias } = &self.nodes[*source].0 else { return op };
        let [(inner_source, inner)] = inner_terms.as_slice() else { return op };
        if !(outer.is_sparse() || inner.is_sparse()) {
            return op;
        }
        let carried = |row: &Row| -> Rational {
            work(NUMBER * (1 + row.len()));
            let products = row.iter().filter(|(middle, _)| !inner_bias[*middle as usize].is_zero());
            products.map(|(middle, a)| outer.value(*a) * &inner_bias[*middle as usize]).sum()
        };
        let bias = outer.rows.iter().zip(bias.iter()).map(|(row, own)| own + carried(row)).collect();
        RealOp::Affine { terms: vec![(*inner_source, outer.times(inner))], bias }
    }

    /// The operations, with the lengths of their results.
    pub fn nodes(&self) -> &[(RealOp, usize)] {
        &self.nodes
    }

    /// A node's number of elements.
    pub fn len(&self, node: usize) -> usize {
        self.nodes[node].1
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Which nodes an output needs.
    pub fn needed(&self, output: usize) -> Vec<bool> {
        let mut needed = vec![false; self.nodes.len()];
        needed[output] = true;
        for node in (0..self.nodes.len()).rev().filter(|node| *node <= output) {
            if needed[node] {
                self.nodes[node].0.sources().into_iter().for_each(|source| needed[source] = true);
            }
        }
        needed
    }

    /// The values of a node for integers of the inputs, in the inputs' order.
    ///
    /// # Panics
    /// If the inputs' number or lengths don't match.
    pub fn evaluate(&self, inputs: &[&[i128]], output: usize) -> Vec<Rational> {
        let needed = self.needed(output);
        let mut inputs = inputs.iter();
        let mut all: Vec<Option<Vector>> = Vec::with_capacity(output + 1);
        for (node, (op, len)) in self.nodes.iter().enumerate().take(output + 1) {
            if let RealOp::Input(scales) = op {
                let numbers = inputs.next().expect("an integer vector for each input");
                assert_eq!(numbers.len(), *len, "inputs have their nodes' lengths");
                let pairs = numbers.iter().zip(scales.iter()).inspect(|_| work(NUMBER));
                let values: Vec<Rational> = pairs.map(|(n, s)| integer(*n) * s).collect();
                all.push(Some(Vector::of(&values)));
                continue;
            }
            all.push(needed[node].then(|| compute(op, &all)));
        }
        all.pop().flatten().map(|vector| vector.values()).unwrap_or_default()
    }

    /// A hash of the operations.
    pub fn digest(&self) -> &[u8; 32] {
        self.digest.get_or_init(|| {
            let mut hasher = blake3::Hasher::new();
            for (op, len) in &self.nodes {
                hash(op, *len, &mut hasher);
            }
            *hasher.finalize().as_bytes()
        })
    }
}

fn compute(op: &RealOp, before: &[Option<Vector>]) -> Vector {
    let of = |node: usize| before[node].as_ref().expect("what a needed node reads is needed");
    match op {
        RealOp::Input(_) => unreachable!("inputs are given"),
        RealOp::Affine { terms, bias } => {
            let mut denominator = common_denominator(bias.iter().inspect(|_| work(NUMBER)));
            for (source, matrix) in terms {
                denominator = denominator.lcm(&(&of(*source).denominator * matrix.denominator()));
            }
            let constant = |value: &Rational| value.numer() * (&denominator / value.denom());
            let mut numbers: Vec<BigInt> = bias.iter().inspect(|_| work(NUMBER)).map(constant).collect();
            for (source, matrix) in terms {
                let vector = of(*source);
                let factor = &denominator / (&vector.denominator * matrix.denominator());
                let short: Option<Vec<i128>> =
                    vector.numbers.iter().inspect(|_| work(1)).map(ToPrimitive::to_i128).collect();
                for (row, number) in matrix.rows.iter().zip(&mut numbers) {
                    let sum = short.as_ref().and_then(|vector| short_dot(row, matrix.numbers(), vector));
                    let sum = sum.map_or_else(|| dot(row, matrix.numbers(), &vector.numbers), BigInt::from);
                    *number += if factor.is_one() { sum } else { sum * &factor };
                }
            }
            Vector { numbers, denominator }
        }
        RealOp::Clamp { source, lo, hi } => {
            let vector = of(*source);
            let ends = std::iter::once(lo).chain(hi.as_ref());
            let denominator = vector.denominator.lcm(&common_denominator(ends));
            let factor = &denominator / &vector.denominator;
            let at = |end: &Rational| end.numer() * (&denominator / end.denom());
            let (lo, hi) = (at(lo), hi.as_ref().map(at));
            let clamp = |n: &BigInt| {
                work(NUMBER);
                let n = (n * &factor).max(lo.clone());
                match &hi {
                    Some(hi) => n.min(hi.clone()),
                    None => n,
                }
            };
            Vector { numbers: vector.numbers.iter().map(clamp).collect(), denominator }
        }
        RealOp::Max { source, windows } => {
            let vector = of(*source);
            let greatest = |window: &[u32]| {
                work(NUMBER * (1 + window.len()));
                window.iter().map(|i| &vector.numbers[*i as usize]).max().expect("no window is empty").clone()
            };
            Vector {
                numbers: windows.iter().map(|window| greatest(window)).collect(),
                denominator: vector.denominator.clone(),
            }
        }
        RealOp::Gather(picks) => {
            let denominator = picks.iter().fold(BigInt::one(), |lcm, (node, _)| {
                work(NUMBER);
                let own = &of(*node).denominator;
                if lcm == *own { lcm } else { lcm.lcm(own) }
            });
            let pick = |(node, i): &(usize, u32)| {
                work(NUMBER);
                let vector = of(*node);
                &vector.numbers[*i as usize] * (&denominator / &vector.denominator)
            };
            Vector { numbers: picks.iter().map(pick).collect(), denominator: denominator.clone() }
        }
    }
}

/// The scalar product of a row with a vector.
fn dot(row: &Row, numbers: &Numbers, vector: &[BigInt]) -> BigInt {
    work(NUMBER * (1 + row.len()));
    let entries = row.iter().map(|(column, index)| (&vector[*column as usize], *index as usize));
    entries.filter(|(x, _)| !x.is_zero()).map(|(x, index)| x * numbers.get(index)).sum()
}

/// The same in 128 bits, if these suffice.
fn short_dot(row: &Row, numbers: &Numbers, vector: &[i128]) -> Option<i128> {
    let Numbers::Short(numbers) = numbers else { return None };
    work(2 * (1 + row.len()));
    row.iter().try_fold(0i128, |sum, (column, index)| {
        sum.checked_add(vector[*column as usize].checked_mul(numbers[*index as usize])?)
    })
}

/// Each number's length in bytes and its bytes, as few as tell its sign.
fn hash_numbers(numbers: &Numbers, hasher: &mut blake3::Hasher) {
    // Many short pieces are slow to hash one by one.
    let mut bytes = Vec::new();
    let mut add = |number: &[u8]| {
        work(4);
        bytes.extend_from_slice(&(number.len() as u64).to_le_bytes());
        bytes.extend_from_slice(number);
        if bytes.len() >= 1 << 16 {
            hasher.update(&bytes);
            bytes.clear();
        }
    };
    for index in 0..numbers.len() {
        match numbers.short(index) {
            Some(n) => {
                let sign = if n < 0 { n.leading_ones() } else { n.leading_zeros() };
                add(&n.to_le_bytes()[..(129 - sign).div_ceil(8) as usize]);
            }
            None => add(&numbers.get(index).to_signed_bytes_le()),
        }
    }
    hasher.update(&bytes);
}

fn hash(op: &RealOp, len: usize, hasher: &mut blake3::Hasher) {
    fn number(hasher: &mut blake3::Hasher, n: &BigInt) {
        work(NUMBER);
        let bytes = n.to_signed_bytes_le();
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(&bytes);
    }
    fn value(hasher: &mut blake3::Hasher, value: &Rational) {
        number(hasher, value.numer());
        number(hasher, value.denom());
    }
    let word = |hasher: &mut blake3::Hasher, n: usize| {
        hasher.update(&(n as u64).to_le_bytes());
    };
    word(hasher, len);
    match op {
        RealOp::Input(scales) => {
            word(hasher, 0);
            scales.iter().for_each(|scale| value(hasher, scale));
        }
        RealOp::Affine { terms, bias } => {
            word(hasher, 1);
            word(hasher, terms.len());
            for (source, matrix) in terms {
                word(hasher, *source);
                word(hasher, matrix.numbers().len());
                number(hasher, matrix.denominator());
                hash_numbers(matrix.numbers(), hasher);
                for row in matrix.rows.iter() {
                    work(4 * (1 + row.len()));
                    word(hasher, row.len());
                    let bytes = row.iter().flat_map(|(column, index)| [column.to_le_bytes(), index.to_le_bytes()]);
                    hasher.update(&bytes.flatten().collect::<Vec<u8>>());
                }
            }
            bias.iter().for_each(|n| value(hasher, n));
        }
        RealOp::Clamp { source, lo, hi } => {
            word(hasher, 2);
            word(hasher, *source);
            value(hasher, lo);
            word(hasher, usize::from(hi.is_some()));
            hi.iter().for_each(|hi| value(hasher, hi));
        }
        RealOp::Max { source, windows } => {
            word(hasher, 3);
            word(hasher, *source);
            for window in windows.iter() {
                work(4 * (1 + window.len()));
                word(hasher, window.len());
                window.iter().for_each(|i| word(hasher, *i as usize));
            }
        }
        RealOp::Gather(picks) => {
            word(hasher, 4);
            for (node, i) in picks.iter() {
                work(4);
                word(hasher, *node);
                word(hasher, *i as usize);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interrupt::{Interrupted, until};
    use crate::rational::{from_f64, ratio};
    use crate::testing::Random;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Numbers and denominator as the definition has them.
    fn plain(values: &[Rational]) -> (Vec<BigInt>, BigInt) {
        let denominator = common_denominator(values);
        (values.iter().map(|value| value.numer() * (&denominator / value.denom())).collect(), denominator)
    }

    fn parts_of(values: &Values) -> (Vec<BigInt>, BigInt) {
        ((0..values.len()).map(|i| values.numbers.get(i)).collect(), values.denominator.clone())
    }

    /// However values are put over a denominator, it is the least one, and nothing of them is lost.
    #[test]
    fn values_have_one_form() {
        let (mut short, mut long) = (0, 0);
        for seed in 0..2000 {
            let mut random = Random::new(seed);
            let len = random.between(0, 5) as usize;
            let spread = [0, 3, 40, 1000][random.between(0, 3) as usize];
            let float = |random: &mut Random| {
                let mantissa = [0, 1, 6, random.between(-(1 << 53), 1 << 53)][random.between(0, 3) as usize];
                mantissa as f64 * 2f64.powi(random.between(-spread, spread.min(900)) as i32)
            };
            let floats: Vec<f64> = (0..len).map(|_| float(&mut random)).collect();
            let rationals: Vec<Rational> = floats.iter().map(|value| from_f64(*value).unwrap()).collect();
            let values = Values::floats(&floats).unwrap();
            assert_eq!(values, Values::new(&rationals), "seed {seed}");
            assert_eq!(parts_of(&values), plain(&rationals), "seed {seed}");
            assert!((0..len).all(|i| values.get(i) == rationals[i]), "seed {seed}");
            *(if matches!(values.numbers, Numbers::Short(_)) { &mut short } else { &mut long }) += 1;

            let most = [3, 1000, i64::MAX][random.between(0, 2) as usize];
            let even = random.between(1, 6);
            let numbers: Vec<i64> = (0..len).map(|_| random.between(-most / even, most / even) * even).collect();
            let scale = match random.between(0, 2) {
                0 => ratio(random.between(1, 30).into(), random.between(1, 30).into()),
                1 => Rational::new(BigInt::from(3) << 100, BigInt::from(random.between(1, 40))),
                _ => Rational::new(random.between(1, 9).into(), BigInt::one() << random.between(0, 200)),
            };
            let rationals: Vec<Rational> = numbers.iter().map(|n| integer((*n).into()) * &scale).collect();
            assert_eq!(Values::scaled(&numbers, &scale), Values::new(&rationals), "seed {seed}");
        }
        assert!(short > 500 && long > 200, "{short} short, {long} long");
        assert_eq!((Values::floats(&[f64::NAN]), Values::floats(&[1.0, f64::INFINITY])), (None, None));
    }

    /// A product of matrices is that of their values.
    #[test]
    fn products_have_one_form() {
        for seed in 0..500 {
            let mut random = Random::new(seed);
            let wide = [0, 60, 200][random.between(0, 2) as usize];
            let value = |random: &mut Random| {
                Rational::new(random.between(-6, 6).into(), BigInt::from(6) << random.between(0, wide))
            };
            let diagonal: Vec<Rational> = (0..3).map(|_| value(&mut random)).collect();
            let dense: Vec<Rational> = (0..6).map(|_| value(&mut random)).collect();
            let rows: Vec<Row> = (0..3).map(|r| (0..2).map(|c| (c, r * 2 + c)).collect()).collect();
            let product =
                RealMatrix::diagonal(&diagonal).times(&RealMatrix::new(2, rows.clone().into(), Values::new(&dense)));
            let values: Vec<Rational> = (0..6).map(|i| &diagonal[i / 2] * &dense[i]).collect();
            assert_eq!(product, RealMatrix::new(2, rows.into(), Values::new(&values)), "seed {seed}");
        }
    }

    /// Numbers are hashed by their least bytes, whatever holds them.
    #[test]
    fn hashes_are_of_the_numbers() {
        let mut numbers = vec![BigInt::zero(), i128::MAX.into(), i128::MIN.into()];
        for bits in 0..127u32 {
            let power: BigInt = BigInt::one() << bits;
            numbers.extend([power.clone(), &power - 1i32, -&power, -&power - 1i32]);
        }
        let short = Numbers::new(numbers.len(), |i| numbers[i].to_i128(), |i| numbers[i].clone());
        assert!(matches!(short, Numbers::Short(_)));
        let hash = |numbers: &Numbers| {
            let mut hasher = blake3::Hasher::new();
            hash_numbers(numbers, &mut hasher);
            hasher.finalize()
        };
        assert_eq!(hash(&short), hash(&Numbers::Long(numbers.into())));
    }

    /// A matrix with as many entries as rows times columns, each a number of its own.
    fn full(rows: usize, columns: usize, values: Values) -> RealMatrix {
        let row = |r: usize| (0..columns).map(|c| (c as u32, (r * columns + c) as u32)).collect();
        RealMatrix::new(columns, (0..rows).map(row).collect(), values)
    }

    /// A layer that is full.
    fn dense(side: usize, values: &[i64]) -> RealGraph {
        let mut graph = RealGraph::default();
        graph.push(RealOp::Input(vec![ratio(1, 256); side].into()));
        let matrix = full(side, side, Values::scaled(values, &ratio(1, 1024)));
        let bias = vec![Rational::zero(); side].into();
        graph.push(RealOp::Affine { terms: vec![(0, matrix)], bias });
        graph
    }

    /// Whatever is done with many numbers asks on its way whether to go on, the more often the more there are.
    #[test]
    fn long_work_is_counted() {
        fn boxes(len: usize) -> Vec<Vec<crate::Interval>> {
            vec![vec![crate::Interval::new(0, 255); len]]
        }
        fn even(len: usize) -> Vec<i64> {
            (0..len as i64).map(|i| 2 * (i % 100)).collect()
        }
        type Kind = (&'static str, fn(usize) -> Box<dyn FnOnce()>);
        let kinds: Vec<Kind> = vec![
            ("rationals", |side| {
                let values: Vec<Rational> = (0..side * side).map(|i| ratio(i as i128, 3)).collect();
                Box::new(move || drop(Values::new(&values)))
            }),
            ("integers", |side| {
                let values = even(side * side);
                Box::new(move || drop(Values::scaled(&values, &ratio(1, 1024))))
            }),
            ("floats", |side| {
                let values = vec![0.1; side * side];
                Box::new(move || drop(Values::floats(&values)))
            }),
            ("wide floats", |side| {
                let values: Vec<f64> = (0..side * side).map(|i| 2f64.powi(i as i32 % 900 - 450)).collect();
                Box::new(move || drop(Values::floats(&values)))
            }),
            ("a matrix", |side| {
                let values = Values::scaled(&even(side * side), &ratio(1, 1024));
                Box::new(move || drop(full(side, side, values)))
            }),
            ("a product", |side| {
                let matrix = full(side, side, Values::scaled(&even(side * side), &ratio(1, 1024)));
                let factors = RealMatrix::diagonal(&vec![ratio(1, 3); side]);
                Box::new(move || drop(factors.times(&matrix)))
            }),
            ("an enclosure", |side| {
                let graph = dense(side, &even(side * side));
                Box::new(move || drop(crate::Enclosure::new(&graph, 1, &boxes(side), &ratio(1, 256))))
            }),
            ("values", |side| {
                let graph = dense(side, &even(side * side));
                Box::new(move || drop(graph.evaluate(&[&vec![3; side]], 1)))
            }),
            ("a hash", |side| {
                let graph = dense(side, &even(side * side));
                Box::new(move || {
                    graph.digest();
                })
            }),
        ];
        for (name, make) in kinds {
            let asked = |side: usize| {
                let (count, work) = (Arc::new(AtomicUsize::new(0)), make(side));
                let seen = count.clone();
                let never = move || {
                    seen.fetch_add(1, Ordering::SeqCst);
                    false
                };
                assert_eq!(until(never, work), Ok(()));
                assert_eq!(until(|| true, make(side)), Err(Interrupted), "{name} of {side}");
                count.load(Ordering::SeqCst)
            };
            // Four times as many numbers are four times as much work.
            let counts = [300, 600, 1200].map(asked);
            assert!(counts.windows(2).all(|pair| pair[1] >= 3 * pair[0]), "{name}: {counts:?}");
        }
    }
}
