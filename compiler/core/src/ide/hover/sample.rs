//! What samples of a dataset are, as words and as pictures.

use super::format::about_format;
use crate::check::constant::{Constant, variant_names};
use crate::check::data::{Samples, dataset};
use crate::check::types::Type;
use crate::db::{Db, ItemId};
use crate::ide::networks;
use crate::report::image::{Picture, single};
use qnn_ir::rational::show;
use qnn_syntax::Span;
use qnn_syntax::ast::{Expr, ExprKind, Item};
use qnn_syntax::walk::{self, Visit};
use std::fmt::Write;

/// The index in `test[3]` or `test[3].image` around a span, if it is a constant.
pub(super) fn sample_index(db: &dyn Db, item: ItemId, found: &Item, span: Span) -> Option<usize> {
    let mut index: Option<&Expr> = None;
    walk::item(found, &mut |visit| {
        if let Visit::Expr(e) = visit {
            let indexed = match &e.kind {
                ExprKind::Field(inner, name) if name.span == span => &inner.kind,
                ExprKind::Index(inner, _) if inner.span == span => &e.kind,
                _ => return,
            };
            if let ExprKind::Index(_, indices) = indexed {
                index = index.or(indices.first());
            }
        }
    });
    match networks::constant(db, item, index?)? {
        Constant::Number(n) if n.is_integer() => usize::try_from(n.to_integer()).ok(),
        _ => None,
    }
}

/// What a field's samples hold.
pub(super) fn samples(db: &dyn Db, field: &crate::check::data::Field, wanted: Option<usize>) -> String {
    let len = field.data.len();
    let mut text = format!("{len} samples");
    if let (Samples::Numbers { numbers, .. }, Type::Stored(format, _)) = (&field.data, &field.ty)
        && let Some((least, greatest)) = numbers.range()
    {
        let zero = format.zero(0);
        let value = |n: i64| show(&format.value(n.saturating_add(zero), 0));
        let _ = write!(text, ", values {} to {}; {}", value(least), value(greatest), about_format(format));
    }
    text.push_str(".\n");
    if let (Some(wanted), Samples::Classes(classes), Type::Class(known)) = (wanted, &field.data, &field.ty)
        && let Some(class) = classes.get(wanted)
    {
        let name = known.labels.map(|item| variant_names(db, item));
        let name = name.and_then(|names| names.get(*class as usize).cloned());
        let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
        let _ = writeln!(text, "\nSample {wanted} is of class {class}{name}.");
    }
    text
}

/// A sample as a picture: of a field, or of the first field that is an image.
pub(super) fn sample(db: &dyn Db, item: ItemId, field: Option<usize>, index: Option<usize>) -> Option<Picture> {
    let outcome = dataset(db, item);
    let data = outcome.value.as_ref()?;
    let fields = match field {
        Some(field) => std::slice::from_ref(data.fields.get(field)?),
        None => data.fields.as_slice(),
    };
    let wanted = index.unwrap_or(0);
    fields.iter().find_map(|field| {
        let (Samples::Numbers { numbers, each }, Type::Stored(_, shape)) = (&field.data, &field.ty) else {
            return None;
        };
        let sample = numbers.part(wanted.checked_mul(*each)?, *each)?;
        let sizes: Vec<usize> = shape.iter().map(|axis| axis.size).collect();
        let values = sample.iter().map(|n| *n as f64).collect();
        single(&format!("{}[{wanted}].{}", item.name(db), field.name), &sizes, values)
    })
}
