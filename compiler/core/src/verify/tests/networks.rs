//! Convolutional networks, and several networks of the same inputs, against plain evaluation: random specs, whose inputs are all enumerated here, then
//! by the reference interpreter, and decided by every engine.

use crate::check::spec::{Question, question, verifiable};
use crate::db::{Database, Disk};
use qnn_engine::branch_and_bound::Search;
use qnn_engine::interval::Intervals;
use qnn_engine::smt::Smt;
use qnn_engine::{Answer, Control, Engine, Trust};
use qnn_ir::Rounding;
use qnn_ir::obligation::{Obligation, Replay};
use qnn_ir::testing::{Random, brute_force};
use qnn_proof::check;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// Numbers are compared in units of 2^-UNIT, which all of them are multiples of.
const UNIT: u32 = 4;

/// Weights are written with so many bits after the point.
const WEIGHT: u32 = 3;

#[derive(Clone, Copy)]
struct Format {
    signed: bool,
    width: u32,
    fraction: u32,
    round: Rounding,
    wrap: bool,
}

impl Format {
    fn random(random: &mut Random, signed: bool, width: (i64, i64), fraction: (i64, i64)) -> Format {
        Format {
            signed,
            width: random.between(width.0, width.1) as u32,
            fraction: random.between(fraction.0, fraction.1) as u32,
            round: *random.choose(&Rounding::ALL),
            wrap: random.chance(15),
        }
    }

    fn limits(self) -> (i64, i64) {
        let count = 1 << self.width;
        if self.signed { (-count / 2, count / 2 - 1) } else { (0, count - 1) }
    }

    /// The stored integer of raw · 2^-fraction.
    fn cast(self, raw: i64, fraction: u32) -> i64 {
        let (lo, hi) = self.limits();
        let q = if self.fraction >= fraction {
            raw << (self.fraction - fraction)
        } else {
            let one = 1 << (fraction - self.fraction);
            let (floor, rest) = (raw.div_euclid(one), raw.rem_euclid(one));
            let up = match self.round {
                Rounding::HalfUp => 2 * rest >= one,
                Rounding::HalfEven => 2 * rest > one || 2 * rest == one && floor % 2 != 0,
                Rounding::HalfAway => 2 * rest > one || 2 * rest == one && floor >= 0,
                Rounding::Floor => false,
                Rounding::TowardZero => rest > 0 && floor < 0,
                Rounding::HalfDown => 2 * rest > one,
                Rounding::HalfTowardZero => 2 * rest > one || 2 * rest == one && floor < 0,
                Rounding::Ceil => rest > 0,
                Rounding::Up => rest > 0 && floor >= 0,
            };
            floor + i64::from(up)
        };
        if self.wrap { lo + (q - lo).rem_euclid(1 << self.width) } else { q.clamp(lo, hi) }
    }

    fn text(self) -> String {
        let kind = if self.signed { "fixed" } else { "ufixed" };
        let overflow = if self.wrap { ", overflow = wrap" } else { "" };
        format!("{kind}<{}, {}, round = {}{overflow}>", self.width, self.fraction, self.round.name())
    }
}

/// Integers with bits after the point, of shape [channels, height, width].
#[derive(Clone)]
struct Tensor {
    shape: [usize; 3],
    raw: Vec<i64>,
    fraction: u32,
}

impl Tensor {
    /// An element; `None` in the padding.
    fn at(&self, c: usize, y: usize, x: usize, padding: usize) -> Option<i64> {
        let (y, x) = (y.checked_sub(padding)?, x.checked_sub(padding)?);
        (y < self.shape[1] && x < self.shape[2]).then(|| self.raw[(c * self.shape[1] + y) * self.shape[2] + x])
    }

    fn cast(&self, format: Format) -> Tensor {
        let raw = self.raw.iter().map(|raw| format.cast(*raw, self.fraction)).collect();
        Tensor { shape: self.shape, raw, fraction: format.fraction }
    }
}

/// Weights and biases, with WEIGHT bits after the point; they may be quantized further.
#[derive(Clone)]
struct Weights {
    shape: Vec<usize>,
    values: Vec<i64>,
    bias: Vec<i64>,
    format: Option<Format>,
}

impl Weights {
    fn random(random: &mut Random, shape: &[usize]) -> Weights {
        let sparse = random.chance(30);
        let mut value = |most: i64| if sparse && random.chance(50) { 0 } else { random.between(-most, most) };
        let values = (0..shape.iter().product::<usize>()).map(|_| value(12)).collect();
        let bias = (0..shape[0]).map(|_| value(20)).collect();
        Weights { shape: shape.to_vec(), values, bias, format: None }
    }

    /// The values and the biases as the network has them, and the bits after their points.
    fn stored(&self) -> (Vec<i64>, Vec<i64>, u32) {
        let Some(format) = self.format else { return (self.values.clone(), self.bias.clone(), WEIGHT) };
        let cast = |values: &[i64]| values.iter().map(|value| format.cast(*value, WEIGHT)).collect();
        (cast(&self.values), cast(&self.bias), format.fraction)
    }

    fn text(&self) -> String {
        let cast = self.format.map_or_else(String::new, |format| format!(" as {}", format.text()));
        format!("{}{cast}, {}{cast}", nested(&self.values, &self.shape), nested(&self.bias, &self.shape[..1]))
    }
}

/// Numbers as nested lists.
fn nested(values: &[i64], shape: &[usize]) -> String {
    match shape {
        [] => (values[0] as f64 / f64::from(1 << WEIGHT)).to_string(),
        [count, inner @ ..] => {
            let parts: Vec<String> = values.chunks(values.len() / count).map(|part| nested(part, inner)).collect();
            format!("[{}]", parts.join(", "))
        }
    }
}

#[derive(Clone)]
enum Layer {
    Convolution { weights: Weights, stride: usize, padding: usize, groups: usize },
    Dense(Weights),
    Pool { max: bool, size: usize, stride: usize, padding: usize },
    Relu,
    Cast(Format),
}

fn windows(size: usize, window: usize, stride: usize, padding: usize) -> usize {
    (size + 2 * padding - window) / stride + 1
}

impl Layer {
    fn apply(&self, input: &Tensor) -> Tensor {
        let [channels, height, width] = input.shape;
        match self {
            Layer::Convolution { weights, stride, padding, groups } => {
                let [outputs, depth, h, w] = weights.shape[..] else { unreachable!("four axes") };
                let (values, bias, fraction) = weights.stored();
                let shape = [outputs, windows(height, h, *stride, *padding), windows(width, w, *stride, *padding)];
                let mut raw = Vec::new();
                for o in 0..outputs {
                    let first = o / (outputs / groups) * depth;
                    for (y, x) in (0..shape[1]).flat_map(|y| (0..shape[2]).map(move |x| (y, x))) {
                        let mut sum = bias[o] << input.fraction;
                        for (k, weight) in values[o * depth * h * w..][..depth * h * w].iter().enumerate() {
                            let (c, ky, kx) = (k / (h * w), k / w % h, k % w);
                            sum +=
                                weight * input.at(first + c, y * stride + ky, x * stride + kx, *padding).unwrap_or(0);
                        }
                        raw.push(sum);
                    }
                }
                Tensor { shape, raw, fraction: input.fraction + fraction }
            }
            Layer::Dense(weights) => {
                let (values, bias, fraction) = weights.stored();
                let row = |(row, bias): (&[i64], &i64)| {
                    row.iter().zip(&input.raw).fold(bias << input.fraction, |sum, (weight, x)| sum + weight * x)
                };
                let raw = values.chunks(input.raw.len()).zip(&bias).map(row).collect();
                Tensor { shape: [weights.shape[0], 1, 1], raw, fraction: input.fraction + fraction }
            }
            Layer::Pool { max, size, stride, padding } => {
                let shape =
                    [channels, windows(height, *size, *stride, *padding), windows(width, *size, *stride, *padding)];
                let mut raw = Vec::new();
                for c in 0..channels {
                    for (y, x) in (0..shape[1]).flat_map(|y| (0..shape[2]).map(move |x| (y, x))) {
                        let window = (0..size * size)
                            .filter_map(|k| input.at(c, y * stride + k / size, x * stride + k % size, *padding));
                        raw.push(if *max { window.max().expect("more than padding") } else { window.sum() });
                    }
                }
                // Averages of four are exact with two bits more.
                Tensor { shape, raw, fraction: input.fraction + if *max { 0 } else { 2 } }
            }
            Layer::Relu => Tensor { raw: input.raw.iter().map(|raw| *raw.max(&0)).collect(), ..input.clone() },
            Layer::Cast(format) => input.cast(*format),
        }
    }

    fn text(&self) -> String {
        match self {
            Layer::Convolution { weights, stride, padding, groups } => {
                format!("conv2d(x, {}, stride = {stride}, padding = {padding}, groups = {groups})", weights.text())
            }
            Layer::Dense(weights) => format!("dense(flatten(x), {})", weights.text()),
            Layer::Pool { max, size, stride, padding } => {
                let name = if *max { "max_pool2d" } else { "avg_pool2d" };
                format!("{name}(x, {size}, stride = {stride}, padding = {padding})")
            }
            Layer::Relu => "relu(x)".to_owned(),
            Layer::Cast(format) => format!("x as {}", format.text()),
        }
    }
}

/// Two outputs of an image.
#[derive(Clone)]
struct Network(Vec<Layer>);

impl Network {
    fn random(random: &mut Random, image: &Tensor) -> Network {
        let mut layers = Vec::new();
        let mut at = image.clone();
        let mut push = |layers: &mut Vec<Layer>, layer: Layer| {
            at = layer.apply(&at);
            layers.push(layer);
            at.shape
        };
        let mut shape = image.shape;
        for _ in 0..random.between(1, 2) {
            let [channels, height, width] = shape;
            let padding = random.below(2);
            let kernel =
                |random: &mut Random, size: usize| random.between(1, (size + 2 * padding).min(3) as i64) as usize;
            let (h, w) = (kernel(random, height), kernel(random, width));
            let groups = if random.chance(30) { channels } else { 1 };
            let outputs = groups * random.between(1, if groups == 1 { 3 } else { 2 }) as usize;
            let weights = Weights::random(random, &[outputs, channels / groups, h, w]);
            let stride = random.between(1, 2) as usize;
            shape = push(&mut layers, Layer::Convolution { weights, stride, padding, groups });
            let relu = random.chance(60);
            if relu {
                push(&mut layers, Layer::Relu);
            }
            if random.chance(70) {
                let format = Format::random(random, !relu, (2, 5), (0, 2));
                push(&mut layers, Layer::Cast(format));
            }
            let (max, stride, padding) = (random.chance(60), random.between(1, 2) as usize, random.below(2));
            if random.chance(50) && shape[1].min(shape[2]) + 2 * padding >= 2 {
                shape = push(&mut layers, Layer::Pool { max, size: 2, stride, padding });
            }
        }
        let inputs = shape.iter().product();
        push(&mut layers, Layer::Dense(Weights::random(random, &[2, inputs])));
        let format = Format::random(random, true, (4, 8), (0, 3));
        push(&mut layers, Layer::Cast(format));
        Network(layers)
    }

    /// The same network with coarser weights and casts.
    fn requantized(&self, random: &mut Random) -> Network {
        let mut twin = self.clone();
        let coarse = Format { wrap: false, ..Format::random(random, true, (4, 6), (1, 2)) };
        let last = twin.0.len() - 1;
        for (at, layer) in twin.0.iter_mut().enumerate() {
            match layer {
                Layer::Convolution { weights, .. } | Layer::Dense(weights) => weights.format = Some(coarse),
                Layer::Cast(format) if at < last && format.fraction > 0 => {
                    format.fraction -= 1;
                    format.width -= 1;
                }
                _ => {}
            }
        }
        twin
    }

    fn text(&self, name: &str) -> String {
        let (mut text, last) = (format!("network {name}(x: X) -> {}[2] {{\n", self.output().text()), self.0.len() - 1);
        self.0[..last].iter().for_each(|layer| _ = writeln!(text, "    let x = {};", layer.text()));
        text + &format!("    {}\n}}\n", self.0[last].text())
    }

    fn output(&self) -> Format {
        match self.0.last() {
            Some(Layer::Cast(format)) => *format,
            _ => unreachable!("networks end with a cast"),
        }
    }

    /// Both outputs, in units.
    fn run(&self, image: &Tensor) -> [i64; 2] {
        let mut at = image.clone();
        self.0.iter().for_each(|layer| at = layer.apply(&at));
        [at.raw[0] << (UNIT - at.fraction), at.raw[1] << (UNIT - at.fraction)]
    }
}

/// A spec, and what is true in it.
struct Spec {
    text: String,
    /// By property: whether an input meets the assumptions and breaks the statement.
    broken: BTreeMap<String, bool>,
}

/// All images of a format, with the outputs of two networks.
struct Image {
    raw: Vec<i64>,
    f: [i64; 2],
    g: [i64; 2],
}

impl Spec {
    fn random(seed: u64) -> Spec {
        let random = &mut Random::new(seed);
        let shape = *random.choose(&[[1, 2, 2], [1, 2, 3], [1, 3, 3], [2, 2, 2], [1, 1, 4], [2, 1, 2], [3, 1, 1]]);
        let size: usize = shape.iter().product();
        let width = random.between(1, (8 / size as i64).max(1)) as u32;
        let signed = random.chance(40);
        let format = Format { signed, width, fraction: random.below(3) as u32, round: Rounding::HalfUp, wrap: false };
        let image = |raw: Vec<i64>| Tensor { shape, raw, fraction: format.fraction };
        let f = Network::random(random, &image(vec![0; size]));
        let g = if random.chance(60) { f.requantized(random) } else { Network::random(random, &image(vec![0; size])) };
        let (lo, hi) = format.limits();
        let all: Vec<Image> = (0..1usize << (size as u32 * width))
            .map(|n| {
                let raw: Vec<i64> = (0..size).map(|i| lo + (n >> (i as u32 * width)) as i64 % (hi - lo + 1)).collect();
                let tensor = image(raw.clone());
                Image { raw, f: f.run(&tensor), g: g.run(&tensor) }
            })
            .collect();
        let mut spec = Spec {
            text: format!("type X = {}[{}, {}, {}];\n", format.text(), shape[0], shape[1], shape[2])
                + &f.text("f")
                + &g.text("g"),
            broken: BTreeMap::new(),
        };
        // Thresholds that are reached, or nearly.
        let step = 1i64 << (UNIT - f.output().fraction.max(g.output().fraction));
        let near = |random: &mut Random, of: &dyn Fn(&Image) -> i64| {
            let extreme = random.chance(60);
            let value = if extreme { all.iter().map(of).max() } else { Some(of(random.choose(&all))) };
            value.unwrap_or(0) + step * random.choose(&[0, 0, 0, -1, 1])
        };
        let number = |value: i64| (value as f64 / f64::from(1 << UNIT)).to_string();
        let (gap, both) = (|o: &Image| (o.f[0] - o.g[0]).abs(), |o: &Image| o.f[1] + o.g[0]);
        let (a, b, c) = (near(random, &|o| o.f[0]), near(random, &|o| o.g[1]), near(random, &gap));
        let (d, e) = (near(random, &both), near(random, &|o| -o.f[1]));
        // `x` at the first and at the last place.
        let resolution = 1i64 << (UNIT - format.fraction);
        let (first, last) = (|o: &Image| o.raw[0] * resolution, |o: &Image| o.raw[size - 1] * resolution);
        let end = format!("x[{}, {}, {}]", shape[0] - 1, shape[1] - 1, shape[2] - 1);
        let class = |outputs: [i64; 2]| usize::from(outputs[1] > outputs[0]);
        let mut add = |name: &str, statement: String, breaks: &dyn Fn(&Image) -> bool| {
            let _ = writeln!(spec.text, "property {name} = {statement};");
            spec.broken.insert(name.to_owned(), all.iter().any(breaks));
        };
        let (ta, tb, tc, td, te) = (number(a), number(b), number(c), number(d), number(e));
        add("below", format!("forall x: X: f(x)[0] <= {ta}"), &|o| o.f[0] > a);
        add("above", format!("forall x: X: -f(x)[1] < {te}"), &|o| -o.f[1] >= e);
        add("gap", format!("forall x: X: abs(f(x)[0] - g(x)[0]) <= {tc}"), &|o| gap(o) > c);
        add("sum", format!("forall x: X where {end} >= x[0, 0, 0]: f(x)[1] + g(x)[0] < {td}"), &|o| {
            last(o) >= first(o) && both(o) >= d
        });
        add("agree", "forall x: X: (argmax(f(x)) == 1) == (argmax(g(x)) == 1)".to_owned(), &|o| {
            class(o.f) != class(o.g)
        });
        add("assumed", format!("forall x: X where g(x)[1] >= {tb}: f(x)[0] < {ta}"), &|o| o.g[1] >= b && o.f[0] >= a);
        add("either", format!("forall x: X: f(x)[0] < {ta} or g(x)[1] < {tb} and f(x)[1] + g(x)[0] < {td}"), &|o| {
            o.f[0] >= a && (o.g[1] >= b || both(o) >= d)
        });
        // Two inputs that agree but for the last place, where there are few enough.
        if all.len() <= 64 {
            let pairs = || all.iter().flat_map(|o| all.iter().map(move |p| (o, p)));
            let alike = |(o, p): &(&Image, &Image)| o.raw[..size - 1] == p.raw[..size - 1];
            let gap = |(o, p): (&Image, &Image)| o.f[0] - p.g[0];
            let most = pairs().filter(alike).map(gap).max().unwrap_or(0) + step * random.choose(&[0, -1]);
            let places = (0..size - 1).map(|i| {
                let (c, y, x) = (i / (shape[1] * shape[2]), i / shape[2] % shape[1], i % shape[2]);
                format!("x[{c}, {y}, {x}] == y[{c}, {y}, {x}]")
            });
            let same = places.collect::<Vec<_>>().join(" and ");
            let _ = writeln!(
                spec.text,
                "property pair = forall x: X, y: X where {same}: f(x)[0] - g(y)[0] <= {};",
                number(most)
            );
            spec.broken.insert("pair".to_owned(), pairs().filter(alike).any(|pair| gap(pair) > most));
        }
        spec
    }
}

/// An engine's answer, which may be undecided if it is not complete.
fn agrees(engine: &dyn Engine, obligation: &Obligation, broken: bool, what: &dyn Fn() -> String) {
    match engine.solve(obligation, &Control::default()) {
        Answer::Some(found) => {
            assert!(broken && matches!(obligation.replay(&found), Replay::Holds(_)), "{found:?}: {}", what());
        }
        Answer::None(trust) => {
            assert!(!broken, "{}", what());
            if let Trust::Certificate { certificate, .. } = trust {
                let certificate = certificate.unwrap_or_else(|| panic!("no certificate: {}", what()));
                check(obligation, &certificate).unwrap_or_else(|why| panic!("{why}: {}", what()));
            }
        }
        Answer::Unknown(why) => assert_eq!(engine.name(), "interval", "{why}: {}", what()),
    }
}

/// Random specs, decided by enumeration and by engines; Z3 is asked about some.
fn compare(seeds: std::ops::Range<u64>, smt: u64) {
    let mut counts = [0, 0];
    for seed in seeds {
        let spec = Spec::random(seed);
        let mut db = Database::new(Disk);
        let file = db.set_text(Path::new("/spec.qnn"), spec.text.as_str().into());
        let items = verifiable(&db, file);
        assert_eq!(items.len(), spec.broken.len(), "seed {seed}\n{}", spec.text);
        for item in items {
            let name = item.name(&db).to_owned();
            let outcome = question(&db, item, 0);
            let Some(Question::Property(statement)) = &outcome.value else {
                panic!("seed {seed}: {:?}\n{}", outcome.diagnostics, spec.text)
            };
            let (obligation, broken) = (&*statement.obligation, spec.broken[&name]);
            counts[usize::from(broken)] += 1;
            let by = |engine: &str| format!("{engine} on {name} of seed {seed}, broken: {broken}\n{}", spec.text);
            assert_eq!(brute_force(obligation).is_some(), broken, "{}", by("the interpreter"));
            agrees(&Intervals, obligation, broken, &|| by("interval"));
            let search = if seed % 2 == 0 { Search::without_enumeration() } else { Search::without_patience() };
            agrees(&search, obligation, broken, &|| by("search"));
            if seed % smt == 0 {
                agrees(&Smt::default(), obligation, broken, &|| by("smt"));
            }
        }
    }
    println!("{} properties hold, {} are broken", counts[0], counts[1]);
    assert!(counts[0].min(counts[1]) * 4 > counts[0] + counts[1], "{counts:?} are lopsided");
}

#[test]
fn convolutions_and_twins_agree_with_enumeration() {
    compare(0..if cfg!(debug_assertions) { 400 } else { 4000 }, 8);
}
