//! The operations of networks, each lowered to nodes of the graph.
//!
//! Layouts: `dense` weights are [out, in]; images are [channels, height, width]; `conv2d` weights are
//! [out, in / groups, height, width], as PyTorch exports them.

use super::super::constant::{Constant, lookup};
use super::super::data::{ConstantTensor, PerElement};
use super::super::scope::{Meaning, meaning};
use super::super::types::{Axis, MAX_ELEMENTS, Shape, count, plural, same_sizes, shape_text};
use super::super::{Checked, at};
use super::{Bits, Builder, Parameters, Thing, common_step};
use crate::db::tree;
use crate::diagnostic::{Diagnostic, Fix, Place};
use crate::format::MAX_WIDTH;
use crate::format::{Format, Overflow, Scale};
use num_traits::{One, Signed, ToPrimitive, Zero};
use qnn_ir::Rational;
use qnn_ir::interrupt::work;
use qnn_ir::rational::{exact, integer};
use qnn_ir::real::{RealOp, Row};
use qnn_ir::{Interval, Matrix, NodeId, Op, Step, Steps};
use qnn_syntax::Span;
use qnn_syntax::ast::{Argument, Call, Expr, ExprKind, ItemKind, TypeArgument, TypeExpr};
use qnn_syntax::builtins::{FUNCTIONS, Function, function};
use qnn_syntax::walk::Role;
use std::sync::Arc;

/// The most weights of one layer, after a convolution is written out.
const MAX_WEIGHTS: usize = 1 << 26;

impl Builder<'_> {
    pub(super) fn call(&mut self, call: &Call, span: Span) -> Checked<Thing> {
        let name = &*call.callee.text;
        if let Some(real) = call.real {
            return self.report(
                Diagnostic::error(
                    "E0612",
                    "a network computes bits; it has no real numbers inside",
                    self.place(real),
                    "not in a network",
                )
                .help("read the whole network as real, in a property: what it calls is then read so too"),
            );
        }
        let builtin = function(name);
        if !builtin.is_some_and(Function::in_networks) {
            if matches!(name, "min" | "max" | "abs" | "len") {
                let expr = Expr { kind: qnn_syntax::ast::ExprKind::Call(call.clone()), span };
                return self.constants(|e| e.eval(&expr)).map(Thing::Constant);
            }
            if builtin.is_some() {
                let operations: Vec<&str> = FUNCTIONS.iter().filter(|f| f.in_networks()).map(|f| f.name).collect();
                return self.report(
                    Diagnostic::error(
                        "E0612",
                        format!("`{name}` belongs in properties, not in networks"),
                        self.place(call.callee.span),
                        "not an operation of networks",
                    )
                    .note(format!(
                        "A network computes bit-exactly with {}, + - * with constants, and casts.",
                        operations.join(", ")
                    )),
                );
            }
            let item = lookup(self.evaluator.context, self.evaluator.item, &call.callee, Role::Function)?;
            return match tree(self.db(), item).as_deref().map(|t| &t.kind) {
                Some(ItemKind::Network(_)) => self.call_network(item, call, span),
                _ => {
                    self.error("E0204", call.callee.span, format!("`{name}` is not a network"), "can't be called here")
                }
            };
        }
        if let Some(generic) = call.generics.first() {
            return self.error(
                "E0303",
                generic.span,
                format!("`{name}` takes nothing in angle brackets"),
                "not expected",
            );
        }
        match name {
            "dense" => self.dense(call, span),
            "conv2d" => self.conv2d(call, span),
            "relu" => self.relu(call, span),
            "clamp" => self.clamp(call, span),
            "max_pool2d" | "avg_pool2d" => self.pool2d(call, span, name == "max_pool2d"),
            "add" => {
                let [a, b] = self.positional(call, span, "add(x, y)")?;
                let (a, b) = (self.bits(&a.value)?, self.bits(&b.value)?);
                self.sum(&a, &b, false, span)
            }
            "flatten" => {
                let [x] = self.positional(call, span, "flatten(x)")?;
                let x = self.bits(&x.value)?;
                let shape = vec![Axis::of(count(&x.shape))];
                Ok(reshaped(&x, shape))
            }
            "reshape" => {
                let [x, shape] = self.positional(call, span, "reshape(x, [sizes])")?;
                let bits = self.bits(&x.value)?;
                let Constant::List(sizes) = self.constants(|e| e.eval(&shape.value))? else {
                    return self.error(
                        "E0303",
                        shape.value.span,
                        "the new shape is a list of sizes",
                        "write `[4, 7]`, say",
                    );
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
                let total = axes.iter().try_fold(1usize, |n, axis| n.checked_mul(axis.size));
                if total != Some(count(&bits.shape)) {
                    return self.error(
                        "E0301",
                        span,
                        format!(
                            "{} elements can't be reshaped to {}",
                            count(&bits.shape),
                            shape_text(self.db(), &axes)
                        ),
                        format!("has the shape {}", shape_text(self.db(), &bits.shape)),
                    );
                }
                Ok(reshaped(&bits, axes))
            }
            _ => self.concat(call, span),
        }
        .map(Thing::Bits)
    }

    /// Exactly so many arguments, none of them named.
    fn positional<'e, const N: usize>(&self, call: &'e Call, span: Span, usage: &str) -> Checked<[&'e Argument; N]> {
        let all: Vec<&Argument> = call.arguments.iter().collect();
        match <[&Argument; N]>::try_from(all) {
            Ok(arguments) if arguments.iter().all(|a| a.name.is_none()) => Ok(arguments),
            _ => self.error("E0303", span, format!("write `{usage}`"), "wrong arguments"),
        }
    }

    /// Positional arguments and the named ones among `known`, each an integer.
    fn options<'e>(&self, call: &'e Call, known: &[&str]) -> Checked<(Vec<&'e Expr>, Vec<Option<usize>>)> {
        let mut positional = Vec::new();
        let mut named = vec![None; known.len()];
        for argument in &call.arguments {
            let Some(name) = &argument.name else {
                positional.push(&argument.value);
                continue;
            };
            let Some(index) = known.iter().position(|k| *k == &*name.text) else {
                let names = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return self.error(
                    "E0303",
                    name.span,
                    format!("`{}` has no option `{}`", call.callee.text, name.text),
                    format!("its options: {names}"),
                );
            };
            if named[index].is_some() {
                return self.error("E0303", name.span, format!("`{}` is given twice", name.text), "given before");
            }
            named[index] = Some(self.constants(|e| e.size(&argument.value))?);
        }
        Ok((positional, named))
    }

    /// An argument that must be a tensor of the network.
    fn bits(&mut self, expr: &Expr) -> Checked<Bits> {
        match self.eval(expr)? {
            Thing::Bits(bits) => Ok(bits),
            other => self.error(
                "E0302",
                expr.span,
                format!("expected a tensor of the network, found {}", other.kind()),
                "does not depend on the input",
            ),
        }
    }

    /// Weights and bias: a group of parameters, or tensors.
    fn weights(
        &mut self,
        arguments: &[&Expr],
        usage: &str,
        span: Span,
    ) -> Checked<(ConstantTensor, Option<ConstantTensor>)> {
        let context = self.evaluator.context;
        match arguments {
            [group] => match self.eval(group)? {
                Thing::Group(file, prefix) => {
                    let full =
                        |part: &str| if prefix.is_empty() { part.to_owned() } else { format!("{prefix}.{part}") };
                    let place = self.place(group.span);
                    let weight = self.parameter(&file, &full("weight"), place)?;
                    let bias = if file.has(context, &full("bias")) {
                        Some(self.parameter(&file, &full("bias"), place)?)
                    } else {
                        None
                    };
                    Ok((weight, bias))
                }
                other => Ok((self.constant_tensor(other, group.span)?, None)),
            },
            [weight, bias] => {
                let (w, b) = (self.eval(weight)?, self.eval(bias)?);
                Ok((self.constant_tensor(w, weight.span)?, Some(self.constant_tensor(b, bias.span)?)))
            }
            _ => self.error("E0303", span, format!("write `{usage}`"), "wrong arguments"),
        }
    }

    fn dense(&mut self, call: &Call, span: Span) -> Checked<Bits> {
        let usage = "dense(x, layer)` or `dense(x, weights, bias)";
        let (arguments, _) = self.options(call, &[])?;
        let Some((input, rest)) = arguments.split_first() else {
            return self.error("E0303", span, format!("write `{usage}`"), "wrong arguments");
        };
        let x = self.bits(input)?;
        let (weight, bias) = self.weights(rest, usage, span)?;
        let (place, weight_place) = (self.place(input.span), self.place(rest[0].span));
        let [out, inputs] = weight.shape.as_slice() else {
            return self.error(
                "E0301",
                rest[0].span,
                format!("dense weights have two axes, [out, in], not {}", shape_text(self.db(), &weight.shape)),
                "not a matrix",
            );
        };
        if x.shape.len() != 1 || x.shape[0].size != inputs.size {
            let mut diagnostic = Diagnostic::error(
                "E0301",
                format!("these weights take {} inputs, not {}", inputs.size, shape_text(self.db(), &x.shape)),
                place,
                format!("has the shape {}", shape_text(self.db(), &x.shape)),
            )
            .label(weight_place, format!("{} → {} neurons", inputs.size, out.size));
            if x.shape.len() != 1 && count(&x.shape) == inputs.size {
                diagnostic = diagnostic.help("flatten it first: `dense(flatten(x), …)`");
            } else if x.shape.len() == 1 && x.shape[0].size == out.size {
                diagnostic = diagnostic.help("the weights seem to be stored as [in, out]: transpose them in the file");
            }
            return self.report(diagnostic);
        }
        let (out, inputs) = (out.size, inputs.size);
        let rows = (0..out)
            .inspect(|_| work(inputs))
            .map(|o| (0..inputs).map(|i| (i as u32, (o * inputs + i) as u32)).collect())
            .collect();
        let result = self.affine(
            &x,
            rows,
            &weight,
            bias.as_ref(),
            &|row| row,
            vec![Axis::of(out)],
            rest.last().map_or(span, |e| e.span),
            span,
        )?;
        let parameters = Parameters::of(&weight, bias.as_ref());
        self.layer(format!("dense {inputs} → {out}"), &result, parameters, span);
        Ok(result)
    }

    fn image(&self, x: &Bits, span: Span) -> Checked<(usize, usize, usize)> {
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

    fn conv2d(&mut self, call: &Call, span: Span) -> Checked<Bits> {
        let usage = "conv2d(x, layer, stride = 1, padding = 0, groups = 1)";
        let (arguments, named) = self.options(call, &["stride", "padding", "groups"])?;
        let Some((input, rest)) = arguments.split_first() else {
            return self.error("E0303", span, format!("write `{usage}`"), "wrong arguments");
        };
        let (stride, padding, groups) = (named[0].unwrap_or(1), named[1].unwrap_or(0), named[2].unwrap_or(1));
        let x = self.bits(input)?;
        let (weight, bias) = self.weights(rest, usage, span)?;
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

    fn pool2d(&mut self, call: &Call, span: Span, max: bool) -> Checked<Bits> {
        let name = &*call.callee.text;
        let (arguments, named) = self.options(call, &["stride", "padding"])?;
        let [input, size] = arguments.as_slice() else {
            return self.error("E0303", span, format!("write `{name}(x, size)`"), "wrong arguments");
        };
        let x = self.bits(input)?;
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
                let inside = positions(size, size).filter_map(|(ky, kx)| {
                    let (iy, ix) = ((y * stride + ky).checked_sub(padding)?, (z * stride + kx).checked_sub(padding)?);
                    (iy < height && ix < width).then(|| ((c * height + iy) * width + ix) as u32)
                });
                windows.push(inside.collect());
            }
        }
        let shape = vec![Axis::of(channels), Axis::of(out_h), Axis::of(out_w)];
        let result = if max {
            let uneven =
                windows.iter().any(|w| w.iter().any(|i| x.scale.get(*i as usize) != x.scale.get(w[0] as usize)));
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
            Bits { node, shape, scale, format }
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
            let rows = windows.into_iter().map(|w| w.into_iter().map(|i| (i, 0)).collect()).collect();
            self.affine(&x, rows, &weight, None, &|row| row, shape, span, span)?
        };
        self.layer(format!("{name} {size}×{size}"), &result, Parameters::default(), span);
        Ok(result)
    }

    /// Refuses layers with too many outputs or weights.
    fn limit(&self, outputs: &[usize], each: &[usize], span: Span) -> Checked<()> {
        let outputs = outputs.iter().try_fold(1usize, |n, s| n.checked_mul(*s)).filter(|n| *n <= MAX_ELEMENTS);
        let total = outputs.and_then(|n| each.iter().try_fold(n, |n, s| n.checked_mul(*s)));
        match total {
            Some(total) if total <= MAX_WEIGHTS => Ok(()),
            _ => self.error("E0313", span, format!("this layer has more than {MAX_WEIGHTS} products"), "too large"),
        }
    }

    /// bias + weights · x, exactly: the scale of each output is the coarsest that all its terms share.
    #[expect(clippy::too_many_arguments, reason = "one call site per layer kind, each names them all")]
    fn affine(
        &mut self,
        x: &Bits,
        rows: Vec<Row>,
        weights: &ConstantTensor,
        bias: Option<&ConstantTensor>,
        bias_of: &dyn Fn(usize) -> usize,
        shape: Shape,
        bias_span: Span,
        span: Span,
    ) -> Checked<Bits> {
        if let Some(bias) = bias {
            let wanted = rows.len().checked_sub(1).map_or(0, |last| bias_of(last) + 1);
            if bias.shape.len() != 1 || bias.shape[0].size != wanted {
                return self.error(
                    "E0301",
                    bias_span,
                    format!(
                        "the bias has the shape {}, but there are {wanted} outputs",
                        shape_text(self.db(), &bias.shape)
                    ),
                    format!("[{wanted}] is needed"),
                );
            }
        }
        if self.real.is_some() {
            return self.real_affine(x, rows, weights, bias, bias_of, shape, span);
        }
        let uniform = match (&x.scale, &weights.scale) {
            (PerElement::All(a), PerElement::All(b)) => Some(a * b),
            _ => None,
        };
        let mut entries = Vec::with_capacity(rows.len());
        let mut constants = Vec::with_capacity(rows.len());
        let mut row_scales = Vec::with_capacity(rows.len());
        let mut cached: Option<(Option<Rational>, Rational, i64)> = None;
        let too_precise = |builder: &Self| {
            builder.report::<Bits>(
                Diagnostic::error(
                    "E0404",
                    "these weights need more than 64 bits to be exact",
                    builder.place(span),
                    "too precise",
                )
                .help("cast weights and constants to formats with fewer fraction bits"),
            )
        };
        for (r, row) in rows.iter().enumerate() {
            work(16 * (1 + row.len()));
            let bias_scale = bias.map(|b| b.scale.get(bias_of(r)).clone());
            let (scale, factor) = match (&uniform, &cached) {
                (Some(_), Some((known, scale, factor))) if *known == bias_scale => (scale.clone(), Some(*factor)),
                (Some(product), _) => {
                    let scale = bias_scale.as_ref().map_or_else(|| product.clone(), |b| common_step(product, b));
                    let Some(factor) = (product / &scale).to_integer().to_i64() else { return too_precise(self) };
                    cached = Some((bias_scale.clone(), scale.clone(), factor));
                    (scale, Some(factor))
                }
                (None, _) => {
                    let zero = Rational::zero();
                    let mut scale = bias_scale.clone().unwrap_or(zero);
                    let mut last: Option<(&Rational, &Rational)> = None;
                    for (column, index) in row {
                        let pair = (x.scale.get(*column as usize), weights.scale.get(*index as usize));
                        if last != Some(pair) {
                            scale = common_step(&scale, &(pair.0 * pair.1));
                            last = Some(pair);
                        }
                    }
                    (if scale.is_zero() { Rational::one() } else { scale }, None)
                }
            };
            let mut out: Vec<(u32, i64)> = Vec::with_capacity(row.len());
            let mut last: Option<((&Rational, &Rational), i64)> = None;
            for (column, index) in row {
                let factor = match factor {
                    Some(factor) => factor,
                    None => {
                        let pair = (x.scale.get(*column as usize), weights.scale.get(*index as usize));
                        match last {
                            Some((known, factor)) if known == pair => factor,
                            _ => {
                                let Some(factor) = (pair.0 * pair.1 / &scale).to_integer().to_i64() else {
                                    return too_precise(self);
                                };
                                last = Some((pair, factor));
                                factor
                            }
                        }
                    }
                };
                let Some(weight) = weights.numbers[*index as usize].checked_mul(factor) else {
                    return too_precise(self);
                };
                out.push((*column, weight));
            }
            entries.push(out);
            constants.push(match (bias, &bias_scale) {
                (Some(bias), Some(bias_scale)) => {
                    let number = integer(i128::from(bias.numbers[bias_of(r)])) * bias_scale / &scale;
                    let Some(number) = number.to_integer().to_i128() else { return too_precise(self) };
                    number
                }
                _ => 0,
            });
            row_scales.push(scale);
        }
        if let (Some(product), Some(ConstantTensor { scale: PerElement::All(b), format: Some(format), .. })) =
            (&uniform, bias)
            && !(b / product).is_integer()
            && weights.format.is_some()
        {
            self.evaluator.context.report(
                Diagnostic::warning(
                    "W0406",
                    format!(
                        "the bias's steps of {} don't line up with the products' steps of {}",
                        exact(b),
                        exact(product)
                    ),
                    self.place(bias_span),
                    format!("`{format}` does not line up with the accumulator"),
                )
                .note("The sum is still exact, but the accumulator is wider than the products need.")
                .help("give the bias no more fraction bits than input and weights have together"),
            );
        }
        let columns = count(&x.shape);
        let full = entries.iter().all(|row| row.len() == columns);
        let matrix = if full {
            let values = entries.into_iter().flatten().map(|(_, weight)| weight).collect();
            Matrix::dense(rows.len(), columns, values)
        } else {
            Matrix::sparse(columns, entries)
        };
        let node = self.push(Op::Affine { terms: vec![(x.node, matrix)], bias: constants.into() }, span)?;
        Ok(Bits { node, shape, scale: PerElement::from_each(row_scales), format: None })
    }

    /// x + y or x - y, element by element.
    pub(super) fn sum(&mut self, x: &Bits, y: &Bits, subtract: bool, span: Span) -> Checked<Bits> {
        if !same_sizes(&x.shape, &y.shape) {
            return self.error(
                "E0301",
                span,
                format!("{} and {} can't be added", shape_text(self.db(), &x.shape), shape_text(self.db(), &y.shape)),
                "the shapes differ",
            );
        }
        if self.real.is_some() {
            return self.real_sum(x, y, subtract, span);
        }
        let len = count(&x.shape);
        let (mut a, mut b, mut row_scales) =
            (Vec::with_capacity(len), Vec::with_capacity(len), Vec::with_capacity(len));
        for i in 0..len {
            let scale = common_step(x.scale.get(i), y.scale.get(i));
            let factors =
                ((x.scale.get(i) / &scale).to_integer().to_i64(), (y.scale.get(i) / &scale).to_integer().to_i64());
            let (Some(fa), Some(fb)) = factors else {
                return self.error(
                    "E0404",
                    span,
                    "these scales have no common step within 64 bits",
                    "cast to one format first",
                );
            };
            a.push(fa);
            b.push(if subtract { -fb } else { fb });
            row_scales.push(scale);
            if i == 0 && matches!((&x.scale, &y.scale), (PerElement::All(_), PerElement::All(_))) {
                a.resize(len, a[0]);
                b.resize(len, b[0]);
                break;
            }
        }
        let scale = match row_scales.len() {
            1 if len != 1 => PerElement::All(row_scales.remove(0)),
            _ => PerElement::from_each(row_scales),
        };
        let terms = vec![(x.node, Matrix::diagonal(&a)), (y.node, Matrix::diagonal(&b))];
        let node = self.push(Op::Affine { terms, bias: vec![0; len].into() }, span)?;
        let result = Bits { node, shape: x.shape.clone(), scale, format: None };
        self.layer(if subtract { "subtract" } else { "add" }.to_owned(), &result, Parameters::default(), span);
        Ok(result)
    }

    /// The constant's numbers spread over the elements of a tensor: one for all, or one for each.
    fn spread(&self, x: &Bits, constant: &ConstantTensor, span: Span) -> Checked<Vec<Rational>> {
        let len = count(&x.shape);
        if constant.len() == 1 {
            return Ok(vec![constant.value(0); len]);
        }
        if !same_sizes(&constant.shape, &x.shape) {
            return self.error(
                "E0301",
                span,
                format!(
                    "{} and {} don't go together",
                    shape_text(self.db(), &x.shape),
                    shape_text(self.db(), &constant.shape)
                ),
                "a constant is one number, or has the tensor's shape",
            );
        }
        Ok(constant.values())
    }

    /// x + constant or x - constant.
    pub(super) fn plus_constant(
        &mut self,
        x: &Bits,
        constant: &ConstantTensor,
        subtract: bool,
        span: Span,
    ) -> Checked<Bits> {
        let values = self.spread(x, constant, span)?;
        if self.real.is_some() {
            let bias = values.into_iter().map(|value| if subtract { -value } else { value }).collect();
            return self.real_diagonal(x, &vec![Rational::one(); count(&x.shape)], bias, span);
        }
        let (mut factors, mut bias, mut row_scales) = (Vec::new(), Vec::new(), Vec::new());
        for (i, value) in values.iter().enumerate() {
            let step = x.scale.get(i);
            let scale = common_step(step, value);
            let numbers = ((step / &scale).to_integer().to_i64(), (value / &scale).to_integer().to_i128());
            let (Some(factor), Some(number)) = numbers else {
                return self.error("E0404", span, "this constant has too many digits to be exact", "too precise");
            };
            factors.push(factor);
            bias.push(if subtract { -number } else { number });
            row_scales.push(scale);
        }
        let terms = vec![(x.node, Matrix::diagonal(&factors))];
        let node = self.push(Op::Affine { terms, bias: bias.into() }, span)?;
        let result = Bits { node, shape: x.shape.clone(), scale: PerElement::from_each(row_scales), format: None };
        self.layer("add a constant".to_owned(), &result, Parameters::default(), span);
        Ok(result)
    }

    /// x · constant, element by element.
    pub(super) fn times_constant(&mut self, x: &Bits, constant: &ConstantTensor, span: Span) -> Checked<Bits> {
        let values = self.spread(x, constant, span)?;
        if values.iter().all(|v| v == &values[0]) {
            let first = values[0].clone();
            return self.scale_by(x, &first, span);
        }
        if self.real.is_some() {
            return self.real_diagonal(x, &values, vec![Rational::zero(); values.len()], span);
        }
        let denominator = qnn_ir::rational::common_denominator(&values);
        let mut factors = Vec::new();
        for value in &values {
            let Some(factor) = (value * Rational::from_integer(denominator.clone())).to_integer().to_i64() else {
                return self.error("E0404", span, "these constants have too many digits to be exact", "too precise");
            };
            factors.push(factor);
        }
        let terms = vec![(x.node, Matrix::diagonal(&factors))];
        let node = self.push(Op::Affine { terms, bias: vec![0; factors.len()].into() }, span)?;
        let scale = x.scale.map(|s| s / Rational::from_integer(denominator.clone()));
        let result = Bits { node, shape: x.shape.clone(), scale, format: None };
        self.layer("multiply by constants".to_owned(), &result, Parameters::default(), span);
        Ok(result)
    }

    /// x · factor: only the scale changes, but for the sign.
    pub(super) fn scale_by(&mut self, x: &Bits, factor: &Rational, span: Span) -> Checked<Bits> {
        let len = count(&x.shape);
        if self.real.is_some() {
            return self.real_diagonal(x, &vec![factor.clone(); len], vec![Rational::zero(); len], span);
        }
        let mut node = x.node;
        if !factor.is_positive() {
            let sign = if factor.is_zero() { 0 } else { -1 };
            let terms = vec![(x.node, Matrix::diagonal(&vec![sign; len]))];
            node = self.push(Op::Affine { terms, bias: vec![0; len].into() }, span)?;
        }
        let size = if factor.is_zero() { Rational::one() } else { factor.abs() };
        let scale = x.scale.map(|s| s * &size);
        let result = Bits { node, shape: x.shape.clone(), scale, format: None };
        self.layer(format!("multiply by {}", exact(factor)), &result, Parameters::default(), span);
        Ok(result)
    }

    fn relu(&mut self, call: &Call, span: Span) -> Checked<Bits> {
        let [x] = self.positional(call, span, "relu(x)")?;
        let x = self.bits(&x.value)?;
        if self.real.is_some() {
            return self.real_clamp(x, Rational::zero(), None, span);
        }
        let hi = self.range(x.node).hi.max(0);
        let node = self.push(Op::Step { source: x.node, steps: Steps::Uniform(Step::clamp(0, hi)) }, span)?;
        let result = Bits { node, ..x };
        self.layer("relu".to_owned(), &result, Parameters::default(), span);
        Ok(result)
    }

    fn clamp(&mut self, call: &Call, span: Span) -> Checked<Bits> {
        let [input, lo, hi] = self.positional(call, span, "clamp(x, lo, hi)")?;
        let mut x = self.bits(&input.value)?;
        let (lo, hi) = (self.constants(|e| e.number(&lo.value))?, self.constants(|e| e.number(&hi.value))?);
        if lo > hi {
            return self.error(
                "E0303",
                span,
                format!("the lower end {} is above the upper end {}", exact(&lo), exact(&hi)),
                "an empty range",
            );
        }
        if self.real.is_some() {
            return self.real_clamp(x, lo, Some(hi), span);
        }
        // Both ends must be integers at the tensor's scale; a finer scale makes them so.
        let len = count(&x.shape);
        let fits = |x: &Bits, v: &Rational| (0..len).all(|i| (v / x.scale.get(i)).is_integer());
        if !fits(&x, &lo) || !fits(&x, &hi) {
            let mut factors = Vec::new();
            let mut row_scales = Vec::new();
            for i in 0..len {
                let step = x.scale.get(i);
                let scale = common_step(&common_step(step, &lo), &hi);
                let Some(factor) = (step / &scale).to_integer().to_i64() else {
                    return self.error("E0404", span, "these ends have too many digits to be exact", "too precise");
                };
                factors.push(factor);
                row_scales.push(scale);
            }
            let terms = vec![(x.node, Matrix::diagonal(&factors))];
            let node = self.push(Op::Affine { terms, bias: vec![0; len].into() }, span)?;
            x = Bits { node, shape: x.shape, scale: PerElement::from_each(row_scales), format: None };
        }
        let mut steps = Vec::new();
        for i in 0..len {
            let ends = ((&lo / x.scale.get(i)).to_integer().to_i128(), (&hi / x.scale.get(i)).to_integer().to_i128());
            let (Some(lo), Some(hi)) = ends else {
                return self.error("E0404", span, "these ends are too large to be exact", "too large");
            };
            steps.push(Step::clamp(lo, hi));
        }
        let node = self.push(Op::Step { source: x.node, steps: uniform(steps) }, span)?;
        let result = Bits { node, ..x };
        self.layer(format!("clamp {} to {}", exact(&lo), exact(&hi)), &result, Parameters::default(), span);
        Ok(result)
    }

    /// `x as Format`: the one place where bits are lost.
    pub(super) fn cast(&mut self, x: &Bits, format: &Format, span: Span, ty: &TypeExpr) -> Checked<Bits> {
        let format_span = ty.span;
        if self.real.is_some() {
            return self.real_cast(x, format, span, format_span);
        }
        if x.format.as_ref() == Some(format) {
            return Ok(x.clone());
        }
        let first = x.shape.first().map_or(1, |axis| axis.size);
        if format.channels() > 1 && format.channels() != first {
            return self.error(
                "E0301",
                format_span,
                format!("this format has {} channels, but the tensor's first axis has {first}", format.channels()),
                "one scale per channel",
            );
        }
        let scale = super::scales(format, &x.shape);
        let zeros = super::zeros(format, &x.shape);
        let len = count(&x.shape);
        // A ReLU or clamp just before is part of the same Step.
        let (source, clamps) = match &self.graph.node(x.node).op {
            Op::Step {
                source,
                steps: Steps::Uniform(Step::Round { numerator: 1, denominator: 1, offset: 0, lo, hi, .. }),
            } => (*source, Some((*lo, *hi))),
            _ => (x.node, None),
        };
        let uniform_cast =
            matches!((&x.scale, &scale, &zeros), (PerElement::All(_), PerElement::All(_), PerElement::All(_)));
        let mut steps = Vec::with_capacity(if uniform_cast { 1 } else { len });
        let mut wraps = false;
        for i in 0..if uniform_cast { 1 } else { len } {
            let zero = i128::from(*zeros.get(i));
            let (min, max) = (i128::from(format.min_raw()) - zero, i128::from(format.max_raw()) - zero);
            let quotient = x.scale.get(i) / scale.get(i);
            let parts = (quotient.numer().to_i128(), quotient.denom().to_i128());
            let (Some(numerator), Some(denominator)) = parts else {
                return self.too_precise_cast(span);
            };
            let small = |n: i128| n.checked_mul(4).and_then(|n| n.checked_mul(1 << (MAX_WIDTH + 1))).is_some();
            if !small(denominator) || numerator > 1 << 60 {
                return self.too_precise_cast(span);
            }
            let round =
                |lo: i128, hi: i128| Step::Round { numerator, denominator, offset: 0, mode: format.rounding, lo, hi };
            let free = round(i128::MIN >> 2, i128::MAX >> 2);
            let elements: Vec<usize> = if uniform_cast { (0..len).collect() } else { vec![i] };
            // What the cast would have to hold, over all inputs.
            let mut worst: Option<(usize, Interval)> = None;
            for element in elements {
                let mut range = self.ranges[source.index()][element];
                if let Some((lo, hi)) = clamps {
                    range = Interval::new(range.lo.clamp(lo, hi), range.hi.clamp(lo, hi));
                }
                let ends = free.checked_apply(range.lo).zip(free.checked_apply(range.hi));
                let Some((lo, hi)) = ends else { return self.too_precise_cast(span) };
                let need = Interval::new(lo, hi);
                let over = |r: Interval| (min - r.lo).max(r.hi - max);
                if worst.is_none_or(|(_, known)| over(need) > over(known)) {
                    worst = Some((element, need));
                }
            }
            let Some((element, need)) = worst else { continue };
            let beyond = need.lo < min || need.hi > max;
            match format.overflow {
                Overflow::Error if beyond => return self.overflow_error(x, format, element, need, span, ty),
                Overflow::Wrap if beyond => {
                    wraps = true;
                    let (lo, hi) = self.unclamped(source, clamps, &free)?;
                    steps.push(round(lo, hi));
                }
                _ => {
                    let step = round(min, max);
                    let clamped = match clamps {
                        Some((lo, hi)) => match step.checked_apply(lo).zip(step.checked_apply(hi)) {
                            Some((low, high)) => step.then_clamp(low, high),
                            None => return self.too_precise_cast(span),
                        },
                        None => step,
                    };
                    steps.push(clamped);
                }
            }
        }
        let steps = if uniform_cast { Steps::Uniform(steps.remove(0)) } else { uniform(steps) };
        let mut node = self.push(Op::Step { source, steps }, span)?;
        if wraps {
            node = self.wrap(node, format, &zeros, len, span)?;
        }
        let result = Bits { node, shape: x.shape.clone(), scale, format: Some(format.clone()) };
        self.layer(format!("as {format}"), &result, Parameters::default(), span);
        Ok(result)
    }

    /// The least and the greatest rounded value of a source, over all elements.
    fn unclamped(&self, source: NodeId, clamps: Option<(i128, i128)>, free: &Step) -> Checked<(i128, i128)> {
        let range = self.range(source);
        let (lo, hi) = clamps.map_or((range.lo, range.hi), |(lo, hi)| (range.lo.clamp(lo, hi), range.hi.clamp(lo, hi)));
        free.checked_apply(lo).zip(free.checked_apply(hi)).ok_or(super::Reported)
    }

    /// `overflow = wrap`: the low bits of the raw integer.
    fn wrap(
        &mut self,
        node: NodeId,
        format: &Format,
        zeros: &PerElement<i64>,
        len: usize,
        span: Span,
    ) -> Checked<NodeId> {
        let shifted = matches!(format.scale, Scale::Affine { .. });
        let shift = |builder: &mut Self, node: NodeId, sign: i128| {
            let bias: Vec<i128> = (0..len).map(|i| sign * i128::from(*zeros.get(i))).collect();
            let terms = vec![(node, Matrix::diagonal(&vec![1; len]))];
            builder.push(Op::Affine { terms, bias: bias.into() }, span)
        };
        let raw = if shifted { shift(self, node, 1)? } else { node };
        let wrapped = self.push(Op::Wrap { source: raw, width: format.width, signed: format.signed }, span)?;
        if shifted { shift(self, wrapped, -1) } else { Ok(wrapped) }
    }

    fn too_precise_cast<T>(&self, span: Span) -> Checked<T> {
        self.report(
            Diagnostic::error(
                "E0404",
                "this cast needs more than 127 bits to be exact",
                self.place(span),
                "scales too far apart",
            )
            .help("cast in two steps, or use constants with fewer digits"),
        )
    }

    /// A cast under `overflow = error` that can overflow.
    fn overflow_error<T>(
        &self,
        x: &Bits,
        format: &Format,
        element: usize,
        need: Interval,
        span: Span,
        ty: &TypeExpr,
    ) -> Checked<T> {
        let zero = i128::from(*super::zeros(format, &x.shape).get(element));
        let raw = Interval::new(need.lo + zero, need.hi + zero);
        let lsb = format.lsb(if format.channels() == 1 { 0 } else { element });
        let value = |n: i128| exact(&(integer(n) * &lsb));
        let width = if format.signed || raw.lo < 0 { raw.signed_width() } else { raw.signed_width() - 1 };
        let mut wider = format.clone();
        wider.width = width;
        wider.signed = format.signed || raw.lo < 0;
        let place: Place = self.place(ty.span);
        let mut diagnostic = Diagnostic::error(
            "E0402",
            format!("this cast can overflow: neuron {element} ranges from {} to {}", value(need.lo), value(need.hi)),
            at(self.evaluator.item, span),
            "can leave the format's range",
        )
        .label(
            place,
            format!(
                "holds {} to {}",
                value(i128::from(format.min_raw()) - zero),
                value(i128::from(format.max_raw()) - zero)
            ),
        )
        .note(
            "`overflow = error` asks for a proof that no input overflows; the range is over all inputs of the formats.",
        );
        if width <= MAX_WIDTH {
            diagnostic = diagnostic.help(format!("`{wider}` would hold every value"));
            diagnostic.fixes.extend(self.widened(ty, format, &wider));
        }
        self.report(diagnostic)
    }

    /// The change that widens a format where it is written, be it in an alias; `None` where its width is computed.
    fn widened(&self, ty: &TypeExpr, format: &Format, wider: &Format) -> Option<Fix> {
        let db = self.db();
        let (mut item, mut ty, mut whose) = (self.evaluator.item, ty, String::new());
        // Aliases of aliases end, for circles are errors.
        loop {
            if matches!(&*ty.head.text, "fixed" | "ufixed" | "int" | "uint") {
                let literal = |argument: &TypeArgument| match argument {
                    TypeArgument::Value(Expr { kind: ExprKind::Number { .. }, span }) => Some(*span),
                    _ => None,
                };
                let width = literal(ty.arguments.first()?)?;
                let computed = |a: &TypeArgument| !matches!(a, TypeArgument::Named(..)) && literal(a).is_none();
                let (place, replacement) = match wider.signed == format.signed {
                    true => (at(item, width), wider.width.to_string()),
                    false if ty.shape.is_empty() && !ty.arguments.iter().any(computed) => {
                        (at(item, ty.span), wider.to_string())
                    }
                    false => return None,
                };
                return Some(Fix { title: format!("widen {whose}to `{wider}`"), place, replacement });
            }
            let Meaning::Item(alias) = *meaning(db, item.file(db), ty.head.text.clone()) else { return None };
            let ItemKind::Type(declared) = &tree(db, alias).as_deref()?.kind else { return None };
            if !declared.generics.is_empty() {
                return None;
            }
            whose = format!("`{}` ", ty.head.text);
            (item, ty) = (alias, &declared.ty);
        }
    }

    /// Elements by index ranges of the axes; axes beyond the given ones are kept whole.
    pub(super) fn select(&mut self, x: &Bits, ranges: &[(usize, usize, bool)], span: Span) -> Checked<Bits> {
        let (indices, shape) = pick_indices(&x.shape, ranges);
        let picks: Vec<(NodeId, u32)> = indices.iter().map(|i| (x.node, *i as u32)).collect();
        let scale = x.scale.pick(indices.into_iter());
        let node = self.gather(picks, span)?;
        Ok(Bits { node, shape, scale, format: uniform_format(&x.format) })
    }

    fn concat(&mut self, call: &Call, span: Span) -> Checked<Bits> {
        let (arguments, named) = self.options(call, &["axis"])?;
        let axis = named[0].unwrap_or(0);
        let parts: Vec<Bits> = arguments.iter().map(|e| self.bits(e)).collect::<Checked<_>>()?;
        let Some(first) = parts.first() else {
            return self.error("E0303", span, "write `concat(x, y, axis = 0)`", plural(0, "argument"));
        };
        let fits = |part: &Bits| {
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
        Ok(Bits { node, shape, scale: PerElement::from_each(all_scales), format })
    }

    fn gather(&mut self, picks: Vec<(NodeId, u32)>, span: Span) -> Checked<NodeId> {
        match self.real {
            Some(_) => self.push_real(RealOp::Gather(picks.iter().map(|(node, i)| (node.index(), *i)).collect()), span),
            None => self.push(Op::Gather { picks: picks.into() }, span),
        }
    }
}

/// The same elements with other axes.
fn reshaped(x: &Bits, shape: Shape) -> Bits {
    Bits { node: x.node, shape, scale: x.scale.clone(), format: uniform_format(&x.format) }
}

/// A per-channel format belongs to its tensor's first axis: elements moved elsewhere are exact numbers.
fn uniform_format(format: &Option<Format>) -> Option<Format> {
    format.clone().filter(|format| format.channels() == 1)
}

/// Equal steps as one.
fn uniform(steps: Vec<Step>) -> Steps {
    match steps.split_first() {
        Some((first, rest)) if rest.iter().all(|s| s == first) => Steps::Uniform(first.clone()),
        _ => Steps::Each(steps.into()),
    }
}

/// The number of windows along an axis.
fn window_count(size: usize, window: usize, stride: usize, padding: usize) -> Option<usize> {
    let padded = padding.checked_mul(2)?.checked_add(size)?;
    if window == 0 || stride == 0 || window > padded { None } else { Some((padded - window) / stride + 1) }
}

/// All (row, column) positions, row by row.
fn positions(height: usize, width: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..height).flat_map(move |y| (0..width).map(move |x| (y, x)))
}

/// The row-major indices that a selection picks, and the shape that is left.
pub fn pick_indices(shape: &[Axis], ranges: &[(usize, usize, bool)]) -> (Vec<usize>, Shape) {
    let mut indices = vec![0usize];
    let mut left = Vec::new();
    for (a, axis) in shape.iter().enumerate() {
        let (start, end, drop) = ranges.get(a).copied().unwrap_or((0, axis.size, false));
        indices = indices.iter().flat_map(|i| (start..end).map(move |j| i * axis.size + j)).collect();
        if !drop {
            let labels = axis.labels.filter(|_| end - start == axis.size);
            left.push(Axis { size: end - start, labels });
        }
    }
    (indices, left)
}
