//! The greatest value of an objective over boxes of inputs: best-first branch and bound on the objective's own bound.
//!
//! In: an objective and a value that is attained. Out: the greatest value found, and one that is proved to be never exceeded. The box with the greatest
//! bound is taken first, so that its bound is the maximum's, at any time. Invariant: a bound leaves this file with a certificate that the checker accepted, a
//! value with an assignment that was replayed.

use super::worker::{Ranges, Worker, all, centre, corner, points, split_of};
use super::{Boxes, Ended, Forecast, MEMORY, hopeless};
use crate::measure::MeasureAnswer;
use crate::{Answer, Control, Reason, Trust, near_miss, replayed};
use qnn_ir::obligation::{Assignment, Atom, Objective, Obligation};
use qnn_proof::{CERTIFICATE_VERSION, Certificate, Reach, Step};
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

/// With more cases than this, bounds of all of them for each box take too much memory.
const MOST_CASES: usize = 64;
/// A certificate is made and checked whenever the tree is as many times as large as the last time.
const GROWN: usize = 3;
/// The check of the last certificate may take one part in this many of the time.
const RESERVED: u32 = 3;
/// A bound that rounding keeps from being proved is tried again so many times, each time a part of the gap higher.
const TRIES: usize = 4;
/// That part.
const HIGHER: i128 = 256;

/// A split at a value of an input: variable, element, the lower side's greatest value.
type Place = super::tree::Split;

/// A box.
struct Node {
    parent: u32,
    /// Whether it is the upper side of its parent's split.
    above: bool,
    split: Option<Place>,
    /// The lower child; the upper one follows it.
    child: u32,
    /// What the objective does not exceed in each case; the least number where the case is impossible. Empty until the box is bounded.
    bounds: Vec<i128>,
    /// Whether the bounds are those of all inputs, evaluated one by one.
    enumerated: bool,
}

/// The search for a maximum.
struct Maximum<'a> {
    objective: &'a Objective,
    control: &'a Control,
    /// A box with at most this many inputs is evaluated input by input.
    points: u64,
    /// For each alternative and piece a case, whose last atom is the piece itself.
    obligation: &'a Obligation,
    nodes: Vec<Node>,
    /// Open boxes: the greatest bound of the box that each is a half of, and its number.
    open: BinaryHeap<(i128, std::cmp::Reverse<u32>)>,
    best: (i128, Assignment),
    /// The least bound that the checker accepted.
    upper: i128,
    trust: Trust,
    /// The greatest value of the points that meet the atoms, but not the exact statement.
    near: i128,
}

/// Searches for the objective's maximum; `None` if it has too many cases.
pub(super) fn maximize(
    engine: Boxes,
    objective: &Objective,
    start: (i128, Assignment),
    control: &Control,
    on_progress: &mut (dyn FnMut(Option<i128>, i128) + Send),
) -> Option<MeasureAnswer> {
    let obligation = cases(objective);
    if obligation.cases.is_empty() || obligation.cases.len() > MOST_CASES {
        return None;
    }
    let upper = objective.range().map_or(i128::MAX, |range| range.hi);
    let mut search = Maximum {
        objective,
        control,
        points: engine.points,
        obligation: &obligation,
        nodes: vec![Node::new(0, false)],
        open: BinaryHeap::from([(upper, std::cmp::Reverse(0))]),
        near: start.0,
        best: start,
        upper,
        trust: Trust::Interval,
    };
    let early = control.leaving(RESERVED, Duration::MAX);
    let ended = if engine.gives_up && engine.is_too_slow(&obligation, &early) {
        Err(control.stop().unwrap_or_else(hopeless))
    } else {
        search.run(engine, &early, on_progress)
    };
    search.certify(on_progress);
    let Maximum { best, upper, trust, near, .. } = search;
    Some(match ended {
        _ if best.0 == upper => MeasureAnswer::exact(best, trust),
        Err(reason) => MeasureAnswer::open(best, upper, trust, control.stop().unwrap_or(reason)),
        Ok(()) if near > best.0 => MeasureAnswer::open(best, upper, trust, near_miss()),
        Ok(()) => MeasureAnswer::open(best, upper, trust, Reason::Incomplete("rounding keeps a bound open".to_owned())),
    })
}

/// The objective's alternatives and pieces as cases, without a threshold.
fn cases(objective: &Objective) -> Obligation {
    let pieces: Vec<Atom> = objective.pieces.iter().map(|piece| Atom { linear: Arc::new(piece.clone()) }).collect();
    let with = |alternative: &Vec<Atom>| {
        let alternative = alternative.clone();
        pieces.iter().map(move |piece| alternative.iter().chain([piece]).cloned().collect()).collect::<Vec<_>>()
    };
    Obligation { cases: objective.alternatives.iter().flat_map(with).collect(), ..objective.base.clone() }
}

impl Node {
    fn new(parent: u32, above: bool) -> Node {
        Node { parent, above, split: None, child: 0, bounds: Vec::new(), enumerated: false }
    }

    fn bound(&self) -> i128 {
        self.bounds.iter().copied().max().unwrap_or(i128::MIN)
    }
}

impl Maximum<'_> {
    /// Takes boxes until none can hold a greater value.
    fn run(
        &mut self,
        engine: Boxes,
        early: &Control,
        on_progress: &mut (dyn FnMut(Option<i128>, i128) + Send),
    ) -> Result<(), Reason> {
        let mut worker = Worker::new(engine, self.obligation, early);
        let mut forecast = Forecast::new(engine.gives_up, self.obligation);
        let (begun, mut certified) = (early.clock.now(), 16);
        while let Some((bound, std::cmp::Reverse(at))) = self.open.pop() {
            if bound <= self.best.0 {
                // Neither is any other box's bound greater.
                self.open.clear();
                break;
            }
            let stop = early.stop().or_else(|| {
                let left = early.deadline.map_or(Duration::MAX, |end| end.saturating_duration_since(early.clock.now()));
                forecast.is_hopeless(early.clock.since(begun), left).then(hopeless)
            });
            if let Some(reason) = stop {
                self.open.push((bound, std::cmp::Reverse(at)));
                return Err(reason);
            }
            let own = match self.bound(&mut worker, at, on_progress) {
                Ok(own) => own,
                Err(reason) => {
                    self.open.push((bound, std::cmp::Reverse(at)));
                    return Err(reason);
                }
            };
            let gap = |bound: i128| bound.saturating_sub(self.best.0) as f64;
            forecast.bounded(if at == 0 { f64::INFINITY } else { gap(bound) }, own.map(gap));
            if self.nodes.len() > certified * GROWN {
                certified = self.nodes.len();
                self.certify(on_progress);
            }
            if self.nodes.len() as u64 * (160 + 16 * self.obligation.cases.len() as u64)
                > self.control.memory.unwrap_or(MEMORY)
            {
                return Err(Reason::Memory);
            }
        }
        Ok(())
    }

    /// Bounds a box, tries points of it, and splits it; its own bound if it was split.
    fn bound(
        &mut self,
        worker: &mut Worker<'_>,
        at: u32,
        on_progress: &mut (dyn FnMut(Option<i128>, i128) + Send),
    ) -> Result<Option<i128>, Reason> {
        let ranges = self.ranges(at);
        if points(&ranges) <= u128::from(self.points) {
            let mut bounds = vec![i128::MIN; self.obligation.cases.len()];
            for assignment in all(&ranges) {
                self.attempt(worker, &assignment, Some(&mut bounds), on_progress)?;
            }
            let node = &mut self.nodes[at as usize];
            (node.bounds, node.enumerated) = (bounds, true);
            return Ok(None);
        }
        self.attempt(worker, &centre(&ranges), None, on_progress)?;
        let reached = worker.reached(&ranges).map_err(reason_of)?;
        let Some(reached) = reached else {
            self.nodes[at as usize].bounds = vec![i128::MIN; self.obligation.cases.len()];
            return Ok(None);
        };
        let case_bound = |case: u32| {
            let atoms: Vec<usize> = worker.atoms_of(case).collect();
            let (piece, conditions) = atoms.split_last()?;
            let impossible = conditions.iter().any(|atom| reached[*atom].upper.is_some_and(|upper| upper < 0));
            Some(if impossible { i128::MIN } else { reached[*piece].upper.unwrap_or(i128::MAX) })
        };
        let bounds: Vec<i128> =
            (0..self.obligation.cases.len() as u32).map(|case| case_bound(case).unwrap_or(i128::MAX)).collect();
        self.nodes[at as usize].bounds.clone_from(&bounds);
        let Some((case, bound)) = bounds.iter().copied().enumerate().max_by_key(|(_, bound)| *bound) else {
            return Ok(None);
        };
        if bound <= self.best.0 {
            return Ok(None);
        }
        let atoms: Vec<usize> = worker.atoms_of(case as u32).collect();
        let gap = bound.saturating_sub(self.best.0) as f64;
        let weighted: Vec<(&Reach, f64)> = atoms.last().map(|piece| (&reached[*piece], gap)).into_iter().collect();
        if let Some((reach, _)) = weighted.first() {
            self.attempt(worker, &corner(&ranges, reach), None, on_progress)?;
        }
        let split =
            split_of(&ranges, &weighted).ok_or_else(|| Reason::Internal("a box of one input was split".to_owned()))?;
        let child = self.nodes.len() as u32;
        (self.nodes[at as usize].split, self.nodes[at as usize].child) = (Some(split), child);
        for (number, above) in [(child, false), (child + 1, true)] {
            self.nodes.push(Node::new(at, above));
            self.open.push((bound, std::cmp::Reverse(number)));
        }
        Ok(Some(bound))
    }

    /// Evaluates a point, for each case if it is asked for; it may be the best.
    fn attempt(
        &mut self,
        worker: &mut Worker<'_>,
        assignment: &Assignment,
        cases: Option<&mut Vec<i128>>,
        on_progress: &mut (dyn FnMut(Option<i128>, i128) + Send),
    ) -> Result<(), Reason> {
        let values = worker.values(assignment).map_err(reason_of)?;
        if !self.obligation.assumptions.iter().all(|atom| atom.holds(values)) {
            return Ok(());
        }
        let mut greatest = i128::MIN;
        let mut of_cases = Vec::with_capacity(self.obligation.cases.len());
        for case in &self.obligation.cases {
            let value = case.split_last().filter(|(_, conditions)| conditions.iter().all(|atom| atom.holds(values)));
            let value = value.map_or(i128::MIN, |(piece, _)| piece.linear.value(values));
            greatest = greatest.max(value);
            of_cases.push(value);
        }
        if let Some(cases) = cases {
            cases.iter_mut().zip(of_cases).for_each(|(case, value)| *case = value.max(*case));
        }
        if greatest > self.best.0 {
            match self.objective.of(assignment) {
                Some(value) if value > self.best.0 => {
                    self.best = (value, assignment.clone());
                    on_progress(Some(value), self.upper.max(value));
                }
                // It meets the atoms, but not the exact statement.
                _ => self.near = self.near.max(greatest),
            }
        }
        Ok(())
    }

    /// The ranges of a box.
    fn ranges(&self, node: u32) -> Ranges {
        let mut ranges: Ranges = self.obligation.variables.iter().map(|v| v.domain.clone()).collect();
        let mut at = node;
        while at != 0 {
            let Node { parent, above, .. } = self.nodes[at as usize];
            if let Some(Place { variable, element, value }) = self.nodes[parent as usize].split {
                let (lo, hi) = &mut ranges[variable as usize][element as usize];
                if above { *lo = (*lo).max(value + 1) } else { *hi = (*hi).min(value) }
            }
            at = parent;
        }
        ranges
    }

    /// Has the checker accept the bound that the boxes show, and tells it.
    fn certify(&mut self, on_progress: &mut (dyn FnMut(Option<i128>, i128) + Send)) {
        let closed = self.nodes.iter().filter(|node| node.split.is_none()).map(Node::bound).max().unwrap_or(i128::MIN);
        let open = self.open.peek().map_or(i128::MIN, |(bound, _)| *bound);
        let mut upper = open.max(closed).max(self.best.0);
        for _ in 0..TRIES {
            if upper >= self.upper {
                return;
            }
            let Some(threshold) = upper.checked_add(1) else { return };
            let above = self.objective.at_least(threshold);
            let cases = (0..above.cases.len()).map(|case| self.steps(case, upper)).collect();
            let certificate =
                Certificate { version: CERTIFICATE_VERSION, obligation: above.key(), prelude: Vec::new(), cases };
            let answer = Answer::None(Trust::certified(certificate));
            match replayed(&above, "boxes", answer, self.control) {
                Answer::None(trust) => {
                    (self.upper, self.trust) = (upper, trust);
                    on_progress(Some(self.best.0), upper);
                    return;
                }
                // The form divided by its factors' common divisor may be rounded otherwise.
                Answer::Unknown(Reason::Internal(_)) => {
                    let gap = upper.saturating_sub(self.best.0);
                    upper = upper.saturating_add(1 + gap / HIGHER);
                }
                _ => return,
            }
        }
    }

    /// The tree of one case that shows that the objective does not exceed a bound, in preorder: boxes whose own bound suffices are leaves.
    fn steps(&self, case: usize, upper: i128) -> Vec<Step> {
        let (mut steps, mut stack) = (Vec::new(), vec![0u32]);
        while let Some(at) = stack.pop() {
            let node = &self.nodes[at as usize];
            let bound = node.bounds.get(case).copied().unwrap_or(i128::MAX);
            match node.split {
                Some(Place { variable, element, value }) if bound > upper => {
                    let node_of = self.obligation.variables[variable as usize].node.0;
                    steps.push(Step::Split { node: node_of, element, value });
                    stack.extend([node.child + 1, node.child]);
                }
                // What is not closed here, the checker refuses.
                _ => steps.push(if node.enumerated { Step::Enumerate } else { Step::Propagate }),
            }
        }
        steps
    }
}

/// Why a worker ended.
fn reason_of(ended: Ended) -> Reason {
    match ended {
        Ended::Stopped(reason) => reason,
        Ended::Point(_) => Reason::Internal("a point ended a search for maxima".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Boxes;
    use crate::measure::maximize;
    use crate::{Control, Engine, Trust};
    use qnn_ir::testing::{Shape, brute_force_maximum, describe, random_objective};

    #[test]
    fn maxima_are_those_of_enumeration() {
        let (mut certified, mut exact, mut all) = (0, 0, 0);
        for seed in 0..3000 {
            let objective = random_objective(seed, &Shape { points: 512, ..Shape::default() });
            let engine = if seed % 2 == 0 { Boxes::without_enumeration() } else { Boxes::patient() };
            let answer = maximize(&objective, &engine, &Control::default(), |_, _| {});
            let truth = brute_force_maximum(&objective);
            let text = || format!("seed {seed}: {answer:?}\n{truth:?}\n{}", describe(&objective.base));
            assert_eq!(answer.vacuous, truth.is_none(), "{}", text());
            let Some(truth) = truth else { continue };
            assert!(answer.upper >= truth, "{}", text());
            assert_eq!(answer.best.as_ref().map(|(value, _)| *value), Some(truth), "{}", text());
            all += 1;
            exact += usize::from(answer.complete);
            certified += usize::from(matches!(answer.trust, Trust::Certificate { .. }));
        }
        assert!(certified > 400 && exact * 100 > all * 99, "{certified} certified, {exact} exact of {all}");
    }

    #[test]
    fn what_ends_early_has_true_bounds() {
        for seed in 0..200 {
            let objective = random_objective(seed, &Shape { points: 4096, ..Shape::default() });
            let control = Control::with_budget(std::time::Duration::from_micros(200 * seed));
            let answer = maximize(&objective, &Boxes::default(), &control, |_, _| {});
            let truth = brute_force_maximum(&objective);
            let text = || format!("seed {seed}: {answer:?}\n{truth:?}");
            assert!(truth.is_none_or(|truth| truth <= answer.upper), "{}", text());
            assert!(
                answer.best.as_ref().is_none_or(|(best, _)| truth.is_some_and(|truth| *best <= truth)),
                "{}",
                text()
            );
        }
        assert!(Boxes::default().is_search());
    }
}
