//! Tests of parsing, each as a reader would see it.

use super::ast::{Item, ItemKind};
use super::{Parsed, SyntaxError, parse};

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
