//! What a tensor of a file is while its network is built.
//!
//! Integers are nodes of the graph. Floats are kept as what they are computed from: a node's integers, how these become floats, and the elementwise
//! operators since. Nothing is rounded here; [`super::thresholds`] evaluates floats where they become integers again.

use super::model::Node;
use super::tensor::{Element, Parameters, Tensor};
use crate::ImportError;
use qnn_ir::NodeId;
use std::sync::Arc;

/// One number for all elements, or one for each.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum PerElement<T> {
    One(T),
    Each(Arc<[T]>),
}

impl<T: Clone + PartialEq> PerElement<T> {
    /// One for all, if they are all the same.
    pub(super) fn of(each: Vec<T>) -> PerElement<T> {
        match each.first() {
            Some(first) if each.iter().all(|v| v == first) => PerElement::One(first.clone()),
            _ => PerElement::Each(each.into()),
        }
    }

    pub(super) fn at(&self, element: usize) -> &T {
        match self {
            PerElement::One(value) => value,
            PerElement::Each(values) => &values[element],
        }
    }

    /// Those of the elements at `picks`.
    pub(super) fn pick(&self, picks: &[usize]) -> PerElement<T> {
        match self {
            PerElement::One(value) => PerElement::One(value.clone()),
            PerElement::Each(values) => PerElement::of(picks.iter().map(|i| values[*i].clone()).collect()),
        }
    }

    /// All of them, for `len` elements.
    pub(super) fn list(&self, len: usize) -> Vec<T> {
        (0..len).map(|i| self.at(i).clone()).collect()
    }

    pub(super) fn all(&self, holds: impl Fn(&T) -> bool) -> bool {
        match self {
            PerElement::One(value) => holds(value),
            PerElement::Each(values) => values.iter().all(holds),
        }
    }
}

/// A tensor of integers: what the file calls x is the node's integer plus `zero`.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) node: NodeId,
    pub(super) shape: Vec<usize>,
    pub(super) element: Element,
    pub(super) zero: i64,
    /// The value of one step, where an operator has said it.
    pub(super) scale: Option<f32>,
}

/// How a node's integers become floats: (integer · step) / divisor + offset, rounded to 32 bits, and at most `slack` away from that before it is
/// rounded. Where the slack is 0, doubles hold the sum exactly, or a division alone rounds it.
#[derive(Clone, Debug)]
pub(super) struct Lead {
    pub(super) step: PerElement<f64>,
    pub(super) divisor: f64,
    pub(super) offset: PerElement<f64>,
    pub(super) slack: PerElement<f64>,
}

impl Lead {
    /// integer · step, rounded once.
    pub(super) fn steps(step: PerElement<f64>) -> Lead {
        Lead { step, divisor: 1.0, offset: PerElement::One(0.0), slack: PerElement::One(0.0) }
    }

    /// Whether the integers are multiples of the value, but for its rounding.
    pub(super) fn is_plain(&self) -> bool {
        self.offset.all(|v| *v == 0.0)
    }

    fn pick(&self, picks: &[usize]) -> Lead {
        Lead {
            step: self.step.pick(picks),
            divisor: self.divisor,
            offset: self.offset.pick(picks),
            slack: self.slack.pick(picks),
        }
    }
}

/// A function that is computed in a float's own arithmetic to within a bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Curve {
    Sigmoid,
    Tanh,
}

/// An elementwise operator on floats of 32 bits. Each is monotone, rounding included.
#[derive(Clone, Debug)]
pub(super) enum Link {
    Multiply(PerElement<f32>),
    Divide(PerElement<f32>),
    Add(PerElement<f32>),
    /// x − c.
    Subtract(PerElement<f32>),
    /// c − x.
    SubtractFrom(PerElement<f32>),
    /// x · a + b.
    MultiplyAdd(PerElement<f32>, PerElement<f32>),
    AtLeast(PerElement<f32>),
    AtMost(PerElement<f32>),
    /// x where it is at least 0, else x · alpha.
    Leaky(PerElement<f32>),
    Curve(Curve),
}

impl Link {
    fn pick(&self, picks: &[usize]) -> Link {
        match self {
            Link::Multiply(c) => Link::Multiply(c.pick(picks)),
            Link::Divide(c) => Link::Divide(c.pick(picks)),
            Link::Add(c) => Link::Add(c.pick(picks)),
            Link::Subtract(c) => Link::Subtract(c.pick(picks)),
            Link::SubtractFrom(c) => Link::SubtractFrom(c.pick(picks)),
            Link::MultiplyAdd(a, b) => Link::MultiplyAdd(a.pick(picks), b.pick(picks)),
            Link::AtLeast(c) => Link::AtLeast(c.pick(picks)),
            Link::AtMost(c) => Link::AtMost(c.pick(picks)),
            Link::Leaky(c) => Link::Leaky(c.pick(picks)),
            Link::Curve(curve) => Link::Curve(*curve),
        }
    }

    /// Its constants.
    pub(super) fn constants(&self) -> Vec<&PerElement<f32>> {
        match self {
            Link::MultiplyAdd(a, b) => vec![a, b],
            Link::Multiply(c)
            | Link::Divide(c)
            | Link::Add(c)
            | Link::Subtract(c)
            | Link::SubtractFrom(c)
            | Link::AtLeast(c)
            | Link::AtMost(c)
            | Link::Leaky(c) => vec![c],
            Link::Curve(_) => Vec::new(),
        }
    }

    /// 1 if it never falls at an element, −1 if it never rises.
    pub(super) fn direction(&self, element: usize) -> i64 {
        match self {
            Link::Multiply(c) | Link::Divide(c) | Link::MultiplyAdd(c, _) if *c.at(element) < 0.0 => -1,
            Link::SubtractFrom(_) => -1,
            _ => 1,
        }
    }
}

/// Integers of a quantizer of QONNX.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Format {
    pub(super) width: u32,
    pub(super) signed: bool,
    /// The least integer is not used.
    pub(super) symmetric: bool,
    pub(super) zero: i64,
}

/// A tensor of floats of 32 bits.
#[derive(Clone, Debug)]
pub(super) struct Real {
    pub(super) node: NodeId,
    pub(super) shape: Vec<usize>,
    pub(super) lead: Lead,
    pub(super) links: Vec<Link>,
    /// How the node's integers are stored, where the tensor is a quantized one's values.
    pub(super) stored: Option<(Element, i64, f32)>,
    /// How a quantizer of QONNX stores it.
    pub(super) format: Option<Format>,
    /// It is an input of the file, whose integers are those that its quantizer makes.
    pub(super) port: bool,
}

impl Real {
    /// Floats of a node by `lead` alone.
    pub(super) fn new(node: NodeId, shape: Vec<usize>, lead: Lead) -> Real {
        Real { node, shape, lead, links: Vec::new(), stored: None, format: None, port: false }
    }

    /// The same after another operator.
    pub(super) fn then(mut self, link: Link) -> Real {
        self.links.push(link);
        (self.stored, self.format, self.port) = (None, None, false);
        self
    }

    /// The elements at `picks`, whose integers `node` holds.
    pub(super) fn pick(&self, node: NodeId, shape: Vec<usize>, picks: &[usize]) -> Real {
        Real {
            node,
            shape,
            lead: self.lead.pick(picks),
            links: self.links.iter().map(|link| link.pick(picks)).collect(),
            stored: self.stored,
            format: self.format,
            port: self.port,
        }
    }

    /// 1 if the floats never fall as the element's integer grows, −1 if they never rise.
    pub(super) fn direction(&self, element: usize) -> i64 {
        self.links.iter().map(|link| link.direction(element)).product()
    }
}

/// How a quantized tensor is scaled: one number, and its zero point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    pub(super) scale: f32,
    pub(super) zero: i64,
    pub(super) element: Element,
}

/// An operand: a node, or known numbers.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    Node(NodeId, Vec<usize>),
    Known(Arc<Tensor>),
}

/// A float operator whose quantizer is to come.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) node: Arc<Node>,
    pub(super) shape: Vec<usize>,
    pub(super) kind: Kind,
}

/// What it computes.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// Sums of products, and the product of the scales of each.
    Sums {
        node: NodeId,
        products: PerElement<f32>,
        parameters: Parameters,
    },
    Add((Operand, Operand), (Scale, Scale)),
    Multiply((Operand, Operand), (Scale, Scale)),
    Mean {
        x: Stored,
        from: Scale,
        global: bool,
    },
}

impl Pending {
    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Why it can't be what it is used for.
    pub(super) fn refused(&self, used: &str) -> ImportError {
        let node = self.node.clone();
        ImportError::new(format!(
            "its result is {used}, so that onnxruntime computes it in floats, whose sums depend on the machine: it is no integer operator"
        ))
        .help("quantize its result: `QuantizeLinear` (and `DequantizeLinear`) right behind it")
        .of(move || node.described())
    }
}

/// The exponent of the lowest bit of a float; `None` of 0.
pub(super) fn lowest_bit(value: f64) -> Option<i32> {
    if value == 0.0 || !value.is_finite() {
        return None;
    }
    let bits = value.to_bits();
    let (exponent, fraction) = ((bits >> 52 & 0x7ff) as i32, bits & ((1 << 52) - 1));
    match exponent {
        0 => Some(fraction.trailing_zeros() as i32 - 1074),
        _ => Some((fraction | 1 << 52).trailing_zeros() as i32 + exponent - 1075),
    }
}

/// What a tensor is.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Constant(Arc<Tensor>),
    Stored(Stored),
    Real(Real),
    /// Sums of floats of which only the quantized result is known: what onnxruntime fuses with the quantizer behind it.
    Pending(Pending),
    /// What an operator at the end, which is left out, was given.
    LeftOut(Box<Value>),
}

impl Value {
    /// The shape; of what is left out, that of what it was given.
    pub(super) fn shape(&self) -> &[usize] {
        match self {
            Value::Constant(tensor) => &tensor.shape,
            Value::Stored(stored) => &stored.shape,
            Value::Real(real) => &real.shape,
            Value::Pending(pending) => pending.shape(),
            Value::LeftOut(value) => value.shape(),
        }
    }
}
