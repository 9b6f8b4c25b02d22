//! What is printed as JSON, and to a reader that goes away.

use crate::FAILS;
#[cfg(unix)]
use crate::place::Running;
use crate::place::{Place, root};

#[test]
fn check_says_everything_as_json() {
    let place = Place::new();
    place.write("a.qnn", "type A = fixed<8>;\n// ü\nproperty ü = forall x: A x == 0;\n");
    place.write("b.qnn", FAILS);
    let (exit, document) = place.json(&["check", "a.qnn", "missing.qnn", "b.qnn", "--json"]);
    assert_eq!((exit, &document["exit"]), (3, &3.into()));
    let schema = std::fs::read_to_string(root().join("docs/check.schema.json")).expect("a schema");
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).expect("JSON")).expect("a schema");
    let wrong: Vec<String> = schema.iter_errors(&document).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(wrong.is_empty(), "{wrong:#?}\n{document:#}");
    assert_eq!(document["specs"][2]["instances"], 2);
    snapshot!(format!("{:#}", document["specs"][0]));
}

/// Sums may be wider than any integer that JSON's readers keep, values thirds, and outputs equal: all of it is told exactly.
#[test]
fn json_has_exact_numbers() {
    let spec = "type Third = affine<int<8>, 1/3, 0>;
        network wide(x: int<60>[1]) -> int<60>[1] { dense(x, [[100_000_000_000]], [0]) as int<60> }
        network same(x: Third[1]) -> Third[2] { dense(x, [[1], [1]], [0, 0]) as Third }";
    let place = Place::new().with("wide.qnn", spec);
    let json = |arguments: &[&str]| -> serde_json::Value {
        let (exit, document) = place.json(arguments);
        assert_eq!(exit, 0, "{arguments:?}");
        document
    };
    let shown = json(&["show", "wide.qnn", "wide", "--json"]);
    assert_eq!(shown["networks"][0]["layers"][0]["least"], "-57646075230342348800000000000");
    let run = json(&["eval", "wide.qnn", "wide", "--raw", "576460752303423487", "--layers=all", "--json"]);
    assert_eq!(run["layers"][0]["raw"][0], "57646075230342348700000000000");
    let run = json(&["eval", "wide.qnn", "same", "--raw", "64", "--json"]);
    assert_eq!(run["values"][0], "≈21.3333");
    assert_eq!([&run["exact"][0], &run["exact"][1]], ["64/3", "64/3"]);
    assert_eq!([&run["argmax"], &run["ties"]], [&serde_json::json!(0), &serde_json::json!([0, 1])]);
}

#[test]
fn json_is_one_document_whatever_happens() {
    let place = Place::new().with("broken.qnn", "type A = fixed<8>;\n");
    for (arguments, exit) in [(["verify", "broken.qnn", "--json"], 3), (["verify", "examples/tour.qnn", "--json"], 0)] {
        let folder = if exit == 3 { place.folder().to_owned() } else { root() };
        let output = place.command_in(&folder, &arguments).output().expect("qnn runs");
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
        assert_eq!(document["version"], 2);
        assert_eq!(document["exit"], exit);
        assert_eq!(output.status.code(), Some(exit));
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_error_to_talk_about() {
    let place = Place::new();
    let mut child = Running::new(&mut place.command_in(&root(), &["show", "examples/tour.qnn", "--json"]));
    drop(child.child().stdout.take());
    let output = child.output();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr)), (Some(141), "".into()));
}
