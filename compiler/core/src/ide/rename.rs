//! Rename: another name for an item, a field, a variant or a local name, wherever it occurs.
//!
//! In: the name under the cursor and the one that it is to get. Out: the changes; or why the other name would mean something else somewhere.

use super::names::{Definition, at_offset, occurrences};
use super::navigation::{Reference, all};
use super::{Edit, FileRange, text};
use crate::check::scope::scope;
use crate::db::{Db, ItemId, SourceFile, items, offset, tree};
use qnn_syntax::ast::{ItemKind, TypeArgument};
use qnn_syntax::builtins::is_builtin;
use qnn_syntax::lexer::is_keyword;
use qnn_syntax::{Span, walk};

/// What would be renamed: the name under the cursor.
///
/// # Errors
/// Why it can't be.
pub fn prepare_rename(db: &dyn Db, file: SourceFile, offset: u32) -> Result<FileRange, String> {
    let Some((_, range, definition)) = at_offset(db, file, offset) else {
        return Err("there is no name here".to_owned());
    };
    match definition {
        Definition::Builtin(name) => Err(format!("`{name}` is a word of the language")),
        Definition::Option(name) => Err(format!("`{name}` is a word of the language")),
        Definition::Tensor { path, .. } => Err(format!("`{path}` is called so in its file")),
        Definition::Unknown => Err("what this name means is not known".to_owned()),
        _ => Ok(range),
    }
}

/// The changes that give what is under the cursor another name and leave every meaning as it is.
///
/// # Errors
/// Why it can't be called so.
pub fn rename(
    db: &dyn Db,
    file: SourceFile,
    offset: u32,
    name: &str,
    files: &[SourceFile],
) -> Result<Vec<Edit>, String> {
    let range = prepare_rename(db, file, offset)?;
    let Some((item, _, definition)) = at_offset(db, file, offset) else {
        return Err("there is no name here".to_owned());
    };
    let valid = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !valid {
        return Err(format!("`{name}` is no name: a name is a letter or `_`, then letters, digits and `_`"));
    }
    if is_keyword(name) {
        return Err(format!("`{name}` is reserved"));
    }
    if is_builtin(name) {
        return Err(format!("`{name}` is a name of the language itself"));
    }
    let old = text(db, file).get(range.span.start as usize..range.span.end as usize).unwrap_or_default();
    if old == name {
        return Ok(Vec::new());
    }
    let found = all(db, &definition, file, files);
    // Wherever the name occurs, the new one must be free: it would be taken for something else, or take something else's place.
    let mut places: Vec<_> =
        found.iter().filter_map(|r| super::item_at(db, r.range.file, r.range.span.start)).collect();
    places.dedup();
    match &definition {
        Definition::Item(_) => {
            for (inside, _) in &places {
                let scope = scope(db, inside.file(db));
                if scope.value.as_ref().is_some_and(|scope| scope.names.contains_key(name)) {
                    return Err(format!("`{name}` is already defined"));
                }
                if let Some(taken) = bound(db, *inside, name) {
                    return Err(format!("`{}` binds the name `{name}` itself", taken.name(db)));
                }
            }
        }
        Definition::Local { .. } => {
            let taken = bound(db, item, name).is_some()
                || tree(db, item)
                    .as_ref()
                    .is_some_and(|tree| walk::mentions(tree).iter().any(|(n, _)| &*n.text == name));
            if taken {
                return Err(format!("`{name}` already means something in `{}`", item.name(db)));
            }
        }
        Definition::Field(owner, _) | Definition::Variant(owner, _) => {
            let taken = match tree(db, *owner).as_deref().map(|t| &t.kind) {
                Some(ItemKind::Dataset(d)) => d.fields.iter().any(|f| &*f.name.text == name),
                Some(ItemKind::Enum(e)) => e.variants.iter().any(|(n, _)| &*n.text == name),
                _ => false,
            };
            if taken {
                return Err(format!("`{}` already has a `{name}`", owner.name(db)));
            }
        }
        _ => {}
    }
    Ok(found
        .into_iter()
        .map(|r| Edit { text: renamed(db, &definition, &r, old, name, files), range: r.range })
        .collect())
}

/// An item that binds a name itself, if this one does.
fn bound(db: &dyn Db, item: ItemId, name: &str) -> Option<ItemId> {
    let source = text(db, item.file(db));
    let start = offset(db, item);
    let locals =
        occurrences(db, item).iter().filter(|o| o.declares && matches!(&o.definition, Definition::Local { .. }));
    let written =
        |span: Span| source.get((span.start + start) as usize..(span.end + start) as usize).unwrap_or_default();
    locals.into_iter().any(|o| written(o.span) == name).then_some(item)
}

/// The new text of an occurrence. A variant by whose name files know it keeps that name for them.
fn renamed(
    db: &dyn Db,
    definition: &Definition,
    at: &Reference,
    old: &str,
    name: &str,
    files: &[SourceFile],
) -> String {
    if let Definition::Variant(owner, index) = definition
        && at.declares
        && let Some(ItemKind::Enum(declaration)) = tree(db, *owner).as_deref().map(|t| &t.kind)
        && declaration.variants.get(*index).is_some_and(|(_, text)| text.is_none())
        && names_classes(db, *owner, files)
    {
        return format!("{name} = \"{old}\"");
    }
    name.to_owned()
}

/// Whether a dataset's file may know an enum's variants by their names.
fn names_classes(db: &dyn Db, owner: ItemId, files: &[SourceFile]) -> bool {
    let uses = |item: &ItemId| {
        let Some(ItemKind::Dataset(dataset)) = tree(db, *item).as_deref().map(|t| &t.kind) else { return false };
        dataset.fields.iter().any(|field| {
            let classes = field.ty.arguments.iter().any(|argument| match argument {
                TypeArgument::Value(e) => {
                    matches!(&e.kind, qnn_syntax::ast::ExprKind::Name(n) if &*n.text == owner.name(db))
                }
                _ => false,
            });
            classes || super::names::first_axis(db, *item, &field.ty, 0) == Some(owner)
        })
    };
    files.iter().chain([&owner.file(db)]).any(|file| items(db, *file).iter().any(uses))
}
