//! How tightly operators bind: an infix operator's number, and what it is in a tree. The tree and the formatter climb by the same numbers.

use crate::ast::BinaryOp;

/// How tightly an infix operator binds.
pub fn infix(symbol: &str) -> (u8, Option<BinaryOp>) {
    match symbol {
        "=>" => (IMPLIES, Some(BinaryOp::Implies)),
        "or" => (2, Some(BinaryOp::Or)),
        "and" => (3, Some(BinaryOp::And)),
        "==" => (COMPARE, Some(BinaryOp::Equal)),
        "!=" => (COMPARE, Some(BinaryOp::NotEqual)),
        "<" => (COMPARE, Some(BinaryOp::Less)),
        "<=" => (COMPARE, Some(BinaryOp::LessEqual)),
        ">" => (COMPARE, Some(BinaryOp::Greater)),
        ">=" => (COMPARE, Some(BinaryOp::GreaterEqual)),
        "in" => (COMPARE, Some(BinaryOp::In)),
        "+" => (7, Some(BinaryOp::Add)),
        "-" => (7, Some(BinaryOp::Subtract)),
        "*" => (8, Some(BinaryOp::Multiply)),
        "/" => (8, Some(BinaryOp::Divide)),
        _ => (RANGE, None),
    }
}

/// How tightly `=>` binds.
pub const IMPLIES: u8 = 1;

/// How tightly comparisons bind, and `not`.
pub const COMPARE: u8 = 5;

/// How tightly ranges bind.
pub const RANGE: u8 = 6;

/// How tightly a minus sign binds.
pub const NEGATE: u8 = 9;
