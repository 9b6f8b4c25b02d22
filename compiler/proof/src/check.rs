//! The checker: walks a certificate's trees with the ranges that each step leaves.
//!
//! In: an obligation and a certificate. Out: what was checked, or the first step that does not hold. Invariant: whatever the
//! certificate says, an accepted one is about an obligation without an answer; a certificate can only be useless, never harmful.

use super::bound::{self, Fault, Term, bound};
use super::{CERTIFICATE_VERSION, Certificate, Multipliers, Step, Tighten};
use num_integer::Integer;
use qnn_ir::interrupt::{inherited, work};
use qnn_ir::obligation::{Atom, Obligation};
use qnn_ir::range::node_ranges;
use qnn_ir::{Graph, Interpreter, Interval, NodeId, Op};
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// At most this many inputs are evaluated for one [`Step::Enumerate`].
const POINTS: i128 = 1 << 20;
/// Whether to stop is asked after so many elements were evaluated.
const QUESTION: usize = 1 << 16;
/// The branches that are open at a time, on a thread, have at most this many ranges together: a tree is no reason to run out of memory.
const OPEN_RANGES: usize = 1 << 25;

/// A part of fewer steps is not worth another thread's start.
const MANY: usize = 128;
/// The parts of a tree for each thread: some take longer than others of their size.
const PARTS: usize = 16;
/// What is wrong with a certificate that nobody wants checked any more.
const STOPPED: &str = "The check was stopped.";

/// What an accepted certificate consists of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Branches closed by a bound.
    pub bounds: u64,
    /// Branches closed by an empty range.
    pub empty: u64,
    /// Inputs evaluated one by one.
    pub points: u64,
    /// Splits.
    pub splits: u64,
    /// Ranges narrowed, by a bound or by slack.
    pub narrowed: u64,
}

impl Checked {
    fn add(&mut self, other: &Checked) {
        self.bounds += other.bounds;
        self.empty += other.empty;
        self.points += other.points;
        self.splits += other.splits;
        self.narrowed += other.narrowed;
    }
}

/// Why a certificate is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The case whose tree is wrong; `None` for the certificate as a whole.
    pub case: Option<usize>,
    /// The step in the case's tree or in the prelude.
    pub step: Option<usize>,
    /// What is wrong, as a sentence.
    pub reason: String,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.case, self.step) {
            (Some(case), Some(step)) => write!(f, "case {case}, step {step}: {}", self.reason),
            (Some(case), None) => write!(f, "case {case}: {}", self.reason),
            (None, Some(step)) => write!(f, "prelude, step {step}: {}", self.reason),
            (None, None) => f.write_str(&self.reason),
        }
    }
}

impl std::error::Error for Rejection {}

/// Accepts the certificate if it proves that the obligation has no answer.
///
/// # Errors
/// [`Rejection`] with the first step that does not hold.
pub fn check(obligation: &Obligation, certificate: &Certificate) -> Result<Checked, Rejection> {
    check_in_parts(obligation, certificate, 1, MANY, &|| false)
}

/// The same on some threads, with the same result; `None` if `stop` says that it is no longer wanted before it is known.
///
/// # Errors
/// [`Rejection`] with the first step that does not hold.
pub fn check_until(
    obligation: &Obligation,
    certificate: &Certificate,
    threads: usize,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Option<Checked>, Rejection> {
    match check_in_parts(obligation, certificate, threads, MANY, stop) {
        Err(_) if stop() => Ok(None),
        result => result.map(Some),
    }
}

/// The same; trees of fewer steps than `least` are not taken apart. Once `stop` holds there is an error.
///
/// # Errors
/// [`Rejection`] with the first step that does not hold, or because of `stop`.
#[doc(hidden)]
pub fn check_in_parts(
    obligation: &Obligation,
    certificate: &Certificate,
    threads: usize,
    least: usize,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Checked, Rejection> {
    let whole = |reason: &str| Rejection { case: None, step: None, reason: reason.to_owned() };
    if certificate.version != CERTIFICATE_VERSION {
        return Err(whole("The certificate is of another version."));
    }
    if certificate.obligation != obligation.key() {
        return Err(whole("The certificate is about another obligation."));
    }
    if certificate.cases.len() != obligation.cases.len() {
        return Err(whole("The certificate does not have a tree for each case."));
    }
    let ranges = obligation.ranges().map_err(|_| whole("The obligation's ranges leave 128 bits."))?;
    let mut checked = Checked::default();
    let mut start = State { graph: &obligation.graph, ranges, empty: false };
    let assumptions: Vec<&Atom> = obligation.assumptions.iter().collect();
    for (step, tighten) in certificate.prelude.iter().enumerate() {
        if stop() {
            return Err(whole(STOPPED));
        }
        start.tighten(tighten, &assumptions).map_err(|reason| Rejection { case: None, step: Some(step), reason })?;
        checked.narrowed += 1;
    }
    // Cases whose inputs are evaluated one by one from the start share the evaluations.
    let listed = |case: &usize| certificate.cases[*case] == [Step::Enumerate];
    let together: Vec<usize> = (0..certificate.cases.len()).filter(listed).collect();
    if let [first, _, ..] = together[..]
        && !start.empty
    {
        let cases: Vec<Vec<&Atom>> = (together.iter())
            .map(|case| assumptions.iter().copied().chain(&obligation.cases[*case]).collect())
            .collect();
        let fail = |reason| Rejection { case: Some(first), step: Some(0), reason };
        checked.points += start.enumerate(obligation, &cases, stop).map_err(fail)?;
    }
    for (case, steps) in certificate.cases.iter().enumerate() {
        if together.len() > 1 && !start.empty && listed(&case) {
            continue;
        }
        let mut atoms = assumptions.clone();
        atoms.extend(&obligation.cases[case]);
        let tree = Tree { obligation, atoms: &atoms, steps, least, stop };
        tree.check(start.clone(), threads, &mut checked).map_err(|(step, reason)| Rejection {
            case: Some(case),
            step,
            reason,
        })?;
    }
    Ok(checked)
}

/// A case's tree.
struct Tree<'a> {
    obligation: &'a Obligation,
    atoms: &'a [&'a Atom],
    steps: &'a [Step],
    /// Subtrees of fewer steps are not taken apart.
    least: usize,
    /// Whether nobody wants to know any more.
    stop: &'a (dyn Fn() -> bool + Sync),
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
    fn check(&self, start: State<'a>, threads: usize, checked: &mut Checked) -> Result<(), Failure> {
        let start = Branch { state: start, at: 0, waiting: 0 };
        if threads > 1
            && self.steps.len() >= self.least
            && let Some(ends) = self.ends()
        {
            return self.check_parts(start, &ends, threads, checked);
        }
        let next = self.walk(start, checked)?;
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
                Step::Bound(_) | Step::Empty | Step::Enumerate => at + 1,
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
        // Large ones first: who comes last has a small one.
        parts.sort_by_key(size);
        let parts = Mutex::new(parts);
        let work = || {
            let (mut checked, mut failures) = (Checked::default(), Vec::new());
            loop {
                let part = parts.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let Some(part) = part else { return (checked, failures) };
                failures.extend(self.walk(part, &mut checked).err());
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
    fn walk(&self, branch: Branch<'a>, checked: &mut Checked) -> Result<usize, Failure> {
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

/// The ranges of all elements in a branch.
#[derive(Clone)]
struct State<'a> {
    graph: &'a Graph,
    ranges: Vec<Vec<Interval>>,
    /// A range is empty: there is nothing left in this branch.
    empty: bool,
}

impl State<'_> {
    /// The node's id, if it has such an element.
    fn element(&self, node: u32, element: u32) -> Result<NodeId, Fault> {
        match self.ranges.get(node as usize) {
            Some(elements) if (element as usize) < elements.len() => Ok(NodeId(node)),
            _ => Err(format!("Node {node} has no element {element}.")),
        }
    }

    /// The bound of the weighted atoms, plus an element if there is one.
    fn weighted(
        &self,
        atoms: &[&Atom],
        multipliers: &Multipliers,
        element: Option<(NodeId, usize, i128)>,
        on_term: impl FnMut(Term),
    ) -> Result<i128, Fault> {
        let mut form: Vec<(NodeId, usize, i128)> = element.into_iter().collect();
        let mut constant = 0;
        for (atom, weight) in &multipliers.atoms {
            let atom = atoms.get(*atom as usize).ok_or("A weight for an atom that does not exist.")?;
            let weight = i128::from(*weight);
            if weight < 0 {
                return Err("A negative weight.".to_owned());
            }
            for (node, element, factor) in &atom.linear.terms {
                form.push((*node, *element as usize, bound::product(*factor, weight)?));
            }
            constant = bound::sum(constant, bound::product(atom.linear.constant, weight)?)?;
        }
        bound(self.graph, &self.ranges, &form, constant, multipliers, on_term)
    }

    fn tighten(&mut self, tighten: &Tighten, atoms: &[&Atom]) -> Result<(), Fault> {
        let id = self.element(tighten.node, tighten.element)?;
        if self.empty {
            return Ok(());
        }
        let (element, weight) = (tighten.element as usize, i128::from(tighten.weight));
        if weight == 0 {
            return Err("A weight of zero.".to_owned());
        }
        let value = self.weighted(atoms, &tighten.multipliers, Some((id, element, weight)), |_| ())?;
        // Divided by -1, the least number of 128 bits is none.
        bound::magnitude(value)?;
        if weight > 0 {
            self.narrow(id, element, None, Some(Integer::div_floor(&value, &weight)))
        } else {
            self.narrow(id, element, Some(Integer::div_ceil(&value, &weight)), None)
        }
    }

    /// The weighted atoms are at least zero and at most D. An element whose term is d below its share lowers the bound
    /// by d; with d > D nothing is left.
    fn slack(&mut self, atoms: &[&Atom], multipliers: &Multipliers) -> Result<(), Fault> {
        if self.empty {
            return Ok(());
        }
        let mut terms = Vec::new();
        let most = self.weighted(atoms, multipliers, None, |term| terms.push(term))?;
        if most < 0 {
            self.empty = true;
            return Ok(());
        }
        let mut news = Vec::new();
        for term in &terms {
            let range = self.ranges[term.node.index()][term.element];
            if range.is_point() {
                continue;
            }
            let new = match &self.graph.node(term.node).op {
                Op::Input => {
                    let far = most / bound::magnitude(term.coefficient)?;
                    if term.coefficient > 0 {
                        Interval { lo: range.lo.max(range.hi.saturating_sub(far)), hi: range.hi }
                    } else {
                        Interval { lo: range.lo, hi: range.hi.min(range.lo.saturating_add(far)) }
                    }
                }
                Op::Step { source, steps } => {
                    let (step, a) = (steps.at(term.element), self.ranges[source.index()][term.element]);
                    let least = bound::sum(term.share, -most)?;
                    let possible = |v: i128| -> Result<bool, Fault> {
                        let best = bound::value_maximum(step, term.coefficient, term.multiplier, v, a)?;
                        Ok(best.is_some_and(|best| best >= least))
                    };
                    let (mut first, mut last) = bound::values(step, range, a)?;
                    if last - first > bound::VALUES {
                        continue;
                    }
                    while first < last && !possible(first)? {
                        first += 1;
                    }
                    while first < last && !possible(last)? {
                        last -= 1;
                    }
                    Interval { lo: first, hi: last }
                }
                _ => range,
            };
            if new != range {
                news.push((term.node, term.element, new));
            }
        }
        for (id, element, new) in &news {
            self.ranges[id.index()][*element] = *new;
        }
        let changed: Vec<NodeId> = news.iter().map(|(id, _, _)| *id).collect();
        self.contract(&changed)
    }

    /// Narrows an element's range, and what follows from it.
    fn narrow(&mut self, id: NodeId, element: usize, lo: Option<i128>, hi: Option<i128>) -> Result<(), Fault> {
        let range = &mut self.ranges[id.index()][element];
        let new = Interval { lo: range.lo.max(lo.unwrap_or(range.lo)), hi: range.hi.min(hi.unwrap_or(range.hi)) };
        if new.lo > new.hi {
            self.empty = true;
        }
        if self.empty || new == *range {
            return Ok(());
        }
        *range = new;
        self.contract(&[id])
    }

    /// What narrower ranges of some nodes say about others: once backwards through steps, maxima and picks, then once forwards.
    fn contract(&mut self, changed: &[NodeId]) -> Result<(), Fault> {
        let mut dirty = vec![false; self.graph.nodes.len()];
        changed.iter().for_each(|id| dirty[id.index()] = true);
        for id in self.graph.ids().rev() {
            if !dirty[id.index()] {
                continue;
            }
            match &self.graph.node(id).op {
                Op::Step { source, steps } => {
                    for element in 0..self.graph.len(id) {
                        let (y, step) = (self.ranges[id.index()][element], steps.at(element));
                        if y.lo > step.hi() || y.hi < step.lo() {
                            self.empty = true;
                            return Ok(());
                        }
                        let threshold = |v| step.threshold(v).ok_or_else(bound::too_large);
                        let lo = if y.lo > step.lo() { threshold(y.lo)? } else { i128::MIN };
                        let hi = if y.hi < step.hi() { threshold(y.hi + 1)?.saturating_sub(1) } else { i128::MAX };
                        self.meet(*source, element, Interval { lo, hi }, &mut dirty);
                    }
                }
                Op::Max { source, windows } => {
                    for (element, window) in windows.iter().enumerate() {
                        let hi = self.ranges[id.index()][element].hi;
                        for i in window.iter() {
                            self.meet(*source, *i as usize, Interval { lo: i128::MIN, hi }, &mut dirty);
                        }
                    }
                }
                Op::Gather { picks } => {
                    for (element, (source, i)) in picks.iter().enumerate() {
                        self.meet(*source, *i as usize, self.ranges[id.index()][element], &mut dirty);
                    }
                }
                Op::Input | Op::Constant(_) | Op::Affine { .. } | Op::Wrap { .. } => {}
            }
            if self.empty {
                return Ok(());
            }
        }
        for id in self.graph.ids() {
            let sources: Vec<NodeId> = match &self.graph.node(id).op {
                Op::Input | Op::Constant(_) => Vec::new(),
                Op::Affine { terms, .. } => terms.iter().map(|(source, _)| *source).collect(),
                Op::Step { source, .. } | Op::Wrap { source, .. } | Op::Max { source, .. } => vec![*source],
                Op::Gather { picks } => picks.iter().map(|(source, _)| *source).collect(),
            };
            if sources.iter().any(|source| dirty[source.index()]) {
                let new = node_ranges(self.graph, id, &self.ranges).map_err(|_| bound::too_large())?;
                for (element, range) in new.into_iter().enumerate() {
                    self.meet(id, element, range, &mut dirty);
                }
                if self.empty {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Intersects an element's range with another.
    fn meet(&mut self, id: NodeId, element: usize, with: Interval, dirty: &mut [bool]) {
        let range = &mut self.ranges[id.index()][element];
        let new = Interval { lo: range.lo.max(with.lo), hi: range.hi.min(with.hi) };
        if new != *range {
            *range = new;
            dirty[id.index()] = true;
            self.empty |= new.lo > new.hi;
        }
    }

    /// Evaluates every input left; the number of them, if none meets all atoms of a case. Once `stop` holds there is an error.
    fn enumerate(
        &self,
        obligation: &Obligation,
        cases: &[Vec<&Atom>],
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<u64, Fault> {
        let boxes: Vec<(usize, usize, Interval)> = (obligation.variables.iter().enumerate())
            .flat_map(|(v, variable)| {
                self.ranges[variable.node.index()].iter().enumerate().map(move |(i, range)| (v, i, *range))
            })
            .collect();
        let mut count: i128 = 1;
        for (_, _, range) in &boxes {
            count = count.saturating_mul(range.hi - range.lo + 1);
        }
        if count > POINTS {
            return Err("Too many inputs to evaluate.".to_owned());
        }
        let mut inputs: Vec<Vec<i128>> = obligation.variables.iter().map(|v| vec![0; v.domain.len()]).collect();
        boxes.iter().for_each(|(v, i, range)| inputs[*v][*i] = range.lo);
        let mut interpreter = Interpreter::new(self.graph);
        let (mut changed, mut done) = (None, 1usize);
        let every = (QUESTION / (1 + self.graph.nodes.iter().map(|node| node.len).sum::<usize>())).clamp(1, 1024);
        loop {
            work(1);
            if done % every == 0 && stop() {
                return Err(STOPPED.to_owned());
            }
            done += 1;
            let values = interpreter.run(&inputs, changed).map_err(|_| bound::too_large())?;
            if cases.iter().any(|atoms| atoms.iter().all(|atom| atom.holds(values))) {
                return Err("An input meets all atoms.".to_owned());
            }
            // The last variable changes most often.
            let next = boxes.iter().rev().find(|(v, i, range)| {
                let at = &mut inputs[*v][*i];
                let carry = *at == range.hi;
                *at = if carry { range.lo } else { *at + 1 };
                !carry
            });
            let Some((v, ..)) = next else { return Ok(u64::try_from(count).unwrap_or(u64::MAX)) };
            changed = Some(obligation.variables[*v].node);
        }
    }
}

#[cfg(test)]
mod random_steps;
