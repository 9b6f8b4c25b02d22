//! Layers of weights: FULLY_CONNECTED, CONV_2D, DEPTHWISE_CONV_2D.
//!
//! The sums are a sparse `Affine` of the centred input, so that padding with the zero point adds nothing. Each channel of the output has a `Step`, which
//! all its positions share. What a sum is scaled by: `PopulateConvolutionQuantizationParams` of `tensorflow/lite/kernels/kernel_util.cc`, products of
//! doubles; XNNPACK's operators multiply and divide the scales as 32-bit floats.

use super::value::Value;
use super::weights::Weights;
use super::{Computed, Lowering, MAX_THRESHOLDS};
use crate::geometry::Axis;
use crate::tflite::model::{Element, Operator};
use crate::tflite::requantize::{Requantize, activation_range};
use crate::{ImportError, Kernel};
use qnn_ir::{Interval, Matrix, NodeId, Op, Step, Steps};
use std::sync::Arc;

/// The two axes of an image that windows move along.
#[derive(Clone, Copy)]
struct Windows {
    rows: Axis,
    columns: Axis,
}

impl<'m> Lowering<'m> {
    /// A layer whose matrix has a row for each element of the output, channels innermost.
    pub(super) fn layer(
        &mut self,
        operator: &Operator<'m>,
        input: &Value,
        weights: &Weights<'m>,
        matrix: Arc<Matrix>,
        activation: i8,
    ) -> Result<Computed, ImportError> {
        let output = self.activation_output(operator)?;
        let channels = weights.bias.len();
        let bias = (0..matrix.rows()).map(|row| i128::from(weights.bias[row % channels])).collect();
        let name = &self.model.tensors[self.output_index(operator)?].name;
        self.builder.grow(2 * matrix.rows())?;
        let sums = Op::Affine { terms: vec![(input.node, matrix)], bias };
        let sums = self.builder.push(&format!("{name} (sums)"), sums)?;
        let scalings = self.scalings(operator, input, weights, &output)?;
        let range = self.activation_range(self.kernel, activation, &output)?;
        let node = self.requantize(name, sums, &scalings, output.zero, range)?;
        self.note_older_multipliers(operator, input, weights, &output, (sums, range))?;
        Ok(Computed { nodes: vec![node], sums: Some(sums), parameters: weights.tensors.clone() })
    }

    /// Says so where a fully connected layer has other integers in versions of TensorFlow Lite Micro that multiply its scales as 32-bit floats.
    fn note_older_multipliers(
        &mut self,
        operator: &Operator<'m>,
        input: &Value,
        weights: &Weights<'m>,
        output: &Value,
        (sums, stored): (NodeId, (i64, i64)),
    ) -> Result<(), ImportError> {
        let &[scale] = weights.scale else { return Ok(()) };
        if operator.name() != "FULLY_CONNECTED" || !self.kernel.is_micro() {
            return Ok(());
        }
        let factors = [f64::from(input.scale) * f64::from(scale), f64::from(input.scale * scale)];
        let range = self.builder.range(sums);
        let step = |factor: f64| {
            let scaling = Requantize::integers(self.kernel, factor / f64::from(output.scale), weights.is_wide)?;
            // One threshold for each integer, whatever form the step has.
            let step = scaling.step(output.zero, stored, range)?;
            Ok((step.apply(range.lo), (step.lo() + 1..=step.hi()).map(|v| step.threshold(v)).collect::<Vec<_>>()))
        };
        let steps: Vec<_> = factors.into_iter().map(step).collect::<Result<_, ImportError>>()?;
        if steps[0] != steps[1] {
            let name = &self.model.tensors[self.output_index(operator)?].name;
            self.notes.push(format!(
                "versions of TensorFlow Lite Micro that multiply scales as 32-bit floats compute other integers of {name:?} for some sums, by 1"
            ));
        }
        Ok(())
    }

    /// The stored integers that a fused activation function leaves of an output.
    pub(super) fn activation_range(
        &self,
        kernel: Kernel,
        activation: i8,
        output: &Value,
    ) -> Result<(i64, i64), ImportError> {
        let range = activation_range(kernel, activation, (output.scale, output.zero), output.limits())?;
        if range.0 > range.1 {
            return Err(ImportError::new("its fused activation function leaves no integer of the output's type"));
        }
        Ok(range)
    }

    /// What the sums of each channel are scaled by; one for all where the weights have one scale.
    fn scalings(
        &self,
        operator: &Operator<'m>,
        input: &Value,
        weights: &Weights<'m>,
        output: &Value,
    ) -> Result<Vec<Requantize>, ImportError> {
        let scaling = |scale: &f32| {
            let exact = f64::from(input.scale) * f64::from(*scale) / f64::from(output.scale);
            match self.kernel {
                Kernel::Xnnpack => {
                    let factor = input.scale * scale / output.scale;
                    if !(factor.is_normal() && factor < 256.0) {
                        return Err(ImportError::new(format!(
                            "XNNPACK does not take a layer whose sums are scaled by {factor:e}, and another kernel runs"
                        )));
                    }
                    Ok(Requantize::Float32(factor))
                }
                Kernel::LitertReference => litert_scaling(operator.name(), input, weights, *scale, output),
                kernel => Requantize::integers(kernel, exact, weights.is_wide),
            }
        };
        weights.scale.iter().map(scaling).collect()
    }

    /// Appends the steps from sums to the integers of an output: one for all, or one for each channel, channels innermost.
    pub(super) fn requantize(
        &mut self,
        name: &str,
        sums: NodeId,
        scalings: &[Requantize],
        zero: i64,
        stored: (i64, i64),
    ) -> Result<NodeId, ImportError> {
        let mut unions: Vec<Option<Interval>> = vec![None; scalings.len()];
        let ranges = &self.builder.ranges[sums.index()];
        for (element, range) in ranges.iter().enumerate() {
            let union = &mut unions[element % scalings.len()];
            let old = union.get_or_insert(*range);
            *old = Interval::new(old.lo.min(range.lo), old.hi.max(range.hi));
        }
        let elements = ranges.len();
        let steps = scalings.iter().zip(unions);
        let steps: Vec<Step> = steps
            .map(|(scaling, range)| {
                let step = scaling.step(zero, stored, range.unwrap_or(Interval::new(0, 0)))?;
                self.count_thresholds(&step)?;
                Ok(step)
            })
            .collect::<Result<_, ImportError>>()?;
        let steps = match &steps[..] {
            [step] => Steps::Uniform(step.clone()),
            // Clones share their thresholds.
            steps => Steps::Each((0..elements).map(|element| steps[element % steps.len()].clone()).collect()),
        };
        self.builder.push(name, Op::Step { source: sums, steps })
    }

    /// Counts the thresholds of another step: those of a channel of int16 are up to 65,535.
    fn count_thresholds(&mut self, step: &Step) -> Result<(), ImportError> {
        if let Step::Table { thresholds, .. } = step {
            self.thresholds = self.thresholds.saturating_add(thresholds.len());
        }
        if self.thresholds > MAX_THRESHOLDS {
            return Err(ImportError::new(format!(
                "the network is too large: more than {MAX_THRESHOLDS} thresholds of scaled sums"
            )));
        }
        Ok(())
    }

    pub(super) fn fully_connected(&mut self, operator: &Operator<'m>) -> Result<Computed, ImportError> {
        let options = operator.options.builtin_options_as_fully_connected_options();
        if options.is_some_and(|o| o.weights_format() != 0) {
            return Err(ImportError::new("its weights are stored in a shuffled order"));
        }
        let input = self.activation(operator, 0)?;
        let weights = self.weights(operator, 1, 2, (0, input.element))?;
        let &[units, depth] = weights.shape else {
            return Err(ImportError::new(format!("its weights have the shape {:?}, not two axes", weights.shape)));
        };
        let elements: usize = input.shape.iter().product();
        if depth == 0 || !elements.is_multiple_of(depth) {
            return Err(ImportError::new(format!(
                "its weights of {depth} columns don't fit an input of {elements} numbers"
            )));
        }
        let batch = elements / depth;
        let output = self.activation_output(operator)?;
        if output.shape.iter().product::<usize>() != batch * units || output.shape.last() != Some(&units) {
            return Err(ImportError::new(format!(
                "its output has the shape {:?} where its inputs give {:?}",
                output.shape,
                [batch, units]
            )));
        }
        self.count_products(batch.checked_mul(units).and_then(|rows| rows.checked_mul(depth)))?;
        let matrix = if batch == 1 {
            Matrix::dense(units, depth, weights.values.clone())
        } else {
            let row = |row: usize| {
                let (at, unit) = (row / units, row % units);
                let weights = &weights.values[unit * depth..(unit + 1) * depth];
                weights.iter().enumerate().map(|(k, w)| ((at * depth + k) as u32, *w)).collect()
            };
            Matrix::from_rows(elements, (0..batch * units).map(row))
        };
        self.layer(operator, &input, &weights, matrix, options.map_or(0, |o| o.fused_activation_function()))
    }

    pub(super) fn convolution(&mut self, operator: &Operator<'m>) -> Result<Computed, ImportError> {
        let options = operator.options.builtin_options_as_conv_2_doptions().ok_or_else(without_options)?;
        let input = self.activation(operator, 0)?;
        let weights = self.weights(operator, 1, 2, (0, input.element))?;
        let (&[batch, height, width, depth], &[channels, rows, columns, group]) = (&input.shape[..], weights.shape)
        else {
            return Err(not_images(&input.shape, weights.shape));
        };
        if group == 0 || !depth.is_multiple_of(group) || !channels.is_multiple_of(depth / group) {
            return Err(ImportError::new(format!("its weights are of {group} channels for an input of {depth}")));
        }
        let windows = windows(
            options.padding(),
            (height, rows, options.stride_h(), options.dilation_h_factor()),
            (width, columns, options.stride_w(), options.dilation_w_factor()),
        )?;
        let (high, wide) = (windows.rows.output, windows.columns.output);
        let output = self.activation_output(operator)?;
        self.check_shape(&output, &[batch, high, wide, channels])?;
        let outputs = output.shape.iter().product::<usize>();
        self.count_products(outputs.checked_mul(rows * columns * group))?;
        let per_group = channels / (depth / group);
        let row = |element: usize| {
            let (at, channel) = (element / channels, element % channels);
            let (image, y, x) = (at / (high * wide), at / wide % high, at % wide);
            let first = channel / per_group * group;
            let mut entries = Vec::with_capacity(rows * columns * group);
            for (j, iy) in windows.rows.cells(y) {
                for (i, ix) in windows.columns.cells(x) {
                    let source = ((image * height + iy) * width + ix) * depth + first;
                    let weight = ((channel * rows + j) * columns + i) * group;
                    let cell = &weights.values[weight..weight + group];
                    entries.extend(cell.iter().enumerate().map(|(k, w)| ((source + k) as u32, *w)));
                }
            }
            entries
        };
        let matrix = Matrix::from_rows(batch * height * width * depth, (0..outputs).map(row));
        self.layer(operator, &input, &weights, matrix, options.fused_activation_function())
    }

    pub(super) fn depthwise_convolution(&mut self, operator: &Operator<'m>) -> Result<Computed, ImportError> {
        let options = operator.options.builtin_options_as_depthwise_conv_2_doptions().ok_or_else(without_options)?;
        let input = self.activation(operator, 0)?;
        let weights = self.weights(operator, 1, 2, (3, input.element))?;
        let (&[batch, height, width, depth], &[1, rows, columns, channels]) = (&input.shape[..], weights.shape) else {
            return Err(not_images(&input.shape, weights.shape));
        };
        if depth == 0 || !channels.is_multiple_of(depth) {
            return Err(ImportError::new(format!("its weights are of {channels} channels for an input of {depth}")));
        }
        let multiplier = channels / depth;
        if i32::try_from(multiplier) != Ok(options.depth_multiplier()) {
            let stated = options.depth_multiplier();
            return Err(ImportError::new(format!(
                "it states {stated} channels for each of its input, its weights have {multiplier}"
            )));
        }
        let windows = windows(
            options.padding(),
            (height, rows, options.stride_h(), options.dilation_h_factor()),
            (width, columns, options.stride_w(), options.dilation_w_factor()),
        )?;
        let (high, wide) = (windows.rows.output, windows.columns.output);
        let output = self.activation_output(operator)?;
        self.check_shape(&output, &[batch, high, wide, channels])?;
        let outputs = output.shape.iter().product::<usize>();
        self.count_products(outputs.checked_mul(rows * columns))?;
        let row = |element: usize| {
            let (at, channel) = (element / channels, element % channels);
            let (image, y, x) = (at / (high * wide), at / wide % high, at % wide);
            let mut entries = Vec::with_capacity(rows * columns);
            for (j, iy) in windows.rows.cells(y) {
                for (i, ix) in windows.columns.cells(x) {
                    let source = ((image * height + iy) * width + ix) * depth + channel / multiplier;
                    entries.push((source as u32, weights.values[(j * columns + i) * channels + channel]));
                }
            }
            entries
        };
        let matrix = Matrix::from_rows(batch * height * width * depth, (0..outputs).map(row));
        self.layer(operator, &input, &weights, matrix, options.fused_activation_function())
    }

    /// Each element of the input adds the weights, times itself, to a window of the output.
    pub(super) fn transposed_convolution(&mut self, operator: &Operator<'m>) -> Result<Computed, ImportError> {
        let options = operator.options.builtin_options_as_transpose_conv_options().ok_or_else(without_options)?;
        if options.fused_activation_function() != 0 {
            return Err(ImportError::new("it has a fused activation function, which not all kernels compute"));
        }
        let input = self.activation(operator, 2)?;
        let weights = self.weights(operator, 1, 3, (0, input.element))?;
        let output = self.activation_output(operator)?;
        let (&[batch, height, width, depth], &[channels, rows, columns, of]) = (&input.shape[..], weights.shape) else {
            return Err(not_images(&input.shape, weights.shape));
        };
        let &[_, high, wide, _] = &output.shape[..] else {
            return Err(not_images(&output.shape, weights.shape));
        };
        if of != depth {
            return Err(ImportError::new(format!("its weights are of {of} channels for an input of {depth}")));
        }
        self.check_shape(&output, &[batch, high, wide, channels])?;
        // The windows are those of the convolution from the output to the input.
        let rows = axis(options.padding(), (high, rows, options.stride_h(), 1))?;
        let columns = axis(options.padding(), (wide, columns, options.stride_w(), 1))?;
        if (rows.output, columns.output) != (height, width) {
            return Err(ImportError::new(format!(
                "its input of {height} times {width} does not give an output of {high} times {wide}"
            )));
        }
        let outputs = output.shape.iter().product::<usize>();
        self.count_products((batch * height * width * depth).checked_mul(rows.window * columns.window * channels))?;
        let row = |element: usize| {
            let (at, channel) = (element / channels, element % channels);
            let (image, y, x) = (at / (high * wide), at / wide % high, at % wide);
            let mut entries = Vec::new();
            for (j, iy) in rows.windows_at(y) {
                for (i, ix) in columns.windows_at(x) {
                    let source = ((image * height + iy) * width + ix) * depth;
                    let weight = ((channel * rows.window + j) * columns.window + i) * depth;
                    let cell = &weights.values[weight..weight + depth];
                    entries.extend(cell.iter().enumerate().map(|(k, w)| ((source + k) as u32, *w)));
                }
            }
            entries
        };
        let matrix = Matrix::from_rows(batch * height * width * depth, (0..outputs).map(row));
        self.layer(operator, &input, &weights, matrix, 0)
    }
}

/// How LiteRT's reference kernels (2.3.0) scale the sums of a layer: by the quotient of its scales in doubles; convolutions of uint8, which
/// are older, multiply the scales as 32-bit floats first (`GetQuantizedConvolutionMultipler`).
fn litert_scaling(
    operator: &str,
    input: &Value,
    weights: &Weights<'_>,
    scale: f32,
    output: &Value,
) -> Result<Requantize, ImportError> {
    let kernel = Kernel::LitertReference;
    let exact = f64::from(input.scale) * f64::from(scale) / f64::from(output.scale);
    match (input.element, operator) {
        (Element::Int8 | Element::Uint8, "FULLY_CONNECTED") => Ok(Requantize::Float64(exact)),
        (Element::Int16, "FULLY_CONNECTED") => Ok(Requantize::Float64Wide(exact)),
        (Element::Uint8, _) => {
            Requantize::fixed_point(kernel, f64::from(input.scale * scale) / f64::from(output.scale))
        }
        _ => Requantize::integers(kernel, exact, weights.is_wide),
    }
}

/// The error of an operator without the options that it can't do without.
pub(super) fn without_options() -> ImportError {
    ImportError::new("its options are missing in the file")
}

fn not_images(input: &[usize], weights: &[usize]) -> ImportError {
    ImportError::new(format!("its input and weights have the shapes {input:?} and {weights:?}, not those of images"))
}

/// (input, window, stride, dilation) of both axes as windows.
fn windows(
    padding: i8,
    rows: (usize, usize, i32, i32),
    columns: (usize, usize, i32, i32),
) -> Result<Windows, ImportError> {
    Ok(Windows { rows: axis(padding, rows)?, columns: axis(padding, columns)? })
}

/// Windows along an axis from (input, window, stride, dilation).
///
/// # Errors
/// Strides or dilations that are not positive, no window that fits, an unknown padding.
pub(super) fn axis(
    padding: i8,
    (input, window, stride, dilation): (usize, usize, i32, i32),
) -> Result<Axis, ImportError> {
    let positive = |n: i32| usize::try_from(n).ok().filter(|n| *n > 0);
    let (Some(stride), Some(dilation)) = (positive(stride), positive(dilation)) else {
        return Err(ImportError::new(format!("its stride {stride} or dilation {dilation} is not positive")));
    };
    let axis = match padding {
        0 => Axis::same(input, window, stride, dilation),
        1 => Axis::valid(input, window, stride, dilation),
        other => return Err(ImportError::new(format!("its padding {other} is unknown"))),
    };
    axis.ok_or_else(|| ImportError::new(format!("its windows of {window} don't fit an input of {input}")))
}
