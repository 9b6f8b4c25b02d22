//! What stands at the ends of a network: a softmax or an argmax at the end is left out, floats become the integers beside them.
//!
//! SOFTMAX never reverses the order of its inputs, and ARG_MAX depends on the order alone: what a user asks about the class is asked about their input.
//! QUANTIZE of a float input and DEQUANTIZE of an output only translate; the network has the integers.

use super::Lowering;
use crate::ImportError;
use crate::tflite::model::{Element, Operator};

impl<'m> Lowering<'m> {
    /// Whether an operator is left out, and its output stands for its input: only what is left out may read it.
    pub(super) fn is_left_out(&mut self, operator: &Operator<'m>) -> Result<bool, ImportError> {
        let name = operator.name();
        if !matches!(name, "SOFTMAX" | "ARG_MAX" | "DEQUANTIZE") {
            return Ok(false);
        }
        let (input, output) = (self.input_index(operator, 0)?, self.output_index(operator)?);
        let source = self.left_out.get(&input).copied().unwrap_or(input);
        if !self.values.contains_key(&source) {
            // It may be a constant, or a float input; both are no case of this.
            let name = &self.model.tensors[source].name;
            return Err(ImportError::new(format!("it reads tensor {name:?}, which is none of the network's integers")));
        }
        match name {
            "SOFTMAX" => {
                let beta = operator.options.builtin_options_as_softmax_options().map_or(1.0, |o| o.beta());
                if !(beta.is_finite() && beta > 0.0) {
                    return Err(ImportError::new(format!("its factor beta is {beta}, not positive")));
                }
                self.note_softmax(source);
            }
            "ARG_MAX" => self.argmax(operator, source)?,
            _ if self.model.tensors[output].element != Element::Float32 => {
                return Err(ImportError::new("its output is not float32"));
            }
            _ => {}
        }
        self.left_out.insert(output, source);
        Ok(true)
    }

    fn note_softmax(&mut self, source: usize) {
        let name = &self.model.tensors[source].name;
        self.notes.push(format!(
            "a softmax at the end is left out: the output is its input {name:?}. It keeps the order, but logits that differ can become equal probabilities"
        ));
    }

    fn argmax(&mut self, operator: &Operator<'m>, source: usize) -> Result<(), ImportError> {
        let shape = &self.model.tensors[source].shape;
        let rank = shape.len() as i64;
        let axis = match self.integer_input(operator, 1)?[..] {
            [axis] if axis < 0 => axis + rank,
            [axis] => axis,
            _ => return Err(ImportError::new("it has not one axis")),
        };
        let others = shape.iter().enumerate().filter(|(at, _)| *at as i64 != axis);
        if !(0..rank).contains(&axis) || others.map(|(_, size)| *size).product::<usize>() != 1 {
            return Err(ImportError::new(format!("it has several results along axis {axis} of {shape:?}")));
        }
        let name = &self.model.tensors[source].name;
        self.notes.push(format!(
            "an argmax at the end is left out: the output is its input {name:?}. Of equal numbers, the runtimes take the first"
        ));
        Ok(())
    }
}
