//! A whole spec: families and their instances, what is asked of engines, and all diagnostics.

use super::constant::{Constant, Evaluator, constant_item, domain_of, enum_variants, lookup_beside};
use super::data::{ParamsFile, dataset};
use super::network::network;
use super::property::{Env, Lowering, Optimization, Statement};
use super::scope::{file_diagnostics, scope};
use super::{Checked, Context, Outcome, Reported, at};
use crate::db::{Db, ItemId, SourceFile, items, tree, whole_file};
use crate::diagnostic::{Diagnostic, Place, Severity};
use qnn_syntax::Span;
use qnn_syntax::ast::{
    BinaryOp, Binder, BinderRange, Expr, ExprKind, FamilyParam, Item, ItemKind, MeasureBody, MeasureItem, Name,
    QuantifierKind,
};
use qnn_syntax::builtins::{self, function, is_builtin};
use qnn_syntax::walk::{self, Role};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

/// The most instances of one family.
pub const MAX_INSTANCES: usize = 100_000;
/// Families larger than this are checked at both ends only; all their instances are checked when they are verified.
const CHECKED_INSTANCES: usize = 2_000;

/// What `#[expect(…)]` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expectation {
    /// The default.
    Proved,
    /// A counterexample is known, or wanted.
    Violated,
    /// No input meets the assumptions.
    Vacuous,
}

/// The attributes of a property or measure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// `#[timeout(10s)]`: the budget of each instance.
    pub timeout: Option<Duration>,
    /// `#[engine(smt)]`.
    pub engine: Option<Arc<str>>,
    /// `#[expect(violated)]`.
    pub expect: Option<Expectation>,
}

/// The instances of a property or measure.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// The parameters' names.
    pub names: Vec<Arc<str>>,
    /// The values of each instance's parameters; one empty instance for what has no parameters.
    pub instances: Vec<Vec<Constant>>,
}

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

/// An instance's name: `robust(i = 3, eps = 1)`.
pub fn instance_name(db: &dyn Db, item: ItemId, family: &Family, index: usize) -> String {
    let Some(values) = family.instances.get(index).filter(|v| !v.is_empty()) else { return item.name(db).to_owned() };
    let list: Vec<String> =
        family.names.iter().zip(values).map(|(name, value)| format!("{name} = {}", value.text(db))).collect();
    format!("{}({})", item.name(db), list.join(", "))
}

/// An item's parameters and filter, if it is a property or measure.
fn parameters(item: &Item) -> Option<(&[FamilyParam], Option<&Expr>)> {
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

fn instances(context: &Context<'_>, item: ItemId) -> Checked<Family> {
    let found = tree(context.db, item).clone().ok_or(Reported)?;
    let (params, filter) = parameters(&found).ok_or(Reported)?;
    let names: Vec<Arc<str>> = params.iter().map(|p| p.name.text.clone()).collect();
    let mut all: Vec<Vec<Constant>> = vec![Vec::new()];
    for (index, param) in params.iter().enumerate() {
        if names[..index].contains(&param.name.text) {
            return Err(Reported);
        }
        let mut next = Vec::new();
        for instance in &all {
            // A parameter's range may depend on those before it.
            let values = domain(context, item, &names, instance, param)?;
            if next.len() + values.len() > MAX_INSTANCES {
                return context.error(
                    "E0607",
                    at(item, param.domain.span),
                    format!("this family has more than {MAX_INSTANCES} instances"),
                    "too many",
                );
            }
            next.extend(values.into_iter().map(|value| [instance.as_slice(), &[value]].concat()));
        }
        all = next;
    }
    if all.is_empty() {
        context.report(
            Diagnostic::warning(
                "W0610",
                "this family has no instances",
                super::scope::name_place(context.db, item),
                "nothing is checked",
            )
            .help("check the parameters' ranges: `a..b` does not contain b"),
        );
    }
    if let Some(filter) = filter {
        let before = all.len();
        let mut conditions = Filter::new(context, item, &names, filter);
        let mut kept = Vec::new();
        for instance in all {
            // An edit need not wait for the rest.
            context.db.unwind_if_revision_cancelled();
            if conditions.keeps(&instance)? {
                kept.push(instance);
            }
        }
        all = kept;
        if all.is_empty() && before > 0 {
            context.report(
                Diagnostic::warning(
                    "W0610",
                    "the filter leaves no instance of this family",
                    at(item, filter.span),
                    format!("false for all {before} instances"),
                )
                .help("check the condition after `where`"),
            );
        }
    }
    Ok(Family { names, instances: all })
}

/// A family's filter: conditions joined by `and`, looked at from left to right until one fails. What a condition says depends on
/// the parameters that it mentions alone, so it is evaluated once for each choice of those.
struct Filter<'a> {
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

impl<'a> Filter<'a> {
    fn new(context: &'a Context<'a>, item: ItemId, names: &'a [Arc<str>], filter: &'a Expr) -> Filter<'a> {
        let mut conditions = Vec::new();
        let mut open = vec![filter];
        while let Some(expr) = open.pop() {
            if let ExprKind::Binary(BinaryOp::And, left, right) = &expr.kind {
                open.extend([&**right, &**left]);
                continue;
            }
            let parameters = (0..names.len()).filter(|i| occurs(expr, &names[*i])).collect();
            conditions.push(Condition { expr, parameters, known: HashMap::new() });
        }
        Filter { context, item, names, conditions }
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
fn domain(
    context: &Context<'_>,
    item: ItemId,
    names: &[Arc<str>],
    instance: &[Constant],
    param: &FamilyParam,
) -> Checked<Vec<Constant>> {
    // `0..len(test)` needs the dataset, which plain constants don't know.
    let env = Env::new(item, &named(names, instance));
    let values = Lowering::new(context).known(&env, &param.domain)?;
    let place = at(item, param.domain.span);
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

fn named(names: &[Arc<str>], values: &[Constant]) -> Vec<(Arc<str>, Constant)> {
    names.iter().cloned().zip(values.iter().cloned()).collect()
}

/// What is asked for an instance, by its index in the family. Recent ones are remembered.
#[salsa::tracked(lru = 128)]
pub fn question(db: &dyn Db, item: ItemId, index: usize) -> Arc<Outcome<Question>> {
    Arc::new(question_once(db, item, index))
}

/// The same for whoever asks for each instance once, and for many: nothing is remembered. (Queries forget their values
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
fn lower(context: &Context<'_>, item: ItemId, parameters: &[(Arc<str>, Constant)]) -> Checked<Question> {
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

/// Whether a statement can only get harder as `name` grows: it occurs only in the radius of balls that universally
/// quantified variables range over, and each radius grows with it.
fn harder_with(context: &Context<'_>, item: ItemId, expr: &Expr, name: &str, depth: usize) -> bool {
    if depth > 16 {
        return false;
    }
    let free = |e: &Expr| !occurs(e, name);
    match &expr.kind {
        ExprKind::Quantifier(q) if q.kind == QuantifierKind::Forall => {
            let grows_binder = |b: &Binder| match &b.range {
                BinderRange::Type(ty) => {
                    let mut found = false;
                    walk::ty(ty, &mut |v| found |= mentions_name(v, name));
                    !found
                }
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
            let Ok(callee) = super::constant::lookup(context, item, &call.callee, Role::Function) else { return false };
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

fn mentions_name(visit: walk::Visit<'_>, name: &str) -> bool {
    matches!(visit, walk::Visit::Expr(Expr { kind: ExprKind::Name(n), .. }) if &*n.text == name)
}

fn occurs(expr: &Expr, name: &str) -> bool {
    let mut found = false;
    walk::expr(expr, &mut |v| found |= mentions_name(v, name));
    found
}

/// Whether a radius never falls as `name` grows.
fn grows(expr: &Expr, name: &str) -> bool {
    match &expr.kind {
        ExprKind::Name(_) => true,
        ExprKind::Lsb(inner) => grows(inner, name),
        ExprKind::Binary(BinaryOp::Add, a, b) => grows(a, name) && grows(b, name),
        ExprKind::Binary(BinaryOp::Multiply, a, b) => {
            let positive = |e: &Expr| matches!(&e.kind, ExprKind::Number { .. });
            positive(a) && grows(b, name) || grows(a, name) && positive(b)
        }
        ExprKind::Binary(BinaryOp::Divide, a, b) => grows(a, name) && matches!(&b.kind, ExprKind::Number { .. }),
        _ => !occurs(expr, name),
    }
}

/// Which attributes there are.
fn the_attributes() -> String {
    let names: Vec<String> = builtins::ATTRIBUTES.iter().map(|attribute| format!("`{}`", attribute.name)).collect();
    format!("the attributes are {}", names.join(", "))
}

/// The attributes of an item, with what is wrong with them.
#[salsa::tracked]
pub fn attributes(db: &dyn Db, item: ItemId) -> Arc<Outcome<Attributes>> {
    let context = Context::new(db);
    let mut all = Attributes::default();
    let found = tree(db, item);
    for attribute in found.iter().flat_map(|t| &t.attributes) {
        let place = at(item, attribute.span);
        let verifiable =
            matches!(found.as_deref().map(|t| &t.kind), Some(ItemKind::Property(_) | ItemKind::Measure(_)));
        let bad = |message: String, label: &str| {
            context.report(Diagnostic::error("E0608", message, place, label));
        };
        if !verifiable {
            bad(format!("`#[{}]` belongs before a property or a measure", attribute.name.text), "not here");
            continue;
        }
        let earlier = found.iter().flat_map(|t| &t.attributes).take_while(|a| a.span != attribute.span);
        if earlier.into_iter().any(|a| a.name.text == attribute.name.text) {
            bad(format!("`#[{}]` is given twice", attribute.name.text), "given before");
            continue;
        }
        let argument = match attribute.arguments.as_slice() {
            [only] => &*only.text,
            _ => {
                let example = match builtins::attribute(&attribute.name.text) {
                    Some(known) => format!("write `#[{}]`, say", known.usage),
                    None => the_attributes(),
                };
                bad(format!("`#[{}]` takes one argument in parentheses", attribute.name.text), &example);
                continue;
            }
        };
        match &*attribute.name.text {
            "timeout" => match duration(argument) {
                Some(budget) => all.timeout = Some(budget),
                None => bad(format!("`{argument}` is no time"), "write `10s`, `500ms`, `2min` or `1h`"),
            },
            "engine" => {
                if qnn_engine::NAMES.contains(&argument) {
                    all.engine = Some(argument.into());
                } else {
                    bad(
                        format!("there is no engine `{argument}`"),
                        &format!("the engines are {}", qnn_engine::NAMES.join(", ")),
                    );
                }
            }
            "expect" => match argument {
                "proved" => all.expect = Some(Expectation::Proved),
                "violated" => all.expect = Some(Expectation::Violated),
                "vacuous" => all.expect = Some(Expectation::Vacuous),
                _ => bad(format!("`{argument}` can't be expected"), "expect `proved`, `violated` or `vacuous`"),
            },
            other => bad(format!("there is no attribute `{other}`"), &the_attributes()),
        }
    }
    Arc::new(context.outcome(Ok(all)))
}

/// A time such as `10s`, `500ms`, `2min`, `1h`.
pub fn duration(text: &str) -> Option<Duration> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(split);
    let number: f64 = number.parse().ok()?;
    let factor = match unit {
        "ms" => 1e-3,
        "s" => 1.0,
        "min" | "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    let seconds = number * factor;
    (seconds > 0.0 && seconds < 1e9).then(|| Duration::from_secs_f64(seconds))
}

/// What is to be said about an item. Networks are said more of where instances use them.
#[salsa::tracked]
pub fn check_item(db: &dyn Db, item: ItemId) -> Arc<Vec<Diagnostic>> {
    let context = Context::new(db);
    let mut all: Vec<Diagnostic> = Vec::new();
    let Some(found) = tree(db, item).clone() else { return Arc::default() };
    let names = Context::new(db);
    check_names(&names, item, &found);
    all.extend(names.outcome(Ok(())).diagnostics);
    check_twice(&context, item, &found);
    let nothing = |_: &str| None;
    let evaluator = Evaluator { context: &context, item, locals: &nothing };
    match &found.kind {
        ItemKind::Use(_) => {}
        ItemKind::Type(alias) if alias.generics.is_empty() => {
            let _ = evaluator.ty(&alias.ty);
        }
        ItemKind::Type(_) => {}
        ItemKind::Def(declaration) => {
            let taken = function(&declaration.name.text).is_some();
            if !taken && !is_mentioned(db, item) {
                context.report(unused(item, &declaration.name, "never called"));
            }
        }
        ItemKind::Enum(declaration) => {
            if declaration.variants.is_empty() {
                context.report(Diagnostic::error(
                    "E0302",
                    "an enum needs a variant",
                    at(item, declaration.name.span),
                    "has none",
                ));
            }
        }
        ItemKind::Const(_) => all.extend(constant_item(db, item).diagnostics.iter().cloned()),
        ItemKind::Dataset(_) => all.extend(dataset(db, item).diagnostics.iter().cloned()),
        ItemKind::Params(params) => {
            let _ = ParamsFile::new(&evaluator, params);
        }
        ItemKind::Network(declaration) if declaration.generics.is_empty() => {
            all.extend(network(db, item, Vec::new()).diagnostics.iter().cloned());
        }
        ItemKind::Network(declaration) => {
            if !is_mentioned(db, item) {
                context.report(unused(item, &declaration.name, "generic, and never instantiated"));
            }
        }
        ItemKind::Property(_) | ItemKind::Measure(_) => {
            all.extend(attributes(db, item).diagnostics.iter().cloned());
            let family = family(db, item);
            all.extend(family.diagnostics.iter().cloned());
            if let Some(family) = &family.value {
                let count = family.instances.len();
                let half = CHECKED_INSTANCES / 2;
                let mut checked = 0;
                let mut constant: HashMap<(&str, Place), usize> = HashMap::new();
                for (index, values) in family.instances.iter().enumerate() {
                    if index >= half && index + half < count {
                        continue;
                    }
                    db.unwind_if_revision_cancelled();
                    let context = Context::new(db);
                    let parameters = named(&family.names, values);
                    let lowered = lower(&context, item, &parameters);
                    if let Ok(Question::Largest { domain, .. }) = &lowered {
                        // The goal's own diagnostics, at the first and the last candidate.
                        all.extend(largest_at(db, item, index, domain.0).diagnostics);
                        all.extend(largest_at(db, item, index, domain.1).diagnostics);
                    }
                    let failed = lowered.is_err();
                    checked += 1;
                    let mut found = context.outcome(lowered).diagnostics;
                    if !values.is_empty() {
                        let name = instance_name(db, item, family, index);
                        found.iter_mut().filter(|d| d.labels[0].place.item == item).for_each(|d| {
                            d.notes.push(format!("This is so for `{name}`."));
                        });
                    }
                    for diagnostic in found.iter().filter(|d| matches!(d.code, "W0604" | "W0615")) {
                        *constant.entry((diagnostic.code, diagnostic.labels[0].place)).or_default() += 1;
                    }
                    all.extend(found);
                    if failed && all.len() > 20 {
                        break;
                    }
                }
                // Some instances at a family's edge may well be constant, or left out by a premise; not all of them.
                all.retain(|d| constant.get(&(d.code, d.labels[0].place)).is_none_or(|count| *count == checked));
            }
        }
    }
    all.extend(context.outcome(Ok(())).diagnostics);
    Arc::new(unique(all))
}

/// The same thing said of the same places counts once, whatever instance it was said for. A warning that is another one for another instance
/// (weights saturate at each width in their own way) says so in its notes.
fn unique(all: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut first: HashMap<(&'static str, Vec<Place>), usize> = HashMap::new();
    let mut kept: Vec<Diagnostic> = Vec::new();
    for diagnostic in all {
        let places = diagnostic.labels.iter().map(|label| label.place).collect();
        match first.entry((diagnostic.code, places)) {
            Entry::Vacant(entry) => {
                entry.insert(kept.len());
                kept.push(diagnostic);
            }
            Entry::Occupied(entry) => {
                let known = &mut kept[*entry.get()];
                if diagnostic.severity == Severity::Warning && !known.says(&diagnostic.message) {
                    let instance = diagnostic.notes.last().map_or_else(String::new, |note| format!(" {note}"));
                    known.notes.push(format!("{}.{instance}", diagnostic.message));
                }
            }
        }
    }
    kept
}

/// The warning about a definition whose body only its uses would check.
fn unused(item: ItemId, name: &Name, label: &str) -> Diagnostic {
    let message = format!("nothing uses `{}`, so its body is not checked", name.text);
    Diagnostic::warning("W0207", message, at(item, name.span), label)
        .note("What it takes is known only where it is used: its body is checked once for each use.")
        .help("use it in a property, or remove it")
}

/// Reports names that are declared twice side by side. (Nested names hide those outside.)
fn check_twice(context: &Context<'_>, item: ItemId, tree: &Item) {
    let names: Vec<&Name> = match &tree.kind {
        ItemKind::Network(i) => {
            i.generics.iter().chain(i.params.iter().map(|p| &p.name)).chain(i.files.iter().map(|p| &p.name)).collect()
        }
        ItemKind::Def(i) => i.generics.iter().chain(i.params.iter().map(|p| &p.name)).collect(),
        ItemKind::Type(i) => i.generics.iter().collect(),
        ItemKind::Dataset(i) => i.fields.iter().map(|f| &f.name).collect(),
        ItemKind::Enum(i) => i.variants.iter().map(|(name, _)| name).collect(),
        ItemKind::Property(i) => i.params.iter().map(|p| &p.name).collect(),
        ItemKind::Measure(i) => i.params.iter().map(|p| &p.name).collect(),
        ItemKind::Use(_) | ItemKind::Const(_) | ItemKind::Params(_) => Vec::new(),
    };
    report_twice(context, item, &names);
    if let ItemKind::Measure(MeasureItem { body: MeasureBody::Optimize { over, .. }, .. }) = &tree.kind {
        report_twice(context, item, &over.iter().map(|b| &b.name).collect::<Vec<_>>());
    }
    walk::item(tree, &mut |visit| {
        if let walk::Visit::Expr(Expr { kind: ExprKind::Quantifier(q), .. }) = visit {
            report_twice(context, item, &q.binders.iter().map(|b| &b.name).collect::<Vec<_>>());
        }
    });
}

fn report_twice(context: &Context<'_>, item: ItemId, names: &[&Name]) {
    for (index, name) in names.iter().enumerate() {
        if let Some(first) = names[..index].iter().find(|known| known.text == name.text) {
            context.report(
                Diagnostic::error(
                    "E0202",
                    format!("`{}` is declared twice", name.text),
                    at(item, name.span),
                    "declared again here",
                )
                .label(at(item, first.span), "first declared here")
                .help("rename one of them"),
            );
        }
    }
}

/// The names that an item binds itself.
fn own_names(tree: &Item) -> Vec<&str> {
    let mut names: Vec<&Name> = Vec::new();
    match &tree.kind {
        ItemKind::Network(i) => {
            names.extend(i.generics.iter().chain(i.params.iter().map(|p| &p.name)));
            names.extend(i.files.iter().map(|p| &p.name).chain(i.lets.iter().map(|l| &l.name)));
        }
        ItemKind::Def(i) => names.extend(i.generics.iter().chain(i.params.iter().map(|p| &p.name))),
        ItemKind::Type(i) => names.extend(&i.generics),
        ItemKind::Property(i) => names.extend(i.params.iter().map(|p| &p.name)),
        ItemKind::Measure(i) => {
            names.extend(i.params.iter().map(|p| &p.name));
            match &i.body {
                MeasureBody::Optimize { over, .. } => names.extend(over.iter().map(|b| &b.name)),
                MeasureBody::Largest { name, .. } => names.push(name),
            }
        }
        _ => {}
    }
    walk::item(tree, &mut |visit| {
        if let walk::Visit::Expr(e) = visit {
            match &e.kind {
                ExprKind::Quantifier(q) => names.extend(q.binders.iter().map(|b| &b.name)),
                ExprKind::Let(l) => names.push(&l.name),
                _ => {}
            }
        }
    });
    names.iter().map(|name| &*name.text).collect()
}

/// Reports names that mean nothing, also in items that nothing instantiates.
fn check_names(context: &Context<'_>, item: ItemId, tree: &Item) {
    let own = own_names(tree);
    for (name, role) in walk::mentions(tree) {
        let known = is_builtin(&name.text);
        if !known {
            let _ = lookup_beside(context, item, name, role, &own);
        }
    }
}

/// Whether any item of the same file mentions this one.
fn is_mentioned(db: &dyn Db, item: ItemId) -> bool {
    let name = item.name(db);
    items(db, item.file(db))
        .iter()
        .filter(|other| **other != item)
        .filter_map(|other| tree(db, *other).as_ref())
        .any(|tree| walk::mentions(tree).iter().any(|(n, _)| &*n.text == name))
}

/// What is to be said about a file itself, in the order of its text: names and syntax, then item by item.
#[salsa::tracked]
fn own_diagnostics(db: &dyn Db, file: SourceFile) -> Arc<Vec<Diagnostic>> {
    let mut all = file_diagnostics(db, file);
    for item in items(db, file) {
        all.extend(check_item(db, *item).iter().cloned());
    }
    if all.is_empty() && items(db, file).is_empty() {
        all.push(
            Diagnostic::warning(
                "W0614",
                "this file defines nothing",
                at(whole_file(db, file), Span::default()),
                "no item",
            )
            .note("An item inside of a comment is none: `//` makes a comment of all that follows on its line.")
            .help("write an item: `property name = …;`, say"),
        );
    }
    Arc::new(unique(all))
}

/// All diagnostics of a file: its own, and the errors of every file that it uses, whatever names it takes from there.
#[salsa::tracked]
pub fn diagnostics(db: &dyn Db, file: SourceFile) -> Arc<Vec<Diagnostic>> {
    let mut all = own_diagnostics(db, file).to_vec();
    for used in scope(db, file).value.iter().flat_map(|scope| &scope.used) {
        all.extend(own_diagnostics(db, *used).iter().filter(|d| d.severity == Severity::Error).cloned());
    }
    Arc::new(unique(all))
}

/// The properties and measures of a file, in the order of its text.
pub fn verifiable(db: &dyn Db, file: SourceFile) -> Vec<ItemId> {
    items(db, file)
        .iter()
        .copied()
        .filter(|item| {
            matches!(tree(db, *item).as_deref().map(|t| &t.kind), Some(ItemKind::Property(_) | ItemKind::Measure(_)))
        })
        .collect()
}

/// The names of an enum's variants, for display.
pub fn variant_names(db: &dyn Db, item: ItemId) -> Vec<Arc<str>> {
    enum_variants(db, item).into_iter().map(|(name, _)| name).collect()
}
