//! Random obligations: what splits of inputs decide is what enumeration decides, and both checkers accept the proofs.

use super::*;
use crate::replayed;
use qnn_ir::testing::{Random, Shape, brute_force, describe, random_obligation};
use qnn_proof::{Certificate, Step, check};
use std::time::Duration;

/// How many obligations are tried; `QNN_BOXES` names another number.
fn seeds() -> u64 {
    let usual = if cfg!(debug_assertions) { 3000 } else { 30_000 };
    std::env::var("QNN_BOXES").ok().and_then(|count| count.parse().ok()).unwrap_or(usual)
}

#[test]
fn agrees_with_enumeration() {
    let (mut proved, mut violated, mut propagated, mut enumerated) = (0, 0, 0, 0);
    for seed in 0..seeds() {
        let obligation = random_obligation(seed, &Shape { nodes: 8, ..Shape::default() });
        let engine = if seed % 2 == 0 { Boxes::without_enumeration() } else { Boxes::patient() };
        let control = Control::with_budget(Duration::from_secs(60));
        if seed % 3 == 0 {
            control.spare.add();
        }
        let answer = replayed(&obligation, "boxes", engine.solve(&obligation, &control), &control);
        let text = || format!("seed {seed}: {answer:?}\n{}", describe(&obligation));
        match &answer {
            Answer::Some(_) => {
                violated += 1;
                assert!(brute_force(&obligation).is_some(), "{}", text());
            }
            Answer::None(Trust::Certificate { certificate: Some(certificate), .. }) => {
                proved += 1;
                assert!(brute_force(&obligation).is_none(), "{}", text());
                let count = |step: &Step| certificate.cases.iter().flatten().filter(|other| *other == step).count();
                propagated += count(&Step::Propagate);
                enumerated += count(&Step::Enumerate);
            }
            _ => panic!("{}", text()),
        }
    }
    let count = seeds() as usize;
    assert!(proved * 4 > count && violated * 4 > count, "{proved} proved, {violated} violated");
    assert!(propagated > count / 4 && enumerated > count / 20, "{propagated} propagated, {enumerated} enumerated");
}

/// A split at another value, or two leaves exchanged for one another.
fn mutate(certificate: &mut Certificate, random: &mut Random) {
    let mut steps: Vec<&mut Step> = certificate.cases.iter_mut().flatten().collect();
    let at = random.below(steps.len().max(1));
    match steps.get_mut(at) {
        Some(Step::Split { value, .. }) => *value += random.between(-3, 3),
        Some(step) => **step = if **step == Step::Propagate { Step::Enumerate } else { Step::Propagate },
        None => {}
    }
}

/// Proofs and mutants of them have the same verdict of this crate's checker and of `tests/checker.py`.
#[test]
fn the_second_checker_agrees() {
    let mut random = Random::new(31);
    let (mut lines, mut verdicts) = (String::new(), Vec::new());
    for seed in 500_000..500_300 {
        let obligation = random_obligation(seed, &Shape { nodes: 8, ..Shape::default() });
        let answer = Boxes::without_enumeration().solve(&obligation, &Control::default());
        let Answer::None(Trust::Certificate { certificate: Some(proof), .. }) = answer else { continue };
        let mut mutant = (*proof).clone();
        mutate(&mut mutant, &mut random);
        for proof in [&*proof, &mutant] {
            let line = serde_json::json!({ "obligation": qnn_proof::export(&obligation), "certificate": proof });
            lines.push_str(&format!("{line}\n"));
            verdicts.push(check(&obligation, proof).is_ok());
        }
    }
    assert!(verdicts.len() > 100 && verdicts.iter().any(|accepted| !accepted), "{}", verdicts.len());
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
    assert_eq!(theirs, verdicts, "{text}");
}

/// A network of many inputs, each of which matters a little.
fn many_inputs() -> Obligation {
    use qnn_ir::obligation::{Atom, Linear, Variable};
    use qnn_ir::{Graph, Matrix, Op, Rounding, Step, Steps};
    let mut random = Random::new(2);
    let (mut graph, inputs) = (Graph::new(), 200);
    let x = graph.push_input("x", inputs);
    let mut last = (x, inputs);
    for width in [40, 20, 1] {
        let weights = (0..width * last.1).map(|_| random.between(-7, 7)).collect();
        let terms = vec![(last.0, Matrix::dense(width, last.1, weights))];
        let a = graph.push("a", Op::Affine { terms, bias: vec![0; width].into() });
        let step = Step::Round { numerator: 1, denominator: 8, offset: 0, mode: Rounding::HalfUp, lo: 0, hi: 255 };
        last = (graph.push("y", Op::Step { source: a, steps: Steps::Uniform(step) }), width);
    }
    Obligation {
        graph: graph.into(),
        variables: vec![Variable { name: "x".into(), node: x, domain: vec![(0, 15); inputs] }],
        assumptions: Vec::new(),
        cases: vec![vec![Atom::new(Linear::new(vec![(last.0, 0, 1)], -250))]],
        exact: None,
    }
}

/// Splits of many inputs, each of which matters a little, come to no end: the engine says so early.
#[test]
fn what_has_no_hope_is_given_up() {
    let obligation = many_inputs();
    let begun = std::time::Instant::now();
    let answer = Boxes::default().solve(&obligation, &Control::with_budget(Duration::from_secs(60)));
    // A point may answer it; splits can't decide it.
    assert!(matches!(answer, Answer::Unknown(Reason::Incomplete(_)) | Answer::Some(_)), "{answer:?}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

/// Beside a search over neurons, which may lend its core to others and wait with its clock, the deadline is kept.
#[test]
fn the_deadline_is_kept_beside_another_search() {
    let rest: Vec<std::sync::Arc<dyn Engine>> =
        vec![std::sync::Arc::new(crate::Search::default()), std::sync::Arc::new(Boxes::patient())];
    let portfolio = crate::portfolio::Portfolio { first: Vec::new(), rest };
    let begun = std::time::Instant::now();
    let _ = portfolio.decide(&many_inputs(), &Control::with_budget(Duration::from_secs(1)));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}
