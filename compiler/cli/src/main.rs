//! The command line: arguments in, text and an exit code out.
//!
//! One file or folder for each subcommand, in [`commands`]; what they share is in [`output`] (where text goes, how a command ends), [`spec`]
//! (specs with their diagnostics) and [`run`](mod@run) (specs that were verified). Nothing here decides anything about a spec: it calls the library and shows what came back.

mod commands;
mod counterexample;
mod ctrl_c;
mod networks;
mod out_file;
mod output;
mod progress;
mod project;
mod proof_file;
mod report_file;
mod run;
mod spec;
mod times;
mod verdicts;
mod verify_args;
mod verify_printer;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use commands::{
    bundle, cache, check, check_proof, completions, diff, eval, explain, export, fmt, import, new, report, show, solve,
    verify,
};
use output::{Exit, Failure, Output};
use std::process::ExitCode;
use std::sync::OnceLock;

/// How much stack the command's thread has: specs nest, and platforms differ in what they give.
const STACK: usize = 64 << 20;

const ABOUT: &str = "\
A language and compiler for quantized neural networks: write down what a network must never do, and have it verified bit for bit.

  qnn new                        writes a small spec to start from
  qnn import model.tflite        writes a first spec for a model
  qnn check spec.qnn             says what is wrong with a spec
  qnn verify spec.qnn            says which properties hold, and shows what breaks the others
  qnn eval spec.qnn              runs the networks on the spec's samples";

const EXIT_CODES: &str = "\
Exit codes:
  0  all is as expected
  1  a verdict is not the expected one: a property is violated, or one marked `#[expect(violated)]` is not
  2  something is undecided: the time was up, or no engine could tell; or there was nothing to verify
  3  the command, the spec or one of its files is wrong
  4  an internal error: please report it
Where several apply, the first of 4, 3, 1, 2, 0 counts.";

/// The arguments.
#[derive(Parser)]
#[command(
    name = "qnn",
    version = version(),
    about = "Verifies quantized neural networks, bit for bit",
    long_about = ABOUT,
    after_help = "`qnn help COMMAND` says more about a command.",
    after_long_help = EXIT_CODES,
    max_term_width = 110,
    subcommand_required = true,
    arg_required_else_help = true
)]
struct Arguments {
    /// Whether to use colours; `auto` uses them on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_default_value = true)]
    color: clap::ColorChoice,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(check::Arguments),
    Verify(verify::Arguments),
    Report(report::Arguments),
    Diff(diff::Arguments),
    CheckProof(check_proof::Arguments),
    Bundle(bundle::Arguments),
    Eval(eval::Arguments),
    Show(show::Arguments),
    Fmt(fmt::Arguments),
    Export(export::Arguments),
    Solve(solve::Arguments),
    Explain(explain::Arguments),
    New(new::Arguments),
    Import(import::Arguments),
    Cache(cache::Arguments),
    Completions(completions::Arguments),
}

/// `0.1.0 (Z3 4.8.12)`.
fn version() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| format!("{} ({})", env!("CARGO_PKG_VERSION"), qnn::engine::smt::version()))
}

#[global_allocator]
static ALLOCATOR: qnn_allocator::Allocator = qnn_allocator::Allocator;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(output::panicked));
    let worker = std::thread::Builder::new().name("qnn".to_owned()).stack_size(STACK).spawn(run);
    let exit = match worker.map(std::thread::JoinHandle::join) {
        Ok(Ok(exit)) => exit,
        // The hook has said why.
        Ok(Err(_)) => Exit::Internal.into(),
        Err(error) => {
            eprintln!("error: no thread can be started: {error}");
            Exit::Internal.into()
        }
    };
    ExitCode::from(exit)
}

fn run() -> u8 {
    let mut command = Arguments::command();
    if let Some(color) = early_color() {
        command = command.color(color);
    }
    let arguments = match command.try_get_matches().and_then(|matches| Arguments::from_arg_matches(&matches)) {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            // Help and version are no errors.
            return if error.use_stderr() { Exit::Spec.into() } else { Exit::Fine.into() };
        }
    };
    let mut output = Output::new(arguments.color);
    let done = dispatch(arguments.command, &mut output).and_then(|exit| output.flush().map(|()| exit));
    match done {
        Ok(exit) => exit.into(),
        Err(Failure::Pipe) => output::SIGPIPE,
        Err(Failure::Message(exit, message)) => {
            let _ = output.flush();
            output.error(&message);
            exit.into()
        }
    }
}

fn dispatch(command: Command, output: &mut Output) -> Result<Exit, Failure> {
    match command {
        Command::Check(arguments) => check::run(&arguments, output),
        Command::Verify(arguments) => verify::run(&arguments, output),
        Command::Report(arguments) => report::run(&arguments, output),
        Command::Diff(arguments) => diff::run(&arguments, output),
        Command::Bundle(arguments) => bundle::run(&arguments, output),
        Command::CheckProof(arguments) => check_proof::run(&arguments, output),
        Command::Eval(arguments) => eval::run(&arguments, output),
        Command::Show(arguments) => show::run(&arguments, output),
        Command::Fmt(arguments) => fmt::run(&arguments, output),
        Command::Export(arguments) => export::run(&arguments, output),
        Command::Solve(arguments) => solve::run(&arguments, output),
        Command::Explain(arguments) => explain::run(&arguments, output),
        Command::New(arguments) => new::run(&arguments, output),
        Command::Import(arguments) => import::run(&arguments, output),
        Command::Cache(arguments) => cache::run(&arguments, output),
        Command::Completions(arguments) => completions::run(&arguments, output),
    }
}

/// What `--color` says, before anything is parsed: help and usage errors have colours too.
fn early_color() -> Option<clap::ColorChoice> {
    let arguments: Vec<String> = std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect();
    let value = arguments.iter().enumerate().find_map(|(index, argument)| match argument.strip_prefix("--color") {
        Some("") => arguments.get(index + 1).map(String::as_str),
        Some(rest) => rest.strip_prefix('='),
        None => None,
    })?;
    clap::ValueEnum::from_str(value, false).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_well_formed() {
        Arguments::command().debug_assert();
    }
}
