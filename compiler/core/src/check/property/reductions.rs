//! `maximum`, `minimum`, `sum` and `mean` in properties: of all elements, or of those along some axes.

use super::super::constant::{Constant, Evaluator};
use super::super::data::PerElement;
use super::super::reduction::{Grouped, axes_of};
use super::super::{Checked, Reported, at};
use super::env::Env;
use super::lowering::Lowering;
use super::value::{Elements, Tensor, Value};
use crate::diagnostic::{Diagnostic, Place};
use num_traits::{One, Zero};
use qnn_ir::Rational;
use qnn_ir::obligation::term::Term;
use qnn_ir::rational::integer;
use qnn_syntax::Span;
use qnn_syntax::ast::{Argument, Call};
use qnn_syntax::builtins::{Function, function};

impl Lowering<'_> {
    /// A call of one of the functions that put elements together.
    pub(super) fn reduction(&mut self, env: &Env, call: &Call, place: Place) -> Checked<Value> {
        let name = &*call.callee.text;
        let other = call.arguments.iter().filter_map(|a| a.name.as_ref()).find(|option| &*option.text != "axes");
        if let Some(option) = other {
            return self.error(
                "E0303",
                at(env.item, option.span),
                format!("`{name}` has no option `{}`", option.text),
                "its options: axes",
            );
        }
        let options: Vec<&Argument> = call.arguments.iter().filter(|a| a.name.is_some()).collect();
        let operands: Vec<&Argument> = call.arguments.iter().filter(|a| a.name.is_none()).collect();
        let values: Vec<Value> = operands.iter().map(|a| self.eval(env, &a.value)).collect::<Checked<_>>()?;
        match (values.as_slice(), options.as_slice()) {
            ([Value::Tensor(t)], []) => self.reduced(name, t, None, place).map(Value::Tensor),
            ([Value::Tensor(t)], [axes]) => {
                let locals = |name: &str| env.local(name);
                let evaluator = Evaluator { context: self.context, item: env.item, locals: &locals };
                let value = evaluator.eval(&axes.value)?;
                let axes = axes_of(self.context, at(env.item, axes.value.span), &value, t.shape.len())?;
                self.reduced(name, t, Some(&axes), place).map(Value::Tensor)
            }
            ([Value::Constant(Constant::List(list))], []) => {
                self.list_reduction(name, list, at(env.item, operands[0].value.span))
            }
            ([_, _], []) if matches!(name, "maximum" | "minimum") => Err(self.context.report(
                Diagnostic::error("E0303", format!("`{name}` takes one tensor"), place, "two arguments")
                    .help(format!("for two numbers write `{}(a, b)`", &name[..3]))
                    .fix(
                        format!("write `{}`", &name[..3]),
                        Place { span: Span::new(place.span.start, place.span.start + name.len() as u32), ..place },
                        &name[..3],
                    ),
            )),
            _ => {
                let usage = function(name).map_or_else(|| format!("{name}(x)"), Function::signature);
                self.error("E0303", place, format!("write `{usage}`"), "wrong number or kind of arguments")
            }
        }
    }

    /// The elements along the axes put together; those of all axes without any.
    fn reduced(&self, name: &str, t: &Tensor, axes: Option<&[usize]>, place: Place) -> Checked<Tensor> {
        let all: Vec<usize> = (0..t.shape.len()).collect();
        let grouped = Grouped::new(&t.shape, axes.unwrap_or(&all));
        if !matches!(name, "sum" | "mean") || axes.is_some() {
            self.parts(t.len(), place)?;
        }
        let share = Rational::one() / integer(grouped.terms as i128);
        let terms: Vec<Term> = grouped
            .groups()
            .map(|group| {
                let each = |t: &Tensor, group: &mut dyn Iterator<Item = usize>| group.map(|i| t.term(i)).collect();
                let mut group = group;
                match name {
                    "maximum" => Term::greatest(each(t, &mut group)),
                    "minimum" => Term::least(each(t, &mut group)),
                    "mean" => t.sum(group).times(&share),
                    _ => t.sum(group),
                }
            })
            .collect();
        let lsb = t.lsb.clone().filter(|lsb| name != "mean" && matches!(lsb, PerElement::All(_)));
        Ok(Tensor { shape: grouped.shape, elements: Elements::Terms(terms.into()), lsb, format: None })
    }

    /// The same of a list of constants.
    fn list_reduction(&self, name: &str, list: &[Constant], place: Place) -> Checked<Value> {
        let numbers: Option<Vec<&Rational>> = list
            .iter()
            .map(|c| match c {
                Constant::Number(n) => Some(n),
                _ => None,
            })
            .collect();
        let Some(numbers) = numbers.filter(|n| !n.is_empty()) else {
            return self.error("E0302", place, format!("`{name}` takes numbers"), "not a list of numbers");
        };
        let terms = integer(numbers.len() as i128);
        let sum = |numbers: Vec<&Rational>| numbers.into_iter().fold(Rational::zero(), |sum, n| sum + n);
        let value = match name {
            "maximum" => numbers.into_iter().max().cloned(),
            "minimum" => numbers.into_iter().min().cloned(),
            "mean" => Some(sum(numbers) / terms),
            _ => Some(sum(numbers)),
        };
        value.map(|v| Value::Constant(Constant::Number(v))).ok_or(Reported)
    }
}
