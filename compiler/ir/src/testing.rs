//! Random small obligations and their true answers, for testing engines against the reference interpreter.
//!
//! In: a seed. Out: an obligation (or an objective) whose inputs can be enumerated, the same for the same seed, using every
//! operation of the IR; and its answer by enumeration. Compiled for tests only, or with the feature `testing`.

use crate::Rounding;
use crate::obligation::{Assignment, Atom, Conjunction, Linear, Objective, Obligation, Replay, Variable};
use crate::range::node_ranges;
use crate::rational::integer;
use crate::{Graph, Interval, Matrix, NodeId, Op, Step, Steps, interpret};
use std::sync::Arc;

mod late_inputs;

pub use crate::random::Random;

/// Of so many seeds, one has its inputs as late as they may stand.
const LATE: u64 = 4;

/// What random obligations may hold.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// The most assignments that the domains allow.
    pub points: u64,
    /// The most nodes besides the inputs.
    pub nodes: usize,
    /// Whether [`Op::Wrap`] occurs.
    pub wrap: bool,
    /// Whether [`Op::Max`] occurs.
    pub max: bool,
    /// Whether [`Step::Table`] occurs.
    pub table: bool,
    /// The largest magnitude of a weight.
    pub weight: i64,
}

impl Default for Shape {
    fn default() -> Shape {
        Shape { points: 1024, nodes: 6, wrap: true, max: true, table: true, weight: 9 }
    }
}

/// The obligation that belongs to a seed.
pub fn random_obligation(seed: u64, shape: &Shape) -> Obligation {
    let mut random = Random::new(seed);
    let mut obligation = random_network(&mut random, shape);
    let samples = samples(&mut random, &obligation);
    obligation.assumptions = random_assumptions(&mut random, &obligation, &samples);
    for _ in 0..random.below(5) {
        let case = (0..random.between(1, 3)).map(|_| random_atom(&mut random, &obligation, &samples)).collect();
        obligation.cases.push(case);
    }
    if random.chance(3) {
        obligation.cases.push(Vec::new());
    }
    if seed.is_multiple_of(LATE) { late_inputs::obligation(obligation) } else { obligation }
}

/// The objective that belongs to a seed.
pub fn random_objective(seed: u64, shape: &Shape) -> Objective {
    let mut random = Random::new(seed);
    let mut base = random_network(&mut random, shape);
    let samples = samples(&mut random, &base);
    base.assumptions = random_assumptions(&mut random, &base, &samples);
    let alternatives = if random.chance(70) {
        vec![Vec::new()]
    } else {
        let conjunction = |random: &mut Random| vec![random_atom(random, &base, &samples)];
        (0..random.between(1, 3)).map(|_| conjunction(&mut random)).collect()
    };
    let pieces = (0..random.between(1, 3)).map(|_| random_form(&mut random, &base)).collect();
    let objective =
        Objective { base, alternatives, pieces, scale: integer(1), negated: random.chance(50), exact: None };
    if seed.is_multiple_of(LATE) { late_inputs::objective(objective) } else { objective }
}

/// All assignments of the domains, in lexicographic order.
pub fn assignments(obligation: &Obligation) -> impl Iterator<Item = Assignment> + '_ {
    let domains: Vec<(i64, i64)> = obligation.variables.iter().flat_map(|v| v.domain.iter().copied()).collect();
    let mut next: Option<Vec<i64>> = Some(domains.iter().map(|(lo, _)| *lo).collect());
    std::iter::from_fn(move || {
        let flat = next.clone()?;
        next = (0..flat.len()).rev().find(|at| flat[*at] < domains[*at].1).map(|at| {
            let mut successor = flat.clone();
            successor[at] += 1;
            (at + 1..flat.len()).for_each(|later| successor[later] = domains[later].0);
            successor
        });
        let mut rest = &flat[..];
        let mut assignment = Vec::with_capacity(obligation.variables.len());
        for variable in &obligation.variables {
            let (own, others) = rest.split_at(variable.domain.len());
            assignment.push(own.to_vec());
            rest = others;
        }
        Some(assignment)
    })
}

/// The first assignment that answers the obligation, by enumeration: the truth for engines to agree with.
pub fn brute_force(obligation: &Obligation) -> Option<Assignment> {
    assignments(obligation).find(|assignment| matches!(obligation.replay(assignment), Replay::Holds(_)))
}

/// The greatest objective, by enumeration; `None` if nothing meets the assumptions.
pub fn brute_force_maximum(objective: &Objective) -> Option<i128> {
    assignments(&objective.base).filter_map(|assignment| objective.of(&assignment)).max()
}

/// The obligation as text, for a failing test's message.
pub fn describe(obligation: &Obligation) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    for (index, node) in obligation.graph.nodes.iter().enumerate() {
        let _ = write!(text, "n{index}[{}] = ", node.len);
        let _ = match &node.op {
            Op::Affine { terms, bias } => {
                let _ = write!(text, "{bias:?}");
                for (source, matrix) in terms {
                    let rows: Vec<Vec<_>> = (0..matrix.rows()).map(|r| matrix.row(r).collect()).collect();
                    let _ = write!(text, " + {rows:?} n{}", source.0);
                }
                writeln!(text)
            }
            other => writeln!(text, "{other:?}"),
        };
    }
    for variable in &obligation.variables {
        let _ = writeln!(text, "n{} in {:?}", variable.node.0, variable.domain);
    }
    let form = |linear: &Linear| {
        let terms: Vec<String> = linear.terms.iter().map(|(n, i, f)| format!("{f}·n{}[{i}]", n.0)).collect();
        format!("{} + {} >= 0", terms.join(" + "), linear.constant)
    };
    for atom in &obligation.assumptions {
        let _ = writeln!(text, "assume {}", form(&atom.linear));
    }
    for case in &obligation.cases {
        let atoms: Vec<String> = case.iter().map(|atom| form(&atom.linear)).collect();
        let _ = writeln!(text, "case {}", atoms.join(" and "));
    }
    text
}

/// Variables and nodes; neither assumptions nor cases.
fn random_network(random: &mut Random, shape: &Shape) -> Obligation {
    let mut graph = Graph::new();
    let mut variables = Vec::new();
    let mut boxes = Vec::new();
    let mut budget = shape.points.max(1);
    for v in 0..random.between(1, 3) {
        let len = random.between(1, 3) as usize;
        let name: Arc<str> = format!("x{v}").into();
        let node = graph.push_input(name.clone(), len);
        let mut domain = Vec::new();
        for _ in 0..len {
            let widest = budget.min(if random.chance(20) { 64 } else { 7 });
            let width = random.between(1, widest as i64);
            budget = (budget / width as u64).max(1);
            let lo = random.between(-20, 20);
            domain.push((lo, lo + width - 1));
        }
        boxes.push(domain.iter().map(|(lo, hi)| Interval::new((*lo).into(), (*hi).into())).collect::<Vec<_>>());
        variables.push(Variable { name, node, domain });
    }
    let mut ranges = boxes;
    for n in 0..random.between(1, shape.nodes.max(1) as i64) {
        let op = random_op(random, shape, &graph, &ranges);
        let id = graph.push(format!("n{n}"), op);
        let range = node_ranges(&graph, id, &ranges).expect("small numbers");
        ranges.push(range);
    }
    Obligation { graph: Arc::new(graph), variables, assumptions: Vec::new(), cases: Vec::new(), exact: None }
}

fn random_op(random: &mut Random, shape: &Shape, graph: &Graph, ranges: &[Vec<Interval>]) -> Op {
    // Later nodes are likelier, so that networks are deep.
    let source = |random: &mut Random| {
        let count = graph.nodes.len();
        NodeId(random.below(count).max(random.below(count)) as u32)
    };
    match random.below(100) {
        0..40 => {
            let rows = random.between(1, 3) as usize;
            let terms = (0..random.between(1, 2)).map(|_| {
                let from = source(random);
                (from, random_matrix(random, shape, rows, graph.len(from)))
            });
            let terms = terms.collect();
            Op::Affine { terms, bias: (0..rows).map(|_| random.between(-30, 30).into()).collect() }
        }
        40..75 => {
            let source = source(random);
            let range = &ranges[source.index()];
            let steps = if random.chance(60) {
                let hull = range.iter().fold(range[0], |a, b| Interval::new(a.lo.min(b.lo), a.hi.max(b.hi)));
                Steps::Uniform(random_step(random, shape, hull))
            } else {
                Steps::Each(range.iter().map(|range| random_step(random, shape, *range)).collect())
            };
            Op::Step { source, steps }
        }
        75..82 if shape.wrap => {
            Op::Wrap { source: source(random), width: random.between(1, 7) as u32, signed: random.chance(50) }
        }
        82..90 if shape.max => {
            let source = source(random);
            let len = graph.len(source);
            let window = |random: &mut Random| -> Box<[u32]> {
                (0..random.between(1, 4)).map(|_| random.below(len) as u32).collect()
            };
            Op::Max { source, windows: (0..random.between(1, 3)).map(|_| window(random)).collect() }
        }
        90..92 => Op::Constant((0..random.between(1, 2)).map(|_| random.between(-40, 40).into()).collect()),
        _ => {
            let pick = |random: &mut Random| {
                let from = source(random);
                (from, random.below(graph.len(from)) as u32)
            };
            Op::Gather { picks: (0..random.between(1, 4)).map(|_| pick(random)).collect() }
        }
    }
}

fn random_matrix(random: &mut Random, shape: &Shape, rows: usize, columns: usize) -> Arc<Matrix> {
    let weight = |random: &mut Random| {
        let most = if random.chance(70) { shape.weight.min(4) } else { shape.weight };
        random.between(-most, most)
    };
    if random.chance(50) {
        Matrix::dense(rows, columns, (0..rows * columns).map(|_| weight(random)).collect())
    } else {
        let row = |random: &mut Random| {
            (0..random.below(columns + 1)).map(|_| (random.below(columns) as u32, weight(random))).collect()
        };
        Matrix::sparse(columns, (0..rows).map(|_| row(random)).collect())
    }
}

/// A step with its interesting part within the range.
pub fn random_step(random: &mut Random, shape: &Shape, range: Interval) -> Step {
    let (lo, hi) = (range.lo as i64, range.hi as i64);
    if shape.table && random.chance(20) {
        let mut thresholds: Vec<i128> =
            (0..random.between(0, 9)).map(|_| random.between(lo - 3, hi + 3).into()).collect();
        thresholds.sort_unstable();
        return Step::Table { lo: random.between(-9, 9).into(), thresholds: thresholds.into() };
    }
    let numerator = if random.chance(70) { 1 } else { random.between(1, 9) };
    let denominator = *random.choose(&[1, 2, 2, 4, 4, 8, 16, 32, 3, 5, 6, 7, 12, 25]);
    let offset = if random.chance(60) { 0 } else { random.between(-20, 20) };
    let mode = *random.choose(&Rounding::ALL);
    let at = |a: i64| (numerator * a + offset).div_euclid(denominator);
    // Clamps within the range, at its ends, or far outside.
    let (from, to) = if random.chance(25) {
        (at(lo) - 1000, at(hi) + 1000)
    } else {
        let (a, b) = (random.between(at(lo) - 2, at(hi) + 2), random.between(at(lo) - 2, at(hi) + 2));
        (a.min(b), a.max(b))
    };
    let from = if random.chance(25) { 0.min(to) } else { from };
    Step::Round {
        numerator: numerator.into(),
        denominator: denominator.into(),
        offset: offset.into(),
        mode,
        lo: from.into(),
        hi: to.into(),
    }
}

/// The values of all nodes for some random assignments, or for all there are: goals made from those are as tight as can be.
fn samples(random: &mut Random, obligation: &Obligation) -> Vec<Vec<Vec<i128>>> {
    let values = |inputs: Vec<Vec<i128>>| interpret(&obligation.graph, &inputs).expect("small numbers");
    let wide = |assignment: Assignment| assignment.into_iter().map(|v| v.into_iter().map(i128::from).collect());
    if random.chance(60) {
        return assignments(obligation).take(5000).map(|assignment| values(wide(assignment).collect())).collect();
    }
    let mut samples = Vec::new();
    for _ in 0..16 {
        let inputs: Vec<Vec<i128>> = (obligation.variables.iter())
            .map(|v| v.domain.iter().map(|(lo, hi)| random.between(*lo, *hi).into()).collect())
            .collect();
        samples.push(values(inputs));
    }
    samples
}

fn random_form(random: &mut Random, obligation: &Obligation) -> Linear {
    let graph = &obligation.graph;
    let count = graph.nodes.len();
    let element = |random: &mut Random| {
        let node = NodeId(random.below(count).max(random.below(count)) as u32);
        (node, random.below(graph.len(node)) as u32)
    };
    if random.chance(40) {
        let ((n, i), (m, j)) = (element(random), element(random));
        return Linear::new(vec![(n, i, 1), (m, j, -1)], 0);
    }
    let term = |random: &mut Random| {
        let (node, i) = element(random);
        (node, i, i128::from(random.between(-3, 3)))
    };
    Linear::new((0..random.between(1, 3)).map(|_| term(random)).collect(), 0)
}

/// An atom that holds for few of the samples, or only just for none.
fn random_atom(random: &mut Random, obligation: &Obligation, samples: &[Vec<Vec<i128>>]) -> Atom {
    let form = random_form(random, obligation);
    let mut values: Vec<i128> = samples.iter().map(|sample| form.value(sample)).collect();
    values.sort_unstable();
    let bound = if random.chance(70) { values[values.len() - 1] } else { *random.choose(&values) };
    Atom::new(form.plus_constant(-bound - random.choose(&[0i128, 0, 1, 1, 1, -1, 2, 3])))
}

fn random_assumptions(random: &mut Random, obligation: &Obligation, samples: &[Vec<Vec<i128>>]) -> Conjunction {
    let mut assumptions = Vec::new();
    if random.chance(25) {
        // Two inputs are equal up to a constant.
        let input = |random: &mut Random| {
            let variable = random.choose(&obligation.variables);
            (variable.node, random.below(variable.domain.len()) as u32)
        };
        let ((n, i), (m, j)) = (input(random), input(random));
        let sample = random.choose(samples);
        let apart = sample[n.index()][i as usize] - sample[m.index()][j as usize];
        let equal = Atom::new(Linear::new(vec![(n, i, 1), (m, j, -1)], -apart));
        let reverse = Linear::new(vec![(n, i, -1), (m, j, 1)], apart);
        assumptions.extend([equal, Atom::new(reverse)]);
    }
    for _ in 0..[0, 0, 1, 2][random.below(4)] {
        let form = random_form(random, obligation);
        let sample: &Vec<Vec<i128>> = random.choose(samples);
        let value = form.value(sample);
        assumptions.push(Atom::new(form.plus_constant(-value + i128::from(random.between(-1, 2)))));
    }
    assumptions
}
