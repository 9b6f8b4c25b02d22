//! Makes the integer graph of an enclosure, node by node.
//!
//! In: a real graph and the ranges of its inputs. Out: an [`Enclosure`]; exact, or with weights and results rounded. Invariant: every node's ranges are
//! within [`LIMIT`], and its slack covers what was rounded.

use super::rounding::{exponent, rebuilt, rounded_to_integer, short_rounded};
use super::{Enclosure, LIMIT, RESULT_BITS, SUM_BITS, Slack, TooLarge, WEIGHT_BITS};
use crate::interrupt::work;
use crate::range::node_ranges;
use crate::rational::{common_step, power_of_two};
use crate::real::{NUMBER, RealGraph, RealMatrix, RealOp, Row, Values};
use crate::{Graph, Interval, Matrix, NodeId, Op, Rational, Rounding, Step, Steps};
use num_bigint::BigInt;
use num_traits::{One, Signed, ToPrimitive, Zero};
/// A node of the enclosure, and the value of one step of each of its elements.
#[derive(Clone)]
struct Enclosed {
    node: NodeId,
    scale: Rational,
}

/// The graph so far, its nodes' ranges and slack.
pub(super) struct Builder {
    graph: Graph,
    ranges: Vec<Vec<Interval>>,
    slack: Vec<Slack>,
    exact: bool,
}

impl Builder {
    /// Encloses a node of a real graph; its steps are no finer than `finest`, and nothing is rounded where `exact` says so.
    pub(super) fn run(
        real: &RealGraph,
        output: usize,
        boxes: &[Vec<Interval>],
        finest: &Rational,
        exact: bool,
    ) -> Result<Enclosure, TooLarge> {
        let mut builder = Builder { graph: Graph::new(), ranges: Vec::new(), slack: Vec::new(), exact };
        let inputs = real.nodes().iter().filter(|(op, _)| matches!(op, RealOp::Input(_)));
        let nodes: Vec<NodeId> = inputs.zip(boxes).map(|((_, len), ranges)| builder.input(*len, ranges)).collect();
        let needed = real.needed(output);
        let (mut all, mut nodes): (Vec<Option<Enclosed>>, _) = (Vec::new(), nodes.into_iter());
        for (index, (op, _)) in real.nodes().iter().enumerate().take(output + 1) {
            let input = if matches!(op, RealOp::Input(_)) { nodes.next() } else { None };
            all.push(if needed[index] { Some(builder.enclose(op, input, &all)?) } else { None });
        }
        let found = all.pop().flatten().ok_or(TooLarge)?;
        let Enclosed { node, scale } = builder.coarse(found, finest)?;
        let Builder { graph, ranges, slack, .. } = builder;
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
        // An end beyond the range is replaced by the end of the range.
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
            matrices.push((source.node, rebuilt(matrix, |index| entries[index as usize].0)?));
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
            let residues = residues.iter().map(|(matrix, entries)| rebuilt(matrix, |index| entries[index as usize].1));
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
