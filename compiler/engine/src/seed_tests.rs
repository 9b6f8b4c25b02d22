//! Random choices depend on seeds alone: the same question has the same answer.

use super::branch_and_bound::{Attacks, Search};
use super::{Answer, Control, Engine, Trust};
use qnn_ir::Rounding;
use qnn_ir::obligation::{Atom, Linear, Obligation, Variable};
use qnn_ir::testing::{Random, Shape, describe, random_obligation};
use qnn_ir::{Graph, Matrix, Op, Step, Steps, interpret};

/// An answer as text, the certificate's steps included.
fn text(answer: &Answer) -> String {
    match answer {
        Answer::None(Trust::Certificate { certificate: Some(certificate), .. }) => format!("{certificate:?}"),
        answer => format!("{answer:?}"),
    }
}

/// Everything is asked once, and then everything again; how much has an answer.
fn repeated(engine: &dyn Engine, obligations: &[Obligation]) -> usize {
    let answers = || -> Vec<Answer> { obligations.iter().map(|o| engine.solve(o, &Control::default())).collect() };
    let (first, second) = (answers(), answers());
    for ((first, second), obligation) in first.iter().zip(&second).zip(obligations) {
        assert_eq!(text(first), text(second), "{}", describe(obligation));
    }
    first.iter().filter(|answer| matches!(answer, Answer::Some(_))).count()
}

/// With domains that are too large to enumerate.
fn random_obligations(count: u64) -> Vec<Obligation> {
    let shape = Shape { points: 1 << 40, nodes: 14, ..Shape::default() };
    (0..count).map(|seed| random_obligation(seed, &shape)).collect()
}

/// Which inputs make a network of two hidden layers return exactly what it returns for a point?
fn inversion(seed: u64) -> Obligation {
    const INPUTS: usize = 12;
    const TOP: i64 = 15;
    let mut random = Random::new(seed);
    let mut graph = Graph::new();
    let x = graph.push_input("x", INPUTS);
    let step = Step::Round { numerator: 1, denominator: 16, offset: 0, mode: Rounding::HalfUp, lo: 0, hi: 63 };
    let (mut last, mut len) = (x, INPUTS);
    for units in [8, 8, 2] {
        let weights = Matrix::dense(units, len, (0..units * len).map(|_| random.between(-9, 9)).collect());
        last = graph.push("sums", Op::Affine { terms: vec![(last, weights)], bias: vec![0; units].into() });
        len = units;
        if units > 2 {
            last = graph.push("units", Op::Step { source: last, steps: Steps::Uniform(step.clone()) });
        }
    }
    let point = (0..INPUTS).map(|_| random.between(0, TOP).into()).collect();
    let values = interpret(&graph, &[point]).expect("small numbers");
    let equal = (0..2u32).flat_map(|i| {
        let value = values[last.index()][i as usize];
        [(1, -value), (-1, value)].map(|(sign, constant)| Atom::new(Linear::new(vec![(last, i, sign)], constant)))
    });
    let cases = vec![equal.collect()];
    let variables = vec![Variable { name: "x".into(), node: x, domain: vec![(0, TOP); INPUTS] }];
    Obligation { graph: graph.into(), variables, assumptions: Vec::new(), cases, exact: None }
}

#[test]
fn attacks_are_deterministic() {
    let found = repeated(&Attacks, &random_obligations(300));
    assert!(found > 50, "{found}");
}

/// On one core; workers that share a tree come at it in any order.
#[test]
fn searches_are_deterministic() {
    let (random, deep) = (random_obligations(200), (0..8).map(inversion).collect::<Vec<_>>());
    for engine in [Search::new(), Search::without_enumeration(), Search::without_patience()] {
        let found = repeated(&engine, &random);
        assert!(found > 30 && random.len() - found > 30, "{found}");
        assert_eq!(repeated(&engine, &deep), deep.len());
    }
}
