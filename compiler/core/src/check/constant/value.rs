//! Constants as values: what they are, how a spec writes them, what operators make of them.

use crate::db::{Db, ItemId, tree};
use num_traits::Zero;
use qnn_ir::Rational;
use qnn_ir::rational::{exact, integer};
use qnn_syntax::ast::{BinaryOp, ItemKind, Name};
use std::sync::Arc;

/// A constant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Constant {
    /// An exact number.
    Number(Rational),
    /// So many steps of the format that it is compared with.
    Lsb(Rational),
    /// A truth value.
    Bool(bool),
    /// A list.
    List(Arc<[Constant]>),
    /// A variant of an enum.
    Variant(ItemId, usize),
    /// `a..b` or `a..=b`.
    Range(Range),
    /// A whole enum.
    Enum(ItemId),
}

/// All numbers from `start` to `end`; `end` is one of them if the range is inclusive.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Range {
    /// The least number.
    pub start: Rational,
    /// Where it ends.
    pub end: Rational,
    /// Whether the end belongs to it.
    pub inclusive: bool,
}

impl Range {
    /// Whether a number lies in it.
    pub fn contains(&self, n: &Rational) -> bool {
        *n >= self.start && if self.inclusive { *n <= self.end } else { *n < self.end }
    }
}

impl Constant {
    /// What kind of thing it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Constant::Number(_) => "a number",
            Constant::Lsb(_) => "a number of lsb",
            Constant::Bool(_) => "a truth value",
            Constant::List(_) => "a list",
            Constant::Variant(..) => "an enum's variant",
            Constant::Range(..) => "a range",
            Constant::Enum(_) => "an enum",
        }
    }

    /// An integer as a constant.
    pub fn int(n: i128) -> Constant {
        Constant::Number(integer(n))
    }

    /// As a spec would write it.
    pub fn text(&self, db: &dyn Db) -> String {
        match self {
            Constant::Number(n) => exact(n),
            Constant::Lsb(n) => match exact(n) {
                fraction if fraction.contains('/') => format!("({fraction}) lsb"),
                number => format!("{number} lsb"),
            },
            Constant::Bool(b) => b.to_string(),
            Constant::List(items) => {
                format!("[{}]", items.iter().map(|i| i.text(db)).collect::<Vec<_>>().join(", "))
            }
            Constant::Variant(item, index) => {
                enum_variants(db, *item).get(*index).map_or_else(|| index.to_string(), |v| v.0.to_string())
            }
            Constant::Range(range) => {
                let sign = if range.inclusive { "..=" } else { ".." };
                format!("{}{sign}{}", exact(&range.start), exact(&range.end))
            }
            Constant::Enum(item) => item.name(db).to_owned(),
        }
    }
}

/// The variants of an enum in order: name, and the text that files use for it. Empty for what is no enum.
pub fn enum_variants(db: &dyn Db, item: ItemId) -> Vec<(Arc<str>, Arc<str>)> {
    match tree(db, item).as_deref().map(|t| &t.kind) {
        Some(ItemKind::Enum(e)) => e
            .variants
            .iter()
            .map(|(name, text)| (name.text.clone(), text.as_ref().unwrap_or(&as_text(name)).text.clone()))
            .collect(),
        _ => Vec::new(),
    }
}

/// The names of an enum's variants.
pub fn variant_names(db: &dyn Db, item: ItemId) -> Vec<Arc<str>> {
    enum_variants(db, item).into_iter().map(|(name, _)| name).collect()
}

fn as_text(name: &Name) -> qnn_syntax::ast::Text {
    qnn_syntax::ast::Text { text: name.text.clone(), span: name.span }
}

/// The negation of a number, or of all numbers in a list.
pub fn negated(value: &Constant) -> Option<Constant> {
    match value {
        Constant::Number(n) => Some(Constant::Number(-n)),
        Constant::Lsb(n) => Some(Constant::Lsb(-n)),
        Constant::List(list) => list.iter().map(negated).collect::<Option<Arc<[_]>>>().map(Constant::List),
        _ => None,
    }
}

/// The result of an operator on constants; `None` where it has none.
pub fn combine(op: BinaryOp, a: &Constant, b: &Constant) -> Option<Constant> {
    use Constant::{Bool, Lsb, Number, Range, Variant};
    Some(match (op, a, b) {
        (BinaryOp::Add, Number(a), Number(b)) => Number(a + b),
        (BinaryOp::Subtract, Number(a), Number(b)) => Number(a - b),
        (BinaryOp::Multiply, Number(a), Number(b)) => Number(a * b),
        (BinaryOp::Divide, Number(a), Number(b)) if !b.is_zero() => Number(a / b),
        (BinaryOp::Add, Lsb(a), Lsb(b)) => Lsb(a + b),
        (BinaryOp::Subtract, Lsb(a), Lsb(b)) => Lsb(a - b),
        (BinaryOp::Multiply, Number(a), Lsb(b)) | (BinaryOp::Multiply, Lsb(a), Number(b)) => Lsb(a * b),
        (BinaryOp::Divide, Lsb(a), Number(b)) if !b.is_zero() => Lsb(a / b),
        (BinaryOp::Less, Number(a), Number(b)) | (BinaryOp::Less, Lsb(a), Lsb(b)) => Bool(a < b),
        (BinaryOp::LessEqual, Number(a), Number(b)) | (BinaryOp::LessEqual, Lsb(a), Lsb(b)) => Bool(a <= b),
        (BinaryOp::Greater, Number(a), Number(b)) | (BinaryOp::Greater, Lsb(a), Lsb(b)) => Bool(a > b),
        (BinaryOp::GreaterEqual, Number(a), Number(b)) | (BinaryOp::GreaterEqual, Lsb(a), Lsb(b)) => Bool(a >= b),
        (BinaryOp::Equal, Number(_) | Lsb(_) | Bool(_) | Variant(..), _) if same_kind(a, b) => Bool(a == b),
        (BinaryOp::NotEqual, Number(_) | Lsb(_) | Bool(_) | Variant(..), _) if same_kind(a, b) => Bool(a != b),
        (BinaryOp::In, Number(n), Range(range)) => Bool(range.contains(n)),
        (BinaryOp::In, Number(_) | Lsb(_) | Bool(_) | Variant(..), Constant::List(list))
            if list.iter().all(|c| same_kind(a, c)) =>
        {
            Bool(list.contains(a))
        }
        // Lists: element by element, or a number with each element.
        (BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide, _, _) => {
            let list: Option<Arc<[Constant]>> = match (a, b) {
                (Constant::List(a), Constant::List(b)) if a.len() == b.len() => {
                    a.iter().zip(b.iter()).map(|(a, b)| combine(op, a, b)).collect()
                }
                (Constant::List(a), Number(_)) => a.iter().map(|a| combine(op, a, b)).collect(),
                (Number(_), Constant::List(b)) => b.iter().map(|b| combine(op, a, b)).collect(),
                _ => None,
            };
            Constant::List(list?)
        }
        _ => return None,
    })
}

fn same_kind(a: &Constant, b: &Constant) -> bool {
    use Constant::{Bool, Lsb, Number, Variant};
    match (a, b) {
        (Number(_), Number(_)) | (Lsb(_), Lsb(_)) | (Bool(_), Bool(_)) => true,
        (Variant(e, _), Variant(f, _)) => e == f,
        _ => false,
    }
}
