//! Obligations as JSON, for checkers that are not part of this crate. The format is described in `docs/certificates.md`.

use crate::network::{Graph, Op, Step, Steps};
use crate::obligation::{Atom, Obligation};
use serde_json::{Value, json};

/// The obligation as JSON: nodes, domains, assumptions and cases. Integers beyond 64 bits are strings.
pub fn export(obligation: &Obligation) -> Value {
    let conjunction = |atoms: &[Atom]| -> Value { atoms.iter().map(atom).collect() };
    json!({
        "key": obligation.key(),
        "nodes": nodes(&obligation.graph),
        "domains": obligation.variables.iter().map(|v| json!([v.node.0, v.domain])).collect::<Value>(),
        "assumptions": conjunction(&obligation.assumptions),
        "cases": obligation.cases.iter().map(|case| conjunction(case)).collect::<Value>(),
    })
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

fn nodes(graph: &Graph) -> Value {
    let node = |op: &Op, len: usize| match op {
        Op::Input => json!({ "op": "input", "len": len }),
        Op::Constant(values) => json!({ "op": "constant", "values": numbers(values) }),
        Op::Affine { terms, bias } => {
            let term = |(source, matrix): &(crate::network::NodeId, std::sync::Arc<crate::network::Matrix>)| {
                let row = |r: usize| matrix.row(r).map(|(c, w)| json!([c, w])).collect::<Value>();
                json!([source.0, (0..matrix.rows()).map(row).collect::<Value>()])
            };
            json!({ "op": "affine", "bias": numbers(bias), "terms": terms.iter().map(term).collect::<Value>() })
        }
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
    };
    graph.nodes.iter().map(|n| node(&n.op, n.len)).collect()
}
