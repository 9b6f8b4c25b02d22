//! `conv2d` and `conv1d`: cross-correlation, written out as a sparse matrix.

use super::super::super::Checked;
use super::super::super::types::{Axis, plural, shape_text};
use super::super::{Builder, NetTensor, Parameters};
use super::affine::{LayerWeights, Rows};
use super::kernel_layout::{Guess, guess};
use super::options::path_text;
use super::plane::{Image, Plane, Space, size_text};
use super::window::Misfit;
use crate::diagnostic::Diagnostic;
use qnn_ir::interrupt::work;
use qnn_ir::real::Row;
use qnn_syntax::Span;
use qnn_syntax::ast::{Call, Expr};

/// The sizes of a convolution's weights.
struct Kernel<'k> {
    out: usize,
    groups: usize,
    /// The input channels of a group.
    inner: usize,
    /// Along each axis of the space.
    taps: &'k [usize],
}

/// What a convolution is made of, for messages.
struct Parts<'e> {
    input: &'e Expr,
    weights: &'e Expr,
    x: &'e NetTensor,
    layer: &'e LayerWeights,
    groups: usize,
    span: Span,
}

impl Builder<'_> {
    pub(super) fn conv2d(&mut self, call: &Call, span: Span) -> Checked<NetTensor> {
        self.conv(call, Space::Plane, span)
    }

    pub(super) fn conv1d(&mut self, call: &Call, span: Span) -> Checked<NetTensor> {
        self.conv(call, Space::Line, span)
    }

    fn conv(&mut self, call: &Call, space: Space, span: Span) -> Checked<NetTensor> {
        let arguments = self.arguments(call)?;
        let Some((input, rest)) = arguments.positional.split_first() else {
            return self.wrong_arguments(call, span);
        };
        let x = self.tensor(input)?;
        let layer = self.weights(call, rest, span)?;
        let image = self.image(&x, space, input)?;
        let groups = self.size_option(&arguments, "groups")?.unwrap_or(1);
        let parts = Parts { input, weights: rest[0], x: &x, layer: &layer, groups, span };
        let LayerWeights { weight, bias, .. } = &layer;
        let sizes: Vec<usize> = weight.shape.iter().map(|axis| axis.size).collect();
        let kernel = self.kernel(&parts, &sizes, image.channels, space)?;
        let ones = vec![1; kernel.taps.len()];
        let plane = match self.plane(image, kernel.taps, space, &arguments, &ones)? {
            Ok(plane) => plane,
            Err(misfit) => {
                let diagnostic = self.misfit(misfit, span);
                let too_large = matches!(misfit, Misfit::TooLarge { .. });
                return self.report(if too_large { self.suggest_layout(diagnostic, &parts) } else { diagnostic });
            }
        };
        let taps: usize = kernel.taps.iter().product();
        self.limit(&[kernel.out, plane.rows.count, plane.columns.count], &[kernel.inner, taps], span)?;
        let rows = rows(image, &kernel, &plane);
        let windows = plane.count();
        let rows = Rows { rows, bias_of: &|row| row / windows, shape: plane.shape(kernel.out) };
        let bias_span = rest.last().map_or(span, |e| e.span);
        let result = self.affine(&x, rows, weight, bias.as_ref().map(|bias| (bias, bias_span)), span)?;
        let parameters = Parameters::of(weight, bias.as_ref());
        let text = format!("{} {} → {}, {}", call.callee.text, image.channels, kernel.out, size_text(kernel.taps));
        self.layer(text, &result, parameters, span);
        Ok(result)
    }

    /// The sizes of the weights, which must go with the channels.
    fn kernel<'k>(&self, parts: &Parts<'_>, sizes: &'k [usize], channels: usize, space: Space) -> Checked<Kernel<'k>> {
        let groups = parts.groups;
        if groups == 0 {
            return self.error("E0303", parts.span, "a convolution has 1 group or more", "`groups` is 0");
        }
        let (out, inner, taps) = match sizes {
            &[out, inner, ref taps @ ..] if taps.len() == space.axes().len() => (out, inner, taps),
            _ => {
                return self.error(
                    "E0301",
                    parts.weights.span,
                    format!(
                        "these weights have the axes [out, in / groups, {}], not {}",
                        space.axes().join(", "),
                        shape_text(self.db(), &parts.layer.weight.shape)
                    ),
                    "not a convolution's weights",
                );
            }
        };
        if inner.checked_mul(groups) != Some(channels) {
            let takes = inner.saturating_mul(groups);
            let diagnostic = Diagnostic::error(
                "E0301",
                match groups {
                    1 => format!("these weights take {}, not {channels}", plural(takes, "input channel")),
                    _ => format!(
                        "these weights take {} in {groups} groups, not {channels}",
                        plural(takes, "input channel")
                    ),
                },
                self.place(parts.input.span),
                format!("has the shape {}", shape_text(self.db(), &parts.x.shape)),
            )
            .label(
                self.place(parts.weights.span),
                format!("has the shape {}", shape_text(self.db(), &parts.layer.weight.shape)),
            );
            return self.report(self.suggest_layout(diagnostic, parts));
        }
        if out % groups != 0 {
            let diagnostic = Diagnostic::error(
                "E0301",
                format!("{} can't be divided into {groups} groups", plural(out, "output channel")),
                self.place(parts.span),
                "groups divide both numbers of channels",
            );
            return self.report(self.suggest_layout(diagnostic, parts));
        }
        Ok(Kernel { out, groups, inner, taps })
    }

    /// Says how image and weights seem to be stored, and how they are turned.
    fn suggest_layout(&self, diagnostic: Diagnostic, parts: &Parts<'_>) -> Diagnostic {
        let sizes = |shape: &[Axis]| shape.iter().map(|axis| axis.size).collect::<Vec<usize>>();
        let weights = sizes(&parts.layer.weight.shape);
        let Some(Guess { channels_last, kernel, groups }) = guess(&sizes(&parts.x.shape), &weights, parts.groups)
        else {
            return diagnostic;
        };
        let mut said = Vec::new();
        // What stands for both arguments then, where paths name them.
        let (mut input, mut argument) = (path_text(parts.input), path_text(parts.weights));
        if channels_last {
            let (axes, order) = match weights.len() {
                3 => ("[length, channels]", "[1, 0]"),
                _ => ("[height, width, channels]", "[2, 0, 1]"),
            };
            let text = format!("transpose({}, {order})", input.as_deref().unwrap_or("…"));
            said.push(format!("the input looks like {axes}: write `{text}`"));
            input = input.map(|_| text);
        }
        if !kernel.is_wanted() {
            let name = parts.layer.path.as_deref();
            let text = kernel.text(name.unwrap_or("…"), &weights);
            said.push(format!(
                "the weights look like {}, as {} have them: write `{text}`",
                kernel.axes, kernel.used_by
            ));
            // Of a group, the weight is turned by itself, and the bias stands beside it.
            let bias = argument.as_deref().filter(|group| name != Some(group) && parts.layer.bias.is_some());
            argument = name.map(|_| bias.map_or_else(|| text.clone(), |group| format!("{text}, {group}.bias")));
        }
        if let Some(groups) = groups {
            said.push(format!("`groups = {groups}` makes the convolution depthwise"));
        }
        let diagnostic = diagnostic.help(said.join("; "));
        match (input, argument) {
            (Some(input), Some(argument)) if groups.is_none() => {
                let text = format!("{input}, {argument}");
                let span = Span::new(parts.input.span.start, parts.weights.span.end);
                diagnostic.fix(format!("write `{text}`"), self.place(span), text)
            }
            _ => diagnostic,
        }
    }
}

/// The terms of each output: (element of the image, weight).
fn rows(image: Image, kernel: &Kernel<'_>, plane: &Plane) -> Vec<Row> {
    let (taps, width): (usize, usize) = (kernel.taps.iter().product(), kernel.taps[kernel.taps.len() - 1]);
    let mut rows: Vec<Row> = Vec::with_capacity(kernel.out * plane.count());
    for out in 0..kernel.out {
        let first_channel = out / (kernel.out / kernel.groups) * kernel.inner;
        for (y, x) in plane.windows() {
            // Padding holds the value 0: it adds nothing.
            let (down, across) = (plane.rows.inside(y), plane.columns.inside(x));
            let len = kernel.inner * down.clone().count() * across.clone().count();
            work(4 * (1 + len));
            let mut row = Vec::with_capacity(len);
            for channel in 0..kernel.inner {
                let weights = (out * kernel.inner + channel) * taps;
                for (ky, iy) in down.clone() {
                    let (elements, weights) = (image.index(first_channel + channel, iy, 0), weights + ky * width);
                    row.extend(across.clone().map(|(kx, ix)| ((elements + ix) as u32, (weights + kx) as u32)));
                }
            }
            rows.push(row);
        }
    }
    rows
}
