//! Names within an item: declared twice, meaning nothing, never used.

use crate::check::scope::lookup_beside;
use crate::check::{Context, at};
use crate::db::{Db, ItemId, items, tree};
use crate::diagnostic::Diagnostic;
use qnn_syntax::ast::{Expr, ExprKind, Item, ItemKind, MeasureBody, MeasureItem, Name};
use qnn_syntax::builtins::is_builtin;
use qnn_syntax::walk;

/// The warning about a definition whose body only its uses would check.
pub(super) fn unused(item: ItemId, name: &Name, label: &str) -> Diagnostic {
    let message = format!("nothing uses `{}`, so its body is not checked", name.text);
    Diagnostic::warning("W0207", message, at(item, name.span), label)
        .note("What it takes is known only where it is used: its body is checked once for each use.")
        .help("use it in a property, or remove it")
}

/// Reports names that are declared twice side by side. (Nested names hide those outside.)
pub(super) fn check_twice(context: &Context<'_>, item: ItemId, tree: &Item) {
    let names: Vec<&Name> = match &tree.kind {
        ItemKind::Network(i) => {
            i.generics.iter().chain(i.params.iter().map(|p| &p.name)).chain(i.files.iter().map(|p| &p.name)).collect()
        }
        ItemKind::Def(i) => i.generics.iter().chain(i.params.iter().map(|p| &p.name)).collect(),
        ItemKind::Import(i) => i.generics.iter().chain(i.options.iter().map(|o| &o.name)).collect(),
        ItemKind::Type(i) => i.generics.iter().collect(),
        ItemKind::Dataset(i) => i.fields.iter().map(|f| &f.name).collect(),
        ItemKind::Enum(i) => i.variants.iter().map(|(name, _)| name).collect(),
        ItemKind::Property(i) => i.params.iter().map(|p| &p.name).collect(),
        ItemKind::Measure(i) => i.params.iter().map(|p| &p.name).collect(),
        ItemKind::Use(_) | ItemKind::Const(_) | ItemKind::Params(_) => Vec::new(),
    };
    report_twice(context, item, &names);
    if let ItemKind::Measure(MeasureItem { body, .. }) = &tree.kind
        && let MeasureBody::Optimize { over, .. } | MeasureBody::Share { over, .. } | MeasureBody::Average { over, .. } =
            body
    {
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
        ItemKind::Import(i) => names.extend(&i.generics),
        ItemKind::Property(i) => names.extend(i.params.iter().map(|p| &p.name)),
        ItemKind::Measure(i) => {
            names.extend(i.params.iter().map(|p| &p.name));
            match &i.body {
                MeasureBody::Optimize { over, .. }
                | MeasureBody::Share { over, .. }
                | MeasureBody::Average { over, .. } => names.extend(over.iter().map(|b| &b.name)),
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
pub(super) fn check_names(context: &Context<'_>, item: ItemId, tree: &Item) {
    let own = own_names(tree);
    for (name, role) in walk::mentions(tree) {
        let known = is_builtin(&name.text);
        if !known {
            let _ = lookup_beside(context, item, name, role, &own);
        }
    }
}

/// Whether any item of the same file mentions this one.
pub(super) fn is_mentioned(db: &dyn Db, item: ItemId) -> bool {
    let name = item.name(db);
    items(db, item.file(db))
        .iter()
        .filter(|other| **other != item)
        .filter_map(|other| tree(db, *other).as_ref())
        .any(|tree| walk::mentions(tree).iter().any(|(n, _)| &*n.text == name))
}
