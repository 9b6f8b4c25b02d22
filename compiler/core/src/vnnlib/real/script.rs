//! A query about networks of real numbers as a script of linear arithmetic.
//!
//! In: a query, its networks, ranges of all elements. Out: SMT-LIB 2 (QF_LRA) that is satisfiable exactly if the query is. An element is a constant with an equation;
//! a clamp or maximum that its ranges decide is the function that it then is. Elements that the query does not depend on are left out. Every assertion is a line.

use super::super::query::{Element, Formula, Query, Relation, Role};
use super::network::{Cell, Place, Range, RealNetwork, exact};
use num_traits::{Signed, Zero};
use qnn_ir::Rational;
use qnn_ir::interrupt::work;
use std::fmt::Write;

/// A network of the query: what it computes, and which of its tensors those of the query are.
#[derive(Clone, Debug)]
pub struct Bound<'a> {
    /// The network.
    pub network: &'a RealNetwork,
    /// For each tensor of the declaration, the network's tensor.
    pub tensors: Vec<usize>,
    /// The ranges of the network's elements over the query's box.
    pub ranges: Vec<Vec<Range>>,
}

/// The constant of an element.
pub fn constant(network: usize, place: Place) -> String {
    format!("n{network}_{}_{}", place.0, place.1)
}

/// The script of a query.
pub fn script(query: &Query, networks: &[Bound<'_>]) -> String {
    let mut text = String::new();
    let mut needed: Vec<Vec<Vec<bool>>> = networks
        .iter()
        .map(|bound| bound.network.tensors.iter().map(|cells| vec![false; cells.len()]).collect())
        .collect();
    // Values are asked for of all inputs.
    for (declared, (bound, needed)) in query.networks.iter().zip(networks.iter().zip(&mut needed)) {
        for (tensor, _) in declared.of(Role::Input) {
            needed[bound.tensors[tensor]].fill(true);
        }
    }
    for assertion in &query.assertions {
        assertion.elements(&mut |element| {
            let tensor = networks[element.network].tensors[element.tensor];
            needed[element.network][tensor][element.index] = true;
        });
    }
    for (index, bound) in networks.iter().enumerate() {
        close(bound.network, &mut needed[index]);
        for (tensor, cells) in bound.network.tensors.iter().enumerate() {
            for (element, cell) in cells.iter().enumerate().filter(|(i, _)| needed[index][tensor][*i]) {
                let _ = writeln!(text, "(declare-const {} Real)", constant(index, (tensor, element)));
                define(&mut text, index, bound, (tensor, element), cell);
            }
        }
    }
    for assertion in &query.assertions {
        let _ = writeln!(text, "(assert {})", formula(assertion, networks));
    }
    text
}

/// Marks what the marked elements are made of.
fn close(network: &RealNetwork, needed: &mut [Vec<bool>]) {
    for tensor in (0..network.tensors.len()).rev() {
        for (element, cell) in network.tensors[tensor].iter().enumerate() {
            work(1);
            if !needed[tensor][element] {
                continue;
            }
            match cell {
                Cell::Input => {}
                Cell::Sum { terms, .. } => {
                    work(terms.len());
                    terms.iter().filter(|(_, factor)| *factor != 0.0).for_each(|((t, e), _)| needed[*t][*e] = true);
                }
                Cell::Clamp((t, e), ..) | Cell::Leaky((t, e), _) | Cell::Copy((t, e)) => needed[*t][*e] = true,
                Cell::Max(places) => places.iter().for_each(|(t, e)| needed[*t][*e] = true),
            }
        }
    }
}

/// The assertions that define an element.
fn define(text: &mut String, index: usize, bound: &Bound<'_>, place: Place, cell: &Cell) {
    let own = constant(index, place);
    let name = |place: &Place| constant(index, *place);
    let range = |place: &Place| &bound.ranges[place.0][place.1];
    let at_least = |place: &Place, end: &Rational| range(place).lo.as_ref().is_some_and(|lo| lo >= end);
    let at_most = |place: &Place, end: &Rational| range(place).hi.as_ref().is_some_and(|hi| hi <= end);
    work(64);
    match cell {
        Cell::Input => {}
        Cell::Sum { terms, bias, divisor } => {
            work(32 * terms.len());
            let factor = |factor: &f32| exact(*factor) / exact(*divisor);
            let products = terms.iter().filter(|(_, f)| *f != 0.0).map(|(place, f)| (factor(f), name(place)));
            let sum = sum(products, &(exact(*bias) / exact(*divisor)));
            let _ = writeln!(text, "(assert (= {own} {sum}))");
        }
        Cell::Clamp(place, lo, hi) => {
            let (lo, hi) = (lo.map(exact), hi.map(exact));
            let source = name(place);
            let lo = lo.filter(|lo| !at_least(place, lo));
            let hi = hi.filter(|hi| !at_most(place, hi));
            if let Some(end) = lo.as_ref().filter(|lo| at_most(place, lo)) {
                let _ = writeln!(text, "(assert (= {own} {}))", number(end));
            } else if let Some(end) = hi.as_ref().filter(|hi| at_least(place, hi)) {
                let _ = writeln!(text, "(assert (= {own} {}))", number(end));
            } else {
                clamp(text, &own, &source, lo.as_ref(), hi.as_ref());
            }
        }
        Cell::Leaky(place, factor) => {
            let (source, zero) = (name(place), Rational::zero());
            let leaked = format!("(* {} {source})", number(&exact(*factor)));
            let _ = match (at_least(place, &zero), at_most(place, &zero)) {
                (true, _) => writeln!(text, "(assert (= {own} {source}))"),
                (_, true) => writeln!(text, "(assert (= {own} {leaked}))"),
                _ => writeln!(text, "(assert (= {own} (ite (>= {source} 0.0) {source} {leaked})))"),
            };
        }
        Cell::Max(places) => {
            for place in places {
                let _ = writeln!(text, "(assert (>= {own} {}))", name(place));
            }
            let one: Vec<String> = places.iter().map(|place| format!("(<= {own} {})", name(place))).collect();
            let _ = writeln!(text, "(assert (or {}))", one.join(" "));
        }
        Cell::Copy(place) => _ = writeln!(text, "(assert (= {own} {}))", name(place)),
    }
}

fn clamp(text: &mut String, own: &str, source: &str, lo: Option<&Rational>, hi: Option<&Rational>) {
    let _ = match (lo, hi) {
        (None, None) => writeln!(text, "(assert (= {own} {source}))"),
        (Some(lo), None) => {
            let lo = number(lo);
            writeln!(
                text,
                "(assert (>= {own} {lo}))\n(assert (>= {own} {source}))\n(assert (or (<= {own} {lo}) (<= {own} {source})))"
            )
        }
        (None, Some(hi)) => {
            let hi = number(hi);
            writeln!(
                text,
                "(assert (<= {own} {hi}))\n(assert (<= {own} {source}))\n(assert (or (>= {own} {hi}) (>= {own} {source})))"
            )
        }
        (Some(lo), Some(hi)) => {
            let (lo, hi) = (number(lo), number(hi));
            // The lower end goes first, as in `min(max(x, lo), hi)`.
            writeln!(
                text,
                "(assert (= {own} (ite (>= {hi} (ite (>= {source} {lo}) {source} {lo})) (ite (>= {source} {lo}) {source} {lo}) {hi})))"
            )
        }
    };
}

/// A number as SMT-LIB writes it.
fn number(value: &Rational) -> String {
    let magnitude = match value.is_integer() {
        true => format!("{}.0", value.numer().abs()),
        false => format!("(/ {}.0 {}.0)", value.numer().abs(), value.denom()),
    };
    if value.is_negative() { format!("(- {magnitude})") } else { magnitude }
}

fn sum(products: impl Iterator<Item = (Rational, String)>, constant: &Rational) -> String {
    let mut parts: Vec<String> = products.map(|(factor, name)| format!("(* {} {name})", number(&factor))).collect();
    if !constant.is_zero() || parts.is_empty() {
        parts.push(number(constant));
    }
    match parts.as_slice() {
        [only] => only.clone(),
        _ => format!("(+ {})", parts.join(" ")),
    }
}

fn formula(formula: &Formula, networks: &[Bound<'_>]) -> String {
    work(64);
    let all = |parts: &[Formula], word: &str, none: &str| match parts {
        [] => none.to_owned(),
        _ => {
            format!("({word} {})", parts.iter().map(|part| self::formula(part, networks)).collect::<Vec<_>>().join(" "))
        }
    };
    match formula {
        Formula::And(parts) => all(parts, "and", "true"),
        Formula::Or(parts) => all(parts, "or", "false"),
        Formula::Compare(relation, sum) => {
            let name = |element: &Element| {
                constant(element.network, (networks[element.network].tensors[element.tensor], element.index))
            };
            let products = sum.terms.iter().map(|(element, factor)| (factor.clone(), name(element)));
            let sum = self::sum(products, &sum.constant);
            match relation {
                Relation::AtLeast => format!("(>= {sum} 0.0)"),
                Relation::Above => format!("(> {sum} 0.0)"),
                Relation::Equal => format!("(= {sum} 0.0)"),
                Relation::Unequal => format!("(not (= {sum} 0.0))"),
            }
        }
    }
}
