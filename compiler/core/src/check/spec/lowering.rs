//! What is asked of engines for an instance: a statement, the greatest value of an expression, the largest integer.

use super::counted::{Counted, Indices, counted, indices};
use super::instances::{MAX_INSTANCES, family, named};
use super::monotone::harder_with;
use crate::check::constant::Constant;
use crate::check::property::{CallInfo, Env, Extreme, Lowering, Optimization, Statement};
use crate::check::{Checked, Context, Outcome, Reported, at};
use crate::db::{Db, ItemId, tree};
use qnn_ir::Rational;
use qnn_syntax::ast::{ItemKind, MeasureBody, MeasureItem};
use std::sync::Arc;

/// What is asked of engines for one instance.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// Does a statement hold?
    Property(Statement),
    /// What is the greatest (or least) value?
    Optimize(Optimization),
    /// What is the greatest (or least) value over several choices of indices?
    OptimizeOver(Indices),
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
            body @ MeasureBody::Optimize { over, condition, .. } => {
                match indices(context, item, parameters, over, condition.as_ref())? {
                    Some(indices) => over_indices(context, &env, body, indices).map(Question::OptimizeOver),
                    None => optimize(context, &env, body, &[]).map(Question::Optimize),
                }
            }
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

/// Lowers a `maximize` or `minimize` with the values of its indices.
fn optimize(
    context: &Context<'_>,
    env: &Env,
    body: &MeasureBody,
    choice: &[(Arc<str>, Constant)],
) -> Checked<Optimization> {
    let MeasureBody::Optimize { maximize, objective, over, condition, within } = body else { return Err(Reported) };
    let (condition, within) = (condition.as_ref(), within.as_ref());
    let extreme = Extreme { maximize: *maximize, objective, over, condition, within, choice };
    Lowering::new(context).optimize(env, &extreme)
}

/// A `maximize` or `minimize` over indices, with how far apart its ends may be. Steps are those of the first choice's format.
fn over_indices(context: &Context<'_>, env: &Env, body: &MeasureBody, indices: Indices) -> Checked<Indices> {
    let within = match (body, indices.choices.first()) {
        (MeasureBody::Optimize { within: Some(_), .. }, Some(first)) if indices.has_values => {
            // What else is to be said of the choice is said where it is lowered for itself.
            optimize(&Context::new(context.db), env, body, first).ok().and_then(|first| first.within)
        }
        _ => None,
    };
    Ok(Indices { within, ..indices })
}

/// Lowers a `maximize` or `minimize` for one choice of its indices.
pub fn optimization_at(
    db: &dyn Db,
    item: ItemId,
    index: usize,
    choice: &[(Arc<str>, Constant)],
) -> Outcome<Optimization> {
    let context = Context::new(db);
    let value = measured(db, item, index, &[]).and_then(|(env, body)| optimize(&context, &env, body, choice));
    context.outcome(value)
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
        Question::OptimizeOver(indices) if indices.has_values => {
            let first = indices.choices.first().and_then(|choice| optimization_at(db, item, index, choice).value);
            return first.map(|optimization| optimization.calls).unwrap_or_default();
        }
        Question::Share(counted) => counted.first().and_then(|values| goal_at(db, item, index, values).value),
        // Its networks have known inputs: nothing of them is asked.
        Question::Average(_) | Question::OptimizeOver(_) => None,
    };
    first.map(|statement| statement.calls).unwrap_or_default()
}

/// What an `average` is of, or a `maximize` or `minimize` over indices alone, for one choice of its variables' values.
pub fn number_at(db: &dyn Db, item: ItemId, index: usize, values: &[(Arc<str>, Constant)]) -> Outcome<Rational> {
    let context = Context::new(db);
    let value = measured(db, item, index, values).and_then(|(env, body)| match body {
        MeasureBody::Average { value, .. } | MeasureBody::Optimize { objective: value, .. } => {
            Lowering::new(&context).constant(&env, value)
        }
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
