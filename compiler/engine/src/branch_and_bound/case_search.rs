//! Branch and bound on one case: the integer values of columns, with warm-started bounds, until each branch is closed.
//!
//! In: a case. Out: its tree for the certificate, or a point that meets all atoms. The worker on this thread and those on cores that are spare or lent
//! share a [`SearchTree`].

use super::case::Case;
use super::node_queue::OpenNode;
use super::parameters::{LENDS, LONG, SOON};
use super::search_tree::{CaseOutcome, SearchTree};
use super::worker::Worker;
use crate::Core;
use qnn_ir::interrupt::{Interrupted, inherited};
use std::cell::Cell;
use std::sync::atomic::{self, AtomicBool};
use std::sync::{Condvar, Mutex, PoisonError};

impl Case<'_> {
    /// Searches until all branches are closed, or a point is found, or there is a reason to stop. The tree is then complete: a search
    /// may go on from it, with another threshold in the objective's atom if a greater one.
    pub fn search(&self, mut search_tree: SearchTree) -> (CaseOutcome, SearchTree) {
        // A higher threshold may exclude them.
        let near_misses = std::mem::take(&mut search_tree.near_misses);
        search_tree.open.extend(near_misses.into_iter().map(OpenNode));
        let learned = std::mem::take(&mut search_tree.learned);
        let branches = search_tree.effort.branches;
        let mut worker = Worker::new(self, learned.clone(), branches, 0);
        let shared = (Mutex::new(search_tree), Condvar::new());
        let (inherited, interrupted) = (inherited(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let workers = Cell::new(1);
            let join = |core: Option<Core>| {
                let who = workers.replace(workers.get() + 1);
                let (shared, learned) = (&shared, learned.clone());
                let (inherited, interrupted) = (inherited.clone(), &interrupted);
                scope.spawn(move || {
                    let work = || Worker::new(self, learned, branches, who).work(shared, &|| {}, core.as_ref());
                    interrupted.fetch_or(inherited.run(work).is_err(), atomic::Ordering::Relaxed);
                });
            };
            let helped = Cell::new(false);
            // Spare cores join once there are branches to share; in a long search a lent core joins, too.
            let recruit = || {
                if let Some(core) = self.control.spare.take() {
                    join(Some(core));
                    return;
                }
                let (spent, left) = self.time();
                if helped.get() || spent < LONG || left > SOON {
                    return;
                }
                if let Some(request) = self.helpers.request() {
                    if request.is_granted() {
                        helped.set(true);
                        join(None);
                    }
                } else if !self.helpers.request_core(&self.control.spare) && spent > left / LENDS {
                    // Two long searches side by side would both take long: one after the other, each has both cores.
                    self.control.clock.pause(|| self.control.spare.lend(&self.control.cancel));
                }
            };
            worker.work(&shared, &recruit, None);
        });
        if interrupted.into_inner() {
            // The interrupted worker's branch is lost, so that the tree is not complete.
            Interrupted.unwind();
        }
        let mut search_tree = shared.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        worker.learn_from(&search_tree);
        search_tree.gains.clear();
        search_tree.learned = worker.learned;
        let found = search_tree.ended.take().unwrap_or(CaseOutcome::Closed);
        (found, search_tree)
    }
}
