//! What an item is, and what a name that an item binds is.

use super::code;
use super::file::about_params;
use super::format::about_type;
use super::layer::{about_let, about_network};
use crate::check::constant::Constant;
use crate::check::data::dataset;
use crate::check::spec::family;
use crate::db::{Db, ItemId, SourceFile, tree};
use crate::ide::names::LocalKind;
use crate::ide::{moved, networks, text};
use qnn_syntax::Span;
use qnn_syntax::ast::{ExprKind, Item, ItemKind, MeasureBody, TypeExpr};
use qnn_syntax::walk::{self, Visit};
use std::fmt::Write;

/// The first line of an item, up to its block or value.
pub(super) fn head(db: &dyn Db, item: ItemId, found: &Item) -> String {
    let source = text(db, item.file(db));
    let span = moved(found.span, crate::db::offset(db, item));
    let written = source.get(span.start as usize..span.end as usize).unwrap_or_default();
    let end = match &found.kind {
        ItemKind::Network(_) | ItemKind::Dataset(_) | ItemKind::Params(_) => written.find('{').unwrap_or(written.len()),
        _ => written.len(),
    };
    let text = written[..end].trim_end();
    // A long value is cut at a line's end.
    let mut lines: Vec<&str> = text.lines().take(13).collect();
    if lines.len() > 12 {
        lines.truncate(12);
        lines.push("…");
    }
    lines.join("\n")
}

pub(super) fn about_item(db: &dyn Db, target: ItemId, from: SourceFile) -> Option<String> {
    let found = tree(db, target).as_ref()?;
    let mut text = code(&head(db, target, found));
    if !found.docs.is_empty() {
        let _ = writeln!(text, "\n{}\n", found.docs);
    }
    match &found.kind {
        ItemKind::Type(alias) if alias.generics.is_empty() => {
            text.push_str(&about_type(db, target, &alias.ty).unwrap_or_default());
        }
        ItemKind::Const(declaration) => {
            if let Some(value @ (Constant::Number(_) | Constant::Bool(_))) =
                networks::constant(db, target, &declaration.value)
            {
                let _ = writeln!(text, "\n= `{}`", value.text(db));
            }
        }
        ItemKind::Enum(declaration) => _ = writeln!(text, "\n{} entries.", declaration.variants.len()),
        ItemKind::Dataset(_) => {
            if let Some(data) = &dataset(db, target).value {
                let _ = writeln!(text, "\n{} samples:\n", data.len);
                for field in &data.fields {
                    let _ = writeln!(text, "- `{}: {}`", field.name, field.ty.show(db));
                }
            }
        }
        ItemKind::Network(_) | ItemKind::Import(_) => {
            let all = networks::instances(db, target, from);
            for network in all.iter().take(2) {
                text.push_str(&about_network(db, network));
            }
            if all.len() > 2 {
                let names: Vec<&str> = all[2..].iter().map(|n| &*n.name).collect();
                let _ = writeln!(text, "\nAlso used as {}.", names.join(", "));
            }
        }
        ItemKind::Property(_) | ItemKind::Measure(_) => {
            if let Some(family) = &family(db, target).value
                && !family.names.is_empty()
            {
                let _ = writeln!(text, "\n{} instances.", family.instances.len());
            }
        }
        _ => {}
    }
    Some(text)
}

pub(super) fn about_local(db: &dyn Db, owner: ItemId, span: Span, kind: LocalKind, from: SourceFile) -> Option<String> {
    let found = tree(db, owner).as_ref()?;
    let source = text(db, owner.file(db));
    let written = |span: Span| {
        let span = moved(span, crate::db::offset(db, owner));
        source.get(span.start as usize..span.end as usize).unwrap_or_default()
    };
    let name = written(span);
    let typed = |ty: &TypeExpr| {
        format!("{}{}", code(&format!("{name}: {}", written(ty.span))), about_type(db, owner, ty).unwrap_or_default())
    };
    Some(match (kind, &found.kind) {
        (LocalKind::Generic, _) => format!("{}An integer that each use gives.\n", code(&format!("<{name}>"))),
        (LocalKind::Parameter, ItemKind::Network(n)) => typed(&n.params.iter().find(|p| p.name.span == span)?.ty),
        (LocalKind::Parameter, ItemKind::Def(d)) => typed(&d.params.iter().find(|p| p.name.span == span)?.ty),
        (LocalKind::FamilyParameter, ItemKind::Property(_) | ItemKind::Measure(_)) => {
            let params = match &found.kind {
                ItemKind::Property(p) => &p.params,
                ItemKind::Measure(m) => &m.params,
                _ => return None,
            };
            let domain = params.iter().find(|p| p.name.span == span)?.domain.span;
            let count = family(db, owner).value.as_ref().map(|f| f.instances.len());
            let count = count.map(|n| format!("{n} instances in all.\n")).unwrap_or_default();
            format!("{}{count}", code(&format!("{name} in {}", written(domain))))
        }
        (LocalKind::Let, ItemKind::Network(n)) => {
            let statement = n.lets.iter().find(|l| l.name.span == span)?;
            let mut text = code(&format!("let {name} = {}", written(statement.value.span)));
            for network in networks::instances(db, owner, from) {
                text.push_str(&about_let(db, &network, name));
            }
            text
        }
        (LocalKind::Params, ItemKind::Network(n)) => {
            let params = n.files.iter().find(|p| p.name.span == span)?;
            about_params(db, owner, params)
        }
        _ => {
            // Variables and `let` of properties: as they are bound.
            let mut bound = None;
            walk::item(found, &mut |visit| {
                if let Visit::Expr(e) = visit {
                    match &e.kind {
                        ExprKind::Quantifier(q) => {
                            bound = bound.or(q.binders.iter().find(|b| b.name.span == span).map(binder_span));
                        }
                        ExprKind::Let(l) if l.name.span == span => bound = Some(l.name.span.to(l.value.span)),
                        _ => {}
                    }
                }
            });
            if let ItemKind::Measure(m) = &found.kind
                && let MeasureBody::Optimize { over, .. }
                | MeasureBody::Share { over, .. }
                | MeasureBody::Average { over, .. } = &m.body
            {
                bound = bound.or(over.iter().find(|b| b.name.span == span).map(binder_span));
            }
            match bound {
                Some(bound) => code(written(bound)),
                None => code(name),
            }
        }
    })
}

fn binder_span(binder: &qnn_syntax::ast::Binder) -> Span {
    use qnn_syntax::ast::BinderRange;
    match &binder.range {
        BinderRange::Type(ty) => binder.name.span.to(ty.span),
        BinderRange::Set(set) => binder.name.span.to(set.span),
    }
}
