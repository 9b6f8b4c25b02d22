//! Engines, and all that they do with a network, on a clock that jumps past the deadline at its n-th question.

use super::branch_and_bound::Search;
use super::interval::Intervals;
use super::measure::maximize;
use super::portfolio::Portfolio;
use super::{Answer, Clock, Control, ENGINES, Engine, Reason};
use qnn_ir::interrupt::{QUANTUM, until};
use qnn_ir::obligation::{Atom, Linear, Obligation, Variable};
use qnn_ir::testing::{Random, Shape, brute_force, brute_force_maximum, describe, random_objective, random_obligation};
use qnn_ir::{Graph, Interval, Matrix, Op, Step, Steps, interpret, ranges};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The most questions that an engine asks once it was told that the time is up: a few for each of its threads, and those of a wait for Z3.
const FURTHER: u64 = 200;
/// When the clock jumps.
const JUMPS: [u64; 9] = [0, 1, 2, 3, 5, 8, 13, 21, 34];

fn jumping(after: u64) -> Control {
    let deadline = Instant::now().checked_add(Duration::from_secs(3600));
    Control { deadline, clock: Clock::jumping(after), ..Control::default() }
}

/// Whatever has a name, and the search that narrows ranges at once.
fn engines() -> Vec<Box<dyn Engine>> {
    let named = ENGINES.iter().map(|entry| Box::new((entry.portfolio)()) as Box<dyn Engine>);
    named.chain([Box::new(Search::without_patience()) as Box<dyn Engine>]).collect()
}

#[test]
fn engines_end_soon_after_the_deadline_with_no_wrong_answer() {
    let mut late = 0;
    for engine in engines() {
        for (seed, after) in (0..).zip(JUMPS.into_iter().cycle()).take(4 * JUMPS.len()) {
            let obligation = random_obligation(seed, &Shape::default());
            let control = jumping(after);
            let answer = engine.solve(&obligation, &control);
            let text =
                || format!("{} after {after}, seed {seed}: {answer:?}\n{}", engine.name(), describe(&obligation));
            match &answer {
                Answer::None(_) => assert!(brute_force(&obligation).is_none(), "{}", text()),
                Answer::Some(_) => assert!(brute_force(&obligation).is_some(), "{}", text()),
                Answer::Unknown(Reason::Timeout) => late += 1,
                Answer::Unknown(Reason::Incomplete(_)) => {}
                Answer::Unknown(_) => panic!("{}", text()),
            }
            let further = control.clock.questions().saturating_sub(after);
            assert!(further <= FURTHER, "{} asked {further} times more\n{}", engine.name(), text());
        }
    }
    assert!(late > 20, "{late}");
}

#[test]
fn measures_end_soon_after_the_deadline_with_true_bounds() {
    for (seed, after) in (0..).zip(JUMPS.into_iter().cycle()).take(3 * JUMPS.len()) {
        let objective = random_objective(seed, &Shape { points: 256, ..Shape::default() });
        let engine: &dyn Engine = if seed % 2 == 0 { &Portfolio::default() } else { &Search::default() };
        let control = jumping(after);
        let answer = maximize(&objective, engine, &control, |_, _| {});
        let truth = brute_force_maximum(&objective);
        let text = || format!("after {after}, seed {seed}: {answer:?}, {truth:?}\n{}", describe(&objective.base));
        assert!(answer.best.as_ref().is_none_or(|(best, _)| truth.is_some_and(|truth| *best <= truth)), "{}", text());
        assert!(truth.is_none_or(|truth| truth <= answer.upper), "{}", text());
        let further = control.clock.questions().saturating_sub(after);
        assert!(further <= FURTHER, "asked {further} times more: {}", text());
    }
}

/// Two applications of a dense network of two layers of `width` neurons each; is the sum of the first's outputs above that of the second's?
fn twins(width: usize) -> Obligation {
    let mut random = Random::new(width as u64);
    let mut graph = Graph::new();
    let inputs = [graph.push_input("x", width), graph.push_input("y", width)];
    let mut weights = || Matrix::dense(width, width, (0..width * width).map(|_| random.between(-3, 3)).collect());
    let layers = [weights(), weights()];
    let outputs = inputs.map(|input| {
        layers.iter().fold(input, |source, matrix| {
            let bias = vec![0; width].into();
            let acc = graph.push("a", Op::Affine { terms: vec![(source, matrix.clone())], bias });
            let mode = qnn_ir::Rounding::HalfUp;
            let step = Step::Round { numerator: 1, denominator: 4, offset: 0, mode, lo: 0, hi: 40 };
            graph.push("h", Op::Step { source: acc, steps: Steps::Uniform(step) })
        })
    });
    let domain = vec![(-3, 3); width];
    let variable = |node| Variable { name: "x".into(), node, domain: domain.clone() };
    let terms = (0..width as u32).flat_map(|i| [(outputs[0], i, 1), (outputs[1], i, -1)]).collect();
    let atom = Atom::new(Linear::new(terms, -40 * width as i128));
    Obligation {
        graph: Arc::new(graph),
        variables: inputs.map(variable).into(),
        assumptions: Vec::new(),
        cases: vec![vec![atom]],
        exact: None,
    }
}

/// How often a computation asks whether it is still wanted.
fn questions<T>(work: impl FnOnce() -> T) -> usize {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let done = until(move || count.fetch_add(1, Ordering::Relaxed) > usize::MAX / 2, work);
    assert!(done.is_ok());
    asked.load(Ordering::Relaxed)
}

/// Every loop over a network's weights counts its work: the number of times that it asks whether to go on grows with the weights.
#[test]
fn the_work_between_two_questions_does_not_grow_with_the_network() {
    for width in [300, 600] {
        let obligation = twins(width);
        let weights = 4 * width * width;
        let zeros = vec![vec![0; width]; 2];
        let boxes = obligation.boxes();
        let box_of =
            |at: i64| boxes.iter().map(|v| v.iter().map(|_| Interval::new(at.into(), at.into())).collect()).collect();
        let points: Vec<Vec<Interval>> = box_of(0);
        let graph = &obligation.graph;
        let encode = || {
            let presolved = super::interval::presolve(&obligation).unwrap().unwrap();
            super::smt::encode::encode(&obligation, &presolved, &[0], Default::default(), &Control::default()).unwrap()
        };
        let passes: [(&str, usize, &dyn Fn()); 9] = [
            ("matrix", weights / 4, &|| drop(Matrix::dense(width, width, vec![1; width * width]))),
            ("ranges", weights, &|| drop(ranges(graph, &boxes))),
            ("points", weights, &|| drop(ranges(graph, &points))),
            ("interpret", weights, &|| drop(interpret(graph, &zeros.iter().map(|v| v.to_vec()).collect::<Vec<_>>()))),
            ("net", weights, &|| drop(super::relaxation::network::Relaxation::new(graph))),
            ("interval", weights, &|| drop(Intervals.solve(&obligation, &Control::default()))),
            ("certificate", weights, &|| drop(qnn_proof::plain(&obligation))),
            ("export", weights, &|| drop(serde_json::to_writer(std::io::sink(), &qnn_proof::export(&obligation)))),
            ("formula", weights, &|| drop(encode())),
        ];
        for (name, weights, pass) in passes {
            let asked = if name == "interval" {
                // It has a condition of its own, which asks the clock.
                let control = jumping(u64::MAX);
                let _ = Intervals.solve(&obligation, &control);
                control.clock.questions() as usize
            } else {
                questions(pass)
            };
            assert!(asked >= weights / QUANTUM, "{name} asked {asked} times for {weights} weights");
        }
    }
}

/// Engines that need seconds for a network give it up at the first question.
#[test]
fn wide_networks_are_given_up_at_once() {
    let obligation = twins(400);
    for engine in engines() {
        let control = jumping(1);
        let answer = engine.solve(&obligation, &control);
        assert!(matches!(answer, Answer::Unknown(Reason::Timeout)), "{}: {answer:?}", engine.name());
        assert!(control.clock.questions() <= FURTHER, "{}: {}", engine.name(), control.clock.questions());
    }
}
