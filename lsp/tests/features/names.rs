//! What follows names: definitions, references, renaming, symbols, folds, links, tokens.

use super::{model, opened, small_at};
use crate::support::{Client, Folder, SMALL};
use serde_json::json;

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
