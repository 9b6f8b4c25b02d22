//! Deadlines and cancellation before an engine has anything to do: while instances are lowered.

use crate::check::spec::{Question, question_once};
use crate::db::{BytesContent, Database, Disk, FileSystem};
use crate::files::FileError;
use crate::verify::{
    Ended, Event, Filter, InstanceResult, Options, Turn, Verdict, Worker, decide, plan, run, snapshots,
};
use qnn_engine::{CancelToken, Cores};
use qnn_ir::interrupt::{Interrupted, until};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The database of a spec.
fn database(text: &str) -> (Database, crate::db::SourceFile) {
    let mut db = Database::new(Disk);
    let file = db.set_text(Path::new("/nowhere/spec.qnn"), text.into());
    (db, file)
}

/// Statements that take a while to be written out: of every kind of expression that goes through a tensor's elements.
const STATEMENTS: [(&str, &str); 8] = [
    ("sum", "sum(x) <= 3"),
    ("maximum", "maximum(x) <= 3"),
    ("sum of magnitudes", "sum(abs(x)) >= 0"),
    ("arithmetic", "maximum(2 * x - x) <= 3"),
    ("comparison", "x == x"),
    ("ball", "x in ball(x, 1 lsb)"),
    ("quantifier", "forall i in 0..20000: x[i] <= 3"),
    ("argmax", "argmax(x) == 3"),
];

fn spec(statement: &str) -> String {
    format!("property p = forall x: fixed<3, 0>[60000]: {statement};")
}

/// Wherever the lowering of a statement is, it asks whether to go on, and can be interrupted.
#[test]
fn lowering_asks_whether_to_go_on() {
    for (name, statement) in STATEMENTS {
        let (db, file) = database(&spec(statement));
        let job = plan(&db, file, &Filter::default(), &Options::default()).jobs.remove(0);
        let asked = Arc::new(AtomicUsize::new(0));
        for after in 0..3 {
            asked.store(0, Ordering::SeqCst);
            let count = asked.clone();
            let stop = move || count.fetch_add(1, Ordering::SeqCst) >= after;
            let done = until(stop, || question_once(&db, job.item, job.instance));
            assert!(matches!(done, Err(Interrupted)), "{name} asks {} times", asked.load(Ordering::SeqCst));
            assert_eq!(asked.load(Ordering::SeqCst), after + 1, "{name}");
        }
    }
    // What was interrupted leaves nothing behind: the same database lowers it to its end.
    let (db, file) = database(&spec("sum(x) <= 3"));
    let job = plan(&db, file, &Filter::default(), &Options::default()).jobs.remove(0);
    assert_eq!(until(|| true, || question_once(&db, job.item, job.instance)).err(), Some(Interrupted));
    let question = question_once(&db, job.item, job.instance).value;
    let Some(Question::Property(statement)) = question else { panic!("no statement") };
    assert_eq!(statement.obligation.cases[0][0].linear.terms.len(), 60_000);
}

/// A file of numbers.
struct Weights(Vec<u8>);

impl FileSystem for Weights {
    fn text(&self, _: &Path) -> Result<Arc<str>, FileError> {
        Err(FileError::new("is no text"))
    }

    fn bytes(&self, _: &Path) -> BytesContent {
        BytesContent::File(self.0.as_slice().into())
    }
}

/// A square matrix of this element type as an NPY file.
fn npy(kind: &str, side: usize) -> Vec<u8> {
    let text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({side}, {side})}}");
    let numbers = (0..side * side).map(|i| i as i8 % 100);
    let data: Vec<u8> = match kind {
        "|i1" => numbers.map(|n| n as u8).collect(),
        "<f4" => numbers.flat_map(|n| (f32::from(n) / 1000.0).to_le_bytes()).collect(),
        _ => numbers.flat_map(|n| (f64::from(n) / 1000.0).to_le_bytes()).collect(),
    };
    [b"\x93NUMPY\x01\x00", &(text.len() as u16).to_le_bytes()[..], text.as_bytes(), &data].concat()
}

/// A network's weights are counted from their file to the obligation, in its real-valued reading, too: the more there are, the more often it is asked
/// whether to go on, and what was interrupted anywhere is lowered anew.
#[test]
fn weights_are_counted_on_their_way() {
    let cases =
        [("|i1", " raw", ""), ("|i1", " raw", ".real"), ("<f4", "", ""), ("<f4", "", ".real"), ("<f8", "", ".real")];
    for (kind, raw, real) in cases {
        let asked = |side: usize, after: usize| {
            let text = format!(
                "type P = ufixed<8, 8>;
                params m = \"w.npy\" {{ *: fixed<8, 10>{raw}; }}
                network f(x: P[{side}]) -> fixed<16, 8>[{side}] {{ dense(x, m.value) as fixed<16, 8> }}
                property p = forall x: P[{side}]: f{real}(x)[0] <= 1;"
            );
            let mut db = Database::new(Weights(npy(kind, side)));
            let file = db.set_text(Path::new("/nowhere/spec.qnn"), text.into());
            let job = plan(&db, file, &Filter::default(), &Options::default()).jobs.remove(0);
            let count = Arc::new(AtomicUsize::new(0));
            let seen = count.clone();
            let stop = move || seen.fetch_add(1, Ordering::SeqCst) >= after;
            let found = until(stop, || question_once(&db, job.item, job.instance));
            if after < usize::MAX {
                assert!(matches!(found, Err(Interrupted)), "{kind}{real}, {after}");
            }
            assert!(question_once(&db, job.item, job.instance).value.is_some(), "{kind}{real}, {after}");
            count.load(Ordering::SeqCst)
        };
        let counts = [128, 256, 512].map(|side| asked(side, usize::MAX));
        assert!(counts[0] > 3 && counts.windows(2).all(|pair| pair[1] >= 3 * pair[0]), "{kind}{real}: {counts:?}");
        (0..counts[0]).for_each(|after| _ = asked(128, after));
    }
}

#[test]
fn a_budget_ends_the_lowering() {
    let (db, file) = database(&spec("sum(abs(x)) >= 0"));
    let options = Options { timeout: Some(Duration::from_nanos(1)), ..Options::default() };
    let plan = plan(&db, file, &Filter::default(), &options);
    let summary = run(&plan, &snapshots(db.clone()), &options, &CancelToken::new(), &|_| {});
    let result: &InstanceResult = &summary.results[0];
    assert_eq!((result.verdict, summary.exit_code()), (Verdict::Timeout, 2));
    assert!(result.detail.ends_with("It was still being lowered: no engine was asked."), "{}", result.detail);
    assert!(result.reports.is_empty() && result.key.is_none());
}

/// A job's thread ends soon after the job is cancelled, also if that happens before an engine has begun.
#[test]
fn a_cancelled_job_ends_while_it_is_lowered() {
    let (db, file) = database(&spec("sum(abs(x)) >= 0"));
    let options = Options::default();
    let job = plan(&db, file, &Filter::default(), &options).jobs.remove(0);
    let cancel = CancelToken::new();
    let on_event = |event: Event| {
        if matches!(event, Event::Started { .. }) {
            cancel.cancel();
        }
    };
    let (turn, spare) = (Turn::whole(job.budget), Cores::default());
    let ended = decide(
        &job,
        &turn,
        None,
        &Worker { snapshot: &snapshots(db), options: &options, spare: &spare, cancel: &cancel, on_event: &on_event },
    );
    let Ended::Decided(result) = ended else { panic!("{ended:?}") };
    assert_eq!(result.verdict, Verdict::Unknown);
    assert!(result.detail.contains("Cancelled before it was decided"), "{}", result.detail);
    assert!(result.key.is_none(), "it was lowered to its end");
}

/// Cases share their conditions: a statement whose cases repeat long sums takes memory for each sum once.
#[test]
fn cases_share_conditions() {
    let text = "property p = forall x: fixed<3, 0>[40], y: fixed<3, 0>[40]:
        argmax(x) == argmax(y) and sum(x) != maximum(y) or x[0] > y[0];";
    let (db, file) = database(text);
    let job = plan(&db, file, &Filter::default(), &Options::default()).jobs.remove(0);
    let question = question_once(&db, job.item, job.instance).value;
    let Some(Question::Property(statement)) = question else { panic!("no statement") };
    let obligation = &statement.obligation;
    let mentioned: usize = obligation.cases.iter().map(Vec::len).sum();
    let held: std::collections::HashSet<_> =
        obligation.cases.iter().flatten().map(|atom| Arc::as_ptr(&atom.linear)).collect();
    assert!(mentioned > 100_000 && held.len() < 5_000, "{} forms for {mentioned} conditions", held.len());
    assert_eq!(obligation.table().atoms.len(), held.len());
}
