//! Operators that move elements: RESHAPE, SQUEEZE, EXPAND_DIMS, PAD, CONCATENATION, SPLIT, SLICE, STRIDED_SLICE, TRANSPOSE, GATHER, PACK, UNPACK.
//!
//! All copy stored integers; inputs and outputs must therefore be stored alike. The graph has a `Gather`, or the same node where the order stays.

use super::value::Value;
use super::{Computed, Lowering};
use crate::ImportError;
use crate::geometry::{strides, walk};
use crate::tflite::model::Operator;
use qnn_ir::{NodeId, Op};

impl<'m> Lowering<'m> {
    /// An output, stored like the input that it is copied from.
    fn copied(&self, operator: &Operator<'m>, at: usize, input: &Value) -> Result<Value, ImportError> {
        let index = operator.outputs.get(at).ok_or_else(|| ImportError::new(format!("its output {at} is missing")))?;
        let output = self.value_of(*index, NodeId(0))?;
        if !input.is_stored_like(&output) {
            return Err(ImportError::new(
                "its input and output are stored differently, which the kernels don't look at",
            ));
        }
        Ok(output)
    }

    /// Appends picked elements of one node.
    fn picked(
        &mut self,
        operator: &Operator<'m>,
        at: usize,
        node: NodeId,
        picks: &[u32],
    ) -> Result<NodeId, ImportError> {
        self.builder.grow(picks.len())?;
        let name = operator.outputs.get(at).map_or("", |output| &self.model.tensors[*output].name);
        self.builder.push(name, Op::Gather { picks: picks.iter().map(|at| (node, *at)).collect() })
    }

    /// An axis of a tensor, counted from the end where it is negative.
    fn axis_of(&self, axis: i64, rank: usize) -> Result<usize, ImportError> {
        let at = if axis < 0 { axis + rank as i64 } else { axis };
        let at = usize::try_from(at).ok().filter(|at| *at < rank);
        at.ok_or_else(|| ImportError::new(format!("there is no axis {axis} of {rank}")))
    }

    /// RESHAPE, SQUEEZE, EXPAND_DIMS: the same elements.
    pub(super) fn reshaped(&mut self, operator: &Operator<'m>) -> Result<Computed, ImportError> {
        let input = self.input(operator, 0)?;
        if operator.name() == "EXPAND_DIMS" {
            self.check_element(operator, input.element)?;
        }
        let output = self.copied(operator, 0, &input)?;
        if output.shape.iter().product::<usize>() != input.shape.iter().product::<usize>() {
            return Err(ImportError::new(format!(
                "its shapes {:?} and {:?} differ in size",
                input.shape, output.shape
            )));
        }
        Ok(input.node.into())
    }

    pub(super) fn padded(&mut self, operator: &Operator<'m>) -> Result<Computed, ImportError> {
        let input = self.activation(operator, 0)?;
        let output = self.copied(operator, 0, &input)?;
        let widths = self.integer_input(operator, 1)?;
        let width = |n: i64| usize::try_from(n).ok().filter(|n| *n <= 1 << 24);
        let widths: Option<Vec<usize>> = widths.into_iter().map(width).collect();
        let widths = widths.filter(|w| w.len() == 2 * input.shape.len());
        let widths = widths.ok_or_else(|| ImportError::new("its widths are not two for each axis, or out of range"))?;
        let shape: Vec<usize> = input.shape.iter().zip(widths.chunks(2)).map(|(n, w)| n + w[0] + w[1]).collect();
        self.check_shape(&output, &shape)?;
        let fill = match operator.name() {
            "PADV2" => match self.integer_input(operator, 2)?[..] {
                [value] if output.contains(value) => value - output.zero,
                _ => return Err(ImportError::new("what it fills with is not one integer of its output's type")),
            },
            _ => 0,
        };
        self.builder.grow(1 + shape.iter().product::<usize>())?;
        let fill = self.builder.push("padding", Op::Constant([i128::from(fill)].into()))?;
        let mut picks = vec![(fill, 0); shape.iter().product()];
        let steps = strides(&shape);
        let start: usize = steps.iter().zip(widths.chunks(2)).map(|(step, w)| step * w[0]).sum();
        let steps: Vec<isize> = steps.iter().map(|step| *step as isize).collect();
        for (at, target) in walk(&input.shape, start as isize, &steps).into_iter().enumerate() {
            picks[target as usize] = (input.node, at as u32);
        }
        let name = &self.model.tensors[self.output_index(operator)?].name;
        Ok(self.builder.push(name, Op::Gather { picks: picks.into() })?.into())
    }

    /// Tensors one after the other along an axis that they have.
    fn joined(&mut self, operator: &Operator<'m>, inputs: &[Value], axis: usize) -> Result<NodeId, ImportError> {
        let Some(first) = inputs.first() else { return Err(ImportError::new("it has no inputs")) };
        let mut shape = first.shape.clone();
        shape[axis] = inputs.iter().map(|input| input.shape.get(axis).copied().unwrap_or(0)).sum();
        for input in inputs {
            let mut own = input.shape.clone();
            if own.len() == shape.len() {
                own[axis] = shape[axis];
            }
            if own != shape {
                return Err(ImportError::new(format!(
                    "its inputs of the shapes {:?} and {:?} don't fit",
                    first.shape, input.shape
                )));
            }
        }
        let outer: usize = shape[..axis].iter().product();
        self.builder.grow(shape.iter().product())?;
        let mut picks = Vec::with_capacity(shape.iter().product());
        for at in 0..outer {
            for input in inputs {
                let inner: usize = input.shape[axis..].iter().product();
                picks.extend((0..inner).map(|k| (input.node, (at * inner + k) as u32)));
            }
        }
        let name = &self.model.tensors[self.output_index(operator)?].name;
        self.builder.push(name, Op::Gather { picks: picks.into() })
    }

    pub(super) fn concatenated(&mut self, operator: &Operator<'m>) -> Result<Computed, ImportError> {
        let options = operator.options.builtin_options_as_concatenation_options();
        if options.is_some_and(|o| o.fused_activation_function() != 0) {
            return Err(ImportError::new(
                "it has a fused activation function, which the kernels don't compute on integers",
            ));
        }
        let inputs = (0..operator.inputs.len()).map(|at| self.activation(operator, at));
        let inputs: Vec<Value> = inputs.collect::<Result<_, _>>()?;
        let output = self.output(operator)?;
        for input in &inputs {
            self.copied(operator, 0, input)?;
        }
        let axis = self.axis_of(options.map_or(0, |o| i64::from(o.axis())), output.shape.len())?;
        if inputs.iter().any(|input| input.shape.len() != output.shape.len()) {
            return Err(ImportError::new("its inputs have another number of axes than its output"));
        }
        let mut shape = output.shape.clone();
        shape[axis] = inputs.iter().map(|input| input.shape[axis]).sum();
        self.check_shape(&output, &shape)?;
        let node = self.joined(operator, &inputs, axis)?;
        if self.builder.graph.len(node) != shape.iter().product::<usize>() {
            return Err(ImportError::new("its inputs don't fit its output"));
        }
        Ok(node.into())
    }

    /// PACK: tensors along a new axis.
    pub(super) fn packed(&mut self, operator: &Operator<'m>) -> Result<Computed, ImportError> {
        let axis = operator.options.builtin_options_as_pack_options().map_or(0, |o| i64::from(o.axis()));
        let output = self.output(operator)?;
        let axis = self.axis_of(axis, output.shape.len())?;
        let mut inputs = Vec::new();
        for at in 0..operator.inputs.len() {
            let mut input = self.activation(operator, at)?;
            self.copied(operator, 0, &input)?;
            if axis > input.shape.len() {
                return Err(ImportError::new(format!("there is no axis {axis} of its inputs")));
            }
            input.shape.insert(axis, 1);
            inputs.push(input);
        }
        let node = self.joined(operator, &inputs, axis)?;
        let mut shape = inputs.first().map(|input| input.shape.clone()).unwrap_or_default();
        shape[axis] = inputs.len();
        self.check_shape(&output, &shape)?;
        Ok(node.into())
    }

    /// SPLIT and UNPACK: equal parts along an axis.
    pub(super) fn split(&mut self, operator: &Operator<'m>) -> Result<Computed, ImportError> {
        let unpacks = operator.name() == "UNPACK";
        let (input, axis) = if unpacks {
            let axis = operator.options.builtin_options_as_unpack_options().map_or(0, |o| i64::from(o.axis()));
            (self.activation(operator, 0)?, axis)
        } else {
            let axis = match self.integer_input(operator, 0)?[..] {
                [axis] => axis,
                _ => return Err(ImportError::new("it has not one axis")),
            };
            (self.activation(operator, 1)?, axis)
        };
        let axis = self.axis_of(axis, input.shape.len())?;
        let (parts, size) = (operator.outputs.len(), input.shape[axis]);
        if parts == 0 || !size.is_multiple_of(parts) || (unpacks && size != parts) {
            return Err(ImportError::new(format!("{size} elements along its axis are not {parts} equal parts")));
        }
        let mut shape = input.shape.clone();
        shape[axis] = size / parts;
        let steps = strides(&input.shape);
        let signed: Vec<isize> = steps.iter().map(|step| *step as isize).collect();
        let mut nodes = Vec::new();
        for part in 0..parts {
            let output = self.copied(operator, part, &input)?;
            let mut outer = shape.clone();
            if unpacks {
                outer.remove(axis);
            }
            self.check_shape(&output, &outer)?;
            let picks = walk(&shape, (part * shape[axis] * steps[axis]) as isize, &signed);
            nodes.push(self.picked(operator, part, input.node, &picks)?);
        }
        Ok(Computed { nodes, sums: None, parameters: Vec::new() })
    }

    pub(super) fn slice(&mut self, operator: &Operator<'m>) -> Result<Computed, ImportError> {
        let input = self.activation(operator, 0)?;
        let output = self.copied(operator, 0, &input)?;
        let (begin, size) = (self.integer_input(operator, 1)?, self.integer_input(operator, 2)?);
        if begin.len() != input.shape.len() || size.len() != input.shape.len() {
            return Err(ImportError::new("its begin or size has another length than its input has axes"));
        }
        let (mut shape, mut start) = (Vec::new(), 0);
        let steps = strides(&input.shape);
        for (axis, (begin, size)) in begin.into_iter().zip(size).enumerate() {
            let whole = input.shape[axis] as i64;
            let size = if size == -1 { whole.saturating_sub(begin) } else { size };
            if begin < 0 || size < 0 || begin.checked_add(size).is_none_or(|end| end > whole) {
                return Err(ImportError::new(format!("its part lies outside of axis {axis}")));
            }
            start += begin as isize * steps[axis] as isize;
            shape.push(size as usize);
        }
        self.check_shape(&output, &shape)?;
        let steps: Vec<isize> = steps.iter().map(|step| *step as isize).collect();
        Ok(self.picked(operator, 0, input.node, &walk(&shape, start, &steps))?.into())
    }

    pub(super) fn strided_slice(&mut self, operator: &Operator<'m>) -> Result<Computed, ImportError> {
        let options = operator.options.builtin_options_as_strided_slice_options();
        let mask = |of: fn(&Options<'m>) -> i32| options.as_ref().map_or(0, of);
        if mask(|o| o.ellipsis_mask() | o.new_axis_mask()) != 0 || options.is_some_and(|o| o.offset()) {
            return Err(ImportError::new("it has an ellipsis, a new axis, or offsets, which not all kernels have"));
        }
        let input = self.activation(operator, 0)?;
        let output = self.copied(operator, 0, &input)?;
        let rank = input.shape.len();
        let [begin, end, stride] = [1, 2, 3].map(|at| self.integer_input(operator, at));
        let (begin, end, stride) = (begin?, end?, stride?);
        if [&begin, &end, &stride].iter().any(|list| list.len() != rank) || rank > 16 {
            return Err(ImportError::new("its begin, end or strides have another length than its input has axes"));
        }
        let has = |mask: i32, axis: usize| mask >> axis & 1 == 1;
        let (mut walked, mut shape, mut steps, mut start) = (Vec::new(), Vec::new(), Vec::new(), 0);
        let own = strides(&input.shape);
        for axis in 0..rank {
            let (size, step) = (input.shape[axis] as i64, stride[axis]);
            if step == 0 || step.unsigned_abs() > 1 << 24 || size == 0 {
                return Err(ImportError::new(format!("its stride along axis {axis} is 0 or out of range")));
            }
            // Positions from the end, then clipped to where a walk in this direction can begin and end.
            let (low, high) = if step > 0 { (0, size) } else { (-1, size - 1) };
            let place = |at: i64| (if at < 0 { at.saturating_add(size) } else { at }).clamp(low, high);
            let from = match has(mask(|o| o.begin_mask()), axis) {
                true => {
                    if step > 0 {
                        low
                    } else {
                        high
                    }
                }
                false => place(begin[axis]),
            };
            let shrinks = has(mask(|o| o.shrink_axis_mask()), axis);
            let to = match has(mask(|o| o.end_mask()), axis) {
                true => {
                    if step > 0 {
                        high
                    } else {
                        low
                    }
                }
                false => place(end[axis]),
            };
            let count = if shrinks { 1 } else { ((to - from + step - step.signum()) / step).max(0) };
            if shrinks && (step < 0 || !(0..size).contains(&from)) {
                return Err(ImportError::new(format!("the element that it takes of axis {axis} is not there")));
            }
            start += from as isize * own[axis] as isize;
            steps.push(step as isize * own[axis] as isize);
            walked.push(count as usize);
            if !shrinks {
                shape.push(count as usize);
            }
        }
        self.check_shape(&output, &shape)?;
        if walked.contains(&0) {
            return Err(ImportError::new("its output is empty"));
        }
        Ok(self.picked(operator, 0, input.node, &walk(&walked, start, &steps))?.into())
    }

    pub(super) fn transposed(&mut self, operator: &Operator<'m>) -> Result<Computed, ImportError> {
        let input = self.activation(operator, 0)?;
        let output = self.copied(operator, 0, &input)?;
        let rank = input.shape.len();
        let axes: Vec<usize> = self
            .integer_input(operator, 1)?
            .into_iter()
            .map(|axis| self.axis_of(axis, rank))
            .collect::<Result<_, _>>()?;
        let mut sorted = axes.clone();
        sorted.sort_unstable();
        if sorted != (0..rank).collect::<Vec<_>>() {
            return Err(ImportError::new(format!("its axes {axes:?} are no permutation")));
        }
        let own = strides(&input.shape);
        let shape: Vec<usize> = axes.iter().map(|axis| input.shape[*axis]).collect();
        self.check_shape(&output, &shape)?;
        let steps: Vec<isize> = axes.iter().map(|axis| own[*axis] as isize).collect();
        Ok(self.picked(operator, 0, input.node, &walk(&shape, 0, &steps))?.into())
    }

    pub(super) fn gathered(&mut self, operator: &Operator<'m>) -> Result<Computed, ImportError> {
        let options = operator.options.builtin_options_as_gather_options();
        if options.is_some_and(|o| o.batch_dims() != 0) {
            return Err(ImportError::new("it gathers within batches"));
        }
        let input = self.activation(operator, 0)?;
        let output = self.copied(operator, 0, &input)?;
        let axis = self.axis_of(options.map_or(0, |o| i64::from(o.axis())), input.shape.len())?;
        let (_, tensor) = self.constant(operator, 1)?;
        let size = input.shape[axis];
        let indices: Vec<usize> = self
            .integer_input(operator, 1)?
            .into_iter()
            .map(|i| usize::try_from(i).ok().filter(|i| *i < size))
            .map(|i| i.ok_or_else(|| ImportError::new("one of its indices is out of range")))
            .collect::<Result<_, _>>()?;
        let shape = [&input.shape[..axis], &tensor.shape, &input.shape[axis + 1..]].concat();
        self.check_shape(&output, &shape)?;
        let outer: usize = input.shape[..axis].iter().product();
        let inner: usize = input.shape[axis + 1..].iter().product();
        let mut picks = Vec::with_capacity(shape.iter().product());
        for at in 0..outer {
            for index in &indices {
                picks.extend((0..inner).map(|k| ((at * size + index) * inner + k) as u32));
            }
        }
        Ok(self.picked(operator, 0, input.node, &picks)?.into())
    }
}

type Options<'a> = crate::tflite::schema_generated::tflite::StridedSliceOptions<'a>;
