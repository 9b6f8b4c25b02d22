//! What the verification of specs costs: CPU time for each query, memory, certificates, and another engine beside it.
//!
//! In: specs, as `qnn verify` takes them. Out: a table with a row for each property (or for each choice of some parameters of it), and
//! the same as JSON, which a later run can be compared with, and which is written after each row. Answers that contradict each other, and
//! certificates that the checker rejects, end in an error. `docs/benchmarks.md` says how it measures and how to read it.

mod compare;
mod measure;
mod summary;

use clap::Parser;
use clap::builder::PossibleValuesParser;
use measure::{Measure, Row};
use qnn::check::spec::diagnostics;
use qnn::db::{Database, Db, Disk};
use qnn::diagnostic::Severity;
use qnn::duration::parse_duration;
use qnn::engine::smt::AdderTree;
use qnn::engine::{CancelToken, NAMES};
use qnn::verify::{Filter, Options, plan};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The version of the JSON.
const VERSION: u32 = 1;

/// Measures what the verification of specs costs
#[derive(Parser)]
#[command(name = "cargo bench -p qnn-cli --bench specs --")]
struct Arguments {
    /// The specs
    #[arg(required = true, value_name = "SPEC")]
    specs: Vec<PathBuf>,
    /// The time for each query
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = time)]
    limit: Duration,
    /// The engine
    #[arg(long, default_value = "auto", value_name = "ENGINE", value_parser = engines())]
    engine: String,
    /// Another engine to ask the same queries
    #[arg(long, value_name = "ENGINE", value_parser = engines())]
    baseline: Option<String>,
    /// The time for each query of the other engine  [default: that of --limit]
    #[arg(long, value_name = "TIME", value_parser = time)]
    baseline_limit: Option<Duration>,
    /// How `smt` adds up
    #[arg(long, default_value = "balanced", value_name = "TREE", value_parser = ["balanced", "linear"])]
    adder: String,
    /// How the other engine adds up  [default: as --adder says]
    #[arg(long, value_name = "TREE", value_parser = ["balanced", "linear"])]
    baseline_adder: Option<String>,
    /// How many queries at once; with more than one, times are on the clock, since CPU time can't be told apart
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: u16,
    /// How many cores a query may use when there is one at a time  [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    cores: Option<u16>,
    /// Only the properties and instances that match, as in `qnn verify`
    #[arg(long, value_name = "PATTERN")]
    filter: Vec<String>,
    /// A row of the table for each choice of these parameters, rather than for each property
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    by: Vec<String>,
    /// Only the first queries of each row
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    first: Option<u32>,
    /// Where to write every figure
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The JSON of an earlier run to compare with
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// All that a run measured, as it is written and read.
#[derive(Serialize, Deserialize)]
struct Run {
    version: u32,
    qnn: String,
    solver: String,
    engine: String,
    /// Seconds.
    limit: f64,
    baseline: Option<String>,
    /// Seconds.
    baseline_limit: f64,
    adder: String,
    /// Whether the times of queries are CPU times.
    cpu: bool,
    specs: Vec<Spec>,
}

#[derive(Serialize, Deserialize)]
struct Spec {
    spec: String,
    /// CPU seconds until all queries were known: reading, checking, naming the instances. (Each is lowered as part of its query.)
    front_end: f64,
    rows: Vec<Row>,
}

fn time(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|_| "write a time such as 10s, 500ms, 2min or 1h".to_owned())
}

/// The engines' names, and the solver without help.
fn engines() -> PossibleValuesParser {
    PossibleValuesParser::new(NAMES.iter().copied().chain(["smt-alone"]))
}

/// What a shell says of a command that was interrupted.
const SIGINT: u8 = 130;

fn main() -> ExitCode {
    match measured(&Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measured(arguments: &Arguments) -> Result<ExitCode, Box<dyn Error>> {
    // Cargo starts a benchmark in its package's folder; paths are meant from the workspace's, where the command is given.
    if arguments.bench
        && let Some(workspace) = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2)
    {
        std::env::set_current_dir(workspace)?;
    }
    let before = match &arguments.compare {
        Some(path) => Some(compare::read(path)?),
        None => None,
    };
    let tree = |name: &str| if name == "linear" { AdderTree::Linear } else { AdderTree::Balanced };
    let baseline_adder = arguments.baseline_adder.as_deref().unwrap_or(&arguments.adder);
    let baseline_limit = arguments.baseline_limit.unwrap_or(arguments.limit);
    let measure = Measure {
        engine: measure::engine(&arguments.engine, tree(&arguments.adder), arguments.limit),
        baseline: (arguments.baseline.as_deref())
            .map(|name| measure::engine(name, tree(baseline_adder), baseline_limit)),
        jobs: usize::from(arguments.jobs),
        cores: arguments.cores.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from),
        cancel: interruptible(),
    };
    let mut run = Run {
        version: VERSION,
        qnn: env!("CARGO_PKG_VERSION").to_owned(),
        solver: qnn::engine::smt::version(),
        engine: arguments.engine.clone(),
        limit: arguments.limit.as_secs_f64(),
        baseline: arguments.baseline.clone(),
        baseline_limit: baseline_limit.as_secs_f64(),
        adder: arguments.adder.clone(),
        cpu: measure.in_cpu_time(),
        specs: Vec::new(),
    };
    let mut wrong = Vec::new();
    for path in &arguments.specs {
        spec(arguments, &measure, path, &mut run, &mut wrong)?;
        summary::print(&run, run.specs.last().into_iter());
        if measure.cancel.is_cancelled() {
            break;
        }
    }
    if run.specs.len() > 1 {
        summary::print_total(&run);
    }
    if let Some(before) = before {
        compare::print(&before, &run, &mut wrong);
    }
    for problem in &wrong {
        eprintln!("error: {problem}");
    }
    Ok(match wrong.is_empty() {
        _ if measure.cancel.is_cancelled() => SIGINT.into(),
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// What the first Ctrl-C sets; a second one ends the process.
fn interruptible() -> CancelToken {
    let cancel = CancelToken::new();
    let heard = cancel.clone();
    // Where no handler can be set, Ctrl-C ends the process at once, as it does by default.
    let _ = ctrlc::set_handler(move || {
        if heard.is_cancelled() {
            std::process::exit(SIGINT.into());
        }
        heard.cancel();
        eprintln!("\nstopping; what is measured follows (Ctrl-C again ends at once)");
    });
    cancel
}

/// Writes every figure.
fn write(path: &Path, run: &Run) -> Result<(), Box<dyn Error>> {
    let written = std::fs::write(path, serde_json::to_string_pretty(run)? + "\n");
    Ok(written.map_err(|error| format!("`{}` can't be written: {error}", path.display()))?)
}

/// Measures one spec, and writes the run after each of its rows.
fn spec(
    arguments: &Arguments,
    measure: &Measure,
    path: &Path,
    run: &mut Run,
    wrong: &mut Vec<String>,
) -> Result<(), Box<dyn Error>> {
    let start = measure::Clock::now();
    let db = Database::new(Disk);
    let file = db.source(path);
    if let Err(problem) = file.text(&db) {
        return Err(format!("`{}` {}", path.display(), problem.message).into());
    }
    if let Some(error) = diagnostics(&db, file).iter().find(|d| d.severity == Severity::Error) {
        return Err(format!("`{}`: {} (`qnn check` says more)", path.display(), error.message).into());
    }
    let whole = plan(&db, file, &Filter::new(&arguments.filter), &Options::default());
    let front_end = start.elapsed().as_secs_f64();
    let rows = measure::rows(&whole, &arguments.by, arguments.first);
    if rows.is_empty() {
        return Err(format!("`{}` has no query to measure", path.display()).into());
    }
    let at = run.specs.len();
    run.specs.push(Spec { spec: path.display().to_string(), front_end, rows: Vec::new() });
    for (name, plan) in rows {
        let row = measure.row(&db, name, &plan, wrong);
        // What was stopped before anything was known of it is no row.
        if !row.queries.is_empty() {
            run.specs[at].rows.push(row);
        }
        if let Some(path) = &arguments.json {
            write(path, run)?;
        }
        if measure.cancel.is_cancelled() {
            break;
        }
    }
    Ok(())
}
