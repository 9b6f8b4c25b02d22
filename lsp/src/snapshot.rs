//! What a request sees: how things are at one moment.
//!
//! Plain data that the owner hands out; it knows no request.

use crate::convert::Encoding;
use crate::held_verdict::Held;
use crate::protocol::Status;
use crate::settings::Settings;
use qnn::db::{Database, SourceFile};
use qnn::verify::{InstanceResult, Options};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tower_lsp::lsp_types::Url;

/// What a request wants to see.
#[derive(Clone, Debug)]
pub enum Ask {
    /// No document.
    Workspace,
    /// A document's text.
    Text(Url),
    /// A document with what is known of its verification.
    Verdicts(Url),
}

/// How things are at one moment, for a request.
pub struct Snapshot {
    /// The database. Queries unwind when it changes: run them through `answering::answer`.
    pub db: Database,
    /// The settings.
    pub settings: Settings,
    /// What columns count.
    pub encoding: Encoding,
    /// The client shows images within Markdown.
    pub images: bool,
    /// The client fills in snippets.
    pub snippets: bool,
    /// The client takes links for definitions.
    pub links: bool,
    /// The client shows inlay hints.
    pub hints: bool,
    /// The client opens the pages on diagnostics' codes by their URIs.
    pub explains: bool,
    /// The document, if it is open.
    pub document: Option<DocumentView>,
    /// One permit, taken while a thread works on the neurons that a hover tells of.
    pub neurons: Arc<Semaphore>,
}

/// A document at one moment.
pub struct DocumentView {
    /// Its URI.
    pub uri: Url,
    /// Its file in the database.
    pub file: SourceFile,
    /// Its version.
    pub version: i32,
    /// What is known of its verification, if that was asked for; of an earlier text if an analysis is under way.
    pub status: Option<Status>,
    /// The results that are of the text as it is, if they were asked for.
    pub results: Vec<Arc<InstanceResult>>,
}

/// How things are at one moment, for `qnn/verdicts`.
pub struct Workspace {
    /// How jobs are looked up.
    pub options: Options,
    /// What columns count.
    pub encoding: Encoding,
    /// The workspace's folders.
    pub folders: Vec<PathBuf>,
    /// The specs that are open.
    pub open: HashMap<PathBuf, Status>,
    /// The verdicts of those that were.
    pub remembered: HashMap<PathBuf, HashMap<String, Held>>,
}
