//! Places of diagnostics, in their files and texts.
//!
//! In: places, which are relative to their items. Out: files, ranges of bytes, lines and columns, as the database has the texts at the moment.

use crate::db::{Db, SourceFile, offset};
use crate::diagnostic::{Diagnostic, Place, printable};
use std::ops::Range;
use std::path::Path;

/// A diagnostic with the places of its labels, in their order.
#[derive(Clone, Debug)]
pub struct Located<'a> {
    /// The diagnostic.
    pub diagnostic: &'a Diagnostic,
    /// A place for each label.
    pub places: Vec<LocatedPlace<'a>>,
}

/// A place in a file.
#[derive(Clone, Debug)]
pub struct LocatedPlace<'a> {
    /// The file.
    pub path: &'a Path,
    /// Its text; `None` if it can't be read.
    pub text: Option<&'a str>,
    /// The bytes from the file's beginning, within the text.
    pub range: Range<usize>,
}

/// The diagnostics with their places.
pub fn locate<'a>(db: &'a dyn Db, diagnostics: &'a [Diagnostic]) -> Vec<Located<'a>> {
    let located = |place: Place| {
        let (file, range) = resolve(db, place);
        LocatedPlace { path: file.path(db), text: file.text(db).as_deref().ok(), range }
    };
    let places = |diagnostic: &Diagnostic| diagnostic.labels.iter().map(|label| located(label.place)).collect();
    diagnostics.iter().map(|diagnostic| Located { diagnostic, places: places(diagnostic) }).collect()
}

/// Where a place is: its file, and the bytes from the file's beginning, within the text.
///
/// An item that is no longer there, or a file that can't be read, leaves an empty range.
pub fn resolve(db: &dyn Db, place: Place) -> (SourceFile, Range<usize>) {
    let file = place.item.file(db);
    let text: &str = file.text(db).as_deref().unwrap_or_default();
    let start = offset(db, place.item);
    let clamp = |at: u32| {
        let mut at = (start.saturating_add(at) as usize).min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (start, end) = (clamp(place.span.start), clamp(place.span.end));
    (file, start..end.max(start))
}

/// The line and the column, in characters and both from 1, of a place's beginning.
pub fn begin(db: &dyn Db, place: Place) -> (usize, usize) {
    let (file, range) = resolve(db, place);
    line_column(file.text(db).as_deref().unwrap_or_default(), range.start)
}

/// The line and the column, in characters and both from 1, of a byte of a text.
pub fn line_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

/// A file's path as it is shown: on one line, without what a terminal acts on, and with a sign in the place of what is no Unicode.
pub fn show_path(path: &Path, base: &Path) -> String {
    printable(&path.strip_prefix(base).unwrap_or(path).display().to_string()).into_owned()
}
