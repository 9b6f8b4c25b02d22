//! The batched interpreter against the reference interpreter.

use super::lane::Lane;
use super::lookup::Lookup;

use super::{Batch, LANES, Points, Width};
use crate::obligation::{Linear, Obligation};
use crate::testing::{Random, Shape, describe, random_obligation};
use crate::{Graph, Interval, Matrix, Op, Rounding, Step, interpret};
use std::sync::Arc;

/// All elements of all nodes, and the atoms of an obligation, as forms.
fn forms(obligation: &Obligation) -> Vec<Linear> {
    let graph = &obligation.graph;
    let element = |id| (0..graph.len(id) as u32).map(move |element| Linear::new(vec![(id, element, 1)], 0));
    let atoms = obligation.table().atoms.into_iter().map(|atom| (*atom.linear).clone()).collect::<Vec<_>>();
    graph.ids().flat_map(element).chain(atoms).collect()
}

/// Compares the forms' values at all inputs; how many there were, and whether numbers have 64 bits. `None` if the batch refuses.
fn compare(obligation: &Obligation, boxes: &[Vec<Interval>], forms: &[Linear], seed: u64) -> Option<(u64, bool)> {
    let references: Vec<&Linear> = forms.iter().collect();
    let mut batch = Batch::new(&obligation.graph, boxes, &references)?;
    let is_long = matches!(batch.width, Width::Long(..));
    let points = Points::new(obligation.graph.inputs(), boxes, 1 << 20).expect("few inputs");
    let mut inputs: Vec<Vec<i128>> = boxes.iter().map(|ranges| ranges.iter().map(|range| range.lo).collect()).collect();
    let ids: Vec<_> = obligation.graph.inputs().collect();
    let mut from = 0;
    while from < points.count() {
        let lanes = points.fill(&mut batch, from);
        let values = batch.run().to_vec();
        for lane in 0..lanes {
            for (node, element, value) in points.at(from + lane as u64) {
                let variable = ids.iter().position(|id| *id == node).expect("an input");
                inputs[variable][element as usize] = i128::from(value);
            }
            let truth = interpret(&obligation.graph, &inputs).expect("the ranges fit");
            for (form, values) in forms.iter().zip(&values) {
                let text = || format!("seed {seed}, {inputs:?}, {form:?}\n{}", describe(obligation));
                assert_eq!(i128::from(values[lane]), form.value(&truth), "{}", text());
            }
        }
        from += lanes as u64;
    }
    Some((points.count(), is_long))
}

#[test]
fn agrees_with_the_reference_interpreter() {
    let (mut short, mut long) = (0, 0);
    for seed in 0..1500 {
        let shape = Shape { points: 400, weight: [9, 1 << 12, 1 << 20][seed as usize % 3], ..Shape::default() };
        let obligation = random_obligation(seed, &shape);
        let all = forms(&obligation);
        // All forms, or few of them: then not all of the graph is computed.
        let mut random = Random::new(seed);
        let few: Vec<Linear> = all.iter().filter(|_| random.chance(20)).cloned().collect();
        for forms in [&all, &few] {
            match compare(&obligation, &obligation.boxes(), forms, seed).expect("64 bits suffice") {
                (points, true) => long += points,
                (points, false) => short += points,
            }
        }
    }
    assert!(short > 50_000 && long > 10_000, "{short}, {long}");
}

/// At the ends of 32 and 64 bits: a sum whose parts are beyond them is exact, a result beyond them is refused.
#[test]
fn numbers_are_as_long_as_their_results() {
    let network = |factor: i64, bias: i128| {
        let mut graph = Graph::new();
        let x = graph.push_input("x", 2);
        let weights = Matrix::dense(1, 2, vec![factor, -factor]);
        let y = graph.push("y", Op::Affine { terms: vec![(x, weights)], bias: Arc::new([bias]) });
        (graph, Linear::new(vec![(y, 0, 1)], 0))
    };
    let boxes = [vec![Interval::new(100, 101), Interval::new(100, 101)]];
    let most = |factor: i64| i128::from(factor) * 2 + 5;
    for (factor, bias, long) in [
        (1 << 25, 5, Some(false)),
        (1 << 30, 5, Some(false)),
        (1 << 30, most(1 << 30), Some(true)),
        (1 << 61, 5, Some(true)),
        (1 << 62, 5, Some(true)),
        (1 << 62, most(1 << 62), None),
        (i64::MAX, 5, None),
    ] {
        let (graph, form) = network(factor, bias);
        let batch = Batch::new(&graph, &boxes, &[&form]);
        assert_eq!(batch.as_ref().map(|batch| matches!(batch.width, Width::Long(..))), long, "{factor}");
        let Some(mut batch) = batch else { continue };
        let points = Points::new(graph.inputs(), &boxes, 4).expect("four inputs");
        assert_eq!((points.count(), points.fill(&mut batch, 0)), (4, 4));
        let values: Vec<i128> = batch.run()[0][..4].iter().map(|value| i128::from(*value)).collect();
        assert_eq!(values, [bias, bias - i128::from(factor), bias + i128::from(factor), bias], "{factor}");
    }
}

/// A part of a box has other constants, and other ends of tables.
#[test]
fn parts_of_boxes_agree() {
    for seed in 5000..5600 {
        let obligation = random_obligation(seed, &Shape::default());
        let mut random = Random::new(seed);
        let part = |range: &Interval, random: &mut Random| {
            let (a, b) =
                (random.between(range.lo as i64, range.hi as i64), random.between(range.lo as i64, range.hi as i64));
            Interval::new(a.min(b).into(), a.max(b).into())
        };
        let boxes: Vec<Vec<Interval>> = obligation
            .boxes()
            .iter()
            .map(|ranges| ranges.iter().map(|range| part(range, &mut random)).collect())
            .collect();
        compare(&obligation, &boxes, &forms(&obligation), seed);
    }
}

/// Checks a lookup at all of an interval's arguments, or at many of them.
fn check<T: Lane>(step: &Step, range: Interval, random: &mut Random) -> &'static str {
    let lookup = Lookup::<T>::new(step, range);
    let arguments: Vec<i128> = if range.hi - range.lo < 3000 {
        (range.lo..=range.hi).collect()
    } else {
        let near = (step.lo() + 1..=step.hi())
            .step_by(1 + (step.hi() - step.lo()) as usize / 300)
            .filter_map(|v| step.threshold(v));
        let near = near.flat_map(|t| [t - 1, t]).filter(|a| range.contains(*a)).collect::<Vec<_>>();
        let mut any = || i128::from(random.between(range.lo as i64, range.hi as i64));
        (0..300).map(|_| any()).chain(near).chain([range.lo, range.hi]).collect()
    };
    for arguments in arguments.chunks(LANES) {
        let mut lanes = [T::low(range.lo); LANES];
        lanes.iter_mut().zip(arguments).for_each(|(lane, a)| *lane = T::low(*a));
        let mut results = [T::low(0); LANES];
        super::kernels::look(&lookup, &lanes, &mut results);
        for (a, result) in arguments.iter().zip(results) {
            assert_eq!(i128::from(result.wide()), step.apply(*a), "{step:?} at {a} of {range:?}");
        }
    }
    match lookup {
        Lookup::Buckets(_) => "buckets",
        Lookup::Search { .. } => "search",
        Lookup::Shift { .. } => "shift",
        Lookup::Plain(_) => "plain",
    }
}

#[test]
fn lookups_are_their_steps() {
    use Rounding::{Ceil, Floor, HalfAway, HalfDown, HalfEven, HalfTowardZero, HalfUp, TowardZero, Up};
    let mut seen = std::collections::BTreeMap::new();
    for seed in 0..3000 {
        let mut random = Random::new(seed);
        let magnitude = 1i64 << random.between(1, 30);
        let (a, b) = (random.between(-magnitude, magnitude), random.between(-magnitude, magnitude));
        let range = Interval::new(a.min(b).into(), a.max(b).into());
        let modes = [Ceil, Floor, HalfAway, HalfDown, HalfEven, HalfTowardZero, HalfUp, TowardZero, Up];
        let step = if random.chance(60) {
            let values = 1i64 << random.between(0, 24);
            let lo = random.between(-values, values);
            Step::Round {
                numerator: random.between(1, 9).into(),
                denominator: if random.chance(50) { 1 << random.between(0, 12) } else { random.between(1, 999).into() },
                offset: random.between(-magnitude, magnitude).into(),
                mode: modes[random.below(modes.len())],
                lo: lo.into(),
                hi: random.between(lo, lo + values).into(),
            }
        } else {
            // Thresholds in clusters, some of them equal.
            let count = random.below(300);
            let spread = 1i64 << random.between(0, 30);
            let mut thresholds: Vec<i128> = (0..count)
                .map(|_| if random.chance(50) { random.between(-spread, spread) } else { random.between(-9, 9) }.into())
                .collect();
            thresholds.sort_unstable();
            Step::Table { lo: random.between(-200, 200).into(), thresholds: Arc::from(thresholds) }
        };
        *seen.entry(check::<i32>(&step, range, &mut random)).or_insert(0) += 1;
        *seen.entry(check::<i64>(&step, range, &mut random)).or_insert(0) += 1;
    }
    assert!(
        ["buckets", "search", "shift", "plain"].iter().all(|kind| seen.get(kind).is_some_and(|n| *n > 30)),
        "{seen:?}"
    );
}
