//! Samples of a dataset's fields: integers of a format, or classes.

use crate::check::types::Type;
use std::sync::Arc;

/// A field of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: Arc<str>,
    /// The type of one sample's field.
    pub ty: Type,
    /// Its samples.
    pub data: Samples,
}

/// All samples of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Samples {
    /// raw − zero point; as many numbers for each sample as its type has elements.
    Numbers {
        /// All samples' numbers.
        numbers: FieldIntegers,
        /// Numbers in one sample.
        each: usize,
    },
    /// Classes.
    Classes(Arc<[u32]>),
}

/// Integers, as many bytes each as they need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldIntegers {
    /// 0 to 255: the pixels of images, as their file holds them.
    Bytes(Arc<[u8]>),
    /// Any.
    Words(Arc<[i64]>),
}

impl FieldIntegers {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            FieldIntegers::Bytes(bytes) => bytes.len(),
            FieldIntegers::Words(words) => words.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Some of them, from an index on; `None` beyond the end.
    pub fn part(&self, start: usize, len: usize) -> Option<Arc<[i64]>> {
        let range = start..start.checked_add(len)?;
        Some(match self {
            FieldIntegers::Bytes(bytes) => bytes.get(range)?.iter().map(|n| i64::from(*n)).collect(),
            FieldIntegers::Words(words) => words.get(range)?.into(),
        })
    }

    /// The least and the greatest; `None` if there is none.
    pub fn range(&self) -> Option<(i64, i64)> {
        match self {
            FieldIntegers::Bytes(bytes) => Some((i64::from(*bytes.iter().min()?), i64::from(*bytes.iter().max()?))),
            FieldIntegers::Words(words) => Some((*words.iter().min()?, *words.iter().max()?)),
        }
    }
}

impl Samples {
    /// The number of samples.
    pub fn len(&self) -> usize {
        match self {
            Samples::Numbers { numbers, each } => numbers.len() / (*each).max(1),
            Samples::Classes(classes) => classes.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
