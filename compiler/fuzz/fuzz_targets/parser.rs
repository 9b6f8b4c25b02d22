//! Parsing and formatting any text: nothing panics, errors lie within the text, formatting keeps the spec and is idempotent.
#![no_main]

use libfuzzer_sys::fuzz_target;
use qnn::syntax::{Parsed, format, parse};

/// The trees without their spans, as Rust shows them.
fn trees(parsed: &Parsed) -> String {
    let debug = format!("{:?}{}", parsed.items.iter().map(|i| &i.item).collect::<Vec<_>>(), parsed.docs);
    let mut out = String::new();
    let mut rest = debug.as_str();
    while let Some((before, after)) = rest.split_once("Span {") {
        out.push_str(before);
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    out + rest
}

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let parsed = parse(&text);
    for error in &parsed.errors {
        assert!(text.get(error.span.start as usize..error.span.end as usize).is_some(), "{error:?}");
        if let Some((span, _)) = &error.secondary {
            assert!(text.get(span.start as usize..span.end as usize).is_some(), "{error:?}");
        }
        assert!(!error.message.is_empty());
    }
    for item in &parsed.items {
        assert!(text.get(item.start as usize..item.end as usize).is_some());
    }
    match format(&text) {
        Err(errors) => assert_eq!(errors, parsed.errors),
        Ok(once) => {
            let again = parse(&once);
            assert!(again.errors.is_empty(), "formatting broke it:\n{once}");
            assert_eq!(trees(&parsed), trees(&again), "formatting changed it:\n{once}");
            assert_eq!(format(&once).as_deref(), Ok(once.as_str()), "formatting is not idempotent");
        }
    }
});
