//! Proof files from end to end: written, checked, damaged, out of date; and every certificate of the examples by the second checker.
//!
//! `QNN_PYTHON` names a Python (any, without packages) for `tests/checker.py`; `tests/run` sets it. Tests that need it are ignored by a plain `cargo test`.

#[path = "support/benchmark.rs"]
mod benchmark;
#[path = "proofs/pairs.rs"]
mod pairs;
#[path = "support/place.rs"]
mod place;
#[path = "proofs/proved.rs"]
mod proved;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use place::{Place, npy, root};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;

/// A property of each kind that a proof file can speak of.
const SPEC: &str = r#"
type In = uint<4>;
dataset test { x: In[2] from "x.npy" raw; }
network f(x: In[2]) -> int<8>[2] {
    dense(x, [[1, -1], [-1, 1]], [0, 1]) as int<8>
}
property holds(n in 15..=17) = forall x: In[2]: f(x)[0] <= n;
#[expect(violated)]
property breaks = forall x: In[2]: f(x)[0] <= 14;
property assumed = forall x: In[2] where x[0] + x[1] == 30: f(x)[0] <= 0;
#[expect(vacuous)]
property empty = forall x: In[2] where x[0] + x[1] == 31: f(x)[0] <= 0;
measure most = maximize f(x)[0] over x: In[2];
measure least = minimize f(x)[0] over x: In[2] where x[0] >= 3;
measure chosen = maximize f(x)[k] over k in 0..2, x in ball(test[0].x, 1 lsb);
measure bound = largest n in 0..=15 such that forall x: In[2]: f(x)[0] <= 31 - n;
measure radius = largest e in 0..=15 such that forall x in ball(test[0].x, e lsb): f(x)[0] >= -3;
"#;

/// A folder with the spec in it.
fn with_spec() -> Place {
    Place::new().with("spec.qnn", SPEC).with("x.npy", npy("1, 2", &[5, 2]))
}

impl Place {
    /// The exit code and the JSON document of `check-proof`.
    fn check(&self, arguments: &[&str]) -> (i32, Value) {
        self.json(&[&["check-proof", "--json"], arguments].concat())
    }

    /// Writes a sound proof file of the spec.
    fn proved(&self) {
        let (exit, output) = self.qnn(&["verify", "spec.qnn", "--proof", "spec.qnnproof", "--engine", "search"]);
        assert_eq!(exit, 0, "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// The lines of a proof file.
fn unpacked(bytes: &[u8]) -> Vec<Value> {
    let mut text = String::new();
    GzDecoder::new(bytes).read_to_string(&mut text).expect("gzipped text");
    parsed(&text)
}

fn parsed(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

/// A proof file of some lines.
fn packed(lines: &[Value]) -> Vec<u8> {
    gzipped(&lines.iter().map(|line| format!("{line}\n")).collect::<String>())
}

fn gzipped(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("memory");
    encoder.finish().expect("memory")
}

#[test]
fn what_is_proved_is_checked_without_engines() {
    let place = with_spec();
    place.proved();
    let (exit, document) = place.check(&["spec.qnnproof"]);
    assert_eq!(exit, 0, "{document:#}");
    let file = &document["files"][0];
    assert_eq!(
        file["counts"],
        json!({
            "certificate": 10, "counterexample": 1, "solver": 0, "open": 0, "rejected": 0, "unexpected": 0
        })
    );
    assert_eq!(file["proof"]["specs"][0]["path"], "spec.qnn");
    assert_eq!(file["changed"], json!([]));
    // Remembered verdicts make as good a file (one obligation may have been proved in two ways), and a spec is checked on what is remembered of it.
    let (first, counts) = (unpacked(&place.bytes("spec.qnnproof")), file["counts"].clone());
    place.proved();
    let second = unpacked(&place.bytes("spec.qnnproof"));
    let names = |lines: &[Value]| lines.iter().map(|line| line["instance"].clone()).collect::<Vec<_>>();
    assert_eq!(names(&second), names(&first));
    let (exit, document) = place.check(&["spec.qnnproof"]);
    assert_eq!((exit, &document["files"][0]["counts"]), (0, &counts), "{document:#}");
    let lines = place.check(&["spec.qnnproof", "--export", "lines.jsonl"]).1["files"][0]["statements"].clone();
    let count: u64 = lines.as_array().expect("statements").iter().filter_map(|s| s["certificates"].as_u64()).sum();
    assert_eq!(place.bytes("lines.jsonl").iter().filter(|byte| **byte == b'\n').count() as u64, count);
    // What is remembered is remembered of an engine; `auto` was never asked.
    assert_eq!(place.check(&["spec.qnn"]).0, 2);
    let text = place.read("spec.qnn");
    let text = text
        .replace("\nproperty", "\n#[engine(search)]\nproperty")
        .replace("\nmeasure", "\n#[engine(search)]\nmeasure");
    place.write("spec.qnn", text);
    let (exit, document) = place.check(&["spec.qnn"]);
    assert_eq!(exit, 0, "{document:#}");
    // The attributes are not part of any question.
    let (exit, document) = place.check(&["spec.qnnproof"]);
    assert_eq!((exit, document["files"][0]["changed"].as_array().map(Vec::len)), (0, Some(1)), "{document:#}");
}

#[test]
fn a_changed_spec_is_not_what_was_proved() {
    let place = with_spec();
    place.proved();
    let text = place.read("spec.qnn");
    place.write("spec.qnn", text.replace("[0, 1]", "[0, 2]"));
    let (exit, document) = place.check(&["spec.qnnproof"]);
    assert_eq!(exit, 1, "{document:#}");
    assert_eq!(document["files"][0]["changed"], json!(["spec.qnn is not the file that was verified"]));
    assert!(document.to_string().contains("ask something else now"), "{document:#}");
    // Something new is not covered.
    place.write("spec.qnn", format!("{text}property new = forall x: In[2]: f(x)[0] <= 20;\n"));
    let (exit, document) = place.check(&["spec.qnnproof"]);
    assert_eq!((exit, &document["files"][0]["counts"]["open"]), (2, &json!(1)), "{document:#}");
    assert_eq!(place.check(&["spec.qnnproof", "--filter", "holds"]).0, 0);
    // Something gone is rejected.
    place.write("spec.qnn", text.replace("15..=17", "16..=17"));
    assert_eq!(place.check(&["spec.qnnproof"]).0, 1);
    // Elsewhere, it is found if it is named.
    place.write("other.qnn", text);
    std::fs::remove_file(place.path("spec.qnn")).unwrap();
    assert_eq!(place.check(&["spec.qnnproof"]).0, 3);
    assert_eq!(place.check(&["spec.qnnproof", "--spec", "other.qnn"]).0, 0);
}

#[test]
fn false_claims_are_rejected() {
    let place = with_spec();
    place.proved();
    let lines = unpacked(&place.bytes("spec.qnnproof"));
    let of = |name: &str| lines.iter().position(|line| line["instance"] == name).unwrap_or_else(|| panic!("{name}"));
    let (holds, breaks, most) = (of("holds(n = 15)"), of("breaks"), of("most"));
    type Change<'a> = (&'a str, i32, &'a dyn Fn(&mut Vec<Value>));
    let bound_of_first = |line: &Value| {
        let items = line["evidence"].as_array().expect("a list");
        items.iter().position(|item| item["candidate"] == 0 && item["about"] == "bound").expect("a bound")
    };
    let chosen = of("chosen");
    let changes: [Change<'_>; 18] = [
        ("a violated claimed proved", 1, &|lines| lines[breaks]["verdict"] = json!("proved")),
        ("a proved claimed violated", 1, &|lines| lines[holds]["verdict"] = json!("violated")),
        ("a proved claimed vacuous", 1, &|lines| lines[of("assumed")]["verdict"] = json!("vacuous")),
        ("a vacuous claimed proved", 1, &|lines| lines[of("empty")]["verdict"] = json!("proved")),
        ("another's evidence", 1, &|lines| lines[breaks]["evidence"] = lines[holds]["evidence"].clone()),
        ("another's proof under its own key", 1, &|lines| {
            let mut certificate = lines[holds]["evidence"][0]["rests_on"]["certificate"].clone();
            certificate["obligation"] = lines[breaks]["evidence"][0]["obligation"].clone();
            lines[breaks]["evidence"][0]["rests_on"] = json!({ "certificate": certificate });
            lines[breaks]["verdict"] = json!("proved");
        }),
        ("no evidence", 2, &|lines| lines[holds]["evidence"] = json!([])),
        ("an interval proof of what is false", 2, &|lines| {
            lines[breaks]["evidence"][0]["rests_on"] = json!("interval");
            lines[breaks]["verdict"] = json!("proved");
        }),
        ("a solver's word", 2, &|lines| lines[holds]["evidence"][0]["rests_on"] = json!({ "solver": "Z3" })),
        ("an input that breaks nothing", 1, &|lines| {
            lines[breaks]["evidence"][0]["rests_on"] = json!({ "assignment": [[0, 0]] });
        }),
        ("an input of no shape", 1, &|lines| {
            lines[breaks]["evidence"][0]["rests_on"] = json!({ "assignment": [[], [9_223_372_036_854_775_807i64]] });
        }),
        ("a better maximum", 1, &|lines| lines[most]["found"] = json!("16")),
        ("a choice of which nothing is said", 1, &|lines| {
            let first = bound_of_first(&lines[chosen]);
            lines[chosen]["evidence"].as_array_mut().expect("a list").remove(first);
        }),
        ("a choice whose bound is above the answer", 1, &|lines| {
            let first = bound_of_first(&lines[chosen]);
            lines[chosen]["evidence"][first]["bound"] = json!("9");
        }),
        ("a lower maximum over indices", 1, &|lines| lines[chosen]["found"] = json!("1")),
        ("a bound of a measure over indices that its evidence does not show", 1, &|lines| {
            (lines[chosen]["verdict"], lines[chosen]["bound"]) = (json!("timeout"), json!("0"));
        }),
        ("a larger radius", 1, &|lines| lines[of("radius")]["found"] = json!("4")),
        ("said twice", 1, &|lines| {
            lines[0]["instances"] = json!(lines.len());
            lines.push(lines[holds].clone());
        }),
    ];
    for (what, expected, change) in changes {
        let mut lines = lines.clone();
        change(&mut lines);
        place.write("mutant.qnnproof", packed(&lines));
        let (exit, document) = place.check(&["mutant.qnnproof"]);
        assert_eq!(exit, expected, "{what}: {document:#}");
    }
}

#[test]
fn damaged_and_absurd_files_are_told() {
    let place = with_spec();
    place.proved();
    let sound = place.bytes("spec.qnnproof");
    let lines = unpacked(&sound);
    let mut absurd: Vec<Vec<u8>> = (0..16).map(|part| sound[..sound.len() * part / 16].to_vec()).collect();
    absurd.push(sound[..sound.len() - 1].to_vec());
    absurd.extend((12..sound.len()).step_by(sound.len() / 24).map(|at| {
        let mut damaged = sound.clone();
        damaged[at] ^= 0x20;
        damaged
    }));
    absurd.push(b"no proof at all".to_vec());
    absurd.push(packed(&[]));
    absurd.push(packed(&[json!(null)]));
    absurd.push(packed(&[json!({ "format": "qnn proof", "version": 1 })]));
    absurd.push(packed(&lines[..lines.len() - 1]));
    absurd.push(packed(&[&lines[..], &lines[1..2]].concat()));
    let mut newer = lines.clone();
    newer[0]["version"] = json!(99);
    absurd.push(packed(&newer));
    absurd.push([sound.as_slice(), b"junk"].concat());
    absurd.push([sound.clone(), sound.clone()].concat());
    let mut nothing = lines[0].clone();
    (nothing["specs"], nothing["instances"]) = (json!([]), json!(0));
    absurd.push(packed(&[nothing]));
    // One step more than a certificate may have bytes.
    let mut large = lines[..2].to_vec();
    large[1]["evidence"][0]["rests_on"] = json!({ "certificate": vec!["empty"; (64 << 20) / 8 + 1] });
    absurd.push(packed(&large));
    drop(large);
    let mut long = lines[..2].to_vec();
    long[1]["instance"] = json!("x".repeat((64 << 10) + 1));
    absurd.push(packed(&long));
    // More that no spec has than is kept.
    let mut strange = lines[1].clone();
    (strange["instance"], strange["evidence"]) = (json!("x"), json!([]));
    let mut many = vec![lines[0].clone()];
    many[0]["instances"] = json!(100_001);
    many.resize(100_002, strange);
    absurd.push(packed(&many));
    let mut elsewhere = lines.clone();
    elsewhere[1]["spec"] = json!(7);
    absurd.push(packed(&elsewhere));
    // Gigabytes of nothing in a few kilobytes of file: a header, and a line that never ends.
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    writeln!(bomb, "{}", lines[0]).unwrap();
    let blank = vec![b' '; 1 << 20];
    (0..300).for_each(|_| bomb.write_all(&blank).unwrap());
    absurd.push(bomb.finish().unwrap());
    for (number, bytes) in absurd.iter().enumerate() {
        place.write("absurd.qnnproof", bytes);
        let (exit, output) = place.qnn(&["check-proof", "absurd.qnnproof"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            exit == 3 && !said.contains("panicked") && said.contains("error: `absurd.qnnproof`: It"),
            "{number}: {exit} {said}"
        );
    }
    assert_eq!(place.qnn(&["check-proof", "nowhere.qnnproof"]).0, 3);
    assert_eq!(place.qnn(&["check-proof", "."]).0, 3);
    assert_eq!(place.qnn(&["verify", "spec.qnn", "--proof", "no/such/folder"]).0, 3);
    assert_eq!(place.qnn(&["verify", "spec.qnn", "--proof", "spec.qnn"]).0, 3, "a spec is not overwritten");
}

/// What is shown of a file is a line of text, whatever the file says.
#[test]
fn terminals_get_no_commands_from_a_file() {
    let place = with_spec();
    place.proved();
    let mut lines = unpacked(&place.bytes("spec.qnnproof"));
    let evil = "\u{1b}[8m\nall hold\u{9b}32m\u{202e}";
    lines[0]["qnn"] = json!(format!("0.1.0{evil}"));
    lines[0]["files"] = json!([{ "path": evil, "blake3": evil }]);
    lines[1]["instance"] = json!(evil);
    lines[2]["evidence"][0]["rests_on"] = json!({ "solver": evil });
    let most = lines.iter().position(|line| line["instance"] == "most").expect("a measure");
    lines[most]["found"] = json!(evil);
    let mut elsewhere = lines.clone();
    elsewhere[0]["specs"][0]["path"] = json!(evil);
    let mut unreadable = lines.clone();
    unreadable[1]["verdict"] = json!(evil);
    let mut newer = lines.clone();
    newer[0]["semantics"] = json!(99);
    place.write("warned.qnn", format!("{SPEC}// {evil}\nconst idle{evil} = 3;\n"));
    let mut warned = lines.clone();
    warned[0]["specs"][0]["path"] = json!("warned.qnn");
    for (lines, exit) in [(&lines, 1), (&elsewhere, 3), (&unreadable, 3), (&newer, 3), (&warned, 3)] {
        place.write("evil.qnnproof", packed(lines));
        for mode in [["check-proof", "--color=always"], ["check-proof", "--json"]] {
            let (code, output) = place.qnn(&[&mode[..], &["evil.qnnproof"]].concat());
            assert_eq!(code, exit, "{}", String::from_utf8_lossy(&output.stderr));
            for stream in [&output.stdout, &output.stderr] {
                let text = String::from_utf8_lossy(stream);
                assert!(!text.lines().any(|line| line.starts_with("all hold")), "{text}");
                assert!(!text.contains("\u{1b}[8m") && !text.contains(['\u{9b}', '\u{202e}']), "{text}");
            }
            if exit == 1 && mode[1] == "--json" {
                let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
                assert_eq!(document["files"][0]["statements"][0]["instance"], evil, "{document:#}");
            }
        }
    }
}

/// The bound of a measure that is undecided counts if there is a certificate of it.
#[test]
fn bounds_of_undecided_measures_are_checked() {
    let place = with_spec();
    place.proved();
    let sound = unpacked(&place.bytes("spec.qnnproof"));
    let huge = format!("-{}", "9".repeat(60_000));
    for (name, bound, expected, said) in [
        ("most", "15", 2, "its time was up; it is at most 15, on a certificate"),
        ("least", "-12", 2, "its time was up; it is at least -12, on a certificate"),
        ("most", "14", 1, "ask something else now"),
        ("most", "1/2", 1, "its bound is none of its values"),
        ("most", "170141183460469231731687303715884105727", 2, "its time was up"),
        ("most", &huge, 1, "its bound is none of its values"),
        ("most", "1/0", 1, "its bound is none of its values"),
        ("breaks", "1", 2, "its time was up"),
    ] {
        let mut lines = sound.clone();
        let line = lines.iter_mut().find(|line| line["instance"] == name).expect("an instance");
        (line["verdict"], line["bound"]) = (json!("timeout"), json!(bound));
        place.write("bound.qnnproof", packed(&lines));
        let (exit, document) = place.check(&["bound.qnnproof", "--filter", name]);
        assert!(exit == expected && document.to_string().contains(said), "{name} {bound}: {document:#}");
    }
}

/// What is proved of real numbers is a bound: it is said beside what was found.
#[test]
fn a_measure_of_real_numbers_shows_its_gap() {
    let place = with_spec();
    let spec = root().join("examples/studies/error.qnn");
    let spec = spec.to_str().expect("a path in UTF-8");
    let only = ["--filter", "quantization_error(bits = 6)"];
    let (exit, output) = place.qnn(&[&["verify", spec, "--proof", "error.qnnproof"], &only[..]].concat());
    assert_eq!(exit, 0, "{}", String::from_utf8_lossy(&output.stderr));
    let (exit, document) = place.check(&[&["error.qnnproof"], &only[..]].concat());
    let gap = &document["files"][0]["statements"][0]["gap"];
    assert_eq!((exit, &gap["minimum"]), (0, &json!(false)), "{document:#}");
    let (found, bound) = (gap["found"]["value"].as_f64(), gap["bound"]["value"].as_f64());
    assert!(found.is_some() && found < bound, "{document:#}");
    let (_, output) = place.qnn(&[&["check-proof", "error.qnnproof"], &only[..]].concat());
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("≈0.422632 was found, and it is at most ≈0.423665"), "{text}");
}

#[test]
fn nothing_to_check_is_nothing_shown() {
    let place = with_spec();
    place.write("empty.qnn", b"type In = uint<4>;\n");
    let (exit, _) = place.qnn(&["verify", "empty.qnn", "--proof", "empty.qnnproof"]);
    assert_eq!((exit, place.check(&["empty.qnnproof"]).0, place.check(&["empty.qnn"]).0), (2, 2, 2));
    let (_, output) = place.qnn(&["check-proof", "empty.qnnproof"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("nothing to check"));
}

#[test]
fn an_export_replaces_nothing_that_is_read() {
    let place = with_spec();
    place.proved();
    place.write("lines.jsonl", b"as it was");
    let names = || {
        let entries = std::fs::read_dir(place.folder()).expect("a folder");
        let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    let files = ["spec.qnnproof", "spec.qnn", "x.npy", "lines.jsonl"].map(|name| (name, place.bytes(name)));
    // Over what is read, by any of its names; and over any spec.
    let proof = place.path("spec.qnnproof");
    let absolute = proof.to_str().expect("a path in UTF-8");
    for export in ["spec.qnnproof", "./spec.qnnproof", absolute, "spec.qnn", "x.npy", "new.qnn", "."] {
        let (exit, output) = place.qnn(&["check-proof", "spec.qnnproof", "--export", export]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(exit == 3 && said.contains("can't be written: "), "{export}: {exit} {said}");
    }
    // A run that fails writes nothing.
    for arguments in [["nowhere.qnnproof"].as_slice(), &["x.npy"], &["spec.qnnproof", "--filter", "nothing"]] {
        assert_eq!(place.check(&[arguments, &["--export", "lines.jsonl"]].concat()).0, 3);
    }
    assert_eq!(names(), before);
    for (name, bytes) in files {
        assert_eq!(place.bytes(name), bytes, "{name}");
    }
    assert_eq!(place.check(&["spec.qnnproof", "--export", "lines.jsonl"]).0, 0);
    assert!(place.bytes("lines.jsonl").starts_with(b"{") && names() == before);
}

/// Verifies a spec, checks its proof, and has the second checker read every certificate.
fn both_checkers(place: &Place, spec: &Path, timeout: &str) -> usize {
    let python = std::env::var("QNN_PYTHON").expect("QNN_PYTHON names a Python; tests/run sets it");
    let spec = spec.to_str().expect("a path in UTF-8");
    let (exit, output) = place.qnn(&["verify", spec, "--quiet", "--timeout", timeout, "--proof", "all.qnnproof"]);
    assert!(exit <= 2, "{}", String::from_utf8_lossy(&output.stderr));
    let (exit, document) = place.check(&["all.qnnproof", "--export", "all.jsonl"]);
    assert!(exit <= 2, "{document:#}");
    let counts = &document["files"][0]["counts"];
    assert_eq!(counts["rejected"], 0, "{document:#}");
    let output = Command::new(python).arg(root().join("tests/checker.py")).arg(place.path("all.jsonl")).output();
    let output = output.expect("Python starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let wrong: Vec<&str> = text.lines().filter(|line| !line.ends_with(": accepted")).collect();
    assert!(
        output.status.success() && wrong.is_empty(),
        "{spec}: {wrong:?}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let statements = document["files"][0]["statements"].as_array().expect("statements");
    let ours: u64 = statements.iter().filter_map(|s| s["certificates"].as_u64()).sum();
    assert_eq!(text.lines().count() as u64, ours, "{spec}");
    println!("{spec}: {ours} certificates accepted by both checkers; {counts}");
    text.lines().count()
}

/// The other studies and `mnist` are left out: they read the images of MNIST, which are fetched and no part of the repository.
#[test]
#[ignore = "needs QNN_PYTHON: tests/run sets it"]
fn both_checkers_accept_every_example() {
    let place = with_spec();
    let mut count = 0;
    for spec in ["tour", "digits/digits", "conv/conv", "students/students", "studies/adders", "studies/error"] {
        count += both_checkers(&place, &root().join(format!("examples/{spec}.qnn")), "4s");
    }
    assert!(count > 200, "{count}");
}

#[test]
#[ignore = "needs data beside the repository: tests/run looks for it"]
fn both_checkers_accept_the_benchmark_with_data() {
    let (data, bench) = (benchmark::shared("data/mnist"), benchmark::shared("bench/aaai21"));
    let place = with_spec();
    let spec = benchmark::benchmark_spec(place.folder(), &data, &bench);
    let count = both_checkers(&place, &spec, "2s");
    assert!(count >= 311, "{count}");
}
