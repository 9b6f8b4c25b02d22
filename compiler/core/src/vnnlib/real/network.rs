//! A network of floats as exact functions of real numbers: sums of products, clamps and maxima.
//!
//! In: the network of an ONNX file. Out: for each element of each tensor the function that makes it of others, which is evaluated in exact rationals, and its
//! range over a box. What is no such function (sigmoid, tanh) is refused by name.

use num_traits::{Signed, Zero};
use qnn_import::{FloatNetwork, FloatOperation};
use qnn_ir::Rational;
use qnn_ir::interrupt::work;
use qnn_ir::rational::from_f64;
use qnn_ir::real::NUMBER;

/// The most products of a network that is read as real.
const MAX_TERMS: usize = 4_000_000;

/// An element of a tensor.
pub type Place = (usize, usize);

/// How an element is made.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// An input.
    Input,
    /// (bias + Σ factor · element) / divisor.
    Sum {
        /// The products.
        terms: Vec<(Place, f32)>,
        /// What is added.
        bias: f32,
        /// What all of it is divided by; not 0.
        divisor: f32,
    },
    /// The element, or the end that it is beyond.
    Clamp(Place, Option<f32>, Option<f32>),
    /// The element where it is not negative, else the factor times it; the factor is within 0 and 1.
    Leaky(Place, f32),
    /// The greatest of some.
    Max(Vec<Place>),
    /// Another element.
    Copy(Place),
}

/// Least and greatest value; `None` where there is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Range {
    /// The least.
    pub lo: Option<Rational>,
    /// The greatest.
    pub hi: Option<Rational>,
}

/// A network.
#[derive(Clone, Debug, PartialEq)]
pub struct RealNetwork {
    /// The cells of each tensor.
    pub tensors: Vec<Vec<Cell>>,
    /// The inputs in the file's order.
    pub inputs: Vec<usize>,
    /// The outputs in the file's order.
    pub outputs: Vec<usize>,
}

/// A float as a rational.
pub fn exact(value: f32) -> Rational {
    from_f64(f64::from(value)).unwrap_or_default()
}

impl RealNetwork {
    /// The functions of a network.
    ///
    /// # Errors
    /// A sentence that names what is no function of this kind, or is too much.
    pub fn new(network: &FloatNetwork) -> Result<RealNetwork, String> {
        let mut tensors: Vec<Vec<Cell>> = Vec::with_capacity(network.tensors.len());
        let mut terms = 0usize;
        for tensor in &network.tensors {
            let len = tensor.shape.iter().product();
            let cells = cells(&tensor.operation, len).ok_or_else(|| {
                format!("{} (\"{}\") is no function that exact numbers have", tensor.operator, tensor.name)
            })?;
            for cell in &cells {
                terms += match cell {
                    Cell::Sum { terms, bias, divisor } => {
                        if !bias.is_finite()
                            || !divisor.is_normal()
                            || terms.iter().any(|(_, factor)| !factor.is_finite())
                        {
                            return Err(format!(
                                "{} (\"{}\") has numbers that are not finite",
                                tensor.operator, tensor.name
                            ));
                        }
                        1 + terms.len()
                    }
                    Cell::Max(places) => places.len(),
                    Cell::Clamp(_, lo, hi) if [lo, hi].into_iter().flatten().any(|end| !end.is_finite()) => {
                        return Err(format!("{} (\"{}\") has ends that are not finite", tensor.operator, tensor.name));
                    }
                    Cell::Leaky(_, factor) if !(0.0..=1.0).contains(factor) => {
                        return Err(format!("{} (\"{}\") has a slope beyond 0 and 1", tensor.operator, tensor.name));
                    }
                    _ => 1,
                };
            }
            if terms > MAX_TERMS {
                return Err(format!("the network has more than {MAX_TERMS} products, too many for exact numbers"));
            }
            tensors.push(cells);
        }
        Ok(RealNetwork { tensors, inputs: network.inputs.clone(), outputs: network.outputs.clone() })
    }

    /// The values of all tensors, given those of the inputs; `None` if these don't fit.
    pub fn evaluate(&self, inputs: &[Vec<Rational>]) -> Option<Vec<Vec<Rational>>> {
        let mut values: Vec<Vec<Rational>> = Vec::with_capacity(self.tensors.len());
        for (index, cells) in self.tensors.iter().enumerate() {
            let own = self.inputs.iter().position(|input| *input == index);
            let next = match own {
                Some(own) => inputs.get(own).filter(|given| given.len() == cells.len())?.clone(),
                None => cells.iter().map(|cell| value(cell, &values)).collect(),
            };
            values.push(next);
        }
        Some(values)
    }

    /// The ranges of all tensors over a box of the inputs.
    pub fn ranges(&self, inputs: &[Vec<Range>]) -> Option<Vec<Vec<Range>>> {
        let mut ranges: Vec<Vec<Range>> = Vec::with_capacity(self.tensors.len());
        for (index, cells) in self.tensors.iter().enumerate() {
            let own = self.inputs.iter().position(|input| *input == index);
            let next = match own {
                Some(own) => inputs.get(own).filter(|given| given.len() == cells.len())?.clone(),
                None => cells.iter().map(|cell| range(cell, &ranges)).collect(),
            };
            ranges.push(next);
        }
        Some(ranges)
    }
}

fn cells(operation: &FloatOperation, len: usize) -> Option<Vec<Cell>> {
    let at = |list: &[f32], i: usize| list[if list.len() == 1 { 0 } else { i }];
    let each = |make: &dyn Fn(usize) -> Cell| Some((0..len).inspect(|_| work(1)).map(make).collect::<Vec<Cell>>());
    let one = |terms: Vec<(Place, f32)>, bias: f32| Cell::Sum { terms, bias, divisor: 1.0 };
    match operation {
        FloatOperation::Input => each(&|_| Cell::Input),
        FloatOperation::Constant(list) => each(&|i| one(Vec::new(), list[i])),
        FloatOperation::Sums { source, taps, weights, channels, bias, .. } => each(&|i| {
            work(taps[i].len());
            let terms = taps[i].iter().map(|(x, w)| ((*source, *x as usize), weights[*w as usize])).collect();
            one(terms, bias.as_ref().map_or(0.0, |bias| bias[channels[i] as usize]))
        }),
        FloatOperation::Add(a, b) => each(&|i| one(vec![((*a, i), 1.0), ((*b, i), 1.0)], 0.0)),
        FloatOperation::Scale { source, factors, offsets } => {
            each(&|i| one(vec![((*source, i), at(factors, i))], at(offsets, i)))
        }
        FloatOperation::Divide { source, divisors } => {
            each(&|i| Cell::Sum { terms: vec![((*source, i), 1.0)], bias: 0.0, divisor: at(divisors, i) })
        }
        FloatOperation::Clamp { source, lo, hi } => each(&|i| Cell::Clamp((*source, i), *lo, *hi)),
        FloatOperation::LeakyRelu { source, alpha } => each(&|i| Cell::Leaky((*source, i), *alpha)),
        // A normalization's square root is irrational.
        FloatOperation::Normalize { .. } | FloatOperation::Sigmoid(_) | FloatOperation::Tanh(_) => None,
        FloatOperation::Max { source, windows } => {
            each(&|i| Cell::Max(windows[i].iter().map(|x| (*source, *x as usize)).collect()))
        }
        FloatOperation::Mean { cells, .. } if cells.iter().any(|count| *count > 1 << 24) => None,
        FloatOperation::Mean { source, windows, cells } => each(&|i| {
            let terms = windows[i].iter().map(|x| ((*source, *x as usize), 1.0)).collect();
            Cell::Sum { terms, bias: 0.0, divisor: cells[i].max(1) as f32 }
        }),
        FloatOperation::Gather(picks) => each(&|i| Cell::Copy((picks[i].0, picks[i].1 as usize))),
    }
}

fn value(cell: &Cell, values: &[Vec<Rational>]) -> Rational {
    let of = |place: &Place| &values[place.0][place.1];
    work(NUMBER);
    match cell {
        Cell::Input => Rational::zero(),
        Cell::Sum { terms, bias, divisor } => {
            work(NUMBER * terms.len());
            let sum = terms.iter().fold(exact(*bias), |sum, (place, factor)| sum + of(place) * exact(*factor));
            sum / exact(*divisor)
        }
        Cell::Clamp(place, lo, hi) => {
            let value = lo.map_or_else(|| of(place).clone(), |lo| of(place).clone().max(exact(lo)));
            hi.map_or_else(|| value.clone(), |hi| value.clone().min(exact(hi)))
        }
        Cell::Leaky(place, factor) => {
            let value = of(place);
            if value.is_negative() { value * exact(*factor) } else { value.clone() }
        }
        Cell::Max(places) => {
            work(NUMBER * places.len());
            places.iter().map(of).max().cloned().unwrap_or_default()
        }
        Cell::Copy(place) => of(place).clone(),
    }
}

fn range(cell: &Cell, ranges: &[Vec<Range>]) -> Range {
    let of = |place: &Place| &ranges[place.0][place.1];
    work(2 * NUMBER);
    match cell {
        Cell::Input => Range::default(),
        Cell::Sum { terms, bias, divisor } => {
            work(2 * NUMBER * terms.len());
            let end = |upper: bool| -> Option<Rational> {
                let mut sum = exact(*bias);
                for (place, factor) in terms.iter().filter(|(_, factor)| *factor != 0.0) {
                    let range = of(place);
                    let end = if (*factor > 0.0) == (upper == (*divisor > 0.0)) { &range.hi } else { &range.lo };
                    sum += end.as_ref()? * exact(*factor);
                }
                Some(sum / exact(*divisor))
            };
            Range { lo: end(false), hi: end(true) }
        }
        Cell::Clamp(place, lo, hi) => {
            let clamp = |value: Rational| {
                let value = lo.map_or_else(|| value.clone(), |lo| value.clone().max(exact(lo)));
                hi.map_or_else(|| value.clone(), |hi| value.clone().min(exact(hi)))
            };
            let Range { lo: below, hi: above } = of(place).clone();
            Range { lo: below.map(clamp).or_else(|| lo.map(exact)), hi: above.map(clamp).or_else(|| hi.map(exact)) }
        }
        Cell::Leaky(place, factor) => {
            let leak = |value: Rational| if value.is_negative() { value * exact(*factor) } else { value };
            let Range { lo, hi } = of(place).clone();
            Range { lo: lo.map(leak), hi: hi.map(leak) }
        }
        Cell::Max(places) => {
            work(2 * NUMBER * places.len());
            let hi = places.iter().map(|place| of(place).hi.clone()).collect::<Option<Vec<_>>>();
            Range {
                lo: places.iter().filter_map(|place| of(place).lo.clone()).max(),
                hi: hi.and_then(|all| all.into_iter().max()),
            }
        }
        Cell::Copy(place) => of(place).clone(),
    }
}
