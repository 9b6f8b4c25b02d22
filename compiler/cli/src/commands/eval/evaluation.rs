//! A network on a sample, by the reference interpreter; and how accurate it is on many.

use super::source::Sample;
use crate::output::{Exit, Failure, json_integer};
use qnn::check::network::{Network, Port};
use qnn::ir::Rational;
use qnn::ir::interpret;
use qnn::ir::rational::{exact, show};
use qnn::verify::verdict::argmax;
use serde_json::{Value, json};
use std::sync::Arc;

/// What comes out.
pub struct Evaluation<'a> {
    pub network: &'a Network,
    pub sample: &'a Sample,
    pub values: Vec<Vec<i128>>,
    /// The output of a real-valued reading.
    pub reals: Option<Vec<Rational>>,
}

impl<'a> Evaluation<'a> {
    pub fn of(network: &'a Network, sample: &'a Sample) -> Result<Evaluation<'a>, Failure> {
        let values = interpret(&network.graph, &sample.inputs).map_err(|overflow| {
            let message = format!("`{}` overflows 128 bits at node {}", network.name, overflow.node.0);
            Failure::Message(Exit::Internal, message)
        })?;
        let reals = network.real.as_ref().map(|reading| {
            let inputs: Vec<&[i128]> = sample.inputs.iter().map(Vec::as_slice).collect();
            reading.real.evaluate(&inputs, reading.output)
        });
        Ok(Evaluation { network, sample, values, reals })
    }

    /// The output's values.
    fn outputs(&self) -> Vec<Rational> {
        let out = &self.network.output;
        match &self.reals {
            Some(values) => values.clone(),
            None => self.values[out.node.index()].iter().enumerate().map(|(i, n)| out.value(i, *n)).collect(),
        }
    }

    pub fn output_values(&self) -> Vec<String> {
        self.outputs().iter().map(show).collect()
    }

    /// The index of the first greatest value.
    pub fn argmax(&self) -> Option<usize> {
        argmax(&self.outputs()).0
    }

    /// The indices of all greatest values where there are several.
    pub fn ties(&self) -> Vec<usize> {
        argmax(&self.outputs()).1
    }

    pub fn is_right(&self) -> Option<bool> {
        Some(self.argmax()? == self.sample.label?)
    }

    pub fn json(&self, exact_too: bool) -> Value {
        let tensor =
            |port: &Port, numbers: &[i128]| -> Value { raw(port, numbers).into_iter().map(json_integer).collect() };
        let layers: Vec<Value> = self
            .network
            .layers
            .iter()
            .filter(|layer| layer.port.format.is_some() || exact_too)
            .map(|layer| {
                json!({
                    "name": layer.port.name,
                    "operation": layer.operation,
                    "shape": sizes(&layer.port),
                    "format": layer.port.format.as_ref().map(ToString::to_string),
                    "raw": tensor(&layer.port, &self.values[layer.port.node.index()]),
                })
            })
            .collect();
        let inputs: Vec<Value> =
            self.network.inputs.iter().zip(&self.sample.inputs).map(|(port, n)| tensor(port, n)).collect();
        let out = &self.network.output;
        json!({
            "network": self.network.name,
            "sample": self.sample.number,
            // One input, as nearly always, is not wrapped in a list.
            "input": if let [only] = inputs.as_slice() { only.clone() } else { json!(inputs) },
            "layers": layers,
            // Exact numbers are no raw integers of any format.
            "output": if self.reals.is_none() { tensor(out, &self.values[out.node.index()]) } else { Value::Null },
            "values": self.output_values(),
            "exact": self.outputs().iter().map(exact).collect::<Vec<String>>(),
            "argmax": self.argmax(),
            "ties": self.ties(),
            "label": self.sample.label,
        })
    }
}

/// How accurate a network is.
pub struct Accuracy {
    pub network: Arc<Network>,
    pub dataset: String,
    pub samples: usize,
    pub wrong: Vec<usize>,
}

impl Accuracy {
    pub fn share(&self) -> f64 {
        if self.samples == 0 { 0.0 } else { (self.samples - self.wrong.len()) as f64 / self.samples as f64 }
    }
}

pub fn sizes(port: &Port) -> Vec<usize> {
    port.shape.iter().map(|axis| axis.size).collect()
}

pub fn raw(port: &Port, numbers: &[i128]) -> Vec<i128> {
    numbers.iter().enumerate().map(|(i, n)| port.raw(i, *n)).collect()
}
