//! All inputs of a domain, evaluated: in batches where there are many, on spare cores where that pays.
//!
//! In: a domain, linear forms, who looks at each input's values. Out: nothing but the reason for ending early. Invariant: unless it ends early, each input
//! was seen once, with the values that the reference interpreter or the batched one computes.

use super::domain::Domain;
use crate::{Control, Core, Reason};
use qnn_ir::batch::LANES;
use qnn_ir::interrupt::{Interrupted, inherited, work};
use qnn_ir::obligation::{Assignment, Linear};
use qnn_ir::{Batch, Graph, Interpreter, NodeId, Op, Points};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A batch takes longer to make than so many inputs to evaluate.
const FEW: u64 = 32;
/// The operations after which the engine asks whether to stop, where inputs are evaluated one by one.
const ASKED: u64 = 1 << 20;
/// With fewer operations than this in all, other cores are not worth it.
const LITTLE: u64 = 1 << 26;
/// After this, the time that is left is compared with what the rest will take.
const JUDGED: Duration = Duration::from_millis(300);
/// What will take so many times the time that there is does not go on.
const HOPELESS: f64 = 2.0;

/// An input and the values of the forms.
pub(super) struct Point<'a> {
    value: &'a dyn Fn(usize) -> i128,
    assignment: &'a dyn Fn() -> Assignment,
}

impl Point<'_> {
    /// A form's value.
    pub(super) fn value(&self, form: usize) -> i128 {
        (self.value)(form)
    }

    pub(super) fn assignment(&self) -> Assignment {
        (self.assignment)()
    }
}

/// Who looks at inputs: whether another one is wanted.
type See<'a> = dyn FnMut(&Point<'_>) -> bool + Send + 'a;

/// What is to be evaluated.
pub(super) struct Scan<'a> {
    domain: &'a Domain<'a>,
    forms: &'a [&'a Linear],
    gives_up: bool,
    control: &'a Control,
}

/// What the threads of a scan share.
struct Shared<'a, 'b> {
    points: Points,
    see: Mutex<&'a mut See<'b>>,
    /// The first input that no thread has taken.
    next: AtomicU64,
    done: AtomicU64,
    over: AtomicBool,
    /// Why it ended early.
    reason: Mutex<Option<Reason>>,
}

impl<'a> Scan<'a> {
    pub(super) fn new(
        domain: &'a Domain<'a>,
        forms: &'a [&'a Linear],
        gives_up: bool,
        control: &'a Control,
    ) -> Scan<'a> {
        Scan { domain, forms, gives_up, control }
    }

    /// Evaluates input after input, as long as `see` wants another.
    ///
    /// # Errors
    /// Why it ended before the last.
    pub(super) fn run(&self, see: &mut See<'_>) -> Result<(), Reason> {
        let Some(count) = self.domain.count() else { return Err(Reason::Incomplete(self.domain.too_many())) };
        if count == 0 {
            return Ok(());
        }
        let (graph, boxes) = (&self.domain.obligation.graph, self.domain.intervals());
        let batch = if count > FEW { Batch::new(graph, &boxes, self.forms) } else { None };
        match (batch, Points::new(graph.inputs(), &boxes, count)) {
            (Some(batch), Some(points)) => self.in_batches(batch, points, see),
            _ => self.one_by_one(count, see),
        }
    }

    fn in_batches(&self, batch: Batch, points: Points, see: &mut See<'_>) -> Result<(), Reason> {
        let is_little = batch.operations().saturating_mul(points.count()) < LITTLE;
        let shared = Shared {
            points,
            see: Mutex::new(see),
            next: AtomicU64::new(0),
            done: AtomicU64::new(0),
            over: AtomicBool::new(false),
            reason: Mutex::new(None),
        };
        let (inherited, interrupted) = (inherited(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let join = |core: Core, batch: Batch| {
                let (shared, inherited, interrupted) = (&shared, inherited.clone(), &interrupted);
                scope.spawn(move || {
                    let work = || self.work(batch, shared, Some(&core), &mut |_| {});
                    if inherited.run(work).is_err() {
                        interrupted.store(true, Ordering::Relaxed);
                        shared.over.store(true, Ordering::Relaxed);
                    }
                });
            };
            let mut recruit = |batch: &Batch| {
                if !is_little && let Some(core) = self.control.spare.take() {
                    join(core, batch.clone());
                }
            };
            self.work(batch, &shared, None, &mut recruit);
        });
        if interrupted.into_inner() {
            Interrupted.unwind();
        }
        shared.reason.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }

    /// Takes batches of inputs until there are none, or it is over. Calls `recruit` before each.
    fn work(&self, mut batch: Batch, shared: &Shared<'_, '_>, core: Option<&Core>, recruit: &mut dyn FnMut(&Batch)) {
        let (count, clock) = (shared.points.count(), &self.control.clock);
        let begun = clock.now();
        while !shared.over.load(Ordering::Relaxed) && !core.is_some_and(Core::is_wanted) {
            let done = shared.done.load(Ordering::Relaxed);
            let reason = self.control.stop().or_else(|| {
                let is_judge = self.gives_up && core.is_none();
                if is_judge { self.is_hopeless(done, count, clock.since(begun)) } else { None }
            });
            if let Some(reason) = reason {
                shared.over.store(true, Ordering::Relaxed);
                shared.reason.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason);
                return;
            }
            let from = shared.next.fetch_add(LANES as u64, Ordering::Relaxed);
            if from >= count {
                return;
            }
            recruit(&batch);
            let lanes = shared.points.fill(&mut batch, from);
            let values = batch.run();
            work(LANES * self.forms.len());
            let mut see = shared.see.lock().unwrap_or_else(PoisonError::into_inner);
            let goes_on = (0..lanes).all(|lane| {
                see(&Point {
                    value: &|form| i128::from(values[form][lane]),
                    assignment: &|| self.assignment(&shared.points, from + lane as u64),
                })
            });
            if !goes_on {
                shared.over.store(true, Ordering::Relaxed);
                return;
            }
            drop(see);
            let done = shared.done.fetch_add(lanes as u64, Ordering::Relaxed) + lanes as u64;
            self.control.meter.reach(done as f64 / count as f64);
        }
    }

    /// Why not to go on, if all inputs will take far longer than there is time.
    fn is_hopeless(&self, done: u64, count: u64, spent: Duration) -> Option<Reason> {
        let deadline = self.control.deadline?;
        if spent < JUDGED || done == 0 {
            return None;
        }
        let rest = spent.as_secs_f64() * (count - done) as f64 / done as f64;
        let left = deadline.saturating_duration_since(self.control.clock.now()).as_secs_f64();
        (rest > HOPELESS * left)
            .then(|| Reason::Incomplete(format!("to evaluate all of the {count} inputs takes about {rest:.0} s more")))
    }

    /// The assignment of an input by its number.
    fn assignment(&self, points: &Points, number: u64) -> Assignment {
        let mut assignment: Assignment =
            self.domain.boxes.iter().map(|ranges| ranges.iter().map(|(lo, _)| *lo).collect()).collect();
        for (node, element, value) in points.at(number) {
            let variables = self.domain.obligation.variables.iter().zip(&mut assignment);
            for (_, values) in variables.filter(|(variable, _)| variable.node == node) {
                values[element as usize] = value;
            }
        }
        assignment
    }

    /// Evaluates the inputs by the reference interpreter, from each to the next.
    fn one_by_one(&self, count: u64, see: &mut See<'_>) -> Result<(), Reason> {
        let (graph, control) = (&self.domain.obligation.graph, self.control);
        let nodes: Vec<NodeId> = self.domain.obligation.variables.iter().map(|variable| variable.node).collect();
        let mut interpreter = Interpreter::new(graph);
        let mut at: Vec<Vec<i128>> =
            self.domain.boxes.iter().map(|v| v.iter().map(|(lo, _)| i128::from(*lo)).collect()).collect();
        let every = (ASKED / operations_one_by_one(graph)).clamp(1, 4096);
        let mut changed = 0;
        for done in 0..count {
            if done.is_multiple_of(every) {
                if let Some(reason) = control.stop() {
                    return Err(reason);
                }
                control.meter.reach(done as f64 / count as f64);
            }
            let values = interpreter.run(&at, nodes.get(changed).copied());
            let values = values
                .map_err(|overflow| Reason::Incomplete(format!("node {} needs more than 128 bits", overflow.node.0)))?;
            let point = Point {
                value: &|form| self.forms[form].value(values),
                assignment: &|| at.iter().map(|v| v.iter().map(|n| *n as i64).collect()).collect(),
            };
            if !see(&point) {
                return Ok(());
            }
            match next(&mut at, &self.domain.boxes) {
                Some(first) => changed = first,
                None => break,
            }
        }
        Ok(())
    }
}

/// Goes to the next input; the first variable that changed, if there is another input. The last variable changes most often.
fn next(at: &mut [Vec<i128>], boxes: &[Vec<(i64, i64)>]) -> Option<usize> {
    for (v, (values, ranges)) in at.iter_mut().zip(boxes).enumerate().rev() {
        for (at, (lo, hi)) in values.iter_mut().zip(ranges).rev() {
            if *at < i128::from(*hi) {
                *at += 1;
                return Some(v);
            }
            *at = i128::from(*lo);
        }
    }
    None
}

/// About how many operations one input takes by itself.
pub(super) fn operations_one_by_one(graph: &Graph) -> u64 {
    let of = |op: &Op| match op {
        Op::Affine { terms, .. } => {
            terms.iter().map(|(_, matrix)| (0..matrix.rows()).map(|row| matrix.entries(row)).sum::<usize>()).sum()
        }
        Op::Max { windows, .. } => windows.iter().map(|window| window.len()).sum(),
        _ => 0,
    };
    // Sums are short work beside everything that is done for a whole element.
    graph.nodes.iter().map(|node| (of(&node.op) + 16 * node.len) as u64).sum::<u64>() + 64
}
