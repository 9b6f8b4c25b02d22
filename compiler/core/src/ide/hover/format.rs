//! What a type holds: its range, its steps, its classes.

use crate::check::Context;
use crate::check::constant::Evaluator;
use crate::check::types::Type;
use crate::db::{Db, ItemId};
use crate::number_format::Format;
use qnn_ir::rational::show;
use qnn_syntax::Span;
use qnn_syntax::ast::{Item, TypeExpr};
use qnn_syntax::walk::{self, Visit};
use std::fmt::Write;

/// A type's range and resolution, if it can be evaluated where no integer is known.
pub(super) fn about_type(db: &dyn Db, item: ItemId, ty: &TypeExpr) -> Option<String> {
    let context = Context::new(db);
    let ty = Evaluator { context: &context, item, locals: &|_| None }.ty(ty).ok()?;
    Some(match &ty {
        Type::Stored(format, _) => format!("\n`{}`: {}\n", ty.show(db), about_format(format)),
        Type::Class(classes) => format!("\n{} classes.\n", classes.count),
        _ => String::new(),
    })
}

/// `−2 to 1.9375 in steps of 0.0625; rounds half_up, saturates`.
pub(super) fn about_format(format: &Format) -> String {
    let mut text = format!(
        "{} to {} in steps of {}; raw integers {} to {}, {} bits; rounds `{}`, on overflow `{}`",
        show(&format.value(format.min_raw(), 0)),
        show(&format.value(format.max_raw(), 0)),
        show(&format.lsb(0)),
        format.min_raw(),
        format.max_raw(),
        format.width,
        format.rounding.name(),
        format.overflow.name(),
    );
    if format.channels() > 1 {
        let _ = write!(text, " (the first of {} channels)", format.channels());
    }
    text
}

/// The innermost type whose head stands at a span.
pub(super) fn type_at(found: &Item, span: Span) -> Option<&TypeExpr> {
    let mut at = None;
    walk::item(found, &mut |visit| {
        if let Visit::Type(ty) = visit
            && ty.head.span == span
        {
            at = Some(ty);
        }
    });
    at
}
