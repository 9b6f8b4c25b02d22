//! The table of a network's layers: what each reads, its sums, and what its neurons can reach.
//!
//! In: a network, and the ranges of its nodes: those over all inputs that its formats hold, or others. Out: a row for each layer. Nothing is solved.

use super::{Layer, Network, Port};
use crate::check::data::zero;
use qnn_import::Kernel;
use qnn_ir::{Graph, Interval, NodeId, Op, Step, Steps};
use std::collections::{BTreeSet, HashMap};

/// The bits of the sums that the runtimes of int8 files keep: `i32`. Their imports refuse what leaves these.
const RUNTIME_ACCUMULATOR: u32 = 32;

/// What a layer reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// An input of the network, by its index.
    Input(usize),
    /// A layer, by its index.
    Layer(usize),
}

/// What the neurons of a layer that rounds can put out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Neurons {
    /// How many there are.
    pub all: usize,
    /// Those that put out the same for all inputs.
    pub fixed: usize,
    /// Of the others, those that can reach the least integer that the layer puts out: a ReLU's zero, or saturation.
    pub at_least: usize,
    /// Of the others, those that can reach the greatest one: saturation.
    pub at_greatest: usize,
    /// Those that can reach one of the two and can leave it: where an engine has to split.
    pub unstable: usize,
}

impl Neurons {
    /// The neurons of a Step, by the ranges of what it puts out.
    pub fn of(steps: &Steps, outputs: &[Interval]) -> Neurons {
        let mut neurons = Neurons { all: outputs.len(), ..Neurons::default() };
        for (element, range) in outputs.iter().enumerate() {
            if range.is_point() {
                neurons.fixed += 1;
                continue;
            }
            let step = steps.at(element);
            let (below, above) = (range.lo <= step.lo(), range.hi >= step.hi());
            neurons.at_least += usize::from(below);
            neurons.at_greatest += usize::from(above);
            neurons.unstable += usize::from(below || above);
        }
        neurons
    }
}

/// What a layer holds over some inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Its integers as its format stores them, the least and the greatest of all elements.
    pub stored: Interval,
    /// Its sums before they are scaled and rounded, where it does that.
    pub accumulator: Option<Interval>,
    /// What its neurons can reach, where it rounds.
    pub neurons: Option<Neurons>,
}

/// A layer, with what it reads and what it can hold over all inputs.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// The layer.
    pub layer: &'a Layer,
    /// What it reads.
    pub reads: Vec<Source>,
    /// What it holds over all inputs.
    pub reach: Reach,
    /// The bits of the sums that the runtime keeps, where it is known.
    pub accumulator_available: Option<u32>,
}

/// The rows of a network over all inputs.
pub fn rows(network: &Network) -> Vec<Row<'_>> {
    let sources = sources(network);
    network
        .layers
        .iter()
        .zip(sources)
        .map(|(layer, reads)| {
            let reach = reach(network, layer, &network.ranges);
            let runtime = network.kernel.is_some_and(|kernel| kernel != Kernel::Qonnx);
            let accumulator_available = (runtime && reach.accumulator.is_some()).then_some(RUNTIME_ACCUMULATOR);
            Row { layer, reads, reach, accumulator_available }
        })
        .collect()
}

/// What a layer holds where its network's nodes have these ranges.
pub fn reach(network: &Network, layer: &Layer, ranges: &[Vec<Interval>]) -> Reach {
    let of = |node: NodeId| ranges.get(node.index()).map_or(&[][..], Vec::as_slice);
    let stored = stored(&layer.port, of(layer.port.node));
    let Some((source, steps)) = step(&network.graph, layer.port.node) else {
        return Reach { stored, accumulator: layer.accumulator, neurons: None };
    };
    let sums = hull(of(source).iter().copied());
    let own = || hull(network.ranges.get(source.index()).into_iter().flatten().copied());
    let accumulator = match (network.kernel, layer.accumulator) {
        // What a spec's network rounds are its exact sums.
        (None, _) => layer.port.format.as_ref().and(Some(sums)),
        // What a file's layer rounds are its sums, unless it adds tables of what it reads.
        (Some(_), Some(accumulator)) if accumulator == own() => Some(sums),
        (Some(_), accumulator) => accumulator,
    };
    let rounds = layer.port.format.is_some() || matches!(steps, Steps::Uniform(Step::Round { lo: 0, .. }));
    let neurons = rounds.then(|| Neurons::of(steps, of(layer.port.node)));
    Reach { stored, accumulator, neurons }
}

/// The steps of a node that rounds its source.
pub fn steps(graph: &Graph, node: NodeId) -> Option<&Steps> {
    step(graph, node).map(|(_, steps)| steps)
}

/// The Step that a node is.
fn step(graph: &Graph, node: NodeId) -> Option<(NodeId, &Steps)> {
    match &graph.node(node).op {
        Op::Step { source, steps } => Some((*source, steps)),
        _ => None,
    }
}

fn hull(ranges: impl Iterator<Item = Interval>) -> Interval {
    ranges.reduce(|a, b| Interval::new(a.lo.min(b.lo), a.hi.max(b.hi))).unwrap_or(Interval::new(0, 0))
}

/// The integers of a port as its format stores them.
pub fn stored(port: &Port, ranges: &[Interval]) -> Interval {
    hull(ranges.iter().enumerate().map(|(i, range)| {
        let zero = port.format.as_ref().map_or(0, |format| i128::from(zero(format, &port.shape, i)));
        Interval::new(range.lo + zero, range.hi + zero)
    }))
}

/// For each layer the inputs and layers that it reads: along the graph's edges, up to the next nodes that are inputs or layers.
fn sources(network: &Network) -> Vec<Vec<Source>> {
    let graph = &network.graph;
    // The last layer so far of each node; several are of one where a layer only gives a tensor another shape.
    let mut known: HashMap<NodeId, Source> = HashMap::new();
    known.extend(network.inputs.iter().enumerate().map(|(i, port)| (port.node, Source::Input(i))));
    let mut all: Vec<Vec<Source>> = Vec::with_capacity(network.layers.len());
    for (index, layer) in network.layers.iter().enumerate() {
        let node = layer.port.node;
        let reads = match known.get(&node) {
            Some(same) => BTreeSet::from([*same]),
            None => match folded(network, index) {
                Some(clamp) => BTreeSet::from([Source::Layer(clamp)]),
                None => before(graph, node, &known),
            },
        };
        all.push(reads.into_iter().collect());
        known.insert(node, Source::Layer(index));
    }
    all
}

/// The layer before a cast that the cast's Step takes in: a ReLU or clamp of the same sums.
fn folded(network: &Network, index: usize) -> Option<usize> {
    let layer = network.layers.get(index)?;
    layer.port.format.as_ref()?;
    let (source, _) = step(&network.graph, layer.port.node)?;
    let within = |other: &&Layer| {
        let (inner, outer) = (other.place, layer.place);
        inner.item == outer.item && outer.span.start <= inner.span.start && inner.span.end <= outer.span.end
    };
    let before = network.layers.get(..index)?;
    before.iter().rposition(|other| {
        network.kernel.is_none()
            && other.port.format.is_none()
            && within(&other)
            && step(&network.graph, other.port.node).is_some_and(|(of, _)| of == source)
    })
}

fn before(graph: &Graph, node: NodeId, known: &HashMap<NodeId, Source>) -> BTreeSet<Source> {
    let (mut found, mut seen, mut open) = (BTreeSet::new(), BTreeSet::new(), vec![node]);
    while let Some(at) = open.pop() {
        let mut last = None;
        for source in graph.node(at).op.sources() {
            qnn_ir::interrupt::work(1);
            if last == Some(source) || !seen.insert(source) {
                continue;
            }
            last = Some(source);
            match known.get(&source) {
                Some(source) => _ = found.insert(*source),
                None => open.push(source),
            }
        }
    }
    found
}
