//! Answers to VNN-LIB queries as the harnesses that ask them read them, and what is said where there is none.

use crate::place::{Place, root};

/// Two inputs and two outputs; `tiny.onnx` is of integers between floats, `float.onnx` of floats.
fn place() -> Place {
    let model = |name: &str| std::fs::read(root().join("tests/fixtures/models").join(name)).expect("a fixture");
    Place::new().with("tiny.onnx", model("tiny.onnx")).with("float.onnx", model("float.onnx"))
}

fn first(assertions: &str) -> String {
    format!(
        "(declare-const X_0 Real)\n(declare-const X_1 Real)\n(declare-const Y_0 Real)\n(declare-const Y_1 Real)\n\
         (assert (>= X_0 0.0))\n(assert (<= X_0 0.5))\n(assert (>= X_1 0.25))\n(assert (<= X_1 0.75))\n{assertions}\n"
    )
}

fn second(assertions: &str) -> String {
    format!(
        "(vnnlib-version <2.0>)\n(declare-network net (declare-input X Real [1,2]) (declare-output Y Real [1,2]))\n\
         (assert (and (>= X[0,0] 0.0) (<= X[0,0] 0.5) (== X[0,1] 0.25)))\n{assertions}\n"
    )
}

#[test]
fn help_says_what_solve_takes() {
    snapshot!("solve_help", Place::new().run(&["solve", "--help"]));
}

#[test]
fn answers_of_each_version_and_kind_of_model() {
    let place = place()
        .with("any.vnnlib", first("(assert (<= Y_0 1000))"))
        .with("none.vnnlib", first("(assert (or (>= Y_0 1000) (and (<= Y_1 -1000) (>= X_0 0))))"))
        .with("empty.vnnlib", first("(assert (> X_0 0.5))"))
        .with("any2.vnnlib", second("(assert (!= Y[0,0] 1000.0))"))
        .with("none2.vnnlib", second("(assert (>= (+ Y[0,0] (* -1.0 Y[0,1])) 1000.0))"));
    let formats = ["--weights", "fixed<8, 6>", "--activations", "ufixed<8, 6>", "--input", "fixed<8, 6>"];
    for (model, options) in [("tiny.onnx", &["--kernel", "ort"][..]), ("float.onnx", &[]), ("float.onnx", &formats)] {
        for (query, answer) in [
            ("any.vnnlib", "sat\n((X_0 "),
            ("none.vnnlib", "unsat\n"),
            ("empty.vnnlib", "unsat\n"),
            ("any2.vnnlib", "sat\nX Real [1,2]\n"),
            ("none2.vnnlib", "unsat\n"),
        ] {
            let shown = place.run(&[&["solve", model, query], options].concat());
            let expected = format!("exit 0\n--- stdout\n{answer}");
            assert!(shown.starts_with(&expected), "{model} {query} {options:?}: {shown}");
            if answer.starts_with("sat\n(") {
                let lines: Vec<&str> = shown.lines().skip(3).take(4).collect();
                assert_eq!(lines.len(), 4, "{shown}");
                for (line, name) in lines.iter().zip(["((X_0 ", "(X_1 ", "(Y_0 ", "(Y_1 "]) {
                    assert!(line.starts_with(name) && line.ends_with(')'), "{shown}");
                }
            }
        }
    }
    // The same by the network's name.
    let shown = place.run(&["solve", "none2.vnnlib", "--network", "net=tiny.onnx", "--kernel", "ort"]);
    assert_eq!(shown, "exit 0\n--- stdout\nunsat\n");
}

#[test]
fn the_spec_of_a_query_verifies_as_it_says() {
    let query = first("(assert (or (>= Y_0 (+ Y_1 0.5)) (not (< (* 2 Y_0) (+ Y_1 X_0 1)))))");
    let place = place().with("a.vnnlib", query);
    let arguments = ["solve", "tiny.onnx", "a.vnnlib", "-k", "ort", "--spec", "a.qnn", "--proof", "a.qnnproof"];
    let shown = place.run(&arguments);
    snapshot!("solve_spec", String::from_utf8(place.bytes("a.qnn")).expect("UTF-8"));
    let verdict = place.run(&["verify", "a.qnn", "-q"]);
    let (answer, exit) = if shown.contains("unsat") { ("unsat", "exit 0\n") } else { ("sat", "exit 1\n") };
    assert!(shown.starts_with(&format!("exit 0\n--- stdout\n{answer}\n")), "{shown}");
    assert!(verdict.starts_with(exit), "{shown}{verdict}");
    let checked = place.run(&["check-proof", "a.qnnproof"]);
    assert!(checked.starts_with(exit) && !checked.contains("rejected"), "{checked}");
}

/// What `export` writes, `solve` answers as `verify` decided the property.
#[test]
fn exports_come_back() {
    let spec = "
network f = import \"tiny.onnx\" { kernel = ort };
network g = import \"float.onnx\" { weights = fixed<6, 4>, activations = ufixed<6, 4>, input = ufixed<3, 2>, outputs = fixed<8, 4> };
property low(t in [-1, 0, 1/2, 1, 2, 50, 100]) = forall x: f.input: f(x)[0] <= t;
property first(t in [-2, 0, 1/4, 3, 9]) = forall x: f.input where x[0] >= 0.3: f(x)[0] + t >= f(x)[1] or x[1] + f(x)[0] <= 0;
property of_floats(t in [-3, -1/2, 0, 1/2, 3, 6]) = forall x: g.input where x[0] + x[1] <= 2: g(x)[0] <= g(x)[1] + t;
";
    let place = place().with("a.qnn", spec);
    let formats =
        ["--weights=fixed<6, 4>", "--activations=ufixed<6, 4>", "--input=ufixed<3, 2>", "--option=outputs=fixed<8, 4>"];
    let (_, report) = place.json(&["verify", "a.qnn", "--json"]);
    let results = report["specs"][0]["results"].as_array().expect("results");
    assert_eq!(results.len(), 18);
    let (mut sat, mut unsat) = (0, 0);
    for result in results {
        let name = result["name"].as_str().expect("a name");
        let expected = if result["verdict"] == "proved" { "unsat" } else { "sat" };
        for version in ["--vnnlib", "--vnnlib=2"] {
            let shown = place.run(&["export", version, "a.qnn", "--filter", name, "-o", "out"]);
            assert!(shown.starts_with("exit 0\n"), "{shown}");
            let file =
                std::fs::read_dir(place.path("out")).expect("a folder").next().expect("a file").expect("a file").path();
            std::fs::rename(&file, place.path("a.vnnlib")).expect("a temporary folder");
            let (model, options) = match name.starts_with("of_floats") {
                true => ("float.onnx", &formats[..]),
                false => ("tiny.onnx", &["--kernel=ort"][..]),
            };
            let shown = place.run(&[&["solve", model, "a.vnnlib"], options].concat());
            assert!(shown.starts_with(&format!("exit 0\n--- stdout\n{expected}\n")), "{name} {version}: {shown}");
        }
        if expected == "sat" { sat += 1 } else { unsat += 1 }
    }
    assert!(sat >= 4 && unsat >= 4, "{sat} and {unsat}");
}

#[test]
fn what_is_wrong_is_no_answer() {
    let place = place()
        .with("good.vnnlib", first(""))
        .with("bad.vnnlib", first("(assert (<= Y_2 0))"))
        .with("three.vnnlib", first("(declare-const X_2 Real)"))
        .with("typed.vnnlib", second("").replace("Real", "float32"))
        .with("shape.vnnlib", second("").replace("[1,2])", "[2,2])"))
        .with("binary.vnnlib", b"\xff\xfe")
        .with("broken.onnx", b"not a model");
    let commands: &[&[&str]] = &[
        &["solve", "tiny.onnx"],
        &["solve", "missing.onnx", "good.vnnlib"],
        &["solve", "tiny.onnx", "missing.vnnlib"],
        &["solve", "tiny.onnx", "good.vnnlib"],
        &["solve", "tiny.onnx", "good.vnnlib", "--kernel", "tflm2"],
        &["solve", "tiny.onnx", "good.vnnlib", "--weights", "fixed<8, 4>"],
        &["solve", "float.onnx", "good.vnnlib", "--kernel", "ort"],
        &["solve", "float.onnx", "good.vnnlib", "--weights", "fixed<8"],
        &["solve", "float.onnx", "good.vnnlib", "--spec", "a.qnn"],
        &["solve", "tiny.onnx", "good.vnnlib", "--kernel", "ort", "--proof", "a.qnnproof"],
        &["solve", "tiny.onnx", "bad.vnnlib", "--kernel", "ort"],
        &["solve", "tiny.onnx", "three.vnnlib", "--kernel", "ort"],
        &["solve", "float.onnx", "typed.vnnlib"],
        &["solve", "tiny.onnx", "shape.vnnlib", "--kernel", "ort"],
        &["solve", "tiny.onnx", "binary.vnnlib", "--kernel", "ort"],
        &["solve", "broken.onnx", "good.vnnlib", "--kernel", "ort"],
        &["solve", "good.vnnlib"],
        &["solve", "good.vnnlib", "--network", "other=tiny.onnx"],
        &["solve", "good.vnnlib", "--network", "tiny.onnx"],
    ];
    let shown: Vec<String> =
        commands.iter().map(|command| format!("$ qnn {}\n{}", command.join(" "), place.run(command))).collect();
    for shown in &shown {
        assert!(shown.contains("\nexit 3\n") && !shown.contains("--- stdout"), "{shown}");
    }
    snapshot!("solve_wrong", shown.join("\n"));
}

/// An answer about a network of formats that lose weights says so; what else a spec that nobody wrote is warned of is left out.
#[test]
fn weights_that_saturate_are_told() {
    let place = place().with("a.vnnlib", first("(assert (>= X_0 0.25))"));
    let formats = ["--activations", "ufixed<8, 6>", "--input", "fixed<8, 6>"];
    let told = place.run(&[&["solve", "float.onnx", "a.vnnlib", "--weights", "fixed<4, 4>"][..], &formats].concat());
    assert!(told.starts_with("exit 0\n--- stdout\nsat\n") && told.contains("warning[W0405]"), "{told}");
    assert_eq!(told.matches("warning").count(), 1, "{told}");
    let wide = place.run(&[&["solve", "float.onnx", "a.vnnlib", "--weights", "fixed<8, 6>"][..], &formats].concat());
    assert!(!wide.contains("warning"), "{wide}");
}
