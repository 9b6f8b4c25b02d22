//! Networks of floats, as a file has them: what a spec quantizes by formats of its own.
//!
//! In: the bytes of an ONNX file. Out: a [`FloatNetwork`]: tensors in the order of computation, each an operation on earlier ones, with the file's weights
//! as they are. Nothing is rounded: floats of 32 bits are rationals, and an operation means the function of real numbers that it names.

use std::sync::Arc;

/// What a tensor of a float network is computed by. Tensors are flat, in row-major order of their shape; `source` and the like are indices into
/// [`FloatNetwork::tensors`], all of them less than the tensor's own.
#[derive(Clone, Debug, PartialEq)]
pub enum FloatOperation {
    /// An input of the file.
    Input,
    /// Known numbers.
    Constant(Arc<[f32]>),
    /// Convolutions and matrix products: for each element the sum of its products, and its channel's bias.
    Sums {
        /// The tensor that the weights multiply.
        source: usize,
        /// For each element of the result, (element of the source, index of the weight).
        taps: Vec<Vec<(u32, u32)>>,
        /// The file's weights in the file's order.
        weights: Arc<[f32]>,
        /// The axes of the weights in the file.
        weights_shape: Vec<usize>,
        /// For each element of the result, its channel.
        channels: Vec<u32>,
        /// One for each channel, if there is a bias.
        bias: Option<Arc<[f32]>>,
    },
    /// The sum of two tensors, element by element.
    Add(usize, usize),
    /// x · factor + offset: an operator with known numbers.
    Scale {
        /// x.
        source: usize,
        /// One for all elements, or one for each.
        factors: Arc<[f32]>,
        /// One for all elements, or one for each.
        offsets: Arc<[f32]>,
    },
    /// x / divisor.
    Divide {
        /// x.
        source: usize,
        /// One for all elements, or one for each; none is 0.
        divisors: Arc<[f32]>,
    },
    /// γ / √(σ² + ε) · (x − μ) + β: a normalization, with numbers for each channel.
    Normalize {
        /// x.
        source: usize,
        /// For each element, its channel.
        channels: Vec<u32>,
        /// γ.
        scale: Arc<[f32]>,
        /// β.
        offset: Arc<[f32]>,
        /// μ.
        mean: Arc<[f32]>,
        /// σ²; with ε it is positive.
        variance: Arc<[f32]>,
        /// ε.
        epsilon: f32,
    },
    /// min(max(x, lo), hi): `Relu` has the least value 0 alone.
    Clamp {
        /// x.
        source: usize,
        /// The least value.
        lo: Option<f32>,
        /// The greatest value.
        hi: Option<f32>,
    },
    /// x where it is at least 0, else x · alpha.
    LeakyRelu {
        /// x.
        source: usize,
        /// Within 0 and 1.
        alpha: f32,
    },
    /// 1 / (1 + e^−x).
    Sigmoid(usize),
    /// The hyperbolic tangent.
    Tanh(usize),
    /// The greatest element of each window.
    Max {
        /// What the windows are of.
        source: usize,
        /// Elements of the source, for each element of the result.
        windows: Vec<Box<[u32]>>,
    },
    /// The sum of each window, divided by a number of cells.
    Mean {
        /// What the windows are of.
        source: usize,
        /// Elements of the source, for each element of the result.
        windows: Vec<Box<[u32]>>,
        /// What each sum is divided by.
        cells: Vec<u32>,
    },
    /// Elements of other tensors: (tensor, element).
    Gather(Vec<(usize, u32)>),
}

impl FloatOperation {
    /// The tensors that it reads, each once.
    pub fn sources(&self) -> Vec<usize> {
        match self {
            FloatOperation::Input | FloatOperation::Constant(_) => Vec::new(),
            FloatOperation::Sums { source, .. }
            | FloatOperation::Scale { source, .. }
            | FloatOperation::Divide { source, .. }
            | FloatOperation::Normalize { source, .. }
            | FloatOperation::Clamp { source, .. }
            | FloatOperation::LeakyRelu { source, .. }
            | FloatOperation::Sigmoid(source)
            | FloatOperation::Tanh(source)
            | FloatOperation::Max { source, .. }
            | FloatOperation::Mean { source, .. } => vec![*source],
            FloatOperation::Add(a, b) if a == b => vec![*a],
            FloatOperation::Add(a, b) => vec![*a, *b],
            FloatOperation::Gather(picks) => {
                let mut sources: Vec<usize> = picks.iter().map(|(tensor, _)| *tensor).collect();
                sources.sort_unstable();
                sources.dedup();
                sources
            }
        }
    }
}

/// A tensor of a float network.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatTensor {
    /// As the file has it.
    pub name: Arc<str>,
    /// The operator in the file's vocabulary: `Conv`; `Input` and `Constant` for those.
    pub operator: String,
    /// The file's axes, without a leading batch axis of 1.
    pub shape: Vec<usize>,
    /// What computes it.
    pub operation: FloatOperation,
}

/// A network of floats.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatNetwork {
    /// The tensors; each reads earlier ones alone.
    pub tensors: Vec<FloatTensor>,
    /// The inputs, in the file's order; they are the first tensors.
    pub inputs: Vec<usize>,
    /// The outputs, in the file's order.
    pub outputs: Vec<usize>,
    /// What a user should know of it, a sentence each.
    pub notes: Vec<String>,
}

impl FloatNetwork {
    /// The values of all tensors in doubles, from those of the inputs: near the real-valued functions, for comparisons. `None` where the inputs are not
    /// as many, or not as long, as the network's.
    pub fn evaluate(&self, inputs: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
        let mut values: Vec<Vec<f64>> = Vec::with_capacity(self.tensors.len());
        let mut given = inputs.iter();
        for tensor in &self.tensors {
            let next = match &tensor.operation {
                FloatOperation::Input => {
                    given.next().filter(|x| x.len() == tensor.shape.iter().product::<usize>())?.clone()
                }
                operation => apply(operation, &values),
            };
            values.push(next);
        }
        given.next().is_none().then_some(values)
    }
}

fn apply(operation: &FloatOperation, values: &[Vec<f64>]) -> Vec<f64> {
    let map = |source: &usize, f: &dyn Fn(usize, f64) -> f64| {
        values[*source].iter().enumerate().map(|(i, x)| f(i, *x)).collect::<Vec<f64>>()
    };
    let at = |list: &[f32], i: usize| f64::from(if list.len() == 1 { list[0] } else { list[i] });
    let window = |source: &usize, w: &[u32]| w.iter().map(|i| values[*source][*i as usize]).collect::<Vec<f64>>();
    match operation {
        FloatOperation::Input => Vec::new(),
        FloatOperation::Constant(list) => list.iter().map(|v| f64::from(*v)).collect(),
        FloatOperation::Sums { source, taps, weights, channels, bias, .. } => {
            let product = |(i, w): &(u32, u32)| values[*source][*i as usize] * f64::from(weights[*w as usize]);
            let bias = |c: &u32| bias.as_ref().map_or(0.0, |b| f64::from(b[*c as usize]));
            taps.iter().zip(channels).map(|(row, c)| row.iter().map(product).sum::<f64>() + bias(c)).collect()
        }
        FloatOperation::Add(a, b) => map(a, &|i, x| x + values[*b][i]),
        FloatOperation::Scale { source, factors, offsets } => map(source, &|i, x| x * at(factors, i) + at(offsets, i)),
        FloatOperation::Divide { source, divisors } => map(source, &|i, x| x / at(divisors, i)),
        FloatOperation::Normalize { source, channels, scale, offset, mean, variance, epsilon } => {
            map(source, &|i, x| {
                let [scale, offset, mean, variance] =
                    [scale, offset, mean, variance].map(|list| f64::from(list[channels[i] as usize]));
                scale / (variance + f64::from(*epsilon)).sqrt() * (x - mean) + offset
            })
        }
        FloatOperation::Clamp { source, lo, hi } => {
            let (lo, hi) = (lo.map_or(f64::NEG_INFINITY, f64::from), hi.map_or(f64::INFINITY, f64::from));
            map(source, &|_, x| x.max(lo).min(hi))
        }
        FloatOperation::LeakyRelu { source, alpha } => {
            map(source, &|_, x| if x >= 0.0 { x } else { x * f64::from(*alpha) })
        }
        FloatOperation::Sigmoid(source) => map(source, &|_, x| 1.0 / (1.0 + (-x).exp())),
        FloatOperation::Tanh(source) => map(source, &|_, x| x.tanh()),
        FloatOperation::Max { source, windows } => {
            windows.iter().map(|w| window(source, w).into_iter().fold(f64::NEG_INFINITY, f64::max)).collect()
        }
        FloatOperation::Mean { source, windows, cells } => {
            windows.iter().zip(cells).map(|(w, n)| window(source, w).iter().sum::<f64>() / f64::from(*n)).collect()
        }
        FloatOperation::Gather(picks) => picks.iter().map(|(tensor, i)| values[*tensor][*i as usize]).collect(),
    }
}
