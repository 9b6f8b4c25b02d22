//! The one place from which the server speaks first.
//!
//! In: messages from the owner and from the backend. Out: notifications and requests to the client, in order. Of several diagnostics or refreshes that wait, only the
//! newest leaves. Each request to the client has a task of its own, so that no message waits for the client's answer.

use crate::protocol::{Status, VerificationStatus};
use serde_json::Value;
use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tower_lsp::Client;
use tower_lsp::lsp_types::notification::Progress;
use tower_lsp::lsp_types::request::WorkDoneProgressCreate;
use tower_lsp::lsp_types::{
    ConfigurationItem, Diagnostic, MessageType, ProgressParams, ProgressParamsValue, ProgressToken, Registration,
    ShowDocumentParams, Url, WorkDoneProgress, WorkDoneProgressBegin, WorkDoneProgressCreateParams,
    WorkDoneProgressEnd, WorkDoneProgressReport,
};

/// What is to be told.
#[derive(Debug)]
pub enum Message {
    /// All diagnostics of a document.
    Diagnostics(Url, Vec<Diagnostic>, Option<i32>),
    /// `qnn/verificationStatus`.
    Status(Box<Status>),
    /// A message that is shown.
    Show(MessageType, String),
    /// A message for the log.
    Log(MessageType, String),
    /// A run began.
    Begin(u64, String),
    /// A run went on: what is to be said, how many percent are done.
    Report(u64, String, u32),
    /// A run ended.
    End(u64, String),
    /// Code lenses and inlay hints are to be asked for again.
    Refresh,
    /// Inlay hints are to be asked for again.
    RefreshHints,
    /// A text is to be shown in a document of its own.
    Text(String, String),
    /// A page is to be shown by whatever shows pages.
    Page(Url),
    /// A spec is to be opened that was written.
    Document(Url),
    /// Files are to be watched.
    Register(Vec<Registration>),
    /// The client is to be asked for its settings; where its answer goes.
    Settings(oneshot::Sender<Value>),
}

/// What the client can do, of what matters here.
#[derive(Clone, Copy, Debug, Default)]
pub struct Abilities {
    /// Work-done progress.
    pub progress: bool,
    /// `workspace/codeLens/refresh`.
    pub lens_refresh: bool,
    /// `workspace/inlayHint/refresh`.
    pub hint_refresh: bool,
    /// `window/showDocument`.
    pub show_document: bool,
}

/// How long a client may take to agree to progress.
const PATIENCE: Duration = Duration::from_secs(5);

/// Speaks until the owner is gone.
pub async fn publish(client: Client, abilities: Abilities, mut messages: UnboundedReceiver<Message>) {
    let mut runs: HashMap<u64, UnboundedSender<WorkDoneProgress>> = HashMap::new();
    while let Some(first) = messages.recv().await {
        let mut batch = vec![first];
        while let Ok(next) = messages.try_recv() {
            batch.push(next);
        }
        for index in 0..batch.len() {
            let (message, later) = match batch.get_mut(index..).and_then(<[Message]>::split_first_mut) {
                Some((message, later)) => (std::mem::replace(message, Message::Refresh), &*later),
                None => break,
            };
            match message {
                Message::Diagnostics(uri, diagnostics, version) => {
                    let outdated = |m: &Message| matches!(m, Message::Diagnostics(other, ..) if *other == uri);
                    if !later.iter().any(outdated) {
                        client.publish_diagnostics(uri, diagnostics, version).await;
                    }
                }
                Message::Status(status) => client.send_notification::<VerificationStatus>(*status).await,
                Message::Show(kind, text) => client.show_message(kind, text).await,
                Message::Log(kind, text) => client.log_message(kind, text).await,
                Message::Begin(run, title) if abilities.progress => {
                    let (sender, receiver) = unbounded_channel();
                    runs.insert(run, sender);
                    tokio::spawn(progress(client.clone(), run, title, receiver));
                }
                Message::Report(run, message, percentage) => {
                    if let Some(sender) = runs.get(&run) {
                        let report = WorkDoneProgressReport {
                            cancellable: Some(true),
                            message: Some(message),
                            percentage: Some(percentage),
                        };
                        let _ = sender.send(WorkDoneProgress::Report(report));
                    }
                }
                Message::End(run, message) => {
                    if let Some(sender) = runs.remove(&run) {
                        let _ = sender.send(WorkDoneProgress::End(WorkDoneProgressEnd { message: Some(message) }));
                    }
                }
                Message::Begin(..) => {}
                Message::Refresh => {
                    // Placeholders of what has been told stand before `index`, never after it.
                    if !later.iter().any(|m| matches!(m, Message::Refresh)) {
                        refresh(&client, abilities);
                    }
                }
                Message::RefreshHints => {
                    if !later.iter().any(|m| matches!(m, Message::Refresh | Message::RefreshHints)) {
                        refresh(&client, Abilities { lens_refresh: false, ..abilities });
                    }
                }
                Message::Text(title, text) => {
                    tokio::spawn(show_text(client.clone(), abilities.show_document, title, text));
                }
                Message::Page(uri) => {
                    tokio::spawn(show_page(client.clone(), abilities.show_document, uri));
                }
                Message::Document(uri) => {
                    tokio::spawn(open(client.clone(), abilities.show_document, uri));
                }
                Message::Register(registrations) => {
                    let client = client.clone();
                    tokio::spawn(async move {
                        if let Err(error) = client.register_capability(registrations).await {
                            tracing::warn!(%error, "the client watches no files");
                        }
                    });
                }
                Message::Settings(reply) => {
                    tokio::spawn(settings(client.clone(), reply));
                }
            }
        }
    }
}

fn refresh(client: &Client, abilities: Abilities) {
    let client = client.clone();
    tokio::spawn(async move {
        if abilities.lens_refresh {
            let _ = client.code_lens_refresh().await;
        }
        if abilities.hint_refresh {
            let _ = client.inlay_hint_refresh().await;
        }
    });
}

/// Passes the client's settings on, if it gives any.
async fn settings(client: Client, reply: oneshot::Sender<Value>) {
    let items = vec![ConfigurationItem { scope_uri: None, section: Some("qnn".to_owned()) }];
    if let Ok(values) = client.configuration(items).await
        && let Some(settings) = values.into_iter().next().filter(Value::is_object)
    {
        let _ = reply.send(settings);
    }
}

/// The token of a run's progress.
pub fn token(run: u64) -> ProgressToken {
    ProgressToken::String(format!("qnn/run/{run}"))
}

/// The run of a progress's token.
pub fn run_of(token: &ProgressToken) -> Option<u64> {
    match token {
        ProgressToken::String(text) => text.strip_prefix("qnn/run/")?.parse().ok(),
        ProgressToken::Number(_) => None,
    }
}

/// One run's progress, from the client's agreement to its end.
async fn progress(client: Client, run: u64, title: String, mut steps: UnboundedReceiver<WorkDoneProgress>) {
    let create = client.send_request::<WorkDoneProgressCreate>(WorkDoneProgressCreateParams { token: token(run) });
    if !matches!(tokio::time::timeout(PATIENCE, create).await, Ok(Ok(()))) {
        return;
    }
    let tell = |step: WorkDoneProgress| {
        client.send_notification::<Progress>(ProgressParams {
            token: token(run),
            value: ProgressParamsValue::WorkDone(step),
        })
    };
    tell(WorkDoneProgress::Begin(WorkDoneProgressBegin {
        title,
        cancellable: Some(true),
        message: None,
        percentage: Some(0),
    }))
    .await;
    let mut ended = false;
    while let Some(mut step) = steps.recv().await {
        while let Ok(later) = steps.try_recv() {
            step = later;
        }
        ended = matches!(step, WorkDoneProgress::End(_));
        tell(step).await;
        if ended {
            break;
        }
    }
    if !ended {
        tell(WorkDoneProgress::End(WorkDoneProgressEnd { message: None })).await;
    }
}

/// Shows a text as a document, or else as a message.
async fn show_text(client: Client, as_document: bool, title: String, text: String) {
    if as_document {
        let written = tokio::task::spawn_blocking({
            let (title, text) = (title.clone(), text.clone());
            move || temporary(&title, &text)
        });
        if let Ok(Some(uri)) = written.await.map(|path| path.and_then(|path| Url::from_file_path(path).ok())) {
            let shown = client
                .show_document(ShowDocumentParams { uri, external: None, take_focus: Some(true), selection: None })
                .await;
            if shown.unwrap_or(false) {
                return;
            }
        }
    }
    client.show_message(MessageType::INFO, format!("{title}\n{text}")).await;
}

/// Shows a page outside of the editor, or else says where it is.
async fn show_page(client: Client, outside: bool, uri: Url) {
    let path = uri.to_file_path().map_or_else(|()| uri.to_string(), |path| path.display().to_string());
    if outside {
        let shown = ShowDocumentParams { uri, external: Some(true), take_focus: Some(true), selection: None };
        if client.show_document(shown).await.unwrap_or(false) {
            return;
        }
    }
    client.show_message(MessageType::INFO, format!("The report is {path}")).await;
}

/// Opens a spec that was written, or else says where it is.
async fn open(client: Client, as_document: bool, uri: Url) {
    let path = uri.to_file_path().map_or_else(|()| uri.to_string(), |path| path.display().to_string());
    if as_document {
        let shown = ShowDocumentParams { uri, external: None, take_focus: Some(true), selection: None };
        if client.show_document(shown).await.unwrap_or(false) {
            return;
        }
    }
    client.show_message(MessageType::INFO, format!("The spec is {path}")).await;
}

/// A file that holds a text, kept for as long as the system keeps temporary files.
fn temporary(title: &str, text: &str) -> Option<PathBuf> {
    let name: String = title.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(60).collect();
    let mut file = tempfile::Builder::new().prefix(&format!("{name}-")).suffix(".txt").tempfile().ok()?;
    file.write_all(text.as_bytes()).ok()?;
    file.into_temp_path().keep().ok()
}
