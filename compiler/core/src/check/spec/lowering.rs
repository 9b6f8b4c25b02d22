//! What is asked of engines for an instance: a statement, the greatest value of an expression, the largest integer.

use super::instances::{MAX_INSTANCES, family, named};
use super::monotone::harder_with;
use crate::check::constant::Constant;
use crate::check::property::{Env, Lowering, Optimization, Statement};
use crate::check::{Checked, Context, Outcome, Reported, at};
use crate::db::{Db, ItemId, tree};
use qnn_syntax::ast::{ItemKind, MeasureBody};
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
        ItemKind::Property(p) => Lowering::new(context).property(&env, &p.body).map(Question::Property),
        ItemKind::Measure(m) => match &m.body {
            MeasureBody::Optimize { maximize, objective, over, condition } => Lowering::new(context)
                .optimize(&env, *maximize, objective, over, condition.as_ref())
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
        },
        _ => Err(Reported),
    }
}

/// Lowers the statement of a `largest` measure for one candidate.
pub fn largest_at(db: &dyn Db, item: ItemId, index: usize, candidate: i128) -> Outcome<Statement> {
    let context = Context::new(db);
    let value = (|| {
        let found = tree(db, item).clone().ok_or(Reported)?;
        let family = family(db, item);
        let family = family.value.as_ref().ok_or(Reported)?;
        let values = family.instances.get(index).ok_or(Reported)?;
        let ItemKind::Measure(m) = &found.kind else { return Err(Reported) };
        let MeasureBody::Largest { name, goal, .. } = &m.body else { return Err(Reported) };
        let mut parameters = named(&family.names, values);
        parameters.push((name.text.clone(), Constant::int(candidate)));
        Lowering::new(&context).property(&Env::new(item, &parameters), goal)
    })();
    context.outcome(value)
}
