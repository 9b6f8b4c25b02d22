//! Whole runs over small specs, and what the store makes of them.

mod forged;
mod limits;
mod measures;
mod networks;
mod real;
mod runs;
mod store;
mod turns;
mod verdicts;

use super::verdict::{Fault, Kind};
use super::{
    Ended, Event, Filter, Finding, InstanceResult, Options, Store, Summary, Turn, Verdict, Worker, decide, plan, run,
    snapshots,
};
use crate::check::spec::{diagnostics, question, verifiable};
use crate::db::{Database, Db, Disk, SourceFile};
use qnn_engine::interval::Intervals;
use qnn_engine::portfolio::Portfolio;
use qnn_engine::smt::Smt;
use qnn_engine::{Answer, CancelToken, Control, Cores, Engine, Reason, Trust};
use qnn_ir::obligation::Obligation;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Two inputs of four bits; f(x) = (x0 - x1, x1 - x0 + 1).
const NETWORK: &str = "
type In = uint<4>;
type Out = int<8>;
enum Place { left, right }
network f(x: In[2]) -> Out[Place] {
    dense(x, [[1, -1], [-1, 1]], [0, 1]) as Out
}
dataset test { x: In[2] from \"x.npy\" raw; }
";

/// A folder with a spec and its files, and a database on it.
pub(super) struct World {
    folder: tempfile::TempDir,
    db: Database,
    file: SourceFile,
}

impl World {
    fn new(properties: &str) -> World {
        World::whole(&format!("{NETWORK}{properties}"))
    }

    pub(super) fn whole(text: &str) -> World {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x.npy"), npy(&[2, 2], &[5, 2, 7, 7])).unwrap();
        std::fs::write(folder.path().join("c.npy"), npy(&[2], &[0, 1])).unwrap();
        std::fs::write(folder.path().join("w.safetensors"), weights([1, -1])).unwrap();
        std::fs::write(folder.path().join("spec.qnn"), text).unwrap();
        let db = Database::new(Disk);
        let file = db.source(&folder.path().join("spec.qnn"));
        World { folder, db, file }
    }

    pub(super) fn checked(self) -> World {
        let errors: Vec<String> = diagnostics(&self.db, self.file)
            .iter()
            .filter(|d| d.severity == crate::diagnostic::Severity::Error)
            .map(|d| format!("{}: {}", d.code, d.message))
            .collect();
        assert_eq!(errors, Vec::<String>::new());
        self
    }

    fn edit(&mut self, text: &str) {
        let path = self.folder.path().join("spec.qnn");
        self.db.set_text(&path, text.into());
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn run(&self, options: &Options) -> Summary {
        self.watch(options, &CancelToken::new(), &|_| {})
    }

    pub(super) fn watch(&self, options: &Options, cancel: &CancelToken, on_event: &(dyn Fn(Event) + Sync)) -> Summary {
        let plan = plan(&self.db, self.file, &Filter::default(), options);
        run(&plan, &snapshots(self.db.clone()), options, cancel, on_event)
    }
}

/// An NPY file of bytes.
fn npy(shape: &[usize], data: &[u8]) -> Vec<u8> {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    let mut header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({}), }}", sizes.join(", "));
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat()
}

/// A layer of one neuron and two weights.
fn weights(row: [i8; 2]) -> Vec<u8> {
    let header = r#"{"fc.bias":{"dtype":"I8","shape":[1],"data_offsets":[2,3]},"fc.weight":{"dtype":"I8","shape":[1,2],"data_offsets":[0,2]}}"#;
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[row[0] as u8, row[1] as u8, 0]].concat()
}

pub(super) fn with(store: &Path) -> Options {
    Options { store: Some(Arc::new(Store::open(store))), ..Options::default() }
}

fn by(engines: &[Arc<dyn Engine>]) -> Options {
    Options { portfolio: Some(Portfolio { first: engines.to_vec(), rest: Vec::new() }), ..Options::default() }
}

fn verdicts(summary: &Summary) -> Vec<(&str, Verdict)> {
    summary.results.iter().map(|result| (result.name.as_str(), result.verdict)).collect()
}

fn only(summary: &Summary) -> &InstanceResult {
    assert_eq!(summary.results.len(), 1, "{:?}", verdicts(summary));
    &summary.results[0]
}

type Act = dyn Fn(&Obligation, &Control) -> Answer + Send + Sync;

/// Does what it is told, and counts how often.
struct Scripted {
    calls: AtomicUsize,
    act: Box<Act>,
}

fn scripted(act: impl Fn(&Obligation, &Control) -> Answer + Send + Sync + 'static) -> Arc<Scripted> {
    Arc::new(Scripted { calls: AtomicUsize::new(0), act: Box::new(act) })
}

impl Engine for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn solve(&self, obligation: &Obligation, control: &Control) -> Answer {
        self.calls.fetch_add(1, Ordering::SeqCst);
        (self.act)(obligation, control)
    }
}

fn sleep(control: &Control) -> Answer {
    loop {
        if let Some(reason) = control.stop() {
            return Answer::Unknown(reason);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

const PROPERTIES: &str = "
property small = forall x: In[2]: f(x)[0] <= 15;
#[expect(violated)]
property below(i in 0..2) = forall x in ball(test[i].x, 1 lsb): f(x).left != 3 - 3 * i;
#[expect(vacuous)]
property nothing = forall x: In[2] where x[0] + x[1] == 31: f(x)[0] == 100;
property assumed = forall x: In[2] where x[0] + x[1] == 30: f(x)[0] == 0;
property decided = forall x in ball(test[0].x, 2 lsb): argmax(f(x)) == 0;
";

const MEASURES: &str = "
measure most = maximize f(x)[0] / 4 over x: In[2] where x[0] + x[1] <= 20;
measure least = minimize f(x).left over x in ball(test[0].x, 2 lsb);
measure none = maximize f(x)[0] over x: In[2] where x[0] + x[1] == 31;
property near(i in 0..2, eps in 0..=1) = forall x in ball(test[i].x, eps lsb): f(x)[0] >= 0;
measure radius(i in 0..2) = largest eps in 0..=15 such that near(i, eps);
measure odd = largest n in 0..=8 such that forall x: In[2]: 2 * f(x)[0] != n;
measure never = largest n in 2..=4 such that forall x: In[2]: f(x)[0] != n;
measure empty = largest n in 0..=3 such that forall x: In[2] where x[0] + x[1] == 28 + n: f(x)[0] != 1;
";
