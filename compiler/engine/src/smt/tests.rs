//! The engine against the reference interpreter's enumeration, under every option.

use super::*;
use qnn_ir::testing::{Shape, brute_force, describe, random_obligation};

/// How many seeds each test tries; more with QNN_TEST_SEEDS.
fn seeds(usual: u64) -> u64 {
    std::env::var("QNN_TEST_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn engines() -> Vec<Smt> {
    let mut engines = Vec::new();
    for tree in [AdderTree::Balanced, AdderTree::Linear] {
        for products in [Products::Multiply, Products::Shift] {
            for redundant_bounds in [false, true] {
                for strategy in [z3::Strategy::BitBlast, z3::Strategy::Automatic] {
                    engines.push(Smt {
                        options: Options { tree, products, redundant_bounds, keep_goals: redundant_bounds },
                        strategy,
                        bounds: products == Products::Shift,
                    });
                }
            }
        }
    }
    engines
}

fn agrees(shape: &Shape, first: u64, count: u64) {
    let all = engines();
    let (mut proved, mut violated) = (0, 0);
    for seed in first..first + count {
        let obligation = random_obligation(seed, shape);
        let truth = brute_force(&obligation).is_some();
        // Balanced and linear each time, with the other options in turn.
        let turn = (seed % 8) as usize;
        for engine in [all[turn], all[turn + 8]] {
            match engine.solve(&obligation, &Control::default()) {
                Answer::None(_) => assert!(!truth, "seed {seed}, {engine:?} missed one\n{}", describe(&obligation)),
                Answer::Some(_) => assert!(truth, "seed {seed}, {engine:?} invents\n{}", describe(&obligation)),
                Answer::Unknown(why) => panic!("seed {seed}, {engine:?}: {why}\n{}", describe(&obligation)),
            }
        }
        // Intervals decide many of these before Z3 sees them, so once more with everything encoded.
        if let Some(presolved) = presolve(&obligation).unwrap() {
            let cases: Vec<usize> = (0..obligation.cases.len()).collect();
            let options = all[turn].options;
            let encoding = encode::encode(&obligation, &presolved, &cases, options, &Control::default()).unwrap();
            let found = z3::check(&encoding.into(), all[turn].strategy, &Control::default()).unwrap();
            let found = matches!(found, z3::Verdict::Satisfiable(_));
            assert_eq!(found, truth, "seed {seed}, {options:?}\n{}", describe(&obligation));
        }
        if truth { violated += 1 } else { proved += 1 }
    }
    assert!(proved * 5 > count && violated * 5 > count, "{proved} proved, {violated} violated: lopsided");
}

#[test]
fn small_networks() {
    agrees(&Shape::default(), 0, seeds(1500));
}

/// Sums so wide that steps have more results than thresholds are listed for.
#[test]
fn large_weights() {
    agrees(&Shape { weight: 400, points: 256, ..Shape::default() }, 1_000_000, seeds(500));
}

/// Z3's books must not drift, or a long-lived process ends with every query out of memory.
#[test]
fn memory_is_given_back() {
    let solve = |first: u64, count: u64| {
        for seed in first..first + count {
            let obligation = random_obligation(seed, &Shape::default());
            let answer = Smt::default().solve(&obligation, &Control::default());
            assert!(!matches!(answer, Answer::Unknown(_)), "seed {seed}: {answer:?}");
        }
        z3::allocated()
    };
    let before = solve(0, 300);
    let after = solve(300, 1500);
    assert!(after < before + (50 << 20), "{before} bytes before, {after} after");
}

/// A network that Z3 does not see through within seconds: 48 inputs of a byte each, 24 hidden neurons of 6 bits, and a goal near the greatest value that
/// random inputs reach.
fn hard() -> Obligation {
    use qnn_ir::Rounding;
    use qnn_ir::obligation::{Atom, Linear, Variable};
    use qnn_ir::{Graph, Matrix, Op, Step, Steps, interpret};
    let mut random = qnn_ir::testing::Random::new(7);
    let mut graph = Graph::new();
    let x = graph.push_input("x", 48);
    let mut layer = |graph: &mut Graph, source, rows: usize, columns: usize, divisor: i128| {
        let weights = (0..rows * columns).map(|_| random.between(-31, 31)).collect();
        let terms = vec![(source, Matrix::dense(rows, columns, weights))];
        let a =
            graph.push("a", Op::Affine { terms, bias: (0..rows).map(|_| random.between(-500, 500).into()).collect() });
        let mode = Rounding::HalfEven;
        let step = Step::Round { numerator: 1, denominator: divisor, offset: 0, mode, lo: 0, hi: 63 };
        graph.push("h", Op::Step { source: a, steps: Steps::Uniform(step) })
    };
    let h = layer(&mut graph, x, 24, 48, 512);
    let y = layer(&mut graph, h, 6, 24, 64);
    let mut random = qnn_ir::testing::Random::new(8);
    let form = Linear::new((0..6).map(|i| (y, i, if i % 2 == 0 { 3 } else { -3 })).collect(), 0);
    let sample = |random: &mut qnn_ir::testing::Random| {
        let input = (0..48).map(|_| random.between(0, 255).into()).collect();
        form.value(&interpret(&graph, &[input]).unwrap())
    };
    let best = (0..500).map(|_| sample(&mut random)).max().unwrap();
    let goal = Atom::new(form.clone().plus_constant(-best - 60));
    Obligation {
        graph: graph.into(),
        variables: vec![Variable { name: "x".into(), node: x, domain: vec![(0, 255); 48] }],
        assumptions: Vec::new(),
        cases: vec![vec![goal]],
        exact: None,
    }
}

#[test]
fn the_clock_is_ours() {
    use std::time::{Duration, Instant};
    let obligation = hard();
    for strategy in [z3::Strategy::BitBlast, z3::Strategy::Automatic] {
        let engine = Smt { strategy, ..Smt::default() };
        let start = Instant::now();
        let answer = engine.solve(&obligation, &Control::with_budget(Duration::from_millis(300)));
        assert!(matches!(answer, Answer::Unknown(Reason::Timeout)), "{answer:?}");
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        let control = Control::default();
        let cancel = control.cancel.clone();
        let canceller = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            cancel.cancel();
        });
        let start = Instant::now();
        assert!(matches!(engine.solve(&obligation, &control), Answer::Unknown(Reason::Cancelled)));
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        canceller.join().unwrap();
    }
}

/// The limit is the sum of all running queries' limits, so this one waits for the other tests' queries to end.
#[test]
fn the_memory_limit_is_an_answer() {
    let mut control = Control::with_budget(std::time::Duration::from_secs(300));
    control.memory = Some(1 << 20);
    let answer = Smt::default().solve(&hard(), &control);
    assert!(matches!(answer, Answer::Unknown(Reason::Memory)), "{answer:?}");
}

#[test]
fn the_version_is_short() {
    let version = version();
    let number = version.strip_prefix("Z3 ").unwrap();
    assert!(number.split('.').count() == 3 && number.split('.').all(|part| part.parse::<u32>().is_ok()), "{version}");
}

/// A rounding step, by a shift or a division, is its own list of thresholds, by comparisons.
#[test]
fn steps_are_their_thresholds() {
    use qnn_ir::obligation::{Atom, Linear, Variable};
    use qnn_ir::{Graph, Interval, Matrix, Op, Step, Steps};
    let mut random = qnn_ir::testing::Random::new(3);
    let mut different = 0;
    for round in 0..seeds(600) {
        let weight = *random.choose(&[1, 1, 7, 60, 400]);
        let (lo, bias) = (random.between(-40, 20), random.between(-30, 30));
        let hi = lo + random.between(1, 60);
        let ends = [lo * weight + bias, hi * weight + bias];
        let range = Interval::new(ends[0].into(), ends[1].into());
        let step = qnn_ir::testing::random_step(&mut random, &Shape { table: false, ..Shape::default() }, range);
        let (least, greatest) = (step.apply(range.lo), step.apply(range.hi));
        let thresholds = (least + 1..=greatest).map(|v| step.threshold(v).unwrap()).collect();
        let table = Step::Table { lo: least, thresholds };
        let mut graph = Graph::new();
        let x = graph.push_input("x", 1);
        let terms = vec![(x, Matrix::dense(1, 1, vec![weight]))];
        let a = graph.push("a", Op::Affine { terms, bias: [bias.into()].into() });
        let y = graph.push("y", Op::Step { source: a, steps: Steps::Uniform(step.clone()) });
        let z = graph.push("z", Op::Step { source: a, steps: Steps::Uniform(table) });
        let unequal = |factor| vec![Atom::new(Linear::new(vec![(y, 0, factor), (z, 0, -factor)], -1))];
        let obligation = Obligation {
            graph: graph.into(),
            variables: vec![Variable { name: "x".into(), node: x, domain: vec![(lo, hi)] }],
            assumptions: Vec::new(),
            cases: vec![unequal(1), unequal(-1)],
            exact: None,
        };
        let presolved = presolve(&obligation).unwrap().unwrap();
        let control = Control::default();
        let encoding = encode::encode(&obligation, &presolved, &[0, 1], Options::default(), &control).unwrap();
        different += u32::from(
            encoding.assertions.iter().any(|term| !matches!(encoding.terms.node(*term), term::Node::Bool(_))),
        );
        let verdict = z3::check(&encoding.into(), z3::Strategy::default(), &control).unwrap();
        assert_eq!(verdict, z3::Verdict::Unsatisfiable, "{round}: {step:?} of {range:?}");
        // Nor does the encoding exclude anything: both ends, and a value between them, are attained.
        for at in [lo, hi, random.between(lo, hi)] {
            let value = step.apply((at * weight + bias).into());
            let is =
                |node, value: i128| [1, -1].map(|sign| Atom::new(Linear::new(vec![(node, 0, sign)], -sign * value)));
            let mut attained = obligation.clone();
            attained.cases = vec![is(x, at.into()).into_iter().chain(is(y, value)).collect()];
            let encoding = encode::encode(&attained, &presolved, &[0], Options::default(), &control).unwrap();
            let verdict = z3::check(&encoding.into(), z3::Strategy::default(), &control).unwrap();
            assert!(matches!(verdict, z3::Verdict::Satisfiable(_)), "{round}: {step:?} of {range:?} at {at}");
        }
    }
    assert!(different > 300, "{different}");
}
