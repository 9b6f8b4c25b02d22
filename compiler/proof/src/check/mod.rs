//! The checker: walks a certificate's trees with the ranges that each step leaves.
//!
//! In: an obligation and a certificate. Out: what was checked, or the first step that does not hold. Invariant: whatever the
//! certificate says, an accepted one is about an obligation without an answer; a certificate can only be useless, never harmful.

mod enumerate;
#[cfg(test)]
mod random_steps;
mod state;
mod tree;

use super::{CERTIFICATE_VERSION, Certificate, PROPAGATION_VERSION, Step};
use qnn_ir::obligation::{Atom, Obligation};
use state::State;
use std::fmt;
use tree::Tree;

/// Parts of fewer steps than this are checked on the thread that is there.
const MANY: usize = 128;
/// The reason where `stop` ended the check.
const STOPPED: &str = "The check was stopped.";

/// What an accepted certificate consists of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// Branches closed by a bound.
    pub bounds: u64,
    /// Branches closed by propagation.
    pub propagated: u64,
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
        self.propagated += other.propagated;
        self.empty += other.empty;
        self.points += other.points;
        self.splits += other.splits;
        self.narrowed += other.narrowed;
    }
}

/// Why a certificate is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
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
    if !(1..=CERTIFICATE_VERSION).contains(&certificate.version) {
        return Err(whole("The certificate is of another version."));
    }
    if certificate.version < PROPAGATION_VERSION && certificate.cases.iter().flatten().any(|s| *s == Step::Propagate) {
        return Err(whole("The certificate has a step that its version does not know."));
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
