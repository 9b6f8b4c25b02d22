//! Tests of parsing, each as a reader would see it.

use super::ast::{Item, ItemKind};
use super::{Parsed, SyntaxError, parse};

mod errors;
mod keywords;
mod limits;
mod pages;
mod print;
mod recovery;
mod trees;

/// A spec with every construct of the language.
pub const RICH: &str = include_str!("rich.qnn");

/// A text that must parse without an error.
pub fn good(text: &str) -> Parsed {
    let parsed = parse(text);
    assert!(parsed.errors.is_empty(), "{}", show_errors(text, &parsed.errors));
    parsed
}

/// The errors as a terminal would show them: the line, the range underlined, what is said about it.
pub fn show_errors(text: &str, errors: &[SyntaxError]) -> String {
    let mut out = String::new();
    for error in errors {
        out.push_str(&format!("error[{}]: {}\n", error.code, error.message));
        underline(text, error.span.start, error.span.end, '^', &error.label, &mut out);
        if let Some((span, label)) = &error.secondary {
            underline(text, span.start, span.end, '-', label, &mut out);
        }
        if let Some(help) = &error.help {
            out.push_str(&format!("  help: {help}\n"));
        }
    }
    out
}

fn underline(text: &str, start: u32, end: u32, mark: char, label: &str, out: &mut String) {
    let (start, end) = (start as usize, end as usize);
    let line_start = text[..start].rfind('\n').map_or(0, |n| n + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |n| start + n);
    let column = text[line_start..start].chars().count();
    let length = text[start..end.min(line_end)].chars().count().max(1);
    let marks: String = std::iter::repeat_n(mark, length).collect();
    out.push_str(&format!("  | {}\n  | {}{marks} {label}\n", &text[line_start..line_end], " ".repeat(column)));
}

/// The items that a text has, by name and kind.
pub fn names(parsed: &Parsed) -> Vec<String> {
    parsed.items.iter().map(|i| name(&i.item)).collect()
}

fn name(item: &Item) -> String {
    match &item.kind {
        ItemKind::Use(file) => format!("use {}", file.text),
        _ => item.name().map(|n| n.text.to_string()).unwrap_or_default(),
    }
}

/// A spec's trees without their spans, to compare two layouts.
pub fn modulo_spans(parsed: &Parsed) -> String {
    let items: Vec<_> = parsed.items.iter().map(|i| &i.item).collect();
    format!("{}\n{}", without_spans(&items), parsed.docs)
}

/// A tree as Rust shows it, without its spans.
pub fn without_spans(tree: &impl std::fmt::Debug) -> String {
    let debug = format!("{tree:?}");
    let mut out = String::new();
    let mut rest = debug.as_str();
    while let Some(at) = rest.find("Span {") {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        rest = after.split_once('}').map_or("", |(_, r)| r);
    }
    out.push_str(rest);
    out
}

/// Formats a spec, and checks that its trees are the same and that formatting again changes nothing.
pub fn check_format(text: &str) -> String {
    let once = super::format(text).unwrap_or_else(|e| panic!("{}\n{text}", show_errors(text, &e)));
    let same = modulo_spans(&good(text)) == modulo_spans(&good(&once));
    assert!(same, "the spec changed:\n{text}\n---\n{once}");
    let twice = super::format(&once).unwrap_or_default();
    assert!(once == twice, "not the same again:\n{text}\n--- once\n{once}\n--- twice\n{twice}");
    once
}
