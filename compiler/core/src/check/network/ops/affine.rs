//! bias + weights · x, with the scales of both: what dense layers and convolutions come to.

use super::super::super::Checked;
use super::super::super::data::{ConstantTensor, PerElement};
use super::super::super::types::{Shape, count, shape_text};
use super::super::{Builder, NetTensor, NetValue};
use crate::diagnostic::Diagnostic;
use num_traits::{One, ToPrimitive, Zero};
use qnn_ir::interrupt::work;
use qnn_ir::rational::{common_step, exact, integer};

use qnn_ir::real::Row;
use qnn_ir::{Matrix, Op, Rational};
use qnn_syntax::Span;
use qnn_syntax::ast::{Call, Expr};

impl Builder<'_> {
    /// Weights and bias: a group of parameters, or tensors.
    pub(in crate::check::network) fn weights(
        &mut self,
        call: &Call,
        arguments: &[&Expr],
        span: Span,
    ) -> Checked<(ConstantTensor, Option<ConstantTensor>)> {
        let context = self.evaluator.context;
        match arguments {
            [group] => match self.eval(group)? {
                NetValue::Group(file, prefix) => {
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
            _ => self.wrong_arguments(call, span),
        }
    }

    /// bias + weights · x, exactly: the scale of each output is the coarsest that all its terms share.
    #[expect(clippy::too_many_arguments, reason = "one call site per layer kind, each names them all")]
    pub(in crate::check::network) fn affine(
        &mut self,
        x: &NetTensor,
        rows: Vec<Row>,
        weights: &ConstantTensor,
        bias: Option<&ConstantTensor>,
        bias_of: &dyn Fn(usize) -> usize,
        shape: Shape,
        bias_span: Span,
        span: Span,
    ) -> Checked<NetTensor> {
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
            let bias = |row: usize| bias.map_or_else(Rational::zero, |bias| bias.value(bias_of(row)));
            return self.real_affine(x, rows, weights, &bias, shape, span);
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
            builder.report::<NetTensor>(
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
            let values =
                entries.into_iter().inspect(|row| work(row.len())).flatten().map(|(_, weight)| weight).collect();
            Matrix::dense(rows.len(), columns, values)
        } else {
            Matrix::sparse(columns, entries)
        };
        let node = self.push(Op::Affine { terms: vec![(x.node, matrix)], bias: constants.into() }, span)?;
        Ok(NetTensor { node, shape, scale: PerElement::from_each(row_scales), format: None })
    }
}
