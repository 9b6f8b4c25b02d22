//! The reference manual is true: every example in it compiles, and says nothing but what its fence announces.

mod support;

use std::fmt::Write as _;
use support::{blocks, check, read};

#[test]
fn the_manuals_examples_compile() {
    let mut wrong = String::new();
    let blocks = blocks(&read("docs/language.md"));
    assert!(!blocks.is_empty());
    for block in blocks {
        let said = block.check();
        if said.codes != block.announced() {
            let _ = writeln!(wrong, "language.md:{}: expected {:?}\n{}", block.line, block.announced(), said.text);
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

include!("language/features.rs");
