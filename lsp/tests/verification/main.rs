//! Verification in the editor: what runs, what is shown, and above all what must not be shown.

#[path = "../support/mod.rs"]
mod support;

mod cancelling;
mod stale;
mod starting;
mod turns;
mod verdicts;
mod workspace;

use qnn::engine::interval::Intervals;
use qnn::engine::portfolio::Portfolio;
use qnn::engine::{Answer, Control, Engine};
use qnn::ir::obligation::Obligation;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use support::{Client, Folder, PATIENCE, SMALL};

/// An engine that works until it is told to stop.
#[derive(Default)]
struct Endless {
    working: AtomicUsize,
    begun: AtomicUsize,
}

impl Engine for Endless {
    fn name(&self) -> &'static str {
        "endless"
    }

    fn solve(&self, _: &Obligation, control: &Control) -> Answer {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.working.fetch_add(1, Ordering::SeqCst);
        let reason = loop {
            if let Some(reason) = control.stop() {
                break reason;
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        self.working.fetch_sub(1, Ordering::SeqCst);
        Answer::Unknown(reason)
    }
}

/// Has no end on what has two inputs or more, but for values that a measure begins with; the rest it decides at once.
struct Selective;

impl Engine for Selective {
    fn name(&self) -> &'static str {
        "selective"
    }

    fn solve(&self, obligation: &Obligation, control: &Control) -> Answer {
        let inputs: usize = obligation.variables.iter().map(|variable| variable.domain.len()).sum();
        if inputs < 2 || obligation.cases.iter().any(Vec::is_empty) {
            return Intervals.solve(obligation, control);
        }
        loop {
            if let Some(reason) = control.stop() {
                return Answer::Unknown(reason);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Three hard measures, and a property that is none.
const HARD: &str = "type Point = ufixed<4, 2>[2];
measure hard1 = maximize abs(x[0] - x[1]) over x: Point;
measure hard2 = maximize abs(x[0] + x[1]) over x: Point;
measure hard3 = maximize abs(x[0] - 2 * x[1]) over x: Point;
property quick = forall x: int<4>: x <= 7;
";

fn only(engine: Arc<dyn Engine>) -> Option<Portfolio> {
    Some(Portfolio { first: vec![engine], rest: Vec::new() })
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A server with the usual engines, a folder, and `SMALL` opened and settled in it.
fn small() -> (Client, Folder, String, Value) {
    let folder = Folder::new();
    let uri = folder.uri("small.qnn");
    let mut client = Client::inside(None, None);
    client.initialize(json!({}));
    client.open(&uri, SMALL);
    let status = client.settled(&uri, 1);
    (client, folder, uri, status)
}
