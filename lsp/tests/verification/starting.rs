//! What begins verification, and when verdicts are those of the text: opening, saving, changes on disk and of used specs, commands.

use super::{Endless, only, small};
use crate::support::{Client, Folder, SMALL, instance, state};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;

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
fn on_change_verifies_after_a_pause_and_never_never() {
    let folder = Folder::new();
    let uri = folder.uri("small.qnn");
    let mut client = Client::inside(None, None);
    client.initialize(json!({ "verification": { "run": "never" } }));
    client.open(&uri, SMALL);
    client.save(&uri);
    client.wait_status(&uri, "the text", |s| s["documentVersion"] == 1);
    assert_eq!(client.status(&uri)["counts"]["unverified"], 6);
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
