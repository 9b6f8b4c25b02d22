//! Each language feature over LSP.

#[path = "../support/mod.rs"]
mod support;

mod actions;
mod files;
mod names;
mod network;
mod report;
mod trace;

use serde_json::{Value, json};
use std::collections::HashMap;
use support::{Client, Folder, SMALL, marked, uri};

/// A server that verifies nothing, with a text opened in it; the position of its marker `$0`.
fn opened(folder: &Folder, text: &str) -> (Client, String, (u32, u32)) {
    let (text, position) = if text.contains("$0") { marked(text) } else { (text.to_owned(), (0, 0)) };
    let uri = folder.uri("test.qnn");
    let mut client = Client::inside(None, None);
    client.initialize(json!({ "verification": { "run": "never" } }));
    client.open(&uri, &text);
    (client, uri, position)
}

/// `SMALL` with a marker before a text of it.
fn small_at(text: &str) -> String {
    assert!(SMALL.contains(text), "{text}");
    SMALL.replacen(text, &format!("$0{text}"), 1)
}

fn labels(completion: &Value) -> Vec<&str> {
    completion["items"].as_array().expect("items").iter().map(|i| i["label"].as_str().expect("a label")).collect()
}

/// What completion offers at a marker.
fn complete(folder: &Folder, text: &str) -> Vec<String> {
    let (mut client, uri, at) = opened(folder, text);
    let found = client.at("textDocument/completion", &uri, at);
    let labels = labels(&found).into_iter().map(str::to_owned).collect();
    client.leave();
    labels
}

fn hover(folder: &Folder, text: &str) -> String {
    let (mut client, uri, at) = opened(folder, text);
    let found = client.at("textDocument/hover", &uri, at);
    let text = found["contents"]["value"].as_str().unwrap_or_default().to_owned();
    client.leave();
    text
}

#[track_caller]
fn has(all: &[String], wanted: &[&str]) {
    for label in wanted {
        assert!(all.iter().any(|l| l == label), "{label} is missing in {all:?}");
    }
}

#[track_caller]
fn has_not(all: &[String], unwanted: &[&str]) {
    for label in unwanted {
        assert!(!all.iter().any(|l| l == label), "{label} should not be in {all:?}");
    }
}

/// An archive of tensors, as NumPy writes it.
fn model(folder: &Folder) {
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");
    std::fs::copy(format!("{examples}/students/students.npz"), folder.path("model.npz")).expect("a model");
}

/// The page of a report.
fn page(answer: &Value) -> String {
    let path = answer["uri"].as_str().unwrap().strip_prefix("file://").unwrap();
    let page = std::fs::read_to_string(path).unwrap();
    std::fs::remove_file(path).unwrap();
    page
}

#[test]
fn imported_networks_are_known() {
    let folder = Folder::new();
    folder.write("tiny.tflite", include_bytes!("../../../tests/fixtures/models/tiny.tflite"));
    let spec = "network tiny = import \"tiny.tflite\" { kernel = tflm };\n";
    assert_eq!(complete(&folder, "network n = $0"), ["import"]);
    assert_eq!(complete(&folder, "network n = import \"$0\""), ["tiny.tflite"]);
    has(&complete(&folder, "network n = import \"tiny.tflite\" { $0 };"), &["kernel = …", "output = …", "input = …"]);
    let kernels = complete(&folder, "network n = import \"tiny.tflite\" { kernel = $0 };");
    assert_eq!(kernels, ["tflm", "tflm_single_rounding", "xnnpack", "litert_reference"]);
    let types = complete(&folder, &format!("{spec}property p = forall x: tiny.$0"));
    assert_eq!(types, ["input", "output", "x", "y"]);
    assert_eq!(complete(&folder, &format!("{spec}property p = forall x: tiny.input: tiny.$0")), ["at"]);
    let layers = complete(&folder, &format!("{spec}property p = forall x: tiny.input: tiny.at(\"$0\")(x)[0] > 0;"));
    assert_eq!(layers, ["hidden", "y"]);

    let text = format!("{spec}property p = forall x: tiny.input: $0tiny(x)[0] <= 20;");
    let network = hover(&folder, &text);
    let file = hover(&folder, &text.replace("$0", "").replacen("tiny.tflite", "ti$0ny.tflite", 1));
    assert!(file.contains("input `x`: int8[1, 2]") && file.contains("FULLY_CONNECTED ×2, SOFTMAX"), "{file}");
    assert!(network.contains("hidden = FULLY_CONNECTED") && network.contains("By the kernels `tflm`"), "{network}");
}

#[test]
fn completion_knows_where_it_is() {
    let folder = Folder::new();
    model(&folder);
    folder.write("b.qnn", "const shared = 1;\n");
    let top = complete(&folder, &format!("{SMALL}\n$0"));
    has(&top, &["property", "network", "dataset", "#[timeout]"]);
    has_not(&top, &["side", "relu", "forall"]);
    // Broken as text under a cursor is.
    let in_network =
        complete(&folder, &SMALL.replace("let h = relu(dense(p, [[1, -1]], [0.5])) as Coord;", "let h = $0"));
    has(&in_network, &["p", "dense", "relu", "conv2d"]);
    has_not(&in_network, &["forall", "argmax", "Coord"]);
    let types = complete(&folder, &SMALL.replace("as Coord;", "as $0"));
    has(&types, &["Coord", "Score", "fixed", "ufixed"]);
    has_not(&types, &["relu", "side"]);
    let members =
        complete(&folder, &SMALL.replace("side(p).above <= 1;\n\nproperty never", "side(p).$0\n\nproperty never"));
    assert_eq!(members, ["above", "below"]);
    let axis = complete(&folder, &SMALL.replace("where p.x == i", "where p.$0"));
    assert_eq!(axis, ["x", "y"]);
    let variants = complete(&folder, &SMALL.replace("!= Side.below", "!= Side.be$0"));
    assert_eq!(variants, ["above", "below"]);
    let expression = complete(&folder, &SMALL.replace("argmax(side(p)) != Side.below", "arg$0"));
    has(&expression, &["argmax", "p", "side", "Side", "forall"]);
    has_not(&expression, &["relu", "Coord"]);
    assert_eq!(complete(&folder, &format!("{SMALL}#[expect($0")), ["found", "none", "proved", "vacuous", "violated"]);
    has(&complete(&folder, &format!("{SMALL}#[$0")), &["timeout", "engine", "expect"]);
    assert_eq!(
        complete(&folder, "type T = fixed<8, 4, round = $0"),
        ["ceil", "floor", "half_away", "half_down", "half_even", "half_toward_zero", "half_up", "toward_zero", "up"]
    );
    let call = |rest: &str| {
        complete(&folder, &format!("network f(x: int<4>[1, 4, 4]) -> real[1, 2, 2] {{ avg_pool2d(x, 2{rest} }}\n"))
    };
    has(&call(", $0)"), &["stride = …", "padding = …", "ceil_mode = …", "count_padding = …", "x"]);
    has_not(&call(", $0)"), &["groups = …", "dilation = …"]);
    assert_eq!(call(", padding = $0)"), ["same", "valid"]);
    assert_eq!(call(", ceil_mode = $0)"), ["false", "true"]);
    // Numbers where numbers stand.
    let widths = complete(&folder, "const wide = 10;\ntype T = ufixed<$0");
    assert_eq!(widths, ["8", "4", "6", "16", "12", "2", "wide"]);
    assert_eq!(complete(&folder, "type T = ufixed<8, $0>;"), ["8", "4", "0"]);
    assert_eq!(complete(&folder, "network f<bits>(x: fixed<$0")[..2], ["8", "4"]);
    has(&complete(&folder, "network f<bits>(x: fixed<$0"), &["bits"]);
    assert_eq!(complete(&folder, "type T = fixed<8, 4, $0>;"), ["overflow = …", "round = …"]);
    assert_eq!(complete(&folder, "enum Side { left }\ntype T = class<$0"), ["Side", "10", "2"]);
    has(&complete(&folder, "property p = 1 <$0"), &["abs"]);
    // Files, tensors, fields.
    assert_eq!(complete(&folder, "use \"$0\";"), ["b.qnn"]);
    let network = "network f(x: uint<4>[9]) -> int<4>[1] {\n  params m = \"model.npz\" { *: fixed<8, 4>; }\n  dense(x, m.$0) as int<4>\n}\n";
    assert_eq!(complete(&folder, network), ["fc1", "fc2"]);
    assert_eq!(complete(&folder, &network.replace("m.$0", "m.fc1.$0")), ["bias", "weight"]);
    let rules = complete(&folder, "params m = \"model.npz\" {\n  $0\n}\n");
    has(&rules, &["fc1.weight: ", "*.weight"]);
    assert_eq!(complete(&folder, "params m = \"$0\" {}"), ["model.npz"]);
    let fields = "dataset d { a: uint<4>[2] from \"a.csv\"; label: class<2> from \"a.csv\" column \"l\"; }\nproperty p = d[0].$0";
    assert_eq!(complete(&folder, fields), ["a", "label"]);
    // Nothing where nothing is to be said.
    assert_eq!(complete(&folder, "// a $0comment"), [""; 0]);
    assert_eq!(complete(&folder, "const a = 12$0;"), [""; 0]);
    assert_eq!(complete(&folder, "network $0"), [""; 0]);
}

#[test]
fn hover_says_what_things_are() {
    let folder = Folder::new();
    model(&folder);
    let padding = "network f(x: int<4>[1, 4]) -> real[1, 4] { conv1d(x, [[[1, 2]]], padding = $0same) }\n";
    assert!(hover(&folder, padding).contains("`padding =` how many elements"), "{}", hover(&folder, padding));
    let coord = hover(&folder, &small_at("Coord = "));
    assert!(coord.contains("0 to 3.75 in steps of 0.25"), "{coord}");
    let format = hover(&folder, &small_at("fixed<6, 3>"));
    assert!(format.contains("Signed fixed point") && format.contains("-4 to 3.875"), "{format}");
    let network = hover(&folder, &small_at("side(p).above"));
    assert!(network.contains("One hidden neuron.") && network.contains("| h = "), "{network}");
    let hidden = hover(&folder, &small_at("h = relu"));
    assert!(hidden.contains("ufixed<4, 2>[1]") && hidden.contains("worst case"), "{hidden}");
    let function = hover(&folder, &small_at("argmax"));
    assert!(function.contains("*first* maximum"), "{function}");
    let parameter = hover(&folder, &small_at("p: Point) -> "));
    assert!(parameter.contains("p: Point") && parameter.contains("0.25"), "{parameter}");
    let variant = hover(&folder, &small_at("below, above"));
    assert!(variant.contains("Entry 0 of 2"), "{variant}");
    assert_eq!(hover(&folder, "type T = fixed<8, 4>; $0 "), "");
    let tensor = "network f(x: uint<4>[9]) -> int<4>[1] {\n  params m = \"model.npz\" { *: fixed<8, 4>; }\n  dense(x, m.$0fc1) as int<4>\n}\n";
    let tensor = hover(&folder, tensor);
    assert!(tensor.contains("fc1.weight") && tensor.contains("as `fixed<8, 4>`"), "{tensor}");
    let file = hover(&folder, "params m = \"mod$0el.npz\" { *: fixed<8, 4>; }");
    assert!(file.contains("`fc2.bias`"), "{file}");
}

#[test]
fn hover_shows_samples_and_verdicts_with_their_pictures() {
    let path =
        std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/digits")).canonicalize().unwrap();
    let spec = std::fs::read_to_string(path.join("digits.qnn")).unwrap();
    let (before, _) = spec.split_once("/// Deeper networks").unwrap();
    let text = format!("{before}property one = forall x in ball(test[3].image, 8 lsb): argmax(digits<4>(x)) == 0;\n");
    let uri = uri(&path.join("unsaved.qnn"));
    for images in [false, true] {
        let mut client = Client::inside(None, None);
        client.initialize(json!({ "verification": { "run": "never" }, "markdownImages": images }));
        client.open(&uri, &text);
        let (_, at) = marked(&text.replace("test[3].image", "test[3].$0image"));
        let sample = client.at("textDocument/hover", &uri, at);
        let sample = sample["contents"]["value"].as_str().unwrap().to_owned();
        assert!(sample.contains("values 0 to 16"), "{sample}");
        assert_eq!(sample.contains("data:image/png;base64,iVBOR"), images, "{sample}");
        assert_eq!(sample.contains("test[3].image\n"), !images, "{sample}");
        assert_eq!(client.command("qnn.verify", json!({ "uri": uri, "property": "one" }))["jobs"], 1);
        client.wait_status(&uri, "a verdict", |s| s["active"] == false && s["counts"]["violated"] == 1);
        let (_, at) = marked(&text.replace("property one", "property $0one"));
        let verdict = client.at("textDocument/hover", &uri, at);
        let verdict = verdict["contents"]["value"].as_str().unwrap().to_owned();
        assert!(verdict.contains("replayed bit for bit") && verdict.contains("key `"), "{verdict}");
        assert_eq!(verdict.contains("data:image/png"), images, "{verdict}");
        // The neurons are left out where the machine is too busy.
        let start = std::time::Instant::now();
        loop {
            let hover = client.at("textDocument/hover", &uri, at);
            let hover = hover["contents"]["value"].as_str().unwrap();
            if let Some((_, table)) = hover.split_once("Neurons for the inputs of `one`, by exact intervals:") {
                let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| `digits")).collect();
                assert_eq!(rows.len(), 2, "a hidden layer and the output: {table}");
                assert!(rows[1].contains("| 10 |"), "{table}");
                break;
            }
            assert!(start.elapsed() < support::PATIENCE, "{hover}");
        }
        client.leave();
    }
}

#[test]
fn formatting_all_a_range_or_the_item_just_ended() {
    let folder = Folder::new();
    let text = "type  A = fixed<8,4>;\ntype  B = fixed<8,4>;$0\n";
    let (mut client, uri, at) = opened(&folder, text);
    let options = json!({ "tabSize": 4, "insertSpaces": true });
    let all = client.request("textDocument/formatting", json!({ "textDocument": { "uri": uri }, "options": options }));
    assert_eq!(all[0]["newText"], "type A = fixed<8, 4>;\ntype B = fixed<8, 4>;\n");
    let typed = client.request(
        "textDocument/onTypeFormatting",
        json!({ "textDocument": { "uri": uri }, "position": { "line": at.0, "character": at.1 }, "ch": ";", "options": options }),
    );
    assert!(typed.is_array(), "{typed}");
    client.change(&uri, "type A = = fixed<8,4>;");
    let broken = client.ask("textDocument/formatting", json!({ "textDocument": { "uri": uri }, "options": options }));
    let error = client.answer(broken)["error"].clone();
    assert_eq!(error["code"], -32803);
    let said = error["message"].as_str().unwrap();
    assert!(said.starts_with("the spec is not formatted, because line 1, column 10 can't be parsed: "), "{said}");
    let typed = client.request(
        "textDocument/onTypeFormatting",
        json!({ "textDocument": { "uri": uri }, "position": { "line": 0, "character": 22 }, "ch": ";", "options": options }),
    );
    assert_eq!(typed, Value::Null, "nothing is said while something is typed");
    client.leave();
}

#[test]
fn signature_help_follows_the_commas() {
    let folder = Folder::new();
    let (mut client, uri, at) = opened(&folder, &SMALL.replace("dense(h, [[1]", "dense(h, $0[[1]"));
    let help = client.at("textDocument/signatureHelp", &uri, at);
    assert!(help["signatures"][0]["label"].as_str().unwrap().starts_with("dense(x"));
    assert_eq!(help["activeParameter"], 1);
    // In broken text, of an own network.
    let (text, at) =
        marked(&SMALL.replace("forall p: Point: side(p).above <= 1;\n\nproperty never", "side($0\n\nproperty never"));
    client.change(&uri, &text);
    let help = client.at("textDocument/signatureHelp", &uri, at);
    assert_eq!(help["signatures"][0]["label"], "side(p: Point) -> Score[Side]");
    client.leave();
}

#[test]
fn hints_tell_widths_and_losses() {
    let folder = Folder::new();
    let (mut client, uri, _) = opened(&folder, SMALL);
    client.diagnostics(&uri, 1);
    let whole = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 99, "character": 0 } });
    let hints = client.request("textDocument/inlayHint", json!({ "textDocument": { "uri": uri }, "range": whole }));
    let texts: Vec<&str> = hints.as_array().unwrap().iter().map(|h| h["label"].as_str().unwrap()).collect();
    assert!(texts.contains(&": ufixed<4, 2>[1]"), "{texts:?}");
    assert!(texts.iter().any(|t| t.starts_with("acc ")), "{texts:?}");
    assert!(texts.iter().any(|t| t.contains("−1 bit")), "{texts:?}");
    // A line's hints are no longer than VS Code shows.
    let mut lines: HashMap<u64, usize> = HashMap::new();
    for hint in hints.as_array().unwrap() {
        let length = hint["label"].as_str().unwrap().chars().count();
        *lines.entry(hint["position"]["line"].as_u64().unwrap()).or_default() += length;
    }
    assert!(lines.values().all(|length| *length <= 43), "{lines:?} {texts:?}");
    assert!(texts.contains(&" ○ not verified"), "{texts:?}");
    client.notify("workspace/didChangeConfiguration", json!({ "settings": { "inlayHints": { "types": false, "accumulators": false, "losses": false, "verdicts": false } } }));
    let hints = client.request("textDocument/inlayHint", json!({ "textDocument": { "uri": uri }, "range": whole }));
    assert_eq!(hints, json!([]));
    client.leave();
}

#[test]
fn the_lens_acts_and_the_hint_tells() {
    let folder = Folder::new();
    let (mut client, uri, _) = opened(&folder, SMALL);
    client.diagnostics(&uri, 1);
    let titles = |client: &mut Client| -> Vec<String> {
        let lenses = client.request("textDocument/codeLens", json!({ "textDocument": { "uri": uri } }));
        lenses.as_array().unwrap().iter().map(|l| l["command"]["title"].as_str().unwrap().to_owned()).collect()
    };
    let hints = |client: &mut Client| -> Vec<String> {
        let whole = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 99, "character": 0 } });
        let hints = client.request("textDocument/inlayHint", json!({ "textDocument": { "uri": uri }, "range": whole }));
        let texts = hints.as_array().unwrap().iter().map(|h| h["label"].as_str().unwrap());
        texts.filter_map(|t| t.strip_prefix(' ')).map(str::to_owned).collect()
    };
    // The lens acts, the hint tells.
    assert_eq!(titles(&mut client), ["Run", "Run", "Run", "Show layers"]);
    assert_eq!(hints(&mut client), ["○ not verified", "○ not verified", "○ 4 not verified"]);
    client.command("qnn.verifyAll", json!({}));
    client.wait_status(&uri, "verdicts", |s| s["active"] == false && s["counts"]["unverified"] == 0);
    let after = titles(&mut client);
    let expected = ["Run again", "Report", "Run again", "Show counterexample", "Report", "Run again", "Report"];
    assert_eq!(after, [&expected[..], &["Show layers"]].concat());
    assert_eq!(hints(&mut client), ["✓ proved", "✗ violated", "✓ 4 proved"]);
    // Each lens's command is one that the server executes.
    let lenses = client.request("textDocument/codeLens", json!({ "textDocument": { "uri": uri } }));
    for lens in lenses.as_array().unwrap() {
        let command = &lens["command"];
        let done = client.request(
            "workspace/executeCommand",
            json!({ "command": command["command"], "arguments": command["arguments"] }),
        );
        if command["command"] == "qnn.report" {
            page(&done);
        }
    }
    while client.command("qnn.status", json!({ "uri": uri }))["active"] == true {}
    // Where no hint tells it, the first lens does.
    client.notify("workspace/didChangeConfiguration", json!({ "settings": { "inlayHints": { "verdicts": false } } }));
    assert_eq!(titles(&mut client)[..3], ["✓ proved — Run again", "Report", "✗ violated — Run again"]);
    client.leave();
}

#[test]
fn positions_are_in_utf16_where_the_client_knows_no_other() {
    let folder = Folder::new();
    let uri = folder.uri("test.qnn");
    let mut client = Client::inside(None, None);
    let answer = client.initialize_with(json!({ "verification": { "run": "never" } }), Value::Null);
    assert_eq!(answer["capabilities"]["positionEncoding"], "utf-16");
    client.open(&uri, "enum E { a = \"😀😀\", b = \"ü\" } property p = forall e in E: e == x;");
    let diagnostics = client.diagnostics(&uri, 1);
    assert_eq!(diagnostics[0]["range"]["start"]["character"], 64, "{diagnostics:?}");
    // An edit behind them.
    let at = json!({ "line": 0, "character": 64 });
    let end = json!({ "line": 0, "character": 65 });
    let version = client.edit(&uri, json!([{ "range": { "start": at, "end": end }, "text": "E.a" }]));
    let diagnostics = client.diagnostics(&uri, version);
    assert!(diagnostics.iter().all(|d| d["code"] != "E0201"), "{diagnostics:?}");
    client.leave();
}

#[test]
fn the_client_is_asked_for_its_settings() {
    let mut client = Client::inside(None, None);
    client.settings = json!({ "verification": { "run": "sometimes" } });
    let capabilities = json!({ "workspace": { "configuration": true } });
    client.request("initialize", json!({ "processId": null, "rootUri": null, "capabilities": capabilities }));
    client.notify("initialized", json!({}));
    client.told("what is wrong with a setting", |text| text.contains("run"));
    client.leave();
}
