//! What a network takes in hardware.

use super::{Layer, Network, Port};
use crate::check::types::count;

/// What a network takes in memory, in bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Weights and biases.
    pub parameters: usize,
    /// The largest stored tensor and the next one, which are held at the same time.
    pub activations: usize,
    /// How many weights and biases there are.
    pub count: usize,
    /// Of these, how many saturated when they were quantized.
    pub saturated: usize,
}

impl Memory {
    /// That of a network.
    pub fn of(network: &Network) -> Memory {
        let bits = |port: &Port| port.format.as_ref().map(|format| format.width as usize * count(&port.shape));
        let stored: Vec<usize> =
            network.inputs.iter().chain(network.layers.iter().map(|layer| &layer.port)).filter_map(bits).collect();
        let neighbours = stored.windows(2).map(|pair| pair[0] + pair[1]).max();
        Memory {
            parameters: network.layers.iter().map(|layer| layer.parameters.bits).sum(),
            activations: neighbours.or(stored.first().copied()).unwrap_or(0),
            count: network.layers.iter().map(|layer| layer.parameters.count).sum(),
            saturated: network.layers.iter().map(|layer| layer.parameters.saturated).sum(),
        }
    }
}

impl Layer {
    /// The bits that it takes: its format's, or those of an accumulator for every value it can have.
    pub fn width(&self) -> u32 {
        self.port.format.as_ref().map_or_else(|| self.range.signed_width(), |format| format.width)
    }
}
