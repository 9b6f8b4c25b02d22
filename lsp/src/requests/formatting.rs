//! `textDocument/formatting`, `…/rangeFormatting`, `…/onTypeFormatting`
//!
//! The formatter lays out whole files. Of its changes, a range takes those that touch it; typing `;` or `}` those of the item that it ends.

use super::Target;
use crate::answering::refused;
use crate::convert::text;
use crate::snapshot::Snapshot;
use qnn::db::parsed;
use qnn::syntax::{Span, format};
use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::{Position, Range, TextEdit};

/// What is formatted.
pub enum What {
    /// The file.
    All,
    /// The lines of a range.
    Range(Range),
    /// The item that ends before a position.
    ItemBefore(Position),
}

pub fn answer(snapshot: &Snapshot, what: &What) -> Result<Option<Vec<TextEdit>>> {
    let target = Target::of(snapshot)?;
    let source = text(&snapshot.db, target.file);
    let Ok(formatted) = format(source) else {
        // An explicit request is refused with a reason; formatting while typing does nothing.
        return match (what, parsed(&snapshot.db, target.file).errors.first()) {
            (What::All | What::Range(_), Some(error)) => {
                let at = target.lines.position(error.span.start);
                Err(refused(format!(
                    "the spec is not formatted, because line {}, column {} can't be parsed: {}",
                    at.line + 1,
                    at.character + 1,
                    error.message
                )))
            }
            _ => Ok(None),
        };
    };
    let within = match what {
        What::All => Span::new(0, source.len() as u32),
        What::Range(range) => target.lines.span(*range),
        What::ItemBefore(position) => {
            let offset = target.offset(*position);
            let items = &parsed(&snapshot.db, target.file).items;
            match items.iter().find(|item| item.start <= offset && offset <= item.end) {
                // Within an item nothing is moved while it is being written.
                Some(item) if item.end == offset => Span::new(item.start, item.end),
                _ => return Ok(None),
            }
        }
    };
    let edits = changes(source, &formatted).into_iter();
    let edits = edits.filter(|(span, _)| span.start <= within.end && within.start <= span.end);
    Ok(Some(edits.map(|(span, new_text)| TextEdit { range: target.lines.range(span), new_text }).collect()))
}

/// The lines of one text that another has otherwise: spans of the first with what stands there in the second.
fn changes(from: &str, to: &str) -> Vec<(Span, String)> {
    let mut all = Vec::new();
    let (old, new): (Vec<&str>, Vec<&str>) = (from.split_inclusive('\n').collect(), to.split_inclusive('\n').collect());
    let starts: Vec<u32> = std::iter::once(0)
        .chain(old.iter().scan(0u32, |at, line| {
            *at += line.len() as u32;
            Some(*at)
        }))
        .collect();
    let diff = similar::capture_diff_slices(similar::Algorithm::Myers, &old, &new);
    for op in diff {
        let (tag, old_range, new_range) = op.as_tag_tuple();
        if tag != similar::DiffTag::Equal {
            let at = |line: usize| starts.get(line).copied().unwrap_or(from.len() as u32);
            all.push((Span::new(at(old_range.start), at(old_range.end)), new[new_range].concat()));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_make_one_text_of_the_other() {
        for (from, to) in [("a\nb\nc", "a\nB\nc\n"), ("", "x\n"), ("x\n", ""), ("a\n\n\nb\n", "a\n\nb\n"), ("a", "a")] {
            let mut text = from.to_owned();
            for (span, new) in changes(from, to).into_iter().rev() {
                text.replace_range(span.start as usize..span.end as usize, &new);
            }
            assert_eq!(text, to);
        }
    }
}
