//! What is not of a certificate's form is refused by both checkers, whatever a language makes of it.

use super::{CERTIFICATE_VERSION, Certificate, Propagated, check, export, propagate};
use qnn_ir::obligation::{Atom, Linear, Obligation, Variable};
use qnn_ir::testing::{Random, Shape, random_obligation};
use qnn_ir::{Graph, Matrix, NodeId, Op, Step, Steps};
use serde_json::{Value, json};
use std::process::Command;
use std::sync::Arc;

/// Three inputs in {0, 1}, a node of each kind, and an answer unless there is a case that rules it out: x0 + x1 + x2 >= 3 (by way of a step).
fn obligation(cases: Vec<Vec<Atom>>) -> Obligation {
    let mut graph = Graph::new();
    let x = graph.push_input("x", 3);
    let step = Step::Round { numerator: 2, denominator: 2, offset: 0, mode: qnn_ir::Rounding::HalfUp, lo: -1, hi: 1 };
    graph.push("y", Op::Step { source: x, steps: Steps::Uniform(step) });
    let table = |threshold| Step::Table { lo: 0, thresholds: vec![threshold].into() };
    graph.push("table", Op::Step { source: x, steps: Steps::Each(vec![table(0), table(1), table(2)].into()) });
    graph.push("max", Op::Max { source: x, windows: vec![vec![0, 1].into(), vec![2].into()].into() });
    graph.push("wrap", Op::Wrap { source: x, width: 3, signed: true });
    graph.push("constant", Op::Constant(vec![-5].into()));
    graph.push("gather", Op::Gather { picks: vec![(x, 2), (NodeId(1), 0)].into() });
    graph.push("affine", Op::Affine { terms: vec![(x, Matrix::dense(1, 3, vec![1, -2, 3]))], bias: vec![4].into() });
    Obligation {
        graph: graph.into(),
        variables: vec![Variable { name: "x".into(), node: x, domain: vec![(0, 1); 3] }],
        assumptions: vec![Atom::new(Linear::new(vec![(x, 0, 1)], 0))],
        cases,
        exact: None,
    }
}

fn all_ones() -> Atom {
    let y = NodeId(1);
    Atom::new(Linear::new(vec![(y, 0, 1), (y, 1, 1), (y, 2, 1)], -3))
}

/// An obligation without an answer, and a certificate with a step of each kind.
fn sound() -> (Obligation, Value) {
    let x = NodeId(0);
    let obligation = obligation(vec![vec![all_ones(), Atom::new(Linear::new(vec![(x, 0, -1), (x, 1, -1)], 1))]]);
    let tighten = json!({
        "node": 1, "element": 0, "weight": 1, "multipliers": { "atoms": [[0, 2]], "slots": [[1, 0, 1], [3, 2, -1], [4, 1, 2]] }
    });
    let bound = json!({ "atoms": [[1, 1]], "slots": [] });
    let split = |element: u32| json!({ "split": { "node": 0, "element": element, "value": 0 } });
    let tree = json!([
        { "tighten": tighten }, split(2), { "bound": bound }, { "slack": bound }, split(0), "empty", split(1), "propagate", "enumerate"
    ]);
    let certificate = certificate(&obligation, &[tighten], tree);
    (obligation, certificate)
}

fn certificate(obligation: &Obligation, prelude: &[Value], tree: Value) -> Value {
    json!({ "version": CERTIFICATE_VERSION, "obligation": obligation.key(), "prelude": prelude, "cases": [tree] })
}

/// The places within a value: itself first.
fn places(value: &Value) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut within = |name: &str, inner: &Value| {
        all.extend(places(inner).into_iter().map(|place| format!("/{name}{place}")));
    };
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(i, item)| within(&i.to_string(), item)),
        Value::Object(fields) => fields.iter().for_each(|(name, field)| within(name, field)),
        _ => {}
    }
    all
}

/// Texts that are of no form that a place with this value has.
fn malformed(place: &str, value: &Value) -> Vec<String> {
    const NOTHING: [&str; 8] = ["null", "0.5", "-0.0", "1e2", "NaN", "Infinity", "-Infinity", "{\"a\":0}"];
    let mut texts: Vec<String> = NOTHING.map(str::to_owned).into();
    let mut add = |more: &[&str]| texts.extend(more.iter().map(|text| (*text).to_owned()));
    let object = |fields: &[(String, String)]| {
        let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{}:{value}", json!(name))).collect();
        format!("{{{}}}", fields.join(","))
    };
    let endless = "9".repeat(5000);
    match value {
        Value::Number(n) => {
            add(&["true", "false", "[]", "9223372036854775808", "-9223372036854775809", &endless]);
            add(&[&format!("{n}.0"), &format!("{n}e0"), &format!("\" {n}\""), &format!("[{n}]")]);
        }
        Value::Array(items) => {
            add(&[
                "true",
                "0",
                "\"\"",
                &format!("[{value}]"),
                &json!([&items[..], &[Value::Null]].concat()).to_string(),
            ]);
        }
        Value::Object(fields) => {
            add(&["true", "0", "\"bound\"", "[]", "[null]"]);
            let all: Vec<(String, String)> =
                fields.iter().map(|(name, value)| (name.clone(), value.to_string())).collect();
            let with = |name: &str, value: &str| object(&[&all[..], &[(name.to_owned(), value.to_owned())]].concat());
            add(&[&with("more", "0"), &with("empty", "null")]);
            for (at, (name, value)) in all.iter().enumerate() {
                let mut others = all.clone();
                others.remove(at);
                add(&[&object(&others), &with(name, value)]);
                others.push((name.to_uppercase(), value.clone()));
                add(&[&object(&others)]);
            }
        }
        Value::String(_) => add(&["true", "0", "[]", "\"\"", "\"bound\"", "\"EMPTY\""]),
        Value::Bool(_) => add(&["0", "1", "[]", "\"true\""]),
        Value::Null => {}
    }
    // Indices are neither negative, which some languages take for the end, nor beyond what there is.
    let names = ["node", "element", "version", "source", "len"];
    let (before, last) = place.rsplit_once('/').unwrap_or_default();
    let weighted = before.contains("/atoms/") && !place.starts_with("/atoms/") && last == "0";
    let of_table = before == "/assumptions" || before.starts_with("/cases/") && before.matches('/').count() == 2;
    let entry = weighted || of_table || before.contains("/slots/") && last != "2";
    if value.is_number()
        && (entry || names.contains(&last) || before.contains("/picks/") || before.contains("/windows/"))
    {
        texts.extend(["-1", "99", "4294967296"].map(str::to_owned));
    }
    texts
}

/// The value's text with another text at a place.
fn with(value: &Value, place: &str, text: &str) -> String {
    let mut value = value.clone();
    *value.pointer_mut(place).expect("a place within it") = json!("<here>");
    value.to_string().replace("\"<here>\"", text)
}

/// Lines for the second checker, and which of them it should accept.
#[derive(Default)]
struct Lines(Vec<Vec<u8>>, Vec<bool>);

impl Lines {
    fn add(&mut self, line: impl Into<Vec<u8>>, accepted: bool) {
        self.0.push(line.into());
        self.1.push(accepted);
    }

    /// A certificate, which the first checker accepts or not, as it should.
    fn both(&mut self, obligation: &Obligation, certificate: &str, accepted: bool) {
        let read = serde_json::from_str::<Certificate>(certificate);
        let ours = read.is_ok_and(|certificate| check(obligation, &certificate).is_ok());
        assert_eq!(ours, accepted, "{certificate}");
        self.add(format!("{{\"obligation\":{},\"certificate\":{certificate}}}", json!(export(obligation))), accepted);
    }

    fn check(&self) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("lines.jsonl");
        std::fs::write(&file, self.0.join(&b'\n')).expect("a temporary file");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/checker.py");
        let Ok(output) = Command::new("python3").arg(script).arg(&file).output() else {
            eprintln!("no python3 here: the second checker is not tested");
            return;
        };
        let text = String::from_utf8_lossy(&output.stdout);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(text.lines().count(), self.1.len(), "every line has a verdict: {error}");
        for ((said, accepted), line) in text.lines().zip(&self.1).zip(&self.0) {
            let line: String = String::from_utf8_lossy(line).chars().take(3000).collect();
            assert_eq!(said.ends_with(": accepted"), *accepted, "{said}\n{line}");
        }
        assert_eq!(output.status.code(), Some(1), "{error}");
    }
}

#[test]
fn what_is_not_of_the_form_is_refused() {
    let mut lines = Lines::default();
    let (obligation, sound) = sound();
    lines.both(&obligation, &sound.to_string(), true);
    for place in places(&sound) {
        for text in malformed(&place, sound.pointer(&place).expect("a place within it")) {
            lines.both(&obligation, &with(&sound, &place, &text), false);
        }
    }
    // The second checker is told the obligation, too.
    let exported = json!(export(&obligation));
    for place in places(&exported) {
        for text in malformed(&place, exported.pointer(&place).expect("a place within it")) {
            let obligation = with(&exported, &place, &text);
            lines.add(format!("{{\"obligation\":{obligation},\"certificate\":{sound}}}"), false);
        }
    }
    println!("{} lines", lines.1.len());
    lines.check();
}

/// Propagation is the same rule in both checkers, to the last unit: they agree where its bound just closes a branch, and where it just does not.
#[test]
fn both_checkers_propagate_alike() {
    let (mut lines, mut random) = (Lines::default(), Random::new(29));
    let seeds = std::env::var("QNN_PROPAGATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(1500);
    for seed in 90_000_000..90_000_000 + seeds {
        let mut obligation = random_obligation(seed, &Shape { points: 1 << 30, nodes: 12, ..Shape::default() });
        widen(&mut random, &mut obligation);
        let Some(atom) = obligation.cases.iter().flatten().next().cloned() else { continue };
        let Ok(ranges) = obligation.ranges() else { continue };
        for edge in [0, 1] {
            // The bound follows the constant, but for roundings on the way.
            let mut atom = Arc::unwrap_or_clone(atom.linear.clone());
            for _ in 0..4 {
                let shifted = Atom::new(atom.clone());
                let Propagated::Reached(reached) = propagate(&obligation.graph, &ranges, &[&shifted]) else { break };
                let Some(upper) = reached[0].upper else { break };
                atom.constant += edge - 1 - upper;
            }
            obligation.assumptions.clear();
            obligation.cases = vec![vec![Atom::new(atom)]];
            let mut tree = vec![json!("propagate")];
            if random.chance(30) {
                let node = random.below(ranges.len());
                let element = random.below(ranges[node].len());
                let range = ranges[node][element];
                let value = random.between(range.lo as i64, range.hi as i64);
                tree = vec![json!({ "split": { "node": node, "element": element, "value": value } }); 1];
                tree.extend([json!("propagate"), json!("propagate")]);
            }
            let certificate = certificate(&obligation, &[], tree.into());
            let read = serde_json::from_value::<Certificate>(certificate.clone()).expect("of the form");
            let accepted = check(&obligation, &read).is_ok();
            let line = json!({ "obligation": export(&obligation), "certificate": certificate });
            lines.add(line.to_string(), accepted);
        }
    }
    let accepted = lines.1.iter().filter(|accepted| **accepted).count();
    assert!(accepted * 3 > lines.1.len() && (lines.1.len() - accepted) * 3 > lines.1.len(), "{accepted}");
    lines.check();
}

/// Makes some inputs and steps wide, so that roundings of very many values and shifts occur.
fn widen(random: &mut Random, obligation: &mut Obligation) {
    let bits = random.below(20);
    let by = i128::from(random.between(1, 1 << bits));
    for (lo, hi) in obligation.variables.iter_mut().flat_map(|variable| &mut variable.domain) {
        (*lo, *hi) = (*lo * by as i64, *hi * by as i64);
    }
    let graph = Arc::make_mut(&mut obligation.graph);
    for node in &mut graph.nodes {
        match &mut node.op {
            Op::Step { steps: Steps::Uniform(Step::Round { lo, hi, .. }), .. } => {
                (*lo, *hi) = (*lo * by, *hi * by);
            }
            Op::Step { steps: Steps::Each(steps), .. } => {
                for step in Arc::make_mut(steps).iter_mut() {
                    if let Step::Round { lo, hi, .. } = step {
                        (*lo, *hi) = (*lo * by, *hi * by);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Fractions close what no integers close: (1, 1, 1) is an answer.
#[test]
fn no_fraction_proves_a_falsehood() {
    let mut lines = Lines::default();
    let (false_one, true_one) = (obligation(vec![vec![all_ones()]]), sound());
    let tree = |text: &str| certificate(&false_one, &[], json!("<here>")).to_string().replace("\"<here>\"", text);
    let bound = |weight: &str| format!(r#"{{"bound":{{"atoms":[[1,{weight}]],"slots":[]}}}}"#);
    let split = |value: &str| format!(r#"{{"split":{{"node":0,"element":0,"value":{value}}}}}"#);
    for weight in ["0.1", "1", "true", "-1", "1e-1", "NaN", "-Infinity", "null", "\"1\"", "[1]"] {
        lines.both(&false_one, &tree(&format!("[{}]", bound(weight))), false);
    }
    for value in ["0.5", "0", "false", "-0.5", "1e-1", "NaN", "Infinity", "null", "\"0\""] {
        let (split, bound) = (split(value), bound("1"));
        lines.both(&false_one, &tree(&format!("[{split},{bound},{bound}]")), false);
    }
    for step in ["[]", "[[]]", "[null]", "[0]", "[true]", "[{}]", "[\"bound\"]", "{}", "null", "\"empty\""] {
        lines.both(&false_one, &tree(step), false);
    }
    // Whatever a line is, those after it are read.
    for line in ["", "[", "null", "0", "\"\"", "{}", "{\"obligation\":1,\"certificate\":1}", "\u{feff}{}", "nothing"] {
        lines.add(line, false);
    }
    lines.add(*b"\"\xff\xfe\"", false);
    lines.add("[".repeat(100_000), false);
    lines.add("9".repeat(100_000), false);
    lines.both(&true_one.0, &true_one.1.to_string(), true);
    lines.check();
}
