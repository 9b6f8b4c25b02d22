//! What a report is made of: a run, what is remembered, or another report; and where it is written.

use crate::{SPEC, assert_valid, schema, with_spec};
use serde_json::Value;

#[test]
fn the_page_is_a_function_of_the_report() {
    let place = with_spec(SPEC);
    place.expect(1, &["report", "spec.qnn", "-o", "a.json", "-o", "a.html", "--filter", "robust"]);
    place.expect(0, &["report", "a.json", "-o", "b.html", "-o", "b.json"]);
    assert_eq!(place.read("a.html"), place.read("b.html"));
    assert_eq!(place.read("a.json"), place.read("b.json"));
    // What `qnn verify --json` prints is the same, but for accuracies, which nobody has asked for there.
    let (_, output) = place.qnn(&["verify", "spec.qnn", "--json"]);
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_valid(&schema("docs/report.schema.json"), &document);
    assert!(document["specs"][0]["networks"][0]["accuracy"].is_null());
    let said = place.expect(3, &["report", "x.npy.json", "-o", "c.html"]);
    assert!(said.contains("`x.npy.json` does not exist"), "{said}");
    place.write("other.json", br#"{"version": 99, "qnn": "9.9"}"#);
    let said = place.expect(3, &["report", "other.json", "-o", "c.html"]);
    assert!(said.contains("is a report of version 99"), "{said}");
}

#[test]
fn nothing_is_verified_where_nobody_wants_it() {
    let place = with_spec(SPEC);
    let said = place.expect(3, &["report", "spec.qnn", "--no-run", "-o", "a.html"]);
    assert!(said.contains("nothing is remembered of") && said.contains("robust(i = 0, eps = 0, bits = 4), "), "{said}");
    assert!(!place.path("a.html").exists(), "what says nothing looks like no report");
    place.expect(0, &["verify", "spec.qnn", "most", "--quiet"]);
    let said = place.expect(2, &["report", "spec.qnn", "--no-run", "-o", "a.html"]);
    assert!(said.contains("which count as unknown"), "{said}");
    place.expect(0, &["report", "spec.qnn", "most", "--no-run", "-o", "a.html"]);
}

#[test]
fn what_can_t_be_written_is_known_before_the_work() {
    let place = with_spec(SPEC);
    place.write("old.html", b"old");
    for (arguments, why) in [
        (&["report", "spec.qnn", "-o", "nowhere/a.html"][..], "can't be written"),
        (&["report", "spec.qnn", "-o", "a.pdf"], "can't be told from its name"),
        (&["report", "spec.qnn", "-o", "-"], "can't be told from its name"),
        (&["report", "spec.qnn", "-o", "spec.qnn", "--format", "html"], "is what is to be read"),
        (&["report", "nothing.qnn", "-o", "old.html"], "does not exist"),
        (&["bundle", "spec.qnn", "-o", "nowhere/a.zip"], "can't be written"),
    ] {
        let said = place.expect(3, arguments);
        assert!(said.contains(why), "{arguments:?}: {said}");
    }
    assert_eq!(place.read("old.html"), "old", "what was there is still there");
    assert!(!place.path("cache").exists(), "nothing was verified");
    let (exit, output) = place.qnn(&["report", "spec.qnn", "broken", "-o", "-", "--format", "markdown"]);
    assert!(exit == 0 && output.stdout.starts_with("## ✅".as_bytes()), "standard output is a file too");
}

/// A report that somebody else wrote reaches no terminal as a command, in whatever format it is printed.
#[test]
fn printed_reports_command_no_terminal() {
    let place = with_spec("property p = forall x: uint<2>: x < 4;");
    place.expect(0, &["report", "spec.qnn", "-o", "a.json"]);
    let forged = place.read("a.json").replace("\"spec.qnn\"", "\"\u{9b}31m\u{202e}\\u001b[31m.qnn\"");
    place.write("b.json", &forged);
    for format in ["json", "markdown", "html", "sarif", "junit"] {
        let said = place.expect(0, &["report", "b.json", "-o", "-", "--format", format]);
        assert!(said.chars().all(|c| c == '\n' || !qnn::syntax::is_command(c)), "{format}: {said:?}");
    }
    let (_, output) = place.qnn(&["report", "b.json", "-o", "-", "--format", "json"]);
    let [written, read] = [forged.as_bytes(), &output.stdout].map(serde_json::from_slice::<Value>);
    assert_eq!(written.expect("JSON"), read.expect("JSON"), "the document says the same");
    let said = place.expect(3, &["diff", "b.json", "a.json"]);
    assert!(!said.contains('\u{1b}'), "{said:?}");
}
