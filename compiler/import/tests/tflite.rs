//! TFLite files against the runtimes: vectors of random small graphs (`tests/tflite/compare.py vectors`), and golden vectors of shipped models.

use base64::Engine;
use qnn_import::{ImportedNetwork, ImportedTensor, Kernel, Options, import, summary};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

fn options(kernel: Kernel) -> Options {
    Options { kernel, inputs: Vec::new(), until: None }
}

fn zero(tensor: &ImportedTensor) -> i128 {
    tensor.storage.as_ref().map_or(0, |storage| i128::from(storage.zero))
}

/// The stored integers of every layer for stored inputs.
fn layers(network: &ImportedNetwork, inputs: &[Vec<i64>]) -> Vec<(String, Vec<i64>)> {
    let centred = network.inputs.iter().zip(inputs);
    let centred: Vec<Vec<i128>> =
        centred.map(|(tensor, values)| values.iter().map(|v| i128::from(*v) - zero(tensor)).collect()).collect();
    let values = qnn_ir::interpret(&network.graph, &centred).expect("no overflow");
    // What is proved of all inputs holds for this one.
    for (node, ranges) in values.iter().zip(network.ranges.iter()) {
        assert!(node.iter().zip(ranges).all(|(v, range)| (range.lo..=range.hi).contains(v)));
    }
    let stored = |tensor: &ImportedTensor| {
        values[tensor.node.index()].iter().map(|v| i64::try_from(v + zero(tensor)).expect("a stored integer")).collect()
    };
    network.layers.iter().map(|layer| (layer.tensor.name.to_string(), stored(&layer.tensor))).collect()
}

fn integers(value: &Value) -> Vec<i64> {
    value.as_array().expect("a list").iter().map(|v| v.as_i64().expect("an integer")).collect()
}

/// What each kernel's runtime computed of small graphs of every operator.
#[test]
fn small_graphs_equal_their_runtimes() {
    // By how the integers of a graph are stored; int8 where its name does not begin with that.
    let mut compared = BTreeMap::from(["int4", "int16", "uint8", "int8"].map(|kind| (kind, 0)));
    for line in include_str!("tflite_vectors.jsonl").lines() {
        let case: Value = serde_json::from_str(line).expect("a vector");
        let name = case["name"].as_str().expect("a name");
        let model =
            base64::engine::general_purpose::STANDARD.decode(case["model"].as_str().expect("a model")).expect("base64");
        let inputs: Vec<Vec<i64>> = case["inputs"].as_array().expect("inputs").iter().map(integers).collect();
        for kernel in [Kernel::Tflm, Kernel::LitertReference, Kernel::Xnnpack] {
            let expected: Vec<(&str, Vec<i64>)> = case["layers"]
                .as_array()
                .expect("layers")
                .iter()
                .filter(|layer| layer[1].as_array().expect("kernels").iter().any(|k| k == kernel.name()))
                .map(|layer| (layer[0].as_str().expect("a tensor"), integers(&layer[2])))
                .collect();
            let network = match import(&model, &options(kernel)) {
                Ok(network) => network,
                Err(error) if may_be_refused(&error.to_string()) => continue,
                Err(error) => panic!("{name} by {}: {error}", kernel.name()),
            };
            for (tensor, values) in layers(&network, &inputs) {
                if let Some((_, expected)) = expected.iter().find(|(name, _)| *name == tensor) {
                    assert_eq!(&values, expected, "{name} by {}: {tensor}", kernel.name());
                    let kind = ["int4", "int16", "uint8"].into_iter().find(|kind| name.starts_with(kind));
                    *compared.entry(kind.unwrap_or("int8")).or_default() += values.len();
                }
            }
        }
    }
    let enough = BTreeMap::from([("int4", 200), ("int16", 4_000), ("uint8", 4_000), ("int8", 10_000)]);
    assert!(compared.iter().all(|(kind, count)| *count > enough[kind]), "{compared:?} integers were compared");
}

/// Operators that a runtime does not have, or that are not the same on all machines.
fn may_be_refused(error: &str) -> bool {
    let reasons = [
        "does not have",
        "don't have",
        "LiteRT refuses",
        "does not compute them",
        "differs between",
        "does not take",
        "versions of TensorFlow Lite Micro differ",
        "LiteRT takes int16 for other numbers",
        "LiteRT adds int16 by shifts",
    ];
    reasons.iter().any(|reason| error.contains(reason))
}

fn shared(path: &str) -> Option<Vec<u8>> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("QNN_SHARED").map_or(beside, PathBuf::from).join("models");
    let bytes = std::fs::read(folder.join(path)).ok();
    if bytes.is_none() {
        eprintln!("skipped: {path} is not among the data beside the repository");
    }
    bytes
}

/// The arrays of an archive in its order: the input, then those of the operators' outputs.
fn arrays(bytes: &[u8]) -> Vec<(String, Vec<usize>, Vec<i64>)> {
    let mut archive = npyz::npz::NpzArchive::new(std::io::Cursor::new(bytes)).expect("an archive");
    let count = archive.zip_archive().len();
    let name = |i| archive.zip_archive().by_index(i).expect("there").name().trim_end_matches(".npy").to_string();
    let names: Vec<String> = (0..count).map(name).collect();
    let read = |name: String| {
        let array = archive.by_name(&name).expect("readable").expect("there");
        let shape = array.shape().iter().map(|n| *n as usize).collect();
        (name, shape, array.into_vec::<i8>().expect("int8").into_iter().map(i64::from).collect())
    };
    names.into_iter().map(read).collect()
}

/// Every layer of five shipped models under three runtimes.
#[test]
fn shipped_models_equal_their_golden_vectors() {
    for name in ["hello_world_int8", "micro_speech_int8", "kws_int8", "ad01_int8", "resnet8_int8"] {
        let (Some(model), Some(golden)) =
            (shared(&format!("files/{name}.tflite")), shared(&format!("golden/{name}.npz")))
        else {
            return;
        };
        let arrays = arrays(&golden);
        let (_, shape, inputs) = &arrays[0];
        for (kernel, variant) in
            [(Kernel::Tflm, "tflm"), (Kernel::LitertReference, "reference"), (Kernel::Xnnpack, "xnnpack")]
        {
            let network = import(&model, &options(kernel)).unwrap_or_else(|error| panic!("{name}: {error}"));
            let of: Vec<_> = arrays.iter().filter(|(name, ..)| name.starts_with(&format!("{variant}/"))).collect();
            assert!(of.len() >= network.layers.len());
            let samples = shape[0].min(if network.graph.nodes.len() > 30 { 1 } else { 16 });
            for sample in 0..samples {
                let length = inputs.len() / shape[0];
                let input = inputs[sample * length..(sample + 1) * length].to_vec();
                for ((tensor, values), (array, shape, expected)) in layers(&network, &[input]).iter().zip(&of) {
                    let length = expected.len() / shape[0];
                    let expected = &expected[sample * length..(sample + 1) * length];
                    assert!(values == expected, "{name} by {variant}: {tensor}, {array}");
                }
            }
        }
    }
}

/// Operators that are not known are named, with their place and the reason.
#[test]
fn an_lstm_is_refused_by_name() {
    let Some(model) = shared("files/mnist_lstm_int8.tflite") else { return };
    for kernel in Kernel::for_extension("tflite") {
        let error = import(&model, &options(kernel)).expect_err("an LSTM is not supported").to_string();
        assert!(error.contains("UNIDIRECTIONAL_SEQUENCE_LSTM"), "{error}");
    }
    let summary = summary(&model, "tflite").expect("it can be described");
    assert!(summary.operators.iter().any(|(name, _)| name == "UNIDIRECTIONAL_SEQUENCE_LSTM"));
}

/// A network can end at any tensor of the file.
#[test]
fn a_network_ends_where_it_is_told() {
    let Some(model) = shared("files/kws_int8.tflite") else { return };
    let whole = import(&model, &options(Kernel::Tflm)).expect("a network");
    assert_eq!(whole.notes.len(), 1, "{:?}", whole.notes);
    for layer in &whole.layers {
        let until = Options { until: Some(layer.tensor.name.clone()), ..options(Kernel::Tflm) };
        let part = import(&model, &until).expect("a network");
        assert_eq!(part.outputs.len(), 1);
        assert_eq!((&part.outputs[0].name, &part.outputs[0].shape), (&layer.tensor.name, &layer.tensor.shape));
    }
    let nowhere = Options { until: Some("nowhere".into()), ..options(Kernel::Tflm) };
    assert!(import(&model, &nowhere).expect_err("no such tensor").to_string().contains("\"nowhere\""));
}
