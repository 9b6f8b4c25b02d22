//! `qnn.report`.

use super::{opened, page};
use crate::support::{Client, Folder, SMALL};
use serde_json::{Value, json};

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

    // A client that shows no pages is told where the page is.
    for _ in 0..2 {
        client.told("the page", |text| text.contains(".html"));
    }

    // What has become stale is not reported.
    let version = client.change(&uri, &SMALL.replace("!= Side.below", "!= Side.above"));
    client.wait_status(&uri, "the new text", |s| s["documentVersion"] == version);
    assert_eq!(client.untaken(), 0, "{:?}", client.inbox);
    let now = client.command("qnn.report", json!({ "uri": uri }));
    assert_eq!(now["instances"], 1);
    assert!(!page(&now).contains("never_below"));
    client.leave();

    let mut client = Client::inside(None, None);
    client.initialize(json!({ "clientShowsReports": true }));
    client.open(&uri, SMALL);
    client.settled(&uri, 1);
    page(&client.command("qnn.report", json!({ "uri": uri })));
    // A message would have come before the status of a later text.
    let version = client.change(&uri, &SMALL.replace("!= Side.below", "!= Side.above"));
    client.wait_status(&uri, "the new text", |s| s["documentVersion"] == version);
    assert_eq!(client.untaken(), 0, "{:?}", client.inbox);
    client.leave();
}
