//! `flatten`, `reshape`, `concat` and selections: the same elements in other places.

use super::super::super::Checked;
use super::super::super::constant::Constant;
use super::super::super::data::{ConstantTensor, PerElement};
use super::super::super::types::{Axis, MAX_ELEMENTS, Shape, count, plural, shape_text};
use super::super::{Builder, NetTensor, NetValue};
use crate::number_format::Format;
use num_traits::ToPrimitive;
use qnn_ir::interrupt::work;
use qnn_ir::real::NUMBER;
use qnn_ir::real::RealOp;
use qnn_ir::{NodeId, Op};
use qnn_syntax::Span;
use qnn_syntax::ast::{Call, Expr};

impl Builder<'_> {
    /// Of a tensor of the network, or of constants.
    pub(super) fn flatten(&mut self, call: &Call, span: Span) -> Checked<NetValue> {
        let [x] = self.positional(call, span)?;
        let value = self.layout_operand(&x.value)?;
        let shape = vec![Axis::of(count(shape_of(&value)))];
        Ok(reshaped(value, shape))
    }

    /// Of a tensor of the network, or of constants.
    pub(super) fn reshape(&mut self, call: &Call, span: Span) -> Checked<NetValue> {
        let [x, shape] = self.positional(call, span)?;
        let value = self.layout_operand(&x.value)?;
        let Constant::List(sizes) = self.constants(|e| e.eval(&shape.value))? else {
            return self.error("E0303", shape.value.span, "the new shape is a list of sizes", "write `[4, 7]`, say");
        };
        let mut axes = Vec::new();
        for size in sizes.iter() {
            let size = match size {
                Constant::Number(n) => n.is_integer().then(|| n.to_integer().to_usize()).flatten(),
                _ => None,
            };
            match size {
                Some(size) if size >= 1 => axes.push(Axis::of(size)),
                _ => {
                    return self.error(
                        "E0303",
                        shape.value.span,
                        "the new shape is a list of sizes",
                        "sizes are 1 or more",
                    );
                }
            }
        }
        let old = shape_of(&value);
        let total = axes.iter().try_fold(1usize, |n, axis| n.checked_mul(axis.size));
        if total != Some(count(old)) {
            return self.error(
                "E0301",
                span,
                format!("{} elements can't be reshaped to {}", count(old), shape_text(self.db(), &axes)),
                format!("has the shape {}", shape_text(self.db(), old)),
            );
        }
        Ok(reshaped(value, axes))
    }

    /// A tensor of the network or of constants, whose elements are put elsewhere.
    pub(super) fn layout_operand(&mut self, expr: &Expr) -> Checked<NetValue> {
        match self.eval(expr)? {
            NetValue::Tensor(tensor) => Ok(NetValue::Tensor(tensor)),
            other => self.constant_tensor(other, expr.span).map(NetValue::ConstantTensor),
        }
    }

    /// Elements by index ranges of the axes; axes beyond the given ones are kept whole.
    pub(in crate::check::network) fn select(
        &mut self,
        x: &NetTensor,
        ranges: &[(usize, usize, bool)],
        span: Span,
    ) -> Checked<NetTensor> {
        let (indices, shape) = pick_indices(&x.shape, ranges);
        let picks: Vec<(NodeId, u32)> = indices.iter().inspect(|_| work(1)).map(|i| (x.node, *i as u32)).collect();
        let scale = x.scale.pick(indices.into_iter());
        let node = self.gather(picks, span)?;
        Ok(NetTensor { node, shape, scale, format: uniform_format(&x.format) })
    }

    pub(in crate::check::network) fn concat(&mut self, call: &Call, span: Span) -> Checked<NetTensor> {
        let options = self.arguments(call)?;
        let axis = self.size_option(&options, "axis")?.unwrap_or(0);
        let arguments = options.positional;
        let parts: Vec<NetTensor> = arguments.iter().map(|e| self.tensor(e)).collect::<Checked<_>>()?;
        let Some(first) = parts.first() else {
            return self.error("E0303", span, "write `concat(x, y, axis = 0)`", plural(0, "argument"));
        };
        let fits = |part: &NetTensor| {
            part.shape.len() == first.shape.len()
                && axis < part.shape.len()
                && part.shape.iter().zip(&first.shape).enumerate().all(|(i, (a, b))| i == axis || a.size == b.size)
        };
        if let Some(bad) = parts.iter().position(|part| !fits(part)) {
            return self.error(
                "E0301",
                arguments[bad].span,
                format!(
                    "{} can't be joined to {} along axis {axis}",
                    shape_text(self.db(), &parts[bad].shape),
                    shape_text(self.db(), &first.shape)
                ),
                "the other axes must agree",
            );
        }
        let outer: usize = count(&first.shape[..axis]);
        let inner: Vec<usize> = parts.iter().map(|p| count(&p.shape[axis..])).collect();
        let (mut picks, mut all_scales) = (Vec::new(), Vec::new());
        for o in 0..outer {
            for (part, inner) in parts.iter().zip(&inner) {
                for i in o * inner..(o + 1) * inner {
                    work(NUMBER);
                    picks.push((part.node, i as u32));
                    all_scales.push(part.scale.get(i).clone());
                }
            }
        }
        if picks.len() > MAX_ELEMENTS {
            return self.error("E0313", span, format!("this has more than {MAX_ELEMENTS} elements"), "too large");
        }
        let mut shape = first.shape.clone();
        shape[axis] = Axis::of(parts.iter().map(|p| p.shape[axis].size).sum());
        let format = match uniform_format(&first.format) {
            Some(format) if parts.iter().all(|p| p.format.as_ref() == Some(&format)) => Some(format),
            _ => None,
        };
        let node = self.gather(picks, span)?;
        Ok(NetTensor { node, shape, scale: PerElement::from_each(all_scales), format })
    }

    pub(in crate::check::network) fn gather(&mut self, picks: Vec<(NodeId, u32)>, span: Span) -> Checked<NodeId> {
        match self.real {
            Some(_) => self.push_real(
                RealOp::Gather(picks.iter().inspect(|_| work(1)).map(|(node, i)| (node.index(), *i)).collect()),
                span,
            ),
            None => self.push(Op::Gather { picks: picks.into() }, span),
        }
    }
}

/// The axes of a tensor of the network or of constants.
fn shape_of(value: &NetValue) -> &[Axis] {
    match value {
        NetValue::Tensor(tensor) => &tensor.shape,
        NetValue::ConstantTensor(tensor) => &tensor.shape,
        _ => &[],
    }
}

/// The same elements with other axes.
fn reshaped(value: NetValue, shape: Shape) -> NetValue {
    match value {
        NetValue::Tensor(x) => NetValue::Tensor(NetTensor { shape, format: uniform_format(&x.format), ..x }),
        NetValue::ConstantTensor(tensor) => {
            NetValue::ConstantTensor(ConstantTensor { shape, format: uniform_format(&tensor.format), ..tensor })
        }
        other => other,
    }
}

/// A per-channel format belongs to its tensor's first axis: elements moved elsewhere are exact numbers.
pub(in crate::check::network) fn uniform_format(format: &Option<Format>) -> Option<Format> {
    format.clone().filter(|format| format.channels() == 1)
}

/// The row-major indices that a selection picks, and the shape that is left.
pub fn pick_indices(shape: &[Axis], ranges: &[(usize, usize, bool)]) -> (Vec<usize>, Shape) {
    let mut indices = vec![0usize];
    let mut left = Vec::new();
    for (a, axis) in shape.iter().enumerate() {
        let (start, end, drop) = ranges.get(a).copied().unwrap_or((0, axis.size, false));
        indices = indices
            .iter()
            .inspect(|_| work(end - start))
            .flat_map(|i| (start..end).map(move |j| i * axis.size + j))
            .collect();
        if !drop {
            let labels = axis.labels.filter(|_| end - start == axis.size);
            left.push(Axis { size: end - start, labels });
        }
    }
    (indices, left)
}
