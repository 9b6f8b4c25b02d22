//! From a keystroke to its diagnostics, on a spec of 2,000 lines beside a model of 100 MB; and what else a user waits for.
//!
//! `cargo bench -p qnn-lsp --bench keystroke` prints the median and the worst of each kind of edit in milliseconds, with the server's memory.

#[path = "../tests/support/mod.rs"]
mod support;

use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, Instant};
use support::{Client, Folder};

/// Three layers of 4,194,304 weights in 64-bit floats, and a last one.
const LAYERS: [(&str, usize, usize); 4] =
    [("fc1", 4096, 1024), ("fc2", 1024, 4096), ("fc3", 4096, 1024), ("fc4", 10, 4096)];

fn write_model(folder: &Folder) -> u64 {
    let mut header = serde_json::Map::new();
    let mut at = 0;
    for (name, rows, columns) in LAYERS {
        for (part, shape) in [("weight", vec![rows, columns]), ("bias", vec![rows])] {
            let bytes = shape.iter().product::<usize>() * 8;
            header.insert(
                format!("{name}.{part}"),
                json!({ "dtype": "F64", "shape": shape, "data_offsets": [at, at + bytes] }),
            );
            at += bytes;
        }
    }
    let header = Value::Object(header).to_string();
    let file = std::fs::File::create(folder.path("big.safetensors")).expect("a file");
    let mut file = std::io::BufWriter::new(file);
    file.write_all(&(header.len() as u64).to_le_bytes()).expect("written");
    file.write_all(header.as_bytes()).expect("written");
    for (_, rows, columns) in LAYERS {
        for i in 0..rows * columns + rows {
            let weight = ((i * 2_654_435_761) % 255) as f64 / 128.0 - 1.0;
            file.write_all(&weight.to_le_bytes()).expect("written");
        }
    }
    file.flush().expect("written");
    std::fs::metadata(folder.path("big.safetensors")).expect("a file").len()
}

fn spec() -> String {
    let mut text = String::from(
        "type Small = ufixed<4, 2>;\n\nnetwork big(x: ufixed<8, 8>[1024]) -> fixed<8, 4>[10] {\n    params p = \"big.safetensors\" { *: fixed<8, 7>; }\n    let a = relu(dense(x, p.fc1)) as ufixed<8, 4>;\n    let b = relu(dense(a, p.fc2)) as ufixed<8, 4>;\n    let c = relu(dense(b, p.fc3)) as ufixed<8, 4>;\n    dense(c, p.fc4) as fixed<8, 4>\n}\n\nnetwork small(x: Small[2]) -> fixed<6, 3>[2] {\n    let h = relu(dense(x, [[1, -1], [0.5, 2]], [0.5, 0])) as Small;\n    dense(h, [[1, 1], [-0.75, 0.5]], [-0.5, 0.5]) as fixed<6, 3>\n}\n\nproperty of_big = forall x: ufixed<8, 8>[1024] where x[0] <= 0.5: argmax(big(x)) == 3;\n\n",
    );
    let mut count = 0;
    while text.lines().count() < 2_000 {
        count += 1;
        let _ = write!(
            text,
            "/// Property number {count}.\nproperty p{count}(i in 0..3) =\n    forall x: Small[2] where x[0] <= {}:\n        argmax(small(x)) == 0\n        or small(x)[0] >= small(x)[1] - i;\n\n",
            count % 4
        );
    }
    text
}

/// Milliseconds until the diagnostics of each of some edits; each goes in and out again.
fn measure(client: &mut Client, uri: &str, text: &str, mark: &str, typed: &str) -> Vec<f64> {
    let (_, (line, character)) = support::marked(&text.replacen(mark, &format!("$0{mark}"), 1));
    let start = json!({ "line": line, "character": character });
    let end = json!({ "line": line, "character": character as usize + typed.len() });
    let mut times = Vec::new();
    for round in 0..20 {
        client.inbox.clear();
        let (range, new) = match round % 2 {
            0 => (json!({ "start": start, "end": start }), typed),
            _ => (json!({ "start": start, "end": end }), ""),
        };
        let begin = Instant::now();
        let version = client.edit(uri, json!([{ "range": range, "text": new }]));
        client.diagnostics(uri, version);
        times.push(begin.elapsed().as_secs_f64() * 1000.0);
        client.listen(Duration::from_millis(30));
    }
    times.sort_by(f64::total_cmp);
    times
}

fn memory(client: &mut Client) -> String {
    let status = std::fs::read_to_string(format!("/proc/{}/status", client.child().id())).unwrap_or_default();
    let line = |name: &str| status.lines().find(|l| l.starts_with(name)).unwrap_or_default().to_owned();
    format!("{}, {}", line("VmRSS"), line("VmHWM"))
}

/// Seconds from saving the digits example to its first and last verdict, with an empty store and a full one; from cancelling to the answer.
fn digits() {
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/digits/digits.qnn");
    let path = std::path::Path::new(examples).canonicalize().expect("the example");
    let text = std::fs::read_to_string(&path).expect("the example");
    let uri = support::uri(&path);
    let folder = Folder::new();
    for store in ["cold", "warm"] {
        let mut client = Client::spawn_with(&[], &[("QNN_CACHE", &folder.path("store"))]);
        client.initialize(json!({ "verification": { "run": "onSave" } }));
        let begin = Instant::now();
        client.open(&uri, &text);
        let decided =
            |s: &Value| s["counts"]["proved"].as_u64() > Some(0) || s["counts"]["violated"].as_u64() > Some(0);
        client.wait_status(&uri, "a verdict", decided);
        let first = begin.elapsed();
        let status = client.settled(&uri, 1);
        println!(
            "digits, {store} store: first verdict {:.2} s, last {:.2} s; {}",
            first.as_secs_f64(),
            begin.elapsed().as_secs_f64(),
            status["counts"]
        );
        client.leave();
    }
    let mut client = Client::spawn(&["--no-cache"]);
    client.initialize(json!({ "verification": { "run": "never" } }));
    client.open(&uri, &text);
    client.command("qnn.verifyAll", json!({ "uri": uri }));
    client.wait_status(&uri, "it runs", |s| s["counts"]["running"].as_u64() > Some(0));
    client.listen(Duration::from_millis(200));
    let begin = Instant::now();
    client.command("qnn.cancel", json!({ "uri": uri }));
    let answered = begin.elapsed();
    client.wait_status(&uri, "the end", |s| s["active"] == false);
    println!(
        "cancel: answered in {:.1} ms, told in {:.1} ms",
        answered.as_secs_f64() * 1000.0,
        begin.elapsed().as_secs_f64() * 1000.0
    );
    let before = memory(&mut client);
    let begin = Instant::now();
    let at = json!({ "line": 47, "character": 0 });
    let mut version = 1;
    for round in 0..6_000 {
        let end = json!({ "line": 47, "character": round % 2 });
        version = client.edit(
            &uri,
            json!([{ "range": { "start": at, "end": end }, "text": (if round % 2 == 0 { "/" } else { "" }) }]),
        );
        if round % 4 == 0 {
            client.diagnostics(&uri, version);
            client.inbox.clear();
        }
    }
    client.diagnostics(&uri, version);
    println!(
        "6,000 edits in {:.1} s; memory before {before}; after {}",
        begin.elapsed().as_secs_f64(),
        memory(&mut client)
    );
    client.leave();
}

fn main() {
    digits();
    let folder = Folder::new();
    let bytes = write_model(&folder);
    let text = spec();
    let uri = folder.uri("wide.qnn");
    let begin = Instant::now();
    let mut client = Client::spawn(&["--no-cache"]);
    client.initialize(json!({ "verification": { "run": "never" } }));
    println!("start-up: {:.1} ms", begin.elapsed().as_secs_f64() * 1000.0);
    println!("a spec of {} lines, a model of {:.1} MB", text.lines().count(), bytes as f64 / 1e6);
    let begin = Instant::now();
    client.open(&uri, &text);
    let first = client.diagnostics(&uri, 1);
    println!(
        "first diagnostics, model read: {:.0} ms, {} of them",
        begin.elapsed().as_secs_f64() * 1000.0,
        first.len()
    );
    for (what, mark, typed) in [
        ("a comment", "/// Property number 7.", "// "),
        ("white space before all items", "type Small", "\n"),
        ("a number in a property", "1:\n        argmax(small(x))", "0."),
        ("a syntax error in a property", "forall x: Small[2] where x[0] <= 2", "for all "),
        ("the small network, which all properties use", "0.5, 2]]", "1"),
        ("a property of the big network", "0.5: argmax(big(x))", "0"),
        ("the big network", "let c = relu(dense(b, p.fc3)) as ufixed<8, 4>", "// "),
    ] {
        let times = measure(&mut client, &uri, &text, mark, typed);
        println!("{what}: median {:.1} ms, worst {:.1} ms", times[times.len() / 2], times[times.len() - 1]);
    }
    println!("memory: {}", memory(&mut client));
    let begin = Instant::now();
    client.leave();
    println!("shutdown: {:.1} ms", begin.elapsed().as_secs_f64() * 1000.0);
}
