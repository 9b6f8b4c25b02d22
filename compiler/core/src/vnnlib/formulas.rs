//! Assertions: expressions to formulas of linear comparisons.

use super::expression::{Expression, Kind};
use super::problem::Problem;
use super::query::{Element, Formula, Relation, Sum};
use num_traits::{One, Signed, Zero};
use qnn_ir::Rational;
use qnn_ir::interrupt::work;
use qnn_ir::rational::integer;
use std::collections::HashMap;

/// The most bits that a number may take.
const MAX_BITS: u64 = 1 << 13;

/// What the words of assertions mean.
pub trait Names {
    /// The element of a word and the indices behind it.
    ///
    /// # Errors
    /// What is wrong with either.
    fn element(&self, word: &Expression<'_>, axes: Option<&Expression<'_>>) -> Result<Element, Problem>;
}

/// Words by what they stand for.
#[derive(Default)]
pub struct Words(pub HashMap<String, Element>);

impl Names for Words {
    fn element(&self, word: &Expression<'_>, axes: Option<&Expression<'_>>) -> Result<Element, Problem> {
        let name = word.word().unwrap_or_default();
        if let Some(axes) = axes {
            let help = "version 1 calls an element `X_3`; version 2 begins with `(vnnlib-version <2.0>)`";
            return Err(Problem::new("version 1 has no indices", axes.span.clone(), "an index").help(help));
        }
        self.0.get(name).copied().ok_or_else(|| {
            Problem::new(format!("`{name}` is not declared"), word.span.clone(), "not a variable")
                .help(format!("`(declare-const {name} Real)` stands before its first use"))
        })
    }
}

/// The formula of an expression, without negations.
///
/// # Errors
/// What is no formula of linear comparisons, at its place.
pub fn formula(expression: &Expression<'_>, names: &dyn Names) -> Result<Formula, Problem> {
    signed(expression, names, true)
}

/// The formula of an expression, or of what is true if it is false.
fn signed(expression: &Expression<'_>, names: &dyn Names, sign: bool) -> Result<Formula, Problem> {
    work(8);
    if let Some(word) = expression.word() {
        return match word {
            "true" => Ok(all(Vec::new(), sign)),
            "false" => Ok(all(Vec::new(), !sign)),
            _ => Err(no_formula(expression)),
        };
    }
    let Some((head, parts)) = expression.call() else { return Err(no_formula(expression)) };
    let each = |parts: &[Expression<'_>], sign: bool| -> Result<Vec<Formula>, Problem> {
        parts.iter().map(|part| signed(part, names, sign)).collect()
    };
    match head {
        "and" => Ok(all(each(parts, sign)?, sign)),
        "or" => Ok(all(each(parts, sign)?, !sign)),
        "not" => match parts {
            [part] => signed(part, names, !sign),
            _ => Err(Problem::new("`not` takes one formula", expression.span.clone(), "")),
        },
        "=>" => match parts.split_last() {
            Some((last, premises)) if !premises.is_empty() => {
                let mut parts = each(premises, !sign)?;
                parts.push(signed(last, names, sign)?);
                Ok(all(parts, !sign))
            }
            _ => Err(Problem::new("`=>` takes two formulas", expression.span.clone(), "")),
        },
        "<" | ">" | "<=" | ">=" | "=" | "==" | "!=" => {
            let (relation, sum) = comparison(head, expression, parts, names)?;
            Ok(if sign { Formula::Compare(relation, sum) } else { negated(relation, sum) })
        }
        _ => Err(no_formula(expression)),
    }
}

/// All of some formulas, or one of them; those of the same kind within are joined with it.
fn all(parts: Vec<Formula>, conjunction: bool) -> Formula {
    let mut joined = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Formula::And(inner) if conjunction => joined.extend(inner),
            Formula::Or(inner) if !conjunction => joined.extend(inner),
            other => joined.push(other),
        }
    }
    if conjunction { Formula::And(joined) } else { Formula::Or(joined) }
}

fn negated(relation: Relation, sum: Sum) -> Formula {
    let (relation, opposite) = relation.negated();
    Formula::Compare(relation, if opposite { sum.times(&integer(-1)) } else { sum })
}

fn no_formula(expression: &Expression<'_>) -> Problem {
    let message = match expression.call() {
        Some((head, _)) => format!("`{head}` makes no formula"),
        None => "this is no formula".to_owned(),
    };
    Problem::new(message, expression.span.clone(), "neither a comparison nor a combination of such")
        .help("formulas are made with `and`, `or`, `not`, `=>` and `<=`, `>=`, `<`, `>`, `=`, `==`, `!=`")
}

fn comparison(
    head: &str,
    expression: &Expression<'_>,
    parts: &[Expression<'_>],
    names: &dyn Names,
) -> Result<(Relation, Sum), Problem> {
    let sums = sums(parts, names)?;
    let [left, right] = sums.as_slice() else {
        return Err(Problem::new(
            format!("`{head}` compares two numbers, not {}", sums.len()),
            expression.span.clone(),
            "",
        ));
    };
    let difference = |a: &Sum, b: &Sum| {
        let mut difference = a.clone();
        difference.add(b, &-Rational::one());
        difference
    };
    let (relation, sum) = match head {
        ">=" => (Relation::AtLeast, difference(left, right)),
        "<=" => (Relation::AtLeast, difference(right, left)),
        ">" => (Relation::Above, difference(left, right)),
        "<" => (Relation::Above, difference(right, left)),
        "!=" => (Relation::Unequal, difference(left, right)),
        _ => (Relation::Equal, difference(left, right)),
    };
    bounded(&sum, expression)?;
    Ok((relation, sum))
}

/// The sums of expressions that stand one after another; a word and the indices behind it are one.
fn sums(parts: &[Expression<'_>], names: &dyn Names) -> Result<Vec<Sum>, Problem> {
    let mut sums = Vec::new();
    let mut rest = parts.iter().peekable();
    while let Some(part) = rest.next() {
        let axes = rest.next_if(|next| matches!(next.kind, Kind::Axes(_)));
        sums.push(sum(part, axes, names)?);
    }
    Ok(sums)
}

fn sum(expression: &Expression<'_>, axes: Option<&Expression<'_>>, names: &dyn Names) -> Result<Sum, Problem> {
    work(8);
    let (head, parts) = match &expression.kind {
        Kind::Word(_) => {
            let element = names.element(expression, axes)?;
            return Ok(Sum { terms: [(element, Rational::one())].into(), constant: Rational::zero() });
        }
        Kind::Number(value) if axes.is_none() => return Ok(Sum::constant(value.clone())),
        _ => match expression.call().filter(|_| axes.is_none()) {
            Some(call) => call,
            None => return Err(no_number(axes.unwrap_or(expression))),
        },
    };
    let place = || Problem::new(format!("`{head}` of nothing is no number"), expression.span.clone(), "");
    let operands = || sums(parts, names);
    let sum = match head {
        "+" => {
            let operands = operands()?;
            added(operands, &integer(1), expression)?.ok_or_else(place)?
        }
        "-" => {
            let mut operands = operands()?;
            if operands.is_empty() {
                return Err(place());
            }
            let first = operands.remove(0);
            if operands.is_empty() {
                first.times(&integer(-1))
            } else {
                operands.insert(0, first.times(&integer(-1)));
                added(operands, &integer(-1), expression)?.ok_or_else(place)?
            }
        }
        "*" => product(operands()?, expression)?.ok_or_else(place)?,
        "/" => quotient(operands()?, expression)?.ok_or_else(place)?,
        _ => return Err(no_number(expression)),
    };
    bounded(&sum, expression)?;
    Ok(sum)
}

fn no_number(expression: &Expression<'_>) -> Problem {
    let message = match expression.call() {
        Some((head, _)) => format!("`{head}` makes no number"),
        None => "this is no number".to_owned(),
    };
    Problem::new(message, expression.span.clone(), "neither a number, a variable nor a sum of such")
        .help("numbers are made with `+`, `-`, `*` and `/`")
}

/// The sum of all, times the factor.
fn added(sums: Vec<Sum>, factor: &Rational, place: &Expression<'_>) -> Result<Option<Sum>, Problem> {
    let mut rest = sums.into_iter();
    let Some(first) = rest.next() else { return Ok(None) };
    let mut all = first.times(factor);
    for sum in rest {
        all.add(&sum, factor);
        number(&all.constant, place)?;
    }
    Ok(Some(all))
}

/// The product, of which at most one factor varies.
fn product(sums: Vec<Sum>, place: &Expression<'_>) -> Result<Option<Sum>, Problem> {
    if sums.is_empty() {
        return Ok(None);
    }
    let (mut factor, mut varying) = (Rational::one(), None);
    for sum in sums {
        if sum.terms.is_empty() {
            factor *= sum.constant;
            number(&factor, place)?;
        } else if varying.replace(sum).is_some() {
            let problem =
                Problem::new("a product of two variables is not linear", place.span.clone(), "two factors vary");
            return Err(problem.help("one factor of each product may vary"));
        }
    }
    Ok(Some(varying.map_or_else(|| Sum::constant(factor.clone()), |sum| sum.times(&factor))))
}

/// The first divided by all others, which are numbers.
fn quotient(sums: Vec<Sum>, place: &Expression<'_>) -> Result<Option<Sum>, Problem> {
    let mut rest = sums.into_iter();
    let Some(first) = rest.next() else { return Ok(None) };
    let mut divisor = Rational::one();
    for sum in rest {
        if !sum.terms.is_empty() || sum.constant.is_zero() {
            let by = if sum.terms.is_empty() { "0" } else { "what varies" };
            return Err(Problem::new(format!("a number is divided by {by}"), place.span.clone(), "this quotient"));
        }
        divisor *= sum.constant;
        number(&divisor, place)?;
    }
    Ok(Some(first.times(&divisor.recip())))
}

/// Refuses numbers that are too long.
fn bounded(sum: &Sum, place: &Expression<'_>) -> Result<(), Problem> {
    sum.terms.values().chain([&sum.constant]).try_for_each(|value| number(value, place))
}

fn number(value: &Rational, place: &Expression<'_>) -> Result<(), Problem> {
    let bits = value.numer().abs().bits().max(value.denom().bits());
    work(usize::try_from(bits / 64).unwrap_or(usize::MAX));
    if bits <= MAX_BITS {
        return Ok(());
    }
    Err(Problem::new(
        "this makes a number that is too long",
        place.span.clone(),
        format!("it has {bits} bits; {MAX_BITS} are the most"),
    ))
}
