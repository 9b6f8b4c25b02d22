//! Propagation on random obligations: no value that can occur leaves the ranges, lines or bounds.

use super::backward::Backward;
use super::*;
use qnn_ir::obligation::Obligation;
use qnn_ir::testing::{Random, Shape, assignments, describe, random_obligation};
use qnn_ir::{Matrix, Rounding, Step, Steps, interpret};

/// The ranges of a random part of an obligation's inputs, and the values of all nodes for each assignment there.
fn random_branch(random: &mut Random, obligation: &Obligation) -> (Vec<Vec<Interval>>, Vec<Vec<Vec<i128>>>) {
    let mut part = obligation.clone();
    for (lo, hi) in part.variables.iter_mut().flat_map(|variable| &mut variable.domain) {
        if random.chance(50) {
            let (a, b) = (random.between(*lo, *hi), random.between(*lo, *hi));
            (*lo, *hi) = (a.min(b), a.max(b));
        }
    }
    let values = |assignment: Vec<Vec<i64>>| {
        let inputs: Vec<Vec<i128>> =
            assignment.into_iter().map(|vector| vector.into_iter().map(i128::from).collect()).collect();
        interpret(&part.graph, &inputs).expect("small numbers")
    };
    (part.ranges().expect("small numbers"), assignments(&part).map(values).collect())
}

/// Splits at random: ranges of inner elements that lose a part, as splits and tightenings leave them, and the values that remain.
fn split(random: &mut Random, ranges: &mut [Vec<Interval>], values: &mut Vec<Vec<Vec<i128>>>) {
    let node = random.below(ranges.len());
    let element = random.below(ranges[node].len());
    let range = &mut ranges[node][element];
    let cut = i128::from(random.between(range.lo as i64, range.hi as i64));
    let below = random.chance(50) || cut == range.hi;
    *range = if below { Interval { lo: range.lo, hi: cut } } else { Interval { lo: cut + 1, hi: range.hi } };
    let range = *range;
    values.retain(|values| range.contains(values[node][element]));
}

#[test]
fn no_value_leaves_ranges_and_bounds() {
    let mut random = Random::new(3);
    let (mut closed, mut narrowed, mut bounded, mut empty) = (0, 0, 0, 0);
    let seeds = if cfg!(debug_assertions) { 12_000 } else { 200_000 };
    for seed in 70_000_000..70_000_000 + seeds {
        let obligation = random_obligation(seed, &Shape { points: 128, nodes: 9, ..Shape::default() });
        let atoms: Vec<&Atom> = obligation.assumptions.iter().chain(obligation.cases.iter().flatten()).collect();
        let (mut ranges, mut values) = random_branch(&mut random, &obligation);
        for _ in 0..random.below(3) {
            split(&mut random, &mut ranges, &mut values);
        }
        let place = || format!("seed {seed}\n{}", describe(&obligation));
        let mut propagation = Propagation::new(&obligation.graph, ranges.clone());
        if propagation.run().is_none() {
            empty += 1;
            assert!(values.is_empty(), "{}", place());
            continue;
        }
        narrowed += usize::from(propagation.ranges != ranges);
        for values in &values {
            for (ranges, vector) in propagation.ranges.iter().zip(values) {
                assert!(ranges.iter().zip(vector).all(|(range, v)| range.contains(*v)), "{}", place());
            }
        }
        for atom in &atoms {
            let reach = propagation.reach(atom);
            let Some(upper) = reach.upper else { panic!("{}", place()) };
            bounded += 1;
            let most = values.iter().map(|values| atom.linear.value(values)).max();
            assert!(most.is_none_or(|most| most <= upper), "{most:?} > {upper}: {}", place());
            closed += usize::from(upper < 0 && most.is_some());
        }
    }
    assert!(closed > 1000 && narrowed > 1000 && empty > 10, "{closed}, {narrowed}, {bounded}, {empty}");
}

/// The lines of random steps of each mode, with few values and with many.
#[test]
fn lines_enclose_steps() {
    let mut random = Random::new(11);
    let (mut sloped, mut exact) = (0, 0);
    let rounds = if cfg!(debug_assertions) { 20_000 } else { 400_000 };
    for round in 0..rounds {
        let mode = *random.choose(&Rounding::ALL);
        let mut number = |lo: i64, hi: i64| i128::from(random.between(lo, hi));
        let (numerator, denominator, offset) = (number(1, 9), number(1, 30), number(-60, 60));
        let lo = number(-30, 10);
        let step = Step::Round { numerator, denominator, offset, mode, lo, hi: lo + number(0, 60) };
        let step = match round % 4 {
            0 => Step::Table {
                lo: step.lo(),
                thresholds: (step.lo() + 1..=step.hi()).map(|v| step.threshold(v).expect("within")).collect(),
            },
            _ => step,
        };
        let from = number(-300, 200);
        let a = Interval::new(from, from + number(0, 400));
        let mut y = Interval::new(step.apply(a.lo), step.apply(a.hi));
        if number(0, 3) == 0 && y.lo < y.hi {
            // What a split leaves of the values.
            (y.lo, y.hi) = (y.lo + number(0, 1), y.hi - number(0, 1));
        }
        if y.lo > y.hi {
            continue;
        }
        let mut graph = Graph::new();
        let x = graph.push_input("x", 1);
        let id = graph.push("y", Op::Step { source: x, steps: Steps::Uniform(step.clone()) });
        let ranges = vec![vec![a], vec![y]];
        let lines = lines::lines(&graph.node(id).op, &ranges, id, round % 3 > 0).expect("small numbers");
        let pair = lines.each[0];
        sloped += usize::from(pair.above.0 > 0 && pair.below.0 > 0);
        let mut least = [i128::MAX; 2];
        for a in a.lo..=a.hi {
            let v = step.apply(a);
            if !y.contains(v) {
                continue;
            }
            let value = v << lines.exponent;
            let at = |(slope, intercept): (i64, i128)| i128::from(slope) * a + intercept;
            assert!(at(pair.below) <= value && value <= at(pair.above), "{step:?} over {a:?}, {y:?}");
            least[0] = least[0].min(at(pair.above) - value);
            least[1] = least[1].min(value - at(pair.below));
        }
        exact += usize::from(least == [0, 0]);
        // Rounding alone is between a line and its step: half a value or one, as the mode has it, and an argument's share.
        let roundings = if matches!(mode, Rounding::TowardZero | Rounding::Up) { 2 } else { 1 };
        let most = (1i128 << lines.exponent) * (roundings * denominator + numerator) / denominator + 1000;
        let whole = y == Interval::new(step.apply(a.lo), step.apply(a.hi));
        assert!(!whole || least.iter().all(|gap| *gap <= most), "{least:?} {step:?} over {a:?}, {y:?}");
    }
    assert!(sloped > rounds / 4 && exact > rounds / 2, "{sloped}, {exact}");
}

/// Great coefficients are shifted, and the shift is paid for by the constant; numbers that are too great give no bound.
#[test]
fn great_numbers_are_bounded_or_refused() {
    let mut random = Random::new(5);
    let (mut bounded, mut refused) = (0, 0);
    for round in 0..3000 {
        let weight_bits = if round % 8 == 0 { 62 } else { random.below(63) };
        let weight = |random: &mut Random| random.between(-(1 << weight_bits), 1 << weight_bits);
        let mut graph = Graph::new();
        let x = graph.push_input("x", 2);
        let mut last = x;
        for layer in 0..1 + round % 3 {
            let matrix = Matrix::dense(2, 2, (0..4).map(|_| weight(&mut random)).collect());
            let mut terms = vec![(last, matrix)];
            if layer > 0 && random.chance(30) {
                terms.push((x, Matrix::dense(2, 2, (0..4).map(|_| weight(&mut random)).collect())));
            }
            let a = graph.push("a", Op::Affine { terms, bias: vec![i128::from(weight(&mut random)), 5].into() });
            let denominator = 1i128 << weight_bits.min(57);
            let step = Step::Round { numerator: 1, denominator, offset: 0, mode: Rounding::HalfUp, lo: 0, hi: 1 << 20 };
            last = graph.push("y", Op::Step { source: a, steps: Steps::Uniform(step) });
        }
        let factor_bits = random.below(63);
        let mut factor = || random.between(-(1 << factor_bits), 1 << factor_bits);
        let form = [(last, 0, factor()), (last, 1, factor()), (x, 0, factor())];
        let boxes: Vec<Interval> = (0..2).map(|_| Interval::new(0, i128::from(random.between(0, 3)))).collect();
        let Ok(ranges) = qnn_ir::ranges(&graph, std::slice::from_ref(&boxes)) else { continue };
        let mut propagation = Propagation::new(&graph, ranges);
        propagation.run().expect("some values are left");
        propagation.backward.begin();
        let mut upper = Some(());
        for (node, element, factor) in form {
            upper = upper.and_then(|()| propagation.backward.add(node, element, factor));
        }
        let Some(upper) = upper.and_then(|()| propagation.upper()) else {
            refused += 1;
            continue;
        };
        bounded += 1;
        for a in 0..=boxes[0].hi {
            for b in 0..=boxes[1].hi {
                let values = interpret(&graph, &[vec![a, b]]).expect("within the ranges");
                let value: i128 = form.iter().map(|(n, i, c)| i128::from(*c) * values[n.index()][*i]).sum();
                assert!(value <= upper, "round {round}: {value} > {upper}");
            }
        }
    }
    assert!(bounded > 1500 && refused > 0, "{bounded}, {refused}");
}

/// What is substituted backwards cancels: a difference of two copies of one network is zero but for its roundings.
#[test]
fn differences_cancel() {
    let mut graph = Graph::new();
    let x = graph.push_input("x", 1);
    let a = graph.push("a", Op::Affine { terms: vec![(x, Matrix::dense(2, 1, vec![8, 8]))], bias: vec![3, 3].into() });
    let step = Step::Round { numerator: 1, denominator: 8, offset: 0, mode: Rounding::HalfUp, lo: -999, hi: 999 };
    let y = graph.push("y", Op::Step { source: a, steps: Steps::Uniform(step) });
    let ranges = qnn_ir::ranges(&graph, &[vec![Interval::new(-500, 500)]]).expect("small numbers");
    let mut propagation = Propagation::new(&graph, ranges);
    propagation.run().expect("not empty");
    propagation.backward = Backward::new(&graph);
    propagation.backward.begin();
    propagation.backward.add(y, 0, 1).and_then(|()| propagation.backward.add(y, 1, -1)).expect("small");
    assert_eq!(propagation.upper(), Some(1));
}

/// An input that comes after a nonlinearity still has its coefficients when that one is replaced: they are shifted and scaled with all others.
#[test]
fn inputs_after_nonlinearities_are_scaled_with_them() {
    let mut graph = Graph::new();
    let x = graph.push_input("x", 1);
    let step = Step::Round { numerator: 1, denominator: 1, offset: 0, mode: Rounding::Floor, lo: 0, hi: 100 };
    let y = graph.push("y", Op::Step { source: x, steps: Steps::Uniform(step) });
    let z = graph.push_input("z", 1);
    let one = |weight| Matrix::dense(1, 1, vec![weight]);
    let terms = vec![(y, one(-1)), (z, one(1))];
    let difference = graph.push("z - y", Op::Affine { terms, bias: vec![0].into() });
    let boxes = [vec![Interval::new(-100, 300)], vec![Interval::new(0, 1000)]];
    let ranges = qnn_ir::ranges(&graph, &boxes).expect("small numbers");
    let mut propagation = Propagation::new(&graph, ranges);
    propagation.run().expect("some values are left");
    propagation.backward.begin();
    propagation.backward.add(difference, 0, 1).expect("small");
    // With x = -100 and z = 1000 the difference is 1000.
    assert!(propagation.upper().is_some_and(|upper| upper >= 1000));
}
