//! Imports of networks of floats against what they are said to be: hundreds of random graphs, each as a file, as the spec that the manual has for it,
//! and as exact numbers.
//!
//! The quantized network has to compute what the spec computes, its reading what the file computes over the real numbers.

mod graph;
mod onnx;

use graph::{Formats, Network, by_hand, evaluate, power};
use qnn::check::network::{network, real_network};
use qnn::check::spec::diagnostics;
use qnn::db::{BytesContent, Database, FileSystem, ItemId, SourceFile, items};
use qnn::diagnostic::Severity;
use qnn::files::FileError;
use qnn::import::float_network;
use qnn::ir::Rational;
use qnn::ir::interpreter::interpret;
use qnn::ir::rational::to_f64;
use qnn::ir::testing::Random;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// A folder of one file.
struct One(Arc<[u8]>);

impl FileSystem for One {
    fn text(&self, path: &Path) -> Result<Arc<str>, FileError> {
        Err(FileError::new(format!("{} is not there", path.display())))
    }

    fn bytes(&self, _: &Path) -> BytesContent {
        BytesContent::File(self.0.clone())
    }
}

fn formats(random: &mut Random) -> Formats {
    let one = |random: &mut Random, list: &[&'static str]| list[random.between(0, list.len() as i64 - 1) as usize];
    let round = one(random, &["half_up", "half_even", "floor", "half_away"]);
    let signed = |random: &mut Random, lo: i64, hi: i64| {
        let (width, fraction) = (random.between(lo, hi), random.between(0, 5));
        (format!("fixed<{width}, {fraction}"), power(fraction))
    };
    let (input, step) = match random.between(0, 2) {
        0 => ("affine<uint<3>, 0.3, 2>".to_owned(), qnn::ir::rational::ratio(3, 10)),
        1 => ("ufixed<4, 3>".to_owned(), power(3)),
        _ => ("fixed<3, 1>".to_owned(), power(1)),
    };
    let (weights, weight_step) = signed(random, 2, 8);
    let (activations, activation_step) = signed(random, 3, 9);
    let overflow = one(random, &["", ", overflow = wrap", ", overflow = symmetric"]);
    Formats {
        input: (input, step),
        weights: (format!("{weights}, round = {round}>"), weight_step),
        activations: (
            format!("{activations}, round = {}{overflow}>", one(random, &["half_up", "floor"])),
            activation_step,
        ),
        biases: (random.between(0, 3) == 0).then(|| {
            let (format, step) = signed(random, 4, 9);
            (format!("{format}>"), step)
        }),
        outputs: (random.between(0, 3) == 0).then(|| format!("{}>", signed(random, 4, 12).0)),
        round,
    }
}

fn import(formats: &Formats) -> String {
    let mut text = format!(
        "network f = import \"f.onnx\" {{ weights = {}, activations = {}, input = {}",
        formats.weights.0, formats.activations.0, formats.input.0
    );
    if let Some((biases, _)) = &formats.biases {
        text += &format!(", biases = {biases}");
    }
    if let Some(outputs) = &formats.outputs {
        text += &format!(", outputs = {outputs}");
    }
    text + " };\n"
}

fn item(db: &Database, file: SourceFile, name: &str) -> ItemId {
    items(db, file).iter().copied().find(|item| item.name(db) == name).unwrap()
}

/// Compares one case; what it was made of, or why it is none.
fn compare(seed: u64) -> Result<(), &'static str> {
    let mut random = Random::new(seed);
    let case = Network::random(&mut random);
    let formats = formats(&mut random);
    let Some(spec) = by_hand(&case, &formats) else { return Err("no text says its biases") };
    let spec = import(&formats) + &spec;
    let mut db = Database::new(One(graph::onnx(&case).into()));
    let file = db.set_text(Path::new("/specs/spec.qnn"), spec.as_str().into());
    let errors: Vec<String> = diagnostics(&db, file)
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .map(|d| format!("{} {}", d.code, d.message))
        .collect();
    if errors.iter().all(|e| e.starts_with("E0404")) && errors.len() == 2 {
        return Err("more than 64 bits, both ways");
    }
    assert!(errors.is_empty(), "seed {seed}\n{spec}\n{errors:#?}");
    let (f, hand) = (item(&db, file, "f"), item(&db, file, "by_hand"));
    let imported = network(&db, f, Vec::new()).value.clone().unwrap();
    let written = network(&db, hand, Vec::new()).value.clone().unwrap();
    assert_eq!(imported.output.format, written.output.format, "seed {seed}\n{spec}");
    let (port, count) = (&imported.inputs[0], case.input.iter().product::<usize>());
    let format = port.format.as_ref().unwrap();
    let (lo, hi) = (format.min_raw() - format.zero(0), format.max_raw() - format.zero(0));
    let floats = float_network(&graph::onnx(&case), None).unwrap();
    let reading = case.has_reading().then(|| {
        let outcome = real_network(&db, f, Vec::new());
        outcome.value.clone().unwrap_or_else(|| panic!("seed {seed}\n{spec}\n{:#?}", outcome.diagnostics))
    });
    for sample in 0..24 {
        let x: Vec<i128> = (0..count)
            .map(|_| match sample {
                0 => i128::from(lo),
                1 => i128::from(hi),
                _ => i128::from(random.between(lo, hi)),
            })
            .collect();
        let mut outputs = Vec::new();
        for network in [&imported, &written] {
            let values = interpret(&network.graph, std::slice::from_ref(&x)).unwrap();
            let output = &values[network.output.node.index()];
            outputs.push((0..output.len()).map(|i| network.output.value(i, output[i])).collect::<Vec<_>>());
        }
        assert_eq!(outputs[0], outputs[1], "seed {seed}, {x:?}\n{spec}");
        if let Some(reading) = &reading {
            let values: Vec<_> = x.iter().enumerate().map(|(i, n)| port.value(i, *n)).collect();
            let real = reading.real.as_ref().unwrap();
            let exact = evaluate(&case, &values);
            assert_eq!(real.real.evaluate(&[x.as_slice()], real.output), exact, "seed {seed}, {x:?}\n{spec}");
            // What is compared with onnxruntime elsewhere.
            let near = floats.evaluate(&[values.iter().map(to_f64).collect()]).unwrap().swap_remove(floats.outputs[0]);
            let is_near = |(a, b): (&f64, &Rational)| (a - to_f64(b)).abs() <= 1e-9 * (1.0 + a.abs());
            assert!(near.iter().zip(&exact).all(is_near), "seed {seed}, {x:?}\n{spec}");
        }
    }
    Ok(())
}

#[test]
fn imports_are_what_the_manual_says() {
    let mut refused: BTreeMap<&'static str, usize> = BTreeMap::new();
    for seed in 0..600 {
        if let Err(reason) = compare(seed) {
            *refused.entry(reason).or_default() += 1;
        }
    }
    println!("{refused:?}");
    assert!(refused.values().sum::<usize>() < 100, "{refused:?}");
}

/// Damaged files are errors, never panics, and never large.
#[test]
fn mutants_are_refused() {
    let mut read = 0;
    for seed in 0..100 {
        let mut random = Random::new(seed);
        let file = graph::onnx(&Network::random(&mut random));
        assert!(float_network(&file, None).is_ok(), "seed {seed}");
        for _ in 0..200 {
            let mut mutant = file.clone();
            for _ in 0..random.between(1, 4) {
                if mutant.len() < 2 {
                    break;
                }
                let at = random.between(0, mutant.len() as i64 - 1) as usize;
                match random.between(0, 3) {
                    0 => mutant[at] = random.between(0, 255) as u8,
                    1 => mutant[at] ^= 1 << random.between(0, 7),
                    2 => drop(mutant.remove(at)),
                    _ => mutant.truncate(at.max(1)),
                }
            }
            read += usize::from(float_network(&mutant, None).is_ok());
        }
    }
    println!("{read} of 20,000 mutants are networks still");
    assert!(read < 20_000);
}

/// Limits that leave no value, or are none.
#[test]
fn limits_that_are_none_are_refused() {
    for (lo, hi) in [(1.0, -1.0), (f32::NAN, 1.0), (f32::INFINITY, f32::INFINITY), (0.0, f32::NEG_INFINITY)] {
        let mut graph = onnx::Graph::default();
        graph.floats("lo", &[], &[lo]);
        graph.floats("hi", &[], &[hi]);
        graph.node("Clip", &["x", "lo", "hi"], "y", &[]);
        let file = graph.file(("x", &[1, 2]), ("y", &[1, 2]));
        let error = float_network(&file, None).expect_err("limits");
        assert!(error.to_string().contains("Clip"), "{lo} {hi}: {error}");
    }
}
