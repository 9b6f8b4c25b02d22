//! What a file reader returns: a shape and its elements, as the file holds them, before any format is applied.

use qnn_ir::rational::{Rational, from_f64, integer};
use std::fmt;
use std::sync::Arc;

/// A dense tensor in row-major (C) order, as a file holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct FileTensor {
    /// Sizes of the axes; empty for a single number.
    pub shape: Vec<usize>,
    /// The elements; their number is the product of `shape`.
    pub data: FileData,
    /// The element type in the file's own words (`float32`, `uint8`, `text`), for messages.
    pub element_type: &'static str,
}

/// The elements of a [`FileTensor`].
#[derive(Clone, Debug, PartialEq)]
pub enum FileData {
    /// Unsigned bytes: images, small labels.
    Bytes(Arc<[u8]>),
    /// Any other integers.
    Integers(Arc<[i64]>),
    /// Floats, exactly as stored (float16 and float32 widened, which is exact). NaN and infinities are the caller's to refuse, with their place.
    Floats(Arc<[f64]>),
    /// Decimal numbers written as text (CSV): exact.
    Decimals(Arc<[Rational]>),
    /// Text that is not a number (a CSV column of categories, the folder names of images).
    Text(Arc<[String]>),
}

/// One element.
#[derive(Clone, Debug, PartialEq)]
pub enum Element<'a> {
    /// An integer.
    Integer(i64),
    /// A real number, exactly.
    Real(Rational),
    /// A NaN or an infinity, in words.
    NotFinite(f64),
    /// A text.
    Text(&'a str),
}

impl FileTensor {
    /// `float32[3, 4]`.
    pub fn describe(&self) -> String {
        described(self.element_type, &self.shape)
    }
}

/// What a header says of a tensor, without its elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorHeader {
    /// The element type in the file's own words.
    pub element_type: String,
    /// Sizes of the axes.
    pub shape: Vec<usize>,
}

impl fmt::Display for TensorHeader {
    /// `float32[3, 4]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&described(&self.element_type, &self.shape))
    }
}

/// An element type and a shape.
fn described(element_type: &str, shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    format!("{element_type}[{}]", sizes.join(", "))
}

impl FileData {
    /// The number of elements.
    pub fn len(&self) -> usize {
        match self {
            FileData::Bytes(v) => v.len(),
            FileData::Integers(v) => v.len(),
            FileData::Floats(v) => v.len(),
            FileData::Decimals(v) => v.len(),
            FileData::Text(v) => v.len(),
        }
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether all elements are integers by their type (not merely by their values).
    pub fn is_integer(&self) -> bool {
        matches!(self, FileData::Bytes(_) | FileData::Integers(_))
    }

    /// The element at `index` (row-major); `None` beyond the end.
    pub fn get(&self, index: usize) -> Option<Element<'_>> {
        Some(match self {
            FileData::Bytes(v) => Element::Integer(i64::from(*v.get(index)?)),
            FileData::Integers(v) => Element::Integer(*v.get(index)?),
            FileData::Floats(v) => {
                let value = *v.get(index)?;
                from_f64(value).map_or(Element::NotFinite(value), Element::Real)
            }
            FileData::Decimals(v) => Element::Real(v.get(index)?.clone()),
            FileData::Text(v) => Element::Text(v.get(index)?),
        })
    }
}

impl Element<'_> {
    /// The element as an exact number, if it is one.
    pub fn number(&self) -> Option<Rational> {
        match self {
            Element::Integer(n) => Some(integer(i128::from(*n))),
            Element::Real(value) => Some(value.clone()),
            Element::NotFinite(_) | Element::Text(_) => None,
        }
    }
}

/// The number of elements of a shape; `None` if it does not fit.
pub fn count(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |n, &size| n.checked_mul(size))
}
