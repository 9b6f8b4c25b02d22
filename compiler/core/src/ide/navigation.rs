//! Go to definition, find references, highlight.
//!
//! References are looked for in the files that the caller names: all that the database has read, as a rule.

use super::names::{Definition, at_offset, occurrences, place};
use super::{FileRange, file_range, moved};
use crate::check::at;
use crate::db::{Db, SourceFile, items, offset, tree};
use qnn_syntax::Span;
use qnn_syntax::ast::ItemKind;

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

/// All occurrences of a definition's name in these files and in the one where the question was asked.
pub(super) fn all(db: &dyn Db, definition: &Definition, from: SourceFile, files: &[SourceFile]) -> Vec<Reference> {
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

/// Where an item stands, its attributes and comments aside.
pub fn item_range(db: &dyn Db, item: crate::db::ItemId) -> FileRange {
    let span = tree(db, item).as_ref().map(|t| t.span).unwrap_or_default();
    file_range(db, at(item, span))
}
