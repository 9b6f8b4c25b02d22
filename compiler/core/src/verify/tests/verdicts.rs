//! What is said of instances: verdicts, counterexamples, failures.

use super::*;

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
