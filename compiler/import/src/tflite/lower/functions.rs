//! Functions of one tensor: QUANTIZE, RELU and its kin, LEAKY_RELU, PRELU, LOGISTIC, TANH, ELU, HARD_SWISH.
//!
//! A tensor of 8 bits has 256 integers, one of 16 bits 65,536: each function is the table of its results. What the runtimes take from a table of floats is taken from the same
//! floats, and refused where another mathematical library would round to another integer.

use super::arithmetic::{not_taken, stored_table};
use super::value::Value;
use super::{Computed, Lowering};
use crate::geometry::{broadcast, broadcast_shape};
use crate::tables::Values;
use crate::tflite::fixed_point::{HardSwish, logistic_int8, tanh_int8};
use crate::tflite::int16_curves::Int16Curve;
use crate::tflite::model::{Element, Operator};
use crate::tflite::requantize::{Requantize, activation_range};
use crate::{ImportError, Kernel};
use std::collections::BTreeMap;

impl<'m> Lowering<'m> {
    /// Appends one function of each stored integer.
    fn function(
        &mut self,
        operator: &Operator<'m>,
        input: &Value,
        output: &Value,
        f: impl Fn(i64) -> Option<i64>,
    ) -> Result<Computed, ImportError> {
        self.check_shape(output, &input.shape)?;
        let table = stored_table(input, output, f)?;
        let name = self.model.tensors[self.output_index(operator)?].name.clone();
        Ok(self.builder.functions(&name, input.node, &[table])?.into())
    }

    pub(super) fn quantize(&mut self, operator: &Operator<'m>) -> Result<Computed, ImportError> {
        let (input, output) = (self.input(operator, 0)?, self.output(operator)?);
        let (lo, hi) = output.limits();
        let (si, zi, so, zo) = (input.scale, input.zero, output.scale, output.zero);
        if self.kernel.is_micro() && output.element == Element::Uint8 {
            return Err(ImportError::new("TensorFlow Lite Micro does not have the operator for this output"));
        }
        if input.element != output.element && [input.element, output.element].contains(&Element::Uint8) {
            if [input.element, output.element].contains(&Element::Int16) {
                return Err(ImportError::new("the kernels don't have it between int16 and uint8"));
            }
            // Between int8 and uint8 all kernels flip the first bit where that is the whole difference.
            if si != so || (zi - zo).abs() != 128 {
                return Err(ImportError::new(
                    "it changes int8 to uint8, or back, and the scale, which is not known to be exact",
                ));
            }
            return self.function(operator, &input, &output, |x| Some(x - zi + zo));
        }
        if self.kernel == Kernel::Xnnpack {
            let ratio = si / so;
            if !(2f32.powi(-8)..=2f32.powi(7)).contains(&ratio) {
                return Err(not_taken(ratio));
            }
            let factor = (256.0 * ratio).round_ties_even() as i64;
            return self.function(operator, &input, &output, |x| {
                Some((((x - zi) * factor + (zo << 8) + 128) >> 8).clamp(lo, hi))
            });
        }
        let scaling = Requantize::fixed_point(self.kernel, f64::from(si) / f64::from(so))?;
        self.function(operator, &input, &output, |x| Some((scaling.apply(x - zi)? + zo).clamp(lo, hi)))
    }

    /// RELU, RELU6, RELU_N1_TO_1 that are operators of their own.
    pub(super) fn relu(&mut self, operator: &Operator<'m>) -> Result<Computed, ImportError> {
        let (input, output) = (self.activation(operator, 0)?, self.activation_output(operator)?);
        let is_micro = self.kernel.is_micro();
        let (code, top) = match operator.name() {
            "RELU" => (1, None),
            "RELU6" => (3, Some(6.0)),
            _ if is_micro => return Err(ImportError::new("TensorFlow Lite Micro does not have the operator")),
            _ => (2, None),
        };
        let (lo, hi) = output.limits();
        let (zi, zo) = (input.zero, output.zero);
        if let (true, Some(top)) = (is_micro, top) {
            // The kernel clips stored integers by the input's scale and does not look at the output's.
            if !input.is_stored_like(&output) {
                let name = &self.model.tensors[self.output_index(operator)?].name;
                self.notes.push(format!(
                    "TensorFlow Lite Micro's RELU6 copies the stored integers of its input to {name:?}, which has another scale"
                ));
            }
            let six = (zi + f64::from((top / input.scale).round()) as i64).clamp(lo, hi);
            return self.function(operator, &input, &output, move |x| Some(x.min(six).max(zi)));
        }
        // LiteRT divides the scales as 32-bit floats.
        let factor = match is_micro {
            true => f64::from(input.scale) / f64::from(output.scale),
            false => f64::from(input.scale / output.scale),
        };
        let scaling = Requantize::fixed_point(self.kernel, factor)?;
        let (lo, hi) = activation_range(Kernel::LitertReference, code, (output.scale, zo), (lo, hi))?;
        self.function(operator, &input, &output, move |x| Some((scaling.apply(x - zi)? + zo).min(hi).max(lo)))
    }

    pub(super) fn leaky_relu(&mut self, operator: &Operator<'m>) -> Result<Computed, ImportError> {
        let alpha = operator.options.builtin_options_as_leaky_relu_options().map_or(0.0, |o| o.alpha());
        let (input, output) = (self.activation(operator, 0)?, self.activation_output(operator)?);
        let (lo, hi) = output.limits();
        let (si, zi, so, zo) = (input.scale, input.zero, output.scale, output.zero);
        if self.kernel == Kernel::Xnnpack {
            let positive = si / so;
            let negative = positive * alpha;
            let range = 2f32.powi(-8)..=2f32.powi(7);
            if !range.contains(&positive) || !range.contains(&negative.abs()) || negative <= -127.996 {
                return Err(not_taken(negative));
            }
            let factor = |ratio: f32| (256.0 * ratio).round_ties_even() as i64;
            let (positive, negative) = (factor(positive), factor(negative));
            return self.function(operator, &input, &output, move |x| {
                let product = (x - zi) * if x >= zi { positive } else { negative };
                Some(((product + (zo << 8) + 128) >> 8).clamp(lo, hi))
            });
        }
        if alpha < 0.0 || !alpha.is_finite() {
            return Err(ImportError::new(format!(
                "its slope {alpha} is negative, for which the kernel's multiplier is not known"
            )));
        }
        let (positive, negative) = match self.kernel.is_micro() {
            true => (f64::from(si) / f64::from(so), f64::from(si) * f64::from(alpha) / f64::from(so)),
            // LiteRT multiplies and divides the scales as 32-bit floats.
            false => (f64::from(si / so), f64::from(si * alpha / so)),
        };
        let positive = Requantize::fixed_point(self.kernel, positive)?;
        let negative = Requantize::fixed_point(self.kernel, negative)?;
        self.function(operator, &input, &output, move |x| {
            let scaled = if x >= zi { positive } else { negative }.apply(x - zi)?;
            Some((scaled + zo).clamp(lo, hi))
        })
    }

    /// A leaky ReLU with a slope for each channel, or each element.
    pub(super) fn prelu(&mut self, operator: &Operator<'m>) -> Result<Computed, ImportError> {
        let (input, output) = (self.activation(operator, 0)?, self.activation_output(operator)?);
        let (_, tensor) = self.constant(operator, 1)?;
        let alpha = self.value_of(self.input_index(operator, 1)?, input.node)?;
        let slopes: Vec<i64> = self.integer_input(operator, 1)?.into_iter().map(|a| a - alpha.zero).collect();
        if broadcast_shape(&input.shape, &tensor.shape).as_ref() != Some(&input.shape) || input.shape.len() > 4 {
            return Err(ImportError::new(format!(
                "its slopes of shape {:?} don't fit {:?}",
                tensor.shape, input.shape
            )));
        }
        self.check_shape(&output, &input.shape)?;
        let (lo, hi) = output.limits();
        let (si, so, zo) = (input.scale, output.scale, output.zero);
        let (positive, negative) = match self.kernel {
            kernel if kernel.is_micro() => {
                (f64::from(si) / f64::from(so), f64::from(si) * f64::from(alpha.scale) / f64::from(so))
            }
            // LiteRT multiplies and divides the scales as 32-bit floats.
            _ => (f64::from(si / so), f64::from(si * alpha.scale / so)),
        };
        let positive = Requantize::fixed_point(self.kernel, positive)?;
        let negative = Requantize::fixed_point(self.kernel, negative)?;
        let mut tables: BTreeMap<i64, Values> = BTreeMap::new();
        for slope in &slopes {
            if !tables.contains_key(slope) {
                let table = stored_table(&input, &output, |x| {
                    let x = x - input.zero;
                    let scaled = if x >= 0 { positive.apply(x) } else { negative.apply(x * slope) };
                    Some((scaled? + zo).clamp(lo, hi))
                })?;
                tables.insert(*slope, table);
            }
        }
        let elements = broadcast(&tensor.shape, &input.shape);
        let tables: Vec<Values> = elements.into_iter().map(|at| tables[&slopes[at as usize]].clone()).collect();
        let name = self.model.tensors[self.output_index(operator)?].name.clone();
        Ok(self.builder.functions(&name, input.node, &tables)?.into())
    }

    pub(super) fn hard_swish(&mut self, operator: &Operator<'m>) -> Result<Computed, ImportError> {
        let (input, output) = (self.activation(operator, 0)?, self.activation_output(operator)?);
        let single = self.kernel == Kernel::TflmSingleRounding;
        let hard_swish = HardSwish::new(input.scale, output.scale, single)
            .ok_or_else(|| ImportError::new("its scales are out of the kernels' range"))?;
        let (lo, hi) = output.limits();
        let (zi, zo) = (input.zero, output.zero);
        self.function(operator, &input, &output, move |x| Some((hard_swish.apply(x - zi) + zo).clamp(lo, hi)))
    }

    /// LOGISTIC, TANH and ELU.
    pub(super) fn smooth(&mut self, operator: &Operator<'m>) -> Result<Computed, ImportError> {
        let (input, output) = (self.activation(operator, 0)?, self.activation_output(operator)?);
        let least = output.limits().0;
        let expected = match operator.name() {
            "LOGISTIC" | "TANH" if output.element == Element::Int16 => Some((1.0 / 32768.0, 0)),
            "LOGISTIC" => Some((1.0 / 256.0, least)),
            "TANH" => Some((1.0 / 128.0, least + 128)),
            _ => None,
        };
        if expected.is_some_and(|expected| expected != (output.scale, output.zero)) {
            return Err(ImportError::new(format!(
                "its output has the scale {:e} and the zero point {}, which the kernels refuse",
                output.scale, output.zero
            )));
        }
        let single = self.kernel == Kernel::TflmSingleRounding;
        let is_micro = self.kernel.is_micro();
        let (si, zi) = (input.scale, input.zero);
        if output.element == Element::Int16 {
            let is_tanh = operator.name() == "TANH";
            let curve = Int16Curve::new(si, is_tanh)
                .ok_or_else(|| ImportError::new("its input's scale is out of the kernels' range"))?;
            return self.function(operator, &input, &output, move |x| {
                Some(if is_tanh { curve.tanh(x) } else { curve.logistic(x) })
            });
        }
        match operator.name() {
            "LOGISTIC" if is_micro => {
                self.function(operator, &input, &output, move |x| logistic_int8(si, x - zi, single))
            }
            "TANH" if is_micro => self.function(operator, &input, &output, move |x| tanh_int8(si, x - zi, single)),
            "ELU" if self.kernel == Kernel::LitertReference => {
                Err(ImportError::new("LiteRT's reference kernels don't have the operator"))
            }
            name => {
                let table = float_table(self.kernel, name, &input, &output)?;
                self.function(operator, &input, &output, move |x| table.get(&x).copied())
            }
        }
    }
}

/// The table that the runtimes make with 32-bit floats. Of the machine's mathematical library is assumed that its `expf` errs by less than 0.51 units in
/// the last place (that of glibc, musl, bionic and newlib: 0.502), `tanhf` and `expm1f` by less than 2.5. A table that depends on more is refused.
fn float_table(kernel: Kernel, name: &str, input: &Value, output: &Value) -> Result<BTreeMap<i64, i64>, ImportError> {
    let inverse = 1.0 / output.scale;
    let (lo, hi) = output.limits();
    let is_xnnpack = kernel == Kernel::Xnnpack;
    // XNNPACK adds the zero point before it rounds, half to even; compilers for ARM may do so in one operation with the product.
    let stored = |y: f32| -> [i64; 2] {
        let zero = output.zero as f32;
        let results = match is_xnnpack {
            true => [y * inverse + zero, y.mul_add(inverse, zero)].map(|sum| sum.round_ties_even() as i64),
            false => [(y * inverse).round() as i64 + output.zero; 2],
        };
        results.map(|result| result.clamp(lo, hi))
    };
    let mut table = BTreeMap::new();
    for x in lo..=hi {
        let real = input.scale * (x - input.zero) as f32;
        let exact = f64::from(real);
        let candidates: Vec<f32> = match name {
            "LOGISTIC" if is_xnnpack => rounded(1.0 / (1.0 + (-exact).exp())),
            "LOGISTIC" => rounded((-exact).exp()).into_iter().map(|e| 1.0 / (1.0 + e)).collect(),
            "TANH" => near(exact.tanh(), 2),
            _ if real < 0.0 => {
                let exp = rounded(exact.exp()).into_iter().map(|e| e - 1.0);
                near(exact.exp_m1(), 2).into_iter().chain(exp).collect()
            }
            _ => vec![real],
        };
        let mut results = candidates.into_iter().flat_map(stored);
        let first = results.next().unwrap_or(0);
        if results.any(|other| other != first) {
            return Err(ImportError::new(format!(
                "its result for the stored input {x} depends on the last bit of the machine's {}",
                name.to_lowercase()
            )));
        }
        table.insert(x, first);
    }
    Ok(table)
}

/// The 32-bit floats that a function with an error of less than 0.51 units in the last place can yield: one, but beside the middle of two.
fn rounded(value: f64) -> Vec<f32> {
    let slack = 0.01 * 2f64.powi(-23);
    vec![(value * (1.0 - slack)) as f32, (value * (1.0 + slack)) as f32]
}

/// The 32-bit floats up to some units in the last place from a number.
fn near(value: f64, units: u32) -> Vec<f32> {
    let nearest = value as f32;
    if !nearest.is_finite() {
        return vec![nearest];
    }
    let (mut up, mut down) = (nearest, nearest);
    let mut all = vec![nearest];
    for _ in 0..units {
        (up, down) = (up.next_up(), down.next_down());
        all.extend([up, down]);
    }
    all
}
