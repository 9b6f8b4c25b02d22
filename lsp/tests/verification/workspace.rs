//! All specs of a workspace, those that are not open too.

use crate::support::{Client, Folder, state, uri};
use serde_json::{Value, json};

#[test]
fn closed_specs_keep_their_verdicts_in_the_list_of_all() {
    let folder = Folder::new();
    let store = folder.path("store");
    folder.write("limit.qnn", "const limit = 4;\n");
    folder.write("one.qnn", "use \"limit.qnn\";\nproperty of_one = forall x: ufixed<4, 2>: x <= limit;\n");
    folder.write("other.qnn", "property of_other = forall x: ufixed<4, 2>: x <= 1;\n");
    let list = |client: &mut Client| -> Vec<(String, String, usize)> {
        let all = client.request("qnn/verdicts", Value::Null);
        assert_eq!(all["complete"], true, "{all}");
        let name = |uri: &Value| uri.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let specs = all["specs"].as_array().unwrap().iter();
        specs
            .map(|s| {
                (name(&s["uri"]), s["mood"].as_str().unwrap().to_owned(), s["properties"].as_array().unwrap().len())
            })
            .collect()
    };
    let row = |name: &str, mood: &str, properties| (name.to_owned(), mood.to_owned(), properties);
    let start = |folder: &Folder| {
        let mut client = Client::inside(None, Some(store.clone()));
        client
            .request("initialize", json!({ "processId": null, "rootUri": uri(&folder.path("")), "capabilities": {} }));
        client.notify("initialized", json!({}));
        client
    };
    let mut client = start(&folder);
    assert_eq!(
        list(&mut client),
        [row("limit.qnn", "none", 0), row("one.qnn", "none", 1), row("other.qnn", "none", 1)]
    );
    for name in ["one.qnn", "other.qnn"] {
        let uri = folder.uri(name);
        client.open(&uri, &std::fs::read_to_string(folder.path(name)).unwrap());
        client.settled(&uri, 1);
    }
    client.close(&folder.uri("one.qnn"));
    let all = [row("limit.qnn", "none", 0), row("one.qnn", "passed", 1), row("other.qnn", "failed", 1)];
    assert_eq!(list(&mut client), all);
    // Another server knows them from the store.
    client.leave();
    let mut client = start(&folder);
    assert_eq!(list(&mut client), all);
    // A file that a closed spec uses has changed: what was proved is so no longer.
    folder.write("limit.qnn", "const limit = 2;\n");
    client.notify(
        "workspace/didChangeWatchedFiles",
        json!({ "changes": [{ "uri": folder.uri("limit.qnn"), "type": 2 }] }),
    );
    assert_eq!(list(&mut client)[1], row("one.qnn", "none", 1));
    client.leave();
}

#[test]
fn specs_of_several_folders_are_one_workspace() {
    let (one, other) = (Folder::new(), Folder::new());
    let (first, second) = (one.uri("first.qnn"), other.uri("second.qnn"));
    one.write("limit.qnn", "const limit = 4;\n");
    let mut client = Client::inside(None, None);
    let folders = json!([
        { "uri": uri(&one.path("")), "name": "one" },
        { "uri": uri(&other.path("")), "name": "other" },
    ]);
    client.request(
        "initialize",
        json!({
            "processId": null, "rootUri": null, "workspaceFolders": folders,
            "initializationOptions": { "verification": { "run": "never" } }, "capabilities": {},
        }),
    );
    client.notify("initialized", json!({}));
    client.open(&first, "use \"limit.qnn\";\nproperty of_one = forall x: ufixed<4, 2>: x <= limit;\n");
    // In this folder there is no such file.
    client.open(&second, "use \"limit.qnn\";\nproperty of_other = forall x: ufixed<4, 2>: x <= 1;\n");
    let missing = client.diagnostics_where(&second, 1, |all| !all.is_empty());
    assert!(missing[0]["message"].as_str().unwrap().contains("does not exist"), "{missing:?}");
    assert_eq!(client.command("qnn.verifyAll", json!({})), json!({ "runs": [1, 2], "jobs": 2 }));
    let status = client.settled(&first, 1);
    assert_eq!(state(&status, "of_one"), "proved");
    let status = client.settled(&second, 1);
    assert_eq!(state(&status, "of_other"), "violated");
    let symbols = client.request("workspace/symbol", json!({ "query": "of_" }));
    let mut names: Vec<&str> = symbols.as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["of_one", "of_other"]);
    // A folder comes and goes, and nothing else does.
    let change = json!({ "event": { "added": [], "removed": [{ "uri": uri(&other.path("")), "name": "other" }] } });
    client.notify("workspace/didChangeWorkspaceFolders", change);
    assert_eq!(client.command("qnn.status", json!({ "uri": second }))["counts"]["violated"], 1);
    client.leave();
}
