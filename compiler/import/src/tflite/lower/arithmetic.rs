//! Two tensors, element by element: ADD, SUB, MUL by constants, MAXIMUM, MINIMUM.
//!
//! TensorFlow Lite's sums scale both inputs to a common step of 2^−20 first (2^−15 for int16), XNNPACK's multiply both by integers of 21 bits. Either is an
//! `Affine` of the inputs and of small steps, then one `Step`. From `kernels/internal/reference/integer_ops/{add,mul}.h`, `kernels/{add,sub,mul}.cc`,
//! and XNNPACK's `qs8-vadd` and `qs8-vmul`.

use super::value::Value;
use super::{Computed, Lowering};
use crate::geometry::{broadcast, broadcast_shape};
use crate::tables::{self, Values};
use crate::tflite::model::{Element, Operator};
use crate::tflite::multiplier::frexp;
use crate::tflite::requantize::Requantize;
use crate::{ImportError, Kernel};
use qnn_ir::{Interval, Matrix, NodeId, Op, Rounding, Step, Steps};
use std::sync::Arc;

/// A sum under construction: Σ factor · node + bias.
struct Sum {
    terms: Vec<(NodeId, i64)>,
    bias: Vec<i128>,
}

impl<'m> Lowering<'m> {
    /// Both inputs of an operator, broadcast to its output's shape.
    fn pair(&mut self, operator: &Operator<'m>) -> Result<(Value, Value, Value), ImportError> {
        let (a, b) = (self.activation(operator, 0)?, self.activation(operator, 1)?);
        let output = self.activation_output(operator)?;
        if self.known(a.node).is_some() && self.known(b.node).is_some() {
            return Err(ImportError::new("both of its inputs are constants: the file is not optimized"));
        }
        let Some(shape) = broadcast_shape(&a.shape, &b.shape) else {
            return Err(ImportError::new(format!(
                "its inputs of the shapes {:?} and {:?} don't fit",
                a.shape, b.shape
            )));
        };
        if shape.len() > 4 && a.shape != b.shape {
            return Err(ImportError::new("it repeats inputs of more than four axes, which not all kernels do"));
        }
        self.check_shape(&output, &shape)?;
        Ok((self.repeated(a, &shape)?, self.repeated(b, &shape)?, output))
    }

    /// A tensor broadcast to a shape.
    fn repeated(&mut self, mut value: Value, shape: &[usize]) -> Result<Value, ImportError> {
        if value.shape == shape {
            return Ok(value);
        }
        self.builder.grow(shape.iter().product())?;
        let picks = broadcast(&value.shape, shape).into_iter().map(|at| (value.node, at)).collect();
        value.node = self.builder.push("repeated", Op::Gather { picks })?;
        value.shape = shape.to_vec();
        Ok(value)
    }

    /// The integers of a node that is a constant.
    fn known(&self, node: NodeId) -> Option<Vec<i128>> {
        match &self.builder.graph.node(node).op {
            Op::Constant(values) => Some(values.to_vec()),
            Op::Gather { picks } => {
                let (source, _) = picks.first()?;
                let Op::Constant(values) = &self.builder.graph.node(*source).op else { return None };
                picks.iter().map(|(node, at)| (node == source).then(|| values[*at as usize])).collect()
            }
            _ => None,
        }
    }

    /// a + b, or a − b, with a fused activation function.
    pub(super) fn sum_of_two(&mut self, operator: &Operator<'m>) -> Result<Computed, ImportError> {
        let subtracts = operator.name() == "SUB";
        let activation = match subtracts {
            true => operator.options.builtin_options_as_sub_options().map(|o| o.fused_activation_function()),
            false => operator.options.builtin_options_as_add_options().map(|o| o.fused_activation_function()),
        };
        let (a, b, output) = self.pair(operator)?;
        let range = self.activation_range(self.kernel, activation.unwrap_or(0), &output)?;
        let len = self.builder.graph.len(a.node);
        let sign = if subtracts { -1 } else { 1 };
        let name = self.model.tensors[self.output_index(operator)?].name.clone();
        let mut sum = Sum { terms: Vec::new(), bias: vec![0; len] };
        if self.kernel == Kernel::Xnnpack {
            let (left, right, shift) = xnnpack_factors(&a, &b, &output)?;
            self.add_linear(&mut sum, a.node, left);
            self.add_linear(&mut sum, b.node, sign * right);
            let sums = self.finish_sum(&name, sum, len)?;
            let (lo, hi) = (i128::from(range.0 - output.zero), i128::from(range.1 - output.zero));
            let step = Step::Round { numerator: 1, denominator: 1 << shift, offset: 0, mode: Rounding::HalfUp, lo, hi };
            self.builder.grow(len)?;
            let node = self.builder.push(&name, Op::Step { source: sums, steps: Steps::Uniform(step) })?;
            return Ok(Computed { nodes: vec![node], sums: Some(sums), parameters: Vec::new() });
        }
        let bits = if output.element == Element::Int16 { 15 } else { 20 };
        if bits == 15 && !self.kernel.is_micro() && [&a, &b, &output].iter().all(|v| is_near_power_of_two(v.scale)) {
            return Err(ImportError::new(
                "its scales are powers of two, where LiteRT adds int16 by shifts or refuses them",
            )
            .help("choose a scale that is no power of two for one of them"));
        }
        let twice = f64::from(2.0 * a.scale.max(b.scale));
        let last = twice / (f64::from(1 << bits) * f64::from(output.scale));
        if last >= 1.0 || !last.is_normal() {
            return Err(ImportError::new("its scales are too far apart: the kernel stops"));
        }
        for (value, sign) in [(&a, 1), (&b, sign)] {
            let scaling = Requantize::fixed_point(self.kernel, f64::from(value.scale) / twice)?;
            self.add_scaled(&mut sum, value, &|x| scaling.apply(x << bits), sign)?;
        }
        let sums = self.finish_sum(&name, sum, len)?;
        let scaling = Requantize::fixed_point(self.kernel, last)?;
        self.builder.grow(len)?;
        let node = self.requantize(&name, sums, &[scaling], output.zero, range)?;
        Ok(Computed { nodes: vec![node], sums: Some(sums), parameters: Vec::new() })
    }

    /// Adds factor · node.
    fn add_linear(&self, sum: &mut Sum, node: NodeId, factor: i64) {
        match self.known(node) {
            Some(values) => sum.bias.iter_mut().zip(values).for_each(|(bias, v)| *bias += i128::from(factor) * v),
            None => sum.terms.push((node, factor)),
        }
    }

    /// Adds sign · f(value). A function with a slope of d to d + 1 is d · value and a step of few results: bounds of it stay tight.
    fn add_scaled(
        &mut self,
        sum: &mut Sum,
        value: &Value,
        f: &dyn Fn(i64) -> Option<i64>,
        sign: i64,
    ) -> Result<(), ImportError> {
        let outside = || ImportError::new("its arithmetic leaves the integers that the kernel has for it");
        if let Some(values) = self.known(value.node) {
            for (bias, v) in sum.bias.iter_mut().zip(values) {
                *bias += i128::from(sign * f(v as i64).ok_or_else(outside)?);
            }
            return Ok(());
        }
        let table = Values::new(value.centred(), f)?;
        let slope = table.values.windows(2).map(|pair| pair[1] - pair[0]).min().unwrap_or(0);
        let rest = Values::new(value.centred(), |x| f(x)?.checked_sub(slope * x))?;
        sum.terms.push((value.node, sign * slope));
        if let [first, others @ ..] = &rest.values[..]
            && others.iter().all(|v| v == first)
        {
            sum.bias.iter_mut().for_each(|bias| *bias += i128::from(sign * first));
            return Ok(());
        }
        let rest = self.builder.functions("rounding of a summand", value.node, &[rest])?;
        sum.terms.push((rest, sign));
        Ok(())
    }

    /// Appends a sum.
    fn finish_sum(&mut self, name: &str, sum: Sum, len: usize) -> Result<NodeId, ImportError> {
        self.builder.grow(len)?;
        let terms = sum.terms.into_iter().map(|(node, factor)| (node, Matrix::diagonal(&vec![factor; len]))).collect();
        self.builder.push(&format!("{name} (sums)"), Op::Affine { terms, bias: sum.bias.into() })
    }

    /// A product with a constant, with a fused activation function.
    pub(super) fn product(&mut self, operator: &Operator<'m>) -> Result<Computed, ImportError> {
        let activation = operator.options.builtin_options_as_mul_options().map_or(0, |o| o.fused_activation_function());
        let (a, b, output) = self.pair(operator)?;
        let range = self.activation_range(self.kernel, activation, &output)?;
        let (variable, factors) = match (self.known(a.node), self.known(b.node)) {
            (_, Some(factors)) => (a.node, factors),
            (Some(factors), _) => (b.node, factors),
            (None, None) => return Err(ImportError::new("it multiplies two tensors that both depend on the inputs")),
        };
        let factors: Vec<i64> = factors.into_iter().map(|factor| factor as i64).collect();
        let len = factors.len();
        let name = self.model.tensors[self.output_index(operator)?].name.clone();
        self.builder.grow(2 * len)?;
        let product = Op::Affine { terms: vec![(variable, Matrix::diagonal(&factors))], bias: vec![0; len].into() };
        let products = self.builder.push(&format!("{name} (products)"), product)?;
        let factor = a.scale * b.scale / output.scale;
        let scaling = match self.kernel {
            Kernel::Xnnpack => {
                if !(factor >= 2f32.powi(-16) && factor < 256.0) {
                    return Err(not_taken(factor));
                }
                let scaling = Requantize::Float32(factor);
                let values = if variable == a.node { a.centred() } else { b.centred() };
                same_on_arm(scaling, factor, &factors, values, range, output.zero)?;
                scaling
            }
            kernel if kernel.is_micro() => {
                Requantize::fixed_point(kernel, f64::from(a.scale) * f64::from(b.scale) / f64::from(output.scale))?
            }
            kernel => Requantize::fixed_point(kernel, f64::from(factor))?,
        };
        let node = self.requantize(&name, products, &[scaling], output.zero, range)?;
        Ok(Computed { nodes: vec![node], sums: Some(products), parameters: Vec::new() })
    }

    /// The greater or the lesser of two elements.
    pub(super) fn extremum(&mut self, operator: &Operator<'m>) -> Result<Computed, ImportError> {
        let (a, b, output) = self.pair(operator)?;
        if !a.is_stored_like(&output) || !b.is_stored_like(&output) {
            return Err(ImportError::new(
                "its inputs and output are stored differently, which the kernels don't look at",
            ));
        }
        let len = self.builder.graph.len(a.node);
        let name = self.model.tensors[self.output_index(operator)?].name.clone();
        self.builder.grow(3 * len)?;
        let picks = [a.node, b.node].iter().flat_map(|node| (0..len as u32).map(|at| (*node, at))).collect();
        let mut source = self.builder.push("both", Op::Gather { picks })?;
        let negate = |builder: &mut crate::builder::Builder, source, len| {
            builder.grow(len)?;
            let terms = vec![(source, Matrix::diagonal(&vec![-1; len]))];
            builder.push("negated", Op::Affine { terms, bias: vec![0; len].into() })
        };
        let is_minimum = operator.name() == "MINIMUM";
        if is_minimum {
            source = negate(&mut self.builder, source, 2 * len)?;
        }
        let windows: Arc<[Box<[u32]>]> = (0..len as u32).map(|at| [at, at + len as u32].into()).collect();
        let node = self.builder.push(&name, Op::Max { source, windows })?;
        Ok(if is_minimum { negate(&mut self.builder, node, len)? } else { node }.into())
    }
}

/// Whether LiteRT may take a scale for a power of two: its `CheckedLog2` allows for 0.001, in 32-bit floats.
fn is_near_power_of_two(scale: f32) -> bool {
    let exponent = f64::from(scale).log2();
    (exponent - exponent.round()).abs() < 0.0011
}

/// XNNPACK's factors of both inputs of a sum, and the shift after it.
fn xnnpack_factors(a: &Value, b: &Value, output: &Value) -> Result<(i64, i64, u32), ImportError> {
    let ratios = [a.scale / output.scale, b.scale / output.scale];
    for ratio in ratios {
        if !(2f32.powi(-10)..2f32.powi(8)).contains(&ratio) {
            return Err(not_taken(ratio));
        }
    }
    let exponent = frexp(f64::from(ratios[0].max(ratios[1]))).1 - 1;
    // Between 12 and 30.
    let shift = 20 - exponent;
    let factor = |ratio: f32| (f64::from(ratio) * 2f64.powi(shift)).round_ties_even() as i64;
    Ok((factor(ratios[0]), factor(ratios[1]), shift as u32))
}

/// The error of an operator that XNNPACK leaves to another kernel.
pub(super) fn not_taken(ratio: f32) -> ImportError {
    ImportError::new(format!(
        "XNNPACK does not take an operator whose scales have the ratio {ratio:e}, and another kernel runs"
    ))
}

/// Checks that XNNPACK's products are the same on ARM, where they are scaled in integers: the float's mantissa as a multiplier, a doubling high
/// product without rounding, then a shift, rounded half up (`xnn_init_qs8_mul_minmax_rndnu_neon_params`).
fn same_on_arm(
    scaling: Requantize,
    factor: f32,
    factors: &[i64],
    values: Interval,
    (lo, hi): (i64, i64),
    zero: i64,
) -> Result<(), ImportError> {
    let bits = factor.to_bits();
    let multiplier = i64::from((bits & 0x7f_ffff) | 0x80_0000) << 7;
    let shift = 127 + 31 - 32 - (bits >> 23) as i32;
    let post = shift.max(1);
    let arm = |product: i64| {
        let high = ((product << (post - shift)) * multiplier) >> 31;
        Some((high + (1 << (post - 1))) >> post)
    };
    let mut distinct = factors.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let stored = |r: Option<i64>| r.map(|r| r.saturating_add(zero).clamp(lo, hi));
    for constant in distinct {
        for value in values.lo as i64..=values.hi as i64 {
            if stored(arm(value * constant)) != stored(scaling.apply(value * constant)) {
                return Err(ImportError::new("XNNPACK's product differs between x86 and ARM for some of its inputs")
                    .help("fold the factor into the layer before it, or choose another kernel"));
            }
        }
    }
    Ok(())
}

/// A table over all integers of a type, from its stored integers.
pub(super) fn stored_table(
    input: &Value,
    output: &Value,
    f: impl Fn(i64) -> Option<i64>,
) -> Result<Values, ImportError> {
    tables::Values::new(input.centred(), |x| Some(f(x + input.zero)? - output.zero))
}
