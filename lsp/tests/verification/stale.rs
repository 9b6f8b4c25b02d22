//! Verdicts of an earlier text, and those that still hold of the text as it is.

use super::{Endless, only, small, until};
use crate::support::{Client, Folder, SMALL, instance, state};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;

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
