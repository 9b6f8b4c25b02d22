//! The owner: the one thread that holds the database, the documents and the job table.
//!
//! In: events, in the order in which the client's messages arrived. Out: snapshots for requests, messages for the publisher. A notification's handler
//! sends its event before its first await and is done; nothing else changes what the owner holds. Slow work runs on threads of its own
//! with clones of the database, which a change of it cancels: a setter waits for every clone to be dropped, so no clone outlives a query,
//! and no verification job has one while an engine works.

mod analysis;
mod documents;
mod execute;
mod files;
mod instances;
mod queue;
mod runs;
mod snapshots;
mod state;
mod status;
pub mod verdicts;
mod verification;
mod wanted;

pub use state::Setup;

use crate::answering::panic_text;
use crate::event::Event;
use crate::publisher::Message;
use documents::Document;
use state::Owner;
use status::TICK;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedSender;
use tower_lsp::lsp_types::MessageType;
use wanted::Wanted;

/// The least time between two notifications about one document's verification.
const FLUSH: Duration = Duration::from_millis(100);
/// How long a shutdown waits for engines to stop.
const LAST_WAIT: Duration = Duration::from_secs(2);

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
            let why = panic_text(&*panic);
            tracing::error!(%why, "a panic in the owner");
            self.say(Message::Log(MessageType::ERROR, format!("qnn: internal error, please report it: {why}")));
        }
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
            Event::Folders(added, removed) => self.folders_changed(&added, &removed),
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
            Event::AnalysisEnded { complete } => self.analysis_ended(complete),
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
}
