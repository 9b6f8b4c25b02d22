//! Constants as what a spec needs them for: integers, sizes, elements of lists, sets of values. What is none of it is refused.

use super::value::{Constant, Range, enum_variants};
use crate::check::scope::{name_place, similar};
use crate::check::{Checked, Context, at};
use crate::db::ItemId;
use crate::diagnostic::{Diagnostic, Place};
use num_traits::ToPrimitive;
use qnn_ir::Rational;
use qnn_ir::rational::exact;
use qnn_syntax::ast::Name;

/// The most elements of a constant list, all its lists together.
const MAX_LIST: usize = 1 << 22;

/// The most bits of a constant's numerator and denominator.
const MAX_BITS: u64 = 1 << 16;

impl Range {
    /// The first and the last integer that a variable over the range goes through (last < first if there is none): its ends must be integers.
    ///
    /// # Errors
    /// Reported.
    pub fn integers(&self, context: &Context<'_>, place: Place) -> Checked<(i128, i128)> {
        if let Some(end) = [&self.start, &self.end].into_iter().find(|end| !end.is_integer()) {
            let message = format!("a variable over a range goes through its integers, but {} is none", exact(end));
            return Err(context.report(
                Diagnostic::error("E0302", message, place, "an end of this range is no integer")
                    .note("As a condition, `x in 0..=0.5` says that x is from 0 to 0.5; as the range of a variable it would have to be counted.")
                    .help("write integers and divide, `k in 0..=4` and `k / 8`, or list the values: `[0, 0.25, 0.5]`"),
            ));
        }
        let end = |n: &Rational| integer_of(context, place, &Constant::Number(n.clone()));
        let (first, last) = (end(&self.start)?, end(&self.end)?);
        Ok((first, if self.inclusive { last } else { last - 1 }))
    }
}

/// An integer of moderate size.
pub fn integer_of(context: &Context<'_>, place: Place, value: &Constant) -> Checked<i128> {
    let found = match value {
        Constant::Number(n) if n.is_integer() => match n.to_integer().to_i64() {
            Some(n) => return Ok(i128::from(n)),
            None => return context.error("E0312", place, "this integer is too large", "beyond 64 bits"),
        },
        Constant::Number(n) => format!("the number {}", exact(n)),
        other => other.kind().to_owned(),
    };
    context.error("E0302", place, format!("expected an integer, found {found}"), format!("this is {found}"))
}

/// A non-negative integer for a size or an index.
pub fn size_of(context: &Context<'_>, place: Place, value: &Constant) -> Checked<usize> {
    let value = integer_of(context, place, value)?;
    usize::try_from(value)
        .or_else(|_| context.error("E0304", place, format!("{value} is no size"), "a size or an index is 0 or more"))
}

/// An element of a list.
pub fn element(context: &Context<'_>, place: Place, list: &[Constant], index: &Constant) -> Checked<Constant> {
    // A variant stands for its place, in a list with an element for each variant.
    let at = match index {
        Constant::Variant(item, at) if enum_variants(context.db, *item).len() == list.len() => *at as i128,
        _ => integer_of(context, place, index)?,
    };
    match usize::try_from(at).ok().and_then(|i| list.get(i)) {
        Some(element) => Ok(element.clone()),
        None => context.error(
            "E0304",
            place,
            format!("index {at} is outside the list of {} elements", list.len()),
            "out of range",
        ),
    }
}

/// The values of a range, a list or an enum, in order.
pub fn domain_of(context: &Context<'_>, place: Place, set: &Constant, limit: usize) -> Checked<Vec<Constant>> {
    match set {
        Constant::Range(range) => {
            let (first, last) = range.integers(context, place)?;
            if last.saturating_sub(first) >= limit as i128 {
                return context.error(
                    "E0607",
                    place,
                    format!("this range has {} values; at most {limit} are allowed", last - first + 1),
                    "too many",
                );
            }
            Ok((first..=last).map(Constant::int).collect())
        }
        Constant::List(list) => Ok(list.to_vec()),
        Constant::Enum(item) => {
            let count = enum_variants(context.db, *item).len();
            Ok((0..count).map(|index| Constant::Variant(*item, index)).collect())
        }
        other => context.error(
            "E0302",
            place,
            format!("expected a range, a list or an enum, found {}", other.kind()),
            format!("this is {}", other.kind()),
        ),
    }
}

/// Refuses constants that would take too much memory: definitions that double one another grow fast.
pub fn bounded(context: &Context<'_>, place: Place, value: Constant) -> Checked<Constant> {
    fn elements(value: &Constant, left: &mut usize) -> bool {
        match value {
            Constant::List(list) => {
                let enough = *left >= list.len();
                *left = left.saturating_sub(list.len());
                enough && list.iter().all(|item| !matches!(item, Constant::List(_)) || elements(item, left))
            }
            _ => true,
        }
    }
    match &value {
        Constant::Number(n) | Constant::Lsb(n) if n.numer().bits().max(n.denom().bits()) > MAX_BITS => {
            context.error("E0312", place, "this number has too many digits", "more than 65,536 bits")
        }
        list if !elements(list, &mut MAX_LIST.clone()) => context.error(
            "E0313",
            place,
            format!("this list has more than {MAX_LIST} elements, all its lists together"),
            "too large",
        ),
        _ => Ok(value),
    }
}

/// The index of a variant.
pub fn variant(context: &Context<'_>, item: ItemId, field: &Name, from: ItemId) -> Checked<usize> {
    let variants = enum_variants(context.db, item);
    if let Some(index) = variants.iter().position(|(name, _)| *name == field.text) {
        return Ok(index);
    }
    let mut diagnostic = Diagnostic::error(
        "E0305",
        format!("`{}` has no variant `{}`", item.name(context.db), field.text),
        at(from, field.span),
        "unknown variant",
    )
    .label(name_place(context.db, item), "the enum is defined here");
    if let Some(candidate) = similar(&field.text, variants.iter().map(|(name, _)| &**name)) {
        diagnostic = diagnostic.fix(format!("write `{candidate}`"), at(from, field.span), candidate);
    }
    Err(context.report(diagnostic))
}
