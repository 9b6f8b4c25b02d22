//! `qnn/verdicts`: how all specs of the workspace stand, those that are not open too.
//!
//! In: how things are, from the owner. Out: a status for each spec. Nothing is verified: what is known of a closed spec is what was decided while it was
//! open, and what the store holds. Instances are lowered to find the latter, so that the work has a time limit; what it does not reach is told as not verified.

use super::documents::Document;
use crate::answering::{content_modified, leaving, work};
use crate::convert::{diagnostics, text, uri_of};
use crate::event::Event;
use crate::held_verdict::Held;
use crate::protocol::Verdicts;
use crate::snapshot::Workspace;
use qnn::db::{Database, Db};
use qnn::disk::specs_below;
use qnn::engine::{CancelToken, Cores};
use qnn::ide;
use qnn::ide::outline::is_same;
use qnn::verify::{InstanceResult, Job, Options, Turn, Verdict, Worker, decide};
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tower_lsp::jsonrpc::Result;

/// How long the store is searched for verdicts of specs that are not open.
const MOST_TIME: Duration = Duration::from_secs(5);
/// The specs that are listed.
const MOST_SPECS: usize = 1000;

/// Answers the request.
pub async fn answer(events: &Sender<Event>) -> Result<Verdicts> {
    let (reply, workspace) = oneshot::channel();
    events.send(Event::Workspace(reply)).map_err(|_| leaving())?;
    let (workspace, events) = (workspace.await.map_err(|_| leaving())?, events.clone());
    work("verdicts", move || verdicts(workspace, &events).ok_or_else(content_modified)).await
}

/// The database, for one query: an edit waits until it is given back.
fn lend(events: &Sender<Event>) -> Option<Database> {
    let (reply, answer) = channel();
    events.send(Event::Lend(reply)).ok()?;
    answer.recv().ok()
}

/// `None` if the database was changed meanwhile.
fn verdicts(workspace: Workspace, events: &Sender<Event>) -> Option<Verdicts> {
    let Workspace { options, encoding, folders, mut open, mut remembered } = workspace;
    let until = Instant::now() + MOST_TIME;
    let mut paths: Vec<PathBuf> = remembered.keys().filter(|path| path.exists()).chain(open.keys()).cloned().collect();
    // What can't be listed has no specs to show.
    let found = folders.iter().flat_map(|folder| specs_below(folder, MOST_SPECS + 1).specs);
    paths.extend(found.map(|path| qnn::db::normalise(&path)));
    paths.sort();
    paths.dedup();
    let mut complete = paths.len() <= MOST_SPECS;
    paths.truncate(MOST_SPECS);
    let mut specs = Vec::new();
    for path in paths {
        if let Some(status) = open.remove(&path) {
            specs.push(status);
            continue;
        }
        let Some(uri) = uri_of(&path) else { continue };
        let db = lend(events)?;
        let mut document = db.until_changed(|| {
            let file = db.source(&path);
            let source: Arc<str> = Arc::from(text(&db, file));
            let mut document = Document::new(uri, 0, file, source.clone());
            document.restore(remembered.remove(&path).unwrap_or_default());
            let found = diagnostics(&db, file, qnn::check::spec::diagnostics(&db, file), encoding, false);
            document.take(found, ide::outline(&db, file, &options), HashSet::new(), source, 0);
            document
        })?;
        drop(db);
        let wanted: Vec<(Job, [u8; 32])> = document
            .jobs()
            .filter(|(property, job)| {
                let held = document.instances.get(&job.name).and_then(|instance| instance.held.as_ref());
                held.is_none_or(|held| held.fingerprint != property.fingerprint)
            })
            .map(|(property, job)| (job.clone(), property.fingerprint))
            .collect();
        for (job, fingerprint) in wanted {
            if options.store.is_none() || Instant::now() >= until {
                complete &= options.store.is_none();
                break;
            }
            if let Some(result) = stored(events, &job, &fingerprint, &options)? {
                let held = Some(Held { result: Arc::new(result), fingerprint });
                document.instances.entry(job.name.clone()).or_default().held = held;
            }
        }
        let mut status = document.status(true, 0, encoding);
        status.document_version = None;
        specs.push(status);
    }
    Some(Verdicts { complete, specs })
}

/// What the store holds of an instance; `None` within if that is nothing, and without if the database was changed meanwhile.
fn stored(
    events: &Sender<Event>,
    job: &Job,
    fingerprint: &[u8; 32],
    options: &Options,
) -> Option<Option<InstanceResult>> {
    let changed = AtomicBool::new(false);
    let snapshot = || {
        let db = lend(events)?;
        if changed.load(Ordering::SeqCst) || db.until_changed(|| is_same(&db, job, fingerprint)) != Some(true) {
            changed.store(true, Ordering::SeqCst);
            return None;
        }
        Some(db)
    };
    let (turn, spare, cancel) = (Turn::whole(job.budget), Cores::default(), CancelToken::new());
    let worker = Worker { snapshot: &snapshot, options, spare: &spare, cancel: &cancel, on_event: &|_| () };
    let result = decide(job, &turn, None, &worker).result();
    if changed.load(Ordering::SeqCst) {
        return None;
    }
    let known = result.cached || result.verdict.is_decided() || result.verdict == Verdict::Error;
    Some(known.then_some(result))
}
