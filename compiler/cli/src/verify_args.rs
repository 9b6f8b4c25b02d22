//! The arguments that commands that verify have in common.

use crate::output::{Failure, Output, shown};
use crate::project::Project;
use crate::spec::is_standard;
use crate::times::{parse_duration, parse_factor};
use clap::builder::PossibleValuesParser;
use qnn::engine::NAMES;
use qnn::engine::interval::Intervals;
use qnn::engine::portfolio::Portfolio;
use qnn::engine::smt::{AdderTree, Smt};
use qnn::verify::{Options, Store};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How instances are decided: what commands that verify have in common.
#[derive(clap::Args)]
pub struct VerifyArgs {
    /// The time for each instance, such as 10s, 500ms or 2m; wins over `#[timeout]`  [default: 10s]
    #[arg(short, long, value_name = "TIME", value_parser = parse_duration)]
    timeout: Option<Duration>,
    /// The time for the whole run, such as 5min, shared among what is open
    ///
    /// What is left undecided when it is over says so.
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    total_timeout: Option<Duration>,
    /// Tries what is undecided again with more time, such as 5x the budget
    ///
    /// Once every instance has had its budget, those for which it was too short get so many times as much. What is decided stays.
    #[arg(long, value_name = "FACTOR", value_parser = parse_factor)]
    retry_undecided: Option<u32>,
    /// How many instances to work on at once  [default: the number of cores]
    ///
    /// Two long searches take turns with the cores of both, and their budgets stand still while they wait: more is decided, and what is not decided takes no less time.
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// The engine; wins over `#[engine]`. `auto` runs `interval`, then `search`, with `enumerate` beside it where there are few inputs, and `smt` beside it or, on large networks, after it
    #[arg(short, long, value_name = "ENGINE", value_parser = PossibleValuesParser::new(NAMES))]
    engine: Option<String>,
    /// How `smt` adds up: `balanced` trees, or the `linear` chain of older encodings (and of nothing but `smt`)
    #[arg(long, value_name = "TREE", value_parser = ["balanced", "linear"])]
    adder: Option<String>,
    /// The most memory that `search` or `smt` takes for one query, in MiB  [default: 1024 and 4096]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..))]
    memory: Option<u64>,
    /// Decides everything anew, and remembers nothing
    #[arg(long)]
    no_cache: bool,
    /// Doesn't look for a project file (`qnn.toml`)
    #[arg(long)]
    pub no_project: bool,
}

impl VerifyArgs {
    /// The options of a run.
    pub fn options(&self, project: Option<&Project>, output: &Output) -> Options {
        // What the command line says wins.
        let said = project.map(|project| project.verify.clone()).unwrap_or_default();
        let store = (!self.no_cache).then(Store::default_location).flatten();
        if store.is_none() && !self.no_cache {
            output
                .warning("there is no folder for caches here, so verdicts are not remembered; QNN_CACHE can name one");
        }
        if store.is_some() {
            qnn_allocator::remembers();
        }
        let linear = self.adder.as_deref() == Some("linear");
        let mut options = Options::default();
        options.jobs = self.jobs.or(said.jobs.map(|jobs| jobs.0)).map(usize::from);
        options.timeout = self.timeout.or(said.timeout.map(|time| time.0));
        options.total_timeout = self.total_timeout.or(said.total_timeout.map(|time| time.0));
        options.retry = self.retry_undecided.or(said.retry_undecided.map(|factor| factor.0));
        options.engine = self.engine.as_deref().or(said.engine.as_ref().map(|engine| engine.0.as_str())).map(Arc::from);
        options.memory = self.memory.or(said.memory).map(|mebibytes| mebibytes.saturating_mul(1 << 20));
        options.store = store.map(|location| Arc::new(Store::open(location)));
        options.portfolio = linear.then(|| Portfolio {
            first: vec![Arc::new(Intervals)],
            rest: vec![Arc::new(Smt::with_tree(AdderTree::Linear))],
        });
        options
    }
}

/// The specs and the patterns among positional arguments.
pub fn split(positional: &[OsString], filter: &[String]) -> Result<(Vec<PathBuf>, Vec<String>), Failure> {
    let is_spec = |name: &&OsString| {
        let (path, text) = (Path::new(name), name.to_string_lossy());
        is_standard(path) || path.exists() || text.ends_with(".qnn") || text.contains(std::path::is_separator)
    };
    let (specs, patterns): (Vec<&OsString>, Vec<&OsString>) = positional.iter().partition(is_spec);
    if let ([], Some(first)) = (specs.as_slice(), positional.first()) {
        let first = shown(Path::new(first));
        return Err(Failure::wrong(format!(
            "`{first}` does not exist\n  help: name a spec first: `qnn verify spec.qnn {first}`"
        )));
    }
    let patterns = patterns.iter().map(|pattern| pattern.to_string_lossy().into_owned());
    let patterns = patterns.chain(filter.iter().cloned()).collect();
    Ok((specs.into_iter().map(PathBuf::from).collect(), patterns))
}
