//! The batched interpreter: the values of linear forms at many inputs of a box at once.
//!
//! In: a graph, a box of inputs, linear forms over any elements; then inputs of the box, `LANES` at a time. Out: the forms' values, exactly those that the
//! reference interpreter has. Elements whose interval over the box is a single value are constants, and what no form reads is left out, so that only the cone
//! of the free inputs is computed (`program`). Elements are stored in 32 bits where all intervals fit them, else in 64; sums are taken modulo 2^32 or 2^64, and
//! are exact because their results fit (`kernels`). A step is looked up in a table that is made for its interval (`lookup`).
//!
//! Invariant: with each input within the box, every value is exact. [`crate::Interpreter`] remains the definition of what a network computes; the tests
//! compare with it.

mod kernels;
mod lane;
mod lookup;
mod points;
mod program;
#[cfg(test)]
mod tests;

pub use points::Points;

use crate::interrupt::work;
use crate::obligation::Linear;
use crate::{Graph, Interval, NodeId, ranges};
use lane::Lane;
use program::Program;

/// How many inputs are evaluated at once.
pub const LANES: usize = 64;

/// The tasks after which interruption is asked for.
const TASKS: usize = 64;

/// The values of some linear forms over a graph, for inputs within a box.
#[derive(Clone, Debug)]
pub struct Batch {
    width: Width,
    forms: Vec<[i64; LANES]>,
}

/// The numbers that elements are stored in.
#[derive(Clone, Debug)]
enum Width {
    Short(Program<i32>, Vec<[i32; LANES]>),
    Long(Program<i64>, Vec<[i64; LANES]>),
}

impl Batch {
    /// The evaluation of forms for inputs within a box: one vector of intervals for each input node, in node order. `None` where 64 bits do not hold the
    /// interval of an element or a form.
    ///
    /// # Panics
    /// If the number or lengths of the boxes are not the graph's: a bug of the caller.
    pub fn new(graph: &Graph, boxes: &[Vec<Interval>], forms: &[&Linear]) -> Option<Batch> {
        let ranges = ranges(graph, boxes).ok()?;
        let width = match Program::<i32>::new(graph, &ranges, forms) {
            Some(program) => {
                let values = vec![[0; LANES]; program.slots()];
                Width::Short(program, values)
            }
            None => {
                let program = Program::<i64>::new(graph, &ranges, forms)?;
                let values = vec![[0; LANES]; program.slots()];
                Width::Long(program, values)
            }
        };
        Some(Batch { width, forms: vec![[0; LANES]; forms.len()] })
    }

    /// The elements of inputs that have more than one value and count for a form, in the order of their nodes: what is to be [`set`](Batch::set).
    pub fn inputs(&self) -> &[(NodeId, u32)] {
        match &self.width {
            Width::Short(program, _) => &program.inputs,
            Width::Long(program, _) => &program.inputs,
        }
    }

    /// About how many elementary operations one input takes.
    pub fn operations(&self) -> u64 {
        match &self.width {
            Width::Short(program, _) => program.operations(),
            // Half as many numbers fit a register.
            Width::Long(program, _) => 2 * program.operations(),
        }
    }

    /// Sets an element of an input, by its place in [`inputs`](Batch::inputs), of one of the `LANES` inputs. The value has to be within the box.
    pub fn set(&mut self, input: usize, lane: usize, value: i64) {
        match &mut self.width {
            Width::Short(_, values) => values[input][lane] = value as i32,
            Width::Long(_, values) => values[input][lane] = value,
        }
    }

    /// The forms' values for the inputs that were set: for each form, one value for each lane.
    pub fn run(&mut self) -> &[[i64; LANES]] {
        let Batch { width, forms } = self;
        match width {
            Width::Short(program, values) => run(program, values, forms, kernels::run_short),
            Width::Long(program, values) => run(program, values, forms, kernels::run_long),
        }
        forms
    }
}

/// Runs a program, and asks for interruption on the way.
fn run<T: Lane>(
    program: &Program<T>,
    values: &mut [[T; LANES]],
    forms: &mut [[i64; LANES]],
    tasks: fn(&Program<T>, &mut [[T; LANES]], std::ops::Range<usize>),
) {
    let (count, each) = (program.tasks.len(), program.operations() as usize);
    for from in (0..count).step_by(TASKS) {
        // A register holds at least eight numbers.
        work(TASKS + each / count * TASKS * LANES / 8);
        tasks(program, values, from..(from + TASKS).min(count));
    }
    program.forms(values, forms);
}
