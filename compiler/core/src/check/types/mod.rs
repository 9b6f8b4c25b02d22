//! Types: what a type expression means, with generics known.

mod expression;
mod format;
mod import;

use crate::db::{Db, ItemId};
use crate::number_format::Format;

pub use import::{FloatImport, Held, Import, imported_format, imported_shape, stores_negative};

/// The most elements of a tensor.
pub const MAX_ELEMENTS: usize = 1 << 22;

/// An axis of a tensor.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Axis {
    /// Its size.
    pub size: usize,
    /// The enum that names its entries, if any.
    pub labels: Option<ItemId>,
}

impl Axis {
    /// An axis without names.
    pub fn of(size: usize) -> Axis {
        Axis { size, labels: None }
    }
}

/// The axes of a tensor; none for a number.
pub type Shape = Vec<Axis>;

/// The number of elements.
pub fn count(shape: &[Axis]) -> usize {
    shape.iter().map(|axis| axis.size).product()
}

/// A shape as a spec writes it: `[28, 28]`, and nothing for a number.
pub fn show_shape(db: &dyn Db, shape: &[Axis]) -> String {
    if shape.is_empty() {
        return String::new();
    }
    let axis = |axis: &Axis| axis.labels.map_or_else(|| axis.size.to_string(), |item| item.name(db).to_owned());
    format!("[{}]", shape.iter().map(axis).collect::<Vec<_>>().join(", "))
}

/// A shape for a sentence: `[10]`, or «a number».
pub fn shape_text(db: &dyn Db, shape: &[Axis]) -> String {
    if shape.is_empty() { "a number".to_owned() } else { show_shape(db, shape) }
}

/// Whether two shapes have the same sizes.
pub fn same_sizes(a: &[Axis], b: &[Axis]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.size == b.size)
}

/// Whether a tensor of the one shape can stand for one of the other: a tensor of one element is a number.
pub fn interchangeable(a: &[Axis], b: &[Axis]) -> bool {
    same_sizes(a, b) || count(a) == 1 && count(b) == 1
}

/// What classes a label or an argmax distinguishes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Classes {
    /// How many.
    pub count: usize,
    /// The enum that names them, if any.
    pub labels: Option<ItemId>,
}

/// A type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// Stored integers of a format.
    Stored(Format, Shape),
    /// Exact numbers: an accumulator's values, a real.
    Real(Shape),
    /// An exact accumulator of at most so many bits.
    Accumulator(u32),
    /// A class.
    Class(Classes),
    /// A truth value.
    Bool,
}

impl Type {
    /// As a spec writes it.
    pub fn show(&self, db: &dyn Db) -> String {
        match self {
            Type::Stored(format, shape) => format!("{format}{}", show_shape(db, shape)),
            Type::Real(shape) => format!("real{}", show_shape(db, shape)),
            Type::Accumulator(width) => format!("acc<{width}>"),
            Type::Class(classes) => match classes.labels {
                Some(item) => format!("class<{}>", item.name(db)),
                None => format!("class<{}>", classes.count),
            },
            Type::Bool => "bool".to_owned(),
        }
    }
}

/// `1 argument`, `2 arguments`.
pub fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// `1 axis`, `2 axes`.
pub fn axes_text(count: usize) -> String {
    if count == 1 { "1 axis".to_owned() } else { format!("{count} axes") }
}

/// Shared shapes of constants: sizes as unnamed axes.
pub fn axes(sizes: &[usize]) -> Shape {
    sizes.iter().map(|size| Axis::of(*size)).collect()
}
