//! The engine `enumerate`: every input, where there are few.
//!
//! In: an obligation or an objective whose inputs have at most `MOST_POINTS` values together, assumptions on single inputs counted in. Out: the
//! first answer, or a certificate that says that there is none; of an objective, its maximum. `domain` says which inputs there are, `scan` evaluates them, many at a
//! time and on spare cores, and nothing is kept of them. It decides everything within its limit but for what a real-valued network's enclosure can't tell.

mod domain;
mod scan;

use super::measure::MeasureAnswer;
use super::{Answer, Control, Engine, Reason, Trust, near_miss, replayed};
use domain::Domain;
use qnn_ir::Batch;
use qnn_ir::obligation::{Assignment, Atom, Linear, Objective, Obligation, Replay};
use qnn_proof::{CERTIFICATE_VERSION, Certificate, Step};
use scan::{Point, Scan};
use std::collections::HashMap;
use std::time::Duration;

/// The most inputs that are gone through: the most that the checker takes for one step.
const MOST_POINTS: u64 = 1 << 20;
/// The engine waits at least so long for a search: most of what that decides over few inputs, it decides sooner …
const SHORT: Duration = Duration::from_millis(200);
/// … and one part in this many of the time that it will take itself.
const PATIENCE: u32 = 4;
/// About how many operations are done in a second.
const SPEED: u64 = 1 << 32;
/// What takes longer than this is not begun beside others.
const LONG: Duration = Duration::from_secs(600);

/// The engine `enumerate`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Enumerate {
    /// Whether it ends where all inputs can't be evaluated in time.
    gives_up: bool,
}

impl Enumerate {
    /// An engine that ends early where all inputs can't be evaluated in time.
    pub fn hasty() -> Enumerate {
        Enumerate { gives_up: true }
    }

    /// About how long all inputs take, if they are few.
    fn estimate(obligation: &Obligation) -> Option<Duration> {
        let domain = Domain::new(obligation);
        let count = domain.count()?;
        let mut forms = Forms::default();
        forms.of(obligation);
        let batch = Batch::new(&obligation.graph, &domain.intervals(), &forms.list);
        let operations =
            batch.map_or_else(|| scan::operations_one_by_one(&obligation.graph), |batch| batch.operations());
        Some(Duration::from_secs_f64(count as f64 * operations as f64 / SPEED as f64))
    }
}

/// Linear forms, each of them once.
#[derive(Default)]
struct Forms<'a> {
    list: Vec<&'a Linear>,
    known: HashMap<*const Linear, usize>,
}

impl<'a> Forms<'a> {
    fn number(&mut self, form: &'a Linear) -> usize {
        *self.known.entry(std::ptr::from_ref(form)).or_insert_with(|| {
            self.list.push(form);
            self.list.len() - 1
        })
    }

    /// The numbers of the atoms that answers of an obligation meet.
    fn of(&mut self, obligation: &'a Obligation) -> Question {
        let mut numbers = |atoms: &'a [Atom]| atoms.iter().map(|atom| self.number(&atom.linear)).collect();
        Question {
            assumptions: numbers(&obligation.assumptions),
            cases: obligation.cases.iter().map(|case| numbers(case)).collect(),
        }
    }
}

/// Which forms have to be at least zero: all of the assumptions', and all of a case's.
struct Question {
    assumptions: Vec<usize>,
    cases: Vec<Vec<usize>>,
}

impl Question {
    fn is_met(&self, point: &Point<'_>) -> bool {
        let holds = |form: &usize| point.value(*form) >= 0;
        self.assumptions.iter().all(holds) && self.cases.iter().any(|case| case.iter().all(holds))
    }
}

impl Engine for Enumerate {
    fn name(&self) -> &'static str {
        "enumerate"
    }

    fn is_for(&self, obligation: &Obligation) -> bool {
        Domain::new(obligation).count().is_some()
    }

    fn wait(&self, obligation: &Obligation) -> Option<Duration> {
        let time = Enumerate::estimate(obligation)?;
        (time < LONG).then(|| SHORT.max(time / PATIENCE))
    }

    fn knows_its_share(&self) -> bool {
        true
    }

    fn solve(&self, obligation: &Obligation, control: &Control) -> Answer {
        let domain = Domain::new(obligation);
        let mut forms = Forms::default();
        let question = forms.of(obligation);
        let (mut found, mut near, mut wrong) = (None, false, false);
        let ended = Scan::new(&domain, &forms.list, self.gives_up, control).run(&mut |point| {
            if question.is_met(point) {
                let assignment = point.assignment();
                match obligation.replay(&assignment) {
                    Replay::Holds(_) => found = Some(assignment),
                    Replay::Close => near = true,
                    Replay::Fails(_) => wrong = true,
                }
            }
            found.is_none() && !wrong
        });
        match (found, ended) {
            (Some(assignment), _) => Answer::Some(assignment),
            (None, _) if wrong => Answer::Unknown(disagreement()),
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
        let domain = Domain::new(&feasible);
        let mut forms = Forms::default();
        let question = forms.of(&feasible);
        let pieces: Vec<usize> = objective.pieces.iter().map(|piece| forms.number(piece)).collect();
        // The greatest value that meets what engines are asked, and the greatest that is attained.
        let (mut upper, mut best, mut wrong) = (start.0, start, false);
        let ended = Scan::new(&domain, &forms.list, self.gives_up, control).run(&mut |point| {
            let value = pieces.iter().map(|piece| point.value(*piece)).max().unwrap_or(i128::MIN);
            if value <= best.0 || !question.is_met(point) {
                return true;
            }
            upper = upper.max(value);
            let assignment = point.assignment();
            match feasible.replay(&assignment) {
                Replay::Holds(_) => {
                    best = (value, assignment);
                    on_progress(Some(value), intervals.max(value));
                }
                Replay::Close => {}
                Replay::Fails(_) => wrong = true,
            }
            !wrong
        });
        let open = |best: (i128, Assignment), reason| MeasureAnswer::open(best, intervals, Trust::Interval, reason);
        if wrong {
            return Some(open(best, disagreement()));
        }
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

/// Why nothing is said where the reference interpreter does not confirm what the batched one found.
fn disagreement() -> Reason {
    Reason::Internal("the batched interpreter disagrees with the reference interpreter".to_owned())
}

/// That every input was evaluated.
fn certificate(obligation: &Obligation) -> Certificate {
    let prelude = Domain::new(obligation).prelude;
    let cases = obligation.cases.iter().map(|_| vec![Step::Enumerate]).collect();
    Certificate { version: CERTIFICATE_VERSION, obligation: obligation.key(), prelude, cases }
}

#[cfg(test)]
mod tests {
    use super::super::measure::maximize;
    use super::{
        Answer, Atom, Control, Domain, Duration, Engine, Enumerate, Linear, Obligation, Reason, Trust, replayed,
    };
    use qnn_ir::obligation::Variable;
    use qnn_ir::testing::{Shape, brute_force, brute_force_maximum, describe, random_objective, random_obligation};
    use qnn_ir::{Graph, Matrix, Op, Step, Steps};

    #[test]
    fn agrees_with_plain_enumeration() {
        let (mut proved, mut narrowed) = (0, 0);
        for seed in 40_000..41_000 {
            let obligation = random_obligation(seed, &Shape::default());
            let answer = Enumerate::default().solve(&obligation, &Control::default());
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
            let answer = maximize(&objective, &Enumerate::default(), &Control::default(), |_, _| {});
            let truth = brute_force_maximum(&objective);
            assert_eq!(answer.best.as_ref().map(|(value, _)| *value), truth, "seed {seed}");
            assert!(answer.complete && answer.vacuous == truth.is_none(), "seed {seed}: {answer:?}");
            assert!(truth.is_none_or(|truth| truth == answer.upper), "seed {seed}: {answer:?}");
        }
    }

    /// Is there a point of 1,024 by 1,024 with x = a and y = b, and so many of four conditions met?
    fn needle(a: i128, b: i128, conditions: i128) -> Obligation {
        let mut graph = Graph::new();
        let node = graph.push_input("x", 2);
        // x, -x, y, -y, each compared with a threshold.
        let matrix = Matrix::sparse(2, vec![vec![(0, 1)], vec![(0, -1)], vec![(1, 1)], vec![(1, -1)]]);
        let sums = graph.push("a", Op::Affine { terms: vec![(node, matrix)], bias: vec![-a, a, -b, b].into() });
        let at_least_zero = Step::Table { lo: 0, thresholds: vec![0].into() };
        let met = graph.push("s", Op::Step { source: sums, steps: Steps::Uniform(at_least_zero) });
        let count = Linear::new((0..4).map(|i| (met, i, 1)).collect(), -conditions);
        Obligation {
            graph: std::sync::Arc::new(graph),
            variables: vec![Variable { name: "x".into(), node, domain: vec![(0, 1023); 2] }],
            assumptions: Vec::new(),
            cases: vec![vec![Atom::new(count)]],
            exact: None,
        }
    }

    /// Threads share the inputs without leaving out any: one among a million is found wherever it is.
    #[test]
    fn no_input_is_left_out() {
        for (a, b) in [(0, 0), (0, 1023), (511, 63), (512, 64), (1023, 0), (1023, 1022), (1023, 1023)] {
            let control = Control::default();
            (0..2).for_each(|_| control.spare.add());
            match Enumerate::default().solve(&needle(a, b, 4), &control) {
                Answer::Some(assignment) => assert_eq!(assignment, [vec![a as i64, b as i64]]),
                other => panic!("{a}, {b}: {other:?}"),
            }
        }
        let none = needle(5, 5, 5);
        let answer =
            replayed(&none, "enumerate", Enumerate::default().solve(&none, &Control::default()), &Control::default());
        assert!(matches!(answer, Answer::None(Trust::Certificate { .. })), "{answer:?}");
    }

    #[test]
    fn it_gives_up_where_time_is_short() {
        let control = Control::with_budget(Duration::ZERO);
        let answer = Enumerate::hasty().solve(&needle(5, 5, 5), &control);
        assert!(matches!(answer, Answer::Unknown(Reason::Timeout)), "{answer:?}");
    }

    #[test]
    fn what_has_too_many_inputs_is_left_to_others() {
        let mut obligation = random_obligation(1, &Shape::default());
        obligation.variables[0].domain[0] = (i64::MIN, i64::MAX);
        assert!(!Enumerate::default().is_for(&obligation) && Enumerate::default().wait(&obligation).is_none());
        match Enumerate::default().solve(&obligation, &Control::default()) {
            Answer::Unknown(Reason::Incomplete(why)) => assert!(why.contains("2^20"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
}
