//! Models that can't be imported exactly: what is said of each. `tests/onnx/refusals.py` writes them.

use qnn_import::{ImportError, Kernel, Options, import, summary};
use std::path::Path;

fn said(error: &ImportError) -> String {
    let help = error.help.as_ref().map_or_else(String::new, |help| format!("\n  help: {help}"));
    format!("{error}{help}")
}

#[test]
fn every_refusal_has_its_reason() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx/refused");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    let mut all = String::new();
    for path in paths {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let kernel = Kernel::by_name(name.split('_').next().unwrap()).unwrap();
        let options = Options { kernel, inputs: Vec::new(), until: None };
        let answer = match import(&std::fs::read(&path).unwrap(), &options) {
            Ok(network) => format!("accepted, {:?}", network.notes),
            Err(error) => said(&error),
        };
        all += &format!("{name}\n  {answer}\n");
    }
    insta::assert_snapshot!(all);
}

/// With VNNI, pairs of products are no reason.
#[test]
fn vnni_is_an_option() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx/refused/ort_pairs.onnx");
    let options = Options { kernel: Kernel::OrtVnni, inputs: Vec::new(), until: None };
    let network = import(&std::fs::read(path).unwrap(), &options).unwrap();
    assert_eq!(network.outputs[0].shape, [2]);
    assert!(network.notes.iter().any(|note| note.contains("VNNI")), "{:?}", network.notes);
}

#[test]
fn what_is_no_file() {
    let options = Options { kernel: Kernel::Ort, inputs: Vec::new(), until: None };
    insta::assert_snapshot!(said(&import(b"", &options).unwrap_err()), @"this is no ONNX file: it holds no graph");
    assert!(said(&import(b"not a protobuf at all", &options).unwrap_err()).starts_with("this is no ONNX file"));
    assert!(summary(b"\xff", "onnx").is_err());
}

#[test]
fn summaries() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "onnx"));
    paths.sort();
    let mut all = String::new();
    let first = |kind: &str| paths.iter().find(|p| p.file_name().unwrap().to_string_lossy().starts_with(kind)).unwrap();
    for path in ["static", "qdq", "qoperator", "qonnx"].map(first) {
        let model = summary(&std::fs::read(path).unwrap(), "onnx").unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        all += &format!("{name}: {model:#?}\n");
    }
    insta::assert_snapshot!(all);
}
