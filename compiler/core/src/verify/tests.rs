//! Whole runs over small specs, and what the store makes of them.

use super::run::{Ended, Event, Filter, Finding, Options, Summary, decide, plan, run, snapshots};
use super::schedule::Turn;
use super::store::Store;
use super::verdict::{Fault, InstanceResult, Kind, Verdict};
use crate::check::spec::{diagnostics, question, verifiable};
use crate::db::{Database, Db, Disk, SourceFile};
use qnn_engine::interval::Intervals;
use qnn_engine::portfolio::Portfolio;
use qnn_engine::smt::Smt;
use qnn_engine::{Answer, CancelToken, Control, Cores, Engine, Reason, Trust};
use qnn_ir::obligation::Obligation;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Two inputs of four bits; f(x) = (x0 - x1, x1 - x0 + 1).
const NETWORK: &str = "
type In = uint<4>;
type Out = int<8>;
enum Place { left, right }
network f(x: In[2]) -> Out[Place] {
    dense(x, [[1, -1], [-1, 1]], [0, 1]) as Out
}
dataset test { x: In[2] from \"x.npy\" raw; }
";

/// A folder with a spec and its files, and a database on it.
pub(super) struct World {
    folder: tempfile::TempDir,
    db: Database,
    file: SourceFile,
}

impl World {
    fn new(properties: &str) -> World {
        World::whole(&format!("{NETWORK}{properties}"))
    }

    pub(super) fn whole(text: &str) -> World {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x.npy"), npy(&[2, 2], &[5, 2, 7, 7])).unwrap();
        std::fs::write(folder.path().join("c.npy"), npy(&[2], &[0, 1])).unwrap();
        std::fs::write(folder.path().join("w.safetensors"), weights([1, -1])).unwrap();
        std::fs::write(folder.path().join("spec.qnn"), text).unwrap();
        let db = Database::new(Disk);
        let file = db.source(&folder.path().join("spec.qnn"));
        World { folder, db, file }
    }

    pub(super) fn checked(self) -> World {
        let errors: Vec<String> = diagnostics(&self.db, self.file)
            .iter()
            .filter(|d| d.severity == crate::diagnostic::Severity::Error)
            .map(|d| format!("{}: {}", d.code, d.message))
            .collect();
        assert_eq!(errors, Vec::<String>::new());
        self
    }

    fn edit(&mut self, text: &str) {
        let path = self.folder.path().join("spec.qnn");
        self.db.set_text(&path, text.into());
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn run(&self, options: &Options) -> Summary {
        self.watch(options, &CancelToken::new(), &|_| {})
    }

    pub(super) fn watch(&self, options: &Options, cancel: &CancelToken, on_event: &(dyn Fn(Event) + Sync)) -> Summary {
        let plan = plan(&self.db, self.file, &Filter::default(), options);
        run(&plan, &snapshots(self.db.clone()), options, cancel, on_event)
    }
}

/// An NPY file of bytes.
fn npy(shape: &[usize], data: &[u8]) -> Vec<u8> {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    let mut header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({}), }}", sizes.join(", "));
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat()
}

/// A layer of one neuron and two weights.
fn weights(row: [i8; 2]) -> Vec<u8> {
    let header = r#"{"fc.bias":{"dtype":"I8","shape":[1],"data_offsets":[2,3]},"fc.weight":{"dtype":"I8","shape":[1,2],"data_offsets":[0,2]}}"#;
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[row[0] as u8, row[1] as u8, 0]].concat()
}

pub(super) fn with(store: &Path) -> Options {
    Options { store: Some(Arc::new(Store::open(store))), ..Options::default() }
}

fn by(engines: &[Arc<dyn Engine>]) -> Options {
    Options { portfolio: Some(Portfolio { first: engines.to_vec(), rest: Vec::new() }), ..Options::default() }
}

fn verdicts(summary: &Summary) -> Vec<(&str, Verdict)> {
    summary.results.iter().map(|result| (result.name.as_str(), result.verdict)).collect()
}

fn only(summary: &Summary) -> &InstanceResult {
    assert_eq!(summary.results.len(), 1, "{:?}", verdicts(summary));
    &summary.results[0]
}

type Act = dyn Fn(&Obligation, &Control) -> Answer + Send + Sync;

/// Does what it is told, and counts how often.
struct Scripted {
    calls: AtomicUsize,
    act: Box<Act>,
}

fn scripted(act: impl Fn(&Obligation, &Control) -> Answer + Send + Sync + 'static) -> Arc<Scripted> {
    Arc::new(Scripted { calls: AtomicUsize::new(0), act: Box::new(act) })
}

impl Engine for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn solve(&self, obligation: &Obligation, control: &Control) -> Answer {
        self.calls.fetch_add(1, Ordering::SeqCst);
        (self.act)(obligation, control)
    }
}

fn sleep(control: &Control) -> Answer {
    loop {
        if let Some(reason) = control.stop() {
            return Answer::Unknown(reason);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

const PROPERTIES: &str = "
property small = forall x: In[2]: f(x)[0] <= 15;
#[expect(violated)]
property below(i in 0..2) = forall x in ball(test[i].x, 1 lsb): f(x).left != 3 - 3 * i;
#[expect(vacuous)]
property nothing = forall x: In[2] where x[0] + x[1] == 31: f(x)[0] == 100;
property assumed = forall x: In[2] where x[0] + x[1] == 30: f(x)[0] == 0;
property decided = forall x in ball(test[0].x, 2 lsb): argmax(f(x)) == 0;
";

#[test]
fn all_final_verdicts() {
    let world = World::new(PROPERTIES).checked();
    for engine in ["auto", "smt"] {
        let options = Options { engine: Some(engine.into()), ..Options::default() };
        let summary = world.run(&options);
        use Verdict::{Proved, Vacuous, Violated};
        let wanted = [
            ("small", Proved),
            ("below(i = 0)", Violated),
            ("below(i = 1)", Violated),
            ("nothing", Vacuous),
            ("assumed", Proved),
            ("decided", Violated),
        ];
        assert_eq!(verdicts(&summary), wanted);
        let expected: Vec<bool> = summary.results.iter().map(|r| r.as_expected).collect();
        assert_eq!(expected, [true, true, true, true, true, false]);
        assert_eq!(summary.exit_code(), 1);
        assert!(summary.warnings.is_empty());
        for result in &summary.results {
            assert!(result.engine.is_some() && result.key.is_some() && !result.reports.is_empty(), "{result:?}");
            assert_eq!(result.trust.is_none(), result.verdict == Violated, "{result:?}");
            assert_eq!(result.counterexample.is_some(), result.verdict == Violated, "{result:?}");
            assert!(result.detail.ends_with('.') && result.fault.is_none(), "{result:?}");
        }
    }
}

#[test]
fn counterexamples_show_before_and_after() {
    let world = World::new("property p = forall x in ball(test[0].x, 2 lsb): argmax(f(x)) == Place.left;").checked();
    let summary = world.run(&Options::default());
    let result = only(&summary);
    let found = result.counterexample.as_ref().unwrap();
    let [x] = found.variables.as_slice() else { panic!("{found:?}") };
    assert_eq!((x.name.as_str(), x.layout.format.as_deref(), x.layout.limits), ("x", Some("uint<4>"), Some((0, 15))));
    let center = x.center.as_ref().unwrap();
    assert_eq!(center.numbers.raw, [5, 2]);
    assert_eq!(center.numbers.values, ["5", "2"]);
    let difference: Vec<i128> = x.numbers.raw.iter().zip([5, 2]).map(|(a, b)| a - b).collect();
    assert_eq!(center.difference, difference);
    let [call] = found.calls.as_slice() else { panic!("{found:?}") };
    assert_eq!((call.text.as_str(), call.network.as_str(), call.asks_argmax), ("f(x)", "f", true));
    assert_eq!(call.layout.labels, [Some(vec!["left".to_owned(), "right".to_owned()])]);
    assert_eq!(call.output.argmax, Some(1));
    let before = call.center.as_ref().unwrap();
    assert_eq!((before.numbers.raw.as_slice(), before.argmax), (&[3, -2][..], Some(0)));
    let text = serde_json::to_string(result).unwrap();
    assert_eq!(&serde_json::from_str::<InstanceResult>(&text).unwrap(), result);
}

/// The class that a property wants is told where it is one constant that has to be met, and with it whether the centre meets it.
#[test]
fn a_wrong_centre_is_told() {
    // test[0] is (5, 2), where f gives (3, -2); test[1] is (7, 7), where it gives (0, 1). g gives two equal numbers everywhere.
    type Told = Option<(&'static str, bool)>;
    let cases: [(&str, Told, bool); 14] = [
        ("argmax(f(x)) == Place.right", Some(("right", false)), true),
        ("Place.right == argmax(f(x))", Some(("right", false)), true),
        ("argmax(f(x)) == Place.left", Some(("left", false)), false),
        ("argmax(f(x)) == test[0].c", Some(("left", false)), false),
        ("argmax(f(x)) == test[1].c", Some(("right", false)), true),
        ("argmax(f(x)) != Place.left", Some(("left", true)), true),
        ("argmax(f(x)) != Place.right", Some(("right", true)), false),
        ("let y = f(x); argmax(y) == Place.right and y[Place.left] < 0", Some(("right", false)), true),
        ("argmax(f(x)) == Place.right or f(x)[Place.left] == 3", None, false),
        ("not (argmax(f(x)) != Place.right)", None, false),
        ("argmax(f(x)) == Place.left and argmax(f(x)) == Place.right", None, false),
        ("argmax(-f(x)) == Place.left", None, false),
        ("strict_argmax(g(x)) == Place.left", Some(("left", false)), true),
        ("strict_argmax(g(x)) != Place.left and f(x)[Place.left] < 0", Some(("left", true)), false),
    ];
    let labelled = NETWORK.replace("raw; }", "raw; c: class<Place> from \"c.npy\"; }");
    for (statement, label, wrong) in cases {
        let world = World::whole(&format!(
            "{labelled}
            network g(x: In[2]) -> Out[Place] {{ dense(x, [[1, 0], [1, 0]], [0, 0]) as Out }}
            property p = forall x in ball(test[0].x, 2 lsb): {statement};"
        ));
        let world = world.checked();
        let summary = world.run(&Options::default());
        let found = only(&summary).counterexample.as_ref().unwrap_or_else(|| panic!("{statement} is violated"));
        let call = &found.calls[0];
        let told = call.label.as_ref().map(|label| (label.text.as_str(), label.excluded));
        assert_eq!((told, call.wrong_before), (label, wrong), "{statement}");
    }
}

/// All greatest elements are told, not only the first.
#[test]
fn ties_are_told() {
    let world = World::whole(
        "network g(x: uint<4>[2]) -> int<8>[4] { dense(x, [[1, 0], [1, 1], [0, 1], [1, 1]], [0, 0, 0, 0]) as int<8> }
        property p = forall x: uint<4>[2] where x == [1, 2]: argmax(g(x)) == 0;
        property q = forall x: uint<4>[2] where x == [1, 0]: argmax(g(x)) != 0;
        property r = forall x: uint<4>[2] where x == [1, 2]: g(x)[0] > 5;",
    )
    .checked();
    let summary = world.run(&Options::default());
    let output = |index: usize| {
        let calls = &summary.results[index].counterexample.as_ref().unwrap().calls;
        (calls[0].output.argmax, calls[0].output.ties.clone())
    };
    assert_eq!((output(0), output(1)), ((Some(1), vec![1, 3]), (Some(0), vec![0, 1, 3])));
    let line = |index: usize| {
        let calls = &summary.results[index].counterexample.as_ref().unwrap().calls;
        crate::report::sentences::call_line(&calls[0])
    };
    assert_eq!(line(0), "g(x): argmax 1 (tied with 3)");
    assert_eq!(line(1), "g(x): argmax 0 (tied with 1 and 3)");
    assert_eq!(line(2), "g(x): [1, 3, 2, 3]");
}

/// Raw integers are what the format stores, with its zero point; values are what they mean.
#[test]
fn zero_points_are_added_back() {
    let world = World::whole(
        "type Q = affine<int<8>, 0.5, -3>;
        network f(x: Q[1]) -> Q[1] { relu(x) as Q }
        property p = forall x: Q[1] where x[0] == 2: f(x)[0] != 2;",
    )
    .checked();
    let summary = world.run(&Options::default());
    let found = only(&summary).counterexample.as_ref().unwrap();
    assert_eq!((found.variables[0].numbers.raw[0], found.variables[0].numbers.values[0].as_str()), (1, "2"));
    assert_eq!((found.calls[0].output.numbers.raw[0], found.calls[0].output.numbers.values[0].as_str()), (1, "2"));
    assert_eq!((found.calls[0].output.argmax, found.calls[0].center.is_none()), (None, true));
}

#[test]
fn undecided_is_never_success() {
    let world = World::new("property p = forall x: In[2]: f(x)[0] <= 15;").checked();
    let budget = Some(Duration::from_millis(30));
    let internal = Some(Fault::Internal);
    let cases = [
        (scripted(|_, control| sleep(control)), Verdict::Timeout, None, 2, "Not decided within 30 ms."),
        (
            scripted(|_, _| Answer::Unknown(Reason::Incomplete("no idea".into()))),
            Verdict::Unknown,
            None,
            2,
            "Scripted: no idea.",
        ),
        (
            scripted(|_, _| Answer::Unknown(Reason::Memory)),
            Verdict::Unknown,
            None,
            2,
            "The memory limit was reached (`--memory` raises it).",
        ),
        (scripted(|_, _| Answer::Some(vec![vec![0, 0]])), Verdict::Error, internal, 4, "Internal error"),
        (scripted(|_, _| std::panic::resume_unwind(Box::new("ouch"))), Verdict::Error, internal, 4, "Internal error"),
    ];
    for (engine, verdict, fault, code, detail) in cases {
        let summary = world.run(&Options { timeout: budget, ..by(&[engine]) });
        let result = only(&summary);
        assert_eq!((result.verdict, result.fault, summary.exit_code()), (verdict, fault, code), "{result:?}");
        assert!(result.detail.starts_with(detail), "{}", result.detail);
        assert!(!result.as_expected && result.counterexample.is_none() && result.trust.is_none());
    }
}

/// A panic anywhere in a job is that job's, and no other's.
#[test]
fn panics_are_contained() {
    let world = World::new("measure m = maximize f(x)[0] over x: In[2]; property p = forall x: In[2]: f(x)[0] <= 15;");
    let on_event = |event| {
        if matches!(event, Event::Progress { .. }) {
            std::panic::resume_unwind(Box::new("in the middle".to_owned()));
        }
    };
    let summary = world.watch(&Options::default(), &CancelToken::new(), &on_event);
    assert_eq!(verdicts(&summary), [("m", Verdict::Error), ("p", Verdict::Proved)]);
    assert_eq!(summary.results[0].fault, Some(Fault::Internal));
    assert!(summary.results[0].detail.contains("in the middle"), "{}", summary.results[0].detail);
}

/// A proof over assumptions of which nobody knows whether anything meets them is not called proved.
#[test]
fn undecided_assumptions_are_told() {
    let world = World::new("property p = forall x: In[2] where x[0] + x[1] == 30: f(x)[0] == 0;").checked();
    let engine = scripted(|obligation, control| match obligation.cases.as_slice() {
        [only] if only.is_empty() => Answer::Unknown(Reason::Incomplete("no idea".into())),
        _ => Smt::default().solve(obligation, control),
    });
    let summary = world.run(&by(&[engine]));
    let result = only(&summary);
    assert_eq!(result.verdict, Verdict::Unknown);
    assert!(result.detail.contains("whether any does is not known"), "{}", result.detail);
}

#[test]
fn one_instance_in_error_does_not_hide_the_others() {
    let world = World::new("property p(i in 0..4) = forall x in ball(test[i].x, 1 lsb): f(x)[0] <= 15;");
    let summary = world.run(&Options::default());
    use Verdict::{Error, Proved};
    let each: Vec<Verdict> = summary.results.iter().map(|r| r.verdict).collect();
    assert_eq!(each, [Proved, Proved, Error, Error]);
    assert_eq!(summary.exit_code(), 3);
    let wrong = &summary.results[2];
    assert_eq!(wrong.fault, Some(Fault::Spec));
    assert!(!wrong.diagnostics.is_empty() && wrong.key.is_none());
    let world = World::new("property q(i in 0..nowhere) = true;");
    let summary = world.run(&Options::default());
    assert_eq!((only(&summary).verdict, only(&summary).name.as_str()), (Error, "q"));
    assert!(!only(&summary).diagnostics.is_empty());
}

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

const MEASURES: &str = "
measure most = maximize f(x)[0] / 4 over x: In[2] where x[0] + x[1] <= 20;
measure least = minimize f(x).left over x in ball(test[0].x, 2 lsb);
measure none = maximize f(x)[0] over x: In[2] where x[0] + x[1] == 31;
property near(i in 0..2, eps in 0..=1) = forall x in ball(test[i].x, eps lsb): f(x)[0] >= 0;
measure radius(i in 0..2) = largest eps in 0..=15 such that near(i, eps);
measure odd = largest n in 0..=8 such that forall x: In[2]: 2 * f(x)[0] != n;
measure never = largest n in 2..=4 such that forall x: In[2]: f(x)[0] != n;
measure empty = largest n in 0..=3 such that forall x: In[2] where x[0] + x[1] == 28 + n: f(x)[0] != 1;
";

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

/// The spec of the tests of the store: a network whose weights are in a file.
const STORED: &str = "
type In = uint<4>;
network g(x: In[2]) -> int<8>[1] {
    params w = \"w.safetensors\" { *: int<8> raw; }
    dense(x, w.fc) as int<8>
}
property holds = forall x: In[2]: g(x)[0] <= 15;
property breaks = forall x: In[2]: g(x)[0] <= 14;
property assumed = forall x: In[2] where x[0] + x[1] == 30: g(x)[0] <= 15;
measure most = maximize g(x)[0] over x: In[2];
measure bound = largest n in 0..=15 such that forall x: In[2]: g(x)[0] <= 31 - n;
";

fn cached(summary: &Summary) -> Vec<bool> {
    summary.results.iter().map(|r| r.cached).collect()
}

#[test]
fn the_store_serves_the_second_run() {
    let mut world = World::whole(STORED).checked();
    let store = world.path("store");
    let first = world.run(&with(&store));
    assert_eq!(cached(&first), [false; 5]);
    assert_eq!(
        first.results.iter().map(|r| r.verdict).collect::<Vec<_>>(),
        [Verdict::Proved, Verdict::Violated, Verdict::Proved, Verdict::Proved, Verdict::Proved]
    );
    // A comment, a blank line and another name cost nothing.
    world.edit(&format!("// nothing new\n\n{}", STORED.replace("holds", "still_holds")));
    let second = world.run(&with(&store));
    assert_eq!(cached(&second), [true; 5], "{:?}", second.results);
    assert!(second.warnings.is_empty());
    for (a, b) in first.results.iter().zip(&second.results).skip(1) {
        let fresh = |result: &InstanceResult| InstanceResult {
            cached: false,
            time: Duration::ZERO,
            measure: None,
            ..result.clone()
        };
        assert_eq!(fresh(a), fresh(b));
        assert_eq!(a.measure.as_ref().map(|m| &m.found), b.measure.as_ref().map(|m| &m.found));
        assert_eq!(a.measure.as_ref().map(|m| &m.witness), b.measure.as_ref().map(|m| &m.witness));
    }
    // Other weights do, and so do other engines.
    let other = world.run(&Options { engine: Some("smt".into()), ..with(&store) });
    assert!(other.results.iter().all(|r| !r.cached));
    std::fs::write(world.path("w.safetensors"), weights([1, -2])).unwrap();
    assert!(world.db.refresh(&world.folder.path().join("w.safetensors")));
    let third = world.run(&with(&store));
    assert_eq!(cached(&third), [false; 5]);
    assert_eq!(third.results[0].verdict, Verdict::Proved);
    // Without a store nothing is remembered.
    assert_eq!(cached(&world.run(&Options::default())), [false; 5]);
}

/// A measure over radii finds what the property proved for each.
#[test]
fn measures_share_what_properties_proved() {
    let world = World::new(MEASURES).checked();
    let options = with(&world.path("store"));
    let only = |pattern: &str| {
        let plan = plan(&world.db, world.file, &Filter::new([pattern]), &options);
        run(&plan, &snapshots(world.db.clone()), &options, &CancelToken::new(), &|_| {})
    };
    only("near(i = 0, *");
    let radius = only("radius(i = 0)");
    let largest = radius.results[0].measure.as_ref().unwrap().largest.as_ref().unwrap();
    let known: Vec<i128> = largest.candidates.iter().filter(|c| c.cached).map(|c| c.value).collect();
    assert_eq!(known, [1]);
}

#[test]
fn damaged_entries_are_not_believed() {
    let world = World::whole(STORED).checked();
    let folder = world.path("store");
    world.run(&with(&folder));
    let store = Store::open(&folder);
    let before = store.stats();
    assert!(before.entries >= 5 && before.damaged == 0 && before.decided == before.entries, "{before:?}");
    let files = || {
        let folders = std::fs::read_dir(folder.join("verdicts-2")).unwrap();
        folders.flat_map(|f| std::fs::read_dir(f.unwrap().path())).flatten().map(|f| f.unwrap().path())
    };
    let damages: [&dyn Fn(Vec<u8>) -> Vec<u8>; 4] = [
        &|bytes| bytes[..bytes.len() / 2].to_vec(),
        &|_| Vec::new(),
        // A lie: what was violated is said to be proved.
        &|bytes| match String::from_utf8(bytes) {
            Ok(text) => text.replace("\"some\":", "\"none\":").replace("15", "14").into_bytes(),
            Err(certificate) => [certificate.as_bytes(), b" "].concat(),
        },
        &|bytes| bytes.iter().map(|b| b ^ 0x80).collect(),
    ];
    for damage in damages {
        for path in files() {
            let bytes = std::fs::read(&path).unwrap();
            std::fs::write(&path, damage(bytes)).unwrap();
        }
        assert!(store.stats().damaged > 0);
        let summary = world.run(&with(&folder));
        let breaks = &summary.results[1];
        assert_eq!(breaks.verdict, Verdict::Violated);
        assert!(!summary.warnings.is_empty(), "a damaged entry is told");
        assert!(summary.warnings.iter().all(|w| w.contains("is damaged")), "{:?}", summary.warnings);
        // They have been mended.
        assert_eq!(cached(&world.run(&with(&folder))), [true; 5]);
    }
}

/// A proof without its certificate is none: it is found anew, and told.
#[test]
fn lost_and_damaged_certificates_are_made_anew() {
    use super::evidence::{About, Support};
    let world = World::whole(STORED).checked();
    let folder = world.path("store");
    let once = || Options { jobs: Some(1), ..with(&folder) };
    let first = world.run(&once());
    let evidence = first.results[0].evidence.iter().find(|e| e.about == About::Statement).unwrap();
    let Support::Certificate(kept) = &evidence.rests_on else { panic!("{evidence:?}") };
    let path = kept.file.clone().unwrap();
    let sound = std::fs::read(&path).unwrap();
    assert!(path.ends_with(format!("{}.proof", evidence.obligation)) && Some(sound.len()) > kept.bytes, "{kept:?}");
    let all = first.results.iter().flat_map(|r| &r.evidence);
    let other = all.filter(|e| e.obligation != evidence.obligation).find_map(|e| match &e.rests_on {
        Support::Certificate(kept) => kept.file.clone(),
        _ => None,
    });
    let changes: [Option<Vec<u8>>; 5] = [
        None,
        Some(Vec::new()),
        Some(sound[..sound.len() - 1].to_vec()),
        Some(sound.iter().map(|b| b ^ 1).collect()),
        Some(std::fs::read(other.unwrap()).unwrap()),
    ];
    for change in changes {
        let told = change.is_some();
        let damaged = change.clone().unwrap_or_default();
        match change {
            Some(bytes) => std::fs::write(&path, bytes).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
        let summary = world.run(&once());
        assert_eq!((summary.results[0].verdict, summary.results[0].cached), (Verdict::Proved, false));
        let warned = summary.warnings.iter().any(|w| w.contains("certificate") && w.contains("is damaged"));
        assert_eq!(warned, told, "{:?}", summary.warnings);
        let again = std::fs::read(&path).unwrap();
        assert!(again.starts_with(b"qnn certificate ") && again != damaged, "a proof is there again");
        assert_eq!(cached(&world.run(&once())), [true; 5]);
    }
    let stats = Store::open(&folder).stats();
    assert!(stats.certificates > 0 && stats.damaged == 0, "{stats:?}");
    assert_eq!(Store::open(&folder).clear().unwrap(), stats.entries);
    assert_eq!(Store::open(&folder).stats().bytes, 0);
}

/// A certificate that is too large to be kept is told, once; what rests on it is remembered all the same.
#[test]
fn certificates_that_are_too_large_are_told() {
    use super::evidence::{Evidence, Support};
    let world = World::whole(STORED).checked();
    let folder = world.path("store");
    let limited = |certificates| Options { most_certificate: Some(10), certificates, ..with(&folder) };
    let too_large = |summary: &Summary| {
        let results = summary.results.iter();
        results.map(|r| r.evidence.iter().filter(|e| e.is_too_large()).count()).collect::<Vec<_>>()
    };
    let first = world.run(&limited(false));
    assert!(!cached(&first)[0]);
    let lacking = too_large(&first);
    assert!(lacking[0] == 1 && lacking[1] == 0 && lacking[3] == 1, "{lacking:?}");
    for (result, lacks) in first.results.iter().zip(&lacking) {
        assert_eq!(result.detail.contains("takes more than 10 bytes"), *lacks > 0, "{}", result.detail);
        assert!(result.verdict.is_decided(), "{result:?}");
    }
    let json = serde_json::to_value(&first.results[0].evidence).unwrap();
    let certificate = &json[0]["rests_on"]["certificate"];
    assert!(certificate["steps"].is_u64() && certificate["bytes"].is_null() && certificate["file"].is_null(), "{json}");
    let told = |summary: &Summary| summary.warnings.iter().filter(|w| w.contains("more than 10 bytes")).count();
    assert_eq!((told(&first), first.warnings.len()), (1, 1), "{:?}", first.warnings);
    // The second time there is nothing that could be checked: it is the store's word, and says so.
    for certificates in [false, true] {
        let again = world.run(&limited(certificates));
        assert_eq!((cached(&again), told(&again)), (vec![true; 5], 0), "{:?}", again.warnings);
        assert_eq!(too_large(&again), vec![0; 5]);
        for (result, lacks) in again.results.iter().zip(&lacking).filter(|(result, _)| result.kind == Kind::Property) {
            let marked = matches!(result.trust, Some(Trust::Solver { remembered: true, .. }));
            assert_eq!((marked, result.detail.contains("remembered and not checked again")), (*lacks > 0, *lacks > 0));
        }
    }
    assert_eq!(Store::open(&folder).stats().certificates, 0);
    let kept = |e: &Evidence| matches!(&e.rests_on, Support::Certificate(kept) if kept.bytes.is_some());
    let whole = world.run(&Options { certificates: true, ..Options::default() });
    assert!(whole.results[0].evidence.iter().any(kept) && whole.warnings.is_empty(), "{:?}", whole.warnings);
}

#[test]
fn remembered_counterexamples_are_replayed() {
    use super::store::StoredAnswer;
    let world = World::whole(STORED).checked();
    let folder = world.path("store");
    let first = world.run(&with(&folder));
    let store = Store::open(&folder);
    let key = first.results[1].key.clone().unwrap();
    let mut entry = store.get(&key).unwrap();
    for lie in [vec![vec![0, 0]], vec![vec![99, 0]], vec![vec![15]], Vec::new()] {
        entry.known = StoredAnswer::Some(lie);
        store.put(&entry);
        let summary = world.run(&with(&folder));
        let result = &summary.results[1];
        assert_eq!((result.verdict, result.cached), (Verdict::Violated, false));
        assert!(summary.warnings[0].contains("does not pass the reference interpreter"), "{:?}", summary.warnings);
    }
    let key = first.results[3].key.clone().unwrap();
    let mut entry = store.get(&key).unwrap();
    if let StoredAnswer::Maximum(maximum) = &mut entry.known {
        maximum.best = Some(("15".to_owned(), vec![vec![3, 0]]));
    }
    store.put(&entry);
    let summary = world.run(&with(&folder));
    assert_eq!((summary.results[3].cached, summary.warnings.len()), (false, 1));
}

#[test]
fn timeouts_are_remembered_for_smaller_budgets_only() {
    let world = World::whole("property p = forall x: int<4>: x <= 6;");
    let folder = world.path("store");
    let engine = scripted(|_, control| sleep(control));
    let engines: [Arc<dyn Engine>; 1] = [engine.clone()];
    let run = |budget: u64| {
        let timeout = Some(Duration::from_millis(budget));
        let summary = world.run(&Options { timeout, store: with(&folder).store, ..by(&engines) });
        assert_eq!(only(&summary).verdict, Verdict::Timeout);
        (only(&summary).cached, only(&summary).detail.clone())
    };
    // What is remembered says what the engines were given then.
    let (earlier, later) = ("Not decided within 40 ms.".to_owned(), "Not decided within 60 ms.".to_owned());
    assert_eq!(run(40), (false, earlier.clone()));
    assert_eq!(run(40), (true, earlier.clone()));
    assert_eq!(run(10), (true, earlier));
    assert_eq!(run(60), (false, later.clone()));
    assert_eq!(run(60), (true, later));
    assert_eq!(engine.calls.load(Ordering::SeqCst), 2);
}

/// What lacked memory or is broken is asked again.
#[test]
fn accidents_are_not_remembered() {
    let world = World::whole("property p = forall x: int<4>: x <= 6;");
    let folder = world.path("store");
    for reason in [Reason::Memory, Reason::Internal("ouch".into())] {
        let engine = scripted(move |_, _| Answer::Unknown(reason.clone()));
        world.run(&Options { store: with(&folder).store, ..by(&[engine]) });
    }
    assert_eq!(Store::open(&folder).stats().entries, 0);
}

#[test]
fn a_store_that_cannot_be_written_is_told_once() {
    let world = World::whole(STORED).checked();
    std::fs::write(world.path("file"), "not a folder").unwrap();
    let summary = world.run(&with(&world.path("file")));
    assert_eq!(summary.count(Verdict::Error), 0);
    assert_eq!(summary.results[0].verdict, Verdict::Proved);
    assert_eq!(summary.warnings.len(), 1, "{:?}", summary.warnings);
    assert!(summary.warnings[0].contains("can't be stored"), "{:?}", summary.warnings);
    assert_eq!(std::fs::read_to_string(world.path("file")).unwrap(), "not a folder");
}

/// A folder in the place of an entry, or of a certificate, costs that one, and no other.
#[test]
fn a_folder_in_the_place_of_an_entry_is_left_alone() {
    let world = World::whole(STORED).checked();
    let folder = world.path("store");
    let first = world.run(&with(&folder));
    let entry = |result: &InstanceResult| {
        let key = result.key.clone().unwrap();
        folder.join("verdicts-2").join(&key[..2]).join(format!("{key}.json"))
    };
    let path = entry(&first.results[1]);
    let all = Store::open(&folder).clear().unwrap();
    std::fs::create_dir_all(path.join("mine")).unwrap();
    let told = |warnings: &[String]| warnings.len() == 1 && warnings[0].contains("is a folder where a file belongs");
    let summary = world.run(&with(&folder));
    assert_eq!(verdicts(&summary), verdicts(&first));
    assert!(told(&summary.warnings), "{:?}", summary.warnings);
    let again = world.run(&with(&folder));
    assert_eq!(cached(&again), [true, false, true, true, true]);
    assert!(told(&again.warnings), "{:?}", again.warnings);
    let store = Store::open(&folder);
    assert_eq!((store.clear().unwrap(), store.stats().entries), (all - 1, 0));
    assert!(told(&store.take_warnings()) && path.join("mine").is_dir());
}

#[test]
fn the_store_is_listed_and_cleared() {
    let world = World::whole(STORED).checked();
    let folder = world.path("store");
    world.run(&with(&folder));
    std::fs::write(folder.join("mine.txt"), "keep").unwrap();
    std::fs::write(folder.join("verdicts-2").join("mine.json"), "keep").unwrap();
    let store = Store::open(&folder);
    let list = store.list();
    assert!(list.iter().any(|e| e.name == "breaks" && e.verdict == Verdict::Violated && e.bytes > 0));
    assert!(list.iter().any(|e| e.name == "assumed: its assumptions" && e.verdict == Verdict::Violated));
    assert!(list.iter().any(|e| e.name == "most" && e.verdict == Verdict::Proved));
    assert!(list.is_sorted_by_key(|e| e.name.clone()));
    // What a crash left goes too; what somebody is writing stays.
    let inside = folder.join("verdicts-2");
    let unfinished = [inside.join(".unfinished-qnn-now"), inside.join(".unfinished-qnn-long-ago")];
    for (path, age) in unfinished.iter().zip([0, 3600]) {
        let file = std::fs::File::create(path).unwrap();
        file.set_modified(std::time::SystemTime::now() - Duration::from_secs(age)).unwrap();
    }
    assert_eq!(store.clear().unwrap(), list.len());
    assert_eq!(unfinished.map(|path| path.exists()), [true, cfg!(not(unix))]);
    assert_eq!((store.stats().entries, store.list().len(), store.clear().unwrap()), (0, 0, 0));
    assert!(folder.join("mine.txt").exists() && folder.join("verdicts-2").join("mine.json").exists());
    assert_eq!(Store::open(world.path("nowhere")).stats().entries, 0);
    assert_eq!(Store::open(world.path("nowhere")).clear().unwrap(), 0);
}

#[test]
fn runs_share_a_store_at_the_same_time() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("store");
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let world = World::whole(STORED).checked();
                for _ in 0..3 {
                    let summary = world.run(&with(&place));
                    assert!(summary.warnings.is_empty(), "{:?}", summary.warnings);
                    assert_eq!(summary.exit_code(), 1);
                }
            });
        }
    });
    let stats = Store::open(&place).stats();
    assert!(stats.damaged == 0 && stats.entries >= 5, "{stats:?}");
}

/// Where the processes of the next test find their store.
const SHARED: &str = "QNN_TEST_SHARED_STORE";

#[test]
#[ignore = "run by processes_share_a_store"]
fn one_of_several_processes() {
    let Some(place) = std::env::var_os(SHARED) else { return };
    let world = World::whole(STORED).checked();
    for _ in 0..3 {
        let summary = world.run(&with(Path::new(&place)));
        assert!(summary.warnings.is_empty(), "{:?}", summary.warnings);
        assert_eq!(summary.exit_code(), 1);
        // Others meanwhile find entries missing, never broken.
        Store::open(&place).clear().unwrap();
    }
}

#[test]
fn processes_share_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let spawn = |_| {
        std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "verify::tests::one_of_several_processes", "--ignored", "--quiet"])
            .env(SHARED, folder.path().join("store"))
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..4).map(spawn).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(Store::open(folder.path().join("store")).stats().damaged, 0);
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
            decide(&job, turn, earlier, snapshot, &options, &spare, cancel, &|_| {})
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

/// The files of a store with their sizes, by name.
fn sizes(folder: &Path) -> std::collections::BTreeMap<String, u64> {
    let below = |folder: PathBuf| std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap());
    let files = below(folder.join("verdicts-2")).flat_map(|inner| below(inner.path()));
    files.map(|file| (file.file_name().into_string().unwrap(), file.metadata().unwrap().len())).collect()
}

/// The store keeps to its limit, and what was used last.
#[test]
fn what_was_not_used_for_longest_is_evicted() {
    let world = World::whole(STORED).checked();
    let folder = world.path("store");
    world.run(&with(&folder));
    let all = sizes(&folder);
    let total: u64 = all.values().sum();
    let key = |summary: &Summary| summary.results[1].key.clone().unwrap() + ".json";
    // All are old but one, which a run then uses.
    let old = std::time::SystemTime::now() - Duration::from_secs(7200);
    for inner in std::fs::read_dir(folder.join("verdicts-2")).unwrap().map(|entry| entry.unwrap().path()) {
        for file in std::fs::read_dir(inner).into_iter().flatten() {
            let file = std::fs::File::options().write(true).open(file.unwrap().path()).unwrap();
            file.set_modified(old).unwrap();
        }
    }
    let only = |pattern: &str, limit: u64, engine: &str| {
        let store = Some(Arc::new(Store::with_limit(&folder, limit)));
        let options = Options { store, engine: Some(engine.into()), jobs: Some(1), ..Options::default() };
        let plan = plan(&world.db, world.file, &Filter::new([pattern]), &options);
        run(&plan, &snapshots(world.db.clone()), &options, &CancelToken::new(), &|_| {})
    };
    assert!(only("breaks", total, "auto").results[0].cached);
    // Something new makes room for itself.
    only("breaks", total, "attack");
    let left = sizes(&folder);
    assert!(left.values().sum::<u64>() <= total / 10 * 9, "{left:?}");
    let used = key(&world.run(&with(&folder)));
    assert!(all.contains_key(&used) && left.contains_key(&used), "{used}: {left:?}");
    only("holds", 0, "smt");
    assert!(sizes(&folder).is_empty(), "{:?}", sizes(&folder));
}

/// Whoever writes to a store that is far from its limit does not look at what else is in it, as long as its size is known.
#[test]
fn a_store_is_looked_at_only_where_it_may_be_too_large() {
    let world = World::whole("property p = forall x: uint<4>: x >= 0;").checked();
    let folder = world.path("store");
    let tally = folder.join("verdicts-2").join("size");
    let sum = || -> u64 {
        let text = std::fs::read_to_string(&tally).unwrap();
        text.lines().skip(1).map(|line| line.parse::<u64>().unwrap()).sum()
    };
    let run = |limit: u64, engine: &str| {
        let store = Some(Arc::new(Store::with_limit(&folder, limit)));
        world.run(&Options { store, engine: Some(engine.into()), ..Options::default() });
    };
    let total = || sizes(&folder).values().sum::<u64>();
    run(1 << 20, "interval");
    assert_eq!(sum(), total());
    // Somebody's large file, which nobody looks at: the sum grows by what is written.
    let strange = folder.join("verdicts-2").join("aa").join(format!("{}.json", "a".repeat(64)));
    std::fs::create_dir_all(strange.parent().unwrap()).unwrap();
    std::fs::write(&strange, vec![b' '; 2 << 20]).unwrap();
    run(1 << 20, "smt");
    // What was written twice counts twice.
    assert!(sum() < 1 << 20 && sum() + (2 << 20) >= total(), "{} of {}", sum(), total());
    // Once the sum is gone, or too large, all is looked at.
    std::fs::remove_file(&tally).unwrap();
    run(1 << 20, "enumerate");
    assert!(sum() == total() && total() < 1 << 20 && !strange.exists());
    let few = total() - 1;
    run(few, "search");
    assert!(sum() == total() && total() <= few, "{:?}", sizes(&folder));
    // An emptied store is empty.
    Store::open(&folder).clear().unwrap();
    assert!(!tally.exists() && total() == 0);
}

#[test]
fn folders_of_older_versions_are_cleared() {
    let world = World::whole(STORED).checked();
    let folder = world.path("store");
    let name = format!("{}.json", "a".repeat(64));
    for (version, beside) in
        [("verdicts-1", None), ("verdicts-0", Some("mine.txt")), ("verdicts-99", None), ("other", None)]
    {
        let inner = folder.join(version).join("aa");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::write(inner.join(&name), "old").unwrap();
        if let Some(beside) = beside {
            std::fs::write(inner.join(beside), "keep").unwrap();
        }
    }
    world.run(&with(&folder));
    let has = |path: &str| folder.join(path).exists();
    assert!(!has("verdicts-1") && has("verdicts-2"));
    assert!(has("verdicts-0/aa/mine.txt") && !has(&format!("verdicts-0/aa/{name}")));
    assert!(
        has(&format!("verdicts-99/aa/{name}")) && has(&format!("other/aa/{name}")),
        "a newer version's, and no version's"
    );
}

#[test]
fn sizes_are_read_as_people_write_them() {
    use super::store::size_of;
    let all = ["0", "10", "500M", "4G", "4 GiB", "1kb", "2T"].map(size_of);
    assert_eq!(all, [0, 10, 500 << 20, 4 << 30, 4 << 30, 1 << 10, 2 << 40].map(Some));
    for bad in ["", "M", "-1", "1.5G", "4X", "99999999999T", "1 G B"] {
        assert_eq!(size_of(bad), None, "{bad}");
    }
}
