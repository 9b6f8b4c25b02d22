//! The search against enumeration, and every proof against the checker.

use super::*;
use crate::proof::check;
use crate::testing::{Shape, brute_force, describe, random_obligation};
use std::time::Duration;

fn agrees(engine: &Search, seed: u64, shape: &Shape) -> u64 {
    let obligation = random_obligation(seed, shape);
    let truth = brute_force(&obligation);
    let (answer, effort) = engine.solve_with_effort(&obligation, &Control::with_budget(Duration::from_secs(20)));
    match (answer, truth) {
        (Answer::Some(assignment), _) => {
            assert!(
                matches!(obligation.replay(&assignment), Replay::Holds(_)),
                "seed {seed}\n{}",
                describe(&obligation)
            );
        }
        (Answer::None(Trust::Certificate { certificate }), None) => {
            if let Err(rejection) = check(&obligation, &certificate) {
                panic!("seed {seed}: {rejection}\n{certificate:?}\n{}", describe(&obligation));
            }
        }
        (answer, truth) => panic!("seed {seed}: {answer:?} but {truth:?}\n{}", describe(&obligation)),
    }
    effort.branches
}

#[test]
fn agrees_with_enumeration_and_the_checker() {
    let shape = Shape::default();
    let count = if cfg!(debug_assertions) { 3000 } else { 100_000 };
    for (engine, from) in [(Search::new(), 0), (Search::without_enumeration(), 1_000_000)] {
        let branches: u64 = (from..from + count).map(|seed| agrees(&engine, seed, &shape)).sum();
        assert!(branches > 0);
    }
}

#[test]
fn agrees_on_deeper_networks() {
    let shape = Shape { points: 2048, nodes: 14, ..Shape::default() };
    let count = if cfg!(debug_assertions) { 1000 } else { 50_000 };
    let engine = Search::without_enumeration();
    (5_000_000..5_000_000 + count).for_each(|seed| {
        agrees(&engine, seed, &shape);
    });
}
