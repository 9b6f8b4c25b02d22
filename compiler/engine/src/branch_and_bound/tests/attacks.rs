//! Attacks, repairs, annealing and lattices: their points are answers, and they find most of what there is.

use super::*;
use crate::branch_and_bound::parameters::SEED;
use crate::relaxation::network::Kind;

/// Attacks break what they can, and never claim more.
#[test]
fn attacks_find_or_say_nothing() {
    let (mut found, mut missed) = (0, 0);
    for seed in 0..400 {
        let obligation = random_obligation(seed, &Shape::default());
        match (
            replayed(&obligation, "attack", Attacks.solve(&obligation, &Control::default()), &Control::default()),
            brute_force(&obligation),
        ) {
            (Answer::Some(_), Some(_)) => found += 1,
            (Answer::Unknown(Reason::Incomplete(_)), Some(_)) => missed += 1,
            (Answer::Unknown(Reason::Incomplete(_)), None) => {}
            (answer, truth) => panic!("seed {seed}: {answer:?}, {truth:?}"),
        }
    }
    println!("{found} found, {missed} missed");
    assert!(found > 4 * missed, "{found} found, {missed} missed");
}

/// Repairs lead from the relaxation to answers, often enough, and never claim more.
#[test]
fn repairs_find_or_say_nothing() {
    let (engine, control) = (Search::without_enumeration(), Control::default());
    let (mut found, mut missed) = (0, 0);
    for seed in 0..1000 {
        let obligation = random_obligation(seed, &Shape::default());
        let Some(relaxation) = Relaxation::new(&obligation.graph) else { continue };
        let Ok(run) = Run::new(&engine, &relaxation, &obligation, &control) else { continue };
        let mut any = false;
        let mut tried = false;
        for index in run.open() {
            let (problem, ranges) = (&run.problems[index], &run.ranges);
            let (facets, atoms) = (all_facets(problem, ranges), atom_facets(problem));
            let mut objective = vec![0.0; relaxation.columns.len()];
            problem.atoms.last().expect("an objective").add_to(&mut objective, 1.0);
            let mut simplex = Simplex::new(problem, ranges, objective);
            simplex.run(
                problem,
                &View { ranges, nonlinearities: &problem.live, facets: &facets, atoms: &atoms },
                f64::NEG_INFINITY,
                500,
                &|| false,
            );
            let steps = problem.live.iter().map(|nonlinearity| &relaxation.nonlinearities[*nonlinearity as usize]);
            tried |= steps
                .filter(|nonlinearity| nonlinearity.shallow)
                .all(|nonlinearity| matches!(nonlinearity.kind, Kind::Step(_)));
            let Some(point) = Attack::new(problem, ranges, SEED).repair(&simplex.x, ranges, None, &|| false) else {
                continue;
            };
            let point: Vec<i64> = point.iter().map(|v| *v as i64).collect();
            let replay = obligation.replay(&assignment(&obligation, &point));
            assert_ne!(Accepted::from(&replay), Accepted::No, "seed {seed}: {point:?}");
            any = true;
        }
        match brute_force(&obligation) {
            Some(_) if any => found += 1,
            Some(_) if tried => missed += 1,
            _ => {}
        }
    }
    println!("{found} found, {missed} missed");
    assert!(found > 2 * missed, "{found} found, {missed} missed");
}

/// Annealing finds answers often enough, and never claims more.
#[test]
fn annealing_finds_or_says_nothing() {
    let (engine, control) = (Search::without_enumeration(), Control::default());
    let (mut found, mut missed) = (0, 0);
    for seed in 0..150 {
        let obligation = random_obligation(seed, &Shape { nodes: 8, ..Shape::default() });
        let Some(relaxation) = Relaxation::new(&obligation.graph) else { continue };
        let Ok(run) = Run::new(&engine, &relaxation, &obligation, &control) else { continue };
        let mut any = false;
        for index in run.open() {
            let Some(point) = Attack::new(&run.problems[index], &run.ranges, seed).anneal(1, &|| false) else {
                continue;
            };
            let point: Vec<i64> = point.iter().map(|v| *v as i64).collect();
            let replay = obligation.replay(&assignment(&obligation, &point));
            assert_ne!(Accepted::from(&replay), Accepted::No, "seed {seed}: {point:?}");
            any = true;
        }
        match brute_force(&obligation) {
            Some(_) if any => found += 1,
            Some(_) => missed += 1,
            None => {}
        }
    }
    println!("{found} found, {missed} missed");
    assert!(found > 4 * missed, "{found} found, {missed} missed");
}

/// Ten sums of eighty inputs are to be within five of where they are for a hidden point: steps of single inputs are far too coarse. The search for such points is a
/// heuristic, which misses a few of a hundred.
#[test]
fn thin_cells_have_their_points_found() {
    use qnn_ir::obligation::{Linear, Variable};
    use qnn_ir::{Matrix, Op, Steps};
    let mut missed = Vec::new();
    for seed in 0..20 {
        let mut random = qnn_ir::testing::Random::new(seed);
        let hidden: Vec<i64> = (0..80).map(|_| random.between(0, 6)).collect();
        let weights: Vec<i64> = (0..800).map(|_| random.between(-31, 31)).collect();
        let mut graph = Graph::new();
        let x = graph.push_input("x", 80);
        let terms = vec![(x, Matrix::dense(10, 80, weights.clone()))];
        let sums = graph.push("", Op::Affine { terms, bias: vec![0; 10].into() });
        let fifth = qnn_ir::Step::Round {
            numerator: 1,
            denominator: 5,
            offset: 0,
            mode: qnn_ir::Rounding::Floor,
            lo: -4000,
            hi: 4000,
        };
        let y = graph.push("", Op::Step { source: sums, steps: Steps::Uniform(fifth) });
        let value = |i: usize| {
            let sum: i64 = weights[i * 80..(i + 1) * 80].iter().zip(&hidden).map(|(w, x)| w * x).sum();
            i128::from(sum.div_euclid(5))
        };
        let bounds = |i: u32| {
            let v = value(i as usize);
            [Atom::new(Linear::new(vec![(y, i, 1)], -v)), Atom::new(Linear::new(vec![(y, i, -1)], v))]
        };
        let obligation = Obligation {
            graph: graph.into(),
            variables: vec![Variable { name: "x".into(), node: x, domain: vec![(0, 6); 80] }],
            assumptions: Vec::new(),
            cases: vec![(0..10).flat_map(bounds).collect()],
            exact: None,
        };
        let answer = Search::new().solve(&obligation, &Control::with_budget(Duration::from_secs(2)));
        match replayed(&obligation, "search", answer, &Control::default()) {
            Answer::Some(_) => {}
            Answer::Unknown(Reason::Timeout) => missed.push(seed),
            other => panic!("seed {seed}: {other:?}"),
        }
    }
    assert!(missed.len() <= 3, "missed: {missed:?}");
}

/// Expressions' ranges that follow their columns' are those that are added up anew, however often columns were narrowed.
#[test]
fn expressions_ranges_follow_their_columns() {
    let mut random = Random::new(3);
    let mut narrowed = 0;
    for seed in 0..600 {
        let obligation = random_obligation(seed, &Shape { nodes: 14, ..Shape::default() });
        let Some(relaxation) = Relaxation::new(&obligation.graph) else { continue };
        let boxes: Vec<(i64, i64)> = obligation.variables.iter().flat_map(|v| v.domain.iter().copied()).collect();
        let Some(mut ranges) = Ranges::new(&relaxation, &boxes) else { continue };
        for _ in 0..8 {
            let column = random.below(relaxation.columns.len());
            let (lo, hi) = (ranges.lower[column] as i64, ranges.upper[column] as i64);
            let (a, b) = (random.between(lo, hi), random.between(lo, hi));
            if ranges.narrow_column(&relaxation, column, a.min(b) as f64, a.max(b) as f64, &mut Vec::new())
                == Err(Empty)
            {
                break;
            }
            narrowed += 1;
            for (e, expr) in relaxation.exprs.iter().enumerate() {
                assert_eq!(ranges.natural(e), expr.range(&ranges.lower, &ranges.upper), "seed {seed}");
            }
        }
    }
    assert!(narrowed > 1000, "{narrowed}");
}
