//! Reports from end to end: every format against its schema, a gate that catches what got worse, archives that check elsewhere, large families.
//!
//! `QNN_PYTHON` names a Python with lxml, for JUnit's schema; `QNN_BROWSER_TESTS` a folder with what `tests/browser/package.json` names, for the page in a browser
//! (`tests/run` sets both). Tests that need them are ignored by a plain `cargo test`.

#[macro_use]
#[path = "../support/place.rs"]
mod place;

mod bundles;
mod content;
mod formats;
mod gate;
mod runs;

use place::{Place, npy, root};
use serde_json::Value;
use std::process::Command;

/// A property of each kind that a report can speak of: expected and not, decided and not, better with more bits and worse.
const SPEC: &str = r#"//! What a report can say. `x` is <small>.
type In = uint<4>;
dataset test {
    x: In[4, 4] from "x.npy" raw;
    y: class<2> from "y.npy";
}
network net<bits>(x: In[4, 4]) -> fixed<bits, 1>[2] {
    dense(flatten(x), [[0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.5]])
        as fixed<bits, 1>
}
def small(x: In[4, 4]) -> bool = maximum(x) <= 14;
/// The first pixel is the brighter one, or | the last.
property robust(i in 0..3, eps in 0..=2, bits in [4, 6]) where argmax(net<bits>(test[i].x)) == test[i].y =
    forall x in ball(test[i].x, eps lsb) where small(x): argmax(net<bits>(x)) == test[i].y;
property bounded(bits in 3..=5) = forall x: In[4, 4]: net<bits>(x)[0] <= 2;
#[expect(violated)]
property broken = forall x: In[4, 4]: net<6>(x)[0] <= 2;
#[expect(vacuous)]
property empty = forall x: In[4, 4] where x[0, 0] + x[0, 1] == 31: net<6>(x)[0] <= 2;
measure most(bits in 3..=6) = maximize net<bits>(x)[0] over x: In[4, 4];
measure radius(i in 0..3, bits in [4, 6]) = largest eps in 0..=15 such that
    forall x in ball(test[i].x, eps lsb): argmax(net<bits>(x)) == test[i].y;
"#;

/// A folder with a spec, and three images with their classes.
fn with_spec(spec: &str) -> Place {
    let mut pixels = vec![7; 48];
    // The first is bright at its beginning, the second at its end, the third but a little.
    (pixels[0], pixels[16 + 15], pixels[32]) = (14, 14, 9);
    Place::new().with("spec.qnn", spec).with("x.npy", npy("3, 4, 4", &pixels)).with("y.npy", npy("3,", &[0, 1, 0]))
}

impl Place {
    /// A report that was written as JSON.
    fn report(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).expect("JSON")
    }

    /// The exit code and what is said on both streams.
    fn said(&self, arguments: &[&str]) -> (i32, String) {
        let (exit, output) = self.qnn(arguments);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text is UTF-8");
        (exit, text(output.stdout) + &text(output.stderr))
    }

    /// Runs, and expects an exit code.
    fn expect(&self, exit: i32, arguments: &[&str]) -> String {
        let (code, said) = self.said(arguments);
        assert_eq!(code, exit, "{arguments:?}: {said}");
        said
    }
}

fn schema(path: &str) -> jsonschema::Validator {
    let text = std::fs::read_to_string(root().join(path)).expect("a schema");
    // One of SARIF's patterns has a bracket too many, which only lenient readers of regular expressions take as it is.
    let text = text.replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}\\\\]?$");
    jsonschema::validator_for(&serde_json::from_str(&text).expect("JSON")).expect("a schema")
}

fn assert_valid(schema: &jsonschema::Validator, document: &Value) {
    let wrong: Vec<String> =
        schema.iter_errors(document).map(|e| format!("{}: {e}", e.instance_path())).take(5).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_documentation_s_commands_run() {
    let place = with_spec("");
    let page = std::fs::read_to_string(root().join("docs/reports.md")).expect("the page");
    let mut count = 0;
    for block in page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()) {
        for line in block.lines() {
            let command = line.split("  #").next().unwrap_or(line).trim();
            let arguments: Vec<&str> = command.split_whitespace().skip(1).collect();
            let (exit, said) = place.said(&arguments);
            assert!(exit < 3, "{command}: exit {exit}: {said}");
            count += 1;
        }
    }
    assert!(count > 12, "{count}");
}

/// The page in a browser: no request, no error, no violation that axe-core finds, nothing wider than a phone.
#[test]
#[ignore = "needs Chromium and QNN_BROWSER_TESTS: tests/run sets it"]
fn the_page_with_browser() {
    let packages = std::env::var("QNN_BROWSER_TESTS").expect("QNN_BROWSER_TESTS names a folder; tests/run sets it");
    let place = with_spec(SPEC);
    place.expect(1, &["report", "spec.qnn", "-o", "a.html"]);
    let script = root().join("tests/browser/page.mjs");
    let mut command = Command::new("node");
    command.arg(script).arg(place.path("a.html")).arg(place.folder()).env("QNN_BROWSER_TESTS", packages);
    let done = command.output().expect("node starts");
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
}
