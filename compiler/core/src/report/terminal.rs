//! Diagnostics as text for a terminal: the source with the places underlined, the reason, what to do.
//!
//! In: diagnostics with their places in texts. Out: text, with or without colours, and without anything else that a terminal acts on. Nothing is printed
//! here.

use super::locate::{Located, show_path};
use crate::diagnostic::{Diagnostic, Severity, printable_lines};
use codespan_reporting::diagnostic as codespan;
use codespan_reporting::files::SimpleFiles;
use codespan_reporting::term::termcolor::Buffer;
use codespan_reporting::term::{self, Config};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// How diagnostics are shown.
#[derive(Clone, Copy, Debug)]
pub struct Style<'a> {
    /// With ANSI colours.
    pub color: bool,
    /// Paths below this folder are shown relative to it.
    pub base: &'a Path,
}

/// The diagnostics, one after another, each with an empty line after it.
pub fn render(diagnostics: &[Located<'_>], style: Style<'_>) -> String {
    let mut files = SimpleFiles::<String, Arc<str>>::new();
    let mut known: HashMap<&Path, usize> = HashMap::new();
    let mut buffer = if style.color { Buffer::ansi() } else { Buffer::no_color() };
    for Located { diagnostic, places } in diagnostics {
        let mut labels = Vec::new();
        for (index, (label, place)) in diagnostic.labels.iter().zip(places).enumerate() {
            // Without a text there is nothing to underline; the message names the file.
            let Some(text) = place.text else { continue };
            let id = *known
                .entry(place.path)
                .or_insert_with(|| files.add(show_path(place.path, style.base), printable_lines(text).into()));
            let kind = if index == 0 { codespan::LabelStyle::Primary } else { codespan::LabelStyle::Secondary };
            let shown = codespan::Label::new(kind, id, place.range.clone());
            labels.push(shown.with_message(printable_lines(&label.message)));
        }
        let shown = codespan::Diagnostic::new(match diagnostic.severity {
            Severity::Error => codespan::Severity::Error,
            Severity::Warning => codespan::Severity::Warning,
            Severity::Note => codespan::Severity::Note,
        })
        .with_code(diagnostic.code)
        .with_message(printable_lines(&diagnostic.message))
        .with_labels(labels)
        .with_notes(notes(diagnostic));
        // Only writing can fail, as all ranges are within their texts; and memory takes everything.
        let _ = term::emit_to_write_style(&mut buffer, &Config::default(), &files, &shown);
    }
    String::from_utf8_lossy(buffer.as_slice()).into_owned()
}

/// The reasons, what to do, and the changes that the help does not already name.
fn notes(diagnostic: &Diagnostic) -> Vec<String> {
    let mut notes = diagnostic.notes.clone();
    notes.extend(diagnostic.help.iter().map(|help| format!("help: {help}")));
    let others = diagnostic.fixes.iter().filter(|fix| diagnostic.help.as_ref() != Some(&fix.title));
    notes.extend(others.map(|fix| format!("fix: {}", fix.title)));
    notes.iter().map(|note| printable_lines(note).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::locate::locate;
    use super::*;
    use crate::check::spec::diagnostics;
    use crate::db::{BytesContent, Database, Db, FileSystem};
    use crate::files::FileError;

    /// One spec and nothing else.
    struct Only(&'static str);

    impl FileSystem for Only {
        fn text(&self, path: &Path) -> Result<Arc<str>, FileError> {
            if path.ends_with("spec.qnn") { Ok(self.0.into()) } else { Err(FileError::new("does not exist")) }
        }

        fn bytes(&self, _: &Path) -> BytesContent {
            BytesContent::Problem(FileError::new("does not exist"))
        }
    }

    fn shown(text: &'static str, color: bool) -> String {
        let db = Database::new(Only(text));
        let file = db.source(Path::new("/specs/spec.qnn"));
        render(&locate(&db, diagnostics(&db, file)), Style { color, base: Path::new("/specs") })
    }

    #[test]
    fn places_are_relative_to_items_but_shown_in_the_file() {
        insta::assert_snapshot!(shown(
            "// A comment before.\nconst three = 3;\n\nnetwork n(x: uint<4>[2]) -> int<8>[1] {\n    dense(x, [[1, 2, 3]]) as int<8>\n}\n",
            false
        ));
    }

    #[test]
    fn syntax_errors_stand_beside_others() {
        insta::assert_snapshot!(shown("type A = fixed<8>;\nproperty p = forall x: A x == 0;\n", false));
    }

    #[test]
    fn a_data_file_that_is_missing() {
        insta::assert_snapshot!(shown("dataset test {\n    x: uint<4>[2] from \"tést.npy\" raw;\n}\n", false));
    }

    #[test]
    fn colours_are_ansi() {
        assert!(shown("type A = fixed<8>;\n", true).contains("\x1b["));
    }

    #[test]
    fn an_unreadable_spec_has_no_source_to_show() {
        let db = Database::new(Only(""));
        let file = db.source(Path::new("/specs/other.qnn"));
        let text = render(&locate(&db, diagnostics(&db, file)), Style { color: false, base: Path::new("/specs") });
        insta::assert_snapshot!(text);
    }
}
