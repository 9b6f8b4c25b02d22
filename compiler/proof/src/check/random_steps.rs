//! Steps at random: whatever a step narrows, no values that meet all atoms leave the ranges.

use super::state::State;
use super::*;
use crate::{Multipliers, Tighten};
use qnn_ir::testing::{Random, Shape, assignments, describe, random_obligation};
use qnn_ir::{Graph, NodeId, Op, interpret};

/// Multipliers for some slots, and weights for all atoms.
fn random_multipliers(random: &mut Random, graph: &Graph, atoms: usize) -> Multipliers {
    let most = if random.chance(70) { 5 } else { 400 };
    let mut multipliers = Multipliers::default();
    for atom in 0..atoms {
        multipliers.atoms.push((atom as u32, random.between(0, 6)));
    }
    for (id, node) in graph.nodes.iter().enumerate() {
        let count = match &node.op {
            Op::Step { .. } | Op::Wrap { .. } => node.len,
            Op::Max { windows, .. } => windows.iter().map(|window| window.len()).sum(),
            _ => 0,
        };
        for slot in (0..count).filter(|_| random.chance(60)).collect::<Vec<_>>() {
            multipliers.slots.push((id as u32, slot as u32, random.between(-most, most)));
        }
    }
    multipliers
}

#[test]
fn no_step_loses_what_meets_all_atoms() {
    let mut random = Random::new(17);
    let (mut narrowed, mut emptied, mut watched) = (0, 0, 0);
    let seeds = if cfg!(debug_assertions) { 12_000 } else { 60_000 };
    for seed in 50_000_000..50_000_000 + seeds {
        let obligation = random_obligation(seed, &Shape { points: 128, nodes: 9, ..Shape::default() });
        let Some(case) = obligation.cases.first() else { continue };
        let atoms: Vec<&Atom> = obligation.assumptions.iter().chain(case).collect();
        let graph = &obligation.graph;
        // The values of all nodes, for each assignment that meets all atoms and the splits so far.
        let values = |assignment: Vec<Vec<i64>>| {
            let inputs: Vec<Vec<i128>> =
                assignment.into_iter().map(|vector| vector.into_iter().map(i128::from).collect()).collect();
            interpret(graph, &inputs).expect("small numbers")
        };
        let mut alive: Vec<Vec<Vec<i128>>> =
            assignments(&obligation).map(values).filter(|values| atoms.iter().all(|atom| atom.holds(values))).collect();
        let mut state = State { graph, ranges: obligation.ranges().expect("small numbers"), empty: false };
        for step in 0..14 {
            let id = random.below(graph.nodes.len());
            let element = random.below(graph.nodes[id].len);
            let multipliers = random_multipliers(&mut random, graph, atoms.len());
            let before = state.ranges.clone();
            let result = match random.below(10) {
                0..3 => {
                    let range = state.ranges[id][element];
                    let value = i128::from(random.between(range.lo as i64, range.hi as i64));
                    let above = random.chance(50);
                    alive.retain(|values| (values[id][element] > value) == above);
                    let (lo, hi) = if above { (Some(value + 1), None) } else { (None, Some(value)) };
                    state.narrow(NodeId(id as u32), element, lo, hi)
                }
                3..6 => {
                    let weight = *random.choose(&[-4, -3, -2, -1, 1, 2, 3, 4]);
                    state.tighten(&Tighten { node: id as u32, element: element as u32, weight, multipliers }, &atoms)
                }
                6..9 => state.slack(&atoms, &multipliers),
                _ => state.weighted(&atoms, &multipliers, None, |_| ()).map(|bound| state.empty = bound < 0),
            };
            let place = || format!("seed {seed}, step {step}\n{}", describe(&obligation));
            assert_eq!(result, Ok(()), "{}", place());
            if state.empty {
                emptied += 1;
                assert!(alive.is_empty(), "{}", place());
                break;
            }
            narrowed += usize::from(before != state.ranges);
            watched += usize::from(before != state.ranges && !alive.is_empty());
            for values in &alive {
                let within = values.iter().zip(&state.ranges).all(|(node, ranges)| {
                    node.iter().zip(ranges).all(|(value, range)| range.lo <= *value && *value <= range.hi)
                });
                assert!(within, "{values:?} are lost: {}", place());
            }
        }
    }
    println!("{narrowed} steps narrowed a range, {watched} of them with points to lose; {emptied} emptied one");
    assert!(watched > 1000 && emptied > 500, "{watched}, {emptied}");
}
