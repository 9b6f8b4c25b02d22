//! Quantifiers: binders over constants are written out, those over formats become variables with boxes; balls.

use super::super::super::constant::{Constant, domain_of};
use super::super::super::data::{PerElement, zeros};
use super::super::super::network::Port;
use super::super::super::types::{Shape, Type, count, same_sizes, shape_text};
use super::super::super::{Checked, Reported, at};
use super::super::env::{Env, Polarity};
use super::super::lowering::Lowering;
use super::super::statement::VariableInfo;
use super::super::value::{Elements, Tensor, Value};
use crate::diagnostic::{Diagnostic, Place};
use crate::number_format::Format;
use num_traits::{Signed, ToPrimitive};
use qnn_ir::NodeId;
use qnn_ir::Rational;
use qnn_ir::interrupt::work;
use qnn_ir::obligation::Variable;
use qnn_ir::obligation::term::{Formula, Term};
use qnn_ir::rational::exact;
use qnn_syntax::ast::{Binder, BinderRange, Expr, ExprKind, Name, Quantifier, QuantifierKind};
use qnn_syntax::builtins::function;
use qnn_syntax::walk::{self, Visit};
use std::sync::Arc;

/// The most values of a quantified index.
pub(super) const MAX_FINITE: usize = 100_000;

/// What a binder binds.
#[expect(clippy::large_enum_variant, reason = "one at a time, and short-lived")]
pub(in crate::check::property) enum Binding {
    /// A variable over values, and a condition on it that its box does not say.
    Variable(Value, Formula),
    /// Known values, to be written out.
    Finite,
}

impl Lowering<'_> {
    pub(super) fn quantifier(
        &mut self,
        env: &Env,
        q: &Quantifier,
        polarity: Polarity,
        place: Place,
    ) -> Checked<Formula> {
        // Universal where it counts positively, existential where negatively: both become variables of the search.
        let universal = q.kind == QuantifierKind::Forall;
        let free = match polarity {
            Polarity::Positive => universal,
            Polarity::Negative => !universal,
            Polarity::Both => false,
        };
        self.bind_all(env, q, &q.binders, free, place)
    }

    pub(super) fn bind_all(
        &mut self,
        env: &Env,
        q: &Quantifier,
        binders: &[Binder],
        free: bool,
        place: Place,
    ) -> Checked<Formula> {
        let universal = q.kind == QuantifierKind::Forall;
        let polarity = if free == universal { Polarity::Positive } else { Polarity::Negative };
        let Some((binder, rest)) = binders.split_first() else {
            let Some(condition) = &q.condition else { return self.formula(env, &q.body, polarity) };
            // What is known decides whether the rest is looked at: `x[i - 1]` where `i >= 1`.
            let known = self.known_condition(env, condition)?;
            let premise = at(env.item, condition.span);
            if known == Some(false) {
                if universal {
                    self.suppose(premise, &Formula::Bool(false));
                }
                return Ok(Formula::Bool(universal));
            }
            let body = self.disjunct(|this| this.formula(env, &q.body, polarity))?;
            let holds = |this: &mut Self, polarity| match known {
                Some(known) => Ok(Formula::Bool(known)),
                None => this.formula(env, condition, polarity),
            };
            return Ok(if universal {
                let holds = holds(self, polarity.flipped())?;
                self.suppose(premise, &holds);
                Formula::or(vec![holds.opposite(), body])
            } else {
                let holds = holds(self, polarity)?;
                Formula::and(vec![holds, body])
            });
        };
        let values = self.binder_values(env, binder)?;
        if let Some(values) = values {
            if let BinderRange::Set(set) = &binder.range {
                self.range_over(at(env.item, set.span), values.len());
            }
            let parts = values
                .into_iter()
                .map(|value| {
                    let inner = env.with(&binder.name.text, Value::Constant(value));
                    match universal {
                        true => self.bind_all(&inner, q, rest, free, place),
                        false => self.disjunct(|this| this.bind_all(&inner, q, rest, free, place)),
                    }
                })
                .collect::<Checked<Vec<_>>>()?;
            return Ok(if universal { Formula::and(parts) } else { Formula::or(parts) });
        }
        if !free {
            let word = if universal { "forall" } else { "exists" };
            return Err(self.context.report(
                Diagnostic::error("E0602", "quantifiers over values alternate here", place, format!("this `{word}` can't be decided where it stands"))
                    .label(at(env.item, q.keyword), "quantifies over the values of a format")
                    .note("A property says that something holds for all inputs; `exists`, or `forall` under `not` or left of `=>`, would ask for a strategy instead of an input.")
                    .help("state it for all values at the front of the property; `find x: T such that …` searches for one value"),
            ));
        }
        let Binding::Variable(value, condition) = self.binder(env, binder)? else { return Err(Reported) };
        let inner = env.with(&binder.name.text, value);
        let body = self.bind_all(&inner, q, rest, free, place)?;
        Ok(if universal { Formula::or(vec![condition.opposite(), body]) } else { Formula::and(vec![condition, body]) })
    }

    /// Whether a condition holds that mentions nothing but what is known: constants, and indices that are written out.
    fn known_condition(&mut self, env: &Env, condition: &Expr) -> Checked<Option<bool>> {
        let mut known = true;
        walk::expr(condition, &mut |visit| {
            if let Visit::Expr(e) = visit {
                known &= match &e.kind {
                    ExprKind::Name(name) => matches!(env.get(&name.text), None | Some(Value::Constant(_))),
                    ExprKind::Call(call) => function(&call.callee.text).is_some(),
                    ExprKind::Quantifier(_) | ExprKind::Let(_) => false,
                    _ => true,
                };
            }
        });
        if !known {
            return Ok(None);
        }
        match self.formula(env, condition, Polarity::Both)? {
            Formula::Bool(holds) => Ok(Some(holds)),
            _ => Ok(None),
        }
    }

    /// The values of a binder over something finite; `None` if it ranges over values of a format.
    pub(super) fn binder_values(&mut self, env: &Env, binder: &Binder) -> Checked<Option<Vec<Constant>>> {
        let BinderRange::Set(set) = &binder.range else { return Ok(None) };
        match self.eval(env, set)? {
            Value::Constant(values) => domain_of(self.context, at(env.item, set.span), &values, MAX_FINITE).map(Some),
            Value::Ball { .. } => Ok(None),
            other => self.error(
                "E0302",
                at(env.item, set.span),
                format!("a variable ranges over a ball, a range, a list or an enum, not over {}", other.kind()),
                "no set of values",
            ),
        }
    }

    /// Which binders of a measure are over indices, as the first choice of these tells; the others are over values of formats.
    pub fn indices(mut self, env: &Env, over: &[Binder]) -> Checked<Vec<bool>> {
        let mut env = env.clone();
        let mut found = Vec::new();
        for binder in over {
            let values = self.binder_values(&env, binder)?;
            found.push(values.is_some());
            let value = match values {
                Some(values) => match values.into_iter().next() {
                    Some(first) => Value::Constant(first),
                    None => {
                        return self.error(
                            "E0609",
                            at(env.item, binder.name.span),
                            "this range is empty",
                            "nothing to choose from",
                        );
                    }
                },
                None => match self.binder(&env, binder)? {
                    Binding::Variable(value, _) => value,
                    Binding::Finite => return Err(Reported),
                },
            };
            env = env.with(&binder.name.text, value);
        }
        Ok(found)
    }

    /// What a binder binds: a new variable, or known values.
    pub(in crate::check::property) fn binder(&mut self, env: &Env, binder: &Binder) -> Checked<Binding> {
        match &binder.range {
            BinderRange::Type(ty) => match self.constants(env, |e| e.ty(ty))? {
                Type::Stored(format, shape) => {
                    self.constants(env, |e| e.check_channels(&format, &shape, ty))?;
                    let value = self.variable(&binder.name, format, shape, None);
                    Ok(Binding::Variable(Value::Tensor(value), Formula::Bool(true)))
                }
                other => Err(self.context.report(
                    Diagnostic::error(
                        "E0302",
                        format!("a variable can't range over `{}`", other.show(self.context.db)),
                        at(env.item, ty.span),
                        "not a format's values",
                    )
                    .help("quantify over the values of a format, such as `ufixed<8, 8>[28, 28]`"),
                )),
            },
            BinderRange::Set(set) => match self.eval(env, set)? {
                Value::Ball { center, radius } => {
                    let place = at(env.item, set.span);
                    let Some(format) = center.format.clone() else {
                        return self.error(
                            "E0302",
                            place,
                            "a ball's centre needs a format",
                            "an exact number has no neighbours",
                        );
                    };
                    let steps = self.radius(&center, &radius, place)?;
                    let shape = center.shape.clone();
                    if let Elements::Known(numbers) = &center.elements {
                        let value = self.variable(&binder.name, format, shape, Some((numbers.clone(), steps)));
                        return Ok(Binding::Variable(Value::Tensor(value), Formula::Bool(true)));
                    }
                    let value = self.variable(&binder.name, format, shape, None);
                    let condition = self.within(&value, &center, &radius, place)?;
                    Ok(Binding::Variable(Value::Tensor(value), condition))
                }
                Value::Constant(_) => Ok(Binding::Finite),
                other => self.error(
                    "E0302",
                    at(env.item, set.span),
                    format!("a variable ranges over a ball, a range, a list or an enum, not over {}", other.kind()),
                    "no set of values",
                ),
            },
        }
    }

    /// A new variable over its format's values, or those within so many steps of a centre.
    pub(super) fn variable(
        &mut self,
        name: &Name,
        format: Format,
        shape: Shape,
        ball: Option<(Arc<[i64]>, PerElement<i64>)>,
    ) -> Tensor {
        let len = count(&shape);
        let zeros = zeros(&format, &shape);
        let node = self.graph.push_input(name.text.clone(), len);
        let whole = |i: usize| {
            // Centred on the zero point; formats of 63 bits leave room for it.
            let zero = *zeros.get(i);
            (format.min_raw().saturating_sub(zero), format.max_raw().saturating_sub(zero))
        };
        let domain: Vec<(i64, i64)> = (0..len)
            .inspect(|_| work(8))
            .map(|i| {
                let (min, max) = whole(i);
                match &ball {
                    Some((center, steps)) => {
                        let steps = *steps.get(i);
                        (center[i].saturating_sub(steps).max(min), center[i].saturating_add(steps).min(max))
                    }
                    None => (min, max),
                }
            })
            .collect();
        let magnitude =
            domain.iter().inspect(|_| work(1)).map(|(lo, hi)| i128::from(*lo).abs().max(i128::from(*hi).abs())).max();
        self.magnitudes.resize(node.index(), None);
        self.magnitudes.push(magnitude.or(Some(0)));
        let port = Port {
            name: name.text.clone(),
            node,
            scale: crate::check::data::scales(&format, &shape),
            shape,
            format: Some(format),
        };
        let variable = Variable { name: name.text.clone(), node, domain };
        let picks: Vec<(NodeId, u32)> = (0..len as u32).inspect(|_| work(1)).map(|i| (node, i)).collect();
        let tensor = Tensor::stored(&port, Elements::Picks(picks.into()));
        self.variables.push((variable, VariableInfo { port, center: ball.map(|(center, _)| center) }));
        tensor
    }

    /// A ball's radius in steps of each element.
    pub(super) fn radius(&self, center: &Tensor, radius: &Constant, place: Place) -> Checked<PerElement<i64>> {
        let steps = |n: &Rational| n.floor().to_integer().to_i64().unwrap_or(i64::MAX);
        let (size, steps) = match (radius, &center.lsb) {
            (Constant::Lsb(n), _) => (n, PerElement::All(steps(n))),
            (Constant::Number(n), Some(lsb)) => (n, lsb.map(|lsb| steps(&(n / lsb)))),
            _ => {
                return self.error(
                    "E0302",
                    place,
                    "a ball's radius is a number, or a number of lsb",
                    "write `ball(x, 2 lsb)`",
                );
            }
        };
        if size.is_negative() {
            let message = format!("a ball's radius is not negative, but this is {}", exact(size));
            return self.error("E0611", place, message, "no ball");
        }
        Ok(steps)
    }

    /// Every element of x is within the radius of the centre's.
    pub(super) fn within(&self, x: &Tensor, center: &Tensor, radius: &Constant, place: Place) -> Checked<Formula> {
        if !same_sizes(&x.shape, &center.shape) {
            return self.error(
                "E0301",
                place,
                format!(
                    "a ball around {} holds nothing of the shape {}",
                    shape_text(self.context.db, &center.shape),
                    shape_text(self.context.db, &x.shape)
                ),
                "the shapes differ",
            );
        }
        self.parts(2 * x.len(), place)?;
        let mut parts = Vec::new();
        for i in 0..x.len() {
            let distance = match radius {
                Constant::Number(n) => n.clone(),
                Constant::Lsb(n) => match &center.lsb {
                    Some(lsb) => n * lsb.get(i),
                    None => return self.no_lsb(place),
                },
                _ => {
                    return self.error(
                        "E0302",
                        place,
                        "a ball's radius is a number, or a number of lsb",
                        "write `ball(x, 2 lsb)`",
                    );
                }
            };
            let difference = x.term(i).minus(&center.term(i));
            let upper = Term::constant(distance.clone()).minus(&difference);
            let lower = difference.plus(&Term::constant(distance));
            parts.push(Formula::at_least_zero(upper, false));
            parts.push(Formula::at_least_zero(lower, false));
        }
        Ok(Formula::and(parts))
    }

    pub(super) fn no_lsb<T>(&self, place: Place) -> Checked<T> {
        Err(self.context.report(
            Diagnostic::error(
                "E0407",
                "it is not clear which format's steps are meant by `lsb`",
                place,
                "the other side has no single format",
            )
            .note("`3 lsb` is three steps of the format that it is compared with.")
            .help("write the distance as a number"),
        ))
    }
}
