//! The owner: the one thread that holds the database, the documents and the job table.
//!
//! In: events, in the order in which the client's messages arrived. Out: snapshots for requests, messages for the publisher. A notification's handler
//! sends its event before its first await and is done; nothing else changes what the owner holds. Slow work runs on threads of its own
//! with clones of the database, which a change of it cancels: a setter waits for every clone to be dropped, so no clone outlives a query,
//! and no verification job has one while an engine works.

mod documents;
mod instances;
mod queue;
mod runs;
mod status;
pub mod verdicts;
mod verification;
mod wanted;

use crate::commands::Command;
use crate::convert::{Encoding, diagnostics, path_of, text};
use crate::protocol::{Cleared, ShowArguments, Started, Status, VerifyArguments};
use crate::publisher::Message;
use crate::settings::{Settings, When};
use documents::Document;
use qnn::db::{Database, Disk, FileSystem, SourceFile};
use qnn::engine::portfolio::Portfolio;
use qnn::ide::{self, Property};
use qnn::verify::{InstanceResult, Options, Progress, Store};
use queue::Queue;
use runs::Runs;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tower_lsp::lsp_types::{self as lsp, MessageType, TextDocumentContentChangeEvent, Url};
use wanted::{Goal, Reply, Wanted};

/// The least time between two notifications about one document's verification.
const FLUSH: Duration = Duration::from_millis(100);
/// The least time between two refreshes of inlay hints for what is running.
const TICK: Duration = Duration::from_secs(1);
/// How long typing must pause before `onChange` verifies.
const PAUSE: Duration = Duration::from_millis(500);
/// How long a shutdown waits for engines to stop.
const LAST_WAIT: Duration = Duration::from_secs(2);

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
    Workspace(oneshot::Sender<verdicts::Workspace>),
    /// A request wants to see how things are now.
    Snapshot(Ask, oneshot::Sender<Snapshot>),
    /// A command, and who waits for its result.
    Command(Command, oneshot::Sender<Result<Value, String>>),
    /// The progress of a run was cancelled.
    CancelRun(u64),
    /// The connection ends; who waits for it.
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
    Done(Box<queue::Done>),
    /// Verdicts of an earlier text are those of this one too.
    Confirmed(PathBuf, u64, Vec<(String, [u8; 32])>),
    /// Verdicts have been compared with the text as far as that was possible.
    ConfirmEnded,
}

/// How things are at one moment, for a request.
pub struct Snapshot {
    /// The database. Queries unwind when it changes: run them through [`crate::snapshot::answer`].
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

/// What an analysis found.
pub struct Analysed {
    path: PathBuf,
    generation: u64,
    version: i32,
    diagnostics: Vec<lsp::Diagnostic>,
    properties: Vec<Property>,
    uses: HashSet<PathBuf>,
    text: Arc<str>,
}

/// The owner of everything that changes.
pub struct Owner {
    db: Database,
    setup: Setup,
    settings: Settings,
    options: Options,
    events: Sender<Event>,
    messages: UnboundedSender<Message>,
    documents: HashMap<PathBuf, Document>,
    /// The workspace's folders.
    folders: Vec<PathBuf>,
    /// Verdicts of documents that are closed.
    remembered: HashMap<PathBuf, HashMap<String, instances::Held>>,
    queue: Queue,
    /// The runs that jobs belong to.
    runs: Runs,
    /// Grows with every change of the database or the settings.
    generation: u64,
    /// The generation that an analysis is under way for, or was complete for.
    analysed: u64,
    analysing: bool,
    confirming: bool,
    to_confirm: bool,
    sequence: u64,
    refresh: bool,
    /// Inlay hints tell something new.
    refresh_hints: bool,
    flushed: Instant,
    /// When inlay hints were refreshed last for what is running.
    ticked: Instant,
    seen: HashMap<PathBuf, Option<(SystemTime, u64)>>,
    /// The document that was changed last: analysed first.
    last: Option<PathBuf>,
    leaving: Option<(oneshot::Sender<()>, Instant)>,
    /// Who waits for a snapshot.
    asked: Vec<(Ask, oneshot::Sender<Snapshot>)>,
}

/// Starts an owner on a thread of its own; it lives until all senders of events but its own workers' are gone, or it is shut down.
pub fn start(setup: Setup, messages: UnboundedSender<Message>) -> std::io::Result<Sender<Event>> {
    let (events, receiver) = mpsc::channel();
    let sender = events.clone();
    std::thread::Builder::new()
        .name("owner".to_owned())
        .stack_size(qnn::verify::STACK)
        .spawn(move || Owner::new(setup, sender, messages).run(&receiver))?;
    Ok(events)
}

impl Owner {
    fn new(setup: Setup, events: Sender<Event>, messages: UnboundedSender<Message>) -> Owner {
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
        };
        owner.options = owner.make_options();
        owner
    }

    fn make_options(&self) -> Options {
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

    fn run(mut self, events: &Receiver<Event>) {
        loop {
            let event = match self.deadline() {
                Some(at) => events.recv_timeout(at.saturating_duration_since(Instant::now())),
                None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match event {
                Ok(event) => self.guarded(event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            // What is waiting is taken in before anything is started for it; but a flood must not starve the rest.
            let until = Instant::now() + Duration::from_millis(20);
            while Instant::now() < until
                && let Ok(event) = events.try_recv()
            {
                self.guarded(event);
            }
            self.proceed();
            let over = self.leaving.as_ref().is_some_and(|(_, until)| self.queue.is_idle() || Instant::now() >= *until);
            if over {
                if let Some((reply, _)) = self.leaving.take() {
                    let _ = reply.send(());
                }
                return;
            }
        }
    }

    /// One event's panic must not take the server with it.
    fn guarded(&mut self, event: Event) {
        let work = || {
            self.handle(event);
            self.hand_out();
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
            let why = crate::snapshot::panic_text(&*panic);
            tracing::error!(%why, "a panic in the owner");
            self.say(Message::Log(MessageType::ERROR, format!("qnn: internal error, please report it: {why}")));
        }
    }

    fn say(&self, message: Message) {
        // Without a publisher there is no client any more.
        let _ = self.messages.send(message);
    }

    /// When something is due though nothing happens.
    fn deadline(&self) -> Option<Instant> {
        let flush = self.documents.values().any(Document::has_news).then_some(self.flushed + FLUSH);
        let pause = self.documents.values().filter_map(|d| d.verify_at).min();
        let leave = self.leaving.as_ref().map(|_| Instant::now() + Duration::from_millis(20));
        let tick = self.refresh_hints.then_some(self.ticked + TICK);
        [flush, pause, leave, tick].into_iter().flatten().min()
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Open(uri, version, text) => self.open(uri, version, text),
            Event::Change(uri, version, changes) => self.change(&uri, version, changes),
            Event::Save(uri) => self.save(&uri),
            Event::Close(uri) => self.close(&uri),
            Event::Watched(uris) => self.watched(&uris),
            Event::Folders(added, removed) => {
                let [added, removed] = [added, removed].map(|uris| uris.iter().map(|uri| self.path(uri)).collect());
                let (added, removed): (Vec<PathBuf>, Vec<PathBuf>) = (added, removed);
                self.folders.retain(|folder| !removed.contains(folder));
                self.folders.extend(added);
            }
            Event::Configure(value) => self.configure(&value),
            Event::Workspace(reply) => _ = reply.send(self.workspace()),
            Event::Snapshot(ask, reply) => self.asked.push((ask, reply)),
            Event::Command(command, reply) => self.command(command, reply),
            Event::CancelRun(run) => _ = self.cancel(&Wanted::Run(run), None),
            Event::Shutdown(reply) => {
                self.cancel(&Wanted::Everything, None);
                self.leaving = Some((reply, Instant::now() + LAST_WAIT));
            }
            Event::Analysed(analysed) => self.analysed(*analysed),
            Event::AnalysisEnded { complete } => {
                self.analysing = false;
                self.remember_stamps();
                if !complete {
                    // Overtaken by a change: the next one is due.
                    self.analysed = 0;
                }
            }
            Event::Lend(reply) => _ = reply.send(self.db.clone()),
            Event::Progress(job, progress) => self.progressed(job, progress),
            Event::Done(done) => self.turned(*done),
            Event::Confirmed(path, generation, names) => self.confirmed(&path, generation, names),
            Event::ConfirmEnded => self.confirming = false,
        }
    }

    /// What follows once no event is waiting.
    fn proceed(&mut self) {
        if self.leaving.is_none() {
            if !self.analysing && self.analysed != self.generation {
                self.analyse();
            }
            let due: Vec<PathBuf> = self
                .documents
                .iter()
                .filter(|(_, d)| d.verify_at.is_some_and(|at| at <= Instant::now()))
                .map(|(path, _)| path.clone())
                .collect();
            for path in due {
                if let Some(document) = self.documents.get_mut(&path) {
                    document.verify_at = None;
                }
                self.want(&path, Wanted::Auto, None, None);
            }
            if self.to_confirm && !self.confirming && !self.analysing && self.analysed == self.generation {
                self.confirm();
            }
            self.start_jobs();
        }
        let active = !self.queue.is_idle();
        if self.flushed.elapsed() >= FLUSH || !active {
            self.flush();
        }
    }

    // ---- Documents

    fn path(&self, uri: &Url) -> PathBuf {
        path_of(uri, &self.setup.folder)
    }

    fn changed(&mut self) {
        self.generation += 1;
    }

    fn open(&mut self, uri: Url, version: i32, text: String) {
        let path = self.path(&uri);
        let text: Arc<str> = text.into();
        let file = self.db.set_text(&path, text.clone());
        self.changed();
        let mut document = Document::new(uri, version, file, text);
        if let Some(held) = self.remembered.remove(&path) {
            document.restore(held);
        }
        self.documents.insert(path.clone(), document);
        self.last = Some(path.clone());
        if self.settings.verification.run != When::Never {
            self.want(&path, Wanted::Auto, None, None);
        }
    }

    fn change(&mut self, uri: &Url, version: i32, changes: Vec<TextDocumentContentChangeEvent>) {
        let path = self.path(uri);
        let Some(document) = self.documents.get_mut(&path) else {
            tracing::warn!(%uri, "a change of a document that is not open");
            return;
        };
        let text = document.apply(version, changes, self.setup.encoding);
        let reloaded = document.caught_up();
        self.db.set_text(&path, text);
        self.changed();
        if self.settings.verification.run == When::OnChange {
            for path in self.with_users(&path) {
                if let Some(document) = self.documents.get_mut(&path) {
                    document.verify_at = Some(Instant::now() + PAUSE);
                }
            }
        }
        self.last = Some(path.clone());
        if reloaded {
            self.saved(&path);
        }
    }

    /// A document with those that use it.
    fn with_users(&self, path: &Path) -> Vec<PathBuf> {
        let uses = |(other, document): &(&PathBuf, &Document)| *other == path || document.uses.contains(path);
        self.documents.iter().filter(uses).map(|(path, _)| path.clone()).collect()
    }

    /// A document's text is what the disk has: it and those that use it are due.
    fn saved(&mut self, path: &Path) {
        if self.settings.verification.run != When::Never {
            for path in self.with_users(path) {
                self.want(&path, Wanted::Auto, None, None);
            }
        }
    }

    fn save(&mut self, uri: &Url) {
        let path = self.path(uri);
        if !self.documents.contains_key(&path) {
            return;
        }
        self.look_at_disk();
        self.saved(&path);
    }

    fn close(&mut self, uri: &Url) {
        let path = self.path(uri);
        self.cancel(&Wanted::Everything, Some(&path));
        let Some(document) = self.documents.remove(&path) else { return };
        document.refuse("the document was closed");
        self.say(Message::Diagnostics(document.uri.clone(), Vec::new(), None));
        let status = self.empty_status(document.uri.clone());
        self.say(Message::Status(Box::new(status)));
        self.remembered.insert(path.clone(), document.into_held());
        // The file counts again as it is on disk.
        if self.db.refresh(&path) {
            self.changed();
        }
    }

    fn watched(&mut self, uris: &[Url]) {
        let (mut any, mut saved) = (false, Vec::new());
        for uri in uris {
            let path = self.path(uri);
            match self.documents.get_mut(&path) {
                // The client's text counts. It is as good as saved once it is what the disk has: by another program, or by git.
                Some(document) => {
                    if let Ok(text) = Disk.text(&path)
                        && document.is_on_disk(text)
                    {
                        saved.push(path);
                    }
                }
                None => {
                    any |= self.db.refresh(&path);
                    self.seen.remove(&path);
                }
            }
        }
        if any {
            self.files_changed();
        }
        saved.iter().for_each(|path| self.saved(path));
    }

    /// A model or a `use`d spec has another content: what depends on it is stale, and due.
    fn files_changed(&mut self) {
        self.changed();
        if self.settings.verification.run != When::Never {
            let paths: Vec<PathBuf> = self.documents.keys().cloned().collect();
            for path in paths {
                self.want(&path, Wanted::Auto, None, None);
            }
        }
    }

    /// Looks whether files that were read have another time or size by now, for clients that watch nothing.
    fn look_at_disk(&mut self) {
        let mut paths = self.db.data_paths();
        paths.extend(self.db.sources().iter().map(|file| file.path(&self.db).to_owned()));
        paths.retain(|path| !self.documents.contains_key(path));
        let mut any = false;
        for path in paths {
            let now = stamp(&path);
            if self.seen.get(&path).is_some_and(|then| *then != now) {
                any |= self.db.refresh(&path);
                self.seen.insert(path, now);
            }
        }
        if any {
            self.files_changed();
        }
    }

    /// Remembers time and size of files that have been read meanwhile.
    fn remember_stamps(&mut self) {
        let mut paths = self.db.data_paths();
        paths.extend(self.db.sources().iter().map(|file| file.path(&self.db).to_owned()));
        for path in paths {
            self.seen.entry(path).or_insert_with_key(|path| stamp(path));
        }
    }

    fn configure(&mut self, value: &Value) {
        let (settings, problems) = Settings::read(value);
        for problem in problems {
            self.say(Message::Show(MessageType::WARNING, problem));
        }
        if settings != self.settings {
            self.settings = settings;
            self.options = self.make_options();
            self.changed();
            self.refresh = true;
        }
    }

    /// Hands out the snapshots that are asked for. Who asks for verdicts waits for the analysis of the text as it is: a lens of an
    /// earlier one would flicker, or tell what is no longer so.
    fn hand_out(&mut self) {
        // One at a time: what breaks over one loses no other.
        let mut index = 0;
        while let Some((ask, reply)) = self.asked.get(index) {
            let waits = match ask {
                Ask::Verdicts(uri) => {
                    let document = self.documents.get(&self.path(uri));
                    document.is_some_and(|d| !d.is_analysed_at(self.generation))
                }
                Ask::Text(_) | Ask::Workspace => false,
            };
            if waits && !reply.is_closed() {
                index += 1;
                continue;
            }
            let (ask, reply) = self.asked.remove(index);
            if !reply.is_closed() {
                let _ = reply.send(self.snapshot(&ask));
            }
        }
    }

    fn snapshot(&mut self, ask: &Ask) -> Snapshot {
        let document = match ask {
            Ask::Workspace => None,
            Ask::Text(uri) | Ask::Verdicts(uri) => self.view(&self.path(uri), matches!(ask, Ask::Verdicts(_))),
        };
        Snapshot {
            db: self.db.clone(),
            settings: self.settings.clone(),
            encoding: self.setup.encoding,
            images: self.setup.images,
            snippets: self.setup.snippets,
            links: self.setup.links,
            hints: self.setup.hints,
            explains: self.setup.explains,
            document,
        }
    }

    fn view(&mut self, path: &Path, verdicts: bool) -> Option<DocumentView> {
        let status = if verdicts { self.status_of(path) } else { None };
        let document = self.documents.get(path)?;
        Some(DocumentView {
            uri: document.uri.clone(),
            file: document.file,
            version: document.version,
            status,
            results: if verdicts { document.current_results() } else { Vec::new() },
        })
    }

    // ---- Analysis

    /// Analyses all open documents on a thread of its own, the one that was changed last first.
    fn analyse(&mut self) {
        let generation = self.generation;
        self.analysed = generation;
        self.analysing = true;
        let mut targets: Vec<(PathBuf, SourceFile, i32)> =
            self.documents.iter().map(|(path, d)| (path.clone(), d.file, d.version)).collect();
        targets.sort_by_key(|(path, ..)| (Some(path) != self.last.as_ref(), path.clone()));
        let (db, events, options) = (self.db.clone(), self.events.clone(), self.options.clone());
        let (encoding, explains) = (self.setup.encoding, self.setup.explains);
        let work = move || {
            let mut complete = true;
            for (path, file, version) in targets {
                let found = catch_unwind(AssertUnwindSafe(|| {
                    db.until_changed(|| {
                        let all = qnn::check::spec::diagnostics(&db, file);
                        let diagnostics = diagnostics(&db, file, all, encoding, explains);
                        let uses = ide::uses(&db, file).into_iter().map(|used| used.path(&db).to_owned()).collect();
                        (diagnostics, ide::outline(&db, file, &options), uses, Arc::from(text(&db, file)))
                    })
                }));
                let (diagnostics, properties, uses, text) = match found {
                    Ok(Some(found)) => found,
                    Ok(None) => {
                        complete = false;
                        break;
                    }
                    Err(panic) => {
                        let why = crate::snapshot::panic_text(&*panic);
                        tracing::error!(%why, "a panic in the analysis");
                        let diagnostic = lsp::Diagnostic {
                            severity: Some(lsp::DiagnosticSeverity::ERROR),
                            source: Some("qnn".to_owned()),
                            message: format!("internal error, please report it: {why}"),
                            ..lsp::Diagnostic::default()
                        };
                        (vec![diagnostic], Vec::new(), HashSet::new(), Arc::from(""))
                    }
                };
                let analysed = Analysed { path, generation, version, diagnostics, properties, uses, text };
                if events.send(Event::Analysed(Box::new(analysed))).is_err() {
                    return;
                }
            }
            drop(db);
            let _ = events.send(Event::AnalysisEnded { complete });
        };
        let spawned =
            std::thread::Builder::new().name("analysis".to_owned()).stack_size(qnn::verify::STACK).spawn(work);
        if spawned.is_err() {
            tracing::error!("no thread for the analysis");
            self.analysing = false;
        }
    }

    fn analysed(&mut self, analysed: Analysed) {
        let generation = self.generation;
        let Some(document) = self.documents.get_mut(&analysed.path) else { return };
        if document.version != analysed.version {
            return;
        }
        let path = analysed.path.clone();
        // The text and its version are as they were, but a file that it uses may have changed since: then another analysis is due.
        let Analysed { diagnostics, properties, uses, text, generation: of, .. } = analysed;
        let obsolete = document.take(diagnostics, properties, uses, text, of);
        self.forget_jobs(obsolete);
        self.to_confirm = true;
        self.refresh = true;
        if of == generation {
            self.start_wanted(&path);
        }
        // Diagnostics don't wait for anything.
        self.publish_diagnostics(&path);
    }

    // ---- Commands

    fn command(&mut self, command: Command, reply: oneshot::Sender<Result<Value, String>>) {
        let result = match command {
            Command::Verify(arguments) => return self.verify(arguments, Goal::Undecided, reply),
            Command::VerifyAll(arguments) => return self.verify(arguments, Goal::Undecided, reply),
            Command::VerifyFailed(arguments) => return self.verify(arguments, Goal::Failed, reply),
            Command::Cancel(arguments) => self.cancel_command(&arguments),
            Command::Show(arguments) => self.show(&arguments),
            Command::Status(arguments) => {
                let path = self.path(&arguments.uri);
                match self.status_of(&path) {
                    Some(status) => serde_json::to_value(status).map_err(|e| e.to_string()),
                    None => Err(format!("{} is not open", arguments.uri)),
                }
            }
            Command::ClearCache => match &self.options.store {
                Some(store) => store
                    .clear()
                    .map(|removed| serde_json::to_value(Cleared { removed }).unwrap_or_default())
                    .map_err(|error| format!("the store can't be emptied: {error}")),
                None => Ok(serde_json::to_value(Cleared { removed: 0 }).unwrap_or_default()),
            },
        };
        let _ = reply.send(result);
    }

    fn verify(&mut self, arguments: VerifyArguments, goal: Goal, reply: oneshot::Sender<Result<Value, String>>) {
        self.look_at_disk();
        let budget = arguments.budget.map(Duration::from_secs_f64);
        let goal = if arguments.force { Goal::Everything } else { goal };
        match &arguments.uri {
            Some(uri) => {
                let path = self.path(uri);
                if !self.documents.contains_key(&path) {
                    let _ = reply.send(Err(format!("{uri} is not open")));
                    return;
                }
                let wanted = Wanted::Some { property: arguments.property, instances: arguments.instances, goal };
                self.want(&path, wanted, budget, Some(Reply::alone(reply)));
            }
            None => {
                let paths: Vec<PathBuf> = self.documents.keys().cloned().collect();
                let shared = Reply::shared(reply, paths.len());
                for path in paths {
                    let wanted = Wanted::Some {
                        property: arguments.property.clone(),
                        instances: arguments.instances.clone(),
                        goal,
                    };
                    self.want(&path, wanted, budget, Some(shared.clone()));
                }
                shared.if_none(Started::default());
            }
        }
    }

    fn show(&mut self, arguments: &ShowArguments) -> Result<Value, String> {
        let path = self.path(&arguments.uri);
        let document = self.documents.get(&path).ok_or_else(|| format!("{} is not open", arguments.uri))?;
        let shown = document.shown(arguments.instance.as_deref(), arguments.property.as_deref());
        let Some(shown) = shown else { return Ok(Value::Null) };
        if !self.setup.shows_counterexamples {
            self.say(Message::Text(shown.instance.clone(), shown.text.clone()));
        }
        serde_json::to_value(shown).map_err(|e| e.to_string())
    }
}

/// A file's time and size.
fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.modified().ok()?, meta.len()))
}
