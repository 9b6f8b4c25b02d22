//! Growing selections: the word, the expressions and types around it, the item, the file.

use super::{item_at, moved, text};
use crate::db::{Db, SourceFile, tree};
use qnn_syntax::Span;
use qnn_syntax::lexer::scan;
use qnn_syntax::walk::{self, Visit};

/// The spans around an offset, the smallest first, each within the next.
pub fn around(db: &dyn Db, file: SourceFile, offset: u32) -> Vec<Span> {
    let source = text(db, file);
    let mut all = vec![Span::new(0, source.len() as u32)];
    let scan = scan(source);
    all.extend(scan.tokens.iter().map(|t| Span::new(t.start, t.end)).find(|s| s.start <= offset && offset < s.end));
    all.extend(scan.comments.iter().map(|c| Span::new(c.start, c.end)).filter(|s| super::touches(*s, offset)));
    // A cursor behind a word means the word.
    let behind = scan.tokens.iter().map(|t| Span::new(t.start, t.end)).find(|s| s.end == offset);
    if all.len() == 1 {
        all.extend(behind);
    }
    if let Some((item, start)) = item_at(db, file, offset)
        && let Some(tree) = tree(db, item)
    {
        let mut add = |span: Span| {
            let span = moved(span, start);
            if super::touches(span, offset) {
                all.push(span);
            }
        };
        add(tree.span);
        tree.attributes.iter().for_each(|a| add(a.span));
        walk::item(tree, &mut |visit| match visit {
            Visit::Expr(e) => add(e.span),
            Visit::Type(t) => add(t.span),
        });
    }
    // Brackets and what they hold, also in broken text.
    let mut open: Vec<u32> = Vec::new();
    for token in &scan.tokens {
        match token.text(source) {
            "{" | "[" | "(" => open.push(token.start),
            "}" | "]" | ")" => {
                if let Some(first) = open.pop()
                    && first < offset
                    && offset < token.end
                {
                    all.push(Span::new(first, token.end));
                    all.push(Span::new(first + 1, token.start));
                }
            }
            _ => {}
        }
    }
    all.retain(|s| super::touches(*s, offset) && s.start < s.end || s.end == source.len() as u32);
    all.sort_by_key(|s| (s.end - s.start, s.start));
    all.dedup();
    // Each must hold the one before it.
    let mut nested: Vec<Span> = Vec::new();
    for span in all {
        if nested.last().is_none_or(|inner| span.start <= inner.start && inner.end <= span.end) {
            nested.push(span);
        }
    }
    nested
}
