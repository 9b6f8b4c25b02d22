//! The complete engine: exact dual bounds, attacks, and branch and bound over integer values.
//!
//! In: an obligation. Out: a certificate, or a point that was replayed, or why neither. Stages: quick bounds close most cases; the
//! rest are attacked; what survives is searched, case by case. Invariant: a verdict rests on integers alone,
//! the certificate's or the reference interpreter's.

mod propose;
#[cfg(test)]
mod tests;
mod tree;

use crate::engine::attack::Attack;
use crate::engine::bounds::exact::live_units;
use crate::engine::bounds::net::{Expr, Kind, NONE, Net};
use crate::engine::bounds::simplex::{Problem, Simplex, View};
use crate::engine::bounds::{Empty, Ranges};
use crate::engine::{Answer, Control, Engine, Reason, Trust};
use crate::network::Graph;
use crate::obligation::{Assignment, Obligation, Replay};
use crate::proof::{CERTIFICATE_VERSION, Certificate, Multipliers, Step, Tighten};
use num_integer::Integer;
use propose::propose;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tree::{Case, Effort, Found, all_edges, atom_edges, refresh_edges};

/// The engine `search`. It remembers the last graph that it has looked at: keep one for many queries.
#[derive(Debug)]
pub struct Search {
    /// A branch with at most this many elementary operations for all its inputs together is evaluated input by input.
    enumerate: usize,
    last: Mutex<Option<(Weak<Graph>, Arc<Net>)>>,
}

impl Default for Search {
    fn default() -> Search {
        Search::new()
    }
}

impl Search {
    /// An engine that has seen nothing yet.
    pub fn new() -> Search {
        Search { enumerate: 1 << 16, last: Mutex::default() }
    }

    /// An engine that evaluates single points only, so that small problems show the search itself.
    #[cfg(test)]
    pub(crate) fn without_enumeration() -> Search {
        Search { enumerate: 0, ..Search::new() }
    }

    fn net(&self, graph: &Arc<Graph>) -> Option<Arc<Net>> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, net)) = &*last
            && std::ptr::eq(known.as_ptr(), Arc::as_ptr(graph))
        {
            return Some(net.clone());
        }
        let net = Arc::new(Net::new(graph)?);
        *last = Some((Arc::downgrade(graph), net.clone()));
        Some(net)
    }

    /// Like [`Engine::solve`], and says what it took.
    pub fn solve_with_effort(&self, obligation: &Obligation, control: &Control) -> (Answer, Effort) {
        let mut effort = Effort::default();
        let answer = self.decide(obligation, control, &mut effort);
        (answer, effort)
    }

    fn decide(&self, obligation: &Obligation, control: &Control, effort: &mut Effort) -> Answer {
        let too_large = || Answer::Unknown(Reason::Incomplete("numbers too large for this engine".to_owned()));
        let proved = |prelude, cases| {
            let certificate =
                Certificate { version: CERTIFICATE_VERSION, obligation: obligation.key(), prelude, cases };
            debug_assert_eq!(crate::proof::check(obligation, &certificate).err(), None);
            Answer::None(Trust::certified(certificate))
        };
        if obligation.cases.is_empty() {
            return proved(Vec::new(), Vec::new());
        }
        let Some(net) = self.net(&obligation.graph) else { return too_large() };
        let boxes: Vec<(i64, i64)> = obligation.variables.iter().flat_map(|v| v.domain.iter().copied()).collect();
        let Some(mut ranges) = Ranges::new(&net, &boxes) else { return too_large() };
        let express = |atom: &crate::obligation::Atom| net.express(&atom.linear);
        let Some(assumptions) = obligation.assumptions.iter().map(express).collect::<Option<Vec<_>>>() else {
            return too_large();
        };
        let accept = |point: &[i64]| matches!(obligation.replay(&assignment(obligation, point)), Replay::Holds(_));

        let mut prelude = Vec::new();
        let mut trees: Vec<Option<Vec<Step>>> = vec![None; obligation.cases.len()];
        // What the columns say of composite expressions, the checker must be told.
        let mut base =
            Problem { net: &net, atoms: assumptions, constraints: Vec::new(), live: live_units(&net, &ranges) };
        base.constraints = (0..base.atoms.len() as u32).collect();
        for e in 0..net.exprs.len() {
            if net.places[e].composite {
                for sign in [1, -1] {
                    let place = net.places[e];
                    let multipliers = Multipliers::default();
                    prelude.push(Tighten { node: place.node.0, element: place.element, weight: sign, multipliers });
                }
            }
        }
        let live = live_units(&net, &ranges);
        let mut problems = Vec::with_capacity(obligation.cases.len());
        for atoms in &obligation.cases {
            let Some(own) = atoms.iter().map(express).collect::<Option<Vec<_>>>() else { return too_large() };
            let atoms: Vec<Expr> = base.atoms.iter().cloned().chain(own).collect();
            let Some(objective) = atoms.len().checked_sub(1) else {
                // No atom at all: any point will do.
                let point: Vec<i64> = boxes.iter().map(|(lo, _)| *lo).collect();
                return Answer::Some(assignment(obligation, &point));
            };
            let constraints = (0..objective as u32).collect();
            problems.push(Problem { net: &net, atoms, constraints, live: live.clone() });
        }
        // Most cases fall to the first bounds.
        let mut open = Vec::new();
        for (index, problem) in problems.iter().enumerate() {
            if let Some(reason) = control.stop() {
                return Answer::Unknown(reason);
            }
            match quick_bound(problem, &ranges) {
                Some(step) => trees[index] = Some(vec![step]),
                None => open.push(index),
            }
        }
        let stop = || control.stop().is_some();
        let deep = live.iter().any(|unit| is_deep(&net, &ranges, *unit));
        // Where many units read others, narrower ranges come first.
        let relevant = relevant(&problems.iter().collect::<Vec<_>>());
        let of_interest = |unit: &&u32| relevant[net.units[**unit as usize].column as usize];
        let reading = live.iter().filter(of_interest).filter(|unit| is_deep(&net, &ranges, **unit)).count();
        let glance = if reading > 12 + problems.len() { 1 } else { GLANCE };
        for stage in [Stage::Try, Stage::Attack, Stage::Tighten, Stage::Search] {
            if open.is_empty() {
                break;
            }
            if stage == Stage::Tighten {
                let problems: Vec<&Problem<'_>> = open.iter().map(|index| &problems[*index]).collect();
                if (deep || !base.constraints.is_empty())
                    && tighten_roots(&base, &problems, &mut ranges, &mut prelude, control) == Err(Empty)
                {
                    let cases = obligation.cases.iter().map(|_| vec![Step::Empty]).collect();
                    return proved(prelude, cases);
                }
                continue;
            }
            for index in std::mem::take(&mut open) {
                if let Some(reason) = control.stop() {
                    return Answer::Unknown(reason);
                }
                let problem = &problems[index];
                let mut case = Case {
                    atom_edges: atom_edges(problem),
                    problem,
                    objective: problem.atoms.len() as u32 - 1,
                    control,
                    accept: &accept,
                    attack: Attack::new(problem, &ranges, 0x5eed + index as u64),
                    enumerate: self.enumerate,
                    learned: vec![[(0.0, 0.0); 2]; net.columns.len()],
                    limit: u64::MAX,
                    effort: *effort,
                };
                if stage == Stage::Attack {
                    let middle: Vec<f64> = (0..net.columns.len())
                        .filter(|j| net.unit_of[*j] == NONE)
                        .map(|j| ((ranges.lower[j] + ranges.upper[j]) / 2.0).floor())
                        .collect();
                    let hit = case.attack.run(&middle, 4, 8, &stop);
                    if let Some(point) = hit.and_then(|point| case.accepted(&point)) {
                        return Answer::Some(assignment(obligation, &point));
                    }
                    open.push(index);
                    continue;
                }
                case.limit = match stage {
                    Stage::Try => glance,
                    _ if deep => FIRST_TRY,
                    _ => u64::MAX,
                };
                let mut found = case.search(ranges.clone());
                if matches!(found, Found::Limit) && stage == Stage::Search {
                    // What the case itself says of the ranges is worth the effort when the search is long.
                    let (mut own, mut first) = (ranges.clone(), Vec::new());
                    let constraints = (0..problem.atoms.len() as u32).collect();
                    let whole =
                        Problem { net: &net, atoms: problem.atoms.clone(), constraints, live: problem.live.clone() };
                    found = match tighten_roots(&whole, &[problem], &mut own, &mut first, control) {
                        Err(Empty) => Found::Closed(vec![Step::Empty]),
                        Ok(()) => {
                            case.limit = u64::MAX;
                            case.search(own)
                        }
                    }
                    .after(first);
                }
                *effort = case.effort;
                match found {
                    Found::Closed(tree) => trees[index] = Some(tree),
                    Found::Point(point) => return Answer::Some(assignment(obligation, &point)),
                    Found::Stopped(reason) => return Answer::Unknown(reason),
                    Found::Limit if stage == Stage::Try => open.push(index),
                    Found::Limit => return Answer::Unknown(Reason::Incomplete("too many branches".to_owned())),
                }
            }
        }
        match trees.into_iter().collect::<Option<Vec<_>>>() {
            Some(trees) => proved(prelude, trees),
            None => Answer::Unknown(Reason::Incomplete("a case was left open".to_owned())),
        }
    }
}

impl Engine for Search {
    fn name(&self) -> &'static str {
        "search"
    }

    fn solve(&self, obligation: &Obligation, control: &Control) -> Answer {
        self.solve_with_effort(obligation, control).0
    }
}

/// The inputs' values, by ascending column, as an assignment.
fn assignment(obligation: &Obligation, point: &[i64]) -> Assignment {
    let mut rest = point;
    let mut assignment = Vec::with_capacity(obligation.variables.len());
    for variable in &obligation.variables {
        let (own, others) = rest.split_at(variable.domain.len().min(rest.len()));
        assignment.push(own.to_vec());
        rest = others;
    }
    assignment
}

/// Branches that a case gets before anything is spent on it.
const GLANCE: u64 = 16;
/// A deep case that takes more branches than this is worth narrower ranges first.
const FIRST_TRY: u64 = 250;

/// What is done about the open cases, in order.
#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Try,
    Attack,
    Tighten,
    Search,
}

/// Whether a unit reads results of others that are not constant.
fn is_deep(net: &Net, ranges: &Ranges, unit: u32) -> bool {
    net.units[unit as usize].exprs().any(|e| {
        net.exprs[e].runs().any(|(first, values)| {
            (first..first + values.len()).any(|column| net.unit_of[column] != NONE && !ranges.is_point(column))
        })
    })
}

/// The columns that the problems' atoms depend on.
fn relevant(problems: &[&Problem<'_>]) -> Vec<bool> {
    let Some(net) = problems.first().map(|problem| problem.net) else { return Vec::new() };
    let mut relevant = vec![false; net.columns.len()];
    let mark = |relevant: &mut [bool], expr: &Expr| {
        for (first, values) in expr.runs() {
            for (k, _) in values.iter().enumerate().filter(|(_, v)| **v != 0.0) {
                relevant[first + k] = true;
            }
        }
    };
    problems.iter().flat_map(|problem| &problem.atoms).for_each(|atom| mark(&mut relevant, atom));
    for unit in net.units.iter().rev() {
        if relevant[unit.column as usize] {
            unit.exprs().for_each(|e| mark(&mut relevant, &net.exprs[e]));
        }
    }
    relevant
}

/// A bound by intervals, then by the chords of the last layer's staircases, then of all: cheap, and often enough.
fn quick_bound(problem: &Problem<'_>, ranges: &Ranges) -> Option<Step> {
    let net = problem.net;
    let objective = problem.atoms.len() - 1;
    let at = problem.atom(objective);
    let expr = problem.expr(at);
    if expr.range(&ranges.lower, &ranges.upper).1 < 0.0
        && let Some(proposal) = propose(problem, ranges, (at, 1.0), &[], |_, _| true)
        && proposal.exact.value < 0
    {
        return Some(Step::Bound(proposal.certificate(problem, Some(objective as u32))));
    }
    let mut coefficients = vec![0.0; net.columns.len()];
    for all in [false, true] {
        coefficients.fill(0.0);
        expr.add_to(&mut coefficients, 1.0);
        let mut multipliers = Vec::new();
        let mut shallow = false;
        for index in problem.live.iter().rev() {
            let unit = &net.units[*index as usize];
            let c = coefficients[unit.column as usize];
            if c == 0.0 || !matches!(unit.kind, Kind::Step(_)) {
                continue;
            }
            if !all && !is_deep(net, ranges, *index) {
                shallow = true;
                continue;
            }
            let (lo, hi) = ranges.exprs[unit.first as usize];
            let column = unit.column as usize;
            let m = c * (ranges.upper[column] - ranges.lower[column]) / (hi - lo).max(1.0);
            net.exprs[unit.first as usize].add_to(&mut coefficients, m);
            multipliers.push((unit.first, m));
        }
        multipliers.reverse();
        if let Some(proposal) = propose(problem, ranges, (at, 1.0), &multipliers, |_, _| true)
            && proposal.exact.value < 0
        {
            return Some(Step::Bound(proposal.certificate(problem, Some(objective as u32))));
        }
        if !shallow {
            break;
        }
    }
    None
}

/// The relaxation's bounds of every expression that depends on other units, from the first layer on.
fn tighten_roots(
    problem: &Problem<'_>,
    open: &[&Problem<'_>],
    ranges: &mut Ranges,
    prelude: &mut Vec<Tighten>,
    control: &Control,
) -> Result<(), Empty> {
    let net = problem.net;
    let relevant = relevant(open);
    let atoms = atom_edges(problem);
    let mut all = all_edges(problem, ranges);
    let stop = || control.stop().is_some();
    for unit in &problem.live {
        for e in net.units[*unit as usize].exprs() {
            if !relevant[net.units[*unit as usize].column as usize] {
                continue;
            }
            if !is_deep(net, ranges, *unit) && problem.constraints.is_empty() {
                continue;
            }
            for sign in [1.0, -1.0] {
                if stop() || ranges.is_point(net.units[*unit as usize].column as usize) {
                    break;
                }
                let mut objective = vec![0.0; net.columns.len()];
                net.exprs[e].add_to(&mut objective, sign);
                let mut simplex = Simplex::new(problem, ranges, objective);
                let view = View { edges: &all, atoms: &atoms };
                simplex.run(problem, &view, f64::NEG_INFINITY, 200, &stop);
                let multipliers = simplex.multipliers();
                let Some(proposal) = propose(problem, ranges, (e, sign), &multipliers, |_, _| true) else { continue };
                let bound = Integer::div_floor(&proposal.exact.value, &i128::from(proposal.weight.max(1))) as f64;
                let (lo, hi) = ranges.exprs[e];
                let narrower = if sign > 0.0 { bound < hi } else { -bound > lo };
                if proposal.weight == 0 || !narrower {
                    continue;
                }
                let place = net.places[e];
                let weight = if sign > 0.0 { proposal.weight } else { -proposal.weight };
                let multipliers = proposal.certificate(problem, None);
                prelude.push(Tighten { node: place.node.0, element: place.element, weight, multipliers });
                let mut changed = Vec::new();
                let (lo, hi) = if sign > 0.0 { (f64::NEG_INFINITY, bound) } else { (-bound, f64::INFINITY) };
                ranges.narrow_expr(net, e, lo, hi, &mut changed)?;
                refresh_edges(problem, ranges, &mut all, &changed);
            }
        }
    }
    Ok(())
}
