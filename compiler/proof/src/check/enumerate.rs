//! The step `enumerate`: every input of a branch is evaluated.
//!
//! In: the ranges of the inputs, and cases of atoms. Out: how many inputs there are, if none meets all atoms of a case. Few inputs are evaluated by the
//! reference interpreter, many by the batched one, on which the reference interpreter passes judgement at one input in so many.

use super::STOPPED;
use super::state::State;
use crate::bound::{self, Fault};
use qnn_ir::batch::LANES;
use qnn_ir::interrupt::work;
use qnn_ir::obligation::{Atom, Linear, Obligation};
use qnn_ir::{Batch, Interpreter, Interval, Points};
use std::collections::HashMap;
use std::sync::Arc;

/// At most this many inputs are evaluated for one step.
const POINTS: u64 = 1 << 20;
/// A batch takes longer to make than so many inputs to evaluate.
const FEW: u64 = 32;
/// One batch in so many is compared with the reference interpreter, at one of its inputs.
const JUDGED: u64 = 16;
/// The elements that are evaluated before the checker asks whether to stop.
const QUESTION: usize = 1 << 16;

impl State<'_> {
    /// Evaluates every input left; the number of them, if none meets all atoms of a case. Once `stop` holds there is an error.
    pub(super) fn enumerate(
        &self,
        obligation: &Obligation,
        cases: &[Vec<&Atom>],
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<u64, Fault> {
        let nodes = || obligation.variables.iter().map(|variable| variable.node);
        let boxes: Vec<Vec<Interval>> = nodes().map(|node| self.ranges[node.index()].clone()).collect();
        let points = Points::new(nodes(), &boxes, POINTS).ok_or("Too many inputs to evaluate.")?;
        let mut evaluation = Evaluation { obligation, cases, points, inputs: Vec::new(), boxes };
        if evaluation.points.count() <= FEW || !evaluation.in_batches(self, stop)? {
            evaluation.one_by_one(self, stop)?;
        }
        Ok(evaluation.points.count())
    }
}

/// The inputs of a branch.
struct Evaluation<'a> {
    obligation: &'a Obligation,
    cases: &'a [Vec<&'a Atom>],
    boxes: Vec<Vec<Interval>>,
    points: Points,
    /// The input at hand.
    inputs: Vec<Vec<i128>>,
}

impl<'a> Evaluation<'a> {
    /// Evaluates all inputs by the reference interpreter.
    fn one_by_one(&mut self, state: &State<'_>, stop: &(dyn Fn() -> bool + Sync)) -> Result<(), Fault> {
        let mut interpreter = Interpreter::new(state.graph);
        let every = (QUESTION / (1 + state.graph.nodes.iter().map(|node| node.len).sum::<usize>())).clamp(1, 1024);
        self.inputs = self.boxes.iter().map(|ranges| ranges.iter().map(|range| range.lo).collect()).collect();
        let (mut changed, mut done) = (None, 1usize);
        loop {
            work(1);
            if done.is_multiple_of(every) && stop() {
                return Err(STOPPED.to_owned());
            }
            done += 1;
            let values = interpreter.run(&self.inputs, changed).map_err(|_| bound::too_large())?;
            if self.cases.iter().any(|atoms| atoms.iter().all(|atom| atom.holds(values))) {
                return Err(meets());
            }
            let Some(first) = self.next() else { return Ok(()) };
            changed = Some(self.obligation.variables[first].node);
        }
    }

    /// Goes to the next input; the first variable that changes, unless this was the last input. The last variable changes most often.
    fn next(&mut self) -> Option<usize> {
        for (variable, (values, ranges)) in self.inputs.iter_mut().zip(&self.boxes).enumerate().rev() {
            for (at, range) in values.iter_mut().zip(ranges).rev() {
                if *at < range.hi {
                    *at += 1;
                    return Some(variable);
                }
                *at = range.lo;
            }
        }
        None
    }

    /// Evaluates all inputs by the batched interpreter; whether its numbers suffice.
    fn in_batches(&mut self, state: &State<'_>, stop: &(dyn Fn() -> bool + Sync)) -> Result<bool, Fault> {
        // Each atom once, whatever the number of cases that share it.
        let (mut forms, mut known) = (Vec::<&Linear>::new(), HashMap::new());
        let mut number = |atom: &&'a Atom| {
            *known.entry(Arc::as_ptr(&atom.linear)).or_insert_with(|| {
                forms.push(&atom.linear);
                forms.len() - 1
            })
        };
        let cases: Vec<Vec<usize>> = self.cases.iter().map(|atoms| atoms.iter().map(&mut number).collect()).collect();
        let Some(mut batch) = Batch::new(state.graph, &self.boxes, &forms) else { return Ok(false) };
        for from in (0..self.points.count()).step_by(LANES) {
            if stop() {
                return Err(STOPPED.to_owned());
            }
            let lanes = self.points.fill(&mut batch, from);
            let values = batch.run();
            let is_met = |atoms: &Vec<usize>, lane: usize| atoms.iter().all(|atom| values[*atom][lane] >= 0);
            work(LANES * forms.len());
            if (0..lanes).any(|lane| cases.iter().any(|atoms| is_met(atoms, lane))) {
                return Err(meets());
            }
            let number = from / LANES as u64;
            if number.is_multiple_of(JUDGED) {
                // Another lane each time.
                let lane = (number / JUDGED) as usize % lanes;
                let values: Vec<i64> = values.iter().map(|values| values[lane]).collect();
                self.judge(state, &forms, from + lane as u64, &values)?;
            }
        }
        Ok(true)
    }

    /// Compares the forms' values at an input with what the reference interpreter computes.
    fn judge(&self, state: &State<'_>, forms: &[&Linear], number: u64, values: &[i64]) -> Result<(), Fault> {
        let mut inputs: Vec<Vec<i128>> =
            self.boxes.iter().map(|ranges| ranges.iter().map(|range| range.lo).collect()).collect();
        for (node, element, value) in self.points.at(number) {
            let variable = self.obligation.variables.iter().position(|variable| variable.node == node);
            inputs[variable.ok_or("An input without a variable.")?][element as usize] = i128::from(value);
        }
        let truth = qnn_ir::interpret(state.graph, &inputs).map_err(|_| bound::too_large())?;
        match forms.iter().zip(values).all(|(form, value)| form.value(&truth) == i128::from(*value)) {
            true => Ok(()),
            false => Err("The batched interpreter disagrees with the reference interpreter.".to_owned()),
        }
    }
}

fn meets() -> Fault {
    "An input meets all atoms.".to_owned()
}
