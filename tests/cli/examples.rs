//! The shipped examples: what their pages say of them, and what a user sees of them.

use crate::benchmark;
use crate::place::{Place, root};
use std::path::Path;

#[test]
fn the_tour_verifies() {
    snapshot!(Place::new().run_on_examples(&["verify", "examples/tour.qnn"]));
}

#[test]
fn digits_are_checked() {
    snapshot!(Place::new().run_on_examples(&["check", "examples/digits/digits.qnn"]));
}

#[test]
fn digits_are_fooled_with_four_bits() {
    // Which counterexample is found is the engine's to choose; that there is one, and its picture, is not.
    let place = Place::new();
    let shown = place.run_on_examples(&["verify", "examples/digits/digits.qnn", "fooled*"]);
    assert!(shown.starts_with("exit 0\n"), "{shown}");
    for part in ["2 violated as expected", "argmax 4 → ", "argmax 8 → ", "changed, ≤ 0.125", "original"] {
        assert!(shown.contains(part), "no «{part}» in {shown}");
    }
}

#[test]
fn digits_and_convolutions_are_robust() {
    let place = Place::new();
    snapshot!(place.run_on_examples(&["verify", "examples/digits/digits.qnn", "*robust*"]));
    snapshot!("conv_is_robust", place.run_on_examples(&["verify", "examples/conv/conv.qnn"]));
}

#[test]
fn models_are_as_their_specs_say() {
    let place = Place::new();
    for name in ["tflite", "qdq", "qoperator", "w3a3", "binary"] {
        let spec = format!("examples/models/digits_{name}.qnn");
        let shown = place.run_on_examples(&["verify", &spec, "-t", "60s"]);
        assert!(shown.starts_with("exit 0\n") && shown.contains("all as expected"), "{shown}");
    }
}

#[test]
fn students_are_treated_unfairly_with_six_bits() {
    let shown = Place::new().run_on_examples(&["verify", "examples/students/students.qnn", "fair_with_six_bits"]);
    assert!(shown.starts_with("exit 0\n") && shown.contains("violated, as expected"), "{shown}");
}

#[test]
fn studies_say_what_their_page_says() {
    let place = Place::new();
    let shown = place.run_on_examples(&["verify", "examples/studies/error.qnn"]);
    for (bits, error) in [(6, "0.422632"), (7, "0.133334"), (8, "0.071999"), (9, "0.034873"), (10, "0.017155")] {
        assert!(shown.contains(&format!("quantization_error(bits = {bits})  ✓ = ≈{error}")), "{shown}");
    }
}

/// The first image of the quick version of a study.
#[test]
#[ignore = "needs data beside the repository: tests/run looks for it"]
fn a_study_of_images_says_what_its_page_says_with_data() {
    let images = benchmark::shared("data/mnist");
    let place = Place::new();
    let folder = tempfile::tempdir().expect("a folder");
    let copy = |from: &Path| {
        let to = folder.path().join(from.parent().and_then(Path::file_name).expect("a folder's name"));
        std::fs::create_dir_all(&to).expect("a folder");
        std::fs::copy(from, to.join(from.file_name().expect("a name"))).expect("a copy");
    };
    ["mnist/mnist.qnn", "mnist/mnist.npz", "mnist/mnist-100.npz", "studies/quick.qnn"]
        .iter()
        .for_each(|name| copy(&root().join("examples").join(name)));
    ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"].iter().for_each(|name| copy(&images.join(name)));
    let spec = folder.path().join("studies/quick.qnn");
    let shown = place.run(&["verify", spec.to_str().expect("a path in UTF-8"), "robust(*i = 0)", "-t", "60s"]);
    assert!(shown.starts_with("exit 0\n") && shown.contains("✓ 20 proved"), "{shown}");
}

#[test]
fn accuracies_are_those_of_the_readme() {
    snapshot!(Place::new().run_on_examples(&["eval", "examples/digits/digits.qnn"]));
}

#[test]
fn eval_shows_layers_and_json() {
    let place = Place::new();
    let tour = "examples/tour.qnn";
    snapshot!(place.run_on_examples(&["eval", tour, "side", "--input", "1,0.55", "--layers=all"]));
    snapshot!("eval_json", place.run_on_examples(&["eval", tour, "side", "--json", "--samples", "0..2"]));
    snapshot!("eval_samples", place.run_on_examples(&["eval", tour, "side_in", "-g", "6", "--samples", "0..=3"]));
}

#[test]
fn show_says_what_a_network_takes() {
    let place = Place::new();
    snapshot!(place.run_on_examples(&["show", "examples/tour.qnn"]));
    snapshot!("show_json", place.run_on_examples(&["show", "examples/tour.qnn", "side", "--json"]));
}
