//! Windows without weights: AVERAGE_POOL_2D, MAX_POOL_2D, MEAN, SUM.
//!
//! Averages are rounded on stored integers, half away from zero (`reference_integer_ops/pooling.h`). MEAN and SUM scale the sum of an axis
//! (`QuantizedMeanOrSum` of `reference/reduce.h`); XNNPACK does so in 32-bit floats, zero points included.

use super::sums::{axis, without_options};
use super::value::Value;
use super::{Computed, Lowering};
use crate::geometry::{Axis, strides, walk};
use crate::tables;
use crate::tflite::model::{Element, Operator};
use crate::tflite::requantize::Requantize;
use crate::{ImportError, Kernel};
use qnn_ir::{Matrix, NodeId, Op, Step, Steps};
use std::collections::BTreeMap;

/// The most axes of a tensor that all kernels reduce.
const MAX_REDUCED_AXES: usize = 5;

/// A pool: its windows over images.
struct Pool {
    rows: Axis,
    columns: Axis,
    /// [batch, height, width, channels]
    input: [usize; 4],
    stored: (i64, i64),
}

impl Pool {
    /// For each element of the output the positions of its window.
    fn windows(&self) -> impl Iterator<Item = Vec<u32>> + '_ {
        let [batch, height, width, channels] = self.input;
        let (high, wide) = (self.rows.output, self.columns.output);
        (0..batch * high * wide * channels).map(move |element| {
            let (at, channel) = (element / channels, element % channels);
            let (image, y, x) = (at / (high * wide), at / wide % high, at % wide);
            let cell = move |iy: usize, ix: usize| (((image * height + iy) * width + ix) * channels + channel) as u32;
            let rows = self.rows.cells(y);
            rows.flat_map(|(_, iy)| self.columns.cells(x).map(move |(_, ix)| cell(iy, ix))).collect()
        })
    }
}

impl<'m> Lowering<'m> {
    fn pool(&mut self, operator: &Operator<'m>) -> Result<(Value, Value, Pool), ImportError> {
        let options = operator.options.builtin_options_as_pool_2_doptions().ok_or_else(without_options)?;
        let (input, output) = (self.activation(operator, 0)?, self.activation_output(operator)?);
        let &[batch, height, width, channels] = &input.shape[..] else {
            return Err(ImportError::new(format!("its input has the shape {:?}, not that of images", input.shape)));
        };
        if !input.is_stored_like(&output) {
            return Err(ImportError::new(
                "its input and output are stored differently, which the kernels don't look at",
            ));
        }
        let window = |size: i32| {
            let size = usize::try_from(size).ok().filter(|size| *size > 0);
            size.ok_or_else(|| ImportError::new("its windows are empty"))
        };
        let (rows, columns) = (window(options.filter_height())?, window(options.filter_width())?);
        let rows = axis(options.padding(), (height, rows, options.stride_h(), 1))?;
        let columns = axis(options.padding(), (width, columns, options.stride_w(), 1))?;
        self.check_shape(&output, &[batch, rows.output, columns.output, channels])?;
        let cells = rows.window.min(height).checked_mul(columns.window.min(width));
        self.count_products(cells.and_then(|cells| cells.checked_mul(output.shape.iter().product())))?;
        // XNNPACK takes maxima only, and none whose windows leave out cells between them: LiteRT's kernel clips the others.
        let has_gaps = rows.stride > rows.window || columns.stride > columns.window;
        let kernel = match operator.name() {
            "MAX_POOL_2D" if !has_gaps => self.kernel,
            _ if self.kernel == Kernel::Xnnpack => Kernel::LitertReference,
            _ => self.kernel,
        };
        let stored = self.activation_range(kernel, options.fused_activation_function(), &output)?;
        Ok((input, output, Pool { rows, columns, input: [batch, height, width, channels], stored }))
    }

    pub(super) fn max_pool(&mut self, operator: &Operator<'m>) -> Result<Computed, ImportError> {
        let (input, output, pool) = self.pool(operator)?;
        let name = self.model.tensors[self.output_index(operator)?].name.clone();
        let windows: Vec<Box<[u32]>> = pool.windows().map(Vec::into_boxed_slice).collect();
        if windows.iter().any(|window| window.is_empty()) {
            return Err(ImportError::new("one of its windows lies in the padding alone"));
        }
        self.builder.grow(2 * windows.len())?;
        let node = self.builder.push(&name, Op::Max { source: input.node, windows: windows.into() })?;
        Ok(self.clip(&name, node, &output, pool.stored)?.into())
    }

    /// Clips a node to stored integers, unless they are all.
    pub(super) fn clip(
        &mut self,
        name: &str,
        node: NodeId,
        output: &Value,
        (lo, hi): (i64, i64),
    ) -> Result<NodeId, ImportError> {
        if (lo, hi) == output.limits() {
            return Ok(node);
        }
        let step = Step::clamp(i128::from(lo - output.zero), i128::from(hi - output.zero));
        self.builder.push(name, Op::Step { source: node, steps: Steps::Uniform(step) })
    }

    pub(super) fn average_pool(&mut self, operator: &Operator<'m>) -> Result<Computed, ImportError> {
        let (input, output, pool) = self.pool(operator)?;
        let name = self.model.tensors[self.output_index(operator)?].name.clone();
        let counts: Vec<i64> = pool.windows().map(|window| window.len() as i64).collect();
        if counts.contains(&0) {
            return Err(ImportError::new("one of its windows lies in the padding alone"));
        }
        self.builder.grow(2 * counts.len())?;
        let rows = pool.windows().map(|window| window.into_iter().map(|at| (at, 1)).collect());
        let matrix = Matrix::from_rows(self.builder.graph.len(input.node), rows);
        let sums = Op::Affine { terms: vec![(input.node, matrix)], bias: vec![0; counts.len()].into() };
        let sums = self.builder.push(&format!("{name} (sums)"), sums)?;
        let (lo, hi) = pool.stored;
        let most = counts.iter().copied().max().unwrap_or(0);
        let (least, greatest) = input.limits();
        // The kernels add stored integers, and half of their number, in 32 bits.
        if most.saturating_mul((-least).max(greatest) + 1) > i64::from(i32::MAX) {
            return Err(ImportError::new(format!("the sum of {most} integers can leave 32 bits")));
        }
        let mut steps: BTreeMap<i64, Step> = BTreeMap::new();
        for count in &counts {
            if steps.contains_key(count) {
                continue;
            }
            let range = self.builder.range(sums);
            let average = |sum: i64| {
                let sum = sum + count * input.zero;
                let half = if sum > 0 { count / 2 } else { -(count / 2) };
                // Rust's division truncates, as C's.
                Some(((sum + half) / count).clamp(lo, hi) - output.zero)
            };
            steps.insert(*count, tables::monotone(range, average)?);
        }
        let steps = match steps.len() {
            1 => Steps::Uniform(steps.pop_first().map_or(Step::clamp(0, 0), |(_, step)| step)),
            _ => Steps::Each(counts.iter().map(|count| steps[count].clone()).collect()),
        };
        let node = self.builder.push(&name, Op::Step { source: sums, steps })?;
        Ok(Computed { nodes: vec![node], sums: Some(sums), parameters: Vec::new() })
    }

    /// MEAN and SUM along axes.
    pub(super) fn reduction(&mut self, operator: &Operator<'m>) -> Result<Computed, ImportError> {
        let keeps = operator.options.builtin_options_as_reducer_options().is_some_and(|o| o.keep_dims());
        let (input, output) = (self.activation(operator, 0)?, self.activation_output(operator)?);
        let rank = input.shape.len();
        if rank > MAX_REDUCED_AXES {
            return Err(ImportError::new(format!(
                "its input has {rank} axes, where the kernels have {MAX_REDUCED_AXES}"
            )));
        }
        let (_, listed) = self.constant(operator, 1)?;
        if listed.element != Element::Int32 {
            return Err(ImportError::new(format!(
                "its axes are {}, where the kernels have int32",
                listed.element.name()
            )));
        }
        let mut axes = vec![false; rank];
        for axis in self.integer_input(operator, 1)? {
            let at = if axis < 0 { axis + rank as i64 } else { axis };
            let reduced = usize::try_from(at).ok().and_then(|at| axes.get_mut(at));
            *reduced.ok_or_else(|| ImportError::new(format!("its input has no axis {axis}")))? = true;
        }
        let kept: Vec<usize> = (0..rank).filter(|axis| keeps || !axes[*axis]).collect();
        let shape: Vec<usize> = kept.iter().map(|axis| if axes[*axis] { 1 } else { input.shape[*axis] }).collect();
        self.check_shape(&output, &shape)?;
        let part = |reduced: bool| {
            let part = (0..rank).filter(|axis| axes[*axis] == reduced);
            let own = strides(&input.shape);
            let (sizes, steps): (Vec<usize>, Vec<isize>) =
                part.map(|axis| (input.shape[axis], own[axis] as isize)).unzip();
            walk(&sizes, 0, &steps)
        };
        let (inside, firsts) = (part(true), part(false));
        if inside.is_empty() || firsts.is_empty() {
            return Err(ImportError::new("its input is empty"));
        }
        let count = inside.len() as i64;
        let name = self.model.tensors[self.output_index(operator)?].name.clone();
        self.count_products(inside.len().checked_mul(firsts.len()))?;
        self.builder.grow(2 * firsts.len())?;
        let rows = firsts.iter().map(|first| inside.iter().map(|at| (first + at, 1)).collect());
        let matrix = Matrix::from_rows(self.builder.graph.len(input.node), rows);
        let sums = Op::Affine { terms: vec![(input.node, matrix)], bias: vec![0; firsts.len()].into() };
        let sums = self.builder.push(&format!("{name} (sums)"), sums)?;
        let is_mean = operator.name() == "MEAN";
        let node = if self.kernel == Kernel::Xnnpack {
            self.reduce_as_xnnpack(&name, sums, count, (&input, &output), is_mean)?
        } else {
            if !is_mean && self.kernel == Kernel::LitertReference {
                return Err(ImportError::new("LiteRT's reference kernel of int8 sums does not compute them (2.3.0)"));
            }
            let scaling = self.reduction_scaling(count, &input, &output, is_mean)?;
            self.requantize(&name, sums, &[scaling], output.zero, output.limits())?
        };
        Ok(Computed { nodes: vec![node], sums: Some(sums), parameters: Vec::new() })
    }

    fn reduction_scaling(
        &self,
        count: i64,
        input: &Value,
        output: &Value,
        is_mean: bool,
    ) -> Result<Requantize, ImportError> {
        let factor = f64::from(input.scale) / f64::from(output.scale);
        let scaling = Requantize::fixed_point(self.kernel, factor)?;
        let divided = |mut multiplier: crate::tflite::multiplier::Multiplier| {
            if is_mean {
                let bits = count.ilog2() as i32;
                let shift = bits.min(32).min(31 + multiplier.shift);
                multiplier.multiplier = (multiplier.multiplier << shift) / count;
                multiplier.shift -= shift;
            }
            multiplier
        };
        Ok(match scaling {
            Requantize::Twice(multiplier) => Requantize::Twice(divided(multiplier)),
            Requantize::Once(multiplier) => Requantize::Once(divided(multiplier)),
            other => other,
        })
    }

    /// XNNPACK's reduction: the zero points are one float that is added to the scaled sum of stored integers.
    fn reduce_as_xnnpack(
        &mut self,
        name: &str,
        sums: NodeId,
        count: i64,
        (input, output): (&Value, &Value),
        is_mean: bool,
    ) -> Result<NodeId, ImportError> {
        let share = if is_mean { 1.0 / count as f32 } else { 1.0 };
        let inverse = input.scale / output.scale * share;
        let offset = output.zero as f32 - (count * input.zero) as f32 * inverse;
        let (lo, hi) = output.limits();
        let scaled = |sum: i64| {
            let stored = (sum + count * input.zero) as f32;
            Some(((stored * inverse + offset).round_ties_even() as i64).clamp(lo, hi) - output.zero)
        };
        let step = tables::monotone(self.builder.range(sums), scaled)?;
        self.builder.push(name, Op::Step { source: sums, steps: Steps::Uniform(step) })
    }
}
