//! QONNX's own operators: `Quant`, `BipolarQuant`, `Trunc`, `MultiThreshold`.
//!
//! `Quant`: y = x / scale + zero; clamped; then rounded; (y − zero) · scale. Of known numbers it makes known numbers, which remember their integers.

use super::real;
use crate::onnx::linear::along;
use crate::onnx::lowering::Lowering;
use crate::onnx::model::Node;
use crate::onnx::movement;
use crate::onnx::shape::{broadcast, stretched};
use crate::onnx::tensor::{Grid, Parameters, Tensor};
use crate::onnx::thresholds::{Contraction, Rounding, Store};
use crate::onnx::value::{Format, Lead, Link, PerElement, Real, Value};
use crate::{ImportError, Storage};
use qnn_ir::rational::from_f64;
use std::sync::Arc;

/// What `Quant` is told.
struct Quant {
    scale: Arc<Tensor>,
    zero: Arc<Tensor>,
    width: u32,
    signed: bool,
    narrow: bool,
    rounding: Rounding,
}

/// One number.
fn scalar(lowering: &Lowering, node: &Node, index: usize) -> Result<f32, ImportError> {
    match lowering.floats(node, index)?.as_slice() {
        [one] => Ok(*one),
        _ => Err(ImportError::new(format!("its input {index} is not one number"))),
    }
}

fn bits(lowering: &Lowering, node: &Node, index: usize) -> Result<u32, ImportError> {
    let bits = scalar(lowering, node, index)?;
    if bits.fract() != 0.0 || !(1.0..=24.0).contains(&bits) {
        return Err(ImportError::new(format!("{bits} bits are not supported")));
    }
    Ok(bits as u32)
}

fn rounding(node: &Node, default: &str) -> Result<Rounding, ImportError> {
    let mode = node.text("rounding_mode").unwrap_or(default).to_ascii_uppercase();
    match mode.as_str() {
        "ROUND" | "HALF_EVEN" => Ok(Rounding::HalfEven),
        "CEIL" => Ok(Rounding::Ceil),
        "FLOOR" => Ok(Rounding::Floor),
        "UP" => Ok(Rounding::Up),
        "DOWN" => Ok(Rounding::Down),
        "HALF_UP" => Ok(Rounding::HalfUp),
        "HALF_DOWN" => Ok(Rounding::HalfDown),
        _ => Err(ImportError::new(format!("the rounding mode `{mode}` is not supported"))),
    }
}

/// Known scales, all positive.
fn scales(lowering: &Lowering, node: &Node, index: usize) -> Result<Arc<Tensor>, ImportError> {
    if lowering.floats(node, index)?.iter().any(|s| *s <= 0.0) {
        return Err(ImportError::new("its scale is not positive"));
    }
    lowering.constant(node, index)
}

impl Quant {
    fn read(lowering: &Lowering, node: &Node) -> Result<Quant, ImportError> {
        let zeros = lowering.floats(node, 2)?;
        if zeros.iter().any(|z| z.fract() != 0.0 || z.abs() > 65536.0) {
            return Err(ImportError::new("its zero point is no small integer"));
        }
        Ok(Quant {
            scale: scales(lowering, node, 1)?,
            zero: lowering.constant(node, 2)?,
            width: bits(lowering, node, 3)?,
            signed: node.int("signed").unwrap_or(1) != 0,
            narrow: node.int("narrow").unwrap_or(0) != 0,
            rounding: rounding(node, "ROUND")?,
        })
    }

    /// One bit with a sign is bipolar.
    fn is_bipolar(&self) -> bool {
        self.width == 1 && self.signed
    }

    fn limits(&self) -> (f32, f32) {
        let power = |n: u32| 2f32.powi(n as i32);
        let narrow = if self.narrow { 1.0 } else { 0.0 };
        match self.signed {
            true => (narrow - power(self.width - 1), power(self.width - 1) - 1.0),
            false => (0.0, power(self.width) - 1.0 - narrow),
        }
    }

    /// The quantizer of a tensor of a shape.
    fn store(&self, shape: &[usize]) -> Result<(Store, PerElement<f32>), ImportError> {
        let scale = spread(&self.scale, shape)?;
        let zero = spread(&self.zero, shape)?;
        if self.is_bipolar() {
            if !zero.all(|z| *z == 0.0) {
                return Err(ImportError::new("a bipolar quantizer with a zero point is not supported"));
            }
            return Ok((Store::Bipolar, scale));
        }
        let (lo, hi) = self.limits();
        if lo > hi {
            return Err(ImportError::new("its format has no integers"));
        }
        Ok((Store::Quant { scale: scale.clone(), zero, lo, hi, rounding: self.rounding }, scale))
    }

    /// The format of its integers, where it is one.
    fn format(&self) -> Option<Format> {
        let zero = match self.zero.as_floats() {
            Some([first, rest @ ..]) if rest.iter().all(|z| z == first) => *first as i64,
            _ => return None,
        };
        // Of unsigned integers, `narrow` leaves the greatest out, which no format says.
        let usual = !self.is_bipolar() && (self.signed || !self.narrow);
        usual.then_some(Format { width: self.width, signed: self.signed, symmetric: self.signed && self.narrow, zero })
    }
}

/// Known numbers, stretched to a shape.
fn spread(tensor: &Tensor, shape: &[usize]) -> Result<PerElement<f32>, ImportError> {
    let floats = tensor.as_floats().unwrap_or_default();
    match floats {
        [] => Err(ImportError::new("its parameters are empty")),
        [one] => Ok(PerElement::One(*one)),
        _ if broadcast(shape, &tensor.shape)? == shape => {
            Ok(PerElement::of(stretched(&tensor.shape, shape).iter().map(|i| floats[*i]).collect()))
        }
        _ => Err(ImportError::new("its parameters have more elements than what it quantizes")),
    }
}

/// Quantized known numbers.
fn known(tensor: &Tensor, store: &Store, scale: &PerElement<f32>, width: u32) -> Result<Tensor, ImportError> {
    let floats = tensor.as_floats().filter(|f| f.iter().all(|v| v.is_finite()));
    let floats = floats.ok_or_else(|| ImportError::new("it quantizes known numbers that are no finite floats"))?;
    let integers: Vec<f32> = floats.iter().enumerate().map(|(i, x)| store.apply(i, *x)).collect();
    let values = integers.iter().enumerate().map(|(i, k)| k * scale.at(i)).collect();
    let mut result = Tensor::floats(tensor.shape.clone(), values);
    let integers: Vec<i64> = integers.iter().map(|k| *k as i64).collect();
    let scales = scale.list(integers.len());
    result.grid = Some(Arc::new(Grid { integers, scales }));
    result.bits = width;
    Ok(result)
}

/// Binds the values of integers that a quantizer made: integer · scale, rounded.
fn bind(
    lowering: &mut Lowering,
    node: &Node,
    integers: qnn_ir::NodeId,
    shape: Vec<usize>,
    scale: &PerElement<f32>,
    format: Option<Format>,
) {
    let steps = match scale {
        PerElement::One(scale) => PerElement::One(f64::from(*scale)),
        PerElement::Each(scales) => PerElement::Each(scales.iter().map(|s| f64::from(*s)).collect()),
    };
    let mut value = Real::new(integers, shape, Lead::steps(steps));
    value.format = format;
    lowering.layer(node, 0, Value::Real(value), Parameters::default(), None);
}

/// `Quant`(x, scale, zero, bits).
pub(super) fn quant(lowering: &mut Lowering, node: &Node) -> Result<(), ImportError> {
    let quant = Quant::read(lowering, node)?;
    match lowering.input(node, 0)? {
        Value::Constant(tensor) => {
            let (store, scale) = quant.store(&tensor.shape)?;
            let value = known(&tensor, &store, &scale, quant.width)?;
            lowering.define(node, 0, Value::Constant(Arc::new(value)));
        }
        value @ Value::LeftOut(_) => lowering.define(node, 0, value),
        _ => {
            let x = real(lowering, node, 0)?;
            if x.port {
                // The input's integers are this quantizer's.
                lowering.layer(node, 0, Value::Real(Real { port: false, ..x }), Parameters::default(), None);
                return Ok(());
            }
            let (store, scale) = quant.store(&x.shape)?;
            let name = node.outputs.first().cloned().unwrap_or_default();
            let integers = lowering.quantized(&name, &x, &store, Contraction::Never)?;
            bind(lowering, node, integers, x.shape, &scale, quant.format());
        }
    }
    Ok(())
}

/// `BipolarQuant`(x, scale).
pub(super) fn bipolar(lowering: &mut Lowering, node: &Node) -> Result<(), ImportError> {
    let scale = scales(lowering, node, 1)?;
    if let Value::Constant(tensor) = lowering.input(node, 0)? {
        let scale = spread(&scale, &tensor.shape)?;
        let value = known(&tensor, &Store::Bipolar, &scale, 1)?;
        lowering.define(node, 0, Value::Constant(Arc::new(value)));
        return Ok(());
    }
    let x = real(lowering, node, 0)?;
    let scale = spread(&scale, &x.shape)?;
    let name = node.outputs.first().cloned().unwrap_or_default();
    let integers = lowering.quantized(&name, &x, &Store::Bipolar, Contraction::Never)?;
    bind(lowering, node, integers, x.shape, &scale, None);
    Ok(())
}

/// `Trunc`(x, scale, zero, bits, new bits), or (x, scale, zero, bits, new scale, new bits).
pub(super) fn trunc(lowering: &mut Lowering, node: &Node) -> Result<(), ImportError> {
    let scale_tensor = scales(lowering, node, 1)?;
    let zero = scalar(lowering, node, 2)?;
    let before = bits(lowering, node, 3)?;
    let mode = rounding(node, "FLOOR")?;
    let x = real(lowering, node, 0)?;
    let scale = spread(&scale_tensor, &x.shape)?;
    let (store, result) = if node.inputs.len() > 5 {
        let (PerElement::One(from), to) = (&scale, scalar(lowering, node, 4)?) else {
            return Err(ImportError::new("scales of channels are not supported"));
        };
        let after = bits(lowering, node, 5)?;
        let divisor = 2f32.powf((to / from).log2().round_ties_even());
        let quant = Quant {
            scale: scale_tensor.clone(),
            zero: scale_tensor.clone(),
            width: after,
            signed: node.int("signed").unwrap_or(1) != 0,
            narrow: node.int("narrow").unwrap_or(0) != 0,
            rounding: mode,
        };
        if to <= 0.0 || divisor < 1.0 {
            return Err(ImportError::new("its new scale is below the old one"));
        }
        let store = Store::Trunc {
            scale: scale.clone(),
            zero,
            divisor,
            limits: Some(quant.limits()),
            rounding: mode,
            new_zero: zero / divisor,
        };
        (store, PerElement::One(to))
    } else {
        let after = bits(lowering, node, 4)?;
        if after > before {
            return Err(ImportError::new("it has more bits after than before"));
        }
        let divisor = 2f32.powi((before - after) as i32);
        (Store::Trunc { scale: scale.clone(), zero, divisor, limits: None, rounding: mode, new_zero: zero }, scale)
    };
    let is_whole = |store: &Store| match store {
        Store::Trunc { zero, new_zero, .. } => zero.fract() == 0.0 && new_zero.fract() == 0.0,
        _ => false,
    };
    if !is_whole(&store) {
        return Err(ImportError::new("its zero point is no integer, or none after it"));
    }
    let name = node.outputs.first().cloned().unwrap_or_default();
    let integers = lowering.quantized(&name, &x, &store, Contraction::Never)?;
    bind(lowering, node, integers, x.shape, &result, None);
    Ok(())
}

/// `MultiThreshold`(x, thresholds of each channel): out_scale · (how many are at most x) + out_bias.
pub(super) fn thresholds(lowering: &mut Lowering, node: &Node) -> Result<(), ImportError> {
    let x = real(lowering, node, 0)?;
    let floats = lowering.floats(node, 1)?;
    let tensor = lowering.constant(node, 1)?;
    let [channels, each] = tensor.shape[..] else {
        return Err(ImportError::new("its thresholds are no matrix"));
    };
    let layout = match (node.text("data_layout").unwrap_or(""), x.shape.len()) {
        ("", 2) => "NC",
        ("", 3) => "NWC",
        ("", 4) => "NCHW",
        (layout, _) => layout,
    };
    let axis = layout.find('C').unwrap_or(1);
    if each == 0 || axis >= x.shape.len() || (channels != 1 && channels != x.shape[axis]) {
        return Err(ImportError::new("its thresholds don't fit the channels of its input"));
    }
    let rows: Vec<Arc<[f32]>> = floats.chunks(each).map(Arc::from).collect();
    let rows = match rows.as_slice() {
        [one] => PerElement::One(one.clone()),
        _ => PerElement::Each(along(&x.shape, axis).iter().map(|c| rows[*c].clone()).collect()),
    };
    let (scale, bias) = (node.float("out_scale").unwrap_or(1.0), node.float("out_bias").unwrap_or(0.0));
    if scale <= 0.0 || !scale.is_finite() || !bias.is_finite() {
        return Err(ImportError::new("its attribute `out_scale` is not positive"));
    }
    let name = node.outputs.first().cloned().unwrap_or_default();
    let mut integers = lowering.quantized(&name, &x, &Store::Count(rows), Contraction::Never)?;
    // The bias is a number of steps, if each value is the same so.
    let shift = (bias / scale).round();
    let is_shift = shift.abs() < 65536.0 && (0..=each).all(|k| k as f32 * scale + bias == (k as f32 + shift) * scale);
    if is_shift {
        integers = lowering.shifted(&name, integers, shift as i64)?;
    }
    let mut value = Real::new(integers, x.shape, Lead::steps(PerElement::One(f64::from(scale))));
    if !is_shift {
        value = value.then(Link::Add(PerElement::One(bias)));
    }
    lowering.layer(node, 0, Value::Real(value), Parameters::of([&*tensor]), None);
    Ok(())
}

/// The storage of an input of floats, if one `Quant` alone reads it, behind operators that only move its elements.
pub(in crate::onnx) fn quantizer_of(lowering: &Lowering, name: &str) -> Option<Storage> {
    let mut name = name.to_owned();
    for _ in 0..64 {
        let node = lowering.readers(&name).next()?;
        if lowering.readers(&name).count() != 1 || lowering.is_output(&name) {
            return None;
        }
        if matches!(node.operation.as_str(), "Quant" | "IntQuant") && super::is_own(node) {
            let quant = Quant::read(lowering, node).ok()?;
            let (Some([scale]), Some(format)) = (quant.scale.as_floats(), quant.format()) else { return None };
            let Format { width, signed, symmetric, zero } = format;
            return Some(Storage { width, signed, scale: from_f64(f64::from(*scale))?, zero, symmetric });
        }
        if !movement::is_move(node) {
            return None;
        }
        name = node.outputs.first()?.to_string();
    }
    None
}
