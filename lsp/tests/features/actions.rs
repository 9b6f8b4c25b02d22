//! Code actions: fixes, explanations, pinned counterexamples, raised budgets.

use super::opened;
use crate::support::{Client, Folder, SMALL, instance, state};
use serde_json::{Value, json};

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
    assert_eq!(state(&status, "never_below_regression"), "violated", "{pinned}");
    assert_eq!(
        instance(&status, "never_below_regression")["counterexample"]["variables"][0]["raw"],
        instance(&status, "never_below")["counterexample"]["variables"][0]["raw"]
    );
    // Expected, it is no diagnostic any more, and nothing is run again.
    let expected = applied(SMALL, &offered[1], &uri);
    assert!(expected.contains("#[expect(violated)]\nproperty never_below"), "{expected}");
    let version = client.change(&uri, &expected);
    let status = client.settled(&uri, version);
    assert_eq!(instance(&status, "never_below")["asExpected"], true);
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
fn questions_about_a_network_are_written_and_have_no_errors() {
    let folder = Folder::new();
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/digits");
    for name in ["digits.npz", "deep.npz", "test_images.npy", "test_labels.npy"] {
        std::fs::copy(format!("{examples}/{name}"), folder.path(name)).expect("a file");
    }
    let spec = std::fs::read_to_string(format!("{examples}/digits.qnn")).expect("the spec");
    let (mut client, uri, _) = opened(&folder, &spec);
    let line = spec.lines().position(|line| line.starts_with("network digits")).expect("the network") as u32;
    let found: Vec<Value> =
        actions(&mut client, &uri, line).into_iter().filter(|action| action["kind"] == "refactor").collect();
    let titles: Vec<&str> = found.iter().map(|action| action["title"].as_str().expect("a title")).collect();
    assert_eq!(
        titles,
        [
            "Ask whether `digits<4>` is robust: add `digits_is_robust`",
            "Sweep the bits of `digits`: add `digits_by_bits`",
            "Measure the radius up to which `digits<4>` keeps the class: add `digits_radius`",
        ]
    );
    let mut text = spec.clone();
    for action in &found {
        let whole = applied(&spec, action, &uri);
        text.push_str(whole.strip_prefix(spec.trim_end()).expect("it is added at the end"));
    }
    let version = client.change(&uri, &text);
    let wrong: Vec<Value> = client.diagnostics(&uri, version).into_iter().filter(|d| d["severity"] == 1).collect();
    assert_eq!(wrong, [] as [Value; 0]);
    client.wait_status(&uri, "the new text", |s| s["documentVersion"] == version);
    let named = |name: &str| {
        client.statuses[&uri]["properties"].as_array().is_some_and(|all| all.iter().any(|p| p["name"] == name))
    };
    assert!(
        named("digits_is_robust") && named("digits_by_bits") && named("digits_radius"),
        "{:?}",
        client.statuses[&uri]
    );
    // A property is no network, and a spec without a fitting dataset has nothing to ask of.
    let elsewhere = spec.lines().position(|line| line.starts_with("property robust(")).expect("a property") as u32;
    assert!(actions(&mut client, &uri, elsewhere).iter().all(|action| action["kind"] != "refactor"));
    client.leave();
}
