//! Whether a statement can only get harder to hold as an integer grows, as its tree tells.

use crate::check::Context;
use crate::check::scope::lookup;
use crate::db::{ItemId, tree};
use qnn_syntax::ast::{BinaryOp, Binder, BinderRange, Expr, ExprKind, ItemKind, QuantifierKind};
use qnn_syntax::builtins::function;
use qnn_syntax::walk::{self, Role};

/// Whether a statement can only get harder as `name` grows: it occurs only in the radius of balls that universally
/// quantified variables range over, and each radius grows with it.
pub(super) fn harder_with(context: &Context<'_>, item: ItemId, expr: &Expr, name: &str, depth: usize) -> bool {
    if depth > 16 {
        return false;
    }
    let free = |e: &Expr| !walk::occurs(e, name);
    match &expr.kind {
        ExprKind::Quantifier(q) if q.kind == QuantifierKind::Forall => {
            let grows_binder = |b: &Binder| match &b.range {
                BinderRange::Type(ty) => !walk::occurs_in_type(ty, name),
                BinderRange::Set(Expr { kind: ExprKind::Call(call), .. }) if &*call.callee.text == "ball" => {
                    matches!(call.arguments.as_slice(), [c, r] if free(&c.value) && grows(&r.value, name))
                }
                BinderRange::Set(set) => free(set),
            };
            let shadowed = q.binders.iter().any(|b| &*b.name.text == name);
            !shadowed
                && q.binders.iter().all(grows_binder)
                && q.condition.as_ref().is_none_or(free)
                && harder_with(context, item, &q.body, name, depth + 1)
        }
        ExprKind::Binary(BinaryOp::And, a, b) => {
            harder_with(context, item, a, name, depth + 1) && harder_with(context, item, b, name, depth + 1)
        }
        ExprKind::Call(call) if function(&call.callee.text).is_none() => {
            let Ok(callee) = lookup(context, item, &call.callee, Role::Function) else { return false };
            let found = tree(context.db, callee);
            let (names, body) = match found.as_deref().map(|t| &t.kind) {
                Some(ItemKind::Property(p)) => (p.params.iter().map(|p| &p.name).collect::<Vec<_>>(), &p.body),
                Some(ItemKind::Def(d)) => (d.params.iter().map(|p| &p.name).collect(), &d.body),
                _ => return free(expr),
            };
            call.arguments.len() == names.len()
                && call.generics.iter().all(free)
                && call.arguments.iter().zip(names).all(|(argument, parameter)| {
                    free(&argument.value)
                        || grows(&argument.value, name)
                            && harder_with(context, callee, body, &parameter.text, depth + 1)
                })
        }
        _ => free(expr),
    }
}

/// Whether a radius never falls as `name` grows.
pub(super) fn grows(expr: &Expr, name: &str) -> bool {
    match &expr.kind {
        ExprKind::Name(_) => true,
        ExprKind::Lsb(inner) => grows(inner, name),
        ExprKind::Binary(BinaryOp::Add, a, b) => grows(a, name) && grows(b, name),
        ExprKind::Binary(BinaryOp::Multiply, a, b) => {
            let positive = |e: &Expr| matches!(&e.kind, ExprKind::Number { .. });
            positive(a) && grows(b, name) || grows(a, name) && positive(b)
        }
        ExprKind::Binary(BinaryOp::Divide, a, b) => grows(a, name) && matches!(&b.kind, ExprKind::Number { .. }),
        _ => !walk::occurs(expr, name),
    }
}
