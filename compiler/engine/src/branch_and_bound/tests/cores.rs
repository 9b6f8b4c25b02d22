//! Workers: a tree that several share, cores that come and go, cores that are lent.

use super::*;
use std::time::Instant;

/// Idle cores join in, and change no verdict.
#[test]
fn workers_share_a_tree() {
    let shape = Shape { points: 2048, nodes: 14, ..Shape::default() };
    let control = Control::with_budget(Duration::from_secs(60));
    control.spare.add();
    control.spare.add();
    for seed in 7_000_000..7_000_300 {
        let obligation = random_obligation(seed, &shape);
        let answer = Search::without_enumeration().solve(&obligation, &control);
        let truth = brute_force(&obligation);
        match replayed(&obligation, "search", answer, &Control::default()) {
            Answer::None(_) => assert!(truth.is_none(), "seed {seed}"),
            Answer::Some(_) => assert!(truth.is_some(), "seed {seed}"),
            Answer::Unknown(reason) => panic!("seed {seed}: {reason}"),
        }
    }
    let cores = [control.spare.take(), control.spare.take(), control.spare.take()];
    assert_eq!(cores.map(|core| core.is_some()), [true, true, false], "cores come back");
}

/// Four random sums of thirty bits that are to hit four numbers at once: nothing but search helps, and it takes for ever.
fn market_split(seed: u64) -> Obligation {
    use qnn_ir::obligation::{Linear, Variable};
    use qnn_ir::{Matrix, Op};
    let mut random = Random::new(seed);
    let weights: Vec<i64> = (0..4 * 30).map(|_| random.between(0, 99)).collect();
    let totals: Vec<i128> = weights.chunks(30).map(|row| i128::from(row.iter().sum::<i64>() / 2)).collect();
    let mut graph = Graph::new();
    let x = graph.push_input("x", 30);
    let terms = vec![(x, Matrix::dense(4, 30, weights))];
    let sums = graph.push("sums", Op::Affine { terms, bias: vec![0; 4].into() });
    let atom = |row: usize, sign: i128| Atom::new(Linear::new(vec![(sums, row as u32, sign)], -sign * totals[row]));
    Obligation {
        graph: graph.into(),
        variables: vec![Variable { name: "x".into(), node: x, domain: vec![(0, 1); 30] }],
        assumptions: Vec::new(),
        cases: vec![(0..4).flat_map(|row| [atom(row, 1), atom(row, -1)]).collect()],
        exact: None,
    }
}

/// Of two long searches that have a core each, one waits for the other in turn, which takes nothing from its budget.
#[test]
fn long_searches_wait_for_each_other() {
    let spare = crate::Cores::default();
    let search = |seed| {
        let budget = Duration::from_millis(1500);
        let control = Control { spare: spare.clone(), ..Control::with_budget(budget) };
        let answer = Search::new().solve(&market_split(seed), &control);
        assert!(matches!(answer, Answer::Unknown(Reason::Timeout)), "{answer:?}");
        Instant::now().saturating_duration_since(control.clock.now())
    };
    let waited: Duration = std::thread::scope(|scope| {
        let other = scope.spawn(|| search(1));
        search(2) + other.join().expect("it ends")
    });
    assert!(waited > Duration::ZERO);
}

/// Cores that are wanted back in the middle of a search, again and again, leave nothing undone.
#[test]
fn cores_come_and_go() {
    let control = Control::with_budget(Duration::from_secs(600));
    let search = || {
        let mut proved = 0;
        for seed in 0..150 {
            let obligation = two_layers(seed);
            let alone = Search::without_patience().solve(&obligation, &Control::with_budget(Duration::from_secs(600)));
            let answer = Search::without_patience().solve(&obligation, &control);
            match (replayed(&obligation, "search", answer, &Control::default()), alone) {
                (Answer::None(_), Answer::None(_)) => proved += 1,
                (Answer::Some(_), Answer::Some(_)) => {}
                (answer, alone) => panic!("seed {seed}: {answer:?}, and alone {alone:?}"),
            }
        }
        proved
    };
    let (proved, helped) = std::thread::scope(|scope| {
        let searches = scope.spawn(search);
        let mut helped = 0;
        for count in (0..3).cycle().take_while(|_| !searches.is_finished()) {
            control.spare.offer(count);
            std::thread::sleep(Duration::from_micros(200));
            // Whether all that are on offer are taken.
            helped += usize::from(count > 0 && control.spare.take().is_none());
        }
        (searches.join().expect("they end"), helped)
    });
    println!("{proved} proved, {helped} times with help");
    assert!(proved > 20 && helped > 20, "{proved} proved, {helped} times with help");
}

/// A search for a maximum borrows a core while it searches, and gives it back where one is enough: before the last check.
#[test]
fn a_maximum_keeps_no_core_for_nothing() {
    use crate::{CancelToken, Cores};
    let base = layers(3, 24, [20, 16, 1]);
    let objective = Objective {
        pieces: vec![Linear::clone(&base.cases[0][0].linear)],
        base: Obligation { cases: Vec::new(), ..base },
        alternatives: vec![Vec::new()],
        scale: qnn_ir::rational::integer(1),
        negated: false,
        exact: None,
    };
    let nothing: Assignment = vec![vec![0; 24]];
    let start = objective.of(&nothing).expect("it has a value");
    let control = Control::with_budget(Duration::from_secs(1));
    let (spare, cancel) = (control.spare.clone(), CancelToken::new());
    let requests = || spare.pool().requests.len();
    let (mut left, mut lent) = (0, 0);
    std::thread::scope(|scope| {
        let lender = scope.spawn(|| {
            let mut lent = 0;
            while !cancel.is_cancelled() {
                lent += requests();
                spare.lend(&cancel);
                std::thread::sleep(Duration::from_millis(1));
            }
            lent
        });
        let answer = Search::new().maximize(&objective, (start, nothing), &control, &mut |_, _| left = requests());
        cancel.cancel();
        lent = lender.join().expect("it ends");
        assert!(answer.is_some_and(|answer| answer.reason == Some(Reason::Timeout)));
    });
    assert!(lent > 0 && left == 0, "lent {lent} times, {left} requests at last");
    // Helpers of spare cores alone make no request, so that another can.
    let cores = Cores::default();
    assert!(Helpers::spare_only().request_core(&cores) && cores.request().is_some());
}
