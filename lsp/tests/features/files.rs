//! `qnn/model`, `qnn/tensors`, `qnn/samples` and `qnn.createSpec`.

use crate::support::{Client, Folder};
use serde_json::{Value, json};

const MODEL: &[u8] = include_bytes!("../../../tests/fixtures/models/tiny.tflite");

/// A server, and a folder with a model, what is no model, and data.
fn begun() -> (Client, Folder) {
    let folder = Folder::new();
    folder.write("tiny.tflite", MODEL);
    folder.write("broken.tflite", "no model");
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");
    for name in ["digits/digits.npz", "digits/test_images.npy", "digits/test_labels.npy"] {
        let target = folder.path(name.rsplit('/').next().expect("a name"));
        std::fs::copy(format!("{examples}/{name}"), target).expect("data");
    }
    std::fs::copy(format!("{examples}/bits/digits.onnx"), folder.path("float.onnx")).expect("a model");
    let mut client = Client::inside(None, None);
    client.initialize(json!({ "verification": { "run": "never" } }));
    (client, folder)
}

#[test]
fn a_model_file_tells_what_it_holds_and_by_which_kernels() {
    let (mut client, folder) = begun();
    let uri = folder.uri("tiny.tflite");
    let model = client.request("qnn/model", json!({ "uri": uri }));
    assert_eq!((&model["kind"], &model["bytes"]), (&json!("TensorFlow Lite"), &json!(MODEL.len())));
    assert_eq!(model["inputs"][0]["element"], "int8");
    assert_eq!(model["inputs"][0]["shape"], json!([1, 2]));
    assert_eq!(
        model["operators"],
        json!([{ "name": "FULLY_CONNECTED", "count": 2 }, { "name": "SOFTMAX", "count": 1 }])
    );
    assert_eq!(model["kernels"].as_array().expect("kernels").len(), 4);
    assert_eq!(model["floats"], json!(false));
    assert_eq!(model["samples"], json!([{ "name": "test_images.npy", "labels": "test_labels.npy" }]));

    // What holds floats has no kernels.
    let float = client.request("qnn/model", json!({ "uri": folder.uri("float.onnx") }));
    assert_eq!((&float["floats"], &float["kernels"]), (&json!(true), &json!([])));

    let network = client.request("qnn/network", json!({ "uri": uri, "kernel": "xnnpack" }));
    assert_eq!((&network["problem"], &network["kernel"]["name"]), (&Value::Null, &json!("xnnpack")));
    let layers = network["layers"].as_array().expect("layers");
    assert_eq!(
        layers.iter().map(|l| l["role"].as_str().expect("a role")).collect::<Vec<_>>(),
        ["input", "hidden", "output"]
    );
    assert_eq!(layers[2]["reads"], json!([1]));
    assert_eq!(layers[1]["accumulatorAvailable"], 32);
    assert!(layers[1]["overFormats"]["accumulator"]["bits"].as_u64().expect("bits") <= 32);

    let broken = client.request("qnn/model", json!({ "uri": folder.uri("broken.tflite") }));
    assert!(broken["problem"]["message"].as_str().is_some_and(|text| text.ends_with('.')), "{broken}");
    let none = client.request("qnn/model", json!({ "uri": folder.uri("none.onnx") }));
    assert!(none["problem"]["message"].as_str().is_some_and(|text| text.starts_with("none.onnx ")), "{none}");
    client.leave();
}

#[test]
fn data_files_are_tables_and_pictures_with_their_labels() {
    let (mut client, folder) = begun();
    let file = client.request("qnn/tensors", json!({ "uri": folder.uri("digits.npz") }));
    let tensors = file["tensors"].as_array().expect("tensors");
    assert!(tensors.iter().any(|t| t["name"] == "fc1.weight" && t["shape"] == json!([32, 64])), "{file}");
    assert!(tensors.iter().all(|t| t["values"]["range"].is_array()), "{file}");

    let uri = folder.uri("test_images.npy");
    let images = client.request("qnn/tensors", json!({ "uri": uri }));
    assert_eq!((&images["tensors"][0]["name"], &images["tensors"][0]["pictures"]), (&Value::Null, &json!(450)));
    let samples = client.request("qnn/samples", json!({ "uri": uri, "from": 448, "count": 10 }));
    assert_eq!(samples["labelledBy"], "test_labels.npy");
    let shown = samples["samples"].as_array().expect("samples");
    assert_eq!(shown.iter().map(|s| s["index"].as_u64().expect("an index")).collect::<Vec<_>>(), [448, 449]);
    assert!(
        shown.iter().all(|s| s["png"].as_str().is_some_and(|png| png.starts_with("iVBOR")) && s["label"].is_string())
    );

    let wrong = client.request("qnn/tensors", json!({ "uri": folder.uri("tiny.tflite") }));
    assert!(wrong["problem"]["message"].as_str().is_some_and(|text| text.contains("is a TFLite model")), "{wrong}");
    let id = client.ask("qnn/samples", json!({ "uri": folder.uri("digits.npz"), "tensor": "fc1.bias", "count": 1 }));
    assert!(client.answer(id)["error"]["message"].as_str().is_some_and(|text| text.contains("no stack of images")));
    client.leave();
}

#[test]
fn a_spec_is_written_beside_a_model_for_every_editor() {
    let (mut client, folder) = begun();
    let uri = folder.uri("tiny.tflite");
    let created = client.command("qnn.createSpec", json!({ "uri": uri, "kernel": "xnnpack" }));
    assert_eq!(created["uri"], folder.uri("tiny.qnn"));
    let again = client.command("qnn.createSpec", json!({ "uri": uri }));
    assert_eq!(again["uri"], folder.uri("tiny_2.qnn"));
    let text = std::fs::read_to_string(folder.path("tiny.qnn")).expect("a spec");
    assert!(text.contains("kernel = xnnpack"), "{text}");
    let created = client.command("qnn.createSpec", json!({ "uri": folder.uri("float.onnx") }));
    assert_eq!(created["uri"], folder.uri("float.qnn"));
    let text = std::fs::read_to_string(folder.path("float.qnn")).expect("a spec");
    assert!(text.contains("weights = fixed<bits"), "{text}");
    for _ in 0..3 {
        client.told("where it is", |text| text.contains(".qnn"));
    }
    let arguments = json!([{ "uri": folder.uri("broken.tflite") }]);
    let id = client.ask("workspace/executeCommand", json!({ "command": "qnn.createSpec", "arguments": arguments }));
    assert!(client.answer(id)["error"]["message"].as_str().is_some_and(|text| text.contains("can't be imported")));
    client.leave();
}
