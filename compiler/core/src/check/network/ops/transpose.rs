//! `transpose`: the same elements, with their axes in another order.

use super::super::super::Checked;
use super::super::super::constant::Constant;
use super::super::super::types::{Shape, count};
use super::super::{Builder, NetTensor, NetValue};
use super::constants::picked;
use super::layout::uniform_format;
use num_traits::ToPrimitive;
use qnn_ir::NodeId;
use qnn_ir::interrupt::work;
use qnn_syntax::Span;
use qnn_syntax::ast::{Argument, Call};

impl Builder<'_> {
    /// Of a tensor of the network, or of constants.
    pub(super) fn transpose(&mut self, call: &Call, span: Span) -> Checked<NetValue> {
        let (input, order) = match call.arguments.as_slice() {
            [input] if input.name.is_none() => (input, None),
            [input, order] if input.name.is_none() && order.name.is_none() => (input, Some(order)),
            _ => return self.wrong_arguments(call, span),
        };
        match self.layout_operand(&input.value)? {
            NetValue::Tensor(x) => {
                let order = self.order(&x.shape, order)?;
                let (indices, shape) = transposed(&x.shape, &order);
                let picks: Vec<(NodeId, u32)> = indices.iter().map(|i| (x.node, *i as u32)).collect();
                let node = self.gather(picks, span)?;
                let scale = x.scale.pick(indices.into_iter());
                Ok(NetValue::Tensor(NetTensor { node, shape, scale, format: uniform_format(&x.format) }))
            }
            other => {
                let tensor = self.constant_tensor(other, input.value.span)?;
                let order = self.order(&tensor.shape, order)?;
                let (indices, shape) = transposed(&tensor.shape, &order);
                Ok(NetValue::ConstantTensor(picked(&tensor, &indices, shape)))
            }
        }
    }

    /// The axes in their new order; without one, reversed.
    fn order(&self, shape: &Shape, order: Option<&Argument>) -> Checked<Vec<usize>> {
        let Some(order) = order else { return Ok((0..shape.len()).rev().collect()) };
        let axes = match self.constants(|e| e.eval(&order.value))? {
            Constant::List(axes) => axes
                .iter()
                .map(|axis| match axis {
                    Constant::Number(n) if n.is_integer() => n.to_integer().to_usize(),
                    _ => None,
                })
                .collect::<Option<Vec<usize>>>(),
            _ => None,
        };
        let names_each = |axes: &Vec<usize>| axes.len() == shape.len() && (0..shape.len()).all(|a| axes.contains(&a));
        match axes.filter(names_each) {
            Some(axes) => Ok(axes),
            None => self.error(
                "E0303",
                order.value.span,
                format!("the new order is a list of the axes, 0 to {}, each once", shape.len().saturating_sub(1)),
                "write `[1, 0]`, say, for a matrix",
            ),
        }
    }
}

/// The row-major indices of the elements in their new order, and the new axes.
fn transposed(shape: &Shape, order: &[usize]) -> (Vec<usize>, Shape) {
    let mut indices = vec![0];
    for axis in order {
        let (size, stride) = (shape[*axis].size, count(&shape[axis + 1..]));
        let along = |index: &usize| {
            work(size);
            let index = *index;
            (0..size).map(move |i| index + i * stride)
        };
        indices = indices.iter().flat_map(along).collect();
    }
    (indices, order.iter().map(|axis| shape[*axis].clone()).collect())
}
