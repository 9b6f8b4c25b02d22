//! Comparisons of a softmax's probabilities, as far as they are linear: eˣ grows with x, and the divisor is common to all elements of one softmax.

use super::super::super::Checked;
use super::super::super::constant::Constant;
use super::super::lowering::Lowering;
use super::super::value::{Elements, Tensor, Value};
use super::comparison::ordered;
use crate::diagnostic::{Diagnostic, Place};
use num_traits::{One, Signed, Zero};
use qnn_ir::Rational;
use qnn_ir::obligation::term::{Formula, Term};
use qnn_ir::rational::{exact, integer, to_f64};
use qnn_syntax::ast::BinaryOp;

impl Lowering<'_> {
    /// A comparison with a probability; `None` if there is none on either side.
    ///
    /// Two of one softmax compare as their scores do. A probability is above 0 and below 1. Of two classes, one is at least 1/2 exactly if its score is
    /// at least the other's. Errors: E0601 for all else.
    pub(super) fn compare_probabilities(
        &self,
        op: BinaryOp,
        a: &Value,
        b: &Value,
        place: Place,
    ) -> Checked<Option<Formula>> {
        Ok(Some(match (a, b) {
            (Value::Probability { of, at }, Value::Probability { of: other, at: j }) => {
                if !same(of, other) {
                    return self.not_linear(place);
                }
                ordered(op, of.term(*at), of.term(*j))
            }
            (Value::Probability { of, at }, Value::Constant(Constant::Number(n))) => {
                self.compare_with(op, of, *at, n, place)?
            }
            (Value::Constant(Constant::Number(n)), Value::Probability { of, at }) => {
                self.compare_with(mirrored(op), of, *at, n, place)?
            }
            (Value::Probability { .. } | Value::Softmax(_), _) | (_, Value::Probability { .. } | Value::Softmax(_)) => {
                return self.not_linear(place);
            }
            _ => return Ok(None),
        }))
    }

    fn compare_with(&self, op: BinaryOp, of: &Tensor, at: usize, number: &Rational, place: Place) -> Checked<Formula> {
        let number = number.clone();
        if !number.is_positive() || number >= Rational::one() {
            let above = Term::constant(if number.is_positive() { Rational::zero() } else { Rational::one() });
            return Ok(ordered(op, above, Term::constant(integer(1) / integer(2))));
        }
        if of.len() == 2 && number == integer(1) / integer(2) {
            return Ok(ordered(op, of.term(at), of.term(1 - at)));
        }
        if of.len() != 2 {
            return self.not_linear(place);
        }
        let difference = (to_f64(&number) / (1.0 - to_f64(&number))).ln();
        Err(self.context.report(
            Diagnostic::error("E0601", "a probability is not linear in the scores", place, "compares with a probability")
                .note(format!(
                    "Of two classes, one has the probability {} where its score is ln({} / {}) ≈ {difference:.6} above the other's.",
                    exact(&number),
                    exact(&number),
                    exact(&(integer(1) - number.clone())),
                ))
                .help("compare the difference of the scores with a number on the safe side of it"),
        ))
    }

    /// Says why a comparison or sum of probabilities can't be decided.
    pub(super) fn not_linear<T>(&self, place: Place) -> Checked<T> {
        Err(self.context.report(
            Diagnostic::error("E0601", "a softmax is not linear in the scores", place, "of probabilities")
                .note("Its `argmax` is that of the scores, and two of its elements compare as their scores do; anything else depends on sums of exponentials.")
                .help("compare scores: a class whose score is at least m above each of the n - 1 others has a probability of at least 1 / (1 + (n - 1) * exp(-m))"),
        ))
    }
}

/// Whether two vectors are the same outputs.
fn same(a: &Tensor, b: &Tensor) -> bool {
    let elements = match (&a.elements, &b.elements) {
        (Elements::Picks(a), Elements::Picks(b)) => a == b,
        (Elements::Known(a), Elements::Known(b)) => a == b,
        (Elements::Terms(a), Elements::Terms(b)) => a == b,
        _ => false,
    };
    elements && a.lsb == b.lsb
}

/// The comparison with its sides exchanged.
fn mirrored(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Less => BinaryOp::Greater,
        BinaryOp::LessEqual => BinaryOp::GreaterEqual,
        BinaryOp::Greater => BinaryOp::Less,
        BinaryOp::GreaterEqual => BinaryOp::LessEqual,
        other => other,
    }
}
