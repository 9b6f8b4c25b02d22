//! What ONNX files compute, tensor by tensor: for comparisons with the runtimes (`tests/onnx`).
//!
//! Each line of the standard input is `KERNEL VNNI MODEL INPUTS [STORAGE …]`: a kernel, 0 or 1, a file, a file of samples, and for each float input that the
//! file leaves open `WIDTH:SIGNED:SCALE:ZERO`. A sample is a line: the stored integers of all inputs, one after another. The answer is `error REASON`, or
//! for each sample and tensor `tensor NAME SCALE ZERO INTEGERS`, then `end`. Integers are stored ones; `SCALE` is a list
//! with commas where there are several. With the kernel `float`, samples are floats, and the answer is `float NAME FLOATS` in doubles.

use qnn_import::{FloatNetwork, ImportedNetwork, ImportedTensor, Kernel, Options, Storage, float_network, import};
use qnn_ir::interpret;
use qnn_ir::rational::{parse_exact, to_f64};
use std::error::Error;
use std::io::{BufRead, Write};

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        match evaluate(&words) {
            Ok(answer) => out.write_all(answer.as_bytes())?,
            Err(error) => writeln!(out, "error {}", error.to_string().replace('\n', " "))?,
        }
        out.flush()?;
    }
    Ok(())
}

fn evaluate(words: &[&str]) -> Result<String, Box<dyn Error>> {
    let [kernel, vnni, model, samples, storages @ ..] = words else {
        return Err("a line has four words or more".into());
    };
    if *kernel == "float" {
        return floats(&float_network(&std::fs::read(model)?, None)?, &std::fs::read_to_string(samples)?);
    }
    let options = Options {
        kernel: if *vnni == "1" && *kernel == "ort" {
            Kernel::OrtVnni
        } else {
            Kernel::by_name(kernel).ok_or("no such kernel")?
        },
        inputs: storages.iter().map(|text| storage(text)).collect::<Result<_, _>>()?,
        until: None,
    };
    let network = import(&std::fs::read(model)?, &options)?;
    let mut answer = String::new();
    for note in &network.notes {
        answer += &format!("note {note}\n");
    }
    for sample in std::fs::read_to_string(samples)?.lines() {
        let integers: Vec<i128> = sample.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        answer += &tensors(&network, &integers)?;
    }
    Ok(answer + "end\n")
}

fn storage(text: &str) -> Result<Storage, Box<dyn Error>> {
    let [width, signed, scale, zero] = text.split(':').collect::<Vec<_>>()[..] else {
        return Err("a storage is WIDTH:SIGNED:SCALE:ZERO".into());
    };
    let scale = parse_exact(scale).ok_or("no scale")?;
    Ok(Storage { width: width.parse()?, signed: signed == "1", scale, zero: zero.parse()?, symmetric: false })
}

fn zero(tensor: &ImportedTensor) -> i128 {
    tensor.storage.as_ref().map_or(0, |storage| i128::from(storage.zero))
}

fn tensors(network: &ImportedNetwork, integers: &[i128]) -> Result<String, Box<dyn Error>> {
    let (mut inputs, mut rest) = (Vec::new(), integers);
    for input in &network.inputs {
        let (these, others) = rest.split_at_checked(network.graph.len(input.node)).ok_or("too few integers")?;
        inputs.push(these.iter().map(|v| v - zero(input)).collect());
        rest = others;
    }
    let values = interpret(&network.graph, &inputs).map_err(|_| "a sum of more than 128 bits")?;
    let mut answer = String::new();
    for tensor in network.layers.iter().map(|layer| &layer.tensor).chain(&network.outputs) {
        let scale: Vec<String> = tensor.scale.iter().map(|scale| to_f64(scale).to_string()).collect();
        let scale = scale.join(",");
        answer += &format!("tensor {} {scale} {}", tensor.name, zero(tensor));
        for value in &values[tensor.node.index()] {
            answer += &format!(" {}", value + zero(tensor));
        }
        answer.push('\n');
    }
    Ok(answer)
}

/// The tensors of a float network, in doubles.
fn floats(network: &FloatNetwork, samples: &str) -> Result<String, Box<dyn Error>> {
    let mut answer = String::new();
    for sample in samples.lines() {
        let given: Vec<f64> = sample.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let mut rest = given.as_slice();
        let mut inputs = Vec::new();
        for input in &network.inputs {
            let len = network.tensors[*input].shape.iter().product();
            let (these, others) = rest.split_at_checked(len).ok_or("too few numbers")?;
            inputs.push(these.to_vec());
            rest = others;
        }
        let values = network.evaluate(&inputs).ok_or("the inputs don't fit")?;
        for (tensor, values) in network.tensors.iter().zip(&values) {
            answer += &format!("float {}", tensor.name);
            values.iter().for_each(|value| answer += &format!(" {value}"));
            answer.push('\n');
        }
    }
    Ok(answer + "end\n")
}
