//! Expressions in properties: symbolic evaluation.

use super::super::constant::{
    Constant, Evaluator, Range, bounded, combine, domain_of, element, lookup, negated, size_of, variant,
};
use super::super::data::{PerElement, dataset, zeros};
use super::super::network::{Network, Port};
use super::super::network::{flatten_list, instantiate, instantiate_real, remap};
use super::super::scope::is_cyclic;
use super::super::types::{Shape, Type, count, interchangeable, plural, same_sizes, shape_text, show_shape};
use super::super::{Checked, Reported, at};
use super::{CallInfo, ClassClaim, Elements, Env, Lowering, Polarity, Tensor, Value, VariableInfo};
use crate::check::data::Samples;
use crate::check::network::pick_indices;
use crate::db::{ItemId, tree};
use crate::diagnostic::{Diagnostic, Place};
use crate::number_format::Format;
use num_traits::{Signed, ToPrimitive, Zero};
use qnn_ir::Rational;
use qnn_ir::interrupt::work;
use qnn_ir::obligation::Variable;
use qnn_ir::obligation::exact::RealCall;
use qnn_ir::obligation::term::{Formula, Term};
use qnn_ir::rational::{exact, integer};
use qnn_ir::{Interval, NodeId, Op, interpret};
use qnn_syntax::Span;
use qnn_syntax::ast::{
    BinaryOp, Binder, BinderRange, Call, Expr, ExprKind, ItemKind, Name, Quantifier, QuantifierKind, TypeExpr, UnaryOp,
};
use qnn_syntax::builtins::function;
use qnn_syntax::walk::Role;
use std::sync::Arc;

/// How deeply definitions may be nested.
const MAX_DEPTH: usize = 64;
/// The most values of a quantified index.
const MAX_FINITE: usize = 100_000;

/// What a binder binds.
#[expect(clippy::large_enum_variant, reason = "one at a time, and short-lived")]
pub(super) enum Bound {
    /// A variable over values, and a condition on it that its box does not say.
    Variable(Value, Formula),
    /// Known values, to be written out.
    Finite,
}

impl Lowering<'_> {
    fn constants<T>(&self, env: &Env, f: impl FnOnce(&Evaluator<'_>) -> T) -> T {
        let locals = |name: &str| env.local(name);
        f(&Evaluator { context: self.context, item: env.item, locals: &locals })
    }

    /// A statement whose outermost quantifiers' conditions are assumptions.
    pub(super) fn statement(&mut self, env: &Env, expr: &Expr) -> Checked<Formula> {
        match &expr.kind {
            ExprKind::Let(l) => {
                let value = self.eval(env, &l.value)?;
                self.statement(&env.with(&l.name.text, value), &l.body)
            }
            ExprKind::Quantifier(q) if q.kind == QuantifierKind::Forall => {
                let mut inner = env.clone();
                for binder in &q.binders {
                    match self.binder(&inner, binder)? {
                        Bound::Variable(value, condition) => {
                            inner = inner.with(&binder.name.text, value);
                            self.assumptions.push(condition);
                        }
                        // Conditions of a statement that is written out belong to its instances.
                        Bound::Finite => return self.formula(env, expr, Polarity::Positive),
                    }
                }
                if let Some(condition) = &q.condition {
                    let formula = self.formula(&inner, condition, Polarity::Negative)?;
                    self.assumptions.push(formula);
                }
                self.statement(&inner, &q.body)
            }
            ExprKind::Call(call) => match self.definition(env, call)? {
                Some((inner, body, result)) => {
                    self.expect_statement(&inner, result.as_ref(), at(env.item, expr.span))?;
                    self.nested(at(env.item, expr.span), |this| this.statement(&inner, &body))
                }
                None => self.formula(env, expr, Polarity::Positive),
            },
            _ => self.formula(env, expr, Polarity::Positive),
        }
    }

    /// A statement.
    pub(super) fn formula(&mut self, env: &Env, expr: &Expr, polarity: Polarity) -> Checked<Formula> {
        self.nested(at(env.item, expr.span), |this| this.formula_within(env, expr, polarity))
    }

    fn formula_within(&mut self, env: &Env, expr: &Expr, polarity: Polarity) -> Checked<Formula> {
        let place = at(env.item, expr.span);
        match &expr.kind {
            ExprKind::Unary(UnaryOp::Not, inner) => Ok(self.formula(env, inner, polarity.flipped())?.opposite()),
            ExprKind::Binary(BinaryOp::And, a, b) => {
                let a = self.formula(env, a, polarity)?;
                Ok(Formula::and(vec![a, self.formula(env, b, polarity)?]))
            }
            ExprKind::Binary(BinaryOp::Or, a, b) => self.disjunct(|this| {
                let a = this.formula(env, a, polarity)?;
                Ok(Formula::or(vec![a, this.formula(env, b, polarity)?]))
            }),
            ExprKind::Binary(BinaryOp::Implies, a, b) => {
                let premise = self.formula(env, a, polarity.flipped())?;
                self.suppose(at(env.item, a.span), &premise);
                let b = match premise {
                    Formula::Bool(false) => self.disjunct(|this| this.formula(env, b, polarity)),
                    _ => self.formula(env, b, polarity),
                };
                Ok(Formula::or(vec![premise.opposite(), b?]))
            }
            ExprKind::Quantifier(q) => self.quantifier(env, q, polarity, place),
            ExprKind::Let(l) => {
                let value = self.eval(env, &l.value)?;
                self.formula(&env.with(&l.name.text, value), &l.body, polarity)
            }
            ExprKind::Call(call) => {
                if let Some((inner, body, result)) = self.definition(env, call)? {
                    self.expect_statement(&inner, result.as_ref(), place)?;
                    return self.formula(&inner, &body, polarity);
                }
                let value = self.eval(env, expr)?;
                self.as_formula(value, place)
            }
            ExprKind::Binary(op @ (BinaryOp::Equal | BinaryOp::NotEqual), left, right)
                if polarity == Polarity::Positive && self.disjunctions == 0 =>
            {
                let (a, b) = (self.eval(env, left)?, self.eval(env, right)?);
                self.claim(*op, &a, &b);
                let value = self.combined(env, *op, (left, a), (right, b), place)?;
                self.as_formula(value, place)
            }
            _ => {
                let value = self.eval(env, expr)?;
                self.as_formula(value, place)
            }
        }
    }

    /// A statement of which another one may hold instead.
    fn disjunct<T>(&mut self, f: impl FnOnce(&mut Self) -> T) -> T {
        self.disjunctions += 1;
        let result = f(self);
        self.disjunctions -= 1;
        result
    }

    /// Remembers that the argmax of a network's output is claimed to be a class, or not to be it.
    fn claim(&mut self, op: BinaryOp, a: &Value, b: &Value) {
        let (of, strict, class) = match (a, b) {
            (Value::Argmax { of, strict }, other) | (other, Value::Argmax { of, strict }) => {
                (of, *strict, class_index(other).and_then(|index| usize::try_from(index).ok()))
            }
            _ => return,
        };
        let (Some(class), Some(call)) = (class, self.call_of(of)) else { return };
        let claim = ClassClaim { class, excluded: op == BinaryOp::NotEqual, strict };
        let claims = &mut self.calls[call].claims;
        if !claims.contains(&claim) {
            claims.push(claim);
        }
    }

    /// The call whose whole output a tensor is.
    pub(super) fn call_of(&self, tensor: &Tensor) -> Option<usize> {
        let node = tensor.term(0).linear.terms.first()?.0.0;
        self.calls.iter().position(|CallInfo { output, .. }| {
            let element = |i: usize| Term::element(node, i as u32, output.scale.get(i).clone());
            output.node == node
                && tensor.len() == count(&output.shape)
                && (0..tensor.len()).all(|i| tensor.term(i) == element(i))
        })
    }

    fn as_formula(&self, value: Value, place: Place) -> Checked<Formula> {
        match value {
            Value::Formula(formula) => Ok(formula),
            Value::Constant(Constant::Bool(b)) => Ok(Formula::Bool(b)),
            other => self.error(
                "E0302",
                place,
                format!("a statement is needed here, not {}", other.kind()),
                "neither true nor false",
            ),
        }
    }

    fn quantifier(&mut self, env: &Env, q: &Quantifier, polarity: Polarity, place: Place) -> Checked<Formula> {
        // Universal where it counts positively, existential where negatively: both become variables of the search.
        let universal = q.kind == QuantifierKind::Forall;
        let free = match polarity {
            Polarity::Positive => universal,
            Polarity::Negative => !universal,
            Polarity::Both => false,
        };
        self.bind_all(env, q, &q.binders, free, place)
    }

    fn bind_all(
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
            let body = self.disjunct(|this| this.formula(env, &q.body, polarity))?;
            return Ok(if universal {
                let premise = self.formula(env, condition, polarity.flipped())?;
                self.suppose(at(env.item, condition.span), &premise);
                Formula::or(vec![premise.opposite(), body])
            } else {
                let condition = self.formula(env, condition, polarity)?;
                Formula::and(vec![condition, body])
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
                    .help("state it for all values at the front of the property; use a `measure` to search for one value"),
            ));
        }
        let Bound::Variable(value, condition) = self.binder(env, binder)? else { return Err(Reported) };
        let inner = env.with(&binder.name.text, value);
        let body = self.bind_all(&inner, q, rest, free, place)?;
        Ok(if universal { Formula::or(vec![condition.opposite(), body]) } else { Formula::and(vec![condition, body]) })
    }

    /// The values of a binder over something finite; `None` if it ranges over values of a format.
    fn binder_values(&mut self, env: &Env, binder: &Binder) -> Checked<Option<Vec<Constant>>> {
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

    /// What a binder binds: a new variable, or known values.
    pub(super) fn binder(&mut self, env: &Env, binder: &Binder) -> Checked<Bound> {
        match &binder.range {
            BinderRange::Type(ty) => match self.constants(env, |e| e.ty(ty))? {
                Type::Stored(format, shape) => {
                    self.constants(env, |e| e.check_channels(&format, &shape, ty))?;
                    let value = self.variable(&binder.name, format, shape, None);
                    Ok(Bound::Variable(Value::Tensor(value), Formula::Bool(true)))
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
                        return Ok(Bound::Variable(Value::Tensor(value), Formula::Bool(true)));
                    }
                    let value = self.variable(&binder.name, format, shape, None);
                    let condition = self.within(&value, &center, &radius, place)?;
                    Ok(Bound::Variable(Value::Tensor(value), condition))
                }
                Value::Constant(_) => Ok(Bound::Finite),
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
    fn variable(
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
            scale: super::super::data::scales(&format, &shape),
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
    fn radius(&self, center: &Tensor, radius: &Constant, place: Place) -> Checked<PerElement<i64>> {
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

    fn no_lsb<T>(&self, place: Place) -> Checked<T> {
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

    /// A definition that is used as a statement must have declared that it is one.
    fn expect_statement(&self, inner: &Env, result: Option<&TypeExpr>, place: Place) -> Checked<()> {
        let Some(result) = result else { return Ok(()) };
        match self.constants(inner, |e| e.ty(result))? {
            Type::Bool => Ok(()),
            other => Err(self.context.report(
                Diagnostic::error(
                    "E0302",
                    format!("a statement is needed here, not `{}`", other.show(self.context.db)),
                    place,
                    "neither true nor false",
                )
                .label(at(inner.item, result.span), "the result's type is declared here"),
            )),
        }
    }

    /// The body of a `def` or `property` with its parameters bound, if that is what is called; a `def`'s result type.
    fn definition(&mut self, env: &Env, call: &Call) -> Checked<Option<(Env, Expr, Option<TypeExpr>)>> {
        if function(&call.callee.text).is_some() {
            return Ok(None);
        }
        let db = self.context.db;
        let item = lookup(self.context, env.item, &call.callee, Role::Function)?;
        let found = tree(db, item);
        let place = at(env.item, call.callee.span);
        let (generics, names, types, body, result) = match found.as_deref().map(|t| &t.kind) {
            Some(ItemKind::Def(_) | ItemKind::Property(_)) if call.real.is_some() => {
                return self.no_reading(env, call);
            }
            Some(ItemKind::Def(def)) => (
                def.generics.clone(),
                def.params.iter().map(|p| p.name.clone()).collect::<Vec<_>>(),
                Some(def.params.iter().map(|p| p.ty.clone()).collect::<Vec<_>>()),
                def.body.clone(),
                Some(def.result.clone()),
            ),
            Some(ItemKind::Property(p)) => {
                (Vec::new(), p.params.iter().map(|p| p.name.clone()).collect(), None, p.body.clone(), None)
            }
            _ => return Ok(None),
        };
        if *is_cyclic(db, item) || env.depth >= MAX_DEPTH {
            return self.error(
                "E0205",
                place,
                "definitions are nested too deeply here",
                "leads back to itself, or nearly",
            );
        }
        if call.arguments.len() != names.len() || call.generics.len() != generics.len() {
            return Err(self.context.report(
                Diagnostic::error(
                    "E0303",
                    format!(
                        "`{}` takes {}, not {}",
                        call.callee.text,
                        plural(names.len(), "argument"),
                        call.arguments.len()
                    ),
                    place,
                    "wrong number of arguments",
                )
                .label(super::super::scope::name_place(db, item), "defined here"),
            ));
        }
        let mut inner = Env { item, locals: Vec::new(), depth: env.depth + 1 };
        for (name, generic) in generics.iter().zip(&call.generics) {
            let value = self.constants(env, |e| e.integer(generic))?;
            inner = inner.with(&name.text, Value::Constant(Constant::int(value)));
        }
        for (index, (name, argument)) in names.iter().zip(&call.arguments).enumerate() {
            if let Some(name) = &argument.name {
                return self.error(
                    "E0303",
                    at(env.item, name.span),
                    "arguments here have no names",
                    "write the value alone",
                );
            }
            let mut value = self.eval(env, &argument.value)?;
            if let Some(ty) = types.as_ref().and_then(|types| types.get(index)) {
                let ty = self.constants(&inner, |e| e.ty(ty))?;
                let declared = (super::super::scope::name_place(db, item), "the parameter's type is declared here");
                value = self.expect_type(value, &ty, at(env.item, argument.value.span), declared)?;
            } else if !matches!(value, Value::Constant(_)) {
                return self.error(
                    "E0310",
                    at(env.item, argument.value.span),
                    "a property's parameters are constants",
                    format!("this is {}", value.kind()),
                );
            }
            inner = inner.with(&name.text, value);
        }
        Ok(Some((inner, body, result)))
    }

    /// Checks an argument or a result against the declared type.
    fn expect_type(&self, value: Value, ty: &Type, place: Place, declared: (Place, &str)) -> Checked<Value> {
        let fits = match (ty, &value) {
            (Type::Stored(format, shape), Value::Tensor(t)) => {
                t.format.as_ref() == Some(format) && interchangeable(shape, &t.shape)
            }
            (Type::Real(shape), Value::Tensor(t)) => interchangeable(shape, &t.shape),
            (Type::Real(shape), Value::Constant(Constant::Number(_) | Constant::Lsb(_))) => shape.is_empty(),
            (Type::Bool, Value::Formula(_) | Value::Constant(Constant::Bool(_))) => true,
            (Type::Class(classes), Value::Class(found, _)) => classes.count == found.count,
            (Type::Class(classes), Value::Constant(Constant::Number(n))) => {
                n.is_integer() && !n.is_negative() && *n < integer(classes.count as i128)
            }
            (Type::Class(classes), Value::Constant(Constant::Variant(item, _))) => {
                classes.labels.is_none_or(|labels| labels == *item)
            }
            (Type::Class(classes), Value::Argmax { of, .. }) => of.len() == classes.count,
            _ => false,
        };
        if fits {
            // The declared axes carry the names that the argument's may lack.
            return Ok(match (ty, value) {
                (Type::Stored(_, shape), Value::Tensor(t)) => Value::Tensor(Tensor { shape: shape.clone(), ..t }),
                (_, value) => value,
            });
        }
        let found = match &value {
            Value::Tensor(Tensor { format: Some(format), shape, .. }) => {
                format!("`{format}{}`", show_shape(self.context.db, shape))
            }
            other => other.kind(),
        };
        let difference = match (&value, ty) {
            (Value::Tensor(Tensor { format: Some(found), .. }), Type::Stored(format, _)) => found.difference(format),
            _ => None,
        };
        Err(self.context.report(
            Diagnostic::error(
                "E0306",
                format!("`{}` is needed here, not {found}", ty.show(self.context.db)),
                place,
                format!("this is {found}"),
            )
            .label(declared.0, declared.1)
            .notes(difference),
        ))
    }

    /// The value of an expression.
    pub(super) fn eval(&mut self, env: &Env, expr: &Expr) -> Checked<Value> {
        self.nested(at(env.item, expr.span), |this| this.eval_within(env, expr))
    }

    /// An expression that must be known.
    pub(crate) fn known(&mut self, env: &Env, expr: &Expr) -> Checked<Constant> {
        let value = self.eval(env, expr)?;
        let term = match &value {
            Value::Constant(constant) => return Ok(constant.clone()),
            Value::Tensor(t) if t.len() == 1 => t.term(0).as_constant().cloned(),
            _ => None,
        };
        match term {
            Some(number) => Ok(Constant::Number(number)),
            None => self.error(
                "E0310",
                at(env.item, expr.span),
                format!("a constant is needed here, but this is {}", value.kind()),
                "not known while the spec is checked",
            ),
        }
    }

    fn eval_within(&mut self, env: &Env, expr: &Expr) -> Checked<Value> {
        let place = at(env.item, expr.span);
        match &expr.kind {
            ExprKind::Number { value, .. } => Ok(Value::Constant(Constant::Number(value.clone()))),
            ExprKind::Bool(b) => Ok(Value::Constant(Constant::Bool(*b))),
            ExprKind::Lsb(inner) => match self.known(env, inner)? {
                Constant::Number(n) => Ok(Value::Constant(Constant::Lsb(n))),
                other => self.error(
                    "E0302",
                    at(env.item, inner.span),
                    format!("expected a number of lsb, found {}", other.kind()),
                    format!("this is {}", other.kind()),
                ),
            },
            ExprKind::Range { start: Some(start), end: Some(end), inclusive } => {
                let mut bound = |e: &Expr| match self.known(env, e)? {
                    Constant::Number(n) => Ok(n),
                    other => self.error(
                        "E0302",
                        at(env.item, e.span),
                        format!("a range's ends are numbers, not {}", other.kind()),
                        format!("this is {}", other.kind()),
                    ),
                };
                let (start, end) = (bound(start)?, bound(end)?);
                Ok(Value::Constant(Constant::Range(Range { start, end, inclusive: *inclusive })))
            }
            ExprKind::Range { .. } => self.error(
                "E0310",
                place,
                "this range has an open end",
                "only an index may leave an end of its range open",
            ),
            ExprKind::List(elements) => {
                let values: Vec<Value> = elements.iter().map(|e| self.eval(env, e)).collect::<Checked<_>>()?;
                let constants: Option<Vec<Constant>> = values
                    .iter()
                    .map(|v| match v {
                        Value::Constant(c) => Some(c.clone()),
                        _ => None,
                    })
                    .collect();
                match constants {
                    Some(constants) => {
                        bounded(self.context, place, Constant::List(constants.into())).map(Value::Constant)
                    }
                    None => self.error("E0310", place, "a list holds constants", "not all of these are known"),
                }
            }
            ExprKind::Name(name) => {
                if let Some(value) = env.get(&name.text) {
                    return Ok(value.clone());
                }
                let item = lookup(self.context, env.item, name, Role::Value)?;
                match tree(self.context.db, item).as_deref().map(|t| &t.kind) {
                    Some(ItemKind::Dataset(_)) => Ok(Value::Dataset(item)),
                    Some(ItemKind::Const(_) | ItemKind::Enum(_)) => {
                        self.constants(env, |e| e.eval(expr)).map(Value::Constant)
                    }
                    _ => Err(self.context.report(
                        Diagnostic::error(
                            "E0204",
                            format!("`{}` is no value", name.text),
                            at(env.item, name.span),
                            "can't stand here",
                        )
                        .label(super::super::scope::name_place(self.context.db, item), "defined here"),
                    )),
                }
            }
            ExprKind::Field(inner, field) => self.field(env, inner, field),
            ExprKind::Index(inner, indices) => self.index(env, inner, indices, place),
            ExprKind::Unary(UnaryOp::Negate, inner) => match self.eval(env, inner)? {
                Value::Tensor(t) => self.mapped(&t, Term::negated, place).map(Value::Tensor),
                value => match &value {
                    Value::Constant(constant) => negated(constant).map(Value::Constant),
                    _ => None,
                }
                .ok_or(())
                .or_else(|()| self.error("E0302", place, format!("`-` can't take {}", value.kind()), "not a number")),
            },
            ExprKind::Binary(op, left, right) => match op {
                BinaryOp::And | BinaryOp::Or | BinaryOp::Implies => {
                    self.formula(env, expr, Polarity::Both).map(Value::Formula)
                }
                _ => self.binary(env, *op, left, right, place),
            },
            ExprKind::Unary(UnaryOp::Not, _) | ExprKind::Quantifier(_) => {
                self.formula(env, expr, Polarity::Both).map(Value::Formula)
            }
            ExprKind::Let(l) => {
                let value = self.eval(env, &l.value)?;
                self.eval(&env.with(&l.name.text, value), &l.body)
            }
            ExprKind::Call(call) => self.call(env, call, expr.span),
            ExprKind::Cast(..) => Err(self.context.report(
                Diagnostic::error(
                    "E0612",
                    "a property computes exactly; `as` belongs in networks",
                    place,
                    "casts lose bits",
                )
                .help("compare the exact values; or compute this in a `network`"),
            )),
        }
    }

    fn field(&mut self, env: &Env, inner: &Expr, field: &Name) -> Checked<Value> {
        let place = at(env.item, field.span);
        match self.eval(env, inner)? {
            Value::Constant(Constant::Enum(item)) => {
                variant(self.context, item, field, env.item).map(|i| Value::Constant(Constant::Variant(item, i)))
            }
            Value::Sample(item, index) => {
                let data = dataset(self.context.db, item);
                let data = data.value.as_ref().ok_or(Reported)?;
                let Some(found) = data.fields.iter().find(|f| f.name == field.text) else {
                    let names: Vec<&str> = data.fields.iter().map(|f| &*f.name).collect();
                    return Err(self.context.report(
                        Diagnostic::error(
                            "E0305",
                            format!("`{}` has no field `{}`", item.name(self.context.db), field.text),
                            place,
                            "unknown field",
                        )
                        .note(format!("It has {}.", super::super::data::list_names(&names))),
                    ));
                };
                match (&found.data, &found.ty) {
                    (Samples::Numbers { numbers, each }, Type::Stored(format, shape)) => {
                        let numbers = numbers.part(index * each, *each).ok_or(Reported)?;
                        let lsb = super::super::data::scales(format, shape);
                        Ok(Value::Tensor(Tensor {
                            shape: shape.clone(),
                            elements: Elements::Known(numbers),
                            lsb: Some(lsb),
                            format: Some(format.clone()),
                        }))
                    }
                    (Samples::Classes(classes), Type::Class(kind)) => {
                        let class = *classes.get(index).ok_or(Reported)?;
                        Ok(Value::Class(kind.clone(), class as usize))
                    }
                    _ => Err(Reported),
                }
            }
            Value::Tensor(t) => {
                let Some(labels) = t.shape.first().and_then(|axis| axis.labels) else {
                    return self.error(
                        "E0305",
                        place,
                        format!("this tensor has no field `{}`", field.text),
                        "its first axis has no names",
                    );
                };
                let index = variant(self.context, labels, field, env.item)?;
                Ok(Value::Tensor(self.selected(&t, &[(index, index + 1, true)])))
            }
            Value::Dataset(item) => Err(self.context.report(
                Diagnostic::error(
                    "E0305",
                    format!("`{}` holds many samples", item.name(self.context.db)),
                    place,
                    "which one?",
                )
                .help(format!("write `{}[i].{}`", item.name(self.context.db), field.text))
                .fix(
                    format!("write `{}[0].{}`", item.name(self.context.db), field.text),
                    // Before the dot.
                    at(env.item, Span::new(field.span.start.saturating_sub(1), field.span.start.saturating_sub(1))),
                    "[0]",
                ),
            )),
            other => {
                self.error("E0305", place, format!("{} has no field `{}`", other.kind(), field.text), "unknown field")
            }
        }
    }

    fn index(&mut self, env: &Env, inner: &Expr, indices: &[Expr], place: Place) -> Checked<Value> {
        match self.eval(env, inner)? {
            Value::Dataset(item) => {
                let [index] = indices else {
                    return self.error("E0304", place, "a dataset is indexed by one number", "write `test[i]`");
                };
                let i = size_of(self.context, at(env.item, index.span), &self.known(env, index)?)?;
                let data = dataset(self.context.db, item);
                for diagnostic in data.diagnostics.iter() {
                    self.context.report(diagnostic.clone());
                }
                let data = data.value.as_ref().ok_or(Reported)?;
                if i >= data.len {
                    return Err(self.context.report(
                        Diagnostic::error(
                            "E0304",
                            format!("there is no sample {i}: `{}` has {}", item.name(self.context.db), data.len),
                            at(env.item, index.span),
                            format!("the samples are 0 to {}", data.len.saturating_sub(1)),
                        )
                        .label(super::super::scope::name_place(self.context.db, item), "the dataset is declared here"),
                    ));
                }
                Ok(Value::Sample(item, i))
            }
            Value::Tensor(t) => {
                if indices.len() > t.shape.len() {
                    return self.error(
                        "E0304",
                        at(env.item, indices[t.shape.len()].span),
                        format!(
                            "{} for {}",
                            plural(indices.len(), "index").replace("indexs", "indices"),
                            plural(t.shape.len(), "axis").replace("axiss", "axes")
                        ),
                        "one index too many",
                    );
                }
                let ranges = indices
                    .iter()
                    .zip(&t.shape)
                    .map(|(index, axis)| {
                        let context = self.context;
                        super::index_range(context, env.item, index, axis, &mut |e| self.known(env, e))
                    })
                    .collect::<Checked<Vec<_>>>()?;
                Ok(Value::Tensor(self.selected(&t, &ranges)))
            }
            Value::Constant(mut value @ Constant::List(_)) => {
                for index in indices {
                    let at = at(env.item, index.span);
                    let Constant::List(list) = &value else {
                        return self.error(
                            "E0304",
                            at,
                            format!("{} has no elements", value.kind()),
                            "one index too many",
                        );
                    };
                    value = element(self.context, at, list, &self.known(env, index)?)?;
                }
                Ok(Value::Constant(value))
            }
            other => self.error(
                "E0302",
                at(env.item, inner.span),
                format!("{} can't be indexed", other.kind()),
                "not indexable",
            ),
        }
    }

    /// Some of a tensor's elements.
    fn selected(&self, t: &Tensor, ranges: &[(usize, usize, bool)]) -> Tensor {
        let (indices, shape) = pick_indices(&t.shape, ranges);
        let each = || indices.iter().inspect(|_| work(1));
        let elements = match &t.elements {
            Elements::Picks(picks) => Elements::Picks(each().map(|i| picks[*i]).collect()),
            Elements::Known(numbers) => Elements::Known(each().map(|i| numbers[*i]).collect()),
            Elements::Terms(terms) => Elements::Terms(each().map(|i| terms[*i].clone()).collect()),
        };
        let lsb = t.lsb.as_ref().map(|lsb| lsb.pick(indices.into_iter()));
        Tensor { shape, elements, lsb, format: t.format.clone().filter(|f| f.channels() == 1) }
    }

    /// Each element mapped; steps stay what they were.
    pub(super) fn mapped(&self, t: &Tensor, f: impl Fn(Term) -> Term, place: Place) -> Checked<Tensor> {
        self.parts(t.len(), place)?;
        Ok(Tensor {
            shape: t.shape.clone(),
            elements: Elements::Terms(t.terms().into_iter().map(f).collect()),
            lsb: t.lsb.clone(),
            format: None,
        })
    }

    /// A number, be it a constant or a tensor of one element; `lsb` is what one step would be.
    fn number(&self, value: &Value, lsb: Option<&Rational>, place: Place) -> Checked<Term> {
        match value {
            Value::Constant(Constant::Number(n)) => Ok(Term::constant(n.clone())),
            Value::Constant(Constant::Lsb(n)) => match lsb {
                Some(lsb) => Ok(Term::constant(n * lsb)),
                None => self.no_lsb(place),
            },
            Value::Tensor(t) if t.len() == 1 => Ok(t.term(0)),
            Value::Constant(Constant::List(list)) if list.len() == 1 => {
                self.number(&Value::Constant(list[0].clone()), lsb, place)
            }
            Value::Tensor(t) => Err(self.context.report(
                Diagnostic::error(
                    "E0302",
                    format!("a single number is needed here, not a tensor {}", show_shape(self.context.db, &t.shape)),
                    place,
                    "has several elements",
                )
                .help("take one element, or their `maximum`, `minimum` or `sum`"),
            )),
            other => {
                self.error("E0302", place, format!("a number is needed here, not {}", other.kind()), "not a number")
            }
        }
    }

    /// An expression that is a single number.
    pub(super) fn scalar(&mut self, env: &Env, expr: &Expr) -> Checked<Term> {
        let value = self.eval(env, expr)?;
        self.number(&value, None, at(env.item, expr.span))
    }

    fn binary(&mut self, env: &Env, op: BinaryOp, left: &Expr, right: &Expr, place: Place) -> Checked<Value> {
        let (a, b) = (self.eval(env, left)?, self.eval(env, right)?);
        self.combined(env, op, (left, a), (right, b), place)
    }

    /// Two operands, each with its value, under an operator.
    fn combined(
        &mut self,
        env: &Env,
        op: BinaryOp,
        (left, a): (&Expr, Value),
        (right, b): (&Expr, Value),
        place: Place,
    ) -> Checked<Value> {
        if let (Value::Constant(x), Value::Constant(y)) = (&a, &b) {
            if let Some(value) = combine(op, x, y) {
                return bounded(self.context, place, value).map(Value::Constant);
            }
            if matches!(op, BinaryOp::Divide) && matches!(y, Constant::Number(n) if n.is_zero()) {
                return self.error("E0311", at(env.item, right.span), "division by zero", "this is 0");
            }
        }
        match op {
            BinaryOp::Equal
            | BinaryOp::NotEqual
            | BinaryOp::Less
            | BinaryOp::LessEqual
            | BinaryOp::Greater
            | BinaryOp::GreaterEqual => {
                self.compare(op, &a, &b, (at(env.item, left.span), at(env.item, right.span)), place).map(Value::Formula)
            }
            BinaryOp::In => {
                self.is_in(&a, &b, (at(env.item, left.span), at(env.item, right.span)), place).map(Value::Formula)
            }
            _ => self
                .arithmetic(op, &a, &b, (at(env.item, left.span), at(env.item, right.span)), place)
                .map(Value::Tensor),
        }
    }

    /// `a in b`: in a ball, in a range (from its start to its end), or one of a list.
    fn is_in(&self, a: &Value, b: &Value, sides: (Place, Place), place: Place) -> Checked<Formula> {
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

    fn no_member<T>(&self, a: &Value, b: &Value, place: Place) -> Checked<T> {
        self.error(
            "E0302",
            place,
            format!("`in` can't take {} and {}", a.kind(), b.kind()),
            "write `x in ball(c, r)`, `x in 0..=1` or `x in [1, 2]`",
        )
    }

    /// `+ - * /` where at least one side is a tensor.
    fn arithmetic(&self, op: BinaryOp, a: &Value, b: &Value, sides: (Place, Place), place: Place) -> Checked<Tensor> {
        let (a, b) = (&listed(a), &listed(b));
        let shape_of = |v: &Value| match v {
            Value::Tensor(t) => Some(t.shape.clone()),
            _ => None,
        };
        let (sa, sb) = (shape_of(a), shape_of(b));
        let shape = match (&sa, &sb) {
            (Some(x), Some(y)) if same_sizes(x, y) => x.clone(),
            (Some(x), Some(y)) if count(y) == 1 => x.clone(),
            (Some(x), Some(y)) if count(x) == 1 => y.clone(),
            (Some(x), Some(y)) => {
                return self.error(
                    "E0301",
                    place,
                    format!(
                        "{} and {} don't go together",
                        shape_text(self.context.db, x),
                        shape_text(self.context.db, y)
                    ),
                    "the shapes differ",
                );
            }
            (Some(x), None) | (None, Some(x)) => x.clone(),
            (None, None) => {
                return self.error(
                    "E0302",
                    place,
                    format!("`{}` can't take {} and {}", op.symbol(), a.kind(), b.kind()),
                    "not numbers",
                );
            }
        };
        let lsb_of = |v: &Value| match v {
            Value::Tensor(t) => t.lsb.clone(),
            _ => None,
        };
        let (la, lb) = (lsb_of(a), lsb_of(b));
        let element = |v: &Value, i: usize, other: &Option<PerElement<Rational>>, place: Place| -> Checked<Term> {
            match v {
                Value::Tensor(t) if t.len() == 1 => Ok(t.term(0)),
                Value::Tensor(t) => Ok(t.term(i)),
                _ => self.number(
                    v,
                    other.as_ref().map(|l| l.get(if matches!(l, PerElement::All(_)) { 0 } else { i })),
                    place,
                ),
            }
        };
        self.parts(count(&shape), place)?;
        let mut terms = Vec::with_capacity(count(&shape));
        for i in 0..count(&shape) {
            let x = element(a, i, &lb, sides.0)?;
            let y = element(b, i, &la, sides.1)?;
            terms.push(match op {
                BinaryOp::Add => x.plus(&y),
                BinaryOp::Subtract => x.minus(&y),
                BinaryOp::Multiply => match (x.as_constant(), y.as_constant()) {
                    (_, Some(factor)) => x.times(&factor.clone()),
                    (Some(factor), _) => y.times(&factor.clone()),
                    _ => {
                        return Err(self.context.report(
                            Diagnostic::error("E0601", "a product of two variables is not linear", place, "both factors vary")
                                .note("No engine decides products of variables; sums and multiples are exact and decidable."),
                        ));
                    }
                },
                _ => match y.as_constant() {
                    Some(divisor) if divisor.is_zero() => return self.error("E0311", sides.1, "division by zero", "this is 0"),
                    Some(divisor) => x.times(&(integer(1) / divisor)),
                    None => return self.error("E0601", place, "division by a variable is not linear", "the divisor varies"),
                },
            });
        }
        // A sum of values of one format still has that format's steps.
        let lsb = match (op, la, lb) {
            (BinaryOp::Add | BinaryOp::Subtract, Some(x), Some(y)) => (x == y).then_some(x),
            (BinaryOp::Add | BinaryOp::Subtract, Some(x), None)
            | (BinaryOp::Add | BinaryOp::Subtract, None, Some(x)) => {
                (!matches!(a, Value::Tensor(_)) || !matches!(b, Value::Tensor(_))).then_some(x)
            }
            _ => None,
        };
        Ok(Tensor { shape, elements: Elements::Terms(terms.into()), lsb, format: None })
    }

    /// A value as one of the classes that a vector of scores distinguishes.
    fn class_of(&self, v: &Value, scores: &Tensor, place: Place) -> Checked<Option<usize>> {
        self.class(v, scores.len(), scores.shape.first().and_then(|axis| axis.labels), place)
    }

    /// A value as one of so many classes; `None` if it is of another kind.
    fn class(&self, v: &Value, of: usize, labels: Option<ItemId>, place: Place) -> Checked<Option<usize>> {
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

    fn compare(&self, op: BinaryOp, a: &Value, b: &Value, sides: (Place, Place), place: Place) -> Checked<Formula> {
        let holds = |ordering: std::cmp::Ordering| match op {
            BinaryOp::Equal => ordering.is_eq(),
            BinaryOp::NotEqual => ordering.is_ne(),
            BinaryOp::Less => ordering.is_lt(),
            BinaryOp::LessEqual => ordering.is_le(),
            BinaryOp::Greater => ordering.is_gt(),
            _ => ordering.is_ge(),
        };
        // Classes first.
        match (a, b) {
            (Value::Argmax { of: x, strict: sx }, Value::Argmax { of: y, strict: sy }) => {
                let pairs = x.len().saturating_mul(y.len());
                let conditions = pairs.saturating_mul(x.len().saturating_add(y.len()));
                if pairs > super::lower::MAX_CASES || conditions > 2 * super::lower::MAX_CONDITIONS {
                    return Err(self.problem(super::lower::Problem::Cases, place));
                }
                // Each of them stands in many pairs, which share it.
                self.parts(x.len() * x.len() + y.len() * y.len(), place)?;
                let [xs, ys] = [(x, sx), (y, sy)]
                    .map(|(of, strict)| (0..of.len()).map(|i| argmax_is(of, i, *strict)).collect::<Vec<_>>());
                let pairs = |wanted: &dyn Fn(std::cmp::Ordering) -> bool| {
                    let all = (0..x.len()).flat_map(|i| (0..y.len()).map(move |j| (i, j)));
                    let parts = all.filter(|(i, j)| wanted(i.cmp(j)));
                    let both = |(i, j): (usize, usize)| Formula::and(vec![xs[i].clone(), ys[j].clone()]);
                    Formula::or(parts.map(both).collect())
                };
                if *sx || *sy {
                    // An argmax that is not unique equals nothing: the opposite has no short form.
                    return Ok(match op {
                        BinaryOp::NotEqual => pairs(&std::cmp::Ordering::is_eq).opposite(),
                        _ => pairs(&holds),
                    });
                }
                return Ok(Formula::either(pairs(&holds), pairs(&|ordering| !holds(ordering))));
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
                return Ok(if op == BinaryOp::Equal { equal } else { equal.opposite() });
            }
            _ => {}
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
        Ok(match op {
            BinaryOp::Equal => Formula::zero(x.minus(&y)),
            BinaryOp::NotEqual => Formula::zero(x.minus(&y)).opposite(),
            BinaryOp::Less => Formula::at_least_zero(y.minus(&x), true),
            BinaryOp::LessEqual => Formula::at_least_zero(y.minus(&x), false),
            BinaryOp::Greater => Formula::at_least_zero(x.minus(&y), true),
            _ => Formula::at_least_zero(x.minus(&y), false),
        })
    }

    fn call(&mut self, env: &Env, call: &Call, span: Span) -> Checked<Value> {
        let place = at(env.item, span);
        if function(&call.callee.text).is_some() {
            return if call.real.is_some() { self.no_reading(env, call) } else { self.builtin(env, call, place) };
        }
        if let Some((inner, body, result)) = self.definition(env, call)? {
            let value = self.eval(&inner, &body)?;
            let Some(result) = result else { return Ok(value) };
            let ty = self.constants(&inner, |e| e.ty(&result))?;
            let declared = (at(inner.item, result.span), "the result's type is declared here");
            return self.expect_type(value, &ty, at(inner.item, body.span), declared);
        }
        let item = lookup(self.context, env.item, &call.callee, Role::Function)?;
        if !matches!(tree(self.context.db, item).as_deref().map(|t| &t.kind), Some(ItemKind::Network(_))) {
            return self.error(
                "E0204",
                at(env.item, call.callee.span),
                format!("`{}` can't be called", call.callee.text),
                "neither a network nor a definition",
            );
        }
        let generics: Vec<i128> =
            call.generics.iter().map(|g| self.constants(env, |e| e.integer(g))).collect::<Checked<_>>()?;
        let network = match call.real {
            Some(_) => instantiate_real(self.context, item, generics, place)?,
            None => instantiate(self.context, item, generics, place)?,
        };
        if call.arguments.len() != network.inputs.len() {
            return Err(self.context.report(
                Diagnostic::error(
                    "E0303",
                    format!(
                        "`{}` takes {}, not {}",
                        network.name,
                        plural(network.inputs.len(), "input"),
                        call.arguments.len()
                    ),
                    place,
                    "wrong number of arguments",
                )
                .label(super::super::scope::name_place(self.context.db, item), "defined here"),
            ));
        }
        let mut arguments = Vec::new();
        let mut texts = Vec::new();
        for (argument, port) in call.arguments.iter().zip(&network.inputs) {
            if let Some(name) = &argument.name {
                let place = at(env.item, name.span);
                return self.error("E0303", place, "inputs have no names here", "write the value alone");
            }
            let value = self.eval(env, &argument.value)?;
            arguments.push(self.input(value, port, &network, at(env.item, argument.value.span))?);
            texts.push(super::builtins::text_of(&argument.value));
        }
        let known: Option<Vec<Vec<i128>>> = arguments
            .iter()
            .map(|a| match a {
                Elements::Known(numbers) => Some(numbers.iter().map(|n| i128::from(*n)).collect()),
                _ => None,
            })
            .collect();
        if let Some(inputs) = known {
            // Every input is known: so is the output.
            if let Some(reading) = &network.real {
                let inputs: Vec<&[i128]> = inputs.iter().map(Vec::as_slice).collect();
                let values = reading.real.evaluate(&inputs, reading.output);
                let elements = Elements::Terms(values.into_iter().map(Term::constant).collect());
                let shape = network.output.shape.clone();
                return Ok(Value::Tensor(Tensor { shape, elements, lsb: None, format: None }));
            }
            let values = interpret(&network.graph, &inputs).map_err(|_| Reported)?;
            let numbers: Option<Vec<i64>> =
                values[network.output.node.index()].iter().map(|n| i64::try_from(*n).ok()).collect();
            let elements = match numbers {
                Some(numbers) => Elements::Known(numbers.into()),
                None => return self.error("E0404", place, "these outputs need more than 64 bits", "too large"),
            };
            return Ok(Value::Tensor(Tensor::stored(&network.output, elements)));
        }
        let inputs: Vec<NodeId> = arguments.iter().map(|a| self.node_of(a)).collect();
        let boxes = inputs.iter().zip(&network.inputs);
        let boxes = boxes.map(|(node, port)| self.box_of(*node, &network.ranges[port.node.index()])).collect();
        let output = self.apply(&network, inputs, boxes, format!("{}({})", network.name, texts.join(", ")), place)?;
        let output = Tensor::stored(&network.output, output);
        if network.real.is_some() {
            // The steps are those of what encloses it, not of the network.
            let elements = Elements::Terms(output.terms().into());
            return Ok(Value::Tensor(Tensor { elements, lsb: None, ..output }));
        }
        Ok(Value::Tensor(output))
    }

    /// `.real` of what is no network.
    fn no_reading<T>(&self, env: &Env, call: &Call) -> Checked<T> {
        let place = at(env.item, call.real.unwrap_or(call.callee.span));
        self.error(
            "E0204",
            place,
            format!("`{}` has no real-valued reading", call.callee.text),
            "only networks round, and can be read without",
        )
    }

    /// An argument of a network: stored values of the input's format.
    fn input(&self, value: Value, port: &Port, network: &Network, place: Place) -> Checked<Elements> {
        let db = self.context.db;
        let format = port.format.as_ref().ok_or(Reported)?;
        let wanted = format!("`{format}{}`", show_shape(db, &port.shape));
        match value {
            Value::Tensor(t) if t.format.as_ref() == Some(format) && interchangeable(&t.shape, &port.shape) => {
                Ok(t.elements)
            }
            Value::Tensor(t) => {
                let found = match &t.format {
                    Some(format) => format!("`{format}{}`", show_shape(db, &t.shape)),
                    None => format!("exact numbers {}", show_shape(db, &t.shape)),
                };
                let mut diagnostic = Diagnostic::error(
                    "E0306",
                    format!("`{}` takes {wanted}, not {found}", network.name),
                    place,
                    format!("this is {found}"),
                );
                diagnostic = diagnostic.notes(t.format.as_ref().and_then(|found| found.difference(format)));
                diagnostic = if t.format.is_none() {
                    diagnostic.note("The result of arithmetic may not be a value of the format, so that a network could not take it as it is.")
                        .help("quantify over the network's input itself, and state the arithmetic as a condition")
                } else {
                    diagnostic.help("quantify over the network's input type")
                };
                Err(self.context.report(diagnostic))
            }
            Value::Constant(constant) => {
                let mut numbers = Vec::new();
                let problem = known_numbers(&constant, &mut numbers, &port.scale);
                match problem {
                    Ok(()) if numbers.len() == count(&port.shape) => {
                        let zeros = zeros(format, &port.shape);
                        let fits = numbers.iter().inspect(|_| work(4)).enumerate().all(|(i, n)| {
                            n.checked_add(*zeros.get(i))
                                .is_some_and(|raw| (format.min_raw()..=format.max_raw()).contains(&raw))
                        });
                        if fits {
                            return Ok(Elements::Known(numbers.into()));
                        }
                        self.error(
                            "E0408",
                            place,
                            format!("these numbers are beyond `{format}`"),
                            "out of the format's range",
                        )
                    }
                    Ok(()) => self.error(
                        "E0301",
                        place,
                        format!("`{}` takes {wanted}, but these are {} numbers", network.name, numbers.len()),
                        "another number of elements",
                    ),
                    Err(Some(value)) => self.error(
                        "E0408",
                        place,
                        format!("{} is not a value of `{format}`", exact(&value)),
                        "would have to be rounded",
                    ),
                    Err(None) => self.error(
                        "E0302",
                        place,
                        format!("`{}` takes {wanted}, not {}", network.name, constant.kind()),
                        "not numbers",
                    ),
                }
            }
            other => self.error(
                "E0302",
                place,
                format!("`{}` takes {wanted}, not {}", network.name, other.kind()),
                "not a network's input",
            ),
        }
    }

    /// A node whose elements are these.
    fn node_of(&mut self, elements: &Elements) -> NodeId {
        match elements {
            Elements::Picks(picks) => {
                let first = picks.first().map(|p| p.0);
                if let Some(node) = first
                    && self.graph.len(node) == picks.len()
                    && picks.iter().inspect(|_| work(1)).enumerate().all(|(i, p)| *p == (node, i as u32))
                {
                    return node;
                }
                self.graph.push("input", Op::Gather { picks: picks.clone() })
            }
            Elements::Known(numbers) => {
                self.graph.push("constant", Op::Constant(numbers.iter().map(|n| i128::from(*n)).collect()))
            }
            // Only stored values get here, and those are never terms.
            Elements::Terms(terms) => self.graph.push("constant", Op::Constant(vec![0; terms.len()].into())),
        }
    }

    /// The ranges of a network's input where it is made of variables and constants; else those of its format.
    fn box_of(&self, node: NodeId, format: &[Interval]) -> Vec<Interval> {
        let of = |node: NodeId, element: usize, default: Interval| match &self.graph.node(node).op {
            Op::Input => {
                let variable = self.variables.iter().find(|(variable, _)| variable.node == node);
                variable.map_or(default, |(variable, _)| {
                    let (lo, hi) = variable.domain[element];
                    Interval::new(lo.into(), hi.into())
                })
            }
            Op::Constant(values) => Interval::new(values[element], values[element]),
            _ => default,
        };
        let element = |(i, default): (usize, &Interval)| match &self.graph.node(node).op {
            Op::Gather { picks } => of(picks[i].0, picks[i].1 as usize, *default),
            _ => of(node, i, *default),
        };
        format.iter().inspect(|_| work(8)).enumerate().map(element).collect()
    }

    /// The output of a network on these inputs, which lie in these boxes; the same application is made once.
    fn apply(
        &mut self,
        network: &Arc<Network>,
        inputs: Vec<NodeId>,
        boxes: Vec<Vec<Interval>>,
        text: String,
        place: Place,
    ) -> Checked<Elements> {
        let known = self.calls.iter().find(|c| c.inputs == inputs && Arc::ptr_eq(&c.network, network));
        let node = match known {
            Some(call) => call.output.node,
            None => {
                let mut map: Vec<Option<NodeId>> = vec![None; network.graph.nodes.len()];
                for (port, node) in network.inputs.iter().zip(&inputs) {
                    map[port.node.index()] = Some(*node);
                }
                let mut needed = vec![false; network.graph.nodes.len()];
                needed[network.output.node.index()] = true;
                for id in network.graph.ids().rev() {
                    if needed[id.index()] {
                        network.graph.node(id).op.sources().for_each(|s| needed[s.index()] = true);
                    }
                }
                for (index, node) in network.graph.nodes.iter().enumerate() {
                    if map[index].is_some() || !needed[index] {
                        continue;
                    }
                    let op = remap(&node.op, &|id| map[id.index()].expect("sources come first"));
                    let id = self.graph.push(network.name.clone(), op);
                    map[index] = Some(id);
                    let ranges = network.ranges[index].iter().inspect(|_| work(1));
                    let magnitude = ranges.map(|r| r.lo.abs().max(r.hi.abs())).max();
                    self.magnitudes.resize(id.index(), None);
                    self.magnitudes.push(magnitude);
                }
                let node = map[network.output.node.index()].expect("the output was mapped");
                if let Some(reading) = &network.real
                    && !reading.enclosure.is_exact()
                {
                    let errors = reading.enclosure.errors(&boxes);
                    let errors = errors.map_err(|_| self.problem(super::lower::Problem::Digits, place))?;
                    if errors.iter().any(|error| *error > 0) {
                        self.errors.insert(node, errors);
                        self.reals.push(RealCall { reading: reading.clone(), inputs: inputs.clone(), output: node });
                    }
                }
                let output = Port { node, ..network.output.clone() };
                self.calls.push(CallInfo {
                    text,
                    output,
                    network: network.clone(),
                    inputs,
                    argmax: false,
                    claims: Vec::new(),
                });
                node
            }
        };
        let len = self.graph.len(node) as u32;
        Ok(Elements::Picks((0..len).inspect(|_| work(1)).map(|i| (node, i)).collect()))
    }
}

/// A list of numbers as a tensor of exact numbers; anything else as it is.
fn listed(value: &Value) -> Value {
    let Value::Constant(list @ Constant::List(_)) = value else { return value.clone() };
    let (mut shape, mut numbers) = (Vec::new(), Vec::new());
    match flatten_list(list, 0, &mut shape, &mut numbers) {
        Some(()) => Value::Tensor(Tensor {
            shape: super::super::types::axes(&shape),
            elements: Elements::Terms(numbers.into_iter().map(Term::constant).collect()),
            lsb: None,
            format: None,
        }),
        None => value.clone(),
    }
}

/// The integers of constants at the input's scale; the value that is none, or `None` for what is no number.
fn known_numbers(
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
fn class_index(value: &Value) -> Option<i128> {
    match value {
        Value::Class(_, index) | Value::Constant(Constant::Variant(_, index)) => Some(*index as i128),
        Value::Constant(Constant::Number(n)) if n.is_integer() => n.to_integer().to_i128(),
        _ => None,
    }
}

/// The first maximum is at `k`; for strict, the only one.
fn argmax_is(of: &Tensor, k: usize, strict: bool) -> Formula {
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
fn argmax_parts(of: &Tensor, op: BinaryOp) -> usize {
    match op {
        BinaryOp::Equal | BinaryOp::NotEqual => of.len(),
        _ => of.len().saturating_mul(of.len()),
    }
}

/// An argmax that is one of the classes for which `holds`.
fn argmax_among(of: &Tensor, strict: bool, holds: impl Fn(usize) -> bool) -> Formula {
    let some = |wanted: &dyn Fn(usize) -> bool| {
        Formula::or((0..of.len()).filter(|i| wanted(*i)).map(|i| argmax_is(of, i, strict)).collect())
    };
    // One of the indices is the first maximum, but none need be the only one.
    if strict { some(&holds) } else { Formula::either(some(&holds), some(&|i| !holds(i))) }
}

/// An argmax compared with the class `c`: `holds` says for which index the comparison is true.
fn argmax_compared(of: &Tensor, strict: bool, op: BinaryOp, holds: impl Fn(usize) -> bool, c: usize) -> Formula {
    match op {
        BinaryOp::Equal => argmax_is(of, c, strict),
        BinaryOp::NotEqual => argmax_is(of, c, strict).opposite(),
        _ => argmax_among(of, strict, holds),
    }
}
