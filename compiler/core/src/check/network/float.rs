//! Networks of floats: what an import makes of a file's operations, by the formats that the spec says.
//!
//! In: a [`FloatImport`]. Out: the network that a spec would have with `dense`, `conv2d` and casts, or its real-valued reading. One set of rules makes both:
//! a reading leaves out the rounding of weights and biases, and the casts.

use super::super::constant::Evaluator;
use super::super::data::{ConstantTensor, PerElement, quantized_floats};
use super::super::types::{FloatImport, Held, Import, imported_shape};
use super::super::{Checked, Reported, at};
use super::ops::{Rows, reciprocals, rounded_root};
use super::{Builder, NetTensor, NetValue, Network, Parameters, Port};
use crate::diagnostic::Diagnostic;
use crate::number_format::Format;
use num_traits::{One, Signed, ToPrimitive, Zero};
use qnn_import::{FloatOperation, FloatTensor};
use qnn_ir::interrupt::work;
use qnn_ir::rational::{common_step, from_f64, integer};
use qnn_ir::real::{NUMBER, RealOp, Row, Values};
use qnn_ir::{NodeId, Op, Rational};
use qnn_syntax::Span;
use qnn_syntax::ast::{ImportItem, TypeExpr};
use std::sync::Arc;

/// The network that an import of floats declares.
pub(super) fn build(
    evaluator: Evaluator<'_>,
    declaration: &ImportItem,
    import: &FloatImport<'_>,
    name: Arc<str>,
) -> Checked<Network> {
    let span = declaration.file.span;
    let mut builder = Builder::new(evaluator, declaration.name.text.clone());
    let (mut tensors, mut inputs) = (Vec::new(), Vec::new());
    for index in &import.network.inputs {
        let FloatTensor { name, shape, .. } = &import.network.tensors[*index];
        let tensor = builder.input(name, import.formats.input.format.clone(), imported_shape(shape), span)?;
        inputs.push(builder.port(name, &tensor));
        tensors.push(tensor);
    }
    let outputs = lower(&mut builder, declaration, import, tensors)?;
    let names = import.network.outputs.iter().map(|index| &import.network.tensors[*index].name);
    let ports: Vec<Port> = names.zip(&outputs).map(|(name, output)| builder.port(name, output)).collect();
    let mut ports = ports.into_iter();
    let Some(output) = ports.next() else {
        return builder.error("E0510", span, format!("`{}` has no outputs", declaration.file.text), "this file");
    };
    Ok(Network {
        name,
        output,
        more_outputs: ports.collect(),
        inputs,
        layers: builder.layers,
        ranges: Arc::new(builder.ranges),
        graph: Arc::new(builder.graph),
        files: vec![declaration.file.text.to_string()],
        kernel: None,
        notes: import.network.notes.clone(),
        real: None,
    })
}

/// The real-valued reading of an import of floats, on tensors of a reading.
pub(super) fn read(builder: &mut Builder<'_>, declaration: &ImportItem, inputs: Vec<NetTensor>) -> Checked<NetTensor> {
    let Import::Float(import) = builder.evaluator.import(declaration)? else { return Err(Reported) };
    builder.files.push(declaration.file.text.to_string());
    let [output] = import.network.outputs.as_slice() else {
        let outputs: Vec<&str> = import.network.outputs.iter().map(|i| &*import.network.tensors[*i].name).collect();
        let message = format!("`{}` has {} outputs, and a reading is of one", declaration.name.text, outputs.len());
        return builder.report(
            Diagnostic::error("E0303", message, builder.place(declaration.file.span), "which of them?")
                .help(format!("end the import at one: `output = \"{}\"`", outputs.first().unwrap_or(&"…"))),
        );
    };
    let shape = imported_shape(&import.network.tensors[*output].shape);
    let output = lower(builder, declaration, &import, inputs)?.pop().ok_or(Reported)?;
    Ok(NetTensor { shape, ..output })
}

/// The outputs, of inputs that are tensors of the builder already.
fn lower(
    builder: &mut Builder<'_>,
    declaration: &ImportItem,
    import: &FloatImport<'_>,
    inputs: Vec<NetTensor>,
) -> Checked<Vec<NetTensor>> {
    let mut lowering = Lowering { builder, import, span: declaration.file.span, tensors: Vec::new() };
    let mut inputs = inputs.into_iter();
    let mut outputs: Vec<Option<NetTensor>> = vec![None; import.network.outputs.len()];
    for (index, tensor) in import.network.tensors.iter().enumerate() {
        let held = match (&tensor.operation, import.plan[index].live) {
            (FloatOperation::Input, _) => Some(inputs.next().ok_or(Reported)?),
            (_, false) => None,
            (_, true) => {
                let value = lowering.operation(tensor)?;
                lowering.held(index, value, &mut outputs)?
            }
        };
        lowering.tensors.push(held);
        for (place, output) in outputs.iter_mut().zip(&import.network.outputs) {
            if *output == index && place.is_none() {
                place.clone_from(&lowering.tensors[index]);
            }
        }
    }
    outputs.into_iter().collect::<Option<Vec<NetTensor>>>().ok_or(Reported)
}

/// A network under construction.
struct Lowering<'b, 'e, 'd> {
    builder: &'b mut Builder<'e>,
    import: &'b FloatImport<'d>,
    /// Where the spec names the file.
    span: Span,
    /// The file's tensors so far; `None` for those that no output needs.
    tensors: Vec<Option<NetTensor>>,
}

impl Lowering<'_, '_, '_> {
    fn source(&self, index: usize) -> Checked<NetTensor> {
        self.tensors.get(index).cloned().flatten().ok_or(Reported)
    }

    fn is_real(&self) -> bool {
        self.builder.real.is_some()
    }

    /// What an operation computes, before any cast.
    fn operation(&mut self, tensor: &FloatTensor) -> Checked<NetValue> {
        let span = self.span;
        let shape = imported_shape(&tensor.shape);
        let result = match &tensor.operation {
            FloatOperation::Input => return Err(Reported),
            FloatOperation::Constant(values) => self.constant(values, &shape)?,
            FloatOperation::Sums { .. } => self.sums(tensor)?,
            FloatOperation::Add(a, b) => {
                let (a, b) = (self.source(*a)?, self.source(*b)?);
                self.builder.sum(&a, &NetTensor { shape: a.shape.clone(), ..b }, false, span)?
            }
            FloatOperation::Scale { source, factors, offsets } => self.scale(tensor, *source, factors, offsets)?,
            FloatOperation::Divide { source, divisors } => {
                let x = self.source(*source)?;
                let factors = exact(divisors)?.iter().inspect(|_| work(NUMBER)).map(Rational::recip).collect();
                let result = self.times(&x, factors)?;
                self.layer(tensor, result)
            }
            FloatOperation::Normalize { .. } => self.normalize(tensor)?,
            FloatOperation::Clamp { source, lo, hi } => return self.clamp(*source, *lo, *hi),
            FloatOperation::LeakyRelu { source, alpha } => {
                let x = self.source(*source)?;
                self.builder.leaky(x, number(*alpha)?, span)?
            }
            FloatOperation::Sigmoid(source) | FloatOperation::Tanh(source) => {
                let x = self.source(*source)?;
                let tanh = matches!(tensor.operation, FloatOperation::Tanh(_));
                return self.builder.squashed(x, tanh, span).map(NetValue::Curve);
            }
            FloatOperation::Max { source, windows } => {
                let x = self.source(*source)?;
                let result = self.builder.greatest(&x, windows.clone().into(), shape.clone(), span)?;
                self.layer(tensor, result)
            }
            FloatOperation::Mean { source, windows, cells } => self.mean(tensor, *source, windows, cells)?,
            FloatOperation::Gather(picks) => self.gather(picks)?,
        };
        Ok(NetValue::Tensor(NetTensor { shape, ..result }))
    }

    /// The tensor as others read it, cast if it is stored; an output of a format of its own goes to `outputs`.
    fn held(&mut self, index: usize, value: NetValue, outputs: &mut [Option<NetTensor>]) -> Checked<Option<NetTensor>> {
        let FloatImport { network, plan, formats } = self.import;
        let tensor = &network.tensors[index];
        let is_output = network.outputs.contains(&index);
        if let (Some(chosen), true) = (&formats.outputs, is_output) {
            let output = self.cast(tensor, "outputs", value.clone(), &chosen.format, chosen.ty)?;
            let places = network.outputs.iter().zip(outputs);
            places.filter(|(output, _)| **output == index).for_each(|(_, place)| *place = Some(output.clone()));
            if !plan[index].read {
                return Ok(Some(output));
            }
        }
        let result = if plan[index].cast {
            self.cast(tensor, "activations", value, &formats.activations.format, formats.activations.ty)?
        } else {
            match value {
                NetValue::Tensor(result) => result,
                NetValue::Clamped(clamped) => self.builder.exactly_clamped(clamped)?,
                _ => return Err(Reported),
            }
        };
        if !tensor.name.is_empty() {
            self.builder.name_layer(result.node, &tensor.name);
        }
        // Exact is what the plan says is exact, though all parts may happen to have one format.
        let format = result.format.filter(|_| matches!(plan[index].result(), Held::Input | Held::Stored));
        Ok(Some(NetTensor { shape: imported_shape(&tensor.shape), format, ..result }))
    }

    /// A tensor stored in a format. A reading leaves it as it is.
    fn cast(
        &mut self,
        tensor: &FloatTensor,
        option: &str,
        value: NetValue,
        format: &Format,
        ty: &TypeExpr,
    ) -> Checked<NetTensor> {
        let span = self.span;
        if self.is_real() {
            return match value {
                NetValue::Tensor(tensor) => Ok(tensor),
                _ => Err(Reported),
            };
        }
        let result = match value {
            NetValue::Curve(curve) => self.builder.cast_curve(&curve, format, span, ty)?,
            NetValue::Clamped(clamped) => {
                self.cuts_nothing_off(tensor, option, clamped.ends.0.is_negative(), format, ty)?;
                self.builder.cast(&clamped.x, Some(&clamped.ends), format, span, ty)?
            }
            NetValue::Tensor(x) => {
                let negative = self.builder.range(x.node).lo < 0;
                self.cuts_nothing_off(tensor, option, negative, format, ty)?;
                self.builder.cast(&x, None, format, span, ty)?
            }
            _ => return Err(Reported),
        };
        if !tensor.name.is_empty() {
            self.builder.name_layer(result.node, &tensor.name);
        }
        Ok(result)
    }

    /// Refuses a format without negative values for a tensor that has some: it would be another ReLU.
    fn cuts_nothing_off(
        &self,
        tensor: &FloatTensor,
        option: &str,
        negative: bool,
        format: &Format,
        ty: &TypeExpr,
    ) -> Checked<()> {
        if !negative || format.min_raw() < format.zero(0) {
            return Ok(());
        }
        let FloatTensor { name, operator, .. } = tensor;
        let named = if name.is_empty() { String::new() } else { format!(" `{name}`") };
        let signed = Format { signed: true, ..format.clone() };
        self.builder.report(
            Diagnostic::error(
                "E0511",
                format!("the result{named} of `{operator}` can be negative, but `{format}` holds no negative value"),
                self.builder.place(ty.span),
                "would cut off what is below 0, as a Relu does",
            )
            .label(self.builder.place(self.span), "this file has no Relu there")
            .note("What weights multiply is stored, and so is what an activation function yields.")
            .help(format!("say a signed format, `{option} = {signed}` for example")),
        )
    }

    /// Lists a tensor as a layer of its operator.
    fn layer(&mut self, tensor: &FloatTensor, result: NetTensor) -> NetTensor {
        let result = NetTensor { shape: imported_shape(&tensor.shape), ..result };
        self.builder.layer(tensor.operator.clone(), &result, Parameters::default(), self.span);
        result
    }

    /// Known numbers: of padding.
    fn constant(&mut self, values: &[f32], shape: &[super::super::types::Axis]) -> Checked<NetTensor> {
        let values = exact(values)?;
        let constant = self.builder.exact_tensor(shape.to_vec(), &values);
        let node = if self.is_real() {
            self.builder.push_real(RealOp::Affine { terms: Vec::new(), bias: values.into() }, self.span)?
        } else {
            let numbers = constant.numbers.iter().map(|n| i128::from(*n)).collect();
            self.builder.push(Op::Constant(numbers), self.span)?
        };
        Ok(NetTensor { node, shape: constant.shape, scale: constant.scale, format: None })
    }

    /// A convolution or matrix product: weights of their format, and a bias.
    fn sums(&mut self, tensor: &FloatTensor) -> Checked<NetTensor> {
        let FloatOperation::Sums { source, taps, weights, weights_shape, channels, bias } = &tensor.operation else {
            return Err(Reported);
        };
        let (span, x) = (self.span, self.source(*source)?);
        let what = format!("`{}`", tensor.name);
        let chosen = &self.import.formats.weights;
        let weights = self.quantized(&what, weights, weights_shape, &chosen.format, chosen.ty)?;
        work(taps.iter().map(Vec::len).sum());
        let rows: Vec<Row> = taps.clone();
        let bias = match bias {
            Some(bias) => Some(self.bias(&what, bias, &x, &weights, (&rows, channels))?),
            None => None,
        };
        let parameters = Parameters::of(&weights, bias.as_ref());
        let bias_of = |row: usize| channels[row] as usize;
        let rows = Rows { rows, bias_of: &bias_of, shape: imported_shape(&tensor.shape) };
        let bias_span = self.import.formats.biases.as_ref().map_or(span, |biases| biases.ty.span);
        let result = self.builder.affine(&x, rows, &weights, bias.as_ref().map(|bias| (bias, bias_span)), span)?;
        self.builder.layer(tensor.operator.clone(), &result, parameters, span);
        Ok(result)
    }

    /// Floats of the file in a format; as they are in a reading.
    fn quantized(
        &self,
        what: &str,
        values: &[f32],
        shape: &[usize],
        format: &Format,
        ty: &TypeExpr,
    ) -> Checked<ConstantTensor> {
        if self.is_real() {
            let values: Vec<f64> = values.iter().inspect(|_| work(1)).map(|value| f64::from(*value)).collect();
            return Ok(ConstantTensor::exact(imported_shape(shape), Values::floats(&values).ok_or(Reported)?));
        }
        let evaluator = &self.builder.evaluator;
        let places = (at(evaluator.item, self.span), at(evaluator.item, ty.span));
        quantized_floats(evaluator.context, places, what, values, shape, format)
    }

    /// A bias in its format, or rounded to the steps of the sums that it is added to.
    fn bias(
        &self,
        what: &str,
        bias: &[f32],
        x: &NetTensor,
        weights: &ConstantTensor,
        (rows, channels): (&[Row], &[u32]),
    ) -> Checked<ConstantTensor> {
        let what = format!("{what}'s bias");
        match &self.import.formats.biases {
            Some(chosen) => self.quantized(&what, bias, &[bias.len()], &chosen.format, chosen.ty),
            None if self.is_real() => {
                let weights = &self.import.formats.weights;
                self.quantized(&what, bias, &[bias.len()], &weights.format, weights.ty)
            }
            None => {
                let steps = self.steps(bias.len(), x, weights, (rows, channels));
                self.rounded(&what, bias, steps)
            }
        }
    }

    /// For each channel the step that all products of its sums have in common.
    fn steps(
        &self,
        count: usize,
        x: &NetTensor,
        weights: &ConstantTensor,
        (rows, channels): (&[Row], &[u32]),
    ) -> PerElement<Rational> {
        if let (PerElement::All(x), PerElement::All(weight)) = (&x.scale, &weights.scale) {
            return PerElement::All(x * weight);
        }
        let mut steps = vec![Rational::zero(); count];
        let mut last: Option<(u32, &Rational)> = None;
        for (row, channel) in rows.iter().zip(channels) {
            for (column, weight) in row {
                let step = x.scale.get(*column as usize);
                if last != Some((*channel, step)) {
                    work(NUMBER);
                    let step = step * weights.scale.get(*weight as usize);
                    steps[*channel as usize] = common_step(&steps[*channel as usize], &step);
                }
                last = Some((*channel, step));
            }
        }
        PerElement::from_each(steps.into_iter().map(|s| if s.is_zero() { Rational::one() } else { s }).collect())
    }

    /// Floats rounded to steps, by the rounding of the weights' format.
    fn rounded(&self, what: &str, values: &[f32], steps: PerElement<Rational>) -> Checked<ConstantTensor> {
        let mode = self.import.formats.weights.format.rounding;
        let mut numbers = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            work(NUMBER);
            let Some(value) = from_f64(f64::from(*value)) else {
                return self.builder.error(
                    "E0504",
                    self.span,
                    format!("element [{index}] of {what} is {value}"),
                    "holds a number that is none",
                );
            };
            let Some(number) = mode.round(&(value / steps.get(index))).to_i64() else {
                return self.builder.error(
                    "E0404",
                    self.span,
                    format!("{what} needs more than 64 bits in the steps of the sums that it is added to"),
                    "too large a bias",
                );
            };
            numbers.push(number);
        }
        let shape = imported_shape(&[values.len()]);
        Ok(ConstantTensor { shape, numbers: numbers.into(), scale: steps, format: None, saturated: 0, exact: None })
    }

    /// x · factors + offsets. What is added to the sums of a layer that has no bias is its bias.
    fn scale(&mut self, tensor: &FloatTensor, source: usize, factors: &[f32], offsets: &[f32]) -> Checked<NetTensor> {
        let x = self.source(source)?;
        let operation = &self.import.network.tensors[source].operation;
        let is_bias = factors.iter().all(|factor| *factor == 1.0)
            && matches!(operation, FloatOperation::Sums { bias: None, .. })
            && self.import.plan[source].result() == Held::Exact;
        if is_bias && !self.is_real() {
            let what = format!("`{}`", tensor.name);
            let values = match &self.import.formats.biases {
                Some(chosen) => self.quantized(&what, offsets, &[offsets.len()], &chosen.format, chosen.ty)?,
                None => self.rounded(&what, offsets, x.scale.clone())?,
            };
            let parameters = Parameters::of(&values, None);
            let result = self.builder.plus(&x, spread(values.values(), x.len()), self.span)?;
            let result = NetTensor { shape: imported_shape(&tensor.shape), ..result };
            self.builder.layer(tensor.operator.clone(), &result, parameters, self.span);
            return Ok(result);
        }
        let mut result = x;
        if factors.iter().any(|factor| *factor != 1.0) {
            result = self.times(&result, exact(factors)?)?;
        }
        if offsets.iter().any(|offset| *offset != 0.0) {
            result = self.builder.plus(&result, spread(exact(offsets)?, result.len()), self.span)?;
        }
        if tensor.name.is_empty() {
            return Ok(result);
        }
        Ok(self.layer(tensor, NetTensor { format: None, ..result }))
    }

    /// x · factors: one for all, or one for each.
    fn times(&mut self, x: &NetTensor, factors: Vec<Rational>) -> Checked<NetTensor> {
        work(factors.len());
        match factors.split_first() {
            Some((first, rest)) if rest.iter().all(|factor| factor == first) => self.builder.times(x, first, self.span),
            _ => self.builder.times_each(x, &factors, self.span),
        }
    }

    /// A normalization, as `batch_norm` computes it.
    fn normalize(&mut self, tensor: &FloatTensor) -> Checked<NetTensor> {
        let FloatOperation::Normalize { source, channels, scale, offset, mean, variance, epsilon } = &tensor.operation
        else {
            return Err(Reported);
        };
        let x = self.source(*source)?;
        let (scale, offset, mean) = (exact(scale)?, exact(offset)?, exact(mean)?);
        let (variance, epsilon) = (exact(variance)?, number(*epsilon)?);
        let (mut factors, mut offsets) = (Vec::new(), Vec::new());
        for channel in 0..scale.len() {
            work(8 * NUMBER);
            let under = &variance[channel] + &epsilon;
            if !under.is_positive() {
                return Err(Reported);
            }
            let size = rounded_root(&(&scale[channel] * &scale[channel] / under));
            let factor = if scale[channel].is_negative() { -size } else { size };
            offsets.push(&offset[channel] - &factor * &mean[channel]);
            factors.push(factor);
        }
        let each = |list: &[Rational]| -> Vec<Rational> {
            channels.iter().inspect(|_| work(NUMBER)).map(|channel| list[*channel as usize].clone()).collect()
        };
        let scaled = self.times(&x, each(&factors))?;
        let result = self.builder.plus(&scaled, each(&offsets), self.span)?;
        Ok(self.layer(tensor, result))
    }

    /// min(max(x, lo), hi).
    fn clamp(&mut self, source: usize, lo: Option<f32>, hi: Option<f32>) -> Checked<NetValue> {
        let (x, span) = (self.source(source)?, self.span);
        if lo == Some(0.0) && hi.is_none() {
            return self.builder.rectified(x, span).map(NetValue::Tensor);
        }
        let end = |end: Option<f32>| end.map(number).transpose();
        let (mut lo, mut hi) = (end(lo)?, end(hi)?);
        let (least, greatest) = self.ends(&x);
        if !self.is_real() {
            // Beyond an end that is never reached lies nothing: the largest float is such an end.
            lo = lo.filter(|lo| *lo > least);
            hi = hi.filter(|hi| *hi < greatest);
        }
        let text = |end: &Option<Rational>| end.as_ref().map_or("…".to_owned(), qnn_ir::rational::exact);
        let operation = format!("clamp {} to {}", text(&lo), text(&hi));
        match (lo, hi) {
            (None, None) => Ok(NetValue::Tensor(x)),
            (Some(lo), None) if lo.is_zero() => self.builder.rectified(x, span).map(NetValue::Tensor),
            (Some(lo), Some(hi)) => self.builder.clamped(x, lo, hi, operation, span),
            (Some(lo), None) if self.is_real() => self.builder.real_clamp(x, lo, None, span).map(NetValue::Tensor),
            (None, Some(hi)) if self.is_real() => {
                let below = self.builder.times(&x, &-Rational::one(), span)?;
                let below = self.builder.real_clamp(below, -hi, None, span)?;
                self.builder.times(&below, &-Rational::one(), span).map(NetValue::Tensor)
            }
            (Some(lo), None) => self.builder.clamped(x, lo.clone(), greatest.max(lo), operation, span),
            (None, Some(hi)) => self.builder.clamped(x, least.min(hi.clone()), hi, operation, span),
        }
    }

    /// The least and the greatest value of a tensor, over all inputs; of a reading nothing is known.
    fn ends(&self, x: &NetTensor) -> (Rational, Rational) {
        let Some(ranges) = self.builder.ranges.get(x.node.index()).filter(|_| !self.is_real()) else {
            return (Rational::zero(), Rational::zero());
        };
        work(2 * NUMBER * ranges.len());
        let value = |(i, n): (usize, i128)| integer(n) * x.scale.get(i);
        let least = ranges.iter().map(|range| range.lo).enumerate().map(value).min();
        let greatest = ranges.iter().map(|range| range.hi).enumerate().map(value).max();
        (least.unwrap_or_else(Rational::zero), greatest.unwrap_or_else(Rational::zero))
    }

    /// The sum of each window over a number of cells.
    fn mean(
        &mut self,
        tensor: &FloatTensor,
        source: usize,
        windows: &[Box<[u32]>],
        cells: &[u32],
    ) -> Checked<NetTensor> {
        let x = self.source(source)?;
        let mut divisors: Vec<usize> = Vec::new();
        let mut rows: Vec<Row> = Vec::with_capacity(windows.len());
        for (window, cells) in windows.iter().zip(cells) {
            work(4 * (1 + window.len()) + divisors.len());
            let known = divisors.iter().rposition(|known| *known == *cells as usize);
            let index = known.unwrap_or_else(|| {
                divisors.push(*cells as usize);
                divisors.len() - 1
            });
            rows.push(window.iter().map(|i| (*i, index as u32)).collect());
        }
        let rows = Rows { rows, bias_of: &|row| row, shape: imported_shape(&tensor.shape) };
        let result = self.builder.affine(&x, rows, &reciprocals(&divisors), None, self.span)?;
        Ok(self.layer(tensor, result))
    }

    /// Elements of other tensors: in their format, where they have one.
    fn gather(&mut self, picks: &[(usize, u32)]) -> Checked<NetTensor> {
        let (mut nodes, mut scales) = (Vec::with_capacity(picks.len()), Vec::with_capacity(picks.len()));
        let mut formats: Vec<Option<Format>> = Vec::new();
        let mut known: Option<(usize, NetTensor)> = None;
        // Zeros around a tensor are zeros in its steps.
        let is_padding = |index: usize| match &self.import.network.tensors[index].operation {
            FloatOperation::Constant(values) => values.iter().all(|value| *value == 0.0),
            _ => false,
        };
        let first = picks.iter().map(|(index, _)| *index).find(|index| !is_padding(*index));
        let step = match first {
            Some(first) => self.source(first)?.scale.get(0).clone(),
            None => Rational::one(),
        };
        for (index, element) in picks {
            work(NUMBER);
            if known.as_ref().is_none_or(|(last, _)| last != index) {
                let tensor = self.source(*index)?;
                if !is_padding(*index) && !formats.contains(&tensor.format) {
                    formats.push(tensor.format.clone());
                }
                known = Some((*index, tensor));
            }
            let Some((_, tensor)) = &known else { return Err(Reported) };
            nodes.push((tensor.node, *element));
            let own = tensor.scale.get(*element as usize);
            scales.push(if is_padding(*index) { step.clone() } else { own.clone() });
        }
        let node: NodeId = self.builder.gather(nodes, self.span)?;
        let format = match formats.as_slice() {
            [format] => format.clone(),
            _ => None,
        };
        Ok(NetTensor { node, shape: Vec::new(), scale: PerElement::from_each(scales), format })
    }
}

/// A float as the rational that it is.
fn number(value: f32) -> Checked<Rational> {
    from_f64(f64::from(value)).ok_or(Reported)
}

/// Floats as the rationals that they are; the reader lets none through that is not finite.
fn exact(values: &[f32]) -> Checked<Vec<Rational>> {
    values.iter().inspect(|_| work(NUMBER)).map(|value| number(*value)).collect()
}

/// One value for each element, of one for all or one for each.
fn spread(values: Vec<Rational>, len: usize) -> Vec<Rational> {
    work(NUMBER * len);
    match values.as_slice() {
        [one] => vec![one.clone(); len],
        _ => values,
    }
}
