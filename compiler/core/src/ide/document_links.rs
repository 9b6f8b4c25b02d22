//! Links from a spec to the files that it names.

use super::moved;
use crate::db::{Db, SourceFile, normalise, parsed};
use qnn_syntax::Span;
use qnn_syntax::ast::{ItemKind, Text};
use std::path::{Path, PathBuf};

/// A file's name in a spec, with the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where it is named, without the quotes.
    pub span: Span,
    /// The file or folder.
    pub path: PathBuf,
}

/// All links of a file in the order of its text.
pub fn links(db: &dyn Db, file: SourceFile) -> Vec<Link> {
    let folder = file.path(db).parent().unwrap_or(Path::new(""));
    let mut all = Vec::new();
    for slice in &parsed(db, file).items {
        let mut add = |text: &Text| {
            let span = moved(text.span, slice.start);
            let inner = Span::new(span.start + 1, span.end.saturating_sub(1).max(span.start + 1));
            all.push(Link { span: inner, path: normalise(&folder.join(&*text.text)) });
        };
        match &slice.item.kind {
            ItemKind::Use(path) => add(path),
            kind => kind.files().into_iter().for_each(add),
        }
    }
    all
}
