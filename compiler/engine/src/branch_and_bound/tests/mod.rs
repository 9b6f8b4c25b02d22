//! The search against enumeration, and every proof against the checker.

mod attacks;
mod cores;
mod maximum;

use super::case::Helpers;
use super::propagation::{all_facets, atom_facets};
use super::*;
use crate::Trust;
use crate::attack::Attack;
use crate::relaxation::{Ranges, Relaxation};
use crate::simplex::{Simplex, View};
use qnn_ir::Graph;
use qnn_ir::obligation::Replay;
use qnn_ir::obligation::{Atom, Linear};
use qnn_ir::testing::{Random, Shape, brute_force, describe, random_obligation};
use qnn_proof::Certificate;
use qnn_proof::check;
use std::sync::Arc;
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
        (Answer::None(Trust::Certificate { certificate: Some(certificate), .. }), None) => {
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
    for (engine, from) in [(Search::without_enumeration(), 5_000_000), (Search::without_patience(), 5_500_000)] {
        (from..from + count).for_each(|seed| {
            agrees(&engine, seed, &shape);
        });
    }
}

fn certificate(engine: &Search, obligation: &Obligation) -> Option<Arc<Certificate>> {
    match engine.solve(obligation, &Control::with_budget(Duration::from_secs(20))) {
        Answer::None(Trust::Certificate { certificate: Some(certificate), .. }) => Some(certificate),
        _ => None,
    }
}

/// The obligation with one step that is off by one.
fn planted(obligation: &Obligation) -> Option<Obligation> {
    use qnn_ir::{Op, Step, Steps};
    let mut graph = (*obligation.graph).clone();
    let node = graph.nodes.iter_mut().rev().find(
        |node| matches!(&node.op, Op::Step { steps: Steps::Uniform(Step::Round { lo, hi, .. }), .. } if lo < hi),
    )?;
    let Op::Step { steps: Steps::Uniform(Step::Round { offset, denominator, .. }), .. } = &mut node.op else {
        return None;
    };
    *offset += *denominator;
    Some(Obligation { graph: Arc::new(graph), ..obligation.clone() })
}

#[test]
fn a_planted_error_is_caught() {
    let (engine, shape) = (Search::without_enumeration(), Shape::default());
    let mut caught = 0;
    for seed in 0..4000 {
        let obligation = random_obligation(seed, &shape);
        let Some(wrong) = planted(&obligation) else { continue };
        if brute_force(&obligation).is_none() {
            continue;
        }
        let Some(proof) = certificate(&engine, &wrong) else { continue };
        // What an engine would hand in that computed the step wrongly.
        let proof = Certificate { obligation: obligation.key(), ..(*proof).clone() };
        assert!(check(&obligation, &proof).is_err(), "seed {seed}: a wrong proof was accepted");
        caught += 1;
    }
    assert!(caught > 10, "only {caught} chances to be wrong");
}

#[test]
fn mutated_certificates_are_never_harmful() {
    let (engine, shape) = (Search::without_enumeration(), Shape::default());
    let mut random = qnn_ir::testing::Random::new(7);
    let (mut mutants, mut rejected) = (0, 0);
    for seed in 0..1500 {
        let obligation = random_obligation(seed, &shape);
        let Some(proof) = certificate(&engine, &obligation) else { continue };
        let proof = (*proof).clone();
        let refused = |proof: &Certificate, what: &str| {
            assert!(check(&obligation, proof).is_err(), "seed {seed}: accepted {what}");
        };
        let mut other = proof.clone();
        other.obligation.replace_range(0..1, if other.obligation.starts_with('0') { "1" } else { "0" });
        refused(&other, "another obligation's key");
        let mut short = proof.clone();
        if short.cases.pop().is_some() {
            refused(&short, "a lost case");
        }
        for case in 0..proof.cases.len() {
            let mut lost = proof.clone();
            lost.cases[case].pop();
            refused(&lost, "a lost leaf");
            let mut extra = proof.clone();
            extra.cases[case].push(qnn_proof::Step::Empty);
            refused(&extra, "a leaf too many");
        }
        // The same proof, changed a little, about a problem that has an answer: it must not be accepted.
        let mut weaker = obligation.clone();
        for case in &mut weaker.cases {
            case.iter_mut().for_each(|atom| std::sync::Arc::make_mut(&mut atom.linear).constant += 6);
        }
        let answered = brute_force(&weaker).is_some();
        for _ in 0..8 {
            let mut mutant = proof.clone();
            mutate(&mut mutant, &mut random);
            mutants += 1;
            rejected += usize::from(check(&obligation, &mutant).is_err());
            if answered {
                mutant.obligation = weaker.key();
                assert!(check(&weaker, &mutant).is_err(), "seed {seed}: a false statement was accepted");
            }
        }
    }
    assert!(mutants > 2000 && rejected * 3 > mutants, "{rejected} of {mutants} rejected");
}

/// Changes a number or drops, doubles or exchanges steps.
fn mutate(proof: &mut Certificate, random: &mut qnn_ir::testing::Random) {
    use qnn_proof::Step;
    let Some(case) = proof.cases.len().checked_sub(1).map(|_| random.below(proof.cases.len())) else { return };
    let tree = &mut proof.cases[case];
    let at = random.below(tree.len());
    let by = random.between(-300, 300);
    match random.below(5) {
        0 => {
            tree.remove(at);
        }
        1 => tree.insert(at, tree[at].clone()),
        2 => {
            let other = random.below(tree.len());
            tree.swap(at, other);
        }
        _ => match &mut tree[at] {
            Step::Bound(multipliers) | Step::Slack(multipliers) => {
                let count = multipliers.slots.len() + multipliers.atoms.len();
                if count > 0 {
                    let k = random.below(count);
                    match multipliers.slots.get_mut(k) {
                        Some(slot) => slot.2 = slot.2.wrapping_mul(by),
                        None => multipliers.atoms[k - multipliers.slots.len()].1 = by,
                    }
                }
            }
            Step::Split { value, .. } => *value += by,
            Step::Tighten(tighten) => tighten.weight += by,
            Step::Empty => tree[at] = Step::Enumerate,
            Step::Enumerate | Step::Propagate => tree[at] = Step::Empty,
        },
    }
}

#[test]
fn stops_in_time() {
    let obligation = random_obligation(3, &Shape::default());
    let control = Control::with_budget(Duration::ZERO);
    control.cancel.cancel();
    // Whatever it says, it says it at once; a problem that falls to the first bound may still be decided.
    let _ = Search::without_enumeration().solve(&obligation, &control);
}

/// Certificates of random problems, and mutants of them, with the verdict of this crate's checker and of `tests/checker.py`.
#[test]
fn the_second_checker_agrees() {
    let (engine, shape) = (Search::without_enumeration(), Shape::default());
    let mut random = qnn_ir::testing::Random::new(11);
    let (mut lines, mut verdicts) = (String::new(), Vec::new());
    for seed in 0..400 {
        let obligation = random_obligation(seed, &shape);
        let Some(proof) = certificate(&engine, &obligation) else { continue };
        let mut mutant = (*proof).clone();
        mutate(&mut mutant, &mut random);
        for proof in [&*proof, &mutant] {
            let line = serde_json::json!({ "obligation": qnn_proof::export(&obligation), "certificate": proof });
            lines.push_str(&line.to_string());
            lines.push('\n');
            verdicts.push(check(&obligation, proof).is_ok());
        }
    }
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("proofs.jsonl");
    std::fs::write(&file, lines).expect("a file");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/checker.py");
    let Ok(output) = std::process::Command::new("python3").arg(script).arg(&file).output() else {
        eprintln!("no python3 here: the second checker is not tested");
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let theirs: Vec<bool> = text.lines().map(|line| line.ends_with("accepted")).collect();
    assert_eq!(theirs.len(), verdicts.len(), "{}", String::from_utf8_lossy(&output.stderr));
    for (line, (ours, theirs)) in verdicts.iter().zip(&theirs).enumerate() {
        assert_eq!(ours, theirs, "line {}: {}", line + 1, text.lines().nth(line).unwrap_or(""));
    }
}

/// x > y > x narrows wide ranges by one at a time.
#[test]
fn atoms_that_chase_each_other_come_to_an_end() {
    use qnn_ir::obligation::{Linear, Variable};
    let mut graph = Graph::new();
    let x = graph.push_input("x", 2);
    let more = |a, b| Atom::new(Linear::new(vec![(x, a, 1), (x, b, -1)], -1));
    let far = 1 << 40;
    let obligation = Obligation {
        graph: graph.into(),
        variables: vec![Variable { name: "x".into(), node: x, domain: vec![(-far, far); 2] }],
        assumptions: vec![more(0, 1), more(1, 0)],
        cases: vec![Vec::new()],
        exact: None,
    };
    let answer = Search::new().solve(&obligation, &Control::with_budget(Duration::from_secs(20)));
    assert!(matches!(answer, Answer::None(Trust::Certificate { .. })), "{answer:?}");
}

/// Two layers of staircases over a dozen inputs, and an output that is to exceed all that a few hundred inputs reach.
fn two_layers(seed: u64) -> Obligation {
    layers(seed, 12, [8, 6, 1])
}

fn layers(seed: u64, inputs: usize, sizes: [usize; 3]) -> Obligation {
    use qnn_ir::obligation::{Linear, Variable};
    use qnn_ir::{Matrix, Op, Step, Steps, interpret};
    let mut random = Random::new(seed);
    let mut graph = Graph::new();
    let x = graph.push_input("x", inputs);
    let mut last = (x, inputs);
    for nonlinearities in sizes {
        let weights = (0..nonlinearities * last.1).map(|_| random.between(-7, 7)).collect();
        let terms = vec![(last.0, Matrix::dense(nonlinearities, last.1, weights))];
        let bias = (0..nonlinearities).map(|_| i128::from(random.between(-20, 20))).collect();
        last = (graph.push("sums", Op::Affine { terms, bias }), nonlinearities);
        if nonlinearities > 1 {
            let mode = qnn_ir::Rounding::HalfUp;
            let step = Step::Round { numerator: 1, denominator: 8, offset: 0, mode, lo: 0, hi: 15 };
            last.0 = graph.push("steps", Op::Step { source: last.0, steps: Steps::Uniform(step) });
        }
    }
    let most = (0..400).map(|_| {
        let input = (0..inputs).map(|_| i128::from(random.between(0, 7))).collect();
        interpret(&graph, &[input]).expect("small numbers")[last.0.index()][0]
    });
    let least = most.max().unwrap_or(0) + 20;
    Obligation {
        graph: graph.into(),
        variables: vec![Variable { name: "x".into(), node: x, domain: vec![(0, 7); inputs] }],
        assumptions: Vec::new(),
        cases: vec![vec![Atom::new(Linear::new(vec![(last.0, 0, 1)], -least))]],
        exact: None,
    }
}

/// Expressions that branches bound anew are bounded rightly, also where that leaves nothing.
#[test]
fn branches_narrow_ranges_by_bounds_of_their_own() {
    let mut tightened = 0;
    for seed in 0..600 {
        let obligation = two_layers(seed);
        let control = Control::with_budget(Duration::from_secs(60));
        let expected = Search::new().solve(&obligation, &control);
        match (
            replayed(&obligation, "search", Search::without_patience().solve(&obligation, &control), &control),
            expected,
        ) {
            (Answer::Some(_), Answer::Some(_)) => {}
            (Answer::None(Trust::Certificate { certificate: Some(found), .. }), Answer::None(_)) => {
                let after_a_split = found.cases[0].iter().skip_while(|step| !matches!(step, Step::Split { .. }));
                tightened += after_a_split.filter(|step| matches!(step, Step::Tighten(_))).count();
            }
            (answer, expected) => panic!("seed {seed}: {answer:?}, but {expected:?}"),
        }
    }
    println!("{tightened} ranges narrowed below a split");
    assert!(tightened > 400, "{tightened}");
}
