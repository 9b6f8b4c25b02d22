//! Indices of a tensor's axis: integers, ranges, and variants of the enum that names its entries.

use super::constant::{Constant, size_of};
use super::types::Axis;
use super::{Checked, Context, at};
use crate::db::ItemId;
use qnn_syntax::ast::{Expr, ExprKind};

/// First and one-past-last index of an axis, and whether the axis is dropped (a single index rather than a range).
pub fn index_range(
    context: &Context<'_>,
    item: ItemId,
    index: &Expr,
    axis: &Axis,
    eval: &mut dyn FnMut(&Expr) -> Checked<Constant>,
) -> Checked<(usize, usize, bool)> {
    let place = at(item, index.span);
    let outside = |text: String| {
        context.error(
            "E0304",
            place,
            format!("{text} is outside this axis of {} elements", axis.size),
            format!("the indices are 0 to {}", axis.size - 1),
        )
    };
    if let ExprKind::Range { start, end, inclusive } = &index.kind {
        let mut size = |e: &Expr| size_of(context, at(item, e.span), &eval(e)?);
        let start = start.as_ref().map_or(Ok(0), |e| size(e))?;
        let end = end.as_ref().map_or(Ok(axis.size), |e| Ok(size(e)?.saturating_add(usize::from(*inclusive))))?;
        return if start < end && end <= axis.size {
            Ok((start, end, false))
        } else {
            outside(format!("the range {start}..{end}"))
        };
    }
    let i = match (eval(index)?, axis.labels) {
        (Constant::Variant(item, index), Some(labels)) if item == labels => index,
        (Constant::Variant(item, _), _) => {
            return context.error(
                "E0304",
                place,
                format!("this axis is not indexed by `{}`", item.name(context.db)),
                "a variant of another enum",
            );
        }
        (value, _) => size_of(context, place, &value)?,
    };
    if i < axis.size { Ok((i, i + 1, true)) } else { outside(format!("index {i}")) }
}
