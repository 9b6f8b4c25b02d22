//! `max_pool2d` and `avg_pool2d`.

use super::super::super::Checked;
use super::super::super::data::{ConstantTensor, PerElement};
use super::super::super::types::Axis;
use super::super::{Builder, NetTensor, Parameters};
use super::conv2d::{positions, window_count};
use num_traits::One;
use qnn_ir::interrupt::work;
use qnn_ir::rational::integer;
use qnn_ir::real::RealOp;
use qnn_ir::{Op, Rational};
use qnn_syntax::Span;
use qnn_syntax::ast::Call;
use std::sync::Arc;

impl Builder<'_> {
    pub(super) fn max_pool2d(&mut self, call: &Call, span: Span) -> Checked<NetTensor> {
        self.pool2d(call, span, true)
    }

    pub(super) fn avg_pool2d(&mut self, call: &Call, span: Span) -> Checked<NetTensor> {
        self.pool2d(call, span, false)
    }

    fn pool2d(&mut self, call: &Call, span: Span, max: bool) -> Checked<NetTensor> {
        let name = &*call.callee.text;
        let (arguments, named) = self.options(call)?;
        let [input, size] = arguments.as_slice() else {
            return self.wrong_arguments(call, span);
        };
        let x = self.tensor(input)?;
        let size = self.constants(|e| e.size(size))?;
        let (stride, padding) = (named[0].unwrap_or(size), named[1].unwrap_or(0));
        let (channels, height, width) = self.image(&x, input.span)?;
        let counts = (window_count(height, size, stride, padding), window_count(width, size, stride, padding));
        let (Some(out_h), Some(out_w)) = counts else {
            return self.error(
                "E0301",
                span,
                format!("windows of {size}×{size} with stride {stride} do not fit a {height}×{width} image"),
                "a window and a stride are at least 1, and no larger than the image",
            );
        };
        if padding >= size {
            return self.error(
                "E0301",
                span,
                format!("padding {padding} is as large as the window"),
                "a window of padding alone",
            );
        }
        self.limit(&[channels, out_h, out_w], &[size, size], span)?;
        let mut windows: Vec<Vec<u32>> = Vec::with_capacity(channels * out_h * out_w);
        for c in 0..channels {
            for (y, z) in positions(out_h, out_w) {
                work(4 * size * size);
                let inside = positions(size, size).filter_map(|(ky, kx)| {
                    let (iy, ix) = ((y * stride + ky).checked_sub(padding)?, (z * stride + kx).checked_sub(padding)?);
                    (iy < height && ix < width).then(|| ((c * height + iy) * width + ix) as u32)
                });
                windows.push(inside.collect());
            }
        }
        let shape = vec![Axis::of(channels), Axis::of(out_h), Axis::of(out_w)];
        let result = if max {
            let uneven = windows
                .iter()
                .inspect(|w| work(w.len()))
                .any(|w| w.iter().any(|i| x.scale.get(*i as usize) != x.scale.get(w[0] as usize)));
            if uneven {
                return self.error(
                    "E0301",
                    span,
                    "a window's elements have different scales",
                    "cast to one format first",
                );
            }
            let scale = x.scale.pick(windows.iter().map(|w| w[0] as usize));
            let windows: Arc<[Box<[u32]>]> = windows.into_iter().map(Vec::into_boxed_slice).collect();
            let node = match self.real {
                Some(_) => self.push_real(RealOp::Max { source: x.node.index(), windows }, span)?,
                None => self.push(Op::Max { source: x.node, windows }, span)?,
            };
            let format = x.format.clone();
            NetTensor { node, shape, scale, format }
        } else {
            // The mean over the window's full size: padding counts as zeros.
            let weight = ConstantTensor {
                shape: Vec::new(),
                numbers: Arc::new([1]),
                scale: PerElement::All(Rational::one() / integer((size * size) as i128)),
                format: None,
                saturated: 0,
                exact: None,
            };
            let each = windows.into_iter().inspect(|w| work(1 + w.len()));
            let rows = each.map(|w| w.into_iter().map(|i| (i, 0)).collect()).collect();
            self.affine(&x, rows, &weight, None, &|row| row, shape, span, span)?
        };
        self.layer(format!("{name} {size}×{size}"), &result, Parameters::default(), span);
        Ok(result)
    }
}
