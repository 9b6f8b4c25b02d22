//! `qnn/trace`: a counterexample layer by layer.

use super::Target;
use crate::protocol::{Trace, TraceArguments};
use crate::snapshot::Snapshot;
use qnn::ide::trace::traces;
use qnn::verify::{Filter, Options, plan};
use tower_lsp::jsonrpc::Result;

pub fn answer(snapshot: &Snapshot, arguments: &TraceArguments) -> Result<Option<Trace>> {
    let target = Target::of(snapshot)?;
    let name = &arguments.instance;
    let nothing = |problem: String| Trace { instance: name.clone(), problem: Some(problem), calls: Vec::new() };
    let result = target.view.results.iter().find(|result| result.name == *name);
    let Some(counterexample) = result.and_then(|result| result.counterexample.as_ref()) else {
        return Ok(Some(nothing("It has no counterexample of the text as it is.".to_owned())));
    };
    let plan = plan(&snapshot.db, target.file, &Filter::default(), &Options::default());
    let Some(job) = plan.jobs.iter().find(|job| job.name == *name) else {
        return Ok(Some(nothing("It is not in the spec any more.".to_owned())));
    };
    Ok(Some(match traces(&snapshot.db, job.item, job.instance, counterexample) {
        Ok(calls) => {
            Trace { instance: name.clone(), problem: None, calls: calls.into_iter().map(Into::into).collect() }
        }
        Err(problem) => nothing(problem),
    }))
}
