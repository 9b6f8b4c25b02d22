//! The engine `enumerate`: every input, one after the other, where there are few.
//!
//! In: an obligation or an objective whose inputs have at most `MOST_POINTS` values together, assumptions on single inputs counted in. Out: the
//! first answer, or a certificate that says that there is none; of an objective, its maximum. Inputs are evaluated by the reference
//! interpreter itself, from each to the next, and nothing is kept of them. It decides everything within its limit but for what a
//! real-valued network's enclosure can't tell.

use super::measure::MeasureAnswer;
use super::{Answer, Control, Engine, Reason, Trust, near_miss, replayed};
use num_integer::Integer;
use qnn_ir::obligation::{Assignment, Atom, Objective, Obligation, Replay};
use qnn_ir::{Graph, Interpreter, NodeId, Op};
use qnn_proof::{CERTIFICATE_VERSION, Certificate, Multipliers, Step, Tighten};
use std::time::Duration;

/// The most inputs that are gone through: the most that the checker takes for one step.
const MOST_POINTS: u64 = 1 << 20;
/// What takes fewer operations than this in all waits for a search no longer than …
const LITTLE: u64 = 1 << 24;
/// … this: most of what a search decides over few inputs, it decides sooner.
const SHORT: Duration = Duration::from_millis(200);
/// With more operations than this it takes too long to run beside others.
const MUCH: u64 = 1 << 33;
/// The operations after which the engine asks whether to stop.
const ASKED: u64 = 1 << 20;

/// The engine `enumerate`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Enumerate;

impl Engine for Enumerate {
    fn name(&self) -> &'static str {
        "enumerate"
    }

    fn is_for(&self, obligation: &Obligation) -> bool {
        Domain::new(obligation).count().is_some()
    }

    fn wait(&self, obligation: &Obligation) -> Option<Duration> {
        let points = Domain::new(obligation).count()?;
        let work = points.saturating_mul(operations(&obligation.graph));
        (work < MUCH).then_some(if work < LITTLE { SHORT } else { super::head_start::HEAD_START })
    }

    fn solve(&self, obligation: &Obligation, control: &Control) -> Answer {
        let domain = Domain::new(obligation);
        let (mut found, mut near) = (None, false);
        let ended = domain.walk(control, |domain, values| {
            let holds = |atom: &Atom| atom.holds(values);
            if !obligation.assumptions.iter().all(holds) || !obligation.cases.iter().any(|case| case.iter().all(holds))
            {
                return true;
            }
            let assignment = domain.assignment();
            match obligation.exact.is_none() || matches!(obligation.replay(&assignment), Replay::Holds(_)) {
                true => found = Some(assignment),
                false => near = true,
            }
            found.is_none()
        });
        match (found, ended) {
            (Some(assignment), _) => Answer::Some(assignment),
            (None, Err(reason)) => Answer::Unknown(reason),
            (None, Ok(())) if near => Answer::Unknown(near_miss()),
            (None, Ok(())) => Answer::None(Trust::certified(certificate(obligation))),
        }
    }

    fn maximize(
        &self,
        objective: &Objective,
        start: (i128, Assignment),
        control: &Control,
        on_progress: &mut (dyn FnMut(Option<i128>, i128) + Send),
    ) -> Option<MeasureAnswer> {
        let feasible = objective.feasible();
        let intervals = objective.range().map_or(i128::MAX, |range| range.hi);
        // The greatest value that meets what engines are asked, and the greatest that is attained.
        let (mut upper, mut best) = (start.0, start);
        let ended = Domain::new(&feasible).walk(control, |domain, values| {
            let holds = |atom: &Atom| atom.holds(values);
            let value = objective.pieces.iter().map(|piece| piece.value(values)).max().unwrap_or(i128::MIN);
            if value <= best.0
                || !feasible.assumptions.iter().all(holds)
                || !feasible.cases.iter().any(|case| case.iter().all(holds))
            {
                return true;
            }
            upper = upper.max(value);
            let assignment = domain.assignment();
            if feasible.exact.is_none() || matches!(feasible.replay(&assignment), Replay::Holds(_)) {
                best = (value, assignment);
                on_progress(Some(value), intervals.max(value));
            }
            true
        });
        let open = |best: (i128, Assignment), reason| MeasureAnswer::open(best, intervals, Trust::Interval, reason);
        if let Err(reason) = ended {
            return Some(open(best, reason));
        }
        let above = objective.at_least(upper.checked_add(1)?);
        let trust = match replayed(&above, self.name(), Answer::None(Trust::certified(certificate(&above))), control) {
            Answer::None(trust) => trust,
            Answer::Unknown(reason) => return Some(open(best, reason)),
            Answer::Some(_) => return None,
        };
        on_progress(Some(best.0), upper);
        Some(match best.0 == upper {
            true => MeasureAnswer::exact(best, trust),
            false => MeasureAnswer::open(best, upper, trust, near_miss()),
        })
    }
}

/// That every input was evaluated.
fn certificate(obligation: &Obligation) -> Certificate {
    let prelude = Domain::new(obligation).prelude;
    let cases = obligation.cases.iter().map(|_| vec![Step::Enumerate]).collect();
    Certificate { version: CERTIFICATE_VERSION, obligation: obligation.key(), prelude, cases }
}

/// About how many operations one input takes.
fn operations(graph: &Graph) -> u64 {
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

/// The inputs of an obligation, and which of them is at hand.
struct Domain<'a> {
    obligation: &'a Obligation,
    boxes: Vec<Vec<(i64, i64)>>,
    /// What assumptions on single inputs say of them.
    prelude: Vec<Tighten>,
    at: Vec<Vec<i128>>,
}

impl<'a> Domain<'a> {
    fn new(obligation: &'a Obligation) -> Domain<'a> {
        let mut boxes: Vec<Vec<(i64, i64)>> = obligation.variables.iter().map(|v| v.domain.clone()).collect();
        let mut prelude = Vec::new();
        for (index, atom) in obligation.assumptions.iter().enumerate() {
            let [(node, element, factor)] = atom.linear.terms[..] else { continue };
            let variable = obligation.variables.iter().position(|variable| variable.node == node);
            let (Some(variable), Ok(atom), Ok(weight)) = (variable, u32::try_from(index), i64::try_from(-factor))
            else {
                continue;
            };
            // factor · x + constant >= 0.
            let (lo, hi) = &mut boxes[variable][element as usize];
            let constant = obligation.assumptions[index].linear.constant;
            if factor > 0 {
                *lo = i64::try_from(Integer::div_ceil(&-constant, &factor)).map_or(*lo, |least| least.max(*lo));
            } else {
                *hi = i64::try_from(Integer::div_floor(&constant, &-factor)).map_or(*hi, |most| most.min(*hi));
            }
            let multipliers = Multipliers { atoms: vec![(atom, 1)], slots: Vec::new() };
            prelude.push(Tighten { node: node.0, element, weight, multipliers });
        }
        let at = boxes.iter().map(|v| v.iter().map(|(lo, _)| i128::from(*lo)).collect()).collect();
        Domain { obligation, boxes, prelude, at }
    }

    /// How many inputs there are, if they are few.
    fn count(&self) -> Option<u64> {
        let sizes = self.boxes.iter().flatten().map(|(lo, hi)| i128::from(*hi) - i128::from(*lo) + 1);
        // A range that is empty leaves nothing, however many values the others have.
        if sizes.clone().any(|size| size <= 0) {
            return Some(0);
        }
        sizes
            .map(|size| u64::try_from(size).ok())
            .try_fold(1u64, |count, size| count.checked_mul(size?).filter(|count| *count <= MOST_POINTS))
    }

    fn assignment(&self) -> Assignment {
        self.at.iter().map(|v| v.iter().map(|n| *n as i64).collect()).collect()
    }

    /// Goes to the next input; the first variable that changed, if there is another input. The last variable changes most often.
    fn step(&mut self) -> Option<usize> {
        for (v, (values, boxes)) in self.at.iter_mut().zip(&self.boxes).enumerate().rev() {
            for (at, (lo, hi)) in values.iter_mut().zip(boxes).rev() {
                if *at < i128::from(*hi) {
                    *at += 1;
                    return Some(v);
                }
                *at = i128::from(*lo);
            }
        }
        None
    }

    /// Evaluates input after input, as long as `see` wants another.
    ///
    /// # Errors
    /// Why it ended before the last.
    fn walk(mut self, control: &Control, mut see: impl FnMut(&Domain<'a>, &[Vec<i128>]) -> bool) -> Result<(), Reason> {
        let Some(count) = self.count() else {
            let bits: f64 = self.boxes.iter().flatten().map(|(lo, hi)| (*hi as f64 - *lo as f64 + 1.0).log2()).sum();
            let why = format!("there are about 2^{bits:.0} inputs, and only up to 2^20 are gone through one by one");
            return Err(Reason::Incomplete(why));
        };
        if count == 0 {
            return Ok(());
        }
        let graph = &self.obligation.graph;
        let nodes: Vec<NodeId> = self.obligation.variables.iter().map(|variable| variable.node).collect();
        let mut interpreter = Interpreter::new(graph);
        let every = (ASKED / operations(graph)).clamp(1, 4096);
        let mut changed = 0;
        for done in 0..count {
            if done.is_multiple_of(every) {
                if let Some(reason) = control.stop() {
                    return Err(reason);
                }
                control.meter.reach(done as f64 / count as f64);
            }
            let values = interpreter.run(&self.at, nodes.get(changed).copied());
            let values = values
                .map_err(|overflow| Reason::Incomplete(format!("node {} needs more than 128 bits", overflow.node.0)))?;
            if !see(&self, values) {
                return Ok(());
            }
            match self.step() {
                Some(first) => changed = first,
                None => break,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::measure::maximize;
    use super::*;
    use qnn_ir::testing::{Shape, brute_force, brute_force_maximum, describe, random_objective, random_obligation};

    #[test]
    fn agrees_with_plain_enumeration() {
        let (mut proved, mut narrowed) = (0, 0);
        for seed in 40_000..41_000 {
            let obligation = random_obligation(seed, &Shape::default());
            let answer = Enumerate.solve(&obligation, &Control::default());
            let text = || format!("seed {seed}: {answer:?}\n{}", describe(&obligation));
            narrowed += usize::from(!Domain::new(&obligation).prelude.is_empty());
            match replayed(&obligation, "enumerate", answer.clone(), &Control::default()) {
                Answer::Some(_) => assert!(brute_force(&obligation).is_some(), "{}", text()),
                Answer::None(Trust::Certificate { .. }) => {
                    proved += 1;
                    assert!(brute_force(&obligation).is_none(), "{}", text());
                }
                other => panic!("{other:?}: {}", text()),
            }
        }
        assert!(proved > 150 && narrowed > 20, "{proved}, {narrowed}");
    }

    #[test]
    fn maxima_are_those_of_plain_enumeration() {
        for seed in 43_000..43_400 {
            let objective = random_objective(seed, &Shape { points: 256, ..Shape::default() });
            let answer = maximize(&objective, &Enumerate, &Control::default(), |_, _| {});
            let truth = brute_force_maximum(&objective);
            assert_eq!(answer.best.as_ref().map(|(value, _)| *value), truth, "seed {seed}");
            assert!(answer.complete && answer.vacuous == truth.is_none(), "seed {seed}: {answer:?}");
            assert!(truth.is_none_or(|truth| truth == answer.upper), "seed {seed}: {answer:?}");
        }
    }

    #[test]
    fn what_has_too_many_inputs_is_left_to_others() {
        let mut obligation = random_obligation(1, &Shape::default());
        obligation.variables[0].domain[0] = (i64::MIN, i64::MAX);
        assert!(!Enumerate.is_for(&obligation) && Enumerate.wait(&obligation).is_none());
        match Enumerate.solve(&obligation, &Control::default()) {
            Answer::Unknown(Reason::Incomplete(why)) => assert!(why.contains("2^20"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
}
