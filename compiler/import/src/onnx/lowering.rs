//! A network under construction: the tensors of the file by name, and what has been made of them.
//!
//! In: a [`Model`]. The kernels' modules append nodes here, operator by operator. Invariant: a tensor that is listed as a layer's is exactly its node.

use super::model::{Model, Node};
use super::tensor::{Element, Parameters, Tensor};
use super::thresholds::{self, Contraction, Store};
use super::value::{Lead, PerElement, Real, Stored, Value};
use crate::builder::Builder;
use crate::{ImportError, ImportedLayer, ImportedTensor, Options, Storage};
use qnn_ir::interrupt::work;
use qnn_ir::rational::{from_f64, integer};
use qnn_ir::{Interval, Matrix, NodeId, Op, Rational};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// For each element of sums, its terms: (index into the source, weight).
pub(super) type Rows = Vec<Vec<(u32, i64)>>;

/// A network under construction.
pub(super) struct Lowering<'a> {
    pub(super) model: &'a Model,
    pub(super) options: &'a Options,
    pub(super) builder: Builder,
    pub(super) layers: Vec<ImportedLayer>,
    pub(super) notes: Vec<String>,
    values: HashMap<Arc<str>, Value>,
    /// For each tensor, the operators that read it.
    readers: HashMap<Arc<str>, Vec<usize>>,
    /// For each tensor, the operator that computes it.
    writers: HashMap<Arc<str>, usize>,
    outputs: HashSet<Arc<str>>,
    known: usize,
}

impl<'a> Lowering<'a> {
    pub(super) fn new(model: &'a Model, options: &'a Options) -> Lowering<'a> {
        let mut readers: HashMap<Arc<str>, Vec<usize>> = HashMap::new();
        for node in &model.nodes {
            for input in node.inputs.iter().filter(|name| !name.is_empty()) {
                readers.entry(input.clone()).or_default().push(node.index);
            }
        }
        let of = |node: &'a Node| node.outputs.iter().map(|name| (name.clone(), node.index));
        let writers = model.nodes.iter().flat_map(of).collect();
        let values = model.initializers.iter().map(|(name, t)| (name.clone(), Value::Constant(t.clone()))).collect();
        Lowering {
            model,
            options,
            builder: Builder::default(),
            layers: Vec::new(),
            notes: Vec::new(),
            values,
            readers,
            writers,
            known: 0,
            outputs: model.outputs.iter().map(|port| port.name.clone()).collect(),
        }
    }

    /// A sentence for the user, once.
    pub(super) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// The operators that read a tensor.
    pub(super) fn readers(&self, name: &str) -> impl Iterator<Item = &'a Node> {
        let model = self.model;
        self.readers.get(name).into_iter().flatten().filter_map(|index| model.nodes.get(*index))
    }

    /// The operator that alone reads a tensor, if no output of the file is the tensor as well.
    pub(super) fn only_reader(&self, name: &str) -> Option<&'a Node> {
        let mut readers = self.readers(name);
        let reader = readers.next()?;
        (readers.next().is_none() && !self.is_output(name)).then_some(reader)
    }

    /// The operator that computes a tensor.
    pub(super) fn writer(&self, name: &str) -> Option<&'a Node> {
        let model = self.model;
        self.writers.get(name).and_then(|index| model.nodes.get(*index))
    }

    /// Whether the file says that a tensor is an output.
    pub(super) fn is_output(&self, name: &str) -> bool {
        self.outputs.contains(name)
    }

    /// The value of an input that has to be there.
    pub(super) fn input(&self, node: &Node, index: usize) -> Result<Value, ImportError> {
        let name = node.input(index).ok_or_else(|| ImportError::new(format!("its input {index} is missing")))?;
        self.values
            .get(name)
            .cloned()
            .ok_or_else(|| ImportError::new(format!("its input `{name}` is not computed before it")))
    }

    /// The value of an input that may be left out.
    pub(super) fn optional(&self, node: &Node, index: usize) -> Result<Option<Value>, ImportError> {
        node.input(index).map(|_| self.input(node, index)).transpose()
    }

    /// An input that has to be known numbers.
    pub(super) fn constant(&self, node: &Node, index: usize) -> Result<Arc<Tensor>, ImportError> {
        match self.input(node, index)? {
            Value::Constant(tensor) => Ok(tensor),
            _ => {
                Err(ImportError::new(format!("its input {index} is computed, where only known numbers are supported")))
            }
        }
    }

    /// Known integers of an input that may be left out.
    pub(super) fn integers(&self, node: &Node, index: usize) -> Result<Option<Vec<i64>>, ImportError> {
        if node.input(index).is_none() {
            return Ok(None);
        }
        let tensor = self.constant(node, index)?;
        let integers = tensor.as_integers().map(<[i64]>::to_vec);
        integers.map(Some).ok_or_else(|| ImportError::new(format!("its input {index} holds no integers")))
    }

    /// Known floats of an input.
    pub(super) fn floats(&self, node: &Node, index: usize) -> Result<Vec<f32>, ImportError> {
        let tensor = self.constant(node, index)?;
        let floats = tensor.as_floats().filter(|_| tensor.element == Element::Float);
        let floats = floats.filter(|floats| floats.iter().all(|v| v.is_finite())).map(<[f32]>::to_vec);
        floats.ok_or_else(|| ImportError::new(format!("its input {index} holds no finite floats of 32 bits")))
    }

    /// How many known numbers the operators so far have made.
    pub(super) fn known(&self) -> usize {
        self.known
    }

    /// The shapes of the nodes that are tensors.
    pub(super) fn shapes(&self) -> HashMap<usize, Vec<usize>> {
        let of = |value: &Value| match value {
            Value::Stored(stored) => Some((stored.node.index(), stored.shape.clone())),
            _ => None,
        };
        self.values.values().filter_map(of).collect()
    }

    /// Binds an output.
    pub(super) fn define(&mut self, node: &Node, index: usize, value: Value) {
        if let Value::Constant(tensor) = &value {
            self.known = self.known.saturating_add(tensor.len());
        }
        if let Some(name) = node.outputs.get(index).filter(|name| !name.is_empty()) {
            self.values.insert(name.clone(), value);
        }
    }

    /// Binds a name.
    pub(super) fn bind(&mut self, name: &Arc<str>, value: Value) {
        self.values.insert(name.clone(), value);
    }

    /// Binds an output, and lists it as a layer if its node is the tensor.
    pub(super) fn layer(
        &mut self,
        node: &Node,
        index: usize,
        value: Value,
        parameters: Parameters,
        accumulator: Option<Interval>,
    ) {
        let name = node.outputs.get(index).cloned().unwrap_or_else(|| Arc::from(""));
        if let Some(tensor) = exported(&name, &value).filter(|tensor| !tensor.name.is_empty()) {
            self.layers.push(ImportedLayer {
                operation: node.operation.clone(),
                tensor,
                parameters: parameters.count,
                parameter_bits: parameters.bits,
                accumulator,
            });
        }
        self.define(node, index, value);
    }

    /// Says how an output's integers are stored: the same integers but for their zero point.
    pub(super) fn store_as(&mut self, node: &Node, element: Element, zero: i64) {
        let Some(name) = node.outputs.first().cloned() else { return };
        if let Some(Value::Stored(stored)) = self.values.get_mut(&name) {
            (stored.element, stored.zero) = (element, zero);
            let value = Value::Stored(stored.clone());
            let layer = self.layers.iter_mut().rev().find(|layer| layer.tensor.name == name);
            if let Some((layer, tensor)) = layer.zip(exported(&name, &value)) {
                layer.tensor = tensor;
            }
        }
    }

    /// A node of sums: for each element its terms, (index into the source, weight), and its bias.
    pub(super) fn sums(
        &mut self,
        name: &str,
        terms: Vec<(NodeId, Rows)>,
        bias: Vec<i128>,
    ) -> Result<NodeId, ImportError> {
        self.builder.grow(bias.len())?;
        let terms = terms.into_iter().map(|(source, rows)| (source, self.matrix(source, rows))).collect();
        self.builder.push(name, Op::Affine { terms, bias: bias.into() })
    }

    fn matrix(&self, source: NodeId, rows: Rows) -> Arc<Matrix> {
        let columns = self.builder.graph.len(source);
        let entries: usize = rows.iter().map(Vec::len).sum();
        work(entries);
        if entries.saturating_mul(2) < rows.len().saturating_mul(columns) {
            return Matrix::sparse(columns, rows);
        }
        let mut values = vec![0i64; rows.len() * columns];
        for (row, entries) in values.chunks_mut(columns.max(1)).zip(&rows) {
            entries.iter().for_each(|(column, weight)| row[*column as usize] += weight);
        }
        Matrix::dense(rows.len(), columns, values)
    }

    /// A node's integers plus `by`.
    pub(super) fn shifted(&mut self, name: &str, node: NodeId, by: i64) -> Result<NodeId, ImportError> {
        if by == 0 {
            return Ok(node);
        }
        let len = self.builder.graph.len(node);
        let rows = (0..len as u32).map(|i| vec![(i, 1)]).collect();
        self.sums(name, vec![(node, rows)], vec![i128::from(by); len])
    }

    /// Elements of nodes in a new order.
    pub(super) fn gathered(&mut self, name: &str, picks: Vec<(NodeId, u32)>) -> Result<NodeId, ImportError> {
        // Elements of one node in their order are the node.
        if let Some((node, _)) = picks.first() {
            let same = picks.iter().enumerate().all(|(i, (n, j))| n == node && i == *j as usize);
            if same && picks.len() == self.builder.graph.len(*node) {
                return Ok(*node);
            }
        }
        self.builder.grow(picks.len())?;
        self.builder.push(name, Op::Gather { picks: picks.into() })
    }

    /// The greatest element of each window.
    pub(super) fn maxima(&mut self, name: &str, node: NodeId, windows: Vec<Box<[u32]>>) -> Result<NodeId, ImportError> {
        self.builder.grow(windows.len())?;
        self.builder.push(name, Op::Max { source: node, windows: windows.into() })
    }

    /// Floats as the integers that a quantizer makes of them.
    pub(super) fn quantized(
        &mut self,
        name: &str,
        real: &Real,
        store: &Store,
        contraction: Contraction,
    ) -> Result<NodeId, ImportError> {
        let len = self.builder.graph.len(real.node);
        let found = thresholds::find(real, store, &self.builder.ranges[real.node.index()], contraction)?;
        let source = match found.negated {
            None => real.node,
            Some(negated) => {
                let sign = |i: usize| if negated[i] { -1 } else { 1 };
                let rows = (0..len).map(|i| vec![(i as u32, sign(i))]).collect();
                self.sums(name, vec![(real.node, rows)], vec![0; len])?
            }
        };
        self.builder.grow(len)?;
        self.builder.push(name, Op::Step { source, steps: found.steps })
    }

    /// The integers of `stored` for an operator that subtracts `zero`.
    pub(super) fn centred(&mut self, name: &str, stored: &Stored, zero: i64) -> Result<NodeId, ImportError> {
        self.shifted(name, stored.node, stored.zero - zero)
    }
}

/// The storage of integers.
pub(super) fn storage(element: Element, scale: Rational, zero: i64) -> Storage {
    Storage { width: element.bits().min(63), signed: element.signed(), scale, zero, symmetric: false }
}

/// Without a leading axis of one element, which is the batch.
pub(super) fn without_batch(shape: &[usize]) -> Vec<usize> {
    match shape {
        [1, rest @ ..] if !rest.is_empty() => rest.to_vec(),
        _ => shape.to_vec(),
    }
}

/// The tensor as a user can ask for it, if its node's integers are its values.
pub(super) fn exported(name: &Arc<str>, value: &Value) -> Option<ImportedTensor> {
    let rational = |v: f64| from_f64(v);
    match value {
        Value::Stored(stored) => {
            let scale = stored.scale.map_or_else(|| Some(integer(1)), |s| rational(f64::from(s)))?;
            let narrow = stored.element.bits() <= 16;
            Some(ImportedTensor {
                name: name.clone(),
                node: stored.node,
                shape: without_batch(&stored.shape),
                storage: narrow.then(|| storage(stored.element, scale.clone(), stored.zero)),
                scale: vec![scale],
            })
        }
        Value::Real(real) if real.links.is_empty() && real.lead.is_plain() => {
            let Lead { step, divisor, .. } = &real.lead;
            let scales: Option<Vec<Rational>> = match step {
                PerElement::One(step) => rational(*step).map(|s| vec![s]),
                PerElement::Each(steps) => steps.iter().map(|s| rational(*s)).collect(),
            };
            let divisor = rational(*divisor)?;
            let scales: Vec<Rational> = scales?.into_iter().map(|s| s / divisor.clone()).collect();
            if scales.iter().any(|s| *s <= integer(0)) {
                return None;
            }
            let format = match (&real.stored, &real.format, scales.as_slice()) {
                (Some((element, zero, _)), _, [scale]) => Some(storage(*element, scale.clone(), *zero)),
                (None, Some(format), [scale]) => Some(Storage {
                    width: format.width,
                    signed: format.signed,
                    scale: scale.clone(),
                    zero: format.zero,
                    symmetric: format.symmetric,
                }),
                _ => None,
            };
            Some(ImportedTensor {
                name: name.clone(),
                node: real.node,
                shape: without_batch(&real.shape),
                storage: format,
                scale: scales,
            })
        }
        _ => None,
    }
}
