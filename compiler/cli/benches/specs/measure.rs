//! Measuring queries: one after the other, by the process's CPU clock.
//!
//! An engine may use several threads for a query, and go on for a moment after another one has the answer; so a query is charged
//! with all that the process spends from its start until every engine is at rest.

use qnn::check::property::Statement;
use qnn::check::spec::{Question, largest_at, question_once};
use qnn::db::Database;
use qnn::engine::portfolio::Portfolio;
use qnn::engine::smt::{AdderTree, Smt, settle};
use qnn::engine::{CancelToken, Engine, by_name};
use qnn::ir::obligation::Obligation;
use qnn::proof::{check, unpack};
use qnn::verify::evidence::{About, Support};
use qnn::verify::verdict::Kind;
use qnn::verify::{Event, InstanceResult, Job, Options, Plan, Verdict};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Who is asked, and for how long.
pub struct Asked {
    portfolio: Portfolio,
    limit: Duration,
}

/// How to measure.
pub struct Measure {
    pub engine: Asked,
    pub baseline: Option<Asked>,
    pub jobs: usize,
    /// What one query at a time may use.
    pub cores: usize,
    /// Set when whoever waits has had enough: what is not decided by then was not asked.
    pub cancel: CancelToken,
}

/// What was measured of some queries.
#[derive(Serialize, Deserialize)]
pub struct Row {
    /// The property, with what its queries have in common.
    pub name: String,
    /// The most memory that the process held while the queries were decided, in bytes, where the system says it.
    pub peak_memory: Option<u64>,
    pub queries: Vec<Query>,
}

/// What was measured of one query.
#[derive(Serialize, Deserialize)]
pub struct Query {
    pub name: String,
    #[serde(flatten)]
    pub cost: Cost,
    /// Of the other engine.
    pub baseline: Option<Cost>,
    /// Of a proof that has one.
    pub certificate: Option<Certificate>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Cost {
    pub verdict: Verdict,
    /// Seconds.
    pub time: f64,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Certificate {
    pub steps: usize,
    /// As JSON.
    pub bytes: usize,
    /// The seconds that the checker takes.
    pub check: f64,
}

/// The engines of a name, with an adder tree for the solver.
pub fn engine(name: &str, tree: AdderTree, limit: Duration) -> Asked {
    let smt = |bounds: bool| Arc::new(Smt { bounds, ..Smt::with_tree(tree) }) as Arc<dyn Engine>;
    let mut portfolio = match name {
        "smt-alone" => Portfolio { first: Vec::new(), rest: vec![smt(false)] },
        _ => by_name(name).unwrap_or_default(),
    };
    for engine in portfolio.rest.iter_mut().filter(|engine| engine.name() == "smt") {
        *engine = smt(name != "smt-alone");
    }
    Asked { portfolio, limit }
}

/// A point of the CPU time that the process has used; of the wall's clock, where the system does not say.
#[derive(Clone, Copy)]
pub struct Clock(Duration);

impl Clock {
    /// Now.
    pub fn now() -> Clock {
        Clock(cpu_time().unwrap_or_else(wall_time))
    }

    /// What has been used since.
    pub fn elapsed(self) -> Duration {
        Clock::now().0.saturating_sub(self.0)
    }
}

#[cfg(unix)]
fn cpu_time() -> Option<Duration> {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_PROCESS_CPUTIME_ID).ok().map(Duration::from)
}

#[cfg(not(unix))]
fn cpu_time() -> Option<Duration> {
    None
}

fn wall_time() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

/// Forgets the most memory that was held so far; Linux can.
fn reset_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The most memory that was held since, in bytes.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The plan in parts: a name and the jobs of each row, in the plan's order.
pub fn rows(plan: &Plan, by: &[String], first: Option<u32>) -> Vec<(String, Plan)> {
    let mut empty = plan.clone();
    empty.jobs.clear();
    let mut rows: Vec<(String, Plan)> = Vec::new();
    for job in &plan.jobs {
        let common = job.parameters.iter().filter(|p| by.iter().any(|name| **name == *p.name));
        let common: Vec<String> = common.map(|p| format!("{} = {}", p.name, p.text)).collect();
        let name = if common.is_empty() {
            job.property.to_string()
        } else {
            format!("{}({})", job.property, common.join(", "))
        };
        let at = rows.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
            rows.push((name, empty.clone()));
            rows.len() - 1
        });
        let jobs = &mut rows[at].1.jobs;
        if first.is_none_or(|first| jobs.len() < first as usize) {
            jobs.push(Job { index: jobs.len(), ..job.clone() });
        }
    }
    rows
}

impl Measure {
    /// Whether times are CPU times.
    pub fn in_cpu_time(&self) -> bool {
        self.jobs == 1 && cpu_time().is_some()
    }

    /// Measures the queries of a row; what must not be goes to `wrong`.
    pub fn row(&self, db: &Database, name: String, plan: &Plan, wrong: &mut Vec<String>) -> Row {
        reset_peak();
        let results = self.ask(db, plan, &self.engine);
        let peak_memory = peak();
        let others = self.baseline.as_ref().map(|baseline| self.ask(db, plan, baseline));
        let mut queries = Vec::new();
        for (index, (cost, result)) in results.iter().enumerate() {
            let Some(cost) = *cost else { continue };
            let baseline = others.as_ref().and_then(|others| others.get(index)?.0);
            wrong.extend(baseline.and_then(|other| contradiction(&result.name, &cost, &other, "by the other engine")));
            let certificate = certificate(db, &plan.jobs[index], result).unwrap_or_else(|why| {
                wrong.push(format!("the certificate of {}: {why}", result.name));
                None
            });
            queries.push(Query { name: result.name.clone(), cost, baseline, certificate });
        }
        Row { name, peak_memory, queries }
    }

    /// Decides the plan's jobs. One that was cancelled has no cost.
    fn ask(&self, db: &Database, plan: &Plan, asked: &Asked) -> Vec<(Option<Cost>, Arc<InstanceResult>)> {
        let mut options = Options::default();
        options.jobs = Some(self.jobs);
        options.extra_cores = if self.jobs == 1 { self.cores.saturating_sub(1) } else { 0 };
        options.timeout = Some(asked.limit);
        options.portfolio = Some(asked.portfolio.clone());
        (options.certificates, options.at_a_stretch) = (true, true);
        let mut plan = plan.clone();
        plan.jobs.iter_mut().for_each(|job| job.budget = asked.limit);
        let clocks = Mutex::new(vec![(Clock::now(), Instant::now(), Duration::ZERO); plan.jobs.len()]);
        let cpu = self.in_cpu_time();
        let on_event = |event: Event| match event {
            Event::Started { index } => {
                clocks.lock().unwrap_or_else(PoisonError::into_inner)[index] =
                    (Clock::now(), Instant::now(), Duration::ZERO);
            }
            Event::Finished { index, .. } => {
                if cpu {
                    settle(asked.limit);
                }
                let (clock, wall, spent) = &mut clocks.lock().unwrap_or_else(PoisonError::into_inner)[index];
                *spent = if cpu { clock.elapsed() } else { wall.elapsed() };
            }
            Event::Progress { .. } | Event::Postponed { .. } => {}
        };
        let snapshot = qnn::verify::snapshots(db.clone());
        let summary = qnn::verify::run(&plan, &snapshot, &options, &self.cancel, &on_event);
        let clocks = clocks.into_inner().unwrap_or_else(PoisonError::into_inner);
        let cancelled = |verdict| self.cancel.is_cancelled() && verdict == Verdict::Unknown;
        let cost = |(_, _, spent): &(Clock, Instant, Duration), verdict| {
            (!cancelled(verdict)).then_some(Cost { verdict, time: spent.as_secs_f64() })
        };
        clocks.iter().zip(summary.results).map(|(clock, result)| (cost(clock, result.verdict), result)).collect()
    }
}

/// What is wrong with two answers to the same question, where one of them must be.
pub fn contradiction(name: &str, here: &Cost, there: &Cost, whose: &str) -> Option<String> {
    let (here, there) = (here.verdict, there.verdict);
    (here.is_decided() && there.is_decided() && here != there)
        .then(|| format!("{name} is {here} here, but {there} {whose}"))
}

/// What the certificate costs whoever gets it, if what a result says rests on one.
///
/// # Errors
/// If the checker rejects it.
fn certificate(db: &Database, job: &Job, result: &InstanceResult) -> Result<Option<Certificate>, String> {
    if !result.verdict.is_decided() {
        return Ok(None);
    }
    let found = result.measure.as_ref().and_then(|m| m.largest.as_ref()?.proved);
    let wanted = match (result.verdict, result.kind) {
        (Verdict::Vacuous, _) => About::Assumptions,
        (_, Kind::Maximize | Kind::Minimize) => About::Bound,
        _ => About::Statement,
    };
    let packed = result.evidence.iter().rev().find_map(|evidence| match &evidence.rests_on {
        Support::Certificate(kept) if evidence.about == wanted && evidence.candidate == found => kept.packed.clone(),
        _ => None,
    });
    let Some(packed) = packed else { return Ok(None) };
    let certificate = unpack(&packed).map_err(|why| why.to_string())?;
    let bytes = serde_json::to_vec(&certificate).map_err(|why| why.to_string())?.len();
    let obligation = obligation(db, job, result, wanted).ok_or("nobody knows what it is about")?;
    let start = Clock::now();
    check(&obligation, &certificate).map_err(|why| format!("the checker rejects it: {why}"))?;
    Ok(Some(Certificate { steps: certificate.steps(), bytes, check: start.elapsed().as_secs_f64() }))
}

/// What is known to have no answer.
fn obligation(db: &Database, job: &Job, result: &InstanceResult, about: About) -> Option<Arc<Obligation>> {
    let of = |statement: Statement| match about {
        About::Assumptions => statement.vacuity,
        _ => Some(statement.obligation),
    };
    match question_once(db, job.item, job.instance).value? {
        Question::Property(statement) => of(statement),
        Question::Optimize(optimization) if about == About::Assumptions => {
            Some(optimization.objective.feasible().into())
        }
        Question::Optimize(optimization) => {
            let objective = optimization.objective;
            let found = result.evidence.iter().find_map(|evidence| match &evidence.rests_on {
                Support::Assignment(assignment) if evidence.about == About::Found => Some(assignment),
                _ => None,
            });
            let best = objective.of(found?)?;
            Some(objective.at_least(best.checked_add(1)?).into())
        }
        Question::OptimizeOver(_) | Question::Share(_) | Question::Average(_) => None,
        Question::Largest { .. } => {
            let proved = result.measure.as_ref()?.largest.as_ref()?.proved?;
            of(largest_at(db, job.item, job.instance, proved).value?)
        }
    }
}
