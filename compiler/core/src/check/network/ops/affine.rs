//! bias + weights · x, with the scales of both: what dense layers and convolutions come to.

use super::super::super::Checked;
use super::super::super::data::{ConstantTensor, PerElement};
use super::super::super::types::{Shape, count, shape_text};
use super::super::{Builder, NetTensor, NetValue};
use super::options::path_text;
use crate::diagnostic::Diagnostic;
use num_traits::{One, ToPrimitive, Zero};
use qnn_ir::interrupt::work;
use qnn_ir::rational::{common_step, exact, integer, show, to_f64, written};
use qnn_ir::real::Row;
use qnn_ir::{Matrix, Op, Rational};
use qnn_syntax::Span;
use qnn_syntax::ast::{Call, Expr};

impl Builder<'_> {
    /// Weights and bias: a group of parameters, or tensors.
    pub(super) fn weights(&mut self, call: &Call, arguments: &[&Expr], span: Span) -> Checked<LayerWeights> {
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
                    Ok(LayerWeights { weight, bias, path: path_text(group).map(|path| format!("{path}.weight")) })
                }
                other => {
                    let weight = self.constant_tensor(other, group.span)?;
                    Ok(LayerWeights { weight, bias: None, path: path_text(group) })
                }
            },
            [weight, bias] => {
                let (w, b) = (self.eval(weight)?, self.eval(bias)?);
                let path = path_text(weight);
                let (weight, bias) = (self.constant_tensor(w, weight.span)?, self.constant_tensor(b, bias.span)?);
                Ok(LayerWeights { weight, bias: Some(bias), path })
            }
            _ => self.wrong_arguments(call, span),
        }
    }

    /// bias + weights · x, exactly: the scale of each output is the coarsest that all its terms share. The bias comes with its place.
    pub(in crate::check::network) fn affine(
        &mut self,
        x: &NetTensor,
        rows: Rows<'_>,
        weights: &ConstantTensor,
        bias: Option<(&ConstantTensor, Span)>,
        span: Span,
    ) -> Checked<NetTensor> {
        let Rows { rows, bias_of, shape } = rows;
        if let Some((bias, bias_span)) = bias {
            self.bias_fits(bias, rows.len().checked_sub(1).map_or(0, |last| bias_of(last) + 1), bias_span)?;
        }
        let bias_value = bias.map(|(bias, _)| bias);
        if self.real.is_some() {
            let value = |row: usize| bias_value.map_or_else(Rational::zero, |bias| bias.value(bias_of(row)));
            return self.real_affine(x, rows, weights, &value, shape, span);
        }
        let mut lines = Lines { x: &x.scale, weights, uniform: None, cached: None };
        if let (PerElement::All(a), PerElement::All(b)) = (&x.scale, &weights.scale) {
            lines.uniform = Some(a * b);
        }
        let (mut entries, mut constants, mut scales) = (Vec::new(), Vec::new(), Vec::new());
        for (r, row) in rows.iter().enumerate() {
            work(16 * (1 + row.len()));
            let own = bias_value.map(|bias| (bias.scale.get(bias_of(r)), bias.numbers[bias_of(r)]));
            let Some(Line { terms, constant, scale }) = lines.line(row, own) else {
                if let (Some((step, _)), Some((_, place)), Some((column, index))) = (own, bias, row.first()) {
                    self.apart_from_products(step, lines.pair(*column, *index), place)?;
                }
                return self.too_precise_weights(span);
            };
            entries.push(terms);
            constants.push(constant);
            scales.push(scale);
        }
        if let (Some(product), Some((bias, bias_span))) = (&lines.uniform, bias) {
            self.warn_of_bias(product, weights, bias, bias_span);
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
        Ok(NetTensor { node, shape, scale: PerElement::from_each(scales), format: None })
    }

    /// A bias has one axis, with a number for each output or channel.
    fn bias_fits(&self, bias: &ConstantTensor, wanted: usize, span: Span) -> Checked<()> {
        if bias.shape.len() == 1 && bias.shape[0].size == wanted {
            return Ok(());
        }
        self.error(
            "E0301",
            span,
            format!("the bias has the shape {}, but there are {wanted} outputs", shape_text(self.db(), &bias.shape)),
            format!("[{wanted}] is needed"),
        )
    }

    fn too_precise_weights<T>(&self, span: Span) -> Checked<T> {
        self.report(
            Diagnostic::error(
                "E0404",
                "these weights need more than 64 bits to be exact",
                self.place(span),
                "too precise",
            )
            .help("cast weights and constants to formats with fewer fraction bits"),
        )
    }

    /// Refuses a bias whose steps have no common step with the products': a scale that a file states rounded, or a format of another kind.
    fn apart_from_products(&self, step: &Rational, of: (&Rational, &Rational), bias: Span) -> Checked<()> {
        let product = of.0 * of.1;
        if (step / &product).is_integer() {
            return Ok(());
        }
        let nearly = (to_f64(&(step / &product)) - 1.0).abs() < 1e-3;
        let note = if nearly {
            "A file states the scale of a bias rounded to a float32. Runtimes take the product of the input's scale and the weights' instead."
        } else {
            "Runtimes store a bias in the products' steps, the input's scale times the weights'."
        };
        let product_text = format!("{} * {}", written(of.0), written(of.1));
        self.report(
            Diagnostic::error(
                "E0404",
                format!(
                    "the bias's steps of {} and the products' steps of {} have no common step within 64 bits",
                    show(step),
                    show(&product)
                ),
                self.place(bias),
                if nearly { "nearly the products' steps, but not quite" } else { "not in the products' steps" },
            )
            .note(note)
            .help(format!("give the bias the format `affine<int<32>, {product_text}, 0>`")),
        )
    }

    /// Warns of a bias with a format whose steps are no multiples of the products'.
    fn warn_of_bias(&self, product: &Rational, weights: &ConstantTensor, bias: &ConstantTensor, span: Span) {
        let ConstantTensor { scale: PerElement::All(step), format: Some(format), .. } = bias else { return };
        if (step / product).is_integer() || weights.format.is_none() {
            return;
        }
        self.evaluator.context.report(
            Diagnostic::warning(
                "W0406",
                format!(
                    "the bias's steps of {} don't line up with the products' steps of {}",
                    exact(step),
                    exact(product)
                ),
                self.place(span),
                format!("`{format}` does not line up with the accumulator"),
            )
            .note("The sum is still exact, but the accumulator is wider than the products need.")
            .help("give the bias no more fraction bits than input and weights have together"),
        );
    }
}

/// What a layer is made of.
pub(super) struct LayerWeights {
    pub weight: ConstantTensor,
    pub bias: Option<ConstantTensor>,
    /// What names the weight, where a path does: `m.conv.weight`.
    pub path: Option<String>,
}

/// The sums that a layer makes.
pub(in crate::check::network) struct Rows<'r> {
    /// The terms of each output: (element of x, weight).
    pub rows: Vec<Row>,
    /// The element of the bias that an output adds.
    pub bias_of: &'r dyn Fn(usize) -> usize,
    /// The axes of the outputs.
    pub shape: Shape,
}

/// One output in integers: (terms · x + constant) · scale.
struct Line {
    terms: Vec<(u32, i64)>,
    constant: i128,
    scale: Rational,
}

/// The rows of a layer, brought to integers one by one.
struct Lines<'a> {
    x: &'a PerElement<Rational>,
    weights: &'a ConstantTensor,
    /// The step of all products, where it is one.
    uniform: Option<Rational>,
    /// The last bias's step, with the scale and the factor that it led to.
    cached: Option<(Option<Rational>, Rational, i64)>,
}

impl Lines<'_> {
    /// A row with the bias's step and number; `None` if 64 bits don't hold its weights.
    fn line(&mut self, row: &Row, bias: Option<(&Rational, i64)>) -> Option<Line> {
        let (scale, factor) = self.scale(row, bias.map(|(step, _)| step))?;
        let mut terms: Vec<(u32, i64)> = Vec::with_capacity(row.len());
        let mut last: Option<((&Rational, &Rational), i64)> = None;
        for (column, index) in row {
            let factor = match factor {
                Some(factor) => factor,
                None => {
                    let pair = self.pair(*column, *index);
                    match last {
                        Some((known, factor)) if known == pair => factor,
                        _ => {
                            let factor = (pair.0 * pair.1 / &scale).to_integer().to_i64()?;
                            last = Some((pair, factor));
                            factor
                        }
                    }
                }
            };
            terms.push((*column, self.weights.numbers[*index as usize].checked_mul(factor)?));
        }
        let constant = match bias {
            Some((step, number)) => (integer(i128::from(number)) * step / &scale).to_integer().to_i128()?,
            None => 0,
        };
        Some(Line { terms, constant, scale })
    }

    /// The steps of an element and a weight.
    fn pair(&self, column: u32, index: u32) -> (&Rational, &Rational) {
        (self.x.get(column as usize), self.weights.scale.get(index as usize))
    }

    /// A row's scale, and what its weights' numbers are multiplied by, where that is one number.
    fn scale(&mut self, row: &Row, bias: Option<&Rational>) -> Option<(Rational, Option<i64>)> {
        if let Some(product) = &self.uniform {
            if let Some((known, scale, factor)) = &self.cached
                && known.as_ref() == bias
            {
                return Some((scale.clone(), Some(*factor)));
            }
            let scale = bias.map_or_else(|| product.clone(), |bias| common_step(product, bias));
            let factor = (product / &scale).to_integer().to_i64()?;
            self.cached = Some((bias.cloned(), scale.clone(), factor));
            return Some((scale, Some(factor)));
        }
        let mut scale = bias.cloned().unwrap_or_else(Rational::zero);
        let mut last: Option<(&Rational, &Rational)> = None;
        for (column, index) in row {
            let pair = self.pair(*column, *index);
            if last != Some(pair) {
                scale = common_step(&scale, &(pair.0 * pair.1));
                last = Some(pair);
            }
        }
        Some((if scale.is_zero() { Rational::one() } else { scale }, None))
    }
}
