//! What onnxruntime and QONNX compute, tensor by tensor: small models with integers that `tests/onnx/golden.py` wrote.

use qnn_import::{ImportedTensor, Kernel, Options, Storage, float_network, import};
use qnn_ir::interpret;
use qnn_ir::rational::parse_exact;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx")
}

/// The options of a model, from the first line of its file.
fn options(line: &str) -> Options {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [kernel, vnni, storages @ ..] = words.as_slice() else { panic!("a kernel and a flag: {line}") };
    let storage = |text: &&str| {
        let [width, signed, scale, zero] = text.split(':').collect::<Vec<_>>()[..] else { panic!("a storage: {text}") };
        Storage {
            width: width.parse().unwrap(),
            signed: signed == "1",
            scale: parse_exact(scale).unwrap(),
            zero: zero.parse().unwrap(),
            symmetric: false,
        }
    };
    Options {
        kernel: if *vnni == "1" && *kernel == "ort" { Kernel::OrtVnni } else { Kernel::by_name(kernel).unwrap() },
        inputs: storages.iter().map(storage).collect(),
        until: None,
    }
}

fn zero(tensor: &ImportedTensor) -> i128 {
    tensor.storage.as_ref().map_or(0, |storage| i128::from(storage.zero))
}

fn integers(words: &str) -> Vec<i128> {
    words.split_whitespace().map(|word| word.parse().unwrap()).collect()
}

#[test]
fn every_tensor_is_the_runtimes() {
    let (mut models, mut compared) = (0, 0);
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "txt") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        if text.starts_with("float") {
            continue;
        }
        let mut lines = text.lines();
        let options = options(lines.next().unwrap());
        let bytes = std::fs::read(path.with_extension("onnx")).unwrap();
        let network = import(&bytes, &options).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut values = Vec::new();
        for line in lines {
            let (name, words) = line.split_once(' ').unwrap();
            let wanted = integers(words);
            if name == "sample" {
                let mut rest = wanted.as_slice();
                let inputs: Vec<Vec<i128>> = network
                    .inputs
                    .iter()
                    .map(|input| {
                        let (these, others) = rest.split_at(network.graph.len(input.node));
                        rest = others;
                        these.iter().map(|v| v - zero(input)).collect()
                    })
                    .collect();
                values = interpret(&network.graph, &inputs).unwrap();
                continue;
            }
            let mut tensors = network.layers.iter().map(|l| &l.tensor).chain(&network.outputs);
            let tensor = tensors.find(|t| &*t.name == name).unwrap_or_else(|| panic!("{name} of {}", path.display()));
            let found: Vec<i128> = values[tensor.node.index()].iter().map(|v| v + zero(tensor)).collect();
            assert_eq!(found, wanted, "{name} of {}", path.display());
            let ranges = &network.ranges[tensor.node.index()];
            assert!(values[tensor.node.index()].iter().zip(ranges).all(|(v, range)| range.contains(*v)), "{name}");
            compared += found.len();
        }
        models += 1;
    }
    assert!(models >= 60 && compared >= 20_000, "{models} models, {compared} integers");
}

/// A tensor within the network is an output, if it is asked for.
#[test]
fn until_a_tensor() {
    let text = std::fs::read_dir(folder()).unwrap().map(|e| e.unwrap().path());
    let mut paths: Vec<PathBuf> = text.filter(|p| p.extension().is_some_and(|e| e == "txt")).collect();
    paths.sort();
    for path in &paths {
        let text = std::fs::read_to_string(path).unwrap();
        if text.starts_with("float") {
            continue;
        }
        let options = options(text.lines().next().unwrap());
        let bytes = std::fs::read(path.with_extension("onnx")).unwrap();
        let network = import(&bytes, &options).unwrap();
        for layer in network.layers.iter().filter(|layer| !layer.tensor.name.is_empty()) {
            let until = Options { until: Some(layer.tensor.name.clone()), ..options.clone() };
            let part =
                import(&bytes, &until).unwrap_or_else(|e| panic!("{} of {}: {e}", layer.tensor.name, path.display()));
            assert_eq!(part.outputs.len(), 1);
            assert_eq!(part.outputs[0].shape, layer.tensor.shape);
            assert_eq!(part.outputs[0].storage, layer.tensor.storage);
        }
    }
}

/// The structure of float networks, evaluated in doubles, is near what onnxruntime computes in floats.
#[test]
fn float_networks_are_onnxruntimes() {
    let (mut models, mut compared) = (0, 0);
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let Some(text) = std::fs::read_to_string(&path).ok().filter(|text| text.starts_with("float")) else { continue };
        let network = float_network(&std::fs::read(path.with_extension("onnx")).unwrap(), None).unwrap();
        let mut values = Vec::new();
        for line in text.lines().skip(1) {
            let (name, words) = line.split_once(' ').unwrap();
            let wanted: Vec<f64> = words.split_whitespace().map(|word| word.parse().unwrap()).collect();
            if name == "sample" {
                values = network.evaluate(&[wanted]).unwrap();
                continue;
            }
            let at = network.tensors.iter().position(|tensor| &*tensor.name == name).unwrap();
            let scale = wanted.iter().fold(1.0, |most: f64, v| most.max(v.abs()));
            assert_eq!(values[at].len(), wanted.len());
            let near = values[at].iter().zip(&wanted).all(|(a, b)| (a - b).abs() <= 2e-4 * scale);
            assert!(near, "{name} of {}: {:?} instead of {wanted:?}", path.display(), values[at]);
            compared += wanted.len();
        }
        assert!(network.outputs.iter().all(|output| *output < network.tensors.len()));
        models += 1;
    }
    assert!(models >= 8 && compared >= 500, "{models} models, {compared} floats");
}
