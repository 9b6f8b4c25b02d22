//! The engine against the reference interpreter's enumeration, under every option.

use super::*;
use crate::testing::{Shape, brute_force, describe, random_obligation};

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
                    engines.push(Smt { options: Options { tree, products, redundant_bounds }, strategy });
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
