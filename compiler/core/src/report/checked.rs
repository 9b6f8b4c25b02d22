//! What `qnn check --json` prints: the diagnostics of specs with their places, as plain data.
//!
//! In: specs in a database and their diagnostics. Out: values that serialise as `docs/check.schema.json` says, which is made from these types. Invariant: a
//! field is never renamed or given another meaning without raising [`VERSION`].

use super::locate::{line_column, resolve, show_path};
use crate::db::Db;
use crate::diagnostic::{Diagnostic, Fix, Label, Place, Severity};
use serde::Serialize;
use std::path::Path;

/// The version of [`Checked`]'s serialised form.
pub const VERSION: u32 = 1;

/// What the check of some specs found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Checked {
    /// Raised when a field is renamed or gets another meaning.
    #[cfg_attr(feature = "schema", schemars(extend("const" = VERSION)))]
    pub version: u32,
    /// The version of qnn.
    pub qnn: String,
    /// The exit code: 3 if there is an error, else 0.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = [0, 3])))]
    pub exit: u8,
    /// The specs in the order in which they were named or found.
    pub specs: Vec<CheckedSpec>,
}

/// What the check of a spec found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CheckedSpec {
    /// Its path as seen from the folder of the run; `<stdin>` for standard input.
    pub spec: String,
    /// How many of its diagnostics are errors.
    pub errors: usize,
    /// How many of its diagnostics are warnings.
    pub warnings: usize,
    /// How many properties and measures it has.
    pub properties: usize,
    /// How many instances these have.
    pub instances: usize,
    /// The diagnostics of the spec and of the files that it uses.
    pub diagnostics: Vec<CheckedDiagnostic>,
}

/// A diagnostic with its places in lines and columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CheckedDiagnostic {
    /// How grave it is.
    pub severity: Severity,
    /// The stable code, which `qnn explain` explains.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = r"^[EW][0-9]{4}$")))]
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// Where: the primary place first. Empty where there is no text to point at.
    pub labels: Vec<PlacedLabel>,
    /// Why it matters.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Option<String>,
    /// Changes that an editor can make.
    pub fixes: Vec<PlacedFix>,
}

/// A place with a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlacedLabel {
    /// The place.
    #[serde(flatten)]
    pub range: TextRange,
    /// Whether it is the place that the diagnostic is about.
    pub primary: bool,
    /// What is said of the place; may be empty.
    pub message: String,
}

/// A change of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlacedFix {
    /// The range that is replaced.
    #[serde(flatten)]
    pub range: TextRange,
    /// What the change does.
    pub title: String,
    /// What the range is replaced by.
    pub replacement: String,
}

/// A range of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TextRange {
    /// The file, as seen from the folder of the run.
    pub file: String,
    /// The first character.
    pub start: Position,
    /// The first character past the end.
    pub end: Position,
    /// The first byte, and the first byte past the end, from the beginning of the file.
    pub bytes: (usize, usize),
}

/// A position in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Position {
    /// The line, from 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub line: usize,
    /// The column in characters, from 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub column: usize,
}

impl Checked {
    /// What was found in some specs, with the exit code of the run.
    pub fn new(specs: Vec<CheckedSpec>, exit: u8) -> Checked {
        Checked { version: VERSION, qnn: env!("CARGO_PKG_VERSION").to_owned(), exit, specs }
    }
}

impl CheckedDiagnostic {
    /// A diagnostic with its places. Paths below `base` are shown relative to it.
    pub fn new(db: &dyn Db, diagnostic: &Diagnostic, base: &Path) -> CheckedDiagnostic {
        let label = |(index, label): (usize, &Label)| PlacedLabel {
            range: TextRange::new(db, label.place, base),
            primary: index == 0,
            message: label.message.clone(),
        };
        let fix = |fix: &Fix| PlacedFix {
            range: TextRange::new(db, fix.place, base),
            title: fix.title.clone(),
            replacement: fix.replacement.clone(),
        };
        CheckedDiagnostic {
            severity: diagnostic.severity,
            code: diagnostic.code.to_owned(),
            message: diagnostic.message.clone(),
            labels: diagnostic.labels.iter().enumerate().map(label).collect(),
            notes: diagnostic.notes.clone(),
            help: diagnostic.help.clone(),
            fixes: diagnostic.fixes.iter().map(fix).collect(),
        }
    }
}

impl TextRange {
    fn new(db: &dyn Db, place: Place, base: &Path) -> TextRange {
        let (file, range) = resolve(db, place);
        let text: &str = file.text(db).as_deref().unwrap_or_default();
        let position = |at: usize| {
            let (line, column) = line_column(text, at);
            Position { line, column }
        };
        TextRange {
            file: show_path(file.path(db), base),
            start: position(range.start),
            end: position(range.end),
            bytes: (range.start, range.end),
        }
    }
}
