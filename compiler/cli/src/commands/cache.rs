//! `qnn cache`: the verdicts that are remembered.

use crate::output::{Exit, Failure, Output, plural, table, width};
use clap::Subcommand;
use owo_colors::OwoColorize;
use qnn::files::spelling::size;
use qnn::report::sentences::duration;
use qnn::verify::Store;
use std::time::{Duration, SystemTime};

/// Says how much is remembered, lists it or clears it
///
/// Verdicts are kept by the content of what was asked, so a change that matters is never mistaken for what was
/// verified before. What is remembered is checked again before it is believed: certificates by the checker, counterexamples by the
/// reference interpreter. Only a solver's word can't be, and is shown as remembered. QNN_CACHE names another folder; `qnn verify --no-cache`
/// does without. QNN_CACHE_LIMIT says how large it may get, such as 500M or 4G, 2G where it says nothing; what was not used for longest goes first.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// Lists what is remembered, the latest first
    List {
        /// How many to list
        #[arg(short, long, value_name = "N", default_value_t = 50)]
        limit: usize,
        /// Prints all of it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Forgets everything
    Clear,
    /// Prints the folder
    Path,
}

/// Does what was asked.
pub fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Failure> {
    let location = Store::default_location().ok_or_else(|| {
        Failure::wrong("there is no folder for caches here\n  help: name one in the environment variable QNN_CACHE")
    })?;
    let store = Store::open(location);
    match &arguments.action {
        None => state(&store, output)?,
        Some(Action::Path) => output.line(store.location().display())?,
        Some(Action::Clear) => {
            let count = store
                .clear()
                .map_err(|e| Failure::wrong(format!("`{}` can't be cleared: {e}", store.location().display())))?;
            output.line(format_args!("{} forgotten", plural(count, "verdict", "verdicts")))?;
        }
        Some(Action::List { json: true, .. }) => {
            output.json(&store.list())?;
        }
        Some(Action::List { limit, .. }) => list(&store, *limit, output)?,
    }
    for warning in store.take_warnings() {
        output.warning(warning);
    }
    Ok(Exit::Fine)
}

fn list(store: &Store, limit: usize, output: &mut Output) -> Result<(), Failure> {
    let mut all = store.list();
    all.sort_by_key(|entry| std::cmp::Reverse(entry.written));
    let rows: Vec<Vec<String>> = all
        .iter()
        .take(limit)
        .map(|entry| {
            vec![
                entry.name.clone(),
                entry.verdict.name().to_owned(),
                entry.engine.clone().unwrap_or_default(),
                duration(entry.time),
                age(entry.written),
                entry.key.chars().take(12).collect(),
            ]
        })
        .collect();
    for line in table(&rows, &[3], width()) {
        output.line(line)?;
    }
    if all.len() > limit {
        output.line(format_args!("… and {} more", all.len() - limit).dimmed())?;
    }
    state(store, output)
}

/// «12 verdicts, 9 certificates: 1.2 MiB of at most 2 GiB at ~/.cache/qnn».
fn state(store: &Store, output: &mut Output) -> Result<(), Failure> {
    let stats = store.stats();
    let damaged = if stats.damaged > 0 { format!(", {} damaged", stats.damaged) } else { String::new() };
    output.line(format_args!(
        "{}, {}: {} of at most {} at {}{damaged}",
        plural(stats.entries, "verdict", "verdicts"),
        plural(stats.certificates, "certificate", "certificates"),
        size(stats.bytes),
        size(stats.limit),
        store.location().display()
    ))
}

/// «3 min 10 s ago».
fn age(written: SystemTime) -> String {
    let age = written.elapsed().unwrap_or_default();
    match age.as_secs() {
        0 => "just now".to_owned(),
        1..172_800 => format!("{} ago", duration(Duration::from_secs(age.as_secs()))),
        seconds => format!("{} days ago", seconds / 86_400),
    }
}
