//! The check of one case's tree, in preorder; of a large one in parts, on several threads.
//!
//! In: the tree's steps and the ranges of its root. Out: the first step that does not hold, if there is one, whatever the number of threads.

use super::state::State;
use super::{Checked, STOPPED};
use crate::Step;
use crate::bound::Fault;
use crate::propagate;
use qnn_ir::interrupt::inherited;
use qnn_ir::obligation::{Atom, Obligation};
use std::sync::{Mutex, PoisonError};

/// The branches that are open at a time, on a thread, have at most this many ranges together: a tree is no reason to run out of memory.
const OPEN_RANGES: usize = 1 << 25;
/// The parts of a tree for each thread: some take longer than others of their size.
const PARTS: usize = 16;

/// A case's tree.
pub(super) struct Tree<'a> {
    pub(super) obligation: &'a Obligation,
    pub(super) atoms: &'a [&'a Atom],
    pub(super) steps: &'a [Step],
    /// Subtrees of fewer steps are not taken apart.
    pub(super) least: usize,
    /// Whether to stop.
    pub(super) stop: &'a (dyn Fn() -> bool + Sync),
}

/// A branch whose subtree is still to be checked.
struct Branch<'a> {
    state: State<'a>,
    /// The first step of its subtree.
    at: usize,
    /// How many branches wait meanwhile, in preorder.
    waiting: usize,
}

/// The step, or none for the tree as a whole, and what is wrong.
type Failure = (Option<usize>, Fault);

impl<'a> Tree<'a> {
    /// Checks the tree on some threads, from the ranges of its root.
    pub(super) fn check(&self, start: State<'a>, threads: usize, checked: &mut Checked) -> Result<(), Failure> {
        let start = Branch { state: start, at: 0, waiting: 0 };
        if threads > 1
            && self.steps.len() >= self.least
            && let Some(ends) = self.ends()
        {
            return self.check_parts(start, &ends, threads, checked);
        }
        let next = self.check_branch(start, checked)?;
        if next < self.steps.len() {
            return Err((Some(next), "The tree goes on after all branches are closed.".to_owned()));
        }
        Ok(())
    }

    /// Where each step's subtree ends; `None` unless the steps are one whole tree.
    fn ends(&self) -> Option<Vec<usize>> {
        let mut ends = vec![0; self.steps.len()];
        // From the last step on: the subtrees that follow are whole.
        for (at, step) in self.steps.iter().enumerate().rev() {
            let end = |at: usize| ends.get(at).copied();
            ends[at] = match step {
                Step::Bound(_) | Step::Empty | Step::Enumerate | Step::Propagate => at + 1,
                Step::Tighten(_) | Step::Slack(_) => end(at + 1)?,
                Step::Split { .. } => end(end(at + 1)?)?,
            };
        }
        (ends.first() == Some(&self.steps.len())).then_some(ends)
    }

    /// Checks a whole tree in parts on some threads.
    fn check_parts(
        &self,
        start: Branch<'a>,
        ends: &[usize],
        threads: usize,
        checked: &mut Checked,
    ) -> Result<(), Failure> {
        let size = |branch: &Branch<'_>| ends[branch.at] - branch.at;
        let mut parts = vec![start];
        let mut failures: Vec<Failure> = Vec::new();
        // The largest part is taken apart until all are small, or something is wrong.
        while failures.is_empty() && parts.len() < threads * PARTS {
            let Some(largest) = (0..parts.len()).max_by_key(|part| size(&parts[*part])) else { break };
            if size(&parts[largest]) < self.least {
                break;
            }
            let branch = parts.swap_remove(largest);
            let (at, waiting) = (branch.at, branch.waiting);
            match self.step(branch, checked) {
                Ok(Next::Closed) => {}
                Ok(Next::One(state)) => parts.push(Branch { state, at: at + 1, waiting }),
                Ok(Next::Two(below, above)) => {
                    parts.push(Branch { state: below, at: at + 1, waiting: waiting + 1 });
                    parts.push(Branch { state: above, at: ends[at + 1], waiting });
                }
                Err(failure) => failures.push(failure),
            }
        }
        // The largest part is taken first, so that threads end at about the same time.
        parts.sort_by_key(size);
        let parts = Mutex::new(parts);
        let work = || {
            let (mut checked, mut failures) = (Checked::default(), Vec::new());
            loop {
                let part = parts.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let Some(part) = part else { return (checked, failures) };
                failures.extend(self.check_branch(part, &mut checked).err());
            }
        };
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads)
                .map(|_| {
                    let inherited = inherited();
                    scope.spawn(move || inherited.run(work).unwrap_or_else(|interrupted| interrupted.unwind()))
                })
                .collect();
            let mut done = vec![work()];
            for other in others {
                done.push(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            for (own, failed) in done {
                checked.add(&own);
                failures.extend(failed);
            }
        });
        failures.into_iter().min().map_or(Ok(()), Err)
    }

    /// Checks a branch; the step after its subtree.
    fn check_branch(&self, branch: Branch<'a>, checked: &mut Checked) -> Result<usize, Failure> {
        let (mut at, waiting) = (branch.at, branch.waiting);
        let mut open = vec![branch.state];
        while let Some(state) = open.pop() {
            let waiting = waiting + open.len();
            match self.step(Branch { state, at, waiting }, checked)? {
                Next::Closed => {}
                Next::One(state) => open.push(state),
                Next::Two(below, above) => open.extend([above, below]),
            }
            at += 1;
        }
        Ok(at)
    }

    /// Checks a branch's first step.
    fn step(&self, branch: Branch<'a>, checked: &mut Checked) -> Result<Next<'a>, Failure> {
        let Branch { mut state, at, waiting } = branch;
        if (self.stop)() {
            return Err((None, STOPPED.to_owned()));
        }
        let step = self.steps.get(at).ok_or((None, "The tree ends before all branches are closed.".to_owned()))?;
        let fail = |reason: Fault| (Some(at), reason);
        match step {
            Step::Bound(multipliers) => {
                checked.bounds += 1;
                if !state.empty && state.weighted(self.atoms, multipliers, None, |_| ()).map_err(fail)? >= 0 {
                    return Err(fail("The bound is not negative.".to_owned()));
                }
                Ok(Next::Closed)
            }
            Step::Empty => {
                checked.empty += 1;
                if !state.empty {
                    return Err(fail("No range is empty.".to_owned()));
                }
                Ok(Next::Closed)
            }
            Step::Enumerate => {
                if !state.empty {
                    let cases = [self.atoms.to_vec()];
                    checked.points += state.enumerate(self.obligation, &cases, self.stop).map_err(fail)?;
                }
                Ok(Next::Closed)
            }
            Step::Propagate => {
                checked.propagated += 1;
                if !state.empty && !propagate(state.graph, &state.ranges, self.atoms).is_closed() {
                    return Err(fail("Propagation does not close the branch.".to_owned()));
                }
                Ok(Next::Closed)
            }
            Step::Split { node, element, value } => {
                checked.splits += 1;
                let ranges: usize = self.obligation.graph.nodes.iter().map(|node| node.len).sum();
                if waiting.saturating_mul(ranges) > OPEN_RANGES {
                    return Err(fail("Too many branches are open.".to_owned()));
                }
                let id = state.element(*node, *element).map_err(fail)?;
                let mut above = state.clone();
                let split = i128::from(*value);
                above.narrow(id, *element as usize, Some(split + 1), None).map_err(fail)?;
                state.narrow(id, *element as usize, None, Some(split)).map_err(fail)?;
                Ok(Next::Two(state, above))
            }
            Step::Tighten(tighten) => {
                checked.narrowed += 1;
                state.tighten(tighten, self.atoms).map_err(fail)?;
                Ok(Next::One(state))
            }
            Step::Slack(multipliers) => {
                checked.narrowed += 1;
                state.slack(self.atoms, multipliers).map_err(fail)?;
                Ok(Next::One(state))
            }
        }
    }
}

/// What is left of a branch after a step.
enum Next<'a> {
    Closed,
    One(State<'a>),
    /// Below and above a split.
    Two(State<'a>, State<'a>),
}
