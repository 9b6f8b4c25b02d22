//! The interpreter against an independent implementation of the same semantics in Python, on the shipped networks.
//!
//! `QNN_PYTHON` names a Python with the packages of `tests/requirements.txt`; `tests/run` sets it. Tests that end in `_with_data` need data that is not part of the
//! repository. Both kinds are ignored by a plain `cargo test`.

#[path = "support/benchmark.rs"]
mod benchmark;
#[path = "support/place.rs"]
mod place;

use benchmark::{benchmark_spec, shared};
use place::root;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

fn python() -> String {
    std::env::var("QNN_PYTHON").expect("QNN_PYTHON names a Python with NumPy; tests/run sets it")
}

fn lines(command: &mut Command) -> Vec<Value> {
    let output = command.output().expect("the command starts");
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

fn qnn(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qnn"));
    command.args(arguments).env("QNN_CACHE", std::env::temp_dir().join("qnn-reference-cache"));
    command
}

/// A nested list as a flat one.
fn flat(value: &Value, out: &mut Vec<i64>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| flat(item, out)),
        number => out.push(number.as_i64().expect("an integer")),
    }
}

fn numbers(value: &Value) -> Vec<i64> {
    let mut out = Vec::new();
    flat(value, &mut out);
    out
}

/// The same inputs, the same integers after every cast, the same class.
fn agree(spec: &Path, network: &str, reference: &[&str], samples: &str) {
    let python = python();
    let mut command = Command::new(python);
    command.arg(root().join("tests/reference/reference.py")).args(reference).args(["--samples", samples]);
    let theirs = lines(&mut command);
    let spec = spec.to_str().expect("a path in UTF-8");
    let ours = lines(&mut qnn(&["eval", spec, network, "--samples", samples, "--json"]));
    assert_eq!(ours.len(), theirs.len(), "{network}");
    assert!(!ours.is_empty(), "{network} has samples");
    for (our, their) in ours.iter().zip(&theirs) {
        let at = format!("{network}, sample {}", their["sample"]);
        assert_eq!(numbers(&our["input"]), numbers(&their["input"]), "{at}: input");
        let casts = our["layers"].as_array().expect("layers").iter();
        let casts: Vec<&Value> =
            casts.filter(|l| l["operation"].as_str().is_some_and(|o| o.starts_with("as "))).collect();
        let layers = their["layers"].as_array().expect("layers");
        assert_eq!(casts.len(), layers.len(), "{at}: as many casts");
        for (cast, layer) in casts.iter().zip(layers) {
            assert_eq!(numbers(&cast["raw"]), numbers(&layer["raw"]), "{at}: {}", layer["name"]);
        }
        // A network of one output has no class.
        if !our["argmax"].is_null() {
            assert_eq!(our["argmax"], their["argmax"], "{at}: class");
        }
    }
}

#[test]
#[ignore = "needs QNN_PYTHON: tests/run sets it"]
fn the_reference_agrees_with_its_own_definitions() {
    let python = python();
    let status = Command::new(python).arg(root().join("tests/reference/reference.py")).arg("selftest").status();
    assert!(status.expect("Python starts").success());
}

#[test]
#[ignore = "needs QNN_PYTHON: tests/run sets it"]
fn shipped_networks() {
    let digits = root().join("examples/digits/digits.qnn");
    let conv = root().join("examples/conv/conv.qnn");
    for bits in ["4", "6", "8"] {
        agree(&digits, &format!("digits<{bits}>"), &["digits", "--bits", bits], "0..60");
        agree(&digits, &format!("deep<{bits}>"), &["deep", "--bits", bits], "0..60");
        agree(&conv, &format!("conv<{bits}>"), &["conv", "--bits", bits], "0..30");
    }
    let students = root().join("examples/students/students.qnn");
    for bits in ["6", "7", "8", "9", "10"] {
        agree(&students, &format!("student<{bits}>"), &["students", "--bits", bits], "0..240");
    }
}

#[test]
#[ignore = "needs data beside the repository: tests/run looks for it"]
fn mnist_with_data() {
    let data = shared("data/mnist");
    // The spec reads the images beside itself: a copy of the example with links to them.
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["mnist.qnn", "mnist.npz", "mnist-100.npz"] {
        std::fs::copy(root().join("examples/mnist").join(name), folder.path().join(name)).expect("the example's files");
    }
    for name in ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"] {
        std::fs::copy(data.join(name), folder.path().join(name)).expect("the images");
    }
    let data = data.to_str().expect("a path in UTF-8");
    for (ours, theirs, bits) in
        [("mnist", "mnist", "4"), ("mnist", "mnist", "6"), ("mnist", "mnist", "10"), ("wide", "mnist-100", "6")]
    {
        let reference = [theirs, "--bits", bits, "--data", data];
        agree(&folder.path().join("mnist.qnn"), &format!("{ours}<{bits}>"), &reference, "0..100");
    }
}

#[test]
#[ignore = "needs data beside the repository: tests/run looks for it"]
fn published_benchmark_network_with_data() {
    let (data, bench) = (shared("data/mnist"), shared("bench/aaai21"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let spec = benchmark_spec(folder.path(), &data, &bench);
    let ours = lines(&mut qnn(&[
        "eval",
        spec.to_str().expect("a path in UTF-8"),
        "classifier",
        "--samples",
        "0..400",
        "--json",
    ]));
    let wrong: Vec<i64> =
        ours.iter().filter(|l| l["argmax"] != l["label"]).filter_map(|l| l["sample"].as_i64()).collect();
    assert_eq!(wrong, [18, 149, 217, 241, 247, 259, 321, 340, 381]);
    let weights = bench.join("mnist_mlp.npz");
    let (data, weights) = (data.to_str().expect("UTF-8"), weights.to_str().expect("UTF-8"));
    agree(&spec, "classifier", &["aaai21", "--weights", weights, "--data", data], "0..100");
}

#[test]
#[ignore = "needs data beside the repository: tests/run looks for it"]
fn published_benchmark_verdicts_with_data() {
    let (data, bench) = (shared("data/mnist"), shared("bench/aaai21"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let spec = benchmark_spec(folder.path(), &data, &bench);
    let published = std::fs::read_to_string(bench.join("verdicts.csv")).expect("the published verdicts");
    let published: std::collections::HashMap<(i64, i64), bool> = published
        .lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            let number = |i: usize| fields[i].parse().expect("a number");
            ((number(0), number(1)), fields[2] == "robust")
        })
        .collect();
    let spec = spec.to_str().expect("a path in UTF-8");
    let output = qnn(&["verify", spec, "--json", "--no-cache", "--timeout", "500ms"]).output().expect("qnn starts");
    let report: Value = serde_json::from_slice(&output.stdout).expect("a JSON document");
    let results = report["specs"][0]["results"].as_array().expect("results");
    let mut decided = 0;
    for result in results {
        let parameter = |name: &str| {
            let all = result["parameters"].as_array().expect("parameters");
            let found = all.iter().find(|p| p["name"] == name).expect("the parameter");
            found["text"].as_str().and_then(|text| text.parse::<i64>().ok()).expect("a number")
        };
        let robust = published[&(parameter("i"), parameter("eps"))];
        match result["verdict"].as_str() {
            Some("proved") => assert!(robust, "{} is vulnerable", result["name"]),
            Some("violated") => assert!(!robust, "{} is robust", result["name"]),
            _ => continue,
        }
        decided += 1;
    }
    println!("{decided} of {} decided, all as published", results.len());
    assert_eq!(results.len(), 391);
    assert!(decided >= 311, "intervals on differences alone decide 311, but only {decided} were");
}

#[test]
#[ignore = "needs QNN_PYTHON: tests/run sets it"]
fn other_solvers_agree() {
    let python = python();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let corpus = folder.path().join("corpus");
    // With the features of the whole workspace, as these tests are built: what it depends on is there already, and after `tests/run` itself too.
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--workspace", "--example", "smtlib_corpus"])
        .current_dir(root())
        .status();
    assert!(status.expect("cargo starts").success());
    let program = Path::new(env!("CARGO_BIN_EXE_qnn")).with_file_name("examples").join("smtlib_corpus");
    assert!(Command::new(program).arg(&corpus).arg("60").status().expect("it was built").success());
    let status = Command::new(python)
        .arg(root().join("tests/smtlib_cross_check.py"))
        .arg(&corpus)
        .args(["bitwuzla", "cvc5"])
        .status();
    assert!(status.expect("Python starts").success());
}
