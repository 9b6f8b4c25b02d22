//! A plain LSP client for tests: over the binary's standard streams, or to a server in this process with engines of the test's own.
#![allow(dead_code, reason = "each test uses a part")]

use qnn::engine::portfolio::Portfolio;
use qnn_lsp::Config;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Long enough for a slow machine; a test that waits so long fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A spec whose properties are decided at once.
pub const SMALL: &str = r#"type Coord = ufixed<4, 2>;
type Score = fixed<6, 3>;
enum Axis { x, y }
enum Side { below, above }
type Point = Coord[Axis];

/// One hidden neuron.
network side(p: Point) -> Score[Side] {
    let h = relu(dense(p, [[1, -1]], [0.5])) as Coord;
    dense(h, [[1], [-0.75]], [-0.5, 0.5]) as Score
}

property holds = forall p: Point: side(p).above <= 1;

property never_below = forall p: Point: argmax(side(p)) != Side.below;

property family(i in 0..4) = forall p: Point where p.x == i: side(p).above <= 1;
"#;

pub struct Client {
    input: Box<dyn Write + Send>,
    messages: Receiver<Value>,
    child: Option<Child>,
    next: i64,
    /// Notifications that no test has taken.
    pub inbox: Vec<Value>,
    /// What is known of each document, merged as docs/protocol.md says.
    pub statuses: HashMap<String, Value>,
    sequence: u64,
    responses: HashMap<i64, Value>,
    pub settings: Value,
    pub progress: Vec<Value>,
    version: i64,
    /// Every state that each instance has been in, in order.
    pub history: HashMap<String, Vec<String>>,
    /// The notifications since the last complete one.
    pub partial: usize,
}

fn read_messages(input: impl Read + Send + 'static) -> Receiver<Value> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut input = BufReader::new(input);
        loop {
            let mut length = 0;
            loop {
                let mut line = String::new();
                match input.read_line(&mut line) {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                }
                if line.trim().is_empty() {
                    break;
                }
                if let Some(n) = line.to_lowercase().strip_prefix("content-length:") {
                    length = n.trim().parse().expect("a length");
                }
            }
            let mut body = vec![0; length];
            if input.read_exact(&mut body).is_err() {
                return;
            }
            let message: Value = serde_json::from_slice(&body).expect("JSON");
            if sender.send(message).is_err() {
                return;
            }
        }
    });
    receiver
}

impl Client {
    /// The binary, started as an editor starts it.
    pub fn spawn(arguments: &[&str]) -> Client {
        Client::spawn_with(arguments, &[])
    }

    /// The same in another environment.
    pub fn spawn_with(arguments: &[&str], environment: &[(&str, &Path)]) -> Client {
        let mut child = Command::new(env!("CARGO_BIN_EXE_qnn-lsp"))
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let input = child.stdin.take().expect("its input");
        let output = child.stdout.take().expect("its output");
        Client::new(Box::new(input), output, Some(child))
    }

    /// A server in this process.
    pub fn inside(portfolio: Option<Portfolio>, store: Option<PathBuf>) -> Client {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .thread_stack_size(64 << 20)
                .enable_all()
                .build()
                .expect("a runtime");
            let (stream, _) = listener.accept().expect("a client");
            stream.set_nonblocking(true).expect("a stream");
            runtime.block_on(async move {
                let stream = tokio::net::TcpStream::from_std(stream).expect("a stream");
                let (input, output) = stream.into_split();
                qnn_lsp::serve(input, output, Config { store, portfolio }).await;
            });
            runtime.shutdown_timeout(Duration::from_millis(10));
        });
        let stream = std::net::TcpStream::connect(address).expect("the server listens");
        let output = stream.try_clone().expect("a stream");
        Client::new(Box::new(stream), output, None)
    }

    fn new(input: Box<dyn Write + Send>, output: impl Read + Send + 'static, child: Option<Child>) -> Client {
        Client {
            input,
            messages: read_messages(output),
            child,
            next: 0,
            inbox: Vec::new(),
            statuses: HashMap::new(),
            sequence: 0,
            responses: HashMap::new(),
            settings: json!({}),
            progress: Vec::new(),
            version: 1,
            history: HashMap::new(),
            partial: 0,
        }
    }

    /// Initializes with the abilities of a modern editor; `options` are the initialization options.
    pub fn initialize(&mut self, options: Value) -> Value {
        self.initialize_with(options, json!(["utf-8", "utf-16"]))
    }

    pub fn initialize_with(&mut self, options: Value, encodings: Value) -> Value {
        let answer = self.request(
            "initialize",
            json!({
                "processId": null,
                "rootUri": null,
                "initializationOptions": options,
                "capabilities": {
                    "general": { "positionEncodings": encodings },
                    "window": { "workDoneProgress": true, "showDocument": { "support": false } },
                    "workspace": { "configuration": false, "didChangeWatchedFiles": { "dynamicRegistration": true } },
                    "textDocument": {
                        "completion": { "completionItem": { "snippetSupport": true } },
                        "inlayHint": {},
                    },
                },
            }),
        );
        self.notify("initialized", json!({}));
        answer
    }

    pub fn send(&mut self, message: &Value) {
        let body = message.to_string();
        self.send_raw(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }

    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.input.write_all(bytes).expect("the server reads");
        self.input.flush().expect("the server reads");
    }

    pub fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Sends a request and returns its number.
    pub fn ask(&mut self, method: &str, params: Value) -> i64 {
        self.next += 1;
        let id = self.next;
        let mut message = json!({ "jsonrpc": "2.0", "id": id, "method": method });
        if !params.is_null() {
            message["params"] = params;
        }
        self.send(&message);
        id
    }

    /// Waits for the answer to a request: its whole message.
    pub fn answer(&mut self, id: i64) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(response) = self.responses.remove(&id) {
                return response;
            }
            assert!(self.receive(until), "no answer to request {id}");
        }
    }

    /// Sends a request, waits, and returns its result.
    pub fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.ask(method, params);
        let response = self.answer(id);
        assert!(response.get("error").is_none(), "{method}: {response}");
        response["result"].clone()
    }

    /// Takes one message in; `false` if none came in time.
    fn receive(&mut self, until: Instant) -> bool {
        match self.messages.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(message) => {
                self.take(message);
                true
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => false,
        }
    }

    fn take(&mut self, message: Value) {
        let method = message["method"].as_str().map(str::to_owned);
        match (method.as_deref(), message.get("id").cloned()) {
            (Some(method), Some(id)) => {
                let result = match method {
                    "workspace/configuration" => json!([self.settings]),
                    _ => Value::Null,
                };
                self.send(&json!({ "jsonrpc": "2.0", "id": id, "result": result }));
            }
            (Some("qnn/verificationStatus"), None) => self.merge(&message["params"]),
            (Some("$/progress"), None) => self.progress.push(message["params"].clone()),
            (Some(_), None) => self.inbox.push(message),
            (None, Some(id)) => {
                if let Some(id) = id.as_i64() {
                    self.responses.insert(id, message);
                } else {
                    self.inbox.push(message);
                }
            }
            (None, None) => panic!("what is this? {message}"),
        }
    }

    /// Merges a status as a client should, and checks what is promised of it.
    fn merge(&mut self, status: &Value) {
        assert_eq!(status["version"], 2);
        let sequence = status["sequence"].as_u64().expect("a number");
        assert!(sequence > self.sequence, "sequences grow");
        self.sequence = sequence;
        let uri = status["uri"].as_str().expect("a URI").to_owned();
        let known = self.statuses.entry(uri).or_insert(Value::Null);
        if status["complete"] == true {
            *known = status.clone();
            self.partial = 0;
        } else {
            self.partial += 1;
            assert!(!known.is_null(), "the first status is complete");
            for field in ["counts", "active", "mood", "documentVersion", "sequence"] {
                known[field] = status[field].clone();
            }
            for property in status["properties"].as_array().expect("a list") {
                let all = known["properties"].as_array_mut().expect("a list");
                let old = all.iter_mut().find(|p| p["name"] == property["name"]).expect("a property that is known");
                let mut instances = old["instances"].as_array().expect("a list").clone();
                for instance in property["instances"].as_array().expect("a list") {
                    let place = instances.iter_mut().find(|i| i["name"] == instance["name"]);
                    *place.expect("an instance that is known") = instance.clone();
                }
                *old = property.clone();
                old["instances"] = instances.into();
            }
        }
        if status["mood"] == "passed" {
            assert_eq!(status["counts"]["unexpected"], 0);
            for open in ["unverified", "stale", "queued", "running", "timeout", "unknown", "error"] {
                assert_eq!(status["counts"][open], 0, "{open} looks like success");
            }
        }
        for property in status["properties"].as_array().expect("a list") {
            for instance in property["instances"].as_array().expect("a list") {
                assert_eq!(instance["mood"] == "passed", instance["asExpected"] == true, "{instance}");
                let name = instance["name"].as_str().expect("a name").to_owned();
                let state = instance["state"].as_str().expect("a state").to_owned();
                let is_final = matches!(&*state, "proved" | "violated" | "vacuous" | "timeout" | "error");
                assert_eq!(
                    instance["asExpected"].is_boolean(),
                    is_final || state == "unknown" && instance["asExpected"].is_boolean()
                );
                let history = self.history.entry(name).or_default();
                if history.last() != Some(&state) {
                    history.push(state);
                }
            }
        }
    }

    /// Waits until something holds of a document's status.
    pub fn wait_status(&mut self, uri: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.statuses.get(uri).filter(|s| holds(s)) {
                return status.clone();
            }
            let got = self.receive(until);
            assert!(
                got,
                "{what} was waited for in vain; the status is {:#}",
                self.statuses.get(uri).unwrap_or(&Value::Null)
            );
        }
    }

    /// Waits until nothing of a document runs and its status is of this version of the text.
    pub fn settled(&mut self, uri: &str, version: i64) -> Value {
        self.wait_status(uri, "the end of the run", |s| {
            s["active"] == false
                && s["documentVersion"] == version
                && s["counts"]["queued"] == 0
                && s["counts"]["unverified"] == 0
                && s["counts"]["stale"] == 0
        })
    }

    /// Waits for diagnostics of a version.
    pub fn diagnostics(&mut self, uri: &str, version: i64) -> Vec<Value> {
        self.diagnostics_where(uri, version, |_| true)
    }

    pub fn diagnostics_where(&mut self, uri: &str, version: i64, holds: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let until = Instant::now() + PATIENCE;
        loop {
            let found = self.inbox.iter().rev().find(|m| {
                m["method"] == "textDocument/publishDiagnostics"
                    && m["params"]["uri"] == uri
                    && m["params"]["version"] == version
                    && holds(m["params"]["diagnostics"].as_array().expect("a list"))
            });
            if let Some(found) = found {
                return found["params"]["diagnostics"].as_array().expect("a list").clone();
            }
            assert!(self.receive(until), "no such diagnostics of version {version}: {:#?}", self.inbox);
        }
    }

    /// Waits until something holds of what has come.
    pub fn wait(&mut self, what: &str, holds: impl Fn(&Client) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(self.receive(until), "{what} was waited for in vain: {:#?}", self.inbox);
        }
    }

    /// The status of a document once the server has dealt with everything that was sent so far: whether something has begun by then needs no waiting.
    pub fn status(&mut self, uri: &str) -> Value {
        self.command("qnn.status", json!({ "uri": uri }))
    }

    /// Waits for a message that is shown or logged, and takes it.
    pub fn told(&mut self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let is_it = |m: &Value| is_told(m) && m["params"]["message"].as_str().is_some_and(&holds);
        self.wait(what, |client| client.inbox.iter().any(is_it));
        let at = self.inbox.iter().position(is_it).expect("it has come");
        self.inbox.remove(at)["params"]["message"].as_str().expect("a text").to_owned()
    }

    /// How many messages were shown or logged that no test has taken.
    pub fn untaken(&self) -> usize {
        self.inbox.iter().filter(|m| is_told(m)).count()
    }

    /// Takes in whatever comes for a while.
    pub fn listen(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while self.receive(until) {}
    }

    pub fn open(&mut self, uri: &str, text: &str) {
        self.version = 1;
        self.notify(
            "textDocument/didOpen",
            json!({ "textDocument": { "uri": uri, "languageId": "qnn", "version": 1, "text": text } }),
        );
    }

    /// Replaces a document's whole text; returns the version.
    pub fn change(&mut self, uri: &str, text: &str) -> i64 {
        self.edit(uri, json!([{ "text": text }]))
    }

    pub fn edit(&mut self, uri: &str, changes: Value) -> i64 {
        self.version += 1;
        let version = self.version;
        self.notify(
            "textDocument/didChange",
            json!({ "textDocument": { "uri": uri, "version": version }, "contentChanges": changes }),
        );
        version
    }

    pub fn save(&mut self, uri: &str) {
        self.notify("textDocument/didSave", json!({ "textDocument": { "uri": uri } }));
    }

    pub fn close(&mut self, uri: &str) {
        self.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri } }));
    }

    pub fn command(&mut self, command: &str, argument: Value) -> Value {
        self.request("workspace/executeCommand", json!({ "command": command, "arguments": [argument] }))
    }

    /// A request about a position in a document.
    pub fn at(&mut self, method: &str, uri: &str, (line, character): (u32, u32)) -> Value {
        self.request(
            method,
            json!({ "textDocument": { "uri": uri }, "position": { "line": line, "character": character } }),
        )
    }

    /// Ends the server as an editor does; returns its exit code if it is a process.
    pub fn leave(mut self) -> Option<i32> {
        self.request("shutdown", Value::Null);
        self.notify("exit", Value::Null);
        let until = Instant::now() + PATIENCE;
        let child = self.child.as_mut()?;
        loop {
            if let Some(status) = child.try_wait().expect("a process") {
                return status.code();
            }
            assert!(Instant::now() < until, "the server ends");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn child(&mut self) -> &mut Child {
        self.child.as_mut().expect("a process")
    }
}

/// A message for people.
fn is_told(message: &Value) -> bool {
    message["method"] == "window/showMessage" || message["method"] == "window/logMessage"
}

/// A client whose test has looked at no error or warning that the server showed or logged fails its test.
impl Drop for Client {
    fn drop(&mut self) {
        self.inbox.extend(self.messages.try_iter());
        let grave = |m: &&Value| is_told(m) && m["params"]["type"].as_i64().is_some_and(|kind| kind <= 2);
        let grave: Vec<Value> = self.inbox.iter().filter(grave).cloned().collect();
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
        assert!(std::thread::panicking() || grave.is_empty(), "the test has not looked at {grave:#?}");
    }
}

/// The state of an instance.
pub fn state<'a>(status: &'a Value, instance: &str) -> &'a str {
    self::instance(status, instance)["state"].as_str().expect("a state")
}

/// An instance of a status.
pub fn instance<'a>(status: &'a Value, name: &str) -> &'a Value {
    let properties = status["properties"].as_array().expect("a list");
    let mut all = properties.iter().flat_map(|p| p["instances"].as_array().expect("a list"));
    all.find(|i| i["name"] == name).unwrap_or_else(|| panic!("no {name} in {status:#}"))
}

/// A folder for a test, with a URI for a spec in it.
pub struct Folder {
    pub folder: tempfile::TempDir,
}

impl Folder {
    pub fn new() -> Folder {
        Folder { folder: tempfile::tempdir().expect("a folder") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().expect("a folder").join(name)
    }

    pub fn uri(&self, name: &str) -> String {
        uri(&self.path(name))
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).expect("a file is written");
    }
}

pub fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// Where a marker `$0` stands in a text, as line and character, and the text without it.
pub fn marked(text: &str) -> (String, (u32, u32)) {
    let at = text.find("$0").expect("a marker");
    let before = &text[..at];
    let line = before.matches('\n').count() as u32;
    let character = before.rsplit('\n').next().expect("a line").len() as u32;
    (text.replacen("$0", "", 1), (line, character))
}
