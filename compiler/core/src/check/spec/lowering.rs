//! What is asked of engines for an instance: a statement, the greatest value of an expression, the largest integer.

use super::instances::{Choices, MAX_INSTANCES, choices, family, named};
use super::monotone::harder_with;
use crate::check::constant::Constant;
use crate::check::property::{CallInfo, Env, Lowering, Optimization, Statement};
use crate::check::{Checked, Context, Outcome, Reported, at};
use crate::db::{Db, ItemId, tree};
use crate::diagnostic::Diagnostic;
use qnn_ir::Rational;
use qnn_syntax::Span;
use qnn_syntax::ast::{Binder, BinderRange, Expr, ExprKind, ItemKind, MeasureBody, MeasureItem};
use std::sync::Arc;

/// What is asked of engines for one instance.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// Does a statement hold?
    Property(Statement),
    /// What is the greatest (or least) value?
    Optimize(Optimization),
    /// What is the largest integer for which a statement holds?
    Largest {
        /// The variable's name.
        name: Arc<str>,
        /// The first and last candidate.
        domain: (i128, i128),
        /// Whether the statement can only get harder as the integer grows.
        monotone: bool,
    },
    /// For which part of these choices of its variables' values does a statement hold?
    Share(Counted),
    /// What is the mean of a number over these choices of its variables' values?
    Average(Counted),
}

/// Choices of values for a measure's own variables; at least one.
pub type Counted = Arc<[Vec<(Arc<str>, Constant)>]>;

/// What is asked for an instance, by its index in the family. Recent ones are remembered.
#[salsa::tracked(lru = 128)]
pub fn question(db: &dyn Db, item: ItemId, index: usize) -> Arc<Outcome<Question>> {
    Arc::new(question_once(db, item, index))
}

/// The same for a caller that asks for each of many instances once: nothing is remembered. (Queries forget their values
/// when an input changes, and not before.)
pub fn question_once(db: &dyn Db, item: ItemId, index: usize) -> Outcome<Question> {
    let family = family(db, item);
    let context = Context::new(db);
    let value = family
        .value
        .as_ref()
        .and_then(|f| Some((f, f.instances.get(index)?)))
        .ok_or(Reported)
        .and_then(|(f, values)| lower(&context, item, &named(&f.names, values)));
    context.outcome(value)
}

/// Lowers an instance.
pub(super) fn lower(context: &Context<'_>, item: ItemId, parameters: &[(Arc<str>, Constant)]) -> Checked<Question> {
    let found = tree(context.db, item).clone().ok_or(Reported)?;
    let env = Env::new(item, parameters);
    match &found.kind {
        ItemKind::Property(p) => Lowering::new(context).property(&env, &p.body, p.find).map(Question::Property),
        ItemKind::Measure(m) => match &m.body {
            MeasureBody::Optimize { maximize, objective, over, condition, within } => Lowering::new(context)
                .optimize(&env, *maximize, objective, over, condition.as_ref(), within.as_ref())
                .map(Question::Optimize),
            MeasureBody::Largest { name, domain, goal } => {
                let range = Lowering::new(context).known(&env, domain)?;
                let Constant::Range(range) = range else {
                    return context.error(
                        "E0302",
                        at(item, domain.span),
                        format!("`largest` tries a range of integers, not {}", range.kind()),
                        "write `0..=32`, say",
                    );
                };
                let (first, last) = range.integers(context, at(item, domain.span))?;
                if first > last {
                    return context.error("E0609", at(item, domain.span), "this range is empty", "no candidate");
                }
                if last - first > MAX_INSTANCES as i128 {
                    return context.error(
                        "E0607",
                        at(item, domain.span),
                        format!("this range has {} values; at most {MAX_INSTANCES} are allowed", last - first + 1),
                        "too many",
                    );
                }
                Ok(Question::Largest {
                    name: name.text.clone(),
                    domain: (first, last),
                    monotone: harder_with(context, item, goal, &name.text, 0),
                })
            }
            MeasureBody::Share { over, condition, .. } => {
                counted(context, item, parameters, over, condition.as_ref()).map(Question::Share)
            }
            MeasureBody::Average { over, condition, .. } => {
                counted(context, item, parameters, over, condition.as_ref()).map(Question::Average)
            }
        },
        _ => Err(Reported),
    }
}

/// Lowers the statement of a `largest` or `share` measure with the values of its own variables.
pub fn goal_at(db: &dyn Db, item: ItemId, index: usize, values: &[(Arc<str>, Constant)]) -> Outcome<Statement> {
    let context = Context::new(db);
    let value = measured(db, item, index, values).and_then(|(env, body)| match body {
        MeasureBody::Largest { goal, .. } | MeasureBody::Share { goal, .. } => {
            Lowering::new(&context).property(&env, goal, false)
        }
        _ => Err(Reported),
    });
    context.outcome(value)
}

/// Lowers the statement of a `largest` measure for one candidate.
pub fn largest_at(db: &dyn Db, item: ItemId, index: usize, candidate: i128) -> Outcome<Statement> {
    let found = tree(db, item).as_ref();
    let values: Vec<(Arc<str>, Constant)> = match found.map(|found| &found.kind) {
        Some(ItemKind::Measure(MeasureItem { body: MeasureBody::Largest { name, .. }, .. })) => {
            vec![(name.text.clone(), Constant::int(candidate))]
        }
        _ => Vec::new(),
    };
    goal_at(db, item, index, &values)
}

/// The networks' uses that an instance shows: those of its first candidate or choice, where it has several.
pub fn shown_calls(db: &dyn Db, item: ItemId, index: usize, question: &Question) -> Vec<CallInfo> {
    let first = match question {
        Question::Property(statement) => return statement.calls.clone(),
        Question::Optimize(optimization) => return optimization.calls.clone(),
        Question::Largest { domain, .. } => largest_at(db, item, index, domain.0).value,
        Question::Share(counted) => counted.first().and_then(|values| goal_at(db, item, index, values).value),
        // Its networks have known inputs: nothing of them is asked.
        Question::Average(_) => None,
    };
    first.map(|statement| statement.calls).unwrap_or_default()
}

/// What an `average` is of, for one choice of its variables' values.
pub fn averaged_at(db: &dyn Db, item: ItemId, index: usize, values: &[(Arc<str>, Constant)]) -> Outcome<Rational> {
    let context = Context::new(db);
    let value = measured(db, item, index, values).and_then(|(env, body)| match body {
        MeasureBody::Average { value, .. } => Lowering::new(&context).constant(&env, value),
        _ => Err(Reported),
    });
    context.outcome(value)
}

/// A measure's body, and its names: the family's, and its own variables with their values.
fn measured<'db>(
    db: &'db dyn Db,
    item: ItemId,
    index: usize,
    values: &[(Arc<str>, Constant)],
) -> Checked<(Env, &'db MeasureBody)> {
    let found = tree(db, item).as_ref().ok_or(Reported)?;
    let family = family(db, item);
    let family = family.value.as_ref().ok_or(Reported)?;
    let instance = family.instances.get(index).ok_or(Reported)?;
    let ItemKind::Measure(measure) = &found.kind else { return Err(Reported) };
    let mut parameters = named(&family.names, instance);
    parameters.extend_from_slice(values);
    Ok((Env::new(item, &parameters), &measure.body))
}

/// The choices of values that a `share` or an `average` counts.
fn counted(
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
    match choices(context, item, &names, &domains, start, condition)? {
        Choices::Some(all) => {
            let own = |values: Vec<Constant>| {
                names.iter().cloned().zip(values).skip(parameters.len()).collect::<Vec<(Arc<str>, Constant)>>()
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

fn item_span(context: &Context<'_>, item: ItemId) -> Span {
    tree(context.db, item).as_ref().map_or(Span::default(), |found| found.span)
}
