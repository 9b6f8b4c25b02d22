//! The syntax tree.
//!
//! Spans are byte offsets relative to the start of the item they stand in, so that text before an item can change without
//! the item's tree changing. The tree says what was written; it knows no types and resolves no names.

mod expr;
mod item;

pub use expr::{
    Argument, BinaryOp, Binder, BinderRange, Call, Expr, ExprKind, LetExpr, Quantifier, QuantifierKind, Reading,
    TypeArgument, TypeExpr, UnaryOp,
};
pub use item::{
    Attribute, ConstItem, DatasetField, DatasetItem, DefItem, EnumItem, FamilyParam, ImportItem, ImportOption,
    ImportValue, Item, ItemKind, LetStatement, MeasureBody, MeasureItem, NetworkItem, Param, Params, ParamsRule,
    PropertyItem, TypeItem,
};

use std::sync::Arc;

/// A half-open range of bytes, relative to the start of the item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The range `start .. end`.
    pub fn new(start: u32, end: u32) -> Span {
        Span { start, end }
    }

    /// The smallest span that holds both.
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// An identifier.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    /// The text.
    pub text: Arc<str>,
    /// Where it stands.
    pub span: Span,
}

/// A string literal, unescaped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Text {
    /// The text without quotes.
    pub text: Arc<str>,
    /// Where it stands, quotes included.
    pub span: Span,
}
