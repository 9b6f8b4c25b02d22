//! Random networks of floats, three times: as an ONNX file, as the spec that the manual says an import of it is, and as exact numbers.
//!
//! The casts and the steps of biases are found here by the manual's rules, from the operations alone, with no code of qnn.

use crate::onnx::{Attribute, Graph};
use qnn::ir::Rational;
use qnn::ir::rational::{exact, from_f64, integer, ratio};
use qnn::ir::testing::Random;

/// An operation on the tensor before it.
pub enum Operation {
    /// + - * / with known numbers, one for each element, or one for all.
    Arithmetic(char, Vec<f32>),
    /// Weights [out, in], a bias; how ONNX says it: 0 `Gemm` with `transB`, 1 `Gemm`, 2 `MatMul` and `Add`.
    Dense(Vec<f32>, Option<Vec<f32>>, u8),
    /// Weights [out, channels, k, k], a bias, stride and padding.
    Conv(Vec<f32>, usize, Option<Vec<f32>>, usize, usize),
    Relu,
    Clip(f32, f32),
    Leaky(f32),
    Sigmoid,
    Tanh,
    /// Windows of 2 × 2 with stride 1; of averages, with padding before, which counts or does not.
    MaxPool,
    AveragePool(Option<bool>),
    GlobalAverage,
    Flatten,
    Transpose(Vec<usize>),
    Pad,
    /// The sum with an earlier tensor.
    Residual(usize),
    /// Joined with itself.
    Twice,
}

/// A network: what is done to the input, in order.
pub struct Network {
    /// The axes of the input, without the batch.
    pub input: Vec<usize>,
    pub operations: Vec<Operation>,
    /// The shapes: of the input, and after each operation.
    pub shapes: Vec<Vec<usize>>,
}

fn size(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// Numbers that the formats don't hold, with few digits.
fn floats(random: &mut Random, count: usize) -> Vec<f32> {
    (0..count).map(|_| random.between(-1200, 1200) as f32 / 1024.0).collect()
}

impl Network {
    pub fn random(random: &mut Random) -> Network {
        let image = random.between(0, 1) == 1;
        let one = |random: &mut Random, lo, hi| random.between(lo, hi) as usize;
        let input =
            if image { vec![one(random, 1, 2), one(random, 2, 4), one(random, 2, 4)] } else { vec![one(random, 1, 5)] };
        let mut network = Network { shapes: vec![input.clone()], input, operations: Vec::new() };
        for _ in 0..random.between(1, 7) {
            let shape = network.shapes.last().unwrap().clone();
            if let Some((operation, shape)) = network.operation(random, &shape)
                && size(&shape) <= 60
            {
                network.operations.push(operation);
                network.shapes.push(shape);
            }
        }
        if network.operations.is_empty() {
            network.operations.push(Operation::Relu);
            network.shapes.push(network.input.clone());
        }
        network
    }

    fn operation(&self, random: &mut Random, shape: &[usize]) -> Option<(Operation, Vec<usize>)> {
        let n = size(shape);
        let bias = |random: &mut Random, n: usize| (random.between(0, 2) > 0).then(|| floats(random, n));
        let kind = random.between(0, 15);
        Some(match (kind, shape) {
            (0, _) => {
                let operator = ['+', '-', '*', '/'][random.between(0, 3) as usize];
                let count = if random.between(0, 1) == 1 && operator != '/' { n } else { 1 };
                let values = match operator {
                    '/' => vec![[2.0, 0.75, -0.5][random.between(0, 2) as usize]],
                    _ => floats(random, count).iter().map(|v| v + f32::from(*v == 0.0)).collect(),
                };
                (Operation::Arithmetic(operator, values), shape.to_vec())
            }
            (1..=3, [inputs]) => {
                let out = random.between(1, 5) as usize;
                let weights = floats(random, out * inputs);
                let (bias, way) = (bias(random, out), random.between(0, 2) as u8);
                (Operation::Dense(weights, bias, way), vec![out])
            }
            (1..=3, [channels, h, w]) => {
                let out = random.between(1, 3) as usize;
                let kernel = random.between(1, 2) as usize;
                let (stride, padding) = (random.between(1, 2) as usize, random.between(0, 1) as usize);
                let side = |n: usize| (n + 2 * padding).checked_sub(kernel).map(|rest| rest / stride + 1);
                let weights = floats(random, out * channels * kernel * kernel);
                let bias = bias(random, out);
                (Operation::Conv(weights, kernel, bias, stride, padding), vec![out, side(*h)?, side(*w)?])
            }
            (4 | 5, _) => (Operation::Relu, shape.to_vec()),
            (6, _) => {
                let lo = -random.between(0, 64) as f32 / 64.0;
                (Operation::Clip(lo, random.between(1, 200) as f32 / 64.0), shape.to_vec())
            }
            (7, _) => (Operation::Leaky([0.125, 0.25][random.between(0, 1) as usize]), shape.to_vec()),
            (8, _) if random.between(0, 2) == 0 => {
                (if random.between(0, 1) == 0 { Operation::Sigmoid } else { Operation::Tanh }, shape.to_vec())
            }
            (9, [c, h, w]) if *h > 1 && *w > 1 => (Operation::MaxPool, vec![*c, h - 1, w - 1]),
            (10, [c, h, w]) if *h > 1 && *w > 1 => match random.between(0, 2) {
                0 => (Operation::AveragePool(None), vec![*c, h - 1, w - 1]),
                counts => (Operation::AveragePool(Some(counts == 1)), vec![*c, *h, *w]),
            },
            (11, [c, _, _]) => (Operation::GlobalAverage, vec![*c, 1, 1]),
            (12, [_, _, _]) => (Operation::Flatten, vec![n]),
            (13, [a, b, c]) => {
                let order = [[0, 2, 1], [1, 0, 2], [2, 0, 1]][random.between(0, 2) as usize];
                // What moves no element is the same tensor to the reader, as a reshape is.
                let moved = |axes: &[usize]| axes.iter().filter(|axis| shape[**axis] > 1).copied().collect::<Vec<_>>();
                if moved(&order).is_sorted() {
                    return None;
                }
                (Operation::Transpose(order.to_vec()), order.iter().map(|i| [*a, *b, *c][*i]).collect())
            }
            (13, [n]) => (Operation::Pad, vec![n + 2]),
            (14, _) => {
                let earlier = (0..self.shapes.len() - 1).rev().find(|i| self.shapes[*i] == shape)?;
                (Operation::Residual(earlier), shape.to_vec())
            }
            (15, _) => (Operation::Twice, std::iter::once(shape[0] * 2).chain(shape[1..].iter().copied()).collect()),
            _ => return None,
        })
    }

    /// Whether a table has no real-valued reading.
    pub fn has_reading(&self) -> bool {
        !self.operations.iter().any(|o| matches!(o, Operation::Sigmoid | Operation::Tanh))
    }
}

/// The file: tensors are called `x`, `t1`, `t2` and so on.
pub fn onnx(network: &Network) -> Vec<u8> {
    use Attribute::{Float, Integer, Integers};
    let mut graph = Graph::default();
    let name = |i: usize| if i == 0 { "x".to_owned() } else { format!("t{i}") };
    let batch = |shape: &[usize]| [&[1], shape].concat();
    for (i, operation) in network.operations.iter().enumerate() {
        let (from, to) = (name(i), name(i + 1));
        let (shape, result) = (&network.shapes[i], &network.shapes[i + 1]);
        let (w, b) = (format!("w{i}"), format!("b{i}"));
        let x = from.as_str();
        match operation {
            Operation::Arithmetic(operator, values) => {
                let known = if values.len() == 1 { vec![1; shape.len() + 1] } else { batch(shape) };
                graph.floats(&w, &known, values);
                let kind = match operator {
                    '+' => "Add",
                    '-' => "Sub",
                    '*' => "Mul",
                    _ => "Div",
                };
                graph.node(kind, &[x, &w], &to, &[]);
            }
            Operation::Dense(weights, bias, way) => {
                let (out, inputs) = (result[0], shape[0]);
                let turned: Vec<f32> = (0..inputs)
                    .flat_map(|i| (0..out).map(move |o| (o, i)))
                    .map(|(o, i)| weights[o * inputs + i])
                    .collect();
                match way {
                    0 => graph.floats(&w, &[out, inputs], weights),
                    _ => graph.floats(&w, &[inputs, out], &turned),
                }
                if let Some(bias) = bias {
                    graph.floats(&b, &[out], bias);
                }
                match (way, bias) {
                    (0, Some(_)) => graph.node("Gemm", &[x, &w, &b], &to, &[("transB", Integer(1))]),
                    (0, None) => graph.node("Gemm", &[x, &w], &to, &[("transB", Integer(1))]),
                    (1, Some(_)) => graph.node("Gemm", &[x, &w, &b], &to, &[]),
                    (2, Some(_)) => {
                        let products = format!("p{i}");
                        graph.node("MatMul", &[x, &w], &products, &[]);
                        graph.node("Add", &[&products, &b], &to, &[]);
                    }
                    (_, _) => graph.node("MatMul", &[x, &w], &to, &[]),
                }
            }
            Operation::Conv(weights, kernel, bias, stride, padding) => {
                graph.floats(&w, &[result[0], shape[0], *kernel, *kernel], weights);
                let attributes = [
                    ("kernel_shape", Integers(vec![*kernel as i64; 2])),
                    ("strides", Integers(vec![*stride as i64; 2])),
                    ("pads", Integers(vec![*padding as i64; 4])),
                ];
                match bias {
                    Some(bias) => {
                        graph.floats(&b, &[result[0]], bias);
                        graph.node("Conv", &[x, &w, &b], &to, &attributes);
                    }
                    None => graph.node("Conv", &[x, &w], &to, &attributes),
                }
            }
            Operation::Relu => graph.node("Relu", &[x], &to, &[]),
            Operation::Clip(lo, hi) => {
                graph.floats(&w, &[], &[*lo]);
                graph.floats(&b, &[], &[*hi]);
                graph.node("Clip", &[x, &w, &b], &to, &[]);
            }
            Operation::Leaky(slope) => graph.node("LeakyRelu", &[x], &to, &[("alpha", Float(*slope))]),
            Operation::Sigmoid => graph.node("Sigmoid", &[x], &to, &[]),
            Operation::Tanh => graph.node("Tanh", &[x], &to, &[]),
            Operation::MaxPool => graph.node("MaxPool", &[x], &to, &[("kernel_shape", Integers(vec![2, 2]))]),
            Operation::AveragePool(padding) => {
                let attributes = [
                    ("kernel_shape", Integers(vec![2, 2])),
                    ("pads", Integers(if padding.is_some() { vec![1, 1, 0, 0] } else { vec![0; 4] })),
                    ("count_include_pad", Integer(i64::from(*padding == Some(true)))),
                ];
                graph.node("AveragePool", &[x], &to, &attributes);
            }
            Operation::GlobalAverage => graph.node("GlobalAveragePool", &[x], &to, &[]),
            Operation::Flatten => graph.node("Flatten", &[x], &to, &[]),
            Operation::Transpose(order) => {
                let order = std::iter::once(0).chain(order.iter().map(|i| *i as i64 + 1)).collect();
                graph.node("Transpose", &[x], &to, &[("perm", Integers(order))]);
            }
            Operation::Pad => {
                graph.integers(&w, &[0, 1, 0, 1]);
                graph.node("Pad", &[x, &w], &to, &[]);
            }
            Operation::Residual(earlier) => graph.node("Add", &[x, &name(*earlier)], &to, &[]),
            Operation::Twice => graph.node("Concat", &[x, x], &to, &[("axis", Integer(1))]),
        }
    }
    let last = network.operations.len();
    graph.file(("x", &batch(&network.input)), (&name(last), &batch(&network.shapes[last])))
}

/// The values of the output over the real numbers.
pub fn evaluate(network: &Network, input: &[Rational]) -> Vec<Rational> {
    let value = |v: &f32| from_f64(f64::from(*v)).unwrap();
    let mut tensors: Vec<Vec<Rational>> = vec![input.to_vec()];
    for (i, operation) in network.operations.iter().enumerate() {
        let (x, shape, result) = (&tensors[i], &network.shapes[i], &network.shapes[i + 1]);
        let each = |f: &dyn Fn(&Rational) -> Rational| x.iter().map(f).collect::<Vec<Rational>>();
        let zero = integer(0);
        // A window of an image: its elements inside, and all of its cells.
        let windows = |k: usize, stride: usize, padding: usize| {
            let mut all = Vec::new();
            let (h, w) = (shape[1] as i64, shape[2] as i64);
            for (r, c) in (0..result[1]).flat_map(|r| (0..result[2]).map(move |c| (r, c))) {
                let mut cells = Vec::new();
                for (dr, dc) in (0..k).flat_map(|dr| (0..k).map(move |dc| (dr, dc))) {
                    let (y, x) = ((r * stride + dr) as i64 - padding as i64, (c * stride + dc) as i64 - padding as i64);
                    if (0..h).contains(&y) && (0..w).contains(&x) {
                        cells.push((dr * k + dc, (y * w + x) as usize));
                    }
                }
                all.push(cells);
            }
            all
        };
        let area = || shape[1] * shape[2];
        let next = match operation {
            Operation::Arithmetic(operator, values) => x
                .iter()
                .enumerate()
                .map(|(i, x)| {
                    let c = value(&values[i % values.len()]);
                    match operator {
                        '+' => x + c,
                        '-' => x - c,
                        '*' => x * c,
                        _ => x / c,
                    }
                })
                .collect(),
            Operation::Dense(weights, bias, _) => (0..result[0])
                .map(|o| {
                    let bias = bias.as_ref().map_or(zero.clone(), |bias| value(&bias[o]));
                    x.iter().zip(&weights[o * x.len()..]).fold(bias, |sum, (x, w)| sum + x * value(w))
                })
                .collect(),
            Operation::Conv(weights, k, bias, stride, padding) => {
                let windows = windows(*k, *stride, *padding);
                let mut next = Vec::new();
                for o in 0..result[0] {
                    for window in &windows {
                        let mut sum = bias.as_ref().map_or(zero.clone(), |bias| value(&bias[o]));
                        for c in 0..shape[0] {
                            for (tap, at) in window {
                                sum += &x[c * area() + at] * value(&weights[(o * shape[0] + c) * k * k + tap]);
                            }
                        }
                        next.push(sum);
                    }
                }
                next
            }
            Operation::Relu => each(&|x| x.clone().max(zero.clone())),
            Operation::Clip(lo, hi) => each(&|x| x.clone().max(value(lo)).min(value(hi))),
            Operation::Leaky(slope) => each(&|x| if *x < zero { x * value(slope) } else { x.clone() }),
            Operation::Sigmoid | Operation::Tanh => unreachable!("irrational"),
            Operation::MaxPool => {
                let windows = windows(2, 1, 0);
                let greatest = |(c, window): (usize, &Vec<(usize, usize)>)| {
                    window.iter().map(|(_, at)| x[c * area() + at].clone()).max().unwrap()
                };
                (0..shape[0]).flat_map(|c| windows.iter().map(move |w| (c, w))).map(greatest).collect()
            }
            Operation::AveragePool(padding) => {
                let windows = windows(2, 1, usize::from(padding.is_some()));
                let mean = |(c, window): (usize, &Vec<(usize, usize)>)| {
                    let cells = if *padding == Some(false) { window.len() } else { 4 };
                    window.iter().fold(zero.clone(), |sum, (_, at)| sum + &x[c * area() + at]) / integer(cells as i128)
                };
                (0..shape[0]).flat_map(|c| windows.iter().map(move |w| (c, w))).map(mean).collect()
            }
            Operation::GlobalAverage => x
                .chunks(area())
                .map(|plane| plane.iter().fold(zero.clone(), |sum, x| sum + x) / integer(area() as i128))
                .collect(),
            Operation::Flatten => x.clone(),
            Operation::Transpose(order) => {
                let strides = [shape[1] * shape[2], shape[2], 1];
                let mut next = Vec::new();
                for a in 0..result[0] {
                    for b in 0..result[1] {
                        for c in 0..result[2] {
                            let at: usize = [a, b, c].iter().zip(order).map(|(i, axis)| i * strides[*axis]).sum();
                            next.push(x[at].clone());
                        }
                    }
                }
                next
            }
            Operation::Pad => [std::slice::from_ref(&zero), x.as_slice(), std::slice::from_ref(&zero)].concat(),
            Operation::Residual(earlier) => x.iter().zip(&tensors[*earlier]).map(|(a, b)| a + b).collect(),
            Operation::Twice => [x.as_slice(), x].concat(),
        };
        tensors.push(next);
    }
    tensors.pop().unwrap()
}

/// What the manual's rules say of a tensor: how it is held, and its step, where all elements have one.
#[derive(Clone)]
struct Held {
    kind: Kind,
    step: Option<Rational>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Input,
    Scaled,
    Stored,
    Exact,
}

/// The formats of a case, as a spec writes them, and their steps.
pub struct Formats {
    pub input: (String, Rational),
    pub weights: (String, Rational),
    pub activations: (String, Rational),
    pub biases: Option<(String, Rational)>,
    pub outputs: Option<String>,
    /// The rounding of the weights.
    pub round: &'static str,
}

/// Numbers as nested lists of a shape.
fn list(values: &[f32], shape: &[usize]) -> String {
    match shape {
        [] => exact(&from_f64(f64::from(values[0])).unwrap()),
        [first, rest @ ..] => {
            let parts: Vec<String> = values.chunks(values.len() / first).map(|part| list(part, rest)).collect();
            format!("[{}]", parts.join(", "))
        }
    }
}

/// The greatest step that two have in common.
fn common(a: &Rational, b: &Rational) -> Rational {
    qnn::ir::rational::common_step(a, b)
}

/// The network as a spec would have it, `None` where a bias's steps differ within a layer, which no text here says.
pub fn by_hand(network: &Network, formats: &Formats) -> Option<String> {
    let sizes = |shape: &[usize]| format!("{shape:?}");
    let mut text = format!("network by_hand(t0: {}{}) -> RESULT {{\n", formats.input.0, sizes(&network.input));
    let mut held = vec![Held { kind: Kind::Input, step: Some(formats.input.1.clone()) }];
    let last = network.operations.len();
    for (i, operation) in network.operations.iter().enumerate() {
        let (before, shape) = (held[i].clone(), &network.shapes[i + 1]);
        let x = format!("t{i}");
        let input = matches!(before.kind, Kind::Input | Kind::Scaled);
        let unweighted = if input { Kind::Scaled } else { Kind::Exact };
        let bias = |bias: &Option<Vec<f32>>, step: &Option<Rational>| -> Option<(String, Option<Rational>)> {
            let Some(bias) = bias else { return Some((String::new(), step.clone())) };
            let values = list(bias, &[bias.len()]);
            match &formats.biases {
                Some((format, own)) => {
                    Some((format!(", {values} as {format}"), step.as_ref().map(|step| common(step, own))))
                }
                None => {
                    let step = step.clone()?;
                    let format = format!("affine<int<60>, {}, 0, round = {}>", fraction(&step), formats.round);
                    Some((format!(", {values} as {format}"), Some(step)))
                }
            }
        };
        let mut function = false;
        let product = before.step.as_ref().map(|step| step * &formats.weights.1);
        let (call, kind, step) = match operation {
            Operation::Arithmetic(operator, values) => {
                let step = match (operator, values.as_slice(), &before.step) {
                    ('*', [c], Some(step)) => Some(step * from_f64(f64::from(c.abs())).unwrap()),
                    ('/', [c], Some(step)) => Some(step / from_f64(f64::from(c.abs())).unwrap()),
                    ('+' | '-', [c], Some(step)) => Some(common(step, &from_f64(f64::from(*c)).unwrap())),
                    _ => None,
                };
                let known = if values.len() == 1 {
                    format!("({})", list(values, &[]))
                } else {
                    list(values, &network.shapes[i])
                };
                // What is added to the products of a layer without a bias is its bias.
                let added = matches!(operator, '+' | '-')
                    && i > 0
                    && before.kind == Kind::Exact
                    && matches!(
                        network.operations[i - 1],
                        Operation::Dense(_, None, _) | Operation::Conv(_, _, None, ..)
                    );
                if added {
                    let (format, step) = match &formats.biases {
                        Some((format, own)) => (format.clone(), before.step.as_ref().map(|step| common(step, own))),
                        None => {
                            let step = before.step.clone()?;
                            (format!("affine<int<60>, {}, 0, round = {}>", fraction(&step), formats.round), Some(step))
                        }
                    };
                    let values: Vec<f32> = values.iter().map(|v| if *operator == '-' { -v } else { *v }).collect();
                    let shape = if values.len() == 1 { vec![1] } else { network.shapes[i].clone() };
                    let known = list(&values, &shape);
                    let scalar = if values.len() == 1 { "[0]" } else { "" };
                    let call = format!("let k{i} = {known} as {format};\n    let t = {x} + k{i}{scalar}");
                    (call, Kind::Exact, step)
                } else {
                    (format!("let t = {x} {operator} {known}"), unweighted, step)
                }
            }
            Operation::Dense(weights, given, _) => {
                let (bias, step) = bias(given, &product)?;
                let weights = list(weights, &[shape[0], network.shapes[i][0]]);
                (format!("let t = dense({x}, {weights} as {}{bias})", formats.weights.0), Kind::Exact, step)
            }
            Operation::Conv(weights, k, given, stride, padding) => {
                let (bias, step) = bias(given, &product)?;
                let weights = list(weights, &[shape[0], network.shapes[i][0], *k, *k]);
                let call = format!(
                    "let t = conv2d({x}, {weights} as {}{bias}, stride = {stride}, padding = {padding})",
                    formats.weights.0
                );
                (call, Kind::Exact, step)
            }
            Operation::Relu | Operation::Clip(..) | Operation::Leaky(_) | Operation::Sigmoid | Operation::Tanh => {
                function = true;
                let call = match operation {
                    Operation::Relu => format!("relu({x})"),
                    Operation::Clip(lo, hi) => format!("clamp({x}, {}, {})", list(&[*lo], &[]), list(&[*hi], &[])),
                    Operation::Leaky(slope) => format!("leaky_relu({x}, {})", list(&[*slope], &[])),
                    Operation::Sigmoid => format!("sigmoid({x})"),
                    _ => format!("tanh({x})"),
                };
                (format!("let t = {call}"), Kind::Exact, None)
            }
            Operation::MaxPool => (format!("let t = max_pool2d({x}, 2, stride = 1)"), before.kind, before.step.clone()),
            Operation::AveragePool(padding) => {
                let options = match padding {
                    None => "",
                    Some(true) => ", padding = [[1, 0], [1, 0]]",
                    Some(false) => ", padding = [[1, 0], [1, 0]], count_padding = false",
                };
                let step = before.step.as_ref().map(|step| step / integer(4));
                (format!("let t = avg_pool2d({x}, 2, stride = 1{options})"), unweighted, step)
            }
            Operation::GlobalAverage => {
                let area = network.shapes[i][1] * network.shapes[i][2];
                let step = before.step.as_ref().map(|step| step / integer(area as i128));
                let call = format!("let t = reshape(mean({x}, axes = [1, 2]), [{}, 1, 1])", shape[0]);
                (call, unweighted, step)
            }
            Operation::Flatten => (format!("let t = flatten({x})"), before.kind, before.step.clone()),
            Operation::Transpose(order) => {
                (format!("let t = transpose({x}, {order:?})"), before.kind, before.step.clone())
            }
            Operation::Pad => (format!("let t = pad({x}, [[1, 1]])"), before.kind, before.step.clone()),
            Operation::Residual(earlier) => {
                let other = &held[*earlier];
                let of_inputs = input && matches!(other.kind, Kind::Input | Kind::Scaled);
                let step = before.step.as_ref().zip(other.step.as_ref()).map(|(a, b)| common(a, b));
                let call = format!("let t = {x} + t{earlier}");
                (call, if of_inputs { Kind::Scaled } else { Kind::Exact }, step)
            }
            Operation::Twice => (format!("let t = concat({x}, {x})"), before.kind, before.step.clone()),
        };
        // A reshape is the same tensor: what reads the one reads the other.
        let mut readers = vec![i + 1];
        while matches!(network.operations.get(*readers.last().unwrap()), Some(Operation::Flatten)) {
            readers.push(readers.last().unwrap() + 1);
        }
        let same = matches!(operation, Operation::Flatten);
        let reads = |f: &dyn Fn(&Operation) -> bool| readers.iter().filter_map(|r| network.operations.get(*r)).any(f);
        let multiplied = reads(&|o| matches!(o, Operation::Dense(..) | Operation::Conv(..)));
        let tabulated = reads(&|o| matches!(o, Operation::Sigmoid | Operation::Tanh));
        let stored = function
            || kind == Kind::Exact && !same && (multiplied || tabulated)
            || kind == Kind::Scaled && !same && tabulated;
        let (format, step_of) = (&formats.activations.0, &formats.activations.1);
        let (head, value) = call.rsplit_once("let t = ")?;
        if i + 1 == last
            && let Some(outputs) = &formats.outputs
        {
            text.push_str(&format!("    {head}({value}) as {outputs}\n}}\n"));
            return Some(text.replace("RESULT", &format!("{outputs}{}", sizes(shape))));
        }
        let cast = if stored { format!(" as {format}") } else { String::new() };
        text.push_str(&format!("    {head}let t{} = ({value}){cast};\n", i + 1));
        held.push(if stored { Held { kind: Kind::Stored, step: Some(step_of.clone()) } } else { Held { kind, step } });
    }
    let result = match held.last()?.kind {
        Kind::Input => &formats.input.0,
        Kind::Stored => &formats.activations.0,
        Kind::Scaled | Kind::Exact => "real",
    };
    text.push_str(&format!("    t{last}\n}}\n"));
    Some(text.replace("RESULT", &format!("{result}{}", sizes(&network.shapes[last]))))
}

/// A positive number as the arguments of a format take it.
fn fraction(value: &Rational) -> String {
    if value.is_integer() { value.numer().to_string() } else { format!("{} / {}", value.numer(), value.denom()) }
}

/// 2^−bits.
pub fn power(bits: i64) -> Rational {
    if bits < 0 { integer(1 << -bits) } else { ratio(1, 1 << bits) }
}
