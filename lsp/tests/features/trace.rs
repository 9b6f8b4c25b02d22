//! `qnn/trace`.

use crate::support::{Client, Folder, SMALL};
use serde_json::{Value, json};

const BALL: &str = "
type T = int<4>;
network net(x: T[2]) -> int<8>[2] {
    let h = relu(dense(x, [[1, 0], [-1, 1], [2, 0]], [0, 0, 0])) as uint<3>;
    dense(h, [[1, 1, 0], [0, 0, 1]], [0, 0]) as int<8>
}
property p = forall x in ball([1, 1] as T, 2 lsb): net(x)[1] <= 5;
property q = forall x in ball([1, 1] as T, 2 lsb): net(x)[1] <= 7;
";

#[test]
fn a_counterexample_is_told_layer_by_layer() {
    let folder = Folder::new();
    let uri = folder.uri("test.qnn");
    let mut client = Client::inside(None, None);
    client.initialize(json!({}));
    client.open(&uri, BALL);
    client.settled(&uri, 1);
    let trace = client.request("qnn/trace", json!({ "uri": uri, "instance": "p" }));
    assert_eq!(trace["problem"], Value::Null, "{trace}");
    let layers = trace["calls"][0]["layers"].as_array().expect("layers");
    let operations: Vec<&str> = layers.iter().map(|l| l["operation"].as_str().expect("an operation")).collect();
    assert_eq!(operations, ["input", "dense 2 → 3", "relu", "as uint<3>", "dense 3 → 2", "as int<8>"]);
    assert_eq!((&layers[3]["name"], &layers[3]["original"]), (&json!("h"), &json!([1, 0, 2])));
    // What breaks it: twice the first input is more than 5.
    assert_eq!((&layers[0]["attacked"][0], &layers[3]["attacked"][2]), (&json!(3), &json!(6)));
    let view = client.request("qnn/network", json!({ "uri": uri }));
    assert_eq!(view["layers"].as_array().expect("layers").len(), layers.len());

    let none = client.request("qnn/trace", json!({ "uri": uri, "instance": "q" }));
    assert!(none["problem"].as_str().is_some_and(|text| text.contains("no counterexample")), "{none}");
    client.leave();
}

#[test]
fn without_a_ball_there_is_one_side() {
    let folder = Folder::new();
    let uri = folder.uri("test.qnn");
    let mut client = Client::inside(None, None);
    client.initialize(json!({}));
    client.open(&uri, SMALL);
    client.settled(&uri, 1);
    let trace = client.request("qnn/trace", json!({ "uri": uri, "instance": "never_below" }));
    let layers = trace["calls"][0]["layers"].as_array().expect("layers");
    assert!(layers.iter().all(|layer| layer["original"].is_null() && layer["attacked"].is_array()), "{trace}");
    client.leave();
}
