//! Answers requests: a snapshot from the owner, the work on a thread for blocking work, and what goes wrong there as an LSP error.
//!
//! A change of the database unwinds the queries of a snapshot: the answer is `ContentModified`. A panic is contained, logged and reported. Where the
//! client cancels a request, its future is dropped, and with it the answer; the work ends at its end.

use crate::event::Event;
use crate::snapshot::{Ask, Snapshot};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Sender;
use tokio::sync::oneshot;
use tower_lsp::jsonrpc::{Error, ErrorCode, Result};

/// What an edit overtook.
pub fn content_modified() -> Error {
    Error { code: ErrorCode::ServerError(-32801), message: "the content was modified".into(), data: None }
}

/// What can't be done, and why.
pub fn refused(why: impl Into<String>) -> Error {
    Error { code: ErrorCode::ServerError(-32803), message: why.into().into(), data: None }
}

/// The server is about to end.
pub fn leaving() -> Error {
    Error { code: ErrorCode::InvalidRequest, message: "the server is shutting down".into(), data: None }
}

/// Asks the owner for a snapshot. The event is sent before this function's first await: it comes after all notifications that came before the request.
pub async fn take(events: &Sender<Event>, ask: Ask) -> Result<Snapshot> {
    let (reply, answer) = oneshot::channel();
    events.send(Event::Snapshot(ask, reply)).map_err(|_| leaving())?;
    answer.await.map_err(|_| leaving())
}

/// Answers a request about a document; `None` if it is not open.
pub async fn answer<T: Send + 'static>(
    events: &Sender<Event>,
    name: &'static str,
    ask: Ask,
    work: impl FnOnce(&Snapshot) -> Result<Option<T>> + Send + 'static,
) -> Result<Option<T>> {
    let snapshot = take(events, ask).await?;
    if snapshot.document.is_none() {
        return Ok(None);
    }
    run(name, snapshot, work).await
}

/// Runs work on a snapshot.
pub async fn run<T: Send + 'static>(
    name: &'static str,
    snapshot: Snapshot,
    work: impl FnOnce(&Snapshot) -> Result<T> + Send + 'static,
) -> Result<T> {
    self::work(name, move || snapshot.db.until_changed(|| work(&snapshot)).unwrap_or_else(|| Err(content_modified())))
        .await
}

/// Runs work on a thread for blocking work.
pub async fn work<T: Send + 'static>(
    name: &'static str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let task = tokio::task::spawn_blocking(move || match catch_unwind(AssertUnwindSafe(work)) {
        Ok(answer) => answer,
        Err(panic) => {
            let why = panic_text(&*panic);
            tracing::error!(request = name, %why, "a panic in a request");
            let message = format!("internal error in `{name}`, please report it: {why}");
            Err(Error { code: ErrorCode::InternalError, message: message.into(), data: None })
        }
    });
    task.await.unwrap_or_else(|_| Err(Error::internal_error()))
}

/// What a panic says.
pub fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("for no stated reason").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::Encoding;
    use crate::settings::Settings;
    use qnn::db::{Database, Disk};
    use std::sync::Arc;
    use tokio::sync::Semaphore;

    #[tokio::test]
    async fn a_panic_in_a_request_is_an_answer() {
        let snapshot = Snapshot {
            db: Database::new(Disk),
            settings: Settings::default(),
            encoding: Encoding::Utf8,
            images: false,
            snippets: false,
            links: false,
            hints: false,
            explains: false,
            document: None,
            neurons: Arc::new(Semaphore::new(1)),
        };
        let error = run::<()>("test", snapshot, |_| panic!("of a test")).await.expect_err("an error");
        assert_eq!(error.code, ErrorCode::InternalError);
        assert!(error.message.contains("of a test"), "{error}");
    }
}
