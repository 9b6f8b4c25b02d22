//! Elementwise operators on floats of 32 bits, and the same on known numbers.
//!
//! On floats that depend on a node's integers an operator becomes a [`Link`] with a constant for each element; known numbers are computed at once.

use super::lowering::Lowering;
use super::model::Node;
use super::shape::{broadcast, stretched};
use super::tensor::{Element, Numbers, Parameters, Tensor};
use super::value::{Curve, Lead, Link, PerElement, Real, Value};
use crate::ImportError;
use std::sync::Arc;

/// `LeakyRelu`'s link.
pub(super) fn leaky(node: &Node) -> Result<Link, ImportError> {
    let alpha = node.float("alpha").unwrap_or(0.01);
    if !(0.0..=1.0).contains(&alpha) {
        return Err(ImportError::new("its attribute `alpha` is not within 0 and 1"));
    }
    Ok(Link::Leaky(PerElement::One(alpha)))
}

/// Lowers an elementwise operator.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<(), ImportError> {
    let values: Vec<Value> =
        (0..node.inputs.len()).filter_map(|i| lowering.optional(node, i).transpose()).collect::<Result<_, _>>()?;
    if values.iter().all(|v| matches!(v, Value::Constant(_))) {
        let tensors: Vec<Arc<Tensor>> =
            values.iter().filter_map(|v| if let Value::Constant(t) = v { Some(t.clone()) } else { None }).collect();
        let result = folded(node, &tensors)?;
        lowering.define(node, 0, Value::Constant(Arc::new(result)));
        return Ok(());
    }
    let real = match node.operation.as_str() {
        "Relu" => real(&values, 0)?.then(Link::AtLeast(PerElement::One(0.0))),
        "Clip" => clip(lowering, node, real(&values, 0)?)?,
        "LeakyRelu" => real(&values, 0)?.then(leaky(node)?),
        "Sigmoid" => real(&values, 0)?.then(Link::Curve(Curve::Sigmoid)),
        "Tanh" => real(&values, 0)?.then(Link::Curve(Curve::Tanh)),
        "Neg" => real(&values, 0)?.then(Link::Multiply(PerElement::One(-1.0))),
        "Cast" => cast(node, &values)?,
        "BatchNormalization" => normalization(lowering, node, real(&values, 0)?)?,
        "Mul" | "Add" | "Sub" | "Div" => binary(lowering, node, &values)?,
        _ => return Err(ImportError::new(format!("the operator `{}` is not supported", node.operation))),
    };
    lowering.layer(node, 0, Value::Real(real), Parameters::default(), None);
    Ok(())
}

fn real(values: &[Value], index: usize) -> Result<Real, ImportError> {
    match values.get(index) {
        Some(Value::Real(real)) => Ok(real.clone()),
        Some(Value::Pending(pending)) => Err(pending.refused("read by another operator than a quantizer")),
        Some(Value::Stored(stored)) => {
            Err(ImportError::new(format!("its input is {}, where floats are expected", stored.element.name())))
        }
        _ => Err(ImportError::new("its input is no tensor of floats that is computed")),
    }
}

fn cast(node: &Node, values: &[Value]) -> Result<Real, ImportError> {
    match values.first() {
        Some(Value::Stored(stored)) if node.int("to") == Some(1) && stored.zero == 0 => {
            Ok(Real::new(stored.node, stored.shape.clone(), Lead::steps(PerElement::One(1.0))))
        }
        Some(Value::Real(real)) if node.int("to") == Some(1) => Ok(real.clone()),
        _ => Err(ImportError::new("only casts of integers to floats of 32 bits are supported")),
    }
}

/// The least and the greatest value of a `Clip`.
pub(super) fn clip_limits(lowering: &Lowering, node: &Node) -> Result<(Option<f32>, Option<f32>), ImportError> {
    let limit = |index: usize, name: &str| -> Result<Option<f32>, ImportError> {
        match node.input(index) {
            Some(_) => Ok(lowering.floats(node, index)?.first().copied()),
            None => Ok(node.float(name)),
        }
    };
    let (lo, hi) = (limit(1, "min")?, limit(2, "max")?);
    if lo.zip(hi).is_some_and(|(lo, hi)| lo > hi) {
        return Err(ImportError::new("its least value is above its greatest"));
    }
    Ok((lo, hi))
}

fn clip(lowering: &Lowering, node: &Node, real: Real) -> Result<Real, ImportError> {
    let (lo, hi) = clip_limits(lowering, node)?;
    let real = lo.map_or(real.clone(), |lo| real.then(Link::AtLeast(PerElement::One(lo))));
    Ok(hi.map_or(real.clone(), |hi| real.then(Link::AtMost(PerElement::One(hi)))))
}

/// A normalization's scale, offset, mean and variance, each a number for each channel.
pub(super) fn statistics(lowering: &Lowering, node: &Node, shape: &[usize]) -> Result<[Vec<f32>; 4], ImportError> {
    let list = |i: usize| lowering.floats(node, i);
    let lists = [list(1)?, list(2)?, list(3)?, list(4)?];
    let channels = shape.get(1).copied().ok_or_else(|| ImportError::new("its input has no channels"))?;
    if lists.iter().any(|list| list.len() != channels) {
        return Err(ImportError::new("its parameters are not as many as the channels"));
    }
    if node.int("training_mode").unwrap_or(0) != 0 || node.int("spatial") == Some(0) {
        return Err(ImportError::new("it is in training mode, or not of channels"));
    }
    Ok(lists)
}

/// For each channel (a, b), by onnxruntime's arithmetic: x · a + b with a = scale / sqrt(variance + epsilon) by a reciprocal, b = bias − mean · a.
pub(super) fn normalization_lines(
    lowering: &Lowering,
    node: &Node,
    shape: &[usize],
) -> Result<Vec<(f32, f32)>, ImportError> {
    let lists = statistics(lowering, node, shape)?;
    let channels = lists[0].len();
    let epsilon = node.float("epsilon").unwrap_or(1e-5);
    let factor = |c: usize| (1.0 / (lists[3][c] + epsilon).sqrt()) * lists[0][c];
    let addend = |c: usize| lists[1][c] - lists[2][c] * factor(c);
    let pairs: Vec<(f32, f32)> = (0..channels).map(|c| (factor(c), addend(c))).collect();
    if pairs.iter().any(|(a, b)| !a.is_finite() || !b.is_finite()) {
        return Err(ImportError::new("its parameters leave the floats of 32 bits"));
    }
    Ok(pairs)
}

fn normalization(lowering: &Lowering, node: &Node, real: Real) -> Result<Real, ImportError> {
    let pairs = normalization_lines(lowering, node, &real.shape)?;
    let owners = super::linear::along(&real.shape, 1);
    let (a, b): (Vec<f32>, Vec<f32>) = owners.iter().map(|c| pairs[*c]).unzip();
    Ok(real.then(Link::MultiplyAdd(PerElement::of(a), PerElement::of(b))))
}

/// An operator on a computed tensor and a known one.
fn binary(lowering: &mut Lowering, node: &Node, values: &[Value]) -> Result<Real, ImportError> {
    let (value, tensor, swapped) = match values {
        [value @ Value::Real(_), Value::Constant(tensor)] => (value, tensor, false),
        [Value::Constant(tensor), value @ Value::Real(_)] => (value, tensor, true),
        [Value::Pending(pending), _] | [_, Value::Pending(pending)] => {
            return Err(pending.refused("read by another operator than a quantizer"));
        }
        _ => return Err(ImportError::new("it is supported for a tensor of floats and known numbers only")),
    };
    let floats = tensor.as_floats().filter(|f| f.iter().all(|v| v.is_finite()));
    let floats = floats.ok_or_else(|| ImportError::new("its known numbers are no finite floats of 32 bits"))?;
    let shape = broadcast(value.shape(), &tensor.shape)?;
    let constants = match floats {
        [one] => PerElement::One(*one),
        _ => PerElement::of(stretched(&tensor.shape, &shape).iter().map(|i| floats[*i]).collect()),
    };
    let mut real = real(std::slice::from_ref(value), 0)?;
    if shape != real.shape {
        let picks = stretched(&real.shape, &shape);
        let moved = super::movement::moved(lowering, node, &Value::Real(real), shape, Some(&picks))?;
        let Value::Real(stretched) = moved else { return Err(ImportError::new("its input is no tensor of floats")) };
        real = stretched;
    }
    let link = match (node.operation.as_str(), swapped) {
        ("Mul", _) => Link::Multiply(constants),
        ("Add", _) => Link::Add(constants),
        ("Sub", false) => Link::Subtract(constants),
        ("Sub", true) => Link::SubtractFrom(constants),
        ("Div", false) if constants.all(|c| *c != 0.0) => Link::Divide(constants),
        _ => return Err(ImportError::new("a quotient by what is computed, or by 0, is not supported")),
    };
    Ok(real.then(link))
}

/// An operator on known numbers.
fn folded(node: &Node, tensors: &[Arc<Tensor>]) -> Result<Tensor, ImportError> {
    let unknown = || ImportError::new(format!("the operator `{}` on known numbers is not supported", node.operation));
    let first = tensors.first().ok_or_else(unknown)?;
    if node.operation == "Cast" {
        return casted(node, first);
    }
    let [left, right] = tensors else {
        let floats = first.as_floats().ok_or_else(unknown)?;
        let apply: fn(f32) -> f32 = match node.operation.as_str() {
            "Neg" => |x| -x,
            "Sqrt" => f32::sqrt,
            "Abs" => f32::abs,
            "Relu" => |x| x.max(0.0),
            "Sign" => |x| {
                if x > 0.0 {
                    1.0
                } else if x < 0.0 {
                    -1.0
                } else {
                    0.0
                }
            },
            _ => return Err(unknown()),
        };
        return Ok(Tensor::floats(first.shape.clone(), floats.iter().map(|x| apply(*x)).collect()));
    };
    let shape = broadcast(&left.shape, &right.shape)?;
    let (a, b) = (stretched(&left.shape, &shape), stretched(&right.shape, &shape));
    match (&left.numbers, &right.numbers) {
        (Numbers::Floats(x), Numbers::Floats(y)) => {
            let apply: fn(f32, f32) -> f32 = match node.operation.as_str() {
                "Mul" => |x, y| x * y,
                "Add" => |x, y| x + y,
                "Sub" => |x, y| x - y,
                "Div" => |x, y| x / y,
                "Pow" => f32::powf,
                _ => return Err(unknown()),
            };
            Ok(Tensor::floats(shape, a.iter().zip(&b).map(|(i, j)| apply(x[*i], y[*j])).collect()))
        }
        (Numbers::Integers(x), Numbers::Integers(y)) => {
            let apply: fn(i64, i64) -> Option<i64> = match node.operation.as_str() {
                "Mul" => i64::checked_mul,
                "Add" => i64::checked_add,
                "Sub" => i64::checked_sub,
                "Div" => i64::checked_div,
                _ => return Err(unknown()),
            };
            let numbers: Option<Vec<i64>> = a.iter().zip(&b).map(|(i, j)| apply(x[*i], y[*j])).collect();
            Ok(Tensor::integers(shape, left.element, numbers.ok_or_else(unknown)?))
        }
        _ => Err(unknown()),
    }
}

fn casted(node: &Node, from: &Tensor) -> Result<Tensor, ImportError> {
    let unknown = || ImportError::new("this cast of known numbers is not supported");
    let to = node.int("to").and_then(|to| Element::of(to as i32)).ok_or_else(unknown)?;
    match (&from.numbers, to) {
        (Numbers::Integers(n), Element::Float) => {
            Ok(Tensor::floats(from.shape.clone(), n.iter().map(|v| *v as f32).collect()))
        }
        (Numbers::Integers(n), to) if !to.is_float() => {
            let (lo, hi) = to.limits();
            let fits = n.iter().all(|v| (lo..=hi).contains(v));
            fits.then(|| Tensor::integers(from.shape.clone(), to, n.clone())).ok_or_else(unknown)
        }
        (Numbers::Floats(n), Element::Float) => Ok(Tensor::floats(from.shape.clone(), n.clone())),
        (Numbers::Doubles(n), Element::Float) => {
            Ok(Tensor::floats(from.shape.clone(), n.iter().map(|v| *v as f32).collect()))
        }
        (Numbers::Floats(n), Element::Int64 | Element::Int32) if n.iter().all(|v| v.abs() < 1e9) => {
            Ok(Tensor::integers(from.shape.clone(), to, n.iter().map(|v| *v as i64).collect()))
        }
        _ => Err(unknown()),
    }
}
