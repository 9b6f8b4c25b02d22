//! What an editor asks of a spec: features on byte offsets.
//!
//! In: the database, a file, a byte offset. Out: ranges of bytes, texts, edits. One file or folder a feature. The module knows nothing of LSP, of
//! positions in lines, or of threads; it solves nothing and changes nothing. Everything also answers for broken text.

pub mod code_actions;
pub mod completion;
pub mod document_links;
pub mod first_spec;
pub mod folding;
pub mod hover;
pub mod inlay_hints;
pub mod layers;
pub mod model_file;
pub mod names;
pub mod navigation;
mod networks;
pub mod neurons;
pub mod outline;
pub mod rename;
pub mod selection;
pub mod semantic_tokens;
pub mod signature_help;
pub mod spec_actions;
pub mod symbols;
pub mod tensors;
pub mod trace;

pub use crate::report::sentences::{
    call_line, counterexample_line, counterexample_text, duration, seconds, variable_line,
};
pub use outline::{Property, fingerprint, outline};

use crate::db::{Db, ItemId, SourceFile, items, offset, parsed, tree};
use crate::diagnostic::Place;
use qnn_syntax::ast::ItemKind;
use qnn_syntax::{Span, builtins};
use std::path::Path;

/// The signature and the meaning of a function or type of the language.
fn builtin_docs(name: &str) -> Option<(String, &'static str)> {
    match builtins::function(name) {
        Some(function) => Some((function.signature(), function.docs)),
        None => builtins::type_named(name).map(|ty| (ty.usage.to_owned(), ty.docs)),
    }
}

/// The specs that a file uses, and those that they use, each once.
pub fn uses(db: &dyn Db, file: SourceFile) -> Vec<SourceFile> {
    let (mut all, mut next) = (vec![file], 0);
    while let Some(file) = all.get(next).copied() {
        next += 1;
        let folder = file.path(db).parent().unwrap_or(Path::new(""));
        for item in items(db, file) {
            if let Some(ItemKind::Use(path)) = tree(db, *item).as_deref().map(|t| &t.kind) {
                let used = db.source(&folder.join(&*path.text));
                if !all.contains(&used) {
                    all.push(used);
                }
            }
        }
    }
    all.split_off(1)
}

/// A range of bytes in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileRange {
    /// The file.
    pub file: SourceFile,
    /// The bytes, from the file's start.
    pub span: Span,
}

/// A place of a diagnostic or tree as a range of its file.
pub fn file_range(db: &dyn Db, place: Place) -> FileRange {
    let start = offset(db, place.item);
    FileRange { file: place.item.file(db), span: moved(place.span, start) }
}

/// A change of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced.
    pub range: FileRange,
    /// By what.
    pub text: String,
}

/// A span relative to an item's start, moved to where the item stands.
pub(crate) fn moved(span: Span, by: u32) -> Span {
    Span::new(span.start + by, span.end + by)
}

/// Whether an offset stands in a span or at its end, as a cursor does.
pub(crate) fn touches(span: Span, offset: u32) -> bool {
    span.start <= offset && offset <= span.end
}

/// The text of a file; empty if there is none.
pub(crate) fn text(db: &dyn Db, file: SourceFile) -> &str {
    file.text(db).as_ref().map_or("", |text| text)
}

/// The item whose slice an offset stands in, with where the slice begins.
pub(crate) fn item_at(db: &dyn Db, file: SourceFile, at: u32) -> Option<(ItemId, u32)> {
    let all = &parsed(db, file).items;
    let ids = crate::db::items(db, file);
    let index = all.iter().position(|item| item.start <= at && at <= item.end)?;
    // Where two items touch, the one that begins here.
    let index = if all.get(index + 1).is_some_and(|next| next.start == at) { index + 1 } else { index };
    Some((*ids.get(index)?, all.get(index)?.start))
}
