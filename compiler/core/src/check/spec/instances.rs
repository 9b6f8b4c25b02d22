//! Families: the instances of a property or measure, one for each choice of its parameters that its filter keeps.

use crate::check::constant::{Constant, domain_of};
use crate::check::property::{Env, Lowering};
use crate::check::scope::name_place;
use crate::check::{Checked, Context, Outcome, Reported, at};
use crate::db::{Db, ItemId, tree};
use crate::diagnostic::{Diagnostic, Place};
use qnn_syntax::ast::{BinaryOp, Expr, ExprKind, FamilyParam, Item, ItemKind};
use qnn_syntax::walk;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

/// The most instances of one family.
pub const MAX_INSTANCES: usize = 100_000;

/// The instances of a property or measure.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// The parameters' names.
    pub names: Vec<Arc<str>>,
    /// The values of each instance's parameters; one empty instance for what has no parameters.
    pub instances: Vec<Vec<Constant>>,
}

/// An instance's name: `robust(i = 3, eps = 1)`.
pub fn instance_name(db: &dyn Db, item: ItemId, family: &Family, index: usize) -> String {
    let Some(values) = family.instances.get(index).filter(|v| !v.is_empty()) else { return item.name(db).to_owned() };
    let list: Vec<String> =
        family.names.iter().zip(values).map(|(name, value)| format!("{name} = {}", value.text(db))).collect();
    format!("{}({})", item.name(db), list.join(", "))
}

/// An item's parameters and filter, if it is a property or measure.
pub(super) fn parameters(item: &Item) -> Option<(&[FamilyParam], Option<&Expr>)> {
    match &item.kind {
        ItemKind::Property(p) => Some((&p.params, p.filter.as_ref())),
        ItemKind::Measure(m) => Some((&m.params, m.filter.as_ref())),
        _ => None,
    }
}

/// The instances of a property or measure.
#[salsa::tracked]
pub fn family(db: &dyn Db, item: ItemId) -> Arc<Outcome<Family>> {
    let context = Context::new(db);
    let value = instances(&context, item);
    Arc::new(context.outcome(value))
}

pub(super) fn instances(context: &Context<'_>, item: ItemId) -> Checked<Family> {
    let found = tree(context.db, item).clone().ok_or(Reported)?;
    let (params, filter) = parameters(&found).ok_or(Reported)?;
    let names: Vec<Arc<str>> = params.iter().map(|p| p.name.text.clone()).collect();
    let domains: Vec<&Expr> = params.iter().map(|p| &p.domain).collect();
    let instances = match choices(context, item, &names, &domains, Vec::new(), filter, &[])? {
        Choices::Some(instances) => instances,
        Choices::None(why) => {
            let warning = match why {
                None => Diagnostic::warning(
                    "W0610",
                    "this family has no instances",
                    name_place(context.db, item),
                    "nothing is checked",
                )
                .help("check the parameters' ranges: `a..b` does not contain b"),
                Some((filter, before)) => Diagnostic::warning(
                    "W0610",
                    "the filter leaves no instance of this family",
                    filter,
                    format!("false for all {before} instances"),
                )
                .help("check the condition after `where`"),
            };
            context.report(warning);
            Vec::new()
        }
    };
    Ok(Family { names, instances })
}

/// The choices of values for some names.
pub(super) enum Choices {
    /// At least one: for each, the values of all names.
    Some(Vec<Vec<Constant>>),
    /// None: where the filter stands and how many there were before it, if that is the reason.
    None(Option<(Place, usize)>),
}

/// All choices of values for names, of which the first have the values of `start` and each other one its domain, which may depend on those before it.
/// Of the filter's conditions, those that mention one of `unknown` are left out.
pub(super) fn choices(
    context: &Context<'_>,
    item: ItemId,
    names: &[Arc<str>],
    domains: &[&Expr],
    start: Vec<Constant>,
    filter: Option<&Expr>,
    unknown: &[Arc<str>],
) -> Checked<Choices> {
    let given = start.len();
    let mut all = vec![start];
    for (set, known) in domains.iter().zip(given..) {
        // What is declared twice has been reported.
        if names[given..known].contains(&names[known]) {
            return Err(Reported);
        }
        let mut next = Vec::new();
        for instance in &all {
            // A parameter's range may depend on those before it.
            let values = domain(context, item, names, instance, set)?;
            if next.len() + values.len() > MAX_INSTANCES {
                return context.error(
                    "E0607",
                    at(item, set.span),
                    format!("this family has more than {MAX_INSTANCES} instances"),
                    "too many",
                );
            }
            next.extend(values.into_iter().map(|value| [instance.as_slice(), &[value]].concat()));
        }
        all = next;
    }
    let before = all.len();
    let Some(filter) = filter.filter(|_| before > 0) else {
        return Ok(if before > 0 { Choices::Some(all) } else { Choices::None(None) });
    };
    let mut conditions = FamilyFilter::new(context, item, names, filter, unknown);
    let mut kept = Vec::new();
    for instance in all {
        // An edit need not wait for the rest.
        context.db.unwind_if_revision_cancelled();
        if conditions.keeps(&instance)? {
            kept.push(instance);
        }
    }
    Ok(if kept.is_empty() { Choices::None(Some((at(item, filter.span), before))) } else { Choices::Some(kept) })
}

/// A family's filter: conditions joined by `and`, looked at from left to right until one fails. What a condition says depends on
/// the parameters that it mentions alone, so it is evaluated once for each choice of those.
struct FamilyFilter<'a> {
    context: &'a Context<'a>,
    item: ItemId,
    names: &'a [Arc<str>],
    conditions: Vec<Condition<'a>>,
}

struct Condition<'a> {
    expr: &'a Expr,
    /// The indices of the parameters that it may mention.
    parameters: Vec<usize>,
    /// What it is for each choice of their values.
    known: HashMap<Vec<Constant>, bool>,
}

impl<'a> FamilyFilter<'a> {
    pub(super) fn new(
        context: &'a Context<'a>,
        item: ItemId,
        names: &'a [Arc<str>],
        filter: &'a Expr,
        unknown: &[Arc<str>],
    ) -> FamilyFilter<'a> {
        let mut conditions = Vec::new();
        let mut open = vec![filter];
        while let Some(expr) = open.pop() {
            if let ExprKind::Binary(BinaryOp::And, left, right) = &expr.kind {
                open.extend([&**right, &**left]);
                continue;
            }
            if unknown.iter().any(|name| walk::occurs(expr, name)) {
                continue;
            }
            let parameters = (0..names.len()).filter(|i| walk::occurs(expr, &names[*i])).collect();
            conditions.push(Condition { expr, parameters, known: HashMap::new() });
        }
        FamilyFilter { context, item, names, conditions }
    }

    fn keeps(&mut self, instance: &[Constant]) -> Checked<bool> {
        for condition in &mut self.conditions {
            let key = condition.parameters.iter().map(|i| instance[*i].clone()).collect();
            let holds = match condition.known.entry(key) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(unknown) => {
                    let env = Env::new(self.item, &named(self.names, instance));
                    match Lowering::new(self.context).filter(&env, condition.expr)? {
                        Some(holds) => *unknown.insert(holds),
                        None => {
                            return self.context.error(
                                "E0310",
                                at(self.item, condition.expr.span),
                                "a family's filter speaks of constants only",
                                "not known while the spec is checked",
                            );
                        }
                    }
                }
            };
            if !holds {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The values of a family's parameter.
pub(super) fn domain(
    context: &Context<'_>,
    item: ItemId,
    names: &[Arc<str>],
    instance: &[Constant],
    set: &Expr,
) -> Checked<Vec<Constant>> {
    // `0..len(test)` needs the dataset, which plain constants don't know.
    let env = Env::new(item, &named(names, instance));
    let values = Lowering::new(context).known(&env, set)?;
    let place = at(item, set.span);
    distinct(context, place, domain_of(context, place, &values, MAX_INSTANCES)?)
}

/// The values without repetitions: each makes one instance, whose name says which.
fn distinct(context: &Context<'_>, place: Place, values: Vec<Constant>) -> Checked<Vec<Constant>> {
    let mut texts: HashMap<String, Constant> = HashMap::new();
    let mut kept = Vec::new();
    for value in values {
        let text = value.text(context.db);
        match texts.get(&text) {
            None => {
                texts.insert(text, value.clone());
                kept.push(value);
            }
            Some(known) if *known == value => {
                context.report(
                    Diagnostic::warning("W0613", format!("the value {text} is given twice"), place, "has it twice")
                        .note("Equal values make one instance.")
                        .help("remove one of them"),
                );
            }
            Some(_) => {
                return context.error(
                    "E0302",
                    place,
                    format!("two values of this list are called `{text}`, so that their instances would have one name"),
                    "variants of different enums",
                );
            }
        }
    }
    Ok(kept)
}

pub(super) fn named(names: &[Arc<str>], values: &[Constant]) -> Vec<(Arc<str>, Constant)> {
    names.iter().cloned().zip(values.iter().cloned()).collect()
}
