//! What was found out about a file, as text and as JSON.

use super::Reviewed;
use crate::output::{Failure, Output, plural};
use owo_colors::OwoColorize;
use qnn::diagnostic::printable;
use qnn::report::sentences::duration;
use qnn::review::{CheckedRecord, ClaimStanding, Gap, brief};
use qnn::verify::verdict::Outcome;
use serde_json::{Value, json};

/// The instances that get a line each, of those that are not simply fine.
const MOST_LINES: usize = 20;

/// Why an instance is worth a line.
fn complaint(checked: &CheckedRecord) -> Option<String> {
    match &checked.standing {
        ClaimStanding::Rejected(why) => {
            Some(format!("{} is claimed, but {}", checked.verdict, printable(why)).red().to_string())
        }
        ClaimStanding::Open(why) => Some(printable(why).yellow().to_string()),
        ClaimStanding::Solver(name) => {
            Some(format!("{} on the word of {}", checked.verdict, printable(name)).yellow().to_string())
        }
        _ if !checked.as_expected => {
            Some(format!("{}, which is not what the spec expects", checked.verdict).red().to_string())
        }
        _ => None,
    }
}

/// How many there are of each kind, and their word.
fn counts(checked: &[CheckedRecord]) -> [usize; 5] {
    let mut counts = [0; 5];
    for one in checked {
        counts[match one.standing {
            ClaimStanding::Certificate => 0,
            ClaimStanding::Counterexample => 1,
            ClaimStanding::Solver(_) => 2,
            ClaimStanding::Open(_) => 3,
            ClaimStanding::Rejected(_) => 4,
        }] += 1;
    }
    counts
}

/// Shows what was found out.
pub fn show(reviewed: &Reviewed, output: &mut Output) -> Result<(), Failure> {
    let about = match &reviewed.header {
        Some(header) => {
            let specs: Vec<&str> = header.specs.iter().map(|place| place.path.as_str()).collect();
            format!(": written by qnn {} about {}", printable(&brief(&header.qnn)), printable(&specs.join(", ")))
        }
        None => ": what is remembered of it".to_owned(),
    };
    output.line(format_args!("{}{about}", printable(&reviewed.name).bold()))?;
    if let Some(header) = reviewed.header.as_ref().filter(|header| !header.filter.is_empty()) {
        let patterns: Vec<String> =
            header.filter.iter().take(MOST_LINES).map(|pattern| format!("`{}`", printable(&brief(pattern)))).collect();
        let left_out = plural(reviewed.left_out, "instance is", "instances are");
        let text = format!("It is only about what matches {}: {left_out} left out.", patterns.join(", "));
        output.line(format_args!("  {} {text}", "filtered:".yellow().bold()))?;
    }
    for change in reviewed.changed.iter().take(MOST_LINES) {
        output.line(format_args!("  {} {}", "changed:".yellow().bold(), printable(change)))?;
    }
    if reviewed.changed.len() > MOST_LINES {
        output.line(format_args!("  … and {} more files", reviewed.changed.len() - MOST_LINES))?;
    }
    let checked = &reviewed.checked;
    let complaints: Vec<(&CheckedRecord, String)> = checked.iter().filter_map(|c| Some((c, complaint(c)?))).collect();
    for (checked, why) in complaints.iter().take(MOST_LINES) {
        output.line(format_args!("  {}: {why}", printable(&checked.instance)))?;
    }
    if complaints.len() > MOST_LINES {
        output.line(format_args!("  … and {} more; `--json` lists them all", complaints.len() - MOST_LINES))?;
    }
    for (checked, gap) in checked.iter().filter_map(|c| Some((c, c.gap.as_ref()?))) {
        let (Gap { found, bound, .. }, most) = (gap, if gap.minimum { "at least" } else { "at most" });
        output.line(format_args!(
            "  {}: {} was found, and it is {most} {}, which is what integers can tell of a real-valued network",
            printable(&checked.instance),
            found.text,
            bound.text
        ))?;
    }
    let [certificate, counterexample, solver, open, rejected] = counts(checked);
    let steps: usize = checked.iter().map(|c| c.steps).sum();
    let certificates: usize = checked.iter().map(|c| c.certificates).sum();
    let lines = [
        (
            certificate,
            format!(
                "on certificates that were checked ({certificates}, of {} in all{})",
                plural(steps, "step", "steps"),
                if reviewed.proved { "; each was accepted by the proved checker, too" } else { "" }
            ),
        ),
        (counterexample, "on inputs that were run through the reference interpreter".to_owned()),
        (solver, "on the word of a solver".to_owned()),
        (open, "on nothing that can be checked".to_owned()),
        (rejected, "rejected".to_owned()),
    ];
    for (index, (count, text)) in lines.iter().enumerate().filter(|(_, (count, _))| *count > 0) {
        let line = format!("{count:>6}  {text}");
        output.line(match index {
            0 | 1 => line.green().to_string(),
            4 => line.red().to_string(),
            _ => line.yellow().to_string(),
        })?;
    }
    let verdicts = plural(checked.len(), "verdict", "verdicts");
    let summary = match (rejected, solver + open, unexpected(checked)) {
        _ if checked.is_empty() => "nothing to check".yellow().bold().to_string(),
        (0, 0, 0) => "all hold".green().bold().to_string(),
        (0, 0, n) => format!("all hold, {n} not as expected").red().bold().to_string(),
        (0, _, 0) => "not all of it could be checked".yellow().bold().to_string(),
        (0, _, n) => format!("not all of it could be checked, {n} not as expected").red().bold().to_string(),
        _ => "not all hold".red().bold().to_string(),
    };
    output.line(format_args!("{summary}: {verdicts} in {}", duration(reviewed.time)))
}

/// How many verdicts were checked, and are final and not the expected ones.
fn unexpected(checked: &[CheckedRecord]) -> usize {
    let outcome = |c: &&CheckedRecord| Outcome::of(c.verdict, c.as_expected);
    checked.iter().filter(|c| c.standing.is_checked()).filter(|c| outcome(c) == Outcome::Unexpected).count()
}

/// The same as JSON.
pub fn json_of(reviewed: &Reviewed) -> Value {
    let [certificate, counterexample, solver, open, rejected] = counts(&reviewed.checked);
    json!({
        "file": reviewed.name,
        "proof": reviewed.header,
        "changed": reviewed.changed,
        "left_out": reviewed.left_out,
        "proved_checker": reviewed.proved,
        "counts": {
            "certificate": certificate,
            "counterexample": counterexample,
            "solver": solver,
            "open": open,
            "rejected": rejected,
            "unexpected": unexpected(&reviewed.checked),
        },
        "time": reviewed.time.as_secs_f64(),
        "statements": reviewed.checked,
    })
}
