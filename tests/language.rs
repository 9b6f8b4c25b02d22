//! The reference manual and the pages beside it are true: every example in it compiles, and says nothing but what its fence announces.

mod support;

use qnn::check::spec::{Question, question, verifiable};
use qnn::db::{Database, SourceFile};
use std::fmt::Write as _;
use std::path::Path;
use support::fixtures::Fixtures;
use support::{SPEC, blocks, check, read};

#[test]
fn the_examples_of_pages_compile() {
    let mut wrong = String::new();
    for page in ["docs/language.md", "docs/coming-from.md", "docs/beyond.md"] {
        let blocks = blocks(&read(page));
        assert!(!blocks.is_empty());
        for block in blocks {
            let said = block.check();
            if said.codes != block.announced() {
                let _ = writeln!(wrong, "{page}:{}: expected {:?}\n{}", block.line, block.announced(), said.text);
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// The codes that a spec gives rise to.
fn codes(spec: &str) -> Vec<&'static str> {
    let said = check(spec, 0);
    println!("{}", said.text);
    said.codes
}

/// A spec in a database of its own.
fn checked(spec: &str) -> (Database, SourceFile) {
    let mut db = Database::new(Fixtures);
    let file = db.set_text(Path::new(SPEC), spec.into());
    (db, file)
}

include!("language/text.rs");
include!("language/measures.rs");
include!("language/convolutions.rs");
include!("language/operations.rs");
include!("language/ranges.rs");
