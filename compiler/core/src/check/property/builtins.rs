//! The functions that properties know.

use super::super::constant::{Constant, Evaluator};
use super::super::data::dataset;
use super::super::types::{Axis, count, same_sizes, shape_text};
use super::super::{Checked, Reported, at};
use super::env::Env;
use super::lowering::Lowering;
use super::value::{Elements, Tensor, Value};
use crate::diagnostic::{Diagnostic, Place};
use num_traits::Signed;
use qnn_ir::obligation::term::Term;
use qnn_syntax::ast::{Call, Expr, ExprKind, UnaryOp};
use qnn_syntax::builtins::{Function, function};

/// The functions of the elements along some axes, or of all.
const REDUCTIONS: [&str; 4] = ["maximum", "minimum", "sum", "mean"];

impl Lowering<'_> {
    pub(super) fn builtin(&mut self, env: &Env, call: &Call, place: Place) -> Checked<Value> {
        let name = &*call.callee.text;
        if REDUCTIONS.contains(&name) {
            return self.reduction(env, call, place);
        }
        if let Some(argument) = call.arguments.iter().find_map(|a| a.name.as_ref()) {
            return self.error(
                "E0303",
                at(env.item, argument.span),
                format!("`{name}` has no option `{}`", argument.text),
                "write the value alone",
            );
        }
        let values: Vec<Value> = call.arguments.iter().map(|a| self.eval(env, &a.value)).collect::<Checked<_>>()?;
        let places: Vec<Place> = call.arguments.iter().map(|a| at(env.item, a.value.span)).collect();
        match (name, values.as_slice()) {
            ("argmax" | "strict_argmax", [Value::Tensor(t) | Value::Softmax(t)]) => self.argmax(name, t, places[0]),
            ("softmax", [Value::Tensor(t)]) => self.softmax(t, places[0]),
            (
                "ball",
                [center @ (Value::Tensor(_) | Value::Constant(Constant::Number(_) | Constant::List(_))), radius],
            ) => self.ball(center, radius, (places[0], places[1])),
            ("abs", [Value::Constant(Constant::Number(n))]) => Ok(Value::Constant(Constant::Number(n.abs()))),
            ("abs", [Value::Constant(Constant::Lsb(n))]) => Ok(Value::Constant(Constant::Lsb(n.abs()))),
            ("abs", [Value::Tensor(t)]) => self.mapped(t, Term::absolute, place).map(Value::Tensor),
            ("min" | "max", [a, b]) => self.extreme(name == "max", a, b, (places[0], places[1]), place),
            ("len", [Value::Dataset(item)]) => {
                let data = dataset(self.context.db, *item);
                for diagnostic in data.diagnostics.iter() {
                    self.context.report(diagnostic.clone());
                }
                let len = data.value.as_ref().ok_or(Reported)?.len;
                Ok(Value::Constant(Constant::int(len as i128)))
            }
            ("len", [Value::Tensor(t)]) => Ok(Value::Constant(Constant::int(t.len() as i128))),
            ("len", [Value::Constant(_)]) => {
                let locals = |name: &str| env.local(name);
                let evaluator = Evaluator { context: self.context, item: env.item, locals: &locals };
                let expr = Expr { kind: ExprKind::Call(call.clone()), span: place.span };
                evaluator.eval(&expr).map(Value::Constant)
            }
            ("flatten", [Value::Tensor(t)]) => Ok(Value::Tensor(Tensor {
                shape: vec![Axis::of(t.len())],
                format: t.format.clone().filter(|f| f.channels() == 1),
                ..t.clone()
            })),
            ("concat", [Value::Tensor(_), ..]) => self.concat(&values, &places),
            _ if function(name).is_some_and(|f| !f.in_properties()) => Err(self.context.report(
                Diagnostic::error(
                    "E0612",
                    format!("`{name}` belongs in networks, not in properties"),
                    place,
                    "a property only compares",
                )
                .help("compute it in a `network` and call that"),
            )),
            _ => {
                let usage = function(name).map_or_else(|| format!("{name}(x)"), Function::signature);
                self.error("E0303", place, format!("write `{usage}`"), "wrong number or kind of arguments")
            }
        }
    }

    fn argmax(&mut self, name: &str, t: &Tensor, place: Place) -> Checked<Value> {
        if t.shape.len() != 1 || t.len() < 2 {
            return self.error(
                "E0301",
                place,
                format!("`{name}` needs a vector of scores, not {}", shape_text(self.context.db, &t.shape)),
                "not a vector of two or more",
            );
        }
        if let Some(call) = self.call_of(t) {
            self.calls[call].argmax = true;
        }
        Ok(Value::Argmax { of: t.clone(), strict: name == "strict_argmax" })
    }

    fn softmax(&self, t: &Tensor, place: Place) -> Checked<Value> {
        if t.shape.len() != 1 || t.len() < 2 {
            let shape = shape_text(self.context.db, &t.shape);
            let message = format!("`softmax` needs a vector of scores, not {shape}");
            return self.error("E0301", place, message, "not a vector of two or more");
        }
        Ok(Value::Softmax(t.clone()))
    }

    fn ball(&self, center: &Value, radius: &Value, places: (Place, Place)) -> Checked<Value> {
        match (center, radius) {
            (Value::Tensor(center), Value::Tensor(t)) if t.len() == 1 && t.term(0).as_constant().is_some() => {
                let radius = t.term(0).as_constant().cloned().map(Constant::Number).ok_or(Reported)?;
                Ok(Value::Ball { center: center.clone(), radius })
            }
            (Value::Tensor(center), Value::Constant(radius @ (Constant::Number(_) | Constant::Lsb(_)))) => {
                Ok(Value::Ball { center: center.clone(), radius: radius.clone() })
            }
            (Value::Tensor(_), other) => self.error(
                "E0302",
                places.1,
                format!("a ball's radius is a number, or a number of lsb, not {}", other.kind()),
                "no radius",
            ),
            _ => Err(self.context.report(
                Diagnostic::error("E0302", "a ball's centre is a stored value", places.0, "numbers without a format")
                    .note("A ball holds what its centre's format can store, and plain numbers have none.")
                    .help("write a dataset's sample or a variable, as in `ball(test[0].x, 1 lsb)`, or cast the numbers: `ball([0.5, 0.25] as ufixed<8, 8>, 1 lsb)`"),
            )),
        }
    }

    /// min or max of two, element by element.
    fn extreme(&self, max: bool, a: &Value, b: &Value, places: (Place, Place), place: Place) -> Checked<Value> {
        if let (Value::Constant(Constant::Number(x)), Value::Constant(Constant::Number(y))) = (a, b) {
            return Ok(Value::Constant(Constant::Number(if max { x.max(y) } else { x.min(y) }.clone())));
        }
        let tensor = |v: &Value, place: Place| -> Checked<Tensor> {
            match v {
                Value::Tensor(t) => Ok(t.clone()),
                Value::Constant(Constant::Number(n)) => Ok(Tensor {
                    shape: Vec::new(),
                    elements: Elements::Terms([Term::constant(n.clone())].into()),
                    lsb: None,
                    format: None,
                }),
                other => {
                    self.error("E0302", place, format!("a number is needed here, not {}", other.kind()), "not a number")
                }
            }
        };
        let (x, y) = (tensor(a, places.0)?, tensor(b, places.1)?);
        let shape = match (count(&x.shape), count(&y.shape)) {
            (_, 1) => x.shape.clone(),
            (1, _) => y.shape.clone(),
            _ if same_sizes(&x.shape, &y.shape) => x.shape.clone(),
            _ => {
                return self.error(
                    "E0301",
                    place,
                    format!(
                        "{} and {} don't go together",
                        shape_text(self.context.db, &x.shape),
                        shape_text(self.context.db, &y.shape)
                    ),
                    "the shapes differ",
                );
            }
        };
        self.parts(2 * count(&shape), place)?;
        let element = |t: &Tensor, i: usize| t.term(if t.len() == 1 { 0 } else { i });
        let terms = (0..count(&shape))
            .map(|i| {
                let pair = vec![element(&x, i), element(&y, i)];
                if max { Term::greatest(pair) } else { Term::least(pair) }
            })
            .collect();
        let lsb = if x.lsb == y.lsb { x.lsb.clone() } else { None };
        Ok(Value::Tensor(Tensor { shape, elements: Elements::Terms(terms), lsb, format: None }))
    }

    /// Vectors joined.
    fn concat(&mut self, values: &[Value], places: &[Place]) -> Checked<Value> {
        let mut parts = Vec::new();
        for (value, place) in values.iter().zip(places) {
            match value {
                Value::Tensor(t) if t.shape.len() <= 1 => parts.push(t),
                other => {
                    return self.error(
                        "E0302",
                        *place,
                        format!("`concat` joins vectors, not {}", other.kind()),
                        "not a vector",
                    );
                }
            }
        }
        let format =
            parts[0].format.clone().filter(|f| f.channels() == 1 && parts.iter().all(|p| p.format.as_ref() == Some(f)));
        let lsb = parts[0].lsb.clone().filter(|l| parts.iter().all(|p| p.lsb.as_ref() == Some(l)));
        let total = parts.iter().map(|p| p.len()).sum();
        let parts: Vec<Elements> = parts.iter().map(|part| part.elements.clone()).collect();
        let stored = parts.iter().all(|part| !matches!(part, Elements::Terms(_)));
        let Some(format) = format.filter(|_| stored) else {
            let terms = values.iter().filter_map(|v| if let Value::Tensor(t) = v { Some(t.terms()) } else { None });
            let elements = Elements::Terms(terms.flatten().collect());
            return Ok(Value::Tensor(Tensor { shape: vec![Axis::of(total)], elements, lsb, format: None }));
        };
        let elements = self.joined(&parts);
        let format = Some(format);
        Ok(Value::Tensor(Tensor { shape: vec![Axis::of(total)], elements, lsb, format }))
    }

    /// Stored values of one format one after the other, so that a network can take them: picks, with a node for what is known beside what varies.
    fn joined(&mut self, parts: &[Elements]) -> Elements {
        let known = |part: &Elements| if let Elements::Known(numbers) = part { Some(numbers.to_vec()) } else { None };
        if let Some(numbers) = parts.iter().map(known).collect::<Option<Vec<Vec<i64>>>>() {
            return Elements::Known(numbers.concat().into());
        }
        let mut picks = Vec::new();
        for part in parts {
            match part {
                Elements::Picks(more) => picks.extend(more.iter().copied()),
                other => {
                    let node = self.node_of(other);
                    picks.extend((0..self.graph.len(node) as u32).map(|i| (node, i)));
                }
            }
        }
        Elements::Picks(picks.into())
    }
}

/// A short text for an argument: names and fields as they are, anything longer as `…`.
pub(super) fn text_of(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Name(name) => name.text.to_string(),
        ExprKind::Field(inner, field) => format!("{}.{}", text_of(inner), field.text),
        ExprKind::Index(inner, indices) => {
            format!("{}[{}]", text_of(inner), indices.iter().map(text_of).collect::<Vec<_>>().join(", "))
        }
        ExprKind::Number { value, .. } => qnn_ir::rational::exact(value),
        ExprKind::Unary(UnaryOp::Negate, inner) => format!("-{}", text_of(inner)),
        _ => "…".to_owned(),
    }
}
