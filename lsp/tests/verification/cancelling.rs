//! What cancels verification, and what is kept of what was found.

use super::{Endless, HARD, Selective, only, small, until};
use crate::support::{Client, Folder, SMALL, instance, state};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;

#[test]
fn cancelling_answers_at_once_and_stops_the_engine() {
    let engine = Arc::new(Endless::default());
    let folder = Folder::new();
    let uri = folder.uri("small.qnn");
    let mut client = Client::inside(only(engine.clone()), None);
    client.initialize(json!({ "verification": { "jobs": 2, "budget": 1000 } }));
    client.open(&uri, SMALL);
    client.wait_status(&uri, "two at work", |s| s["counts"]["running"] == 2);
    until("the engine works", || engine.working.load(Ordering::SeqCst) == 2);
    assert_eq!(client.command("qnn.cancel", json!({ "uri": uri })), json!({ "cancelled": 6 }));
    let status = client.wait_status(&uri, "the end", |s| s["active"] == false);
    for property in status["properties"].as_array().unwrap() {
        for instance in property["instances"].as_array().unwrap() {
            assert_eq!((&instance["state"], &instance["cancelled"]), (&json!("unknown"), &json!(true)));
            assert_eq!(instance["mood"], "undecided");
        }
        assert_eq!(property["mood"], "undecided");
    }
    assert_eq!((&status["mood"], &status["counts"]["cancelled"]), (&json!("undecided"), &json!(6)));
    until("the engine stops", || engine.working.load(Ordering::SeqCst) == 0);
    let begun = engine.begun.load(Ordering::SeqCst);
    // Saving does not begin anew what was cancelled; asking does.
    client.save(&uri);
    let status = client.status(&uri);
    assert_eq!((&status["active"], &status["counts"]["cancelled"]), (&json!(false), &json!(6)));
    assert_eq!(engine.begun.load(Ordering::SeqCst), begun);
    assert_eq!(client.command("qnn.verify", json!({ "uri": uri, "property": "family" }))["jobs"], 4);
    // Two run once the threads of those that were cancelled have ended; that these ended late changes nothing.
    client.wait_status(&uri, "two run", |s| s["counts"]["running"] == 2);
    assert!(client.history.values().all(|h| h.iter().filter(|s| *s == "unknown").count() == 1), "{:?}", client.history);
    client.leave();
    until("shutting down stops the engine", || engine.working.load(Ordering::SeqCst) == 0);
}

#[test]
fn cancelling_one_spec_leaves_the_others_alone() {
    let engine = Arc::new(Endless::default());
    let folder = Folder::new();
    let (one, other) = (folder.uri("one.qnn"), folder.uri("other.qnn"));
    let mut client = Client::inside(only(engine.clone()), None);
    client.initialize(json!({ "verification": { "jobs": 12, "budget": 1000 } }));
    client.open(&one, SMALL);
    client.wait_status(&one, "all run", |s| s["counts"]["running"] == 6);
    client.open(&other, SMALL);
    client.wait_status(&other, "all run", |s| s["counts"]["running"] == 6);
    until("all work", || engine.working.load(Ordering::SeqCst) == 12);
    // Long runs tell for how long they have run, and how long they may.
    let told =
        client.wait_status(&other, "a second", |s| instance(s, "holds")["progress"]["elapsed"].as_f64() >= Some(1.0));
    let progress = &instance(&told, "holds")["progress"];
    let (elapsed, remaining) = (progress["elapsed"].as_f64().unwrap(), progress["remaining"].as_f64().unwrap());
    assert!((elapsed + remaining - 1000.0).abs() < 0.1, "{progress}");
    let detail = instance(&told, "holds")["detail"].as_str().unwrap();
    assert!(detail.starts_with("Running; for ") && detail.ends_with(" left."), "{detail}");
    assert_eq!(client.command("qnn.cancel", json!({ "uri": one })), json!({ "cancelled": 6 }));
    client.wait_status(&one, "the end", |s| s["active"] == false);
    until("the others work", || engine.working.load(Ordering::SeqCst) == 6);
    let status = client.command("qnn.status", json!({ "uri": other }));
    assert_eq!((&status["counts"]["running"], &status["mood"]), (&json!(6), &json!("running")));
    client.leave();
    until("the engine stops", || engine.working.load(Ordering::SeqCst) == 0);
}

#[test]
fn cancelling_the_progress_cancels_the_run() {
    let engine = Arc::new(Endless::default());
    let folder = Folder::new();
    let uri = folder.uri("small.qnn");
    let mut client = Client::inside(only(engine.clone()), None);
    client.initialize(json!({ "verification": { "budget": 1000 } }));
    client.open(&uri, SMALL);
    client.wait_status(&uri, "it runs", |s| s["active"] == true && s["counts"]["running"] != 0);
    client.wait("progress", |client| !client.progress.is_empty());
    assert_eq!(client.progress[0]["value"]["kind"], "begin");
    assert_eq!(client.progress[0]["value"]["cancellable"], true);
    let token = client.progress[0]["token"].clone();
    client.notify("window/workDoneProgress/cancel", json!({ "token": token }));
    client.wait_status(&uri, "the end", |s| s["active"] == false);
    client.wait("the end of progress", |client| client.progress.last().is_some_and(|p| p["value"]["kind"] == "end"));
    until("the engine stops", || engine.working.load(Ordering::SeqCst) == 0);
    client.leave();
}

#[test]
fn only_jobs_whose_question_vanished_are_cancelled() {
    let engine = Arc::new(Endless::default());
    let folder = Folder::new();
    let uri = folder.uri("small.qnn");
    let mut client = Client::inside(only(engine.clone()), None);
    client.initialize(json!({ "verification": { "jobs": 8, "budget": 1000 } }));
    client.open(&uri, SMALL);
    client.wait_status(&uri, "all run", |s| s["counts"]["running"] == 6);
    until("all work", || engine.working.load(Ordering::SeqCst) == 6);
    let text =
        SMALL.replace("!= Side.below", "== Side.below").replace("\nproperty family", "\n// a comment\nproperty family");
    let version = client.change(&uri, &text);
    let status = client.wait_status(&uri, "the new text", |s| s["documentVersion"] == version);
    assert_eq!(state(&status, "never_below"), "unverified");
    assert_eq!(state(&status, "family(i = 0)"), "running");
    until("one has stopped", || engine.working.load(Ordering::SeqCst) == 5);
    assert_eq!(engine.begun.load(Ordering::SeqCst), 6);
    // Removing the property removes its jobs.
    let version = client.change(&uri, &text[..text.find("// a comment").unwrap()]);
    client.wait_status(&uri, "the new text", |s| s["documentVersion"] == version);
    until("one is left", || engine.working.load(Ordering::SeqCst) == 1);
    client.leave();
}

#[test]
fn closing_ends_the_runs_and_forgets_nothing() {
    let engine = Arc::new(Endless::default());
    let folder = Folder::new();
    let uri = folder.uri("small.qnn");
    folder.write("small.qnn", SMALL);
    let mut client = Client::inside(only(engine.clone()), None);
    client.initialize(json!({ "verification": { "jobs": 8, "budget": 1000 } }));
    client.open(&uri, SMALL);
    client.wait_status(&uri, "all run", |s| s["counts"]["running"] == 6);
    until("all work", || engine.working.load(Ordering::SeqCst) == 6);
    client.close(&uri);
    let status = client.wait_status(&uri, "an empty status", |s| s["properties"] == json!([]));
    assert_eq!((&status["active"], &status["documentVersion"]), (&json!(false), &Value::Null));
    until("all stop", || engine.working.load(Ordering::SeqCst) == 0);
    client.leave();

    let (mut client, _folder, uri, _) = small();
    client.close(&uri);
    client.wait_status(&uri, "an empty status", |s| s["properties"] == json!([]));
    client.open(&uri, SMALL);
    let status = client.settled(&uri, 1);
    assert_eq!(instance(&status, "holds")["run"], Value::Null);
    assert_eq!(state(&status, "holds"), "proved");
    client.leave();
}

#[test]
fn cancelling_keeps_what_was_found_and_proved() {
    let folder = Folder::new();
    let uri = folder.uri("hard.qnn");
    let mut client = Client::inside(only(Arc::new(Selective)), None);
    client.initialize(json!({ "verification": { "jobs": 2, "budget": 1000 } }));
    client.open(&uri, HARD);
    // Two run, and one waits for its next turn.
    client.wait_status(&uri, "bounds of all", |s| {
        let known = |name: &str| instance(s, name)["progress"]["bound"].is_object();
        ["hard1", "hard2", "hard3"].into_iter().all(known) && s["counts"]["queued"] == 1 && s["counts"]["running"] == 2
    });
    assert_eq!(client.command("qnn.cancel", json!({ "uri": uri })), json!({ "cancelled": 3 }));
    let names = ["hard1", "hard2", "hard3"];
    let status = client
        .wait_status(&uri, "what is known", |s| names.iter().all(|name| instance(s, name)["measure"].is_object()));
    for name in names {
        let instance = instance(&status, name);
        assert_eq!((&instance["state"], &instance["cancelled"]), (&json!("unknown"), &json!(true)));
        assert_eq!((&instance["mood"], &instance["asExpected"]), (&json!("undecided"), &Value::Null));
        assert!(instance["measure"]["found"].is_object() && instance["measure"]["bound"].is_object(), "{instance}");
        assert!(instance["detail"].as_str().unwrap().starts_with("Cancelled before it was decided. It is at most"));
        assert_eq!(client.history[name].iter().filter(|state| *state == "unknown").count(), 1);
    }
    assert_eq!((&status["counts"]["cancelled"], &status["active"]), (&json!(3), &json!(false)));
    let diagnostics = client.diagnostics(&uri, 1);
    assert!(diagnostics.iter().all(|d| d["source"] != "qnn verify"), "{diagnostics:?}");
    // Saving does not begin anew what was cancelled; asking does.
    client.save(&uri);
    assert_eq!(client.command("qnn.status", json!({ "uri": uri }))["active"], false);
    assert_eq!(client.command("qnn.verifyFailed", json!({ "uri": uri }))["jobs"], 0);
    assert_eq!(client.command("qnn.verifyAll", json!({ "uri": uri }))["jobs"], 3);
    client.leave();
}
