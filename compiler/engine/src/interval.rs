//! The engine `interval`: exact integer intervals, of outputs and of differences of outputs.
//!
//! In: an obligation. Out: a proof where intervals alone exclude every case, a counterexample where one of a few obvious candidates is one,
//! else undecided. A form is bounded after back-substitution ([`super::back_substitution`]), so that what two outputs share cancels; and two
//! steps with opposite factors are bounded together, from an interval of the difference of their accumulators: both
//! roundings and both saturations are in that bound, exactly.

use super::presolve::{Element, InputForms, Presolved};
use super::{Answer, Control, Engine, Reason, Trust};
use qnn_ir::interrupt::work;
use qnn_ir::obligation::{Assignment, Atom, Conjunction, Linear, Obligation, Replay};
use qnn_ir::{Graph, Interval, NodeId, Op, Rounding, Step, interpret};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// Steps with more results than this are not gone through one by one.
const MOST_PIECES: i128 = 1 << 14;
/// What a piece of a staircase takes, in elementary operations.
const PIECE: usize = 32;
/// Forms with more terms than this are not searched for pairs.
const MOST_PAIRED: usize = 1 << 14;

/// The engine `interval`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Intervals;

impl Engine for Intervals {
    fn name(&self) -> &'static str {
        "interval"
    }

    fn solve(&self, obligation: &Obligation, control: &Control) -> Answer {
        control.bound(|| decide(obligation, control)).and_then(|answer| answer).unwrap_or_else(Answer::Unknown)
    }
}

fn decide(obligation: &Obligation, control: &Control) -> Result<Answer, Reason> {
    let Some(presolved) = presolve(obligation)? else { return Ok(Answer::None(Trust::Interval)) };
    let open = open_cases(obligation, &presolved, control)?;
    if open.is_empty() {
        return Ok(Answer::None(Trust::Interval));
    }
    if let Some(assignment) = guess(obligation, &presolved, &open, control)? {
        return Ok(Answer::Some(assignment));
    }
    Err(Reason::Incomplete(format!("intervals leave {} of {} cases open", open.len(), obligation.cases.len())))
}

/// [`Presolved::new`] with the engines' kind of error.
///
/// # Errors
/// Where 128 bits don't hold the intervals.
pub fn presolve(obligation: &Obligation) -> Result<Option<Presolved>, Reason> {
    Presolved::new(obligation).map_err(too_wide)
}

fn too_wide(overflow: qnn_ir::Overflow128) -> Reason {
    Reason::Incomplete(format!("node {} needs more than 128 bits", overflow.node.0))
}

/// The cases that intervals can't exclude, in order; none at all if they exclude an assumption.
///
/// # Errors
/// If `control` says stop, or 128 bits don't suffice.
pub fn open_cases(obligation: &Obligation, presolved: &Presolved, control: &Control) -> Result<Vec<usize>, Reason> {
    let mut bounds = Bounds::new(obligation, presolved);
    for assumption in &obligation.assumptions {
        if bounds.upper(&assumption.linear).is_some_and(|upper| upper < 0) {
            return Ok(Vec::new());
        }
    }
    let (mut open, mut forms) = (Vec::new(), InputForms::default());
    for (index, case) in obligation.cases.iter().enumerate() {
        if let Some(reason) = control.stop() {
            return Err(reason);
        }
        if !excluded(&mut bounds, case) && !excluded_within(obligation, presolved, case, &mut forms)? {
            open.push(index);
        }
    }
    Ok(open)
}

fn excluded<'a>(bounds: &mut Bounds<'a>, case: &'a Conjunction) -> bool {
    case.iter().any(|atom| bounds.atom(atom).is_some_and(|upper| upper < 0))
}

/// Whether the case contradicts itself once its own atoms on inputs have tightened the boxes.
fn excluded_within<'a>(
    obligation: &'a Obligation,
    presolved: &Presolved,
    case: &'a Conjunction,
    forms: &mut InputForms<'a>,
) -> Result<bool, Reason> {
    if case.len() < 2 && obligation.assumptions.is_empty() {
        return Ok(false);
    }
    // One more pass: the assumptions may say more about the inputs together with the case's atoms than alone.
    let atoms = || obligation.assumptions.iter().chain(case);
    let within = match presolved.assuming(obligation, atoms(), forms).map_err(too_wide)? {
        None => return Ok(true),
        Some(Cow::Borrowed(_)) => return Ok(false),
        Some(Cow::Owned(within)) => within,
    };
    let mut bounds = Bounds::new(obligation, &within);
    Ok(atoms().any(|atom| bounds.upper(&atom.linear).is_some_and(|upper| upper < 0)))
}

/// Upper bounds of linear forms over one obligation's boxes.
pub struct Bounds<'a> {
    obligation: &'a Obligation,
    presolved: &'a Presolved,
    /// The greatest difference of two steps, where known.
    differences: HashMap<(Element, Element), Option<i128>>,
    /// The upper bounds of atoms' forms, by their addresses: cases share atoms.
    atoms: HashMap<*const Linear, Option<i128>>,
}

impl<'a> Bounds<'a> {
    /// Nothing bounded so far.
    pub fn new(obligation: &'a Obligation, presolved: &'a Presolved) -> Bounds<'a> {
        Bounds { obligation, presolved, differences: HashMap::new(), atoms: HashMap::new() }
    }

    /// The same of an atom of the obligation.
    fn atom(&mut self, atom: &'a Atom) -> Option<i128> {
        let address = Arc::as_ptr(&atom.linear);
        if let Some(known) = self.atoms.get(&address) {
            return *known;
        }
        let upper = self.upper(&atom.linear);
        self.atoms.insert(address, upper);
        upper
    }

    /// A number that the form never exceeds; `None` where 128 bits don't suffice.
    pub fn upper(&mut self, form: &Linear) -> Option<i128> {
        let form = self.presolved.expand(self.obligation, form)?;
        let ranges = &self.presolved.ranges;
        let range = |element: &Element| ranges[element.0.index()][element.1 as usize];
        // Pairs first: what they leave over is bounded term by term.
        let mut rest: Vec<(Element, i128)> = form.terms.iter().map(|(n, i, factor)| ((*n, *i), *factor)).collect();
        let mut upper = form.constant;
        for (plus, minus) in self.pairs(&rest) {
            let factor = rest[plus].1;
            let (a, b) = (rest[plus].0, rest[minus].0);
            let apart = range(&a).hi.checked_sub(range(&b).lo)?;
            let together = self.step_difference(a, b).map_or(apart, |bound| bound.min(apart));
            upper = upper.checked_add(factor.checked_mul(together)?)?;
            (rest[plus].1, rest[minus].1) = (0, 0);
        }
        for (element, factor) in rest.iter().filter(|(_, factor)| *factor != 0) {
            upper = upper.checked_add(range(element).checked_scale(*factor)?.hi)?;
        }
        Some(upper)
    }

    /// Pairs of terms, by index, that are worth bounding together: steps with opposite factors, of the same element of two nodes (two
    /// applications of one network, two networks of one shape), or the only two terms there are.
    fn pairs(&self, terms: &[(Element, i128)]) -> Vec<(usize, usize)> {
        let is_step = |at: usize| matches!(self.obligation.graph.node(terms[at].0.0).op, Op::Step { .. });
        let opposite = |a: usize, b: usize| terms[a].1.checked_neg() == Some(terms[b].1);
        let order = |a: usize, b: usize| if terms[a].1 > 0 { (a, b) } else { (b, a) };
        if let [_, _] = terms {
            return if is_step(0) && is_step(1) && opposite(0, 1) { vec![order(0, 1)] } else { Vec::new() };
        }
        if terms.len() > MOST_PAIRED {
            return Vec::new();
        }
        let mut pairs = Vec::new();
        let mut waiting: HashMap<(u32, i128), Vec<usize>> = HashMap::new();
        for at in (0..terms.len()).filter(|at| is_step(*at)) {
            let ((_, element), factor) = terms[at];
            match waiting.get_mut(&(element, -factor)).and_then(Vec::pop) {
                Some(other) => pairs.push(order(at, other)),
                None => waiting.entry((element, factor)).or_default().push(at),
            }
        }
        pairs
    }

    /// The greatest value of a − b for two elements that are steps.
    fn step_difference(&mut self, a: Element, b: Element) -> Option<i128> {
        if let Some(known) = self.differences.get(&(a, b)) {
            return *known;
        }
        let difference = self.new_difference(a, b);
        self.differences.insert((a, b), difference);
        difference
    }

    fn new_difference(&mut self, a: Element, b: Element) -> Option<i128> {
        let obligation = self.obligation;
        let Op::Step { source: a_source, steps: a_steps } = &obligation.graph.node(a.0).op else { return None };
        let Op::Step { source: b_source, steps: b_steps } = &obligation.graph.node(b.0).op else { return None };
        let (a_acc, b_acc) = ((*a_source, a.1), (*b_source, b.1));
        let difference = self.upper(&Linear::new(vec![(a_acc.0, a_acc.1, 1), (b_acc.0, b_acc.1, -1)], 0))?;
        let range = |element: Element| self.presolved.ranges[element.0.index()][element.1 as usize];
        greatest_difference(a_steps.at(a.1 as usize), range(a_acc), b_steps.at(b.1 as usize), range(b_acc), difference)
    }
}

/// The greatest f(a) − g(b) over integers a and b of the given ranges with a − b <= difference; `None` where 128 bits don't suffice or no
/// such a and b exist.
///
/// f is monotone, so a is best as great as it may be: min(b + difference, greatest a). That grows with b, so within one piece of
/// the staircase g only the last b matters, and going through g's pieces is exact.
pub fn greatest_difference(f: &Step, a: Interval, g: &Step, b: Interval, difference: i128) -> Option<i128> {
    let at = |b: i128| -> Option<i128> {
        let a_best = b.checked_add(difference)?.min(a.hi);
        if a_best < a.lo { None } else { f.checked_apply(a_best)?.checked_sub(g.checked_apply(b)?) }
    };
    let (first, last) = (g.checked_apply(b.lo)?, g.checked_apply(b.hi)?);
    if last.checked_sub(first)? > MOST_PIECES {
        return if f == g { rounded_difference(f, difference) } else { None };
    }
    let mut greatest = at(b.hi)?;
    for v in first + 1..=last {
        work(PIECE);
        let end = g.threshold(v)?.checked_sub(1)?;
        greatest = at(end).map_or(greatest, |value| greatest.max(value));
    }
    Some(greatest)
}

/// A bound of f(a) − f(b) for a − b <= difference: a rounded quotient moves by less than the quotient's own move plus one (two nearest roundings err by a half
/// each; towards zero, both err to the same side or towards each other), and away from zero by less than that plus two, for they err away from each other.
fn rounded_difference(f: &Step, difference: i128) -> Option<i128> {
    let Step::Round { numerator, denominator, mode, .. } = f else { return None };
    let errors = if *mode == Rounding::Up { 2 } else { 1 };
    let quotient = num_integer::Integer::div_floor(&numerator.checked_mul(difference)?, denominator);
    Some(quotient.checked_add(errors)?.max(0))
}

/// Tries a few assignments: the middle of the boxes and, for each open case, the corner that its linearised goal points to.
fn guess(
    obligation: &Obligation,
    presolved: &Presolved,
    open: &[usize],
    control: &Control,
) -> Result<Option<Assignment>, Reason> {
    let holds = |assignment: &Assignment| matches!(obligation.replay(assignment), Replay::Holds(_));
    let mut middle: Assignment = (presolved.boxes.iter())
        .map(|boxes| boxes.iter().map(|range| narrow(range.lo + (range.hi - range.lo) / 2)).collect())
        .collect();
    presolved.repair(obligation, &mut middle);
    if holds(&middle) {
        return Ok(Some(middle));
    }
    if presolved.boxes.iter().flatten().all(|range| range.is_point()) {
        return Ok(None);
    }
    let inputs: Vec<Vec<i128>> = middle.iter().map(|v| v.iter().map(|n| i128::from(*n)).collect()).collect();
    let Ok(values) = interpret(&obligation.graph, &inputs) else { return Ok(None) };
    let slopes = Slopes { obligation, presolved, values: &values };
    for case in open {
        if let Some(reason) = control.stop() {
            return Err(reason);
        }
        let gradient = slopes.gradient(&obligation.cases[*case]);
        let mut corner: Assignment = Vec::with_capacity(middle.len());
        for (variable, boxes) in presolved.boxes.iter().enumerate() {
            let slope = |i: usize| gradient[obligation.variables[variable].node.index()].get(i).copied();
            let pick = |(i, range): (usize, &Interval)| match slope(i).unwrap_or(0.0) {
                up if up > 0.0 => narrow(range.hi),
                down if down < 0.0 => narrow(range.lo),
                _ => middle[variable][i],
            };
            corner.push(boxes.iter().enumerate().map(pick).collect());
        }
        presolved.repair(obligation, &mut corner);
        if holds(&corner) {
            return Ok(Some(corner));
        }
    }
    Ok(None)
}

/// A box lies within its variable's domain, which is of 64 bits.
fn narrow(value: i128) -> i64 {
    value.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// A linear view of the network, for guessing only: nothing rests on it.
struct Slopes<'a> {
    obligation: &'a Obligation,
    presolved: &'a Presolved,
    /// The values of all nodes in the middle of the boxes.
    values: &'a [Vec<i128>],
}

impl Slopes<'_> {
    /// By node, how the sum of the case's atoms that do not hold in the middle grows with each element.
    fn gradient(&self, case: &Conjunction) -> Vec<Vec<f64>> {
        let graph = &self.obligation.graph;
        let mut gradient: Vec<Vec<f64>> = vec![Vec::new(); graph.nodes.len()];
        for atom in case.iter().filter(|atom| !atom.holds(self.values)) {
            for (node, element, factor) in &atom.linear.terms {
                add(graph, &mut gradient, *node, *element as usize, *factor as f64);
            }
        }
        for id in graph.ids().rev() {
            if matches!(graph.node(id).op, Op::Input) {
                continue;
            }
            let own = std::mem::take(&mut gradient[id.index()]);
            work(own.len());
            for (element, slope) in own.into_iter().enumerate().filter(|(_, slope)| *slope != 0.0) {
                self.pull_back(&mut gradient, id, element, slope);
            }
        }
        gradient
    }

    fn pull_back(&self, gradient: &mut [Vec<f64>], id: NodeId, element: usize, slope: f64) {
        let graph = &*self.obligation.graph;
        match &graph.node(id).op {
            Op::Input | Op::Constant(_) => {}
            Op::Affine { terms, .. } => {
                for (source, matrix) in terms {
                    work(matrix.entries(element));
                    matrix.add_row_real(element, slope, of(graph, gradient, *source));
                }
            }
            Op::Step { source, .. } => {
                let (y, a) = (self.range(id, element), self.range(*source, element));
                let own = (y.hi - y.lo) as f64 / (a.hi.saturating_sub(a.lo)).max(1) as f64;
                add(graph, gradient, *source, element, slope * own);
            }
            Op::Wrap { source, .. } => add(graph, gradient, *source, element, slope),
            Op::Max { source, windows } => {
                let greatest = windows[element].iter().max_by_key(|i| self.values[source.index()][**i as usize]);
                if let Some(at) = greatest {
                    add(graph, gradient, *source, *at as usize, slope);
                }
            }
            Op::Gather { picks } => {
                let (source, at) = picks[element];
                add(graph, gradient, source, at as usize, slope);
            }
        }
    }

    fn range(&self, node: NodeId, element: usize) -> Interval {
        self.presolved.ranges[node.index()][element]
    }
}

/// A node's slopes.
fn of<'a>(graph: &Graph, gradient: &'a mut [Vec<f64>], node: NodeId) -> &'a mut [f64] {
    let of = &mut gradient[node.index()];
    if of.is_empty() {
        of.resize(graph.len(node), 0.0);
    }
    of
}

fn add(graph: &Graph, gradient: &mut [Vec<f64>], node: NodeId, element: usize, slope: f64) {
    of(graph, gradient, node)[element] += slope;
}

#[cfg(test)]
mod tests {
    use super::*;
    use qnn_ir::testing::{Random, Shape, brute_force, describe, random_obligation};

    #[test]
    fn agrees_with_enumeration() {
        let (mut proved, mut violated) = (0, 0);
        for seed in 0..6000 {
            let obligation = random_obligation(seed, &Shape::default());
            match Intervals.solve(&obligation, &Control::default()) {
                Answer::None(_) => {
                    proved += 1;
                    let truth = brute_force(&obligation);
                    assert!(truth.is_none(), "seed {seed}: {truth:?} answers\n{}", describe(&obligation));
                }
                Answer::Some(assignment) => {
                    violated += 1;
                    let replay = obligation.replay(&assignment);
                    assert!(matches!(replay, Replay::Holds(_)), "seed {seed}: {replay:?}\n{}", describe(&obligation));
                }
                Answer::Unknown(Reason::Incomplete(_)) => {}
                Answer::Unknown(other) => panic!("seed {seed}: {other}"),
            }
        }
        assert!(proved > 1000 && violated > 1000, "{proved} proved, {violated} violated: the generator is lopsided");
    }

    /// The bound on a difference of two steps is reached, whatever rounds and saturates.
    #[test]
    fn differences_of_steps_are_exact() {
        let mut random = Random::new(1);
        for _ in 0..20_000 {
            let a = random.between(-20, 20);
            let a = Interval::new(a.into(), (a + random.between(0, 30)).into());
            let b = random.between(-20, 20);
            let b = Interval::new(b.into(), (b + random.between(0, 30)).into());
            let f = qnn_ir::testing::random_step(&mut random, &Shape::default(), a);
            let g = if random.chance(50) {
                f.clone()
            } else {
                qnn_ir::testing::random_step(&mut random, &Shape::default(), b)
            };
            let most = i128::from(random.between(-30, 30));
            let pairs = (a.lo..=a.hi).flat_map(|x| (b.lo..=b.hi).map(move |y| (x, y)));
            let truth = pairs.filter(|(x, y)| x - y <= most).map(|(x, y)| f.apply(x) - g.apply(y)).max();
            assert_eq!(greatest_difference(&f, a, &g, b, most), truth, "{f:?} on {a:?}, {g:?} on {b:?}, {most}");
            if let (true, Some(truth)) = (f == g, truth) {
                assert!(rounded_difference(&f, most).is_none_or(|bound| truth <= bound), "{f:?} moves by {truth}");
            }
        }
    }
}
