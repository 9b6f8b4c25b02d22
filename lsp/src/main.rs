//! `qnn-lsp`: the language server over standard input and output.

use clap::Parser;
use qnn::verify::Store;
use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: qnn_allocator::Allocator = qnn_allocator::Allocator;

/// The language server of qnn. An editor starts it; it speaks LSP over standard input and output
#[derive(Parser)]
#[command(name = "qnn-lsp", version)]
struct Arguments {
    /// Speaks over standard input and output, which is the default
    #[arg(long)]
    stdio: bool,
    /// Appends what happens to a file; QNN_LSP_LOG says how much, `info` by default
    #[arg(long, value_name = "FILE")]
    log_file: Option<PathBuf>,
    /// Remembers no verdicts, and knows none of earlier runs
    #[arg(long)]
    no_cache: bool,
    /// The process of the editor; accepted for editors that give it, and not looked at: the server ends with its input
    #[arg(long = "clientProcessId", value_name = "ID", hide = true)]
    client: Option<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let _ = (arguments.stdio, &arguments.client);
    let filter = || EnvFilter::try_from_env("QNN_LSP_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    match &arguments.log_file {
        Some(path) => match OpenOptions::new().create(true).append(true).open(path) {
            Ok(file) => {
                tracing_subscriber::fmt()
                    .with_env_filter(filter())
                    .with_ansi(false)
                    .with_writer(Mutex::new(file))
                    .init();
            }
            Err(error) => {
                eprintln!("qnn-lsp: the log file {} can't be opened: {error}", path.display());
                return ExitCode::FAILURE;
            }
        },
        None => {
            let filter = EnvFilter::try_from_env("QNN_LSP_LOG").unwrap_or_else(|_| EnvFilter::new("error"));
            tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(std::io::stderr).init();
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        // Deep expressions are checked by recursion.
        .thread_stack_size(qnn::verify::STACK)
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("qnn-lsp: no threads can be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let store = if arguments.no_cache { None } else { Store::default_location() };
    if store.is_some() {
        qnn_allocator::remembers();
    }
    let config = qnn_lsp::Config { store, portfolio: None };
    let clean = runtime.block_on(qnn_lsp::serve(tokio::io::stdin(), tokio::io::stdout(), config));
    tracing::info!(clean, "ended");
    // Threads that still read or work must not keep the process alive.
    std::process::exit(i32::from(!clean))
}
