//! VNN-LIB: an instance as text for verifiers of networks over the reals.
//!
//! In: a lowered property. Out: the box of the network's inputs, the assumptions and the negated goal, in values, or, of a model file's tensors of integers, in those:
//! unsatisfiable if the property holds of the network that the verifier is given beside it (ONNX), when that computes what the spec says. The format speaks of one
//! network, of its inputs and outputs and of linear constraints; what is not like that can't be said, and the reason is. It knows no formats: a real input may meet
//! the constraints where no value of the format does. [`crate::vnnlib`] reads the text back.

use crate::check::data::zero;
use crate::check::model::model_summary;
use crate::check::network::{Network, Port};
use crate::check::property::Statement;
use crate::db::Db;
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};
use qnn_ir::NodeId;
use qnn_ir::Rational;
use qnn_ir::obligation::{Atom, Linear};
use qnn_ir::rational::integer;
use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;

/// Which language is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// SMT-LIB with `X_i` and `Y_j`, which every tool reads.
    #[default]
    One,
    /// With `declare-network`.
    Two,
}

/// What an element of the text is of its node's integer n: n · scale + offset.
struct Meaning {
    name: String,
    scale: Rational,
    offset: Rational,
}

/// The elements of nodes in the text.
type Meanings = HashMap<(NodeId, u32), Meaning>;

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

/// The text; comment lines for its head say which property of which spec this is, and `folder` is that spec's.
///
/// # Errors
/// With the reason, if VNN-LIB can't say it.
pub fn text(
    db: &dyn Db,
    folder: &Path,
    statement: &Statement,
    title: &str,
    version: Version,
) -> Result<VnnlibText, String> {
    let [call] = statement.calls.as_slice() else {
        let count = statement.calls.len();
        return Err(format!("VNN-LIB speaks of one network, and it applies {count}"));
    };
    let obligation = &statement.obligation;
    if obligation.exact.is_some() || call.network.real.is_some() {
        return Err("it reads a network over the real numbers, which no file beside it computes".to_owned());
    }
    let integers = integer_tensors(db, folder, &call.network);
    let (mut meanings, mut boxes, mut tensors) = (Meanings::new(), String::new(), Vec::new());
    let mut next = 0;
    for (place, input) in call.inputs.iter().enumerate() {
        let variable = obligation.variables.iter().zip(&statement.variables).find(|(v, _)| v.node == *input);
        let Some((variable, info)) = variable else {
            return Err("an input of the network is no variable: it is computed, or known".to_owned());
        };
        let shape = sizes(&info.port);
        let tensor = if call.inputs.len() == 1 { "X".to_owned() } else { format!("X{place}") };
        for (element, (lo, hi)) in variable.domain.iter().enumerate() {
            let name = match version {
                Version::One => format!("X_{next}"),
                Version::Two => format!("{tensor}{}", index(&shape, element)),
            };
            next += 1;
            let meaning = meaning(&info.port, element, integers.0.get(place).is_some_and(|is| *is), name);
            let value = |n: i64| decimal(&(integer(i128::from(n)) * &meaning.scale + &meaning.offset));
            let name = &meaning.name;
            let _ = writeln!(boxes, "(assert (>= {name} {}))\n(assert (<= {name} {}))", value(*lo)?, value(*hi)?);
            meanings.insert((*input, element as u32), meaning);
        }
        tensors.push((tensor, shape));
    }
    if obligation.variables.iter().any(|variable| !call.inputs.contains(&variable.node)) {
        return Err("it has a variable that is no input of the network".to_owned());
    }
    let (outputs, shape) = (obligation.graph.len(call.output.node), sizes(&call.output));
    for element in 0..outputs {
        let name = match version {
            Version::One => format!("Y_{element}"),
            Version::Two => format!("Y{}", index(&shape, element)),
        };
        let meaning = meaning(&call.output, element, integers.1, name);
        meanings.insert((call.output.node, element as u32), meaning);
    }
    let mut text = String::new();
    for line in title.lines() {
        let _ = writeln!(text, "; {}", line.replace(|c: char| c.is_control(), " "));
    }
    let _ = writeln!(text, "; Obligation {} of the network {}.", obligation.key(), call.network.name);
    text.push_str("; X: the network's inputs, Y: its outputs, row-major, as values; as stored integers, where the model's file has integers. Satisfiable if some input violates the property.\n");
    text.push_str("; VNN-LIB is over the reals: an answer `sat` counts only for values of the formats, and only for a network that rounds as the spec says.\n\n");
    match version {
        Version::One => {
            for (letter, count) in [("X", next), ("Y", outputs)] {
                (0..count).for_each(|i| _ = writeln!(text, "(declare-const {letter}_{i} Real)"));
            }
        }
        Version::Two => {
            text.push_str("(vnnlib-version <2.0>)\n\n(declare-network f\n");
            for (name, shape) in &tensors {
                let _ = writeln!(text, "  (declare-input {name} real {})", axes(shape));
            }
            let _ = writeln!(text, "  (declare-output Y real {})\n)", axes(&shape));
        }
    }
    text.push('\n');
    text.push_str(&boxes);
    for assumption in &obligation.assumptions {
        let _ = writeln!(text, "(assert {})", atom(assumption, &meanings)?);
    }
    if obligation.cases.is_empty() {
        return Err("it holds whatever the network computes".to_owned());
    }
    let table = obligation.table();
    let atoms = table.atoms.iter().map(|a| atom(a, &meanings)).collect::<Result<Vec<_>, _>>()?;
    let asked = table.cases.iter().all(|case| !case.is_empty());
    Ok(VnnlibText { head: text, atoms, cases: if asked { table.cases } else { Vec::new() } })
}

/// Which inputs of an imported network are tensors of integers in the file, and whether its first output is.
fn integer_tensors(db: &dyn Db, folder: &Path, network: &Network) -> (Vec<bool>, bool) {
    let file = network.kernel.and(network.files.first());
    let summary = file.and_then(|file| model_summary(db, db.data(&folder.join(file))).clone().ok());
    let is_integer = |element: &str| !["float", "double"].iter().any(|float| element.starts_with(float));
    summary.map_or_else(Default::default, |summary| {
        let inputs = summary.inputs.iter().map(|input| is_integer(&input.element)).collect();
        (inputs, summary.outputs.first().is_some_and(|output| is_integer(&output.element)))
    })
}

fn meaning(port: &Port, element: usize, is_integer: bool, name: String) -> Meaning {
    match is_integer {
        true => {
            let zero = port.format.as_ref().map_or(0, |format| zero(format, &port.shape, element));
            Meaning { name, scale: Rational::one(), offset: integer(i128::from(zero)) }
        }
        false => Meaning { name, scale: port.scale.get(element).clone(), offset: Rational::zero() },
    }
}

fn sizes(port: &Port) -> Vec<usize> {
    port.shape.iter().map(|axis| axis.size).collect()
}

fn axes(sizes: &[usize]) -> String {
    format!("[{}]", sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
}

/// The index of an element, row by row; nothing of a number.
fn index(shape: &[usize], element: usize) -> String {
    let (mut indices, mut rest) = (Vec::with_capacity(shape.len()), element);
    for size in shape.iter().rev() {
        indices.push(rest % size);
        rest /= size;
    }
    indices.reverse();
    if shape.is_empty() { String::new() } else { axes(&indices) }
}

/// A linear constraint over the text's elements.
fn atom(atom: &Atom, meanings: &Meanings) -> Result<String, String> {
    let Linear { terms, constant } = &*atom.linear;
    let mut constant = integer(*constant);
    let mut parts: Vec<(String, Rational)> = Vec::new();
    for (node, element, factor) in terms {
        let Some(Meaning { name, scale, offset }) = meanings.get(&(*node, *element)) else {
            return Err("it speaks of more than inputs and outputs: of a greatest element, say, or within the network"
                .to_owned());
        };
        let factor = integer(*factor) / scale;
        constant -= &factor * offset;
        parts.push((name.clone(), factor));
    }
    // Σ factor · element + constant >= 0, divided by the first factor's magnitude: most often, all are 1 and -1 then.
    let unit = parts.first().map_or_else(Rational::one, |(_, factor)| factor.abs());
    let bound = -constant / &unit;
    parts.iter_mut().for_each(|(_, factor)| *factor = &*factor / &unit);
    if let [(a, one), (b, other)] = parts.as_slice()
        && bound.is_zero()
        && (one.clone() + other).is_zero()
    {
        return Ok(if one.is_positive() { format!("(>= {a} {b})") } else { format!("(>= {b} {a})") });
    }
    let term = |(name, factor): &(String, Rational)| -> Result<String, String> {
        Ok(if factor.is_one() {
            name.clone()
        } else if (-factor).is_one() {
            // Some readers take no products in sums.
            format!("(- {name})")
        } else {
            format!("(* {} {name})", decimal(factor)?)
        })
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
