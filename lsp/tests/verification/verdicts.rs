//! How verdicts of each kind are told: unexpected proofs, measures, counterexamples, errors, engines that give up or die.

use super::{only, small};
use crate::support::{Client, Folder, SMALL, instance, state};
use qnn::engine::{Answer, Control, Engine, Reason};
use qnn::ir::obligation::Obligation;
use serde_json::json;
use std::sync::Arc;

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
fn a_counterexample_is_shown_in_full() {
    let (mut client, _folder, uri, _) = small();
    let shown = client.command("qnn.showCounterexample", json!({ "uri": uri, "property": "never_below" }));
    assert_eq!(shown["instance"], "never_below");
    assert!(shown["text"].as_str().unwrap().contains("raw"), "{shown}");
    let expected = format!("never_below\n{}", shown["text"].as_str().unwrap());
    client.told("the counterexample", |text| text == expected);
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

struct Panics;

impl Engine for Panics {
    fn name(&self) -> &'static str {
        "panics"
    }

    fn solve(&self, _: &Obligation, _: &Control) -> Answer {
        panic!("an engine of a test panics")
    }
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
    client.wait("the end of progress", |client| client.progress.last().is_some_and(|p| p["value"]["kind"] == "end"));
    client.leave();
}
