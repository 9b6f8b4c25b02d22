//! Runs engines on a private benchmark, where it is present: `aaai21 WEIGHTS.npz IMAGES.gz LABELS.gz VERDICTS.csv [OPTION=VALUE…]`.
//!
//! A network 784-64-32 of 6 bits on MNIST; a verdict for each (sample, radius). Options: `engine` (interval, smt, smt-linear, smt-shift, smt-bounds,
//! smt-auto, portfolio), `seconds` for each query, `from` and `to` for the samples, `samples` for a list of them, `eps` for one radius, `export` for
//! a folder to write SMT-LIB to; `every=N` lets every N-th pixel move only, which makes easier queries of unknown answer.

use qnn::engine::smt::{AdderTree, Options, Products, Smt, z3::Strategy};
use qnn::engine::{Answer, Control, Engine, interval::Intervals, portfolio::Portfolio};
use qnn::model::Rounding;
use qnn::network::{Graph, Matrix, NodeId, Op, Step, Steps, interpret};
use qnn::obligation::{Atom, Linear, Obligation, Replay, Variable};
use std::error::Error;
use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn Error>> {
    let (options, paths): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|word| word.contains('='));
    let option = |name: &str| {
        options.iter().filter_map(|word| word.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let [weights, images, labels, verdicts] = &paths[..] else {
        return Err("usage: aaai21 WEIGHTS.npz IMAGES.gz LABELS.gz VERDICTS.csv [OPTION=VALUE...]".into());
    };
    if !std::path::Path::new(weights).exists() {
        println!("skipped: {weights} is not here");
        return Ok(());
    }
    let engine: Box<dyn Engine> = match option("engine").unwrap_or("portfolio") {
        "interval" => Box::new(Intervals),
        "smt" => Box::new(Smt::default()),
        "smt-linear" => Box::new(Smt::with_tree(AdderTree::Linear)),
        "smt-shift" => {
            Box::new(Smt { options: Options { products: Products::Shift, ..Options::default() }, ..Smt::default() })
        }
        "smt-bounds" => {
            Box::new(Smt { options: Options { redundant_bounds: true, ..Options::default() }, ..Smt::default() })
        }
        "smt-auto" => Box::new(Smt { strategy: Strategy::Automatic, ..Smt::default() }),
        "portfolio" => Box::new(Portfolio::default()),
        other => return Err(format!("no engine is called {other}").into()),
    };
    let number = |name: &str, usual: u64| option(name).map_or(Ok(usual), str::parse);
    let (seconds, from, to) = (number("seconds", 10)?, number("from", 0)?, number("to", 400)?);
    let (only_eps, every) = (number("eps", 0)?, number("every", 1)? as usize);
    let samples: Option<Vec<u64>> =
        option("samples").map(|list| list.split(',').map(str::parse).collect()).transpose()?;

    let network = Network::read(weights)?;
    let (images, labels) = (unzip(images)?, unzip(labels)?);
    let (mut agree, mut open, mut wrong, mut spent) = (0, 0, 0, Duration::ZERO);
    for line in std::fs::read_to_string(verdicts)?.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let (sample, eps): (u64, u64) = (fields[0].parse()?, fields[1].parse()?);
        if samples.as_ref().is_some_and(|samples| !samples.contains(&sample))
            || !(from..to).contains(&sample)
            || (only_eps != 0 && eps != only_eps)
        {
            continue;
        }
        let image = &images[16 + 784 * sample as usize..][..784];
        let mut obligation = network.robust(image, labels[8 + sample as usize], eps as i64);
        for (i, pixel) in obligation.variables[0].domain.iter_mut().enumerate().filter(|(i, _)| i % every != 0) {
            *pixel = (i64::from(image[i]), i64::from(image[i]));
        }
        if let Some(folder) = option("export") {
            let script = qnn::report::smtlib::Script::default();
            let text = script.write(&obligation, &Control::default()).map_err(|reason| reason.to_string())?;
            std::fs::write(format!("{folder}/{sample:03}-{eps}.smt2"), text)?;
        }
        let start = Instant::now();
        let answer = engine.solve(&obligation, &Control::with_budget(Duration::from_secs(seconds)));
        let time = start.elapsed();
        spent += time;
        let found = match &answer {
            Answer::None(_) => "robust",
            Answer::Some(assignment) if matches!(obligation.replay(assignment), Replay::Holds(_)) => "vulnerable",
            Answer::Some(_) => "broken",
            Answer::Unknown(_) => "open",
        };
        let verdict = if fields[2] == "robust" { "robust" } else { "vulnerable" };
        match found {
            "open" => open += 1,
            _ if found == verdict || every > 1 => agree += 1,
            _ => wrong += 1,
        }
        if time > Duration::from_millis(500) || (found != verdict && found != "open") {
            println!("{sample} {eps} {} {found} {time:.2?}", fields[2]);
        }
    }
    println!("{}: {agree} agree, {open} open, {wrong} wrong, {spent:.1?}", engine.name());
    Ok(())
}

struct Network {
    graph: Arc<Graph>,
    input: NodeId,
    output: NodeId,
}

impl Network {
    fn read(path: &str) -> Result<Network, Box<dyn Error>> {
        let mut archive = zip::ZipArchive::new(std::fs::File::open(path)?)?;
        let mut tensor = |name: &str, scale: f64, limit: f64| -> Result<Vec<i64>, Box<dyn Error>> {
            let mut bytes = Vec::new();
            archive.by_name(&format!("{name}.npy"))?.read_to_end(&mut bytes)?;
            let file = npyz::NpyFile::new(&bytes[..])?;
            let values: Vec<f32> = file.into_vec()?;
            let quantize = |v: &f32| (f64::from(*v) * scale).round().clamp(-limit, limit - 1.0) as i64;
            Ok(values.iter().map(quantize).collect())
        };
        let (w1, b1) = (tensor("fc1.weight", 32.0, 32.0)?, tensor("fc1.bias", 16.0, 32.0)?);
        let (w2, b2) = (tensor("fc2.weight", 32.0, 32.0)?, tensor("fc2.bias", 16.0, 32.0)?);
        let mut graph = Graph::new();
        let input = graph.push_input("x", 784);
        let mut dense = |source, weights, bias: Vec<i64>, shift: u32, lo, hi| {
            let rows = bias.len();
            let matrix = Matrix::dense(rows, graph.len(source), weights);
            let bias = bias.into_iter().map(|b| i128::from(b) << shift).collect();
            let acc = graph.push("acc", Op::Affine { terms: vec![(source, matrix)], bias });
            let step = Step::Round { numerator: 1, denominator: 1 << shift, offset: 0, mode: Rounding::HalfUp, lo, hi };
            graph.push("out", Op::Step { source: acc, steps: Steps::Uniform(step) })
        };
        let hidden = dense(input, w1, b1, 9, 0, 63);
        let output = dense(hidden, w2, b2, 5, -32, 31);
        Ok(Network { graph: Arc::new(graph), input, output })
    }

    /// Some rival takes the first maximum away from the label.
    fn robust(&self, image: &[u8], label: u8, eps: i64) -> Obligation {
        let domain = image.iter().map(|p| ((i64::from(*p) - eps).max(0), (i64::from(*p) + eps).min(255))).collect();
        let label = u32::from(label);
        let clean = interpret(&self.graph, &[image.iter().map(|p| i128::from(*p)).collect()]).expect("small numbers");
        debug_assert_eq!(clean[self.output.index()].len(), 32);
        let case = |rival: u32| {
            let terms = vec![(self.output, rival, 1), (self.output, label, -1)];
            vec![Atom::new(Linear::new(terms, if rival < label { 0 } else { -1 }))]
        };
        Obligation {
            graph: self.graph.clone(),
            variables: vec![Variable { name: "x".into(), node: self.input, domain }],
            assumptions: Vec::new(),
            cases: (0..32).filter(|rival| *rival != label).map(case).collect(),
        }
    }
}

fn unzip(path: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path)?).read_to_end(&mut bytes)?;
    Ok(bytes)
}
