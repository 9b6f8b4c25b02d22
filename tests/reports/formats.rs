//! Every format of reports, against its schema or as a snapshot.

use crate::place::{masked, root};
use crate::{SPEC, assert_valid, schema, with_spec};
use serde_json::Value;
use std::process::Command;

#[test]
fn every_format_is_what_its_schema_says() {
    let place = with_spec(SPEC);
    let all = ["a.html", "a.json", "a.sarif", "a.xml", "a.md"];
    let mut arguments = vec!["report", "spec.qnn"];
    all.iter().for_each(|name| arguments.extend(["-o", name]));
    place.expect(1, &arguments);
    let report = place.report("a.json");
    assert_valid(&schema("docs/report.schema.json"), &report);
    assert_valid(&schema("tests/fixtures/schemas/sarif-2.1.0.json"), &place.report("a.sarif"));
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
    snapshot!("reports__markdown", masked(&place.read("a.md")).replace(&qnn::engine::smt::version(), "Z3"));
    let page = place.read("a.html");
    for part in
        ["More bits are not always better", "data:image/png;base64,", "<svg role=\"img\"", "x</code> is &lt;small&gt;"]
    {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("http://") || page.matches("http://").all(|_| page.contains("http://www.w3.org/2000/svg")));
    assert!(!page.contains("https://"), "the page asks for nothing");
}

/// 10,000 instances, most of which fail with a picture each.
const LARGE: &str = "type In = uint<4>;
network total(x: In[5, 5]) -> int<12> { dense(flatten(x), [[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]]) as int<12> }
property p(i in 0..2500, bits in 1..=4) = forall x in In[5, 5]: total(x) <= 10 * bits + i;
";

/// JUnit's schema is XSD, which no crate of ours reads.
#[test]
#[ignore = "needs QNN_PYTHON: tests/run sets it"]
fn junit_is_valid() {
    let python = std::env::var("QNN_PYTHON").expect("QNN_PYTHON names a Python with lxml; tests/run sets it");
    let script = "import sys; from lxml import etree; etree.XMLSchema(etree.parse(sys.argv[1])).assertValid(etree.parse(sys.argv[2]))";
    let schema = root().join("tests/fixtures/schemas/junit-10.xsd");
    for spec in [SPEC, &LARGE.replace("x in In[5, 5]", "x: In[5, 5]")] {
        let place = with_spec(spec);
        place.expect(1, &["report", "spec.qnn", "--no-cache", "-o", "a.xml"]);
        let files = [&schema, &place.path("a.xml")];
        let done = Command::new(&python).args(["-c", script]).args(files).output().expect("Python starts");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
}

#[test]
fn a_spec_in_error_has_a_report_too() {
    let place = with_spec("property p = forall x: uint<4>: x <= y;\n");
    place.expect(
        3,
        &["report", "spec.qnn", "-o", "a.sarif", "-o", "a.json", "-o", "a.html", "-o", "a.md", "-o", "a.xml"],
    );
    let sarif = place.report("a.sarif");
    assert_valid(&schema("tests/fixtures/schemas/sarif-2.1.0.json"), &sarif);
    assert_valid(&schema("docs/report.schema.json"), &place.report("a.json"));
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "E0201");
    assert_eq!(sarif["runs"][0]["tool"]["driver"]["rules"][0]["id"], "E0201");
    let region = &result["locations"][0]["physicalLocation"]["region"];
    assert_eq!([&region["startLine"], &region["startColumn"]].map(Value::as_u64), [Some(1), Some(38)]);
}

#[test]
fn a_large_family_is_folded() {
    let place = with_spec(&LARGE.replace("x in In[5, 5]", "x: In[5, 5]"));
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

/// Measures of a family are a table, of as many lines as there is room for, or of what they come to.
#[test]
fn measures_are_tables_in_markdown() {
    let place = with_spec(
        "measure few(k in 1..=3) = maximize k * x over x: uint<2>;\nmeasure many(k in 1..=4, n in 0..4) = maximize k * x + n over x: uint<2>;",
    );
    place.expect(0, &["report", "spec.qnn", "-o", "a.md"]);
    let text = place.read("a.md");
    assert!(text.contains("| k | `few` |\n|---|---:|\n| 1 | 3 |\n| 2 | 6 |\n| 3 | 9 |\n"), "{text}");
    assert!(text.contains("| `many`, greatest | k = 1 | k = 2 |") && text.contains("| n = 3 | 6 | 9 |"), "{text}");
    assert!(!text.contains("more of `many`"), "{text}");
}

#[test]
fn vnnlib_says_what_it_can() {
    let place = with_spec(
        "network f(x: uint<2>[2]) -> fixed<4, 1>[2] { dense(x, [[1, -1], [-1, 1]], [0.5, 0]) as fixed<4, 1> }
property p(n in 1..=2) = forall x: uint<2>[2] where x[0] >= x[1] + n: argmax(f(x)) == 0 and f(x)[1] <= 0.5;
property two = forall x: uint<2>[2], y: uint<2>[2]: f(x)[0] <= f(y)[1] + 8;
",
    );
    let said = place.expect(0, &["export", "--vnnlib", "spec.qnn", "-o", "out"]);
    assert!(said.contains("2 files in out") && said.contains("it applies 2"), "{said}");
    snapshot!("reports__vnnlib", place.read("out/p_n1.vnnlib"));
    place.expect(3, &["export", "spec.qnn", "-o", "out"]);
    place.expect(3, &["export", "--vnnlib", "--smt2", "spec.qnn", "-o", "out"]);
}
