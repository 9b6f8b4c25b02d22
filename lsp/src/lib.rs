//! The language server of qnn: the one crate that knows LSP.
//!
//! In: a stream of JSON-RPC messages. Out: another one. What a feature says is `qnn::ide`'s to know, what is proved `qnn::verify`'s; here stand
//! documents, positions, jobs and their order. `docs/protocol.md` documents what goes beyond standard LSP.

mod answering;
mod backend;
mod commands;
mod convert;
#[cfg(test)]
mod documentation_tests;
mod event;
mod frames;
mod held_verdict;
mod owner;
mod protocol;
mod publisher;
mod requests;
mod settings;
mod snapshot;

use backend::Backend;
use qnn::engine::portfolio::Portfolio;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tower::Service;
use tower_lsp::jsonrpc::{Request, Response};
use tower_lsp::{ExitedError, LspService, Server};

/// Requests and notifications under way at a time. tower-lsp's own four would let slow hovers hold up saving and cancelling.
const CONCURRENCY: usize = 512;

/// The bytes that wait between the streams and tower-lsp.
const BUFFER: usize = 1 << 16;

/// What a server is told before it starts.
#[derive(Clone, Default)]
pub struct Config {
    /// Where verdicts are remembered; nowhere if `None`.
    pub store: Option<PathBuf>,
    /// Engines instead of the named ones, for tests and for users of the library with engines of their own.
    pub portfolio: Option<Portfolio>,
}

/// Serves one client until it says `exit` or its stream ends. Says whether it had asked for the shutdown before, as it should.
pub async fn serve<I, O>(input: I, output: O, config: Config) -> bool
where
    I: AsyncRead + Unpin,
    O: AsyncWrite + Unpin,
{
    let (service, socket) = LspService::build(|client| Backend::new(client, config))
        .custom_method("window/workDoneProgress/cancel", Backend::cancel_progress)
        .custom_method(protocol::EXPLAIN, Backend::explain)
        .custom_method(protocol::VERDICTS, Backend::verdicts)
        .custom_method(protocol::MODEL, Backend::model)
        .custom_method(protocol::TENSORS, Backend::tensors)
        .custom_method(protocol::SAMPLES, Backend::samples)
        .custom_method(protocol::NETWORK, Backend::network)
        .custom_method(protocol::TRACE, Backend::trace)
        .finish();
    let exit = Arc::new(Exit::default());
    let watched = Watched { inner: service, exit: exit.clone() };
    let (to_server, server_input) = tokio::io::duplex(BUFFER);
    let (server_output, from_server) = tokio::io::duplex(BUFFER);
    let (errors, waiting) = tokio::sync::mpsc::unbounded_channel();
    let server = Server::new(server_input, server_output, socket).concurrency_level(CONCURRENCY);
    let all = async {
        tokio::join!(
            server.serve(watched),
            frames::incoming(input, to_server, errors),
            frames::outgoing(from_server, output, waiting)
        )
    };
    tokio::select! {
        _ = all => {}
        () = exit.asked.notified() => {}
    }
    exit.after_shutdown.load(Ordering::SeqCst)
}

/// What the client said of the end.
#[derive(Default)]
struct Exit {
    asked: Notify,
    after_shutdown: AtomicBool,
}

/// The service, with an ear for `exit`: tower-lsp by itself waits for the stream to end.
struct Watched {
    inner: LspService<Backend>,
    exit: Arc<Exit>,
}

impl Service<Request> for Watched {
    type Response = Option<Response>;
    type Error = ExitedError;
    type Future = <LspService<Backend> as Service<Request>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ExitedError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        tracing::trace!(method = request.method(), "received");
        match request.method() {
            "shutdown" => self.exit.after_shutdown.store(true, Ordering::SeqCst),
            "exit" => self.exit.asked.notify_one(),
            _ => {}
        }
        self.inner.call(request)
    }
}
