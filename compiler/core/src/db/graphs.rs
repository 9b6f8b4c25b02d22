//! Graphs that are shared: equal ones are one allocation, for as long as it is in use.

use qnn_ir::Graph;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};

/// The graphs that are in use, by their hash, names included.
#[derive(Default)]
pub(super) struct Graphs {
    known: HashMap<blake3::Hash, Weak<Graph>>,
    /// The last few are held here, so that they outlive the moments between two instances.
    recent: VecDeque<Arc<Graph>>,
    /// At this many, those that are no longer in use are forgotten.
    sweep_at: usize,
}

/// How many graphs are held although nothing else holds them.
const RECENT_GRAPHS: usize = 16;

impl Graphs {
    pub(super) fn shared(&mut self, graph: Graph) -> Arc<Graph> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(graph.digest());
        for node in &graph.nodes {
            hasher.update(&(node.name.len() as u64).to_le_bytes()).update(node.name.as_bytes());
        }
        let key = hasher.finalize();
        if let Some(known) = self.known.get(&key).and_then(Weak::upgrade) {
            return known;
        }
        if self.known.len() >= self.sweep_at {
            self.known.retain(|_, graph| graph.strong_count() > 0);
            self.sweep_at = 2 * self.known.len() + RECENT_GRAPHS;
        }
        let graph = Arc::new(graph);
        self.known.insert(key, Arc::downgrade(&graph));
        self.recent.truncate(RECENT_GRAPHS - 1);
        self.recent.push_front(graph.clone());
        graph
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Database, Db, Disk};
    use super::*;
    use qnn_ir::Op;

    fn graph(constant: i128, name: &str) -> Graph {
        let mut graph = Graph::new();
        graph.push(name, Op::Constant(Arc::new([constant])));
        graph
    }

    #[test]
    fn equal_graphs_are_one() {
        let db = Database::new(Disk);
        let first = db.shared(graph(1, "a"));
        assert!(Arc::ptr_eq(&first, &db.clone().shared(graph(1, "a"))));
        assert_eq!(*first.digest(), *graph(1, "b").digest());
        assert!(!Arc::ptr_eq(&first, &db.shared(graph(1, "b"))), "names are shown");
        assert!(!Arc::ptr_eq(&first, &db.shared(graph(2, "a"))));
    }

    #[test]
    fn graphs_that_nobody_holds_are_forgotten() {
        let db = Database::new(Disk);
        let held = db.shared(graph(-1, "a"));
        for constant in 0..1000 {
            db.shared(graph(constant, "a"));
        }
        let graphs = db.graphs.lock().unwrap();
        assert!(graphs.known.len() <= 4 * RECENT_GRAPHS, "{}", graphs.known.len());
        assert_eq!(graphs.known.values().filter(|graph| graph.strong_count() > 0).count(), RECENT_GRAPHS + 1);
        drop(graphs);
        assert!(Arc::ptr_eq(&held, &db.shared(graph(-1, "a"))));
    }
}
