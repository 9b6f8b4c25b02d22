//! The search against enumeration, and every proof against the checker.

use super::*;
use qnn_ir::obligation::Replay;
use qnn_ir::testing::{Random, Shape, brute_force, describe, random_obligation};
use qnn_proof::check;
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
            Step::Enumerate => tree[at] = Step::Empty,
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

/// The maximum itself, and what is known of it when the search is stopped at its first news: bounds that the checker accepts.
#[test]
fn maxima_agree_with_enumeration() {
    use qnn_ir::testing::{brute_force_maximum, random_objective};
    let (mut improved, mut open, mut certified) = (0, 0, 0);
    let count = if cfg!(debug_assertions) { 600 } else { 10_000 };
    for seed in 0..count {
        let objective = random_objective(seed, &Shape { points: 256, ..Shape::default() });
        let Some(truth) = brute_force_maximum(&objective) else { continue };
        let first = match Search::new().solve(&objective.feasible(), &Control::default()) {
            Answer::Some(assignment) => assignment,
            other => panic!("seed {seed}: {other:?}"),
        };
        let start = (objective.of(&first).unwrap(), first);
        for engine in [Search::new(), Search::without_enumeration()] {
            let mut progress: Vec<(i128, i128)> = Vec::new();
            let mut heard = |found: Option<i128>, bound| progress.push((found.unwrap(), bound));
            let answer = engine.maximize(&objective, start.clone(), &Control::default(), &mut heard).unwrap();
            let text = || format!("seed {seed}: {answer:?}, {truth}\n{}", describe(&objective.base));
            assert!(answer.complete && answer.upper == truth, "{}", text());
            assert_eq!(answer.best.as_ref().map(|(value, _)| *value), Some(truth), "{}", text());
            assert!(
                progress.iter().all(|(found, bound)| *found <= truth && truth <= *bound),
                "{progress:?} {:?} {}",
                objective.pieces,
                text()
            );
            assert!(matches!(answer.trust, Trust::Certificate { .. }), "{}", text());
            improved += u32::from(truth > start.0);

            let control = Control::default();
            let cancel = control.cancel.clone();
            let mut stop = |_: Option<i128>, _: i128| cancel.cancel();
            let answer = engine.maximize(&objective, start.clone(), &control, &mut stop).unwrap();
            assert!(truth <= answer.upper, "{answer:?}, {truth}");
            assert!(answer.best.is_some_and(|(value, _)| value <= truth));
            open += u32::from(!answer.complete);
            if let Trust::Certificate { certificate: Some(certificate), .. } = answer.trust {
                assert!(check(&objective.at_least(answer.upper + 1), &certificate).is_ok(), "seed {seed}");
                certified += u32::from(!answer.complete);
            }
        }
    }
    println!("{improved} improved, {open} left open, {certified} of them with a certificate");
    assert!(improved > 50 && open > 20 && certified > 5, "{improved}, {open}, {certified}");
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

/// Ten sums of eighty inputs are to be within five of where they are for a hidden point: steps of single inputs are far too coarse.
#[test]
fn thin_cells_have_their_points_found() {
    use qnn_ir::obligation::{Linear, Variable};
    use qnn_ir::{Matrix, Op, Steps};
    for seed in 0..5 {
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
        let answer = Search::new().solve(&obligation, &Control::with_budget(Duration::from_secs(60)));
        assert!(matches!(replayed(&obligation, "search", answer, &Control::default()), Answer::Some(_)), "seed {seed}");
    }
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

/// What is the greatest of several forms is bounded as well as each form by itself, with as many turns for each.
#[test]
fn a_maximum_is_bounded_as_well_as_its_parts() {
    use crate::measure::maximize;
    use qnn_ir::testing::{brute_force_maximum, random_objective};
    let shape = Shape { points: 4096, nodes: 8, weight: 20, ..Shape::default() };
    let (mut open, mut worse) = (0, Vec::new());
    for seed in 70_000..70_600 {
        let objective = random_objective(seed, &shape);
        let (forms, turns) = (objective.pieces.len(), 1);
        let upper = |objective: &Objective, turns: usize| {
            maximize(objective, &Search::with_turns(turns), &Control::default(), |_, _| {}).upper
        };
        let whole = maximize(&objective, &Search::with_turns(forms * turns), &Control::default(), |_, _| {});
        let part = |piece: &Linear| upper(&Objective { pieces: vec![piece.clone()], ..objective.clone() }, turns);
        let parts = objective.pieces.iter().map(part).max().unwrap_or(i128::MAX);
        let truth = brute_force_maximum(&objective);
        assert!(truth.is_none_or(|truth| truth <= whole.upper && truth <= parts), "seed {seed}");
        assert!(!whole.complete || whole.best.as_ref().map(|(value, _)| *value) == truth, "seed {seed}");
        open += usize::from(!whole.complete);
        if !whole.vacuous && whole.upper > parts {
            worse.push((seed, whole.upper, parts, truth));
        }
    }
    assert!(worse.is_empty() && open > 2, "{open} open, {worse:?}");
}

/// Whoever stops a search gets what it has told before.
#[test]
fn what_was_told_of_a_maximum_stays_true() {
    use crate::CancelToken;
    use crate::measure::maximize;
    use crate::portfolio::Portfolio;
    use qnn_ir::testing::{brute_force_maximum, random_objective};
    let shape = Shape { points: 4096, nodes: 8, weight: 20, ..Shape::default() };
    let mut open = 0;
    for seed in 71_000..71_400 {
        let objective = random_objective(seed, &shape);
        let search = Search { turns: usize::MAX, ..Search::with_turns(0) };
        let rest: Vec<Arc<dyn Engine>> = vec![Arc::new(search)];
        let portfolio = Portfolio { first: Vec::new(), rest };
        let cancel = CancelToken::new();
        let control = Control { cancel: cancel.clone(), ..Control::default() };
        let mut told = (i128::MIN, i128::MAX, 0);
        let answer = maximize(&objective, &portfolio, &control, |found, bound| {
            assert!(bound <= told.1 && found.unwrap_or(i128::MIN) >= told.0, "seed {seed}");
            told = (found.unwrap_or(i128::MIN), bound, told.2 + 1);
            if told.2 > seed % 7 {
                cancel.cancel();
            }
        });
        if told.2 > 0 {
            let best = answer.best.as_ref().map_or(i128::MIN, |(value, _)| *value);
            assert!(best >= told.0 && answer.upper <= told.1, "seed {seed}: {told:?}, {answer:?}");
            assert!(brute_force_maximum(&objective).is_some_and(|truth| best <= truth && truth <= answer.upper));
            open += usize::from(!answer.complete);
        }
    }
    assert!(open > 10, "{open}");
}

/// The share that is told is what is closed of the cases when a search ends: no part of it is what a short try closed and forgot.
#[test]
fn a_share_is_of_what_is_kept() {
    use crate::Clock;
    let engine = Search { first_try: 8, turn: 1, ..Search::without_enumeration() };
    let (mut stopped, mut told) = (0, 0);
    for (seed, after) in (0..40).flat_map(|seed| [100, 300, 1000].map(|after| (seed, after))) {
        let obligation = two_layers(seed);
        let relaxation = Relaxation::new(&obligation.graph).expect("small numbers");
        let clock = Clock::jumping(after);
        let control = Control { clock, ..Control::with_budget(Duration::from_secs(3600)) };
        let Ok(mut run) = Run::new(&engine, &relaxation, &obligation, &control) else { continue };
        let accept = |point: &[i64]| Accepted::from(&obligation.replay(&assignment(&obligation, point)));
        if !matches!(run.run(&relaxation, &control, &accept), Ended::Stopped(_)) {
            continue;
        }
        let closed = run.cases.iter().map(|case| match case {
            Progress::New(..) => 0.0,
            Progress::Begun(frontier, _) => frontier.closed(),
            Progress::Closed(_) => 1.0,
        });
        let share = closed.sum::<f64>() / run.cases.len() as f64;
        assert!(control.meter.get() <= share + 1e-9, "seed {seed} after {after}: {}, not {share}", control.meter.get());
        stopped += 1;
        told += usize::from(control.meter.get() > 0.0);
    }
    assert!(stopped > 10 && told > 3, "{stopped} stopped, {told} with a share");
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
    let wishes = || spare.pool().requests.len();
    let (mut left, mut lent) = (0, 0);
    std::thread::scope(|scope| {
        let lender = scope.spawn(|| {
            let mut lent = 0;
            while !cancel.is_cancelled() {
                lent += wishes();
                spare.lend(&cancel);
                std::thread::sleep(Duration::from_millis(1));
            }
            lent
        });
        let answer = Search::new().maximize(&objective, (start, nothing), &control, &mut |_, _| left = wishes());
        cancel.cancel();
        lent = lender.join().expect("it ends");
        assert!(answer.is_some_and(|answer| answer.reason == Some(Reason::Timeout)));
    });
    assert!(lent > 0 && left == 0, "lent {lent} times, {left} wishes at last");
    // Whoever asks nobody keeps nobody from asking.
    let cores = Cores::default();
    assert!(Helpers::nobody().ask(&cores) && cores.ask().is_some());
}
