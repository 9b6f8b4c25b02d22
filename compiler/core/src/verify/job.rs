//! One job: an instance lowered, decided, and said as a result.
//!
//! In: a job of the plan, where to get the database, who decides. Out: its result, always.

use super::average::{average, known_extreme};
use super::candidates::Candidates;
use super::evidence::Evidence;
use super::lowering::{JobSource, Lowered, lower};
use super::optimize::{Sought, optimize};
use super::over_indices::OverIndices;
use super::plan::Job;
use super::progress::Finding;
use super::property::property;
use super::result::blank;
use super::session::Session;
use super::share::Counter;
use super::verdict::InstanceResult;
use crate::files::spelling::size;

/// Decides a job, as far as its turn goes.
pub(super) fn decide(
    job: &Job,
    source: &JobSource<'_>,
    session: &Session<'_>,
    on_finding: &mut (dyn FnMut(Finding) + Send),
) -> InstanceResult {
    let mut result = blank(job);
    result.budget = session.turn.budget;
    let done = lower(job, source, session).and_then(|lowered| match lowered {
        Lowered::Property(asked) => property(&mut result, session, &asked, job.counterexample),
        Lowered::Optimize(objective, within, builder) => {
            let asked = Sought { objective: &objective, within: within.as_ref(), builder: &builder };
            optimize(&mut result, session, &asked, on_finding)
        }
        Lowered::OptimizeOver(indices) if indices.has_values => {
            OverIndices::new(job, source, session, &indices).run(&mut result, on_finding)
        }
        Lowered::OptimizeOver(indices) => known_extreme(&mut result, job, source, session, &indices.choices),
        Lowered::Share(counted) => Counter::new(job, source, session, &counted).run(&mut result, on_finding),
        Lowered::Average(counted) => average(&mut result, job, source, session, &counted),
        Lowered::Largest { name, domain, monotone } => {
            Candidates::new(job, source, session).run(&mut result, &name, domain, monotone, on_finding)
        }
    });
    if let Err(failure) = done {
        result.fail(failure);
    } else if result.evidence.iter().any(Evidence::is_too_large) {
        let most = size(session.most_certificate);
        result.add(&format!("The certificate takes more than {most}, the most that is kept."));
    }
    result.as_expected = result.verdict.is(result.expected);
    result
}
