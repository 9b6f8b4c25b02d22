//! Walks over trees: every expression and type of an item, outermost first.

use std::collections::HashSet;

use super::ast::{
    BinderRange, Expr, ExprKind, ImportOption, Item, ItemKind, MeasureBody, Params, TypeArgument, TypeExpr,
};

/// What a walk meets.
#[derive(Clone, Copy, Debug)]
pub enum Visit<'a> {
    /// An expression.
    Expr(&'a Expr),
    /// A type.
    Type(&'a TypeExpr),
}

/// Calls `f` for every expression and type of an item.
pub fn item<'a>(item: &'a Item, f: &mut dyn FnMut(Visit<'a>)) {
    match &item.kind {
        ItemKind::Use(_) | ItemKind::Enum(_) => {}
        ItemKind::Type(i) => ty(&i.ty, f),
        ItemKind::Const(i) => expr(&i.value, f),
        ItemKind::Dataset(i) => i.fields.iter().for_each(|field| ty(&field.ty, f)),
        ItemKind::Params(i) => params(i, f),
        ItemKind::Network(i) => {
            i.params.iter().for_each(|p| ty(&p.ty, f));
            ty(&i.result, f);
            i.files.iter().for_each(|p| params(p, f));
            for statement in &i.lets {
                if let Some(annotation) = &statement.ty {
                    ty(annotation, f);
                }
                expr(&statement.value, f);
            }
            expr(&i.body, f);
        }
        ItemKind::Import(i) => i.options.iter().filter_map(ImportOption::ty).for_each(|t| ty(t, f)),
        ItemKind::Def(i) => {
            i.params.iter().for_each(|p| ty(&p.ty, f));
            ty(&i.result, f);
            expr(&i.body, f);
        }
        ItemKind::Property(i) => {
            i.params.iter().for_each(|p| expr(&p.domain, f));
            i.filter.iter().for_each(|e| expr(e, f));
            expr(&i.body, f);
        }
        ItemKind::Measure(i) => {
            i.params.iter().for_each(|p| expr(&p.domain, f));
            i.filter.iter().for_each(|e| expr(e, f));
            match &i.body {
                MeasureBody::Optimize { objective, over, condition, within, .. } => {
                    over.iter().for_each(|b| binder(&b.range, f));
                    condition.iter().chain(within).for_each(|e| expr(e, f));
                    expr(objective, f);
                }
                MeasureBody::Largest { domain, goal, .. } => {
                    expr(domain, f);
                    expr(goal, f);
                }
                MeasureBody::Share { over, condition, goal: e }
                | MeasureBody::Average { value: e, over, condition } => {
                    over.iter().for_each(|b| binder(&b.range, f));
                    condition.iter().for_each(|e| expr(e, f));
                    expr(e, f);
                }
            }
        }
    }
}

fn params<'a>(params: &'a Params, f: &mut dyn FnMut(Visit<'a>)) {
    params.rules.iter().for_each(|rule| ty(&rule.ty, f));
}

fn binder<'a>(range: &'a BinderRange, f: &mut dyn FnMut(Visit<'a>)) {
    match range {
        BinderRange::Type(t) => ty(t, f),
        BinderRange::Set(e) => expr(e, f),
    }
}

/// Calls `f` for a type and all within it.
pub fn ty<'a>(t: &'a TypeExpr, f: &mut dyn FnMut(Visit<'a>)) {
    f(Visit::Type(t));
    for argument in &t.arguments {
        match argument {
            TypeArgument::Value(e) => expr(e, f),
            // `round = half_up`: words of the format, not names of the spec.
            TypeArgument::Named(..) => {}
            TypeArgument::Type(t) => ty(t, f),
        }
    }
    t.shape.iter().for_each(|e| expr(e, f));
}

/// Calls `f` for an expression and all within it.
pub fn expr<'a>(e: &'a Expr, f: &mut dyn FnMut(Visit<'a>)) {
    f(Visit::Expr(e));
    match &e.kind {
        ExprKind::Number { .. } | ExprKind::Bool(_) | ExprKind::Name(_) => {}
        ExprKind::List(elements) => elements.iter().for_each(|e| expr(e, f)),
        ExprKind::Lsb(inner) | ExprKind::Unary(_, inner) | ExprKind::Field(inner, _) => expr(inner, f),
        ExprKind::Binary(_, left, right) => {
            expr(left, f);
            expr(right, f);
        }
        ExprKind::Cast(inner, t) => {
            expr(inner, f);
            ty(t, f);
        }
        ExprKind::Index(inner, indices) => {
            expr(inner, f);
            indices.iter().for_each(|e| expr(e, f));
        }
        ExprKind::Call(call) => {
            call.generics.iter().for_each(|e| expr(e, f));
            // `padding = same`: a word of the option, not a name of the spec.
            call.arguments.iter().filter(|a| a.word().is_none()).for_each(|a| expr(&a.value, f));
        }
        ExprKind::Range { start, end, .. } => {
            start.iter().for_each(|e| expr(e, f));
            end.iter().for_each(|e| expr(e, f));
        }
        ExprKind::Quantifier(q) => {
            q.binders.iter().for_each(|b| binder(&b.range, f));
            q.condition.iter().for_each(|e| expr(e, f));
            expr(&q.body, f);
        }
        ExprKind::Let(l) => {
            expr(&l.value, f);
            expr(&l.body, f);
        }
    }
}

/// Whether an expression mentions a value by a name.
pub fn occurs(e: &Expr, name: &str) -> bool {
    let mut found = false;
    expr(e, &mut |visit| found |= is_name(visit, name));
    found
}

/// Whether a type mentions a value by a name.
pub fn occurs_in_type(t: &TypeExpr, name: &str) -> bool {
    let mut found = false;
    ty(t, &mut |visit| found |= is_name(visit, name));
    found
}

fn is_name(visit: Visit<'_>, name: &str) -> bool {
    matches!(visit, Visit::Expr(Expr { kind: ExprKind::Name(n), .. }) if &*n.text == name)
}

/// As what a name stands where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The head of a type.
    Type,
    /// What is called.
    Function,
    /// A value.
    Value,
}

/// The names by which an item mentions others, in the order of the text: all types and functions that it names, and
/// those of its other names that it binds nowhere itself.
pub fn mentions(tree: &Item) -> Vec<(&super::ast::Name, Role)> {
    let mut bound: HashSet<&str> = HashSet::new();
    match &tree.kind {
        ItemKind::Network(i) => {
            bound.extend(i.generics.iter().map(|n| &*n.text));
            bound.extend(i.params.iter().map(|p| &*p.name.text));
            bound.extend(i.files.iter().map(|p| &*p.name.text));
            bound.extend(i.lets.iter().map(|l| &*l.name.text));
        }
        ItemKind::Def(i) => {
            bound.extend(i.generics.iter().map(|n| &*n.text));
            bound.extend(i.params.iter().map(|p| &*p.name.text));
        }
        ItemKind::Type(i) => bound.extend(i.generics.iter().map(|n| &*n.text)),
        ItemKind::Import(i) => bound.extend(i.generics.iter().map(|n| &*n.text)),
        ItemKind::Property(i) => bound.extend(i.params.iter().map(|p| &*p.name.text)),
        ItemKind::Measure(i) => {
            bound.extend(i.params.iter().map(|p| &*p.name.text));
            match &i.body {
                MeasureBody::Optimize { over, .. }
                | MeasureBody::Share { over, .. }
                | MeasureBody::Average { over, .. } => bound.extend(over.iter().map(|b| &*b.name.text)),
                MeasureBody::Largest { name, .. } => bound.extend([&*name.text]),
            }
        }
        _ => {}
    }
    let mut names = Vec::new();
    item(tree, &mut |visit| match visit {
        Visit::Type(t) => names.push((&t.head, if t.member.is_some() { Role::Function } else { Role::Type })),
        Visit::Expr(e) => match &e.kind {
            ExprKind::Name(name) => names.push((name, Role::Value)),
            ExprKind::Call(call) => names.push((&call.callee, Role::Function)),
            ExprKind::Quantifier(q) => bound.extend(q.binders.iter().map(|b| &*b.name.text)),
            ExprKind::Let(l) => bound.extend([&*l.name.text]),
            _ => {}
        },
    });
    names.retain(|(name, role)| *role != Role::Value || !bound.contains(&*name.text));
    names
}
