//! Evaluation of a real graph: the truth of a real-valued reading.
//!
//! In: integers of the inputs. Out: exact values. Sums are made in integers of any size over a common denominator, so that no fraction is
//! reduced on the way; in 128 bits where these suffice, which gives the same number.

use super::matrix::Row;
use super::numbers::Numbers;
use super::{NUMBER, RealGraph, RealOp};
use crate::Rational;
use crate::interrupt::work;
use crate::rational::{common_denominator, integer};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, ToPrimitive, Zero};

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
                for (row, number) in matrix.rows().iter().zip(&mut numbers) {
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
