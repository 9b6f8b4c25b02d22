//! Enclosures: an integer graph beside a real one, with a proved bound of how far they are apart.
//!
//! In: a [`RealGraph`], the ranges of its inputs' integers. Out: a [`Graph`] whose output times a scale is the real one's output up to
//! [`Enclosure::errors`]. Where the exact integers are small enough for every engine, the graph is the real one and the errors are zero. Else weights are
//! rounded to a power of two and ReLUs round their results, and the errors are carried from node to node: with real = scale · (integer + e),
//!
//! ```text
//! W x + b = s · ((M + R)(x' + e) + b / s)   so   |e'| <= |M| |e| + |R| (|x'| + |e|) + |b / s - b'|,
//! ```
//!
//! and ReLU, clamp and maximum carry no error further than it is. Invariant: every bound is made of integers, rounded up. Nothing here knows engines.

use super::real::{NUMBER, RealGraph, RealMatrix, RealOp, Row, Values};
use super::{Graph, Interval, Matrix, NodeId, Op, Step, Steps, range::node_ranges};
use crate::interrupt::work;
use crate::rational::{common_step, integer, power_of_two};
use crate::{Rational, Rounding};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::sync::Arc;

/// No integer of an enclosure is larger: what the engines' exact floats hold, and some room for the property's own factors.
const LIMIT: i128 = 1 << 48;
/// Where sums are rounded, they have at most about so many bits …
const SUM_BITS: i64 = 44;
/// … weights so many …
const WEIGHT_BITS: i64 = 22;
/// … and the results of ReLUs so many.
const RESULT_BITS: u32 = 20;
/// What rounding leaves of a weight is bounded in steps of 2^-20 of the weight's own.
const RESIDUE_BITS: u32 = 20;

/// The numbers don't fit, however coarsely they are rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

/// What a node of the graph adds to the errors of those before it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Slack {
    /// Nothing, and it reads none.
    None,
    /// As the operation carries them.
    Carried,
    /// An affine node's weights and constants are off by at most these, in 2^-[`RESIDUE_BITS`].
    Rounded { terms: Vec<Arc<Matrix>>, bias: Arc<[i64]> },
    /// A step divides by 2^shift and rounds.
    Divided { shift: u32 },
}

/// An integer graph that encloses a real one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enclosure {
    /// The graph; its inputs are the real one's, in order.
    pub graph: Graph,
    /// The range of every element over the ranges that it was made for.
    pub ranges: Vec<Vec<Interval>>,
    /// The output's node.
    pub output: NodeId,
    /// The value of one step of the output.
    pub scale: Rational,
    /// For each node.
    slack: Vec<Slack>,
}

impl Enclosure {
    /// Encloses a node of a real graph, for inputs within these ranges. The output's steps are no finer than 2^-44 of `step`, lest whoever
    /// compares the two needs integers too large.
    ///
    /// # Errors
    /// [`TooLarge`] where weights and inputs are too far apart for 48 bits.
    pub fn new(
        real: &RealGraph,
        output: usize,
        boxes: &[Vec<Interval>],
        step: &Rational,
    ) -> Result<Enclosure, TooLarge> {
        let finest = step * power_of_two(-SUM_BITS);
        Maker::run(real, output, boxes, &finest, true)
            .or_else(|TooLarge| Maker::run(real, output, boxes, &finest, false))
    }

    /// Whether the graph is the real one, for all inputs.
    pub fn is_exact(&self) -> bool {
        self.slack[self.output.index()] == Slack::None
    }

    /// How far each element of the output can be from the real one, in its steps, for inputs within `boxes`.
    ///
    /// # Errors
    /// [`TooLarge`] where the bounds need more than 128 bits.
    pub fn errors(&self, boxes: &[Vec<Interval>]) -> Result<Vec<i128>, TooLarge> {
        if self.is_exact() {
            return Ok(vec![0; self.graph.len(self.output)]);
        }
        let ranges = super::ranges(&self.graph, boxes).map_err(|_| TooLarge)?;
        let mut all: Vec<Vec<i128>> = Vec::with_capacity(self.slack.len());
        for (id, slack) in self.graph.ids().zip(&self.slack) {
            let next = self.errors_of(id, slack, &ranges, &all).ok_or(TooLarge)?;
            all.push(next);
        }
        Ok(std::mem::take(&mut all[self.output.index()]))
    }

    fn errors_of(
        &self,
        id: NodeId,
        slack: &Slack,
        ranges: &[Vec<Interval>],
        before: &[Vec<i128>],
    ) -> Option<Vec<i128>> {
        let node = self.graph.node(id);
        work(node.len);
        if *slack == Slack::None {
            return Some(vec![0; node.len]);
        }
        Some(match &node.op {
            Op::Input | Op::Constant(_) | Op::Wrap { .. } => vec![0; node.len],
            Op::Affine { terms, .. } => {
                let mut result = Vec::with_capacity(node.len);
                for row in 0..node.len {
                    let mut sum = 0i128;
                    for (source, matrix) in terms {
                        work(matrix.entries(row));
                        for (column, weight) in matrix.row(row) {
                            let product = i128::from(weight).abs().checked_mul(before[source.index()][column])?;
                            sum = sum.checked_add(product)?;
                        }
                    }
                    if let Slack::Rounded { terms: residues, bias } = slack {
                        let mut fine = i128::from(bias[row]);
                        for ((source, _), residue) in terms.iter().zip(residues) {
                            work(2 * residue.entries(row));
                            for (column, r) in residue.row(row) {
                                let range = ranges[source.index()][column];
                                let reach = range.lo.abs().max(range.hi.abs());
                                let reach = reach.checked_add(before[source.index()][column])?;
                                fine = fine.checked_add(i128::from(r).checked_mul(reach)?)?;
                            }
                        }
                        sum = sum.checked_add(Integer::div_ceil(&fine, &(1 << RESIDUE_BITS)))?;
                    }
                    result.push(sum);
                }
                result
            }
            Op::Step { source, .. } => {
                let before = &before[source.index()];
                match slack {
                    // Half a step for the rounding, half a step for an end of the clamp that is rounded too.
                    Slack::Divided { shift } => before
                        .iter()
                        .inspect(|_| work(NUMBER))
                        .map(|e| Integer::div_ceil(e, &(1i128 << shift)) + 1)
                        .collect(),
                    _ => before.clone(),
                }
            }
            Op::Max { source, windows } => {
                let of = |i: &u32| before[source.index()][*i as usize];
                let windows = windows.iter().inspect(|window| work(window.len()));
                windows.map(|window| window.iter().map(of).max().unwrap_or(0)).collect()
            }
            Op::Gather { picks } => picks.iter().map(|(node, i)| before[node.index()][*i as usize]).collect(),
        })
    }
}

/// A node of the enclosure, and the value of one step of each of its elements.
#[derive(Clone)]
struct Enclosed {
    node: NodeId,
    scale: Rational,
}

struct Maker {
    graph: Graph,
    ranges: Vec<Vec<Interval>>,
    slack: Vec<Slack>,
    exact: bool,
}

impl Maker {
    fn run(
        real: &RealGraph,
        output: usize,
        boxes: &[Vec<Interval>],
        finest: &Rational,
        exact: bool,
    ) -> Result<Enclosure, TooLarge> {
        let mut maker = Maker { graph: Graph::new(), ranges: Vec::new(), slack: Vec::new(), exact };
        let inputs = real.nodes().iter().filter(|(op, _)| matches!(op, RealOp::Input(_)));
        let nodes: Vec<NodeId> = inputs.zip(boxes).map(|((_, len), ranges)| maker.input(*len, ranges)).collect();
        let needed = real.needed(output);
        let (mut all, mut nodes): (Vec<Option<Enclosed>>, _) = (Vec::new(), nodes.into_iter());
        for (index, (op, _)) in real.nodes().iter().enumerate().take(output + 1) {
            let input = if matches!(op, RealOp::Input(_)) { nodes.next() } else { None };
            all.push(if needed[index] { Some(maker.enclose(op, input, &all)?) } else { None });
        }
        let found = all.pop().flatten().ok_or(TooLarge)?;
        let Enclosed { node, scale } = maker.coarse(found, finest)?;
        let Maker { graph, ranges, slack, .. } = maker;
        Ok(Enclosure { graph, ranges, output: node, scale, slack })
    }

    fn input(&mut self, len: usize, ranges: &[Interval]) -> NodeId {
        self.ranges.push(ranges.to_vec());
        self.slack.push(Slack::None);
        self.graph.push_input("x", len)
    }

    fn push(&mut self, op: Op, slack: Slack) -> Result<NodeId, TooLarge> {
        let carries = op.sources().any(|source| self.slack[source.index()] != Slack::None);
        let slack = if slack == Slack::None && carries { Slack::Carried } else { slack };
        let id = self.graph.push("real", op);
        let ranges = node_ranges(&self.graph, id, &self.ranges).map_err(|_| TooLarge)?;
        if ranges.iter().any(|range| range.lo < -LIMIT || range.hi > LIMIT) {
            return Err(TooLarge);
        }
        self.ranges.push(ranges);
        self.slack.push(slack);
        Ok(id)
    }

    fn enclose(
        &mut self,
        op: &RealOp,
        input: Option<NodeId>,
        before: &[Option<Enclosed>],
    ) -> Result<Enclosed, TooLarge> {
        let of = |node: usize| before[node].clone().expect("what a needed node reads is needed");
        match op {
            RealOp::Input(scales) => {
                let node = input.ok_or(TooLarge)?;
                let each = || scales.iter().inspect(|_| work(NUMBER));
                let scale = each().fold(Rational::zero(), |step, scale| common_step(&step, scale));
                if each().all(|own| *own == scale) {
                    return Ok(Enclosed { node, scale });
                }
                let factors: Vec<Rational> = scales.to_vec();
                let whole = Enclosed { node, scale: Rational::one() };
                self.affine(&[(whole, &RealMatrix::diagonal(&factors))], &vec![Rational::zero(); factors.len()])
            }
            RealOp::Affine { terms, bias } => {
                let mut sources = Vec::with_capacity(terms.len());
                for (source, matrix) in terms {
                    sources.push((self.narrowed(of(*source))?, matrix));
                }
                self.affine(&sources, bias)
            }
            RealOp::Clamp { source, lo, hi } => self.clamp(of(*source), lo, hi.as_ref()),
            RealOp::Max { source, windows } => {
                let Enclosed { node, scale } = of(*source);
                let node = self.push(Op::Max { source: node, windows: windows.clone() }, Slack::None)?;
                Ok(Enclosed { node, scale })
            }
            RealOp::Gather(picks) => {
                let first = of(picks.first().ok_or(TooLarge)?.0);
                let each = || picks.iter().inspect(|_| work(NUMBER));
                if each().all(|(node, _)| of(*node).scale == first.scale) {
                    let picks = each().map(|(node, i)| (of(*node).node, *i)).collect();
                    let node = self.push(Op::Gather { picks }, Slack::None)?;
                    return Ok(Enclosed { node, scale: first.scale });
                }
                let mut distinct: Vec<usize> = each().map(|(node, _)| *node).collect();
                distinct.sort_unstable();
                distinct.dedup();
                let mut terms = Vec::with_capacity(distinct.len());
                for node in distinct {
                    let row = |(from, i): &(usize, u32)| if *from == node { vec![(*i, 0)] } else { Vec::new() };
                    let rows: Vec<Row> = each().map(row).collect();
                    let source = self.narrowed(of(node))?;
                    let len = self.graph.len(source.node);
                    terms.push((source, RealMatrix::new(len, rows.into(), Values::new(&[Rational::one()]))));
                }
                let terms: Vec<(Enclosed, &RealMatrix)> = terms.iter().map(|(s, m)| (s.clone(), m)).collect();
                self.affine(&terms, &vec![Rational::zero(); picks.len()])
            }
        }
    }

    fn magnitude(&self, node: NodeId) -> i128 {
        self.ranges[node.index()].iter().map(|range| range.lo.abs().max(range.hi.abs())).max().unwrap_or(0)
    }

    /// The same with few enough bits to be multiplied, where rounding is allowed.
    fn narrowed(&mut self, x: Enclosed) -> Result<Enclosed, TooLarge> {
        let bits = 128 - self.magnitude(x.node).leading_zeros();
        if self.exact || bits <= RESULT_BITS + 2 {
            return Ok(x);
        }
        let ranges = &self.ranges[x.node.index()];
        let lo = ranges.iter().map(|range| range.lo).min().unwrap_or(0);
        let hi = ranges.iter().map(|range| range.hi).max().unwrap_or(0);
        self.divide(x, bits - RESULT_BITS, (lo, hi))
    }

    /// The same in steps that are no finer than this.
    fn coarse(&mut self, x: Enclosed, finest: &Rational) -> Result<Enclosed, TooLarge> {
        if x.scale >= *finest {
            return Ok(x);
        }
        if self.exact {
            return Err(TooLarge);
        }
        let shift = exponent(&(finest / &x.scale)).unwrap_or(0);
        let ranges = &self.ranges[x.node.index()];
        let lo = ranges.iter().map(|range| range.lo).min().unwrap_or(0);
        let hi = ranges.iter().map(|range| range.hi).max().unwrap_or(0);
        // Beyond the integers' bits nothing is left of any of them.
        let within = shift.clamp(0, 60) as u32;
        let Enclosed { node, scale } = self.divide(x, within, (lo, hi))?;
        Ok(Enclosed { node, scale: scale * power_of_two(shift.max(0) - i64::from(within)) })
    }

    /// Divides by 2^shift, rounds, and clamps to what these ends become.
    fn divide(&mut self, x: Enclosed, shift: u32, (lo, hi): (i128, i128)) -> Result<Enclosed, TooLarge> {
        let half = if shift == 0 { 0 } else { 1i128 << (shift - 1) };
        let round = |n: i128| (n + half) >> shift;
        let step = Step::Round {
            numerator: 1,
            denominator: 1 << shift,
            offset: 0,
            mode: Rounding::HalfUp,
            lo: round(lo),
            hi: round(hi),
        };
        let op = Op::Step { source: x.node, steps: Steps::Uniform(step) };
        let node = self.push(op, Slack::Divided { shift })?;
        Ok(Enclosed { node, scale: x.scale * power_of_two(i64::from(shift)) })
    }

    fn clamp(&mut self, x: Enclosed, lo: &Rational, hi: Option<&Rational>) -> Result<Enclosed, TooLarge> {
        let mut x = x;
        let whole = |x: &Enclosed| std::iter::once(lo).chain(hi).all(|end| (end / &x.scale).is_integer());
        if self.exact && !whole(&x) {
            let step = std::iter::once(lo).chain(hi).fold(x.scale.clone(), |step, end| common_step(&step, end));
            let factor = (&x.scale / &step).to_integer().to_i64().ok_or(TooLarge)?;
            let len = self.graph.len(x.node);
            let terms = vec![(x.node, Matrix::diagonal(&vec![factor; len]))];
            let node = self.push(Op::Affine { terms, bias: vec![0; len].into() }, Slack::None)?;
            x = Enclosed { node, scale: step };
        }
        let ranges = &self.ranges[x.node.index()];
        let (least, most) =
            (ranges.iter().map(|r| r.lo).min().unwrap_or(0), ranges.iter().map(|r| r.hi).max().unwrap_or(0));
        let exact = whole(&x);
        // An end beyond what occurs is as good as the last value that does.
        let end = |end: &Rational| -> BigInt { (end / &x.scale).round().to_integer() };
        let (lo, hi) = (end(lo).max((-LIMIT).into()), hi.map(end).unwrap_or_else(|| most.into()).min(most.into()));
        let lo = lo.to_i128().filter(|lo| *lo <= LIMIT).ok_or(TooLarge)?;
        let hi = hi.to_i128().filter(|hi| *hi >= -LIMIT).ok_or(TooLarge)?.max(lo);
        let lo = lo.max(least.min(hi));
        let bits = 128 - lo.abs().max(hi.abs()).leading_zeros();
        if !self.exact && bits > RESULT_BITS {
            return self.divide(x, bits - RESULT_BITS, (lo, hi));
        }
        let op = Op::Step { source: x.node, steps: Steps::Uniform(Step::clamp(lo, hi)) };
        let node = self.push(op, if exact { Slack::None } else { Slack::Divided { shift: 0 } })?;
        Ok(Enclosed { node, scale: x.scale })
    }

    fn affine(&mut self, terms: &[(Enclosed, &RealMatrix)], bias: &[Rational]) -> Result<Enclosed, TooLarge> {
        let scale = if self.exact { exact_step(terms, bias) } else { self.rounded_step(terms, bias) };
        let mut rounded = false;
        let (mut matrices, mut residues) = (Vec::new(), Vec::new());
        for (source, matrix) in terms {
            let factor = &source.scale / &scale / Rational::from_integer(matrix.denominator().clone());
            let (numerator, denominator) = (factor.numer().to_i128(), factor.denom().to_i128());
            let mut entries = Vec::with_capacity(matrix.numbers().len());
            for index in 0..matrix.numbers().len() {
                work(2);
                let short = (|| short_rounded(matrix.numbers().short(index)?.checked_mul(numerator?)?, denominator?))();
                let (entry, residue) = short.map_or_else(
                    || {
                        let (entry, residue) =
                            rounded_to_integer(&(matrix.numbers().get(index) * factor.numer()), factor.denom());
                        (entry.to_i128(), residue)
                    },
                    |(entry, residue)| (Some(entry), residue),
                );
                rounded |= residue != 0;
                let entry = entry.filter(|n| n.unsigned_abs() <= LIMIT.unsigned_abs()).ok_or(TooLarge)?;
                entries.push((entry as i64, residue));
            }
            matrices.push((source.node, make(matrix, |index| entries[index as usize].0)?));
            residues.push((matrix, entries));
        }
        let (mut constants, mut constant_residues) = (Vec::new(), Vec::new());
        for value in bias {
            work(NUMBER);
            let value = value / &scale;
            let (number, residue) = rounded_to_integer(value.numer(), value.denom());
            rounded |= residue != 0;
            constants.push(number.to_i128().filter(|n| n.abs() <= LIMIT).ok_or(TooLarge)?);
            constant_residues.push(residue);
        }
        let slack = if rounded {
            let residues = residues.iter().map(|(matrix, entries)| make(matrix, |index| entries[index as usize].1));
            Slack::Rounded { terms: residues.collect::<Result<_, _>>()?, bias: constant_residues.into() }
        } else {
            Slack::None
        };
        if rounded && self.exact {
            return Err(TooLarge);
        }
        let node = self.push(Op::Affine { terms: matrices, bias: constants.into() }, slack)?;
        Ok(Enclosed { node, scale })
    }

    /// The power of two at which sums and weights have the bits that they may have.
    fn rounded_step(&self, terms: &[(Enclosed, &RealMatrix)], bias: &[Rational]) -> Rational {
        let mut sum = bias.iter().map(Signed::abs).max().unwrap_or_else(Rational::zero);
        let mut greatest = Rational::zero();
        for (source, matrix) in terms {
            let reach: Vec<i128> = (self.ranges[source.node.index()].iter())
                .inspect(|_| work(1))
                .map(|range| range.lo.abs().max(range.hi.abs()))
                .collect();
            let numbers = matrix.numbers();
            let of = |row: &Row| -> BigInt {
                work(2 * (1 + row.len()));
                let short = row.iter().try_fold(0i128, |sum, (c, i)| {
                    sum.checked_add(numbers.short(*i as usize)?.checked_abs()?.checked_mul(reach[*c as usize])?)
                });
                short.map_or_else(
                    || {
                        work(NUMBER * row.len());
                        row.iter().map(|(c, i)| numbers.get(*i as usize).abs() * reach[*c as usize]).sum()
                    },
                    BigInt::from,
                )
            };
            let factor = &source.scale / Rational::from_integer(matrix.denominator().clone());
            sum += Rational::from_integer(matrix.rows().iter().map(of).max().unwrap_or_default()) * &factor;
            greatest = greatest.max(Rational::from_integer(numbers.magnitude()) * factor);
        }
        let sums = exponent(&sum).map_or(0, |e| SUM_BITS - e);
        power_of_two(-exponent(&greatest).map_or(sums, |e| sums.min(WEIGHT_BITS - e)))
    }
}

/// The greatest step of which all products and constants are multiples.
fn exact_step(terms: &[(Enclosed, &RealMatrix)], bias: &[Rational]) -> Rational {
    let mut step = Rational::zero();
    for (source, matrix) in terms {
        step = common_step(
            &step,
            &(Rational::new(matrix.numbers().divisor(), matrix.denominator().clone()) * &source.scale),
        );
    }
    let step = bias.iter().inspect(|_| work(NUMBER)).fold(step, |step, value| common_step(&step, value));
    if step.is_zero() { Rational::one() } else { step }
}

/// A number e with value <= 2^e; `None` for zero.
fn exponent(value: &Rational) -> Option<i64> {
    let bits = |n: &BigInt| i64::try_from(n.bits()).unwrap_or(i64::MAX / 4);
    (!value.is_zero()).then(|| bits(value.numer()) - bits(value.denom()) + 1)
}

/// The nearest integer of a quotient, and by how much it is off at most, in 2^-[`RESIDUE_BITS`].
fn rounded_to_integer(numerator: &BigInt, denominator: &BigInt) -> (BigInt, i64) {
    work(NUMBER);
    if denominator.is_one() {
        return (numerator.clone(), 0);
    }
    let nearest = Integer::div_floor(&(numerator * 2 + denominator), &(denominator * 2));
    let rest: BigInt = numerator - &nearest * denominator;
    // At most half a step.
    let residue = Integer::div_ceil(&(rest.abs() << RESIDUE_BITS), denominator).to_i64().unwrap_or(1 << RESIDUE_BITS);
    (nearest, residue)
}

/// The same in 128 bits, if these suffice.
fn short_rounded(numerator: i128, denominator: i128) -> Option<(i128, i64)> {
    if denominator == 1 {
        return Some((numerator, 0));
    }
    work(NUMBER / 2);
    let nearest =
        Integer::div_floor(&numerator.checked_mul(2)?.checked_add(denominator)?, &denominator.checked_mul(2)?);
    let rest = numerator.checked_sub(nearest.checked_mul(denominator)?)?;
    let residue = Integer::div_ceil(&rest.abs().checked_mul(1 << RESIDUE_BITS)?, &denominator);
    Some((nearest, i64::try_from(residue).ok()?))
}

/// A matrix of the same shape with other numbers.
fn make(matrix: &RealMatrix, number: impl Fn(u32) -> i64) -> Result<Arc<Matrix>, TooLarge> {
    let plain = |row: &Row| {
        work(1 + row.len());
        row.len() == matrix.columns() && row.iter().enumerate().all(|(i, e)| e.0 as usize == i)
    };
    if matrix.rows().iter().all(plain) {
        let values = matrix.rows().iter().flatten().inspect(|_| work(1)).map(|(_, index)| number(*index)).collect();
        return Ok(Matrix::dense(matrix.rows().len(), matrix.columns(), values));
    }
    let rows = matrix
        .rows()
        .iter()
        .inspect(|row| work(NUMBER + 4 * row.len()))
        .map(|row| row.iter().map(|(column, i)| (*column, number(*i))).collect());
    let rows: Vec<Vec<(u32, i64)>> = rows.collect();
    // Entries of the same place are added up.
    let fits =
        |row: &Vec<(u32, i64)>| row.iter().map(|(_, n)| i128::from(n.abs())).sum::<i128>() <= i128::from(i64::MAX);
    if rows.iter().inspect(|row| work(1 + row.len())).all(fits) {
        Ok(Matrix::sparse(matrix.columns(), rows))
    } else {
        Err(TooLarge)
    }
}

/// The value of an integer of the enclosure.
pub fn value(scale: &Rational, number: i128) -> Rational {
    integer(number) * scale
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interpret;
    use crate::rational::from_f64;
    use crate::testing::Random;

    fn float(random: &mut Random, spread: i64) -> Rational {
        let mantissa = random.between(-(1 << 24), 1 << 24) as f64;
        from_f64(mantissa * 2f64.powi((random.between(-spread, spread) - 24) as i32)).unwrap()
    }

    /// A random network: its graph, its output, its inputs' ranges.
    fn random_graph(random: &mut Random) -> (RealGraph, usize, Vec<Vec<Interval>>) {
        let spread = [0, 2, 8, 60, 400][random.between(0, 4) as usize];
        let dyadic = random.between(0, 2) == 0;
        let value = |random: &mut Random| match dyadic {
            true => Rational::new(random.between(-20, 20).into(), 8.into()),
            false => float(random, spread),
        };
        let mut graph = RealGraph::default();
        let len = random.between(1, 4) as usize;
        let scales = (0..len).map(|i| Rational::new(BigInt::one(), (16 * (1 + i as i64 % 2)).into())).collect();
        let mut nodes = vec![graph.push(RealOp::Input(scales))];
        let end = |random: &mut Random| random.between(-40, 200);
        let boxes = vec![
            (0..len)
                .map(|_| (end(random), end(random)))
                .map(|(a, b)| Interval::new(a.min(b).into(), a.max(b).into()))
                .collect(),
        ];
        for _ in 0..random.between(1, 7) {
            let source = nodes[random.between(0, nodes.len() as i64 - 1) as usize];
            let len = graph.len(source);
            let op = match random.between(0, 6) {
                0 => RealOp::Clamp { source, lo: Rational::zero(), hi: None },
                1 => {
                    let (a, b) = (value(random), value(random));
                    RealOp::Clamp { source, lo: a.clone().min(b.clone()), hi: Some(a.max(b)) }
                }
                2 => {
                    let mut window =
                        || (0..random.between(1, 3)).map(|_| random.between(0, len as i64 - 1) as u32).collect();
                    RealOp::Max { source, windows: (0..2).map(|_| window()).collect() }
                }
                3 => {
                    let other = nodes[random.between(0, nodes.len() as i64 - 1) as usize];
                    RealOp::Gather(Arc::new([(source, 0), (other, 0), (source, len as u32 - 1)]))
                }
                kind => {
                    let rows = random.between(1, 4) as usize;
                    let matrix = |random: &mut Random, len: usize| {
                        let rows: Vec<Row> = match random.between(0, 3) {
                            0 => (0..rows).map(|_| vec![(random.between(0, len as i64 - 1) as u32, 0)]).collect(),
                            _ => (0..rows as u32)
                                .map(|r| (0..len as u32).map(|c| (c, r * len as u32 + c)).collect())
                                .collect(),
                        };
                        let values: Vec<Rational> = (0..rows.len() * len).map(|_| value(random)).collect();
                        RealMatrix::new(len, rows.into(), Values::new(&values))
                    };
                    let mut terms = vec![(source, matrix(random, len))];
                    if kind == 6 {
                        let other = nodes[random.between(0, nodes.len() as i64 - 1) as usize];
                        terms.push((other, matrix(random, graph.len(other))));
                    }
                    RealOp::Affine { terms, bias: (0..rows).map(|_| value(random)).collect() }
                }
            };
            nodes.push(graph.push(op));
        }
        (graph, nodes[nodes.len() - 1], boxes)
    }

    /// The enclosure is as near as it says, and the whole network where it says so.
    #[test]
    fn encloses() {
        let (mut exact, mut rounded, mut refused) = (0, 0, 0);
        for seed in 0..4000 {
            let mut random = Random::new(seed);
            let (graph, output, boxes) = random_graph(&mut random);
            let Ok(enclosure) = Enclosure::new(&graph, output, &boxes, &integer(1)) else {
                refused += 1;
                continue;
            };
            let errors = enclosure.errors(&boxes).unwrap();
            *(if enclosure.is_exact() { &mut exact } else { &mut rounded }) += 1;
            for _ in 0..20 {
                let point: Vec<i128> =
                    boxes[0].iter().map(|r| i128::from(random.between(r.lo as i64, r.hi as i64))).collect();
                let within: Vec<Interval> = point.iter().map(|n| Interval::new(*n, *n)).collect();
                let near = enclosure.errors(&[within]).unwrap();
                let real = graph.evaluate(&[&point], output);
                let found = &interpret(&enclosure.graph, &[point]).unwrap()[enclosure.output.index()];
                for (i, real) in real.iter().enumerate() {
                    let off = (real / &enclosure.scale - integer(found[i])).abs();
                    assert!(off <= integer(near[i]), "seed {seed}: {off} > {}", near[i]);
                    assert!(near[i] <= errors[i], "seed {seed}: a smaller box has a larger error");
                }
            }
        }
        assert!(exact > 500 && rounded > 500 && refused < 600, "{exact} exact, {rounded} rounded, {refused} refused");
    }
}
