//! The networks of a spec for a view of their layers, and what the layers hold over the inputs that an instance of a property speaks of.
//!
//! In: a file, the name of a network with its integers, the name of an instance. Out: networks, and ranges of their nodes. Nothing is solved.

use super::networks::{instances, signature};
use super::neurons::obligation;
use crate::check::network::Network;
use crate::check::spec::{question_once, shown_calls};
use crate::db::{Db, ItemId, SourceFile, items, tree};
use crate::verify::{Filter, Job, Options, plan};
use qnn_ir::Interval;
use qnn_syntax::walk;
use std::sync::Arc;

/// The most instances of properties that are offered.
const MOST_INSTANCES: usize = 300;

/// A network of a spec with its integers known.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its item.
    pub item: ItemId,
    /// The network.
    pub network: Arc<Network>,
}

/// The networks of a file in the order of its text; generic ones as its properties use them.
pub fn networks(db: &dyn Db, file: SourceFile) -> Vec<Found> {
    let of = |item: &ItemId| {
        let item = *item;
        instances(db, item, file).into_iter().map(move |network| Found { item, network })
    };
    items(db, file).iter().flat_map(of).collect()
}

/// `(image: ufixed<8, 3>[8, 8]) -> fixed<6, 3>[10]`.
pub fn signature_of(db: &dyn Db, network: &Network) -> String {
    signature(db, network)
}

/// The instances of properties that name a network, in the order of the text; not more than a few hundred.
pub fn users(db: &dyn Db, file: SourceFile, network: ItemId) -> Vec<Job> {
    let name = network.name(db);
    let names = |item: ItemId| {
        tree(db, item)
            .as_deref()
            .is_some_and(|found| walk::mentions(found).iter().any(|(mentioned, _)| *mentioned.text == *name))
    };
    let mut last = None;
    let mut used = move |item: ItemId| match last {
        Some((known, answer)) if known == item => answer,
        _ => {
            let answer = names(item);
            last = Some((item, answer));
            answer
        }
    };
    let all = plan(db, file, &Filter::default(), &Options::default()).jobs;
    all.into_iter().filter(|job| used(job.item)).take(MOST_INSTANCES).collect()
}

/// The ranges of a network's nodes over the inputs that an instance speaks of; `None` where it does not apply the network, or what it asks is no one question.
///
/// Where it applies the network several times, that with the widest inputs counts.
pub fn within(db: &dyn Db, network: &Network, job: &Job) -> Option<Vec<Vec<Interval>>> {
    let asked = obligation(db, job.item, job.instance)?;
    let question = question_once(db, job.item, job.instance).value?;
    let ranges = asked.ranges().ok()?;
    let width = |inputs: &Vec<Vec<Interval>>| {
        inputs
            .iter()
            .flatten()
            .map(|range| range.hi.saturating_sub(range.lo).unsigned_abs())
            .fold(0, u128::saturating_add)
    };
    let calls = shown_calls(db, job.item, job.instance, &question);
    let own = calls
        .iter()
        .filter(|call| Arc::ptr_eq(&call.network.graph, &network.graph) || call.network.name == network.name);
    let boxes = own.filter_map(|call| {
        let inputs = call.inputs.iter().map(|node| ranges.get(node.index()).cloned());
        let inputs = inputs.collect::<Option<Vec<_>>>()?;
        let fits = inputs.len() == network.inputs.len()
            && inputs.iter().zip(&network.inputs).all(|(range, port)| range.len() == network.graph.len(port.node));
        fits.then_some(inputs)
    });
    let inputs = boxes.max_by_key(width)?;
    qnn_ir::range::ranges(&network.graph, &inputs).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::network::table::{Source, reach, rows};
    use crate::db::{Database, Disk};

    const SPEC: &str = "
        type T = int<4>;
        network net(x: T[1]) -> int<8>[1] {
            let h = relu(dense(x, [[1], [-1], [1], [0]], [0, 0, 40, -1])) as uint<4>;
            dense(h, [[1, 1, 1, 1]], [0]) as int<8>
        }
        property p = forall x: T[1] where x[0] >= 2: net(x)[0] >= 0;
        property q = forall x: T[1]: x[0] >= -8;
    ";

    #[test]
    fn a_table_says_what_is_read_and_what_neurons_reach() {
        let mut db = Database::new(Disk);
        let file = db.set_text(std::path::Path::new("/nowhere/layers.qnn"), SPEC.into());
        let found = networks(&db, file);
        let [Found { item, network }] = found.as_slice() else { panic!("one network") };
        let rows = rows(network);
        let reads: Vec<_> = rows.iter().map(|row| (row.layer.operation.as_str(), row.reads.clone())).collect();
        assert_eq!(
            reads,
            [
                ("dense 1 → 4", vec![Source::Input(0)]),
                ("relu", vec![Source::Layer(0)]),
                ("as uint<4>", vec![Source::Layer(1)]),
                ("dense 4 → 1", vec![Source::Layer(2)]),
                ("as int<8>", vec![Source::Layer(3)]),
            ]
        );
        let neurons = rows[2].reach.neurons.expect("it rounds");
        assert_eq!(
            (neurons.all, neurons.fixed, neurons.at_least, neurons.at_greatest, neurons.unstable),
            (4, 2, 2, 0, 2)
        );
        assert_eq!(rows[2].reach.accumulator, Some(Interval::new(-8, 47)));

        let users = users(&db, file, *item);
        assert_eq!(users.iter().map(|job| job.name.as_str()).collect::<Vec<_>>(), ["p"]);
        let ranges = within(&db, network, &users[0]).expect("it applies the network");
        let narrow = reach(network, rows[2].layer, &ranges);
        assert_eq!(narrow.neurons.map(|n| (n.fixed, n.unstable)), Some((3, 0)));
        assert_eq!(narrow.accumulator, Some(Interval::new(-7, 47)));
        let all = plan(&db, file, &Filter::default(), &Options::default()).jobs;
        assert!(within(&db, network, &all[1]).is_none());
    }
}
