//! Obligations as JSON, for checkers that are not part of this crate. The format is described in `docs/certificates.md`.

use qnn_ir::interrupt::work;
use qnn_ir::obligation::{Atom, Obligation};
use qnn_ir::{Matrix, NodeId, Op, Step, Steps};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use std::sync::Arc;

/// An obligation that is written as JSON: nodes, domains, atoms, and assumptions and cases as indices of atoms. Integers beyond 64 bits are strings.
/// It is written piece by piece: its text, which may be much larger than itself, is never held.
pub struct Export<'a>(&'a Obligation);

/// The obligation, to be written as JSON.
pub fn export(obligation: &Obligation) -> Export<'_> {
    Export(obligation)
}

impl Serialize for Export<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Export(obligation) = self;
        let table = obligation.table();
        let domains: Vec<_> = obligation.variables.iter().map(|v| (v.node.0, &v.domain)).collect();
        let mut map = serializer.serialize_map(Some(6))?;
        map.serialize_entry("key", &obligation.key())?;
        map.serialize_entry("nodes", &Each(|| obligation.graph.nodes.iter().map(|node| NodeText(&node.op, node.len))))?;
        map.serialize_entry("domains", &domains)?;
        map.serialize_entry("atoms", &Each(|| table.atoms.iter().map(|a| atom(a))))?;
        map.serialize_entry("assumptions", &table.assumptions)?;
        map.serialize_entry("cases", &table.cases)?;
        map.end()
    }
}

/// A list whose elements are made one after the other.
struct Each<F>(F);

impl<F: Fn() -> I, I: Iterator<Item: Serialize>> Serialize for Each<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

/// A node, whose rows of weights are written one after the other.
struct NodeText<'a>(&'a Op, usize);

impl Serialize for NodeText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let NodeText(Op::Affine { terms, bias }, _) = self else { return node(self.0, self.1).serialize(serializer) };
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("op", "affine")?;
        map.serialize_entry("bias", &numbers(bias))?;
        let term = |(source, matrix): &'_ (NodeId, Arc<Matrix>)| {
            let (source, matrix) = (source.0, matrix.clone());
            (source, Each(move || Rows(matrix.clone(), 0)))
        };
        map.serialize_entry("terms", &Each(|| terms.iter().map(term)))?;
        map.end()
    }
}

/// A matrix's rows from one on.
struct Rows(Arc<Matrix>, usize);

impl Iterator for Rows {
    type Item = Vec<(usize, i64)>;

    fn next(&mut self) -> Option<Vec<(usize, i64)>> {
        (self.1 < self.0.rows()).then(|| {
            self.1 += 1;
            work(self.0.entries(self.1 - 1));
            self.0.row(self.1 - 1).collect()
        })
    }
}

fn number(n: i128) -> Value {
    i64::try_from(n).map_or_else(|_| json!(n.to_string()), |n| json!(n))
}

fn numbers(values: &[i128]) -> Value {
    values.iter().map(|n| number(*n)).collect()
}

fn atom(atom: &Atom) -> Value {
    let terms: Value =
        atom.linear.terms.iter().map(|(node, element, factor)| json!([node.0, element, number(*factor)])).collect();
    json!([number(atom.linear.constant), terms])
}

fn step(step: &Step) -> Value {
    match step {
        Step::Round { numerator, denominator, offset, mode, lo, hi } => json!({
            "numerator": number(*numerator), "denominator": number(*denominator), "offset": number(*offset),
            "mode": format!("{mode:?}"), "lo": number(*lo), "hi": number(*hi),
        }),
        Step::Table { lo, thresholds } => json!({ "lo": number(*lo), "thresholds": numbers(thresholds) }),
    }
}

fn node(op: &Op, len: usize) -> Value {
    match op {
        Op::Input => json!({ "op": "input", "len": len }),
        Op::Constant(values) => json!({ "op": "constant", "values": numbers(values) }),
        Op::Affine { .. } => unreachable!("affine nodes are written row by row"),
        Op::Step { source, steps } => {
            let each: Value = match steps {
                Steps::Uniform(uniform) => vec![step(uniform)].into(),
                Steps::Each(each) => each.iter().map(step).collect(),
            };
            json!({ "op": "step", "source": source.0, "len": len, "steps": each })
        }
        Op::Wrap { source, width, signed } => {
            json!({ "op": "wrap", "source": source.0, "len": len, "width": width, "signed": signed })
        }
        Op::Max { source, windows } => json!({ "op": "max", "source": source.0, "windows": windows }),
        Op::Gather { picks } => {
            json!({ "op": "gather", "picks": picks.iter().map(|(n, i)| json!([n.0, i])).collect::<Value>() })
        }
    }
}
