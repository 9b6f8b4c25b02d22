//! In which order jobs have the threads, and the cores that have none.

use super::{Endless, HARD, Selective, only, until};
use crate::support::{Client, Folder, SMALL, instance, state};
use qnn::engine::{Answer, Control, Engine, Reason};
use qnn::ir::obligation::Obligation;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

#[test]
fn the_edited_property_comes_first() {
    let engine = Arc::new(Endless::default());
    let folder = Folder::new();
    let uri = folder.uri("small.qnn");
    let mut client = Client::inside(only(engine.clone()), None);
    client.initialize(json!({ "verification": { "jobs": 1, "budget": 1000, "run": "onSave" } }));
    client.open(&uri, SMALL);
    client.wait_status(&uri, "one runs", |s| s["counts"]["running"] == 1);
    client.command("qnn.cancel", json!({}));
    client.wait_status(&uri, "the end", |s| s["active"] == false);
    // An edit in the last property, which changes all of them by way of the network.
    let line = SMALL.lines().position(|l| l.starts_with("property family")).unwrap();
    client.edit(&uri, json!([
        { "range": { "start": { "line": 8, "character": 38 }, "end": { "line": 8, "character": 41 } }, "text": "0.25" },
        { "range": { "start": { "line": line, "character": 78 }, "end": { "line": line, "character": 79 } }, "text": "2" },
    ]));
    client.save(&uri);
    let status = client.wait_status(&uri, "one runs", |s| s["counts"]["running"] == 1 && s["counts"]["queued"] == 5);
    assert_eq!(state(&status, "family(i = 0)"), "running", "{status:#}");
    client.leave();
}

/// Decides nothing, at once, unless it has minutes: then it takes them all.
struct Thorough;

impl Engine for Thorough {
    fn name(&self) -> &'static str {
        "thorough"
    }

    fn solve(&self, _: &Obligation, control: &Control) -> Answer {
        let minutes = Instant::now() + Duration::from_secs(100);
        while control.deadline.is_some_and(|deadline| deadline > minutes) && control.stop().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        Answer::Unknown(control.stop().unwrap_or(Reason::Timeout))
    }
}

#[test]
fn long_budgets_do_not_hold_up_the_properties_below() {
    let folder = Folder::new();
    let uri = folder.uri("small.qnn");
    let long = "#[timeout(600s)]\nproperty long(i in 0..4) = forall p: Point where p.y == i: side(p).above <= 1;\n";
    let text = SMALL.replace("property holds", &format!("{long}property holds"));
    let text = format!("{text}\n{}", long.replace("long(", "longer("));
    let mut client = Client::inside(only(Arc::new(Thorough)), None);
    client.initialize(json!({ "verification": { "jobs": 2 } }));
    client.open(&uri, &text);
    // What is quick is all done while one thread is held by what is long; then that gets both.
    client.wait_status(&uri, "the quick ones", |s| s["counts"]["timeout"] == 6);
    let status = client.wait_status(&uri, "two long ones", |s| s["counts"]["running"] == 2);
    // Each has one, not one of them two. Which of its instances that is, the turns say.
    let running = |name: &str| {
        let properties = status["properties"].as_array().expect("a list");
        let property = properties.iter().find(|property| property["name"] == name).expect("the property");
        property["counts"]["running"].as_u64()
    };
    assert_eq!((running("long"), running("longer")), (Some(1), Some(1)), "{status:#}");
    client.leave();
}

#[test]
fn what_is_quick_does_not_wait_for_long_runs_that_have_all_threads() {
    let folder = Folder::new();
    let uri = folder.uri("small.qnn");
    let long = "#[timeout(600s)]\nproperty long(i in 0..4) = forall p: Point where p.y == i: side(p).above <= 1;\n";
    let text = SMALL.replace("property holds", &format!("{long}property holds"));
    let mut client = Client::inside(only(Arc::new(Thorough)), None);
    client.initialize(json!({ "verification": { "jobs": 2 } }));
    client.open(&uri, &text);
    client.wait_status(&uri, "two long ones", |s| s["counts"]["running"] == 2 && s["counts"]["timeout"] == 6);
    // A property above, which is not the edited one, has another meaning now.
    let text = text.replace("never_below = forall p: Point:", "never_below = forall p: Point where p.x == 1:");
    let version = client.change(&uri, &text);
    client.wait_status(&uri, "it is stale", |s| s["documentVersion"] == version && s["counts"]["stale"] == 1);
    client.save(&uri);
    let status = client.wait_status(&uri, "its verdict", |s| s["counts"]["timeout"] == 6);
    assert_eq!((state(&status, "never_below"), &status["counts"]["running"]), ("timeout", &json!(2)));
    // What is as long waits its turn.
    assert_eq!(status["counts"]["queued"], 2);
    client.leave();
}

#[test]
fn the_edited_property_goes_first_and_leaves_a_thread_to_the_others() {
    let folder = Folder::new();
    let uri = folder.uri("small.qnn");
    let mut client = Client::inside(only(Arc::new(Thorough)), None);
    client.initialize(json!({ "verification": { "jobs": 2, "run": "never" } }));
    client.open(&uri, SMALL);
    client.diagnostics(&uri, 1);
    let text = SMALL.replace("property family(i in 0..4)", "#[timeout(600s)]\nproperty family(i in 0..3)");
    let version = client.change(&uri, &text);
    client.diagnostics(&uri, version);
    client.command("qnn.verifyAll", json!({ "uri": uri }));
    // Which of its instances runs the longest, the turns say.
    client.wait_status(&uri, "it and the others", |s| {
        s["counts"]["timeout"] == 2 && s["counts"]["running"].as_u64() >= Some(1)
    });
    client.wait_status(&uri, "all that there is room for", |s| s["counts"]["running"] == 2);
    client.leave();
}

#[test]
fn what_is_hard_keeps_nothing_quick_waiting_in_any_document() {
    let folder = Folder::new();
    let (uri, other) = (folder.uri("hard.qnn"), folder.uri("other.qnn"));
    let mut client = Client::inside(only(Arc::new(Selective)), None);
    // All have budgets beyond this test's patience.
    client.initialize(json!({ "verification": { "jobs": 2, "budget": 1000 } }));
    client.open(&uri, HARD);
    let status = client.wait_status(&uri, "the quick one", |s| state(s, "quick") == "proved");
    assert_eq!(status["counts"]["running"].as_u64().unwrap() + status["counts"]["queued"].as_u64().unwrap(), 3);
    // And again while both threads have long turns.
    client.wait_status(&uri, "longer turns", |s| {
        let elapsed = |name: &str| instance(s, name)["progress"]["elapsed"].as_f64() > Some(1.0);
        ["hard1", "hard2", "hard3"].into_iter().filter(|name| elapsed(name)).count() >= 2
    });
    client.open(&other, "property quick = forall x: int<4>: x <= 7;\n");
    client.wait_status(&other, "the other quick one", |s| state(s, "quick") == "proved");
    // What waits for another turn says what it knows.
    let waits =
        |s: &Value| ["hard1", "hard2", "hard3"].into_iter().find(|name| state(s, name) == "queued").map(str::to_owned);
    let status = client.wait_status(&uri, "one waits", |s| waits(s).is_some());
    let waiting = instance(&status, &waits(&status).unwrap()).clone();
    assert!(waiting["detail"].as_str().unwrap().starts_with("Waiting for its next turn: "), "{waiting}");
    client.leave();
}

/// Takes a core beside its own whenever there is one, and gives it back when it is wanted, until it is told to stop.
#[derive(Default)]
struct Greedy {
    working: AtomicUsize,
    helping: AtomicUsize,
}

impl Engine for Greedy {
    fn name(&self) -> &'static str {
        "greedy"
    }

    fn solve(&self, _: &Obligation, control: &Control) -> Answer {
        self.working.fetch_add(1, Ordering::SeqCst);
        let reason = loop {
            if let Some(reason) = control.stop() {
                break reason;
            }
            if let Some(core) = control.spare.take() {
                self.helping.fetch_add(1, Ordering::SeqCst);
                while !core.is_wanted() && control.stop().is_none() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                self.helping.fetch_sub(1, Ordering::SeqCst);
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        self.working.fetch_sub(1, Ordering::SeqCst);
        Answer::Unknown(reason)
    }
}

#[test]
fn a_core_without_a_thread_helps_until_it_gets_one() {
    let engine = Arc::new(Greedy::default());
    let folder = Folder::new();
    let uri = folder.uri("small.qnn");
    let mut client = Client::inside(only(engine.clone()), None);
    client.initialize(json!({ "verification": { "jobs": 2, "budget": 1000, "run": "never" } }));
    client.open(&uri, SMALL);
    client.diagnostics(&uri, 1);
    let is = |working: usize, helping: usize| {
        let counts = || (engine.working.load(Ordering::SeqCst), engine.helping.load(Ordering::SeqCst));
        until("as many at work and helping", || counts() == (working, helping));
    };
    client.command("qnn.verify", json!({ "uri": uri, "property": "holds" }));
    is(1, 1);
    client.command("qnn.verify", json!({ "uri": uri, "property": "never_below" }));
    is(2, 0);
    client.command("qnn.cancel", json!({ "uri": uri, "property": "holds" }));
    is(1, 1);
    client.leave();
    is(0, 0);
}
