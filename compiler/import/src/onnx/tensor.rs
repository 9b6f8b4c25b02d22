//! Numbers that a file holds: an initializer, the value of a `Constant`, or what is folded of them.
//!
//! In: a `TensorProto`. Out: a [`Tensor`], whose numbers are as many as its shape says. What is kept elsewhere than in the file is refused.

use super::proto::TensorProto;
use crate::ImportError;
use std::sync::Arc;

/// The element types that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Element {
    Float,
    Uint8,
    Int8,
    Uint16,
    Int16,
    Int32,
    Int64,
    Bool,
    Float16,
    Double,
    Uint32,
    Uint64,
    Uint4,
    Int4,
}

/// (element, its number in the format, its name, bits, signed), for integers and floats alike.
const ELEMENTS: [(Element, i32, &str, u32, bool); 14] = [
    (Element::Float, 1, "float", 32, true),
    (Element::Uint8, 2, "uint8", 8, false),
    (Element::Int8, 3, "int8", 8, true),
    (Element::Uint16, 4, "uint16", 16, false),
    (Element::Int16, 5, "int16", 16, true),
    (Element::Int32, 6, "int32", 32, true),
    (Element::Int64, 7, "int64", 64, true),
    (Element::Bool, 9, "bool", 1, false),
    (Element::Float16, 10, "float16", 16, true),
    (Element::Double, 11, "double", 64, true),
    (Element::Uint32, 12, "uint32", 32, false),
    (Element::Uint64, 13, "uint64", 64, false),
    (Element::Uint4, 21, "uint4", 4, false),
    (Element::Int4, 22, "int4", 4, true),
];

impl Element {
    /// The element type with a number of the format.
    pub(super) fn of(number: i32) -> Option<Element> {
        ELEMENTS.iter().find(|e| e.1 == number).map(|e| e.0)
    }

    fn row(self) -> &'static (Element, i32, &'static str, u32, bool) {
        ELEMENTS.iter().find(|e| e.0 == self).expect("every element type has a row")
    }

    pub(super) fn name(self) -> &'static str {
        self.row().2
    }

    pub(super) fn bits(self) -> u32 {
        self.row().3
    }

    pub(super) fn signed(self) -> bool {
        self.row().4
    }

    pub(super) fn is_float(self) -> bool {
        matches!(self, Element::Float | Element::Float16 | Element::Double)
    }

    /// The least and the greatest integer.
    pub(super) fn limits(self) -> (i64, i64) {
        match (self.signed(), self.bits()) {
            (true, 64) => (i64::MIN, i64::MAX),
            (true, bits) => (-(1 << (bits - 1)), (1 << (bits - 1)) - 1),
            (false, 64) => (0, i64::MAX),
            (false, bits) => (0, (1 << bits) - 1),
        }
    }
}

/// Numbers in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Numbers {
    Integers(Vec<i64>),
    /// Floats of 16 bits as well, which are floats of 32 bits without a change.
    Floats(Vec<f32>),
    Doubles(Vec<f64>),
}

/// Floats that are integers times scales, each product rounded to 32 bits.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Grid {
    pub(super) integers: Vec<i64>,
    /// One for each integer.
    pub(super) scales: Vec<f32>,
}

/// The integers that `DequantizeLinear` was given, as operators that are fused with it read them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dequantized {
    pub(super) integers: Arc<Tensor>,
    /// One, or one for each element of the axis.
    pub(super) scales: Vec<f32>,
    pub(super) zeros: Vec<i64>,
    pub(super) axis: usize,
}

/// Known numbers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tensor {
    pub(super) shape: Vec<usize>,
    pub(super) element: Element,
    pub(super) numbers: Numbers,
    /// Where the numbers came from, if a quantizer made them.
    pub(super) grid: Option<Arc<Grid>>,
    /// Set right behind a `DequantizeLinear` alone.
    pub(super) source: Option<Arc<Dequantized>>,
    /// The bits that a number takes in the file.
    pub(super) bits: u32,
}

/// Weights and biases of an operator.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Parameters {
    pub(super) count: usize,
    pub(super) bits: usize,
}

impl Parameters {
    /// Those of known tensors.
    pub(super) fn of<'a>(tensors: impl IntoIterator<Item = &'a Tensor>) -> Parameters {
        tensors.into_iter().fold(Parameters::default(), |sum, tensor| Parameters {
            count: sum.count + tensor.len(),
            bits: sum.bits + tensor.len() * tensor.bits as usize,
        })
    }
}

/// The number of elements of a shape, unless it is beyond all that is ever computed with.
pub(super) fn count(shape: &[usize]) -> Option<usize> {
    let count = shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d))?;
    (count <= 1 << 28).then_some(count)
}

impl Tensor {
    pub(super) fn integers(shape: Vec<usize>, element: Element, integers: Vec<i64>) -> Tensor {
        Tensor { shape, element, numbers: Numbers::Integers(integers), grid: None, source: None, bits: element.bits() }
    }

    pub(super) fn floats(shape: Vec<usize>, floats: Vec<f32>) -> Tensor {
        Tensor { shape, element: Element::Float, numbers: Numbers::Floats(floats), grid: None, source: None, bits: 32 }
    }

    pub(super) fn len(&self) -> usize {
        match &self.numbers {
            Numbers::Integers(n) => n.len(),
            Numbers::Floats(n) => n.len(),
            Numbers::Doubles(n) => n.len(),
        }
    }

    /// The integers, if they are.
    pub(super) fn as_integers(&self) -> Option<&[i64]> {
        match &self.numbers {
            Numbers::Integers(n) => Some(n),
            _ => None,
        }
    }

    /// The floats of 32 bits, if they are.
    pub(super) fn as_floats(&self) -> Option<&[f32]> {
        match &self.numbers {
            Numbers::Floats(n) => Some(n),
            _ => None,
        }
    }

    /// The numbers at `picks`, in a shape that has as many.
    pub(super) fn pick(&self, shape: Vec<usize>, picks: &[usize]) -> Tensor {
        fn at<T: Copy>(of: &[T], picks: &[usize]) -> Vec<T> {
            picks.iter().map(|i| of[*i]).collect()
        }
        let numbers = match &self.numbers {
            Numbers::Integers(n) => Numbers::Integers(at(n, picks)),
            Numbers::Floats(n) => Numbers::Floats(at(n, picks)),
            Numbers::Doubles(n) => Numbers::Doubles(at(n, picks)),
        };
        let grid = self
            .grid
            .as_ref()
            .map(|grid| Arc::new(Grid { integers: at(&grid.integers, picks), scales: at(&grid.scales, picks) }));
        Tensor { shape, element: self.element, numbers, grid, source: None, bits: self.bits }
    }

    /// The tensor of a file.
    ///
    /// # Errors
    /// Element types that are not read, numbers kept elsewhere, and another number of them than the shape says.
    pub(super) fn read(proto: &TensorProto) -> Result<Tensor, ImportError> {
        let name = proto.name.as_deref().unwrap_or("");
        let fail = |reason: String| ImportError::new(format!("tensor `{name}` {reason}"));
        if proto.data_location == Some(1) {
            return Err(fail("is kept in another file".into()).help(
                "save the model as one file: `onnx.save(onnx.load(\"model.onnx\"), \"one.onnx\", save_as_external_data=False)`",
            ));
        }
        let number = proto.data_type.unwrap_or(0);
        let element = Element::of(number)
            .ok_or_else(|| fail(format!("has an element type that is not supported (number {number} of ONNX)")))?;
        let shape: Option<Vec<usize>> = proto.dims.iter().map(|d| usize::try_from(*d).ok()).collect();
        let shape = shape.ok_or_else(|| fail("has a negative size".into()))?;
        let count = count(&shape).ok_or_else(|| fail("is too large".into()))?;
        let wrong = |has: usize| fail(format!("has {has} numbers, but its shape {shape:?} has {count}"));
        let raw = proto.raw_data.as_deref();
        let numbers = match element {
            Element::Float | Element::Float16 => Numbers::Floats(match raw {
                Some(raw) if element == Element::Float => chunks(raw, count, f32::from_le_bytes).map_err(wrong)?,
                Some(raw) => chunks(raw, count, |b| half(u16::from_le_bytes(b))).map_err(wrong)?,
                None if element == Element::Float => proto.float_data.clone(),
                None => proto.int32_data.iter().map(|v| half(*v as u16)).collect(),
            }),
            Element::Double => Numbers::Doubles(match raw {
                Some(raw) => chunks(raw, count, f64::from_le_bytes).map_err(wrong)?,
                None => proto.double_data.clone(),
            }),
            _ => Numbers::Integers(match raw {
                Some(raw) => raw_integers(raw, element, count).map_err(wrong)?,
                None => typed_integers(proto, element, count),
            }),
        };
        let tensor = Tensor { shape: shape.clone(), element, numbers, grid: None, source: None, bits: element.bits() };
        if tensor.len() != count {
            return Err(wrong(tensor.len()));
        }
        let (lo, hi) = element.limits();
        if tensor.as_integers().is_some_and(|n| n.iter().any(|v| *v < lo || *v > hi)) {
            return Err(fail(format!("has a number that is no {}", element.name())));
        }
        Ok(tensor)
    }
}

/// `count` numbers of N bytes each, or how many there are.
fn chunks<const N: usize, T>(raw: &[u8], count: usize, read: impl Fn([u8; N]) -> T) -> Result<Vec<T>, usize> {
    let (chunks, rest) = raw.as_chunks::<N>();
    if !rest.is_empty() || chunks.len() != count {
        return Err(chunks.len());
    }
    Ok(chunks.iter().map(|chunk| read(*chunk)).collect())
}

fn raw_integers(raw: &[u8], element: Element, count: usize) -> Result<Vec<i64>, usize> {
    match element {
        Element::Uint8 | Element::Bool => chunks(raw, count, |b| i64::from(u8::from_le_bytes(b))),
        Element::Int8 => chunks(raw, count, |b| i64::from(i8::from_le_bytes(b))),
        Element::Uint16 => chunks(raw, count, |b| i64::from(u16::from_le_bytes(b))),
        Element::Int16 => chunks(raw, count, |b| i64::from(i16::from_le_bytes(b))),
        Element::Int32 => chunks(raw, count, |b| i64::from(i32::from_le_bytes(b))),
        Element::Uint32 => chunks(raw, count, |b| i64::from(u32::from_le_bytes(b))),
        Element::Int64 => chunks(raw, count, i64::from_le_bytes),
        // Numbers beyond 63 bits are negative, which the limits of the type then refuse.
        Element::Uint64 => chunks(raw, count, |b| u64::from_le_bytes(b) as i64),
        Element::Uint4 | Element::Int4 => {
            if raw.len() != count.div_ceil(2) {
                return Err(2 * raw.len());
            }
            let nibbles = raw.iter().flat_map(|byte| [byte & 15, byte >> 4]);
            Ok(nibbles.take(count).map(|n| nibble(n, element)).collect())
        }
        Element::Float | Element::Float16 | Element::Double => Err(0),
    }
}

fn typed_integers(proto: &TensorProto, element: Element, count: usize) -> Vec<i64> {
    match element {
        Element::Int64 => proto.int64_data.clone(),
        Element::Uint32 | Element::Uint64 => proto.uint64_data.iter().map(|v| *v as i64).collect(),
        // Two numbers a byte, a byte an entry.
        Element::Uint4 | Element::Int4 => {
            let nibbles = proto.int32_data.iter().flat_map(|byte| [*byte as u8 & 15, (*byte as u8) >> 4]);
            nibbles.take(count).map(|n| nibble(n, element)).collect()
        }
        _ => proto.int32_data.iter().map(|v| i64::from(*v)).collect(),
    }
}

fn nibble(nibble: u8, element: Element) -> i64 {
    let value = i64::from(nibble);
    if element == Element::Int4 && value > 7 { value - 16 } else { value }
}

/// A float of 16 bits, which is a float of 32 bits too.
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    match exponent {
        0 => sign * fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        _ => sign * (1024.0 + fraction) * 2f32.powi(exponent - 25),
    }
}
