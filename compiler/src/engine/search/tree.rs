//! Branch and bound on one case: the integer values of columns, with warm-started bounds, until each branch is closed.
//!
//! In: a root with its ranges. Out: the case's tree for the certificate, or a point that meets all atoms. Depth first; the
//! split is where the relaxation's primal point is furthest from the staircase, so that both sides exclude it.

use super::propose::propose;
use crate::engine::attack::Attack;
use crate::engine::bounds::hull::{Edge, edges};
use crate::engine::bounds::net::{Expr, Kind, NONE, Net};
use crate::engine::bounds::simplex::{Outcome, Problem, Simplex, View};
use crate::engine::bounds::{Empty, Ranges};
use crate::engine::{Control, Reason};
use crate::proof::{Step, Tighten, Tree};
use std::sync::Arc;

/// The bound must be this much below zero before integers are asked.
const MARGIN: f64 = 1e-6;
/// Steps of the solver for one node.
const LIMIT: u64 = 2000;
/// Every so many branches the primal point is where an attack starts.
const ATTACKED: u64 = 8;
/// The default for the memory of open branches, in bytes.
const MEMORY: u64 = 1 << 30;

/// How a case ended.
pub enum Found {
    /// No point meets all atoms.
    Closed(Tree),
    /// The inputs' values, by ascending column.
    Point(Vec<i64>),
    /// The case took more branches than its limit.
    Limit,
    /// Neither, for a reason.
    Stopped(Reason),
}

impl Found {
    /// The same, with the tree put below some narrowed ranges.
    pub fn after(self, first: Vec<Tighten>) -> Found {
        match self {
            Found::Closed(tree) => Found::Closed(first.into_iter().map(Step::Tighten).chain(tree).collect()),
            other => other,
        }
    }
}

/// A node of the proof, whose children are known later.
struct Entry {
    step: Step,
    children: Vec<usize>,
}

/// An open branch.
struct Branch {
    ranges: Ranges,
    edges: Vec<Option<Arc<[Edge]>>>,
    simplex: Simplex,
    /// The place in the proof that it is to fill.
    entry: usize,
    /// The split that it comes from.
    origin: Option<(Origin, usize)>,
    /// What the solver maximizes.
    goal: Goal,
}

/// What the solver maximizes in a branch.
#[derive(Clone)]
enum Goal {
    /// The objective's atom.
    Atom,
    /// Where that holds for all values left, it says nothing any more. What counts is how far the units that it reads get past the
    /// thresholds that the splits ask of them: (expression, factor), in steps of the unit's result.
    Margins(Arc<[(u32, f64)]>),
}

/// What was expected of a split, so that later ones can be judged better.
#[derive(Clone, Copy)]
struct Origin {
    column: u32,
    /// The gap closed, at its price.
    expected: f64,
    /// The parent's bound, above what closes a branch.
    value: f64,
}

impl Branch {
    /// About how many bytes it takes, so that memory is bounded.
    fn bytes(&self) -> usize {
        self.simplex.bytes() + self.ranges.lower.len() * 16 + self.ranges.exprs.len() * 16 + self.edges.len() * 64
    }
}

/// What was done, for `--stats`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Effort {
    /// Branches looked at.
    pub branches: u64,
    /// Steps of the solver.
    pub steps: u64,
}

/// A case under search.
pub struct Case<'a> {
    /// The relaxation.
    pub problem: &'a Problem<'a>,
    /// The atom that is the objective.
    pub objective: u32,
    /// The ranges before any split.
    pub root: Ranges,
    /// The constraining atoms' edges.
    pub atom_edges: Vec<Arc<Edge>>,
    /// Budget.
    pub control: &'a Control,
    /// Tests a point given by the inputs' values: whether it answers the obligation.
    pub accept: &'a dyn Fn(&[i64]) -> bool,
    /// Evaluates points quickly.
    pub attack: Attack<'a>,
    /// A branch with at most this many elementary operations for all its inputs together is evaluated input by input.
    pub enumerate: usize,
    /// For each column and side of a split, how much of what was expected came true: (sum, count).
    pub learned: Vec<[(f64, f64); 2]>,
    /// The most branches.
    pub limit: u64,
    /// What it took.
    pub effort: Effort,
}

/// The edges of the atoms that constrain: weight · atom >= 0.
pub fn atom_edges(problem: &Problem<'_>) -> Vec<Arc<Edge>> {
    let edge = |k: &u32| {
        let e = problem.atom(*k as usize);
        let scale = 1.0 / problem.expr(e).greatest.max(1.0);
        Arc::new(Edge { alpha: 0.0, terms: vec![(e as u32, -scale)], gamma: 0.0 })
    };
    problem.constraints.iter().map(edge).collect()
}

/// The edges of all live units.
pub fn all_edges(problem: &Problem<'_>, ranges: &Ranges) -> Vec<Option<Arc<[Edge]>>> {
    let mut all = vec![None; problem.net.units.len()];
    for unit in &problem.live.units {
        all[*unit as usize] = Some(edges(problem.net, &problem.net.units[*unit as usize], ranges));
    }
    all
}

enum Next {
    Closed(Step),
    Split {
        node: u32,
        element: u32,
        value: i64,
        below: Option<(Ranges, Vec<u32>)>,
        above: Option<(Ranges, Vec<u32>)>,
        origin: Option<Origin>,
    },
    Postpone,
    Point(Vec<i64>),
    Stop(Reason),
}

impl Case<'_> {
    fn atom(&self) -> &Expr {
        self.problem.expr(self.problem.atom(self.objective as usize))
    }

    /// A state of the solver for a goal.
    fn start(&self, ranges: &Ranges, goal: &Goal) -> Simplex {
        let mut objective = vec![0.0; self.problem.net.columns.len()];
        match goal {
            Goal::Atom => self.atom().add_to(&mut objective, 1.0),
            Goal::Margins(margins) => {
                margins
                    .iter()
                    .for_each(|(e, factor)| self.problem.net.exprs[*e as usize].add_to(&mut objective, *factor));
            }
        }
        Simplex::new(self.problem, ranges, objective)
    }

    /// A goal below this is out of reach.
    fn cut(&self, ranges: &Ranges, goal: &Goal) -> f64 {
        let margin = |(e, factor): &(u32, f64)| {
            let (lo, hi) = ranges.exprs[*e as usize];
            factor * (if *factor > 0.0 { lo } else { hi } - self.problem.net.exprs[*e as usize].constant)
        };
        match goal {
            Goal::Atom => -self.atom().constant,
            Goal::Margins(margins) => margins.iter().map(margin).sum(),
        }
    }

    /// The margins that are left to ask for where the objective's atom holds anyway.
    fn margins(&self, ranges: &Ranges) -> Option<Goal> {
        let (net, atom) = (self.problem.net, self.atom());
        if atom.range(&ranges.lower, &ranges.upper).0 < 0.0 {
            return None;
        }
        let mut margins = Vec::new();
        for (first, values) in atom.runs() {
            for (k, c) in values.iter().enumerate() {
                let (column, unit) = (first + k, net.unit_of[first + k]);
                if *c == 0.0 || unit == NONE {
                    continue;
                }
                let Kind::Step(stairs) = net.units[unit as usize].kind else { continue };
                let (root, slope) = (&self.root, net.stairs[stairs as usize].line().0.max(1e-9));
                let up = *c > 0.0 && ranges.lower[column] > root.lower[column];
                let down = *c < 0.0 && ranges.upper[column] < root.upper[column];
                if up || down {
                    margins.push((net.units[unit as usize].first, if up { slope } else { -slope }));
                }
            }
        }
        margins.sort_unstable_by_key(|(e, _)| *e);
        (!margins.is_empty()).then(|| Goal::Margins(margins.into()))
    }

    /// Searches to the end.
    pub fn search(&mut self, ranges: Ranges) -> Found {
        let mut proof = vec![Entry { step: Step::Empty, children: Vec::new() }];
        self.root = ranges.clone();
        let root = Branch {
            edges: all_edges(self.problem, &ranges),
            simplex: self.start(&ranges, &Goal::Atom),
            ranges,
            entry: 0,
            origin: None,
            goal: Goal::Atom,
        };
        let most = self.control.memory.unwrap_or(MEMORY) as usize;
        let mut held = root.bytes();
        let mut open = vec![root];
        // Branches in which nothing but inputs is left to split: the question is whether a thin cell holds an integer point.
        let mut thin: Vec<Branch> = Vec::new();
        let before_all = self.effort.branches;
        let mut plunging = false;
        loop {
            // From the best branch straight down until one is closed, then from the best again, while there is memory.
            if !std::mem::take(&mut plunging) && held < most / 2 {
                let value = |branch: &Branch| branch.origin.map_or(f64::INFINITY, |(origin, _)| origin.value);
                let best = (0..open.len()).max_by(|a, b| value(&open[*a]).total_cmp(&value(&open[*b])));
                if let Some(best) = best {
                    let last = open.len() - 1;
                    open.swap(best, last);
                }
            }
            let (mut branch, postpone) = match open.pop() {
                Some(branch) => (branch, true),
                None => match thin.pop() {
                    Some(branch) => (branch, false),
                    None => break,
                },
            };
            if let Some(reason) = self.control.stop() {
                return Found::Stopped(reason);
            }
            if self.effort.branches - before_all > self.limit {
                return Found::Limit;
            }
            held = held.saturating_sub(branch.bytes());
            if held + proof.len() * 2048 > most {
                return Found::Stopped(Reason::Memory);
            }
            self.effort.branches += 1;
            let before = branch.simplex.steps;
            let mut entry = branch.entry;
            let next = self.explore(&mut branch, &mut proof, &mut entry, postpone);
            self.effort.steps += branch.simplex.steps - before;
            match next {
                Next::Closed(step) => proof[entry].step = step,
                Next::Point(point) => return Found::Point(point),
                Next::Stop(reason) => return Found::Stopped(reason),
                Next::Postpone => {
                    branch.entry = entry;
                    held += branch.bytes();
                    thin.push(branch);
                }
                Next::Split { node, element, value, below, above, origin } => {
                    proof[entry].step = Step::Split { node, element, value };
                    // Depth first goes on where the primal point is nearer.
                    let nearer_below =
                        origin.is_some_and(|origin| branch.simplex.x[origin.column as usize] - value as f64 <= 0.5);
                    let from = open.len();
                    let last = if above.is_some() { 1 } else { 0 };
                    for (number, side) in [below, above].into_iter().enumerate() {
                        proof.push(Entry { step: Step::Empty, children: Vec::new() });
                        let place = proof.len() - 1;
                        proof[entry].children.push(place);
                        let Some((ranges, changed)) = side else { continue };
                        let inherit = number == last;
                        let mut child = Branch {
                            ranges,
                            edges: if inherit { std::mem::take(&mut branch.edges) } else { branch.edges.clone() },
                            simplex: if inherit { branch.simplex.take() } else { branch.simplex.clone() },
                            entry: place,
                            origin: origin.map(|origin| (origin, number)),
                            goal: branch.goal.clone(),
                        };
                        refresh_edges(self.problem, &child.ranges, &mut child.edges, &changed);
                        child.simplex.set_ranges(self.problem, &child.ranges);
                        held += child.bytes();
                        if postpone {
                            open.push(child)
                        } else {
                            thin.push(child)
                        }
                        plunging = true;
                    }
                    if nearer_below && open.len() == from + 2 {
                        open.swap(from, from + 1);
                    }
                }
            }
        }
        Found::Closed(flatten(proof))
    }

    /// Bounds, tests and narrows a branch until it is closed or split.
    fn explore(&mut self, branch: &mut Branch, proof: &mut Vec<Entry>, entry: &mut usize, postpone: bool) -> Next {
        let problem = self.problem;
        let net = problem.net;
        let objective = problem.atom(self.objective as usize);
        let stop = || self.control.stop().is_some();
        if let Some(points) = self.few_points(&branch.ranges) {
            return match points.into_iter().find(|point| (self.accept)(point)) {
                Some(point) => Next::Point(point),
                None => Next::Closed(Step::Enumerate),
            };
        }
        // What a unit of each column is worth at the bound: closing a gap gains about as much.
        let mut prices: Vec<f64> = Vec::new();
        for round in 0.. {
            if matches!(branch.goal, Goal::Atom)
                && let Some(goal) = self.margins(&branch.ranges)
            {
                let steps = branch.simplex.steps;
                branch.simplex = self.start(&branch.ranges, &goal);
                branch.simplex.steps = steps;
                branch.goal = goal;
                branch.origin = None;
            }
            let cut = self.cut(&branch.ranges, &branch.goal);
            let view = View { edges: &branch.edges, atoms: &self.atom_edges };
            let outcome = branch.simplex.run(problem, &view, cut - MARGIN, LIMIT, &stop);
            if round == 0
                && let Some((origin, side)) = branch.origin
            {
                let reached = if outcome == Outcome::Below { 0.0 } else { branch.simplex.value() - cut };
                let (sum, count) = &mut self.learned[origin.column as usize][side];
                *sum += ((origin.value - reached) / origin.expected).clamp(0.0, 10.0);
                *count += 1.0;
            }
            let mut multipliers = branch.simplex.multipliers();
            let objective = match &branch.goal {
                Goal::Atom => Some((objective, 1.0)),
                Goal::Margins(margins) => {
                    add_multipliers(&mut multipliers, margins);
                    None
                }
            };
            let proposal = propose(problem, &branch.ranges, objective, &multipliers, |_, value| value < 0);
            if let Some(proposal) = &proposal
                && proposal.exact.value < 0
            {
                return Next::Closed(Step::Bound(proposal.certificate(problem, Some(self.objective))));
            }
            if stop() {
                return Next::Stop(self.control.stop().unwrap_or(Reason::Timeout));
            }
            if outcome == Outcome::Below {
                // The integers disagree: the numbers are bad. Start from scratch below.
                let steps = branch.simplex.steps;
                branch.simplex = self.start(&branch.ranges, &branch.goal);
                branch.simplex.steps = steps;
                break;
            }
            // The primal point, rounded, may be an answer.
            let point: Vec<f64> = (0..net.columns.len())
                .filter(|j| net.unit_of[*j] == NONE)
                .map(|j| branch.simplex.x[j].round().clamp(branch.ranges.lower[j], branch.ranges.upper[j]))
                .collect();
            if let Some(point) = self.accepted(&point) {
                return Next::Point(point);
            }
            if round == 0
                && self.effort.branches % ATTACKED == 1
                && let Some(point) = self.attack.run(&point, 1, 6, &stop)
                && let Some(point) = self.accepted(&point)
            {
                return Next::Point(point);
            }
            let Some(proposal) = proposal else { break };
            let scale = 1.0 / proposal.scale;
            prices = proposal.exact.coefficients.iter().map(|c| c.abs() * scale).collect();
            if round >= 3 {
                break;
            }
            let news = proposal.exact.slack(problem, &branch.ranges);
            if !news.iter().any(|(column, ..)| net.unit_of[*column as usize] != NONE) {
                break;
            }
            proof[*entry].step = Step::Slack(proposal.certificate(problem, Some(self.objective)));
            proof.push(Entry { step: Step::Empty, children: Vec::new() });
            let place = proof.len() - 1;
            proof[*entry].children.push(place);
            *entry = place;
            let mut changed = Vec::new();
            if branch.ranges.narrow_columns(net, &news, &mut changed) == Err(Empty) {
                return Next::Closed(Step::Empty);
            }
            refresh_edges(problem, &branch.ranges, &mut branch.edges, &changed);
            branch.simplex.set_ranges(problem, &branch.ranges);
        }
        self.split(branch, &prices, postpone)
    }

    /// The point as integers, if it answers the obligation.
    pub fn accepted(&mut self, point: &[f64]) -> Option<Vec<i64>> {
        if !self.attack.holds(point) {
            return None;
        }
        let point: Vec<i64> = point.iter().map(|v| *v as i64).collect();
        (self.accept)(&point).then_some(point)
    }

    /// All points of the inputs' box, if they are few.
    fn few_points(&self, ranges: &Ranges) -> Option<Vec<Vec<i64>>> {
        let net = self.problem.net;
        let inputs: Vec<usize> = (0..net.columns.len()).filter(|j| net.unit_of[*j] == NONE).collect();
        let work: usize = 64 + net.columns.len();
        let most = (self.enumerate / work).clamp(1, 1024) as f64;
        let mut count = 1.0;
        for j in &inputs {
            count *= ranges.upper[*j] - ranges.lower[*j] + 1.0;
            if count > most {
                return None;
            }
        }
        let mut points: Vec<Vec<i64>> = vec![Vec::new()];
        for j in inputs {
            let values = ranges.lower[j] as i64..=ranges.upper[j] as i64;
            points = (points.iter())
                .flat_map(|point| values.clone().map(move |v| [point.as_slice(), &[v]].concat()))
                .collect();
        }
        Some(points)
    }

    /// Where to split: the step whose primal point is furthest from its staircase, or else a fractional input, or else anything.
    fn split(&self, branch: &Branch, prices: &[f64], postpone: bool) -> Next {
        let (problem, ranges, simplex) = (self.problem, &branch.ranges, &branch.simplex);
        let net = problem.net;
        let mut best: Option<(f64, usize, f64, f64)> = None;
        let mut wrapped: Option<(usize, f64)> = None;
        for unit in &problem.live.units {
            let unit = &net.units[*unit as usize];
            let column = unit.column as usize;
            let (lo, hi) = (ranges.lower[column], ranges.upper[column]);
            match unit.kind {
                Kind::Step(stairs) if lo < hi => {
                    let a = simplex.e[unit.first as usize] + 1e-7;
                    let Some(f) = net.stairs[stairs as usize].apply(a.floor() as i64) else { continue };
                    let (y, f) = (simplex.x[column], f as f64);
                    let gap = (y - f).abs();
                    if gap <= 1e-5 {
                        continue;
                    }
                    let gap = gap * (prices.get(column).copied().unwrap_or(0.0) + 1e-3);
                    let [down, up] = self.learned[column].map(|(sum, count)| (sum + 2.0 * 1.0) / (count + 2.0));
                    let score = gap * (5.0 * down.min(up) + down.max(up));
                    if best.is_none_or(|(most, ..)| score > most) {
                        let v = if y > f { f } else { f - 1.0 };
                        best = Some((score, column, v.clamp(lo, hi - 1.0), gap));
                    }
                }
                Kind::Wrap { width, signed } => {
                    // Within one period a wrap is linear: split the argument between periods.
                    let (a, b) = ranges.exprs[unit.first as usize];
                    let (_, greatest) = crate::network::range::wrap_limits(width, signed);
                    let first = crate::network::interpret::wrap(a as i128, width, signed);
                    let last_of_first = a + (greatest - first) as f64;
                    if b > last_of_first {
                        let period = (1i128 << width) as f64;
                        let middle =
                            last_of_first + (((b - last_of_first) / 2.0 - 1.0).max(0.0) / period).floor() * period;
                        wrapped = Some((unit.first as usize, middle));
                    }
                }
                _ => {}
            }
        }
        if let (None, Some((expr, value))) = (best, wrapped) {
            let place = net.places[expr];
            let side = |lo: f64, hi: f64| {
                let (mut ranges, mut changed) = (ranges.clone(), Vec::new());
                ranges.narrow_expr(net, expr, lo, hi, &mut changed).ok().map(|()| (ranges, changed))
            };
            let (below, above) = (side(f64::NEG_INFINITY, value), side(value + 1.0, f64::INFINITY));
            return Next::Split {
                node: place.node.0,
                element: place.element,
                value: value as i64,
                below,
                above,
                origin: None,
            };
        }
        let (column, value) = match best {
            Some((_, column, value, _)) => (column, value),
            None if postpone => return Next::Postpone,
            None => match self.input_to_split(ranges, simplex) {
                Some(found) => found,
                None => return Next::Stop(Reason::Incomplete("no range is left to split".to_owned())),
            },
        };
        let side = |lo: f64, hi: f64| {
            let (mut ranges, mut changed) = (ranges.clone(), Vec::new());
            ranges.narrow_column(net, column, lo, hi, &mut changed).ok().map(|()| (ranges, changed))
        };
        let (below, above) = (side(f64::NEG_INFINITY, value), side(value + 1.0, f64::INFINITY));
        let (node, element) = net.columns[column];
        let value_above_cut = simplex.value() - self.cut(ranges, &branch.goal);
        let origin = best.map(|best| Origin { column: best.1 as u32, expected: best.3, value: value_above_cut });
        Next::Split { node: node.0, element, value: value as i64, below, above, origin }
    }

    /// The most fractional input, or else the widest, split in its middle.
    fn input_to_split(&self, ranges: &Ranges, simplex: &Simplex) -> Option<(usize, f64)> {
        let net = self.problem.net;
        let fraction = |j: usize| (simplex.x[j] - simplex.x[j].round()).abs();
        let input = |j: &usize| net.unit_of[*j] == NONE && !ranges.is_point(*j);
        let fractional = (simplex.basic_columns().iter().map(|j| *j as usize))
            .filter(input)
            .max_by(|a, b| fraction(*a).total_cmp(&fraction(*b)))
            .filter(|j| fraction(*j) > 1e-6);
        if let Some(j) = fractional {
            return Some((j, simplex.x[j].floor().clamp(ranges.lower[j], ranges.upper[j] - 1.0)));
        }
        let width = |j: usize| ranges.upper[j] - ranges.lower[j];
        let widest = (0..net.columns.len()).filter(input).max_by(|a, b| width(*a).total_cmp(&width(*b)))?;
        Some((widest, ((ranges.lower[widest] + ranges.upper[widest]) / 2.0).floor()))
    }
}

/// Adds the margins' multipliers to the rows', by ascending expression.
fn add_multipliers(multipliers: &mut Vec<(u32, f64)>, margins: &[(u32, f64)]) {
    for (e, factor) in margins {
        match multipliers.binary_search_by_key(e, |(e, _)| *e) {
            Ok(at) => multipliers[at].1 += factor,
            Err(at) => multipliers.insert(at, (*e, *factor)),
        }
    }
}

/// Recomputes the edges of units whose ranges changed.
pub fn refresh_edges(problem: &Problem<'_>, ranges: &Ranges, all: &mut [Option<Arc<[Edge]>>], changed: &[u32]) {
    let net: &Net = problem.net;
    for unit in changed {
        if all[*unit as usize].is_some() {
            all[*unit as usize] = Some(edges(net, &net.units[*unit as usize], ranges));
        }
    }
}

/// The tree in preorder.
fn flatten(mut proof: Vec<Entry>) -> Tree {
    let mut tree = Vec::with_capacity(proof.len());
    let mut open = vec![0];
    while let Some(at) = open.pop() {
        let entry = &mut proof[at];
        tree.push(std::mem::replace(&mut entry.step, Step::Empty));
        open.extend(entry.children.iter().rev());
    }
    tree
}
