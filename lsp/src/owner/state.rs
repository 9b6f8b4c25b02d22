//! The owner's state: the database, the open documents, the jobs, and what is still to be told.

use super::documents::Document;
use super::queue::Queue;
use super::runs::Runs;
use crate::convert::{Encoding, path_of};
use crate::event::Event;
use crate::held_verdict::Held;
use crate::publisher::Message;
use crate::settings::Settings;
use crate::snapshot::{Ask, Snapshot};
use qnn::db::{Database, Disk};
use qnn::engine::portfolio::Portfolio;
use qnn::verify::{Options, Store};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tower_lsp::lsp_types::Url;

/// What is settled when the connection begins.
#[derive(Clone, Default)]
pub struct Setup {
    /// What columns count.
    pub encoding: Encoding,
    /// The first folder of the workspace.
    pub folder: PathBuf,
    /// All of them.
    pub folders: Vec<PathBuf>,
    /// The settings so far.
    pub settings: Settings,
    /// The client shows counterexamples itself.
    pub shows_counterexamples: bool,
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
    /// Engines instead of the named ones.
    pub portfolio: Option<Portfolio>,
    /// Where verdicts are remembered; nowhere if `None`.
    pub store: Option<PathBuf>,
}

/// The owner of everything that changes.
pub struct Owner {
    pub(super) db: Database,
    pub(super) setup: Setup,
    pub(super) settings: Settings,
    /// How jobs are decided.
    pub(super) options: Options,
    pub(super) events: Sender<Event>,
    pub(super) messages: UnboundedSender<Message>,
    /// The open documents by path.
    pub(super) documents: HashMap<PathBuf, Document>,
    /// The workspace's folders.
    pub(super) folders: Vec<PathBuf>,
    /// Verdicts of documents that are closed.
    pub(super) remembered: HashMap<PathBuf, HashMap<String, Held>>,
    /// The verification jobs.
    pub(super) queue: Queue,
    /// The runs that jobs belong to.
    pub(super) runs: Runs,
    /// Grows with every change of the database or the settings.
    pub(super) generation: u64,
    /// The generation that an analysis is under way for, or was complete for.
    pub(super) analysed: u64,
    /// An analysis is under way.
    pub(super) analysing: bool,
    /// Stale verdicts are being compared with the text as it is.
    pub(super) confirming: bool,
    /// Stale verdicts are to be compared.
    pub(super) to_confirm: bool,
    /// The number of the last status.
    pub(super) sequence: u64,
    /// Code lenses and inlay hints are to be asked for again.
    pub(super) refresh: bool,
    /// Inlay hints are to be asked for again.
    pub(super) refresh_hints: bool,
    /// When statuses were sent last.
    pub(super) flushed: Instant,
    /// When inlay hints were refreshed last for what is running.
    pub(super) ticked: Instant,
    /// Time and size of files when they were read.
    pub(super) seen: HashMap<PathBuf, Option<(SystemTime, u64)>>,
    /// The document that was changed last: analysed first.
    pub(super) last: Option<PathBuf>,
    /// The reply to a shutdown, and the time by which it is sent.
    pub(super) leaving: Option<(oneshot::Sender<()>, Instant)>,
    /// Requests that wait for a snapshot.
    pub(super) asked: Vec<(Ask, oneshot::Sender<Snapshot>)>,
    /// The permit of hovers that tell of neurons: one at a time.
    pub(super) neurons: Arc<Semaphore>,
}

impl Owner {
    pub(super) fn new(setup: Setup, events: Sender<Event>, messages: UnboundedSender<Message>) -> Owner {
        let settings = setup.settings.clone();
        let mut owner = Owner {
            folders: setup.folders.clone(),
            db: Database::new(Disk),
            options: Options::default(),
            settings,
            setup,
            events,
            messages,
            documents: HashMap::new(),
            remembered: HashMap::new(),
            queue: Queue::default(),
            runs: Runs::default(),
            generation: 1,
            analysed: 1,
            analysing: false,
            confirming: false,
            to_confirm: false,
            sequence: 0,
            refresh: false,
            refresh_hints: false,
            flushed: Instant::now(),
            ticked: Instant::now(),
            seen: HashMap::new(),
            last: None,
            leaving: None,
            asked: Vec::new(),
            neurons: Arc::new(Semaphore::new(1)),
        };
        owner.options = owner.make_options();
        owner
    }

    pub(super) fn make_options(&self) -> Options {
        let wanted = &self.settings.verification;
        let store = self.setup.store.clone().filter(|_| wanted.cache);
        let mut options = Options::default();
        options.jobs = wanted.jobs;
        options.timeout = wanted.budget.map(Duration::from_secs_f64);
        options.engine = Some(wanted.engine.as_str()).filter(|engine| *engine != "auto").map(Into::into);
        options.memory = wanted.memory.map(|mib| mib << 20);
        options.store = store.map(|path| Arc::new(Store::open(path)));
        options.portfolio = self.setup.portfolio.clone();
        options
    }

    pub(super) fn say(&self, message: Message) {
        // Without a publisher there is no client any more.
        let _ = self.messages.send(message);
    }

    pub(super) fn path(&self, uri: &Url) -> PathBuf {
        path_of(uri, &self.setup.folder)
    }

    pub(super) fn changed(&mut self) {
        self.generation += 1;
    }
}
