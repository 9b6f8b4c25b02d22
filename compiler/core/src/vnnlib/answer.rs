//! Answers to queries as VNN-COMP's harness and VNN-LIB 2 have them.

use super::assignment::Assignment;
use super::query::{Query, Version};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::One;
use num_traits::Signed;
use qnn_ir::Rational;
use qnn_ir::rational::integer;
use std::fmt::Write;

/// An answer to a query.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// There are inputs that meet all assertions: these.
    Sat(Assignment),
    /// There are none: it is proved.
    Unsat,
    /// It is not known.
    Unknown,
    /// The time was up.
    Timeout,
}

impl Answer {
    /// The lines that say it.
    ///
    /// Version 1 has `((X_0 0.5)` and so on, a line for each element; version 2 a line with the name, element type and shape of each tensor, and a line for
    /// each of its elements.
    pub fn text(&self, query: &Query) -> String {
        match self {
            Answer::Sat(assignment) => format!("sat\n{}", assignment_text(assignment, query)),
            Answer::Unsat => "unsat\n".to_owned(),
            Answer::Unknown => "unknown\n".to_owned(),
            Answer::Timeout => "timeout\n".to_owned(),
        }
    }
}

fn assignment_text(assignment: &Assignment, query: &Query) -> String {
    let mut text = String::new();
    let tensors = query.networks.iter().zip(&assignment.values).flat_map(|(network, v)| network.tensors.iter().zip(v));
    match query.version {
        Version::One => {
            let mut lines = Vec::new();
            for (tensor, values) in tensors {
                lines.extend(values.iter().enumerate().map(|(i, v)| format!("({}_{i} {})", tensor.name, decimal(v))));
            }
            let _ = writeln!(text, "({})", lines.join("\n"));
        }
        Version::Two => {
            for (tensor, values) in tensors {
                let shape: Vec<String> = tensor.shape.iter().map(ToString::to_string).collect();
                let _ = writeln!(text, "{} {} [{}]", tensor.name, tensor.element, shape.join(","));
                values.iter().for_each(|value| _ = writeln!(text, "{}", decimal(value)));
            }
        }
    }
    text
}

/// The most digits after the point that are written where they say a number exactly: those of any float of 64 bits.
const MOST_DIGITS: u32 = 1100;
/// The digits after the point of a number that no decimal says.
const ROUNDED_DIGITS: u32 = 40;

/// A number as a decimal: exactly, or, where no decimal of a sensible length says it, rounded.
pub fn decimal(value: &Rational) -> String {
    let (mut rest, mut digits) = (value.denom().clone(), 0u32);
    for prime in [2, 5] {
        let mut count = 0;
        while count <= MOST_DIGITS && rest.is_multiple_of(&BigInt::from(prime)) {
            rest /= prime;
            count += 1;
        }
        digits = digits.max(count);
    }
    let digits = if rest.is_one() && digits <= MOST_DIGITS { digits } else { ROUNDED_DIGITS };
    let scaled = (value.abs() * Rational::from_integer(BigInt::from(10).pow(digits))).round();
    let negative = value.is_negative() && scaled != integer(0);
    let padded = format!("{:0>width$}", scaled.to_integer().to_string(), width = digits as usize + 1);
    let (whole, fraction) = padded.split_at(padded.len() - digits as usize);
    let fraction = if fraction.is_empty() { "0" } else { fraction };
    format!("{}{whole}.{fraction}", if negative { "-" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use qnn_ir::rational::{power_of_two, ratio};

    #[test]
    fn decimals_are_exact_where_they_can_be() {
        for (value, text) in [
            (ratio(1, 8), "0.125"),
            (integer(-3), "-3.0"),
            (integer(0), "0.0"),
            (ratio(-1, 256), "-0.00390625"),
            (ratio(1, 3), "0.3333333333333333333333333333333333333333"),
            (ratio(-1, 10).pow(50), "0.00000000000000000000000000000000000000000000000001"),
        ] {
            assert_eq!(decimal(&value), text);
        }
        assert_eq!(decimal(&power_of_two(-1000)).len(), 1002);
        assert_eq!(decimal(&(ratio(-1, 3) * power_of_two(-1000))), "0.0000000000000000000000000000000000000000");
    }
}
