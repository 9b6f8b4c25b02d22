//! Random networks: how far an enclosure is from the real graph is at most what it says.

use super::*;
use crate::interpret;
use crate::rational::from_f64;
use crate::real::{RealMatrix, RealOp, Row, Values};
use crate::testing::Random;
use num_bigint::BigInt;
use num_traits::{One, Signed, Zero};

fn float(random: &mut Random, spread: i64) -> Rational {
    let mantissa = random.between(-(1 << 24), 1 << 24) as f64;
    from_f64(mantissa * 2f64.powi((random.between(-spread, spread) - 24) as i32)).unwrap()
}

/// A random network: its graph, its output, its inputs' ranges.
fn random_graph(random: &mut Random) -> (RealGraph, usize, Vec<Vec<Interval>>) {
    let spread = [0, 2, 8, 60, 400][random.between(0, 4) as usize];
    let dyadic = random.between(0, 2) == 0;
    let value = |random: &mut Random| match dyadic {
        true => Rational::new(random.between(-20, 20).into(), 8.into()),
        false => float(random, spread),
    };
    let mut graph = RealGraph::default();
    let len = random.between(1, 4) as usize;
    let scales = (0..len).map(|i| Rational::new(BigInt::one(), (16 * (1 + i as i64 % 2)).into())).collect();
    let mut nodes = vec![graph.push(RealOp::Input(scales))];
    let end = |random: &mut Random| random.between(-40, 200);
    let boxes = vec![
        (0..len)
            .map(|_| (end(random), end(random)))
            .map(|(a, b)| Interval::new(a.min(b).into(), a.max(b).into()))
            .collect(),
    ];
    for _ in 0..random.between(1, 7) {
        let source = nodes[random.between(0, nodes.len() as i64 - 1) as usize];
        let len = graph.len(source);
        let op = match random.between(0, 6) {
            0 => RealOp::Clamp { source, lo: Rational::zero(), hi: None },
            1 => {
                let (a, b) = (value(random), value(random));
                RealOp::Clamp { source, lo: a.clone().min(b.clone()), hi: Some(a.max(b)) }
            }
            2 => {
                let mut window =
                    || (0..random.between(1, 3)).map(|_| random.between(0, len as i64 - 1) as u32).collect();
                RealOp::Max { source, windows: (0..2).map(|_| window()).collect() }
            }
            3 => {
                let other = nodes[random.between(0, nodes.len() as i64 - 1) as usize];
                RealOp::Gather(Arc::new([(source, 0), (other, 0), (source, len as u32 - 1)]))
            }
            kind => {
                let rows = random.between(1, 4) as usize;
                let matrix = |random: &mut Random, len: usize| {
                    let rows: Vec<Row> = match random.between(0, 3) {
                        0 => (0..rows).map(|_| vec![(random.between(0, len as i64 - 1) as u32, 0)]).collect(),
                        _ => (0..rows as u32)
                            .map(|r| (0..len as u32).map(|c| (c, r * len as u32 + c)).collect())
                            .collect(),
                    };
                    let values: Vec<Rational> = (0..rows.len() * len).map(|_| value(random)).collect();
                    RealMatrix::new(len, rows.into(), Values::new(&values))
                };
                let mut terms = vec![(source, matrix(random, len))];
                if kind == 6 {
                    let other = nodes[random.between(0, nodes.len() as i64 - 1) as usize];
                    terms.push((other, matrix(random, graph.len(other))));
                }
                RealOp::Affine { terms, bias: (0..rows).map(|_| value(random)).collect() }
            }
        };
        nodes.push(graph.push(op));
    }
    (graph, nodes[nodes.len() - 1], boxes)
}

/// The distance of the enclosure is at most its errors, and zero where it is exact.
#[test]
fn encloses() {
    let (mut exact, mut rounded, mut refused) = (0, 0, 0);
    for seed in 0..4000 {
        let mut random = Random::new(seed);
        let (graph, output, boxes) = random_graph(&mut random);
        let Ok(enclosure) = Enclosure::new(&graph, output, &boxes, &integer(1)) else {
            refused += 1;
            continue;
        };
        let errors = enclosure.errors(&boxes).unwrap();
        *(if enclosure.is_exact() { &mut exact } else { &mut rounded }) += 1;
        for _ in 0..20 {
            let point: Vec<i128> =
                boxes[0].iter().map(|r| i128::from(random.between(r.lo as i64, r.hi as i64))).collect();
            let within: Vec<Interval> = point.iter().map(|n| Interval::new(*n, *n)).collect();
            let near = enclosure.errors(&[within]).unwrap();
            let real = graph.evaluate(&[&point], output);
            let found = &interpret(&enclosure.graph, &[point]).unwrap()[enclosure.output.index()];
            for (i, real) in real.iter().enumerate() {
                let off = (real / &enclosure.scale - integer(found[i])).abs();
                assert!(off <= integer(near[i]), "seed {seed}: {off} > {}", near[i]);
                assert!(near[i] <= errors[i], "seed {seed}: a smaller box has a larger error");
            }
        }
    }
    assert!(exact > 500 && rounded > 500 && refused < 600, "{exact} exact, {rounded} rounded, {refused} refused");
}
