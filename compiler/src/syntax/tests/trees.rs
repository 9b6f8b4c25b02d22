//! Trees.
use super::*;

#[test]
fn the_rich_spec_parses() {
    let parsed = good(RICH);
    assert_eq!(names(&parsed).len(), 21);
}
