//! What reports say: counterexamples, times and versions, what is not checked again, totals.

use crate::{SPEC, assert_valid, schema, with_spec};
use qnn::ir::obligation::SEMANTICS_VERSION;
use serde_json::Value;

/// Whoever reads only the report still learns that the network was wrong to begin with, and what ties.
#[test]
fn a_centre_that_is_wrong_already_is_said_everywhere() {
    let spec = SPEC.split("/// The first pixel").next().expect("the networks").to_owned();
    // With four bits, both outputs of the second sample saturate: the first one is taken, and its label is 1.
    let place = with_spec(
        &(spec + "property near(i in 0..3) = forall x in ball(test[i].x, 1 lsb): argmax(net<4>(x)) == test[i].y;"),
    );
    place.expect(1, &["report", "spec.qnn", "-o", "a.html", "-o", "a.md", "-o", "a.json", "-o", "a.xml"]);
    let terminal = place.expect(1, &["verify", "spec.qnn"]);
    for (what, text) in [("terminal", &terminal), ("page", &place.read("a.html")), ("Markdown", &place.read("a.md"))] {
        assert!(text.contains("abel 1, wrong before any change"), "{what}: {text}");
        assert!(text.contains("0 (tied with 1)"), "{what}: {text}");
        assert!(!text.contains("label 0, wrong"), "{what}: {text}");
    }
    let report = place.report("a.json");
    let call = &report["specs"][0]["results"][1]["counterexample"]["calls"][0];
    assert_eq!([&call["label"]["text"], &call["center"]["ties"]], [&Value::from("1"), &Value::from(vec![0, 1])]);
    assert_eq!(call["wrong_before"], true);
}

/// What was made when and by which versions stands in every report, and is the same for the same run.
#[test]
fn reports_say_when_and_by_what() {
    let place = with_spec("property p = forall x: uint<2>: x < 4;");
    place.expect(0, &["report", "spec.qnn", "-o", "a.html", "-o", "a.md", "-o", "a.json"]);
    for name in ["a.html", "a.md"] {
        let text = place.read(name);
        for part in [
            "2023-11-14 22:13 UTC",
            &qnn::engine::smt::version(),
            concat!("qnn ", env!("CARGO_PKG_VERSION")),
            &format!("semantics {SEMANTICS_VERSION}"),
        ] {
            assert!(text.contains(part), "{name}: {part}");
        }
    }
    let report = place.report("a.json");
    assert_eq!(
        [&report["date"], &report["semantics"]],
        [&Value::from("2023-11-14 22:13"), &Value::from(SEMANTICS_VERSION)]
    );
}

/// Many radii run to the right, with a line for each width.
#[test]
fn many_radii_are_the_axis() {
    let spec = SPEC.replace("eps in 0..=2, bits", "eps in 0..=6, bits");
    let place = with_spec(&spec);
    place.expect(1, &["report", "spec.qnn", "--filter", "robust", "-o", "a.json"]);
    let curve = &place.report("a.json")["specs"][0]["properties"][0]["curve"];
    assert_eq!([&curve["axis"], &curve["role"]], ["eps", "radius"]);
    let names: Vec<&str> =
        curve["lines"].as_array().expect("lines").iter().filter_map(|l| l["name"].as_str()).collect();
    assert_eq!(names, ["bits = 4", "bits = 6"]);
    assert_eq!(curve["lines"][0]["points"].as_array().map(Vec::len), Some(7));
}

/// What nothing can check again is told by whatever shows a verdict, and counts once.
#[test]
fn what_is_remembered_and_not_checked_again_is_marked_everywhere() {
    let place = with_spec("property p = forall x: uint<2>: x < 4;\nproperty q = forall x: uint<2>: x < 5;");
    let first = place.expect(0, &["verify", "spec.qnn"]);
    assert!(!first.contains("remembered"), "{first}");
    // Somebody writes into the store that a certificate was too large to be kept.
    let report = place.expect(0, &["verify", "spec.qnn", "p", "--json"]);
    let report: Value = serde_json::from_str(&report).expect("JSON");
    let key = report["specs"][0]["results"][0]["key"].as_str().expect("a key").to_owned();
    let entry = format!("cache/verdicts-2/{}/{key}.json", &key[..2]);
    let mut forged = place.report(&entry)["entry"].clone();
    forged["known"] = serde_json::json!({"none": {"kind": "certificate", "steps": 3}});
    forged["too_large"] = true.into();
    let (forged, entry) = (forged.to_string(), place.path(&entry));
    let check = blake3::hash(forged.as_bytes()).to_hex();
    std::fs::write(entry, format!("{{\"check\":\"{check}\",\"entry\":{forged}}}\n")).expect("a store");
    let again = place.expect(0, &["verify", "spec.qnn"]);
    assert!(again.contains(", 1 remembered, 1 remembered and not checked again\n"), "{again}");
    place.expect(
        0,
        &["report", "spec.qnn", "-o", "a.html", "-o", "a.md", "-o", "a.xml", "-o", "a.sarif", "-o", "a.json"],
    );
    assert_valid(&schema("tests/fixtures/schemas/sarif-2.1.0.json"), &place.report("a.sarif"));
    for name in ["a.html", "a.md", "a.xml", "a.sarif"] {
        assert!(place.read(name).contains("remembered and not checked again"), "{name}: {}", place.read(name));
    }
}

/// Measures aren't proved, and what was not verified is no success, wherever totals are told.
#[test]
fn totals_say_what_the_exit_code_says() {
    let properties = "property p = forall x: uint<2>: x < 4;\nmeasure m = maximize 2 * x over x: uint<2>;\n";
    let place = with_spec(properties);
    let said = place.expect(0, &["verify", "spec.qnn"]);
    assert!(said.contains("\nall as expected: ✓ 1 proved · ✓ 1 measured  2 instances"), "{said}");
    place.expect(0, &["report", "spec.qnn", "-o", "a.md", "-o", "a.html"]);
    for name in ["a.md", "a.html"] {
        assert!(place.read(name).contains("All as expected: 1 proved, 1 measured"), "{}", place.read(name));
    }
    place.write("spec.qnn", format!("{properties}property e(i in 0..3) where i > 5 = 1 == 1;"));
    let said = place.expect(2, &["verify", "spec.qnn"]);
    assert!(said.contains("\n1 has no instances: ✓ 1 proved · ✓ 1 measured"), "{said}");
    place.expect(2, &["report", "spec.qnn", "-o", "a.md", "-o", "a.html", "-o", "a.xml", "-o", "a.json"]);
    assert_valid(&schema("docs/report.schema.json"), &place.report("a.json"));
    assert!(place.read("a.md").starts_with("## ❔ 1 has no instances: 1 proved"), "{}", place.read("a.md"));
    assert!(place.read("a.html").contains("1 has no instances: 1 proved"));
    assert!(place.read("a.xml").contains("errors=\"1\""), "{}", place.read("a.xml"));
    place.write("bad.qnn", b"property p = 1 <= ;");
    let said = place.expect(3, &["verify", "spec.qnn", "bad.qnn", "p"]);
    assert!(said.contains("\n1 spec is in error: ✓ 1 proved"), "{said}");
}
