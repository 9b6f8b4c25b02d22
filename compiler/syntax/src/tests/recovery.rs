//! Broken texts: nothing panics, and what is whole survives.

use super::*;
use std::collections::HashSet;

/// The items whose text a change at `at` doesn't touch, with a byte to spare on either side.
fn untouched(parsed: &Parsed, at: usize) -> Vec<&super::super::ParsedItem> {
    parsed.items.iter().filter(|i| at + 1 < i.start as usize || at > i.end as usize).collect()
}

#[test]
fn deleting_any_byte_leaves_the_other_items() {
    let whole = good(RICH);
    for at in 0..RICH.len() {
        let mut bytes = RICH.as_bytes().to_vec();
        bytes.remove(at);
        let Ok(text) = String::from_utf8(bytes) else { continue };
        let parsed = parse(&text);
        for expected in untouched(&whole, at) {
            // Without the end of its line, a `///` comment swallows an item and becomes the next one's.
            let joined = RICH.as_bytes()[at] == b'\n' && parsed.items.iter().any(|i| i.item.docs.contains("enum"));
            assert!(
                parsed.items.iter().any(|i| i.item == expected.item || joined && name(&i.item) == name(&expected.item)),
                "{} is lost after deleting byte {at}:\n{}",
                name(&expected.item),
                &text[at.saturating_sub(60)..(at + 60).min(text.len())]
            );
        }
    }
}

#[test]
fn truncating_anywhere_leaves_the_items_before() {
    let whole = good(RICH);
    for at in (0..RICH.len()).filter(|at| RICH.is_char_boundary(*at)) {
        let parsed = parse(&RICH[..at]);
        for expected in whole.items.iter().filter(|i| i.end as usize <= at) {
            assert!(parsed.items.contains(expected), "{} is lost after truncating at {at}", name(&expected.item));
        }
    }
}

#[test]
fn every_error_of_a_deletion_is_a_sentence_within_the_text() {
    let mut seen = HashSet::new();
    for at in 0..RICH.len() {
        let mut bytes = RICH.as_bytes().to_vec();
        bytes.remove(at);
        let Ok(text) = String::from_utf8(bytes) else { continue };
        for e in parse(&text).errors {
            assert!(e.span.start <= e.span.end && e.span.end as usize <= text.len());
            assert!(text.is_char_boundary(e.span.start as usize) && text.is_char_boundary(e.span.end as usize));
            assert!(!e.message.is_empty() && !e.message.ends_with('.'));
            assert!(!e.message.contains("something else"), "{}", show_errors(&text, &[e]));
            seen.insert(e.code);
        }
    }
    assert!(seen.len() > 8, "{seen:?}");
}
