//! What the tests of specs share: files that exist in memory only, and diagnostics as a reader sees them.

#![allow(dead_code, reason = "no test uses all of it")]

pub mod fixtures;

use codespan_reporting::diagnostic as shown;
use codespan_reporting::files::SimpleFile;
use codespan_reporting::term;
use fixtures::Fixtures;
use qnn::check::spec::diagnostics;
use qnn::db::{Database, Db, offset};
use qnn::diagnostic::{Diagnostic, Severity};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a checked text pretends to be; the fixtures lie beside it.
pub const SPEC: &str = "/specs/spec.qnn";

/// What the compiler says about a spec: the codes, and all of it as a terminal shows it.
pub struct Said {
    /// The code of each diagnostic, in order.
    pub codes: Vec<&'static str>,
    /// The diagnostics as text.
    pub text: String,
}

/// Checks a spec, with the fixtures beside it. `hidden` bytes at its start are a prelude that a reader does not see.
pub fn check(spec: &str, hidden: usize) -> Said {
    let mut db = Database::new(Fixtures);
    let file = db.set_text(Path::new(SPEC), Arc::from(spec));
    let all = diagnostics(&db, file);
    // What a prelude holds need not be used by every example.
    let in_prelude = |d: &Diagnostic| {
        let place = d.labels[0].place;
        d.severity != Severity::Error && ((offset(&db, place.item) + place.span.start) as usize) < hidden
    };
    let all: Vec<Diagnostic> = all.iter().filter(|d| !in_prelude(d)).cloned().collect();
    let text = all.iter().map(|d| render(&db, spec, hidden, d)).collect();
    Said { codes: all.iter().map(|d| d.code).collect(), text }
}

/// A diagnostic as the terminal shows it, without colours. Labels in the prelude keep their text and lose their place.
fn render(db: &Database, spec: &str, hidden: usize, diagnostic: &Diagnostic) -> String {
    let file = SimpleFile::new("spec.qnn", &spec[hidden..]);
    let severity = match diagnostic.severity {
        Severity::Error => shown::Severity::Error,
        Severity::Warning => shown::Severity::Warning,
        Severity::Note => shown::Severity::Note,
    };
    let source = db.source(Path::new(SPEC));
    let mut labels = Vec::new();
    let mut notes = Vec::new();
    for (index, label) in diagnostic.labels.iter().enumerate() {
        let item = label.place.item;
        let start = (offset(db, item) + label.place.span.start) as usize;
        let end = (offset(db, item) + label.place.span.end) as usize;
        if item.file(db) != source || start < hidden {
            notes.push(format!("elsewhere: {}", label.message));
            continue;
        }
        assert!(start <= end && end <= spec.len(), "{}: a label outside the text", diagnostic.code);
        assert!(
            spec.is_char_boundary(start) && spec.is_char_boundary(end),
            "{}: a label within a character",
            diagnostic.code
        );
        let style = if index == 0 { shown::LabelStyle::Primary } else { shown::LabelStyle::Secondary };
        labels.push(shown::Label::new(style, (), start - hidden..end - hidden).with_message(&label.message));
    }
    notes.extend(diagnostic.notes.iter().cloned());
    notes.extend(diagnostic.help.iter().map(|help| format!("help: {help}")));
    let shown = shown::Diagnostic::new(severity)
        .with_code(diagnostic.code)
        .with_message(&diagnostic.message)
        .with_labels(labels)
        .with_notes(notes);
    term::emit_into_string(&term::Config::default(), &file, &shown).expect("labels lie within the text")
}

/// A block of code of a Markdown page.
pub struct Block {
    /// What stands after the three backticks, split at the commas.
    pub info: Vec<String>,
    /// The text between the fences.
    pub text: String,
    /// The prelude in force: the last `<!-- setup … -->` comment before it.
    pub setup: String,
    /// The line of the page on which the text begins, from 1.
    pub line: usize,
}

/// The fenced blocks of a page that hold a spec.
pub fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut setup = String::new();
    let mut lines = page.lines().enumerate();
    while let Some((_, line)) = lines.next() {
        if let Some(first) = line.strip_prefix("<!-- setup") {
            setup.clear();
            if !first.trim_end().ends_with("-->") {
                for (_, line) in lines.by_ref().take_while(|(_, line)| line.trim() != "-->") {
                    setup.push_str(line);
                    setup.push('\n');
                }
            }
            continue;
        }
        let Some(info) = line.strip_prefix("```") else { continue };
        let info: Vec<String> = info.split(',').map(|word| word.trim().to_owned()).collect();
        let mut text = String::new();
        let mut first = 0;
        for (number, line) in lines.by_ref().take_while(|(_, line)| !line.starts_with("```")) {
            first = if first == 0 { number + 1 } else { first };
            text.push_str(line);
            text.push('\n');
        }
        if info[0] == "qnn" {
            blocks.push(Block { info, text, setup: setup.clone(), line: first });
        }
    }
    blocks
}

impl Block {
    /// What the compiler says about the block, after its prelude.
    pub fn check(&self) -> Said {
        check(&format!("{}{}", self.setup, self.text), self.setup.len())
    }

    /// The codes that its fence announces.
    pub fn announced(&self) -> Vec<&str> {
        self.info.iter().map(String::as_str).filter(|w| is_code(w)).collect()
    }
}

/// Whether a word is the code of a diagnostic.
pub fn is_code(word: &str) -> bool {
    word.len() == 5 && word.starts_with(['E', 'W']) && word[1..].bytes().all(|b| b.is_ascii_digit())
}

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the crate lies in the workspace").to_owned()
}

/// A file of the repository.
pub fn read(path: &str) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
