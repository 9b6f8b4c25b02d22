//! What a comparison with an argmax says of the scores: the first maximum, or the only one.

use super::super::super::data::PerElement;
use super::super::value::{Elements, Tensor};
use qnn_ir::obligation::term::{Formula, Term};
use qnn_ir::rational::integer;
use qnn_syntax::ast::BinaryOp;

/// The first maximum is at `k`; for strict, the only one.
pub(super) fn argmax_is(of: &Tensor, k: usize, strict: bool) -> Formula {
    let rivals = (0..of.len()).filter(|j| *j != k);
    // Integers of one scale compare as their values do.
    let in_steps = matches!(of.lsb, Some(PerElement::All(_)));
    if let (true, Elements::Known(numbers)) = (in_steps, &of.elements) {
        let loses = |j: usize| numbers[j] < numbers[k] || numbers[j] == numbers[k] && !strict && j > k;
        return Formula::Bool(rivals.into_iter().all(loses));
    }
    let term = |i: usize| match &of.elements {
        Elements::Picks(picks) if in_steps => Term::element(picks[i].0, picks[i].1, integer(1)),
        _ => of.term(i),
    };
    let best = term(k);
    Formula::and(rivals.map(|j| Formula::at_least_zero(best.clone().minus(&term(j)), strict || j < k)).collect())
}

/// How many comparisons say how an argmax compares with a class.
pub(super) fn argmax_parts(of: &Tensor, op: BinaryOp) -> usize {
    match op {
        BinaryOp::Equal | BinaryOp::NotEqual => of.len(),
        _ => of.len().saturating_mul(of.len()),
    }
}

/// An argmax that is one of the classes for which `holds`.
pub(super) fn argmax_among(of: &Tensor, strict: bool, holds: impl Fn(usize) -> bool) -> Formula {
    let some = |wanted: &dyn Fn(usize) -> bool| {
        Formula::or((0..of.len()).filter(|i| wanted(*i)).map(|i| argmax_is(of, i, strict)).collect())
    };
    // One of the indices is the first maximum, but none need be the only one.
    if strict { some(&holds) } else { Formula::either(some(&holds), some(&|i| !holds(i))) }
}

/// An argmax compared with the class `c`: `holds` says for which index the comparison is true.
pub(super) fn argmax_compared(
    of: &Tensor,
    strict: bool,
    op: BinaryOp,
    holds: impl Fn(usize) -> bool,
    c: usize,
) -> Formula {
    match op {
        BinaryOp::Equal => argmax_is(of, c, strict),
        BinaryOp::NotEqual => argmax_is(of, c, strict).opposite(),
        _ => argmax_among(of, strict, holds),
    }
}
