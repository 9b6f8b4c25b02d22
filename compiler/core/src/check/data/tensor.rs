//! Constant tensors of a network or statement: integers with a scale for all elements, or one for each.

use super::super::types::{Axis, Shape, count};
use crate::number_format::Format;
use qnn_ir::Rational;
use qnn_ir::interrupt::work;
use qnn_ir::rational::integer;
use qnn_ir::real::{NUMBER, Values};
use std::sync::Arc;

/// One value for all elements, or one for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PerElement<T> {
    /// The same for all.
    All(T),
    /// As many as elements.
    Each(Arc<[T]>),
}

impl<T: Clone + PartialEq> PerElement<T> {
    /// The value of an element.
    pub fn get(&self, element: usize) -> &T {
        match self {
            PerElement::All(value) => value,
            PerElement::Each(values) => &values[element],
        }
    }

    /// The values of the picked elements.
    pub fn pick(&self, elements: impl Iterator<Item = usize>) -> PerElement<T> {
        match self {
            PerElement::All(value) => PerElement::All(value.clone()),
            PerElement::Each(values) => {
                PerElement::from_each(elements.inspect(|_| work(NUMBER)).map(|i| values[i].clone()).collect())
            }
        }
    }

    /// From one value for each element; equal values become one.
    pub fn from_each(values: Vec<T>) -> PerElement<T> {
        match values.split_first() {
            Some((first, rest)) if rest.iter().inspect(|_| work(1)).all(|v| v == first) => {
                PerElement::All(first.clone())
            }
            _ => PerElement::Each(values.into()),
        }
    }

    /// Each value mapped.
    pub fn map<U: Clone + PartialEq>(&self, f: impl Fn(&T) -> U) -> PerElement<U> {
        match self {
            PerElement::All(value) => PerElement::All(f(value)),
            PerElement::Each(values) => PerElement::Each(values.iter().inspect(|_| work(NUMBER)).map(f).collect()),
        }
    }
}

/// The scale and zero point of each element of a tensor of this format. Channels run along the first axis.
pub fn scales(format: &Format, shape: &[Axis]) -> PerElement<Rational> {
    per_channel(format, shape, |channel| format.lsb(channel))
}

/// The raw integer that stands for 0, of each element.
pub fn zeros(format: &Format, shape: &[Axis]) -> PerElement<i64> {
    per_channel(format, shape, |channel| format.zero(channel))
}

/// The raw integer that stands for 0, of one element.
pub fn zero(format: &Format, shape: &[Axis], element: usize) -> i64 {
    let inner = || count(shape.get(1..).unwrap_or_default());
    format.zero(if format.channels() == 1 { 0 } else { element / inner() })
}

pub(super) fn per_channel<T: Clone + PartialEq>(
    format: &Format,
    shape: &[Axis],
    f: impl Fn(usize) -> T,
) -> PerElement<T> {
    if format.channels() == 1 {
        return PerElement::All(f(0));
    }
    let inner: usize = count(shape.get(1..).unwrap_or_default());
    PerElement::from_each((0..count(shape)).inspect(|_| work(NUMBER)).map(|i| f(i / inner)).collect())
}

/// A constant tensor as a network uses it: value = number · scale (zero points are subtracted already).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConstantTensor {
    /// The axes.
    pub shape: Shape,
    /// raw − zero point, row-major.
    pub numbers: Arc<[i64]>,
    /// The value of one step.
    pub scale: PerElement<Rational>,
    /// The format, where it has one.
    pub format: Option<Format>,
    /// How many elements saturated when they were quantized.
    pub saturated: usize,
    /// In a real-valued reading: the elements' values before any format. `numbers` is then empty.
    pub exact: Option<Values>,
}

impl ConstantTensor {
    /// A tensor of exact values, of a real-valued reading.
    pub fn exact(shape: Shape, values: Values) -> ConstantTensor {
        let scale = PerElement::All(num_traits::One::one());
        ConstantTensor { shape, numbers: Arc::new([]), scale, format: None, saturated: 0, exact: Some(values) }
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.exact.as_ref().map_or(self.numbers.len(), Values::len)
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An element's value.
    pub fn value(&self, i: usize) -> Rational {
        match &self.exact {
            Some(values) => values.get(i),
            None => integer(i128::from(self.numbers[i])) * self.scale.get(i),
        }
    }

    /// All values.
    pub fn values(&self) -> Vec<Rational> {
        (0..self.len()).inspect(|_| work(NUMBER)).map(|i| self.value(i)).collect()
    }

    /// All values, over one denominator.
    pub fn over_one(&self) -> Values {
        match (&self.exact, &self.scale) {
            (Some(values), _) => values.clone(),
            (None, PerElement::All(scale)) => Values::scaled(&self.numbers, scale),
            (None, PerElement::Each(_)) => Values::new(&self.values()),
        }
    }
}

/// What quantizing a tensor lost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loss {
    /// Elements whose value is not one of the format's.
    pub inexact: usize,
    /// Elements beyond the format's range.
    pub saturated: usize,
    /// The one farthest beyond: its index and value.
    pub worst: Option<(usize, f64)>,
}
