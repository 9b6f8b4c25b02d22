//! The store is believed for what can be checked: whatever somebody writes into it, under a checksum that fits, never becomes a wrong verdict.

use super::{World, with};
use crate::verify::{InstanceResult, Verdict};
use crate::verify::{Options, Summary};
use qnn_engine::Trust;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Every kind of answer: proved, violated, vacuous, with an assumption, a maximum, a measure without inputs, a largest.
const SPEC: &str = "
type In = uint<4>;
params w = \"w.safetensors\" { *: int<8> raw; }
network g(x: In[2]) -> int<8>[1] {
    dense(x, w.fc) as int<8>
}
property holds = forall x: In[2]: g(x)[0] <= 15;
property conditional = forall x: In[2] where g(x)[0] >= 3: x[0] * 2 >= x[1] + 3;
property breaks = forall x: In[2]: g(x)[0] <= 14;
property assumed = forall x: In[2] where x[0] + x[1] == 30: g(x)[0] <= 15;
property empty = forall x: In[2] where x[0] + x[1] == 31: g(x)[0] <= 1;
measure most = maximize g(x)[0] + 2 * x[1] over x: In[2];
measure none = maximize g(x)[0] over x: In[2] where x[0] + x[1] == 31;
measure bound = largest n in 0..=15 such that forall x: In[2]: g(x)[0] <= 31 - 2 * n;
";

/// The files of a store.
type Files = BTreeMap<PathBuf, Vec<u8>>;

fn files(store: &Path) -> Files {
    let below = |folder: PathBuf| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let folders = below(store.join("verdicts-2")).filter(|path| path.is_dir());
    folders.flat_map(below).map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

fn is_entry(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

fn write(files: &Files) {
    files.iter().for_each(|(path, bytes)| std::fs::write(path, bytes).unwrap());
}

/// The entry of a file.
fn entry(bytes: &[u8]) -> Value {
    serde_json::from_slice::<Value>(bytes).unwrap()["entry"].clone()
}

/// A file of an entry, under a checksum of its own.
fn sealed(entry: &Value) -> Vec<u8> {
    let text = entry.to_string();
    format!("{{\"check\":\"{}\",\"entry\":{text}}}\n", blake3::hash(text.as_bytes()).to_hex()).into_bytes()
}

/// A file of a certificate, likewise.
fn sealed_proof(about: &str, packed: &[u8]) -> Vec<u8> {
    [format!("qnn certificate {about} {}\n", blake3::hash(packed).to_hex()).as_bytes(), packed].concat()
}

/// Whether the result says that what it rests on is remembered and was not checked.
fn is_marked(result: &InstanceResult) -> bool {
    matches!(result.trust, Some(Trust::Solver { remembered: true, .. }))
}

/// No result says anything false: it is what it is without a store, or undecided, or marked.
fn sound(said: &Summary, truth: &Summary, what: &str) -> usize {
    let mut marked = 0;
    for (said, truth) in said.results.iter().zip(&truth.results) {
        let shown = || format!("{what}: {} is {:?}", said.name, (said.verdict, &said.trust, &said.measure));
        if is_marked(said) {
            assert!(said.trust.as_ref().is_some_and(|t| t.to_string().contains("remembered")));
            marked += 1;
            continue;
        }
        assert!(said.verdict == truth.verdict || !said.verdict.is_decided(), "{}", shown());
        assert!(said.verdict != Verdict::Error, "{} {}", shown(), said.detail);
        let (Some(known), Some(answer)) = (&said.measure, &truth.measure) else { continue };
        let answer = answer.found.as_ref().map(|number| number.value);
        let within = match (&known.found, answer) {
            (Some(found), Some(answer)) => found.value <= answer,
            (None, _) => true,
            (Some(_), None) => false,
        };
        let bounded = match (&known.bound, answer) {
            (Some(bound), Some(answer)) => bound.value >= answer,
            _ => true,
        };
        assert!(within && bounded, "{}", shown());
    }
    marked
}

fn only(engine: &str, store: &Path) -> Options {
    Options { jobs: Some(1), engine: Some(Arc::from(engine)), ..with(store) }
}

/// What an entry may be made to say, whatever it said before.
fn lies(honest: &[Value], of: usize) -> Vec<(String, Value)> {
    let trusts = [
        json!({"kind": "interval"}),
        json!({"kind": "certificate", "steps": 1}),
        json!({"kind": "solver", "name": "Z3 4.8.12"}),
        json!({"kind": "solver", "name": "a certificate that the checker accepted"}),
    ];
    let honest_known = honest[of]["known"].clone();
    let mut all: Vec<(String, Value)> = Vec::new();
    for trust in &trusts {
        all.push((format!("none by {trust}"), json!({"none": trust})));
        for (upper, vacuous) in [(-1000, false), (29, false), (31, false), (-1000, true)] {
            let lie = json!({"maximum": {
                "best": null, "upper": upper.to_string(), "complete": vacuous, "vacuous": vacuous, "trust": trust, "reason": null
            }});
            all.push((format!("bound {upper} by {trust}"), lie));
            let mut narrowed = honest_known.clone();
            if narrowed["maximum"].is_object() {
                narrowed["maximum"]["upper"] = json!(upper.to_string());
                narrowed["maximum"]["trust"] = trust.clone();
                all.push((format!("upper {upper} by {trust}"), narrowed.clone()));
                narrowed["maximum"]["complete"] = json!(true);
                if narrowed["maximum"]["best"].is_array() {
                    narrowed["maximum"]["best"][0] = json!(upper.to_string());
                }
                all.push((format!("best {upper} by {trust}"), narrowed));
            }
        }
    }
    for assignment in
        [json!([]), json!([[]]), json!([[0, 0]]), json!([[15, 0]]), json!([[99, -99]]), json!([[1, 2, 3]])]
    {
        all.push((format!("some {assignment}"), json!({"some": assignment})));
    }
    for reason in ["timeout", "cancelled"] {
        all.push((format!("open: {reason}"), json!({"open": {"kind": reason}})));
    }
    all.extend(honest.iter().enumerate().map(|(i, other)| (format!("what entry {i} knows"), other["known"].clone())));
    all
}

fn with_known(entry: &Value, known: &Value) -> Value {
    let mut forged = entry.clone();
    forged["known"] = known.clone();
    forged["budget"] = json!({"secs": 1_000_000, "nanos": 0});
    forged
}

#[test]
fn forged_entries_never_become_wrong_verdicts() {
    let world = World::whole(SPEC).checked();
    let truth = world.run(&Options { jobs: Some(1), ..Options::default() });
    assert_eq!(
        truth.results.iter().map(|r| r.verdict).collect::<Vec<_>>(),
        [
            Verdict::Proved,
            Verdict::Proved,
            Verdict::Violated,
            Verdict::Proved,
            Verdict::Vacuous,
            Verdict::Proved,
            Verdict::Vacuous,
            Verdict::Proved
        ],
        "{:?}",
        truth.results.iter().map(|r| &r.detail).collect::<Vec<_>>()
    );
    for engine in ["auto", "interval", "smt"] {
        let store = world.path(engine);
        let first = world.run(&only(engine, &store));
        sound(&first, &truth, engine);
        let before = files(&store);
        let entries: Vec<(PathBuf, Value)> = before
            .iter()
            .filter(|(path, _)| is_entry(path))
            .map(|(path, bytes)| (path.clone(), entry(bytes)))
            .collect();
        let honest: Vec<Value> = entries.iter().map(|(_, entry)| entry.clone()).collect();
        let count = (0..honest.len()).map(|of| lies(&honest, of).len()).max().unwrap_or(0);
        let (mut marked, run) = (0, |what: &str, forge: &dyn Fn(usize, &Value) -> Option<Vec<u8>>| {
            write(&before);
            for (of, (path, entry)) in entries.iter().enumerate() {
                if let Some(bytes) = forge(of, entry) {
                    std::fs::write(path, bytes).unwrap();
                }
            }
            sound(&world.run(&only(engine, &store)), &truth, &format!("{engine}, {what}"))
        });
        // All entries lie in one way, then in the next.
        for lie in 0..count {
            let of_each = (0..honest.len()).filter_map(|of| lies(&honest, of).get(lie).map(|(what, _)| what.clone()));
            let what = of_each.collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" / ");
            marked += run(&what, &|of, entry| {
                let lies = lies(&honest, of);
                lies.get(lie).map(|(_, known)| sealed(&with_known(entry, known)))
            });
        }
        // The word of a solver can't be checked, where one is asked.
        assert_eq!(marked > 0, engine != "interval", "{engine}");
        // What else an entry says.
        for (field, value) in [
            ("engine", json!("checker")),
            ("engine", json!("\u{1b}[2J")),
            ("name", json!("\u{1b}]0;x\u{7}")),
            ("too_large", json!(true)),
            ("time", json!({"secs": u64::MAX, "nanos": 999_999_999})),
            ("budget", json!({"secs": u64::MAX, "nanos": 999_999_999})),
            ("version", json!(1)),
            ("key", json!("0".repeat(64))),
            ("known", json!("proved")),
        ] {
            run(&format!("{field} {value}"), &|_, entry| {
                let mut forged = entry.clone();
                forged[field] = value.clone();
                Some(sealed(&forged))
            });
            run(&format!("proved, {field} {value}"), &|_, entry| {
                let mut forged = with_known(entry, &json!({"none": {"kind": "certificate", "steps": 3}}));
                forged[field] = value.clone();
                Some(sealed(&forged))
            });
        }
        for cut in [0, 1, 2, 10, 100] {
            run(&format!("cut by {cut}"), &|_, entry| {
                let mut bytes = sealed(entry);
                bytes.truncate(bytes.len().saturating_sub(cut).min(cut * 7));
                Some(bytes)
            });
        }
    }
}

#[test]
fn forged_certificates_prove_nothing() {
    let world = World::whole(SPEC).checked();
    let store = world.path("store");
    let truth = world.run(&only("auto", &store));
    let before = files(&store);
    let proofs: Vec<(&PathBuf, &[u8])> = before
        .iter()
        .filter(|(path, _)| !is_entry(path))
        .map(|(path, bytes)| (path, &bytes[bytes.iter().position(|b| *b == b'\n').unwrap() + 1..]))
        .collect();
    assert!(proofs.len() >= 4, "{}", proofs.len());
    let about = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    for shift in 0..proofs.len() {
        for renamed in [false, true] {
            write(&before);
            // Every entry claims to be proved by a certificate, and each certificate is another's.
            for (path, bytes) in before.iter().filter(|(path, _)| is_entry(path)) {
                let claim = json!({"none": {"kind": "certificate", "steps": 3}});
                let is_measure = entry(bytes)["known"]["maximum"].is_object();
                let lie = if is_measure { entry(bytes)["known"].clone() } else { claim };
                std::fs::write(path, sealed(&with_known(&entry(bytes), &lie))).unwrap();
            }
            for (at, (path, _)) in proofs.iter().enumerate() {
                let (_, other) = proofs[(at + shift) % proofs.len()];
                let mut other = other.to_vec();
                if renamed {
                    let mut certificate = qnn_proof::unpack(&other).unwrap();
                    certificate.obligation = about(path);
                    other = qnn_proof::pack(&certificate).unwrap();
                }
                std::fs::write(path, sealed_proof(&about(path), &other)).unwrap();
            }
            let said = world.run(&only("auto", &store));
            assert_eq!(sound(&said, &truth, &format!("shift {shift}, renamed {renamed}")), 0);
        }
    }
    // A certificate for each obligation that has none, all steps but the proof.
    write(&before);
    let empty = |about: String| {
        qnn_proof::pack(&qnn_proof::Certificate { version: 1, obligation: about, prelude: vec![], cases: vec![vec![]] })
    };
    for result in &truth.results {
        for evidence in &result.evidence {
            let path = crate::verify::Store::open(&store).proof_path(&evidence.obligation);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let packed = empty(evidence.obligation.clone()).unwrap();
            std::fs::write(path, sealed_proof(&evidence.obligation, &packed)).unwrap();
        }
    }
    for (path, bytes) in before.iter().filter(|(path, _)| is_entry(path)) {
        if !entry(bytes)["known"]["maximum"].is_object() {
            let lie = json!({"none": {"kind": "certificate", "steps": 3}});
            std::fs::write(path, sealed(&with_known(&entry(bytes), &lie))).unwrap();
        }
    }
    let said = world.run(&only("auto", &store));
    assert_eq!(sound(&said, &truth, "empty certificates"), 0);
    assert!(said.warnings.iter().any(|w| w.contains("does not prove what it is stored for")), "{:?}", said.warnings);
}

/// What can't be checked in time is not believed, and not lost either.
#[test]
fn a_certificate_that_is_not_checked_in_time_is_kept() {
    let world = World::whole(SPEC).checked();
    let store = world.path("store");
    world.run(&only("auto", &store));
    let before = files(&store);
    let cancel = qnn_engine::CancelToken::new();
    let seen = std::sync::atomic::AtomicUsize::new(0);
    let stopped = world.watch(&only("auto", &store), &cancel, &|_| {
        if seen.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 1 {
            cancel.cancel();
        }
    });
    assert!(stopped.results.iter().any(|r| r.verdict == Verdict::Unknown), "{:?}", stopped.results);
    assert_eq!(files(&store), before);
}
