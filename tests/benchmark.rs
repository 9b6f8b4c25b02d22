//! The benchmark of specs, once: what it measures, writes, reads and compares.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

/// A spec of two rows: some that are proved, some that are broken.
const SPEC: &str = "
type Small = ufixed<3, 0>;
network total(x: Small[2]) -> fixed<8, 0>[1] { (x[0] + x[1]) as fixed<8, 0> }
property below(limit in [13, 14], i in 0..2) where i < 2 = forall x: Small[2] where x[0] >= i: total(x)[0] <= limit;
";

fn bench(folder: &Path, arguments: &[&str]) -> String {
    let output = started(folder, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("the table is UTF-8")
}

fn started(folder: &Path, arguments: &[&str]) -> Output {
    let spec = folder.join("spec.qnn");
    Command::new(env!("CARGO"))
        .args(["bench", "--quiet", "--locked", "--profile", "dev", "--workspace", "--bench", "specs", "--"])
        .arg(spec)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo starts")
}

#[test]
fn measures_writes_and_compares() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("spec.qnn"), SPEC).expect("the spec");
    let json = folder.path().join("run.json");
    let json = json.to_str().expect("a path in UTF-8");
    let text = bench(folder.path(), &["--baseline", "smt", "--adder", "linear", "--by", "limit", "--json", json]);
    for part in ["below(limit = 13)", "below(limit = 14)", "all of them", "smt total", "speed-up"] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let run: Value = serde_json::from_str(&std::fs::read_to_string(json).expect("the JSON")).expect("it is JSON");
    let rows = run["specs"][0]["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 2);
    for (row, verdict) in rows.iter().zip(["violated", "proved"]) {
        let queries = row["queries"].as_array().expect("queries");
        assert_eq!(queries.len(), 2);
        for query in queries {
            assert_eq!(query["verdict"], verdict, "{query}");
            assert_eq!(query["baseline"]["verdict"], verdict, "{query}");
            let certified = query["certificate"]["steps"].as_u64().is_some_and(|steps| steps > 0);
            assert_eq!(certified, verdict == "proved", "{query}");
            assert!(query["time"].as_f64().is_some_and(|time| time >= 0.0), "{query}");
        }
    }
    let text = bench(folder.path(), &["--by", "limit", "--first", "1", "--compare", json]);
    let compared: Vec<&str> = text.lines().skip_while(|line| !line.contains("before / now")).skip(1).collect();
    assert_eq!(compared.len(), 2, "{text}");
    for line in compared {
        let cells: Vec<&str> = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
        assert_eq!(cells[1..4], ["1", "1", "1"], "one query, decided before and now: {line}");
    }
    // Verdicts that differ are an error.
    let text = std::fs::read_to_string(json).expect("the JSON").replacen("\"proved\"", "\"violated\"", 1);
    std::fs::write(json, text).expect("the JSON");
    let output = started(folder.path(), &["--by", "limit", "--compare", json]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && error.contains("is proved here, but violated before"), "{error}");
}

#[test]
fn measures_have_certificates_too() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let spec = "
type Small = ufixed<3, 0>;
network total(x: Small[2]) -> fixed<8, 0>[1] { (x[0] + x[1]) as fixed<8, 0> }
measure most = maximize total(x)[0] over x: Small[2] where x[0] <= 3;
measure limit = largest n in 0..=20 such that forall x: Small[2]: total(x)[0] <= 24 - n;
measure nothing = minimize total(x)[0] over x: Small[2] where x[0] + x[1] > 14;
";
    std::fs::write(folder.path().join("spec.qnn"), spec).expect("the spec");
    let json = folder.path().join("run.json");
    let json = json.to_str().expect("a path in UTF-8");
    bench(folder.path(), &["--json", json]);
    let run: Value = serde_json::from_str(&std::fs::read_to_string(json).expect("the JSON")).expect("it is JSON");
    let rows = run["specs"][0]["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 3);
    for row in rows {
        let query = &row["queries"][0];
        assert!(query["certificate"]["steps"].as_u64().is_some_and(|steps| steps > 0), "{query}");
    }
}

#[test]
fn a_query_without_an_answer_counts_with_its_limit() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // A sum that intervals alone can't bound.
    let spec = "
type Bit = ufixed<1, 0>;
network odd(x: Bit[2]) -> fixed<8, 0>[1] { (relu(x[0] + x[1] - 1) as ufixed<4, 0> * 2 - x[0] - x[1]) as fixed<8, 0> }
property never = forall x: Bit[2]: odd(x)[0] <= 0;
";
    std::fs::write(folder.path().join("spec.qnn"), spec).expect("the spec");
    let text = bench(folder.path(), &["--engine", "interval", "--limit", "7s"]);
    assert!(text.contains("0/1") && text.contains("≥ 7.00 s"), "{text}");
}
