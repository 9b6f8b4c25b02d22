//! Turns, and the time of a whole run.

use super::*;

/// The bound of `f(x)[0]` that an obligation of [`family`] asks about.
fn bound(obligation: &Obligation) -> i128 {
    -obligation.cases[0][0].linear.constant - 1
}

fn family() -> World {
    World::new("property p(i in 0..6) = forall x: In[2]: f(x)[0] <= 15 + i;").checked()
}

/// What a first turn does not decide waits for what is quick, and is then given all of its budget.
#[test]
fn a_hard_instance_keeps_no_quick_one_waiting() {
    let (world, turns) = (family(), AtomicUsize::new(0));
    let engine = scripted(move |obligation, control| match bound(obligation) {
        15 if turns.fetch_add(1, Ordering::SeqCst) == 0 => sleep(control),
        _ => Answer::None(Trust::Interval),
    });
    let options = Options { jobs: Some(1), timeout: Some(Duration::from_secs(600)), ..by(&[engine]) };
    let events = Mutex::new(Vec::new());
    let summary = world.watch(&options, &CancelToken::new(), &|event| match event {
        Event::Started { index } => events.lock().unwrap().push(("started", index)),
        Event::Postponed { index } => events.lock().unwrap().push(("postponed", index)),
        Event::Finished { index, .. } => events.lock().unwrap().push(("finished", index)),
        Event::Progress { .. } => {}
    });
    assert!(summary.results.iter().all(|r| r.verdict == Verdict::Proved && r.budget == Duration::from_secs(600)));
    let names: Vec<&str> = summary.results.iter().map(|r| r.name.as_str()).collect();
    assert!(names.is_sorted(), "{names:?}");
    let wanted = [
        vec![("started", 0), ("postponed", 0)],
        (1..6).flat_map(|index| [("started", index), ("finished", index)]).collect(),
        vec![("started", 0), ("finished", 0)],
    ];
    assert_eq!(events.into_inner().unwrap(), wanted.concat());
    // Its time is that of both turns.
    assert!(summary.results[0].time >= Duration::from_millis(500), "{:?}", summary.results[0].time);
}

/// What a turn found and proved stays, whatever ends the next one.
#[test]
fn a_turn_that_is_cut_short_forgets_nothing() {
    let world = World::new("measure most = maximize f(x)[0] over x: In[2];").checked();
    let engine = scripted(|obligation, control| match obligation.cases.iter().any(Vec::is_empty) {
        true => Intervals.solve(obligation, control),
        false => sleep(control),
    });
    let options = Options { timeout: Some(Duration::from_secs(600)), ..by(&[engine]) };
    let job = plan(&world.db, world.file, &Filter::default(), &options).jobs.remove(0);
    let budget = job.budget;
    let first = Turn::new(budget, Duration::ZERO, 0, true);
    for cut in ["before it begins", "while it is lowered"] {
        let spare = Cores::default();
        let turn = |turn: &Turn, earlier, snapshot: &(dyn Fn() -> Option<Database> + Sync), cancel: &CancelToken| {
            decide(
                &job,
                turn,
                earlier,
                &Worker { snapshot, options: &options, spare: &spare, cancel, on_event: &|_| {} },
            )
        };
        let ended = turn(&first, None, &snapshots(world.db.clone()), &CancelToken::new());
        let Ended::Open(had, earlier) = ended else { panic!("{ended:?}") };
        let (second, cancel) = (Turn::new(budget, had.after().unwrap(), 1, true), CancelToken::new());
        if cut == "before it begins" {
            cancel.cancel();
        }
        let nothing = || {
            cancel.cancel();
            None
        };
        let ended = turn(&second, Some(earlier), &nothing, &cancel);
        let Ended::Decided(result) = ended else { panic!("{cut}: {ended:?}") };
        let measure = result.measure.as_ref().unwrap_or_else(|| panic!("{cut}: {result:?}"));
        assert!(measure.found.is_some() && measure.bound.is_some(), "{cut}: {measure:?}");
        assert_eq!(result.verdict, Verdict::Unknown, "{cut}");
        assert!(
            result.detail.starts_with("Cancelled before it was decided. It is at most"),
            "{cut}: {}",
            result.detail
        );
    }
}

/// What a run's time leaves undecided says so, each in its own words.
#[test]
fn a_run_has_a_budget_of_its_own() {
    let world = family();
    let engine = scripted(|obligation, control| match bound(obligation) {
        15 => sleep(control),
        _ => Answer::None(Trust::Interval),
    });
    let total = Some(Duration::from_millis(600));
    let options = Options { jobs: Some(1), total_timeout: total, retry: Some(5), ..by(&[engine]) };
    let summary = world.run(&options);
    let first = &summary.results[0];
    assert_eq!((first.verdict, summary.count(Verdict::Proved)), (Verdict::Timeout, 5));
    assert!(first.detail.ends_with("the run's total budget was spent."), "{}", first.detail);
    assert!(first.detail.starts_with("Not decided within"), "{}", first.detail);
    let none = world.run(&Options { total_timeout: Some(Duration::from_nanos(1)), ..options });
    assert_eq!(none.count(Verdict::Timeout), 6);
    assert!(none.results.iter().all(|r| r.detail == "Not begun: the run's total budget was spent."), "{none:?}");
    assert_eq!(none.exit_code(), 2);
}

/// More time is for those that lacked it, and for no others.
#[test]
fn the_undecided_are_tried_again_with_more_time() {
    let (world, asked) = (family(), Arc::new(Mutex::new(Vec::new())));
    let heard = asked.clone();
    let engine = scripted(move |obligation, control| {
        let left = control.deadline.unwrap().saturating_duration_since(control.clock.now());
        let mut heard = heard.lock().unwrap();
        heard.push((bound(obligation), left > Duration::from_secs(60)));
        match bound(obligation) {
            16 if left > Duration::from_secs(60) => Answer::None(Trust::Interval),
            15 | 16 => Answer::Unknown(Reason::Timeout),
            17 => Answer::Unknown(Reason::Incomplete("it is too deep".to_owned())),
            _ => Answer::None(Trust::Interval),
        }
    });
    let timeout = Some(Duration::from_secs(20));
    let store = world.path("store");
    let options = Options { jobs: Some(1), timeout, retry: Some(5), ..by(&[engine]) };
    let options = Options { store: Some(Arc::new(Store::open(store))), ..options };
    let summary = world.run(&options);
    use Verdict::{Proved, Timeout, Unknown};
    let each: Vec<Verdict> = summary.results.iter().map(|r| r.verdict).collect();
    assert_eq!(each, [Timeout, Proved, Unknown, Proved, Proved, Proved]);
    assert!(summary.results[0].detail.starts_with("Not decided within 1 min 40 s"), "{}", summary.results[0].detail);
    let budgets: Vec<u64> = summary.results.iter().map(|r| r.budget.as_secs()).collect();
    assert_eq!(budgets, [100, 100, 20, 20, 20, 20]);
    let asked = std::mem::take(&mut *asked.lock().unwrap());
    assert!(asked.iter().filter(|(bound, _)| *bound >= 17).count() == 4, "{asked:?}");
    // All of that is remembered.
    let again = world.run(&options);
    assert_eq!(again.results.iter().map(|r| r.verdict).collect::<Vec<_>>(), each);
    assert!(again.results.iter().all(|r| r.cached), "{again:?}");
}
