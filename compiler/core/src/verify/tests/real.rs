//! Real-valued readings against plain evaluation: random networks with random float weights, every input enumerated in exact rationals.

use crate::db::{Database, Db, Disk};
use crate::verify::{Filter, InstanceResult, Options, Verdict, plan, run, snapshots};
use num_bigint::BigInt;
use num_traits::{Signed, Zero};
use qnn_engine::branch_and_bound::Search;
use qnn_engine::interval::Intervals;
use qnn_engine::portfolio::Portfolio;
use qnn_engine::smt::Smt;
use qnn_engine::{CancelToken, Engine};
use qnn_ir::Rational;
use qnn_ir::rational::{from_f64, ratio, to_f64};
use qnn_ir::testing::Random;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// out-by-in weights, and biases.
struct Layer {
    weights: Vec<Vec<f64>>,
    bias: Vec<f64>,
}

struct Case {
    /// Bits and fraction bits of the inputs, and how many there are.
    input: (u32, i64, usize),
    layers: Vec<Layer>,
}

/// Rounded half up to a multiple of 2^-fraction, and cut off.
fn cast(value: &Rational, lo: i64, hi: i64, fraction: i64) -> Rational {
    let steps = (value * Rational::from_integer(BigInt::from(1) << fraction) + ratio(1, 2)).floor();
    let steps = steps.to_integer().max(lo.into()).min(hi.into());
    Rational::new(steps, BigInt::from(1) << fraction)
}

impl Case {
    fn random(random: &mut Random) -> Case {
        let kind = random.between(0, 3);
        let number = |random: &mut Random| -> f64 {
            let mantissa = random.between(-(1 << 24), 1 << 24) as f64 / f64::from(1 << 24);
            match kind {
                0 => random.between(-16, 16) as f64 / 8.0,
                1 => f64::from((mantissa * 2.0) as f32),
                2 => mantissa * 10f64.powi(random.between(-8, 1) as i32),
                _ => mantissa + random.between(-9, 9) as f64 * 1e-13,
            }
        };
        let inputs = random.between(1, 3) as usize;
        let mut sizes = vec![inputs];
        (0..random.between(1, 3)).for_each(|_| sizes.push(random.between(1, 4) as usize));
        *sizes.last_mut().unwrap() = 2;
        let layers = sizes
            .windows(2)
            .map(|pair| Layer {
                weights: (0..pair[1]).map(|_| (0..pair[0]).map(|_| number(random)).collect()).collect(),
                bias: (0..pair[1]).map(|_| number(random)).collect(),
            })
            .collect();
        Case { input: (random.between(1, 3) as u32, random.between(0, 2), inputs), layers }
    }

    /// A safetensors file of float64.
    fn file(&self) -> Vec<u8> {
        let (mut header, mut data) = (String::new(), Vec::new());
        let mut add = |name: String, shape: String, values: &mut dyn Iterator<Item = f64>| {
            let start = data.len();
            values.for_each(|v| data.extend_from_slice(&v.to_le_bytes()));
            let comma = if header.is_empty() { "" } else { "," };
            let end = data.len();
            let _ =
                write!(header, r#"{comma}"{name}":{{"dtype":"F64","shape":{shape},"data_offsets":[{start},{end}]}}"#);
        };
        for (i, layer) in self.layers.iter().enumerate() {
            let shape = format!("[{},{}]", layer.weights.len(), layer.weights[0].len());
            add(format!("l{i}.weight"), shape, &mut layer.weights.iter().flatten().copied());
            add(format!("l{i}.bias"), format!("[{}]", layer.bias.len()), &mut layer.bias.iter().copied());
        }
        let header = format!("{{{header}}}");
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &data].concat()
    }

    fn network(&self) -> String {
        let (width, fraction, inputs) = self.input;
        let mut text = format!("type X = ufixed<{width}, {fraction}>[{inputs}];\n");
        text.push_str("network f(x: X) -> fixed<7, 3>[2] {\n    params p = \"w.safetensors\" { *: fixed<6, 3>; }\n");
        let last = self.layers.len() - 1;
        (0..last).for_each(|i| _ = writeln!(text, "    let x = relu(dense(x, p.l{i})) as ufixed<6, 3>;"));
        let _ = writeln!(text, "    dense(x, p.l{last}) as fixed<7, 3>\n}}");
        text
    }

    fn run(&self, x: &[i64], quantized: bool) -> Vec<Rational> {
        let weight = |value: f64| {
            let value = from_f64(value).unwrap();
            if quantized { cast(&value, -32, 31, 3) } else { value }
        };
        let mut values: Vec<Rational> = x.iter().map(|n| ratio((*n).into(), 1 << self.input.1)).collect();
        for (i, layer) in self.layers.iter().enumerate() {
            let last = i + 1 == self.layers.len();
            let neuron = |(row, bias): (&Vec<f64>, &f64)| {
                let sum = row.iter().zip(&values).fold(weight(*bias), |sum, (w, v)| sum + weight(*w) * v);
                match (last, quantized) {
                    (true, true) => cast(&sum, -64, 63, 3),
                    (true, false) => sum,
                    (false, true) => cast(&sum, 0, 63, 3),
                    (false, false) => sum.max(Rational::zero()),
                }
            };
            values = layer.weights.iter().zip(&layer.bias).map(neuron).collect();
        }
        values
    }

    /// (real, quantized) outputs of every input.
    fn all(&self) -> Vec<(Vec<Rational>, Vec<Rational>)> {
        let (width, _, inputs) = self.input;
        let count = 1i64 << width;
        (0..count.pow(inputs as u32))
            .map(|n| {
                let x: Vec<i64> = (0..inputs as u32).map(|i| n / count.pow(i) % count).collect();
                (self.run(&x, false), self.run(&x, true))
            })
            .collect()
    }
}

type Outputs = (Vec<Rational>, Vec<Rational>);

fn decimal(value: &Rational) -> String {
    let (n, d) = (value.numer(), value.denom());
    if d == &BigInt::from(1) { format!("{n}") } else { format!("({n} / {d})") }
}

fn options(engines: Vec<Arc<dyn Engine>>) -> Options {
    let portfolio = Some(Portfolio { first: engines, rest: Vec::new() });
    Options { portfolio, timeout: Some(Duration::from_secs(30)), jobs: Some(1), ..Options::default() }
}

fn results(case: &Case, properties: &str, options: &Options) -> Vec<Arc<InstanceResult>> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("w.safetensors"), case.file()).unwrap();
    std::fs::write(folder.path().join("spec.qnn"), case.network() + properties).unwrap();
    let db = Database::new(Disk);
    let file = db.source(&folder.path().join("spec.qnn"));
    let plan = plan(&db, file, &Filter::default(), options);
    run(&plan, &snapshots(db.clone()), options, &CancelToken::new(), &|_| {}).results
}

fn number(text: &str) -> Rational {
    text.parse().unwrap()
}

/// Verdicts and measures of some networks, by some engines; how many verdicts were `unknown`, and how many decided.
fn compare(seeds: std::ops::Range<u64>, engines: &dyn Fn(u64) -> Vec<Arc<dyn Engine>>) -> (usize, usize) {
    let (mut unknown, mut decided) = (0, 0);
    for seed in seeds {
        let mut random = Random::new(seed);
        let case = Case::random(&mut random);
        let all = case.all();
        let any = |random: &mut Random| all[random.below(all.len())].clone();
        // A threshold at a value that occurs, exactly, or just beside one.
        let mut near = |of: &dyn Fn(&Outputs) -> Rational| {
            let value = of(&any(&mut random));
            let digits = Rational::from_integer(BigInt::from(10).pow(9));
            match random.between(0, 3) {
                0 if value.denom().bits() < 300 => value,
                1 => (value * &digits).floor() / digits + ratio(1, 1000),
                _ => (value * &digits).floor() / digits,
            }
        };
        let real = |i: usize| move |o: &Outputs| o.0[i].clone();
        let gap = |o: &Outputs| (o.0[0].clone() - &o.1[0]).abs();
        let (a, b, c, d) = (near(&real(0)), near(&real(1)), near(&gap), near(&|o| o.1[1].clone()));
        let text = format!(
            "property below = forall x: X: f.real(x)[0] <= {0};
property above = forall x: X: f.real(x)[1] > {1};
property class = forall x: X: argmax(f.real(x)) == 0;
property error = forall x: X: abs(f.real(x)[0] - f(x)[0]) <= {2};
property where_real = forall x: X where f.real(x)[0] >= {0}: f(x)[1] <= {3};
property both = forall x: X: f.real(x)[0] + f.real(x)[1] < {0} or f.real(x)[1] >= {1} and f(x)[1] < {3};
measure largest_error = maximize abs(f.real(x)[0] - f(x)[0]) over x: X;
measure least = minimize f.real(x)[1] over x: X where f.real(x)[0] <= {0};
measure spread = maximize maximum(f.real(x)) - 2 * minimum(f(x)) over x: X;
",
            decimal(&a),
            decimal(&b),
            decimal(&c),
            decimal(&d)
        );
        type Holds<'a> = Box<dyn Fn(&Outputs) -> bool + 'a>;
        type Value<'a> = Box<dyn Fn(&Outputs) -> Rational + 'a>;
        let statements: Vec<(Holds<'_>, Holds<'_>)> = vec![
            (Box::new(|_| true), Box::new(|o| o.0[0] <= a)),
            (Box::new(|_| true), Box::new(|o| o.0[1] > b)),
            (Box::new(|_| true), Box::new(|o| o.0[0] >= o.0[1])),
            (Box::new(|_| true), Box::new(|o| gap(o) <= c)),
            (Box::new(|o| o.0[0] >= a), Box::new(|o| o.1[1] <= d)),
            (Box::new(|_| true), Box::new(|o| &o.0[0] + &o.0[1] < a || o.0[1] >= b && o.1[1] < d)),
        ];
        let max = |x: &Rational, y: &Rational| x.clone().max(y.clone());
        let measures: Vec<(Holds<'_>, Value<'_>, bool)> = vec![
            (Box::new(|_| true), Box::new(gap), true),
            (Box::new(|o| o.0[0] <= a), Box::new(|o| o.0[1].clone()), false),
            (
                Box::new(|_| true),
                Box::new(|o| max(&o.0[0], &o.0[1]) - ratio(2, 1) * o.1[0].clone().min(o.1[1].clone())),
                true,
            ),
        ];
        let results = results(&case, &text, &options(engines(seed)));
        assert_eq!(results.len(), 9, "seed {seed}");
        for (result, (assumed, holds)) in results.iter().zip(&statements) {
            let what = || {
                format!(
                    "seed {seed}: {} is {}: {}\n{}{text}",
                    result.name,
                    result.verdict,
                    result.detail,
                    case.network()
                )
            };
            let truth = match (all.iter().any(assumed), all.iter().all(|o| !assumed(o) || holds(o))) {
                (_, false) => Verdict::Violated,
                (true, true) => Verdict::Proved,
                (false, true) => Verdict::Vacuous,
            };
            match result.verdict {
                Verdict::Unknown | Verdict::Timeout => unknown += 1,
                verdict => {
                    assert_eq!(verdict, truth, "{}", what());
                    let shown = result.counterexample.as_ref().filter(|_| &*result.name == "class");
                    assert!(shown.is_none_or(|shown| shown.calls[0].asks_argmax), "{}", what());
                    decided += 1;
                }
            }
        }
        for (result, (assumed, value, maximize)) in results[6..].iter().zip(&measures) {
            let what = || {
                format!(
                    "seed {seed}: {} is {}: {}\n{}{text}",
                    result.name,
                    result.verdict,
                    result.detail,
                    case.network()
                )
            };
            let values = all.iter().filter(|o| assumed(o)).map(value);
            let truth = if *maximize { values.max() } else { values.min() };
            let Some(truth) = truth else {
                assert!(matches!(result.verdict, Verdict::Vacuous | Verdict::Unknown | Verdict::Timeout), "{}", what());
                continue;
            };
            let measure = result.measure.as_ref().unwrap_or_else(|| panic!("{}", what()));
            let beyond = |a: &Rational, b: &Rational| if *maximize { a > b } else { a < b };
            if let Some(found) = &measure.found {
                let found = number(&found.exact);
                assert!(all.iter().any(|o| assumed(o) && value(o) == found), "not attained: {}", what());
                assert!(!beyond(&found, &truth), "{}", what());
                if result.verdict == Verdict::Proved {
                    let bound = number(&measure.bound.as_ref().unwrap().exact);
                    assert!(
                        to_f64(&(&bound - &found)).abs() < 1e-2 * (1.0 + to_f64(&truth).abs()),
                        "{bound}: {}",
                        what()
                    );
                }
            }
            if let Some(bound) = &measure.bound {
                assert!(!beyond(&truth, &number(&bound.exact)), "{}", what());
            }
            *(if result.verdict == Verdict::Proved { &mut decided } else { &mut unknown }) += 1;
        }
    }
    (unknown, decided)
}

#[test]
fn search_agrees_with_enumeration() {
    let (unknown, decided) = compare(0..300, &|seed| match seed % 2 {
        0 => vec![Arc::new(Search::without_enumeration())],
        _ => vec![Arc::new(Intervals), Arc::new(Search::new())],
    });
    println!("{unknown} unknown, {decided} decided");
    assert!(unknown * 5 < decided, "{unknown} unknown, {decided} decided");
}

#[test]
fn smt_agrees_with_enumeration() {
    let (unknown, decided) = compare(1000..1006, &|_| vec![Arc::new(Smt::default())]);
    println!("{unknown} unknown, {decided} decided");
    assert!(decided > 0);
}
