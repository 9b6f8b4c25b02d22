//! A first spec for a network of floats: the import with a number of bits, and the question how many of them it takes.

use super::{identifier, quoted};
use crate::check::types::stores_negative;
use qnn_import::{FloatNetwork, FloatOperation};
use std::fmt::Write;

/// What a first spec of floats is written of.
#[derive(Clone, Debug)]
pub struct FirstFloatSpec<'a> {
    /// The model's file, from the folder of the spec.
    pub model: &'a str,
    /// What it holds.
    pub network: &'a FloatNetwork,
    /// A file of inputs, from the folder of the spec, if there is one.
    pub samples: Option<&'a str>,
    /// A file of their classes.
    pub labels: Option<&'a str>,
}

/// The numbers of bits that the sweep tries.
const SWEEP: &str = "[4, 6, 8]";

impl FirstFloatSpec<'_> {
    /// The spec's text. It has no errors, if the model and the files have none.
    pub fn text(&self) -> String {
        let name = identifier(self.model);
        let mut text = format!(
            "//! {}, a network of floats, quantized by formats of this spec: how many bits does it take?\n//!\n//!     qnn show    what it holds: layers, formats, sums, weights that saturate\n//!     qnn eval    runs it on the samples\n//!     qnn verify  says what holds for all inputs, and shows what breaks the rest\n\n",
            self.model
        );
        self.network(&mut text, &name);
        let [output] = self.network.outputs.as_slice() else {
            text.push_str("// The file has several outputs: `output = \"name\"` among the options ends the network at one of them.\n");
            return text;
        };
        if self.network.inputs.len() != 1 {
            return text;
        }
        let elements: usize = self.network.tensors[*output].shape.iter().product();
        let classes = Some(elements).filter(|elements| (2..=1000).contains(elements));
        self.questions_of_samples(&mut text, &name, classes);
        self.question_of_all(&mut text, &name);
        text
    }

    fn network(&self, text: &mut String, name: &str) {
        let whole = self.integer_bits();
        let weights = format!("fixed<bits, bits - {}>", whole + 1);
        let (activations, why) = match stores_negative(self.network) {
            true => ("fixed<bits, bits - 3>", "signed, for not all of them follow a Relu"),
            false => ("ufixed<bits, bits - 2>", "unsigned, for each of them follows a Relu"),
        };
        let _ = writeln!(
            text,
            "// Sums are exact; bits are lost where a format says so:\n//   weights      {} before the point holds the largest of the file\n//   activations  {why}; `qnn show` says how large the sums before them are\n//   input        what the sensor delivers: put yours\n// `{name}<8>` is the network with 8 bits{}.",
            match whole {
                0 => "the sign alone".to_owned(),
                1 => "the sign and one bit".to_owned(),
                n => format!("the sign and {n} bits"),
            },
            match self.exact(name) {
                exact if exact.ends_with("real") => format!(", `{exact}` the file's network over the real numbers"),
                exact => format!(
                    ", `{exact}` that with 16, which the others are compared with: sigmoids are tables, and have no exact values"
                ),
            }
        );
        let _ = writeln!(
            text,
            "network {name}<bits> = import {} {{\n    weights = {weights},\n    activations = {activations},\n    input = ufixed<8, 8>,\n}};\n",
            quoted(self.model)
        );
    }

    /// What a network with few bits is compared with: the reading, or, where tables have none, the network with 16 bits.
    fn exact(&self, name: &str) -> String {
        let curve =
            |operation: &FloatOperation| matches!(operation, FloatOperation::Sigmoid(_) | FloatOperation::Tanh(_));
        let has_curves = self.network.tensors.iter().any(|tensor| curve(&tensor.operation));
        if has_curves { format!("{name}<16>") } else { format!("{name}<8>.real") }
    }

    /// The bits before the point that the largest weight takes.
    fn integer_bits(&self) -> u32 {
        let weights = self.network.tensors.iter().filter_map(|tensor| match &tensor.operation {
            FloatOperation::Sums { weights, .. } => Some(weights.iter()),
            _ => None,
        });
        let largest = weights.flatten().map(|weight| weight.abs()).filter(|w| w.is_finite()).fold(0.0, f32::max);
        (0..64).find(|bits| f64::from(largest) < 2f64.powi(*bits as i32)).unwrap_or(0)
    }

    fn questions_of_samples(&self, text: &mut String, name: &str, classes: Option<usize>) {
        let Some(classes) = classes else { return };
        let exact = self.exact(name);
        text.push_str("// Inputs to start from, whose numbers are rounded to the input's format; `raw` behind the file says that it holds its integers.\n");
        let field = format!("    x: {name}<8>.input from {};\n", quoted(self.samples.unwrap_or("samples.npy")));
        let label = format!("    label: class<{classes}> from {};\n", quoted(self.labels.unwrap_or("labels.npy")));
        let label = if self.samples.is_some() && self.labels.is_none() { String::new() } else { label };
        let mut block = format!("dataset samples {{\n{field}{label}}}\n\n");
        if !label.is_empty() {
            let _ = writeln!(
                block,
                "// How often is it right, with so many bits?\nmeasure accuracy(bits in {SWEEP}) =\n    share of i in 0..len(samples) such that argmax({name}<bits>(samples[i].x)) == samples[i].label;\n"
            );
        }
        let _ = writeln!(
            block,
            "// Down to how many bits does each sample keep its class? 16 minus this.\nmeasure bits_to_spare = largest fewer in 0..=14 such that\n    forall i in 0..len(samples): argmax({name}<16 - fewer>(samples[i].x)) == argmax({exact}(samples[i].x));\n"
        );
        let _ = writeln!(
            block,
            "// Every input whose integers differ by at most `eps` from those of a sample, all at once, gets the class that the floats give the sample.\nproperty robust(bits in {SWEEP}, i in 0..min(len(samples), 10), eps in [1]) =\n    forall x in ball(samples[i].x, eps lsb):\n        argmax({name}<bits>(x)) == argmax({exact}(samples[i].x));"
        );
        match self.samples {
            Some(_) => text.push_str(&block),
            None => block.lines().for_each(|line| {
                let _ = writeln!(text, "{}", format!("// {}", line.trim_start_matches("// ")).trim_end());
            }),
        }
        text.push('\n');
    }

    fn question_of_all(&self, text: &mut String, name: &str) {
        let exact = self.exact(name);
        let _ = writeln!(
            text,
            "// How far is an output from the floats', over all inputs there are? The worst that is found, and a bound that is proved.\n#[timeout(10s)]\nmeasure error(bits in {SWEEP}) = maximize maximum(abs({name}<bits>(x) - {exact}(x))) over x: {name}<8>.input;"
        );
    }
}
