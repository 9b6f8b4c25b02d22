//! Requests for verification, and the replies that say what they have begun.

use super::instances::Instance;
use crate::protocol::Started;
use qnn::ide::Property;
use qnn::verify::{Job, Verdict};
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// Which of the wanted instances are verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Those without a current verdict that is decided.
    Undecided,
    /// Those whose verdict is not the expected one, or undecided.
    Failed,
    /// All.
    Everything,
}

/// Instances, as someone asks for them.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// What a save or an opening makes due: all of a document without a current verdict.
    Auto,
    /// Of a document.
    Some {
        /// Of this property.
        property: Option<String>,
        /// These.
        instances: Option<Vec<String>>,
        /// Which of them.
        goal: Goal,
    },
    /// Of a run (to be cancelled).
    Run(u64),
    /// All (to be cancelled).
    Everything,
}

/// Verification that waits for an analysis.
pub struct Request {
    /// What is wanted.
    pub wanted: Wanted,
    /// What each instance may spend.
    pub budget: Option<Duration>,
    /// Where the answer goes.
    pub reply: Option<Reply>,
}

/// The reply to a request: sent once every document concerned has added the run and the jobs that it has begun.
#[derive(Clone)]
pub struct Reply(Arc<Mutex<Waiting>>);

struct Waiting {
    sender: Option<oneshot::Sender<Result<Value, String>>>,
    missing: usize,
    started: Started,
}

impl Reply {
    /// For one document.
    pub fn alone(sender: oneshot::Sender<Result<Value, String>>) -> Reply {
        Reply::shared(sender, 1)
    }

    /// For several.
    pub fn shared(sender: oneshot::Sender<Result<Value, String>>, documents: usize) -> Reply {
        Reply(Arc::new(Mutex::new(Waiting { sender: Some(sender), missing: documents, started: Started::default() })))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A document's part.
    pub fn add(&self, run: Option<u64>, jobs: usize) {
        let mut waiting = self.lock();
        waiting.missing = waiting.missing.saturating_sub(1);
        waiting.started.runs.extend(run);
        waiting.started.jobs += jobs;
        if waiting.missing == 0
            && let Some(sender) = waiting.sender.take()
        {
            let _ = sender.send(serde_json::to_value(&waiting.started).map_err(|e| e.to_string()));
        }
    }

    /// The answer if no document is concerned.
    pub fn if_none(&self, started: Started) {
        let mut waiting = self.lock();
        if waiting.missing == 0
            && let Some(sender) = waiting.sender.take()
        {
            let _ = sender.send(serde_json::to_value(started).map_err(|e| e.to_string()));
        }
    }

    /// There will be no answer from a document.
    pub fn refuse(&self, why: &str) {
        if let Some(sender) = self.lock().sender.take() {
            let _ = sender.send(Err(why.to_owned()));
        }
    }
}

/// Whether an instance is to be verified.
pub fn is_wanted(
    instance: Option<&Instance>,
    property: &Property,
    job: &Job,
    wanted: &Wanted,
    budget: Option<Duration>,
) -> bool {
    if instance.is_some_and(|i| i.activity.is_some()) {
        return false;
    }
    let held = instance.filter(|i| !i.is_stopped()).and_then(|i| i.held.as_ref());
    let held = held.filter(|held| held.fingerprint == property.fingerprint);
    let verdict = held.map(|held| held.result.verdict);
    let failed = instance.is_some_and(|i| i.failure.is_some());
    match wanted {
        Wanted::Auto => match held {
            Some(held) => {
                let undecided = matches!(held.result.verdict, Verdict::Timeout | Verdict::Unknown);
                undecided && held.result.budget < budget.unwrap_or(job.budget)
            }
            None => !failed && instance.is_none_or(|i| i.cancelled.is_none()),
        },
        Wanted::Some { property: of, instances, goal } => {
            of.as_ref().is_none_or(|name| **name == *property.name)
                && instances.as_ref().is_none_or(|names| names.contains(&job.name))
                && match goal {
                    Goal::Undecided => !verdict.is_some_and(Verdict::is_decided),
                    Goal::Failed => failed || verdict.is_some_and(|v| !v.is_decided() || !v.is(property.expected)),
                    Goal::Everything => true,
                }
        }
        Wanted::Run(_) | Wanted::Everything => false,
    }
}
