//! What is measured, and by whom.

use super::*;

#[test]
fn measures() {
    let world = World::new(MEASURES).checked();
    let progress = Mutex::new(Vec::new());
    let options = Options { jobs: Some(1), ..Options::default() };
    let plan = plan(&world.db, world.file, &Filter::new(["m*", "l*", "n?n*", "r*", "o*", "e*", "never"]), &options);
    let summary = run(&plan, &snapshots(world.db.clone()), &options, &CancelToken::new(), &|event| {
        if let Event::Progress { index, progress: heard } = event {
            progress.lock().unwrap().push((index, heard));
        }
    });
    let measured: Vec<(&str, Verdict, Option<&str>, &str)> = summary
        .results
        .iter()
        .map(|r| {
            let found = r.measure.as_ref().unwrap().found.as_ref().map(|n| n.exact.as_str());
            (r.name.as_str(), r.verdict, found, r.detail.as_str())
        })
        .collect();
    use Verdict::{Proved, Vacuous};
    let wanted = [
        ("most", Proved, Some("15/4"), "The maximum is 3.75."),
        ("least", Proved, Some("-1"), "The minimum is -1."),
        ("none", Vacuous, None, "No input meets the assumptions, so there is no maximum."),
        ("radius(i = 0)", Proved, Some("1"), "The largest eps in 0..=15 is 1."),
        ("radius(i = 1)", Proved, Some("0"), "The largest eps in 0..=15 is 0."),
        ("odd", Proved, Some("7"), "The largest n in 0..=8 is 7."),
        ("never", Proved, None, "It holds for no n in 2..=4."),
        ("empty", Vacuous, Some("3"), "The largest n in 0..=3 is 3. But there, no input meets the assumptions."),
    ];
    assert_eq!(measured, wanted);
    let kinds: Vec<Kind> = summary.results.iter().take(4).map(|r| r.kind).collect();
    assert_eq!(kinds, [Kind::Maximize, Kind::Minimize, Kind::Maximize, Kind::Largest]);
    let least = summary.results[1].measure.as_ref().unwrap();
    let witness = least.witness.as_ref().unwrap();
    assert_eq!(
        (witness.variables[0].numbers.raw.as_slice(), witness.calls[0].output.numbers.raw[0]),
        (&[3, 4][..], -1)
    );
    assert_eq!((least.complete, least.bound.as_ref().unwrap().text.as_str()), (true, "-1"));
    let radius = summary.results[3].measure.as_ref().unwrap();
    let largest = radius.largest.as_ref().unwrap();
    assert_eq!((largest.monotone, largest.proved, largest.violated, largest.open), (true, Some(1), Some(2), 0));
    assert!(largest.candidates.len() <= 5 && largest.candidates.is_sorted_by_key(|c| c.value));
    assert!(radius.witness.is_some());
    let odd = summary.results[5].measure.as_ref().unwrap().largest.as_ref().unwrap();
    assert_eq!((odd.monotone, odd.violated, odd.candidates.len()), (false, Some(8), 2));
    let progress = progress.into_inner().unwrap();
    assert!(
        progress
            .iter()
            .any(|(index, p)| *index == 0 && matches!(p.finding, Some(Finding::Bounds { found: Some(_), .. })))
    );
    assert!(
        progress.iter().any(|(index, p)| *index == 5 && matches!(p.finding, Some(Finding::Candidate { value: 7, .. })))
    );
}

/// What broke one candidate is tried on the others first.
#[test]
fn candidates_learn_from_each_other() {
    let world = World::new("measure none = largest n in 0..=4 such that forall x: In[2]: f(x)[0] > n;").checked();
    let engine = scripted(|obligation, _| {
        qnn_ir::testing::brute_force(obligation).map_or(Answer::None(Trust::Interval), Answer::Some)
    });
    let shared: Arc<dyn Engine> = engine.clone();
    let summary = world.run(&by(&[shared]));
    let known = only(&summary).measure.as_ref().unwrap().largest.as_ref().unwrap();
    let engines: Vec<Option<&str>> = known.candidates.iter().map(|c| c.engine.as_deref()).collect();
    assert_eq!(engine.calls.load(Ordering::SeqCst), 1, "{known:?}");
    assert_eq!(engines.iter().filter(|engine| **engine == Some("replay")).count(), 4, "{engines:?}");
    assert!(known.candidates.iter().all(|c| c.verdict == Verdict::Violated) && known.proved.is_none());
    let reports: Vec<&str> = only(&summary).reports.iter().map(|report| &*report.engine).collect();
    assert_eq!(reports, ["scripted", "replay"], "one for each engine over all candidates");
}

/// What is known when the time is up is told, and sound.
#[test]
fn measures_are_known_at_any_time() {
    let world = World::new(
        "measure most = maximize f(x)[0] over x: In[2];
        measure radius = largest eps in 0..=15 such that forall x in ball(test[0].x, eps lsb): f(x)[0] >= 0;",
    )
    .checked();
    let engine = scripted(|obligation, control| match Intervals.solve(obligation, control) {
        Answer::None(_) => sleep(control),
        Answer::Some(assignment) if obligation.variables[0].domain[0].0 != 0 => {
            drop(assignment);
            sleep(control)
        }
        other => other,
    });
    let summary = world.run(&Options { timeout: Some(Duration::from_millis(200)), ..by(&[engine]) });
    let [most, radius] = summary.results.as_slice() else { panic!("{:?}", verdicts(&summary)) };
    let known = most.measure.as_ref().unwrap();
    assert!(!known.complete || most.verdict == Verdict::Proved);
    let (found, bound) = (known.found.as_ref().unwrap().value, known.bound.as_ref().unwrap().value);
    assert!(found <= 15.0 && 15.0 <= bound, "{known:?}");
    assert_eq!(radius.verdict, Verdict::Timeout, "{radius:?}");
    let known = radius.measure.as_ref().unwrap();
    let largest = known.largest.as_ref().unwrap();
    assert!(!known.complete && largest.proved.is_none() && largest.open > 0, "{known:?}");
    // A ball of radius 5 or more reaches zero, where this engine answers.
    assert_eq!(largest.violated, Some(5), "{known:?}");
    assert!(radius.detail.contains("excluded above 4"), "{}", radius.detail);
}

/// A sum of absolute values over few inputs: bounds say little of it.
#[test]
fn few_inputs_are_gone_through() {
    let world = World::whole(
        "type Bit = uint<1>; type Acc = int<8>;
         network g(y: Bit[8]) -> Acc[5] {
             dense(y, [[3, -5, 7, -2, 9, -4, 1, 6], [-8, 2, 5, -7, 3, 3, -6, 1], [4, 4, -9, 2, -5, 8, -3, -1],
                       [-2, 7, -4, 6, -1, -9, 5, 3], [6, -3, 2, -8, 4, 1, -7, 9]], [1, -2, 3, -4, 5]) as Acc
         }
         property met(n in 0..3) = forall y: Bit[8]: sum(abs(g(y))) != 29 + 22 * n;
         property low = forall y: Bit[8]: sum(abs(g(y))) >= 12;
         measure most = maximize sum(abs(g(y))) over y: Bit[8];",
    )
    .checked();
    let summaries = ["enumerate", "auto", "search"].map(|engine| {
        let timeout = Some(Duration::from_secs(120));
        let summary = world.run(&Options { engine: Some(engine.into()), timeout, ..Options::default() });
        assert!(summary.results.iter().all(|r| r.verdict.is_decided()), "{engine}: {:?}", verdicts(&summary));
        let found: Vec<Option<String>> =
            summary.results.iter().map(|r| Some(r.measure.as_ref()?.found.as_ref()?.exact.clone())).collect();
        let verdicts: Vec<Verdict> = summary.results.iter().map(|r| r.verdict).collect();
        (verdicts, found)
    });
    assert_eq!(summaries[0], summaries[1]);
    assert_eq!(summaries[0], summaries[2]);
}

/// Intervals bound a maximum of differences as well as each difference by itself.
#[test]
fn a_maximum_of_differences_is_bounded_form_by_form() {
    let world = World::new(
        "network g(x: In[2]) -> Out[Place] { dense(x, [[1, -1], [-1, 1]], [2, 0]) as Out }
         measure whole = maximize maximum(abs(f(x) - g(x))) over x: In[2];
         measure part(i in 0..2) = maximize abs(f(x)[i] - g(x)[i]) over x: In[2];
         measure pair = maximize max(f(x)[0] - g(x)[0], abs(g(x)[1] - f(x)[1])) over x: In[2];
         measure least = minimize minimum(min(f(x) - g(x), g(x) - f(x))) over x: In[2];
         property near = forall x: In[2]: maximum(abs(f(x) - g(x))) <= 2;",
    )
    .checked();
    let summary = world.run(&Options { engine: Some("interval".into()), ..Options::default() });
    let bound = |k: usize| {
        let bound = summary.results[k].measure.as_ref().and_then(|m| m.bound.as_ref());
        bound.map(|bound| bound.exact.parse::<i128>().unwrap())
    };
    assert!(bound(0).is_some() && bound(0) <= bound(1).max(bound(2)), "{:?}", (0..5).map(bound).collect::<Vec<_>>());
    assert!(bound(3) <= bound(1).max(bound(2)) && bound(4) >= bound(0).map(|bound| -bound));
    assert_eq!((bound(0), summary.results[5].verdict), (Some(2), Verdict::Proved));
}

/// An engine is named where it decided, and nowhere else.
#[test]
fn who_decides_nothing_is_not_named() {
    let world =
        World::new("measure most = maximize f(x)[0] over x: In[2]; property p = forall x: In[2]: f(x)[0] <= 15;");
    let answers = AtomicUsize::new(0);
    let engine = scripted(move |obligation, control| {
        // Something meets the assumptions; of the rest nothing is known.
        match obligation.cases.iter().any(Vec::is_empty) && answers.fetch_add(1, Ordering::SeqCst) == 0 {
            true => Intervals.solve(obligation, control),
            false => Answer::Unknown(Reason::Timeout),
        }
    });
    let summary = world.run(&Options { timeout: Some(Duration::from_millis(50)), ..by(&[engine]) });
    assert!(summary.results.iter().all(|r| r.engine.is_none() && !r.verdict.is_decided()), "{summary:?}");
    let measure = summary.results[0].measure.as_ref().unwrap();
    assert!(measure.found.is_some() && measure.bound.is_some());
}
