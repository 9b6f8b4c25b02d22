//! Calls of definitions and of other properties: their bodies with their arguments.

use super::super::super::constant::Constant;
use super::super::super::scope::{is_cyclic, lookup};
use super::super::super::types::{Type, interchangeable, plural, show_shape};
use super::super::super::{Checked, at};
use super::super::env::Env;
use super::super::lowering::Lowering;
use super::super::value::{Tensor, Value};
use crate::db::tree;
use crate::diagnostic::{Diagnostic, Place};
use num_traits::Signed;
use qnn_ir::rational::integer;
use qnn_syntax::ast::{Call, Expr, ItemKind, TypeExpr};
use qnn_syntax::builtins::function;
use qnn_syntax::walk::Role;

/// How deeply definitions may be nested.
pub(super) const MAX_DEPTH: usize = 64;

impl Lowering<'_> {
    /// A definition that is used as a statement must have declared that it is one.
    pub(super) fn expect_statement(&self, inner: &Env, result: Option<&TypeExpr>, place: Place) -> Checked<()> {
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
    pub(super) fn definition(&mut self, env: &Env, call: &Call) -> Checked<Option<(Env, Expr, Option<TypeExpr>)>> {
        if function(&call.callee.text).is_some() {
            return Ok(None);
        }
        let db = self.context.db;
        let item = lookup(self.context, env.item, &call.callee, Role::Function)?;
        let found = tree(db, item);
        let place = at(env.item, call.callee.span);
        let (generics, names, types, body, result) = match found.as_deref().map(|t| &t.kind) {
            Some(ItemKind::Def(_) | ItemKind::Property(_)) if call.part().is_some() => {
                return self.no_reading(env, call);
            }
            Some(ItemKind::Def(def)) => (
                def.generics.clone(),
                def.params.iter().map(|p| p.name.clone()).collect::<Vec<_>>(),
                Some(def.params.iter().map(|p| p.ty.clone()).collect::<Vec<_>>()),
                def.body.clone(),
                Some(def.result.clone()),
            ),
            Some(ItemKind::Property(p)) if !p.find => {
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
                .label(crate::check::scope::name_place(db, item), "defined here"),
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
                let declared = (crate::check::scope::name_place(db, item), "the parameter's type is declared here");
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
    pub(super) fn expect_type(&self, value: Value, ty: &Type, place: Place, declared: (Place, &str)) -> Checked<Value> {
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
}
