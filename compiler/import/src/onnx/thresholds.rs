//! Floats that become integers: the thresholds of a monotone function of a node's integers.
//!
//! In: a [`Real`], whose floats are an exact port of the kernel's arithmetic, and the quantizer behind it ([`Store`]). Out: a step for each element. Every
//! operator between is monotone with its rounding, so that bisection finds where each result begins; both sides of each threshold are evaluated. Elements
//! of equal constants share a step. Where the floats are known to within a bound alone, a threshold that lies within it is refused.

use super::value::{Curve, Link, PerElement, Real};
use crate::ImportError;
use qnn_ir::interrupt::work;
use qnn_ir::{Interval, Step, Steps};
use std::collections::HashMap;
use std::sync::Arc;

/// The most results of one function.
const MAX_LEVELS: i64 = 1 << 16;

/// The most results of all functions of a node.
const MAX_ALL_LEVELS: usize = 1 << 23;

/// Functions of so few integers are evaluated at each of them.
const ALL: i128 = 1 << 12;

/// Sigmoids and hyperbolic tangents of runtimes are farther from the exact values than that nowhere (measured: 3 · 10^-7 at most).
const CURVE_ERROR: f64 = 1e-6;

/// How a float is rounded to an integer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rounding {
    HalfEven,
    HalfUp,
    HalfDown,
    Up,
    Down,
    Ceil,
    Floor,
}

impl Rounding {
    /// Of a float that is finite; the same as QONNX computes it in NumPy.
    pub(super) fn apply(self, x: f32) -> f32 {
        match self {
            Rounding::HalfEven => x.round_ties_even(),
            Rounding::HalfUp => x.signum() * (x.abs() + 0.5).floor(),
            Rounding::HalfDown => x.signum() * (x.abs() - 0.5).ceil(),
            Rounding::Up => x.signum() * x.abs().ceil(),
            Rounding::Down => x.signum() * x.abs().floor(),
            Rounding::Ceil => x.ceil(),
            Rounding::Floor => x.floor(),
        }
    }
}

/// A quantizer: floats to integers, from which its zero point is subtracted.
#[derive(Clone, Debug)]
pub(super) enum Store {
    /// Rounded half to even, then clamped to `lo ..= hi`; divided by the scale before, if there is one.
    Linear { scale: Option<PerElement<f32>>, lo: PerElement<i64>, hi: PerElement<i64> },
    /// x / scale + zero, rounded half to even, clamped, minus zero.
    Shifted { scale: f32, zero: f32, lo: f32, hi: f32 },
    /// x / scale + zero, clamped, rounded, minus zero.
    Quant { scale: PerElement<f32>, zero: PerElement<f32>, lo: f32, hi: f32, rounding: Rounding },
    /// x / scale + zero, rounded half to even, / divisor, clamped, rounded, minus the new zero.
    Trunc {
        scale: PerElement<f32>,
        zero: f32,
        divisor: f32,
        limits: Option<(f32, f32)>,
        rounding: Rounding,
        new_zero: f32,
    },
    /// 1 where x is at least 0, else −1.
    Bipolar,
    /// −1, 0 or 1.
    Sign,
    /// How many of the thresholds are at most x.
    Count(PerElement<Arc<[f32]>>),
}

impl Store {
    /// The integer of a float that is no NaN.
    pub(super) fn apply(&self, element: usize, x: f32) -> f32 {
        match self {
            Store::Linear { scale, lo, hi } => {
                let x = scale.as_ref().map_or(x, |scale| x / scale.at(element));
                x.clamp(*lo.at(element) as f32, *hi.at(element) as f32).round_ties_even()
            }
            Store::Shifted { scale, zero, lo, hi } => (x / scale + zero).round_ties_even().clamp(*lo, *hi) - zero,
            Store::Quant { scale, zero, lo, hi, rounding } => {
                let zero = zero.at(element);
                rounding.apply((x / scale.at(element) + zero).clamp(*lo, *hi)) - zero
            }
            Store::Trunc { scale, zero, divisor, limits, rounding, new_zero } => {
                let x = (x / scale.at(element) + zero).round_ties_even() / divisor;
                rounding.apply(limits.map_or(x, |(lo, hi)| x.clamp(lo, hi))) - new_zero
            }
            Store::Bipolar => {
                if x >= 0.0 {
                    1.0
                } else {
                    -1.0
                }
            }
            Store::Sign => {
                if x > 0.0 {
                    1.0
                } else if x < 0.0 {
                    -1.0
                } else {
                    0.0
                }
            }
            Store::Count(thresholds) => thresholds.at(element).iter().filter(|t| x >= **t).count() as f32,
        }
    }

    /// What tells elements apart: the bits of their constants.
    fn key(&self, element: usize, key: &mut Vec<u64>) {
        match self {
            Store::Linear { scale, lo, hi } => {
                if let Some(PerElement::Each(scale)) = scale {
                    key.push(u64::from(scale[element].to_bits()));
                }
                for limits in [lo, hi] {
                    if let PerElement::Each(each) = limits {
                        key.push(each[element] as u64);
                    }
                }
            }
            Store::Quant { scale, zero, .. } => {
                for constants in [scale, zero] {
                    if let PerElement::Each(each) = constants {
                        key.push(u64::from(each[element].to_bits()));
                    }
                }
            }
            Store::Trunc { scale: PerElement::Each(scale), .. } => key.push(u64::from(scale[element].to_bits())),
            // Rows are shared by the elements of a channel.
            Store::Count(PerElement::Each(rows)) => key.push(rows[element].as_ptr() as u64),
            Store::Bipolar
            | Store::Sign
            | Store::Shifted { .. }
            | Store::Count(PerElement::One(_))
            | Store::Trunc { .. } => {}
        }
    }
}

/// Where a product and a sum could be computed as one: whether a runtime is known not to do it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Contraction {
    /// Each operator rounds.
    Never,
    /// A runtime may fuse; what would change by it is refused.
    Perhaps,
}

/// Steps for the elements of a node.
#[derive(Debug)]
pub(super) struct Found {
    /// To be applied to the node's integers, negated where `negated` says so.
    pub(super) steps: Steps,
    /// `None` where none is.
    pub(super) negated: Option<Vec<bool>>,
}

/// The floats of an element at an integer: the least and the greatest that the runtime can compute.
pub(super) fn floats(real: &Real, element: usize, integer: i128, fused: bool) -> (f32, f32) {
    let lead = &real.lead;
    let exact = (integer as f64 * lead.step.at(element)) / lead.divisor + lead.offset.at(element);
    let slack = *lead.slack.at(element);
    let (mut lo, mut hi) = match slack {
        0.0 => (exact as f32, exact as f32),
        _ => (((exact - slack) as f32).next_down(), ((exact + slack) as f32).next_up()),
    };
    let mut links = real.links.iter().peekable();
    while let Some(link) = links.next() {
        let next = if fused { links.peek() } else { None };
        let addend = match (link, next) {
            (Link::Multiply(_), Some(Link::Add(b))) => Some(*b.at(element)),
            (Link::Multiply(_), Some(Link::Subtract(b))) => Some(-*b.at(element)),
            _ => None,
        };
        if let (Link::Multiply(a), Some(b)) = (link, addend) {
            let a = *a.at(element);
            (lo, hi) = (lo.mul_add(a, b), hi.mul_add(a, b));
            links.next();
        } else {
            (lo, hi) = (apply(link, element, lo, fused, -1.0), apply(link, element, hi, fused, 1.0));
        }
        if link.direction(element) < 0 {
            (lo, hi) = (hi, lo);
        }
    }
    (lo, hi)
}

/// An operator on a float; of a curve, the end of its bounds on the side of `side`.
fn apply(link: &Link, element: usize, x: f32, fused: bool, side: f64) -> f32 {
    match link {
        Link::Multiply(c) => x * c.at(element),
        Link::Divide(c) => x / c.at(element),
        Link::Add(c) => x + c.at(element),
        Link::Subtract(c) => x - c.at(element),
        Link::SubtractFrom(c) => c.at(element) - x,
        Link::MultiplyAdd(a, b) if fused => x.mul_add(*a.at(element), *b.at(element)),
        Link::MultiplyAdd(a, b) => x * a.at(element) + b.at(element),
        Link::AtLeast(c) => x.max(*c.at(element)),
        Link::AtMost(c) => x.min(*c.at(element)),
        Link::Leaky(alpha) => {
            if x >= 0.0 {
                x
            } else {
                x * alpha.at(element)
            }
        }
        Link::Curve(curve) => {
            let x = f64::from(x);
            let exact = match curve {
                Curve::Sigmoid => 1.0 / (1.0 + (-x).exp()),
                Curve::Tanh => x.tanh(),
            };
            // Runtimes have the symmetric value at 0 exactly.
            let bound = if x == 0.0 { 0.0 } else { side * CURVE_ERROR };
            (exact + bound) as f32
        }
    }
}

/// Elements of equal constants.
struct Class {
    element: usize,
    range: Interval,
}

/// The function of a class on integers that are negated where it falls.
struct Function<'a> {
    real: &'a Real,
    store: &'a Store,
    element: usize,
    sign: i128,
}

impl Function<'_> {
    fn at(&self, integer: i128, fused: bool) -> Result<(i64, i64), ImportError> {
        work(8 * (2 + self.real.links.len()));
        let (lo, hi) = floats(self.real, self.element, self.sign * integer, fused);
        let (a, b) = (self.store.apply(self.element, lo), self.store.apply(self.element, hi));
        if lo.is_nan() || hi.is_nan() || a.is_nan() || b.is_nan() {
            return Err(ImportError::new("its arithmetic leaves the floats of 32 bits (infinity or NaN)"));
        }
        Ok((a as i64, b as i64))
    }

    /// The step over `range`, with both sides of each threshold evaluated.
    fn step(&self, range: Interval, contraction: Contraction, samples: i128) -> Result<Step, ImportError> {
        let near = |threshold: i128, level: i64| {
            ImportError::new(format!(
                "its floats are known to within a bound alone, and the sum {} lies within it of where the result becomes {level}: whether it does depends on the \
                 order in which a machine adds",
                self.sign * threshold
            ))
            .help("scales that are powers of two make every sum of floats exact")
        };
        let (least, greatest) = (self.at(range.lo, false)?, self.at(range.hi, false)?);
        let (lo, hi) = (least.0, greatest.1);
        if hi < lo || hi - lo > MAX_LEVELS {
            return Err(ImportError::new(format!("it has more than {MAX_LEVELS} different results")));
        }
        if least.1 > lo {
            return Err(near(range.lo, least.1));
        }
        let mut thresholds = Vec::with_capacity(usize::try_from(hi - lo).unwrap_or(0));
        let mut from = range.lo;
        for level in lo + 1..=hi {
            // The least integer whose result can be `level`.
            let (mut below, mut above) = (from - 1, range.hi);
            while above - below > 1 {
                let middle = below + (above - below) / 2;
                if self.at(middle, false)?.1 >= level { above = middle } else { below = middle }
            }
            let reached = self.at(above, false)?;
            if reached.0 < level {
                return Err(near(above, reached.1));
            }
            if contraction == Contraction::Perhaps {
                let other = self.at(above, true)?;
                let before = if above > range.lo { self.at(above - 1, true)? } else { (lo, lo) };
                if other.0 < level || (above > range.lo && before.1 >= level) {
                    return Err(ImportError::new(format!(
                        "a product and a sum give another result at {} where a machine computes them as one operation",
                        self.sign * above
                    )));
                }
            }
            thresholds.push(above);
            from = above;
        }
        let step = Step::Table { lo: i128::from(lo), thresholds: thresholds.into() };
        self.check(&step, range, samples)?;
        Ok(step)
    }

    /// The step is the function: at every integer where these are few, else at some of them beside the thresholds.
    fn check(&self, step: &Step, range: Interval, samples: i128) -> Result<(), ImportError> {
        let stride = ((range.hi - range.lo) / samples).max(1);
        let mut integer = range.lo;
        while integer <= range.hi {
            let (lo, hi) = self.at(integer, false)?;
            let expected = step.checked_apply(integer);
            if lo != hi || expected != Some(i128::from(lo)) {
                return Err(ImportError::new(format!("its result is not monotone at {}", self.sign * integer)));
            }
            integer += stride;
        }
        Ok(())
    }
}

/// The steps that `store` after `real` is, for integers within `ranges`.
///
/// # Errors
/// Thresholds that are not settled, results that are too many, integers beyond 2^53, and floats that overflow.
pub(super) fn find(
    real: &Real,
    store: &Store,
    ranges: &[Interval],
    contraction: Contraction,
) -> Result<Found, ImportError> {
    let mut classes: Vec<Class> = Vec::new();
    let mut known: HashMap<Vec<u64>, usize> = HashMap::new();
    let mut members = Vec::with_capacity(ranges.len());
    let mut key = Vec::new();
    for (element, range) in ranges.iter().enumerate() {
        key.clear();
        for doubles in [&real.lead.step, &real.lead.offset, &real.lead.slack] {
            if let PerElement::Each(each) = doubles {
                key.push(each[element].to_bits());
            }
        }
        for constants in real.links.iter().flat_map(Link::constants) {
            if let PerElement::Each(each) = constants {
                key.push(u64::from(each[element].to_bits()));
            }
        }
        store.key(element, &mut key);
        let class = match known.get(&key) {
            Some(class) => *class,
            None => {
                known.insert(key.clone(), classes.len());
                classes.push(Class { element, range: *range });
                classes.len() - 1
            }
        };
        let all = &mut classes[class].range;
        *all = Interval::new(all.lo.min(range.lo), all.hi.max(range.hi));
        members.push(class);
    }
    let mut steps = Vec::with_capacity(classes.len());
    let mut falling = Vec::with_capacity(classes.len());
    let mut levels = 0;
    // Of many functions, fewer integers each are evaluated beside the thresholds.
    let samples = ((1 << 24) / classes.len().max(1) as i128).clamp(16, ALL);
    for Class { element, range } in &classes {
        if range.lo < -(1 << 53) || range.hi > 1 << 53 {
            return Err(ImportError::new("its sums need more than 53 bits"));
        }
        let sign = i128::from(real.direction(*element) * if real.lead.step.at(*element) < &0.0 { -1 } else { 1 });
        let range = if sign < 0 { Interval::new(-range.hi, -range.lo) } else { *range };
        let function = Function { real, store, element: *element, sign };
        let step = function.step(range, contraction, samples)?;
        levels += usize::try_from(step.hi() - step.lo()).unwrap_or(MAX_ALL_LEVELS) + 1;
        if levels > MAX_ALL_LEVELS {
            return Err(ImportError::new("its channels have too many different results in all"));
        }
        steps.push(step);
        falling.push(sign < 0);
    }
    let negated = falling.contains(&true).then(|| members.iter().map(|class| falling[*class]).collect());
    let steps = match steps.as_slice() {
        [one] => Steps::Uniform(one.clone()),
        _ => Steps::Each(members.iter().map(|class| steps[*class].clone()).collect()),
    };
    Ok(Found { steps, negated })
}
