//! VNN-LIB: an instance as text for verifiers of networks over the reals.
//!
//! In: a lowered property. Out: the box of the network's inputs, the assumptions and the negated goal, in values: unsatisfiable if the property holds of the network that the
//! verifier is given beside it (ONNX), when that computes what the spec says. The format speaks of one network, of its inputs and outputs and of linear constraints; what
//! is not like that can't be said, and the reason is. It knows no formats: a real input may meet the constraints where no value of the format does.

use crate::check::property::Statement;
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};
use qnn_ir::NodeId;
use qnn_ir::Rational;
use qnn_ir::obligation::{Atom, Linear};
use qnn_ir::rational::integer;
use std::collections::HashMap;
use std::fmt::Write;

/// A variable of the text with the value of a step of its integer.
type IntendedMeaning = HashMap<(NodeId, u32), (String, Rational)>;

/// A text that is written piece by piece: its cases repeat their conditions, which are held once.
pub struct VnnlibText {
    /// All but the cases.
    head: String,
    /// The conditions of the cases.
    atoms: Vec<String>,
    /// The cases, as indices into `atoms`; none where nothing is asked of the outputs.
    cases: Vec<Vec<u32>>,
}

impl VnnlibText {
    /// Its pieces in order.
    pub fn pieces<'a>(&'a self) -> impl Iterator<Item = &'a str> {
        let case = |case: &'a Vec<u32>| {
            let atoms = case.iter().flat_map(|atom| [" ", self.atoms[*atom as usize].as_str()]);
            ["\n  (and"].into_iter().chain(atoms).chain([")"])
        };
        let (open, end) = if self.cases.is_empty() { ("", "") } else { ("\n(assert (or", "\n))\n") };
        [self.head.as_str(), open].into_iter().chain(self.cases.iter().flat_map(case)).chain([end])
    }
}

/// The text; comment lines for its head say which property of which spec this is.
///
/// # Errors
/// With the reason, if VNN-LIB can't say it.
pub fn text(statement: &Statement, title: &str) -> Result<VnnlibText, String> {
    let [call] = statement.calls.as_slice() else {
        let count = statement.calls.len();
        return Err(format!("VNN-LIB speaks of one network, and it applies {count}"));
    };
    let obligation = &statement.obligation;
    let (mut meaning, mut boxes) = (IntendedMeaning::new(), String::new());
    let mut next = 0;
    for input in &call.inputs {
        let variable = obligation.variables.iter().zip(&statement.variables).find(|(v, _)| v.node == *input);
        let Some((variable, info)) = variable else {
            return Err("an input of the network is no variable: it is computed, or known".to_owned());
        };
        for (element, (lo, hi)) in variable.domain.iter().enumerate() {
            let name = format!("X_{next}");
            next += 1;
            let scale = info.port.scale.get(element).clone();
            let value = |n: i64| decimal(&(integer(i128::from(n)) * &scale));
            let _ = writeln!(boxes, "(assert (>= {name} {}))\n(assert (<= {name} {}))", value(*lo)?, value(*hi)?);
            meaning.insert((*input, element as u32), (name, scale));
        }
    }
    if obligation.variables.iter().any(|variable| !call.inputs.contains(&variable.node)) {
        return Err("it has a variable that is no input of the network".to_owned());
    }
    let outputs = obligation.graph.len(call.output.node);
    for element in 0..outputs {
        let scale = call.output.scale.get(element).clone();
        meaning.insert((call.output.node, element as u32), (format!("Y_{element}"), scale));
    }
    let mut text = String::new();
    for line in title.lines() {
        let _ = writeln!(text, "; {}", line.replace(|c: char| c.is_control(), " "));
    }
    let _ = writeln!(text, "; Obligation {} of the network {}.", obligation.key(), call.network.name);
    text.push_str("; X: the network's inputs, Y: its outputs, as values, row-major. Satisfiable if some input violates the property.\n");
    text.push_str("; VNN-LIB is over the reals: an answer `sat` counts only for values of the formats, and only for a network that rounds as the spec says.\n\n");
    for (letter, count) in [("X", next), ("Y", outputs)] {
        (0..count).for_each(|i| _ = writeln!(text, "(declare-const {letter}_{i} Real)"));
    }
    text.push('\n');
    text.push_str(&boxes);
    for assumption in &obligation.assumptions {
        let _ = writeln!(text, "(assert {})", atom(assumption, &meaning)?);
    }
    if obligation.cases.is_empty() {
        return Err("it holds whatever the network computes".to_owned());
    }
    let table = obligation.table();
    let atoms = table.atoms.iter().map(|a| atom(a, &meaning)).collect::<Result<Vec<_>, _>>()?;
    let asked = table.cases.iter().all(|case| !case.is_empty());
    Ok(VnnlibText { head: text, atoms, cases: if asked { table.cases } else { Vec::new() } })
}

/// A linear constraint over values.
fn atom(atom: &Atom, meaning: &IntendedMeaning) -> Result<String, String> {
    let Linear { terms, constant } = &*atom.linear;
    let mut parts: Vec<(String, Rational)> = Vec::new();
    for (node, element, factor) in terms {
        let Some((name, scale)) = meaning.get(&(*node, *element)) else {
            return Err("it speaks of more than inputs and outputs: of a greatest element, say, or within the network"
                .to_owned());
        };
        parts.push((name.clone(), integer(*factor) / scale));
    }
    // Σ factor · value + constant >= 0, divided by the first factor's magnitude: most often, all are 1 and -1 then.
    let unit = parts.first().map_or_else(Rational::one, |(_, factor)| factor.abs());
    let bound = integer(-*constant) / &unit;
    parts.iter_mut().for_each(|(_, factor)| *factor = &*factor / &unit);
    if let [(a, one), (b, other)] = parts.as_slice()
        && bound.is_zero()
        && (one.clone() + other).is_zero()
    {
        return Ok(if one.is_positive() { format!("(>= {a} {b})") } else { format!("(>= {b} {a})") });
    }
    let term = |(name, factor): &(String, Rational)| -> Result<String, String> {
        Ok(if factor.is_one() { name.clone() } else { format!("(* {} {name})", decimal(factor)?) })
    };
    let sum = match parts.as_slice() {
        [] => "0.0".to_owned(),
        [(name, factor)] if (-factor.clone()).is_one() => {
            return Ok(format!("(<= {name} {})", decimal(&-bound)?));
        }
        [only] => term(only)?,
        all => format!("(+ {})", all.iter().map(term).collect::<Result<Vec<_>, _>>()?.join(" ")),
    };
    Ok(format!("(>= {sum} {})", decimal(&bound)?))
}

/// A rational as an exact decimal.
fn decimal(value: &Rational) -> Result<String, String> {
    let (mut rest, mut digits) = (value.denom().clone(), 0u32);
    // Enough tens that the denominator divides their product: one for each 2 or 5.
    for prime in [2, 5] {
        let mut count = 0;
        while rest.is_multiple_of(&BigInt::from(prime)) {
            rest /= prime;
            count += 1;
        }
        digits = digits.max(count);
    }
    if !rest.is_one() {
        return Err(format!("the number {value} has no finite decimal"));
    }
    let scaled = (value.abs() * Rational::from_integer(BigInt::from(10).pow(digits))).to_integer().to_string();
    let digits = digits as usize;
    let padded = format!("{scaled:0>width$}", width = digits + 1);
    let (whole, fraction) = padded.split_at(padded.len() - digits);
    let fraction = if fraction.is_empty() { "0" } else { fraction };
    Ok(format!("{}{whole}.{fraction}", if value.is_negative() { "-" } else { "" }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use qnn_ir::rational::ratio;

    #[test]
    fn decimals_are_exact() {
        for (numerator, denominator, text) in
            [(1, 8, "0.125"), (-3, 1, "-3.0"), (0, 1, "0.0"), (-1, 256, "-0.00390625"), (7, 5, "1.4"), (1, 20, "0.05")]
        {
            assert_eq!(decimal(&ratio(numerator, denominator)).as_deref(), Ok(text));
        }
        assert!(decimal(&ratio(1, 3)).is_err());
    }
}
