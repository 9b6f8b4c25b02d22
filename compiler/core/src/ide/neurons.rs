//! What exact intervals say of the neurons of an instance: how many are stable, and their ranges.
//!
//! In: an obligation. Out: a row for each layer that casts. Nothing is solved; the cost is that of evaluating the networks once.

use crate::check::network::table::Neurons;
use crate::check::spec::{Question, question_once};
use crate::db::{Db, ItemId};
use qnn_ir::graph::Op;
use qnn_ir::obligation::Obligation;
use qnn_ir::range::Interval;
use std::fmt::Write;
use std::sync::Arc;

/// The layers that are told of.
const MOST: usize = 16;

/// The neurons of one cast (with the ReLU or clamp before it), over all inputs that an instance speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerNeurons {
    /// `digits<6>.h`.
    pub name: Arc<str>,
    /// How many there are.
    pub neurons: usize,
    /// Those whose output is the same for all inputs.
    pub fixed: usize,
    /// Those whose output may reach an end of its range (a ReLU's zero, saturation) and may leave it: where an engine has to split.
    pub unstable: usize,
    /// What their accumulators hold: integers in units of the accumulator's last bit.
    pub accumulators: Interval,
    /// What they put out: stored integers, without the zero point.
    pub outputs: Interval,
}

/// What an instance of a property or of a maximum asks; `None` for `largest`, where each candidate asks something else, and for what is wrong.
pub fn obligation(db: &dyn Db, item: ItemId, instance: usize) -> Option<Arc<Obligation>> {
    match question_once(db, item, instance).value? {
        Question::Property(statement) => Some(statement.obligation),
        Question::Optimize(optimization) => Some(Arc::new(optimization.objective.feasible())),
        Question::OptimizeOver(_) | Question::Largest { .. } | Question::Share(_) | Question::Average(_) => None,
    }
}

/// The layers in the order in which they are computed; empty where 128 bits don't hold a range.
pub fn layers(obligation: &Obligation) -> Vec<LayerNeurons> {
    let Ok(ranges) = obligation.ranges() else { return Vec::new() };
    let graph = &obligation.graph;
    let mut layers = Vec::new();
    for id in graph.ids() {
        let node = graph.node(id);
        let Op::Step { source, steps } = &node.op else { continue };
        let (before, after) = (&ranges[source.index()], &ranges[id.index()]);
        let (Some(accumulators), Some(outputs)) = (hull(before), hull(after)) else { continue };
        let Neurons { fixed, unstable, .. } = Neurons::of(steps, after);
        layers.push(LayerNeurons {
            name: node.name.clone(),
            neurons: node.len,
            fixed,
            unstable,
            accumulators,
            outputs,
        });
    }
    layers
}

fn hull(ranges: &[Interval]) -> Option<Interval> {
    let lo = ranges.iter().map(|range| range.lo).min()?;
    Some(Interval::new(lo, ranges.iter().map(|range| range.hi).max()?))
}

/// As a table in Markdown; empty for no layers.
pub fn markdown(layers: &[LayerNeurons]) -> String {
    if layers.is_empty() {
        return String::new();
    }
    let mut text = "| layer | neurons | stable | of these fixed | unstable | accumulators | outputs |\n".to_owned();
    text.push_str("| --- | ---: | ---: | ---: | ---: | --- | --- |\n");
    for layer in layers.iter().take(MOST) {
        let LayerNeurons { name, neurons, fixed, unstable, accumulators, outputs } = layer;
        let stable = neurons - unstable;
        let range = |range: &Interval| format!("{} to {}", range.lo, range.hi);
        let (accumulators, outputs) = (range(accumulators), range(outputs));
        let _ =
            writeln!(text, "| `{name}` | {neurons} | {stable} | {fixed} | {unstable} | {accumulators} | {outputs} |");
    }
    if layers.len() > MOST {
        let _ = writeln!(text, "\n… and {} more layers.", layers.len() - MOST);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Database, Disk};
    use crate::verify::Options;
    use crate::verify::{Filter, plan};

    fn table(spec: &str) -> Vec<String> {
        let mut db = Database::new(Disk);
        let file = db.set_text(std::path::Path::new("/nowhere/neurons.qnn"), spec.into());
        let plan = plan(&db, file, &Filter::default(), &Options::default());
        let job = plan.jobs.first().expect("a job");
        let text = markdown(&layers(&obligation(&db, job.item, job.instance).expect("it is sound")));
        text.lines().skip(2).map(|row| row.split('|').skip(2).map(str::trim).collect::<Vec<_>>().join(" ; ")).collect()
    }

    /// x, −x, x + 40 and −1 through a ReLU: one crosses zero, one too, one saturates everywhere, one is zero everywhere.
    const NETWORK: &str = "
        type T = int<4>;
        network net(x: T[1]) -> int<8>[1] {
            let h = relu(dense(x, [[1], [-1], [1], [0]], [0, 0, 40, -1])) as uint<4>;
            dense(h, [[1, 1, 1, 1]], [0]) as int<8>
        }
    ";

    #[test]
    fn neurons_are_stable_where_no_end_is_reached_and_left() {
        let rows = table(&format!("{NETWORK} property p = forall x: T[1]: net(x)[0] >= 0;"));
        assert_eq!(rows, ["4 ; 2 ; 2 ; 2 ; -8 to 47 ; 0 to 15 ; ", "1 ; 1 ; 0 ; 0 ; 15 to 30 ; 15 to 30 ; "]);
    }

    #[test]
    fn a_narrower_domain_makes_them_stable() {
        let rows = table(&format!("{NETWORK} property p = forall x: T[1] where x[0] >= 2: net(x)[0] >= 0;"));
        assert_eq!(rows, ["4 ; 4 ; 3 ; 0 ; -7 to 47 ; 0 to 15 ; ", "1 ; 1 ; 0 ; 0 ; 17 to 22 ; 17 to 22 ; "]);
    }

    #[test]
    fn what_is_wrong_has_no_neurons() {
        let mut db = Database::new(Disk);
        let spec = "property p = forall x: uint<4>: nothing(x) >= 0;";
        let file = db.set_text(std::path::Path::new("/nowhere/wrong.qnn"), spec.into());
        let item = crate::db::items(&db, file)[0];
        assert!(obligation(&db, item, 0).is_none());
    }
}
