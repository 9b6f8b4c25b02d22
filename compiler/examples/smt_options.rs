//! Which options of the engine `smt` are quickest, on random networks of two layers: `smt_options [NETWORKS] [SECONDS]`.
//!
//! Each network is asked for an output above the best of many random samples: some of these are attainable, some are not. Prints the decided queries and
//! the time for each choice of options, undecided ones counting with the whole budget.

use qnn::engine::smt::{AdderTree, Options, Products, Smt, z3::Strategy};
use qnn::engine::{Answer, Control, Engine};
use qnn::model::Rounding;
use qnn::network::{Graph, Matrix, NodeId, Op, Step, Steps, interpret};
use qnn::obligation::{Atom, Linear, Obligation, Variable};
use qnn::testing::Random;
use std::time::{Duration, Instant};

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>().expect("a number"));
    let (networks, seconds) = (arguments.next().unwrap_or(12), arguments.next().unwrap_or(5));
    let queries: Vec<Obligation> = (0..networks).map(query).collect();
    let balanced = Options::default();
    let choices = [
        ("balanced", balanced, Strategy::BitBlast),
        ("linear", Options { tree: AdderTree::Linear, ..balanced }, Strategy::BitBlast),
        ("balanced, shifts", Options { products: Products::Shift, ..balanced }, Strategy::BitBlast),
        ("balanced, bounds", Options { redundant_bounds: true, ..balanced }, Strategy::BitBlast),
        ("balanced, automatic", balanced, Strategy::Automatic),
        ("balanced, bounds, automatic", Options { redundant_bounds: true, ..balanced }, Strategy::Automatic),
        ("linear, automatic", Options { tree: AdderTree::Linear, ..balanced }, Strategy::Automatic),
        ("balanced, shifts, automatic", Options { products: Products::Shift, ..balanced }, Strategy::Automatic),
    ];
    for (name, options, strategy) in choices {
        let engine = Smt { options, strategy };
        let (mut proved, mut violated, mut spent) = (0, 0, Duration::ZERO);
        for query in &queries {
            let start = Instant::now();
            match engine.solve(query, &Control::with_budget(Duration::from_secs(seconds))) {
                Answer::None(_) => proved += 1,
                Answer::Some(_) => violated += 1,
                Answer::Unknown(_) => {}
            }
            spent += start.elapsed();
            qnn::engine::smt::settle(Duration::from_secs(60));
        }
        println!("{name}: {proved} proved, {violated} violated of {networks}, {spent:.1?}");
    }
}

fn query(seed: u64) -> Obligation {
    let mut random = Random::new(seed);
    let mut graph = Graph::new();
    let (inputs, hidden) = (6 + (seed % 5) as usize, 6);
    let x = graph.push_input("x", inputs);
    let mut dense = |graph: &mut Graph, source: NodeId, rows: usize| {
        let columns = graph.len(source);
        let weights = (0..rows * columns).map(|_| random.between(-31, 31)).collect();
        let bias = (0..rows).map(|_| random.between(-100, 100).into()).collect();
        graph.push("acc", Op::Affine { terms: vec![(source, Matrix::dense(rows, columns, weights))], bias })
    };
    let acc = dense(&mut graph, x, hidden);
    let step = Step::Round { numerator: 1, denominator: 8, offset: 0, mode: Rounding::HalfUp, lo: 0, hi: 63 };
    let h = graph.push("h", Op::Step { source: acc, steps: Steps::Uniform(step) });
    let y = dense(&mut graph, h, 1);
    let mut random = Random::new(seed + 1000);
    let mut sample = || {
        let input = (0..inputs).map(|_| random.between(0, 15).into()).collect();
        interpret(&graph, &[input]).expect("small numbers")[y.index()][0]
    };
    let samples: Vec<i128> = (0..2000).map(|_| sample()).collect();
    let (best, worst) = (samples.iter().max().copied().unwrap_or(0), samples.iter().min().copied().unwrap_or(0));
    let goal = best + (best - worst) * [1, 3, 5, 8][(seed / 3 % 4) as usize] / 20;
    Obligation {
        graph: graph.into(),
        variables: vec![Variable { name: "x".into(), node: x, domain: vec![(0, 15); inputs] }],
        assumptions: Vec::new(),
        cases: vec![vec![Atom::new(Linear::new(vec![(y, 0, 1)], -goal))]],
    }
}
