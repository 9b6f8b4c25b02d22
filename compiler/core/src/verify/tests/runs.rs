//! Plans, events, cancellation, and what edits cost.

use super::*;

#[test]
fn options_win_over_attributes_and_attributes_over_defaults() {
    let world = World::new("#[timeout(3s)] #[engine(smt)] property p = true; property q = true;").checked();
    let all = |options: &Options| -> Vec<(Duration, String)> {
        let plan = plan(&world.db, world.file, &Filter::default(), options);
        plan.jobs.iter().map(|job| (job.budget, job.engine.to_string())).collect()
    };
    let s = Duration::from_secs;
    assert_eq!(all(&Options::default()), [(s(3), "smt".to_owned()), (s(10), "auto".to_owned())]);
    let options = Options { timeout: Some(s(1)), engine: Some("interval".into()), ..Options::default() };
    assert_eq!(all(&options), [(s(1), "interval".to_owned()), (s(1), "interval".to_owned())]);
}

#[test]
fn plans_hold_what_the_filter_wants() {
    let world = World::new(PROPERTIES).checked();
    let plan = plan(&world.db, world.file, &Filter::new(["below(i = 1)", "s*"]), &Options::default());
    let names: Vec<(usize, &str)> = plan.jobs.iter().map(|job| (job.index, job.name.as_str())).collect();
    assert_eq!(names, [(0, "small"), (1, "below(i = 1)")]);
    assert_eq!(plan.left_out, 4);
    assert_eq!(plan.jobs[1].parameters[0].text, "1");
}

#[test]
fn events_tell_each_job_once() {
    let world = World::new(PROPERTIES).checked();
    let events = Mutex::new(Vec::new());
    let options = Options { jobs: Some(3), ..Options::default() };
    let summary = world.watch(&options, &CancelToken::new(), &|event| events.lock().unwrap().push(event));
    let events = events.into_inner().unwrap();
    for (index, result) in summary.results.iter().enumerate() {
        let own: Vec<&Event> = events
            .iter()
            .filter(|event| match event {
                Event::Started { index: i }
                | Event::Postponed { index: i }
                | Event::Progress { index: i, .. }
                | Event::Finished { index: i, .. } => *i == index,
            })
            .collect();
        assert_eq!(own, [&Event::Started { index }, &Event::Finished { index, result: result.clone() }]);
    }
}

#[test]
fn cancelling_keeps_what_is_decided() {
    let world = World::new("property p(i in 0..6) = forall x: In[2]: f(x)[0] <= 15 + i;").checked();
    let cancel = CancelToken::new();
    let engine = scripted(|obligation, control| {
        // The first two are decided, the others never.
        let bound = -obligation.cases[0][0].linear.constant;
        if bound <= 17 { Answer::None(Trust::Interval) } else { sleep(control) }
    });
    let finished = Mutex::new(Vec::new());
    let start = Instant::now();
    let options = Options { jobs: Some(1), timeout: Some(Duration::from_secs(60)), ..by(&[engine]) };
    let summary = world.watch(&options, &cancel, &|event| match event {
        Event::Finished { index, .. } => finished.lock().unwrap().push(index),
        Event::Started { index: 2 } => cancel.cancel(),
        _ => {}
    });
    assert!(start.elapsed() < Duration::from_secs(20));
    let each: Vec<Verdict> = summary.results.iter().map(|r| r.verdict).collect();
    use Verdict::{Proved, Unknown};
    assert_eq!(each, [Proved, Proved, Unknown, Unknown, Unknown, Unknown]);
    assert!(summary.results[5].detail.contains("Cancelled"));
    assert_eq!(*finished.lock().unwrap(), [0, 1, 2, 3, 4, 5]);
    assert_eq!(summary.exit_code(), 2);
}

/// Instances of a plan mean nothing once the spec has changed.
#[test]
fn a_changed_spec_cancels_what_is_not_lowered() {
    let mut world = World::new("property p = forall x: In[2]: f(x)[0] <= 15;");
    let options = Options::default();
    let plan = plan(&world.db, world.file, &Filter::default(), &options);
    world.edit(&format!("{NETWORK}property p = forall x: In[2]: f(x)[0] <= 3;"));
    let summary = run(&plan, &snapshots(world.db.clone()), &options, &CancelToken::new(), &|_| {});
    assert_eq!(only(&summary).verdict, Verdict::Unknown);
    let summary = run(&plan, &|| None, &options, &CancelToken::new(), &|_| {});
    assert_eq!(only(&summary).verdict, Verdict::Unknown);
}

/// While an engine works nobody holds the database: a change of it goes through at once.
#[test]
fn engines_do_not_hold_the_database() {
    let world = World::new("property p = forall x: In[2]: f(x)[0] <= 15;");
    let World { folder, db, file } = world;
    let shared = Arc::new(Mutex::new(db));
    let for_engine = shared.clone();
    let path = folder.path().join("spec.qnn");
    let engine = scripted(move |obligation, control| {
        for_engine.lock().unwrap().set_text(&path, "property other = true;".into());
        Intervals.solve(obligation, control)
    });
    let options = by(&[engine]);
    let plan = plan(&*shared.lock().unwrap(), file, &Filter::default(), &options);
    let summary = run(&plan, &|| Some(shared.lock().unwrap().clone()), &options, &CancelToken::new(), &|_| {});
    assert_eq!(only(&summary).verdict, Verdict::Proved);
}

/// What an edit costs: a comment, no lowering; a property, its own.
#[test]
fn edits_lower_only_what_they_change() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.npy"), npy(&[2, 2], &[5, 2, 7, 7])).unwrap();
    let path = folder.path().join("spec.qnn");
    let log = Arc::new(Mutex::new(Vec::<String>::new()));
    let heard = log.clone();
    let mut db = Database::with_log(Disk, move |query| heard.lock().unwrap().push(query));
    let text = format!("{NETWORK}{PROPERTIES}");
    let costs = |db: &mut Database, text: &str| -> (usize, usize, usize) {
        let file = db.set_text(&path, text.into());
        log.lock().unwrap().clear();
        for item in verifiable(db, file) {
            let instances = crate::check::spec::family(db, item).value.as_ref().map_or(0, |f| f.instances.len());
            for instance in 0..instances {
                assert!(question(db, item, instance).value.is_some());
            }
        }
        let log = log.lock().unwrap();
        let count = |name: &str| log.iter().filter(|query| query.starts_with(name)).count();
        (count("question("), count("network("), count("dataset("))
    };
    assert_eq!(costs(&mut db, &text), (6, 1, 1));
    assert_eq!(costs(&mut db, &text), (0, 0, 0));
    let commented = format!("//! About it.\n// more\n\n{}", text.replace("property small", "// why\nproperty small"));
    assert_eq!(costs(&mut db, &commented), (0, 0, 0));
    assert_eq!(costs(&mut db, &commented.replace("<= 15", "<= 14")), (1, 0, 0));
    assert_eq!(costs(&mut db, &commented.replace("<= 15", "<= 14").replace("[0, 1]", "[0, 2]")).1, 1);
}

/// What engines keep with a graph serves the whole family.
#[test]
fn instances_of_a_family_share_their_graph() {
    use crate::check::spec::{Question, question_once};
    let world = World::new(PROPERTIES).checked();
    let item = |name: &str| {
        let all = verifiable(&world.db, world.file);
        all.into_iter().find(|item| item.name(&world.db) == name).expect("the property")
    };
    let graph = |name: &str, instance: usize| match question_once(&world.db, item(name), instance).value {
        Some(Question::Property(statement)) => statement.obligation.graph.clone(),
        other => panic!("{name}: {other:?}"),
    };
    let first = graph("below", 0);
    assert!(Arc::ptr_eq(&first, &graph("below", 1)));
    assert!(Arc::ptr_eq(&first, &graph("small", 0)), "the same network over a variable of the same name");
}

/// A condition guards those to its right: no sample 7 is looked for.
#[test]
fn filters_end_at_the_first_false_condition() {
    let world = World::new(
        "property p(k in 1..=2, i in 0..9) where i < 2 and test[i].x[0] > 5 = forall x: In[2]: f(x)[0] <= 15 * k;",
    )
    .checked();
    let names: Vec<String> = plan(&world.db, world.file, &Filter::default(), &Options::default())
        .jobs
        .into_iter()
        .map(|job| job.name)
        .collect();
    assert_eq!(names, ["p(k = 1, i = 1)", "p(k = 2, i = 1)"]);
}
