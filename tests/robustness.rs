//! No text, however broken, makes the checker panic or dawdle.

mod support;

use support::{check, read};

#[test]
fn the_whole_rich_spec_is_clean() {
    let said = check(&read("tests/fixtures/rich.qnn"), 0);
    assert!(said.codes.is_empty(), "{}", said.text);
}
