//! A worker: takes boxes, closes them or splits them, and tries points of them.

use super::tree::{Bounded, Closed, Ended, Open, Split, Tree};
use super::{Boxes, hopeless};
use crate::{Control, Core, Reason};
use qnn_ir::interrupt::work;
use qnn_ir::obligation::{Assignment, Atom, Obligation, Replay};
use qnn_ir::{Interpreter, Interval, ranges};
use qnn_proof::{Propagated, Reach, propagate};
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How long a worker without a box waits before it looks again.
const WAIT: Duration = Duration::from_millis(5);

/// The part of an atom's greatest slope that each input gets for a split's choice: measured on ACAS Xu, where it saves half of the boxes.
const UNSEEN: f64 = 0.02;

/// The ranges of all inputs, by variable.
pub(super) type Ranges = Vec<Vec<(i64, i64)>>;

/// What a point is.
enum Point {
    Answers(Assignment),
    /// It meets the atoms, but not the exact statement.
    NearMiss,
    Fails,
}

/// A worker of one thread.
pub(super) struct Worker<'a> {
    engine: Boxes,
    obligation: &'a Obligation,
    control: &'a Control,
    interpreter: Interpreter<'a>,
    /// All atoms, each once, assumptions first; and for each case the atoms' numbers.
    atoms: Vec<&'a Atom>,
    cases: Vec<Vec<usize>>,
}

impl<'a> Worker<'a> {
    pub(super) fn new(engine: Boxes, obligation: &'a Obligation, control: &'a Control) -> Worker<'a> {
        let mut atoms: Vec<&Atom> = obligation.assumptions.iter().collect();
        let mut known = HashMap::new();
        let mut number = |atom: &'a Atom| {
            *known.entry(Arc::as_ptr(&atom.linear)).or_insert_with(|| {
                atoms.push(atom);
                atoms.len() - 1
            })
        };
        let cases = obligation.cases.iter().map(|case| case.iter().map(&mut number).collect()).collect();
        Worker { engine, obligation, control, interpreter: Interpreter::new(&obligation.graph), atoms, cases }
    }

    /// Bounds the whole as one box, and forgets what it found.
    pub(super) fn bounds_whole(&self) {
        let whole = self.obligation.variables.iter().map(|variable| variable.domain.clone()).collect();
        let _ = self.reached(&whole);
    }

    /// Takes boxes until none is open or the search ends; `recruit` is called while there are boxes for others.
    pub(super) fn work(&mut self, shared: &(Mutex<Tree>, Condvar), recruit: &dyn Fn(), core: Option<&Core>) {
        let begun = self.control.clock.now();
        let lock = || shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tree = lock();
        loop {
            if tree.ended.is_some() || core.is_some_and(Core::is_wanted) {
                break;
            }
            if let Some(reason) = self.control.stop() {
                tree.ended.get_or_insert(Ended::Stopped(reason));
                break;
            }
            let Some(open) = tree.open.pop() else {
                if tree.busy == 0 {
                    break;
                }
                tree = shared.1.wait_timeout(tree, WAIT).unwrap_or_else(PoisonError::into_inner).0;
                continue;
            };
            let ranges = tree.ranges(self.obligation, open.node);
            tree.busy += 1;
            let sharing = tree.open.len() > 1;
            drop(tree);
            if sharing {
                recruit();
            }
            let said = self.bound(&ranges, &open);
            tree = lock();
            tree.busy -= 1;
            match said {
                Ok(said) => {
                    tree.forecast.bounded(open.priority, said.split.map(|(_, priority)| priority));
                    tree.bounded(&open, said);
                    self.control.meter.reach(tree.done);
                    let left = self
                        .control
                        .deadline
                        .map_or(Duration::MAX, |end| end.saturating_duration_since(self.control.clock.now()));
                    if tree.forecast.is_hopeless(self.control.clock.since(begun), left) {
                        tree.ended.get_or_insert(Ended::Stopped(hopeless()));
                    }
                }
                Err(ended) => {
                    tree.ended.get_or_insert(ended);
                }
            }
            shared.1.notify_all();
        }
        drop(tree);
        shared.1.notify_all();
    }

    /// Closes a box or says where to split it.
    fn bound(&mut self, ranges: &Ranges, open: &Open) -> Result<Bounded, Ended> {
        let centre = centre(ranges);
        let mut near_miss = false;
        let mut attempt = |worker: &mut Worker<'a>, assignment: Assignment| match worker.is_answer(&assignment)? {
            Point::Answers(assignment) => Err(Ended::Point(assignment)),
            Point::NearMiss => {
                near_miss = true;
                Ok(())
            }
            Point::Fails => Ok(()),
        };
        if points(ranges) <= u128::from(self.engine.points) {
            for assignment in all(ranges) {
                attempt(self, assignment)?;
            }
            let closed = open.cases.iter().map(|case| (*case, Closed::Enumerated)).collect();
            return Ok(Bounded { closed, open: Vec::new(), split: None, near_miss });
        }
        attempt(self, centre)?;
        let reached = self.reached(ranges)?;
        let Some(reached) = reached else {
            let closed = open.cases.iter().map(|case| (*case, Closed::Propagated)).collect();
            return Ok(Bounded { closed, open: Vec::new(), split: None, near_miss: false });
        };
        let (mut closed, mut still, mut hardest): (_, _, Option<(f64, u32)>) = (Vec::new(), Vec::new(), None);
        let upper = |atom: usize| reached[atom].upper.map_or(f64::INFINITY, |upper| upper as f64);
        for case in open.cases.iter() {
            // The atom that is the nearest to being impossible; a case without atoms holds everywhere.
            let least = self.atoms_of(*case).map(upper).fold(f64::INFINITY, f64::min);
            if least < 0.0 {
                closed.push((*case, Closed::Propagated));
                continue;
            }
            still.push(*case);
            if hardest.is_none_or(|(most, _)| least > most) {
                hardest = Some((least, *case));
            }
        }
        let Some((priority, case)) = hardest else {
            return Ok(Bounded { closed, open: still, split: None, near_miss: false });
        };
        let atoms: Vec<(&Reach, f64)> = self.atoms_of(case).map(|atom| (&reached[atom], upper(atom))).collect();
        if let Some((reach, _)) = atoms.iter().min_by(|a, b| a.1.total_cmp(&b.1)) {
            // The corner where the linear form that bounds the atom is greatest.
            attempt(self, corner(ranges, reach))?;
        }
        let Some(split) = split_of(ranges, &atoms) else {
            return Err(Ended::Stopped(Reason::Internal("a box of one input was split".to_owned())));
        };
        Ok(Bounded { closed, open: still, split: Some((split, priority)), near_miss: false })
    }

    /// The numbers of the atoms that a case needs, assumptions first.
    pub(super) fn atoms_of(&self, case: u32) -> impl Iterator<Item = usize> + '_ {
        (0..self.obligation.assumptions.len()).chain(self.cases[case as usize].iter().copied())
    }

    /// What propagation says of all atoms in a box; `None` if nothing in it meets them.
    pub(super) fn reached(&self, boxes: &Ranges) -> Result<Option<Vec<Reach>>, Ended> {
        let interval = |(lo, hi): &(i64, i64)| Interval::new(i128::from(*lo), i128::from(*hi));
        let boxes: Vec<Vec<Interval>> = boxes.iter().map(|v| v.iter().map(interval).collect()).collect();
        let graph = &self.obligation.graph;
        let ranges = ranges(graph, &boxes).map_err(|overflow| {
            let why = format!("node {} needs more than 128 bits", overflow.node.0);
            Ended::Stopped(Reason::Incomplete(why))
        })?;
        Ok(match propagate(graph, &ranges, &self.atoms) {
            Propagated::Empty => None,
            Propagated::Reached(reached) => Some(reached),
        })
    }

    /// The values of all nodes at a point.
    pub(super) fn values(&mut self, assignment: &Assignment) -> Result<&[Vec<i128>], Ended> {
        let inputs: Vec<Vec<i128>> =
            assignment.iter().map(|vector| vector.iter().map(|n| i128::from(*n)).collect()).collect();
        self.interpreter.run(&inputs, None).map_err(|overflow| {
            let why = format!("node {} needs more than 128 bits", overflow.node.0);
            Ended::Stopped(Reason::Incomplete(why))
        })
    }

    /// Evaluates a point.
    fn is_answer(&mut self, assignment: &Assignment) -> Result<Point, Ended> {
        let obligation = self.obligation;
        let values = self.values(assignment)?;
        let holds = |atom: &Atom| atom.holds(values);
        if !obligation.assumptions.iter().all(holds) || !obligation.cases.iter().any(|case| case.iter().all(holds)) {
            return Ok(Point::Fails);
        }
        Ok(match obligation.replay(assignment) {
            Replay::Holds(_) => Point::Answers(assignment.clone()),
            Replay::Close => Point::NearMiss,
            Replay::Fails(_) => Point::Fails,
        })
    }
}

/// A number of each input's range.
fn each(ranges: &Ranges, number: impl Fn((i64, i64)) -> i64) -> Assignment {
    ranges.iter().map(|vector| vector.iter().map(|range| number(*range)).collect()).collect()
}

/// The middle of a box.
pub(super) fn centre(ranges: &Ranges) -> Assignment {
    each(ranges, |(lo, hi)| i64::midpoint(lo, hi))
}

/// Where to split a box, for the sake of some atoms with their bounds.
pub(super) fn split_of(ranges: &Ranges, atoms: &[(&Reach, f64)]) -> Option<Split> {
    let weights = weights(ranges, atoms);
    widest(ranges, |v, i| weights[v][i]).or_else(|| widest(ranges, |_, _| 1.0))
}

/// The corner of a box where a linear form is greatest.
pub(super) fn corner(ranges: &Ranges, reach: &Reach) -> Assignment {
    let end = |(lo, hi): &(i64, i64), slope: &f64| if *slope > 0.0 { *hi } else { *lo };
    let of = |(vector, slopes): (&Vec<(i64, i64)>, &Vec<f64>)| {
        vector.iter().zip(slopes).map(|(range, slope)| end(range, slope)).collect()
    };
    ranges.iter().zip(&reach.slopes).map(of).collect()
}

/// How much an input counts for the choice of a split: the sum over atoms of its slope's share of the atom's bound, and for each atom a small part of its greatest
/// slope, since what a split gains inside of the nonlinearities no slope shows.
fn weights(ranges: &Ranges, atoms: &[(&Reach, f64)]) -> Vec<Vec<f64>> {
    let mut weights: Vec<Vec<f64>> = ranges.iter().map(|vector| vec![0.0; vector.len()]).collect();
    for (reach, upper) in atoms.iter().filter(|(_, upper)| upper.is_finite()) {
        let greatest = reach.slopes.iter().flatten().fold(0.0f64, |most, slope| most.max(slope.abs()));
        for (weight, slope) in weights.iter_mut().flatten().zip(reach.slopes.iter().flatten()) {
            *weight += (slope.abs() + UNSEEN * greatest) / (1.0 + upper);
        }
    }
    weights
}

/// The middle of the range that is widest when weighted; `None` if no range has both a width and a weight.
fn widest(ranges: &Ranges, weight: impl Fn(usize, usize) -> f64) -> Option<Split> {
    let mut best: Option<(f64, Split)> = None;
    for (v, vector) in ranges.iter().enumerate() {
        work(vector.len());
        for (i, (lo, hi)) in vector.iter().enumerate().filter(|(_, (lo, hi))| lo < hi) {
            let width = i128::from(*hi) - i128::from(*lo);
            let size = weight(v, i) * width as f64;
            if size > 0.0 && best.as_ref().is_none_or(|(most, _)| size > *most) {
                let middle = i128::from(*lo) + (width - 1) / 2;
                let value = i64::try_from(middle).unwrap_or(*lo);
                best = Some((size, Split { variable: v as u32, element: i as u32, value }));
            }
        }
    }
    best.map(|(_, split)| split)
}

/// How many inputs a box has, up to the greatest number.
pub(super) fn points(ranges: &Ranges) -> u128 {
    let sizes = ranges.iter().flatten().map(|(lo, hi)| (i128::from(*hi) - i128::from(*lo)) as u128 + 1);
    sizes.fold(1, u128::saturating_mul)
}

/// All inputs of a box, which are few.
pub(super) fn all(ranges: &Ranges) -> impl Iterator<Item = Assignment> + '_ {
    let mut next = Some(each(ranges, |(lo, _)| lo));
    std::iter::from_fn(move || {
        let current = next.take()?;
        let mut successor = current.clone();
        let mut places = successor.iter_mut().flatten().zip(ranges.iter().flatten());
        // Like a number's digits: those that are at their end go back to their beginning.
        let more = places.any(|(at, (lo, hi))| {
            let carry = *at == *hi;
            *at = if carry { *lo } else { *at + 1 };
            !carry
        });
        next = more.then_some(successor);
        Some(current)
    })
}
