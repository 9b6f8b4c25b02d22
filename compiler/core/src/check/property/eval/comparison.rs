//! Comparisons: of numbers, tensors, classes and statements, and `in`.

use super::super::super::Checked;
use super::super::super::constant::Constant;
use super::super::super::data::PerElement;
use super::super::super::network::flatten_list;
use super::super::super::types::{same_sizes, shape_text, show_shape};
use super::super::cases::{MAX_CASES, MAX_CONDITIONS};
use super::super::lowering::Lowering;
use super::super::normal_form::Limit;
use super::super::value::{Elements, Tensor, Value};
use super::argmax::{argmax_among, argmax_compared, argmax_is, argmax_parts};
use crate::db::ItemId;
use crate::diagnostic::{Diagnostic, Place};
use num_traits::ToPrimitive;
use qnn_ir::Rational;
use qnn_ir::interrupt::work;
use qnn_ir::obligation::term::{Formula, Term};
use qnn_ir::rational::integer;
use qnn_syntax::ast::BinaryOp;
use std::cmp::Ordering;

impl Lowering<'_> {
    /// `a in b`: in a ball, in a range (from its start to its end), or one of a list.
    pub(super) fn is_in(&self, a: &Value, b: &Value, sides: (Place, Place), place: Place) -> Checked<Formula> {
        match (a, b) {
            (Value::Argmax { of, strict }, Value::Constant(Constant::Range(range))) => {
                self.parts(argmax_parts(of, BinaryOp::Less), place)?;
                let inside = |i| range.contains(&integer(i as i128));
                Ok(argmax_among(of, *strict, inside))
            }
            (Value::Class(_, index), Value::Constant(Constant::Range(range))) => {
                Ok(Formula::Bool(range.contains(&integer(*index as i128))))
            }
            (Value::Argmax { of, strict }, Value::Constant(Constant::List(items))) => {
                let classes = items.iter().map(|item| {
                    // A class that the network lacks is an error, as in a comparison.
                    let item = Value::Constant(item.clone());
                    self.class_of(&item, of, sides.1)?.map_or_else(|| self.no_member(a, b, place), Ok)
                });
                let classes = classes.collect::<Checked<Vec<usize>>>()?;
                self.parts(argmax_parts(of, BinaryOp::Less), place)?;
                Ok(argmax_among(of, *strict, |i| classes.contains(&i)))
            }
            (_, Value::Constant(Constant::List(items))) => {
                let elements = if let Value::Tensor(x) = a { x.len() } else { 1 };
                self.parts(items.len().saturating_mul(elements), place)?;
                let is =
                    |item: &Constant| self.compare(BinaryOp::Equal, a, &Value::Constant(item.clone()), sides, place);
                Ok(Formula::or(items.iter().map(is).collect::<Checked<_>>()?))
            }
            _ => match (listed(a), b) {
                (Value::Tensor(x), Value::Ball { center, radius }) => self.within(&x, center, radius, place),
                (Value::Tensor(x), Value::Constant(Constant::Range(range))) if x.len() == 1 => {
                    let x = x.term(0);
                    let low = x.clone().minus(&Term::constant(range.start.clone()));
                    let high = Term::constant(range.end.clone()).minus(&x);
                    Ok(Formula::and(vec![
                        Formula::at_least_zero(low, false),
                        Formula::at_least_zero(high, !range.inclusive),
                    ]))
                }
                (Value::Tensor(x), Value::Constant(Constant::Range(_))) => Err(self.context.report(
                    Diagnostic::error(
                        "E0302",
                        format!(
                            "a single number lies in a range, not a tensor {}",
                            show_shape(self.context.db, &x.shape)
                        ),
                        sides.0,
                        "has several elements",
                    )
                    .help("write `forall i in 0..len(x): x[i] in 0..=1` for all elements"),
                )),
                _ => self.no_member(a, b, place),
            },
        }
    }

    pub(super) fn no_member<T>(&self, a: &Value, b: &Value, place: Place) -> Checked<T> {
        self.error(
            "E0302",
            place,
            format!("`in` can't take {} and {}", a.kind(), b.kind()),
            "write `x in ball(c, r)`, `x in 0..=1` or `x in [1, 2]`",
        )
    }

    /// A value as one of the classes that a vector of scores distinguishes.
    pub(super) fn class_of(&self, v: &Value, scores: &Tensor, place: Place) -> Checked<Option<usize>> {
        self.class(v, scores.len(), scores.shape.first().and_then(|axis| axis.labels), place)
    }

    /// A value as one of so many classes; `None` if it is of another kind.
    pub(super) fn class(&self, v: &Value, of: usize, labels: Option<ItemId>, place: Place) -> Checked<Option<usize>> {
        let other = match v {
            Value::Constant(Constant::Variant(item, _)) => Some(*item),
            Value::Class(kind, _) => kind.labels,
            _ => None,
        };
        if let (Some(labels), Some(other)) = (labels, other)
            && labels != other
        {
            let db = self.context.db;
            let message = format!("these are classes of `{}`, not of `{}`", labels.name(db), other.name(db));
            return self.error("E0603", place, message, "a class of another enum");
        }
        match class_index(v) {
            Some(i) if i >= 0 && i < of as i128 => Ok(Some(i as usize)),
            Some(i) => Err(self.context.report(
                Diagnostic::error(
                    "E0603",
                    format!("there is no class {i}: the classes are 0 to {}", of.saturating_sub(1)),
                    place,
                    "a class out of range",
                )
                .help("compare with a class that the network has"),
            )),
            None => Ok(None),
        }
    }

    pub(super) fn compare(
        &self,
        op: BinaryOp,
        a: &Value,
        b: &Value,
        sides: (Place, Place),
        place: Place,
    ) -> Checked<Formula> {
        let holds = |ordering| holds(op, ordering);
        // Classes first.
        match (a, b) {
            (Value::Argmax { of: x, strict: sx }, Value::Argmax { of: y, strict: sy }) => {
                return self.compare_argmaxes(op, (x, *sx), (y, *sy), place);
            }
            (Value::Argmax { of, strict }, other) => {
                if let Some(c) = self.class_of(other, of, sides.1)? {
                    self.parts(argmax_parts(of, op), place)?;
                    return Ok(argmax_compared(of, *strict, op, |i| holds(i.cmp(&c)), c));
                }
            }
            (other, Value::Argmax { of, strict }) => {
                if let Some(c) = self.class_of(other, of, sides.0)? {
                    self.parts(argmax_parts(of, op), place)?;
                    return Ok(argmax_compared(of, *strict, op, |i| holds(c.cmp(&i)), c));
                }
            }
            (Value::Class(kind, i), other) => {
                if let Some(j) = self.class(other, kind.count, kind.labels, sides.1)? {
                    return Ok(Formula::Bool(holds(i.cmp(&j))));
                }
            }
            (other, Value::Class(kind, j)) => {
                if let Some(i) = self.class(other, kind.count, kind.labels, sides.0)? {
                    return Ok(Formula::Bool(holds(i.cmp(j))));
                }
            }
            (
                Value::Formula(_) | Value::Constant(Constant::Bool(_)),
                Value::Formula(_) | Value::Constant(Constant::Bool(_)),
            ) if matches!(op, BinaryOp::Equal | BinaryOp::NotEqual) => {
                return Ok(equivalence(op, a, b));
            }
            _ => {}
        }
        if let Some(formula) = self.compare_probabilities(op, a, b, place)? {
            return Ok(formula);
        }
        let (a, b) = (&listed(a), &listed(b));
        // Equal tensors: element by element.
        if let (BinaryOp::Equal | BinaryOp::NotEqual, Value::Tensor(x), Value::Tensor(y)) = (op, a, b)
            && (x.len() != 1 || y.len() != 1)
        {
            if !same_sizes(&x.shape, &y.shape) {
                return self.error(
                    "E0301",
                    place,
                    format!(
                        "{} and {} can't be compared",
                        shape_text(self.context.db, &x.shape),
                        shape_text(self.context.db, &y.shape)
                    ),
                    "the shapes differ",
                );
            }
            self.parts(2 * x.len(), place)?;
            let equal = Formula::and((0..x.len()).map(|i| Formula::zero(x.term(i).minus(&y.term(i)))).collect());
            return Ok(if op == BinaryOp::Equal { equal } else { equal.opposite() });
        }
        let lsb = |v: &Value| match v {
            Value::Tensor(t) => t.lsb.as_ref().map(|l| l.get(0).clone()),
            _ => None,
        };
        let (la, lb) = (lsb(a), lsb(b));
        let (x, y) = (self.number(a, lb.as_ref(), sides.0)?, self.number(b, la.as_ref(), sides.1)?);
        Ok(ordered(op, x, y))
    }

    /// Compares the indices of two greatest elements: pair by pair.
    fn compare_argmaxes(
        &self,
        op: BinaryOp,
        (x, sx): (&Tensor, bool),
        (y, sy): (&Tensor, bool),
        place: Place,
    ) -> Checked<Formula> {
        let holds = |ordering| holds(op, ordering);
        let pairs = x.len().saturating_mul(y.len());
        let conditions = pairs.saturating_mul(x.len().saturating_add(y.len()));
        if pairs > MAX_CASES || conditions > 2 * MAX_CONDITIONS {
            return Err(self.beyond(Limit::Parts, place));
        }
        // Each of them stands in many pairs, which share it.
        self.parts(x.len() * x.len() + y.len() * y.len(), place)?;
        let [xs, ys] =
            [(x, sx), (y, sy)].map(|(of, strict)| (0..of.len()).map(|i| argmax_is(of, i, strict)).collect::<Vec<_>>());
        let pairs = |wanted: &dyn Fn(Ordering) -> bool| {
            let all = (0..x.len()).flat_map(|i| (0..y.len()).map(move |j| (i, j)));
            let parts = all.filter(|(i, j)| wanted(i.cmp(j)));
            let both = |(i, j): (usize, usize)| Formula::and(vec![xs[i].clone(), ys[j].clone()]);
            Formula::or(parts.map(both).collect())
        };
        if sx || sy {
            // An argmax that is not unique equals nothing: the opposite has no short form.
            return Ok(match op {
                BinaryOp::NotEqual => pairs(&Ordering::is_eq).opposite(),
                _ => pairs(&holds),
            });
        }
        Ok(Formula::either(pairs(&holds), pairs(&|ordering| !holds(ordering))))
    }
}

/// A comparison of two numbers.
pub(super) fn ordered(op: BinaryOp, x: Term, y: Term) -> Formula {
    match op {
        BinaryOp::Equal => Formula::zero(x.minus(&y)),
        BinaryOp::NotEqual => Formula::zero(x.minus(&y)).opposite(),
        BinaryOp::Less => Formula::at_least_zero(y.minus(&x), true),
        BinaryOp::LessEqual => Formula::at_least_zero(y.minus(&x), false),
        BinaryOp::Greater => Formula::at_least_zero(x.minus(&y), true),
        _ => Formula::at_least_zero(x.minus(&y), false),
    }
}

/// Whether a comparison holds of two values in this order.
fn holds(op: BinaryOp, ordering: Ordering) -> bool {
    match op {
        BinaryOp::Equal => ordering.is_eq(),
        BinaryOp::NotEqual => ordering.is_ne(),
        BinaryOp::Less => ordering.is_lt(),
        BinaryOp::LessEqual => ordering.is_le(),
        BinaryOp::Greater => ordering.is_gt(),
        _ => ordering.is_ge(),
    }
}

/// Whether two statements are both true or both false, or not.
fn equivalence(op: BinaryOp, a: &Value, b: &Value) -> Formula {
    let formula = |v: &Value| match v {
        Value::Formula(f) => f.clone(),
        Value::Constant(Constant::Bool(b)) => Formula::Bool(*b),
        _ => Formula::Bool(false),
    };
    let (x, y) = (formula(a), formula(b));
    let both = |x: Formula, y: Formula| Formula::and(vec![x, y]);
    let equal = Formula::either(
        Formula::or(vec![both(x.clone(), y.clone()), both(x.clone().opposite(), y.clone().opposite())]),
        Formula::or(vec![both(x.clone(), y.clone().opposite()), both(x.opposite(), y)]),
    );
    if op == BinaryOp::Equal { equal } else { equal.opposite() }
}

/// A list of numbers as a tensor of exact numbers; anything else as it is.
pub(super) fn listed(value: &Value) -> Value {
    let Value::Constant(list @ Constant::List(_)) = value else { return value.clone() };
    let (mut shape, mut numbers) = (Vec::new(), Vec::new());
    match flatten_list(list, 0, &mut shape, &mut numbers) {
        Some(()) => Value::Tensor(Tensor {
            shape: crate::check::types::axes(&shape),
            elements: Elements::Terms(numbers.into_iter().map(Term::constant).collect()),
            lsb: None,
            format: None,
        }),
        None => value.clone(),
    }
}

/// The integers of constants at the input's scale; the value that is none, or `None` for what is no number.
pub(super) fn known_numbers(
    constant: &Constant,
    numbers: &mut Vec<i64>,
    scale: &PerElement<Rational>,
) -> Result<(), Option<Rational>> {
    match constant {
        Constant::List(list) => list.iter().inspect(|_| work(16)).try_for_each(|c| known_numbers(c, numbers, scale)),
        Constant::Number(n) => {
            let at = match scale {
                PerElement::All(_) => 0,
                PerElement::Each(each) => numbers.len().min(each.len().saturating_sub(1)),
            };
            let steps = n / scale.get(at);
            match steps.is_integer().then(|| steps.to_integer().to_i64()).flatten() {
                Some(steps) => {
                    numbers.push(steps);
                    Ok(())
                }
                None => Err(Some(n.clone())),
            }
        }
        _ => Err(None),
    }
}

/// What names a class: a label, a variant, an integer.
pub(super) fn class_index(value: &Value) -> Option<i128> {
    match value {
        Value::Class(_, index) | Value::Constant(Constant::Variant(_, index)) => Some(*index as i128),
        Value::Constant(Constant::Number(n)) if n.is_integer() => n.to_integer().to_i128(),
        _ => None,
    }
}
