//! Expressions in properties: symbolic evaluation.

mod argmax;
mod arithmetic;
mod call;
mod cast;
mod comparison;
mod definition;
mod quantifier;
mod softmax;

use super::super::constant::{Constant, Evaluator, Range, bounded, element, negated, size_of, variant};
use super::super::data::dataset;
use super::super::index::index_range;
use super::super::scope::{lookup, name_place};
use super::super::types::{Type, count, plural};
use super::super::{Checked, Reported, at};
use super::env::{Env, Polarity};
use super::lowering::Lowering;
use super::statement::{CallInfo, ClassClaim};
use super::value::{Elements, Tensor, Value};
use crate::check::data::Samples;
use crate::check::network::pick_indices;
use crate::db::tree;
use crate::diagnostic::{Diagnostic, Place};
use comparison::{class_index, listed};
use qnn_ir::interrupt::work;
use qnn_ir::obligation::term::{Formula, Term};
use qnn_syntax::Span;
use qnn_syntax::ast::{BinaryOp, Expr, ExprKind, ItemKind, Name, QuantifierKind, UnaryOp};
use qnn_syntax::walk::Role;
pub(super) use quantifier::Binding;

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
                        Binding::Variable(value, condition) => {
                            inner = inner.with(&binder.name.text, value);
                            self.assumptions.push(condition);
                        }
                        // Conditions of a statement that is written out belong to its instances.
                        Binding::Finite => return self.formula(env, expr, Polarity::Positive),
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
                self.range(env, start, end, *inclusive)
            }
            ExprKind::Range { .. } => self.error(
                "E0310",
                place,
                "this range has an open end",
                "only an index may leave an end of its range open",
            ),
            ExprKind::List(elements) => self.list(env, elements, place),
            ExprKind::Name(name) => self.name(env, name),
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
            ExprKind::Cast(inner, ty) => self.cast(env, inner, ty, place),
        }
    }

    fn range(&mut self, env: &Env, start: &Expr, end: &Expr, inclusive: bool) -> Checked<Value> {
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
        Ok(Value::Constant(Constant::Range(Range { start, end, inclusive })))
    }

    fn list(&mut self, env: &Env, elements: &[Expr], place: Place) -> Checked<Value> {
        let values: Vec<Value> = elements.iter().map(|e| self.eval(env, e)).collect::<Checked<_>>()?;
        let constants: Option<Vec<Constant>> = values
            .iter()
            .map(|v| match v {
                Value::Constant(c) => Some(c.clone()),
                _ => None,
            })
            .collect();
        match constants {
            Some(constants) => bounded(self.context, place, Constant::List(constants.into())).map(Value::Constant),
            None => self.error("E0310", place, "a list holds constants", "not all of these are known"),
        }
    }

    /// A local name, or that of an item.
    fn name(&mut self, env: &Env, name: &Name) -> Checked<Value> {
        if let Some(value) = env.get(&name.text) {
            return Ok(value.clone());
        }
        let item = lookup(self.context, env.item, name, Role::Value)?;
        match tree(self.context.db, item).as_deref().map(|t| &t.kind) {
            Some(ItemKind::Dataset(_)) => Ok(Value::Dataset(item)),
            Some(ItemKind::Const(_) | ItemKind::Enum(_)) => self.constants(env, |e| e.name(name)).map(Value::Constant),
            _ => Err(self.context.report(
                Diagnostic::error(
                    "E0204",
                    format!("`{}` is no value", name.text),
                    at(env.item, name.span),
                    "can't stand here",
                )
                .label(name_place(self.context.db, item), "defined here"),
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
            Value::Softmax(of) if of.shape[0].labels.is_some() => {
                let labels = of.shape[0].labels.ok_or(Reported)?;
                let at = variant(self.context, labels, field, env.item)?;
                Ok(Value::Probability { of, at })
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
        // Ranges take parts of lists as they do of tensors.
        let parts = indices.iter().any(|index| matches!(index.kind, ExprKind::Range { .. }));
        let value = self.eval(env, inner)?;
        match if parts { listed(&value) } else { value } {
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
                        index_range(context, env.item, index, axis, &mut |e| self.known(env, e))
                    })
                    .collect::<Checked<Vec<_>>>()?;
                Ok(Value::Tensor(self.selected(&t, &ranges)))
            }
            Value::Softmax(of) => {
                let [index] = indices else {
                    return self.error("E0304", place, "a softmax has one axis", "write `softmax(y)[i]`");
                };
                let context = self.context;
                match index_range(context, env.item, index, &of.shape[0], &mut |e| self.known(env, e))? {
                    (at, _, true) => Ok(Value::Probability { of, at }),
                    _ => self.not_linear(place),
                }
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
}
