//! Choices of values that are known: what a `share` or an `average` counts, and the indices of a `maximize` or `minimize`.
//!
//! In: a measure's binders and its condition, with the family's parameters known. Out: the choices that the condition keeps, in order. No question is asked
//! here.

use super::instances::{Choices, choices};
use crate::check::constant::Constant;
use crate::check::property::{Env, Lowering};
use crate::check::{Checked, Context, Reported, at};
use crate::db::{ItemId, tree};
use crate::diagnostic::Diagnostic;
use qnn_ir::Rational;
use qnn_syntax::Span;
use qnn_syntax::ast::{Binder, BinderRange, Expr, ExprKind};
use qnn_syntax::walk;
use std::sync::Arc;

/// Choices of values for a measure's own variables; at least one.
pub type Counted = Arc<[Vec<(Arc<str>, Constant)>]>;

/// The indices of a `maximize` or `minimize`.
#[derive(Clone, Debug, PartialEq)]
pub struct Indices {
    /// Their values.
    pub choices: Counted,
    /// Whether variables over values of formats stand beside them. If not, each choice is a number that is known.
    pub has_values: bool,
    /// How far apart the best value found and the bound may be, in the spec's numbers; `None` where they have to meet.
    pub within: Option<Rational>,
}

/// The choices of values that a `share` or an `average` counts.
pub(super) fn counted(
    context: &Context<'_>,
    item: ItemId,
    parameters: &[(Arc<str>, Constant)],
    over: &[Binder],
    condition: Option<&Expr>,
) -> Checked<Counted> {
    let (mut names, start): (Vec<Arc<str>>, Vec<Constant>) = parameters.iter().cloned().unzip();
    let mut domains = Vec::new();
    for binder in over {
        let place = at(item, binder.name.span);
        let set = match &binder.range {
            BinderRange::Set(Expr { kind: ExprKind::Call(call), .. }) if &*call.callee.text == "ball" => None,
            BinderRange::Set(set) => Some(set),
            BinderRange::Type(_) => None,
        };
        let Some(set) = set else {
            return Err(context.report(
                Diagnostic::error("E0611", "only what can be counted has a share or an average", place, "ranges over values of a format")
                    .note("Its variables range over integers, a list or an enum.")
                    .help("quantify over a format's values in the statement: `share of i in 0..100 such that forall x in ball(test[i].image, 1 lsb): …`"),
            ));
        };
        names.push(binder.name.text.clone());
        domains.push(set);
    }
    let first = over.first().map_or(item_span(context, item), |binder| binder.name.span);
    let all = Named { names: &names, domains: &domains, start, own: parameters.len(), first };
    all.choices(context, item, condition, &[])
}

/// The choices of a `maximize` or `minimize`'s indices; `None` if all of its variables are over values of formats.
pub(super) fn indices(
    context: &Context<'_>,
    item: ItemId,
    parameters: &[(Arc<str>, Constant)],
    over: &[Binder],
    condition: Option<&Expr>,
) -> Checked<Option<Indices>> {
    let may_be_index = |binder: &Binder| match &binder.range {
        BinderRange::Set(Expr { kind: ExprKind::Call(call), .. }) => &*call.callee.text != "ball",
        BinderRange::Set(_) => true,
        BinderRange::Type(_) => false,
    };
    if !over.iter().any(may_be_index) {
        return Ok(None);
    }
    // What is declared twice has been reported.
    if (1..over.len()).any(|i| over[..i].iter().any(|earlier| earlier.name.text == over[i].name.text)) {
        return Err(Reported);
    }
    let is_index = Lowering::new(context).indices(&Env::new(item, parameters), over)?;
    let Some(first) = is_index.iter().position(|is| *is) else { return Ok(None) };
    let (mut names, start): (Vec<Arc<str>>, Vec<Constant>) = parameters.iter().cloned().unzip();
    let (mut domains, mut values): (Vec<&Expr>, Vec<Arc<str>>) = (Vec::new(), Vec::new());
    for (binder, is_index) in over.iter().zip(is_index) {
        match &binder.range {
            BinderRange::Set(set) if is_index => {
                if let Some(value) = values.iter().find(|value| walk::occurs(set, value)) {
                    let message = format!("an index of a measure does not depend on its values, as of `{value}`");
                    return context.error("E0611", at(item, set.span), message, "not known before them");
                }
                names.push(binder.name.text.clone());
                domains.push(set);
            }
            _ => values.push(binder.name.text.clone()),
        }
    }
    let all = Named { names: &names, domains: &domains, start, own: parameters.len(), first: over[first].name.span };
    let choices = all.choices(context, item, condition, &values)?;
    Ok(Some(Indices { choices, has_values: !values.is_empty(), within: None }))
}

/// Names with the sets that they range over.
struct Named<'a> {
    names: &'a [Arc<str>],
    domains: &'a [&'a Expr],
    /// The values of the first of them.
    start: Vec<Constant>,
    /// From where on they are the measure's own.
    own: usize,
    /// The first of the measure's own.
    first: Span,
}

impl Named<'_> {
    /// The choices for which the condition holds, as far as it does not mention these values.
    fn choices(
        self,
        context: &Context<'_>,
        item: ItemId,
        condition: Option<&Expr>,
        values: &[Arc<str>],
    ) -> Checked<Counted> {
        let Named { names, domains, start, own, first } = self;
        match choices(context, item, names, domains, start, condition, values)? {
            Choices::Some(all) => {
                let own = |values: Vec<Constant>| {
                    names.iter().cloned().zip(values).skip(own).collect::<Vec<(Arc<str>, Constant)>>()
                };
                Ok(all.into_iter().map(own).collect())
            }
            Choices::None(None) => context.error("E0609", at(item, first), "this range is empty", "nothing is counted"),
            Choices::None(Some((filter, before))) => context.error(
                "E0609",
                filter,
                "this condition leaves nothing to be counted",
                format!("false for all {before} choices"),
            ),
        }
    }
}

fn item_span(context: &Context<'_>, item: ItemId) -> Span {
    tree(context.db, item).as_ref().map_or(Span::default(), |found| found.span)
}
