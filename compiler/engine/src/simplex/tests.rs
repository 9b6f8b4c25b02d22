//! The solver on small random problems: its bound holds at every input, whenever it stops and from wherever it starts.

use super::{Outcome, Simplex, View};
use crate::relaxation::dual_bound::live_nonlinearities;
use crate::relaxation::facet::{Facet, facets};
use crate::relaxation::{Problem, Ranges, Relaxation};
use qnn_ir::interpret;
use qnn_ir::obligation::Obligation;
use qnn_ir::testing::{Random, Shape, assignments, random_obligation};
use std::sync::Arc;

/// A random network, the ranges of its columns, and the last atom of its first case as the objective.
struct Instance {
    obligation: Obligation,
    relaxation: Relaxation,
    ranges: Ranges,
}

impl Instance {
    fn random(seed: u64) -> Option<Instance> {
        let obligation = random_obligation(seed, &Shape { points: 500, ..Shape::default() });
        obligation.cases.first()?.last()?;
        let relaxation = Relaxation::new(&obligation.graph)?;
        let boxes: Vec<(i64, i64)> = obligation.variables.iter().flat_map(|v| v.domain.iter().copied()).collect();
        let ranges = Ranges::new(&relaxation, &boxes)?;
        Some(Instance { obligation, relaxation, ranges })
    }

    /// Without constraints, so that every input counts.
    fn problem(&self) -> Option<Problem<'_>> {
        let objective = self.relaxation.express(&self.obligation.cases[0].last()?.linear)?;
        Some(Problem::new(
            &self.relaxation,
            vec![Arc::new(objective)],
            Vec::new(),
            live_nonlinearities(&self.relaxation, &self.ranges).into(),
        ))
    }

    /// The columns at each input.
    fn points(&self) -> impl Iterator<Item = Vec<f64>> + '_ {
        assignments(&self.obligation).map(|assignment| {
            let inputs: Vec<Vec<i128>> =
                assignment.iter().map(|values| values.iter().copied().map(i128::from).collect()).collect();
            let values = interpret(&self.obligation.graph, &inputs).expect("a small network");
            self.relaxation
                .columns
                .iter()
                .map(|(node, element)| values[node.0 as usize][*element as usize] as f64)
                .collect()
        })
    }
}

fn all_facets(problem: &Problem<'_>, ranges: &Ranges) -> Vec<Option<Arc<[Facet]>>> {
    let mut all = vec![None; problem.relaxation.nonlinearities.len()];
    for nonlinearity in problem.live.iter() {
        all[*nonlinearity as usize] =
            Some(facets(problem.relaxation, &problem.relaxation.nonlinearities[*nonlinearity as usize], ranges));
    }
    all
}

fn objective(problem: &Problem<'_>) -> Vec<f64> {
    let mut objective = vec![0.0; problem.relaxation.columns.len()];
    problem.atoms[0].add_to(&mut objective, 1.0);
    objective
}

fn run(simplex: &mut Simplex, problem: &Problem<'_>, ranges: &Ranges, limit: u64) -> Outcome {
    let (facets, atoms) = (all_facets(problem, ranges), Vec::new());
    let view = View { ranges, nonlinearities: &problem.live, facets: &facets, atoms: &atoms };
    simplex.run(problem, &view, f64::NEG_INFINITY, limit, &|| false)
}

#[test]
fn wherever_it_stops_its_value_is_a_bound() {
    let (mut optimal, mut points) = (0, 0);
    for seed in 0..300 {
        let Some(instance) = Instance::random(seed) else { continue };
        let Some(problem) = instance.problem() else { continue };
        let greatest = instance.points().map(|x| problem.atoms[0].value(&x) - problem.atoms[0].constant);
        let greatest = greatest.inspect(|_| points += 1).fold(f64::NEG_INFINITY, f64::max);
        for limit in [0, 1, 2, 5, 500] {
            let mut simplex = Simplex::new(&problem, &instance.ranges, objective(&problem));
            let outcome = run(&mut simplex, &problem, &instance.ranges, limit);
            optimal += usize::from(limit == 500 && outcome == Outcome::Optimal);
            assert!(simplex.value() >= greatest - 1e-6, "seed {seed}, {limit} steps: {} < {greatest}", simplex.value());
        }
    }
    assert!(optimal > 200 && points > 10_000, "{optimal} optima, {points} points");
}

#[test]
fn every_input_satisfies_the_facets() {
    for seed in 0..300 {
        let Some(instance) = Instance::random(seed) else { continue };
        let Some(problem) = instance.problem() else { continue };
        let all = all_facets(&problem, &instance.ranges);
        for x in instance.points() {
            let values: Vec<f64> = instance.relaxation.exprs.iter().map(|expr| expr.value(&x)).collect();
            for (nonlinearity, facets) in instance.relaxation.nonlinearities.iter().zip(&all) {
                for facet in facets.iter().flat_map(|facets| facets.iter()) {
                    let left = facet.alpha * x[nonlinearity.column as usize] + facet.activity(&values);
                    assert!(left <= facet.gamma + 1e-6, "seed {seed}: {left} > {} of {nonlinearity:?}", facet.gamma);
                }
            }
        }
    }
}

#[test]
fn a_warm_start_ends_where_a_cold_one_does() {
    let mut compared = 0;
    for seed in 0..300 {
        let Some(instance) = Instance::random(seed) else { continue };
        let Some(problem) = instance.problem() else { continue };
        let mut random = Random::new(seed);
        let mut warm = Simplex::new(&problem, &instance.ranges, objective(&problem));
        if run(&mut warm, &problem, &instance.ranges, 500) != Outcome::Optimal {
            continue;
        }
        let before = warm.value();
        let mut ranges = instance.ranges.clone();
        let column = random.below(instance.relaxation.columns.len());
        let (low, high) = (ranges.lower[column], ranges.upper[column]);
        let middle = ((low + high) / 2.0).floor();
        if ranges.narrow_column(&instance.relaxation, column, low, middle, &mut Vec::new()).is_err() {
            continue;
        }
        warm.set_ranges(&problem, &ranges);
        let mut cold = Simplex::new(&problem, &ranges, objective(&problem));
        let ends = (run(&mut warm, &problem, &ranges, 500), run(&mut cold, &problem, &ranges, 500));
        if ends != (Outcome::Optimal, Outcome::Optimal) {
            continue;
        }
        // Each start perturbs the costs in its own way, by a hundredth at most.
        assert!((warm.value() - cold.value()).abs() < 0.03, "seed {seed}: {} and {}", warm.value(), cold.value());
        assert!(warm.value() <= before + 1e-6, "seed {seed}: {} above {before}", warm.value());
        compared += 1;
    }
    assert!(compared > 150, "{compared}");
}
