//! Tensors one after another along an axis: `Concat`.
//!
//! In: known numbers, integers of one element type, or floats that the same operators computed. Out: a tensor of the same kind.

use super::lowering::Lowering;
use super::model::Node;
use super::shape::{axis, elements};
use super::tensor::{Numbers, Parameters, Tensor};
use super::value::{Lead, Link, PerElement, Real, Stored, Value};
use crate::ImportError;
use qnn_ir::Op;
use std::sync::Arc;

/// `Concat`.
pub(super) fn concat(lowering: &mut Lowering, node: &Node) -> Result<(), ImportError> {
    let values: Vec<Value> = (0..node.inputs.len()).map(|i| lowering.input(node, i)).collect::<Result<_, _>>()?;
    let value = joined(lowering, node, &values, node.int("axis").unwrap_or(1))?;
    lowering.layer(node, 0, value, Parameters::default(), None);
    Ok(())
}

/// Values one after another along an axis.
pub(super) fn joined(lowering: &mut Lowering, node: &Node, values: &[Value], at: i64) -> Result<Value, ImportError> {
    let first = values.first().ok_or_else(|| ImportError::new("it has no inputs"))?;
    let at = axis(at, first.shape().len())?;
    let mut shape = first.shape().to_vec();
    shape[at] = 0;
    for value in values {
        let part = value.shape();
        let fits = part.len() == shape.len() && (0..shape.len()).all(|a| a == at || part[a] == shape[a]);
        if !fits {
            return Err(ImportError::new("its inputs differ in other axes than the one that it joins"));
        }
        shape[at] += part[at];
    }
    elements(&shape)?;
    // (input, element of it) for each element of the result.
    let outer: usize = shape[..at].iter().product();
    let mut order = Vec::new();
    for o in 0..outer {
        for (input, value) in values.iter().enumerate() {
            let block: usize = value.shape()[at..].iter().product();
            order.extend((o * block..(o + 1) * block).map(|i| (input, i)));
        }
    }
    let name = node.outputs.first().cloned().unwrap_or_else(|| Arc::from(""));
    match first {
        Value::Real(_) => join_reals(lowering, &name, values, shape, &order),
        Value::Constant(tensor) if values.iter().all(|v| matches!(v, Value::Constant(_))) => {
            join_constants(tensor, values, shape, &order)
        }
        _ => join_stored(lowering, &name, values, shape, &order),
    }
}

fn join_constants(
    first: &Tensor,
    values: &[Value],
    shape: Vec<usize>,
    order: &[(usize, usize)],
) -> Result<Value, ImportError> {
    let mut all = (Vec::new(), Vec::new());
    let mut starts = Vec::new();
    for value in values {
        let Value::Constant(tensor) = value else { continue };
        starts.push(all.0.len().max(all.1.len()));
        match &tensor.numbers {
            Numbers::Integers(n) if tensor.element == first.element => all.0.extend(n),
            Numbers::Floats(n) if tensor.element == first.element => all.1.extend(n),
            _ => return Err(ImportError::new("its inputs have different element types")),
        }
    }
    let picks: Vec<usize> = order.iter().map(|(input, i)| starts[*input] + i).collect();
    let tensor = match first.element.is_float() {
        true => Tensor::floats(vec![all.1.len()], all.1),
        false => Tensor::integers(vec![all.0.len()], first.element, all.0),
    };
    Ok(Value::Constant(Arc::new(tensor.pick(shape, &picks))))
}

fn join_stored(
    lowering: &mut Lowering,
    name: &str,
    values: &[Value],
    shape: Vec<usize>,
    order: &[(usize, usize)],
) -> Result<Value, ImportError> {
    let pattern = values.iter().find_map(|v| if let Value::Stored(stored) = v { Some(stored.clone()) } else { None });
    let pattern = pattern.ok_or_else(|| ImportError::new("its inputs are neither all integers nor all floats"))?;
    let mut nodes = Vec::new();
    for value in values {
        nodes.push(match value {
            Value::Stored(s) if s.element == pattern.element => lowering.centred(name, s, pattern.zero)?,
            Value::Constant(tensor) if tensor.element == pattern.element && !tensor.element.is_float() => {
                let numbers = tensor.as_integers().unwrap_or_default();
                lowering.builder.grow(numbers.len())?;
                let centred = numbers.iter().map(|v| i128::from(v - pattern.zero)).collect();
                lowering.builder.push(name, Op::Constant(centred))?
            }
            _ => return Err(ImportError::new("its inputs have different element types")),
        });
    }
    let node = lowering.gathered(name, order.iter().map(|(input, i)| (nodes[*input], *i as u32)).collect())?;
    Ok(Value::Stored(Stored { node, shape, ..pattern }))
}

fn join_reals(
    lowering: &mut Lowering,
    name: &str,
    values: &[Value],
    shape: Vec<usize>,
    order: &[(usize, usize)],
) -> Result<Value, ImportError> {
    let reals: Vec<&Real> = values.iter().filter_map(|v| if let Value::Real(r) = v { Some(r) } else { None }).collect();
    let first = reals.first().filter(|_| reals.len() == values.len());
    let first = *first.ok_or_else(|| ImportError::new("its inputs are neither all integers nor all floats"))?;
    let kind = std::mem::discriminant::<Link>;
    let alike = |real: &&Real| {
        real.lead.divisor == first.lead.divisor
            && real.links.len() == first.links.len()
            && real.links.iter().zip(&first.links).all(|(a, b)| kind(a) == kind(b))
    };
    if !reals.iter().all(alike) {
        return Err(ImportError::new("its inputs are floats that were computed by different operators"));
    }
    fn all<'a, T: Clone + PartialEq + 'a>(
        order: &[(usize, usize)],
        of: impl Fn(usize) -> &'a PerElement<T>,
    ) -> PerElement<T> {
        PerElement::of(order.iter().map(|(input, i)| of(*input).at(*i).clone()).collect())
    }
    let lead = Lead {
        step: all(order, |input| &reals[input].lead.step),
        divisor: first.lead.divisor,
        offset: all(order, |input| &reals[input].lead.offset),
        slack: all(order, |input| &reals[input].lead.slack),
    };
    let mut links = Vec::new();
    for (at, link) in first.links.iter().enumerate() {
        let constants = |which: usize| all(order, |input| reals[input].links[at].constants()[which]);
        links.push(match link {
            Link::Multiply(_) => Link::Multiply(constants(0)),
            Link::Divide(_) => Link::Divide(constants(0)),
            Link::Add(_) => Link::Add(constants(0)),
            Link::Subtract(_) => Link::Subtract(constants(0)),
            Link::SubtractFrom(_) => Link::SubtractFrom(constants(0)),
            Link::MultiplyAdd(..) => Link::MultiplyAdd(constants(0), constants(1)),
            Link::AtLeast(_) => Link::AtLeast(constants(0)),
            Link::AtMost(_) => Link::AtMost(constants(0)),
            Link::Leaky(_) => Link::Leaky(constants(0)),
            Link::Curve(curve) => Link::Curve(*curve),
        });
    }
    let same = |f: &dyn Fn(&Real) -> bool| reals.iter().all(|r| f(r));
    let stored = first.stored.filter(|_| same(&|r| r.stored == first.stored));
    let format = first.format.filter(|_| same(&|r| r.format == first.format));
    let node = lowering.gathered(name, order.iter().map(|(input, i)| (reals[*input].node, *i as u32)).collect())?;
    Ok(Value::Real(Real { node, shape, lead, links, stored, format, port: false }))
}
