//! Maxima against enumeration, and bounds that are shown on the way.

use super::*;

/// The maximum itself; and where the search is cancelled at its first progress, bounds that the checker accepts.
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

/// A cancelled search returns the bounds that it has shown.
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
        if !matches!(run.run(&relaxation, &control, &accept), RunOutcome::Stopped(_)) {
            continue;
        }
        let closed = run.cases.iter().map(|case| match case {
            Progress::New(..) => 0.0,
            Progress::Begun(search_tree, _) => search_tree.closed(),
            Progress::Closed(_) => 1.0,
        });
        let share = closed.sum::<f64>() / run.cases.len() as f64;
        assert!(control.meter.get() <= share + 1e-9, "seed {seed} after {after}: {}, not {share}", control.meter.get());
        stopped += 1;
        told += usize::from(control.meter.get() > 0.0);
    }
    assert!(stopped > 10 && told > 3, "{stopped} stopped, {told} with a share");
}
