//! `textDocument/foldingRange`

use super::Target;
use crate::snapshot::Snapshot;
use qnn::ide::folding::{FoldKind, folds};
use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::{FoldingRange, FoldingRangeKind};

pub fn answer(snapshot: &Snapshot) -> Result<Option<Vec<FoldingRange>>> {
    let target = Target::of(snapshot)?;
    let all = folds(&snapshot.db, target.file).into_iter().map(|(span, kind)| {
        let range = target.lines.range(span);
        FoldingRange {
            start_line: range.start.line,
            start_character: Some(range.start.character),
            end_line: range.end.line,
            end_character: Some(range.end.character),
            kind: match kind {
                FoldKind::Code => None,
                FoldKind::Comment => Some(FoldingRangeKind::Comment),
                FoldKind::Imports => Some(FoldingRangeKind::Imports),
            },
            collapsed_text: None,
        }
    });
    Ok(Some(all.collect()))
}
