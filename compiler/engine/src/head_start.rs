//! The head start: how long an engine that runs beside others has the machine to itself.

use qnn_ir::{Graph, Op};
use std::time::Duration;

/// How long the first of the engines that run side by side has the machine to itself: most of what it decides, it decides at once.
pub(crate) const HEAD_START: Duration = Duration::from_millis(500);
/// Where networks have more weights than this, the others wait until the first has given up: a solver that has seldom an answer there would
/// take half of its time.
const MOST_WEIGHTS: usize = 1 << 14;

/// Whether a graph has few weights.
pub(crate) fn is_small(graph: &Graph) -> bool {
    let matrices = graph.nodes.iter().filter_map(|node| match &node.op {
        Op::Affine { terms, .. } => Some(terms),
        _ => None,
    });
    let rows = matrices.flatten().flat_map(|(_, matrix)| (0..matrix.rows()).map(|row| matrix.row(row).count()));
    // No further than the answer.
    let mut weights = 0;
    !rows.into_iter().any(|row| {
        weights += row;
        weights > MOST_WEIGHTS
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_solver_is_kept_from_large_networks_alone() {
        for (rows, small) in [(1, true), (MOST_WEIGHTS, true), (MOST_WEIGHTS + 1, false)] {
            let mut graph = Graph::new();
            let input = graph.push_input("x", 1);
            let matrix = qnn_ir::Matrix::dense(rows, 1, vec![1; rows]);
            graph.push("a", Op::Affine { terms: vec![(input, matrix)], bias: vec![0; rows].into() });
            assert_eq!(is_small(&graph), small, "{rows}");
        }
    }
}
