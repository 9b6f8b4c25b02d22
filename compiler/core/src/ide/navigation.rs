//! Go to definition, find references, highlight, rename.
//!
//! References are looked for in the files that the caller names: all that the database has read, as a rule.

use super::names::{Definition, at_offset, occurrences, place};
use super::{Edit, FileRange, file_range, moved, text};
use crate::check::at;
use crate::check::scope::scope;
use crate::db::{Db, SourceFile, items, offset, tree};
use qnn_syntax::ast::{ItemKind, TypeArgument};
use qnn_syntax::builtins::is_builtin;
use qnn_syntax::scan::is_keyword;
use qnn_syntax::{Span, walk};

/// A name that was found, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Where.
    pub range: FileRange,
    /// Whether it is the definition.
    pub declares: bool,
}

/// Where a name is defined: the name under the cursor, and the definition's name.
pub fn definition(db: &dyn Db, file: SourceFile, offset: u32) -> Option<(FileRange, FileRange)> {
    if let Some(found) = used_file(db, file, offset) {
        return Some(found);
    }
    let (_, range, definition) = at_offset(db, file, offset)?;
    Some((range, place(db, &definition)?))
}

/// The file that a `use` under the cursor names.
fn used_file(db: &dyn Db, file: SourceFile, offset: u32) -> Option<(FileRange, FileRange)> {
    let (item, start) = super::item_at(db, file, offset)?;
    let ItemKind::Use(path) = &tree(db, item).as_ref()?.kind else { return None };
    let span = moved(path.span, start);
    let folder = file.path(db).parent()?;
    super::touches(span, offset).then(|| {
        (FileRange { file, span }, FileRange { file: db.source(&folder.join(&*path.text)), span: Span::default() })
    })
}

/// All occurrences of what is under the cursor, in these files.
pub fn references(db: &dyn Db, file: SourceFile, offset: u32, files: &[SourceFile]) -> Vec<Reference> {
    match at_offset(db, file, offset) {
        Some((_, _, definition)) => all(db, &definition, file, files),
        None => Vec::new(),
    }
}

fn all(db: &dyn Db, definition: &Definition, from: SourceFile, files: &[SourceFile]) -> Vec<Reference> {
    if matches!(definition, Definition::Unknown | Definition::Option(_)) {
        return Vec::new();
    }
    let here = matches!(definition, Definition::Local { .. } | Definition::Tensor { .. } | Definition::Builtin(_));
    let mut files: Vec<SourceFile> = files.iter().copied().filter(|f| !here || *f == from).collect();
    if !files.contains(&from) {
        files.push(from);
    }
    let mut found = Vec::new();
    for file in files {
        for item in items(db, file) {
            let start = offset(db, *item);
            let matching = occurrences(db, *item).iter().filter(|o| o.definition == *definition);
            found.extend(
                matching
                    .map(|o| Reference { range: FileRange { file, span: moved(o.span, start) }, declares: o.declares }),
            );
        }
    }
    found.sort_by_key(|r| (r.range.file != from, r.range));
    found
}

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
fn bound(db: &dyn Db, item: crate::db::ItemId, name: &str) -> Option<crate::db::ItemId> {
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
fn names_classes(db: &dyn Db, owner: crate::db::ItemId, files: &[SourceFile]) -> bool {
    let uses = |item: &crate::db::ItemId| {
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

/// Where an item stands, its attributes and comments aside.
pub fn item_range(db: &dyn Db, item: crate::db::ItemId) -> FileRange {
    let span = tree(db, item).as_ref().map(|t| t.span).unwrap_or_default();
    file_range(db, at(item, span))
}
