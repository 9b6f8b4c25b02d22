//! Verification in the editor: what runs, what is shown, and above all what must not be shown.

mod support;

use qnn::engine::interval::Intervals;
use qnn::engine::portfolio::Portfolio;
use qnn::engine::{Answer, Control, Engine, Reason};
use qnn::ir::obligation::Obligation;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use support::{Client, Folder, PATIENCE, SMALL, instance, state, uri};

/// An engine that works until it is told to stop.
#[derive(Default)]
struct Endless {
    working: AtomicUsize,
    begun: AtomicUsize,
}

impl Engine for Endless {
    fn name(&self) -> &'static str {
        "endless"
    }

    fn solve(&self, _: &Obligation, control: &Control) -> Answer {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.working.fetch_add(1, Ordering::SeqCst);
        let reason = loop {
            if let Some(reason) = control.stop() {
                break reason;
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        self.working.fetch_sub(1, Ordering::SeqCst);
        Answer::Unknown(reason)
    }
}

struct Panics;

impl Engine for Panics {
    fn name(&self) -> &'static str {
        "panics"
    }

    fn solve(&self, _: &Obligation, _: &Control) -> Answer {
        panic!("an engine of a test panics")
    }
}

fn only(engine: Arc<dyn Engine>) -> Option<Portfolio> {
    Some(Portfolio { first: vec![engine], rest: Vec::new() })
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A server with the usual engines, a folder, and `SMALL` opened and settled in it.
fn small() -> (Client, Folder, String, Value) {
    let folder = Folder::new();
    let uri = folder.uri("small.qnn");
    let mut client = Client::inside(None, None);
    client.initialize(json!({}));
    client.open(&uri, SMALL);
    let status = client.settled(&uri, 1);
    (client, folder, uri, status)
}

#[test]
fn opening_and_saving_verify() {
    let (mut client, _folder, uri, status) = small();
    assert_eq!(state(&status, "holds"), "proved");
    assert_eq!(state(&status, "never_below"), "violated");
    assert_eq!(status["counts"]["proved"], 5);
    assert_eq!(status["counts"]["unexpected"], 1);
    let found = &instance(&status, "never_below")["counterexample"];
    assert!(!instance(&status, "never_below")["trust"].is_object());
    assert_eq!(found["variables"][0]["name"], "p");
    assert_eq!(found["variables"][0]["labels"][0], json!(["x", "y"]));
    assert_eq!(found["variables"][0]["raw"].as_array().map(Vec::len), Some(2));
    assert_eq!(found["calls"][0]["output"]["argmax"], 0);
    // The violation is a diagnostic, at the name, with the witness beside it.
    let diagnostics = client.diagnostics_where(&uri, 1, |all| all.iter().any(|d| d["source"] == "qnn verify"));
    let violated = diagnostics.iter().find(|d| d["source"] == "qnn verify").unwrap();
    assert_eq!(violated["code"], "violated");
    assert_eq!(violated["range"]["start"], json!({ "line": 14, "character": 9 }));
    let related = violated["relatedInformation"].as_array().unwrap();
    assert!(related[0]["message"].as_str().unwrap().starts_with("p = ["), "{related:?}");
    assert_eq!(related[0]["location"]["range"]["start"], json!({ "line": 14, "character": 30 }));
    assert!(related[1]["message"].as_str().unwrap().contains("argmax below"), "{related:?}");
    // Every instance went its way and ended once.
    for (name, history) in &client.history {
        let finals = history.iter().filter(|s| matches!(&***s, "proved" | "violated")).count();
        assert_eq!(finals, 1, "{name}: {history:?}");
    }
    client.leave();
}

#[test]
fn what_is_proved_though_it_should_fail_is_no_success() {
    let folder = Folder::new();
    let uri = folder.uri("small.qnn");
    let mut client = Client::inside(None, None);
    client.initialize(json!({}));
    client.open(&uri, &SMALL.replace("property holds", "#[expect(violated)]\nproperty holds"));
    let status = client.settled(&uri, 1);
    let holds = &status["properties"][0];
    assert_eq!((&holds["state"], &holds["mood"]), (&json!("violated"), &json!("failed")));
    assert_eq!((&holds["instances"][0]["state"], &holds["instances"][0]["mood"]), (&json!("proved"), &json!("failed")));
    assert_eq!(status["mood"], "failed");
    let whole = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 99, "character": 0 } });
    let hints = client.request("textDocument/inlayHint", json!({ "textDocument": { "uri": uri }, "range": whole }));
    let texts: Vec<&str> = hints.as_array().unwrap().iter().map(|h| h["label"].as_str().unwrap()).collect();
    assert!(texts.contains(&" ✗ proved, not as expected"), "{texts:?}");
    client.leave();
}

#[test]
fn closed_specs_keep_their_verdicts_in_the_list_of_all() {
    let folder = Folder::new();
    let store = folder.path("store");
    folder.write("limit.qnn", "const limit = 4;\n");
    folder.write("one.qnn", "use \"limit.qnn\";\nproperty of_one = forall x: ufixed<4, 2>: x <= limit;\n");
    folder.write("other.qnn", "property of_other = forall x: ufixed<4, 2>: x <= 1;\n");
    let list = |client: &mut Client| -> Vec<(String, String, usize)> {
        let all = client.request("qnn/verdicts", Value::Null);
        assert_eq!(all["complete"], true, "{all}");
        let name = |uri: &Value| uri.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let specs = all["specs"].as_array().unwrap().iter();
        specs
            .map(|s| {
                (name(&s["uri"]), s["mood"].as_str().unwrap().to_owned(), s["properties"].as_array().unwrap().len())
            })
            .collect()
    };
    let row = |name: &str, mood: &str, properties| (name.to_owned(), mood.to_owned(), properties);
    let start = |folder: &Folder| {
        let mut client = Client::inside(None, Some(store.clone()));
        client
            .request("initialize", json!({ "processId": null, "rootUri": uri(&folder.path("")), "capabilities": {} }));
        client.notify("initialized", json!({}));
        client
    };
    let mut client = start(&folder);
    assert_eq!(
        list(&mut client),
        [row("limit.qnn", "none", 0), row("one.qnn", "none", 1), row("other.qnn", "none", 1)]
    );
    for name in ["one.qnn", "other.qnn"] {
        let uri = folder.uri(name);
        client.open(&uri, &std::fs::read_to_string(folder.path(name)).unwrap());
        client.settled(&uri, 1);
    }
    client.close(&folder.uri("one.qnn"));
    let all = [row("limit.qnn", "none", 0), row("one.qnn", "passed", 1), row("other.qnn", "failed", 1)];
    assert_eq!(list(&mut client), all);
    // Another server knows them from the store.
    client.leave();
    let mut client = start(&folder);
    assert_eq!(list(&mut client), all);
    // A file that a closed spec uses has changed: what was proved is so no longer.
    folder.write("limit.qnn", "const limit = 2;\n");
    client.notify(
        "workspace/didChangeWatchedFiles",
        json!({ "changes": [{ "uri": folder.uri("limit.qnn"), "type": 2 }] }),
    );
    assert_eq!(list(&mut client)[1], row("one.qnn", "none", 1));
    client.leave();
}

/// A client with two specs, of which one uses the other; both are as the disk has them.
fn using(run: &str) -> (Client, Folder, String, String) {
    let folder = Folder::new();
    let (limit, one) =
        ("const limit = 4;\n", "use \"limit.qnn\";\nproperty of_one = forall x: ufixed<4, 2>: x <= limit;\n");
    folder.write("limit.qnn", limit);
    folder.write("one.qnn", one);
    let mut client = Client::inside(None, None);
    client.initialize(json!({ "verification": { "run": run } }));
    let (limit_uri, uri) = (folder.uri("limit.qnn"), folder.uri("one.qnn"));
    client.open(&limit_uri, limit);
    client.open(&uri, one);
    client.command("qnn.verifyAll", json!({ "uri": uri }));
    let status = client.settled(&uri, 1);
    assert_eq!(state(&status, "of_one"), "proved");
    (client, folder, limit_uri, uri)
}

#[test]
fn saving_a_used_spec_verifies_what_uses_it() {
    let (mut client, _folder, limit, uri) = using("onSave");
    client.change(&limit, "const limit = 2;\n");
    let status = client.wait_status(&uri, "a stale verdict", |s| s["mood"] == "stale");
    assert_eq!(state(&status, "of_one"), "stale");
    client.save(&limit);
    client.wait_status(&uri, "the verdict", |s| state(s, "of_one") == "violated");
    client.leave();
}

#[test]
fn changing_a_used_spec_verifies_what_uses_it_where_changes_verify() {
    let (mut client, _folder, limit, uri) = using("onChange");
    client.change(&limit, "const limit = 2;\n");
    client.wait_status(&uri, "the verdict", |s| state(s, "of_one") == "violated");
    client.leave();
}

#[test]
fn an_open_spec_that_changes_on_disk_is_verified_once_the_editor_has_it() {
    let changed = "use \"limit.qnn\";\nproperty of_one = forall x: ufixed<4, 2>: x <= limit - 3;\n";
    for first in ["the file", "the text"] {
        let (mut client, folder, _, uri) = using("onSave");
        folder.write("one.qnn", changed);
        let watched = json!({ "changes": [{ "uri": uri, "type": 2 }] });
        if first == "the file" {
            client.notify("workspace/didChangeWatchedFiles", watched.clone());
        }
        client.change(&uri, changed);
        if first == "the text" {
            client.notify("workspace/didChangeWatchedFiles", watched);
        }
        client.wait_status(&uri, "the verdict", |s| state(s, "of_one") == "violated");
        client.leave();
    }
    // With `never`, nothing runs.
    let (mut client, folder, limit, uri) = using("never");
    folder.write("one.qnn", changed);
    let version = client.change(&uri, changed);
    client.notify(
        "workspace/didChangeWatchedFiles",
        json!({ "changes": [{ "uri": uri, "type": 2 }, { "uri": limit, "type": 2 }] }),
    );
    client.save(&uri);
    let status = client.command("qnn.status", json!({ "uri": uri }));
    let status = if status["documentVersion"] == version {
        status
    } else {
        client.wait_status(&uri, "the text", |s| s["documentVersion"] == version)
    };
    assert_eq!((&status["mood"], &status["active"]), (&json!("stale"), &json!(false)));
    client.leave();
}

#[test]
fn white_space_and_comments_cost_no_verdict() {
    let (mut client, _folder, uri, _) = small();
    let text =
        SMALL.replace("property holds", "// a comment\n\n\nproperty   holds").replace("relu(dense", "relu( dense");
    let version = client.change(&uri, &text);
    client.diagnostics(&uri, version);
    let status = client.settled(&uri, version);
    assert_eq!(state(&status, "holds"), "proved");
    // Nothing was told again but where the properties stand.
    assert_eq!(status["complete"], true, "the first status of the document");
    assert!(client.partial > 0, "the last one was no complete one");
    // The anchor has moved with the name.
    assert_eq!(status["properties"][0]["range"]["start"], json!({ "line": 15, "character": 11 }));
    assert!(client.history.values().all(|h| !h.contains(&"stale".to_owned())), "{:?}", client.history);
    client.leave();
}

#[test]
fn a_changed_property_is_stale_and_its_squiggle_gone_until_it_is_saved() {
    let (mut client, _folder, uri, _) = small();
    let text = SMALL
        .replace("!= Side.below", "!= Side.above")
        .replace("side(p).above <= 1;\n\nproperty never", "side(p).above <= 2;\n\nproperty never");
    let version = client.change(&uri, &text);
    let status = client.wait_status(&uri, "the new text", |s| s["documentVersion"] == version);
    assert_eq!(state(&status, "holds"), "stale");
    assert_eq!(state(&status, "never_below"), "stale");
    assert_eq!(instance(&status, "holds")["asExpected"], Value::Null);
    assert_eq!(state(&status, "family(i = 2)"), "proved");
    let diagnostics = client.diagnostics(&uri, version);
    assert!(diagnostics.iter().all(|d| d["source"] != "qnn verify"), "{diagnostics:?}");
    client.save(&uri);
    let status = client.settled(&uri, version);
    assert_eq!(state(&status, "never_below"), "violated");
    assert_eq!(instance(&status, "holds")["asExpected"], true);
    // What had not changed was not verified again.
    assert_eq!(instance(&status, "family(i = 2)")["run"], 1);
    assert_eq!(instance(&status, "holds")["run"], 2);
    client.leave();
}

#[test]
fn a_renamed_variable_leaves_the_verdict_as_it_is() {
    let (mut client, _folder, uri, _) = small();
    let text = SMALL.replace(
        "forall p: Point: side(p).above <= 1;\n\nproperty never",
        "forall q: Point: side(q).above <= 1;\n\nproperty never",
    );
    let version = client.change(&uri, &text);
    // No save: the key of what is asked is the same.
    let status = client.settled(&uri, version);
    assert_eq!(state(&status, "holds"), "proved");
    assert_eq!(instance(&status, "holds")["run"], 1);
    client.leave();
}

#[test]
fn nothing_is_green_over_a_syntax_error() {
    let (mut client, _folder, uri, _) = small();
    // In the property itself.
    let version =
        client.change(&uri, &SMALL.replace("property holds = forall p: Point:", "property holds = forall p Point:"));
    let status = client.wait_status(&uri, "the new text", |s| s["documentVersion"] == version);
    let property = &status["properties"][0];
    assert_eq!((&property["name"], &property["state"]), (&json!("holds"), &json!("error")));
    assert_eq!(property["instances"], json!([]));
    assert_eq!(state(&status, "never_below"), "violated");
    assert!(client.diagnostics(&uri, version).iter().any(|d| d["severity"] == 1 && d["source"] == "qnn"));
    // In what it is made of.
    let version = client.change(&uri, &SMALL.replace("let h = relu(", "let h = = relu("));
    let status = client.wait_status(&uri, "the new text", |s| s["documentVersion"] == version);
    assert_eq!(state(&status, "holds"), "stale");
    client.save(&uri);
    let status = client.settled(&uri, version);
    assert_eq!(state(&status, "holds"), "error");
    // And back: the verdict is there again without a run.
    let version = client.change(&uri, SMALL);
    client.save(&uri);
    let status = client.settled(&uri, version);
    assert_eq!(state(&status, "holds"), "proved");
    client.leave();
}

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
    // What ended late changes nothing.
    client.listen(Duration::from_millis(300));
    assert!(client.history.values().all(|h| h.iter().filter(|s| *s == "unknown").count() == 1), "{:?}", client.history);
    // Saving does not begin anew what was cancelled; asking does.
    client.save(&uri);
    client.listen(Duration::from_millis(200));
    assert_eq!(engine.begun.load(Ordering::SeqCst), begun);
    assert_eq!(client.command("qnn.verify", json!({ "uri": uri, "property": "holds" }))["jobs"], 1);
    client.wait_status(&uri, "it runs", |s| s["counts"]["running"] == 1);
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
fn measures_show_their_value() {
    let folder = Folder::new();
    let uri = folder.uri("measures.qnn");
    let text = "measure most = maximize x + 0.25 over x: ufixed<4, 2>;\n\nmeasure each(k in 1..=2) = minimize k * x - 1 over x: ufixed<4, 2>;\n";
    let mut client = Client::inside(None, None);
    client.initialize(json!({}));
    client.open(&uri, text);
    let status = client.settled(&uri, 1);
    assert_eq!(instance(&status, "most")["measure"]["text"], "= 4");
    let whole = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 99, "character": 0 } });
    let hints = client.request("textDocument/inlayHint", json!({ "textDocument": { "uri": uri }, "range": whole }));
    let texts: Vec<&str> = hints.as_array().unwrap().iter().map(|h| h["label"].as_str().unwrap()).collect();
    assert_eq!(texts, [" ✓ = 4", " ✓ all = -1"]);
    let hover = client.at("textDocument/hover", &uri, (0, 9))["contents"]["value"].as_str().unwrap().to_owned();
    assert!(hover.contains("= 4 ("), "{hover}");
    client.leave();
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
    let start = Instant::now();
    while client.progress.is_empty() {
        assert!(start.elapsed() < PATIENCE, "progress begins");
        client.listen(Duration::from_millis(10));
    }
    assert_eq!(client.progress[0]["value"]["kind"], "begin");
    assert_eq!(client.progress[0]["value"]["cancellable"], true);
    let token = client.progress[0]["token"].clone();
    client.notify("window/workDoneProgress/cancel", json!({ "token": token }));
    client.wait_status(&uri, "the end", |s| s["active"] == false);
    while client.progress.last().unwrap()["value"]["kind"] != "end" {
        assert!(start.elapsed() < PATIENCE, "progress ends");
        client.listen(Duration::from_millis(10));
    }
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
fn a_panicking_engine_is_an_error_and_nothing_else_suffers() {
    let folder = Folder::new();
    let uri = folder.uri("small.qnn");
    let mut client = Client::inside(only(Arc::new(Panics)), None);
    client.initialize(json!({}));
    client.open(&uri, SMALL);
    let status = client.settled(&uri, 1);
    assert_eq!(status["counts"]["error"], 6);
    assert!(instance(&status, "holds")["detail"].as_str().unwrap().contains("report it"), "{status:#}");
    let diagnostics = client.diagnostics_where(&uri, 1, |all| all.iter().any(|d| d["code"] == "error"));
    assert!(diagnostics.iter().all(|d| d["severity"] == 1));
    assert!(client.at("textDocument/hover", &uri, (7, 9))["contents"].is_object());
    client.leave();
}

/// A panic that goes on when it is caught, so often.
struct GoesOn(usize);

impl Drop for GoesOn {
    fn drop(&mut self) {
        if self.0 > 0 {
            std::panic::panic_any(GoesOn(self.0 - 1));
        }
    }
}

struct KillsItsThread;

impl Engine for KillsItsThread {
    fn name(&self) -> &'static str {
        "kills-its-thread"
    }

    fn solve(&self, _: &Obligation, _: &Control) -> Answer {
        // Out of the two places that catch what engines do: of a portfolio, and of a job.
        std::panic::panic_any(GoesOn(2));
    }
}

#[test]
fn a_thread_that_dies_leaves_no_spinner() {
    let folder = Folder::new();
    let uri = folder.uri("small.qnn");
    let mut client = Client::inside(only(Arc::new(KillsItsThread)), None);
    client.initialize(json!({ "verification": { "jobs": 1 } }));
    client.open(&uri, SMALL);
    let status = client.settled(&uri, 1);
    assert_eq!((&status["counts"]["error"], &status["counts"]["unexpected"]), (&json!(6), &json!(0)));
    let detail = instance(&status, "holds")["detail"].as_str().unwrap();
    assert!(detail.contains("its thread ended without an answer"), "{detail}");
    let diagnostics = client.diagnostics_where(&uri, 1, |all| all.len() == 6);
    assert!(diagnostics.iter().all(|d| d["severity"] == 1 && d["code"] == "error"), "{diagnostics:?}");
    let start = Instant::now();
    while client.progress.last().is_none_or(|p| p["value"]["kind"] != "end") {
        assert!(start.elapsed() < PATIENCE, "progress ends");
        client.listen(Duration::from_millis(10));
    }
    client.leave();
}

#[test]
fn specs_of_several_folders_are_one_workspace() {
    let (one, other) = (Folder::new(), Folder::new());
    let (first, second) = (one.uri("first.qnn"), other.uri("second.qnn"));
    one.write("limit.qnn", "const limit = 4;\n");
    let mut client = Client::inside(None, None);
    let folders = json!([
        { "uri": uri(&one.path("")), "name": "one" },
        { "uri": uri(&other.path("")), "name": "other" },
    ]);
    client.request(
        "initialize",
        json!({
            "processId": null, "rootUri": null, "workspaceFolders": folders,
            "initializationOptions": { "verification": { "run": "never" } }, "capabilities": {},
        }),
    );
    client.notify("initialized", json!({}));
    client.open(&first, "use \"limit.qnn\";\nproperty of_one = forall x: ufixed<4, 2>: x <= limit;\n");
    // In this folder there is no such file.
    client.open(&second, "use \"limit.qnn\";\nproperty of_other = forall x: ufixed<4, 2>: x <= 1;\n");
    let missing = client.diagnostics_where(&second, 1, |all| !all.is_empty());
    assert!(missing[0]["message"].as_str().unwrap().contains("does not exist"), "{missing:?}");
    assert_eq!(client.command("qnn.verifyAll", json!({})), json!({ "runs": [1, 2], "jobs": 2 }));
    let status = client.settled(&first, 1);
    assert_eq!(state(&status, "of_one"), "proved");
    let status = client.settled(&second, 1);
    assert_eq!(state(&status, "of_other"), "violated");
    let symbols = client.request("workspace/symbol", json!({ "query": "of_" }));
    let mut names: Vec<&str> = symbols.as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["of_one", "of_other"]);
    // A folder comes and goes, and nothing else does.
    let change = json!({ "event": { "added": [], "removed": [{ "uri": uri(&other.path("")), "name": "other" }] } });
    client.notify("workspace/didChangeWorkspaceFolders", change);
    assert_eq!(client.command("qnn.status", json!({ "uri": second }))["counts"]["violated"], 1);
    client.leave();
}

#[test]
fn twenty_saves_in_a_second_make_one_run() {
    let engine = Arc::new(Endless::default());
    let folder = Folder::new();
    let uri = folder.uri("small.qnn");
    let mut client = Client::inside(only(engine.clone()), None);
    client.initialize(json!({ "verification": { "jobs": 1, "budget": 0.05 } }));
    client.open(&uri, SMALL);
    for _ in 0..20 {
        client.save(&uri);
    }
    let status = client.settled(&uri, 1);
    assert_eq!(status["counts"]["timeout"], 6);
    assert_eq!(engine.begun.load(Ordering::SeqCst), 6);
    for property in status["properties"].as_array().unwrap() {
        assert!(property["instances"].as_array().unwrap().iter().all(|i| i["run"] == 1));
    }
    client.leave();
}

#[test]
fn every_edit_of_a_storm_counts_and_the_last_one_wins() {
    let folder = Folder::new();
    let uri = folder.uri("small.qnn");
    let mut client = Client::inside(None, None);
    client.initialize(json!({ "verification": { "run": "never" } }));
    client.open(&uri, SMALL);
    // Two thousand keystrokes at the end of the file, with a save now and then.
    let line = SMALL.lines().count() as u32;
    let comment = "// ".to_owned() + &"0123456789".repeat(200);
    let mut version = 1;
    for (column, letter) in comment.chars().take(2000).enumerate() {
        let at = json!({ "line": line, "character": column });
        version = client.edit(&uri, json!([{ "range": { "start": at, "end": at }, "text": letter.to_string() }]));
        if column % 100 == 0 {
            client.save(&uri);
        }
    }
    let at = json!({ "line": line, "character": 0 });
    version = client
        .edit(&uri, json!([{ "range": { "start": at, "end": at }, "text": "property last = true;\n" }]))
        .max(version);
    let status = client.wait_status(&uri, "the last text", |s| s["documentVersion"] == version);
    assert_eq!(status["properties"].as_array().unwrap().last().unwrap()["name"], "last");
    let symbols = client.request("textDocument/documentSymbol", json!({ "textDocument": { "uri": uri } }));
    assert_eq!(symbols.as_array().unwrap().last().unwrap()["name"], "last");
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

/// A spec that reads its samples from a table.
const TABLE: &str = r#"type Coord = ufixed<4, 2>;
enum Axis { x, y }
dataset points { p: Coord[Axis] from "points.csv"; }
network f(p: Coord[Axis]) -> fixed<6, 3>[1] { dense(p, [[1, -1]], [0.5]) as fixed<6, 3> }
property near(i in 0..2) = forall q in ball(points[i].p, 1 lsb): abs(f(q) - f(points[i].p)) <= 1;
"#;

#[test]
fn a_file_deleted_while_it_is_verified_leaves_no_spinner_and_no_green() {
    let engine = Arc::new(Endless::default());
    let folder = Folder::new();
    let uri = folder.uri("table.qnn");
    folder.write("points.csv", "x,y\n1,2\n3,0.5\n");
    let mut client = Client::inside(only(engine.clone()), None);
    client.initialize(json!({ "verification": { "budget": 1000 } }));
    client.open(&uri, TABLE);
    client.wait_status(&uri, "it runs", |s| s["counts"]["running"] == 2);
    until("both work", || engine.working.load(Ordering::SeqCst) == 2);
    std::fs::remove_file(folder.path("points.csv")).unwrap();
    client.notify(
        "workspace/didChangeWatchedFiles",
        json!({ "changes": [{ "uri": folder.uri("points.csv"), "type": 3 }] }),
    );
    let status = client.settled(&uri, 1);
    until("both stop", || engine.working.load(Ordering::SeqCst) == 0);
    assert_eq!(state(&status, "near(i = 0)"), "error");
    let diagnostics = client.diagnostics_where(&uri, 1, |all| !all.is_empty());
    assert!(diagnostics[0]["message"].as_str().unwrap().contains("does not exist"), "{diagnostics:?}");
    client.leave();
}

#[test]
fn another_content_makes_verdicts_stale_also_without_watchers() {
    let folder = Folder::new();
    let uri = folder.uri("table.qnn");
    folder.write("points.csv", "x,y\n1,2\n3,0.5\n");
    let mut client = Client::inside(None, None);
    client.initialize(json!({}));
    client.open(&uri, TABLE);
    let status = client.settled(&uri, 1);
    assert_eq!(state(&status, "near(i = 1)"), "proved");
    // Another size, so that no clock matters.
    folder.write("points.csv", "x,y\n1,2\n3,0.25\n");
    client.save(&uri);
    let status =
        client.wait_status(&uri, "another run", |s| s["active"] == false && instance(s, "near(i = 1)")["run"] == 2);
    assert_eq!(state(&status, "near(i = 1)"), "proved");
    client.leave();
}

#[test]
fn an_unsaved_used_file_counts_as_it_is_in_the_editor() {
    let folder = Folder::new();
    let (uri, used) = (folder.uri("a.qnn"), folder.uri("b.qnn"));
    folder.write("b.qnn", "const limit = 1;\n");
    let mut client = Client::inside(None, None);
    client.initialize(json!({}));
    client.open(&uri, "use \"b.qnn\";\nproperty p = forall x: ufixed<4, 2>: x <= limit;\n");
    let status = client.settled(&uri, 1);
    assert_eq!(state(&status, "p"), "violated");
    client.open(&used, "const limit = 4;\n");
    let status = client.wait_status(&uri, "stale", |s| s["counts"]["stale"] == 1);
    assert_eq!(state(&status, "p"), "stale");
    client.save(&uri);
    let status = client.settled(&uri, 1);
    assert_eq!(state(&status, "p"), "proved");
    // Closed without saving, it counts as it is on disk.
    client.close(&used);
    client.wait_status(&uri, "stale", |s| s["counts"]["stale"] == 1);
    client.leave();
}

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

#[test]
fn on_change_verifies_after_a_pause_and_never_never() {
    let folder = Folder::new();
    let uri = folder.uri("small.qnn");
    let mut client = Client::inside(None, None);
    client.initialize(json!({ "verification": { "run": "never" } }));
    client.open(&uri, SMALL);
    client.save(&uri);
    client.wait_status(&uri, "the text", |s| s["documentVersion"] == 1);
    client.listen(Duration::from_millis(300));
    assert_eq!(client.statuses[&uri]["counts"]["unverified"], 6);
    client.notify(
        "workspace/didChangeConfiguration",
        json!({ "settings": { "qnn": { "verification": { "run": "onChange" } } } }),
    );
    let version = client.change(&uri, &SMALL.replace("<= 1", "<= 2"));
    let status = client.settled(&uri, version);
    assert_eq!(state(&status, "holds"), "proved");
    client.leave();
}

#[test]
fn verdicts_are_shared_through_the_store() {
    let folder = Folder::new();
    let uri = folder.uri("small.qnn");
    let store = folder.path("store");
    for cached in [false, true] {
        let mut client = Client::inside(None, Some(store.clone()));
        client.initialize(json!({}));
        client.open(&uri, SMALL);
        let status = client.settled(&uri, 1);
        assert_eq!(instance(&status, "holds")["cached"], cached);
        assert_eq!(instance(&status, "never_below")["cached"], cached);
        client.leave();
    }
    let mut client = Client::inside(None, Some(store));
    client.initialize(json!({}));
    assert!(client.command("qnn.clearCache", Value::Null)["removed"].as_u64().unwrap() >= 6);
    client.leave();
}

#[test]
fn commands_run_what_they_say() {
    let engine = Arc::new(Endless::default());
    let folder = Folder::new();
    let uri = folder.uri("small.qnn");
    let mut client = Client::inside(only(engine.clone()), None);
    client.initialize(json!({ "verification": { "run": "never", "budget": 0.02 } }));
    client.open(&uri, SMALL);
    // Asked before the text has been analysed, answered after.
    let started = client.command("qnn.verify", json!({ "uri": uri, "instances": ["family(i = 1)", "family(i = 3)"] }));
    assert_eq!(started, json!({ "runs": [1], "jobs": 2 }));
    client.wait_status(&uri, "two verdicts", |s| s["counts"]["timeout"] == 2 && s["active"] == false);
    assert_eq!(client.command("qnn.verifyFailed", json!({ "budget": 0.05 })), json!({ "runs": [2], "jobs": 2 }));
    let status =
        client.wait_status(&uri, "the end", |s| s["active"] == false && instance(s, "family(i = 1)")["run"] == 2);
    assert_eq!(state(&status, "family(i = 1)"), "timeout");
    assert_eq!(client.command("qnn.verifyAll", json!({ "uri": uri }))["jobs"], 6);
    client.wait_status(&uri, "the end", |s| s["active"] == false && s["counts"]["timeout"] == 6);
    assert_eq!(client.command("qnn.showCounterexample", json!({ "uri": uri, "instance": "holds" })), Value::Null);
    let status = client.command("qnn.status", json!({ "uri": uri }));
    assert_eq!(status["complete"], true);
    assert_eq!(client.command("qnn.verifyAll", json!({}))["jobs"], 6);
    client.leave();
}

#[test]
fn a_counterexample_is_shown_in_full() {
    let (mut client, _folder, uri, _) = small();
    let shown = client.command("qnn.showCounterexample", json!({ "uri": uri, "property": "never_below" }));
    assert_eq!(shown["instance"], "never_below");
    assert!(shown["text"].as_str().unwrap().contains("raw"), "{shown}");
    client.listen(Duration::from_millis(200));
    let said = client.inbox.iter().any(|m| {
        m["method"] == "window/showMessage"
            && m["params"]["message"] == json!(format!("never_below\n{}", shown["text"].as_str().unwrap()))
    });
    assert!(said, "{:?}", client.inbox);
    client.leave();
}

#[test]
fn a_spec_that_can_not_be_lowered_ends_in_errors() {
    let folder = Folder::new();
    let uri = folder.uri("wrong.qnn");
    let mut client = Client::inside(None, None);
    client.initialize(json!({}));
    client.open(&uri, "property p = forall x: ufixed<4, 2>: y <= 1;\nproperty q(i in 0..z) = i == 0;\nproperty r = forall x: ufixed<4, 2>: x <= 4;\n");
    let status = client.settled(&uri, 1);
    assert_eq!(state(&status, "p"), "error");
    assert_eq!(state(&status, "q"), "error");
    assert_eq!(state(&status, "r"), "proved");
    client.leave();
}

#[test]
fn an_engine_that_gives_up_is_unknown() {
    struct GivesUp;
    impl Engine for GivesUp {
        fn name(&self) -> &'static str {
            "gives-up"
        }
        fn solve(&self, _: &Obligation, _: &Control) -> Answer {
            Answer::Unknown(Reason::Timeout)
        }
    }
    let folder = Folder::new();
    let uri = folder.uri("small.qnn");
    let mut client = Client::inside(only(Arc::new(GivesUp)), None);
    client.initialize(json!({}));
    client.open(&uri, SMALL);
    let status = client.settled(&uri, 1);
    assert_eq!(status["counts"]["timeout"], 6);
    let diagnostics = client.diagnostics_where(&uri, 1, |all| all.iter().any(|d| d["code"] == "timeout"));
    assert!(diagnostics.iter().all(|d| d["severity"] == 3));
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
    // Each has one, not one of them two.
    assert_eq!((state(&status, "long(i = 0)"), state(&status, "longer(i = 0)")), ("running", "running"), "{status:#}");
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
    client.wait_status(&uri, "it and the others", |s| {
        s["counts"]["timeout"] == 2 && state(s, "family(i = 0)") == "running"
    });
    client.wait_status(&uri, "all that there is room for", |s| s["counts"]["running"] == 2);
    client.leave();
}

/// Has no end on what has two inputs or more, but for values that a measure begins with; the rest it decides at once.
struct Selective;

impl Engine for Selective {
    fn name(&self) -> &'static str {
        "selective"
    }

    fn solve(&self, obligation: &Obligation, control: &Control) -> Answer {
        let inputs: usize = obligation.variables.iter().map(|variable| variable.domain.len()).sum();
        if inputs < 2 || obligation.cases.iter().any(Vec::is_empty) {
            return Intervals.solve(obligation, control);
        }
        loop {
            if let Some(reason) = control.stop() {
                return Answer::Unknown(reason);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Three hard measures, and a property that is none.
const HARD: &str = "type Point = ufixed<4, 2>[2];
measure hard1 = maximize abs(x[0] - x[1]) over x: Point;
measure hard2 = maximize abs(x[0] + x[1]) over x: Point;
measure hard3 = maximize abs(x[0] - 2 * x[1]) over x: Point;
property quick = forall x: int<4>: x <= 7;
";

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
