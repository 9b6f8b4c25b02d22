//! The relaxations that several obligations of one graph share.

use super::Relaxation;
use qnn_ir::Graph;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The relaxations of the graphs that were searched last: most graphs have several obligations. Clones share them.
#[derive(Clone, Default)]
pub struct RelaxationCache(Arc<Mutex<Vec<CachedRelaxation>>>);

/// A graph, for as long as it lives, and its relaxation.
type CachedRelaxation = (Weak<Graph>, Arc<Relaxation>);

/// How many relaxations are kept.
const KEPT: usize = 4;

impl RelaxationCache {
    /// The graph's relaxation; `None` where a number is too large for it.
    pub(crate) fn of(&self, graph: &Arc<Graph>) -> Option<Arc<Relaxation>> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = |(other, _): &&CachedRelaxation| std::ptr::eq(other.as_ptr(), Arc::as_ptr(graph));
        if let Some((_, relaxation)) = lock().iter().find(known) {
            return Some(relaxation.clone());
        }
        let relaxation = Arc::new(Relaxation::new(graph)?);
        let mut kept = lock();
        kept.retain(|(graph, _)| graph.strong_count() > 0);
        kept.truncate(KEPT - 1);
        kept.insert(0, (Arc::downgrade(graph), relaxation.clone()));
        Some(relaxation)
    }
}

impl std::fmt::Debug for RelaxationCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RelaxationCache(…)")
    }
}
