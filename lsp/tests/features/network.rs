//! `qnn/network` and `qnn.showNetwork`, of specs.

use super::opened;
use crate::support::{Folder, SMALL};
use serde_json::{Value, json};

#[test]
fn a_network_of_a_spec_is_told_layer_by_layer_with_places() {
    let folder = Folder::new();
    let (mut client, uri, _) = opened(&folder, SMALL);
    let view = client.request("qnn/network", json!({ "uri": uri }));
    assert_eq!((&view["name"], &view["networks"]), (&json!("side"), &json!(["side"])));
    let layers = view["layers"].as_array().expect("layers");
    let operations: Vec<&str> = layers.iter().map(|l| l["operation"].as_str().expect("an operation")).collect();
    assert_eq!(operations, ["input", "dense 2 → 1", "relu", "as ufixed<4, 2>", "dense 1 → 2", "as fixed<6, 3>"]);
    assert_eq!(
        layers.iter().map(|l| l["reads"].clone()).collect::<Vec<_>>(),
        [[].as_slice(), &[0], &[1], &[2], &[3], &[4]].map(|r| json!(r))
    );
    // `let h = relu(dense(…)) as Coord;` stands in line 8.
    assert_eq!(layers[3]["place"]["range"]["start"]["line"], 8);
    assert_eq!(view["place"]["range"]["start"]["line"], 7);
    assert_eq!(layers[3]["overFormats"]["neurons"]["all"], 1);
    assert_eq!(layers[3]["within"], Value::Null);
    assert_eq!(
        view["instances"],
        json!(["holds", "never_below", "family(i = 0)", "family(i = 1)", "family(i = 2)", "family(i = 3)"])
    );

    let narrow = client.request("qnn/network", json!({ "uri": uri, "network": "side", "instance": "family(i = 0)" }));
    assert_eq!(narrow["instance"], "family(i = 0)");
    let (all, some) = (&narrow["layers"][1]["overFormats"], &narrow["layers"][1]["within"]);
    let ends =
        |reach: &Value| (reach["least"].as_i64().expect("a number"), reach["greatest"].as_i64().expect("a number"));
    assert!(ends(some).0 >= ends(all).0 && ends(some).1 < ends(all).1, "{narrow}");

    // Without a network, that which the instance applies is meant.
    let applied = client.request("qnn/network", json!({ "uri": uri, "instance": "family(i = 0)" }));
    assert_eq!(applied, narrow);

    let none = client.request("qnn/network", json!({ "uri": uri, "network": "other" }));
    assert!(none["problem"]["message"].as_str().is_some_and(|text| text.contains("no network other")), "{none}");
    // A client without a view of its own gets a text.
    let lenses = client.request("textDocument/codeLens", json!({ "textDocument": { "uri": uri } }));
    let lens =
        lenses.as_array().expect("lenses").iter().find(|l| l["command"]["title"] == "Show layers").expect("a lens");
    client.command("qnn.showNetwork", lens["command"]["arguments"][0].clone());
    client.told("the table", |text| text.contains("dense 2 → 1") && text.contains("neurons stable"));
    client.leave();
}
