//! ONNX files: operators on integers and graphs of quantizers as onnxruntime runs them, and QONNX.
//!
//! [`model`] reads the file, [`lowering`] holds the network under construction, [`movement`] and [`pointwise`] have the operators that mean the same
//! everywhere, [`ort`] and [`qonnx`] those of their kernels; [`thresholds`] turns floats into integers.

mod float;
mod join;
mod linear;
mod lowering;
mod model;
mod movement;
mod ort;
mod pointwise;
#[allow(missing_docs, reason = "generated")]
mod proto;
mod qonnx;
mod shape;
mod summary;
mod tensor;
mod thresholds;
mod value;

use crate::{ImportError, ImportedNetwork, ImportedTensor, Kernel, ModelSummary, Options, Storage};
use lowering::{Lowering, exported, storage};
use model::{Model, Port};
use qnn_ir::rational::{from_f64, to_f64};
use qnn_ir::{Interval, Rational};
use std::sync::Arc;
use tensor::{Element, count};
use value::{Format, Lead, PerElement, Real, Stored, Value};

/// The most known numbers that all operators make: what is computed of initializers alone.
const MAX_KNOWN: usize = 1 << 26;

/// The network of an ONNX file.
pub(crate) fn import(bytes: &[u8], options: &Options) -> Result<ImportedNetwork, ImportError> {
    let model = Model::read(bytes)?;
    let mut lowering = Lowering::new(&model, options);
    if !options.inputs.is_empty() && options.inputs.len() != model.inputs.len() {
        return Err(ImportError::new(format!(
            "the file has {} inputs, but {} are described",
            model.inputs.len(),
            options.inputs.len()
        )));
    }
    let mut inputs = Vec::new();
    for (index, port) in model.inputs.iter().enumerate() {
        inputs.push(input(&mut lowering, port, options.inputs.get(index))?);
    }
    for node in &model.nodes {
        let done = |until: &Arc<str>| lowering.value(until).is_some_and(|value| exported(until, value).is_some());
        if options.until.as_ref().is_some_and(done) {
            break;
        }
        let lowered = match options.kernel {
            Kernel::Qonnx => qonnx::lower(&mut lowering, node),
            _ => ort::lower(&mut lowering, node),
        };
        lowered.map_err(|error| error.of(|| node.described()))?;
        if lowering.known() > MAX_KNOWN {
            return Err(ImportError::new("the file computes too many known numbers").of(|| node.described()));
        }
    }
    let outputs = outputs(&mut lowering)?;
    let Lowering { builder, layers, notes, .. } = lowering;
    Ok(ImportedNetwork {
        graph: Arc::new(builder.graph),
        ranges: Arc::new(builder.ranges),
        inputs,
        outputs,
        layers,
        notes,
    })
}

/// The float network of an ONNX file.
pub(crate) fn float_network(bytes: &[u8], until: Option<&str>) -> Result<crate::FloatNetwork, ImportError> {
    float::network(&Model::read(bytes)?, until)
}

/// What a file holds.
pub(crate) fn summary(bytes: &[u8]) -> Result<ModelSummary, ImportError> {
    Ok(summary::of(&Model::read(bytes)?))
}

/// The shape of an input, a batch of one.
fn shape(port: &Port) -> Result<Vec<usize>, ImportError> {
    let fail = |reason: &str| ImportError::new(format!("the input `{}` {reason}", port.name));
    let sizes = port.shape.as_ref().ok_or_else(|| fail("has no shape"))?;
    let size = |(axis, size): (usize, &Option<usize>)| match size {
        Some(size) => Ok(*size),
        None if axis == 0 => Ok(1),
        None => Err(fail("has a size that the file leaves open").help("give it one: `onnx.tools.update_model_dims`")),
    };
    let shape: Vec<usize> = sizes.iter().enumerate().map(size).collect::<Result<_, _>>()?;
    count(&shape).filter(|n| *n > 0).ok_or_else(|| fail("has no elements, or too many"))?;
    Ok(shape)
}

/// Appends an input.
fn input(lowering: &mut Lowering, port: &Port, given: Option<&Storage>) -> Result<ImportedTensor, ImportError> {
    let fail = |reason: &str| ImportError::new(format!("the input `{}` {reason}", port.name));
    let shape = shape(port)?;
    let element = port.element.ok_or_else(|| fail("has an element type that is not supported"))?;
    let len: usize = shape.iter().product();
    if element == Element::Float {
        return float_input(lowering, port, shape, given);
    }
    if element.is_float() || element.bits() > 16 || element.bits() < 2 {
        return Err(fail(&format!("is {}, which is not supported", element.name())));
    }
    let found = match lowering.options.kernel {
        Kernel::Qonnx => None,
        _ => ort::scale_of(lowering, &port.name),
    };
    let (scale, zero) = found.unwrap_or((1.0, 0));
    let (lo, hi) = element.limits();
    let range = Interval::new(i128::from(lo - zero), i128::from(hi - zero));
    let node = lowering.builder.input(&port.name, len, range)?;
    let value = Value::Stored(Stored { node, shape, element, zero, scale: Some(scale) });
    let tensor = exported(&port.name, &value).ok_or_else(|| fail("has no storage"))?;
    lowering.bind(&port.name, value);
    Ok(tensor)
}

/// An input of floats: the integers that its quantizer makes of them, or those that the user describes.
fn float_input(
    lowering: &mut Lowering,
    port: &Port,
    shape: Vec<usize>,
    given: Option<&Storage>,
) -> Result<ImportedTensor, ImportError> {
    let fail = |reason: &str| ImportError::new(format!("the input `{}` {reason}", port.name));
    let len: usize = shape.iter().product();
    let lead = |scale: &Rational| {
        lead_of(scale).ok_or_else(|| {
            fail("has a scale that floats of 32 bits don't hold")
                .help("a scale of the form n / d, with n and d below 2^15")
        })
    };
    let format = |of: &Storage| Format { width: of.width, signed: of.signed, symmetric: of.symmetric, zero: of.zero };
    let (stored, lead, described) = match (given, lowering.options.kernel) {
        (Some(described), _) => (None, lead(&described.scale)?, described.clone()),
        (None, kernel) => {
            let found = match kernel {
                Kernel::Qonnx => qonnx::quantizer_of(lowering, &port.name).map(|storage| (storage, None)),
                _ => ort::quantizer_of(lowering, &port.name).map(|(e, zero, scale)| {
                    let exact = from_f64(f64::from(scale)).unwrap_or_default();
                    (storage(e, exact, zero), Some((e, zero, scale)))
                }),
            };
            let (described, stored) = found.ok_or_else(|| {
                fail("is of floats that no quantizer reads first, so that its integers are not known")
                    .help("say how its values are stored, for example `ufixed<8, 8>` or an affine format")
            })?;
            (stored, lead(&described.scale)?, described)
        }
    };
    let range = limits(&described).ok_or_else(|| fail("is described by a format that has no integers"))?;
    let node = lowering.builder.input(&port.name, len, range)?;
    let mut real = Real::new(node, shape, lead);
    (real.stored, real.format, real.port) = (stored, Some(format(&described)), given.is_none());
    let shape = lowering::without_batch(&real.shape);
    let scale = vec![described.scale.clone()];
    lowering.bind(&port.name, Value::Real(real));
    Ok(ImportedTensor { name: port.name.clone(), node, shape, storage: Some(described), scale })
}

/// The centred integers of a storage.
fn limits(storage: &Storage) -> Option<Interval> {
    let Storage { width, signed, zero, symmetric, .. } = storage;
    if !(1..=24).contains(width) || zero.unsigned_abs() > 1 << 24 {
        return None;
    }
    let (lo, hi): (i64, i64) = match signed {
        true => (-(1 << (width - 1)) + i64::from(*symmetric), (1 << (width - 1)) - 1),
        false => (0, (1 << width) - 1),
    };
    (lo <= hi).then(|| Interval::new(i128::from(lo - zero), i128::from(hi - zero)))
}

/// integer · scale rounded to 32 bits, where doubles compute that: a scale that is a float of 32 bits, or a quotient of small integers.
fn lead_of(scale: &Rational) -> Option<Lead> {
    let value = to_f64(scale);
    if from_f64(value).as_ref() == Some(scale) && f64::from(value as f32) == value {
        return Some(Lead::steps(PerElement::One(value)));
    }
    let (numerator, denominator) = (i64::try_from(scale.numer()).ok()?, i64::try_from(scale.denom()).ok()?);
    let small = |n: i64| (1..1 << 15).contains(&n);
    (small(numerator) && small(denominator))
        .then(|| Lead { divisor: denominator as f64, ..Lead::steps(PerElement::One(numerator as f64)) })
}

/// The outputs: those of the file, or the one tensor that the user asks for.
fn outputs(lowering: &mut Lowering) -> Result<Vec<ImportedTensor>, ImportError> {
    if let Some(until) = lowering.options.until.clone() {
        let value = lowering.value(&until).ok_or_else(|| {
            let names: Vec<&str> = lowering.layers.iter().map(|layer| &*layer.tensor.name).take(12).collect();
            ImportError::new(format!("the file computes no tensor `{until}`"))
                .help(format!("there are {}", names.join(", ")))
        })?;
        let tensor = exported(&until, value);
        let tensor = tensor.ok_or_else(|| {
            ImportError::new(format!("the tensor `{until}` is of floats that are no node of the network of integers"))
        })?;
        return Ok(vec![tensor]);
    }
    let names: Vec<Arc<str>> = lowering.model.outputs.iter().map(|port| port.name.clone()).collect();
    let mut outputs: Vec<ImportedTensor> = Vec::new();
    for name in names {
        let output = match lowering.options.kernel {
            Kernel::Qonnx => qonnx::output(lowering, &name)?,
            _ => ort::output(lowering, &name)?,
        };
        if !outputs.iter().any(|known| known.node == output.node && known.shape == output.shape) {
            outputs.push(output);
        }
    }
    if outputs.is_empty() {
        return Err(ImportError::new("the file has no outputs"));
    }
    Ok(outputs)
}
