//! What can be folded: items, blocks, comments, runs of `use`.

use super::text;
use crate::db::{Db, SourceFile};
use qnn_syntax::Span;
use qnn_syntax::lexer::scan;
use qnn_syntax::split_items::split;

/// What a fold is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoldKind {
    /// Code.
    Code,
    /// A comment of several lines.
    Comment,
    /// Several `use`.
    Imports,
}

/// The folds of a file: spans of several lines, in order. Broken text folds too.
pub fn folds(db: &dyn Db, file: SourceFile) -> Vec<(Span, FoldKind)> {
    let source = text(db, file);
    let scan = scan(source);
    let lines = |span: Span| source.get(span.start as usize..span.end as usize).is_some_and(|t| t.contains('\n'));
    let mut all: Vec<(Span, FoldKind)> = Vec::new();
    let mut imports: Option<Span> = None;
    for piece in split(source, &scan) {
        let Some(keyword) = piece.keyword.and_then(|k| scan.tokens.get(k)) else { continue };
        let Some(last) = piece.last.checked_sub(1).and_then(|l| scan.tokens.get(l)) else { continue };
        let span = Span::new(keyword.start, last.end);
        if keyword.text(source) == "use" {
            imports = Some(imports.map_or(span, |first| first.to(span)));
            continue;
        }
        if let Some(span) = imports.take() {
            all.push((span, FoldKind::Imports));
        }
        all.push((span, FoldKind::Code));
    }
    all.extend(imports.map(|span| (span, FoldKind::Imports)));
    let mut open: Vec<(u32, &str)> = Vec::new();
    for token in &scan.tokens {
        match token.text(source) {
            word @ ("{" | "[" | "(") => open.push((token.start, word)),
            word @ ("}" | "]" | ")") => {
                let matching = match word {
                    "}" => "{",
                    "]" => "[",
                    _ => "(",
                };
                if let Some(at) = open.iter().rposition(|(_, w)| *w == matching) {
                    all.push((Span::new(open[at].0, token.end), FoldKind::Code));
                    open.truncate(at);
                }
            }
            _ => {}
        }
    }
    // Comments one below the other, with nothing between.
    let mut run: Option<Span> = None;
    for comment in &scan.comments {
        let span = Span::new(comment.start, comment.end);
        let adjoins = |before: Span| {
            let between = source.get(before.end as usize..span.start as usize).unwrap_or("x");
            between.trim().is_empty() && between.matches('\n').count() == 1
        };
        run = match run {
            Some(before) if adjoins(before) => Some(before.to(span)),
            before => {
                all.extend(before.map(|span| (span, FoldKind::Comment)));
                Some(span)
            }
        };
    }
    all.extend(run.map(|span| (span, FoldKind::Comment)));
    all.retain(|(span, _)| lines(*span));
    all.sort_by_key(|(span, _)| (span.start, std::cmp::Reverse(span.end)));
    all.dedup_by_key(|(span, _)| *span);
    all
}
