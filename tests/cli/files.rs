//! Files that a command writes: reports to compare, bundles, exports, the store; and what is in their way.

use crate::FAILS;
use crate::place::{Place, npy, root};
use std::process::Command;

#[test]
fn reports_are_compared_by_their_specs_names() {
    let place = Place::new();
    place.write("one/a.qnn", FAILS);
    place.write("two/a.qnn", FAILS.replace("[2, 3]", "[1, 3]"));
    place.write("two/b.qnn", FAILS);
    for (spec, report) in [("one/a.qnn", "one.json"), ("two/a.qnn", "two.json"), ("two/b.qnn", "b.json")] {
        place.run(&["report", spec, "-o", report]);
    }
    let shown = place.run(&["diff", "one.json", "two.json"]);
    assert!(shown.contains("1 instance compared, 1 the same") && shown.contains("1 not asked any more"), "{shown}");
    let shown = place.run(&["diff", "one.json", "b.json"]);
    assert!(shown.starts_with("exit 3\n") && shown.contains("nothing was compared"), "{shown}");
    let shown = place.run(&["diff", "one.json", "b.json", "--spec", "a.qnn=b.qnn"]);
    assert_eq!(shown, "exit 0\n--- stdout\nnothing changed: 2 instances compared\n");
    let shown = place.run(&["diff", "one.json", "b.json", "--spec", "c.qnn=b.qnn"]);
    assert!(shown.starts_with("exit 3\n") && shown.contains("the older report has no spec `c.qnn`"), "{shown}");
}

#[test]
fn a_model_gets_a_first_spec() {
    let model = std::fs::read(root().join("tests/fixtures/models/tiny.tflite")).expect("a model");
    let place = Place::new().with("models/tiny.tflite", &model).with("specs/keep.qnn", "");
    let shown = place.run(&["import", "models/tiny.tflite"]);
    assert!(shown.contains("network tiny = import \"models/tiny.tflite\" { kernel = tflm };"), "{shown}");
    assert!(shown.contains("//     x: tiny.input from \"samples.npy\" raw;"), "{shown}");
    // Bytes without a sign are no integers of this model: they are values.
    place.write("x.npy", npy("3, 2", &[0, 1, 2, 3, 4, 5]));
    place.run(&["import", "models/tiny.tflite", "--kernel", "xnnpack", "--samples", "x.npy", "-o", "tiny.qnn"]);
    assert!(place.read("tiny.qnn").contains("x: tiny.input from \"x.npy\";"));
    let shown = place.run(&["verify", "tiny.qnn", "greatest", "of_class"]);
    assert!(shown.contains("greatest") && shown.contains("2 found"), "{shown}");
    for (arguments, message) in [
        (["import", "models/tiny.tflite", "-o", "tiny.qnn"], "is there already, and is left as it is"),
        (["import", "models/tiny.tflite", "--kernel", "ort"], "no kernel `ort` runs .tflite files"),
        (["import", "models/tiny.tflite", "--samples", "none.npy"], "does not exist"),
        (["import", "x.npy", "--kernel", "tflm"], "is neither a .tflite nor an .onnx file"),
    ] {
        let shown = place.run(&arguments);
        assert!(shown.starts_with("exit 3\n") && shown.contains(message), "{shown}");
    }
}

#[test]
fn a_bundle_is_checked_under_its_filter() {
    let place = Place::new().with("a.qnn", FAILS);
    place.run(&["bundle", "a.qnn", "-o", "a.zip", "--filter", "fails(limit = 3)"]);
    let shown = place.run(&["check-proof", "a.zip"]);
    assert!(shown.starts_with("exit 0\n"), "{shown}");
    assert!(shown.contains("only about what matches `fails(limit = 3)`: 1 instance is left out"), "{shown}");
    place.run(&["bundle", "a.qnn", "-o", "all.zip"]);
    assert!(!place.run(&["check-proof", "all.zip"]).contains("left out"));
}

#[test]
fn exports_are_named_by_their_instances() {
    let place = Place::new();
    place.run(&["new", "a"]);
    snapshot!(place.run(&["export", "--smt2", "a.qnn", "-o", "out"]));
    let mut names: Vec<String> = std::fs::read_dir(place.path("out"))
        .expect("the folder was made")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names[0], "agrees_bits6.smt2");
    assert_eq!(names.len(), 6);
}

#[test]
fn the_cache_can_be_listed_and_cleared() {
    let place = Place::new();
    place.run(&["new"]);
    place.run(&["verify", "first.qnn", "never*"]);
    let listed = place.run(&["cache", "list"]);
    assert!(listed.contains("never_heats_a_warm_room") && listed.contains("proved"), "{listed}");
    assert!(place.run(&["cache", "clear"]).contains("forgotten"));
    assert!(place.run(&["cache", "list"]).contains("0 verdicts"));
    let state = place.run(&["cache"]);
    assert!(state.contains("0 verdicts, 0 certificates: 0 bytes of at most 2 GiB at …/cache"), "{state}");
}

/// A store whose files are no files answers nothing, and holds nothing up.
#[cfg(unix)]
#[test]
fn a_store_of_pipes_is_passed_over() {
    let place =
        Place::new().with("a.qnn", "property p = forall x: int<4>: x <= 7;\nproperty q = forall x: int<4>: x <= 6;\n");
    let first = place.run(&["verify", "a.qnn"]);
    let mut pending = vec![place.path("cache")];
    while let Some(folder) = pending.pop() {
        for path in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if path.is_dir() {
                pending.push(path);
                continue;
            }
            std::fs::remove_file(&path).expect("a file of the store");
            assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
        }
    }
    let again = place.run(&["verify", "a.qnn"]);
    assert!(again.starts_with("exit 1") && again.contains("a named pipe, not a file"), "{again}");
    assert!(again.contains("1 proved") && first.contains("1 proved"), "{again}");
}

/// A file that can't be written is told before anything is verified.
#[test]
fn missing_folders_of_outputs_are_told_first() {
    let place = Place::new().with("a.qnn", "property p = forall x: int<4>: x <= 7;\n");
    for arguments in [
        ["verify", "a.qnn", "--proof", "none/a.qnnproof"].as_slice(),
        &["report", "a.qnn", "-o", "none/a.html"],
        &["bundle", "a.qnn", "-o", "none/a.zip"],
    ] {
        let shown = place.run(arguments);
        assert!(shown.starts_with("exit 3") && shown.contains("there is no folder `none`"), "{shown}");
    }
    assert!(!place.path("cache").exists(), "nothing was verified");
}

/// What a killed run left is cleared by the next one that writes there.
#[cfg(unix)]
#[test]
fn unfinished_files_are_cleared() {
    let place = Place::new()
        .with("a.qnn", "property p = forall x: int<4>: x <= 7;\n")
        .with(".unfinished-qnn-left", "half")
        .with(".unfinished-mine", "keep");
    let left = place.path(".unfinished-qnn-left");
    let file = std::fs::File::options().write(true).open(&left).expect("it is there");
    file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(60)).expect("its time");
    drop(file);
    let shown = place.run(&["report", "a.qnn", "-o", "a.html"]);
    assert!(shown.starts_with("exit 0") && !left.exists(), "{shown}");
    assert!(place.path(".unfinished-mine").exists());
}
