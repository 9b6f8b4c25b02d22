//! What is known of an instance, and what is being done about it.

use crate::held_verdict::Held;
use crate::protocol::{self, between};
use qnn::engine::CancelToken;
use qnn::verify::verdict::Kind;
use qnn::verify::{Finding, InstanceResult, Progress, Verdict};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// An instance of an open document.
#[derive(Default)]
pub struct Instance {
    /// The last verdict.
    pub held: Option<Held>,
    /// What is being done about it.
    pub activity: Option<Activity>,
    /// It was cancelled when its property meant this.
    pub cancelled: Option<[u8; 32]>,
    /// Its thread ended without an answer when its property meant this; why.
    pub failure: Option<([u8; 32], String)>,
    /// The run that dealt with it last.
    pub run: Option<u64>,
}

impl Instance {
    /// Its last run was cancelled, and nothing has decided it.
    pub fn is_stopped(&self) -> bool {
        self.cancelled.is_some() && self.held.as_ref().is_none_or(|held| held.result.verdict == Verdict::Unknown)
    }

    /// Takes over what a cancelled job had found and proved when its thread ended, unless more is known. Says whether it did.
    pub fn keep(&mut self, result: InstanceResult, fingerprint: [u8; 32]) -> bool {
        if self.activity.is_some() || self.cancelled != Some(fingerprint) {
            return false;
        }
        let decided = result.verdict.is_decided();
        let more = match self.held.as_ref().filter(|held| held.fingerprint == fingerprint).map(|held| &held.result) {
            None => true,
            Some(known) if known.verdict.is_decided() => false,
            // A measure that took longer knows more.
            Some(known) => decided || result.measure.is_some() && result.time >= known.time,
        };
        if more {
            self.cancelled.take_if(|_| decided);
            self.held = Some(Held { result: Arc::new(result), fingerprint });
        }
        more
    }
}

/// A job of an instance.
pub struct Activity {
    /// Its number in the queue.
    pub id: u64,
    /// The run that it belongs to.
    pub run: u64,
    /// What the property means.
    pub fingerprint: [u8; 32],
    /// Since when an engine works on it; `None` while it waits for a turn.
    pub since: Option<Instant>,
    /// What is known so far.
    pub progress: Option<Progress>,
    /// What stops it.
    pub cancel: CancelToken,
}

impl Activity {
    /// What is told of it; `None` while it waits for its first turn.
    pub fn told(&self, kind: Kind, budget: Duration) -> Option<protocol::Progress> {
        let Some(progress) = &self.progress else {
            let elapsed = self.since?.elapsed();
            return Some(protocol::Progress::new(elapsed, Some(budget.saturating_sub(elapsed))));
        };
        let (found, bound) = match &progress.finding {
            Some(Finding::Bounds { found, bound }) => (found.clone(), bound.clone()),
            _ => (None, None),
        };
        let candidate = match &progress.finding {
            Some(Finding::Candidate { value, verdict }) => Some(format!("{verdict} for {value}")),
            _ => None,
        };
        let share = progress.percent().map(|percent| format!("{percent} %"));
        let parts = [between(kind, found.as_ref(), bound.as_ref()), candidate, share];
        let text = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
        Some(protocol::Progress {
            text: (!text.is_empty()).then_some(text),
            share: progress.share,
            found,
            bound,
            ..protocol::Progress::new(progress.elapsed, progress.remaining)
        })
    }
}
