//! One linear form, substituted backwards from the elements that it mentions to the inputs.
//!
//! In: a form over any elements, the ranges of all of them, the lines of the nonlinearities. Out: an integer that the form does not exceed. At any time
//! the form in work, divided by 2^exponent, is at least the form asked for, for all values within the ranges that the graph can produce together.
//! Coefficients have 63 bits: before a node is replaced, the form is shifted so far to the right that they remain so; what the shift takes from a
//! coefficient, times its element's upper end, goes to the constant.

use super::kernels::{self, Digits, MOST_SHIFT, greatest};
use super::lines::Lines;
use qnn_ir::interrupt::work;
use qnn_ir::{Graph, Interval, NodeId, Op};

/// Coefficients have at most this many bits when a node is replaced: products with weights of 32 bits are quick then.
pub(super) const COEFFICIENT_BITS: u32 = 30;
/// No sum of products has more bits than this.
pub(super) const SUM_BITS: u32 = 62;
/// The constant has at most this many bits before lines are put in place.
const CONSTANT_BITS: u32 = 110;

/// A form in work, and its buffers.
pub(super) struct Backward {
    /// By node; all zero where the node is not `live`.
    coefficients: Vec<Vec<i64>>,
    /// The nodes with coefficients that are not replaced yet.
    live: Vec<bool>,
    /// The last node that was ever live since `begin`.
    last: usize,
    /// In units of 2^-exponent, as the coefficients.
    pub(super) constant: i128,
    exponent: i32,
    /// The coefficients of the node that is replaced.
    taken: Vec<i64>,
    /// For each node the upper ends of its ranges, and its biases, where they were asked for.
    ends: Vec<Column>,
    biases: Vec<Column>,
}

/// A number for each element of a node, as digits.
enum Column {
    Unknown,
    Known(Digits),
    /// Not all of them have 64 bits.
    Long,
}

impl Column {
    /// The digits, if all numbers have 64 bits.
    fn get(&mut self, numbers: impl Iterator<Item = i128>) -> Option<&Digits> {
        if matches!(self, Column::Unknown) {
            *self = Digits::new(numbers).map_or(Column::Long, Column::Known);
        }
        match self {
            Column::Known(digits) => Some(digits),
            Column::Unknown | Column::Long => None,
        }
    }
}

/// The bits of a magnitude.
fn bits(magnitude: u64) -> u32 {
    u64::BITS - magnitude.leading_zeros()
}

impl Backward {
    pub(super) fn new(graph: &Graph) -> Backward {
        Backward {
            coefficients: graph.nodes.iter().map(|node| vec![0; node.len]).collect(),
            live: vec![false; graph.nodes.len()],
            last: 0,
            constant: 0,
            exponent: 0,
            taken: Vec::new(),
            ends: graph.nodes.iter().map(|_| Column::Unknown).collect(),
            biases: graph.nodes.iter().map(|_| Column::Unknown).collect(),
        }
    }

    /// A node's ranges are no longer those of the last time.
    pub(super) fn narrowed(&mut self, id: NodeId) {
        self.ends[id.index()] = Column::Unknown;
    }

    /// Begins with the form that is zero.
    pub(super) fn begin(&mut self) {
        for (live, coefficients) in self.live.iter_mut().zip(&mut self.coefficients) {
            if std::mem::take(live) {
                coefficients.fill(0);
            }
        }
        (self.last, self.constant, self.exponent) = (0, 0, 0);
    }

    /// Adds a multiple of an element.
    pub(super) fn add(&mut self, id: NodeId, element: usize, factor: i64) -> Option<()> {
        let at = id.index();
        self.live[at] = true;
        self.last = self.last.max(at);
        let coefficient = &mut self.coefficients[at][element];
        *coefficient = coefficient.checked_add(factor)?;
        Some(())
    }

    /// The upper bound of the form, rounded down: the form is an integer. `None` where numbers are too large.
    pub(super) fn upper(&mut self, graph: &Graph, ranges: &[Vec<Interval>], lines: &[Option<Lines>]) -> Option<i128> {
        for at in (0..=self.last).rev() {
            if !self.live[at] {
                continue;
            }
            let most = greatest(&self.coefficients[at]);
            if most == 0 {
                self.live[at] = false;
                continue;
            }
            match &graph.nodes[at].op {
                // Inputs wait for `slopes`.
                Op::Input => {}
                Op::Constant(values) => {
                    self.take(at);
                    for (c, value) in self.taken.iter().zip(values.iter()) {
                        self.constant = self.constant.checked_add(product(*c, *value)?)?;
                    }
                }
                Op::Gather { picks } => {
                    let mine = self.copied(at);
                    for (c, (source, element)) in mine.iter().zip(picks.iter()).filter(|(c, _)| **c != 0) {
                        self.add(*source, *element as usize, *c)?;
                    }
                }
                Op::Affine { terms, bias } => {
                    let norm = terms.iter().map(|(_, matrix)| matrix.norm()).max().unwrap_or(0);
                    self.shift_for_sums(at, most, norm, ranges)?;
                    self.take(at);
                    if let Some(digits) = self.biases[at].get(bias.iter().copied()) {
                        self.constant = self.constant.checked_add(kernels::sum_of_products(&self.taken, digits))?;
                    } else {
                        for (c, bias) in self.taken.iter().zip(bias.iter()).filter(|(c, _)| **c != 0) {
                            self.constant = self.constant.checked_add(product(*c, *bias)?)?;
                        }
                    }
                    for (source, matrix) in terms {
                        self.live[source.index()] = true;
                        let target = &mut self.coefficients[source.index()];
                        work(self.taken.len() + target.len() * self.taken.len() / 16);
                        // The sums of products stay below 2^62, and what was there is at most that.
                        matrix.add_rows(&self.taken, target);
                        if terms.len() > 1 && greatest(target) >= 1 << SUM_BITS {
                            return None;
                        }
                    }
                }
                Op::Step { source, .. } | Op::Wrap { source, .. } => {
                    let lines = lines[at].as_ref()?;
                    self.shift_for_lines(at, most, lines.exponent, ranges)?;
                    self.take(at);
                    work(self.taken.len());
                    let source = source.index();
                    let was_live = std::mem::replace(&mut self.live[source], true);
                    let target = &mut self.coefficients[source];
                    let constant = match &lines.short {
                        Some((above, below)) if !was_live => kernels::put_in_place(&self.taken, target, above, below),
                        _ => lines.put_in_place(&self.taken, target)?,
                    };
                    self.constant = self.constant.checked_add(constant)?;
                }
                Op::Max { source, windows } => {
                    self.shift_for_lines(at, most, 0, ranges)?;
                    let lines = lines[at].as_ref()?;
                    let mine = self.copied(at);
                    for (element, c) in mine.iter().enumerate().filter(|(_, c)| **c != 0) {
                        work(windows[element].len());
                        let (greatest, dominant) = lines.greatest[element];
                        if *c < 0 || dominant {
                            self.add(*source, greatest as usize, *c)?;
                        } else {
                            self.constant = self.constant.checked_add(product(*c, ranges[at][element].hi)?)?;
                        }
                    }
                }
            }
        }
        let mut value = self.constant;
        for at in (0..=self.last).filter(|at| self.live[*at]) {
            for (c, range) in self.coefficients[at].iter().zip(&ranges[at]).filter(|(c, _)| **c != 0) {
                value = value.checked_add(product(*c, if *c > 0 { range.hi } else { range.lo })?)?;
            }
        }
        if self.exponent >= 0 {
            Some(value >> self.exponent.min(127))
        } else {
            shifted(value, self.exponent.unsigned_abs())
        }
    }

    /// For each input node, in order, the coefficients of the last form.
    pub(super) fn slopes(&self, graph: &Graph) -> Vec<Vec<f64>> {
        let scale = f64::from(-self.exponent).exp2();
        let inputs = graph.inputs().map(|id| &self.coefficients[id.index()]);
        inputs.map(|coefficients| coefficients.iter().map(|c| *c as f64 * scale).collect()).collect()
    }

    /// Takes a node's coefficients out of the form, to `taken`.
    fn take(&mut self, at: usize) {
        self.live[at] = false;
        self.taken.clear();
        self.taken.resize(self.coefficients[at].len(), 0);
        std::mem::swap(&mut self.taken, &mut self.coefficients[at]);
    }

    /// The same, as a list of its own.
    fn copied(&mut self, at: usize) -> Vec<i64> {
        self.take(at);
        self.taken.clone()
    }

    /// Whether another node than the one that is replaced has coefficients: one before it, or an input, which may come after it.
    fn is_other(&self, other: usize, at: usize) -> bool {
        other != at && self.live[other]
    }

    /// The greatest magnitude of the coefficients of other nodes.
    fn greatest_other(&self, at: usize) -> u64 {
        let others = (0..=self.last).filter(|other| self.is_other(*other, at));
        others.map(|other| greatest(&self.coefficients[other])).max().unwrap_or(0)
    }

    /// Shifts the form so that an affine node's coefficients, the greatest of which is `most`, times weights have sums of 62 bits.
    fn shift_for_sums(&mut self, at: usize, most: u64, norm: u128, ranges: &[Vec<Interval>]) -> Option<()> {
        // The sums of so few coefficients of 30 bits times weights are small, whatever they are.
        let few = bits(self.coefficients[at].len() as u64) + (u128::BITS - norm.leading_zeros())
            < SUM_BITS - COEFFICIENT_BITS;
        let others = bits(self.greatest_other(at)).saturating_sub(SUM_BITS);
        let own = bits(most).saturating_sub(COEFFICIENT_BITS);
        if few {
            return self.shift(own.max(others), ranges);
        }
        let total = |c: &[i64]| -> u128 { c.iter().map(|c| u128::from(c.unsigned_abs())).sum() };
        let length = |n: u128| u128::BITS - n.leading_zeros();
        let sums = length(total(&self.coefficients[at])) + length(norm);
        self.shift(own.max(sums.saturating_sub(SUM_BITS)).max(others), ranges)?;
        // Many coefficients rounded down to -1, or great weights.
        (total(&self.coefficients[at]).checked_mul(norm)? < 1 << SUM_BITS).then_some(())
    }

    /// Shifts the form so that a nonlinear node's coefficients, the greatest of which is `most`, have 30 bits, all others times 2^exponent 62, and the constant times that 110; then multiplies it by 2^exponent but for
    /// that node.
    fn shift_for_lines(&mut self, at: usize, most: u64, exponent: u32, ranges: &[Vec<Interval>]) -> Option<()> {
        let other = self.greatest_other(at);
        let others = if other == 0 { 0 } else { (bits(other) + exponent).saturating_sub(SUM_BITS) };
        let constant = u128::BITS - self.constant.unsigned_abs().leading_zeros() + exponent;
        let by = bits(most).saturating_sub(COEFFICIENT_BITS).max(others).max(constant.saturating_sub(CONSTANT_BITS));
        self.shift(by, ranges)?;
        if other != 0 {
            for other in 0..=self.last {
                if self.is_other(other, at) {
                    self.coefficients[other].iter_mut().for_each(|c| *c <<= exponent);
                }
            }
        }
        self.constant = shifted(self.constant, exponent)?;
        self.exponent += i32::try_from(exponent).ok()?;
        Some(())
    }

    /// Divides the form by 2^by, coefficients rounded down, the constant up.
    fn shift(&mut self, by: u32, ranges: &[Vec<Interval>]) -> Option<()> {
        if by == 0 {
            return Some(());
        }
        if by > SUM_BITS {
            return None;
        }
        let mask = (1i64 << by) - 1;
        let mut constant = self.constant;
        for (at, ranges) in ranges.iter().enumerate().take(self.last + 1).filter(|(at, _)| self.live[*at]) {
            let coefficients = &mut self.coefficients[at];
            work(coefficients.len());
            if by <= MOST_SHIFT
                && let Some(ends) = self.ends[at].get(ranges.iter().map(|range| range.hi))
            {
                constant = constant.checked_add(kernels::shift(coefficients, by, ends))?;
                continue;
            }
            for (c, range) in coefficients.iter_mut().zip(ranges) {
                constant = constant.checked_add(product(*c & mask, range.hi)?)?;
                *c >>= by;
            }
        }
        // Rounded up.
        self.constant = -(constant.checked_neg()? >> by);
        self.exponent -= i32::try_from(by).ok()?;
        Some(())
    }
}

/// Two numbers of 64 bits have a product of 128, and that is quick.
fn product(c: i64, value: i128) -> Option<i128> {
    match i64::try_from(value) {
        Ok(value) => Some(i128::from(c) * i128::from(value)),
        Err(_) => i128::from(c).checked_mul(value),
    }
}

/// value · 2^by.
fn shifted(value: i128, by: u32) -> Option<i128> {
    value.checked_mul(1i128.checked_shl(by).filter(|power| *power > 0)?)
}
