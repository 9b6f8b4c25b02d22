//! Each language feature over LSP.

mod support;

use serde_json::{Value, json};
use std::collections::HashMap;
use support::{Client, Folder, PATIENCE, SMALL, marked, uri};

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
    assert_eq!(complete(&folder, &format!("{SMALL}#[expect($0")), ["proved", "vacuous", "violated"]);
    has(&complete(&folder, &format!("{SMALL}#[$0")), &["timeout", "engine", "expect"]);
    assert_eq!(
        complete(&folder, "type T = fixed<8, 4, round = $0"),
        ["floor", "half_away", "half_even", "half_up", "toward_zero"]
    );
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
fn definitions_references_and_highlights() {
    let folder = Folder::new();
    folder.write("b.qnn", "/// Shared.\nconst limit = 1;\ntype T = ufixed<4, 2>;\n");
    let text = "use \"b.qnn\";\nproperty p = forall x: T: x <= $0limit;\nproperty q = forall x: T: x <= limit + 3;\n";
    let (mut client, uri, at) = opened(&folder, text);
    let there = client.at("textDocument/definition", &uri, at);
    assert_eq!(there["uri"], folder.uri("b.qnn"));
    assert_eq!(there["range"]["start"], json!({ "line": 1, "character": 6 }));
    let used = client.at("textDocument/definition", &uri, (0, 6));
    assert_eq!(used["uri"], folder.uri("b.qnn"));
    let params = json!({ "textDocument": { "uri": uri }, "position": { "line": at.0, "character": at.1 }, "context": { "includeDeclaration": true } });
    let all = client.request("textDocument/references", params);
    assert_eq!(all.as_array().unwrap().len(), 3, "{all}");
    let marks = client.at("textDocument/documentHighlight", &uri, (1, 20));
    assert_eq!(marks.as_array().unwrap().len(), 2, "a variable is highlighted in its property only: {marks}");
    client.leave();

    let (mut client, uri, at) = opened(&folder, &small_at("x == i"));
    let there = client.at("textDocument/definition", &uri, at);
    assert_eq!(there["range"]["start"], json!({ "line": 2, "character": 12 }), "a field of an axis is a variant");
    client.leave();
}

#[test]
fn renaming_changes_every_mention_and_no_meaning() {
    let folder = Folder::new();
    folder.write("b.qnn", "const limit = 1;\n");
    let text = "use \"b.qnn\";\nproperty p = forall x: ufixed<4, 2>: x <= $0limit;\n";
    let (mut client, uri, at) = opened(&folder, text);
    let rename = |client: &mut Client, at: (u32, u32), name: &str| {
        let id = client.ask(
            "textDocument/rename",
            json!({ "textDocument": { "uri": uri }, "position": { "line": at.0, "character": at.1 }, "newName": name }),
        );
        client.answer(id)
    };
    client.diagnostics(&uri, 1);
    let edits = rename(&mut client, at, "bound");
    let changes = &edits["result"]["changes"];
    assert_eq!(changes[&uri][0]["newText"], "bound");
    assert_eq!(changes[folder.uri("b.qnn")].as_array().map(Vec::len), Some(1), "{edits}");
    for (name, why) in
        [("p", "already"), ("x", "binds the name"), ("forall", "reserved"), ("relu", "language"), ("1a", "no name")]
    {
        let answer = rename(&mut client, at, name);
        assert!(answer["error"]["message"].as_str().unwrap().contains(why), "{name}: {answer}");
    }
    // A word of the language can't be renamed.
    let id = client.ask(
        "textDocument/prepareRename",
        json!({ "textDocument": { "uri": uri }, "position": { "line": 1, "character": 25 } }),
    );
    assert!(client.answer(id)["error"]["message"].as_str().unwrap().contains("language"));
    client.leave();
}

#[test]
fn symbols_folds_selections_links_and_tokens() {
    let folder = Folder::new();
    model(&folder);
    let text = format!(
        "use \"b.qnn\";\n// a comment\n// of two lines\n{SMALL}params m = \"model.npz\" {{ *: fixed<8, 4>; }}\n"
    );
    let (mut client, uri, _) = opened(&folder, &text);
    let document = json!({ "textDocument": { "uri": uri } });
    let symbols = client.request("textDocument/documentSymbol", document.clone());
    let names: Vec<&str> = symbols.as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["b.qnn", "Coord", "Score", "Axis", "Side", "Point", "side", "holds", "never_below", "family", "m"]
    );
    assert_eq!(symbols[6]["children"][0]["name"], "h");
    let found = client.request("workspace/symbol", json!({ "query": "nvr" }));
    assert_eq!(found[0]["name"], "never_below");
    let folds = client.request("textDocument/foldingRange", document.clone());
    let folds: Vec<(u64, u64)> = folds
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (f["startLine"].as_u64().unwrap(), f["endLine"].as_u64().unwrap()))
        .collect();
    assert!(folds.contains(&(1, 2)) && folds.contains(&(10, 13)), "{folds:?}");
    let links = client.request("textDocument/documentLink", document.clone());
    assert_eq!(links[1]["target"], folder.uri("model.npz"));
    let selection = client.request(
        "textDocument/selectionRange",
        json!({ "textDocument": { "uri": uri }, "positions": [{ "line": 11, "character": 20 }] }),
    );
    let mut widths = Vec::new();
    let mut level = &selection[0];
    while level.is_object() {
        widths.push((
            level["range"]["start"]["line"].as_u64().unwrap(),
            level["range"]["start"]["character"].as_u64().unwrap(),
        ));
        level = &level["parent"];
    }
    assert!(widths.len() >= 5 && widths.last() == Some(&(0, 0)), "{widths:?}");
    let tokens = client.request("textDocument/semanticTokens/full", document);
    let data = tokens["data"].as_array().unwrap();
    assert_eq!(data.len() % 5, 0);
    assert_eq!(&data[..5], &[json!(0), json!(0), json!(3), json!(0), json!(0)], "`use` is a keyword of three letters");
    client.leave();
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
    assert_eq!(titles(&mut client), ["Run", "Run", "Run"]);
    assert_eq!(hints(&mut client), ["○ not verified", "○ not verified", "○ 4 not verified"]);
    client.command("qnn.verifyAll", json!({}));
    client.wait_status(&uri, "verdicts", |s| s["active"] == false && s["counts"]["unverified"] == 0);
    let after = titles(&mut client);
    assert_eq!(after, ["Run again", "Report", "Run again", "Show counterexample", "Report", "Run again", "Report"]);
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

fn actions(client: &mut Client, uri: &str, line: u32) -> Vec<Value> {
    let range = json!({ "start": { "line": line, "character": 9 }, "end": { "line": line, "character": 9 } });
    let found = client.request(
        "textDocument/codeAction",
        json!({ "textDocument": { "uri": uri }, "range": range, "context": { "diagnostics": [] } }),
    );
    found.as_array().unwrap().clone()
}

/// A text after the edits of an action.
fn applied(text: &str, action: &Value, uri: &str) -> String {
    let mut edits: Vec<(usize, usize, String)> = action["edit"]["changes"][uri]
        .as_array()
        .expect("edits")
        .iter()
        .map(|e| {
            let byte = |p: &Value| {
                let start: usize =
                    text.split_inclusive('\n').take(p["line"].as_u64().unwrap() as usize).map(str::len).sum();
                start + p["character"].as_u64().unwrap() as usize
            };
            (byte(&e["range"]["start"]), byte(&e["range"]["end"]), e["newText"].as_str().unwrap().to_owned())
        })
        .collect();
    edits.sort();
    let mut text = text.to_owned();
    for (start, end, new) in edits.into_iter().rev() {
        text.replace_range(start..end, &new);
    }
    text
}

#[test]
fn diagnostics_offer_their_fixes() {
    let folder = Folder::new();
    let text = "network f(x: ufixed<4, 2>) -> fixed<6, 3> { x as fixed<6, 3> }\nproperty p = forall x: ufixed<4, 2>: ff(x) <= 4;\n";
    let (mut client, uri, _) = opened(&folder, text);
    let range = json!({ "start": { "line": 1, "character": 38 }, "end": { "line": 1, "character": 38 } });
    let found = client.request(
        "textDocument/codeAction",
        json!({ "textDocument": { "uri": uri }, "range": range, "context": { "diagnostics": [], "only": ["quickfix"] } }),
    );
    let fix = &found[0];
    assert_eq!(fix["title"], "Write `f`");
    assert_eq!(fix["diagnostics"][0]["code"], "E0201");
    let version = client.change(&uri, &applied(text, fix, &uri));
    assert_eq!(client.diagnostics(&uri, version), [] as [Value; 0]);
    client.leave();
}

#[test]
fn a_format_that_is_too_narrow_is_widened_where_it_is_written() {
    let folder = Folder::new();
    let text = "type Sum = int<8, overflow = error>;\nnetwork f(x: int<8>) -> Sum { (x + x) as Sum }\nproperty p = forall x: int<8>: f(x) <= 300;\n";
    let (mut client, uri, _) = opened(&folder, text);
    assert_eq!(client.diagnostics(&uri, 1)[0]["code"], "E0402");
    let range = json!({ "start": { "line": 1, "character": 32 }, "end": { "line": 1, "character": 32 } });
    let ask = |client: &mut Client, only: &str| {
        let context = json!({ "diagnostics": [], "only": [only] });
        client.request(
            "textDocument/codeAction",
            json!({ "textDocument": { "uri": uri }, "range": range, "context": context }),
        )
    };
    let found = ask(&mut client, "quickfix");
    assert_eq!(found[0]["title"], "Widen `Sum` to `int<9, overflow = error>`");
    assert_eq!(found[0]["isPreferred"], true);
    let version = client.change(&uri, &applied(text, &found[0], &uri));
    assert_eq!(client.diagnostics(&uri, version), [] as [Value; 0]);
    // Of two fixes of one diagnostic, all that can be fixed takes the first.
    let text = "network f(x: int<8>) -> int<8> { (x + x) as int<9> }\nproperty p = forall x: int<8>: f(x) <= 300;\n";
    let version = client.change(&uri, text);
    assert_eq!(client.diagnostics(&uri, version)[0]["code"], "E0306");
    let range = json!({ "start": { "line": 0, "character": 36 }, "end": { "line": 0, "character": 36 } });
    let context = json!({ "diagnostics": [], "only": ["source.fixAll"] });
    let params = json!({ "textDocument": { "uri": uri }, "range": range, "context": context });
    let all = client.request("textDocument/codeAction", params);
    assert!(applied(text, &all[0], &uri).contains("-> int<8> { (x + x) as int<8> }"), "{all}");
    client.leave();
}

#[test]
fn codes_are_explained() {
    let folder = Folder::new();
    let text = "property p = forall x: ufixed<4, 2>: x <= limit;\n";
    let (mut client, uri, _) = opened(&folder, text);
    assert!(client.diagnostics(&uri, 1)[0]["codeDescription"].is_null());
    let range = json!({ "start": { "line": 0, "character": 44 }, "end": { "line": 0, "character": 44 } });
    let params = json!({ "textDocument": { "uri": uri }, "range": range, "context": { "diagnostics": [], "only": ["quickfix"] } });
    let found = client.request("textDocument/codeAction", params);
    let explain = found.as_array().unwrap().iter().find(|a| a["command"]["command"] == "qnn.explain").unwrap();
    assert!(explain["title"].as_str().unwrap().starts_with("Explain E0201: "), "{explain}");
    assert_eq!(explain["diagnostics"][0]["code"], "E0201");
    let page = client.command("qnn.explain", explain["command"]["arguments"][0].clone());
    assert!(page["text"].as_str().unwrap().starts_with("# E0201"), "{page}");
    client.leave();

    // A client that opens the pages gets links to them.
    let mut client = Client::inside(None, None);
    client.initialize(json!({ "clientExplains": true }));
    client.open(&uri, text);
    let href = client.diagnostics(&uri, 1)[0]["codeDescription"]["href"].clone();
    assert_eq!(href, "qnn-error:E0201");
    let page = client.request("qnn/explain", json!({ "code": "E0201" }));
    assert!(page["text"].as_str().unwrap().starts_with("# E0201"), "{page}");
    let unknown = client.ask("qnn/explain", json!({ "code": "E9999" }));
    assert_eq!(client.answer(unknown)["error"]["message"], "there is no page on `E9999`");
    client.leave();
}

#[test]
fn a_counterexample_can_be_pinned_or_expected() {
    let folder = Folder::new();
    let (mut client, uri, _) = opened(&folder, SMALL);
    client.command("qnn.verifyAll", json!({ "uri": uri }));
    client.wait_status(&uri, "verdicts", |s| s["active"] == false && s["counts"]["unverified"] == 0);
    let offered = actions(&mut client, &uri, 14);
    let titles: Vec<&str> = offered.iter().map(|a| a["title"].as_str().unwrap()).collect();
    assert_eq!(titles.len(), 2, "{titles:?}");
    // The pinned property says the same of the one input.
    let pinned = applied(SMALL, &offered[0], &uri);
    let version = client.change(&uri, &pinned);
    client.command("qnn.verifyAll", json!({ "uri": uri }));
    let status = client.settled(&uri, version);
    assert_eq!(support::state(&status, "never_below_regression"), "violated", "{pinned}");
    assert_eq!(
        support::instance(&status, "never_below_regression")["counterexample"]["variables"][0]["raw"],
        support::instance(&status, "never_below")["counterexample"]["variables"][0]["raw"]
    );
    // Expected, it is no diagnostic any more, and nothing is run again.
    let expected = applied(SMALL, &offered[1], &uri);
    assert!(expected.contains("#[expect(violated)]\nproperty never_below"), "{expected}");
    let version = client.change(&uri, &expected);
    let status = client.settled(&uri, version);
    assert_eq!(support::instance(&status, "never_below")["asExpected"], true);
    assert_eq!(client.diagnostics(&uri, version), [] as [Value; 0]);
    client.leave();
}

#[test]
fn a_spent_budget_can_be_raised() {
    // A family that no engine gets a chance at.
    let folder = Folder::new();
    let text = "network f(x: ufixed<8, 4>[3]) -> fixed<12, 4>[1] {\n    dense(relu(dense(x, [[1, 0.5, -1], [-1, 1, 0.25]], [0, 0])) as ufixed<8, 4>, [[1, -1]], [0]) as fixed<12, 4>\n}\n\n#[timeout(1ms)]\nproperty slow(i in 0..3) = forall x: ufixed<8, 4>[3] where x[0] + x[1] == i + 7.5: f(x) <= 6.375 - x[0] * 0.25;\n";
    let (mut client, uri, _) = opened(&folder, text);
    client.command("qnn.verifyAll", json!({ "uri": uri }));
    let status = client.wait_status(&uri, "verdicts", |s| s["active"] == false && s["counts"]["unverified"] == 0);
    if status["counts"]["timeout"] == 0 {
        eprintln!("skipped: this machine decides in a millisecond");
        return;
    }
    let offered = actions(&mut client, &uri, 5);
    let raise = offered.iter().find(|a| a["title"] == "Raise the budget to 5ms").expect("an action");
    assert!(applied(text, raise, &uri).contains("#[timeout(5ms)]\nproperty slow"));
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

/// The page of a report.
fn page(answer: &Value) -> String {
    let path = answer["uri"].as_str().unwrap().strip_prefix("file://").unwrap();
    let page = std::fs::read_to_string(path).unwrap();
    std::fs::remove_file(path).unwrap();
    page
}

#[test]
fn a_report_is_of_the_verdicts_that_the_text_has_and_verifies_nothing() {
    let folder = Folder::new();
    // What the disk holds is another text.
    folder.write("test.qnn", "property holds = true;\n");
    let (mut client, uri, _) = opened(&folder, SMALL);
    let refused = |client: &mut Client, argument: Value| -> String {
        let id = client.ask("workspace/executeCommand", json!({ "command": "qnn.report", "arguments": [argument] }));
        client.answer(id)["error"]["message"].as_str().expect("a refusal").to_owned()
    };
    let said = refused(&mut client, json!({ "uri": uri }));
    assert!(said.contains("this spec has no verdict of the text as it is"), "{said}");
    client.command("qnn.verify", json!({ "uri": uri, "property": "holds" }));
    client.command("qnn.verify", json!({ "uri": uri, "property": "never_below" }));
    client.wait_status(&uri, "verdicts", |s| s["active"] == false && s["counts"]["unverified"] == 4);

    let whole = client.command("qnn.report", json!({ "uri": uri }));
    assert_eq!(whole["instances"], 2);
    let text = page(&whole);
    assert!(text.contains("<title>qnn report: test.qnn</title>"), "{text}");
    assert!(text.contains("holds") && text.contains("never_below") && text.contains("violated"));
    assert!(text.contains("4 instances have no verdict of the text as it is"));
    let one = client.command("qnn.report", json!({ "uri": uri, "property": "holds" }));
    assert_eq!(one["instances"], 1);
    let text = page(&one);
    assert!(text.contains("holds") && !text.contains("never_below"));
    assert!(text.contains("5 instances were left out by a filter"));
    assert!(refused(&mut client, json!({ "uri": uri, "property": "family" })).contains("family has no verdict"));
    assert_eq!(client.statuses[&uri]["counts"]["unverified"], 4, "nothing was verified");

    // Who shows no pages itself is told where it is.
    client.listen(std::time::Duration::from_millis(100));
    let said = |client: &Client| client.inbox.iter().filter(|m| m["method"] == "window/showMessage").count();
    assert_eq!(said(&client), 2, "{:?}", client.inbox);

    // What has become stale is not reported.
    let version = client.change(&uri, &SMALL.replace("!= Side.below", "!= Side.above"));
    client.wait_status(&uri, "the new text", |s| s["documentVersion"] == version);
    let now = client.command("qnn.report", json!({ "uri": uri }));
    assert_eq!(now["instances"], 1);
    assert!(!page(&now).contains("never_below"));
    client.leave();

    let mut client = Client::inside(None, None);
    client.initialize(json!({ "clientShowsReports": true }));
    client.open(&uri, SMALL);
    client.settled(&uri, 1);
    page(&client.command("qnn.report", json!({ "uri": uri })));
    client.listen(std::time::Duration::from_millis(100));
    assert_eq!(said(&client), 0, "{:?}", client.inbox);
    client.leave();
}

#[test]
fn the_client_is_asked_for_its_settings() {
    let mut client = Client::inside(None, None);
    client.settings = json!({ "verification": { "run": "sometimes" } });
    let capabilities = json!({ "workspace": { "configuration": true } });
    client.request("initialize", json!({ "processId": null, "rootUri": null, "capabilities": capabilities }));
    client.notify("initialized", json!({}));
    let start = std::time::Instant::now();
    let refused = |m: &Value| m["method"] == "window/showMessage" && m["params"]["message"].to_string().contains("run");
    while !client.inbox.iter().any(refused) {
        assert!(start.elapsed() < PATIENCE, "{:?}", client.inbox);
        client.listen(std::time::Duration::from_millis(10));
    }
    client.leave();
}
