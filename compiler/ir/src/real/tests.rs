//! One form of numbers, products and hashes, and work that is counted.

use super::digest::hash_numbers;
use super::*;
use crate::interrupt::{Interrupted, until};
use crate::rational::{common_denominator, from_f64, integer, ratio};
use crate::testing::Random;
use num_bigint::BigInt;
use num_traits::{One, ToPrimitive};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Numbers and denominator as the definition has them.
fn plain(values: &[Rational]) -> (Vec<BigInt>, BigInt) {
    let denominator = common_denominator(values);
    (values.iter().map(|value| value.numer() * (&denominator / value.denom())).collect(), denominator)
}

fn parts_of(values: &Values) -> (Vec<BigInt>, BigInt) {
    ((0..values.len()).map(|i| values.numbers.get(i)).collect(), values.denominator.clone())
}

/// However values are put over a denominator, it is the least one, and nothing of them is lost.
#[test]
fn values_have_one_form() {
    let (mut short, mut long) = (0, 0);
    for seed in 0..2000 {
        let mut random = Random::new(seed);
        let len = random.between(0, 5) as usize;
        let spread = [0, 3, 40, 1000][random.between(0, 3) as usize];
        let float = |random: &mut Random| {
            let mantissa = [0, 1, 6, random.between(-(1 << 53), 1 << 53)][random.between(0, 3) as usize];
            mantissa as f64 * 2f64.powi(random.between(-spread, spread.min(900)) as i32)
        };
        let floats: Vec<f64> = (0..len).map(|_| float(&mut random)).collect();
        let rationals: Vec<Rational> = floats.iter().map(|value| from_f64(*value).unwrap()).collect();
        let values = Values::floats(&floats).unwrap();
        assert_eq!(values, Values::new(&rationals), "seed {seed}");
        assert_eq!(parts_of(&values), plain(&rationals), "seed {seed}");
        assert!((0..len).all(|i| values.get(i) == rationals[i]), "seed {seed}");
        *(if matches!(values.numbers, Numbers::Short(_)) { &mut short } else { &mut long }) += 1;

        let most = [3, 1000, i64::MAX][random.between(0, 2) as usize];
        let even = random.between(1, 6);
        let numbers: Vec<i64> = (0..len).map(|_| random.between(-most / even, most / even) * even).collect();
        let scale = match random.between(0, 2) {
            0 => ratio(random.between(1, 30).into(), random.between(1, 30).into()),
            1 => Rational::new(BigInt::from(3) << 100, BigInt::from(random.between(1, 40))),
            _ => Rational::new(random.between(1, 9).into(), BigInt::one() << random.between(0, 200)),
        };
        let rationals: Vec<Rational> = numbers.iter().map(|n| integer((*n).into()) * &scale).collect();
        assert_eq!(Values::scaled(&numbers, &scale), Values::new(&rationals), "seed {seed}");
    }
    assert!(short > 500 && long > 200, "{short} short, {long} long");
    assert_eq!((Values::floats(&[f64::NAN]), Values::floats(&[1.0, f64::INFINITY])), (None, None));
}

/// A product of matrices is that of their values.
#[test]
fn products_have_one_form() {
    for seed in 0..500 {
        let mut random = Random::new(seed);
        let wide = [0, 60, 200][random.between(0, 2) as usize];
        let value = |random: &mut Random| {
            Rational::new(random.between(-6, 6).into(), BigInt::from(6) << random.between(0, wide))
        };
        let diagonal: Vec<Rational> = (0..3).map(|_| value(&mut random)).collect();
        let dense: Vec<Rational> = (0..6).map(|_| value(&mut random)).collect();
        let rows: Vec<Row> = (0..3).map(|r| (0..2).map(|c| (c, r * 2 + c)).collect()).collect();
        let product =
            RealMatrix::diagonal(&diagonal).times(&RealMatrix::new(2, rows.clone().into(), Values::new(&dense)));
        let values: Vec<Rational> = (0..6).map(|i| &diagonal[i / 2] * &dense[i]).collect();
        assert_eq!(product, RealMatrix::new(2, rows.into(), Values::new(&values)), "seed {seed}");
    }
}

/// Numbers are hashed by their least bytes, whatever holds them.
#[test]
fn hashes_are_of_the_numbers() {
    let mut numbers = vec![BigInt::zero(), i128::MAX.into(), i128::MIN.into()];
    for bits in 0..127u32 {
        let power: BigInt = BigInt::one() << bits;
        numbers.extend([power.clone(), &power - 1i32, -&power, -&power - 1i32]);
    }
    let short = Numbers::new(numbers.len(), |i| numbers[i].to_i128(), |i| numbers[i].clone());
    assert!(matches!(short, Numbers::Short(_)));
    let hash = |numbers: &Numbers| {
        let mut hasher = blake3::Hasher::new();
        hash_numbers(numbers, &mut hasher);
        hasher.finalize()
    };
    assert_eq!(hash(&short), hash(&Numbers::Long(numbers.into())));
}

/// A matrix with as many entries as rows times columns, each a number of its own.
fn full(rows: usize, columns: usize, values: Values) -> RealMatrix {
    let row = |r: usize| (0..columns).map(|c| (c as u32, (r * columns + c) as u32)).collect();
    RealMatrix::new(columns, (0..rows).map(row).collect(), values)
}

/// A layer that is full.
fn dense(side: usize, values: &[i64]) -> RealGraph {
    let mut graph = RealGraph::default();
    graph.push(RealOp::Input(vec![ratio(1, 256); side].into()));
    let matrix = full(side, side, Values::scaled(values, &ratio(1, 1024)));
    let bias = vec![Rational::zero(); side].into();
    graph.push(RealOp::Affine { terms: vec![(0, matrix)], bias });
    graph
}

/// Whatever is done with many numbers asks on its way whether to go on, the more often the more there are.
#[test]
fn long_work_is_counted() {
    fn boxes(len: usize) -> Vec<Vec<crate::Interval>> {
        vec![vec![crate::Interval::new(0, 255); len]]
    }
    fn even(len: usize) -> Vec<i64> {
        (0..len as i64).map(|i| 2 * (i % 100)).collect()
    }
    type Kind = (&'static str, fn(usize) -> Box<dyn FnOnce()>);
    let kinds: Vec<Kind> = vec![
        ("rationals", |side| {
            let values: Vec<Rational> = (0..side * side).map(|i| ratio(i as i128, 3)).collect();
            Box::new(move || drop(Values::new(&values)))
        }),
        ("integers", |side| {
            let values = even(side * side);
            Box::new(move || drop(Values::scaled(&values, &ratio(1, 1024))))
        }),
        ("floats", |side| {
            let values = vec![0.1; side * side];
            Box::new(move || drop(Values::floats(&values)))
        }),
        ("wide floats", |side| {
            let values: Vec<f64> = (0..side * side).map(|i| 2f64.powi(i as i32 % 900 - 450)).collect();
            Box::new(move || drop(Values::floats(&values)))
        }),
        ("a matrix", |side| {
            let values = Values::scaled(&even(side * side), &ratio(1, 1024));
            Box::new(move || drop(full(side, side, values)))
        }),
        ("a product", |side| {
            let matrix = full(side, side, Values::scaled(&even(side * side), &ratio(1, 1024)));
            let factors = RealMatrix::diagonal(&vec![ratio(1, 3); side]);
            Box::new(move || drop(factors.times(&matrix)))
        }),
        ("an enclosure", |side| {
            let graph = dense(side, &even(side * side));
            Box::new(move || drop(crate::Enclosure::new(&graph, 1, &boxes(side), &ratio(1, 256))))
        }),
        ("values", |side| {
            let graph = dense(side, &even(side * side));
            Box::new(move || drop(graph.evaluate(&[&vec![3; side]], 1)))
        }),
        ("a hash", |side| {
            let graph = dense(side, &even(side * side));
            Box::new(move || {
                graph.digest();
            })
        }),
    ];
    for (name, make) in kinds {
        let asked = |side: usize| {
            let (count, work) = (Arc::new(AtomicUsize::new(0)), make(side));
            let seen = count.clone();
            let never = move || {
                seen.fetch_add(1, Ordering::SeqCst);
                false
            };
            assert_eq!(until(never, work), Ok(()));
            assert_eq!(until(|| true, make(side)), Err(Interrupted), "{name} of {side}");
            count.load(Ordering::SeqCst)
        };
        // Four times as many numbers are four times as much work.
        let counts = [300, 600, 1200].map(asked);
        assert!(counts.windows(2).all(|pair| pair[1] >= 3 * pair[0]), "{name}: {counts:?}");
    }
}
