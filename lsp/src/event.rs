//! What happens: everything that the owner is told, by handlers of messages and by the threads that work for it.

use crate::commands::Command;
use crate::snapshot::{Ask, Snapshot, Workspace};
use qnn::db::Database;
use qnn::ide::Property;
use qnn::verify::{Ended, Progress};
use serde_json::Value;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use tokio::sync::oneshot;
use tower_lsp::lsp_types::{self as lsp, TextDocumentContentChangeEvent, Url};

/// What happens.
pub enum Event {
    /// A document was opened.
    Open(Url, i32, String),
    /// It was changed.
    Change(Url, i32, Vec<TextDocumentContentChangeEvent>),
    /// It was saved.
    Save(Url),
    /// It was closed.
    Close(Url),
    /// Files changed on disk.
    Watched(Vec<Url>),
    /// Folders came to the workspace, and went.
    Folders(Vec<Url>, Vec<Url>),
    /// The settings changed.
    Configure(Value),
    /// `qnn/verdicts` wants to see how things are now.
    Workspace(oneshot::Sender<Workspace>),
    /// A request wants to see how things are now.
    Snapshot(Ask, oneshot::Sender<Snapshot>),
    /// A command, and where its result goes.
    Command(Command, oneshot::Sender<Result<Value, String>>),
    /// The progress of a run was cancelled.
    CancelRun(u64),
    /// The connection ends; the reply follows once the engines have stopped.
    Shutdown(oneshot::Sender<()>),
    /// The analysis of a document.
    Analysed(Box<Analysed>),
    /// An analysis came to its end, or was overtaken.
    AnalysisEnded {
        /// Whether all documents were analysed.
        complete: bool,
    },
    /// A verification job wants the database for a moment.
    Lend(Sender<Database>),
    /// A verification job knows more.
    Progress(u64, Progress),
    /// A turn of a verification job ended.
    Done(Box<Done>),
    /// Verdicts of an earlier text are those of this one too.
    Confirmed(PathBuf, u64, Vec<(String, [u8; 32])>),
    /// Verdicts have been compared with the text as far as that was possible.
    ConfirmEnded,
}

/// What an analysis found.
pub struct Analysed {
    /// The document.
    pub path: PathBuf,
    /// The generation of the database.
    pub generation: u64,
    /// The version of the text.
    pub version: i32,
    /// The compiler's diagnostics.
    pub diagnostics: Vec<lsp::Diagnostic>,
    /// The properties and measures.
    pub properties: Vec<Property>,
    /// The specs that it uses.
    pub uses: HashSet<PathBuf>,
    /// The text.
    pub text: Arc<str>,
}

/// What became of a turn.
pub struct Done {
    /// The job's number.
    pub id: u64,
    /// What the turn made of the job; `None` if its thread ended without saying.
    pub ended: Option<Ended>,
    /// The text changed before it was lowered, so it says nothing.
    pub outdated: bool,
}
