//! The real binary over its standard streams: its life, and what it makes of nonsense.

mod support;

use serde_json::{Value, json};
use std::process::Command;

use support::{Client, Folder, SMALL};

#[test]
fn says_its_version() {
    let output = Command::new(env!("CARGO_BIN_EXE_qnn-lsp")).arg("--version").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), format!("qnn-lsp {}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn lives_and_ends_as_the_specification_says() {
    let folder = Folder::new();
    let log = folder.path("log");
    let mut client = Client::spawn(&["--stdio", "--no-cache", "--log-file", log.to_str().unwrap()]);
    // Nothing before `initialize`.
    let id = client.ask(
        "textDocument/hover",
        json!({ "textDocument": { "uri": "file:///a" }, "position": { "line": 0, "character": 0 } }),
    );
    assert_eq!(client.answer(id)["error"]["code"], -32002);
    let answer = client.initialize(json!({}));
    assert_eq!(answer["serverInfo"]["name"], "qnn-lsp");
    assert_eq!(answer["capabilities"]["positionEncoding"], "utf-8");
    let uri = folder.uri("small.qnn");
    client.open(&uri, SMALL);
    client.settled(&uri, 1);
    // Nothing but `exit` after `shutdown`.
    client.request("shutdown", Value::Null);
    let id = client.ask("workspace/symbol", json!({ "query": "" }));
    assert_eq!(client.answer(id)["error"]["code"], -32600);
    client.notify("exit", Value::Null);
    assert_eq!(client.child().wait().unwrap().code(), Some(0));
    assert!(std::fs::read_to_string(log).unwrap().contains("initialized"));
}

#[test]
fn exit_without_shutdown_is_a_failure() {
    let mut client = Client::spawn(&["--no-cache"]);
    client.initialize(json!({}));
    client.notify("exit", Value::Null);
    assert_eq!(client.child().wait().unwrap().code(), Some(1));
}

#[test]
fn leaves_while_engines_work() {
    let folder = Folder::new();
    let uri = folder.uri("hard.qnn");
    let mut client = Client::spawn(&["--no-cache"]);
    client.initialize(json!({ "verification": { "budget": 600, "engine": "smt" } }));
    // Products of long sums: nothing that Z3 does quickly.
    let weights: Vec<String> = (0..24)
        .map(|i| {
            format!("[{}]", (0..24).map(|j| ((i * 7 + j * 13) % 31 - 15).to_string()).collect::<Vec<_>>().join(", "))
        })
        .collect();
    let biases = vec!["0"; 24].join(", ");
    let text = format!(
        "const W = [{}];\nconst B = [{biases}];\nnetwork f(x: ufixed<8, 4>[24]) -> fixed<16, 4>[24] {{\n  let h = relu(dense(x, W, B)) as ufixed<8, 2>;\n  let g = relu(dense(h, W, B)) as ufixed<8, 1>;\n  dense(g, W, B) as fixed<16, 4>\n}}\nproperty p = forall x: ufixed<8, 4>[24]: argmax(f(x)) != 3 or maximum(f(x)) < 1900;\n",
        weights.join(", ")
    );
    client.open(&uri, &text);
    client.wait_status(&uri, "it runs", |s| {
        s["counts"]["running"] == 1 || s["active"] == false && s["counts"]["unverified"] == 0
    });
    assert_eq!(client.leave(), Some(0));
}

#[test]
fn nonsense_is_answered_or_passed_over() {
    let folder = Folder::new();
    let uri = folder.uri("small.qnn");
    let mut client = Client::spawn(&["--no-cache"]);
    client.initialize(json!({ "verification": { "run": "often" } }));
    client.open(&uri, SMALL);
    client.notify("qnn/unknownNotification", json!({ "a": 1 }));
    client.notify("$/unknownNotification", json!([]));
    let id = client.ask("qnn/unknownRequest", json!({}));
    assert_eq!(client.answer(id)["error"]["code"], -32601);
    let id = client.ask("textDocument/hover", json!({ "nonsense": true }));
    assert_eq!(client.answer(id)["error"]["code"], -32602);
    // Positions outside, documents that are not open, URIs of no file.
    for (line, character) in [(0, u32::MAX), (u32::MAX, 0), (u32::MAX, u32::MAX), (9_999, 3)] {
        for method in ["hover", "completion", "definition", "signatureHelp", "documentHighlight"] {
            client.at(&format!("textDocument/{method}"), &uri, (line, character));
        }
    }
    for other in ["file:///does/not/exist.qnn", "untitled:Untitled-1", "https://example.org/a.qnn", "mailto:nobody"] {
        assert_eq!(client.at("textDocument/hover", other, (0, 0)), Value::Null, "{other}");
    }
    let id = client.ask(
        "textDocument/hover",
        json!({ "textDocument": { "uri": "no uri at all" }, "position": { "line": 0, "character": 0 } }),
    );
    assert_eq!(client.answer(id)["error"]["code"], -32602);
    for command in ["qnn.nothing", "qnn.verify"] {
        let id = client.ask("workspace/executeCommand", json!({ "command": command, "arguments": [] }));
        assert_eq!(client.answer(id)["error"]["code"], -32602);
    }
    // Edits that lie outside, overlap nothing, or are of documents that are not open.
    let everywhere = json!({ "start": { "line": 900, "character": 4 }, "end": { "line": 2, "character": 0 } });
    client.edit(&uri, json!([{ "range": everywhere, "text": "// " }]));
    client.notify(
        "textDocument/didChange",
        json!({ "textDocument": { "uri": "file:///nobody.qnn", "version": 3 }, "contentChanges": [{ "text": "x" }] }),
    );
    client.notify("textDocument/didClose", json!({ "textDocument": { "uri": "file:///nobody.qnn" } }));
    client.notify("textDocument/didSave", json!({ "textDocument": { "uri": "file:///nobody.qnn" } }));
    // A body that is no JSON is answered with an error of no request.
    client.send_raw(b"Content-Length: 9\r\n\r\n{ nonsens");
    client.send_raw(b"rubbish\r\n\r\nContent-Length: 2\r\n\r\n[]");
    client.notify("workspace/didChangeConfiguration", json!({ "settings": 7 }));
    let version = client.change(&uri, SMALL);
    client.save(&uri);
    client.settled(&uri, version);
    client.told("a wrong setting", |text| text.contains("verification.run"));
    let errors: Vec<i64> = client.inbox.iter().filter_map(|m| m["error"]["code"].as_i64()).collect();
    assert_eq!(errors, [-32700, -32600]);
    assert_eq!(client.leave(), Some(0));
}

#[test]
fn documents_without_a_file_are_specs_too() {
    let mut client = Client::spawn(&["--no-cache"]);
    client.initialize(json!({}));
    let uri = "untitled:Untitled-1";
    client.open(uri, SMALL);
    let status = client.settled(uri, 1);
    assert_eq!(support::state(&status, "holds"), "proved");
    assert_eq!(client.leave(), Some(0));
}

#[test]
fn an_edit_overtakes_a_request_and_a_cancelled_request_is_answered() {
    let folder = Folder::new();
    let uri = folder.uri("small.qnn");
    let mut client = Client::spawn(&["--no-cache"]);
    client.initialize(json!({ "verification": { "run": "never" } }));
    // Long enough that a request takes a moment.
    let large: String =
        (0..3000).map(|i| format!("property p{i} = forall x: ufixed<4, 2>: x <= {};\n", i % 7)).collect();
    client.open(&uri, &large);
    let mut asked = Vec::new();
    for _ in 0..20 {
        let at = json!({ "line": 0, "character": 0 });
        asked.push(client.ask("textDocument/semanticTokens/full", json!({ "textDocument": { "uri": uri } })));
        client.edit(&uri, json!([{ "range": { "start": at, "end": at }, "text": "\n" }]));
    }
    let cancelled = client.ask("textDocument/codeLens", json!({ "textDocument": { "uri": uri } }));
    client.notify("$/cancelRequest", json!({ "id": cancelled }));
    for id in asked {
        let answer = client.answer(id);
        // Each is answered: in full, or because the text is another by now.
        assert!(answer.get("result").is_some() || answer["error"]["code"] == -32801, "{answer}");
    }
    let answer = client.answer(cancelled);
    assert!(answer.get("result").is_some() || answer["error"]["code"] == -32800, "{answer}");
    assert_eq!(client.leave(), Some(0));
}
