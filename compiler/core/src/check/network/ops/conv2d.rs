//! `conv2d`: cross-correlation, written out as a sparse matrix.

use super::super::super::Checked;
use super::super::super::types::{Axis, MAX_ELEMENTS, shape_text};
use super::super::{Builder, NetTensor, Parameters};
use crate::diagnostic::Diagnostic;
use qnn_ir::interrupt::work;
use qnn_ir::real::Row;
use qnn_syntax::Span;
use qnn_syntax::ast::Call;

/// The most weights of one layer, after a convolution is written out.
const MAX_WEIGHTS: usize = 1 << 26;

impl Builder<'_> {
    pub(in crate::check::network) fn conv2d(&mut self, call: &Call, span: Span) -> Checked<NetTensor> {
        let (arguments, named) = self.options(call)?;
        let Some((input, rest)) = arguments.split_first() else {
            return self.wrong_arguments(call, span);
        };
        let (stride, padding, groups) = (named[0].unwrap_or(1), named[1].unwrap_or(0), named[2].unwrap_or(1));
        let x = self.tensor(input)?;
        let (weight, bias) = self.weights(call, rest, span)?;
        let (channels, height, width) = self.image(&x, input.span)?;
        let [out, per_group, kernel_h, kernel_w] = weight.shape.iter().map(|axis| axis.size).collect::<Vec<_>>()[..]
        else {
            return self.error(
                "E0301",
                rest[0].span,
                format!(
                    "conv2d weights have four axes, [out, in / groups, height, width], not {}",
                    shape_text(self.db(), &weight.shape)
                ),
                "not a convolution's weights",
            );
        };
        if stride == 0 || groups == 0 || channels % groups != 0 || out % groups != 0 {
            return self.error(
                "E0301",
                span,
                format!("stride {stride} and groups {groups} don't go with {channels} input and {out} output channels"),
                "a stride is at least 1, and groups divide both numbers of channels",
            );
        }
        if per_group * groups != channels {
            return self.report(
                Diagnostic::error(
                    "E0301",
                    format!("these weights take {} input channels, not {channels}", per_group * groups),
                    self.place(input.span),
                    format!("has the shape {}", shape_text(self.db(), &x.shape)),
                )
                .label(self.place(rest[0].span), format!("has the shape {}", shape_text(self.db(), &weight.shape))),
            );
        }
        let (out_h, out_w) =
            (window_count(height, kernel_h, stride, padding), window_count(width, kernel_w, stride, padding));
        let (Some(out_h), Some(out_w)) = (out_h, out_w) else {
            return self.error(
                "E0301",
                span,
                format!("a {kernel_h}×{kernel_w} kernel does not fit a {height}×{width} image with padding {padding}"),
                "larger than its image",
            );
        };
        self.limit(&[out, out_h, out_w], &[per_group, kernel_h, kernel_w], span)?;
        let mut rows: Vec<Row> = Vec::with_capacity(out * out_h * out_w);
        for o in 0..out {
            let first_channel = o / (out / groups) * per_group;
            for (y, z) in positions(out_h, out_w) {
                work(4 * per_group * kernel_h * kernel_w);
                let mut row = Vec::with_capacity(per_group * kernel_h * kernel_w);
                for c in 0..per_group {
                    for (ky, kx) in positions(kernel_h, kernel_w) {
                        let (iy, ix) = (y * stride + ky, z * stride + kx);
                        // Padding holds the value 0: it adds nothing.
                        if iy < padding || ix < padding || iy - padding >= height || ix - padding >= width {
                            continue;
                        }
                        let column = ((first_channel + c) * height + iy - padding) * width + ix - padding;
                        let index = ((o * per_group + c) * kernel_h + ky) * kernel_w + kx;
                        row.push((column as u32, index as u32));
                    }
                }
                rows.push(row);
            }
        }
        let shape = vec![Axis::of(out), Axis::of(out_h), Axis::of(out_w)];
        let bias_span = rest.last().map_or(span, |e| e.span);
        let result =
            self.affine(&x, rows, &weight, bias.as_ref(), &|row| row / (out_h * out_w), shape, bias_span, span)?;
        let parameters = Parameters::of(&weight, bias.as_ref());
        let text = format!("conv2d {channels} → {out}, {kernel_h}×{kernel_w}");
        self.layer(text, &result, parameters, span);
        Ok(result)
    }

    pub(in crate::check::network) fn image(&self, x: &NetTensor, span: Span) -> Checked<(usize, usize, usize)> {
        match x.shape.as_slice() {
            [c, h, w] => Ok((c.size, h.size, w.size)),
            [h, w] => self.report(
                Diagnostic::error(
                    "E0301",
                    format!(
                        "an image has three axes, [channels, height, width], not {}",
                        shape_text(self.db(), &x.shape)
                    ),
                    self.place(span),
                    "one axis is missing",
                )
                .help(format!("add the channel: `reshape(x, [1, {}, {}])`", h.size, w.size)),
            ),
            _ => self.error(
                "E0301",
                span,
                format!("an image has three axes, [channels, height, width], not {}", shape_text(self.db(), &x.shape)),
                "not an image",
            ),
        }
    }

    /// Refuses layers with too many outputs or weights.
    pub(in crate::check::network) fn limit(&self, outputs: &[usize], each: &[usize], span: Span) -> Checked<()> {
        let outputs = outputs.iter().try_fold(1usize, |n, s| n.checked_mul(*s)).filter(|n| *n <= MAX_ELEMENTS);
        let total = outputs.and_then(|n| each.iter().try_fold(n, |n, s| n.checked_mul(*s)));
        match total {
            Some(total) if total <= MAX_WEIGHTS => Ok(()),
            _ => self.error("E0313", span, format!("this layer has more than {MAX_WEIGHTS} products"), "too large"),
        }
    }
}

/// The number of windows along an axis.
pub(in crate::check::network) fn window_count(
    size: usize,
    window: usize,
    stride: usize,
    padding: usize,
) -> Option<usize> {
    let padded = padding.checked_mul(2)?.checked_add(size)?;
    if window == 0 || stride == 0 || window > padded { None } else { Some((padded - window) / stride + 1) }
}

/// All (row, column) positions, row by row.
pub(in crate::check::network) fn positions(height: usize, width: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..height).flat_map(move |y| (0..width).map(move |x| (y, x)))
}
