//! Reports from end to end: every format against its schema, a gate that catches what got worse, archives that check elsewhere, large families.
//!
//! `QNN_PYTHON` names a Python with lxml, for JUnit's schema; `QNN_BROWSER_TESTS` a folder with what `tests/browser/package.json` names, for the page in a browser
//! (`tests/run` sets both). Tests that need them are ignored by a plain `cargo test`.

use qnn::ir::obligation::SEMANTICS_VERSION;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the workspace's folder").to_owned()
}

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

/// A folder to work in, with a store of its own.
struct Place(tempfile::TempDir);

fn npy(shape: &str, bytes: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({shape}), }}");
    [&b"\x93NUMPY\x01\x00\x76\x00"[..], format!("{header:<117}\n").as_bytes(), bytes].concat()
}

impl Place {
    fn new(spec: &str) -> Place {
        let place = Place(tempfile::tempdir().expect("a temporary folder"));
        place.write("spec.qnn", spec.as_bytes());
        let mut pixels = vec![7; 48];
        // The first is bright at its beginning, the second at its end, the third but a little.
        (pixels[0], pixels[16 + 15], pixels[32]) = (14, 14, 9);
        place.write("x.npy", &npy("3, 4, 4", &pixels));
        place.write("y.npy", &npy("3,", &[0, 1, 0]));
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).expect("a temporary file");
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).expect("JSON")
    }

    fn qnn(&self, arguments: &[&str]) -> (i32, Output) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_qnn"));
        command.args(arguments).current_dir(self.0.path()).env("QNN_CACHE", self.path("cache")).env("NO_COLOR", "1");
        command.env("SOURCE_DATE_EPOCH", "1700000000");
        let output = command.output().expect("qnn starts");
        (output.status.code().expect("it is not killed"), output)
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

/// The text without what differs from run to run: times, hashes, sizes.
fn masked(text: &str) -> String {
    let mut masked = String::new();
    for line in text.split_inclusive('\n') {
        let words: Vec<&str> = line.split(' ').collect();
        let mut skip = false;
        for (index, word) in words.iter().enumerate() {
            let unit = words.get(index + 1).map(|w| w.trim_end_matches(['\n', ',', '.']));
            if std::mem::take(&mut skip) {
                continue;
            }
            if index > 0 {
                masked.push(' ');
            }
            if word.parse::<f64>().is_ok() && matches!(unit, Some("ms" | "s")) {
                masked.push('…');
                if line.ends_with('\n') && index + 2 == words.len() {
                    masked.push('\n');
                }
                skip = true;
            } else {
                masked.push_str(word);
            }
        }
    }
    masked.replace(qnn::engine::smt::version().as_str(), "Z3")
}

#[test]
fn every_format_is_what_its_schema_says() {
    let place = Place::new(SPEC);
    let all = ["a.html", "a.json", "a.sarif", "a.xml", "a.md"];
    let mut arguments = vec!["report", "spec.qnn"];
    all.iter().for_each(|name| arguments.extend(["-o", name]));
    place.expect(1, &arguments);
    let report = place.json("a.json");
    assert_valid(&schema("docs/report.schema.json"), &report);
    assert_valid(&schema("tests/fixtures/schemas/sarif-2.1.0.json"), &place.json("a.sarif"));
    let property = |name: &str| {
        let all = report["specs"][0]["properties"].as_array().expect("properties");
        all.iter().find(|p| p["name"] == name).unwrap_or_else(|| panic!("{name}")).clone()
    };
    let roles: Vec<Value> =
        property("robust")["axes"].as_array().expect("axes").iter().map(|a| a["role"].clone()).collect();
    assert_eq!(roles, ["sample", "radius", "width"]);
    // With four bits, the second image's outputs saturate alike, and the first of them is taken.
    let accuracy = |name: &str| {
        let all = report["specs"][0]["networks"].as_array().expect("networks");
        let found = all.iter().find(|network| network["name"] == name).expect("the network")["accuracy"].clone();
        ["right", "samples", "of"].map(|field| found[field].as_u64())
    };
    assert_eq!(accuracy("net<4>"), [2, 3, 3].map(Some));
    assert_eq!(accuracy("net<6>"), [3, 3, 3].map(Some));
    assert_eq!(accuracy("net<5>"), [None; 3], "no property says what is right for it");
    let robust = property("robust");
    assert_eq!(robust["curve"]["accuracy"].as_array().map(Vec::len), Some(2));
    assert!(property("bounded")["curve"].is_null(), "each of its points would be 0 or 100 %");
    let signs = property("bounded")["grid"]["lines"][0]["cells"].clone();
    let signs: Vec<&str> = signs.as_array().expect("cells").iter().filter_map(|c| c["verdict"].as_str()).collect();
    assert_eq!(signs, ["proved", "violated", "violated"]);
    assert_eq!([&robust["curve"]["axis"], &robust["curve"]["over"][0]], ["bits", "i"]);
    let reversals = robust["reversals"].clone();
    assert_eq!(reversals.as_array().map(Vec::len), Some(1));
    assert_eq!([&reversals[0]["from"], &reversals[0]["to"]], ["4", "6"]);
    assert_eq!(property("bounded")["reversals"].as_array().map(Vec::len), Some(0), "it asks for no robustness");
    // The networks saturate at 1.5, 3.5 and 7.5.
    let intervals = &property("most")["intervals"]["lines"][0]["points"];
    let found: Vec<f64> =
        intervals.as_array().expect("points").iter().filter_map(|p| p["found"]["value"].as_f64()).collect();
    assert_eq!(found, [1.5, 3.5, 7.5, 7.5]);
    insta::assert_snapshot!("markdown", masked(&place.read("a.md")));
    let page = place.read("a.html");
    for part in
        ["More bits are not always better", "data:image/png;base64,", "<svg role=\"img\"", "x</code> is &lt;small&gt;"]
    {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("http://") || page.matches("http://").all(|_| page.contains("http://www.w3.org/2000/svg")));
    assert!(!page.contains("https://"), "the page asks for nothing");
}

/// Whoever reads only the report still learns that the network was wrong to begin with, and what ties.
#[test]
fn a_centre_that_is_wrong_already_is_said_everywhere() {
    let spec = SPEC.split("/// The first pixel").next().expect("the networks").to_owned();
    // With four bits, both outputs of the second sample saturate: the first one is taken, and its label is 1.
    let place = Place::new(
        &(spec + "property near(i in 0..3) = forall x in ball(test[i].x, 1 lsb): argmax(net<4>(x)) == test[i].y;"),
    );
    place.expect(1, &["report", "spec.qnn", "-o", "a.html", "-o", "a.md", "-o", "a.json", "-o", "a.xml"]);
    let terminal = place.expect(1, &["verify", "spec.qnn"]);
    for (what, text) in [("terminal", &terminal), ("page", &place.read("a.html")), ("Markdown", &place.read("a.md"))] {
        assert!(text.contains("abel 1, wrong before any change"), "{what}: {text}");
        assert!(text.contains("0 (tied with 1)"), "{what}: {text}");
        assert!(!text.contains("label 0, wrong"), "{what}: {text}");
    }
    let report = place.json("a.json");
    let call = &report["specs"][0]["results"][1]["counterexample"]["calls"][0];
    assert_eq!([&call["label"]["text"], &call["center"]["ties"]], [&Value::from("1"), &Value::from(vec![0, 1])]);
    assert_eq!(call["wrong_before"], true);
}

/// What was made when and by which versions stands in every report, and is the same for the same run.
#[test]
fn reports_say_when_and_by_what() {
    let place = Place::new("property p = forall x: uint<2>: x < 4;");
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
    let report = place.json("a.json");
    assert_eq!(
        [&report["date"], &report["semantics"]],
        [&Value::from("2023-11-14 22:13"), &Value::from(SEMANTICS_VERSION)]
    );
}

/// Many radii run to the right, with a line for each width.
#[test]
fn many_radii_are_the_axis() {
    let spec = SPEC.replace("eps in 0..=2, bits", "eps in 0..=6, bits");
    let place = Place::new(&spec);
    place.expect(1, &["report", "spec.qnn", "--filter", "robust", "-o", "a.json"]);
    let curve = &place.json("a.json")["specs"][0]["properties"][0]["curve"];
    assert_eq!([&curve["axis"], &curve["role"]], ["eps", "radius"]);
    let names: Vec<&str> =
        curve["lines"].as_array().expect("lines").iter().filter_map(|l| l["name"].as_str()).collect();
    assert_eq!(names, ["bits = 4", "bits = 6"]);
    assert_eq!(curve["lines"][0]["points"].as_array().map(Vec::len), Some(7));
}

/// What nothing can check again is told by whatever shows a verdict, and counts once.
#[test]
fn what_is_remembered_and_not_checked_again_is_marked_everywhere() {
    let place = Place::new("property p = forall x: uint<2>: x < 4;\nproperty q = forall x: uint<2>: x < 5;");
    let first = place.expect(0, &["verify", "spec.qnn"]);
    assert!(!first.contains("remembered"), "{first}");
    // Somebody writes into the store that a certificate was too large to be kept.
    let report = place.expect(0, &["verify", "spec.qnn", "p", "--json"]);
    let report: Value = serde_json::from_str(&report).expect("JSON");
    let key = report["specs"][0]["results"][0]["key"].as_str().expect("a key").to_owned();
    let entry = format!("cache/verdicts-2/{}/{key}.json", &key[..2]);
    let mut forged = place.json(&entry)["entry"].clone();
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
    assert_valid(&schema("tests/fixtures/schemas/sarif-2.1.0.json"), &place.json("a.sarif"));
    for name in ["a.html", "a.md", "a.xml", "a.sarif"] {
        assert!(place.read(name).contains("remembered and not checked again"), "{name}: {}", place.read(name));
    }
}

/// Measures aren't proved, and what was not verified is no success, wherever totals are told.
#[test]
fn totals_say_what_the_exit_code_says() {
    let properties = "property p = forall x: uint<2>: x < 4;\nmeasure m = maximize 2 * x over x: uint<2>;\n";
    let place = Place::new(properties);
    let said = place.expect(0, &["verify", "spec.qnn"]);
    assert!(said.contains("\nall as expected: ✓ 1 proved · ✓ 1 measured  2 instances"), "{said}");
    place.expect(0, &["report", "spec.qnn", "-o", "a.md", "-o", "a.html"]);
    for name in ["a.md", "a.html"] {
        assert!(place.read(name).contains("All as expected: 1 proved, 1 measured"), "{}", place.read(name));
    }
    place.write("spec.qnn", format!("{properties}property e(i in 0..3) where i > 5 = 1 == 1;").as_bytes());
    let said = place.expect(2, &["verify", "spec.qnn"]);
    assert!(said.contains("\n1 has no instances: ✓ 1 proved · ✓ 1 measured"), "{said}");
    place.expect(2, &["report", "spec.qnn", "-o", "a.md", "-o", "a.html", "-o", "a.xml", "-o", "a.json"]);
    assert_valid(&schema("docs/report.schema.json"), &place.json("a.json"));
    assert!(place.read("a.md").starts_with("## ❔ 1 has no instances: 1 proved"), "{}", place.read("a.md"));
    assert!(place.read("a.html").contains("1 has no instances: 1 proved"));
    assert!(place.read("a.xml").contains("errors=\"1\""), "{}", place.read("a.xml"));
    place.write("bad.qnn", b"property p = 1 <= ;");
    let said = place.expect(3, &["verify", "spec.qnn", "bad.qnn", "p"]);
    assert!(said.contains("\n1 spec is in error: ✓ 1 proved"), "{said}");
}

/// Measures of a family are a table, of as many lines as there is room for, or of what they come to.
#[test]
fn measures_are_tables_in_markdown() {
    let place = Place::new(
        "measure few(k in 1..=3) = maximize k * x over x: uint<2>;\nmeasure many(k in 1..=4, n in 0..4) = maximize k * x + n over x: uint<2>;",
    );
    place.expect(0, &["report", "spec.qnn", "-o", "a.md"]);
    let text = place.read("a.md");
    assert!(text.contains("| k | `few` |\n|---|---:|\n| 1 | 3 |\n| 2 | 6 |\n| 3 | 9 |\n"), "{text}");
    assert!(text.contains("| `many`, greatest | k = 1 | k = 2 |") && text.contains("| n = 3 | 6 | 9 |"), "{text}");
    assert!(!text.contains("more of `many`"), "{text}");
}

/// A report that somebody else wrote reaches no terminal as a command, in whatever format it is printed.
#[test]
fn printed_reports_command_no_terminal() {
    let place = Place::new("property p = forall x: uint<2>: x < 4;");
    place.expect(0, &["report", "spec.qnn", "-o", "a.json"]);
    let forged = place.read("a.json").replace("\"spec.qnn\"", "\"\u{9b}31m\u{202e}\\u001b[31m.qnn\"");
    place.write("b.json", forged.as_bytes());
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

/// A change that has nothing to show beside its verdict, and reports of nothing.
#[test]
fn changes_without_a_finding_have_no_brackets() {
    let place = Place::new("property p = 1 == 1;");
    place.expect(0, &["report", "spec.qnn", "-o", "old.json"]);
    place.write("spec.qnn", b"property p = 1 == 2;");
    place.expect(1, &["report", "spec.qnn", "-o", "new.json"]);
    let said = place.expect(1, &["diff", "old.json", "new.json"]);
    assert!(said.contains("p: proved → violated\n") || said.contains("p: proved → violated (the question"), "{said}");
    place.write("spec.qnn", b"const A = 1;");
    place.expect(2, &["report", "spec.qnn", "-o", "none.json"]);
    for (old, new, why) in [
        ("none.json", "none.json", "neither report has an instance"),
        ("old.json", "none.json", "the newer report has no instance"),
        ("none.json", "new.json", "the older report has no instance"),
    ] {
        let said = place.expect(3, &["diff", old, new]);
        assert!(said.contains(why) && !said.contains("renamed"), "{said}");
    }
}

/// JUnit's schema is XSD, which no crate of ours reads.
#[test]
#[ignore = "needs QNN_PYTHON: tests/run sets it"]
fn junit_is_valid() {
    let python = std::env::var("QNN_PYTHON").expect("QNN_PYTHON names a Python with lxml; tests/run sets it");
    let script = "import sys; from lxml import etree; etree.XMLSchema(etree.parse(sys.argv[1])).assertValid(etree.parse(sys.argv[2]))";
    let schema = root().join("tests/fixtures/schemas/junit-10.xsd");
    for spec in [SPEC, &LARGE.replace("x in In[5, 5]", "x: In[5, 5]")] {
        let place = Place::new(spec);
        place.expect(1, &["report", "spec.qnn", "--no-cache", "-o", "a.xml"]);
        let files = [&schema, &place.path("a.xml")];
        let done = Command::new(&python).args(["-c", script]).args(files).output().expect("Python starts");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
}

#[test]
fn the_page_is_a_function_of_the_report() {
    let place = Place::new(SPEC);
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
fn a_spec_in_error_has_a_report_too() {
    let place = Place::new("property p = forall x: uint<4>: x <= y;\n");
    place.expect(
        3,
        &["report", "spec.qnn", "-o", "a.sarif", "-o", "a.json", "-o", "a.html", "-o", "a.md", "-o", "a.xml"],
    );
    let sarif = place.json("a.sarif");
    assert_valid(&schema("tests/fixtures/schemas/sarif-2.1.0.json"), &sarif);
    assert_valid(&schema("docs/report.schema.json"), &place.json("a.json"));
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "E0201");
    assert_eq!(sarif["runs"][0]["tool"]["driver"]["rules"][0]["id"], "E0201");
    let region = &result["locations"][0]["physicalLocation"]["region"];
    assert_eq!([&region["startLine"], &region["startColumn"]].map(Value::as_u64), [Some(1), Some(38)]);
}

#[test]
fn nothing_is_verified_where_nobody_wants_it() {
    let place = Place::new(SPEC);
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
    let place = Place::new(SPEC);
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

#[test]
fn the_gate_catches_what_got_worse() {
    let place = Place::new(SPEC);
    place.expect(1, &["report", "spec.qnn", "-o", "old.json"]);
    assert_eq!(place.expect(0, &["diff", "old.json", "old.json"]), "nothing changed: 30 instances compared\n");
    // The last image is a darker one now, and one property asks for less.
    let mut pixels = vec![7; 48];
    (pixels[0], pixels[16 + 15], pixels[32]) = (14, 14, 8);
    place.write("x.npy", &npy("3, 4, 4", &pixels));
    place.write("spec.qnn", SPEC.replace("<= 2;\n#[expect(violated)]", "<= 4;\n#[expect(violated)]").as_bytes());
    place.expect(1, &["report", "spec.qnn", "-o", "new.json"]);
    insta::assert_snapshot!("diff", place.expect(1, &["diff", "old.json", "new.json"]));
    insta::assert_snapshot!("diff_markdown", place.expect(1, &["diff", "old.json", "new.json", "--markdown"]));
    let (_, output) = place.qnn(&["diff", "old.json", "new.json", "--json"]);
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["changes"][0]["meaning"], "regression");
    // Better and new is fine, unless any change is one too many; what is not asked any more is not.
    place.expect(0, &["report", "spec.qnn", "most", "-o", "less.json"]);
    place.expect(2, &["diff", "old.json", "less.json"]);
    place.expect(0, &["diff", "less.json", "less.json", "--strict"]);
    place.expect(1, &["diff", "old.json", "less.json", "--strict"]);
}

#[test]
fn a_bundle_is_checked_elsewhere() {
    let place = Place::new("");
    std::fs::create_dir_all(place.path("a/specs")).expect("a folder");
    std::fs::create_dir_all(place.path("a/data")).expect("a folder");
    for name in ["x.npy", "y.npy"] {
        std::fs::rename(place.path(name), place.path("a/data").join(name)).expect("a file");
    }
    let spec = SPEC.replace("\"x.npy\"", "\"../data/x.npy\"").replace("\"y.npy\"", "\"../data/y.npy\"");
    place.write("a/specs/spec.qnn", spec.as_bytes());
    place.expect(1, &["bundle", "a/specs/spec.qnn", "-o", "all.zip"]);
    // Elsewhere, without the files, without the store.
    let bytes = std::fs::read(place.path("all.zip")).expect("an archive");
    let other = Place::new("");
    other.write("all.zip", &bytes);
    std::fs::remove_file(other.path("x.npy")).expect("a file");
    let said = other.expect(1, &["check-proof", "all.zip"]);
    assert!(said.contains("all hold, ") && !said.contains("changed:"), "{said}");
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(&bytes)).expect("a ZIP file");
    let names: Vec<String> = (0..archive.len())
        .map(|index| archive.by_index(index).expect("a file").name().expect("a name").into())
        .collect();
    for name in ["spec/specs/spec.qnn", "spec/data/x.npy", "proof.qnnproof", "report.html", "report.json", "README.md"]
    {
        assert!(names.iter().any(|n| n == name), "{name} of {names:?}");
    }
    assert_eq!(names.len(), 7);
    // Damaged, or none.
    let cut = &bytes[..bytes.len() / 2];
    other.write("cut.zip", cut);
    let said = other.expect(3, &["check-proof", "cut.zip"]);
    assert!(said.contains("is no bundle, or a damaged one"), "{said}");
    let said = other.expect(3, &["check-proof", "all.zip", "--spec", "spec.qnn"]);
    assert!(said.contains("brings its specs along"), "{said}");
    // A path that means nothing elsewhere.
    let whole = place.path("a/data/x.npy");
    place.write("a/specs/spec.qnn", spec.replace("../data/x.npy", &whole.to_string_lossy()).as_bytes());
    let said = place.expect(3, &["bundle", "a/specs/spec.qnn", "broken", "-o", "none.zip"]);
    assert!(said.contains("can't be taken along"), "{said}");
    assert!(!place.path("none.zip").exists());
}

#[test]
fn files_of_an_archive_stay_in_their_folder() {
    use std::io::Write;
    let place = Place::new("");
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for name in ["../escaped.txt", "proof.qnnproof"] {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).expect("memory takes all");
        archive.write_all(b"x").expect("memory takes all");
    }
    place.write("bad.zip", &archive.finish().expect("memory takes all").into_inner());
    let said = place.expect(3, &["check-proof", "bad.zip"]);
    assert!(said.contains("would lie outside of it"), "{said}");
}

/// 10,000 instances, most of which fail with a picture each.
const LARGE: &str = "type In = uint<4>;
network total(x: In[5, 5]) -> int<12> { dense(flatten(x), [[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]]) as int<12> }
property p(i in 0..2500, bits in 1..=4) = forall x in In[5, 5]: total(x) <= 10 * bits + i;
";

#[test]
fn a_large_family_is_folded() {
    let place = Place::new(&LARGE.replace("x in In[5, 5]", "x: In[5, 5]"));
    place
        .expect(1, &["report", "spec.qnn", "--no-cache", "-o", "a.html", "-o", "a.md", "-o", "a.xml", "-o", "a.sarif"]);
    let size = |name: &str| std::fs::metadata(place.path(name)).expect("it was written").len();
    assert!(size("a.html") < 5_000_000, "{}", size("a.html"));
    assert!(size("a.md") < 65_536, "{}", size("a.md"));
    assert!(size("a.sarif") < 100_000, "{}", size("a.sarif"));
    assert_eq!(place.read("a.xml").matches("<testcase ").count(), 10_000);
    let page = place.read("a.html");
    assert!(page.contains("9,600 more are left out") && page.contains("qnn verify spec.qnn p --json"));
}

#[test]
fn vnnlib_says_what_it_can() {
    let place = Place::new(
        "network f(x: uint<2>[2]) -> fixed<4, 1>[2] { dense(x, [[1, -1], [-1, 1]], [0.5, 0]) as fixed<4, 1> }
property p(n in 1..=2) = forall x: uint<2>[2] where x[0] >= x[1] + n: argmax(f(x)) == 0 and f(x)[1] <= 0.5;
property two = forall x: uint<2>[2], y: uint<2>[2]: f(x)[0] <= f(y)[1] + 8;
",
    );
    let said = place.expect(0, &["export", "--vnnlib", "spec.qnn", "-o", "out"]);
    assert!(said.contains("2 files in out") && said.contains("it applies 2"), "{said}");
    insta::assert_snapshot!("vnnlib", place.read("out/p_n1.vnnlib"));
    place.expect(3, &["export", "spec.qnn", "-o", "out"]);
    place.expect(3, &["export", "--vnnlib", "--smt2", "spec.qnn", "-o", "out"]);
}

#[test]
fn the_documentation_s_commands_run() {
    let place = Place::new("");
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

/// The lines of a step's script in a workflow.
fn step(workflow: &str, name: &str) -> String {
    let lines = workflow.lines().skip_while(|line| line.trim() != format!("- name: {name}"));
    let script = lines.skip_while(|line| line.trim() != "run: |").skip(1);
    script.take_while(|line| line.starts_with("          ")).map(|line| format!("{}\n", &line[10..])).collect()
}

#[cfg(unix)]
#[test]
fn the_workflow_s_scripts_run() {
    let place = Place::new("");
    let workflow = std::fs::read_to_string(root().join("examples/github/verify.yml")).expect("the workflow");
    place.expect(0, &["new", "first"]);
    let bin = Path::new(env!("CARGO_BIN_EXE_qnn")).parent().expect("a folder").to_owned();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let run = |script: &str| {
        let mut command = Command::new("bash");
        command.args(["-e", "-c", script]).current_dir(place.0.path()).env("PATH", &path).env("SPEC", "first.qnn");
        command.env("QNN_CACHE", place.path("cache")).env("GITHUB_STEP_SUMMARY", place.path("step.md"));
        command.env("GITHUB_OUTPUT", place.path("output")).output().expect("bash starts")
    };
    let verify = step(&workflow, "Verify");
    assert!(verify.contains("qnn report"), "{verify}");
    let done = run(&verify);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(place.read("step.md").starts_with("## "));
    let status = place.read("output").trim().to_owned();
    let status = status.strip_prefix("status=").expect("the exit code");
    let gate = step(&workflow, "Gate").replace("${{ steps.verify.outputs.status }}", status);
    assert_eq!(run(&gate).status.code().map(|code| code.to_string()).as_deref(), Some(status));
    std::fs::create_dir(place.path("base")).expect("a folder");
    std::fs::copy(place.path("report.json"), place.path("base/report.json")).expect("a report");
    assert!(run(&gate).status.success());
}

/// The page in a browser: no request, no error, no violation that axe-core finds, nothing wider than a phone.
#[test]
#[ignore = "needs Chromium and QNN_BROWSER_TESTS: tests/run sets it"]
fn the_page_with_browser() {
    let packages = std::env::var("QNN_BROWSER_TESTS").expect("QNN_BROWSER_TESTS names a folder; tests/run sets it");
    let place = Place::new(SPEC);
    place.expect(1, &["report", "spec.qnn", "-o", "a.html"]);
    let script = root().join("tests/browser/page.mjs");
    let mut command = Command::new("node");
    command.arg(script).arg(place.path("a.html")).arg(place.0.path()).env("QNN_BROWSER_TESTS", packages);
    let done = command.output().expect("node starts");
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
}
