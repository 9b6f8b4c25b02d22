//! Two runs beside each other.

use super::measure::{Cost, Row, contradiction};
use super::summary::{quantile, seconds, sum, table, times};
use super::{Run, Spec, VERSION};
use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// An earlier run.
pub fn read(path: &Path) -> Result<Run, Box<dyn Error>> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("`{}`: {error}", path.display()))?;
    let run: Run = serde_json::from_str(&text)
        .map_err(|error| format!("`{}` is no result of this benchmark: {error}", path.display()))?;
    match run.version {
        VERSION => Ok(run),
        other => Err(format!("`{}` is of version {other}; this is version {VERSION}", path.display()).into()),
    }
}

/// The queries that both runs asked, row by row: what they took before, what they take now. What must not be goes to `wrong`.
pub fn print(before: &Run, now: &Run, wrong: &mut Vec<String>) {
    println!("\nbefore (engine {}) and now (engine {}), for the queries that both asked:", before.engine, now.engine);
    if before.cpu != now.cpu {
        println!("beware: one run measured CPU time, the other time on the clock");
    }
    if before.limit != now.limit {
        println!("beware: the limits differ; undecided queries count with their run's own");
    }
    let old_rows = rows_of(before);
    let head =
        ["property", "queries", "decided before", "now", "median before", "now", "total before", "now", "before / now"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for (spec, row) in rows_of(now) {
        let same = |(other, old): &&(Option<OsString>, &Row)| *other == spec && old.name == row.name;
        let Some((_, old)) = old_rows.iter().find(same) else { continue };
        let known: std::collections::HashMap<&str, &Cost> =
            old.queries.iter().map(|query| (query.name.as_str(), &query.cost)).collect();
        let both = row.queries.iter().filter_map(|query| Some((*known.get(query.name.as_str())?, &query.cost)));
        let (old, new): (Vec<&Cost>, Vec<&Cost>) = both.unzip();
        wrong.extend(row.queries.iter().filter_map(|query| {
            let old = known.get(query.name.as_str())?;
            contradiction(&query.name, &query.cost, old, "before: is it the same spec?")
        }));
        let decided = |costs: &[&Cost]| costs.iter().filter(|c| c.verdict.is_decided()).count().to_string();
        let (old_sum, old_more) = sum(old.iter().copied(), before.limit);
        let (new_sum, new_more) = sum(new.iter().copied(), now.limit);
        let ratio = old_sum / new_sum.max(1e-9);
        // With undecided queries on both sides, or on the new one, the ratio bounds nothing.
        let ratio = if new_more { format!("~ {}", times(ratio, false)) } else { times(ratio, old_more) };
        rows.push(vec![
            row.name.clone(),
            old.len().to_string(),
            decided(&old),
            decided(&new),
            seconds(quantile(&old, before.limit, 0.5)),
            seconds(quantile(&new, now.limit, 0.5)),
            seconds((old_sum, old_more)),
            seconds((new_sum, new_more)),
            ratio,
        ]);
    }
    table(&rows);
}

/// The rows of a run with their specs' file names: the two runs may have been started in different folders.
fn rows_of(run: &Run) -> Vec<(Option<OsString>, &Row)> {
    let named = |spec: &Spec| Path::new(&spec.spec).file_name().map(OsStr::to_owned);
    run.specs.iter().flat_map(|spec| spec.rows.iter().map(move |row| (named(spec), row))).collect()
}
