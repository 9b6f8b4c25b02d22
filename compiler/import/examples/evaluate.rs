//! What an import computes, for comparison with the runtimes: every layer's stored integers.
//!
//! Usage: `evaluate LIST`. Each line of LIST is `KERNEL MODEL INPUTS`, separated by tabs: INPUTS holds little-endian int32, for each sample the stored integers of
//! all inputs. Prints for each line `refused REASON`, or for each sample and layer `NAME integers…`, separated by tabs, and then `end`.

use qnn_import::{ImportedNetwork, ImportedTensor, Kernel, Options, import};
use std::error::Error;
use std::io::Write;

fn main() -> Result<(), Box<dyn Error>> {
    let list = std::env::args().nth(1).ok_or("usage: evaluate LIST")?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::fs::read_to_string(list)?.lines() {
        let [kernel, model, inputs] = line.split('\t').collect::<Vec<_>>()[..] else {
            return Err("three columns".into());
        };
        let kernel = Kernel::by_name(kernel).ok_or("a kernel's name")?;
        match import(&std::fs::read(model)?, &Options { kernel, inputs: Vec::new(), until: None }) {
            Ok(network) => samples(&network, &std::fs::read(inputs)?, &mut out)?,
            Err(error) => writeln!(out, "refused\t{error}")?,
        }
        writeln!(out, "end")?;
    }
    Ok(())
}

/// Prints the layers for each sample.
fn samples(network: &ImportedNetwork, inputs: &[u8], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let zero = |tensor: &ImportedTensor| tensor.storage.as_ref().map_or(0, |s| i128::from(s.zero));
    let inputs: Vec<i128> = inputs.as_chunks().0.iter().map(|b| i128::from(i32::from_le_bytes(*b))).collect();
    let lengths: Vec<usize> = network.inputs.iter().map(|t| network.graph.len(t.node)).collect();
    for sample in inputs.chunks_exact(lengths.iter().sum()) {
        let mut rest = sample;
        let mut values = Vec::new();
        for (tensor, length) in network.inputs.iter().zip(&lengths) {
            let (own, others) = rest.split_at(*length);
            values.push(own.iter().map(|v| v - zero(tensor)).collect());
            rest = others;
        }
        let values = qnn_ir::interpret(&network.graph, &values).map_err(|e| format!("{e:?}"))?;
        for layer in &network.layers {
            write!(out, "{}\t", layer.tensor.name)?;
            let integers = values[layer.tensor.node.index()].iter();
            let integers: Vec<String> = integers.map(|v| (v + zero(&layer.tensor)).to_string()).collect();
            writeln!(out, "{}", integers.join(" "))?;
        }
    }
    Ok(())
}
