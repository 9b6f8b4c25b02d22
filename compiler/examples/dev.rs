//! Robustness of a dense network on images, straight from its weights: a benchmark of the engine `search` without the language.
//!
//! `robustness WEIGHTS.npz IMAGES.gz LABELS.gz BITS RADIUS FIRST LAST SECONDS [VERDICTS.csv]` asks, for each image in FIRST..LAST
//! that is classified correctly, whether a change of at most RADIUS steps per pixel changes the class. Quantization is the papers':
//! BITS-wide weights with BITS - 1 fraction bits, biases and logits with BITS - 2, hidden values unsigned.
//! With RADIUS 0, image i is asked with radius 1 + i / 100.

use qnn::engine::{Answer, Control, Search, Trust};
use qnn::model::Rounding;
use qnn::network::{Graph, Matrix, NodeId, Op, Step, Steps, interpret};
use qnn::obligation::{Atom, Linear, Obligation, Replay, Variable};
use std::error::Error;
use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

type Array = (Vec<u64>, Vec<f64>);

fn array(archive: &mut zip::ZipArchive<std::fs::File>, name: &str) -> Result<Option<Array>, Box<dyn Error>> {
    let Ok(mut file) = archive.by_name(&format!("{name}.npy")) else { return Ok(None) };
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let npy = npyz::NpyFile::new(&bytes[..])?;
    let shape = npy.shape().to_vec();
    let values = match npy.dtype() {
        npyz::DType::Plain(ty) if ty.size_field() == 4 => npy.into_vec::<f32>()?.into_iter().map(f64::from).collect(),
        _ => npy.into_vec::<f64>()?,
    };
    Ok(Some((shape, values)))
}

fn gunzip(path: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path)?).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Clip, scale, round half away from zero.
fn quantize(value: f64, bits: u32, fraction: u32) -> i64 {
    let scale = f64::from(1u32 << fraction);
    let (low, high) = (-f64::from(1u32 << (bits - 1)), f64::from((1u32 << (bits - 1)) - 1));
    (value * scale).round().clamp(low, high) as i64
}

fn network(path: &str, bits: u32) -> Result<(Graph, NodeId, NodeId), Box<dyn Error>> {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(path)?)?;
    let mut graph = Graph::new();
    let mut layers = Vec::new();
    for layer in 1.. {
        let Some(weight) = array(&mut archive, &format!("fc{layer}.weight"))? else { break };
        let bias = array(&mut archive, &format!("fc{layer}.bias"))?.ok_or("no bias")?;
        layers.push((weight, bias));
    }
    let input = graph.push_input("x", layers[0].0.0[1] as usize);
    let (mut source, mut fraction) = (input, 8);
    let count = layers.len();
    for (index, ((shape, weights), (_, biases))) in layers.into_iter().enumerate() {
        let weights = weights.iter().map(|v| quantize(*v, bits, bits - 1)).collect();
        let align = fraction + (bits - 1) - (bits - 2);
        let bias: Arc<[i128]> = biases.iter().map(|v| i128::from(quantize(*v, bits, bits - 2)) << align).collect();
        let matrix = Matrix::dense(shape[0] as usize, shape[1] as usize, weights);
        let acc = graph.push(format!("a{}", index + 1), Op::Affine { terms: vec![(source, matrix)], bias });
        let (lo, hi) = if index + 1 == count {
            (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1)
        } else {
            (0, (1i128 << bits) - 1)
        };
        let (denominator, mode) = (1i128 << align, Rounding::HalfUp);
        let step = Step::Round { numerator: 1, denominator, offset: 0, mode, lo, hi };
        source = graph.push(format!("y{}", index + 1), Op::Step { source: acc, steps: Steps::Uniform(step) });
        fraction = bits - 2;
    }
    Ok((graph, input, source))
}

/// The time that this thread has run, as Linux counts it.
fn on_cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0))
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [weights, images, labels, bits, radius, first, last, seconds, rest @ ..] = &args[..] else {
        return Err("robustness WEIGHTS IMAGES LABELS BITS RADIUS FIRST LAST SECONDS [VERDICTS]".into());
    };
    let (graph, input, output) = network(weights, bits.parse()?)?;
    let graph = Arc::new(graph);
    let (images, labels) = (gunzip(images)?, gunzip(labels)?);
    let expected: Vec<String> = match rest.first() {
        Some(path) => std::fs::read_to_string(path)?.lines().skip(1).map(str::to_owned).collect(),
        None => Vec::new(),
    };
    let (radius, seconds): (i64, f64) = (radius.parse()?, seconds.parse()?);
    let engine = Search::new();
    let (mut counts, mut total, mut checking) = ([0usize; 4], Duration::ZERO, Duration::ZERO);
    let mut times = Vec::new();
    let verbose = std::env::var_os("VERBOSE").is_some();
    for sample in first.parse::<usize>()?..last.parse()? {
        let size = graph.len(input);
        let image: Vec<i64> =
            images[16 + sample * size..16 + (sample + 1) * size].iter().map(|p| i64::from(*p)).collect();
        let label = usize::from(labels[8 + sample]);
        let exact: Vec<i128> = image.iter().map(|p| i128::from(*p)).collect();
        let logits = interpret(&graph, &[exact]).map_err(|_| "overflow")?[output.index()].clone();
        let greatest = logits.iter().max().ok_or("no logits")?;
        if logits.iter().position(|v| v == greatest) != Some(label) {
            continue;
        }
        let eps = if radius == 0 { 1 + sample as i64 / 100 } else { radius };
        let domain: Vec<(i64, i64)> = image.iter().map(|p| ((p - eps).max(0), (p + eps).min(255))).collect();
        let case = |rival: usize| {
            let strict = i128::from(rival > label);
            vec![Atom::new(Linear::new(vec![(output, rival as u32, 1), (output, label as u32, -1)], -strict))]
        };
        let obligation = Obligation {
            graph: graph.clone(),
            variables: vec![Variable { name: "x".into(), node: input, domain }],
            assumptions: Vec::new(),
            cases: (0..logits.len()).filter(|rival| *rival != label).map(case).collect(),
        };
        let start = on_cpu();
        let (answer, effort) =
            engine.solve_with_effort(&obligation, &Control::with_budget(Duration::from_secs_f64(seconds)));
        let time = on_cpu() - start;
        total += time;
        times.push(time);
        let verdict = match &answer {
            Answer::None(Trust::Certificate { certificate: Some(certificate), .. }) => {
                let start = Instant::now();
                if let Err(rejection) = qnn::proof::check(&obligation, certificate) {
                    return Err(format!("{sample}: {rejection}").into());
                }
                checking += start.elapsed();
                counts[0] += 1;
                "robust"
            }
            Answer::Some(assignment) => {
                if !matches!(obligation.replay(assignment), Replay::Holds(_)) {
                    return Err(format!("{sample}: the counterexample does not replay").into());
                }
                counts[1] += 1;
                "vulnerable"
            }
            Answer::None(_) => return Err("a proof without a certificate".into()),
            Answer::Unknown(_) => {
                counts[2] += 1;
                "unknown"
            }
        };
        if let Some(line) = expected.get(sample)
            && line.split(',').nth(2) != Some(verdict)
        {
            counts[3] += 1;
            println!("{sample}: {verdict}, but expected {line}");
        }
        if verbose || verdict == "unknown" {
            println!("{sample} {verdict} {:.2} ms, {effort:?}", time.as_secs_f64() * 1e3);
        }
    }
    times.sort();
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).map_or(0.0, |t| t.as_secs_f64() * 1e3);
    println!(
        "{} robust, {} vulnerable, {} unknown, {} unexpected; {:.3} s in all, median {:.3} ms, 95 % {:.3} ms, most {:.3} ms; checked in {:.2} s",
        counts[0],
        counts[1],
        counts[2],
        counts[3],
        total.as_secs_f64(),
        at(0.5),
        at(0.95),
        at(0.9999),
        checking.as_secs_f64()
    );
    Ok(())
}
